//go:build unix

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/api"
	"baton/internal/report"
	"baton/internal/store"
)

var markup = regexp.MustCompile(`<svg.*?</svg>|<[^>]*>`)

var update = flag.Bool("update", false, "rewrite testdata/relay.txt")

// TestWholeRelay runs the sample agreement in a server whose clock the test moves, with a mail server beside it: a lead
// becomes ready, is offered, its owner is reminded, time runs out, it goes to another, who accepts it, reaches the lead, hands it back, and
// on its date it comes again. testdata/relay.txt has each step with its decisions, who had which
// mail, and what the page of the lead and its explanation say then.
func TestWholeRelay(t *testing.T) {
	start := time.Date(2026, 9, 7, 7, 0, 0, 0, time.UTC) // a Monday, 9:00 in Stockholm
	db := filepath.Join(t.TempDir(), "relay.db")
	key := furnish(t, db, start)
	var now atomic.Int64
	now.Store(start.UnixMicro())
	a, err := Open(t.Context(), Options{DB: db, Clock: func() time.Time { return time.UnixMicro(now.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	write, _, err := api.NewKey(t.Context(), a.Store, "people", api.ScopeWrite, start.UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
	box := newMailbox(t)
	delivery := box.delivery()
	delivery.Mails = map[string]string{"marketing": "marketing@northwind.example"}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	defer stop()
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- a.Serve(ctx, ServeOptions{Listen: "127.0.0.1:0", Delivery: delivery, Viewer: as, Ready: func(address string) { ready <- address }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	}()
	var address string
	select {
	case address = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	client := &http.Client{Timeout: patience}
	ask := func(key, path, body string) (int, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		said, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, said
	}
	events := func(batch string) {
		t.Helper()
		if status, said := ask(key, "/v1/batch", fmt.Sprintf(`{"writeKey":%q,"batch":[%s]}`, key, batch)); status != http.StatusOK {
			t.Fatalf("%d %s", status, said)
		}
	}
	one := func(query string) string {
		t.Helper()
		table, err := a.Store.Query(t.Context(), query)
		if err != nil || len(table.Rows) == 0 {
			t.Fatal(query, err)
		}
		return fmt.Sprint(table.Rows[0][0])
	}
	const of = ` FROM lead WHERE email = 'ada@acme.example'`
	last, pokes := int64(0), 0
	var story strings.Builder
	get := func(path string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+write)
		req.AddCookie(&http.Cookie{Name: "as", Value: "manager"})
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		said, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(path, res.StatusCode, err)
		}
		return string(said)
	}
	// shown tells what the page of the lead says at its top and of who may speak, as a manager sees it, and the answers of its explanation.
	shown := func() {
		t.Helper()
		lead := one(`SELECT id` + of)
		page := get("/leads/" + lead)
		for _, part := range [][2]string{{`id="who"`, `<div class="lead-acts"`}, {`id="speech"`, `</section>`}} {
			_, text, found := strings.Cut(page, part[0])
			text, _, ended := strings.Cut(text, part[1])
			if !found || !ended {
				t.Fatalf("the page has no %s", part[0])
			}
			_, text, _ = strings.Cut(text, ">")
			fmt.Fprintln(&story, "  page: "+strings.Join(strings.Fields(html.UnescapeString(markup.ReplaceAllString(text, " "))), " "))
		}
		var explained struct {
			Sections []struct{ Title, Answer string }
		}
		if err := json.Unmarshal([]byte(get("/api/v1/leads/"+lead+"/explain")), &explained); err != nil {
			t.Fatal(err)
		}
		for _, part := range explained.Sections {
			if part.Answer != "" {
				fmt.Fprintf(&story, "  explained: %s: %s\n", part.Title, part.Answer)
			}
		}
	}
	// step tells what has been decided of the lead since the step before, and who has had mail of it.
	step := func(what string) {
		t.Helper()
		var lead int64
		fmt.Sscan(one(`SELECT id`+of), &lead)
		late, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for {
			next, err := a.Store.NextDue(late)
			var jobs []store.Job
			if err == nil {
				jobs, err = a.Store.Jobs(late, store.JobFilter{Lead: lead}, 100)
			}
			if err != nil {
				t.Fatalf("%s: %v: %+v", what, err, jobs)
			}
			if next > now.Load() && !slices.ContainsFunc(jobs, func(j store.Job) bool { return j.State != store.JobDone && j.State != store.JobDropped }) {
				break
			}
		}
		fmt.Fprintf(&story, "\n%s: %s\n", what, time.UnixMicro(now.Load()).UTC().Format("Mon 2 Jan 2006 15:04"))
		table, err := a.Store.Query(t.Context(), fmt.Sprintf(`SELECT i.id, d.body FROM input i JOIN decision d ON d.input = i.id WHERE i.lead = %d AND i.id > %d ORDER BY i.id`, lead, last))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range table.Rows {
			last = row[0].(int64)
			var d struct {
				Changes []map[string]any `json:"changes"`
			}
			if err := json.Unmarshal([]byte(row[1].(string)), &d); err != nil {
				t.Fatal(err, row[1])
			}
			for _, c := range d.Changes {
				switch kind := fmt.Sprint(c["kind"]); kind {
				case "stage_entered", "handoff_offered", "handoff_moved", "handoff_closed", "clock_breached", "clock_stopped", "owner_set", "contact_made", "pass_started", "revisit_set", "returned":
					line := "  " + kind
					for _, name := range []string{"name", "from", "to"} {
						if v, ok := c[name]; ok {
							line += fmt.Sprintf(" %s=%v", name, v)
						}
					}
					fmt.Fprintln(&story, line)
				}
			}
		}
		var mails []string
		for {
			select {
			case l := <-box.got:
				mails = append(mails, fmt.Sprintf("  mail to %s: %s", l.to, l.subject))
				continue
			default:
			}
			break
		}
		slices.Sort(mails)
		for _, m := range mails {
			fmt.Fprintln(&story, m)
		}
		shown()
	}
	// to moves the clock to when something is due, and somebody else comes, as somebody always does: that wakes the server.
	to := func(at time.Time) {
		t.Helper()
		now.Store(at.UnixMicro())
		pokes++
		events(fmt.Sprintf(`{"type":"track","userId":"x%d","messageId":"x%d","event":"Page Viewed","context":{"traits":{"email":"x%d@other.example"}}}`, pokes, pokes, pokes))
	}
	// does has the owner do something, as a page or an integration would.
	does := func(command, body string) {
		t.Helper()
		status, said := ask(write, "/api/v1/leads/"+one(`SELECT id`+of)+"/"+command, fmt.Sprintf(`{"actor":%q%s}`, one(`SELECT owner`+of), body))
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", command, status, said)
		}
	}

	events(`{"type":"identify","userId":"ada","messageId":"a1","traits":{"email":"ada@acme.example","name":"Ada Lind","title":"Head of Operations","seniority":"director","country":"SE","company":{"name":"Acme","employees":500,"industry":"manufacturing"}}},
		{"type":"track","userId":"ada","messageId":"a2","event":"Pricing Viewed"},{"type":"track","userId":"ada","messageId":"a3","event":"Pricing Viewed"},{"type":"track","userId":"ada","messageId":"a4","event":"Demo Requested"}`)
	step("ready and offered")
	first := one(`SELECT owner` + of)
	due := func() time.Time {
		t.Helper()
		var at int64
		fmt.Sscan(one(`SELECT due`+of), &at)
		return time.UnixMicro(at)
	}
	to(due())
	step("reminded, for time ran out")
	to(due())
	step("time ran out again: reassigned")
	if second := one(`SELECT owner` + of); second == first || second == "" {
		t.Fatalf("%s had it, and now %q has", first, second)
	}
	// whoever had it is told so, should they try
	status, said := ask(write, "/api/v1/leads/"+one(`SELECT id`+of)+"/accept", fmt.Sprintf(`{"actor":%q}`, first))
	if status != http.StatusConflict || !strings.Contains(string(said), "ask them if you would like it back") {
		t.Errorf("%s accepts late: %d %s", first, status, said)
	}
	now.Add(int64(20 * time.Minute / time.Microsecond))
	does("accept", "")
	step("accepted")
	now.Add(int64(time.Hour / time.Microsecond))
	does("contact", `,"outcome":"connected","answers":{"timeline":"later"}`)
	step("contacted")
	now.Add(int64(time.Hour / time.Microsecond))
	does("hand-back", `,"reason":"timing","note":"Moves the plant first."`)
	step("handed back")
	revisit := one(`SELECT revisit_at` + of)
	var at int64
	fmt.Sscan(revisit, &at)
	for due().Before(time.UnixMicro(at)) { // what a lead has done fades meanwhile
		to(due())
		step("meanwhile")
	}
	to(time.UnixMicro(at))
	step("revisited")
	if pass, stage := one(`SELECT pass`+of), one(`SELECT stage`+of); pass != "2" || stage != "lead" {
		t.Errorf("it is in pass %s, stage %s", pass, stage)
	}
	now.Add(int64(time.Hour / time.Microsecond))
	events(`{"type":"track","userId":"ada","messageId":"b1","event":"Pricing Viewed"},{"type":"track","userId":"ada","messageId":"b2","event":"Pricing Viewed"},{"type":"track","userId":"ada","messageId":"b3","event":"Demo Requested"}`)
	step("ready and offered, the second time")
	told, err := report.Response(t.Context(), a.Store, a.plan(), report.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for r, want := range []string{"offered → told 2 2", "told → accepted 2 1", "offered → accepted 2 1", "accepted → first contact 1 1"} {
		if got := fmt.Sprintf("%s %d %d", told.Cell(r, "step").Text, told.Cell(r, "came").Int, told.Cell(r, "done").Int); got != want {
			t.Errorf("the way to the first contact: %s, not %s", got, want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	sound(t, db, nil)
	const golden = "testdata/relay.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(story.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.TrimSpace(want)), strings.TrimSpace(story.String())); diff != "" {
		t.Errorf("the relay (-written +seen); if it is right, run: go test ./internal/app -run WholeRelay -update\n%s", diff)
	}
}
