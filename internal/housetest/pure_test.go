package housetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pure are the rooms whose answers depend on their arguments alone: the same plan over
// the same inputs decides the same to the byte, today, in a replay, and on another machine.
var pure = []string{
	"internal/calendar",
	"internal/identity",
	"internal/agreement",
	"internal/document",
	"internal/lifecycle",
	"internal/replay",
}

// impure are imports a pure package has no use for.
var impure = map[string]string{
	"database/sql": "storage is for internal/store",
	"net/http":     "the network is for internal/channel, internal/api and internal/web",
	"os":           "files and the environment are for internal/cli and internal/app; take an fs.FS or bytes",
	"os/exec":      "it asks another program",
	"log":          "return an error; whoever calls logs it once",
	"log/slog":     "return an error; whoever calls logs it once",
	"math/rand":    "a replay would draw other numbers; take a seed and count from it",
	"math/rand/v2": "a replay would draw other numbers; take a seed and count from it",
	"crypto/rand":  "a replay would draw other numbers; ids derive from the input",
}

// clocks are the parts of package time that read a clock or wait for one.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func isPure(p *pack) bool { return slices.ContainsFunc(pure, p.within) }

func TestPurePackagesReadNoClock(t *testing.T) {
	tr := readTree(t)
	for _, p := range tr.packages {
		if !isPure(p) {
			continue
		}
		for _, f := range p.files {
			for _, found := range readings(f.ast) {
				t.Errorf("%s: %s", tr.at(found.pos), found.text)
			}
		}
	}
}

func TestPurePackagesHaveOneOrder(t *testing.T) {
	tr := readTree(t)
	var dirs []string
	for _, p := range tr.packages {
		if isPure(p) && len(p.files) > 0 {
			dirs = append(dirs, "./"+p.dir)
		}
	}
	if len(dirs) == 0 {
		t.Skip("there is no pure package")
	}
	listed := listPackages(t, tr.root, dirs)
	exports := map[string]string{}
	for _, l := range listed {
		exports[l.ImportPath] = l.Export
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("importing %s: it has not been compiled", path)
		}
		return os.Open(exports[path])
	})
	for _, l := range listed {
		if !slices.Contains(dirs, "./"+strings.TrimPrefix(l.ImportPath, module+"/")) {
			continue
		}
		var files []*ast.File
		for _, name := range l.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(l.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		found, err := disorders(fset, files, imports)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			pos := fset.Position(f.pos)
			rel, _ := filepath.Rel(tr.root, pos.Filename)
			t.Errorf("%s:%d: %s", filepath.ToSlash(rel), pos.Line, f.text)
		}
	}
}

type finding struct {
	pos  token.Pos
	text string
}

// readings finds imports and uses of time that a pure file must not have.
func readings(f *ast.File) []finding {
	var found []finding
	timeName := ""
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if why, bad := impure[path]; bad {
			found = append(found, finding{spec.Pos(), "a pure package does not import " + path + ": " + why})
		}
		if path == "time" {
			timeName = "time"
			if spec.Name != nil {
				timeName = spec.Name.Name
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || timeName == "" {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == timeName && slices.Contains(clocks, sel.Sel.Name) {
			found = append(found, finding{sel.Pos(), "a pure package does not use time." + sel.Sel.Name + ": time is in the input"})
		}
		return true
	})
	return found
}

// disorders finds where an answer could hang on the order of a map: a range over one, or
// maps.Keys, Values or All not sorted at once, with no comment "order: why it does not matter"
// on the line or just before it.
func disorders(fset *token.FileSet, files []*ast.File, imports types.Importer) ([]finding, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	if _, err := (&types.Config{Importer: imports}).Check("p", fset, files, info); err != nil {
		return nil, fmt.Errorf("checking types: %w", err)
	}
	var found []finding
	for _, f := range files {
		said := map[int]bool{}
		for _, group := range f.Comments {
			for _, c := range group.List {
				if why, ok := strings.CutPrefix(c.Text, "// order: "); ok && len(why) > 8 {
					said[fset.Position(group.End()).Line] = true
					said[fset.Position(c.Pos()).Line] = true
				}
			}
		}
		report := func(pos token.Pos, what string) {
			line := fset.Position(pos).Line
			if !said[line] && !said[line-1] {
				found = append(found, finding{pos, what + " has no order: sort, or say why it does not matter in a comment `// order: …`"})
			}
		}
		var above []ast.Node
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return true
			}
			switch n := n.(type) {
			case *ast.RangeStmt:
				if _, ok := info.TypeOf(n.X).Underlying().(*types.Map); ok && named(n.Key, n.Value) {
					report(n.Pos(), "a range over a map")
				}
			case *ast.CallExpr:
				name := called(info, n)
				if name == "maps.Keys" || name == "maps.Values" || name == "maps.All" {
					call, ok := above[len(above)-1].(*ast.CallExpr)
					if !ok || !strings.HasPrefix(called(info, call), "slices.Sorted") && called(info, call) != "maps.Collect" {
						report(n.Pos(), name)
					}
				}
			}
			above = append(above, n)
			return true
		})
	}
	return found, nil
}

// named reports whether a range gives its body anything to look at.
func named(list ...ast.Expr) bool {
	return slices.ContainsFunc(list, func(e ast.Expr) bool {
		if id, ok := e.(*ast.Ident); ok {
			return id.Name != "_"
		}
		return e != nil
	})
}

// called returns package.Function of a call, "" when it calls something else.
func called(info *types.Info, call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	fn, ok := info.Uses[sel.Sel].(*types.Func)
	if !ok || fn.Pkg() == nil || fn.Signature().Recv() != nil {
		return ""
	}
	return fn.Pkg().Name() + "." + fn.Name()
}

type listing struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// listPackages returns packages and all they import, compiled, as go list says.
func listPackages(t *testing.T, root string, patterns []string) []listing {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles"}, patterns...)...)
	cmd.Dir = root
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v\n%s", err, problems.String())
	}
	var list []listing
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listing
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
}

func TestPureRulesFindWhatTheyForbid(t *testing.T) {
	const head = "package p\n"
	cases := []struct {
		name, source string
		lines        []int // with a finding
	}{
		{"import", head + `import _ "os"`, []int{2}},
		{"other imports", head + `import (` + "\n" + `_ "io/fs"` + "\n" + `_ "math"` + "\n)", nil},
		{"time.Now", head + "import \"time\"\nvar a = time.Now\nvar b = time.Hour\n", []int{3}},
		{"time by another name", head + "import t \"time\"\nvar a = t.Since(t.Time{})\n", []int{3}},
		{"range over a map", head + "func f(m map[int]int) {\nfor k := range m {\n_ = k\n}\n}\n", []int{3}},
		{"range over a named map", head + "type M map[int]int\nfunc f(m M) {\nfor _, v := range m {\n_ = v\n}\n}\n", []int{4}},
		{"counting a map", head + "func f(m map[int]int) {\nfor range m {\n}\nfor _ = range m {\n}\n}\n", nil},
		{"range over a slice", head + "func f(m []int) {\nfor k := range m {\n_ = k\n}\n}\n", nil},
		{"said before", head + "func f(m map[int]int) {\n// order: sorted below,\n// as all is\nfor k := range m {\n_ = k\n}\n}\n", nil},
		{"said beside", head + "func f(m map[int]int) {\nfor k := range m { // order: a sum has none\n_ = k\n}\n}\n", nil},
		{"said without a reason", head + "func f(m map[int]int) {\n// order: \nfor k := range m {\n_ = k\n}\n}\n", []int{4}},
		{"said elsewhere", head + "func f(m map[int]int) {\n// order: sorted below\n\nfor k := range m {\n_ = k\n}\n}\n", []int{5}},
		{"keys", head + "import \"maps\"\nfunc f(m map[int]int) {\nfor k := range maps.Keys(m) {\n_ = k\n}\n}\n", []int{4}},
		{"sorted keys", head + "import (\n\"maps\"\n\"slices\"\n)\nfunc f(m map[int]int) []int {\nreturn slices.Sorted(maps.Keys(m))\n}\n", nil},
		{"collected keys", head + "import (\n\"maps\"\n\"slices\"\n)\nfunc f(m map[int]int) []int {\nreturn slices.Collect(maps.Keys(m))\n}\n", []int{7}},
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "source", nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := parser.ParseFile(fset, "p.go", c.source, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			found, err := disorders(fset, []*ast.File{f}, imports)
			if err != nil {
				t.Fatal(err)
			}
			var lines []int
			for _, f := range append(found, readings(f)...) {
				lines = append(lines, fset.Position(f.pos).Line)
			}
			if diff := cmp.Diff(c.lines, lines); diff != "" {
				t.Errorf("lines with findings (-want +got):\n%s", diff)
			}
		})
	}
}
