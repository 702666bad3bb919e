package calendar

import (
	"strings"
	"testing"
	"time"
)

func TestWeekInOneLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"mon-fri 09:00-17:00", "mon-fri 09:00-17:00"},
		{"Mon-Thu: 13:00-17:30, 9:00-12:00; fri 9:00-15:00", "mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00"},
		{"sat,sun 10:00-14:00\nwed 00:00-24:00", "wed 00:00-24:00; sat-sun 10:00-14:00"},
		{"sun-thu 08:00-16:00;", "mon-thu 08:00-16:00; sun 08:00-16:00"},
		{" Always ", "always"},
		{"mon-sun 00:00-24:00", "always"},
	} {
		w, err := ParseWeek(c.text)
		if err != nil || w.String() != c.want {
			t.Errorf("%q is %q (%v), want %q", c.text, w, err, c.want)
		}
	}
	for _, c := range []struct{ text, says string }{
		{"", "no working hours"},
		{"mon-fri", "has none"},
		{"mon-fri 9-5", "write minutes too"},
		{"mon-fri 17:00-09:00", "ends before it starts"},
		{"mon 09:00-12:00 11:00-13:00", "starts before the span ahead of it ends"},
		{"mon-fri 09:00-17:00; fri 10:00-12:00", "named twice"},
		{"09:00-17:00", "unknown day"},
	} {
		if w, err := ParseWeek(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q is %q (%v), want an error that says %q", c.text, w, err, c.says)
		}
	}
}

func FuzzParseWeek(f *testing.F) {
	f.Add("mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00")
	f.Add("always")
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWeek(s)
		if err != nil {
			return
		}
		again, err := ParseWeek(w.String())
		if err != nil || !again.same(w) {
			t.Errorf("%q is written %q, which is read as %q (%v)", s, w, again, err)
		}
		if _, err := New(time.UTC, w, nil); err != nil {
			t.Errorf("%q makes no calendar: %v", s, err)
		}
	})
}

// A calendar with other hours closes when the one it is made of does.
func TestCalendarWithOtherHours(t *testing.T) {
	stockholm, err := LoadZone("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	york, err := LoadZone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	week, _ := ParseWeek("mon-fri 09:00-17:00")
	early, _ := ParseWeek("mon-fri 07:00-15:00")
	c, err := New(stockholm, week, []Closure{ClosedOn(Date{2026, time.March, 3}, "")})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		zone *time.Location
		week *Week
		want string
	}{
		{nil, nil, "2026-03-04T08:00:00Z"},
		{york, nil, "2026-03-04T14:00:00Z"},
		{nil, &early, "2026-03-04T06:00:00Z"},
		{york, &early, "2026-03-04T12:00:00Z"},
	} {
		other, err := c.With(x.zone, x.week)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, time.March, 3, 12, 0, 0, 0, time.UTC)
		if got := time.UnixMicro(other.NextOpening(at.UnixMicro())).UTC().Format(time.RFC3339); got != x.want {
			t.Errorf("in %s, %v: opens %s, want %s", other.Zone(), x.week, got, x.want)
		}
	}
}
