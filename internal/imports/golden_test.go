package imports_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/imports"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; look at it, and run the test with -update: %s", path, diff)
	}
}

func TestFindings(t *testing.T) {
	var b strings.Builder
	for _, source := range []string{
		"",
		"just words",
		"[a, b]",
		"import: x\n  key: [a",
		"import: x\nimport: y\nperson: {email: a}",
		"import: &a x\nperson: {email: *a}",
		"person: {email: a}",
		"import: a b\nperson: {email: a}",
		"import: x",
		"import: x\nattributes: {title: t}",
		"imports: x\nperson: {email: a}",
		"import: x\nperson: {mail: a}",
		"import: x\nperson: email",
		"import: x\nperson: {id: {column: a}}",
		"import: x\nperson: {id: a}",
		"import: x\nperson: {email: a}\nattributes: {titel: t, zzz: t}",
		"import: x\nperson: {email: a}\nattributes: {source: {column: s, map: {a: organic_serch, b: \"1-5\"}}}",
		"import: x\nperson: {email: a}\nattributes: {source: {value: nowhere}}",
		"import: x\nperson: {email: a}\nattributes: {title: {column: a, value: b}}",
		"import: x\nperson: {email: a}\nattributes: {title: {collision: keep_last, empty: drop, unknown: keep, format: x}}",
		"import: x\nperson: {email: a}\nattributes: {title: {column: a, decimal: comma}}",
		"import: x\nperson: {email: a}\nattributes: {title: [a, b]}",
		"import: x\nperson: {email: a}\nattributes: {title: }",
		"import: x\nperson: {email: a}\nat: {column: d, layout: dd/mm/yyyy}",
		"import: x\nperson: {email: a}\nat: {column: d, layout: [DD/MM, DD/DD/YYYY, \"YYYY-MM-DD hh:mm\", YYYY-MM-DD hh:mm]}",
		"import: x\nperson: {email: a}\nat: {column: d, zone: Mars}",
		"import: x\nperson: {email: a}\nat: {value: 2026-01-01}",
		"import: x\nperson: {email: a}\nknown: later",
		"import: x\nperson: {email: a}\norigin: finance",
		"import: x\nperson: {email: a}\nactivity: {asset: pricing_giude}",
		"import: x\nperson: {email: a}\nactivity: {name: form_submited, properties: {uri: u}}",
		"import: x\nperson: {email: a}\noutcome: {value: v}",
		"import: x\nperson: {email: a}\noutcome: {result: {column: s, map: {Yes: win}}}",
		"import: x\nperson: {id: {system: a, column: b}}\naccount: {from_email: yes}",
		"import: x\nperson: {email: a}\naccount: {from_email: maybe}",
		"import: x\nmember: {name: n}",
		"import: x\nfile: {encoding: ebcdic, delimiter: space}\nperson: {email: a}",
		"import: x\nperson: {email: a}\nskip_when: status",
	} {
		m, found := imports.ParseMapping("mapping.yaml", []byte(source), vocabulary(t))
		if (m == nil) != found.HasErrors() {
			t.Errorf("%q: a mapping %v with errors %v", source, m != nil, found.HasErrors())
		}
		b.WriteString("---\n" + source + "\n>>>\n" + found.Text(func(string) []byte { return []byte(source) }, false))
	}
	golden(t, "findings.golden", b.String())
}

// TestRefusals has a row for each way to be refused.
func TestRefusals(t *testing.T) {
	m := parse(t, vocabulary(t), `
import: crm
key: k
zone: UTC
at: {column: day, layout: [DD/MM/YYYY, MM/DD/YYYY, YYYY-MM-DD]}
person: {email: mail}
attributes:
  source: src
  title: {column: title, collision: refuse}
  revenue: rev
  newsletter: nl
  stock: stock
activity: {name: {column: what}}
outcome: {result: {column: status, map: {Open: nothing}}, value: {column: amount, decimal: comma}}
`)
	r := open(t, m, strings.Join([]string{
		"k,mail,src,title,rev,nl,stock,what,status,amount,day",
		"1,ann@a.example,social,CEO,1200.5,yes,1-5,form_submitted,won,\"1.200,50\",2026-01-02",
		",ann@a.example,,,,,,form_submitted,open,,2026-01-02",
		"3,,,,,,,form_submitted,open,,2026-01-02",
		"4,ann at a.example,,,,,,form_submitted,open,,2026-01-02",
		"5,ann@a.example,socail,,,,,form_submitted,open,,2026-01-02",
		"6,ann@a.example,,,\"1,200\",,,form_submitted,open,,2026-01-02",
		"7,ann@a.example,,,many,,,form_submitted,open,,2026-01-02",
		"8,ann@a.example,,,,perhaps,,form_submitted,open,,2026-01-02",
		"9,ann@a.example,,,,,01-May,form_submitted,open,,2026-01-02",
		"10,ann@a.example,,,,,,,open,,2026-01-02",
		"11,ann@a.example,,,,,,dance,open,,2026-01-02",
		"12,ann@a.example,,,,,,form_submitted,,,2026-01-02",
		"13,ann@a.example,,,,,,form_submitted,maybe,,2026-01-02",
		"14,ann@a.example,,,,,,form_submitted,won,\"1,200.50\",2026-01-02",
		"15,ann@a.example,,,,,,form_submitted,open,,",
		"16,ann@a.example,,,,,,form_submitted,open,,03/04/2026",
		"17,ann@a.example,,,,,,form_submitted,open,,01-May",
		"18,ann@a.example,,,,,,form_submitted,open,,46022",
		"19,ann@a.example,,,,,,form_submitted,open,,2026-02-30",
		"20,ann@a.example,,,,,,form_submitted,open,,2099-01-01",
		"21,ann@a.example,,CFO,,,,form_submitted,open,,2026-01-02",
		"22,ann@a.example,nope,,many,,,dance,open,,2026-01-02",
		"23,too few",
		"24,too many,,,,,,,,,,,x",
		"25,\"bare\"quote,,,,,,,,,",
		"26,\"unclosed,,,,,,,,,",
		"27,bob@a.example,,CFO,,,,form_submitted,open,,04/04/2026",
	}, "\n"))
	s := r.Summary()
	if s.Rows != 27 || s.Mapped != 2 || s.Refused != 25 {
		t.Errorf("%d rows, %d mapped, %d refused", s.Rows, s.Mapped, s.Refused)
	}
	golden(t, "refused.golden", refused(t, r))
}

func TestAFileThatCannotBeWhatTheMappingSays(t *testing.T) {
	m := parse(t, vocabulary(t), "import: x\nkey: mql_id\nat: {column: day}\nperson: {email: mail}\n")
	for _, c := range []struct{ name, file, why string }{
		{"empty", "", "the file is empty: it has no header"},
		{"blank lines", "\n\n", "the file is empty: it has no header"},
		{"a column is missing", "mqlid,day,mail\n", `the file has no column "mql_id", which mapping.yaml:2:6 reads; did you mean "mqlid"?` + "\n" + `the columns of the file are "mqlid", "day", "mail"`},
		{"a column stands twice", "mql_id,day,mail,day\n", `the column "day", which mapping.yaml:3:14 reads, stands in the header more than once`},
		{"a broken header", "mql_id,\"day\"x,mail\n", "line 1: reading the header"},
	} {
		path := filepath.Join(t.TempDir(), "rows.csv")
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		_, err := imports.Open(t.Context(), path, m, imports.Options{Now: noon, TempDir: dir})
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want it to say %q", c.name, err, c.why)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %d temporary files are left", c.name, len(left))
		}
	}
	if _, err := imports.Open(t.Context(), filepath.Join(t.TempDir(), "none.csv"), m, imports.Options{Now: noon}); err == nil {
		t.Error("a file that is not there is opened")
	}
}
