package lifecycle

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// pool is a roster of one pool whose members come and go.
func pool(weights []int) (*agreement.Plan, *Roster) {
	plan := &agreement.Plan{Pools: []agreement.Named{{Name: "all"}}}
	r := &Roster{}
	for i, w := range weights {
		r.set(plan, &agreement.Person{ID: fmt.Sprintf("rep%04d", i), Weight: w, Pools: []int{0}})
	}
	return plan, r
}

// shares reckons what everybody of a pool is due and has been given, from the hand-offs alone: the ledger is not asked.
type shares struct {
	plan *agreement.Plan
	r    *Roster
	due  map[string]float64
	got  map[string]int
	at   int64
	most float64 // the largest distance from their share of anybody who could take a lead, after it was given
	far  int     // hand-offs after which somebody who could take it was a whole lead or more from their share
}

func newShares(plan *agreement.Plan, r *Roster) *shares {
	return &shares{plan: plan, r: r, due: map[string]float64{}, got: map[string]int{}}
}

// give shares one lead out as an assignment does, and returns who got it.
func (s *shares) give(able []*Member) string {
	s.at++
	s.r.attend(s.r.ledger(0), 0, s.at)
	weights, names := int64(0), make([]string, len(able))
	for i, m := range able {
		weights += int64(m.Weight)
		names[i] = m.ID
	}
	to := able[furthestBehind(able, s.r.ledger(0).debts(able), weights)].ID
	for _, m := range able {
		s.due[m.ID] += float64(m.Weight) / float64(weights)
	}
	s.got[to]++
	Apply(s.plan, &View{Roster: s.r}, &Change{Kind: LedgerMoved, Name: "all", To: to, Members: names, At: s.at})
	far := false
	for _, m := range able {
		off := math.Abs(s.behind(m.ID))
		s.most = max(s.most, off)
		far = far || off >= 1
	}
	if far {
		s.far++
	}
	return to
}

func (s *shares) behind(id string) float64 { return s.due[id] - float64(s.got[id]) }

func everybody(r *Roster) []*Member {
	able := make([]*Member, len(r.Members))
	for i := range r.Members {
		able[i] = &r.Members[i]
	}
	return able
}

// While the same people share, everybody is within 1 - 1/(4n) of a lead of their share after every hand-off.
func TestEverybodyIsWithinOneLeadOfTheirShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// many light ones beside a few heavy ones are the hardest: "furthest behind" alone comes to 1.16 leads
		heaviest := rapid.SampledFrom([]int{5, 9, 30, 200, 5000}).Draw(t, "heaviest")
		weights := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, heaviest), rapid.IntRange(1, 2), rapid.Just(heaviest)), 2, 24).Draw(t, "weights")
		plan, r := pool(weights)
		s := newShares(plan, r)
		able := everybody(r)
		bound := 1 - 1/float64(4*len(able)) + 1e-6
		for range 500 {
			if to := s.give(able); s.most > bound {
				t.Fatalf("lead %d went to %s: somebody is %.4f leads from their share, weights %v", s.at, to, s.most, weights)
			}
		}
	})
}

// The weights found by chance for which giving to whoever is furthest behind, and looking no further, leaves the bound.
func TestWhoeverIsFurthestBehindMayHaveToWait(t *testing.T) {
	for _, weights := range [][]int{{175, 12, 175, 19, 1, 2}, {5, 1, 5, 1, 1, 5, 1, 1, 1, 1, 1, 1, 5}, {1, 3, 7, 1, 1, 1, 1, 7, 7, 7, 1, 1, 1, 1, 1, 5, 7}, {100_000, 1, 1, 99_999, 7}} {
		plan, r := pool(weights)
		s := newShares(plan, r)
		for range 2000 {
			s.give(everybody(r))
		}
		if s.most >= 1 {
			t.Errorf("weights %v: somebody was %.3f leads from their share", weights, s.most)
		}
	}
}

// Ten thousand hand-offs over a sales team of twenty, as teams are: weights, capacities that are reached every day, three time zones,
// holidays, people who join and people who leave. One lead cannot be promised then (see Ledger); this is what comes out.
func TestSharesOfTenThousandHandoffs(t *testing.T) {
	tests := []struct {
		name            string
		hours, capacity bool
		most            float64 // leads from their share, at most
		far             float64 // share of the hand-offs after which anybody was a lead or more from it
	}{
		{"absences", false, false, 1.2, 0.001},
		{"absences and capacities", false, true, 1.3, 0.001},
		{"absences, capacities and three time zones", true, true, 1.6, 0.005},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(10) {
				s := business(seed, test.hours, test.capacity)
				t.Logf("seed %d: at most %.3f leads from their share; a lead or more after %d hand-offs", seed, s.most, s.far)
				if s.most >= test.most || float64(s.far) > test.far*10_000 {
					t.Errorf("seed %d: at most %.3f leads from their share, and a lead or more after %d of 10,000 hand-offs", seed, s.most, s.far)
				}
				for _, e := range s.r.Ledgers[0].Entries {
					if off := e.Behind() - s.behind(e.Member); math.Abs(off) > 1e-4 || e.Given != int64(s.got[e.Member]) {
						t.Errorf("seed %d: the ledger says that %s is %.6f behind with %d leads; they are %.6f behind with %d", seed, e.Member, e.Behind(), e.Given, s.behind(e.Member), s.got[e.Member])
					}
				}
			}
		})
	}
}

// business shares ten thousand leads out, forty a day.
func business(seed uint64, hours, capacity bool) *shares {
	r := rand.New(rand.NewPCG(seed, 20))
	weights := make([]int, 20)
	for i := range weights {
		weights[i] = 1 + r.IntN(5)
	}
	plan, roster := pool(weights)
	s := newShares(plan, roster)
	open := map[string][]int{} // until when
	joined := len(weights)
	for n := 0; s.at < 10_000; n++ {
		if n%1500 == 1499 { // somebody leaves, somebody joins
			roster.Members[r.IntN(len(roster.Members))].Inactive = true
			roster.set(plan, &agreement.Person{ID: fmt.Sprintf("rep%04d", joined), Weight: 1 + r.IntN(5), Pools: []int{0}})
			joined++
		}
		var able []*Member
		for i := range roster.Members {
			m := &roster.Members[i]
			if r.IntN(1250) == 0 {
				m.Away = addAbsence(m.Away, Absence{From: s.at, To: s.at + 40 + r.Int64N(800)})
			}
			held := open[m.ID][:0]
			for _, until := range open[m.ID] {
				if until > n {
					held = append(held, until)
				}
			}
			open[m.ID] = held
			asleep := hours && (n%40*24/40+i%3*6)%24 >= 12
			full := capacity && len(held) >= 4+i%12
			if !m.Inactive && !m.away(s.at) && !asleep && !full {
				able = append(able, m)
			}
		}
		if len(able) > 0 {
			to := s.give(able)
			open[to] = append(open[to], n+1+int(r.ExpFloat64()*60))
		}
	}
	return s
}

// Whoever comes and goes, nobody who has ever been in a pool of n is more than n-1 leads from their share.
func TestComingsAndGoingsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 5), 2, 20).Draw(t, "weights")
		plan, r := pool(weights)
		s := newShares(plan, r)
		coin := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		hostile := rapid.Bool().Draw(t, "hostile")
		for range 1000 {
			able := slices.DeleteFunc(everybody(r), func(*Member) bool { return coin.IntN(3) == 0 })
			if hostile {
				able = hurt(s, coin)
			}
			if len(able) == 0 {
				continue
			}
			s.give(able)
			bound := 2.0
			if hostile {
				bound = float64(len(weights)-1) + 1e-6
			}
			if s.most > bound {
				t.Fatalf("after %d leads somebody is %.3f from their share, weights %v", s.at, s.most, weights)
			}
		}
	})
}

// hurt lets only those share a lead who are as near to each other in their debts as there are: one of them is driven away
// from the rest by it.
func hurt(s *shares, coin *rand.Rand) []*Member {
	all := everybody(s.r)
	slices.SortStableFunc(all, func(a, b *Member) int {
		x, y := s.behind(a.ID), s.behind(b.ID)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	best, gap := 0, math.Inf(1)
	for i := range len(all) - 1 {
		if g := s.behind(all[i+1].ID) - s.behind(all[i].ID); g < gap-1e-9 || g < gap+1e-9 && coin.IntN(2) == 0 {
			best, gap = i, g
		}
	}
	pair := all[best : best+2 : best+2]
	slices.SortFunc(pair, func(a, b *Member) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return pair
}

// Nobody can promise one lead when people come and go. Four share a lead, and whoever gets it goes; the three who are left share one, and
// whoever gets it goes; of the two who are left one gets the third, and the other is 1/4 + 1/3 + 1/2 behind. It is no fault of the
// rule: whoever gets them, it comes to the same.
func TestOneLeadCannotBePromised(t *testing.T) {
	plan, r := pool([]int{1, 1, 1, 1})
	s := newShares(plan, r)
	able := everybody(r)
	for range 3 {
		to := s.give(able)
		able = slices.DeleteFunc(able, func(m *Member) bool { return m.ID == to })
	}
	if behind := s.behind(able[0].ID); len(able) != 1 || math.Abs(behind-13.0/12) > 1e-9 {
		t.Errorf("%d are left, %.4f behind", len(able), behind)
	}
	// and equals who are let in two at a time are driven (n-1)/4 apart, or further
	plan, r = pool(slices.Repeat([]int{1}, 20))
	s = newShares(plan, r)
	for range 2000 {
		s.give(hurt(s, rand.New(rand.NewPCG(1, 1))))
	}
	if s.most < 19.0/4 || s.most > 19 {
		t.Errorf("an adversary brought somebody %.3f leads from their share", s.most)
	}
}

// What any rule can hold, whoever comes and goes: all that can happen to n equals is gone through. Three can be kept within 5/6 of a lead, four
// within 7/6 and not within less; and the rule does as well as any can.
func TestBestThatCanBePromised(t *testing.T) {
	for _, test := range []struct{ n, unit, best int }{{2, 2, 1}, {3, 6, 5}, {4, 12, 14}} { // in parts of a lead: unit are one
		if holds(test.n, test.unit, test.best-1) {
			t.Errorf("%d can be kept within %d/%d", test.n, test.best-1, test.unit)
		}
		if !holds(test.n, test.unit, test.best) {
			t.Errorf("%d cannot be kept within %d/%d", test.n, test.best, test.unit)
		}
		if worst := driven(test.n, test.unit); worst != test.best {
			t.Errorf("the rule lets %d be driven to %d/%d, and %d would do", test.n, worst, test.unit, test.best)
		}
	}
}

// sharing calls with each set of two or more of n members.
func sharing(n int, with func(able []int)) {
	for mask := range 1 << n {
		var able []int
		for i := range n {
			if mask>>i&1 == 1 {
				able = append(able, i)
			}
		}
		if len(able) > 1 {
			with(able)
		}
	}
}

// debtsAfter are the debts, in parts of a lead, after some have shared one and one of them got it.
func debtsAfter(debts [4]int, able []int, to, unit int) [4]int {
	for _, i := range able {
		debts[i] += unit / len(able)
	}
	debts[to] -= unit
	return debts
}

func farthest(debts [4]int) (far int) {
	for _, d := range debts {
		far = max(far, d, -d)
	}
	return far
}

// holds reports whether there is a rule by which nobody of n equals is ever further than most from their share.
func holds(n, unit, most int) bool {
	seen := map[[4]int]bool{{}: true} // whether it is not lost yet
	for list := [][4]int{{}}; len(list) > 0; {
		debts := list[len(list)-1]
		list = list[:len(list)-1]
		sharing(n, func(able []int) {
			for _, to := range able {
				if next := debtsAfter(debts, able, to, unit); farthest(next) <= most && !seen[next] {
					seen[next] = true
					list = append(list, next)
				}
			}
		})
	}
	for more := true; more; {
		more = false
		for debts, safe := range seen {
			if !safe {
				continue
			}
			sharing(n, func(able []int) {
				if !slices.ContainsFunc(able, func(to int) bool { return seen[debtsAfter(debts, able, to, unit)] }) {
					seen[debts], more = false, true
				}
			})
		}
	}
	return seen[[4]int{}]
}

// driven is how far from their share the rule lets somebody of n equals come, whoever comes and goes.
func driven(n, unit int) (worst int) {
	_, r := pool(slices.Repeat([]int{1}, n))
	seen := map[[4]int]bool{{}: true}
	for list := [][4]int{{}}; len(list) > 0; {
		debts := list[len(list)-1]
		list = list[:len(list)-1]
		sharing(n, func(able []int) {
			var members []*Member
			var owed []int64
			for _, i := range able {
				members = append(members, &r.Members[i])
				owed = append(owed, int64(debts[i])*lead/int64(unit))
			}
			next := debtsAfter(debts, able, able[furthestBehind(members, owed, int64(len(able)))], unit)
			worst = max(worst, farthest(next))
			if !seen[next] {
				seen[next] = true
				list = append(list, next)
			}
		})
	}
	return worst
}

// When the comings and goings end, everybody is soon within one lead of what the others of those who stay are from theirs.
func TestWhoStaysIsSoonEvenAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 5), 2, 20).Draw(t, "weights")
		plan, r := pool(weights)
		s := newShares(plan, r)
		coin := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for range 300 {
			if able := slices.DeleteFunc(everybody(r), func(*Member) bool { return coin.IntN(2) == 0 }); len(able) > 0 {
				s.give(able)
			}
		}
		able := everybody(r)
		if rapid.Bool().Draw(t, "some leave") {
			able = able[:max(2, len(able)/2)]
		}
		for n := range 300 {
			s.give(able)
			average := 0.0
			for _, m := range able {
				average += s.behind(m.ID) / float64(len(able))
			}
			for _, m := range able {
				if off := math.Abs(s.behind(m.ID) - average); off >= 1 && n >= 100 {
					t.Fatalf("%d leads after the last change %s is %.3f from the average, weights %v", n, m.ID, off, weights)
				}
			}
		}
	})
}

// What is owed to some is owed by others: the debts of all who were ever there sum to zero, whoever is away.
func TestLedgerIsZeroSum(t *testing.T) {
	s := business(3, true, true)
	sum := int64(0)
	for _, e := range s.r.Ledgers[0].Entries {
		sum += e.Debt
	}
	if sum != 0 {
		t.Fatalf("after %d leads the ledger sums to %d", s.at, sum)
	}
}

func BenchmarkChoose(b *testing.B) {
	for _, n := range []int{20, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			weights := make([]int, n)
			for i := range weights {
				weights[i] = 1 + i%5
			}
			plan, r := pool(weights)
			var err error
			if plan.Calendar, err = calendar.New(time.UTC, calendar.Week{time.Monday: {{From: 0, To: 60}}}, nil); err != nil {
				b.Fatal(err)
			}
			s := newShares(plan, r)
			for range 2 * n {
				s.give(everybody(r))
			}
			d := &decider{plan: plan, state: View{Roster: r}}
			rule := &agreement.AssignmentRule{Pool: 0}
			b.ReportAllocs()
			for b.Loop() {
				d.roster = true
				to, present := d.choose(rule, nil)
				r.share(0, present, to, 0)
			}
		})
	}
}
