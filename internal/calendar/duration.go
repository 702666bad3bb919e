package calendar

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode"
)

// Unit says how a Duration is measured.
type Unit uint8

const (
	// Wall is elapsed time, whatever the hours; amounts are microseconds.
	Wall Unit = iota
	// WorkingTime is elapsed time within working hours; amounts are microseconds.
	WorkingTime
	// WorkingDays counts working days; amounts are nano-days (1e-9 of a working day).
	WorkingDays
)

// DayAmount is the Amount of one working day.
const DayAmount = 1_000_000_000

const (
	second = int64(1_000_000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// Duration is an amount of time in one of the units. The zero value is no time.
type Duration struct {
	Amount int64
	Unit   Unit
}

// IsZero reports whether d is no time at all.
func (d Duration) IsZero() bool { return d.Amount == 0 }

// measure is one way to write a unit of time.
type measure struct {
	name  string   // canonical, singular; the plural adds an s
	short []string // other singular or invariable spellings
	size  int64    // microseconds
}

// measures is ordered from the largest, which is the order String tries them in.
var measures = []measure{
	{"day", []string{"d"}, day},
	{"hour", []string{"h", "hr", "hrs"}, hour},
	{"minute", []string{"min", "mins"}, minute},
	{"second", []string{"s", "sec", "secs"}, second},
}

const durationForms = `write a number and a unit, such as "30 minutes", "36 hours", "90 days", "4 working hours" or "1 working day"`

// ParseDuration reads one number and one unit: "4 working hours", "1 working
// day", "90d", "30 minutes", "2 weeks", "15 min", "1.5 hours". Letter case and
// the space after the number do not matter. Wall days are 24 hours and weeks
// seven of them. Amounts are exact: one that is finer than a microsecond (or,
// for working days, than a nano-day) is refused, as are negative ones.
func ParseDuration(s string) (Duration, error) {
	fail := func(why string) (Duration, error) {
		return Duration{}, fmt.Errorf("reading duration %q: %s", clip(s), why)
	}
	text := strings.ToLower(strings.TrimSpace(s))
	if text == "" {
		return fail("it is empty; " + durationForms)
	}
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		return fail("it has no unit; " + durationForms)
	}
	number, words := text[:end], strings.Fields(text[end:])
	switch {
	case text[0] == '-':
		return fail("it is negative; " + durationForms)
	case number == "":
		return fail("it does not start with a number; " + durationForms)
	case text[end] == ',':
		return fail("write a decimal with a point, such as \"1.5 hours\"")
	case text[end] == '_' || len(words) == 0:
		return fail(durationForms)
	}
	working := false
	if words[0] == "working" || words[0] == "business" {
		if words[0] == "business" {
			return fail("write \"working\" for \"business\", such as \"4 working hours\"")
		}
		working, words = true, words[1:]
		if len(words) == 0 {
			return fail("working what? write \"4 working hours\" or \"1 working day\"")
		}
	}
	if len(words) > 1 || strings.ContainsAny(words[0], "0123456789.,") {
		return fail("it has more than one part; " + durationForms)
	}
	unit, size := Wall, int64(0)
	for _, m := range measures {
		if m.matches(words[0]) {
			size = m.size
		}
	}
	switch word := words[0]; {
	case working && size == day:
		unit, size = WorkingDays, DayAmount
	case working && size != 0:
		unit = WorkingTime
	case working && (word == "w" || strings.HasPrefix(word, "week")):
		return fail("weeks have different numbers of working days; write \"5 working days\"")
	case word == "w" || word == "week" || word == "weeks":
		size = 7 * day
	case word == "m":
		return fail("\"m\" could be minutes or months; write \"min\" for minutes, or a number of days")
	case strings.HasPrefix(word, "mon"):
		return fail("months differ in length; write a number of days, such as \"30 days\"")
	case word == "y" || strings.HasPrefix(word, "year"):
		return fail("years differ in length; write a number of days, such as \"365 days\"")
	case strings.HasPrefix(word, "workday"):
		return fail("write \"1 working day\"")
	case size == 0:
		return fail(fmt.Sprintf("unknown unit %q; %s", clip(word), durationForms))
	}
	amount, why := scale(number, size)
	if why != "" {
		return fail(why)
	}
	return Duration{Amount: amount, Unit: unit}, nil
}

func (m measure) matches(word string) bool {
	if word == m.name || word == m.name+"s" {
		return true
	}
	for _, s := range m.short {
		if word == s {
			return true
		}
	}
	return false
}

// scale returns number × size exactly, or why it cannot. number holds only
// digits and points.
func scale(number string, size int64) (amount int64, why string) {
	whole, fraction, hasPoint := strings.Cut(number, ".")
	if whole == "" || hasPoint && fraction == "" || strings.Contains(fraction, ".") {
		return 0, "its number is not a whole number or a decimal such as 1.5"
	}
	fraction = strings.TrimRight(fraction, "0")
	digits := strings.TrimLeft(whole+fraction, "0")
	if len(digits) > 18 || len(fraction) > 18 {
		return 0, "its number has too many digits"
	}
	if digits == "" {
		return 0, ""
	}
	mantissa, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, "its number is not a number"
	}
	denominator := uint64(1)
	for range fraction {
		denominator *= 10
	}
	hi, lo := bits.Mul64(mantissa, uint64(size))
	if hi >= denominator {
		return 0, "it is too long"
	}
	quotient, rest := bits.Div64(hi, lo, denominator)
	switch {
	case quotient > math.MaxInt64:
		return 0, "it is too long"
	case rest != 0:
		return 0, "it is too precise; use fewer decimals or a smaller unit"
	}
	return int64(quotient), ""
}

// String writes d the canonical way, in the largest unit that holds it without
// a fraction: "4 working hours", "1 working day", "90 days", "36 hours". What it
// writes for a Duration that is not negative, ParseDuration reads back as d.
func (d Duration) String() string {
	if d.Unit == WorkingDays {
		return quantity(d.Amount, DayAmount, "working day")
	}
	prefix, units := "", measures
	if d.Unit == WorkingTime {
		prefix, units = "working ", measures[1:]
	}
	for _, m := range units {
		if d.Amount%m.size == 0 {
			return quantity(d.Amount, m.size, prefix+m.name)
		}
	}
	return quantity(d.Amount, second, prefix+"second")
}

// quantity writes amount/size, where size is a power of ten or divides amount.
func quantity(amount, size int64, unit string) string {
	b := strconv.AppendInt(nil, amount/size, 10)
	if rest := amount % size; rest != 0 {
		if rest < 0 {
			rest = -rest
			if amount > -size {
				b = []byte("-0")
			}
		}
		fraction := strconv.FormatInt(size+rest, 10)[1:]
		b = append(b, '.')
		b = append(b, strings.TrimRight(fraction, "0")...)
	}
	b = append(b, ' ')
	b = append(b, unit...)
	if amount != size {
		b = append(b, 's')
	}
	return string(b)
}

// clip keeps hostile input out of messages.
func clip(s string) string {
	const limit = 60
	more := ""
	if len(s) > limit {
		s, more = s[:limit], "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar // quoted, it would be four characters
	}, s) + more
}
