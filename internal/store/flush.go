package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// flusher sees to it that what SQLite has committed is on the disk. SQLite would do so in each commit, and nothing else could be written
// meanwhile; in its mode "normal" a commit writes to the log and does not wait for it. Here the log is flushed beside: the next transaction goes
// on, and those that wait at the same time share one flush. A flush takes in everything before it, in order: what
// a machine loses when it stops is never more than the newest transactions, of which nobody was told that they are on the disk.
//
// SQLite flushes the log by itself before it folds it into the file, the file after that, and the head of the log before it begins
// anew (https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous), so whatever is not in the log any more needs no flush.
type flusher struct {
	commits *atomic.Int64 // transactions so far
	sync    func() error  // flushes the log
	close   func() error
	watch   atomic.Pointer[func() func(error)] // see ObserveFlushes

	turn    sync.Mutex  // held while the log is flushed
	flushed int64       // as many transactions are on the disk
	failed  error       // the system did not take some of the log, and may have forgotten that
	broken  atomic.Bool // failed is not nil, for who does not wait for the turn
}

// newFlusher takes over from the connection that writes to a database; it returns nil if that has no log.
func newFlusher(ctx context.Context, conn *sql.Conn, file string, commits *atomic.Int64) (*flusher, error) {
	var mode string
	if err := conn.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode); err != nil || mode != "wal" {
		return nil, err
	}
	// SQLite holds no locks on its log, so that closing it here breaks none
	log, err := os.OpenFile(file+"-wal", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	if _, err := conn.ExecContext(ctx, `PRAGMA synchronous = normal`); err != nil {
		log.Close()
		return nil, err
	}
	return &flusher{commits: commits, sync: log.Sync, close: log.Close}, nil
}

// flush returns when everything that was committed before is on the disk.
func (f *flusher) flush() error {
	if f == nil {
		return nil
	}
	mine := f.commits.Load()
	f.turn.Lock()
	defer f.turn.Unlock()
	if f.failed == nil && f.flushed < mine {
		upto, done := f.commits.Load(), func(error) {}
		if watch := f.watch.Load(); watch != nil {
			done = (*watch)()
		}
		if f.failed = f.sync(); f.failed == nil {
			f.flushed = upto
		}
		f.broken.Store(f.failed != nil)
		done(f.failed)
	}
	if f.flushed < mine {
		return fmt.Errorf("%w, for the log could not be flushed: %w", ErrUnsure, f.failed)
	}
	return nil
}

// mend sees to it that a log which could not be flushed is not needed any more: it is folded into the file, which is flushed. To flush it again
// would not do: systems forget what they could not write (https://wiki.postgresql.org/wiki/Fsync_Errors).
func (f *flusher) mend(ctx context.Context, conn *sql.Conn) error {
	if f == nil || !f.broken.Load() {
		return nil
	}
	f.turn.Lock()
	defer f.turn.Unlock()
	var busy, pages, folded int
	err := conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &folded)
	if err == nil && busy != 0 {
		err = fmt.Errorf("folding the log after it could not be flushed (%w): the database is busy", f.failed)
	}
	if err == nil {
		err = f.sync() // that it is empty now
	}
	if err == nil {
		f.flushed, f.failed = f.commits.Load(), nil
		f.broken.Store(false)
	}
	return err
}

// end flushes what is left, and closes the log.
func (f *flusher) end() {
	if f == nil {
		return
	}
	_ = f.flush() // who waits for it hears of it
	f.turn.Lock()
	defer f.turn.Unlock()
	_ = f.close()
}

// Flush returns when everything that was committed before is on the disk, after an error of it (ErrUnsure) when it may not be.
func (s *Store) Flush() error {
	if s.writer == nil {
		return nil
	}
	return s.explain("writing", s.writer.flusher.flush())
}

// ObserveFlushes has begun called when a flush begins, and what it returns when that is over. One is over before the next begins. On PostgreSQL, which
// flushes in each commit, it is never called.
func (s *Store) ObserveFlushes(begun func() (over func(error))) {
	if s.writer != nil && s.writer.flusher != nil {
		s.writer.flusher.watch.Store(&begun)
	}
}
