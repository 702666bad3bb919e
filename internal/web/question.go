package web

import (
	"regexp"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/lifecycle"
)

// question is one of the agreement's, as a field to write the answer into.
type question struct {
	Name, Label, Ask string
	Kind             string // yes, number, choice, date, text
	Answer           string // in words, "" for not answered
	Given            string // the same, as the field has it
	Choices          []questionChoice
	Raises           int // the level that its answer leads to, 0 for none
	Clause           string
	Place            string // of the page, where it is asked twice on it
}

type questionChoice struct {
	Value, Words string
	Chosen       bool
}

// level is one of the readiness.
type level struct {
	Level      int
	Definition string
	Reached    bool
	Next       bool
	Missing    string // of the next: what to ask for it
	Clause     string
}

// questions are all that the agreement asks, with what is answered.
func questions(plan *agreement.Plan, l *lifecycle.Lead) (list []question) {
	for i := range plan.Questions {
		q := &plan.Questions[i]
		f := question{Name: q.Name, Label: document.Title(q.Name), Ask: q.Ask, Kind: "text", Clause: q.Address}
		if i < len(l.Answers) && l.Answers[i].Known() {
			f.Answer, f.Given = answerWords(l.Answers[i]), l.Answers[i].String()
		}
		switch q.Kind {
		case agreement.Boolean:
			f.Kind = "choice"
			f.Choices = []questionChoice{{"yes", "Yes", f.Answer == "yes"}, {"no", "No", f.Answer == "no"}}
		case agreement.Number:
			f.Kind = "number"
		case agreement.Date:
			f.Kind = "date"
		default:
			for _, c := range q.Choices {
				f.Kind = "choice"
				f.Choices = append(f.Choices, questionChoice{c, document.Title(c), f.Given == c})
			}
		}
		for j := range plan.Readiness {
			if r := &plan.Readiness[j]; r.When != nil && mentions(r.When.Source, q.Name) {
				f.Raises = r.Level
				break
			}
		}
		list = append(list, f)
	}
	return list
}

func mentions(condition, question string) bool {
	return regexp.MustCompile(`\banswers\.` + regexp.QuoteMeta(question) + `\b`).MatchString(condition)
}

// answerWords writes an answer for people.
func answerWords(v agreement.Value) string {
	if v.Kind == agreement.Boolean {
		if v.Num != 0 {
			return "yes"
		}
		return "no"
	}
	return spaced(v.String())
}

// levels are those of the readiness, the highest first.
func levels(plan *agreement.Plan, l *lifecycle.Lead, asked []question) (list []level) {
	next := false
	for i := range plan.Readiness {
		r := &plan.Readiness[i]
		v := level{Level: r.Level, Definition: r.Definition, Reached: r.Level <= l.Readiness, Clause: r.Address}
		if !v.Reached && !next {
			next, v.Next = true, true
			var missing []string
			for _, q := range asked {
				if q.Answer == "" && r.When != nil && mentions(r.When.Source, q.Name) {
					missing = append(missing, strings.ToLower(q.Label))
				}
			}
			if len(missing) > 0 {
				v.Missing = "still to ask: " + strings.Join(missing, ", ")
			}
		}
		list = append([]level{v}, list...)
	}
	return list
}

func (q *question) field() string { return "answer." + q.Name }

func (q *question) id(of int64) string {
	return q.Place + "answer-" + strconv.FormatInt(of, 10) + "-" + q.Name
}
