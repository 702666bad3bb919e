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
	die     func(error)                   // ends the process; it does not return
	watch   atomic.Pointer[func() func()] // see ObserveFlushes

	turn    sync.Mutex   // held while the log is flushed
	flushed atomic.Int64 // as many transactions are on the disk
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
	return &flusher{commits: commits, sync: log.Sync, close: log.Close, die: func(err error) { lost(file, err) }}, nil
}

// lost ends the process because the disk did not take the log. The system may have forgotten by now what it could not write
// (https://wiki.postgresql.org/wiki/Fsync_Errors): to flush again could succeed and mean nothing, and what memory holds may be more than what is left. Whoever
// opens the file next reads the log as it is on the disk, up to the first transaction that is not whole.
func lost(file string, err error) {
	fmt.Fprintf(os.Stderr, "baton: the disk did not take what was written to %s: %v\n"+
		"baton: ends at once, without answering what waits; everything acknowledged is safe. See to the disk, then start again\n", file, err)
	os.Exit(1)
}

// flush returns when everything that was committed before is on the disk.
func (f *flusher) flush() {
	if f == nil {
		return
	}
	mine := f.commits.Load()
	if f.flushed.Load() >= mine {
		return
	}
	f.turn.Lock()
	defer f.turn.Unlock()
	if f.flushed.Load() >= mine {
		return
	}
	upto, over := f.commits.Load(), func() {}
	if watch := f.watch.Load(); watch != nil {
		over = (*watch)()
	}
	if err := f.sync(); err != nil {
		f.die(err)
	}
	f.flushed.Store(upto)
	over()
}

// end flushes what is left, and closes the log.
func (f *flusher) end() {
	if f == nil {
		return
	}
	f.flush()
	f.turn.Lock()
	defer f.turn.Unlock()
	_ = f.close() // all of it is on the disk
}

// Flush returns when everything that was committed before is on the disk. If the disk does not take it, the process ends.
func (s *Store) Flush() {
	if s.writer != nil {
		s.writer.flusher.flush()
	}
}

// ObserveFlushes has begun called when a flush begins, and what it returns when that is over. One is over before the next begins. On PostgreSQL, which
// flushes in each commit, it is never called.
func (s *Store) ObserveFlushes(begun func() (over func())) {
	if s.writer != nil && s.writer.flusher != nil {
		s.writer.flusher.watch.Store(&begun)
	}
}
