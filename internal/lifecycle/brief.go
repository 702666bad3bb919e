package lifecycle

import (
	"slices"
	"strings"

	"baton/internal/agreement"
)

// Brief is what somebody has to know of a lead before they speak to it, and no more than the agreement allows. Pages, alerts
// and the API are made of it. Names are as the agreement has them; instants are UTC microseconds.
type Brief struct {
	Lead    int64
	Name    string // "lead 12" if there is none to show
	Company string
	Stage   string
	Since   int64 // in the stage
	Pass    int
	Owner   string // a member's ID
	Queue   string
	Handoff string // the state of the hand-off, "" for none
	Due     int64  // the next deadline, 0 for none
	Clock   string // its clause

	Score     string // "85 points, grade A1"; "" if it is not scored
	Readiness int
	Ready     *BriefReason  // what brought the lead to sales: the hand-off's, or that of its stage
	Points    []BriefPoints // the clauses that gave it the most points, the most first
	Last      *BriefEvent   // the last thing that the lead did or said
	Changed   *BriefChange  // what changed last, and by which clause

	Activities []BriefActivity // the most telling ones, as many as the agreement says
	Asset      *BriefAsset     // the most recent one
	Questions  []BriefQuestion // those not answered yet, in the order of the agreement
	Answers    []NoticeFact
	Known      []NoticeFact // attributes, as the agreement says

	Speak  Verdict      // whether the reader may speak to it, by any channel
	Before []BriefEvent // what came of it before: hand-backs, rejections, losses; the oldest first
}

// BriefReason is a clause that was cited, with what it looked at as far as the brief allows.
type BriefReason struct {
	Clause, Text string
	Saw          []agreement.Seen
	At           int64
	Stage        string // that it led to
}

// BriefPoints is a scoring rule that holds for the lead.
type BriefPoints struct {
	Clause, Name string
	Points       int64 // in agreement.Point
}

// BriefEvent is something that happened.
type BriefEvent struct {
	Kind  InputKind
	What  string // in words
	Name  string // the activity, or the reason
	Actor string // a member's ID
	Note  string
	At    int64
	Pass  int
}

// BriefChange is what a decision changed.
type BriefChange struct {
	Text, Clause string
	At           int64
}

// BriefActivity is what the lead did, how often, and when last.
type BriefActivity struct {
	Name  string
	Worth string // low, medium, high
	Count int64
	Last  int64
}

// BriefAsset is a piece of content.
type BriefAsset struct {
	Name, Worth, BuyingStage string
	At                       int64
}

// BriefQuestion is something still to be asked.
type BriefQuestion struct{ Name, Ask, Clause string }

// How much of a brief is there at most.
const (
	briefPoints = 3
	briefBefore = 5
)

// BriefOf writes the brief of a lead as it stands at an instant, for a reader. past is its timeline, oldest first: as much of it as is
// at hand. Of a lead that objected there is nothing but how it stands, and that nobody may speak to it.
func BriefOf(plan *agreement.Plan, view *View, past []Decided, reader Speaker, at int64) Brief {
	t := &teller{explainer: explainer{plan: plan, view: view, lead: view.Lead, at: at, past: past, facts: FactsAt(plan, view, at), zone: plan.Calendar.Zone()}, alert: &Alert{}}
	return t.brief(reader)
}

func (t *teller) brief(reader Speaker) Brief {
	l, plan := t.lead, t.plan
	b := Brief{Lead: l.ID, Name: t.name(), Stage: plan.Stages[l.Stage].Name, Since: l.Entered, Pass: l.Pass, Owner: l.Owner, Queue: queueOf(plan, l),
		Handoff: l.Handoff.State.String(), Readiness: l.Readiness, Speak: May(plan, t.view, reader, "", t.at)}
	if _, k := t.deadline(); k != nil {
		b.Due, b.Clock = k.Due, k.Name
	}
	b.Ready, b.Changed, b.Before = t.ready(), t.changed(), t.earlier()
	if l.Consent.Status == Objected {
		return b
	}
	b.Company, b.Score, b.Points = t.value("company.name"), t.scoreText(), t.points()
	b.Last, b.Activities, b.Asset = t.last(), t.most(), t.asset()
	for i := range plan.Questions {
		q := &plan.Questions[i]
		if v := valueAt(l.Answers, i); v.Known() {
			b.Answers = append(b.Answers, NoticeFact{q.Name, valueText(v, t.zone)})
		} else {
			b.Questions = append(b.Questions, BriefQuestion{q.Name, q.Ask, q.Address})
		}
	}
	b.Known = t.attributes()
	return b
}

func queueOf(plan *agreement.Plan, l *Lead) string {
	if l.Queue < 0 {
		return ""
	}
	return plan.Queues[l.Queue].Name
}

// reasonOf is a reason with what may be told of it.
func (t *teller) reasonOf(d *Decision, reason int, stage string) *BriefReason {
	b := &BriefReason{At: d.At, Stage: stage}
	if reason > 0 && reason <= len(d.Reasons) {
		r := &d.Reasons[reason-1]
		b.Clause, b.Text = r.Clause, r.Text
		for _, s := range r.Saw {
			if t.shown(s.Name) && s.Value != "" {
				b.Saw = append(b.Saw, s)
			}
		}
	}
	return b
}

// ready finds what brought the lead to sales: why its latest hand-off of this pass was offered, or else why it is in its stage.
func (t *teller) ready() *BriefReason {
	stage := t.plan.Stages[t.lead.Stage].Name
	var entered *BriefReason
	for i := len(t.past) - 1; i >= 0; i-- {
		d := &t.past[i].Decision
		if d.At < t.lead.PassFrom {
			break
		}
		for j := len(d.Changes) - 1; j >= 0; j-- {
			switch c := &d.Changes[j]; {
			case c.Kind == HandoffOffered:
				from := stage
				if slot, ok := t.plan.Index.Handoff[c.Name]; ok {
					from = t.plan.Stages[t.plan.Handoffs[slot].From].Name
				}
				return t.reasonOf(d, c.Reason, from)
			case c.Kind == StageEntered && c.To == stage && entered == nil:
				entered = t.reasonOf(d, c.Reason, stage)
			}
		}
	}
	return entered
}

// points lists the rules that gave the most.
func (t *teller) points() []BriefPoints {
	if !t.facts.Scored {
		return nil
	}
	var list []BriefPoints
	for _, slot := range t.lead.Fit {
		r := &t.plan.Fit[slot]
		list = append(list, BriefPoints{r.Address, r.Name, r.Points})
	}
	for i := range t.lead.Rules {
		m := &t.lead.Rules[i]
		r := &t.plan.Engagement[m.Rule]
		list = append(list, BriefPoints{r.Address, r.Name, t.worthNow(r, m)})
	}
	list = slices.DeleteFunc(list, func(p BriefPoints) bool { return p.Points <= 0 })
	slices.SortStableFunc(list, func(a, b BriefPoints) int {
		switch {
		case a.Points > b.Points:
			return -1
		case a.Points < b.Points:
			return 1
		}
		return strings.Compare(a.Clause, b.Clause)
	})
	return list[:min(len(list), briefPoints)]
}

// worthNow returns the points that an engagement rule gives at the instant.
func (t *explainer) worthNow(r *agreement.EngagementRule, m *RuleMemory) (points int64) {
	switch {
	case r.Expires > 0:
		for _, at := range m.Counted {
			if at+r.Expires > t.at {
				points += r.Points
			}
		}
	case r.HalfLife > 0:
		points = agreement.Decay(m.Points, t.at-m.Ref, r.HalfLife)
	default:
		points = m.Points
	}
	return points
}

// last finds the last thing that the lead did or said.
func (t *teller) last() *BriefEvent {
	for i := len(t.past) - 1; i >= 0; i-- {
		in := &t.past[i].Input
		if in.Bot || t.past[i].Decision.Refused != "" {
			continue
		}
		e := &BriefEvent{Kind: in.Kind, Name: in.Name, At: in.At, Actor: in.Actor}
		switch in.Kind {
		case Did:
			e.What = words(in.Name)
		case Answered:
			e.What = "answered a question"
		case Identify:
			e.What = "told more about themselves"
		default:
			continue
		}
		return e
	}
	return nil
}

// telling changes are those that a reader wants to hear of.
var tellingChanges = map[ChangeKind]bool{StageEntered: true, GradeChanged: true, ReadinessChanged: true, HandoffOffered: true, HandoffMoved: true, HandoffClosed: true,
	OwnerSet: true, ClockBreached: true, AnswerSet: true, ConsentSet: true}

// changed finds what changed last.
func (t *teller) changed() *BriefChange {
	for i := len(t.past) - 1; i >= 0; i-- {
		d := &t.past[i].Decision
		for j := len(d.Changes) - 1; j >= 0; j-- {
			c := &d.Changes[j]
			if !tellingChanges[c.Kind] || c.Kind == AnswerSet && t.lead.Consent.Status == Objected {
				continue
			}
			b := &BriefChange{Text: c.Sentence(t.zone), At: d.At}
			if c.Reason > 0 && c.Reason <= len(d.Reasons) {
				b.Clause = d.Reasons[c.Reason-1].Clause
			}
			return b
		}
	}
	return nil
}

// most lists the most telling activities: the worthiest, of these the latest.
func (t *teller) most() []BriefActivity {
	list := slices.Clone(t.lead.Activities)
	slices.SortStableFunc(list, func(a, b agreement.Memory) int {
		if x, y := t.plan.Activities[a.Activity].Worth, t.plan.Activities[b.Activity].Worth; x != y {
			return int(y) - int(x)
		}
		switch {
		case a.Last > b.Last:
			return -1
		case a.Last < b.Last:
			return 1
		}
		return a.Activity - b.Activity
	})
	var out []BriefActivity
	for _, m := range list[:min(len(list), t.plan.Brief.Activities)] {
		a := &t.plan.Activities[m.Activity]
		out = append(out, BriefActivity{a.Name, a.Worth.String(), m.Count, m.Last})
	}
	return out
}

// asset finds the most recent asset.
func (t *teller) asset() *BriefAsset {
	l := t.lead
	if l.Asset < 0 || l.AssetAt == 0 {
		return nil
	}
	a := &t.plan.Assets[l.Asset]
	b := &BriefAsset{Name: a.Name, Worth: a.Worth.String(), At: l.AssetAt}
	if a.BuyingStage >= 0 {
		b.BuyingStage = t.plan.BuyingStages[a.BuyingStage].Name
	}
	return b
}

// earlier lists what came of the lead before, the last few.
func (t *teller) earlier() []BriefEvent {
	var list []BriefEvent
	pass := 0
	for i := range t.past {
		in, d := &t.past[i].Input, &t.past[i].Decision
		verb := map[InputKind]string{Reject: "turned down", HandBack: "handed back", Lose: "lost"}[in.Kind]
		if verb != "" && d.Refused == "" {
			list = append(list, BriefEvent{Kind: in.Kind, What: verb, Name: in.Name, Actor: in.Actor, Note: strings.TrimSpace(in.Text), At: in.At, Pass: max(pass, 1)})
		}
		for j := range d.Changes {
			if c := &d.Changes[j]; c.Kind == PassStarted {
				pass = int(c.Int)
			}
		}
	}
	return list[max(0, len(list)-briefBefore):]
}
