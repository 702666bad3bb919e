package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	"baton/internal/agreement"
)

// Qualification is what sales has said of whether a lead is worth its effort, and what it has not.
type Qualification struct {
	Asks []Asked
	// Value is what the lead may be worth; Probability that it is won, as somebody has said or, if Assumed, as the agreement takes it
	// for its stage; Effort the hours it takes. 0 for what is not known.
	Value, Probability, Effort float64
	Assumed                    bool
	Expected                   float64  // Value times Probability
	Cost                       float64  // of the effort; 0 if that is not known
	Unsaid                     []string // of the estimate, where the agreement asks for a return: "value", "probability", "effort"
	Least                      float64  // what has to be expected of the effort; 0 if that is not asked, or the effort not known
	// Missing says, in words, what keeps the lead from the stage that asks for it; nothing is missing where the agreement asks nothing.
	Missing []string
}

// Asked is one question of the qualification.
type Asked struct {
	*agreement.Ask
	Question *agreement.Question
	Answer   agreement.Value
	Met      bool
}

// Ready reports whether nothing is missing.
func (q Qualification) Ready() bool { return len(q.Missing) == 0 }

// Return is how many times its cost is expected of the effort; 0 if one of them is not known.
func (q Qualification) Return() float64 {
	if q.Cost <= 0 {
		return 0
	}
	return q.Expected / q.Cost
}

// Expected returns what is expected of a lead: its value, as likely as it is won. By it the pipeline is ordered.
func Expected(plan *agreement.Plan, l *Lead) (expected, probability float64, assumed bool) {
	probability = l.Probability
	if w := plan.Worth; probability == 0 && w != nil && l.Stage >= 0 && l.Stage < len(w.Probability) {
		probability = w.Probability[l.Stage]
		assumed = probability > 0
	}
	return l.Value * probability, probability, assumed
}

// Qualify tells how the qualification of a lead stands at an instant.
func Qualify(plan *agreement.Plan, view *View, at int64) Qualification {
	return qualify(plan, view.Lead, FactsAt(plan, view, at))
}

func qualify(plan *agreement.Plan, l *Lead, facts *agreement.Facts) Qualification {
	q := Qualification{Value: l.Value, Effort: l.Effort}
	q.Expected, q.Probability, q.Assumed = Expected(plan, l)
	w := plan.Worth
	if w == nil {
		return q
	}
	q.Cost = l.Effort * w.HourCosts
	for i := range w.Asks {
		a := Asked{Ask: &w.Asks[i], Question: &plan.Questions[w.Asks[i].Question]}
		a.Answer = valueAt(l.Answers, a.Ask.Question)
		switch {
		case !a.Answer.Known():
			text := a.Question.Name + " is not answered"
			if a.Question.Ask != "" {
				text += " (" + a.Question.Ask + ")"
			}
			q.Missing = append(q.Missing, text)
		case a.When != nil:
			a.Met = a.When.Holds(facts)
		default:
			a.Met = a.Question.Kind != agreement.Boolean || a.Answer.Num != 0
		}
		if a.Answer.Known() && !a.Met {
			text := a.Question.Name + " is " + a.Answer.String()
			if a.Ask.Definition != "" {
				text += ", and we agreed on: " + strings.TrimSuffix(a.Ask.Definition, ".")
			}
			q.Missing = append(q.Missing, text)
		}
		q.Asks = append(q.Asks, a)
	}
	if w.AtLeast == 0 {
		return q
	}
	q.Least = w.AtLeast * q.Cost
	for _, part := range []struct {
		name string
		n    float64
	}{{"value", q.Value}, {"probability", q.Probability}, {"effort", q.Effort}} {
		if part.n == 0 {
			q.Unsaid = append(q.Unsaid, part.name)
		}
	}
	switch {
	case len(q.Unsaid) > 0:
		q.Missing = append(q.Missing, "nobody has estimated "+strings.Join(q.Unsaid, " and "))
	case q.Expected < q.Least:
		q.Missing = append(q.Missing, fmt.Sprintf("%s is expected of it (%s at %s), less than %s times the %s that %s hours cost", agreement.NumberValue(round(q.Expected)), agreement.NumberValue(q.Value),
			shareText(q.Probability), agreement.NumberValue(w.AtLeast), agreement.NumberValue(round(q.Cost)), agreement.NumberValue(q.Effort)))
	}
	return q
}

func (d *decider) qualification() Qualification {
	d.observe()
	return qualify(d.plan, &d.lead, &d.facts)
}

// unqualified refuses a stage that asks for what nobody has said yet.
func (d *decider) unqualified(to int) bool {
	w := d.plan.Worth
	if w == nil || w.Before != to {
		return false
	}
	d.buildCurve()
	d.facts.Engagement = d.curve.At(d.now)
	q := d.qualification()
	if q.Ready() {
		return false
	}
	d.refuse("before %s we say whether it is worth it, and something is missing: %s (%s)", d.plan.Stages[to].Name, strings.Join(q.Missing, "; "), w.Address)
	return true
}

// estimate takes in what somebody says may come of a lead.
func (d *decider) estimate() {
	stage := &d.plan.Stages[d.lead.Stage]
	if stage.Side != agreement.Sales || stage.Final != agreement.NotFinal {
		d.refuse("an estimate is for a lead that sales works, and this one is in stage %s", stage.Name)
		return
	}
	if d.stranger() {
		return
	}
	l := &d.lead
	why := d.becauseText(estimateClause(d.plan), d.in.Text)
	if v := d.in.Value; v < 0 {
		d.refuse("value should be an amount; %s is none", agreement.NumberValue(v))
		return
	} else if v != 0 && v != l.Value {
		d.emit(Change{Kind: ValueSet, Num: v, Reason: why})
	}
	for i := range d.in.Values {
		name, v := d.in.Values[i].Name, d.in.Values[i].Value
		switch name {
		case "effort", "probability":
			n, ok := Coerce(d.plan, agreement.Number, nil, v)
			most := 1e15
			if name == "probability" {
				most = 1
			}
			if !ok || n.Num < 0 || n.Num > most {
				what := map[string]string{"effort": "a number of hours", "probability": "a share from 0 to 1"}[name]
				d.refuse("%s should be %s; %q is none", name, what, v.String())
				return
			}
			kind, have := EffortSet, l.Effort
			if name == "probability" {
				kind, have = ProbabilitySet, l.Probability
			}
			if n.Num != have {
				d.emit(Change{Kind: kind, Num: n.Num, Reason: why})
			}
		case "competitors":
			var slots []int
			for _, word := range namesIn(v.Str) {
				k := d.plan.Worth.Competitor(word)
				if k < 0 {
					var known []string
					if d.plan.Worth != nil {
						for i := range d.plan.Worth.Competitors {
							known = append(known, d.plan.Worth.Competitors[i].Name)
						}
					}
					d.refuse("the agreement has no competitor %q; it has: %s", word, orText(strings.Join(known, ", "), "none"))
					return
				}
				if !slices.Contains(slots, k) {
					slots = append(slots, k)
				}
			}
			slices.Sort(slots)
			var names []string
			for _, k := range slots {
				names = append(names, d.plan.Worth.Competitors[k].Name)
			}
			if !slices.Equal(names, l.Competitors) {
				d.emit(Change{Kind: CompetitorsSet, To: strings.Join(names, ", "), Reason: why})
			}
		default:
			d.refuse("an estimate has value, probability, effort and competitors, and no %q", name)
			return
		}
	}
	d.touch(agreement.TopicHandoff) // which every stage looks at: a transition may wait for it
}

func estimateClause(plan *agreement.Plan) string {
	if plan.Worth == nil {
		return "stages"
	}
	return plan.Worth.Address
}

// walkAway ends the pass of a lead that sales leaves to others, for a reason that both sides agreed on beforehand.
func (d *decider) walkAway() {
	w := d.plan.Worth
	var reasons []string
	if w != nil {
		for i := range w.WalkAway {
			reasons = append(reasons, w.WalkAway[i].Name)
		}
	}
	switch {
	case len(reasons) == 0:
		d.refuse("the agreement has no reasons to walk away (sales_qualification.walk_away)")
	case !slices.Contains(reasons, d.in.Name):
		d.refuse("%q is no reason to walk away; the agreed ones are %s", d.in.Name, strings.Join(reasons, ", "))
	case !d.stranger():
		d.finish(agreement.WalkedAway)
	}
}

// namesIn reads names with commas between.
func namesIn(s string) []string {
	var names []string
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			names = append(names, word)
		}
	}
	return names
}

// shareText writes a share in percent.
func shareText(f float64) string { return agreement.NumberValue(round(f*1000)/10).String() + "%" }

// round rounds to whole units, for people.
func round(f float64) float64 {
	if f < 0 {
		return -round(-f)
	}
	return float64(int64(f + 0.5))
}
