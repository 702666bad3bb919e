package lifecycle

import (
	"slices"

	"baton/internal/agreement"
)

// attend looks whether the owner is there, and does what the agreement says if not: what they hold goes through the
// assignment again, or stays and waits. It looks only when something says that this may have changed: the time has come at
// which they go away, the team has changed, or the agreement has.
func (d *decider) attend() {
	switch d.in.Kind {
	case Refresh, Activate:
		d.moveClocks()
	case Timer:
		if d.lead.Attend > d.in.Due {
			return
		}
	default:
		return
	}
	all := &d.plan.Absences
	if d.lead.Owner == "" || !all.Away.Offered && !all.Away.Accepted && !all.Left.Offered && !all.Left.Accepted ||
		d.lead.Consent.Status == Objected || d.plan.Stages[d.lead.Stage].Final != agreement.NotFinal {
		return
	}
	m := d.member(d.lead.Owner)
	var says *agreement.Handling
	why := ""
	switch {
	case m == nil:
		return
	case m.Inactive:
		says, why = &all.Left, d.name(m.ID)+" has left the team"
	case m.away(d.now):
		says, why = &all.Away, d.name(m.ID)+" is away until "+d.stamp(m.back(d.now))
	default:
		return
	}
	offered := d.lead.Handoff.Rule >= 0 && d.lead.Handoff.State == HandoffOpen
	accepted := !d.pending() && d.plan.Stages[d.lead.Stage].Side == agreement.Sales
	if !(offered && says.Offered || accepted && says.Accepted) {
		return
	}
	d.becauseText(says.Address, why)
	to := d.assign(append(slices.Clip(d.lead.Handoff.Tried), m.ID))
	switch {
	case offered && (to.member != "" || to.queue >= 0):
		d.moveHandoff(to, to.why)
	case accepted && to.member != "":
		about := says.Address
		if d.lead.Handoff.Rule >= 0 {
			about = d.handoff().Name
		}
		d.passOn(to, about)
		for _, k := range slices.Clone(d.lead.Clocks) {
			if k.State != Breached && k.Member == m.ID {
				d.restartClock(k.Name, to.member, to.why)
			}
		}
	}
}

// expect notes when the owner goes away next, if what they hold is not theirs then.
func (d *decider) expect() {
	next := agreement.Never
	l, away := &d.lead, &d.plan.Absences.Away
	if l.Owner != "" && (away.Offered || away.Accepted) && l.Consent.Status != Objected && d.plan.Stages[l.Stage].Final == agreement.NotFinal {
		if !d.team {
			return // whoever finds an owner has looked at the team
		}
		if m := d.member(l.Owner); m != nil && !m.Inactive {
			next = m.leaves(d.now)
		}
	}
	if next != l.Attend {
		d.emit(Change{Kind: AttendSet, At: next})
	}
}
