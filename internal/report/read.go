package report

import (
	"context"
	"errors"

	"baton/internal/agreement"
	"baton/internal/store"
)

// maker makes a report of what a snapshot holds.
type maker func(context.Context, *store.Snapshot, *agreement.Plan, Query) (*Table, error)

// on makes a report from a snapshot of its own, so that all its queries see the same moment.
func on(ctx context.Context, st *store.Store, report maker, plan *agreement.Plan, q Query) (*Table, error) {
	s, err := st.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	s.Choose(q.Only)
	t, err := report(ctx, s, plan, q)
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	return t, nil
}

// bounds are Since and Until as the store takes them.
func (q *Query) bounds() store.Span { return store.Span{From: q.Since, Until: q.Until} }
