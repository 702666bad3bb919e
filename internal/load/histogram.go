package load

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets that are at most 1/64 wide of what they hold (in the manner of
// HDR histograms), from a microsecond to half an hour. The zero value is empty.
type Histogram struct {
	counts [fine * 26]int64
	n      int64
	sum    int64 // microseconds
	most   int64
}

const (
	fineBits = 6
	fine     = 1 << fineBits // buckets to a doubling
)

// bucket returns where a number of microseconds is counted.
func bucket(v int64) int {
	if v < fine {
		return int(max(v, 0))
	}
	shift := bits.Len64(uint64(v)) - fineBits - 1
	return min((shift+1)<<fineBits+int(v>>shift)-fine, fine*26-1)
}

// top returns the largest number of microseconds that a bucket holds.
func top(i int) int64 {
	if i < fine {
		return int64(i)
	}
	shift := i>>fineBits - 1
	return int64(i&(fine-1)+fine+1)<<shift - 1
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	v := d.Microseconds()
	h.counts[bucket(v)]++
	h.n++
	h.sum += v
	h.most = max(h.most, v)
}

// Merge counts all that another has counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
	h.sum += o.sum
	h.most = max(h.most, o.most)
}

// Count returns how many durations there are.
func (h *Histogram) Count() int64 { return h.n }

// Mean returns the mean, 0 for none.
func (h *Histogram) Mean() time.Duration {
	return time.Duration(h.sum/max(1, h.n)) * time.Microsecond
}

// Max returns the longest, exactly.
func (h *Histogram) Max() time.Duration { return time.Duration(h.most) * time.Microsecond }

// Quantile returns a duration that the share q of all does not go beyond; at most 1/64 too long, never too short.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := int64(q * float64(h.n))
	if float64(rank) < q*float64(h.n) {
		rank++
	}
	seen := int64(0)
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			if i == len(h.counts)-1 {
				return h.Max()
			}
			return time.Duration(min(top(i), h.most)) * time.Microsecond
		}
	}
	return h.Max()
}
