package lifecycle_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

const (
	hour = int64(3_600_000_000)
	day  = 24 * hour
)

func samplePlan(tb testing.TB) *agreement.Plan {
	source, _ := agreement.Template("waterfall")
	plan, findings := agreement.Compile("waterfall.yaml", source, nil)
	if findings.HasErrors() {
		tb.Fatal(findings.Err())
	}
	return plan
}

// sample is a lead in the middle of things, and the page view that comes next.
func sample(tb testing.TB) (*agreement.Plan, lifecycle.View, lifecycle.Input) {
	plan := samplePlan(tb)
	view := lifecycle.View{Roster: lifecycle.NewRoster(plan)}
	t := int64(1_770_000_000_000_000)
	id := int64(0)
	step := func(in lifecycle.Input) {
		id++
		in.ID, in.Lead, in.Version = id, 1, 1
		d := lifecycle.Decide(plan, &view, &in)
		if d.Refused != "" {
			tb.Fatal(d.Refused)
		}
		for i := range d.Changes {
			lifecycle.Apply(plan, &view, &d.Changes[i])
		}
		lifecycle.Advance(&view, &in)
	}
	step(lifecycle.Input{Kind: lifecycle.Identify, At: t, Known: t, Values: []lifecycle.Named{
		{Name: "company.employees", Value: agreement.NumberValue(300)}, {Name: "seniority", Value: agreement.TextValue("director")}}})
	for i := range int64(5) {
		step(lifecycle.Input{Kind: lifecycle.Did, At: t + i*hour, Known: t + i*hour, Name: "page_viewed"})
	}
	step(lifecycle.Input{Kind: lifecycle.Did, At: t + 6*hour, Known: t + 6*hour, Name: "pricing_viewed"})
	at := t + 30*hour
	return plan, view, lifecycle.Input{ID: 9, Kind: lifecycle.Did, Lead: 1, Version: 1, At: at, Known: at, Name: "page_viewed"}
}

// handLead is what a programmer would keep who wrote the sample agreement's rules for page views by hand.
type handLead struct {
	stage                  string
	fit, engagement        int64
	grade                  agreement.Grade
	readiness              int
	total                  int64
	visits                 []int64 // that counted
	pricing, pricingRef    int64
	pricingLast, demoLast  int64
	contentLast            []int64
	need, authority        bool
	budget, timelineIsNear bool
	wake                   int64
	curve                  agreement.Curve
}

// pageViewed makes the decision that the sample agreement makes of an ordinary page view.
func (l *handLead) pageViewed(in *lifecycle.Input) lifecycle.Decision {
	d := lifecycle.Decision{Input: in.ID, Lead: in.Lead, At: in.Known, Version: in.Version}
	d.Changes = make([]lifecycle.Change, 0, 4)
	d.Reasons = make([]lifecycle.Reason, 0, 1)
	total := l.total + 1
	d.Changes = append(d.Changes, lifecycle.Change{Kind: lifecycle.ActivityCounted, Name: "page_viewed", At: in.At})
	lately := 0
	for i := len(l.visits) - 1; i >= 0 && l.visits[i] > in.At-day; i-- {
		lately++
	}
	counts := lately < 5
	if counts {
		d.Reasons = append(d.Reasons, lifecycle.Reason{Clause: "scoring.engagement.visit"})
		d.Changes = append(d.Changes, lifecycle.Change{Kind: lifecycle.PointsGiven, Name: "visit", Int: 7, Points: agreement.Point, At: in.At, Reason: 1})
	} else {
		d.Reasons = append(d.Reasons, lifecycle.Reason{Clause: "scoring.engagement.visit", Text: "counted as often as the agreement allows already"})
	}
	c := &l.curve
	c.Reset(in.Known)
	if l.pricing != 0 {
		c.Terms = append(c.Terms, agreement.DecayTerm{Points: l.pricing, Ref: l.pricingRef, HalfLife: 21 * day})
	}
	for _, at := range l.visits {
		if at+30*day > in.Known {
			c.Steps = append(c.Steps, agreement.StepTerm{Points: agreement.Point, Until: at + 30*day})
		}
	}
	if counts {
		c.Steps = append(c.Steps, agreement.StepTerm{Points: agreement.Point, Until: in.At + 30*day})
	}
	engagement := c.At(in.Known)
	if counts {
		d.Changes = append(d.Changes, lifecycle.Change{Kind: lifecycle.Rescored, Points: l.fit, Int: engagement})
	}
	grade := agreement.Grade{Fit: 'D', Engagement: '4'}
	switch {
	case l.fit >= 60*agreement.Point:
		grade.Fit = 'A'
	case l.fit >= 40*agreement.Point:
		grade.Fit = 'B'
	case l.fit >= 20*agreement.Point:
		grade.Fit = 'C'
	}
	level := int64(0)
	switch {
	case engagement >= 60*agreement.Point:
		grade.Engagement, level = '1', 60*agreement.Point
	case engagement >= 35*agreement.Point:
		grade.Engagement, level = '2', 35*agreement.Point
	case engagement >= 15*agreement.Point:
		grade.Engagement, level = '3', 15*agreement.Point
	}
	readiness := 0
	switch {
	case l.authority && l.budget && l.timelineIsNear:
		readiness = 5
	case l.need && l.authority:
		readiness = 4
	case l.pricingLast > in.Known-30*day || l.demoLast > in.Known-90*day:
		readiness = 3
	case total >= 4 || len(l.contentLast) >= 2 && l.contentLast[len(l.contentLast)-2] > in.Known-90*day:
		readiness = 2
	case total > 0:
		readiness = 1
	}
	if grade != l.grade || readiness != l.readiness {
		panic("not an ordinary page view")
	}
	if l.stage == "lead" && total >= 3 && (grade.Fit == 'A' && grade.Engagement <= '2' || grade.Fit == 'B' && grade.Engagement == '1' ||
		l.demoLast > in.Known-7*day && l.fit >= 40*agreement.Point) {
		panic("not an ordinary page view")
	}
	wake := agreement.Never
	if level > 0 {
		wake = c.NextCross(in.Known, level)
	}
	if l.pricingLast > in.Known-30*day {
		wake = min(wake, l.pricingLast+30*day)
	}
	if l.demoLast > in.Known-90*day {
		wake = min(wake, l.demoLast+90*day)
	}
	if wake != l.wake {
		d.Changes = append(d.Changes, lifecycle.Change{Kind: lifecycle.WakeSet, At: wake})
	}
	return d
}

func handSample(view *lifecycle.View) *handLead {
	l := view.Lead
	h := &handLead{stage: "lead", fit: l.FitPoints, engagement: l.Engagement, grade: l.Grade, readiness: l.Readiness, total: l.Total, wake: l.Wake, demoLast: -1 << 60}
	for _, m := range l.Rules {
		if len(m.Counted) > 2 {
			h.visits = slices.Clone(m.Counted)
		} else {
			h.pricing, h.pricingRef, h.pricingLast = m.Points, m.Ref, m.Ref
		}
	}
	return h
}

func TestHandMakesTheSameDecision(t *testing.T) {
	plan, view, in := sample(t)
	got, want := handSample(&view).pageViewed(&in), lifecycle.Decide(plan, &view, &in)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-Decide +by hand)\n%s", diff)
	}
}

func TestDecideAllocations(t *testing.T) {
	if raced {
		t.Skip("the race detector makes allocations of its own")
	}
	plan, view, in := sample(t)
	allocations := testing.AllocsPerRun(1000, func() { lifecycle.Decide(plan, &view, &in) })
	if allocations > 4 {
		t.Errorf("%.1f allocations for an ordinary activity, want at most 4: the changes, the reasons and what a rule has counted", allocations)
	}
}

func BenchmarkDecide(b *testing.B) {
	plan, view, in := sample(b)
	b.Run("decide", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			lifecycle.Decide(plan, &view, &in)
		}
	})
	b.Run("hand", func(b *testing.B) {
		hand := handSample(&view)
		b.ReportAllocs()
		for b.Loop() {
			hand.pageViewed(&in)
		}
	})
}

// TestFigureDecideVsHand prints the figure decide_vs_hand: Decide against the rules written by hand, the median
// of pairs measured in turn.
func TestFigureDecideVsHand(t *testing.T) {
	if os.Getenv("BATON_FIGURES") == "" {
		t.Skip("figures are measured by: make bench")
	}
	plan, view, in := sample(t)
	hand := handSample(&view)
	var ratios []float64
	for range 9 {
		a := testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				lifecycle.Decide(plan, &view, &in)
			}
		})
		h := testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				hand.pageViewed(&in)
			}
		})
		ratios = append(ratios, float64(a.NsPerOp())/float64(h.NsPerOp()))
	}
	slices.Sort(ratios)
	fmt.Printf("FIGURE decide_vs_hand %.2f <=5\n", ratios[len(ratios)/2])
}
