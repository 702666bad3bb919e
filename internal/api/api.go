package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/channel"
	"baton/internal/engine"
	"baton/internal/seal"
	"baton/internal/store"
)

// Options are what an API needs.
type Options struct {
	Engine *engine.Engine
	Store  *store.Store // for the keys
	// Plan returns the agreement that applies, whose words events are put into. It is asked for each
	// request and must not wait.
	Plan  func() *agreement.Plan
	Clock func() time.Time // time.Now if nil
	Log   *slog.Logger     // slog.Default() if nil
	// Redirects are the hosts to which a form may send its visitors on; its own server always.
	Redirects []string
	Rates     Rates
	// Seal has the keys that secrets of webhooks are sealed with; nil for none.
	Seal *seal.Keys
	// Guard says which addresses may be called; nil for any.
	Guard *channel.Guard
	// Limited, if it is not nil, is told of each request that is refused for one of Rates: "rate" or "tries".
	Limited func(which string)
	// Memory is how many bytes of requests are held at a time (64 MiB by default).
	Memory int64
	// MostImport is how many bytes a file that is sent to be imported may have (1 GiB by default). It waits
	// in the system's directory for temporary files.
	MostImport int64
	// MostUpload is how many bytes a file may have that somebody sends on a page (100 MiB by default). It is kept in
	// the database until it is imported, or for a week.
	MostUpload int64
}

// API answers HTTP requests. It is safe for concurrent use.
type API struct {
	Options
	mux    *http.ServeMux
	keys   keyring
	memory budget
	agents agents
	rates  *limiter
	rest   huma.API
	// restOrder are the IDs of its operations, in the order in which they are described.
	restOrder []string
	plans     plans
	files     importer
}

// New makes an API.
func New(opts Options) *API {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if opts.Memory <= 0 {
		opts.Memory = 64 << 20
	}
	if opts.MostImport <= 0 {
		opts.MostImport = 1 << 30
	}
	if opts.MostUpload <= 0 {
		opts.MostUpload = 100 << 20
	}
	a := &API{Options: opts, mux: http.NewServeMux(), memory: budget{most: opts.Memory}}
	a.keys.store = opts.Store
	a.rates = newLimiter(opts.Rates, opts.Limited)
	for kind, paths := range map[string][]string{
		"identify": {"identify", "i"}, "track": {"track", "t"}, "page": {"page", "p"}, "screen": {"screen", "s"},
		"group": {"group", "g"}, "alias": {"alias", "a"}, "": {"batch", "b", "import"},
	} {
		for _, path := range paths {
			a.route("POST /v1/"+path, func(w http.ResponseWriter, r *http.Request) error { return a.track(w, r, kind) })
		}
	}
	a.route("POST /f/{form}", a.form)
	a.route("GET /v1/projects/{key}/settings", a.settings)
	preflight := func(w http.ResponseWriter, r *http.Request) error { return a.preflight(w, r) }
	a.route("OPTIONS /v1/", preflight)
	a.route("OPTIONS /f/{form}", preflight)
	a.newREST()
	a.route("/", a.nothing)
	return a
}

// Close ends what runs behind requests, an import, after the transaction at hand.
func (a *API) Close() error { return a.files.close() }

func (a *API) now() int64 { return a.Clock().UnixMicro() }

func (a *API) route(pattern string, handle func(http.ResponseWriter, *http.Request) error) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				a.Log.Error("a request failed", "route", pattern, "request", w.Header().Get(RequestID), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				refuse(w, &problem{status: http.StatusInternalServerError, detail: "something went wrong here; it is on record"})
			}
		}()
		if err := handle(w, r); err != nil {
			a.fail(w, r, err)
		}
	})
}

// ServeHTTP answers a request. Web sites of others may send events, so that every origin is let in there;
// there are no cookies that it could misuse.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Retry-After") // libraries in web pages go by it
	} else {
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
	}
	h.Set("Cache-Control", "no-store")
	a.mux.ServeHTTP(w, r)
}

// nothing answers what no route is for.
func (a *API) nothing(w http.ResponseWriter, r *http.Request) error {
	if takes := a.takes(r); takes != "" {
		w.Header().Set("Allow", takes)
		return &problem{status: http.StatusMethodNotAllowed, detail: fmt.Sprintf("this address takes %s, not %s", takes, clip(r.Method))}
	}
	return &problem{status: http.StatusNotFound, detail: "there is nothing at this address; events go to /v1/batch, forms to /f/ and a name, and what else there is stands at /api/"}
}

// takes returns the methods that the address of a request takes, with commas between; "" for none.
func (a *API) takes(r *http.Request) string {
	var list []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); strings.HasPrefix(pattern, method+" ") {
			list = append(list, method)
		}
	}
	return strings.Join(list, ", ")
}

// preflight tells a browser that it may send what it wants to send.
func (a *API) preflight(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Max-Age", "86400")
	wanted := r.Header.Get("Access-Control-Request-Headers")
	if wanted == "" || len(wanted) > 1000 || strings.ContainsFunc(wanted, func(c rune) bool { return c < ' ' || c > '~' }) {
		wanted = "Authorization, Content-Type, Content-Encoding, AnonymousId"
	}
	h.Set("Access-Control-Allow-Headers", wanted)
	h.Set("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// fail answers with what went wrong and logs it, once. The log has the route and not the path, which may hold a
// key or an address.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := a.problem(err)
	level := slog.LevelInfo
	switch {
	case p.status >= 500:
		level = slog.LevelError
	case p.status == http.StatusTooManyRequests:
		level = slog.LevelWarn
	}
	if r.Context().Err() != nil && p.status >= 500 {
		level = slog.LevelInfo // whoever asked is gone
	}
	a.Log.Log(r.Context(), level, "request refused", "route", r.Pattern, "status", p.status, "error", err.Error())
	if strings.HasPrefix(r.URL.Path, "/f/") && strings.Contains(r.Header.Get("Accept"), "text/html") {
		formProblem(w, p)
		return
	}
	refuse(w, p)
}

// problem finds what to answer to an error.
func (a *API) problem(err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, engine.ErrFull), errors.Is(err, errMemory):
		return &problem{status: http.StatusTooManyRequests, detail: "there is more to do than can be done at once; send this again in a moment", retry: 1}
	case errors.Is(err, engine.ErrClosed):
		return &problem{status: http.StatusServiceUnavailable, detail: "the server is stopping; send this again in a moment", retry: 2}
	case errors.Is(err, engine.ErrNoAgreement):
		return &problem{status: http.StatusServiceUnavailable, detail: "there is no agreement yet by which to decide", retry: 30}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &problem{status: http.StatusServiceUnavailable, detail: "this took too long; it may or may not have been taken in: send it again with the same message IDs", retry: 1}
	}
	if errors.Is(err, store.ErrUnsure) {
		return &problem{status: http.StatusServiceUnavailable, detail: "the connection to the database was lost while this was being stored; it may or may not have been taken in: send it again with the same message IDs", retry: 1}
	}
	return &problem{status: http.StatusServiceUnavailable, detail: "this could not be stored; nothing of it was taken in: send it again in a moment", retry: 5}
}

// problem is an error with the answer to it, as RFC 9457 has it.
type problem struct {
	status int
	detail string // for whoever sent it: what, where, and what to do
	event  int    // which event of a batch, counted from 1; 0 for none
	retry  int    // after how many seconds to try again; 0 for no use
}

func (p *problem) Error() string { return p.detail }

// refuse writes a problem.
func refuse(w http.ResponseWriter, p *problem) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retry))
	}
	if p.status == http.StatusUnauthorized {
		// A scheme that no browser knows: "Basic" would have it ask visitors of a web site for a password.
		h.Set("WWW-Authenticate", `WriteKey realm="baton"`)
	}
	b := append([]byte(`{"type":"about:blank","title":`), quote(http.StatusText(p.status))...)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(p.status), 10)
	b = append(append(b, `,"detail":`...), quote(p.detail)...)
	if p.event > 0 {
		b = strconv.AppendInt(append(b, `,"event":`...), int64(p.event-1), 10)
	}
	if id := h.Get(RequestID); id != "" {
		b = append(append(b, `,"request":`...), quote(id)...)
	}
	w.WriteHeader(p.status)
	w.Write(append(b, `,"success":false}`+"\n"...))
}
