package web

import (
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/lifecycle"
)

// A clock that stands still says until when, or why.
func TestClocksThatStandStill(t *testing.T) {
	a := asking(t)
	a.zone = a.plan.Calendar.Zone() // Stockholm, one hour ahead of UTC in November
	at := func(text string) int64 {
		t.Helper()
		when, err := time.ParseInLocation("2006-01-02 15:04", text, a.zone)
		if err != nil {
			t.Fatal(err)
		}
		return when.UnixMicro()
	}
	working := uint8(calendar.WorkingTime)
	accept := func(due string) lifecycle.Clock {
		return lifecycle.Clock{Name: aClock, Due: at(due), Since: at("2026-11-12 09:00"), Within: 4 * hour, Unit: working, State: lifecycle.Running}
	}
	wall := accept("2026-11-16 10:00")
	wall.Unit, wall.Within = uint8(calendar.Wall), 90*hour
	mine := accept("2026-11-20 10:00")
	mine.Member = aMember
	a.roster.Members[0].Away = []lifecycle.Absence{{From: at("2026-11-12 12:00"), To: at("2026-11-17 18:00")}}
	for _, c := range []struct {
		name, now             string
		clock                 lifecycle.Clock
		state, words, by, why string
		long                  string
		near                  bool
	}{
		{"at work", "2026-11-13 09:30", accept("2026-11-13 11:30"), "go", "2 h", "by 11:30", "", "2 h of working time left, by 11:30", false},
		{"over lunch", "2026-11-13 12:20", accept("2026-11-13 14:00"), "paused", "Paused", "until 13:00", "", "Paused until 13:00: outside working hours. Left then: 1 h, by 14:00.", false},
		{"over the weekend", "2026-11-14 20:00", accept("2026-11-16 09:00"), "paused", "Paused", "until Mon 08:30", "", "Paused until Mon 08:30: outside working hours. Left then: 30 min, by Mon 09:00.", true},
		{"over Christmas", "2026-12-23 22:00", accept("2026-12-28 10:00"), "paused", "Paused", "until Mon 08:30", "", "Paused until Mon 08:30: outside working hours. Left then: 1 h 30 min, by Mon 10:00.", false},
		{"by the wall", "2026-11-14 20:00", wall, "go", "38 h", "by Mon 10:00", "", "38 h left, by Mon 10:00", false},
		{"over at night", "2026-11-14 20:00", accept("2026-11-13 15:00"), "late", "1 h over", "was Fri 15:00", "", "1 h over, was Fri 15:00", false},
		{"away", "2026-11-13 09:30", mine, "paused", "Paused", "until Wed 08:30", "", "Paused until Wed 08:30: Johan Lind is away. Left then: 16 h, by 20 Nov, 10:00.", false},
		{"asked to wait", "2026-11-13 09:30", lifecycle.Clock{Name: "clocks.next_step", Due: agreement.Never, State: lifecycle.Paused}, "paused", "Paused", "by agreement",
			"Paused while the answer to “When do they want to have it?” is later.", "Paused while the answer to “When do they want to have it?” is later.", false},
	} {
		a.now = time.UnixMicro(at(c.now))
		got := a.left(a.plan, &c.clock)
		if got.State != c.state || got.Words != c.words || got.By != c.by || got.Why != c.why || got.Long != c.long || got.Near != c.near {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.why != "" && got.Clause != c.clock.Name+".pause" {
			t.Errorf("%s: cites %q", c.name, got.Clause)
		}
	}
}
