package replay_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/replay"
)

// TestFigureReplayRate prints how many inputs a replay decides in a second of one core's time: leads with ten
// activities each under the sample agreement, in order of time, with the timers between them.
func TestFigureReplayRate(t *testing.T) {
	if os.Getenv("BATON_FIGURES") == "" {
		t.Skip("figures are measured by: make bench")
	}
	const leads, each = 100_000, 10
	source, _ := agreement.Template("waterfall")
	plan, findings := agreement.Compile("waterfall.yaml", source, nil)
	if findings.HasErrors() {
		t.Fatal(findings.Err())
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var rates []float64
	for range 3 {
		rates = append(rates, replayRate(plan, leads, each))
	}
	slices.Sort(rates)
	fmt.Printf("FIGURE replay_rate %.0f >=400000\n", rates[1])
}

func replayRate(plan *agreement.Plan, leads, each int) float64 {
	names := []string{"page_viewed", "page_viewed", "email_clicked", "page_viewed", "content_downloaded", "page_viewed", "page_viewed", "email_clicked", "page_viewed", "pricing_viewed"}
	w := replay.NewWorld(plan, 1)
	inputs := 0
	w.Observe = func(*lifecycle.Input, *lifecycle.Decision, *lifecycle.View) { inputs++ }
	const start, minute = int64(1_770_000_000_000_000), int64(60_000_000)
	seniority := []string{"staff", "manager", "director"}
	for i := range leads {
		at := start + int64(i)*1_000_000
		w.Decide(&lifecycle.Input{ID: int64(i + 1), Kind: lifecycle.Identify, Lead: int64(i + 1), At: at, Known: at, Values: []lifecycle.Named{
			{Name: "country", Value: agreement.TextValue("SE")}, {Name: "seniority", Value: agreement.TextValue(seniority[i%3])}}})
	}
	runtime.GC()
	inputs = 0
	began := processorTime()
	var in lifecycle.Input
	for round := range each {
		for i := range leads {
			at := start + int64(round+1)*2*24*60*minute + int64(i)*1_000_000
			w.Until(at)
			in = lifecycle.Input{ID: int64(leads*(round+1) + i), Kind: lifecycle.Did, Lead: int64(i + 1), At: at, Known: at, Name: names[(round+i)%len(names)]}
			w.Decide(&in)
		}
	}
	return float64(inputs) / (processorTime() - began).Seconds()
}

// processorTime is what the process has used of processors, the collector's share included.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
