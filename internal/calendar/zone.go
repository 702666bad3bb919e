package calendar

import (
	"fmt"
	"math"
	"sort"
	"time"
	_ "time/tzdata" // a deadline must not depend on what the machine has installed
)

// LoadZone finds a time zone of the IANA database, such as "Europe/Stockholm".
// Unlike time.LoadLocation it refuses the machine's own zone.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("reading time zone %q: write a place, such as \"Europe/Stockholm\", or \"UTC\"", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("reading time zone %q: it is not in the time zone database; write a place, such as \"Europe/Stockholm\", or \"UTC\"", clip(name))
	}
	return zone, nil
}

// offset is a stretch of time in which a zone keeps one distance from UTC. It
// lasts until the next one in the list begins.
type offset struct {
	since  int64 // UTC microseconds; the first of a list has no beginning
	local  int64 // what the wall clock shows at since, as microseconds since 1970-01-01 00:00 local
	ofZone int64 // microseconds east of UTC
}

// offsets lists the changes of a zone's clocks between the two instants. It is
// the table that arithmetic runs on, so that none of it asks package time.
func offsets(zone *time.Location, from, to int64) []offset {
	t := time.UnixMicro(from).In(zone)
	_, seconds := t.Zone()
	list := []offset{{since: math.MinInt64, local: math.MinInt64, ofZone: int64(seconds) * second}}
	for {
		_, end := t.ZoneBounds()
		if end.IsZero() || end.UnixMicro() >= to {
			return list
		}
		if !end.After(t) {
			// Far in the future Go makes up the years from a rule, and in leap years
			// ends them on 31 December at 00:00: bounds that do not contain t itself.
			end = t.Add(time.Hour)
		}
		t = end.In(zone)
		_, seconds := t.Zone()
		// A zone may change only its name; that is no change of the clock.
		if east := int64(seconds) * second; east != list[len(list)-1].ofZone {
			since := t.UnixMicro()
			list = append(list, offset{since: since, local: since + east, ofZone: east})
		}
	}
}

// offsetAt is the index of the offset in force at an instant.
func (c *Calendar) offsetAt(at int64) int {
	return sort.Search(len(c.offsets)-1, func(i int) bool { return c.offsets[i+1].since > at })
}

// dayStart is the instant from which the wall clock never again shows a date
// before day: midnight, or the end of the gap when midnight is skipped. The days
// of a calendar are the stretches between these instants.
func (c *Calendar) dayStart(n int) int64 {
	midnight := int64(n) * day
	i := sort.Search(len(c.offsets)-1, func(i int) bool { return c.offsets[i+1].local >= midnight })
	start := midnight - c.offsets[i].ofZone
	if i+1 < len(c.offsets) {
		start = min(start, c.offsets[i+1].since)
	}
	return start
}

// Day is the local date at an instant as a count of days since 1970-01-01. It
// never runs backwards: where clocks are put back across midnight, the minutes
// of the new date before the change belong to the old one.
func (c *Calendar) Day(at int64) int {
	// The clamp keeps the sum below from overflowing; it is 292 thousand years away.
	at = max(min(at, math.MaxInt64-2*day), math.MinInt64+2*day)
	i := c.offsetAt(at)
	n := floorDiv(at+c.offsets[i].ofZone, day)
	if i+1 < len(c.offsets) && c.offsets[i+1].local < n*day {
		n--
	}
	return int(n)
}
