package lifecycle

import (
	"slices"
	"strings"
)

// Ledger is the fairness account of a pool: how far each member is behind their share.
//
// The fair share. Each hand-off that a pool shares out is one lead, and those who can take it at that moment are
// due their part of it: their weight over the sum of the weights of those who can. Whoever cannot take it (away, not
// at work, at capacity, had it already) is due nothing of it and is charged nothing. A member's share is the sum of
// their parts, from the day they joined; Debt is that share less the leads they were given. It is what R. Fagin and
// J. H. Williams proposed (A fair carpool scheduling algorithm, IBM J. Res. Dev. 27, 1983), with weights. Nothing is
// forgotten: who was half a lead behind on leaving for a holiday is half a lead behind on coming back. So the debts of
// all who were ever in the pool sum to zero, and nobody is flooded, for nothing grows while they are not there. A lead that is taken
// back and handed to somebody else is a second hand-off: it stays charged to the first and is charged to the second.
//
// What holds. furthestBehind has the proofs.
//
//  1. While the same n people share, at the same weights, from an even ledger on, everybody is within 1 - 1/(4n) of a lead of their share
//     after every hand-off.
//  2. Whoever comes and goes, and whenever, nobody is ever more than n-1 leads from it, if n were ever in the pool.
//     It does not grow with the number of hand-offs. In practice it is a little over one: see
//     TestSharesOfTenThousandHandoffs.
//
// What nobody can promise. A lead given is a whole one, and who can take the next is not known. Let four equal members share a lead,
// and whoever gets it go home, or be full; let the three who are left share the next, and whoever gets it go; of the two who
// are left one gets the third, and the other is 1/4 + 1/3 + 1/2 = 13/12 behind, whoever got which. Four is the fewest for whom that is
// so, and 7/6 what the best rule holds for them; three can be kept within 5/6. This rule holds both: see
// TestBestThatCanBePromised, which goes through all that can happen. Whoever knew the future could keep everybody within one lead: each member's share
// from the first hand-off to each later one, and who can take each, are two families of nested sums, and so can be rounded to whole leads (their
// matrix is totally unimodular).
// In general, let an adversary have only two equal members share, at the same debt, as long as there are two: each time one
// goes half a lead up and one half a lead down, and the sum of the squares grows by a half. Either debts grow without end, or all n come
// to be different; being multiples of a half they spread over (n-1)/2, so that somebody is (n-1)/4 leads from their
// share. That holds for any rule that neither knows the future nor tosses coins. See M. Ajtai et al., Fairness in scheduling, J. Algorithms
// 29, 1998, and D. Coppersmith et al., The optimality of the online greedy algorithm in carpool and chairman
// assignment problems, ACM Trans. Algorithms 7, 2011.
type Ledger struct {
	Pool    int
	Entries []Entry // sorted by member
}

// Entry is a member's line in a ledger, in billionths of a lead. Debt is how far the member is behind
// their share; below zero, ahead of it. Handicap is what a member who is new or back counts as carrying.
type Entry struct {
	Member   string
	Debt     int64
	Handicap int64
	Since    int64 // of being available, without a break
	Given    int64 // leads from this pool
	Present  bool  // took part in the last sharing out
}

// lead is one lead in the unit of ledgers.
const lead = 1_000_000_000

// Behind is how many leads the member is behind their share; below zero, ahead of it.
func (e *Entry) Behind() float64 { return float64(e.Debt) / lead }

// Due is the member's share in leads.
func (e *Entry) Due() float64 { return (float64(e.Given)*lead + float64(e.Debt)) / lead }

// Carried is how many open hand-offs the member counts as carrying beside those they hold.
func (e *Entry) Carried() float64 { return float64(e.Handicap) / lead }

func (r *Roster) ledger(pool int) *Ledger {
	for len(r.Ledgers) <= pool {
		r.Ledgers = append(r.Ledgers, Ledger{Pool: len(r.Ledgers)})
	}
	return &r.Ledgers[pool]
}

func (g *Ledger) entry(member string) *Entry {
	i, ok := slices.BinarySearchFunc(g.Entries, member, func(e Entry, id string) int { return strings.Compare(e.Member, id) })
	if !ok {
		g.Entries = slices.Insert(g.Entries, i, Entry{Member: member})
	}
	return &g.Entries[i]
}

// debts returns the debts of members, who are sorted by ID.
func (g *Ledger) debts(members []*Member) []int64 {
	debts := make([]int64, len(members))
	i := 0
	for k, m := range members {
		i += seek(g.Entries[i:], m.ID, entryMember)
		if i < len(g.Entries) && g.Entries[i].Member == m.ID {
			debts[k] = g.Entries[i].Debt
		}
	}
	return debts
}

// share enters one lead into the ledger of a pool: each of those who share is due their part of
// it, and the one who got it has had it. The sum of a sharing is zero. The members are sorted.
func (r *Roster) share(pool int, members []string, to string, at int64) {
	g := r.ledger(pool)
	r.attend(g, pool, at)
	weigh := make([]int64, len(members))
	weights, next := int64(0), 0
	for i, id := range members {
		next += seek(r.Members[next:], id, memberID)
		weigh[i] = int64(r.Members[next].Weight)
		weights += weigh[i]
	}
	left := int64(lead)
	for _, w := range weigh {
		left -= lead * w / weights
	}
	next = 0
	for i, id := range members {
		next += seek(g.Entries[next:], id, entryMember)
		if next == len(g.Entries) || g.Entries[next].Member != id {
			g.entry(id) // of a pool that was two before
		}
		e := &g.Entries[next]
		part := lead * weigh[i] / weights
		if left > 0 {
			part++
			left--
		}
		e.Debt += part
		e.Handicap = max(0, e.Handicap-part)
	}
	e := g.entry(to)
	e.Debt -= lead
	e.Given++
	if m := r.Member(to); m != nil {
		m.Taken++
	}
}

func memberID(m *Member) string   { return m.ID }
func entryMember(e *Entry) string { return e.Member }

// seek returns how far on in a sorted list an ID is, or would be. It is made for walks of two sorted lists beside each other.
func seek[T any](list []T, id string, of func(*T) string) int {
	i := 0
	for i < len(list) && of(&list[i]) < id {
		i++
	}
	return i
}

// attend marks who of a pool is there. Whoever is there for the first time or again counts as
// carrying the average of those present, so that least loaded does not flood them; debts stay as they were.
func (r *Roster) attend(g *Ledger, pool int, at int64) {
	var load, n int64
	var back []int // entries
	next := 0
	for i := range g.Entries {
		e := &g.Entries[i]
		next += seek(r.Members[next:], e.Member, memberID)
		if next == len(r.Members) || r.Members[next].ID != e.Member || !r.Members[next].there(pool, at) {
			e.Present = false
			continue
		}
		if !e.Present {
			back = append(back, i)
			continue
		}
		load += lead*int64(r.Members[next].Open) + e.Handicap
		n++
	}
	for _, i := range back {
		e := &g.Entries[i]
		e.Present, e.Since, e.Handicap = true, at, 0
		if n > 0 {
			e.Handicap = max(0, load/n-lead*int64(r.Member(e.Member).Open))
		}
	}
}

func (m *Member) there(pool int, at int64) bool { return !m.Inactive && !m.away(at) && m.in(pool) }

// furthestBehind is weighted round robin: it picks who gets a lead, among those who can take it, by their debts
// before it. It is the one who is furthest behind, unless somebody would then come to be a whole lead from their share
// although the same people go on sharing; then it is the one whose next lead is due first.
//
// Let y be the debts after everybody's part of this lead is added, less the average of the debts before, so that they sum to one lead; y' those
// after it is given, which sum to nothing; and p the parts. If the same people go on sharing, member i must have been given k more leads when y'(i) + p(i)·t reaches k, less a
// margin, t leads on. A plan exists if, for every t, no more than t leads must have been given by then:
// leads are due at whole instants, one is given at each, and "the earliest due first" finds a plan for unit jobs if
// there is one (two bounds on both sides make the windows agree: the leads a member must get between s and t
// are at most their part of those, and all parts of t-s leads are t-s). That is what inReach tests. It
// looks no further than where all y' + p·t are above zero: there the leads that must have been given are at most their sum,
// which is t.
//
// Hence 1: an even ledger is in reach (all is above zero at once), and whoever is picked keeps it in reach, as the earliest due
// does if nobody else; in reach, everybody is within a lead less the margin, before and after. It
// is in the spirit of R. Tijdeman, The chairman assignment problem, Discrete Mathematics 32, 1980,
// whose rule is the earliest due first alone; being furthest behind first leaves less behind when somebody goes.
//
// Hence 2: sort all debts, D(k) being the sum of the k largest. A hand-off makes D(k) larger only if somebody i of these k shares it and
// somebody j who is not of them gets it. If j was furthest behind, y(j) >= y(i); if j was due first, y'(i) < 1 and y'(j) > -1. Either
// way the k-th and the next are less than two leads apart after it, so 2·D(k) <= D(k-1) + D(k+1) + 2. With D(0) = D(n) = 0
// no D(k) can be the first to pass k·(n-k), and D(1), the largest debt, and -D(n-1), the smallest, stay within n-1.
func furthestBehind(able []*Member, debts []int64, weights int64) int {
	n := int64(len(able))
	if n == 1 {
		return 0
	}
	average := int64(0)
	for _, debt := range debts {
		average += debt
	}
	average /= n
	most := 0
	for i, m := range able {
		debts[i] += lead*int64(m.Weight)/weights - average
		if debts[i] > debts[most] {
			most = i
		}
	}
	debts[most] -= lead
	if found, _ := inReach(able, debts, weights); found {
		return most
	}
	debts[most] += lead
	first, soonest := most, int64(-1)
	for i, m := range able {
		if debts[i] <= margin(n) {
			continue // they would come to be a whole lead ahead
		}
		due := leadsUntil(lead-margin(n)-debts[i], int64(m.Weight), weights)
		if soonest < 0 || due < soonest || due == soonest && debts[i] > debts[first] {
			first, soonest = i, due
		}
	}
	debts[first] -= lead
	if found, sure := inReach(able, debts, weights); found || !sure {
		return first
	}
	return most
}

// margin is how far within a lead debts are kept, for n who share.
func margin(n int64) int64 { return lead / (4 * n) }

// leadsUntil is after how many more leads a member is due an amount more.
func leadsUntil(amount, weight, weights int64) int64 {
	if amount <= 0 {
		return 0
	}
	return (amount*weights + lead*weight - 1) / (lead * weight)
}

// horizon is how many leads inReach looks ahead at most.
const horizon = 1 << 14

// inReach reports whether debts that sum to nothing can be kept within a lead from here on, if the same people go on sharing. It is not sure, but that all are within a lead
// now, when weights are so unequal that it would have to look further ahead than the horizon; the earliest due first is right then.
func inReach(able []*Member, debts []int64, weights int64) (found, sure bool) {
	near := lead - margin(int64(len(able)))
	ahead := int64(0)
	for i, m := range able {
		if debts[i] >= near || debts[i] <= -near {
			return false, true
		}
		ahead = max(ahead, leadsUntil(-debts[i], int64(m.Weight), weights))
	}
	if ahead > horizon || weights > 1<<19 { // beyond it, sums could overflow
		return false, false
	}
	must := make([]int32, ahead+1) // leads that must be given by then, and not earlier
	for i, m := range able {
		for due := near; ; due += lead {
			t := leadsUntil(due-debts[i], int64(m.Weight), weights)
			if t > ahead {
				break
			}
			must[t]++
		}
	}
	sum := int64(0)
	for t, n := range must {
		if sum += int64(n); sum > int64(t) {
			return false, true
		}
	}
	return true, true
}
