package agreement

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
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

// Five thousand rules compile in memory that follows their number; so does the time, of which BenchmarkCompileHuge tells.
func TestCompileAHugeAgreement(t *testing.T) {
	measure := func(n int) uint64 {
		source := huge(n)
		least := uint64(1 << 60)
		for range 3 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			plan, found := Compile("huge.yaml", source, nil)
			runtime.ReadMemStats(&after)
			if plan == nil || len(plan.Fit)+len(plan.Engagement) < n {
				t.Fatal(found.Text(nil, false))
			}
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		return least
	}
	small, large := measure(1250), measure(5000)
	if large > 400<<20 || large > 6*small {
		t.Errorf("5000 rules took %d bytes, 1250 took %d", large, small)
	}
}

func BenchmarkCompileHuge(b *testing.B) {
	for _, n := range []int{1250, 5000} {
		source := huge(n)
		b.Run(fmt.Sprintf("%d rules", n), func(b *testing.B) {
			for b.Loop() {
				Compile("huge.yaml", source, nil)
			}
		})
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
