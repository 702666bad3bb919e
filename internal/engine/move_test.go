package engine

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/store"
)

// A database that is moved to PostgreSQL and back is the same, row by row; and on PostgreSQL it goes on.
func TestMove(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	first := filepath.Join(dir, "from.db")
	h := open(t, first, Options{})
	h.activate(t, northwind, start-day)
	list := arrivals(3, 900, 80)
	if err := h.History(ctx, from(list[:600]), HistoryOptions{}); err != nil {
		t.Fatal(err)
	}
	one, other := one(t, h, `SELECT min(id) FROM leads`).(int64), one(t, h, `SELECT max(id) FROM leads`).(int64)
	if out := submit(t, h, lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Merge, Lead: one, Other: other, Actor: "boss@northwind.example"}}); out[0].Decision.Refused != "" {
		t.Fatal(out[0].Decision.Refused)
	}
	if _, err := h.st.StartImport(ctx, store.Import{Name: "crm", File: "crm.csv", Hash: "1", StartedAt: start}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.st.AddKey(ctx, store.APIKey{Name: "web", Scope: "track", CreatedAt: start}, []byte("hash")); err != nil {
		t.Fatal(err)
	}
	user, err := h.st.AddUser(ctx, store.User{Email: "ada@northwind.example", Roles: "rep"}, store.Audit{At: start, Action: "made a user"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.st.AddLink(ctx, []byte("link"), store.Link{Kind: "invitation", User: user.ID, EndsAt: start}); err != nil {
		t.Fatal(err)
	}
	begun := func(*store.User) (store.UserChange, error) {
		return store.UserChange{Begin: &store.Session{How: "password", CreatedAt: start, Hash: []byte("session")}}, nil
	}
	if err := h.st.UpdateUser(ctx, user.ID, begun); err != nil {
		t.Fatal(err)
	}
	h.shut(t)

	url := pgtest.Database(t)
	moved := map[string]int64{}
	move := func(from, to string) error {
		a, err := store.Open(ctx, from)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		b, err := store.Open(ctx, to)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		list, err := a.MoveTo(ctx, b)
		for _, m := range list {
			moved[m.Table] = m.Rows
		}
		return err
	}
	if err := move(first, url); err != nil {
		t.Fatal(err)
	}
	all := tables(t, first)
	for name, rows := range all {
		if n, ok := moved[name]; !ok || n != int64(len(rows)) {
			t.Errorf("table %s: %d of %d rows were moved; see kept in internal/store/move.go", name, n, len(rows))
		}
	}
	if err := move(first, url); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("moved into a database that is not empty: %v", err)
	}
	back := filepath.Join(dir, "back.db")
	if err := move(url, back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, tables(t, back)); diff != "" {
		t.Errorf("tables (-from +there and back):\n%.4000s", diff)
	}

	p, q := open(t, url, Options{}), open(t, first, Options{})
	views, err := q.st.Query(ctx, `SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name`)
	if err != nil || len(views.Rows) < 10 {
		t.Fatal(views, err)
	}
	for _, row := range views.Rows {
		name := row[0].(string)
		want, err := q.st.Query(ctx, `SELECT * FROM `+name+` ORDER BY 1, 2`)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.st.Query(ctx, `SELECT * FROM `+name+` ORDER BY 1, 2`)
		if err != nil {
			t.Errorf("view %s: %v", name, err)
			continue
		}
		if name == "ledgers" || name == "members" || name == "changes" || name == "reasons" {
			continue // ordered by text, which servers do by the rules of a language; or long
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("view %s (-SQLite +PostgreSQL):\n%.1500s", name, diff)
		}
	}
	q.shut(t)
	if err := p.History(ctx, from(list), HistoryOptions{}); err != nil {
		t.Fatal(err)
	}
	verify(t, p)
	if key, err := p.st.AddKey(ctx, store.APIKey{Name: "app", Scope: "track", CreatedAt: start}, []byte("other")); err != nil || key.ID != 2 {
		t.Errorf("the next key is %d, %v", key.ID, err)
	}
	if user, err := p.st.AddUser(ctx, store.User{Email: "bo@northwind.example"}, store.Audit{At: start}); err != nil || user.ID != 2 {
		t.Errorf("the next user is %d, %v", user.ID, err)
	}
	s := open(t, back, Options{})
	if err := s.History(ctx, from(list), HistoryOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(recorded(t, s), recorded(t, p)); diff != "" {
		t.Errorf("decisions (-SQLite +PostgreSQL):\n%.4000s", diff)
	}
}
