package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pursued has hand-offs that came to each end, and one that is in limbo for each way to be there.
func pursued(t testing.TB, limbo bool) *house {
	h := newHouse(t)
	h.lead(lead{id: 1, arrived: monday, source: "web"})
	h.lead(lead{id: 2, arrived: monday, source: "fair"})
	offer := func(lead int64, owner, queue, state string, breached any) {
		h.row++
		h.batch.Exec(`INSERT INTO handoff (id, lead, prev, name, pass, state, offered_at, offered_day, owner, queue, accepted_by, accept_breached_at, reason, reassigned)
			VALUES ($1, $2, 0, 'mql_to_sales', 1, $3, $4, 0, $5, $6, '', $7, '', 0)`, h.row*1000, lead, state, monday, owner, queue, breached)
	}
	ann, bob := "ann@northwind.example", "bob@northwind.example"
	h.clock(1, accept, "running", ann, monday, 0, 0, 1, 4*hour, 0)
	h.clock(2, accept, "breached", ann, monday, 0, 1, 1, 4*hour, 0) // its offer is with the manager
	for range 3 {
		offer(1, ann, "", "accepted", nil)
	}
	offer(2, ann, "", "accepted", monday+hour)
	offer(2, bob, "", "rejected", monday+hour)
	offer(1, bob, "", "expired", monday+hour)
	offer(1, "", "", "withdrawn", nil)
	offer(2, ann, "", "escalated", monday+hour)
	offer(1, "", "unassigned", "open", nil)
	if limbo {
		offer(2, bob, "", "open", monday+hour) // no clock runs
		offer(1, "", "", "open", nil)          // with nobody
		offer(1, "", "", "escalated", nil)
	}
	h.commit(t)
	return h
}

func TestPursuit(t *testing.T) {
	columns := []string{"handoff", "offered", "accepted", "rejected", "expired", "withdrawn", "escalated", "open", "limbo", "late", "answered"}
	for _, c := range []struct {
		limbo   bool
		want    []string
		finding string
	}{
		{false, []string{"mql_to_sales", "9", "4", "1", "1", "1", "1", "1", "0", "1", "83.3 %"}, "Each of 9 hand-offs was pursued: 4 accepted, 1 rejected, 1 expired, 1 withdrawn, 1 escalated and 1 still open with a clock. None is in limbo."},
		{true, []string{"mql_to_sales", "12", "4", "1", "1", "1", "1", "1", "3", "1", "83.3 %"}, "3 of 12 hand-offs are in limbo"},
	} {
		h := pursued(t, c.limbo)
		p, err := Pursuit(ctx, h.Store, h.plan, Query{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]string{c.want}, flat(p, columns...)); diff != "" {
			t.Error(diff)
		}
		if !strings.HasPrefix(p.Finding, c.finding) {
			t.Error(p.Finding)
		}
	}
}

func TestPursuitByGroup(t *testing.T) {
	h := pursued(t, false)
	for by, want := range map[string][][]string{
		"owner":  {{"ann@northwind.example", "5", "4", "0", "1", "0"}, {"bob@northwind.example", "2", "0", "1", "0", "0"}, {"(none)", "2", "0", "0", "0", "1"}},
		"source": {{"fair", "3", "1", "1", "1", "0"}, {"web", "6", "3", "0", "0", "1"}},
		"month":  {{"2026-01", "9", "4", "1", "1", "1"}},
	} {
		p, err := Pursuit(ctx, h.Store, h.plan, Query{By: by})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, flat(p, by, "offered", "accepted", "rejected", "escalated", "open")); diff != "" {
			t.Errorf("by %s: %s", by, diff)
		}
		if svg := string(p.SVG()); strings.Count(svg, " accepted</tspan>") != len(p.Rows) {
			t.Error(svg)
		}
	}
}

func TestPursuitOfNothing(t *testing.T) {
	h := newHouse(t)
	h.commit(t)
	for _, q := range []Query{{}, {Since: monday}} {
		p, err := Pursuit(ctx, h.Store, h.plan, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Rows) != 0 || p.Finding == "" || len(p.SVG()) == 0 {
			t.Errorf("%d rows: %s", len(p.Rows), p.Finding)
		}
	}
}
