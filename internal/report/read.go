package report

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"net/url"
	"path/filepath"

	"baton/internal/store"
)

// snapshot is a connection of its own that can only read, inside one transaction: all queries
// of a report see the same moment, beside whoever writes.
type snapshot struct {
	db      *sql.DB
	tx      *sql.Tx
	queries int
}

func open(ctx context.Context, st *store.Store) (*snapshot, error) {
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(st.Path()), OmitHost: true,
		RawQuery: "mode=ro&_pragma=busy_timeout(10000)&_pragma=query_only(1)&_pragma=temp_store(2)"}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", st.Path(), err)
	}
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("reading %s: %w", st.Path(), err)
	}
	return &snapshot{db: db, tx: tx}, nil
}

func (s *snapshot) close() {
	s.tx.Rollback()
	s.db.Close()
}

// queried hears how many queries a report ran; tests set it.
var queried = func(int) {}

// each runs a query and hands over its rows one at a time.
func (s *snapshot) each(ctx context.Context, what, query string, args []any, scan func(*sql.Rows) error) error {
	s.queries++
	queried(s.queries)
	rows, err := s.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("reading %s: %w", what, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("reading %s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading %s: %w", what, err)
	}
	return nil
}

// bounds are Since and Until as arguments of a query.
func (q *Query) bounds() (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if q.Since != 0 {
		from = q.Since
	}
	if q.Until != 0 {
		to = q.Until
	}
	return from, to
}

func (q *Query) covers(at int64) bool {
	from, to := q.bounds()
	return at >= from && at < to
}
