package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"baton/internal/lifecycle"
)

// snapshots is how many snapshots can be open at a time; the next one waits. They have connections
// of their own, so that slow reports take none from those who decide.
const snapshots = 4

// Snapshot reads one moment of the database, that of its first query, whatever is written
// meanwhile. It is for one goroutine, and has to be closed.
//
// Its Each methods run one query each and hand over one row at a time, in the order of their
// IDs. The row is used again for the next; its texts stay. An instant that is not there is
// 0. An error of the caller ends the reading and comes back as it is. Another Each of the
// same snapshot has to wait until one has returned.
type Snapshot struct {
	store   *Store
	conn    *sql.Conn
	tx      *sql.Tx
	queries int
	only    Only
	roster  **lifecycle.Roster // nil until it was read
}

// Only are the leads that EachLead and EachProfile hand over: those with these values. "" says nothing, None that there is no value.
type Only struct{ Source, Campaign, Segment, Owner string }

// None stands for no value.
const None = "(none)"

// Choose has EachLead and EachProfile hand over some leads only.
func (n *Snapshot) Choose(only Only) { n.only = only }

// leads returns the condition for leads that arrived within a time and were chosen, and its arguments.
func (n *Snapshot) leads(arrived Span) (string, []any) {
	where, args := arrived.within("l.created_at")
	for _, f := range n.only.columns() {
		join := " AND "
		if where == "" {
			join = " WHERE "
		}
		args = append(args, f.value)
		where += join + f.column + " = $" + strconv.Itoa(len(args))
	}
	return where, args
}

type columnValue struct{ column, value string }

// columns are the conditions of those that say something.
func (o Only) columns() (list []columnValue) {
	for _, f := range [...]columnValue{{"l.source", o.Source}, {"l.campaign", o.Campaign}, {"l.segment", o.Segment}, {"l.owner", o.Owner}} {
		switch f.value {
		case "":
		case None:
			list = append(list, columnValue{f.column, ""})
		default:
			list = append(list, f)
		}
	}
	return list
}

// Snapshot begins one.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	db, err := s.reports.open(s.name)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, s.explain("reading", err)
	}
	// The transaction ends with Close: if it ended with ctx, later queries would see another moment.
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, s.explain("reading", errors.Join(err, conn.Close()))
	}
	return &Snapshot{store: s, conn: conn, tx: tx}, nil
}

// Close ends the snapshot.
func (n *Snapshot) Close() error {
	return n.store.explain("reading", errors.Join(n.tx.Rollback(), n.conn.Close()))
}

// Roster loads the roster once, nil before there is one.
func (n *Snapshot) Roster(ctx context.Context) (*lifecycle.Roster, error) {
	if n.roster != nil {
		return *n.roster, nil
	}
	n.queries++
	var state []byte
	var r *lifecycle.Roster
	err := n.tx.QueryRowContext(ctx, `SELECT state FROM roster WHERE id = 1`).Scan(&state)
	if err == nil {
		r, err = lifecycle.ParseRoster(state)
	} else if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	if err != nil {
		return nil, n.store.explain("reading the roster from", err)
	}
	n.roster = &r
	return r, nil
}

// Queries returns how many queries the snapshot has run.
func (n *Snapshot) Queries() int { return n.queries }

// Span is a time, [From, Until) in UTC microseconds; 0 is no bound.
type Span struct{ From, Until int64 }

// within returns the condition that a column lies in the span, for one WHERE, and its arguments.
func (p Span) within(column string) (string, []any) {
	switch {
	case p.From != 0 && p.Until != 0:
		return " WHERE " + column + " >= $1 AND " + column + " < $2", []any{p.From, p.Until}
	case p.From != 0:
		return " WHERE " + column + " >= $1", []any{p.From}
	case p.Until != 0:
		return " WHERE " + column + " < $1", []any{p.Until}
	}
	return "", nil
}

// cells is one row as the driver gives it.
type cells struct {
	values []driver.Value
	err    error
}

// int returns a whole number, 0 for NULL.
func (c *cells) int(i int) int64 {
	switch v := c.values[i].(type) {
	case int64:
		return v
	case nil:
	default:
		c.err = fmt.Errorf("column %d holds %T, not a whole number", i+1, v)
	}
	return 0
}

// text returns a text, empty for NULL.
func (c *cells) text(i int) string {
	switch v := c.values[i].(type) {
	case string:
		return v
	case nil:
	default:
		c.err = fmt.Errorf("column %d holds %T, not a text", i+1, v)
	}
	return ""
}

// float returns a number, 0 for NULL.
func (c *cells) float(i int) float64 {
	switch v := c.values[i].(type) {
	case float64:
		return v
	case nil:
	default:
		c.err = fmt.Errorf("column %d holds %T, not a number", i+1, v)
	}
	return 0
}

// stream runs a query and hands over its rows. It reads beneath database/sql, which would
// look at each value twice more: a report reads every row of a table.
func stream[R any](ctx context.Context, n *Snapshot, query string, args []any, fill func(*cells, *R), hand func(*R) error) error {
	n.queries++
	named := make([]driver.NamedValue, len(args))
	for i, v := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	var stopped error
	err := n.conn.Raw(func(conn any) error {
		found, err := conn.(driver.QueryerContext).QueryContext(ctx, query, named)
		if err != nil {
			return err
		}
		c := cells{values: make([]driver.Value, len(found.Columns()))}
		var row R
		for stopped == nil && err == nil {
			if err = ctx.Err(); err != nil {
				break
			}
			if err = found.Next(c.values); err != nil {
				break
			}
			if fill(&c, &row); c.err != nil {
				err = c.err
				break
			}
			stopped = hand(&row)
		}
		if err == io.EOF {
			err = nil
		}
		return errors.Join(err, found.Close())
	})
	if stopped != nil {
		return stopped
	}
	return n.store.explain("reading", err)
}

// pool is the connections of snapshots, opened with the first of them.
type pool struct {
	lock    sync.Mutex
	connect func(most int) (*sql.DB, error)
	db      *sql.DB
	closed  bool
}

func (p *pool) open(name string) (*sql.DB, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.closed {
		return nil, fmt.Errorf("reading database %s: it is closed", name)
	}
	if p.db == nil {
		db, err := p.connect(snapshots)
		if err != nil {
			return nil, err
		}
		p.db = db
	}
	return p.db, nil
}

func (p *pool) close() error {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.closed = true
	if p.db == nil {
		return nil
	}
	return p.db.Close()
}
