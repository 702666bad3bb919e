package lifecycle

import (
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// Why a message waits.
const (
	WaitsForWork   = "working hours"
	WaitsForQuiet  = "quiet hours"
	WaitsForDigest = "digest"
	WaitsForReturn = "absence"
)

// waits returns when a message of an alert goes out to somebody, and for what it waits until then; "" for nothing.
//
//   - A digest comes at its time. One that is daily leaves out days on which the reader does not work, unless the alert
//     has quiet hours of its own.
//   - What is not urgent waits for the reader's working hours, and until they are back. An alert with quiet hours of its own
//     waits for the end of those, urgent or not; with none, for nothing.
func waits(plan *agreement.Plan, r *Roster, alert *agreement.Alert, to string, urgent bool, at int64) (due int64, why string) {
	quiet, digest := agreement.Quiet{}, agreement.Digest{}
	if alert != nil {
		quiet, digest = alert.Quiet, alert.Digest
	}
	if quiet.Kind == agreement.QuietUsual {
		quiet.Kind = agreement.QuietOutside
		if urgent {
			quiet.Kind = agreement.QuietNever
		}
	}
	hours := HoursOf(plan, r, to)
	due = at
	switch {
	case digest.Daily:
		due = daily(hours, quiet.Kind == agreement.QuietOutside, digest.At, at)
		why = WaitsForDigest
	case digest.Every > 0:
		due = slot(hours.Zone(), digest.Every, at)
		why = WaitsForDigest
	}
	if why != "" && due == at {
		why = ""
	}
	later := func(to int64, reason string) {
		if to > due {
			due, why = to, reason
		}
	}
	switch quiet.Kind {
	case agreement.QuietOutside:
		if digest.Daily {
			if m := r.Member(to); m != nil && m.away(due) {
				later(daily(hours, true, digest.At, m.back(due)), WaitsForReturn)
			}
			break
		}
		later(hours.NextOpening(due), WaitsForWork)
		if m := r.Member(to); m != nil && m.away(due) {
			later(atWork(plan, r, to, due), WaitsForReturn)
		}
	case agreement.QuietSpan:
		later(quietEnd(hours.Zone(), &quiet, due), WaitsForQuiet)
	}
	return due, why
}

// clockAt returns the instant of a time of day on a local date, which may have to be put right: in a spring night an hour
// is not there, and the one after it serves.
func clockAt(zone *time.Location, day time.Time, minutes int) int64 {
	return time.Date(day.Year(), day.Month(), day.Day(), minutes/60, minutes%60, 0, 0, zone).UnixMicro()
}

// digestDays is how far ahead a day is looked for on which somebody works.
const digestDays = 400

// daily returns the first time a clock shows a time of day, not before an instant; if it has to be, on a day with any
// working time.
func daily(hours *calendar.Calendar, works bool, minutes int, at int64) int64 {
	zone := hours.Zone()
	day := time.UnixMicro(at).In(zone)
	first := int64(0)
	for range digestDays {
		t := clockAt(zone, day, minutes)
		next := day.AddDate(0, 0, 1)
		if t >= at {
			if first == 0 {
				first = t
			}
			if !works || hours.NextOpening(clockAt(zone, day, 0)) < clockAt(zone, next, 0) {
				return t
			}
		}
		day = next
	}
	return first // nobody ever works here
}

// slot returns the end of the stretch of a length that an instant is in; stretches begin at midnight.
func slot(zone *time.Location, length, at int64) int64 {
	day := time.UnixMicro(at).In(zone)
	midnight, next := clockAt(zone, day, 0), clockAt(zone, day.AddDate(0, 0, 1), 0)
	n := (at - midnight + length - 1) / length
	return min(midnight+n*length, next)
}

// quietEnd returns the end of the quiet hours that an instant is in, the instant itself if it is in none.
func quietEnd(zone *time.Location, q *agreement.Quiet, at int64) int64 {
	today := time.UnixMicro(at).In(zone)
	for _, days := range []int{-1, 0} { // those that began yesterday, and today
		begin := today.AddDate(0, 0, days)
		end := begin
		if q.To <= q.From {
			end = begin.AddDate(0, 0, 1)
		}
		if from, to := clockAt(zone, begin, q.From), clockAt(zone, end, q.To); from <= at && at < to {
			return to
		}
	}
	return at
}
