package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Undo takes an import back: every lead it touched is decided again without it, and leads and accounts that nothing else is known of
// disappear, with their keys. The inputs of the import stay where they are; an import of the same file can follow.
//
// It goes in steps, each of them a transaction about some of the leads, and others are served between them. An import of which one
// was done is "undoing" until all are: when the context ends before, or the process does, Undo goes on from there the next time.
// told, which may be nil, is told after each step how many leads are done, and of how many.
func (e *Engine) Undo(ctx context.Context, importID int64, told func(done, total int64)) error {
	if err := e.followAll(ctx); err != nil {
		return err
	}
	u := &undoing{e: e, told: told, since: map[int64]bool{}}
	if err := u.start(ctx, importID); err != nil {
		return fmt.Errorf("undoing: %w", err)
	}
	defer u.stop()
	for _, step := range []func(context.Context) error{u.find, u.accounts, u.retract, u.forget} {
		u.size = cmp.Or(e.opts.undoStep, undoSteps) // leads cost one of them more than another
		if err := step(ctx); err != nil {
			return err
		}
	}
	err := u.round(ctx, func(context.Context) error {
		e.batch.Undone(importID)
		return nil
	})
	if err == nil {
		e.st.Flush()
	}
	return err
}

// A step of an undoing is about so many leads to begin with, and then about as many as take so long: whoever wants something else waits for
// its end.
const (
	undoSteps = 200
	undoPause = 150 * time.Millisecond
)

var errReadIn = errors.New("an import is being read in; wait until it is done")

// undoing is an import that is being undone.
type undoing struct {
	e      *Engine
	lock   *store.HistoryLock
	im     store.Import
	goesOn bool // some of it was done before
	leads  []int64
	undone []int64 // imports that were undone before, and this one
	named  []store.Naming
	own    []int64        // accounts that the import names, if it goes on: of them nothing may be said any more because leads are gone already
	empty  []int64        // accounts of which nothing is said any more
	seen   int64          // the last input there was when the round began
	since  map[int64]bool // accounts that were named while it is undone
	size   int            // of a step
	told   func(done, total int64)
}

func (u *undoing) start(ctx context.Context, importID int64) error {
	e := u.e
	e.mu.Lock()
	reads := e.dues != nil || e.undoes
	e.mu.Unlock()
	if reads {
		return errReadIn
	}
	var free bool
	var err error
	if u.lock, free, err = e.st.LockHistory(ctx); err != nil { // others go on while it waits
		return err
	}
	if !free {
		return errReadIn
	}
	e.mu.Lock()
	if reads = e.dues != nil || e.undoes; !reads {
		e.undoes = true
	}
	e.mu.Unlock()
	if reads {
		u.lock.Release()
		return errReadIn
	}
	if u.im, err = e.st.Import(ctx, importID); err == nil && u.im.State == "undone" {
		err = fmt.Errorf("import %d is undone already", importID)
	}
	u.goesOn = u.im.State == "undoing"
	if err == nil {
		err = u.round(ctx, func(ctx context.Context) error { // after it, all that was decided is on disk
			if !u.goesOn {
				e.batch.Undoing(ctx, importID, e.opts.Clock().UnixMicro())
			}
			return nil
		})
	}
	if err == nil {
		u.leads, err = e.st.LeadsOfImport(ctx, u.im)
	}
	var imports []store.Import
	if err == nil {
		imports, err = e.st.Imports(ctx)
	}
	for i := range imports {
		if imports[i].State == "undone" {
			u.undone = append(u.undone, imports[i].ID)
		}
	}
	u.undone = append(u.undone, importID)
	if err != nil {
		u.stop()
	}
	return err
}

func (u *undoing) stop() {
	u.e.mu.Lock()
	defer u.e.mu.Unlock()
	u.e.undoes = false
	u.lock.Release()
}

// round does a step in a transaction of its own.
func (u *undoing) round(ctx context.Context, step func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what has begun is finished
	e := u.e
	e.mu.Lock()
	defer e.mu.Unlock()
	began := time.Now()
	err := e.try(ctx, func() error {
		if err := e.ready(ctx); err != nil {
			return err
		}
		if err := e.wait(); err != nil {
			return err
		}
		if err := u.lock.Held(ctx); err != nil {
			return err
		}
		if err := e.beginRound(ctx, true); err != nil {
			return err
		}
		err := u.note(ctx)
		if err == nil {
			err = step(ctx)
		}
		err = e.finish(ctx, err)
		e.now, e.old = newOverlay(), newOverlay() // they may remember what is undone now
		e.who.companies = map[string]*block{}
		clear(e.known)
		return err
	})
	if took := time.Since(began); err == nil && e.opts.undoStep == 0 {
		u.size = max(undoSteps/10, min(10*undoSteps, 2*u.size, int(float64(u.size)*float64(undoPause)/float64(max(took, time.Millisecond)))))
	}
	return err
}

// note notes which accounts were named since the round before: a lead that somebody has put into one may be merged away by now, and
// come back.
func (u *undoing) note(ctx context.Context) error {
	last, err := u.e.tx.LastInput(ctx)
	if err != nil || u.seen == 0 { // who names accounts is looked up after the first round
		u.seen = last
		return err
	}
	accounts, err := u.e.tx.NamedSince(ctx, u.seen)
	for _, id := range accounts {
		u.since[id] = true
	}
	u.seen = last
	return err
}

// find finds the accounts of which the import may have said something, and who was ever said to be in them.
func (u *undoing) find(ctx context.Context) (err error) {
	if u.named, err = u.e.st.WhoNamed(ctx, u.leads); err == nil && u.goesOn {
		u.own, err = u.e.st.AccountsOfImport(ctx, u.im)
	}
	return err
}

// accounts takes back what the import said of accounts, and finds those of which nothing else is said.
func (u *undoing) accounts(ctx context.Context) error {
	named := u.named
	var was, is []lifecycle.Said // of the account of which more leads are to be asked
	for len(named) > 0 {
		var restWas, restIs []lifecycle.Said
		var empty []int64
		size := min(u.size, len(named))
		whole := size == len(named) || named[size].Account != named[size-1].Account
		err := u.round(ctx, func(ctx context.Context) error {
			restWas, restIs, empty = slices.Clone(was), slices.Clone(is), nil
			step, err := u.withNew(ctx, named[:size], whole)
			if err != nil {
				return err
			}
			if err := u.load(ctx, step); err != nil {
				return err
			}
			for i := range step {
				account := step[i].Account
				a, b, err := u.said(ctx, step[i])
				if err != nil {
					return err
				}
				restWas, restIs = append(restWas, a...), append(restIs, b...)
				if i+1 < len(step) && step[i+1].Account == account || i+1 == len(step) && !whole {
					continue
				}
				if err := u.unsay(ctx, account, restWas, restIs); err != nil {
					return err
				}
				_, mine := slices.BinarySearch(u.own, account)
				if len(restIs) == 0 && (len(restWas) > 0 || mine) {
					empty = append(empty, account)
				}
				restWas, restIs = nil, nil
			}
			return nil
		})
		if err != nil {
			return err
		}
		named, was, is = named[size:], restWas, restIs
		u.empty = append(u.empty, empty...)
	}
	return nil
}

// withNew adds whoever came into an account since its leads were found: what they say of it stands. It does so where a step ends with an account.
func (u *undoing) withNew(ctx context.Context, step []store.Naming, whole bool) (all []store.Naming, err error) {
	for i := range step {
		all = append(all, step[i])
		account := step[i].Account
		if i+1 < len(step) && step[i+1].Account == account || i+1 == len(step) && !whole {
			continue
		}
		inside, err := u.e.tx.LeadsOfAccount(ctx, account)
		if err != nil {
			return nil, err
		}
		inside = append(inside, u.e.cache.byAccount[account]...)
		slices.Sort(inside)
		for _, lead := range slices.Compact(inside) {
			if _, found := slices.BinarySearchFunc(u.named, store.Naming{Account: account, Lead: lead}, store.Naming.Compare); !found {
				all = append(all, store.Naming{Account: account, Lead: lead})
			}
		}
	}
	return all, nil
}

// load brings the leads into memory that are asked in a step, and locks the team.
func (u *undoing) load(ctx context.Context, step []store.Naming) error {
	var ids []int64
	for i := range step {
		ids = append(ids, step[i].Lead)
	}
	alive, _, err := u.e.living(ctx, ids)
	if err == nil {
		err = u.e.loadLeads(ctx, alive)
	}
	if err == nil {
		u.e.numbers.want = len(step)
		err = u.e.lockTeam(ctx)
	}
	return err
}

// said returns what a lead said of an account, and what stands of that.
func (u *undoing) said(ctx context.Context, n store.Naming) (was, is []lifecycle.Said, err error) {
	past, err := u.e.pastOf(ctx, n.Lead)
	if err != nil {
		return nil, nil, err
	}
	other := func(s lifecycle.Said) bool { return s.Account != n.Account }
	before := u.undone[:len(u.undone)-1]
	was = slices.DeleteFunc(lifecycle.SaidOfAccounts(past, before), other)
	is = was
	if _, brought := slices.BinarySearch(u.leads, n.Lead); brought {
		is = slices.DeleteFunc(lifecycle.SaidOfAccounts(past, u.undone), other)
	}
	return was, is, nil
}

// unsay takes back what the import said of an account.
func (u *undoing) unsay(ctx context.Context, id int64, was, is []lifecycle.Said) error {
	e := u.e
	if len(was) == 0 {
		return nil
	}
	if u.goesOn && e.accounts[id] == nil { // it may be forgotten already
		if list, err := e.tx.Accounts(ctx, []int64{id}); err != nil || len(list) == 0 {
			return err
		}
	}
	a, err := e.account(ctx, id)
	if err != nil {
		return err
	}
	values := lifecycle.Unsaid(e.plan, a.Account, was, is)
	if len(values) == 0 {
		return nil
	}
	now := e.opts.Clock().UnixMicro()
	in := &lifecycle.Input{Kind: lifecycle.Retract, Account: id, At: now, Known: now, Import: u.im.ID, Values: values}
	out, err := e.decide(ctx, &command{in: in, account: a})
	return errors.Join(err, out.Err)
}

// retract lets the leads hear that the import never was.
func (u *undoing) retract(ctx context.Context) error {
	for rest := u.leads; len(rest) > 0; {
		size := min(u.size, len(rest))
		err := u.round(ctx, func(ctx context.Context) error {
			gone, leads, err := u.e.withMerged(ctx, rest[:size])
			if err == nil {
				err = u.e.loadLeads(ctx, leads)
			}
			if err == nil {
				u.e.numbers.want = size
				err = u.e.lockTeam(ctx)
			}
			if err == nil {
				err = u.e.retract(ctx, u.im.ID, gone, leads)
			}
			return err
		})
		if err != nil {
			return err
		}
		rest = rest[size:]
		if u.told != nil {
			u.told(int64(len(u.leads)-len(rest)), int64(len(u.leads)))
		}
	}
	return nil
}

// forget takes accounts of which nothing is said out of the database, if no lead is in them and nobody has named them meanwhile.
func (u *undoing) forget(ctx context.Context) error {
	for rest := u.empty; len(rest) > 0; {
		size := min(u.size, len(rest))
		err := u.round(ctx, func(ctx context.Context) error {
			named := func(id int64) bool { return u.since[id] }
			return u.e.forgetAccounts(ctx, slices.DeleteFunc(slices.Clone(rest[:size]), named))
		})
		if err != nil {
			return err
		}
		rest = rest[size:]
	}
	return nil
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

// forgetAccounts takes accounts out of the database, if no lead is in them.
func (e *Engine) forgetAccounts(ctx context.Context, empty []int64) error {
	for _, id := range empty {
		inside, err := e.tx.LeadsOfAccount(ctx, id)
		if err != nil {
			return err
		}
		stays := func(lead int64) bool {
			n := e.cache.leads[lead]
			return n == nil || n.Lead.Account == id
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
