package doctest

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/lifecycle"
)

// cells returns the head of a Markdown table and its rows, without the backticks.
func cells(t *testing.T, b *block) (head []string, rows [][]string) {
	lines := strings.Split(b.text, "\n")
	if len(lines) < 3 {
		t.Fatal("the table has no rows")
	}
	split := func(line string) []string {
		parts := strings.Split(strings.Trim(line, "|"), " | ")
		for i := range parts {
			parts[i] = strings.ReplaceAll(strings.Trim(strings.TrimSpace(parts[i]), "`"), `\|`, "|")
		}
		return parts
	}
	head = split(lines[0])
	for _, line := range lines[2:] {
		row := split(line)
		if len(row) != len(head) {
			t.Fatalf("%d cells in a table of %d columns: %s", len(row), len(head), line)
		}
		rows = append(rows, row)
	}
	return head, rows
}

// probe compiles an agreement with one more condition: of an engagement rule if it asks about a
// property, of a transition otherwise.
func probe(ground, source string) (*agreement.Plan, *agreement.Condition, agreement.Findings) {
	quoted := "'" + strings.ReplaceAll(source, "'", "''") + "'"
	fragment := "transitions:\n  probe: {from: sal, to: nurture, when: " + quoted + "}\n"
	property := strings.Contains(source, "properties.")
	if property {
		fragment = "scoring:\n  engagement:\n    probe: {points: 1, activity: page_viewed, at_most: 1 per 1d, expires: 30d, when: " + quoted + "}\n"
	}
	plan, found := compile(merge(ground, fragment))
	if plan == nil {
		return nil, nil, found
	}
	if property {
		return plan, plan.Engagement[len(plan.Engagement)-1].When, found
	}
	return plan, plan.Transitions[plan.Index.Transition["probe"]].When, found
}

// now is when the tables of outcomes are looked at: noon of 1 June 2026 in Stockholm.
var now = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC).UnixMicro()

// outcomes checks rows of a condition, what is known of a lead, and the truth or the finding.
func outcomes(t *testing.T, b *block, before []block) {
	_, rows := cells(t, b)
	under := ground(t, b, before)
	for _, row := range rows {
		source, known, want := row[0], row[1], row[2]
		if regexp.MustCompile(`^[AC]\d\d$`).MatchString(want) {
			if _, _, found := probe(under, source); !slices.Equal(codes(found), []string{want}) {
				t.Errorf("%s has the findings %v, not %s\n%s", source, codes(found), want, found.Text(nil, false))
			}
			continue
		}
		plan, when, found := probe(under, source)
		if plan == nil {
			t.Errorf("%s: %s", source, found.Text(nil, false))
			continue
		}
		facts := factsOf(t, plan, known)
		if got := when.Eval(facts).String(); got != want {
			t.Errorf("%s of a lead with %s is %s, not %s", source, known, got, want)
		}
	}
}

var word = regexp.MustCompile(`[^\s"]*"[^"]*"|\S+`)

// factsOf reads what is known of a lead: "title=COO page_viewed@3d stage=mql".
func factsOf(t *testing.T, plan *agreement.Plan, known string) *agreement.Facts {
	t.Helper()
	curve := &agreement.Curve{}
	curve.Reset(now)
	f := &agreement.Facts{
		Now: now, EngagementCurve: curve, Scored: true, BuyingStage: -1, Pass: 1, Entered: now,
		Lead: make([]agreement.Value, len(plan.Attributes)), Answers: make([]agreement.Value, len(plan.Questions)), Properties: make([]agreement.Value, len(plan.Properties)),
	}
	f.Company = f.Lead
	for _, w := range word.FindAllString(known, -1) {
		if w == "nothing" {
			continue
		}
		if name, ago, ok := strings.Cut(w, "@"); ok && !strings.Contains(w, "=") {
			did(t, plan, f, name, ago)
			continue
		}
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			t.Fatalf("%q is no name=value", w)
		}
		value = strings.Trim(value, `"`)
		fact(t, plan, f, name, value)
	}
	f.Grade = plan.Grade.Of(f.Fit, f.Engagement)
	curve.Flat = f.Engagement
	return f
}

func did(t *testing.T, plan *agreement.Plan, f *agreement.Facts, name, ago string) {
	slot, ok := plan.Index.Activity[name]
	if !ok {
		t.Fatalf("there is no activity %s", name)
	}
	at := now - wall(t, ago)
	i := slices.IndexFunc(f.Activities, func(m agreement.Memory) bool { return m.Activity == slot })
	if i < 0 {
		f.Activities = append(f.Activities, agreement.Memory{Activity: slot, First: at, Last: at})
		slices.SortFunc(f.Activities, func(a, b agreement.Memory) int { return a.Activity - b.Activity })
		i = slices.IndexFunc(f.Activities, func(m agreement.Memory) bool { return m.Activity == slot })
	}
	m := &f.Activities[i]
	m.Count++
	m.First, m.Last = min(m.First, at), max(m.Last, at)
	m.Recent = append(m.Recent, at)
	slices.Sort(m.Recent)
	f.Total++
}

func fact(t *testing.T, plan *agreement.Plan, f *agreement.Facts, name, value string) {
	number := func() float64 {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	put := func(to []agreement.Value, slot int, a *agreement.Attribute) {
		v, ok := lifecycle.Coerce(plan, a.Kind, a.Choices, agreement.TextValue(value))
		if !ok {
			t.Fatalf("%s cannot be %s", name, value)
		}
		to[slot] = v
	}
	if slot, ok := plan.Index.Attribute[name]; ok {
		put(f.Lead, slot, &plan.Attributes[slot])
		return
	}
	if short, ok := strings.CutPrefix(name, "answers."); ok {
		slot := plan.Index.Question[short]
		q := &plan.Questions[slot]
		put(f.Answers, slot, &agreement.Attribute{Kind: q.Kind, Choices: q.Choices})
		return
	}
	if short, ok := strings.CutPrefix(name, "properties."); ok {
		slot := plan.Index.Property[short]
		put(f.Properties, slot, &plan.Properties[slot])
		return
	}
	switch name {
	case "stage":
		f.Stage = plan.Index.Stage[value]
	case "in_stage":
		f.Entered = now - wall(t, value)
	case "pass":
		f.Pass = int(number())
	case "fit":
		f.Fit = int64(math.Round(number() * agreement.Point))
	case "engagement":
		f.Engagement = int64(math.Round(number() * agreement.Point))
	case "readiness":
		f.Readiness = int(number())
	case "origin":
		f.Origin = map[string]agreement.Side{"marketing": agreement.Marketing, "sales": agreement.Sales}[value]
	case "owner":
		f.Owner = value
	case "account.owner":
		f.AccountOwner = value
	case "handoff":
		f.Handoff = value
	case "contacted":
		f.Contacted = value == "yes"
	case "buying_stage":
		f.BuyingStage = slices.IndexFunc(plan.BuyingStages, func(n agreement.Named) bool { return n.Name == value })
	case "consent":
		f.Scored = value != "objected"
	default:
		t.Fatalf("nothing is called %s", name)
	}
}

func wall(t *testing.T, text string) int64 {
	t.Helper()
	d, err := calendar.ParseDuration(text)
	if err != nil || d.Unit != calendar.Wall {
		t.Fatalf("%q is no time by the clock on the wall: %v", text, err)
	}
	return d.Amount
}

// truths checks a table whose heads are a, b, and conditions on them.
func truths(t *testing.T, b *block) {
	head, rows := cells(t, b)
	under := merge(base(t), "attributes:\n  a: boolean\n  b: boolean\n")
	for column := 2; column < len(head); column++ {
		plan, when, found := probe(under, head[column])
		if plan == nil {
			t.Fatal(found.Text(nil, false))
		}
		for _, row := range rows {
			known := ""
			for i, value := range row[:2] {
				if value != "unknown" {
					known += fmt.Sprintf("%s=%s ", head[i], value)
				}
			}
			if got := when.Eval(factsOf(t, plan, known)).String(); got != row[column] {
				t.Errorf("%s with a %s and b %s is %s, not %s", head[column], row[0], row[1], got, row[column])
			}
		}
	}
}

// decays checks a table of durations and what is left of points that halve.
func decays(t *testing.T, b *block, arguments []string) {
	points, err := strconv.ParseFloat(arguments[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	half := wall(t, arguments[1])
	_, rows := cells(t, b)
	for _, row := range rows {
		got := agreement.Decay(int64(points*agreement.Point), wall(t, row[0]), half)
		if text := lifecycle.PointsText(got); text != row[1] {
			t.Errorf("after %s there are %s points left, not %s", row[0], text, row[1])
		}
		exact := points * math.Exp2(-float64(wall(t, row[0]))/float64(half))
		if math.Abs(exact-float64(got)/agreement.Point) > 1e-5 {
			t.Errorf("after %s there should be %f points left, not %f", row[0], exact, float64(got)/agreement.Point)
		}
	}
}

// dues checks a table of when a clock starts, how much time is allowed, and when it is due.
func dues(t *testing.T, b *block, before []block) {
	plan, found := compile(ground(t, b, before))
	if plan == nil {
		t.Fatal(found.Text(nil, false))
	}
	_, rows := cells(t, b)
	for _, row := range rows {
		start, err := time.ParseInLocation("Mon 2 Jan 2006 15:04", row[0], plan.Calendar.Zone())
		if err != nil {
			t.Fatal(err)
		}
		if start.Format("Mon") != row[0][:3] {
			t.Errorf("%s is a %s", row[0], start.Weekday())
		}
		d, err := calendar.ParseDuration(row[1])
		if err != nil {
			t.Fatal(err)
		}
		if due := lifecycle.Stamp(plan.Calendar.Add(start.UnixMicro(), d), plan.Calendar.Zone()); due != row[2] {
			t.Errorf("%s from %s is due %s, not %s", row[1], row[0], due, row[2])
		}
	}
}
