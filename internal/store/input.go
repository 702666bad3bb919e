package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"baton/internal/lifecycle"
)

const inputColumns = `i.id, i.kind, i.lead, i.account, i.at, i.known, i.import, i.body`

func scanInput(r *sql.Rows, in *lifecycle.Input, more ...any) error {
	var id, kind, lead, account, at, known, importID int64
	var body sql.RawBytes
	if err := r.Scan(append([]any{&id, &kind, &lead, &account, &at, &known, &importID, &body}, more...)...); err != nil {
		return err
	}
	parsed, err := lifecycle.ParseInput(body)
	if err != nil {
		return fmt.Errorf("input %d: %w", id, err)
	}
	*in = parsed
	in.ID, in.Kind, in.Lead, in.Account, in.At, in.Known, in.Import = id, lifecycle.InputKind(kind), lead, account, at, known, importID
	return nil
}

// EachInput hands over every input from an ID on, in the order in which they were decided,
// with its decision as stored (nil when it could not be decided). The decision is valid
// until each returns.
func (s *Reader) EachInput(ctx context.Context, from int64, each func(in lifecycle.Input, decision []byte) error) error {
	stmt, err := s.queries.get(ctx, `SELECT `+inputColumns+`, d.version, d.body FROM input i JOIN decision d ON d.input = i.id WHERE i.id >= $1 ORDER BY i.id`)
	if err != nil {
		return s.explain("reading", err)
	}
	var stopped error
	err = scanAll(ctx, stmt, []any{from}, func(r *sql.Rows) error {
		var in lifecycle.Input
		var version int64
		var decision sql.RawBytes
		if err := scanInput(r, &in, &version, &decision); err != nil {
			return err
		}
		in.Version = version
		if len(decision) == 0 {
			decision = nil
		}
		stopped = each(in, decision)
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return s.explain("reading", err)
}

// Event is one input of a lead with what was decided about it.
type Event struct {
	Input    lifecycle.Input
	Decision lifecycle.Decision
	Error    string // why it could not be decided
}

// Story returns the newest inputs of a lead with their decisions, at most so many (0: all),
// the oldest of them first.
func (s *Reader) Story(ctx context.Context, lead int64, most int) ([]Event, error) {
	limit := int64(most)
	if most == 0 {
		limit = 1 << 62
	}
	var list []Event
	stmt, err := s.queries.get(ctx, `WITH RECURSIVE chain (id, prev, n) AS (
			SELECT i.id, i.prev, CAST(1 AS BIGINT) FROM lead l JOIN input i ON i.id = l.input WHERE l.id = $1 UNION ALL
			SELECT i.id, i.prev, c.n + 1 FROM chain c JOIN input i ON i.id = c.prev WHERE c.n < CAST($2 AS BIGINT))
		SELECT `+inputColumns+`, d.version, d.body, coalesce(d.error, '') FROM chain c JOIN input i ON i.id = c.id JOIN decision d ON d.input = i.id`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{lead, limit}, func(r *sql.Rows) error {
			var e Event
			var version int64
			var body sql.RawBytes
			if err := scanInput(r, &e.Input, &version, &body, &e.Error); err != nil {
				return err
			}
			e.Input.Version = version
			if len(body) > 0 {
				var err error
				if e.Decision, err = lifecycle.ParseDecision(body); err != nil {
					return fmt.Errorf("decision %d: %w", e.Input.ID, err)
				}
			}
			list = append(list, e)
			return nil
		})
	}
	slices.SortFunc(list, func(a, b Event) int { return int(a.Input.ID - b.Input.ID) })
	return list, s.explain("reading", err)
}

// pastInputs walks back over the inputs of a lead. (CROSS JOIN says to begin with the chain.)
const pastInputs = `WITH RECURSIVE chain (id, prev) AS (
			SELECT id, prev FROM input WHERE id = $1 UNION ALL
			SELECT i.id, i.prev FROM chain c CROSS JOIN input i WHERE i.id = c.prev)
		SELECT ` + inputColumns + ` FROM chain c CROSS JOIN input i CROSS JOIN decision d
		WHERE i.id = c.id AND d.input = c.id AND d.body <> '' AND d.body NOT LIKE '%"refused":"%' ORDER BY i.id`

// Past returns the inputs of a lead that were carried out, in order: not what was refused or could
// not be decided.
func (s *Reader) Past(ctx context.Context, last int64) ([]lifecycle.Input, error) {
	var list []lifecycle.Input
	stmt, err := s.queries.get(ctx, pastInputs)
	if err == nil {
		err = scanAll(ctx, stmt, []any{last}, func(r *sql.Rows) error {
			var in lifecycle.Input
			if err := scanInput(r, &in); err != nil {
				return err
			}
			list = append(list, in)
			return nil
		})
	}
	return list, s.explain("reading", err)
}

// Problem is an input that could not be decided.
type Problem struct {
	Input lifecycle.Input
	Error string
}

// Problems returns the newest inputs that could not be decided, at most so many.
func (s *Reader) Problems(ctx context.Context, most int) ([]Problem, error) {
	var list []Problem
	stmt, err := s.queries.get(ctx, `SELECT `+inputColumns+`, d.error FROM decision d JOIN input i ON i.id = d.input WHERE d.error IS NOT NULL ORDER BY d.input DESC LIMIT $1`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{most}, func(r *sql.Rows) error {
			var p Problem
			if err := scanInput(r, &p.Input, &p.Error); err != nil {
				return err
			}
			list = append(list, p)
			return nil
		})
	}
	return list, s.explain("reading", err)
}
