package imports

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// mostRefusals is how many refused rows a summary shows.
const mostRefusals = 20

// Summary is what came of a file. Rows = Mapped + Skipped + Refused.
type Summary struct {
	File      string
	Import    string // the source
	Encoding  string
	Delimiter string
	Hash      string // of the mapping and the file: SHA-256, hexadecimal

	Rows     int64 // with something in them, without the header
	Mapped   int64
	Skipped  int64 // by keep_when and skip_when
	Refused  int64
	Silent   int64 // of Mapped: rows of which nothing came, such as deals that are still open
	Blank    int64 // lines with nothing in them, not in Rows
	Repeated int64 // of Mapped: rows whose key an earlier row has

	Arrivals   int64
	People     int64
	Activities int64
	Outcomes   int64
	Members    int64
	First      int64 // when the first arrival occurred, UTC µs
	Last       int64

	Refusals []Refusal     // the first of them
	Columns  []ColumnCount // refused rows by column, most first
	Reasons  []ReasonCount // problems by reason, most first
	Notes    []string

	byColumn map[string]int64
	byReason map[ReasonCount]*ReasonCount // by Column and Reason
}

// mostReasons is how many different reasons are told apart.
const mostReasons = 200

// countReason counts why a row was refused.
func (s *Summary) countReason(line int, column, reason string) {
	k := ReasonCount{Column: column, Reason: reason}
	n := s.byReason[k]
	if n == nil && len(s.byReason) >= mostReasons {
		k = ReasonCount{Reason: "for other reasons"}
		n = s.byReason[k]
	}
	if n == nil {
		n = &ReasonCount{Column: k.Column, Reason: k.Reason, Line: line}
		if s.byReason == nil {
			s.byReason = map[ReasonCount]*ReasonCount{}
		}
		s.byReason[k] = n
	}
	n.Rows++
}

// Refusal is why a row was refused.
type Refusal struct {
	Line   int
	Column string // or several, with commas; "" for the row as a whole
	Reason string
}

// ReasonCount is in how many rows something was not as it should be, and where first. A row with two problems is
// counted with both.
type ReasonCount struct {
	Column string // "" for the row as a whole
	Reason string
	Rows   int64
	Line   int // the first
}

// ColumnCount is how many rows were refused for a column.
type ColumnCount struct {
	Column string
	Rows   int64
}

func (r *Reading) note(format string, args ...any) {
	r.summary.Notes = append(r.summary.Notes, fmt.Sprintf(format, args...))
}

// count writes a number with its noun: "1 row", "60 rows".
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(n, 10) + " " + noun + "s"
}

// have is the verb that goes with a count.
func have(n int64) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

// Summary tells what came of the file. What only the order of time shows is in it
// after Each or Merge.
func (r *Reading) Summary() Summary {
	s := r.summary
	s.Notes = slices.Clone(s.Notes)
	note := func(format string, args ...any) { s.Notes = append(s.Notes, fmt.Sprintf(format, args...)) }
	if r.m.at != nil {
		note("times are read as %s, %s", layoutTexts(r.m.at.layouts), r.m.at.zone)
	}
	for _, c := range r.m.attributes {
		if t := r.x.tallies[c]; c.column >= 0 && t.empty > 0 {
			says := [...]string{"they say nothing of", "it says nothing of", "they clear", "it clears"}
			which := 0
			if c.clear {
				which = 2
			}
			if t.empty == 1 {
				which++
			}
			note("%s %s an empty %q: kept; %s %s", count(t.empty, "row"), have(t.empty), r.m.columns[c.column].name, says[which], r.m.names[c.name])
		}
	}
	for _, c := range r.m.cells() {
		if t := r.x.tallies[c]; t != nil && t.dropped > 0 {
			note("%s %s a %q that was left out, first on line %d: %q", count(t.dropped, "row"), have(t.dropped), r.m.columns[c.column].name, t.line, t.text)
		}
	}
	if s.Repeated > 0 {
		note("%s %s the key of an earlier row, and %s imported once", count(s.Repeated, "row"), have(s.Repeated), "each key is")
	}
	if s.Silent > 0 {
		note("of %s nothing came: neither an activity nor an outcome", count(s.Silent, "row"))
	}
	if r.x.backlog > 0 {
		note("%s dated before the time of the row", isDated(r.x.backlog))
	}
	if r.early > 0 {
		note("%s dated before anything else that is known of the lead", isDated(r.early))
	}
	s.Columns = nil
	for column, rows := range s.byColumn {
		s.Columns = append(s.Columns, ColumnCount{column, rows})
	}
	slices.SortFunc(s.Columns, func(a, b ColumnCount) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Column, b.Column))
	})
	s.Reasons = nil
	for _, n := range s.byReason { // order: sorted below
		s.Reasons = append(s.Reasons, *n)
	}
	slices.SortFunc(s.Reasons, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Reason, b.Reason))
	})
	return s
}

func isDated(n int64) string {
	if n == 1 {
		return "1 outcome is"
	}
	return strconv.FormatInt(n, 10) + " outcomes are"
}

// cells lists the cells that may leave something out, in the order of the mapping.
func (m *Mapping) cells() []*cell {
	cells := []*cell{m.at, m.person.email, m.person.phone, m.person.anonymous, m.account.domain, m.account.name, m.origin, m.actor}
	for _, e := range m.person.ids {
		cells = append(cells, e.id)
	}
	cells = append(cells, m.attributes...)
	if a := m.activity; a != nil {
		cells = append(append(cells, a.name, a.asset, a.at, a.bot), a.properties...)
	}
	if o := m.outcome; o != nil {
		cells = append(cells, o.result, o.value, o.reason, o.note, o.actor, o.at)
	}
	if p := m.member; p != nil {
		cells = append(cells, p.email, p.name, p.side, p.manager, p.pools, p.weight, p.capacity)
	}
	return slices.DeleteFunc(cells, func(c *cell) bool { return c == nil || c.column < 0 })
}
