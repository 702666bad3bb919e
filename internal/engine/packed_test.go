package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
	if keys := all.Rows[0][0].(int64); p.step > readAccounts && int64(len(p.keys)) != keys {
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
	for seed := range uint64(max(6, storms())) {
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
	if n.leads < 1000 || n.accounts < 100 || n.keys < 1000 || n.free < 100 || n.told < 1000 || n.fresh < 1000 {
		t.Errorf("too little was packed to tell: %+v", n)
	}
}
