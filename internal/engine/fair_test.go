package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
)

// salesTeam is an agreement with n people in one pool. Some have a capacity, others a cap for the day.
func salesTeam(n int, capacity bool) string {
	var people strings.Builder
	for i := range n {
		fmt.Fprintf(&people, "  rep%02d@northwind.example: {side: sales, pools: [nordics], weight: %d", i, 1+i*3%5)
		if capacity && i%4 == 0 {
			fmt.Fprintf(&people, ", capacity: %d", 6+i)
		}
		if capacity && i%4 == 1 {
			fmt.Fprintf(&people, ", per_day: %d", 30+i)
		}
		people.WriteString("}\n")
	}
	head, _, _ := strings.Cut(northwind, "people:\n")
	return head + "people:\n" + people.String() + "  max@northwind.example: {side: sales}\nassignment:\n  - {name: all, to: pool nordics, by: round_robin, otherwise: queue unassigned}\n"
}

// Twenty people of different weights are within a lead of their share after every single hand-off, in the order in which they were decided,
// whether one process decides or two at the same time. With capacities and absences in the way, one lead cannot be promised (see
// lifecycle.Ledger), and it is a little more.
func TestEveryHandoffIsFair(t *testing.T) {
	leads := 1500
	if os.Getenv("BATON_FIGURES") != "" {
		leads = 10_000
	}
	for _, test := range []struct {
		name   string
		shared bool
		comes  bool // people come and go
		most   float64
	}{
		{"SQLite", false, false, 1},
		{"SQLite, with absences and capacities", false, true, 1.4},
		{"two processes on PostgreSQL", true, false, 1},
		{"two processes on PostgreSQL, with absences and capacities", true, true, 1.4},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, processes := "", 1
			if test.shared {
				path, processes = pgtest.Database(t), 2
			}
			var now atomic.Int64
			now.Store(start + 2*hour)
			engines := make([]*house, processes)
			for i := range engines {
				engines[i] = open(t, path, Options{Clock: func() time.Time { return time.UnixMicro(now.Load()) }})
			}
			plan := engines[0].activate(t, salesTeam(20, test.comes), start)
			var running sync.WaitGroup
			for i, h := range engines {
				running.Go(func() {
					r := rand.New(rand.NewPCG(uint64(i), 9))
					var waiting []lifecycle.Arrival
					for n := i * round; n < leads; n += processes * round {
						waiting = offer(t, h, n, now.Add(round*second), r, test.comes, waiting)
					}
				})
			}
			running.Wait()
			given, most := sharesOf(t, engines[0], plan)
			if test.comes && given < leads/2 || !test.comes && given != leads {
				t.Errorf("%d of %d leads were shared out", given, leads)
			}
			if most >= test.most {
				t.Errorf("somebody who could take a lead was %.3f leads from their share", most)
			}
			t.Logf("%d shared out; at most %.3f leads from the share", given, most)
			verify(t, engines[0])
		})
	}
}

// round is how many ask at a time.
const round = 25

// offer makes people ask for a demo, so that they are handed over. Sooner or later those who get them accept, and now and then somebody
// goes on holiday. It takes and returns the acceptances to come.
func offer(t *testing.T, h *house, first int, at int64, r *rand.Rand, comes bool, waiting []lifecycle.Arrival) []lifecycle.Arrival {
	var list []lifecycle.Arrival
	send := func() []Outcome {
		for i := range list {
			list[i].Input.At, list[i].Input.Known = at, at
		}
		out, err := h.Submit(context.Background(), list)
		if err != nil {
			t.Error(err)
		}
		list = nil
		return out
	}
	var away []lifecycle.Arrival
	for n := first; n < first+round; n++ {
		keys := []identity.Key{{Kind: identity.Email, Value: fmt.Sprintf("p%d@x%d.example", n, n)}}
		list = append(list, lifecycle.Arrival{Keys: keys, Input: lifecycle.Input{Kind: lifecycle.Did, Name: "demo_requested"}})
		if comes && r.IntN(40) == 0 {
			away = append(away, lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Absent, Name: fmt.Sprintf("rep%02d@northwind.example", r.IntN(20)), Due: at + (20+r.Int64N(300))*second}})
		}
	}
	asked := list
	out := send()
	if !comes {
		return nil
	}
	for i := range out {
		for _, c := range out[i].Decision.Changes {
			if c.Kind == lifecycle.OwnerSet {
				waiting = append(waiting, lifecycle.Arrival{Keys: asked[i].Keys, Input: lifecycle.Input{Kind: lifecycle.Accept, Actor: c.To}})
			}
		}
	}
	list = away
	waiting = slices.DeleteFunc(waiting, func(a lifecycle.Arrival) bool {
		if r.IntN(4) > 0 {
			return false
		}
		list = append(list, a)
		return true
	})
	if len(list) > 0 {
		send()
	}
	return waiting
}

// sharesOf reckons from the decisions, in the order of their numbers, what everybody was due and given, and returns how
// many leads were shared out and how far somebody who could take one ever was from their share. The owners and the
// ledger must say the same.
func sharesOf(t *testing.T, h *house, plan *agreement.Plan) (given int, most float64) {
	ctx := context.Background()
	weight := map[string]float64{}
	for i := range plan.People {
		weight[plan.People[i].ID] = float64(plan.People[i].Weight)
	}
	behind, got := map[string]float64{}, map[string]int64{}
	err := h.st.EachInput(ctx, 0, func(in lifecycle.Input, stored []byte) error {
		d, err := lifecycle.ParseDecision(stored)
		if err != nil {
			return err
		}
		for i := range d.Changes {
			c := &d.Changes[i]
			if c.Kind != lifecycle.LedgerMoved {
				continue
			}
			if off := behind[c.To] - c.Num; math.Abs(off) > 1e-4 {
				t.Errorf("input %d: %s was %.6f leads behind, and is said to be %.6f", in.ID, c.To, behind[c.To], c.Num)
			}
			sum := 0.0
			for _, id := range c.Members {
				sum += weight[id]
			}
			for _, id := range c.Members {
				behind[id] += weight[id] / sum
			}
			behind[c.To]--
			got[c.To]++
			given++
			for _, id := range c.Members {
				most = max(most, math.Abs(behind[id]))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := h.st.Query(ctx, `SELECT l.member, l.given, l.debt, (SELECT count(*) FROM handoffs h WHERE h.owner = l.member) FROM ledgers l ORDER BY l.member`)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Rows) != 20 {
		t.Errorf("%d lines in the ledger", len(found.Rows))
	}
	for _, row := range found.Rows {
		id := row[0].(string)
		if row[1] != got[id] || row[3] != got[id] || math.Abs(row[2].(float64)-behind[id]) > 1e-4 {
			t.Errorf("%s: given %v, owner of %v and %v behind; the decisions say %d and %.4f", id, row[1], row[3], row[2], got[id], behind[id])
		}
	}
	return given, most
}
