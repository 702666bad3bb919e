package store

import (
	"context"
	"database/sql"
	"fmt"

	"baton/internal/lifecycle"
)

// lastContacts finds the newest contact of each lead that somebody has under way, by the index of contacts.
var lastContacts = fmt.Sprintf(`SELECT `+inputColumns+`, d.version, d.body, coalesce(d.error, '') FROM lead l
	JOIN input i ON i.id = (SELECT max(c.id) FROM input c WHERE c.lead = l.id AND c.kind = %d) JOIN decision d ON d.input = i.id
	WHERE l.owner <> '' AND l.owner = $1 AND l.outcome = ''`, lifecycle.Contact)

// LastContacts returns the newest contact of each lead that an owner has under way, with what was decided about it.
func (s *Store) LastContacts(ctx context.Context, owner string) (map[int64]Event, error) {
	list := map[int64]Event{}
	stmt, err := s.queries.get(ctx, lastContacts)
	if err == nil {
		err = scanAll(ctx, stmt, []any{owner}, func(r *sql.Rows) error {
			e, err := scanEvent(r)
			list[e.Input.Lead] = e
			return err
		})
	}
	return list, s.explain("reading", err)
}
