package lifecycle

import (
	"cmp"
	"slices"
	"strings"

	"baton/internal/agreement"
)

// Merging makes one lead of two. It takes two inputs, so that each decision is about one lead: Merged ends
// the lead that is gone, then Merge has the other take in what was known of it. Split and Restored
// undo the two. See docs/adr/0011-merging-leads.md.

// NoLongerAnonymous is the Text of a merge that no person asked for.
const NoLongerAnonymous = "an anonymous visitor has said who they are"

// Elder reports which of two leads goes on when they are merged: the one that has an e-mail address or an ID, or
// that was brought first, or that Baton heard of first.
func Elder(a, b *Lead, aKnown, bKnown bool) *Lead {
	if aKnown != bKnown {
		if aKnown {
			return a
		}
		return b
	}
	if cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID)) <= 0 {
		return a
	}
	return b
}

// Ending makes the input that ends a lead because it is the same person as another: beside what in says, it remembers
// who holds the lead and has held it in this hand-off, so that a split can give it back to them.
func Ending(plan *agreement.Plan, l *Lead, into int64, in Input) Input {
	in.Kind, in.Lead, in.Other, in.Account, in.Key = Merged, l.ID, into, l.Account, ""
	in.Name, in.Keep, in.Due = l.Owner, slices.Clone(l.Handoff.Tried), l.Handoff.Offered
	if l.Owner == "" && l.Queue >= 0 {
		in.Name = "queue " + plan.Queues[l.Queue].Name
	}
	return in
}

// Taking makes the input by which a lead takes in the one that merged ended. It remembers who has held l itself, for
// what is taken in may end that.
func Taking(l *Lead, merged *Input, in Input) Input {
	in.Kind, in.Lead, in.Other, in.Name = Merge, l.ID, merged.Lead, merged.Name
	if l.Account == 0 {
		in.Account = merged.Account
	}
	if in.Due = l.Handoff.Offered; l.Owner != "" {
		in.Keep = append(slices.Clone(l.Handoff.Tried), l.Owner)
	}
	return in
}

// HomeOf returns the account that a past brings a lead into, 0 for none.
func HomeOf(past []Input) int64 {
	home, placed := int64(0), false
	for i := range past {
		in := &past[i]
		switch {
		case in.Account == 0:
		case in.Kind == JoinAccount:
			home, placed = in.Account, true
		case in.Kind == Identify && !placed, in.Kind == Merge && home == 0:
			home = in.Account
		}
	}
	return home
}

// possible refuses a Merge or a JoinAccount that cannot be. It is false also if there is nothing to do.
func (d *decider) possible() bool {
	nobody := d.state.Lead == nil || d.lead.Stage < 0
	switch in := d.in; {
	case in.Kind == JoinAccount && nobody:
		d.refuse("nobody is known by this name, so there is no lead to put into an account")
	case in.Kind == JoinAccount && in.Account == 0:
		d.refuse("the account is missing: give its domain or its name")
	case in.Kind == JoinAccount:
		return true
	case in.Other == 0 && in.Name != "":
		d.refuse("nobody is known as %s; nothing was merged", in.Name)
	case in.Other == 0:
		d.refuse("the other lead is missing: say with whom this one is the same person")
	case in.Other == in.Lead:
		d.refuse("both names are those of one lead already; there is nothing to merge")
	default:
		return !nobody || d.shadow(d.told(in.Other, in.ID)) != nil // of a lead that is decided again, the rest may be undone
	}
	return false
}

// place puts the lead into an account by hand.
func (d *decider) place() {
	why := d.becauseText("identity", "by hand: "+d.in.Actor)
	if d.lead.Account != d.in.Account {
		d.join(d.in.Account, why)
	}
	if !d.lead.Placed {
		d.emit(Change{Kind: LeadPlaced, Reason: why})
	}
}

// sameness says why two leads are one.
func (d *decider) sameness() string {
	if d.in.Text != "" {
		return by(d.in.Actor, d.in.Text)
	}
	return by(d.in.Actor, "the two are one person")
}

// goOn ends a lead that is the same person as another: what is on offer is withdrawn, clocks stop, nobody holds
// it any more.
func (d *decider) goOn() {
	if d.state.Lead == nil || d.lead.Stage < 0 {
		d.refuse("there is no such lead any more")
		return
	}
	why := d.becauseText("identity", d.sameness())
	switch final := d.plan.Stages[d.lead.Stage].Final != agreement.NotFinal; {
	case d.pending():
		d.withdraw(why)
	case d.lead.Owner != "" && !final:
		name := ""
		if d.lead.Handoff.Rule >= 0 {
			name = d.handoff().Name
		}
		d.effect(TellTaken, d.lead.Owner, name, why)
	}
	d.stopClocks("", why)
	d.emit(Change{Kind: LeadMerged, Int: d.in.Other, Reason: why})
}

// absorb takes in what is known of the other lead as if it became known now, late: activities count when they
// occurred, and nothing that was decided is rewritten. What this lead has of its own it keeps.
func (d *decider) absorb() {
	why := d.becauseText("identity", d.sameness())
	told := d.told(d.in.Other, d.in.ID)
	other := d.shadow(told)
	created, origin := d.lead.Created, d.lead.Origin
	if other != nil && other.Created < created { // whoever brought the person first has brought the person
		created, origin = other.Created, other.Origin
	}
	d.emit(Change{Kind: LeadAbsorbed, Int: d.in.Other, At: created, To: origin.String(), Reason: why})
	d.touchAll()
	if other == nil {
		return
	}
	if d.in.Account != 0 && d.lead.Account == 0 {
		d.join(d.in.Account, why)
		if other.Placed {
			d.emit(Change{Kind: LeadPlaced, Reason: why})
		}
	}
	d.fill(other)
	if mine, theirs := d.lead.Consent, other.Consent; theirs.Status > mine.Status || theirs.Status == mine.Status && theirs.At > mine.At {
		// the strictest holds: they are declared from the least strict to the most
		d.emit(Change{Kind: ConsentSet, To: theirs.Status.String(), At: theirs.At, Name: theirs.Source, Reason: why})
		if theirs.Status == Objected && mine.Status != Objected {
			d.object()
		}
	}
	if d.lead.Consent.Status == Objected {
		return
	}
	in, at := d.in, d.at
	for i := range told {
		act := &told[i]
		d.at = min(act.At, act.Known)
		if _, ok := d.plan.Index.Activity[act.Name]; !ok || act.Kind != Did || act.Bot || d.at < max(other.Cleared, d.lead.Cleared) {
			continue // it did not count for the other either, or does not for this one
		}
		d.in = act
		d.did()
	}
	d.in, d.at, d.facts.Properties = in, at, nil
}

// keeps gives what a merge offers to the member who held the lead that is gone, if they can take it.
func (d *decider) keeps() (assignment, bool) {
	if d.in.Kind != Merge {
		return assignment{}, false
	}
	m := d.member(d.in.Name)
	if m == nil || m.Inactive || m.away(d.now) || m.Side == agreement.Marketing {
		return assignment{}, false
	}
	return assignment{member: m.ID, queue: -1, why: d.becauseText("identity", d.name(m.ID)+" held the lead that is the same person")}, true
}

// fill sets attributes and answers that the lead does not have yet.
func (d *decider) fill(other *Lead) {
	for slot := range other.Attributes {
		a := &d.plan.Attributes[slot]
		v := other.Attributes[slot]
		if !v.Known() || a.Company && other.Account != 0 { // those are the account's
			continue
		}
		kind, have := AttributeSet, d.lead.Attributes
		if a.Company && d.state.Account != nil {
			kind, have = AccountAttributeSet, d.account.Attributes
		}
		if !known(have, slot) {
			d.emit(Change{Kind: kind, Name: a.Name, Value: v})
		}
	}
	for slot := range other.Answers {
		q := &d.plan.Questions[slot]
		if v := other.Answers[slot]; v.Known() && !known(d.lead.Answers, slot) {
			d.emit(Change{Kind: AnswerSet, Name: q.Name, Value: v, Reason: d.because(q.Address)})
		}
	}
}

// told returns what stands of the past of a lead and of those merged into it, before an input, in the
// order in which it became known.
func (d *decider) told(lead, before int64) []Input {
	var all []Input
	d.tell(&all, lead, before)
	slices.SortFunc(all, func(a, b Input) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func (d *decider) tell(all *[]Input, lead, before int64) {
	i, ok := slices.BinarySearchFunc(d.source.Joined, lead, func(t Told, lead int64) int { return cmp.Compare(t.Lead, lead) })
	if !ok {
		return
	}
	for _, in := range d.standing(d.source.Joined[i].Inputs, before) {
		if in.Kind == Merge {
			d.tell(all, in.Other, in.ID)
			continue
		}
		*all = append(*all, in)
	}
}

// shadow decides what is known of another lead again, to see what it came to: nil for nothing.
func (d *decider) shadow(told []Input) *Lead {
	v := d.fresh(HomeOf(told))
	d.quiet = true
	d.relive(v, told, HomeOf(told), &Lead{}, 0)
	d.quiet = false
	return v.Lead
}

// split undoes a merge for the lead that went on: it is decided again from its own past. What happened since the merge
// was said of this lead, and stays.
func (d *decider) split() {
	var merged *Input
	for i := range d.source.Past {
		switch in := &d.source.Past[i]; {
		case in.Other != d.in.Other:
		case in.Kind == Merge:
			merged = in
		case in.Kind == Split:
			merged = nil
		}
	}
	switch {
	case d.in.Name != "":
		d.refuse("nobody is known as %s; nothing was split", d.in.Name)
		return
	case d.in.Other == 0:
		d.refuse("nothing has been merged into this lead, so there is nothing to split")
		return
	case merged == nil:
		d.refuse("lead %d came into this one as part of another; split that one first", d.in.Other)
		return
	}
	why := d.becauseText("identity", by(d.in.Actor, "the two are two persons after all"))
	if d.state.Lead == nil || d.lead.Stage < 0 {
		return
	}
	old := d.lead
	waited, name := d.pending(), ""
	if waited {
		name = d.handoff().Name
	}
	held := old
	if n := len(merged.Keep) - 1; n >= 0 && old.Owner == "" && old.Queue < 0 { // the merge may have taken it from them
		held.Owner, held.Handoff.Tried, held.Handoff.Offered = merged.Keep[n], merged.Keep[:n], merged.Due
	}
	v := d.anew(HomeOf(d.standing(d.source.Past, d.in.ID)), &held, why)
	if l := v.Lead; l != nil {
		if sameHandoff(l, &old) {
			d.take(v, old.Owner, old.Queue, why)
		}
		d.settle(v, why)
		if l.Owner != "" && l.Owner != old.Owner && l.Handoff.Rule >= 0 {
			d.effect(TellOffer, l.Owner, d.plan.Handoffs[l.Handoff.Rule].Name, why)
		}
	}
	if waited && old.Owner != "" && (v.Lead == nil || v.Lead.Owner != old.Owner) {
		d.effect(TellTaken, old.Owner, name, why)
	}
}

// restore brings back a lead that had been merged into another, decided again from its own past. Who held it then
// holds it now, and is told: it had been taken from them.
func (d *decider) restore() {
	why := d.becauseText("identity", by(d.in.Actor, "the two are two persons after all"))
	d.lead = blank(d.in.Lead)
	d.state.Lead = &d.lead
	past := d.standing(d.source.Past, d.in.ID)
	old := blank(d.in.Lead)
	for i := range d.source.Past {
		if in := &d.source.Past[i]; in.Kind == Merged {
			old.Owner, old.Queue = in.Name, -1
			old.Handoff.Tried, old.Handoff.Offered = in.Keep, in.Due
			if queue, ok := strings.CutPrefix(in.Name, "queue "); ok {
				old.Owner, old.Queue = "", named(d.plan.Queues, queue)
			}
		}
	}
	v := d.anew(HomeOf(past), &old, why)
	l := v.Lead
	if l == nil {
		return
	}
	if (l.Owner != "" || l.Queue >= 0) && (old.Owner != "" && v.Roster.Member(old.Owner) != nil || old.Queue >= 0) {
		d.take(v, old.Owner, old.Queue, why)
	}
	d.settle(v, why)
	if final := d.plan.Stages[l.Stage].Final != agreement.NotFinal; l.Owner != "" && !final {
		d.effect(TellOffer, l.Owner, d.plan.Handoffs[max(0, l.Handoff.Rule)].Name, why)
	}
}

func by(actor, text string) string {
	if actor == "" {
		return text
	}
	return actor + ": " + text
}
