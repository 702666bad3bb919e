package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// patient is an agreement that leaves whoever is offered to a queue a long time to be accepted.
const patient = `agreement: Patient
timezone: Europe/Stockholm
parties:
  marketing: {signatory: cmo@northwind.example}
  sales: {signatory: vp@northwind.example}
attributes:
  ready: boolean
stages:
  lead: {side: marketing}
  mql: {side: marketing}
  sal: {side: sales}
  nurture: {side: marketing}
  won: {side: sales, final: won}
transitions:
  qualify: {from: lead, to: mql, when: ready}
  win: {from: sal, to: won, by: sales}
handoffs:
  mql_to_sales:
    from: mql
    to: sal
    assign: assignment
    accept_within: 300d
    on_breach: [escalate vp@northwind.example]
    reject: [timing]
handbacks:
  timing: {to: nurture, revisit: 90d, keep: fit}
queues: [unassigned]
assignment:
  - {name: everyone, to: queue unassigned}
`

// withClocks opens an engine with so many open clocks, none of which is due for months, that observes its rounds and reads a clock.
func withClocks(t testing.TB, n int, clock func() time.Time, observe func(*Round)) *house {
	t.Helper()
	path := filepath.Join(t.TempDir(), "idle.db")
	h := open(t, path, Options{})
	h.activate(t, patient, start)
	err := h.History(context.Background(), func(yield func(*lifecycle.Arrival) error) error {
		for i := range n {
			in := lifecycle.Input{Kind: lifecycle.Identify, At: start, Known: start, Source: "idle", Values: []lifecycle.Named{{Name: "ready", Value: agreement.BooleanValue(true)}}}
			if err := yield(&lifecycle.Arrival{Input: in, Keys: []identity.Key{{Kind: identity.Email, Value: fmt.Sprintf("p%d@mail.example", i)}}}); err != nil {
				return err
			}
		}
		return nil
	}, HistoryOptions{Until: start})
	if err != nil {
		t.Fatal(err)
	}
	h.shut(t)
	h = open(t, path, Options{Clock: clock, Observe: observe})
	due, err := h.st.NextDue(context.Background())
	if err != nil || n > 0 && due < start+299*day || n == 0 && due != agreement.Never {
		t.Fatal(due, err)
	}
	h.readAllIn()
	return h
}

// An engine with 100,000 open clocks, none of which is due, looks at its clock every fifteen seconds and has no round in a day; a look costs
// the same as with no clock at all, and keeps nothing in memory.
func TestIdleEngine(t *testing.T) {
	const clocks = 100_000
	look := func(h *house) float64 {
		ctx := context.Background()
		return testing.AllocsPerRun(200, func() {
			n, err := h.Tick(ctx, start+day)
			if err != nil || n != 0 {
				t.Fatal(n, err)
			}
			if _, err := h.st.NextDue(ctx); err != nil {
				t.Fatal(err)
			}
		})
	}
	var looked, rounds atomic.Int64
	clock := func() time.Time { looked.Add(1); return time.UnixMicro(start + day) }
	observe := func(*Round) { rounds.Add(1) }
	none := look(withClocks(t, 0, clock, observe))
	h := withClocks(t, clocks, clock, observe)
	if many := look(h); many > none+2 {
		t.Errorf("a look costs %.0f allocations with %d clocks, and %.0f with none", many, clocks, none)
	}
	if n := h.cached.Load(); n != 0 {
		t.Errorf("%d leads are in memory", n)
	}
	path := h.path
	h.shut(t)
	looked.Store(0)
	synctest.Test(t, func(t *testing.T) {
		h := open(t, path, Options{Clock: clock, Observe: observe})
		ctx, stop := context.WithTimeout(context.Background(), 24*time.Hour)
		defer stop()
		if err := h.Run(ctx); err != nil {
			t.Fatal(err)
		}
		h.shut(t)
	})
	if n := looked.Load(); n > 24*3600/15*4 || n < 24*3600/15 {
		t.Errorf("the clock was read %d times in a day", n)
	}
	if n := rounds.Load(); n != 0 {
		t.Errorf("%d rounds were decided", n)
	}
}
