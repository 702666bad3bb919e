package store

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"baton/internal/lifecycle"
	"baton/internal/pgtest"
)

// Each kind of input has its word in the views, on both databases.
func TestViewsKnowTheWordsOfInputs(t *testing.T) {
	for name, s := range map[string]*Store{"sqlite": fresh(t), "postgres": openAt(t, pgtest.Database(t))} {
		kinds := 0
		for k := lifecycle.Identify; known(k); k++ {
			kinds++
			if err := s.transact(t.Context(), "writing", func(ctx context.Context, conn *sql.Conn) error {
				_, err := conn.ExecContext(ctx, fmt.Sprintf(`INSERT INTO input (id, kind, lead, account, prev, at, known, dedupe, import, body) VALUES (%[1]d, %[1]d, 0, 0, 0, 0, 0, 0, 0, '{}')`, k))
				if err == nil {
					_, err = conn.ExecContext(ctx, fmt.Sprintf(`INSERT INTO decision (input, lead, version, body, error) VALUES (%d, 0, 1, '', 'x')`, k))
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for _, view := range []string{`SELECT kind FROM inputs WHERE id = `, `SELECT kind FROM decisions WHERE input = `, `SELECT kind FROM problems WHERE input = `} {
				table, err := s.Query(t.Context(), view+fmt.Sprint(int(k)))
				if err != nil {
					t.Fatal(err)
				}
				if word := fmt.Sprint(table.Rows[0][0]); word != k.String() {
					t.Errorf("%s: %s%d is %s, want %s", name, view, k, word, k)
				}
			}
		}
		if kinds < 31 {
			t.Errorf("%d kinds of input", kinds)
		}
	}
}

// known reports whether there is a kind of input.
func known(k lifecycle.InputKind) (is bool) {
	defer func() { is = recover() == nil }() // String has no word for others
	return k.String() != ""
}
