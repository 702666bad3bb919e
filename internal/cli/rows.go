package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"baton/internal/report"
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
	t := &report.Table{Name: "query"}
	for i, name := range rows.Columns {
		column := report.Column{Name: name, Title: strings.ReplaceAll(name, "_", " ")}
		if len(rows.Rows) > 0 {
			switch rows.Rows[0][i].(type) {
			case int64, float64:
				column.Align = report.Right
			}
		}
		t.Columns = append(t.Columns, column)
	}
	for _, row := range rows.Rows {
		cells := make([]report.Cell, len(row))
		for i, v := range row {
			if n, ok := v.(int64); ok {
				cells[i] = report.Cell{Kind: report.Count, Int: n}
			} else if s := rowText(v); s != "" {
				cells[i] = report.Cell{Kind: report.Text, Text: s}
			}
		}
		t.Rows = append(t.Rows, cells)
	}
	t.Finding = count(int64(len(rows.Rows)), "row", "rows")
	if rows.Cut {
		t.Notes = append(t.Notes, "there are more; this is as many as Baton shows")
	}
	return t.Text(r.Out, r.Width, r.Colour)
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
