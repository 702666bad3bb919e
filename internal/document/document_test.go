package document

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

var update = flag.Bool("update", false, "write the golden files")

const mkt, sal = agreement.Marketing, agreement.Sales

// sample is a plan to draw, and figures to draw with it.
type sample struct {
	name string
	plan *agreement.Plan
	fig  *Figures
}

// samples are the usual agreements and odd ones.
func samples(t testing.TB) []sample {
	three := newPlan(t, "Three stages")
	three.stage("lead", mkt, "").stage("talk", sal, "").stage("won", sal, "", agreement.Won)
	three.move("win", "talk", "won", "", sal).handoff("over", "lead", "talk", "1 working day", "", nil)
	three.handback("later", "lead", "", -1, 0, 0)

	many := newPlan(t, "Fifteen stages")
	for i := range 7 {
		many.stage(fmt.Sprintf("m%d_step", i+1), mkt, "")
	}
	for i := range 6 {
		many.stage(fmt.Sprintf("s%d_step", i+1), sal, "", "3 working days")
	}
	many.stage("won", sal, "", agreement.Won).stage("lost", sal, "", agreement.Lost)
	for i := range 6 {
		many.move(fmt.Sprintf("on_%d", i+1), fmt.Sprintf("m%d_step", i+1), fmt.Sprintf("m%d_step", i+2), "score > 3", 0)
	}
	for i := range 5 {
		many.move(fmt.Sprintf("up_%d", i+1), fmt.Sprintf("s%d_step", i+1), fmt.Sprintf("s%d_step", i+2), "", sal)
	}
	many.move("win", "s6_step", "won", "", sal).move("lose", "s2_step s4_step s6_step", "lost", "", sal).move("skip", "m2_step", "m5_step", "score > 90", 0).
		move("fast", "s1_step", "s4_step", "readiness > 4", sal).move("restart", "m7_step", "m1_step", "score < 3", 0)
	many.handoff("hand", "m7_step", "s1_step", "2 hours", "1 working day", nil).handoff("early", "m4_step", "s1_step", "4 hours", "", nil)
	for i := range 9 {
		many.handback(fmt.Sprintf("reason_number_%d", i+1), "m3_step", "", -1, 0, 0)
	}

	one := newPlan(t, "One side only")
	one.stage("new", sal, "").stage("working", sal, "", "10 working days").stage("won", sal, "", agreement.Won).stage("lost", sal, "", agreement.Lost)
	one.move("start", "new", "working", "", sal).move("win", "working", "won", "", sal).move("lose", "new working", "lost", "", sal).move("reopen", "lost", "new", "", sal)

	names := newPlan(t, `Names <&> "quotes" | bars`)
	names.stage("a_very_long_name_for_a_stage_that_nobody_would_choose_but_somebody_will", mkt, "One | two\n| --- |").stage("潜在顧客の育成段階", mkt, "<script>alert(1)</script>").
		stage("Überprüfung_läuft", sal, "").stage("свежий_лид", sal, "").stage("won<b>", sal, "", agreement.Won).stage("🙂_no", sal, "", agreement.Disqualified)
	names.move("a_transition_with_a_name_that_is_long_too", "a_very_long_name_for_a_stage_that_nobody_would_choose_but_somebody_will", "潜在顧客の育成段階", `title contains "|"`, 0).
		move("进展", "Überprüfung_läuft", "свежий_лид", "", sal).move("ура", "свежий_лид", "won<b>", "", sal).move("нет", "свежий_лид Überprüfung_läuft", "🙂_no", "", sal)
	names.handoff("x", "潜在顧客の育成段階", "Überprüfung_läuft", "90 minutes", "2 working days", nil)
	names.handback("eine_sehr_lange_begründung_die_nicht_passt_in_eine_zeile", "潜在顧客の育成段階", "", -1, 0, 0).handback("короткая", "🙂_no", "", -1, 0, 0)

	usual := waterfall(t)
	slot := (&made{usual, t}).slot
	fig := &Figures{
		Stages: []StageFigure{{Stage: slot("lead"), Now: 4812, Entered: 1284}, {Stage: slot("mql"), Now: 63, Note: "oldest 9 days"}, {Stage: slot("nurture"), Now: 240, Entered: 61},
			{Stage: slot("sal"), Now: 58, Note: "oldest 6 days"}, {Stage: slot("sql"), Now: 41, Note: "oldest 19 days"}, {Stage: slot("opportunity"), Now: 29, Note: "8.4 M kr open"},
			{Stage: slot("won"), Now: 17, Entered: 17}, {Stage: slot("lost"), Now: 27, Entered: 27}, {Stage: slot("disqualified"), Now: 53, Entered: 12}},
		Arrows: []ArrowFigure{{slot("lead"), slot("mql"), 385, .30, 11, ""}, {slot("mql"), slot("sal"), 280, .74, .3, ""}, {slot("sal"), slot("sql"), 150, .55, 8, ""}, {slot("sql"), slot("opportunity"), 72, .48, 12, ""},
			{slot("opportunity"), slot("won"), 17, .39, 31, ""}, {slot("opportunity"), slot("lost"), 20, .3, 20, ""}, {slot("sql"), slot("lost"), 7, .05, -1, ""}, {AnyStage, slot("nurture"), 61, -1, -1, ""}, {AnyStage, slot("disqualified"), 41, -1, -1, ""},
			{slot("nurture"), slot("mql"), 31, .12, 40, ""}, {slot("lead"), slot("disqualified"), 5, .004, 1, ""}},
	}
	list := []sample{{"relay", waterfall(t), nil}, {"older", classic(t), nil}, {"three", three.index(), nil}, {"fifteen", many.index(), nil},
		{"one-side", one.index(), nil}, {"names", names.index(), nil}, {"figures", usual, fig}}
	for _, name := range agreement.Templates() {
		source, _ := agreement.Template(name)
		p, findings := agreement.Compile(name+".yaml", source, nil)
		if p == nil {
			t.Fatalf("template %s: %v", name, findings)
		}
		p.Hash = "" // a comment in the template is no change of what is drawn
		list = append(list, sample{name, p, nil})
	}
	return list
}

func TestGolden(t *testing.T) {
	for _, s := range samples(t) {
		files := map[string][]byte{s.name + "-light.svg": Diagram(s.plan, s.fig, Light)}
		switch s.name {
		case "waterfall", "classic":
			page, err := HTML(s.plan)
			if err != nil {
				t.Fatal(err)
			}
			files[s.name+".html"], files[s.name+".md"] = page, Markdown(s.plan)
			files[s.name+"-dark.svg"], files[s.name+"-auto.svg"] = Diagram(s.plan, s.fig, Dark), Diagram(s.plan, s.fig, Auto)
		case "names":
			files[s.name+".md"] = Markdown(s.plan)
		}
		for name, got := range files {
			file := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s is not as it was (look at it, then run the test with -update):\n%s", name, diff)
			}
		}
	}
}

// Every sample keeps all of its labels: dropping one is for agreements odder than these.
func TestSamplesDropNoLabel(t *testing.T) {
	for _, s := range samples(t) {
		if d := layOut(s.plan, s.fig); d.dropped > 0 {
			t.Errorf("%s: %d labels had no room", s.name, d.dropped)
		}
	}
}

// readXML fails unless b is well formed, and returns its text.
func readXML(t interface{ Fatalf(string, ...any) }, b []byte) string {
	var words strings.Builder
	decoder := xml.NewDecoder(bytes.NewReader(b))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return words.String()
		}
		if err != nil {
			t.Fatalf("not well formed: %v\n%s", err, b)
		}
		switch token := token.(type) {
		case xml.CharData:
			words.Write(token)
			words.WriteByte('\n')
		case xml.StartElement:
			if token.Name.Local == "script" || token.Name.Local == "image" || token.Name.Local == "foreignObject" {
				t.Fatalf("%s in a picture", token.Name.Local)
			}
			for _, a := range token.Attr {
				if size, err := strconv.Atoi(a.Value); a.Name.Local == "font-size" && (err != nil || size < 10) {
					t.Fatalf("text of %s px", a.Value)
				}
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" || a.Name.Local == "style" {
					t.Fatalf("attribute %s in a picture", a.Name.Local)
				}
			}
		}
	}
}

func TestPictureSaysItself(t *testing.T) {
	for _, theme := range []Theme{Light, Dark, Auto, Page} {
		got := readXML(t, Diagram(waterfall(t), nil, theme))
		for _, want := range []string{"How a lead moves: Northwind revenue agreement", "Marketing holds Lead, Nurture and MQL.", "Hand-off", "accept within 4 working hours",
			"contact within 1 working day", "timing · no budget", "no fit · bad data", "max 5 working days", "qualify", "Won"} {
			if !strings.Contains(got, want) {
				t.Errorf("theme %d does not say %q", theme, want)
			}
		}
		if svg := string(Diagram(waterfall(t), nil, theme)); strings.Contains(svg, "<style>") != (theme == Auto) || strings.Contains(svg, "var(--") != (theme >= Auto) {
			t.Errorf("theme %d: a style or a variable where there should be none, or none where there should be", theme)
		}
	}
}

// pageFacts is what a page has.
type pageFacts struct {
	ids               map[string]int
	links             []string
	h1, svg, scripts  int
	landmarks         map[string]int
	headless, unnamed int // cells without a header, header cells without a scope
}

func readPage(t testing.TB, b []byte) pageFacts {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	f := pageFacts{ids: map[string]int{}, landmarks: map[string]int{}}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			attributes := map[string]string{}
			for _, a := range n.Attr {
				attributes[a.Key] = a.Val
			}
			if id, ok := attributes["id"]; ok {
				f.ids[id]++
			}
			switch n.Data {
			case "a":
				f.links = append(f.links, attributes["href"])
			case "h1":
				f.h1++
			case "svg":
				f.svg++
			case "script":
				f.scripts++
			case "main", "nav", "header", "footer":
				f.landmarks[n.Data]++
			case "th":
				if attributes["scope"] == "" {
					f.unnamed++
				}
			case "tr":
				if n.FirstChild == nil || n.FirstChild.Data != "th" {
					f.headless++
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return f
}

func TestPage(t *testing.T) {
	for _, s := range samples(t) {
		b, err := HTML(s.plan)
		if err != nil {
			t.Fatal(err)
		}
		f := readPage(t, b)
		if f.h1 != 1 || f.svg != 1 || f.scripts != 0 || f.landmarks["main"] != 1 || f.landmarks["nav"] != 1 || f.headless != 0 || f.unnamed != 0 {
			t.Errorf("%s: %+v", s.name, f)
		}
		for id, n := range f.ids {
			if n != 1 {
				t.Errorf("%s: id %q is there %d times", s.name, id, n)
			}
		}
		for _, l := range f.links {
			if !strings.HasPrefix(l, "#") || f.ids[l[1:]] == 0 {
				if unescaped := htmlUnescapePath(l); f.ids[strings.TrimPrefix(unescaped, "#")] == 0 {
					t.Errorf("%s: link %q leads nowhere", s.name, l)
				}
			}
		}
		for address := range s.plan.Index.Clause {
			if f.ids[anchor(address)] == 0 {
				t.Errorf("%s: clause %s cannot be linked to", s.name, address)
			}
		}
		for _, part := range cited {
			if f.ids[part] != 1 {
				t.Errorf("%s: %s, which reasons name, can be linked to %d times", s.name, part, f.ids[part])
			}
		}
	}
}

func htmlUnescapePath(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func TestPageHasAnchorOfFit(t *testing.T) {
	b, err := HTML(waterfall(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{`id="scoring.fit.size"`, `id="handoffs.mql_to_sales.accept_within"`, `id="calendar.hours"`, `id="stages.sal.limit"`, `href="#scoring.fit.size"`} {
		if !bytes.Contains(b, []byte(id)) {
			t.Errorf("no %s", id)
		}
	}
}

// bars counts the cells of a table's line as GitHub does.
func bars(line string) int {
	n := 0
	for i := range len(line) {
		if line[i] == '|' && (i == 0 || line[i-1] != '\\') {
			n++
		}
	}
	return n
}

// checkTables fails when a line of a table has another number of cells than its head.
func checkTables(t interface{ Fatalf(string, ...any) }, md []byte) {
	head := 0
	for _, line := range strings.Split(string(md), "\n") {
		if !strings.HasPrefix(line, "|") {
			head = 0
			continue
		}
		if head == 0 {
			head = bars(line)
		}
		if bars(line) != head {
			t.Fatalf("broken table: %q has %d bars, not %d", line, bars(line), head)
		}
	}
}

func TestMarkdownTables(t *testing.T) {
	for _, s := range samples(t) {
		checkTables(t, Markdown(s.plan))
	}
}

// anyPlan draws an agreement that no check has seen.
func anyPlan(t *rapid.T) *agreement.Plan {
	word := rapid.OneOf(rapid.StringMatching(`[a-z]{1,8}(_[a-z]{1,12}){0,4}`), rapid.StringN(0, 40, 80))
	p := &agreement.Plan{Name: word.Draw(t, "name"), Hash: rapid.StringMatching(`[0-9a-f]{0,64}`).Draw(t, "hash")}
	n := rapid.IntRange(1, 15).Draw(t, "stages")
	slot := rapid.IntRange(0, n-1)
	for range n {
		p.Stages = append(p.Stages, agreement.Stage{Name: word.Draw(t, "stage"), Side: agreement.Side(rapid.IntRange(0, 2).Draw(t, "side")), Definition: word.Draw(t, "definition"),
			Final: agreement.Final(max(0, rapid.IntRange(-4, 3).Draw(t, "final"))), Limit: calendar.Duration{Amount: rapid.Int64Range(0, 1e12).Draw(t, "limit"), Unit: calendar.Unit(rapid.IntRange(0, 2).Draw(t, "unit"))}})
	}
	sources := []string{"", "score > 3", `title contains "|"`, `a in ["x|y", "z"]`, "not a valid (", `a matches "[|]"`}
	for range rapid.IntRange(0, 16).Draw(t, "transitions") {
		m := agreement.Transition{Name: word.Draw(t, "transition"), From: rapid.SliceOfN(slot, 1, 4).Draw(t, "from"), To: slot.Draw(t, "to"), By: agreement.Side(rapid.IntRange(0, 2).Draw(t, "by"))}
		if s := rapid.SampledFrom(sources).Draw(t, "when"); s != "" {
			m.When = &agreement.Condition{Source: s}
		}
		p.Transitions = append(p.Transitions, m)
	}
	for range rapid.IntRange(0, 3).Draw(t, "handoffs") {
		p.Handoffs = append(p.Handoffs, agreement.Handoff{Name: word.Draw(t, "handoff"), From: slot.Draw(t, "from"), To: slot.Draw(t, "to"),
			AcceptWithin: calendar.Duration{Amount: rapid.Int64Range(0, 1e12).Draw(t, "within"), Unit: calendar.WorkingTime}})
	}
	for range rapid.IntRange(0, 12).Draw(t, "handbacks") {
		p.Handbacks = append(p.Handbacks, agreement.Handback{Name: word.Draw(t, "handback"), To: slot.Draw(t, "to"), Track: -1})
	}
	return p
}

func anyFigures(t *rapid.T, p *agreement.Plan) *Figures {
	if rapid.Bool().Draw(t, "no figures") {
		return nil
	}
	f := &Figures{}
	slot := rapid.IntRange(0, len(p.Stages)-1)
	for range rapid.IntRange(0, 8).Draw(t, "stage figures") {
		f.Stages = append(f.Stages, StageFigure{Stage: slot.Draw(t, "stage"), Now: rapid.Int64Range(0, 1e9).Draw(t, "now"), Entered: rapid.Int64Range(-1, 1e9).Draw(t, "entered")})
	}
	for range rapid.IntRange(0, 12).Draw(t, "arrow figures") {
		f.Arrows = append(f.Arrows, ArrowFigure{From: slot.Draw(t, "from"), To: slot.Draw(t, "to"), Count: rapid.Int64Range(0, 1e9).Draw(t, "count"),
			Rate: rapid.Float64Range(-1, 1).Draw(t, "rate"), Days: rapid.Float64Range(-1, 400).Draw(t, "days")})
	}
	return f
}

func TestAnyPlan(t *testing.T) { rapid.Check(t, checkAnyPlan) }

func FuzzDiagram(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkAnyPlan)) }

// checkAnyPlan holds for every plan: all is within the picture, nothing lies on
// anything else, and what is written is well formed and the same each time.
func checkAnyPlan(t *rapid.T) {
	p := anyPlan(t)
	fig := anyFigures(t, p)
	d := layOut(p, fig)
	all := rect{0, 0, d.width, d.height}
	within := func(what string, r rect) {
		if r.x < 0 || r.y < 0 || r.x+r.w > all.w || r.y+r.h > all.h || r.w <= 0 || r.h <= 0 {
			t.Fatalf("%s %+v is not within the picture of %d by %d", what, r, all.w, all.h)
		}
	}
	var boxes []rect
	for _, n := range d.nodes {
		r := rect{n.x, n.y, n.w, n.h}
		within("box", r)
		for _, o := range boxes {
			if r.overlaps(o) {
				t.Fatalf("boxes %+v and %+v overlap", r, o)
			}
		}
		boxes = append(boxes, r)
	}
	for i, lb := range d.labels {
		within("label", lb.rect)
		for _, b := range boxes {
			if lb.overlaps(b) {
				t.Fatalf("label %+v lies on box %+v", lb.rect, b)
			}
		}
		for _, o := range d.labels[:i] {
			if lb.overlaps(o.rect) {
				t.Fatalf("labels %+v and %+v overlap", lb.rect, o.rect)
			}
		}
	}
	for _, l := range d.links {
		if len(l.corners) < 2 {
			t.Fatalf("no way from %d to %d", l.from, l.to)
		}
		for i := 1; i < len(l.corners); i++ {
			a, b := l.corners[i-1], l.corners[i]
			if a.x != b.x && a.y != b.y {
				t.Fatalf("a slanting line from %v to %v", a, b)
			}
			within("line", segment(a, b, 1))
			for s, box := range boxes {
				// A line touches the edge of the boxes it joins, and no other box.
				inner := rect{box.x + 1, box.y + 1, box.w - 2, box.h - 2}
				if segment(a, b, 0).crosses(inner) {
					t.Fatalf("the arrow from %d to %d runs through stage %d", l.from, l.to, s)
				}
			}
		}
	}
	svg := d.svg(Light)
	if !bytes.Equal(svg, Diagram(p, fig, Light)) {
		t.Fatalf("drawn twice, the picture differs")
	}
	readXML(t, svg)
	md := Markdown(p)
	checkTables(t, md)
	page, err := HTML(p)
	if err != nil {
		t.Fatalf("page: %v", err)
	}
	if !bytes.Equal(md, Markdown(p)) {
		t.Fatalf("written twice, the text differs")
	}
	if bytes.Contains(page, []byte("<script")) {
		t.Fatalf("a script in a page")
	}
}

// crosses is overlaps for a line, which has no width.
func (r rect) crosses(s rect) bool {
	return r.x < s.x+s.w && s.x < r.x+max(r.w, 1) && r.y < s.y+s.h && s.y < r.y+max(r.h, 1)
}

func TestSpan(t *testing.T) {
	const day = int64(86_400_000_000)
	for _, c := range []struct {
		micros    int64
		span, per string
	}{
		{day, "1 day", "a day"}, {30 * day, "30 days", "30 days"}, {day / 24, "1 hour", "an hour"}, {36 * day / 24, "36 hours", "36 hours"},
		{90 * 60_000_000, "90 minutes", "90 minutes"}, {1_500_000, "1.5 seconds", "1.5 seconds"},
	} {
		if got := span(c.micros); got != c.span {
			t.Errorf("span(%d) = %q, want %q", c.micros, got, c.span)
		}
		if got := per(c.micros); got != c.per {
			t.Errorf("per(%d) = %q, want %q", c.micros, got, c.per)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{title("demo_requested"), "Demo requested"}, {title("mql"), "MQL"}, {phrase("mql_to_sales"), "MQL to sales"}, {phrase("keep_it_warm"), "keep it warm"}, {title("it"), "IT"}, {title(""), ""}, {title("über_uns"), "Über uns"},
		{points(25 * agreement.Point), "+25"}, {points(-50 * agreement.Point), "−50"}, {points(agreement.Point / 2), "+0.5"}, {points(0), "0"},
		{number(1_200_000), "1,200,000"}, {number(999), "999"}, {number(-1234.5), "−1,234.5"},
		{join([]string{"a", "b", "c"}, "and"), "a, b and c"}, {join([]string{"a"}, "or"), "a"}, {join(nil, "or"), ""},
		{sentence("Yes"), "Yes."}, {sentence("Why?"), "Why?"}, {sentence(""), ""},
		{percent(.3), "30 %"}, {percent(.004), "0.4 %"}, {percent(0), "0 %"}, {daysText(11), "11 days"}, {daysText(1), "1 day"}, {daysText(2.5), "2.5 days"}, {daysText(.3), "7 hours"},
		{times(1), "once"}, {times(2), "twice"}, {times(3), "3 times"},
		{strings.Join(wrapText("one two three", 10, false, 40, 2), "|"), "one two|three"}, {cutText("a long word", 10, false, 44), "a long…"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestConditionInWords(t *testing.T) {
	p := waterfall(t)
	for source, want := range map[string]string{
		`company.employees >= 200`:                "company employees is at least 200",
		`not (company.employees >= 200)`:          "company employees is less than 200",
		`company.employees in 200..5000`:          "company employees is between 200 and 5,000",
		`country in ["SE", "NO"]`:                 "country is SE or NO",
		`country not in ["SE", "NO"]`:             "country is not SE or NO",
		`country != "SE"`:                         "country is not SE",
		`newsletter`:                              "newsletter is yes",
		`not newsletter`:                          "newsletter is no",
		`title`:                                   "title is known",
		`known(title)`:                            "title is known",
		`answers.budget`:                          "“Is there a budget?” is answered yes",
		`account.owner`:                           "the account has an owner",
		`did("demo_requested", "7d")`:             "the lead did “demo requested” in the last 7 days",
		`not did("demo_requested")`:               "the lead did not do “demo requested”",
		`count("webinar_attended", "30d") > 2`:    "the lead did “webinar attended” more than 2 times in the last 30 days",
		`since("page_viewed") > "14d"`:            "the last “page viewed” was more than 14 days ago",
		`in_stage > "2 weeks"`:                    "the lead has been in the stage for more than 14 days",
		`matches_buyer("operations_lead")`:        "the lead matches the target buyer “Operations lead”",
		`stage == "sal"`:                          "the stage is SAL",
		`stage.side == "sales"`:                   "the lead is with sales",
		`origin != "sales"`:                       "the lead was not brought by sales",
		`activities > 0`:                          "the lead did something",
		`score >= 60 and (fit > 3 or newsletter)`: "the score is at least 60, and (fit is more than 3 or newsletter is yes)",
		`not (newsletter or score > 3)`:           "newsletter is no and the score is at most 3",
		`title contains "student"`:                "title contains “student”",
		`renewal < date("2026-05-01")`:            "renewal is less than 1 May 2026",
		`score > fit + 10`:                        "the score is more than (fit plus 10)",
		`age(renewal) > "0d"`:                     "renewal is past",
		`age(renewal) > "30d"`:                    "renewal was more than 30 days ago",
		`true`:                                    "always",
		`known(answers.budget)`:                   "“Is there a budget?” is answered",
		`answers.timeline in ["this_year", "x"]`:  "the answer to “Do they buy within six months?” is this year or x",
	} {
		got, ok := inWords(p, &agreement.Condition{Source: source})
		if !ok || got != want {
			t.Errorf("%s: %q (%v), want %q", source, got, ok, want)
		}
	}
	for _, source := range []string{"", "a +", "sum([1])", "a | b"} {
		if got, ok := inWords(p, &agreement.Condition{Source: source}); ok || got != source {
			t.Errorf("%s: %q, %v", source, got, ok)
		}
	}
}

func TestLadder(t *testing.T) {
	p := waterfall(t)
	got := steps(p, []agreement.Step{{Kind: agreement.Remind, Target: "owner"}, {Kind: agreement.Reassign, Times: 2}, {Kind: agreement.ReturnTo, Stage: 1}, {Kind: agreement.ToQueue, Target: "unassigned"}})
	want := "we remind the owner; when time runs out again, we offer it to somebody else, at most twice; then we take it back and move the lead to Nurture; then we put it in the queue “unassigned”"
	if got != want {
		t.Errorf("got %q", got)
	}
}

func TestSpeakers(t *testing.T) {
	for _, c := range []struct {
		rule agreement.SpeakRule
		want string
	}{
		{agreement.SpeakRule{Speaks: agreement.SpeakSales, Marketing: []string{"newsletter"}}, "sales speaks; marketing may still use newsletter"},
		{agreement.SpeakRule{Speaks: agreement.SpeakSales, Marketing: []string{"none"}, Sales: []string{"phone", "email"}}, "sales speaks; marketing stays silent; sales only by phone and email"},
		{agreement.SpeakRule{Speaks: agreement.SpeakBoth}, "both sides speak"},
		{agreement.SpeakRule{Speaks: agreement.SpeakNobody}, "nobody speaks"},
	} {
		if got := speakers(&c.rule); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestThemesHaveEveryColour(t *testing.T) {
	var names []string
	for _, c := range tokens {
		names = append(names, c.name)
		if len(c.light) != 7 || len(c.dark) != 7 {
			t.Errorf("%s: %s, %s", c.name, c.light, c.dark)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(tokens) {
		t.Error("a colour is there twice")
	}
}

func BenchmarkDiagram(b *testing.B) {
	p := waterfall(b)
	for b.Loop() {
		Diagram(p, nil, Page)
	}
}

func BenchmarkHTML(b *testing.B) {
	p := waterfall(b)
	for b.Loop() {
		if _, err := HTML(p); err != nil {
			b.Fatal(err)
		}
	}
}

// A figure that leads somewhere is a link, and then the picture is a group: what is an image has no links in it.
func TestFiguresLead(t *testing.T) {
	p := waterfall(t)
	slot := (&made{p, t}).slot
	fig := &Figures{Says: "Half come to mql & stay.", Stages: []StageFigure{{Stage: 0, Now: 3, Link: "/leads?a=1&b=2"}}, Arrows: []ArrowFigure{{From: slot("lead"), To: slot("mql"), Count: 5, Rate: .5, Days: 2, Link: "/flow"}}}
	svg := string(Diagram(p, fig, Page))
	for _, want := range []string{`<a href="/leads?a=1&amp;b=2">`, `<a href="/flow">`, `role="group"`, "Half come to mql &amp; stay."} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in the picture", want)
		}
	}
	if plain := string(Diagram(p, nil, Page)); strings.Contains(plain, "<a ") || !strings.Contains(plain, `role="img"`) {
		t.Error("a picture without figures leads somewhere")
	}
}
