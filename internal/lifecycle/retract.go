package lifecycle

import (
	"strconv"

	"baton/internal/agreement"
)

// retract decides that an import never happened for this lead: it erases the lead and decides again
// what else is known of it, in order. What the team shared out stays shared out;
// nobody is told twice. A lead of which nothing else is known stays erased.
func (d *decider) retract() {
	gone := d.in.Import
	why := d.becauseText("imports", "import "+strconv.FormatInt(gone, 10)+" is undone")
	if d.state.Lead == nil || d.lead.Stage < 0 {
		return
	}
	if d.pending() && d.lead.Owner != "" {
		d.load(d.lead.Owner, -1, why)
	}
	account := d.lead.Account
	d.emit(Change{Kind: LeadErased, Int: d.lead.ID, Reason: why})

	again := View{Roster: d.state.Roster}
	if again.Roster != nil {
		again.Roster = again.Roster.clone()
	}
	if d.state.Account != nil {
		copied := d.account
		again.Account = &copied
	}
	for i := range d.source.Past {
		in := d.source.Past[i]
		if in.Import == gone || in.Kind == Timer || in.Kind == Refresh || in.Kind == Activate || in.Kind == Retract {
			continue
		}
		in.Version = d.in.Version
		if in.Kind == Identify && in.Account == 0 {
			in.Account = account
		}
		d.elapseUntil(&again, in.Known)
		d.again(&again, &in)
	}
	if again.Lead == nil {
		return
	}
	d.elapseUntil(&again, d.in.Known)
	if l := again.Lead; l.Owner != "" && (l.Handoff.State == HandoffOpen || l.Handoff.State == HandoffEscalated) {
		d.load(l.Owner, 1, why)
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
