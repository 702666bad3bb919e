package agreement

import (
	"os"
	"path/filepath"
	"testing"
)

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
