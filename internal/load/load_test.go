package load

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A quantile is never shorter than the true one, and at most 1/64 longer.
func TestHistogramQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Int64Range(0, 1_000_000_000), 1, 500).Draw(t, "µs")
		q := rapid.SampledFrom([]float64{0.5, 0.9, 0.99, 0.999, 1}).Draw(t, "q")
		var one, two, h Histogram
		for i, v := range list {
			[]*Histogram{&one, &two}[i%2].Add(time.Duration(v) * time.Microsecond)
		}
		h.Merge(&one)
		h.Merge(&two)
		slices.Sort(list)
		rank := max(1, int(q*float64(len(list))))
		if float64(rank) < q*float64(len(list)) {
			rank++
		}
		want, have := list[rank-1], h.Quantile(q).Microseconds()
		if have < want || float64(have) > float64(want)*(1+1.0/64) {
			t.Fatalf("quantile %v of %v: %d, want %d", q, list, have, want)
		}
		if h.Count() != int64(len(list)) || h.Max().Microseconds() != list[len(list)-1] {
			t.Fatalf("%d durations, the longest %v", h.Count(), h.Max())
		}
	})
}

func TestHistogramHoldsVeryLong(t *testing.T) {
	var h Histogram
	h.Add(100 * time.Hour)
	if h.Quantile(0.5) != 100*time.Hour {
		t.Error(h.Quantile(0.5))
	}
}

// What is drawn is what the comment of Mix says, and each batch is what the API reads.
func TestMixIsWhatItSays(t *testing.T) {
	m := NewMix(1, "t", 0, 10_000, 64)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ids, kinds, bytes := map[string]int{}, map[string]int{}, 0
	robots, campaigns := 0, 0
	const batches, each = 200, 100
	for range batches {
		body := m.Batch(each, now)
		bytes += len(body)
		var batch struct {
			SentAt string
			Batch  []struct {
				Type, MessageID, UserID, AnonymousID, Timestamp string
				Context                                         struct {
					UserAgent string
					Campaign  *struct{ Name string }
				}
			}
		}
		if err := json.Unmarshal(body, &batch); err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		if len(batch.Batch) != each || batch.SentAt != "2026-11-23T12:00:00.000Z" {
			t.Fatalf("%d events sent at %s", len(batch.Batch), batch.SentAt)
		}
		for _, e := range batch.Batch {
			ids[e.MessageID]++
			kinds[e.Type]++
			if e.UserID == "" && e.AnonymousID == "" || e.Timestamp != batch.SentAt || len(e.MessageID) > 100 {
				t.Fatalf("%+v", e)
			}
			if e.Context.UserAgent == crawler {
				robots++
			}
			if e.Context.Campaign != nil {
				campaigns++
			}
		}
	}
	const n = batches * each
	near := func(what string, have, least, most int) {
		t.Helper()
		if have < n*least/1000 || have > n*most/1000 {
			t.Errorf("%s: %d of %d", what, have, n)
		}
	}
	near("pages", kinds["page"], 700, 860)
	near("tracks", kinds["track"], 80, 220)
	near("identifies", kinds["identify"], 35, 90)
	near("groups", kinds["group"], 4, 15)
	near("robots", robots, 12, 45)
	near("campaigns", campaigns, 3, 25)
	near("new leads", m.made, 25, 70)
	near("sent again", n-len(ids), 6, 14)
	if each := bytes / n; each < 600 || each > 1100 {
		t.Errorf("%d bytes an event", each)
	}
}

// The same seed sends the same; another run, other messages.
func TestMixIsSeeded(t *testing.T) {
	now := time.Unix(1, 0)
	a, b, c := NewMix(1, "r", 2, 1000, 8), NewMix(1, "r", 2, 1000, 8), NewMix(1, "s", 2, 1000, 8)
	for range 50 {
		one, two, three := string(a.Batch(20, now)), string(b.Batch(20, now)), string(c.Batch(20, now))
		if one != two || one == three {
			t.Fatalf("%s\n%s\n%s", one, two, three)
		}
	}
}

func TestPeopleAreApart(t *testing.T) {
	seen := map[string]bool{}
	for _, prefix := range []string{"", "r1x", "r2x"} {
		for i := range 2000 {
			p := PersonAt(prefix, i)
			for _, id := range []string{p.User, p.Browser, p.Email} {
				if seen[id] {
					t.Fatalf("%s comes twice", id)
				}
				seen[id] = true
			}
		}
	}
}

// server counts what it is sent.
type server struct {
	lock  sync.Mutex
	paths map[string]int
	seen  map[string]int // bodies
	busy  int            // requests to refuse first
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.lock.Lock()
	defer s.lock.Unlock()
	key, _, _ := r.BasicAuth()
	if key != "k" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.seen[string(body)]++
	if s.busy > 0 {
		s.busy--
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	s.paths[r.URL.Path]++
}

func TestRunCountsWhatWasAcknowledged(t *testing.T) {
	s := &server{paths: map[string]int{}, seen: map[string]int{}, busy: 5}
	web := httptest.NewServer(s)
	defer web.Close()
	r, err := Run(t.Context(), Options{Targets: []string{web.URL, web.URL + "/"}, Key: "k", Batch: 10, Connections: 3, Time: 200 * time.Millisecond, Leads: 100})
	if err != nil {
		t.Fatal(err)
	}
	// one under way for each connection may be acknowledged too late to count
	if n := int64(s.paths["/v1/batch"]); r.Requests == 0 || r.Requests > n || r.Requests < n-3 || r.Events != 10*r.Requests || r.Latency.Count() != r.Requests {
		t.Errorf("%+v of %d requests", r, n)
	}
	if r.Refused != 5 {
		t.Errorf("%d refused", r.Refused)
	}
	refused := 0
	for _, n := range s.seen {
		refused += n - 1
	}
	if refused != 5 {
		t.Errorf("%d requests were sent again, want the 5 that were refused", refused)
	}
	if _, err := Run(t.Context(), Options{Targets: []string{web.URL}, Key: "other", Batch: 1, Connections: 1, Time: time.Second}); err == nil || err.Error() != "sending: POST /v1/page was answered with 401 Unauthorized" {
		t.Errorf("with a key that is not known: %v", err)
	}
}

func TestRunSendsSingleCallsAndForms(t *testing.T) {
	s := &server{paths: map[string]int{}, seen: map[string]int{}}
	web := httptest.NewServer(s)
	defer web.Close()
	if _, err := Run(t.Context(), Options{Targets: []string{web.URL}, Key: "k", Batch: 1, Connections: 4, Time: 700 * time.Millisecond, Leads: 100}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/page", "/v1/track", "/v1/identify", "/v1/group", "/f/contact"} {
		if s.paths[path] == 0 {
			t.Errorf("nothing was sent to %s: %v", path, s.paths)
		}
	}
}

// A server that stands still for a while holds up all that should have been sent meanwhile: at a fixed rate
// each of them counts, from when it should have been sent. Sent one after the other, only one would.
func TestFixedRateHidesNoStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		still := began.Add(time.Second)
		post := func(context.Context, string, string, []byte) (int, time.Duration, error) {
			time.Sleep(time.Millisecond)
			if now := time.Now(); now.After(still) {
				time.Sleep(time.Second)
				still = began.Add(time.Hour)
			}
			return http.StatusOK, 0, nil
		}
		o := Options{Batch: 1, Connections: 1, Time: 4 * time.Second, Rate: 100}
		r, err := run(t.Context(), o, []poster{post})
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests != 400 || r.Unsent != 0 {
			t.Errorf("%d sent, %d not", r.Requests, r.Unsent)
		}
		if half, most := r.Latency.Quantile(0.5), r.Latency.Quantile(0.8); half > 2*time.Millisecond || most < 200*time.Millisecond {
			t.Errorf("for a quarter of the time the server stood still; half took %v, four fifths %v", half, most)
		}
		if r.Latency.Max() < time.Second {
			t.Errorf("the longest is %v", r.Latency.Max())
		}
	})
}

func TestFixedRateCountsWhatWasNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(context.Context, string, string, []byte) (int, time.Duration, error) {
			time.Sleep(100 * time.Millisecond)
			return http.StatusOK, 0, nil
		}
		r, err := run(t.Context(), Options{Batch: 2, Connections: 1, Rate: 2000, Time: 400 * time.Millisecond}, []poster{slow})
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests != 4 || r.Unsent != 396 || r.Latency.Count() != 400 || r.Latency.Max() < 390*time.Millisecond {
			t.Errorf("%d sent, %d not, %d counted, the longest %v", r.Requests, r.Unsent, r.Latency.Count(), r.Latency.Max())
		}
	})
}

func BenchmarkMix(b *testing.B) {
	m := NewMix(1, "b", 0, 1_000_000, visitsEach)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(m.Batch(100, now))))
	}
}

func BenchmarkHistogram(b *testing.B) {
	var h Histogram
	r := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		h.Add(time.Duration(r.Int64N(int64(time.Second))))
	}
}
