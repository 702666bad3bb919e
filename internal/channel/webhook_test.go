package channel

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The example of the specification's libraries.
const (
	exampleSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleSeconds   = 1614265330
	exampleBody      = `{"test": 2432232314}`
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	otherSignature   = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
)

func key(t testing.TB, s string) Key {
	t.Helper()
	k, err := ParseKey(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sampleHook(to string) Webhook {
	k, err := ParseKey(exampleSecret)
	if err != nil {
		panic(err)
	}
	return Webhook{ID: "d_42", At: at, URL: to, Keys: []Key{k}, Body: []byte(`{"type":"lead.accepted"}`)}
}

func TestSignExample(t *testing.T) {
	for _, secret := range []string{exampleSecret, strings.TrimPrefix(exampleSecret, "whsec_")} {
		got, err := Sign(exampleID, exampleSeconds, []byte(exampleBody), key(t, secret))
		if err != nil || got != exampleSignature {
			t.Errorf("%s, %v", got, err)
		}
	}
}

func headers(id, stamp, signature string) http.Header {
	return http.Header{headerID: {id}, headerTimestamp: {stamp}, headerSignature: {signature}}
}

func TestVerify(t *testing.T) {
	stamp := strconv.Itoa(exampleSeconds)
	for _, c := range []struct {
		name string
		h    http.Header
		body string
		late int64
		why  string
	}{
		{name: "valid", h: headers(exampleID, stamp, exampleSignature)},
		{name: "among others", h: headers(exampleID, stamp, otherSignature+" v2,Zm9v "+exampleSignature+" "+otherSignature)},
		{name: "as late as can be", h: headers(exampleID, stamp, exampleSignature), late: 300},
		{name: "too late", h: headers(exampleID, stamp, exampleSignature), late: 301, why: "ago"},
		{name: "as early as can be", h: headers(exampleID, stamp, exampleSignature), late: -300},
		{name: "too early", h: headers(exampleID, stamp, exampleSignature), late: -301, why: "ahead"},
		{name: "another body", h: headers(exampleID, stamp, exampleSignature), body: exampleBody + " ", why: "known key"},
		{name: "another ID", h: headers("msg_2", stamp, exampleSignature), why: "known key"},
		{name: "another time", h: headers(exampleID, "1614265331", exampleSignature), why: "known key"},
		{name: "the year 2000", h: headers(exampleID, "946684800", exampleSignature), why: "known key"},
		{name: "another signature", h: headers(exampleID, stamp, otherSignature), why: "known key"},
		{name: "an empty signature", h: headers(exampleID, stamp, "v1,"), why: "known key"},
		{name: "part of a signature", h: headers(exampleID, stamp, exampleSignature[:20]), why: "known key"},
		{name: "of another version", h: headers(exampleID, stamp, "v1a"+exampleSignature[2:]), why: "known key"},
		{name: "without version", h: headers(exampleID, stamp, exampleSignature[3:]), why: "known key"},
		{name: "not base64", h: headers(exampleID, stamp, "v1,!!!!"), why: "known key"},
		{name: "too many", h: headers(exampleID, stamp, strings.Repeat(otherSignature+" ", signatureMost)+exampleSignature), why: "known key"},
		{name: "no ID", h: headers("", stamp, exampleSignature), why: "webhook-id"},
		{name: "no time", h: headers(exampleID, "", exampleSignature), why: "webhook-timestamp"},
		{name: "no signature", h: headers(exampleID, stamp, ""), why: "webhook-signature"},
		{name: "time with a sign", h: headers(exampleID, "+"+stamp, exampleSignature), why: "number of seconds"},
		{name: "negative time", h: headers(exampleID, "-1", exampleSignature), why: "number of seconds"},
		{name: "time with a zero", h: headers(exampleID, "0"+stamp, exampleSignature), why: "number of seconds"},
		{name: "time with a fraction", h: headers(exampleID, stamp+".0", exampleSignature), why: "number of seconds"},
		{name: "huge time", h: headers(exampleID, "99999999999999999999", exampleSignature), why: "number of seconds"},
		{name: "space in the ID", h: headers("a b", stamp, exampleSignature), why: "not an ID"},
		{name: "two IDs", h: http.Header{headerID: {exampleID, "x"}, headerTimestamp: {stamp}, headerSignature: {exampleSignature}}, why: "has 2"},
		{name: "two times", h: http.Header{headerID: {exampleID}, headerTimestamp: {stamp, stamp}, headerSignature: {exampleSignature}}, why: "has 2"},
		{name: "none", h: nil, why: "webhook-id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := exampleBody
			if c.body != "" {
				body = c.body
			}
			id, err := Verify(c.h, []byte(body), exampleSeconds+c.late, key(t, exampleSecret))
			if c.why == "" && (err != nil || id != exampleID) || c.why != "" && (err == nil || id != "" || !strings.Contains(err.Error(), c.why)) {
				t.Errorf("%q, %v", id, err)
			}
		})
	}
	if _, err := Verify(headers(exampleID, stamp, exampleSignature), []byte(exampleBody), exampleSeconds); err == nil {
		t.Error("verified with no key")
	}
}

func TestKeys(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	b64 := base64.StdEncoding.EncodeToString
	for name, c := range map[string]struct{ in, why string }{
		"secret":               {exampleSecret, ""},
		"longest":              {"whsec_" + b64(make([]byte, 64)), ""},
		"private":              {"whsk_" + b64(private), ""},
		"seed":                 {"whsk_" + b64(private[:32]), ""},
		"public":               {"whpk_" + b64(private[32:]), ""},
		"empty":                {"", "24 to 64"},
		"prefix alone":         {"whsec_", "24 to 64"},
		"short":                {"whsec_" + b64(make([]byte, 23)), "24 to 64"},
		"long":                 {"whsec_" + b64(make([]byte, 65)), "24 to 64"},
		"not base64":           {"whsec_hello", "base64"},
		"url base64":           {"whsec_" + strings.Repeat("-_", 16), "base64"},
		"other prefix":         {"sk_" + b64(make([]byte, 32)), "begins with none"},
		"private of two pairs": {"whsk_" + b64(append(append([]byte{}, private[:32]...), make([]byte, 32)...)), "belong together"},
		"public, too short":    {"whpk_" + b64(make([]byte, 31)), "ed25519"},
	} {
		k, err := ParseKey(c.in)
		if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && len(c.in) > 8 && strings.Contains(err.Error(), c.in[6:]) {
			t.Errorf("%s: the error tells the key", name)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if shown := fmt.Sprintf(verb, k); shown != "(webhook key)" {
				t.Errorf("%s with %s: %s", name, verb, shown)
			}
		}
	}
	written, err := NewSecret(strings.NewReader(strings.Repeat("r", 32)))
	if err != nil || written != "whsec_"+b64([]byte(strings.Repeat("r", 32))) {
		t.Errorf("%s, %v", written, err)
	}
	if _, err := NewSecret(strings.NewReader("short")); err == nil {
		t.Error("a secret of too little chance")
	}
}

// What is signed by several keys is verified by each of them, and by no other; and not if anything changed.
func TestSignAndVerify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[0-9A-Za-z_-]{1,64}`).Draw(t, "id")
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		seconds := rapid.Int64Range(0, 1<<40).Draw(t, "seconds")
		var keys []Key
		for range rapid.IntRange(1, 4).Draw(t, "keys") {
			raw := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "raw")
			if rapid.Bool().Draw(t, "pair") {
				private := ed25519.NewKeyFromSeed(raw)
				keys = append(keys, Key{private: private, public: private.Public().(ed25519.PublicKey)})
			} else {
				keys = append(keys, Key{secret: raw})
			}
		}
		signature, err := Sign(id, seconds, body, keys...)
		if err != nil {
			t.Fatal(err)
		}
		h := headers(id, strconv.FormatInt(seconds, 10), signature)
		for _, k := range keys {
			k.private = nil
			if got, err := Verify(h, body, seconds, k); err != nil || got != id {
				t.Fatal(err)
			}
			if _, err := Verify(h, append(body[:len(body):len(body)], 0), seconds, k); err == nil {
				t.Fatal("another body is verified")
			}
		}
		if _, err := Verify(h, body, seconds, Key{secret: []byte("a key of nobody we know of")}); err == nil {
			t.Fatal("another key verifies")
		}
	})
}

func TestSignRefuses(t *testing.T) {
	public := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	for name, err := range map[string]error{
		"no key":     signError("a"),
		"public key": signError("a", Key{public: public}),
		"empty key":  signError("a", Key{}),
		"dot":        signError("a.1", key(t, exampleSecret)),
		"line":       signError("a\r\nX: y", key(t, exampleSecret)),
		"empty ID":   signError("", key(t, exampleSecret)),
		"long ID":    signError(strings.Repeat("a", 65), key(t, exampleSecret)),
	} {
		if err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func signError(id string, keys ...Key) error {
	_, err := Sign(id, 1, nil, keys...)
	return err
}

// Verify does not panic, and takes nothing that was not signed.
func FuzzVerify(f *testing.F) {
	f.Add(exampleID, "1614265330", exampleSignature, exampleBody)
	f.Add("a", "0", "v1a,"+strings.Repeat("A", 86)+"==", "")
	f.Add("a.1", "-1", "v1, v1a, ,", "\x00")
	f.Add("", "9223372036854775807", " \t\n", "")
	keys := []Key{key(f, exampleSecret), {public: ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)}}
	f.Fuzz(func(t *testing.T, id, stamp, signature, body string) {
		got, err := Verify(headers(id, stamp, signature), []byte(body), exampleSeconds, keys...)
		if err == nil && (got != exampleID || stamp != "1614265330" || body != exampleBody || !strings.Contains(signature, exampleSignature)) {
			t.Fatalf("took %q %q %q %q", id, stamp, signature, body)
		}
	})
}

func poster(t *testing.T, roots *x509.CertPool) *Poster {
	p := NewPoster(PosterConfig{Guard: guardOf(t, true, "127.0.0.0/8"), Timeout: 10 * time.Second, Roots: roots})
	t.Cleanup(p.Close)
	return p
}

func TestWebhookArrives(t *testing.T) {
	for _, major := range []int{1, 2} {
		t.Run(fmt.Sprintf("HTTP %d", major), func(t *testing.T) { webhookArrives(t, major) })
	}
}

func webhookArrives(t *testing.T, major int) {
	w := sampleHook("")
	old := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("old ", 8)))
	w.Keys = append(w.Keys, key(t, old))
	received := make(chan error, 1)
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			for _, k := range []string{exampleSecret, old} {
				var id string
				if id, err = Verify(r.Header, body, at/1_000_000, key(t, k)); err == nil && id != "d_42" {
					err = fmt.Errorf("it is %s", id)
				}
			}
		}
		if r.Method != "POST" || r.URL.String() != "/hook?x=1" || string(body) != string(w.Body) || r.Header.Get("Content-Type") != "application/json" ||
			r.Header.Get("User-Agent") != "Baton" || r.Header.Get("Accept-Encoding") != "" || r.ProtoMajor != major {
			err = fmt.Errorf("got %s %s %v %s", r.Method, r.URL, r.Header, body)
		}
		received <- err
		fmt.Fprint(rw, "thank you\r\n\x1b[31m\u202ered  "+strings.Repeat("é", 1000))
	}))
	receiver.Config.ErrorLog = log.New(io.Discard, "", 0)
	receiver.EnableHTTP2 = major == 2
	receiver.StartTLS()
	defer receiver.Close()
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())
	w.URL = receiver.URL + "/hook?x=1"
	r := poster(t, roots).Webhook(t.Context(), w)
	if err := <-received; err != nil {
		t.Error(err)
	}
	want := Result{Outcome: Done, Code: 200, Why: "127.0.0.1 took it", Said: "thank you [31mred " + strings.Repeat("é", saidLimit-19) + "…"}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := poster(t, nil).Webhook(t.Context(), w); r.Outcome != Later || !strings.Contains(r.Why, "certificate") {
		t.Errorf("with a certificate nobody vouches for: %+v", r)
	}
}

func TestWebhookAnswers(t *testing.T) {
	date := time.UnixMicro(at).UTC().Add(90 * time.Second).Format(http.TimeFormat)
	past := time.UnixMicro(at).UTC().Add(-time.Hour).Format(http.TimeFormat)
	for _, c := range []struct {
		status int
		retry  string
		want   Outcome
		after  time.Duration
		why    string
	}{
		{200, "", Done, 0, "took it"},
		{201, "60", Done, 0, "took it"},
		{204, "", Done, 0, "took it"},
		{301, "", Later, 0, "redirects are not followed"},
		{302, "", Later, 0, "redirects are not followed"},
		{307, "", Later, 0, "redirects are not followed"},
		{308, "", Later, 0, "redirects are not followed"},
		{400, "", Later, 0, "status 400"},
		{401, "", Later, 0, "status 401"},
		{404, "", Later, 0, "status 404"},
		{410, "60", Gone, 0, "no more messages"},
		{429, "120", Later, 2 * time.Minute, "fewer messages"},
		{429, date, Later, 90 * time.Second, "fewer messages"},
		{429, past, Later, 0, "fewer messages"},
		{429, "soon", Later, 0, "fewer messages"},
		{429, "-5", Later, 0, "fewer messages"},
		{429, "1.5", Later, 0, "fewer messages"},
		{429, "9999999999999", Later, 365 * 24 * time.Hour, "fewer messages"},
		{500, "", Later, 0, "status 500"},
		{502, "", Later, 0, "busy"},
		{503, " 7 ", Later, 7 * time.Second, "busy"},
		{504, "", Later, 0, "busy"},
	} {
		t.Run(fmt.Sprint(c.status, c.retry), func(t *testing.T) {
			calls := 0
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				w.Header().Set("Location", "/elsewhere")
				if c.retry != "" {
					w.Header().Set("Retry-After", c.retry)
				}
				w.WriteHeader(c.status)
			}))
			r := poster(t, nil).Webhook(t.Context(), sampleHook(receiver.URL+"/token-in-the-path"))
			receiver.Close()
			if r.Outcome != c.want || r.Code != c.status || r.After != c.after || !strings.Contains(r.Why, c.why) || calls != 1 {
				t.Errorf("got %+v in %d calls", r, calls)
			}
			if strings.Contains(r.Why, "token") {
				t.Errorf("it tells the path: %s", r.Why)
			}
		})
	}
}

// raw is a receiver that does as it likes with the connection.
func raw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	c := rude(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			serve(conn)
		}
	})
	return fmt.Sprintf("http://127.0.0.1:%d/token", c.Port)
}

func TestWebhookReceiversThatBreak(t *testing.T) {
	drip := func(conn net.Conn, text string) {
		for {
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}
		}
	}
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		want  Outcome
		why   string
	}{
		{"hangs up", func(net.Conn) {}, Later, "ended the connection"},
		{"hangs", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, Later, "did not answer within"},
		{"drips headers", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			drip(c, "X: y\r\n")
		}, Later, ""},
		{"one endless header", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
			drip(c, "y")
		}, Later, ""},
		{"is not HTTP", func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.example\r\n") }, Later, "ended the connection"},
		{"endless answer", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			drip(c, "z")
		}, Done, "took it"},
		{"hangs in the answer", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			_, _ = io.Copy(io.Discard, c)
		}, Done, "took it"},
		{"hangs up in the answer", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\nabc")
		}, Later, "status 500"},
		{"says to go on, and hangs", func(c net.Conn) {
			drip(c, "HTTP/1.1 103 Early Hints\r\n\r\n")
		}, Later, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := NewPoster(PosterConfig{Guard: guardOf(t, true, "127.0.0.1"), Timeout: 400 * time.Millisecond})
			defer p.Close()
			r := p.Webhook(t.Context(), sampleHook(raw(t, c.serve)))
			if r.Outcome != c.want || !strings.Contains(r.Why, c.why) || strings.Contains(r.Why, "token") {
				t.Errorf("got %+v", r)
			}
			if len(r.Said) > saidLimit*4 {
				t.Errorf("it said %d bytes", len(r.Said))
			}
		})
	}
	t.Run("nobody is there", func(t *testing.T) {
		receiver := httptest.NewServer(nil)
		receiver.Close()
		if r := poster(t, nil).Webhook(t.Context(), sampleHook(receiver.URL)); r.Outcome != Later || !strings.Contains(r.Why, "refused the connection") {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		to := raw(t, func(c net.Conn) { cancel(); _, _ = io.Copy(io.Discard, c) })
		if r := poster(t, nil).Webhook(ctx, sampleHook(to)); r.Outcome != Later || !strings.Contains(r.Why, "interrupted here") {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("https at a port of http", func(t *testing.T) {
		receiver := httptest.NewServer(nil)
		defer receiver.Close()
		to := strings.Replace(receiver.URL, "http:", "https:", 1)
		if r := poster(t, nil).Webhook(t.Context(), sampleHook(to)); r.Outcome != Later || !strings.Contains(r.Why, "does not speak https") {
			t.Errorf("got %+v", r)
		}
	})
}

func TestWebhookThatCannotBe(t *testing.T) {
	for name, change := range map[string]func(*Webhook){
		"URL":     func(w *Webhook) { w.URL = "gopher://x" },
		"inside":  func(w *Webhook) { w.URL = "http://192.168.0.1/" },
		"body":    func(w *Webhook) { w.Body = make([]byte, bodyLimit+1) },
		"ID":      func(w *Webhook) { w.ID = "a.b" },
		"no keys": func(w *Webhook) { w.Keys = nil },
	} {
		w := sampleHook("http://127.0.0.1:1/")
		change(&w)
		if r := poster(t, nil).Webhook(t.Context(), w); r.Outcome != Never || r.Why == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	body := []byte(strings.Repeat("x", 2000))
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	for name, k := range map[string]Key{"v1": key(b, exampleSecret), "v1a": {private: private}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := Sign("d_1", exampleSeconds, body, k); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	h := headers(exampleID, strconv.Itoa(exampleSeconds), exampleSignature)
	k := key(b, exampleSecret)
	for b.Loop() {
		if _, err := Verify(h, []byte(exampleBody), exampleSeconds, k); err != nil {
			b.Fatal(err)
		}
	}
}
