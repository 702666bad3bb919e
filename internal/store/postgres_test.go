package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
)

func TestPostgreSQL(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	s := openAt(t, url)
	if _, err := s.Query(ctx, `SELECT * FROM leads`); err != nil {
		t.Error(err)
	}
	for _, q := range []string{`DELETE FROM lead RETURNING id`, `WITH gone AS (DELETE FROM lead RETURNING id) SELECT * FROM gone`} {
		if _, err := s.Query(ctx, q); err == nil {
			t.Errorf("%s was run", q)
		}
	}
	// what PostgreSQL cannot hold does not keep the rest of a batch from being stored
	in := input(1, "a\x00key")
	in.Text = "nul \x00 and \xff bytes"
	write(t, s, func(b *Batch) {
		b.Input(in, 0, Dedupe("test", in.Key))
		b.Decision(&lifecycle.Decision{Input: 1, Lead: 1}, "odd \x00\xff")
		b.Key(identity.Key{Kind: identity.Anonymous, Value: "x\x00y"}, 1)
		b.Conflict(identity.Key{Kind: identity.Anonymous, Value: "z\x00"}, 1, 1, 2)
	})
	if found, err := s.Keys(ctx, []identity.Key{{Kind: identity.Anonymous, Value: "x\x00y"}}); err != nil || len(found) != 1 {
		t.Errorf("a key with a NUL is found as %v, %v", found, err)
	}
	twins, err := s.Twins(ctx, []int64{Dedupe("test", in.Key)})
	if err != nil || len(twins) != 1 {
		t.Errorf("twins: %v, %v", twins, err)
	}
	// many values in one question
	ids := make([]int64, 5000)
	for i := range ids {
		ids[i] = int64(i)
	}
	if _, err := s.Leads(ctx, ids); err != nil {
		t.Error(err)
	}
	if err := s.Limit(ctx, 5); err == nil {
		t.Error("the size of a PostgreSQL database was limited")
	}
	if err := Backup(ctx, url, t.TempDir()+"/x"); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("backing up: %v", err)
	}
	// the documented examples
	text, err := os.ReadFile("../../docs/views.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "```sql\n")[1:] {
		query, _, _ := strings.Cut(block, "```")
		if _, err := s.Query(ctx, query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	before, after, err := Migrate(ctx, url)
	if err != nil || before != after || after != postgres.newest() {
		t.Errorf("migrating what is up to date: from %d to %d, %v", before, after, err)
	}
	if postgres.newest() != sqlite.newest() {
		t.Errorf("the last migration of SQLite is %d, that of PostgreSQL %d", sqlite.newest(), postgres.newest())
	}
}

func TestPostgreSQLRefusals(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	for _, open := range []func(context.Context, string) (*Store, error){Open, OpenReadOnly} {
		missing := strings.Replace(url, "/test", "/missing", 1)
		if _, err := open(ctx, missing); err == nil || !strings.Contains(err.Error(), "createdb") {
			t.Errorf("a database that is not there: %v", err)
		}
		secret := "postgres://baton:hunter2@127.0.0.1:1/x?sslmode=disable&password=hunter3"
		if _, err := open(ctx, secret); err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("a server that is not there: %v", err)
		}
		if _, err := open(ctx, "postgres://baton:hunter2@ho st/x"); err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("an address that is none: %v", err)
		}
	}
	if _, err := OpenReadOnly(ctx, url); err == nil || !strings.Contains(err.Error(), "not a Baton database") {
		t.Errorf("an empty database, for reading: %v", err)
	}
	other, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec(`CREATE TABLE theirs (id int)`); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, url); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("a database of another program: %v", err)
	}
	if _, err := other.Exec(`DROP TABLE theirs`); err != nil {
		t.Fatal(err)
	}
	openAt(t, url)
	if _, err := other.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, true)`); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, url); err == nil || !strings.Contains(err.Error(), "newer Baton") {
		t.Errorf("a newer database: %v", err)
	}
}

// Several processes may begin on an empty database at the same time.
func TestPostgreSQLMigratesOnce(t *testing.T) {
	url := pgtest.Database(t)
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			s, err := Open(context.Background(), url)
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// A connection that is lost is taken anew; what was not committed is gone.
func TestPostgreSQLConnectionLost(t *testing.T) {
	ctx := context.Background()
	server := pgtest.Server(t)
	s := openAt(t, server.URL())
	write(t, s, func(b *Batch) { b.Input(input(1, ""), 0, 0) })
	server.Kill()
	b := NewBatch()
	b.Input(input(2, ""), 1, 0)
	b.Seal(nil)
	if err := s.Commit(ctx, b); err == nil {
		t.Error("committed without a server")
	}
	server.Start()
	write(t, s, func(b *Batch) { b.Input(input(3, ""), 1, 0) })
	if id, err := s.LastInput(ctx); id != 3 || err != nil {
		t.Errorf("the last input is %d, %v", id, err)
	}
	if err := s.ShareAgain(ctx); err != nil {
		t.Fatal(err)
	}
	tx, err := s.Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	server.Stop("immediate")
	b = NewBatch()
	b.Input(input(4, ""), 3, 0)
	b.Seal(nil)
	if err := tx.Commit(ctx, b); err == nil || errors.Is(err, ErrUnsure) {
		t.Errorf("writing on a lost connection: %v", err)
	}
	server.Start()
	write(t, s, func(b *Batch) { b.Input(input(4, ""), 3, 0) })
}
