package web

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"baton/internal/access"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// Every address, with fields that the pages know and values that nobody expects, by somebody who may do everything: it is told what is
// wrong, and never is something wrong with Baton. New addresses and fields join by being there.
func TestHostileForms(t *testing.T) {
	s := testSite(t)
	var list []lifecycle.Arrival
	for n := range 4 {
		who := []identity.Key{{Kind: identity.Email, Value: fmt.Sprintf("p%d@acme.example", n)}}
		list = append(list, lifecycle.Arrival{Keys: who, Account: "acme.example", AccountName: "Acme", Input: lifecycle.Input{Kind: lifecycle.Identify, At: 10, Known: 10, Source: "test"}},
			lifecycle.Arrival{Keys: who, Input: lifecycle.Input{Kind: lifecycle.Did, Name: "demo_requested", At: 20, Known: 20, Source: "test"}})
	}
	if _, err := s.Engine.Submit(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	fields := fieldNames(t)
	if len(fields) < 40 {
		t.Fatalf("%d fields: the pages ask for theirs in another way now", len(fields))
	}
	values := []string{"", " ", "1", "3", "5", "999999", "-1", "0", "1e308", "NaN", "99999999999999999999", "\x00", "\xff\xfe", "\u202e", strings.Repeat("é", 5000), "admin@northwind.example", "p1@acme.example", "acme.example",
		"astrid.berg@northwind.example", "accept", "reject", "handback", "contact", "connected", "timing", "no_fit", "mql", "sal", "A1", "2026-11-20", "2026-13-45", "0001-01-01", "9999-12-31", "2026-11-20T10:00", "24:61", "on",
		"//evil.example", "/leads", "javascript:alert(1)", "../../x", "<script>alert(1)</script>", "' OR 1=1 --", "{{.}}", "%", "dark", "month", "admin", "marketing", "sales"}
	parameter := regexp.MustCompile(`\{[a-z]+(\.\.\.)?\}`)
	rounds, answered := 30, [6]int{}
	for _, route := range routes() {
		if route.pattern == "GET /live" {
			continue // it goes on
		}
		method, path, _ := strings.Cut(route.pattern, " ")
		for seed := range uint64(rounds) {
			chance := rand.New(rand.NewPCG(seed, uint64(len(route.pattern))))
			draw := func() string { return values[chance.IntN(len(values))] }
			form := url.Values{}
			for range chance.IntN(8) {
				form.Add(fields[chance.IntN(len(fields))], draw())
			}
			at := parameter.ReplaceAllStringFunc(strings.TrimSuffix(path, "{$}"), func(string) string {
				if chance.IntN(2) == 0 {
					return "1"
				}
				return url.PathEscape(draw())
			})
			body := ""
			if method == http.MethodGet {
				at += "?" + form.Encode()
			} else {
				body = form.Encode()
			}
			target, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(context.WithValue(t.Context(), asViewer{}, &Viewer{ID: 1, Email: "admin@northwind.example", Name: "A", Roles: access.Roles}), method, "/", strings.NewReader(body))
			r.URL, r.RequestURI = target, at
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			s.Over(http.NotFoundHandler()).ServeHTTP(w, r)
			answered[w.Code/100]++
			if w.Code >= 500 {
				t.Errorf("%s, seed %d: %s with %.300q: status %d", route.pattern, seed, at, body, w.Code)
			}
			if text := w.Body.String(); strings.Contains(text, "<script>alert(1)") || strings.Contains(text, `href="javascript:`) {
				t.Errorf("%s, seed %d: %s with %.300q: what was sent is part of the page", route.pattern, seed, at, body)
			}
			if to := w.Header().Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
				t.Errorf("%s, seed %d: it leads to %q", route.pattern, seed, to)
			}
		}
	}
	t.Logf("answered with 2xx %d times, 3xx %d, 4xx %d", answered[2], answered[3], answered[4])
	if answered[2]+answered[3] < 100 || answered[4] < 100 {
		t.Error("what is sent is too wrong, or not wrong enough, to find anything")
	}
	if problems, err := s.Store.Problems(t.Context(), 10); err != nil || len(problems) > 0 {
		t.Errorf("%d inputs could not be decided, %v: %.2000v", len(problems), err, problems)
	}
}

// fieldNames are the fields of forms and queries that the pages ask for, as their source has them.
func fieldNames(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`\.(?:FormValue|PostFormValue|Get|Has)\("([a-z_]+)"\)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asked.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
