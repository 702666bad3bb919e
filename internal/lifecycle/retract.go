package lifecycle

import (
	"slices"
	"strconv"

	"baton/internal/agreement"
)

// retract decides that an import never happened for this lead: it erases the lead and decides again
// what else is known of it, in order. What the team shared out stays shared out, with whom it
// was; nobody is told twice. A lead of which nothing else is known stays erased.
func (d *decider) retract() {
	gone := d.in.Import
	why := d.becauseText("imports", "import "+strconv.FormatInt(gone, 10)+" is undone")
	if d.state.Lead == nil || d.lead.Stage < 0 {
		return
	}
	if d.pending() && d.lead.Owner != "" {
		d.load(d.lead.Owner, -1, why)
	}
	old := d.lead
	d.emit(Change{Kind: LeadErased, Int: d.lead.ID, Reason: why})

	again := View{Roster: d.state.Roster}
	if again.Roster != nil {
		again.Roster = again.Roster.clone()
	}
	if d.state.Account != nil {
		copied := d.account
		copied.Attributes = slices.Clone(copied.Attributes)
		again.Account = &copied
	}
	undone := []int64{gone}
	for i := range d.source.Past {
		if in := &d.source.Past[i]; in.Kind == Retract {
			undone = append(undone, in.Import)
		}
	}
	for i := range d.source.Past {
		in := d.source.Past[i]
		if slices.Contains(undone, in.Import) || in.Kind == Timer || in.Kind == Refresh || in.Kind == Activate || in.Kind == Retract {
			continue
		}
		in.Version = d.in.Version
		if in.Kind == Identify && in.Account == 0 {
			in.Account = old.Account
		}
		d.elapseUntil(&again, in.Known)
		if d.answered(&again, &in, &old) {
			d.take(&again, in.Actor, -1, why)
		}
		d.again(&again, &in)
	}
	if again.Lead == nil {
		return
	}
	d.elapseUntil(&again, d.in.Known)
	if again.Account != nil { // the account stays as it is known now, whatever the lead's past says of it
		*again.Account = d.account
		d.again(&again, &Input{Kind: Refresh, Lead: d.in.Lead, ID: d.in.ID, At: d.in.Known, Known: max(d.in.Known, again.Lead.Clock), Version: d.in.Version})
	}
	l := again.Lead
	if l.Stage == old.Stage && l.Handoff.Rule >= 0 && l.Handoff.Rule == old.Handoff.Rule && l.Handoff.State == old.Handoff.State {
		d.take(&again, old.Owner, old.Queue, why)
	}
	if l.Owner != "" && (l.Handoff.State == HandoffOpen || l.Handoff.State == HandoffEscalated) {
		d.load(l.Owner, 1, why)
	}
}

// answered reports whether an input answers the open hand-off of v for somebody who held it then,
// though sharing it out again has picked another. The past does not tell answers that were
// refused: where several people tried, only the present owner is known to have held it.
func (d *decider) answered(v *View, in *Input, old *Lead) bool {
	l := v.Lead
	if in.Kind != Accept && in.Kind != Reject || l == nil || l.Owner == in.Actor || v.Roster.Member(in.Actor) == nil ||
		l.Handoff.State != HandoffOpen && l.Handoff.State != HandoffEscalated {
		return false
	}
	return in.Actor == old.Owner || !slices.ContainsFunc(d.source.Past, func(other Input) bool {
		return (other.Kind == Accept || other.Kind == Reject) && other.Actor != in.Actor
	})
}

// take gives the lead in v to whom it was with.
func (d *decider) take(v *View, owner string, queue int, why int) {
	var changes [2]Change
	if v.Lead.Queue != queue {
		name := func(i int) string {
			if i < 0 {
				return ""
			}
			return d.plan.Queues[i].Name
		}
		changes[0] = Change{Kind: QueueSet, From: name(v.Lead.Queue), To: name(queue), Reason: why}
	}
	if v.Lead.Owner != owner {
		changes[1] = Change{Kind: OwnerSet, From: v.Lead.Owner, To: owner, Reason: why}
	}
	for i := range changes {
		if c := changes[i]; c.Kind != NoChange {
			Apply(d.plan, v, &c)
			d.emit(c)
		}
	}
}

// elapseUntil lets what falls due happen, at its time.
func (d *decider) elapseUntil(v *View, until int64) {
	for v.Lead != nil {
		due := v.Lead.Due()
		if due > until || due == agreement.Never {
			return
		}
		d.again(v, &Input{Kind: Timer, Lead: d.in.Lead, ID: d.in.ID, At: due, Known: max(due, v.Lead.Clock), Due: due, Version: d.in.Version})
	}
}

// again decides one input anew and takes over what it changed of the lead.
func (d *decider) again(v *View, in *Input) {
	out := Decide(d.plan, v, in)
	offset := len(d.reasons)
	d.reasons = append(d.reasons, out.Reasons...)
	for i := range out.Changes {
		c := out.Changes[i]
		Apply(d.plan, v, &c)
		switch c.Kind {
		case LedgerMoved, LoadChanged, AccountAttributeSet, AccountOwnerSet, MemberSet, MemberLeft, AbsenceSet:
			continue
		}
		if c.Reason > 0 {
			c.Reason += offset
		}
		d.emit(c)
	}
	Advance(v, in)
}
