package app

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/lifecycle"
)

// prepare makes a database with an agreement and a key in a directory.
func prepare(t testing.TB, dir string) (db, agreementFile, key string) {
	t.Helper()
	source, _ := agreement.Template("waterfall")
	agreementFile, db = filepath.Join(dir, "agreement.yaml"), filepath.Join(dir, "baton.db")
	if err := os.WriteFile(agreementFile, source, 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Options{DB: db, Memory: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Adopt(t.Context(), agreementFile, time.Now().UnixMicro()); err != nil {
		t.Fatal(err)
	}
	if key, _, err = api.NewKey(t.Context(), a.Store, "test", api.ScopeTrack, time.Now().UnixMicro()); err != nil {
		t.Fatal(err)
	}
	return db, agreementFile, key
}

// live is a server that runs in this process.
type live struct {
	*App
	address, key string
	stop         context.CancelFunc
	ended        chan error
}

func serve(t testing.TB, opts ServeOptions) *live {
	t.Helper()
	db, _, key := prepare(t, t.TempDir())
	a, err := Open(t.Context(), Options{DB: db, Memory: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l := &live{App: a, key: key, stop: cancel, ended: make(chan error, 1)}
	ready := make(chan string, 1)
	opts.Listen, opts.Ready = "127.0.0.1:0", func(address string) { ready <- address }
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	go func() { l.ended <- a.Serve(ctx, opts) }()
	t.Cleanup(cancel)
	select {
	case l.address = <-ready:
	case err := <-l.ended:
		t.Fatal(err)
	}
	return l
}

// begin sends a request but for its last byte, and returns when the server has begun to read its body.
func (l *live) begin(t testing.TB, body string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	req, _ := http.NewRequest("POST", "http://"+l.address, nil)
	req.SetBasicAuth(l.key, "")
	fmt.Fprintf(conn, "POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", req.Header.Get("Authorization"), len(body))
	answers := bufio.NewReader(conn)
	line, err := answers.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, body[:len(body)-1]); err != nil {
		t.Fatal(err)
	}
	return conn, answers
}

func (l *live) get(t testing.TB, path string) *http.Response {
	t.Helper()
	res, err := http.Get("http://" + l.address + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

const event = `{"userId":"u1","event":"Demo Requested","messageId":"m1"}`

// Stopping finishes what is under way, and only then ends.
func TestServeDrains(t *testing.T) {
	l := serve(t, ServeOptions{})
	if res := l.get(t, "/healthz"); res.StatusCode != 200 {
		t.Errorf("/healthz: %s", res.Status)
	}
	res := l.get(t, "/readyz")
	if res.StatusCode != 200 || res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("/readyz: %s %v", res.Status, res.Header)
	}
	if res := l.get(t, "/nothing"); res.StatusCode != 404 {
		t.Errorf("/nothing: %s", res.Status)
	}
	conn, answers := l.begin(t, event)
	l.stop()
	// wait until no new connection is let in
	for {
		c, err := net.Dial("tcp", l.address)
		if err != nil {
			break
		}
		c.Close()
	}
	select {
	case err := <-l.ended:
		t.Fatalf("it ended with a request under way: %v", err)
	default:
	}
	if _, err := io.WriteString(conn, "}"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%v %v", answer, err)
	}
	if err := <-l.ended; err != nil {
		t.Fatal(err)
	}
	var keys []string
	if err := l.Store.EachInput(t.Context(), 0, func(in lifecycle.Input, _ []byte) error { keys = append(keys, in.Key); return nil }); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(keys) != "[m1]" {
		t.Errorf("inputs %v", keys)
	}
	if list, err := l.Store.APIKeys(t.Context()); err != nil || list[0].UsedAt == 0 {
		t.Errorf("the use of the key is not on record: %v %v", list, err)
	}
}

// A request that does not come to its end is not acknowledged, and holds nobody else up.
func TestSlowClients(t *testing.T) {
	l := serve(t, ServeOptions{HeaderTime: 300 * time.Millisecond, ReadTime: 400 * time.Millisecond, DrainTime: 50 * time.Millisecond})
	_, answers := l.begin(t, event)
	other, err := http.NewRequest("POST", "http://"+l.address+"/v1/track", strings.NewReader(strings.Replace(event, "m1", "m2", 1)))
	if err != nil {
		t.Fatal(err)
	}
	other.SetBasicAuth(l.key, "")
	res, err := http.DefaultClient.Do(other)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v %v", res, err)
	}
	res.Body.Close()
	if answer, err := http.ReadResponse(answers, nil); err == nil && answer.StatusCode != http.StatusRequestTimeout {
		t.Errorf("the slow client is told %s", answer.Status)
	}
	// one that never finishes its headers
	conn, err := net.Dial("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST /v1/track HTTP/1.1\r\nHost: x\r\nX-A: ")
	if rest, err := io.ReadAll(conn); err != nil || bytes.Contains(rest, []byte("200")) {
		t.Errorf("%q %v", rest, err)
	}
	// one whose headers do not end
	big, err := net.Dial("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	io.WriteString(big, "POST /v1/track HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("a", 2*mostHeader)+"\r\n\r\n")
	if line, err := bufio.NewReader(big).ReadString('\n'); err != nil || !strings.Contains(line, "431") {
		t.Errorf("%q %v", line, err)
	}
	l.stop()
	if err := <-l.ended; err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := l.Store.EachInput(t.Context(), 0, func(in lifecycle.Input, _ []byte) error {
		if n++; in.Key != "m2" {
			t.Errorf("input %q", in.Key)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Errorf("%d inputs, want 1", n)
	}
}

func TestServeSaysWhatKeepsItFromServing(t *testing.T) {
	a, err := Open(t.Context(), Options{DB: filepath.Join(t.TempDir(), "baton.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Serve(t.Context(), ServeOptions{Listen: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "--agreement") {
		t.Errorf("without an agreement: %v", err)
	}
	taken := serve(t, ServeOptions{})
	err = taken.Serve(t.Context(), ServeOptions{Listen: taken.address})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("on an address that is taken: %v", err)
	}
}

// A full disk is said, and forgotten when there is room again; nothing that was acknowledged is lost.
func TestServeOnAFullDisk(t *testing.T) {
	l := serve(t, ServeOptions{})
	post := func(n int) (int, string) {
		t.Helper()
		body := fmt.Sprintf(`{"userId":"u%d","event":"x","messageId":"m%d","properties":{"a":"%s"}}`, n, n, strings.Repeat("x", 20<<10))
		req, err := http.NewRequest("POST", "http://"+l.address+"/v1/track", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(l.key, "")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, res.Header.Get("Retry-After") + string(text)
	}
	if err := l.Store.Limit(t.Context(), 150); err != nil {
		t.Fatal(err)
	}
	acked := map[string]bool{}
	n := 0
	for ; ; n++ {
		status, text := post(n)
		if status == 200 {
			acked[fmt.Sprintf("m%d", n)] = true
			continue
		}
		if status != 503 || !strings.HasPrefix(text, "5{") || !strings.Contains(text, "could not be stored") || strings.Contains(text, "sqlite") {
			t.Fatalf("%d %s", status, text)
		}
		break
	}
	if status, _ := post(n); status != 503 {
		t.Errorf("%d while the disk is full", status)
	}
	if err := l.Store.Limit(t.Context(), 1<<30); err != nil {
		t.Fatal(err)
	}
	if status, text := post(n); status != 200 {
		t.Errorf("%d %s when there is room again", status, text)
	}
	acked[fmt.Sprintf("m%d", n)] = true
	stored := map[string]int{}
	if err := l.Store.EachInput(t.Context(), 0, func(in lifecycle.Input, _ []byte) error { stored[in.Key]++; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(acked) < 3 || len(stored) != len(acked) {
		t.Errorf("%d acknowledged, %d stored", len(acked), len(stored))
	}
	for id := range acked {
		if stored[id] != 1 {
			t.Errorf("%s is stored %d times", id, stored[id])
		}
	}
}

// A server that is told to holds its database in memory, or says that it may not.
func TestFileMemory(t *testing.T) {
	var log journal
	l := serve(t, ServeOptions{Log: slog.New(slog.NewTextHandler(&log, nil)), FileMemory: 64 << 20})
	for range 200 {
		if l.Store.Held() > 0 || strings.Contains(log.String(), "not held in memory") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("nothing is held, and nothing said: %s", log.String())
}
