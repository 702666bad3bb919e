//go:build unix

package load

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/app"
)

// BenchmarkServe is what an input costs a server from the body of a request on: batches of 100 of a Mix, read, decided and on
// disk, from many senders at a time, with ten thousand leads that are all in memory. It leaves out what the network costs.
func BenchmarkServe(b *testing.B) {
	const senders, batch = 16, 100
	db := filepath.Join(b.TempDir(), "serve.db")
	key, err := Prepare(b.Context(), Sample{DB: db, Leads: fewLeads, Cache: "../../.cache"})
	if err != nil {
		b.Fatal(err)
	}
	a, err := app.Open(b.Context(), app.Options{DB: db})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	plan := func() *agreement.Plan { plan, _ := a.Engine.Agreement(); return plan }
	handler := api.New(api.Options{Engine: a.Engine, Store: a.Store, Plan: plan, Clock: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	var lists [senders][][]byte
	post := func(body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/v1/batch", bytes.NewReader(body))
		r.SetBasicAuth(key, "")
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Error(w.Code, w.Body)
		}
	}
	all := func() {
		var wait sync.WaitGroup
		for _, list := range lists {
			wait.Go(func() {
				for _, body := range list {
					post(body)
				}
			})
		}
		wait.Wait()
	}
	var mixes [senders]*Mix
	for i := range mixes {
		mixes[i] = NewMix(1, key, i, fewLeads, 32)
	}
	draw := func(n int) {
		clear(lists[:])
		for i := range n {
			at := i % senders
			lists[at] = append(lists[at], bytes.Clone(mixes[at].Batch(batch, time.Now())))
		}
	}
	draw(20 * senders)
	all() // and the leads are in memory
	n := 0
	var spent int64
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		draw(4 * senders)
		n += 4 * senders * batch
		before := used()
		b.StartTimer()
		all()
		b.StopTimer()
		spent += used() - before
		b.StartTimer()
	}
	b.ReportMetric(float64(spent)/float64(n), "cpu-µs/input")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "inputs/s")
}

// used returns the processor time of this process so far, in microseconds.
func used() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return int64(u.Utime.Sec+u.Stime.Sec)*1e6 + int64(u.Utime.Usec+u.Stime.Usec)
}
