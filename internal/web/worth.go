package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/document"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// worth is whether a lead is worth the effort of sales: what the team asks itself, what may come of it, whom else it may buy from, and how
// to leave it to others.
type worth struct {
	Definition, Clause string
	Before             string // the stage that asks, in words; "" if none does
	Asked              bool   // the agreement has a sales qualification
	Ready              bool
	Finding            string // how it stands, in a sentence
	Asks               []worthAsk
	Facts              []worthFact
	Said               string // who estimated it, and when
	Return             string // what is wanted for the effort, in a sentence; "" if that is not asked
	ReturnClause       string
	ReturnState        string // "kept", "open", "short"
	Rivals             []rival
	Value, Probability string // as the fields have them
	Effort             string
	Reasons            []walkReason // to walk away; none if nobody can from here
	Left               string       // the stage that walking away leads to
	Move               string       // the transition to Before that a person takes from here, "" for none
}

// atWorth names the part of the page in forms and addresses.
const atWorth = "worth"

// worthAsk is a question of the sales qualification.
type worthAsk struct {
	question
	Definition, Needed string // what the team means, and what has to hold
	State              string // "kept", "open", "short"
	By                 string // who answered, and when
	Cited              string
}

// worthFact is a part of the estimate.
type worthFact struct{ Label, Words, Hint string }

// rival is somebody else whom the lead may buy from.
type rival struct {
	Name, Words, Definition, Strengths, Answer, Clause string
	Named                                              bool // for this lead
}

// walkReason is a reason to leave a lead to others.
type walkReason struct{ Name, Words, Definition string }

// worth tells whether a lead that sales works is worth it; nil for others. story is its timeline, newest first.
func (a *ask) worth(plan *agreement.Plan, view *lifecycle.View, at int64, asked []question, story []store.Event) *worth {
	l := view.Lead
	stage := &plan.Stages[l.Stage]
	if stage.Side != agreement.Sales || stage.Final != agreement.NotFinal {
		return nil
	}
	q := lifecycle.Qualify(plan, view, at)
	p := &worth{Asked: plan.Worth != nil, Value: plainNumber(q.Value), Effort: plainNumber(q.Effort)}
	if l.Probability > 0 {
		p.Probability = plainNumber(l.Probability * 100)
	}
	p.Said = a.saidBy(story, func(c *lifecycle.Change) bool {
		return c.Kind == lifecycle.ValueSet || c.Kind == lifecycle.ProbabilitySet || c.Kind == lifecycle.EffortSet || c.Kind == lifecycle.CompetitorsSet
	})
	p.Facts = worthFacts(plan, stage, q)
	w := plan.Worth
	if w == nil {
		return p
	}
	p.Definition, p.Clause, p.Ready = w.Definition, w.Address, q.Ready()
	for i := range q.Asks {
		k := &q.Asks[i]
		one := worthAsk{question: asked[k.Ask.Question], Definition: k.Definition, Cited: k.Ask.Address, State: "open", Needed: "Needed: an answer"}
		one.Place = atWorth + "-"
		switch {
		case k.When != nil:
			one.Needed = "Needed: " + document.When(plan, k.When)
		case k.Question.Kind == agreement.Boolean:
			one.Needed = "Needed: yes"
		}
		if k.Answer.Known() {
			one.State = "short"
			one.By = a.saidBy(story, func(c *lifecycle.Change) bool { return c.Kind == lifecycle.AnswerSet && c.Name == k.Question.Name })
		}
		if k.Met {
			one.State = "kept"
		}
		p.Asks = append(p.Asks, one)
	}
	if w.AtLeast > 0 {
		p.ReturnClause = w.ReturnClause.Address
		p.Return = fmt.Sprintf("We want to expect %s times what the effort costs", plainNumber(w.AtLeast))
		switch {
		case len(q.Unsaid) > 0:
			p.ReturnState = "open"
			p.Return += ". Nobody has said yet: " + strings.Join(unsaidWords(q.Unsaid), ", ") + "."
		case q.Expected < q.Least:
			p.ReturnState = "short"
			p.Return += fmt.Sprintf(": %s here. %s is expected.", money(q.Least), money(q.Expected))
		default:
			p.ReturnState = "kept"
			p.Return += fmt.Sprintf(": %s here. %s is expected.", money(q.Least), money(q.Expected))
		}
	}
	p.rivals(w, l)
	if w.Before >= 0 && w.Before < len(plan.Stages) && (len(w.Asks) > 0 || w.AtLeast > 0) {
		p.Before = document.Title(plan.Stages[w.Before].Name)
	}
	for i := range plan.Transitions {
		t := &plan.Transitions[i]
		if t.By == agreement.NoSide || !slices.Contains(t.From, l.Stage) {
			continue
		}
		if t.To == w.Before {
			p.Move = t.Name
		}
		if plan.Stages[t.To].Final == agreement.WalkedAway && len(p.Reasons) == 0 {
			p.Left = document.Title(plan.Stages[t.To].Name)
			for i := range w.WalkAway {
				n := &w.WalkAway[i]
				p.Reasons = append(p.Reasons, walkReason{n.Name, capital(spaced(n.Name)), n.Definition})
			}
		}
	}
	p.Finding = p.finding(len(q.Missing), l.Stage == w.Before)
	return p
}

// finding says how it stands.
func (p *worth) finding(missing int, there bool) string {
	switch {
	case p.Before == "":
		return ""
	case there && missing > 0:
		return counted(missing, "thing is", "things are") + " no longer as agreed on for " + p.Before
	case missing > 0:
		return counted(missing, "thing is", "things are") + " missing before " + p.Before
	case there:
		return "All that " + p.Before + " asks for is there"
	}
	return "Nothing is missing: it can go on to " + p.Before
}

// worthFacts are what was estimated, and what follows from it.
func worthFacts(plan *agreement.Plan, stage *agreement.Stage, q lifecycle.Qualification) []worthFact {
	const unknown = "not said yet"
	facts := []worthFact{{"It may be worth", cmp.Or(money(q.Value), unknown), ""}, {"Likely to be won", cmp.Or(chance(q.Probability), unknown), ""}, {"Takes us", unknown, ""}}
	if q.Assumed {
		facts[1].Hint = "as agreed for " + document.Title(stage.Name)
	}
	if q.Effort > 0 {
		facts[2].Words = hoursOfEffort(q.Effort)
		if q.Cost > 0 {
			facts[2].Hint = "which cost " + money(q.Cost)
		}
	}
	expected := worthFact{"So we expect", cmp.Or(money(q.Expected), "–"), "worth, as likely as it is won"}
	if r := q.Return(); r > 0 {
		expected.Hint = strconv.FormatFloat(r, 'f', 1, 64) + " × the cost"
	}
	return append(facts, expected)
}

func hoursOfEffort(n float64) string {
	if n == 1 {
		return "1 hour"
	}
	return plainNumber(n) + " hours"
}

// unsaidWords are the parts of an estimate, as the page calls them.
func unsaidWords(parts []string) []string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = map[string]string{"value": "what it may be worth", "probability": "how likely it is won", "effort": "the effort"}[p]
	}
	return out
}

// rivals lists those that the agreement knows, those that were named of this lead first.
func (p *worth) rivals(w *agreement.SalesQualification, l *lifecycle.Lead) {
	for i := range w.Competitors {
		k := &w.Competitors[i]
		p.Rivals = append(p.Rivals, rival{k.Name, capital(spaced(k.Name)), k.Definition, strings.Join(k.Strengths, ", "), k.Answer, k.Address, slices.Contains(l.Competitors, k.Name)})
	}
	for _, name := range l.Competitors {
		if w.Competitor(name) < 0 { // of an earlier version
			p.Rivals = append(p.Rivals, rival{Name: name, Words: capital(spaced(name)), Named: true})
		}
	}
	slices.SortStableFunc(p.Rivals, func(x, y rival) int {
		switch {
		case x.Named == y.Named:
			return 0
		case x.Named:
			return -1
		}
		return 1
	})
}

// saidBy is who made the newest change of a kind, and when: "Lena Ek, today"; "" if that is not at hand.
func (a *ask) saidBy(story []store.Event, is func(*lifecycle.Change) bool) string {
	for i := range story {
		d := &story[i].Decision
		for j := range d.Changes {
			if is(&d.Changes[j]) {
				return a.whoSaid(&story[i].Input)
			}
		}
	}
	return ""
}

func (a *ask) whoSaid(in *lifecycle.Input) string {
	who := "came in by itself"
	switch {
	case in.Actor == a.viewer.Email:
		who = "you"
	case in.Actor != "":
		who = a.nameOf(in.Actor)
	}
	return who + ", " + strings.TrimPrefix(a.dayWords(in.At), "on ")
}

// was are the fields that say what a form of an estimate showed, so that what somebody left as it was is not said again.
func (p *worth) was() []field {
	var named []string
	for i := range p.Rivals {
		if p.Rivals[i].Named && p.Rivals[i].Clause != "" {
			named = append(named, p.Rivals[i].Name)
		}
	}
	slices.Sort(named)
	return []field{{"was.value", p.Value}, {"was.probability", p.Probability}, {"was.effort", p.Effort}, {"was.competitors", strings.Join(named, ",")}}
}

// plainNumber writes a number as a field has it, "" for 0.
func plainNumber(f float64) string {
	if f == 0 {
		return ""
	}
	return strconv.FormatFloat(math.Round(f*1e6)/1e6, 'f', -1, 64)
}

// estimate makes the input of what somebody says may come of a lead. What the form showed and is still there is not said again.
func estimate(a *ask, in *lifecycle.Input) (string, error) {
	var say api.Estimate
	for _, part := range []struct {
		name, wrong string
		to          **float64
		most        float64
	}{{"value", "what it may be worth should be a number, such as 60000", &say.Value, 1e15}, {"probability", "how likely it is won should be a number of percent, from 0 to 100", &say.Probability, 100},
		{"effort", "the effort should be a number of hours, such as 40", &say.Effort, 1e6}} {
		text := strings.TrimSpace(a.PostFormValue(part.name))
		if was := a.PostFormValue("was." + part.name); text == was || text == "" && part.name == "value" {
			continue
		}
		if part.name == "probability" {
			text = strings.TrimSpace(strings.TrimSuffix(text, "%"))
		}
		n, ok := typedNumber(text)
		if !ok || n > part.most {
			return "", badField(part.wrong)
		}
		if part.name == "probability" {
			n = math.Round(n*1e6) / 1e8
		}
		*part.to = &n
	}
	var named []string
	for name := range a.PostForm { // order: sorted below
		if k, ok := strings.CutPrefix(name, "competitor."); ok {
			named = append(named, k)
		}
	}
	slices.Sort(named)
	if strings.Join(named, ",") != a.PostFormValue("was.competitors") {
		say.Competitors = append([]string{}, named...)
	}
	if say.Value == nil && say.Probability == nil && say.Effort == nil && say.Competitors == nil {
		return "", badField("nothing in it is different from what was said before: change what you see otherwise")
	}
	made, err := a.site.API.EstimateInput(&say)
	if err != nil {
		return "", err
	}
	in.Kind, in.Value, in.Values = made.Kind, made.Value, made.Values
	return "estimate kept", nil
}

var (
	written = regexp.MustCompile(`^\d+(\.\d+)?$`)
	groups  = regexp.MustCompile(`^\d{1,3}(,\d{3})+(\.\d+)?$`)
)

// typedNumber reads a number as people write it: "60 000", "60,000", "12.5", "12,5"; 0 for nothing.
func typedNumber(text string) (float64, bool) {
	text = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "\u2009", "", "’", "", "'", "").Replace(text)
	if text == "" {
		return 0, true
	}
	if groups.MatchString(text) {
		text = strings.ReplaceAll(text, ",", "")
	} else {
		text = strings.Replace(text, ",", ".", 1)
	}
	if len(text) > 40 || !written.MatchString(text) {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// revisitDay reads the day on which a lead is to come back after a reason, 0 for the agreed one. After a reason that is for good there is none.
func (a *ask) revisitDay(reason, text string) (int64, error) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, nil
	}
	slot, ok := a.plan.Index.Handback[reason]
	if ok && a.plan.Stages[a.plan.Handbacks[slot].To].Final != agreement.NotFinal {
		return 0, badField(fmt.Sprintf("nobody comes back after “%s”, so there is no day to choose. Leave the day empty, or choose another reason", a.reasonWords(reason)))
	}
	day, err := time.ParseInLocation(time.DateOnly, text, a.plan.Calendar.Zone())
	if err != nil {
		return 0, badField("the day on which they come back should be written as 2026-03-31")
	}
	return day.UnixMicro(), nil
}

// clauseWords are the clauses that let a lead through, the one that brought it to sales first, for whoever gives it back to name one.
func clauseWords(b *lifecycle.Brief) (list []option) {
	add := func(address, words string) {
		words = document.Title(address[strings.LastIndex(address, ".")+1:]) + ": " + words
		if address != "" && !slices.ContainsFunc(list, func(o option) bool { return o.Value == address }) {
			list = append(list, option{Value: address, Words: words})
		}
	}
	if r := b.Ready; r != nil {
		add(r.Clause, "how it came to "+document.Title(r.Stage))
	}
	for i := range b.Points {
		k := &b.Points[i]
		add(k.Clause, signedPoints(k.Points)+" "+plural(int(k.Points/agreement.Point), "point", "points"))
	}
	return list
}

// walkAway makes the input of leaving a lead to others.
func walkAway(a *ask, in *lifecycle.Input) (string, error) {
	in.Kind, in.Name = lifecycle.WalkAway, a.PostFormValue("reason")
	if in.Name == "" {
		return "", badField("choose the reason to walk away; a note alone does not say which of the agreed ones it is")
	}
	return "left to others: " + a.reasonWords(in.Name), nil
}

// refusedAt reports whether what was refused of a lead was sent from a part of its page, where it is told then.
func refusedAt(ctx context.Context, lead int64, place string) bool {
	f := asked(ctx).said
	return f != nil && f.Refused && f.Lead == lead && f.At == place
}

// standingAt are the acts whose forms stand open in the panel when they were refused.
func (p *leadPage) standingAt(w *worth) (acts []string) {
	if !p.Works {
		return nil
	}
	acts = []string{"estimate"}
	if len(w.Asks) > 0 {
		acts = append(acts, "answer")
	}
	if len(w.Reasons) > 0 {
		acts = append(acts, "walk-away")
	}
	return acts
}

// rivalChosen is whether a competitor is ticked: in what was refused, or as it stands.
func rivalChosen(ctx context.Context, lead int64, k rival) bool {
	if f := asked(ctx).said; f.of(lead, "estimate") {
		return f.Typed["competitor."+k.Name] != ""
	}
	return k.Named
}

// worthFields are the questions, as fields of a form.
func worthFields(w *worth) []question {
	list := make([]question, len(w.Asks))
	for i := range w.Asks {
		list[i] = w.Asks[i].question
	}
	return list
}

// knownRivals are the competitors of the agreement.
func knownRivals(w *worth) []rival {
	return slices.DeleteFunc(slices.Clone(w.Rivals), func(k rival) bool { return k.Clause == "" })
}
