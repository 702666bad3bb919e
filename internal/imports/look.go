package imports

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"baton/internal/identity"
)

// Look is what a file is like: how it is written, what its columns are called, and what stands in them. It is for
// somebody who has to say what the columns mean.
type Look struct {
	Encoding  string   `json:"encoding"`
	Delimiter string   `json:"delimiter"`
	Chosen    string   `json:"chosen,omitempty"` // one of Delimiters, if somebody said what parts the fields
	Rows      int64    `json:"rows"`             // with something in them, without the header
	Columns   []Column `json:"columns"`
	Head      []Line   `json:"head"` // the first rows
	Header    string   `json:"header"`
}

// Column is a column of a file.
type Column struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind,omitempty"`    // why no mapping can read it: "twice", "unnamed", "ours"; "" for one that can be read
	Filled  int64    `json:"filled"`            // rows with something in it
	Samples []string `json:"samples,omitempty"` // the first that differ
	Words   []Word   `json:"words,omitempty"`   // all there are, most first; nil if there are many
	Layouts []string `json:"layouts,omitempty"` // in which it reads as a time, as far as anybody can tell
	Decimal []string `json:"decimal,omitempty"` // in which it reads as a number: plain, point, comma
	Unsure  bool     `json:"unsure,omitempty"`  // it reads as different numbers: "1.200"
	Emails  bool     `json:"emails,omitempty"`  // most are addresses
}

// Word is a text that stands in a column, and in how many rows.
type Word struct {
	Text string `json:"text"`
	Rows int64  `json:"rows"`
}

// Line is a row as it stands in the file.
type Line struct {
	Number int      `json:"number"`
	Fields []string `json:"fields,omitempty"`
	Why    string   `json:"why,omitempty"` // it cannot be read
}

// The bounds of a Look.
const (
	mostColumns = 400
	mostHead    = 12
	mostWords   = 40
	mostWord    = 80   // bytes of a word
	mostShown   = 2000 // bytes of a field in Head
	mostSample  = 120  // bytes of a sample
)

// layoutsTried are those that a look tries, the likelier first.
var layoutsTried = []string{"iso", "DD/MM/YYYY", "MM/DD/YYYY", "D/M/YYYY", "M/D/YYYY", "DD.MM.YYYY", "D.M.YYYY", "DD-MM-YYYY", "MM-DD-YYYY", "YYYY/MM/DD", "D MMM YYYY", "MMM D, YYYY", "DD/MM/YY", "MM/DD/YY",
	"DD/MM/YYYY HH:mm", "MM/DD/YYYY HH:mm", "D/M/YYYY H:mm", "M/D/YYYY H:mm", "DD.MM.YYYY HH:mm", "DD-MM-YYYY HH:mm", "DD/MM/YYYY HH:mm:ss", "MM/DD/YYYY HH:mm:ss", "DD.MM.YYYY HH:mm:ss", "YYYY/MM/DD HH:mm:ss", "M/D/YYYY h:mm A", "unix", "unix ms"}

// Layouts are the ways to write a time that Look knows, as a mapping declares them.
func Layouts() []string { return append(slices.Clone(layoutsTried), "excel", "excel 1904") }

// watched is what a look knows of a column on its way.
type watched struct {
	*Column
	words   map[string]int64 // nil once there are too many
	times   []int64          // how many values read in each of layoutsTried; nil once none does
	numbers [3]int64
	differ  bool // a value is one number with a decimal point and another with a comma
	emails  int64
}

// LookAt reads a file once and says what it is like. It fails where Open would with any mapping. delimiter is one of Delimiters, "" to find out.
func LookAt(ctx context.Context, path, delimiter string) (*Look, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the file to import: %w", err)
	}
	defer f.Close()
	r := &Reading{m: &Mapping{}, summary: Summary{byColumn: map[string]int64{}}}
	if i := slices.Index(delimiterWords, delimiter); i >= 0 {
		r.m.delimiter = delimiters[i]
	}
	rows, err := r.begin(f, Options{})
	if err != nil {
		return nil, err
	}
	header, err := r.header(rows)
	if err != nil {
		return nil, err
	}
	if len(header) > mostColumns {
		return nil, fmt.Errorf("the file has %d columns, and %d are the most that can be shown", len(header), mostColumns)
	}
	l := &Look{Encoding: r.summary.Encoding, Delimiter: r.summary.Delimiter, Chosen: delimiter, Columns: make([]Column, len(header))}
	if len(header) == 1 && columnName(header[0]) == "" {
		return nil, errors.New("the first row is the header, with the names of the columns, and it is empty")
	}
	l.name(header)
	layouts := make([]layout, len(layoutsTried))
	for i, text := range layoutsTried {
		if layouts[i], err = parseLayout(text); err != nil {
			return nil, err
		}
	}
	list := make([]watched, len(header))
	for i := range list {
		list[i] = watched{Column: &l.Columns[i], words: map[string]int64{}, times: make([]int64, len(layouts))}
	}
	named := namedWidth(header)
	for n := 0; ; n++ {
		if n&1023 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		err := rows.next()
		if err == io.EOF {
			break
		}
		var bad *badRow
		if err != nil && !errors.As(err, &bad) {
			return nil, err
		}
		if bad == nil && !slices.ContainsFunc(rows.fields, func(f string) bool { return trim(f) != "" }) {
			continue
		}
		l.Rows++
		if bad == nil {
			rows.fit(len(header), named)
		}
		if r.ours && bad == nil {
			unguard(rows.fields)
		}
		line := Line{Number: rows.line}
		switch {
		case bad != nil:
			line.Why = bad.why
			if rows.column >= 0 && rows.column < len(header) && columnName(header[rows.column]) != "" {
				line.Why = fmt.Sprintf("%s: %s", columnName(header[rows.column]), bad.why)
			}
		case len(rows.fields) != len(header):
			line.Why = fmt.Sprintf("the row has %s and the header %d", count(int64(len(rows.fields)), "field"), len(header))
		}
		if len(l.Head) < mostHead {
			if line.Why == "" {
				for _, f := range rows.fields {
					line.Fields = append(line.Fields, strings.Clone(cut(f, mostShown)))
				}
			}
			l.Head = append(l.Head, line)
		}
		if line.Why == "" {
			for i := range list {
				list[i].see(trim(rows.fields[i]), layouts)
			}
		}
	}
	for i := range list {
		list[i].conclude()
	}
	return l, nil
}

// name names the columns, and hashes their names: a file with the same ones may be read through the same mapping.
func (l *Look) name(header []string) {
	seen := map[string]int{}
	var names []string
	for i, h := range header {
		c := &l.Columns[i]
		c.Name = columnName(h)
		switch first, ok := seen[c.Name]; {
		case c.Name == "":
			c.Kind = "unnamed"
		case strings.HasPrefix(c.Name, refusedPrefix):
			c.Kind = "ours"
		case ok:
			c.Kind, l.Columns[first].Kind = "twice", "twice"
		default:
			seen[c.Name] = i
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	l.Header = hex.EncodeToString(sum[:])
}

// see takes a value into account.
func (w *watched) see(s string, layouts []layout) {
	if s == "" {
		return
	}
	w.Filled++
	if len(w.Samples) < 3 && !slices.Contains(w.Samples, cut(s, mostSample)) {
		w.Samples = append(w.Samples, strings.Clone(cut(s, mostSample)))
	}
	if w.words != nil {
		switch _, ok := w.words[s]; {
		case ok:
			w.words[s]++
		case len(w.words) == mostWords || len(s) > mostWord:
			w.words = nil
		default:
			w.words[strings.Clone(s)] = 1
		}
	}
	if strings.Contains(s, "@") {
		if _, err := identity.NormalizeEmail(s); err == nil {
			w.emails++
		}
	}
	var read [3]float64
	var fits [3]bool
	for style := range w.numbers {
		n, why := readNumber(s, decimal(style))
		if read[style], fits[style] = n, why == ""; fits[style] {
			w.numbers[style]++
		}
	}
	w.differ = w.differ || fits[decimalPoint] && fits[decimalComma] && read[decimalPoint] != read[decimalComma]
	if w.times == nil {
		return
	}
	most := int64(0)
	for i := range layouts {
		if _, ok := layouts[i].read(s, time.UTC); ok {
			w.times[i]++
		}
		most = max(most, w.times[i])
	}
	if w.Filled > 50 && most*2 < w.Filled {
		w.times = nil // it is no column of times, and trying costs
	}
}

func (w *watched) conclude() {
	if w.Filled == 0 {
		return
	}
	for text, rows := range w.words { // order: sorted below
		w.Words = append(w.Words, Word{text, rows})
	}
	slices.SortFunc(w.Words, func(a, b Word) int {
		if a.Rows != b.Rows {
			return int(b.Rows - a.Rows)
		}
		return strings.Compare(a.Text, b.Text)
	})
	w.Emails = w.emails*10 >= w.Filled*6
	most := int64(0)
	for _, n := range w.times {
		most = max(most, n)
	}
	for i, n := range w.times {
		if n == most && n*10 >= w.Filled*6 {
			w.Layouts = append(w.Layouts, layoutsTried[i])
		}
	}
	w.Layouts = plainest(w.Layouts)
	most = max(w.numbers[0], w.numbers[1], w.numbers[2])
	for style, n := range w.numbers {
		if n == most && n*10 >= w.Filled*6 {
			w.Decimal = append(w.Decimal, [...]string{"plain", "point", "comma"}[style])
		}
	}
	w.Unsure = w.differ && len(w.Decimal) > 1 && slices.Contains(w.Decimal, "comma")
}

// plainest leaves out the layouts that say the same as one before, only with fewer digits: D/M/YYYY after DD/MM/YYYY.
func plainest(list []string) (out []string) {
	for _, text := range list {
		wide := strings.NewReplacer("DD", "D", "MMM", "MMM", "MM", "M", "HH", "H").Replace
		if !slices.ContainsFunc(out, func(o string) bool { return wide(o) == wide(text) }) {
			out = append(out, text)
		}
	}
	return out
}

// cut shortens a text to at most so many bytes, at a letter.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most--
	}
	return s[:most]
}
