package lifecycle

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"baton/internal/agreement"
)

// pool is a roster of one pool whose members come and go.
func pool(weights []int) (*agreement.Plan, *Roster) {
	plan := &agreement.Plan{Pools: []agreement.Named{{Name: "all"}}}
	r := &Roster{}
	for i, w := range weights {
		r.set(plan, &agreement.Person{ID: fmt.Sprintf("rep%02d", i), Weight: w, Pools: []int{0}})
	}
	return plan, r
}

// give shares one lead out as an assignment does, and returns who got it and who shared it.
func give(plan *agreement.Plan, r *Roster, able []*Member, at int64) (string, []string) {
	r.attend(r.ledger(0), 0, at)
	var weights int64
	var names []string
	for _, m := range able {
		weights += int64(m.Weight)
		names = append(names, m.ID)
	}
	to := able[furthestBehind(able, r.ledger(0), weights)].ID
	Apply(plan, &View{Roster: r}, &Change{Kind: LedgerMoved, Name: "all", To: to, Members: names, At: at})
	return to, names
}

// Every member is within one lead of their fair share at every moment, while the same
// members are there.
func TestEverybodyIsWithinOneLeadOfTheirShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 9), 2, 20).Draw(t, "weights")
		plan, r := pool(weights)
		var able []*Member
		total := 0
		for i := range r.Members {
			able = append(able, &r.Members[i])
			total += weights[i]
		}
		given := map[string]int{}
		for n := 1; n <= 500; n++ {
			to, _ := give(plan, r, able, int64(n))
			given[to]++
			for i, w := range weights {
				id := fmt.Sprintf("rep%02d", i)
				share := float64(n) * float64(w) / float64(total)
				if off := share - float64(given[id]); off >= 1 || off <= -1 {
					t.Fatalf("after %d leads %s with weight %d of %d has %d, %.2f from the share of %.2f", n, id, w, total, given[id], off, share)
				}
			}
		}
	})
}

// With members away at times, each is within two leads of the share of what was given out since they
// came. It is more than one because who leaves while others owe them leaves that behind, and the
// draws here make members leave at the worst of moments.
func TestAbsencesLeaveSharesFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 4), 4, 20).Draw(t, "weights")
		plan, r := pool(weights)
		const leads = 1000
		at := int64(0)
		for range rapid.IntRange(0, 25).Draw(t, "absences") {
			id := fmt.Sprintf("rep%02d", rapid.IntRange(0, len(weights)-1).Draw(t, "who"))
			from := rapid.Int64Range(0, leads).Draw(t, "from")
			Apply(plan, &View{Roster: r}, &Change{Kind: AbsenceSet, Name: id, At: from, Due: from + rapid.Int64Range(1, 200).Draw(t, "length")})
		}
		owed := map[string]float64{}
		there := map[string]bool{}
		for range leads {
			at++
			var able []*Member
			total := 0.0
			for i := range r.Members {
				m := &r.Members[i]
				if m.away(at) {
					there[m.ID] = false
					continue
				}
				if !there[m.ID] {
					owed[m.ID], there[m.ID] = 0, true
				}
				able = append(able, m)
				total += float64(m.Weight)
			}
			if len(able) == 0 {
				continue
			}
			to, _ := give(plan, r, able, at)
			owed[to]--
			for _, m := range able {
				owed[m.ID] += float64(m.Weight) / total
				if owed[m.ID] > 2 || owed[m.ID] < -2 {
					t.Fatalf("lead %d: %s is owed %.2f of what was given out since they came", at, m.ID, owed[m.ID])
				}
			}
		}
	})
}

// The sum of what a pool owes its members never grows: what is owed is only passed around.
func TestLedgerIsZeroSum(t *testing.T) {
	plan, r := pool([]int{3, 1, 2, 7})
	var able []*Member
	for i := range r.Members {
		able = append(able, &r.Members[i])
	}
	for n := range int64(1000) {
		give(plan, r, able, n)
		sum := int64(0)
		for _, e := range r.Ledgers[0].Entries {
			sum += e.Debt
		}
		if sum != 0 {
			t.Fatalf("after %d leads the ledger sums to %d", n+1, sum)
		}
	}
}
