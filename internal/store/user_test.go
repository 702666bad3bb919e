package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"baton/internal/pgtest"
)

// onBoth runs a test on a new database of each kind.
func onBoth(t *testing.T, do func(t *testing.T, st *Store)) {
	for kind, name := range map[string]func(testing.TB) string{
		"sqlite":     func(t testing.TB) string { return filepath.Join(t.TempDir(), "baton.db") },
		"postgresql": pgtest.Database,
	} {
		t.Run(kind, func(t *testing.T) {
			st, err := Open(t.Context(), name(t))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			do(t, st)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, st *Store) {
		ctx := t.Context()
		if has, err := st.HasUsers(ctx); has || err != nil {
			t.Fatalf("%v %v", has, err)
		}
		must(t, st.AddLink(ctx, []byte("old"), Link{Kind: "set_up", MadeAt: 1, EndsAt: 50}))
		must(t, st.AddLink(ctx, []byte("code"), Link{Kind: "set_up", MadeAt: 2, EndsAt: 100}))
		ada := User{Email: "ada@northwind.example", Name: "Ada\x00", Roles: "revops admin", Password: "p1", CreatedAt: 10}
		for hash, at := range map[string]int64{"none": 10, "old": 50} {
			if _, err := st.AddFirstUser(ctx, ada, UserChange{Link: []byte(hash), At: at}); !errors.Is(err, ErrNoLink) {
				t.Errorf("set up by %s: %v", hash, err)
			}
		}
		session := func(hash string, at int64) *Session {
			return &Session{How: "password", Address: "192.0.2.1", Agent: "Firefox\xff", CreatedAt: at, Hash: []byte(hash)}
		}
		ada, err := st.AddFirstUser(ctx, ada, UserChange{Link: []byte("code"), At: 10, Begin: session("s1", 10), Audit: []Audit{{At: 10, Actor: ada.Email, Action: "set up"}}})
		must(t, err)
		if _, err := st.AddFirstUser(ctx, User{Email: "eve@northwind.example"}, UserChange{Link: []byte("old"), At: 10}); !errors.Is(err, ErrUsers) {
			t.Errorf("set up twice: %v", err)
		}
		if _, err := st.Link(ctx, []byte("old"), 10); !errors.Is(err, ErrNoLink) {
			t.Errorf("a code outlives the set-up: %v", err)
		}
		if _, err := st.AddUser(ctx, User{Email: ada.Email}); !errors.Is(err, ErrUserThere) {
			t.Errorf("two users of one address: %v", err)
		}
		bo, err := st.AddUser(ctx, User{Email: "bo@northwind.example", Name: "Bo", Roles: "rep", CreatedAt: 11}, Audit{At: 11, Action: "invited"})
		must(t, err)

		got, err := st.UserByEmail(ctx, ada.Email)
		must(t, err)
		want := ada
		want.Name, want.SignedInAt = "Ada", 10
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("user (-want +got):\n%s", diff)
		}
		for what, err := range map[string]error{
			"by address": second(st.UserByEmail(ctx, "eve@northwind.example")), "by number": second(st.UserByID(ctx, 99)), "by no subject": second(st.UserBySubject(ctx, "")),
			"changing": st.UpdateUser(ctx, 99, func(*User) (UserChange, error) { return UserChange{}, nil }),
		} {
			if !errors.Is(err, ErrNoUser) {
				t.Errorf("%s: %v", what, err)
			}
		}

		// the password of Bo, by an invitation, begins a session; another password ends it
		must(t, st.AddLink(ctx, []byte("invitation"), Link{Kind: "invitation", User: bo.ID, MadeAt: 11, EndsAt: 100}))
		must(t, st.AddLink(ctx, []byte("another"), Link{Kind: "reset", User: bo.ID, MadeAt: 11, EndsAt: 100}))
		password := func(p string, c UserChange) func(*User) (UserChange, error) {
			return func(u *User) (UserChange, error) {
				u.Password = p
				return c, nil
			}
		}
		if err := st.UpdateUser(ctx, ada.ID, password("stolen", UserChange{Link: []byte("invitation"), At: 12})); !errors.Is(err, ErrNoLink) {
			t.Errorf("somebody else's link: %v", err)
		}
		must(t, st.UpdateUser(ctx, bo.ID, password("p2", UserChange{Link: []byte("invitation"), At: 12, Begin: session("s2", 12)})))
		if _, u, err := st.Session(ctx, []byte("s2")); err != nil || u.Email != bo.Email || u.SignedInAt != 12 || u.Password != "p2" {
			t.Errorf("%+v %v", u, err)
		}
		if _, err := st.Link(ctx, []byte("another"), 12); !errors.Is(err, ErrNoLink) {
			t.Errorf("a link outlives the password: %v", err)
		}
		must(t, st.UpdateUser(ctx, bo.ID, func(u *User) (UserChange, error) { u.Name = "Bo B."; return UserChange{}, nil }))
		if _, _, err := st.Session(ctx, []byte("s2")); err != nil {
			t.Errorf("a name ended a session: %v", err)
		}
		boom := errors.New("boom")
		if err := st.UpdateUser(ctx, bo.ID, func(u *User) (UserChange, error) { u.Password = "p3"; return UserChange{}, boom }); !errors.Is(err, boom) {
			t.Error(err)
		}
		for i, change := range []func(*User){
			func(u *User) { u.Password = "p3" }, func(u *User) { u.TOTP = "sealed" }, func(u *User) { u.TOTP = "" }, func(u *User) { u.DeactivatedAt = 9 },
		} {
			hash := []byte{byte(i)}
			must(t, st.UpdateUser(ctx, bo.ID, func(u *User) (UserChange, error) {
				u.DeactivatedAt = 0
				return UserChange{Begin: session(string(hash), 20)}, nil
			}))
			must(t, st.UpdateUser(ctx, bo.ID, func(u *User) (UserChange, error) { change(u); return UserChange{}, nil }))
			if _, _, err := st.Session(ctx, hash); !errors.Is(err, ErrNoSession) {
				t.Errorf("session %d goes on: %v", i, err)
			}
		}
		if err := st.UpdateUser(ctx, bo.ID, func(*User) (UserChange, error) { return UserChange{Begin: session("s9", 20)}, nil }); !errors.Is(err, ErrNoUser) {
			t.Errorf("a deactivated user signs in: %v", err)
		}

		// somebody has to be admin
		for i, change := range []func(*User){func(u *User) { u.Roles = "rep administrator" }, func(u *User) { u.DeactivatedAt = 5 }} {
			if err := st.UpdateUser(ctx, ada.ID, func(u *User) (UserChange, error) { change(u); return UserChange{}, nil }); !errors.Is(err, ErrLastAdmin) {
				t.Errorf("the last admin goes (%d): %v", i, err)
			}
		}
		must(t, st.UpdateUser(ctx, bo.ID, func(u *User) (UserChange, error) { u.Roles, u.DeactivatedAt = "admin", 0; return UserChange{}, nil }))
		var both sync.WaitGroup
		gone := make([]error, 2)
		for i, id := range []int64{ada.ID, bo.ID} {
			both.Go(func() {
				gone[i] = st.UpdateUser(ctx, id, func(u *User) (UserChange, error) { u.Roles = "rep"; return UserChange{}, nil })
			})
		}
		both.Wait()
		if (gone[0] == nil) == (gone[1] == nil) || !errors.Is(errors.Join(gone...), ErrLastAdmin) {
			t.Errorf("two admins go at once: %v", gone)
		}
		users, err := st.Users(ctx)
		if err != nil || len(users) != 2 || users[0].Email != ada.Email {
			t.Errorf("%v %v", users, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestSessions(t *testing.T) {
	onBoth(t, func(t *testing.T, st *Store) {
		ctx := t.Context()
		ada, err := st.AddUser(ctx, User{Email: "ada@northwind.example", Roles: "rep"})
		must(t, err)
		bo, err := st.AddUser(ctx, User{Email: "bo@northwind.example", Roles: "rep"})
		must(t, err)
		begin := func(u User, s Session) {
			must(t, st.UpdateUser(ctx, u.ID, func(*User) (UserChange, error) { return UserChange{Begin: &s}, nil }))
		}
		begin(ada, Session{How: "password", CreatedAt: 10, Hash: []byte{1}})
		begin(ada, Session{How: "password", CreatedAt: 20, Hash: []byte{2}})
		begin(bo, Session{How: "provider", CreatedAt: 5, Hash: []byte{3}})
		for _, at := range []int64{30, 25} {
			must(t, st.UseSession(ctx, 1, at))
		}
		begin(ada, Session{How: "totp", CreatedAt: 40, Hash: []byte{4}, IdleFrom: 25}) // the second has been idle
		list, err := st.Sessions(ctx, ada.ID)
		must(t, err)
		want := []Session{{ID: 4, User: ada.ID, How: "totp", CreatedAt: 40, UsedAt: 40}, {ID: 1, User: ada.ID, How: "password", CreatedAt: 10, UsedAt: 30}}
		if diff := cmp.Diff(want, list); diff != "" {
			t.Errorf("sessions (-want +got):\n%s", diff)
		}
		if err := st.EndSession(ctx, bo.ID, 1); !errors.Is(err, ErrNoSession) {
			t.Errorf("somebody else's session: %v", err)
		}
		must(t, st.EndSession(ctx, ada.ID, 1, Audit{At: 41, Action: "ended a session"}))
		begin(ada, Session{How: "totp", CreatedAt: 50, Hash: []byte{5}})
		must(t, st.EndSessions(ctx, ada.ID, 4))
		if list, err := st.Sessions(ctx, 0); err != nil || len(list) != 2 || list[0].ID != 4 || list[1].User != bo.ID {
			t.Errorf("%+v %v", list, err)
		}
	})
}

func TestTheAuditIsNeverChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, st *Store) {
		ctx := t.Context()
		must(t, st.AddAudit(ctx, Audit{At: 1, Actor: "ada@northwind.example", Address: "192.0.2.1", Action: "signed in"},
			Audit{At: 2, Actor: "command line", Action: "made a key", Subject: "key 1", Detail: "read"}, Audit{At: 3, Action: "signed in", Subject: "x"}))
		for _, text := range []string{`UPDATE audit SET actor = 'somebody else'`, `DELETE FROM audit`} {
			err := st.transact(ctx, "testing", func(ctx context.Context, conn *sql.Conn) error {
				_, err := conn.ExecContext(ctx, text)
				return err
			})
			if err == nil {
				t.Errorf("%s was done", text)
			}
		}
		for _, c := range []struct {
			filter AuditFilter
			most   int
			want   []int64
		}{
			{AuditFilter{}, 10, []int64{3, 2, 1}},
			{AuditFilter{}, 2, []int64{3, 2}},
			{AuditFilter{Before: 2}, 10, []int64{1}},
			{AuditFilter{Actor: "command line"}, 10, []int64{2}},
			{AuditFilter{Action: "signed in", Since: 2}, 10, []int64{3}},
			{AuditFilter{Subject: "key 1"}, 10, []int64{2}},
		} {
			list, err := st.Audits(ctx, c.filter, c.most)
			must(t, err)
			var got []int64
			for _, a := range list {
				got = append(got, a.ID)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", c.filter, diff)
			}
		}
	})
}

// A database is made up from its beginning, or never.
func TestMadeUp(t *testing.T) {
	onBoth(t, func(t *testing.T, st *Store) {
		ctx := t.Context()
		_, err := st.AddUser(ctx, User{Email: "ada@northwind.example"})
		must(t, err)
		if err := st.MarkMadeUp(ctx, 1); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("marked with a user in it: %v", err)
		}
		if is, err := st.MadeUp(ctx); is || err != nil {
			t.Errorf("%v %v", is, err)
		}
	})
	onBoth(t, func(t *testing.T, st *Store) {
		must(t, st.MarkMadeUp(t.Context(), 1))
		if is, err := st.MadeUp(t.Context()); !is || err != nil {
			t.Errorf("%v %v", is, err)
		}
	})
}

// What a form asks for is done once, whatever it is; what comes without a form's mark is done each time.
func TestFormsAreDoneOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, st *Store) {
		form := As(t.Context(), Actor{Name: "ada@northwind.example", Form: "a mark"})
		key, err := st.AddKey(form, APIKey{Name: "crm", Scope: "read", CreatedAt: 1}, []byte{1})
		must(t, err)
		if _, err := st.AddKey(form, APIKey{Name: "crm", Scope: "read", CreatedAt: 2}, []byte{2}); !errors.Is(err, ErrFormTwice) {
			t.Errorf("a second time: %v", err)
		}
		if err := st.RevokeKey(form, key.ID, 3); !errors.Is(err, ErrFormTwice) {
			t.Errorf("something else with its mark: %v", err)
		}
		keys, err := st.APIKeys(t.Context())
		must(t, err)
		if len(keys) != 1 || keys[0].RevokedAt != 0 {
			t.Errorf("there are %+v", keys)
		}
		for i := range byte(2) {
			_, err := st.AddKey(As(t.Context(), Actor{Name: "ada@northwind.example"}), APIKey{Name: "crm", Scope: "read", CreatedAt: 4}, []byte{3, i})
			must(t, err)
		}
		for range 2 { // a line alone does nothing
			must(t, st.AddAudit(As(t.Context(), Actor{Form: "another"}), Audit{Action: "refused"}))
		}
		list, err := st.Audits(t.Context(), AuditFilter{}, 100)
		must(t, err)
		if len(list) != 5 {
			t.Errorf("on record: %+v", list)
		}
	})
}
