package store

import (
	"context"
	"database/sql"
	"fmt"

	"baton/internal/lifecycle"
)

// LastContacts returns the newest contact of each of some leads, by the index of contacts, with what was decided about it.
func (s *Store) LastContacts(ctx context.Context, leads []int64) (map[int64]Event, error) {
	list := map[int64]Event{}
	err := each(ctx, s.Reader, fmt.Sprintf(`SELECT `+inputColumns+`, d.version, d.body, coalesce(d.error, '') FROM lead l
		JOIN input i ON i.id = (SELECT max(c.id) FROM input c WHERE c.lead = l.id AND c.kind = %d) JOIN decision d ON d.input = i.id WHERE `, lifecycle.Contact),
		numbered("l.id"), "", anys(leads), func(r *sql.Rows) error {
			e, err := scanEvent(r)
			list[e.Input.Lead] = e
			return err
		})
	return list, s.explain("reading", err)
}
