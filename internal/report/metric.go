package report

import (
	"math"
	"slices"
)

// fewLeads is the size below which a share is not shown as a finding: "too few". At 30 leads
// and a true rate of one half the 95 % interval is still 34 points wide.
const fewLeads = 30

// fewExpected is the number of wins, or of leads not won, that a group should have at the
// base rate for a comparison with it to be taken at face value (the rule of five: W. G.
// Cochran, The χ² Test of Goodness of Fit, Annals of Mathematical Statistics 23, 1952).
const fewExpected = 5

// z95 is the 97.5th percentile of the standard normal distribution.
const z95 = 1.959963984540054

// share is part of whole, 0 where there is no whole.
func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// wilson returns the 95 % score interval of a share (E. B. Wilson, Probable Inference, the
// Law of Succession, and Statistical Inference, JASA 22, 1927), without continuity
// correction:
//
//	centre = (p + z²/2n) / (1 + z²/n)
//	half   = z/(1 + z²/n) · √(p(1−p)/n + z²/4n²)
//
// It stays within 0 and 1 and is sound for small n and for shares near the ends. Of nothing
// it returns 0 and 1: anything is possible.
func wilson(part, whole int64) (low, high float64) {
	if whole <= 0 {
		return 0, 1
	}
	n, p := float64(whole), float64(part)/float64(whole)
	z2 := z95 * z95
	centre := (p + z2/(2*n)) / (1 + z2/n)
	half := z95 / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	low, high = max(0, centre-half), min(1, centre+half)
	if part == 0 { // where rounding would leave a speck
		low = 0
	}
	if part == whole {
		high = 1
	}
	return low, high
}

// percentile returns the p-quantile of durations, by linear interpolation between the two
// nearest of the sorted values (type 7 of R. J. Hyndman and Y. Fan, Sample Quantiles in
// Statistical Packages, The American Statistician 50, 1996; what spreadsheets call
// PERCENTILE.INC). The median of an even number is thus the mean of the two in the middle.
// list must be sorted and not empty.
func percentile[T int32 | int64](list []T, p float64) float64 {
	at := p * float64(len(list)-1)
	i := int(at)
	if i+1 >= len(list) {
		return float64(list[len(list)-1])
	}
	return float64(list[i]) + (at-float64(i))*(float64(list[i+1])-float64(list[i]))
}

// spread is the median and the 90th percentile of durations given in seconds.
type spread struct {
	n           int64
	median, p90 int64 // microseconds
}

// spreadOf sorts list in place.
func spreadOf(list []int32) spread {
	if len(list) == 0 {
		return spread{}
	}
	slices.Sort(list)
	return spread{int64(len(list)), int64(percentile(list, 0.5) * 1e6), int64(percentile(list, 0.9) * 1e6)}
}

// seconds is the duration between two instants in whole seconds, rounded, as reports keep
// them: a million in four megabytes. Durations longer than 68 years count as 68 years.
func seconds(from, to int64) int32 {
	s := (to - from + 500_000) / 1_000_000
	return int32(min(max(s, 0), math.MaxInt32))
}

// Verdict says how a group's rate compares with the base rate.
type Verdict string

// The verdicts.
const (
	Above    Verdict = "above"             // the whole interval lies above the base rate
	Below    Verdict = "below"             // the whole interval lies below it
	TooClose Verdict = "too close to tell" // the interval touches it
	TooFew   Verdict = "too few"           // fewer than 30 leads
	Maturing Verdict = "still maturing"    // its leads have not had the time that most wins take
)

// verdict compares won of n with the base rate, by the Wilson interval of the group.
func verdict(won, n int64, base float64) Verdict {
	if n < fewLeads {
		return TooFew
	}
	low, high := wilson(won, n)
	switch {
	case low > base:
		return Above
	case high < base:
		return Below
	}
	return TooClose
}

// thin reports whether a group of n has fewer than five wins, or fewer than five leads not
// won, to expect at the base rate.
func thin(n int64, base float64) bool {
	const speck = 1e-9 // 50 times a tenth is five, whatever its last bit says
	return float64(n)*base < fewExpected-speck || float64(n)*(1-base) < fewExpected-speck
}

// maturity is how long a cohort needs until nine wins in ten have come: the 90th percentile
// of the days to win among the leads at hand, in microseconds; 0 (not known) with fewer
// than 30 wins. A cohort is still maturing until that long after its last arrival. Young
// leads that will win slowly are not in it yet, so it errs on the short side.
func maturity(toWin []int32) int64 {
	if len(toWin) < fewLeads {
		return 0
	}
	return spreadOf(toWin).p90
}

// Difference compares two shares: the difference of their rates and its 95 % interval (R. G. Newcombe, Interval Estimation for
// the Difference Between Independent Proportions, Statistics in Medicine 17, 1998, method 10: Wilson's intervals put
// together). few says that one of the two is of under 30, and that nothing is to be said.
func Difference(partA, wholeA, partB, wholeB int64) (difference, low, high float64, few bool) {
	if wholeA < fewLeads || wholeB < fewLeads {
		return 0, 0, 0, true
	}
	a, b := share(partA, wholeA), share(partB, wholeB)
	lowA, highA := wilson(partA, wholeA)
	lowB, highB := wilson(partB, wholeB)
	return a - b, a - b - math.Hypot(a-lowA, highB-b), a - b + math.Hypot(highA-a, b-lowB), false
}
