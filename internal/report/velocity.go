package report

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
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
	w, err := wayOf(plan)
	if err != nil {
		return nil, err
	}
	d, err := dimensionOf(plan, q.By)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, st)
	if err != nil {
		return nil, err
	}
	defer s.close()
	c, err := s.leads(ctx, plan, q, d)
	if err != nil {
		return nil, err
	}
	e, err := s.entries(ctx, plan, w, c)
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

// entries reads the visits with one query, and with another the results that are dated
// earlier than the instant at which they were decided.
func (s *snapshot) entries(ctx context.Context, plan *agreement.Plan, w way, c *cohort) (*entries, error) {
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
	var stage sql.RawBytes
	err := s.each(ctx, "stays in stages", `SELECT lead, pass, stage, entered_at FROM visit ORDER BY id`, nil, func(r *sql.Rows) error {
		var lead, pass, entered int64
		if err := r.Scan(&lead, &pass, &stage, &entered); err != nil {
			return err
		}
		p, ok := position[string(stage)]
		if !ok {
			return nil
		}
		i := c.find(lead)
		if i < 0 {
			return nil
		}
		if entered < c.arrived[i] && p == w.won {
			e.early[int32(i)] = earlyResult{lead, entered, c.arrived[i]}
		}
		took := seconds(c.arrived[i], entered)
		at := &e.lead[i*e.wide+p]
		*at = min(*at, took)
		if pass <= 1 {
			at = &e.first[i*e.wide+p]
		} else {
			k := passKey{int32(i), int32(pass)}
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
	// A visit begins when Baton decided, which is never before the lead existed. What the file or
	// the person said is in the input, whose ID is the visit's without its last three digits.
	err = s.each(ctx, "results", `SELECT v.lead, i.at FROM visit v JOIN input i ON i.id = v.id / 1000
		WHERE v.outcome = 'won' AND i.lead = v.lead AND i.kind IN ($1, $2) AND i.at < v.entered_at ORDER BY v.id`,
		[]any{int64(lifecycle.Win), int64(lifecycle.Move)}, func(r *sql.Rows) error {
			var lead, at int64
			if err := r.Scan(&lead, &at); err != nil {
				return err
			}
			if i := c.find(lead); i >= 0 && at < c.arrived[i] {
				e.early[int32(i)] = earlyResult{lead, at, c.arrived[i]}
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
