package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The test binary runs itself again as the process whose disk breaks.
const unflushed = "BATON_TEST_UNFLUSHED"

func note(s *Store, key string) error {
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
	s.ObserveFlushes(func() func() {
		begun <- true
		<-proceed
		return func() {}
	})
	if err := note(s, "first"); err != nil {
		t.Fatal(err)
	}
	first := make(chan bool, 1)
	go func() { s.Flush(); first <- true }()
	<-begun
	rest := make(chan bool, 5)
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		if err := note(s, key); err != nil {
			t.Fatal(err)
		}
		go func() { s.Flush(); rest <- true }()
	}
	if n := notes(t, s); n != 6 {
		t.Errorf("while the log is flushed, %d of 6 can be read", n)
	}
	select {
	case <-first:
		t.Error("on the disk before it was flushed")
	case <-rest:
		t.Error("on the disk before it was flushed")
	case <-time.After(20 * time.Millisecond):
	}
	proceed <- true
	<-first
	<-begun
	proceed <- true
	for range 5 {
		<-rest
	}
	s.Flush() // there is nothing to do: begun would wait for somebody
	s.ObserveFlushes(func() func() { return func() {} })
}

// A process whose disk does not take the log ends before it says that anything is on the disk.
func TestFlushFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baton.db")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), unflushed+"="+path)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v", err)
	}
	if out.String() != "flushed\nstored\n" || !strings.Contains(said.String(), "the disk is broken") || !strings.Contains(said.String(), path) {
		t.Errorf("it wrote %q, and said %q", out.String(), said.String())
	}
	if n := notes(t, openAt(t, path)); n < 1 {
		t.Errorf("what was on the disk is not there")
	}
}

// breakDisk is the process of TestFlushFails.
func breakDisk(path string) {
	s, err := Open(context.Background(), path)
	if err == nil {
		err = note(s, "first")
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Flush()
	fmt.Println("flushed")
	s.writer.flusher.sync = func() error { return errors.New("the disk is broken") }
	if note(s, "second") == nil {
		fmt.Println("stored")
	}
	s.Flush()
	fmt.Println("on the disk")
}

// A commit does not wait for the disk, and a change that is not the engine's does.
func TestTransactIsFlushed(t *testing.T) {
	s := fresh(t)
	n := 0
	s.ObserveFlushes(func() func() { n++; return func() {} })
	if err := note(s, "a"); err != nil || n != 0 {
		t.Errorf("%d flushes, %v", n, err)
	}
	if _, err := s.AddKey(context.Background(), APIKey{Name: "web"}, []byte("hash")); err != nil || n != 1 {
		t.Errorf("%d flushes, want 1; %v", n, err)
	}
}
