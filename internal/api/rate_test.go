package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/engine"
)

func TestRateText(t *testing.T) {
	for _, test := range []struct {
		text string
		want Rate
		back string
	}{
		{"100/s", Rate{100, 2500}, "100/s burst 2500"},
		{"1000/s", Rate{1000, 10000}, "1000/s burst 10000"},
		{"6000/m", Rate{100, 2500}, "100/s burst 2500"},
		{"3600/h burst 7", Rate{1, 7}, "1/s burst 7"},
		{"0.5/s", Rate{0.5, 2500}, "0.5/s burst 2500"},
		{"off", Rate{}, "off"},
		{"", Rate{}, "off"},
	} {
		var r Rate
		if err := r.UnmarshalText([]byte(test.text)); err != nil || r != test.want || r.String() != test.back {
			t.Errorf("%q: %+v %q %v", test.text, r, r, err)
		}
		var again Rate
		if err := again.UnmarshalText([]byte(r.String())); err != nil || again != r {
			t.Errorf("%q does not come back: %+v %v", r, again, err)
		}
	}
	for _, text := range []string{"100", "100/d", "-1/s", "0/s", "x/s", "NaN/s", "Inf/s", "1e10/s", "1/s burst 0", "1/s burst x", "1/s/s"} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, r)
		}
	}
}

// Events count, however they are packed; what was refused costs nothing; another key is not touched.
func TestRateOfAKey(t *testing.T) {
	limited := map[string]int{}
	s := open(t, Options{Rates: Rates{Key: Rate{2, 10}, Keys: map[string]Rate{"slow": {0.1, 1}, "free": {}}},
		Limited: func(which string) { limited[which]++ }}, engine.Options{})
	batch := func(n, round int) []byte { return []byte(batchOf(n, 10, round)) }
	if a := s.post("/v1/batch", batch(8, 1)); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	for range 3 { // each is refused alike: nothing is taken
		a := s.post("/v1/batch", batch(9, 2))
		if a.Status != 429 || a.Header.Get("Retry-After") != "4" || !strings.Contains(a.Detail, "2 events a second") {
			t.Fatalf("nine with two left: %d, Retry-After %q, %s", a.Status, a.Header.Get("Retry-After"), a.Body)
		}
		if a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("the answer is %s", a.Header.Get("Content-Type"))
		}
	}
	if a := s.post("/v1/batch", batch(2, 3)); a.Status != 200 {
		t.Errorf("what is left is refused: %s", a.Body)
	}
	s.now.Add(4_000_000)
	if a := s.post("/v1/batch", batch(8, 4)); a.Status != 200 {
		t.Errorf("after the time that was named: %s", a.Body)
	}
	s.now.Add(5_000_000)
	// More than the burst is let through when the burst is full, and paid for afterwards.
	if a := s.post("/v1/batch", batch(30, 5)); a.Status != 200 {
		t.Errorf("a batch that is more than the burst: %s", a.Body)
	}
	if a := s.post("/v1/batch", batch(1, 6)); a.Status != 429 || a.Header.Get("Retry-After") != "11" {
		t.Errorf("after it: %d, Retry-After %q", a.Status, a.Header.Get("Retry-After"))
	}
	form := []byte("email=a@b.example")
	if a := s.post("/f/contact?key="+s.key, form, "Content-Type", "application/x-www-form-urlencoded"); a.Status != 429 {
		t.Errorf("a form of the same key: %d", a.Status)
	}
	s.key = s.newKey("slow")
	for i, want := range []int{200, 429} {
		if a := s.post("/v1/batch", batch(1, 7+i)); a.Status != want {
			t.Errorf("request %d of the slow key: %d", i, a.Status)
		}
	}
	s.key = s.newKey("slow") // the same sender
	if a := s.post("/v1/batch", batch(1, 9)); a.Status != 429 {
		t.Errorf("another key of the slow one's name: %d", a.Status)
	}
	s.key = s.newKey("free")
	for i := range 3 {
		if a := s.post("/v1/batch", batch(100, 10+i)); a.Status != 200 {
			t.Errorf("a key with no limit: %s", a.Body)
		}
	}
	if want := map[string]int{"rate": 7}; !cmp.Equal(limited, want) {
		t.Errorf("told of %v, want %v", limited, want)
	}
}

// Who guesses keys is slowed down; a key that is known is let in from the same address meanwhile.
func TestTries(t *testing.T) {
	limited := 0
	s := open(t, Options{Rates: Rates{Tries: Rate{1, 5}}, Limited: func(string) { limited++ }}, engine.Options{})
	other := s.newKey("other")
	event := func(key string) answer {
		return s.post("/v1/track", []byte(`{"type":"track","userId":"u1","event":"Page Viewed"}`), "Authorization", basic(key))
	}
	if a := event(s.key); a.Status != 200 {
		t.Fatal(a.Body)
	}
	for i := range 8 {
		a := event(fmt.Sprint("baton_track_guess", i))
		if want := map[bool]int{true: 401, false: 429}[i < 5]; a.Status != want {
			t.Fatalf("guess %d: %d %s", i, a.Status, a.Body)
		}
		if a.Status == 429 && a.Header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
		}
	}
	if a := event(s.key); a.Status != 200 {
		t.Errorf("a key that was let in before: %s", a.Body)
	}
	if a := event(other); a.Status != 429 {
		t.Errorf("a key that was not seen before could be a guess: %d", a.Status)
	}
	if a := s.post("/f/contact", []byte("email=a@b.example&_key=guess"), "Content-Type", "application/x-www-form-urlencoded"); a.Status != 429 {
		t.Errorf("a guess with a form: %d", a.Status)
	}
	if a := s.do(must(http.NewRequest("GET", s.web.URL+"/v1/projects/guess/settings", nil))); a.Status != 429 {
		t.Errorf("a guess with the settings: %d", a.Status)
	}
	s.now.Add(1_000_000)
	if a := event(other); a.Status != 200 {
		t.Errorf("a second later: %s", a.Body)
	}
	if limited != 6 {
		t.Errorf("told of %d", limited)
	}
}

func basic(key string) string {
	r := must(http.NewRequest("GET", "http://x", nil))
	r.SetBasicAuth(key, "")
	return r.Header.Get("Authorization")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestClient(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, test := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.7:55", nil, "192.0.2.7/32"},
		{"192.0.2.7:55", []string{"203.0.113.1"}, "192.0.2.7/32"}, // not a proxy of ours
		{"10.1.1.1:55", []string{"203.0.113.1"}, "203.0.113.1/32"},
		{"10.1.1.1:55", []string{"198.51.100.9, 203.0.113.1"}, "203.0.113.1/32"}, // the first is what the client says
		{"10.1.1.1:55", []string{"203.0.113.1, 10.2.2.2"}, "203.0.113.1/32"},
		{"10.1.1.1:55", []string{"203.0.113.1", "10.2.2.2"}, "203.0.113.1/32"},
		{"10.1.1.1:55", []string{"unknown, 10.2.2.2"}, "10.2.2.2/32"},
		{"10.1.1.1:55", nil, "10.1.1.1/32"},
		{"[2001:db8:1:2:3:4:5:6]:55", nil, "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.7]:55", nil, "192.0.2.7/32"},
		{"[fd00::1]:55", []string{"2001:db8::1"}, "2001:db8::/64"},
		{"[fe80::1%eth0]:55", nil, "fe80::/64"},
		{"pipe", nil, "invalid Prefix"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.remote
		for _, f := range test.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := newLimiter(Rates{Proxies: proxies}, nil).client(r).String(); got != test.want {
			t.Errorf("%s %q: %s, want %s", test.remote, test.forwarded, got, test.want)
		}
	}
}

// The table of limits stays small, and who does not fit is limited too.
func TestLimitsAreBounded(t *testing.T) {
	l := limits[int]{most: 100}
	r, now := Rate{1, 2}, time.Unix(1e9, 0)
	for i := range 100 {
		l.take(i, r, 2, now)
	}
	for i := range 1000 {
		if wait := l.take(1000+i, r, 2, now); (wait == 0) != (i == 0) {
			t.Fatalf("newcomer %d waits %d", i, wait)
		}
	}
	if len(l.known) != 100 {
		t.Errorf("%d limits are kept", len(l.known))
	}
	if wait := l.take(5, r, 1, now); wait != 1 {
		t.Errorf("the table was emptied for newcomers: %d", wait)
	}
	now = now.Add(time.Minute)
	if wait := l.take(5000, r, 2, now); wait != 0 || len(l.known) != 1 {
		t.Errorf("a minute later: waits %d, %d kept", wait, len(l.known))
	}
}
