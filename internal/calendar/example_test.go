package calendar_test

import (
	"fmt"
	"time"

	"baton/internal/calendar"
)

// office is open from 9 to 17 on weekdays, in Stockholm.
func office(closures ...calendar.Closure) *calendar.Calendar {
	zone, err := calendar.LoadZone("Europe/Stockholm")
	if err != nil {
		panic(err)
	}
	days, err := calendar.ParseDays("mon-fri")
	if err != nil {
		panic(err)
	}
	hours, err := calendar.ParseSpan("09:00-17:00")
	if err != nil {
		panic(err)
	}
	var week calendar.Week
	for _, d := range days {
		week[d] = append(week[d], hours)
	}
	c, err := calendar.New(zone, week, closures)
	if err != nil {
		panic(err)
	}
	return c
}

// A clock that starts on Saturday afternoon runs on Monday morning.
func ExampleCalendar_Add() {
	c := office()
	saturday := time.Date(2026, time.June, 6, 15, 0, 0, 0, c.Zone()).UnixMicro()
	for _, text := range []string{"1 working hour", "1 working day", "1 hour"} {
		d, err := calendar.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		due := time.UnixMicro(c.Add(saturday, d)).In(c.Zone())
		fmt.Printf("%s: %s\n", d, due.Format("Monday 15:04"))
	}
	// Output:
	// 1 working hour: Monday 10:00
	// 1 working day: Monday 17:00
	// 1 hour: Saturday 16:00
}

func ExampleCalendar_Between() {
	c := office()
	friday := time.Date(2026, time.June, 5, 16, 0, 0, 0, c.Zone()).UnixMicro()
	monday := time.Date(2026, time.June, 8, 10, 0, 0, 0, c.Zone()).UnixMicro()
	for _, unit := range []calendar.Unit{calendar.Wall, calendar.WorkingTime, calendar.WorkingDays} {
		fmt.Println(calendar.Duration{Amount: c.Between(friday, monday, unit), Unit: unit})
	}
	// Output:
	// 66 hours
	// 2 working hours
	// 0.25 working days
}

func ExampleParseICS() {
	zone, err := calendar.LoadZone("America/New_York")
	if err != nil {
		panic(err)
	}
	holidays, err := calendar.ParseICS([]byte(`BEGIN:VCALENDAR
BEGIN:VEVENT
UID:memorial-day
SUMMARY:Memorial Day
DTSTART;VALUE=DATE:20260525
RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;COUNT=3
END:VEVENT
END:VCALENDAR
`), zone)
	if err != nil {
		panic(err)
	}
	for _, c := range holidays.Closures {
		fmt.Println(c.From.Date, c.Name)
	}
	// Output:
	// 2026-05-25 Memorial Day
	// 2027-05-31 Memorial Day
	// 2028-05-29 Memorial Day
}

func ExampleParseDuration() {
	for _, text := range []string{"90d", "1.5 h", "4 working h", "4 business hours"} {
		d, err := calendar.ParseDuration(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(d)
	}
	// Output:
	// 90 days
	// 90 minutes
	// 4 working hours
	// reading duration "4 business hours": write "working" for "business", such as "4 working hours"
}
