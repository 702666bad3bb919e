package access

import (
	"net/http"
	"strings"
	"testing"

	"baton/internal/store"
)

var demoPeople = []DemoPerson{{"ada@northwind.example", "Ada", "admin revops"}, {"bo@northwind.example", "Bo", "rep"}}

func demoHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse(t, func(o *Options) { o.URL = "http://127.0.0.1:8080" })
	if err := h.Store.MarkMadeUp(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := h.AddDemoUsers(t.Context(), demoPeople); err != nil {
		t.Fatal(err)
	}
	return h
}

func (b *browser) click(email string, change ...func(*http.Request)) error {
	return b.do(func(w http.ResponseWriter, r *http.Request) error {
		r.Host = "127.0.0.1:8080"
		for _, c := range change {
			c(r)
		}
		return b.h.DemoSignIn(w, r, email)
	})
}

func TestDemo(t *testing.T) {
	h := demoHouse(t)
	b := h.browser()
	b.from = "127.0.0.1:999"
	if err := b.click("bo@northwind.example"); err == nil || b.viewer() != nil {
		t.Error("let in before it was asked for")
	}
	for _, listen := range []string{"0.0.0.0:8080", "[::]:8080", ":8080", "192.0.2.1:8080", "baton.northwind.example:80", ""} {
		if err := h.Demo(t.Context(), listen); err == nil || h.IsDemo() {
			t.Errorf("others reach %q", listen)
		}
	}
	if err := h.Demo(t.Context(), "127.0.0.1:8080"); err != nil || !h.IsDemo() {
		t.Fatal(err)
	}
	list, err := h.DemoUsers(t.Context())
	if err != nil || len(list) != 2 || list[0].Email != "bo@northwind.example" {
		t.Errorf("%v %v", list, err)
	}
	for name, change := range map[string]func(*http.Request){
		"from elsewhere":        func(r *http.Request) { r.RemoteAddr = "192.0.2.1:999" },
		"through a proxy":       func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1") },
		"by another name":       func(r *http.Request) { r.Host = "evil.example:8080" },
		"through another proxy": func(r *http.Request) { r.Header.Set("Forwarded", "for=127.0.0.1") },
	} {
		if text := refusal(t, b.click("bo@northwind.example", change)); !strings.Contains(text, "only from the machine") {
			t.Errorf("%s: %s", name, text)
		}
	}
	refusal(t, b.click("nobody@northwind.example"))
	if err := b.click("bo@northwind.example"); err != nil || b.viewer() == nil || b.viewer().How != "demo" {
		t.Fatal(err)
	}
	// such a session is none for a server that was not started for a demonstration
	h.demo = false
	if b.viewer() != nil {
		t.Error("a click lets in where there is no demonstration")
	}
	h.demo = true
	// once somebody may be real, it is over
	if _, err := h.Store.AddUser(t.Context(), store.User{Email: "real@northwind.com", Roles: "rep"}); err != nil {
		t.Fatal(err)
	}
	if text := refusal(t, b.click("bo@northwind.example")); !strings.Contains(text, "not made up") {
		t.Error(text)
	}
	if err := h.Demo(t.Context(), "127.0.0.1:8080"); err == nil {
		t.Error("with somebody real")
	}
}

// A database that is not made up from its beginning lets nobody in by a click, whatever is asked for.
func TestNoDemoOnOtherDatabases(t *testing.T) {
	h := newHouse(t)
	b, _ := h.user("ada@northwind.example", "admin")
	if err := h.Demo(t.Context(), "127.0.0.1:8080"); err == nil || h.IsDemo() {
		t.Error("switched on")
	}
	if err := h.AddDemoUsers(t.Context(), demoPeople); err == nil {
		t.Error("made users")
	}
	b.from = "127.0.0.1:999"
	if err := b.click("ada@northwind.example"); err == nil {
		t.Error("let in")
	}
	if list, err := h.DemoUsers(t.Context()); list != nil || err != nil {
		t.Error("the users are listed")
	}
}
