package imports

import (
	"fmt"
	"slices"

	"baton/internal/lifecycle"
)

// Shown is a row of a preview: what it would become, or why it would not.
type Shown struct {
	Line     int
	Skipped  bool      // as the mapping says
	Refused  []Refusal // why it would be refused
	Arrivals []lifecycle.Arrival
}

// Preview maps the first rows of a file. now is the time of the import, UTC microseconds. It fails where Open would.
func (l *Look) Preview(m *Mapping, now int64) ([]Shown, error) {
	header := make([]string, len(l.Columns))
	for i := range l.Columns {
		header[i] = l.Columns[i].Name
	}
	r := &Reading{m: m}
	at, err := r.columns(header)
	if err != nil {
		return nil, err
	}
	x := newMapper(m, now, header, at)
	var list []Shown
	for _, row := range l.Head {
		shown := Shown{Line: row.Number}
		if row.Why != "" {
			shown.Refused = []Refusal{{Line: row.Number, Reason: row.Why}}
			list = append(list, shown)
			continue
		}
		x.fields = row.Fields
		if shown.Skipped = !x.passes(); !shown.Skipped {
			x.row(row.Number, row.Fields)
			for _, p := range x.problems {
				shown.Refused = append(shown.Refused, Refusal{Line: row.Number, Column: p.column, Reason: p.why})
			}
			for _, a := range x.arrivals { // its slices are used again for the next row
				a.Keys, a.Input.Values = slices.Clone(a.Keys), slices.Clone(a.Input.Values)
				if a.Input.Member != nil {
					member := *a.Input.Member
					member.Pools = slices.Clone(member.Pools)
					a.Input.Member = &member
				}
				shown.Arrivals = append(shown.Arrivals, a)
			}
		}
		list = append(list, shown)
	}
	return list, nil
}

// Members reports whether the mapping brings members of the team.
func (m *Mapping) Members() bool { return m.member != nil }

// notCSV says what a file is that begins like no text, "" for one that may be CSV.
func notCSV(head []byte) string {
	for _, k := range []struct{ begin, what string }{
		{"PK\x03\x04", "a workbook of a spreadsheet (.xlsx, .ods) or another packed file"}, {"\xd0\xcf\x11\xe0", "an old workbook of a spreadsheet (.xls)"},
		{"%PDF", "a PDF"}, {"\x1f\x8b", "packed (.gz)"}, {"\x89PNG", "a picture"}, {"SQLite format 3", "a database"},
	} {
		if len(head) >= len(k.begin) && string(head[:len(k.begin)]) == k.begin {
			return fmt.Sprintf("it is %s, not CSV; open it where it was made and save it as CSV (UTF-8), then send that", k.what)
		}
	}
	return ""
}
