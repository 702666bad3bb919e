package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/channel"
	"baton/internal/engine"
	"baton/internal/seal"
	"baton/internal/web"
)

// ServeOptions are the settings of Serve. Times that are zero have sensible values.
type ServeOptions struct {
	Listen    string   // host:port; port 0 takes a free one
	Redirects []string // hosts to which forms may send visitors on
	Log       *slog.Logger
	Version   string // of Baton, for traces and metrics
	// Rates are how much each key may send, and how often who has none may try.
	Rates   api.Rates
	Tracing Tracing
	// MetricsListen is host:port where metrics are served to whoever reaches it. If it is empty, they are
	// on the main address, for this machine and for keys that may read.
	MetricsListen string
	// SlowCommit is how long a commit may take before it is worth a warning; 0 for one second.
	SlowCommit time.Duration
	// FileMemory is how many bytes of a SQLite database's files are locked in memory at most; 0 for none.
	FileMemory int64
	// NotifySocket is where systemd is told that the server is ready, stops, and lives, the latter twice in each
	// Watchdog. Empty for nowhere.
	NotifySocket string
	Watchdog     time.Duration
	// Seal are the keys that secrets are sealed with; nil for none.
	Seal *seal.Keys
	// Delivery is by what alerts go out.
	Delivery Delivery
	// URL is where people open Baton, as https://baton.northwind.example; the address that is listened on if it is empty.
	URL    string
	SignIn SignIn
	// Settings are all settings as they apply, for people to look at. Nothing follows from them.
	Settings []Setting
	// Viewer says who sent a request for a page; nil for whoever is signed in.
	Viewer func(*http.Request) (*web.Viewer, error)
	// SetUp is called after Ready with a code to make the first user with, if there is none: it is for whoever runs the server.
	SetUp func(url, code string)
	// Ready is called with the address once requests are answered.
	Ready func(address string)

	HeaderTime, ReadTime, WriteTime, IdleTime time.Duration // of a connection
	DrainTime                                 time.Duration // for requests under way when the server stops
}

func (o *ServeOptions) complete() {
	for _, d := range []struct {
		have      *time.Duration
		otherwise time.Duration
	}{
		{&o.HeaderTime, 5 * time.Second}, {&o.ReadTime, 30 * time.Second}, {&o.WriteTime, 60 * time.Second},
		{&o.IdleTime, 2 * time.Minute}, {&o.DrainTime, 30 * time.Second},
		{&o.SlowCommit, time.Second},
	} {
		if *d.have <= 0 {
			*d.have = d.otherwise
		}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Log = slog.New(discreet{o.Log.Handler()})
}

// Setting is a setting of the server as it applies.
type Setting = web.Setting

// mostHeader is how many bytes the headers of a request may have.
const mostHeader = 16 << 10

// Serve answers requests and decides what falls due until the context ends. Then it takes no more,
// finishes what is under way, and returns; the caller closes the App. It needs an agreement: call Adopt first.
func (a *App) Serve(ctx context.Context, opts ServeOptions) error {
	opts.complete()
	plan, _ := a.Engine.Agreement()
	if plan == nil {
		return errors.New("serving: there is no agreement yet; name one with --agreement FILE")
	}
	listener, err := net.Listen("tcp", opts.Listen)
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	guard, err := channel.NewGuard(opts.Delivery.Allow, opts.Delivery.PlainHTTP)
	if err != nil {
		listener.Close()
		return fmt.Errorf("serving: %w", err)
	}
	post := channel.NewPoster(channel.PosterConfig{Guard: guard, Agent: "Baton/" + opts.Version})
	defer post.Close()
	desk, closeDesk, err := a.newDesk(&opts, guard, post)
	if err != nil {
		listener.Close()
		return err
	}
	defer closeDesk()
	traces, err := newTracing(ctx, opts.Tracing, opts.Version, opts.Log)
	if err != nil {
		listener.Close()
		return err
	}
	watch := &watch{log: opts.Log, traces: traces, slow: opts.SlowCommit}
	if traces != nil {
		watch.rounds = append(watch.rounds, traces.round)
	}
	health := &health{app: a}
	counted := newMetrics(a, opts.Version, func() bool { return health.missing(context.WithoutCancel(ctx)) == "" })
	watch.rounds = append(watch.rounds, counted.round)
	watch.rounds = append(watch.rounds, func(*engine.Round) { desk.Kick() })
	desk.Sent = counted.delivered
	watch.answered = append(watch.answered, counted.answered)
	watch.underWay = &counted.underWay
	tracking := api.New(api.Options{Engine: a.Engine, Store: a.Store, Plan: a.plan,
		Clock: a.clock, Log: opts.Log, Redirects: opts.Redirects, Seal: opts.Seal, Guard: guard, Rates: opts.Rates, Limited: counted.refused})
	if opts.URL == "" {
		opts.URL = "http://" + listener.Addr().String()
	}
	desk.URL = opts.URL
	gate := a.newGate(&opts, desk.Mail, tracking)
	defer gate.Close()
	if opts.SignIn.Demo {
		if err := gate.Demo(ctx, listener.Addr().String()); err != nil {
			listener.Close()
			return fmt.Errorf("serving: %w", err)
		}
	}
	pages := web.New(web.Options{Store: a.Store, Engine: a.Engine, API: tracking, Gate: gate, Desk: desk, Settings: opts.Settings, Viewer: opts.Viewer, Clock: a.clock, Log: opts.Log})
	defer pages.Close()
	watch.rounds = append(watch.rounds, pages.Round)
	a.watch.Store(watch)
	a.Store.ObserveFlushes(counted.flushing)
	defer a.watch.Store(nil)
	manager := supervisor{socket: opts.NotifySocket, log: opts.Log}
	if opts.MetricsListen == "" {
		health.metrics = counted.guarded(func(w http.ResponseWriter, r *http.Request) bool { return tracking.Admit(w, r, api.ScopeRead) })
	} else {
		stop, err := counted.serve(opts.MetricsListen, opts.Log)
		if err != nil {
			listener.Close()
			return errors.Join(err, traces.stop(ctx))
		}
		defer stop()
	}
	server := &http.Server{
		Handler:           watch.over(secured(health.over(pages.Over(tracking)))),
		ReadHeaderTimeout: opts.HeaderTime, ReadTimeout: opts.ReadTime, WriteTimeout: opts.WriteTime, IdleTimeout: opts.IdleTime,
		MaxHeaderBytes: mostHeader,
		ErrorLog:       slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug),
	}

	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Store.CheckpointBeside(background); err != nil {
			opts.Log.Warn("the log of the database is folded by its writer", "error", err)
		}
	})
	if opts.FileMemory > 0 {
		running.Go(func() { a.hold(background, opts.FileMemory, opts.Log) })
	}
	running.Go(func() { a.runTimers(background, watch, health) })
	running.Go(func() { a.watchClock(background, opts.Log, time.Second) })
	running.Go(func() { runDesk(background, desk, opts.Log) })
	running.Go(func() { (&readers{app: a, post: post, seal: opts.Seal, log: opts.Log}).run(background) })
	running.Go(func() { keepOut(background, tracking, opts.Log) })
	running.Go(func() { noteUse(background, tracking, opts.Log) })
	running.Go(func() { forgetFiles(background, tracking, opts.Log) })
	running.Go(func() { a.watchImports(background, opts.Log) })
	running.Go(func() { manager.watchdog(background, opts.Watchdog, a.Engine.Pulse) })
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	opts.Log.Info("listening", "address", listener.Addr().String(), "database", a.Store.Name(), "agreement", plan.Name)
	manager.tell("READY=1\nSTATUS=listening on " + listener.Addr().String())
	if opts.Ready != nil {
		opts.Ready(listener.Addr().String())
	}
	if code, err := gate.NewSetUpCode(ctx); err != nil {
		opts.Log.Warn("there is no code to make the first user with", "error", err)
	} else if code != "" && opts.SetUp != nil {
		opts.SetUp(opts.URL+"/set-up", code)
	}

	select {
	case err = <-ended:
		err = fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
		opts.Log.Info("stopping: no new requests, those under way are finished")
		health.draining.Store(true)
		manager.tell("STOPPING=1\nSTATUS=finishing what is under way")
		pages.Close()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), opts.DrainTime)
		if err := server.Shutdown(drain); err != nil {
			opts.Log.Warn("some requests were not finished in time; they were not acknowledged", "error", err)
			server.Close()
		}
		cancel()
	}
	if closeErr := tracking.Close(); closeErr != nil {
		opts.Log.Warn("what imports left in the directory for temporary files is not removed", "error", closeErr)
	}
	stop()
	running.Wait()
	if noteErr := tracking.NoteUse(context.WithoutCancel(ctx), true); noteErr != nil {
		opts.Log.Warn("when keys were last used is not on record", "error", noteErr)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if stopErr := traces.stop(last); stopErr != nil {
		opts.Log.Warn("the last traces are not exported", "error", stopErr)
	}
	opts.Log.Info("stopped")
	return err
}

// plan returns the agreement that applies now.
func (a *App) plan() *agreement.Plan {
	plan, _ := a.Engine.Agreement()
	return plan
}

// runTimers decides what falls due. What keeps it from that (a full disk) is logged and tried again.
func (a *App) runTimers(ctx context.Context, w *watch, h *health) {
	const first, longest = time.Second, 30 * time.Second
	pause := first
	for {
		began := time.Now()
		err := a.Engine.Run(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > longest {
			pause = first
		}
		h.timers.Store(false)
		w.failed()
		w.log.Error("what falls due cannot be decided now; trying again", "error", err, "in", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longest)
		h.timers.Store(true)
	}
}

// forgetFiles removes, at the beginning and once an hour, files that were sent to be imported longer ago than they are kept.
func forgetFiles(ctx context.Context, tracking *api.API, log *slog.Logger) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := tracking.ForgetFiles(ctx); err != nil && ctx.Err() == nil {
			log.Warn("files that were sent to be imported are kept longer than they should be", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// watchImports finds imports of processes that share the database and have ended in the middle.
func (a *App) watchImports(ctx context.Context, log *slog.Logger) {
	if !a.Store.Shared() {
		return
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := a.Store.StopImports(ctx); err != nil && ctx.Err() == nil {
				log.Warn("whether imports have stopped is not known", "error", err)
			}
		}
	}
}

// noteUse writes down now and then when keys were used.
func noteUse(ctx context.Context, tracking *api.API, log *slog.Logger) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := tracking.NoteUse(ctx, false); err != nil {
				log.Warn("when keys were last used is not on record", "error", err)
			}
		}
	}
}

// health answers those who watch over the server.
type health struct {
	app      *App
	draining atomic.Bool
	timers   atomic.Bool      // false while they are broken
	metrics  http.HandlerFunc // nil for none here
}

func (h *health) over(next http.Handler) http.Handler {
	h.timers.Store(true)
	mux := http.NewServeMux()
	// The process is there and answers.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	// It can take requests in: keep them away while it cannot.
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if why := h.missing(r.Context()); why != "" {
			say(w, http.StatusServiceUnavailable, why)
			return
		}
		say(w, http.StatusOK, "ready")
	})
	if h.metrics != nil {
		mux.HandleFunc("GET /metrics", h.metrics)
	}
	mux.Handle("/", next)
	return mux
}

// missing says what keeps the server from taking requests in, "" for nothing.
func (h *health) missing(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	switch _, err := h.app.Store.NextDue(ctx); {
	case h.draining.Load():
		return "stopping"
	case err != nil:
		return "the database does not answer"
	case !h.timers.Load():
		return "what falls due cannot be decided"
	}
	return ""
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// secured adds the headers that keep a browser from making more of an answer than it is.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		// A request may give its length in two ways. Go goes by the parts of the body and does not tell; a proxy that goes by the
		// other length takes what follows for part of this request. So nothing may follow (RFC 9112, section 6.1).
		if len(r.TransferEncoding) > 0 {
			h.Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// hold keeps the files of the database in memory.
func (a *App) hold(ctx context.Context, most int64, log *slog.Logger) {
	err := a.Store.Hold(ctx, most, func() {
		log.Warn("the database has grown beyond file-memory: what is beyond is read from the disk where the system does not keep it", "file-memory", most>>20)
	})
	if err != nil {
		log.Warn("the database is not held in memory, and is read from the disk where the system does not keep it; see whether the limit on locked memory (ulimit -l) is above file-memory", "error", err)
	}
}
