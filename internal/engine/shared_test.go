package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/store"
)

// Several processes on one database decide as one would: each input once, whoever is sent it and however often; the
// roster in step with the leads; everything decided again, in the order of the numbers, to the byte.
func TestSharedDatabase(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	var now atomic.Int64
	now.Store(start + day)
	clock := func() time.Time { return time.UnixMicro(now.Load()) }
	engines := make([]*house, 3)
	for i := range engines {
		engines[i] = open(t, url, Options{Clock: clock, Cached: 40, Batch: 60})
		if i == 0 {
			engines[i].activate(t, northwind, start)
		}
	}
	list := arrivals(7, 3000, 240)
	const size = 20
	var batches [][]lifecycle.Arrival
	for part := range slices.Chunk(list, size) {
		batches = append(batches, part)
	}
	var ahead atomic.Int64
	acknowledged := make([]Outcome, len(list))
	var running sync.WaitGroup
	for client := range 6 {
		running.Go(func() {
			r := rand.New(rand.NewPCG(uint64(client), 5))
			for {
				n := int(ahead.Add(1)) - 1
				// two clients send every batch, each to an engine of its own
				b := n / 2
				if b >= len(batches) {
					return
				}
				at := now.Add(r.Int64N(20 * hour / int64(len(batches)) * 30))
				sent := slices.Clone(batches[b])
				for i := range sent {
					sent[i].Input.Values = slices.Clone(sent[i].Input.Values)
					sent[i].Input.Known, sent[i].Input.At = at, min(at, sent[i].Input.At)
				}
				out, err := engines[(client+n)%3].Submit(ctx, sent)
				for errors.Is(err, ErrFull) {
					time.Sleep(time.Millisecond)
					out, err = engines[(client+n)%3].Submit(ctx, sent)
				}
				if err != nil {
					t.Errorf("batch %d: %v", b, err)
					return
				}
				for i := range out {
					if n%2 == 0 {
						acknowledged[b*size+i] = out[i]
					}
				}
			}
		})
	}
	stop := make(chan struct{})
	var ticking sync.WaitGroup
	for _, h := range engines {
		ticking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := h.Tick(ctx, now.Load()); err != nil {
					t.Errorf("timers: %v", err)
					return
				}
			}
		})
	}
	for int(ahead.Load()) < len(batches) {
		time.Sleep(time.Millisecond)
	}
	second := strings.Replace(northwind, "size:    {points: 40", "size:    {points: 45", 1)
	engines[1].activate(t, second, now.Load())
	running.Wait()
	close(stop)
	ticking.Wait()
	if _, err := engines[2].Tick(ctx, now.Load()); err != nil {
		t.Fatal(err)
	}
	for i, h := range engines {
		if _, version := h.Agreement(); version != 2 {
			t.Errorf("engine %d decides by agreement %d", i, version)
		}
	}

	verify(t, engines[0])
	seen := map[string]int{}
	byNumber := map[int64]string{}
	err := engines[0].st.EachInput(ctx, 0, func(in lifecycle.Input, decision []byte) error {
		if in.Key != "" {
			seen[in.Key]++
			byNumber[in.ID] = in.Key
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range list {
		if n := seen[a.Input.Key]; n != 1 {
			t.Errorf("%s is there %d times", a.Input.Key, n)
		}
		if got := byNumber[acknowledged[i].Input]; got != a.Input.Key {
			t.Errorf("%s was acknowledged as input %d, which is %q", a.Input.Key, acknowledged[i].Input, got)
		}
	}
	for _, q := range []string{
		`SELECT m.id, m.open, count(h.id) FROM member m LEFT JOIN handoff h ON h.owner = m.id AND h.closed_at IS NULL AND h.accepted_at IS NULL GROUP BY m.id, m.open HAVING m.open <> count(h.id)`,
		`SELECT l.id FROM lead l LEFT JOIN visit v ON v.lead = l.id AND v.left_at IS NULL GROUP BY l.id, l.stage HAVING count(v.id) <> 1 OR min(v.stage) <> l.stage`,
		`SELECT input, error FROM problems WHERE error NOT LIKE '%there is no such%'`,
		`SELECT k.kind, k.value FROM key k LEFT JOIN lead l ON l.id = k.lead WHERE l.id IS NULL`,
		`SELECT id FROM lead WHERE version <> 2 AND outcome = ''`,
	} {
		found, err := engines[0].st.Query(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(([][]any)(nil), found.Rows); diff != "" {
			t.Errorf("%s\n%.2000s", q, diff)
		}
	}
}

// Of two processes that let an agreement take the place of the same one at the same time, one does: the other is told what applies by now.
func TestSharedDatabaseActivatesOver(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	engines := []*house{open(t, url, Options{}), open(t, url, Options{})}
	engines[0].activate(t, northwind, start)
	moved := errors.New("it has moved on")
	for round := range 4 {
		var together sync.WaitGroup
		versions, errs, seen := make([]int64, 2), make([]error, 2), make([]int64, 2)
		for i, h := range engines {
			source := strings.Replace(northwind, "size:    {points: 40", fmt.Sprintf("size:    {points: %d", 41+2*round+i), 1)
			plan := compile(t, source)
			together.Go(func() {
				versions[i], errs[i] = h.Activate(ctx, plan, []byte(source), "northwind.yaml", start+day, func(active *store.Agreement) error {
					if seen[i] = active.Version; active.Version != int64(round+1) {
						return moved
					}
					return nil
				})
			})
		}
		together.Wait()
		won := slices.Index(errs, nil)
		if won < 0 || !errors.Is(errs[1-won], moved) || versions[won] != int64(round+2) || seen[1-won] != int64(round+2) {
			t.Fatalf("round %d: versions %v, errors %v, seen %v", round, versions, errs, seen)
		}
	}
	if list, err := engines[0].st.AgreementVersions(ctx); err != nil || len(list) != 5 {
		t.Error(len(list), err)
	}
	// whoever was told so goes on
	for _, h := range engines {
		if _, err := h.Tick(ctx, start+2*day); err != nil {
			t.Error(err)
		}
		if _, version := h.Agreement(); version != 5 {
			t.Errorf("an engine decides by agreement %d", version)
		}
	}
}

// Leads that are offered by two processes at the same time are shared out as by one: everybody is within a lead of their share.
func TestSharedDatabaseIsFair(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	a, b := open(t, url, Options{}), open(t, url, Options{})
	a.activate(t, northwind, start)
	var running sync.WaitGroup
	const each = 150
	for i, h := range []*house{a, b} {
		running.Go(func() {
			for n := range each {
				arrival := lifecycle.Arrival{Keys: []identity.Key{{Kind: identity.Email, Value: fmt.Sprintf("p%d-%d@x%d.example", i, n, n)}}, Input: lifecycle.Input{Kind: lifecycle.Did, Name: "demo_requested", At: start + day, Known: start + day}}
				first := lifecycle.Arrival{Keys: arrival.Keys, Input: lifecycle.Input{Kind: lifecycle.Identify, At: start + day, Known: start + day, Values: []lifecycle.Named{{Name: "country", Value: agreement.TextValue("SE")}}}}
				if _, err := h.Submit(ctx, []lifecycle.Arrival{first, arrival}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	found, err := a.st.Query(ctx, `SELECT owner, count(*) FROM handoffs GROUP BY owner ORDER BY owner`)
	if err != nil {
		t.Fatal(err)
	}
	// Ann has weight 1, Bob weight 2
	want := [][]any{{"ann@northwind.example", int64(2 * each / 3)}, {"bob@northwind.example", int64(4 * each / 3)}}
	if diff := cmp.Diff(want, found.Rows); diff != "" {
		t.Errorf("owners (-fair +shared out):\n%s", diff)
	}
	verify(t, a)
}

// The state of a round that another process was in the way of is dropped.
func TestAgain(t *testing.T) {
	if store.Again(errors.New("the disk is full")) || !store.Again(fmt.Errorf("reading: %w", store.ErrAgain)) {
		t.Error("what may be tried again is told wrong")
	}
}

// Two processes that take numbers at the same moment may get every other one. Whoever then waits for a lock must not use the lower
// ones: what the other has decided meanwhile may have a higher number.
func TestNumbersTakenInTurns(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	WithCompany(t, url)
	h := open(t, url, Options{})
	h.activate(t, northwind, start)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.begin(ctx); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		ours []int
		kept bool
	}{{[]int{1, 3}, false}, {[]int{1, 2, 3}, true}, {[]int{1, 2}, false}} {
		taken, err := h.tx.Numbers(ctx, 4)
		if err != nil {
			t.Fatal(err)
		}
		h.numbers.free, h.locks.since = nil, true
		for _, i := range test.ours {
			h.numbers.free = append(h.numbers.free, taken[i])
			h.numbers.last = taken[i]
		}
		if err := h.numbered(ctx); err != nil {
			t.Fatal(err)
		}
		if kept := h.nextID == taken[1]; kept != test.kept || !kept && h.nextID <= taken[3] {
			t.Errorf("%v of the numbers %v are ours: %d is next", test.ours, taken, h.nextID)
		}
	}
	h.numbers.free = nil
	h.finish(ctx, errors.New("enough"))
	h.broken = nil
}

// A round that another process was in the way of leaves nothing in memory, and what was in memory before stays.
func TestRoundInTheWayKeepsTheOthers(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	WithCompany(t, url)
	h := open(t, url, Options{})
	h.activate(t, northwind, start)
	var list []lifecycle.Arrival
	for i := range 100 {
		list = append(list, works(fmt.Sprintf("p%d@acme.example", i), "acme.example"))
	}
	h.taken(t, list...)
	round := []lifecycle.Arrival{doing("demo_requested", mail("p1@acme.example")), doing("demo_requested", mail("new@acme.example")), works("p2@acme.example", "other.example")}
	h.mu.Lock()
	h.live = true
	tried := 0
	err := h.try(ctx, func() error {
		tried++
		if kept := len(h.cache.leads); tried == 2 && kept != 98 {
			t.Errorf("%d leads are in memory when it is tried again, want the 98 that it was not about", kept)
		}
		if err := h.ready(ctx); err != nil {
			return err
		}
		if err := h.begin(ctx); err != nil {
			return err
		}
		all := slices.Clone(round)
		err := h.gather(ctx, all, nil)
		if err == nil {
			err = h.arrivals(ctx, all, func(int, Outcome) {})
		}
		if err == nil && tried == 1 {
			err = store.ErrAgain
		}
		return h.finish(ctx, err)
	})
	h.live = false
	h.mu.Unlock()
	if err != nil || tried != 2 {
		t.Fatalf("tried %d times: %v", tried, err)
	}
	submit(t, h, doing("page_viewed", mail("p1@acme.example")), doing("page_viewed", mail("p5@acme.example")))
	expect(t, h, `SELECT count(*) FROM activities`, 4)
	expect(t, h, `SELECT count(*) FROM leads`, 101)
	expect(t, h, `SELECT count(*) FROM leads l JOIN accounts a ON a.id = l.account_id WHERE a.key = 'other.example'`, 1)
	verify(t, h)
	again := open(t, h.path, Options{})
	if a, b := fmt.Sprint(h.roster), fmt.Sprint(again.roster); a != b {
		t.Errorf("the roster in memory is\n%s\nand stored\n%s", a, b)
	}
}
