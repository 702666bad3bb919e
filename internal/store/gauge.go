package store

import (
	"context"
	"database/sql"
	"os"
)

// Gauges is how full a database is and what waits in it.
type Gauges struct {
	Bytes   int64            // of the database, with its log
	Overdue int64            // leads with something due, counted up to 100,000
	Oldest  int64            // when the first of them was due, UTC microseconds; 0 for none
	Jobs    map[string]int64 // by their state
}

// Gauges reads how things stand at an instant. Counting jobs reads all of them: ask now and then, not for
// each request.
func (s *Store) Gauges(ctx context.Context, now int64) (*Gauges, error) {
	g := &Gauges{Jobs: map[string]int64{}}
	err := s.one(ctx, `SELECT count(*), coalesce(min(due), 0) FROM (SELECT due FROM lead WHERE due <= $1 AND due < 9223372036854775807 ORDER BY due LIMIT 100000) AS late`,
		[]any{now}, &g.Overdue, &g.Oldest)
	if err != nil {
		return nil, s.explain("reading", err)
	}
	stmt, err := s.queries.get(ctx, `SELECT state, count(*) FROM job GROUP BY state ORDER BY state`)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var state string
			var n int64
			if err := r.Scan(&state, &n); err != nil {
				return err
			}
			g.Jobs[state] = n
			return nil
		})
	}
	if err == nil && s.dialect.shared {
		err = s.one(ctx, `SELECT pg_database_size(current_database())`, nil, &g.Bytes)
	} else if err == nil {
		for _, file := range []string{s.path, s.path + "-wal"} {
			if info, err := os.Stat(file); err == nil {
				g.Bytes += info.Size()
			}
		}
	}
	if err != nil {
		return nil, s.explain("reading", err)
	}
	return g, nil
}
