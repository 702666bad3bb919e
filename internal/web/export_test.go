package web

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"baton/internal/access"
	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/report"
	"baton/internal/store"
)

// as asks for an address as a user of some roles, or sends a form there.
func (s *Site) as(t *testing.T, id int64, method, path, body string, roles ...Role) *httptest.ResponseRecorder {
	t.Helper()
	v := &Viewer{ID: id, Email: "admin@northwind.example", Name: "A", Roles: roles}
	r := httptest.NewRequestWithContext(context.WithValue(t.Context(), asViewer{}, v), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.Over(http.NotFoundHandler()).ServeHTTP(w, r)
	return w
}

// Every list with every role: whoever may open the page and take lists out gets it, and nobody else; it is on record.
func TestEveryListWithEveryRole(t *testing.T) {
	s := testSite(t)
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	taken := 0
	for _, route := range routes() {
		for _, e := range route.exports {
			path := parameter.ReplaceAllString(route.path(), "999999") + "?csv=" + e.Name
			for _, role := range access.Roles {
				w := s.as(t, 1, "GET", path, "", role)
				v := &Viewer{Roles: []Role{role}}
				switch {
				case !v.May(route.right) || !v.May(Export):
					if w.Code != http.StatusForbidden || strings.Contains(w.Header().Get("Content-Type"), "csv") {
						t.Errorf("%s as %s: %d", path, role, w.Code)
					}
				case w.Code == http.StatusOK:
					taken++
					rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.Body.String(), "\ufeff"))).ReadAll()
					if err != nil || len(rows) == 0 || w.Header().Get("Content-Disposition") == "" {
						t.Errorf("%s as %s: %v, %v", path, role, err, rows)
					}
				case strings.Contains(path, "999999"): // there is no such company
				case w.Code != http.StatusServiceUnavailable: // figures that are being counted
					t.Errorf("%s as %s: %d %s", path, role, w.Code, w.Body)
				}
			}
		}
	}
	list, err := s.Store.Audits(t.Context(), store.AuditFilter{Action: access.Exported}, 1000)
	if err != nil || taken == 0 || len(list) < taken {
		t.Errorf("%d lists were taken out, %d are on record: %v", taken, len(list), err)
	}
	if w := s.as(t, 1, "GET", "/leads?csv=nothing", "", RoleManager); w.Code != http.StatusNotFound {
		t.Errorf("a list that is not there: %d", w.Code)
	}
}

// What is found is taken out whole, and not only as far as the page shows it; whose name was searched for is not on record, and cannot be saved.
func TestAllThatIsFoundIsTakenOut(t *testing.T) {
	s := testSite(t)
	const people = mostFound + 20
	var list []lifecycle.Arrival
	for n := range people {
		list = append(list, lifecycle.Arrival{Keys: []identity.Key{{Kind: identity.Email, Value: fmt.Sprintf("p%d@acme.example", n)}}, Account: "acme.example", AccountName: "Acme",
			Input: lifecycle.Input{Kind: lifecycle.Identify, At: 10, Known: 10, Source: "test", Values: []lifecycle.Named{{Name: "name", Value: agreement.TextValue(fmt.Sprintf("Zoë Zimmer %d", n))}}}})
	}
	if _, err := s.Engine.Submit(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[string]int{"zimmer": people, "zo zim": people, "acme": people, "p1@": 1, "nobody": 0, "": 0} {
		w := s.as(t, 1, "GET", "/search?csv=people&q="+url.QueryEscape(q), "", RoleManager)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.Body.String(), "\ufeff"))).ReadAll()
		if err != nil || len(rows) != want+1 || strings.Contains(w.Header().Get("Content-Disposition"), "not-all") {
			t.Errorf("%q: %d rows, want %d: %v %v", q, len(rows)-1, want, err, w.Header())
		}
	}
	w := s.as(t, 1, "GET", "/search?csv=companies&q=acme", "", RoleManager)
	if want := fmt.Sprintf("\"acme.example\",,%d\r\n", people); !strings.Contains(w.Body.String(), want) {
		t.Errorf("companies: %s", w.Body)
	}
	for role, takes := range map[Role]bool{RoleManager: true, RoleRep: false} {
		text := s.as(t, 1, "GET", "/search?q=zimmer", "", role).Body.String()
		if !strings.Contains(text, "These are the first 50.") || strings.Contains(text, "CSV takes out all, up to 10,000") != takes || strings.Contains(text, "Save this filter") {
			t.Errorf("%s is told: %s", role, text)
		}
	}
	said, err := s.Store.Audits(t.Context(), store.AuditFilter{Action: access.Exported}, 100)
	if err != nil || len(said) == 0 {
		t.Fatal(said, err)
	}
	for _, a := range said {
		if a.Detail != "/search" {
			t.Errorf("on record: %+v", a)
		}
	}
	if w := s.as(t, 1, "POST", "/filters", "page=/search&query=q%3Dzimmer&name=X", RoleManager); w.Code != http.StatusNotFound {
		t.Errorf("a search is saved: %d", w.Code)
	}
}

// No cell is a formula, whatever a spreadsheet takes for the end of one.
func TestCellsAreNoFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"Ada": "Ada", "=1+1": "'=1+1", "+46 555": "'+46 555", "-x": "'-x", "@a": "'@a", " =1": "' =1", "a;=1": "a;'=1", "a; =1": "a;' =1", "a\n=1": "a\n'=1", "a\t-1": "a\t'-1", "＝1": "'＝1", "a=1": "a=1", "a,=1": "a,=1", "": "",
	} {
		if got := report.PlainCell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// What is saved is there for whoever saved it; what is shared is there for everybody who may open the page, and only some may share.
func TestSavedFilters(t *testing.T) {
	s := testSite(t)
	save := func(id int64, page, query, name, shared string, roles ...Role) int {
		t.Helper()
		return s.as(t, id, "POST", "/filters", url.Values{"page": {page}, "query": {query}, "name": {name}, "shared": {shared}}.Encode(), roles...).Code
	}
	seen := func(id int64, path string, roles ...Role) string {
		t.Helper()
		w := s.as(t, id, "GET", path, "", roles...)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d", path, w.Code)
		}
		return w.Body.String()
	}
	if page := seen(1, "/funnel?source=event&after=7", RoleMarketing); !strings.Contains(page, "Save this filter") || strings.Contains(page, "For everybody") || strings.Contains(seen(1, "/funnel", RoleMarketing), "Save this filter") {
		t.Error("saving is not offered where there is something to save, and only there")
	}
	for _, c := range []struct {
		page, query, name string
		role              Role
		want              int
	}{
		{"/funnel", "source=event&after=7&evil=x", "Fairs", RoleMarketing, 303}, {"/funnel", "source=event", " ", RoleMarketing, 422}, {"/funnel", "", "None", RoleMarketing, 422},
		{"/funnel", "after=7", "None", RoleMarketing, 422}, {"/nothing", "source=event", "X", RoleMarketing, 404}, {"/funnel", "source=event", "X", RoleRep, 403},
		{"/funnel", "source=event", strings.Repeat("x", 61), RoleMarketing, 422}, {"/settings/audit", "who=x", "X", RoleMarketing, 403}, {"/funnel", "source=" + strings.Repeat("x", 700), "X", RoleMarketing, 422},
	} {
		if got := save(1, c.page, c.query, c.name, "yes", c.role); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	if page := seen(1, "/funnel?source=event", RoleMarketing); !strings.Contains(page, `href="/funnel?source=event"`) || !strings.Contains(page, "Fairs") || strings.Contains(page, "Save this filter") {
		t.Error("what was saved is not there, or is offered to be saved again")
	}
	if strings.Contains(seen(2, "/funnel", RoleManager), "Fairs") {
		t.Error("marketing has shared a filter")
	}
	if got := save(2, "/funnel", "period=quarter", "This quarter", "yes", RoleManager); got != 303 {
		t.Fatal(got)
	}
	if !strings.Contains(seen(1, "/funnel", RoleMarketing), "This quarter") {
		t.Error("what is shared is not there for others")
	}
	change := func(id int64, path, body string, roles ...Role) int {
		t.Helper()
		return s.as(t, id, "POST", path, body+"&back=/funnel", roles...).Code
	}
	for _, c := range []struct {
		id         int64
		path, body string
		role       Role
		want       int
	}{
		{1, "/filters/2", "name=Mine", RoleMarketing, 404}, {2, "/filters/1", "name=Mine", RoleManager, 404}, {1, "/filters/99", "name=X", RoleMarketing, 404}, {1, "/filters/1", "name=", RoleMarketing, 422},
		{1, "/filters/1", "name=Fairs+of+all+years&shared=yes", RoleMarketing, 303}, {3, "/filters/2", "name=Quarter&shared=yes", RoleRevOps, 303}, {1, "/filters/2/remove", "", RoleMarketing, 404}, {2, "/filters/1/remove", "", RoleManager, 404},
		{3, "/filters/2/remove", "", RoleAdmin, 303}, {1, "/filters/1/remove", "", RoleMarketing, 303}, {1, "/filters/1/remove", "", RoleMarketing, 404},
	} {
		if got := change(c.id, c.path, c.body, c.role); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	if page := seen(1, "/funnel", RoleMarketing); strings.Contains(page, "Fairs") || strings.Contains(page, "uarter</a>") {
		t.Error("what was removed is there")
	}
}

// The palette finds pages and what to do by any word of theirs, and leads by their number; what a viewer may not do is not there.
func TestPaletteFindsPagesAndWhatToDo(t *testing.T) {
	s := testSite(t)
	for _, c := range []struct {
		q, want string
		role    Role
		there   bool
	}{
		{"works", "Go to What works", RoleMarketing, true}, {"what w", "Go to What works", RoleMarketing, true}, {"funnel", "Go to Funnel", RoleRep, false}, {"next call", "/queue/take", RoleSDR, true}, {"next call", "/queue/take", RoleMarketing, false},
		{"dark", `value="dark"`, RoleRep, true}, {"sign o", "/sign-out", RoleRep, true}, {"invite", "/settings/people#invite", RoleAdmin, true}, {"invite", "/settings/people", RoleManager, false}, {"#999999", "Go to", RoleRep, false},
		{"audit", "Go to Audit", RoleRevOps, true}, {"log", "/settings/audit", RoleRevOps, true}, {"who did", "/settings/audit", RoleAdmin, true}, {"log", "/settings/audit", RoleManager, false},
	} {
		for _, path := range []string{"/search/quick?q=", "/search?q="} {
			body := s.as(t, 1, "GET", path+url.QueryEscape(c.q), "", c.role).Body.String()
			if _, main, ok := strings.Cut(body, `<main`); ok {
				body, _, _ = strings.Cut(main, "</main>")
			}
			if strings.Contains(body, c.want) != c.there {
				t.Errorf("%s%s as %s: %q there: %v", path, c.q, c.role, c.want, !c.there)
			}
		}
	}
}
