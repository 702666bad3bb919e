package agreement

import (
	"fmt"
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
// a field for each attribute, no missing values but empty texts.
type condTestHand struct {
	number  [10]float64
	text    [10]string
	boolean [10]bool
	score   int64
	now     int64
	demo    int64
}

func (h *condTestHand) count() int {
	n := 0
	for i := range 25 {
		k := i % 10
		var holds bool
		switch i % 5 {
		case 0:
			holds = h.number[k] >= float64(20*i)
		case 1:
			holds = h.number[k] >= 10 && h.number[k] <= float64(20*i) && h.text[k] == "se"
		case 2:
			s := h.text[k]
			holds = s == "se" || s == "no" || s == "dk" || s == "fi"
		case 3:
			holds = strings.Contains(h.text[k], "student")
		default:
			holds = h.boolean[k] && !h.boolean[(i+1)%10]
		}
		if holds {
			n++
		}
	}
	s := h.text[0]
	if (h.score >= 60*Point && h.number[0] > 100 || h.demo > h.now-7*condTestDay) && (s == "se" || s == "no" || s == "dk") && !h.boolean[0] {
		n++
	}
	return n
}

func condTestHandOf(f *Facts) *condTestHand {
	h := &condTestHand{score: f.Fit + f.Engagement, now: f.Now, demo: f.Activities[0].Last}
	for i := range 30 {
		v := f.Lead[i]
		if i >= 20 {
			v = f.Company[i]
		}
		switch i % 3 {
		case 0:
			h.number[i/3] = v.Num
		case 1:
			h.text[i/3] = v.Fold
		default:
			h.boolean[i/3] = v.Num != 0
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
	p, conditions, f := condTestRules(t)
	_ = p
	if n := testing.AllocsPerRun(100, func() { condTestCount(conditions, f) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	q := condTestPlan(t)
	facts := condTestFacts(q)
	for _, source := range []string{
		`owner == "x"`, `account.owner == owner`, `stage startsWith "m" and stage.side == "sales"`, `grade in ["A1"] or grade startsWith "B"`, `title matches "operations$"`,
		`count("page_viewed", "7d") > 2 and since("demo_requested") > "1d"`, `matches_buyer("operations_lead")`, `age(renewal) > "1d" or renewal - "3d" > created`, `(company.employees ?? 5) * 2 > budget`,
		`country in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]`, `origin ?? "sales" == "sales" or true`,
	} {
		c, _ := compileCondition(q, ScopeLead, Clause{}, source)
		if c == nil {
			continue
		}
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
		best := 0.0
		for range 5 {
			r := testing.Benchmark(func(b *testing.B) {
				for b.Loop() {
					run()
				}
			})
			if ns := float64(r.T.Nanoseconds()) / float64(r.N); best == 0 || ns < best {
				best = ns
			}
		}
		return best
	}
	ratio := per(func() { n += condTestCount(conditions, f) }) / per(func() { n += hand.count() })
	fmt.Printf("FIGURE condition_vs_hand %.1f <=10\n", ratio)
	if n == 0 {
		t.Error("no condition holds")
	}
}
