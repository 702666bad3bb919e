package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"baton/internal/agreement"
)

// Decide finds what one input changes under a plan. It is pure: it changes neither the
// plan nor the view nor the input, reads no clock, and gives the same decision for the
// same arguments to the byte. The time of the decision is in.Known.
//
// It runs a fixed list of steps; each sees what the steps before it changed:
//
//	admit    is the input possible at all? A command that is not is refused, with a sentence
//	record   what the input says: attributes, answers, consent, the activity
//	elapse   clocks and dates that fall due with a timer
//	attend   what becomes of what somebody holds who is away or has left; deadlines follow their calendars
//	command  what a person asks for
//	score    fit and engagement points, grade, readiness
//	move     automatic transitions, to a fixed point, never visiting a stage twice; then what belongs to
//	         the stage begins: its limit, the hand-off offered from it
//	watch    the agreement's own clocks start, pause, resume, stop
//	queue    the lead begins or ceases to wait for a call
//	engage   what marketing may use, by consent and the rules of engagement
//	wake     when time alone can next change anything
//	expect   when the owner goes away next
func Decide(plan *agreement.Plan, view *View, in *Input) Decision {
	d := deciders.Get().(*Decider)
	out := d.Decide(plan, view, in).Clone()
	deciders.Put(d)
	return out
}

var deciders = sync.Pool{New: func() any { return new(Decider) }}

// Decider decides as Decide does, in memory that it uses again: its decision is good until it
// decides the next. It is for those who decide a great many inputs, one after the other. The
// zero Decider is ready; it is not safe for concurrent use.
type Decider struct {
	decider
	out Decision
}

// Decide is the function Decide, but for how long the decision is good.
func (d *Decider) Decide(plan *agreement.Plan, view *View, in *Input) *Decision {
	d.begin(plan, view, in)
	d.decide()
	d.out = d.end()
	return &d.out
}

// decider is one decision in the making. Its state is a working copy: every change is applied
// to it at once, so that later steps see it.
type decider struct {
	plan *agreement.Plan
	in   *Input
	now  int64
	at   int64 // when the input occurred, never after now

	state   View // the working copy
	source  *View
	lead    Lead
	account Account
	roster  bool // the roster in state is a copy of our own
	team    bool // the roster was looked at

	facts      agreement.Facts
	curve      agreement.Curve
	curved     bool // the curve is the lead's own, and engagement is its value now
	engagement int64
	touched    agreement.Topics // what has changed in this decision
	rescore    bool             // engagement has to be looked at again
	visited    []bool           // stages visited in this decision
	person     bool             // a person sent the lead elsewhere: nothing moves it on in the same decision
	quiet      bool             // what is decided again is not part of this decision
	begun      int              // why the stage that the lead rests in begins: its limit and its hand-off; 0 when it has
	climbs     string           // the clock whose ladder a step is taken of
	next       int64            // the step that follows it

	changes []Change
	effects []Effect
	reasons []Reason
	refused string

	// memory kept from decision to decision
	activities []agreement.Memory
	rules      []RuleMemory
	attributes []agreement.Value
	answers    []agreement.Value
	company    []agreement.Value
	properties []agreement.Value
	fit        []int
	clocks     []Clock
}

func (d *decider) begin(plan *agreement.Plan, view *View, in *Input) {
	d.plan, d.in, d.source = plan, in, view
	d.now = in.Known
	d.at = min(in.At, in.Known)
	d.changes, d.effects, d.reasons, d.refused = d.changes[:0], d.effects[:0], d.reasons[:0], ""
	d.rescore, d.roster, d.team, d.person, d.curved, d.quiet, d.begun = false, false, false, false, false, false, 0
	if n := (plan.Index.Topics + 63) / 64; cap(d.touched) < n {
		d.touched = make(agreement.Topics, n)
	} else {
		d.touched = d.touched[:n]
		clear(d.touched)
	}
	if cap(d.visited) < len(plan.Stages) {
		d.visited = make([]bool, len(plan.Stages))
	} else {
		d.visited = d.visited[:len(plan.Stages)]
		clear(d.visited)
	}
	d.state = View{Roster: view.Roster, Past: view.Past, Joined: view.Joined}
	if view.Lead != nil {
		d.copyLead(view.Lead)
	}
	// only who identifies joins an account, or is put there; what else names one says nothing of the lead
	if view.Account != nil && (joins(in.Kind) || in.Lead == 0 || view.Lead != nil && view.Lead.Account == view.Account.ID) {
		d.account = *view.Account
		d.state.Account = &d.account
		if joins(in.Kind) || in.Kind == Retract {
			d.company = append(d.company[:0], view.Account.Attributes...)
			d.account.Attributes = d.company
		}
	}
	d.facts = agreement.Facts{Now: d.now, EngagementCurve: &d.curve}
}

// joins reports whether an input may bring a lead into an account.
func joins(k InputKind) bool {
	return k == Identify || k == Merge || k == Split || k == Restored || k == JoinAccount
}

// copyLead takes a working copy. What the input cannot change is shared, the rest is
// copied or clipped, so that Apply never writes into the caller's memory.
func (d *decider) copyLead(l *Lead) {
	d.lead = *l
	d.state.Lead = &d.lead
	d.activities = append(d.activities[:0], l.Activities...)
	d.lead.Activities = d.activities
	for i := range d.activities {
		d.activities[i].Recent = slices.Clip(d.activities[i].Recent)
	}
	d.rules = append(d.rules[:0], l.Rules...)
	d.lead.Rules = d.rules
	for i := range d.rules {
		d.rules[i].Counted = slices.Clip(d.rules[i].Counted)
	}
	d.fit = append(d.fit[:0], l.Fit...)
	d.lead.Fit = d.fit
	d.clocks = append(d.clocks[:0], l.Clocks...)
	d.lead.Clocks = d.clocks
	d.lead.Handoff.Tried = slices.Clip(l.Handoff.Tried)
	if joins(d.in.Kind) {
		d.attributes = append(d.attributes[:0], l.Attributes...)
		d.lead.Attributes = d.attributes
	}
	if d.in.Kind == Answered || d.in.Kind == Contact || d.in.Kind == Merge {
		d.answers = append(d.answers[:0], l.Answers...)
		d.lead.Answers = d.answers
	}
}

func (d *decider) end() Decision {
	out := Decision{Input: d.in.ID, Lead: d.in.Lead, At: d.now, Version: d.in.Version, Refused: d.refused, Reasons: d.reasons, Team: d.team}
	if d.refused == "" {
		out.Changes, out.Effects = d.changes, d.effects
	}
	// keep the memory, not what it points to
	if d.state.Lead != nil {
		d.activities, d.rules, d.fit, d.clocks = d.lead.Activities[:0], d.lead.Rules[:0], d.lead.Fit[:0], d.lead.Clocks[:0]
	}
	d.state, d.source, d.plan, d.in = View{}, nil, nil, nil
	return out
}

func (d *decider) decide() {
	switch {
	case d.in.Lead == 0 && d.in.Kind == Retract:
		d.retractAccount()
		return
	case d.in.Lead == 0:
		d.decideRoster()
		return
	}
	switch d.in.Kind {
	case Retract:
		d.retract()
		return
	case Merged:
		d.goOn()
		return
	case Split:
		d.split()
		return
	case Restored:
		d.restore()
		return
	case Merge, JoinAccount:
		if !d.possible() {
			return
		}
	}
	if d.state.Lead == nil || d.lead.Stage < 0 { // never heard of, or erased
		d.create()
	}
	d.visited[d.lead.Stage] = true
	if d.lead.Revisit > 0 && d.in.Kind == Timer && d.lead.Revisit <= d.in.Due {
		// the way back begins a pass of its own
		d.visited[d.lead.Stage] = false
	}
	d.observe()
	d.record()
	if d.refused != "" {
		return
	}
	if d.in.Kind == Timer {
		d.elapse()
	}
	d.attend()
	d.command()
	if d.refused != "" {
		return
	}
	d.score()
	for {
		if !d.person {
			d.move()
		}
		if d.begun == 0 {
			break
		}
		why := d.begun
		d.begun = 0
		d.beginStage(why)
	}
	d.watch()
	d.queueCall()
	d.engage()
	d.wake()
	d.expect()
}

// create makes the lead that an input is the first to mention.
func (d *decider) create() {
	origin := d.in.Origin
	if origin == agreement.NoSide {
		origin = agreement.Marketing
	}
	d.state.Lead = &d.lead
	d.lead = Lead{ID: d.in.Lead, Activities: d.activities[:0], Rules: d.rules[:0], Fit: d.fit[:0], Clocks: d.clocks[:0]}
	d.emit(Change{Kind: LeadCreated, Int: d.in.Lead, At: d.at, To: origin.String()})
	d.lead.Activities, d.lead.Rules, d.lead.Fit, d.lead.Clocks = d.activities[:0], d.rules[:0], d.fit[:0], d.clocks[:0]
	d.lead.Attributes = d.attributes[:0]
	d.lead.Answers = d.answers[:0]
	d.emit(Change{Kind: Rebound, Int: d.in.Version})
	d.emit(Change{Kind: PassStarted, Int: 1, At: d.at})
	d.enter(0, "", d.because(d.plan.Stages[0].Address))
	d.touchAll()
}

// emit records a change and applies it to the working copy.
func (d *decider) emit(c Change) {
	d.changes = append(d.changes, c)
	Apply(d.plan, &d.state, &d.changes[len(d.changes)-1])
}

func (d *decider) effect(kind EffectKind, to, name string, reason int) {
	d.effects = append(d.effects, Effect{Kind: kind, To: to, Name: name, Reason: reason})
}

// because cites a clause and returns the number that changes refer to it by.
func (d *decider) because(clause string, saw ...agreement.Seen) int {
	d.reasons = append(d.reasons, Reason{Clause: clause, Saw: saw})
	return len(d.reasons)
}

func (d *decider) becauseText(clause, text string) int {
	d.reasons = append(d.reasons, Reason{Clause: clause, Text: text})
	return len(d.reasons)
}

// becauseSaw cites a clause with what its condition looked at.
func (d *decider) becauseSaw(clause string, when *agreement.Condition) int {
	d.observe()
	d.reasons = append(d.reasons, Reason{Clause: clause, Saw: when.Saw(&d.facts)})
	return len(d.reasons)
}

func (d *decider) refuse(format string, args ...any) {
	d.refused = fmt.Sprintf(format, args...)
}

func (d *decider) touch(topic int) { d.touched.Add(topic) }

func (d *decider) touchAll() {
	for i := range d.touched {
		d.touched[i] = ^uint64(0)
	}
	d.rescore = true
}

// observe brings the facts up to date with the working copy.
func (d *decider) observe() {
	f, l := &d.facts, &d.lead
	f.Lead, f.Answers = l.Attributes, l.Answers
	f.Company = l.Attributes
	f.AccountOwner = ""
	if d.state.Account != nil {
		f.Company = d.account.Attributes
		f.AccountOwner = d.account.Owner
	}
	f.Activities, f.Total = l.Activities, l.Total
	f.Fit, f.Grade, f.Readiness = l.FitPoints, l.Grade, l.Readiness
	f.Engagement = l.Engagement
	if d.curved {
		f.Engagement = d.engagement
	}
	f.Stage, f.Entered, f.Pass = l.Stage, l.Entered, l.Pass
	f.Origin, f.Owner = l.Origin, l.Owner
	f.Handoff, f.Contacted = l.Handoff.State.String(), l.Handoff.Contacted > 0
	f.BuyingStage = l.BuyingStage
	f.Scored = l.Consent.Status != Objected
}

// record takes in what the input says about the lead.
func (d *decider) record() {
	in := d.in
	switch in.Kind {
	case Identify:
		d.identify()
	case Did:
		d.did()
	case Answered:
		d.answer(in.Values)
	case Consented:
		d.consent()
	case Merge:
		d.absorb()
	case JoinAccount:
		d.place()
	case Activate:
		d.emit(Change{Kind: Rebound, Int: in.Version})
		d.dropClocks()
		d.touchAll()
		if d.pending() && d.lead.Owner == "" && d.lead.Queue < 0 { // the queue it was in is gone
			to := d.assign(nil)
			d.moveHandoff(to, to.why)
		}
	case Refresh:
		d.touchAll()
	case OwnAccount:
		if d.state.Account == nil {
			d.refuse("this lead belongs to no account, so nobody can own it")
			return
		}
		if d.account.Owner != in.Name {
			d.emit(Change{Kind: AccountOwnerSet, From: d.account.Owner, To: in.Name})
			d.touch(agreement.TopicAccountOwner)
		}
	}
	d.observe()
}

func (d *decider) identify() {
	in := d.in
	foreign := false // what it says of a company is not said of the lead's
	if in.Account != 0 && d.lead.Account != in.Account {
		if foreign = d.lead.Placed; foreign {
			d.becauseText("identity", "a person has put the lead into its account: it stays there, and what is said of another company is kept with the input")
		} else {
			why := 0
			if in.Text != "" {
				why = d.becauseText("identity", in.Text)
			}
			d.join(in.Account, why)
		}
	}
	for i := range in.Values {
		named := &in.Values[i]
		slot, ok := d.plan.Index.Attribute[named.Name]
		if !ok {
			d.becauseText("attributes", "the agreement has no attribute "+named.Name+"; the value is kept with the input")
			continue
		}
		a := &d.plan.Attributes[slot]
		if a.Company && foreign {
			continue
		}
		v, ok := Coerce(d.plan, a.Kind, a.Choices, named.Value)
		if !ok {
			d.becauseText(a.Address, fmt.Sprintf("%s should be %s; %q is kept with the input and not used", a.Name, kindWords(a.Kind, a.Choices), named.Value.String()))
			continue
		}
		company := a.Company && d.state.Account != nil
		have := agreement.Value{}
		if company {
			have = valueAt(d.account.Attributes, slot)
		} else {
			have = valueAt(d.lead.Attributes, slot)
		}
		if have.Equal(v) || have.Known() && slices.Contains(in.Keep, named.Name) {
			continue
		}
		kind := AttributeSet
		if company {
			kind = AccountAttributeSet
		}
		d.emit(Change{Kind: kind, Name: a.Name, Value: v})
		d.touch(d.plan.AttributeTopic(slot))
	}
}

// join brings the lead into an account.
func (d *decider) join(account int64, why int) {
	d.emit(Change{Kind: AccountJoined, Int: account, Reason: why})
	if d.state.Account == nil {
		d.account = Account{ID: account}
		d.company = d.company[:0]
		d.state.Account = &d.account
	}
	d.touchAll()
	// what was known of the company while the lead stood alone is the account's now
	for slot := range d.lead.Attributes {
		a := &d.plan.Attributes[slot]
		if v := d.lead.Attributes[slot]; a.Company && v.Known() && !known(d.account.Attributes, slot) {
			d.emit(Change{Kind: AccountAttributeSet, Name: a.Name, Value: v})
		}
	}
}

func known(values []agreement.Value, slot int) bool { return valueAt(values, slot).Known() }

func valueAt(values []agreement.Value, slot int) agreement.Value {
	if slot >= len(values) {
		return agreement.Value{}
	}
	return values[slot]
}

func kindWords(k agreement.Kind, choices []string) string {
	if k == agreement.Choice {
		return "one of " + strings.Join(choices, ", ")
	}
	return "a " + k.String()
}

func (d *decider) answer(values []Named) {
	for i := range values {
		named := &values[i]
		slot, ok := d.plan.Index.Question[named.Name]
		if !ok {
			d.becauseText("questions", "the agreement has no question "+named.Name+"; the answer is kept with the input")
			continue
		}
		q := &d.plan.Questions[slot]
		v, ok := Coerce(d.plan, q.Kind, q.Choices, named.Value)
		if !ok {
			d.becauseText(q.Address, fmt.Sprintf("%s should be %s; %q is kept with the input and not used", q.Name, kindWords(q.Kind, q.Choices), named.Value.String()))
			continue
		}
		if valueAt(d.lead.Answers, slot).Equal(v) {
			continue
		}
		d.emit(Change{Kind: AnswerSet, Name: q.Name, Value: v, Reason: d.because(q.Address)})
		d.touch(d.plan.QuestionTopic(slot))
	}
}

// consent takes in what the lead says about being contacted and profiled. An objection is
// absolute: the score is cleared and not made again, and what is on offer is withdrawn.
func (d *decider) consent() {
	status := parseConsent(d.in.Name)
	if status == NotAsked && d.in.Name != NotAsked.String() {
		d.refuse("consent is one of granted, withdrawn, objected; not %q", d.in.Name)
		return
	}
	was := d.lead.Consent
	if was.Status == status {
		if d.at > was.At { // said again: what is older than this does not undo it
			d.emit(Change{Kind: ConsentSet, To: status.String(), At: d.at, Name: d.in.Source})
		}
		return
	}
	if was.Status != NotAsked && d.at < was.At {
		d.becauseText("consent", "it is older than what the lead said last: kept, not used")
		return
	}
	if was.Status == Objected && status != Granted {
		d.becauseText("consent", "only a new consent lifts an objection: kept, not used")
		return
	}
	if was.Status == Withdrawn && status == NotAsked {
		d.becauseText("consent", "only a new consent takes the place of one that was withdrawn: kept, not used")
		return
	}
	d.emit(Change{Kind: ConsentSet, To: status.String(), At: d.at, Name: d.in.Source})
	d.touchAll()
	if was.Status == Objected {
		// what the lead did while the objection stood counts no more, also when it is known later
		d.begun = d.becauseText("consent", "the lead consents again: scoring begins anew")
		d.emit(Change{Kind: ScoreCleared, To: agreement.KeepNothing.String(), Int: int64(agreement.KeepNothing), At: d.at, Reason: d.begun})
	}
	switch h := &d.lead.Handoff; {
	case status == Objected:
		d.object()
	case h.Rule < 0 || h.State != HandoffAccepted:
	case status == Withdrawn && d.clock(d.handoff().ContactClause.Address) != nil:
		d.dropClock(d.handoff().ContactClause.Address, d.becauseText("consent", "the lead withdrew consent to messages: nobody can reach it in time"))
	case was.Status == Withdrawn && d.plan.Stages[d.lead.Stage].Side == agreement.Sales && d.plan.Stages[d.lead.Stage].Final == agreement.NotFinal:
		d.awaitContact()
	}
}

// object ends what an objection ends.
func (d *decider) object() {
	why := d.becauseText("consent", "the lead objected: no messages, no scoring")
	d.emit(Change{Kind: ScoreCleared, To: agreement.KeepNothing.String(), Int: int64(agreement.KeepNothing), At: d.now, Reason: why})
	d.withdraw(why)
	d.stopClocks("", why)
}
