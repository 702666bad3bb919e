package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/identity"
)

// assignment is who gets a lead.
type assignment struct {
	member string
	queue  int // -1 for none
	why    int
}

// assign walks the assignment rules: the first whose condition holds and that finds somebody
// decides. Members in tried are passed over. Everybody passed over is named in the reasons.
func (d *decider) assign(tried []string) assignment {
	d.buildCurve() // a person or a deadline may ask before the score is looked at
	d.observe()
	for i := range d.plan.Assignment {
		rule := &d.plan.Assignment[i]
		if !rule.When.Holds(&d.facts) {
			continue
		}
		switch {
		case rule.ToOwner:
			if id := d.facts.AccountOwner; id != "" && d.canTake(rule, id, tried) {
				return assignment{member: id, queue: -1, why: d.becauseSaw(rule.Address, rule.When)}
			}
		case rule.ToNamed:
			if id := d.named(); id != "" && d.canTake(rule, id, tried) {
				return assignment{member: id, queue: -1, why: d.becauseSaw(rule.Address, rule.When)}
			}
		case rule.Person != "":
			if d.canTake(rule, rule.Person, tried) {
				return assignment{member: rule.Person, queue: -1, why: d.becauseSaw(rule.Address, rule.When)}
			}
		case rule.Pool >= 0:
			if id, present := d.choose(rule, tried); id != "" {
				why := d.becauseSaw(rule.Address, rule.When)
				d.ownRoster()
				d.emit(Change{Kind: LedgerMoved, Name: d.plan.Pools[rule.Pool].Name, To: id, Members: present,
					Num: d.state.Roster.ledger(rule.Pool).entry(id).Behind(), At: d.now, Reason: why})
				return assignment{member: id, queue: -1, why: why}
			}
			if rule.Otherwise >= 0 {
				return assignment{queue: rule.Otherwise, why: d.becauseText(rule.Address, "nobody of the pool can take it now")}
			}
		case rule.Queue >= 0:
			return assignment{queue: rule.Queue, why: d.becauseSaw(rule.Address, rule.When)}
		}
	}
	// check refuses an agreement that gets here; a team that has shrunk may
	queue := -1
	if len(d.plan.Queues) > 0 {
		queue = 0
	}
	return assignment{queue: queue, why: d.becauseText("assignment", "no rule found anybody")}
}

// canTake reports whether a named person can take a lead now, and says why not.
func (d *decider) canTake(rule *agreement.AssignmentRule, id string, tried []string) bool {
	m := d.member(id)
	if m == nil {
		d.becauseText(rule.Address, id+" is not in the team")
		return false
	}
	if slices.Contains(tried, id) {
		d.becauseText(rule.Address, d.name(id)+" has had it already")
		return false
	}
	if text := d.unable(m); text != "" {
		d.becauseText(rule.Address, d.name(id)+" "+text)
		return false
	}
	return true
}

// unable says why a member cannot take a lead now, or "".
func (d *decider) unable(m *Member) string {
	switch {
	case m.Inactive:
		return "has left the team"
	case m.away(d.now):
		return "is away until " + time.UnixMicro(m.back(d.now)).In(d.plan.Calendar.Zone()).Format("2 Jan 15:04")
	case m.Capacity > 0 && m.Open >= m.Capacity:
		return fmt.Sprintf("has %d of %d open hand-offs", m.Open, m.Capacity)
	case m.PerDay > 0 && m.HadToday(d.plan, d.state.Roster, d.now) >= m.PerDay:
		return fmt.Sprintf("has had %d of %d hand-offs of the day", m.Today, m.PerDay)
	}
	return ""
}

// full says why a member takes nothing from a queue now, in words for them; "" if they can. The caps hold for what people take as they do
// for what they are given: they were agreed on so that nobody has more than they can answer. By hand, anybody can be given anything.
func (d *decider) full(m *Member) string {
	clause := func(key string) string {
		if _, ok := d.plan.Index.Clause["people."+m.ID]; ok {
			return "people." + m.ID
		}
		return key // they joined by an input
	}
	switch {
	case m.Capacity > 0 && m.Open >= m.Capacity:
		return fmt.Sprintf("you have %d of %d hand-offs to answer (%s): answer one of them, and then take the next", m.Open, m.Capacity, clause("capacity"))
	case m.PerDay > 0 && m.HadToday(d.plan, d.state.Roster, d.now) >= m.PerDay:
		return fmt.Sprintf("you have had %d of %d hand-offs today (%s): well done; tomorrow you can take more, or somebody can give you one by hand", m.Today, m.PerDay, clause("per_day"))
	}
	return ""
}

// HadToday is how many hand-offs a member has had on the local day of an instant. It is known of who has a cap for the day.
func (m *Member) HadToday(plan *agreement.Plan, r *Roster, at int64) int {
	if m.Day != HoursOf(plan, r, m.ID).Day(at) {
		return 0
	}
	return m.Today
}

// named returns whose the account of the lead is by name, "" for nobody.
func (d *decider) named() string {
	d.team = true
	slot, ok := d.plan.Index.Attribute[CompanyDomain]
	if !ok || d.state.Roster == nil {
		return ""
	}
	domain, ok := identity.AccountKey(strings.ToLower(valueAt(d.facts.Company, slot).Str))
	if !ok {
		return ""
	}
	for i := range d.state.Roster.Members {
		if m := &d.state.Roster.Members[i]; slices.Contains(m.Accounts, domain) {
			return m.ID
		}
	}
	return ""
}

// asks finds what the lead asks for of one kind: nil for nothing, and then everybody will do.
func (d *decider) asks(kind agreement.TraitKind) []int {
	var slots []int
	for i := range d.plan.Traits[kind] {
		if d.plan.Traits[kind][i].When.Holds(&d.facts) {
			slots = append(slots, i)
		}
	}
	return slots
}

// unlike says what a member lacks of what the lead asks for, or "". One territory and one language in common will do; of
// skills it takes all.
func (d *decider) unlike(m *Member, kind agreement.TraitKind, asked []int) string {
	if len(asked) == 0 {
		return ""
	}
	name := func(i int) string { return d.plan.Traits[kind][i].Name }
	lacks := func(i int) bool { return !slices.Contains(m.Traits[kind], i) }
	switch kind {
	case agreement.Skill:
		if i := slices.IndexFunc(asked, lacks); i >= 0 {
			return "does not have the skill " + name(asked[i])
		}
		return ""
	case agreement.Territory:
		if !slices.ContainsFunc(asked, func(i int) bool { return !lacks(i) }) {
			return "does not take the territory " + name(asked[0])
		}
	case agreement.Language:
		if !slices.ContainsFunc(asked, func(i int) bool { return !lacks(i) }) {
			return "does not speak " + name(asked[0])
		}
	}
	return ""
}

// choose picks a member of a pool, and returns who shared the lead. While anybody of the pool is at
// work, only they share; at night everybody does. Whoever is passed over is named in the reasons.
func (d *decider) choose(rule *agreement.AssignmentRule, tried []string) (string, []string) {
	d.team = true
	r := d.state.Roster
	if r == nil {
		return "", nil
	}
	var asked [agreement.Traits][]int
	for _, kind := range rule.Match {
		asked[kind] = d.asks(kind)
	}
	var able, working []*Member
members:
	for i := range r.Members {
		m := &r.Members[i]
		if !m.in(rule.Pool) {
			continue
		}
		if slices.Contains(tried, m.ID) {
			d.becauseText(rule.Address, d.name(m.ID)+" has had it already")
			continue
		}
		if text := d.unable(m); text != "" {
			d.becauseText(rule.Address, d.name(m.ID)+" "+text)
			continue
		}
		for _, kind := range rule.Match {
			if text := d.unlike(m, kind, asked[kind]); text != "" {
				d.becauseText(rule.Address, d.name(m.ID)+" "+text)
				continue members
			}
		}
		able = append(able, m)
		if HoursOf(d.plan, d.state.Roster, m.ID).Open(d.now) {
			working = append(working, m)
		}
	}
	if len(working) > 0 {
		for _, m := range able {
			if !slices.Contains(working, m) {
				d.becauseText(rule.Address, d.name(m.ID)+" is not at work now")
			}
		}
		able = working
	}
	if len(able) == 0 {
		return "", nil
	}
	r.attendAll(rule.Pool, d)
	ledger := d.state.Roster.ledger(rule.Pool)
	present := make([]string, len(able))
	var weights int64
	for i, m := range able {
		present[i] = m.ID
		weights += int64(m.Weight)
	}
	var best int
	if rule.By == agreement.LeastLoaded {
		best = leastLoaded(able, ledger)
	} else {
		best = furthestBehind(able, ledger.debts(able), weights)
	}
	return able[best].ID, present
}

// attendAll looks who is there before a lead is shared, on a copy of the roster.
func (r *Roster) attendAll(pool int, d *decider) {
	d.ownRoster()
	d.state.Roster.attend(d.state.Roster.ledger(pool), pool, d.now)
}

// leastLoaded picks the fewest open hand-offs for the weight; ties go to the largest debt, then to the first by ID.
func leastLoaded(able []*Member, g *Ledger) int {
	best := 0
	load := func(m *Member) int64 { return lead*int64(m.Open) + g.entry(m.ID).Handicap }
	for i := 1; i < len(able); i++ {
		a, b := able[i], able[best]
		x, y := load(a)*int64(b.Weight), load(b)*int64(a.Weight)
		if x < y || x == y && g.entry(a.ID).Debt > g.entry(b.ID).Debt {
			best = i
		}
	}
	return best
}
