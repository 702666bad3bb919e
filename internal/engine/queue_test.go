package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/store"
)

const calling = `agreement: Calling
timezone: Europe/Stockholm
parties:
  marketing: {signatory: cmo@northwind.example}
  sales: {signatory: vp@northwind.example}
attributes: {points: number}
activities:
  visited: {value: low}
  downloaded: {value: medium}
  asked: {value: high}
assets:
  price_list: {value: high}
  report: {value: medium}
  guide: {value: low}
scoring:
  fit:
    a: {points: 40, when: points >= 60}
    b: {points: 20, when: points >= 40}
    c: {points: 20, when: points >= 20}
  engagement:
    asked: {points: 60, activity: asked, half_life: 30d}
    downloaded: {points: 20, activity: downloaded, half_life: 30d}
  grade:
    fit: {A: 60, B: 40, C: 20}
    engagement: {1: 60, 2: 35, 3: 15}
stages:
  lead: {side: marketing}
  nurture: {side: marketing}
  called: {side: marketing}
  won: {side: sales, final: won}
transitions:
  reached: {from: lead, to: called, by: marketing}
  win: {from: called, to: won, by: sales}
tele_qualification:
  stages: lead
  lease: 20 minutes
  attempts: 5 over 14 days
  spacing: 1 hour
  exhausted: no_response
handbacks:
  no_response: {to: nurture, revisit: 60d}
people:
  p0@northwind.example: {side: marketing}
  p1@northwind.example: {side: marketing}
  p2@northwind.example: {side: marketing}
  p3@northwind.example: {side: marketing}
`

// each runs a test on SQLite and on PostgreSQL.
func each(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "") })
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.Database(t)) })
}

func plansOf(h *house) func(context.Context, int64) (*agreement.Plan, error) {
	plan, _ := h.Agreement()
	return func(context.Context, int64) (*agreement.Plan, error) { return plan, nil }
}

func waiting(t testing.TB, h *house, state store.CallState, at int64) []QueueRow {
	t.Helper()
	rows, err := Queue(context.Background(), h.st, plansOf(h), state, "", at, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// The queue is by grade, then the value of the most recent asset, then the time left, whatever happens to its leads; what is in it is
// what their states say.
func TestQueueOrder(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		h := open(t, database, Options{})
		h.activate(t, calling, start)
		r := rand.New(rand.NewPCG(7, 7))
		at, seen := start+hour, [3]int{}
		for range 12 {
			var list []lifecycle.Arrival
			for range 60 {
				at += r.Int64N(20 * 60_000_000)
				who := fmt.Sprintf("l%d@acme.example", r.IntN(70))
				a := did(who, []string{"visited", "downloaded", "asked"}[r.IntN(3)], at)
				in := &a.Input
				by := fmt.Sprintf("p%d@northwind.example", r.IntN(4))
				switch r.IntN(8) {
				case 0:
					a = identify(who, "", at, lifecycle.Named{Name: "points", Value: agreement.NumberValue(float64(r.IntN(80)))})
				case 1:
					in.Asset = []string{"price_list", "report", "guide"}[r.IntN(3)]
				case 2, 3:
					in.Kind, in.Actor = lifecycle.Take, by
				case 4:
					in.Kind, in.Name, in.Actor = lifecycle.Contact, []string{"voicemail", "no_answer", "connected"}[r.IntN(3)], by
				case 5:
					in.Kind, in.Actor = lifecycle.Release, by
				case 6:
					in.Kind, in.Name, in.Actor = lifecycle.Move, "reached", by
				}
				list = append(list, a)
			}
			submit(t, h, list...)
			if _, err := h.Tick(context.Background(), at); err != nil {
				t.Fatal(err)
			}
			all, err := h.st.ListLeads(context.Background(), store.LeadFilter{}, 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for state, has := range []func(k *lifecycle.Call) bool{
				(*lifecycle.Call).Free,
				func(k *lifecycle.Call) bool { return k.Holder != "" },
				func(k *lifecycle.Call) bool { return k.Since > 0 && k.Holder == "" && k.Next > 0 },
			} {
				want := slices.DeleteFunc(slices.Clone(all), func(l store.ListedLead) bool { return !has(&l.Lead.Call) })
				plan, _ := h.Agreement()
				slices.SortFunc(want, func(a, b store.ListedLead) int {
					x, y := a.Lead, b.Lead
					p, q := lifecycle.PlaceOf(plan, x, at), lifecycle.PlaceOf(plan, y, at)
					switch store.CallState(state) {
					case store.CallTaken:
						return cmp.Or(cmp.Compare(x.Call.Until, y.Call.Until), cmp.Compare(a.ID, b.ID))
					case store.CallLater:
						return cmp.Or(cmp.Compare(x.Call.Next, y.Call.Next), cmp.Compare(a.ID, b.ID))
					}
					return cmp.Or(cmp.Compare(x.Grade.Rank(), y.Grade.Rank()), -cmp.Compare(p.Worth, q.Worth), cmp.Compare(p.Due, q.Due), cmp.Compare(a.ID, b.ID))
				})
				got := waiting(t, h, store.CallState(state), at)
				seen[state] += len(got)
				if len(got) != len(want) {
					t.Fatalf("state %d: %d wait, %d should", state, len(got), len(want))
				}
				for i := range got {
					if got[i].ID != want[i].ID {
						t.Fatalf("state %d: place %d has lead %d (%s), want %d", state, i, got[i].ID, got[i].Reason, want[i].ID)
					}
				}
			}
		}
		n, err := h.st.CountCalls(context.Background())
		if err != nil || int(n.Free) != len(waiting(t, h, store.CallFree, at)) || slices.Contains(seen[:], 0) {
			t.Errorf("%+v, %v; seen %v", n, err, seen)
		}
		verify(t, h)
	})
}

// Nobody gets a lead that somebody else has: eight who take the next one at the same time, through one process and through two.
func TestTakenByOne(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		a := open(t, database, Options{})
		a.activate(t, calling, start)
		houses := []*house{a}
		if database != "" {
			houses = append(houses, open(t, database, Options{}))
		}
		const leads = 60
		at := start + hour
		for i := range leads {
			submit(t, a, did(fmt.Sprintf("l%d@acme.example", i), "visited", at))
		}
		var lock sync.Mutex
		taken := map[int64]string{}
		var running sync.WaitGroup
		for i := range 8 {
			h, by := houses[i%len(houses)], fmt.Sprintf("p%d@northwind.example", i%4)
			running.Go(func() {
				for {
					out, err := TakeNext(context.Background(), h.st, h.Submit, lifecycle.Input{Actor: by, At: at, Known: at, Source: "test"})
					switch {
					case errors.Is(err, ErrNobodyWaits):
						return
					case errors.Is(err, ErrFull):
						continue
					case err != nil || out.Err != nil || out.Decision.Refused != "":
						t.Errorf("taking: %v, %v, %q", err, out.Err, out.Decision.Refused)
						return
					}
					lock.Lock()
					if had, ok := taken[out.Lead]; ok {
						t.Errorf("lead %d has %s and %s", out.Lead, had, by)
					}
					taken[out.Lead] = by
					lock.Unlock()
				}
			})
		}
		running.Wait()
		if len(taken) != leads {
			t.Errorf("%d of %d were taken", len(taken), leads)
		}
		for _, row := range waiting(t, a, store.CallTaken, at) {
			if row.Holder != taken[row.ID] {
				t.Errorf("lead %d is with %s, and was taken by %s", row.ID, row.Holder, taken[row.ID])
			}
		}
		verify(t, a)
	})
}

// Who may not take a lead hears why, and does not go through the whole queue.
func TestTakeNextIsRefused(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, calling, start)
	submit(t, h, did("a@acme.example", "visited", start+hour), did("b@acme.example", "visited", start+hour))
	out, err := TakeNext(context.Background(), h.st, h.Submit, lifecycle.Input{Actor: "nobody@northwind.example", At: start + hour, Known: start + hour, Source: "test"})
	if err != nil || out.Decision.Refused != `nobody called "nobody@northwind.example" is in the team` {
		t.Errorf("%v, %q", err, out.Decision.Refused)
	}
}
