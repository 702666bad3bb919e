package lifecycle

import (
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// HoursOf returns the working calendar of a member: their own, as the agreement or else the roster has it, that of the first of
// their pools that has one, or the agreement's.
func HoursOf(plan *agreement.Plan, r *Roster, member string) *calendar.Calendar {
	if i, ok := plan.Index.Person[member]; ok && plan.People[i].Hours != nil {
		return plan.People[i].Hours
	}
	m := r.Member(member)
	if m == nil {
		return plan.Calendar
	}
	if own, err := plan.OwnHours(m.Zone, m.Week); err == nil && own != nil {
		return own
	}
	if len(plan.Index.PoolHours) > 0 {
		for _, pool := range m.Pools {
			if cal := plan.Index.PoolHours[pool]; cal != nil {
				return cal
			}
		}
	}
	return plan.Calendar
}

// ClockHours returns the calendar that a clock of a member runs in: its own, or the member's.
func ClockHours(plan *agreement.Plan, r *Roster, clock, member string) *calendar.Calendar {
	if cal := plan.Index.Hours[clock]; cal != nil {
		return cal
	}
	return HoursOf(plan, r, member)
}

// deadline returns when a time allowed to a member is over, in working time of their calendar. What they are away of it does not
// count, if the agreement has clocks pause then.
func deadline(plan *agreement.Plan, r *Roster, clock, member string, from int64, within calendar.Duration) int64 {
	cal := ClockHours(plan, r, clock, member)
	for _, a := range pauses(plan, r, member) {
		if a.To <= from {
			continue
		}
		if a.From > from {
			used := cal.Between(from, a.From, within.Unit)
			if used >= within.Amount {
				break
			}
			within.Amount -= used
		}
		from = a.To
	}
	return cal.Add(from, within)
}

// elapsed returns how much of the time allowed to a member has passed between two instants.
func elapsed(plan *agreement.Plan, r *Roster, clock, member string, from, to int64, unit calendar.Unit) int64 {
	cal := ClockHours(plan, r, clock, member)
	sum := int64(0)
	for _, a := range pauses(plan, r, member) {
		if a.To <= from {
			continue
		}
		if a.From >= to {
			break
		}
		if a.From > from {
			sum += cal.Between(from, a.From, unit)
		}
		from = min(a.To, to)
	}
	return sum + cal.Between(from, to, unit)
}

// Remaining returns how much of a running clock's time is still to come at an instant, in a unit.
func Remaining(plan *agreement.Plan, r *Roster, k *Clock, at int64, unit calendar.Unit) int64 {
	return elapsed(plan, r, k.Name, k.Member, at, k.Due, unit)
}

// Standstill is why a clock stands still.
type Standstill struct {
	Until int64                // Never if it depends on what happens
	While *agreement.Condition // what paused it, nil for none
	Away  bool                 // the member it runs for is away; of neither, it is outside working hours
	Known bool                 // it does stand still
}

// StandsStill tells whether a clock stands still at an instant, and until when. What ran out stands no more.
func StandsStill(plan *agreement.Plan, r *Roster, k *Clock, at int64) Standstill {
	if k.State == Paused {
		s := Standstill{Known: true, Until: agreement.Never}
		for i := range plan.Clocks {
			if c := &plan.Clocks[i]; c.Address == k.Name {
				s.While = c.Pause
			}
		}
		return s
	}
	if k.State != Running || k.Due <= at {
		return Standstill{}
	}
	s := Standstill{Until: at}
	for _, a := range pauses(plan, r, k.Member) {
		if a.From <= s.Until && s.Until < a.To {
			s.Until, s.Away = a.To, true
		}
	}
	if calendar.Unit(k.Unit) != calendar.Wall {
		s.Until = ClockHours(plan, r, k.Name, k.Member).NextOpening(s.Until)
	}
	s.Known = s.Until > at
	return s
}

// pauses returns the absences of a member in which their clocks stand still.
func pauses(plan *agreement.Plan, r *Roster, member string) []Absence {
	if !plan.Absences.Away.Pause {
		return nil
	}
	if m := r.Member(member); m != nil {
		return m.Away
	}
	return nil
}

// deadline is the function deadline, on what is decided on.
func (d *decider) deadline(clock, member string, within calendar.Duration) int64 {
	d.asksTeam(member)
	return deadline(d.plan, d.state.Roster, clock, member, d.now, within)
}

// asksTeam notes that the team is looked at, if it takes that to know when a member works.
func (d *decider) asksTeam(member string) {
	if d.team || member == "" {
		return
	}
	_, named := d.plan.Index.Person[member] // of others, the hours are those they joined with
	d.team = !named || d.plan.Absences.Away.Pause || len(d.plan.Index.PoolHours) > 0
}

// used returns how much of its time a clock has used until now.
func (d *decider) used(k *Clock) int64 {
	if k.State == Paused {
		return k.Used
	}
	d.asksTeam(k.Member)
	return k.Used + elapsed(d.plan, d.state.Roster, k.Name, k.Member, k.Since, d.now, calendar.Unit(k.Unit))
}

// moveClocks brings the deadlines up to date with calendars that have changed: what was used before a pause stays used, and
// what the clock has run since is measured anew. A deadline that would be
// past is a second ahead, and what ran out has run out.
func (d *decider) moveClocks() {
	why := 0
	for i := range d.lead.Clocks {
		k := &d.lead.Clocks[i]
		if k.State != Running {
			continue
		}
		left := k.within()
		left.Amount = max(0, left.Amount-k.Used)
		d.asksTeam(k.Member)
		due := max(d.now+1_000_000, deadline(d.plan, d.state.Roster, k.Name, k.Member, k.Since, left))
		if due != k.Due && k.Due > d.now {
			if why == 0 {
				switch {
				case d.in.Kind == Refresh && d.plan.Absences.Away.Pause:
					why = d.becauseText(d.plan.Absences.Away.Address, d.name(k.Member)+" is away, or works, at other times now")
				case d.in.Kind == Refresh:
					why = d.becauseText("calendar", d.name(k.Member)+" works other hours now")
				default:
					why = d.becauseText("calendar", "working hours have changed")
				}
			}
			d.emit(Change{Kind: ClockMoved, Name: k.Name, Due: due, Reason: why})
			d.remindNext(k.Name, d.now)
		} else if d.in.Kind == Activate {
			d.remindNext(k.Name, d.now)
		}
	}
}

func (d *decider) startClock(name string, within calendar.Duration, member string, why int) {
	due := d.deadline(name, member, within)
	d.emit(Change{Kind: ClockStarted, Name: name, At: d.now, Due: due, Int: within.Amount, Unit: uint8(within.Unit), To: member, Reason: why})
	d.remindNext(name, d.now)
}

func (d *decider) clock(name string) *Clock {
	i, ok := slices.BinarySearchFunc(d.lead.Clocks, name, func(k Clock, name string) int { return strings.Compare(k.Name, name) })
	if !ok {
		return nil
	}
	return &d.lead.Clocks[i]
}

// restartClock lets the whole time begin again, for another member or the same.
func (d *decider) restartClock(name, member string, why int) {
	k := d.clock(name)
	if k == nil {
		return
	}
	due := d.deadline(name, member, k.within())
	next := int64(0)
	if name == d.climbs {
		next = d.next
	}
	d.emit(Change{Kind: ClockRestarted, Name: name, At: d.now, Due: due, To: member, Int: next, Reason: why})
	d.remindNext(name, d.now)
}

// stopClock ends a clock whose end was reached: met if it had not run out.
func (d *decider) stopClock(name string, why int) {
	k := d.clock(name)
	if k == nil {
		return
	}
	how := "met"
	if k.Breaches > 0 {
		how = "late"
	}
	d.emit(Change{Kind: ClockStopped, Name: name, At: d.now, To: how, Int: d.used(k), Reason: why})
}

// dropClock ends a clock that nobody is held to any more.
func (d *decider) dropClock(name string, why int) {
	if k := d.clock(name); k != nil {
		d.emit(Change{Kind: ClockStopped, Name: name, At: d.now, To: "dropped", Int: d.used(k), Reason: why})
	}
}

// stopClocks ends all clocks but one: the lead has left the race.
func (d *decider) stopClocks(but string, why int) {
	for i := len(d.lead.Clocks) - 1; i >= 0; i-- {
		if name := d.lead.Clocks[i].Name; name != but {
			d.dropClock(name, why)
		}
	}
}

// dropClocks ends the clocks whose clause is gone from the agreement that a lead follows now.
func (d *decider) dropClocks() {
	for i := len(d.lead.Clocks) - 1; i >= 0; i-- {
		name := d.lead.Clocks[i].Name
		if _, ok := d.plan.Index.Clause[name]; !ok {
			d.emit(Change{Kind: ClockStopped, Name: name, At: d.now, To: "dropped", Int: d.used(&d.lead.Clocks[i]), Reason: d.becauseText(name, "the agreement has this clause no more")})
		}
	}
}

// elapse handles what fell due with a timer: clocks in order of their due time, then calls, then the revisit
// date. What falls due later has a timer of its own.
func (d *decider) elapse() {
	for {
		var next *Clock
		for i := range d.lead.Clocks {
			k := &d.lead.Clocks[i]
			if k.Due <= d.in.Due && (next == nil || k.Due < next.Due) {
				next = k
			}
		}
		if next == nil {
			break
		}
		d.breach(*next)
	}
	for i := range d.lead.Clocks {
		if k := &d.lead.Clocks[i]; k.Remind != 0 && k.Remind <= d.in.Due {
			d.remind(k)
		}
	}
	d.elapseCall()
	if d.lead.Revisit > 0 && d.lead.Revisit <= d.in.Due {
		d.revisit()
	}
}

// breach records that time ran out and takes the next step of the ladder.
func (d *decider) breach(k Clock) {
	why := d.because(k.Name)
	d.emit(Change{Kind: ClockBreached, Name: k.Name, At: k.Due, Reason: why})
	d.climbs = k.Name
	defer func() { d.climbs, d.next = "", 0 }()
	for taken := k.Step; ; taken++ {
		step, left := nextStep(d.ladder(k.Name), taken)
		if step == nil {
			if d.pending() && k.Name == d.handoff().AcceptClause.Address { // an offer never waits with nobody asked
				d.becauseText(k.Name, "no step is left that could be taken")
				d.step(k.Name, &agreement.Step{Kind: agreement.Escalate, Target: "manager", Clause: agreement.Clause{Address: k.Name}})
			}
			return
		}
		d.next = int64(taken) + 1
		if d.step(k.Name, step) {
			return
		}
		// the step could not be taken: skip what is left of it and go on with the next
		taken += left
	}
}

// nextStep returns the step for a breach after n others, and how many more times it would be
// repeated. A step that may be taken several times fills as many breaches.
func nextStep(ladder []agreement.Step, n int) (*agreement.Step, int) {
	for i := range ladder {
		times := 1
		if ladder[i].Kind == agreement.Reassign {
			times = max(1, ladder[i].Times)
		}
		if n < times {
			return &ladder[i], times - n - 1
		}
		n -= times
	}
	return nil, 0
}

// ladder returns the steps that belong to a clock.
func (d *decider) ladder(name string) []agreement.Step {
	for i := range d.plan.Handoffs {
		h := &d.plan.Handoffs[i]
		switch name {
		case h.AcceptClause.Address:
			return h.OnBreach
		case h.ContactClause.Address:
			if len(h.OnNoContact) > 0 {
				return h.OnNoContact
			}
			return h.OnBreach
		}
	}
	for i := range d.plan.Stages {
		if s := &d.plan.Stages[i]; name == s.Address+".limit" {
			return s.OnBreach
		}
	}
	for i := range d.plan.Clocks {
		if c := &d.plan.Clocks[i]; name == c.Address {
			return c.OnBreach
		}
	}
	return nil
}

// step takes one step of a ladder and reports whether it could be taken.
func (d *decider) step(clock string, s *agreement.Step) bool {
	why := d.because(s.Address)
	accepting := d.pending() && clock == d.handoff().AcceptClause.Address
	switch s.Kind {
	case agreement.Remind:
		to := d.standIn(d.target(s.Target), why)
		if to == "" {
			d.reasons[why-1].Text = "there is nobody to remind"
			return false
		}
		if m := d.member(to); m != nil && m.Inactive {
			d.reasons[why-1].Text = d.name(to) + " has left the team"
			return false
		}
		d.effect(TellRemind, to, clock, why)
		d.restartClock(clock, d.lead.Owner, why)
		return true
	case agreement.Reassign:
		tried := append(slices.Clip(d.lead.Handoff.Tried), d.lead.Owner)
		to := d.assign(tried)
		if to.member == "" {
			d.becauseText(s.Address, "nobody else could take it")
			return false
		}
		if d.pending() {
			d.moveHandoff(to, to.why)
		} else {
			d.passOn(to, clock)
		}
		if !accepting {
			d.restartClock(clock, to.member, why)
		}
		return true
	case agreement.Escalate:
		to := d.target(s.Target)
		if m := d.member(to); m != nil && m.Inactive {
			to = d.above(to)
		}
		if to == "" {
			d.reasons[why-1].Text = "no manager is known"
			to = agreement.Sales.String()
		}
		d.effect(TellEscalate, to, clock, why)
		if accepting {
			if m := d.member(to); m != nil && m.ID != d.lead.Owner {
				if d.lead.Owner != "" {
					d.load(d.lead.Owner, -1, why)
					d.effect(TellTaken, d.lead.Owner, d.handoff().Name, why)
				}
				d.emit(Change{Kind: HandoffMoved, From: d.lead.Owner, To: m.ID, Int: int64(d.lead.Handoff.Reassigned) + 1, At: d.now, Reason: why})
				d.setQueue(-1, why)
				d.setOwner(m.ID, why)
				d.load(m.ID, 1, why)
			}
			d.emit(Change{Kind: HandoffClosed, Name: d.handoff().Name, To: HandoffEscalated.String(), At: d.now, Reason: why})
			d.touch(agreement.TopicHandoff)
		}
		return true
	case agreement.ReturnTo:
		if d.pending() && !accepting {
			d.withdraw(why)
		}
		if d.lead.Owner != "" {
			name := clock
			if accepting {
				name = d.handoff().Name
			}
			d.effect(TellTaken, d.lead.Owner, name, why)
		}
		if accepting {
			d.close(HandoffExpired, "", why)
		}
		d.setQueue(-1, why)
		d.setOwner("", why)
		d.effect(TellReturned, agreement.Marketing.String(), clock, why)
		if s.Stage == d.lead.Stage {
			return true
		}
		d.person = true // nothing sends it forward again in the same breath
		d.enter(s.Stage, "return", why)
		return true
	case agreement.ToQueue:
		queue := named(d.plan.Queues, s.Target)
		if queue < 0 || d.lead.Queue == queue {
			return false
		}
		if d.pending() {
			d.moveHandoff(assignment{queue: queue, why: why}, why)
		} else {
			if d.lead.Owner != "" {
				d.effect(TellTaken, d.lead.Owner, clock, why)
			}
			d.setOwner("", why)
			d.setQueue(queue, why)
			d.effect(TellOffer, "queue "+d.plan.Queues[queue].Name, clock, why)
		}
		if !accepting {
			d.restartClock(clock, "", why)
		}
		return true
	}
	return false
}

// passOn gives a lead that waits for no answer to another member.
func (d *decider) passOn(to assignment, about string) {
	if d.lead.Owner != "" {
		d.effect(TellTaken, d.lead.Owner, about, to.why)
	}
	if h := &d.lead.Handoff; h.State == HandoffAccepted {
		d.emit(Change{Kind: HandoffMoved, From: d.lead.Owner, To: to.member, Int: int64(h.Reassigned) + 1, At: d.now, Reason: to.why})
	}
	d.setQueue(-1, to.why)
	d.setOwner(to.member, to.why)
	d.effect(TellOffer, to.member, about, to.why)
}

// target names the person a step speaks of: the owner, the owner's manager, or themselves.
func (d *decider) target(word string) string {
	switch word {
	case "", "owner":
		if d.lead.Owner == "" && d.lead.Queue >= 0 {
			return "queue " + d.plan.Queues[d.lead.Queue].Name
		}
		return d.lead.Owner
	case "manager":
		if d.lead.Owner == "" && d.pending() { // it waits in a queue: theirs who had it last
			for _, had := range slices.Backward(d.lead.Handoff.Tried) {
				if boss := d.above(had); boss != "" {
					return boss
				}
			}
		}
		return d.above(d.lead.Owner)
	}
	return word
}

// above returns the manager of a member; where that one has left the team or is away, the next above who is there.
// When none is, the first who has not left it; "" for nobody.
func (d *decider) above(id string) string {
	d.team = true
	if d.state.Roster == nil {
		return ""
	}
	first := ""
	for range d.state.Roster.Members { // managers may be each other's
		m := d.member(id)
		if m == nil || m.Manager == "" {
			break
		}
		id = m.Manager
		boss := d.member(id)
		if boss == nil || !boss.Inactive && !boss.away(d.now) {
			return id
		}
		if first == "" && !boss.Inactive {
			first = id
		}
	}
	return first
}

// watch starts, pauses, resumes and stops the agreement's own clocks.
func (d *decider) watch() {
	if len(d.plan.Clocks) == 0 || d.plan.Stages[d.lead.Stage].Final != agreement.NotFinal || d.lead.Consent.Status == Objected {
		return
	}
	if d.in.Kind != Timer && !d.touched.Overlaps(d.plan.Index.StageTopics[d.lead.Stage]) {
		return
	}
	d.observe()
	d.facts.Engagement = d.curve.At(d.now)
	for i := range d.plan.Clocks {
		rule := &d.plan.Clocks[i]
		k := d.clock(rule.Address)
		starts := rule.Start.Holds(&d.facts)
		_, done := slices.BinarySearch(d.lead.Done, rule.Address)
		if k == nil {
			switch {
			case starts && !done && (rule.Stop == nil || !rule.Stop.Holds(&d.facts)):
				d.startClock(rule.Address, rule.Within, d.lead.Owner, d.becauseSaw(rule.Address+".start", rule.Start))
				k = d.clock(rule.Address)
			case !starts && done:
				d.emit(Change{Kind: ClockReady, Name: rule.Address})
				continue
			default:
				continue
			}
		} else if rule.Stop != nil && rule.Stop.Holds(&d.facts) {
			d.stopClock(rule.Address, d.becauseSaw(rule.Address+".stop", rule.Stop))
			if !starts { // it has ceased already, and may hold again before anybody looks
				d.emit(Change{Kind: ClockReady, Name: rule.Address})
			}
			continue
		}
		if rule.Pause == nil || k.State == Breached {
			continue
		}
		paused := rule.Pause.Holds(&d.facts)
		switch {
		case paused && k.State == Running:
			d.emit(Change{Kind: ClockPaused, Name: rule.Address, At: d.now, Int: d.used(k), Reason: d.becauseSaw(rule.Address+".pause", rule.Pause)})
		case !paused && k.State == Paused:
			left := k.within()
			left.Amount = max(0, left.Amount-k.Used)
			d.emit(Change{Kind: ClockResumed, Name: rule.Address, At: d.now, Due: d.deadline(k.Name, k.Member, left), Reason: d.becauseSaw(rule.Address+".pause", rule.Pause)})
			d.remindNext(rule.Address, d.now)
		}
	}
}

// wake finds when time alone can next change the grade or the truth of a condition that
// matters to the lead where it stands.
func (d *decider) wake() {
	next := agreement.Never
	l := &d.lead
	if d.plan.Stages[l.Stage].Final == agreement.NotFinal && l.Consent.Status != Objected {
		d.buildCurve()
		d.observe()
		next = d.nextGrade()
		for _, i := range d.plan.Index.Automatic[l.Stage] {
			if when := d.plan.Transitions[i].When; when.Topics.Has(agreement.TopicTime) {
				next = min(next, when.NextChange(&d.facts))
			}
		}
		if w := d.plan.Worth; w != nil && w.Before >= 0 {
			for i := range w.Asks {
				next = min(next, w.Asks[i].When.NextChange(&d.facts))
			}
		}
		if q := d.plan.Tele; q.Calls(l.Stage) {
			next = min(next, q.When.NextChange(&d.facts))
			for i := range d.plan.Rules {
				next = min(next, d.plan.Rules[i].When.NextChange(&d.facts))
			}
		}
		if d.plan.Index.RuleTopics.Has(agreement.TopicTime) {
			for i := range d.plan.Rules {
				if when := d.plan.Rules[i].When; when != nil && when.Topics.Has(agreement.TopicTime) {
					next = min(next, when.NextChange(&d.facts))
				}
			}
		}
		if d.plan.Index.ReadinessTopics.Has(agreement.TopicTime) {
			for i := range d.plan.Readiness {
				if when := d.plan.Readiness[i].When; when != nil && when.Topics.Has(agreement.TopicTime) {
					next = min(next, when.NextChange(&d.facts))
				}
			}
		}
		for i := range d.plan.Clocks {
			rule := &d.plan.Clocks[i]
			next = min(next, rule.Start.NextChange(&d.facts), rule.Pause.NextChange(&d.facts), rule.Stop.NextChange(&d.facts))
		}
	}
	if next != l.Wake {
		d.emit(Change{Kind: WakeSet, At: next})
	}
}

// nextGrade returns when engagement next crosses a threshold of the grade.
func (d *decider) nextGrade() int64 {
	next := agreement.Never
	thresholds := &d.plan.Grade.Engagement
	i := int(d.lead.Grade.Engagement - '1') // thresholds[i] holds now, thresholds[i-1] does not
	if i >= 0 && i < len(thresholds) {
		if next = d.lead.Wake; !d.curve.FallsBelow(thresholds[i], next) { // most inputs do not move it
			next = d.curve.NextCross(d.now, thresholds[i])
		}
	}
	if i > 0 && i <= len(thresholds) {
		next = min(next, d.curve.NextCross(d.now, thresholds[i-1]))
	}
	return next
}
