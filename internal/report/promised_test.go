package report

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/store"
)

func TestFlow(t *testing.T) {
	h := small(t)
	f, err := Flow(ctx, h.Store, h.plan, Query{Now: monday + 60*day})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Funnel(ctx, h.Store, h.plan, Query{Now: monday + 60*day})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(flat(plain, "stage", "entered", "now"), flat(f, "stage", "entered", "now")); diff != "" {
		t.Errorf("the funnel differs from itself: %s", diff)
	}
	want := [][]string{
		{"lead", "mql", "43", "60.6 %", "24 h"},
		{"mql", "sal", "32", "74.4 %", "2 days"},
		{"mql", "nurture", "2", "4.7 %", "24 h"},
		{"sal", "won", "5", "15.6 %", "4 days"},
		{"nurture", "lead", "1", "too few (2)", "30 days"},
	}
	if diff := cmp.Diff(want, flat(f.Parts[0], "from", "to", "passed", "of_entered", "median_days")); diff != "" {
		t.Error(diff)
	}
	if _, err := Flow(ctx, h.Store, h.plan, Query{By: "source"}); err == nil {
		t.Error("a flow by source")
	}
}

// A report of some leads is the part of the report of all that is about them.
func TestOnlySomeLeads(t *testing.T) {
	h := small(t)
	for _, c := range []struct {
		only store.Only
		want string
	}{{store.Only{}, "71"}, {store.Only{Source: "web"}, "60"}, {store.Only{Source: "fair"}, "8"}, {store.Only{Source: "web", Owner: "bob@northwind.example"}, "27"},
		{store.Only{Source: "web", Owner: store.None}, "28"}, {store.Only{Source: "nowhere"}, ""}} {
		f, err := Funnel(ctx, h.Store, h.plan, Query{Now: monday + 60*day, Only: c.only})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(f.Rows) > 0 {
			got = f.Cell(0, "entered").String()
		}
		if got != c.want {
			t.Errorf("%+v: %s entered, want %s", c.only, got, c.want)
		}
	}
}

// Newcombe's example: 56 of 70 against 48 of 80 differ by 0.2000, 0.0524 to 0.3339.
func TestDifference(t *testing.T) {
	d, low, high, few := Difference(56, 70, 48, 80)
	for _, c := range []struct{ got, want float64 }{{d, .2}, {low, .0524}, {high, .3339}} {
		if math.Abs(c.got-c.want) > 5e-5 {
			t.Errorf("%.4f, want %.4f", c.got, c.want)
		}
	}
	if few {
		t.Error("too few")
	}
	if _, _, _, few := Difference(1, 29, 48, 80); !few {
		t.Error("29 are enough")
	}
}
