package calendar

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// maxOccurrences bounds one recurring event: a little more than every day from
// FirstYear to LastYear.
const maxOccurrences = 50_000

// cycle moves a recurrence close to the year 9999, where rrule gives up, so that
// a rule that never matches (30 February) is found out after centuries rather
// than millennia. The Gregorian calendar repeats exactly, weekdays included,
// every 400 years.
const cycle = 19 * 400

// lists are the parts of a rule that take lists, and how many entries are sense.
// What is missing (BYHOUR, BYWEEKNO and the like) holidays do not need.
var lists = map[string]int{
	"BYMONTH": 12, "BYMONTHDAY": 62, "BYYEARDAY": 31, "BYDAY": 35, "BYSETPOS": 31,
}

// recur lists the wall-clock times, from FirstYear to LastYear, at which an
// event that starts at start happens by an RRULE. Times are readings of the
// clock in the event's own zone, held in UTC; until converts UNTIL to those.
func recur(rule string, start time.Time, until func(string) (time.Time, error)) ([]time.Time, error) {
	if start.Year() < 1600 || start.Year() > LastYear {
		return nil, fmt.Errorf("a recurring event has to start between 1600 and %d", LastYear)
	}
	last := time.Date(LastYear, time.December, 31, 23, 59, 59, 0, time.UTC)
	var kept []string
	var seen []string
	byMonth, byDay, frequency := false, "", ""
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(rule)), ";") {
		key, value, _ := strings.Cut(part, "=")
		if slices.Contains(seen, key) {
			return nil, fmt.Errorf("%s is there twice", clip(key))
		}
		seen = append(seen, key)
		switch key {
		case "FREQ":
			if !slices.Contains([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY"}, value) {
				return nil, fmt.Errorf("frequency %q is not supported; use YEARLY, MONTHLY, WEEKLY or DAILY", clip(value))
			}
			frequency = value
		case "UNTIL":
			t, err := until(value)
			if err != nil {
				return nil, fmt.Errorf("UNTIL: %w", err)
			}
			if t.Before(last) {
				last = t
			}
			continue
		case "COUNT", "INTERVAL":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > maxOccurrences {
				return nil, fmt.Errorf("%s is %q; it has to be a number from 1 to %d", key, clip(value), maxOccurrences)
			}
		case "WKST":
		default:
			most, known := lists[key]
			if !known {
				return nil, fmt.Errorf("%q is not supported in a rule", clip(key))
			}
			if strings.Count(value, ",") >= most {
				return nil, fmt.Errorf("%s has more than %d entries", key, most)
			}
			if key == "BYMONTH" {
				byMonth = true
			}
			if key == "BYDAY" {
				byDay = value
			}
		}
		kept = append(kept, key+"="+value)
	}
	if err := checkOrdinals(byDay, frequency, byMonth); err != nil {
		return nil, err
	}
	option, err := rrule.StrToROption(strings.Join(kept, ";"))
	if err != nil {
		return nil, err
	}
	option.Dtstart = start.AddDate(cycle, 0, 0)
	option.Until = last.AddDate(cycle, 0, 0)
	r, err := rrule.NewRRule(*option)
	if err != nil {
		return nil, err
	}
	var times []time.Time
	next := r.Iterator()
	for {
		t, ok := next()
		if !ok {
			return times, nil
		}
		if t = t.AddDate(-cycle, 0, 0); t.Year() < FirstYear {
			continue
		}
		if len(times) == maxOccurrences {
			return nil, fmt.Errorf("it happens more than %d times", maxOccurrences)
		}
		times = append(times, t)
	}
}

// checkOrdinals keeps "the fifth Monday" to where it means something; rrule
// ignores it elsewhere, or fails.
func checkOrdinals(byDay, frequency string, byMonth bool) error {
	for entry := range strings.SplitSeq(byDay, ",") {
		if len(entry) <= 2 {
			continue
		}
		most := 53
		if frequency == "MONTHLY" || byMonth {
			most = 5
		}
		n, err := strconv.Atoi(entry[:len(entry)-2])
		switch {
		case err != nil:
			return fmt.Errorf("BYDAY has %q; write days such as MO, 1MO or -1MO", clip(entry))
		case frequency == "WEEKLY" || frequency == "DAILY":
			return errors.New("BYDAY may number days only in YEARLY and MONTHLY rules")
		case n == 0 || n < -most || n > most:
			return fmt.Errorf("BYDAY has %q; the number has to be from 1 to %d, or as many from the end", clip(entry), most)
		}
	}
	return nil
}
