package report

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/store"
)

var update = flag.Bool("update", false, "write the golden files")

const northwind = `agreement: Northwind
timezone: Europe/Stockholm
parties:
  marketing: {signatory: cmo@northwind.example}
  sales:     {signatory: vp@northwind.example}
calendar:
  hours: {mon-fri: ["09:00-17:00"]}
attributes:
  name: text
  title: text
  source: text
  country: text
  company.industry: [logistics, retail]
  company.employees: number
questions:
  budget: boolean
activities:
  demo_requested: {value: high}
  page_viewed:    {value: low}
assets:
  pricing_guide: {value: high}
scoring:
  fit:
    size:  {points: 40, when: company.employees >= 200}
    title: {points: 30, when: title contains "head"}
  engagement:
    demo:  {points: 40, activity: demo_requested, half_life: 60d}
    visit: {points: 3,  activity: page_viewed, expires: 30d}
  grade:
    fit:        {A: 60, B: 40, C: 20}
    engagement: {1: 40, 2: 20, 3: 3}
stages:
  lead:    {side: marketing}
  mql:     {side: marketing, definition: Fits and has shown intent.}
  sal:     {side: sales, limit: 5 working days}
  won:     {side: sales, final: won}
  lost:    {side: sales, final: lost}
  nurture: {side: marketing}
  disqualified: {side: marketing, final: disqualified}
transitions:
  qualify: {from: [lead, nurture], to: mql, when: 'grade in ["A1", "A2", "B1"] or did("demo_requested", "7d")'}
  win:     {from: sal, to: won, by: sales}
  lose:    {from: sal, to: lost, by: sales}
handoffs:
  mql_to_sales:
    from: mql
    to:   sal
    assign: assignment
    accept_within: 4 working hours
    contact_within: 1 working day
    on_breach: [remind owner, return to nurture]
    reject: [no_fit, timing]
handbacks:
  timing: {to: nurture, track: keep_warm, revisit: 20d, keep: fit}
  no_fit: {to: disqualified}
tracks: [keep_warm]
pools: [nordics]
queues: [unassigned]
people:
  ann@northwind.example: {name: Ann, side: sales, pools: [nordics]}
  bob@northwind.example: {name: Bob, side: sales, pools: [nordics], hours: {mon-fri: ["12:00-20:00"]}}
assignment:
  - {name: everyone, to: pool nordics, by: round_robin, otherwise: queue unassigned}
commitments:
  sales: {contacted_in_time: at least 95% per month, accepted_in_time: at least 90% per month}
`

func planOf(t testing.TB, source string) *agreement.Plan {
	t.Helper()
	plan, found := agreement.Compile("northwind.yaml", []byte(source), nil)
	if plan == nil {
		t.Fatalf("the agreement does not compile: %v", found)
	}
	return plan
}

// monday is 5 January 2026, 09:00 in Stockholm, when the working week begins.
var monday = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC).UnixMicro()

// house is a database with rows put in by hand.
type house struct {
	*store.Store
	plan  *agreement.Plan
	batch *store.Batch
	row   int64
}

func newHouse(t testing.TB) *house {
	t.Helper()
	st, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "baton.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return &house{Store: st, plan: planOf(t, northwind), batch: store.NewBatch(), row: 1_000_000}
}

func (h *house) commit(t testing.TB) {
	t.Helper()
	h.batch.Seal(h.plan)
	if err := h.Commit(context.Background(), h.batch); err != nil {
		t.Fatal(err)
	}
	h.batch = store.NewBatch()
}

// lead is a row of the lead table in what reports read of it.
type lead struct {
	id, arrived, account                    int64
	source, owner, grade, stage, attributes string
}

func (h *house) lead(l lead) {
	if l.attributes == "" {
		l.attributes = "{}"
	}
	h.batch.Exec(`INSERT INTO lead (id, version, input, due, account, owner, clock, created_at, origin, stage, side, outcome, entered_at, pass, queue, track,
		revisit_at, grade, fit, engagement, readiness, buying_stage, activities, consent, value, name, email, source, campaign, segment, visit, handoff, clock_row,
		clocks, attributes, state) VALUES ($1, 1, $1, 9223372036854775807, $2, $3, $4, $4, 'marketing', $5, '', '', 0, 1, '', '', 0, $6, 0, 0, 0, '', 0, 'granted', 0,
		'', '', $7, '', '', 0, 0, 0, '', $8, x'00')`, l.id, l.account, l.owner, l.arrived, l.stage, l.grade, l.source, l.attributes)
}

// visit adds a stay; left 0 lasts. outcome is that of the stage.
func (h *house) visit(id, pass int64, stage string, entered, left int64) {
	h.row++
	outcome := h.plan.Stages[h.plan.Index.Stage[stage]].Final.String()
	var end any
	if left != 0 {
		end = left
	}
	h.batch.Exec(`INSERT INTO visit (id, lead, prev, pass, stage, side, outcome, from_stage, entered_at, entered_day, entered_via, left_at, left_day, left_via, to_stage)
		VALUES ($1, $2, 0, $3, $4, '', $5, '', $6, 0, '', $7, $7, '', '')`, h.row*1000, id, pass, stage, outcome, entered, end)
}

// win adds a stay in won that lasts a minute.
func (h *house) win(id, pass, at int64, value float64) {
	h.visit(id, pass, "won", at, at+minute)
	h.batch.Exec(`UPDATE visit SET value = $1 WHERE id = $2`, value, h.row*1000)
}

// stays lets a lead go through stages from an instant; each step names how long it stays, and
// the last one it does not leave.
func (h *house) stays(id, pass, from int64, steps ...any) {
	for i := 0; i < len(steps); i += 2 {
		stage := steps[i].(string)
		if i+1 == len(steps) {
			h.visit(id, pass, stage, from, 0)
			return
		}
		left := from + steps[i+1].(int64)
		h.visit(id, pass, stage, from, left)
		from = left
	}
}

func (h *house) clock(lead int64, name, state, member string, started, stopped, breaches, unit, within, used int64) {
	h.row++
	var end any
	if stopped != 0 {
		end = stopped
	}
	h.batch.Exec(`INSERT INTO clock (id, lead, prev, name, state, member, started_at, since, breaches, stopped_at, unit, within, used)
		VALUES ($1, $2, 0, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11)`, h.row*1000, lead, name, state, member, started, breaches, end, unit, within, used)
}

func (h *house) input(id int64, kind int, lead, at, importID int64, body string) {
	h.batch.Exec(`INSERT INTO input (id, kind, lead, account, prev, at, known, dedupe, import, body) VALUES ($1, $2, $3, 0, 0, $4, $4, 0, $5, $6)`, id, kind, lead, at, importID, body)
}

// golden compares with a file of testdata.
func golden(t testing.TB, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))), string(got)); diff != "" {
		t.Errorf("%s (-want +got), -update writes it:\n%s", name, diff)
	}
}

// flat is the rows as people read them, without what has no value.
func flat(t *Table, columns ...string) [][]string {
	var rows [][]string
	for r := range t.Rows {
		var row []string
		for _, c := range columns {
			if t.Column(c) < 0 {
				row = append(row, "no column "+c)
				continue
			}
			row = append(row, t.Cell(r, c).String())
		}
		rows = append(rows, row)
	}
	return rows
}

// small is a house with 70 leads. From the web come 60: 40 qualify after a day, 32 of them are
// accepted 2 days later, 5 of those won 4 days after that. From a fair come 8, who
// stay. Two have no source: they qualify after a day and are handed back after another;
// one returns after 30 days for a second pass and qualifies 3 days later.
func small(t testing.TB) *house {
	h := newHouse(t)
	for i := range int64(70) {
		id, at := 100+i, monday+i*minute
		l := lead{id: id, arrived: at, stage: "lead", grade: "B2", owner: "", attributes: `{"country":"SE"}`}
		switch {
		case i < 60:
			l.source = "web"
			switch {
			case i < 5:
				l.stage, l.owner, l.grade = "won", "ann@northwind.example", "A1"
				h.stays(id, 1, at, "lead", day, "mql", 2*day, "sal", 4*day, "won")
			case i < 32:
				l.stage, l.owner = "sal", "bob@northwind.example"
				h.stays(id, 1, at, "lead", day, "mql", 2*day, "sal")
			case i < 40:
				l.stage = "mql"
				h.stays(id, 1, at, "lead", day, "mql")
			default:
				h.stays(id, 1, at, "lead")
			}
		case i < 68:
			l.source = "fair"
			h.stays(id, 1, at, "lead")
		default:
			l.stage = "nurture"
			if i == 68 {
				h.stays(id, 1, at, "lead", day, "mql", day, "nurture")
			} else {
				h.stays(id, 1, at, "lead", day, "mql", day, "nurture", 30*day)
				h.stays(id, 2, at+32*day, "lead", 3*day, "mql")
			}
		}
		h.lead(l)
	}
	h.commit(t)
	return h
}
