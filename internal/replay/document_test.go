package replay_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/lifecycle"
	"baton/internal/replay"
)

const document = "../../docs/scenarios.md"

// The examples in the document on scenarios come to the decisions they show.
func TestScenariosOfTheDocument(t *testing.T) {
	const begin, end = "```txtar\n", "\n```\n"
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(data), begin)
	if len(parts) < 2 {
		t.Fatalf("%s has no example", document)
	}
	for i, part := range parts[1:] {
		source, rest, ok := strings.Cut(part, end)
		if !ok {
			t.Fatalf("%s: example %d has no end", document, i+1)
		}
		s, err := replay.ParseScenario("example "+strconv.Itoa(i+1), []byte(source+"\n"))
		if err != nil {
			t.Error(err)
			continue
		}
		got, _, err := s.Run()
		if err != nil {
			t.Error(err)
			continue
		}
		if *update {
			parts[i+1] = strings.TrimSuffix(string(s.Update(got)), "\n") + end + rest
		} else if diff := cmp.Diff(s.Expected, got); diff != "" {
			t.Errorf("%s (-shown +got); if this is right, run: go test ./internal/replay -update\n%s", s.Name, diff)
		}
		verifyScenario(t, s)
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(document, []byte(strings.Join(parts, begin)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The document names every line that a scenario may have.
func TestDocumentNamesEveryLine(t *testing.T) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for kind := lifecycle.Identify; kind <= lifecycle.JoinAccount; kind++ {
		if !strings.Contains(string(data), "`"+kind.String()+"`") {
			t.Errorf("%s does not name %s", document, kind)
		}
	}
}
