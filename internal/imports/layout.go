package imports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"baton/internal/calendar"
)

// layout is one declared way to write a time.
type layout struct {
	text  string // as declared
	form  form
	steps []step
}

type form uint8

const (
	formSteps form = iota
	formISO
	formUnix      // seconds since 1970, UTC
	formUnixMilli // milliseconds
	formExcel     // days since 1899-12-30, local
	formExcel1904 // days since 1904-01-01, local
)

// step is one element of a layout.
type step struct {
	what    byte // one of the letters of tokens, or 0 for the literal
	least   int  // digits
	most    int
	literal byte
}

// tokens are the words of a layout, longest first where one begins another.
var tokens = []struct {
	text        string
	what        byte
	least, most int
}{
	{"YYYY", 'Y', 4, 4}, {"YY", 'y', 2, 2},
	{"MMMM", 'N', 0, 0}, {"MMM", 'N', 0, 0}, {"MM", 'M', 2, 2}, {"M", 'M', 1, 2},
	{"DD", 'D', 2, 2}, {"D", 'D', 1, 2},
	{"HH", 'H', 2, 2}, {"H", 'H', 1, 2}, {"hh", 'h', 2, 2}, {"h", 'h', 1, 2},
	{"mm", 'm', 2, 2}, {"ss", 's', 2, 2}, {".SSS", 'f', 0, 9}, {"A", 'A', 0, 0}, {"Z", 'Z', 0, 0},
}

// goLayout turns a layout of package time into ours.
var goLayout = strings.NewReplacer("2006", "YYYY", "January", "MMMM", "Jan", "MMM", "Z07:00", "Z", "-07:00", "Z", "-0700", "Z",
	"01", "MM", "02", "DD", "15", "HH", "03", "hh", "04", "mm", "05", "ss", "06", "YY", "PM", "A", ".000", ".SSS")

const layoutHint = `write it with YYYY, MM, DD, HH, mm and ss, such as "DD/MM/YYYY HH:mm"; or iso, excel, excel 1904, unix, unix ms`

// parseLayout reads a declared layout. The error says what is wrong with it.
func parseLayout(text string) (layout, error) {
	l := layout{text: text}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "iso", "iso 8601":
		l.form = formISO
		return l, nil
	case "unix":
		l.form = formUnix
		return l, nil
	case "unix ms":
		l.form = formUnixMilli
		return l, nil
	case "excel":
		l.form = formExcel
		return l, nil
	case "excel 1904":
		l.form = formExcel1904
		return l, nil
	}
	rest := text
	if strings.ContainsAny(rest, "0123456789") {
		rest = goLayout.Replace(rest)
	}
	seen := map[byte]bool{}
next:
	for rest != "" {
		for _, t := range tokens {
			if strings.HasPrefix(rest, t.text) {
				what := t.what
				if seen[what] {
					return l, fmt.Errorf("%q says %s twice", text, t.text)
				}
				seen[what] = true
				l.steps = append(l.steps, step{what: what, least: t.least, most: t.most})
				rest = rest[len(t.text):]
				continue next
			}
		}
		c := rest[0]
		if isLetter(c) && c != 'T' || isDigit(c) {
			return l, fmt.Errorf("%q in %q is no part of a date", c, text)
		}
		l.steps = append(l.steps, step{literal: c})
		rest = rest[1:]
	}
	switch {
	case !seen['Y'] && !seen['y'] || !seen['M'] && !seen['N'] || !seen['D']:
		return l, fmt.Errorf("%q does not say the year, the month and the day", text)
	case seen['h'] != seen['A']:
		return l, fmt.Errorf("%q must say hh and A (am or pm) together; HH is the hour from 00 to 23", text)
	case seen['h'] && seen['H'], seen['Y'] && seen['y'], seen['M'] && seen['N']:
		return l, fmt.Errorf("%q says the same thing in two ways", text)
	}
	return l, nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// civil is a time as it is written. Months count from 1.
type civil struct {
	year, month, day, hour, minute, second, micro int
	offset                                        int // seconds east of UTC
	zoned                                         bool
}

// read returns the instant that s is in the layout, in UTC microseconds.
func (l *layout) read(s string, zone *time.Location) (int64, bool) {
	var c civil
	switch l.form {
	case formUnix, formUnixMilli:
		n, err := strconv.ParseInt(s, 10, 64)
		scale := int64(1_000_000)
		if l.form == formUnixMilli {
			scale = 1000
		}
		if err != nil || n < 0 || n > lastInstant/scale {
			return 0, false
		}
		return n * scale, true
	case formExcel, formExcel1904:
		return excelTime(s, l.form == formExcel1904, zone)
	case formISO:
		if !readISO(s, &c) {
			return 0, false
		}
	default:
		if !l.readSteps(s, &c) {
			return 0, false
		}
	}
	return c.instant(zone)
}

// lastInstant is the end of the last year that calendars know.
var lastInstant = time.Date(calendar.LastYear+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1

func (c *civil) instant(zone *time.Location) (int64, bool) {
	if c.year < calendar.FirstYear || c.year > calendar.LastYear || c.month < 1 || c.month > 12 || c.day < 1 ||
		c.day > daysIn(c.year, c.month) || c.hour > 23 || c.minute > 59 || c.second > 59 {
		return 0, false
	}
	if c.zoned {
		zone = time.UTC
	}
	at := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, c.micro*1000, zone).UnixMicro()
	return at - int64(c.offset)*1_000_000, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

func (l *layout) readSteps(s string, c *civil) bool {
	afternoon, twelve := false, false
	for _, st := range l.steps {
		n := 0
		if st.most > 0 && st.what != 'f' {
			digits := 0
			for digits < len(s) && digits < st.most && isDigit(s[digits]) {
				n = n*10 + int(s[digits]-'0')
				digits++
			}
			if digits < st.least {
				return false
			}
			s = s[digits:]
		}
		switch st.what {
		case 0:
			if s == "" || s[0] != st.literal {
				return false
			}
			s = s[1:]
		case 'Y':
			c.year = n
		case 'y':
			c.year = 2000 + n
			if n >= 70 {
				c.year = 1900 + n
			}
		case 'M':
			c.month = n
		case 'N':
			size := 0
			if c.month, size = monthName(s); size == 0 {
				return false
			}
			s = s[size:]
		case 'D':
			c.day = n
		case 'H':
			c.hour = n
		case 'h':
			if n < 1 || n > 12 {
				return false
			}
			c.hour, twelve = n%12, true
		case 'm':
			c.minute = n
		case 's':
			c.second = n
		case 'f':
			var ok bool
			if s, ok = readFraction(s, c); !ok {
				return false
			}
		case 'A':
			if len(s) < 2 || s[1]|0x20 != 'm' || s[0]|0x20 != 'a' && s[0]|0x20 != 'p' {
				return false
			}
			afternoon = s[0]|0x20 == 'p'
			s = s[2:]
		case 'Z':
			size := readOffset(s, c)
			if size == 0 {
				return false
			}
			s = s[size:]
		}
	}
	if twelve && afternoon {
		c.hour += 12
	}
	return s == ""
}

// readFraction reads ".123"; what is finer than a microsecond is dropped.
func readFraction(s string, c *civil) (rest string, ok bool) {
	if s == "" || s[0] != '.' && s[0] != ',' {
		return s, false
	}
	i, scale := 1, 100_000
	for ; i < len(s) && i < 10 && isDigit(s[i]); i++ {
		c.micro += int(s[i]-'0') * scale
		scale /= 10
	}
	return s[i:], i > 1
}

// readOffset reads Z, +02:00, +0200 or +02, and returns its length, 0 for none.
func readOffset(s string, c *civil) int {
	if s == "" {
		return 0
	}
	if s[0] == 'Z' || s[0] == 'z' {
		c.zoned = true
		return 1
	}
	if s[0] != '+' && s[0] != '-' || len(s) < 3 || !isDigit(s[1]) || !isDigit(s[2]) {
		return 0
	}
	hours, minutes, size := int(s[1]-'0')*10+int(s[2]-'0'), 0, 3
	rest := s[3:]
	if strings.HasPrefix(rest, ":") {
		rest, size = rest[1:], 4
	}
	if len(rest) >= 2 && isDigit(rest[0]) && isDigit(rest[1]) {
		minutes, size = int(rest[0]-'0')*10+int(rest[1]-'0'), size+2
	} else if size == 4 {
		return 0
	}
	if hours > 14 || minutes > 59 {
		return 0
	}
	c.zoned, c.offset = true, hours*3600+minutes*60
	if s[0] == '-' {
		c.offset = -c.offset
	}
	return size
}

var isoDay = must("YYYY-MM-DD").steps

func must(text string) layout {
	l, err := parseLayout(text)
	if err != nil {
		panic(err)
	}
	return l
}

// readISO reads 2026-03-31, with T or a space and 09:30[:00[.000]], and with an
// offset or without.
func readISO(s string, c *civil) bool {
	if len(s) < 10 || !(&layout{steps: isoDay}).readSteps(s[:10], c) {
		return false
	}
	s = s[10:]
	if s == "" {
		return true
	}
	if s[0] != 'T' && s[0] != 't' && s[0] != ' ' {
		return false
	}
	two := func(at int) (int, bool) {
		if len(s) < at+2 || !isDigit(s[at]) || !isDigit(s[at+1]) {
			return 0, false
		}
		return int(s[at]-'0')*10 + int(s[at+1]-'0'), true
	}
	var ok bool
	if c.hour, ok = two(1); !ok || len(s) < 4 || s[3] != ':' {
		return false
	}
	if c.minute, ok = two(4); !ok {
		return false
	}
	if s = s[6:]; strings.HasPrefix(s, ":") {
		if c.second, ok = two(1); !ok {
			return false
		}
		if s = s[3:]; s != "" && (s[0] == '.' || s[0] == ',') {
			if s, ok = readFraction(s, c); !ok {
				return false
			}
		}
	}
	s = strings.TrimPrefix(s, " ")
	return s == "" || readOffset(s, c) == len(s)
}

const monthNames = "jan feb mar apr may jun jul aug sep oct nov dec "

var longMonths = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

// monthName reads an English month at the beginning of s, long or short.
func monthName(s string) (month, size int) {
	if len(s) < 3 {
		return 0, 0
	}
	i := strings.Index(monthNames, strings.ToLower(s[:3])+" ")
	if i < 0 || i%4 != 0 {
		return 0, 0
	}
	month, size = i/4+1, 3
	if long := longMonths[month-1]; len(s) >= len(long) && strings.EqualFold(s[:len(long)], long) {
		size = len(long)
	}
	return month, size
}

// excelTime reads a serial number: days with a fraction since the day before
// 1900-01-01's eve (1899-12-30, because the program takes 1900 for a leap year), to
// the second.
func excelTime(s string, from1904 bool, zone *time.Location) (int64, bool) {
	days, err := strconv.ParseFloat(s, 64)
	if err != nil || !(days >= 0 && days < 100_000) {
		return 0, false
	}
	first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if from1904 {
		first = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	t := first.Add(time.Duration(math.Round(days*86400)) * time.Second)
	c := civil{year: t.Year(), month: int(t.Month()), day: t.Day(), hour: t.Hour(), minute: t.Minute(), second: t.Second()}
	return c.instant(zone)
}

// looksMangled reports whether a text is what a spreadsheet makes of a range or a
// number with a dot: "01-May" for "1-5", "May-20" for "5-20". It knows English months.
func looksMangled(s string) bool {
	if len(s) < 5 || len(s) > 7 {
		return false
	}
	if m, size := monthName(s); m > 0 && size == 3 {
		return s[3] == '-' && onlyDigits(s[4:])
	}
	i := strings.IndexAny(s, "-. ")
	if i < 1 || i > 2 || !onlyDigits(s[:i]) {
		return false
	}
	m, size := monthName(s[i+1:])
	return m > 0 && size == len(s[i+1:])
}

func onlyDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
