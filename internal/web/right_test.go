package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"baton/internal/access"
	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/engine"
	"baton/internal/store"
)

// testSite is a site on a database of its own, with an agreement, that takes whoever the context names for the viewer.
func testSite(t *testing.T) *Site {
	t.Helper()
	ctx := t.Context()
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "baton.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	en, err := engine.New(st, engine.Options{Compile: func(a *store.Agreement) (*agreement.Plan, error) {
		plan, findings := agreement.Compile(a.File, a.Source, nil)
		return plan, findings.Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { en.Close() })
	source, _ := agreement.Template("waterfall")
	plan, findings := agreement.Compile("agreement.yaml", source, nil)
	if findings.HasErrors() {
		t.Fatal(findings.Err())
	}
	if _, err := en.Activate(ctx, plan, source, "agreement.yaml", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := st.AddUser(ctx, store.User{Email: "admin@northwind.example", Roles: "admin"}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	gate := access.New(access.Options{Store: st, Log: log, URL: "https://baton.northwind.example", Cost: access.Cost{Memory: 64, Passes: 1, Threads: 1}})
	t.Cleanup(gate.Close)
	s := New(Options{Store: st, Engine: en, Gate: gate, Log: log,
		API: api.New(api.Options{Engine: en, Store: st, Log: log, Plan: func() *agreement.Plan { plan, _ := en.Agreement(); return plan }}),
		Viewer: func(r *http.Request) (*Viewer, error) {
			if v, ok := r.Context().Value(asViewer{}).(*Viewer); ok && v != nil {
				return v, nil
			}
			return nil, ErrSignedOut
		}})
	t.Cleanup(s.Close)
	return s
}

type asViewer struct{}

// Every address with every role, and with none: whoever has the right gets past the door, and nobody else does.
func TestEveryRouteWithEveryRole(t *testing.T) {
	s := testSite(t)
	parameter := regexp.MustCompile(`\{[a-z]+(\.\.\.)?\}`)
	known := map[Right]bool{Anybody: true}
	for _, g := range access.Rights {
		known[g.Right] = true
	}
	for _, route := range routes() {
		if !known[route.right] {
			t.Errorf("%s asks for the right %q, which is not in the table", route.pattern, route.right)
		}
		method, path, _ := strings.Cut(route.pattern, " ")
		path = parameter.ReplaceAllString(strings.TrimSuffix(path, "{$}"), "999999")
		for _, role := range append([]Role{""}, access.Roles...) {
			var viewer *Viewer
			if role != "" {
				viewer = &Viewer{ID: 1, Email: "admin@northwind.example", Name: "A", Roles: []Role{role}}
			}
			ctx, cancel := context.WithCancel(context.WithValue(t.Context(), asViewer{}, viewer))
			if route.pattern == "GET /live" {
				cancel() // it would go on
			}
			r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(""))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			s.Over(http.NotFoundHandler()).ServeHTTP(w, r)
			cancel()
			got := "let in"
			switch at := w.Header().Get("Location"); {
			case w.Code == http.StatusForbidden:
				got = "refused"
			case w.Code == http.StatusUnauthorized, w.Code == http.StatusSeeOther && strings.HasPrefix(at, "/sign-in?next="):
				got = "asked to sign in"
			}
			want := "let in"
			switch {
			case viewer == nil && route.right != Anybody:
				want = "asked to sign in"
			case !viewer.May(route.right):
				want = "refused"
			}
			if path == "/" && got == "refused" && len(s.first(viewer)) == 0 {
				continue // nowhere to lead to
			}
			if got != want {
				t.Errorf("%s as %q: %s (%d), want %s", route.pattern, role, got, w.Code, want)
			}
			if csp := w.Header().Get("Content-Security-Policy"); w.Header().Get("Content-Type") == "text/html; charset=utf-8" && (!strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe")) {
				t.Errorf("%s: policy %q", route.pattern, csp)
			}
		}
	}
}

// first are the pages in the bars of a viewer.
func (s *Site) first(v *Viewer) (list []string) {
	for _, r := range routes() {
		if r.entry != nil && v.May(r.right) {
			list = append(list, r.path())
		}
	}
	return list
}

// What a form of another site sends is refused, whoever is signed in; what programs send without a browser's marks has no cookie.
func TestFormsOfOtherSites(t *testing.T) {
	s := testSite(t)
	for _, c := range []struct {
		name, value string
		refused     bool
	}{
		{"Sec-Fetch-Site", "cross-site", true}, {"Sec-Fetch-Site", "same-site", true}, {"Sec-Fetch-Site", "same-origin", false}, {"Sec-Fetch-Site", "none", false},
		{"Origin", "https://evil.example", true}, {"Origin", "null", true}, {"Origin", "https://baton.northwind.example", false}, {"", "", false},
	} {
		for _, route := range routes() {
			method, path, _ := strings.Cut(route.pattern, " ")
			if method != "POST" {
				continue
			}
			r := httptest.NewRequestWithContext(t.Context(), method, "https://baton.northwind.example"+regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, "1"), nil)
			if c.name != "" {
				r.Header.Set(c.name, c.value)
			}
			w := httptest.NewRecorder()
			s.Over(http.NotFoundHandler()).ServeHTTP(w, r)
			if got := w.Code == http.StatusForbidden; got != c.refused {
				t.Errorf("%s with %s %s: %d", route.pattern, c.name, c.value, w.Code)
			}
		}
	}
}

// The pages that people come in by, as somebody without scripts walks them: set up, invite, join, and be refused what is not theirs.
func TestComingIn(t *testing.T) {
	s := testSite(t)
	s.Options.Viewer = s.Gate.Viewer
	out := s.visitor(t)
	if got := out.get("/settings/people"); got.Header().Get("Location") != "/sign-in?next=%2Fsettings%2Fpeople" {
		t.Errorf("signed out: %d %s", got.Code, got.Header())
	}
	link, err := s.Gate.ResetLink(t.Context(), access.By{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	link = strings.TrimPrefix(link, "https://baton.northwind.example")
	if got := out.get(link); got.Code != 200 || !strings.Contains(got.Body.String(), "admin@northwind.example") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := out.post(link, "name=Ada&password=short"); got.Code != 422 || !strings.Contains(got.Body.String(), "At least 12") && !strings.Contains(got.Body.String(), "at least 12") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := out.post(link, "name=Ada+Lind&password=a+plain+long+sentence"); got.Code != 303 || got.Header().Get("Location") != "/" {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if got := out.post(link, "password=another+long+sentence"); got.Code != 422 || !strings.Contains(got.Body.String(), "used already") {
		t.Errorf("used twice: %d", got.Code)
	}
	got := out.post("/settings/people", "email=bo@northwind.example&name=Bo&role=rep&role=sdr")
	invited := regexp.MustCompile(`/invitation/[\w-]{43}`).FindString(got.Body.String())
	if got.Code != 200 || invited == "" {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if got := out.post("/settings/people", "email=bo&role=rep"); got.Code != 422 || !strings.Contains(got.Body.String(), "It has no @") && !strings.Contains(got.Body.String(), "it has no @") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	bo := s.visitor(t)
	if got := bo.post(invited, "name=Bo+Ek&password=a+plain+long+sentence"); got.Code != 303 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if got := bo.get("/settings/people"); got.Code != 403 {
		t.Errorf("a rep sees the people: %d", got.Code)
	}
	if got := bo.get("/account"); got.Code != 200 || !strings.Contains(got.Body.String(), "Bo Ek") || !strings.Contains(got.Body.String(), "This browser") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := out.post("/settings/people/2/deactivate", ""); got.Code != 303 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := bo.get("/account"); got.Code != 303 {
		t.Errorf("deactivated, and goes on: %d", got.Code)
	}
	if got := out.post("/settings/people/1/deactivate", ""); got.Code != 422 || !strings.Contains(got.Body.String(), "obody else could run Baton") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := bo.post("/sign-in", "email=bo@northwind.example&password=a+plain+long+sentence"); got.Code != 422 || !strings.Contains(got.Body.String(), "do not go together") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	for _, next := range []string{"/leads?after=1", "https://evil.example/", "//evil.example"} {
		got := s.visitor(t).post("/sign-in", "email=admin@northwind.example&password=a+plain+long+sentence&next="+next)
		want := map[bool]string{true: next, false: "/"}[next == "/leads?after=1"]
		if got.Code != 303 || got.Header().Get("Location") != want {
			t.Errorf("next %s: %d %s", next, got.Code, got.Header().Get("Location"))
		}
	}
	var last int
	for range 12 {
		got := bo.post("/sign-in", "email=admin@northwind.example&password=wrong")
		if last = got.Code; last == http.StatusTooManyRequests {
			if got.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			break
		}
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("guessing goes on: %d", last)
	}
	if got := out.get("/settings/audit"); got.Code != 200 || !strings.Contains(got.Body.String(), "deactivated") || !strings.Contains(got.Body.String(), "wrong password") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := out.post("/sign-out", ""); got.Code != 303 {
		t.Errorf("%d", got.Code)
	}
	if got := out.get("/account"); got.Code != 303 {
		t.Errorf("signed out, and goes on: %d", got.Code)
	}
}

// visitor is a browser without scripts.
type visitor struct {
	t       *testing.T
	site    http.Handler
	cookies map[string]*http.Cookie
}

func (s *Site) visitor(t *testing.T) *visitor {
	return &visitor{t, s.Over(http.NotFoundHandler()), map[string]*http.Cookie{}}
}

func (v *visitor) get(path string) *httptest.ResponseRecorder { return v.do("GET", path, "") }

func (v *visitor) post(path, form string) *httptest.ResponseRecorder { return v.do("POST", path, form) }

func (v *visitor) do(method, path, form string) *httptest.ResponseRecorder {
	v.t.Helper()
	r := httptest.NewRequestWithContext(v.t.Context(), method, "https://baton.northwind.example"+path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1000", 1+len(v.cookies))
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	v.site.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if v.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return w
}
