//go:build unix

package store

import (
	"os"

	"golang.org/x/sys/unix"
)

const canLockMemory = true

// mapFile maps a part of a file, which may end before; what is beyond the end must not be touched.
func mapFile(f *os.File, from int64, length int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), from, length, unix.PROT_READ, unix.MAP_SHARED)
}

func unmapFile(region []byte) error { return unix.Munmap(region) }

// lockMemory reads memory in and has it stay.
func lockMemory(region []byte) error { return unix.Mlock(region) }
