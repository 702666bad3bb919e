package store

import (
	"context"
	"sync/atomic"
)

type countKey struct{}

// Counting returns a context, and the number of queries that were made with it: a page promises how many it makes. What a
// transaction asks does not count.
func Counting(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, countKey{}, n), n
}

func count(ctx context.Context) {
	if n, ok := ctx.Value(countKey{}).(*atomic.Int64); ok {
		n.Add(1)
	}
}
