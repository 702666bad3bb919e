package store

import (
	"context"
	"database/sql"
)

// accountStory walks back over the inputs of each of some leads of an account. (CROSS JOIN says to begin with the chains.)
const accountStory = `WITH RECURSIVE chain (id, prev, n) AS (
		SELECT i.id, i.prev, CAST(1 AS BIGINT) FROM (SELECT id, input FROM lead WHERE account <> 0 AND account = $1 ORDER BY id LIMIT $2) l CROSS JOIN input i WHERE i.id = l.input UNION ALL
		SELECT i.id, i.prev, c.n + 1 FROM chain c JOIN input i ON i.id = c.prev WHERE c.n < $3)
	SELECT ` + inputColumns + `, d.version, d.body, coalesce(d.error, '') FROM (SELECT id FROM chain ORDER BY id DESC LIMIT $4) c CROSS JOIN input i CROSS JOIN decision d
	WHERE i.id = c.id AND d.input = c.id ORDER BY c.id DESC`

// AccountStory returns the newest of what happened to the first leads of an account, of each the newest inputs that fit, the newest
// first: at most so many leads, inputs of each, and inputs in all.
func (s *Store) AccountStory(ctx context.Context, account int64, leads, each, most int) (list []Event, err error) {
	stmt, err := s.queries.get(ctx, accountStory)
	if err == nil {
		err = scanAll(ctx, stmt, []any{account, int64(leads), int64(each), int64(most)}, func(r *sql.Rows) error {
			e, err := scanEvent(r)
			list = append(list, e)
			return err
		})
	}
	return list, s.explain("reading", err)
}
