package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"baton/internal/lifecycle"
)

// image copies a database as a process that is killed at this moment would leave it.
func (h *house) image(t *testing.T) string {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.wait(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.db")
	for _, end := range []string{"", "-wal"} {
		data, err := os.ReadFile(h.path + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+end, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// Killed at any point, a database whose rows are behind comes to the same rows, in every table, as one whose rows never
// are; and so does one that is closed.
func TestRowsBehind(t *testing.T) {
	behindAtAll := 0
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 7))
		h := open(t, "", Options{Late: 60 + int(seed)*40, idle: time.Hour})
		control := open(t, "", Options{Late: -1})
		both := func(round ...lifecycle.Arrival) {
			t.Helper()
			first := submit(t, h, round...)
			if diff := cmp.Diff(submit(t, control, round...), first, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("outcomes (-never behind +behind):\n%s", diff)
			}
		}
		for _, h := range []*house{h, control} {
			h.activate(t, northwind, start-day)
		}
		for round := range slices.Chunk(arrivals(seed, 500, 40), 15) {
			both(round...)
			switch r.IntN(13) {
			case 0:
				both(pair(t, h, r))
			case 7:
				for _, h := range []*house{h, control} {
					_, version := h.Agreement()
					h.activate(t, strings.Replace(northwind, "agreement: Northwind", fmt.Sprint("agreement: Northwind ", version+1), 1), start+400*day)
				}
			case 1, 2:
				now := h.opts.Clock().UnixMicro()
				a, errA := h.Tick(t.Context(), now)
				b, errB := control.Tick(t.Context(), now)
				if a != b || errA != nil || errB != nil {
					t.Fatalf("%d (%v) were due, and %d (%v)", a, errA, b, errB)
				}
			case 3, 4, 5:
				path := h.image(t)
				if lateFrom(t, path) != 0 {
					behindAtAll++
				}
				again := open(t, path, Options{})
				if diff := cmp.Diff(tables(t, control.path), tables(t, path)); diff != "" {
					t.Fatalf("seed %d: tables after a kill (-never behind +behind):\n%.3000s", seed, diff)
				}
				verify(t, again)
				again.shut(t)
			case 6:
				path := h.path
				h.shut(t)
				if diff := cmp.Diff(tables(t, control.path), tables(t, path)); diff != "" {
					t.Fatalf("seed %d: tables after closing (-never behind +behind):\n%.3000s", seed, diff)
				}
				h = open(t, path, h.opts)
				path = control.path
				control.shut(t)
				control = open(t, path, control.opts)
			}
		}
	}
	if behindAtAll < 8 {
		t.Errorf("rows were behind in %d images only", behindAtAll)
	}
}

// pair says of two leads that they are one person, or are not.
func pair(t *testing.T, h *house, r *rand.Rand) lifecycle.Arrival {
	t.Helper()
	leads, err := h.st.Query(t.Context(), `SELECT id FROM leads ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	some := func() int64 { return leads.Rows[r.IntN(len(leads.Rows))][0].(int64) }
	in := lifecycle.Input{Kind: lifecycle.Merge, Lead: some(), Other: some(), Actor: "boss@northwind.example"}
	if r.IntN(3) == 0 {
		in.Kind = lifecycle.Split
	}
	return lifecycle.Arrival{Input: in}
}

// A lead whose row is behind stays in memory, however little room there is; what a killed process leaves is what it would have
// written in the end.
func TestRowsBehindInLittleMemory(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 8))
		h := open(t, "", Options{Late: 100, Cached: 1, idle: time.Hour})
		h.activate(t, northwind, start-day)
		for round := range slices.Chunk(arrivals(seed, 300, 40), 15) {
			submit(t, h, round...)
			if r.IntN(8) == 0 {
				submit(t, h, pair(t, h, r))
			}
		}
		path := h.image(t)
		if lateFrom(t, path) == 0 {
			t.Error("no row is behind")
		}
		open(t, path, Options{}).shut(t)
		verify(t, h)
		h.shut(t)
		if diff := cmp.Diff(tables(t, h.path), tables(t, path)); diff != "" {
			t.Errorf("seed %d: tables (-closed +killed):\n%.3000s", seed, diff)
		}
	}
}

// A lead whose row is on its way to the disk is not read from there: a history decides a round while the one before is written.
func TestRowsOnTheirWay(t *testing.T) {
	for seed := range uint64(3) {
		h := open(t, "", Options{Late: 60, Cached: 1})
		h.activate(t, northwind, start-day)
		if err := h.History(t.Context(), from(arrivals(seed, 3000, 60)), HistoryOptions{Batch: 15}); err != nil {
			t.Fatal(err)
		}
		verify(t, h)
		h.shut(t)
	}
}

// A history takes rows along too, and leaves none behind when it ends; nor does an engine that has nothing to do.
func TestNoRowStaysBehind(t *testing.T) {
	h := open(t, "", Options{Late: 200, idle: 500 * time.Millisecond})
	h.activate(t, northwind, start-day)
	list := arrivals(3, 600, 30)
	if err := h.History(context.Background(), from(list[:400]), HistoryOptions{Batch: 40}); err != nil {
		t.Fatal(err)
	}
	expect(t, h, `SELECT coalesce(min(input), 0) FROM late`, 0)
	var rounds []int
	for part := range slices.Chunk(list[400:], 50) {
		submit(t, h, part...)
		h.mu.Lock()
		rounds = append(rounds, h.late.Len())
		h.mu.Unlock()
	}
	if slices.Max(rounds) == 0 {
		t.Error("no row was ever behind")
	}
	settled := func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.late.Len() == 0 && h.wait() == nil
	}
	for !settled() {
		runtime.Gosched()
	}
	expect(t, h, `SELECT coalesce(min(input), 0) FROM late`, 0)
	expect(t, h, `SELECT count(*) FROM lead l WHERE input <> (SELECT max(id) FROM input WHERE lead = l.id)`, 0)
}
