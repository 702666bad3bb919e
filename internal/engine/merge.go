package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// identities is what the engine has found out about who is who. What the latest rounds made stays in it until the
// database shows it.
type identities struct {
	merged     map[int64]tomb
	identified map[int64]bool    // leads that have an e-mail address or an ID, or have none
	companies  map[string]*block // by the first words of their names
}

// tomb is a lead that was merged into another; Into is 0 when it has come back.
type tomb struct {
	store.Merged
	turn int64
}

func newIdentities() identities {
	return identities{map[int64]tomb{}, map[int64]bool{}, map[string]*block{}}
}

// shrink forgets what the database shows, when there is much.
func (w *identities) shrink(turn int64, most int) {
	if len(w.merged) > most {
		maps.DeleteFunc(w.merged, func(_ int64, t tomb) bool { return t.turn < turn-1 })
	}
	if len(w.identified) > most {
		clear(w.identified)
	}
	if len(w.companies) > most {
		maps.DeleteFunc(w.companies, func(_ string, b *block) bool { return b.used < turn-1 })
	}
}

// alive returns the lead that goes on for one that was merged; the lead itself, if it was not.
func (e *Engine) alive(lead int64) int64 {
	for {
		t, ok := e.who.merged[lead]
		if !ok || t.Into == 0 {
			return lead
		}
		lead = t.Into
	}
}

// living finds out which of some leads were merged, and returns those that go on for them, and what was read. Of a chain of
// merges, the first may be in memory and the rest be forgotten.
func (e *Engine) living(ctx context.Context, leads []int64) (alive []int64, read []store.Merged, err error) {
	var unknown []int64
	for _, id := range leads {
		last := e.alive(id)
		if _, ok := e.who.merged[last]; !ok && e.cache.leads[last] == nil && !e.memory().hasLead(last) {
			unknown = append(unknown, last)
		}
	}
	slices.Sort(unknown)
	if read, err = e.tx.Merged(ctx, slices.Compact(unknown)); err != nil {
		return nil, nil, err
	}
	for _, m := range read {
		if _, ok := e.who.merged[m.Lead]; !ok {
			e.who.merged[m.Lead] = tomb{m, e.turn}
		}
	}
	for _, id := range leads {
		alive = append(alive, e.alive(id))
	}
	return alive, read, nil
}

// loadLiving brings the leads into memory that go on for some.
func (e *Engine) loadLiving(ctx context.Context, leads []int64) error {
	alive, read, err := e.living(ctx, leads)
	if err != nil {
		return err
	}
	if err := e.loadLeads(ctx, alive); err != nil || !e.shared {
		return err
	}
	// A lead that is locked goes into no other, and none is split off it. Before it was locked that could happen.
	var doubtful []int64
	for _, m := range read {
		doubtful = append(doubtful, m.Lead)
	}
	for _, id := range leads {
		if e.who.merged[id].Into == 0 && e.cache.leads[id] == nil {
			doubtful = append(doubtful, id)
		}
	}
	slices.Sort(doubtful)
	again, err := e.tx.Merged(ctx, slices.Compact(doubtful))
	if err != nil {
		return err
	}
	slices.SortFunc(read, func(a, b store.Merged) int { return cmp.Compare(a.Lead, b.Lead) })
	slices.SortFunc(again, func(a, b store.Merged) int { return cmp.Compare(a.Lead, b.Lead) })
	if !slices.Equal(slices.Compact(read), slices.Compact(again)) {
		return store.ErrAgain
	}
	return nil
}

// owner returns the lead that a key leads to, 0 for none.
func (e *Engine) owner(k identity.Key) int64 { return e.alive(e.known[k]) }

// identifies reports whether a lead has an e-mail address or an ID.
func (e *Engine) identifies(ctx context.Context, lead int64) (bool, error) {
	if is, ok := e.who.identified[lead]; ok {
		return is, nil
	}
	parts, err := e.parts(ctx, lead)
	if err != nil {
		return false, err
	}
	keys, err := e.tx.LeadKeys(ctx, parts)
	if err != nil {
		return false, err
	}
	is := slices.ContainsFunc(keys, identity.Key.Identifies) || e.batch.Identifies(parts) || e.spare != nil && e.spare.Identifies(parts)
	e.who.identified[lead] = is
	return is, nil
}

// parts returns a lead and those that were merged into it and into them.
func (e *Engine) parts(ctx context.Context, lead int64) ([]int64, error) {
	all := []int64{lead}
	for next := all; len(next) > 0; {
		list, err := e.tx.MergedInto(ctx, next)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if _, ok := e.who.merged[m.Lead]; !ok {
				e.who.merged[m.Lead] = tomb{m, e.turn}
			}
		}
		var found []int64
		for gone, t := range e.who.merged {
			if slices.Contains(next, t.Into) {
				found = append(found, gone)
			}
		}
		slices.Sort(found)
		next = found
		all = append(all, found...)
	}
	return all, nil
}

// whom returns the lead an arrival is about, 0 for a new one, and those that are absorbed into it first.
func (e *Engine) whom(ctx context.Context, a *lifecycle.Arrival) (lead int64, absorb []int64, err error) {
	if a.Input.Lead != 0 {
		return e.alive(a.Input.Lead), nil, nil
	}
	if len(a.Keys) == 0 {
		return 0, nil, errNobody
	}
	lead, absorb = lifecycle.Whom(a, e.owner, func(lead int64) bool {
		is, wrong := e.identifies(ctx, lead)
		err = cmp.Or(err, wrong)
		return is
	})
	return lead, absorb, err
}

// prepare brings a lead to an instant: what is due before is decided, under the present agreement. It returns nil if there is no such
// lead.
func (e *Engine) prepare(ctx context.Context, lead int64, known *int64) (*entry, error) {
	n, err := e.lead(ctx, lead)
	if err != nil || n == nil {
		return nil, err
	}
	*known = max(*known, n.Lead.Clock)
	if err := e.catchUp(ctx, n, *known); err != nil {
		return nil, err
	}
	if n.Lead == nil || n.Lead.Version != e.version {
		return nil, nil
	}
	*known = max(*known, n.Lead.Clock)
	return n, nil
}

// join merges a lead into another. in is what is common to the two inputs. The outcome is that of the second.
func (e *Engine) join(ctx context.Context, gone, into int64, in *lifecycle.Input, hash int64) (Outcome, error) {
	if err := e.lockAll(ctx, gone, into); err != nil {
		return Outcome{}, err
	}
	known := in.Known
	from, err := e.prepare(ctx, gone, &known)
	if err != nil {
		return Outcome{}, err
	}
	c := command{in: in, hash: hash}
	if from == nil {
		in.Lead = 0
		return e.fail(ctx, &c, fmt.Errorf("lead %d cannot follow agreement %d", gone, e.version))
	}
	ending := lifecycle.Ending(e.plan, from.Lead, into, *in)
	ending.At, ending.Known = known, known
	first := command{in: &ending, entry: from}
	if first.account, err = e.account(ctx, from.Lead.Account); err != nil {
		return Outcome{}, err
	}
	if out, err := e.decide(ctx, &first); err != nil || out.Err != nil {
		return out, err
	}
	in.Known = known
	if c.entry, err = e.prepare(ctx, into, &in.Known); err != nil || c.entry == nil {
		return Outcome{}, cmp.Or(err, fmt.Errorf("lead %d cannot follow agreement %d", into, e.version))
	}
	e.putOut(from)
	e.who.merged[gone] = tomb{e.batch.Merged(from.Record, into), e.turn}
	e.setGone(gone)
	if e.who.identified[gone] {
		e.who.identified[into] = true
	}
	*in = lifecycle.Taking(c.entry.Lead, &ending, *in)
	in.At = in.Known
	account := c.entry.Lead.Account
	if in.Account != 0 {
		account = in.Account
	}
	if c.account, err = e.account(ctx, account); err != nil {
		return Outcome{}, err
	}
	if c.past, c.joined, err = e.past(ctx, c.entry.LastInput, gone); err != nil {
		return Outcome{}, err
	}
	return e.decide(ctx, &c)
}

// lockAll makes sure that two leads can be decided on to the end, with what is locked: what is decided in two inputs is
// not begun twice.
func (e *Engine) lockAll(ctx context.Context, leads ...int64) error {
	if e.shared && !e.locks.team {
		return errTeam
	}
	for _, id := range leads {
		n, err := e.lead(ctx, id)
		if err != nil || n == nil {
			return err
		}
		a, err := e.account(ctx, n.Lead.Account)
		if err != nil {
			return err
		}
		if a != nil && !e.mayChange(a) {
			return &errAccount{n.Lead.Account}
		}
	}
	return nil
}

// setGone takes a lead that is gone off the list of what is due.
func (e *Engine) setGone(lead int64) {
	if e.dues != nil {
		e.dues.set(lead, agreement.Never)
	}
}

// named finds a lead that a command names, as it is named: it may be gone. It is 0 with the name if there is none.
func (e *Engine) named(ctx context.Context, id int64, keys []identity.Key) (lead int64, name string, err error) {
	if id != 0 {
		name = fmt.Sprintf("lead %d", id)
	} else {
		for _, k := range keys {
			if id = e.known[k]; id != 0 {
				break
			}
			name = cmp.Or(name, k.Value)
		}
	}
	if id == 0 {
		return 0, name, nil
	}
	n, err := e.lead(ctx, e.alive(id))
	if err != nil || n == nil || n.Lead.Stage < 0 {
		return 0, name, err
	}
	return id, "", nil
}

// merge carries out what a person says of two leads.
func (e *Engine) merge(ctx context.Context, a *lifecycle.Arrival, c *command) (Outcome, error) {
	in := c.in
	one, missing, err := e.named(ctx, in.Lead, a.Keys)
	if err != nil {
		return Outcome{}, err
	}
	two, name, err := e.named(ctx, in.Other, a.Other)
	if err != nil {
		return Outcome{}, err
	}
	one, two = e.alive(one), e.alive(two)
	if one == 0 || two == 0 || one == two {
		if err := e.numbered(ctx); err != nil {
			return Outcome{}, err
		}
		in.Lead, in.Other, in.Name = cmp.Or(one, two, e.nextID), two, cmp.Or(missing, name)
		if one == 0 {
			in.Other = 0
		}
		return e.refused(ctx, c)
	}
	var leads [2]*entry
	var known [2]bool
	for i, id := range [...]int64{one, two} {
		if leads[i], err = e.lead(ctx, id); err == nil {
			known[i], err = e.identifies(ctx, id)
		}
		if err != nil {
			return Outcome{}, err
		}
	}
	stays := lifecycle.Elder(leads[0].Lead, leads[1].Lead, known[0], known[1]).ID
	return e.join(ctx, one+two-stays, stays, in, c.hash)
}

// refused has a command decided that cannot be carried out, so that it is on record with the reason.
func (e *Engine) refused(ctx context.Context, c *command) (Outcome, error) {
	var err error
	if c.entry, err = e.lead(ctx, c.in.Lead); err != nil {
		return Outcome{}, err
	}
	if c.entry == nil {
		c.entry = &entry{Record: &store.Record{ID: c.in.Lead}, used: e.turn, locked: e.turn}
		return e.decide(ctx, c)
	}
	if c.entry, err = e.prepare(ctx, c.in.Lead, &c.in.Known); err != nil {
		return Outcome{}, err
	}
	if c.entry == nil {
		return e.fail(ctx, c, fmt.Errorf("lead %d cannot follow agreement %d", c.in.Lead, e.version))
	}
	if c.past, c.joined, err = e.past(ctx, c.entry.LastInput, 0); err != nil {
		return Outcome{}, err
	}
	if c.account, err = e.account(ctx, c.entry.Lead.Account); err != nil {
		return Outcome{}, err
	}
	return e.decide(ctx, c)
}

// split undoes a merge: that of the lead that is named, or the latest merge into it.
func (e *Engine) split(ctx context.Context, a *lifecycle.Arrival, c *command) (Outcome, error) {
	in := c.in
	named, missing, err := e.named(ctx, in.Lead, a.Keys)
	if err != nil {
		return Outcome{}, err
	}
	in.Lead, in.Other, in.Name = e.alive(named), 0, ""
	switch {
	case named == 0:
		in.Name = missing
	case named != in.Lead:
		in.Other = named
	default:
		if in.Other, err = e.lastMerged(ctx, named); err != nil {
			return Outcome{}, err
		}
	}
	if in.Lead == 0 {
		if err := e.numbered(ctx); err != nil {
			return Outcome{}, err
		}
		in.Lead = e.nextID
	}
	direct := in.Other != 0 && e.who.merged[in.Other].Into == in.Lead
	if direct {
		if err := e.lockAll(ctx, in.Lead); err != nil {
			return Outcome{}, err
		}
		if n, err := e.prepare(ctx, in.Lead, &in.Known); err != nil {
			return Outcome{}, err
		} else if n != nil {
			e.batch.Anew(n.ID)
		}
	}
	was := int64(0)
	if n, err := e.lead(ctx, in.Lead); err != nil {
		return Outcome{}, err
	} else if n != nil {
		was = n.Lead.Account
	}
	out, err := e.refused(ctx, c)
	if err != nil || out.Err != nil || !direct {
		return out, err
	}
	if err := e.skipTo(ctx, e.batch.FirstFree()); err != nil {
		return Outcome{}, err
	}
	delete(e.who.identified, in.Lead)
	delete(e.who.identified, in.Other)
	gone := e.who.merged[in.Other]
	back := *in
	back.Kind, back.Lead, back.Other, back.Key = lifecycle.Restored, in.Other, in.Lead, ""
	r := command{in: &back}
	if r.past, r.joined, err = e.past(ctx, gone.Input, in.Lead); err != nil {
		return Outcome{}, err
	}
	for i := range r.past {
		if r.past[i].Kind == lifecycle.Merged {
			back.Account = r.past[i].Account
		}
	}
	r.account, err = e.account(ctx, back.Account)
	if errors.Is(err, errNoAccount) { // what was known of it came with an import that is undone
		r.account = &account{AccountRecord: &store.AccountRecord{Account: &lifecycle.Account{ID: back.Account, Version: e.version}}, stored: true}
	} else if err != nil {
		return Outcome{}, err
	}
	e.batch.Anew(gone.Lead)
	r.entry = &entry{Record: e.batch.Restored(gone.Merged), used: e.turn, locked: e.turn}
	e.who.merged[gone.Lead] = tomb{store.Merged{Lead: gone.Lead}, e.turn}
	restored, err := e.decide(ctx, &r)
	if err != nil || restored.Err != nil {
		return restored, err
	}
	if err := e.regain(ctx, r.entry.Lead.Account); err != nil {
		return Outcome{}, err
	}
	if err := e.skipTo(ctx, e.batch.FirstFree()); err != nil {
		return Outcome{}, err
	}
	if r.entry.Lead.Stage < 0 { // what was known of it came with an import that is undone
		if err := e.forget(ctx, r.entry); err != nil {
			return Outcome{}, err
		}
	}
	return out, e.settle(ctx, c.entry, was, in.Known)
}

// regain makes sure that the account is there that a lead came back into. One that was forgotten all the same is there again, by its number:
// what it was called is not known any more.
func (e *Engine) regain(ctx context.Context, id int64) error {
	_, err := e.account(ctx, id)
	if !errors.Is(err, errNoAccount) {
		return err
	}
	a := &lifecycle.Account{ID: id, Version: e.version, Key: fmt.Sprintf("name:#%d", id)} // no name has such a key
	e.storeAccount(&account{AccountRecord: &store.AccountRecord{Account: a, Name: fmt.Sprintf("Company %d", id)}, used: e.turn})
	return nil
}

// settle looks at a lead again that was decided anew, if it was decided without knowing the account it is in now; one of which nothing
// is known any more is forgotten.
func (e *Engine) settle(ctx context.Context, n *entry, was, known int64) error {
	if n.Lead.Stage < 0 {
		return e.forget(ctx, n)
	}
	if n.Lead.Account == was {
		return nil
	}
	a, err := e.account(ctx, n.Lead.Account)
	if err != nil {
		return err
	}
	again := &lifecycle.Input{Kind: lifecycle.Refresh, Lead: n.ID, At: known, Known: max(known, n.Lead.Clock)}
	_, err = e.decide(ctx, &command{in: again, entry: n, account: a})
	return err
}

// forget takes a lead of which nothing is known any more out of the database, with its keys and those of the leads that were merged
// into it.
func (e *Engine) forget(ctx context.Context, n *entry) error {
	parts, err := e.parts(ctx, n.ID)
	if err != nil {
		return err
	}
	keys, err := e.tx.LeadKeys(ctx, parts)
	if err != nil {
		return err
	}
	for k, lead := range e.known {
		if slices.Contains(parts, lead) {
			delete(e.known, k)
			delete(e.now.keys, k)
			delete(e.old.keys, k)
			e.memory().dropKey(k)
		}
	}
	for _, gone := range parts[1:] {
		e.batch.ForgetMerged(gone)
		e.who.merged[gone] = tomb{store.Merged{Lead: gone}, e.turn}
	}
	e.batch.Forget(n.Record, keys)
	for _, k := range keys {
		e.memory().dropKey(k)
	}
	e.putOut(n)
	return nil
}

// putOut takes a lead that is gone from the database out of memory.
func (e *Engine) putOut(n *entry) {
	e.cache.remove(n)
	e.memory().dropLead(n.ID)
}

// lastMerged returns the lead that was merged into one last, 0 for none.
func (e *Engine) lastMerged(ctx context.Context, into int64) (int64, error) {
	if _, err := e.parts(ctx, into); err != nil {
		return 0, err
	}
	last := tomb{}
	for _, t := range e.who.merged { // the latest: there are no two
		if t.Into == into && t.Input > last.Input {
			last = t
		}
	}
	return last.Lead, nil
}

// past returns what was carried out of the inputs of a lead, from its last on, and the same of the leads that were merged into it and into
// those; and of another lead with those merged into it.
func (e *Engine) past(ctx context.Context, last, other int64) (own []lifecycle.Input, joined []lifecycle.Told, err error) {
	if own, err = e.carriedOut(ctx, last); err != nil {
		return nil, nil, err
	}
	told := map[int64][]lifecycle.Input{}
	if err := e.told(ctx, own, told); err != nil {
		return nil, nil, err
	}
	if other != 0 {
		if err := e.tell(ctx, other, told); err != nil {
			return nil, nil, err
		}
	}
	for _, lead := range slices.Sorted(maps.Keys(told)) {
		joined = append(joined, lifecycle.Told{Lead: lead, Inputs: told[lead]})
	}
	return own, joined, nil
}

// told collects the pasts of the leads that a past tells of.
func (e *Engine) told(ctx context.Context, past []lifecycle.Input, told map[int64][]lifecycle.Input) error {
	for i := range past {
		if in := &past[i]; in.Kind == lifecycle.Merge {
			if err := e.tell(ctx, in.Other, told); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Engine) tell(ctx context.Context, lead int64, told map[int64][]lifecycle.Input) error {
	if _, ok := told[lead]; ok {
		return nil
	}
	if err := e.loadLiving(ctx, []int64{lead}); err != nil {
		return err
	}
	last := e.who.merged[lead].Input
	if e.who.merged[lead].Into == 0 { // it has come back
		n, err := e.lead(ctx, lead)
		if err != nil || n == nil {
			return err
		}
		last = n.LastInput
	}
	past, err := e.carriedOut(ctx, last)
	if err != nil {
		return err
	}
	told[lead] = past
	return e.told(ctx, past, told)
}

// carriedOut returns the inputs of a lead that were carried out, in order, from its last on: those that are stored and those
// that are on their way.
func (e *Engine) carriedOut(ctx context.Context, last int64) ([]lifecycle.Input, error) {
	var recent []lifecycle.Input
	for _, b := range [...]*store.Batch{e.batch, e.spare} {
		if b == nil {
			continue
		}
		list, before, err := b.Past(last)
		if err != nil {
			return nil, err
		}
		recent, last = append(recent, list...), before
	}
	stored, err := e.tx.Past(ctx, last)
	if err != nil {
		return nil, err
	}
	slices.Reverse(recent)
	return append(stored, recent...), nil
}
