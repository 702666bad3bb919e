package imports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// The bounds of a row: bytes, and fields, of which spreadsheets have no more either.
const (
	maxField  = 1 << 20
	maxRow    = 4 << 20
	maxFields = 16384
)

// rowReader reads the rows of a CSV file (RFC 4180). Quoting is as strict as in
// encoding/csv, against which a test holds it. It exists because that reader cannot
// bound a row, and loses every row that an unclosed quote swallows: this one refuses the
// line on which such a row begins and goes on with the next line.
//
// A row ends with LF, CR LF or CR; lines without any field are passed over.
type rowReader struct {
	src       io.Reader // UTF-8
	delimiter byte
	decoded   bool // from another encoding, so that U+FFFD marks what could not be

	buf        []byte
	start, end int // of what is not consumed
	eof        bool
	lines      int // consumed
	blank      int64

	line    int      // where the row begins, from 1
	fields  []string // of the row; valid until the next one
	raw     []byte   // the row as it stands in the file; valid until the next one
	spans   []span
	scratch []byte
	column  int // at which the row cannot be read, from 0; -1 for none in particular
}

// span is a field: of the row, or of scratch if it had to be unquoted.
type span struct {
	from, to int
	scratch  bool
}

// badRow is why a row cannot be read. The reader can go on.
type badRow struct{ why string }

func (e *badRow) Error() string { return e.why }

var (
	errBareQuote  = &badRow{"a quote stands inside a field that is not quoted; put the field in quotes and double the quote"}
	errAfterQuote = &badRow{"text follows a closing quote; double a quote that belongs to the text"}
	errUnclosed   = &badRow{"a quote is opened and never closed"}
	errLongField  = &badRow{"a field is longer than 1 MiB, or a quote is never closed"}
	errLongRow    = &badRow{"the row is longer than 4 MiB, or a quote is never closed"}
	errManyFields = &badRow{"the row has more than 16,384 fields, or a quote is never closed"}
	errNUL        = &badRow{"the row holds a NUL byte, which is no text"}
	errNotUTF8    = &badRow{"the row holds bytes that are not UTF-8; save the file as UTF-8"}
	errUndecoded  = &badRow{"the row holds bytes that do not exist in the encoding of the file"}
	errTruncated  = errors.New("the buffer ends inside the row")
)

func newRowReader(src io.Reader, delimiter byte, decoded bool) *rowReader {
	return &rowReader{src: src, delimiter: delimiter, decoded: decoded, buf: make([]byte, 256<<10)}
}

// next reads a row. The error is io.EOF, a *badRow for a row that is refused, or of
// the source.
func (r *rowReader) next() error {
	for {
		r.line = r.lines + 1
		n, lines, err := r.parse(r.buf[r.start:r.end])
		for err == errTruncated {
			if err := r.fill(); err != nil {
				return err
			}
			n, lines, err = r.parse(r.buf[r.start:r.end])
		}
		if err != nil {
			switch err {
			case errAfterQuote:
				r.column = len(r.spans) - 1
			case errLongRow, errManyFields:
				r.column = -1
			default:
				r.column = len(r.spans)
			}
			return r.refuse(err)
		}
		if n == 0 {
			return io.EOF
		}
		r.raw = r.buf[r.start : r.start+n]
		r.start += n
		r.lines += lines
		if len(r.spans) == 0 {
			r.blank++
			continue
		}
		return r.take()
	}
}

// take makes the fields of the row that parse found.
func (r *rowReader) take() error {
	if bytes.IndexByte(r.raw, 0) >= 0 {
		r.column = r.first(func(b []byte) bool { return bytes.IndexByte(b, 0) >= 0 })
		return errNUL
	}
	text, scratch := string(r.raw), string(r.scratch)
	if !utf8.ValidString(text) {
		r.column = r.first(func(b []byte) bool { return !utf8.Valid(b) })
		return errNotUTF8
	}
	if r.decoded && strings.Contains(text, "\ufffd") {
		r.column = r.first(func(b []byte) bool { return bytes.Contains(b, []byte("\ufffd")) })
		return errUndecoded
	}
	r.fields = r.fields[:0]
	for _, s := range r.spans {
		if s.scratch {
			r.fields = append(r.fields, scratch[s.from:s.to])
		} else {
			r.fields = append(r.fields, text[s.from:s.to])
		}
	}
	return nil
}

// first returns the first field of the row that is so, -1 for none.
func (r *rowReader) first(is func([]byte) bool) int {
	return slices.IndexFunc(r.spans, func(s span) bool {
		if s.scratch {
			return is(r.scratch[s.from:s.to])
		}
		return is(r.raw[s.from:s.to])
	})
}

// fit makes the row as wide as the header where that loses nothing: spreadsheets write separators behind the last column, and leave out
// those of columns that are empty to the end. named is how many columns of the header there are up to the last that has a name.
func (r *rowReader) fit(width, named int) {
	for len(r.fields) > width && trim(r.fields[len(r.fields)-1]) == "" {
		r.fields = r.fields[:len(r.fields)-1]
	}
	for len(r.fields) >= named && len(r.fields) < width {
		r.fields = append(r.fields, "")
	}
}

// namedWidth is how many columns of a header there are up to the last that has a name.
func namedWidth(header []string) int {
	for i := len(header); i > 0; i-- {
		if columnName(header[i-1]) != "" {
			return i
		}
	}
	return len(header)
}

// refuse consumes the first line of the row.
func (r *rowReader) refuse(err error) error {
	for {
		window := r.buf[r.start:r.end]
		i := bytes.IndexAny(window, "\r\n")
		if i < 0 && !r.eof && len(window) < maxRow {
			if err := r.fill(); err != nil {
				return err
			}
			continue
		}
		if i < 0 && r.eof {
			r.raw, r.start, r.lines = window, r.end, r.lines+1
			return err
		}
		if i >= 0 {
			if window[i] == '\r' && i+1 == len(window) && !r.eof {
				if err := r.fill(); err != nil {
					return err
				}
				continue
			}
			r.raw = window[:i+lineEnd(window[i:])]
			r.start += len(r.raw)
			r.lines++
			return err
		}
		// A line longer than a row may be: keep its beginning, drop the rest.
		head := bytes.Clone(window[:64<<10])
		for {
			r.start = r.end
			if ferr := r.fill(); ferr != nil {
				return ferr
			}
			window = r.buf[r.start:r.end]
			if i := bytes.IndexByte(window, '\n'); i >= 0 {
				r.start += i + 1
				break
			}
			if r.eof {
				r.start = r.end
				break
			}
		}
		r.raw, r.lines = head, r.lines+1
		return err
	}
}

// lineEnd is the length of the line end with which b begins.
func lineEnd(b []byte) int {
	if len(b) > 1 && b[0] == '\r' && b[1] == '\n' {
		return 2
	}
	return 1
}

// fill fills the buffer behind what is there, which it grows if it is full: up to
// what two rows need.
func (r *rowReader) fill() error {
	if r.eof {
		return nil
	}
	if r.start > 0 {
		copy(r.buf, r.buf[r.start:r.end])
		r.end -= r.start
		r.start = 0
	}
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	n, err := io.ReadFull(r.src, r.buf[r.end:])
	r.end += n
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		r.eof = true
	} else if err != nil {
		return fmt.Errorf("reading the file: %w", err)
	}
	return nil
}

// parse finds the row at the beginning of b: its length with the line end, how many
// lines it takes, and r.spans. The length is 0 at the end of the file.
func (r *rowReader) parse(b []byte) (length, lines int, err error) {
	r.spans, r.scratch = r.spans[:0], r.scratch[:0]
	if len(b) == 0 {
		if r.eof {
			return 0, 0, nil
		}
		return 0, 0, errTruncated
	}
	if b[0] == '\n' {
		return 1, 1, nil
	}
	if b[0] == '\r' {
		if len(b) == 1 && !r.eof {
			return 0, 0, errTruncated
		}
		return lineEnd(b), 1, nil
	}
	i := 0
	for {
		if i < len(b) && b[i] == '"' {
			if i, lines, err = r.quoted(b, i+1, lines); err != nil {
				return 0, 0, err
			}
		} else {
			from := i
			for i < len(b) && b[i] != r.delimiter && b[i] != '\n' && b[i] != '\r' {
				if b[i] == '"' {
					return 0, 0, errBareQuote
				}
				i++
			}
			if i-from > maxField {
				return 0, 0, errLongField
			}
			r.spans = append(r.spans, span{from, i, false})
		}
		if i > maxRow {
			return 0, 0, errLongRow
		}
		if len(r.spans) > maxFields {
			return 0, 0, errManyFields
		}
		switch {
		case i == len(b):
			if !r.eof {
				return 0, 0, errTruncated
			}
			return i, lines + 1, nil
		case b[i] == r.delimiter:
			i++
		case b[i] == '\r' && i+1 == len(b) && !r.eof:
			return 0, 0, errTruncated
		default:
			return i + lineEnd(b[i:]), lines + 1, nil
		}
	}
}

// quoted reads a field whose opening quote stands before i, up to what follows its
// closing quote.
func (r *rowReader) quoted(b []byte, i, lines int) (next, newLines int, err error) {
	from := i
	plain := true // nothing had to be taken out yet
	begin := len(r.scratch)
	unplain := func(upTo int) {
		if plain {
			r.scratch = append(r.scratch, b[from:upTo]...)
			plain = false
		}
	}
	for {
		if i-from > maxField {
			return 0, 0, errLongField
		}
		if i >= len(b) {
			if !r.eof {
				return 0, 0, errTruncated
			}
			return 0, 0, errUnclosed
		}
		c := b[i]
		switch {
		case c == '"' && i+1 < len(b) && b[i+1] == '"':
			unplain(i)
			r.scratch = append(r.scratch, '"')
			i += 2
			continue
		case c == '"':
			if i+1 == len(b) && !r.eof {
				return 0, 0, errTruncated
			}
			if plain {
				r.spans = append(r.spans, span{from, i, false})
			} else {
				r.spans = append(r.spans, span{begin, len(r.scratch), true})
			}
			i++
			if i < len(b) && b[i] != r.delimiter && b[i] != '\n' && b[i] != '\r' {
				return 0, 0, errAfterQuote
			}
			return i, lines, nil
		case c == '\r' && i+1 < len(b) && b[i+1] == '\n':
			unplain(i) // a line end in a field is LF
			i++
			continue
		case c == '\n' || c == '\r':
			lines++
		}
		if !plain {
			r.scratch = append(r.scratch, c)
		}
		i++
	}
}
