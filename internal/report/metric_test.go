package report

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestWilson(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		low, high   float64
	}{
		// R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in
		// Medicine 17, 1998, table I, method 3
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{0, 0, 0, 1},
		{5, 5, 0.5655, 1},
	} {
		low, high := wilson(c.part, c.whole)
		if math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", c.part, c.whole, low, high, c.low, c.high)
		}
	}
}

// The ends of a score interval are the shares that the score test just does not reject: their
// distance from what was seen is z of their own standard errors.
func TestWilsonEndsAreJustNotRejected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1_000_000).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		low, high := wilson(k, n)
		p := float64(k) / float64(n)
		if low < 0 || high > 1 || low > p || high < p {
			t.Fatalf("%d of %d: %v to %v does not hold %v", k, n, low, high, p)
		}
		for _, end := range []float64{low, high} {
			if end == 0 || end == 1 {
				continue
			}
			if z := math.Abs(p-end) / math.Sqrt(end*(1-end)/float64(n)); math.Abs(z-1.959964) > 1e-3 {
				t.Fatalf("%d of %d: the end %v is %v standard errors away", k, n, end, z)
			}
		}
	})
}

func TestPercentile(t *testing.T) {
	for _, c := range []struct {
		list []int32
		p    float64
		want float64
	}{
		{[]int32{7}, 0.5, 7},
		{[]int32{7}, 0.9, 7},
		{[]int32{1, 2}, 0.5, 1.5},
		{[]int32{1, 2, 3, 4}, 0.9, 3.7},
		{[]int32{10, 20, 30, 40, 50}, 0.9, 46},
		{[]int32{10, 20, 30, 40, 50}, 0, 10},
		{[]int32{10, 20, 30, 40, 50}, 1, 50},
	} {
		if got := percentile(c.list, c.p); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("percentile(%v, %v) = %v, want %v", c.list, c.p, got, c.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		won, n int64
		base   float64
		want   Verdict
	}{
		{29, 29, 0.1, TooFew},
		{30, 30, 0.1, Above},
		{0, 60, 0.1, Below},
		{0, 30, 0.1, TooClose}, // up to 11.4 %
		{10, 100, 0.1, TooClose},
		{20, 100, 0.1, Above},
	} {
		if got := verdict(c.won, c.n, c.base); got != c.want {
			t.Errorf("%d of %d against %v: %s, want %s", c.won, c.n, c.base, got, c.want)
		}
	}
	for n, want := range map[int64]bool{49: true, 50: false} {
		if thin(n, 0.1) != want || thin(n, 0.9) != want {
			t.Errorf("%d at a rate of 0.1 or 0.9: thin is not %v", n, want)
		}
	}
}

func TestFiguresInWords(t *testing.T) {
	for us, want := range map[int64]string{
		0: "0 s", 59e6: "59 s", 60e6: "1 min", 3599e6: "59 min", 3600e6: "1 h", 7560e6: "2.1 h",
		int64(47.96 * 3600e6): "48 h", 172800e6: "2 days", 293760e6: "3.4 days",
		14054688e6: "163 days", 8640000e6: "100 days", 86400e6 * 1234: "1,234 days",
	} {
		if got := span(us); got != want {
			t.Errorf("span(%d) = %q, want %q", us, got, want)
		}
	}
	for f, want := range map[float64]string{0: "0 %", 1: "100 %", 0.10525: "10.5 %", 0.0001: "< 0.1 %", 0.99999: "> 99.9 %", 0.9992: "99.9 %"} {
		if got := percent(f); got != want {
			t.Errorf("percent(%v) = %q, want %q", f, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", 100: "100"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
}
