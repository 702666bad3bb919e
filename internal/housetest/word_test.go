package housetest

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// unkind are words that Baton does not say of people or their work: the clock ran out, a
// person did not fail; a lead that does not fit is not worthless.
var unkind = regexp.MustCompile(`(?i)\b(blam(e|es|ed|ing)|culprits?|bad[ -]leads?|junk|squander(s|ed|ing)?)\b`)

// spoken are the endings of files whose text people read; of Go files it is the strings.
var spoken = []string{".md", ".templ", ".html", ".yaml", ".yml", ".sql", ".json", ".svg"}

func TestWordsAreKind(t *testing.T) {
	tr := readTree(t)
	for _, f := range tr.files {
		if !slices.Contains(spoken, path.Ext(f)) || strings.Contains(f, "testdata/") {
			continue
		}
		for i, line := range strings.Split(tr.read(t, f), "\n") {
			if word := unkind.FindString(line); word != "" {
				t.Errorf("%s:%d says %q: say what happened and what to do next", f, i+1, word)
			}
		}
	}
	for _, p := range tr.packages {
		for _, f := range p.files {
			for _, s := range textsOf(f.ast) {
				if word := unkind.FindString(s.Value); word != "" {
					t.Errorf("%s says %q: say what happened and what to do next", tr.at(s.Pos()), word)
				}
			}
		}
	}
}

// textsOf returns the string literals of a file.
func textsOf(f *ast.File) []*ast.BasicLit {
	var list []*ast.BasicLit
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING {
			list = append(list, s)
		}
		return true
	})
	return list
}

func TestUnkindWordsAreFound(t *testing.T) {
	cases := map[string]string{
		"Nobody is to Blame.":      "Blame",
		"a bad lead, a BAD-LEADS":  "bad lead",
		"time ran out":             "",
		"bad leading, junkyard":    "",
		"who squandered the lead?": "squandered",
	}
	for text, want := range cases {
		if diff := cmp.Diff(want, unkind.FindString(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
