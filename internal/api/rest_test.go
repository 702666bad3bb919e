package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"baton/internal/agreement"
	"baton/internal/channel"
	"baton/internal/engine"
	"baton/internal/pgtest"
	"baton/internal/seal"
	"baton/internal/store"
)

const (
	astrid = "astrid.berg@northwind.example"
	johan  = "johan.lind@northwind.example"
)

// desk is a site with a key for each scope, whose every answer is held against the document.
type desk struct {
	*site
	keys map[string]string
	spec *contract
}

func openDesk(t testing.TB) *desk {
	t.Helper()
	return deskOn(t, filepath.Join(t.TempDir(), "baton.db"))
}

func deskOn(t testing.TB, database string) *desk {
	t.Helper()
	compile := func(a *store.Agreement) (*agreement.Plan, error) {
		plan, findings := agreement.Compile(a.File, a.Source, among(a.Files))
		return plan, findings.Err()
	}
	d := &desk{site: openOn(t, database, Options{}, engine.Options{Compile: compile}), keys: map[string]string{}}
	d.api.Plan = func() *agreement.Plan {
		plan, _ := d.en.Agreement()
		return plan
	}
	for _, scope := range Scopes {
		secret, _, err := NewKey(context.Background(), d.st, scope, scope, d.now.Load())
		if err != nil {
			t.Fatal(err)
		}
		d.keys[scope] = secret
	}
	d.spec = readContract(t, d.api)
	t.Cleanup(func() {
		if err := d.api.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// reply is an answer of the REST API.
type reply struct {
	Status int
	Header http.Header
	Text   string
	Body   map[string]any
}

// get returns a member of the answer by its path: "lead.stage", "items.0.id"; nil for none.
func (a reply) get(path string) any {
	var v any = a.Body
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			i := 0
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func (a reply) text(path string) string {
	s, _ := a.get(path).(string)
	return s
}

// ask sends a request with the key of a scope; headers come in pairs.
func (d *desk) ask(scope, method, path string, body any, headers ...string) reply {
	d.t.Helper()
	a, err := d.try(scope, method, path, body, headers...)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

func (d *desk) try(scope, method, path string, body any, headers ...string) (reply, error) {
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(b); err != nil {
			return reply{}, err
		}
	}
	req, err := http.NewRequest(method, d.web.URL+path, bytes.NewReader(text))
	if err != nil {
		return reply{}, err
	}
	if key := d.keys[scope]; key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := d.web.Client().Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		return reply{}, err
	}
	a := reply{Status: res.StatusCode, Header: res.Header, Text: b.String()}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b.Bytes(), &a.Body); err != nil {
			return a, fmt.Errorf("%s %s: the answer is not JSON: %w\n%s", method, path, err, b.String())
		}
	}
	if strings.HasPrefix(path, restPath+"/") {
		err = d.spec.holds(method, strings.TrimPrefix(path, restPath), a)
	}
	return a, err
}

// want asks and fails unless the answer has a status.
func (d *desk) want(status int, scope, method, path string, body any, headers ...string) reply {
	d.t.Helper()
	a := d.ask(scope, method, restPath+path, body, headers...)
	if a.Status != status {
		d.t.Fatalf("%s %s gives %d, not %d: %s", method, path, a.Status, status, a.Text)
	}
	return a
}

// refusal asks and fails unless the answer is a problem of a kind.
func (d *desk) refusal(kind, scope, method, path string, body any, headers ...string) reply {
	d.t.Helper()
	a := d.ask(scope, method, restPath+path, body, headers...)
	if want := "/api/#problem-" + kind; a.text("type") != want || a.Header.Get("Content-Type") != problemMedia {
		d.t.Fatalf("%s %s gives %d %s, not a problem of the kind %s", method, path, a.Status, a.Text, kind)
	}
	if p := problemOf(kind, ""); a.Status != p.Status || a.get("status") != float64(p.Status) || a.text("title") == "" || a.text("detail") == "" {
		d.t.Errorf("%s %s: %s", method, path, a.Text)
	}
	return a
}

// offered makes a lead that is offered to somebody and returns its address.
func (d *desk) offered(email string) string {
	d.t.Helper()
	d.known(email)
	for i, event := range []string{"Pricing Viewed", "Trial Started", "Demo Requested"} {
		body := fmt.Sprintf(`{"userId": %q, "messageId": "%s-%d", "event": %q}`, email, email, i, event)
		if a := d.post("/v1/track", []byte(body)); a.Status != 200 {
			d.t.Fatal(a)
		}
	}
	return "/leads/" + email
}

func (d *desk) known(email string) {
	d.t.Helper()
	body := fmt.Sprintf(`{"userId": %q, "messageId": "%s", "traits": {"email": %q, "name": "Ada Nilsson", "seniority": "director", "country": "SE",
		"company": {"name": "Acme", "employee_count": 420, "industry": "manufacturing"}}}`, email, email, email)
	if a := d.post("/v1/identify", []byte(body)); a.Status != 200 {
		d.t.Fatal(a)
	}
}

func TestRelay(t *testing.T)           { relay(t, openDesk(t)) }
func TestRelayOnPostgres(t *testing.T) { relay(t, deskOn(t, pgtest.Database(t))) }

// relay is the way of a lead from marketing to sales and back.
func relay(t *testing.T, d *desk) {
	t.Helper()
	lead := d.offered("ada@acme.example")
	got := d.want(200, ScopeRead, "GET", lead, nil)
	owner := got.text("owner")
	if got.text("stage") != "mql" || got.text("handoff.state") != "open" || owner == "" || got.text("grade") != "A1" || got.text("account.key") != "acme.example" {
		t.Fatal(got.Text)
	}
	if got.text("deadlines.0.clause") != "handoffs.mql_to_sales.accept_within" || got.get("deadlines.0.within") != 4.0 || got.text("deadlines.0.unit") != "working hours" {
		t.Error(got.Text)
	}
	tag := got.Header.Get("ETag")
	if again := d.want(304, ScopeRead, "GET", lead, nil, "If-None-Match", tag); again.Text != "" || again.Header.Get("ETag") != tag {
		t.Error(again)
	}

	other := johan
	if owner == johan {
		other = "sara.holm@northwind.example"
	}
	no := d.refusal("refused", ScopeWrite, "POST", lead+"/accept", map[string]any{"actor": other})
	if !strings.Contains(no.text("detail"), "is offered to") {
		t.Error(no.Text)
	}
	// what was refused is on record, so that the lead has moved on
	if again := d.refusal("moved-on", ScopeWrite, "POST", lead+"/accept", map[string]any{"actor": owner}, "If-Match", tag); again.Header.Get("ETag") == tag {
		t.Error(again)
	}
	tag = no.Header.Get("ETag")
	accepted := d.want(200, ScopeWrite, "POST", lead+"/accept", map[string]any{"actor": owner, "note": "on it"}, "If-Match", tag)
	if accepted.text("lead.stage") != "sal" || accepted.text("lead.handoff.state") != "accepted" || accepted.text("lead.handoff.accepted_at") == "" {
		t.Error(accepted.Text)
	}
	if reasons, _ := accepted.get("decision.reasons").([]any); len(reasons) == 0 || accepted.text("decision.reasons.0.clause") != "handoffs.mql_to_sales" || accepted.get("decision.reasons.0.line") == nil {
		t.Error(accepted.Text)
	}
	d.refusal("refused", ScopeWrite, "POST", lead+"/reject", map[string]any{"actor": owner, "reason": "timing"})

	d.now.Add(time.Hour.Microseconds())
	contacted := d.want(200, ScopeWrite, "POST", lead+"/contact", map[string]any{"actor": owner, "outcome": "connected",
		"answers": map[string]any{"need": "a quieter drive", "authority": true}})
	if contacted.text("lead.handoff.contacted_at") == "" || contacted.get("lead.answers.authority") != true || contacted.text("lead.stage") != "sql" {
		t.Error(contacted.Text)
	}
	words := d.refusal("vocabulary", ScopeWrite, "POST", lead+"/hand-back", map[string]any{"actor": owner, "reason": "busy"})
	if diff := cmp.Diff([]any{"timing", "budget", "no_response", "not_decision_maker", "existing_contract", "no_fit", "bad_data", "competitor", "student", "customer", "duplicate", "out_of_territory"}, words.get("errors.0.allowed")); diff != "" || words.text("errors.0.location") != "body.reason" {
		t.Error(diff)
	}
	back := d.want(200, ScopeWrite, "POST", lead+"/hand-back", map[string]any{"actor": owner, "reason": "timing", "note": "in spring", "revisit_at": "2027-03-01T09:00:00+01:00"})
	if back.text("lead.stage") != "nurture" || back.text("lead.revisit_at") != "2027-03-01T08:00:00Z" || back.text("lead.track") != "keep_warm" || back.get("lead.owner") != nil {
		t.Error(back.Text)
	}

	var kinds []string
	for path := lead + "/timeline?limit=3"; path != ""; {
		page := d.want(200, ScopeRead, "GET", path, nil)
		items, _ := page.get("items").([]any)
		if len(items) > 3 {
			t.Errorf("%d in a page of 3", len(items))
		}
		for _, item := range items {
			kinds = append(kinds, item.(map[string]any)["kind"].(string))
		}
		path = strings.TrimPrefix(page.text("next"), restPath)
	}
	if diff := cmp.Diff([]string{"hand_back", "contact", "reject", "accept", "accept", "activity", "activity", "activity", "identify"}, kinds); diff != "" {
		t.Error(diff)
	}
	why := d.want(200, ScopeRead, "GET", lead+"/explain", nil)
	if sections, _ := why.get("sections").([]any); len(sections) < 5 || !strings.Contains(why.Text, "handbacks.timing") {
		t.Error(why.Text)
	}
	may := d.want(200, ScopeRead, "GET", lead+"/may?side=sales&channel=phone", nil)
	if may.get("allowed") != false || may.text("clause.clause") != "rules_of_engagement.default" {
		t.Error(may.Text)
	}
	d.want(200, ScopeWrite, "POST", lead+"/consent", map[string]any{"status": "objected", "evidence": "by phone"})
	if may := d.want(200, ScopeRead, "GET", lead+"/may?side=marketing", nil); may.get("allowed") != false || may.text("clause.clause") != "consent" {
		t.Error(may.Text)
	}
}

func TestCommands(t *testing.T) {
	d := openDesk(t)
	lead := d.offered("ada@acme.example")
	owner := d.want(200, ScopeRead, "GET", lead, nil).text("owner")
	d.want(200, ScopeWrite, "POST", lead+"/assign", map[string]any{"actor": astrid, "to": "clara.weiss@northwind.example"})
	d.refusal("vocabulary", ScopeWrite, "POST", lead+"/assign", map[string]any{"actor": astrid, "to": "nobody@northwind.example"})
	d.want(200, ScopeWrite, "POST", lead+"/own-account", map[string]any{"actor": astrid, "owner": "clara.weiss@northwind.example"})
	d.refusal("vocabulary", ScopeWrite, "POST", lead+"/own-account", map[string]any{"actor": astrid, "owner": "nobody@northwind.example"})
	d.want(200, ScopeWrite, "POST", lead+"/join-account", map[string]any{"actor": astrid, "account": "Millbrook Group"})
	d.refusal("refused", ScopeWrite, "POST", lead+"/accept", map[string]any{"actor": owner})
	d.want(200, ScopeWrite, "POST", lead+"/accept", map[string]any{"actor": "clara.weiss@northwind.example"})
	answered := d.want(200, ScopeWrite, "POST", lead+"/answer", map[string]any{"answers": map[string]any{"need": "one", "authority": true, "timeline": "this_year"}})
	if answered.text("lead.answers.timeline") != "this_year" {
		t.Error(answered.Text)
	}
	for _, bad := range []map[string]any{{"colour": "red"}, {"timeline": "someday"}, {"authority": map[string]any{}}} {
		d.refusal("vocabulary", ScopeWrite, "POST", lead+"/answer", map[string]any{"answers": bad})
	}
	d.refusal("invalid", ScopeWrite, "POST", lead+"/answer", map[string]any{"answers": map[string]any{}})
	d.want(200, ScopeWrite, "POST", lead+"/contact", map[string]any{"actor": "clara.weiss@northwind.example", "outcome": "meeting", "at": "2026-11-23T12:00:00Z"})
	d.refusal("invalid", ScopeWrite, "POST", lead+"/contact", map[string]any{"actor": astrid, "outcome": "meeting", "at": "2030-01-01T00:00:00Z"})
	moves := d.refusal("vocabulary", ScopeWrite, "POST", lead+"/move", map[string]any{"actor": astrid, "transition": "qualify"})
	if diff := cmp.Diff([]any{"confirm", "pursue", "win", "lose"}, moves.get("errors.0.allowed")); diff != "" {
		t.Error(diff)
	}
	if moved := d.want(200, ScopeWrite, "POST", lead+"/move", map[string]any{"actor": astrid, "transition": "pursue"}); moved.text("lead.stage") != "opportunity" {
		t.Error(moved.Text)
	}
	won := d.want(200, ScopeWrite, "POST", lead+"/win", map[string]any{"actor": astrid, "value": 42000})
	if won.text("lead.outcome") != "won" || won.get("lead.value") != 42000.0 {
		t.Error(won.Text)
	}
	d.refusal("refused", ScopeWrite, "POST", lead+"/lose", map[string]any{"actor": astrid, "reason": "price"})
	d.refusal("not-found", ScopeWrite, "POST", "/leads/999999/accept", map[string]any{"actor": astrid})
	d.refusal("not-found", ScopeWrite, "POST", "/leads/nobody@acme.example/accept", map[string]any{"actor": astrid})
	d.refusal("vocabulary", ScopeWrite, "POST", lead+"/accept", map[string]any{"actor": "stranger@northwind.example"})
	if problems, err := d.st.Problems(context.Background(), 10); err != nil || len(problems) > 0 {
		t.Errorf("kept as problems: %v %v", problems, err)
	}
}

func TestHowRequestsAreWrong(t *testing.T) {
	d := openDesk(t)
	lead := d.offered("ada@acme.example")
	accept := lead + "/accept"
	for _, c := range []struct {
		kind, method, path string
		body               any
		headers            []string
		detail             string
	}{
		{"malformed", "POST", accept, `{"actor":`, nil, ""},
		{"invalid", "POST", accept, `{}`, nil, "actor"},
		{"invalid", "POST", accept, `{"actor": "a@b.c", "colour": "red"}`, nil, "colour"},
		{"invalid", "POST", accept, `{"actor": 5}`, nil, "string"},
		{"malformed", "POST", accept, ``, nil, "required"},
		{"too-large", "POST", accept, `{"actor": "` + strings.Repeat("a", mostRest) + `"}`, nil, ""},
		{"media-type", "POST", accept, `{}`, []string{"Content-Encoding", "gzip"}, "plain"},
		{"moved-on", "POST", accept, map[string]any{"actor": astrid}, []string{"If-Match", `"sunday"`}, ""},
		{"invalid", "GET", "/leads?limit=201", nil, nil, "limit"},
		{"invalid", "GET", "/leads?limit=0", nil, nil, "limit"},
		{"invalid", "GET", "/leads?limit=many", nil, nil, "limit"},
		{"invalid", "GET", "/leads?colour=red", nil, nil, "colour"},
		{"invalid", "GET", "/leads?cursor=AAAA", nil, nil, "cursor"},
		{"invalid", "GET", "/leads?email=none", nil, nil, "e-mail"},
		{"invalid", "GET", "/leads?updated_after=sunday", nil, nil, "updated_after"},
		{"invalid", "GET", lead + "/may", nil, nil, "actor"},
		{"vocabulary", "GET", lead + "/may?side=sales&channel=pigeon", nil, nil, "newsletter"},
		{"vocabulary", "GET", lead + "/may?actor=stranger", nil, nil, "team"},
		{"not-found", "GET", "/leads/none", nil, nil, ""},
		{"not-found", "GET", "/accounts/999", nil, nil, "account 999"},
		{"not-found", "GET", "/imports/999", nil, nil, "import 999"},
		{"not-found", "DELETE", "/members/stranger@northwind.example", nil, nil, "team"},
		{"invalid", "GET", "/reports/guess", nil, nil, ""},
		{"vocabulary", "GET", "/reports/funnel?by=colour", nil, nil, "possible are"},
		{"invalid", "GET", "/reports/funnel?since=2026-03-02&until=2026-03-01", nil, nil, "before"},
	} {
		a := d.refusal(c.kind, ScopeWrite, c.method, c.path, c.body, c.headers...)
		if !strings.Contains(a.text("detail"), c.detail) {
			t.Errorf("%s %s: %s", c.method, c.path, a.Text)
		}
		if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s: %v", c.method, c.path, a.Header)
		}
	}
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/api/v1/nothing", 404, ""}, {"GET", "/api/v2/leads", 404, ""}, {"PUT", "/api/v1/leads", 405, "GET"},
		{"DELETE", "/api/v1/leads/1/accept", 405, "POST"}, {"GET", "/api/v1/leads/1/accept", 405, "POST"}, {"PATCH", "/api/v1/keys/1", 405, "DELETE"},
	} {
		a, err := d.site.web.Client().Do(must(http.NewRequest(c.method, d.web.URL+c.path, nil)))
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != c.status || a.Header.Get("Allow") != c.allow || a.Header.Get("Content-Type") != problemMedia {
			t.Errorf("%s %s: %d %v", c.method, c.path, a.StatusCode, a.Header)
		}
	}
}

func TestMergedLeads(t *testing.T) {
	d := openDesk(t)
	d.offered("ada@acme.example")
	d.known("ada@home.example")
	one, two := d.want(200, ScopeRead, "GET", "/leads/ada@acme.example", nil), d.want(200, ScopeRead, "GET", "/leads/ada@home.example", nil)
	gone := fmt.Sprintf("/leads/%v", two.get("id"))
	body := map[string]any{"actor": astrid, "with": "ada@acme.example", "note": "met her"}
	merged := d.want(200, ScopeWrite, "POST", gone+"/merge", body, "Idempotency-Key", "m1")
	if merged.get("lead.id") != one.get("id") || merged.text("lead.stage") != "mql" {
		t.Fatal(merged.Text)
	}
	if again := d.want(200, ScopeWrite, "POST", gone+"/merge", body, "Idempotency-Key", "m1"); again.Header.Get("Idempotency-Replayed") != "true" || again.get("decision.input") != merged.get("decision.input") {
		t.Error(again.Text)
	}
	body["note"] = "did not"
	d.refusal("key-reused", ScopeWrite, "POST", gone+"/merge", body, "Idempotency-Key", "m1")
	// the number of the one that is gone leads to the other, and so does its address; commands reach it
	req := must(http.NewRequest("GET", d.web.URL+restPath+gone, nil))
	req.Header.Set("Authorization", "Bearer "+d.keys[ScopeRead])
	if a := d.do(req); a.Status != 308 || a.Header.Get("Location") != fmt.Sprintf("%s/leads/%v", restPath, one.get("id")) {
		t.Error(a)
	}
	for _, path := range []string{gone, "/leads/ada@home.example", "/leads?email=ada@home.example"} {
		if a := d.want(200, ScopeRead, "GET", path, nil); a.get("id") != one.get("id") && a.get("items.0.id") != one.get("id") {
			t.Errorf("%s: %s", path, a.Text)
		}
	}
	d.want(200, ScopeWrite, "POST", gone+"/accept", map[string]any{"actor": one.text("owner")})
	d.refusal("not-found", ScopeWrite, "POST", gone+"/merge", map[string]any{"actor": astrid, "with": "nobody@acme.example"})
	d.refusal("refused", ScopeWrite, "POST", gone+"/merge", map[string]any{"actor": astrid, "with": "ada@acme.example"})
	if split := d.want(200, ScopeWrite, "POST", gone+"/split", map[string]any{"actor": astrid}); split.get("lead.id") != one.get("id") {
		t.Error(split.Text)
	}
	if back := d.want(200, ScopeRead, "GET", "/leads/ada@home.example", nil); back.get("id") != two.get("id") {
		t.Error(back.Text)
	}
	d.refusal("refused", ScopeWrite, "POST", gone+"/split", map[string]any{"actor": astrid})
}

// A panic is a problem like any other, and tells nothing of where it was.
func TestPanicIsAProblem(t *testing.T) {
	d := openDesk(t)
	guarded{d.api}.HandleFunc("GET /api/v1/boom", func(http.ResponseWriter, *http.Request) { panic("in secret.go") })
	a := d.refusal("internal", ScopeRead, "GET", "/boom", nil)
	if strings.Contains(a.Text, "secret") || !strings.Contains(d.logs.String(), "secret") {
		t.Error(a.Text)
	}
	d.logs.Reset()
}

// What is odd is answered, by the document (FuzzREST looks for more).
func TestOddRequests(t *testing.T) {
	d := openDesk(t)
	d.offered("ada@acme.example")
	long := strings.Repeat("é", 100)
	for _, c := range []struct {
		status       int
		method, path string
		body         string
	}{
		{400, "GET", "/leads/%00", ""}, {400, "GET", "/leads?stage=%00", ""}, {400, "GET", "/leads?stage=%ff", ""}, {400, "GET", "/activities?lead=%zz", ""},
		{404, "GET", "/leads/-1", ""}, {404, "GET", "/leads/9223372036854775807", ""}, {404, "GET", "/leads/999999999999999999999", ""}, {404, "GET", "/leads/" + long, ""},
		{400, "POST", "/leads/ada@acme.example/accept", `{"actor": "\u0000"}`},
		{422, "POST", "/leads/ada@acme.example/contact", `{"actor": "` + astrid + `", "outcome": "connected", "at": "0001-01-01T00:00:00Z"}`},
		{409, "POST", "/leads/ada@acme.example/reject", `{"actor": "` + astrid + `", "reason": "timing", "revisit_at": "0001-01-01T00:00:00Z"}`},
		{422, "POST", "/activities", `{"activities": [{"lead": 999999, "activity": "x"}]}`},
		{200, "POST", "/activities", `{"activities": [{"user_id": "\ud800", "attributes": {"email": "q@b.example", "": {"": {}}}, "activity": "x", "properties": {"a": {"b": [1, null]}}}]}`},
		{400, "POST", "/activities", `{"activities": [{"user_id": "u", "activity": "x", "properties": {"a": 1e999}}]}`},
		{200, "POST", "/members", `{"id": "a@b.example", "name": "` + long + `", "side": "sales", "capacity": 99999}`},
		{200, "POST", "/members/a@b.example/absences", `{"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}`},
		{422, "POST", "/members", `{"id": "a@b.example", "side": "sales", "weight": 0.5}`},
		{200, "POST", "/agreement/check", `{"source": "agreement: x", "files": {"../../etc/passwd": "b"}}`},
		{400, "POST", "/members", strings.Repeat(`[`, 20_000)},
	} {
		d.want(c.status, ScopeWrite, c.method, c.path, c.body)
	}
	d.refusal("invalid", ScopeWrite, "POST", "/leads/ada@acme.example/accept", map[string]any{"actor": astrid}, "Idempotency-Key", "caf\xe9")
}

// Of two who decide on the same picture of a lead, one is reply to look again.
func TestIfMatchRace(t *testing.T) {
	d := openDesk(t)
	for round := range 20 {
		lead := d.offered(fmt.Sprintf("ada%d@acme.example", round))
		d.ask(ScopeWrite, "POST", restPath+lead+"/assign", map[string]any{"actor": astrid, "to": "mikko.laine@northwind.example"}) // who may have it already
		tag := d.want(200, ScopeRead, "GET", lead, nil).Header.Get("ETag")
		bodies := []map[string]any{{"actor": "mikko.laine@northwind.example"}, {"actor": astrid}}
		answers := make([]reply, len(bodies))
		errs := make([]error, len(bodies))
		var both sync.WaitGroup
		for i, body := range bodies {
			both.Go(func() {
				answers[i], errs[i] = d.try(ScopeWrite, "POST", restPath+lead+"/accept", body, "If-Match", tag)
			})
		}
		both.Wait()
		statuses := []int{answers[0].Status, answers[1].Status}
		slices.Sort(statuses)
		if errs[0] != nil || errs[1] != nil || !slices.Equal(statuses, []int{200, 412}) {
			t.Fatalf("round %d: %v %v\n%s%s", round, statuses, errs, answers[0].Text, answers[1].Text)
		}
	}
}

func TestIdempotency(t *testing.T) {
	d := openDesk(t)
	lead := d.offered("ada@acme.example")
	shown := d.want(200, ScopeRead, "GET", lead, nil)
	owner, tag := shown.text("owner"), shown.Header.Get("ETag")
	body := map[string]any{"actor": owner, "note": "mine"}
	first := d.want(200, ScopeWrite, "POST", lead+"/accept", body, "Idempotency-Key", "k1", "If-Match", tag)
	d.now.Add(time.Minute.Microseconds())
	again := d.want(200, ScopeWrite, "POST", lead+"/accept", body, "Idempotency-Key", "k1", "If-Match", tag)
	if first.Header.Get("Idempotency-Replayed") != "" || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error(first.Header, again.Header)
	}
	if diff := cmp.Diff(first.Body, again.Body); diff != "" {
		t.Error(diff)
	}
	for _, other := range []struct {
		path string
		body map[string]any
	}{
		{lead + "/accept", map[string]any{"actor": owner}},
		{lead + "/accept", map[string]any{"actor": owner, "note": "mine", "at": "2026-11-23T11:00:00Z"}},
		{lead + "/contact", map[string]any{"actor": owner, "note": "mine", "outcome": "connected"}},
		{d.offered("bo@acme.example") + "/accept", body},
		{"/members", map[string]any{"id": "new@northwind.example", "side": "sales"}},
	} {
		d.refusal("key-reused", ScopeWrite, "POST", other.path, other.body, "Idempotency-Key", "k1")
	}
	// another sender has keys of its own
	d.keys["second"] = d.want(201, ScopeAdmin, "POST", "/keys", map[string]any{"name": "second", "scope": "write"}).text("secret")
	d.refusal("refused", "second", "POST", lead+"/accept", body, "Idempotency-Key", "k1")
	if no := d.refusal("refused", "second", "POST", lead+"/accept", body, "Idempotency-Key", "k1"); no.Header.Get("Idempotency-Replayed") != "true" {
		t.Error(no.Header)
	}
	// the same at once, many times
	var all sync.WaitGroup
	answers := make([]reply, 16)
	errs := make([]error, 16)
	for i := range answers {
		all.Go(func() {
			answers[i], errs[i] = d.try(ScopeWrite, "POST", restPath+lead+"/contact", map[string]any{"actor": owner, "outcome": "connected"}, "Idempotency-Key", "k2")
		})
	}
	all.Wait()
	fresh := 0
	for i, a := range answers {
		if errs[i] != nil || a.Status != 200 || a.get("decision.input") != answers[0].get("decision.input") {
			t.Fatal(errs[i], a.Text)
		}
		if a.Header.Get("Idempotency-Replayed") == "" {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d of 16 were done", fresh)
	}
}

// Pages hold every lead that was there at first, once, while others arrive and change.
func TestPagesWhileLeadsArrive(t *testing.T) {
	d := openDesk(t)
	email := func(i int) string { return fmt.Sprintf("p%04d@acme.example", i) }
	for i := range 250 {
		d.known(email(i))
	}
	seen := map[string]int{}
	last, more := 0.0, 250
	for path := "/leads?limit=7&origin=marketing"; path != ""; {
		page := d.want(200, ScopeRead, "GET", path, nil)
		items, _ := page.get("items").([]any)
		for _, item := range items {
			l := item.(map[string]any)
			seen[l["email"].(string)]++
			if l["id"].(float64) <= last {
				t.Fatalf("%v follows %v", l["id"], last)
			}
			last = l["id"].(float64)
		}
		next := page.text("next")
		if want := "<" + next + `>; rel="next"`; next != "" && page.Header.Get("Link") != want || next == "" && page.Header.Get("Link") != "" {
			t.Errorf("Link: %s", page.Header.Get("Link"))
		}
		path = strings.TrimPrefix(next, restPath)
		if more < 300 {
			d.known(email(more))
			d.post("/v1/track", []byte(fmt.Sprintf(`{"userId": %q, "messageId": "v%d", "event": "Pricing Viewed"}`, email(more-250), more)))
			more++
		}
	}
	for i := range 250 {
		if seen[email(i)] != 1 {
			t.Errorf("%s was on %d pages", email(i), seen[email(i)])
		}
	}
	// a cursor is of one question
	cursor := d.want(200, ScopeRead, "GET", "/leads?limit=1&stage=lead", nil).text("next_cursor")
	d.want(200, ScopeRead, "GET", "/leads?limit=5&stage=lead&cursor="+cursor, nil)
	d.refusal("invalid", ScopeRead, "GET", "/leads?limit=1&stage=mql&cursor="+cursor, nil)
	d.refusal("invalid", ScopeRead, "GET", "/accounts?cursor="+cursor, nil)
}

func TestFilters(t *testing.T)           { filters(t, openDesk(t)) }
func TestFiltersOnPostgres(t *testing.T) { filters(t, deskOn(t, pgtest.Database(t))) }

func filters(t *testing.T, d *desk) {
	t.Helper()
	lead := d.offered("ada@acme.example")
	d.offered("bo@other.example")
	d.known("cy@acme.example")
	a := d.want(200, ScopeRead, "GET", lead, nil)
	for query, want := range map[string]int{
		"stage=mql": 2, "stage=lead": 1, "stage=sql": 0, "side=marketing": 3, "grade=A1": 2, "email=ADA@acme.example": 1, "email=no@acme.example": 0,
		"email=ada@acme.example&stage=lead": 0, "owner=" + a.text("owner") + "&stage=mql&email=ada@acme.example": 1, "outcome=open": 3, "outcome=won": 0, "consent=not_asked": 3, "origin=sales": 0,
		fmt.Sprintf("account=%v", a.get("account.id")): 2, "updated_after=2026-11-23T11:59:59Z": 3, "updated_after=2026-11-23T12:00:00Z": 0,
		"created_after=2026-11-23T11:59:59Z": 3, "queue=unassigned": 0,
	} {
		page := d.want(200, ScopeRead, "GET", "/leads?"+query, nil)
		if items, _ := page.get("items").([]any); len(items) != want {
			t.Errorf("%s gives %d leads, not %d", query, len(items), want)
		}
	}
	accounts := d.want(200, ScopeRead, "GET", "/accounts?domain=https://www.acme.example/", nil)
	id := accounts.get("items.0.id")
	account := d.want(200, ScopeRead, "GET", fmt.Sprintf("/accounts/%v", id), nil)
	if leads, _ := account.get("leads").([]any); len(leads) != 2 || account.text("name") != "Acme" || account.get("attributes.company.employees") != nil && account.text("key") != "acme.example" {
		t.Error(account.Text)
	}
	if attributes, _ := account.get("attributes").(map[string]any); attributes["company.employees"] != 420.0 {
		t.Error(account.Text)
	}
}

// A filter for what there cannot be is a mistake, and said to be one, with what may be meant; a stage that only an earlier agreement had is none.
func TestFiltersForWhatThereIsNot(t *testing.T) {
	d := openDesk(t)
	lead := d.offered("ada@acme.example")
	owner := d.want(200, ScopeRead, "GET", lead, nil).text("owner")
	d.want(200, ScopeWrite, "POST", lead+"/reject", map[string]any{"actor": owner, "reason": "competitor"})
	for _, c := range []struct{ query, kind, location, value, near, other string }{
		{"stage=mqll", "vocabulary", "query.stage", "mqll", "mql", "sal"},
		{"stage=MQL", "vocabulary", "query.stage", "MQL", "mql", "sal"},
		{"stage=moon&email=ada@acme.example", "vocabulary", "query.stage", "moon", "", "sal"},
		{"stage=disqualified_", "vocabulary", "query.stage", "disqualified_", "disqualified", "won"},
		{"queue=unasigned", "vocabulary", "query.queue", "unasigned", "unassigned", ""},
		{"grade=a1", "invalid", "query.grade", "a1", "A1", "D4"},
		{"grade=E1", "invalid", "query.grade", "E1", "A1", "D4"},
		{"side=sale", "invalid", "query.side", "sale", "sales", "marketing"},
		{"outcome=walkedaway", "invalid", "query.outcome", "walkedaway", "walked_away", "open"},
		{"consent=object", "invalid", "query.consent", "object", "objected", "granted"},
		{"origin=partner", "invalid", "query.origin", "partner", "", "marketing"},
	} {
		a := d.refusal(c.kind, ScopeRead, "GET", "/leads?"+c.query, nil)
		detail := a.text("detail")
		allowed := fmt.Sprint(a.get("errors.0.allowed"))
		if a.text("errors.0.location") != c.location || !strings.Contains(detail, strconv.Quote(c.value)) || !strings.Contains(detail, strings.TrimPrefix(c.location, "query.")) ||
			!strings.Contains(detail, c.other) || !strings.Contains(allowed, c.other) || !strings.Contains(allowed, c.near) {
			t.Errorf("%s: %s", c.query, a.Text)
		}
		if meant := "did you mean " + c.near + "?"; c.near != "" && !strings.Contains(detail, meant) || c.near == "" && strings.Contains(detail, "did you mean") {
			t.Errorf("%s: %s", c.query, a.Text)
		}
	}
	// the lead is done with: it stays in the stage as its agreement calls it
	source := d.want(200, ScopeRead, "GET", "/agreement", nil).text("source")
	next := strings.NewReplacer("final: disqualified", "final: disqualified", "disqualified", "parked", "unassigned", "reserve").Replace(source) +
		"\nrenamed:\n  stages: {disqualified: parked}\n  queues: {unassigned: reserve}\n"
	d.want(200, ScopeAdmin, "POST", "/agreement", map[string]any{"source": next}, "If-Match", "*")
	for query, want := range map[string]int{"stage=disqualified": 1, "stage=parked": 0, "queue=unassigned": 0, "queue=reserve": 0} {
		page := d.want(200, ScopeRead, "GET", "/leads?"+query, nil)
		if items, _ := page.get("items").([]any); len(items) != want {
			t.Errorf("%s gives %d leads, not %d", query, len(items), want)
		}
	}
	if a := d.refusal("vocabulary", ScopeRead, "GET", "/leads?stage=parke", nil); !strings.Contains(a.text("detail"), "did you mean parked?") || !strings.Contains(a.text("detail"), "disqualified") {
		t.Error(a.Text)
	}
}

func TestActivities(t *testing.T) {
	d := openDesk(t)
	body := map[string]any{"activities": []any{
		map[string]any{"email": "ada@acme.example", "activity": "Demo Requested", "attributes": map[string]any{"seniority": "director", "company": map[string]any{"employee_count": 420}}},
		map[string]any{"email": "ada@acme.example", "user_id": "u1", "activity": "page_viewed", "properties": map[string]any{"path": "/pricing"}, "at": "2026-11-22T10:00:00Z"},
		map[string]any{"email": "bo@acme.example", "attributes": map[string]any{"country": "SE"}},
	}}
	added := d.want(200, ScopeWrite, "POST", "/activities", body, "Idempotency-Key", "a1")
	if items, _ := added.get("items").([]any); len(items) != 3 || added.get("items.0.lead") != added.get("items.1.lead") || added.get("items.0.lead") == added.get("items.2.lead") {
		t.Error(added.Text)
	}
	again := d.want(200, ScopeWrite, "POST", "/activities", body, "Idempotency-Key", "a1")
	if again.get("items.0.repeated") != true || again.get("items.2.repeated") != true || again.get("items.1.input") != added.get("items.1.input") {
		t.Error(again.Text)
	}
	// what is new under a key that was used would count as known, and be lost
	told := body["activities"].([]any)
	other := func(part int, name string, v any) []any {
		list := slices.Clone(told)
		one := maps.Clone(list[part].(map[string]any))
		one[name] = v
		list[part] = one
		return list
	}
	for name, list := range map[string][]any{
		"fewer": told[:2], "more": append(slices.Clone(told), map[string]any{"email": "eve@acme.example", "activity": "x"}), "another lead": other(0, "email", "bo@acme.example"),
		"a lead that is new": other(0, "email", "eve@acme.example"), "another activity": other(0, "activity", "page_viewed"), "other properties": other(1, "properties", map[string]any{"path": "/"}),
		"another time": other(1, "at", "2026-11-22T10:00:01Z"), "other attributes": other(2, "attributes", map[string]any{"country": "NO"}),
		"attributes more": other(1, "attributes", map[string]any{"country": "NO"}), "another order": {told[1], told[0], told[2]},
	} {
		a := d.refusal("key-reused", ScopeWrite, "POST", "/activities", map[string]any{"activities": list}, "Idempotency-Key", "a1")
		if a.text("errors.0.location") != "header.Idempotency-Key" {
			t.Error(name, a.Text)
		}
	}
	d.refusal("not-found", ScopeRead, "GET", "/leads/eve@acme.example", nil)
	list := d.want(200, ScopeRead, "GET", "/activities?lead=user:u1", nil)
	if items, _ := list.get("items").([]any); len(items) != 2 || list.text("items.0.name") != "page_viewed" || list.text("items.0.values.path") != "/pricing" || list.text("items.0.at") != "2026-11-22T10:00:00Z" {
		t.Error(list.Text)
	}
	if got := d.want(200, ScopeRead, "GET", "/leads/ada@acme.example", nil); got.text("attributes.seniority") != "director" {
		t.Error(got.Text)
	}
	for _, bad := range []map[string]any{{"activity": "x"}, {"email": "none", "activity": "x"}, {"email": "a@b.example"}, {"email": "a@b.example", "activity": "x", "at": "2040-01-01T00:00:00Z"},
		{"email": "a@b.example", "activity": "x", "properties": []any{}}} {
		a := d.refusal("invalid", ScopeWrite, "POST", "/activities", map[string]any{"activities": []any{map[string]any{"email": "new@b.example", "activity": "x"}, bad}})
		if !strings.HasPrefix(a.text("errors.0.location"), "body.activities[1]") {
			t.Error(a.Text)
		}
	}
	d.refusal("not-found", ScopeRead, "GET", "/leads/new@b.example", nil)
}

func TestTeam(t *testing.T) {
	d := openDesk(t)
	if list := d.want(200, ScopeRead, "GET", "/members", nil); list.text("items.0.id") != astrid || list.text("items.0.name") != "Astrid Berg" {
		t.Error(list.Text)
	}
	body := map[string]any{"id": "Nils@Northwind.example", "name": "Nils Ek", "side": "sales", "manager": astrid, "pools": []string{"nordics"}, "weight": 2}
	set := d.want(200, ScopeWrite, "POST", "/members", body, "Idempotency-Key", "m1")
	if set.text("id") != "nils@northwind.example" || set.get("weight") != 2.0 || set.text("pools.0") != "nordics" || set.get("active") != true {
		t.Error(set.Text)
	}
	if again := d.want(200, ScopeWrite, "POST", "/members", body, "Idempotency-Key", "m1"); again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error(again.Header)
	}
	d.refusal("vocabulary", ScopeWrite, "POST", "/members", map[string]any{"id": "x@northwind.example", "side": "sales", "pools": []string{"moon"}})
	away := map[string]any{"from": "2026-12-07T00:00:00+01:00", "to": "2026-12-14T00:00:00+01:00"}
	absent := d.want(200, ScopeWrite, "POST", "/members/nils@northwind.example/absences", away, "Idempotency-Key", "m2")
	if absent.text("away.0.to") != "2026-12-13T23:00:00Z" {
		t.Error(absent.Text)
	}
	away["from"] = "2026-12-08T00:00:00+01:00"
	d.refusal("key-reused", ScopeWrite, "POST", "/members/nils@northwind.example/absences", away, "Idempotency-Key", "m2")
	d.refusal("invalid", ScopeWrite, "POST", "/members/nils@northwind.example/absences", map[string]any{"from": "2026-12-14T00:00:00Z", "to": "2026-12-14T00:00:00Z"})
	if left := d.want(200, ScopeWrite, "DELETE", "/members/nils@northwind.example", nil); left.get("active") != false {
		t.Error(left.Text)
	}
}

// Whoever the agreement does not name is given hours and a time zone; the deadlines that run for them move.
func TestHoursOfMembers(t *testing.T) {
	d := openDesk(t)
	const nils = "nils@northwind.example"
	body := map[string]any{"id": nils, "side": "sales", "pools": []string{"nordics"}, "timezone": "America/New_York", "hours": "mon-thu: 9:00-12:00, 13:00-17:30; fri 09:00-15:00"}
	set := d.want(200, ScopeWrite, "POST", "/members", body)
	if set.text("timezone") != "America/New_York" || set.text("hours") != "mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00" || set.get("own_hours") != true {
		t.Error(set.Text)
	}
	lead := d.offered("ada@acme.example")
	d.want(200, ScopeWrite, "POST", lead+"/assign", map[string]any{"actor": astrid, "to": nils})
	due := func() string {
		if _, err := d.en.Tick(t.Context(), d.now.Load()); err != nil {
			t.Fatal(err)
		}
		return d.want(200, ScopeRead, "GET", lead, nil).text("deadlines.0.due_at")
	}
	before := due()
	body["hours"], body["timezone"] = "sat-sun 10:00-14:00", ""
	if set = d.want(200, ScopeWrite, "POST", "/members", body); set.text("hours") != "sat-sun 10:00-14:00" || set.text("timezone") != "Europe/Stockholm" {
		t.Error(set.Text)
	}
	if after := due(); before == "" || after == before {
		t.Errorf("the deadline was %s and is %s", before, after)
	}
	if said := d.want(200, ScopeRead, "GET", lead+"/timeline", nil).Text; !strings.Contains(said, "works, at other times now") {
		t.Error("the timeline does not say why the deadline moved")
	}
	delete(body, "hours")
	delete(body, "timezone")
	if set = d.want(200, ScopeWrite, "POST", "/members", body); set.get("own_hours") != false || set.text("hours") == "" {
		t.Error(set.Text)
	}
	for field, values := range map[string][]string{"hours": {"9-5", "mon-fri", "mon-fri 17:00-09:00", "mon 09:00-12:00; mon 13:00-14:00"}, "timezone": {"Mars/Base", "Local", "CEST"}} {
		for _, v := range values {
			a := d.refusal("invalid", ScopeWrite, "POST", "/members", map[string]any{"id": nils, "side": "sales", field: v})
			if a.text("errors.0.location") != "body."+field {
				t.Errorf("%s %s: %s", field, v, a.Text)
			}
		}
	}
	a := d.refusal("refused", ScopeWrite, "POST", "/members", map[string]any{"id": astrid, "side": "sales", "timezone": "UTC"})
	if !strings.Contains(a.Text, "stands in the agreement, under people."+astrid) {
		t.Error(a.Text)
	}
}

func TestAgreementOverREST(t *testing.T) {
	d := openDesk(t)
	d.offered("ada@acme.example")
	got := d.want(200, ScopeRead, "GET", "/agreement", nil)
	source, tag := got.text("source"), got.Header.Get("ETag")
	d.want(304, ScopeRead, "GET", "/agreement", nil, "If-None-Match", tag)
	if doc := d.want(200, ScopeRead, "GET", "/agreement/document", nil); !strings.HasPrefix(doc.Text, "# Northwind") || !strings.Contains(doc.Header.Get("Content-Type"), "markdown") {
		t.Error(doc.Text[:100])
	}
	if doc := d.want(200, ScopeRead, "GET", "/agreement/document?format=html", nil); !strings.HasPrefix(doc.Text, "<!doctype html") || strings.Contains(doc.Header.Get("Content-Security-Policy"), "script") {
		t.Error(doc.Text[:100], doc.Header)
	}
	bad := strings.Replace(source, "stage == \"sql\"", "stage == \"sqll\"", 1)
	if check := d.want(200, ScopeRead, "POST", "/agreement/check", map[string]any{"source": bad}); check.get("works") != false || check.get("findings.0.line") == 0.0 || check.text("findings.0.code") == "" {
		t.Error(check.Text)
	}
	if check := d.want(200, ScopeRead, "POST", "/agreement/check", source, "Content-Type", "application/yaml"); check.get("works") != true {
		t.Error(check.Text)
	}
	if p := d.refusal("findings", ScopeAdmin, "POST", "/agreement", map[string]any{"source": bad}); p.get("findings.0.line") == nil {
		t.Error(p.Text)
	}
	if same := d.want(200, ScopeAdmin, "POST", "/agreement", map[string]any{"source": source}); same.get("changed") != false || same.get("version") != 1.0 {
		t.Error(same.Text)
	}
	next := strings.ReplaceAll(source, "competitor", "rival")
	d.refusal("moved-on", ScopeAdmin, "POST", "/agreement", map[string]any{"source": next}, "If-Match", `"other"`)
	if p := d.refusal("state-needed", ScopeAdmin, "POST", "/agreement", map[string]any{"source": next}); p.Status != 428 || p.Header.Get("ETag") != tag {
		t.Error(p.Status, p.Header)
	}
	done := d.want(200, ScopeAdmin, "POST", "/agreement", map[string]any{"source": next}, "If-Match", "W/"+tag) // as proxies that pack answers have it
	if done.get("changed") != true || done.get("version") != 2.0 || done.Header.Get("ETag") == tag {
		t.Error(done.Text)
	}
	if list := d.want(200, ScopeRead, "GET", "/agreement/versions", nil); list.get("items.1.version") != 2.0 {
		t.Error(list.Text)
	}
	owner := d.want(200, ScopeRead, "GET", "/leads/ada@acme.example", nil).text("owner")
	d.refusal("vocabulary", ScopeWrite, "POST", "/leads/ada@acme.example/reject", map[string]any{"actor": owner, "reason": "competitor"})
	d.want(200, ScopeWrite, "POST", "/leads/ada@acme.example/reject", map[string]any{"actor": owner, "reason": "rival"})
	// what is known of a company is, under whichever agreement its lead follows
	d.known("bo@acme.example")
	third := strings.Replace(next, "  name: text ", "  nickname: text\n  name: text ", 1)
	third = strings.Replace(third, "  name: text\n", "  nickname: text\n  name: text\n", 1)
	if done := d.want(200, ScopeAdmin, "POST", "/agreement", map[string]any{"source": third}, "If-Match", "*"); done.get("version") != 3.0 {
		t.Error(done.Text)
	}
	if why := d.want(200, ScopeRead, "GET", "/leads/bo@acme.example/explain", nil); !strings.Contains(why.Text, `{"name":"company.employees","value":"420"}`) {
		t.Error(why.Text)
	}
	// a stage that leads are in cannot go
	gone := strings.ReplaceAll(third, "disqualified", "parked")
	gone = strings.ReplaceAll(gone, "final: parked", "final: disqualified")
	if p := d.refusal("conflict", ScopeAdmin, "POST", "/agreement", map[string]any{"source": gone}, "If-Match", "*"); !strings.Contains(p.text("detail"), "disqualified") {
		t.Error(p.Text)
	}
}

// Of many who let an agreement take the place of the one they know, at two servers on one database, one does; the others are told to look again.
func TestActivateAtTwoServers(t *testing.T) {
	database := pgtest.Database(t)
	desks := []*desk{deskOn(t, database), deskOn(t, database)}
	got := desks[0].want(200, ScopeRead, "GET", "/agreement", nil)
	source, tag := got.text("source"), got.Header.Get("ETag")
	for round := range 3 {
		var together sync.WaitGroup
		answers, errs := make([]reply, 6), make([]error, 6)
		for i := range answers {
			next := strings.ReplaceAll(source, "competitor", fmt.Sprintf("rival_%d_%d", round, i))
			together.Go(func() {
				answers[i], errs[i] = desks[i%2].try(ScopeAdmin, "POST", restPath+"/agreement", map[string]any{"source": next}, "If-Match", tag)
			})
		}
		together.Wait()
		applied := map[string]int{}
		won := ""
		for i, a := range answers {
			switch {
			case errs[i] != nil:
				t.Fatal(errs[i])
			case a.Status == 200 && a.get("changed") == true && a.get("version") == float64(round+2):
				applied["applied"]++
				won = a.Header.Get("ETag")
			case a.Status == 412 && a.text("type") == "/api/#problem-moved-on":
				applied["moved on"]++
				if a.Header.Get("ETag") == tag {
					t.Error(a.Text, a.Header)
				}
			default:
				t.Errorf("%d %s", a.Status, a.Text)
			}
		}
		if diff := cmp.Diff(map[string]int{"applied": 1, "moved on": 5}, applied); diff != "" {
			t.Error(diff)
		}
		if tag = desks[round%2].want(200, ScopeRead, "GET", "/agreement", nil).Header.Get("ETag"); tag != won {
			t.Errorf("%s applies, not %s", tag, won)
		}
	}
}

func TestReportsOverREST(t *testing.T) {
	d := openDesk(t)
	d.offered("ada@acme.example")
	for name := range reports {
		by := "&by=source"
		if name == "rejections" || name == "promises" { // those are by clause, or by commitment
			d.refusal("vocabulary", ScopeRead, "GET", "/reports/"+name+"?by=source", nil)
			by = ""
		}
		a := d.want(200, ScopeRead, "GET", "/reports/"+name+"?since=2026-11-01&until=2026-11-30"+by, nil)
		if a.text("report") != name {
			t.Error(a.Text)
		}
	}
	funnel := d.want(200, ScopeRead, "GET", "/reports/funnel", nil)
	if funnel.text("rows.1.stage") != "mql" || funnel.get("rows.1.entered") != 1.0 {
		t.Error(funnel.Text)
	}
}

func TestKeysOverREST(t *testing.T) {
	d := openDesk(t)
	made := d.want(201, ScopeAdmin, "POST", "/keys", map[string]any{"name": "crm", "scope": "write"})
	d.keys["crm"] = made.text("secret")
	if !strings.HasPrefix(made.text("secret"), "baton_write_") {
		t.Error(made.Text)
	}
	d.want(200, "crm", "GET", "/members", nil)
	if err := d.api.NoteUse(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	list := d.want(200, ScopeAdmin, "GET", "/keys", nil)
	if strings.Contains(list.Text, made.text("secret")) || !strings.Contains(list.Text, `"used_at"`) {
		t.Error(list.Text)
	}
	path := fmt.Sprintf("/keys/%v", made.get("id"))
	d.want(204, ScopeAdmin, "DELETE", path, nil)
	d.refusal("no-key", "crm", "GET", "/members", nil)
	d.refusal("not-found", ScopeAdmin, "DELETE", "/keys/999", nil)
	done, err := d.api.Store.Audits(context.Background(), store.AuditFilter{Subject: "key crm"}, 10)
	if err != nil || len(done) != 2 || done[0].Action != store.RevokedKey || done[1].Action != store.MadeKey || done[1].Address == "" ||
		!strings.HasPrefix(done[0].Actor, "key ") || done[0].Actor == "key crm" {
		t.Errorf("on record: %+v %v", done, err)
	}
	d.refusal("invalid", ScopeAdmin, "POST", "/keys", map[string]any{"name": "c r m", "scope": "write"})
}

func TestAbsencesOverREST(t *testing.T) {
	d := openDesk(t)
	d.api.Seal = must(seal.Parse(seal.New()))
	d.api.Guard = must(channel.NewGuard(nil, false))
	d.want(200, ScopeWrite, "POST", "/members", map[string]any{"id": "nils@northwind.example", "side": "sales", "pools": []string{"emea"}, "per_day": 5,
		"territories": []string{"dach"}, "skills": []string{"energy"}, "accounts": []string{"www.globex.example"}})
	const path = "/members/nils@northwind.example"
	d.want(200, ScopeWrite, "POST", path+"/absences", map[string]any{"from": "2026-12-07T00:00:00Z", "to": "2026-12-14T00:00:00Z"})
	back := d.want(200, ScopeWrite, "DELETE", path+"/absences?from=2026-12-09T00:00:00Z&to=2026-12-11T00:00:00Z", nil)
	if back.text("away.0.to") != "2026-12-09T00:00:00Z" || back.text("away.1.from") != "2026-12-11T00:00:00Z" {
		t.Error(back.Text)
	}
	if back.text("territories.0") != "dach" || back.text("skills.0") != "energy" || back.text("accounts.0") != "globex.example" || back.get("per_day") != 5.0 {
		t.Error(back.Text)
	}
	d.refusal("refused", ScopeWrite, "DELETE", path+"/absences?from=2026-12-09T00:00:00Z&to=2026-12-11T00:00:00Z", nil)
	d.refusal("invalid", ScopeWrite, "DELETE", path+"/absences?from=2026-12-11T00:00:00Z&to=2026-12-09T00:00:00Z", nil)
	set := d.want(200, ScopeWrite, "PUT", path+"/calendar", map[string]any{"url": "https://hr.northwind.example/secret.ics"})
	if set.text("host") != "hr.northwind.example" || strings.Contains(set.Text, "secret") {
		t.Error(set.Text)
	}
	list := d.want(200, ScopeRead, "GET", "/members", nil)
	if !strings.Contains(list.Text, `"host":"hr.northwind.example"`) || strings.Contains(list.Text, "secret") {
		t.Error(list.Text)
	}
	for _, bad := range []string{"http://hr.northwind.example/", "https://127.0.0.1/", "file:///etc/passwd", "lena.ics", "https://me:you@hr.northwind.example/"} {
		d.refusal("invalid", ScopeWrite, "PUT", path+"/calendar", map[string]any{"url": bad})
	}
	d.want(204, ScopeWrite, "DELETE", path+"/calendar", nil)
	d.refusal("not-found", ScopeWrite, "DELETE", path+"/calendar", nil)
	d.refusal("not-found", ScopeWrite, "PUT", "/members/nobody@northwind.example/calendar", map[string]any{"url": "https://hr.northwind.example/"})
	word := d.refusal("vocabulary", ScopeWrite, "POST", "/members", map[string]any{"id": "nils@northwind.example", "side": "sales", "territories": []string{"dahc"}})
	if word.text("errors.0.location") != "body.territories[0]" {
		t.Error(word.Text)
	}
	d.refusal("invalid", ScopeWrite, "POST", "/members", map[string]any{"id": "nils@northwind.example", "side": "sales", "accounts": []string{"gmail.com"}})
}

func TestWebhooksOverREST(t *testing.T) {
	d := openDesk(t)
	d.api.Seal = must(seal.Parse(seal.New()))
	made := d.want(201, ScopeAdmin, "POST", "/webhooks", map[string]any{"url": "https://crm.northwind.example/in", "events": []string{"offered", "won"}})
	secret, path := made.text("secret"), strings.TrimPrefix(made.Header.Get("Location"), restPath)
	if !strings.HasPrefix(secret, "whsec_") || path != "/webhooks/1" {
		t.Error(made.Text, path)
	}
	rotated := d.want(200, ScopeAdmin, "POST", path+"/rotate", map[string]any{"hours": 48})
	if rotated.text("secret") == secret || rotated.text("old_secret_until") == "" {
		t.Error(rotated.Text)
	}
	d.refusal("conflict", ScopeAdmin, "POST", path+"/rotate", map[string]any{})
	d.want(200, ScopeAdmin, "POST", path+"/rotate", map[string]any{"hours": 0})
	list := d.want(200, ScopeAdmin, "GET", "/webhooks", nil)
	if strings.Contains(list.Text, "whsec_") || list.text("items.0.events.1") != "won" || list.get("items.0.old_secret_until") != nil {
		t.Error(list.Text)
	}
	d.want(200, ScopeAdmin, "POST", path+"/enable", nil)
	d.want(204, ScopeAdmin, "DELETE", path, nil)
	for _, gone := range [][2]string{{"DELETE", ""}, {"POST", "/enable"}, {"POST", "/rotate"}} {
		d.refusal("not-found", ScopeAdmin, gone[0], path+gone[1], map[string]any{})
	}
	d.refusal("invalid", ScopeAdmin, "POST", "/webhooks", map[string]any{"url": "crm.northwind.example"})
	d.refusal("invalid", ScopeAdmin, "POST", "/webhooks", map[string]any{"url": "https://me:secret@crm.northwind.example/"})
	words := d.refusal("vocabulary", ScopeAdmin, "POST", "/webhooks", map[string]any{"url": "https://crm.northwind.example/", "events": []string{"sold"}})
	if words.text("errors.0.location") != "body.events[0]" {
		t.Error(words.Text)
	}
}

// Without a key outside the database no secret is kept in it.
func TestWebhooksNeedAKey(t *testing.T) {
	d := openDesk(t)
	no := d.refusal("conflict", ScopeAdmin, "POST", "/webhooks", map[string]any{"url": "https://crm.northwind.example/in"})
	if !strings.Contains(no.text("detail"), "seal-key") {
		t.Error(no.Text)
	}
}

func TestJobsOverREST(t *testing.T) {
	d := openDesk(t)
	for _, who := range []string{"ada@acme.example", "bo@beta.example", "cy@gamma.example"} {
		d.offered(who)
	}
	first := d.want(200, ScopeRead, "GET", "/jobs?limit=2", nil)
	items, _ := first.get("items").([]any)
	if len(items) != 2 || first.text("items.0.event") != "offered" || first.text("items.0.state") != "waiting" || first.text("items.0.next_try") == "" {
		t.Fatal(first.Text)
	}
	rest := d.want(200, ScopeRead, "GET", strings.TrimPrefix(first.text("next"), restPath), nil)
	if more, _ := rest.get("items").([]any); len(more) != 1 || rest.get("next") != nil {
		t.Error(rest.Text)
	}
	path := fmt.Sprintf("/jobs/%.0f", first.get("items.0.id"))
	one := d.want(200, ScopeRead, "GET", path, nil)
	if tries, ok := one.get("attempts").([]any); !ok || len(tries) != 0 || one.text("to") != first.text("items.0.to") {
		t.Error(one.Text)
	}
	d.refusal("conflict", ScopeWrite, "POST", path+"/retry", nil)
	d.refusal("not-found", ScopeWrite, "POST", "/jobs/7/retry", nil)
	if none := d.want(200, ScopeRead, "GET", "/jobs?state=failed", nil); none.Text != "{\"items\":[]}\n" {
		t.Error(none.Text)
	}
	// one that could not be delivered
	now := d.now.Load() + 100*time.Hour.Microseconds()
	taken, err := d.st.WorkJobs(context.Background(), nil, &store.Claim{Now: now, Until: now + 1, Most: 10, Each: 10, Chat: 10})
	if err != nil || len(taken) != 3 {
		t.Fatal(taken, err)
	}
	if _, err := d.st.WorkJobs(context.Background(), []store.Attempt{{Job: taken[0].ID, N: 1, At: now, Outcome: "never", Code: 550, Why: "nobody of that name", State: store.JobFailed}}, nil); err != nil {
		t.Fatal(err)
	}
	failed := d.want(200, ScopeRead, "GET", fmt.Sprintf("/jobs?state=failed&lead=%d", taken[0].Lead), nil)
	if failed.text("items.0.last_error") != "nobody of that name" {
		t.Error(failed.Text)
	}
	again := d.want(200, ScopeWrite, "POST", fmt.Sprintf("/jobs/%d/retry", taken[0].ID), nil)
	if again.text("state") != "waiting" || again.get("attempts.0.code") != 550.0 {
		t.Error(again.Text)
	}
}

// Marketing pauses when sales has the lead, and who speaks all the same is listed.
func TestRulesOfEngagementOverREST(t *testing.T) {
	d := openDesk(t)
	lead := d.offered("ada@acme.example")
	got := d.want(200, ScopeRead, "GET", lead, nil)
	owner := got.text("owner")
	if got.text("marketing.0") != "all" {
		t.Error(got.Text)
	}
	d.want(200, ScopeWrite, "POST", lead+"/accept", map[string]any{"actor": owner})
	if got := d.want(200, ScopeRead, "GET", lead, nil); got.text("marketing.1") != "event" {
		t.Error(got.Text)
	}
	if may := d.want(200, ScopeRead, "GET", lead+"/may?side=marketing&channel=email", nil); may.get("allowed") != false || may.text("holder") != owner {
		t.Error(may.Text)
	}
	other := johan
	if owner == johan {
		other = "sara.holm@northwind.example"
	}
	if none := d.want(200, ScopeRead, "GET", "/conflicts", nil); none.get("items.0") != nil {
		t.Error(none.Text)
	}
	d.want(200, ScopeWrite, "POST", lead+"/contact", map[string]any{"actor": owner, "outcome": "voicemail"})
	said := d.want(200, ScopeWrite, "POST", lead+"/contact", map[string]any{"actor": other, "outcome": "connected"})
	if !strings.Contains(said.Text, "while "+owner+" holds the conversation") {
		t.Error(said.Text)
	}
	list := d.want(200, ScopeRead, "GET", "/conflicts?actor="+other, nil)
	if items, _ := list.get("items").([]any); len(items) != 1 || list.text("items.0.holder") != owner || list.text("items.0.clause") != "rules_of_engagement.in_play" || list.get("items.0.agreement") != 1.0 {
		t.Error(list.Text)
	}
	// it is cited as of the agreement that decided, whatever applies by now
	source := d.want(200, ScopeRead, "GET", "/agreement", nil).text("source")
	d.want(200, ScopeAdmin, "POST", "/agreement", map[string]any{"source": source + "\n# anew\n"}, "If-Match", "*")
	if later := d.want(200, ScopeRead, "GET", "/conflicts?actor="+other, nil); later.get("items.0.agreement") != 1.0 {
		t.Error(later.Text)
	}
	for _, none := range []string{"?actor=" + owner, "?until=2020-01-01T00:00:00Z", "?lead=999", "?since=2099-01-01T00:00:00Z"} {
		if got := d.want(200, ScopeRead, "GET", "/conflicts"+none, nil); got.get("items.0") != nil {
			t.Error(got.Text)
		}
	}
}

// The brief has what a rep needs, and nothing that the agreement leaves out.
func TestBriefOverREST(t *testing.T) {
	d := openDesk(t)
	lead := d.offered("ada@acme.example")
	owner := d.want(200, ScopeRead, "GET", lead, nil).text("owner")
	b := d.want(200, ScopeRead, "GET", lead+"/brief?reader="+owner, nil)
	for path, want := range map[string]any{"stage": "mql", "owner": owner, "handoff": "open", "pass": 1.0, "why_now.stage": "mql", "deadline": "handoffs.mql_to_sales.accept_within",
		"may_speak.allowed": true, "last.kind": "activity", "changed.text": "owner " + owner, "activities.0.worth": "high", "questions.0.name": "need"} {
		if got := b.get(path); got != want {
			t.Errorf("%s is %v, not %v", path, got, want)
		}
	}
	if !strings.HasPrefix(b.text("why_now.clause"), "transitions.") || b.get("points.0.points") == nil || strings.Contains(b.Text, "ada@acme") {
		t.Error(b.Text)
	}
	d.want(200, ScopeWrite, "POST", lead+"/accept", map[string]any{"actor": owner})
	d.want(200, ScopeWrite, "POST", lead+"/contact", map[string]any{"actor": owner, "outcome": "connected", "answers": map[string]any{"need": "a quieter drive"}})
	d.want(200, ScopeWrite, "POST", lead+"/hand-back", map[string]any{"actor": owner, "reason": "timing", "note": "in spring"})
	b = d.want(200, ScopeRead, "GET", lead+"/brief", nil)
	if b.text("answers.0.value") != "a quieter drive" || b.text("before.0.name") != "timing" || b.text("before.0.note") != "in spring" || b.get("before.0.pass") != 1.0 || b.get("owner") != nil {
		t.Error(b.Text)
	}
	d.refusal("vocabulary", ScopeRead, "GET", lead+"/brief?reader=nobody@northwind.example", nil)
	d.want(200, ScopeWrite, "POST", lead+"/consent", map[string]any{"status": "objected"})
	b = d.want(200, ScopeRead, "GET", lead+"/brief", nil)
	if b.text("may_speak.clause.clause") != "consent" || b.get("known.0") != nil || b.get("activities.0") != nil || b.get("answers.0") != nil || !strings.HasPrefix(b.text("name"), "lead ") {
		t.Error(b.Text)
	}
}

func TestInboxOverREST(t *testing.T) {
	d := openDesk(t)
	lead := d.offered("ada@acme.example")
	owner := d.want(200, ScopeRead, "GET", lead, nil).text("owner")
	path := "/members/" + owner + "/inbox"
	list := d.want(200, ScopeWrite, "GET", path+"?unread=true", nil)
	if list.text("items.0.event") != "offered" || !strings.HasPrefix(list.text("items.0.title"), "A lead for you: ") || !strings.HasPrefix(list.text("items.0.todo"), "Please accept it by") ||
		list.get("items.0.times") != 1.0 || list.get("unread") != 1.0 || list.text("items.0.clause") != "alerts.offer" {
		t.Fatal(list.Text)
	}
	for _, p := range []string{path, path + "/unread"} { // what somebody has read is nobody's who only looks
		d.refusal("scope", ScopeRead, "GET", p, nil)
		d.refusal("not-found", ScopeWrite, "GET", strings.Replace(p, owner, "nobody@northwind.example", 1), nil)
	}
	count := d.want(200, ScopeWrite, "GET", path+"/unread", nil)
	if count.get("unread") != 1.0 || count.text("mark") != list.text("mark") {
		t.Error(count.Text)
	}
	d.want(200, ScopeWrite, "POST", lead+"/accept", map[string]any{"actor": owner})
	over := d.want(200, ScopeWrite, "GET", path, nil)
	if over.text("items.0.over") != "it was accepted meanwhile" || over.get("items.0.todo") != nil {
		t.Error(over.Text)
	}
	d.refusal("invalid", ScopeWrite, "POST", path+"/read", map[string]any{})
	if read := d.want(200, ScopeWrite, "POST", path+"/read", map[string]any{"up_to": list.get("items.0.seq")}); read.get("read") != 1.0 || read.get("unread") != 0.0 {
		t.Error(read.Text)
	}
	if again := d.want(200, ScopeWrite, "POST", path+"/read", map[string]any{"ids": []any{list.get("items.0.id")}}); again.get("read") != 0.0 {
		t.Error(again.Text)
	}
	if none := d.want(200, ScopeWrite, "GET", path+"?unread=true", nil); none.get("items.0") != nil || none.text("mark") == list.text("mark") {
		t.Error(none.Text)
	}
	if none := d.want(200, ScopeWrite, "GET", fmt.Sprintf("%s?since=%.0f", path, list.get("items.0.seq")), nil); none.get("items.0") != nil {
		t.Error(none.Text)
	}
}

// scopes is what each operation takes. A new operation gets its line here.
var scopes = map[string]string{
	"list-leads": ScopeRead, "get-lead": ScopeRead, "get-timeline": ScopeRead, "explain-lead": ScopeRead, "get-brief": ScopeRead, "list-conflicts": ScopeRead, "may-speak": ScopeRead,
	"accept-lead": ScopeWrite, "reject-lead": ScopeWrite, "hand-back-lead": ScopeWrite, "contact-lead": ScopeWrite, "answer-lead": ScopeWrite,
	"assign-lead": ScopeWrite, "move-lead": ScopeWrite, "win-lead": ScopeWrite, "lose-lead": ScopeWrite, "consent-lead": ScopeWrite, "own-account-lead": ScopeWrite, "join-account-lead": ScopeWrite,
	"get-queue": ScopeRead, "take-next": ScopeWrite, "take-lead": ScopeWrite, "release-lead": ScopeWrite,
	"get-pipeline": ScopeRead, "get-qualification": ScopeRead, "estimate-lead": ScopeWrite, "walk-away-from-lead": ScopeWrite, "remind-lead": ScopeWrite,
	"merge-leads": ScopeWrite, "split-lead": ScopeWrite,
	"list-accounts": ScopeRead, "get-account": ScopeRead, "list-activities": ScopeRead, "add-activities": ScopeWrite,
	"list-members": ScopeRead, "set-member": ScopeWrite, "remove-member": ScopeWrite, "add-absence": ScopeWrite, "remove-absence": ScopeWrite, "accept-next": ScopeWrite, "set-calendar": ScopeWrite, "remove-calendar": ScopeWrite,
	"get-agreement": ScopeRead, "get-document": ScopeRead, "list-versions": ScopeRead, "check-agreement": ScopeRead, "activate-agreement": ScopeAdmin,
	"get-report": ScopeRead, "start-import": ScopeWrite, "list-imports": ScopeRead, "get-import": ScopeRead, "get-refused": ScopeRead, "undo-import": ScopeWrite,
	"list-inbox": ScopeWrite, "count-inbox": ScopeWrite, "read-inbox": ScopeWrite,
	"list-jobs": ScopeRead, "get-job": ScopeRead, "retry-job": ScopeWrite,
	"list-webhooks": ScopeAdmin, "add-webhook": ScopeAdmin, "rotate-webhook": ScopeAdmin, "enable-webhook": ScopeAdmin, "remove-webhook": ScopeAdmin,
	"list-keys": ScopeAdmin, "make-key": ScopeAdmin, "revoke-key": ScopeAdmin,
}

// Every operation lets in the scopes it should, and no other.
func TestScopes(t *testing.T) {
	d := openDesk(t)
	found := map[string]bool{}
	for _, op := range d.spec.operations {
		want, ok := scopes[op.id]
		if found[op.id] = true; !ok {
			t.Errorf("%s %s (%s) has no scope in this test: say who may use it", op.method, op.path, op.id)
			continue
		}
		if op.scope != want {
			t.Errorf("%s says in the document that it takes %q, not %q", op.id, op.scope, want)
		}
		path := restPath + strings.NewReplacer("{lead}", "999", "{account}", "999", "{member}", "x", "{report}", "sla", "{import}", "999", "{key}", "999", "{job}", "999", "{webhook}", "999", "{queue}", "unassigned").Replace(op.path)
		if strings.Contains(path, "{") {
			t.Errorf("%s: what is to stand in the address?", path)
		}
		for _, scope := range append([]string{"", "revoked"}, Scopes...) {
			a := d.ask(scope, op.method, path, nil)
			let := slices.Index(Scopes, scope) >= slices.Index(Scopes, want)
			switch {
			case d.keys[scope] == "" && (a.Status != 401 || a.Header.Get("WWW-Authenticate") == "" || a.text("detail") == ""):
				t.Errorf("%s without a key: %d %s", op.id, a.Status, a.Text)
			case d.keys[scope] != "" && !let && (a.Status != 403 || !strings.Contains(a.text("detail"), "--scope "+want)):
				t.Errorf("%s with a key for %s: %d %s", op.id, scope, a.Status, a.Text)
			case let && (a.Status == 401 || a.Status == 403 || a.Status >= 500):
				t.Errorf("%s with a key for %s: %d %s", op.id, scope, a.Status, a.Text)
			}
		}
	}
	for id := range scopes {
		if !found[id] {
			t.Errorf("there is no operation %s any more", id)
		}
	}
	// the other way round: what is for events lets in only those who may send them
	for _, scope := range Scopes {
		req := must(http.NewRequest("POST", d.web.URL+"/v1/track", strings.NewReader(`{"userId":"u","event":"x"}`)))
		req.SetBasicAuth(d.keys[scope], "")
		if a, want := d.do(req), map[bool]int{true: 200, false: 403}[scope == ScopeTrack]; a.Status != want {
			t.Errorf("tracking with a key for %s: %d, not %d", scope, a.Status, want)
		}
	}
	// curl says that a body is a form
	d.want(422, ScopeWrite, "POST", "/members", `{"id": "none", "side": "sales"}`, "Content-Type", "application/x-www-form-urlencoded")
	// Basic authentication, as curl -u has it
	req := must(http.NewRequest("GET", d.web.URL+restPath+"/members", nil))
	req.SetBasicAuth(d.keys[ScopeRead], "")
	if a := d.do(req); a.Status != 200 {
		t.Error(a)
	}
}

// contract is the OpenAPI document, to hold answers against.
type contract struct {
	lock       sync.Mutex
	operations []described
	compiler   *jsonschema.Compiler
	schemas    map[string]*jsonschema.Schema
	doc        map[string]any
}

type described struct{ method, path, id, scope string }

func readContract(t testing.TB, a *API) *contract {
	t.Helper()
	text, err := json.Marshal(a.rest.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{schemas: map[string]*jsonschema.Schema{}, compiler: jsonschema.NewCompiler()}
	c.compiler.AssertFormat()
	if err := json.Unmarshal(text, &c.doc); err != nil {
		t.Fatal(err)
	}
	if err := c.compiler.AddResource("mem:///openapi.json", c.doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range c.doc["paths"].(map[string]any) {
		for method, op := range methods.(map[string]any) {
			o := op.(map[string]any)
			scope, _ := o[scopeExtension].(string)
			c.operations = append(c.operations, described{strings.ToUpper(method), path, o["operationId"].(string), scope})
		}
	}
	slices.SortFunc(c.operations, func(a, b described) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return c
}

func (c *contract) schema(pointer string) (*jsonschema.Schema, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if s := c.schemas[pointer]; s != nil {
		return s, nil
	}
	s, err := c.compiler.Compile("mem:///openapi.json#" + pointer)
	if err == nil {
		c.schemas[pointer] = s
	}
	return s, err
}

func pointer(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(p)))
	}
	return b.String()
}

// holds reports how an answer is not as the document says.
func (c *contract) holds(method, path string, a reply) error {
	path, _, _ = strings.Cut(path, "?")
	var op *described
	for i := range c.operations {
		if o := &c.operations[i]; o.method == method && fits(o.path, path) {
			op = o
		}
	}
	if op == nil {
		return nil // no operation
	}
	responses := c.doc["paths"].(map[string]any)[op.path].(map[string]any)[strings.ToLower(method)].(map[string]any)["responses"].(map[string]any)
	status := fmt.Sprint(a.Status)
	if a.Status == 304 {
		return nil
	}
	if responses[status] == nil {
		status = "default"
		if a.Status < 400 {
			return fmt.Errorf("%s %s answers %d, which is not in the document", method, path, a.Status)
		}
	}
	content, _ := responses[status].(map[string]any)["content"].(map[string]any)
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	if media == "" && content == nil {
		return nil
	}
	if content[media] == nil {
		return fmt.Errorf("%s %s answers %d with %q, which is not in the document", method, path, a.Status, media)
	}
	if !strings.Contains(media, "json") {
		return nil
	}
	s, err := c.schema(pointer("paths", op.path, strings.ToLower(method), "responses", status, "content", media, "schema"))
	if err != nil {
		return err
	}
	var v any
	if v, err = jsonschema.UnmarshalJSON(strings.NewReader(a.Text)); err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		return fmt.Errorf("%s %s answers %d against its schema: %w\n%s", method, path, a.Status, err, a.Text)
	}
	return nil
}

// fits reports whether a path is one of a template.
func fits(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		if want[i] != have[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}
