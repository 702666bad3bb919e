package report

import (
	"context"
	"fmt"
	"strings"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Pursuit shows how every hand-off ended that was offered within the query, and proves that none is in limbo. It runs
// one query, two when it groups by something of the lead.
//
//	offered    hand-offs; always the sum of the six that follow and of limbo
//	accepted, rejected, expired  the ends that sales or the clock brought about; expired is taken back when time ran out
//	withdrawn  the lead went another way first: it objected, was merged, or left the stage
//	escalated  with the manager now, and not answered yet
//	open       waits to be accepted, with a holder or in a queue, and a clock that runs
//	limbo      waits with nobody, or with no clock: there is none unless Baton has a fault
//	late       of those accepted: after time had run out at least once
//	answered   accepted and rejected of all that have ended: accepted + rejected + expired
func Pursuit(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, pursuit, plan, q)
}

// ends are what a hand-off can have come to, in the order of the columns. The last two are not states.
var ends = [...]string{"accepted", "rejected", "expired", "withdrawn", "escalated", "open", "limbo"}

const (
	endAccepted, endRejected, endExpired = 0, 1, 2
	endEscalated, endOpen, endLimbo      = 4, 5, 6
)

// chase is what became of the hand-offs of one kind in one group.
type chase struct {
	offered, late int64
	ended         [len(ends)]int64
}

func (c *chase) answered() Cell {
	n := c.ended[endAccepted] + c.ended[endRejected] + c.ended[endExpired]
	if n == 0 {
		return Cell{}
	}
	return ratio(share(n-c.ended[endExpired], n))
}

func pursuit(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
	d, member, err := clockDimension(plan, q.By)
	if err != nil {
		return nil, err
	}
	k, err := sorterOf(ctx, s, plan, d, member)
	if err != nil {
		return nil, err
	}
	var names []string
	slots := map[string]int{}
	for i := range plan.Handoffs {
		slots[plan.Handoffs[i].Name] = len(names)
		names = append(names, plan.Handoffs[i].Name)
	}
	type place struct{ group, handoff int }
	found := map[place]*chase{}
	var all chase
	err = s.EachOffer(ctx, q.bounds(), func(r *store.OfferRow) error {
		slot, ok := slots[r.Name]
		if !ok {
			slot = len(names)
			slots[r.Name] = slot
			names = append(names, r.Name)
		}
		at := place{k.group(r.Lead, r.Owner, r.OfferedAt), slot}
		y := found[at]
		if y == nil {
			y = &chase{}
			found[at] = y
		}
		end := cameTo(r)
		for _, c := range [2]*chase{y, &all} {
			c.offered++
			c.ended[end]++
			if end == endAccepted && r.Breached {
				c.late++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t := &Table{Name: "pursuit", Title: "How every hand-off ended"}
	if k.d.name != "" {
		t.grouped = true
		t.Columns = append(t.Columns, Column{Name: k.d.name, Title: k.d.title})
	}
	t.Columns = append(t.Columns, Column{Name: "handoff", Title: "Hand-off", Rank: 5}, Column{Name: "offered", Title: "Offered", Unit: Offers, Align: Right})
	for i, name := range ends {
		t.Columns = append(t.Columns, Column{Name: name, Title: strings.ToUpper(name[:1]) + name[1:], Unit: Offers, Align: Right, Rank: [...]int{0, 0, 0, 4, 1, 0, 0}[i]})
	}
	t.Columns = append(t.Columns, Column{Name: "late", Title: "Late", Unit: Offers, Align: Right, Rank: 3}, Column{Name: "answered", Title: "Answered", Unit: Ratio, Align: Right, Rank: 2})
	if all.offered == 0 {
		if q.Since != 0 || q.Until != 0 {
			t.Finding = "Nothing was offered " + within(q, plan.Calendar.Zone()) + ". Choose another time to see some."
		} else {
			t.Finding = "Marketing has offered no lead to sales yet. Once a lead qualifies, what becomes of its hand-off appears here."
		}
		return t, nil
	}
	for _, g := range k.order() {
		for h, name := range names {
			y := found[place{g, h}]
			if y == nil {
				continue
			}
			var row []Cell
			if k.d.name != "" {
				row = append(row, text(k.names[g]))
			}
			row = append(row, text(name), count(y.offered))
			for i := range ends {
				row = append(row, count(y.ended[i]))
			}
			t.Rows = append(t.Rows, append(row, count(y.late), y.answered()))
		}
	}
	var parts []string
	for i, name := range ends[:endLimbo] {
		if n := all.ended[i]; n > 0 {
			parts = append(parts, number(n)+" "+map[bool]string{true: "still open with a clock", false: name}[i == endOpen])
		}
	}
	switch n := all.ended[endLimbo]; {
	case n > 0:
		t.Finding = fmt.Sprintf("%s of %s in limbo: open with no clock, or with nobody. That is a fault of Baton and not of a person; baton verify tells more.",
			number(n), things(all.offered, "hand-off")+map[bool]string{true: " is", false: " are"}[n == 1])
	case all.offered == 1:
		t.Finding = "The one hand-off was pursued: it is " + strings.TrimPrefix(inWords(parts), "1 ") + "."
	default:
		t.Finding = fmt.Sprintf("Each of %s was pursued: %s. None is in limbo.", things(all.offered, "hand-off"), inWords(parts))
	}
	t.note("Escalated and open wait for an answer, with a holder or in a queue; of an open one a clock runs. Withdrawn went another way before anybody answered. Late were accepted after time had run out at least once.")
	if q.Since != 0 || q.Until != 0 {
		t.note("Hand-offs that were offered " + within(q, plan.Calendar.Zone()) + ".")
	}
	return t, nil
}

// cameTo finds what a hand-off has come to.
func cameTo(r *store.OfferRow) int {
	held := r.Owner != "" || r.Queue != ""
	switch r.State {
	case lifecycle.HandoffOpen.String():
		if held && r.Runs {
			return endOpen
		}
		return endLimbo
	case lifecycle.HandoffEscalated.String():
		if held {
			return endEscalated
		}
		return endLimbo
	}
	for i, name := range ends[:endEscalated] {
		if r.State == name {
			return i
		}
	}
	return endLimbo
}
