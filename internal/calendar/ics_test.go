package calendar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// icsFile wraps the properties of events, separated by blank lines.
func icsFile(events ...string) []byte {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n")
	for _, e := range events {
		b.WriteString("BEGIN:VEVENT\r\n")
		for line := range strings.FieldsFuncSeq(e, func(r rune) bool { return r == '\n' }) {
			b.WriteString(strings.TrimLeft(line, "\t") + "\r\n")
		}
		b.WriteString("END:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return []byte(b.String())
}

// list writes closures one a line, for the years 2026 to 2029 only.
func list(closures []Closure) []string {
	var lines []string
	for _, c := range closures {
		if c.From.Date.Year >= 2026 && c.From.Date.Year <= 2029 {
			lines = append(lines, fmt.Sprintf("%s to %s %s", c.From, c.To, c.Name))
		}
	}
	return lines
}

func TestParseICS(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []string
		want   []string
	}{
		{"whole days", []string{`
			UID:1
			SUMMARY:Christmas\, both days
			DTSTART;VALUE=DATE:20261225
			DTEND;VALUE=DATE:20261227`, `
			UID:2
			SUMMARY:Epiphany
			DTSTART;VALUE=DATE:20260106`, `
			UID:3
			SUMMARY:Ends where it starts
			DTSTART;VALUE=DATE:20260606
			DTEND;VALUE=DATE:20260606`, `
			UID:4
			SUMMARY:By duration
			DTSTART;VALUE=DATE:20260701
			DURATION:P1W`},
			[]string{
				"2026-01-06 00:00 to 2026-01-07 00:00 Epiphany",
				"2026-06-06 00:00 to 2026-06-07 00:00 Ends where it starts",
				"2026-07-01 00:00 to 2026-07-08 00:00 By duration",
				"2026-12-25 00:00 to 2026-12-27 00:00 Christmas, both days",
			}},
		{"parts of days", []string{`
			SUMMARY:In the calendar's zone
			DTSTART:20261224T120000
			DTEND:20261224T180000`, `
			SUMMARY:In UTC
			DTSTART:20260604T100000Z
			DTEND:20260604T113000Z`, `
			SUMMARY:In another zone
			DTSTART;TZID=America/New_York:20260605T090000
			DURATION:PT1H30M`, `
			SUMMARY:By a path
			DTSTART;TZID=/freeassociation.sourceforge.net/Asia/Kolkata:20260608T090000
			DTEND;TZID=/freeassociation.sourceforge.net/Asia/Kolkata:20260608T100000`, `
			SUMMARY:Seconds round outwards
			DTSTART:20260609T100030
			DTEND:20260609T110030`},
			[]string{
				"2026-06-04 12:00 to 2026-06-04 13:30 In UTC",
				"2026-06-05 15:00 to 2026-06-05 16:30 In another zone",
				"2026-06-08 05:30 to 2026-06-08 06:30 By a path",
				"2026-06-09 10:00 to 2026-06-09 11:01 Seconds round outwards",
				"2026-12-24 12:00 to 2026-12-24 18:00 In the calendar's zone",
			}},
		{"last Monday in May", []string{`
			SUMMARY:Memorial Day
			DTSTART;VALUE=DATE:19710531
			RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO`},
			[]string{
				"2026-05-25 00:00 to 2026-05-26 00:00 Memorial Day",
				"2027-05-31 00:00 to 2027-06-01 00:00 Memorial Day",
				"2028-05-29 00:00 to 2028-05-30 00:00 Memorial Day",
				"2029-05-28 00:00 to 2029-05-29 00:00 Memorial Day",
			}},
		{"count", []string{`
			SUMMARY:Twice
			DTSTART;VALUE=DATE:20261231
			RRULE:FREQ=YEARLY;COUNT=2`},
			[]string{
				"2026-12-31 00:00 to 2027-01-01 00:00 Twice",
				"2027-12-31 00:00 to 2028-01-01 00:00 Twice",
			}},
		{"until a date, included", []string{`
			SUMMARY:Summer Fridays
			DTSTART:20260703T150000
			DTEND:20260703T170000
			RRULE:FREQ=WEEKLY;BYDAY=FR;UNTIL=20260717`},
			[]string{
				"2026-07-03 15:00 to 2026-07-03 17:00 Summer Fridays",
				"2026-07-10 15:00 to 2026-07-10 17:00 Summer Fridays",
				"2026-07-17 15:00 to 2026-07-17 17:00 Summer Fridays",
			}},
		{"until an instant", []string{`
			SUMMARY:Until, in summer time
			DTSTART;TZID=Europe/Stockholm:20260703T150000
			DURATION:PT2H
			RRULE:FREQ=WEEKLY;UNTIL=20260717T125959Z`},
			[]string{
				"2026-07-03 15:00 to 2026-07-03 17:00 Until, in summer time",
				"2026-07-10 15:00 to 2026-07-10 17:00 Until, in summer time",
			}},
		{"whole days until an instant", []string{`
			SUMMARY:Whole
			DTSTART;VALUE=DATE:20260703
			RRULE:FREQ=DAILY;UNTIL=20260705T000000Z`},
			[]string{
				"2026-07-03 00:00 to 2026-07-04 00:00 Whole",
				"2026-07-04 00:00 to 2026-07-05 00:00 Whole",
				"2026-07-05 00:00 to 2026-07-06 00:00 Whole",
			}},
		{"leap days only", []string{`
			SUMMARY:Leap
			DTSTART;VALUE=DATE:20240229
			RRULE:FREQ=YEARLY`},
			[]string{"2028-02-29 00:00 to 2028-03-01 00:00 Leap"}},
		{"a recurrence keeps its wall clock through clock changes", []string{`
			SUMMARY:New York
			DTSTART;TZID=America/New_York:20260226T090000
			DTEND;TZID=America/New_York:20260226T100000
			RRULE:FREQ=MONTHLY;BYDAY=-1TH;COUNT=2`, `
			SUMMARY:UTC
			DTSTART:20260328T230000Z
			DTEND:20260328T233000Z
			RRULE:FREQ=DAILY;COUNT=2`},
			[]string{
				"2026-02-26 15:00 to 2026-02-26 16:00 New York",
				"2026-03-26 14:00 to 2026-03-26 15:00 New York", // the week when only America has changed
				"2026-03-29 00:00 to 2026-03-29 00:30 UTC",
				"2026-03-30 01:00 to 2026-03-30 01:30 UTC",
			}},
		{"exceptions", []string{`
			SUMMARY:Mostly
			DTSTART;VALUE=DATE:20260601
			RRULE:FREQ=YEARLY;COUNT=4
			EXDATE;VALUE=DATE:20270601,20280601
			RDATE;VALUE=DATE:20270602,20280601`, `
			SUMMARY:Timed
			DTSTART;TZID=Europe/Stockholm:20260701T120000
			DURATION:PT1H
			RRULE:FREQ=DAILY;COUNT=4
			EXDATE:20260702T100000Z
			EXDATE;VALUE=DATE:20260703`},
			[]string{
				"2026-06-01 00:00 to 2026-06-02 00:00 Mostly",
				"2026-07-01 12:00 to 2026-07-01 13:00 Timed",
				"2026-07-04 12:00 to 2026-07-04 13:00 Timed",
				"2027-06-02 00:00 to 2027-06-03 00:00 Mostly",
				"2029-06-01 00:00 to 2029-06-02 00:00 Mostly",
			}},
		{"periods", []string{`
			SUMMARY:Inventory
			DTSTART:20260601T080000
			DURATION:PT1H
			RDATE;VALUE=PERIOD:20260901T080000/PT2H,20261201T080000/20261201T110000`},
			[]string{
				"2026-06-01 08:00 to 2026-06-01 09:00 Inventory",
				"2026-09-01 08:00 to 2026-09-01 10:00 Inventory",
				"2026-12-01 08:00 to 2026-12-01 11:00 Inventory",
			}},
		{"an occurrence moved, and one cancelled", []string{`
			UID:moved
			SUMMARY:Party
			DTSTART;VALUE=DATE:20260605
			RRULE:FREQ=YEARLY;COUNT=3`, `
			UID:moved
			RECURRENCE-ID;VALUE=DATE:20270605
			SUMMARY:Party\, on Monday
			DTSTART;VALUE=DATE:20270607`, `
			UID:moved
			RECURRENCE-ID;VALUE=DATE:20280605
			STATUS:CANCELLED
			DTSTART;VALUE=DATE:20280605`},
			[]string{
				"2026-06-05 00:00 to 2026-06-06 00:00 Party",
				"2027-06-07 00:00 to 2027-06-08 00:00 Party, on Monday",
			}},
		{"a folded line", []string{`
			SUMMARY:In two
			  pieces
			DTSTART;VALUE=DATE:2026
			 0606`},
			[]string{"2026-06-06 00:00 to 2026-06-07 00:00 In two pieces"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseICS(icsFile(test.events...), mustZone(t, "Europe/Stockholm"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, list(got.Closures)); diff != "" {
				t.Error(diff)
			}
			if !slices.IsSortedFunc(got.Closures, func(a, b Closure) int { return a.From.minutes() - b.From.minutes() }) {
				t.Error("not sorted")
			}
		})
	}
}

// zoned puts a VTIMEZONE ahead of an event that is in it.
func zoned(zone string, events ...string) []byte {
	lines := strings.ReplaceAll(strings.TrimLeft(strings.ReplaceAll(zone, "\t", ""), "\n"), "\n", "\r\n")
	return []byte(strings.Replace(string(icsFile(events...)), "BEGIN:VEVENT", "BEGIN:VTIMEZONE\r\n"+lines+"\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT", 1))
}

// Zones as Exchange writes them: by names of its own, with the rules beside them.
const (
	westEurope = `TZID:W. Europe Standard Time
		BEGIN:STANDARD
		DTSTART:16010101T030000
		TZOFFSETFROM:+0200
		TZOFFSETTO:+0100
		RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
		END:STANDARD
		BEGIN:DAYLIGHT
		DTSTART:16010101T020000
		TZOFFSETFROM:+0100
		TZOFFSETTO:+0200
		RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
		END:DAYLIGHT`
	sydney = `TZID:AUS Eastern Standard Time
		BEGIN:STANDARD
		DTSTART:16010101T030000
		TZOFFSETFROM:+1100
		TZOFFSETTO:+1000
		RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4
		END:STANDARD
		BEGIN:DAYLIGHT
		DTSTART:16010101T020000
		TZOFFSETFROM:+1000
		TZOFFSETTO:+1100
		RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=10
		END:DAYLIGHT`
	eastern = `TZID:Eastern Standard Time
		BEGIN:DAYLIGHT
		DTSTART:19870405T020000
		TZOFFSETFROM:-0500
		TZOFFSETTO:-0400
		RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4;UNTIL=20060402T070000Z
		END:DAYLIGHT
		BEGIN:STANDARD
		DTSTART:20071104T020000
		TZOFFSETFROM:-0400
		TZOFFSETTO:-0500
		RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
		END:STANDARD
		BEGIN:DAYLIGHT
		DTSTART:20070311T020000
		TZOFFSETFROM:-0500
		TZOFFSETTO:-0400
		RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
		END:DAYLIGHT`
	india = `TZID:India Standard Time
		BEGIN:STANDARD
		DTSTART:16010101T000000
		TZOFFSETFROM:+0530
		TZOFFSETTO:+0530
		END:STANDARD
		BEGIN:DAYLIGHT
		DTSTART:16010101T000000
		TZOFFSETFROM:+0530
		TZOFFSETTO:+0530
		END:DAYLIGHT`
)

// TestZonesOfTheFile compares the zones that files bring along with those of the places they are of, through all hours of two years.
func TestZonesOfTheFile(t *testing.T) {
	for place, zone := range map[string]string{"Europe/Berlin": westEurope, "Australia/Sydney": sydney, "America/New_York": eastern, "Asia/Kolkata": india} {
		id, _, _ := strings.Cut(strings.TrimPrefix(zone, "TZID:"), "\n")
		read := func(tzid string) []Closure {
			got, err := ParseICS(zoned(zone, "UID:1\nDTSTART;TZID="+tzid+":20260101T000000\nDURATION:PT1M\nRRULE:FREQ=DAILY;COUNT=730",
				"UID:2\nDTSTART;TZID="+tzid+":20260101T033000\nDURATION:PT1M\nRRULE:FREQ=DAILY;COUNT=730"), time.UTC)
			if err != nil {
				t.Fatalf("%s: %v", tzid, err)
			}
			return got.Closures
		}
		if diff := cmp.Diff(read(place), read(id)); diff != "" {
			t.Errorf("%s is not %s: %s", id, place, diff)
		}
	}
}

func TestParseICSCountsWhatItLeavesOut(t *testing.T) {
	got, err := ParseICS(icsFile(
		"UID:1\nSUMMARY:Closed\nDTSTART;VALUE=DATE:20260606",
		"UID:2\nSUMMARY:Free\nDTSTART;VALUE=DATE:20260609\nTRANSP:TRANSPARENT",
		"UID:3\nSUMMARY:Off\nDTSTART;VALUE=DATE:20260608\nSTATUS:CANCELLED",
	), time.UTC)
	want := Holidays{Closures: []Closure{{
		From: Civil{Date: Date{2026, time.June, 6}}, To: Civil{Date: Date{2026, time.June, 7}}, Name: "Closed",
	}, {
		From: Civil{Date: Date{2026, time.June, 9}}, To: Civil{Date: Date{2026, time.June, 10}}, Name: "Free",
	}}, Cancelled: 1}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// TestParseICSRange checks that recurring events reach from FirstYear to LastYear, and no further.
func TestParseICSRange(t *testing.T) {
	got, err := ParseICS(icsFile("UID:1\nSUMMARY:New Year\nDTSTART;VALUE=DATE:19000101\nRRULE:FREQ=YEARLY"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if n, want := len(got.Closures), LastYear-FirstYear+1; n != want {
		t.Fatalf("%d closures, want %d", n, want)
	}
	if first, last := got.Closures[0].From.Date.Year, got.Closures[len(got.Closures)-1].From.Date.Year; first != FirstYear || last != LastYear {
		t.Errorf("from %d to %d", first, last)
	}
	daily, err := ParseICS(icsFile("UID:1\nSUMMARY:Lunch\nDTSTART:19700101T120000\nDURATION:PT1H\nRRULE:FREQ=DAILY"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	c := mustNew(t, "UTC", officeWeek(t), daily.Closures...)
	at := instant(t, time.UTC, "2026-06-05 11:30")
	if got := c.Add(at, Duration{hour, WorkingTime}); got != at+2*hour {
		t.Errorf("over a daily lunch: %s", show(time.UTC, got))
	}
}

func TestParseICSRefuses(t *testing.T) {
	const first = "UID:1\nDTSTART;VALUE=DATE:20260101"
	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "the file is empty"},
		{"a web page", []byte("<html><body>404</body></html>"), "the file does not start with BEGIN:VCALENDAR"},
		{"cut short", icsFile(first)[:80], "the file stops before END:VEVENT"},
		{"wrong end", []byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n"), "line 3: END:VCALENDAR has no BEGIN"},
		{"too deep", []byte(strings.Repeat("BEGIN:VCALENDAR\n", 100)), "line 9: components are nested more than 8 deep"},
		{"too deep, folded", []byte("BEGIN:VCALENDAR\n" + strings.Repeat("BEG\n IN;A=B:X\n", 100)), "line 16: components are nested"},
		{"too large", []byte(strings.Repeat("X", maxICSBytes+1)), "the most is 1048576"},
		{"too many events", icsFile(slices.Repeat([]string{first}, maxICSEvents+1)...), "the file has 5001 events"},
		{"too many rules", icsFile(slices.Repeat([]string{first + "\nRRULE:FREQ=DAILY;COUNT=1"}, maxICSRules+1)...), "the file has more than 500 recurring events"},
		{"too many closures", icsFile(slices.Repeat([]string{first + "\nRRULE:FREQ=DAILY"}, 2)...), "the file makes more than 50000 closures"},
		{"no start", icsFile(first, "UID:second\nSUMMARY:No"), `line 8: event "second": it has no DTSTART`},
		{"no start, no UID", icsFile("SUMMARY:No"), `line 4: event "No": it has no DTSTART`},
		{"two starts", icsFile(first + "\nDTSTART:20260101T000000"), "more than one DTSTART"},
		{"bad date", icsFile("UID:1\nDTSTART;VALUE=DATE:20260230"), `DTSTART: "20260230" is not a date such as 20261224`},
		{"bad zone", icsFile("UID:1\nDTSTART;TZID=W. Europe Standard Time:20260101T000000"), `reading time zone "W. Europe Standard Time": it is not in the time zone database`},
		{"a zone of no rule", zoned("TZID:Here\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETTO:+0100\nRRULE:FREQ=MONTHLY\nEND:STANDARD", "UID:1\nDTSTART;TZID=Here:20260101T000000"), `time zone "Here": RRULE "FREQ=MONTHLY": "FREQ=MONTHLY" is not understood here`},
		{"a zone of no offset", zoned("TZID:Here\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETTO:1\nEND:STANDARD", "UID:1\nDTSTART;TZID=Here:20260101T000000"), `TZOFFSETTO: "1" is not a distance from UTC`},
		{"a zone of nothing", zoned("TZID:Here\nX-A:1", "UID:1\nDTSTART;TZID=Here:20260101T000000"), `its VTIMEZONE has neither STANDARD nor DAYLIGHT`},
		{"the machine's zone", icsFile("UID:1\nDTSTART;TZID=Local:20260101T000000"), `reading time zone "Local"`},
		{"no end", icsFile("UID:1\nDTSTART:20260101T000000"), "it does not end after it starts"},
		{"backwards", icsFile("UID:1\nDTSTART;VALUE=DATE:20260102\nDTEND;VALUE=DATE:20260101"), "it does not end after it starts"},
		{"date and time", icsFile("UID:1\nDTSTART;VALUE=DATE:20260102\nDTEND:20260103T000000"), "one of DTSTART and DTEND is a date"},
		{"end and duration", icsFile(first + "\nDTEND;VALUE=DATE:20260102\nDURATION:P1D"), "both DTEND and DURATION"},
		{"hours of a whole day", icsFile(first + "\nDURATION:PT5H"), "not a number of days"},
		{"bad duration", icsFile(first + "\nDURATION:P5"), `"P5" is not a duration`},
		{"hourly", icsFile(first + "\nRRULE:FREQ=HOURLY"), `RRULE "FREQ=HOURLY": frequency "HOURLY" is not supported`},
		{"by hour", icsFile(first + "\nRRULE:FREQ=DAILY;BYHOUR=3"), `"BYHOUR" is not supported in a rule`},
		{"by Easter", icsFile(first + "\nRRULE:FREQ=YEARLY;BYEASTER=-400"), `"BYEASTER" is not supported in a rule`},
		{"no frequency", icsFile(first + "\nRRULE:COUNT=3"), "FREQ is required"},
		{"twice", icsFile(first + "\nRRULE:FREQ=DAILY;FREQ=DAILY"), "FREQ is there twice"},
		{"no count", icsFile(first + "\nRRULE:FREQ=DAILY;COUNT=0"), `COUNT is "0"; it has to be a number from 1`},
		{"sixth Monday", icsFile(first + "\nRRULE:FREQ=MONTHLY;BYDAY=6MO"), `BYDAY has "6MO"; the number has to be from 1 to 5`},
		{"numbered weekly", icsFile(first + "\nRRULE:FREQ=WEEKLY;BYDAY=1MO"), "only in YEARLY and MONTHLY rules"},
		{"long list", icsFile(first + "\nRRULE:FREQ=YEARLY;BYMONTH=1" + strings.Repeat(",1", 12)), "BYMONTH has more than 12 entries"},
		{"bad until", icsFile(first + "\nRRULE:FREQ=DAILY;UNTIL=tomorrow"), `UNTIL: "TOMORROW" is not a date`},
		{"two rules", icsFile(first + "\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY"), "more than one RRULE"},
		{"too early", icsFile("UID:1\nDTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY"), "between 1600 and 2099"},
		{"exrule", icsFile(first + "\nEXRULE:FREQ=DAILY"), "EXRULE is not supported"},
		{"all later ones", icsFile(first + "\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260101"), "RANGE is not supported"},
		{"mixed rdate", icsFile(first + "\nRDATE:20260101T000000"), "both dates or both times"},
	} {
		got, err := ParseICS(test.data, time.UTC)
		if err == nil {
			t.Errorf("%s: no error, but %d closures", test.name, len(got.Closures))
			continue
		}
		if !strings.HasPrefix(err.Error(), "reading iCalendar: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", test.name, err, test.want)
		}
	}
}

// TestHostileRules keeps the price of rules that never match in bounds.
func TestHostileRules(t *testing.T) {
	for _, rule := range []string{
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
		"FREQ=DAILY;INTERVAL=50000;BYMONTH=2;BYMONTHDAY=30",
	} {
		got, err := ParseICS(icsFile(slices.Repeat([]string{"UID:1\nDTSTART;VALUE=DATE:16000101\nRRULE:" + rule}, 3)...), time.UTC)
		if err != nil || len(got.Closures) > 0 {
			t.Errorf("%s: %d closures, %v", rule, len(got.Closures), err)
		}
	}
}

func FuzzParseICS(f *testing.F) {
	f.Add(icsFile("UID:1\nSUMMARY:A\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227"))
	f.Add(icsFile("UID:1\nDTSTART;TZID=America/New_York:20260605T090000\nDURATION:PT1H30M\nRRULE:FREQ=MONTHLY;BYDAY=-1MO;UNTIL=20270101T000000Z\nEXDATE:20260701T090000"))
	f.Add(icsFile("UID:1\nDTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;BYSETPOS=1;WKST=SU\nRDATE;VALUE=DATE:20260101"))
	f.Add(icsFile("UID:1\nDTSTART:20260601T080000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20260901T080000/PT2H", "UID:1\nRECURRENCE-ID:20260601T080000Z\nDTSTART:20260602T080000\nDTEND:20260602T090000"))
	f.Add(zoned(sydney, "UID:1\nDTSTART;TZID=AUS Eastern Standard Time:20260601T080000\nDURATION:PT1H"))
	f.Add([]byte("BEGIN:VCALENDAR\nEND:VCALENDAR"))
	zone, err := LoadZone("Europe/Stockholm")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ParseICS(data, zone)
		if err != nil {
			return
		}
		if len(got.Closures) > maxICSClosures {
			t.Fatalf("%d closures", len(got.Closures))
		}
		if _, err := New(zone, Always(), got.Closures); err != nil {
			t.Fatalf("New refuses what ParseICS found: %v", err)
		}
	})
}
