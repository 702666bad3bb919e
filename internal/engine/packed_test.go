package engine

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// packs counts what a test found packed.
type packs struct{ leads, accounts, keys, free, told, fresh int }

// checkPacked compares all that is packed and would be used with the database.
func checkPacked(t *testing.T, h *house, n *packs) {
	t.Helper()
	ctx := t.Context()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.wait(); err != nil {
		t.Fatal(err)
	}
	p := h.memory()
	if p == nil {
		return
	}
	var leads, accounts []int64
	for id := range h.nextID {
		if h.cache.leads[id] == nil {
			leads = append(leads, id)
		}
		if h.accounts[id] == nil {
			accounts = append(accounts, id)
		}
	}
	stored, err := h.st.Leads(ctx, leads)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range leads {
		r, err := p.lead(id)
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			continue
		}
		n.leads++
		if stored[id] == nil {
			t.Fatalf("lead %d is packed and not in the database", id)
		}
		if is, was := string(r.Pack(nil)), string(stored[id].Pack(nil)); is != was || !stored[id].Packs() {
			t.Fatalf("lead %d is packed as\n%q\nand in the database\n%q", id, is, was)
		}
	}
	kept := map[int64]*store.AccountRecord{}
	list, err := h.st.Accounts(ctx, accounts)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		kept[a.Account.ID] = a
		if id, ok := p.owner(identity.Key{Kind: accountKey, Value: a.Account.Key}); ok && id != a.Account.ID {
			t.Fatalf("the key %s of account %d is packed as that of %d", a.Account.Key, a.Account.ID, id)
		}
	}
	for _, id := range accounts {
		a, err := p.account(id)
		if err != nil {
			t.Fatal(err)
		}
		if a == nil {
			continue
		}
		n.accounts++
		if kept[id] == nil {
			t.Fatalf("account %d is packed and not in the database", id)
		}
		if is, was := string(a.Pack(nil)), string(kept[id].Pack(nil)); is != was {
			t.Fatalf("account %d is packed as\n%q\nand in the database\n%q", id, is, was)
		}
	}
	all, err := h.st.Query(ctx, `SELECT (SELECT count(*) FROM key) + (SELECT count(*) FROM account)`)
	if err != nil {
		t.Fatal(err)
	}
	if keys := all.Rows[0][0].(int64); p.step > readAccounts && p.keys != nil && int64(len(p.keys)) != keys {
		t.Fatalf("%d keys are packed, of %d", len(p.keys), keys)
	}
	for kind := identity.Email; kind <= identity.Anonymous; kind++ {
		after := identity.Key{Kind: kind}
		if _, err := h.st.EachKey(ctx, after, 1<<20, func(k identity.Key, lead int64) {
			switch id, ok := p.owner(k); {
			case ok && id != lead:
				t.Errorf("the key %v of lead %d is packed as that of %d", k, lead, id)
			case ok:
				n.keys++
			}
		}); err != nil {
			t.Fatal(err)
		}
		if id, ok := p.owner(identity.Key{Kind: kind, Value: "nobody's"}); ok && id != 0 {
			t.Errorf("the key of nobody is packed as that of %d", id)
		} else if ok {
			n.free++
		}
	}
	if p.step > readInputs && p.told.bits != nil {
		if _, err := h.st.EachDedupe(ctx, -1<<63, 1<<20, func(number int64) {
			if n.told++; !p.told.has(number) {
				t.Errorf("the input with the number %d is taken for new", number)
			}
		}); err != nil {
			t.Fatal(err)
		}
		for i := range int64(100) {
			if !p.told.has(i) {
				n.fresh++
			}
		}
	}
}

// readAllIn reads in what is lacking.
func (h *house) readAllIn() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.lacks() {
		h.readIn(context.Background())
	}
}

// everybody are strangers whose inputs come at one time after the other.
func everybody(seed uint64, name string, n int, from, step int64) []lifecycle.Arrival {
	list := slices.DeleteFunc(strangers(seed, name, n), func(a lifecycle.Arrival) bool { return aboutTeam(a.Input.Kind) })
	for i := range list {
		in := &list[i].Input
		in.Known = from + int64(i)*step
		in.At = in.Known
	}
	return list
}

// An engine with hardly any room for what is in use decides and writes what one does that forgets nothing, whether or not it packs what it puts away; and
// what is packed is what is stored, at any time.
func TestPacked(t *testing.T) {
	var n packs
	for seed := range uint64(max(3, storms())) {
		r := rand.New(rand.NewPCG(seed, 9))
		clock := start + 100*day
		now := func() time.Time { return time.UnixMicro(clock) }
		h := open(t, "", Options{Clock: now, Cached: 2, Late: []int{-1, 60}[seed%2], Memory: []int{0, 0, -1}[seed%3], idle: time.Hour})
		if h.packed != nil {
			h.packed.slice = 3 + int(seed)*5
		}
		control := open(t, "", Options{Clock: now, Late: -1, Memory: -1})
		houses := []*house{h, control}
		both := func(do func(h *house) any) {
			t.Helper()
			first := do(h)
			if diff := cmp.Diff(do(control), first, cmpopts.EquateEmpty(), cmpopts.EquateErrors()); diff != "" {
				t.Fatalf("seed %d (-unpacked +packed):\n%s", seed, diff)
			}
		}
		for _, h := range houses {
			h.activate(t, northwind, start-day)
		}
		imports := 0
		list := slices.Concat(everybody(seed, "site", 250, clock, hour), everybody(seed+50, "mail", 250, clock, hour))
		for _, a := range arrivals(seed, 200, 40) {
			a.Input.Source, a.Input.Known = "crm", a.Input.Known+100*day
			list = append(list, a)
		}
		slices.SortStableFunc(list, func(a, b lifecycle.Arrival) int { return int(a.Input.Known - b.Input.Known) })
		for round := range slices.Chunk(list, 5) {
			clock = max(clock, round[len(round)-1].Input.Known)
			if r.IntN(5) == 0 { // it comes twice
				round = append(slices.Clone(round), list[r.IntN(len(list))])
				if last := &round[len(round)-1]; last.Input.Known > clock {
					round = round[:len(round)-1]
				}
			}
			both(func(h *house) any { return submit(t, h, slices.Clone(round)...) })
			checkPacked(t, h, &n)
			both(func(h *house) any { // what is never behind
				h.mu.Lock()
				defer h.mu.Unlock()
				if err := h.wait(); err != nil {
					t.Fatal(err)
				}
				leads, err := h.st.Query(context.Background(), `SELECT id, name, email, source, attributes, stage, owner, due FROM lead ORDER BY id`)
				if err != nil {
					t.Fatal(err)
				}
				return leads.Rows
			})
			switch r.IntN(16) {
			case 0:
				a := pair(t, control, r)
				both(func(h *house) any { return submit(t, h, a) })
			case 1, 2, 3:
				both(func(h *house) any {
					due, err := h.Tick(context.Background(), clock)
					return fmt.Sprint(due, err)
				})
			case 4:
				source := strings.Replace(northwind, "size:    {points: 40", fmt.Sprintf("size:    {points: %d", 41+r.IntN(50)), 1)
				for _, h := range houses {
					h.activate(t, source, clock)
				}
			case 5:
				if imports++; imports > 2 {
					break
				}
				file := everybody(seed+uint64(imports)*100, fmt.Sprint("file", imports), 40, start+20*day, hour)
				both(func(h *house) any {
					im, err := h.st.StartImport(context.Background(), store.Import{Name: "file", File: "f.csv", Hash: fmt.Sprint(imports), StartedAt: clock})
					if err == nil {
						err = h.History(context.Background(), from(file), HistoryOptions{Import: im.ID, Batch: 15})
					}
					return fmt.Sprint(err)
				})
			case 6:
				if imports == 0 {
					break
				}
				both(func(h *house) any {
					list, err := h.st.Imports(context.Background())
					if err == nil {
						err = h.Undo(context.Background(), list[0].ID, nil)
					}
					return fmt.Sprint(err)
				})
			case 7:
				if h.packed == nil {
					break
				}
				h.mu.Lock()
				h.packed.reset() // as after a disk that was full
				h.mu.Unlock()
			}
			for range r.IntN(8) {
				h.mu.Lock()
				if h.lacks() {
					h.readIn(context.Background())
				}
				h.mu.Unlock()
				checkPacked(t, h, &n)
			}
		}
		verify(t, h)
		for _, h := range houses {
			h.shut(t)
		}
		if diff := cmp.Diff(tables(t, control.path), tables(t, h.path)); diff != "" {
			t.Fatalf("seed %d: tables (-unpacked +packed):\n%.3000s", seed, diff)
		}
	}
	t.Logf("found packed: %+v", n)
	if n.leads < 500 || n.accounts < 50 || n.keys < 500 || n.free < 50 || n.told < 500 || n.fresh < 500 {
		t.Errorf("too little was packed to tell: %+v", n)
	}
}

// Whoever is not in memory is made due in the database by what is still on its way there; a lead that is read meanwhile, and looked at, is written as
// not due any more.
func TestWokenOnTheWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baton.db")
	h := open(t, path, Options{Late: -1})
	h.activate(t, northwind, start)
	title := func(s string) lifecycle.Named { return lifecycle.Named{Name: "title", Value: agreement.TextValue(s)} }
	others := func(at int64, text string) {
		for i := range 4 {
			submit(t, h, identify(fmt.Sprintf("x%d@x%d.example", i, i), "", at, title(text)))
		}
	}
	submit(t, h, identify("ann@acme.example", "acme.example", start+hour, title("a")), identify("bob@acme.example", "acme.example", start+hour, title("b")))
	others(start+hour, "x")
	h.shut(t)
	h = open(t, path, Options{Late: -1, Cached: 1})
	submit(t, h, identify("x0@x0.example", "", start+2*hour, title("y")))
	h.readAllIn() // or else it would wait for the disk

	disk, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	slow, err := disk.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	send := func(a lifecycle.Arrival) (turn int64) {
		h.mu.Lock()
		turn = h.turn
		h.mu.Unlock()
		running.Go(func() {
			if _, err := h.Submit(context.Background(), []lifecycle.Arrival{a}); err != nil {
				t.Error(err)
			}
		})
		return turn
	}
	before := send(identify("ann@acme.example", "acme.example", start+day, lifecycle.Named{Name: "company.employees", Value: agreement.NumberValue(300)}))
	h.within(t, "the first is decided", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.turn > before
	})
	send(identify("bob@acme.example", "acme.example", start+2*day, title("c")))
	time.Sleep(300 * time.Millisecond) // he is read while the first is on its way, and waits behind it; without that the test shows less
	if err := slow.Rollback(); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	others(start+3*day, "z") // he leaves the memory
	checkPacked(t, h, &packs{})
	expect(t, h, `SELECT count(*) FROM lead WHERE due <= 1`, 0)
	if n, err := h.Tick(t.Context(), start+5*day); n != 0 || err != nil {
		t.Errorf("%d leads were due (%v)", n, err)
	}
}

// A deal that is done is not looked at again because its owner is away, whether or not it is in memory.
func TestDoneAndReviewed(t *testing.T) {
	var came []string
	for _, cached := range []int{1000, 1} {
		h := open(t, "", Options{Late: -1, Cached: cached})
		h.activate(t, strings.Replace(northwind, "people:\n", "absences:\n  away: {offered: reassign}\npeople:\n", 1), start)
		at := start + 3*hour
		submit(t, h, identify("ann@acme.example", "acme.example", at, lifecycle.Named{Name: "company.employees", Value: agreement.NumberValue(300)},
			lifecycle.Named{Name: "country", Value: agreement.TextValue("SE")}), did("ann@acme.example", "demo_requested", at+second))
		owner := fmt.Sprint(one(t, h, `SELECT owner FROM lead WHERE id = 1`))
		for i, kind := range []lifecycle.InputKind{lifecycle.Accept, lifecycle.Win} {
			a := did("ann@acme.example", "", at+int64(2+i)*second)
			a.Input.Kind, a.Input.Actor, a.Input.Value = kind, owner, 1000
			if out := submit(t, h, a); out[0].Decision.Refused != "" {
				t.Fatal(out[0].Decision.Refused)
			}
		}
		for i := range 4 {
			submit(t, h, identify(fmt.Sprintf("x%d@x%d.example", i, i), "", at+4*second))
		}
		submit(t, h, lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Absent, Name: owner, Due: at + 20*day, At: at + hour, Known: at + hour}})
		submit(t, h, did("ann@acme.example", "page_viewed", at+2*hour))
		rows, err := h.st.Query(t.Context(), `SELECT id, kind, lead FROM input WHERE lead IN (0, 1) ORDER BY id`)
		if err != nil {
			t.Fatal(err)
		}
		came = append(came, fmt.Sprint(rows.Rows))
	}
	if came[0] != came[1] {
		t.Errorf("in memory\n%s\nnot\n%s", came[0], came[1])
	}
}

// A lead that came back from a merge that an import brought, with a company of which nothing is known since the import was undone, is in no company.
func TestSplitAfterUndo(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	ann := works("ann@home.example", "other.example")
	ann.Input.At, ann.Input.Known = start+hour/2, start+hour/2
	submit(t, h, ann, did("bob@home.example", "page_viewed", start+hour))
	file := []lifecycle.Arrival{works("bob@home.example", "acme.example"), same("ann@home.example", "bob@home.example")}
	file[1].Input.Actor = "max@northwind.example"
	for i := range file {
		file[i].Input.At, file[i].Input.Known = start+2*day, start+2*day
	}
	im, err := h.st.StartImport(t.Context(), store.Import{Name: "file", File: "f.csv", Hash: "h", StartedAt: start + day})
	if err == nil {
		err = h.History(t.Context(), from(file), HistoryOptions{Import: im.ID})
	}
	if err == nil {
		err = h.Undo(t.Context(), im.ID, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	expect(t, h, `SELECT count(*) FROM account WHERE key = 'acme.example'`, 0)
	expect(t, h, `SELECT count(*) FROM merged`, 1)
	split := doing("", mail("bob@home.example"))
	split.Input.Kind, split.Input.Actor, split.Input.At, split.Input.Known = lifecycle.Split, "max@northwind.example", start+400*day, start+400*day
	if out := submit(t, h, split, did("cia@home.example", "page_viewed", start+400*day)); out[0].Decision.Refused != "" || out[0].Err != nil {
		t.Errorf("%s %v", out[0].Decision.Refused, out[0].Err)
	}
	expect(t, h, `SELECT count(*) FROM lead WHERE account = 0`, 2)
	expect(t, h, `SELECT count(*) FROM merged`, 0)
	verify(t, h)
}
