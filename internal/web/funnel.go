package web

import (
	"fmt"
	"math"
	"slices"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/report"
	"baton/internal/store"
)

// funnelPage is how far leads come, and how they get there.
type funnelPage struct {
	Waiting bool
	Finding string
	Notes   []string
	Filters []filter
	Picture string // SVG
	Steps   []funnelStep
	Beside  []funnelStep
	Flows   []flowRow
	Columns []string // of the cohorts: stages of the way after the first
	Cohorts []cohortRow
	Export  string // address of the leads as CSV, "" for those who may not
	All     string
}

// filter is a choice among values, in a form.
type filter struct {
	Label, Name string
	Options     []filterOption
}

type filterOption struct {
	Value, Words string
	Chosen       bool
}

// funnelStep is a stage in the list, with the way to it.
type funnelStep struct {
	Name, Side, Now, Entered, Stay string
	Link, EnteredLink              string
	Rate, Days                     string // of the stage before, and how long that took; "" for none
	Weight                         string // of the arrow
	Final                          string
}

// flowRow is an arrow as a line of a table.
type flowRow struct{ From, To, Passed, Rate, Days, Link string }

// cohortRow is the leads of a month.
type cohortRow struct {
	Month, Leads, Link string
	Young              bool
	Cells              []cohortCell
	Won                string
}

type cohortCell struct {
	Rate, N, Link string
	Ground        string
}

// showFunnel makes three queries: the roster that every page reads, the newest decision, and the values to filter by. The figures are
// counted beside it.
func showFunnel(a *ask) (answer, error) {
	s := a.sightOf()
	c, err := a.counting()
	if err != nil {
		return nil, err
	}
	given, err := a.site.Store.FilterValues(a.Context())
	if err != nil {
		return nil, err
	}
	t, months := a.count(c, "flow", report.Flow, s.query("")), a.count(c, "funnel", report.Funnel, s.query("month"))
	if c.err != nil {
		return nil, c.err
	}
	p := funnelPage{Waiting: c.Waiting, Finding: t.Finding, Notes: t.Notes, Filters: a.filters(&s, given), All: s.behindURL()}
	if len(t.Rows) > 0 {
		if err := p.fill(a.plan, &s, t, months); err != nil {
			return nil, err
		}
	}
	return page{title: "Funnel", body: funnelBody(p), live: "figures", state: a.asOf(c)}, nil
}

// periodFilter chooses when something happened.
func periodFilter(label, chosen string) filter {
	f, known := filter{Label: label, Name: "period"}, false
	for _, p := range periods {
		known = known || p.name == chosen
		f.Options = append(f.Options, filterOption{p.name, p.words, p.name == chosen})
	}
	if !known {
		f.Options = append(f.Options, filterOption{chosen, monthWords(chosen), true})
	}
	return f
}

// memberFilter chooses a member, or everybody, which is what the address says for that.
func (a *ask) memberFilter(label, name, everybody, chosen string) filter {
	known := chosen == ""
	f := filter{Label: label, Name: name, Options: []filterOption{{everybody, "everybody", known}}}
	for _, m := range a.members(chosen) {
		known = known || m.Chosen
		if m.Value == a.viewer.Email {
			m.Words += " (you)"
		}
		f.Options = append(f.Options, filterOption(m))
	}
	if !known { // they have left
		f.Options = append(f.Options, filterOption{chosen, a.memberName(chosen), true})
	}
	return f
}

// filters are the choices of what figures are about.
func (a *ask) filters(s *sight, given store.FilterValues) []filter {
	list := []filter{periodFilter("Arrived", s.Period)}
	var owners []string
	for i := range a.roster.Members {
		owners = append(owners, a.roster.Members[i].ID)
	}
	for _, f := range []struct {
		label, name, chosen string
		values              []string
	}{{"Source", "source", s.Source, given.Sources}, {"Campaign", "campaign", s.Campaign, given.Campaigns}, {"Segment", "segment", s.Segment, given.Segments}, {"Owner", "owner", s.Owner, owners}} {
		values := f.values
		if f.chosen != "" && f.chosen != store.None && !slices.Contains(values, f.chosen) {
			values = append(slices.Clone(values), f.chosen)
		}
		if len(values) == 0 {
			continue
		}
		one := filter{Label: f.label, Name: f.name, Options: []filterOption{{"", "all", f.chosen == ""}}}
		for _, v := range values {
			words := v
			if f.name == "owner" {
				words = a.memberName(v)
			}
			one.Options = append(one.Options, filterOption{v, words, v == f.chosen})
		}
		one.Options = append(one.Options, filterOption{store.None, "none", f.chosen == store.None})
		list = append(list, one)
	}
	return list
}

// fill puts the figures of the reports into the diagram, the list and the tables.
func (p *funnelPage) fill(plan *agreement.Plan, s *sight, t, months *report.Table) error {
	way, err := report.Way(plan)
	if err != nil {
		return err
	}
	slot := plan.Index.Stage
	fig := &document.Figures{Says: t.Finding}
	for r := range t.Rows {
		name := t.Cell(r, "stage").Text
		entered, now, stay := t.Cell(r, "entered"), t.Cell(r, "now"), t.Cell(r, "median_stay_days")
		i, known := slot[name]
		one := funnelStep{Name: document.Title(name), Side: t.Cell(r, "side").Text, Now: now.String(), Entered: entered.String(), Stay: stay.String(),
			Link: s.behindURL("stage", name, "now", "1"), EnteredLink: s.behindURL("stage", name)}
		if known {
			one.Final = plan.Stages[i].Final.String()
			fig.Stages = append(fig.Stages, document.StageFigure{Stage: i, Now: now.Int, Entered: entered.Int, Link: one.Link})
		}
		if of := t.Cell(r, "of_before"); of.Kind == report.Share {
			one.Rate = of.String()
		}
		if slices.Contains(way, name) {
			p.Steps = append(p.Steps, one)
		} else {
			p.Beside = append(p.Beside, one)
		}
	}
	if len(t.Parts) > 0 {
		p.flows(plan, s, t.Parts[0], fig)
	}
	p.Picture = string(document.Diagram(plan, fig, document.Page))
	if len(way) > 1 {
		p.Columns = way[1:]
	}
	var row *cohortRow
	for r := range months.Rows {
		month, stage := months.Rows[r][0].Text, months.Cell(r, "stage").Text
		at := slices.Index(way, stage)
		if at < 0 {
			continue
		}
		if at == 0 {
			p.Cohorts = append(p.Cohorts, cohortRow{Month: monthWords(month), Leads: months.Cell(r, "entered").String(), Young: months.Cell(r, "cohort").Text == string(report.Maturing)})
			row = &p.Cohorts[len(p.Cohorts)-1]
			one := *s
			one.Period = month
			row.Link = one.behindURL("stage", stage)
			continue
		}
		one := *s
		one.Period = month
		cell := cohortCell{N: months.Cell(r, "entered").String(), Link: one.behindURL("stage", stage), Ground: "heat-1"}
		if of := months.Cell(r, "of_before"); of.Kind == report.Share {
			cell.Rate = fmt.Sprintf("%.0f %%", of.Num*100)
			switch {
			case of.Num >= .7:
				cell.Ground = "heat-3"
			case of.Num >= .4:
				cell.Ground = "heat-2"
			}
		}
		if row.Young {
			cell.Ground = "hatch"
		}
		row.Cells = append(row.Cells, cell)
		if at == len(way)-1 {
			row.Won = months.Cell(r, "of_all").String()
		}
	}
	slices.Reverse(p.Cohorts) // the newest first
	p.Cohorts = p.Cohorts[:min(len(p.Cohorts), 13)]
	return nil
}

// flows puts what passed along each arrow into the diagram and the tables.
func (p *funnelPage) flows(plan *agreement.Plan, s *sight, t *report.Table, fig *document.Figures) {
	drawn := map[[2]int]bool{}
	for i := range plan.Transitions {
		for _, from := range plan.Transitions[i].From {
			drawn[[2]int{from, plan.Transitions[i].To}] = true
		}
	}
	for i := range plan.Handoffs {
		drawn[[2]int{plan.Handoffs[i].From, plan.Handoffs[i].To}] = true
	}
	back := map[int]int64{}
	var most int64
	for r := range t.Rows {
		most = max(most, t.Cell(r, "passed").Int)
	}
	for r := range t.Rows {
		from, to := t.Cell(r, "from").Text, t.Cell(r, "to").Text
		passed, of, days := t.Cell(r, "passed"), t.Cell(r, "of_entered"), t.Cell(r, "median_days")
		row := flowRow{From: document.Title(from), To: document.Title(to), Passed: passed.String(), Rate: of.String(), Days: days.String(), Link: s.behindURL("stage", to, "from", from)}
		p.Flows = append(p.Flows, row)
		i, oki := plan.Index.Stage[from]
		j, okj := plan.Index.Stage[to]
		if !oki || !okj {
			continue
		}
		for n := 1; n < len(p.Steps); n++ {
			if p.Steps[n-1].Name == row.From && p.Steps[n].Name == row.To {
				p.Steps[n].Days = row.Days
				p.Steps[n].Weight = px(1.5 + 4*math.Sqrt(float64(passed.Int)/float64(max(most, 1))))
			}
		}
		if !drawn[[2]int{i, j}] {
			back[j] += passed.Int
			continue
		}
		arrow := document.ArrowFigure{From: i, To: j, Count: passed.Int, Rate: -1, Days: float64(days.Int) / (24 * float64(hour)), Link: row.Link}
		if of.Kind == report.Share {
			arrow.Rate = of.Num
		}
		fig.Arrows = append(fig.Arrows, arrow)
	}
	for j := range plan.Stages {
		if n, ok := back[j]; ok {
			fig.Arrows = append(fig.Arrows, document.ArrowFigure{From: document.AnyStage, To: j, Count: n, Rate: -1, Days: -1, Link: s.behindURL("stage", plan.Stages[j].Name)})
		}
	}
}
