package engine

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/replay"
	"baton/internal/store"
)

// recorded returns the kind and decision of every input, as stored.
func recorded(t testing.TB, h *house) []string {
	t.Helper()
	var list []string
	err := h.st.EachInput(context.Background(), 0, func(in lifecycle.Input, decision []byte) error {
		list = append(list, in.Kind.String()+" "+string(decision))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// verify decides every stored input again.
func verify(t testing.TB, h *house) {
	t.Helper()
	ctx := context.Background()
	v := &replay.Verifier{Plan: func(version int64) (*agreement.Plan, error) {
		a, err := h.st.AgreementVersion(ctx, version)
		if err != nil {
			return nil, err
		}
		return compileStored(a)
	}}
	err := h.st.EachInput(ctx, 0, func(in lifecycle.Input, decision []byte) error {
		if decision == nil {
			return nil
		}
		return v.Next(in, in.Version, decision)
	})
	if err != nil {
		t.Fatal(err)
	}
	if v.Different > 0 {
		t.Fatalf("%d of %d decisions came out differently; the first: %s", v.Different, v.Inputs, v.First)
	}
}

// The engine on a database decides as the world in memory does, to the byte, whatever the
// size of its transactions and its memory.
func TestHistoryDecidesAsTheWorldDoes(t *testing.T) {
	list := arrivals(1, 2000, 150)
	plan := compile(t, northwind)
	w := replay.NewWorld(plan, 1)
	var want []string
	kinds := map[string]int{}
	w.Observe = func(in *lifecycle.Input, d *lifecycle.Decision, _ *lifecycle.View) {
		want = append(want, in.Kind.String()+" "+string(d.AppendJSON(nil)))
		kinds[in.Kind.String()]++
		for i := range d.Changes {
			kinds[d.Changes[i].Kind.String()]++
		}
	}
	until := list[len(list)-1].Input.Known + 60*day
	for i := range list {
		a := list[i]
		w.Take(&a)
	}
	w.Until(until)
	for _, need := range []string{"timer", "refresh", "clock_breached", "handoff_offered", "handoff_moved", "contact_made", "pass_started", "ledger_moved"} {
		if kinds[need] == 0 {
			t.Errorf("the arrivals lead to no %s: they test too little", need)
		}
	}
	for _, test := range []struct {
		name          string
		batch, cached int
	}{{"large", 2000, 50000}, {"small", 7, 10}, {"one by one", 1, 1}} {
		t.Run(test.name, func(t *testing.T) {
			h := open(t, "", Options{Cached: test.cached})
			h.activate(t, northwind, start-day)
			var last Progress
			err := h.History(context.Background(), from(list), HistoryOptions{Batch: test.batch, Until: until, Progress: func(p Progress) { last = p }})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, recorded(t, h)); diff != "" {
				t.Fatalf("decisions (-world +engine):\n%s", diff)
			}
			if int(last.Inputs) != len(want) || last.Problems != 0 || last.Arrivals != int64(len(list)) {
				t.Errorf("progress %+v, %d inputs", last, len(want))
			}
			verify(t, h)
		})
	}
}

// An import whose process ended in the middle is not on record as running for ever, and goes on when it is begun again.
func TestImportOfAProcessThatEnded(t *testing.T) {
	ctx := context.Background()
	for _, path := range []string{filepath.Join(t.TempDir(), "baton.db"), pgtest.Database(t)} {
		h := open(t, path, Options{})
		h.activate(t, northwind, start)
		im, err := h.st.StartImport(ctx, store.Import{Name: "crm", File: "crm.csv", Hash: "1", StartedAt: start})
		if err != nil || im.State != "running" {
			t.Fatal(im, err)
		}
		h.shut(t)
		h = open(t, path, Options{})
		if im, err = h.st.Import(ctx, im.ID); err != nil || im.State != "stopped" {
			t.Errorf("the import is %s, %v", im.State, err)
		}
		lock, free, err := h.st.LockHistory(ctx)
		if err != nil || !free {
			t.Fatal(free, err)
		}
		again, err := h.st.StartImport(ctx, store.Import{Name: "crm", File: "crm.csv", Hash: "1", StartedAt: start})
		if err != nil || again.ID != im.ID || again.State != "running" {
			t.Errorf("begun again as %+v, %v", again, err)
		}
		if h.st.Shared() { // of another process, as far as this one knows
			if err := h.Undo(ctx, im.ID, nil); err == nil || !strings.Contains(err.Error(), "is being read in") {
				t.Errorf("undone while it runs: %v", err)
			}
		}
		lock.Release()
	}
}
