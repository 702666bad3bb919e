//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The files of a database are locked in memory as they grow, up to the bound, and given back; SQLite's own locks stay. Where the process may not
// lock so much, it says so and the database goes on.
func TestHold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baton.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if s != nil {
			s.Close()
		}
	}()
	size := func() (n int64) {
		for _, name := range []string{path, path + "-wal"} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			page := int64(os.Getpagesize())
			n += (info.Size() + page - 1) / page * page
		}
		return n
	}
	widen := func(megabytes int) {
		t.Helper()
		if err := s.pragma(t.Context(), fmt.Sprintf(`CREATE TABLE wide AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i, randomblob(1000) FROM n`, megabytes*1050)); err != nil {
			t.Fatal(err)
		}
	}
	if lacks := mayLock(t, 32<<20); lacks != nil {
		widen(32)
		if err := s.Hold(t.Context(), 1<<30, nil); !errors.Is(err, lacks) || !strings.Contains(err.Error(), "does not lock") {
			t.Fatalf("%v, and the system says %v", err, lacks)
		}
		t.Logf("this process may not lock memory (%v): what is held was not looked at", lacks)
		return
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, full := make(chan error, 1), make(chan struct{}, 1)
	go func() { ended <- s.Hold(ctx, 1<<30, func() { full <- struct{}{} }) }()
	await := func() {
		t.Helper()
		for range 200 {
			if s.Held() == size() {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%d bytes are held of %d", s.Held(), size())
	}
	await()
	before := size()
	widen(9)
	await()
	if grown := size() - before; grown < 9<<20 {
		t.Fatalf("the files have grown by %d bytes only", grown)
	}
	if locked := lockedMemory(t); locked >= 0 && locked < size() {
		t.Errorf("the system says that %d bytes are locked, not %d", locked, size())
	}
	stop()
	if err := <-ended; err != nil || s.Held() != 0 {
		t.Fatalf("%v, %d bytes are held", err, s.Held())
	}
	if locked := lockedMemory(t); locked > 0 {
		t.Errorf("%d bytes are still locked", locked)
	}
	// less than there is
	ctx, stop = context.WithCancel(t.Context())
	go func() { ended <- s.Hold(ctx, 1<<20, func() { full <- struct{}{} }) }()
	<-full
	if s.Held() != 1<<20 {
		t.Errorf("%d bytes are held", s.Held())
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := s.pragma(t.Context(), `DROP TABLE wide`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = nil
}

// mayLock tries whether the process may lock so many bytes of a file, and returns what the system says if not.
func mayLock(t *testing.T, n int) error {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "full"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(int64(n)); err != nil {
		t.Fatal(err)
	}
	b, err := mapFile(f, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	defer unmapFile(b)
	return lockMemory(b)
}

// lockedMemory is how many bytes this process has locked; -1 where the system does not say.
func lockedMemory(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1
	}
	_, rest, found := strings.Cut(string(text), "VmLck:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return -1
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
