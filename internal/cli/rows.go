package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"baton/internal/store"
)

// printRows writes what a query found.
func (r *run) printRows(rows *store.Table, format string) error {
	switch format {
	case "json":
		return rowsJSON(r.Out, rows)
	case "csv":
		return rowsCSV(r.Out, rows)
	}
	return r.grid(rows)
}

// list writes a table, or, when it has no rows, a sentence.
func (r *run) list(rows *store.Table, none string) error {
	if len(rows.Rows) == 0 {
		_, err := fmt.Fprintln(r.Out, none)
		return err
	}
	return r.grid(rows)
}

// grid writes a table as it is: every column by its name, every value whole, figures to the right.
func (r *run) grid(rows *store.Table) error {
	cells := make([][]string, len(rows.Rows))
	widths := make([]int, len(rows.Columns))
	figures := make([]bool, len(rows.Columns))
	for i, name := range rows.Columns {
		widths[i], figures[i] = utf8.RuneCountInString(name), len(rows.Rows) > 0
	}
	for i, row := range rows.Rows {
		cells[i] = make([]string, len(row))
		for j, v := range row {
			switch v.(type) {
			case int64, float64, nil:
			default:
				figures[j] = false
			}
			cells[i][j] = oneLine(rowText(v))
			widths[j] = max(widths[j], utf8.RuneCountInString(cells[i][j]))
		}
	}
	var b strings.Builder
	line := func(list []string) {
		for j, s := range list {
			space := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(s))
			switch {
			case figures[j]:
				b.WriteString(space + s)
			case j < len(list)-1:
				b.WriteString(s + space)
			default:
				b.WriteString(s)
			}
			if j < len(list)-1 {
				b.WriteString("  ")
			}
		}
		b.WriteByte('\n')
	}
	line(rows.Columns)
	for j, w := range widths {
		b.WriteString(strings.Repeat("─", w))
		if j < len(widths)-1 {
			b.WriteString("  ")
		}
	}
	b.WriteByte('\n')
	for _, row := range cells {
		line(row)
	}
	b.WriteString("(" + count(int64(len(rows.Rows)), "row", "rows") + ")\n")
	if rows.Cut {
		b.WriteString("There are more; this is as many as Baton shows.\n")
	}
	_, err := io.WriteString(r.Out, b.String())
	return err
}

// oneLine keeps what would break the lines of a table, or steer a terminal, out of it.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

func rowText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	}
	return fmt.Sprint(v)
}

func rowsCSV(out io.Writer, rows *store.Table) error {
	w := csv.NewWriter(out)
	if err := w.Write(rows.Columns); err != nil {
		return err
	}
	record := make([]string, len(rows.Columns))
	for _, row := range rows.Rows {
		for i, v := range row {
			record[i] = rowText(v)
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// rowsJSON writes a list of objects whose members stand in the order of the columns.
func rowsJSON(out io.Writer, rows *store.Table) error {
	var b []byte
	b = append(b, '[')
	for i, row := range rows.Rows {
		if i > 0 {
			b = append(b, ",\n"...)
		}
		b = append(b, '{')
		for j, v := range row {
			if j > 0 {
				b = append(b, ", "...)
			}
			name, err := json.Marshal(rows.Columns[j])
			if err != nil {
				return err
			}
			value, err := json.Marshal(v)
			if err != nil {
				return err
			}
			b = append(append(append(b, name...), ": "...), value...)
		}
		b = append(b, '}')
	}
	_, err := out.Write(append(b, "]\n"...))
	return err
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes a whole number with its thousands set apart.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
