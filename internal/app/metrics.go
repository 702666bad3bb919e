package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"baton/internal/engine"
	"baton/internal/store"
)

// metrics is what Prometheus is told, in a registry of its own. docs/operations.md lists all of it.
// Labels are rounds, routes as they are registered, statuses and states: never what somebody sent.
type metrics struct {
	registry *prometheus.Registry
	rounds   map[string]*roundMetrics
	lag      prometheus.Histogram
	flush    prometheus.Observer

	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	received  prometheus.Counter
	sent      prometheus.Counter
	underWay  atomic.Int64
	limited   map[string]prometheus.Counter
	tries     *prometheus.CounterVec
	lock      sync.Mutex // of those who put a new map into exchanges
	exchanges atomic.Pointer[map[exchangeKey]*exchangeMetrics]
}

// roundMetrics are those of one kind of round, found once.
type roundMetrics struct {
	arrivals, inputs, decisions, problems, refusals, duplicates, failed prometheus.Counter
	batch, commit                                                       prometheus.Observer
	gather, decide                                                      prometheus.Counter
}

type exchangeKey struct {
	route  string
	status int
}

type exchangeMetrics struct {
	count   prometheus.Counter
	seconds prometheus.Observer
}

var (
	secondBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	lagBuckets    = []float64{.01, .1, .5, 1, 5, 15, 60, 300, 1800, 3600, 21600, 86400}
	batchBuckets  = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000}
)

func newMetrics(a *App, version string, ready func() bool) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), rounds: map[string]*roundMetrics{}, limited: map[string]prometheus.Counter{}}
	m.exchanges.Store(&map[exchangeKey]*exchangeMetrics{})
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	histograms := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(v)
		return v
	}
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}

	arrivals := counters("baton_arrivals_total", "What came in, by kind of round.", "round")
	inputs := counters("baton_inputs_total", "Inputs put on record: arrivals and timers.", "round")
	decisions := counters("baton_decisions_total", "Inputs that were decided.", "round")
	problems := counters("baton_problems_total", "Inputs that could not be decided; they are kept.", "round")
	refusals := counters("baton_refusals_total", "Commands that were not carried out.", "round")
	duplicates := counters("baton_duplicates_total", "Arrivals that were known already.", "round")
	failed := counters("baton_rounds_failed_total", "Rounds of which nothing was stored.", "round")
	busy := counters("baton_round_seconds_total", "Time spent gathering and deciding.", "round", "part")
	batch := histograms("baton_round_inputs", "Inputs that share a transaction.", batchBuckets, "round")
	commit := histograms("baton_commit_seconds", "Time until a transaction is on disk.", secondBuckets, "round")
	m.flush = histograms("baton_flush_seconds", "Time in which the disk takes what was committed, of a SQLite database.", secondBuckets).WithLabelValues()
	for _, kind := range []string{engine.RoundSubmit, engine.RoundTimers, engine.RoundHistory, engine.RoundActivate} {
		m.rounds[kind] = &roundMetrics{
			arrivals: arrivals.WithLabelValues(kind), inputs: inputs.WithLabelValues(kind), decisions: decisions.WithLabelValues(kind),
			problems: problems.WithLabelValues(kind), refusals: refusals.WithLabelValues(kind), duplicates: duplicates.WithLabelValues(kind),
			failed: failed.WithLabelValues(kind), batch: batch.WithLabelValues(kind), commit: commit.WithLabelValues(kind),
			gather: busy.WithLabelValues(kind, "gather"), decide: busy.WithLabelValues(kind, "decide"),
		}
	}
	m.lag = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "baton_timer_lag_seconds", Help: "How late the latest of what fell due was decided.", Buckets: lagBuckets})
	m.registry.MustRegister(m.lag)

	m.requests = counters("baton_http_requests_total", "Requests answered.", "route", "status")
	m.seconds = histograms("baton_http_request_seconds", "Time until a request was answered.", secondBuckets, "route")
	m.received = counters("baton_http_received_bytes_total", "Bytes of bodies received.").WithLabelValues()
	m.sent = counters("baton_http_sent_bytes_total", "Bytes of bodies sent.").WithLabelValues()
	limited := counters("baton_http_limited_total", "Requests refused for the rate of their key, or after too many tries with no key that is known.", "limit")
	for _, which := range []string{"rate", "tries"} {
		m.limited[which] = limited.WithLabelValues(which)
	}
	m.tries = counters("baton_deliveries_total", "Tries to send what has to go out, by what came of them.", "channel", "outcome")
	for _, by := range []string{"email", "slack", "teams", "webhook"} {
		for _, o := range []string{store.JobDone, "later", store.JobFailed, store.JobDropped} {
			m.tries.WithLabelValues(by, o) // so that the first of a kind counts as a rise
		}
	}
	gauge("baton_http_requests_under_way", "Requests being answered.", func() float64 { return float64(m.underWay.Load()) })
	gauge("baton_queue_depth", "Arrivals that wait to be decided.", func() float64 { return float64(a.Engine.Waiting()) })
	gauge("baton_leads_cached", "Leads kept in memory.", func() float64 { return float64(a.Engine.Cached()) })
	gauge("baton_packed_bytes", "Memory that holds what is not in use.", func() float64 {
		bytes, _ := a.Engine.Packed()
		return float64(bytes)
	})
	gauge("baton_file_held_bytes", "Bytes of the database's files that are locked in memory.", func() float64 { return float64(a.Store.Held()) })
	whether := func(name, help string, is func() bool) {
		gauge(name, help, func() float64 {
			if is() {
				return 1
			}
			return 0
		})
	}
	whether("baton_packed_whole", "1 when all of it has been read in.", func() bool {
		_, whole := a.Engine.Packed()
		return whole
	})
	whether("baton_alone", "1 while no other process decides on the database.", a.Store.Alone)
	whether("baton_ready", "1 while requests can be taken in, as /readyz says.", ready)
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "baton_build_info", Help: "1; the labels say which Baton this is.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()}}, func() float64 { return 1 }))
	m.registry.MustRegister(&gauges{app: a}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// round counts a round of the engine.
func (m *metrics) round(r *engine.Round) {
	k := m.rounds[r.Kind]
	k.arrivals.Add(float64(r.Arrivals))
	k.gather.Add(r.Gather.Seconds())
	k.decide.Add(r.Decide.Seconds())
	if r.Err != nil {
		k.failed.Inc()
		return // what it decided is decided again, or never
	}
	k.inputs.Add(float64(r.Inputs))
	k.decisions.Add(float64(r.Inputs - r.Problems))
	k.problems.Add(float64(r.Problems))
	k.refusals.Add(float64(r.Refused))
	k.duplicates.Add(float64(r.Duplicates))
	if r.Inputs > 0 {
		k.batch.Observe(float64(r.Inputs))
		k.commit.Observe(r.Commit.Seconds())
	}
	if r.Kind == engine.RoundTimers {
		m.lag.Observe(r.Lag.Seconds())
	}
}

// flushing is told that a flush begins, and returns what is told that it is over.
func (m *metrics) flushing() (over func()) {
	began := time.Now()
	return func() { m.flush.Observe(time.Since(began).Seconds()) }
}

// answered counts a request.
func (m *metrics) answered(route string, status int, took time.Duration, received, sent int64) {
	key := exchangeKey{route, status}
	x := (*m.exchanges.Load())[key]
	if x == nil {
		x = m.exchange(key)
	}
	x.count.Inc()
	x.seconds.Observe(took.Seconds())
	if received > 0 {
		m.received.Add(float64(received))
	}
	if sent > 0 {
		m.sent.Add(float64(sent))
	}
}

// exchange makes the metrics of a route and status that were not there before.
func (m *metrics) exchange(key exchangeKey) *exchangeMetrics {
	m.lock.Lock()
	defer m.lock.Unlock()
	all := maps.Clone(*m.exchanges.Load())
	all[key] = &exchangeMetrics{m.requests.WithLabelValues(key.route, strconv.Itoa(key.status)), m.seconds.WithLabelValues(key.route)}
	m.exchanges.Store(&all)
	return all[key]
}

// gauges asks the database how things stand, at most once in a few seconds, however many scrape.
type gauges struct {
	app  *App
	lock sync.Mutex
	read time.Time
	last *store.Gauges
}

const (
	gaugesKept = 10 * time.Second
	gaugesTime = 3 * time.Second
)

var (
	overdueDesc    = prometheus.NewDesc("baton_timers_overdue", "Leads with something due that is not decided yet, counted up to 100,000.", nil, nil)
	overdueAgeDesc = prometheus.NewDesc("baton_timers_overdue_seconds", "How long the first of them has been due.", nil, nil)
	bytesDesc      = prometheus.NewDesc("baton_database_bytes", "Size of the database with its log.", nil, nil)
	jobsDesc       = prometheus.NewDesc("baton_jobs", "What has to go out because of decisions, by state.", []string{"state"}, nil)
)

func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{overdueDesc, overdueAgeDesc, bytesDesc, jobsDesc} {
		to <- d
	}
}

func (g *gauges) Collect(to chan<- prometheus.Metric) {
	now := g.app.now()
	at, err := g.gauges(now)
	if err != nil {
		return // baton_ready says so
	}
	late := 0.0
	if at.Oldest > 0 {
		late = max(0, float64(now.UnixMicro()-at.Oldest)/1e6)
	}
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	send(overdueDesc, float64(at.Overdue))
	send(overdueAgeDesc, late)
	send(bytesDesc, float64(at.Bytes))
	for _, state := range store.JobStates {
		send(jobsDesc, float64(at.Jobs[state]), state)
	}
}

func (g *gauges) gauges(now time.Time) (*store.Gauges, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	if g.last != nil && now.Sub(g.read).Abs() < gaugesKept {
		return g.last, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), gaugesTime)
	defer cancel()
	at, err := g.app.Store.Gauges(ctx, now.UnixMicro())
	if err == nil {
		g.last, g.read = at, now
	}
	return at, err
}

// delivered counts a try to send something.
func (m *metrics) delivered(channel, outcome string) { m.tries.WithLabelValues(channel, outcome).Inc() }

// refused counts a request that a limit kept out.
func (m *metrics) refused(limit string) { m.limited[limit].Inc() }

// page answers with all metrics, as text.
func (m *metrics) page() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 3, Timeout: 10 * time.Second})
}

// guarded lets a request from this machine in, and any other with a key that may read. What a proxy passes on
// comes from elsewhere, and so does what a web page has a browser ask for under a name of its own.
func (m *metrics) guarded(admit func(http.ResponseWriter, *http.Request) bool) http.HandlerFunc {
	page := m.page()
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		if fromHere(r) || admit(w, r) {
			page.ServeHTTP(w, r)
		}
	}
}

func fromHere(r *http.Request) bool {
	for _, passedOn := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via", "Origin"} {
		if r.Header.Get(passedOn) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	asked, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !asked.Unmap().IsLoopback()) {
		return false
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

// serve answers on an address of its own, to whoever reaches it, until stop is called.
func (m *metrics) serve(address string, log *slog.Logger) (stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serving metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.page())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: mostHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	log.Info("metrics", "address", listener.Addr().String())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "error", err)
		}
	}()
	return func() { server.Close(); <-ended }, nil
}
