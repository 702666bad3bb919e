package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Activate lets an agreement apply from now on, and has all leads under way follow it. If
// it is the one that applies already, nothing happens. It refuses an agreement that has no place
// for a stage or an open hand-off in which leads are; then nothing has changed. Each of over is asked about the agreement that applies,
// nil for none, while no other process can put another in its place; an error of theirs refuses the agreement too. They may be
// asked again.
func (e *Engine) Activate(ctx context.Context, plan *agreement.Plan, source []byte, file string, at int64, over ...func(active *store.Agreement) error) (version int64, err error) {
	version, changed, err := e.activate(ctx, plan, source, file, at, over)
	if err == nil && changed {
		err = e.followAll(ctx)
	}
	if err == nil {
		e.st.Flush()
	}
	return version, err
}

func (e *Engine) activate(ctx context.Context, plan *agreement.Plan, source []byte, file string, at int64, over []func(*store.Agreement) error) (version int64, changed bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	err = e.try(ctx, func() error {
		version, changed, err = e.activateOnce(ctx, plan, source, file, at, over)
		return err
	})
	return version, changed, err
}

func (e *Engine) activateOnce(ctx context.Context, plan *agreement.Plan, source []byte, file string, at int64, over []func(*store.Agreement) error) (version int64, changed bool, err error) {
	if err := e.ready(ctx); err != nil && !errors.Is(err, ErrNoAgreement) {
		return 0, false, err
	}
	// what a row lacks is in the words of the agreement that applied
	if err := e.writeLate(ctx, lateAll); err != nil {
		return 0, false, err
	}
	if err := e.beginRound(ctx, true); err != nil {
		return 0, false, err
	}
	active, err := e.tx.ActiveAgreement(ctx)
	for i := 0; err == nil && i < len(over); i++ {
		err = over[i](active)
	}
	if err == nil && active != nil && active.Hash == plan.Hash {
		if e.plan == nil { // New could not compile it
			e.governedBy(active.Version, plan)
		}
		e.tx.Rollback()
		return active.Version, false, nil
	}
	if err == nil && active != nil {
		if e.plan == nil {
			err = ErrNoAgreement
		} else {
			err = e.fits(ctx, plan)
		}
	}
	if err != nil {
		e.tx.Rollback()
		return 0, false, fmt.Errorf("activating %s: %w", plan.Name, err)
	}
	version = 1
	if active != nil {
		version = active.Version + 1
	}
	if err := e.lockTeam(ctx); err != nil {
		return 0, false, e.finish(ctx, err)
	}
	stored := &store.Agreement{Version: version, Name: plan.Name, Hash: plan.Hash, File: file, Source: source, ActivatedAt: at}
	if e.opts.Files != nil {
		stored.Files = e.opts.Files(plan)
	}
	e.batch.Agreement(stored)
	if e.roster == nil {
		e.roster = lifecycle.NewRoster(plan)
	} else if err := lifecycle.Rebind(e.plan, plan, &lifecycle.View{Roster: e.roster}); err != nil {
		return 0, false, e.finish(ctx, fmt.Errorf("activating %s: %w", plan.Name, err))
	}
	e.roster.Version = version
	e.rosterRows, e.rosterDirty = store.RosterRows{}, true
	e.governedBy(version, plan)
	e.behind = true
	return version, true, e.finish(ctx, nil)
}

// fits finds out whether a plan has a place for every lead, from one lead of each kind.
func (e *Engine) fits(ctx context.Context, plan *agreement.Plan) error {
	ids, err := e.tx.LeadsOfEachKind(ctx)
	if err != nil {
		return err
	}
	slices.Sort(ids) // a lead may be the first of its stage and the first with its hand-off
	ids = slices.Compact(ids)
	records, err := e.tx.Leads(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		rec := records[id]
		if rec == nil {
			continue
		}
		l := rec.Lead
		from, err := e.planOf(ctx, e.tx.Reader, l.Version)
		if err != nil {
			return err
		}
		if err := lifecycle.Rebind(from, plan, &lifecycle.View{Lead: l}); err != nil {
			return fmt.Errorf("%w (lead %d is one)", err, id)
		}
	}
	return nil
}

// followAll has every lead under way follow the present agreement. It goes on where it was
// interrupted: those that have followed are not behind any more. Leads whose pass has ended follow
// when something happens to them.
func (e *Engine) followAll(ctx context.Context) error {
	after := int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := e.followSome(ctx, &after)
		if err != nil || !more {
			return err
		}
	}
}

func (e *Engine) followSome(ctx context.Context, after *int64) (more bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // what has begun is finished
	err = e.try(ctx, func() error {
		more, err = e.followOnce(ctx, after)
		return err
	})
	return more, err
}

func (e *Engine) followOnce(ctx context.Context, after *int64) (more bool, err error) {
	if e.plan == nil || !e.behind {
		return false, nil
	}
	if err := e.ready(ctx); err != nil {
		return false, err
	}
	if err := e.wait(); err != nil {
		return false, err
	}
	if err := e.begin(ctx); err != nil {
		return false, err
	}
	ids, err := e.tx.LeadsBehind(ctx, e.version, *after, e.opts.Batch)
	if err == nil && len(ids) == 0 {
		e.behind = false
	}
	if err != nil || len(ids) == 0 {
		return false, e.finish(ctx, err)
	}
	active, err := e.tx.ActiveAgreement(ctx)
	round := e.watch(RoundActivate, 0)
	if err == nil {
		e.changeAll()
		err = e.loadLeads(ctx, ids)
	}
	if err == nil {
		e.numbers.want = len(ids)
		err = e.lockTeam(ctx)
	}
	round.gathered()
	for i := 0; err == nil && i < len(ids); i++ {
		if n := e.cache.get(ids[i], e.turn); n != nil && n.Lead.Version != e.version {
			err = e.follow(ctx, n, max(active.ActivatedAt, n.Lead.Clock))
		}
	}
	round.decided()
	if err = round.ended(e.finish(ctx, err)); err == nil {
		*after = ids[len(ids)-1]
	}
	return true, err
}

// follow moves a lead to the present agreement and has that decided. A lead for which the
// agreement has no place stays as it is, with the problem on record.
func (e *Engine) follow(ctx context.Context, n *entry, known int64) error {
	before := n.Lead
	from, err := e.planOf(ctx, e.tx.Reader, before.Version)
	if err != nil {
		return err
	}
	moved, err := lifecycle.ParseLead(lifecycle.AppendLead(nil, before))
	if err != nil {
		return err
	}
	a, err := e.account(ctx, before.Account)
	if err != nil {
		return err
	}
	c := &command{in: &lifecycle.Input{Kind: lifecycle.Activate, Lead: n.ID, At: known, Known: known}, entry: n, account: a}
	err = lifecycle.Rebind(from, e.plan, &lifecycle.View{Lead: moved})
	if err == nil {
		n.Lead = moved
		out, err := e.decide(ctx, c)
		if err != nil {
			n.Lead = before
			return err
		}
		if out.Err == nil {
			return nil
		}
	} else if _, err := e.fail(ctx, c, err); err != nil {
		return err
	}
	n.Lead = before
	n.Due = agreement.Never
	e.batch.Due(n.Record)
	return nil
}
