//go:build unix

package engine

import "golang.org/x/sys/unix"

// takeMemory returns memory that the garbage collector knows nothing of.
func takeMemory(bytes int) []byte {
	b, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, bytes)
	}
	return b
}

func giveBack(b []byte) { _ = unix.Munmap(b) } // it refuses what Mmap did not give
