package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/store"
)

// Rejections shows which clauses let leads in that came back: by rejection, by hand-back, or after calls that reached nobody. It
// counts what was given back within the query, and beside it the leads that a clause let in within the query. It
// runs two queries.
//
//	let_in       stays that a clause began in stages from which leads are offered, or called
//	returned     leads given back that had come in by the clause
//	share        returned of let_in; some that came in are still under way, and may yet come back
//	rejected, handed_back, called  from an offer, after it was accepted, from the queue of calls
//	named        how often whoever gave a lead back named the clause as the one that should not have let it in
//	reason       the most frequent one, and how often
//
// Below it are the reasons, with what follows from each.
func Rejections(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, rejections, plan, q)
}

// letIn is what became of the leads that a clause let in.
type letIn struct {
	clause                             string
	n, rejected, back, called, doubted int64
	reasons                            map[string]int64
}

func (l *letIn) returned() int64 { return l.rejected + l.back + l.called }

func rejections(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
	if q.By != "" {
		return nil, fmt.Errorf("grouping by %s: rejections are by clause already; take by out", q.By)
	}
	clauses := map[string]*letIn{}
	of := func(clause string) *letIn {
		l := clauses[clause]
		if l == nil {
			l = &letIn{clause: clause, reasons: map[string]int64{}}
			clauses[clause] = l
		}
		return l
	}
	offers := func(stage string) bool {
		i, ok := plan.Index.Stage[stage]
		return ok && plan.Index.Offers[i] >= 0
	}
	calls := func(stage string) bool {
		i, ok := plan.Index.Stage[stage]
		return ok && plan.Tele.Calls(i)
	}
	err := s.EachLetIn(ctx, q.bounds(), func(r *store.LetInRow) error {
		if offers(r.Stage) || calls(r.Stage) {
			of(r.Via).n += r.N
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	reasons := map[string]int64{}
	var total, named int64
	err = s.EachReturn(ctx, q.bounds(), func(r *store.ReturnRow) error {
		l := of(r.Via)
		reason := strings.TrimPrefix(r.Reason, "handbacks.")
		i, known := plan.Index.Stage[r.Stage]
		switch {
		case offers(r.Stage):
			l.rejected++
		case known && plan.Stages[i].Side == agreement.Marketing:
			l.called++
		default:
			l.back++
		}
		l.reasons[reason]++
		reasons[reason]++
		total++
		if r.Named != "" {
			of(r.Named).doubted++
			named++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t := &Table{Name: "rejections", Title: "What came back, and by which clause it had come in", Columns: []Column{
		{Name: "clause", Title: "Let in by"},
		{Name: "let_in", Title: "Let in", Unit: Passes, Align: Right, Rank: 1},
		{Name: "returned", Title: "Came back", Unit: Passes, Align: Right},
		{Name: "share", Title: "Share", Unit: Ratio, Align: Right},
		{Name: "rejected", Title: "Rejected", Unit: Passes, Align: Right, Rank: 3},
		{Name: "handed_back", Title: "Handed back", Unit: Passes, Align: Right, Rank: 4},
		{Name: "called", Title: "After calls", Unit: Passes, Align: Right, Rank: 5},
		{Name: "named", Title: "Named", Unit: Passes, Align: Right},
		{Name: "reason", Title: "Most frequent reason", Rank: 2},
	}}
	if total == 0 {
		t.Finding = "Nothing has been rejected or handed back yet."
		if q.Since != 0 || q.Until != 0 {
			t.Finding = "Nothing was rejected or handed back " + within(q, plan.Calendar.Zone()) + "."
		}
		return t, nil
	}
	list := make([]*letIn, 0, len(clauses))
	for _, l := range clauses { // order: sorted below
		if l.returned() > 0 || l.doubted > 0 {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b *letIn) int {
		return cmp.Or(-cmp.Compare(a.returned(), b.returned()), -cmp.Compare(a.doubted, b.doubted), cmp.Compare(a.clause, b.clause))
	})
	for _, l := range list {
		row := []Cell{text(orElse(l.clause, "(nothing: first heard of with sales)")), count(l.n), count(l.returned()), {}, count(l.rejected), count(l.back), count(l.called), count(l.doubted), {}}
		if l.n == 0 { // a clause that was named lets nobody in by itself
			row[1] = Cell{}
		} else if l.returned() <= l.n {
			row[3] = ratio(share(l.returned(), l.n))
		}
		if reason, n := most(l.reasons); n > 0 {
			row[8] = text(fmt.Sprintf("%s (%d)", reason, n))
		}
		t.Rows = append(t.Rows, row)
	}
	first := list[0]
	reason, n := most(first.reasons)
	t.Finding = fmt.Sprintf("%s came back; most of them, %s, had come in by %s, and the reason given most often was %s (%s).",
		things(total, "lead"), number(first.returned()), orElse(first.clause, "nothing that marketing did"), reason, number(n))
	if len(list) == 1 {
		t.Finding = fmt.Sprintf("%s came back, in by %s; the reason given most often was %s (%s).", things(total, "lead"), orElse(first.clause, "nothing that marketing did"), reason, number(n))
	}
	if named > 0 {
		t.note(fmt.Sprintf("Whoever gave a lead back named the clause that should not have let it in %s: look at the definition of that clause together.", timesText(named)))
	}
	t.note("Came back is by when it was given back, let in by when it came in: of those let in, some may yet come back, and some came back that were let in before.")
	t.Parts = append(t.Parts, reasonTable(plan, reasons, total))
	return t, nil
}

// reasonTable tells how often each reason was given, and what follows from it.
func reasonTable(plan *agreement.Plan, reasons map[string]int64, total int64) *Table {
	t := &Table{Name: "reasons", Title: "The reasons", Columns: []Column{
		{Name: "reason", Title: "Reason"},
		{Name: "class", Title: "Class", Rank: 1},
		{Name: "n", Title: "Leads", Unit: Passes, Align: Right},
		{Name: "share", Title: "Share", Unit: Ratio, Align: Right},
	}}
	names := make([]string, 0, len(reasons))
	for name := range reasons { // order: sorted below
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(-cmp.Compare(reasons[a], reasons[b]), cmp.Compare(a, b)) })
	for _, name := range names {
		class := Cell{}
		if i, ok := plan.Index.Handback[name]; ok {
			class = text(plan.Handbacks[i].Class)
		}
		t.Rows = append(t.Rows, []Cell{text(name), class, count(reasons[name]), ratio(share(reasons[name], total))})
	}
	return t
}

// most returns the most frequent of some words, of several the first by name.
func most(list map[string]int64) (word string, n int64) {
	for w, k := range list { // order: the first by name of the most frequent
		if k > n || k == n && w < word {
			word, n = w, k
		}
	}
	return word, n
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func timesText(n int64) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return number(n) + " times"
}
