package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/store"
)

// strangers draws people who come with keys that others may have too, are merged and split by hand, and belong to
// companies under several names; and colleagues who are away. Each arrival has a key.
func strangers(seed uint64, name string, n int) []lifecycle.Arrival {
	r := rand.New(rand.NewPCG(seed, 7))
	face := func() identity.Key {
		switch i := r.IntN(12); r.IntN(5) {
		case 0, 1:
			return identity.Key{Kind: identity.Email, Value: fmt.Sprintf("p%d@acme.example", i)}
		case 2:
			return identity.Key{Kind: identity.External, Value: fmt.Sprintf("user:%d", i)}
		default:
			return identity.Key{Kind: identity.Anonymous, Value: fmt.Sprintf("b%d", i)}
		}
	}
	firms := [][2]string{{"acme.example", ""}, {"acme.example", "Acme Works"}, {"name:acme works", "ACME Works AB"}, {"name:acme work", "Acme Work"},
		{"acme-works.example", "Acme Works"}, {"name:bolt", "Bolt"}, {"bolt.example", "Bolt Ltd"}, {"bolt.example", "bolt.example"}}
	list := make([]lifecycle.Arrival, 0, n)
	for i := range n {
		a := lifecycle.Arrival{Keys: []identity.Key{face()}, Input: lifecycle.Input{Source: name, Key: fmt.Sprintf("%s:%05d", name, i)}}
		for range r.IntN(3) {
			a.Keys = append(a.Keys, face())
		}
		in := &a.Input
		switch r.IntN(16) {
		case 0:
			in.Kind, in.Actor, a.Keys, a.Other = lifecycle.Merge, "max@northwind.example", a.Keys[:1], []identity.Key{face()}
		case 1:
			in.Kind, in.Actor, a.Keys = lifecycle.Split, "max@northwind.example", a.Keys[:1]
		case 2, 3, 4:
			firm := firms[r.IntN(len(firms))]
			in.Kind, a.Account, a.AccountName = lifecycle.Identify, firm[0], firm[1]
			in.Values = []lifecycle.Named{{Name: "company.employees", Value: agreement.NumberValue(float64(r.IntN(3) * 150))},
				{Name: "country", Value: agreement.TextValue([]string{"SE", "DE"}[r.IntN(2)])}}
		case 5:
			firm := firms[r.IntN(len(firms))]
			in.Kind, in.Actor, a.Account, a.AccountName = lifecycle.JoinAccount, "max@northwind.example", firm[0], firm[1]
		case 6:
			in.Kind, in.Name = lifecycle.Consented, []string{"granted", "withdrawn"}[r.IntN(2)]
		case 7, 8:
			in.Kind, in.Actor = lifecycle.Accept, team[r.IntN(3)]
		case 9:
			in.Kind, in.Actor, in.Name = lifecycle.Reject, team[r.IntN(3)], "timing"
		case 10:
			if r.IntN(4) == 0 {
				in.Kind, in.Name, a.Keys = lifecycle.Absent, team[r.IntN(3)], nil
				in.Due = int64(r.IntN(40)) * hour // for so long
				break
			}
			in.Kind, in.Name = lifecycle.Did, "demo_requested"
		case 11, 12:
			in.Kind, in.Name = lifecycle.Did, "demo_requested"
		default:
			in.Kind, in.Name = lifecycle.Did, "page_viewed"
		}
		list = append(list, a)
	}
	return list
}

// storms is how many seeds the storm has: BATON_STORMS says it.
func storms() int {
	var n int
	if _, err := fmt.Sscan(os.Getenv("BATON_STORMS"), &n); err == nil {
		return n
	}
	if os.Getenv("BATON_SOAK") != "" {
		return 60
	}
	return 2
}

// Whatever several processes do to the same few people at once, with connections that are cut in the middle: each
// arrival is there once and about whom its keys lead to, and everything decided again comes out the same.
func TestStorm(t *testing.T) {
	server := pgtest.Server(t, "fsync=off", "full_page_writes=off", "deadlock_timeout=20ms")
	first := uint64(0)
	fmt.Sscan(os.Getenv("BATON_STORM"), &first)
	for seed := first; seed < first+uint64(storms()); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { storm(t, server.Database(t), seed) })
	}
}

func storm(t *testing.T, url string, seed uint64) {
	ctx := context.Background()
	var now atomic.Int64
	now.Store(start + 30*day)
	clock := func() time.Time { return time.UnixMicro(now.Load()) }
	r := rand.New(rand.NewPCG(seed, 8))
	engines := make([]*house, 3+seed%2)
	for i := range engines {
		engines[i] = open(t, url, Options{Clock: clock, Cached: []int{3, 40}[r.IntN(2)], Batch: []int{7, 60}[r.IntN(2)]})
	}
	engines[0].activate(t, northwind, start)
	killer, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer killer.Close(ctx)

	lists := map[string][]lifecycle.Arrival{}
	var lock sync.Mutex
	outcomes := map[string]Outcome{}
	var running, ticking sync.WaitGroup
	fine := func(err error) bool { // a connection that was cut
		text := fmt.Sprint(err)
		return errors.Is(err, store.ErrUnsure) || strings.Contains(text, "57P01") || strings.Contains(text, "conn closed") || strings.Contains(text, "EOF") || strings.Contains(text, "bad connection") ||
			strings.Contains(text, "connection reset") || strings.Contains(text, "broken pipe")
	}
	for i := range engines {
		name := fmt.Sprintf("client%d", i)
		list := strangers(seed*10+uint64(i), name, 150)
		lists[name] = list
		for twice := range 2 { // everything is sent twice, by way of two processes
			running.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(100+2*i+twice)))
				for from := 0; from < len(list); {
					n := min(len(list)-from, 1+r.IntN(6))
					part := slices.Clone(list[from : from+n])
					at := now.Add(r.Int64N(40 * int64(60*second)))
					for j := range part {
						in := &part[j].Input
						in.At, in.Known = at, at
						if in.Kind == lifecycle.Absent {
							in.Due += at
						}
					}
					out, err := engines[(i+twice)%len(engines)].Submit(ctx, part)
					if fine(err) {
						continue
					}
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					lock.Lock()
					for j := range out {
						key := part[j].Input.Key
						if have, ok := outcomes[key]; ok && have.Input != out[j].Input && out[j].Err == nil && have.Err == nil {
							t.Errorf("%s %s was acknowledged as input %d and as %d", part[j].Input.Kind, key, have.Input, out[j].Input)
						}
						outcomes[key] = out[j]
						if out[j].Err != nil {
							t.Errorf("%s %s of %v: %v", part[j].Input.Kind, key, part[j].Keys, out[j].Err)
						}
					}
					lock.Unlock()
					from += n
				}
			})
		}
	}
	imported := strangers(seed*10+9, "file", 120)
	imported = slices.DeleteFunc(imported, func(a lifecycle.Arrival) bool { return aboutTeam(a.Input.Kind) })
	for i := range imported {
		imported[i].Input.Known = start + 20*day + int64(i)*hour/2
		imported[i].Input.At = imported[i].Input.Known
	}
	im, err := engines[0].st.StartImport(ctx, store.Import{Name: "file", File: "f.csv", Hash: "h", StartedAt: now.Load()})
	if err != nil {
		t.Fatal(err)
	}
	running.Go(func() {
		for {
			_, err := engines[1].st.StartImport(ctx, store.Import{Hash: "h"})
			if err == nil {
				err = engines[1].History(ctx, from(imported), HistoryOptions{Import: im.ID, Batch: 10 + int(seed%3)*20})
			}
			if err == nil {
				return
			}
			if !fine(err) {
				t.Errorf("import: %v", err)
				return
			}
		}
	})
	stop := make(chan struct{})
	for i, h := range engines {
		ticking.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				if _, err := h.Tick(ctx, now.Load()); err != nil && !fine(err) {
					t.Errorf("engine %d: timers: %v", i, err)
					return
				}
			}
		})
	}
	ticking.Go(func() {
		r := rand.New(rand.NewPCG(seed, 3))
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(r.Int64N(int64(60 * time.Millisecond)))):
			}
			switch r.IntN(4) {
			case 0:
				source := strings.Replace(northwind, "size:    {points: 40", fmt.Sprintf("size:    {points: %d", 41+n%50), 1)
				if _, err := engines[r.IntN(len(engines))].Activate(ctx, compile(t, source), []byte(source), "northwind.yaml", now.Load()); err != nil && !fine(err) {
					t.Errorf("activating: %v", err)
				}
			case 1:
				if seed%2 == 0 {
					if _, err := killer.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE '%transaction%' LIMIT 1`); err != nil {
						t.Error(err)
					}
				}
			}
		}
	})
	running.Wait()
	close(stop)
	ticking.Wait()
	h := engines[r.IntN(len(engines))]
	if _, err := h.Tick(ctx, now.Load()); err != nil && !fine(err) {
		t.Fatal(err)
	}

	lists["file"] = imported
	checkStorm(t, h, lists)
	var deadlocks int64
	if err := killer.QueryRow(ctx, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks); err == nil {
		t.Logf("%d deadlocks", deadlocks)
	}
}

func checkStorm(t *testing.T, h *house, lists map[string][]lifecycle.Arrival) {
	t.Helper()
	ctx := context.Background()
	verify(t, h)
	arrivals := map[string]*lifecycle.Arrival{}
	for _, list := range lists {
		for i := range list {
			arrivals[list[i].Input.Key] = &list[i]
		}
	}
	owner := map[string]int64{}
	found, err := h.st.Query(ctx, `SELECT kind, value, lead FROM key`)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range found.Rows {
		owner[fmt.Sprint(row[0], row[1])] = row[2].(int64)
	}
	seen := map[string]int{}
	merged := map[int64]int64{}
	alive := func(lead int64) int64 {
		for merged[lead] != 0 {
			lead = merged[lead]
		}
		return lead
	}
	err = h.st.EachInput(ctx, 0, func(in lifecycle.Input, decision []byte) error {
		switch in.Kind {
		case lifecycle.Merged:
			if merged[in.Lead] != 0 {
				t.Errorf("input %d merges lead %d, which is gone", in.ID, in.Lead)
			}
			merged[in.Lead] = in.Other
		case lifecycle.Restored:
			if merged[in.Lead] != in.Other {
				t.Errorf("input %d restores lead %d from %d; it went into %d", in.ID, in.Lead, in.Other, merged[in.Lead])
			}
			merged[in.Lead] = 0
		default:
			if merged[in.Lead] != 0 {
				t.Errorf("input %d is %s of lead %d, which is gone", in.ID, in.Kind, in.Lead)
			}
		}
		a := arrivals[in.Key]
		if in.Key == "" || a == nil {
			return nil
		}
		seen[in.Key]++
		if bytes.Contains(decision, []byte(`"refused":"`)) || in.Kind == lifecycle.Merge || in.Kind == lifecycle.Split || aboutTeam(in.Kind) {
			return nil
		}
		if !slices.ContainsFunc(a.Keys, func(k identity.Key) bool { return alive(owner[fmt.Sprint(int64(k.Kind), k.Value)]) == in.Lead }) {
			t.Errorf("input %d, %s of %v, is about lead %d", in.ID, in.Kind, a.Keys, in.Lead)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, a := range arrivals {
		if seen[key] != 1 {
			t.Errorf("%s %s is there %d times", a.Input.Kind, key, seen[key])
		}
	}
	for _, q := range []string{
		`SELECT m.id, m.open, count(h.id) FROM member m LEFT JOIN handoff h ON h.owner = m.id AND h.closed_at IS NULL AND h.accepted_at IS NULL GROUP BY m.id, m.open HAVING m.open <> count(h.id)`,
		`SELECT l.id FROM lead l LEFT JOIN visit v ON v.lead = l.id AND v.left_at IS NULL GROUP BY l.id, l.stage HAVING count(v.id) <> 1 OR min(v.stage) <> l.stage`,
		`SELECT input, error FROM problems`,
		`SELECT id FROM lead WHERE version <> (SELECT max(version) FROM agreement) AND outcome = ''`,
		`SELECT id FROM visit WHERE lead NOT IN (SELECT id FROM lead)`,
		`SELECT id FROM visit v WHERE v.left_at IS NULL AND v.id NOT IN (SELECT visit FROM lead)`,
		`SELECT id, lead, state FROM handoff h WHERE h.lead NOT IN (SELECT id FROM lead) AND h.closed_at IS NULL AND h.state IN ('open', 'escalated')`,
		`SELECT id, lead FROM clock k WHERE k.lead NOT IN (SELECT id FROM lead) AND k.stopped_at IS NULL`,
		`SELECT lead FROM merged WHERE lead IN (SELECT id FROM lead)`,
		`SELECT kind, value, lead FROM key WHERE lead NOT IN (SELECT id FROM lead) AND lead NOT IN (SELECT lead FROM merged)`,
		`SELECT i.id, i.lead, i.prev FROM input i JOIN input p ON p.id = i.prev WHERE p.lead <> i.lead OR p.id >= i.id`,
		`SELECT prev, count(*) FROM input WHERE prev <> 0 GROUP BY prev HAVING count(*) > 1`,
		`SELECT arrivals FROM import WHERE arrivals < ` + fmt.Sprint(len(lists["file"])),
	} {
		found, err := h.st.Query(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(([][]any)(nil), found.Rows); diff != "" {
			t.Errorf("%s\n%.2000s", q, diff)
		}
	}
}
