package agreement

import (
	"math"
	"math/bits"
)

// Curve is an engagement score as a function of time, from Start on:
//
//	At(t) = Flat + Σ step.Points [t < step.Until] + Σ term.Points · 2^(-(t-term.Ref)/term.HalfLife)
//
// All arithmetic is on integers, so that every processor agrees to the last
// digit. A Curve is filled afresh for each decision; Reset keeps its memory.
type Curve struct {
	Start int64
	Flat  int64 // in Point
	Terms []DecayTerm
	Steps []StepTerm
}

// DecayTerm loses half of its points in each HalfLife after Ref.
type DecayTerm struct {
	Points   int64 // at Ref, in Point; may be negative
	Ref      int64
	HalfLife int64 // microseconds, > 0
}

// StepTerm counts until Until, exclusive.
type StepTerm struct {
	Points int64
	Until  int64
}

// Reset empties the curve and lets it begin at start.
func (c *Curve) Reset(start int64) {
	c.Start, c.Flat, c.Terms, c.Steps = start, 0, c.Terms[:0], c.Steps[:0]
}

// At returns the points at t, in Point.
func (c *Curve) At(t int64) int64 {
	sum := c.Flat
	for i := range c.Steps {
		if t < c.Steps[i].Until {
			sum += c.Steps[i].Points
		}
	}
	for i := range c.Terms {
		sum += Decay(c.Terms[i].Points, t-c.Terms[i].Ref, c.Terms[i].HalfLife)
	}
	return sum
}

// NextCross returns the earliest instant after t at which At(x) >= level
// differs from At(t) >= level, or Never. It is exact to the microsecond, but for a curve
// of points that fall and points that rise: one that crosses and returns within a minute, or by
// no more than rounding, is taken not to have crossed.
func (c *Curve) NextCross(t, level int64) int64 {
	above := c.At(t) >= level
	if !above && c.onlyFalls() {
		return Never
	}
	lo := t
	for {
		// between two steps the curve is smooth
		hi := Never
		for i := range c.Steps {
			if u := c.Steps[i].Until; u > lo && u < hi {
				hi = u
			}
		}
		if x := c.cross(lo, hi, level, above); x != Never {
			return x
		}
		if hi == Never {
			return Never
		}
		if (c.At(hi) >= level) != above {
			return hi
		}
		lo = hi
	}
}

// FallsBelow reports whether at is the first instant after Start at which the curve, at level or above there, is below level:
// what NextCross found once holds as long as nothing that counts has happened since. Points that count less and less against
// the lead make it false: they bring a curve up between any two instants.
func (c *Curve) FallsBelow(level, at int64) bool {
	if at <= c.Start || c.At(at) >= level || c.At(at-1) < level {
		return false
	}
	for i := range c.Terms {
		if c.Terms[i].Points < 0 {
			return false
		}
	}
	for i := range c.Steps { // it is lowest just before it rises
		if s := &c.Steps[i]; s.Points < 0 && s.Until > c.Start && s.Until < at && c.At(s.Until-1) < level {
			return false
		}
	}
	return true
}

// onlyFalls reports whether no points count against the lead, so that none come back with time.
func (c *Curve) onlyFalls() bool {
	for i := range c.Terms {
		if c.Terms[i].Points < 0 {
			return false
		}
	}
	for i := range c.Steps {
		if c.Steps[i].Points < 0 {
			return false
		}
	}
	return true
}

// cross finds the first instant in (lo, hi) on the other side of level. No step ends in there.
func (c *Curve) cross(lo, hi, level int64, above bool) int64 {
	if len(c.Terms) == 0 {
		return Never
	}
	flat := c.Flat
	for i := range c.Steps {
		if lo < c.Steps[i].Until {
			flat += c.Steps[i].Points
		}
	}
	rises, falls, even := false, false, true
	end := lo
	for i := range c.Terms {
		term := &c.Terms[i]
		rises = rises || term.Points < 0
		falls = falls || term.Points > 0
		even = even && term.HalfLife == c.Terms[0].HalfLife && term.Ref <= lo
		// after this long the term is nothing
		gone := satAdd(max(term.Ref, lo), satMul(int64(bits.Len64(uint64(abs(term.Points)))+1), term.HalfLife))
		end = max(end, gone)
	}
	if hi != Never {
		end = min(end, hi-1)
	}
	if end <= lo {
		return Never
	}
	if above && !falls || !above && !rises {
		return Never
	}
	// terms of one half-life are, together, a multiple of one of them
	if even || !(rises && falls) {
		return c.monotone(lo, end, flat, level, above)
	}
	return c.search(lo, end, flat, level, above)
}

func (c *Curve) smooth(t, flat int64) int64 {
	for i := range c.Terms {
		flat += Decay(c.Terms[i].Points, t-c.Terms[i].Ref, c.Terms[i].HalfLife)
	}
	return flat
}

// monotone finds the crossing of a part that only falls or only rises. A guess
// by Newton's method narrows the bracket first; it decides nothing.
func (c *Curve) monotone(lo, end, flat, level int64, above bool) int64 {
	if (c.smooth(end, flat) >= level) == above {
		return Never
	}
	guess := c.guess(lo, flat, level)
	for width := int64(1 << 10); width < 1<<40; width <<= 6 {
		a, b := guess-width, guess+width
		if a > lo && a < end {
			if (c.smooth(a, flat) >= level) != above {
				end = a
				continue
			}
			lo = a
		}
		if b > lo && b < end {
			if (c.smooth(b, flat) >= level) == above {
				lo = b
				continue
			}
			end = b
		}
		break
	}
	return c.bisect(lo, end, flat, level, above)
}

// bisect returns the first instant on the other side of level, which lies in (lo, end].
func (c *Curve) bisect(lo, end, flat, level int64, above bool) int64 {
	for end-lo > 1 {
		mid := lo + (end-lo)/2
		if (c.smooth(mid, flat) >= level) == above {
			lo = mid
		} else {
			end = mid
		}
	}
	return end
}

// guess estimates where a part that only falls or only rises meets level. The part
// is convex or concave, so that Newton's steps from lo never overshoot.
func (c *Curve) guess(lo, flat, level int64) int64 {
	goal := float64(level - flat)
	if len(c.Terms) == 1 {
		term := &c.Terms[0]
		if ratio := float64(term.Points) / goal; ratio > 1 {
			return term.Ref + int64(math.Log2(ratio)*float64(term.HalfLife))
		}
	}
	x := float64(lo)
	for range 12 {
		value, slope := -goal, 0.0
		for i := range c.Terms {
			term := &c.Terms[i]
			elapsed := max(0, x-float64(term.Ref))
			part := float64(term.Points) * math.Exp2(-elapsed/float64(term.HalfLife))
			value += part
			slope -= part * math.Ln2 / float64(term.HalfLife)
		}
		if slope == 0 {
			break
		}
		step := -value / slope
		if !(math.Abs(step) < 1e17) {
			break
		}
		x += step
		if math.Abs(step) < 1e6 {
			break
		}
	}
	return int64(x)
}

// blink is how short a dip and return may be for a part that turns to be let pass.
const blink = 60_000_000

// search finds the first crossing of a part that may turn: it halves intervals
// and drops those in which even the extremes stay on one side.
func (c *Curve) search(lo, end, flat, level int64, above bool) int64 {
	if end-lo <= blink {
		if (c.smooth(end, flat) >= level) != above {
			return c.bisect(lo, end, flat, level, above)
		}
		return Never
	}
	// on [lo, end] positive terms are largest at lo, negative ones largest at end
	least, most := flat, flat
	for i := range c.Terms {
		term := &c.Terms[i]
		a := Decay(term.Points, lo-term.Ref, term.HalfLife)
		b := Decay(term.Points, end-term.Ref, term.HalfLife)
		least += min(a, b)
		most += max(a, b)
	}
	if above && least >= level || !above && most < level {
		return Never
	}
	mid := lo + (end-lo)/2
	if x := c.search(lo, mid, flat, level, above); x != Never {
		return x
	}
	if (c.smooth(mid, flat) >= level) != above {
		return mid
	}
	return c.search(mid, end, flat, level, above)
}

// Decay returns points · 2^(-elapsed/halfLife) rounded towards zero; before its
// reference (elapsed <= 0) a term counts in full. It never rises with elapsed for
// positive points. The fraction of a half-life is looked up in a table of 4096
// steps with linear interpolation; the relative error is below 4e-9.
func Decay(points, elapsed, halfLife int64) int64 {
	if elapsed <= 0 || points == 0 {
		return points
	}
	whole := elapsed / halfLife
	if whole >= 63 {
		return 0
	}
	// frac is the rest of a half-life in 1/2^64, factor is 2^-frac in 1/2^62
	frac, _ := bits.Div64(uint64(elapsed%halfLife), 0, uint64(halfLife))
	a, b := decayTable[frac>>52], decayTable[frac>>52+1]
	between, _ := bits.Mul64(a-b, frac<<12)
	factor := a - between
	negative := points < 0
	if negative {
		points = -points
	}
	hi, lo := bits.Mul64(uint64(points), factor)
	result := int64(hi<<2|lo>>62) >> uint(whole)
	if negative {
		return -result
	}
	return result
}

// decayTable[i] is 2^(-i/4096) in 1/2^62, computed with integers only: each entry is
// the square root of a product of exact powers, by repeated integer square roots.
var decayTable = func() (table [4097]uint64) {
	// roots[k] = 2^(-1/2^(k+1)) in 1/2^62
	const one = uint64(1) << 62
	var roots [12]uint64
	x := one / 2
	for k := range roots {
		x = root(x)
		roots[k] = x
	}
	for i := range table {
		value := one
		for k := range roots { // bit 11-k of i stands for 2^(-1/2^(k+1))
			if i>>(11-k)&1 == 1 {
				hi, lo := bits.Mul64(value, roots[k])
				value = hi<<2 | lo>>62
			}
		}
		if i == 4096 {
			value = one / 2
		}
		table[i] = value
	}
	return table
}()

// root returns the square root of x/2^62 in 1/2^62: floor(sqrt(x · 2^62)).
func root(x uint64) uint64 {
	hi, lo := bits.Mul64(x, 1<<62)
	var r uint64
	for bit := uint64(1) << 62; bit > 0; bit >>= 1 {
		try := r | bit
		h, l := bits.Mul64(try, try)
		if h < hi || h == hi && l <= lo {
			r = try
		}
	}
	return r
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

func satAdd(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

func satMul(a, b int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}
