package calendar

import (
	"testing"
	"time"
)

// benchCalendar is an office with a holiday a month for the whole horizon.
func benchCalendar(t testing.TB) *Calendar {
	var holidays []Closure
	for year := FirstYear; year <= LastYear; year++ {
		for month := time.January; month <= time.December; month++ {
			holidays = append(holidays, ClosedOn(Date{year, month, 6}, "holiday"))
		}
	}
	return mustNew(t, "Europe/Stockholm", weekOf(t, "mon-fri", "09:00-12:00 13:00-17:30"), holidays...)
}

var sink int64 // keeps the compiler from dropping what is measured

func TestNoAllocations(t *testing.T) {
	c := benchCalendar(t)
	at := instant(t, c.Zone(), "2026-06-05 15:00")
	for _, test := range []struct {
		name string
		run  func()
	}{
		{"add hours", func() { sink += c.Add(at, Duration{4 * hour, WorkingTime}) }},
		{"add days", func() { sink += c.Add(at, Duration{90 * DayAmount, WorkingDays}) }},
		{"between", func() { sink += c.Between(at, at+90*day, WorkingTime) }},
		{"between in days", func() { sink += c.Between(at, at+90*day, WorkingDays) }},
		{"next opening", func() { sink += c.NextOpening(at + day) }},
		{"day", func() { sink += int64(c.Day(at)) }},
		{"open", func() {
			if c.Open(at) {
				sink++
			}
		}},
	} {
		if n := testing.AllocsPerRun(100, test.run); n != 0 {
			t.Errorf("%s: %v allocations, want none", test.name, n)
		}
	}
}

func BenchmarkCalendar(b *testing.B) {
	c := benchCalendar(b)
	at := instant(b, c.Zone(), "2026-06-05 15:00")
	for _, bench := range []struct {
		name string
		run  func() int64
	}{
		{"Add 4 working hours", func() int64 { return c.Add(at, Duration{4 * hour, WorkingTime}) }},
		{"Add 90 working days", func() int64 { return c.Add(at, Duration{90 * DayAmount, WorkingDays}) }},
		{"Add 720 working hours", func() int64 { return c.Add(at, Duration{720 * hour, WorkingTime}) }},
		{"Between over 90 days", func() int64 { return c.Between(at, at+90*day, WorkingTime) }},
		{"Between over 90 days in days", func() int64 { return c.Between(at, at+90*day, WorkingDays) }},
		{"NextOpening", func() int64 { return c.NextOpening(at + day) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink += bench.run()
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	week, zone := officeWeek(b), mustZone(b, "Europe/Stockholm")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(zone, week, nil); err != nil {
			b.Fatal(err)
		}
	}
}
