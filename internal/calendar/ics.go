package calendar

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
)

// Bounds on a holiday file, far above any real one.
const (
	maxICSBytes    = 1 << 20
	maxICSEvents   = 5_000
	maxICSRules    = 500
	maxICSDepth    = 8
	maxICSClosures = 50_000
)

// Holidays is what an iCalendar file says about when nobody works.
type Holidays struct {
	Closures  []Closure // sorted by when they start
	Cancelled int       // events left out because they are cancelled (STATUS:CANCELLED)
}

// Times returns when the holidays are, in UTC microseconds, as they fall in the zone they were read in: sorted, and not touching.
func (h Holidays) Times(zone *time.Location) [][2]int64 {
	var times [][2]int64
	for _, s := range closedStretches(h.Closures, math.MinInt32, math.MaxInt32) {
		if a, b := instantOf(zone, s.From), instantOf(zone, s.To); a < b {
			times = append(times, [2]int64{a, b})
		}
	}
	return times
}

// instantOf is when the clock on the wall shows so many minutes since 1970-01-01 00:00: the first time if it does twice, and as if
// it had not been put forward if it never does.
func instantOf(zone *time.Location, minutes int) int64 {
	c := civilOf(minutes)
	return time.Date(c.Date.Year, c.Date.Month, c.Date.Day, 0, c.Minute, 0, 0, zone).UnixMicro()
}

// ParseICS reads closures from an iCalendar file (RFC 5545). Each VEVENT closes
// the time it covers:
//
//   - whole days (VALUE=DATE), DTEND being the day after the last;
//   - part of a day, by TZID (a place, or what a VTIMEZONE of the file defines), in UTC,
//     or in zone when it has neither; seconds round outwards to whole minutes;
//   - again and again by RRULE (YEARLY, MONTHLY, WEEKLY or DAILY), from FirstYear
//     to LastYear, and by RDATE; not on an EXDATE, nor where another event with
//     the same UID takes its place by RECURRENCE-ID. A date in EXDATE takes out
//     whatever happens on it.
//
// Cancelled events are counted and left out. TRANSP is not looked at: calendars
// of holidays often mark their days as free time, and a file named as one of holidays
// means them.
// Anything else that is not understood is an error that names the event by its
// line and UID. Files over 1 MiB, 5000 events, 500 recurring events or 50 000
// closures are refused.
func ParseICS(data []byte, zone *time.Location) (Holidays, error) {
	h, err := parseICS(data, zone)
	if err != nil {
		return Holidays{}, fmt.Errorf("reading iCalendar: %w", err)
	}
	return h, nil
}

func parseICS(data []byte, zone *time.Location) (Holidays, error) {
	if zone == nil {
		return Holidays{}, errors.New("it needs a time zone")
	}
	if len(data) > maxICSBytes {
		return Holidays{}, fmt.Errorf("the file has %d bytes; the most is %d", len(data), maxICSBytes)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	lines, err := eventLines(data)
	if err != nil {
		return Holidays{}, err
	}
	file, err := ics.ParseCalendarWithOptions(bytes.NewReader(data), ics.WithUnknownPropertyHandler(ics.AcceptUnknownPropertyHandler))
	if err != nil {
		return Holidays{}, err
	}
	r := &icsReader{zone: zone, zones: map[string]*time.Location{}, defined: file.Timezones(), replaced: map[string][]icsTime{}}
	events := file.Events()
	if len(events) != len(lines) {
		return Holidays{}, errors.New("its BEGIN and END lines do not match")
	}
	located := func(i int, err error) error {
		uid := textOf(events[i], "UID")
		if uid == "" {
			uid = textOf(events[i], "SUMMARY")
		}
		return fmt.Errorf("line %d: event %q: %w", lines[i], clip(uid), err)
	}
	for i, e := range events {
		if err := r.noteReplacement(e); err != nil {
			return Holidays{}, located(i, err)
		}
	}
	for i, e := range events {
		if err := r.read(e); err != nil {
			return Holidays{}, located(i, err)
		}
	}
	sortClosures(r.found.Closures)
	return r.found, nil
}

// eventLines checks the nesting of a file and finds the line of each VEVENT,
// which golang-ical does not keep.
func eventLines(data []byte) ([]int, error) {
	var lines []int
	var open []string
	started := false
	enter := func(line string, number int) error {
		name, value := contentLine(line)
		if !started && line != "" {
			if started = name == "BEGIN" && value == "VCALENDAR"; !started {
				return errors.New("the file does not start with BEGIN:VCALENDAR")
			}
		}
		switch name {
		case "BEGIN":
			if len(open) == maxICSDepth {
				return fmt.Errorf("line %d: components are nested more than %d deep", number, maxICSDepth)
			}
			open = append(open, value)
			if value == "VEVENT" {
				if len(open) != 2 {
					return fmt.Errorf("line %d: a VEVENT has to be directly in the VCALENDAR", number)
				}
				lines = append(lines, number)
			}
		case "END":
			if len(open) == 0 || open[len(open)-1] != value {
				return fmt.Errorf("line %d: END:%s has no BEGIN", number, clip(value))
			}
			open = open[:len(open)-1]
		}
		return nil
	}
	number, began := 0, 0
	var unfolded []byte // lines that start with a blank go on from the one before
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if number > 1 && len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			unfolded = append(unfolded, line[1:]...)
			continue
		}
		if err := enter(string(unfolded), began); err != nil {
			return nil, err
		}
		unfolded, began = append(unfolded[:0], line...), number
	}
	if err := enter(string(unfolded), began); err != nil {
		return nil, err
	}
	switch {
	case len(open) > 0:
		return nil, fmt.Errorf("the file stops before END:%s", clip(open[len(open)-1]))
	case number == 0:
		return nil, errors.New("the file is empty")
	case len(lines) > maxICSEvents:
		return nil, fmt.Errorf("the file has %d events; the most is %d", len(lines), maxICSEvents)
	}
	return lines, nil
}

// contentLine splits a line into name and value, as loosely as golang-ical does.
func contentLine(line string) (name, value string) {
	isName := func(r rune) bool {
		return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-'
	}
	line = strings.TrimLeftFunc(line, func(r rune) bool { return !isName(r) })
	end := strings.IndexFunc(line, func(r rune) bool { return !isName(r) })
	if end < 0 {
		return line, ""
	}
	_, value, _ = strings.Cut(line, ":")
	return line[:end], value
}

// icsReader gathers the closures of one file.
type icsReader struct {
	zone     *time.Location
	zones    map[string]*time.Location // by TZID
	defined  []*ics.VTimezone          // that the file brings along
	replaced map[string][]icsTime      // by UID: occurrences that another event stands in for
	rules    int
	found    Holidays
}

// icsTime is a date, or a time on the wall clock of a zone.
type icsTime struct {
	wall  time.Time // the reading of that clock, held in UTC
	zone  *time.Location
	whole bool // a date; zone is nil
}

// in is t on the clock of another zone.
func (t icsTime) in(zone *time.Location) time.Time {
	if t.whole || t.zone == zone {
		return t.wall
	}
	y, m, d := t.wall.Date()
	hh, mm, ss := t.wall.Clock()
	return wallOf(time.Date(y, m, d, hh, mm, ss, 0, t.zone).In(zone))
}

// wallOf keeps what t's clock shows, and drops its zone.
func wallOf(t time.Time) time.Time {
	y, m, d := t.Date()
	hh, mm, ss := t.Clock()
	return time.Date(y, m, d, hh, mm, ss, 0, time.UTC)
}

func (r *icsReader) noteReplacement(e *ics.VEvent) error {
	p, err := single(e, "RECURRENCE-ID")
	if p == nil || err != nil {
		return err
	}
	if parameter(p, "RANGE") != "" {
		return errors.New("RECURRENCE-ID with RANGE is not supported; write the changed events one by one")
	}
	t, err := r.time(p, p.Value)
	if err != nil {
		return err
	}
	uid := textOf(e, "UID")
	if uid == "" {
		return errors.New("RECURRENCE-ID needs a UID")
	}
	r.replaced[uid] = append(r.replaced[uid], t)
	return nil
}

// event is a VEVENT with its times read.
type event struct {
	start  icsTime
	length time.Duration // on the wall clock
}

func (r *icsReader) read(e *ics.VEvent) error {
	if strings.EqualFold(textOf(e, "STATUS"), "CANCELLED") {
		r.found.Cancelled++
		return nil
	}
	ev, err := r.event(e)
	if err != nil {
		return err
	}
	starts, err := r.occurrences(e, ev.start)
	if err != nil {
		return err
	}
	var excluded []icsTime
	for _, p := range all(e, "EXDATE") {
		times, err := r.times(p)
		if err != nil {
			return err
		}
		excluded = append(excluded, times...)
	}
	replacement, err := single(e, "RECURRENCE-ID")
	if err != nil {
		return err
	}
	if replacement == nil {
		excluded = append(excluded, r.replaced[textOf(e, "UID")]...)
	}
	isOut := exclusions(excluded, ev.start.zone)
	name := strings.ToValidUTF8(strings.TrimSpace(textOf(e, "SUMMARY")), "")
	for _, wall := range starts {
		if isOut(wall) {
			continue
		}
		if err := r.close(event{icsTime{wall, ev.start.zone, ev.start.whole}, ev.length}, name); err != nil {
			return err
		}
	}
	for _, p := range all(e, "RDATE") {
		extra, err := r.extra(p, ev)
		if err != nil {
			return err
		}
		for _, x := range extra {
			if isOut(x.start.in(ev.start.zone)) {
				continue
			}
			if err := r.close(x, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// exclusions indexes EXDATEs, so that long lists of them stay cheap.
func exclusions(excluded []icsTime, zone *time.Location) func(wall time.Time) bool {
	dates, times := map[Date]bool{}, map[int64]bool{}
	for _, x := range excluded {
		if x.whole || zone == nil {
			dates[dateOf(x.wall)] = true
		} else {
			times[x.in(zone).Unix()] = true
		}
	}
	return func(wall time.Time) bool { return times[wall.Unix()] || dates[dateOf(wall)] }
}

// event reads when a VEVENT starts and how long it is.
func (r *icsReader) event(e *ics.VEvent) (event, error) {
	p, err := single(e, "DTSTART")
	if err != nil {
		return event{}, err
	}
	if p == nil {
		return event{}, errors.New("it has no DTSTART")
	}
	var ev event
	if ev.start, err = r.time(p, p.Value); err != nil {
		return event{}, err
	}
	end, err := single(e, "DTEND")
	if err != nil {
		return event{}, err
	}
	length, err := single(e, "DURATION")
	if err != nil {
		return event{}, err
	}
	switch {
	case end != nil && length != nil:
		return event{}, errors.New("it has both DTEND and DURATION")
	case end != nil:
		t, err := r.time(end, end.Value)
		if err != nil {
			return event{}, err
		}
		if t.whole != ev.start.whole {
			return event{}, errors.New("one of DTSTART and DTEND is a date and the other a time")
		}
		ev.length = t.in(ev.start.zone).Sub(ev.start.wall)
		if ev.start.whole && ev.length == 0 {
			ev.length = 24 * time.Hour // a common slip: DTEND is the last day, not the one after
		}
	case length != nil:
		if ev.length, err = parseICSDuration(length.Value); err != nil {
			return event{}, err
		}
		if ev.start.whole && ev.length%(24*time.Hour) != 0 {
			return event{}, fmt.Errorf("DURATION %q of a whole day is not a number of days", clip(length.Value))
		}
	case ev.start.whole:
		ev.length = 24 * time.Hour
	}
	if ev.length <= 0 {
		return event{}, errors.New("it does not end after it starts; give it a DTEND")
	}
	return ev, nil
}

// occurrences lists the starts of an event on its own clock, RDATE and EXDATE aside.
func (r *icsReader) occurrences(e *ics.VEvent, start icsTime) ([]time.Time, error) {
	if len(all(e, "EXRULE")) > 0 {
		return nil, errors.New("EXRULE is not supported; use EXDATE")
	}
	rule, err := single(e, "RRULE")
	if err != nil {
		return nil, err
	}
	if rule == nil {
		return []time.Time{start.wall}, nil
	}
	if r.rules++; r.rules > maxICSRules {
		return nil, fmt.Errorf("the file has more than %d recurring events", maxICSRules)
	}
	times, err := recur(rule.Value, start.wall, func(value string) (time.Time, error) {
		t, err := readICSTime(value, start.zone)
		switch {
		case err != nil:
			return time.Time{}, err
		case start.whole || t.whole:
			// The last day counts to its end, whatever time of day is given with it.
			return t.wall.Truncate(24 * time.Hour).Add(24*time.Hour - time.Second), nil
		default:
			return t.in(start.zone), nil
		}
	})
	if err != nil {
		return nil, fmt.Errorf("RRULE %q: %w", clip(rule.Value), err)
	}
	return times, nil
}

// extra reads the occurrences of an RDATE, which may bring their own length.
func (r *icsReader) extra(p *ics.IANAProperty, ev event) ([]event, error) {
	var list []event
	for value := range strings.SplitSeq(p.Value, ",") {
		from, to, isPeriod := strings.Cut(value, "/")
		start, err := r.time(p, from)
		if err != nil {
			return nil, err
		}
		if start.whole != ev.start.whole {
			return nil, fmt.Errorf("RDATE %q and DTSTART have to be both dates or both times", clip(value))
		}
		length := ev.length
		switch {
		case isPeriod && start.whole:
			return nil, fmt.Errorf("RDATE %q: a period has to have times", clip(value))
		case isPeriod && strings.HasPrefix(to, "P"):
			if length, err = parseICSDuration(to); err != nil {
				return nil, err
			}
		case isPeriod:
			end, err := r.time(p, to)
			if err != nil {
				return nil, err
			}
			length = end.in(start.zone).Sub(start.wall)
		}
		if length <= 0 {
			return nil, fmt.Errorf("RDATE %q does not end after it starts", clip(value))
		}
		list = append(list, event{start, length})
	}
	return list, nil
}

// close adds one closure, on the calendar's own clock.
func (r *icsReader) close(ev event, name string) error {
	if len(r.found.Closures) == maxICSClosures {
		return fmt.Errorf("the file makes more than %d closures", maxICSClosures)
	}
	from, to := ev.start.wall, ev.start.wall.Add(ev.length)
	if !ev.start.whole {
		from, to = ev.start.in(r.zone), icsTime{wall: to, zone: ev.start.zone}.in(r.zone)
	}
	c := Closure{
		From: civilOf(int(floorDiv(from.Unix(), 60))),
		To:   civilOf(int(floorDiv(to.Unix()+59, 60))),
		Name: name,
	}
	if c.From.minutes() >= c.To.minutes() {
		return nil // it lies in an hour that this zone's clocks skip
	}
	if err := c.check(); err != nil {
		return err
	}
	r.found.Closures = append(r.found.Closures, c)
	return nil
}

// times reads a property that is a list of dates or times.
func (r *icsReader) times(p *ics.IANAProperty) ([]icsTime, error) {
	var list []icsTime
	for value := range strings.SplitSeq(p.Value, ",") {
		t, err := r.time(p, value)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// time reads a date or time by the property's TZID.
func (r *icsReader) time(p *ics.IANAProperty, value string) (icsTime, error) {
	zone := r.zone
	if id := parameter(p, "TZID"); id != "" {
		var ok bool
		if zone, ok = r.zones[id]; !ok {
			var err error
			if zone, err = r.zoneOfTZID(id); err != nil {
				return icsTime{}, fmt.Errorf("%s: %w", p.IANAToken, err)
			}
			r.zones[id] = zone
		}
	}
	t, err := readICSTime(value, zone)
	if err != nil {
		return icsTime{}, fmt.Errorf("%s: %w", p.IANAToken, err)
	}
	return t, nil
}

// zoneOfTZID finds a zone by name, or else as the file defines it. Some programs put a path ahead of the name,
// such as /freeassociation.sourceforge.net/Europe/Stockholm.
func (r *icsReader) zoneOfTZID(id string) (*time.Location, error) {
	name := id
	if path := strings.Split(id, "/"); path[0] == "" && len(path) > 2 {
		name = strings.Join(path[len(path)-2:], "/")
	}
	zone, err := LoadZone(name)
	if err == nil {
		return zone, nil
	}
	for _, z := range r.defined {
		for i := range z.Properties {
			if p := &z.Properties[i]; strings.EqualFold(p.IANAToken, "TZID") && strings.TrimSpace(p.Value) == strings.TrimSpace(id) {
				return definedZone(z, id)
			}
		}
	}
	return nil, err
}

// readICSTime reads 20261224, 20261224T120000 in zone, or 20261224T110000Z.
func readICSTime(value string, zone *time.Location) (icsTime, error) {
	value = strings.TrimSpace(value)
	const date, local = "20060102", "20060102T150405"
	clock, isUTC := strings.CutSuffix(value, "Z")
	switch {
	case len(clock) == len(local):
		if wall, err := time.Parse(local, clock); err == nil && wall.Year() > 0 {
			if isUTC {
				zone = time.UTC
			}
			return icsTime{wall: wall, zone: zone}, nil
		}
	case len(value) == len(date):
		if wall, err := time.Parse(date, value); err == nil && wall.Year() > 0 {
			return icsTime{wall: wall, whole: true}, nil
		}
	}
	return icsTime{}, fmt.Errorf("%q is not a date such as 20261224 or a time such as 20261224T120000", clip(value))
}

// parseICSDuration reads P1D, PT4H30M, P2W and the like.
func parseICSDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration such as P1D or PT4H", clip(s))
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return 0, bad
	}
	units := "WD"
	sum := time.Duration(0)
	for rest != "" {
		if after, ok := strings.CutPrefix(rest, "T"); ok && units != "HMS" && after != "" {
			rest, units = after, "HMS"
		}
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i < 1 || i > 6 || !strings.Contains(units, rest[i:i+1]) {
			return 0, bad
		}
		n, err := strconv.Atoi(rest[:i])
		if err != nil {
			return 0, bad
		}
		var size time.Duration
		switch rest[i] {
		case 'W':
			size = 7 * 24 * time.Hour
		case 'D':
			size = 24 * time.Hour
		case 'H':
			size = time.Hour
		case 'M':
			size = time.Minute
		case 'S':
			size = time.Second
		}
		if n > int(100*366*24*time.Hour/size) {
			return 0, bad
		}
		sum += time.Duration(n) * size
		rest = rest[i+1:]
	}
	return sum, nil
}

// all finds the properties of a name; names have no letter case in iCalendar.
func all(e *ics.VEvent, name string) []*ics.IANAProperty {
	var list []*ics.IANAProperty
	for i := range e.Properties {
		if strings.EqualFold(e.Properties[i].IANAToken, name) {
			list = append(list, &e.Properties[i])
		}
	}
	return list
}

// single finds a property that may be there once at most.
func single(e *ics.VEvent, name string) (*ics.IANAProperty, error) {
	list := all(e, name)
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		return list[0], nil
	default:
		return nil, fmt.Errorf("it has more than one %s", name)
	}
}

func textOf(e *ics.VEvent, name string) string {
	for _, p := range all(e, name) {
		return p.Value
	}
	return ""
}

func parameter(p *ics.IANAProperty, name string) string {
	for _, key := range []string{name, strings.ToLower(name)} {
		if values := p.ICalParameters[key]; len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
