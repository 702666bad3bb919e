package calendar

import (
	"fmt"
	"strings"
	"time"
)

// Span is a stretch of working hours in minutes of the local day, From
// included and To not: 0 ≤ From < To ≤ 1440.
type Span struct{ From, To int }

// Week holds the working hours of each weekday, indexed by time.Weekday. The
// spans of a day are sorted and do not overlap; they may touch.
type Week [7][]Span

const dayMinutes = 24 * 60

// Always is the week that never closes.
func Always() Week {
	var w Week
	for d := range w {
		w[d] = []Span{{0, dayMinutes}}
	}
	return w
}

func (w Week) check() error {
	some := false
	for i, spans := range w {
		last := 0
		for _, s := range spans {
			if s.From < 0 || s.To > dayMinutes || s.From >= s.To {
				return fmt.Errorf("hours of %s: %s does not lie within one day", time.Weekday(i), s)
			}
			if s.From < last {
				return fmt.Errorf("hours of %s: %s starts before the span ahead of it ends", time.Weekday(i), s)
			}
			last, some = s.To, true
		}
	}
	if !some {
		return fmt.Errorf("the week has no working hours; give at least one day hours such as \"09:00-17:00\"")
	}
	return nil
}

// weekdays is ordered for finding a name, Sunday first as time.Weekday is.
var weekdays = [7]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// ParseDays reads weekdays in the order they are written: "mon-fri", "sat",
// "mon,wed,fri". A range may wrap ("fri-mon"). Names are English, three letters
// or whole, in any letter case. A day that is named twice is an error.
func ParseDays(s string) ([]time.Weekday, error) {
	var days []time.Weekday
	var seen [7]bool
	for part := range strings.SplitSeq(s, ",") {
		from, to, isRange := strings.Cut(strings.ReplaceAll(part, "–", "-"), "-")
		first, err := parseDay(from)
		if err != nil {
			return nil, fmt.Errorf("reading days %q: %w", clip(s), err)
		}
		last := first
		if isRange {
			if last, err = parseDay(to); err != nil {
				return nil, fmt.Errorf("reading days %q: %w", clip(s), err)
			}
		}
		for d := first; ; d = (d + 1) % 7 {
			if seen[d] {
				return nil, fmt.Errorf("reading days %q: %s is named twice", clip(s), d)
			}
			seen[d] = true
			days = append(days, d)
			if d == last {
				break
			}
		}
	}
	return days, nil
}

func parseDay(s string) (time.Weekday, error) {
	name := strings.ToLower(strings.TrimSpace(s))
	for i, full := range weekdays {
		if name == full || name == full[:3] {
			return time.Weekday(i), nil
		}
	}
	if len(name) > 1 {
		for _, full := range weekdays {
			if strings.HasPrefix(name, full[:2]) {
				return 0, fmt.Errorf("unknown day %q; did you mean %q?", clip(name), full[:3])
			}
		}
	}
	return 0, fmt.Errorf("unknown day %q; write days such as \"mon-fri\" or \"mon,wed,fri\"", clip(name))
}

// ParseSpan reads hours of one day in the 24-hour clock: "09:00-12:00",
// "22:00-24:00". Hours past midnight are two spans on two days.
func ParseSpan(s string) (Span, error) {
	fail := func(why string) (Span, error) {
		return Span{}, fmt.Errorf("reading hours %q: %s", clip(s), why)
	}
	from, to, ok := strings.Cut(strings.ReplaceAll(s, "–", "-"), "-")
	if !ok {
		return fail("write the start and the end, such as \"09:00-17:00\"")
	}
	var span Span
	var why string
	if span.From, why = parseClock(from); why != "" {
		return fail(why)
	}
	if span.To, why = parseClock(to); why != "" {
		return fail(why)
	}
	switch {
	case span.From == span.To:
		return fail("it is empty; for the whole day write \"00:00-24:00\"")
	case span.From > span.To && span.To == 0:
		return fail(fmt.Sprintf("write the end of the day as 24:00: %q", Span{span.From, dayMinutes}))
	case span.From > span.To:
		return fail(fmt.Sprintf("it ends before it starts; hours past midnight are %q on one day and %q on the next",
			Span{span.From, dayMinutes}, Span{0, span.To}))
	}
	return span, nil
}

func parseClock(s string) (minutes int, why string) {
	s = strings.TrimSpace(s)
	h, m, ok := strings.Cut(s, ":")
	hours, okH := twoDigits(h)
	mins, okM := twoDigits(m)
	switch {
	case !ok && okH && hours <= 24:
		return 0, fmt.Sprintf("write minutes too: %02d:00 for %q", hours, s)
	case !ok || !okH || !okM || len(m) != 2:
		return 0, fmt.Sprintf("%q is not a time of day; write it such as 09:00 or 17:30", clip(s))
	case mins > 59 || hours > 24 || hours == 24 && mins > 0:
		return 0, fmt.Sprintf("%q is past the end of the day; times run from 00:00 to 24:00", s)
	}
	return hours*60 + mins, ""
}

// twoDigits reads one or two ASCII digits.
func twoDigits(s string) (int, bool) {
	if len(s) < 1 || len(s) > 2 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// String writes s as ParseSpan reads it.
func (s Span) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60)
}
