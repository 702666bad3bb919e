package imports_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryKeyIsDocumented takes the keys from the lists of the parser.
func TestEveryKeyIsDocumented(t *testing.T) {
	source, err := os.ReadFile("mapping.go")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "import.md"))
	if err != nil {
		t.Fatal(err)
	}
	lists := regexp.MustCompile(`(?s)p\.allow\(.*?\)|allowed :?= .*?\}|append\(allowed, .*?\)`).FindAllString(string(source), -1)
	keys := 0
	for _, list := range lists {
		for _, m := range regexp.MustCompile(`"([a-z_]+)"`).FindAllStringSubmatch(list, -1) {
			keys++
			if !strings.Contains(string(docs), m[1]+":") && !strings.Contains(string(docs), "`"+m[1]+"`") {
				t.Errorf("docs/import.md does not tell of %q", m[1])
			}
		}
	}
	if keys < 40 {
		t.Errorf("%d keys are found in mapping.go", keys)
	}
	for _, words := range [][]string{{"keep_latest", "keep_first", "keep_longest", "refuse"}, {"utf-8", "utf-16", "windows-1252", "latin-1"}} {
		for _, w := range words {
			if !strings.Contains(string(docs), "`"+w+"`") {
				t.Errorf("docs/import.md does not tell of %q", w)
			}
		}
	}
}

// TestTheMappingsOfTheDocs parses the first mapping of the docs.
func TestTheMappingsOfTheDocs(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "import.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(docs), "```yaml\n")
	mapping, _, _ := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/import.md has no mapping")
	}
	parse(t, olistPlan(t), mapping)
}
