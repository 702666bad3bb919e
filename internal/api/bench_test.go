//go:build unix

package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"baton/internal/engine"
)

// batchOf is a batch as a browser library sends it, about some of so many people.
func batchOf(n, people, round int) string {
	var b strings.Builder
	b.WriteString(`{"batch":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		who := (round*n + i*7919) % people
		id := fmt.Sprintf("ajs-next-%013d-%08x-%04x", 1795320492540+round, round*n+i, i)
		if i%10 == 0 {
			fmt.Fprintf(&b, `{"timestamp":"2026-11-23T11:59:59.123Z","integrations":{},"type":"identify","userId":"u%[1]d","anonymousId":"b%[1]d","traits":{"email":"person%[1]d@company%[2]d.example","title":"VP Engineering","company":{"name":"Company %[2]d","employee_count":420}},"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"messageId":"%[3]s"}`, who, who%1000, id)
			continue
		}
		fmt.Fprintf(&b, `{"timestamp":"2026-11-23T11:59:59.123Z","integrations":{},"type":"track","event":"Page Viewed","userId":"u%d","properties":{"path":"/pricing","title":"Pricing","seconds":12},"context":{"page":{"path":"/pricing","url":"https://www.northwind.example/pricing","title":"Pricing","referrer":"https://www.google.com/"},"userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36","locale":"sv-SE","library":{"name":"analytics.js","version":"next-1.70.0"}},"messageId":"%s"}`, who, id)
	}
	b.WriteString(`],"sentAt":"2026-11-23T12:00:00.000Z"}`)
	return b.String()
}

// BenchmarkParse is the way from the body to arrivals, without engine and disk.
func BenchmarkParse(b *testing.B) {
	plan, _ := waterfall(b)
	text := []byte(batchOf(100, 10_000, 1))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	seen := &agents{}
	before := cpu()
	for b.Loop() {
		c, err := parseCall(text, "")
		if err != nil {
			b.Fatal(err)
		}
		m := mapper{plan: plan, source: "api:x", known: noon.UnixMicro(), agents: seen}
		m.room(c.events)
		for i := range c.events {
			c.events[i].context.userAgent += strconv.Itoa(i % 40) // many browsers at a time
			at, err := c.events[i].occurred(c.sentAt, m.known)
			if err != nil {
				b.Fatal(err)
			}
			m.add(&c.events[i], at)
		}
		c.release()
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/100, "cpu-µs/event")
}

// BenchmarkBatch is a whole request of 100 events: decided, and on disk.
func BenchmarkBatch(b *testing.B) {
	s := open(b, Options{}, engine.Options{})
	round := 0
	for b.Loop() {
		b.StopTimer()
		round++
		req := httptest.NewRequest(http.MethodPost, "/v1/batch", strings.NewReader(batchOf(100, 10_000, round)))
		req.SetBasicAuth(s.key, "")
		w := httptest.NewRecorder()
		b.StartTimer()
		s.api.ServeHTTP(w, req)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "events/s")
}

// cpu returns the processor time of this process so far, in microseconds: unlike the wall clock it does
// not depend on what else the machine does.
func cpu() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return int64(u.Utime.Sec+u.Stime.Sec)*1e6 + int64(u.Utime.Usec+u.Stime.Usec)
}

// BenchmarkLoad is many senders of batches over HTTP.
func BenchmarkLoad(b *testing.B) {
	s := open(b, Options{}, engine.Options{})
	var round atomic.Int64
	before := cpu()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if a := s.post("/v1/batch", []byte(batchOf(100, 10_000, int(round.Add(1))))); a.Status != 200 {
				b.Fatal(a.Body)
			}
		}
	})
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/100, "cpu-µs/event")
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "events/s")
}
