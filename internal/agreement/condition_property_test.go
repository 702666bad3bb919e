package agreement

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"
)

// condTestAtoms are comparisons that hold and fail about equally often for the
// facts of condDrawFacts. Durations are a few microseconds, so that an oracle can
// walk through all of time.
func condDrawAtom(t *rapid.T) string {
	op := rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(t, "op")
	n := rapid.IntRange(-20, 40).Draw(t, "n")
	micros := func() string {
		return fmt.Sprintf("%q", fmt.Sprintf("0.%06d s", rapid.IntRange(1, 400).Draw(t, "µs")))
	}
	activity := rapid.SampledFrom([]string{`"demo_requested"`, `"webinar_attended"`}).Draw(t, "activity")
	points := rapid.SampledFrom([]string{"score", "engagement", "fit", "(score ?? 5)"}).Draw(t, "points")
	grade := func() string { return fmt.Sprintf("%q", rapid.SampledFrom(grades[:]).Draw(t, "grade")) }
	switch rapid.IntRange(0, 17).Draw(t, "atom") {
	case 0, 1:
		return fmt.Sprintf("%s %s %d", points, op, n)
	case 2:
		return fmt.Sprintf("%s in %d..%d", points, n, n+rapid.IntRange(0, 20).Draw(t, "width"))
	case 3:
		return fmt.Sprintf("%s in [%d, %d.5]", points, n, n+3)
	case 4:
		return "grade == " + grade()
	case 5:
		return fmt.Sprintf("grade not in [%s, %s, %s]", grade(), grade(), grade())
	case 6, 7:
		return fmt.Sprintf("did(%s, %s)", activity, micros())
	case 8, 9:
		return fmt.Sprintf("count(%s, %s) %s %d", activity, micros(), op, rapid.IntRange(1, 4).Draw(t, "count"))
	case 10:
		return fmt.Sprintf("since(%s) %s %s", activity, op, micros())
	case 11:
		return fmt.Sprintf("age(renewal) %s %s", op, micros())
	case 12:
		return fmt.Sprintf("in_stage %s %s", op, micros())
	case 13:
		return fmt.Sprintf("(since(%s) ?? %s) %s %s", activity, micros(), op, micros())
	case 14:
		return fmt.Sprintf("company.employees %s %d", op, n)
	case 15:
		return fmt.Sprintf("title %s", rapid.SampledFrom([]string{`== "a"`, `!= "b"`, `in ["a", "b"]`, `contains "a"`, `not in ["a"]`}).Draw(t, "title"))
	case 16:
		return rapid.SampledFrom([]string{"newsletter", "known(title)", "title", "known(company.employees)", `stage in ["mql", "sal"]`, `stage != "mql"`}).Draw(t, "name")
	}
	return fmt.Sprintf("company.employees in %d..%d", n, n+10)
}

func condDrawCondition(t *rapid.T, depth int) string {
	if depth == 0 {
		return condDrawAtom(t)
	}
	a := func() string { return condDrawCondition(t, depth-1) }
	switch rapid.IntRange(0, 7).Draw(t, "join") {
	case 0, 1:
		return fmt.Sprintf("(%s and %s)", a(), a())
	case 2, 3:
		return fmt.Sprintf("(%s or %s)", a(), a())
	case 4:
		return fmt.Sprintf("(not (%s))", a())
	case 5:
		return fmt.Sprintf("((%s) ?? (%s))", a(), a())
	case 6:
		return fmt.Sprintf("((%s) ? (%s) : (%s))", a(), a(), a())
	}
	return fmt.Sprintf("((%s) == (%s))", a(), a())
}

// condDrawFacts draws a lead whose whole story is within a millisecond of 0.
func condDrawFacts(t *rapid.T, p *Plan) *Facts {
	f := &Facts{
		Lead: make([]Value, len(p.Attributes)), Company: make([]Value, len(p.Attributes)),
		EngagementCurve: drawCurve(t),
		Fit:             rapid.Int64Range(-10, 70).Draw(t, "fit") * Point,
		Entered:         rapid.Int64Range(-400, 0).Draw(t, "entered"),
		Stage:           rapid.IntRange(0, 3).Draw(t, "stage"),
		Scored:          rapid.IntRange(0, 9).Draw(t, "scored") > 0,
		BuyingStage:     -1,
	}
	maybe := func(slot int, values []Value, v Value) {
		if rapid.IntRange(0, 3).Draw(t, "missing") > 0 {
			values[slot] = v
		}
	}
	maybe(0, f.Lead, TextValue(rapid.SampledFrom([]string{"a", "B", "ca"}).Draw(t, "title")))
	maybe(2, f.Lead, DateValue(rapid.Int64Range(-400, 400).Draw(t, "renewal")))
	maybe(4, f.Lead, BooleanValue(rapid.Bool().Draw(t, "newsletter")))
	maybe(6, f.Company, NumberValue(float64(rapid.IntRange(-20, 40).Draw(t, "employees"))))
	for activity := range 2 {
		recent := rapid.SliceOfN(rapid.Int64Range(-400, 0), 0, 5).Draw(t, "recent")
		if len(recent) == 0 {
			continue
		}
		slices.Sort(recent)
		f.Activities = append(f.Activities, Memory{Activity: activity, Count: int64(len(recent)), First: recent[0], Last: recent[len(recent)-1], Recent: recent})
	}
	condTestMove(p, f, 0)
	return f
}

// The oracle asks again at every microsecond: nothing changes before NextChange.
func TestNextChangeIsNeverTooLate(t *testing.T) {
	p := condTestPlan(t)
	const horizon = 3200 // past the last step of the curve
	compiled := 0
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.IntRange(0, 3).Draw(t, "depth")
		source := condDrawCondition(t, depth)
		c, _ := compileCondition(p, ScopeLead, Clause{}, source)
		if c == nil {
			return // a contradiction
		}
		compiled++
		f := condDrawFacts(t, p)
		next, truth := c.NextChange(f), c.Eval(f)
		if next <= f.Now {
			t.Fatalf("%s changes at %d, which is not after now", source, next)
		}
		if next != Never && !c.Topics.Has(TopicTime) {
			t.Fatalf("%s changes with time, but its topics do not say so", source)
		}
		first := Never
		for x := int64(1); x <= horizon; x++ {
			condTestMove(p, f, x)
			if c.Eval(f) != truth {
				first = x
				break
			}
		}
		if first < next {
			t.Fatalf("%s is %s until it changes at %d, NextChange says %d", source, truth, first, next)
		}
		// a single threshold or window is exact; ranges and lists may name an edge
		if depth == 0 && first != next && next <= horizon && !strings.ContainsAny(source, "=[") && !strings.Contains(source, "..") {
			t.Fatalf("%s changes at %d, NextChange says %d", source, first, next)
		}
	})
	if compiled == 0 {
		t.Error("no condition compiled")
	}
}

// What the forms claim of two conditions holds for every lead.
func TestConditionFormsSpeakTheTruth(t *testing.T) {
	p := condTestPlan(t)
	hidden, same, clashes, needs := 0, 0, 0, 0
	check := func(t *rapid.T) {
		// few words, so that conditions often meet
		k := rapid.SampledFrom([]string{"1", "5", "9"})
		atom := rapid.Custom(func(t *rapid.T) string {
			x, y := k.Draw(t, "x"), k.Draw(t, "y")
			return rapid.SampledFrom([]string{
				"company.employees > " + x, "company.employees <= " + x, "company.employees in " + x + "..9", "company.employees != " + x, "company.employees in [" + x + ", " + y + "]",
				"score >= " + x, "score < " + x, `title == "a"`, `title in ["a", "b"]`, `title != "a"`, `title contains "a"`, "title", "not title", "newsletter", "not newsletter",
				`stage == "mql"`, `stage in ["mql", "sal"]`, `stage != "lead"`, `grade == "D4"`, `grade not in ["D4", "A4"]`, `grade endsWith "4"`, "known(company.employees)",
			}).Draw(t, "atom")
		})
		join := rapid.SampledFrom([]string{"(%s and %s)", "(%s or %s)", "(%s and not (%s))", "not (%s or %s)"})
		condition := func(name string) string {
			s := atom.Draw(t, name)
			for range rapid.IntRange(0, 2).Draw(t, name+"More") {
				s = fmt.Sprintf(join.Draw(t, name+"Join"), s, atom.Draw(t, name))
			}
			return s
		}
		a := condition("a")
		b := a
		if rapid.IntRange(0, 9).Draw(t, "other") > 0 {
			b = condition("b")
		}
		c, _ := compileCondition(p, ScopeLead, Clause{}, a)
		d, _ := compileCondition(p, ScopeLead, Clause{}, b)
		if c == nil || d == nil {
			return
		}
		clash := condClash(c.form, d.form)
		for range 5 {
			f := condDrawFacts(t, p)
			x, y := c.Eval(f), d.Eval(f)
			if c.Hides(d) && y == True && x != True {
				t.Fatalf("%s does not hide %s", a, b)
			}
			if c.Same(d) && x != y {
				t.Fatalf("%s is not the same as %s", a, b)
			}
			if clash && x == True && y == True {
				t.Fatalf("%s and %s hold together", a, b)
			}
			for _, need := range c.Needs() {
				if need.Name == "score" && x == True && f.Fit+f.Engagement < need.Least {
					t.Fatalf("%s holds with less than it needs", a)
				}
				if need.Name == "grade" && x == True && !slices.Contains(need.Grades, f.Grade.String()) {
					t.Fatalf("%s holds with another grade than it needs", a)
				}
				needs++
			}
		}
		if c.Hides(d) && !c.Same(d) {
			hidden++
		}
		if c.Same(d) {
			same++
		}
		if clash {
			clashes++
		}
	}
	for range 20 { // most pairs have nothing to do with each other
		rapid.Check(t, check)
	}
	if hidden == 0 || same == 0 || clashes == 0 || needs == 0 {
		t.Errorf("hidden %d, same %d, clashes %d, needs %d: the draw is too wide to tell", hidden, same, clashes, needs)
	}
}

// condDrawBoth draws a condition without missing values or time, in our language
// and in that of expr's own machine, which has no notion of letter case and has no
// ranges of numbers that are not whole.
func condDrawBoth(t *rapid.T, depth int) (ours, theirs string) {
	if depth > 0 {
		a, b := condDrawBoth(t, depth-1)
		if rapid.IntRange(0, 5).Draw(t, "join") == 0 {
			return "not (" + a + ")", "not (" + b + ")"
		}
		x, y := condDrawBoth(t, depth-1)
		form := rapid.SampledFrom([]string{"(%s and %s)", "(%s or %s)", "(%s && %s)", "((%s) == (%s))", "((%s) != (%s))", "((%s) ? (%s) : newsletter)"}).Draw(t, "form")
		return fmt.Sprintf(form, a, x), fmt.Sprintf(form, b, y)
	}
	op := rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(t, "op")
	n := rapid.IntRange(-3, 3).Draw(t, "n")
	number := func() string {
		x := rapid.SampledFrom([]string{"budget", "company.employees", "answers.seats"}).Draw(t, "x")
		y := rapid.SampledFrom([]string{"budget", "company.employees", "answers.seats", "2", "0.5"}).Draw(t, "y")
		switch sum := rapid.SampledFrom([]string{"", "-", "/", "+", "*"}).Draw(t, "sum"); sum {
		case "":
			return x
		case "-":
			return "-" + x
		case "/":
			return x + " / 4"
		default:
			return fmt.Sprintf("(%s %s %s - 1)", x, sum, y)
		}
	}
	text := rapid.SampledFrom([]string{"title", "country", "answers.timeline", "company.industry"}).Draw(t, "text")
	word := rapid.SampledFrom([]string{"retail", "other"}).Draw(t, "word")
	same := func(s string) (string, string) { return s, s }
	switch rapid.IntRange(0, 8).Draw(t, "atom") {
	case 0:
		return same(fmt.Sprintf("%s %s %d", number(), op, n))
	case 1:
		return same(fmt.Sprintf("%d %s %s", n, op, number()))
	case 2:
		return same(fmt.Sprintf("%s %s %s", number(), op, number()))
	case 3:
		x := number()
		return fmt.Sprintf("(%s) in %d..%d", x, n, n+2), fmt.Sprintf("((%s) >= %d and (%s) <= %d)", x, n, x, n+2)
	case 4:
		is := rapid.SampledFrom([]string{"==", "!="}).Draw(t, "is")
		return fmt.Sprintf("%s %s %q", text, is, strings.ToUpper(word)), fmt.Sprintf("%s %s %q", text, is, word)
	case 5:
		return same(text + ` in ["retail", "other"]`)
	case 6:
		return same(fmt.Sprintf("%s %s %q", text, rapid.SampledFrom([]string{"contains", "startsWith", "endsWith", "not contains", "matches"}).Draw(t, "search"), rapid.SampledFrom([]string{"re", "l", "r"}).Draw(t, "part")))
	case 7:
		return same("newsletter")
	}
	return same(text + " == title")
}

// Without missing values and time, expr's own machine says the same.
func TestConditionsAgreeWithExpr(t *testing.T) {
	p := condTestPlan(t)
	compiled := 0
	rapid.Check(t, func(t *rapid.T) {
		ours, theirs := condDrawBoth(t, rapid.IntRange(0, 3).Draw(t, "depth"))
		c, _ := compileCondition(p, ScopeLead, Clause{}, ours)
		if c == nil {
			return // always or never true
		}
		compiled++
		number := rapid.SampledFrom([]float64{-2, -1, 0, 0.5, 1, 2, 3})
		words := rapid.SampledFrom([]string{"Retail", "other", "RE", "l"})
		budget, employees, seats := number.Draw(t, "budget"), number.Draw(t, "employees"), number.Draw(t, "seats")
		title, country, timeline, industry := words.Draw(t, "title"), words.Draw(t, "country"), words.Draw(t, "timeline"), words.Draw(t, "industry")
		newsletter := rapid.Bool().Draw(t, "newsletter")
		f := &Facts{Lead: make([]Value, len(p.Attributes)), Company: make([]Value, len(p.Attributes)), Answers: make([]Value, len(p.Questions))}
		f.Lead[0], f.Lead[1], f.Lead[4], f.Lead[5] = TextValue(title), TextValue(country), BooleanValue(newsletter), NumberValue(budget)
		f.Company[6], f.Company[7] = NumberValue(employees), ChoiceValue(industry)
		f.Answers[1], f.Answers[2] = TextValue(timeline), NumberValue(seats)
		program, err := expr.Compile(theirs)
		if err != nil {
			t.Fatalf("%s: %v", theirs, err)
		}
		got, err := expr.Run(program, map[string]any{
			"title": strings.ToLower(title), "country": strings.ToLower(country), "newsletter": newsletter, "budget": budget,
			"company": map[string]any{"employees": employees, "industry": strings.ToLower(industry)},
			"answers": map[string]any{"timeline": strings.ToLower(timeline), "seats": seats},
		})
		if err != nil {
			t.Fatalf("%s: %v", theirs, err)
		}
		if want := condTruth(got.(bool)); c.Eval(f) != want {
			t.Fatalf("%s is %s, want %s; %+v", ours, c.Eval(f), want, f)
		}
	})
	if compiled < 20 {
		t.Errorf("only %d conditions compiled", compiled)
	}
}
