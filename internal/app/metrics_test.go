package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"baton/internal/api"
	"baton/internal/engine"
)

// scrape reads a page of metrics as Prometheus does.
func scrape(t *testing.T, url string) (map[string]*dto.MetricFamily, []byte) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%s: %s %v", url, res.Status, err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return families, text
}

// value is a metric with labels in pairs: of a histogram, how many were observed.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
next:
	for _, m := range families[name].GetMetric() {
		for i := 0; i < len(labels); i += 2 {
			if !slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == labels[i] && l.GetValue() == labels[i+1] }) {
				continue next
			}
		}
		switch {
		case m.Histogram != nil:
			return float64(m.Histogram.GetSampleCount())
		case m.Counter != nil:
			return m.Counter.GetValue()
		}
		return m.Gauge.GetValue()
	}
	t.Errorf("there is no %s with %q", name, labels)
	return -1
}

func TestMetrics(t *testing.T) {
	l := serve(t, ServeOptions{Version: "v1.2.3", Rates: api.Rates{Keys: map[string]api.Rate{"test": {Each: 0.001, Burst: 6}}, Tries: api.Rate{Each: 0.001, Burst: 2}}})
	for _, body := range []string{event, event, `{"userId":"u2","event":"Page Viewed","messageId":"m2"}`} {
		l.post(t, "/v1/track", body)
	}
	l.post(t, "/v1/track", `{}`)
	batch := `{"batch":[{"type":"track","userId":"u3","event":"a"},{"type":"track","userId":"u3","event":"b"},{"type":"track","userId":"u3","event":"c"}]}`
	l.post(t, "/v1/batch", batch)
	l.post(t, "/v1/batch", batch) // over the rate
	for range 3 {
		l.post(t, "/v1/track", event, "Authorization", "Basic bm9uZTo=")
	}
	for _, path := range []string{"/", "/ada@acme.example", "/v1/track/" + l.key, "/v1/projects/" + l.key + "/settings", "/healthz"} {
		l.get(t, path)
	}
	families, text := scrape(t, "http://"+l.address+"/metrics")
	for _, test := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{6, "baton_arrivals_total", []string{"round", "submit"}},
		{5, "baton_inputs_total", []string{"round", "submit"}},
		{5, "baton_decisions_total", []string{"round", "submit"}},
		{0, "baton_problems_total", []string{"round", "submit"}},
		{1, "baton_duplicates_total", []string{"round", "submit"}},
		{0, "baton_rounds_failed_total", []string{"round", "submit"}},
		{3, "baton_commit_seconds", []string{"round", "submit"}}, // the duplicate's round stored nothing
		{3, "baton_round_inputs", []string{"round", "submit"}},
		{0, "baton_queue_depth", nil},
		{3, "baton_http_requests_total", []string{"route", "POST /v1/track", "status", "200"}},
		{1, "baton_http_requests_total", []string{"route", "POST /v1/track", "status", "400"}},
		{2, "baton_http_requests_total", []string{"route", "POST /v1/track", "status", "401"}},
		{1, "baton_http_requests_total", []string{"route", "POST /v1/track", "status", "429"}},
		{1, "baton_http_requests_total", []string{"route", "POST /v1/batch", "status", "429"}},
		{1, "baton_http_requests_total", []string{"route", "GET /v1/projects/{key}/settings", "status", "200"}},
		{7, "baton_http_request_seconds", []string{"route", "POST /v1/track"}},
		{1, "baton_http_limited_total", []string{"limit", "rate"}},
		{1, "baton_http_limited_total", []string{"limit", "tries"}},
		{1, "baton_http_requests_under_way", nil}, // this one
		{1, "baton_ready", nil},
		{1, "baton_build_info", []string{"version", "v1.2.3"}},
		{0, "baton_timers_overdue", nil},
	} {
		if got := value(t, families, test.name, test.labels...); got != test.want {
			t.Errorf("%s %q is %v, want %v", test.name, test.labels, got, test.want)
		}
	}
	for _, name := range []string{"baton_database_bytes", "baton_flush_seconds", "baton_leads_cached", "baton_alone", "baton_http_received_bytes_total", "baton_http_sent_bytes_total", "process_resident_memory_bytes", "go_goroutines"} {
		if value(t, families, name) <= 0 {
			t.Errorf("%s is nothing", name)
		}
	}
	value(t, families, "baton_jobs", "state", "waiting")
	for _, personal := range []string{"ada@", "acme", l.key, "u3"} {
		if strings.Contains(string(text), personal) {
			t.Errorf("the metrics hold %q", personal)
		}
	}
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "baton_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	documented(t, families)
}

// documented checks that the table in docs/operations.md has each of Baton's metrics, with its kind and its labels, and
// no other; the alerts there are about metrics that exist.
func documented(t *testing.T, families map[string]*dto.MetricFamily) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if m := regexp.MustCompile("^\\| `(baton_[a-z_]+)` \\| (\\w+) \\|([^|]*)\\|").FindStringSubmatch(line); m != nil {
			rows[m[1]] = m[2] + " " + strings.Join(strings.Fields(strings.NewReplacer("`", "", ",", "").Replace(m[3])), " ")
		}
	}
	for name, f := range families {
		if !strings.HasPrefix(name, "baton_") {
			continue
		}
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		want := strings.TrimSpace(strings.ToLower(f.GetType().String()) + " " + strings.Join(labels, " "))
		if got := strings.TrimSpace(rows[name]); got != want {
			t.Errorf("docs/operations.md has %q for %s, which is %q: %s", got, name, want, f.GetHelp())
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("docs/operations.md has %s, which there is not", name)
	}
	for _, used := range regexp.MustCompile(`baton_[a-z_]+`).FindAllString(string(page), -1) {
		name := used
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			name = strings.TrimSuffix(name, suffix)
		}
		if families[name] == nil && families[used] == nil && strings.HasPrefix(used, "baton_") {
			t.Errorf("docs/operations.md speaks of %s, which there is not", used)
		}
	}
}

// On the main address metrics are for this machine and for keys that may read.
func TestWhoMayScrape(t *testing.T) {
	l := serve(t, ServeOptions{})
	read, _, err := api.NewKey(t.Context(), l.Store, "prometheus", api.ScopeRead, time.Now().UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what, host, header, value string
		status                    int
	}{
		{"this machine", "", "", "", 200},
		{"this machine by name", "localhost:8080", "", "", 200},
		{"through a proxy", "", "X-Forwarded-For", "203.0.113.1", 401},
		{"through another proxy", "", "Forwarded", "for=203.0.113.1", 401},
		{"a browser sent here by a page", "evil.example", "", "", 401},
		{"a page's script", "", "Origin", "https://evil.example", 401},
		{"a key that reads", "baton.example", "Authorization", "Bearer " + read, 200},
		{"a key that sends events", "baton.example", "Authorization", "Bearer " + l.key, 403},
		{"no key that is known", "baton.example", "Authorization", "Bearer x", 401},
	} {
		req, err := http.NewRequest("GET", "http://"+l.address+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.host != "" {
			req.Host = test.host
		}
		if test.header != "" {
			req.Header.Set(test.header, test.value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != test.status || (test.status == 200) != strings.Contains(string(body), "baton_ready 1") {
			t.Errorf("%s: %s", test.what, res.Status)
		}
	}
	for _, remote := range []string{"192.0.2.1:5", "[2001:db8::1]:5", "pipe"} {
		r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
		r.RemoteAddr = remote
		if fromHere(r) {
			t.Errorf("%s is taken for this machine", remote)
		}
	}
}

// With an address of their own, metrics are there and nowhere else, and nothing else is there.
func TestMetricsListen(t *testing.T) {
	var log journal
	l := serve(t, ServeOptions{MetricsListen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(&log, nil))})
	m := regexp.MustCompile(`msg=metrics address=(\S+)`).FindStringSubmatch(log.String())
	if m == nil {
		t.Fatal(log.String())
	}
	if families, _ := scrape(t, "http://"+m[1]+"/metrics"); families["baton_ready"] == nil {
		t.Error("there are no metrics")
	}
	for _, url := range []string{"http://" + l.address + "/metrics", "http://" + m[1] + "/v1/track", "http://" + m[1] + "/healthz"} {
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 404 {
			t.Errorf("%s: %s", url, res.Status)
		}
	}
	l.stop()
	if err := <-l.ended; err != nil {
		t.Fatal(err)
	}
	if _, err := http.Get("http://" + m[1] + "/metrics"); err == nil {
		t.Error("metrics are served by a server that has stopped")
	}
}

// A round of which nothing is stored counts as failed and as nothing else.
func TestMetricsOfRounds(t *testing.T) {
	m := newMetrics(serve(t, ServeOptions{}).App, "", func() bool { return true })
	m.round(&engine.Round{Kind: engine.RoundTimers, Inputs: 7, Problems: 2, Refused: 1, Lag: 90 * time.Second, Gather: time.Second, Decide: 2 * time.Second})
	m.round(&engine.Round{Kind: engine.RoundTimers, Inputs: 7, Err: context.Canceled})
	server := httptest.NewServer(m.page())
	defer server.Close()
	families, text := scrape(t, server.URL)
	for name, want := range map[string]float64{"baton_inputs_total": 7, "baton_decisions_total": 5, "baton_problems_total": 2, "baton_refusals_total": 1, "baton_rounds_failed_total": 1, "baton_commit_seconds": 1} {
		if got := value(t, families, name, "round", "timers"); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := value(t, families, "baton_round_seconds_total", "round", "timers", "part", "decide"); got != 2 {
		t.Errorf("deciding took %v", got)
	}
	if !strings.Contains(string(text), `baton_timer_lag_seconds_bucket{le="60"} 0`) || !strings.Contains(string(text), `baton_timer_lag_seconds_bucket{le="300"} 1`) {
		t.Errorf("the lag is not where it should be:\n%s", text)
	}
}

// Counting a request costs less than 200 ns, and no memory.
func TestCountingARequestAllocatesNothing(t *testing.T) {
	m := newMetrics(&App{}, "", func() bool { return true })
	if n := testing.AllocsPerRun(1000, func() { m.answered("POST /v1/track", 200, time.Millisecond, 10, 10) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCountRequest(b *testing.B) {
	m := newMetrics(&App{}, "", func() bool { return true })
	b.ReportAllocs()
	for b.Loop() {
		m.answered("POST /v1/track", 200, time.Millisecond, 10, 10)
	}
}

func BenchmarkCountRound(b *testing.B) {
	m := newMetrics(&App{}, "", func() bool { return true })
	r := &engine.Round{Kind: engine.RoundSubmit, Arrivals: 10, Inputs: 10, Commit: time.Millisecond}
	for b.Loop() {
		m.round(r)
	}
}
