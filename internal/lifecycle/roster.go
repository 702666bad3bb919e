package lifecycle

import (
	"cmp"
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

// Leads reports whether a member is the manager of another, or stands above their manager.
func (r *Roster) Leads(boss, id string) bool {
	for range r.Members { // managers may be each other's
		m := r.Member(id)
		if m == nil || m.Manager == "" {
			return false
		}
		if id = m.Manager; id == boss {
			return true
		}
	}
	return false
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
	m.Hours = nil // they are looked up in the agreement
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

// back returns when somebody who is away is there again, of absences that follow upon each other when the last is over.
func (m *Member) back(at int64) int64 {
	for _, a := range m.Away {
		if a.From <= at && at < a.To {
			at = a.To
		}
	}
	return at
}

// leaves returns when the next absence begins after an instant, Never for none.
func (m *Member) leaves(at int64) int64 {
	for _, a := range m.Away {
		if a.From > at {
			return a.From
		}
	}
	return agreement.Never
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
			m.Away = addAbsence(m.Away, Absence{From: c.At, To: c.Due, Calendar: c.To == byCalendar})
		}
	case AbsenceCleared:
		if m := r.Member(c.Name); m != nil {
			m.Away = cutAbsence(m.Away, Absence{From: c.At, To: c.Due, Calendar: c.To == byCalendar})
		}
	case LoadChanged:
		if m := r.Member(c.Name); m != nil {
			m.Open = max(0, m.Open+int(c.Int))
			if c.At != 0 {
				if day := HoursOf(plan, r, m.ID).Day(c.At); m.Day != day {
					m.Day, m.Today = day, 0
				}
				m.Today++
			}
		}
	case LedgerMoved:
		r.share(named(plan.Pools, c.Name), c.Members, c.To, c.At)
	}
}

// byCalendar is what changes say of an absence that the member's calendar tells.
const byCalendar = "calendar"

// mostAway is how many absences of a member are kept: the latest.
const mostAway = 64

// addAbsence enters an absence. What overlaps or touches it of the same origin becomes one with it.
func addAbsence(list []Absence, a Absence) []Absence {
	if a.To <= a.From {
		return list
	}
	out := make([]Absence, 0, len(list)+1)
	for _, b := range list {
		if b.Calendar != a.Calendar || b.To < a.From || a.To < b.From {
			out = append(out, b)
			continue
		}
		a.From, a.To = min(a.From, b.From), max(a.To, b.To)
	}
	i, _ := slices.BinarySearchFunc(out, a.From, func(b Absence, from int64) int { return cmp.Compare(b.From, from) })
	out = slices.Insert(out, i, a)
	return out[max(0, len(out)-mostAway):]
}

// cutAbsence takes a time out of the absences of one origin.
func cutAbsence(list []Absence, cut Absence) []Absence {
	out := make([]Absence, 0, len(list)+1)
	for _, a := range list {
		if a.Calendar != cut.Calendar || a.To <= cut.From || cut.To <= a.From {
			out = append(out, a)
			continue
		}
		if a.From < cut.From {
			out = append(out, Absence{a.From, cut.From, a.Calendar})
		}
		if cut.To < a.To {
			out = append(out, Absence{cut.To, a.To, a.Calendar})
		}
	}
	slices.SortStableFunc(out, func(a, b Absence) int { return cmp.Compare(a.From, b.From) })
	return out[max(0, len(out)-mostAway):]
}

// readCalendar finds how what a member's calendar says of the time to come differs from what is known: what it says no more, and
// what is new. What is over stays.
func readCalendar(known, says []Absence, now int64) (gone, fresh []Absence) {
	ahead := func(list []Absence) []Absence {
		var out []Absence
		for _, a := range list {
			if a.Calendar && a.To > now {
				out = append(out, a)
			}
		}
		return out
	}
	var all []Absence
	for _, a := range says {
		all = addAbsence(all, Absence{a.From, a.To, true})
	}
	was, is := ahead(known), ahead(all)
	for _, a := range was {
		if !slices.Contains(is, a) {
			gone = append(gone, a)
		}
	}
	for _, a := range is {
		if !slices.Contains(was, a) {
			fresh = append(fresh, a)
		}
	}
	return gone, fresh
}

// Staffed is the input by which a member leaves the team, or is in it again as they were.
func (m *Member) Staffed(active bool) Input {
	if !active {
		return Input{Kind: Left, Name: m.ID}
	}
	p := m.Person
	return Input{Kind: Joined, Name: m.ID, Member: &p}
}

// Knows reports whether what a member's calendar says of the time to come is known already.
func (m *Member) Knows(says []Absence, now int64) bool {
	gone, fresh := readCalendar(m.Away, says, now)
	return len(gone)+len(fresh) == 0
}

// decideRoster handles inputs about the team.
func (d *decider) decideRoster() {
	in := d.in
	d.ownRoster()
	switch in.Kind {
	case Joined:
		d.takeIn(in.Member)
	case Hours:
		m := d.member(in.Name)
		switch {
		case m == nil:
			d.refuse("nobody called %q is in the team", in.Name)
			return
		case m.Inactive: // or they would be back
			d.refuse("%s has left the team, and works no hours; let them join again first", d.name(m.ID))
			return
		}
		p := m.Person
		p.Zone, p.Week = in.Member.Zone, in.Member.Week
		d.takeIn(&p)
	case Left:
		if d.member(in.Name) == nil {
			d.refuse("nobody called %q is in the team", in.Name)
			return
		}
		d.emit(Change{Kind: MemberLeft, Name: in.Name})
		if left := &d.plan.Absences.Left; left.Offered || left.Accepted {
			d.reviewHeld(in.Name)
		}
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
		d.awayChanged(in.Name)
	case Present:
		m := d.member(in.Name)
		if m == nil {
			d.refuse("nobody called %q is in the team", in.Name)
			return
		}
		if in.Due <= in.At {
			d.refuse("the time in which somebody is there ends after it begins")
			return
		}
		during := func(a Absence) bool { return a.From < in.Due && in.At < a.To }
		if !slices.ContainsFunc(m.Away, func(a Absence) bool { return during(a) && !a.Calendar }) {
			if slices.ContainsFunc(m.Away, during) {
				d.refuse("the calendar of %s says that they are away then; change it there", d.name(in.Name))
			} else {
				d.refuse("%s is not away in that time", d.name(in.Name))
			}
			return
		}
		d.emit(Change{Kind: AbsenceCleared, Name: in.Name, At: in.At, Due: in.Due})
		d.awayChanged(in.Name)
	case Calendar:
		m := d.member(in.Name)
		if m == nil {
			d.refuse("nobody called %q is in the team", in.Name)
			return
		}
		gone, fresh := readCalendar(m.Away, in.Away, d.now)
		for _, a := range gone {
			d.emit(Change{Kind: AbsenceCleared, Name: in.Name, At: a.From, Due: a.To, To: byCalendar})
		}
		for _, a := range fresh {
			d.emit(Change{Kind: AbsenceSet, Name: in.Name, At: a.From, Due: a.To, To: byCalendar})
		}
		if len(gone)+len(fresh) > 0 {
			d.awayChanged(in.Name)
		}
	default:
		d.refuse("%s needs a lead", in.Kind)
	}
}

// takeIn has somebody join, or changes them. If that changes when they work, the deadlines of what they hold move.
func (d *decider) takeIn(p *agreement.Person) {
	if p.Zone != "" || p.Week != "" {
		if i, ok := d.plan.Index.Person[p.ID]; ok {
			d.refuse("when %s works stands in the agreement, under %s: change it there", d.name(p.ID), d.plan.People[i].Address)
			return
		}
		if _, err := d.plan.OwnHours(p.Zone, p.Week); err != nil {
			d.refuse("%s", strings.TrimPrefix(err.Error(), "reading "))
			return
		}
	}
	before := HoursOf(d.plan, d.state.Roster, p.ID)
	known := d.member(p.ID) != nil
	d.emit(Change{Kind: MemberSet, Name: p.ID, Member: p})
	if known && !before.Same(HoursOf(d.plan, d.state.Roster, p.ID)) {
		d.reviewHeld(p.ID)
	}
}

// awayChanged has what a member holds looked at again, if it matters to it whether they are away.
func (d *decider) awayChanged(member string) {
	if away := &d.plan.Absences.Away; away.Offered || away.Accepted || away.Pause {
		d.reviewHeld(member)
	}
}

// reviewHeld has the leads that a member owns looked at again: whoever carries out decisions has each of them decided, in the
// order of their IDs, with a Refresh.
func (d *decider) reviewHeld(member string) { d.emit(Change{Kind: HeldReviewed, Name: member}) }

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
	c := Change{Kind: LoadChanged, Name: member, Int: by, Reason: why}
	if m := d.member(member); by > 0 && m.PerDay > 0 {
		c.At = d.now
	}
	d.emit(c)
}
