package agreement

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var condUpdate = flag.Bool("update-conditions", false, "rewrite testdata/condition")

// Each file of testdata/condition holds conditions of one scope that are refused,
// with the findings as a reader sees them, and is rewritten by -update-conditions.
func TestConditionFindings(t *testing.T) {
	p := condTestPlan(t)
	codes := map[string]bool{}
	files, err := filepath.Glob("testdata/condition/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		scope := map[string]Scope{"lead": ScopeLead, "fit": ScopeFit, "activity": ScopeActivity}[strings.TrimSuffix(filepath.Base(name), ".txtar")]
		for i := range archive.Files {
			file := &archive.Files[i]
			source, _, _ := strings.Cut(string(file.Data), "\n")
			if strings.HasPrefix(source, "= ") {
				source = condTestLong[source[2:]]
			}
			c, findings := compileCondition(p, scope, Clause{}, source)
			if (c == nil) != (len(findings) > 0) {
				t.Errorf("%s: %d findings, and a condition: %v", source, len(findings), c != nil)
			}
			if len(findings) == 0 {
				t.Errorf("%s %s is not refused", name, source)
			}
			got := condTestText(source, findings)
			if strings.HasPrefix(string(file.Data), "= ") { // too long to show
				got, _, _ = strings.Cut(string(file.Data), "\n")
				for _, f := range findings {
					got += "\n" + f.Code + " " + f.Message + " (" + f.Hint + ")"
				}
				got += "\n"
			}
			for _, f := range findings {
				codes[f.Code] = true
				if f.Offset < 0 || f.Length < 1 || f.Offset+f.Length > max(1, len([]rune(source))) {
					t.Errorf("%s: finding at %d+%d is outside", source, f.Offset, f.Length)
				}
				if strings.ContainsAny(f.Message, "\n") || f.Message == "" {
					t.Errorf("%s: message %q", source, f.Message)
				}
			}
			if *condUpdate {
				file.Data = []byte(got)
			} else if diff := cmp.Diff(string(file.Data), got); diff != "" {
				t.Errorf("%s %s: %s", name, file.Name, diff)
			}
		}
		if *condUpdate {
			if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, code := range []string{condSyntax, condNoName, condWrong, condCall, condNoValue, condSettled, condByZero, condPattern, condMoving, condTooLarge, condOutside, condBadTime} {
		if !codes[code] {
			t.Errorf("no case of %s", code)
		}
	}
}

// condTestLong are sources too long for a file.
var condTestLong = map[string]string{
	"empty":   "",
	"long":    "title == \"" + strings.Repeat("x", 5000) + "\"",
	"deep":    strings.Repeat("not (", 70) + "newsletter" + strings.Repeat(")", 70),
	"parts":   "budget in [" + strings.Repeat("1,", 2010) + "1]",
	"doubled": strings.Repeat("1<(", 20) + "budget" + strings.Repeat(">company.employees?1:2)<3", 20),
	"pattern": "title matches \"" + strings.Repeat("x", 501) + "\"",
}
