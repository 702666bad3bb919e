package lifecycle

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/document"
)

// Decided is an input with the decision it got: one entry of a lead's timeline.
type Decided struct {
	Input    Input
	Decision Decision
}

// Explanation says why a lead is as it is at an instant.
type Explanation struct {
	Sections []ExplainedSection
}

// ExplainedSection answers one question.
type ExplainedSection struct {
	Title  string // "score", "stage", "owner", "deadlines", "who may speak", "whether it is worth it", "calls", "who it is"
	Answer string // one sentence
	Lines  []ExplainedLine
}

// ExplainedLine is one ground, with the clause it stands in.
type ExplainedLine struct {
	Mark   string // a figure or a word that leads the line: "+25", "yes", "no"
	Text   string
	Clause agreement.Clause // Address is "" when no clause is at hand
	Saw    []agreement.Seen
}

// Explain tells why a lead has its score, stage, owner and deadlines at an instant. past is its timeline,
// oldest first: it holds the reasons that were given when things changed.
func Explain(plan *agreement.Plan, view *View, at int64, past []Decided) Explanation {
	e := &explainer{plan: plan, view: view, lead: view.Lead, at: at, past: past, facts: FactsAt(plan, view, at), zone: plan.Calendar.Zone()}
	sections := []ExplainedSection{e.score(), e.stage(), e.owner(), e.deadlines(), e.speech()}
	if s := e.worth(); s.Answer != "" {
		sections = append(sections, s)
	}
	if s := e.calls(); s.Answer != "" {
		sections = append(sections, s)
	}
	if s := e.person(); s.Answer != "" {
		sections = append(sections, s)
	}
	return Explanation{Sections: sections}
}

type explainer struct {
	plan  *agreement.Plan
	view  *View
	lead  *Lead
	at    int64
	past  []Decided
	facts *agreement.Facts
	zone  *time.Location
}

// person tells of the leads that were merged into this one. It is empty if none was.
func (e *explainer) person() ExplainedSection {
	s := ExplainedSection{Title: "who it is"}
	var others []string
	for i := range e.past {
		in, d := &e.past[i].Input, &e.past[i].Decision
		if in.Kind != Merge || d.Refused != "" || slices.ContainsFunc(e.past[i+1:], func(later Decided) bool {
			return later.Input.Kind == Split && later.Input.Other == in.Other && later.Decision.Refused == ""
		}) {
			continue
		}
		others = append(others, fmt.Sprint(in.Other))
		line := ExplainedLine{Mark: "since", Text: fmt.Sprintf("%s: takes in what is known of lead %d", e.stamp(in.Known), in.Other)}
		for j := range d.Changes {
			if c := &d.Changes[j]; c.Kind == LeadAbsorbed && c.Reason > 0 {
				line.Text += " (" + d.Reasons[c.Reason-1].Text + ")"
			}
		}
		s.Lines = append(s.Lines, line)
	}
	if len(others) > 0 {
		s.Answer = "One person with what was known as lead " + strings.Join(others, " and lead ") + "."
	}
	return s
}

func (e *explainer) clause(address string) agreement.Clause {
	if c, ok := e.plan.Index.Clause[address]; ok {
		return c
	}
	return agreement.Clause{Address: address}
}

// stamp writes an instant to the minute, for people.
func (e *explainer) stamp(at int64) string {
	return time.UnixMicro(at).In(e.zone).Format("Mon 2 Jan 2006 15:04")
}

func (e *explainer) score() ExplainedSection {
	l := e.lead
	s := ExplainedSection{Title: "score"}
	if l.Consent.Status == Objected {
		s.Answer = "No score: the lead objected to profiling on " + e.stamp(l.Consent.At) + "."
		return s
	}
	total := l.FitPoints + e.facts.Engagement
	s.Answer = fmt.Sprintf("%s points: fit %s, engagement %s. Grade %s.", PointsText(total), PointsText(l.FitPoints), PointsText(e.facts.Engagement), orText(e.facts.Grade.String(), "none"))
	for i := range e.plan.Fit {
		r := &e.plan.Fit[i]
		_, holds := slices.BinarySearch(l.Fit, i)
		line := ExplainedLine{Mark: "0", Text: "fit: " + r.Name, Clause: r.Clause, Saw: r.When.Saw(e.facts)}
		if holds {
			line.Mark = signed(r.Points)
		}
		s.Lines = append(s.Lines, line)
	}
	for i := range l.Rules {
		m := &l.Rules[i]
		r := &e.plan.Engagement[m.Rule]
		points := e.worthNow(r, m)
		text := "engagement: " + r.Name
		switch {
		case r.Expires > 0:
			live := 0
			for _, at := range m.Counted {
				if at+r.Expires > e.at {
					live++
				}
			}
			text += fmt.Sprintf(", %s that count until %s old", times(live), calendar.Duration{Amount: r.Expires}.String())
		case r.HalfLife > 0:
			text += fmt.Sprintf(", %s on %s, half of it gone every %s", PointsText(m.Points), e.stamp(m.Ref), calendar.Duration{Amount: r.HalfLife}.String())
		}
		s.Lines = append(s.Lines, ExplainedLine{Mark: signed(points), Text: text, Clause: r.Clause})
	}
	if g := e.facts.Grade; g.Fit != 0 {
		text := "grade " + g.String() + ": fit " + PointsText(l.FitPoints) + " is " + string(rune(g.Fit)) + ", engagement " + PointsText(e.facts.Engagement) + " is " + string(rune(g.Engagement))
		if i := int(g.Engagement - '1'); i < 3 {
			if down := e.facts.EngagementCurve.NextCross(e.at, e.plan.Grade.Engagement[i]); down != agreement.Never {
				text += "; by time alone " + string(rune(g.Engagement+1)) + " from " + e.stamp(down)
			}
		}
		s.Lines = append(s.Lines, ExplainedLine{Mark: "=", Text: text, Clause: e.plan.Grade.Clause})
	}
	ready := ExplainedLine{Mark: "=", Text: fmt.Sprintf("readiness %d of 5", l.Readiness)}
	for i := range e.plan.Readiness {
		if r := &e.plan.Readiness[i]; r.Level == l.Readiness {
			ready.Clause, ready.Saw = r.Clause, r.When.Saw(e.facts)
			ready.Text += ": " + r.Definition
		}
	}
	s.Lines = append(s.Lines, ready)
	return s
}

func (e *explainer) stage() ExplainedSection {
	l := e.lead
	stage := &e.plan.Stages[l.Stage]
	s := ExplainedSection{Title: "stage", Answer: fmt.Sprintf("In %s since %s, pass %d.", stage.Name, e.stamp(l.Entered), l.Pass)}
	s.Lines = append(s.Lines, e.lastReason(func(c *Change) bool { return c.Kind == StageEntered && c.To == stage.Name })...)
	if l.Revisit > 0 {
		line := ExplainedLine{Mark: "next", Text: "comes back on " + e.stamp(l.Revisit)}
		if l.Back >= 0 {
			line.Clause = e.plan.Handbacks[l.Back].Clause
		}
		s.Lines = append(s.Lines, line)
	}
	for _, i := range e.plan.Index.Automatic[l.Stage] {
		t := &e.plan.Transitions[i]
		mark := [...]string{"no", "not known", "yes"}[t.When.Eval(e.facts)]
		s.Lines = append(s.Lines, ExplainedLine{Mark: mark, Text: "goes to " + e.plan.Stages[t.To].Name + " when " + document.When(e.plan, t.When), Clause: t.Clause, Saw: t.When.Saw(e.facts)})
	}
	return s
}

func (e *explainer) owner() ExplainedSection {
	l := e.lead
	s := ExplainedSection{Title: "owner"}
	switch {
	case l.Owner != "":
		s.Answer = e.name(l.Owner) + "."
	case l.Queue >= 0:
		s.Answer = "Nobody yet: it waits in the queue " + e.plan.Queues[l.Queue].Name + "."
	default:
		s.Answer = "Nobody; it is with " + e.plan.Stages[l.Stage].Side.String() + "."
	}
	if l.Owner == "" && l.Queue < 0 {
		return s
	}
	s.Lines = e.lastReason(func(c *Change) bool {
		return c.Kind == OwnerSet && c.To == l.Owner && l.Owner != "" || c.Kind == QueueSet && l.Queue >= 0 && c.To == e.plan.Queues[l.Queue].Name
	})
	s.Lines = append(s.Lines, e.sharing()...)
	s.Lines = append(s.Lines, e.passedOver()...)
	if h := &l.Handoff; h.Rule >= 0 {
		text := "hand-off " + e.plan.Handoffs[h.Rule].Name + " " + h.State.String() + ", offered " + e.stamp(h.Offered)
		if h.Accepted > 0 {
			text += ", accepted " + e.stamp(h.Accepted)
		}
		if h.Contacted > 0 {
			text += ", first contact " + e.stamp(h.Contacted)
		}
		s.Lines = append(s.Lines, ExplainedLine{Mark: "=", Text: text, Clause: e.plan.Handoffs[h.Rule].Clause})
	}
	return s
}

// sharing tells how the pool stood when it gave the lead to its owner.
func (e *explainer) sharing() []ExplainedLine {
	for i := len(e.past) - 1; i >= 0; i-- {
		d := &e.past[i].Decision
		if !slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Kind == OwnerSet }) {
			continue
		}
		for j := range d.Changes {
			if c := &d.Changes[j]; c.Kind == LedgerMoved && c.To == e.lead.Owner {
				others := "alone"
				if n := len(c.Members) - 1; n > 0 {
					others = fmt.Sprintf("beside %d who could have taken it", n)
					if n <= 5 {
						var names []string
						for _, id := range c.Members {
							if id != c.To {
								names = append(names, e.shortName(id))
							}
						}
						others += ": " + strings.Join(names, ", ")
					}
				}
				line := ExplainedLine{Mark: "=", Text: e.name(c.To) + " was " + BehindText(c.Num) + " in the pool " + c.Name + ", " + others}
				if c.Reason > 0 {
					line.Clause = e.clause(d.Reasons[c.Reason-1].Clause)
				}
				return []ExplainedLine{line}
			}
		}
		return nil
	}
	return nil
}

// BehindText says how a member stands to their share of a pool, by how many leads they are behind it.
func BehindText(leads float64) string {
	switch {
	case leads >= 0.005:
		return fmt.Sprintf("%.2f of a lead behind their share", leads)
	case leads <= -0.005:
		return fmt.Sprintf("%.2f of a lead ahead of their share", -leads)
	}
	return "even with their share"
}

// passedOver tells the way that the last assignment took: rule by rule, who could not take the lead and why, and which rules were not
// for it, up to the one that decided.
func (e *explainer) passedOver() []ExplainedLine {
	for i := len(e.past) - 1; i >= 0; i-- {
		d := &e.past[i].Decision
		if !slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Kind == HandoffOffered || c.Kind == HandoffMoved }) {
			continue
		}
		var lines []ExplainedLine
		at := 0
		// skip tells of the rules before another that found nobody to ask: their condition did not hold, or it names nobody
		skip := func(until string) {
			to := slices.IndexFunc(e.plan.Assignment, func(a agreement.AssignmentRule) bool { return a.Address == until })
			for ; at < to; at++ {
				a := &e.plan.Assignment[at]
				text := "the rule " + strings.TrimPrefix(a.Address, "assignment.") + " named nobody"
				if a.When != nil {
					text = "the rule " + strings.TrimPrefix(a.Address, "assignment.") + " was not for this lead: it takes those where " + document.When(e.plan, a.When)
				}
				lines = append(lines, ExplainedLine{Mark: "no", Text: text, Clause: a.Clause})
			}
			at = max(at, to+1)
		}
		for j := range d.Reasons {
			r := &d.Reasons[j]
			if !strings.HasPrefix(r.Clause, "assignment") {
				continue
			}
			skip(r.Clause)
			if r.Text != "" {
				lines = append(lines, ExplainedLine{Mark: "not", Text: r.Text, Clause: e.clause(r.Clause)})
			}
		}
		return lines
	}
	return nil
}

func (e *explainer) deadlines() ExplainedSection {
	l := e.lead
	s := ExplainedSection{Title: "deadlines", Answer: "No deadline is running."}
	next := agreement.Never
	for i := range l.Clocks {
		k := &l.Clocks[i]
		within := k.within()
		line := ExplainedLine{Mark: k.State.String(), Clause: e.clause(k.Name)}
		switch k.State {
		case Running:
			next = min(next, k.Due)
			used := calendar.Duration{Amount: k.Used + elapsed(e.plan, e.view.Roster, k.Name, k.Member, k.Since, e.at, within.Unit), Unit: within.Unit}
			line.Text = fmt.Sprintf("due %s: %s allowed since %s, %s used", e.stamp(k.Due), within, e.stamp(k.Since), short(used))
			if hours := ClockHours(e.plan, e.view.Roster, k.Name, k.Member); within.Unit != calendar.Wall && !hours.Same(e.plan.Calendar) {
				line.Text += ", counted in " + WorksWords(hours.Zone().String(), hours.Hours().String())
			}
		case Paused:
			line.Text = fmt.Sprintf("%s allowed, %s used before it paused", within, short(calendar.Duration{Amount: k.Used, Unit: within.Unit}))
		case Breached:
			line.Text = fmt.Sprintf("%s allowed, time ran out", within)
		}
		if k.Asked > 0 {
			line.Text += fmt.Sprintf("; %s reminded of it %s", e.name(orText(k.AskedBy, "somebody")), e.stamp(k.Asked))
		}
		if k.Breaches > 0 && k.State != Breached {
			line.Text += fmt.Sprintf("; time ran out %s before", times(k.Breaches))
		}
		s.Lines = append(s.Lines, line)
	}
	if next != agreement.Never {
		s.Answer = "Next deadline " + e.stamp(next) + "."
	}
	return s
}

// short rounds a duration for people.
func short(d calendar.Duration) string {
	switch d.Unit {
	case calendar.WorkingDays:
		return fmt.Sprintf("%.1f working days", float64(d.Amount)/calendar.DayAmount)
	case calendar.WorkingTime:
		return fmt.Sprintf("%.1f working hours", float64(d.Amount)/3.6e9)
	}
	return fmt.Sprintf("%.1f hours", float64(d.Amount)/3.6e9)
}

// worth tells what is expected of a lead that sales works, and what is missing before it goes on. It is empty for others.
func (e *explainer) worth() ExplainedSection {
	s, w := ExplainedSection{Title: "whether it is worth it"}, e.plan.Worth
	stage := &e.plan.Stages[e.lead.Stage]
	if w == nil || stage.Side != agreement.Sales || stage.Final != agreement.NotFinal {
		return s
	}
	q := qualify(e.plan, e.lead, e.facts)
	s.Answer = "Nothing is missing."
	if !q.Ready() {
		s.Answer = "Something is missing: " + strings.Join(q.Missing, "; ") + "."
	}
	for i := range q.Asks {
		a := &q.Asks[i]
		line := ExplainedLine{Mark: "no", Text: a.Question.Name + ": " + a.Answer.String(), Clause: a.Clause}
		if a.Met {
			line.Mark = "yes"
		} else if !a.Answer.Known() {
			line.Mark = "?"
		}
		if a.Definition != "" {
			line.Text += " (" + a.Definition + ")"
		}
		s.Lines = append(s.Lines, line)
	}
	if q.Value > 0 {
		text := "expected " + agreement.NumberValue(round(q.Expected)).String() + ": value " + agreement.NumberValue(q.Value).String()
		switch {
		case q.Assumed:
			text += " at " + shareText(q.Probability) + ", as the agreement takes it for " + stage.Name
		case q.Probability > 0:
			text += " at " + shareText(q.Probability)
		default:
			text += ", and nobody has said how likely it is won"
		}
		if q.Cost > 0 {
			text += "; " + agreement.NumberValue(q.Effort).String() + " hours cost " + agreement.NumberValue(round(q.Cost)).String()
		}
		s.Lines = append(s.Lines, ExplainedLine{Mark: "=", Text: text, Clause: w.Clause})
	}
	for _, name := range e.lead.Competitors {
		if i := w.Competitor(name); i >= 0 {
			k := &w.Competitors[i]
			text := "against " + name
			if len(k.Strengths) > 0 {
				text += ", strong in " + strings.Join(k.Strengths, ", ")
			}
			if k.Answer != "" {
				text += "; we say: " + k.Answer
			}
			s.Lines = append(s.Lines, ExplainedLine{Mark: "=", Text: text, Clause: k.Clause})
		}
	}
	return s
}

// calls tells where the lead stands among those that wait to be called. It is empty if it does not.
func (e *explainer) calls() ExplainedSection {
	s, k, q := ExplainedSection{Title: "calls"}, &e.lead.Call, e.plan.Tele
	if k.Since == 0 || q == nil {
		return s
	}
	p := PlaceOf(e.plan, e.lead, e.at)
	switch {
	case k.Holder != "":
		s.Answer = e.name(k.Holder) + " has it until " + e.stamp(k.Until) + "."
	case k.Next > 0:
		s.Answer = "The next try is from " + e.stamp(k.Next) + " on."
	default:
		s.Answer = "Waits to be called since " + e.stamp(k.Since) + "."
	}
	s.Lines = append(s.Lines, ExplainedLine{Mark: "=", Text: "stands in the queue by " + p.Sentence(), Clause: q.Clause},
		ExplainedLine{Mark: "=", Text: tried(k.Tries) + " of " + strconv.Itoa(q.Attempts) + ", the time for them is over " + e.stamp(k.Ends), Clause: q.AttemptsClause})
	return s
}

func (e *explainer) speech() ExplainedSection {
	s := ExplainedSection{Title: "who may speak"}
	for _, side := range []agreement.Side{agreement.Marketing, agreement.Sales} {
		v := May(e.plan, e.view, Speaker{Side: side}, "", e.at)
		mark := "no"
		if v.Allowed {
			mark = "yes"
		}
		if s.Answer == "" {
			s.Answer = "Nobody holds the conversation."
			if v.Holder == "" && v.Allowed {
				s.Answer = "Both sides may speak."
			}
			if v.Holder != "" {
				s.Answer = strings.ToUpper(v.Holder[:1]) + v.Holder[1:] + " holds the conversation."
				if e.view.Roster.Member(v.Holder) != nil {
					s.Answer = e.name(v.Holder) + " holds the conversation."
				}
			}
		}
		s.Lines = append(s.Lines, ExplainedLine{Mark: mark, Text: side.String() + ": " + v.Text, Clause: e.clause(v.Clause), Saw: v.Saw})
	}
	return s
}

// shortName is the name of a member, or the ID of who has none.
func (e *explainer) shortName(id string) string {
	if m := e.view.Roster.Member(id); m != nil && m.Name != "" {
		return m.Name
	}
	return id
}

func (e *explainer) name(id string) string {
	if m := e.view.Roster.Member(id); m != nil && m.Name != "" {
		return m.Name + " (" + id + ")"
	}
	return id
}

// lastReason finds the newest change that fits and tells the reason it cited.
func (e *explainer) lastReason(fits func(*Change) bool) []ExplainedLine {
	for i := len(e.past) - 1; i >= 0; i-- {
		d := &e.past[i].Decision
		for j := len(d.Changes) - 1; j >= 0; j-- {
			c := &d.Changes[j]
			if !fits(c) {
				continue
			}
			line := ExplainedLine{Mark: "since", Text: e.stamp(d.At) + ": " + c.Sentence(e.zone)}
			if c.Reason > 0 {
				r := &d.Reasons[c.Reason-1]
				line.Clause, line.Saw = e.clause(r.Clause), r.Saw
				if r.Text != "" {
					line.Text += " (" + r.Text + ")"
				}
			}
			if by := e.past[i].Input.Actor; by != "" {
				line.Text += ", by " + by
			}
			return []ExplainedLine{line}
		}
	}
	return nil
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}
