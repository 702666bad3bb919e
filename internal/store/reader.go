package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
)

// Reader asks a database: the store itself, for what is there for all to see, or a transaction,
// for what it sees.
type Reader struct {
	name    string // of the database, for messages
	dialect *dialect
	queries *statements
	// accountLock is what a transaction of a shared database adds to reading an account.
	accountLock string
}

// explain turns what the database said into what to do about it.
func (r *Reader) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if why := r.dialect.advice(err); why != "" {
		return fmt.Errorf("%s database %s: %s: %w", doing, r.name, why, err)
	}
	return fmt.Errorf("%s database %s: %w", doing, r.name, err)
}

// one asks for a single row.
func (r *Reader) one(ctx context.Context, query string, args []any, into ...any) error {
	stmt, err := r.queries.get(ctx, query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(into...)
}

// statements keeps prepared queries by their text.
type statements struct {
	on interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	lock sync.Mutex
	list map[string]*sql.Stmt
}

func (s *statements) get(ctx context.Context, text string) (*sql.Stmt, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if stmt, ok := s.list[text]; ok {
		return stmt, nil
	}
	stmt, err := s.on.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if s.list == nil {
		s.list = make(map[string]*sql.Stmt)
	}
	s.list[text] = stmt
	return stmt, nil
}

func (s *statements) close() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, stmt := range s.list {
		stmt.Close()
	}
	s.list = nil
}

// wanted are the columns by whose values rows are asked for.
type wanted []struct {
	name string
	kind columnKind
}

type columnKind uint8

const (
	bigint columnKind = iota
	text
)

func numbered(name string) wanted { return wanted{{name, bigint}} }

// each asks for the rows whose columns have one of many values, and hands over each row. The values
// of several columns come one row after the other. A row may come twice.
func each(ctx context.Context, r *Reader, before string, by wanted, after string, values []any, scan func(*sql.Rows) error) error {
	if len(values) == 0 {
		return nil
	}
	if r.dialect.arrays {
		return eachOfArrays(ctx, r, before, by, after, values, scan)
	}
	width := len(by)
	names := by[0].name
	if width > 1 {
		list := make([]string, width)
		for i := range by {
			list[i] = by[i].name
		}
		names = "(" + strings.Join(list, ", ") + ")"
	}
	for len(values) > 0 {
		size := 1
		for _, n := range []int{8, 64} {
			if len(values)/width >= size+1 {
				size = n
			}
		}
		stmt, err := r.queries.get(ctx, before+names+" IN (VALUES "+places(size, width)+")"+after)
		if err != nil {
			return err
		}
		n := min(size*width, len(values))
		args := values[:n:n]
		for len(args) < size*width { // to spare: the last again
			args = append(args, values[n-width:n]...)
		}
		values = values[n:]
		if err := scanAll(ctx, stmt, args, scan); err != nil {
			return err
		}
	}
	return nil
}

// eachOfArrays hands the values over as one array for each column: one statement whatever their number.
func eachOfArrays(ctx context.Context, r *Reader, before string, by wanted, after string, values []any, scan func(*sql.Rows) error) error {
	width := len(by)
	args, places, names := make([]any, width), make([]string, width), make([]string, width)
	for i := range by {
		names[i] = by[i].name
		switch by[i].kind {
		case bigint:
			list := make([]int64, 0, len(values)/width)
			for j := i; j < len(values); j += width {
				list = append(list, values[j].(int64))
			}
			args[i], places[i] = list, fmt.Sprintf("CAST($%d AS bigint[])", i+1)
		case text:
			list := make([]string, 0, len(values)/width)
			for j := i; j < len(values); j += width {
				list = append(list, storable(values[j].(string)))
			}
			args[i], places[i] = list, fmt.Sprintf("CAST($%d AS text[])", i+1)
		}
	}
	where := names[0] + " = ANY (" + places[0] + ")"
	if width > 1 {
		where = "(" + strings.Join(names, ", ") + ") IN (SELECT * FROM unnest(" + strings.Join(places, ", ") + "))"
	}
	stmt, err := r.queries.get(ctx, before+where+after)
	if err != nil {
		return err
	}
	return scanAll(ctx, stmt, args, scan)
}

func scanAll(ctx context.Context, stmt *sql.Stmt, args []any, scan func(*sql.Rows) error) error {
	found, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		if err := scan(found); err != nil {
			return err
		}
	}
	return found.Err()
}
