package store

import (
	"context"
	"errors"
	"fmt"

	"baton/internal/agreement"
)

// Tx is one round of the engine: what it reads, and the batches it writes in the end, all together or not
// at all.
//
// Where the process is alone reading needs no lock, and the transaction begins with writing: what
// is read is what was committed before. Where it is not, the transaction is open from the
// beginning, and what others may change meanwhile is locked before it is looked at, always in one
// order: the agreement, leads by number, accounts by number, the roster. Numbers of inputs are taken
// after that.
type Tx struct {
	*Reader
	// Version is the agreement that applies, 0 for none, in a database of several processes.
	Version int64

	store  *Store
	shared bool // others may write, too
	open   bool
	lost   bool
}

// Begin begins a round. Rounds of all processes go on at the same time, but for an exclusive one: it waits
// until the others are done, and others wait for it. It is for another agreement.
func (s *Store) Begin(ctx context.Context, exclusive bool) (*Tx, error) {
	if s.writer == nil {
		return nil, fmt.Errorf("writing: %w", errReadOnly)
	}
	t := &Tx{Reader: s.Reader, store: s, shared: !s.Alone()}
	if !t.shared {
		return t, nil
	}
	w := s.writer
	w.lock.Lock()
	err := w.ready(ctx)
	if err == nil {
		t.Version, err = beginShared(ctx, w.conn, exclusive)
	}
	if err != nil {
		if err == ErrBehind {
			w.rollback(ctx)
		} else {
			w.mend()
		}
		w.lock.Unlock()
		s.dislodge(ctx, err)
		return nil, s.explain("writing", err)
	}
	t.open, w.rosterStamp = true, 0
	t.Reader = &Reader{name: s.name, dialect: s.dialect, queries: &w.queries, accountLock: ` ORDER BY id FOR SHARE`}
	return t, nil
}

// Shared reports whether others may write at the same time, so that leads, accounts and the roster have to be
// locked.
func (t *Tx) Shared() bool { return t.shared }

// ChangeAccounts has the accounts that are read from now on locked to be changed.
func (t *Tx) ChangeAccounts() {
	if t.Shared() {
		t.accountLock = ` ORDER BY id FOR UPDATE`
	}
}

// RosterStamp returns the stamp of the roster as the round has written it, 0 if it has not.
func (t *Tx) RosterStamp() int64 { return t.store.writer.rosterStamp }

// Write writes a sealed batch. On a database of several processes more may follow before Commit;
// otherwise Commit does all of it.
func (t *Tx) Write(ctx context.Context, b *Batch) error {
	if err := t.store.writer.write(ctx, b); err != nil {
		t.Rollback()
		return t.explain("writing", err)
	}
	return nil
}

// Commit writes a sealed batch and ends the round. When it returns without an error, all of the round is stored: on the disk after Store.Flush.
// After an error nothing of it is, unless the error is ErrUnsure.
func (t *Tx) Commit(ctx context.Context, b *Batch) error {
	if !t.Shared() {
		return t.store.Commit(ctx, b)
	}
	if !t.open {
		return errors.New("writing: the transaction has ended")
	}
	w := t.store.writer
	// what interrupts a program does so between two rounds
	ctx = context.WithoutCancel(ctx)
	err := w.write(ctx, b)
	if err == nil {
		if _, err = w.conn.ExecContext(ctx, "COMMIT"); err == nil {
			t.open = false
			w.lock.Unlock()
			return nil
		}
		err = w.unsure(err)
	}
	t.Rollback()
	return t.explain("writing", err)
}

// Rollback ends the round; nothing of it stays. After Commit it does nothing, nor on nil: a round that could not begin.
func (t *Tx) Rollback() {
	if t == nil || !t.open {
		return
	}
	t.open = false
	t.store.writer.rollback(context.Background())
	t.lost = t.store.writer.conn == nil
	t.store.writer.lock.Unlock()
}

// Lost reports whether the round ended with its connection. Unless that was in committing (ErrUnsure), it may be tried
// again.
func (t *Tx) Lost() bool { return t != nil && t.lost }

// Commit writes a sealed batch in one transaction, if the process is alone. When it returns without an error the batch
// is stored, and others read it; on the disk it is after Flush. Otherwise nothing of it is stored.
func (s *Store) Commit(ctx context.Context, b *Batch) error {
	if s.writer == nil {
		return fmt.Errorf("writing: %w", errReadOnly)
	}
	return s.explain("writing", s.writer.transaction(ctx, func(ctx context.Context) error {
		if !s.Alone() {
			return errNotAlone
		}
		return s.writer.write(ctx, b)
	}))
}

// Claim locks the leads that are due within a time, at most so many, the earliest first, and returns them. Leads
// that another process has locked are left to it. On a database of one process it only reads.
func (t *Tx) Claim(ctx context.Context, from, until int64, most int) ([]Due, error) {
	if until == agreement.Never {
		until--
	}
	query := `SELECT due, id FROM lead WHERE due >= $1 AND due <= $2 AND due < 9223372036854775807 ORDER BY due, id LIMIT $3`
	if t.Shared() {
		query += ` FOR UPDATE SKIP LOCKED`
	}
	return t.dues(ctx, query, from, until, int64(most))
}
