// Package calendar does working-time arithmetic: when a deadline of "4 working
// hours" falls, how much working time lies between two instants, whether an
// office is open, and when it next opens.
//
// A [Calendar] is a time zone, the working hours of a week, and the closures
// (holidays) that interrupt it. It is immutable, safe for concurrent use, and
// its answers depend on nothing but its inputs. Instants are int64 UTC
// microseconds throughout.
//
// # What is open
//
// An instant is open when the clock on the wall of the calendar's zone reads a
// time inside the hours of that date, closures removed. Spans are half open:
// 09:00 is in, 17:00 is out. When clocks change this means:
//
//   - readings that are skipped in spring are never worked, so a span that
//     starts inside the gap begins at the end of the gap;
//   - readings that happen twice in autumn count both times, so a span across
//     the change is longer by what the clocks were put back.
//
// Working time is real elapsed time in open instants. A working day is a local
// day with any working time in it, however short: half a day before a holiday
// is a whole working day, and it passes in proportion to its own hours.
//
// # What it knows
//
// Calendars reach from [FirstYear] to [LastYear] in local dates. Outside of that
// nothing is worked: a deadline that would fall later is [Never].
//
// The package never reads a clock, a file or the machine's own time zone.
// Named zones come from the Go runtime, with a copy of the zone database
// compiled in for machines that have none.
//
// Start reading at [New] in calendar.go; the arithmetic is in elapsed.go, the
// language's durations in duration.go, and holidays in ics.go.
package calendar
