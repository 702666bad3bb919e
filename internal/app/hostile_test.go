//go:build unix

package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"baton/internal/api"
)

// mostMemory is how much the server may ever have needed, in bytes: 64 MB of requests, what it takes to read them, and what
// Go leaves lying about in between.
const mostMemory = 256 << 20

// fort is a server under attack, in a process of its own.
type fort struct {
	*child
	t    testing.TB
	db   string
	auth string // a header that lets senders in
	desk string // and one that lets in whoever may do everything
	log  string
}

// besiege starts a server with little patience, and asks it all the time how it is; at the end of the test it must have
// answered all of these in time, have needed little memory, and have stored only what it said it did.
func besiege(t *testing.T, env ...string) *fort {
	t.Helper()
	dir := t.TempDir()
	f := &fort{t: t, db: filepath.Join(dir, "baton.db"), log: filepath.Join(dir, "log")}
	key := furnish(t, f.db, time.Now())
	req, _ := http.NewRequest("POST", "/", nil)
	req.SetBasicAuth(key, "")
	f.auth = "Authorization: " + req.Header.Get("Authorization") + "\r\n"
	a, err := Open(t.Context(), Options{DB: f.db})
	if err != nil {
		t.Fatal(err)
	}
	admin, _, err := api.NewKey(t.Context(), a.Store, "admin", api.ScopeAdmin, time.Now().UnixMicro())
	if err := errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	f.desk = "Authorization: Bearer " + admin + "\r\n"
	f.child = launch(t, f.db, append([]string{childBrisk + "=1", childLog + "=" + f.log}, env...)...)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f.doctor(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if most, ok := f.memory(); ok {
			t.Logf("it needed at most %d MB", most>>20)
			if most > mostMemory && !racing {
				t.Errorf("it needed %d MB of memory, and may have %d", most>>20, mostMemory>>20)
			}
		}
		f.child.stop(t)
		text, err := os.ReadFile(f.log)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "panic") {
				t.Errorf("it panicked: %.2000s", line)
			}
		}
	})
	return f
}

// doctor asks for the server's health until it is told to stop.
func (f *fort) doctor(ctx context.Context) error {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var worst time.Duration
	for n := 0; ; n++ {
		began := time.Now()
		res, err := client.Get("http://" + f.address + "/healthz")
		if err != nil {
			return fmt.Errorf("asked how it is the %dth time: %w", n, err)
		}
		res.Body.Close()
		worst = max(worst, time.Since(began))
		if res.StatusCode != 200 {
			return fmt.Errorf("asked how it is, it says %s", res.Status)
		}
		select {
		case <-ctx.Done():
			f.t.Logf("asked %d times how it is; the slowest answer took %s", n, worst.Round(time.Millisecond))
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// memory returns the most that the process ever had resident, where the system tells.
func (f *fort) memory() (int64, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.Process.Pid))
	if err != nil {
		return 0, false
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	kilobytes, err := strconv.ParseInt(number, 10, 64)
	return kilobytes << 10, err == nil
}

func (f *fort) dial() net.Conn {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// answers reads answers until the connection ends, and returns their status codes.
func answers(conn net.Conn) (list []int, err error) {
	for r := bufio.NewReader(conn); ; {
		if _, err := r.Peek(1); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return list, errors.New("it neither answers nor ends the connection")
			}
			return list, nil
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return list, err
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return list, err
		}
		if res.StatusCode == http.StatusContinue {
			continue
		}
		list = append(list, res.StatusCode)
	}
}

// stored compares the keys of the inputs on record.
func (f *fort) stored(want ...string) {
	f.t.Helper()
	slices.Sort(want)
	if got := look(f.t, f.db).keysOfInputs(); !slices.Equal(got, want) {
		f.t.Errorf("%d messages are stored, %.1000v; want %d, %.1000v", len(got), got, len(want), want)
	}
}

func message(id string) string {
	return `{"userId":"u1","event":"Demo Requested","messageId":"` + id + `"}`
}

// request is one with a body of a known length.
func (f *fort) request(path, body string, headers ...string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + f.auth + strings.Join(append(headers, ""), "\r\n") + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
}

// chunked is one with a body that comes in parts of unknown number.
func (f *fort) chunked(path string, headers string, parts ...string) string {
	text := "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + f.auth + headers + "Transfer-Encoding: chunked\r\n\r\n"
	for _, part := range parts {
		text += fmt.Sprintf("%x\r\n%s\r\n", len(part), part)
	}
	return text + "0\r\n\r\n"
}

func packed(parts ...string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for _, part := range parts {
		io.WriteString(w, part)
	}
	w.Close()
	return b.String()
}

// bomb is a text of so many megabytes, packed.
func bomb(megabytes int) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	io.WriteString(w, `{"userId":"`)
	for range megabytes {
		w.Write(zeros)
	}
	w.Close()
	return b.String()
}

// shot is a request that means no good, and the statuses it may be answered with.
type shot struct {
	name, text string
	want       []int
}

// fire sends requests, some at a time, each on a connection of its own, and looks at the answers.
func (f *fort) fire(shots []shot) {
	f.t.Helper()
	var wg sync.WaitGroup
	turn := make(chan struct{}, 12)
	for _, shot := range shots {
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			conn, err := net.Dial("tcp", f.address)
			if err != nil {
				f.t.Errorf("%s: %v", shot.name, err)
				return
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			go func() {
				io.WriteString(conn, shot.text) // it may end the connection before it has it all
			}()
			got, err := answers(conn)
			if err != nil && !errors.Is(err, syscall.ECONNRESET) {
				f.t.Errorf("%s: %v", shot.name, err)
			}
			if len(got) == 0 && len(shot.text) > 1<<20 {
				return // the answer is lost when a connection ends that was still being written to
			}
			if len(got) == 0 || !slices.Contains(shot.want, got[0]) {
				f.t.Errorf("%s: it answers %v, want one of %v", shot.name, got, shot.want)
			}
			for _, status := range got[min(1, len(got)):] {
				if status < 400 {
					f.t.Errorf("%s: something in it was taken for a second request: %v", shot.name, got)
				}
			}
		})
	}
	wg.Wait()
}

// What cannot be understood is refused, what is too large is not read to its end, and what is only strange is taken in; each
// request comes alone on a connection of its own, which the server ends or which goes on to be of use.
func TestHostileRequests(t *testing.T) {
	f := besiege(t)
	long := strings.Repeat("x", 10<<20)
	event := func(more string) string { return `{"userId":"u1","event":"x",` + more + `}` }
	blast := bomb(200)
	small := packed(event(`"messageId":"packed"`))
	f.fire([]shot{
		// bodies
		{"deep lists", f.request("/v1/track", event(`"properties":{"a":`+strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)+`}`)), []int{400}},
		{"deep objects", f.request("/v1/identify", event(`"traits":`+strings.Repeat(`{"a":`, 80_000)+"1"+strings.Repeat("}", 80_000))), []int{400}},
		{"deep and never closed", f.request("/v1/batch", `{"batch":`+strings.Repeat(`[{"a":`, 60_000)), []int{400}},
		{"a number too large for a float", f.request("/v1/track", event(`"messageId":"1e400","properties":{"a":1e400,"b":-1e400,"c":1e-400}`)), []int{200}},
		{"a number as an ID", f.request("/v1/track", `{"messageId":"id","userId":1e400,"event":"x"}`), []int{200, 400}},
		{"a number of 400 kB", f.request("/v1/track", event(`"properties":{"a":`+strings.Repeat("9", 400<<10)+`}`)), []int{400}},
		{"a number of 10 MB", f.request("/v1/track", event(`"properties":{"a":`+strings.Repeat("9", 10<<20)+`}`)), []int{413}},
		{"a text of 10 MB", f.request("/v1/track", event(`"properties":{"a":"`+long+`"}`)), []int{413}},
		{"a name of 10 MB", f.request("/v1/track", event(`"properties":{"`+long+`":1}`)), []int{413}},
		{"a body of nothing but space", f.request("/v1/track", strings.Repeat(" ", 400<<10)), []int{400}},
		{"invalid UTF-8", f.request("/v1/track", event(`"properties":{"a":"`+"\xff\xfe\xc0\xaf"+`"}`)), []int{400}},
		{"half a surrogate pair", f.request("/v1/track", event(`"properties":{"a":"\ud800"}`)), []int{400}},
		{"the same name twice", f.request("/v1/track", `{"userId":"u1","userId":"u2","event":"x"}`), []int{400}},
		{"the same trait twice", f.request("/v1/identify", event(`"traits":{"email":"a@b.example","email":"c@d.example"}`)), []int{400}},
		{"NUL", f.request("/v1/track", event("\"messageId\":\"\x00\"")), []int{400}},
		{"NUL, escaped", f.request("/v1/track", event(`"messageId":"nul","properties":{"a\u0000":"\u0000"}`)), []int{200}},
		{"a type that is none", f.request("/v1/track", "hello", "Content-Type: application/"+strings.Repeat("x", 5000)), []int{400}},
		{"a form that is none", f.request("/f/contact", strings.Repeat("&=%%%", 1000), "Content-Type: application/x-www-form-urlencoded"), []int{400, 401}},
		{"a form in parts without end", f.request("/f/contact", "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n"+strings.Repeat("a", 30<<10), "Content-Type: multipart/form-data; boundary=x"), []int{400, 401}},
		{"a form of 10,000 parts", f.request("/f/contact", strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n", 1100)+"--x--", "Content-Type: multipart/form-data; boundary=x"), []int{400, 401}},
		// packed bodies
		{"gzip", f.request("/v1/track", small, "Content-Encoding: gzip"), []int{200}},
		{"a bomb of 200 MB", f.request("/v1/track", blast, "Content-Encoding: gzip"), []int{413}},
		{"a bomb in a bomb", f.request("/v1/track", packed(blast), "Content-Encoding: gzip"), []int{400}},
		{"a bomb in a bomb in a bomb", f.request("/v1/track", packed(packed(blast)), "Content-Encoding: gzip, gzip, gzip"), []int{400, 415}},
		{"half of it", f.request("/v1/track", small[:len(small)/2], "Content-Encoding: gzip"), []int{400}},
		{"without the sum at its end", f.request("/v1/track", small[:len(small)-8], "Content-Encoding: gzip"), []int{400}},
		{"something after it", f.request("/v1/track", small+"something", "Content-Encoding: gzip"), []int{400}},
		{"two in a row", f.request("/v1/track", small+small, "Content-Encoding: gzip"), []int{400}},
		{"20,000 of nothing in a row", f.request("/v1/track", strings.Repeat(packed(), 20_000), "Content-Encoding: gzip"), []int{400}},
		{"packed in another way", f.request("/v1/track", small, "Content-Encoding: zstd"), []int{415}},
		// lengths
		{"more announced than there may be", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Content-Length: 99999999999\r\n\r\n", []int{413}},
		{"10 MB in parts", f.chunked("/v1/track", "", long), []int{413}},
		{"one byte at a time", f.chunked("/v1/track", "", strings.Split(`{"userId":"u1","event":"x","messageId":"bytes"}`, "")...), []int{200}},
		{"a part without end", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + long, []int{400, 413}},
		{"a part of no length", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n", []int{400}},
		{"a part with a long remark", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Transfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("a", 1<<20) + "\r\n{}\r\n0\r\n\r\n", []int{400}},
		{"a negative length", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Content-Length: -1\r\n\r\n{}", []int{400}},
		{"a length with a sign", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Content-Length: +2\r\n\r\n{}", []int{400}},
		{"a length in hexadecimal", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Content-Length: 0x2\r\n\r\n{}", []int{400}},
		// shapes by which one request is smuggled in another
		{"two lengths", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Content-Length: 2\r\nContent-Length: 80\r\n\r\n{}", []int{400}},
		{"two lengths in one", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Content-Length: 2, 80\r\n\r\n{}", []int{400}},
		{"a space before the colon", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", []int{400}},
		{"an encoding that is none", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", []int{400, 501}},
		{"two encodings", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", []int{400, 501}},
		{"a header on two lines", "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth + "Transfer-Encoding:\r\n chunked\r\nX: y\r\n\r\n0\r\n\r\n", []int{400, 501}},
		{"NUL in a header", "POST /v1/track HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n", []int{400}},
		// headers and lines
		{"20 kB of one header", "GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", []int{431}},
		{"10,000 headers", "GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 10_000) + "\r\n", []int{431}},
		{"a path of 1 MB", "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{414, 431}},
		{"a method of 1 MB", strings.Repeat("X", 1<<20) + " / HTTP/1.1\r\nHost: x\r\n\r\n", []int{400, 431}},
		{"no host", "GET /healthz HTTP/1.1\r\n\r\n", []int{400}},
		{"two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", []int{400}},
		{"a host that is none", "GET /healthz HTTP/1.1\r\nHost: a b/\r\n\r\n", []int{400}},
		{"NUL in the path", "GET /f/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{404, 405}},
		{"up and away", "GET /v1/projects/../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{301, 307, 308, 404}},
		{"another method", "DELETE /v1/track HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{405}},
		{"CONNECT", "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\nConnection: close\r\n\r\n", []int{400, 404, 405}},
		{"TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{404, 405}},
		// other languages
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 404, 405, 505}},
		{"HTTP/9", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", []int{400, 505}},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 500) + "\r\n\r\n", []int{400}},
		{"noise", strings.Repeat("\xff\x00\r\n", 100) + "\r\n\r\n", []int{400}},
		{"empty lines", strings.Repeat("\r\n", 1000), []int{400}},
	})
	f.stored("1e400", "bytes", "id", "nul", "packed")
}

// The same for what people and programs do over REST, with a key that may do everything.
func TestHostileREST(t *testing.T) {
	f := besiege(t)
	f.auth = f.desk
	long := strings.Repeat("x", 10<<20)
	refused := []int{400, 413, 415, 422}
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'j'; c++ {
		laughs += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	const activities, check, files = "/api/v1/activities", "/api/v1/agreement/check", "/api/v1/imports?mapping=import:%20x&name=x"
	json, yaml, csv := "Content-Type: application/json", "Content-Type: application/yaml", "Content-Type: text/csv"
	parts, last := "Content-Type: multipart/form-data; boundary=x", "Connection: close"
	f.fire([]shot{
		{"deep lists", f.request(activities, strings.Repeat("[", 60_000), json), refused},
		{"deep objects", f.request(activities, strings.Repeat(`{"a":`, 12_000)+"1"+strings.Repeat("}", 12_000), json), refused},
		{"a number too large for a float", f.request("/api/v1/leads/1/win", `{"by":"x","value":1e400}`, json), refused},
		{"a text of 10 MB", f.request(activities, `{"a":"`+long+`"}`, json), refused},
		{"10 MB in parts", f.chunked(activities, json+"\r\n", long), refused},
		{"invalid UTF-8", f.request(activities, "{\"a\":\"\xff\"}", json), refused},
		{"the same name twice", f.request("/api/v1/keys", `{"name":"a","name":"b","scope":"admin","scope":"admin","x":1}`, json), refused},
		{"NUL", f.request("/api/v1/keys", "{\"name\":\"a\\u0000b\",\"scope\":\"read\"}", json), refused},
		{"a bomb", f.request(activities, bomb(50), json, "Content-Encoding: gzip"), refused},
		{"another type", f.request(activities, "<a/>", "Content-Type: application/xml"), refused},
		{"an agreement of 10 MB", f.request(check, "agreement: "+long, yaml), refused},
		{"an agreement that grows", f.request(check, laughs, yaml), append(refused, 200)}, // 200 with findings
		{"a deep agreement", f.request(check, "a: "+strings.Repeat("[", 200_000), yaml), append(refused, 200)},
		{"a deep condition", f.request(check, "target_buyer: {a: {when: '"+strings.Repeat("(", 200_000)+"'}}", yaml), append(refused, 200)},
		{"a lead that is none", f.request("/api/v1/leads/%00%ff/win", `{}`, json), append(refused, 404)},
		{"too many leads", "GET /api/v1/leads?limit=99999999999999999999 HTTP/1.1\r\nHost: x\r\n" + f.auth + "Connection: close\r\n\r\n", refused},
		{"a page that was never there", "GET /api/v1/leads?cursor=" + strings.Repeat("A", 8000) + " HTTP/1.1\r\nHost: x\r\n" + f.auth + "Connection: close\r\n\r\n", refused},
		{"a key of 10 kB", "GET /api/v1/leads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + strings.Repeat("a", 10<<10) + "\r\nConnection: close\r\n\r\n", []int{401}},
	})
	for _, file := range []shot{ // one is read at a time
		{"a file of one line", f.request(files, long, csv, last), refused},
		{"a file of a million columns", f.request(files, strings.Repeat("a,", 1<<20), csv, last), refused},
		{"a file of quotes", f.request(files, strings.Repeat(`"`, 1<<20), csv, last), refused},
		{"a file in parts that never end", f.request("/api/v1/imports", "--x\r\nContent-Disposition: form-data; name=\"mapping\"\r\n\r\n"+strings.Repeat("a", 1<<20), parts, last), refused},
		{"a file without a name", f.request("/api/v1/imports", strings.Repeat("--x\r\nContent-Disposition: form-data\r\n\r\n\r\n", 10_000)+"--x--", parts, last), refused},
	} {
		f.fire([]shot{file})
	}
	f.stored()
}

// A request whose length is given in two ways must not be a way to hide a second one from a proxy that goes by the other.
func TestSmuggledRequest(t *testing.T) {
	f := besiege(t)
	conn := f.dial()
	hidden := f.request("/v1/track", message("hidden"))
	fmt.Fprintf(conn, "POST /v1/track HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s", f.auth, len(hidden)+5, hidden)
	got, err := answers(conn)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != 400 {
		t.Errorf("it answers %v, want 400 and the end of the connection", got)
	}
	f.stored()
}

// Requests that follow each other without waiting are answered in order; those of a client that never reads are not kept.
func TestPipelines(t *testing.T) {
	f := besiege(t)
	conn := f.dial()
	var text strings.Builder
	var want []string
	for n := range 100 {
		id := fmt.Sprintf("m%d", n)
		want = append(want, id)
		text.WriteString(f.request("/v1/track", message(id)))
	}
	text.WriteString("GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	go io.WriteString(conn, text.String())
	got, err := answers(conn)
	if err != nil || len(got) != 101 || slices.Max(got[:100]) != 200 || got[100] != 404 {
		t.Errorf("%v %v", got, err)
	}

	// questions with long answers, one after the other, and nobody listens
	question := []byte(strings.Repeat("OPTIONS /v1/track HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Headers: "+strings.Repeat("a", 1000)+"\r\n\r\n", 100))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			deaf := f.dial()
			deaf.(*net.TCPConn).SetReadBuffer(4 << 10)
			for {
				if _, err := deaf.Write(question); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the server waits for a client that does not listen")
				} else if err == nil {
					continue
				}
				return
			}
		})
	}
	wg.Wait()
	f.stored(want...)
}

// Clients that hardly move, say half of what they have to say, or nothing at all, hold nobody else up and are sent away.
func TestSlowAndSilentClients(t *testing.T) {
	f := besiege(t)
	header := "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + f.auth
	var wg sync.WaitGroup
	// each says something, then drips until it is sent away
	drip := func(name, first, drop string, clients int) {
		for range clients {
			wg.Go(func() {
				conn, err := net.Dial("tcp", f.address)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				defer conn.Close()
				io.WriteString(conn, first)
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					conn.SetReadDeadline(time.Now().Add(patience))
					got, err := answers(conn)
					if len(got) > 0 && got[0] < 400 || errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("%s: it answers %v %v", name, got, err)
					}
				}()
				for tick := time.NewTicker(50 * time.Millisecond); ; {
					select {
					case <-ended:
						tick.Stop()
						return
					case <-tick.C:
						io.WriteString(conn, drop)
					}
				}
			})
		}
	}
	drip("silent", "", "", soak(2000, 6000))
	drip("headers that drip", header+"X: ", "a", 200)
	drip("header after header", header, "X: a\r\n", 100)
	drip("a body that drips", header+"Content-Length: 1000\r\n\r\n{", " ", 200)
	drip("parts that drip", header+"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "1\r\n \r\n", 200)
	drip("parts without end", header+"Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat(" ", 64<<10)), 20)
	drip("a packed body that drips", header+"Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n\x1f\x8b\x08\x00", "\x00", 100)
	drip("waiting to be told to go on", header+"Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n", "", 50)
	// in between, those who behave are served
	var want []string
	for n := range 50 {
		id := fmt.Sprintf("m%d", n)
		want = append(want, id)
		conn := f.dial()
		io.WriteString(conn, f.request("/v1/track", message(id), "Connection: close"))
		if got, err := answers(conn); err != nil || len(got) != 1 || got[0] != 200 {
			t.Fatalf("somebody who behaves is answered %v %v", got, err)
		}
	}
	wg.Wait()
	f.stored(want...)
}

// A client that hangs up in the middle has sent nothing; one that only stops sending gets its answer or may try again.
func TestHalfClosedConnections(t *testing.T) {
	f := besiege(t)
	var want []string
	for n := range 20 {
		conn := f.dial().(*net.TCPConn)
		id := fmt.Sprintf("whole%d", n)
		io.WriteString(conn, f.request("/v1/track", message(id)))
		conn.CloseWrite()
		got, err := answers(conn)
		if err != nil || len(got) != 1 || got[0] != 200 && got[0] != 503 {
			t.Fatalf("all said and listening: %v %v", got, err)
		}
		want = append(want, id)
		again := f.dial()
		io.WriteString(again, f.request("/v1/track", message(id), "Connection: close"))
		if got, err := answers(again); err != nil || len(got) != 1 || got[0] != 200 {
			t.Fatalf("again: %v %v", got, err)
		}

		half := f.request("/v1/track", message(fmt.Sprintf("half%d", n)))
		conn = f.dial().(*net.TCPConn)
		io.WriteString(conn, half[:len(half)-1-n])
		conn.CloseWrite()
		if got, err := answers(conn); err != nil || len(got) > 1 || len(got) == 1 && got[0] < 400 {
			t.Errorf("half of it: %v %v", got, err)
		}
		conn = f.dial().(*net.TCPConn)
		io.WriteString(conn, half[:len(half)-1-n])
		conn.SetLinger(0) // a reset
		conn.Close()
	}
	f.stored(want...)
}

// Many large requests at once: the memory for them is bounded, some are told to come back, and all who do are served.
func TestManyLargeRequests(t *testing.T) {
	f := besiege(t)
	big := bomb(200) // of which the server reads as much as a batch may have
	pad := strings.Repeat(" ", 480<<10)
	var wg sync.WaitGroup
	for n := range 200 {
		wg.Go(func() {
			conn, err := net.Dial("tcp", f.address)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			text := f.request("/v1/batch", `{"batch":[]}`+pad, "Connection: close")
			if n%4 == 0 {
				text = f.request("/v1/track", big, "Content-Encoding: gzip", "Connection: close")
			}
			go io.WriteString(conn, text)
			got, _ := answers(conn)
			if len(got) > 0 && !slices.Contains([]int{200, 408, 413, 429}, got[0]) {
				t.Errorf("request %d is answered %v", n, got)
			}
		})
	}
	wg.Wait()
	conn := f.dial()
	io.WriteString(conn, f.request("/v1/track", message("m1"), "Connection: close"))
	if got, err := answers(conn); err != nil || !slices.Equal(got, []int{200}) {
		t.Errorf("after the storm: %v %v", got, err)
	}
	f.stored("m1")
}
