package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// companies makes arrivals that say something of companies about leads, some of whom move between them.
func companies(r *rand.Rand, n int, from, to int64, imported bool) []lifecycle.Arrival {
	var list []lifecycle.Arrival
	for i := range n {
		at := from + int64(i)*(to-from)/int64(n)
		a := identify(fmt.Sprintf("person%d@home.example", r.IntN(12)), "", at)
		if k := r.IntN(8); k < 5 {
			a.Account = fmt.Sprintf("company%d.example", k)
			a.AccountName = a.Account
		}
		in := &a.Input
		in.Key = fmt.Sprintf("%d:%d", from, i)
		if r.IntN(3) > 0 {
			in.Values = append(in.Values, lifecycle.Named{Name: "company.employees", Value: agreement.NumberValue(float64(100 * r.IntN(4)))})
			if r.IntN(4) == 0 {
				in.Keep = []string{"company.employees"}
			}
		}
		if r.IntN(3) == 0 {
			in.Values = append(in.Values, lifecycle.Named{Name: "title", Value: agreement.TextValue([]string{"Head of Ops", "Engineer"}[r.IntN(2)])})
		}
		if r.IntN(9) == 0 && a.Account != "" && !imported {
			in.Kind, in.Values, in.Actor, in.Keep = lifecycle.JoinAccount, nil, "anna@northwind.example", nil
		}
		list = append(list, a)
	}
	return list
}

// Accounts and leads are, once an import is undone, what they are where it never was: also if a second one was undone before.
func TestUndoRestoresCompanies(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		seeds := 12
		if database != "" {
			seeds = 1
		}
		stopped := 0
		for seed := range uint64(seeds) {
			without, with := open(t, "", Options{}), open(t, database, Options{undoStep: int(seed % 4)}) // one lead at a time, as well
			r := rand.New(rand.NewPCG(seed, 9))
			var at int64
			read := func(h *house, list []lifecycle.Arrival, importID int64) {
				t.Helper()
				if err := h.History(context.Background(), from(list), HistoryOptions{Import: importID}); err != nil {
					t.Fatal(err)
				}
			}
			for _, h := range []*house{without, with} {
				h.activate(t, northwind, start)
				var all []lifecycle.Arrival // what people do about leads that are not there is refused
				for i := range 12 {
					all = append(all, identify(fmt.Sprintf("person%d@home.example", i), "", start+hour))
				}
				submit(t, h, all...)
			}
			var made []int64
			for part := range 5 {
				at = start + int64(part+1)*day
				list := companies(r, 30, at, at+day, part%2 == 1)
				if part%2 == 0 {
					read(without, list, 0)
					read(with, list, 0)
					continue
				}
				im, err := with.st.StartImport(context.Background(), store.Import{Name: fmt.Sprint(part), Hash: fmt.Sprint(part), StartedAt: at})
				if err != nil {
					t.Fatal(err)
				}
				read(with, list, im.ID)
				made = append(made, im.ID)
			}
			if seed%2 == 0 {
				slices.Reverse(made)
			}
			for _, id := range made {
				// Now and then it is stopped in the middle, and goes on.
				ctx, stop := context.WithCancel(context.Background())
				err := with.Undo(ctx, id, func(int64, int64) {
					if r.IntN(4) == 0 {
						stop()
					}
				})
				stop()
				if errors.Is(err, context.Canceled) {
					stopped++
					if _, err := with.st.StartImport(context.Background(), store.Import{Name: "again", Hash: fmt.Sprint(id*2 - 1), StartedAt: at}); !errors.Is(err, store.ErrUndoing) {
						t.Errorf("imported again while it is being undone: %v", err)
					}
					if seed%3 == 0 {
						path, opts := with.path, with.opts
						with.shut(t)
						with = open(t, path, opts)
					}
					err = with.Undo(context.Background(), id, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			settled(t, with)
			for _, query := range []string{
				`SELECT key, attributes FROM accounts`,
				`SELECT email, account, grade, fit FROM leads`,
			} {
				if want, got := rows(t, without, query), rows(t, with, query); want != got {
					t.Fatalf("seed %d: %s (-without the imports +with both undone):\n%s", seed, query, cmp.Diff(want, got))
				}
			}
			verify(t, with)
			with.shut(t)
			without.shut(t)
		}
		if stopped == 0 && seeds > 1 {
			t.Error("none was stopped in the middle")
		}
	})
}

// settled decides what is due.
func settled(t testing.TB, h *house) {
	t.Helper()
	for {
		if n, err := h.Tick(context.Background(), start+400*day); err != nil {
			t.Fatal(err)
		} else if n == 0 {
			return
		}
	}
}

func rows(t testing.TB, h *house, query string) string {
	t.Helper()
	table, err := h.st.Query(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, row := range table.Rows {
		list = append(list, fmt.Sprintln(row...))
	}
	slices.Sort(list) // databases order texts in ways of their own
	return strings.Join(list, "")
}

// What a live lead made of an account that an import had changed is decided again, and who objected in a file is not forgotten.
func TestUndoIsFelt(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		ctx := context.Background()
		h := open(t, database, Options{})
		h.activate(t, northwind, start)
		size := func(n float64) lifecycle.Named {
			return lifecycle.Named{Name: "company.employees", Value: agreement.NumberValue(n)}
		}
		submit(t, h, identify("ann@acme.example", "acme.example", start+hour, size(500)), identify("bo@acme.example", "acme.example", start+hour))
		const fit = `SELECT sum(fit) FROM leads WHERE email = 'bo@acme.example'`
		before := one(t, h, fit)
		im, err := h.st.StartImport(ctx, store.Import{Name: "list", Hash: "h1", StartedAt: start})
		if err != nil {
			t.Fatal(err)
		}
		no := did("never@bolt.example", "objected", start+3*hour)
		no.Input.Kind = lifecycle.Consented
		if err := h.History(ctx, from([]lifecycle.Arrival{identify("ann@acme.example", "acme.example", start+2*hour, size(3)), identify("new@core.example", "core.example", start+2*hour, size(900)), no}), HistoryOptions{Import: im.ID}); err != nil {
			t.Fatal(err)
		}
		expect(t, h, fit, 0)
		expect(t, h, `SELECT count(*) FROM accounts`, 2)
		if err := h.Undo(ctx, im.ID, nil); err != nil {
			t.Fatal(err)
		}
		settled(t, h)
		expect(t, h, fit, before)
		expect(t, h, `SELECT count(*) FROM accounts`, 1)
		expect(t, h, `SELECT consent FROM leads WHERE email = 'never@bolt.example'`, "objected")
		out := submit(t, h, identify("late@core.example", "core.example", start+401*day))
		if out[0].Err != nil {
			t.Error(out[0].Err)
		}
		expect(t, h, `SELECT count(*) FROM accounts`, 2)
		again := submit(t, h, did("never@bolt.example", "page_viewed", start+402*day))
		if again[0].Input == again[0].Lead {
			t.Error("who objected is somebody new")
		}
		verify(t, h)
	})
}

// What somebody says of an account while an import is undone stands, also if the import had said the same, and whoever says it.
func TestUndoLetsOthersSpeak(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		ctx := context.Background()
		h := open(t, database, Options{undoStep: 1})
		h.activate(t, northwind, start)
		size := func(n float64) lifecycle.Named {
			return lifecycle.Named{Name: "company.employees", Value: agreement.NumberValue(n)}
		}
		submit(t, h, identify("ann@acme.example", "acme.example", start+hour), identify("bo@acme.example", "acme.example", start+hour), identify("ann@bolt.example", "bolt.example", start+hour))
		im, err := h.st.StartImport(ctx, store.Import{Name: "list", Hash: "h1", StartedAt: start})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.History(ctx, from([]lifecycle.Arrival{identify("ann@acme.example", "acme.example", start+2*hour, size(500)), identify("ann@bolt.example", "bolt.example", start+2*hour, size(500)),
			identify("ann@core.example", "core.example", start+2*hour, size(500))}), HistoryOptions{Import: im.ID}); err != nil {
			t.Fatal(err)
		}
		u := &undoing{e: h.Engine, size: 1, since: map[int64]bool{}}
		if err := u.start(ctx, im.ID); err != nil {
			t.Fatal(err)
		}
		if err := u.find(ctx); err != nil {
			t.Fatal(err)
		}
		submit(t, h, identify("new@acme.example", "acme.example", start+3*hour, size(500)), identify("ann@bolt.example", "bolt.example", start+3*hour, size(500)), identify("new@core.example", "core.example", start+3*hour))
		for _, step := range []func(context.Context) error{u.accounts, u.retract, u.forget} {
			if err := step(ctx); err != nil {
				t.Fatal(err)
			}
		}
		u.stop()
		if err := h.Undo(ctx, im.ID, nil); err != nil { // the rest of it
			t.Fatal(err)
		}
		settled(t, h)
		for key, want := range map[string]string{"acme.example": "500", "bolt.example": "500", "core.example": ""} {
			if got := rows(t, h, `SELECT attributes FROM accounts WHERE key = '`+key+`'`); got == "" || strings.Contains(got, "500") != (want != "") {
				t.Errorf("of %s it is known: %q", key, got)
			}
		}
		verify(t, h)
	})
}

// placed is what puts a lead into an account by hand.
func placed(who, firm string, at int64) lifecycle.Arrival {
	a := identify(who, firm, at)
	a.Input.Kind, a.Input.Actor = lifecycle.JoinAccount, "max@northwind.example"
	return a
}

// Whom somebody puts into an account of an import while it is undone, and merges, comes back into it when the merge is taken back.
func TestSplitBringsBackIntoAccount(t *testing.T) {
	each(t, func(t *testing.T, database string) { comesBack(t, database, false) })
}

// Also where the account was forgotten, as it was once: it is there again, and nobody else waits.
func TestSplitBringsBackAccount(t *testing.T) {
	each(t, func(t *testing.T, database string) { comesBack(t, database, true) })
}

func comesBack(t *testing.T, database string, forgotten bool) {
	ctx := context.Background()
	h := open(t, database, Options{undoStep: 1})
	h.activate(t, northwind, start)
	submit(t, h, identify("ann@home.example", "other.example", start+hour), identify("bob@home.example", "", start+hour))
	im, err := h.st.StartImport(ctx, store.Import{Name: "list", Hash: "h1", StartedAt: start})
	if err != nil {
		t.Fatal(err)
	}
	file := []lifecycle.Arrival{works("new@home.example", "acme.example"), works("new@home.example", "bolt.example")}
	if err := h.History(ctx, from(file), HistoryOptions{Import: im.ID}); err != nil {
		t.Fatal(err)
	}
	u := &undoing{e: h.Engine, size: 1, since: map[int64]bool{}}
	if err := u.start(ctx, im.ID); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) error{u.find, u.accounts, u.retract} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	merge := same("ann@home.example", "bob@home.example")
	merge.Input.Actor = "max@northwind.example"
	hand := h
	if database != "" { // or another process does it
		hand = open(t, database, Options{})
	}
	hand.taken(t, placed("bob@home.example", "acme.example", start+2*day), merge)
	if err := u.forget(ctx); err != nil {
		t.Fatal(err)
	}
	key := "acme.example"
	if forgotten {
		id := one(t, h, `SELECT id FROM account WHERE key = 'acme.example'`).(int64)
		if err := u.round(ctx, func(ctx context.Context) error { return h.forgetAccounts(ctx, []int64{id}) }); err != nil {
			t.Fatal(err)
		}
		key = fmt.Sprintf("name:#%d", id)
	}
	u.stop()
	if err := h.Undo(ctx, im.ID, nil); err != nil { // the rest of it
		t.Fatal(err)
	}
	expect(t, h, `SELECT count(*) FROM account WHERE key = 'bolt.example'`, 0)
	h.taken(t, apart("bob@home.example"), did("cia@home.example", "page_viewed", start+3*day))
	expect(t, h, `SELECT a.key FROM lead l JOIN account a ON a.id = l.account WHERE l.email = 'bob@home.example'`, key)
	h.taken(t, did("bob@home.example", "page_viewed", start+4*day))
	settled(t, h)
	verify(t, h)
}

// An account that a lead named which is in another by hand is there when the import is gone that named it too.
func TestUndoLeavesAccountNamed(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		ctx := context.Background()
		h := open(t, database, Options{})
		h.activate(t, northwind, start)
		submit(t, h, identify("ann@home.example", "other.example", start+hour))
		im, err := h.st.StartImport(ctx, store.Import{Name: "list", Hash: "h1", StartedAt: start})
		if err != nil {
			t.Fatal(err)
		}
		file := []lifecycle.Arrival{works("bob@home.example", "acme.example"), works("bob@home.example", "bolt.example")}
		if err := h.History(ctx, from(file), HistoryOptions{Import: im.ID}); err != nil {
			t.Fatal(err)
		}
		merge := same("ann@home.example", "bob@home.example")
		merge.Input.Actor = "max@northwind.example"
		h.taken(t, placed("bob@home.example", "other.example", start+2*day), identify("bob@home.example", "acme.example", start+3*day), merge)
		if err := h.Undo(ctx, im.ID, nil); err != nil {
			t.Fatal(err)
		}
		expect(t, h, `SELECT count(*) FROM account WHERE key = 'acme.example'`, 1)
		expect(t, h, `SELECT count(*) FROM account WHERE key = 'bolt.example'`, 0)
		h.taken(t, apart("bob@home.example"))
		h.taken(t, did("bob@home.example", "page_viewed", start+4*day), did("cia@home.example", "page_viewed", start+4*day))
		expect(t, h, `SELECT count(*) FROM lead WHERE account NOT IN (SELECT id FROM account) AND account <> 0`, 0)
		settled(t, h)
		verify(t, h)
	})
}
