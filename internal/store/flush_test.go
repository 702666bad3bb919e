package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func note(t *testing.T, s *Store, key string) error {
	t.Helper()
	b := NewBatch()
	b.Exec(`INSERT INTO key (kind, value, lead) VALUES (1, $1, 1)`, key)
	b.Seal(nil)
	return s.Commit(context.Background(), b)
}

func notes(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.one(context.Background(), `SELECT count(*) FROM key`, nil, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// While the log is flushed others write, and those that wait share the next flush.
func TestFlushIsShared(t *testing.T) {
	s := fresh(t)
	begun, proceed := make(chan bool), make(chan bool)
	s.ObserveFlushes(func() func(error) {
		begun <- true
		<-proceed
		return func(error) {}
	})
	if err := note(t, s, "first"); err != nil {
		t.Fatal(err)
	}
	first := make(chan error, 1)
	go func() { first <- s.Flush() }()
	<-begun
	rest := make(chan error, 5)
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		if err := note(t, s, key); err != nil {
			t.Fatal(err)
		}
		go func() { rest <- s.Flush() }()
	}
	if n := notes(t, s); n != 6 {
		t.Errorf("while the log is flushed, %d of 6 can be read", n)
	}
	select {
	case err := <-first:
		t.Errorf("on the disk before it was flushed: %v", err)
	case err := <-rest:
		t.Errorf("on the disk before it was flushed: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	proceed <- true
	if err := <-first; err != nil {
		t.Error(err)
	}
	<-begun
	proceed <- true
	for range 5 {
		if err := <-rest; err != nil {
			t.Error(err)
		}
	}
	if err := s.Flush(); err != nil { // there is nothing to do: begun would wait for somebody
		t.Error(err)
	}
	s.ObserveFlushes(func() func(error) { return func(error) {} })
}

// What a flush did not get to the disk is not said to be there by the next: it is folded into the file first.
func TestFlushFails(t *testing.T) {
	s := fresh(t)
	ctx := context.Background()
	if err := errors.Join(note(t, s, "before"), s.Flush()); err != nil {
		t.Fatal(err)
	}
	f := s.writer.flusher
	sync := f.sync
	broken := errors.New("the disk is broken")
	f.sync = func() error { return broken }
	if err := note(t, s, "first"); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); !errors.Is(err, ErrUnsure) || !errors.Is(err, broken) {
		t.Errorf("the log was not flushed: %v", err)
	}
	// for as long as it goes on nothing is taken in
	if err := note(t, s, "refused"); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	f.sync = sync
	if err := s.Flush(); !errors.Is(err, ErrUnsure) {
		t.Errorf("flushed again, as if nothing had happened: %v", err)
	}
	if err := note(t, s, "second"); err != nil {
		t.Fatal(err)
	}
	if n := notes(t, s); n != 3 {
		t.Errorf("%d notes, want 3", n)
	}
	if err := s.Flush(); err != nil {
		t.Error(err)
	}
	// what was committed before the log was mended needs no log
	file := filepath.Join(t.TempDir(), "copy.db")
	b, err := os.ReadFile(s.Path())
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := OpenReadOnly(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n := notes(t, c); n != 2 {
		t.Errorf("without its log the file has %d notes, want 2", n)
	}
}

// A commit does not wait for the disk, and a change that is not the engine's does.
func TestTransactIsFlushed(t *testing.T) {
	s := fresh(t)
	n := 0
	s.ObserveFlushes(func() func(error) { n++; return func(error) {} })
	if err := note(t, s, "a"); err != nil || n != 0 {
		t.Errorf("%d flushes, %v", n, err)
	}
	if _, err := s.AddKey(context.Background(), APIKey{Name: "web"}, []byte("hash")); err != nil || n != 1 {
		t.Errorf("%d flushes, want 1; %v", n, err)
	}
}
