package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
)

// queueOnly is an agreement whose leads all wait in a queue.
func queueOnly() string {
	return strings.Replace(salesTeam(6, false), "{name: all, to: pool nordics, by: round_robin, otherwise: queue unassigned}", "{name: all, to: queue unassigned}", 1)
}

// Whoever takes from a queue gets what has waited longest; two never get the same, from however many processes they take at the same
// time, and nothing is left over.
func TestEachWaitingHandoffIsTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		a := open(t, database, Options{})
		a.activate(t, queueOnly(), start)
		houses := []*house{a}
		if database != "" {
			houses = append(houses, open(t, database, Options{}))
		}
		const leads = 60
		var first int64
		for i := range leads {
			out := submit(t, a, did(fmt.Sprintf("l%d@x%d.example", i, i), "demo_requested", start+hour+int64(i)*second))
			if i == 0 {
				first = out[0].Lead
			}
		}
		at := start + 2*hour
		in := func(by string) lifecycle.Input {
			return lifecycle.Input{Actor: by, At: at, Known: at, Source: "test"}
		}
		ctx := context.Background()
		if out, err := AcceptNext(ctx, a.st, a.Submit, "unassigned", in("rep00@northwind.example")); err != nil || out.Lead != first {
			t.Fatalf("the first to be taken is %d, not %d: %v", out.Lead, first, err)
		}
		if out, err := AcceptNext(ctx, a.st, a.Submit, "unassigned", in("nobody@northwind.example")); err != nil || !strings.Contains(out.Decision.Refused, "in the team") {
			t.Errorf("a stranger takes: %v, %q", err, out.Decision.Refused)
		}
		var lock sync.Mutex
		taken := map[int64]string{first: "rep00@northwind.example"}
		var running sync.WaitGroup
		for i := range 8 {
			h, by := houses[i%len(houses)], fmt.Sprintf("rep%02d@northwind.example", i%6)
			running.Go(func() {
				for {
					out, err := AcceptNext(ctx, h.st, h.Submit, "unassigned", in(by))
					switch {
					case errors.Is(err, ErrNothingWaits):
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
		found, err := a.st.Query(ctx, `SELECT lead, owner FROM handoffs WHERE state = 'accepted'`)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range found.Rows {
			if id := row[0].(int64); taken[id] != row[1] {
				t.Errorf("lead %d is %v's, and was taken by %s", id, row[1], taken[id])
			}
		}
		verify(t, a)
	})
}

// Five hundred leads that come in the same second are shared out as fairly as if they came one after the other: from many callers, in five
// requests of a hundred, or in one, through one process or two.
func TestFiveHundredInASecond(t *testing.T) {
	const leads = 500
	for _, shared := range []bool{false, true} {
		for _, by := range []struct{ callers, each int }{{20, 0}, {5, 100}, {1, leads}} {
			name := map[bool]string{false: "SQLite", true: "two processes on PostgreSQL"}[shared]
			t.Run(fmt.Sprintf("%s, %d callers", name, by.callers), func(t *testing.T) {
				path, processes := "", 1
				if shared {
					path, processes = pgtest.Database(t), 2
				}
				now := start + 2*hour
				houses := make([]*house, processes)
				for i := range houses {
					houses[i] = open(t, path, Options{Clock: func() time.Time { return time.UnixMicro(now) }})
				}
				plan := houses[0].activate(t, salesTeam(20, false), start)
				var running sync.WaitGroup
				for c := range by.callers {
					running.Go(func() {
						r := rand.New(rand.NewPCG(uint64(c), 5))
						for n := c; n < leads; {
							var list []lifecycle.Arrival
							each := by.each
							if each == 0 {
								each = 1 + r.IntN(9) // as many as a form, an import or a partner sends at once
							}
							for range each {
								if n >= leads {
									break
								}
								keys := []identity.Key{{Kind: identity.Email, Value: fmt.Sprintf("p%d@x%d.example", n, n)}}
								at := now + r.Int64N(second)
								list = append(list, lifecycle.Arrival{Keys: keys, Input: lifecycle.Input{Kind: lifecycle.Did, Name: "demo_requested", At: at, Known: at}})
								n += by.callers
							}
							if _, err := houses[c%processes].Submit(context.Background(), list); err != nil {
								t.Error(err)
							}
						}
					})
				}
				running.Wait()
				given, most := sharesOf(t, houses[0], plan)
				if given != leads || most >= 1 {
					t.Errorf("%d of %d were shared out; somebody was %.3f leads from their share", given, leads, most)
				}
				verify(t, houses[0])
			})
		}
	}
}
