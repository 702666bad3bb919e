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

// mostWeight is where weights are cut off: the sums of a ledger fit into 64 bits with a thousand members of it.
const mostWeight = 1_000_000

// set adds a person or brings them up to date; open work and debts stay.
func (r *Roster) set(plan *agreement.Plan, p *agreement.Person) {
	i, ok := r.find(p.ID)
	if !ok {
		r.Members = slices.Insert(r.Members, i, Member{})
	}
	m := &r.Members[i]
	m.Person, m.Inactive = *p, false
	m.Weight = min(max(1, m.Weight), mostWeight)
	for _, pool := range p.Pools {
		r.ledger(pool).entry(p.ID)
	}
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
