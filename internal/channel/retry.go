package channel

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Schedule says when to try again. The zero value has no tries; start from DefaultSchedule.
type Schedule struct {
	// Delays are the times from one try to the next: the first is before the first try.
	Delays []time.Duration
	// Spread is how far, in hundredths, a delay may be lengthened, so that what failed together is not tried
	// again together.
	Spread int
	// Longest is the most that a request to wait (Result.After) can delay a try.
	Longest time.Duration
}

// DefaultSchedule returns the schedule that Standard Webhooks gives as its example: ten tries in a little over
// three days.
func DefaultSchedule() Schedule {
	return Schedule{
		Delays: []time.Duration{
			0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour,
			5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
		},
		Spread:  20,
		Longest: 24 * time.Hour,
	}
}

// Next says how long after now the next try of a delivery is due, when tries of them were made and the last had
// this result. giveUp is true if there is no next try: nothing more is to be done (Done), nothing more can be
// (Never, Gone), or all tries were made.
//
// The delay of the schedule is a lower bound. A request of the other side to wait longer is honoured up
// to Longest; one to come back sooner is not, or somebody could have all tries used up in seconds. The spread derives
// from the delivery's ID and the try, so that the answer is the same whenever it is asked for, and is only ever added.
func (s Schedule) Next(delivery string, tries int, r Result) (after time.Duration, giveUp bool) {
	if r.Outcome != Later && r.Outcome != NoOutcome || tries >= len(s.Delays) {
		return 0, true
	}
	after = s.Delays[max(tries, 0)]
	after = max(after, min(r.After, s.Longest))
	return after + spread(delivery, tries, after, s.Spread), false
}

// spread returns between nothing and that many hundredths of d, chosen by the delivery and the try.
func spread(delivery string, tries int, d time.Duration, hundredths int) time.Duration {
	if hundredths <= 0 {
		return 0
	}
	text := binary.BigEndian.AppendUint64(nil, uint64(tries))
	sum := sha256.Sum256(append(text, delivery...))
	width := float64(d) * float64(hundredths) / 100
	return time.Duration(width * float64(binary.BigEndian.Uint32(sum[:])) / (1 << 32))
}

// Until returns how long it is from the first try to the last when nobody asks to wait, without the spread.
func (s Schedule) Until() time.Duration {
	var sum time.Duration
	for _, d := range s.Delays {
		sum += d
	}
	return sum
}
