package agreement

import (
	"math"
	"slices"
)

// condNext asks when a truth can change; nil is never.
func condNext(next nextFunc, f *Facts) int64 {
	if next == nil {
		return Never
	}
	return next(f)
}

func condSoonest(a, b nextFunc) nextFunc {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(f *Facts) int64 { return min(a(f), b(f)) }
}

// condChainNext says when a chain of and (or) can change. While parts are False
// (True) the chain cannot leave that truth before the last of them has, at the
// earliest. Otherwise the first change of any part may be the chain's.
func condChainNext(and bool, evals []truthFunc, nexts []nextFunc) nextFunc {
	if !slices.ContainsFunc(nexts, func(next nextFunc) bool { return next != nil }) {
		return nil
	}
	deciding := True
	if and {
		deciding = False
	}
	return func(f *Facts) int64 {
		decided, last := false, int64(math.MinInt64)
		for i, eval := range evals {
			if eval(f) != deciding {
				continue
			}
			decided = true
			if last = max(last, condNext(nexts[i], f)); last == Never {
				return Never
			}
		}
		if decided {
			return last
		}
		first := Never
		for _, next := range nexts {
			first = min(first, condNext(next, f))
		}
		return first
	}
}

// condLater returns at+d, or Never where that is beyond all time.
func condLater(at, d int64) int64 {
	sum := at + d
	if d > 0 && sum < at {
		return Never
	}
	if d < 0 && sum > at {
		return math.MinInt64
	}
	return sum
}

// condCompilePoints compares points. Spans are in Point.
func condCompilePoints(op condOp, spans []condSpan, negate bool) (truthFunc, nextFunc) {
	ints := condIntSpans(spans)
	var eval truthFunc
	if len(ints) == 1 && op == condScore {
		lo, hi := ints[0].lo, ints[0].hi
		eval = func(f *Facts) Truth {
			if !f.Scored {
				return Unknown
			}
			x := f.Fit + f.Engagement
			return condTruth((lo <= x && x <= hi) != negate)
		}
	} else {
		eval = func(f *Facts) Truth {
			if !f.Scored {
				return Unknown
			}
			x := f.Engagement
			switch op {
			case condScore:
				x += f.Fit
			case condFit:
				x = f.Fit
			}
			return condTruth(condAmongInts(ints, x) != negate)
		}
	}
	if op == condFit {
		return eval, nil
	}
	return eval, func(f *Facts) int64 {
		if !f.Scored || f.EngagementCurve == nil {
			return Never
		}
		base := int64(0)
		if op == condScore {
			base = f.Fit
		}
		first := Never
		for _, s := range ints {
			// the truth changes where the points come to lo or leave hi
			if s.lo != math.MinInt64 {
				first = min(first, f.EngagementCurve.NextCross(f.Now, condLater(s.lo, -base)))
			}
			if s.hi != math.MaxInt64 {
				first = min(first, f.EngagementCurve.NextCross(f.Now, condLater(s.hi+1, -base)))
			}
		}
		return first
	}
}

// compileGrade asks whether the grade is one of a set. The letter depends on fit
// and stays; the figure changes where engagement crosses a threshold, which
// matters where one side of it is in the set and the other is not.
func (c *condCompiler) compileGrade(n *condNode) (truthFunc, nextFunc) {
	var mask uint16
	for i, g := range grades {
		if slices.Contains(n.set, g) != n.negate {
			mask |= 1 << i
		}
	}
	known := func(f *Facts) bool {
		return f.Scored && f.Grade.Fit-'A' < 4 && f.Grade.Engagement-'1' < 4
	}
	eval := func(f *Facts) Truth {
		if !known(f) {
			return Unknown
		}
		return condTruth(mask>>((f.Grade.Fit-'A')*4+(f.Grade.Engagement-'1'))&1 != 0)
	}
	p := c.p
	return eval, func(f *Facts) int64 {
		if !known(f) || f.EngagementCurve == nil {
			return Never
		}
		figures := mask >> ((f.Grade.Fit - 'A') * 4)
		first := Never
		for i, level := range p.Grade.Engagement {
			if (figures>>i^figures>>(i+1))&1 != 0 {
				first = min(first, f.EngagementCurve.NextCross(f.Now, level))
			}
		}
		return first
	}
}

// condCompileDid asks whether an activity was done, ever or within a window.
func condCompileDid(n *condNode) (truthFunc, nextFunc) {
	slot, window := n.slot, n.window
	if window == 0 {
		return func(f *Facts) Truth {
			if !f.Scored {
				return Unknown
			}
			m := condMemory(f, slot)
			return condTruth(m != nil && m.Count > 0)
		}, nil
	}
	// until is when the last one leaves the window
	until := func(f *Facts) int64 {
		m := condMemory(f, slot)
		if m == nil || m.Count == 0 {
			return math.MinInt64
		}
		return condLater(m.Last, window)
	}
	eval := func(f *Facts) Truth {
		if !f.Scored {
			return Unknown
		}
		return condTruth(f.Now < until(f))
	}
	return eval, func(f *Facts) int64 {
		if at := until(f); f.Scored && f.Now < at {
			return at
		}
		return Never
	}
}

// condRecent returns the instants of an activity that are within the window at now.
func condRecent(f *Facts, slot int, window int64) []int64 {
	m := condMemory(f, slot)
	if m == nil {
		return nil
	}
	since := condLater(f.Now, -window)
	lo, hi := 0, len(m.Recent)
	for lo < hi {
		if mid := (lo + hi) / 2; m.Recent[mid] <= since {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return m.Recent[lo:]
}

// condCountOf counts an activity, ever (window 0) or within a window.
func condCountOf(f *Facts, slot int, window int64) int64 {
	if window > 0 {
		return int64(len(condRecent(f, slot, window)))
	}
	if m := condMemory(f, slot); m != nil {
		return m.Count
	}
	return 0
}

// condCompileCount compares the number of activities within a window. It falls
// by one, or by some at once, whenever instants leave the window.
func condCompileCount(slot int, window int64, spans []condSpan, negate bool) (truthFunc, nextFunc) {
	ints := condIntSpans(spans)
	eval := func(f *Facts) Truth {
		if !f.Scored {
			return Unknown
		}
		return condTruth(condAmongInts(ints, condCountOf(f, slot, window)) != negate)
	}
	return eval, func(f *Facts) int64 {
		if !f.Scored {
			return Never
		}
		recent := condRecent(f, slot, window)
		now := condAmongInts(ints, int64(len(recent)))
		for i, at := range recent {
			left := len(recent) - i - 1
			if left > 0 && recent[i+1] == at {
				continue // leaves at the same instant
			}
			if condAmongInts(ints, int64(left)) != now {
				return condLater(at, window)
			}
		}
		return Never
	}
}

// sinceWhen returns the instant from which since, in_stage and age count.
func (c *condCompiler) sinceWhen(n *condNode) func(*Facts) (int64, bool) {
	switch n.op {
	case condInStage:
		return func(f *Facts) (int64, bool) { return f.Entered, true }
	case condSince:
		slot := n.slot
		return func(f *Facts) (int64, bool) {
			if !f.Scored {
				return 0, false
			}
			m := condMemory(f, slot)
			if m == nil || m.Count == 0 {
				return 0, false
			}
			return m.Last, true
		}
	}
	date := c.numberOf(n.kids[0])
	return func(f *Facts) (int64, bool) { at, ok := date(f); return condInt(at), ok }
}

// condCompileElapsed compares the time since an instant. Spans are in microseconds.
func condCompileElapsed(when func(*Facts) (int64, bool), spans []condSpan, negate bool) (truthFunc, nextFunc) {
	ints := condIntSpans(spans)
	eval := func(f *Facts) Truth {
		at, ok := when(f)
		if !ok {
			return Unknown
		}
		return condTruth(condAmongInts(ints, condElapsed(at, f.Now)) != negate)
	}
	return eval, func(f *Facts) int64 {
		at, ok := when(f)
		if !ok {
			return Never
		}
		first := Never
		for _, s := range ints {
			if s.lo != math.MinInt64 {
				if x := condLater(at, s.lo); x > f.Now {
					first = min(first, x)
				}
			}
			if s.hi < math.MaxInt64 {
				if x := condLater(at, s.hi+1); x > f.Now {
					first = min(first, x)
				}
			}
		}
		return first
	}
}

// condElapsed is now-at within the bounds of int64.
func condElapsed(at, now int64) int64 {
	d := now - at
	if at < 0 && now > 0 && d < 0 {
		return math.MaxInt64
	}
	if at > 0 && now < 0 && d > 0 {
		return math.MinInt64
	}
	return d
}
