package imports_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/imports"
)

func lookAt(t testing.TB, file string) *imports.Look {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.csv")
	if err := os.WriteFile(path, []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := imports.LookAt(t.Context(), path, "")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const fair = "Contact ID;E-Mail;Job title;Lead source;Size;Created;Amount;Stage\r\n" +
	"7;ann@acme.example;Head of Ops;FB;1.200;13/02/2026;1.000,50;Closed won\r\n" +
	"8;bo@acme.example;Buyer;Direct;80;01/02/2026;;Qualified\r\n" +
	"9;cy@acme.example;;FB;5;28/02/2026;10,00;Closed lost\r\n"

func TestGuessIsAMappingThatWorks(t *testing.T) {
	plan := vocabulary(t)
	l := lookAt(t, fair)
	c := imports.Guess(l, "Trade fair (May) 2026.csv", plan)
	c.Columns["Stage"] = imports.Choice{Becomes: "result"}
	c.Columns["Lead source"] = imports.Choice{Becomes: "attribute:source", Words: map[string]string{"FB": "Social", "gone": "direct"}}
	c.Columns["Amount"] = imports.Choice{Becomes: "value"}
	if w := c.Wrong(l, plan); len(w) != 1 || w[0].Column != "Size" || !strings.Contains(w[0].Reason, `"1.200" may be two`) {
		t.Error(w)
	}
	c.Columns["Size"] = imports.Choice{Becomes: c.Columns["Size"].Becomes, Decimal: "comma"}
	c.Activity, c.KeepFirst, c.Drop, c.AtImport = "form_submitted", true, true, true
	c.Complete(l, plan)
	want := `import: trade_fair_may_2026
file: {delimiter: semicolon}
at: {column: Created, layout: "DD/MM/YYYY"}
known: at import

person:
  email: E-Mail
  id: [{system: trade_fair_may_2026, column: "Contact ID"}]
account:
  from_email: yes
attributes:
  source: {column: "Lead source", map: {FB: Social}, unknown: drop, collision: keep_first}
  title: {column: "Job title", unknown: drop, collision: keep_first}
  company.employees: {column: Size, decimal: comma, unknown: drop, collision: keep_first}
activity:
  name: form_submitted
outcome:
  result: {column: Stage, map: {"Closed lost": lost, "Closed won": won, Qualified: nothing}}
  value: {column: Amount, decimal: comma}
`
	if diff := cmp.Diff(want, string(c.Mapping(l, plan))); diff != "" {
		t.Error(diff)
	}
	if wrong := c.Wrong(l, plan); len(wrong) > 0 {
		t.Error(wrong)
	}
	m := parse(t, plan, want)
	rows, err := l.Preview(m, noon)
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	whole := arrivals(t, open(t, m, fair))
	n := 0
	for _, row := range rows {
		if len(row.Refused) > 0 {
			t.Errorf("line %d: %v", row.Line, row.Refused)
		}
		n += len(row.Arrivals)
	}
	if n != len(whole) || n != 8 {
		t.Errorf("the preview shows %d, the import gives %d", n, len(whole))
	}
}

// A date that can be read in two ways, and a person that nobody named, are asked for and never guessed.
func TestChoicesThatAreNoMapping(t *testing.T) {
	plan := vocabulary(t)
	l := lookAt(t, "Name,Created,Page\nAnn,01/02/2026,/\nBo,03/02/2026,/\n")
	c := imports.Guess(l, "x.csv", plan)
	c.Columns["Page"] = imports.Choice{Becomes: "property:url"}
	c.Complete(l, plan)
	c.Name = "tr ade"
	var got []string
	for _, w := range c.Wrong(l, plan) {
		got = append(got, w.Column+": "+strings.Fields(w.Reason)[0]+" "+strings.Fields(w.Reason)[1]+" "+strings.Fields(w.Reason)[2])
	}
	if diff := cmp.Diff([]string{": give the source", "Created: say how the", ": say whom a"}, got); diff != "" {
		t.Error(diff)
	}
	c.Name = "trade"
	c.Columns["Name"], c.Columns["Created"] = imports.Choice{Becomes: "id"}, imports.Choice{Becomes: "at", Layout: "DD/MM/YYYY"}
	if w := c.Wrong(l, plan); len(w) != 1 || !strings.Contains(w[0].Reason, "what they did") {
		t.Error(w)
	}
	c.Columns["Page"] = imports.Choice{Becomes: "id"}
	if w := c.Wrong(l, plan); len(w) != 0 {
		t.Error(w)
	}
	parse(t, plan, string(c.Mapping(l, plan)))
}

// Whatever a target is called, a column that becomes it makes a mapping that can be read.
func TestEveryTargetMakesAMapping(t *testing.T) {
	plan := vocabulary(t)
	l := lookAt(t, "\"who@home \"\"x\"\": #\",Ünïted,yes\n1,2,3\n")
	for _, target := range imports.Targets(plan) {
		c := &imports.Choices{Name: "x", Columns: map[string]imports.Choice{"who@home \"x\": #": {Becomes: "email"}, "Ünïted": {Becomes: target.Name, Layout: "iso", Decimal: "comma"}}}
		switch target.Group {
		case "How it ended":
			c.Columns["yes"] = imports.Choice{Becomes: "result"}
		case "What they did":
			c.Activity = "form_submitted"
		}
		if target.Name == "email" || target.Name == "result" {
			delete(c.Columns, "yes")
			delete(c.Columns, "who@home \"x\": #")
			c.Columns["yes"] = imports.Choice{Becomes: "id"}
		}
		c.Complete(l, plan)
		if w := c.Wrong(l, plan); len(w) > 0 {
			t.Errorf("%s: %v", target.Name, w)
		}
		m := parse(t, plan, string(c.Mapping(l, plan)))
		if _, err := l.Preview(m, noon); err != nil {
			t.Errorf("%s: %v", target.Name, err)
		}
	}
}

func TestLook(t *testing.T) {
	l := lookAt(t, fair+"broken;row\n")
	if l.Rows != 4 || l.Delimiter != "semicolon" || l.Encoding != "UTF-8" || l.Head[3].Why == "" {
		t.Errorf("%+v", l)
	}
	by := map[string]imports.Column{}
	for _, c := range l.Columns {
		by[c.Name] = c
	}
	if diff := cmp.Diff(imports.Column{Name: "Created", Filled: 3, Samples: []string{"13/02/2026", "01/02/2026", "28/02/2026"}, Layouts: []string{"DD/MM/YYYY"},
		Words: []imports.Word{{Text: "01/02/2026", Rows: 1}, {Text: "13/02/2026", Rows: 1}, {Text: "28/02/2026", Rows: 1}}}, by["Created"]); diff != "" {
		t.Error(diff)
	}
	if !by["E-Mail"].Emails || cmp.Diff([]string{"comma"}, by["Amount"].Decimal) != "" || cmp.Diff([]imports.Word{{Text: "FB", Rows: 2}, {Text: "Direct", Rows: 1}}, by["Lead source"].Words) != "" {
		t.Errorf("%+v", by)
	}
	twice := lookAt(t, "a,,a,refused.line\n1,2,3,4\n")
	var kinds []string
	for _, c := range twice.Columns {
		kinds = append(kinds, c.Kind)
	}
	if diff := cmp.Diff([]string{"twice", "unnamed", "twice", "ours"}, kinds); diff != "" {
		t.Error(diff)
	}
	// a mended file has the mapping of the one it came from
	if a, b := lookAt(t, "b,a\n1,2\n"), lookAt(t, "refused.line,refused.column,refused.reason,a,b\n1,,,1,2\n"); a.Header != b.Header || a.Header == twice.Header {
		t.Errorf("%s %s", a.Header, b.Header)
	}
}

func TestWhatIsNoCSV(t *testing.T) {
	for begin, want := range map[string]string{"PK\x03\x04xyz": "workbook", "\xd0\xcf\x11\xe0\xa1": "old workbook", "%PDF-1.7": "PDF", "": "empty", "\n\n": "empty"} {
		path := filepath.Join(t.TempDir(), "file.csv")
		if err := os.WriteFile(path, []byte(begin), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := imports.LookAt(t.Context(), path, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", begin, err)
		}
		if _, err := imports.Open(t.Context(), path, parse(t, vocabulary(t), titles), imports.Options{Now: noon, TempDir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", begin, err)
		}
	}
}

// Refused rows hold no formula for a spreadsheet, and come back as they were.
func TestRefusedRowsHoldNoFormula(t *testing.T) {
	m := parse(t, vocabulary(t), "import: x\nperson: {email: mail}\nattributes: {title: \"-title\", revenue: r}\n")
	file := "mail,-title,r\na@x.example,=1+1,x\nb@x.example,'=2,y\nc@x.example,''+3,z\nd@x.example,'quoted',x\ne@x.example,@me,-5x\n"
	text := refused(t, open(t, m, file))
	for _, line := range strings.Split(text, "\n")[1:] {
		for _, cell := range strings.Split(line, ",") {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
				t.Errorf("%q in %q", cell, line)
			}
		}
	}
	mended := strings.NewReplacer(",x\n", ",1\n", ",y\n", ",1\n", ",z\n", ",1\n", ",'-5x\n", ",'-5\n").Replace(text)
	var got []string
	for _, a := range arrivals(t, open(t, m, mended)) {
		for _, v := range a.Input.Values {
			got = append(got, v.Value.String())
		}
	}
	if diff := cmp.Diff([]string{"1", "=1+1", "1", "'=2", "1", "''+3", "1", "'quoted'", "-5", "@me"}, got); diff != "" {
		t.Error(diff, mended)
	}
}

// What somebody says separates the fields counts more than what is found, and than a line that was written for a spreadsheet.
func TestLookAtSeparatedAsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	for text, found := range map[string]string{"Mail;Note, if any, please\na@b.example;x, y, z\n": "comma", "sep=,\nMail;Note\na@b.example;x\n": "comma"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for word, want := range map[string]string{"": found, "comma": "comma", "semicolon": "semicolon", "tab": "tab", "bar": "vertical bar"} {
			l, err := imports.LookAt(t.Context(), path, word)
			if err != nil || l.Delimiter != want || l.Chosen != word {
				t.Errorf("%q as %q: %+v, %v", text, word, l, err)
				continue
			}
			if wide := len(l.Columns) == 2; word == "semicolon" && !wide {
				t.Errorf("%q as %q has %d columns", text, word, len(l.Columns))
			}
		}
	}
	if words := imports.Delimiters(); !slices.Equal(words, []string{"comma", "semicolon", "tab", "bar"}) {
		t.Error(words)
	}
}
