package store

import (
	"context"
	"database/sql"

	"baton/internal/identity"
)

// Alike is a lead that may be the same person as another: a key that was said of the one belongs to the other.
type Alike struct {
	Lead        int64 // the other
	Name, Email string
	Key         identity.Key
}

// MostAlike is how many leads Alike returns.
const MostAlike = 5

const alikes = `SELECT o.id, o.name, o.email, min(c.kind), min(c.value) FROM key_conflict c JOIN lead o ON o.id = c.other WHERE c.lead = $1 AND c.other <> $1
	GROUP BY o.id, o.name, o.email ORDER BY o.id LIMIT $2`

// Alike returns the leads that may be the same person as a lead, by number. Those that were merged or erased are not among them.
func (s *Store) Alike(ctx context.Context, lead int64) (list []Alike, err error) {
	stmt, err := s.queries.get(ctx, alikes)
	if err == nil {
		err = scanAll(ctx, stmt, []any{lead, int64(MostAlike)}, func(r *sql.Rows) error {
			var v Alike
			var kind int64
			err := r.Scan(&v.Lead, &v.Name, &v.Email, &kind, &v.Key.Value)
			v.Key.Kind = identity.Kind(kind)
			list = append(list, v)
			return err
		})
	}
	return list, s.explain("reading", err)
}
