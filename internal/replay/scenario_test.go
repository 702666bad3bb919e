package replay_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/replay"
)

var update = flag.Bool("update", false, "rewrite the expected decisions")

func scenarios(tb testing.TB) map[string]*replay.Scenario {
	files, err := filepath.Glob("../../testdata/scenario/*.txtar")
	if err != nil || len(files) == 0 {
		tb.Fatal("no scenarios found", err)
	}
	all := map[string]*replay.Scenario{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		s, err := replay.ParseScenario(file, data)
		if err != nil {
			tb.Error(err) // and go on, to name all that are broken
			continue
		}
		all[filepath.Base(file)] = s
	}
	return all
}

// Every scenario comes to the decisions it expects; again; and its record verifies.
func TestScenarios(t *testing.T) {
	for name, s := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			got, _, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(s.Name, s.Update(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(s.Expected, got); diff != "" {
				t.Errorf("decisions (-expected +got); if these are right, run: go test ./internal/replay -update\n%s", diff)
			}
			verifyScenario(t, s)
		})
	}
}

// verifyScenario records what a scenario decides and verifies the record from its stored form.
func verifyScenario(t *testing.T, s *replay.Scenario) {
	t.Helper()
	type entry struct {
		in       lifecycle.Input
		version  int64
		body     []byte
		decision []byte
	}
	var record []entry
	_, _, err := s.RunObserved(func(in *lifecycle.Input, d *lifecycle.Decision) {
		record = append(record, entry{*in, d.Version, in.AppendJSON(nil), d.AppendJSON(nil)})
	})
	if err != nil {
		t.Fatal(err)
	}
	v := replay.Verifier{Plan: func(version int64) (*agreement.Plan, error) { return s.Version(version), nil }}
	for _, e := range record {
		in, err := lifecycle.ParseInput(e.body)
		if err != nil {
			t.Fatal(err)
		}
		in.ID, in.Kind, in.Lead, in.Account, in.At, in.Known, in.Import = e.in.ID, e.in.Kind, e.in.Lead, e.in.Account, e.in.At, e.in.Known, e.in.Import
		if err := v.Next(in, e.version, e.decision); err != nil {
			t.Fatal(err)
		}
	}
	if v.First != nil {
		t.Fatalf("%d of %d decisions differ when decided again: %s", v.Different, v.Inputs, v.First)
	}
}
