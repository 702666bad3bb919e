package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/lifecycle"
)

var ctx = context.Background()

func TestWay(t *testing.T) {
	plan := planOf(t, northwind)
	w, err := wayOf(plan)
	if err != nil {
		t.Fatal(err)
	}
	var on, beside []string
	for _, i := range w.stages {
		on = append(on, plan.Stages[i].Name)
	}
	for _, i := range w.beside {
		beside = append(beside, plan.Stages[i].Name)
	}
	if diff := cmp.Diff([]string{"lead", "mql", "sal", "won"}, on); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"lost", "nurture", "disqualified"}, beside); diff != "" {
		t.Error(diff)
	}
}

func TestFunnel(t *testing.T) {
	h := small(t)
	f, err := Funnel(ctx, h.Store, h.plan, Query{Now: monday + 60*day})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		// 71 passes; 43 qualified: 40 + 2 and one again
		{"lead", "71", "28", "–", "100 %", "24 h"},
		{"mql", "43", "9", "60.6 %", "60.6 %", "2 days"}, // 8 and the one of the second pass
		{"sal", "32", "27", "74.4 %", "45.1 %", "4 days"},
		{"won", "5", "5", "15.6 %", "7.0 %", "–"},
		{"lost", "0", "0", "–", "0 %", "–"},
		{"nurture", "2", "1", "–", "2.8 %", "30 days"},
		{"disqualified", "0", "0", "–", "0 %", "–"},
	}
	if diff := cmp.Diff(want, flat(f, "stage", "entered", "now", "of_before", "of_all", "median_stay_days")); diff != "" {
		t.Error(diff)
	}
	if want := "Of 71 passes, 5 came to Won (7.0 %). Fewest go on from SAL to Won: 15.6 %. The longest stay is in MQL: half last more than 2 days."; f.Finding != want {
		t.Errorf("finding: %s", f.Finding)
	}
}

func TestFunnelByGroup(t *testing.T) {
	h := small(t)
	f, err := Funnel(ctx, h.Store, h.plan, Query{Now: monday + 60*day, By: "source"})
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, row := range flat(f, "source", "stage", "entered", "of_before", "of_all") {
		if row[1] == "mql" || row[1] == "won" {
			got = append(got, row)
		}
	}
	want := [][]string{
		{"web", "mql", "40", "66.7 %", "66.7 %"}, {"web", "won", "5", "15.6 %", "8.3 %"},
		{"fair", "mql", "0", "too few (8)", "0 %"}, {"fair", "won", "0", "–", "0 %"},
		{"(none)", "mql", "3", "too few (3)", "100 %"}, {"(none)", "won", "0", "–", "0 %"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A pass that enters a stage further on has come past those before it, and a stage the
// agreement no longer knows is shown.
func TestFunnelOfPassesThatSkip(t *testing.T) {
	h := newHouse(t)
	for i := range int64(40) {
		h.lead(lead{id: i + 1, arrived: monday, stage: "won"})
		h.stays(i+1, 1, monday, "lead", day, "sal", day, "won")
	}
	h.batch.Exec(`UPDATE visit SET stage = 'prospect' WHERE stage = 'lead' AND lead <= 10`)
	h.commit(t)
	f, err := Funnel(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"lead", "30", "–", "100 %"}, {"mql", "0", "100 %", "100 %"}, {"sal", "40", "–", "100 %"}, {"won", "40", "100 %", "100 %"},
		{"lost", "0", "–", "0 %"}, {"nurture", "0", "–", "0 %"}, {"disqualified", "0", "–", "0 %"}, {"prospect", "10", "–", "25.0 %"}}
	if diff := cmp.Diff(want, flat(f, "stage", "entered", "of_before", "of_all")); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(strings.Join(f.Notes, "\n"), "prospect") {
		t.Errorf("no word about the stage of old: %q", f.Notes)
	}
}

func TestVelocity(t *testing.T) {
	h := small(t)
	v, err := Velocity(ctx, h.Store, h.plan, Query{Now: monday + 60*day})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"arrival", "mql", "42", "24 h", "24 h"},
		{"arrival", "sal", "32", "3 days", "3 days"},
		{"arrival", "won", "5", "7 days", "7 days"},
		{"mql", "sal", "32", "2 days", "2 days"},
		{"sal", "won", "5", "4 days", "4 days"},
	}
	if diff := cmp.Diff(want, flat(v, "from", "to", "n", "median_days", "p90_days")); diff != "" {
		t.Error(diff)
	}
}

// A win dated before its lead's arrival counts nowhere as a time, and a note shows it, whether the
// visit itself says so or only the input that made it.
func TestVelocityOfAWinBeforeItsArrival(t *testing.T) {
	for _, how := range []string{"visit", "input"} {
		h := small(t)
		h.lead(lead{id: 900, arrived: monday + 10*day, stage: "won"})
		won := monday + 10*day
		if how == "visit" {
			won = monday + 8*day
		}
		h.stays(900, 1, monday+10*day, "lead", int64(0), "sal", int64(0))
		h.row++
		h.batch.Exec(`INSERT INTO visit (id, lead, prev, pass, stage, side, outcome, from_stage, entered_at, entered_day, entered_via, left_via, to_stage)
			VALUES ($1, 900, 0, 1, 'won', '', 'won', '', $2, 0, '', '', '')`, h.row*1000+2, won)
		if how == "input" {
			h.input(h.row, int(lifecycle.Win), 900, monday+8*day, 0, "{}")
		}
		h.commit(t)
		v, err := Velocity(ctx, h.Store, h.plan, Query{Now: monday + 60*day})
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Cell(2, "n").Int; got != 5 {
			t.Errorf("by %s: %d times to win, want 5", how, got)
		}
		want := "One win is dated before its lead's arrival (lead 900: won 13 Jan 2026, arrived 15 Jan 2026). It counts as won and is left out of the times."
		if !slices.Contains(v.Notes, want) {
			t.Errorf("by %s: %q", how, v.Notes)
		}
		l, err := Lift(ctx, h.Store, h.plan, Query{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(l.Finding, "6 of 71 leads were won: 8.5 %.") {
			t.Errorf("by %s: %s", how, l.Finding)
		}
	}
}

func TestLift(t *testing.T) {
	h := small(t)
	l, err := Lift(ctx, h.Store, h.plan, Query{Now: monday + 60*day})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{ // base 5/70 = 7.1 %
		{"web", "60", "5", "8.3 %", "3.6 %", "18.1 %", "1.2×", "too close to tell", "under 5 expected"},
		{"fair", "8", "0", "–", "–", "–", "–", "too few", "–"},
		{"(none)", "2", "0", "–", "–", "–", "–", "too few", "–"},
	}
	if diff := cmp.Diff(want, flat(l, "source", "leads", "won", "rate", "low", "high", "lift", "verdict", "caution")); diff != "" {
		t.Error(diff)
	}
}

func TestLiftByActivity(t *testing.T) {
	h := small(t)
	h.batch.Exec(`INSERT INTO import (id, name, file, hash, state, started_at, rows, arrivals, refused, first_input, last_input, notes) VALUES (1, '', '', '', 'undone', 0, 0, 0, 0, 0, 0, ''), (2, '', '', '', 'done', 0, 0, 0, 0, 0, 0, '')`)
	id := int64(5000)
	did := func(lead, at, importID int64, body string) {
		id++
		h.input(id, int(lifecycle.Did), lead, at, importID, body)
	}
	did(100, monday, 0, `{"name":"demo_requested","asset":"pricing_guide"}`)
	did(100, monday+day, 0, `{"name":"demo_requested"}`)        // again
	did(101, monday+30*day, 0, `{"name":"demo_requested"}`)     // after it was won
	did(102, monday, 0, `{"name":"demo_requested","bot":true}`) // a robot
	did(103, monday, 1, `{"name":"demo_requested"}`)            // undone
	did(150, monday, 2, `{"name":"demo_requested"}`)            // open
	did(150, monday, 2, `{"name":"unheard_of"}`)
	for lead := range int64(40) {
		did(100+lead, monday, 0, `{"name":"page_viewed"}`)
	}
	h.commit(t)
	l, err := Lift(ctx, h.Store, h.plan, Query{By: "activity"})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"page_viewed", "40", "5", "12.5 %", "too close to tell"}, {"demo_requested", "2", "1", "–", "too few"}}
	if diff := cmp.Diff(want, flat(l, "activity", "leads", "won", "rate", "verdict")); diff != "" {
		t.Error(diff)
	}
	if l, err = Lift(ctx, h.Store, h.plan, Query{By: "asset"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"pricing_guide", "1", "1"}}, flat(l, "asset", "leads", "won")); diff != "" {
		t.Error(diff)
	}
}

func TestLiftByCriterionGradeAndAttribute(t *testing.T) {
	h := newHouse(t)
	h.batch.Exec(`INSERT INTO account (id, key, name, owner, attributes, state) VALUES (7, 'a', 'A', '', '{"company.employees":500,"company.industry":"retail"}', x'00')`)
	for i := range int64(80) {
		l := lead{id: i + 1, arrived: monday, grade: "C3", attributes: `{"title":"clerk","company.employees":10,"answers.budget":false}`}
		if i < 40 {
			l.account, l.grade, l.attributes = 7, "A1", `{"title":"Head of things","answers.budget":true}`
		}
		h.lead(l)
		if i < 20 {
			h.stays(i+1, 1, monday, "lead", day, "won")
		} else {
			h.stays(i+1, 1, monday, "lead")
		}
	}
	h.commit(t)
	for by, want := range map[string][][]string{
		"criterion":         {{"size", "40", "20", "above"}, {"title", "40", "20", "above"}},
		"grade":             {{"A1", "40", "20", "above"}, {"C3", "40", "0", "below"}},
		"answers.budget":    {{"yes", "40", "20", "above"}, {"no", "40", "0", "below"}},
		"industry":          {{"retail", "40", "20", "above"}, {"(none)", "40", "0", "below"}},
		"company.employees": {{"500", "40", "20", "above"}, {"10", "40", "0", "below"}},
		"month":             {{"2026-01", "80", "20", "too close to tell"}},
		"week":              {{"2026-W02", "80", "20", "too close to tell"}},
	} {
		l, err := Lift(ctx, h.Store, h.plan, Query{By: by})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, flat(l, l.Columns[0].Name, "leads", "won", "verdict")); diff != "" {
			t.Errorf("by %s: %s", by, diff)
		}
	}
}

// A cohort is still maturing until as long after its end as nine wins in ten take.
func TestMaturing(t *testing.T) {
	h := newHouse(t)
	for i := range int64(120) {
		at := monday + i/40*31*day // 40 leads in each of January, February and March
		h.lead(lead{id: i + 1, arrived: at})
		if i%40 < 20-i/40*8 { // 20, 12 and 4 won after 10 days
			h.stays(i+1, 1, at, "lead", 10*day, "won")
		} else {
			h.stays(i+1, 1, at, "lead")
		}
	}
	h.commit(t)
	for now, want := range map[int64][]string{
		monday + 104*day: {"above", "too close to tell", "below"},                      // 19 April
		monday + 90*day:  {"too close to tell", "too close to tell", "still maturing"}, // 5 April: the base rate is 32 of 80
		monday + 60*day:  {"too close to tell", "still maturing", "still maturing"},    // 6 March: it is 20 of 40
	} {
		l, err := Lift(ctx, h.Store, h.plan, Query{By: "month", Now: now})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for r := range l.Rows {
			got = append(got, l.Cell(r, "verdict").Text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("at %s: %s", dayOf(now, h.plan.Calendar.Zone()), diff)
		}
	}
}

// What is still maturing is compared with nothing, whichever way it looks, and is not in the
// base rate. Won after 10 days are 20 of 40 in January, 4 of 40 in February, 39 of 40 in March and
// 3 of 4 in April. On 5 April, March and April are maturing and the base rate is 24/80 = 30 %:
// January's interval is 35.2 % to 64.8 %, February's 4.0 % to 23.1 %. Of all leads it would be
// 66/124 = 53.2 %, and January would not stand out.
func TestLiftOfTheImmature(t *testing.T) {
	h := newHouse(t)
	id := int64(0)
	for _, m := range []struct{ from, leads, won int64 }{{monday, 40, 20}, {monday + 31*day, 40, 4}, {monday + 62*day, 40, 39}, {monday + 88*day, 4, 3}} {
		for i := range m.leads {
			id++
			h.lead(lead{id: id, arrived: m.from})
			if i < m.won {
				h.stays(id, 1, m.from, "lead", 10*day, "won")
			} else {
				h.stays(id, 1, m.from, "lead")
			}
		}
	}
	h.commit(t)
	l, err := Lift(ctx, h.Store, h.plan, Query{By: "month", Now: monday + 90*day})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"2026-01", "40", "20", "50.0 %", "35.2 %", "64.8 %", "1.7×", "above", "–"},
		{"2026-02", "40", "4", "10.0 %", "4.0 %", "23.1 %", "0.3×", "below", "–"},
		{"2026-03", "40", "39", "97.5 %", "87.1 %", "99.6 %", "–", "still maturing", "still maturing"},
		{"2026-04", "4", "3", "–", "–", "–", "–", "too few", "still maturing"},
	}
	if diff := cmp.Diff(want, flat(l, "month", "leads", "won", "rate", "low", "high", "lift", "verdict", "caution")); diff != "" {
		t.Error(diff)
	}
	if want := "24 of 80 leads of mature months were won: 30.0 %. Beyond chance, more is won with 2026-01, less with 2026-02."; l.Finding != want {
		t.Errorf("finding: %s", l.Finding)
	}
	if want := "The base rate is that of 80 leads of mature months. 44 leads of months that are still maturing are not in it and are not compared with it: their rates will still rise."; !slices.Contains(l.Notes, want) {
		t.Errorf("notes: %q", l.Notes)
	}
	if svg := string(l.SVG()); !strings.Contains(svg, `r="5" fill="url(#baton-hatch)"`) || !strings.Contains(svg, "Hatched: still maturing") || !strings.Contains(svg, ">still maturing<") {
		t.Errorf("the chart does not show what is maturing:\n%s", svg)
	}
	if l, err = Lift(ctx, h.Store, h.plan, Query{By: "month", Now: monday + 20*day}); err != nil {
		t.Fatal(err)
	}
	if want := "66 of 124 leads were won so far. Every month is still maturing, so there is nothing to compare yet."; l.Finding != want {
		t.Errorf("finding: %s", l.Finding)
	}
	var b bytes.Buffer
	if err := l.JSON(&b); err != nil || strings.Contains(b.String(), "base_rate") {
		t.Errorf("a base rate of nothing: %v %s", err, b.String())
	}
	if svg := string(l.SVG()); !strings.Contains(svg, "Nothing is won yet of what is mature") {
		t.Errorf("%s", svg)
	}
}

// What lies beyond the scale of the chart, 8× either way, has its value beside its mark.
func TestLiftBeyondTheScale(t *testing.T) {
	l := &Table{Name: "lift", Title: "What goes with winning", Base: 0.01}
	for _, name := range []string{"source", "leads", "rate", "low", "high", "lift", "verdict", "caution"} {
		l.Columns = append(l.Columns, Column{Name: name, Title: title(name)})
	}
	for _, r := range [][3]float64{{0.12, 0.07, 0.2}, {0.05, 0.02, 0.095}, {0, 0, 0.03}, {0.01, 0.005, 0.02}} {
		l.Rows = append(l.Rows, []Cell{text("web"), count(100), ratio(r[0]), ratio(r[1]), ratio(r[2]), factor(r[0] / 0.01), text(string(Above)), {}})
	}
	svg := string(l.SVG())
	for _, want := range []string{">12.0× to 20.0×<", ">9.5×<", ">0×<", "Triangle: the best", "Two strokes: the"} {
		if strings.Count(svg, want) != 1 {
			t.Errorf("%d times %s, want once\n%s", strings.Count(svg, want), want, svg)
		}
	}
	l.Rows = l.Rows[3:]
	if svg = string(l.SVG()); strings.Contains(svg, "Triangle") || strings.Contains(svg, "Two strokes") {
		t.Errorf("a mark where nothing lies beyond:\n%s", svg)
	}
}

const accept, contact = "handoffs.mql_to_sales.accept_within", "handoffs.mql_to_sales.contact_within"

func deadlined(t testing.TB) *house {
	h := newHouse(t)
	ann, bob := "ann@northwind.example", "bob@northwind.example"
	four := 4 * hour
	h.lead(lead{id: 1, arrived: monday, source: "web"})
	h.lead(lead{id: 2, arrived: monday, source: "fair"})
	h.clock(1, accept, "met", ann, monday, monday+hour, 0, 1, four, hour)
	h.clock(2, accept, "met", ann, monday, monday+3*hour, 0, 1, four, 2*hour) // paused for an hour
	// Bob works 12 to 20: from Monday 09:00 to Tuesday 13:00 is 9 hours of his
	h.clock(1, accept, "late", bob, monday, monday+28*hour, 2, 1, four, hour)
	h.clock(2, accept, "breached", bob, monday, 0, 1, 1, four, 0)
	h.clock(1, accept, "running", ann, monday, 0, 0, 1, four, 0)
	h.clock(1, accept, "paused", ann, monday, 0, 0, 1, four, hour)
	h.clock(2, accept, "dropped", ann, monday, monday+hour, 0, 1, four, hour)
	// a working day, met after 1.5 days: Monday 09:00 to Tuesday 13:00 is 12 hours of Ann's
	h.clock(1, contact, "met", ann, monday, monday+28*hour, 0, 2, 1_000_000_000, 500_000_000)
	h.clock(1, "stages.prospect.limit", "met", "", monday-30*day, monday-30*day+hour, 0, 0, day, hour)
	offer := func(lead int64, owner string, accepted, used, contacted, contactUsed, closed int64) {
		h.row++
		opt := func(v int64) any {
			if v == 0 {
				return nil
			}
			return v
		}
		h.batch.Exec(`INSERT INTO handoff (id, lead, prev, name, pass, state, offered_at, offered_day, owner, queue, accepted_at, accepted_by, accept_used, contacted_at, contact_used, closed_at, reason, reassigned)
			VALUES ($1, $2, 0, 'mql_to_sales', 1, '', $3, 0, $4, '', $5, $4, $6, $7, $8, $9, '', 0)`, h.row*1000, lead, monday, owner, opt(accepted), opt(used), opt(contacted), opt(contactUsed), opt(closed))
	}
	offer(1, ann, monday+hour, hour, monday+2*hour, hour, 0)
	offer(2, ann, monday+3*hour, 3*hour, monday+hour, hour, 0) // contact came first
	offer(1, bob, monday+28*hour, 9*hour, 0, 0, 0)
	offer(2, bob, 0, 0, 0, 0, 0)
	offer(2, bob, 0, 0, 0, 0, monday+hour) // rejected
	// one mail each, of which the first was tried again; the rejection came before the second
	h.told(1, "email", monday+hour/2, true)
	h.told(2, "slack", monday+2*hour, true)
	h.told(1, "email", monday+hour/4, false) // somebody who has nothing to do here
	h.told(2, "webhook", monday+hour/4, true)
	h.commit(t)
	return h
}

// told is a message about an offer that went out; acts says that it was to whoever is to answer.
func (h *house) told(lead int64, channel string, at int64, acts bool) {
	h.row++
	body := `{"name":"mql_to_sales","acts":true}`
	if !acts {
		body = `{"name":"mql_to_sales"}`
	}
	h.batch.Exec(`INSERT INTO job (id, kind, due, recipient, lead, input, body, state, attempts, last_error, channel, delivered_at) VALUES ($1, 'offered', 0, 'x', $2, 0, $3, 'done', 1, '', $4, $5)`,
		h.row*1000, lead, body, channel, at)
}

func TestSLA(t *testing.T) {
	h := deadlined(t)
	s, err := SLA(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{accept, "4 working hours", "7", "2", "2", "1", "1", "1", "50.0 %", "90.0 %", "2 h", "7.6 h", "3 h", "23 h"},
		{contact, "1 working day", "1", "1", "0", "0", "0", "0", "100 %", "95.0 %", "12 h", "12 h", "28 h", "28 h"},
		{"stages.sal.limit", "5 working days", "0", "0", "0", "0", "0", "0", "–", "–", "–", "–", "–", "–"},
		{"stages.prospect.limit", "–", "1", "1", "0", "0", "0", "0", "100 %", "–", "0 s", "0 s", "1 h", "1 h"},
	}
	got := flat(s, "clause", "within", "started", "met", "over", "running", "paused", "let_go", "in_time", "promised", "median_working_hours", "p90_working_hours", "median_wall_hours", "p90_wall_hours")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := "Time ran out on 2 of 6 clocks (33.3 %), most often under handoffs.mql_to_sales.accept_within (2)."; s.Finding != want {
		t.Errorf("finding: %s", s.Finding)
	}
	r := s.Parts[0]
	want = [][]string{
		{"offered → told", "5", "4", "0", "15 min", "1.6 h", "1.2 h", "2 h"}, // Bob is told before his day begins
		{"told → accepted", "4", "3", "1", "1 h", "7.4 h", "1 h", "22.2 h"},
		{"offered → accepted", "5", "3", "1", "3 h", "7.8 h", "3 h", "23 h"},
		{"accepted → first contact", "3", "2", "1", "1 h", "1 h", "1 h", "1 h"},
	}
	if diff := cmp.Diff(want, flat(r, "step", "came", "done", "open", "median_working_hours", "p90_working_hours", "median_wall_hours", "p90_wall_hours")); diff != "" {
		t.Error(diff)
	}
	again, err := Response(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Rows, again.Rows); diff != "" {
		t.Error(diff)
	}
	// In a history that Baton did not run nobody was sent a message, and nothing is said of being told.
	h.batch.Exec(`DELETE FROM job`)
	h.commit(t)
	untold, err := Response(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Rows[2:], untold.Rows); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(untold.Notes, "No message about these offers was sent by Baton, so there is no time until somebody was told.") {
		t.Errorf("notes: %q", untold.Notes)
	}
}

func TestSLAByGroup(t *testing.T) {
	h := deadlined(t)
	for by, want := range map[string][][]string{
		"owner": {{"ann@northwind.example", accept, "5", "0"}, {"ann@northwind.example", contact, "1", "0"},
			{"bob@northwind.example", accept, "2", "2"}, {"(none)", "stages.prospect.limit", "1", "0"}},
		"month":  {{"2025-12", "stages.prospect.limit", "1", "0"}, {"2026-01", accept, "7", "2"}, {"2026-01", contact, "1", "0"}},
		"source": {{"fair", accept, "3", "1"}, {"web", accept, "4", "1"}, {"web", contact, "1", "0"}, {"web", "stages.prospect.limit", "1", "0"}},
	} {
		s, err := SLA(ctx, h.Store, h.plan, Query{By: by})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, flat(s, by, "clause", "started", "over")); diff != "" {
			t.Errorf("by %s: %s", by, diff)
		}
	}
}

func reports(t testing.TB, h *house, q Query) map[string]*Table {
	t.Helper()
	all := map[string]*Table{}
	for _, c := range []struct {
		name string
		run  func() (*Table, error)
	}{
		{"funnel", func() (*Table, error) { return Funnel(ctx, h.Store, h.plan, q) }},
		{"velocity", func() (*Table, error) { return Velocity(ctx, h.Store, h.plan, q) }},
		{"lift", func() (*Table, error) { return Lift(ctx, h.Store, h.plan, q) }},
		{"sla", func() (*Table, error) { return SLA(ctx, h.Store, h.plan, q) }},
		{"response", func() (*Table, error) { return Response(ctx, h.Store, h.plan, q) }},
		{"pursuit", func() (*Table, error) { return Pursuit(ctx, h.Store, h.plan, q) }},
	} {
		table, err := c.run()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		all[c.name] = table
	}
	return all
}

// An empty database says what would fill it, and a time without leads says so.
func TestEmpty(t *testing.T) {
	h := newHouse(t)
	for _, q := range []Query{{}, {By: "month"}, {By: "owner"}, {Since: monday, Until: monday + 31*day}} {
		for name, table := range reports(t, h, q) {
			if len(table.Rows) != 0 || table.Finding == "" {
				t.Errorf("%s: %d rows, finding %q", name, len(table.Rows), table.Finding)
			}
			if q.Since != 0 && !strings.Contains(table.Finding, "from 5 Jan 2026 to 5 Feb 2026") {
				t.Errorf("%s: %s", name, table.Finding)
			}
			var b bytes.Buffer
			if err := table.Text(&b, 80, false); err != nil || !strings.Contains(b.String(), table.Title) {
				t.Errorf("%s: %v %s", name, err, b.String())
			}
			wellFormed(t, name, table.SVG())
		}
	}
}

func TestUnknownGroup(t *testing.T) {
	h := newHouse(t)
	_, err := Funnel(ctx, h.Store, h.plan, Query{By: "sorce"})
	if err == nil || !strings.Contains(err.Error(), `grouping by "sorce": the agreement has no such attribute (did you mean source?); possible are name, title, source`) {
		t.Errorf("%v", err)
	}
}

func TestNearest(t *testing.T) {
	list := []string{"name", "source", "company.industry", "company.employees", "answers.budget", "month"}
	for word, want := range map[string]string{"sorce": "source", "Source": "source", "industri": "company.industry", "company.employes": "company.employees",
		"answer.budget": "answers.budget", "bugdet": "answers.budget", "mouth": "month", "zzz": "", "x": "", strings.Repeat("source", 20): ""} {
		if got := nearest(word, list); got != want {
			t.Errorf("%.20s: %q, want %q", word, got, want)
		}
	}
}

// What an error says is possible is possible, and nothing the agreement names is left out.
func TestGroupingsAgree(t *testing.T) {
	plan := planOf(t, strings.Replace(northwind, "  country: text\n", "  country: text\n  seats: number\n  renewal: date\n  month: text\n", 1))
	list := Groupings(plan)
	seen := map[string]bool{}
	for _, by := range list {
		if _, err := dimensionOf(plan, by); err != nil || seen[by] {
			t.Errorf("%s: %v, twice %v", by, err, seen[by])
		}
		seen[by] = true
	}
	for i := range plan.Attributes {
		if name := plan.Attributes[i].Name; !seen[name] {
			t.Errorf("%s is not in %q", name, list)
		}
	}
	if !seen["seats"] || !seen["renewal"] || !seen["answers.budget"] || !seen["week"] {
		t.Errorf("%q", list)
	}
}

func TestTimeBounds(t *testing.T) {
	h := small(t)
	// leads 100 to 109 arrived in the first ten minutes
	l, err := Lift(ctx, h.Store, h.plan, Query{Since: monday, Until: monday + 10*minute})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"web", "10", "5"}}, flat(l, "source", "leads", "won")); diff != "" {
		t.Error(diff)
	}
}

func TestManyGroups(t *testing.T) {
	h := newHouse(t)
	for i := range int64(200) {
		h.lead(lead{id: i + 1, arrived: monday, source: fmt.Sprintf("s%02d", i%50)})
	}
	h.commit(t)
	l, err := Lift(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Rows) != manyGroups || !slices.ContainsFunc(flat(l, "source", "leads"), func(r []string) bool { return r[0] == "(11 others)" && r[1] == "44" }) {
		t.Errorf("%d rows: %v", len(l.Rows), flat(l, "source", "leads"))
	}
}

func TestText(t *testing.T) {
	q := Query{Now: monday + 60*day}
	h, d := small(t), deadlined(t)
	for name, table := range map[string]*Table{"funnel": reports(t, h, q)["funnel"], "velocity": reports(t, h, q)["velocity"], "lift": reports(t, h, q)["lift"],
		"sla": reports(t, d, q)["sla"], "sla-owner": reports(t, d, Query{By: "owner"})["sla"]} {
		for _, width := range []int{80, 120} {
			var b bytes.Buffer
			if err := table.Text(&b, width, false); err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(b.String(), "\n") {
				if columnsOf(line) > width || strings.TrimRight(line, " ") != line {
					t.Errorf("%s at %d, line %d is %d wide or ends in blanks: %q", name, width, i+1, columnsOf(line), line)
				}
			}
			golden(t, fmt.Sprintf("%s-%d.txt", name, width), b.Bytes())
		}
	}
}

// No report is wider than the page, whatever it is grouped by and however long the names are.
func TestTextFits(t *testing.T) {
	tables := map[string]*Table{}
	for _, name := range []string{"velocity", "response", "lift"} {
		tables[name+" of long names"] = stressed("Sales accepted lead of the northern region", 1000)[name]
	}
	h, d := small(t), deadlined(t)
	for _, by := range []string{"", "source", "month", "owner"} {
		for house, h := range map[string]*house{"small": h, "deadlined": d} {
			for name, table := range reports(t, h, Query{By: by, Now: monday + 60*day}) {
				tables[name+" by "+by+" of "+house] = table
			}
		}
	}
	for name, table := range tables {
		for _, width := range []int{60, 80, 100, 140} {
			var b bytes.Buffer
			if err := table.Text(&b, width, false); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if line = strings.TrimSuffix(line, "\n"); columnsOf(line) > width || strings.TrimRight(line, " ") != line {
					t.Errorf("%s at %d: %d wide or ends in blanks: %q", name, width, columnsOf(line), line)
				}
			}
		}
	}
}

// Where there is no room for the caution it is beside the verdict.
func TestCautionStays(t *testing.T) {
	lift := stressed("direct", 1)["lift"]
	for width, want := range map[int]bool{60: true, 140: false} {
		var b bytes.Buffer
		if err := lift.Text(&b, width, false); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "above, with care"); got != want {
			t.Errorf("at %d: %v, want %v\n%s", width, got, want, b.String())
		}
		if got := strings.Contains(b.String(), "under 5 expected"); got == want {
			t.Errorf("at %d: the column is shown: %v\n%s", width, got, b.String())
		}
	}
}

// Colour adds and takes nothing away, and what leads bring cannot steer the terminal.
func TestTextColour(t *testing.T) {
	h := small(t)
	h.batch.Exec("UPDATE lead SET source = $1 WHERE source = 'fair'", "\x1b[31mfair\u202e 会社")
	h.commit(t)
	l, err := Lift(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	var plain, coloured bytes.Buffer
	l.Text(&plain, 100, false)
	l.Text(&coloured, 100, true)
	if strings.ContainsAny(plain.String(), "\x1b\u202e") {
		t.Errorf("%q", plain.String())
	}
	stripped := coloured.String()
	for _, style := range []string{bold, dim, plum, teal, late, "0"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+style+"m", "")
	}
	if diff := cmp.Diff(plain.String(), stripped); diff != "" || plain.Len() == coloured.Len() {
		t.Error(diff)
	}
}

func TestCSV(t *testing.T) {
	h := small(t)
	h.batch.Exec("UPDATE lead SET source = $1 WHERE source = 'fair'", "=1+1, \"x\"")
	h.commit(t)
	for name, table := range reports(t, h, Query{By: "source"}) {
		var b bytes.Buffer
		if err := table.CSV(&b); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(rows) != len(table.Rows)+1 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
	}
	l, err := Lift(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.CSV(&b); err != nil {
		t.Fatal(err)
	}
	want := "source,leads,won,rate,low,high,lift,verdict,caution\n" +
		"web,60,5,0.083333,0.03612,0.180689,1.166667,too close to tell,under 5 expected\n" +
		"\"'=1+1, \"\"x\"\"\",8,0,,,,,too few,\n" +
		"(none),2,0,,,,,too few,\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	v, err := Velocity(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := v.CSV(&b); err != nil {
		t.Fatal(err)
	}
	if want := "from,to,n,median_days,p90_days\narrival,mql,42,1,1\n"; !strings.HasPrefix(b.String(), want) {
		t.Errorf("%s", b.String())
	}
}

func TestJSON(t *testing.T) {
	h := deadlined(t)
	s, err := SLA(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Report  string
		Finding string
		Columns []struct{ Name, Title, Unit string }
		Rows    []map[string]any
		Notes   []string
		Parts   []struct {
			Report string
			Rows   []map[string]any
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Report != "sla" || got.Finding != s.Finding || len(got.Rows) != 4 || len(got.Columns) != len(s.Columns) || len(got.Parts) != 1 || got.Parts[0].Report != "response" {
		t.Errorf("%s", b.String())
	}
	want := map[string]any{"clause": accept, "within": "4 working hours", "side": "sales", "started": 7.0, "met": 2.0, "over": 2.0, "running": 1.0, "paused": 1.0, "let_go": 1.0,
		"in_time": 0.5, "promised": 0.9, "median_working_hours": 2.0, "p90_working_hours": 7.6, "median_wall_hours": 3.0, "p90_wall_hours": 23.0}
	if diff := cmp.Diff(want, got.Rows[0]); diff != "" {
		t.Error(diff)
	}
	if v, ok := got.Rows[2]["in_time"]; !ok || v != nil {
		t.Errorf("a missing value is %v, want null", v)
	}
}

func wellFormed(t testing.TB, name string, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	var title, desc, role bool
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, svg)
		}
		if e, ok := tok.(xml.StartElement); ok {
			title, desc = title || e.Name.Local == "title", desc || e.Name.Local == "desc"
			for _, a := range e.Attr {
				role = role || a.Name.Local == "role" && a.Value == "img"
				if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("%s: attribute %s", name, a.Name.Local)
				}
			}
			if e.Name.Local == "script" {
				t.Errorf("%s: a script", name)
			}
		}
	}
	if !title || !desc || !role {
		t.Errorf("%s: title %v, description %v, role %v", name, title, desc, role)
	}
	if s := string(svg); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
		t.Errorf("%s: a figure that is none\n%s", name, s)
	}
}

func TestSVG(t *testing.T) {
	h := small(t)
	h.batch.Exec("UPDATE lead SET source = $1 WHERE source = 'fair'", "<b>&\"fair\x01")
	h.commit(t)
	d := deadlined(t)
	for _, by := range []string{"", "source", "month", "owner"} {
		for _, house := range []*house{h, d} {
			for name, table := range reports(t, house, Query{By: by, Now: monday + 60*day}) {
				wellFormed(t, name+" by "+by, table.SVG())
				inline := table.Inline()
				wellFormed(t, name+" by "+by, inline)
				if bytes.Contains(inline, []byte("<style")) {
					t.Errorf("%s: a style in a page", name)
				}
			}
		}
	}
}
