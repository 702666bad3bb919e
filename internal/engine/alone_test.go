package engine

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/store"
)

// WithCompany has an engine on a database share it with somebody who decides nothing.
func WithCompany(t *testing.T, url string) {
	t.Helper()
	st, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if err := st.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (h *house) within(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not so in time: " + what)
		}
	}
}

// lateRows returns how many leads wait to be written.
func (h *house) lateRows() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.late.Len()
}

// visits are arrivals of so many visitors, all of whose rows may wait.
func visits(n int) []lifecycle.Arrival {
	var list []lifecycle.Arrival
	for i := range n {
		list = append(list, doing("page_viewed", mail(fmt.Sprintf("p%d@x%d.example", i, i))))
	}
	return list
}

// An engine is alone until another comes, lets it in with all that it knows, and is alone again when the other has gone.
func TestAloneUntilAnotherComes(t *testing.T) {
	url := pgtest.Database(t)
	a := open(t, url, Options{idle: time.Hour})
	a.activate(t, northwind, start)
	a.taken(t, visits(600)...)
	a.taken(t, visits(600)...)
	if !a.st.Alone() || a.lateRows() == 0 {
		t.Fatalf("alone: %v; %d rows are behind", a.st.Alone(), a.lateRows())
	}
	b := open(t, url, Options{})
	b.taken(t, visits(3)...)
	if a.st.Alone() || b.st.Alone() || a.lateRows() != 0 {
		t.Errorf("alone: %v and %v; %d rows are behind", a.st.Alone(), b.st.Alone(), a.lateRows())
	}
	var running sync.WaitGroup
	for _, h := range []*house{a, b} {
		running.Go(func() {
			for range 10 {
				h.taken(t, visits(20)...)
			}
		})
	}
	running.Wait()
	out := a.taken(t, visits(600)...)
	b.shut(t)
	a.within(t, "the one that is left is alone again", a.st.Alone)
	if next := a.taken(t, visits(1)...); next[0].Lead != out[0].Lead || next[0].Input <= out[599].Input {
		t.Errorf("input %d about lead %d, after input %d about lead %d", next[0].Input, next[0].Lead, out[599].Input, out[0].Lead)
	}
	if found, err := a.st.Query(t.Context(), `SELECT count(*), min(activities), max(activities) FROM leads`); err != nil || fmt.Sprint(found.Rows) != "[[600 3 25]]" {
		t.Errorf("leads, and activities of them: %v, %v", found, err)
	}
	verify(t, a)
}

// Commands that come and go find a server alone and leave it so.
func TestManyComeAndGo(t *testing.T) {
	url := pgtest.Database(t)
	a := open(t, url, Options{})
	a.activate(t, northwind, start)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			a.taken(t, visits(100)...)
		}
	})
	for range 4 {
		b := open(t, url, Options{})
		b.taken(t, visits(2)...)
		b.shut(t)
	}
	stop()
	running.Wait()
	a.within(t, "alone again", a.st.Alone)
	verify(t, a)
}

// What a process that was alone and is gone had not written, the one that waited for it writes before it decides anything.
func TestLeftBehind(t *testing.T) {
	url := pgtest.Database(t)
	a := open(t, url, Options{idle: time.Hour})
	a.activate(t, northwind, start)
	a.taken(t, visits(600)...)
	a.taken(t, visits(600)...)
	if a.lateRows() == 0 {
		t.Fatal("no row is behind")
	}
	b := open(t, url, Options{})
	c := beside(t, url)
	a.mu.Lock() // it hears of nobody
	var out []Outcome
	var running sync.WaitGroup
	running.Go(func() { out = b.taken(t, visits(2)...) })
	c.waiting(1)
	c.do(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted`)
	running.Wait()
	if found, err := b.st.Query(t.Context(), `SELECT count(*), min(activities), sum(activities) FROM leads`); err != nil || fmt.Sprint(found.Rows) != "[[600 2 1202]]" {
		t.Errorf("leads, and activities of them: %v, %v", found, err)
	}
	a.mu.Unlock()
	// it finds out, and goes on with what the other has decided
	again := a.mustTake(t, visits(2)...)
	if again[0].Lead != out[0].Lead || again[0].Input <= out[1].Input {
		t.Errorf("input %d about lead %d, after input %d about lead %d", again[0].Input, again[0].Lead, out[1].Input, out[0].Lead)
	}
	verify(t, a)
}

// mustTake sends arrivals until they are taken in.
func (h *house) mustTake(t *testing.T, list ...lifecycle.Arrival) (out []Outcome) {
	t.Helper()
	h.within(t, "taken in", func() (ok bool) {
		for i := range list {
			list[i].Input.Lead = 0
		}
		var err error
		out, err = h.Submit(t.Context(), list)
		return err == nil
	})
	return out
}

// A process that is alone and hangs keeps the others away for as long as they wait for a lock, and no longer; what it wakes up with is
// refused.
func TestHangingAlone(t *testing.T) {
	url := pgtest.Database(t)
	a := open(t, url, Options{idle: time.Hour})
	a.activate(t, northwind, start)
	a.taken(t, visits(600)...)
	a.taken(t, visits(600)...)
	b := open(t, url+"&lock_timeout=300", Options{})
	a.mu.Lock()
	out := b.taken(t, visits(2)...)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	refused := make(chan error, 1)
	go func() { // its round was decided before, and comes to be written only now
		defer a.mu.Unlock()
		batch := store.NewBatch()
		batch.Taken(1)
		refused <- a.st.Commit(ctx, batch)
	}()
	if err := <-refused; err == nil {
		t.Error("it wrote as if it were alone")
	}
	again := a.mustTake(t, visits(2)...)
	if again[0].Lead != out[0].Lead || again[0].Input <= out[1].Input {
		t.Errorf("input %d about lead %d, after input %d about lead %d", again[0].Input, again[0].Lead, out[1].Input, out[0].Lead)
	}
	verify(t, b)
}

// A connection that is lost while nothing comes in is found out before anything does.
func TestLostInTheQuiet(t *testing.T) {
	url := pgtest.Database(t)
	a := open(t, url, Options{idle: time.Hour})
	a.activate(t, northwind, start)
	a.taken(t, visits(600)...)
	a.taken(t, visits(600)...)
	c := beside(t, url)
	holder := func() (pid int) {
		if err := c.QueryRow(t.Context(), `SELECT coalesce(max(pid), 0) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	was := holder()
	c.do(`SELECT pg_terminate_backend($1)`, was)
	a.within(t, "alone on another connection", func() bool { now := holder(); return now != 0 && now != was })
	a.taken(t, visits(2)...)
	if found, err := a.st.Query(t.Context(), `SELECT count(*), min(activities), sum(activities) FROM leads`); err != nil || fmt.Sprint(found.Rows) != "[[600 2 1202]]" {
		t.Errorf("leads, and activities of them: %v, %v", found, err)
	}
	verify(t, a)
}

// What somebody else wanted woken is, by one who is alone by then.
func TestWokenAlone(t *testing.T) {
	url := pgtest.Database(t)
	a := open(t, url, Options{})
	a.activate(t, northwind, start)
	lead := a.taken(t, works("one@x.example", "x.example"))[0].Lead
	a.shut(t)
	c := beside(t, url)
	c.do(`INSERT INTO wake (lead, at) VALUES ($1, $2)`, lead, start+day)
	b := open(t, url, Options{})
	if n, err := b.Tick(t.Context(), start+2*day); err != nil || n == 0 {
		t.Errorf("%d looked at, %v", n, err)
	}
	verify(t, b)
}
