package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/replay"
	"baton/internal/store"
)

// visits draws people who come with keys that others may have too, and are merged and split by hand.
func visits(seed uint64, n int, at int64) []lifecycle.Arrival {
	r := rand.New(rand.NewPCG(seed, 1))
	var faces []identity.Key
	for i := range 5 {
		faces = append(faces, identity.Key{Kind: identity.Email, Value: fmt.Sprintf("p%d@acme.example", i)}, identity.Key{Kind: identity.Anonymous, Value: fmt.Sprintf("b%d", i)},
			identity.Key{Kind: identity.Anonymous, Value: fmt.Sprintf("c%d", i)})
	}
	faces = append(faces, identity.Key{Kind: identity.External, Value: "user:1"}, identity.Key{Kind: identity.Phone, Value: "+46812345678"})
	face := func() identity.Key { return faces[r.IntN(len(faces))] }
	firms := [][2]string{{"acme.example", ""}, {"acme.example", "Acme Works"}, {"name:acme works", "ACME Works AB"}, {"name:acme work", "Acme Work"},
		{"acme-works.example", "Acme Works"}, {"name:bolt", "Bolt"}, {"bolt.example", "Bolt Ltd"}, {"bolt.example", "bolt.example"}}
	list := make([]lifecycle.Arrival, 0, n)
	for range n {
		at += int64(r.IntN(200)) * 60_000_000
		a := lifecycle.Arrival{Input: lifecycle.Input{At: at, Known: at, Source: "noise"}, Keys: []identity.Key{face()}}
		for range r.IntN(3) {
			a.Keys = append(a.Keys, face())
		}
		in := &a.Input
		switch r.IntN(12) {
		case 0:
			in.Kind, in.Actor, a.Keys, a.Other = lifecycle.Merge, "boss@northwind.example", a.Keys[:1], []identity.Key{face()}
		case 1:
			in.Kind, in.Actor, a.Keys = lifecycle.Split, "boss@northwind.example", a.Keys[:1]
		case 2, 3:
			in.Kind, in.Values = lifecycle.Identify, []lifecycle.Named{{Name: "company.employees", Value: agreement.NumberValue(float64(r.IntN(2) * 300))}}
			firm := firms[r.IntN(len(firms))]
			a.Account, a.AccountName = firm[0], firm[1]
		case 4:
			in.Kind, in.Values = lifecycle.Identify, []lifecycle.Named{{Name: "title", Value: agreement.TextValue([]string{"COO", "CTO"}[r.IntN(2)])}}
		case 5:
			in.Kind, in.Name = lifecycle.Consented, []string{"granted", "withdrawn", "objected"}[r.IntN(3)]
		case 6:
			in.Kind, in.Actor = lifecycle.Accept, []string{"jonas@northwind.example", "lena@northwind.example"}[r.IntN(2)]
		case 7, 8:
			in.Kind, in.Name = lifecycle.Did, "demo_requested"
		case 9:
			if r.IntN(3) == 0 {
				firm := firms[r.IntN(len(firms))]
				in.Kind, in.Actor, a.Account, a.AccountName = lifecycle.JoinAccount, "boss@northwind.example", firm[0], firm[1]
				break
			}
			fallthrough
		default:
			in.Kind, in.Name = lifecycle.Did, "page_viewed"
		}
		list = append(list, a)
	}
	return list
}

// Whoever comes with whichever keys, and is merged and split: the engine comes to the same inputs, decisions and states as a world in memory,
// however many inputs share a transaction, also when it is started again in between; and its record verifies.
func TestMergesAsInAWorld(t *testing.T) {
	merges, splits := asInAWorld(t, 16, true, func() string { return filepath.Join(t.TempDir(), "baton.db") })
	if merges < 80 || splits < 15 {
		t.Errorf("%d merges and %d splits: too few to show anything", merges, splits)
	}
}

func TestMergesAsInAWorldOnPostgreSQL(t *testing.T) {
	server := pgtest.Server(t, "fsync=off", "full_page_writes=off")
	asInAWorld(t, 4, false, func() string { return server.Database(t) }) // numbers that were taken and not used are lost
}

func asInAWorld(t *testing.T, seeds uint64, restart bool, database func() string) (merges, splits int) {
	t.Helper()
	data, err := os.ReadFile("../../testdata/scenario/merge-anonymous.txtar")
	if err != nil {
		t.Fatal(err)
	}
	s, err := replay.ParseScenario("merge-anonymous.txtar", data)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range seeds {
		list := visits(seed, 120, 1_772_445_600_000_000)
		var want []decided
		w := replay.NewWorld(s.Plan, 1)
		w.Remember = true
		w.Observe = func(in *lifecycle.Input, d *lifecycle.Decision, _ *lifecycle.View) {
			want = append(want, decided{*in, string(d.AppendJSON(nil))})
			switch {
			case d.Refused != "":
			case in.Kind == lifecycle.Merge:
				merges++
			case in.Kind == lifecycle.Split:
				splits++
			}
		}
		for i := range list {
			a := list[i]
			w.Take(&a)
			if err := w.Check(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		compareWithWorld(t, seed, s, w, want, list, restart, database())
	}
	return merges, splits
}

func compareWithWorld(t *testing.T, seed uint64, s *replay.Scenario, w *replay.World, want []decided, list []lifecycle.Arrival, restart bool, database string) {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	compile := engine.Options{Cached: 5, Memory: 16 << 20, Compile: func(*store.Agreement) (*agreement.Plan, error) { return s.Plan, nil }}
	en, err := engine.New(st, compile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := en.Activate(ctx, s.Plan, s.Source, "agreement.yaml", 0); err != nil {
		t.Fatal(err)
	}
	half := len(list) / 2
	for i, part := range [...][]lifecycle.Arrival{list[:half], list[half:]} {
		if i == 1 && restart && seed%2 == 0 {
			if err := en.Close(); err != nil {
				t.Fatal(err)
			}
			if en, err = engine.New(st, compile); err != nil {
				t.Fatal(err)
			}
		}
		err := en.History(ctx, func(yield func(*lifecycle.Arrival) error) error {
			for i := range part {
				a := part[i]
				if err := yield(&a); err != nil {
					return err
				}
			}
			return nil
		}, engine.HistoryOptions{Batch: []int{10_000, 30, 7}[seed%3]})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	if err := en.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	var verifier replay.Verifier
	verifier.Plan = func(int64) (*agreement.Plan, error) { return s.Plan, nil }
	err = st.EachInput(ctx, 0, func(in lifecycle.Input, decision []byte) error {
		if n >= len(want) {
			t.Fatalf("seed %d: one input more than in memory: %s of lead %d\n%s", seed, in.Kind, in.Lead, decision)
		}
		x := &want[n]
		n++
		if in.ID != x.in.ID || in.Kind != x.in.Kind || in.Lead != x.in.Lead || in.Known != x.in.Known || in.Other != x.in.Other || in.Account != x.in.Account {
			t.Fatalf("seed %d: input %d is %s of lead %d (other %d, account %d) at %d; in memory it is %d, %s of lead %d (other %d, account %d) at %d", seed, in.ID, in.Kind, in.Lead, in.Other, in.Account, in.Known,
				x.in.ID, x.in.Kind, x.in.Lead, x.in.Other, x.in.Account, x.in.Known)
		}
		if string(decision) != x.decision {
			t.Fatalf("seed %d: input %d (%s of lead %d)\non the database %s\nin memory       %s", seed, in.ID, in.Kind, in.Lead, decision, x.decision)
		}
		return verifier.Next(in, in.Version, decision)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != len(want) {
		t.Fatalf("seed %d: %d inputs on the database, %d in memory", seed, n, len(want))
	}
	if verifier.First != nil {
		t.Fatalf("seed %d: %s", seed, verifier.First)
	}
	var ids []int64
	for _, x := range want {
		if x.in.Lead != 0 {
			ids = append(ids, x.in.Lead)
		}
	}
	records, err := st.Leads(ctx, ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		into, err := st.Survivor(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		l := w.Lead(id)
		switch r := records[into]; {
		case l == nil || l.Stage < 0:
		case l.ID != into:
			t.Fatalf("seed %d: lead %d goes on as %d, in memory as %d", seed, id, into, l.ID)
		case into != id && records[id] != nil:
			t.Fatalf("seed %d: lead %d goes on as %d and is there too", seed, id, into)
		case r == nil || !bytes.Equal(lifecycle.AppendLead(nil, r.Lead), lifecycle.AppendLead(nil, l)):
			t.Fatalf("seed %d: lead %d is stored otherwise than it is in memory", seed, into)
		}
	}
	n = 0
	snapshot, err := st.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	err = snapshot.EachActivity(ctx, func(a *store.ActivityRow) error {
		if into, err := st.Survivor(ctx, a.Lead); err != nil || into != a.Lead {
			return fmt.Errorf("an activity is reported for lead %d, which goes on as %d (%v)", a.Lead, into, err)
		}
		n++
		return nil
	})
	if did := one(t, st, `SELECT count(*) FROM activities`); err != nil || fmt.Sprint(n) != did {
		t.Errorf("seed %d: %d of %s activities are reported (%v)", seed, n, did, err)
	}
	noOrphans(t, st)
}

// noOrphans makes sure that every row belongs to a lead that is there, and nobody waits for one that is not.
func noOrphans(t *testing.T, st *store.Store) {
	t.Helper()
	for _, orphans := range []string{
		`SELECT count(*) FROM visit WHERE lead NOT IN (SELECT id FROM lead)`,
		`SELECT count(*) FROM visit v WHERE v.left_at IS NULL AND v.id NOT IN (SELECT visit FROM lead)`,
		`SELECT count(*) FROM handoff h WHERE h.lead NOT IN (SELECT id FROM lead) AND h.closed_at IS NULL AND h.state IN ('open', 'escalated')`,
		`SELECT count(*) FROM clock k WHERE k.lead NOT IN (SELECT id FROM lead) AND k.stopped_at IS NULL`,
		`SELECT count(*) FROM merged WHERE lead IN (SELECT id FROM lead)`,
		`SELECT count(*) FROM key WHERE lead NOT IN (SELECT id FROM lead) AND lead NOT IN (SELECT lead FROM merged)`,
	} {
		if n := one(t, st, orphans); n != "0" {
			t.Errorf("%s: %s", orphans, n)
		}
	}
}

func one(t *testing.T, st *store.Store, query string) string {
	t.Helper()
	table, err := st.Query(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(table.Rows[0][0])
}

// An import is undone after what it brought was merged: also for the lead that is gone, in case it comes back.
func TestUndoAfterMerge(t *testing.T) {
	ctx := context.Background()
	data, err := os.ReadFile("../../testdata/scenario/merge-anonymous.txtar")
	if err != nil {
		t.Fatal(err)
	}
	s, err := replay.ParseScenario("merge-anonymous.txtar", data)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "baton.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	en, err := engine.New(st, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer en.Close()
	if _, err := en.Activate(ctx, s.Plan, s.Source, "agreement.yaml", 0); err != nil {
		t.Fatal(err)
	}
	at := int64(1_772_445_600_000_000)
	arrival := func(kind lifecycle.InputKind, name, who string) lifecycle.Arrival {
		at += 60_000_000
		return lifecycle.Arrival{Input: lifecycle.Input{Kind: kind, Name: name, At: at, Known: at, Source: "test"}, Keys: []identity.Key{{Kind: identity.Email, Value: who}}}
	}
	submit := func(list ...lifecycle.Arrival) {
		t.Helper()
		out, err := en.Submit(ctx, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out {
			if o.Err != nil || o.Decision.Refused != "" {
				t.Fatal(o.Err, o.Decision.Refused)
			}
		}
	}
	submit(arrival(lifecycle.Did, "page_viewed", "anna@acme.example"), arrival(lifecycle.Did, "page_viewed", "anna@home.example"))
	im, err := st.StartImport(ctx, store.Import{Name: "events", File: "events.csv", Hash: "h1", StartedAt: at})
	if err != nil {
		t.Fatal(err)
	}
	list := []lifecycle.Arrival{arrival(lifecycle.Did, "demo_requested", "anna@home.example"), arrival(lifecycle.Did, "demo_requested", "new@home.example")}
	err = en.History(ctx, func(yield func(*lifecycle.Arrival) error) error { return errors.Join(yield(&list[0]), yield(&list[1])) }, engine.HistoryOptions{Import: im.ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"anna@home.example", "new@home.example"} {
		m := arrival(lifecycle.Merge, "", "anna@acme.example")
		m.Other = []identity.Key{{Kind: identity.Email, Value: who}}
		submit(m)
	}
	const activities = `SELECT group_concat(email || ' ' || activities, ', ') FROM (SELECT * FROM leads ORDER BY id)`
	if got := one(t, st, activities); got != "anna@acme.example 4" {
		t.Error(got)
	}
	if err := en.Undo(ctx, im.ID, nil); err != nil {
		t.Fatal(err)
	}
	if got := one(t, st, activities); got != "anna@acme.example 2" {
		t.Error(got)
	}
	submit(arrival(lifecycle.Split, "", "new@home.example"))
	submit(arrival(lifecycle.Split, "", "anna@home.example"))
	if got := one(t, st, activities); got != "anna@acme.example 1, anna@home.example 1" {
		t.Error(got)
	}
	submit(arrival(lifecycle.Did, "page_viewed", "new@home.example"), arrival(lifecycle.Did, "page_viewed", "anna@home.example"))
	if got := one(t, st, activities); got != "anna@acme.example 1, anna@home.example 2, new@home.example 1" {
		t.Error(got)
	}
	noOrphans(t, st)
	verifier := replay.Verifier{Plan: func(int64) (*agreement.Plan, error) { return s.Plan, nil }}
	if err := st.EachInput(ctx, 0, func(in lifecycle.Input, decision []byte) error { return verifier.Next(in, in.Version, decision) }); err != nil || verifier.First != nil {
		t.Fatal(err, verifier.First)
	}
	if fault := verifier.Inspect.Close(verifier.World().Roster); fault != "" {
		t.Error(fault)
	}
}

// Two processes take in people whose keys are those of one another, and merge and split them: nothing is lost, and the record verifies.
func TestMergesOfTwoProcesses(t *testing.T) {
	ctx := context.Background()
	data, err := os.ReadFile("../../testdata/scenario/merge-anonymous.txtar")
	if err != nil {
		t.Fatal(err)
	}
	s, err := replay.ParseScenario("merge-anonymous.txtar", data)
	if err != nil {
		t.Fatal(err)
	}
	database := pgtest.Server(t, "fsync=off", "full_page_writes=off").Database(t)
	at := int64(1_772_445_600_000_000)
	var wait sync.WaitGroup
	var stores [2]*store.Store
	for i := range stores {
		st, err := store.Open(ctx, database)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		stores[i] = st
		en, err := engine.New(st, engine.Options{Compile: func(*store.Agreement) (*agreement.Plan, error) { return s.Plan, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer en.Close()
		if _, err := en.Activate(ctx, s.Plan, s.Source, "agreement.yaml", at); err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			list := visits(uint64(100+i), 150, at)
			for len(list) > 0 {
				part := list[:min(len(list), 5)]
				list = list[len(part):]
				out, err := en.Submit(ctx, part)
				if err != nil {
					t.Errorf("process %d: %v", i, err)
					return
				}
				for j := range out {
					if out[j].Err != nil {
						t.Errorf("process %d: %s of %v: %v", i, part[j].Input.Kind, part[j].Keys, out[j].Err)
					}
				}
			}
		})
	}
	wait.Wait()
	noOrphans(t, stores[0])
	n := 0
	verifier := replay.Verifier{Plan: func(int64) (*agreement.Plan, error) { return s.Plan, nil }}
	err = stores[0].EachInput(ctx, 0, func(in lifecycle.Input, decision []byte) error {
		if in.Kind < lifecycle.Timer && in.Source == "noise" || in.Kind == lifecycle.JoinAccount || in.Kind == lifecycle.Split || in.Kind == lifecycle.Merge && in.Actor != "" {
			n++
		}
		return verifier.Next(in, in.Version, decision)
	})
	if err != nil || n != 300 {
		t.Errorf("%d of 300 arrivals are on record (%v)", n, err)
	}
	if verifier.First != nil {
		t.Error(verifier.First)
	}
}

// Several commands about the same leads can come in one request: each sees what the one before it has done.
func TestMergeAndSplitInOneRequest(t *testing.T) {
	ctx := context.Background()
	data, err := os.ReadFile("../../testdata/scenario/merge-anonymous.txtar")
	if err != nil {
		t.Fatal(err)
	}
	s, err := replay.ParseScenario("merge-anonymous.txtar", data)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "baton.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	en, err := engine.New(st, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer en.Close()
	if _, err := en.Activate(ctx, s.Plan, s.Source, "agreement.yaml", 0); err != nil {
		t.Fatal(err)
	}
	at := int64(1_772_445_600_000_000)
	anna, home, browser := identity.Key{Kind: identity.Email, Value: "anna@acme.example"}, identity.Key{Kind: identity.Email, Value: "anna@home.example"}, identity.Key{Kind: identity.Anonymous, Value: "b1"}
	make := func(kind lifecycle.InputKind, name string, keys ...identity.Key) lifecycle.Arrival {
		return lifecycle.Arrival{Input: lifecycle.Input{Kind: kind, Name: name, At: at, Known: at, Source: "test"}, Keys: keys}
	}
	merge := make(lifecycle.Merge, "", anna)
	merge.Other = []identity.Key{home}
	out, err := en.Submit(ctx, []lifecycle.Arrival{
		make(lifecycle.Did, "demo_requested", anna), make(lifecycle.Did, "demo_requested", browser), make(lifecycle.Did, "demo_requested", home),
		make(lifecycle.Did, "demo_requested", home, browser), // the visitor is absorbed, and the two demos qualify it
		merge, make(lifecycle.Did, "page_viewed", home), make(lifecycle.Split, "", home), make(lifecycle.Did, "page_viewed", home), make(lifecycle.Split, "", browser),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range out {
		if o.Err != nil || o.Decision.Refused != "" {
			t.Errorf("arrival %d: %v %s", i, o.Err, o.Decision.Refused)
		}
	}
	if out[4].Lead != out[0].Lead || out[5].Lead != out[0].Lead || out[7].Lead != out[2].Lead {
		t.Errorf("leads %d, %d, %d and %d", out[0].Lead, out[4].Lead, out[5].Lead, out[7].Lead)
	}
	for query, want := range map[string]string{
		`SELECT group_concat(email || ' ' || stage || ' ' || activities, ', ') FROM (SELECT * FROM leads ORDER BY id)`: "anna@acme.example lead 2,  lead 1, anna@home.example mql 3",
		`SELECT count(*) FROM merged`:                                        "0",
		`SELECT count(*) FROM visit v WHERE v.left_at IS NULL`:               "3",
		`SELECT group_concat(state, ' ') FROM handoffs`:                      "open",
		`SELECT group_concat(state, ' ') FROM clocks`:                        "running",
		`SELECT sum(open) FROM members`:                                      "1",
		`SELECT count(*) FROM jobs WHERE kind = 'offered'`:                   "3", // to whom it was offered first; to the lead that went on; and given back
		`SELECT count(*) FROM visit WHERE lead NOT IN (SELECT id FROM lead)`: "0",
	} {
		if got := one(t, st, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	verifier := replay.Verifier{Plan: func(int64) (*agreement.Plan, error) { return s.Plan, nil }}
	if err := st.EachInput(ctx, 0, func(in lifecycle.Input, decision []byte) error { return verifier.Next(in, in.Version, decision) }); err != nil {
		t.Fatal(err)
	}
	if verifier.First != nil {
		t.Fatal(verifier.First)
	}
	if fault := verifier.Inspect.Close(verifier.World().Roster); fault != "" {
		t.Error(fault)
	}
}
