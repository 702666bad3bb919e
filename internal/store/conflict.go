package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
)

// Conflict is somebody who spoke to a lead although another held the conversation.
type Conflict struct {
	ID      int64
	Input   int64 // the contact; what undid something, if it was decided anew
	Lead    int64
	Actor   string // a member's ID
	Outcome string // of the contact
	Channel string // by which it was, "" if nobody said
	Holder  string // a member's ID, marketing, sales, or "" for nobody
	Clause  string // the rule of engagement, or consent
	Version int64  // of the agreement that has the clause: the one that decided
	At      int64
}

const conflictColumns = `id input lead actor outcome holder clause at channel`

// ConflictFilter says which conflicts to list; the zero value lets all through.
type ConflictFilter struct {
	Since, Until int64 // At, [Since, Until); 0 for open
	Actor        string
	Lead         int64
	Before       int64 // only those with a smaller ID
}

// Conflicts returns conflicts, the newest first, at most so many.
func (s *Reader) Conflicts(ctx context.Context, f ConflictFilter, most int) ([]Conflict, error) {
	where := clauses{}
	where.add("id < ?", cmp.Or(f.Before, int64(1)<<62))
	if f.Since != 0 {
		where.add("at >= ?", f.Since)
	}
	if f.Until != 0 {
		where.add("at < ?", f.Until)
	}
	if f.Actor != "" {
		where.add("actor = ?", f.Actor)
	}
	if f.Lead != 0 {
		where.add("lead = ?", f.Lead)
	}
	var list []Conflict
	stmt, err := s.queries.get(ctx, `SELECT id, input, lead, actor, outcome, holder, clause, at, channel,
		COALESCE((SELECT d.version FROM decision d WHERE d.input = conflict.input), 0) FROM conflict WHERE `+where.text.String()+fmt.Sprintf(` ORDER BY id DESC LIMIT %d`, most))
	if err == nil {
		err = scanAll(ctx, stmt, where.args, func(r *sql.Rows) error {
			var c Conflict
			err := r.Scan(&c.ID, &c.Input, &c.Lead, &c.Actor, &c.Outcome, &c.Holder, &c.Clause, &c.At, &c.Channel, &c.Version)
			list = append(list, c)
			return err
		})
	}
	return list, s.explain("reading", err)
}
