package channel

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestScheduleIsThatOfStandardWebhooks(t *testing.T) {
	s := DefaultSchedule()
	s.Spread = 0
	var since time.Duration
	var got []string
	for tries := 0; ; tries++ {
		after, giveUp := s.Next("d_1", tries, Result{Outcome: Later})
		if giveUp {
			break
		}
		since += after
		got = append(got, since.String())
	}
	want := []string{"0s", "5s", "5m5s", "35m5s", "2h35m5s", "7h35m5s", "17h35m5s", "31h35m5s", "51h35m5s", "75h35m5s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("times since the first try (-want +got):\n%s", diff)
	}
	if s.Until() != since {
		t.Errorf("%s until the last", s.Until())
	}
}

func TestNext(t *testing.T) {
	s := DefaultSchedule()
	s.Spread = 0
	for _, c := range []struct {
		name   string
		tries  int
		r      Result
		after  time.Duration
		giveUp bool
	}{
		{"not tried", 0, Result{}, 0, false},
		{"done", 1, Result{Outcome: Done}, 0, true},
		{"never", 1, Result{Outcome: Never}, 0, true},
		{"gone", 1, Result{Outcome: Gone, After: time.Hour}, 0, true},
		{"later", 1, Result{Outcome: Later}, 5 * time.Second, false},
		{"asked to wait", 1, Result{Outcome: Later, After: time.Minute}, time.Minute, false},
		{"asked to come sooner", 4, Result{Outcome: Later, After: time.Second}, 2 * time.Hour, false},
		{"asked to wait for a year", 1, Result{Outcome: Later, After: 365 * 24 * time.Hour}, 24 * time.Hour, false},
		{"the last", 9, Result{Outcome: Later}, 24 * time.Hour, false},
		{"after the last", 10, Result{Outcome: Later, After: time.Minute}, 0, true},
		{"long after", 1000, Result{Outcome: Later}, 0, true},
		{"a count that cannot be", -1, Result{Outcome: Later}, 0, false},
	} {
		if after, giveUp := s.Next("d_1", c.tries, c.r); after != c.after || giveUp != c.giveUp {
			t.Errorf("%s: %s, %v", c.name, after, giveUp)
		}
	}
	if _, giveUp := (Schedule{}).Next("d_1", 0, Result{}); !giveUp {
		t.Error("a schedule without tries goes on")
	}
}

// The spread only lengthens, within its bound, the same each time, and not by the same for all.
func TestSpread(t *testing.T) {
	s, flat := DefaultSchedule(), DefaultSchedule()
	flat.Spread = 0
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "id")
		tries := rapid.IntRange(0, 9).Draw(t, "tries")
		r := Result{Outcome: Later, After: time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "after"))}
		least, _ := flat.Next(id, tries, r)
		after, giveUp := s.Next(id, tries, r)
		again, _ := s.Next(id, tries, r)
		if giveUp || after < least || after > least+least/5 || after != again {
			t.Fatalf("%s, then %s, of %s", after, again, least)
		}
	})
	seen := map[time.Duration]bool{}
	for _, id := range []string{"d_1", "d_2", "d_3", "d_4"} {
		for tries := range 3 {
			after, _ := s.Next(id, tries+1, Result{Outcome: Later, After: time.Hour})
			seen[after] = true
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d different times of 12", len(seen))
	}
}
