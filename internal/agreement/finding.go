package agreement

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Severity says whether a finding stands in the way.
type Severity uint8

// An agreement with an error cannot run; one with warnings can.
const (
	Error Severity = iota
	Warning
)

// String returns "error" or "warning".
func (s Severity) String() string { return [...]string{"error", "warning"}[s] }

// Finding is something about an agreement that its author should know, and where.
// Lines and columns count from 1, columns in characters; EndColumn is just past
// the last one and lies on Line.
type Finding struct {
	Code      string // stable: A.. for the agreement, C.. for conditions; see findingCodes
	Message   string
	Hint      string // what to do about it, "" for nothing in particular
	Severity  Severity
	File      string
	Line      int
	Column    int
	EndColumn int
	Address   string // of the clause, "" for none
	Related   []Related
}

// Related is another place that belongs to a finding.
type Related struct {
	File    string
	Line    int
	Column  int
	Message string
}

// Findings is sorted by file, line, column and code.
type Findings []Finding

// mostFindings is how many are shown; who has more does not read on.
const mostFindings = 50

// HasErrors reports whether one of the findings stands in the way.
func (f Findings) HasErrors() bool {
	return slices.ContainsFunc(f, func(x Finding) bool { return x.Severity == Error })
}

// Err returns the errors among the findings as one error, nil for none.
func (f Findings) Err() error {
	var lines []string
	for _, x := range f {
		if x.Severity == Error {
			lines = append(lines, x.headline())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New("checking the agreement: " + strings.Join(lines, "\n"))
}

func (x *Finding) place() string {
	if x.Line == 0 {
		return x.File
	}
	return fmt.Sprintf("%s:%d:%d", x.File, x.Line, x.Column)
}

func (x *Finding) headline() string {
	return fmt.Sprintf("%s: %s %s: %s", x.place(), x.Severity, x.Code, x.Message)
}

// sorted orders findings, drops those said twice, and caps them.
func (f Findings) sorted() Findings {
	slices.SortStableFunc(f, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	f = slices.CompactFunc(f, func(a, b Finding) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Code == b.Code && a.Message == b.Message
	})
	if len(f) <= mostFindings {
		return f
	}
	// An error past the cap must still stand in the way.
	rest, severity := f[mostFindings:], Warning
	if rest.HasErrors() {
		severity = Error
	}
	last := rest[0]
	return append(f[:mostFindings:mostFindings], Finding{Code: codeMore, Severity: severity, File: last.File, Line: last.Line,
		Column: last.Column, EndColumn: last.EndColumn,
		Message: fmt.Sprintf("%d more %s, from here on", len(rest), plural(len(rest), "finding")), Hint: "mend those above first"})
}

// JSON returns the findings for editors: an array of objects, never null.
func (f Findings) JSON() []byte {
	type related struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Message string `json:"message"`
	}
	type finding struct {
		Code      string    `json:"code"`
		Severity  string    `json:"severity"`
		Message   string    `json:"message"`
		Hint      string    `json:"hint,omitempty"`
		File      string    `json:"file"`
		Line      int       `json:"line"`
		Column    int       `json:"column"`
		EndColumn int       `json:"end_column"`
		Address   string    `json:"address,omitempty"`
		Related   []related `json:"related,omitempty"`
	}
	list := make([]finding, 0, len(f))
	for _, x := range f {
		item := finding{x.Code, x.Severity.String(), x.Message, x.Hint, x.File, x.Line, x.Column, x.EndColumn, x.Address, nil}
		for _, r := range x.Related {
			item.Related = append(item.Related, related(r))
		}
		list = append(list, item)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(list); err != nil {
		return []byte("[]\n") // strings and integers always encode
	}
	return b.Bytes()
}

// Text returns the findings for people: the place, the line it is on and a caret
// under it. source returns the text of a file, nil when it is not at hand.
func (f Findings) Text(source func(file string) []byte, colour bool) string {
	paint := func(code, s string) string {
		if !colour {
			return s
		}
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	lines := map[string][]string{}
	lineOf := func(file string, line int) (string, bool) {
		if _, ok := lines[file]; !ok && source != nil {
			text := strings.TrimPrefix(string(source(file)), "\ufeff")
			lines[file] = strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
		}
		if line < 1 || line > len(lines[file]) {
			return "", false
		}
		return printable(lines[file][line-1]), true
	}
	var b strings.Builder
	for i := range f {
		x := &f[i]
		if i > 0 {
			b.WriteByte('\n')
		}
		colourOf := [...]string{"1;31", "1;33"}[x.Severity]
		fmt.Fprintf(&b, "%s: %s: %s\n", paint("1", x.place()), paint(colourOf, x.Severity.String()+" "+x.Code), x.Message)
		if line, ok := lineOf(x.File, x.Line); ok && line != "" {
			number := strconv.Itoa(x.Line)
			fmt.Fprintf(&b, "  %s %s\n", paint("2", number+" |"), line)
			fmt.Fprintf(&b, "  %s %s%s\n", paint("2", strings.Repeat(" ", len(number))+" |"), under(line, x.Column), paint(colourOf, carets(line, x)))
		}
		for _, r := range x.Related {
			fmt.Fprintf(&b, "  %s:%d:%d: %s\n", r.File, r.Line, r.Column, r.Message)
		}
		if x.Hint != "" {
			fmt.Fprintf(&b, "  %s %s\n", paint("1;36", "hint:"), x.Hint)
		}
	}
	return b.String()
}

// under returns the white space that reaches the column, with the tabs of the line.
func under(line string, column int) string {
	var b strings.Builder
	for _, r := range line {
		if column--; column < 1 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func carets(line string, x *Finding) string {
	width := utf8.RuneCountInString(line)
	return strings.Repeat("^", min(80, max(1, min(x.EndColumn, width+1)-x.Column)))
}

// printable keeps control characters of a hostile file away from a terminal, and
// long lines in bounds.
func printable(line string) string {
	const widest = 240
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > widest {
			return -1
		}
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\ufffd'
		}
		return r
	}, line)
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// Nearest returns the candidate that name is most likely a misspelling of, whatever the case of letters, or "" if none is near: at
// most a third of its letters may differ, or one. Nobody means anything by a name that is longer than any can be.
func Nearest(name string, candidates []string) string {
	if len(name) > maxName {
		return ""
	}
	name = strings.ToLower(name)
	best, least := "", max(1, len([]rune(name))/3)+1
	for _, candidate := range candidates {
		if d := distance(name, strings.ToLower(candidate), least); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to turn a into b (optimal string alignment); enough or more is enough.
func distance(a, b string, enough int) int {
	s, t := []rune(a), []rune(b)
	if len(s)-len(t) >= enough || len(t)-len(s) >= enough {
		return enough
	}
	var before []int
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range s {
		next := make([]int, len(t)+1)
		next[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(t)]
}

// clip keeps hostile input out of messages.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// quote is how messages show a name from the file.
func quote(s string) string { return strconv.Quote(clip(s, 60)) }

// oneOf lists words: "a, b or c".
func oneOf(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
