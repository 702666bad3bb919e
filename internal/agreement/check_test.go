package agreement

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"baton/internal/calendar"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected findings of testdata/check")

func readTestdata(name string) ([]byte, error) { return os.ReadFile(filepath.Join("testdata", name)) }

// The sample of the design compiles, with the declarations it leaves out added.
func TestCompileTheDesign(t *testing.T) {
	source, err := readTestdata("design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plan, found := Compile("design.yaml", source, readTestdata)
	if len(found) > 0 {
		t.Error(found.Text(func(string) []byte { return source }, false))
	}
	if plan == nil {
		t.Fatal("no plan")
	}
	if c := plan.Index.Clause["scoring.engagement.webinar"]; c.Line != 42 || c.Column != 5 {
		t.Errorf("scoring.engagement.webinar stands at %d:%d", c.Line, c.Column)
	}
}

// readArchive reads files of a test case.
func readArchive(a *txtar.Archive) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		for _, f := range a.Files {
			if f.Name == name {
				return f.Data, nil
			}
		}
		return nil, errors.New("there is no such file")
	}
}

// Each case of testdata/check holds an agreement and what is found in it.
func TestFindings(t *testing.T) {
	cases, err := filepath.Glob("testdata/check/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source, err := readArchive(archive)("agreement.yaml")
			if err != nil {
				t.Fatal(err)
			}
			plan, found := Compile("agreement.yaml", source, readArchive(archive))
			if (plan == nil) != found.HasErrors() {
				t.Errorf("plan %v, errors %v", plan != nil, found.HasErrors())
			}
			writeOrCompare(t, name, archive, found.Text(func(string) []byte { return source }, false))
		})
	}
}

// writeOrCompare holds text against the last file of a case, or rewrites that.
func writeOrCompare(t *testing.T, name string, archive *txtar.Archive, text string) {
	t.Helper()
	last := &archive.Files[len(archive.Files)-1]
	if *update {
		last.Data = []byte(text)
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(last.Data), text); diff != "" {
		t.Errorf("differs (-want +got; -update rewrites it):\n%s", diff)
	}
}

// planText writes out a plan without places and its hash.
func planText(t *testing.T, p *Plan) string {
	t.Helper()
	q := *p
	q.Hash, q.Calendar = "", nil
	var show func(v reflect.Value, b *strings.Builder)
	show = func(v reflect.Value, b *strings.Builder) {
		switch v.Kind() {
		case reflect.Struct:
			if c, ok := v.Interface().(Clause); ok {
				b.WriteString("@" + c.Address)
				return
			}
			if c, ok := v.Interface().(Condition); ok {
				fmt.Fprintf(b, "%q %v", c.Source, c.Topics)
				return
			}
			b.WriteString("{")
			for i := range v.NumField() {
				b.WriteString(v.Type().Field(i).Name + ":")
				if v.Type().Field(i).IsExported() {
					show(v.Field(i), b)
				}
				b.WriteString(" ")
			}
			b.WriteString("}")
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				b.WriteString("\n")
				show(v.Index(i), b)
			}
		case reflect.Map:
			keys := v.MapKeys()
			slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
			for _, k := range keys {
				b.WriteString("\n" + k.String() + "=")
				show(v.MapIndex(k), b)
			}
		case reflect.Pointer:
			if v.IsNil() {
				b.WriteString("nil")
				return
			}
			if _, ok := v.Interface().(*calendar.Calendar); ok {
				b.WriteString("calendar")
				return
			}
			show(v.Elem(), b)
		default:
			fmt.Fprint(b, v.Interface())
		}
	}
	var b strings.Builder
	show(reflect.ValueOf(q), &b)
	return b.String()
}

// Every code is in the table, and every code of the table has a case.
func TestEveryCodeHasACase(t *testing.T) {
	known := map[string]bool{}
	for _, c := range findingCodes {
		if known[c.Code] {
			t.Errorf("%s is in the table twice", c.Code)
		}
		known[c.Code] = true
	}
	var all bytes.Buffer
	cases, _ := filepath.Glob("testdata/check/*.txtar")
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(archive.Files[len(archive.Files)-1].Data)
	}
	// those that txtar cannot hold, or that take a large file, have tests in source_test.go
	elsewhere := []string{codeTooLarge, codeEncoding, codeMark, codeReturns, codeTab, codeDepth, codeValues, codeLayout}
	for _, c := range findingCodes {
		if !strings.Contains(all.String(), " "+c.Code+": ") && !strings.Contains(strings.Join(elsewhere, " "), c.Code) {
			t.Errorf("no case finds %s, %s", c.Code, c.About)
		}
	}
}
