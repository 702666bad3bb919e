package lifecycle

import (
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
