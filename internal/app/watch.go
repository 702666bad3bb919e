package app

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"baton/internal/api"
	"baton/internal/engine"
	"baton/internal/store"
)

// watch tells what happens to those who look: the log, metrics and traces. A part that is nil looks not.
type watch struct {
	log    *slog.Logger
	traces *tracing
	slow   time.Duration // a commit that takes longer is worth a warning
	// answered is told of each request: its route as it was registered, "none" if there is none, and the bytes
	// of both bodies.
	answered []func(route string, status int, took time.Duration, received, sent int64)
	rounds   []func(*engine.Round)
	underWay *atomic.Int64 // requests being answered; nil if nobody asks
	trouble  atomic.Int64  // since when nothing could be stored, in Unix nanoseconds; 0 while it can
}

// failed notes that something could not be stored or read: the log has it. What is stored next says that it is over.
func (w *watch) failed() { w.trouble.CompareAndSwap(0, time.Now().UnixNano()) }

// round is told of each round of the engine, while the engine waits.
func (w *watch) round(r *engine.Round) {
	if r.Commit > w.slow && w.slow > 0 {
		w.log.Warn("a commit was slow", "round", r.Kind, "inputs", r.Inputs, "took", r.Commit.Round(time.Millisecond))
	}
	switch {
	case r.Err != nil && !store.Again(r.Err):
		w.failed()
	case r.Err == nil && r.Inputs > 0:
		if since := w.trouble.Swap(0); since != 0 {
			w.log.Info("what comes in is stored again", "after", time.Since(time.Unix(0, since)).Round(time.Millisecond))
		}
	}
	for _, tell := range w.rounds {
		tell(r)
	}
}

// exchange is a request being answered, as seen from outside.
type exchange struct {
	http.ResponseWriter
	body           io.ReadCloser
	status         int
	received, sent int64
}

func (x *exchange) Read(b []byte) (int, error) {
	n, err := x.body.Read(b)
	x.received += int64(n)
	return n, err
}

func (x *exchange) Close() error { return x.body.Close() }

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= 200 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(b)
	x.sent += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach what is below.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// Flush sends what was written so far.
func (x *exchange) Flush() {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	_ = http.NewResponseController(x.ResponseWriter).Flush()
}

// over gives each request its ID, and tells of it when it is answered.
func (w *watch) over(next http.Handler) http.Handler {
	return http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		began := time.Now()
		if w.underWay != nil {
			w.underWay.Add(1)
			defer w.underWay.Add(-1)
		}
		id := requestID(r.Header.Get(api.RequestID))
		to.Header().Set(api.RequestID, id)
		x := &exchange{ResponseWriter: to, body: r.Body}
		r.Body = x
		r = r.WithContext(api.WithRequest(r.Context(), id))
		var span trace.Span
		if w.traces != nil && !watching(r.URL.Path) {
			r, span = w.traces.request(r, id)
		}
		defer func() {
			if x.status == 0 {
				x.status = http.StatusOK
				if p := recover(); p != nil { // the connection is cut: net/http knows why
					x.status = http.StatusInternalServerError
					defer panic(p)
				}
			}
			route, took := r.Pattern, time.Since(began)
			if route == "" || route == "/" {
				route = "none"
			}
			for _, tell := range w.answered {
				tell(route, x.status, took, x.received, x.sent)
			}
			if span != nil {
				answered(span, route, x.status)
			}
			if ctx := r.Context(); w.log.Enabled(ctx, slog.LevelDebug) {
				w.log.LogAttrs(ctx, slog.LevelDebug, "request", slog.String("route", route), slog.Int("status", x.status),
					slog.Int64("received", x.received), slog.Int64("sent", x.sent), slog.Duration("took", took))
			}
		}()
		next.ServeHTTP(x, r)
	})
}

// watching reports whether a path is asked for by those who watch, again and again: nobody wants traces of it.
func watching(path string) bool { return path == "/healthz" || path == "/readyz" || path == "/metrics" }

// requestID returns the ID that a request came with, if it is sane, otherwise a new one.
func requestID(given string) string {
	if len(given) > 0 && len(given) <= 64 {
		sane := true
		for i := range len(given) {
			c := given[i]
			sane = sane && (c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.')
		}
		if sane {
			return given
		}
	}
	return strconv.FormatUint(rand.Uint64()|1<<63, 36) // 13 characters
}
