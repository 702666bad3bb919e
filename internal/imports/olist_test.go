package imports_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/imports"
	"baton/internal/lifecycle"
)

// olist returns the path of a file of the real data, or skips the test.
func olist(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("BATON_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, "olist", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real data is not at %s; set BATON_DATA to where it is", path)
	}
	return path
}

func olistPlan(t testing.TB) *agreement.Plan {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "examples", "olist", "agreement.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	plan, found := agreement.Compile("agreement.yaml", source, nil)
	if len(found) > 0 {
		t.Fatal(found.Text(func(string) []byte { return source }, false))
	}
	return plan
}

func olistMapping(t testing.TB, name string) *imports.Mapping {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "examples", "olist", name))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, olistPlan(t), string(source))
}

const (
	mqlFile     = "olist_marketing_qualified_leads_dataset.csv"
	dealsFile   = "olist_closed_deals_dataset.csv"
	mangledFile = "olist_closed_deals_mangled_by_a_spreadsheet.csv"
)

func TestOlist(t *testing.T) {
	leads := openPath(t, olistMapping(t, "mql.yaml"), olist(t, mqlFile))
	deals := openPath(t, olistMapping(t, "deals.yaml"), olist(t, dealsFile))

	source := map[string]string{}
	allBySource, wonBySource := map[string]int{}, map[string]int{}
	var won []string
	last := int64(0)
	err := imports.Merge(func(a *lifecycle.Arrival) error {
		if a.Input.At < last {
			t.Fatalf("%s at %d comes after %d", a.Input.Key, a.Input.At, last)
		}
		last = a.Input.At
		lead := a.Keys[0].Value
		switch {
		case a.Input.Kind == lifecycle.Win:
			won = append(won, lead)
		case a.Input.Source == "import:mql" && a.Input.Kind == lifecycle.Identify:
			source[lead] = ""
			for _, v := range a.Input.Values {
				if v.Name == "source" {
					source[lead] = v.Value.Str
				}
			}
			allBySource[source[lead]]++
		}
		return nil
	}, leads, deals)
	if err != nil {
		t.Fatal(err)
	}
	for _, lead := range won {
		wonBySource[source[lead]]++
	}
	if diff := cmp.Diff(map[string]int{"organic_search": 2296, "paid_search": 1586, "unknown": 1099, "social": 1350, "direct_traffic": 499, "email": 493,
		"referral": 284, "other": 150, "display": 118, "other_publicities": 65, "": 60}, allBySource); diff != "" {
		t.Errorf("leads by source: %s", diff)
	}
	if diff := cmp.Diff(map[string]int{"organic_search": 271, "paid_search": 195, "unknown": 179, "social": 75, "direct_traffic": 56, "email": 15,
		"referral": 24, "other": 4, "display": 6, "other_publicities": 3, "": 14}, wonBySource); diff != "" {
		t.Errorf("wins by source: %s", diff)
	}
	if s := leads.Summary(); s.Rows != 8000 || s.Mapped != 8000 || s.Arrivals != 16000 || !slices.Contains(s.Notes, `60 rows have an empty "origin": kept; they say nothing of source`) {
		t.Errorf("leads: %+v", s)
	}
	notes := slices.Concat(leads.Summary().Notes, deals.Summary().Notes)
	if !slices.Contains(notes, "1 outcome is dated before anything else that is known of the lead") {
		t.Errorf("no note of the win before the first contact in %q", notes)
	}
}

func TestOlistMangledBySpreadsheet(t *testing.T) {
	path := olist(t, mangledFile)
	// The mapping of the file as it was takes none of the dates.
	if s := openPath(t, olistMapping(t, "deals.yaml"), path).Summary(); s.Refused != 842 {
		t.Errorf("deals.yaml: %d rows refused, want all", s.Refused)
	}
	// With the dates declared, the rows whose stock became a date are refused.
	source, err := os.ReadFile(filepath.Join("..", "..", "examples", "olist", "deals.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dated := strings.Replace(string(source), "at: won_date", "at: {column: won_date, layout: DD-MM-YYYY HH:mm}", 1)
	r := openPath(t, parse(t, olistPlan(t), dated), path)
	s := r.Summary()
	if s.Refused != 32 || s.Mapped != 810 || s.Refusals[0].Column != "average_stock" || !strings.Contains(s.Refusals[0].Reason, "a spreadsheet seems to have turned") {
		t.Errorf("with dates declared: %d refused of %d, the first %+v", s.Refused, s.Rows, s.Refusals[0])
	}
	rows, err := csv.NewReader(strings.NewReader(refused(t, r))).ReadAll()
	if err != nil || len(rows) != 33 || rows[0][0] != "refused.line" || rows[0][3] != "mql_id" {
		t.Errorf("the refused rows: %v, %d of them, header %q", err, len(rows)-1, rows[0])
	}
	// With the words declared too, all rows are as in the file as it was.
	mended := arrivals(t, openPath(t, olistMapping(t, "deals_from_spreadsheet.yaml"), path))
	original := arrivals(t, openPath(t, olistMapping(t, "deals.yaml"), olist(t, dealsFile)))
	stock := func(all []lifecycle.Arrival) map[string]string {
		m := map[string]string{}
		for _, a := range all {
			for _, v := range a.Input.Values {
				if v.Name == "average_stock" {
					m[a.Keys[0].Value] = v.Value.Str
				}
			}
		}
		return m
	}
	if diff := cmp.Diff(stock(original), stock(mended)); diff != "" || len(stock(mended)) != 66 {
		t.Errorf("stock of %d leads: %s", len(stock(mended)), diff)
	}
	if len(mended) != len(original) {
		t.Errorf("%d arrivals, and %d of the file as it was", len(mended), len(original))
	}
}

func TestOlistTeam(t *testing.T) {
	r := openPath(t, olistMapping(t, "team.yaml"), olist(t, dealsFile))
	members := map[string]bool{}
	for _, a := range arrivals(t, r) {
		members[a.Input.Member.ID] = true
	}
	if s := r.Summary(); len(members) != 22 || s.Repeated != 842-22 {
		t.Errorf("%d members, %d repeated rows", len(members), s.Repeated)
	}
}
