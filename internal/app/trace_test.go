package app

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"baton/internal/engine"
)

// spans is a collector of traces: it takes them in as OTLP over HTTP.
type spans struct {
	*httptest.Server
	lock    sync.Mutex
	list    []*otlp.Span
	text    string // of all that came
	service string
	headers http.Header
}

func collect(t testing.TB) *spans {
	t.Helper()
	s := &spans{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &sent); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		s.lock.Lock()
		defer s.lock.Unlock()
		s.headers = r.Header
		s.text += sent.String()
		for _, about := range sent.ResourceSpans {
			for _, a := range about.Resource.Attributes {
				if a.Key == "service.name" {
					s.service = a.Value.GetStringValue()
				}
			}
			for _, scope := range about.ScopeSpans {
				s.list = append(s.list, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(s.Close)
	return s
}

// one returns the only span of a name.
func (s *spans) one(t *testing.T, name string) *otlp.Span {
	t.Helper()
	var found []*otlp.Span
	for _, span := range s.list {
		if span.Name == name {
			found = append(found, span)
		}
	}
	if len(found) != 1 {
		var names []string
		for _, span := range s.list {
			names = append(names, span.Name)
		}
		t.Fatalf("%d spans are named %q; there are %q", len(found), name, names)
	}
	return found[0]
}

func said(span *otlp.Span, key string) any {
	for _, a := range span.Attributes {
		if a.Key == key {
			if s := a.Value.GetStringValue(); s != "" {
				return s
			}
			return a.Value.GetIntValue()
		}
	}
	return nil
}

func linked(span, to *otlp.Span) bool {
	for _, l := range span.Links {
		if bytes.Equal(l.SpanId, to.SpanId) && bytes.Equal(l.TraceId, to.TraceId) {
			return true
		}
	}
	return false
}

// A request joins the trace of who sent it; the round that answers it is linked to it, both ways; and no span
// says whom an event is about.
func TestTraces(t *testing.T) {
	to := collect(t)
	l := serve(t, ServeOptions{Tracing: Tracing{Endpoint: to.URL, Sample: 1, Headers: map[string]string{"X-Tenant": "t1"}}, Version: "v1"})
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	l.post(t, "/v1/identify", `{"userId":"person-17","messageId":"m1","traits":{"email":"ada@acme.example","phone":"+46701740605"}}`,
		"Traceparent", parent, "Tracestate", "who=ada@acme.example")
	l.get(t, "/healthz")
	l.get(t, "/v1/projects/baton_track_notakeynotakeynotakeynot/settings")
	l.stop()
	if err := <-l.ended; err != nil {
		t.Fatal(err)
	}
	to.lock.Lock()
	defer to.lock.Unlock()
	request, submit, round := to.one(t, "POST /v1/identify"), to.one(t, "submit"), to.one(t, "round submit")
	if got := hex(request.TraceId) + "-" + hex(request.ParentSpanId); !strings.Contains(parent, got) {
		t.Errorf("the request has %s, and came with %s", got, parent)
	}
	if request.Kind != otlp.Span_SPAN_KIND_SERVER || said(request, "http.route") != "/v1/identify" || said(request, "http.response.status_code") != int64(200) || said(request, "http.request.method") != "POST" {
		t.Errorf("the request: %v", request)
	}
	if !bytes.Equal(submit.ParentSpanId, request.SpanId) || !bytes.Equal(submit.TraceId, request.TraceId) {
		t.Error("submit does not belong to the request")
	}
	if len(round.ParentSpanId) != 0 || !linked(round, submit) || !linked(submit, round) {
		t.Errorf("the round and the request are not linked:\n%v\n%v", round, submit)
	}
	if said(round, "baton.inputs") != int64(1) {
		t.Errorf("the round: %v", round)
	}
	end := round.StartTimeUnixNano
	for _, name := range []string{"gather", "decide", "commit"} {
		part := to.one(t, name)
		if !bytes.Equal(part.ParentSpanId, round.SpanId) || part.StartTimeUnixNano != end || part.EndTimeUnixNano < end {
			t.Errorf("%s: %v", name, part)
		}
		end = part.EndTimeUnixNano
	}
	if end != round.EndTimeUnixNano {
		t.Errorf("the parts end at %d, the round at %d", end, round.EndTimeUnixNano)
	}
	to.one(t, "GET /v1/projects/{key}/settings")
	for _, personal := range []string{"ada", "acme", "person-17", "4670174", "notakey", "who=", l.key} {
		if strings.Contains(to.text, personal) {
			t.Errorf("the traces hold %q", personal)
		}
	}
	if strings.Contains(to.text, "healthz") {
		t.Error("what watches is traced")
	}
	if to.service != "baton" || to.headers.Get("X-Tenant") != "t1" {
		t.Errorf("service %q, headers %v", to.service, to.headers)
	}
}

func hex(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// What a caller did not keep is not kept, and nobody outside can have all be kept.
func TestTracesAreSampled(t *testing.T) {
	for _, test := range []struct {
		share float64
		flags string
		want  bool
	}{{1, "01", true}, {1, "00", false}, {0, "01", false}, {0, "", false}, {1, "", true}} {
		to := collect(t)
		l := serve(t, ServeOptions{Tracing: Tracing{Endpoint: to.URL, Sample: test.share}})
		header := ""
		if test.flags != "" {
			header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-" + test.flags
		}
		l.post(t, "/v1/track", event, "Traceparent", header)
		l.stop()
		if err := <-l.ended; err != nil {
			t.Fatal(err)
		}
		to.lock.Lock()
		if got := len(to.list) > 0; got != test.want {
			t.Errorf("share %v, flags %q: %d spans", test.share, test.flags, len(to.list))
		}
		to.lock.Unlock()
	}
}

// What falls due is traced by itself, when somebody collects and only then.
func TestRoundsOfTimersAreTraced(t *testing.T) {
	to := collect(t)
	traces, err := newTracing(t.Context(), Tracing{Endpoint: to.URL, Sample: 1}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	traces.round(&engine.Round{Kind: engine.RoundTimers, Inputs: 3, Began: time.Now(), Lag: time.Second})
	traces.round(&engine.Round{Kind: engine.RoundSubmit, Inputs: 3, Began: time.Now()}) // whose calls nobody keeps
	if err := traces.stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	to.one(t, "round timers")
	for _, span := range to.list {
		if span.Name == "round submit" {
			t.Error("a round that answers nobody who is traced is traced")
		}
	}
}

// A collector that is away costs the traces, a line in the log, and nothing else.
func TestTracesThatCannotBeExported(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	var log bytes.Buffer
	traces, err := newTracing(t.Context(), Tracing{Endpoint: gone.URL, Sample: 1}, "", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	e := &exports{failing{}, slog.New(slog.NewTextHandler(&log, nil))}
	if err := e.ExportSpans(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "traces cannot be exported") {
		t.Errorf("the log says %q", log.String())
	}
	if err := traces.stop(t.Context()); err != nil {
		t.Error(err)
	}
	for _, endpoint := range []string{"localhost:4318", "ftp://x", "http://"} {
		if _, err := newTracing(t.Context(), Tracing{Endpoint: endpoint}, "", nil); err == nil {
			t.Errorf("%q is taken for an endpoint", endpoint)
		}
	}
}

// BenchmarkRequestAround is what a request pays for its ID, and with a collector for its span.
func BenchmarkRequestAround(b *testing.B) {
	for _, test := range []struct {
		name  string
		trace bool
	}{{"untraced", false}, {"traced", true}} {
		b.Run(test.name, func(b *testing.B) {
			w := &watch{log: slog.New(slog.DiscardHandler)}
			if test.trace {
				to := collect(b)
				var err error
				if w.traces, err = newTracing(b.Context(), Tracing{Endpoint: to.URL, Sample: 1}, "", w.log); err != nil {
					b.Fatal(err)
				}
				defer w.traces.stop(b.Context())
			}
			h := w.over(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
			r, to := httptest.NewRequest("GET", "/v1/track", nil), nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(to, r)
			}
		})
	}
}

type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}
