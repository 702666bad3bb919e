package replay_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
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
	if fault := v.Inspect.Close(v.World().Roster); fault != "" {
		t.Error(fault)
	}
}

// A line that cannot be read is an error that names the file, the line and what to write.
func TestScenarioErrors(t *testing.T) {
	const agreement = `-- agreement.yaml --
agreement: Small
timezone: Europe/Stockholm
parties:
  marketing: {signatory: cmo@northwind.example}
  sales: {signatory: vp@northwind.example}
stages:
  lead: {side: marketing}
  won: {side: sales, final: won}
transitions:
  win: {from: lead, to: won, by: sales}
-- inputs --
# a comment
`
	for line, want := range map[string]string{
		"2026-03-02 09:00 anna@acme.example":                        "what happened is missing",
		"2026-03-02 anna@acme.example identify":                     "is no instant",
		"2026-03-02 09:00 anna identify":                            "anna",
		"2026-03-02 09:00 anna@acme.example sneeze":                 "nothing that can happen",
		"2026-03-02 09:00 anna@acme.example timer":                  "happens by itself",
		"2026-03-02 09:00 anna@acme.example leave jonas@n.example":  "write team leave",
		"2026-03-02 09:00 team identify":                            "write its e-mail address",
		"2026-03-02 09:00 anna@acme.example identify title=\"COO":   "a quote is not closed",
		"2026-03-02 09:00 anna@acme.example identify x title":       "is no key=value",
		"2026-03-02 09:00 team member j@n.example shoe=38":          "a member has no",
		"2026-03-02 09:00 team member j@n.example pools=nordics":    "no pool",
		"2026-03-02 09:00 activate second.yaml":                     "no file second.yaml",
		"2026-03-02 09:00 anna@acme.example win value=much":         "much",
		"2026-03-02 09:00 anna@acme.example identify known=someday": "is no instant",
	} {
		_, err := replay.ParseScenario("story.txtar", []byte(agreement+line+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "story.txtar: inputs line 2: ") {
			t.Errorf("%s\ngives %v, which does not say %q and where", line, err, want)
		}
	}
}
