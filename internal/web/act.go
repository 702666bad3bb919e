package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// acts are what people do with a lead, by the last part of the address, POST /leads/LEAD/ACT. Each makes the input of a
// form, and says in words what was done; the API carries it out as it does for everybody else.
var acts = map[string]func(*ask, *lifecycle.Input) (done string, err error){
	"accept": func(*ask, *lifecycle.Input) (string, error) { return "accepted", nil },
	"reject": func(a *ask, in *lifecycle.Input) (string, error) {
		return "rejected: " + a.reasonWords(a.PostFormValue("reason")), giveBack(a, in, lifecycle.Reject, a.PostFormValue("reason"), "")
	},
	"hand-back": func(a *ask, in *lifecycle.Input) (string, error) {
		return "handed back: " + a.reasonWords(a.PostFormValue("reason")), giveBack(a, in, lifecycle.HandBack, a.PostFormValue("reason"), "")
	},
	"contact": func(a *ask, in *lifecycle.Input) (string, error) {
		in.Kind, in.Name, in.Channel = lifecycle.Contact, a.PostFormValue("outcome"), a.PostFormValue("channel")
		if in.Name == "" {
			return "", badField("nothing was written down yet: choose how it went as well")
		}
		var err error
		in.Values, err = a.answers()
		return "contact logged: " + outcomeWords(in.Name), err
	},
	"answer": func(a *ask, in *lifecycle.Input) (string, error) {
		in.Kind = lifecycle.Answered
		var err error
		in.Values, err = a.answers()
		if err == nil && len(in.Values) == 0 && in.Text == "" {
			err = badField("there was nothing to keep: write down an answer, or a note")
		}
		return "answers kept", err
	},
	"assign": func(a *ask, in *lifecycle.Input) (string, error) {
		in.Kind, in.Name = lifecycle.Assign, a.PostFormValue("to")
		if in.Name == "" {
			return "", badField("choose whom to give it to")
		}
		return "given to " + a.nameOf(in.Name), nil
	},
	"move": func(a *ask, in *lifecycle.Input) (string, error) {
		in.Kind, in.Name = lifecycle.Move, a.PostFormValue("transition")
		return "moved on", nil
	},
	"win": func(a *ask, in *lifecycle.Input) (string, error) {
		in.Kind = lifecycle.Win
		value, ok := typedNumber(a.PostFormValue("value"))
		if !ok {
			return "", badField("the value should be a number, such as 42000")
		}
		in.Value = value
		return "won", nil
	},
	"lose": func(a *ask, in *lifecycle.Input) (string, error) {
		in.Kind, in.Name = lifecycle.Lose, a.PostFormValue("reason")
		return "lost", nil
	},
	"estimate":  estimate,
	"walk-away": walkAway,
}

// giveBack makes the input of a rejection or a hand-back: the reason, and as far as somebody says it, the clause that let the lead through
// and the day on which it comes back, in fields whose names begin with of.
func giveBack(a *ask, in *lifecycle.Input, kind lifecycle.InputKind, reason, of string) (err error) {
	in.Kind, in.Name, in.Clause = kind, reason, a.PostFormValue(of+"clause")
	if in.Name == "" {
		return badField("nothing was sent yet: choose one of the reasons as well")
	}
	in.Due, err = a.revisitDay(in.Name, a.PostFormValue(of+"revisit"))
	return err
}

func badField(text string) error {
	return &failure{status: http.StatusUnprocessableEntity, title: "Something in the form is not as it should be", text: sentence(text)}
}

// act carries out what somebody does with a lead, and leads back to where they clicked. A refusal is told there, in the words
// of the decision.
func act(a *ask) (answer, error) {
	form := acts[a.PathValue("act")]
	if form == nil {
		return nil, errNotFound
	}
	return a.acted(a.PathValue("act"), form)
}

// remind tells whoever has a lead that a clock is about to run out, or has.
func remind(a *ask) (answer, error) {
	return a.acted("remind", func(a *ask, in *lifecycle.Input) (string, error) {
		in.Kind, in.Name = lifecycle.Remind, a.PostFormValue("clock")
		return "reminded", nil
	})
}

// acted has the input of a form decided.
func (a *ask) acted(act string, form func(*ask, *lifecycle.Input) (done string, err error)) (answer, error) {
	in := lifecycle.Input{Kind: lifecycle.Accept, Text: a.PostFormValue("note")}
	done, err := form(a, &in)
	in.Actor, in.Source = a.viewer.Email, "web"
	ref, who := a.PathValue("lead"), a.PostFormValue("who")
	said := &flash{Who: who, Text: done, Open: phoneOf(a.PostFormValue("open"))}
	said.Lead, _ = strconv.ParseInt(ref, 10, 64)
	back := a.back("/leads")
	if a.PostFormValue("at") == atWorth {
		said.At = atWorth
		back += "#" + atWorth
	}
	if err != nil {
		if err := said.outcome(nil, err); err != nil {
			return nil, err
		}
		return a.refusedForm(said, act, back)
	}
	// A form that is sent twice, by a double click or a browser that tries again, is done once.
	once := ""
	if seen := a.PostFormValue("seen"); seen != "" {
		once = fmt.Sprintf("%d:%s:%s:%s:%s", a.viewer.ID, ref, seen, act, in.Name)
	}
	decision, err := a.site.API.Act(a.Context(), ref, lifecycle.Arrival{Input: in}, once)
	if err := said.outcome(decision, err); err != nil {
		return nil, err
	}
	if in.Kind == lifecycle.Remind && !said.Refused {
		said.Text = a.reminded(decision)
	}
	return a.refusedForm(said, act, back)
}

// reminded says whom a decision reminds.
func (a *ask) reminded(d *lifecycle.Decision) string {
	for i := range d.Effects {
		if e := &d.Effects[i]; e.Kind == lifecycle.TellRemind {
			return a.whom(e.To) + " is reminded"
		}
	}
	return "reminded"
}

// whom is what people call whoever a decision tells something: a member, or everybody of a queue.
func (a *ask) whom(to string) string {
	if queue, ok := strings.CutPrefix(to, "queue "); ok {
		return "everybody of the queue " + spaced(queue)
	}
	return a.nameOf(to)
}

// outcome has a flash tell why something was not done, if it was not. What is no matter of the agreement is an error.
func (f *flash) outcome(d *lifecycle.Decision, err error) error {
	var p *api.Problem
	var typed *failure
	switch {
	case errors.As(err, &p) && p.Status < 500:
		f.Refused, f.Text, f.Open = true, sentence(p.Detail), ""
	case errors.As(err, &typed) && typed.status == http.StatusUnprocessableEntity:
		f.Refused, f.Text, f.Open = true, typed.text, ""
	case errors.Is(err, store.ErrNoLead):
		f.Lead, f.Refused, f.Text, f.Open = 0, true, "There is no such lead any more: it was merged into another, or removed. Search for the name to see which.", ""
	case err != nil:
		return err
	case d.Refused != "":
		f.Refused, f.Text, f.Open = true, sentence(d.Refused), ""
	}
	return nil
}

// mostBulk is how many leads one form may be about.
const mostBulk = 200

// bulkAct is what is done with several leads at once.
const bulkAct = "bulk"

// bulk does one thing with several leads: accept them, or give them back with one reason, and with the clause, the day and the note that go with
// it. Each is decided by itself; what was refused is counted, with the first sentence that says why, and stays selected.
func bulk(a *ask) (answer, error) {
	name, reason, _ := strings.Cut(a.PostFormValue("act"), " ")
	in := lifecycle.Input{Kind: lifecycle.Accept, Actor: a.viewer.Email, Source: "web", Text: a.PostFormValue(name + ".note")}
	done, leads := "accepted", a.PostForm["lead"]
	var err error
	switch name {
	case "accept":
		in.Text = ""
	case "reject":
		done, err = "rejected: "+a.reasonWords(reason), giveBack(a, &in, lifecycle.Reject, reason, "reject.")
	case "hand-back":
		done, err = "handed back: "+a.reasonWords(reason), giveBack(a, &in, lifecycle.HandBack, reason, "hand-back.")
	default:
		err = badField("nothing was done yet: choose what to do with them")
	}
	if len(leads) == 0 || len(leads) > mostBulk {
		err = badField(fmt.Sprintf("nothing was done yet: select between 1 and %d leads", mostBulk))
	}
	if err != nil {
		said := &flash{}
		if err := said.outcome(nil, err); err != nil {
			return nil, err
		}
		return a.refusedBulk(said, leads[:min(len(leads), mostBulk)])
	}
	why := ""
	var not []string
	for i, ref := range leads {
		decision, err := a.site.API.Act(a.Context(), ref, lifecycle.Arrival{Input: in}, "")
		if err != nil {
			f := failureOf(err)
			why = cmp.Or(why, f.text)
			if f.status >= 500 || f.status == http.StatusTooManyRequests {
				a.site.Log.ErrorContext(a.Context(), "one thing for several leads stopped halfway", "done", i-len(not), "of", len(leads), "error", err)
				not = append(not, leads[i:]...)
				break // what is left would fare no better; what was done is told
			}
		} else if decision.Refused != "" {
			why = cmp.Or(why, decision.Refused)
		} else {
			continue
		}
		not = append(not, ref)
	}
	count := len(leads) - len(not)
	said := &flash{Who: counted(count, "lead", "leads"), Text: done, Refused: why != ""}
	switch {
	case !said.Refused:
		return redirect{to: a.back("/leads"), said: said}, nil
	case count == 0:
		said.Who, said.Text = counted(len(leads), "lead", "leads"), "not "+done+": "+sentence(why)
	default:
		said.Text += fmt.Sprintf("; %d not: %s", len(not), sentence(why))
	}
	return a.refusedBulk(said, not)
}

// refusedBulk leads back to the list: what was filled in stands there again, and what it was not done with is selected.
func (a *ask) refusedBulk(said *flash, leads []string) (answer, error) {
	said.Act, said.Typed = bulkAct, a.typed()
	said.Typed["lead"] = strings.Join(leads, " ")
	if _, fits := a.pack(said); !fits { // words are harder to replace than a selection
		delete(said.Typed, "lead")
	}
	return a.tellRefused(said, a.back("/leads"))
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// phoneOf returns an address that calls somebody, "" for anything else.
func phoneOf(s string) string {
	if number, ok := strings.CutPrefix(s, "tel:"); ok && strings.Trim(number, "+0123456789") == "" {
		return s
	}
	return ""
}

// answers are the fields "answer.QUESTION" of a form, by the types of the questions; those that are empty are left out.
func (a *ask) answers() ([]lifecycle.Named, error) {
	given := map[string]any{}
	for i := range a.plan.Questions {
		q := &a.plan.Questions[i]
		text := strings.TrimSpace(a.PostFormValue("answer." + q.Name))
		if text == "" {
			continue
		}
		given[q.Name] = text
		switch q.Kind {
		case agreement.Boolean:
			given[q.Name] = text == "true" || text == "yes"
		case agreement.Number:
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, badField(fmt.Sprintf("%q should be a number: %s", text, q.Ask))
			}
			given[q.Name] = n
		}
	}
	return a.site.API.Answers(given)
}

// nameOf is what people call a member.
func (a *ask) nameOf(id string) string {
	if m := a.roster.Member(id); m != nil && m.Name != "" {
		return m.Name
	}
	return id
}

// reasonWords is a reason of the agreement in words.
func (a *ask) reasonWords(name string) string { return spaced(name) }

// outcomeWords says how a contact went.
func outcomeWords(name string) string {
	for _, o := range outcomes {
		if o.name == name {
			return o.words
		}
	}
	return spaced(name)
}

// outcomes are those of a contact, in the order in which people need them.
var outcomes = []struct{ name, words string }{
	{"connected", "spoke with them"}, {"meeting", "agreed a meeting"}, {"replied", "they replied"}, {"voicemail", "left a voicemail"},
	{"no_answer", "no answer"}, {"wrong_number", "wrong number"}, {"sent", "wrote to them"},
}
