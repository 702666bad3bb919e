package report

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

const marketplace = `agreement: Marketplace
timezone: UTC
parties:
  marketing: {signatory: cmo@marketplace.example}
  sales:     {signatory: vp@marketplace.example}
calendar:
  hours: {mon-fri: ["09:00-18:00"]}
attributes:
  source: text
  landing_page: text
stages:
  lead: {side: marketing, definition: Asked to sell on the marketplace.}
  won:  {side: sales, final: won}
transitions:
  win: {from: lead, to: won, by: sales}
`

// rowsOf reads a file of the public data beside the checkout.
func rowsOf(t testing.TB, name string) []map[string]string {
	t.Helper()
	file := filepath.Join("..", "..", "..", "shared", "data", "olist", name)
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		t.Skipf("the public data is not here: %s", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range all[1:] {
		row := map[string]string{}
		for i, v := range record {
			row[strings.TrimPrefix(all[0][i], "\ufeff")] = v
		}
		rows = append(rows, row)
	}
	return rows
}

// olist is a store with the marketing-qualified leads of a marketplace and their won deals,
// decided by the engine.
func olist(t testing.TB) (*store.Store, *agreement.Plan) {
	leads, deals := rowsOf(t, "olist_marketing_qualified_leads_dataset.csv"), rowsOf(t, "olist_closed_deals_dataset.csv")
	plan := planOf(t, marketplace)
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "baton.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	instant := func(layout, s string) int64 {
		at, err := time.Parse(layout, s)
		if err != nil {
			t.Fatal(err)
		}
		return at.UnixMicro()
	}
	var list []lifecycle.Arrival
	arrived := map[string]int64{}
	for _, r := range leads {
		id, at := r["mql_id"], instant("02-01-2006", r["first_contact_date"])
		arrived[id] = at
		in := lifecycle.Input{Kind: lifecycle.Identify, At: at, Known: at, Source: "leads", Key: id, Origin: agreement.Marketing,
			Values: []lifecycle.Named{{Name: "landing_page", Value: agreement.TextValue(r["landing_page_id"])}}}
		if r["origin"] != "" {
			in.Values = append(in.Values, lifecycle.Named{Name: "source", Value: agreement.TextValue(r["origin"])})
		}
		list = append(list, lifecycle.Arrival{Input: in, Keys: []identity.Key{{Kind: identity.External, Value: id}}})
	}
	for _, r := range deals {
		id, at := r["mql_id"], instant("2006-01-02 15:04:05", r["won_date"])
		list = append(list, lifecycle.Arrival{Keys: []identity.Key{{Kind: identity.External, Value: id}},
			// a win cannot be known of a lead that is not known
			Input: lifecycle.Input{Kind: lifecycle.Win, At: at, Known: max(at, arrived[id]), Source: "deals", Key: id}})
	}
	slices.SortStableFunc(list, func(a, b lifecycle.Arrival) int { return cmp.Compare(a.Input.Known, b.Input.Known) })
	e, err := engine.New(st, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Activate(ctx, plan, []byte(marketplace), "marketplace.yaml", list[0].Input.Known-day); err != nil {
		t.Fatal(err)
	}
	err = e.History(ctx, func(yield func(*lifecycle.Arrival) error) error {
		for i := range list {
			if err := yield(&list[i]); err != nil {
				return err
			}
		}
		return nil
	}, engine.HistoryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return st, plan
}

// The answers on real data that nobody in the project made.
func TestOlist(t *testing.T) {
	st, plan := olist(t)
	now := time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	l, err := Lift(ctx, st, plan, Query{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][2]int64{}
	for r := range l.Rows {
		got[l.Cell(r, "source").Text] = [2]int64{l.Cell(r, "won").Int, l.Cell(r, "leads").Int}
	}
	want := map[string][2]int64{"organic_search": {271, 2296}, "paid_search": {195, 1586}, "unknown": {179, 1099}, "social": {75, 1350}, "direct_traffic": {56, 499},
		"email": {15, 493}, "referral": {24, 284}, "other": {4, 150}, "display": {6, 118}, "other_publicities": {3, 65}, none: {14, 60}}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: %d of %d, want %d of %d", name, got[name][0], got[name][1], w[0], w[1])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d sources, want %d", len(got), len(want))
	}
	if want := "842 of 8,000 leads were won: 10.5 %. Beyond chance, more is won with no source, unknown, paid_search and organic_search, less with social, email and other."; l.Finding != want {
		t.Errorf("finding: %s", l.Finding)
	}
	var b bytes.Buffer
	if err := l.CSV(&b); err != nil {
		t.Fatal(err)
	}
	if head, _, _ := strings.Cut(b.String(), "\n"); !strings.HasPrefix(head, "source,leads,won,rate,") {
		t.Errorf("%s", head)
	}
	v, err := Velocity(ctx, st, plan, Query{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if n, m, p := v.Cell(0, "n").Int, v.Cell(0, "median_days").String(), v.Cell(0, "p90_days").String(); n != 841 || m != "14.7 days" || p != "163 days" {
		t.Errorf("days to win: n %d, median %s, p90 %s", n, m, p)
	}
	if !slices.ContainsFunc(v.Notes, func(n string) bool { return strings.HasPrefix(n, "One win is dated before its lead's arrival") }) {
		t.Errorf("no word about the win before its arrival: %q", v.Notes)
	}
	f, err := Funnel(ctx, st, plan, Query{Now: now, By: "month"})
	if err != nil {
		t.Fatal(err)
	}
	var entered, ripening int64
	for r := range f.Rows {
		if f.Cell(r, "stage").Text == "won" {
			entered += f.Cell(r, "entered").Int
			if f.Cell(r, "cohort").Text == string(Maturing) {
				ripening++
			}
		}
	}
	if entered != 842 || ripening != 0 { // by December the cohort of May has had 183 days, p90 is 163
		t.Errorf("%d won, %d months still maturing", entered, ripening)
	}
}
