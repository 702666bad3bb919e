package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Limits of a query somebody types.
const (
	queryTime = 30 * time.Second
	queryRows = 100_000
)

// Table is the answer to a query.
type Table struct {
	Columns []string
	Rows    [][]any // int64, float64, string, []byte or nil
	Cut     bool    // there were more rows than Baton shows
}

// Query runs one SELECT that somebody typed, on a connection that cannot write. It stops
// after 30 seconds or 100,000 rows.
func (s *Store) Query(ctx context.Context, query string) (*Table, error) {
	query, err := single(query)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	t, err := s.query(ctx, query)
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() == context.DeadlineExceeded {
		return nil, fmt.Errorf("querying: it took longer than %s; ask for less, or for a shorter time", queryTime)
	}
	return t, err
}

func (s *Store) query(ctx context.Context, query string) (*Table, error) {
	found, err := s.read.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("querying: %w", err)
	}
	defer found.Close()
	t := &Table{}
	if t.Columns, err = found.Columns(); err != nil {
		return nil, fmt.Errorf("querying: %w", err)
	}
	for found.Next() {
		if len(t.Rows) == queryRows {
			t.Cut = true
			return t, nil
		}
		row := make([]any, len(t.Columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, fmt.Errorf("querying: %w", err)
		}
		t.Rows = append(t.Rows, row)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("querying: %w", err)
	}
	return t, nil
}

// single refuses everything but one SELECT, WITH, VALUES or EXPLAIN, and returns it without
// a semicolon at its end.
func single(query string) (string, error) {
	const only = "querying: only a single SELECT is possible here; the database is changed by inputs alone"
	end, rest := len(query), false
	first := ""
	for i := 0; i < len(query); {
		switch c := query[i]; {
		case strings.HasPrefix(query[i:], "--"):
			i = after(query, i, "\n")
		case strings.HasPrefix(query[i:], "/*"):
			i = after(query, i+2, "*/")
		case c == ';':
			if !rest {
				end, rest = i, true
			}
			i++
		case unicode.IsSpace(rune(c)):
			i++
		default:
			if rest {
				return "", errors.New(only + "; this one goes on behind its semicolon")
			}
			start := i
			i = token(query, i)
			if first == "" {
				first = strings.ToUpper(query[start:i])
			}
		}
	}
	switch first {
	case "SELECT", "WITH", "VALUES", "EXPLAIN":
		return query[:end], nil
	case "":
		return "", errors.New("querying: there is no query; try: SELECT * FROM leads LIMIT 10")
	}
	return "", errors.New(only)
}

// token returns where the word, the quoted text or the sign at i ends.
func token(query string, i int) int {
	switch c := query[i]; c {
	case '\'', '"', '`':
		return after(query, i+1, string(c))
	case '[':
		return after(query, i+1, "]")
	}
	start := i
	for i < len(query) && (query[i] == '_' || query[i] >= 0x80 || unicode.IsLetter(rune(query[i])) || unicode.IsDigit(rune(query[i]))) {
		i++
	}
	return max(i, start+1)
}

func after(s string, i int, mark string) int {
	if j := strings.Index(s[min(i, len(s)):], mark); j >= 0 {
		return i + j + len(mark)
	}
	return len(s)
}
