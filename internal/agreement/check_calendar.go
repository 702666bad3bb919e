package agreement

import (
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"baton/internal/calendar"
)

// calendar reads the time zone, the hours and the closures.
func (c *compiler) calendar() {
	c.zone, c.week, c.always = time.UTC, calendar.Always(), true
	if n := field(c.doc.root, "timezone"); n != nil {
		c.zone = c.timezone(n, "timezone")
	}
	section := c.at("calendar")
	if hours := c.at("calendar", "hours"); hours != nil {
		if week, always, ok := c.hours(hours, "calendar.hours"); ok {
			c.week, c.always = week, always
		} else {
			c.always = false
		}
	}
	if files := section.get("holidays"); files != nil {
		for _, n := range list(files) {
			c.closures = append(c.closures, c.holidays(n)...)
		}
	}
	if closed := section.get("closed"); closed != nil {
		for _, n := range closed.items {
			if closure, ok := c.closed(n); ok {
				c.closures = append(c.closures, closure)
			}
		}
	}
	cal, err := calendar.New(c.zone, c.week, c.closures)
	if err != nil {
		c.find(codeHours, section, "calendar", err.Error(), "")
		cal, _ = calendar.New(time.UTC, calendar.Always(), nil)
	}
	c.plan.Calendar = cal
}

func (c *compiler) timezone(n *node, address string) *time.Location {
	zone, err := calendar.LoadZone(n.value)
	if err != nil {
		c.find(codeZone, n, address, fmt.Sprintf("%s is not a time zone", quote(n.value)), "write a place, such as Europe/Stockholm, or UTC")
		return time.UTC
	}
	return zone
}

// hours reads working hours by day, or always.
func (c *compiler) hours(n *node, address string) (week calendar.Week, always, ok bool) {
	if n == nil || n.bad && n.kind != mapping {
		return week, false, false
	}
	if n.kind == scalar {
		return calendar.Always(), true, true
	}
	ok = true
	var given [7]*node
	for _, e := range n.entries {
		days, err := calendar.ParseDays(e.key.value)
		if err != nil {
			c.find(codeHours, e.key, address, fmt.Sprintf("%s does not name days", quote(e.key.value)), reason(err))
			ok = false
			continue
		}
		spans, good := c.spans(e.value, address)
		ok = ok && good
		for _, d := range days {
			if given[d] != nil {
				f := c.find(codeOverlap, e.key, address, fmt.Sprintf("%s has hours already", d), "name each day once")
				c.related(f, given[d], "here")
				ok = false
			}
			given[d], week[d] = e.key, spans
		}
	}
	if ok && len(n.entries) == 0 {
		c.find(codeHours, n, address, "the week has no working hours", "give at least one day hours, such as {mon-fri: [\"09:00-17:00\"]}")
		ok = false
	}
	return week, false, ok
}

func (c *compiler) spans(n *node, address string) ([]calendar.Span, bool) {
	type placed struct {
		calendar.Span
		n *node
	}
	var spans []placed
	ok := !n.bad
	for _, item := range list(n) {
		span, err := calendar.ParseSpan(item.value)
		if err != nil {
			c.find(codeHours, item, address, fmt.Sprintf("%s are not hours", quote(item.value)), reason(err))
			ok = false
			continue
		}
		spans = append(spans, placed{span, item})
	}
	slices.SortStableFunc(spans, func(a, b placed) int { return a.From - b.From })
	var plain []calendar.Span
	for i, s := range spans {
		if i > 0 && s.From < spans[i-1].To {
			f := c.find(codeOverlap, s.n, address, fmt.Sprintf("%s overlaps %s", s, spans[i-1]), "")
			c.related(f, spans[i-1].n, "the other one")
			ok = false
		}
		plain = append(plain, s.Span)
	}
	return plain, ok && len(plain) > 0
}

// holidays reads a file of closures.
func (c *compiler) holidays(n *node) []calendar.Closure {
	const address = "calendar.holidays"
	name := n.value
	switch {
	case c.read == nil:
		c.find(codeHolidays, n, address, fmt.Sprintf("the file %s cannot be read: no files are at hand", quote(name)), "list the days under closed")
		return nil
	case path.IsAbs(name) || strings.Contains(name, `\`) || !strings.HasPrefix(path.Join("/a", name), "/a/"):
		c.find(codeHolidays, n, address, fmt.Sprintf("the file %s is not below the folder of the agreement", quote(name)), "keep it beside the agreement and write its relative path with /")
		return nil
	}
	data, err := c.read(name)
	if err != nil {
		c.find(codeHolidays, n, address, fmt.Sprintf("the file %s cannot be read: %s", quote(name), clip(err.Error(), 200)), "")
		return nil
	}
	c.hash = binary.AppendUvarint(append(append(c.hash, 0), name...), uint64(len(data)))
	c.hash = append(c.hash, data...)
	if c.plan.Files == nil {
		c.plan.Files = map[string][]byte{}
	}
	c.plan.Files[name] = data
	found, err := calendar.ParseICS(data, c.zone)
	if err != nil {
		c.find(codeHolidays, n, address, fmt.Sprintf("the file %s is not an iCalendar file that Baton understands: %s", quote(name), clip(err.Error(), 200)), "")
		return nil
	}
	return found.Closures
}

func (c *compiler) date(n *node, address string) (calendar.Date, bool) {
	if n == nil || n.bad {
		return calendar.Date{}, false
	}
	d, err := calendar.ParseDate(n.value)
	if err == nil && (d.Year < calendar.FirstYear || d.Year > calendar.LastYear) {
		err = fmt.Errorf("years run from %d to %d", calendar.FirstYear, calendar.LastYear)
	}
	if err != nil {
		c.find(codeDate, n, address, fmt.Sprintf("%s is not a date", quote(n.value)), reason(err))
		return d, false
	}
	return d, true
}

// closed reads a closure of the agreement's own.
func (c *compiler) closed(n *node) (calendar.Closure, bool) {
	const address = "calendar.closed"
	if n.bad {
		return calendar.Closure{}, false
	}
	if n.kind == scalar {
		d, ok := c.date(n, address)
		return calendar.ClosedOn(d, ""), ok
	}
	d, ok := c.date(field(n, "date"), address)
	closure := calendar.ClosedOn(d, word(n, "name"))
	for _, end := range []struct {
		name string
		*calendar.Civil
	}{{"from", &closure.From}, {"to", &closure.To}} {
		at := field(n, end.name)
		if at == nil {
			continue
		}
		minute, good := clock(at.value)
		if !good {
			c.find(codeHours, at, address, fmt.Sprintf("%s is not a time of day", quote(at.value)), "write it such as \"12:00\"")
			ok = false
			continue
		}
		end.Minute = minute
	}
	if ok && closure.From.Minute >= closure.To.Minute {
		c.find(codeHours, n, address, "this ends before it starts", "")
		ok = false
	}
	return closure, ok
}

// clock reads a time of day as minutes.
func clock(s string) (int, bool) {
	if s == "24:00" || s == "00:00" {
		return map[string]int{"24:00": 1440, "00:00": 0}[s], true
	}
	span, err := calendar.ParseSpan("00:00-" + s)
	return span.To, err == nil
}
