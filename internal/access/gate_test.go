package access

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/channel"
	"baton/internal/seal"
	"baton/internal/store"
)

// cheap is a cost for tests.
var cheap = Cost{Memory: 64, Passes: 1, Threads: 1}

const right = "a plain long sentence"

// house is a gate with its store and its clock, and the mails it sent.
type house struct {
	*Gate
	t     *testing.T
	at    atomic.Pointer[time.Time] // mails are written beside
	mails chan channel.Mail
}

func newHouse(t *testing.T, change ...func(*Options)) *house {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "baton.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, mails: make(chan channel.Mail, 10)}
	begun := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	h.at.Store(&begun)
	o := Options{Store: st, Seal: keys, Clock: func() time.Time { return *h.at.Load() }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		URL: "https://baton.northwind.example/", Cost: cheap,
		Mail: func(_ context.Context, m channel.Mail) channel.Result { h.mails <- m; return channel.Result{} }}
	for _, c := range change {
		c(&o)
	}
	h.Gate = New(o)
	t.Cleanup(func() { h.Close(); st.Close() })
	return h
}

// pass lets time go on.
func (h *house) pass(d time.Duration) {
	at := h.at.Load().Add(d)
	h.at.Store(&at)
}

// browser keeps cookies, as one does.
type browser struct {
	h       *house
	cookies map[string]string
	from    string
}

func (h *house) browser() *browser {
	return &browser{h: h, cookies: map[string]string{}, from: "192.0.2.7:1234"}
}

func (b *browser) request() (*httptest.ResponseRecorder, *http.Request) {
	r := httptest.NewRequestWithContext(b.h.t.Context(), "POST", "https://baton.northwind.example/sign-in", nil)
	r.TLS, r.RemoteAddr = nil, b.from
	r.Header.Set("User-Agent", "Firefox")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return httptest.NewRecorder(), r
}

// do sends a request and takes in the cookies of the answer.
func (b *browser) do(act func(http.ResponseWriter, *http.Request) error) error {
	w, r := b.request()
	err := act(w, r)
	for _, c := range w.Result().Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return err
}

func (b *browser) signIn(email, password string) (pending string, err error) {
	err = b.do(func(w http.ResponseWriter, r *http.Request) (err error) {
		pending, err = b.h.SignIn(w, r, email, password)
		return err
	})
	return pending, err
}

// viewer is who is signed in, nil for nobody.
func (b *browser) viewer() *Viewer {
	b.h.t.Helper()
	_, r := b.request()
	v, err := b.h.Viewer(r)
	if err != nil && !errors.Is(err, ErrSignedOut) {
		b.h.t.Fatal(err)
	}
	return v
}

// user makes a user with the password "right", and a browser in which they are signed in.
func (h *house) user(email string, roles ...string) (*browser, *Viewer) {
	h.t.Helper()
	link, _, err := h.Invite(h.t.Context(), By{Actor: CommandLine}, email, "Somebody", roles)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.Mail != nil {
		<-h.mails
	}
	b := h.browser()
	err = b.do(func(w http.ResponseWriter, r *http.Request) error {
		in, err := h.UseLink(w, r, tokenOf(link), "", right)
		if err == nil && !in {
			h.t.Error("an invitation does not let in")
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return b, b.viewer()
}

func tokenOf(link string) string { return link[strings.LastIndex(link, "/")+1:] }

func refusal(t *testing.T, err error) string {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) {
		t.Helper()
		t.Fatalf("no refusal: %v", err)
	}
	return r.Text
}

// did returns the audit, the first first, as "actor: action subject (detail)".
func (h *house) did() []string {
	list, err := h.Store.Audits(h.t.Context(), store.AuditFilter{}, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, a := range list {
		s := a.Actor + ": " + a.Action + " " + a.Subject
		if a.Detail != "" {
			s += " (" + a.Detail + ")"
		}
		out = append([]string{s}, out...)
	}
	return out
}

func TestSetUp(t *testing.T) {
	h := newHouse(t)
	code, err := h.NewSetUpCode(t.Context())
	if err != nil || len(code) != 5*5-1 {
		t.Fatalf("%q %v", code, err)
	}
	b := h.browser()
	setUp := func(code, email, password string) error {
		return b.do(func(w http.ResponseWriter, r *http.Request) error { return h.SetUp(w, r, code, email, "Ada", password) })
	}
	if text := refusal(t, setUp("AAAA-BBBB-CCCC-DDDD-EEEE", "ada@northwind.example", right)); !strings.Contains(text, "is not the code") {
		t.Error(text)
	}
	if text := refusal(t, setUp(code, "ada@northwind.example", "short")); !strings.Contains(text, "at least 12") {
		t.Error(text)
	}
	if text := refusal(t, setUp(code, "ada", right)); !strings.Contains(text, "no @") {
		t.Error(text)
	}
	if err := setUp(" "+strings.ToLower(strings.ReplaceAll(code, "-", " ")), "Ada@Northwind.example ", right); err != nil {
		t.Fatal(err)
	}
	want := &Viewer{ID: 1, Email: "ada@northwind.example", Name: "Ada", Roles: []Role{RoleRevOps, RoleAdmin}, Session: 1, How: "password"}
	if diff := cmp.Diff(want, b.viewer()); diff != "" {
		t.Errorf("viewer (-want +got):\n%s", diff)
	}
	if text := refusal(t, setUp(code, "eve@northwind.example", right)); !strings.Contains(text, "is not the code") {
		t.Error(text)
	}
	if code, err := h.NewSetUpCode(t.Context()); code != "" || err != nil {
		t.Errorf("%q %v", code, err)
	}

	// a code is good for a day
	h = newHouse(t)
	b = h.browser()
	if code, err = h.NewSetUpCode(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.pass(setUpTime)
	if text := refusal(t, setUp(code, "ada@northwind.example", right)); !strings.Contains(text, "more than a day ago") {
		t.Error(text)
	}
}

func TestSignIn(t *testing.T) {
	h := newHouse(t)
	b, v := h.user("ada@northwind.example", "rep", "sdr")
	if diff := cmp.Diff([]Role{RoleSDR, RoleRep}, v.Roles); diff != "" {
		t.Error(diff)
	}
	out := func(b *browser) error { return b.do(h.SignOut) }
	stolen := *b
	stolen.cookies = map[string]string{"__Host-baton": b.cookies["__Host-baton"]}
	if err := out(b); err != nil || b.viewer() != nil || stolen.viewer() != nil || len(b.cookies) != 0 {
		t.Errorf("signed out: %v %v", err, b.cookies)
	}
	if err := out(b); err != nil {
		t.Errorf("signed out twice: %v", err)
	}
	_, bo := h.user("bo@northwind.example", "manager")
	h.user("cy@northwind.example", "admin")
	if _, _, err := h.Invite(t.Context(), By{}, "di@northwind.example", "", []string{"rep"}); err != nil {
		t.Fatal(err)
	}
	if err := h.Deactivate(t.Context(), By{Actor: "cy@northwind.example"}, bo.ID); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, c := range []struct{ email, password string }{
		{"ada@northwind.example", "wrong"}, {"ada@northwind.example", ""}, {"nobody@northwind.example", right}, {"bo@northwind.example", right},
		{"di@northwind.example", ""}, {"di@northwind.example", right}, {"no address", right}, {"ada@northwind.example", strings.Repeat(right, 1000)},
	} {
		b := h.browser()
		_, err := b.signIn(c.email, c.password)
		said = append(said, refusal(t, err))
		if b.viewer() != nil || len(b.cookies) > 0 {
			t.Errorf("%s is let in with %q", c.email, c.password)
		}
	}
	for _, s := range said {
		if s != errWrong.Text {
			t.Errorf("somebody hears %q", s)
		}
	}
	if _, err := b.signIn(" ADA@northwind.example", right); err != nil {
		t.Fatal(err)
	}
	if v := b.viewer(); v == nil || v.Email != "ada@northwind.example" || v.How != "password" {
		t.Errorf("%+v", v)
	}
	all := strings.Join(h.did(), "\n")
	for _, want := range []string{
		"command line: invited ada@northwind.example (sdr rep)", "ada@northwind.example: joined ada@northwind.example (by a link)",
		"ada@northwind.example: signed out", ": sign-in refused nobody@northwind.example (no such user)", ": sign-in refused bo@northwind.example (deactivated)",
		": sign-in refused di@northwind.example (no password yet)", ": sign-in refused  (no such user)", "cy@northwind.example: deactivated bo@northwind.example",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("not on record: %s, in\n%s", want, all)
		}
	}
	if strings.Contains(all, right) {
		t.Error("a password is on record")
	}
}

// Who guesses is slowed down: for one account from one address, for one account from many, and from one address for many. What is
// answered does not say whether there is such a user.
func TestGuessing(t *testing.T) {
	h := newHouse(t)
	h.user("ada@northwind.example", "rep")
	guess := func(email, password, from string) error {
		b := h.browser()
		b.from = from + ":1"
		_, err := b.signIn(email, password)
		return err
	}
	for _, email := range []string{"ada@northwind.example", "nobody@northwind.example"} {
		h.limits = newLimits()
		for range 5 {
			if text := refusal(t, guess(email, "wrong", "192.0.2.1")); text != errWrong.Text {
				t.Fatal(text)
			}
		}
		if text := refusal(t, guess(email, right, "192.0.2.1")); !strings.Contains(text, "wait 60 seconds") {
			t.Error(text)
		}
		h.limits = newLimits()
		for i := range 30 {
			if text := refusal(t, guess(email, "wrong", "192.0.2."+string(rune('1'+i%9)))); text != errWrong.Text {
				t.Fatal(i, text)
			}
		}
		if text := refusal(t, guess(email, right, "198.51.100.1")); !strings.Contains(text, "too many tries") {
			t.Error(text)
		}
	}
	h.limits = newLimits()
	for i := range 20 {
		if text := refusal(t, guess(string(rune('a'+i))+"@northwind.example", "wrong", "192.0.2.1")); text != errWrong.Text {
			t.Fatal(i, text)
		}
	}
	if text := refusal(t, guess("ada@northwind.example", right, "192.0.2.1")); !strings.Contains(text, "too many tries") {
		t.Error(text)
	}
	// those who are right are not counted
	h.limits = newLimits()
	for i := range 50 {
		if err := guess("ada@northwind.example", right, "192.0.2.1"); err != nil {
			t.Fatal(i, err)
		}
	}
	// after a while it goes on
	h.pass(time.Hour)
	if err := guess("ada@northwind.example", right, "192.0.2.1"); err != nil {
		t.Error(err)
	}
}

func TestSessionsEnd(t *testing.T) {
	h := newHouse(t)
	b, _ := h.user("ada@northwind.example", "admin")
	admin := By{Actor: "somebody"}
	_, bo := h.user("bo@northwind.example", "rep")
	fresh := func() *browser {
		t.Helper()
		b := h.browser()
		if _, err := b.signIn("bo@northwind.example", right); err != nil {
			t.Fatal(err)
		}
		return b
	}
	idle := fresh()
	h.pass(h.Idle - time.Minute)
	if idle.viewer() == nil {
		t.Error("over before its time")
	}
	h.pass(h.Idle - time.Minute)
	if idle.viewer() == nil {
		t.Error("use does not keep a session")
	}
	h.pass(h.Idle + time.Minute)
	if idle.viewer() != nil {
		t.Error("a session that nobody uses goes on")
	}
	long := fresh()
	for begun := *h.at.Load(); h.at.Load().Before(begun.Add(h.Longest)); h.pass(24 * time.Hour) {
		if long.viewer() == nil {
			t.Fatal("over before its time")
		}
	}
	h.pass(time.Minute)
	if long.viewer() != nil {
		t.Error("a session has no end")
	}
	if _, err := b.signIn("ada@northwind.example", right); err != nil {
		t.Fatal(err)
	}
	v := b.viewer()

	one, two := fresh(), fresh()
	list, err := h.Sessions(t.Context(), bo.ID)
	if err != nil || len(list) != 2 {
		t.Errorf("%v %v", list, err)
	}
	_, r := one.request()
	if err := h.EndSession(r, one.viewer(), v.ID, v.Session); !errors.Is(err, store.ErrNoSession) {
		t.Errorf("ended somebody else's: %v", err)
	}
	if err := h.EndSession(r, one.viewer(), 0, two.viewer().Session); err != nil || two.viewer() != nil {
		t.Errorf("ended one's own: %v", err)
	}
	if err := h.EndSession(r, v, bo.ID, one.viewer().Session); err != nil || one.viewer() != nil {
		t.Errorf("ended by an admin: %v", err)
	}
	one, two = fresh(), fresh()
	_, r = one.request()
	if err := h.EndOthers(r, one.viewer()); err != nil || one.viewer() == nil || two.viewer() != nil {
		t.Errorf("ended the others: %v", err)
	}
	// another password ends all others, and goes on here under another token
	two = fresh()
	old := one.cookies["__Host-baton"]
	change := func(was, to string) error {
		return one.do(func(w http.ResponseWriter, r *http.Request) error {
			return h.ChangePassword(w, r, one.viewer(), was, to)
		})
	}
	if text := refusal(t, change("wrong", "another long sentence")); !strings.Contains(text, "not your password") {
		t.Error(text)
	}
	if err := change(right, "another long sentence"); err != nil || one.viewer() == nil || two.viewer() != nil || one.cookies["__Host-baton"] == old {
		t.Errorf("changed the password: %v", err)
	}
	if err := h.Deactivate(t.Context(), admin, bo.ID); err != nil || one.viewer() != nil {
		t.Errorf("deactivated: %v", err)
	}
	if err := h.Reactivate(t.Context(), admin, bo.ID); err != nil || one.viewer() != nil {
		t.Errorf("a session is back: %v", err)
	}
	if _, err := h.browser().signIn("bo@northwind.example", "another long sentence"); err != nil {
		t.Error(err)
	}
	if text := refusal(t, h.Deactivate(t.Context(), admin, v.ID)); !strings.Contains(text, "nobody else could run Baton") {
		t.Error(text)
	}
}

// Who signs in again in the same browser, maybe as somebody else, leaves no session behind.
func TestOneSessionInABrowser(t *testing.T) {
	h := newHouse(t)
	b, v := h.user("ada@northwind.example", "admin")
	h.user("bo@northwind.example", "rep")
	before := &browser{h: h, cookies: map[string]string{"__Host-baton": b.cookies["__Host-baton"]}, from: b.from}
	if _, err := b.signIn("bo@northwind.example", right); err != nil || b.viewer().Email != "bo@northwind.example" || before.viewer() != nil {
		t.Errorf("%v %+v", err, before.viewer())
	}
	if list, err := h.Sessions(t.Context(), v.ID); len(list) != 0 || err != nil {
		t.Errorf("%v %v", list, err)
	}
}

// Roles count from the next request on.
func TestRolesCountAtOnce(t *testing.T) {
	h := newHouse(t)
	h.user("ada@northwind.example", "admin")
	b, bo := h.user("bo@northwind.example", "rep")
	if err := h.GiveRoles(t.Context(), By{}, bo.ID, []string{"revops"}); err != nil {
		t.Fatal(err)
	}
	if v := b.viewer(); v.May(WorkLeads) || !v.May(RunSettings) {
		t.Errorf("%+v", v)
	}
	for _, roles := range [][]string{nil, {"boss"}, {"rep", "Admin"}} {
		refusal(t, h.GiveRoles(t.Context(), By{}, bo.ID, roles))
	}
	refusal(t, h.GiveRoles(t.Context(), By{}, 99, []string{"rep"}))
}

func TestCookies(t *testing.T) {
	for name, c := range map[string]struct {
		url, proto string
		want       string
	}{
		"https":                  {"https://baton.northwind.example", "", "__Host-baton: Secure HttpOnly Lax /"},
		"behind a proxy unnamed": {"http://127.0.0.1:8080", "https", "__Host-baton: Secure HttpOnly Lax /"},
		"this machine":           {"http://127.0.0.1:8080", "", "baton: HttpOnly Lax /"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(o *Options) { o.URL = c.url })
			h.user("ada@northwind.example", "rep")
			w, r := h.browser().request()
			r.Header.Set("X-Forwarded-Proto", c.proto)
			if _, err := h.SignIn(w, r, "ada@northwind.example", right); err != nil {
				t.Fatal(err)
			}
			list := w.Result().Cookies()
			if len(list) != 1 {
				t.Fatal(list)
			}
			got := list[0].Name + ":"
			if list[0].Secure {
				got += " Secure"
			}
			if list[0].HttpOnly {
				got += " HttpOnly"
			}
			if list[0].SameSite == http.SameSiteLaxMode {
				got += " Lax"
			}
			if got += " " + list[0].Path; got != c.want || list[0].Domain != "" {
				t.Errorf("%s, want %s", got, c.want)
			}
			db, err := h.Store.Query(t.Context(), `SELECT hex(hash) FROM access_session ORDER BY id DESC LIMIT 1`)
			if err != nil || strings.EqualFold(db.Rows[0][0].(string), list[0].Value) {
				t.Errorf("the token itself is kept: %v %v", db, err)
			}
		})
	}
}

// A cookie that somebody on the way could have set, since it has no __Host- before it, signs nobody in over https.
func TestAPlainCookieIsNoneOverHTTPS(t *testing.T) {
	h := newHouse(t)
	b, _ := h.user("ada@northwind.example", "rep")
	b.cookies = map[string]string{"baton": b.cookies["__Host-baton"]}
	if b.viewer() != nil {
		t.Error("signed in")
	}
}
