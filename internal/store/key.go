package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// APIKey is what is kept of a key: not the key.
type APIKey struct {
	ID                           int64
	Name, Scope                  string
	CreatedAt, UsedAt, RevokedAt int64 // UTC microseconds; 0 for never
}

// ErrNoKey means that there is no such key.
var ErrNoKey = errors.New("there is no such key")

// OpenBeside opens a database while another Baton writes to it, to make and revoke keys: those the
// engine does not hold in memory. Nothing else may be written through it.
func OpenBeside(ctx context.Context, path string) (*Store, error) {
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	write, err := connect(path, writing+"&mode=rw", 1) // it makes no file
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, dialect: sqlite, write: write}
	if err := s.prepareBeside(ctx); err != nil {
		write.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) prepareBeside(ctx context.Context) error {
	var have int64
	if err := s.write.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have); err != nil {
		return s.explain("opening", err)
	}
	if newest := s.dialect.newest(); have != newest {
		return fmt.Errorf("opening database %s: another version of Baton is running on it (its tables have number %d, this Baton has %d); use that one, or stop it", s.path, have, newest)
	}
	var err error
	if s.read, err = connect(s.path, reading, readers); err != nil {
		return err
	}
	s.queries.db = s.read
	if s.writer, err = newWriter(ctx, s.write, s.dialect); err != nil {
		s.read.Close()
		return s.explain("opening", err)
	}
	return nil
}

// exec runs one statement in a transaction of its own.
func (s *Store) exec(ctx context.Context, doing, text string, args ...any) (result sql.Result, err error) {
	if s.writer == nil {
		return nil, fmt.Errorf("%s: the database is open for reading only", doing)
	}
	err = s.writer.transaction(ctx, func(ctx context.Context) error {
		result, err = s.writer.conn.ExecContext(ctx, text, args...)
		return err
	})
	return result, s.explain(doing, err)
}

// AddKey keeps a new key under the SHA-256 of it, and returns it with its number.
func (s *Store) AddKey(ctx context.Context, k APIKey, hash []byte) (APIKey, error) {
	result, err := s.exec(ctx, "keeping a key", `INSERT INTO api_key (name, scope, hash, created_at, last_used_at, revoked_at) VALUES ($1, $2, $3, $4, 0, 0)`,
		k.Name, k.Scope, hash, k.CreatedAt)
	if err != nil {
		return k, err
	}
	k.ID, err = result.LastInsertId()
	return k, err
}

// RevokeKey ends a key. A key that was revoked before stays so since then.
func (s *Store) RevokeKey(ctx context.Context, id, at int64) error {
	result, err := s.exec(ctx, "revoking a key", `UPDATE api_key SET revoked_at = CASE WHEN revoked_at = 0 THEN $1 ELSE revoked_at END WHERE id = $2`, at, id)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return fmt.Errorf("revoking key %d: %w", id, ErrNoKey)
	}
	return nil
}

// UseKey notes when a key was last used.
func (s *Store) UseKey(ctx context.Context, id, at int64) error {
	_, err := s.exec(ctx, "noting the use of a key", `UPDATE api_key SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1`, at, id)
	return err
}

// Key returns the key with a hash; ErrNoKey if there is none.
func (s *Store) Key(ctx context.Context, hash []byte) (APIKey, error) {
	list, err := s.apiKeys(ctx, `WHERE hash = $1`, hash)
	if err == nil && len(list) == 0 {
		err = ErrNoKey
	}
	if err != nil {
		return APIKey{}, err
	}
	return list[0], nil
}

// APIKeys returns all keys there ever were, by number.
func (s *Store) APIKeys(ctx context.Context) ([]APIKey, error) {
	list, err := s.apiKeys(ctx, ``)
	slices.SortFunc(list, func(a, b APIKey) int { return int(a.ID - b.ID) })
	return list, err
}

func (s *Store) apiKeys(ctx context.Context, where string, args ...any) ([]APIKey, error) {
	stmt, err := s.queries.get(ctx, `SELECT id, name, scope, created_at, last_used_at, revoked_at FROM api_key `+where)
	if err != nil {
		return nil, s.explain("reading", err)
	}
	var list []APIKey
	err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
		var k APIKey
		if err := r.Scan(&k.ID, &k.Name, &k.Scope, &k.CreatedAt, &k.UsedAt, &k.RevokedAt); err != nil {
			return err
		}
		list = append(list, k)
		return nil
	})
	return list, s.explain("reading", err)
}
