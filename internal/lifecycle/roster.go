package lifecycle

import (
	"slices"
	"strings"

	"baton/internal/agreement"
)

// NewRoster returns the roster of the people the agreement itself names.
func NewRoster(plan *agreement.Plan) *Roster {
	r := &Roster{}
	for i := range plan.People {
		r.set(plan, &plan.People[i])
	}
	return r
}

// Member returns the member with an ID, or nil.
func (r *Roster) Member(id string) *Member {
	if r == nil {
		return nil
	}
	i, ok := r.find(id)
	if !ok {
		return nil
	}
	return &r.Members[i]
}

func (r *Roster) find(id string) (int, bool) {
	return slices.BinarySearchFunc(r.Members, id, func(m Member, id string) int { return strings.Compare(m.ID, id) })
}

func (r *Roster) clone() *Roster {
	c := *r
	c.Members = slices.Clone(r.Members)
	for i := range c.Members {
		c.Members[i].Away = slices.Clip(c.Members[i].Away)
	}
	c.Ledgers = slices.Clone(r.Ledgers)
	for i := range c.Ledgers {
		c.Ledgers[i].Entries = slices.Clone(c.Ledgers[i].Entries)
	}
	return &c
}

// set adds a person or brings them up to date; open work and debts stay.
func (r *Roster) set(plan *agreement.Plan, p *agreement.Person) {
	i, ok := r.find(p.ID)
	if !ok {
		r.Members = slices.Insert(r.Members, i, Member{})
	}
	m := &r.Members[i]
	m.Person, m.Inactive = *p, false
	m.Weight = max(1, m.Weight)
	for _, pool := range p.Pools {
		r.ledger(pool).entry(p.ID)
	}
}

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

// away reports whether the member is absent at an instant.
func (m *Member) away(at int64) bool {
	for _, a := range m.Away {
		if a.From <= at && at < a.To {
			return true
		}
	}
	return false
}

func (m *Member) back(at int64) int64 {
	for _, a := range m.Away {
		if a.From <= at && at < a.To {
			return a.To
		}
	}
	return at
}

func (m *Member) in(pool int) bool { return slices.Contains(m.Pools, pool) }

func applyRoster(plan *agreement.Plan, r *Roster, c *Change) {
	switch c.Kind {
	case MemberSet:
		r.set(plan, c.Member)
	case MemberLeft:
		if m := r.Member(c.Name); m != nil {
			m.Inactive = true
		}
	case AbsenceSet:
		if m := r.Member(c.Name); m != nil {
			m.Away = addAbsence(m.Away, Absence{From: c.At, To: c.Due})
		}
	case LoadChanged:
		if m := r.Member(c.Name); m != nil {
			m.Open = max(0, m.Open+int(c.Int))
		}
	case LedgerMoved:
		r.share(named(plan.Pools, c.Name), c.Members, c.To, c.At)
	}
}

// addAbsence keeps the last ten years' worth at most: sixty-four absences.
func addAbsence(list []Absence, a Absence) []Absence {
	if a.To <= a.From {
		return list
	}
	out := make([]Absence, 0, len(list)+1)
	for _, b := range list {
		if b.To < a.From || a.To < b.From {
			out = append(out, b)
			continue
		}
		a = Absence{min(a.From, b.From), max(a.To, b.To)}
	}
	i, _ := slices.BinarySearchFunc(out, a.From, func(b Absence, from int64) int { return int(min(1, max(-1, b.From-from))) })
	out = slices.Insert(out, i, a)
	if len(out) > 64 {
		out = out[len(out)-64:]
	}
	return out
}

// Lead is one lead in the ledger's unit.
const lead = 1_000_000

// share enters one lead into the ledger of a pool: each of those who share is owed their part of
// it, and the one who got it has had it. The sum of a sharing is zero.
//
// A member who is new or comes back starts at the average of those present, both in debt
// and in what they count as carrying, so that nobody is flooded with what
// was shared out while they were away.
func (r *Roster) share(pool int, members []string, to string, at int64) {
	g := r.ledger(pool)
	r.attend(g, pool, at)
	weights := int64(0)
	for _, id := range members {
		weights += int64(r.Member(id).Weight)
	}
	left := int64(lead)
	for _, id := range members {
		left -= lead * int64(r.Member(id).Weight) / weights
	}
	for _, id := range members {
		e := g.entry(id)
		part := lead * int64(r.Member(id).Weight) / weights
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

// attend marks who of a pool is there. Whoever is there for the first time or again starts at the average.
func (r *Roster) attend(g *Ledger, pool int, at int64) {
	var debt, load, n int64
	for i := range g.Entries {
		e := &g.Entries[i]
		m := r.Member(e.Member)
		if m == nil || m.Inactive || m.away(at) || !m.in(pool) {
			e.Present = false
			continue
		}
		if e.Present {
			debt += e.Debt
			load += lead*int64(m.Open) + e.Handicap
			n++
		}
	}
	for i := range g.Entries {
		e := &g.Entries[i]
		m := r.Member(e.Member)
		if e.Present || m == nil || m.Inactive || m.away(at) || !m.in(pool) {
			continue
		}
		e.Present, e.Since, e.Debt, e.Handicap = true, at, 0, 0
		if n > 0 {
			e.Debt = debt / n
			e.Handicap = max(0, load/n-lead*int64(m.Open))
		}
	}
}

// decideRoster handles inputs about the team.
func (d *decider) decideRoster() {
	in := d.in
	d.ownRoster()
	switch in.Kind {
	case Joined:
		d.emit(Change{Kind: MemberSet, Name: in.Member.ID, Member: in.Member})
	case Left:
		if d.member(in.Name) == nil {
			d.refuse("nobody called %q is in the team", in.Name)
			return
		}
		d.emit(Change{Kind: MemberLeft, Name: in.Name})
	case Absent:
		if d.member(in.Name) == nil {
			d.refuse("nobody called %q is in the team", in.Name)
			return
		}
		if in.Due <= in.At {
			d.refuse("an absence ends after it begins")
			return
		}
		d.emit(Change{Kind: AbsenceSet, Name: in.Name, At: in.At, Due: in.Due})
	default:
		d.refuse("%s needs a lead", in.Kind)
	}
}

func (d *decider) ownRoster() {
	d.team = true
	if d.roster || d.state.Roster == nil {
		return
	}
	d.state.Roster = d.state.Roster.clone()
	d.roster = true
}

func (d *decider) member(id string) *Member {
	d.team = true
	return d.state.Roster.Member(id)
}

func (d *decider) load(member string, by int64, why int) {
	if d.member(member) == nil {
		return
	}
	d.ownRoster()
	d.emit(Change{Kind: LoadChanged, Name: member, Int: by, Reason: why})
}
