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
			names = append(names, name)
		}
	}
	if err := r.csv.Write(names); err != nil {
		return nil, errors.Join(fmt.Errorf("writing a temporary file: %w", err), r.close())
	}
	return r, nil
}

// add keeps a row: its fields, or the text of one that has none.
func (r *refusedFile) add(line int, column, reason string, fields []string) error {
	r.row = append(r.row[:0], strconv.Itoa(line), column, reason)
	if len(fields) == r.width {
		for _, i := range r.keep {
			r.row = append(r.row, fields[i])
		}
	} else {
		r.row = append(r.row, fields...)
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
