package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

const (
	// lateSlice is how many rows that are behind are written in a transaction when nothing is submitted: whoever comes waits for no
	// more.
	lateSlice = 500
	lateAll   = 1 << 30
)

// writeLate brings the rows of some leads that are behind up to date.
func (e *Engine) writeLate(ctx context.Context, most int) error {
	if err := e.wait(); err != nil || e.late.Len() == 0 {
		return err
	}
	var err error
	if e.tx, err = e.st.Begin(ctx, false); err != nil {
		return err
	}
	e.late.Write(e.batch, most)
	return e.commit(ctx)
}

// next returns the request that is decided next, nil after the last. Meanwhile rows that are behind are brought up to date, and other
// processes let in.
func (e *Engine) next() *request {
	for idle := e.opts.idle; ; {
		e.mu.Lock()
		late := e.late.Len() > 0 && e.broken == nil
		pause := lookEvery
		if e.lacks() {
			if !time.Now().Before(e.packed.next) {
				e.readIn(context.Background())
			}
			pause = min(pause, time.Until(e.packed.next))
		}
		e.mu.Unlock()
		if !late && e.packed == nil && !e.st.Shared() {
			return <-e.requests
		}
		if late {
			pause = min(pause, idle)
		}
		over := time.NewTimer(pause)
		select {
		case r := <-e.requests:
			over.Stop()
			return r
		case <-over.C:
			idle = max(0, idle-pause)
			e.mu.Lock()
			if e.broken == nil { // the next round finds what went wrong
				e.broken = e.lookAround(context.Background())
			}
			if e.broken == nil && idle == 0 {
				_ = e.writeLate(context.Background(), lateSlice)
			}
			e.mu.Unlock()
		}
	}
}

// catchUpRows brings the rows of leads that were left behind, by a process that was killed or a disk that was full, up to date with
// the decisions on record.
func (e *Engine) catchUpRows(ctx context.Context) error {
	from, err := e.st.LateFrom(ctx)
	if err != nil || from == 0 {
		return err
	}
	for from != 0 {
		if from, err = e.catchUpSome(ctx, from); err != nil {
			return fmt.Errorf("bringing leads up to date with what was decided: %w", err)
		}
	}
	return nil
}

// catchUpSome does so for some decisions by one agreement, and returns from which input on there are more, 0 for none.
func (e *Engine) catchUpSome(ctx context.Context, from int64) (more int64, err error) {
	type decided struct {
		in       lifecycle.Input
		decision []byte // nil if it could not be decided
	}
	var list []decided
	var ids []int64
	enough := errors.New("enough")
	err = e.st.EachInput(ctx, from, func(in lifecycle.Input, decision []byte) error {
		if len(list) == historyBatch || len(list) > 0 && in.Version != list[0].in.Version {
			more = in.ID
			return enough
		}
		list = append(list, decided{in, bytes.Clone(decision)})
		if in.Lead != 0 {
			ids = append(ids, in.Lead)
		}
		return nil
	})
	if err != nil && err != enough {
		return 0, err
	}
	slices.Sort(ids)
	leads, err := e.st.Leads(ctx, slices.Compact(ids))
	if err != nil {
		return 0, err
	}
	b := store.NewBatch()
	b.LateFrom(more)
	var plan *agreement.Plan
	for _, d := range list {
		rec := leads[d.in.Lead]
		if rec == nil || d.in.ID <= rec.LastInput {
			continue
		}
		if plan == nil {
			if plan, err = e.planOf(ctx, e.st.Reader, d.in.Version); err != nil {
				return 0, err
			}
		}
		if d.decision != nil {
			if err := again(plan, rec.Lead, &d.in, d.decision); err != nil {
				return 0, fmt.Errorf("input %d: %w", d.in.ID, err)
			}
		} else if rec.Lead.Version != d.in.Version {
			continue
		}
		rec.LastInput = d.in.ID
		b.Lead(rec)
	}
	b.Seal(plan)
	return more, e.st.Commit(ctx, b)
}

// again carries a decision on record out on the lead alone: accounts and the roster are never behind.
func again(plan *agreement.Plan, l *lifecycle.Lead, in *lifecycle.Input, decision []byte) error {
	d, err := lifecycle.ParseDecision(decision)
	if err != nil {
		return err
	}
	view := &lifecycle.View{Lead: l}
	for i := range d.Changes {
		if c := &d.Changes[i]; c.Kind.OfLead() {
			lifecycle.Apply(plan, view, c)
		}
	}
	lifecycle.Advance(view, in)
	return nil
}
