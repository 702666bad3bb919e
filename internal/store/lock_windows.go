package store

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// errLocked means that another process holds the lock.
var errLocked = errors.New("locked")

// lockFile takes an exclusive lock on f, which the system gives back when the process
// ends, however it ends. The lock is on a byte far behind the text, so that others can read it.
func lockFile(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
		&windows.Overlapped{Offset: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}
