package store

import (
	"context"
	"time"
)

const (
	// The log is folded after this pause while something is written: little at a time, so that who waits for the disk does not
	// wait behind a second's worth of pages.
	checkpointSoon = 10 * time.Millisecond
	// After this one while transactions are so large, in pages, that who waits for one does not notice: the later the log is
	// folded, the fewer pages are written twice.
	checkpointRare  = 300 * time.Millisecond
	checkpointLarge = 400
	// And after this one while nothing is.
	checkpointIdle = 100 * time.Millisecond
	// A writer that finds so many pages in the log (256 MB) folds it itself: whoever folds beside it has fallen behind.
	checkpointMost = "PRAGMA wal_autocheckpoint(64000)"
)

// CheckpointBeside folds the log of a SQLite database into its file, again and again, on a connection of its own, until
// the context ends: a writer that does so keeps those waiting who wait for it. Other databases see to that themselves.
func (s *Store) CheckpointBeside(ctx context.Context) error {
	if s.dialect.shared || s.writer == nil {
		return nil
	}
	db, err := connect(s.path, common+"&mode=rw", 1)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := s.pragma(ctx, checkpointMost); err != nil {
		return err
	}
	defer s.pragma(context.WithoutCancel(ctx), "PRAGMA wal_autocheckpoint(16000)")
	before, commits := 0, s.writer.commits.Load() // pages in the log, and transactions so far, when it was folded last
	tick := time.NewTimer(checkpointIdle)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := s.writer.commits.Load()
		var busy, first, pages, folded int
		// What is written meanwhile is left; the second and third time there is little of it, and the log begins anew.
		for i := range 3 {
			err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &pages, &folded)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return s.explain("folding the log of", err)
			}
			if i == 0 {
				first = pages
			}
			if folded >= pages {
				break
			}
		}
		tick.Reset(checkpointPause(before, first, now-commits))
		before, commits = pages, now
	}
}

// checkpointPause tells how long the log is left alone after it was folded, by the pages it held the last time and now, and the transactions
// between.
func checkpointPause(before, pages int, commits int64) time.Duration {
	written := int64(pages - before)
	if written < 0 { // it began anew
		written = int64(pages)
	}
	switch {
	case written == 0:
		return checkpointIdle
	case written > max(1, commits)*checkpointLarge: // one may have come while it was folded
		return checkpointRare
	}
	return checkpointSoon
}

// pragma sets something of the connection that writes.
func (s *Store) pragma(ctx context.Context, text string) error {
	s.writer.lock.Lock()
	defer s.writer.lock.Unlock()
	if s.writer.conn == nil { // closed
		return nil
	}
	_, err := s.writer.conn.ExecContext(ctx, text)
	return s.explain("setting", err)
}
