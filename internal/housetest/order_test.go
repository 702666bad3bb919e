package housetest

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// order is the house from the cellar up: a room imports only rooms before it.
// CONTRIBUTING.md shows it.
var order = []string{
	"internal/calendar",
	"internal/identity",
	"internal/agreement",
	"internal/document",
	"internal/lifecycle",
	"internal/replay",
	"internal/imports",
	"internal/seal",
	"internal/store",
	"internal/report",
	"internal/channel",
	"internal/delivery",
	"internal/engine",
	"internal/access",
	"internal/api",
	"internal/web",
	"internal/app",
	"internal/load",
	"internal/cli",
	"cmd/baton",
}

// room returns the place in order of the room that a package belongs to, -1 for none.
func room(p *pack) int { return slices.IndexFunc(order, p.within) }

func TestImportsGoOneWay(t *testing.T) {
	tr := readTree(t)
	byDir := map[string]*pack{}
	for _, p := range tr.packages {
		byDir[p.dir] = p
	}
	for _, p := range tr.packages {
		here := room(p)
		if here < 0 {
			// a generator or the like is a command of its own; test helpers have their own rule
			if !p.helper() && p.name != "main" {
				t.Errorf("%s is no room of the house: give it a place in order (order_test.go) and in CONTRIBUTING.md, and its reason in docs/adr", p.dir)
			}
			continue
		}
		for _, f := range p.files {
			for _, imported := range f.imports(true) {
				other := byDir[strings.TrimPrefix(imported, module+"/")]
				if !strings.HasPrefix(imported, module+"/") || other == nil {
					continue
				}
				if there := room(other); there < 0 && !other.helper() || there > here {
					t.Errorf("%s imports %s, which is not above %s in the house: %s", f.path, other.dir, p.dir, strings.Join(order, ", "))
				}
			}
		}
	}
}

// What tests lean on must not find its way into the program.
func TestProductionImportsNoTestHelpers(t *testing.T) {
	tr := readTree(t)
	own := []string{"testing", "net/http/httptest", "github.com/google/go-cmp", "pgregory.net/rapid", "github.com/rogpeppe/go-internal", "github.com/chromedp/chromedp"}
	for _, p := range tr.packages {
		if p.helper() {
			continue
		}
		for _, f := range p.files {
			for _, imported := range f.imports(true) {
				for _, o := range own {
					if imported == o || strings.HasPrefix(imported, o+"/") {
						t.Errorf("%s imports %s, which is for tests", f.path, imported)
					}
				}
				if strings.HasPrefix(imported, module+"/") && (&pack{dir: imported}).helper() {
					t.Errorf("%s imports %s, which is for tests: its name ends in test", f.path, imported)
				}
			}
		}
	}
}

// cmd/baton is os.Exit(cli.Main(…)) and nothing else, so that tests can drive all there is.
func TestCommandIsOnlyMain(t *testing.T) {
	for _, p := range readTree(t).packages {
		if p.dir != "cmd/baton" {
			continue
		}
		for _, f := range p.files {
			for _, imported := range f.imports(false) {
				if imported != "os" && imported != module+"/internal/cli" {
					t.Errorf("%s imports %s: what it does belongs in internal/cli or internal/app", f.path, imported)
				}
			}
		}
	}
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	for _, p := range readTree(t).packages {
		if len(p.files) == 0 {
			continue
		}
		var comments []string
		for _, f := range p.files {
			if f.ast.Doc != nil && !ast.IsGenerated(f.ast) {
				comments = append(comments, f.ast.Doc.Text())
			}
		}
		begin := "Package " + p.name + " "
		if p.name == "main" {
			begin = "Command "
		}
		switch {
		case len(comments) == 0:
			t.Errorf("%s has no package comment: what it does, what it never does, where to start reading", p.dir)
		case len(comments) > 1:
			t.Errorf("%s has package comments in %d files: keep one", p.dir, len(comments))
		case !strings.HasPrefix(comments[0], begin):
			t.Errorf("%s: the package comment does not begin with %q", p.dir, begin)
		}
	}
}

func TestContributingShowsTheOrder(t *testing.T) {
	tr := readTree(t)
	if !tr.has("CONTRIBUTING.md") {
		t.Skip("there is no CONTRIBUTING.md")
	}
	text := tr.read(t, "CONTRIBUTING.md")
	var names []string
	for _, r := range order {
		names = append(names, strings.TrimPrefix(r, "internal/"))
	}
	want := strings.Join(names, " → ")
	if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
		t.Errorf("CONTRIBUTING.md does not show the order of the rooms: %s", want)
	}
	if n := strings.Count(text, "\n"); n >= 150 {
		t.Errorf("CONTRIBUTING.md has %d lines; it stays under 150", n)
	}
}
