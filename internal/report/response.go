package report

import (
	"context"
	"database/sql"
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
	d, member, err := clockDimension(plan, q.By)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, st)
	if err != nil {
		return nil, err
	}
	defer s.close()
	k, err := s.sorter(ctx, plan, d, member)
	if err != nil {
		return nil, err
	}
	return s.response(ctx, plan, q, k)
}

// step is one half of the way from an offer to a first contact.
type step struct {
	came, done, open int64
	working, wall    []int32
}

func (s *snapshot) response(ctx context.Context, plan *agreement.Plan, q Query, k *sorter) (*Table, error) {
	var names []string
	slots := map[string]int{}
	for i := range plan.Handoffs {
		slots[plan.Handoffs[i].Name] = len(names)
		names = append(names, plan.Handoffs[i].Name)
	}
	type place struct{ group, handoff int }
	steps := map[place]*[2]step{}
	var early int64
	var name, owner sql.RawBytes
	since, until := q.bounds()
	err := s.each(ctx, "hand-offs", `SELECT lead, name, owner, offered_at, coalesce(accepted_at, -1), coalesce(accept_used, 0), coalesce(contacted_at, -1),
		coalesce(contact_used, 0), coalesce(closed_at, -1) FROM handoff WHERE offered_at >= $1 AND offered_at < $2 ORDER BY id`,
		[]any{since, until}, func(r *sql.Rows) error {
			var lead, offered, accepted, acceptUsed, contacted, contactUsed, closed int64
			if err := r.Scan(&lead, &name, &owner, &offered, &accepted, &acceptUsed, &contacted, &contactUsed, &closed); err != nil {
				return err
			}
			slot, ok := slots[string(name)]
			if !ok {
				slot = len(names)
				slots[string(name)] = slot
				names = append(names, string(name))
			}
			at := place{k.group(lead, owner, offered), slot}
			y := steps[at]
			if y == nil {
				y = &[2]step{}
				steps[at] = y
			}
			a, b := &y[0], &y[1]
			a.came++
			if accepted < 0 {
				if closed < 0 {
					a.open++
				}
				return nil
			}
			a.done++
			a.working, a.wall = append(a.working, seconds(0, acceptUsed)), append(a.wall, seconds(offered, accepted))
			b.came++
			switch {
			case contacted >= accepted:
				b.done++
				b.working, b.wall = append(b.working, seconds(0, contactUsed)), append(b.wall, seconds(accepted, contacted))
			case contacted >= 0:
				b.done++
				early++
			default:
				b.open++
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
	if len(steps) == 0 {
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
			y := steps[place{g, h}]
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
