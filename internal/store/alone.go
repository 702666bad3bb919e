package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Every process that decides on a PostgreSQL database holds lockPresent, together with the others: so each can tell whether there are
// others. One that is alone holds lockAlone by itself, and every round of the others begins by waiting for it. Both belong to the connection
// that writes and end with it, so that nothing is written by a process that only thinks it is alone.

// ErrBehind means that a process which was alone ended before it had brought all rows up to date: see Late. Whoever finds that takes the
// database for itself, and does it.
var ErrBehind = fmt.Errorf("%w: it ended before it had written all it knew", ErrAgain)

// errNotAlone means that the connection that kept others away was lost.
var errNotAlone = fmt.Errorf("%w: the connection that kept other processes away was lost", ErrAgain)

// Announce tells other processes, until Leave, that this one decides on the database, too.
func (s *Store) Announce(ctx context.Context) error {
	if !s.dialect.shared {
		return nil
	}
	w := s.writer
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.present {
		return nil
	}
	if w.conn != nil {
		if err := w.announce(ctx); err != nil {
			w.mend()
			return s.explain("writing", err)
		}
	}
	w.present = true // a new connection does so itself
	return nil
}

func (w *writer) announce(ctx context.Context) error {
	_, err := w.conn.ExecContext(ctx, `SELECT pg_advisory_lock_shared($1)`, int64(lockPresent))
	return err
}

// Leave is the end of Announce, and of being alone.
func (s *Store) Leave(ctx context.Context) error {
	if !s.dialect.shared {
		return nil
	}
	w := s.writer
	w.lock.Lock()
	defer w.lock.Unlock()
	err := w.leave(ctx)
	if w.conn != nil && w.present && err == nil {
		_, err = w.conn.ExecContext(ctx, `SELECT pg_advisory_unlock_shared($1)`, int64(lockPresent))
	}
	w.present = false
	w.mend()
	return s.explain("writing", err)
}

// Alone reports whether no other process can write what this one has to lock: that of a SQLite database is alone for as long as it has it open.
func (s *Store) Alone() bool { return !s.dialect.shared || s.writer != nil && s.writer.alone.Load() }

// heldLocks are those who hold the lock $1 of this database.
const heldLocks = `FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
	AND CAST(classid AS bigint) << 32 | CAST(objid AS bigint) = $1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// Others reports whether other processes decide on the database. Afterwards Alone knows it if the connection was lost.
func (s *Store) Others(ctx context.Context) (bool, error) {
	if !s.dialect.shared {
		return false, nil
	}
	var present int
	err := s.one(ctx, `SELECT count(*) `+heldLocks, []any{int64(lockPresent)}, &present)
	if err == nil && present == 0 && s.writer != nil { // this one is missing
		s.writer.lookAfter(ctx)
	}
	return present > 1, s.explain("reading", err)
}

// lookAfter finds out whether the connection is lost, if nobody is using it.
func (w *writer) lookAfter(ctx context.Context) {
	if !w.lock.TryLock() {
		return
	}
	defer w.lock.Unlock()
	if w.conn != nil && w.present {
		_ = w.conn.PingContext(ctx)
		w.mend()
	}
}

// TakeAlone keeps other processes away, from the end of the rounds that they are in, until ShareAgain. It reports false when others are in
// the middle of a round, or alone, unless it waits for them.
func (s *Store) TakeAlone(ctx context.Context, wait bool) (alone bool, err error) {
	w := s.writer
	if w == nil {
		return false, fmt.Errorf("writing: %w", errReadOnly)
	}
	if s.Alone() {
		return true, nil
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	ctx = context.WithoutCancel(ctx)
	if err = w.ready(ctx); err == nil {
		if wait {
			_, err = w.conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(lockAlone))
			alone = err == nil
		} else {
			err = w.conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(lockAlone)).Scan(&alone)
		}
	}
	if alone {
		// what was put down because somebody else was at it
		_, err = w.conn.ExecContext(ctx, `WITH woken AS (DELETE FROM wake RETURNING lead, at) UPDATE lead SET due = woken.at FROM woken WHERE lead.id = woken.lead AND lead.due > woken.at`)
		w.alone.Store(err == nil)
	}
	if err != nil {
		if alone {
			_, _ = w.conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, int64(lockAlone))
		}
		w.mend()
		return false, s.explain("writing", err)
	}
	return alone, nil
}

// ShareAgain lets other processes in.
func (s *Store) ShareAgain(ctx context.Context) error {
	w := s.writer
	w.lock.Lock()
	defer w.lock.Unlock()
	err := w.leave(ctx)
	w.mend()
	return s.explain("writing", err)
}

func (w *writer) leave(ctx context.Context) error {
	if !w.alone.Swap(false) {
		return nil
	}
	_, err := w.conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, int64(lockAlone))
	return err
}

// Taken says up to which number inputs have been numbered without asking the database.
func (b *Batch) Taken(last int64) { b.Exec(`SELECT setval('input_number', $1)`, last) }

// dislodge ends the connection of a process that is alone, and did not notice in ten seconds (lock_timeout) that somebody waits: it hangs, or its
// machine is gone. What it has not committed it cannot commit any more.
func (s *Store) dislodge(ctx context.Context, err error) {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "55P03" {
		return
	}
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.ExecContext(ctx, `SELECT pg_terminate_backend(pid) `+heldLocks+` AND mode = 'ExclusiveLock'`, int64(lockAlone))
}

// beginShared begins a transaction that others may have beside it, and finds out which agreement applies.
func beginShared(ctx context.Context, conn *sql.Conn, exclusive bool) (version int64, err error) {
	lock := "pg_advisory_xact_lock_shared"
	if exclusive {
		lock = "pg_advisory_xact_lock"
	}
	var late int64
	err = raw(conn, func(c *pgx.Conn) error {
		// one message, several answers
		results, err := c.PgConn().Exec(ctx, fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock_shared(%d); SELECT %s(%d); SELECT coalesce(max(version), 0), (SELECT coalesce(min(input), 0) FROM late) FROM agreement",
			lockAlone, lock, lockAgreement)).ReadAll()
		if err != nil {
			return err
		}
		last := results[len(results)-1].Rows[0]
		_, err = fmt.Sscan(string(last[0])+" "+string(last[1]), &version, &late)
		return err
	})
	if err == nil && late != 0 {
		err = ErrBehind
	}
	return version, err
}
