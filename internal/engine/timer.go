package engine

import (
	"context"
	"errors"
	"time"

	"baton/internal/agreement"
)

// Tick decides everything that is due at now, as known now, and returns for how many leads.
func (e *Engine) Tick(ctx context.Context, now int64) (n int, err error) {
	if err := e.followAll(ctx); err != nil {
		return 0, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		done, err := e.tick(ctx, now)
		n += done
		if err != nil || done == 0 {
			return n, err
		}
	}
}

// tick is one transaction of Tick.
func (e *Engine) tick(ctx context.Context, now int64) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.ready(ctx); err != nil {
		if errors.Is(err, ErrNoAgreement) {
			return 0, nil
		}
		return 0, err
	}
	if err := e.wait(); err != nil {
		return 0, err
	}
	list, err := e.st.DueUntil(ctx, now, e.opts.Batch)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	round := e.watch(RoundTimers, 0)
	ids := make([]int64, len(list))
	for i, d := range list {
		ids[i] = d.Lead
		round.late(now - d.At)
	}
	e.begin()
	e.live = true
	defer func() { e.live = false }()
	err = e.loadLeads(ctx, ids)
	round.gathered()
	for i := 0; err == nil && i < len(list); i++ {
		n := e.cache.get(list[i].Lead, e.turn)
		if n == nil {
			continue
		}
		before := e.nextID
		if err = e.catchUp(ctx, n, now); e.nextID == before {
			// The row says that something is due and the state does not: the state decides.
			e.batch.Due(n.Record)
		}
	}
	round.decided()
	return len(list), round.ended(e.finish(ctx, err))
}

// Run decides what falls due, when it does, until the context ends.
func (e *Engine) Run(ctx context.Context) error {
	// A machine that slept, or whose clock was set, is noticed after this long at the latest.
	const most = 15 * time.Second
	for {
		if _, err := e.Tick(ctx, e.opts.Clock().UnixMicro()); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		next, err := e.st.NextDue(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		pause := most
		if next != agreement.Never {
			pause = min(most, max(time.Millisecond, time.Duration(next-e.opts.Clock().UnixMicro())*time.Microsecond))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-e.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
}
