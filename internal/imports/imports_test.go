package imports_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/identity"
	"baton/internal/imports"
	"baton/internal/lifecycle"
)

// vocabulary makes a plan of words alone, all that a mapping sees of one.
func vocabulary(t testing.TB) *agreement.Plan {
	t.Helper()
	zone, err := calendar.LoadZone("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	cal, err := calendar.New(zone, calendar.Always(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &agreement.Plan{
		Calendar: cal,
		Attributes: []agreement.Attribute{
			{Name: "source", Kind: agreement.Choice, Choices: []string{"organic_search", "paid_search", "Social", "unknown", "direct"}},
			{Name: "title", Kind: agreement.Text},
			{Name: "revenue", Kind: agreement.Number},
			{Name: "newsletter", Kind: agreement.Boolean},
			{Name: "renewal", Kind: agreement.Date},
			{Name: "stock", Kind: agreement.Choice, Choices: []string{"1-5", "5-20"}},
			{Name: "company.employees", Kind: agreement.Number, Company: true},
		},
		Properties: []agreement.Attribute{{Name: "url", Kind: agreement.Text}, {Name: "minutes", Kind: agreement.Number}},
		Activities: []agreement.Activity{{Name: "form_submitted"}, {Name: "webinar_attended"}},
		Assets:     []agreement.Asset{{Name: "pricing_guide"}},
		Pools:      []agreement.Named{{Name: "nordics"}, {Name: "emea"}},
	}
	index(p)
	return p
}

func index(p *agreement.Plan) {
	p.Index.Attribute, p.Index.Property, p.Index.Pool = map[string]int{}, map[string]int{}, map[string]int{}
	for i := range p.Attributes {
		p.Index.Attribute[p.Attributes[i].Name] = i
	}
	for i := range p.Properties {
		p.Index.Property[p.Properties[i].Name] = i
	}
	for i := range p.Pools {
		p.Index.Pool[p.Pools[i].Name] = i
	}
}

// noon is the time of imports in tests.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMicro()

func parse(t testing.TB, plan *agreement.Plan, source string) *imports.Mapping {
	t.Helper()
	m, found := imports.ParseMapping("mapping.yaml", []byte(source), plan)
	if m == nil {
		t.Fatal(found.Text(func(string) []byte { return []byte(source) }, false))
	}
	return m
}

func open(t testing.TB, m *imports.Mapping, file string) *imports.Reading {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "rows.csv")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return openPath(t, m, path)
}

func openPath(t testing.TB, m *imports.Mapping, path string) *imports.Reading {
	t.Helper()
	r, err := imports.Open(t.Context(), path, m, imports.Options{Now: noon, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func arrivals(t testing.TB, r *imports.Reading) []lifecycle.Arrival {
	t.Helper()
	var all []lifecycle.Arrival
	if err := r.Each(func(a *lifecycle.Arrival) error {
		all = append(all, *a)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func refused(t testing.TB, r *imports.Reading) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteRefused(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func utc(s string) int64 {
	t, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

func TestImportOfEverything(t *testing.T) {
	m := parse(t, vocabulary(t), `
import: crm
key: row
zone: UTC
at: {column: day, layout: DD/MM/YYYY HH:mm}
person:
  email: mail
  id: {system: crm, column: contact}
account: {domain: site, name: firm, from_email: yes}
origin: {column: brought by, map: {mkt: marketing, sls: sales}}
actor: rep
attributes:
  source: {column: src, map: {Facebook: social}}
  title: title
  revenue: {column: revenue, decimal: comma}
  newsletter: nl
activity:
  name: {column: what, map: {Form: form_submitted}, unknown: drop}
  asset: pricing_guide
  properties: {url: page}
outcome:
  result: {column: status, map: {Won: won, Lost: lost, Open: nothing}}
  value: {column: amount, decimal: comma}
  reason: why
  at: {column: closed, layout: [DD/MM/YYYY, iso]}
`)
	r := open(t, m, `row;mail;contact;site;firm;brought by;rep;src;title;revenue;nl;what;page;status;amount;why;closed;day
2;Bob@Acme.example;;;Acme GmbH;sls;;;;;;Call;;Lost;;too dear;02/03/2026;01/03/2026 10:00
1;Ann@Northwind.example;7;https://www.northwind.example/x;Northwind AB;mkt;Rep@Sell.example;FACEBOOK;CEO;1.200,50;ja;form;/p;Won;2 000,5;;2026-02-03T04:05:06Z;01/02/2026 09:30
`)
	ann := []identity.Key{{Kind: identity.Email, Value: "ann@northwind.example"}, {Kind: identity.External, Value: "crm:7"}}
	bob := []identity.Key{{Kind: identity.Email, Value: "bob@acme.example"}}
	annAt, annWon := utc("2026-02-01 09:30:00"), utc("2026-02-03 04:05:06")
	bobAt, bobLost := utc("2026-03-01 10:00:00"), utc("2026-03-02 00:00:00")
	want := []lifecycle.Arrival{
		{Keys: ann, Account: "northwind.example", AccountName: "Northwind AB", Input: lifecycle.Input{Kind: lifecycle.Identify, At: annAt, Known: annAt,
			Actor: "rep@sell.example", Source: "import:crm", Key: "1/person", Origin: agreement.Marketing, Values: []lifecycle.Named{
				{Name: "newsletter", Value: agreement.BooleanValue(true)}, {Name: "revenue", Value: agreement.NumberValue(1200.5)},
				{Name: "source", Value: agreement.ChoiceValue("Social")}, {Name: "title", Value: agreement.TextValue("CEO")}}}},
		{Keys: ann, Account: "northwind.example", AccountName: "Northwind AB", Input: lifecycle.Input{Kind: lifecycle.Did, At: annAt, Known: annAt,
			Actor: "rep@sell.example", Source: "import:crm", Key: "1/activity", Name: "form_submitted", Asset: "pricing_guide",
			Values: []lifecycle.Named{{Name: "url", Value: agreement.TextValue("/p")}}}},
		{Keys: ann, Account: "northwind.example", AccountName: "Northwind AB", Input: lifecycle.Input{Kind: lifecycle.Win, At: annWon, Known: annWon,
			Actor: "rep@sell.example", Source: "import:crm", Key: "1/outcome", Value: 2000.5}},
		{Keys: bob, Account: "acme.example", AccountName: "Acme GmbH", Input: lifecycle.Input{Kind: lifecycle.Identify, At: bobAt, Known: bobAt,
			Source: "import:crm", Key: "2/person", Origin: agreement.Sales}},
		{Keys: bob, Account: "acme.example", AccountName: "Acme GmbH", Input: lifecycle.Input{Kind: lifecycle.Lose, At: bobLost, Known: bobLost,
			Source: "import:crm", Key: "2/outcome", Name: "too dear"}},
	}
	if diff := cmp.Diff(want, arrivals(t, r)); diff != "" {
		t.Error(diff)
	}
	if got := refused(t, r); strings.Count(got, "\n") != 1 {
		t.Errorf("refused rows: %s", got)
	}
}
