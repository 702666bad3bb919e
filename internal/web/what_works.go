package web

import (
	"fmt"
	"math"
	"strings"

	"baton/internal/agreement"
	"baton/internal/report"
	"baton/internal/store"
)

// whatWorksPage is what goes with winning.
type whatWorksPage struct {
	Waiting bool
	Finding string
	Base    string
	By      []link
	ByWord  string
	Filters []filter
	Axis    []axisMark
	Rows    []liftRow
	Points  bool // there is a column of points
	Notes   []string
	Grades  []gradeLine // of the heat map, D last
	Asked   []answered
	Back    []reasonBar
	Clauses []letInRow
	BackSay string
}

// liftRow is a group against the base rate. X positions are in percent of the width of the plot.
type liftRow struct {
	Name, Leads, Won, Rate, Lift, Verdict, Says string
	Link                                        string // "" for a group that no list can be made of
	Points                                      string
	Clauses                                     []string
	Few                                         bool
	Hollow, Young                               bool
	X, Low, High                                string
	OffLow, OffHigh                             bool // the interval goes on beyond the plot
}

type axisMark struct {
	X, Y, Words string
	Base        bool
}

type gradeLine struct {
	Letter, Words string
	Cells         []gradeCell
}

type gradeCell struct{ Rate, N, Link, Ground, Label string }

// answered is a question about the grades, with the answer.
type answered struct {
	Question, Answer, Text string
	Sure                   bool
}

type reasonBar struct {
	Words, Clause, N, Share, Width, Link string
}

// letInRow is a clause that let leads in, some of which came back.
type letInRow struct{ Clause, In, Back, Share, Reason, Link string }

var liftBy = []struct{ name, words string }{{"activity", "Activities"}, {"asset", "Assets"}, {"criterion", "Criteria"}, {"source", "Sources"}}

// liftSight is what the figures are about.
func (a *ask) liftSight() sight {
	s := a.sightOf()
	s.Only = store.Only{}
	return s
}

// liftBy is what leads are compared by.
func (a *ask) liftBy() string {
	if by := a.URL.Query().Get("by"); isLiftBy(by) {
		return by
	}
	return "activity"
}

// liftGroup is how the report calls it.
func liftGroup(by string) string {
	if by == "source" {
		return "" // the default, which knows what to do without a source
	}
	return by
}

// showWhatWorks makes two queries: the roster that every page reads, and the newest decision. The figures are counted beside it.
func showWhatWorks(a *ask) (answer, error) {
	s, by := a.liftSight(), a.liftBy()
	c, err := a.counting()
	if err != nil {
		return nil, err
	}
	t, grades := a.count(c, "lift", report.Lift, s.query(liftGroup(by))), a.count(c, "lift", report.Lift, s.query("grade"))
	back := a.count(c, "rejections", report.Rejections, s.query(""))
	if c.err != nil {
		return nil, c.err
	}
	p := whatWorksPage{Waiting: c.Waiting, Finding: t.Finding, ByWord: strings.ToLower(by), Notes: t.Notes, Filters: a.filters(&s, store.FilterValues{})[:1]}
	for _, b := range liftBy {
		q := s.values()
		q.Set("by", b.name)
		p.By = append(p.By, link{Href: "/what-works?" + q.Encode(), Words: b.words, Current: b.name == by})
	}
	p.Filters = append(p.Filters, filter{Label: "", Name: "by", Options: []filterOption{{by, by, true}}})
	p.lift(a.plan, &s, t, by)
	p.heat(&s, grades)
	p.back(a.plan, &s, back)
	return page{title: "What works", body: whatWorksBody(p), live: "figures", state: a.asOf(c)}, nil
}

func isLiftBy(by string) bool {
	for _, b := range liftBy {
		if b.name == by {
			return true
		}
	}
	return false
}

// lift draws the groups on a doubling scale around the base rate, from a quarter to four times at least.
func (p *whatWorksPage) lift(plan *agreement.Plan, s *sight, t *report.Table, by string) {
	if t.Base <= 0 {
		p.Base = "Nothing is won yet, so there is no base rate."
	} else {
		p.Base = "Base rate " + report.Percent(t.Base)
	}
	reach := 1.0
	for r := range t.Rows {
		for _, name := range []string{"low", "high"} {
			if v := t.Cell(r, name); v.Kind == report.Share && v.Num > 0 && t.Base > 0 {
				reach = max(reach, min(3, math.Ceil(math.Abs(math.Log2(v.Num/t.Base))-.05)))
			}
		}
	}
	at := func(rate float64) (x float64, off bool) {
		d := math.Inf(-1)
		if rate > 0 {
			d = math.Log2(rate / t.Base)
		}
		return 50 + 46*min(1, max(-1, d/reach)), math.Abs(d) > reach+.05
	}
	for d := -reach; d <= reach; d++ {
		words := map[float64]string{-3: "⅛×", -2: "¼×", -1: "½×", 0: "base", 1: "2×", 2: "4×", 3: "8×"}[d]
		p.Axis = append(p.Axis, axisMark{X: px(50 + 46*d/reach), Words: words, Base: d == 0})
	}
	for r := range t.Rows {
		name := t.Rows[r][0].Text
		row := liftRow{Name: liftName(name), Leads: t.Cell(r, "leads").String(), Won: t.Cell(r, "won").String(), Rate: t.Cell(r, "rate").String(), Lift: t.Cell(r, "lift").String(),
			Verdict: t.Cell(r, "verdict").Text}
		row.Points, row.Clauses = pointsOf(plan, by, name)
		p.Points = p.Points || row.Points != ""
		if by == "source" && !strings.HasPrefix(name, "(") {
			row.Link = s.behindURL("source", name)
		} else if by == "source" && name == store.None {
			row.Link = s.behindURL("source", store.None)
		}
		rate := t.Cell(r, "rate")
		if rate.Kind != report.Share || t.Base <= 0 {
			row.Few, row.Says = true, "too few to tell: "+row.Leads
			p.Rows = append(p.Rows, row)
			continue
		}
		low, high := t.Cell(r, "low").Num, t.Cell(r, "high").Num
		x, _ := at(rate.Num)
		a, offA := at(low)
		b, offB := at(high)
		row.X, row.Low, row.High, row.OffLow, row.OffHigh = px(x), px(a), px(b), offA, offB
		row.Young = row.Verdict == string(report.Maturing)
		row.Hollow = row.Verdict == string(report.TooClose)
		if caution := t.Cell(r, "caution").Text; caution != "" && !row.Young && !row.Hollow {
			row.Verdict += ", with care"
		}
		row.Says = fmt.Sprintf("%s of the base rate, likely between %.1f and %.1f times: %s", row.Lift, low/t.Base, high/t.Base, row.Verdict)
		p.Rows = append(p.Rows, row)
	}
}

func liftName(name string) string {
	if strings.HasPrefix(name, "(") {
		return name
	}
	return capital(spaced(name))
}

// pointsOf are the points that the agreement gives for a group today, and the clauses that do.
func pointsOf(plan *agreement.Plan, by, name string) (points string, clauses []string) {
	signed := func(p int64) string {
		s := px(math.Abs(float64(p)) / agreement.Point)
		if p < 0 {
			return "−" + s
		}
		return "+" + s
	}
	switch by {
	case "criterion":
		for i := range plan.Fit {
			if f := &plan.Fit[i]; f.Name == name {
				return signed(f.Points), []string{f.Address}
			}
		}
	case "activity", "asset":
		index := plan.Index.Activity
		if by == "asset" {
			index = plan.Index.Asset
		}
		slot, ok := index[name]
		if !ok {
			return "", nil
		}
		var least, most int64
		for i := range plan.Engagement {
			e := &plan.Engagement[i]
			if by == "asset" && e.Asset != slot || by == "activity" && !within(e.Activities, slot) {
				continue
			}
			clauses = append(clauses, e.Address)
			if len(clauses) == 1 {
				least, most = e.Points, e.Points
			}
			least, most = min(least, e.Points), max(most, e.Points)
			if points = signed(least); most != least {
				points += " to " + signed(most)
			}
		}
	}
	return points, clauses
}

func within(list []int, slot int) bool {
	for _, s := range list {
		if s == slot {
			return true
		}
	}
	return false
}

// heat puts the grades against what was won, and compares some of them.
func (p *whatWorksPage) heat(s *sight, t *report.Table) {
	type won struct{ won, n int64 }
	grades := map[string]won{}
	top := 0.0
	for r := range t.Rows {
		g := won{t.Cell(r, "won").Int, t.Cell(r, "leads").Int}
		grades[t.Rows[r][0].Text] = g
		if rate := t.Cell(r, "rate"); rate.Kind == report.Share {
			top = max(top, rate.Num)
		}
	}
	if len(grades) == 0 {
		return
	}
	for i, letter := range []string{"A", "B", "C", "D"} {
		line := gradeLine{Letter: letter, Words: fitWords[i]}
		for _, figure := range []string{"1", "2", "3", "4"} {
			g := grades[letter+figure]
			c := gradeCell{N: grouped(g.n), Link: s.behindURL("grade", letter+figure), Label: gradeWords(letter + figure)}
			switch rate := float64(g.won) / float64(max(g.n, 1)); {
			case g.n < 30:
				c.Ground = "hatch"
			default:
				c.Rate = fmt.Sprintf("%.1f", 100*rate)
				c.Ground = "heat-1"
				if top > 0 {
					c.Ground = [...]string{"heat-1", "heat-2", "heat-3", "heat-4", "heat-5"}[min(4, int(5*rate/top))]
				}
			}
			line.Cells = append(line.Cells, c)
		}
		p.Grades = append(p.Grades, line)
	}
	for _, pair := range [][2]string{{"A1", "B2"}, {"A2", "B1"}, {"B2", "C3"}} {
		a, b := grades[pair[0]], grades[pair[1]]
		q := answered{Question: "Is " + article(pair[0]) + " better than " + article(pair[1]) + "?"}
		difference, low, high, few := report.Difference(a.won, a.n, b.won, b.n)
		switch {
		case few:
			q.Answer, q.Text = "Too few to tell.", fmt.Sprintf("%s against %s leads; 30 of each are needed.", grouped(a.n), grouped(b.n))
		default:
			rate := func(g won) string { return report.Percent(float64(g.won) / float64(g.n)) }
			q.Text = fmt.Sprintf("%s against %s: %s to %s points apart (95 %% interval).", rate(a), rate(b), pointsApart(low), pointsApart(high))
			switch {
			case low > 0:
				q.Answer, q.Sure = "Yes.", true
			case high < 0:
				q.Answer, q.Sure = "No, it is won less often.", true
			default:
				q.Answer = "Too close to tell."
			}
			_ = difference
		}
		p.Asked = append(p.Asked, q)
	}
}

func article(grade string) string {
	if grade[0] == 'A' {
		return "an " + grade
	}
	return "a " + grade
}

func pointsApart(share float64) string {
	n := math.Round(100 * share)
	if n < 0 {
		return "−" + px(-n)
	}
	return px(n)
}

// back is why leads came back, and which clauses had let them in.
func (p *whatWorksPage) back(plan *agreement.Plan, s *sight, t *report.Table) {
	p.BackSay = t.Finding
	for r := range t.Rows {
		clause := t.Rows[r][0].Text
		row := letInRow{Clause: clause, In: t.Cell(r, "let_in").String(), Back: t.Cell(r, "returned").String(), Share: t.Cell(r, "share").String(), Reason: t.Cell(r, "reason").Text}
		if strings.HasPrefix(clause, "(") {
			row.Clause = ""
		} else {
			row.Link = s.behindURL("via", clause)
		}
		p.Clauses = append(p.Clauses, row)
	}
	if len(t.Parts) == 0 {
		return
	}
	reasons := t.Parts[0]
	var most int64
	for r := range reasons.Rows {
		most = max(most, reasons.Cell(r, "n").Int)
	}
	for r := range reasons.Rows {
		name, n := reasons.Rows[r][0].Text, reasons.Cell(r, "n")
		b := reasonBar{Words: spaced(name), N: n.String(), Share: reasons.Cell(r, "share").String(), Width: px(100 * float64(n.Int) / float64(max(most, 1)))}
		if i, ok := plan.Index.Handback[name]; ok {
			b.Clause, b.Link = plan.Handbacks[i].Address, s.behindURL("via", plan.Handbacks[i].Address)
		}
		p.Back = append(p.Back, b)
	}
}
