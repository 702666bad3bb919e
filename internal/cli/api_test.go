//go:build unix

package cli_test

import (
	"strings"
	"testing"
)

// What the page on the REST API shows for a shell works, word for word but for names and addresses.
func TestAPIFromAShell(t *testing.T) {
	needCurl(t)
	s := serveHere(t)
	blocks := shellBlocks(t, "docs/api.md", "# The REST API")
	if len(blocks) < 7 || !strings.Contains(blocks[0], "KEY=") {
		t.Fatalf("there are %d blocks", len(blocks))
	}
	script := strings.NewReplacer("baton.db", "b.db", "127.0.0.1:8080", s.address).Replace(strings.Join(blocks, "\necho; echo ----\n"))
	out, err := s.shell(script)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	parts := strings.Split(out, "----\n")
	if len(parts) != len(blocks) {
		t.Fatalf("%d blocks say\n%s", len(blocks), out)
	}
	contains(t, parts[1], `"stage":"mql"`, `"owner":"astrid.berg@northwind.example"`, `"state":"open"`)
	contains(t, parts[2], `"stage":"sal"`, `"clause":"handoffs.mql_to_sales"`, `"contacted_at"`)
	contains(t, parts[3], `"type":"/api/#problem-vocabulary"`, `"allowed":["timing","budget","no_response","not_decision_maker","existing_contract","no_fit","bad_data","competitor","student","customer","duplicate","out_of_territory"]`,
		`\"busy\" is no reason to hand back; the agreed ones are timing, budget, no_response, not_decision_maker, existing_contract, no_fit, bad_data, competitor, student, customer, duplicate, out_of_territory`)
	contains(t, parts[4], `"items":[{"id":`)
	contains(t, parts[5], `"title":"owner"`, `"kind":"contact"`, `"allowed":`)
	contains(t, parts[6], `"report":"funnel"`, "# Northwind", `"works":true`, `"dry_run":true`, `"state":"running"`)
	if strings.Contains(strings.Replace(out, "problem-vocabulary", "", 1), "problem-") {
		t.Errorf("something was refused:\n%s", out)
	}
}
