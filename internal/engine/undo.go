package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Undo takes an import back, in one transaction: every lead it touched is decided again
// without it, and leads and accounts that nothing else is known of disappear, with their keys. The
// inputs of the import stay where they are; an import of the same file can follow.
func (e *Engine) Undo(ctx context.Context, importID int64) error {
	if err := e.followAll(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.try(ctx, func() error { return e.undo(ctx, importID) })
}

func (e *Engine) undo(ctx context.Context, importID int64) error {
	if err := e.ready(ctx); err != nil {
		return err
	}
	if err := e.wait(); err != nil {
		return err
	}
	if err := e.beginRound(ctx, true); err != nil {
		return err
	}
	im, err := e.tx.Import(ctx, importID)
	if err == nil && im.State == "undone" {
		err = fmt.Errorf("import %d is undone already", importID)
	}
	if err == nil {
		var since int64
		if since, err = e.liveSince(ctx); err == nil && since != 0 {
			err = errors.New("an import is being read in; wait until it is done")
		}
	}
	if err != nil {
		e.tx.Rollback()
		return fmt.Errorf("undoing: %w", err)
	}
	var gone []int64
	leads, err := e.tx.LeadsOfImport(ctx, im)
	if err == nil {
		gone, leads, err = e.withMerged(ctx, leads)
	}
	if err == nil {
		err = e.loadLeads(ctx, leads)
	}
	if err == nil {
		e.numbers.want = len(leads)
		err = e.lockTeam(ctx)
	}
	var empty []int64
	if err == nil {
		empty, err = e.retractAccounts(ctx, im, gone, leads)
	}
	if err == nil {
		err = e.retract(ctx, importID, gone, leads)
	}
	if err == nil {
		err = e.forgetAccounts(ctx, empty, leads)
	}
	e.batch.Undone(ctx, importID, e.opts.Clock().UnixMicro())
	err = e.finish(ctx, err)
	e.now, e.old = newOverlay(), newOverlay() // they may remember what is undone now
	e.who.companies = map[string]*block{}
	clear(e.known)
	return err
}

// retractAccounts takes back what an import said of accounts, and returns those of which nothing else is said.
func (e *Engine) retractAccounts(ctx context.Context, im store.Import, gone, leads []int64) (empty []int64, err error) {
	imports, err := e.tx.Imports(ctx)
	if err != nil {
		return nil, err
	}
	var undone []int64
	for i := range imports {
		if imports[i].State == "undone" {
			undone = append(undone, imports[i].ID)
		}
	}
	was, is := map[int64][]lifecycle.Said{}, map[int64][]lifecycle.Said{} // by account: only those that the import said something of
	touched, brought := map[int64]bool{}, map[int64]bool{}
	for _, id := range slices.Concat(gone, leads) {
		brought[id] = true
		past, err := e.pastOf(ctx, id)
		if err != nil {
			return nil, err
		}
		said, stands := lifecycle.SaidOfAccounts(past, undone), lifecycle.SaidOfAccounts(past, append(undone, im.ID))
		if len(said) == len(stands) {
			continue
		}
		for i := range said {
			touched[said[i].Account] = true
		}
	}
	if len(touched) == 0 {
		return nil, nil
	}
	others, err := e.tx.WhoNamed(ctx, touched)
	if err != nil {
		return nil, err
	}
	if _, _, err := e.living(ctx, others); err != nil {
		return nil, err
	}
	note := func(to map[int64][]lifecycle.Said, said []lifecycle.Said) {
		for i := range said {
			if account := said[i].Account; touched[account] {
				to[account] = append(to[account], said[i])
			}
		}
	}
	for _, id := range others {
		past, err := e.pastOf(ctx, id)
		if err != nil {
			return nil, err
		}
		said := lifecycle.SaidOfAccounts(past, undone)
		note(was, said)
		if brought[id] {
			said = lifecycle.SaidOfAccounts(past, append(undone, im.ID))
		}
		note(is, said)
	}
	now := e.opts.Clock().UnixMicro()
	for _, id := range slices.Sorted(maps.Keys(touched)) {
		a, err := e.account(ctx, id)
		if err != nil {
			return nil, err
		}
		if len(is[id]) == 0 {
			empty = append(empty, id)
		}
		values := lifecycle.Unsaid(e.plan, a.Account, was[id], is[id])
		if len(values) == 0 {
			continue
		}
		in := &lifecycle.Input{Kind: lifecycle.Retract, Account: id, At: now, Known: now, Import: im.ID, Values: values}
		if out, err := e.decide(ctx, &command{in: in, account: a}); err != nil || out.Err != nil {
			return nil, errors.Join(err, out.Err)
		}
	}
	return empty, nil
}

// pastOf returns what was carried out of the inputs of a lead of which living was asked.
func (e *Engine) pastOf(ctx context.Context, id int64) ([]lifecycle.Input, error) {
	if t := e.who.merged[id]; t.Into != 0 {
		return e.carriedOut(ctx, t.Input)
	}
	n, err := e.lead(ctx, id)
	if err != nil || n == nil { // forgotten: nothing of it stands
		return nil, err
	}
	return e.carriedOut(ctx, n.LastInput)
}

// forgetAccounts takes accounts of which nothing is said out of the database, if no lead is in them. leads are those that were
// retracted.
func (e *Engine) forgetAccounts(ctx context.Context, empty, leads []int64) error {
	for _, id := range empty {
		inside, err := e.tx.LeadsOfAccount(ctx, id)
		if err != nil {
			return err
		}
		stays := func(lead int64) bool {
			if n := e.cache.leads[lead]; n != nil {
				return n.Lead.Account == id
			}
			_, retracted := slices.BinarySearch(leads, lead)
			return !retracted
		}
		if len(e.cache.byAccount[id]) > 0 || slices.ContainsFunc(inside, stays) {
			continue
		}
		delete(e.accounts, id)
		e.batch.ForgetAccount(id)
	}
	return nil
}

// withMerged tells leads that were merged into others from those that are there, and adds the others.
func (e *Engine) withMerged(ctx context.Context, leads []int64) (gone, there []int64, err error) {
	there, _, err = e.living(ctx, leads)
	for _, id := range leads {
		if e.alive(id) != id {
			gone = append(gone, id)
		}
	}
	slices.Sort(there)
	return gone, slices.Compact(there), err
}

// retract lets leads hear that an import never was; those that are gone first, in case they come back.
func (e *Engine) retract(ctx context.Context, importID int64, gone, leads []int64) error {
	now := e.opts.Clock().UnixMicro()
	for _, id := range gone {
		t := e.who.merged[id]
		n := &entry{Record: &store.Record{ID: id, Lead: lifecycle.Gone(id), LastInput: t.Input}, used: e.turn, locked: e.turn}
		past, joined, err := e.past(ctx, t.Input, 0)
		if err != nil {
			return err
		}
		in := &lifecycle.Input{Kind: lifecycle.Retract, Lead: id, At: now, Known: now, Import: importID}
		out, err := e.decide(ctx, &command{in: in, entry: n, past: past, joined: joined})
		if err != nil || out.Err != nil {
			return errors.Join(err, out.Err)
		}
		e.cache.remove(n)
		t.Input, t.turn = in.ID, e.turn
		e.who.merged[id] = t
		e.batch.MergedInput(id, in.ID)
	}
	for _, id := range leads {
		n := e.cache.get(id, e.turn)
		if n == nil {
			continue // its inputs could not be decided, so it never was
		}
		if n.Lead.Version != e.version {
			if err := e.follow(ctx, n, n.Lead.Clock); err != nil {
				return err
			}
		}
		past, joined, err := e.past(ctx, n.LastInput, 0)
		if err != nil {
			return err
		}
		was := n.Lead.Account
		a, err := e.account(ctx, was)
		if err != nil {
			return err
		}
		// The lead goes back to the last thing that is still known of it, so that what is read in
		// instead is decided in its own time.
		in := &lifecycle.Input{Kind: lifecycle.Retract, Lead: id, At: now, Known: lastWithout(past, importID), Import: importID}
		out, err := e.decide(ctx, &command{in: in, entry: n, account: a, past: past, joined: joined})
		if err != nil {
			return err
		}
		if out.Err != nil {
			return fmt.Errorf("undoing: lead %d: %w", id, out.Err)
		}
		if err := e.skipTo(ctx, e.batch.FirstFree()); err != nil {
			return err
		}
		if err := e.settle(ctx, n, was, in.Known); err != nil {
			return err
		}
	}
	return nil
}

// lastWithout returns when the last input was known that is not of the import, nor made by time.
func lastWithout(past []lifecycle.Input, importID int64) int64 {
	last := int64(0)
	for i := range past {
		switch in := &past[i]; {
		case in.Import == importID && !in.Outlasts(), in.Kind == lifecycle.Timer, in.Kind == lifecycle.Refresh, in.Kind == lifecycle.Activate, in.Kind == lifecycle.Retract:
		default:
			last = max(last, in.Known)
		}
	}
	return last
}
