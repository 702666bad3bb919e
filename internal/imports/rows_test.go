package imports

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// readRows reads all rows; those that cannot be read are their line and why.
func readRows(t testing.TB, src io.Reader, delimiter byte) (rows [][]string, lines []int, bad []string) {
	t.Helper()
	r := newRowReader(src, delimiter, false)
	r.buf = r.buf[:16] // so that rows run over its end
	for {
		err := r.next()
		var row *badRow
		switch {
		case err == io.EOF:
			return rows, lines, bad
		case errors.As(err, &row):
			bad = append(bad, strings.TrimRight(string(r.raw), "\r\n")+": "+row.why)
		case err != nil:
			t.Fatal(err)
		default:
			rows = append(rows, slices.Clone(r.fields))
			lines = append(lines, r.line)
		}
	}
}

// TestRowsAsTheStandardReader holds the reader against encoding/csv, up to the first
// row that cannot be read.
func TestRowsAsTheStandardReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "é", ",", ",", `"`, `"`, `""`, "\n", "\r\n", " ", ";"}), 0, 40).Draw(t, "file")
		file := strings.Join(parts, "")
		want := csv.NewReader(strings.NewReader(file))
		want.FieldsPerRecord = -1
		got := newRowReader(iotest.HalfReader(strings.NewReader(file)), ',', false)
		got.buf = got.buf[:16]
		for {
			fields, err := want.Read()
			gotErr := got.next()
			if err == io.EOF || gotErr == io.EOF {
				if err != io.EOF || gotErr != io.EOF {
					t.Fatalf("%q: the standard reader says %v, ours %v", file, err, gotErr)
				}
				return
			}
			if (err != nil) != (gotErr != nil) {
				t.Fatalf("%q: the standard reader says %v, ours %v", file, err, gotErr)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(fields, got.fields); diff != "" {
				t.Fatalf("%q: %s", file, diff)
			}
			if line, _ := want.FieldPos(0); line != got.line {
				t.Fatalf("%q: the standard reader is at line %d, ours at %d", file, line, got.line)
			}
		}
	})
}

// TestRowsLoseNothing has every byte of a file in a row, a refused row or a line end.
func TestRowsLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", ",", `"`, `"`, "\n", "\r\n", "\r", "\x00", "\xff"}), 0, 40).Draw(t, "file"), "")
		r := newRowReader(iotest.OneByteReader(strings.NewReader(file)), ',', false)
		r.buf = r.buf[:16]
		var all strings.Builder
		lines := 1
		for {
			err := r.next()
			if err == io.EOF {
				break
			}
			if err != nil && !errors.As(err, new(*badRow)) {
				t.Fatal(err)
			}
			all.Write(r.raw)
			if r.line < lines {
				t.Fatalf("line %d comes after line %d", r.line, lines)
			}
			lines = r.line
		}
		squeeze := func(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }
		if squeeze(all.String()) != squeeze(file) {
			t.Fatalf("of %q came %q", file, all.String())
		}
	})
}

func TestRowsThatCannotBeRead(t *testing.T) {
	long := strings.Repeat("x", maxField+1)
	for _, c := range []struct {
		name, file string
		rows       [][]string
		lines      []int
		bad        []string
	}{
		{"an unclosed quote costs its line alone", "a,b\n1,\"two\n3,4\n5,\"6\"\n", [][]string{{"a", "b"}, {"3", "4"}, {"5", "6"}}, []int{1, 3, 4},
			[]string{"1,\"two: " + errAfterQuote.why}},
		{"an unclosed quote in the last line", "a\n\"b", [][]string{{"a"}}, []int{1}, []string{"\"b: " + errUnclosed.why}},
		{"a bare quote", "a\nb\"c\nd\n", [][]string{{"a"}, {"d"}}, []int{1, 3}, []string{"b\"c: " + errBareQuote.why}},
		{"text after a quote", "\"a\"b,c\nd,e", [][]string{{"d", "e"}}, []int{2}, []string{"\"a\"b,c: " + errAfterQuote.why}},
		{"a NUL", "a\x00b\nc", [][]string{{"c"}}, []int{2}, []string{"a\x00b: " + errNUL.why}},
		{"not UTF-8", "a\xffb\nc", [][]string{{"c"}}, []int{2}, []string{"a\xffb: " + errNotUTF8.why}},
		{"line ends of three kinds", "a\r\nb\rc\nd\r", [][]string{{"a"}, {"b"}, {"c"}, {"d"}}, []int{1, 2, 3, 4}, nil},
		{"a field of several lines", "a,\"b\r\nc\n\"\nd,e", [][]string{{"a", "b\nc\n"}, {"d", "e"}}, []int{1, 4}, nil},
		{"empty lines", "\n\na\n\r\n\nb\n\n", [][]string{{"a"}, {"b"}}, []int{3, 6}, nil},
		{"empty fields", ",\n\"\",\n", [][]string{{"", ""}, {"", ""}}, []int{1, 2}, nil},
		{"a field that is too long", "a\n" + long + "\nb", [][]string{{"a"}, {"b"}}, []int{1, 3}, []string{long + ": " + errLongField.why}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, lines, bad := readRows(t, strings.NewReader(c.file), ',')
			if diff := cmp.Diff(c.rows, rows); diff != "" {
				t.Errorf("rows: %s", diff)
			}
			if diff := cmp.Diff(c.lines, lines); diff != "" {
				t.Errorf("lines: %s", diff)
			}
			if diff := cmp.Diff(c.bad, bad); diff != "" {
				t.Errorf("refused: %s", diff)
			}
		})
	}
}

func TestALineLongerThanARow(t *testing.T) {
	for _, c := range []struct{ name, file string }{
		{"plain", "a\n" + strings.Repeat("x,", 4<<20) + "\nb\n"},
		{"in a quote", "a\n\"" + strings.Repeat("x", 9<<20) + "\nb\n"},
	} {
		rows, lines, bad := readRows(t, strings.NewReader(c.file), ',')
		if diff := cmp.Diff([][]string{{"a"}, {"b"}}, rows); diff != "" || len(bad) != 1 || lines[1] != 3 {
			t.Errorf("%s: rows %s, lines %v, %d refused", c.name, diff, lines, len(bad))
		}
	}
}

// TestManyUnclosedQuotes would take minutes if going back to the next line cost more than
// the text up to the next quote.
func TestManyUnclosedQuotes(t *testing.T) {
	file := strings.Repeat("\"a\nb\n", 200_000)
	rows, _, bad := readRows(t, strings.NewReader(file), ',')
	if len(rows)+len(bad) != 400_000 {
		t.Errorf("%d rows, %d refused", len(rows), len(bad))
	}
}

func TestFindDelimiter(t *testing.T) {
	for _, c := range []struct {
		sample string
		wanted string
		want   byte
	}{
		{"a,b,c\n1,2,3\n", "", ','},
		{"a;b;c\n1,5;2;3\n", "", ';'},
		{"a\tb\n1\t2\n", "", '\t'},
		{"a|b\n1|2\n", "", '|'},
		{"name;a,b,c\nx;1,2,3\n", "name", ';'}, // the columns that are wanted decide
		{"one\n1\n", "one", ','},
		{"\"a;b\",c\n\"1;2\",3\n", "", ','},
		{"", "", ','},
	} {
		if got := findDelimiter([]byte(c.sample), map[string]bool{c.wanted: true}); got != c.want {
			t.Errorf("findDelimiter(%q) = %q, want %q", c.sample, got, c.want)
		}
	}
}
