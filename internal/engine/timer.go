package engine

import (
	"context"
	"errors"
	"time"

	"baton/internal/agreement"
	"baton/internal/store"
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
func (e *Engine) tick(ctx context.Context, now int64) (n int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // what has begun is finished
	err = e.try(ctx, func() error {
		n, err = e.tickOnce(ctx, now)
		return err
	})
	return n, err
}

func (e *Engine) tickOnce(ctx context.Context, now int64) (int, error) {
	if err := e.ready(ctx); err != nil {
		if errors.Is(err, ErrNoAgreement) {
			return 0, nil
		}
		return 0, err
	}
	if err := e.wait(); err != nil {
		return 0, err
	}
	if err := e.begin(ctx); err != nil {
		return 0, err
	}
	since, err := e.liveSince(ctx)
	if err == nil && e.shared {
		err = e.tx.Wake(ctx)
	}
	if err != nil {
		return 0, e.finish(ctx, err)
	}
	list, err := e.tx.Claim(ctx, since, now, e.opts.Batch)
	if err != nil || len(list) == 0 {
		return 0, e.finish(ctx, err)
	}
	e.numbers.want = len(list)
	round := e.watch(RoundTimers, 0)
	ids := make([]int64, len(list))
	for i, d := range list {
		ids[i] = d.Lead
		round.late(now - d.At)
	}
	e.live = true
	defer func() { e.live = false }()
	err = e.loadLeads(ctx, ids)
	round.gathered()
	if err == nil {
		err = e.timers(ctx, list, now)
	}
	round.decided()
	return len(list), round.ended(e.finish(ctx, err))
}

// liveSince returns since when what falls due is not that of a history that is being decided.
func (e *Engine) liveSince(ctx context.Context) (int64, error) {
	if e.dues != nil || !e.shared {
		return e.dueSince, nil
	}
	return e.tx.HistorySince(ctx)
}

// timers decides what is due for leads in memory. Those that need the roster come at the end.
func (e *Engine) timers(ctx context.Context, list []store.Due, now int64) error {
	var late []store.Due
	e.numbers.want = len(list)
	one := func(d store.Due) error {
		n := e.cache.get(d.Lead, e.turn)
		if n == nil {
			return nil
		}
		before := e.recorded
		err := e.step(ctx, func() error { return e.catchUp(ctx, n, now) })
		if err == nil && e.recorded == before {
			// The row says that something is due and the state does not: the state decides.
			e.batch.Due(n.Record)
		}
		return err
	}
	for _, d := range list {
		if err := one(d); err == errTeam {
			late = append(late, d)
		} else if err != nil {
			return err
		}
	}
	if len(late) == 0 {
		return nil
	}
	if err := e.thenTeam(ctx, len(late)); err != nil {
		return err
	}
	for _, d := range late {
		if err := one(d); err != nil {
			return err
		}
	}
	return nil
}

// Run decides what falls due, when it does, until the context ends.
func (e *Engine) Run(ctx context.Context) error {
	// A machine that slept, or whose clock was set, is noticed after this long at the latest.
	most := 15 * time.Second
	if e.st.Shared() {
		most = time.Second // or that another process has done something
	}
	for {
		done, err := e.Tick(ctx, e.opts.Clock().UnixMicro())
		if err != nil {
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
			least := time.Millisecond
			if now := e.opts.Clock().UnixMicro(); done == 0 && next <= now {
				least = 50 * time.Millisecond // what is due is being decided elsewhere
			}
			pause = min(most, max(least, time.Duration(next-e.opts.Clock().UnixMicro())*time.Microsecond))
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
