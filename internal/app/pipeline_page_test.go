//go:build unix

package app

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// expectations are the leads of a page of the pipeline in their order, with what is expected of each, and the address of the next page.
func (l *live) expectations(t *testing.T, role, path string) (leads []string, expected []int, next string) {
	t.Helper()
	text, status, _ := l.look(t, role, path)
	if status != 200 {
		t.Fatalf("%s: %d", path, status)
	}
	for _, m := range regexp.MustCompile(`(?s)<tr data-row="/leads/(\d+)#worth".*?</tr>`).FindAllStringSubmatch(text, -1) {
		leads = append(leads, m[1])
		n := 0
		if figure := regexp.MustCompile(`<td class="r font-semibold">\s*([\d,]+)`).FindStringSubmatch(m[0]); figure != nil {
			n, _ = strconv.Atoi(strings.ReplaceAll(figure[1], ",", ""))
		}
		expected = append(expected, n)
	}
	if m := regexp.MustCompile(`href="(/pipeline\?[^"]+)" rel="next"`).FindStringSubmatch(text); m != nil {
		next = strings.ReplaceAll(m[1], "&amp;", "&")
	}
	return leads, expected, next
}

// The pipeline of everybody, page after page, is that of which most is expected first, each lead once; a rep begins with their own.
func TestPipelinePage(t *testing.T) {
	l := servePages(t)
	var leads []string
	var expected []int
	for path, pages := "/pipeline", 0; path != ""; pages++ {
		if pages > 5 {
			t.Fatal("it does not end")
		}
		some, figures, next := l.expectations(t, "manager", path)
		leads, expected, path = append(leads, some...), append(expected, figures...), next
	}
	sum, err := l.Store.SumPipeline(t.Context(), "")
	must(t, err)
	once := slices.Compact(slices.Sorted(slices.Values(leads)))
	if len(leads) != int(sum.Leads) || len(once) != len(leads) || len(leads) < 51 {
		t.Errorf("%d leads, %d of them different; sales works %d", len(leads), len(once), sum.Leads)
	}
	if !slices.IsSortedFunc(expected, func(x, y int) int { return y - x }) || expected[0] == 0 {
		t.Errorf("not by what is expected: %v", expected)
	}
	text, _, _ := l.look(t, "marketing", "/pipeline?csv=pipeline")
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil || len(records) != len(leads)+1 {
		t.Fatalf("%d rows as CSV, want %d and a head: %v", len(records), len(leads), err)
	}
	for i, lead := range leads {
		if at := slices.Index(records[0], "lead"); records[i+1][at] != lead {
			t.Fatalf("row %d of the CSV is lead %s, and lead %s on the page", i, records[i+1][at], lead)
		}
	}

	mine, err := l.Store.SumPipeline(t.Context(), johan)
	must(t, err)
	own, _, _ := l.expectations(t, "rep", "/pipeline")
	if all, _, _ := l.expectations(t, "rep", "/pipeline?owner=all"); len(own) != int(mine.Leads) || len(all) <= len(own) {
		t.Errorf("a rep sees %d of their own %d, and %d of everybody", len(own), mine.Leads, len(all))
	}
	if _, status, _ := l.look(t, "rep", "/pipeline?csv=pipeline"); status != 403 {
		t.Errorf("a rep takes the list out: %d", status)
	}
	text, _, _ = l.look(t, "manager", "/pipeline?owner=nobody@northwind.example")
	says(t, text, []string{"works nobody now", "Nothing is expected yet"}, nil)
	for _, broken := range []string{"x", "-", "1-1", "zzzzzzzzzzzzzzzzzz-1", "0--1"} {
		if _, status, _ := l.look(t, "manager", "/pipeline?after="+broken); status != 200 {
			t.Errorf("after=%s: %d", broken, status)
		}
	}
	if n := l.queries(t, "manager", "/pipeline"); n > 8 {
		t.Errorf("%d queries", n)
	}
}

// Who spoke while another held the conversation: with the rule that says so, whatever is asked for.
func TestConflictsPage(t *testing.T) {
	l := servePages(t)
	all, err := l.Store.Conflicts(t.Context(), store.ConflictFilter{}, 1000)
	must(t, err)
	if len(all) < 5 {
		t.Fatalf("%d conflicts", len(all))
	}
	text, status, _ := l.look(t, "marketing", "/conflicts")
	if status != 200 {
		t.Fatal(status)
	}
	says(t, text, []string{"Milo Brandt", "wrote to them, by email", "held the conversation", "rules_of_engagement.in_play", fmt.Sprintf(`href="/leads/%d"`, all[0].Lead)}, []string{"Nobody did"})
	milo, _, _ := l.look(t, "manager", "/conflicts?who=milo.brandt@northwind.example&period=month")
	says(t, milo, []string{"Milo Brandt"}, []string{"no answer, by phone"})
	none, _, _ := l.look(t, "manager", "/conflicts?who=astrid.berg@northwind.example")
	says(t, none, []string{"Nobody did, of those asked for"}, nil)
	text, _, _ = l.look(t, "manager", "/conflicts?csv=conflicts&who=milo.brandt@northwind.example")
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if want := slices.DeleteFunc(slices.Clone(all), func(c store.Conflict) bool { return c.Actor != "milo.brandt@northwind.example" }); err != nil || len(records) != len(want)+1 {
		t.Errorf("%d rows as CSV, want %d and a head: %v", len(records), len(want), err)
	}
	for _, role := range []string{"rep", "sdr"} {
		if _, status, _ := l.look(t, role, "/conflicts"); status != 403 {
			t.Errorf("%s: %d", role, status)
		}
	}
	if n := l.queries(t, "manager", "/conflicts"); n > 8 {
		t.Errorf("%d queries", n)
	}

	// The clause is that of the version by which it was decided, whatever applies by now.
	active, err := l.Store.ActiveAgreement(t.Context())
	must(t, err)
	was := active.Version
	active.Source = bytes.ReplaceAll(active.Source, []byte("in play"), []byte("on the field"))
	plan, err := Compile(active)
	must(t, err)
	is, err := l.Engine.Activate(t.Context(), plan, active.Source, active.File, pageTime.UnixMicro())
	must(t, err)
	if _, ok := plan.Index.Clause["rules_of_engagement.in_play"]; is != was+1 || ok {
		t.Fatalf("version %d", is)
	}
	text, _, _ = l.look(t, "marketing", "/conflicts")
	says(t, text, []string{fmt.Sprintf(`href="/agreement?version=%d#rules_of_engagement.in_play"`, was)}, []string{fmt.Sprintf("version=%d#", is)})
	text, _, _ = l.look(t, "manager", "/conflicts?csv=conflicts")
	says(t, text, []string{"clause,agreement", fmt.Sprintf(`"rules_of_engagement.in_play",%d`, was)}, nil)

	// What a lead asked for itself stands above the rules.
	lead := all[0].Lead
	at := pageTime.UnixMicro()
	for _, in := range []lifecycle.Input{{Kind: lifecycle.Consented, Name: "objected"}, {Kind: lifecycle.Contact, Actor: "milo.brandt@northwind.example", Name: "sent", Channel: "newsletter"}} {
		in.Lead, in.At, in.Known, in.Source = lead, at, at, "test"
		out, err := l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: in}})
		must(t, err)
		must(t, out[0].Err)
	}
	text, _, _ = l.look(t, "manager", "/conflicts")
	says(t, text, []string{"Nobody may: they asked for that", "wrote to them, by newsletter"}, nil)
}
