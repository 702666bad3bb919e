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

// AddKey keeps a new key under the SHA-256 of it, and returns it with its number.
func (s *Store) AddKey(ctx context.Context, k APIKey, hash []byte) (APIKey, error) {
	err := s.transact(ctx, "keeping a key", func(ctx context.Context, conn *sql.Conn) error {
		if err := conn.QueryRowContext(ctx, `INSERT INTO api_key (name, scope, hash, created_at, last_used_at, revoked_at) VALUES ($1, $2, $3, $4, 0, 0) RETURNING id`,
			k.Name, k.Scope, hash, k.CreatedAt).Scan(&k.ID); err != nil {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, k.CreatedAt, MadeKey, "key "+k.Name, fmt.Sprintf("number %d, scope %s", k.ID, k.Scope)))
	})
	return k, err
}

// RevokeKey ends a key. A key that was revoked before stays so since then.
func (s *Store) RevokeKey(ctx context.Context, id, at int64) error {
	err := s.transact(ctx, "revoking a key", func(ctx context.Context, conn *sql.Conn) error {
		var name string
		if err := conn.QueryRowContext(ctx, `UPDATE api_key SET revoked_at = CASE WHEN revoked_at = 0 THEN $1 ELSE revoked_at END WHERE id = $2 RETURNING name`, at, id).Scan(&name); err != nil {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, at, RevokedKey, "key "+name, fmt.Sprintf("number %d", id)))
	})
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("revoking key %d: %w", id, ErrNoKey)
	}
	return err
}

// UseKey notes when a key was last used.
func (s *Store) UseKey(ctx context.Context, id, at int64) error {
	return s.transact(ctx, "noting the use of a key", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `UPDATE api_key SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1`, at, id)
		return err
	})
}

// Key returns the key with a hash; ErrNoKey if there is none.
func (s *Reader) Key(ctx context.Context, hash []byte) (APIKey, error) {
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
func (s *Reader) APIKeys(ctx context.Context) ([]APIKey, error) {
	list, err := s.apiKeys(ctx, ``)
	slices.SortFunc(list, func(a, b APIKey) int { return int(a.ID - b.ID) })
	return list, err
}

func (s *Reader) apiKeys(ctx context.Context, where string, args ...any) ([]APIKey, error) {
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
