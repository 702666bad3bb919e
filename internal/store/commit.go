package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// writer is the one connection of a process that writes, with its statements prepared.
type writer struct {
	lock    sync.Mutex // held from the beginning of a transaction to its end
	db      *sql.DB
	dialect *dialect
	conn    *sql.Conn  // nil until it is ready
	queries statements // of conn
	tables  []table    // as in tables
	commits atomic.Int64
	file    string   // of a SQLite database
	flusher *flusher // of conn; nil where a commit is on the disk when it returns

	rosterStamp int64 // of the roster as it was written last, in a shared database

	// see Announce and TakeAlone; of conn
	present bool
	alone   atomic.Bool
}

// table writes rows of one table.
type table interface {
	write(ctx context.Context, values rows) error
	close()
}

// tables are the ways in which a batch writes, in their order.
var tables = []struct {
	name, columns, suffix string
	of                    func(*Batch) rows
}{
	{"input", "id kind lead account prev at known dedupe import body", "", func(b *Batch) rows { return b.inputs }},
	{"decision", "input lead version body error", "", func(b *Batch) rows { return b.decisions }},
	{"account", accountColumns, replace("id", accountColumns), func(b *Batch) rows { return b.accountValues }},
	{"account_name", nameColumns, replace("account", nameColumns), func(b *Batch) rows { return b.nameValues }},
	{"name_word", "word kind id", "ON CONFLICT (kind, word, id) DO NOTHING", func(b *Batch) rows { return b.wordValues }},
	{"lead", leadColumns, "", func(b *Batch) rows { return b.newLeads }},
	{"lead", leadQuiet, update, func(b *Batch) rows { return b.quietLeads }},
	{"lead", leadDue, update, func(b *Batch) rows { return b.dueLeads }},
	{"lead", leadColumns, replace("id", leadUnindexed), func(b *Batch) rows { return b.wideLeads }},
	{"lead", leadColumns, replace("id", leadColumns), func(b *Batch) rows { return b.wholeLeads }},
	{"key", "kind value lead", "", func(b *Batch) rows { return b.keys }},
	{"key_conflict", "input lead kind value other", "ON CONFLICT (lead, kind, value) DO NOTHING", func(b *Batch) rows { return b.conflicts }},
	{"visit", visitColumns, "", func(b *Batch) rows { return b.visitValues }},
	{"visit", visitLeft, update, func(b *Batch) rows { return b.visitsLeft }},
	{"handoff", handoffColumns, replace("id", handoffColumns), func(b *Batch) rows { return b.handoffValues }},
	{"clock", clockColumns, replace("id", clockColumns), func(b *Batch) rows { return b.clockValues }},
	{"call", callColumns, replace("lead", callColumns), func(b *Batch) rows { return b.callValues }},
	{"opportunity", opportunityColumns, replace("lead", opportunityColumns), func(b *Batch) rows { return b.opportunityValues }},
	{"job", jobColumns, "", func(b *Batch) rows { return b.jobs }},
	{"conflict", conflictColumns, "", func(b *Batch) rows { return b.clashes }},
	{"inbox", inboxColumns, inboxAgain, func(b *Batch) rows { return b.inboxRows }},
	{"member", memberColumns, replace("id", memberColumns), func(b *Batch) rows { return b.members }},
	{"ledger", ledgerColumns, replace("pool, member", ledgerColumns), func(b *Batch) rows { return b.ledgers }},
}

const (
	accountColumns = `id key name owner attributes state`
	nameColumns    = `account block formerly`
	jobColumns     = `id kind due recipient lead input body state attempts last_error channel endpoint next_try delivered_at wait digest carried_by`
	memberColumns  = `id name side manager pools weight capacity active away open taken`
	ledgerColumns  = `pool member debt handicap since given`
)

// ready prepares a connection, if there is none: the first time, and after it was lost.
func (w *writer) ready(ctx context.Context) (err error) {
	if w.conn != nil {
		return nil
	}
	if w.conn, err = w.db.Conn(ctx); err != nil {
		w.conn = nil
		return err
	}
	w.queries = statements{on: w.conn}
	for _, t := range tables {
		var made table
		if w.dialect.shared {
			made, err = newPostgresTable(ctx, w.conn, t.name, t.columns, t.suffix)
		} else {
			made, err = newBulk(ctx, w.conn, t.name, t.columns, t.suffix)
		}
		if err != nil {
			w.release()
			return fmt.Errorf("preparing to write %s: %w", t.name, err)
		}
		w.tables = append(w.tables, made)
	}
	if w.present {
		err = w.announce(ctx)
	}
	if err == nil && !w.dialect.shared {
		w.flusher, err = newFlusher(ctx, w.conn, w.file, &w.commits)
	}
	if err != nil {
		w.release()
	}
	return err
}

// release gives the connection back. SQLite keeps a connection open, and the log unfolded, as long as
// one of its statements is.
func (w *writer) release() {
	if w.conn == nil {
		return
	}
	w.flusher.end()
	w.queries.close()
	for _, t := range w.tables {
		t.close()
	}
	w.alone.Store(false)
	w.conn.Close()
	w.conn, w.tables = nil, nil
}

func (w *writer) close() {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.release()
}

// transaction runs do and commits; on an error nothing of it stays. It is on the disk after flusher.flush.
func (w *writer) transaction(ctx context.Context, do func(ctx context.Context) error) error {
	w.lock.Lock()
	defer w.lock.Unlock()
	// A transaction that has begun is finished: what interrupts a program does so between two.
	ctx = context.WithoutCancel(ctx)
	err := w.ready(ctx)
	if err == nil {
		_, err = w.conn.ExecContext(ctx, w.dialect.begin)
	}
	if err != nil {
		w.mend()
		return err
	}
	if err = do(ctx); err == nil {
		if _, err = w.conn.ExecContext(ctx, "COMMIT"); err == nil {
			w.commits.Add(1)
			return nil
		}
		err = w.unsure(err)
	}
	w.rollback(ctx)
	return err
}

// rollback ends a transaction that failed. After some errors SQLite has rolled back by itself, and says so here.
func (w *writer) rollback(ctx context.Context) {
	_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
	w.mend()
}

// write writes what a batch holds.
func (w *writer) write(ctx context.Context, b *Batch) error {
	for _, st := range b.statements {
		if _, err := w.conn.ExecContext(ctx, st.text, st.args...); err != nil {
			return err
		}
	}
	for i, t := range tables {
		if err := w.tables[i].write(ctx, t.of(b)); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	if b.roster != nil && w.dialect.shared {
		return w.conn.QueryRowContext(ctx, `INSERT INTO roster (id, state) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET state = excluded.state
			RETURNING CAST(CAST(xmin AS text) AS bigint)`, b.roster).Scan(&w.rosterStamp)
	}
	if b.roster != nil {
		_, err := w.conn.ExecContext(ctx, `INSERT INTO roster (id, state) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET state = excluded.state`, b.roster)
		return err
	}
	return nil
}

var errReadOnly = errors.New("the database is open for reading only")

// transact runs do in a transaction of its own, which is on the disk when it returns.
func (s *Store) transact(ctx context.Context, doing string, do func(ctx context.Context, conn *sql.Conn) error) error {
	if s.writer == nil {
		return fmt.Errorf("%s: %w", doing, errReadOnly)
	}
	err := s.writer.transaction(ctx, func(ctx context.Context) error { return do(ctx, s.writer.conn) })
	if err == nil {
		s.writer.flusher.flush()
	}
	return s.explain(doing, err)
}

// Limit sets how many pages the file may have at most; a file that is larger already stops growing.
// It lets an operator keep room on a disk, and tests fill one.
func (s *Store) Limit(ctx context.Context, pages int64) error {
	if s.Shared() {
		return errors.New("limiting: the size of a PostgreSQL database is set at its server")
	}
	s.writer.lock.Lock()
	defer s.writer.lock.Unlock()
	_, err := s.writer.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	return s.explain("limiting", err)
}
