package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/replay"
	"baton/internal/store"
)

// noon is what the clock of the tests shows at first.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func compile(t testing.TB, name, source string) *agreement.Plan {
	t.Helper()
	plan, found := agreement.Compile(name, []byte(source), nil)
	if plan == nil || found.HasErrors() {
		t.Fatalf("the agreement does not compile: %v", found)
	}
	return plan
}

func waterfall(t testing.TB) (*agreement.Plan, []byte) {
	t.Helper()
	source, ok := agreement.Template("waterfall")
	if !ok {
		t.Fatal("there is no template")
	}
	return compile(t, "agreement.yaml", string(source)), source
}

// site is a server with a real engine on a real database.
type site struct {
	t    testing.TB
	st   *store.Store
	en   *engine.Engine
	api  *API
	web  *httptest.Server
	key  string
	now  atomic.Int64 // UTC microseconds
	logs bytes.Buffer
}

func open(t testing.TB, opts Options, engineOpts engine.Options) *site {
	t.Helper()
	return openOn(t, filepath.Join(t.TempDir(), "baton.db"), opts, engineOpts)
}

func openOn(t testing.TB, database string, opts Options, engineOpts engine.Options) *site {
	t.Helper()
	s := &site{t: t}
	s.now.Store(noon.UnixMicro())
	var err error
	if s.st, err = store.Open(context.Background(), database); err != nil {
		t.Fatal(err)
	}
	engineOpts.Clock = s.clock
	if s.en, err = engine.New(s.st, engineOpts); err != nil {
		t.Fatal(err)
	}
	plan, source := waterfall(t)
	if _, err := s.en.Activate(context.Background(), plan, source, "agreement.yaml", noon.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	opts.Engine, opts.Store, opts.Clock, opts.Plan = s.en, s.st, s.clock, func() *agreement.Plan { return plan }
	opts.Log = slog.New(slog.NewTextHandler(&s.logs, nil))
	s.api = New(opts)
	s.web = httptest.NewServer(s.api)
	s.key = s.newKey("test")
	t.Cleanup(func() {
		s.web.Close()
		s.en.Close()
		s.st.Close()
		if held := s.api.memory.held.Load(); held != 0 {
			t.Errorf("%d bytes of requests are still counted as held", held)
		}
		if strings.Contains(s.logs.String(), "panic=") {
			t.Errorf("a request panicked:\n%s", s.logs.String())
		}
	})
	return s
}

func (s *site) clock() time.Time { return time.UnixMicro(s.now.Load()) }

func (s *site) newKey(name string) string {
	s.t.Helper()
	secret, _, err := NewKey(context.Background(), s.st, name, ScopeTrack, s.now.Load())
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

type answer struct {
	Status int
	Header http.Header
	Body   string
	Detail string
	Event  *int
}

// post sends a body; headers come in pairs. A header "Authorization" of "" leaves it out.
func (s *site) post(path string, body []byte, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.web.URL+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth(s.key, "")
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	return s.do(req)
}

func (s *site) do(req *http.Request) answer {
	s.t.Helper()
	client := *s.web.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{Status: res.StatusCode, Header: res.Header, Body: string(text)}
	if res.Header.Get("Content-Type") == "application/problem+json" {
		var p struct {
			Status int
			Detail string
			Event  *int
		}
		if err := json.Unmarshal(text, &p); err != nil {
			s.t.Fatalf("the answer is not JSON: %v\n%s", err, text)
		}
		if p.Status != a.Status || p.Detail == "" {
			s.t.Errorf("status %d, and the body says %s", a.Status, text)
		}
		a.Detail, a.Event = p.Detail, p.Event
	}
	return a
}

func (s *site) want(a answer, status int) {
	s.t.Helper()
	if a.Status != status {
		s.t.Errorf("status %d, want %d: %s", a.Status, status, a.Body)
	}
}

// inputs returns all inputs on record.
func (s *site) inputs() []lifecycle.Input {
	s.t.Helper()
	var list []lifecycle.Input
	if err := s.st.EachInput(context.Background(), 0, func(in lifecycle.Input, _ []byte) error {
		list = append(list, in)
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *site) query(text string) string {
	s.t.Helper()
	table, err := s.st.Query(context.Background(), text)
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, row := range table.Rows {
		lines = append(lines, fmt.Sprint(row...))
	}
	return strings.Join(lines, "\n")
}

func (s *site) verify() {
	s.t.Helper()
	plan, _ := waterfall(s.t)
	v := &replay.Verifier{Plan: func(int64) (*agreement.Plan, error) { return plan, nil }}
	if err := s.st.EachInput(context.Background(), 0, func(in lifecycle.Input, decision []byte) error {
		if len(decision) == 0 {
			return nil
		}
		return v.Next(in, in.Version, decision)
	}); err != nil {
		s.t.Fatal(err)
	}
	if v.First != nil {
		s.t.Errorf("decided again, %d of %d decisions differ; the first:\n%s", v.Different, v.Inputs, v.First)
	}
}

func zipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWriteKeys(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	event := `{"userId":"u1","event":"Demo Requested","messageId":"m1"%s}`
	plain := []byte(fmt.Sprintf(event, ""))
	for name, test := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"user name":             {string(plain), nil, 200},
		"in the body":           {fmt.Sprintf(event, `,"writeKey":"`+s.key+`"`), []string{"Authorization", ""}, 200},
		"as a bearer":           {string(plain), []string{"Authorization", "Bearer " + s.key}, 200},
		"an unknown bearer":     {string(plain), []string{"Authorization", "Bearer nope"}, 401},
		"none":                  {string(plain), []string{"Authorization", ""}, 401},
		"empty user name":       {string(plain), []string{"Authorization", "Basic Og=="}, 401},
		"unknown in the body":   {fmt.Sprintf(event, `,"writeKey":"nope"`), []string{"Authorization", ""}, 401},
		"unknown, good in body": {fmt.Sprintf(event, `,"writeKey":"`+s.key+`"`), []string{"Authorization", "Basic eDo="}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.post("/v1/track", []byte(test.body), test.headers...)
			s.want(a, test.status)
			if test.status == 401 && (a.Header.Get("WWW-Authenticate") == "" || strings.Contains(a.Header.Get("WWW-Authenticate"), "Basic")) {
				t.Errorf("WWW-Authenticate: %q", a.Header.Get("WWW-Authenticate"))
			}
		})
	}
	batch := `{"writeKey":"` + s.key + `","batch":[{"type":"track","userId":"u1","event":"x"}]}`
	s.want(s.post("/v1/batch", []byte(batch), "Authorization", ""), 200)
	each := `{"batch":[{"type":"track","userId":"u1","event":"x","writeKey":"` + s.key + `"}]}`
	s.want(s.post("/v1/b", []byte(each), "Authorization", ""), 200)
	if got := len(s.inputs()); got != 3 {
		t.Errorf("%d inputs, want 3: m1 once, and two without a message ID", got)
	}
	if in := s.inputs()[0]; in.Source != "api:test" || in.Key != "m1" {
		t.Errorf("source %q, key %q", in.Source, in.Key)
	}
}

func TestRevokedKeysEndSoon(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	body := []byte(`{"userId":"u1","event":"x"}`)
	s.want(s.post("/v1/track", body), 200)
	if err := s.api.NoteUse(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	keys, err := s.st.APIKeys(context.Background())
	if err != nil || len(keys) != 1 {
		t.Fatalf("%v %v", keys, err)
	}
	if keys[0].UsedAt != noon.UnixMicro() || keys[0].Name != "test" || keys[0].Scope != ScopeTrack {
		t.Errorf("%+v", keys[0])
	}
	// at most once a minute
	s.now.Add(30_000_000)
	s.want(s.post("/v1/track", body), 200)
	s.api.NoteUse(context.Background(), false)
	if keys, _ := s.st.APIKeys(context.Background()); keys[0].UsedAt != noon.UnixMicro() {
		t.Errorf("noted again after half a minute")
	}
	s.api.NoteUse(context.Background(), true)
	if keys, _ := s.st.APIKeys(context.Background()); keys[0].UsedAt != noon.UnixMicro()+30_000_000 {
		t.Errorf("not noted at the end")
	}
	// made by another process beside this one
	beside, err := store.OpenBeside(context.Background(), s.st.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	second, key, err := NewKey(context.Background(), beside, "second", ScopeTrack, s.now.Load())
	if err != nil {
		t.Fatal(err)
	}
	s.want(s.post("/v1/track", []byte(`{"userId":"u1","event":"x","writeKey":"`+second+`"}`), "Authorization", ""), 200)
	for _, id := range []int64{1, key.ID} {
		if err := beside.RevokeKey(context.Background(), id, s.now.Load()); err != nil {
			t.Fatal(err)
		}
	}
	s.now.Add(keyTrust)
	s.want(s.post("/v1/track", body), 401)
	s.want(s.post("/v1/track", []byte(`{"userId":"u1","event":"x","writeKey":"`+second+`"}`), "Authorization", ""), 401)
	if err := beside.RevokeKey(context.Background(), 99, 1); err == nil {
		t.Error("revoked a key that is not there")
	}
	if text := s.query(`SELECT count(*) FROM api_key WHERE instr(hash, '` + s.key + `') > 0 OR name = '` + s.key + `'`); text != "0" {
		t.Error("the key itself is in the database")
	}
}

func TestBrowsersMaySend(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	for _, path := range []string{"/v1/track", "/v1/t", "/v1/batch", "/f/contact"} {
		req, _ := http.NewRequest(http.MethodOptions, s.web.URL+path, nil)
		req.Header.Set("Origin", "https://www.acme.example")
		req.Header.Set("Access-Control-Request-Method", "POST")
		req.Header.Set("Access-Control-Request-Headers", "authorization,content-type,anonymousid")
		a := s.do(req)
		s.want(a, http.StatusNoContent)
		for header, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "anonymousid"} {
			if got := a.Header.Get(header); !strings.Contains(got, want) {
				t.Errorf("%s: %s: %q", path, header, got)
			}
		}
		if a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("cookies are asked for")
		}
	}
	// the library sends text/plain, so that no preflight is needed
	a := s.post("/v1/t", []byte(`{"anonymousId":"b1","event":"x","writeKey":"`+s.key+`"}`), "Authorization", "", "Content-Type", "text/plain", "Origin", "https://www.acme.example")
	s.want(a, 200)
	if a.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("the browser may not read the answer")
	}
	// a refusal too must be readable, and when to try again
	if a := s.post("/v1/t", []byte(`{`)); a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Access-Control-Expose-Headers") != "Retry-After" {
		t.Error("the browser may not read the refusal")
	}
	req, _ := http.NewRequest(http.MethodGet, s.web.URL+"/v1/projects/"+s.key+"/settings", nil)
	a = s.do(req)
	s.want(a, 200)
	var settings struct {
		Integrations map[string]struct{ APIKey, APIHost, Protocol string }
	}
	if err := json.Unmarshal([]byte(a.Body), &settings); err != nil {
		t.Fatal(err)
	}
	if got := settings.Integrations["Segment.io"]; got.APIKey != s.key || "http://"+got.APIHost != s.web.URL+"/v1" || got.Protocol != "http" {
		t.Errorf("%+v", got)
	}
}

func TestFullEngine(t *testing.T) {
	s := open(t, Options{}, engine.Options{Queue: 2})
	body := func(n int) []byte {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"type":"track","userId":"u%d","event":"Demo Requested","messageId":"m%d"}`, i, i))
		}
		return []byte(`{"batch":[` + strings.Join(list, ",") + `]}`)
	}
	a := s.post("/v1/batch", body(3))
	s.want(a, http.StatusTooManyRequests)
	if a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	if got := len(s.inputs()); got != 0 {
		t.Errorf("%d inputs of a refused batch are stored", got)
	}
	s.want(s.post("/v1/batch", body(2)), 200)
}

func TestMemoryIsBounded(t *testing.T) {
	s := open(t, Options{Memory: 1000}, engine.Options{})
	big := []byte(`{"userId":"u1","event":"x","properties":{"text":"` + strings.Repeat("x", 2000) + `"}}`)
	a := s.post("/v1/track", big)
	s.want(a, http.StatusTooManyRequests)
	if a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	s.want(s.post("/v1/track", []byte(`{"userId":"u1","event":"x"}`)), 200)
}

func TestClosedEngine(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	if err := s.en.Close(); err != nil {
		t.Fatal(err)
	}
	a := s.post("/v1/track", []byte(`{"userId":"u1","event":"x"}`))
	s.want(a, http.StatusServiceUnavailable)
	if a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
}

// Clients that send the same at the same time are all answered, and it is stored once.
func TestSameMessageFromMany(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	const clients, messages = 16, 40
	ended := make(chan string, clients)
	for c := range clients {
		go func() {
			for m := range messages {
				id := (m*7 + c) % messages
				body := fmt.Sprintf(`{"userId":"u%d","anonymousId":"b%d","event":"Demo Requested","messageId":"m%d","context":{"campaign":{"name":"c%d"}}}`, id%5, id%7, id, c)
				req, _ := http.NewRequest(http.MethodPost, s.web.URL+"/v1/track", strings.NewReader(body))
				req.SetBasicAuth(s.key, "")
				res, err := s.web.Client().Do(req)
				if err != nil {
					ended <- err.Error()
					return
				}
				res.Body.Close()
				if res.StatusCode != 200 {
					ended <- res.Status
					return
				}
			}
			ended <- ""
		}()
	}
	for range clients {
		if text := <-ended; text != "" {
			t.Fatal(text)
		}
	}
	stored := map[string]int{}
	for _, in := range s.inputs() {
		stored[in.Key]++
	}
	for m := range messages {
		for _, key := range []string{fmt.Sprintf("m%d", m), fmt.Sprintf("m%d/c", m)} {
			if stored[key] != 1 {
				t.Errorf("%s is stored %d times", key, stored[key])
			}
		}
	}
	s.verify()
}
