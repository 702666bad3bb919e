package housetest

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "baton"

// tree is the repository as its files say, whether or not it compiles.
type tree struct {
	root     string
	fset     *token.FileSet
	packages []*pack
	files    []string // all but Go files of testdata, relative to root, with slashes
}

// pack is one directory of Go files.
type pack struct {
	dir   string // relative to root, with slashes
	name  string
	files []*source // without tests
	tests []*source
}

type source struct {
	path string // relative to root, with slashes
	ast  *ast.File
}

// imports returns the paths that a file imports, blank imports left out unless asked for.
func (s *source) imports(blank bool) []string {
	var list []string
	for _, spec := range s.ast.Imports {
		if spec.Name != nil && spec.Name.Name == "_" && !blank {
			continue
		}
		p, _ := strconv.Unquote(spec.Path.Value)
		list = append(list, p)
	}
	return list
}

// helper reports whether a package is there for tests only: its name ends in "test".
func (p *pack) helper() bool { return strings.HasSuffix(path.Base(p.dir), "test") }

// within reports whether the package is dir or below it.
func (p *pack) within(dir string) bool { return p.dir == dir || strings.HasPrefix(p.dir, dir+"/") }

// readTree reads the repository once for all tests. It walks rather than asks git or go, so
// that Go's test cache knows what the tests depend on.
func readTree(t *testing.T) *tree {
	t.Helper()
	tr, err := theTree()
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

var theTree = sync.OnceValues(func() (*tree, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for !exists(filepath.Join(root, "go.mod")) {
		if filepath.Dir(root) == root {
			return nil, errors.New("looking for go.mod: there is none above this package")
		}
		root = filepath.Dir(root)
	}
	tr := &tree{root: root, fset: token.NewFileSet()}
	return tr, tr.walk()
})

func (tr *tree) walk() error {
	byDir := map[string]*pack{}
	err := filepath.WalkDir(tr.root, func(full string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(tr.root, full)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			if rel == ".git" || rel == ".cache" || rel == "bin" || entry.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			tr.files = append(tr.files, rel)
			return nil
		}
		if strings.Contains(rel, "testdata/") || strings.HasPrefix(entry.Name(), "_") {
			return nil
		}
		tr.files = append(tr.files, rel)
		file, err := parser.ParseFile(tr.fset, full, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(rel)
		p := byDir[dir]
		if p == nil {
			p = &pack{dir: dir, name: file.Name.Name}
			byDir[dir] = p
			tr.packages = append(tr.packages, p)
		}
		if strings.HasSuffix(rel, "_test.go") {
			p.tests = append(p.tests, &source{rel, file})
		} else {
			p.name = file.Name.Name
			p.files = append(p.files, &source{rel, file})
		}
		return nil
	})
	return err
}

// has reports whether a file or directory is in the tree. The path may be a pattern.
func (tr *tree) has(p string) bool {
	found, err := filepath.Glob(filepath.Join(tr.root, filepath.FromSlash(p)))
	return err == nil && len(found) > 0
}

func (tr *tree) read(t *testing.T, p string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tr.root, filepath.FromSlash(p)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// at returns FILE:LINE of a position.
func (tr *tree) at(pos token.Pos) string {
	p := tr.fset.Position(pos)
	rel, err := filepath.Rel(tr.root, p.Filename)
	if err != nil {
		rel = p.Filename
	}
	return filepath.ToSlash(rel) + ":" + strconv.Itoa(p.Line)
}

// documents returns the Markdown files for people. CHANGELOG.md speaks of what once was,
// and a superseded decision of what is no more.
func (tr *tree) documents(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, f := range tr.files {
		if f != "README.md" && f != "CONTRIBUTING.md" && !(strings.HasPrefix(f, "docs/") && strings.HasSuffix(f, ".md")) {
			continue
		}
		if !strings.Contains(tr.read(t, f), "\nStatus: superseded") {
			list = append(list, f)
		}
	}
	slices.Sort(list)
	return list
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
