//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

// errLocked means that another process holds the lock.
var errLocked = errors.New("locked")

// lockFile takes an exclusive lock on f, which the system gives back when the process
// ends, however it ends.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
