package calendar

import (
	"fmt"
	"sort"
	"testing"
	"time"

	"github.com/rickar/cal/v2"
	"pgregory.net/rapid"
)

// oracle knows what is open minute by minute, by asking package time what the
// wall clock shows. It is slow and has no cleverness to be wrong about.
type oracle struct {
	c     *Calendar
	start int64  // instant of minute 0
	open  []bool // by minute since
	day   []int  // by minute: index into sum
	sum   []int64
	done  []int64 // by minute: working minutes before it
}

func newOracle(c *Calendar, week Week, closures []Closure, from, to int64) *oracle {
	o := &oracle{c: c, start: from, done: []int64{0}}
	days := map[int]int{}
	for at := from; at < to; at += minute {
		wall := time.UnixMicro(at).In(c.zone)
		reading := wall.Hour()*60 + wall.Minute()
		open := false
		for _, s := range week[wall.Weekday()] {
			open = open || s.From <= reading && reading < s.To
		}
		now := Civil{dateOf(wall), reading}.minutes()
		for _, cl := range closures {
			open = open && (now < cl.From.minutes() || now >= cl.To.minutes())
		}
		n := dateOf(wall).number()
		if _, ok := days[n]; !ok {
			days[n] = len(o.sum)
			o.sum = append(o.sum, 0)
		}
		worked := int64(0)
		if open {
			worked = 1
		}
		o.open = append(o.open, open)
		o.day = append(o.day, days[n])
		o.sum[days[n]] += worked
		o.done = append(o.done, o.done[len(o.done)-1]+worked)
	}
	return o
}

func (o *oracle) minute(at int64) int { return int((at - o.start) / minute) }

// at is the working microseconds before an instant.
func (o *oracle) at(at int64) int64 {
	i := o.minute(at)
	worked := o.done[i] * minute
	if i < len(o.open) && o.open[i] {
		worked += at - o.start - int64(i)*minute
	}
	return worked
}

// daysAt is working days before an instant, as the definition says, in floating
// point: each day in proportion to its working time.
func (o *oracle) daysAt(at int64) float64 {
	i := o.minute(at)
	days := 0.0
	for n := range o.day[i] {
		if o.sum[n] > 0 {
			days++
		}
	}
	if sum := o.sum[o.day[i]]; sum > 0 {
		first := sort.SearchInts(o.day, o.day[i])
		days += float64(o.at(at)-o.done[first]*minute) / float64(sum*minute)
	}
	return days
}

// zones where clocks do unusual things, each with an instant close to one.
var turns = []struct {
	zone string
	near string
}{
	{"Europe/Stockholm", "2026-03-29"}, {"Europe/Stockholm", "2026-10-25"}, {"Europe/Stockholm", "2027-12-31"},
	{"America/New_York", "2026-03-08"}, {"America/New_York", "2026-11-01"}, {"America/New_York", "2028-02-29"},
	{"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2026-10-04"},
	{"Asia/Kolkata", "2026-06-06"}, {"Asia/Kathmandu", "1986-01-01"},
	{"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2018-02-18"},
	{"Africa/Cairo", "2026-04-24"}, {"Africa/Cairo", "2026-10-30"},
	{"America/Havana", "2026-03-08"}, {"America/Havana", "2026-11-01"},
	{"Africa/Casablanca", "2026-02-15"}, {"Africa/Casablanca", "2026-03-22"},
	{"Antarctica/Troll", "2026-03-29"}, {"Antarctica/Troll", "2026-10-25"},
	{"Pacific/Apia", "2011-12-30"}, {"Pacific/Kwajalein", "1993-08-21"},
	{"America/Nuuk", "2026-03-28"}, {"Asia/Gaza", "2026-10-31"}, {"UTC", "2026-01-01"},
	{"America/New_York", "2096-12-31"}, {"Australia/Lord_Howe", "2099-10-04"},
}

func drawWeek(t *rapid.T) Week {
	if rapid.IntRange(0, 9).Draw(t, "always") == 0 {
		return Always()
	}
	var w Week
	for d := range w {
		edges := rapid.SliceOfNDistinct(rapid.IntRange(0, 96), 0, 6, rapid.ID).Draw(t, fmt.Sprintf("day%d", d))
		sort.Ints(edges)
		for i := 0; i+1 < len(edges); i += 2 {
			w[d] = append(w[d], Span{edges[i] * 15, edges[i+1] * 15})
		}
	}
	if w.check() != nil {
		w[time.Monday] = []Span{{540, 1020}}
	}
	return w
}

func drawClosures(t *rapid.T, near Date) []Closure {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Closure {
		from := near.number()*dayMinutes + rapid.IntRange(-dayMinutes, dayMinutes).Draw(t, "from")*5
		return Closure{From: civilOf(from), To: civilOf(from + rapid.IntRange(1, 2*dayMinutes).Draw(t, "length"))}
	}), 0, 4).Draw(t, "closures")
}

// TestAgreesWithTheClock compares every operation with the minute-by-minute
// oracle, on random calendars over a fortnight around a change of the clocks.
func TestAgreesWithTheClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		turn := rapid.SampledFrom(turns).Draw(t, "turn")
		near, _ := ParseDate(turn.near)
		zone, err := LoadZone(turn.zone)
		if err != nil {
			t.Fatal(err)
		}
		week, closures := drawWeek(t), drawClosures(t, near)
		c, err := New(zone, week, closures)
		if err != nil {
			t.Fatal(err)
		}
		base := int64(near.number()) * day
		o := newOracle(c, week, closures, base-9*day, base+9*day)
		for range 20 {
			at := base + rapid.Int64Range(-6*day, 2*day).Draw(t, "at")
			to := at + rapid.Int64Range(0, 4*day).Draw(t, "length")
			if rapid.Bool().Draw(t, "whole minutes") {
				at, to = at/minute*minute, to/minute*minute
			}
			if got, want := c.Open(at), o.open[o.minute(at)]; got != want {
				t.Fatalf("open at %s: %v, want %v", show(zone, at), got, want)
			}
			if got, want := c.Between(at, to, WorkingTime), o.at(to)-o.at(at); got != want {
				t.Fatalf("between %s and %s: %d, want %d", show(zone, at), show(zone, to), got, want)
			}
			days := Duration{c.Between(at, to, WorkingDays), WorkingDays}
			if want := (o.daysAt(to) - o.daysAt(at)) * DayAmount; float64(days.Amount) < want-2 || float64(days.Amount) > want+2 {
				t.Fatalf("days between %s and %s: %d, want %.1f", show(zone, at), show(zone, to), days.Amount, want)
			}
			if got, want := c.Day(at), dateOf(time.UnixMicro(at).In(zone)).number(); got != want {
				t.Fatalf("day of %s: %d, want %d", show(zone, at), got, want)
			}
			next, i := c.NextOpening(at), o.minute(at)
			for i < len(o.open) && !o.open[i] {
				i++
			}
			if want := max(at, o.start+int64(i)*minute); i < len(o.open) && next != want {
				t.Fatalf("opening from %s: %s, want %s", show(zone, at), show(zone, next), show(zone, want))
			}
			// The first instant by which as much has been worked as up to there.
			if worked := o.at(to) - o.at(at); worked > 0 {
				got := c.Add(at, Duration{worked, WorkingTime})
				if got > to || o.at(got) != o.at(to) || o.at(got-1) != o.at(to)-1 {
					t.Fatalf("%s + %d working: %s is not the first instant", show(zone, at), worked, show(zone, got))
				}
			}
		}
	})
}

// TestAddAndBetween holds over years rather than days, without an oracle.
func TestAddAndBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		turn := rapid.SampledFrom(turns).Draw(t, "turn")
		near, _ := ParseDate(turn.near)
		zone, err := LoadZone(turn.zone)
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(zone, drawWeek(t), drawClosures(t, near))
		if err != nil {
			t.Fatal(err)
		}
		base := int64(near.number()) * day
		for range 20 {
			at := base + rapid.Int64Range(-30*day, 30*day).Draw(t, "at")
			later := at + rapid.Int64Range(0, 3*day).Draw(t, "later")
			for _, d := range []Duration{
				{rapid.Int64Range(1, 400*day).Draw(t, "wall"), Wall},
				{rapid.Int64Range(1, 400*day).Draw(t, "time"), WorkingTime},
				{rapid.Int64Range(1, 400*DayAmount).Draw(t, "days"), WorkingDays},
				{rapid.Int64Range(1, 400).Draw(t, "whole days") * DayAmount, WorkingDays},
			} {
				due := c.Add(at, d)
				if due == Never {
					if left := c.Between(at, Never, d.Unit); left >= d.Amount {
						t.Fatalf("%s + %s is never, but there is %d left", show(zone, at), d, left)
					}
					continue
				}
				// Closures can leave a day of one minute, and then a microsecond is 16.7 nano-days.
				slack := int64(0)
				if d.Unit == WorkingDays {
					slack = 17
				}
				if due <= at {
					t.Fatalf("%s + %s = %s is not later", show(zone, at), d, show(zone, due))
				}
				if got := c.Between(at, due, d.Unit); got < d.Amount || got > d.Amount+slack {
					t.Fatalf("%s + %s = %s, but between them is %d", show(zone, at), d, show(zone, due), got)
				}
				if got := c.Between(at, due-1, d.Unit); got >= d.Amount {
					t.Fatalf("%s + %s = %s is not the first instant", show(zone, at), d, show(zone, due))
				}
				if back := c.Between(due, at, d.Unit); back != -c.Between(at, due, d.Unit) {
					t.Fatalf("backwards from %s: %d", show(zone, due), back)
				}
				if c.Add(later, d) < due {
					t.Fatalf("%s + %s comes before %s + the same", show(zone, later), d, show(zone, at))
				}
				more := Duration{d.Amount + rapid.Int64Range(0, d.Amount).Draw(t, "more"), d.Unit}
				if c.Add(at, more) < due {
					t.Fatalf("%s + %s comes before + %s", show(zone, at), more, d)
				}
				if d.Unit == WorkingTime {
					half := Duration{d.Amount / 2, d.Unit}
					rest := Duration{d.Amount - half.Amount, d.Unit}
					if got := c.Add(c.Add(at, half), rest); got != due {
						t.Fatalf("%s + %s in two halves: %s, want %s", show(zone, at), d, show(zone, got), show(zone, due))
					}
				}
			}
			if next := c.NextOpening(at); next != Never && (next < at || !c.Open(next) || next > at && c.Open(next-1)) {
				t.Fatalf("opening from %s: %s", show(zone, at), show(zone, next))
			}
			if a, b := c.Day(at), c.Day(later); a > b {
				t.Fatalf("day runs back from %d at %s to %d at %s", a, show(zone, at), b, show(zone, later))
			}
		}
	})
}

// TestDayBoundaries checks, for every change of the clocks that zones know, that
// a day starts where package time says the date changes for good.
func TestDayBoundaries(t *testing.T) {
	seen := map[string]bool{}
	for _, turn := range turns {
		if seen[turn.zone] {
			continue
		}
		seen[turn.zone] = true
		c := mustNew(t, turn.zone, Always())
		for i := range c.offsets[1:] {
			if i > 0 && c.offsets[i+1].local <= c.offsets[i].local {
				t.Fatalf("%s: changes of the clocks overlap at %s", turn.zone, show(c.zone, c.offsets[i+1].since))
			}
			change := c.offsets[i+1].since
			for at := change - 2*day; at <= change+2*day; at += hour {
				// Readings come from zone data; offsets has to agree with it.
				if _, seconds := time.UnixMicro(at).In(c.zone).Zone(); int64(seconds)*second != c.offsets[c.offsetAt(at)].ofZone {
					t.Fatalf("%s: offset at %s", turn.zone, show(c.zone, at))
				}
				n := c.Day(at)
				if start, end := c.dayStart(n), c.dayStart(n+1); at < start || at >= end {
					t.Fatalf("%s: %s is on day %d, which is %s to %s", turn.zone, show(c.zone, at), n, show(c.zone, start), show(c.zone, end))
				}
			}
		}
	}
}

// TestAgreesWithCal compares with rickar/cal, which knows one span a day, no
// clock changes, and the same hours every day.
func TestAgreesWithCal(t *testing.T) {
	c := mustNew(t, "Asia/Kolkata", officeWeek(t), ClosedOn(Date{2026, time.October, 2}, "Gandhi Jayanti"))
	other := cal.NewBusinessCalendar()
	other.SetWorkHours(9*time.Hour, 17*time.Hour)
	other.AddHoliday(&cal.Holiday{Name: "Gandhi Jayanti", Month: time.October, Day: 2, Func: cal.CalcDayOfMonth})
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(2026, time.January, 1, 0, rapid.IntRange(0, 360*dayMinutes).Draw(t, "at"), 0, 0, c.Zone())
		hours := time.Duration(rapid.IntRange(1, 400*60).Draw(t, "minutes")) * time.Minute
		if at.Add(5*hours).Year() > 2026 {
			return // cal is given the holiday of one year only
		}
		got := c.Add(at.UnixMicro(), Duration{hours.Microseconds(), WorkingTime})
		if worked := other.WorkHoursInRange(at, time.UnixMicro(got).In(c.Zone())); worked != hours {
			t.Fatalf("%s + %s: cal finds %s", at, hours, worked)
		}
		to := at.Add(hours)
		if got, want := c.Between(at.UnixMicro(), to.UnixMicro(), WorkingTime), other.WorkHoursInRange(at, to); got != want.Microseconds() {
			t.Fatalf("between %s and %s: %d, cal finds %d", at, to, got, want.Microseconds())
		}
		if got, want := c.Open(at.UnixMicro()), other.IsWorkTime(at); got != want && !(at.Hour() == 17 && at.Minute() == 0) {
			t.Fatalf("open at %s: %v, cal finds %v", at, got, want) // cal includes the closing time itself
		}
		if days := rapid.IntRange(1, 60).Draw(t, "days"); other.IsWorkTime(at) && at.Hour() < 17 && at.AddDate(0, 0, 2*days).Year() == 2026 && at.Hour()+at.Minute() > 9 {
			got := c.Add(at.UnixMicro(), Duration{int64(days) * DayAmount, WorkingDays})
			if want := other.WorkdaysFrom(at, days); got != want.UnixMicro() {
				t.Fatalf("%s + %d working days: %s, cal finds %s", at, days, show(c.Zone(), got), want)
			}
		}
	})
}
