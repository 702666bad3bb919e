package doctest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
)

// Every key of the language is named in the pages about it, as code.
func TestKeysAreDocumented(t *testing.T) {
	var schema any
	if err := json.Unmarshal(agreement.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	keysOf(schema, keys)
	if len(keys) < 50 {
		t.Fatalf("the schema has only %d keys", len(keys))
	}
	text := languageText(t)
	for key, property := range keys {
		if property && !strings.Contains(text, "`"+key+"`") {
			t.Errorf("no page about the language says what `%s` is", key)
		}
	}
}

// keysOf collects the names of properties of a schema and the schemas in it.
func keysOf(v any, keys map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for keyword, value := range v {
			if named, ok := value.(map[string]any); ok && (keyword == "properties" || keyword == "$defs") {
				for name, schema := range named {
					keys[name] = keys[name] || keyword == "properties"
					keysOf(schema, keys)
				}
				continue
			}
			keysOf(value, keys)
		}
	case []any:
		for _, value := range v {
			keysOf(value, keys)
		}
	}
}

// Every word that a key allows is named too: high, least_loaded, escalated.
func TestWordsAreDocumented(t *testing.T) {
	var schema any
	if err := json.Unmarshal(agreement.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	text := languageText(t)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if words, ok := v["enum"].([]any); ok {
				for _, w := range words {
					if !strings.Contains(text, fmt.Sprintf("`%v`", w)) {
						t.Errorf("no page about the language says what `%v` is", w)
					}
				}
			}
			for _, value := range v {
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(schema)
}

func languageText(t *testing.T) string {
	files, texts := pages(t)
	var all strings.Builder
	for _, file := range files {
		if ofLanguage(file) {
			all.WriteString(texts[file])
		}
	}
	return all.String()
}

// codesInSource returns the codes of findings that internal/agreement declares.
func codesInSource(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join(root, "internal", "agreement", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`^[AC]\d\d$`)
	var list []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			consts, ok := d.(*ast.GenDecl)
			if !ok || consts.Tok != token.CONST {
				continue
			}
			for _, spec := range consts.Specs {
				for _, value := range spec.(*ast.ValueSpec).Values {
					if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
						if text, err := strconv.Unquote(literal.Value); err == nil && code.MatchString(text) {
							list = append(list, text)
						}
					}
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

// made are sources for findings that a page cannot show, mostly because of bytes that nobody sees.
var made = map[string]func(base string) (source string, format bool){
	"A01": func(base string) (string, bool) { return base + strings.Repeat("# long\n", 200_000), false },
	"A02": func(base string) (string, bool) {
		return strings.Replace(base, "agreement: Northwind", "agreement: N\xf6rthwind", 1), false
	},
	"A03": func(base string) (string, bool) { return "\ufeff" + base, false },
	"A04": func(base string) (string, bool) { return strings.ReplaceAll(base, "\n", "\r\n"), false },
	"A07": func(base string) (string, bool) {
		return base + "brief: " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "\n", false
	},
	"A08": func(base string) (string, bool) {
		return strings.Replace(base, "industry: [", "industry: ["+strings.Repeat("a, ", 20_001), 1), false
	},
	"A13": func(string) (string, bool) { return "# nothing but a comment\n", false },
	"C10": func(base string) (string, bool) {
		return strings.Replace(base, `when: did("demo_requested")`, `when: 'title == "`+strings.Repeat("long ", 1000)+`"'`, 1), false
	},
}

// findings.md has an entry for every code, no code twice and none that is not there; each entry shows an
// example, and says rightly whether the finding is an error or a warning.
func TestFindingsAreDocumented(t *testing.T) {
	const page = "docs/language/findings.md"
	_, texts := pages(t)
	var documented []string
	severity := map[string]string{}
	lines := strings.Split(texts[page], "\n")
	heading := regexp.MustCompile(`^### ([AC]\d\d) \S`)
	for i, line := range lines {
		if m := heading.FindStringSubmatch(line); m != nil {
			documented = append(documented, m[1])
			for _, next := range lines[i+1:] {
				if next != "" {
					severity[m[1]] = next
					break
				}
			}
		}
	}
	slices.Sort(documented)
	source := codesInSource(t)
	if len(source) < 50 {
		t.Fatalf("internal/agreement declares only %d codes: tell codesInSource how they are declared now", len(source))
	}
	if diff := cmp.Diff(source, documented); diff != "" {
		t.Fatalf("codes (-declared +in %s):\n%s", page, diff)
	}

	shown := map[string]agreement.Findings{}
	for _, b := range blocks(page, texts[page]) {
		if len(b.check) < 2 || b.check[0] != "finding" {
			continue
		}
		if code := b.check[1]; !strings.HasPrefix(b.under, code+" ") {
			t.Errorf("%s shows %s under %q", b.String(), code, b.under)
		}
		_, found := compile(b.source(t))
		shown[b.check[1]] = append(shown[b.check[1]], found...)
	}
	for code, make := range made {
		source, _ := make(base(t))
		_, found := compile(source)
		if !slices.Equal(codes(found), []string{code}) {
			t.Errorf("what is made to have %s has %v", code, codes(found))
		}
		shown[code] = append(shown[code], found...)
	}
	shown["A99"] = tooMany(t)

	for _, code := range documented {
		if code == "A90" {
			continue // a net below Format: nobody has found a file yet that falls into it
		}
		if len(shown[code]) == 0 {
			t.Errorf("%s: %s has no example", page, code)
			continue
		}
		first, _, _ := strings.Cut(severity[code], ". ")
		says := strings.ToLower(strings.TrimSuffix(first, "."))
		for _, f := range shown[code] {
			if f.Code == code && !slices.Contains(strings.Split(says, " or "), f.Severity.String()) {
				t.Errorf("%s: %s is said to be %q, but there is an example that is an %s", page, code, first, f.Severity)
			}
		}
	}
}

// tooMany has more findings than are shown.
func tooMany(t *testing.T) agreement.Findings {
	var b bytes.Buffer
	b.WriteString("attributes:\n")
	for i := range 60 {
		fmt.Fprintf(&b, "  x%d: txet\n", i)
	}
	_, found := compile(merge(base(t), b.String()))
	return slices.DeleteFunc(found, func(f agreement.Finding) bool { return f.Code != "A99" })
}

// The links between the pages about the language lead somewhere, to the heading too.
func TestAnchorsExist(t *testing.T) {
	files, texts := pages(t)
	link := regexp.MustCompile(`\]\(([^)\s#]*)#([^)\s]+)\)`)
	for _, file := range files {
		for _, m := range link.FindAllStringSubmatch(texts[file], -1) {
			target := file
			if strings.Contains(m[1], ":") {
				continue
			}
			if m[1] != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(file), m[1]))
			}
			if text, ok := texts[target]; ok && !slices.Contains(anchors(text), m[2]) {
				t.Errorf("%s links to %s#%s, which has no such heading", file, target, m[2])
			}
		}
	}
}

// anchors returns what the headings of a page are linked by.
func anchors(text string) []string {
	var list []string
	strange := regexp.MustCompile("[^a-z0-9 _-]")
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "#") {
			name := strange.ReplaceAllString(strings.ToLower(strings.TrimLeft(line, "# ")), "")
			list = append(list, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return list
}

// Pages are read on the spot they are written for: each one about the language is linked from the index.
func TestIndexLinksEveryPage(t *testing.T) {
	files, texts := pages(t)
	for _, file := range files {
		if name, ok := strings.CutPrefix(file, "docs/language/"); ok && !strings.Contains(texts["docs/language.md"], "(language/"+name+")") {
			t.Errorf("docs/language.md does not link to %s", file)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "docs", "language.md")); err != nil {
		t.Error(err)
	}
}
