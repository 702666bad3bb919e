package lifecycle

import (
	"slices"
	"strconv"

	"baton/internal/agreement"
)

// retract decides that an import never happened for this lead: it erases the lead and decides again
// what else is known of it, in order. What the team shared out stays shared out, with whom it
// was; nobody is told twice. A lead of which nothing else is known stays erased. What was said of its account is taken back by an
// input of the account's own, before.
func (d *decider) retract() {
	why := d.undoing()
	if d.state.Lead == nil || d.lead.Stage < 0 {
		return
	}
	if slices.ContainsFunc(d.source.Past, func(in Input) bool { return in.Import == d.in.Import && in.Outlasts() }) {
		d.becauseText("consent", "what the lead said against being contacted came with the import, and stands")
	}
	old := d.lead
	v := d.anew(HomeOf(d.standing(d.source.Past, d.in.ID)), &old, why)
	if l := v.Lead; l != nil {
		if sameHandoff(l, &old) {
			d.take(v, old.Owner, old.Queue, why)
		}
		d.settle(v, why)
	}
}

// undoing says why something is taken back.
func (d *decider) undoing() int {
	return d.becauseText("imports", "import "+strconv.FormatInt(d.in.Import, 10)+" is undone")
}

// Outlasts reports whether an input stands although the import it came with is undone: a lead that said it does not want to be
// contacted has said so, whatever else is wrong with the file.
func (in *Input) Outlasts() bool {
	return in.Kind == Consented && (in.Name == Objected.String() || in.Name == Withdrawn.String())
}

// anew erases the lead and decides again what stands of its past. The view it returns is what comes out: its
// lead is nil if nothing else is known. account is the one the lead belongs to, 0 for none; old
// tells who held the lead.
func (d *decider) anew(account int64, old *Lead, why int) *View {
	if d.pending() && d.lead.Owner != "" {
		d.load(d.lead.Owner, -1, why)
	}
	d.emit(Change{Kind: LeadErased, Int: d.lead.ID, Reason: why})
	v := d.fresh(account)
	if d.state.Account != nil && d.account.ID == account {
		copied := d.account
		copied.Attributes = slices.Clone(copied.Attributes)
		v.Account = &copied
	}
	d.relive(v, d.standing(d.source.Past, d.in.ID), account, old, why)
	if v.Lead == nil {
		return v
	}
	d.elapseUntil(v, d.in.Known, old, why)
	if v.Account != nil && d.state.Account != nil && d.account.ID == account { // the account stays as it is known now, whatever the lead's past says of it
		*v.Account = d.account
		d.again(v, &Input{Kind: Refresh, Lead: d.in.Lead, ID: d.in.ID, At: d.in.Known, Known: max(d.in.Known, v.Lead.Clock), Version: d.in.Version})
	}
	return v
}

// fresh returns a view of a lead that does not exist yet.
func (d *decider) fresh(account int64) *View {
	d.team = true
	v := &View{Roster: d.state.Roster, Joined: d.source.Joined}
	if v.Roster != nil {
		v.Roster = v.Roster.clone()
	}
	if account != 0 {
		v.Account = &Account{ID: account}
	}
	for _, gone := range d.undone() { // a merge that is decided again has to know
		v.Past = append(v.Past, Input{Kind: Retract, Import: gone})
	}
	return v
}

// relive decides inputs again, each at its time, with what fell due in between.
func (d *decider) relive(v *View, past []Input, account int64, old *Lead, why int) {
	for i := range past {
		in := past[i]
		in.Version = d.in.Version
		if in.Kind == Identify && in.Account == 0 {
			in.Account = account
		}
		if v.Lead != nil {
			in.Known = max(in.Known, v.Lead.Clock)
		}
		d.elapseUntil(v, in.Known, old, why)
		if d.answered(v, &in, old) {
			d.take(v, in.Actor, -1, why)
		}
		d.again(v, &in)
		d.handOver(v, old, why)
	}
}

// handOver gives the hand-off that the lead was in to whom it went, one after the other, though sharing it out
// again has picked others.
func (d *decider) handOver(v *View, old *Lead, why int) {
	l := v.Lead
	if l == nil || l.Handoff.Rule < 0 || l.Handoff.Offered != old.Handoff.Offered || l.Owner == "" || l.Handoff.State != HandoffOpen && l.Handoff.State != HandoffEscalated {
		return
	}
	to := old.Owner
	if n := len(l.Handoff.Tried); n < len(old.Handoff.Tried) {
		to = old.Handoff.Tried[n]
	}
	if to != "" && to != l.Owner && v.Roster.Member(to) != nil {
		d.take(v, to, -1, why)
	}
}

// settle counts the lead for whoever holds it now.
func (d *decider) settle(v *View, why int) {
	if l := v.Lead; l.Owner != "" && (l.Handoff.State == HandoffOpen || l.Handoff.State == HandoffEscalated) {
		d.load(l.Owner, 1, why)
	}
}

// sameHandoff reports whether two states of a lead stand in the same stage with the same hand-off.
func sameHandoff(l, old *Lead) bool {
	return l.Stage == old.Stage && l.Handoff.Rule >= 0 && l.Handoff.Rule == old.Handoff.Rule && l.Handoff.State == old.Handoff.State
}

// undone returns the imports that were undone, as far as the past of the lead and of those merged
// with it tells: what came with them stands nowhere.
func (d *decider) undone() []int64 {
	var list []int64
	note := func(past []Input) {
		for i := range past {
			if past[i].Kind == Retract {
				list = append(list, past[i].Import)
			}
		}
	}
	note(d.source.Past)
	for i := range d.source.Joined {
		note(d.source.Joined[i].Inputs)
	}
	if d.in.Kind == Retract {
		list = append(list, d.in.Import)
	}
	return list
}

// standing returns what stands of a lead's past before an input: not what time made of it, not what came with an
// import that was undone, but for what outlasts that, not a merge that was.
func (d *decider) standing(past []Input, before int64) []Input {
	undone := d.undone()
	list := make([]Input, 0, len(past))
	for i := range past {
		in := &past[i]
		if in.ID >= before {
			break
		}
		switch in.Kind {
		case Timer, Refresh, Activate, Retract, Merged, Split, Restored:
			continue
		case Merge:
			split := func(later Input) bool { return later.Kind == Split && later.Other == in.Other }
			if slices.ContainsFunc(past[i+1:], split) || split(*d.in) {
				continue
			}
		}
		if in.Import == 0 || !slices.Contains(undone, in.Import) || in.Outlasts() {
			list = append(list, *in)
		}
	}
	return list
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
	changes := make([]Change, 2, 4)
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
		for i := range v.Lead.Clocks { // the deadlines of whoever had it are theirs
			if k := &v.Lead.Clocks[i]; k.Member != "" && k.Member == v.Lead.Owner && owner != "" && k.State == Running {
				left := k.within()
				left.Amount = max(0, left.Amount-k.Used)
				changes = append(changes, Change{Kind: ClockMoved, Name: k.Name, Due: deadline(d.plan, d.state.Roster, k.Name, owner, k.Since, left), To: owner, Reason: why})
			}
		}
	}
	for i := range changes {
		if c := changes[i]; c.Kind != NoChange {
			Apply(d.plan, v, &c)
			if !d.quiet {
				d.emit(c)
			}
		}
	}
}

// elapseUntil lets what falls due happen, at its time.
func (d *decider) elapseUntil(v *View, until int64, old *Lead, why int) {
	for v.Lead != nil {
		due := v.Lead.Due()
		if due > until || due == agreement.Never {
			return
		}
		d.again(v, &Input{Kind: Timer, Lead: d.in.Lead, ID: d.in.ID, At: due, Known: max(due, v.Lead.Clock), Due: due, Version: d.in.Version})
		d.handOver(v, old, why)
	}
}

// again decides one input anew and takes over what it changed of the lead.
func (d *decider) again(v *View, in *Input) {
	out := Decide(d.plan, v, in)
	offset := len(d.reasons)
	if !d.quiet {
		d.reasons = append(d.reasons, out.Reasons...)
	}
	for i := range out.Changes {
		c := out.Changes[i]
		if c.Kind == AccountJoined && v.Account == nil {
			v.Account = &Account{ID: c.Int}
		}
		Apply(d.plan, v, &c)
		switch c.Kind {
		case LedgerMoved, LoadChanged, AccountAttributeSet, AccountOwnerSet, MemberSet, MemberLeft, AbsenceSet:
			continue
		}
		if d.quiet {
			continue
		}
		if c.Reason > 0 {
			c.Reason += offset
		}
		d.emit(c)
	}
	Advance(v, in)
}
