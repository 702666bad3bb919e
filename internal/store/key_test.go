package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeysBesideAWriter(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "baton.db")
	if _, err := OpenBeside(ctx, path); err == nil {
		t.Error("there is nothing to open")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("opening beside nothing made a file")
	}
	main, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer main.Close()
	beside, err := OpenBeside(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	for i, st := range []*Store{main, beside} {
		k, err := st.AddKey(ctx, APIKey{Name: "site", Scope: "track", CreatedAt: 5}, []byte{byte(i)})
		if err != nil || k.ID != int64(i+1) {
			t.Fatalf("%+v %v", k, err)
		}
	}
	if _, err := beside.AddKey(ctx, APIKey{Name: "other", Scope: "track"}, []byte{0}); err == nil {
		t.Error("one hash is two keys")
	}
	for _, at := range []int64{7, 6} { // never back in time
		if err := main.UseKey(ctx, 1, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []int64{8, 9} { // the first time counts
		if err := beside.RevokeKey(ctx, 2, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := beside.RevokeKey(ctx, 3, 9); !errors.Is(err, ErrNoKey) {
		t.Errorf("revoking what is not there: %v", err)
	}
	want := []APIKey{{ID: 1, Name: "site", Scope: "track", CreatedAt: 5, UsedAt: 7}, {ID: 2, Name: "site", Scope: "track", CreatedAt: 5, RevokedAt: 8}}
	for _, st := range []*Store{main, beside} {
		list, err := st.APIKeys(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, list); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	}
	if k, err := main.Key(ctx, []byte{1}); err != nil || k.ID != 2 {
		t.Errorf("%+v %v", k, err)
	}
	if _, err := main.Key(ctx, []byte{9}); !errors.Is(err, ErrNoKey) {
		t.Errorf("an unknown key: %v", err)
	}
	reader, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := reader.RevokeKey(ctx, 1, 9); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("revoked through a reader: %v", err)
	}
	err = main.transact(ctx, "testing", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBeside(ctx, path); err == nil || !strings.Contains(err.Error(), "a newer Baton has written to it") {
		t.Errorf("beside another version: %v", err)
	}
}

// What an older Baton made is not read as it is: the error says what to do. It is copied as it is.
func TestOlderTables(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	path := filepath.Join(dir, "old.db")
	s, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	err = s.transact(ctx, "testing", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(context.Context, string) (*Store, error){"reading": OpenReadOnly, "beside": OpenBeside} {
		if _, err := open(ctx, path); err == nil || !strings.Contains(err.Error(), "baton migrate") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Backup(ctx, path, filepath.Join(dir, "copy.db")); err != nil {
		t.Error(err)
	}
}
