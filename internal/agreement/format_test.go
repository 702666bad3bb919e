package agreement

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// Templates are laid out as Format does it.
func TestTemplatesAreFormatted(t *testing.T) {
	for _, name := range Templates() {
		source, _ := Template(name)
		out, found := Format(name, source)
		if len(found) > 0 {
			t.Error(found.Text(nil, false))
		}
		if diff := cmp.Diff(string(source), string(out)); diff != "" {
			t.Errorf("%s (-is +formatted):\n%s", name, diff)
		}
	}
}

// Each case of testdata/format holds a file before and after.
func TestFormat(t *testing.T) {
	cases, err := filepath.Glob("testdata/format/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range cases {
		t.Run(filepath.Base(name), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out, found := Format("agreement.yaml", archive.Files[0].Data)
			text := string(out) + found.Text(nil, false)
			again, _ := Format("agreement.yaml", out)
			if diff := cmp.Diff(text, string(again)+found.Text(nil, false)); diff != "" {
				t.Errorf("formatting twice differs from once:\n%s", diff)
			}
			writeOrCompare(t, name, archive, text)
		})
	}
}

// Formatting changes no plan but for places.
func TestFormatKeepsThePlan(t *testing.T) {
	source, err := readTestdata("design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out, found := Format("design.yaml", source)
	if len(found) > 0 || cmp.Equal(source, out) {
		t.Fatalf("formatted %v, findings %v", !cmp.Equal(source, out), found)
	}
	before, _ := Compile("design.yaml", source, readTestdata)
	after, found := Compile("design.yaml", out, readTestdata)
	if after == nil {
		t.Fatal(found.Text(nil, false))
	}
	if diff := cmp.Diff(planText(t, before), planText(t, after)); diff != "" {
		t.Error(diff)
	}
}
