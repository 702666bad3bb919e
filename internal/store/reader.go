package store

import (
	"context"
	"database/sql"
	"fmt"
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
	lock  sync.Mutex
	list  map[string]*sql.Stmt
	asked int64 // how often a query was taken from here
}

// Asked returns how many queries were asked for so far, without those of snapshots: for tests of what a page costs.
func (r *Reader) Asked() int64 {
	r.queries.lock.Lock()
	defer r.queries.lock.Unlock()
	return r.queries.asked
}

func (s *statements) get(ctx context.Context, text string) (*sql.Stmt, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.asked++
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

// wanted is the column by whose values rows are asked for.
type wanted struct {
	name string
	kind columnKind
}

type columnKind uint8

const (
	bigint columnKind = iota
	text
)

func numbered(name string) wanted { return wanted{name, bigint} }

// each asks for the rows whose column has one of many values, and hands over each row. A row may come twice.
func each(ctx context.Context, r *Reader, before string, by wanted, after string, values []any, scan func(*sql.Rows) error) error {
	if len(values) == 0 {
		return nil
	}
	if r.dialect.arrays {
		return eachOfArray(ctx, r, before, by, after, values, scan)
	}
	for len(values) > 0 {
		size := 1
		for _, n := range []int{8, 64} {
			if len(values) >= size+1 {
				size = n
			}
		}
		stmt, err := r.queries.get(ctx, before+by.name+" IN (VALUES "+places(size, 1)+")"+after)
		if err != nil {
			return err
		}
		n := min(size, len(values))
		args := values[:n:n]
		for len(args) < size { // to spare: no row has NULL
			args = append(args, nil)
		}
		values = values[n:]
		if err := scanAll(ctx, stmt, args, scan); err != nil {
			return err
		}
	}
	return nil
}

// eachOfArray hands the values over as one array: one statement whatever their number.
func eachOfArray(ctx context.Context, r *Reader, before string, by wanted, after string, values []any, scan func(*sql.Rows) error) error {
	var arg any
	place := "CAST($1 AS bigint[])"
	if by.kind == bigint {
		list := make([]int64, len(values))
		for i, v := range values {
			list[i] = v.(int64)
		}
		arg = list
	} else {
		list := make([]string, len(values))
		for i, v := range values {
			list[i] = storable(v.(string))
		}
		arg, place = list, "CAST($1 AS text[])"
	}
	stmt, err := r.queries.get(ctx, before+by.name+" = ANY ("+place+")"+after)
	if err != nil {
		return err
	}
	return scanAll(ctx, stmt, []any{arg}, scan)
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
