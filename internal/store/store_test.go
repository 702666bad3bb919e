package store

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// The test binary runs itself again as the other process that holds a database.
const holder = "BATON_TEST_HOLDER"

func TestMain(m *testing.M) {
	if path := os.Getenv(holder); path != "" {
		if _, err := Open(context.Background(), path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("open")
		bufio.NewReader(os.Stdin).ReadString('\n') // until the parent is done or gone
		return
	}
	if path := os.Getenv(unflushed); path != "" {
		breakDisk(path)
		return
	}
	os.Exit(m.Run())
}

func fresh(t testing.TB) *Store { return openAt(t, filepath.Join(t.TempDir(), "baton.db")) }

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func write(t testing.TB, s *Store, fill func(b *Batch)) {
	t.Helper()
	b := NewBatch()
	fill(b)
	b.Seal(nil)
	if alone, err := s.TakeAlone(context.Background(), true); !alone || err != nil {
		t.Fatal(alone, err)
	}
	if err := s.Commit(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

func input(id int64, key string) *lifecycle.Input {
	return &lifecycle.Input{ID: id, Kind: lifecycle.Did, Lead: 1, At: id, Known: id, Source: "test", Key: key, Name: "visit"}
}

func TestOpenRefuses(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := filepath.Join(dir, "other.db")
	db, _ := sql.Open("sqlite", other)
	if _, err := db.Exec(`CREATE TABLE recipes (name TEXT)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	newer := filepath.Join(dir, "newer.db")
	openAt(t, newer).Close()
	db, _ = sql.Open("sqlite", newer)
	if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, 1)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	damaged := filepath.Join(dir, "damaged.db")
	openAt(t, damaged).Close()
	text, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(text); i++ {
		text[i] = 0xAA
	}
	file("damaged.db", string(text))
	for _, test := range []struct{ name, path, want string }{
		{"no name", "", "no file named"},
		{"no directory", filepath.Join(dir, "no", "such", "b.db"), "does not exist; make it first"},
		{"a directory", dir, "this is a directory"},
		{"a text", file("notes.txt", "Dear diary, today I wrote a long text into this file."), "not a database"},
		{"cut off", file("short.db", "SQLite"), "not a database"},
		{"of another program", other, "belongs to another program"},
		{"from the future", newer, "a newer Baton has written to it"},
		{"damaged", damaged, "damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Open(ctx, test.path)
			if err == nil {
				s.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), filepath.Base(test.path)) && test.path != "" {
				t.Errorf("%v; want it to say %q and name the file", err, test.want)
			}
		})
	}
	if _, err := OpenReadOnly(ctx, filepath.Join(dir, "none.db")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("reading a file that is not there: %v", err)
	}
}

func TestCloseFoldsTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baton.db")
	s := openAt(t, path)
	write(t, s, func(b *Batch) { b.Input(input(1, ""), 0, 0) })
	if _, err := s.LastInput(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
}

func TestOddFileNames(t *testing.T) {
	for _, name := range []string{"with space.db", "what?.db", "100%.db", "a#b.db", "ünï.db", "a&b=c.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := openAt(t, path)
		write(t, s, func(b *Batch) { b.Input(input(1, ""), 0, 0) })
		s.Close()
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if id, err := openAt(t, path).LastInput(context.Background()); id != 1 || err != nil {
			t.Errorf("%q: last input %d, %v", name, id, err)
		}
	}
}

// A second process is refused, whichever name it knows the file by; readers are not.
func TestOneProcessWrites(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path, alias := filepath.Join(dir, "baton.db"), filepath.Join(dir, "alias.db")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), holder+"="+path)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer in.Close()
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("the other process says %q", line)
	}
	if err := os.Symlink(path, alias); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, alias} {
		_, err := Open(ctx, name)
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", child.Process.Pid)) {
			t.Errorf("opening %s beside process %d: %v", name, child.Process.Pid, err)
		}
	}
	r, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Query(ctx, `SELECT * FROM leads`); err != nil {
		t.Errorf("reading beside the writer: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	// a lock does not outlive its process, however that ends
	child.Process.Kill()
	child.Wait()
	openAt(t, path)
}

func TestFullDiskLosesNothing(t *testing.T) {
	ctx := context.Background()
	s := fresh(t)
	write(t, s, func(b *Batch) { b.Input(input(1, ""), 0, 0) })
	if err := s.Limit(ctx, 1); err != nil {
		t.Fatal(err)
	}
	b := NewBatch()
	big := input(2, "")
	big.Text = strings.Repeat("x", 1<<20)
	b.Input(big, 1, 0)
	b.Seal(nil)
	err := s.Commit(ctx, b)
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || !strings.Contains(err.Error(), s.Path()) {
		t.Errorf("writing to a full disk: %v", err)
	}
	if id, err := s.LastInput(ctx); id != 1 || err != nil {
		t.Errorf("last input %d, %v", id, err)
	}
	if err := s.Limit(ctx, 1<<30); err != nil {
		t.Fatal(err)
	}
	write(t, s, func(b *Batch) { b.Input(input(2, ""), 1, 0) })
}

func TestTwins(t *testing.T) {
	ctx := context.Background()
	s := fresh(t)
	keys := make([]string, 300)
	write(t, s, func(b *Batch) {
		for i := range keys {
			keys[i] = fmt.Sprintf("row:%d", i)
			b.Input(input(int64(i+1), keys[i]), 0, Dedupe("test", keys[i]))
		}
		// another input with the number of row:7
		b.Input(input(1000, "impostor"), 0, Dedupe("test", "row:7"))
	})
	var ask []int64
	for _, k := range keys[:100] {
		ask = append(ask, Dedupe("test", k))
	}
	ask = append(ask, Dedupe("test", "none"), Dedupe("other", "row:1"))
	found, err := s.Twins(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 100 {
		t.Errorf("found %d of 100", len(found))
	}
	seven := found[Dedupe("test", "row:7")]
	names := map[string]bool{}
	for _, twin := range seven {
		names[twin.Key] = true
	}
	if !names["row:7"] || !names["impostor"] {
		t.Errorf("under one number stand %v", seven)
	}
}

func TestDedupeKeepsNeighboursTogether(t *testing.T) {
	if Dedupe("a", "") != 0 {
		t.Error("no key has a number")
	}
	seen := map[int64]string{}
	for i := range 200_000 {
		key := fmt.Sprintf("row:%07d", i)
		h := Dedupe("import:1", key)
		if other, ok := seen[h]; ok {
			t.Fatalf("%s and %s have one number", other, key)
		}
		seen[h] = key
	}
	if a, b := Dedupe("s", "row:0001000"), Dedupe("s", "row:0001999"); a>>32 != b>>32 {
		t.Errorf("%x and %x are far from each other", a, b)
	}
	if Dedupe("ab", "c") == Dedupe("a", "bc") {
		t.Error("source and key run into each other")
	}
}

func TestKeys(t *testing.T) {
	ctx := context.Background()
	s := fresh(t)
	var all []identity.Key
	write(t, s, func(b *Batch) {
		for i := range 150 {
			k := identity.Key{Kind: identity.Kind(i%4 + 1), Value: fmt.Sprint("v", i)}
			all = append(all, k)
			b.Key(k, int64(i+1))
		}
	})
	found, err := s.Keys(ctx, append(all[:130:130], identity.Key{Kind: identity.Email, Value: "v1"}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[identity.Key]int64{}
	for i, k := range all[:130] {
		want[k] = int64(i + 1)
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func TestQuery(t *testing.T) {
	ctx := context.Background()
	s := fresh(t)
	for _, good := range []string{
		"SELECT 1", " select 1 ; ", "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1)", "EXPLAIN QUERY PLAN SELECT * FROM leads",
		"-- a remark; with a semicolon\nSELECT ';' -- and more\n;", "/* ; */ SELECT 1 /* ; */ ; -- end", `SELECT ";" FROM (SELECT 1 AS ";")`, "SELECT [;] FROM (SELECT 1 AS [;])",
	} {
		if _, err := s.Query(ctx, good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", " ; ", "-- nothing", "DELETE FROM input", "SELECT 1; DELETE FROM input", "PRAGMA query_only = 0", "ATTACH 'x.db' AS x", "SELECT 1;;SELECT 2",
		"WITH a AS (SELECT 1) DELETE FROM input", "INSERT INTO input SELECT 1", "EXPLAIN SELECT 1; VACUUM", "VACUUM INTO 'copy.db'", "(SELECT 1)",
	} {
		if _, err := s.Query(ctx, bad); err == nil {
			t.Errorf("%s: was run", bad)
		}
	}
	table, err := s.Query(ctx, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
	if err != nil || !table.Cut || len(table.Rows) != queryRows {
		t.Errorf("rows without end: %d, %v", len(table.Rows), err)
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Query(short, "SELECT 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func FuzzSingle(f *testing.F) {
	for _, seed := range []string{"SELECT 1;", "SELECT ';'; x", "/*", "--", "'", "[", "SELECT/**/1;;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		one, err := single(query)
		if err == nil && !strings.HasPrefix(query, one) {
			t.Errorf("%q became %q", query, one)
		}
	})
}

// The views answer on an empty database, and docs/views.md names every column and no other.
func TestViewsAreDocumented(t *testing.T) {
	ctx := context.Background()
	s := fresh(t)
	text, err := os.ReadFile("../../docs/views.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	view := ""
	for _, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "## `"); ok {
			view = strings.TrimSuffix(name, "`")
			documented[view] = nil
		} else if cell, ok := strings.CutPrefix(line, "| `"); ok && view != "" {
			names, _, _ := strings.Cut(cell, " |")
			documented[view] = append(documented[view], strings.Split(strings.ReplaceAll(names, "`", ""), ", ")...)
		} else if strings.HasPrefix(line, "## ") {
			view = ""
		}
	}
	list, err := s.Query(ctx, `SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string][]string{}
	for _, row := range list.Rows {
		name := row[0].(string)
		table, err := s.Query(ctx, `SELECT * FROM `+name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		have[name] = table.Columns
	}
	if diff := cmp.Diff(have, documented); diff != "" {
		t.Errorf("views (-database +docs/views.md):\n%s", diff)
	}
	examples := 0
	for _, block := range strings.Split(string(text), "```sql\n")[1:] {
		query, _, _ := strings.Cut(block, "```")
		examples++
		if _, err := s.Query(ctx, query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	if examples < 5 {
		t.Errorf("%d examples were found", examples)
	}
}

// A database of a commit that had a later step and lacked earlier ones takes those when it is opened, and comes to the same tables. Until then
// it is not read.
func TestStepsThatCameInLater(t *testing.T) {
	shape := func(path string) (list []string) {
		db, err := sql.Open("sqlite", path)
		must(t, err)
		defer db.Close()
		rows, err := db.Query(`SELECT coalesce(sql, name) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name`)
		must(t, err)
		defer rows.Close()
		for rows.Next() {
			var text string
			must(t, rows.Scan(&text))
			list = append(list, text)
		}
		must(t, rows.Err())
		return list
	}
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.db")
	must(t, openAt(t, whole).Close())
	want := shape(whole)
	for i, lacks := range [][]string{{"00020", "00021", "00022", "00023"}, {"00020"}, {"00021", "00022"}, {"00023"}, {"00024"}} {
		some := fstest.MapFS{}
		for _, name := range sqlite.files() {
			if slices.Contains(lacks, name[:5]) || name[:5] > "00026" { // there was none that had later ones
				continue
			}
			text, err := fs.ReadFile(sqlite.migrations(), name)
			must(t, err)
			some[name] = &fstest.MapFile{Data: text}
		}
		path := filepath.Join(dir, fmt.Sprint(i, ".db"))
		db, err := connect(path, writing, 1)
		must(t, err)
		provider, err := goose.NewProvider(goose.DialectSQLite3, db, some)
		must(t, err)
		_, err = provider.Up(t.Context())
		must(t, errors.Join(err, db.Close()))
		if s, err := OpenReadOnly(t.Context(), path); err == nil || !strings.Contains(err.Error(), " of the steps up to ") || !strings.Contains(err.Error(), "baton migrate") {
			t.Errorf("without %v it is read: %v", lacks, err)
			if err == nil {
				s.Close()
			}
		}
		must(t, openAt(t, path).Close())
		if diff := cmp.Diff(want, shape(path)); diff != "" {
			t.Errorf("without %v (-want +got):\n%s", lacks, diff)
		}
		s, err := OpenReadOnly(t.Context(), path)
		must(t, err)
		must(t, s.Close())
	}
}
