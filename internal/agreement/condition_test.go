package agreement

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/calendar"
)

const (
	condTestDay  = int64(86_400_000_000)
	condTestHour = condTestDay / 24
)

// condTestPlan is an agreement that has something of everything a condition can name.
func condTestPlan(tb testing.TB) *Plan {
	tb.Helper()
	zone, err := calendar.LoadZone("Europe/Stockholm")
	if err != nil {
		tb.Fatal(err)
	}
	cal, err := calendar.New(zone, calendar.Always(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	p := &Plan{
		Calendar: cal,
		Attributes: []Attribute{
			{Name: "title", Kind: Text},
			{Name: "country", Kind: Text},
			{Name: "renewal", Kind: Date},
			{Name: "created", Kind: Date},
			{Name: "newsletter", Kind: Boolean},
			{Name: "budget", Kind: Number},
			{Name: "company.employees", Kind: Number, Company: true},
			{Name: "company.industry", Kind: Choice, Choices: []string{"Manufacturing", "logistics", "retail", "other"}, Company: true},
			{Name: "company.country", Kind: Text, Company: true},
		},
		Questions: []Question{
			{Name: "budget", Kind: Boolean},
			{Name: "timeline", Kind: Text},
			{Name: "seats", Kind: Number},
		},
		Properties: []Attribute{
			{Name: "url", Kind: Text},
			{Name: "minutes", Kind: Number},
		},
		BuyingStages: []Named{{Name: "exploring"}, {Name: "comparing"}, {Name: "deciding"}},
		Activities:   []Activity{{Name: "demo_requested"}, {Name: "webinar_attended"}, {Name: "page_viewed"}},
		Assets:       []Asset{{Name: "pricing_guide"}},
		Stages: []Stage{
			{Name: "lead", Side: Marketing}, {Name: "mql", Side: Marketing}, {Name: "sal", Side: Sales}, {Name: "won", Side: Sales, Final: Won},
		},
		Buyers: []Buyer{{Name: "operations_lead"}, {Name: "nobody_yet"}},
		Grade:  GradeScale{Fit: [3]int64{60 * Point, 40 * Point, 20 * Point}, Engagement: [3]int64{60 * Point, 35 * Point, 15 * Point}},
		Index: Index{
			Attribute: map[string]int{}, Property: map[string]int{}, Question: map[string]int{},
			Activity: map[string]int{}, Asset: map[string]int{}, Stage: map[string]int{},
		},
	}
	for i := range p.Attributes {
		p.Index.Attribute[p.Attributes[i].Name] = i
	}
	for i := range p.Properties {
		p.Index.Property[p.Properties[i].Name] = i
	}
	for i := range p.Questions {
		p.Index.Question[p.Questions[i].Name] = i
	}
	for i := range p.Activities {
		p.Index.Activity[p.Activities[i].Name] = i
	}
	for i := range p.Assets {
		p.Index.Asset[p.Assets[i].Name] = i
	}
	for i := range p.Stages {
		p.Index.Stage[p.Stages[i].Name] = i
	}
	p.Index.Topics = p.countTopics()
	p.Buyers[0].When = condMust(tb, p, ScopeFit, `company.employees in 200..5000 and company.industry in ["manufacturing", "logistics"]`)
	return p
}

func condMust(tb testing.TB, p *Plan, scope Scope, source string) *Condition {
	tb.Helper()
	c, findings := compileCondition(p, scope, Clause{}, source)
	if len(findings) > 0 {
		tb.Fatalf("%s: %s", source, condTestText(source, findings))
	}
	p.noteCondition(c)
	return c
}

// condTestText writes findings as a reader would see them.
func condTestText(source string, findings []conditionFinding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s\n%s%s %s: %s", source, strings.Repeat(" ", f.Offset), strings.Repeat("^", f.Length), f.Code, f.Message)
		if f.Hint != "" {
			fmt.Fprintf(&b, " (%s)", f.Hint)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// condTestNow is 1 May 2026, 12:00 in Stockholm.
var condTestNow = time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC).UnixMicro()

func condTestFacts(p *Plan) *Facts {
	f := &Facts{
		Now:        condTestNow,
		Lead:       make([]Value, len(p.Attributes)),
		Company:    make([]Value, len(p.Attributes)),
		Answers:    make([]Value, len(p.Questions)),
		Properties: make([]Value, len(p.Properties)),
		Activities: []Memory{
			{Activity: 0, Count: 2, First: condTestNow - 20*condTestDay, Last: condTestNow - 3*condTestDay},
			{Activity: 2, Count: 9, First: condTestNow - 90*condTestDay, Last: condTestNow - condTestHour,
				Recent: []int64{condTestNow - 20*condTestDay, condTestNow - 6*condTestDay, condTestNow - 6*condTestDay, condTestNow - condTestHour}},
		},
		Total:           11,
		Fit:             45 * Point,
		EngagementCurve: &Curve{Terms: []DecayTerm{{Points: 40 * Point, Ref: condTestNow, HalfLife: 10 * condTestDay}}},
		Readiness:       3,
		Stage:           1, Entered: condTestNow - 2*condTestDay,
		Pass: 1, Origin: Marketing, Owner: "eva@northwind.example", BuyingStage: 2,
		Scored: true,
	}
	set := func(name string, v Value) {
		slot := p.Index.Attribute[name]
		if p.Attributes[slot].Company {
			f.Company[slot] = v
		} else {
			f.Lead[slot] = v
		}
	}
	set("title", TextValue("Head of Operations"))
	set("renewal", DateValue(condTestNow+30*condTestDay))
	set("newsletter", BooleanValue(true))
	set("company.employees", NumberValue(800))
	set("company.industry", ChoiceValue("Manufacturing"))
	f.Answers[0] = BooleanValue(false)
	f.Properties[0] = TextValue("https://northwind.example/Pricing")
	condTestMove(p, f, f.Now)
	return f
}

// condTestMove lets time pass.
func condTestMove(p *Plan, f *Facts, now int64) {
	f.Now = now
	if f.EngagementCurve != nil {
		f.Engagement = f.EngagementCurve.At(now)
	}
	f.Grade = p.Grade.Of(f.Fit, f.Engagement)
}

func TestConditionTruth(t *testing.T) {
	p := condTestPlan(t)
	f := condTestFacts(p)
	for _, test := range []struct {
		source string
		want   Truth
	}{
		// comparisons
		{`company.employees >= 200`, True},
		{`company.employees > 800`, False},
		{`800 >= company.employees`, True},
		{`700 < company.employees < 900`, True},
		{`company.employees != 800`, False},
		{`company.employees in 200..800`, True},
		{`company.employees in [1, 800]`, True},
		{`company.employees not in [1, 2]`, True},
		{`company.employees / 4 == 200`, True},
		{`company.employees * 2 - 100 > 1000 + 200`, True},
		{`-company.employees < 0`, True},
		{`budget > 5`, Unknown},
		{`budget + 1 > 5`, Unknown},
		{`company.employees / (budget ?? 0) > 5`, Unknown},
		{`(budget ?? 10) > 5`, True},
		{`budget > company.employees`, Unknown},
		{`company.employees >= company.employees - 1`, True},
		// texts
		{`title contains "OPERATIONS"`, True},
		{`title startsWith "head"`, True},
		{`title endsWith "tions"`, True},
		{`title matches "^head of (ops|operations)$"`, True},
		{`title not contains "student"`, True},
		{`title == "head of operations"`, True},
		{`title != "HEAD OF OPERATIONS"`, False},
		{`country == "SE"`, Unknown},
		{`not (country == "SE")`, Unknown},
		{`country in ["SE", "NO"]`, Unknown},
		{`(country ?? "no") in ["SE", "NO"]`, True},
		{`company.industry == "MANUFACTURING"`, True},
		{`company.industry in ["retail", "other"]`, False},
		{`title == country`, Unknown},
		{`title contains (country ?? "head")`, True},
		// booleans and Kleene
		{`newsletter`, True},
		{`newsletter == false`, False},
		{`newsletter != answers.budget`, True},
		{`not newsletter`, False},
		{`answers.budget`, False},
		{`country == "SE" and answers.budget`, False},
		{`country == "SE" and newsletter`, Unknown},
		{`country == "SE" or newsletter`, True},
		{`country == "SE" or answers.budget`, Unknown},
		{`title`, True},
		{`country`, False},
		{`not country`, True},
		{`account.owner`, False},
		{`owner`, True},
		{`known(title) and not known(country)`, True},
		{`known(budget > 5)`, False},
		{`known(score)`, True},
		{`newsletter ? title contains "head" : country == "SE"`, True},
		{`(newsletter ? company.employees : budget) > 5`, True},
		{`(country == "SE" ? 1 : 2) == 2`, Unknown},
		// standing
		{`score >= 85`, True},
		{`score > 85`, False},
		{`score == 85`, True},
		{`score in 80..85`, True},
		{`fit >= 45 and fit < 45.000001`, True},
		{`fit * 2 == 90`, True},
		{`engagement >= 40`, True},
		{`engagement != 40`, False},
		{`(score ?? 0) > 80`, True},
		{`grade == "B2"`, True},
		{`grade in ["a1", "b2"]`, True},
		{`grade startsWith "B"`, True},
		{`grade endsWith "1"`, False},
		{`readiness >= 3`, True},
		{`stage == "MQL"`, True},
		{`stage in ["lead", "mql"]`, True},
		{`stage != "won"`, True},
		{`stage.side == "marketing"`, True},
		{`stage.side == "sales"`, False},
		{`stage startsWith "m"`, True},
		{`pass == 1`, True},
		{`in_stage > "36 hours"`, True},
		{`in_stage >= "2d" and in_stage <= "2 days"`, True},
		{`in_stage > "2d"`, False},
		{`origin == "marketing"`, True},
		{`owner endsWith "@northwind.example"`, True},
		{`handoff == "open"`, Unknown},
		{`handoff`, False},
		{`contacted`, False},
		{`buying_stage == "deciding"`, True},
		{`activities > 10`, True},
		// activities
		{`did("demo_requested")`, True},
		{`did("webinar_attended")`, False},
		{`did("demo_requested", "7d")`, True},
		{`did("demo_requested", "3d")`, False}, // exactly as old as the window
		{`did("demo_requested", "73 hours")`, True},
		{`count("page_viewed") == 9`, True},
		{`count("page_viewed", "7d") == 3`, True},
		{`count("page_viewed", "6d") == 1`, True},
		{`count("page_viewed", "30d") in 4..9`, True},
		{`count("webinar_attended", "30d") == 0`, True},
		{`since("demo_requested") == "3d"`, True},
		{`since("webinar_attended") > "1d"`, Unknown},
		{`(since("webinar_attended") ?? "999d") > "1d"`, True},
		// dates
		{`renewal > "2026-05-01"`, True},
		{`renewal < date("2026-06-01")`, True},
		{`renewal - "30d" < date("2026-05-01")`, False},
		{`renewal - date("2026-05-01") == "30.5 days"`, True},
		{`age(renewal) == "-30d"`, True},
		{`age(renewal) >= -"30d"`, True},
		{`age(created) > "1d"`, Unknown},
		{`(created ?? renewal) > "2026-05-01"`, True},
		{`matches_buyer("operations_lead")`, True},
		{`true`, True},
	} {
		c := condMust(t, p, ScopeLead, test.source)
		if got := c.Eval(f); got != test.want {
			t.Errorf("%s is %s, want %s", test.source, got, test.want)
		}
	}
}

func TestConditionOfALeadThatIsNotScored(t *testing.T) {
	p := condTestPlan(t)
	f := condTestFacts(p)
	f.Scored = false
	for _, source := range []string{
		`score > 1`, `fit > 1`, `engagement > 1`, `grade == "A1"`, `readiness > 1`, `activities > 1`,
		`did("demo_requested")`, `did("demo_requested", "7d")`, `count("page_viewed") > 1`, `count("page_viewed", "7d") > 1`, `since("page_viewed") > "1d"`,
	} {
		c := condMust(t, p, ScopeLead, source)
		if got := c.Eval(f); got != Unknown {
			t.Errorf("%s is %s, want unknown", source, got)
		}
		if at := c.NextChange(f); at != Never {
			t.Errorf("%s changes at %d", source, at)
		}
	}
}

func TestConditionSaw(t *testing.T) {
	p := condTestPlan(t)
	f := condTestFacts(p)
	c := condMust(t, p, ScopeLead, `score >= 60 and grade in ["A1"] and did("demo_requested", "7d") and not did("webinar_attended") and country == "SE"
		and title contains "x" and company.employees > 5 and age(renewal) > "1d" and in_stage > "1d" and count("page_viewed","7d") > 2 and stage == "mql"
		and matches_buyer("operations_lead") and newsletter and since("page_viewed") > "1d" and score < 99`)
	want := []Seen{
		{"score", "85"}, {"grade", "B2"}, {`did("demo_requested", "7d")`, "yes, 2026-04-28 12:00"}, {`did("webinar_attended")`, "no"}, {"country", "not known"},
		{"title", "Head of Operations"}, {"company.employees", "800"}, {"renewal", "2026-05-31"}, {"in_stage", "2 days"}, {`count("page_viewed", "7d")`, "3"}, {"stage", "mql"},
		{`matches_buyer("operations_lead")`, "yes"}, {"company.industry", "Manufacturing"}, {"newsletter", "yes"}, {`since("page_viewed")`, "1 hour"},
	}
	if diff := cmp.Diff(want, c.Saw(f)); diff != "" {
		t.Error(diff)
	}
}

func TestConditionTopicsAndWindows(t *testing.T) {
	p := condTestPlan(t)
	c := condMust(t, p, ScopeLead, `(score >= 60 or did("demo_requested", "90d")) and answers.budget and count("page_viewed", "30d") > 2
		or count("page_viewed", "7d") > 1 and matches_buyer("operations_lead") and stage == "mql"`)
	want := map[int]bool{
		TopicTime: true, TopicFit: true, TopicEngagement: true, TopicStage: true,
		p.QuestionTopic(0): true, p.ActivityTopic(0): true, p.ActivityTopic(2): true, p.AttributeTopic(6): true, p.AttributeTopic(7): true,
	}
	for i := range p.countTopics() {
		if c.Topics.Has(i) != want[i] {
			t.Errorf("topic %d: %v, want %v", i, c.Topics.Has(i), want[i])
		}
	}
	// did remembers the last one only
	if diff := cmp.Diff([]int64{0, 0, 30 * condTestDay}, p.Index.Window); diff != "" {
		t.Error(diff)
	}
	for source, moves := range map[string]bool{`fit >= 60`: false, `did("demo_requested")`: false, `count("page_viewed") > 2`: false, `grade == "A1"`: true, `in_stage > "1d"`: true, `age(renewal) > "1d"`: true} {
		if got := condMust(t, p, ScopeLead, source).Topics.Has(TopicTime); got != moves {
			t.Errorf("%s changes with time: %v, want %v", source, got, moves)
		}
	}
}

func TestConditionsThatSayTheSame(t *testing.T) {
	p := condTestPlan(t)
	for _, test := range []struct {
		a, b                string
		same, hides, hidden bool // a.Same(b), a.Hides(b), b.Hides(a)
	}{
		{`title == "a" and newsletter`, `newsletter == true and "A" == title`, true, true, true},
		{`not (title == "a" or newsletter)`, `title != "a" and not newsletter`, true, true, true},
		{`company.employees >= 100 and company.employees <= 200`, `company.employees in 100..200`, false, true, false},
		{`company.employees >= 100`, `company.employees >= 200`, false, true, false},
		{`company.employees >= 100`, `company.employees >= 200 and newsletter`, false, true, false},
		{`company.employees >= 100`, `company.employees in 50..200`, false, false, false},
		{`company.employees >= 100`, `company.employees in [100, 150.5]`, false, true, false},
		{`score > 59.999999`, `score >= 60`, true, true, true},
		{`country in ["SE", "NO", "DK"]`, `country in ["no", "se"]`, false, true, false},
		{`country in ["SE"]`, `country == "se"`, true, true, true},
		{`country`, `country == "se"`, false, true, false},
		{`country`, `country contains "se"`, false, true, false},
		{`country != "SE"`, `country in ["NO", "DK"]`, false, true, false},
		{`stage not in ["lead", "mql"]`, `stage in ["won", "sal"]`, true, true, true},
		{`grade in ["A1", "A2", "A3", "A4"]`, `grade startsWith "a"`, true, true, true},
		{`newsletter or title`, `newsletter`, false, true, false},
		{`newsletter or title`, `title == "x"`, false, true, false},
		{`did("demo_requested", "7d")`, `did("demo_requested", "1 week")`, true, true, true},
		{`did("demo_requested", "7d")`, `did("demo_requested", "8d")`, false, false, false},
		{`title matches "\\d"`, `title matches "\\D"`, false, false, false},
		{`true`, `newsletter`, false, true, false},
	} {
		a, b := condMust(t, p, ScopeLead, test.a), condMust(t, p, ScopeLead, test.b)
		if a.Same(b) != test.same || a.Hides(b) != test.hides || b.Hides(a) != test.hidden {
			t.Errorf("%s | %s: same %v, hides %v, hidden %v", test.a, test.b, a.Same(b), a.Hides(b), b.Hides(a))
		}
	}
	var always *Condition
	some := condMust(t, p, ScopeLead, `newsletter`)
	if !always.Hides(some) || some.Hides(always) || !always.Same(nil) || some.Same(always) {
		t.Error("a rule without condition holds always")
	}
}

func TestConditionNeeds(t *testing.T) {
	p := condTestPlan(t)
	c := condMust(t, p, ScopeLead, `newsletter and score >= 200 and 12.5 < fit and (engagement > 3 or title) and grade in ["A1", "B1"] and engagement <= 9 and not (engagement < 2)`)
	want := []Need{
		{Name: "score", Least: 200 * Point, Offset: 15, Length: 12},
		{Name: "fit", Least: 12_500_001, Offset: 32, Length: 10},
		{Name: "grade", Grades: []string{"A1", "B1"}, Offset: 77, Length: 21},
		{Name: "engagement", Least: 2 * Point, Offset: 123, Length: 20},
	}
	if diff := cmp.Diff(want, c.Needs()); diff != "" {
		t.Error(diff)
	}
}
