package calendar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
)

// definedZone is a zone that the file brings along: a VTIMEZONE. Outlook and Exchange name zones in words of their own, such as "W. Europe
// Standard Time", and say in it what they mean. The rules that hold without an end hold for all time: absences are to come.
func definedZone(z *ics.VTimezone, id string) (*time.Location, error) {
	var newest, standard, daylight *observance
	for _, c := range z.Components {
		o, err := observanceOf(c)
		if err != nil {
			return nil, fmt.Errorf("time zone %q: %w", clip(id), err)
		}
		if o == nil {
			continue
		}
		if newest == nil || o.since > newest.since || o.since == newest.since && !o.summer {
			newest = o
		}
		of := &standard
		if o.summer {
			of = &daylight
		}
		if o.rule != "" && (*of == nil || o.since > (*of).since) {
			*of = o
		}
	}
	switch {
	case newest == nil:
		return nil, fmt.Errorf("time zone %q: its VTIMEZONE has neither STANDARD nor DAYLIGHT", clip(id))
	case standard == nil || daylight == nil:
		return time.FixedZone(id, newest.east), nil
	case standard.east == daylight.east:
		return time.FixedZone(id, standard.east), nil
	}
	// A file of the time zone database in which all that is said is the rule at its end (RFC 8536, 3.3; POSIX).
	var file []byte
	for range 2 {
		file = append(append(file, "TZif2"...), make([]byte, 15)...)
		for _, n := range []uint32{0, 0, 0, 0, 1, 2} {
			file = binary.BigEndian.AppendUint32(file, n)
		}
		file = binary.BigEndian.AppendUint32(file, uint32(int32(standard.east)))
		file = append(file, 0, 0, 'S', 0)
	}
	file = fmt.Appendf(file, "\n<STD>%s<DST>%s,%s,%s\n", posixOffset(standard.east), posixOffset(daylight.east), daylight.rule, standard.rule)
	return time.LoadLocationFromTZData(id, file)
}

// observance is a STANDARD or a DAYLIGHT: the time of winter or of summer.
type observance struct {
	summer bool
	east   int    // seconds east of UTC
	since  string // when it first came, as iCalendar writes it
	rule   string // when it comes each year, as POSIX writes it; empty if it does not, or no more
}

func observanceOf(c ics.Component) (*observance, error) {
	var e ics.VEvent // for the properties alone
	o := &observance{}
	switch c := c.(type) {
	case *ics.Standard:
		e.ComponentBase = c.ComponentBase
	case *ics.Daylight:
		e.ComponentBase, o.summer = c.ComponentBase, true
	default:
		return nil, nil
	}
	var err error
	if o.east, err = parseUTCOffset(textOf(&e, "TZOFFSETTO")); err != nil {
		return nil, fmt.Errorf("TZOFFSETTO: %w", err)
	}
	o.since = strings.TrimSpace(textOf(&e, "DTSTART"))
	from, err := readICSTime(o.since, time.UTC)
	if err != nil {
		return nil, fmt.Errorf("DTSTART: %w", err)
	}
	if rule := textOf(&e, "RRULE"); rule != "" {
		if o.rule, err = posixRule(rule, from.wall); err != nil {
			return nil, fmt.Errorf("RRULE %q: %w", clip(rule), err)
		}
	}
	return o, nil
}

// posixRule writes "the last Sunday of March at 2:00" as M3.5.0/2:00:00. A rule that has an end is none.
func posixRule(rule string, from time.Time) (string, error) {
	var month, week, weekday int
	var err error
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(rule)), ";") {
		key, value, _ := strings.Cut(part, "=")
		bad := fmt.Errorf("%q is not understood here; write such as FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", clip(part))
		switch key {
		case "UNTIL", "COUNT":
			return "", nil
		case "FREQ":
			if value != "YEARLY" {
				return "", bad
			}
		case "INTERVAL":
			if value != "1" {
				return "", bad
			}
		case "WKST":
		case "BYMONTH":
			if month, err = strconv.Atoi(value); err != nil || month < 1 || month > 12 {
				return "", bad
			}
		case "BYDAY":
			if len(value) < 3 {
				return "", bad
			}
			weekday = slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, value[len(value)-2:])
			if week, err = strconv.Atoi(value[:len(value)-2]); err != nil || weekday < 0 || week == 0 || week < -1 || week > 5 {
				return "", bad
			}
			if week == -1 {
				week = 5
			}
		default:
			return "", bad
		}
	}
	if month == 0 || week == 0 {
		return "", errors.New("it needs BYMONTH, and BYDAY with a number")
	}
	return fmt.Sprintf("M%d.%d.%d/%s", month, week, weekday, from.Format("15:04:05")), nil
}

// parseUTCOffset reads +0100 or -053000, in seconds east.
func parseUTCOffset(s string) (int, error) {
	s = strings.TrimSpace(s)
	bad := fmt.Errorf("%q is not a distance from UTC such as +0100", clip(s))
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return 0, bad
	}
	sum := 0
	for i, most := range []int{23, 59, 59} {
		if 1+2*i >= len(s) {
			break
		}
		n, err := strconv.ParseUint(s[1+2*i:3+2*i], 10, 8)
		if err != nil || int(n) > most {
			return 0, bad
		}
		sum += int(n) * []int{3600, 60, 1}[i]
	}
	if s[0] == '-' {
		return -sum, nil
	}
	return sum, nil
}

// posixOffset is what is added to the time of a zone to have UTC.
func posixOffset(east int) string {
	sign := "-"
	if east < 0 {
		sign, east = "+", -east
	}
	return fmt.Sprintf("%s%d:%02d:%02d", sign, east/3600, east/60%60, east%60)
}
