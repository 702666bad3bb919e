package engine

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// The test binary runs itself again as the process that is killed.
const victim = "BATON_TEST_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victim); path != "" {
		die(path)
		return
	}
	os.Exit(m.Run())
}

// die runs the history and says after each transaction how far it is, until somebody kills it.
func die(path string) {
	t := &testing.T{}
	h := open(t, path, behind)
	h.activate(t, northwind, start-day)
	err := h.History(context.Background(), from(killed()), HistoryOptions{Batch: 40, Until: killedUntil, Progress: func(p Progress) { fmt.Println(p.Inputs) }})
	if err != nil {
		fmt.Println("error:", err)
	}
	fmt.Println("end")
}

func killed() []lifecycle.Arrival { return arrivals(2, 1500, 120) }

// behind lets rows be behind by many transactions.
var behind = Options{Late: 400}

var killedUntil = start + 230*day

// tables dumps every row of every table.
func tables(t testing.TB, path string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var names []string
	list, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%'`)
	if err != nil {
		t.Fatal(err)
	}
	for list.Next() {
		var name string
		if err := list.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	list.Close()
	all := map[string][]string{}
	for _, name := range names {
		rows, err := db.Query(`SELECT * FROM ` + name + ` ORDER BY 1, 2`)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			all[name] = append(all[name], fmt.Sprint(values...))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	return all
}

// A process killed in the middle of a history leaves what it has committed; run again, it
// comes to the same rows in every table as one that was never killed.
func TestKilledHistoryGoesOn(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.db")
	h := open(t, whole, Options{Late: -1})
	h.activate(t, northwind, start-day)
	if err := h.History(context.Background(), from(killed()), HistoryOptions{Batch: 40, Until: killedUntil}); err != nil {
		t.Fatal(err)
	}
	h.shut(t)

	path, rowsBehind := filepath.Join(dir, "killed.db"), false
	for round, after := range []int{1, 9, 4, 15, 7} {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), victim+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 0; i < after && lines.Scan(); i++ {
			if text := lines.Text(); text == "end" || strings.HasPrefix(text, "error") {
				t.Fatalf("round %d: the victim was not killed in time: %s", round, text)
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		child.Wait()
		rowsBehind = rowsBehind || lateFrom(t, path) != 0
	}
	if !rowsBehind {
		t.Error("no row was ever behind when the process was killed")
	}
	h = open(t, path, behind)
	if from := lateFrom(t, path); from != 0 {
		t.Errorf("rows are behind since input %d", from)
	}
	stored := len(recorded(t, h))
	if err := h.History(context.Background(), from(killed()), HistoryOptions{Batch: 40, Until: killedUntil}); err != nil {
		t.Fatal(err)
	}
	if after := len(recorded(t, h)); stored == 0 || stored == after {
		t.Errorf("%d of %d inputs were there before the last run: the kills test nothing", stored, after)
	}
	verify(t, h)
	h.shut(t)
	if diff := cmp.Diff(tables(t, whole), tables(t, path)); diff != "" {
		t.Errorf("tables (-uninterrupted +killed):\n%.4000s", diff)
	}
}

// lateFrom returns from which input on rows of leads may be behind in a database.
func lateFrom(t *testing.T, path string) int64 {
	t.Helper()
	st, err := store.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	from, err := st.LateFrom(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return from
}
