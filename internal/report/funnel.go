package report

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/store"
)

// Funnel shows how far leads come: for each stage how many passes entered it, how many leads
// are there now, what share went on from the stage before, and how long a stay lasts. It
// counts leads that arrived within the query. It runs two queries.
//
//	entered       passes that entered the stage; a pass that entered it twice counts once
//	now           leads in the stage
//	of_before     of the passes that entered the stage before on the way, the share that
//	              entered this stage or one further on the way
//	of_all        of all passes, the share that entered this stage or one further on the way
//	              (beside the way: this stage)
//	median_stay   median length of the stays that have ended; a pass may have several
//
// A pass is one trip through the funnel: a lead that was handed back and returned has two.
func Funnel(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, funnel, plan, q)
}

func funnel(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
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
	f, err := staysOf(ctx, s, plan, c, false)
	if err != nil {
		return nil, err
	}
	return f.table(plan, w, c, d, q), nil
}

// Flow is Funnel with, as its part, how leads got from stage to stage:
//
//	from, to      the stages; a lead that went there more than once counts each time
//	passed        how often
//	of_entered    of the stays that began in from, the share that ended so
//	median_days   median length of those stays
//
// It runs the queries of Funnel, and groups by nothing.
func Flow(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, flow, plan, q)
}

func flow(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
	if q.By != "" {
		return nil, fmt.Errorf("grouping by %s: the flow from stage to stage is of all leads of the report", q.By)
	}
	w, err := wayOf(plan)
	if err != nil {
		return nil, err
	}
	c, err := leadsOf(ctx, s, plan, q, dimension{})
	if err != nil {
		return nil, err
	}
	f, err := staysOf(ctx, s, plan, c, true)
	if err != nil {
		return nil, err
	}
	t := f.table(plan, w, c, dimension{}, q)
	if len(c.ids) > 0 {
		t.Parts = append(t.Parts, f.flow())
	}
	return t, nil
}

func (f *stays) flow() *Table {
	t := &Table{Name: "flow", Title: "How leads get from stage to stage", Columns: []Column{
		{Name: "from", Title: "From"},
		{Name: "to", Title: "To"},
		{Name: "passed", Title: "Passed", Unit: Leads, Align: Right},
		{Name: "of_entered", Title: "Of those who entered", Unit: Ratio, Align: Right},
		{Name: "median_days", Title: "Median stay before", Unit: Days, Align: Right},
	}}
	for from := range f.stages {
		for to := range f.stages {
			list := f.moves.took[[2]int{from, to}]
			if len(list) == 0 {
				continue
			}
			m, began := spreadOf(list), f.moves.stays[from]
			of := ratio(share(m.n, began))
			if began < fewLeads {
				of = Cell{Kind: FewOf, Int: began}
			}
			t.Rows = append(t.Rows, []Cell{text(f.stages[from]), text(f.stages[to]), count(m.n), of, m.middle()})
		}
	}
	return t
}

// stays is what the visits of a cohort come to.
type stays struct {
	stages []string  // the plan's, then those it does not know any more
	now    [][]int64 // group, stage
	stay   [][][]int32
	toWin  []int32
	// masks holds, for each pass, the stages it entered: those of the first pass of each lead
	// by position, others by lead and pass.
	first []uint64
	later map[passKey]uint64

	moves *moves // nil where nobody asks for them
}

// moves is how leads got from stage to stage: how long each stay lasted that ended so.
type moves struct {
	at    []stay // the last of each lead, by position
	took  map[[2]int][]int32
	stays []int64 // that began, by stage
}

type stay struct {
	stage   int // 0 for none, or slot + 1
	entered int64
}

// add takes in a visit; those of a lead come in their order.
func (m *moves) add(lead, slot int, entered int64) {
	for len(m.stays) <= slot {
		m.stays = append(m.stays, 0)
	}
	m.stays[slot]++
	if before := m.at[lead]; before.stage != 0 && before.stage-1 != slot {
		way := [2]int{before.stage - 1, slot}
		m.took[way] = append(m.took[way], seconds(before.entered, entered))
	}
	m.at[lead] = stay{slot + 1, entered}
}

type passKey struct {
	lead int32 // position in the cohort
	pass int32
}

// staysOf reads all visits with one query.
func staysOf(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, c *cohort, moving bool) (*stays, error) {
	f := &stays{first: make([]uint64, len(c.ids)), later: map[passKey]uint64{},
		now: make([][]int64, len(c.names)), stay: make([][][]int32, len(c.names))}
	if moving {
		f.moves = &moves{at: make([]stay, len(c.ids)), took: map[[2]int][]int32{}}
	}
	slots := make(map[string]int, len(plan.Stages))
	for i := range plan.Stages {
		slots[plan.Stages[i].Name] = i
		f.stages = append(f.stages, plan.Stages[i].Name)
	}
	won := make([]bool, len(c.ids))
	if len(c.ids) == 0 {
		return f, nil
	}
	err := s.EachVisit(ctx, func(v *store.VisitRow) error {
		i := c.find(v.Lead)
		if i < 0 {
			return nil
		}
		slot, ok := slots[v.Stage]
		if !ok {
			slot = len(f.stages)
			slots[v.Stage] = slot
			f.stages = append(f.stages, v.Stage)
		}
		if slot > 63 {
			return fmt.Errorf("following leads through more than 64 stages, the old ones included, is not possible")
		}
		if f.moves != nil {
			f.moves.add(i, slot, v.EnteredAt)
		}
		if v.Pass <= 1 {
			f.first[i] |= 1 << slot
		} else {
			f.later[passKey{int32(i), int32(v.Pass)}] |= 1 << slot
		}
		g := c.group[i]
		for len(f.now[g]) <= slot {
			f.now[g], f.stay[g] = append(f.now[g], 0), append(f.stay[g], nil)
		}
		if v.LeftAt == 0 {
			f.now[g][slot]++
		} else if v.LeftAt >= v.EnteredAt {
			f.stay[g][slot] = append(f.stay[g][slot], seconds(v.EnteredAt, v.LeftAt))
		}
		if slot < len(plan.Stages) && plan.Stages[slot].Final == agreement.Won && !won[i] {
			won[i] = true
			f.toWin = append(f.toWin, seconds(c.arrived[i], v.EnteredAt))
		}
		return nil
	})
	return f, err
}

func (f *stays) table(plan *agreement.Plan, w way, c *cohort, d dimension, q Query) *Table {
	t := &Table{Name: "funnel", Title: "How far leads come"}
	if d.name != "" {
		t.grouped = true
		t.Columns = append(t.Columns, Column{Name: d.name, Title: d.title})
	}
	t.Columns = append(t.Columns,
		Column{Name: "stage", Title: "Stage"},
		Column{Name: "side", Title: "Side", Rank: 3},
		Column{Name: "entered", Title: "Entered", Unit: Passes, Align: Right},
		Column{Name: "now", Title: "Now there", Unit: Leads, Align: Right, Rank: 1},
		Column{Name: "of_before", Title: "Of stage before", Unit: Ratio, Align: Right},
		Column{Name: "of_all", Title: "Of all", Unit: Ratio, Align: Right},
		Column{Name: "median_stay_days", Title: "Median stay", Unit: Days, Align: Right, Rank: 2})
	if d.period != "" {
		t.Columns = append(t.Columns, Column{Name: "cohort", Title: "Cohort", Rank: 1})
	}
	if len(c.ids) == 0 {
		t.Finding = noLeads(q, c, "the funnel fills as they move through the stages")
		return t
	}
	n := len(f.stages)
	groups := len(c.names)
	passes := make([]int64, groups)
	entered, reached := matrix(groups, n), matrix(groups, len(w.stages))
	positions := make([]uint64, n) // stage -> its bit on the way
	for i, p := range w.place {
		if p >= 0 {
			positions[i] = 1 << p
		}
	}
	kept, from := matrix(groups, len(w.stages)), matrix(groups, len(w.stages))
	add := func(g int32, mask uint64) {
		if mask == 0 {
			return
		}
		passes[g]++
		var on uint64
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			entered[g][i]++
			on |= positions[i]
		}
		for p := range bits.Len64(on) { // this stage of the way or one further on
			reached[g][p]++
			if p > 0 && on&(1<<(p-1)) != 0 {
				kept[g][p]++
			}
		}
		for p := 1; p < len(w.stages); p++ {
			if on&(1<<(p-1)) != 0 {
				from[g][p]++
			}
		}
	}
	for i, mask := range f.first {
		add(c.group[i], mask)
	}
	for k, mask := range f.later { // sums: the order does not matter
		add(c.group[k.lead], mask)
	}
	now := c.now(q)
	wait := maturity(f.toWin)
	young := c.ripening(d, wait, now)
	order := append(slices.Clone(w.stages), w.beside...)
	for i := len(plan.Stages); i < n; i++ {
		order = append(order, i)
	}
	var old []string
	for g := range groups {
		for _, i := range order {
			known := i < len(plan.Stages)
			if !known && entered[g][i] == 0 {
				continue
			}
			var row []Cell
			if d.name != "" {
				row = append(row, text(c.names[g]))
			}
			side, before, all := Cell{}, Cell{}, ratio(share(entered[g][i], passes[g]))
			if known {
				side = text(plan.Stages[i].Side.String())
				if p := w.place[i]; p >= 0 {
					all = ratio(share(reached[g][p], passes[g]))
					if p > 0 && from[g][p] > 0 {
						before = ratio(share(kept[g][p], from[g][p]))
						if from[g][p] < fewLeads {
							before = Cell{Kind: FewOf, Int: from[g][p]}
						}
					}
				}
			} else if !slices.Contains(old, f.stages[i]) {
				old = append(old, f.stages[i])
			}
			there, stay := int64(0), Cell{}
			if i < len(f.now[g]) {
				there, stay = f.now[g][i], spreadOf(f.stay[g][i]).middle()
			}
			row = append(row, text(f.stages[i]), side, count(entered[g][i]), count(there), before, all, stay)
			if d.period != "" {
				row = append(row, ripe(young[g]))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	f.tell(t, plan, w, c, d, passes, reached, from, kept)
	t.Notes = append(t.Notes, arrivedWithin(q, c)...)
	if len(f.later) > 0 {
		t.note(fmt.Sprintf("%s made %s: who was handed back and returned starts another.", things(int64(len(c.ids)), "lead"), things(sum(passes), "pass")))
	}
	skipped := false
	for g := range groups {
		for p, i := range w.stages {
			skipped = skipped || reached[g][p] != entered[g][i]
		}
	}
	if skipped {
		t.note("Some passes went past a stage without entering it. Shares count them as having come that far; Entered does not.")
	}
	if len(old) > 0 {
		t.note("No longer in the agreement, still in its history: " + inWords(old) + ".")
	}
	if y := c.young(wait, now); y > 0 {
		t.note(fmt.Sprintf("%s arrived less than %s before this report, the time in which nine wins in ten come: their share will still rise.", things(y, "lead"), span(wait)))
	} else if wait == 0 {
		t.note("With fewer than 30 wins there is no telling yet how long leads take to ripen; young ones may still be won.")
	}
	t.note("Median stay is of stays that have ended; who is still there is under Now there.")
	return t
}

// tell writes the finding: how many were won, where fewest go on, and where they stay longest.
func (f *stays) tell(t *Table, plan *agreement.Plan, w way, c *cohort, d dimension, passes []int64, reached, from, kept [][]int64) {
	all, what := sum(passes), "pass"
	if all == int64(len(c.ids)) {
		what = "lead"
	}
	far := len(w.stages) - 1
	var end int64
	for g := range reached {
		end += reached[g][far]
	}
	last := document.Title(f.stages[w.stages[far]])
	if w.won >= 0 {
		t.Finding = fmt.Sprintf("Of %s, %s came to %s (%s).", things(all, what), number(end), last, percent(share(end, all)))
	} else {
		t.Finding = fmt.Sprintf("Of %s, %s came as far as %s (%s).", things(all, what), number(end), last, percent(share(end, all)))
	}
	narrow, least := -1, 2.0
	for p := 1; p <= far; p++ {
		var of, on int64
		for g := range from {
			of, on = of+from[g][p], on+kept[g][p]
		}
		if of >= fewLeads && share(on, of) < least {
			narrow, least = p, share(on, of)
		}
	}
	if narrow > 0 && far > 1 {
		t.Finding += fmt.Sprintf(" Fewest go on from %s to %s: %s.", document.Title(f.stages[w.stages[narrow-1]]), document.Title(f.stages[w.stages[narrow]]), percent(least))
	}
	slow, longest := -1, int64(0)
	for _, i := range w.stages {
		var list []int32
		for g := range f.stay {
			if i < len(f.stay[g]) {
				list = append(list, f.stay[g][i]...)
			}
		}
		if m := spreadOf(list); m.n >= fewLeads && m.median > longest {
			slow, longest = i, m.median
		}
	}
	if slow >= 0 {
		t.Finding += fmt.Sprintf(" The longest stay is in %s: half last more than %s.", document.Title(f.stages[slow]), span(longest))
	}
}

func matrix(rows, columns int) [][]int64 {
	m := make([][]int64, rows)
	for i := range m {
		m[i] = make([]int64, columns)
	}
	return m
}

func sum(list []int64) int64 {
	var n int64
	for _, v := range list {
		n += v
	}
	return n
}

func ripe(young bool) Cell {
	if young {
		return text(string(Maturing))
	}
	return text("mature")
}
