package calendar

import (
	"testing"

	"pgregory.net/rapid"
)

func TestBack(t *testing.T) {
	c := mustNew(t, "Europe/Stockholm", officeWeek(t), closed(t, "2026-03-10 00:00", "2026-03-11 00:00", "closed"))
	for _, test := range []struct{ at, before, want string }{
		{"2026-03-09 10:00", "1 working hour", "2026-03-09 09:00"},
		{"2026-03-09 10:00", "2 working hours", "2026-03-06 16:00"},
		{"2026-03-09 09:00", "1 working hour", "2026-03-06 16:00"},
		{"2026-03-11 12:00", "1 working day", "2026-03-09 12:00"},
		{"2026-03-11 12:00", "30 minutes", "2026-03-11 11:30"},
		{"2026-03-29 12:00", "24 hours", "2026-03-28 11:00"}, // the clocks went forward
		{"2026-03-09 10:00", "0 hours", "2026-03-09 10:00"},
	} {
		d, err := ParseDuration(test.before)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(c.Zone(), c.Back(instant(t, c.Zone(), test.at), d)); got != show(c.Zone(), instant(t, c.Zone(), test.want)) {
			t.Errorf("%s before %s is %s, not %s", test.before, test.at, got, test.want)
		}
	}
}

// What Back finds is enough, and a microsecond later is not.
func TestBackIsTheLatest(t *testing.T) {
	c := mustNew(t, "Europe/Stockholm", officeWeek(t))
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(1_700_000_000_000_000, 1_900_000_000_000_000).Draw(t, "at")
		d := Duration{rapid.Int64Range(1, 40*DayAmount).Draw(t, "amount"), Unit(rapid.IntRange(0, 2).Draw(t, "unit"))}
		from := c.Back(at, d)
		if c.Between(from, at, d.Unit) < d.Amount || c.Between(from+1, at, d.Unit) >= d.Amount {
			t.Fatalf("%v before %d is %d, from which %d elapses, and %d from the next", d, at, from, c.Between(from, at, d.Unit), c.Between(from+1, at, d.Unit))
		}
	})
}
