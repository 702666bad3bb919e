package load

import (
	"path/filepath"
	"testing"

	"baton/internal/pgtest"
	"baton/internal/store"
)

// TestPrepare has the same sample in a file and in PostgreSQL, made once.
func TestPrepare(t *testing.T) {
	const leads = 200
	cache := t.TempDir()
	file, server := filepath.Join(t.TempDir(), "sample.db"), pgtest.Server(t, "fsync=off").URL()
	for _, db := range []string{file, server, file, server} { // again: a file is made anew, PostgreSQL taken as it is
		key, err := Prepare(t.Context(), Sample{DB: db, Leads: leads, Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		if key == "" {
			t.Errorf("%s: no key", db)
		}
		s, err := store.OpenReadOnly(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := s.Query(t.Context(), `SELECT count(*) FROM leads`)
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		if n := rows.Rows[0][0]; n != int64(leads) {
			t.Errorf("%s has %v leads, not %d", db, n, leads)
		}
	}
	if kept, err := filepath.Glob(filepath.Join(cache, "*.db")); err != nil || len(kept) != 1 {
		t.Errorf("kept: %v, %v", kept, err)
	}
}
