package lifecycle

import (
	"strings"

	"baton/internal/agreement"
)

// reminders returns who is told before a clock runs out.
func reminders(plan *agreement.Plan, clock string) []agreement.Reminder {
	for i := range plan.Handoffs {
		if h := &plan.Handoffs[i]; clock == h.AcceptClause.Address || clock == h.ContactClause.Address {
			return h.Remind
		}
	}
	for i := range plan.Stages {
		if s := &plan.Stages[i]; clock == s.Address+".limit" {
			return s.Remind
		}
	}
	for i := range plan.Clocks {
		if c := &plan.Clocks[i]; clock == c.Address {
			return c.Remind
		}
	}
	return nil
}

// remindAt returns when a reminder of a running clock is due. A reminder that would have come before the clock began to run does
// not come: 0.
func (d *decider) remindAt(k *Clock, r *agreement.Reminder) int64 {
	d.asksTeam(k.Member)
	at := ClockHours(d.plan, d.state.Roster, k.Name, k.Member).Back(k.Due, r.Before)
	if at <= k.Since {
		return 0
	}
	return at
}

// remindNext notes when somebody is reminded of a clock next, after an instant.
func (d *decider) remindNext(clock string, after int64) {
	k := d.clock(clock)
	if k == nil {
		return
	}
	next := int64(0)
	if k.State == Running {
		list := reminders(d.plan, clock)
		for i := range list {
			if at := d.remindAt(k, &list[i]); at > after && (next == 0 || at < next) {
				next = at
			}
		}
	}
	if next != k.Remind {
		d.emit(Change{Kind: ReminderSet, Name: clock, At: next})
	}
}

// remind tells whom the agreement wants reminded of a clock by now. Nothing begins again: the deadline stays.
func (d *decider) remind(k *Clock) {
	list := reminders(d.plan, k.Name)
	for i := range list {
		if at := d.remindAt(k, &list[i]); at < k.Remind || at > d.in.Due {
			continue
		}
		why := d.because(list[i].Address)
		to := d.standIn(d.target(list[i].Target), why)
		if m := d.member(to); to == "" || m != nil && m.Inactive {
			d.reasons[why-1].Text = "there is nobody to remind"
			continue
		}
		d.effect(TellRemind, to, k.Name, why)
	}
	d.remindNext(k.Name, d.in.Due)
}

// standIn returns who is reminded for somebody: themselves, or, while they are away, the next above them who is there. Nobody reads a reminder on
// holiday, and the deadline does not wait.
func (d *decider) standIn(to string, why int) string {
	m := d.member(to)
	if m == nil || m.Inactive || !m.away(d.now) {
		return to
	}
	boss := d.above(to)
	if b := d.member(boss); boss == "" || b != nil && (b.Inactive || b.away(d.now)) {
		return to
	}
	d.reasons[why-1].Text = d.name(to) + " " + d.unable(m) + ": " + d.name(boss) + " is asked to see to it"
	return boss
}

// askAgain is how long nobody is reminded of a clock once more by hand.
const askAgain = 3600 * 1_000_000

// remindByHand has somebody tell whoever has the lead that a clock is about to run out, or has. The deadline stays.
func (d *decider) remindByHand() {
	k := d.hurried()
	if k == nil {
		return
	}
	if d.now < k.Asked+askAgain {
		d.refuse("%s has reminded of this on %s already; once in an hour is enough, so the next time is from %s on", d.asker(k.AskedBy), d.stamp(k.Asked), d.stamp(k.Asked+askAgain))
		return
	}
	if strings.HasSuffix(k.Name, ".contact_within") {
		d.team = true
		if v := salesMay(d.plan, &d.state, d.now); !v.Allowed {
			d.refuse("nobody is reminded of a contact that they may not make: %s (%s)", v.Text, v.Clause)
			return
		}
	}
	owner := d.target("owner")
	why := d.because(k.Name)
	to := d.standIn(owner, why)
	switch m := d.member(to); {
	case to == "":
		d.refuse("nobody has this lead at the moment, so there is nobody to remind")
		return
	case m != nil && m.Inactive:
		d.refuse("%s has left the team; give the lead to somebody who is there", d.name(to))
		return
	case to == d.in.Actor && to == owner:
		d.refuse("this lead is yours, so there is nobody else to remind")
		return
	case to == d.in.Actor:
		d.refuse("%s, so you would remind yourself; give the lead to somebody who is there, or see to it", d.reasons[why-1].Text)
		return
	case m != nil && m.away(d.now):
		d.refuse("%s %s, and so is whoever leads them; give the lead to somebody who is there", d.name(to), d.unable(m))
		return
	}
	text := &d.reasons[why-1].Text
	if *text != "" {
		*text += "; "
	}
	*text += d.asker(d.in.Actor) + " asks for it"
	if d.in.Text != "" {
		*text += ": " + d.in.Text
	}
	d.emit(Change{Kind: OwnerReminded, Name: k.Name, From: d.in.Actor, To: to, At: d.now, Reason: why})
	d.effect(TellRemind, to, k.Name, why)
}

// asker is who reminds.
func (d *decider) asker(id string) string {
	if id == "" {
		return "somebody"
	}
	return d.name(id)
}

// hurried is the clock that an input reminds of; nil, with a refusal, for none that could be hurried.
func (d *decider) hurried() *Clock {
	if d.in.Name != "" {
		switch k := d.clock(d.in.Name); {
		case k == nil:
			d.refuse("there is no deadline %s to remind of: it was met, or is nobody's any more", d.in.Name)
		case k.State == Paused:
			d.refuse("the clock %s is paused, so there is nothing to hurry", k.Name)
		default:
			return k
		}
		return nil
	}
	var next *Clock
	for i := range d.lead.Clocks { // what is over has waited longest
		k := &d.lead.Clocks[i]
		switch {
		case k.State == Paused:
		case next == nil, k.State == Breached && next.State != Breached, k.State == next.State && k.Due < next.Due:
			next = k
		}
	}
	if next == nil {
		d.refuse("no deadline of this lead is running, so there is nothing to remind of")
	}
	return next
}
