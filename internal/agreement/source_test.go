package agreement

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// Sources that a case of testdata/check cannot hold.
func TestReadingHostileSources(t *testing.T) {
	waterfall, _ := Template("waterfall")
	for _, c := range []struct {
		name, source string
		want         []string // code at line:column
	}{
		{"a mark", "\ufeff" + string(waterfall), []string{"A03 1:1"}},
		{"carriage returns", strings.ReplaceAll(string(waterfall), "\n", "\r\n"), []string{"A04 1:1"}},
		{"a lone return", "agreement: a\rb\n", []string{"A04 1:13"}},
		{"UTF-16", "\xff\xfea\x00", []string{"A02 1:1"}},
		{"not UTF-8", "agreement: \"å\xe5\"\nb: \xff\n", []string{"A02 1:14", "A02 2:4"}},
		{"control characters", "agreement: a\x00b\nc: \u2028\n", []string{"A02 1:13", "A02 2:4"}},
		{"tabs", "a:\n\tb: c\n \t d: e\n", []string{"A05 2:1", "A05 3:2"}},
		{"a tab on a blank line", "a:\n  b:\n\n\n\t\n", []string{"A05 5:1"}},
		{"too large", strings.Repeat("#", maxSource+1), []string{"A01 1:1"}},
		{"deep lists", "agreement: " + strings.Repeat("[", 60) + strings.Repeat("]", 60), []string{"A07 1:61"}},
		{"deep dashes", "a:\n  " + strings.Repeat("- ", 60) + "b", []string{"A07 2:101"}},
		{"deep mappings", deep(60), []string{"A07 51:51"}},
		{"very deep", strings.Repeat("[", 500_000), []string{"A07 1:51"}},
		{"very deep mappings", strings.Repeat("{a: ", 200_000), []string{"A07 1:201"}},
		{"many values", "a: [" + strings.Repeat("b, ", maxValues) + "b]", []string{"A08"}},
		{"many keys", manyKeys(maxValues + 1), []string{"A08"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, found := Compile("a.yaml", []byte(c.source), nil)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
			if len(c.want) == 1 && !strings.Contains(c.want[0], " ") {
				for _, f := range found {
					if f.Code == c.want[0] {
						return
					}
				}
				t.Fatalf("no %s: %v", c.want[0], found.Text(nil, false))
			}
			var got []string
			for _, f := range found {
				if len(got) < len(c.want) || f.Code < codeKey {
					got = append(got, fmt.Sprintf("%s %d:%d", f.Code, f.Line, f.Column))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s\n%s", diff, found.Text(func(string) []byte { return []byte(c.source) }, false))
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d:\n", i)
	}
	return b.String()
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// Line ends make no other agreement; other text does, and so do other files.
func TestHash(t *testing.T) {
	source, err := readTestdata("design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	hash := func(source []byte, extra string) string {
		plan, found := Compile("design.yaml", source, func(name string) ([]byte, error) {
			data, err := readTestdata(name)
			return append(data, extra...), err
		})
		if plan == nil {
			t.Fatal(found.Text(nil, false))
		}
		return plan.Hash
	}
	want := hash(source, "")
	if len(want) != 64 {
		t.Errorf("hash %q", want)
	}
	if got := hash(bytes.ReplaceAll(source, []byte("\n"), []byte("\r\n")), ""); got != want {
		t.Error("carriage returns make another hash")
	}
	if hash(append(source, "# more\n"...), "") == want {
		t.Error("another text has the same hash")
	}
	if hash(source, "\r\n") == want {
		t.Error("another holiday file has the same hash")
	}
}

// The tree is what the scanner's own parser reads, wherever both read anything.
func TestTreeAgreesWithTheYAMLParser(t *testing.T) {
	n := 0
	for _, source := range corpus(t) {
		doc, _ := parse("a.yaml", source)
		if doc == nil {
			continue
		}
		n++
		if err := agrees(doc); err != "" {
			t.Errorf("%s\n%s", err, source)
		}
	}
	if n < 50 {
		t.Fatalf("only %d files were read", n)
	}
}

// corpus returns all agreements that tests have.
func corpus(t testing.TB) [][]byte {
	var sources [][]byte
	for _, name := range Templates() {
		source, _ := Template(name)
		sources = append(sources, source)
	}
	design, err := readTestdata("design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sources = append(sources, design)
	for _, pattern := range []string{"testdata/check/*.txtar", "testdata/format/*.txtar"} {
		cases, _ := filepath.Glob(pattern)
		for _, name := range cases {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources = append(sources, archive.Files[0].Data)
		}
	}
	return sources
}

var emptyItem = regexp.MustCompile(`(?m)^\s*(- *)+(#.*)?$`)

// agrees holds a tree against that of the scanner's parser; "" if they are the same.
func agrees(doc *document) string {
	if emptyItem.MatchString(doc.src) {
		return "" // the parser takes the next key, in the column of the dashes, for the item
	}
	file, err := parser.ParseBytes([]byte(doc.src), 0)
	if err != nil {
		return "the parser refuses it: " + err.Error()
	}
	if len(file.Docs) == 0 {
		return "the parser finds no document"
	}
	return differ(doc, doc.root, file.Docs[0].Body, "")
}

func differ(doc *document, n *node, other ast.Node, path string) string {
	complain := func(what string) string { return fmt.Sprintf("%s: %s; the parser has %v", path, what, other) }
	switch o := other.(type) {
	case *ast.MappingNode:
		if n.kind != mapping || len(n.entries) != len(o.Values) {
			return complain(fmt.Sprintf("%d entries", len(n.entries)))
		}
		for i, e := range n.entries {
			if e.key.value != o.Values[i].Key.GetToken().Value {
				return complain(e.key.value)
			}
			if d := differ(doc, e.value, o.Values[i].Value, path+"."+e.key.value); d != "" {
				return d
			}
		}
	case *ast.MappingValueNode:
		if n.kind != mapping || len(n.entries) != 1 || n.entries[0].key.value != o.Key.GetToken().Value {
			return complain("another mapping")
		}
		return differ(doc, n.entries[0].value, o.Value, path+"."+n.entries[0].key.value)
	case *ast.SequenceNode:
		if n.kind != sequence || len(n.items) != len(o.Values) {
			return complain(fmt.Sprintf("%d items", len(n.items)))
		}
		for i, item := range n.items {
			if d := differ(doc, item, o.Values[i], fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
	case *ast.NullNode, nil:
		if n.kind != empty {
			return complain("a value " + n.value)
		}
	case *ast.LiteralNode:
		if n.kind != scalar || n.value != o.Value.GetToken().Value {
			return complain(fmt.Sprintf("%q", n.value))
		}
	default:
		if have := other.GetToken().Value; n.kind != scalar || n.value != have && (strings.Count(doc.src[n.start:n.end], "\n") == 0 && n.value != strings.TrimRight(have, " ")) {
			return complain(fmt.Sprintf("%q", n.value))
		}
	}
	return ""
}
