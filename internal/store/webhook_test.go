package store_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"baton/internal/pgtest"
	"baton/internal/seal"
	"baton/internal/store"
)

func openStore(t *testing.T, name string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

const hookURL = "https://crm.northwind.example/in"

func newKeys(t *testing.T) *seal.Keys {
	t.Helper()
	keys, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// What signs is in no table, and opens only for its address and with its key.
func TestSecretsAreSealed(t *testing.T) {
	db, keys := filepath.Join(t.TempDir(), "b.db"), newKeys(t)
	s := openStore(t, db)
	if _, err := s.AddWebhook(t.Context(), nil, store.Webhook{URL: hookURL}, "whsec_none"); !errors.Is(err, seal.ErrNoKey) {
		t.Error(err)
	}
	id, err := s.AddWebhook(t.Context(), keys, store.Webhook{URL: hookURL, CreatedAt: 1}, "whsec_first")
	if err != nil {
		t.Fatal(err)
	}
	table, err := s.Query(t.Context(), `SELECT * FROM endpoint`)
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range table.Rows[0] {
		if text, _ := cell.(string); strings.Contains(text, "first") || strings.Contains(text, "whsec") {
			t.Errorf("the table shows %q", text)
		}
	}
	if got, err := s.WebhookSecrets(t.Context(), keys, id, 10); err != nil || len(got) != 1 || got[0] != "whsec_first" {
		t.Fatal(got, err)
	}
	if _, err := s.WebhookSecrets(t.Context(), newKeys(t), id, 10); !errors.Is(err, seal.ErrOtherKey) {
		t.Error(err)
	}
	// Whoever can write to the database cannot have another address signed for.
	raw, err := sql.Open("sqlite", db)
	if err == nil {
		_, err = raw.ExecContext(t.Context(), `UPDATE endpoint SET url = 'https://elsewhere.example'`)
	}
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WebhookSecrets(t.Context(), keys, id, 10); !errors.Is(err, seal.ErrOtherKey) {
		t.Error(err)
	}
}

// Two secrets sign for the time that was said, and no longer; then the old one is gone from the table too.
func TestRotateWebhook(t *testing.T) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "b.db")
			if name == "postgres" {
				db = pgtest.Database(t)
			}
			s := openStore(t, db)
			keys := newKeys(t)
			id, err := s.AddWebhook(t.Context(), keys, store.Webhook{URL: hookURL, CreatedAt: 1}, "one")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.RotateWebhook(t.Context(), keys, id, "two", 100, 200); err != nil {
				t.Fatal(err)
			}
			if err := s.RotateWebhook(t.Context(), keys, id, "three", 150, 250); !errors.Is(err, store.ErrRotating) {
				t.Error(err)
			}
			for _, c := range []struct {
				at   int64
				want string
			}{{100, "two one"}, {199, "two one"}, {200, "two"}} {
				if got, err := s.WebhookSecrets(t.Context(), keys, id, c.at); err != nil || strings.Join(got, " ") != c.want {
					t.Errorf("at %d: %v, %v", c.at, got, err)
				}
			}
			if err := s.RotateWebhook(t.Context(), keys, id, "four", 160, 160); err != nil { // it has become known
				t.Fatal(err)
			}
			if got, err := s.WebhookSecrets(t.Context(), keys, id, 160); err != nil || strings.Join(got, " ") != "four" {
				t.Error(got, err)
			}
			if err := s.RotateWebhook(t.Context(), keys, 99, "x", 1, 2); !errors.Is(err, store.ErrNoWebhook) {
				t.Error(err)
			}
			if _, err := s.WebhookSecrets(t.Context(), keys, 99, 1); !errors.Is(err, store.ErrNoWebhook) {
				t.Error(err)
			}
		})
	}
}
