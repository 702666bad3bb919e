package housetest

import (
	"go/ast"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// What the documents name exists: files, links, make targets, commands of baton, and
// names of Go in packages of the house.
func TestDocumentsNameWhatExists(t *testing.T) {
	tr := readTree(t)
	targets, commands, names := tr.targets(t), tr.commands(), tr.names()
	for _, file := range tr.documents(t) {
		for _, m := range mentions(tr.read(t, file)) {
			where := file + ":" + strconv.Itoa(m.line)
			switch m.kind {
			case "path":
				if !tr.has(m.text) && !tr.planned(m.text) {
					t.Errorf("%s names %s, which is not there", where, m.text)
				}
			case "link":
				if !tr.has(path.Join(path.Dir(file), m.text)) {
					t.Errorf("%s links to %s, which is not there", where, m.text)
				}
			case "make":
				if !slices.Contains(targets, m.text) {
					t.Errorf("%s says make %s; the targets are %s", where, m.text, strings.Join(targets, ", "))
				}
			case "baton":
				if tr.has("internal/cli") && !slices.Contains(commands, m.text) {
					t.Errorf("%s says baton %s; the commands are %s", where, m.text, strings.Join(commands, ", "))
				}
			case "name":
				room, name, _ := strings.Cut(m.text, ".")
				if known := names[room]; known != nil && !known[name] {
					t.Errorf("%s names %s, which internal/%s does not have", where, m.text, room)
				}
			}
		}
	}
	if tr.has("internal/cli/*.go") && len(commands) == 0 {
		t.Error(`internal/cli has no field tagged cmd:"": tell (*tree).commands how commands are declared now`)
	}
}

// planned reports whether a path leads into a room of the house that is not built yet.
func (tr *tree) planned(p string) bool {
	return slices.ContainsFunc(order, func(room string) bool { return (&pack{dir: path.Clean(p)}).within(room) && !tr.has(room) })
}

// mention is something a document says is there.
type mention struct {
	line int
	kind string // path, link, make, baton or name
	text string
}

var (
	span = regexp.MustCompile("`([^`]+)`")
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// rooted is a path from the root of the repository, with the line or anchor after it.
	rooted     = regexp.MustCompile(`^(?:\./)?((?:\.ci|cmd|docs|example|examples|internal|script|testdata|tools)/[\w./*-]*|Makefile|go\.mod|[A-Z]+\.md|LICENSE|\.editorconfig)(?:[:#].*)?$`)
	goName     = regexp.MustCompile(`^([a-z]+)\.([A-Z]\w*(?:\.\w+)?)(?:\(.*)?$`)
	command    = regexp.MustCompile(`^(?:\$ )?(make|(?:\./)?(?:bin/)?baton) ([a-z][a-z-]*)`)
	commandEnd = regexp.MustCompile(`\s*(?:&&|\|\||[;|])\s*`)
)

// mentions finds what a Markdown text names: in code spans and links, and the commands in
// its code blocks.
func mentions(text string) []mention {
	var list []mention
	block := false
	for i, line := range strings.Split(text, "\n") {
		n := i + 1
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			block = !block
			continue
		}
		if block {
			list = append(list, commandsIn(n, line)...)
			continue
		}
		for _, m := range span.FindAllStringSubmatch(line, -1) {
			code := m[1]
			if r := rooted.FindStringSubmatch(code); r != nil {
				list = append(list, mention{n, "path", r[1]})
			} else if g := goName.FindStringSubmatch(code); g != nil {
				list = append(list, mention{n, "name", g[1] + "." + g[2]})
			} else {
				list = append(list, commandsIn(n, code)...)
			}
		}
		for _, m := range link.FindAllStringSubmatch(span.ReplaceAllString(line, ""), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target != "" && !strings.Contains(target, ":") {
				list = append(list, mention{n, "link", target})
			}
		}
	}
	return list
}

// commandsIn finds the make and baton commands of a line of shell.
func commandsIn(n int, line string) []mention {
	var list []mention
	for _, part := range commandEnd.Split(strings.TrimSpace(line), -1) {
		if m := command.FindStringSubmatch(part); m != nil {
			list = append(list, mention{n, path.Base(m[1]), m[2]})
		}
	}
	return list
}

// targets returns the targets of the Makefile.
func (tr *tree) targets(t *testing.T) []string {
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(tr.read(t, "Makefile"), -1) {
		list = append(list, m[1])
	}
	return list
}

// commands returns the commands of baton: the fields of internal/cli that kong knows by the
// tag cmd, and help.
func (tr *tree) commands() []string {
	var list []string
	for _, p := range tr.packages {
		if !p.within("internal/cli") {
			continue
		}
		for _, f := range p.files {
			ast.Inspect(f.ast, func(n ast.Node) bool {
				field, ok := n.(*ast.Field)
				if !ok || field.Tag == nil || len(field.Names) != 1 {
					return true
				}
				raw, _ := strconv.Unquote(field.Tag.Value)
				tag := reflect.StructTag(raw)
				if _, ok := tag.Lookup("cmd"); ok {
					name := tag.Get("name")
					if name == "" {
						name = kebab(field.Names[0].Name)
					}
					list = append(list, name)
				}
				return true
			})
		}
	}
	if len(list) > 0 {
		list = append(list, "help")
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// kebab is how kong makes a command's name of a field's.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// names returns what each room declares: Name, and Type.Member for fields and methods.
func (tr *tree) names() map[string]map[string]bool {
	rooms := map[string]map[string]bool{}
	for _, p := range tr.packages {
		if filepath.ToSlash(path.Dir(p.dir)) != "internal" || p.helper() {
			continue
		}
		known := map[string]bool{}
		rooms[p.name] = known
		for _, f := range append(slices.Clone(p.files), p.tests...) {
			for _, d := range f.ast.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					name := d.Name.Name
					if d.Recv != nil {
						name = receiver(d.Recv.List[0].Type) + "." + name
					}
					known[name] = true
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						declare(known, spec)
					}
				}
			}
		}
	}
	return rooms
}

func declare(known map[string]bool, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, id := range spec.Names {
			known[id.Name] = true
		}
	case *ast.TypeSpec:
		known[spec.Name.Name] = true
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range s.Fields.List {
				for _, id := range field.Names {
					known[spec.Name.Name+"."+id.Name] = true
				}
			}
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func TestMentions(t *testing.T) {
	text := strings.Join([]string{
		"See `docs/glossary.md`, `internal/store/*.go:12`, `Makefile` and `holidays/se.ics`, `text/csv`.",
		"Run `make test`, then `bin/baton check agreement.yaml`. To make sure, `make -n`.",
		"`lifecycle.Decide(plan, view, input)` and `agreement.Curve.At`; `calendar.hours` is a clause.",
		"[here](adr/0001-x.md#top), [there](https://example.com/a), [below](#below), `[no](link.md)`",
		"```sh",
		"git clone x && cd x && make demo",
		"$ baton demo; make   # internal/none",
		"```",
		"make nothing",
	}, "\n")
	want := []mention{
		{1, "path", "docs/glossary.md"},
		{1, "path", "internal/store/*.go"},
		{1, "path", "Makefile"},
		{2, "make", "test"},
		{2, "baton", "check"},
		{3, "name", "lifecycle.Decide"},
		{3, "name", "agreement.Curve.At"},
		{4, "link", "adr/0001-x.md"},
		{6, "make", "demo"},
		{7, "baton", "demo"},
	}
	if diff := cmp.Diff(want, mentions(text), cmp.AllowUnexported(mention{})); diff != "" {
		t.Errorf("mentions (-want +got):\n%s", diff)
	}
}

func TestKebab(t *testing.T) {
	if diff := cmp.Diff("what-works", kebab("WhatWorks")); diff != "" {
		t.Error(diff)
	}
}
