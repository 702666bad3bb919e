package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// northwind is a small agreement with a bit of everything that makes an engine work: decay,
// expiry, hand-offs with ladders, hand-backs with revisits, shared companies, pools.
const northwind = `agreement: Northwind
timezone: Europe/Stockholm
parties:
  marketing: {signatory: cmo@northwind.example}
  sales:     {signatory: vp@northwind.example}
calendar:
  hours: {mon-fri: ["09:00-12:00", "13:00-17:30"]}
attributes:
  name: text
  title: text
  source: text
  country: text
  company.employees: number
questions:
  budget: boolean
activities:
  demo_requested:   {value: high}
  webinar_attended: {value: medium}
  page_viewed:      {value: low}
scoring:
  fit:
    size:    {points: 40, when: company.employees >= 200}
    title:   {points: 30, when: title contains "head"}
    student: {points: -50, when: title contains "student"}
  engagement:
    demo:    {points: 40, activity: demo_requested, half_life: 60d}
    webinar: {points: 15, activity: webinar_attended, at_most: 2 per 30d, half_life: 45d}
    visit:   {points: 3,  activity: page_viewed, at_most: 5 per 1d, expires: 30d}
  grade:
    fit:        {A: 60, B: 40, C: 20}
    engagement: {1: 50, 2: 30, 3: 10}
readiness:
  1: {definition: Responded, when: activities > 0}
  5: {definition: Budget, when: answers.budget}
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
  cool:    {from: mql, to: nurture, when: engagement < 5}
  win:     {from: sal, to: won, by: sales}
  lose:    {from: sal, to: lost, by: sales}
handoffs:
  mql_to_sales:
    from: mql
    to:   sal
    assign: assignment
    accept_within: 4 working hours
    contact_within: 1 working day
    on_breach: [remind owner, reassign at most 2, return to nurture]
    reject: [no_fit, timing]
handbacks:
  timing: {to: nurture, track: keep_warm, revisit: 20d, keep: fit}
  no_fit: {to: disqualified}
tracks: [keep_warm]
pools: [nordics, emea]
queues: [unassigned]
people:
  ann@northwind.example: {name: Ann, side: sales, pools: [nordics, emea], manager: max@northwind.example}
  bob@northwind.example: {name: Bob, side: sales, pools: [nordics], weight: 2}
  cia@northwind.example: {name: Cia, side: sales, pools: [emea], capacity: 5}
  max@northwind.example: {name: Max, side: sales}
assignment:
  - {name: named accounts, when: account.owner, to: account.owner}
  - {name: nordics, when: 'country in ["SE","NO"]', to: pool nordics, by: round_robin}
  - {name: everyone else, to: pool emea, by: least_loaded, otherwise: queue unassigned}
`

var team = []string{"ann@northwind.example", "bob@northwind.example", "cia@northwind.example"}

func compile(t testing.TB, source string) *agreement.Plan {
	t.Helper()
	plan, found := agreement.Compile("northwind.yaml", []byte(source), nil)
	if plan == nil {
		t.Fatalf("the agreement does not compile: %v", found)
	}
	return plan
}

func compileStored(a *store.Agreement) (*agreement.Plan, error) {
	plan, found := agreement.Compile(a.File, a.Source, nil)
	if plan == nil {
		return nil, fmt.Errorf("%v", found)
	}
	return plan, nil
}

var start = time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC).UnixMicro()

const (
	second = int64(1_000_000)
	hour   = 3600 * second
	day    = 24 * hour
)

// arrivals makes n arrivals about a number of leads, in order of time, the same for the same seed.
func arrivals(seed uint64, n, leads int) []lifecycle.Arrival {
	r := rand.New(rand.NewPCG(seed, 1))
	list := make([]lifecycle.Arrival, 0, n)
	met := map[int]bool{}
	at := start
	for i := range n {
		at += r.Int64N(2 * 90 * day / int64(n))
		who := r.IntN(leads)
		a := lifecycle.Arrival{Keys: []identity.Key{{Kind: identity.Email, Value: fmt.Sprintf("person%d@company%d.example", who, who%(leads/3+1))}}}
		in := &a.Input
		in.Key, in.Source, in.Known, in.At = fmt.Sprintf("row:%06d", i), "file", at, at
		if r.IntN(10) == 0 {
			in.At -= r.Int64N(2 * day)
		}
		switch k := r.IntN(20); {
		case !met[who] || k == 0:
			if met[who] {
				a.Keys = append(a.Keys, identity.Key{Kind: identity.Phone, Value: fmt.Sprintf("+46%d", who/2)})
			}
			met[who] = true
			in.Kind = lifecycle.Identify
			a.Account = fmt.Sprintf("company%d.example", who%(leads/3+1))
			a.AccountName = fmt.Sprintf("Company %d", who%(leads/3+1))
			in.Values = []lifecycle.Named{
				{Name: "company.employees", Value: agreement.NumberValue(float64(r.IntN(400)))},
				{Name: "country", Value: agreement.TextValue([]string{"SE", "DE", "NO", "FR"}[r.IntN(4)])},
				{Name: "name", Value: agreement.TextValue(fmt.Sprintf("Person %d", who))},
				{Name: "title", Value: agreement.TextValue([]string{"Head of Ops", "Student", "Engineer"}[r.IntN(3)])},
			}
		case k < 12:
			in.Kind, in.Name = lifecycle.Did, []string{"page_viewed", "page_viewed", "webinar_attended", "demo_requested"}[r.IntN(4)]
		case k < 15:
			in.Kind, in.Actor = lifecycle.Accept, team[r.IntN(3)]
		case k < 16:
			in.Kind, in.Actor, in.Name = lifecycle.Contact, team[r.IntN(3)], "connected"
		case k < 17:
			in.Kind, in.Actor, in.Name = lifecycle.Reject, team[r.IntN(3)], []string{"timing", "no_fit"}[r.IntN(2)]
		case k < 18:
			in.Kind, in.Actor, in.Name = lifecycle.HandBack, team[r.IntN(3)], "timing"
		case k < 19:
			in.Kind, in.Actor, in.Value = lifecycle.Win, team[r.IntN(3)], 1000
		default:
			in.Kind, in.Values = lifecycle.Answered, []lifecycle.Named{{Name: "budget", Value: agreement.BooleanValue(true)}}
		}
		list = append(list, a)
	}
	return list
}

func from(list []lifecycle.Arrival) func(func(*lifecycle.Arrival) error) error {
	return func(yield func(*lifecycle.Arrival) error) error {
		for i := range list {
			a := list[i]
			a.Input.Values = slices.Clone(a.Input.Values)
			if err := yield(&a); err != nil {
				return err
			}
		}
		return nil
	}
}

type house struct {
	*Engine
	st   *store.Store
	path string
}

func open(t testing.TB, path string, opts Options) *house {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "baton.db")
	}
	st, err := store.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if opts.Compile == nil {
		opts.Compile = compileStored
	}
	if opts.Clock == nil {
		opts.Clock = func() time.Time { return time.UnixMicro(start + 400*day) }
	}
	if opts.Memory == 0 {
		opts.Memory = 16 << 20
	}
	e, err := New(st, opts)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{e, st, path}
	t.Cleanup(func() { h.shut(t) })
	return h
}

func (h *house) shut(t testing.TB) {
	if h.st == nil {
		return
	}
	if err := h.Engine.Close(); err != nil {
		t.Log("closing:", err)
	}
	if err := h.st.Close(); err != nil {
		t.Error(err)
	}
	h.st = nil
}

func (h *house) activate(t testing.TB, source string, at int64) *agreement.Plan {
	t.Helper()
	plan := compile(t, source)
	if _, err := h.Activate(context.Background(), plan, []byte(source), "northwind.yaml", at); err != nil {
		t.Fatal(err)
	}
	return plan
}

func replaceAll(s string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(s) }
