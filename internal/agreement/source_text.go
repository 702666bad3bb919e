package agreement

import (
	"bytes"
	"fmt"
	"sort"
	"unicode/utf8"
)

// Bounds on an agreement, far above any real one.
const (
	maxSource = 1 << 20
	maxDepth  = 50
	maxValues = 20_000
)

// text is a source file with its lines, the last one too, ended by line feeds alone. Places in it are
// byte offsets until a finding needs a line and a column.
type text struct {
	file  string
	src   string
	lines []int // offset at which each line starts

	last struct{ line, offset, column int } // the place found last
}

// readText checks that source is text fit to be read as YAML. After an error in the
// findings the text is not to be read on.
func readText(file string, source []byte) (*text, Findings) {
	var found Findings
	at := func(severity Severity, code string, line, column int, message, hint string) {
		found = append(found, Finding{Code: code, Severity: severity, File: file, Line: line, Column: column, EndColumn: column + 1, Message: message, Hint: hint})
	}
	if len(source) > maxSource {
		at(Error, codeTooLarge, 1, 1, fmt.Sprintf("the file has %d bytes; the most is %d", len(source), maxSource), "an agreement is a text that people read and sign; keep data elsewhere")
		return nil, found
	}
	if len(source) > 1 && (source[0] == 0xff && source[1] == 0xfe || source[0] == 0xfe && source[1] == 0xff) {
		at(Error, codeEncoding, 1, 1, "the file is UTF-16", "save it as UTF-8")
		return nil, found
	}
	if rest, ok := bytes.CutPrefix(source, []byte("\ufeff")); ok {
		source = rest
		at(Warning, codeMark, 1, 1, "the file begins with a byte-order mark", "save it as UTF-8 without one; formatting takes it away")
	}
	returns := bytes.Contains(source, []byte("\r\n"))
	if returns {
		line := bytes.Count(source[:bytes.Index(source, []byte("\r\n"))], []byte("\n")) + 1
		source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
		at(Warning, codeReturns, line, 1, "lines end with carriage returns, as on Windows", "formatting ends them with line feeds")
	}
	if len(source) > 0 && source[len(source)-1] != '\n' {
		source = append(bytes.Clone(source), '\n')
	}
	t := &text{file: file, src: string(source), lines: []int{0}}
	for i := range len(t.src) {
		if t.src[i] == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	for n, start := range t.lines {
		end := len(t.src)
		if n+1 < len(t.lines) {
			end = t.lines[n+1] - 1
		}
		column := 0
		margin := true
		for i := start; i < end; {
			r, size := utf8.DecodeRuneInString(t.src[i:end])
			column++
			switch {
			case r == utf8.RuneError && size == 1:
				at(Error, codeEncoding, n+1, column, fmt.Sprintf("byte 0x%02x is not UTF-8", t.src[i]), "save the file as UTF-8")
			case r == '\r':
				at(Error, codeReturns, n+1, column, "a carriage return without a line feed", "end lines with line feeds")
			case r == '\t' && margin:
				at(Error, codeTab, n+1, column, "a tab at the start of a line", "YAML wants spaces here; indent by two")
				margin = false
			case r < ' ' && r != '\t' || r == 0x7f || r == 0xfeff || r == 0x85 || r == 0x2028 || r == 0x2029:
				at(Error, codeEncoding, n+1, column, fmt.Sprintf("a control character (U+%04X)", r), "take it out")
			}
			margin = margin && r == ' '
			i += size
			if len(found) > 2*mostFindings {
				return t, found
			}
		}
	}
	return t, found
}

// place returns the line and column, from 1, of an offset. It counts on from where it was
// asked last, so that a file on one line is not counted again for every word.
func (t *text) place(offset int) (line, column int) {
	offset = max(0, min(offset, len(t.src)))
	line = t.lineOf(offset)
	if t.last.line != line || t.last.offset > offset {
		t.last.line, t.last.offset, t.last.column = line, t.lines[line-1], 1
	}
	t.last.column += utf8.RuneCountInString(t.src[t.last.offset:offset])
	t.last.offset = offset
	return line, t.last.column
}

// lineOf returns the line, from 1, of an offset.
func (t *text) lineOf(offset int) int {
	return sort.Search(len(t.lines), func(i int) bool { return t.lines[i] > offset })
}

// endOfLine returns the offset of the line feed that ends the line of offset.
func (t *text) endOfLine(offset int) int {
	line := t.lineOf(max(0, min(offset, len(t.src))))
	if line < len(t.lines) {
		return t.lines[line] - 1
	}
	return len(t.src)
}

// finding is one at the text from start up to end.
func (t *text) finding(severity Severity, code string, start, end int, message, hint string) Finding {
	end = max(start, min(end, t.endOfLine(start)))
	line, column := t.place(start)
	return Finding{Code: code, Severity: severity, File: t.file, Line: line, Column: column,
		EndColumn: column + max(1, utf8.RuneCountInString(t.src[min(start, len(t.src)):min(end, len(t.src))])), Message: message, Hint: hint}
}

// offset returns the offset of a line and a column, both from 1, -1 outside of the text.
func (t *text) offset(line, column int) int {
	if line < 1 || line > len(t.lines) || column < 1 {
		return -1
	}
	i := t.lines[line-1]
	for column--; column > 0; column-- {
		if i >= len(t.src) {
			return -1
		}
		_, size := utf8.DecodeRuneInString(t.src[i:])
		i += size
	}
	return i
}
