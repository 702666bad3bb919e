package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// Inspector looks at decisions, in their order, for what must hold whatever happens:
//
//	one stage      a lead enters a stage from the one it is in, and each at most once in a decision
//	one holder     a member or a queue, and who holds it is told, unless they took it themselves; so is who loses it
//	no limbo       a hand-off that was offered ends once, or is open with a holder and a running clock
//	every clock    that starts is stopped as met, late or dropped, or still belongs to its lead; it is late if
//	               and only if time ran out
//	every alert    cites a clause of its decision, is due when it is decided or later, and goes to nobody who has left
//	refusals       change nothing and tell nobody
//	open work      that the team counts is what each member holds
//
// Feed it from World.Observe. It keeps a few words for each lead.
type Inspector struct {
	Decisions int64
	Alerts    int64            // that decisions asked for
	Offered   int64            // hand-offs
	Ended     map[string]int64 // the state a hand-off ended in -> how many; "undone" when its lead is decided anew
	Faults    int64
	First     string // the first fault, in words for an engineer; "" if there is none

	leads map[int64]*inspected
	open  map[string]int // member -> hand-offs that wait for them
	seen  map[string]bool
}

// inspected is what an Inspector knows of a lead.
type inspected struct {
	stage, owner, queue string
	waits               bool
	clocks              map[string]int // running, paused or over -> how often time ran out
	gone                bool
	version             int64
}

// NewInspector returns an Inspector that has seen nothing.
func NewInspector() *Inspector {
	return &Inspector{Ended: map[string]int64{}, leads: map[int64]*inspected{}, open: map[string]int{}, seen: map[string]bool{}}
}

// Open returns how many hand-offs wait to be accepted, those with a manager among them.
func (a *Inspector) Open() int64 {
	n := int64(0)
	for _, l := range a.leads { // order: sums are the same in any
		if l.waits {
			n++
		}
	}
	return n
}

// Next looks at a decision; v is the state after it. It reports whether all is well.
func (a *Inspector) Next(plan *agreement.Plan, in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View) bool {
	a.Decisions++
	faults := a.Faults
	fault := func(format string, args ...any) {
		if a.Faults++; a.First == "" {
			a.First = fmt.Sprintf("input %d (%s of lead %d): %s", in.ID, in.Kind, in.Lead, fmt.Sprintf(format, args...))
		}
	}
	if d.Refused != "" && (len(d.Changes) > 0 || len(d.Effects) > 0) {
		fault("it was refused, and changes something or tells somebody")
	}
	var before inspected
	if in.Lead != 0 {
		l := a.leads[in.Lead]
		if l == nil {
			l = &inspected{clocks: map[string]int{}}
			a.leads[in.Lead] = l
		}
		l.follow(plan, d.Version)
		before = *l
		a.walk(l, in, d, fault)
		if v.Lead != nil {
			a.compare(plan, l, v.Lead, fault)
			a.loads(v, &before, l, fault)
		}
		a.heard(plan, in, d, v, &before, l, fault)
		able(in, d, v, fault)
	}
	a.alerts(plan, in, d, v, fault)
	return a.Faults == faults
}

// follow calls things what a later version of the agreement calls them.
func (l *inspected) follow(plan *agreement.Plan, version int64) {
	old := l.version
	if l.version = version; old == 0 || old == version {
		return
	}
	l.stage = lifecycle.Renamed(plan, "stage", l.stage)
	if l.queue = lifecycle.Renamed(plan, "queue", l.queue); !slices.ContainsFunc(plan.Queues, func(n agreement.Named) bool { return n.Name == l.queue }) {
		l.queue = "" // it is gone
	}
	clocks := make(map[string]int, len(l.clocks))
	for name, breaches := range l.clocks { // order: into a map
		clocks[lifecycle.Renamed(plan, "clock", name)] = breaches
	}
	l.clocks = clocks
}

// walk follows the changes of a decision from what was known before it.
func (a *Inspector) walk(l *inspected, in *lifecycle.Input, d *lifecycle.Decision, fault func(string, ...any)) {
	clear(a.seen)
	anew := false // the lead is decided again from the beginning, where the same stages come again
	for i := range d.Changes {
		c := &d.Changes[i]
		if c.Reason < 0 || c.Reason > len(d.Reasons) {
			fault("%s cites reason %d of %d", c.Kind, c.Reason, len(d.Reasons))
		}
		switch c.Kind {
		case lifecycle.LeadErased, lifecycle.LeadMerged:
			if c.Kind == lifecycle.LeadMerged && (l.waits || len(l.clocks) > 0) {
				fault("the lead is merged into another while it is on offer or a clock runs")
			}
			if l.waits {
				a.Ended["undone"]++
			}
			anew = true
			*l = inspected{clocks: map[string]int{}, gone: true, version: l.version}
		case lifecycle.LeadCreated:
			l.gone = false
		case lifecycle.StageEntered:
			if c.From != l.stage {
				fault("it leaves stage %q and is in %q", c.From, l.stage)
			}
			if a.seen[c.To] && !anew {
				fault("it enters stage %s twice", c.To)
			}
			a.seen[c.To] = true
			l.stage = c.To
		case lifecycle.OwnerSet:
			if c.From != l.owner {
				fault("the owner %q is replaced and it is %q who has it", c.From, l.owner)
			}
			l.owner = c.To
		case lifecycle.QueueSet:
			if c.From != l.queue {
				fault("it leaves queue %q and is in %q", c.From, l.queue)
			}
			l.queue = c.To
		case lifecycle.PassStarted:
			if l.waits {
				fault("a pass begins while a hand-off is open")
			}
		case lifecycle.HandoffOffered:
			if l.waits {
				fault("it is offered while a hand-off is open")
			}
			l.waits = true
			a.Offered++
		case lifecycle.HandoffClosed:
			if !l.waits {
				fault("a hand-off ends %s that is not open", c.To)
			}
			if c.To != lifecycle.HandoffEscalated.String() {
				l.waits = false
				a.Ended[c.To]++
			}
		case lifecycle.ClockStarted:
			if _, runs := l.clocks[c.Name]; runs {
				fault("the clock %s starts and runs already", c.Name)
			}
			l.clocks[c.Name] = 0
		case lifecycle.ClockPaused, lifecycle.ClockResumed, lifecycle.ClockRestarted, lifecycle.ClockMoved:
			if _, runs := l.clocks[c.Name]; !runs {
				fault("%s of %s, which is not there", c.Kind, c.Name)
			}
		case lifecycle.ClockBreached:
			if _, runs := l.clocks[c.Name]; !runs {
				fault("time runs out for %s, which is not there", c.Name)
			}
			l.clocks[c.Name]++
		case lifecycle.ClockStopped:
			breaches, runs := l.clocks[c.Name]
			switch {
			case !runs:
				fault("the clock %s stops and is not there", c.Name)
			case c.To == "met" && breaches > 0, c.To == "late" && breaches == 0, c.To != "met" && c.To != "late" && c.To != "dropped":
				fault("the clock %s, over %d times, stops as %q", c.Name, breaches, c.To)
			}
			delete(l.clocks, c.Name)
		}
	}
}

// compare holds what the changes said against the state they led to.
func (a *Inspector) compare(plan *agreement.Plan, l *inspected, s *lifecycle.Lead, fault func(string, ...any)) {
	if s.Stage < 0 {
		if !l.gone {
			fault("the lead is in no stage")
		}
		return
	}
	if err := lifecycle.Sound(plan, s); err != nil {
		fault("the lead %v", err)
		return
	}
	queue := ""
	if s.Queue >= 0 {
		queue = plan.Queues[s.Queue].Name
	}
	for _, is := range [...][3]string{{"stage", plan.Stages[s.Stage].Name, l.stage}, {"owner", s.Owner, l.owner}, {"queue", queue, l.queue}} {
		if is[1] != is[2] {
			fault("its %s is %q, and by its changes %q", is[0], is[1], is[2])
		}
	}
	if s.Waits() != l.waits {
		fault("its hand-off is %s, and by its changes it waits: %t", s.Handoff.State, l.waits)
	}
	if len(s.Clocks) != len(l.clocks) {
		fault("it has %d clocks, and by its changes %d", len(s.Clocks), len(l.clocks))
	}
	for i := range s.Clocks {
		if breaches, runs := l.clocks[s.Clocks[i].Name]; !runs || breaches != s.Clocks[i].Breaches {
			fault("its clock %s is over %d times, and by its changes %d", s.Clocks[i].Name, s.Clocks[i].Breaches, breaches)
		}
	}
}

// loads compares what the team counts with who holds what.
func (a *Inspector) loads(v *lifecycle.View, before, l *inspected, fault func(string, ...any)) {
	if before.waits && before.owner != "" {
		a.open[before.owner]--
	}
	if l.waits && l.owner != "" {
		a.open[l.owner]++
	}
	for _, id := range [2]string{before.owner, l.owner} {
		if m := v.Roster.Member(id); m != nil && m.Open != a.open[id] {
			fault("%s counts %d open hand-offs and holds %d", id, m.Open, a.open[id])
		}
	}
}

// able finds somebody who is away or has left the team and is given the lead by the assignment. What is decided again is left out: it was
// decided with the team as it was then.
func able(in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View, fault func(string, ...any)) {
	switch in.Kind {
	case lifecycle.Retract, lifecycle.Split, lifecycle.Restored, lifecycle.Merged:
		return
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		if c.Kind != lifecycle.OwnerSet || c.To == "" || c.Reason <= 0 || c.Reason > len(d.Reasons) || !strings.HasPrefix(d.Reasons[c.Reason-1].Clause, "assignment") {
			continue
		}
		m := v.Roster.Member(c.To)
		switch {
		case m == nil:
			fault("it is given to %s, who is not in the team", c.To)
		case m.Inactive:
			fault("it is given to %s, who has left the team", c.To)
		case slices.ContainsFunc(m.Away, func(w lifecycle.Absence) bool { return w.From <= in.Known && in.Known < w.To }):
			fault("it is given to %s, who is away", c.To)
		}
	}
}

// heard finds whoever got an open hand-off, or lost one, and is not told. Who did it themselves knows; who gave it back does.
func (a *Inspector) heard(plan *agreement.Plan, in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View, before, l *inspected, fault func(string, ...any)) {
	if before.owner == l.owner || in.Kind == lifecycle.Retract { // nobody is told twice when an import is undone
		return
	}
	told := func(to string, kinds ...lifecycle.EffectKind) bool {
		return to == in.Actor || slices.ContainsFunc(d.Effects, func(e lifecycle.Effect) bool { return e.To == to && slices.Contains(kinds, e.Kind) })
	}
	if l.waits && l.owner != "" && !told(l.owner, lifecycle.TellOffer, lifecycle.TellEscalate) {
		fault("%s has got the lead and is not told", l.owner)
	}
	if before.waits && before.owner != "" && !told(before.owner, lifecycle.TellTaken) {
		fault("the lead was taken from %s, who is not told", before.owner)
	}
}

// alerts holds what people are told against the decision they are told of.
func (a *Inspector) alerts(plan *agreement.Plan, in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View, fault func(string, ...any)) {
	for i := range d.Effects {
		if r := d.Effects[i].Reason; r < 0 || r > len(d.Reasons) {
			fault("it tells %s for reason %d of %d", d.Effects[i].To, r, len(d.Reasons))
			return
		}
	}
	list := lifecycle.Alerts(plan, v, in, d)
	a.Alerts += int64(len(list))
	for i := range list {
		t := &list[i]
		cited := slices.ContainsFunc(d.Reasons, func(r lifecycle.Reason) bool { return r.Clause == t.Clause })
		if t.Kind == agreement.ActivityEvent { // what a lead did is no clause's doing
			cited = slices.ContainsFunc(d.Changes, func(c lifecycle.Change) bool { return c.Kind == lifecycle.ActivityCounted && c.Name == t.Name })
		}
		m := v.Roster.Member(t.To)
		queue, queued := strings.CutPrefix(t.To, "queue ")
		switch {
		case !cited:
			fault("the alert %s to %q cites %q, which its decision does not", t.Kind, t.To, t.Clause)
		case t.Due < d.At:
			fault("the alert %s to %q was due before it was decided", t.Kind, t.To)
		case m != nil && m.Inactive:
			fault("the alert %s goes to %s, who has left the team", t.Kind, t.To)
		case queued && !slices.ContainsFunc(plan.Queues, func(n agreement.Named) bool { return n.Name == queue }):
			fault("the alert %s goes to the queue %q, which is none", t.Kind, queue)
		}
	}
}

// Close holds what the team counts at the end against who holds what, and that every hand-off that was offered has
// ended or is open. It returns the first fault of all, "" for none.
func (a *Inspector) Close(r *lifecycle.Roster) string {
	sum := a.Open()
	for _, n := range a.Ended { // order: sums are the same in any
		sum += n
	}
	say := func(format string, args ...any) {
		if a.Faults++; a.First == "" {
			a.First = "in the end: " + fmt.Sprintf(format, args...)
		}
	}
	if sum != a.Offered {
		say("%d hand-offs were offered, and %d ended or are open", a.Offered, sum)
	}
	for _, id := range slices.Sorted(maps.Keys(a.open)) {
		if m := r.Member(id); m != nil && m.Open != a.open[id] {
			say("%s counts %d open hand-offs and holds %d", id, m.Open, a.open[id])
		}
	}
	return a.First
}
