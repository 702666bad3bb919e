package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/store"
)

// A report can be read from a store that is open for reading only, and sees one moment of the
// database whatever is written meanwhile.
func TestBesideAWriter(t *testing.T) {
	h := small(t)
	ro, err := store.OpenReadOnly(ctx, h.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	before, err := Funnel(ctx, ro, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	// between the query on leads and the one on visits, everything goes
	queried = func(n int) {
		if n == 2 {
			h.batch.Exec(`DELETE FROM visit`)
			h.commit(t)
		}
	}
	defer func() { queried = func(int) {} }()
	during, err := Funnel(ctx, ro, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Rows, during.Rows); diff != "" {
		t.Error(diff)
	}
	queried = func(int) {}
	after, err := Funnel(ctx, ro, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	if n := after.Cell(0, "entered").Int; n != 0 {
		t.Errorf("%d passes after all visits are gone", n)
	}
}
