package report

import (
	"context"
	"fmt"

	"baton/internal/agreement"
	"baton/internal/store"
)

// Response splits how long a lead waits for a person: from the offer to acceptance, and from
// acceptance to the first contact. It counts hand-offs offered within the query. It runs
// one query, two when it groups by something of the lead.
//
//	came          hand-offs that came to the step: offered, or accepted
//	done          those that took it: accepted, or contacted
//	open          those that have not: of the first step, while they wait; of the second, ever since
//	median, p90   of those that took it, in working time of the member and in wall time
//
// A contact made before the acceptance has no place in the second step; a note counts them.
func Response(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, response, plan, q)
}

func response(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
	d, member, err := clockDimension(plan, q.By)
	if err != nil {
		return nil, err
	}
	k, err := sorterOf(ctx, s, plan, d, member)
	if err != nil {
		return nil, err
	}
	return steps(ctx, s, plan, q, k)
}

// step is one half of the way from an offer to a first contact.
type step struct {
	came, done, open int64
	working, wall    []int32
}

// steps reads the hand-offs with one query.
func steps(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query, k *sorter) (*Table, error) {
	var names []string
	slots := map[string]int{}
	for i := range plan.Handoffs {
		slots[plan.Handoffs[i].Name] = len(names)
		names = append(names, plan.Handoffs[i].Name)
	}
	type place struct{ group, handoff int }
	waits := map[place]*[2]step{}
	var early int64
	err := s.EachHandoff(ctx, q.bounds(), func(r *store.HandoffRow) error {
		slot, ok := slots[r.Name]
		if !ok {
			slot = len(names)
			slots[r.Name] = slot
			names = append(names, r.Name)
		}
		at := place{k.group(r.Lead, r.Owner, r.OfferedAt), slot}
		y := waits[at]
		if y == nil {
			y = &[2]step{}
			waits[at] = y
		}
		a, b := &y[0], &y[1]
		a.came++
		if r.AcceptedAt == 0 {
			if r.ClosedAt == 0 {
				a.open++
			}
			return nil
		}
		a.done++
		a.working, a.wall = append(a.working, seconds(0, r.AcceptUsed)), append(a.wall, seconds(r.OfferedAt, r.AcceptedAt))
		b.came++
		switch {
		case r.ContactedAt == 0:
			b.open++
		case r.ContactedAt >= r.AcceptedAt:
			b.done++
			b.working, b.wall = append(b.working, seconds(0, r.ContactUsed)), append(b.wall, seconds(r.AcceptedAt, r.ContactedAt))
		default:
			b.done++
			early++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t := &Table{Name: "response", Title: "How long an offer waits"}
	if k.d.name != "" {
		t.grouped = true
		t.Columns = append(t.Columns, Column{Name: k.d.name, Title: k.d.title})
	}
	t.Columns = append(t.Columns,
		Column{Name: "handoff", Title: "Hand-off", Rank: 3},
		Column{Name: "step", Title: "Step"},
		Column{Name: "came", Title: "Came", Unit: Offers, Align: Right},
		Column{Name: "done", Title: "Done", Unit: Offers, Align: Right},
		Column{Name: "open", Title: "Open", Unit: Offers, Align: Right, Rank: 2})
	t.Columns = append(t.Columns, timeColumns()...)
	if len(waits) == 0 {
		if q.Since != 0 || q.Until != 0 {
			t.Finding = "Nothing was offered " + within(q, plan.Calendar.Zone()) + ". Choose another time to see some."
		} else {
			t.Finding = "Marketing has offered no lead to sales yet. Once a lead qualifies, how long its offer waits appears here."
		}
		return t, nil
	}
	var all [2][]int32
	order := k.order()
	for _, g := range order {
		for h, name := range names {
			y := waits[place{g, h}]
			if y == nil {
				continue
			}
			for i, word := range [2]string{"offered → accepted", "accepted → first contact"} {
				var row []Cell
				if k.d.name != "" {
					row = append(row, text(k.names[g]))
				}
				row = append(row, text(name), text(word), count(y[i].came), count(y[i].done), count(y[i].open))
				t.Rows = append(t.Rows, append(row, timeCells(y[i].working, y[i].wall)...))
				all[i] = append(all[i], y[i].working...)
			}
		}
	}
	a, b := spreadOf(all[0]), spreadOf(all[1])
	switch {
	case a.n == 0:
		t.Finding = "Nothing that was offered has been accepted yet."
	case b.n == 0:
		t.Finding = fmt.Sprintf("Half of the accepted offers are accepted within %s of working time; nobody has been contacted after it yet.", span(a.median))
	default:
		t.Finding = fmt.Sprintf("Half of the accepted offers are accepted within %s of working time, and half of the first contacts follow within %s.", span(a.median), span(b.median))
	}
	if early > 0 {
		t.note(fmt.Sprintf("In %s the first contact came before the acceptance: done, with no time between the two.", things(early, "hand-off")))
	}
	return t, nil
}
