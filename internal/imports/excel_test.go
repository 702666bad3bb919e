package imports_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"baton/internal/imports"
)

// One table as the programs that people have write it: what it is like is found out, and what its columns become is guessed alike.
func TestHowSpreadsheetsWrite(t *testing.T) {
	const plain = "Nr;E-Mail;Vorname;Nachname;Firma;Notiz;Datum\n" +
		"1;ann@acme.example;Ann;Größe;Acme;plain;13.02.2026\n" +
		"2;bo@acme.example;Bo;Øst;Acme;\"two\nlines; and a \"\"word\"\"\";14.02.2026\n" +
		"3;cy@lumen.example;Cy;Ek;;;15.02.2026\n"
	// part writes it with another separator.
	part := func(s, by string) string {
		const inside = "lines; and"
		s = strings.ReplaceAll(strings.ReplaceAll(s, inside, "\x01"), ";", by)
		return strings.ReplaceAll(s, "\x01", inside)
	}
	lines := func(s string, each func(n int, line string) string) string {
		var out []string
		for n, line := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
			if n != 2 { // the first line of the row of two
				line = each(n, line)
			}
			out = append(out, line)
		}
		return strings.Join(out, "\n") + "\n"
	}
	crlf := strings.ReplaceAll(plain, "\n", "\r\n")
	windows, err := charmap.Windows1252.NewEncoder().String(crlf)
	if err != nil {
		t.Fatal(err)
	}
	sixteen, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(part(crlf, "\t"))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, file, encoding, delimiter string }{
		{"as it is", plain, "UTF-8", "semicolon"},
		{"CSV UTF-8 of Excel", "\ufeff" + crlf, "UTF-8 with a mark", "semicolon"},
		{"CSV of Excel in Europe", windows, "Windows-1252", "semicolon"},
		{"Unicode text of Excel", sixteen, "UTF-16 (little endian)", "tab"},
		{"with commas", part(crlf, ","), "UTF-8", "comma"},
		{"with bars", part(plain, "|"), "UTF-8", "vertical bar"},
		{"with a line that says how", "sep=;\r\n" + crlf, "UTF-8", "semicolon"},
		{"line ends of old", strings.ReplaceAll(plain, "\n", "\r"), "UTF-8", "semicolon"},
		{"separators behind the last column", lines(crlf, func(_ int, line string) string { return strings.TrimSuffix(line, "\r") + ";;;\r" }), "UTF-8", "semicolon"},
		{"separators behind the last column of the header", lines(plain, func(n int, line string) string {
			if n == 0 {
				return line + ";;"
			}
			return line
		}), "UTF-8", "semicolon"},
		{"separators behind the last column of some rows", lines(plain, func(n int, line string) string { return line + strings.Repeat(";", n%3) }), "UTF-8", "semicolon"},
		{"empty lines at the end", crlf + "\r\n;;;;;;\r\n;;;;;;\r\n", "UTF-8", "semicolon"},
		{"a header in capitals", lines(plain, func(n int, line string) string {
			if n == 0 {
				return strings.ToUpper(line)
			}
			return line
		}), "UTF-8", "semicolon"},
		{"a header with spaces", strings.Replace(plain, "E-Mail;Vorname", " e-mail ; vorname", 1), "UTF-8", "semicolon"},
		{"all in quotes", `"` + strings.NewReplacer("\n", "\"\r\n\"", ";", `";"`).Replace(strings.TrimSuffix(strings.Replace(plain, "\"two\nlines; and a \"\"word\"\"\"", "one", 1), "\n")) + "\"\r\n", "UTF-8", "semicolon"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "Messe Köln.csv")
			if err := os.WriteFile(path, []byte(c.file), 0o644); err != nil {
				t.Fatal(err)
			}
			l, err := imports.LookAt(t.Context(), path, "")
			if err != nil {
				t.Fatal(err)
			}
			if l.Encoding != c.encoding || l.Delimiter != c.delimiter || l.Rows != 3 {
				t.Errorf("%d rows in %s, separated by %s", l.Rows, l.Encoding, l.Delimiter)
			}
			plan := vocabulary(t)
			choices := imports.Guess(l, "messe.csv", plan)
			var becomes []string
			for _, col := range l.Columns {
				if col.Name != "" {
					becomes = append(becomes, choices.Columns[col.Name].Becomes)
				}
			}
			if diff := cmp.Diff([]string{"", "email", "", "", "company", "", "at"}, becomes); diff != "" {
				t.Errorf("guessed: %s", diff)
			}
			if wrong := choices.Wrong(l, plan); len(wrong) > 0 {
				t.Errorf("not enough to go on: %v", wrong)
			}
			m := parse(t, plan, string(choices.Mapping(l, plan)))
			r, err := imports.Open(t.Context(), path, m, imports.Options{Now: noon, TempDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if s := r.Summary(); s.Mapped != 3 || s.Refused != 0 {
				t.Errorf("%d rows mapped, %d refused: %v", s.Mapped, s.Refused, s.Refusals)
			}
			shown, err := l.Preview(m, noon)
			if err != nil {
				t.Fatal(err)
			}
			var who []string
			for _, row := range shown {
				for i := range row.Arrivals {
					who = append(who, fmt.Sprint(row.Arrivals[i].Keys[0].Value, " ", row.Arrivals[i].AccountName, row.Refused))
				}
			}
			if diff := cmp.Diff([]string{"ann@acme.example Acme[]", "bo@acme.example Acme[]", "cy@lumen.example lumen.example[]"}, who); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A row that is too short is refused even if a spreadsheet may have written it: what is missing may be in the middle, where a line of a
// field was cut. A row that cannot be read says in which column that is.
func TestWhereARowIsWrong(t *testing.T) {
	l := lookAt(t, "mail;note;day\na@a.example;short\nb@a.example;a \"quote;2026-01-01\nc@a.example;\"closed\" early;2026-01-01\nd@a.example;nul\x00;2026-01-01\ne@a.example;;2026-01-01;more\nf@a.example;;\"2026\n")
	var got []string
	for _, line := range l.Head {
		got = append(got, fmt.Sprint(line.Number, " ", strings.Join(strings.Fields(line.Why)[:4], " ")))
	}
	want := []string{"2 the row has 2", "3 note: a quote stands", "4 note: text follows a", "5 note: the row holds", "6 the row has 4", "7 day: a quote is"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
