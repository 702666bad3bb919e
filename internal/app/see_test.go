//go:build unix

package app

import (
	"io"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"baton/internal/agreement"
)

// look opens a page as a role, as a browser without scripts does.
func (l *live) look(t testing.TB, role, path string) (text string, status int, header http.Header) {
	t.Helper()
	r, err := http.NewRequest("GET", "http://"+l.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "as", Value: role})
	r.Header.Set("Accept", "text/html")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), res.StatusCode, res.Header
}

// queries is how many queries a page makes, the fewest of some tries: others may ask for something meanwhile.
func (l *live) queries(t *testing.T, role, path string) int64 {
	t.Helper()
	least := int64(math.MaxInt64)
	for range 5 {
		before := l.Store.Asked()
		if _, status, _ := l.look(t, role, path); status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		least = min(least, l.Store.Asked()-before)
	}
	return least
}

// says compares a page with what must and what must not be there.
func says(t *testing.T, page string, must, mustNot []string) {
	t.Helper()
	for _, s := range must {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not have %q", s)
		}
	}
	for _, s := range mustNot {
		if strings.Contains(page, s) {
			t.Errorf("the page has %q", s)
		}
	}
	if regexp.MustCompile(`<[^>]+ style=|<style|<script>|javascript:`).MatchString(page) {
		t.Error("the page has a style or a script of its own, which its security policy refuses")
	}
}

// The agreement as people read it: every clause is an anchor at its address, earlier versions say that they are.
func TestAgreementPage(t *testing.T) {
	l := servePages(t)
	text, status, _ := l.look(t, "rep", "/agreement")
	if status != 200 {
		t.Fatal(status)
	}
	says(t, text, []string{"Northwind revenue agreement", "Version 1, in force since", "No change is proposed", `aria-current="page" data-key="A"`, "baton-stages", "For marketing", "cmo@northwind.example"},
		[]string{"This is an earlier version", "agreement.yaml"})
	plan, _ := l.Engine.Agreement()
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		ids[m[1]]++
	}
	cited := []string{plan.Handoffs[0].AcceptClause.Address, plan.Handoffs[0].ContactClause.Address, "scoring.fit.size", "parties.sales", "stages.sal.limit"}
	for i := range plan.Engagement {
		cited = append(cited, plan.Engagement[i].Address)
	}
	for i := range plan.Handbacks {
		cited = append(cited, plan.Handbacks[i].Address)
	}
	for i := range plan.Transitions {
		cited = append(cited, plan.Transitions[i].Address)
	}
	for i := range plan.Commitments {
		cited = append(cited, plan.Commitments[i].Address)
	}
	for _, address := range cited {
		if ids[address] != 1 {
			t.Errorf("clause %s has %d anchors", address, ids[address])
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%d elements have the id %s", n, id)
		}
	}
	if n := l.queries(t, "rep", "/agreement"); n != 2 {
		t.Errorf("%d queries, want 2", n)
	}
	source, status, header := l.look(t, "rep", "/agreement/source?version=1")
	if want, _ := agreement.Template("waterfall"); status != 200 || source != string(want) || !strings.Contains(header.Get("Content-Disposition"), "agreement-1.yaml") {
		t.Errorf("the source: %d, %d bytes, %s", status, len(source), header)
	}
	for _, version := range []string{"2", "0", "x", "-1"} {
		if _, status, _ := l.look(t, "rep", "/agreement?version="+version); status != 404 {
			t.Errorf("version %s: %d", version, status)
		}
	}

	// Another version: the older one stays readable at its address, and says which applies.
	old, _ := agreement.Template("waterfall")
	changed := strings.Replace(string(old), "accept_within: 4 working hours", "accept_within: 3 working hours", 1)
	next, findings := agreement.Compile("agreement.yaml", []byte(changed), nil)
	if findings.HasErrors() {
		t.Fatal(findings.Err())
	}
	if _, err := l.Engine.Activate(t.Context(), next, []byte(changed), "agreement.yaml", pageTime.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	text, _, _ = l.look(t, "rep", "/agreement")
	says(t, text, []string{"3 working hours", `href="/agreement?version=1"`, "Version 2, in force"}, []string{"4 working hours", "This is an earlier version"})
	text, _, _ = l.look(t, "rep", "/agreement?version=1")
	says(t, text, []string{"4 working hours", "This is an earlier version", `href="/agreement?version=2"`, "Version 1, as it was"}, []string{"3 working hours"})
}
