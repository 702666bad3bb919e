package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// SavedFilter is what a user filters a page by, under a name.
type SavedFilter struct {
	ID, User    int64
	By          string // the name of the user, or their address
	Page, Query string // of an address: "/funnel", "period=quarter"
	Name        string
	Shared      bool  // everybody who may open the page sees it
	At          int64 // UTC microseconds
}

// MostFilters is how many filters a user may keep for a page.
const MostFilters = 50

// Errors of saved filters.
var (
	ErrNoFilter    = errors.New("there is no such filter; somebody may have removed it")
	ErrFilters     = fmt.Errorf("%d filters of a page are as many as anybody can keep; remove one first", MostFilters)
	ErrFilterThere = errors.New("you have a filter of this name here already")
)

const savedFilters = `SELECT f.id, f.user_id, coalesce(u.name, ''), coalesce(u.email, ''), f.page, f.query, f.name, f.shared, f.at FROM saved_filter f LEFT JOIN access_user u ON u.id = f.user_id
	WHERE f.page = $1 AND (f.user_id = $2 OR f.shared = 1) ORDER BY f.name, f.id LIMIT 200`

// SavedFilters returns the filters of a page that a user has, and those that others share, by name. It makes one query.
func (s *Reader) SavedFilters(ctx context.Context, user int64, page string) (list []SavedFilter, err error) {
	stmt, err := s.queries.get(ctx, savedFilters)
	if err == nil {
		err = scanAll(ctx, stmt, []any{page, user}, func(r *sql.Rows) error {
			var f SavedFilter
			var email string
			var shared int64
			err := r.Scan(&f.ID, &f.User, &f.By, &email, &f.Page, &f.Query, &f.Name, &shared, &f.At)
			f.Shared = shared == 1
			if f.By == "" {
				f.By = email
			}
			list = append(list, f)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// SaveFilter keeps a filter. One of the same user, page and name is replaced.
func (s *Store) SaveFilter(ctx context.Context, f SavedFilter) error {
	return s.transact(ctx, "keeping a filter", func(ctx context.Context, conn *sql.Conn) error {
		var n int
		if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM saved_filter WHERE user_id = $1 AND page = $2 AND name <> $3`, f.User, f.Page, storable(f.Name)).Scan(&n); err != nil {
			return err
		} else if n >= MostFilters {
			return ErrFilters
		}
		_, err := conn.ExecContext(ctx, `INSERT INTO saved_filter (user_id, page, name, query, shared, at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (user_id, page, name) DO UPDATE SET query = excluded.query, shared = excluded.shared, at = excluded.at`,
			f.User, f.Page, storable(f.Name), storable(f.Query), truth(f.Shared), f.At)
		if err != nil || !f.Shared {
			return err // what is one's own is no matter of others
		}
		return insertAudit(ctx, conn, did(ctx, f.At, SharedFilter, f.Name, f.Page+"?"+f.Query))
	})
}

// ChangeFilter changes the name of a filter, and whether it is shared, as change says. Its error undoes that; no filter is the error ErrNoFilter.
func (s *Store) ChangeFilter(ctx context.Context, id, at int64, change func(*SavedFilter) error) error {
	return s.filter(ctx, "changing a filter", ChangedFilter, id, at, change, func(ctx context.Context, conn *sql.Conn, f *SavedFilter) error {
		var n int
		if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM saved_filter WHERE user_id = $1 AND page = $2 AND name = $3 AND id <> $4`, f.User, f.Page, storable(f.Name), id).Scan(&n); err != nil {
			return err
		} else if n > 0 {
			return ErrFilterThere
		}
		_, err := conn.ExecContext(ctx, `UPDATE saved_filter SET name = $1, shared = $2 WHERE id = $3`, storable(f.Name), truth(f.Shared), id)
		return err
	})
}

// RemoveFilter removes a filter, if allow returns no error.
func (s *Store) RemoveFilter(ctx context.Context, id, at int64, allow func(*SavedFilter) error) error {
	return s.filter(ctx, "removing a filter", RemovedFilter, id, at, allow, func(ctx context.Context, conn *sql.Conn, _ *SavedFilter) error {
		_, err := conn.ExecContext(ctx, `DELETE FROM saved_filter WHERE id = $1`, id)
		return err
	})
}

// filter finds a filter and, if look returns no error, does something with it. It is on record if others see the filter, or saw it before.
func (s *Store) filter(ctx context.Context, doing, done string, id, at int64, look func(*SavedFilter) error, do func(context.Context, *sql.Conn, *SavedFilter) error) error {
	return s.transact(ctx, doing, func(ctx context.Context, conn *sql.Conn) error {
		f, err := filterByID(ctx, conn, id)
		if err != nil {
			return err
		}
		before := *f
		if err := look(f); err != nil {
			return err
		}
		if err := do(ctx, conn, f); err != nil || !f.Shared && !before.Shared {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, at, done, before.Name, f.Page+"?"+f.Query))
	})
}

func filterByID(ctx context.Context, conn *sql.Conn, id int64) (*SavedFilter, error) {
	f := SavedFilter{ID: id}
	var shared int64
	err := conn.QueryRowContext(ctx, `SELECT user_id, page, query, name, shared, at FROM saved_filter WHERE id = $1`, id).Scan(&f.User, &f.Page, &f.Query, &f.Name, &shared, &f.At)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoFilter
	}
	f.Shared = shared == 1
	return &f, err
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
