package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/document"
	"baton/internal/lifecycle"
	"baton/internal/report"
	"baton/internal/store"
)

// promisesPage is whether both sides keep what they promised, and what breaks next.
type promisesPage struct {
	Waiting  bool
	Headline string
	Under    string // beside the headline
	Spans    []link
	Soon     []soonRow
	More     int // that are over, and not among them
	Sides    []sidePromises
	Response string // finding of the response report
	Bars     waitChart
	Steps    []stepRow
	Clauses  []clauseRow
	Owners   []clauseRow
	Notes    []string
}

// soonRow is a clock with little time left, or none.
type soonRow struct {
	Name, Company, Clause, Grade, Owner, Doing, Link string
	Version, Lead                                    int64
	Until                                            string // what ends it: "Accept"
	Left                                             timeLeft
	Give                                             reasonMenuOf // to somebody else; without an act for a viewer who may not
	Remind                                           []field      // what the form says that reminds; none for a viewer who may not
	RemindURL                                        string
	row                                              *store.ListedLead // the lead
	Reminded                                         string            // by whom and when, if that was less than an hour ago
}

type sidePromises struct {
	Side, Title, Signatory string
	List                   []promiseCard
}

// promiseCard is one commitment. Positions are in percent.
type promiseCard struct {
	Title, Under, Figure, Tone, State, Clause string
	Count                                     bool
	Bar, Tint, Mark                           string // of a count: what is, what will be, what was promised
	At, Promise, Left, Width                  string // of a share
	Scale                                     string // where the share's line begins: "80 %"
	PromiseWords, Anchor                      string
	Link                                      string // the leads behind the figure
	Side                                      string
	Trend                                     []trendDot
	TrendY                                    string // of the promise
	TrendLine, TrendSays                      string
	Past                                      []pastPeriod
}

type trendDot struct {
	X, Y string
	Kept bool
	Last bool
}

// pastPeriod is a line of the table behind a trend.
type pastPeriod struct{ Period, Reached, State string }

type stepRow struct{ Handoff, Step, Came, Done, Open, Median, P90, WallMedian, WallP90 string }

// clauseRow is where time ran out: by clause, or by owner and clause.
type clauseRow struct{ Owner, Clause, Over, Of, Share, Median, OverLink, OfLink string }

// waitChart is how the time to acceptance is spread.
type waitChart struct {
	Says              string
	Bars              []waitBar
	Median, P90       string // positions
	MedianAt, P90At   string // words
	Agreed, AgreedAt  string
	Ticks             []axisMark
	Grid              []axisMark // lines of counts
	Over              string     // how many took longer than agreed
	MedianEnd, P90End bool       // the words stand left of the line
}

type waitBar struct {
	X, Width, Y, Height string
	Over                bool
	Words, N            string
}

var promiseSpans = []struct{ name, words string }{{"month", "This month"}, {"quarter", "Quarter"}, {"12m", "12 months"}}

// soonHorizon is how far ahead the page looks for clocks that end, and mostSoon how many it shows.
const (
	soonHorizon = 8 * hour
	mostSoon    = 8
	mostOver    = 4
	countOver   = 200 // how many that are over are counted at most
)

// promiseSight is what the figures of promises are about.
func (a *ask) promiseSight() sight {
	period := a.URL.Query().Get("period")
	if !slices.ContainsFunc(promiseSpans, func(p struct{ name, words string }) bool { return p.name == period }) {
		period = "quarter"
	}
	return sight{Period: period, span: a.spanOf(period)}
}

// showPromises makes five queries: the roster that every page reads, the newest decision, the leads with something due soon, the clocks that are over, and their leads. The figures
// are counted beside it.
func showPromises(a *ask) (answer, error) {
	s := a.promiseSight()
	period := s.Period
	c, err := a.counting()
	if err != nil {
		return nil, err
	}
	due, err := a.site.Store.DueLeads(a.Context(), a.now.UnixMicro()+soonHorizon, 200)
	if err != nil {
		return nil, err
	}
	ran, err := a.site.Store.OverClocks(a.Context(), countOver)
	if err != nil {
		return nil, err
	}
	half := sight{span: a.spanOf("6m")}
	var tables [5]*report.Table
	for i, r := range []struct {
		name string
		make maker
		q    report.Query
	}{{"promises", report.Promised, half.query("")}, {"sla", report.SLA, s.query("")}, {"sla", report.SLA, s.query("owner")}, {"waits", report.Waits, s.query("")}, {"response", report.Response, s.query("")}} {
		tables[i] = a.count(c, r.name, r.make, r.q)
	}
	if c.err != nil {
		return nil, c.err
	}
	p := promisesPage{Waiting: c.Waiting, Notes: slices.Concat(tables[0].Notes, tables[1].Notes)}
	for _, span := range promiseSpans {
		p.Spans = append(p.Spans, link{Href: "/promises?period=" + span.name, Words: span.words, Current: span.name == period})
	}
	over, near, err := p.soon(a, due, ran, mostSoon, mostOver)
	if err != nil {
		return nil, err
	}
	p.More = max(0, len(ran)-mostOver)
	kept, all := p.promised(a, tables[0])
	p.Headline = headline(len(a.plan.Commitments), kept, all, near, over)
	p.Under = tables[1].Finding
	p.slow(tables[3], tables[4], a.plan)
	p.ranOut(a, &s, tables[1], tables[2])
	return page{title: "Promises", body: promisesBody(p), live: "figures", state: a.asOf(c)}, nil
}

// headline answers the page's question in a sentence or two: of the commitments, all are counted yet.
func headline(commitments, kept, all, hour, over int) string {
	s := fmt.Sprintf("%d of %d promises are being kept.", kept, all)
	switch {
	case commitments == 0:
		s = "The agreement has no commitments yet."
	case all == 0:
		s = "Nothing has happened yet that the promises count."
	case kept == all && all == 1:
		s = "The one promise is being kept."
	case kept == all:
		s = fmt.Sprintf("All %d promises are being kept.", all)
	}
	clocks := func(n int) string {
		if n == 1 {
			return "One clock"
		}
		return strconv.Itoa(n) + " clocks"
	}
	switch {
	case hour > 0 && over > 0:
		s += fmt.Sprintf(" %s near the end, and %d %s over.", clocks(hour)+map[bool]string{true: " is", false: " are"}[hour == 1], over, map[bool]string{true: "is", false: "are"}[over == 1])
	case hour > 0:
		s += fmt.Sprintf(" %s near the end.", clocks(hour)+map[bool]string{true: " is", false: " are"}[hour == 1])
	case over > 0:
		s += fmt.Sprintf(" %s over.", clocks(over)+map[bool]string{true: " is", false: " are"}[over == 1])
	}
	return s
}

// soon lists the clocks that end next and those that are over: what is over first, the latest of it first, at most so many of each. It says how
// many are over, and how many are near the end.
func (p *promisesPage) soon(a *ask, due []store.ListedLead, over []store.OverClock, most, mostOver int) (late, near int, err error) {
	var ids []int64
	for i := range over {
		if i < mostOver {
			ids = append(ids, over[i].Lead)
		}
	}
	leads, err := a.site.Store.LeadsByID(a.Context(), ids)
	if err != nil {
		return 0, 0, err
	}
	for i := range over[:len(ids)] {
		k := slices.IndexFunc(leads, func(l store.ListedLead) bool { return l.ID == over[i].Lead })
		if k < 0 {
			continue
		}
		row := &leads[k]
		for j := range row.Lead.Clocks {
			if clock := row.Lead.Clocks[j]; clock.Name == over[i].Name && clock.State == lifecycle.Breached {
				clock.Due = over[i].At
				if plan, err := a.site.API.PlanOf(a.Context(), row.Version); err == nil {
					p.Soon = append(p.Soon, a.soonOf(row, &clock, a.left(plan, &clock)))
				}
			}
		}
	}
	late = len(over)
	var next []soonRow
	for i := range due {
		row := &due[i]
		plan, err := a.site.API.PlanOf(a.Context(), row.Version)
		if err != nil {
			continue // of a version that is not there any more
		}
		for k := range row.Lead.Clocks {
			clock := &row.Lead.Clocks[k]
			if clock.State != lifecycle.Running {
				continue
			}
			left := a.left(plan, clock)
			switch {
			case left.State == "late":
				late++
			case left.Near: // paused until people work again, or not
				near++
			default:
				continue
			}
			next = append(next, a.soonOf(row, clock, left))
		}
	}
	slices.SortStableFunc(next, func(x, y soonRow) int { return cmp.Compare(x.Left.Due, y.Left.Due) })
	p.Soon = append(p.Soon, next[:min(len(next), most)]...)
	return late, near, nil
}

// soonOf is a clock of a lead, with what the viewer may do about it.
func (a *ask) soonOf(row *store.ListedLead, clock *lifecycle.Clock, left timeLeft) soonRow {
	owner := cmp.Or(row.Owner, clock.Member)
	one := soonRow{Name: leadName(row), Company: row.AccountName, Clause: clock.Name, Until: clockEnd(clock.Name), Grade: row.Grade, Owner: a.memberName(owner), Left: left,
		Link: string(leadURL(row.ID)), Version: row.Version, Lead: row.ID, row: row}
	if m := a.roster.Member(owner); m != nil {
		one.Doing, _ = a.doing(m)
	} else if row.Queue != "" {
		one.Owner, one.Doing = row.Queue, "queue"
	}
	if a.viewer.May(WorkLeads) && row.Outcome == "" {
		one.Give = a.giveMenu(row, owner)
	}
	switch {
	case !a.viewer.May(RemindOwners) || owner == a.viewer.Email && row.Queue == "":
	case a.now.UnixMicro() < clock.Asked+hour:
		one.Reminded = "by " + cmp.Or(a.memberName(clock.AskedBy), "somebody") + ", " + a.clockTime(clock.Asked)
	default:
		one.Remind = []field{{"clock", clock.Name}, {"who", one.Name}, {"seen", strconv.FormatInt(row.LastInput, 10)}, {"back", "/promises"}}
		one.RemindURL = string(actURL(row.ID, "remind"))
	}
	return one
}

// clockEnd says what ends a clock, in a word or two.
func clockEnd(address string) string {
	switch {
	case strings.HasSuffix(address, ".accept_within"):
		return "Accept"
	case strings.HasSuffix(address, ".contact_within"):
		return "First contact"
	case strings.HasSuffix(address, ".limit"):
		return "Leave " + document.Title(strings.TrimSuffix(strings.TrimPrefix(address, "stages."), ".limit"))
	}
	return capital(spaced(strings.TrimPrefix(address, "clocks.")))
}

// doing says how a member stands now: away, or with how much open.
func (a *ask) doing(m *lifecycle.Member) (words string, away bool) {
	now := a.now.UnixMicro()
	if slices.ContainsFunc(m.Away, func(w lifecycle.Absence) bool { return w.From <= now && now < w.To }) {
		return "away now", true
	}
	return strconv.Itoa(m.Open) + " open", false
}

// giveMenu offers the members of the owner's side to give a lead to, those who are away last.
func (a *ask) giveMenu(row *store.ListedLead, owner string) reasonMenuOf {
	m := reasonMenuOf{Act: "give", Action: string(actURL(row.ID, "assign")), Label: "Reassign", Title: "Who speaks to " + leadName(row) + "?", Field: "to", Size: "sm", Class: "max-md:h-10",
		Hidden: []field{{"who", leadName(row)}, {"seen", strconv.FormatInt(row.LastInput, 10)}, {"back", "/promises"}}}
	var away []reason
	side := agreement.Sales
	if now := a.roster.Member(owner); now != nil {
		side = now.Side
	}
	for i := range a.roster.Members {
		v := &a.roster.Members[i]
		if v.Inactive || v.ID == owner || v.Side != side {
			continue
		}
		words, gone := a.doing(v)
		one := reason{Name: v.ID, Words: cmp.Or(v.Name, v.ID), Then: words}
		if gone {
			away = append(away, one)
		} else {
			m.Reasons = append(m.Reasons, one)
		}
	}
	m.Reasons = append(m.Reasons, away...)
	return m
}

// promised puts the commitments of both sides beside each other. It returns how many are kept, or on course, as they stand now.
func (p *promisesPage) promised(a *ask, t *report.Table) (kept, all int) {
	for _, side := range []agreement.Side{agreement.Marketing, agreement.Sales} {
		one := sidePromises{Side: side.String(), Title: capital(side.String()) + " promises"}
		if i := int(side) - 1; i >= 0 && i < len(a.plan.Parties) && a.plan.Parties[i].Signatory != "" {
			one.Signatory = a.memberName(a.plan.Parties[i].Signatory)
		}
		for i := range a.plan.Commitments {
			if c := &a.plan.Commitments[i]; c.Side == side {
				card, ok := a.promise(t, c)
				if card.State != notCounted {
					all++
					if ok {
						kept++
					}
				}
				one.List = append(one.List, card)
			}
		}
		p.Sides = append(p.Sides, one)
	}
	return kept, all
}

var measureWords = map[string]string{
	"qualified_leads": "qualified leads", "accepted_leads": "leads that sales accepts", "opportunities": "opportunities", "won_count": "leads won", "won_value": "in value won",
	"accepted_in_time": "accepted or rejected in time", "contacted_in_time": "spoken to in time", "acceptance_rate": "of what is offered accepted",
}

// notCounted is the state of a promise of which there are no figures yet; it is neither kept nor not.
const notCounted = "not counted"

// promise is a commitment as it stands now, with its last periods. It says whether it is kept, or on course.
func (a *ask) promise(t *report.Table, c *agreement.Commitment) (promiseCard, bool) {
	card := promiseCard{Clause: c.Address, Side: c.Side.String(), Count: !c.Percent}
	promise := px(c.AtLeast)
	if c.Percent {
		promise += " %"
	} else {
		promise = grouped(int64(c.AtLeast))
	}
	card.Title = "At least " + promise + " " + cmp.Or(measureWords[c.Name], spaced(c.Name)) + " each " + c.Per
	card.PromiseWords = promise + " promised"
	var rows []int
	for r := range t.Rows {
		if t.Cell(r, "commitment").Text == c.Address && t.Cell(r, "state").Text != "in part" {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		card.Figure, card.State, card.Under = "–", notCounted, "Nothing has happened yet that this counts."
		card.Count = true
		return card, true
	}
	rows = rows[max(0, len(rows)-6):]
	now := rows[len(rows)-1]
	card.Link = a.promiseLink(c)
	n, of, reached := t.Cell(now, "n").Int, t.Cell(now, "of").Int, t.Cell(now, "reached")
	ok := true
	if c.Percent {
		ok = reached.Kind != report.Share || reached.Num >= c.AtLeast/100
		card.Under = fmt.Sprintf("%s of %s that have come to an end this %s", grouped(n), grouped(of), c.Per)
		card.Figure = "–"
		if reached.Kind == report.Share {
			card.Figure = fmt.Sprintf("%.0f %%", math.Floor(100*reached.Num))
		} else {
			card.Under = "None has come to an end this " + c.Per
		}
		low := .8
		for _, r := range rows {
			if v := t.Cell(r, "reached"); v.Kind == report.Share {
				low = min(low, math.Floor(v.Num*10)/10)
			}
		}
		low = max(0, min(low, math.Floor((c.AtLeast-10)/10)/10))
		at := func(share float64) float64 { return 1 + 96*(share-low)/(1-low) }
		card.Scale, card.Promise, card.Anchor = fmt.Sprintf("%.0f %%", 100*low), px(at(c.AtLeast/100)), "end"
		if at(c.AtLeast/100) < 55 { // or else it would touch the scale's own words
			card.Anchor = "middle"
		}
		if reached.Kind == report.Share {
			x, y := at(reached.Num), at(c.AtLeast/100)
			card.At, card.Left, card.Width = px(x), px(min(x, y)), px(math.Abs(x-y))
		}
		card.State, card.Tone = "kept", "kept"
		if !ok {
			card.State, card.Tone = "behind", "soon"
			if more := bringsBack(n, of, c.AtLeast/100); more > 0 {
				card.Under += fmt.Sprintf("; the next %s would bring it back", grouped(more)+map[bool]string{true: " in time"}[strings.HasSuffix(c.Name, "in_time")])
			}
		} else if reached.Kind != report.Share {
			card.State, card.Tone = "nothing yet", ""
		}
	} else {
		from, until := report.Period(c.Per, a.now.UnixMicro(), a.plan.Calendar.Zone())
		done, whole := a.plan.Calendar.Between(from, a.now.UnixMicro(), calendar.WorkingTime), a.plan.Calendar.Between(from, until, calendar.WorkingTime)
		card.Figure = grouped(n)
		course := float64(n)
		if done > 0 && whole > 0 && done < whole {
			course = float64(n) * float64(whole) / float64(done)
		}
		ok = course >= c.AtLeast
		card.Under = fmt.Sprintf("At this pace %s by the end of the %s", grouped(int64(math.Round(course))), c.Per)
		top := max(course, c.AtLeast) * 1.25
		card.Bar, card.Tint, card.Mark = px(97*float64(n)/top), px(97*course/top), px(1+97*c.AtLeast/top)
		card.State, card.Tone = "on course", "kept"
		if float64(n) >= c.AtLeast {
			card.State = "kept"
		}
		if !ok {
			card.State, card.Tone = "behind", "soon"
		}
	}
	a.trend(&card, t, c, rows)
	return card, ok
}

// bringsBack is how many in a row bring a share back to what was promised, if n of a number did it so far; 0 if none can.
func bringsBack(n, of int64, atLeast float64) int64 {
	if atLeast >= 1 {
		return 0
	}
	return max(0, int64(math.Ceil((atLeast*float64(of)-float64(n))/(1-atLeast)-1e-9)))
}

// promiseLink is the address of the leads that count for a commitment in its running period, "" where no list has them.
func (a *ask) promiseLink(c *agreement.Commitment) string {
	s := sight{}
	if c.Per == "month" || c.Per == "quarter" || c.Per == "week" {
		s.Period = c.Per
	}
	if s.Period == "" {
		return ""
	}
	switch c.Name {
	case "qualified_leads":
		return s.behindURL("handoff", store.AnyHandoff)
	case "accepted_leads":
		return s.behindURL("handoff", store.AnyHandoff, "ended", store.Accepted)
	case "acceptance_rate":
		return s.behindURL("handoff", store.AnyHandoff, "ended", store.Answered)
	case "won_count", "won_value", "opportunities":
		if stage := report.StageOf(a.plan, c.Name); stage != "" {
			return s.behindURL("stage", stage, "began", "1")
		}
	}
	if len(a.plan.Handoffs) == 1 { // a list has one clock
		switch h := &a.plan.Handoffs[0]; c.Name {
		case "accepted_in_time":
			return s.behindURL("clock", h.AcceptClause.Address)
		case "contacted_in_time":
			return s.behindURL("clock", h.ContactClause.Address)
		}
	}
	return ""
}

// trend draws the last periods of a commitment, hollow where they are under it.
func (a *ask) trend(card *promiseCard, t *report.Table, c *agreement.Commitment, rows []int) {
	value := func(r int) (float64, bool) {
		if c.Percent {
			v := t.Cell(r, "reached")
			return 100 * v.Num, v.Kind == report.Share
		}
		return float64(t.Cell(r, "n").Int), true
	}
	low, high := c.AtLeast, c.AtLeast
	for _, r := range rows {
		if v, ok := value(r); ok {
			low, high = min(low, v), max(high, v)
		}
	}
	y := func(v float64) string { return px(25 - 20*(v-low)/max(high-low, 1e-9)) }
	card.TrendY = y(c.AtLeast)
	var line, said []string
	for i, r := range rows {
		v, ok := value(r)
		period := t.Cell(r, "period").Text
		past := pastPeriod{Period: monthWords(period), Reached: "–", State: t.Cell(r, "state").Text}
		if ok {
			x := px(80 - 15*float64(len(rows)-1-i))
			line = append(line, x+","+y(v))
			card.Trend = append(card.Trend, trendDot{X: x, Y: y(v), Kept: v >= c.AtLeast, Last: i == len(rows)-1})
			past.Reached = px(math.Floor(v))
			if c.Percent {
				past.Reached += " %"
			}
			said = append(said, past.Period+" "+past.Reached)
		}
		card.Past = append(card.Past, past)
	}
	card.TrendLine = strings.Join(line, " ")
	card.TrendSays = "The last periods: " + strings.Join(said, ", ") + "; " + card.PromiseWords
}

// slow draws how long offers wait until they are accepted.
func (p *promisesPage) slow(waits, response *report.Table, plan *agreement.Plan) {
	p.Response = strings.Join(append([]string{response.Finding}, response.Notes...), " ")
	for r := range response.Rows {
		p.Steps = append(p.Steps, stepRow{Handoff: response.Cell(r, "handoff").Text, Step: response.Cell(r, "step").Text, Came: response.Cell(r, "came").String(),
			Done: response.Cell(r, "done").String(), Open: response.Cell(r, "open").String(), Median: response.Cell(r, "median_working_hours").String(), P90: response.Cell(r, "p90_working_hours").String(),
			WallMedian: response.Cell(r, "median_wall_hours").String(), WallP90: response.Cell(r, "p90_wall_hours").String()})
	}
	if len(waits.Rows) == 0 {
		return
	}
	const left, right, floor, roof = 36.0, 496.0, 178.0, 40.0
	var most int64
	for r := range waits.Rows {
		most = max(most, waits.Cell(r, "n").Int)
	}
	c := &p.Bars
	c.Says = waits.Finding
	top := float64(max(most, 1))
	if most > 2 {
		each := niceStep(top / 4)
		for n := 0.0; n <= top; n += each {
			c.Grid = append(c.Grid, axisMark{Y: px(floor - (floor-roof)*n/top), Words: grouped(int64(n))})
		}
	}
	width := (right - left) / float64(len(waits.Rows))
	step := waits.Cell(1, "from_hours").Int
	place := func(us int64) float64 {
		return left + width*min(float64(us)/float64(max(step, 1)), float64(len(waits.Rows)))
	}
	var over, all int64
	for r := range waits.Rows {
		n := waits.Cell(r, "n").Int
		h := (floor - roof) * float64(n) / top
		b := waitBar{X: px(left + width*float64(r) + 1), Width: px(width - 2), Y: px(floor - h), Height: px(h), Over: waits.Cell(r, "over").Text == "yes", N: grouped(n)}
		b.Words = "over " + waits.Cell(r, "from_hours").String()
		if to := waits.Cell(r, "to_hours"); to.Kind != report.Missing {
			b.Words = waits.Cell(r, "from_hours").String() + " to " + to.String()
		}
		c.Bars = append(c.Bars, b)
		all += n
		if b.Over {
			over += n
		}
		if r%2 == 0 {
			words := px(float64(waits.Cell(r, "from_hours").Int) / float64(hour))
			if r == len(waits.Rows)-1 {
				words += "+"
			}
			c.Ticks = append(c.Ticks, axisMark{X: px(left + width*float64(r)), Words: words})
		}
		if b.Over && c.Agreed == "" {
			c.Agreed, c.AgreedAt = px(left+width*float64(r)), "agreed: "+report.Span(waits.Cell(r, "from_hours").Int)
		}
	}
	c.Over = grouped(over) + " of " + grouped(all) + " over"
	whole := max(0, slices.IndexFunc(p.Steps, func(s stepRow) bool { return s.Step == "offered → accepted" }))
	if len(response.Rows) > 0 && response.Cell(whole, "median_working_hours").Kind == report.Duration {
		m, q := response.Cell(whole, "median_working_hours").Int, response.Cell(whole, "p90_working_hours").Int
		c.Median, c.P90, c.MedianAt, c.P90At = px(place(m)), px(place(q)), "median "+report.Span(m), "p90 "+report.Span(q)
		c.MedianEnd, c.P90End = place(m) > 140, place(q) > 140
	}
}

// ranOut is where time ran out, most often first.
func (p *promisesPage) ranOut(a *ask, s *sight, all, byOwner *report.Table) {
	rows := func(t *report.Table) (list []clauseRow) {
		var order []int
		for r := range t.Rows {
			if t.Cell(r, "started").Int > 0 {
				order = append(order, r)
			}
		}
		slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(t.Cell(y, "over").Int, t.Cell(x, "over").Int) })
		for _, r := range order {
			over, met := t.Cell(r, "over").Int, t.Cell(r, "met").Int
			row := clauseRow{Clause: t.Cell(r, "clause").Text, Over: grouped(over), Of: grouped(over + met), Share: "–", Median: t.Cell(r, "median_working_hours").String()}
			if over+met > 0 {
				row.Share = report.Percent(float64(over) / float64(over+met))
			}
			one := []string{"clock", row.Clause}
			if owner := t.Cell(r, "owner").Text; owner != "" {
				row.Owner = a.memberName(owner)
				one = append(one, "member", owner)
			}
			row.OfLink, row.OverLink = s.behindURL(one...), s.behindURL(append(one, "over", "1")...)
			list = append(list, row)
		}
		return list
	}
	p.Clauses = rows(all)
	for _, row := range rows(byOwner) {
		if row.Over != "0" && len(p.Owners) < 12 {
			p.Owners = append(p.Owners, row)
		}
	}
}
