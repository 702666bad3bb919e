package agreement

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// Whatever the source, compiling and formatting it ends soon and without a panic. What
// compiles, compiles to the same again; what is formatted, is formatted.
func FuzzCompile(f *testing.F) {
	for _, source := range corpus(f) {
		f.Add(source)
	}
	read := func(name string) ([]byte, error) {
		if name == "holidays/se.ics" {
			return readTestdata(name)
		}
		return nil, errors.New("there is no such file")
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		start := time.Now()
		plan, found := Compile("a.yaml", source, read)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("compiling took %s", took)
		}
		if (plan == nil) != found.HasErrors() {
			t.Errorf("plan %v, errors %v", plan != nil, found.HasErrors())
		}
		text := found.Text(func(string) []byte { return source }, false)
		for _, x := range found {
			if x.Code == "" || x.Message == "" || x.Line < 1 || x.Column < 1 || x.EndColumn <= x.Column {
				t.Errorf("half a finding: %+v", x)
			}
		}
		again, foundAgain := Compile("a.yaml", source, read)
		if text != foundAgain.Text(func(string) []byte { return source }, false) {
			t.Error("other findings the second time")
		}
		if plan != nil && (plan.Hash != again.Hash || planText(t, plan) != planText(t, again)) {
			t.Error("another plan the second time")
		}
		once, foundOnce := Format("a.yaml", source)
		twice, _ := Format("a.yaml", once)
		if !bytes.Equal(once, twice) {
			t.Errorf("formatted once:\n%q\ntwice:\n%q", once, twice)
		}
		if len(foundOnce) > 0 && !foundOnce.HasErrors() && plan != nil {
			t.Logf("not laid out: %q", source)
		}
		if plan != nil {
			formatted, found := Compile("a.yaml", once, read)
			if formatted == nil {
				t.Fatalf("formatting broke it:\n%s", found.Text(func(string) []byte { return once }, false))
			}
			// sections may stand in another order, so compare what does not follow theirs
			if len(formatted.Index.Clause) != len(plan.Index.Clause) {
				t.Error("formatting changed the clauses")
			}
		}
	})
}

// Where the tree has a reading, the scanner's own parser has the same.
func FuzzTree(f *testing.F) {
	for _, source := range corpus(f) {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		doc, _ := parse("a.yaml", source)
		if doc == nil {
			return
		}
		if err := agrees(doc); err != "" {
			t.Errorf("%s\n%s", err, source)
		}
	})
}
