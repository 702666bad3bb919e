package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/replay"
	"baton/internal/store"
)

// Every scenario comes to the same inputs and decisions, to the byte, in memory and on a
// database; and what the database has stored of each lead is what is in memory.
func TestScenariosOnSQLite(t *testing.T) {
	onScenarios(t, func(t *testing.T) string { return filepath.Join(t.TempDir(), "baton.db") })
}

func TestScenariosOnPostgreSQL(t *testing.T) {
	server := pgtest.Server(t, "fsync=off", "full_page_writes=off") // what a power cut leaves is not asked here
	free := make(chan string, runtime.GOMAXPROCS(0))
	for range cap(free) {
		free <- server.Database(t)
	}
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprintf("alone %v", alone), func(t *testing.T) {
			onScenarios(t, func(t *testing.T) string {
				url := <-free
				t.Cleanup(func() { free <- url })
				empty(t, url)
				if !alone {
					engine.WithCompany(t, url)
				}
				return url
			})
		})
	}
}

// empty makes a database as it was when it was new, its audit too. That is quicker than a new one.
func empty(t *testing.T, url string) {
	st, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	list, err := st.Query(t.Context(), `SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('goose_db_version', 'audit')`)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `SET session_replication_role = replica; TRUNCATE `+list.Rows[0][0].(string)+` RESTART IDENTITY; ALTER SEQUENCE input_number RESTART`); err != nil {
		t.Fatal(err)
	}
}

func onScenarios(t *testing.T, database func(*testing.T) string) {
	files, err := filepath.Glob("../../testdata/scenario/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios found", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := replay.ParseScenario(file, data)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range s.Steps {
				if step.Arrival != nil && step.Arrival.Input.Kind == lifecycle.Retract {
					t.Skip("on a database an import is undone as a whole, by Undo, whose tests are in live_test.go")
				}
			}
			runOnBoth(t, s, database(t))
		})
	}
}

type decided struct {
	in       lifecycle.Input
	decision string
}

func runOnBoth(t *testing.T, s *replay.Scenario, database string) {
	var want []decided
	_, world, err := s.RunObserved(func(in *lifecycle.Input, d *lifecycle.Decision) {
		want = append(want, decided{*in, string(d.AppendJSON(nil))})
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	st, err := store.Open(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	versions := map[int64]*agreement.Plan{}
	en, err := engine.New(st, engine.Options{Memory: 16 << 20, Compile: func(a *store.Agreement) (*agreement.Plan, error) { return versions[a.Version], nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer en.Close()
	activate := func(plan *agreement.Plan, name string, at int64) error {
		version, err := en.Activate(ctx, plan, s.File(name), name, at)
		versions[version] = plan
		return err
	}
	if err := activate(s.Plan, "agreement.yaml", 0); err != nil {
		t.Fatal(err)
	}
	none := func(func(*lifecycle.Arrival) error) error { return nil }
	for i := range s.Steps {
		step := &s.Steps[i]
		if err := en.History(ctx, none, engine.HistoryOptions{Until: step.At}); err != nil {
			t.Fatal(err)
		}
		switch {
		case step.Activate != "":
			if err := activate(step.Plan, step.Activate, step.At); (err != nil) != step.Refused() {
				t.Fatalf("activating %s: %v", step.Activate, err)
			}
		case step.Arrival != nil:
			if err := en.History(ctx, func(yield func(*lifecycle.Arrival) error) error { return yield(step.Arrival) }, engine.HistoryOptions{Until: step.Arrival.Input.Known}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := en.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	err = st.EachInput(ctx, 0, func(in lifecycle.Input, decision []byte) error {
		if n >= len(want) {
			t.Fatalf("one input more than in memory: %s of lead %d at %d\n%s", in.Kind, in.Lead, in.Known, decision)
		}
		w := &want[n]
		n++
		if in.ID != w.in.ID || in.Kind != w.in.Kind || in.Lead != w.in.Lead || in.Known != w.in.Known || in.At != w.in.At {
			t.Fatalf("input %d is %s of lead %d at %d; in memory it is %d, %s of lead %d at %d", in.ID, in.Kind, in.Lead, in.Known, w.in.ID, w.in.Kind, w.in.Lead, w.in.Known)
		}
		if string(decision) != w.decision {
			t.Fatalf("input %d (%s)\non the database %s\nin memory       %s", in.ID, in.Kind, decision, w.decision)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != len(want) {
		t.Fatalf("%d inputs on the database, %d in memory", n, len(want))
	}
	ids := []int64{}
	for _, w := range want {
		if w.in.Lead != 0 {
			ids = append(ids, w.in.Lead)
		}
	}
	records, err := st.Leads(ctx, ids)
	if err != nil {
		t.Fatal(err)
	}
	for id, r := range records {
		if l := world.Lead(id); !bytes.Equal(lifecycle.AppendLead(nil, r.Lead), lifecycle.AppendLead(nil, l)) {
			t.Errorf("lead %d is stored otherwise than it is in memory", id)
		}
	}
	history(t, st, s, world, records)
}

// history holds the rows that reports read against the leads: the clocks that have not stopped are theirs, one stay
// has not ended, the hand-off that waits is the one they are offered in, and with whom.
func history(t *testing.T, st *store.Store, s *replay.Scenario, world *replay.World, records map[int64]*store.Record) {
	t.Helper()
	var want []string
	for _, id := range slices.Sorted(maps.Keys(records)) {
		l := world.Lead(id)
		if l == nil || l.Stage < 0 || l.ID != id {
			continue
		}
		plan := s.Version(l.Version)
		for _, k := range l.Clocks {
			want = append(want, fmt.Sprintf("%d clock %s %s %d", id, k.Name, k.State, k.Breaches))
		}
		if l.Waits() {
			queue := ""
			if l.Queue >= 0 {
				queue = plan.Queues[l.Queue].Name
			}
			want = append(want, fmt.Sprintf("%d handoff %s %s %q %q", id, plan.Handoffs[l.Handoff.Rule].Name, l.Handoff.State, l.Owner, queue))
		}
		want = append(want, fmt.Sprintf("%d visits 1", id))
	}
	var got []string
	for _, query := range []string{
		`SELECT lead || ' clock ' || name || ' ' || state || ' ' || breaches FROM clock WHERE stopped_at IS NULL`,
		`SELECT lead || ' handoff ' || name || ' ' || state || ' "' || owner || '" "' || queue || '"' FROM handoff WHERE closed_at IS NULL AND accepted_at IS NULL`,
		`SELECT v.lead || ' visits ' || count(*) FROM visit v JOIN lead l ON l.id = v.lead WHERE v.left_at IS NULL AND l.stage <> '' GROUP BY v.lead`,
	} {
		table, err := st.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range table.Rows {
			got = append(got, row[0].(string))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the leads say (-) and their rows (+): %s", diff)
	}
}
