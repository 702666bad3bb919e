package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrInUse means that another process is writing to the database.
var ErrInUse = errors.New("the database is in use by another Baton")

// guard keeps a second writer off a SQLite file. It locks a file of its own beside the
// database: locking the database itself would drop SQLite's locks when it is closed.
type guard struct{ file *os.File }

func guardFile(path string) (*guard, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening database %s: making its lock file: %w", path, err)
	}
	if err := lockFile(f); err != nil {
		holder := readHolder(name)
		f.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("opening database %s: %w%s; stop that one first, or give this one another file with --db", path, ErrInUse, holder)
		}
		return nil, fmt.Errorf("opening database %s: locking %s: %w", path, name, err)
	}
	who := fmt.Sprintf("%d %s\n", os.Getpid(), filepath.Base(os.Args[0]))
	// on a full disk the lock holds all the same, only nameless
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(who), 0)
	}
	return &guard{f}, nil
}

// readHolder says which process wrote the lock file, or nothing if it cannot be read.
func readHolder(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	pid, command, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
	if _, err := strconv.Atoi(pid); err != nil || !ok {
		return ""
	}
	return fmt.Sprintf(" (process %s, %s)", pid, command)
}

// release gives the lock back. The file stays: removing it would let two processes
// lock two files of one name.
func (g *guard) release() error {
	if g == nil {
		return nil
	}
	return g.file.Close()
}
