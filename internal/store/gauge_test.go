package store

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/pgtest"
)

// How things stand is read from either database, and an empty one has nothing waiting.
func TestGauges(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "baton.db"), pgtest.Database(t)} {
		st, err := Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		g, err := st.Gauges(t.Context(), 1_000)
		if err != nil {
			t.Fatal(err)
		}
		if g.Bytes < 10_000 {
			t.Errorf("%s: %d bytes", name, g.Bytes)
		}
		g.Bytes = 0
		if want := (&Gauges{Jobs: map[string]int64{}}); !cmp.Equal(g, want) {
			t.Errorf("an empty database: %+v", g)
		}
		err = st.transact(t.Context(), "testing", func(ctx context.Context, conn *sql.Conn) error {
			for id, state := range []string{"waiting", "waiting", "done"} {
				if _, err := conn.ExecContext(ctx, `INSERT INTO job (id, kind, due, recipient, lead, input, body, state, attempts, last_error) VALUES ($1, 'notify', 5, '', 1, 1, '', $2, 0, '')`, id+1, state); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if g, err = st.Gauges(t.Context(), 1_000); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int64{"waiting": 2, "done": 1}, g.Jobs); diff != "" {
			t.Error(diff)
		}
	}
}
