package report

import (
	"context"
	"fmt"
	"math"

	"baton/internal/agreement"
	"baton/internal/store"
)

// Velocity shows how long leads take: from their arrival to each stage of the way, and
// from each stage to the next, in wall time. It counts leads that arrived within the
// query. It runs three queries.
//
//	n             leads (from arrival), passes (between stages) that made the step
//	median, p90   of the time it took them, by linear interpolation
//
// From arrival counts a lead's first entry to a stage, whatever the pass. Between stages
// counts the first entries of one pass. A win that is dated before its lead's arrival is
// no duration: it is left out, and a note says so.
func Velocity(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, velocity, plan, q)
}

func velocity(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
	w, err := wayOf(plan)
	if err != nil {
		return nil, err
	}
	d, err := dimensionOf(plan, q.By)
	if err != nil {
		return nil, err
	}
	c, err := leadsOf(ctx, s, plan, q, d)
	if err != nil {
		return nil, err
	}
	e, err := entriesOf(ctx, s, plan, w, c)
	if err != nil {
		return nil, err
	}
	return e.table(plan, w, c, d, q), nil
}

// entries is when leads first came to each stage of the way, in seconds from their arrival.
type entries struct {
	wide  int
	lead  []int32               // position × wide: first entry ever
	first []int32               // the same for the first pass
	later map[passKey][]int32   // and for each pass after it
	early map[int32]earlyResult // leads whose win is dated before their arrival
}

// earlyResult is a win dated before its lead's arrival.
type earlyResult struct{ lead, dated, arrived int64 }

const notYet = math.MaxInt32

// entriesOf reads the visits with one query, and with another the wins that are dated
// earlier than the instant at which they were decided.
func entriesOf(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, w way, c *cohort) (*entries, error) {
	e := &entries{wide: len(w.stages), later: map[passKey][]int32{}, early: map[int32]earlyResult{}}
	if len(c.ids) == 0 {
		return e, nil
	}
	e.lead, e.first = make([]int32, len(c.ids)*e.wide), make([]int32, len(c.ids)*e.wide)
	for i := range e.lead {
		e.lead[i], e.first[i] = notYet, notYet
	}
	position := make(map[string]int, len(w.stages))
	for p, i := range w.stages {
		position[plan.Stages[i].Name] = p
	}
	err := s.EachEntry(ctx, func(v *store.VisitRow) error {
		p, ok := position[v.Stage]
		if !ok {
			return nil
		}
		i := c.find(v.Lead)
		if i < 0 {
			return nil
		}
		if v.EnteredAt < c.arrived[i] && p == w.won {
			e.early[int32(i)] = earlyResult{v.Lead, v.EnteredAt, c.arrived[i]}
		}
		took := seconds(c.arrived[i], v.EnteredAt)
		at := &e.lead[i*e.wide+p]
		*at = min(*at, took)
		if v.Pass <= 1 {
			at = &e.first[i*e.wide+p]
		} else {
			k := passKey{int32(i), int32(v.Pass)}
			list := e.later[k]
			if list == nil {
				list = make([]int32, e.wide)
				for j := range list {
					list[j] = notYet
				}
				e.later[k] = list
			}
			at = &list[p]
		}
		*at = min(*at, took)
		return nil
	})
	if err != nil {
		return nil, err
	}
	// What a file says of a win counts here, not when Baton heard of it.
	err = s.EachBackdatedWin(ctx, func(win *store.WinRow) error {
		if i := c.find(win.Lead); i >= 0 && win.At < c.arrived[i] {
			e.early[int32(i)] = earlyResult{win.Lead, win.At, c.arrived[i]}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if w.won >= 0 {
		for i := range e.early {
			e.lead[int(i)*e.wide+w.won], e.first[int(i)*e.wide+w.won] = notYet, notYet
			for k, list := range e.later {
				if k.lead == i {
					list[w.won] = notYet
				}
			}
		}
	}
	return e, nil
}

func (e *entries) table(plan *agreement.Plan, w way, c *cohort, d dimension, q Query) *Table {
	t := &Table{Name: "velocity", Title: "How long leads take"}
	if d.name != "" {
		t.grouped = true
		t.Columns = append(t.Columns, Column{Name: d.name, Title: d.title})
	}
	t.Columns = append(t.Columns,
		Column{Name: "from", Title: "From"},
		Column{Name: "to", Title: "To"},
		Column{Name: "n", Title: "Came", Unit: Leads, Align: Right},
		Column{Name: "median_days", Title: "Median", Unit: Days, Align: Right},
		Column{Name: "p90_days", Title: "90 % within", Unit: Days, Align: Right})
	if d.period != "" {
		t.Columns = append(t.Columns, Column{Name: "cohort", Title: "Cohort", Rank: 1})
	}
	if len(c.ids) == 0 {
		t.Finding = noLeads(q, c, "their times appear here as they move through the stages")
		return t
	}
	name := func(p int) string { return plan.Stages[w.stages[p]].Name }
	// lists[g][p] from arrival to stage p; between[g][p] from the stage before to p
	lists, between := make([][][]int32, len(c.names)), make([][][]int32, len(c.names))
	for g := range lists {
		lists[g], between[g] = make([][]int32, e.wide), make([][]int32, e.wide)
	}
	steps := func(g int32, at []int32) {
		for p := 1; p < e.wide; p++ {
			if from, to := at[p-1], at[p]; from != notYet && to != notYet && to >= from {
				between[g][p] = append(between[g][p], to-from)
			}
		}
	}
	for i, g := range c.group {
		at := e.lead[i*e.wide : (i+1)*e.wide]
		for p := 1; p < e.wide; p++ {
			if at[p] != notYet {
				lists[g][p] = append(lists[g][p], at[p])
			}
		}
		steps(g, e.first[i*e.wide:(i+1)*e.wide])
	}
	for k, at := range e.later { // sorted before use: the order does not matter
		steps(c.group[k.lead], at)
	}
	goal := e.wide - 1
	var all []int32
	for g := range lists {
		if goal > 0 {
			all = append(all, lists[g][goal]...)
		}
	}
	wins := spreadOf(all)
	var wait int64
	if w.won >= 0 {
		wait = maturity(all)
	}
	now := c.now(q)
	young := c.ripening(d, wait, now)
	row := func(g int, from, to string, list []int32) {
		m := spreadOf(list)
		var cells []Cell
		if d.name != "" {
			cells = append(cells, text(c.names[g]))
		}
		cells = append(cells, text(from), text(to), count(m.n), m.middle(), m.highest())
		if d.period != "" {
			cells = append(cells, ripe(young[g]))
		}
		t.Rows = append(t.Rows, cells)
	}
	for g := range c.names {
		for p := 1; p < e.wide; p++ {
			row(g, "arrival", name(p), lists[g][p])
		}
		for p := 2; p < e.wide; p++ { // the step from the first stage is that from arrival
			row(g, name(p-1), name(p), between[g][p])
		}
	}
	switch {
	case goal < 1 || wins.n == 0:
		t.Finding = "No lead has come the whole way yet, so there is no time to tell."
	case w.won >= 0:
		t.Finding = fmt.Sprintf("Half of %s came within %s of the lead's arrival, nine in ten within %s.", things(wins.n, "win"), span(wins.median), span(wins.p90))
	default:
		t.Finding = fmt.Sprintf("Half of %s that came to %s did so within %s of their arrival, nine in ten within %s.", things(wins.n, "lead"), name(goal), span(wins.median), span(wins.p90))
	}
	t.Notes = append(t.Notes, arrivedWithin(q, c)...)
	switch n := len(e.early); {
	case n == 1:
		for _, r := range e.early {
			t.note(fmt.Sprintf("One win is dated before its lead's arrival (lead %d: won %s, arrived %s). It counts as won and is left out of the times.",
				r.lead, dayOf(r.dated, c.zone), dayOf(r.arrived, c.zone)))
		}
	case n > 1:
		t.note(fmt.Sprintf("%s are dated before their leads' arrival. They count as won and are left out of the times.", things(int64(n), "win")))
	}
	if y := c.young(wait, now); y > 0 {
		t.note(fmt.Sprintf("%s arrived less than %s before this report; the slow ones among them are not in these times yet, which makes them look shorter.", things(y, "lead"), span(wait)))
	}
	t.note("Wall time, of those who came so far. From arrival: a lead's first time in the stage. Between stages: within one pass.")
	return t
}
