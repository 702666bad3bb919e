package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"baton/internal/access"
	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/delivery"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Options are what the pages need.
type Options struct {
	Store  *store.Store
	Engine *engine.Engine
	API    *api.API       // carries out what people do on a page
	Gate   *access.Gate   // lets people in; nil for nobody
	Desk   *delivery.Desk // sends alerts; nil for nobody
	// Settings are those of the server as they apply, for people to look at.
	Settings []Setting
	// Viewer says who sent a request; ErrSignedOut for nobody. It is asked for each request. If it is nil, the gate says.
	Viewer func(*http.Request) (*Viewer, error)
	Clock  func() time.Time // time.Now if nil
	Log    *slog.Logger     // slog.Default() if nil
}

// Site answers requests for pages. It is safe for concurrent use.
type Site struct {
	Options
	routes []route
	mux    *http.ServeMux
	own    http.Handler // mux behind what keeps other sites' forms out
	assets *assets
	feed   *feed
	shelf  shelf // documents of the agreement
	values *values
}

// New makes the pages.
func New(opts Options) *Site {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if opts.Viewer == nil && opts.Gate != nil {
		opts.Viewer = opts.Gate.Viewer
	}
	s := &Site{Options: opts, routes: routes(), mux: http.NewServeMux(), assets: allAssets, feed: newFeed(opts.Store, opts.Log), values: newValues(opts.Store, opts.Log)}
	for i := range s.routes {
		s.route(&s.routes[i])
	}
	s.mux.HandleFunc("GET /assets/{version}/{file...}", s.assets.serve)
	s.own = http.NewCrossOriginProtection().Handler(s.mux)
	return s
}

// Close ends what streams to browsers, so that a server can stop.
func (s *Site) Close() {
	s.feed.close()
	s.values.close()
}

// Over answers what is asked of a page, and leaves everything else to next. A browser that asks for an address nobody
// has gets a page that says so.
func (s *Site) Over(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := s.mux.Handler(r); pattern != "" {
			s.own.ServeHTTP(w, r)
			return
		}
		if p := r.URL.Path; r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") &&
			!strings.HasPrefix(p, "/api/") && !strings.HasPrefix(p, "/v1/") && !strings.HasPrefix(p, "/f/") {
			a := s.ask(w, r)
			_ = a.begin() // whoever it is: the page says the same
			s.fail(a, errNotFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ask is a request for a page, and what every page needs.
type ask struct {
	*http.Request
	w      http.ResponseWriter
	site   *Site
	route  *route // nil for an address nobody has
	viewer *Viewer
	now    time.Time
	said   *flash // what the last act led to, nil for nothing
	place  string // the page of the bars that this one belongs to, where its address does not say it

	plan    *agreement.Plan // the agreement that applies, never nil in a handler
	version int64           // its version
	roster  *lifecycle.Roster
	zone    *time.Location // of whoever looks
}

// answer is how a request is answered.
type answer interface{ answer(*ask) error }

func (s *Site) ask(w http.ResponseWriter, r *http.Request) *ask {
	return &ask{Request: r, w: w, site: s, now: s.Clock(), plan: &agreement.Plan{}, zone: time.UTC}
}

// begin finds who asks and what applies. It makes one query, for the roster, beside those that find the viewer.
func (a *ask) begin() error {
	s := a.site
	if s.Viewer == nil {
		return ErrSignedOut
	}
	var err error
	if a.viewer, err = s.Viewer(a.Request); err != nil {
		return err
	}
	plan, version := s.Engine.Agreement()
	if plan == nil {
		return engine.ErrNoAgreement
	}
	a.plan, a.version = plan, version
	if a.roster, err = s.Store.Roster(a.Context()); err != nil {
		return err
	}
	a.zone = lifecycle.HoursOf(plan, a.roster, a.viewer.Email).Zone()
	return nil
}

// route puts a route on the mux, for those who have its right.
func (s *Site) route(to *route) {
	s.mux.HandleFunc(to.pattern, func(w http.ResponseWriter, r *http.Request) {
		a := s.ask(w, r)
		a.route = to
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.Log.ErrorContext(r.Context(), "a page failed", "route", to.pattern, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				s.fail(a, errors.New("panic"))
			}
		}()
		if err := s.answer(a); err != nil {
			s.fail(a, err)
		}
	})
}

func (s *Site) answer(a *ask) error {
	if err := a.begin(); err != nil && (a.route.right != Anybody || !errors.Is(err, ErrSignedOut)) {
		return err
	}
	if !a.viewer.May(a.route.right) {
		if err := a.readForm(); err != nil {
			return err
		}
		return a.mayNot()
	}
	if err := a.readForm(); err != nil {
		return err
	}
	by := a.actor()
	if len(by.Form) > mostOnce || !utf8.ValidString(by.Form) || strings.ContainsRune(by.Form, 0) {
		return badField("the mark of the form did not arrive whole; open its page again")
	}
	a.Request = a.WithContext(store.As(a.Context(), by))
	handle := a.route.handle
	if name := a.URL.Query().Get(exportParameter); name != "" && a.route.exports != nil && a.Method != http.MethodPost {
		if !a.viewer.May(Export) {
			return errForbidden
		}
		handle = func(a *ask) (answer, error) { return a.takeOut(name) }
	}
	answer, err := handle(a)
	if errors.Is(err, store.ErrFormTwice) {
		return a.doneBefore().answer(a)
	}
	if err != nil || answer == nil {
		return err
	}
	return answer.answer(a)
}

// readForm reads a form that was sent, if it was not read yet.
func (a *ask) readForm() error {
	if a.Method != http.MethodPost || a.route.streams || a.PostForm != nil {
		return nil
	}
	a.Body = http.MaxBytesReader(a.w, a.Body, mostForm)
	if err := a.ParseForm(); err != nil {
		return &failure{status: http.StatusBadRequest, title: "This form did not arrive whole", text: "Nothing was done. Go back and send it again.", cause: err}
	}
	return nil
}

// mostForm is how many bytes a form may have.
const mostForm = 256 << 10

// headers are those of every page. Scripts, styles and fonts come from here and from files alone.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, HX-Request, Accept-Encoding")
}

// page is an answer with a whole page.
type page struct {
	title string
	body  templ.Component
	live  string // the event of /live at which the page is asked for again, "" for never
	state string // beside the title: "Thu 12 Nov, 10:42"
}

func (p page) answer(a *ask) error { return a.show(http.StatusOK, p) }

// part is an answer with a piece of a page, for htmx.
type part struct{ body templ.Component }

func (p part) answer(a *ask) error { return a.write(http.StatusOK, p.body) }

// show writes a page.
func (a *ask) show(status int, p page) error {
	a.said = takeFlash(a)
	return a.write(status, layout(frame{ask: a, page: p, bars: a.bars(), saved: a.saved()}))
}

// write renders a component and sends it, packed if the browser can unpack it. Nothing is sent before all of it is
// rendered, so that what fails on the way becomes an error page.
func (a *ask) write(status int, c templ.Component) error {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer buffers.Put(buf)
	if err := c.Render(context.WithValue(a.Context(), askKey{}, a), buf); err != nil {
		return fmt.Errorf("rendering: %w", err)
	}
	h := a.w.Header()
	headers(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	if buf.Len() < 1400 || !strings.Contains(a.Header.Get("Accept-Encoding"), "gzip") {
		a.w.WriteHeader(status)
		_, _ = a.w.Write(buf.Bytes()) // whoever asked is gone
		return nil
	}
	h.Set("Content-Encoding", "gzip")
	a.w.WriteHeader(status)
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(a.w)
	_, _ = z.Write(buf.Bytes())
	_ = z.Close()
	return nil
}

var (
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	packers = sync.Pool{New: func() any { z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed+2); return z }}
)

type askKey struct{}

// asked returns the request that a template is rendered for.
func asked(ctx context.Context) *ask {
	a, _ := ctx.Value(askKey{}).(*ask)
	return a
}

// redirect is an answer that leads to another address of the site, for a form that was sent.
type redirect struct {
	to   string
	said *flash
}

func (r redirect) answer(a *ask) error {
	headers(a.w.Header())
	if r.said != nil {
		putFlash(a, r.said)
	}
	http.Redirect(a.w, a.Request, r.to, http.StatusSeeOther)
	return nil
}

// back returns where a form came from, as it says in its field "back": an address of this site, or otherwise.
func (a *ask) back(otherwise string) string { return here(a.PostFormValue("back"), otherwise) }

// formBack is back of a form that was read, "" for no form.
func (a *ask) formBack() string {
	if a.PostForm == nil {
		return ""
	}
	return here(a.PostForm.Get("back"), "")
}

// here returns an address if it is one of this site, or otherwise.
func here(address, otherwise string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return otherwise
	}
	return u.RequestURI()
}

// home leads to the first page that a viewer may open.
func home(a *ask) (answer, error) {
	for i := range a.site.routes {
		if r := &a.site.routes[i]; r.entry != nil && a.viewer.May(r.right) {
			return redirect{to: r.path()}, nil
		}
	}
	return nil, errForbidden
}

// path is the address of a route without parameters.
func (r *route) path() string {
	_, path, _ := strings.Cut(r.pattern, " ")
	return strings.TrimSuffix(path, "{$}")
}

// The cookies of how somebody wants the pages in this browser.
const (
	themeCookie = "theme" // light, dark; none: as the system has it
	keysCookie  = "keys"  // off: no keys of one character
)

// setTheme keeps whether somebody wants it light or dark; "" for as the system has it.
func setTheme(a *ask) (answer, error) {
	theme := a.PostFormValue("theme")
	if theme != "light" && theme != "dark" {
		theme = ""
	}
	return a.prefer(themeCookie, theme), nil
}

// setKeys keeps whether keys of one character do anything.
func setKeys(a *ask) (answer, error) {
	if a.PostFormValue("keys") == "off" {
		return a.prefer(keysCookie, "off"), nil
	}
	return a.prefer(keysCookie, ""), nil
}

// prefer keeps a wish in this browser for a year, "" for none, and leads back.
func (a *ask) prefer(name, value string) redirect {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 365 * 86400, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: a.TLS != nil}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(a.w, c)
	return redirect{to: a.back("/")}
}

// theme is the class of the page.
func (a *ask) theme() string { return a.preferred(themeCookie, "light", "dark") }

// keys is "off" for somebody who wants no keys of one character.
func (a *ask) keys() string { return a.preferred(keysCookie, "off") }

func (a *ask) preferred(name string, values ...string) string {
	if c, err := a.Cookie(name); err == nil && slices.Contains(values, c.Value) {
		return c.Value
	}
	return ""
}

// barEntry is an entry as the bars show it.
type barEntry struct {
	*entry
	Path    string
	Current bool
	Waiting int64 // work that waits there, 0 for none
}

// under reports whether the page is at an address or below it.
func (a *ask) under(path string) bool {
	return a.URL.Path == path || strings.HasPrefix(a.URL.Path, path+"/")
}

// bars are the pages that the viewer may open, with how much waits there.
func (a *ask) bars() []barEntry {
	list := a.entries()
	for i := range list {
		if e := &list[i]; e.Count != nil {
			var err error
			if e.Waiting, err = e.Count(a); err != nil { // a figure beside a name is worth no error page
				a.site.Log.WarnContext(a.Context(), "counting what waits", "page", e.Path, "error", err)
			}
		}
	}
	return list
}

// entries are the pages that the viewer may open. Of two that are on the way to the page the nearer one is shown as current.
func (a *ask) entries() (list []barEntry) {
	current := -1
	for i := range a.site.routes {
		r := &a.site.routes[i]
		if r.entry == nil || !a.viewer.May(r.right) {
			continue
		}
		path := r.path()
		if there := a.place == path || a.place == "" && (a.under(path) || r.entry.Also != "" && a.under(r.entry.Also)); there && (current < 0 || len(path) > len(list[current].Path)) {
			current = len(list)
		}
		list = append(list, barEntry{entry: r.entry, Path: path})
	}
	if current >= 0 {
		list[current].Current = true
	}
	return list
}
