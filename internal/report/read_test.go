package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/store"
)

// Reports can be read from a store that is open for reading only, beside a writer, and those of
// one snapshot see the same moment whatever is written meanwhile.
func TestBesideAWriter(t *testing.T) {
	h := small(t)
	ro, err := store.OpenReadOnly(ctx, h.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	s, err := ro.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before, err := funnel(ctx, s, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	h.batch.Exec(`DELETE FROM visit`)
	h.commit(t)
	meanwhile, err := funnel(ctx, s, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Rows, meanwhile.Rows); diff != "" {
		t.Error(diff)
	}
	after, err := Funnel(ctx, ro, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	if n := after.Cell(0, "entered").Int; n != 0 {
		t.Errorf("%d passes after all visits are gone", n)
	}
}

// The number of queries does not depend on the number of leads or groups.
func TestQueriesAreFixed(t *testing.T) {
	h := small(t)
	for _, c := range []struct {
		name   string
		report maker
		by     string
		want   int
	}{
		{"funnel", funnel, "", 2},
		{"funnel", funnel, "source", 2},
		{"velocity", velocity, "country", 3},
		{"lift", liftOf, "", 2},
		{"lift", liftOf, "activity", 3},
		{"lift", liftOf, "criterion", 2},
		{"sla", sla, "owner", 4},
		{"sla", sla, "source", 5},
		{"response", response, "", 3},
		{"pursuit", pursuit, "owner", 1},
		{"pursuit", pursuit, "source", 2},
		{"rejections", rejections, "", 2},
	} {
		s, err := h.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.report(ctx, s, h.plan, Query{By: c.by}); err != nil {
			t.Fatal(err)
		}
		if n := s.Queries(); n != c.want {
			t.Errorf("%s by %q: %d queries, want %d", c.name, c.by, n, c.want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
