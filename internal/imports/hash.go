package imports

import (
	"fmt"
	"io"
	"os"
)

// Hash writes what tells an import from another into a hash: a file, and the mapping it is read through.
// Store.StartImport finds an import that was begun before by the hash of all its files.
func Hash(hash io.Writer, file string, mapping []byte) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("reading the file to import: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(hash, f); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	_, err = hash.Write(mapping)
	return err
}
