package agreement

import (
	"testing"

	"golang.org/x/tools/txtar"
)

// Whatever is written, compiling ends without a panic and with a condition or a
// finding inside the source; what compiles gives the same truth twice.
func FuzzCondition(f *testing.F) {
	for _, name := range []string{"lead", "fit", "activity"} {
		archive, err := txtar.ParseFile("testdata/condition/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(string(file.Data), uint8(0))
		}
	}
	for _, source := range []string{
		`grade in ["A1", "A2", "B1"] or did("demo_requested", "7d")`, `company.employees in 200..5000 and company.industry in ["manufacturing", "logistics"]`,
		`(score ?? 0) >= 60.5 and not known(renewal)`, `age(renewal) > "-30d" ? count("page_viewed", "7d") != 2 : in_stage < "1h"`, `title matches "a+b*"`,
		`renewal + "3d" > created - "1d"`, `1 < company.employees < 5`,
	} {
		f.Add(source, uint8(0))
	}
	p := condTestPlan(f)
	facts := condTestFacts(p)
	empty := &Facts{Stage: -1, BuyingStage: -1, Scored: true}
	f.Fuzz(func(t *testing.T, source string, scope uint8) {
		c, findings := compileCondition(p, Scope(scope%3), Clause{}, source)
		if (c == nil) != (len(findings) > 0) {
			t.Fatalf("condition: %v, findings: %v", c != nil, findings)
		}
		for _, finding := range findings {
			if finding.Offset < 0 || finding.Length < 1 || finding.Offset+finding.Length > max(1, len([]rune(source))) {
				t.Errorf("finding outside of the source: %+v", finding)
			}
		}
		if c == nil {
			return
		}
		for _, lead := range []*Facts{facts, empty} {
			if a, b := c.Eval(lead), c.Eval(lead); a != b {
				t.Errorf("%v, then %v", a, b)
			}
			if at := c.NextChange(lead); at <= lead.Now {
				t.Errorf("changes at %d, not after now", at)
			}
			c.Saw(lead)
		}
		if !c.Same(c) || !c.Hides(c) {
			t.Error("not the same as itself")
		}
		c.Needs()
		c.Atoms()
		p.noteCondition(c)
	})
}
