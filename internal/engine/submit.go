package engine

import (
	"context"
	"slices"

	"baton/internal/lifecycle"
)

// request is a call of Submit on its way.
type request struct {
	ctx      context.Context // for those who observe; what is decided does not depend on it
	arrivals []lifecycle.Arrival
	asks     bool // for the outcomes
	outcomes []Outcome
	done     chan error
}

// Submit has arrivals decided now, in order, and returns when they are on disk. Arrivals of
// several callers share a transaction, so that they share the wait for the disk. It returns
// ErrFull at once when too much is waiting. When the context ends first, the arrivals
// may have been decided or may yet be.
func (e *Engine) Submit(ctx context.Context, arrivals []lifecycle.Arrival) ([]Outcome, error) {
	r := &request{ctx: ctx, arrivals: arrivals, asks: true}
	if err := e.submit(r); err != nil {
		return nil, err
	}
	return r.outcomes, nil
}

// TakeIn is Submit for those who do not ask what became of the arrivals: to keep that for them would cost as much memory as all
// else that is done with them here.
func (e *Engine) TakeIn(ctx context.Context, arrivals []lifecycle.Arrival) error {
	return e.submit(&request{ctx: ctx, arrivals: arrivals})
}

func (e *Engine) submit(r *request) error {
	if len(r.arrivals) == 0 {
		return nil
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	r.done = make(chan error, 1)
	if err := e.put(r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

func (e *Engine) put(r *request) error {
	e.closing.RLock()
	defer e.closing.RUnlock()
	if e.closed {
		return ErrClosed
	}
	n := int64(len(r.arrivals))
	if e.waiting.Add(n) > int64(e.opts.Queue) {
		e.waiting.Add(-n)
		return ErrFull
	}
	select {
	case e.requests <- r:
		return nil
	default:
		e.waiting.Add(-n)
		return ErrFull
	}
}

// serve takes whatever has been submitted, decides it in one transaction, and answers.
func (e *Engine) serve() {
	defer close(e.drained)
	for first := e.next(); first != nil; first = e.next() {
		group := []*request{first}
		n := len(first.arrivals)
	collect:
		for n < e.opts.Batch {
			select {
			case r, ok := <-e.requests:
				if !ok {
					break collect
				}
				group = append(group, r)
				n += len(r.arrivals)
			default:
				break collect
			}
		}
		e.together(group, n)
	}
}

// together decides the arrivals of a group in one transaction, and answers when that is on disk. On a database of
// one process the next group is decided meanwhile: what is on its way is in memory.
func (e *Engine) together(group []*request, n int) {
	ctx := context.Background() // what was accepted is decided, whether or not anybody still waits
	e.mu.Lock()
	defer e.mu.Unlock()
	round := e.watch(RoundSubmit, n)
	for _, r := range group {
		round.called(r.ctx)
	}
	e.live, e.asked = true, slices.ContainsFunc(group, func(r *request) bool { return r.asks })
	defer func() { e.live, e.asked = false, false }()
	outcomes := slices.Grow(e.outcomes[:0], n)[:n]
	e.outcomes = outcomes
	decide := func() error {
		if err := e.ready(ctx); err != nil {
			return err
		}
		all := slices.Grow(e.all[:0], n)
		for _, r := range group {
			all = append(all, r.arrivals...)
		}
		e.all = all
		if err := e.beginRound(ctx, exclusive(all)); err != nil {
			return err
		}
		err := e.gather(ctx, all, nil)
		round.gathered()
		if err == nil {
			err = e.arrivals(ctx, all, func(i int, out Outcome) { outcomes[i] = out })
		}
		round.decided()
		if err != nil || e.shared {
			return e.finish(ctx, err)
		}
		return nil
	}
	err := e.try(ctx, decide)
	if err == nil && !e.shared && e.wait() != nil {
		err = e.try(ctx, decide) // it was decided on what did not get to the disk
	}
	for i := range outcomes {
		round.duplicate(outcomes[i].Duplicate)
	}
	rest := outcomes
	for _, r := range group {
		if r.asks {
			r.outcomes = slices.Clone(rest[:len(r.arrivals)])
		}
		rest = rest[len(r.arrivals):]
	}
	clear(e.all)
	clear(outcomes)
	e.round = nil
	answer := func(err error) {
		round.told(err)
		e.waiting.Add(-int64(n))
		for _, r := range group {
			r.done <- err
		}
		select {
		case e.kick <- struct{}{}:
		default:
		}
	}
	if err != nil || e.shared {
		answer(err)
		return
	}
	e.sendThen(ctx, true, answer)
}

// finish commits a round that went well. After an error, what the round put together is dropped.
func (e *Engine) finish(ctx context.Context, err error) error {
	if err != nil {
		e.wait()
		e.tx.Rollback()
		e.broken = err
		return err
	}
	return e.commit(ctx)
}
