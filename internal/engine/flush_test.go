package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// What is acknowledged is on the disk: it is in the files as they were when the latest flush that had ended by then began. Nothing later is sure to
// be left of them when a machine stops.
func TestAcknowledgedIsFlushed(t *testing.T) {
	h := open(t, "", Options{Late: 20})
	h.activate(t, northwind, start-day)
	dir := t.TempDir()
	image := func(n int64) string { return filepath.Join(dir, fmt.Sprintf("%d.db", n)) }
	var flushes, sure atomic.Int64
	h.st.ObserveFlushes(func() func() {
		n := flushes.Add(1)
		for _, end := range []string{"", "-wal"} {
			b, err := os.ReadFile(h.path + end)
			if err == nil {
				err = os.WriteFile(image(n)+end, b, 0o600)
			}
			if err != nil {
				t.Error(err)
			}
		}
		return func() { sure.Store(n) }
	})
	const senders, each = 6, 15
	acknowledged := make(map[int64][]string)
	var lock sync.Mutex
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				a := did(fmt.Sprintf("%d@acme.example", s), "page_viewed", start+int64(i)*hour)
				a.Input.Key = fmt.Sprintf("%d-%d", s, i)
				// sent again at once, as by a client that is in a hurry: it is known then, and may not be on the disk
				twice := make(chan error, 2)
				for range cap(twice) {
					go func() {
						err := h.TakeIn(context.Background(), []lifecycle.Arrival{a})
						n := sure.Load()
						lock.Lock()
						acknowledged[n] = append(acknowledged[n], a.Input.Key)
						lock.Unlock()
						twice <- err
					}()
				}
				for range cap(twice) {
					if err := <-twice; err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	sending.Wait()
	h.st.ObserveFlushes(func() func() { return func() {} })
	checked := 0
	for n, keys := range acknowledged {
		st, err := store.OpenReadOnly(context.Background(), image(n))
		if err != nil {
			t.Fatal(err)
		}
		there := map[string]bool{}
		err = st.EachInput(context.Background(), 0, func(in lifecycle.Input, _ []byte) error {
			there[in.Key] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			if checked++; !there[key] {
				t.Errorf("%s was acknowledged after flush %d, and is not in what it left", key, n)
			}
		}
		st.Close()
	}
	if checked != senders*each*2 || len(acknowledged) < 10 {
		t.Errorf("%d acknowledged, after %d different flushes", checked, len(acknowledged))
	}
}
