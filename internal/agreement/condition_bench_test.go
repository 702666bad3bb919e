package agreement

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// condTestRules are 25 scoring rules and a sales-ready condition over 30
// attributes, and the same by hand.
func condTestRules(tb testing.TB) (*Plan, []*Condition, *Facts) {
	p := &Plan{Index: Index{Attribute: map[string]int{}, Activity: map[string]int{"demo_requested": 0}}, Activities: []Activity{{Name: "demo_requested"}}}
	for i := range 30 {
		kind := []Kind{Number, Text, Boolean}[i%3]
		name := fmt.Sprintf("%s%d", kind, i)
		p.Attributes = append(p.Attributes, Attribute{Name: name, Kind: kind, Company: i >= 20})
		p.Index.Attribute[name] = i
	}
	sources := []string{}
	for i := range 25 {
		switch i % 5 {
		case 0:
			sources = append(sources, fmt.Sprintf("number%d >= %d", i%10*3, 20*i))
		case 1:
			sources = append(sources, fmt.Sprintf("number%d in 10..%d and text%d == \"se\"", i%10*3, 20*i, i%10*3+1))
		case 2:
			sources = append(sources, fmt.Sprintf("text%d in [\"se\", \"no\", \"dk\", \"fi\"]", i%10*3+1))
		case 3:
			sources = append(sources, fmt.Sprintf("text%d contains \"student\"", i%10*3+1))
		default:
			sources = append(sources, fmt.Sprintf("boolean%d and not boolean%d", i%10*3+2, (i+1)%10*3+2))
		}
	}
	sources = append(sources, `(score >= 60 and number0 > 100 or did("demo_requested", "7d")) and text1 in ["se", "no", "dk"] and not boolean2`)
	var conditions []*Condition
	for _, source := range sources {
		conditions = append(conditions, condMust(tb, p, ScopeLead, source))
	}
	f := &Facts{
		Now: condTestNow, Lead: make([]Value, 30), Company: make([]Value, 30), Scored: true,
		Fit: 40 * Point, Engagement: 30 * Point, EngagementCurve: &Curve{Flat: 30 * Point},
		Activities: []Memory{{Activity: 0, Count: 1, First: condTestNow - condTestDay, Last: condTestNow - condTestDay}},
	}
	for i := range 30 {
		values := f.Lead
		if i >= 20 {
			values = f.Company
		}
		switch i % 3 {
		case 0:
			values[i] = NumberValue(float64(37 * i % 500))
		case 1:
			values[i] = TextValue([]string{"SE", "US", "Head of Operations", "no"}[i/3%4])
		default:
			values[i] = BooleanValue(i%2 == 0)
		}
	}
	return p, conditions, f
}

// condTestHand is what a programmer would write for one agreement: a struct with
// a field for each attribute. It does the same: what is not known makes no rule fire.
type condTestHand struct {
	number       [10]float64
	text         [10]string
	boolean      [10]bool
	knowsNumber  [10]bool
	knowsText    [10]bool
	knowsBoolean [10]bool
	score        int64
	scored       bool
	now          int64
	demo         int64
}

func (h *condTestHand) count() int {
	n := 0
	if h.knowsNumber[0] && h.number[0] >= 0 {
		n++
	}
	if h.knowsNumber[1] && h.number[1] >= 10 && h.number[1] <= 20 && h.knowsText[1] && h.text[1] == "se" {
		n++
	}
	if h.knowsText[2] && (h.text[2] == "se" || h.text[2] == "no" || h.text[2] == "dk" || h.text[2] == "fi") {
		n++
	}
	if h.knowsText[3] && strings.Contains(h.text[3], "student") {
		n++
	}
	if h.knowsBoolean[4] && h.boolean[4] && h.knowsBoolean[5] && !h.boolean[5] {
		n++
	}
	if h.knowsNumber[5] && h.number[5] >= 100 {
		n++
	}
	if h.knowsNumber[6] && h.number[6] >= 10 && h.number[6] <= 120 && h.knowsText[6] && h.text[6] == "se" {
		n++
	}
	if h.knowsText[7] && (h.text[7] == "se" || h.text[7] == "no" || h.text[7] == "dk" || h.text[7] == "fi") {
		n++
	}
	if h.knowsText[8] && strings.Contains(h.text[8], "student") {
		n++
	}
	if h.knowsBoolean[9] && h.boolean[9] && h.knowsBoolean[0] && !h.boolean[0] {
		n++
	}
	if h.knowsNumber[0] && h.number[0] >= 200 {
		n++
	}
	if h.knowsNumber[1] && h.number[1] >= 10 && h.number[1] <= 220 && h.knowsText[1] && h.text[1] == "se" {
		n++
	}
	if h.knowsText[2] && (h.text[2] == "se" || h.text[2] == "no" || h.text[2] == "dk" || h.text[2] == "fi") {
		n++
	}
	if h.knowsText[3] && strings.Contains(h.text[3], "student") {
		n++
	}
	if h.knowsBoolean[4] && h.boolean[4] && h.knowsBoolean[5] && !h.boolean[5] {
		n++
	}
	if h.knowsNumber[5] && h.number[5] >= 300 {
		n++
	}
	if h.knowsNumber[6] && h.number[6] >= 10 && h.number[6] <= 320 && h.knowsText[6] && h.text[6] == "se" {
		n++
	}
	if h.knowsText[7] && (h.text[7] == "se" || h.text[7] == "no" || h.text[7] == "dk" || h.text[7] == "fi") {
		n++
	}
	if h.knowsText[8] && strings.Contains(h.text[8], "student") {
		n++
	}
	if h.knowsBoolean[9] && h.boolean[9] && h.knowsBoolean[0] && !h.boolean[0] {
		n++
	}
	if h.knowsNumber[0] && h.number[0] >= 400 {
		n++
	}
	if h.knowsNumber[1] && h.number[1] >= 10 && h.number[1] <= 420 && h.knowsText[1] && h.text[1] == "se" {
		n++
	}
	if h.knowsText[2] && (h.text[2] == "se" || h.text[2] == "no" || h.text[2] == "dk" || h.text[2] == "fi") {
		n++
	}
	if h.knowsText[3] && strings.Contains(h.text[3], "student") {
		n++
	}
	if h.knowsBoolean[4] && h.boolean[4] && h.knowsBoolean[5] && !h.boolean[5] {
		n++
	}
	if (h.scored && h.score >= 60*Point && h.knowsNumber[0] && h.number[0] > 100 || h.scored && h.demo > h.now-7*condTestDay) &&
		h.knowsText[0] && (h.text[0] == "se" || h.text[0] == "no" || h.text[0] == "dk") && h.knowsBoolean[0] && !h.boolean[0] {
		n++
	}
	return n
}

func condTestHandOf(f *Facts) *condTestHand {
	h := &condTestHand{score: f.Fit + f.Engagement, scored: f.Scored, now: f.Now, demo: f.Activities[0].Last}
	for i := range 30 {
		v := f.Lead[i]
		if i >= 20 {
			v = f.Company[i]
		}
		switch i % 3 {
		case 0:
			h.number[i/3], h.knowsNumber[i/3] = v.Num, v.Known()
		case 1:
			h.text[i/3], h.knowsText[i/3] = v.Fold, v.Known()
		default:
			h.boolean[i/3], h.knowsBoolean[i/3] = v.Num != 0, v.Known()
		}
	}
	return h
}

func condTestCount(conditions []*Condition, f *Facts) int {
	n := 0
	for _, c := range conditions {
		if c.Holds(f) {
			n++
		}
	}
	return n
}

func TestConditionsCountLikeHand(t *testing.T) {
	_, conditions, f := condTestRules(t)
	if got, want := condTestCount(conditions, f), condTestHandOf(f).count(); got != want {
		t.Errorf("%d hold, by hand %d", got, want)
	}
}

func TestConditionsDoNotAllocate(t *testing.T) {
	_, conditions, f := condTestRules(t)
	if n := testing.AllocsPerRun(100, func() { condTestCount(conditions, f) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	q := condTestPlan(t)
	facts := condTestFacts(q)
	for _, source := range []string{
		`owner == "x"`, `account.owner == owner`, `stage startsWith "m" and stage.side == "sales"`, `grade in ["A1"] or grade startsWith "B"`, `title matches "operations$"`,
		`count("page_viewed", "7d") > 2 and since("demo_requested") > "1d"`, `matches_buyer("operations_lead")`, `age(renewal) > "1d" or renewal - "3d" > created`, `(company.employees ?? 5) * 2 > budget`,
		`country in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]`, `(origin ?? "sales") == "sales"`,
	} {
		c := condMust(t, q, ScopeLead, source)
		if n := testing.AllocsPerRun(100, func() { c.Eval(facts); c.NextChange(facts) }); n != 0 {
			t.Errorf("%s: %v allocations", source, n)
		}
	}
}

func BenchmarkConditionsVsHand(b *testing.B) {
	_, conditions, f := condTestRules(b)
	hand := condTestHandOf(f)
	n := 0
	b.Run("conditions", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n += condTestCount(conditions, f)
		}
	})
	b.Run("hand", func(b *testing.B) {
		for b.Loop() {
			n += hand.count()
		}
	})
}

func BenchmarkConditionCompile(b *testing.B) {
	p := condTestPlan(b)
	for b.Loop() {
		compileCondition(p, ScopeLead, Clause{}, `grade in ["A1", "A2", "B1"] or did("demo_requested", "7d") and company.employees >= 200`)
	}
}

func BenchmarkConditionNextChange(b *testing.B) {
	p := condTestPlan(b)
	f := condTestFacts(p)
	c := condMust(b, p, ScopeLead, `grade in ["A1", "A2", "B1"] or did("demo_requested", "7d") and score >= 60`)
	for b.Loop() {
		c.NextChange(f)
	}
}

// TestFigureConditionVsHand prints how many times slower conditions are than Go
// by hand; make bench sets BATON_FIGURES and judges the line.
func TestFigureConditionVsHand(t *testing.T) {
	if os.Getenv("BATON_FIGURES") != "1" {
		t.Skip("BATON_FIGURES=1 measures")
	}
	_, conditions, f := condTestRules(t)
	hand, n := condTestHandOf(f), 0
	per := func(run func()) float64 {
		r := testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				run()
			}
		})
		return float64(r.T.Nanoseconds()) / float64(r.N)
	}
	// the quickest of each, taken in turn, so that a busy machine slows both
	ours, theirs := math.Inf(1), math.Inf(1)
	for range 5 {
		ours = min(ours, per(func() { n += condTestCount(conditions, f) }))
		theirs = min(theirs, per(func() { n += hand.count() }))
	}
	ratio := ours / theirs
	fmt.Printf("FIGURE condition_vs_hand %.1f <=10\n", ratio)
	if n == 0 {
		t.Error("no condition holds")
	}
}
