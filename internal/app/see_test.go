//go:build unix

package app

import (
	"baton/internal/store"
	"encoding/csv"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"time"

	"baton/internal/identity"
	"baton/internal/lifecycle"
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
	plan, now := l.Engine.Agreement()
	text, status, _ := l.look(t, "rep", "/agreement")
	if status != 200 {
		t.Fatal(status)
	}
	says(t, text, []string{"Northwind revenue agreement", fmt.Sprintf("Version %d, in force since", now), "No change is proposed", `aria-current="page" data-key="A"`, "baton-stages", "For marketing", "cmo@northwind.example"},
		[]string{"This is an earlier version", "agreement.yaml"})
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
	if n := l.queries(t, "marketing", "/agreement"); n != 3 {
		t.Errorf("%d queries, want 3", n)
	}
	stored, err := l.Store.ActiveAgreement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	source, status, header := l.look(t, "rep", "/agreement/source")
	if status != 200 || source != string(stored.Source) || !strings.Contains(header.Get("Content-Disposition"), fmt.Sprintf("agreement-%d.yaml", now)) {
		t.Errorf("the source: %d, %d bytes, %s", status, len(source), header)
	}
	for _, version := range []string{fmt.Sprint(now + 1), "0", "x", "-1"} {
		if _, status, _ := l.look(t, "rep", "/agreement?version="+version); status != 404 {
			t.Errorf("version %s: %d", version, status)
		}
	}

	// Another version: the older one stays readable at its address, and says which applies.
	changed := strings.Replace(string(stored.Source), "accept_within: 4 working hours", "accept_within: 3 working hours", 1)
	next, findings := agreement.Compile("agreement.yaml", []byte(changed), nil)
	if findings.HasErrors() {
		t.Fatal(findings.Err())
	}
	if _, err := l.Engine.Activate(t.Context(), next, []byte(changed), "agreement.yaml", pageTime.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	text, _, _ = l.look(t, "rep", "/agreement")
	says(t, text, []string{"3 working hours", fmt.Sprintf(`href="/agreement?version=%d"`, now), fmt.Sprintf("Version %d, in force", now+1)}, []string{"This is an earlier version"})
	text, _, _ = l.look(t, "rep", fmt.Sprintf("/agreement?version=%d", now))
	says(t, text, []string{"4 working hours", "This is an earlier version", fmt.Sprintf(`href="/agreement?version=%d"`, now+1), fmt.Sprintf("Version %d, as it was", now)}, []string{"3 working hours"})
}

// counted waits until the figures of a page are there.
func (l *live) counted(t *testing.T, role, path string) string {
	t.Helper()
	for late := time.Now().Add(patience); ; {
		text, status, header := l.look(t, role, path)
		if status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		if header.Get("Refresh") == "" {
			return text
		}
		if time.Now().After(late) {
			t.Fatalf("%s is counted for ever", path)
		}
	}
}

// rows follows a link of a page to the leads behind a figure, to its end, and counts them.
func (l *live) rows(t *testing.T, role, path string) (n int) {
	t.Helper()
	for path != "" {
		text, status, _ := l.look(t, role, path)
		if status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		n += strings.Count(text, "<tr data-row=")
		next := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(text)
		path = ""
		if next != nil {
			path = html.UnescapeString(next[1])
		}
	}
	return n
}

// links finds the figures of a page with where they lead: the text of a link to the leads behind it.
func links(page string) map[string]string {
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`href="(/leads/behind[^"]*)"[^>]*>([0-9,]+)<`).FindAllStringSubmatch(page, -1) {
		found[html.UnescapeString(m[1])] = m[2]
	}
	return found
}

// Every figure of the funnel leads to as many leads as it says, whatever is filtered.
func TestFunnelPage(t *testing.T) {
	l := servePages(t)
	for _, filter := range []string{"", "?source=email", "?owner=johan.lind@northwind.example&period=quarter", "?segment=" + url.QueryEscape("(none)")} {
		text := l.counted(t, "manager", "/funnel"+filter)
		says(t, text, []string{"Stages in figures", "Ways in figures", "By the month they arrived", "baton-stages", `role="group"`}, []string{"being counted", `href="/leads/behind?stage=mql">0<`})
		figures := links(text)
		if len(figures) < 10 {
			t.Errorf("%s: %d figures lead somewhere", filter, len(figures))
		}
		for path, words := range figures {
			want, _ := strconv.Atoi(strings.ReplaceAll(words, ",", ""))
			got := l.rows(t, "manager", path)
			if got != want {
				t.Errorf("%s says %s and leads to %d", path, words, got)
			}
		}
	}
	if n := l.queries(t, "marketing", "/funnel"); n != 6 {
		t.Errorf("%d queries, want 6", n)
	}
	text := l.counted(t, "manager", "/funnel?source=nobody")
	says(t, text, []string{"No lead is in sight"}, []string{"baton-stages"})
	text, _, _ = l.look(t, "manager", "/leads/behind?stage=mql&source=%22%3E%3Cscript%3E")
	says(t, text, []string{"Nobody is like this", "Source &#34;&gt;&lt;script&gt;"}, []string{`"><script>`})
}

// What changes shows: a figure is counted again once something was decided.
func TestFiguresFollow(t *testing.T) {
	l := servePages(t)
	before := links(l.counted(t, "manager", "/funnel"))["/leads/behind?stage=lead"]
	l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: lifecycle.Input{Kind: lifecycle.Did, Name: "page_viewed", At: pageTime.UnixMicro(), Known: pageTime.UnixMicro(), Source: "test"},
		Keys: []identity.Key{{Kind: identity.Email, Value: "new@somewhere.example"}}}})
	for late := time.Now().Add(patience); ; {
		if now := links(l.counted(t, "manager", "/funnel"))["/leads/behind?stage=lead"]; now != before {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("%s leads, and nobody counts again", before)
		}
	}
}

func TestLeadsBehind(t *testing.T) {
	l := servePages(t)
	const path = "/leads/behind?stage=mql"
	all := l.rows(t, "sdr", path)
	if all < 60 {
		t.Fatalf("%d leads came to mql: not two pages", all)
	}
	if n := l.queries(t, "marketing", path); n != 6 {
		t.Errorf("%d queries, want 6", n)
	}
	text, _, _ := l.look(t, "sdr", path)
	says(t, text, []string{"Leads that came to MQL", "transitions.qualify"}, []string{"csv=leads"}) // an SDR may not take lists out
	if _, status, _ := l.look(t, "sdr", "/leads/behind?stage=mql&csv=leads"); status != 403 {
		t.Errorf("an SDR takes a list out: %d", status)
	}
	text, _, header := l.look(t, "marketing", "/leads/behind?stage=mql&csv=leads")
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil || len(records) != all+1 || !strings.Contains(header.Get("Content-Disposition"), "leads-2026-11-12.csv") {
		t.Errorf("%d records, want %d and a head: %v, %s", len(records), all, err, header)
	}
}

func TestPromisesPage(t *testing.T) {
	l := servePages(t)
	for _, period := range []string{"month", "12m"} {
		for path, words := range links(l.counted(t, "manager", "/promises?period="+period)) {
			want, _ := strconv.Atoi(strings.ReplaceAll(words, ",", ""))
			if got := l.rows(t, "manager", path); got != want {
				t.Errorf("%s: %s says %s and leads to %d", period, path, words, got)
			}
		}
	}
	text := l.counted(t, "manager", "/promises")
	says(t, text, []string{"promises are being kept", "About to break", "Marketing promises", "Sales promises", "commitments.sales.contacted_in_time", "Where time ran out", "By owner", "median ", "p90 ", "agreed: 4 h", "Johan Lind"},
		[]string{"being counted", "missed", "failed", "breach"})
	figures := links(text)
	shares := regexp.MustCompile(`of ([0-9,]+) that have come to an end[^<]*</div></div><div class="text-right shrink-0"><a class="[^"]*" href="(/leads/behind[^"]*)"`).FindAllStringSubmatch(text, -1)
	if len(shares) != 3 {
		t.Errorf("%d shares lead somewhere, want 3", len(shares))
	}
	for _, m := range shares { // beneath a share stands of how many
		figures[html.UnescapeString(m[2])] = m[1]
	}
	for path, words := range figures {
		want, _ := strconv.Atoi(strings.ReplaceAll(words, ",", ""))
		if got := l.rows(t, "manager", path); got != want {
			t.Errorf("%s says %s and leads to %d", path, words, got)
		}
	}
	if len(figures) < 10 {
		t.Errorf("%d figures lead somewhere", len(figures))
	}
	if n := l.queries(t, "marketing", "/promises"); n != 7 { // and one more where a clock is over
		t.Errorf("%d queries, want 7", n)
	}

	// as a list, with the lead of each clock
	text, _, _ = l.look(t, "manager", "/promises?csv=soon")
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil || len(records) < 3 {
		t.Fatalf("%d rows: %v", len(records), err)
	}
	for _, r := range records[1:] {
		lead, _ := strconv.ParseInt(r[4], 10, 64)
		row := l.lead(t, lead)
		if !slices.ContainsFunc(row.Lead.Clocks, func(c lifecycle.Clock) bool { return c.Name == r[0] }) || row.Email != r[6] || row.Stage != r[8] {
			t.Errorf("%q is not of lead %d", r, lead)
		}
	}
}

// A manager reminds whoever has a lead whose clock is about to run out: they hear of it in their inbox and by mail, once in an hour.
func TestRemind(t *testing.T) {
	l := servePages(t)
	text := l.counted(t, "manager", "/promises")
	m := regexp.MustCompile(`(?s)<form method="post" action="(/leads/(\d+)/remind)".*?</form>`).FindStringSubmatch(text)
	if m == nil {
		t.Fatal("nobody can be reminded")
	}
	fields := url.Values{}
	for _, f := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(m[0], -1) {
		fields.Set(f[1], html.UnescapeString(f[2]))
	}
	lead, _ := strconv.ParseInt(m[2], 10, 64)
	row := l.lead(t, lead)
	for _, role := range []string{"rep", "sdr"} {
		if _, status := l.form(t, role, m[1], fields.Encode()); status != 403 {
			t.Errorf("%s reminds: %d", role, status)
		}
	}
	if row.Owner != johan {
		t.Fatalf("the first clock that ends is of %s", row.Owner)
	}
	told := func() int { return strings.Count(l.page(t, "rep", "/inbox"), "Astrid Berg reminds of") }
	if told() != 0 {
		t.Fatal("he was reminded before")
	}
	text, status := l.form(t, "manager", m[1], fields.Encode())
	if status != 200 {
		t.Fatal(status)
	}
	says(t, text, []string{"Johan Lind is reminded", "Reminded", "by Astrid Berg"}, nil)
	heard := told()
	if heard == 0 {
		t.Error("the inbox says nothing of it")
	}
	jobs, err := l.Store.JobsOf(t.Context(), []int64{l.lead(t, lead).LastInput})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(jobs, func(j store.Job) bool { return j.Kind == "reminded" && j.Recipient == johan && j.Channel != "inbox" }) {
		t.Errorf("no message among %v", jobs)
	}
	fields.Del("seen") // another tab, a moment later
	text, _ = l.form(t, "marketing", m[1], fields.Encode())
	says(t, text, []string{"Astrid Berg has reminded of this on 12 Nov 10:42 already; once in an hour is enough"}, nil)
	if n := told(); n != heard {
		t.Errorf("the inbox says it %d times after the second, was %d", n, heard)
	}
	says(t, l.page(t, "manager", fmt.Sprintf("/leads/%d", lead)), []string{"Reminded by Astrid Berg", "Johan Lind hears of it"}, nil)
}

func TestWhatWorksPage(t *testing.T) {
	l := servePages(t)
	for by, must := range map[string][]string{
		"activity": {"Demo requested", "scoring.engagement.demo", "+30"}, "criterion": {"scoring.fit.size", "+15"}, "asset": {"What works"}, "source": {"source=email"},
	} {
		text := l.counted(t, "marketing", "/what-works?by="+by)
		says(t, text, append(must, "Does the grade tell who wins?", "Is an A1 better than a B2?", "handbacks.timing", "Base rate", "transitions.qualify"), []string{"being counted", "causes."})
	}
	followed := map[string]bool{}
	for _, query := range []string{"?by=source", "?by=activity", "?by=criterion", "?by=asset", "?by=source&period=12m", "?by=source&period=quarter"} {
		for path, words := range links(l.counted(t, "marketing", "/what-works"+query)) {
			if followed[path+words] {
				continue
			}
			followed[path+words] = true
			want, _ := strconv.Atoi(strings.ReplaceAll(words, ",", ""))
			if got := l.rows(t, "marketing", path); got != want {
				t.Errorf("%s: %s says %s and leads to %d", query, path, words, got)
			}
		}
	}
	if len(followed) < 20 {
		t.Errorf("%d figures lead somewhere", len(followed))
	}
	if n := l.queries(t, "marketing", "/what-works"); n != 5 {
		t.Errorf("%d queries, want 5", n)
	}
	for _, role := range []string{"rep", "sdr"} {
		for _, path := range []string{"/what-works", "/promises", "/funnel"} {
			if _, status, _ := l.look(t, role, path); status != 403 {
				t.Errorf("%s opens %s: %d", role, path, status)
			}
		}
	}
}
