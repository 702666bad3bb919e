package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Errors of a database that others use too.
var (
	// ErrAgain means that another process was in the way: the round may be tried again.
	ErrAgain = errors.New("another process was in the way")
	// ErrUnsure means that the connection was lost while a transaction was being committed. Whether
	// it was, shows when the same inputs are sent again: with their keys they are taken in once.
	ErrUnsure = errors.New("the connection was lost while this was being stored; it may or may not have been")
)

// Locks of all Batons on one database ("Batn", then what for).
const (
	lockMigration = 0x4261746e<<8 + iota
	lockAgreement // shared by rounds, held alone by one that brings another agreement
	lockHistory   // held by whoever decides a history of its own
	lockAlone     // shared by rounds, held alone by a process that has the database to itself
	lockPresent   // shared by all processes that decide
)

// lockNames is the first of 256 locks: of names of accounts that somebody looks for, and may make when there are none.
const lockNames = 0x4261746f << 8

// Settings of every connection. A process that was stopped in the middle of a round gives back what it has
// locked after a minute; its round then fails, and is tried again.
var postgresSettings = map[string]string{
	"application_name":                    "baton",
	"timezone":                            "UTC",
	"client_encoding":                     "UTF8",
	"statement_timeout":                   "300000",
	"lock_timeout":                        "10000", // then the round is tried again
	"idle_in_transaction_session_timeout": "60000",
	// Compiling a query that walks a chain takes 50 ms, and walking it one.
	"jit": "off",
}

func openPostgres(ctx context.Context, address string) (*Store, error) {
	s, config, err := reachPostgres(address)
	if err != nil {
		return nil, err
	}
	s.write = stdlib.OpenDB(*config)
	s.write.SetMaxOpenConns(2) // migrating holds a lock beside
	s.write.SetMaxIdleConns(1)
	if err = s.migrateAlone(ctx); err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		s.write.Close()
		return nil, err
	}
	return s, nil
}

func openPostgresReading(ctx context.Context, address string, current bool) (*Store, error) {
	s, _, err := reachPostgres(address)
	if err != nil {
		return nil, err
	}
	return s.reading(ctx, current)
}

// reachPostgres makes the store of an address. It connects to nothing yet.
func reachPostgres(address string) (*Store, *pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, nil, fmt.Errorf("opening database %s: this is no address of a PostgreSQL database; it looks like postgres://user:password@host:5432/name", NameOf(address))
	}
	for name, value := range postgresSettings {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	s := newStore(address, NameOf(address), postgres)
	s.connect = func(most int) (*sql.DB, error) {
		c := config.Copy()
		c.RuntimeParams["default_transaction_read_only"] = "on"
		db := stdlib.OpenDB(*c)
		db.SetMaxOpenConns(most)
		db.SetMaxIdleConns(most)
		return db, nil
	}
	return s, config, nil
}

// NameOf returns what to call a database in front of people: an address without its password.
func NameOf(name string) string {
	if !IsURL(name) {
		return name
	}
	u, err := url.Parse(name)
	if err != nil {
		return "(an address that cannot be read)"
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

// migrateAlone migrates while no other process does.
func (s *Store) migrateAlone(ctx context.Context) error {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return s.explain("opening", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `SET lock_timeout = 0`); err != nil { // somebody else may take long over it
		return s.explain("opening", err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), `RESET lock_timeout`)
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(lockMigration)); err != nil {
		return s.explain("opening", err)
	}
	_, err = s.migrate(ctx)
	_, unlocked := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(lockMigration))
	return errors.Join(err, s.explain("opening", unlocked))
}

func postgresAdvice(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch {
		case again(e):
			return ErrAgain.Error()
		case e.Code == "53100":
			return "the disk of the database server is full; make room and try again (everything acknowledged so far is safe)"
		case e.Code == "53300":
			return "the database server has no connection left; raise its max_connections, or run fewer processes"
		case e.Code == "28P01" || e.Code == "28000":
			return "the database server does not let this user in; see the user and the password"
		case e.Code == "3D000":
			return "there is no such database on the server; make it first, for instance with createdb"
		case e.Code == "42501":
			return "the user of the database may not do this; give it the right to make tables in its schema"
		case strings.HasPrefix(e.Code, "57P"):
			return "the database server is stopping or starting; what was not acknowledged can be sent again"
		}
		return ""
	}
	var c *pgconn.ConnectError
	if errors.As(err, &c) {
		return "the database server does not answer; see whether it runs and can be reached"
	}
	return ""
}

// again reports whether a transaction that failed with this may go through when it is tried again: a deadlock, or
// somebody else was first with a key.
func again(e *pgconn.PgError) bool {
	switch e.Code {
	case "40001", "40P01", "55P03", "23505":
		return true
	}
	return false
}

// Again reports whether a round failed only because another process was in the way.
func Again(err error) bool {
	var e *pgconn.PgError
	return errors.Is(err, ErrAgain) || errors.As(err, &e) && again(e)
}

// raw gives the driver's own connection.
func raw(conn *sql.Conn, do func(*pgx.Conn) error) error {
	return conn.Raw(func(c any) error { return do(c.(*stdlib.Conn).Conn()) })
}

// mend gives up a connection that is lost, so that the next transaction takes a new one.
func (w *writer) mend() {
	if w.conn == nil || !w.dialect.shared {
		return
	}
	lost := true
	_ = raw(w.conn, func(c *pgx.Conn) error {
		lost = c.IsClosed() || c.PgConn().TxStatus() != 'I'
		if lost && !c.IsClosed() {
			return c.Close(context.Background())
		}
		return nil
	})
	if lost {
		w.release()
	}
}

// unsure tells an error of a commit after which nobody knows what became of it.
func (w *writer) unsure(err error) error {
	var e *pgconn.PgError
	if w.dialect.shared && (!errors.As(err, &e) || strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08")) {
		return fmt.Errorf("%w: %w", ErrUnsure, err)
	}
	return err
}

// Stamp tells one state of a lead's row from another.
type Stamp struct{ Input, Due int64 }

// LockLeads locks leads, in the order of their numbers, and returns how they stand.
func (t *Tx) LockLeads(ctx context.Context, ids []int64) (map[int64]Stamp, error) {
	found := make(map[int64]Stamp, len(ids))
	err := each(ctx, t.Reader, `SELECT id, input, due FROM lead WHERE `, numbered("id"), ` ORDER BY id FOR UPDATE`, anys(ids), func(r *sql.Rows) error {
		var id int64
		var s Stamp
		if err := r.Scan(&id, &s.Input, &s.Due); err != nil {
			return err
		}
		found[id] = s
		return nil
	})
	return found, t.explain("reading", err)
}

// ChangeAccount locks an account to be changed, or returns an error for which Again is true when others have it locked.
func (t *Tx) ChangeAccount(ctx context.Context, id int64) error {
	var there int64
	err := t.one(ctx, `SELECT id FROM account WHERE id = $1 FOR UPDATE NOWAIT`, []any{id}, &there)
	return t.explain("reading", err)
}

// LockNames keeps other processes from making accounts with names that begin with some words, folded.
func (t *Tx) LockNames(ctx context.Context, blocks []string) error {
	var locks []int64
	for _, b := range blocks {
		locks = append(locks, lockNames+int64(fnv(offset64, b)%256))
	}
	slices.Sort(locks)
	stmt, err := t.queries.get(ctx, `SELECT pg_advisory_xact_lock(k) FROM unnest(CAST($1 AS bigint[])) AS k`)
	if err == nil {
		_, err = stmt.ExecContext(ctx, slices.Compact(locks))
	}
	return t.explain("reading", err)
}

// Wake has leads looked at that were locked when that was found to be needed.
func (t *Tx) Wake(ctx context.Context) error {
	at := map[int64]int64{}
	var ids []int64
	stmt, err := t.queries.get(ctx, `DELETE FROM wake WHERE lead IN (SELECT lead FROM wake ORDER BY lead LIMIT 1000 FOR UPDATE SKIP LOCKED) RETURNING lead, at`)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var lead, when int64
			if err := r.Scan(&lead, &when); err != nil {
				return err
			}
			ids, at[lead] = append(ids, lead), when
			return nil
		})
	}
	if err != nil || len(ids) == 0 {
		return t.explain("reading", err)
	}
	slices.Sort(ids)
	if _, err := t.LockLeads(ctx, ids); err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := t.store.writer.conn.ExecContext(ctx, `UPDATE lead SET due = $1 WHERE id = $2 AND due > $1`, at[id], id); err != nil {
			return t.explain("writing", err)
		}
	}
	return nil
}

// LockRoster locks the roster and returns the number of the transaction that wrote it last.
func (t *Tx) LockRoster(ctx context.Context) (stamp int64, err error) {
	err = t.one(ctx, `SELECT CAST(CAST(xmin AS text) AS bigint) FROM roster WHERE id = 1 FOR UPDATE`, nil, &stamp)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return stamp, t.explain("reading", err)
}

// Numbers takes so many numbers for inputs, ascending. When the last that was ever taken is the one given, nobody
// has taken any since.
func (t *Tx) Numbers(ctx context.Context, n int) (list []int64, err error) {
	stmt, err := t.queries.get(ctx, `SELECT nextval('input_number') FROM generate_series(1, CAST($1 AS bigint))`)
	if err == nil {
		list = make([]int64, 0, n)
		err = scanAll(ctx, stmt, []any{int64(n)}, func(r *sql.Rows) error {
			var id int64
			if err := r.Scan(&id); err != nil {
				return err
			}
			list = append(list, id)
			return nil
		})
	}
	return list, t.explain("reading", err)
}

// LastNumber returns the last number of an input that anybody has taken, 0 for none.
func (s *Reader) LastNumber(ctx context.Context) (last int64, err error) {
	err = s.one(ctx, `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM input_number`, nil, &last)
	return last, s.explain("reading", err)
}

// HistoryLock is held by the one process that decides a history of its own.
type HistoryLock struct{ conn *sql.Conn }

// LockHistory takes the lock, or reports false when another process has it. It ends with the process at the latest.
func (s *Store) LockHistory(ctx context.Context) (*HistoryLock, bool, error) {
	if !s.dialect.shared {
		return nil, true, nil
	}
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return nil, false, s.explain("reading", err)
	}
	// HistorySince holds it too, for as long as a round lasts: that is waited for.
	err = raw(conn, func(c *pgx.Conn) error {
		return c.PgConn().Exec(ctx, fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = '5s'; SELECT pg_advisory_lock(%d); COMMIT", lockHistory)).Close()
	})
	if err == nil {
		return &HistoryLock{conn}, true, nil
	}
	_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	conn.Close()
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code == "55P03" {
		return nil, false, nil
	}
	return nil, false, s.explain("reading", err)
}

// Held returns an error when the lock was lost with its connection.
func (l *HistoryLock) Held(ctx context.Context) error {
	if l == nil {
		return nil
	}
	if err := l.conn.PingContext(ctx); err != nil {
		return fmt.Errorf("the connection that keeps other imports away was lost; start again, what was taken in stays: %w", err)
	}
	return nil
}

// Release gives the lock back.
func (l *HistoryLock) Release() {
	if l == nil {
		return
	}
	_, _ = l.conn.ExecContext(context.Background(), `SELECT pg_advisory_unlock($1)`, int64(lockHistory))
	l.conn.Close()
}

// HistorySince returns since when another process decides a history of its own, 0 if none does. What is due of before
// then is that history's. It may be an import that was stopped and goes on.
func (t *Tx) HistorySince(ctx context.Context) (since int64, err error) {
	var free bool
	if err := t.one(ctx, `SELECT pg_try_advisory_xact_lock_shared($1)`, []any{int64(lockHistory)}, &free); err != nil || free {
		return 0, t.explain("reading", err)
	}
	err = t.one(ctx, `SELECT coalesce(max(started_at), 0) FROM import WHERE state IN ('running', 'stopped')`, nil, &since)
	return since, t.explain("reading", err)
}

// storable is a text as PostgreSQL takes it.
func storable(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
