package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"baton/internal/api"
	"baton/internal/engine"
	"baton/internal/store"
)

// failing is a collector that takes nothing.
type failing struct{}

func (failing) ExportSpans(context.Context, []sdk.ReadOnlySpan) error { return errors.New("not now") }
func (failing) Shutdown(context.Context) error                        { return nil }

// journal is a log that several goroutines write.
type journal struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.text.String()
}

// When it goes on after trouble, the log says so, once.
func TestRecoveryIsSaid(t *testing.T) {
	var lines journal
	w := &watch{log: slog.New(slog.NewTextHandler(&lines, nil))}
	for i, r := range []struct {
		round engine.Round
		said  int // times, from the beginning
	}{
		{engine.Round{Inputs: 1}, 0}, {engine.Round{Inputs: 1, Err: store.ErrAgain}, 0}, {engine.Round{Inputs: 1}, 0},
		{engine.Round{Inputs: 1, Err: errors.New("disk full")}, 0}, {engine.Round{}, 0}, {engine.Round{Inputs: 1}, 1}, {engine.Round{Inputs: 1}, 1},
	} {
		w.round(&r.round)
		if got := strings.Count(lines.String(), "stored again"); got != r.said {
			t.Errorf("after round %d it was said %d times, not %d: %s", i, got, r.said, lines.String())
		}
	}
	w.failed() // what falls due could not be read
	w.round(&engine.Round{Inputs: 1})
	if got := strings.Count(lines.String(), "stored again"); got != 2 {
		t.Error(lines.String())
	}
}

// post sends a body with the server's key, and headers in pairs; it returns the answer with its body read.
func (l *live) post(t testing.TB, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest("POST", "http://"+l.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(l.key, "")
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestRequestID(t *testing.T) {
	for _, given := range []string{"a", "A-b_c.9", strings.Repeat("x", 64)} {
		if got := requestID(given); got != given {
			t.Errorf("%q became %q", given, got)
		}
	}
	seen := map[string]bool{}
	for _, given := range []string{"", strings.Repeat("x", 65), "ada@acme.example", "a b", "a\nb", "å", `"`, "<", ""} {
		got := requestID(given)
		if got == given || len(got) != 13 || requestID(got) != got || seen[got] {
			t.Errorf("%q became %q", given, got)
		}
		seen[got] = true
	}
}

// A request is found in the log by the ID that stands in its answer.
func TestRequestIDIsEverywhere(t *testing.T) {
	var log journal
	l := serve(t, ServeOptions{Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	res, body := l.post(t, "/v1/track", `{}`, api.RequestID, "mine-7")
	var problem struct{ Request string }
	if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Request != "mine-7" || res.Header.Get(api.RequestID) != "mine-7" {
		t.Errorf("%v %s %v", res.Header, body, err)
	}
	if res, _ := l.post(t, "/api/v1/leads/9/nothing", `{}`, api.RequestID, "mine-8"); res.StatusCode != 404 {
		t.Errorf("%s", res.Status)
	}
	req, err := http.NewRequest("GET", "http://"+l.address+"/api/v1/leads", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(l.key, "") // which may send events, and no more
	req.Header.Set(api.RequestID, "mine-9")
	if res, err = http.DefaultClient.Do(req); err != nil || res.StatusCode != 403 {
		t.Fatal(res, err)
	}
	res.Body.Close()
	res, _ = l.post(t, "/v1/track", event)
	made := res.Header.Get(api.RequestID)
	l.stop()
	<-l.ended
	lines := map[string][]string{}
	for line := range strings.Lines(log.String()) {
		var e struct {
			Msg, Request, Route string
			Status              int
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines[e.Request] = append(lines[e.Request], fmt.Sprint(e.Msg, " ", e.Route, " ", e.Status))
	}
	if got := strings.Join(lines["mine-7"], "; "); got != "request refused POST /v1/track 400; request POST /v1/track 400" {
		t.Errorf("of the refused: %s", got)
	}
	if got := strings.Join(lines["mine-9"], "; "); !strings.HasPrefix(got, "request refused") || !strings.HasSuffix(got, "403; request GET /api/v1/leads 403") {
		t.Errorf("of what takes another key: %s", got)
	}
	if got := strings.Join(lines[made], "; "); got != "request POST /v1/track 200" {
		t.Errorf("of the other, %s: %s", made, got)
	}
}

// The log says what happened and to no one: after all kinds of traffic there is no address and no key in it.
func TestLogsHoldNoPersonalData(t *testing.T) {
	var log journal
	l := serve(t, ServeOptions{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), SlowCommit: 1,
		Rates: api.Rates{Key: api.Rate{Each: 0.01, Burst: 20}, Tries: api.Rate{Each: 0.01, Burst: 8}}})
	person := `{"userId":"ada-lovelace@acme-works.example","traits":{"email":"ada-lovelace@acme-works.example","phone":"+46701740605"}}`
	for _, path := range []string{"/v1/identify", "/v1/track", "/v1/page", "/v1/group", "/v1/alias", "/v1/batch", "/f/ada-lovelace@acme-works.example", "/f/contact", "/nothing/ada-lovelace@acme-works.example", "/v1/track?email=ada-lovelace@acme-works.example"} {
		l.post(t, path, person)
		l.post(t, path, person, "Authorization", "Bearer "+l.key)
		l.post(t, path, "ada-lovelace@acme-works.example")
		l.post(t, path, person, "User-Agent", "ada-lovelace@acme-works.example", api.RequestID, l.key, "Content-Encoding", "ada-lovelace@acme-works.example")
	}
	l.post(t, "/v1/track", `{"userId":"ada-lovelace@acme-works.example","event":"x","timestamp":"ada-lovelace@acme-works.example"}`)
	l.post(t, "/v1/batch", `{"batch":[{"type":"ada-lovelace@acme-works.example"}]}`)
	l.post(t, "/f/contact?key="+l.key, "email=ada-lovelace@acme-works.example&name=Ada-Lovelace", "Content-Type", "application/x-www-form-urlencoded")
	l.post(t, "/f/contact?key="+l.key, "email=ada-lovelace@acme-works.example&_gotcha=1", "Content-Type", "application/x-www-form-urlencoded")
	l.get(t, "/v1/projects/"+l.key+"/settings")
	for i := range 12 {
		l.get(t, fmt.Sprintf("/v1/projects/%sx%d/settings", l.key, i))
	}
	l.stop()
	<-l.ended
	text := log.String()
	for _, said := range []string{"request refused", "a commit was slow", "msg=request ", "status=429", "listening"} {
		if !strings.Contains(text, said) {
			t.Errorf("there is no %q in the log: the test sends too little", said)
		}
	}
	// With hyphens, as request IDs have none and may have any other letters.
	for _, personal := range []string{"ada-", "acme-", "@", "%40", "4670174", l.key[12:]} {
		if i := strings.Index(strings.ToLower(text), strings.ToLower(personal)); i >= 0 {
			t.Errorf("the log holds %q: %s", personal, text[max(0, i-200):min(len(text), i+100)])
		}
	}
}

func TestDiscreet(t *testing.T) {
	for said, want := range map[string]string{
		"no such lead as ada.l+x@acme.co.example, sorry":                   "no such lead as (address), sorry",
		"GET /leads/ada%40acme.example":                                    "GET /leads/(address)",
		"åsa@företag.example":                                              "(address)",
		"key baton_track_abcdefghijklmnopqrstuvwxyz-0 is not known":        "key (key) is not known",
		"opening postgres://baton:s3cret@db.example/baton":                 "opening postgres://baton:***@db.example/baton",
		"baton_total 5 @ 3":                                                "baton_total 5 @ 3",
		"postgres://db.example/baton?user=x is as it was; nothing was cut": "postgres://db.example/baton?user=x is as it was; nothing was cut",
	} {
		var log bytes.Buffer
		slog.New(discreet{slog.NewTextHandler(&log, nil)}).WithGroup("g").With("a", said).Info(said, "e", errors.New(said), slog.Group("in", "s", said), "n", 5)
		if got := masked(said); got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
		if want != said && strings.Contains(log.String(), said) || strings.Count(log.String(), want) != 4 || !strings.Contains(log.String(), "g.n=5") {
			t.Errorf("%s: the log says %s", said, log.String())
		}
	}
}

// The service manager hears that the server is ready, lives and stops, in this order, and only then is it gone.
func TestServiceManagerIsTold(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), fmt.Sprintf("@baton-test-%d", time.Now().UnixNano())} {
		address := &net.UnixAddr{Name: strings.Replace(name, "@", "\x00", 1), Net: "unixgram"}
		socket, err := net.ListenUnixgram("unixgram", address)
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		hear := func() string {
			b := make([]byte, 1000)
			socket.SetReadDeadline(time.Now().Add(patience))
			n, err := socket.Read(b)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return string(b[:n])
		}
		l := serve(t, ServeOptions{NotifySocket: name, Watchdog: 20 * time.Millisecond})
		alive, ready := 0, false
		for alive < 3 || !ready {
			switch said := hear(); {
			case said == "WATCHDOG=1":
				alive++
			case strings.HasPrefix(said, "READY=1\nSTATUS=listening on "+l.address) && !ready:
				ready = true
			default:
				t.Fatalf("heard %q", said)
			}
		}
		l.stop()
		for {
			said := hear()
			if strings.HasPrefix(said, "STOPPING=1\n") {
				break
			}
			if said != "WATCHDOG=1" {
				t.Fatalf("heard %q", said)
			}
		}
		if err := <-l.ended; err != nil {
			t.Fatal(err)
		}
	}
}

// A server that is stuck says nothing any more.
func TestWatchdogOfAStuckServer(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	ctx, cancel := context.WithCancel(t.Context())
	stuck, goOn := make(chan struct{}), make(chan struct{})
	asked := 0
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		supervisor{socket: name}.watchdog(ctx, 2*time.Millisecond, func() {
			if asked++; asked == 3 {
				close(stuck)
				<-goOn
			}
		})
	}()
	<-stuck
	cancel()
	heard := 0
	socket.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	for b := make([]byte, 100); ; heard++ {
		if _, err := socket.Read(b); err != nil {
			break
		}
	}
	if heard != 2 {
		t.Errorf("heard %d times that it lives", heard)
	}
	close(goOn)
	<-ended
}

// A manager that is gone is no reason to stop.
func TestServiceManagerIsGone(t *testing.T) {
	var log bytes.Buffer
	supervisor{socket: filepath.Join(t.TempDir(), "none"), log: slog.New(slog.NewTextHandler(&log, nil))}.tell("READY=1")
	if !strings.Contains(log.String(), "cannot be told") {
		t.Errorf("the log says %q", log.String())
	}
}

// What is slow is worth a line, once, with numbers only.
func TestSlowCommit(t *testing.T) {
	var log bytes.Buffer
	w := &watch{log: slog.New(slog.NewTextHandler(&log, nil)), slow: time.Second}
	w.round(&engine.Round{Kind: engine.RoundSubmit, Inputs: 5, Commit: time.Second})
	if log.Len() != 0 {
		t.Errorf("not slow: %s", log.String())
	}
	w.round(&engine.Round{Kind: engine.RoundSubmit, Inputs: 5, Commit: 1500 * time.Millisecond})
	if !strings.Contains(log.String(), `msg="a commit was slow" round=submit inputs=5 took=1.5s`) {
		t.Errorf("slow: %s", log.String())
	}
}
