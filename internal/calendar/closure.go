package calendar

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Date is a day of the Gregorian calendar, in no particular zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a date written 2026-12-24.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("reading date %q: write year, month and day, such as \"2026-12-24\"", clip(s))
	}
	return dateOf(t), nil
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// String writes d as ParseDate reads it.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// number is the count of days since 1970-01-01.
func (d Date) number() int {
	return int(floorDiv(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix(), 86400))
}

func (d Date) valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && dateOf(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)) == d
}

// Civil is a reading of the clock on the wall: a date and a minute of that day,
// 0 to 1440 (1440 is the end of the day).
type Civil struct {
	Date   Date
	Minute int
}

// minutes is the count of wall-clock minutes since 1970-01-01 00:00.
func (c Civil) minutes() int { return c.Date.number()*dayMinutes + c.Minute }

func civilOf(minutes int) Civil {
	n := floorDiv(int64(minutes), dayMinutes)
	return Civil{
		Date:   dateOf(time.Unix(n*86400, 0).UTC()),
		Minute: minutes - int(n)*dayMinutes,
	}
}

// String writes c such as "2026-12-24 12:00".
func (c Civil) String() string {
	return fmt.Sprintf("%s %02d:%02d", c.Date, c.Minute/60, c.Minute%60)
}

// Closure is time that is not worked, From included and To not, in the local
// time of whichever calendar it is given to. A whole day runs from its minute 0
// to minute 0 of the next day; a closure may also be part of a day, or several.
type Closure struct {
	From, To Civil
	Name     string
}

// ClosedOn is the closure of the whole of one day.
func ClosedOn(d Date, name string) Closure {
	from := Civil{Date: d}
	return Closure{From: from, To: Civil{Date: d, Minute: dayMinutes}, Name: name}
}

func (c Closure) check() error {
	for _, end := range []Civil{c.From, c.To} {
		if !end.Date.valid() || end.Minute < 0 || end.Minute > dayMinutes {
			return fmt.Errorf("closure %q: there is no %s", clip(c.Name), end)
		}
	}
	if c.From.minutes() >= c.To.minutes() {
		return fmt.Errorf("closure %q: it ends (%s) before it starts (%s)", clip(c.Name), c.To, c.From)
	}
	return nil
}

// sortClosures orders closures by when they start, then end, then name.
func sortClosures(closures []Closure) {
	slices.SortFunc(closures, func(a, b Closure) int {
		return cmp.Or(
			cmp.Compare(a.From.minutes(), b.From.minutes()),
			cmp.Compare(a.To.minutes(), b.To.minutes()),
			cmp.Compare(a.Name, b.Name),
		)
	})
}

// closedStretches merges closures into sorted stretches of wall-clock minutes
// since 1970-01-01 that do not touch, within [from, to).
func closedStretches(closures []Closure, from, to int) []Span {
	closed := make([]Span, 0, len(closures))
	for _, c := range closures {
		s := Span{max(c.From.minutes(), from), min(c.To.minutes(), to)}
		if s.From < s.To {
			closed = append(closed, s)
		}
	}
	slices.SortFunc(closed, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	merged := closed[:0]
	for _, s := range closed {
		if n := len(merged); n > 0 && s.From <= merged[n-1].To {
			merged[n-1].To = max(merged[n-1].To, s.To)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// floorDiv divides rounding towards minus infinity; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
