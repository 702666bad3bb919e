package calendar

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// officeWeek is 9 to 17, Monday to Friday.
func officeWeek(t testing.TB) Week { return weekOf(t, "mon-fri", "09:00-17:00") }

// weekOf takes days and their hours in turn: "mon-fri", "09:00-12:00 13:00-17:30".
func weekOf(t testing.TB, pairs ...string) Week {
	t.Helper()
	var w Week
	for i := 0; i < len(pairs); i += 2 {
		days, err := ParseDays(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		for hours := range strings.FieldsSeq(pairs[i+1]) {
			span, err := ParseSpan(hours)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range days {
				w[d] = append(w[d], span)
			}
		}
	}
	return w
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func mustNew(t testing.TB, zone string, w Week, closures ...Closure) *Calendar {
	t.Helper()
	c, err := New(mustZone(t, zone), w, closures)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// instant reads "2026-03-27 15:00" on the zone's clock, or with an offset
// ("2026-10-25 02:30 +01:00") where that is ambiguous.
func instant(t testing.TB, zone *time.Location, s string) int64 {
	t.Helper()
	for _, layout := range []string{"2006-01-02 15:04 -07:00", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05.000000"} {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return at.UnixMicro()
		}
	}
	t.Fatalf("test has a bad time %q", s)
	return 0
}

func show(zone *time.Location, at int64) string {
	if at == Never {
		return "never"
	}
	return time.UnixMicro(at).In(zone).Format("Mon 2006-01-02 15:04:05.999999 -07:00")
}

func closed(t testing.TB, from, to, name string) Closure {
	t.Helper()
	return Closure{From: civil(t, from), To: civil(t, to), Name: name}
}

func civil(t testing.TB, s string) Civil {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return Civil{Date: dateOf(at), Minute: at.Hour()*60 + at.Minute()}
}

func date(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAdd(t *testing.T) {
	office := officeWeek(t)
	split := weekOf(t, "mon-fri", "09:00-12:00 13:00-17:30")
	night := weekOf(t, "mon-sun", "00:00-06:00 22:00-24:00")
	christmas := []Closure{
		closed(t, "2026-12-24 12:00", "2026-12-25 00:00", "Christmas Eve, afternoon"),
		ClosedOn(date(t, "2026-12-25"), "Christmas Day"),
		ClosedOn(date(t, "2026-12-31"), "New Year's Eve"),
		ClosedOn(date(t, "2027-01-01"), "New Year's Day"),
	}
	tests := []struct {
		name     string
		zone     string
		week     Week
		closures []Closure
		at       string
		add      string
		want     string
	}{
		{"weekend clock, Saturday", "Europe/Stockholm", office, nil, "2026-06-06 15:00", "1 working hour", "2026-06-08 10:00"},
		{"weekend clock, Sunday", "Europe/Stockholm", office, nil, "2026-06-07 18:30", "1 working hour", "2026-06-08 10:00"},
		{"first instant is the end of Friday", "Europe/Stockholm", office, nil, "2026-06-05 16:00", "1 working hour", "2026-06-05 17:00"},
		{"one microsecond more is Monday", "Europe/Stockholm", office, nil, "2026-06-05 16:00:00.000001", "1 working hour", "2026-06-08 09:00:00.000001"},
		{"zero stays on a weekend", "Europe/Stockholm", office, nil, "2026-06-06 15:00", "0 working hours", "2026-06-06 15:00"},
		{"zero days stay on a weekend", "Europe/Stockholm", office, nil, "2026-06-06 15:00", "0 working days", "2026-06-06 15:00"},
		{"eight working hours over a night", "Europe/Stockholm", office, nil, "2026-06-02 15:00", "8 working hours", "2026-06-03 15:00"},
		{"forty hours are a week", "Europe/Stockholm", office, nil, "2026-06-03 11:00", "40 working hours", "2026-06-10 11:00"},
		{"wall days ignore hours", "Europe/Stockholm", office, nil, "2026-06-05 16:00", "2 days", "2026-06-07 16:00"},

		{"over lunch", "Europe/Stockholm", split, nil, "2026-06-02 11:30", "1 working hour", "2026-06-02 13:30"},
		{"until lunch exactly", "Europe/Stockholm", split, nil, "2026-06-02 11:30", "30 working min", "2026-06-02 12:00"},
		{"started at lunch", "Europe/Stockholm", split, nil, "2026-06-02 12:20", "4 working hours", "2026-06-02 17:00"},
		{"half a split day is 3:45", "Europe/Stockholm", split, nil, "2026-06-02 09:00", "0.5 working days", "2026-06-02 13:45"},

		{"Friday 15:00 and a day", "Europe/Stockholm", office, nil, "2026-06-05 15:00", "1 working day", "2026-06-08 15:00"},
		{"Saturday and a day is the end of Monday", "Europe/Stockholm", office, nil, "2026-06-06 15:00", "1 working day", "2026-06-08 17:00"},
		{"before opening and a day is the end of it", "Europe/Stockholm", office, nil, "2026-06-05 07:00", "1 working day", "2026-06-05 17:00"},
		{"at opening and a day is the end of it", "Europe/Stockholm", office, nil, "2026-06-05 09:00", "1 working day", "2026-06-05 17:00"},
		{"after closing and a day", "Europe/Stockholm", office, nil, "2026-06-05 18:00", "1 working day", "2026-06-08 17:00"},
		{"five days are a week", "Europe/Stockholm", office, nil, "2026-06-03 11:11", "5 working days", "2026-06-10 11:11"},
		{"a day and a half", "Europe/Stockholm", office, nil, "2026-06-05 13:00", "1.5 working days", "2026-06-08 17:00"},
		{"a day keeps the microsecond", "Europe/Stockholm", office, nil, "2026-06-05 13:00:00.000013", "1 working day", "2026-06-08 13:00:00.000013"},

		// 24 December is 9:00-12:00: 3 hours, and one whole working day.
		{"into a half day", "Europe/Stockholm", office, christmas, "2026-12-23 16:00", "4 working hours", "2026-12-24 12:00"},
		{"past a half day and a holiday", "Europe/Stockholm", office, christmas, "2026-12-23 16:00", "5 working hours", "2026-12-28 10:00"},
		{"a day into a half day: seven eighths of it", "Europe/Stockholm", office, christmas, "2026-12-23 16:00", "1 working day", "2026-12-24 11:37:30"},
		{"two days over a half day", "Europe/Stockholm", office, christmas, "2026-12-23 16:00", "2 working days", "2026-12-28 16:00"},
		{"a day from the middle of a half day", "Europe/Stockholm", office, christmas, "2026-12-24 10:30", "1 working day", "2026-12-28 13:00"},
		{"over the year", "Europe/Stockholm", office, christmas, "2026-12-30 16:00", "2 working hours", "2027-01-04 10:00"},
		{"over the year in days", "Europe/Stockholm", office, christmas, "2026-12-30 16:00", "1 working day", "2027-01-04 16:00"},

		{"leap day", "Europe/Stockholm", office, nil, "2028-02-28 16:00", "8 working hours", "2028-02-29 16:00"},
		{"over a leap day", "Europe/Stockholm", office, nil, "2028-02-28 16:00", "2 working days", "2028-03-01 16:00"},
		{"no leap day", "Europe/Stockholm", office, nil, "2100-02-27 16:00", "1 days", "2100-02-28 16:00"},

		// Stockholm: 2026-03-29 02:00 -> 03:00, 2026-10-25 03:00 -> 02:00.
		{"weekend with a short Sunday", "Europe/Stockholm", office, nil, "2026-03-27 16:30", "1 working hour", "2026-03-30 09:30"},
		{"weekend with a long Sunday", "Europe/Stockholm", office, nil, "2026-10-23 16:30", "1 working hour", "2026-10-26 09:30"},
		{"spring, always open", "Europe/Stockholm", Always(), nil, "2026-03-28 12:00", "24 working hours", "2026-03-29 13:00"},
		{"autumn, always open", "Europe/Stockholm", Always(), nil, "2026-10-24 12:00", "24 working hours", "2026-10-25 11:00"},
		{"spring, always open, in days", "Europe/Stockholm", Always(), nil, "2026-03-28 12:00", "1 working day", "2026-03-29 12:30"},
		{"a span that starts in the gap", "Europe/Stockholm", weekOf(t, "sun", "02:30-05:00"), nil, "2026-03-29 00:00", "1 working hour", "2026-03-29 04:00"},
		{"a span that ends in the gap", "Europe/Stockholm", weekOf(t, "sun", "01:00-02:30"), nil, "2026-03-29 00:00", "61 working min", "2026-04-05 01:01"},
		{"a span inside the gap has no day", "Europe/Stockholm", weekOf(t, "sun", "02:00-03:00"), nil, "2026-03-28 00:00", "1 working day", "2026-04-05 03:00"},
		{"a span over the repeated hour", "Europe/Stockholm", weekOf(t, "sun", "01:00-05:00"), nil, "2026-10-25 00:00", "5 working hours", "2026-10-25 05:00"},
		{"a span that starts in the repeated hour, first time", "Europe/Stockholm", weekOf(t, "sun", "02:30-05:00"), nil, "2026-10-25 00:00", "30 working min", "2026-10-25 02:00 +01:00"},
		{"a span that starts in the repeated hour, second time", "Europe/Stockholm", weekOf(t, "sun", "02:30-05:00"), nil, "2026-10-25 00:00", "31 working min", "2026-10-25 02:31 +01:00"},
		{"a span that ends in the repeated hour", "Europe/Stockholm", weekOf(t, "sun", "01:00-02:30"), nil, "2026-10-25 00:00", "2 working hours", "2026-10-25 02:30 +01:00"},
		{"night shift in spring", "Europe/Stockholm", night, nil, "2026-03-28 23:00", "4 working hours", "2026-03-29 04:00"},
		{"night shift in autumn", "Europe/Stockholm", night, nil, "2026-10-24 23:00", "4 working hours", "2026-10-25 02:00 +01:00"},

		// New York: 2026-03-08 02:00 -> 03:00, 2026-11-01 02:00 -> 01:00.
		{"New York, spring", "America/New_York", Always(), nil, "2026-03-07 20:00", "8 working hours", "2026-03-08 05:00"},
		{"New York, autumn", "America/New_York", Always(), nil, "2026-10-31 20:00", "8 working hours", "2026-11-01 03:00"},
		{"New York, spring weekend", "America/New_York", office, nil, "2026-03-06 16:00", "2 working hours", "2026-03-09 10:00"},

		// Lord Howe: 2026-04-05 02:00 (+11) -> 01:30 (+10:30), 2026-10-04 02:00 -> 02:30.
		{"Lord Howe, half an hour more", "Australia/Lord_Howe", weekOf(t, "sun", "00:00-08:00"), nil, "2026-04-04 12:00", "8.5 working hours", "2026-04-05 08:00"},
		{"Lord Howe, half an hour less", "Australia/Lord_Howe", weekOf(t, "sun", "00:00-08:00"), nil, "2026-10-03 12:00", "7.5 working hours", "2026-10-04 08:00"},
		{"Lord Howe, a day is the shorter day", "Australia/Lord_Howe", weekOf(t, "sun", "00:00-08:00"), nil, "2026-10-03 12:00", "0.5 working days", "2026-10-04 04:15"},

		{"Kolkata", "Asia/Kolkata", office, nil, "2026-06-05 16:30", "1 working hour", "2026-06-08 09:30"},
		{"Kathmandu", "Asia/Kathmandu", office, nil, "2026-06-05 16:30", "1 working day", "2026-06-08 16:30"},

		// São Paulo: 2018-11-04 00:00 -> 01:00; 2018-02-18 00:00 -> 2018-02-17 23:00.
		{"São Paulo, no midnight", "America/Sao_Paulo", Always(), nil, "2018-11-03 23:00", "2 working hours", "2018-11-04 02:00"},
		{"São Paulo, a day of 23 hours", "America/Sao_Paulo", Always(), nil, "2018-11-04 01:00", "1 working day", "2018-11-05 00:00"},
		{"São Paulo, an hour twice before midnight", "America/Sao_Paulo", Always(), nil, "2018-02-17 22:00", "3 working hours", "2018-02-18 00:00"},
		{"São Paulo, a day of 25 hours", "America/Sao_Paulo", Always(), nil, "2018-02-17 00:00", "1 working day", "2018-02-18 00:00"},
		// Cairo: 2026-04-24 00:00 -> 01:00 (a Friday); 2026-10-30 00:00 -> 2026-10-29 23:00.
		{"Cairo, spring", "Africa/Cairo", weekOf(t, "sun-thu", "09:00-17:00", "fri", "00:00-02:00"), nil, "2026-04-23 16:00", "2 working hours", "2026-04-24 02:00"},
		{"Cairo, autumn", "Africa/Cairo", weekOf(t, "thu", "20:00-24:00"), nil, "2026-10-29 12:00", "1 working day", "2026-10-30 00:00"},
		{"Cairo, autumn, in hours", "Africa/Cairo", weekOf(t, "thu", "20:00-24:00"), nil, "2026-10-29 12:00", "5 working hours", "2026-10-30 00:00"},

		// Apia had no 30 December 2011.
		{"a date that never was", "Pacific/Apia", Always(), nil, "2011-12-29 12:00", "1 working day", "2011-12-31 12:00"},
		// St John's put its clocks back at 00:01, so the old date came back.
		{"a date that came back", "America/St_Johns", Always(), nil, "2010-11-06 23:00", "2 working hours", "2010-11-07 00:00 -03:30"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			zone := mustZone(t, test.zone)
			c, err := New(zone, test.week, test.closures)
			if err != nil {
				t.Fatal(err)
			}
			d, err := ParseDuration(test.add)
			if err != nil {
				t.Fatal(err)
			}
			at := instant(t, zone, test.at)
			got := c.Add(at, d)
			if want := instant(t, zone, test.want); got != want {
				t.Errorf("%s + %s = %s, want %s", show(zone, at), d, show(zone, got), show(zone, want))
			}
			if elapsed := c.Between(at, got, d.Unit); elapsed != d.Amount {
				t.Errorf("between %s and %s: %d elapsed, want %d", show(zone, at), show(zone, got), elapsed, d.Amount)
			}
		})
	}
}

func TestBetween(t *testing.T) {
	c := mustNew(t, "Europe/Stockholm", officeWeek(t), ClosedOn(date(t, "2026-06-19"), "Midsummer Eve"))
	for _, test := range []struct {
		from, to string
		unit     Unit
		want     string
	}{
		{"2026-06-05 16:00", "2026-06-08 10:00", WorkingTime, "2 working hours"},
		{"2026-06-05 16:00", "2026-06-08 10:00", Wall, "66 hours"},
		{"2026-06-05 16:00", "2026-06-08 10:00", WorkingDays, "0.25 working days"},
		{"2026-06-06 00:00", "2026-06-08 09:00", WorkingTime, "0 working hours"},
		{"2026-06-01 00:00", "2026-07-01 00:00", WorkingDays, "21 working days"},
		{"2026-06-01 00:00", "2026-07-01 00:00", WorkingTime, "168 working hours"},
	} {
		from, to := instant(t, c.Zone(), test.from), instant(t, c.Zone(), test.to)
		got := Duration{c.Between(from, to, test.unit), test.unit}
		if got.String() != test.want {
			t.Errorf("between %s and %s: %s, want %s", test.from, test.to, got, test.want)
		}
		if back := c.Between(to, from, test.unit); back != -got.Amount {
			t.Errorf("between %s and %s backwards: %d, want %d", test.from, test.to, back, -got.Amount)
		}
	}
}

func TestOpenAndNextOpening(t *testing.T) {
	c := mustNew(t, "Europe/Stockholm", weekOf(t, "mon-fri", "09:00-12:00 12:00-15:00 16:00-17:00", "sat", "00:00-24:00"),
		closed(t, "2026-06-03 10:00", "2026-06-03 11:00", "all hands"), ClosedOn(date(t, "2026-06-06"), "National Day"))
	for _, test := range []struct {
		at, next string
	}{
		{"2026-06-02 09:00", ""},
		{"2026-06-02 08:59:59.999999", "2026-06-02 09:00"},
		{"2026-06-02 12:00", ""},
		{"2026-06-02 14:59:59.999999", ""},
		{"2026-06-02 15:00", "2026-06-02 16:00"},
		{"2026-06-02 17:00", "2026-06-03 09:00"},
		{"2026-06-03 10:00", "2026-06-03 11:00"},
		{"2026-06-05 17:00", "2026-06-08 09:00"},
		{"2026-06-13 00:00", ""},
		{"2026-06-13 23:59:59", ""},
		{"2026-06-14 00:00", "2026-06-15 09:00"},
	} {
		at := instant(t, c.Zone(), test.at)
		if got := c.Open(at); got != (test.next == "") {
			t.Errorf("open at %s: %v", test.at, got)
		}
		want := at
		if test.next != "" {
			want = instant(t, c.Zone(), test.next)
		}
		if got := c.NextOpening(at); got != want {
			t.Errorf("next opening from %s: %s, want %s", test.at, show(c.Zone(), got), show(c.Zone(), want))
		}
	}
}

func TestHorizon(t *testing.T) {
	c := mustNew(t, "America/New_York", officeWeek(t))
	first, last := instant(t, c.Zone(), "1970-01-01 09:00"), instant(t, c.Zone(), "2099-12-31 17:00")
	hour := Duration{hour, WorkingTime}
	oneDay := Duration{DayAmount, WorkingDays}
	for _, test := range []struct {
		name      string
		got, want int64
	}{
		{"the beginning of time", c.NextOpening(-1 << 63), first},
		{"an hour from the beginning of time", c.Add(-1<<63, hour), first + hour.Amount},
		{"the last hour", c.Add(last-hour.Amount, hour), last},
		{"past the last hour", c.Add(last-hour.Amount+1, hour), Never},
		{"past the last day", c.Add(last-hour.Amount+1, oneDay), Never},
		{"the last opening", c.NextOpening(last - 1), last - 1},
		{"no more openings", c.NextOpening(last), Never},
		{"the end of time", c.NextOpening(Never), Never},
		{"an hour from the end of time", c.Add(Never, hour), Never},
		{"zero at the end of time", c.Add(Never, Duration{0, WorkingDays}), Never},
		{"as long as can be", c.Add(first, Duration{1<<63 - 1, WorkingTime}), Never},
		{"as many days as can be", c.Add(first, Duration{1<<63 - 1, WorkingDays}), Never},
		{"wall time saturates", c.Add(Never-1, Duration{5, Wall}), Never},
		{"wall time may go back", c.Add(10, Duration{-3, Wall}), 7},
		{"working time may not", c.Add(10, Duration{-3, WorkingTime}), 10},
		{"all working time", c.Between(-1<<63, Never, WorkingTime), c.Between(first, last, WorkingTime)},
		{"all wall time saturates", c.Between(-1<<63, Never, Wall), Never},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d, want %d", test.name, test.got, test.want)
		}
	}
	if c.Open(Never) || c.Open(-1<<63) {
		t.Error("open at the ends of time")
	}

	shut := mustNew(t, "UTC", officeWeek(t), closed(t, "2026-01-01 00:00", "9999-12-31 00:00", "for good"))
	at := instant(t, shut.Zone(), "2025-12-31 16:00")
	if got := shut.Add(at, Duration{hour.Amount, WorkingTime}); got != at+hour.Amount {
		t.Errorf("the last hour before closing for good: %s", show(shut.Zone(), got))
	}
	if got := shut.Add(at, Duration{hour.Amount + 1, WorkingTime}); got != Never {
		t.Errorf("after closing for good: %s, want never", show(shut.Zone(), got))
	}
	if got := shut.NextOpening(at + hour.Amount); got != Never {
		t.Errorf("opening after closing for good: %s, want never", show(shut.Zone(), got))
	}
	// A long closure that ends is passed over.
	sabbatical := mustNew(t, "UTC", officeWeek(t), closed(t, "2026-01-01 00:00", "2046-01-01 00:00", "a long break"))
	if got, want := sabbatical.Add(at, Duration{2 * hour.Amount, WorkingTime}), instant(t, time.UTC, "2046-01-01 10:00"); got != want {
		t.Errorf("after a long break: %s, want %s", show(time.UTC, got), show(time.UTC, want))
	}
}

func TestDay(t *testing.T) {
	for _, test := range []struct {
		zone, at, want string
	}{
		{"Europe/Stockholm", "2026-06-05 00:00", "2026-06-05"},
		{"Europe/Stockholm", "2026-06-05 23:59:59.999999", "2026-06-05"},
		{"America/New_York", "1969-12-31 19:00", "1969-12-31"},
		{"Pacific/Kiritimati", "2026-01-01 00:00", "2026-01-01"},
		{"America/Sao_Paulo", "2018-11-04 01:00", "2018-11-04"},
		{"America/Sao_Paulo", "2018-02-17 23:30 -03:00", "2018-02-17"},
		{"America/St_Johns", "2010-11-07 00:00 -02:30", "2010-11-06"}, // the date goes back to the 6th a minute later
		{"America/St_Johns", "2010-11-06 23:30 -03:30", "2010-11-06"},
		{"America/St_Johns", "2010-11-07 00:00 -03:30", "2010-11-07"},
		{"America/Havana", "2026-11-01 00:30 -04:00", "2026-11-01"},
		{"America/Havana", "2026-11-01 00:30 -05:00", "2026-11-01"},
		{"Pacific/Apia", "2011-12-29 23:59", "2011-12-29"},
		{"Pacific/Apia", "2011-12-31 00:00", "2011-12-31"},
	} {
		c := mustNew(t, test.zone, Always())
		got := civilOf(c.Day(instant(t, c.Zone(), test.at)) * dayMinutes).Date
		if got.String() != test.want {
			t.Errorf("%s %s is on %s, want %s", test.zone, test.at, got, test.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	office := officeWeek(t)
	for _, test := range []struct {
		name     string
		zone     *time.Location
		week     Week
		closures []Closure
		want     string
	}{
		{"no zone", nil, office, nil, "making a calendar: it needs a time zone, such as Europe/Stockholm"},
		{"the machine's zone", time.Local, office, nil, "making a calendar: it needs a time zone, such as Europe/Stockholm"},
		{"no hours", time.UTC, Week{}, nil, `making a calendar: the week has no working hours; give at least one day hours such as "09:00-17:00"`},
		{"empty span", time.UTC, Week{1: {{540, 540}}}, nil, "making a calendar: hours of Monday: 09:00-09:00 does not lie within one day"},
		{"past midnight", time.UTC, Week{1: {{540, 1441}}}, nil, "making a calendar: hours of Monday: 09:00-24:01 does not lie within one day"},
		{"overlap", time.UTC, Week{1: {{540, 720}, {719, 800}}}, nil, "making a calendar: hours of Monday: 11:59-13:20 starts before the span ahead of it ends"},
		{"unsorted", time.UTC, Week{1: {{540, 720}, {0, 100}}}, nil, "making a calendar: hours of Monday: 00:00-01:40 starts before the span ahead of it ends"},
		{"no such date", time.UTC, office, []Closure{ClosedOn(Date{2027, 2, 29}, "leap")}, `making a calendar: closure "leap": there is no 2027-02-29 00:00`},
		{"backwards", time.UTC, office, []Closure{closed(t, "2027-02-02 00:00", "2027-02-01 00:00", "trip")}, `making a calendar: closure "trip": it ends (2027-02-01 00:00) before it starts (2027-02-02 00:00)`},
	} {
		_, err := New(test.zone, test.week, test.closures)
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		if diff := cmp.Diff(test.want, err.Error()); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}
