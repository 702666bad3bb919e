package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/store"
)

// Response splits how long a lead waits for a person: from the offer until whoever it is for is told, from there to acceptance,
// and from acceptance to the first contact. It counts hand-offs offered within the query. It runs
// three queries, four when it groups by something of the lead.
//
//	offered → told                until a channel took a message about it: the mail server, Slack, Teams
//	told → accepted               of those who were told, until they accepted
//	offered → accepted            both together, which is what accept_within counts
//	accepted → first contact      until a person was reached
//	came          hand-offs that came to the step
//	done          those that took it
//	open          those that have not: until acceptance, while they wait; from then on, all without a contact
//	median, p90   of those that took it, in working time of the member and in wall time
//
// An entry in the inbox is there at once and is no message. A lead that was accepted before a message went out has no time between the
// two; neither has a contact made before the acceptance, and notes count both. Where no message went out at all, as in a history that
// Baton did not run, the two steps with "told" are left out, and a note says so.
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

// step is one part of the way from an offer to a first contact.
type step struct {
	came, done, open int64
	working, wall    []int32
}

// stepNames are the steps, in their order.
var stepNames = [...]string{"offered → told", "told → accepted", "offered → accepted", "accepted → first contact"}

const (
	stepTold = iota
	stepAnswer
	stepAccepted
	stepContact
)

func (y *step) took(working int64, from, to int64) {
	y.done++
	y.working, y.wall = append(y.working, seconds(0, working)), append(y.wall, seconds(from, to))
}

// toldOf finds when somebody was told of an offer.
type toldOf map[int64][]int64 // lead -> instants, in their order

func toldWithin(ctx context.Context, s *store.Snapshot, q Query) (toldOf, error) {
	told := toldOf{}
	err := s.EachTold(ctx, store.Span{From: q.Since}, func(r *store.ToldRow) error {
		told[r.Lead] = append(told[r.Lead], r.At)
		return nil
	})
	return told, err
}

// of returns when somebody was told of an offer while it was one, 0 for never.
func (t toldOf) of(r *store.HandoffRow) int64 {
	list := t[r.Lead]
	i, _ := slices.BinarySearch(list, r.OfferedAt)
	if ended := cmp.Or(r.AcceptedAt, r.ClosedAt); i == len(list) || ended != 0 && list[i] > ended {
		return 0
	}
	return list[i]
}

// steps reads the hand-offs and when they were told of, with three queries.
func steps(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query, k *sorter) (*Table, error) {
	var names []string
	slots := map[string]int{}
	for i := range plan.Handoffs {
		slots[plan.Handoffs[i].Name] = len(names)
		names = append(names, plan.Handoffs[i].Name)
	}
	told, err := toldWithin(ctx, s, q)
	if err != nil {
		return nil, err
	}
	type place struct{ group, handoff int }
	waits := map[place]*[len(stepNames)]step{}
	hours, err := calendarsOf(ctx, s, plan)
	if err != nil {
		return nil, err
	}
	var early, untold, heard int64
	err = s.EachHandoff(ctx, q.bounds(), func(r *store.HandoffRow) error {
		slot, ok := slots[r.Name]
		if !ok {
			slot = len(names)
			slots[r.Name] = slot
			names = append(names, r.Name)
		}
		at := place{k.group(r.Lead, r.Owner, r.OfferedAt), slot}
		y := waits[at]
		if y == nil {
			y = &[len(stepNames)]step{}
			waits[at] = y
		}
		waiting, tell := r.AcceptedAt == 0 && r.ClosedAt == 0, told.of(r)
		y[stepTold].came++
		y[stepAccepted].came++
		if tell != 0 {
			heard++
			y[stepTold].took(hours.of("", r.Owner).Between(r.OfferedAt, tell, calendar.WorkingTime), r.OfferedAt, tell)
			y[stepAnswer].came++
		}
		if waiting {
			y[stepAccepted].open++
			if tell == 0 {
				y[stepTold].open++
			} else {
				y[stepAnswer].open++
			}
		}
		if r.AcceptedAt == 0 {
			return nil
		}
		y[stepAccepted].took(r.AcceptUsed, r.OfferedAt, r.AcceptedAt)
		if tell != 0 {
			y[stepAnswer].took(hours.of("", r.Owner).Between(tell, r.AcceptedAt, calendar.WorkingTime), tell, r.AcceptedAt)
		} else {
			untold++
		}
		c := &y[stepContact]
		c.came++
		switch {
		case r.ContactedAt == 0:
			c.open++
		case r.ContactedAt >= r.AcceptedAt:
			c.took(r.ContactUsed, r.AcceptedAt, r.ContactedAt)
		default:
			c.done++
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
	var all [len(stepNames)][]int32
	order := k.order()
	for _, g := range order {
		for h, name := range names {
			y := waits[place{g, h}]
			if y == nil {
				continue
			}
			for i, word := range stepNames {
				if heard == 0 && (i == stepTold || i == stepAnswer) {
					continue
				}
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
	tell, accept, contact := spreadOf(all[stepTold]), spreadOf(all[stepAccepted]), spreadOf(all[stepContact])
	switch {
	case accept.n == 0:
		t.Finding = "Nothing that was offered has been accepted yet."
	case contact.n == 0:
		t.Finding = fmt.Sprintf("Half of the accepted offers are accepted within %s of working time; nobody has been contacted after it yet.", span(accept.median))
	default:
		t.Finding = fmt.Sprintf("Half of the accepted offers are accepted within %s of working time, and half of the first contacts follow within %s.", span(accept.median), span(contact.median))
	}
	if heard == 0 {
		t.note("No message about these offers was sent by Baton, so there is no time until somebody was told.")
	}
	if tell.n > 0 {
		t.note(fmt.Sprintf("Told is when a channel took the message: half of them within %s of working time. Those that come at night wait for the morning, and an entry in the inbox is there at once.", span(tell.median)))
	}
	if tell.n > 0 && untold > 0 {
		t.note(fmt.Sprintf("In %s nobody had been sent a message before the acceptance.", things(untold, "hand-off")))
	}
	if early > 0 {
		t.note(fmt.Sprintf("In %s the first contact came before the acceptance: done, with no time between the two.", things(early, "hand-off")))
	}
	return t, nil
}
