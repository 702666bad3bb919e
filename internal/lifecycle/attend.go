package lifecycle

import (
	"fmt"
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

// WhenLeft says what becomes of what a member holds once they have left the team: so many leads that are under way, of which some are
// on offer to them and not answered yet.
func WhenLeft(plan *agreement.Plan, held, offered int64) string {
	if held == 0 {
		return "They hold no leads."
	}
	says, taken := &plan.Absences.Left, held-offered
	leads := "leads"
	if held == 1 {
		leads = "lead"
	}
	text := fmt.Sprintf("They hold %d %s: %d on offer, %d accepted.", held, leads, offered, taken)
	switch {
	case offered > 0 && says.Offered:
		text += " What is on offer goes through the assignment again by itself."
	case offered > 0:
		text += " What is on offer waits until its time runs out, and then takes the steps of its hand-off."
	}
	switch {
	case taken > 0 && says.Accepted:
		text += " What they have accepted goes through the assignment again by itself."
	case taken > 0:
		text += " What they have accepted stays theirs until somebody gives it to another: on its page, or by POST /leads/LEAD/assign."
	}
	if says.Address != "" {
		text += " So says " + says.Address + "."
	}
	return text
}
