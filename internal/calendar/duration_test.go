package calendar

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	for _, test := range []struct {
		in        string
		want      Duration
		canonical string
	}{
		{"4 working hours", Duration{4 * hour, WorkingTime}, "4 working hours"},
		{"4 working h", Duration{4 * hour, WorkingTime}, "4 working hours"},
		{"1 working hour", Duration{hour, WorkingTime}, "1 working hour"},
		{"90 working minutes", Duration{90 * minute, WorkingTime}, "90 working minutes"},
		{"24 working hours", Duration{24 * hour, WorkingTime}, "24 working hours"},
		{"1 working day", Duration{DayAmount, WorkingDays}, "1 working day"},
		{"5 Working Days", Duration{5 * DayAmount, WorkingDays}, "5 working days"},
		{"0.5 working days", Duration{DayAmount / 2, WorkingDays}, "0.5 working days"},
		{"1.000000001 working d", Duration{DayAmount + 1, WorkingDays}, "1.000000001 working days"},
		{"90d", Duration{90 * day, Wall}, "90 days"},
		{"1 d", Duration{day, Wall}, "1 day"},
		{"30 minutes", Duration{30 * minute, Wall}, "30 minutes"},
		{"15 min", Duration{15 * minute, Wall}, "15 minutes"},
		{"15min", Duration{15 * minute, Wall}, "15 minutes"},
		{" 2  weeks ", Duration{14 * day, Wall}, "14 days"},
		{"1w", Duration{7 * day, Wall}, "7 days"},
		{"36h", Duration{36 * hour, Wall}, "36 hours"},
		{"24 hours", Duration{day, Wall}, "1 day"},
		{"1 hour", Duration{hour, Wall}, "1 hour"},
		{"1 hours", Duration{hour, Wall}, "1 hour"},
		{"2 hrs", Duration{2 * hour, Wall}, "2 hours"},
		{"1.5 hours", Duration{90 * minute, Wall}, "90 minutes"},
		{"1.10 hours", Duration{66 * minute, Wall}, "66 minutes"},
		{"45 s", Duration{45 * second, Wall}, "45 seconds"},
		{"0.25 sec", Duration{second / 4, Wall}, "0.25 seconds"},
		{"0.000001 working seconds", Duration{1, WorkingTime}, "0.000001 working seconds"},
		{"0 hours", Duration{0, Wall}, "0 days"},
		{"0 working minutes", Duration{0, WorkingTime}, "0 working hours"},
		{"0 working days", Duration{0, WorkingDays}, "0 working days"},
		{"007 days", Duration{7 * day, Wall}, "7 days"},
	} {
		got, err := ParseDuration(test.in)
		if err != nil {
			t.Errorf("%q: %v", test.in, err)
			continue
		}
		if got != test.want || got.String() != test.canonical {
			t.Errorf("%q: %+v %q, want %+v %q", test.in, got, got, test.want, test.canonical)
		}
		if got.IsZero() != strings.HasPrefix(test.canonical, "0 ") {
			t.Errorf("%q: zero is %v", test.in, got.IsZero())
		}
	}
}

func TestParseDurationRefuses(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", durationForms},
		{"4", "it has no unit"},
		{"soon", "does not start with a number"},
		{"-4 hours", "it is negative"},
		{"4 fortnights", `unknown unit "fortnights"`},
		{"4 business hours", `write "working" for "business"`},
		{"2 working weeks", `write "5 working days"`},
		{"4 working", "working what?"},
		{"2 workdays", `write "1 working day"`},
		{"5m", `write "min"`},
		{"3 months", `"30 days"`},
		{"1 year", `"365 days"`},
		{"1h30m", "more than one part"},
		{"1 hour 30 min", "more than one part"},
		{"1,5 hours", "with a point"},
		{"1_000 hours", durationForms},
		{"1. hours", "not a whole number or a decimal"},
		{".5 hours", "not a whole number or a decimal"},
		{"1.2.3 hours", "not a whole number or a decimal"},
		{"0.0000001 seconds", "too precise"},
		{"1.0000000001 working days", "too precise"},
		{"106751992 days", "too long"},
		{"9999999999999999999 days", "too many digits"},
		{"999999999999999999 days", "too long"},
	} {
		d, err := ParseDuration(test.in)
		if err == nil {
			t.Errorf("%q: no error, but %s", test.in, d)
			continue
		}
		if !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "reading duration") {
			t.Errorf("%q: %v, want %q in it", test.in, err, test.want)
		}
	}
}

func TestDurationRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Duration{rapid.Int64Min(0).Draw(t, "amount"), Unit(rapid.IntRange(0, 2).Draw(t, "unit"))}
		if rapid.Bool().Draw(t, "round") {
			d.Amount -= d.Amount % rapid.SampledFrom([]int64{second, minute, hour, day, DayAmount}).Draw(t, "to")
		}
		// Amounts that need more than 18 digits to write do not come back: 31 thousand years.
		if d.Amount > 900_000_000_000_000_000 {
			return
		}
		got, err := ParseDuration(d.String())
		if err != nil || got != d {
			t.Fatalf("%+v is written %q and read back %+v, %v", d, d, got, err)
		}
	})
	if got := (Duration{-DayAmount / 2, WorkingDays}).String(); got != "-0.5 working days" {
		t.Errorf("half a day ago: %q", got)
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"4 working hours", "1 working day", "90d", "30 minutes", "2 weeks", "36h", "1.5 hours", "0.000001s", "1,5 h", "٣ days", "1h30m", "999999999999999999 w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			if d != (Duration{}) || len(err.Error()) > 600 {
				t.Fatalf("%q: %+v with %v", s, d, err)
			}
			return
		}
		if d.Amount < 0 {
			t.Fatalf("%q is negative: %+v", s, d)
		}
		if back, err := ParseDuration(d.String()); d.Amount < 900_000_000_000_000_000 && (err != nil || back != d) {
			t.Fatalf("%q is %+v, written %q, read back %+v, %v", s, d, d, back, err)
		}
	})
}

func TestParseDays(t *testing.T) {
	const mon, tue, wed, thu, fri, sat, sun = time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday
	for _, test := range []struct {
		in   string
		want []time.Weekday
	}{
		{"mon-fri", []time.Weekday{mon, tue, wed, thu, fri}},
		{"sat", []time.Weekday{sat}},
		{"mon,wed,fri", []time.Weekday{mon, wed, fri}},
		{"fri-mon", []time.Weekday{fri, sat, sun, mon}},
		{"Monday - Tuesday, SUN", []time.Weekday{mon, tue, sun}},
		{"mon–sun", []time.Weekday{mon, tue, wed, thu, fri, sat, sun}},
		{"thu-thu", []time.Weekday{thu}},
	} {
		got, err := ParseDays(test.in)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", test.in, err, diff)
		}
	}
	for _, test := range []struct{ in, want string }{
		{"", `write days such as "mon-fri"`},
		{"mon-", `unknown day ""`},
		{"mon,mon", "Monday is named twice"},
		{"mon-fri,wed", "Wednesday is named twice"},
		{"thur", `did you mean "thu"?`},
		{"måndag", `write days such as "mon-fri"`},
		{"mon-wed-fri", `unknown day "wed-fri"`},
	} {
		if got, err := ParseDays(test.in); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, %v, want %q in it", test.in, got, err, test.want)
		}
	}
}

func TestParseSpan(t *testing.T) {
	for _, test := range []struct {
		in   string
		want Span
	}{
		{"09:00-12:00", Span{540, 720}},
		{"22:00-24:00", Span{1320, 1440}},
		{"00:00-24:00", Span{0, 1440}},
		{" 9:00 – 17:30 ", Span{540, 1050}},
	} {
		if got, err := ParseSpan(test.in); err != nil || got != test.want {
			t.Errorf("%q: %v, %v, want %v", test.in, got, err, test.want)
		}
		if back, err := ParseSpan(test.want.String()); err != nil || back != test.want {
			t.Errorf("%v does not read back: %v, %v", test.want, back, err)
		}
	}
	for _, test := range []struct{ in, want string }{
		{"", "write the start and the end"},
		{"9-17", "write minutes too: 09:00"},
		{"09:00-25:00", "past the end of the day"},
		{"09:00-24:01", "past the end of the day"},
		{"09:60-10:00", "past the end of the day"},
		{"09:00-09:00", "it is empty"},
		{"22:00-06:00", `"22:00-24:00" on one day and "00:00-06:00" on the next`},
		{"22:00-00:00", `write the end of the day as 24:00: "22:00-24:00"`},
		{"0900-1700", "is not a time of day"},
		{"+9:00-17:00", "is not a time of day"},
		{"9:0-17:00", "is not a time of day"},
	} {
		if got, err := ParseSpan(test.in); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, %v, want %q in it", test.in, got, err, test.want)
		}
	}
}
