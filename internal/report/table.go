package report

import "baton/internal/store"

// Query says which leads a report is about and how it divides them.
type Query struct {
	// Since and Until bound the leads, [Since, Until), UTC microseconds, 0 for no bound: by
	// when the lead arrived in Funnel, Velocity and Lift, by when the clock started in SLA, by
	// when the hand-off was offered in Response.
	Since, Until int64
	// Now is the instant of the report: what is still running or maturing is so at Now.
	// 0 stands for the newest instant among the rows.
	Now int64
	// By is what to group by: an attribute or an answer of the agreement ("source",
	// "company.industry", "answers.budget"), owner, grade, stage, side, outcome, origin,
	// track, readiness, buying_stage, consent, month, week, "" for nothing. Lift
	// also knows activity, asset and criterion. Month and week are the lead's arrival, or
	// the clock's start in SLA, in the agreement's time zone; owner is the lead's, or
	// in SLA and Response the member the clock ran for.
	By string
	// Only are the leads that Funnel, Velocity and Lift are about. SLA and Response take no notice of it unless they are
	// grouped by something of the lead.
	Only store.Only
}

// Table is a report: the answer in a sentence, the figures, and what to know when
// reading them.
type Table struct {
	Name    string // funnel, velocity, lift, sla, promises, response, pursuit
	Title   string
	Finding string // one plain sentence, the answer first
	Columns []Column
	Rows    [][]Cell
	Notes   []string
	// Parts are tables that belong below this one (the response split of SLA).
	Parts []*Table
	// Base is what the shares are compared with in Lift: the rate of all leads, by month or
	// week that of the mature ones.
	Base float64

	baseless bool // Lift where all is still maturing: Base says nothing
	grouped  bool // the first column is a group, and rows of one group follow each other
}

// Unit says what the figures of a column are, and how machines get them.
type Unit string

// The units. Cells of durations hold microseconds; JSON and CSV give them in the unit.
const (
	NoUnit Unit = ""      // texts
	Leads  Unit = "leads" // a count
	Passes Unit = "passes"
	Clocks Unit = "clocks"
	Offers Unit = "hand-offs"
	Ratio  Unit = "share" // 0 to 1
	Times  Unit = "times" // 1 is as much
	Days   Unit = "days"
	Hours  Unit = "hours"
)

// Align is the edge a column keeps.
type Align uint8

// The edges: texts left, figures right.
const (
	Left Align = iota
	Right
)

// Column describes one column.
type Column struct {
	Name  string // for machines: lower case, with underscores
	Title string // for people
	Unit  Unit
	Align Align
	// Rank says how readily the column is left out where there is no room: the highest first,
	// 0 never.
	Rank int
}

// Kind says what a cell holds and how it is written.
type Kind uint8

// The kinds of cell.
const (
	Missing  Kind = iota // nothing to say
	Text                 // Text
	Count                // Int
	Share                // Num, 0 to 1
	Duration             // Int, microseconds
	Factor               // Num: so many times as much
	FewOf                // too few to say, Int of them
)

// Cell is one value.
type Cell struct {
	Kind Kind
	Text string
	Int  int64
	Num  float64
}

func text(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{Kind: Text, Text: s}
}
func count(n int64) Cell       { return Cell{Kind: Count, Int: n} }
func ratio(f float64) Cell     { return Cell{Kind: Share, Num: f} }
func factor(f float64) Cell    { return Cell{Kind: Factor, Num: f} }
func duration(us int64) Cell   { return Cell{Kind: Duration, Int: us} }
func (s spread) middle() Cell  { return s.cell(s.median) }
func (s spread) highest() Cell { return s.cell(s.p90) }

func (s spread) cell(us int64) Cell {
	if s.n == 0 {
		return Cell{}
	}
	return duration(us)
}

// Column returns the position of a column by its name, -1 for none.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Cell returns a cell by the name of its column; a missing one where there is none.
func (t *Table) Cell(row int, column string) Cell {
	if i := t.Column(column); i >= 0 && row < len(t.Rows) {
		return t.Rows[row][i]
	}
	return Cell{}
}

func (t *Table) note(s string) { t.Notes = append(t.Notes, s) }
