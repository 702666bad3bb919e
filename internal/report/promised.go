package report

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/store"
)

// Promised shows what each side has committed to, and what came of it in each of its periods, from the one in which anything was first
// counted on: what was offered, what was answered, and which clocks started in the period. It counts what began within the query.
//
//	commitment, side  the clause, and whose promise it is
//	per, period       the length of its periods, and which one: "2026-11", "2026-W46", "2026-Q4", "2026-11-12"
//	n, of             what was counted; for shares, of how many
//	reached           for shares, n / of
//	promised          as agreed: a number, or a share
//	state             kept, under, running: the period is not over, or in part: some of it is outside the query; neither is judged
//
// Of hand-offs offered in the period: qualified_leads counts all, accepted_leads those that were accepted, acceptance_rate is the
// share accepted of those that were answered. accepted_in_time and contacted_in_time are met / (met + over) of the clocks
// that started in the period, as in SLA. opportunities are first stays of a pass in the stage before won on the way, won_count
// those in won, and won_value is what those were worth when they were won; a lead counts once in a pass.
func Promised(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, promised, plan, q)
}

// portion is what a commitment counts in a period.
type portion struct {
	n  float64
	of int64
}

func promised(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
	if q.By != "" {
		return nil, fmt.Errorf("grouping by %s: promises are by commitment and period already", q.By)
	}
	w, err := wayOf(plan)
	if err != nil {
		return nil, err
	}
	zone := plan.Calendar.Zone()
	counts := make([]map[int64]*portion, len(plan.Commitments)) // by the beginning of the period
	for i := range counts {
		counts[i] = map[int64]*portion{}
	}
	oldest, newest := int64(0), q.Now
	add := func(measure string, at int64, n float64, of int64) {
		if q.Now == 0 {
			newest = max(newest, at)
		}
		if oldest == 0 || at < oldest {
			oldest = at
		}
		for i := range plan.Commitments {
			if c := &plan.Commitments[i]; c.Name == measure {
				period, _ := Period(c.Per, at, zone)
				p := counts[i][period]
				if p == nil {
					p = &portion{}
					counts[i][period] = p
				}
				p.n, p.of = p.n+n, p.of+of
			}
		}
	}
	err = s.EachHandoff(ctx, q.bounds(), func(r *store.HandoffRow) error {
		add("qualified_leads", r.OfferedAt, 1, 0)
		switch {
		case r.AcceptedAt != 0:
			add("accepted_leads", r.OfferedAt, 1, 0)
			add("acceptance_rate", r.OfferedAt, 1, 1)
		case r.ClosedAt != 0:
			add("acceptance_rate", r.OfferedAt, 0, 1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	inTime := map[string]string{}
	for i := range plan.Handoffs {
		inTime[plan.Handoffs[i].AcceptClause.Address], inTime[plan.Handoffs[i].ContactClause.Address] = "accepted_in_time", "contacted_in_time"
	}
	err = s.EachClock(ctx, q.bounds(), func(r *store.ClockRow) error {
		measure := inTime[r.Name]
		switch {
		case measure == "":
		case r.Breaches > 0:
			add(measure, r.StartedAt, 0, 1)
		case r.StoppedAt != 0 && r.State != "dropped":
			add(measure, r.StartedAt, 1, 1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := stagesPromised(ctx, s, plan, w, q, add); err != nil {
		return nil, err
	}

	t := &Table{Name: "promises", Title: "What was promised, and what came of it", Columns: []Column{
		{Name: "commitment", Title: "Commitment"},
		{Name: "side", Title: "Side"},
		{Name: "per", Title: "Each"},
		{Name: "period", Title: "Period"},
		{Name: "n", Title: "Counted", Align: Right},
		{Name: "of", Title: "of", Align: Right},
		{Name: "reached", Title: "Reached", Unit: Ratio, Align: Right},
		{Name: "promised", Title: "Promised", Align: Right},
		{Name: "state", Title: "State"},
	}}
	kept, ended := 0, 0
	for i := range plan.Commitments {
		c := &plan.Commitments[i]
		last := newest // shown
		if q.Until != 0 {
			last = min(last, q.Until-1)
		}
		from, until := Period(c.Per, cmp.Or(oldest, last), zone)
		for ; newest != 0 && from <= last; from, until = Period(c.Per, until, zone) {
			p := counts[i][from]
			running := newest < until
			switch {
			case p != nil:
			case c.Percent && !running:
				continue // of nothing there is no share
			case !running && plan.Calendar.Between(from, until, calendar.WorkingTime) == 0:
				continue // nobody promised a Sunday
			default:
				p = &portion{}
			}
			n := int64(math.Round(p.n))
			of, reached, promise := Cell{}, Cell{}, count(int64(c.AtLeast))
			enough := p.n >= c.AtLeast
			if c.Percent {
				of, promise = count(p.of), ratio(c.AtLeast/100)
				if p.of > 0 {
					reached = ratio(share(n, p.of))
				}
				enough = share(n, p.of) >= c.AtLeast/100
			}
			state := "under"
			switch {
			case running:
				state = "running"
			case from < q.Since, q.Until != 0 && q.Until < until:
				state = "in part"
			case enough:
				state, kept, ended = "kept", kept+1, ended+1
			default:
				ended++
			}
			period := string(appendPeriod(nil, c.Per, from, zone))
			t.Rows = append(t.Rows, []Cell{text(c.Address), text(c.Side.String()), text(c.Per), text(period), count(n), of, reached, promise, text(state)})
		}
	}
	switch {
	case len(plan.Commitments) == 0:
		t.Finding = "The agreement has no commitments. Give each side some, and what comes of them appears here."
	case ended == 0:
		t.Finding = "No period of a commitment is over yet."
	default:
		t.Finding = fmt.Sprintf("%d of %d commitments were kept in the periods that are over.", kept, ended)
	}
	t.note("What is offered, answered or started counts in the period in which it began. What runs still, or lies in part outside the time that is asked for, is not judged.")
	return t, nil
}

// stagesPromised counts what is promised of stages: one query for wins, and one for opportunities, where anything is.
func stagesPromised(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, w way, q Query, add func(measure string, at int64, n float64, of int64)) error {
	promised := func(names ...string) bool {
		return slices.ContainsFunc(plan.Commitments, func(c agreement.Commitment) bool { return slices.Contains(names, c.Name) })
	}
	within := func(at int64) bool { return at >= q.Since && (q.Until == 0 || at < q.Until) }
	type once struct{ lead, pass int64 }
	if promised("won_count", "won_value") {
		seen := map[once]bool{}
		if err := s.EachDeal(ctx, func(r *store.DealRow) error {
			if within(r.At) && !seen[once{r.Lead, r.Pass}] {
				seen[once{r.Lead, r.Pass}] = true
				add("won_count", r.At, 1, 0)
				add("won_value", r.At, r.Value, 0)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if w.won <= 0 || !promised("opportunities") {
		return nil
	}
	opportunity, seen := plan.Stages[w.stages[w.won-1]].Name, map[once]bool{}
	return s.EachEntry(ctx, func(v *store.VisitRow) error {
		if v.Stage == opportunity && within(v.EnteredAt) && !seen[once{v.Lead, v.Pass}] {
			seen[once{v.Lead, v.Pass}] = true
			add("opportunities", v.EnteredAt, 1, 0)
		}
		return nil
	})
}

// StageOf returns the stage in which a measure counts the stays that begin: the only won stage for wins, the one before it on the way for
// opportunities. "" for other measures, and where no one stage has them all.
func StageOf(plan *agreement.Plan, measure string) string {
	w, err := wayOf(plan)
	if err != nil || w.won < 0 {
		return ""
	}
	switch measure {
	case "opportunities":
		if w.won > 0 {
			return plan.Stages[w.stages[w.won-1]].Name
		}
	case "won_count", "won_value":
		won := 0
		for i := range plan.Stages {
			if plan.Stages[i].Final == agreement.Won {
				won++
			}
		}
		if won == 1 {
			return plan.Stages[w.stages[w.won]].Name
		}
	}
	return ""
}

// Period returns the beginning of the day, week, month or quarter of an instant in a time zone, and that of the next.
func Period(per string, at int64, zone *time.Location) (from, until int64) {
	t := time.UnixMicro(at).In(zone)
	y, m, d := t.Date()
	start := func(y int, m time.Month, d int) int64 { return time.Date(y, m, d, 0, 0, 0, 0, zone).UnixMicro() }
	switch per {
	case "day":
		return start(y, m, d), start(y, m, d+1)
	case "week":
		monday := d + 1 - isoWeekday(t)
		return start(y, m, monday), start(y, m, monday+7)
	case "quarter":
		first := m - (m-1)%3
		return start(y, first, 1), start(y, first+3, 1)
	}
	return start(y, m, 1), start(y, m+1, 1)
}

// Waits shows how the time from offer to acceptance is spread, in working time, of the hand-offs offered within the query: in steps of an
// eighth of the time that is agreed, up to twice as much, and then all that took longer. It runs one query.
//
//	from_hours, to_hours  the step; the last has no end
//	n                     hand-offs accepted after so long
//	over                  whether that is longer than agreed
func Waits(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, waits, plan, q)
}

const waitSteps = 16 // and one for what took longer

func waits(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
	agreed := 4 * hour
	for i := range plan.Handoffs {
		if d := plan.Handoffs[i].AcceptWithin; !d.IsZero() {
			if agreed = d.Amount; d.Unit == calendar.WorkingDays { // are not hours: a day of eight is near enough for steps
				agreed = d.Amount * 8 * hour / calendar.DayAmount
			}
			break
		}
	}
	step := max(agreed/8, minute)
	counts := make([]int64, waitSteps+1)
	var all, over int64
	err := s.EachHandoff(ctx, q.bounds(), func(r *store.HandoffRow) error {
		if r.AcceptedAt == 0 {
			return nil
		}
		i := min(r.AcceptUsed/step, waitSteps)
		if r.AcceptUsed > 0 && r.AcceptUsed%step == 0 { // to the hour is within it
			i = min(r.AcceptUsed/step-1, waitSteps)
		}
		counts[i]++
		all++
		if r.AcceptUsed > agreed {
			over++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t := &Table{Name: "waits", Title: "How long until an offer is accepted", Columns: []Column{
		{Name: "from_hours", Title: "From", Unit: Hours, Align: Right},
		{Name: "to_hours", Title: "To", Unit: Hours, Align: Right},
		{Name: "n", Title: "Accepted", Unit: Offers, Align: Right},
		{Name: "over", Title: "Longer than agreed"},
	}}
	if all == 0 {
		t.Finding = "Nothing that was offered has been accepted yet."
		return t, nil
	}
	for i, n := range counts {
		to, late := duration(int64(i+1)*step), "no"
		if i == waitSteps {
			to = Cell{}
		}
		if int64(i)*step >= agreed {
			late = "yes"
		}
		t.Rows = append(t.Rows, []Cell{duration(int64(i) * step), to, count(n), text(late)})
	}
	t.Finding = fmt.Sprintf("%s were accepted; %s took longer than %s of working time.", things(all, "hand-off"), number(over), span(agreed))
	return t, nil
}
