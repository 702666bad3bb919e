//go:build unix

package engine

import (
	"syscall"
	"testing"

	"baton/internal/agreement"
)

// BenchmarkHistory measures whole inputs: found, decided, and stored with all that follows from
// them, timers included.
func BenchmarkHistory(b *testing.B) {
	source, _ := agreement.Template("waterfall")
	list := people(1, 40_000, 4_000)
	var all taken
	for b.Loop() {
		one, _ := takeIn(b, string(source), list)
		all.add(one)
	}
	all.report(b)
}

// BenchmarkAppend is what the disk and the driver allow: the same input rows, with the same
// settings, index and transactions, and nothing else.
func BenchmarkAppend(b *testing.B) {
	source, _ := agreement.Template("waterfall")
	_, path := takeIn(b, string(source), people(1, 40_000, 4_000))
	inputs, prev := storedInputs(b, path)
	var all taken
	for b.Loop() {
		all.add(putIn(b, inputs, prev))
	}
	all.report(b)
}

func (c *taken) add(one taken) {
	c.inputs, c.wall, c.cpu = c.inputs+one.inputs, c.wall+one.wall, c.cpu+one.cpu
}

func (c *taken) report(b *testing.B) {
	b.ReportMetric(c.each(), "cpu-µs/input")
	b.ReportMetric(float64(c.inputs)/c.wall.Seconds(), "inputs/s")
}

// cpu returns the processor time of this process so far, in microseconds: it depends less than the wall
// clock on what else the machine does.
func cpu() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return int64(u.Utime.Sec+u.Stime.Sec)*1e6 + int64(u.Utime.Usec+u.Stime.Usec)
}
