package imports_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"baton/internal/agreement"
	"baton/internal/imports"
	"baton/internal/lifecycle"
)

const titles = "import: x\nkey: k\nzone: UTC\nat: day\nperson: {email: mail}\nattributes: {title: title}\n"

// said returns what the arrivals say of the title, in order.
func said(all []lifecycle.Arrival) (texts []string) {
	for _, a := range all {
		text := "-"
		for _, v := range a.Input.Values {
			text = v.Value.String()
		}
		texts = append(texts, text)
	}
	return texts
}

func TestEncodings(t *testing.T) {
	text := "k,day,mail,title\n1,2026-01-02,ann@a.example,Größe – „ä“\n"
	encode := func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	little, big := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	unmarked := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	windows := encode(charmap.Windows1252.NewEncoder().String(text))
	late := "k,day,mail,title\n" + strings.Repeat("0,2026-01-01,bob@a.example,plain\n", 20_000) + strings.SplitN(windows, "\n", 2)[1]
	for _, c := range []struct{ name, file, declared, want string }{
		{"plain", text, "", "UTF-8"},
		{"marked", "\ufeff" + text, "", "UTF-8 with a mark"},
		{"little endian", encode(little.NewEncoder().String(text)), "", "UTF-16 (little endian)"},
		{"big endian", encode(big.NewEncoder().String(text)), "", "UTF-16 (big endian)"},
		{"without a mark", encode(unmarked.NewEncoder().String(text)), "", "UTF-16 (little endian)"},
		{"windows", windows, "", "Windows-1252"},
		{"windows, found late", late, "", "Windows-1252"},
		{"windows, declared", windows, "file: {encoding: windows-1252}\n", "Windows-1252"},
		{"utf-16, declared", encode(unmarked.NewEncoder().String(text)), "file: {encoding: utf-16}\n", "UTF-16 (little endian)"},
	} {
		r := open(t, parse(t, vocabulary(t), titles+c.declared), c.file)
		all := said(arrivals(t, r))
		if got := all[len(all)-1]; got != "Größe – „ä“" || r.Summary().Encoding != c.want || r.Summary().Refused != 0 {
			t.Errorf("%s: %q in %s, want %s; %+v", c.name, got, r.Summary().Encoding, c.want, r.Summary().Refusals)
		}
	}
	// One damaged row does not make a file another encoding.
	r := open(t, parse(t, vocabulary(t), titles), text+"2,2026-01-02,bob@a.example,\xff\n")
	if s := r.Summary(); s.Encoding != "UTF-8" || s.Mapped != 1 || s.Refused != 1 {
		t.Errorf("a damaged row: %+v", s)
	}
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct{ name, file, note string }{
		{"spaces and a mark", "\ufeff k , day,mail ,title\n1,2026-01-02,ann@a.example,CEO\n", ""},
		{"a line for a spreadsheet", "sep=|\nk|day|mail|title\n1|2026-01-02|ann@a.example|CEO\n", ""},
		{"quoted, with another delimiter", "\"k\";\"day\";\"mail\";\"title\"\n1;2026-01-02;ann@a.example;CEO\n", ""},
		{"columns without a name", "k,day,mail,title,,\n1,2026-01-02,ann@a.example,CEO,,\n", "2 columns without a name in the header"},
		{"a name that stands twice", "k,day,mail,title,x,x\n1,2026-01-02,ann@a.example,CEO,,\n", `the column "x" stands in the header more than once`},
		{"blank rows", "\nk,day,mail,title\n,,,\n1,2026-01-02,ann@a.example,CEO\n,,,\n\n", ""},
	} {
		r := open(t, parse(t, vocabulary(t), titles), c.file)
		if got := said(arrivals(t, r)); !slices.Equal(got, []string{"CEO"}) {
			t.Errorf("%s: %q", c.name, got)
		}
		s := r.Summary()
		if s.Rows != 1 || c.note != "" && !slices.Contains(s.Notes, c.note) {
			t.Errorf("%s: %d rows, notes %q", c.name, s.Rows, s.Notes)
		}
	}
}

func TestCollisions(t *testing.T) {
	file := "k,day,mail,title\n1,2026-01-03,ann@a.example,Chief\n2,2026-01-01,ann@a.example,Boss\n3,2026-01-02,ann@a.example,Chief executive\n4,2026-01-02,bob@a.example,Cook\n"
	for _, c := range []struct {
		rule string
		want []string
		keep []string
	}{
		{"keep_latest", []string{"Boss", "Chief executive", "Cook", "Chief"}, nil},
		{"keep_first", []string{"Boss", "Chief executive", "Cook", "Chief"}, []string{"title"}}, // whoever decides keeps the first
		{"keep_longest", []string{"Boss", "Chief executive", "Cook", "-"}, nil},
		{"refuse", []string{"Cook", "Chief"}, nil},
	} {
		m := parse(t, vocabulary(t), strings.Replace(titles, "{title: title}", "{title: {column: title, collision: "+c.rule+"}}", 1))
		r := open(t, m, file)
		for range 2 { // a second time is as the first
			all := arrivals(t, r)
			if diff := cmp.Diff(c.want, said(all)); diff != "" {
				t.Errorf("%s: %s", c.rule, diff)
			}
			if diff := cmp.Diff(c.keep, all[0].Input.Keep); diff != "" {
				t.Errorf("%s: keep %s", c.rule, diff)
			}
		}
	}
}

func TestEmptyAndUnknownCells(t *testing.T) {
	file := "k,day,mail,title\n1,2026-01-02,ann@a.example,\n2,2026-01-03,ann@a.example,CEO\n"
	m := parse(t, vocabulary(t), strings.Replace(titles, "{title: title}", "{title: {column: title, empty: clear}}", 1))
	if diff := cmp.Diff([]string{"not known", "CEO"}, said(arrivals(t, open(t, m, file)))); diff != "" {
		t.Errorf("clear: %s", diff)
	}
	m = parse(t, vocabulary(t), strings.Replace(titles, "{title: title}", `{source: {column: title, map: {"": unknown}, unknown: drop}}`, 1))
	r := open(t, m, file)
	if diff := cmp.Diff([]string{"unknown", "-"}, said(arrivals(t, r))); diff != "" {
		t.Errorf("map and drop: %s", diff)
	}
	if s := r.Summary(); !slices.Contains(s.Notes, `1 row has a "title" that was left out, first on line 3: "CEO"`) {
		t.Errorf("notes: %q", s.Notes)
	}
}

func TestKeys(t *testing.T) {
	keys := func(mapping, file string) (keys []string, s imports.Summary) {
		r := open(t, parse(t, vocabulary(t), mapping), file)
		for _, a := range arrivals(t, r) {
			keys = append(keys, a.Input.Key)
		}
		return keys, r.Summary()
	}
	whole := strings.Replace(titles, "key: k\n", "", 1)
	one, _ := keys(whole, "k,day,mail,title\n1,2026-01-02,ann@a.example,CEO\n")
	moved, _ := keys(whole, "title,mail,day,k,new\nCEO,ann@a.example,2026-01-02,1,\n")
	other, _ := keys(whole, "k,day,mail,title\n2,2026-01-02,ann@a.example,CEO\n")
	shifted, _ := keys(whole, "k,day,mail,title,x\n,2026-01-02,ann@a.example,CEO,1\n")
	if one[0] != moved[0] {
		t.Errorf("the key of a row whose columns moved: %q and %q", one[0], moved[0])
	}
	if one[0] == other[0] || one[0] == shifted[0] {
		t.Errorf("two rows share the key %q", one[0])
	}
	two := strings.Replace(titles, "key: k", "key: [k, title]", 1)
	a, s := keys(two, "k,day,mail,title\na,2026-01-02,ann@a.example,bc\nab,2026-01-02,ann@a.example,c\n")
	if a[0] == a[1] || s.Repeated != 0 {
		t.Errorf("two rows share the key %q", a[0])
	}
	_, s = keys(titles, "k,day,mail,title\n1,2026-01-02,ann@a.example,CEO\n1,2026-01-03,ann@a.example,CFO\n")
	if s.Repeated != 1 {
		t.Errorf("%d repeated keys, want 1", s.Repeated)
	}
	long, _ := keys(titles, "k,day,mail,title\n"+strings.Repeat("1", 1000)+",2026-01-02,ann@a.example,CEO\n")
	if len(long[0]) > 64 {
		t.Errorf("a key of %d bytes", len(long[0]))
	}
}

func TestHashIsOfMappingAndFile(t *testing.T) {
	file := "k,day,mail,title\n1,2026-01-02,ann@a.example,CEO\n"
	hash := func(mapping, file string) string {
		return open(t, parse(t, vocabulary(t), mapping), file).Summary().Hash
	}
	one := hash(titles, file)
	if len(one) != 64 || hash(titles, file) != one {
		t.Errorf("the hash is %q, then %q", one, hash(titles, file))
	}
	if hash(titles, file+"\n") == one || hash(titles+"# and more\n", file) == one {
		t.Error("another file or mapping has the same hash")
	}
}

func TestConditionsOnRows(t *testing.T) {
	m := parse(t, vocabulary(t), titles+"keep_when: {title: [CEO, cfo]}\nskip_when: {k: \"3\"}\n")
	r := open(t, m, "k,day,mail,title\n1,2026-01-02,ann@a.example,ceo\n2,2026-01-02,ann@a.example,Cook\n3,2026-01-02,ann@a.example,CFO\n")
	if s := r.Summary(); s.Mapped != 1 || s.Skipped != 2 || s.Rows != 3 {
		t.Errorf("%d mapped, %d skipped of %d", s.Mapped, s.Skipped, s.Rows)
	}
}

func TestMembers(t *testing.T) {
	m := parse(t, vocabulary(t), `
import: team
key: mail
member: {email: mail, name: name, side: {column: team, map: {SDR: sales, Brand: marketing}}, manager: boss, pools: pools, weight: share, capacity: most}
`)
	r := open(t, m, "mail,name,team,boss,pools,share,most\nEva@Sell.example,Eva,sdr,Max@sell.example,nordics; emea,2,20\nmax@sell.example,Max,brand,,,,\n"+
		"x@sell.example,X,nobody,,,,\ny@sell.example,Y,sdr,,south,,\nz@sell.example,Z,sdr,,,1.5,-1\n")
	var members []agreement.Person
	for _, a := range arrivals(t, r) {
		if a.Input.Kind != lifecycle.Joined || a.Input.At != noon || len(a.Keys) > 0 {
			t.Errorf("%+v", a)
		}
		members = append(members, *a.Input.Member)
	}
	want := []agreement.Person{
		{ID: "eva@sell.example", Name: "Eva", Side: agreement.Sales, Manager: "max@sell.example", Pools: []int{0, 1}, Weight: 2, Capacity: 20},
		{ID: "max@sell.example", Name: "Max", Side: agreement.Marketing, Weight: 1},
	}
	if diff := cmp.Diff(want, members); diff != "" {
		t.Error(diff)
	}
	if s := r.Summary(); s.Refused != 3 || s.Members != 2 {
		t.Errorf("%+v", s)
	}
}

func TestKnownAtImport(t *testing.T) {
	m := parse(t, vocabulary(t), titles+"known: at import\n")
	a := arrivals(t, open(t, m, "k,day,mail,title\n1,2026-01-02,ann@a.example,CEO\n"))
	if a[0].Input.At != utc("2026-01-02 00:00:00") || a[0].Input.Known != noon {
		t.Errorf("at %d, known %d", a[0].Input.At, a[0].Input.Known)
	}
	if _, err := imports.Open(t.Context(), "any.csv", m, imports.Options{}); err == nil {
		t.Error("no time of the import is needed")
	}
}

// TestMergeIsInOrderOfKnowing has one file that was known when it occurred and one that
// was known at the import.
func TestMergeIsInOrderOfKnowing(t *testing.T) {
	then := open(t, parse(t, vocabulary(t), titles), "k,day,mail,title\n1,2026-01-02,ann@a.example,b\n2,2026-01-04,ann@a.example,d\n")
	also := open(t, parse(t, vocabulary(t), titles), "k,day,mail,title\n1,2026-01-03,ann@a.example,c\n2,2026-01-02,ann@a.example,b2\n")
	now := open(t, parse(t, vocabulary(t), titles+"known: at import\n"), "k,day,mail,title\n1,2026-01-01,ann@a.example,a\n")
	var all []lifecycle.Arrival
	if err := imports.Merge(func(a *lifecycle.Arrival) error {
		all = append(all, *a)
		return nil
	}, now, then, also); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b", "b2", "c", "d", "a"}, said(all)); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedRowsAreMendedAndImported(t *testing.T) {
	m := parse(t, vocabulary(t), titles)
	r := open(t, m, "k;day;mail;title\n1;2026-01-02;ann@a.example;\"C;E\"\n2;never;bob@a.example;\"C\"\"FO\nof all\"\n")
	text := refused(t, r)
	if !strings.Contains(text, "never") {
		t.Fatalf("refused: %q", text)
	}
	again := open(t, m, strings.Replace(text, "2;never", "2;2026-01-05", 1))
	if diff := cmp.Diff([]string{"C\"FO\nof all"}, said(arrivals(t, again))); diff != "" {
		t.Error(diff)
	}
	// A row that is refused twice has its reason once.
	if got := refused(t, open(t, m, text)); strings.Count(got, "refused.line") != 1 || strings.Count(got, "is not a date") != 1 {
		t.Errorf("refused twice: %q", got)
	}
}

func TestOpenStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(path, []byte("k,day,mail,title\n1,2026-01-02,ann@a.example,CEO\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := imports.Open(ctx, path, parse(t, vocabulary(t), titles), imports.Options{Now: noon, TempDir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d temporary files are left", len(left))
	}
}

func TestProgress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	file := "k,day,mail,title\n" + strings.Repeat("1,2026-01-02,ann@a.example,CEO\n", 100_000)
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	var told []int64
	r, err := imports.Open(t.Context(), path, parse(t, vocabulary(t), titles), imports.Options{Now: noon, TempDir: t.TempDir(), Progress: func(done, total int64) {
		if total != int64(len(file)) {
			t.Errorf("of %d bytes, want %d", total, len(file))
		}
		told = append(told, done)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if len(told) < 3 || !slices.IsSorted(told) || told[len(told)-1] != int64(len(file)) {
		t.Errorf("told %v of %d", told, len(file))
	}
}

// TestOrderOfRowsDoesNotMatter shuffles rows of different times.
func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	m := parse(t, vocabulary(t), "import: x\nkey: k\nzone: UTC\nat: {column: day, layout: unix}\nperson: {email: mail}\nattributes: {title: {column: title, collision: keep_longest}, revenue: revenue}\nactivity: {name: form_submitted}\n")
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		times := rapid.SliceOfNDistinct(rapid.IntRange(0, 1_700_000_000), 0, 30, rapid.ID[int]).Draw(rt, "times")
		rows := make([]string, len(times))
		for i, at := range times {
			rows[i] = fmt.Sprintf("%d,%d,%s@a.example,%s,%d\n", at, at, rapid.SampledFrom([]string{"ann", "bob"}).Draw(rt, "who"),
				rapid.StringMatching(`[a-z ]{0,8}`).Draw(rt, "title"), i)
		}
		shuffled := rapid.Permutation(rows).Draw(rt, "shuffled")
		read := func(rows []string) []lifecycle.Arrival {
			path := filepath.Join(dir, "rows.csv")
			if err := os.WriteFile(path, []byte("k,day,mail,title,revenue\n"+strings.Join(rows, "")), 0o600); err != nil {
				rt.Fatal(err)
			}
			r, err := imports.Open(context.Background(), path, m, imports.Options{Now: noon, TempDir: dir})
			if err != nil {
				rt.Fatal(err)
			}
			defer r.Close()
			var all []lifecycle.Arrival
			if err := r.Each(func(a *lifecycle.Arrival) error { all = append(all, *a); return nil }); err != nil {
				rt.Fatal(err)
			}
			return all
		}
		a, b := read(rows), read(shuffled)
		if diff := cmp.Diff(a, b); diff != "" {
			rt.Fatal(diff)
		}
		if len(a) != 2*len(rows) || !slices.IsSortedFunc(a, func(x, y lifecycle.Arrival) int { return int(x.Input.At - y.Input.At) }) {
			rt.Fatalf("%d arrivals of %d rows, or not in order", len(a), len(rows))
		}
	})
}

// FuzzImport has any file at all: nothing panics, and no row is lost.
func FuzzImport(f *testing.F) {
	for _, s := range []string{
		"", "\n", "k,day,mail,title\n1,2026-01-02,ann@a.example,CEO\n", "k;day;mail;title\n1;2026-01-02;\"ann\n@a.example;CEO\n2;;;",
		"\xff\xfek\x00,\x00d\x00", "\ufeffk,day,mail,title\r1,2,3\r\n,,,\n\"", "sep=;\nk;day;mail;title\n\x00;\xff;;\n", "k,day,mail,title,refused.line\n\"\"\"\",2026-01-02,a@b.c,\"x\r\ny\"\n",
	} {
		f.Add([]byte(s))
	}
	m := parse(f, vocabulary(f), "import: x\nzone: UTC\nat: day\nperson: {email: {column: mail, unknown: drop}, id: {system: x, column: k}}\nattributes: {title: {column: title, collision: refuse}}\noutcome: {result: {column: title, unknown: drop}}\n")
	f.Fuzz(func(t *testing.T, file []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "rows.csv")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := imports.Open(t.Context(), path, m, imports.Options{Now: noon, TempDir: dir})
		if err != nil {
			return
		}
		defer r.Close()
		s := r.Summary()
		if s.Rows != s.Mapped+s.Skipped+s.Refused {
			t.Fatalf("%d rows are not %d mapped, %d skipped and %d refused", s.Rows, s.Mapped, s.Skipped, s.Refused)
		}
		lines := map[int]bool{}
		last, n := int64(0), int64(0)
		if err := r.Each(func(a *lifecycle.Arrival) error {
			if a.Input.At < last || len(a.Keys) == 0 {
				t.Fatalf("%+v after %d", a, last)
			}
			last = a.Input.At
			lines[r.Line()] = true
			n++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if int64(len(lines))+s.Silent != s.Mapped || n != s.Arrivals {
			t.Fatalf("arrivals of %d rows, %d silent, of %d mapped; %d arrivals of %d", len(lines), s.Silent, s.Mapped, n, s.Arrivals)
		}
		reader := csv.NewReader(strings.NewReader(refused(t, r)))
		reader.FieldsPerRecord = -1
		reader.Comma = map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t', "vertical bar": '|'}[s.Delimiter]
		rows, err := reader.ReadAll()
		if err != nil || int64(len(rows)) != s.Refused+1 {
			t.Fatalf("%d rows in the file of refused rows, want the header and %d: %v", len(rows), s.Refused, err)
		}
	})
}

// FuzzMapping has any mapping at all: it is taken, or there are findings in it.
func FuzzMapping(f *testing.F) {
	f.Add([]byte(titles))
	f.Add([]byte("import: x\nkey: [a, b]\nat: {column: d, layout: [iso, DD/MM/YYYY]}\nperson: {id: [{system: a, column: b}]}\noutcome: {result: {column: s, map: {1: won, ~: lost}}}\n"))
	for _, name := range []string{"mql.yaml", "deals.yaml", "deals_from_spreadsheet.yaml", "team.yaml"} {
		source, err := os.ReadFile(filepath.Join("..", "..", "examples", "olist", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	plan := vocabulary(f)
	f.Fuzz(func(t *testing.T, source []byte) {
		m, found := imports.ParseMapping("mapping.yaml", source, plan)
		if (m != nil) == (len(found) > 0) {
			t.Fatalf("a mapping: %v, findings: %v", m != nil, found)
		}
		for _, x := range found {
			if x.Line < 1 || x.Column < 1 || x.Message == "" || x.Code == "" {
				t.Fatalf("%+v", x)
			}
		}
	})
}

// BenchmarkImport reads a file of 100,000 rows and gives its arrivals.
func BenchmarkImport(b *testing.B) {
	const rows = 100_000
	m := parse(b, vocabulary(b), "import: x\nkey: k\nat: {column: day, layout: DD-MM-YYYY HH:mm}\nperson: {email: mail, id: {system: crm, column: k}}\naccount: {name: firm, from_email: yes}\nattributes: {title: title, source: src, revenue: revenue}\nactivity: {name: form_submitted, properties: {url: page}}\n")
	path := filepath.Join(b.TempDir(), "rows.csv")
	if err := os.WriteFile(path, generated(rows), 0o600); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for _, c := range []struct {
		name string
		each bool
	}{{"open", false}, {"open and each", true}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := imports.Open(b.Context(), path, m, imports.Options{Now: noon, TempDir: dir})
				if err != nil {
					b.Fatal(err)
				}
				if c.each {
					n := 0
					if err := r.Each(func(*lifecycle.Arrival) error { n++; return nil }); err != nil || n != 2*rows {
						b.Fatal(n, err)
					}
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// generated makes a file whose rows are in no order of time.
func generated(rows int) []byte {
	b := []byte("k,day,mail,firm,title,src,revenue,page\n")
	for i := range rows {
		b = fmt.Appendf(b, "%08d,%02d-%02d-2025 %02d:%02d,person.%d@firm%d.example,Firm %d GmbH,Head of %d,paid_search,%d.5,/pages/%d\n",
			i, i*7%28+1, i*5%12+1, i*11%24, i*13%60, i, i%5000, i%5000, i%97, i%100000, i%331)
	}
	return b
}
