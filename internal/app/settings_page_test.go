//go:build unix

package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"baton/internal/api"
	"baton/internal/channel"
	"baton/internal/pgtest"
	"baton/internal/seal"
	"baton/internal/store"
)

// connect has the made-up company be connected: keys, webhooks of which one works, one does not and one is switched off, chat and mail, with
// what was sent there in the last days.
func (a *App) connect(ctx context.Context, file string) (err error) {
	ago := func(d time.Duration) int64 { return pageTime.Add(-d).UnixMicro() }
	const day = 24 * time.Hour
	for i, k := range []struct {
		name, scope         string
		made, used, revoked time.Duration
	}{
		{"website", api.ScopeTrack, 38 * day, 20 * time.Second, 0}, {"crm", api.ScopeWrite, 37 * day, 4 * time.Minute, 0}, {"crm", api.ScopeWrite, 38 * day, 37 * day, 37 * day},
		{"warehouse", api.ScopeRead, 20 * day, 7 * time.Hour, 0}, {"webinars", api.ScopeTrack, 2 * day, 0, 0},
	} {
		_, key, err := api.NewKey(ctx, a.Store, k.name, k.scope, ago(k.made))
		if err == nil && k.used != 0 {
			err = a.Store.UseKey(ctx, key.ID, ago(k.used))
		}
		if err == nil && k.revoked != 0 {
			err = a.Store.RevokeKey(ctx, key.ID, ago(k.revoked))
		}
		if err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
	}
	keys, err := seal.Parse(seal.New())
	if err != nil {
		return err
	}
	for _, w := range []store.Webhook{
		{URL: "https://crm.northwind.example/hooks/baton", CreatedAt: ago(37 * day)},
		{URL: "https://flows.northwind.example/in/7f3a", Events: "offered accepted won lost", CreatedAt: ago(30 * day)},
		{URL: "https://old-dialer.northwind.example/baton", Events: "offered", CreatedAt: ago(36 * day)},
	} {
		if _, err := a.Store.AddWebhook(ctx, keys, w, "whsec_none"); err != nil {
			return err
		}
	}
	rows, err := a.Store.ListLeads(ctx, store.LeadFilter{}, 0, 400)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	do := func(query string, args ...any) {
		if err == nil {
			_, err = db.ExecContext(ctx, query, args...)
		}
	}
	type try struct {
		ago, took time.Duration
		outcome   string
		code      int
		why, said string
	}
	n := int64(0)
	job := func(way, who, kind, state string, due, next time.Duration, why string, tries ...try) {
		n++
		lead := rows[(n*37)%int64(len(rows))].ID
		endpoint, delivered, nextTry := way+" "+who, int64(0), any(nil)
		switch {
		case way == "email":
			endpoint = way
		case way == "webhook":
			endpoint = who
		}
		if state == store.JobWaiting {
			nextTry = pageTime.Add(next).UnixMicro()
		}
		for i, t := range tries {
			do(`INSERT INTO attempt (job, n, at, took, outcome, code, why, said) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, 900_000_000+n*1000, i+1, ago(t.ago), t.took.Microseconds(), t.outcome, t.code, t.why, t.said)
			if t.outcome == "done" {
				delivered = ago(t.ago)
			}
		}
		do(`INSERT INTO job (id, kind, due, recipient, lead, input, body, state, attempts, last_error, channel, endpoint, next_try, delivered_at) VALUES (?, ?, ?, ?, ?, ?, '{}', ?, ?, ?, ?, ?, ?, ?)`,
			900_000_000+n*1000, kind, ago(due), who, lead, 900_000+n, state, len(tries), why, way, endpoint, nextTry, delivered)
	}
	took := func(host string, at time.Duration) try {
		return try{ago: at, took: 84 * time.Millisecond, outcome: "done", code: 200, why: host + " took it", said: "ok"}
	}
	busy := func(at time.Duration) try {
		return try{ago: at, took: 412 * time.Millisecond, outcome: "later", code: 503, why: "flows.northwind.example is busy or being worked on (503)", said: `{"error": "maintenance until 11:00"}`}
	}
	for i := 30; i > 0; i-- {
		at := time.Duration(i)*53*time.Minute + 2*time.Hour
		event := []string{"offered", "accepted", "offered", "handed_back", "won", "accepted"}[i%6]
		job("webhook", "webhook 1", event, store.JobDone, at, 0, "", took("crm.northwind.example", at))
		if i%2 == 0 {
			job("email", johan, event, store.JobDone, at, 0, "", try{ago: at, took: 1240 * time.Millisecond, outcome: "done", code: 250, why: "smtp.northwind.example took the mail", said: "2.0.0 Ok: queued as 4F1c9"})
		}
		if i%3 == 0 {
			job("slack", "marketing", event, store.JobDone, at, 0, "", try{ago: at, took: 190 * time.Millisecond, outcome: "done", code: 200, why: "hooks.slack.com took it", said: "ok"})
			job("webhook", "webhook 2", event, store.JobDone, at, 0, "", took("flows.northwind.example", at))
		}
	}
	refused := try{ago: 98 * time.Minute, took: 600 * time.Millisecond, outcome: "later", code: 0, why: "flows.northwind.example did not answer within 20s"}
	job("webhook", "webhook 2", "won", store.JobFailed, 26*time.Hour, 0, "flows.northwind.example answered with status 500", try{ago: 26 * time.Hour, took: 33 * time.Millisecond, outcome: "never", code: 500, why: "flows.northwind.example answered with status 500", said: "cannot read property of undefined"})
	job("webhook", "webhook 2", "offered", store.JobWaiting, 98*time.Minute, 12*time.Minute, refused.why, refused, busy(61*time.Minute), busy(19*time.Minute))
	job("webhook", "webhook 2", "offered", store.JobWaiting, 60*time.Minute, 24*time.Minute, busy(0).why, busy(60*time.Minute), busy(22*time.Minute))
	job("webhook", "webhook 2", "accepted", store.JobDone, 51*time.Minute, 0, "", busy(51*time.Minute), took("flows.northwind.example", 47*time.Minute))
	job("webhook", "webhook 2", "accepted", store.JobWaiting, 4*time.Minute, time.Minute, busy(0).why, busy(4*time.Minute))
	job("webhook", "webhook 3", "offered", store.JobFailed, 30*time.Hour, 0, "old-dialer.northwind.example wants no more messages at this URL (410)", try{ago: 30 * time.Hour, took: 51 * time.Millisecond, outcome: "gone", code: 410, why: "old-dialer.northwind.example wants no more messages at this URL (410)", said: "Gone"})
	job("webhook", "webhook 1", "offered", store.JobDone, 3*time.Minute, 0, "", took("crm.northwind.example", 3*time.Minute))
	job("email", "sara.holm@northwind.example", "offered", store.JobDropped, 31*time.Minute, 0, "it was accepted meanwhile")
	job("email", "cmo@northwind.example", "won", store.JobWaiting, 5*time.Minute, 18*time.Minute, "")
	job("email", "gone@northwind.example", "reminded", store.JobFailed, 50*time.Minute, 0, "smtp.northwind.example says that there is no gone@northwind.example (550)", try{ago: 50 * time.Minute, took: 900 * time.Millisecond, outcome: "gone", code: 550, why: "smtp.northwind.example says that there is no gone@northwind.example (550)", said: "5.1.1 User unknown"})
	job("email", johan, "offered", store.JobDone, 9*time.Minute, 0, "", try{ago: 9 * time.Minute, took: 1105 * time.Millisecond, outcome: "done", code: 250, why: "smtp.northwind.example took the mail", said: "2.0.0 Ok: queued as 4F1d2"})
	reach := func(endpoint string, done, tried, since time.Duration, code int, why string) {
		at := func(d time.Duration) int64 {
			if d == 0 {
				return 0
			}
			return ago(d)
		}
		do(`INSERT INTO reach (endpoint, done_at, tried_at, failing_since, code, why) VALUES (?, ?, ?, ?, ?, ?)`, endpoint, at(done), at(tried), at(since), code, why)
	}
	reach("webhook 1", 3*time.Minute, 3*time.Minute, 0, 200, "crm.northwind.example took it")
	reach("webhook 2", 47*time.Minute, 4*time.Minute, 22*time.Minute, 503, busy(0).why)
	reach("webhook 3", 31*time.Hour, 30*time.Hour, 30*time.Hour, 410, "old-dialer.northwind.example wants no more messages at this URL (410)")
	reach("email", 9*time.Minute, 9*time.Minute, 0, 250, "smtp.northwind.example took the mail")
	reach("slack marketing", 3*time.Hour, 3*time.Hour, 0, 200, "hooks.slack.com took it")
	do(`UPDATE endpoint SET disabled_at = ?, disabled_why = 'old-dialer.northwind.example wants no more messages at this URL (410)' WHERE id = 3`, ago(30*time.Hour))
	return err
}

// connected is by what the server of the pictures sends, and its settings.
func connected(o *ServeOptions) {
	o.Delivery = Delivery{Host: "smtp.northwind.example", User: "baton", Password: "not to be seen", From: "Baton <baton@northwind.example>", Mails: map[string]string{"queue unassigned": "desk@northwind.example"},
		Slack: map[string]string{"marketing": "https://hooks.slack.com/services/T0/B0/not-to-be-seen", "*": "https://hooks.slack.com/services/T0/B1/not-to-be-seen"}}
	o.Settings = []Setting{
		{Name: "db", Value: `"postgres://baton:***@db.northwind.example/baton"`, From: "BATON_DB_FILE", Help: "Database: a SQLite file, or the address of a PostgreSQL database."},
		{Name: "listen", Value: `"0.0.0.0:8080"`, From: "/etc/baton/baton.yaml:3", Help: "Address to listen on."},
		{Name: "url", Value: `"https://baton.northwind.example"`, From: "/etc/baton/baton.yaml:4", Help: "Where people open Baton, as https://baton.northwind.example; links in mails begin with it."},
		{Name: "log-format", Value: `"json"`, From: "BATON_LOG_FORMAT", Help: "text for people, json for programs."},
		{Name: "log-level", Value: `"info"`, From: "default", Help: "debug, info, warn or error."},
		{Name: "drain-time", Value: `"30s"`, From: "default", Help: "How long requests under way may take when the server stops."},
		{Name: "rate", Value: `"100/s burst 5000"`, From: "--rate", Help: "Events a key may send, as 100/s, 6000/m or \"100/s burst 5000\"."},
		{Name: "session-idle", Value: `"72h0m0s"`, From: "default", Help: "How long somebody stays signed in who does not look."},
		{Name: "oidc-issuer", Help: "Provider of sign-ins (OpenID Connect)."},
		{Name: "smtp-host", Value: `"smtp.northwind.example"`, From: "/etc/baton/baton.yaml:6", Help: "Mail server by which alerts go out; without it there are no mails."},
		{Name: "smtp-user", Value: `"baton"`, From: "/etc/baton/baton.yaml:7", Help: "Who signs in there."},
		{Name: "smtp-password", Value: `"***"`, From: "BATON_SMTP_PASSWORD_FILE", Help: "With what.", Hidden: true},
		{Name: "slack", Value: `{"*": "***", "marketing": "***"}`, From: "BATON_SLACK_FILE", Help: "Incoming webhook of Slack for a queue, a side or a member; * for all others.", Hidden: true},
		{Name: "seal-key", Value: `"***"`, From: "BATON_SEAL_KEY_FILE", Help: "Key that secrets are sealed with, in base64; beside a SQLite file one is made (FILE.key).", Hidden: true},
		{Name: "metrics-listen", Help: "Address of its own for metrics, open to whoever reaches it."},
	}
}

// What the settings ask of the database does not grow with what they show: so many queries, for the page, its bars and its mark.
func TestSettingsAskSoMuch(t *testing.T) {
	l := servePages(t)
	for _, c := range []struct {
		path, role string
		most       int64
	}{
		{"/settings", "admin", 7}, {"/settings/keys", "admin", 3}, {"/settings/webhooks", "revops", 6}, {"/settings/webhooks/1", "revops", 10}, {"/settings/webhooks/2", "revops", 10},
		{"/settings/channels/slack", "revops", 10}, {"/settings/mail", "revops", 9}, {"/settings/sign-in", "admin", 4}, {"/settings/server", "admin", 2},
	} {
		if n := l.queries(t, c.role, c.path); n > c.most || n < c.most-2 {
			t.Errorf("%s as %s: %d queries, at most %d", c.path, c.role, n, c.most)
		}
	}
}

// No page of the settings shows a secret, and who may not see a page does not.
func TestSettingsShowNoSecret(t *testing.T) {
	l := servePages(t)
	for _, path := range []string{"/settings", "/settings/keys", "/settings/webhooks", "/settings/webhooks/1", "/settings/channels/slack", "/settings/mail", "/settings/sign-in", "/settings/server"} {
		text := l.page(t, "admin", path)
		says(t, text, []string{"<h2"}, []string{"not to be seen", "not-to-be-seen", "whsec_", "baton_track_"})
		want := map[bool]int{true: 403, false: 200}[path == "/settings/sign-in" || path == "/settings/server"]
		if _, status, _ := l.look(t, "revops", path); status != want {
			t.Errorf("%s as revops: %d", path, status)
		}
	}
	says(t, l.page(t, "revops", "/settings"), []string{"Two ways out are not getting through.", "flows.northwind.example is busy", `href="/settings/audit"`}, []string{"/settings/server"})
	says(t, l.page(t, "admin", "/settings/webhooks/2"), []string{"Next try at", "At the second try.", "answered with status 500", "Try 3", "maintenance until 11:00", "Try what waits now", "Not delivered (1)"}, nil)
	says(t, l.page(t, "admin", "/settings/webhooks/2?only=failed"), []string{"Not delivered", "cannot read property"}, []string{"Next try at"})
	says(t, l.page(t, "admin", "/settings/webhooks/2"), []string{"No alert of the agreement that applies is sent by webhook. Tests arrive; whatever else was sent, or waits, began under an earlier version of it."}, []string{"nothing else does"})
	says(t, l.page(t, "admin", "/settings/mail"), []string{"is told by mail all the same"}, []string{"No alert of the agreement"})
	says(t, l.page(t, "admin", "/settings/webhooks/3"), []string{"is switched off.", "Switch it on again", "(410)"}, nil)
	says(t, l.page(t, "admin", "/settings/mail"), []string{"smtp.northwind.example, port 587", "STARTTLS", "It was accepted meanwhile.", "Waits until 11:00", "desk@northwind.example", "alerts.offer"}, nil)
	says(t, l.page(t, "admin", "/settings/server"), []string{"Ten settings are given", "/etc/baton/baton.yaml:3", "set for all others, marketing; not shown", "Not set"}, nil)
	if _, status, _ := l.look(t, "admin", "/settings/webhooks/77"); status != 404 {
		t.Errorf("no such webhook: %d", status)
	}
	if _, status, _ := l.look(t, "admin", "/settings/channels/fax"); status != 404 {
		t.Errorf("no such channel: %d", status)
	}
}

// The lists of the settings as CSV have what the pages show, all of it and no secret, for those who may open the page.
func TestListsOfTheSettings(t *testing.T) {
	l := servePages(t)
	for _, c := range []struct {
		path, role string
		rows       int // with the names of columns; 0 for as many as there are
		want       string
	}{
		{"/settings/keys?csv=keys", "revops", 6, `"2026-10-06 09:42:00"`}, {"/settings/webhooks?csv=webhooks", "revops", 4, `"flows.northwind.example"`}, {"/settings/webhooks?csv=webhooks", "revops", 4, `"Switched off"`},
		{"/settings/webhooks?csv=chat", "revops", 3, `slack,marketing,"hooks.slack.com",Working`},
		{"/settings/webhooks/1?csv=messages", "revops", 32, "won"}, {"/settings/webhooks/2?csv=messages", "revops", 16, "waiting"}, {"/settings/webhooks/2?csv=messages&only=failed", "revops", 2, `"flows.northwind.example answered with status 500"`},
		{"/settings/webhooks/2?csv=tries", "revops", 0, `"{""error"": ""maintenance until 11:00""}"`}, {"/settings/webhooks/2?csv=tries&only=failed", "revops", 2, `"cannot read property of undefined"`},
		{"/settings/channels/slack?csv=messages", "revops", 11, "marketing"}, {"/settings/channels/slack?csv=tries", "revops", 11, "190"}, {"/settings/mail?csv=messages", "revops", 20, `"it was accepted meanwhile"`}, {"/settings/mail?csv=tries", "revops", 0, `"5.1.1 User unknown"`},
		{"/settings/server?csv=settings", "admin", 16, `"set, not shown",BATON_SMTP_PASSWORD_FILE`}, {"/settings/people?csv=sessions", "admin", 13, `"Firefox on Linux"`}, {"/team?csv=absences", "manager", 0, "from_calendar"},
		{"/imports?csv=files", "marketing", 4, "true"}, {"/imports?csv=imports", "marketing", 4, `"spring-customers.csv"`},
	} {
		text, status, header := l.look(t, c.role, c.path)
		rows := strings.Count(text, "\r\n")
		if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") || !strings.Contains(text, c.want) || c.rows != 0 && rows != c.rows {
			t.Errorf("%s: %d, %d rows, want %d with %s:\n%.1500s", c.path, status, rows, c.rows, c.want, text)
		}
		says(t, text, nil, []string{"not to be seen", "not-to-be-seen", "whsec_", "baton_track_", "/hooks/baton", "7f3a"})
	}
	for path, status := range map[string]int{"/settings/webhooks/77?csv=messages": 404, "/settings/channels/fax?csv=messages": 404, "/settings/keys?csv=nothing": 404} {
		if _, got, _ := l.look(t, "revops", path); got != status {
			t.Errorf("%s: %d", path, got)
		}
	}
	for _, path := range []string{"/settings/keys?csv=keys", "/settings/mail?csv=messages", "/settings/people?csv=sessions"} {
		if _, got, _ := l.look(t, "manager", path); got != 403 {
			t.Errorf("%s as a manager: %d", path, got)
		}
	}
	if _, got, _ := l.look(t, "revops", "/settings/server?csv=settings"); got != 403 {
		t.Errorf("the settings of the server as revops: %d", got)
	}
}

// A key that was made on the page works, and when it was revoked there it is refused. Who may not make a key that writes neither makes nor revokes one.
func TestKeysOfThePage(t *testing.T) {
	l := servePages(t)
	track := func(key string) int {
		t.Helper()
		r, err := http.NewRequest("POST", "http://"+l.address+"/v1/track", strings.NewReader(`{"anonymousId": "trying-it", "event": "Page Viewed"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(key, "")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	text, status := l.form(t, "revops", "/settings/keys", "name=shop&scope=track")
	key := regexp.MustCompile(`baton_track_[\w-]{43}`).FindString(text)
	if status != 200 || key == "" || strings.Count(text, key) != 2 {
		t.Fatalf("%d, %q", status, key)
	}
	if got := track(key); got != 200 {
		t.Errorf("a new key: %d", got)
	}
	list, err := l.Store.APIKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made := list[len(list)-1]
	if text := l.page(t, "revops", "/settings/keys"); strings.Contains(text, key) || !strings.Contains(text, "shop") {
		t.Error("it is shown again, or not there")
	}
	for _, c := range []struct {
		role, body, says string
		status           int
	}{
		{"revops", "name=shop&scope=write", "", 403}, {"revops", "name=shop&scope=admin", "", 403}, {"rep", "name=shop&scope=track", "", 403},
		{"admin", "name=&scope=track", "is no name for one", 422}, {"admin", "name=a+b&scope=track", "is no name for one", 422}, {"admin", "name=shop&scope=all", "is no scope", 422}, {"admin", "name=shop&scope=write", "baton_write_", 200},
	} {
		if text, status := l.form(t, c.role, "/settings/keys", c.body); status != c.status || !strings.Contains(html.UnescapeString(text), c.says) {
			t.Errorf("%s as %s: %d", c.body, c.role, status)
		}
	}
	if _, status := l.form(t, "revops", fmt.Sprintf("/settings/keys/%d/revoke", made.ID+1), ""); status != 403 {
		t.Errorf("revops revokes a key that writes: %d", status)
	}
	if text, status := l.form(t, "revops", fmt.Sprintf("/settings/keys/%d/revoke", made.ID), ""); status != 200 || !strings.Contains(text, "is revoked") {
		t.Errorf("%d", status)
	}
	if got := track(key); got != 401 {
		t.Errorf("a key that was revoked: %d", got)
	}
	if _, status := l.form(t, "admin", "/settings/keys/999/revoke", ""); status != 404 {
		t.Errorf("no such key: %d", status)
	}
	said, err := l.Store.Audits(t.Context(), store.AuditFilter{Subject: "key shop"}, 9)
	if err != nil || len(said) != 3 || said[0].Action != store.RevokedKey || said[0].Actor != viewers["revops"].Email || said[2].Action != store.MadeKey {
		t.Errorf("on record: %+v, %v", said, err)
	}
}

// hook is a program that takes webhooks, fails as it is told, and keeps what it got.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	heads  []http.Header
	bodies []string
}

func newHook(t *testing.T) *hook {
	h := &hook{status: 200}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.heads, h.bodies = append(h.heads, r.Header.Clone()), append(h.bodies, string(body))
		status := h.status
		h.mu.Unlock()
		w.WriteHeader(status)
		fmt.Fprintf(w, "answer %d of the <shop>", status)
	}))
	t.Cleanup(func() { h.CloseClientConnections(); h.Close() })
	return h
}

func (h *hook) answers(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

func (h *hook) last() (http.Header, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heads[len(h.heads)-1], h.bodies[len(h.bodies)-1]
}

// pageSays asks for a page until it says all of something: what the server does meanwhile takes a moment.
func (l *live) pageSays(t *testing.T, role, path string, want ...string) string {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		text := html.UnescapeString(l.page(t, role, path))
		missing := ""
		for _, w := range want {
			if !strings.Contains(text, w) {
				missing = w
			}
		}
		if missing == "" {
			return text
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not say %q", path, missing)
		}
	}
}

// A webhook from its first message to its removal, as somebody sees and works it on the page, with a program that fails, recovers, wants no
// more, and wants more again. So on both databases.
func TestWebhookOnThePage(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "b.db")
			if kind == "postgres" {
				db = pgtest.Database(t)
			}
			keys, err := seal.Parse(seal.New())
			if err != nil {
				t.Fatal(err)
			}
			hour := channel.Schedule{Delays: []time.Duration{0, time.Hour, time.Hour, time.Hour}}
			l := serveAgreement(t, db, awake(t, "alerts:\n", "alerts:\n  program: {event: offered, to: owner, by: webhook}\n"),
				ServeOptions{Viewer: as, Seal: keys, Delivery: Delivery{Allow: []string{"127.0.0.0/8"}, PlainHTTP: true, Schedule: hour}})
			h := newHook(t)
			host := strings.TrimPrefix(h.URL, "http://")
			add := func(address string) (string, int) {
				text, status := l.form(t, "revops", "/settings/webhooks", "url="+url.QueryEscape(address)+"&event=offered&event=won")
				return html.UnescapeString(text), status
			}
			for address, why := range map[string]string{"crm": "needs a whole address", "http://10.1.2.3/": "can allow it with the setting outbound", "https://me:secret@shop.example": "needs a whole address"} {
				if text, status := add(address); status != 422 || !strings.Contains(text, why) || !strings.Contains(text, `value="`+address+`"`) {
					t.Errorf("%s: %d", address, status)
				}
			}
			text, status := add(h.URL + "/in")
			secret := regexp.MustCompile(`whsec_[\w+/=-]+`).FindString(text)
			if status != 200 || secret == "" {
				t.Fatalf("%d", status)
			}
			if text := l.pageSays(t, "revops", "/settings/webhooks/1", host+" was not sent anything yet.", "When a lead is offered", "alerts.program"); strings.Contains(text, secret) {
				t.Error("the secret is shown again")
			}
			// a test goes through, signed with what was shown
			sent := func(says string) {
				t.Helper()
				if text, status := l.form(t, "revops", "/settings/webhooks/1/test", ""); status != 200 || !strings.Contains(html.UnescapeString(text), says) {
					t.Errorf("a test: %d, it does not say %q", status, says)
				}
			}
			sent("127.0.0.1 took it, after ")
			head, body := h.last()
			key, err := channel.ParseKey(secret)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := channel.Verify(head, []byte(body), time.Now().Unix(), key); err != nil || !strings.Contains(body, `"type":"baton.test"`) || !strings.Contains(body, viewers["revops"].Email) {
				t.Errorf("%v: %s", err, body)
			}
			// it fails: the page has the try, what was answered, and when the next is
			h.answers(503)
			ripe(t, l.App, "ada@acme.example")
			text = l.pageSays(t, "revops", "/settings/webhooks/1", host+" does not take what is sent.", "Since ", "127.0.0.1 is busy or being worked on (503)", "One message waits and is tried again at", "Next try at", "answer 503", "answer 503 of the <shop>", "Try what waits now")
			if strings.Count(text, "Try 1") != 1 || strings.Contains(text, "Try 2") {
				t.Error("there is not one try")
			}
			sent("It said: answer 503 of the <shop>")
			// it recovers, and somebody does not wait for the hour to be over
			h.answers(200)
			if text, status := l.form(t, "revops", "/settings/webhooks/1/hurry", ""); status != 200 || !strings.Contains(text, "1 message") {
				t.Errorf("hurry: %d", status)
			}
			l.pageSays(t, "revops", "/settings/webhooks/1", host+" takes what is sent.", "Delivered", "At the second try.", "Try 2", "127.0.0.1 took it.")
			// it wants no more, is switched off, and gets what it did not get when it wants more again
			h.answers(410)
			second := ripe(t, l.App, "bo@beta.example")
			l.pageSays(t, "revops", "/settings/webhooks/1", host+" is switched off.", "Nothing is sent there until it is switched on again.", "Not delivered (1)", "answer 410")
			l.pageSays(t, "revops", "/settings", "One way out is not getting through.")
			h.answers(200)
			if text, status := l.form(t, "revops", "/settings/webhooks/1/enable", ""); status != 200 || !strings.Contains(text, "is sent events again") {
				t.Errorf("enable: %d", status)
			}
			failed := until(t, l.App, second, func(list []store.Job) bool {
				for _, j := range list {
					if j.State == store.JobFailed {
						return true
					}
				}
				return false
			})
			for _, j := range failed {
				if j.State != store.JobFailed {
					continue
				}
				if text, status := l.form(t, "revops", fmt.Sprintf("/settings/jobs/%d/retry", j.ID), "back=/settings/webhooks/1"); status != 200 || !strings.Contains(text, "tried again now.") {
					t.Errorf("retry: %d", status)
				}
			}
			l.pageSays(t, "revops", "/settings/webhooks/1", host+" takes what is sent.", "All", "Not delivered</a>")
			if text, _ := l.form(t, "revops", fmt.Sprintf("/settings/jobs/%d/retry", failed[0].ID), "back=/settings/webhooks/1"); !strings.Contains(html.UnescapeString(text), "only one that failed or was dropped is tried again") {
				t.Error("what is done is tried again")
			}
			// another secret: both sign for a day, and there is no third meanwhile, unless the old one ends at once
			text, status = l.form(t, "revops", "/settings/webhooks/1/rotate", "hours=24")
			fresh := regexp.MustCompile(`whsec_[\w+/=-]+`).FindString(html.UnescapeString(text))
			if status != 200 || fresh == "" || fresh == secret {
				t.Fatalf("rotate: %d", status)
			}
			newKey, err := channel.ParseKey(fresh)
			if err != nil {
				t.Fatal(err)
			}
			sent("took it")
			head, body = h.last()
			for i, k := range []channel.Key{key, newKey} {
				if _, err := channel.Verify(head, []byte(body), time.Now().Unix(), k); err != nil {
					t.Errorf("secret %d: %v", i, err)
				}
			}
			l.pageSays(t, "revops", "/settings/webhooks/1", "Two sign until ")
			if text, status := l.form(t, "revops", "/settings/webhooks/1/rotate", "hours=24"); status != 422 || !strings.Contains(text, "Its secret was changed lately") {
				t.Errorf("a third: %d", status)
			}
			for _, body := range []string{"", "hours=-1", "hours=NaN", "hours=1e9"} {
				if _, status := l.form(t, "revops", "/settings/webhooks/1/rotate", body); status != 422 {
					t.Errorf("%q: %d", body, status)
				}
			}
			if _, status := l.form(t, "revops", "/settings/webhooks/1/rotate", "hours=0"); status != 200 {
				t.Errorf("at once: %d", status)
			}
			sent("took it")
			head, body = h.last()
			if _, err := channel.Verify(head, []byte(body), time.Now().Unix(), key); err == nil {
				t.Error("the first secret still signs")
			}
			// removed, its number is not another's
			if text, status := l.form(t, "revops", "/settings/webhooks/1/remove", ""); status != 200 || !strings.Contains(text, "is removed") || !strings.Contains(text, "There is no webhook yet") {
				t.Errorf("remove: %d", status)
			}
			if _, status := add(h.URL); status != 200 {
				t.Errorf("%d", status)
			}
			if _, status, _ := l.look(t, "revops", "/settings/webhooks/1"); status != 404 {
				t.Errorf("removed: %d", status)
			}
			if text := l.page(t, "revops", "/settings/webhooks/2"); strings.Contains(text, "Try 1") {
				t.Error("it has what was sent to another")
			}
			said, err := l.Store.Audits(t.Context(), store.AuditFilter{Actor: viewers["revops"].Email, Action: store.SentTest}, 9)
			if err != nil || len(said) != 4 || said[0].Subject != "webhook 1" {
				t.Errorf("on record: %+v, %v", said, err)
			}
		})
	}
}

// A test mail comes to whoever asks for it; a mail server that is away is said to be.
func TestMailOnThePage(t *testing.T) {
	box := newMailbox(t)
	l := serveAgreement(t, filepath.Join(t.TempDir(), "b.db"), awake(t), ServeOptions{Viewer: as, Delivery: box.delivery()})
	if text, status := l.form(t, "revops", "/settings/mail/test", ""); status != 200 || !strings.Contains(text, "took the mail, after") {
		t.Errorf("%d", status)
	}
	if got := box.next(t); got.to != viewers["revops"].Email || got.subject != "A test from Baton" || !strings.Contains(got.body, "There is nothing to do.") {
		t.Errorf("%+v", got)
	}
	l.pageSays(t, "revops", "/settings/mail", "The mail server takes what is sent.", "Not encrypted", "The last message was taken just now.")
	ripe(t, l.App, "ada@acme.example")
	box.next(t)
	l.pageSays(t, "revops", "/settings/mail", "Delivered", "Offered", "answer 250", "Ada <b>Lind</b>")
	none := serveAgreement(t, filepath.Join(t.TempDir(), "b.db"), awake(t), ServeOptions{Viewer: as})
	says(t, none.page(t, "revops", "/settings/mail"), []string{"No mails go out.", "smtp-host"}, []string{"Send me a test mail"})
	if _, status := none.form(t, "revops", "/settings/mail/test", ""); status != 404 {
		t.Errorf("without a server: %d", status)
	}
	away := box.delivery()
	away.Port = 1
	broken := serveAgreement(t, filepath.Join(t.TempDir(), "b.db"), awake(t), ServeOptions{Viewer: as, Delivery: away})
	if _, status := broken.form(t, "revops", "/settings/mail/test", ""); status != 200 {
		t.Errorf("away: %d", status)
	}
	broken.pageSays(t, "revops", "/settings/mail", "The mail server does not take what is sent.", "Since ")
}

// A notice to a chat goes to the address that is set for whoever it is for.
func TestChatOnThePage(t *testing.T) {
	h := newHook(t)
	l := serveAgreement(t, filepath.Join(t.TempDir(), "b.db"), awake(t), ServeOptions{Viewer: as, Delivery: Delivery{Allow: []string{"127.0.0.0/8"}, PlainHTTP: true, Slack: map[string]string{"marketing": h.URL + "/marketing", "*": h.URL + "/all"}}})
	says(t, l.page(t, "revops", "/settings/channels/slack"), []string{"For marketing", "For everybody else", "Not tried yet"}, []string{"/all", h.URL + "/marketing"})
	h.answers(404)
	if text, status := l.form(t, "revops", "/settings/channels/slack/test", "who=marketing"); status != 200 || !strings.Contains(text, "Test:") {
		t.Errorf("%d", status)
	}
	l.pageSays(t, "revops", "/settings/channels/slack", "Slack does not take all that is sent.", "Not getting through", "Not tried yet")
	h.answers(200)
	for _, who := range []string{"marketing", ""} {
		if text, status := l.form(t, "revops", "/settings/channels/slack/test", "who="+who); status != 200 || !strings.Contains(text, "after") {
			t.Errorf("%d", status)
		}
	}
	if _, status := l.form(t, "revops", "/settings/channels/slack/test", "who=nobody"); status != 404 {
		t.Errorf("nobody: %d", status)
	}
	if _, body := h.last(); !strings.Contains(body, "A test from Baton") {
		t.Error(body)
	}
}

// A key is made and copied with the keyboard alone, under the pages' own security policy.
func TestKeyIsCopiedByKeyboard(t *testing.T) {
	b := servePages(t).tab(t, "revops", "/settings/keys")
	b.until("(document.querySelector('[name=name]').focus(), document.activeElement.name === 'name')")
	b.press("shop", "\r")
	b.until("!!document.querySelector('#key')?.textContent.startsWith('baton_track_') && !document.querySelector('[data-copy=key]').hidden")
	b.until("(document.querySelector('[data-copy=key]').focus(), document.activeElement.dataset.copy === 'key')")
	b.press("\r")
	b.until("document.querySelector('[data-copy=key]').textContent.includes('Copied')")
}
