package imports

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// The columns that come before those of the file, where rows are refused. A file
// that has them, because it is a mended one, has them dropped from what is kept.
const (
	refusedPrefix = "refused."
	refusedLine   = refusedPrefix + "line"
	refusedColumn = refusedPrefix + "column"
	refusedReason = refusedPrefix + "reason"
)

// A spreadsheet takes a cell that begins like this for a formula.
const formula = "=+-@\t\r"

// guarded keeps a spreadsheet from taking a cell for a formula: an apostrophe comes before it, and before one that
// begins as if that had been done. unguarded takes it away again.
func guarded(s string) string {
	if rest := strings.TrimLeft(s, "'"); rest != "" && strings.IndexByte(formula, rest[0]) >= 0 {
		return "'" + s
	}
	return s
}

// unguarded is the cell that guarded was given, also if somebody has taken the apostrophe away by hand.
func unguarded(s string) string {
	if rest := strings.TrimLeft(s, "'"); len(rest) < len(s) && rest != "" && strings.IndexByte(formula, rest[0]) >= 0 {
		return s[1:]
	}
	return s
}

func unguard(fields []string) {
	for i := range fields {
		fields[i] = unguarded(fields[i])
	}
}

// refusedFile collects rows that are refused, as CSV that can be mended and
// imported again with the same mapping.
type refusedFile struct {
	file  *os.File
	out   *bufio.Writer
	csv   *csv.Writer
	row   []string
	keep  []int // the columns of the file that are not ours
	width int   // columns of the file
}

func newRefusedFile(dir string, header []string, delimiter byte) (*refusedFile, error) {
	f, err := os.CreateTemp(dir, "baton-refused-*")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	r := &refusedFile{file: f, out: bufio.NewWriter(f), width: len(header)}
	r.csv = csv.NewWriter(r.out)
	r.csv.Comma = rune(delimiter)
	names := []string{refusedLine, refusedColumn, refusedReason}
	for i, name := range header {
		if !strings.HasPrefix(columnName(name), refusedPrefix) {
			r.keep = append(r.keep, i)
			names = append(names, guarded(name))
		}
	}
	if err := r.csv.Write(names); err != nil {
		return nil, errors.Join(fmt.Errorf("writing a temporary file: %w", err), r.close())
	}
	return r, nil
}

// add keeps a row: its fields, or the text of one that has none.
func (r *refusedFile) add(line int, column, reason string, fields []string) error {
	r.row = append(r.row[:0], strconv.Itoa(line), guarded(column), guarded(reason))
	if len(fields) == r.width {
		for _, i := range r.keep {
			r.row = append(r.row, guarded(fields[i]))
		}
	} else {
		for _, field := range fields {
			r.row = append(r.row, guarded(field))
		}
	}
	if err := r.csv.Write(r.row); err != nil {
		return fmt.Errorf("writing a temporary file: %w", err)
	}
	return nil
}

func (r *refusedFile) flush() error {
	r.csv.Flush()
	if err := errors.Join(r.csv.Error(), r.out.Flush()); err != nil {
		return fmt.Errorf("writing a temporary file: %w", err)
	}
	return nil
}

func (r *refusedFile) copyTo(w io.Writer) error {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading a temporary file: %w", err)
	}
	if _, err := io.Copy(w, r.file); err != nil {
		return fmt.Errorf("writing the refused rows: %w", err)
	}
	return nil
}

func (r *refusedFile) close() error {
	return errors.Join(r.file.Close(), os.Remove(r.file.Name()))
}
