package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
)

// machine is the value as machines get it: nil, a text, an integer, or a number rounded to what
// it can be relied on. Durations are in the unit of their column.
func (c Cell) machine(unit Unit) any {
	switch c.Kind {
	case Text:
		return c.Text
	case Count:
		return c.Int
	case Share, Factor:
		return rounded(c.Num, 6)
	case Duration:
		if unit == Days {
			return rounded(float64(c.Int)/float64(day), 4)
		}
		return rounded(float64(c.Int)/float64(hour), 4)
	}
	return nil
}

func rounded(f float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(f*p) / p
}

// Plain gives the machine names of the columns, then the rows: texts, integers, rounded numbers, and nil for what is missing or of
// too few leads. Parts are not among them.
func (t *Table) Plain() [][]any {
	names := make([]any, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	list := [][]any{names}
	for _, row := range t.Rows {
		cells := make([]any, len(row))
		for i, c := range row {
			cells[i] = c.machine(t.Columns[i].Unit)
		}
		list = append(list, cells)
	}
	return list
}

// CSV writes the rows under the machine names of the columns (RFC 4180, UTF-8, lines ended by
// a line feed). A missing value, and one of too few leads, is empty. A text that a
// spreadsheet would take for a formula gets an apostrophe in front. Parts are not written.
func (t *Table) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	record := make([]string, len(t.Columns))
	for _, row := range t.Plain() {
		for i, c := range row {
			switch v := c.(type) {
			case string:
				record[i] = PlainCell(v)
			case int64:
				record[i] = strconv.FormatInt(v, 10)
			case float64:
				record[i] = strconv.FormatFloat(v, 'f', -1, 64)
			default:
				record[i] = ""
			}
		}
		if err := out.Write(record); err != nil {
			return fmt.Errorf("writing CSV: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

// formula is what a spreadsheet may take for one: at the beginning of a cell, and behind what some take for the end of one.
var formula = regexp.MustCompile(`(^|[;\t\r\n])([ \t]*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])`)

// PlainCell puts an apostrophe before what a spreadsheet would take for a formula in a cell of a CSV file.
func PlainCell(s string) string { return formula.ReplaceAllString(s, "$1'$2") }

// MarshalJSON gives the report with one object for each row, its members in the order of
// the columns. A missing value, and one of too few leads, is null.
func (t *Table) MarshalJSON() ([]byte, error) {
	type column struct {
		Name  string `json:"name"`
		Title string `json:"title"`
		Unit  Unit   `json:"unit,omitempty"`
	}
	out := struct {
		Report  string            `json:"report"`
		Title   string            `json:"title"`
		Finding string            `json:"finding"`
		Base    *float64          `json:"base_rate,omitempty"`
		Columns []column          `json:"columns"`
		Rows    []json.RawMessage `json:"rows"`
		Notes   []string          `json:"notes"`
		Parts   []*Table          `json:"parts,omitempty"`
	}{Report: t.Name, Title: t.Title, Finding: t.Finding, Columns: []column{}, Rows: []json.RawMessage{}, Notes: append([]string{}, t.Notes...), Parts: t.Parts}
	if t.Name == "lift" && len(t.Rows) > 0 && !t.baseless {
		base := rounded(t.Base, 6)
		out.Base = &base
	}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, column{c.Name, c.Title, c.Unit})
	}
	for _, row := range t.Rows {
		b := []byte{'{'}
		for i, c := range row {
			if i > 0 {
				b = append(b, ',')
			}
			name, err := json.Marshal(t.Columns[i].Name)
			if err != nil {
				return nil, err
			}
			value, err := json.Marshal(c.machine(t.Columns[i].Unit))
			if err != nil {
				return nil, err
			}
			b = append(append(append(b, name...), ':'), value...)
		}
		out.Rows = append(out.Rows, append(b, '}'))
	}
	return json.Marshal(out)
}

// JSON writes the report, its parts included, indented.
func (t *Table) JSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(t); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}
