package engine

import (
	"context"
	"fmt"

	"baton/internal/lifecycle"
)

// Undo takes an import back, in one transaction: every lead it touched is decided again
// without it, and leads that nothing else is known of disappear, with their keys. The
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
	im, err := e.st.Import(ctx, importID)
	if err != nil {
		return fmt.Errorf("undoing: %w", err)
	}
	if im.State == "undone" {
		return fmt.Errorf("undoing: import %d is undone already", importID)
	}
	leads, err := e.st.LeadsOfImport(ctx, im)
	if err != nil {
		return err
	}
	if err := e.begin(ctx); err != nil {
		return err
	}
	e.changeAll()
	err = e.loadLeads(ctx, leads)
	if err == nil {
		e.numbers.want = len(leads)
		err = e.lockTeam(ctx)
	}
	if err == nil {
		err = e.retract(ctx, importID, leads)
	}
	e.batch.Undone(importID)
	err = e.finish(ctx, err)
	e.now, e.old = newOverlay(), newOverlay() // they may remember what is undone now
	clear(e.known)
	return err
}

func (e *Engine) retract(ctx context.Context, importID int64, leads []int64) error {
	touched := make(map[int64]bool, len(leads))
	for _, id := range leads {
		touched[id] = true
	}
	keys, err := e.tx.KeysOf(ctx, touched)
	if err != nil {
		return err
	}
	now := e.opts.Clock().UnixMicro()
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
		past, err := e.tx.Past(ctx, n.LastInput)
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
		out, err := e.decide(ctx, &command{in: in, entry: n, account: a, past: past})
		if err != nil {
			return err
		}
		if out.Err != nil {
			return fmt.Errorf("undoing: lead %d: %w", id, out.Err)
		}
		if n.Lead.Stage >= 0 && n.Lead.Account != was { // it was decided without knowing the account it is in now
			if a, err = e.account(ctx, n.Lead.Account); err != nil {
				return err
			}
			again := &lifecycle.Input{Kind: lifecycle.Refresh, Lead: id, At: in.Known, Known: max(in.Known, n.Lead.Clock)}
			if _, err := e.decide(ctx, &command{in: again, entry: n, account: a}); err != nil {
				return err
			}
		}
		if err := e.skipTo(ctx, e.batch.FirstFree()); err != nil {
			return err
		}
		if n.Lead.Stage < 0 {
			e.batch.Forget(n.Record, keys[id])
			e.cache.remove(n)
		}
	}
	return nil
}

// lastWithout returns when the last input was known that is not of the import, nor made by time.
func lastWithout(past []lifecycle.Input, importID int64) int64 {
	last := int64(0)
	for i := range past {
		switch in := &past[i]; {
		case in.Import == importID, in.Kind == lifecycle.Timer, in.Kind == lifecycle.Refresh, in.Kind == lifecycle.Activate, in.Kind == lifecycle.Retract:
		default:
			last = max(last, in.Known)
		}
	}
	return last
}
