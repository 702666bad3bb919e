//go:build unix

package engine

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// BenchmarkHistory measures whole inputs: found, decided, and stored with all that follows from
// them, timers included.
func BenchmarkHistory(b *testing.B) {
	list := arrivals(1, 20_000, 2_000)
	var inputs int64
	var spent int64
	for b.Loop() {
		b.StopTimer()
		h := open(b, "", Options{})
		h.activate(b, northwind, start-day)
		before := cpu()
		b.StartTimer()
		err := h.History(context.Background(), from(list), HistoryOptions{Progress: func(p Progress) { inputs = p.Inputs }})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		spent += cpu() - before
		h.shut(b)
		b.StartTimer()
	}
	b.ReportMetric(float64(spent)/float64(inputs)/float64(b.N), "cpu-µs/input")
	b.ReportMetric(float64(inputs)*float64(b.N)/b.Elapsed().Seconds(), "inputs/s")
}

// BenchmarkAppend is what the disk and the driver allow: the same input rows, with the same
// settings, index and transactions, and nothing else.
func BenchmarkAppend(b *testing.B) {
	ctx := context.Background()
	h := open(b, "", Options{})
	h.activate(b, northwind, start-day)
	if err := h.History(ctx, from(arrivals(1, 20_000, 2_000)), HistoryOptions{}); err != nil {
		b.Fatal(err)
	}
	var inputs []lifecycle.Input
	if err := h.st.EachInput(ctx, 0, func(in lifecycle.Input, _ []byte) error { inputs = append(inputs, in); return nil }); err != nil {
		b.Fatal(err)
	}
	h.shut(b)
	var spent int64
	for b.Loop() {
		b.StopTimer()
		st, err := store.Open(ctx, filepath.Join(b.TempDir(), "append.db"))
		if err != nil {
			b.Fatal(err)
		}
		before := cpu()
		b.StartTimer()
		batch := store.NewBatch()
		for i := range inputs {
			in := &inputs[i]
			batch.Input(in, 0, store.Dedupe(in.Source, in.Key))
			if batch.Inputs() == 5000 || i == len(inputs)-1 {
				batch.Seal(nil)
				if err := st.Commit(ctx, batch); err != nil {
					b.Fatal(err)
				}
				batch = store.NewBatch()
			}
		}
		b.StopTimer()
		spent += cpu() - before
		st.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(spent)/float64(len(inputs))/float64(b.N), "cpu-µs/input")
	b.ReportMetric(float64(len(inputs))*float64(b.N)/b.Elapsed().Seconds(), "inputs/s")
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
