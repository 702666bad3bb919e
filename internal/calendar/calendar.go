package calendar

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// FirstYear and LastYear bound what calendars know, both included. Nothing is
// worked outside them.
const (
	FirstYear = 1970
	LastYear  = 2099
)

// Never is the answer when what was asked for does not happen before the end of LastYear.
const Never int64 = math.MaxInt64

// horizon is the number of days from 1970-01-01, day 0, to the end of LastYear.
var horizon = Date{LastYear + 1, time.January, 1}.number()

// Calendar is working hours in a time zone, with closures. Make one with New;
// it does not change afterwards.
type Calendar struct {
	zone     *time.Location
	hours    Week
	closures []Closure
	offsets  []offset

	// A regular day repeats the hours of its weekday, counted from local midnight.
	// Regular weeks start on Thursday because day 0 was one, so that day n is
	// regular[n%7].
	regular [7]dayHours
	before  [7]worked // in a regular week, ahead of each of its days
	week    worked

	// Odd days are those with a closure, or a change of the clocks: sorted, with
	// what was worked ahead of each, so that any instant is one search away.
	odd []oddDay

	first, end int64 // the instants that bound the calendar
	total      worked
}

// worked is an amount of work on two scales.
type worked [2]int64

const (
	inTime = 0 // microseconds of working time
	inDays = 1 // whole working days
)

func (w worked) plus(v worked) worked  { return worked{w[0] + v[0], w[1] + v[1]} }
func (w worked) minus(v worked) worked { return worked{w[0] - v[0], w[1] - v[1]} }
func (w worked) times(n int64) worked  { return worked{w[0] * n, w[1] * n} }

// stretch is open time in microseconds since the start of its day. Its edges
// are whole seconds, which the arithmetic on working days relies on.
type stretch struct{ from, to int64 }

// dayHours is the open time of one day.
type dayHours struct {
	open []stretch
	sum  worked // all of it; in days, 1 or 0
}

type oddDay struct {
	day    int
	before worked // by the calendar, ahead of this day
	dayHours
}

// New makes a calendar. It refuses a week with no hours, spans that overlap or
// leave the day, closures on dates that do not exist or that end before they
// start, and a zone that is not named. Closures may overlap, in any order; those
// outside FirstYear to LastYear have no effect.
func New(zone *time.Location, week Week, closures []Closure) (*Calendar, error) {
	if zone == nil || zone == time.Local {
		return nil, errors.New("making a calendar: it needs a time zone, such as Europe/Stockholm")
	}
	if err := week.check(); err != nil {
		return nil, fmt.Errorf("making a calendar: %w", err)
	}
	for _, cl := range closures {
		if err := cl.check(); err != nil {
			return nil, fmt.Errorf("making a calendar: %w", err)
		}
	}
	c := &Calendar{zone: zone, hours: week, closures: closures}
	c.offsets = offsets(zone, -2*day, int64(horizon+2)*day)
	c.first, c.end = c.dayStart(0), c.dayStart(horizon)
	for i := range c.regular {
		var open []stretch
		for _, s := range week[(int(time.Thursday)+i)%7] {
			open = appendStretch(open, stretch{int64(s.From) * minute, int64(s.To) * minute})
		}
		c.regular[i] = newDayHours(open)
		c.before[i] = c.week
		c.week = c.week.plus(c.regular[i].sum)
	}
	c.addOddDays(closedStretches(closures, -2*dayMinutes, (horizon+2)*dayMinutes))
	c.total = c.workedBefore(horizon)
	return c, nil
}

// Zone is the calendar's time zone.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Hours are the hours of a week without closures.
func (c *Calendar) Hours() Week { return c.hours }

// Same reports whether two calendars that close alike are open at the same time.
func (c *Calendar) Same(other *Calendar) bool {
	return c == other || c.zone.String() == other.zone.String() && c.hours.same(other.hours)
}

// With makes a calendar that closes when c does, with another zone, other hours, or both; nil keeps what c has.
func (c *Calendar) With(zone *time.Location, week *Week) (*Calendar, error) {
	if zone == nil {
		zone = c.zone
	}
	if week == nil {
		week = &c.hours
	}
	return New(zone, *week, c.closures)
}

// addOddDays finds the days that differ from the week and works out their hours.
// closed is sorted, in wall-clock minutes since 1970-01-01.
func (c *Calendar) addOddDays(closed []Span) {
	var days []int
	add := func(from, to int) {
		for n := max(from, 0); n <= min(to, horizon-1); n++ {
			days = append(days, n)
		}
	}
	for _, s := range closed {
		add(s.From/dayMinutes, (s.To-1)/dayMinutes)
	}
	for i, next := range c.offsets[1:] {
		left := next.since + c.offsets[i].ofZone // what the wall shows as the clocks change, before and after
		add(int(floorDiv(min(left, next.local), day)), int(floorDiv(max(left, next.local), day)))
	}
	slices.Sort(days)
	days = slices.Compact(days)
	c.odd = make([]oddDay, 0, len(days))
	for _, n := range days {
		before := c.workedBefore(n)
		open := c.hoursOf(n, &closed)
		c.odd = append(c.odd, oddDay{day: n, before: before, dayHours: newDayHours(open)})
	}
}

// hoursOf works out the hours of day n from what the wall clock shows through
// it. It drops from closed what ended before that day, so that a run over sorted
// days passes over the closures once.
func (c *Calendar) hoursOf(n int, closed *[]Span) []stretch {
	for len(*closed) > 0 && (*closed)[0].To <= (n-1)*dayMinutes {
		*closed = (*closed)[1:]
	}
	var open []stretch
	start, end := c.dayStart(n), c.dayStart(n+1)
	for i := c.offsetAt(start); i < len(c.offsets) && c.offsets[i].since < end; i++ {
		from, to := max(start, c.offsets[i].since), end
		if i+1 < len(c.offsets) {
			to = min(to, c.offsets[i+1].since)
		}
		east := c.offsets[i].ofZone
		// The wall shows from+east to to+east. That can touch a neighbouring date.
		for date := floorDiv(from+east, day); date*day < to+east; date++ {
			for _, s := range openOn(c.regular[((date%7)+7)%7].open, date*day, *closed) {
				s = stretch{max(s.from-east, from) - start, min(s.to-east, to) - start}
				if s.from < s.to {
					open = appendStretch(open, s)
				}
			}
		}
	}
	return open
}

// openOn takes the closed time out of the hours of a date that starts at
// midnight, in wall-clock microseconds.
func openOn(hours []stretch, midnight int64, closed []Span) []stretch {
	var open []stretch
	for _, h := range hours {
		h = stretch{h.from + midnight, h.to + midnight}
		for _, s := range closed {
			from, to := int64(s.From)*minute, int64(s.To)*minute
			if from >= h.to {
				break
			}
			if to <= h.from {
				continue
			}
			if from > h.from {
				open = append(open, stretch{h.from, from})
			}
			h.from = min(to, h.to)
		}
		if h.from < h.to {
			open = append(open, h)
		}
	}
	return open
}

// appendStretch adds s, joining it to the last one if they touch.
func appendStretch(list []stretch, s stretch) []stretch {
	if n := len(list); n > 0 && list[n-1].to == s.from {
		list[n-1].to = s.to
		return list
	}
	return append(list, s)
}

func newDayHours(open []stretch) dayHours {
	h := dayHours{open: open}
	for _, s := range open {
		h.sum[inTime] += s.to - s.from
		h.sum[inDays] = 1
	}
	return h
}
