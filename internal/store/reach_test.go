package store_test

import (
	"path/filepath"
	"testing"

	"baton/internal/pgtest"
	"baton/internal/store"
)

// Since when an endpoint does not take anything is since its first try that failed after the last that was taken; that a mail is refused says
// nothing about the server.
func TestReach(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "b.db")
			if kind == "postgres" {
				db = pgtest.Database(t)
			}
			s := openStore(t, db)
			try := func(endpoint string, at int64, outcome string) store.Attempt {
				return store.Attempt{Endpoint: endpoint, At: at, Outcome: outcome, Why: outcome}
			}
			for i, c := range []struct {
				over               []store.Attempt
				endpoint           string
				done, tried, since int64
			}{
				{[]store.Attempt{try("webhook 1", 10, "later")}, "webhook 1", 0, 10, 10},
				{[]store.Attempt{try("webhook 1", 20, "never"), try("email", 20, "never")}, "webhook 1", 0, 20, 10},
				{nil, "email", 0, 20, 0},
				{[]store.Attempt{try("webhook 1", 40, "later"), try("webhook 1", 30, "done")}, "webhook 1", 30, 40, 40},
				{[]store.Attempt{try("webhook 1", 50, "done"), try("email", 50, "later")}, "webhook 1", 50, 50, 0},
				{[]store.Attempt{try("email", 60, "gone")}, "email", 0, 60, 50},
				{[]store.Attempt{try("email", 70, "done"), {At: 70, Outcome: "done"}}, "email", 70, 70, 0},
			} {
				for j := range c.over {
					c.over[j].Job = 999 // which is not there: it is the endpoint that counts
				}
				mark, err := s.ReachMark(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.WorkJobs(t.Context(), c.over, nil); err != nil {
					t.Fatal(i, err)
				}
				all, err := s.Reaches(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				r := all[c.endpoint]
				if r == nil || r.DoneAt != c.done || r.TriedAt != c.tried || r.FailingSince != c.since {
					t.Errorf("step %d: %+v", i, r)
				}
				if len(all) > 2 {
					t.Errorf("step %d: %v", i, all)
				}
				if again, err := s.ReachMark(t.Context()); err != nil || (again != mark) != (len(c.over) > 0) {
					t.Errorf("step %d: the mark %q, then %q, %v", i, mark, again, err)
				}
			}
		})
	}
}
