package report

import (
	"math"
	"strings"
	"testing"
	"time"

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

// Each commitment in each of its periods; the running one is not judged.
func TestPromised(t *testing.T) {
	h := deadlined(t)
	q := Query{Now: monday + 10*day}
	p, err := Promised(ctx, h.Store, h.plan, q)
	if err != nil {
		t.Fatal(err)
	}
	sum := map[string]int64{}
	running := 0
	for r := range p.Rows {
		sum[p.Cell(r, "commitment").Text] += p.Cell(r, "n").Int
		switch p.Cell(r, "state").Text {
		case "running":
			running++
		case "kept", "under":
		default:
			t.Errorf("row %d is %q", r, p.Cell(r, "state").Text)
		}
		if of := p.Cell(r, "of"); of.Kind == Count && p.Cell(r, "n").Int > of.Int {
			t.Errorf("row %d counts %d of %d", r, p.Cell(r, "n").Int, of.Int)
		}
	}
	if len(h.plan.Commitments) == 0 || running != len(h.plan.Commitments) {
		t.Errorf("%d of %d commitments have a running period", running, len(h.plan.Commitments))
	}
	// What the deadlines report says of the clocks of a clause, the promise says too.
	sla, err := SLA(ctx, h.Store, h.plan, q)
	if err != nil {
		t.Fatal(err)
	}
	for i := range h.plan.Commitments {
		c := &h.plan.Commitments[i]
		for r := range sla.Rows {
			if clause := sla.Cell(r, "clause").Text; c.Name == "accepted_in_time" && clause == h.plan.Handoffs[0].AcceptClause.Address || c.Name == "contacted_in_time" && clause == h.plan.Handoffs[0].ContactClause.Address {
				if met := sla.Cell(r, "met").Int; met != sum[c.Address] || met == 0 {
					t.Errorf("%s: %d in time, and %d in the deadlines report", c.Address, sum[c.Address], met)
				}
			}
		}
	}
}

// A win counts in the period in which it was won, with what it was worth then, and once in a pass; a stage of a won deal that another
// pass reaches counts again.
func TestPromisedWins(t *testing.T) {
	h := newHouse(t)
	h.plan = planOf(t, strings.Replace(northwind, "commitments:\n", "commitments:\n  marketing: {won_count: at least 2 per month}\n", 1))
	c := &h.plan.Commitments[0]
	value := *c
	value.Name, value.AtLeast, value.Address = "won_value", 50_000, "commitments.marketing.won_value"
	h.plan.Commitments = append(h.plan.Commitments, value)
	for id := int64(1); id <= 3; id++ {
		h.lead(lead{id: id, arrived: monday, source: "web"})
	}
	h.win(1, 1, monday, 30_000.25)
	h.win(1, 1, monday+day, 99_000) // of the same pass again
	h.win(2, 1, monday+day, 20_000.25)
	h.win(1, 2, monday+40*day, 7_000)
	h.win(3, 1, monday+41*day, 0) // nobody said
	h.stays(3, 1, monday, "lead", day, "mql")
	h.commit(t)
	p, err := Promised(ctx, h.Store, h.plan, Query{Now: monday + 45*day})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for r := range p.Rows {
		name := p.Cell(r, "commitment").Text
		got[name] = append(got[name], p.Cell(r, "n").String()+" "+p.Cell(r, "state").Text)
	}
	for address, want := range map[string][]string{c.Address: {"2 kept", "2 running"}, value.Address: {"50,001 kept", "7,000 running"}} {
		if diff := cmp.Diff(want, got[address]); diff != "" {
			t.Errorf("%s: %s", address, diff)
		}
	}
	if _, err := Promised(ctx, h.Store, h.plan, Query{By: "source"}); err == nil {
		t.Error("promises are divided by source")
	}
}

// A period in which nothing came is one that was not kept. What was asked for in part only is not judged, and what lies outside is not shown.
func TestPromisedPeriods(t *testing.T) {
	h := newHouse(t)
	h.plan = planOf(t, strings.Replace(northwind, "commitments:\n", "commitments:\n  marketing: {won_count: at least 1 per month}\n", 1))
	c := &h.plan.Commitments[0]
	zone := h.plan.Calendar.Zone()
	month := func(m time.Month) int64 { return time.Date(2026, m, 1, 0, 0, 0, 0, zone).UnixMicro() }
	for id := int64(1); id <= 3; id++ {
		h.lead(lead{id: id, arrived: month(1), source: "web"})
	}
	h.win(1, 1, month(2), 1) // the first instant of February
	h.win(2, 1, month(5)-1, 1)
	h.win(3, 1, month(6)+day, 1)
	h.commit(t)
	for _, test := range []struct {
		name string
		q    Query
		want []string
	}{
		{"all", Query{Now: month(6) + 2*day}, []string{"2026-02 1 kept", "2026-03 0 under", "2026-04 1 kept", "2026-05 0 under", "2026-06 1 running"}},
		{"to the newest", Query{}, []string{"2026-02 1 kept", "2026-03 0 under", "2026-04 1 kept", "2026-05 0 under", "2026-06 1 running"}},
		{"from the middle of April", Query{Since: month(4) + 20*day, Now: month(6) + 2*day}, []string{"2026-04 1 in part", "2026-05 0 under", "2026-06 1 running"}},
		{"from April", Query{Since: month(4), Now: month(6) + 2*day}, []string{"2026-04 1 kept", "2026-05 0 under", "2026-06 1 running"}},
		{"until the middle of March", Query{Until: month(3) + 14*day, Now: month(6)}, []string{"2026-02 1 kept", "2026-03 0 in part"}},
		{"until March", Query{Until: month(3), Now: month(6)}, []string{"2026-02 1 kept"}},
	} {
		p, err := Promised(ctx, h.Store, h.plan, test.q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for r := range p.Rows {
			if p.Cell(r, "commitment").Text == c.Address {
				got = append(got, p.Cell(r, "period").Text+" "+p.Cell(r, "n").String()+" "+p.Cell(r, "state").Text)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	// Nothing was promised of a day on which nobody works.
	c.Per = "day"
	p, err := Promised(ctx, h.Store, h.plan, Query{Since: month(2), Until: month(2) + 10*day, Now: month(6)})
	if err != nil {
		t.Fatal(err)
	}
	days := ""
	for r := range p.Rows {
		if p.Cell(r, "commitment").Text == c.Address {
			days += " " + strings.TrimPrefix(p.Cell(r, "period").Text, "2026-02-")
		}
	}
	if days != " 01 02 03 04 05 06 09 10" { // the first, a Sunday, had a win
		t.Errorf("judged are the days%s", days)
	}
	empty := newHouse(t)
	empty.commit(t)
	if p, err := Promised(ctx, empty.Store, h.plan, Query{}); err != nil || len(p.Rows) > 0 {
		t.Errorf("%d rows of nothing: %v", len(p.Rows), err)
	}
}

// The steps hold what was accepted, each once, and agree with the response report.
func TestWaits(t *testing.T) {
	h := deadlined(t)
	w, err := Waits(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	response, err := Response(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	var all, accepted int64
	for r := range w.Rows {
		all += w.Cell(r, "n").Int
	}
	for r := range response.Rows {
		if response.Cell(r, "step").Text == "offered → accepted" {
			accepted += response.Cell(r, "done").Int
		}
	}
	if all != accepted || all != 3 {
		t.Errorf("%d in steps, %d accepted", all, accepted)
	}
}

func TestPeriod(t *testing.T) {
	h := deadlined(t)
	zone := h.plan.Calendar.Zone()
	for _, per := range []string{"day", "week", "month", "quarter"} {
		for at := monday; at < monday+400*day; at += 11 * day {
			from, until := Period(per, at, zone)
			again, _ := Period(per, until, zone)
			before, _ := Period(per, until-1, zone)
			if from > at || until <= at || again != until || before != from {
				t.Fatalf("%s of %d: %d to %d", per, at, from, until)
			}
		}
	}
}
