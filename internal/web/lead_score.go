package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// scoreStory is how the score of a lead came about.
type scoreStory struct {
	Total, Parts  string // "143", "65 fit (A) + 78 engagement (1)"
	Sentence      string // what the chart shows
	Wide, Narrow  scoreChart
	Steps         []scoreStep // the newest first
	Smaller, Fade scoreStep   // what is not marked, and what time took; Points "" for nothing
	Next, NextAt  string      // what becomes of it by time alone, and when; "" for nothing
	Version       int64
	Cut           bool // there was more before
}

// scoreStep is something that moved the score: a numbered mark on the line, and a row of the table.
type scoreStep struct {
	N          int
	When, What string
	Points     string
	Clauses    []string
	at, value  int64
}

// scoreChart is the drawing, all in the units of its view box.
type scoreChart struct {
	W, H                float64
	Left, Right, Bottom float64
	Grid, Days          []tick
	Fit, Whole          string // areas
	Line, FitLine       string
	Thresholds          []threshold
	Marks               []stepMark
	EndX, EndY          float64
	NameX               float64 // where the areas are named
	FitY, EngagementY   float64 // 0 for not
}

type tick struct {
	At    float64
	Words string
}

type threshold struct {
	Y      float64
	Words  string
	Strong bool
}

type stepMark struct {
	X, Y float64
	N    string
}

// mostMarks is how many steps are numbered; the largest are.
const mostMarks = 7

// moment of the score: exact when something was decided, worked out from what counts in between.
type scorePoint struct{ at, fit, engagement int64 }

// score tells how the score came about, from what was decided about the lead, the oldest first. It is nil for a lead without a score.
func (a *ask) score(plan *agreement.Plan, view *lifecycle.View, past []lifecycle.Decided, at int64, cut bool) *scoreStory {
	l := view.Lead
	if l.Consent.Status == lifecycle.Objected {
		return nil
	}
	facts := lifecycle.FactsAt(plan, view, at)
	s := &scoreStory{Version: l.Version, Cut: cut}
	total := l.FitPoints + facts.Engagement
	s.Total = lifecycle.PointsText(total)
	s.Parts = lifecycle.PointsText(l.FitPoints) + " fit"
	grade := facts.Grade
	if grade.Fit != 0 {
		s.Parts += " (" + string(rune(grade.Fit)) + ")"
	}
	s.Parts += " + " + lifecycle.PointsText(facts.Engagement) + " engagement"
	if grade.Fit != 0 {
		s.Parts += " (" + string(rune(grade.Engagement)) + ")"
	}

	// What was counted, and how the two sums stood whenever they were worked out; in between they fade by what was counted.
	var curve agreement.Curve
	var points []scorePoint
	var steps []scoreStep
	var fade func(int64) int64
	until := func(t int64) {
		for i := range int64(fades) {
			if last := points[len(points)-1]; fade != nil && t-last.at > minute {
				at := last.at + (t-last.at)/(fades-i+1)
				points = append(points, scorePoint{at, last.fit, fade(at)})
			}
		}
		if n := len(points); n > 0 && fade != nil {
			points = append(points, scorePoint{t, points[n-1].fit, fade(t)})
		}
	}
	for i := range past {
		in, d := &past[i].Input, &past[i].Decision
		step := scoreStep{at: d.At}
		cleared, rescored := false, false
		cite := func(c *lifecycle.Change) {
			if c.Reason > 0 && c.Reason <= len(d.Reasons) && !slices.Contains(step.Clauses, d.Reasons[c.Reason-1].Clause) {
				step.Clauses = append(step.Clauses, d.Reasons[c.Reason-1].Clause)
			}
		}
		for j := range d.Changes {
			switch c := &d.Changes[j]; c.Kind {
			case lifecycle.PointsGiven:
				step.value += c.Points
				cite(c)
				fading(&curve, plan, c)
			case lifecycle.FitGained:
				step.value += c.Points
				cite(c)
			case lifecycle.FitLost:
				step.value -= c.Points
				cite(c)
			case lifecycle.ScoreCleared:
				if k := agreement.Keep(c.Int); k != agreement.KeepEngagement && k != agreement.KeepAll {
					curve.Reset(curve.Start)
				}
				cleared = true
				cite(c)
			case lifecycle.Rescored:
				was := int64(0)
				if n := len(points); n > 0 {
					until(d.At)
					was = points[len(points)-1].fit + points[len(points)-1].engagement
				}
				points = append(points, scorePoint{d.At, c.Points, c.Int})
				if cleared {
					step.value = c.Points + c.Int - was
				}
				rescored = true
			}
		}
		if rescored {
			fade = decays(points[len(points)-1], &curve)
		}
		if step.value == 0 {
			continue
		}
		step.What = capital(stepWords(in))
		if cleared {
			step.What = "The score begins anew: " + stepWords(in)
		}
		steps = append(steps, step)
	}
	if len(points) == 0 {
		points = append(points, scorePoint{max(l.Entered, 1), l.FitPoints, facts.Engagement})
	} else {
		until(at)
	}
	points = append(points, scorePoint{at, l.FitPoints, facts.Engagement})

	from := points[0].at
	if at-from < hour {
		from = at - hour
	}
	steps = near(steps, (at-from)/34)
	s.number(a, steps, total)
	level := func(t int64) int64 {
		i, _ := slices.BinarySearchFunc(points, t+1, func(p scorePoint, t int64) int { return cmp.Compare(p.at, t) })
		p := points[max(0, i-1)]
		return p.fit + p.engagement
	}
	s.Wide = drawScore(a, plan, points, from, at, 680, 236, s.Steps, level)
	s.Narrow = drawScore(a, plan, points, from, at, 320, 200, nil, level)
	s.Sentence = fmt.Sprintf("The score since %s, now %s points: %s.", a.date(from), s.Total, s.Parts)
	if i := int(grade.Engagement) - '1'; grade.Fit != 0 && i < 3 {
		if down := facts.EngagementCurve.NextCross(at, plan.Grade.Engagement[i]); down != agreement.Never {
			s.Next, s.NextAt = fmt.Sprintf("If they do nothing more, engagement falls below %s and the grade becomes %c%d from",
				lifecycle.PointsText(plan.Grade.Engagement[i]), grade.Fit, i+2), a.dateTime(down)
		}
	}
	return s
}

// fades is how many points are worked out between two that were decided.
const fades = 8

// fading adds points that a rule gave to what fades.
func fading(curve *agreement.Curve, plan *agreement.Plan, c *lifecycle.Change) {
	slot := slices.IndexFunc(plan.Engagement, func(r agreement.EngagementRule) bool { return r.Name == c.Name })
	if slot < 0 {
		return // of an earlier agreement
	}
	switch r := &plan.Engagement[slot]; {
	case r.Expires > 0:
		curve.Steps = append(curve.Steps, agreement.StepTerm{Points: c.Points, Until: c.At + r.Expires})
	case r.HalfLife > 0:
		curve.Terms = append(curve.Terms, agreement.DecayTerm{Points: c.Points, Ref: c.At, HalfLife: r.HalfLife})
	default:
		curve.Flat += c.Points
	}
}

// decays returns how the engagement goes on from a point, by what was counted until then.
func decays(from scorePoint, c *agreement.Curve) func(int64) int64 {
	base := c.At(from.at)
	kept := agreement.Curve{Start: c.Start, Flat: c.Flat, Terms: slices.Clone(c.Terms), Steps: slices.Clone(c.Steps)}
	return func(t int64) int64 {
		if base <= 0 {
			return from.engagement
		}
		return int64(float64(from.engagement) * float64(kept.At(t)) / float64(base))
	}
}

// stepWords says what moved a score.
func stepWords(in *lifecycle.Input) string {
	switch in.Kind {
	case lifecycle.Did:
		s := spaced(in.Name)
		if in.Asset != "" {
			s += " (" + spaced(in.Asset) + ")"
		}
		return s
	case lifecycle.Identify, lifecycle.Refresh:
		return "who they are"
	case lifecycle.Answered, lifecycle.Contact:
		return "what they said"
	case lifecycle.Activate:
		return "a new agreement applies"
	case lifecycle.Merge:
		return "what was known of lead " + px(float64(in.Other))
	}
	return spaced(in.Kind.String())
}

// near puts steps together that a mark could not be told from the next by, the oldest first.
func near(steps []scoreStep, within int64) (list []scoreStep) {
	var began int64
	for _, s := range steps {
		n := len(list) - 1
		if n < 0 || s.at-began > within {
			list, began = append(list, s), s.at
			continue
		}
		last := &list[n]
		last.at = s.at
		if !slices.Contains(strings.Split(strings.ToLower(last.What), ", "), strings.ToLower(s.What)) {
			last.What += ", " + strings.ToLower(s.What[:1]) + s.What[1:]
		}
		for _, c := range s.Clauses {
			if !slices.Contains(last.Clauses, c) {
				last.Clauses = append(last.Clauses, c)
			}
		}
		last.value += s.value
	}
	return list
}

// number gives the largest steps their numbers, and sums up the others and what time took.
func (s *scoreStory) number(a *ask, steps []scoreStep, total int64) {
	largest := slices.Clone(steps)
	slices.SortStableFunc(largest, func(x, y scoreStep) int { return cmp.Compare(max(y.value, -y.value), max(x.value, -x.value)) })
	bound := int64(0)
	if len(largest) > mostMarks {
		bound = max(largest[mostMarks-1].value, -largest[mostMarks-1].value)
	}
	sum, smaller, n := int64(0), int64(0), 0
	for _, step := range steps {
		sum += step.value
		if max(step.value, -step.value) < bound || len(s.Steps) == mostMarks {
			smaller += step.value
			n++
			continue
		}
		step.N, step.When, step.Points = len(s.Steps)+1, a.dayShort(step.at), signedPoints(step.value)
		s.Steps = append(s.Steps, step)
	}
	slices.Reverse(s.Steps)
	if n > 0 {
		s.Smaller = scoreStep{What: fmt.Sprintf("%d smaller %s", n, plural(n, "step", "steps")), Points: signedPoints(smaller)}
	}
	if faded := total - sum; !s.Cut && max(faded, -faded) >= agreement.Point/2 {
		s.Fade = scoreStep{What: "Faded: what they did counts for less with time", Points: signedPoints(faded), Clauses: []string{"scoring.engagement"}}
	}
}

// signedPoints writes points with their sign, a true minus.
func signedPoints(p int64) string {
	tenths := int64(math.Round(float64(p) / (agreement.Point / 10)))
	text := lifecycle.PointsText(max(tenths, -tenths) * (agreement.Point / 10))
	if tenths < 0 {
		return "−" + text
	}
	return "+" + text
}

// drawScore draws fit and engagement over time, one on the other.
func drawScore(a *ask, plan *agreement.Plan, points []scorePoint, from, to int64, w, h float64, steps []scoreStep, level func(int64) int64) scoreChart {
	c := scoreChart{W: w, H: h, Left: 40, Right: w - 48, Bottom: h - 28}
	if steps == nil {
		c.Left, c.Right = 32, w-8
	}
	most := int64(20 * agreement.Point)
	last := points[len(points)-1]
	for _, p := range points {
		most = max(most, p.fit, p.fit+p.engagement)
	}
	if steps != nil {
		most = max(most, last.fit+plan.Grade.Engagement[0])
	}
	unit := float64(agreement.Point)
	each := niceStep(float64(most) / unit / 3)
	top := each * math.Ceil((float64(most)/unit+each*.12)/each)
	x := func(t int64) float64 {
		return c.Left + 10 + (c.Right-c.Left-10)*float64(max(t, from)-from)/float64(max(1, to-from))
	}
	y := func(p int64) float64 { return c.Bottom - (c.Bottom-16)*min(1, max(0, float64(p)/unit/top)) }
	for v := 0.0; v <= top; v += each {
		c.Grid = append(c.Grid, tick{y(int64(v * unit)), px(v)})
	}
	days := 4
	if steps == nil {
		days = 2
	}
	for i := range days {
		t := from + (to-from)*int64(i)/int64(days-1)
		c.Days = append(c.Days, tick{x(t), a.axisTime(t, to-from)})
	}
	var line, fit strings.Builder
	for i, p := range points {
		move := "L"
		if i == 0 {
			move = "M"
			fmt.Fprintf(&line, "M%s %s", px(x(p.at)), px(y(p.fit+p.engagement)))
			fmt.Fprintf(&fit, "M%s %s", px(x(p.at)), px(y(p.fit)))
			continue
		}
		fmt.Fprintf(&line, "%s%s %s", move, px(x(p.at)), px(y(p.fit+p.engagement)))
		fmt.Fprintf(&fit, "%s%s %s", move, px(x(p.at)), px(y(p.fit)))
	}
	c.Line, c.FitLine = line.String(), fit.String()
	close := fmt.Sprintf("V%sH%sZ", px(c.Bottom), px(x(points[0].at)))
	c.Whole, c.Fit = c.Line+close, c.FitLine+close
	if plan.Grade.Engagement[0] > 0 {
		for i, limit := range plan.Grade.Engagement[:2] {
			if steps == nil && i > 0 || float64(last.fit+limit)/unit > top {
				continue
			}
			t := threshold{Y: y(last.fit + limit), Words: fmt.Sprintf("engagement %s starts grade %d", lifecycle.PointsText(limit), i+1), Strong: i == 0}
			if steps == nil {
				t.Words = "grade 1 starts"
			}
			c.Thresholds = append(c.Thresholds, t)
		}
	}
	for i := range steps {
		s := &steps[i]
		c.Marks = append(c.Marks, stepMark{x(s.at), y(level(s.at)), px(float64(s.N))})
	}
	c.EndX, c.EndY = x(to), y(last.fit+last.engagement)
	// The areas are named where they are high enough for a word.
	middle := points[len(points)/2]
	for _, p := range points {
		if x(p.at) > c.Left+(c.Right-c.Left)*.42 {
			middle = p
			break
		}
	}
	if c.Bottom-y(middle.fit) > 22 {
		c.FitY = (c.Bottom + y(middle.fit)) / 2
	}
	if y(middle.fit)-y(middle.fit+middle.engagement) > 22 {
		c.EngagementY = (y(middle.fit) + y(middle.fit+middle.engagement)) / 2
		for _, t := range c.Thresholds {
			if math.Abs(t.Y-c.EngagementY) < 11 {
				c.EngagementY = t.Y + 12
			}
		}
		if c.EngagementY > y(middle.fit)-8 {
			c.EngagementY = 0
		}
	}
	c.NameX = x(middle.at)
	return c
}

// niceStep is a step of a scale that people count by, not below a size.
func niceStep(least float64) float64 {
	for _, s := range []float64{1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000} {
		if s >= least {
			return s
		}
	}
	return math.Pow(10, math.Ceil(math.Log10(least)))
}

// date writes a day, dateTime an instant, each with what it takes to be clear today.
func (a *ask) date(at int64) string {
	t := time.UnixMicro(at).In(a.zone)
	if t.Year() == a.now.In(a.zone).Year() {
		return t.Format("2 January")
	}
	return t.Format("2 January 2006")
}

func (a *ask) dateTime(at int64) string {
	t := time.UnixMicro(at).In(a.zone)
	if t.Year() == a.now.In(a.zone).Year() {
		return t.Format("Mon 2 Jan, 15:04")
	}
	return t.Format("2 Jan 2006, 15:04")
}

// dayShort writes a day for a table: "Wed 11 Nov", "22 Sep", "3 May 2025".
func (a *ask) dayShort(at int64) string {
	t, now := time.UnixMicro(at).In(a.zone), a.now.In(a.zone)
	switch d := dayNumber(now) - dayNumber(t); {
	case d == 0:
		return "Today " + t.Format("15:04")
	case d < 14 && t.Year() == now.Year():
		return t.Format("Mon 2 Jan")
	case t.Year() == now.Year():
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// axisTime names a place on the axis of a chart that is so long.
func (a *ask) axisTime(at, span int64) string {
	t := time.UnixMicro(at).In(a.zone)
	switch {
	case span < 48*hour:
		return t.Format("Mon 15:04")
	case span > 400*24*hour:
		return t.Format("Jan 2006")
	}
	return t.Format("2 Jan")
}
