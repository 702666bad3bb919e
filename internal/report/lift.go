package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/store"
)

// Lift shows what goes with winning: for each group of leads how many won, with the
// uncertainty of it, compared with all leads. It never says what causes a win. It counts
// leads that arrived within the query. By is source where it is empty.
//
//	leads, won    leads of the group; those of them that were ever won
//	rate          won / leads
//	low, high     Wilson's 95 % interval of the rate
//	lift          rate / base rate, the base rate being that of all leads; by month or week,
//	              that of the leads of mature ones, and nothing where it is still maturing
//	verdict       above, below: the interval lies beside the base rate; too close to tell: it
//	              touches it; too few: under 30 leads; still maturing: see maturity
//	caution       where fewer than five wins (or leads not won) are to be expected, or the
//	              group is still maturing: it is compared with nothing
//
// By activity or asset, a group is the leads that had it before their result: groups
// overlap, and what came after a win is not counted. What robots did, and what an undone
// import brought, is not counted either. By criterion, it is the leads for which a fit
// rule of this agreement holds, by what is known of them now. By grade, it is the grade
// as it stands, or stood at the end.
//
// It runs two queries, with activity and asset a third that reads the inputs once.
func Lift(ctx context.Context, st *store.Store, plan *agreement.Plan, q Query) (*Table, error) {
	return on(ctx, st, liftOf, plan, q)
}

func liftOf(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) (*Table, error) {
	by := q.By
	if by == "" {
		by = "source"
		if _, err := dimensionOf(plan, by); err != nil {
			by = "origin"
		}
	}
	var d dimension
	var err error
	overlapping := by == "activity" || by == "asset" || by == "criterion"
	if overlapping {
		d = dimension{name: by, title: title(by)}
	} else if d, err = dimensionOf(plan, by, "activity", "asset", "criterion"); err != nil {
		return nil, err
	}
	l := &lift{d: d}
	switch by {
	case "criterion":
		err = l.criteria(ctx, s, plan, q)
	default:
		all := d
		if overlapping {
			all = dimension{}
		}
		l.cohort, err = leadsOf(ctx, s, plan, q, all)
	}
	if err != nil {
		return nil, err
	}
	if err := l.wins(ctx, s); err != nil {
		return nil, err
	}
	switch by {
	case "activity", "asset":
		err = l.deeds(ctx, s, plan)
	}
	if err != nil {
		return nil, err
	}
	return l.table(plan, q, overlapping), nil
}

// lift is the leads with their results and, for what overlaps, what each had.
type lift struct {
	d      dimension
	cohort *cohort
	won    []int64 // by position: when first won, 0 for not
	toWin  []int32
	names  []string // of activities, assets or criteria
	had    []uint64 // position × words: a bit for each name
}

func (l *lift) words() int { return (len(l.names) + 63) / 64 }

func (l *lift) mark(lead, name int) { l.had[lead*l.words()+name/64] |= 1 << (name % 64) }

func (l *lift) has(lead, name int) bool {
	return l.had[lead*l.words()+name/64]&(1<<(name%64)) != 0
}

// wins reads who was ever won.
func (l *lift) wins(ctx context.Context, s *store.Snapshot) error {
	c := l.cohort
	l.won = make([]int64, len(c.ids))
	if len(c.ids) == 0 {
		return nil
	}
	return s.EachWin(ctx, func(win *store.WinRow) error {
		if i := c.find(win.Lead); i >= 0 {
			l.won[i] = win.At
			l.toWin = append(l.toWin, seconds(c.arrived[i], win.At))
		}
		return nil
	})
}

// deeds reads the activities of leads, or the assets in them, in one pass over the inputs.
func (l *lift) deeds(ctx context.Context, s *store.Snapshot, plan *agreement.Plan) error {
	slots := plan.Index.Activity
	if l.d.name == "asset" {
		slots = plan.Index.Asset
		for i := range plan.Assets {
			l.names = append(l.names, plan.Assets[i].Name)
		}
	} else {
		for i := range plan.Activities {
			l.names = append(l.names, plan.Activities[i].Name)
		}
	}
	l.had = make([]uint64, len(l.cohort.ids)*l.words())
	if len(l.cohort.ids) == 0 || len(l.names) == 0 {
		return nil
	}
	wanted := "name" // as lifecycle.Input is stored
	if l.d.name == "asset" {
		wanted = "asset"
	}
	var json members
	return s.EachActivity(ctx, func(a *store.ActivityRow) error {
		i := l.cohort.find(a.Lead)
		if i < 0 || l.won[i] != 0 && a.At >= l.won[i] {
			return nil
		}
		name, bot := "", false
		json.each(a.Body, func(member string, kind byte, value string) {
			switch member {
			case wanted:
				name = value
			case "bot":
				bot = kind == 't'
			}
		})
		if bot {
			return nil
		}
		if slot, ok := slots[name]; ok {
			l.mark(i, slot)
		}
		return nil
	})
}

// criteria reads the leads with what is known of them, and asks each fit rule.
func (l *lift) criteria(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query) error {
	for i := range plan.Fit {
		l.names = append(l.names, plan.Fit[i].Name)
	}
	words := l.words()
	c := &cohort{zone: plan.Calendar.Zone(), names: []string{""}, sizes: []int64{0}}
	l.cohort = c
	facts := agreement.Facts{BuyingStage: -1, EngagementCurve: &agreement.Curve{}, Scored: true}
	lead, company, answers := make([]agreement.Value, len(plan.Attributes)), make([]agreement.Value, len(plan.Attributes)), make([]agreement.Value, len(plan.Questions))
	read := known{plan: plan}
	return s.EachProfile(ctx, q.bounds(), func(p *store.ProfileRow) error {
		clear(lead)
		clear(answers)
		read.into(p.Attributes, lead, answers)
		facts.Company = lead
		if p.Company != "" {
			clear(company)
			read.into(p.Company, company, nil)
			facts.Company = company
		}
		facts.Now, facts.Lead, facts.Answers, facts.Total = p.DecidedAt, lead, answers, p.Activities
		facts.Owner, facts.AccountOwner = p.Owner, p.AccountOwner
		facts.Origin = agreement.NoSide
		switch p.Origin {
		case "marketing":
			facts.Origin = agreement.Marketing
		case "sales":
			facts.Origin = agreement.Sales
		}
		facts.Scored = p.Consent != "objected"
		i := len(c.ids)
		c.ids, c.arrived, c.group = append(c.ids, p.ID), append(c.arrived, p.ArrivedAt), append(c.group, 0)
		c.sizes[0]++
		c.newest = max(c.newest, p.DecidedAt)
		l.had = append(l.had, make([]uint64, words)...)
		for f := range plan.Fit {
			if plan.Fit[f].When.Holds(&facts) {
				l.mark(i, f)
			}
		}
		return nil
	})
}

// called is how a sentence names a group.
func (d *dimension) called(group string) string {
	if group == none {
		return "no " + strings.ToLower(d.title)
	}
	return shorten(group, 32, false)
}

// group is one line of the report.
type group struct {
	name      string
	leads     int64
	won       int64
	young     bool
	heap      bool // many small groups put together
	verdict   Verdict
	low, high float64
}

func (l *lift) groups(plan *agreement.Plan, overlapping bool, young []bool) []group {
	var list []group
	if !overlapping {
		list = make([]group, len(l.cohort.names))
		for g := range list {
			list[g].name, list[g].young = l.cohort.names[g], young[g]
			list[g].heap = l.cohort.heap && g == len(list)-1
		}
		for i, g := range l.cohort.group {
			list[g].leads++
			if l.won[i] != 0 {
				list[g].won++
			}
		}
		return list
	}
	list = make([]group, len(l.names))
	for n := range list {
		list[n].name = l.names[n]
	}
	for i := range l.cohort.ids {
		for n := range list {
			if l.has(i, n) {
				list[n].leads++
				if l.won[i] != 0 {
					list[n].won++
				}
			}
		}
	}
	return list
}

func (l *lift) table(plan *agreement.Plan, q Query, overlapping bool) *Table {
	d, c := l.d, l.cohort
	t := &Table{Name: "lift", Title: "What goes with winning, by " + d.name, Columns: []Column{
		{Name: d.name, Title: d.title},
		{Name: "leads", Title: "Leads", Unit: Leads, Align: Right},
		{Name: "won", Title: "Won", Unit: Leads, Align: Right},
		{Name: "rate", Title: "Rate", Unit: Ratio, Align: Right},
		{Name: "low", Title: "95 % from", Unit: Ratio, Align: Right, Rank: 1},
		{Name: "high", Title: "to", Unit: Ratio, Align: Right, Rank: 1},
		{Name: "lift", Title: "Lift", Unit: Times, Align: Right},
		{Name: "verdict", Title: "Against base"},
		{Name: "caution", Title: "Caution", Rank: 2},
	}}
	if len(c.ids) == 0 {
		t.Finding = noLeads(q, c, "what goes with winning appears here once some of them are won")
		return t
	}
	now, wait := c.now(q), maturity(l.toWin)
	list := l.groups(plan, overlapping, c.ripening(d, wait, now))
	all := int64(len(c.ids))
	var won, unripe, early int64 // early are the wins of unripe leads, which are in neither all nor won
	for _, at := range l.won {
		if at != 0 {
			won++
		}
	}
	for i := range list {
		if list[i].young {
			unripe, early = unripe+list[i].leads, early+list[i].won
		}
	}
	all, won = all-unripe, won-early
	base := share(won, all)
	t.Base, t.baseless = base, all == 0
	for i := range list {
		g := &list[i]
		g.low, g.high = wilson(g.won, g.leads)
		g.verdict = verdict(g.won, g.leads, base)
		if g.young && g.verdict != TooFew {
			g.verdict = Maturing
		}
	}
	if d.period == "" {
		slices.SortStableFunc(list, func(a, b group) int {
			few := func(g group) int {
				if g.verdict == TooFew {
					return 1
				}
				return 0
			}
			return cmp.Or(cmp.Compare(few(a), few(b)), -cmp.Compare(share(a.won, a.leads), share(b.won, b.leads)), -cmp.Compare(a.leads, b.leads), cmp.Compare(a.name, b.name))
		})
	}
	var above, below []string
	compared := 0
	small := false
	for _, g := range list {
		rate, low, high, lifted, caution := ratio(share(g.won, g.leads)), ratio(g.low), ratio(g.high), Cell{}, Cell{}
		if base > 0 && !g.young {
			lifted = factor(share(g.won, g.leads) / base)
		}
		if g.verdict == TooFew {
			rate, low, high, lifted = Cell{}, Cell{}, Cell{}, Cell{}
		}
		switch {
		case g.young:
			caution = text(string(Maturing))
		case g.verdict != TooFew:
			compared++
			if thin(g.leads, base) {
				caution, small = text("under 5 expected"), true
			}
		}
		switch said := g.verdict; {
		case caution.Kind != Missing || g.heap: // nothing to act on
		case said == Above:
			above = append(above, d.called(g.name))
		case said == Below:
			below = append(below, d.called(g.name))
		}
		t.Rows = append(t.Rows, []Cell{text(g.name), count(g.leads), count(g.won), rate, low, high, lifted, text(string(g.verdict)), caution})
	}
	whose := things(all, "lead")
	if unripe > 0 {
		whose += " of mature " + d.period + "s"
	}
	t.Finding = fmt.Sprintf("%s of %s were won: %s.", number(won), whose, percent(base))
	some := func(names []string) string {
		if len(names) > 4 {
			names = append(slices.Clone(names[:3]), fmt.Sprintf("%d more", len(names)-3))
		}
		return inWords(names)
	}
	switch {
	case all == 0:
		t.Finding = fmt.Sprintf("%s of %s were won so far. Every %s is still maturing, so there is nothing to compare yet.", number(early), things(unripe, "lead"), d.period)
	case won == 0:
		t.Finding = fmt.Sprintf("None of %s is won yet, so there is nothing to compare.", whose)
	case compared == 0 && unripe > 0:
		t.Finding += fmt.Sprintf(" Every mature %s is too small to compare.", d.period)
	case compared == 0:
		t.Finding += " Every group is too small to compare."
	case len(above) > 0 && len(below) > 0:
		t.Finding += fmt.Sprintf(" Beyond chance, more is won with %s, less with %s.", some(above), some(below))
	case len(above) > 0:
		t.Finding += fmt.Sprintf(" Beyond chance, more is won with %s.", some(above))
	case len(below) > 0:
		t.Finding += fmt.Sprintf(" Beyond chance, less is won with %s.", some(below))
	default:
		t.Finding += " No group stands out beyond chance."
	}
	t.Notes = append(t.Notes, arrivedWithin(q, c)...)
	t.note("Goes with, not because of: groups differ in more than this. From and to bound the rate with 95 % confidence (Wilson); lift is the rate over the base rate.")
	switch {
	case all == 0: // the finding says so
	case unripe > 0:
		t.note(fmt.Sprintf("The base rate is that of %s. %s of %ss that are still maturing are not in it and are not compared with it: their rates will still rise.", whose, things(unripe, "lead"), d.period))
	case d.period != "" && wait == 0:
		t.note("With fewer than 30 wins there is no telling yet how long leads take to ripen; young ones may still be won.")
	}
	if compared > 1 && won > 0 {
		t.note(fmt.Sprintf("%d groups are compared: about %.1f of them would stand out by chance alone.", compared, 0.05*float64(compared)))
	}
	if small {
		t.note("Under 5 expected, with care: at the base rate this group would have fewer than five wins, or fewer than five leads not won. Wait for more before acting on it.")
	}
	switch d.name {
	case "activity", "asset":
		t.note(fmt.Sprintf("Leads that had the %s before their result. A lead can be in several groups; one that stays longer has had time for more.", d.name))
	case "criterion":
		t.note("Leads for which the rule holds by what is known of them now. What is only asked of winners, or learnt after the result, looks better than it is.")
	case "grade":
		t.note("The grade as it stands now, or stood at the end: what a lead did on the way to its result is in it.")
	}
	if y := c.young(wait, now); y > 0 {
		t.note(fmt.Sprintf("%s arrived less than %s before this report, the time in which nine wins in ten come: still maturing.", things(y, "lead"), span(wait)))
	}
	return t
}

// known reads attributes and answers from their JSON into typed values.
type known struct {
	plan *agreement.Plan
	m    members
}

func (k *known) into(object string, attributes, answers []agreement.Value) {
	k.m.each(object, func(name string, kind byte, value string) {
		if slot, ok := k.plan.Index.Attribute[name]; ok {
			a := &k.plan.Attributes[slot]
			attributes[slot] = typed(a.Kind, a.Choices, kind, value)
			return
		}
		if len(name) > 8 && name[:8] == "answers." && answers != nil {
			if slot, ok := k.plan.Index.Question[name[8:]]; ok {
				question := &k.plan.Questions[slot]
				answers[slot] = typed(question.Kind, question.Choices, kind, value)
			}
		}
	})
}

// typed makes a value of a kind; missing when the JSON is of another.
func typed(kind agreement.Kind, choices []string, json byte, s string) agreement.Value {
	switch {
	case kind == agreement.Text && json == '"':
		return agreement.TextValue(s)
	case kind == agreement.Choice && json == '"' && slices.Contains(choices, s):
		return agreement.ChoiceValue(s)
	case kind == agreement.Number && json == '0':
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return agreement.NumberValue(n)
		}
	case kind == agreement.Boolean && (json == 't' || json == 'f'):
		return agreement.BooleanValue(json == 't')
	case kind == agreement.Date && json == '"':
		if at, err := time.Parse("2006-01-02 15:04:05", s); err == nil {
			return agreement.DateValue(at.UnixMicro())
		}
	}
	return agreement.Value{}
}
