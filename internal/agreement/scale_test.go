package agreement

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// huge is an agreement with n scoring rules, every fourth a fit rule.
func huge(n int) []byte {
	source, _ := Template("classic")
	var fit, engagement strings.Builder
	for i := range n {
		if i%4 == 0 {
			fmt.Fprintf(&fit, "    f%d: {points: 1, when: company.employees >= %d and country == \"SE\"}\n", i, i)
		} else {
			fmt.Fprintf(&engagement, "    e%d: {points: 1, activity: page_viewed}\n", i)
		}
	}
	s := strings.Replace(string(source), "  fit:\n", "  fit:\n"+fit.String(), 1)
	return []byte(strings.Replace(s, "  engagement:\n", "  engagement:\n"+engagement.String(), 1))
}

// Five thousand rules compile in time and memory that follow their number.
func TestCompileAHugeAgreement(t *testing.T) {
	measure := func(n int) (time.Duration, uint64) {
		source := huge(n)
		best, least := time.Hour, uint64(1<<60)
		for range 3 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			plan, found := Compile("huge.yaml", source, nil)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if plan == nil || len(plan.Fit)+len(plan.Engagement) < n {
				t.Fatal(found.Text(nil, false))
			}
			best, least = min(best, took), min(least, after.TotalAlloc-before.TotalAlloc)
		}
		return best, least
	}
	small, smallMemory := measure(1250)
	large, largeMemory := measure(5000)
	t.Logf("1250 rules: %s, %d KiB; 5000 rules: %s, %d KiB", small, smallMemory>>10, large, largeMemory>>10)
	if large > 3*time.Second || large > 10*small {
		t.Errorf("5000 rules took %s, 1250 took %s", large, small)
	}
	if largeMemory > 400<<20 || largeMemory > 6*smallMemory {
		t.Errorf("5000 rules took %d bytes, 1250 took %d", largeMemory, smallMemory)
	}
}

func BenchmarkCompileWaterfall(b *testing.B) {
	source, _ := Template("waterfall")
	b.ReportAllocs()
	for b.Loop() {
		if plan, _ := Compile("waterfall.yaml", source, nil); plan == nil {
			b.Fatal("no plan")
		}
	}
}

func BenchmarkFormatWaterfall(b *testing.B) {
	source, _ := Template("waterfall")
	b.ReportAllocs()
	for b.Loop() {
		if _, found := Format("waterfall.yaml", source); len(found) > 0 {
			b.Fatal(found)
		}
	}
}
