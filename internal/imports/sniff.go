package imports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// coding is how the text of a file is written.
type coding struct {
	name   string
	skip   int64             // bytes of a mark at the beginning
	decode encoding.Encoding // nil for UTF-8
}

var (
	codingUTF8    = coding{name: "UTF-8"}
	codingMarked  = coding{name: "UTF-8 with a mark", skip: 3}
	codingUTF16LE = coding{name: "UTF-16 (little endian)", decode: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)}
	codingUTF16BE = coding{name: "UTF-16 (big endian)", decode: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)}
	coding1252    = coding{name: "Windows-1252", decode: charmap.Windows1252}
)

func (c coding) after(mark int64) coding { c.skip = mark; return c }

// findCoding finds out how a file is written. A mark decides. Without one, text with
// a zero in every other byte is UTF-16, and text that is UTF-8 but for fewer bytes than
// it has letters outside ASCII is UTF-8 with damaged rows; what remains is
// Windows-1252, of which Latin-1 is a part as far as text goes. It reads the whole
// source, because the first such letter may come late.
func findCoding(src io.Reader) (coding, error) {
	buf := make([]byte, 256<<10)
	var letters, wrong int64
	kept := 0 // the bytes of a letter cut by the end of the buffer
	for first := true; ; first = false {
		n, err := io.ReadFull(src, buf[kept:])
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return coding{}, fmt.Errorf("reading the file: %w", err)
		}
		b := buf[:kept+n]
		if first {
			if c, ok := codingOfMark(b); ok {
				return c, nil
			}
			if c, ok := codingOfZeros(b); ok {
				return c, nil
			}
		}
		kept = 0
		if utf8.Valid(b) { // at several GB/s
			letters += int64(len(b) - utf8.RuneCount(b))
			b = nil
		}
		for len(b) > 0 {
			if b[0] < utf8.RuneSelf {
				b = b[1:]
				continue
			}
			if !end && !utf8.FullRune(b) {
				kept = copy(buf, b)
				break
			}
			if r, size := utf8.DecodeRune(b); r == utf8.RuneError && size == 1 {
				wrong++
				b = b[1:]
			} else {
				letters++
				b = b[size:]
			}
		}
		if end {
			break
		}
	}
	if wrong > letters {
		return coding1252, nil
	}
	return codingUTF8, nil
}

func codingOfMark(b []byte) (coding, bool) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return codingMarked, true
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return codingUTF16LE.after(2), true
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return codingUTF16BE.after(2), true
	}
	return coding{}, false
}

// codingOfZeros knows UTF-16 without a mark by the zero in most letters of
// European text.
func codingOfZeros(b []byte) (coding, bool) {
	b = b[:min(len(b), 4096)&^1]
	var zeros [2]int
	for i, c := range b {
		if c == 0 {
			zeros[i&1]++
		}
	}
	half := len(b) / 2
	switch {
	case half > 0 && zeros[1] > half*7/10 && zeros[0] == 0:
		return codingUTF16LE, true
	case half > 0 && zeros[0] > half*7/10 && zeros[1] == 0:
		return codingUTF16BE, true
	}
	return coding{}, false
}

// over gives the text of the file in UTF-8, through c which counts it.
func (c coding) over(src io.ReadSeeker, through *counted) (io.Reader, error) {
	if _, err := src.Seek(c.skip, io.SeekStart); err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	through.Reader, through.done = src, c.skip
	if c.decode == nil {
		return through, nil
	}
	return c.decode.NewDecoder().Reader(through), nil
}

const delimiters = ",;\t|"

var delimiterWords = []string{"comma", "semicolon", "tab", "bar"}

// Delimiters are what can part the fields of a file, as a mapping calls them.
func Delimiters() []string { return slices.Clone(delimiterWords) }

func delimiterName(c byte) string {
	switch c {
	case ',':
		return "comma"
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	case '|':
		return "vertical bar"
	}
	return fmt.Sprintf("%q", c)
}

// findDelimiter finds what parts the fields in the beginning of a file: that under
// which most of the wanted columns are there, then that which gives most rows as
// many fields as the header, then that which gives most fields.
func findDelimiter(sample []byte, wanted map[string]bool) byte {
	type score struct{ columns, rows, fields int }
	best, bestScore := byte(','), score{-1, 0, 0}
	for _, d := range []byte(delimiters) {
		r := newRowReader(bytes.NewReader(sample), d, false)
		var s score
		width := 0
		for n := 0; n < 50; n++ {
			err := r.next()
			if errors.As(err, new(*badRow)) {
				continue
			}
			if err != nil {
				break
			}
			if width == 0 {
				width = len(r.fields)
				for _, name := range r.fields {
					if wanted[columnName(name)] {
						s.columns++
					}
				}
				s.fields = width
			} else if len(r.fields) == width && width > 1 {
				s.rows++
			}
		}
		if s.columns > bestScore.columns || s.columns == bestScore.columns && (s.rows > bestScore.rows || s.rows == bestScore.rows && s.fields > bestScore.fields) {
			best, bestScore = d, s
		}
	}
	return best
}
