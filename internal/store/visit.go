package store

import (
	"context"
	"database/sql"
)

// Stay is a stay of a lead in a stage.
type Stay struct {
	Pass                 int64
	Stage, Side, Outcome string
	Entered, Left        int64 // UTC microseconds; Left 0 for still there
	Via, LeftVia         string
}

// MostStays is how many stays Stays returns.
const MostStays = 100

// stays walks back over the stays of a lead, whose list begins at its row.
const stays = `WITH RECURSIVE chain (id, n) AS (
		SELECT l.visit, CAST(1 AS BIGINT) FROM lead l WHERE l.id = $1 UNION ALL
		SELECT v.prev, c.n + 1 FROM chain c JOIN visit v ON v.id = c.id WHERE v.prev > 0 AND c.n < $2)
	SELECT v.pass, v.stage, v.side, v.outcome, v.entered_at, coalesce(v.left_at, 0), v.entered_via, v.left_via
	FROM chain c CROSS JOIN visit v WHERE v.id = c.id ORDER BY v.id DESC`

// Stays returns the newest stays of a lead, the newest first.
func (s *Store) Stays(ctx context.Context, lead int64) (list []Stay, err error) {
	stmt, err := s.queries.get(ctx, stays)
	if err == nil {
		err = scanAll(ctx, stmt, []any{lead, int64(MostStays)}, func(r *sql.Rows) error {
			var v Stay
			err := r.Scan(&v.Pass, &v.Stage, &v.Side, &v.Outcome, &v.Entered, &v.Left, &v.Via, &v.LeftVia)
			list = append(list, v)
			return err
		})
	}
	return list, s.explain("reading", err)
}
