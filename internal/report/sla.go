package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// SLA is the deadline table: for each clause that starts a clock, how its clocks ended and
// how much time was used. It counts clocks that started within the query. It runs four
// queries, five when it groups by something of the lead. The response split (Response) is
// its part.
//
//	started              clocks; always met + over + running + paused + let_go
//	met                  ended before time ran out
//	over                 time ran out at least once, whether or not they have ended since
//	running, paused      neither yet
//	let_go               ended with nothing to wait for any more: the lead went another way
//	in_time              met / (met + over)
//	promised             what a side has committed to for this clause
//	median, p90 working  open hours used by clocks that were met, or that ended over
//	median, p90 wall     the same from start to end by the wall clock
//
// Working time of a clock in working hours that never ran out is as it was counted, pauses
// taken out; when somebody gave the lead to another by hand, it is from then on. For all
// other clocks it is the open hours of the member's calendar between start and end. Clocks
// let go and clocks that have not ended have no time used.
func SLA(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, sla, plan, q)
}

func sla(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
	d, member, err := clockDimension(plan, q.By)
	if err != nil {
		return nil, err
	}
	k, err := sorterOf(ctx, s, plan, d, member)
	if err != nil {
		return nil, err
	}
	t, err := clocks(ctx, s, plan, q, k)
	if err != nil {
		return nil, err
	}
	part, err := steps(ctx, s, plan, q, k.again())
	if err != nil {
		return nil, err
	}
	t.Parts = append(t.Parts, part)
	return t, nil
}

// clockDimension finds what clocks and hand-offs are grouped by; member says that it is the
// member they ran for.
func clockDimension(plan *agreement.Plan, by string) (d dimension, member bool, err error) {
	if by == "owner" {
		return dimension{name: by, title: title(by)}, true, nil
	}
	d, err = dimensionOf(plan, by)
	return d, false, err
}

// sorter puts clocks and hand-offs into groups.
type sorter struct {
	d      dimension
	member bool
	leads  *cohort // for what is grouped by something of the lead
	plan   *agreement.Plan

	names []string
	slots map[string]int
}

func sorterOf(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, d dimension, member bool) (*sorter, error) {
	k := &sorter{d: d, member: member, plan: plan, slots: map[string]int{}}
	if d.name == "" || member || d.period != "" {
		return k, nil
	}
	var err error
	k.leads, err = leadsOf(ctx, s, plan, Query{}, d)
	return k, err
}

// again is a sorter for other rows of the same leads.
func (k *sorter) again() *sorter {
	return &sorter{d: k.d, member: k.member, plan: k.plan, leads: k.leads, slots: map[string]int{}}
}

func (k *sorter) group(lead int64, member string, at int64) int {
	var name string
	switch {
	case k.leads != nil:
		i := k.leads.find(lead)
		if i < 0 {
			name = none
			break
		}
		name = k.leads.names[k.leads.group[i]]
	case k.member:
		name = member
		if name == "" {
			name = none
		}
	case k.d.period != "":
		name = string(appendPeriod(nil, k.d.period, at, k.plan.Calendar.Zone()))
	}
	g, ok := k.slots[name]
	if !ok {
		g = len(k.names)
		k.slots[name] = g
		k.names = append(k.names, name)
	}
	return g
}

// order returns the groups as they are shown: by their names, or as the leads have them.
func (k *sorter) order() []int {
	names := append([]string(nil), k.names...)
	if k.leads != nil {
		names = append(append([]string(nil), k.leads.names...), none)
	} else {
		slices.SortFunc(names, func(a, b string) int { // those without one last
			if a == none || b == none {
				return cmp.Compare(b, a)
			}
			return cmp.Compare(a, b)
		})
	}
	var list []int
	for _, n := range names {
		if g, ok := k.slots[n]; ok {
			list = append(list, g)
			delete(k.slots, n)
		}
	}
	return list
}

// due is a clause that starts clocks.
type due struct {
	address  string
	within   calendar.Duration
	promised float64 // a share, 0 for none
	side     agreement.Side
}

// deadlines lists the clauses of a plan that start clocks, in its order: hand-offs, stages,
// clocks of its own.
func deadlines(plan *agreement.Plan) []due {
	promised := map[string]agreement.Commitment{}
	for _, c := range plan.Commitments {
		if c.Percent {
			promised[c.Name] = c
		}
	}
	var list []due
	add := func(address string, within calendar.Duration, measure string, side agreement.Side) {
		if within.IsZero() {
			return
		}
		d := due{address: address, within: within, side: side}
		if c, ok := promised[measure]; ok {
			d.promised, d.side = c.AtLeast/100, c.Side
		}
		list = append(list, d)
	}
	for i := range plan.Handoffs {
		h := &plan.Handoffs[i]
		add(h.AcceptClause.Address, h.AcceptWithin, "accepted_in_time", agreement.Sales)
		add(h.ContactClause.Address, h.ContactWithin, "contacted_in_time", agreement.Sales)
	}
	for i := range plan.Stages {
		if p := &plan.Stages[i]; p.Final == agreement.NotFinal {
			add(p.Address+".limit", p.Limit, "", p.Side)
		}
	}
	for i := range plan.Clocks {
		add(plan.Clocks[i].Address, plan.Clocks[i].Within, "", agreement.NoSide)
	}
	return list
}

// tally is what became of the clocks of one clause in one group.
type tally struct {
	started, met, over, running, paused, letGo int64
	working, wall                              []int32
}

// calendars are those that clocks run in, as they are now.
type calendars struct {
	plan   *agreement.Plan
	roster *lifecycle.Roster
}

func calendarsOf(ctx context.Context, s *store.Snapshot, plan *agreement.Plan) (calendars, error) {
	r, err := s.Roster(ctx)
	return calendars{plan, r}, err
}

// of returns the calendar of a clock of a member; "" is no clock in particular.
func (c calendars) of(clock, member string) *calendar.Calendar {
	return lifecycle.ClockHours(c.plan, c.roster, clock, member)
}

// clocks reads the clocks with one query beside that for the team.
func clocks(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query, k *sorter) (*Table, error) {
	clauses := deadlines(plan)
	known := len(clauses)
	slots := map[string]int{}
	for i := range clauses {
		slots[clauses[i].address] = i
	}
	hours, err := calendarsOf(ctx, s, plan)
	if err != nil {
		return nil, err
	}
	tallies := map[[2]int]*tally{}
	err = s.EachClock(ctx, q.bounds(), func(r *store.ClockRow) error {
		slot, ok := slots[r.Name]
		if !ok {
			slot = len(clauses)
			slots[r.Name] = slot
			clauses = append(clauses, due{address: r.Name})
		}
		at := [2]int{k.group(r.Lead, r.Member, r.StartedAt), slot}
		y := tallies[at]
		if y == nil {
			y = &tally{}
			tallies[at] = y
		}
		y.started++
		dropped := r.State == "dropped"
		switch {
		case r.Breaches > 0:
			y.over++
		case dropped:
			y.letGo++
		case r.StoppedAt != 0:
			y.met++
		case r.State == "paused":
			y.paused++
		default:
			y.running++
		}
		if r.StoppedAt == 0 || dropped {
			return nil
		}
		used := r.Used
		if r.Breaches > 0 || calendar.Unit(r.Unit) != calendar.WorkingTime {
			used = hours.of(r.Name, r.Member).Between(r.StartedAt, r.StoppedAt, calendar.WorkingTime)
		}
		y.working = append(y.working, seconds(0, used))
		y.wall = append(y.wall, seconds(r.StartedAt, r.StoppedAt))
		return nil
	})
	if err != nil {
		return nil, err
	}

	t := &Table{Name: "sla", Title: "Where time ran out"}
	if k.d.name != "" {
		t.grouped = true
		t.Columns = append(t.Columns, Column{Name: k.d.name, Title: k.d.title})
	}
	promises := false
	for i := range clauses {
		promises = promises || clauses[i].promised > 0
	}
	t.Columns = append(t.Columns,
		Column{Name: "clause", Title: "Clause"},
		Column{Name: "within", Title: "Within", Rank: 3},
		Column{Name: "side", Title: "Side", Rank: 8},
		Column{Name: "started", Title: "Started", Unit: Clocks, Align: Right},
		Column{Name: "met", Title: "Met", Unit: Clocks, Align: Right},
		Column{Name: "over", Title: "Over", Unit: Clocks, Align: Right},
		Column{Name: "running", Title: "Running", Unit: Clocks, Align: Right, Rank: 2},
		Column{Name: "paused", Title: "Paused", Unit: Clocks, Align: Right, Rank: 5},
		Column{Name: "let_go", Title: "Let go", Unit: Clocks, Align: Right, Rank: 6},
		Column{Name: "in_time", Title: "In time", Unit: Ratio, Align: Right})
	if promises {
		t.Columns = append(t.Columns, Column{Name: "promised", Title: "Promised", Unit: Ratio, Align: Right, Rank: 2})
	}
	t.Columns = append(t.Columns, timeColumns()...)
	if len(tallies) == 0 {
		switch {
		case known == 0:
			t.Finding = "The agreement sets no deadline, so no clock runs. Give a hand-off an accept_within, or a stage a limit."
		case q.Since != 0 || q.Until != 0:
			t.Finding = "No clock started " + within(q, plan.Calendar.Zone()) + ". Choose another time to see some."
		default:
			t.Finding = "No clock has started yet. The first starts when marketing offers a lead to sales, or a lead enters a stage with a limit."
		}
		return t, nil
	}
	order := k.order()
	var over, ended int64
	worst, most := "", int64(0)
	for slot := range clauses {
		var here int64
		for _, g := range order {
			if y := tallies[[2]int{g, slot}]; y != nil {
				here += y.over
				over += y.over
				ended += y.over + y.met
			}
		}
		if here > most {
			worst, most = clauses[slot].address, here
		}
	}
	for _, g := range order {
		for slot, c := range clauses {
			y := tallies[[2]int{g, slot}]
			if y == nil {
				if k.d.name != "" || slot >= known {
					continue
				}
				y = &tally{}
			}
			var row []Cell
			if k.d.name != "" {
				row = append(row, text(k.names[g]))
			}
			allowed := Cell{}
			if !c.within.IsZero() {
				allowed = text(c.within.String())
			}
			inTime := Cell{}
			if y.met+y.over > 0 {
				inTime = ratio(share(y.met, y.met+y.over))
			}
			row = append(row, text(c.address), allowed, text(c.side.String()), count(y.started), count(y.met), count(y.over), count(y.running),
				count(y.paused), count(y.letGo), inTime)
			if promises {
				cell := Cell{}
				if c.promised > 0 {
					cell = ratio(c.promised)
				}
				row = append(row, cell)
			}
			t.Rows = append(t.Rows, append(row, timeCells(y.working, y.wall)...))
		}
	}
	switch {
	case ended == 0:
		t.Finding = "No clock has come to an end yet."
	case over == 0:
		t.Finding = fmt.Sprintf("All of %s that ended were met in time.", things(ended, "clock"))
	default:
		t.Finding = fmt.Sprintf("Time ran out on %s of %s (%s)", number(over), things(ended, "clock"), percent(share(over, ended)))
		if most < over || len(clauses) > 1 {
			t.Finding += fmt.Sprintf(", most often under %s (%s)", worst, number(most))
		}
		t.Finding += "."
	}
	if q.Since != 0 || q.Until != 0 {
		t.note("Clocks that started " + within(q, plan.Calendar.Zone()) + ".")
	}
	t.note("In time is met out of met and over; clocks that still run, or that were let go because the lead went another way, are in neither.")
	t.note("Working time counts open hours only; a clock that is over is measured to its end. Wall time is from start to end.")
	if len(clauses) > known {
		var old []string
		for _, c := range clauses[known:] {
			old = append(old, c.address)
		}
		t.note("No longer in the agreement, their clocks ran under an earlier one: " + inWords(old) + ".")
	}
	return t, nil
}

func timeColumns() []Column {
	return []Column{
		{Name: "median_working_hours", Title: "Median used", Unit: Hours, Align: Right, Rank: 1},
		{Name: "p90_working_hours", Title: "90 % used", Unit: Hours, Align: Right, Rank: 4},
		{Name: "median_wall_hours", Title: "Median wall", Unit: Hours, Align: Right, Rank: 6},
		{Name: "p90_wall_hours", Title: "90 % wall", Unit: Hours, Align: Right, Rank: 7},
	}
}

func timeCells(working, wall []int32) []Cell {
	a, b := spreadOf(working), spreadOf(wall)
	return []Cell{a.middle(), a.highest(), b.middle(), b.highest()}
}
