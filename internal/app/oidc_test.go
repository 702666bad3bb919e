//go:build unix

package app

import (
	"bufio"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"baton/internal/access"
	"baton/internal/store"
)

// provide starts the certified provider of testdata/oidc, which sends people back to some addresses, and returns its issuer.
func provide(t *testing.T, conform string, back ...string) string {
	t.Helper()
	dir, err := installed("oidc")
	if err != nil {
		t.Fatal(err)
	}
	found, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("there is no node on this machine, and this test signs in at a provider for it; install it with: script/need node")
	}
	text, err := os.ReadFile(filepath.Join("testdata", "oidc", "provider.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	program := t.TempDir()
	if err := os.WriteFile(filepath.Join(program, "provider.mjs"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "node_modules"), filepath.Join(program, "node_modules")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), found, "provider.mjs")
	cmd.Dir, cmd.Env = program, append(os.Environ(), "CONFORM="+conform, "BACK="+strings.Join(back, " "))
	leash, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leash.Close(); cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "http://") {
			go io.Copy(io.Discard, out)
			return lines.Text()
		}
	}
	leash.Close()
	cmd.Wait()
	t.Fatalf("the provider did not start: %s", &said)
	return ""
}

// front is an address that is known before there is a server behind it.
type front struct {
	*httptest.Server
	proxy *httputil.ReverseProxy
}

func newFront(t *testing.T) *front {
	f := &front{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.proxy.ServeHTTP(w, r) }))
	t.Cleanup(f.Close)
	return f
}

func (f *front) to(address string) {
	f.proxy = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: address})
		p.Out.Host = p.In.Host
	}}
}

// signer is a browser on its way to the provider and back.
type signer struct {
	t *testing.T
	http.Client
}

func newSigner(t *testing.T) *signer {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{t, http.Client{Jar: jar}}
}

// read returns where a request led and what stands there.
func (s *signer) read(r *http.Response, err error) (at *url.URL, status int, text string) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.Request.URL, r.StatusCode, string(b)
}

var interaction = regexp.MustCompile(`action="([^"]*/interaction/[^"]*)"`)

// as signs in at the provider as somebody, coming from a page of Baton, and returns where that ended.
func (s *signer) as(name, from string) (at *url.URL, status int, text string) {
	s.t.Helper()
	at, status, text = s.read(s.Get(from))
	for range 3 {
		m := interaction.FindStringSubmatch(text)
		if m == nil {
			return at, status, text
		}
		to, err := at.Parse(m[1])
		if err != nil {
			s.t.Fatal(err)
		}
		form := url.Values{"prompt": {"login"}, "login": {name}, "password": {"x"}}
		if !strings.Contains(text, `name="login"`) {
			form = url.Values{"prompt": {"consent"}}
		}
		at, status, text = s.read(s.PostForm(to.String(), form))
	}
	return at, status, text
}

// People sign in at a provider that others wrote: those who were invited, found by an address that it has verified, and by its own
// name for them from then on.
func TestSigningInAtAProvider(t *testing.T) {
	for _, conform := range []string{"no", "yes"} {
		t.Run("conform="+conform, func(t *testing.T) {
			web := newFront(t)
			issuer := provide(t, conform, web.URL+"/sign-in/provider/back")
			l := serve(t, ServeOptions{URL: web.URL, SignIn: SignIn{Provider: &access.Provider{Issuer: issuer, ID: "baton", Secret: "the secret of baton", Name: "Northwind"}}})
			web.to(l.address)
			ctx := t.Context()
			begin := web.URL + "/sign-in/provider?next=" + url.QueryEscape("/account?x=1")
			if _, err := l.Store.AddUser(ctx, store.User{Email: "admin@northwind.example", Roles: "admin", Password: "none"}); err != nil {
				t.Fatal(err)
			}
			ada := newSigner(t)
			if at, status, text := ada.as("ada", begin); status != 422 || !strings.Contains(text, "not a user of Baton here yet") {
				t.Fatalf("not invited: %s %d %s", at, status, text)
			}
			u, err := l.Store.AddUser(ctx, store.User{Email: "ada@northwind.example", Roles: "rep"})
			if err != nil {
				t.Fatal(err)
			}
			if at, status, text := newSigner(t).as("eve", begin); status != 422 || !strings.Contains(text, "has not verified") {
				t.Errorf("not verified: %s %d", at, status)
			}
			if at, status, text := ada.as("ada", begin); status != 200 || at.RequestURI() != "/account?x=1" || !strings.Contains(text, "Ada Lind") {
				t.Fatalf("invited: %s %d %s", at, status, text)
			}
			// somebody else at the provider who has the address now is not her
			if at, status, text := newSigner(t).as("twin", begin); status != 422 || !strings.Contains(text, "not a user") {
				t.Errorf("another with her address: %s %d", at, status)
			}

			// what comes back is taken once, and only by the browser that went
			mallory := newSigner(t)
			mallory.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
				if r.URL.Path == "/sign-in/provider/back" {
					return http.ErrUseLastResponse
				}
				return nil
			}
			r, err := func() (*http.Response, error) {
				_, _, text := mallory.read(mallory.Get(begin))
				for {
					m := interaction.FindStringSubmatch(text)
					to, _ := url.Parse(issuer)
					to, _ = to.Parse(m[1])
					form := url.Values{"prompt": {"login"}, "login": {"ada"}, "password": {"x"}}
					if !strings.Contains(text, `name="login"`) {
						form = url.Values{"prompt": {"consent"}}
					}
					r, err := mallory.PostForm(to.String(), form)
					if err != nil || r.Header.Get("Location") != "" && strings.Contains(r.Header.Get("Location"), "/sign-in/provider/back") {
						return r, err
					}
					_, _, text = mallory.read(r, err)
				}
			}()
			if err != nil {
				t.Fatal(err)
			}
			back := r.Header.Get("Location")
			if _, status, _ := ada.read(newSigner(t).Get(back)); status != 422 {
				t.Errorf("a code is taken from another browser: %d", status)
			}
			if at, status, _ := mallory.read(mallory.Get(back)); status != 200 && status != 303 {
				t.Errorf("%s %d", at, status)
			}
			if _, status, _ := mallory.read(mallory.Get(back)); status != 422 {
				t.Errorf("a code is taken twice: %d", status)
			}
			if _, status, _ := mallory.read(mallory.Get(strings.Replace(back, "state=", "state=x", 1))); status != 422 {
				t.Errorf("another state is taken: %d", status)
			}

			if err := l.Store.UpdateUser(ctx, u.ID, func(u *store.User) (store.UserChange, error) { u.DeactivatedAt = 1; return store.UserChange{}, nil }); err != nil {
				t.Fatal(err)
			}
			if at, status, text := ada.read(ada.Get(web.URL + "/account")); at.Path != "/sign-in" {
				t.Errorf("deactivated, and goes on: %s %d %s", at, status, text)
			}
			if _, status, text := ada.as("ada", begin); status != 422 || !strings.Contains(text, "not a user") {
				t.Errorf("deactivated, and is let in: %d", status)
			}
			var said []string
			list, err := l.Store.Audits(ctx, store.AuditFilter{}, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list {
				said = append(said, a.Action+": "+a.Detail)
			}
			all := strings.Join(said, "\n")
			for _, want := range []string{"sign-in refused: not invited", "sign-in refused: the provider has not verified the address", "signed in: provider", "linked a sign-in provider: ",
				"sign-in refused: the provider knows this address as somebody else", "sign-in refused: deactivated"} {
				if !strings.Contains(all, want) {
					t.Errorf("not on record: %s in\n%s", want, all)
				}
			}
		})
	}
}

// A provider that gives roles decides who comes in, and as what.
func TestAProviderGivesRoles(t *testing.T) {
	web := newFront(t)
	issuer := provide(t, "yes", web.URL+"/sign-in/provider/back")
	provider := &access.Provider{Issuer: issuer, ID: "baton", Secret: "the secret of baton", Scopes: []string{"groups"}, RolesClaim: "groups",
		RoleOf: map[string]string{"sales-team": "sdr", "crm-admins": "admin"}}
	l := serve(t, ServeOptions{URL: web.URL, SignIn: SignIn{Provider: provider}})
	web.to(l.address)
	begin := web.URL + "/sign-in/provider"
	signedIn := newSigner(t)
	if at, status, text := signedIn.as("bo", begin); status >= 400 || at.Path == "/sign-in" {
		t.Fatalf("%s %d %s", at, status, text)
	}
	if at, status, text := newSigner(t).as("twin", begin); status != 422 || !strings.Contains(text, "gives you no role") {
		t.Errorf("no role: %s %d", at, status)
	}
	ada := newSigner(t)
	if at, status, text := ada.as("ada", begin); status >= 400 || at.Path == "/sign-in" {
		t.Fatalf("%s %d %s", at, status, text)
	}
	u, err := l.Store.UserByEmail(t.Context(), "ada@northwind.example")
	if err != nil || u.Roles != "sdr" || u.Name != "Ada Lind" || u.Subject != issuer+" ada" {
		t.Errorf("%+v %v", u, err)
	}
	bo, err := l.Store.UserByEmail(t.Context(), "bo@northwind.example")
	if err != nil || bo.Roles != "rep admin" {
		t.Errorf("%+v %v", bo, err)
	}
	// whoever runs Baton sees how people come in, and no secret
	_, status, text := signedIn.read(signedIn.Get(web.URL + "/settings/sign-in"))
	if status != 200 {
		t.Errorf("the page of how people sign in: %d", status)
	}
	says(t, html.UnescapeString(text), []string{"Two people may sign in, with a password, or at " + strings.TrimPrefix(issuer, "http://") + ".", issuer, "From the claim groups", "crm-admins is admin, sales-team is sdr.",
		"The secret is set and not shown.", "If the provider says it has verified them", web.URL + "/sign-in/provider/back", "2 people", "0 of 2 have one", "2 browsers are signed in"}, []string{"the secret of baton", "People sign in only here"})
	if _, status, _ := ada.read(ada.Get(web.URL + "/settings/sign-in")); status != 403 {
		t.Errorf("an SDR sees how people sign in: %d", status)
	}
	_, status, text = ada.read(newSigner(t).Get(web.URL + "/sign-in"))
	says(t, text, []string{`/sign-in/provider`}, nil)
	if status != 200 {
		t.Errorf("the page to sign in: %d", status)
	}
	// what was given here in the meantime ends with the next sign-in
	if err := l.Store.UpdateUser(t.Context(), u.ID, func(u *store.User) (store.UserChange, error) { u.Roles = "admin"; return store.UserChange{}, nil }); err != nil {
		t.Fatal(err)
	}
	if _, status, _ := ada.as("ada", begin); status >= 400 {
		t.Fatal(status)
	}
	if u, err := l.Store.UserByEmail(t.Context(), "ada@northwind.example"); err != nil || u.Roles != "sdr" {
		t.Errorf("%+v %v", u, err)
	}
}

// A provider that does not answer keeps nobody else from signing in, and says so.
func TestAProviderThatIsAway(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	l := serve(t, ServeOptions{SignIn: SignIn{Provider: &access.Provider{Issuer: gone.URL, ID: "baton"}}})
	s := newSigner(t)
	if _, status, text := s.read(s.Get("http://" + l.address + "/sign-in/provider")); status != 429 || !strings.Contains(text, "does not answer") {
		t.Errorf("%d %s", status, text)
	}
}
