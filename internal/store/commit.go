package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// writer is the one connection that writes, with its statements prepared.
type writer struct {
	lock  sync.Mutex
	conn  *sql.Conn
	begin string
	all   []*bulk

	inputs, decisions, keys, conflicts, jobs, members, ledgers *bulk
	newLeads, quietLeads, dueLeads, wideLeads, wholeLeads      *bulk
	visits, handoffs, clocks, accounts                         *bulk
}

func newWriter(ctx context.Context, db *sql.DB, d dialect) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn, begin: d.begin}
	const members = `id name side manager pools weight capacity active away open taken`
	const ledgers = `pool member debt handicap since given`
	const accounts = `id key name owner attributes state`
	tables := []struct {
		bulk                  **bulk
		name, columns, suffix string
	}{
		{&w.inputs, "input", "id kind lead account prev at known dedupe import body", ""},
		{&w.decisions, "decision", "input lead version body error", ""},
		{&w.keys, "key", "kind value lead", ""},
		{&w.conflicts, "key_conflict", "input lead kind value other", "ON CONFLICT (lead, kind, value) DO NOTHING"},
		{&w.jobs, "job", "id kind due recipient lead input body state attempts last_error", ""},
		{&w.members, "member", members, replace("id", members)},
		{&w.ledgers, "ledger", ledgers, replace("pool, member", ledgers)},
		{&w.accounts, "account", accounts, replace("id", accounts)},
		{&w.newLeads, "lead", leadColumns, ""},
		{&w.quietLeads, "lead", leadQuiet, update},
		{&w.dueLeads, "lead", leadDue, update},
		{&w.wideLeads, "lead", leadColumns, replace("id", leadUnindexed)},
		{&w.wholeLeads, "lead", leadColumns, replace("id", leadColumns)},
		{&w.visits, "visit", visitColumns, replace("id", visitChanges)},
		{&w.handoffs, "handoff", handoffColumns, replace("id", handoffColumns)},
		{&w.clocks, "clock", clockColumns, replace("id", clockColumns)},
	}
	for _, table := range tables {
		if *table.bulk, err = newBulk(ctx, conn, table.name, table.columns, table.suffix); err != nil {
			w.close()
			return nil, fmt.Errorf("preparing to write %s: %w", table.name, err)
		}
		w.all = append(w.all, *table.bulk)
	}
	return w, nil
}

// close gives the connection back. SQLite keeps a connection open, and the log unfolded, as long as
// one of its statements is.
func (w *writer) close() {
	w.lock.Lock()
	defer w.lock.Unlock()
	for _, b := range w.all {
		b.close()
	}
	w.conn.Close()
}

// transaction runs do and commits; on an error nothing of it stays.
func (w *writer) transaction(ctx context.Context, do func(ctx context.Context) error) error {
	w.lock.Lock()
	defer w.lock.Unlock()
	// A transaction that has begun is finished: what interrupts a program does so between two.
	ctx = context.WithoutCancel(ctx)
	if _, err := w.conn.ExecContext(ctx, w.begin); err != nil {
		return err
	}
	err := do(ctx)
	if err == nil {
		_, err = w.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		// After some errors SQLite has rolled back by itself, and says so here.
		w.conn.ExecContext(ctx, "ROLLBACK")
	}
	return err
}

// Commit writes a sealed batch in one transaction. When it returns without an error the batch
// is on disk; otherwise nothing of it is.
func (s *Store) Commit(ctx context.Context, b *Batch) error {
	if s.writer == nil {
		return errors.New("writing: the database is open for reading only")
	}
	w := s.writer
	err := w.transaction(ctx, func(ctx context.Context) error {
		for _, st := range b.statements {
			if _, err := w.conn.ExecContext(ctx, st.text, st.args...); err != nil {
				return err
			}
		}
		for _, part := range []struct {
			bulk *bulk
			rows rows
		}{
			{w.inputs, b.inputs}, {w.decisions, b.decisions}, {w.accounts, b.accountValues},
			{w.newLeads, b.newLeads}, {w.quietLeads, b.quietLeads}, {w.dueLeads, b.dueLeads},
			{w.wideLeads, b.wideLeads}, {w.wholeLeads, b.wholeLeads},
			{w.keys, b.keys}, {w.conflicts, b.conflicts}, {w.visits, b.visitValues}, {w.handoffs, b.handoffValues},
			{w.clocks, b.clockValues}, {w.jobs, b.jobs}, {w.members, b.members}, {w.ledgers, b.ledgers},
		} {
			if err := part.bulk.write(ctx, part.rows); err != nil {
				return err
			}
		}
		if b.roster != nil {
			_, err := w.conn.ExecContext(ctx, `INSERT INTO roster (id, state) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET state = excluded.state`, b.roster)
			return err
		}
		return nil
	})
	return s.explain("writing", err)
}

// Limit sets how many pages the file may have at most; a file that is larger already stops growing.
// It lets an operator keep room on a disk, and tests fill one.
func (s *Store) Limit(ctx context.Context, pages int64) error {
	s.writer.lock.Lock()
	defer s.writer.lock.Unlock()
	_, err := s.writer.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	return s.explain("limiting", err)
}
