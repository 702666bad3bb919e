package calendar

import (
	"math"
	"math/bits"
	"sort"
	"time"
)

// Everything here rests on one idea: how much was worked before an instant, on
// either scale, is a sum known at the start of every day. Regular weeks make it
// a multiplication, odd days carry it with them, and a deadline is the inverse.
// So the cost of an answer does not depend on how long the duration is.

// Add returns the first instant at which d has elapsed since at.
//
// Wall time is plain addition. Working time has elapsed as soon as its last
// microsecond has: with hours from 9 to 17, Friday 16:00 plus one working hour
// is Friday 17:00, not Monday 9:00.
//
// For working days, let M grow by one with every working day, in proportion to
// the working time of that day; N working days have elapsed when M is N larger.
// Friday 15:00 plus one working day is Monday 15:00; Saturday plus one working
// day is the end of Monday; a short day counts as one, like any other.
//
// A zero duration is at itself. A negative working duration counts as zero, and
// a deadline past LastYear is Never.
func (c *Calendar) Add(at int64, d Duration) int64 {
	switch {
	case d.Unit == Wall:
		return addWall(at, d.Amount)
	case d.Amount <= 0:
		return at
	case d.Unit == WorkingTime:
		return c.addTime(at, d.Amount)
	default:
		return c.addDays(at, d.Amount)
	}
}

// addWall stops at the ends of the range instead of wrapping around.
func addWall(at, amount int64) int64 {
	switch sum := at + amount; {
	case amount > 0 && sum < at:
		return math.MaxInt64
	case amount < 0 && sum > at:
		return math.MinInt64
	default:
		return sum
	}
}

func (c *Calendar) addTime(at, amount int64) int64 {
	p, elapsed := c.locate(at)
	done := p.before[inTime] + elapsed
	if amount > c.total[inTime]-done {
		return Never
	}
	target := done + amount
	if target > p.before[inTime]+p.sum[inTime] {
		p = c.place(c.dayReaching(inTime, target))
	}
	return p.instant(target - p.before[inTime])
}

func (c *Calendar) addDays(at, amount int64) int64 {
	p, elapsed := c.locate(at)
	// The part of p's day that has passed is elapsed/sum. In whole seconds of sum
	// the target's fraction of a day is num/den exactly, and fits in 64 bits.
	seconds := max(p.sum[inTime]/second, 1)
	num := elapsed*(DayAmount/second) + amount%DayAmount*seconds
	den := DayAmount * seconds
	nth := p.before[inDays] + amount/DayAmount + num/den // working days passed in full
	part := num % den
	if part == 0 {
		part = den // the end of a day, rather than the start of the next
	} else {
		nth++
	}
	if nth > c.total[inDays] {
		return Never
	}
	p = c.place(c.dayReaching(inDays, nth))
	hi, lo := bits.Mul64(uint64(part), uint64(p.sum[inTime]))
	lo, carry := bits.Add64(lo, uint64(den-1), 0) // round up: the first instant that is enough
	quotient, _ := bits.Div64(hi+carry, lo, uint64(den))
	return p.instant(int64(quotient))
}

// Between returns how much of unit elapses from one instant to the other, in
// that unit's amount, rounded down for working days. It is negative when to is
// before from, and Between(at, Add(at, d), d.Unit) is d.Amount, save that in
// working days of less than 17 minutes a microsecond is more than a nano-day.
func (c *Calendar) Between(from, to int64, unit Unit) int64 {
	if to < from {
		return -c.Between(to, from, unit)
	}
	if unit == Wall {
		return addWall(to, -max(from, -math.MaxInt64))
	}
	p, pElapsed := c.locate(from)
	q, qElapsed := c.locate(to)
	if unit == WorkingTime {
		return q.before[inTime] + qElapsed - p.before[inTime] - pElapsed
	}
	// Nano-days passed of each day, as whole numbers and what is left over them.
	pSeconds, qSeconds := max(p.sum[inTime]/second, 1), max(q.sum[inTime]/second, 1)
	pNano, qNano := pElapsed*(DayAmount/second), qElapsed*(DayAmount/second)
	amount := (q.before[inDays]-p.before[inDays])*DayAmount + qNano/qSeconds - pNano/pSeconds
	if qNano%qSeconds*pSeconds < pNano%pSeconds*qSeconds {
		amount--
	}
	return amount
}

// Back returns the latest instant from which d elapses until at, or the beginning of time if there is none: an hour of working time
// before Monday 10:00 is Monday 9:00, two hours before it are Friday 16:00.
func (c *Calendar) Back(at int64, d Duration) int64 {
	if d.Amount <= 0 {
		return at
	}
	step := int64(time.Hour / time.Microsecond)
	low := at
	for c.Between(low, at, d.Unit) < d.Amount {
		if low < c.first-step {
			return math.MinInt64
		}
		low -= step
		step *= 2
	}
	high := at
	for low+1 < high { // what elapses from low is enough, from high it is not
		if middle := low + (high-low)/2; c.Between(middle, at, d.Unit) >= d.Amount {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// Open reports whether an instant is within working time.
func (c *Calendar) Open(at int64) bool {
	if at < c.first || at >= c.end {
		return false
	}
	p := c.place(c.Day(at))
	for _, s := range p.open {
		if since := at - p.start; since < s.to {
			return since >= s.from
		}
	}
	return false
}

// NextOpening returns at itself if it is open, or else the next instant that
// is, or Never.
func (c *Calendar) NextOpening(at int64) int64 {
	if c.Open(at) {
		return at
	}
	// The first microsecond of work from here on is the one after the opening.
	next := c.addTime(at, 1)
	if next == Never {
		return Never
	}
	return next - 1
}

// place is a day and what was worked before it.
type place struct {
	start  int64 // instant
	before worked
	dayHours
}

// locate finds the day of an instant, and the working time that has passed of it.
func (c *Calendar) locate(at int64) (p place, elapsed int64) {
	if at < c.first {
		return place{start: c.first}, 0
	}
	if at >= c.end {
		return place{start: c.end, before: c.total}, 0
	}
	p = c.place(c.Day(at))
	for _, s := range p.open {
		since := at - p.start
		if since <= s.from {
			break
		}
		elapsed += min(since, s.to) - s.from
	}
	return p, elapsed
}

// place is what is known of a day within the horizon.
func (c *Calendar) place(n int) place {
	p := place{start: c.dayStart(n)}
	i := c.oddFrom(n)
	if i < len(c.odd) && c.odd[i].day == n {
		p.before, p.dayHours = c.odd[i].before, c.odd[i].dayHours
		return p
	}
	p.before, p.dayHours = c.regularBefore(i, n), c.regular[n%7]
	return p
}

// workedBefore is what was worked ahead of day n.
func (c *Calendar) workedBefore(n int) worked { return c.regularBefore(c.oddFrom(n), n) }

// oddFrom is the index of the first odd day that is not before n.
func (c *Calendar) oddFrom(n int) int {
	return sort.Search(len(c.odd), func(i int) bool { return c.odd[i].day >= n })
}

// regularBefore is what was worked ahead of day n, when odd[i] is the first odd
// day not before it: all until the last odd day, and the regular days since.
func (c *Calendar) regularBefore(i, n int) worked {
	base, since := c.regularFrom(i)
	return base.plus(c.inRegular(n)).minus(c.inRegular(since))
}

// regularFrom is the first day after odd[i-1], and what was worked ahead of it.
func (c *Calendar) regularFrom(i int) (base worked, since int) {
	if i == 0 {
		return worked{}, 0
	}
	last := &c.odd[i-1]
	return last.before.plus(last.sum), last.day + 1
}

// inRegular is what would be worked ahead of day n if no day were odd.
func (c *Calendar) inRegular(n int) worked {
	return c.week.times(int64(n / 7)).plus(c.before[n%7])
}

// dayReaching is the first day by whose end target has been worked on a scale;
// target is above zero and not above the calendar's total.
func (c *Calendar) dayReaching(scale int, target int64) int {
	i := sort.Search(len(c.odd), func(i int) bool {
		return c.odd[i].before[scale]+c.odd[i].sum[scale] >= target
	})
	if i < len(c.odd) && c.odd[i].before[scale] < target {
		return c.odd[i].day
	}
	base, since := c.regularFrom(i)
	target += c.inRegular(since)[scale] - base[scale]
	weeks := (target - 1) / c.week[scale]
	target -= weeks * c.week[scale]
	weekday := 6
	for c.before[weekday][scale] >= target {
		weekday--
	}
	return int(weeks)*7 + weekday
}

// instant is when elapsed working time of the day has passed; elapsed is above
// zero and not above the day's sum.
func (p *place) instant(elapsed int64) int64 {
	for _, s := range p.open {
		if length := s.to - s.from; elapsed > length {
			elapsed -= length
			continue
		}
		return p.start + s.from + elapsed
	}
	return Never
}
