package replay

import (
	"fmt"
	"maps"
	"slices"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// World holds every lead, account and the roster in memory and decides inputs one after the other,
// as the engine does on a database. Its IDs are those the engine would give.
type World struct {
	Plan    *agreement.Plan
	Version int64
	Roster  *lifecycle.Roster

	plans    map[int64]*agreement.Plan
	leads    map[int64]*lifecycle.Lead
	accounts map[int64]*lifecycle.Account
	keys     map[identity.Key]int64
	byKey    map[string]int64   // account key -> ID
	names    map[int64]string   // of accounts
	formerly map[int64]string   // the key an account had before it took its domain
	blocks   map[string][]int64 // identity.NameBlock -> accounts, ascending
	into     map[int64]int64    // leads merged into others
	mates    map[int64][]int64
	past     map[int64][]lifecycle.Input // kept only while Remember is set
	seen     map[[2]string]bool
	due      dueHeap
	last     int64 // the last input's ID

	// Remember keeps the inputs of each lead, which undoing an import and merging leads need.
	Remember bool
	// Observe is called with each input and its decision, after it was applied; the decision is
	// good until Observe returns.
	Observe func(in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View)

	decider lifecycle.Decider
	view    lifecycle.View // of the decision at hand
	refresh []int64        // leads to look at again because their account changed
}

// NewWorld returns an empty world under a plan.
func NewWorld(plan *agreement.Plan, version int64) *World {
	return &World{
		Plan: plan, Version: version, Roster: lifecycle.NewRoster(plan),
		leads: map[int64]*lifecycle.Lead{}, accounts: map[int64]*lifecycle.Account{},
		keys: map[identity.Key]int64{}, byKey: map[string]int64{}, into: map[int64]int64{}, names: map[int64]string{}, formerly: map[int64]string{},
		blocks: map[string][]int64{}, mates: map[int64][]int64{},
		past: map[int64][]lifecycle.Input{}, seen: map[[2]string]bool{}, plans: map[int64]*agreement.Plan{version: plan},
	}
}

// Lead returns a lead by its ID, or nil; the one that goes on for it, if it was merged.
func (w *World) Lead(id int64) *lifecycle.Lead { return w.leads[w.alive(id)] }

// Find returns the lead with a key, or nil.
func (w *World) Find(key identity.Key) *lifecycle.Lead { return w.leads[w.owner(key)] }

// View returns what Decide may see of a lead.
func (w *World) View(lead int64) lifecycle.View {
	v := lifecycle.View{Lead: w.leads[lead], Roster: w.Roster}
	if v.Lead != nil && v.Lead.Account != 0 {
		v.Account = w.accounts[v.Lead.Account]
	}
	return v
}

// Take decides an arrival on its own time line: what falls due before it is decided
// first. It reports false for a duplicate, which changes nothing.
func (w *World) Take(a *lifecycle.Arrival) (fresh bool) {
	if a.Input.Key != "" {
		k := [2]string{a.Input.Source, a.Input.Key}
		if w.seen[k] {
			return false
		}
		w.seen[k] = true
	}
	w.Until(a.Input.Known)
	in := a.Input
	switch in.Kind {
	case lifecycle.Merge:
		w.merge(a)
		return true
	case lifecycle.Split:
		w.split(a)
		return true
	}
	var absorb []int64
	about := len(a.Keys) > 0 || in.Lead != 0
	if in.Lead != 0 {
		in.Lead = w.alive(in.Lead)
	} else {
		in.Lead, absorb = lifecycle.Whom(a, w.owner, w.identified)
	}
	if in.Lead != 0 {
		w.ready(in.Lead, &in.Known)
	}
	for _, gone := range absorb {
		w.join(gone, in.Lead, lifecycle.Input{Known: in.Known, Source: in.Source, Text: lifecycle.NoLongerAnonymous})
		in.Known = max(in.Known, w.leads[in.Lead].Clock)
	}
	if in.Kind == lifecycle.Retract {
		empty := w.retractAccounts(&in)
		defer func() { w.forgetAccounts(empty) }()
		w.retractMerged(in.Lead, &in)
	}
	w.last++
	in.ID = w.last
	if in.Lead == 0 && about {
		in.Lead = in.ID
	}
	if about && (in.Kind == lifecycle.Identify || in.Kind == lifecycle.JoinAccount) { // nothing else joins one
		in.Account = w.place(a, &in)
	}
	keys := slices.DeleteFunc(slices.Clone(a.Keys), func(k identity.Key) bool { return w.keys[k] != 0 })
	for _, k := range keys {
		w.keys[k] = in.Lead
	}
	w.Decide(&in)
	if w.leads[in.Lead] == nil { // a refused input makes no lead
		for _, k := range keys {
			delete(w.keys, k)
		}
	}
	w.refreshMates(in.Known)
	return true
}

// Until decides everything that falls due up to and including an instant, in order of due
// time and then of lead.
func (w *World) Until(at int64) {
	for len(w.due) > 0 && w.due[0].at <= at {
		next := w.due.pop()
		l := w.leads[next.lead]
		if l == nil || l.Stage < 0 || l.Due() != next.at {
			continue // an older entry; the lead has another by now
		}
		w.last++
		w.Decide(&lifecycle.Input{ID: w.last, Kind: lifecycle.Timer, Lead: next.lead, At: next.at, Known: max(next.at, l.Clock), Due: next.at})
		w.refreshMates(max(next.at, l.Clock))
	}
}

// Decide decides one resolved input and applies the decision, which is good until the next.
func (w *World) Decide(in *lifecycle.Input) *lifecycle.Decision {
	in.Version = w.Version
	w.view = w.View(in.Lead)
	v := &w.view
	if in.Account != 0 && !(in.Kind == lifecycle.Identify && v.Lead != nil && v.Lead.Placed) {
		v.Account = w.accounts[in.Account]
	}
	if w.Remember {
		w.remember(v, in)
	}
	before, account := agreement.Never, int64(0)
	if v.Lead != nil {
		if account = v.Lead.Account; v.Lead.Stage >= 0 {
			before = v.Lead.Due()
		}
	}
	d := w.decider.Decide(w.Plan, v, in)
	touchesAccount := false
	for i := range d.Changes {
		c := &d.Changes[i]
		touchesAccount = touchesAccount || c.Kind == lifecycle.AccountAttributeSet || c.Kind == lifecycle.AccountOwnerSet
		if c.Kind == lifecycle.HeldReviewed {
			w.review(c.Name)
		}
		lifecycle.Apply(w.Plan, v, c)
	}
	lifecycle.Advance(v, in)
	if v.Lead != nil {
		if now := v.Lead.Account; now != account {
			w.mates[account] = slices.DeleteFunc(w.mates[account], func(id int64) bool { return id == in.Lead })
			w.mates[now] = append(w.mates[now], in.Lead)
		}
		w.leads[in.Lead] = v.Lead
		if v.Lead.Stage >= 0 {
			if due := v.Lead.Due(); due != agreement.Never && (due != before || in.Kind == lifecycle.Timer) {
				w.due.push(dueItem{due, in.Lead})
			}
		}
		if w.Remember && d.Refused == "" {
			w.past[in.Lead] = append(w.past[in.Lead], *in)
		}
	}
	if (in.Kind == lifecycle.Retract || in.Kind == lifecycle.Split) && v.Lead != nil && v.Lead.Account != account {
		w.refresh = append(w.refresh, in.Lead) // it was decided without knowing the account it is in now
	}
	if d.Refused == "" {
		switch in.Kind {
		case lifecycle.Merged:
			w.into[in.Lead] = in.Other
		case lifecycle.Restored:
			delete(w.into, in.Lead)
		}
	}
	if touchesAccount {
		for _, mate := range w.mates[v.Account.ID] {
			if mate != in.Lead {
				w.refresh = append(w.refresh, mate)
			}
		}
	}
	if w.Observe != nil {
		w.Observe(in, d, v)
	}
	return d
}

// review has the leads under way that a member owns looked at again.
func (w *World) review(member string) {
	for id, l := range w.leads { // order: sorted before they are looked at
		if l.Stage >= 0 && l.Owner == member && l.Version == w.Version && w.Plan.Stages[l.Stage].Final == agreement.NotFinal {
			w.refresh = append(w.refresh, id)
		}
	}
}

// refreshMates looks again at the leads whose account an input has changed.
func (w *World) refreshMates(at int64) {
	for len(w.refresh) > 0 {
		mates := w.refresh
		w.refresh = nil
		slices.Sort(mates)
		for _, id := range slices.Compact(mates) {
			l := w.leads[id]
			if l == nil || l.Stage < 0 {
				continue
			}
			w.last++
			w.Decide(&lifecycle.Input{ID: w.last, Kind: lifecycle.Refresh, Lead: id, At: at, Known: max(at, l.Clock)})
		}
	}
}

// Check returns an error if the world breaks a rule that must always hold.
func (w *World) Check() error {
	open := make(map[string]int)
	for _, id := range slices.Sorted(maps.Keys(w.leads)) {
		l := w.leads[id]
		if into := w.into[id]; into != 0 && (l.Stage >= 0 || w.leads[into] == nil) {
			return fmt.Errorf("lead %d was merged into %d, and is in a stage, or the other is not there", id, into)
		}
		if l.Stage < 0 {
			continue // erased, or merged
		}
		if err := lifecycle.Sound(w.plans[l.Version], l); err != nil {
			return fmt.Errorf("lead %d %w", id, err)
		}
		if l.Waits() {
			open[l.Owner]++
		}
	}
	for i := range w.Roster.Members {
		if m := &w.Roster.Members[i]; m.Open != open[m.ID] {
			return fmt.Errorf("%s counts %d open hand-offs and holds %d", m.ID, m.Open, open[m.ID])
		}
	}
	return nil
}

type dueItem struct{ at, lead int64 }

func (a dueItem) before(b dueItem) bool { return a.at < b.at || a.at == b.at && a.lead < b.lead }

// dueHeap is a binary heap, the earliest first. (container/heap would allocate for each item.)
type dueHeap []dueItem

func (h *dueHeap) push(item dueItem) {
	list := append(*h, item)
	*h = list
	for i := len(list) - 1; i > 0; {
		up := (i - 1) / 2
		if !list[i].before(list[up]) {
			return
		}
		list[i], list[up] = list[up], list[i]
		i = up
	}
}

func (h *dueHeap) pop() dueItem {
	list := *h
	top, last := list[0], len(list)-1
	list[0] = list[last]
	list = list[:last]
	*h = list
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return top
		}
		if down+1 < last && list[down+1].before(list[down]) {
			down++
		}
		if !list[down].before(list[i]) {
			return top
		}
		list[i], list[down] = list[down], list[i]
		i = down
	}
}

// Activate makes another agreement the one that decides from now on. Each lead whose pass has not
// ended follows it at once with an Activate input, in the order of their IDs, the others when
// something happens to them. An agreement that has no place for a lead is refused; then nothing
// has changed.
func (w *World) Activate(plan *agreement.Plan, at int64) error {
	ids := slices.Sorted(maps.Keys(w.leads))
	for _, id := range ids {
		l := *w.leads[id]
		if l.Stage < 0 {
			continue
		}
		l.Clocks = slices.Clone(l.Clocks)
		if err := lifecycle.Rebind(w.plans[l.Version], plan, &lifecycle.View{Lead: &l}); err != nil {
			return err
		}
	}
	if err := w.move(plan, w.Version+1); err != nil {
		return err
	}
	for _, id := range ids {
		l := w.leads[id]
		if l.Stage < 0 || w.plans[l.Version].Stages[l.Stage].Final != agreement.NotFinal {
			continue
		}
		if err := w.follow(l, at); err != nil {
			return err
		}
	}
	return nil
}

// move makes a version of the agreement the present one, for the roster and the accounts.
func (w *World) move(plan *agreement.Plan, version int64) error {
	if err := lifecycle.Rebind(w.Plan, plan, &lifecycle.View{Roster: w.Roster}); err != nil {
		return fmt.Errorf("moving the roster to version %d: %w", version, err)
	}
	for _, id := range slices.Sorted(maps.Keys(w.accounts)) {
		a := w.accounts[id]
		if err := lifecycle.Rebind(w.Plan, plan, &lifecycle.View{Account: a}); err != nil {
			return fmt.Errorf("moving account %d to version %d: %w", id, version, err)
		}
		a.Version = version
	}
	w.Plan, w.Version = plan, version
	w.plans[version] = plan
	return nil
}

// rebind brings a lead that an older version decided last to the slots of the present one.
func (w *World) rebind(l *lifecycle.Lead) error {
	if l == nil || l.Stage < 0 || l.Version == w.Version {
		return nil
	}
	if err := lifecycle.Rebind(w.plans[l.Version], w.Plan, &lifecycle.View{Lead: l}); err != nil {
		return fmt.Errorf("moving lead %d from version %d to %d: %w", l.ID, l.Version, w.Version, err)
	}
	l.Version = w.Version
	return nil
}

// follow lets a lead follow the present version, with an input of its own.
func (w *World) follow(l *lifecycle.Lead, at int64) error {
	if l == nil || l.Stage < 0 || l.Version == w.Version {
		return nil
	}
	if err := w.rebind(l); err != nil {
		return err
	}
	w.last++
	w.Decide(&lifecycle.Input{ID: w.last, Kind: lifecycle.Activate, Lead: l.ID, At: at, Known: max(at, l.Clock)})
	return nil
}
