package api

import (
	"strings"
	"testing"

	"baton/internal/agreement"
	"baton/internal/pgtest"
)

const (
	mona = "mona@northwind.example"
	omar = "omar@northwind.example"
)

// classicDesk is a desk with the agreement in which leads are called before they are offered, and two who call.
func classicDesk(t *testing.T, database string) *desk {
	t.Helper()
	d := openDesk(t)
	if database != "" {
		d = deskOn(t, database)
	}
	source, _ := agreement.Template("classic")
	d.want(200, ScopeAdmin, "POST", "/agreement", map[string]any{"source": string(source)}, "If-Match", "*")
	for _, id := range []string{mona, omar} {
		d.want(200, ScopeWrite, "POST", "/members", map[string]any{"id": id, "name": strings.ToUpper(id[:1]) + id[1:4], "side": "marketing", "manager": mona})
	}
	return d
}

func TestQueue(t *testing.T)           { callQueue(t, classicDesk(t, "")) }
func TestQueueOnPostgres(t *testing.T) { callQueue(t, classicDesk(t, pgtest.Database(t))) }

func callQueue(t *testing.T, d *desk) {
	d.refusal("not-found", ScopeWrite, "POST", "/queue/take", map[string]any{"actor": mona})
	first, second := d.offered("ada@acme.example"), d.offered("bo@acme.example")
	d.want(200, ScopeWrite, "POST", "/activities", map[string]any{"activities": []map[string]any{{"email": "bo@acme.example", "activity": "content_downloaded", "asset": "price_list"}}})

	// the price list raises the grade, and counts by itself
	list := d.want(200, ScopeRead, "GET", "/queue", nil)
	if list.text("items.0.lead.email") != "bo@acme.example" || list.text("items.1.lead.email") != "ada@acme.example" || list.get("count.free") != 2.0 {
		t.Fatal(list.Text)
	}
	if !strings.HasPrefix(list.text("items.0.reason"), "grade A") || !strings.Contains(list.text("items.0.reason"), "price_list (high), ") || list.text("items.0.deadline.clause") == "" || list.get("items.0.attempts") != 5.0 {
		t.Error(list.Text)
	}

	taken := d.want(200, ScopeWrite, "POST", "/queue/take", map[string]any{"actor": mona}, "Idempotency-Key", "next-1")
	if taken.text("lead.email") != "bo@acme.example" || taken.text("decision.changes.0.kind") != "call_taken" {
		t.Fatal(taken.Text)
	}
	again := d.want(200, ScopeWrite, "POST", "/queue/take", map[string]any{"actor": mona}, "Idempotency-Key", "next-1")
	if again.text("lead.email") != "bo@acme.example" || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error(again.Text, again.Header)
	}
	d.refusal("key-reused", ScopeWrite, "POST", "/queue/take", map[string]any{"actor": omar}, "Idempotency-Key", "next-1")
	if p := d.refusal("refused", ScopeWrite, "POST", second+"/take", map[string]any{"actor": omar}); !strings.HasPrefix(p.text("detail"), "Mona has taken this lead and has it until ") {
		t.Error(p.Text)
	}
	if p := d.refusal("refused", ScopeWrite, "POST", second+"/release", map[string]any{"actor": omar}); !strings.Contains(p.text("detail"), "only they or their manager") {
		t.Error(p.Text)
	}
	d.refusal("vocabulary", ScopeWrite, "POST", "/queue/take", map[string]any{"actor": "nobody@northwind.example"})
	mine := d.want(200, ScopeRead, "GET", "/queue?state=taken&holder="+mona, nil)
	if mine.text("items.0.lead.email") != "bo@acme.example" || mine.text("items.0.holder") != mona || mine.text("items.0.until") == "" || mine.get("items.1") != nil {
		t.Error(mine.Text)
	}
	if other := d.want(200, ScopeRead, "GET", "/queue?state=taken&holder="+omar, nil); other.get("items.0") != nil || other.get("count.taken") != 1.0 {
		t.Error(other.Text)
	}
	d.refusal("invalid", ScopeRead, "GET", "/queue?holder="+mona, nil)

	// what was said raises the readiness level, and the lead goes on to where it is offered
	call := d.want(200, ScopeWrite, "POST", second+"/contact", map[string]any{"actor": mona, "outcome": "connected", "answers": map[string]any{"authority": true, "budget": true, "timeline": "this_year", "need": "A quieter drive"}})
	if call.get("lead.readiness") != 5.0 || call.text("lead.stage") != "sql" {
		t.Error(call.Text)
	}
	d.want(200, ScopeWrite, "POST", first+"/take", map[string]any{"actor": omar})
	d.want(200, ScopeWrite, "POST", first+"/release", map[string]any{"actor": mona, "note": "Wrong language"})
	d.want(200, ScopeWrite, "POST", "/queue/take", map[string]any{"actor": omar})
	d.refusal("refused", ScopeWrite, "POST", first+"/contact", map[string]any{"actor": omar, "outcome": "voicemail", "again_at": "2020-01-01T10:00:00Z"})
	d.want(200, ScopeWrite, "POST", first+"/contact", map[string]any{"actor": omar, "outcome": "voicemail"})
	later := d.want(200, ScopeRead, "GET", "/queue?state=later", nil)
	if later.text("items.0.lead.email") != "ada@acme.example" || later.get("items.0.tries") != 1.0 || later.text("items.0.next_at") == "" {
		t.Error(later.Text)
	}
	d.refusal("not-found", ScopeWrite, "POST", "/queue/take", map[string]any{"actor": mona})
}
