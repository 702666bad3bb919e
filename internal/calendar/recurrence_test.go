package calendar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRules draws rules of every supported part. None may fail inside rrule, and
// what they find has to be in order, in range and in the months they name.
func TestRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := []string{"FREQ=" + rapid.SampledFrom([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY"}).Draw(t, "freq")}
		part := func(key, value string) {
			if rapid.IntRange(0, 3).Draw(t, key) == 0 {
				parts = append(parts, key+"="+value)
			}
		}
		numbers := func(key string, most int, signed bool) string {
			number := rapid.IntRange(1, most)
			var list []string
			for _, n := range rapid.SliceOfN(number, 1, 3).Draw(t, key+" numbers") {
				if signed && rapid.Bool().Draw(t, "from the end") {
					n = -n
				}
				list = append(list, fmt.Sprint(n))
			}
			return strings.Join(list, ",")
		}
		var days []string
		for range rapid.IntRange(1, 3).Draw(t, "days") {
			n := rapid.SampledFrom([]string{"", "1", "-1", "+5", "-5", "53", "-53"}).Draw(t, "n")
			days = append(days, n+rapid.SampledFrom([]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}).Draw(t, "day"))
		}
		months := numbers("BYMONTH", 12, false)
		part("BYMONTH", months)
		part("BYMONTHDAY", numbers("BYMONTHDAY", 31, true))
		part("BYYEARDAY", numbers("BYYEARDAY", 366, true))
		part("BYDAY", strings.Join(days, ","))
		part("BYSETPOS", numbers("BYSETPOS", 366, true))
		part("WKST", "SU")
		part("INTERVAL", numbers("INTERVAL", 30, false)[:1])
		part("COUNT", numbers("COUNT", 9, false)[:1])
		part("UNTIL", "20300101")
		start := time.Date(rapid.IntRange(1900, 2099).Draw(t, "year"), time.January, rapid.IntRange(1, 366).Draw(t, "yearday"), 12, 0, 0, 0, time.UTC)
		rule := strings.Join(parts, ";")
		times, err := recur(rule, start, func(s string) (time.Time, error) { return time.Parse("20060102", s) })
		if err != nil {
			return // parts that do not go together
		}
		for i, at := range times {
			if at.Before(start) || at.Year() < FirstYear || at.Year() > LastYear || i > 0 && !at.After(times[i-1]) {
				t.Fatalf("%s from %s: %s is out of place", rule, start, at)
			}
			if strings.Contains(rule, "BYMONTH=") && !slices.Contains(strings.Split(months, ","), fmt.Sprint(int(at.Month()))) {
				t.Fatalf("%s from %s: %s is not in its months", rule, start, at)
			}
		}
	})
}
