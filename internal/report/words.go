package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// percent writes a share with one decimal, and with none where it is 0 or all.
func percent(f float64) string {
	switch {
	case f == 0:
		return "0 %"
	case f == 1:
		return "100 %"
	case f > 0 && f < 0.0005:
		return "< 0.1 %"
	case f > 0.9995 && f < 1:
		return "> 99.9 %"
	}
	return strconv.FormatFloat(100*f, 'f', 1, 64) + " %"
}

const (
	minute = int64(60e6)
	hour   = 60 * minute
	day    = 24 * hour
)

// span writes a duration in words: "40 s", "12 min", "2.1 h", "3.4 days", "163 days". Up to two
// days it stays with hours.
func span(us int64) string {
	figure := func(v float64, unit string) string {
		digits := 1
		if v >= 99.95 || v == math.Trunc(v) {
			digits = 0
		}
		s := strconv.FormatFloat(v, 'f', digits, 64)
		s = strings.TrimSuffix(s, ".0")
		if digits == 0 && v >= 1000 {
			s = number(int64(v + 0.5))
		}
		if unit == "days" && s == "1" {
			unit = "day"
		}
		return s + " " + unit
	}
	switch {
	case us < 0:
		return "−" + span(-us)
	case us < minute:
		return fmt.Sprintf("%d s", us/1e6)
	case us < hour:
		return fmt.Sprintf("%d min", us/minute)
	case us < 2*day:
		return figure(float64(us)/float64(hour), "h")
	}
	return figure(float64(us)/float64(day), "days")
}

// times writes how many times as much: "1.4×", "0.5×".
func times(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) + "×" }

// things counts in words: "1 lead", "8,000 leads", "2 passes".
func things(n int64, what string) string {
	if n != 1 {
		if strings.HasSuffix(what, "s") {
			what += "e"
		}
		what += "s"
	}
	return number(n) + " " + what
}

// inWords writes "a, b and c".
func inWords(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func dayOf(at int64, zone *time.Location) string {
	return time.UnixMicro(at).In(zone).Format("2 Jan 2006")
}

// within says in words what Since and Until cover: "from 1 Feb 2018 to 31 Mar 2018".
func within(q Query, zone *time.Location) string {
	var parts []string
	if q.Since != 0 {
		parts = append(parts, "from "+dayOf(q.Since, zone))
	}
	if q.Until != 0 {
		parts = append(parts, "to "+dayOf(q.Until-1, zone))
	}
	return strings.Join(parts, " ")
}

// noLeads is the finding where there is nothing to report on.
func noLeads(q Query, c *cohort, then string) string {
	if q.Since != 0 || q.Until != 0 {
		return "No lead arrived " + within(q, c.zone) + ". Choose another time to see some."
	}
	return "There are no leads yet. Import a file or send events, and " + then + "."
}

// arrivedWithin is the note that says which leads a report is about.
func arrivedWithin(q Query, c *cohort) []string {
	if q.Since == 0 && q.Until == 0 {
		return nil
	}
	return []string{"Leads that arrived " + within(q, c.zone) + "."}
}
