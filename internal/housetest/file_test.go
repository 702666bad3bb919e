package housetest

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A clone stays small, and nobody's leads end up in one.
func TestRepositoryHoldsNoDataAndNothingLarge(t *testing.T) {
	tr := readTree(t)
	git := exec.Command("git", "ls-files", "-z")
	git.Dir = tr.root
	out, err := git.Output()
	if err != nil {
		t.Skip("this is no git repository")
	}
	os.Stat(filepath.Join(tr.root, ".git", "index")) // what git just read: Go's test cache has to know
	endings := []string{".db", ".db-wal", ".db-shm", ".sqlite", ".sqlite3"}
	for file := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if slices.Contains(endings, path.Ext(file)) {
			t.Errorf("%s is a database: tests make theirs in t.TempDir()", file)
		}
		info, err := os.Lstat(filepath.Join(tr.root, filepath.FromSlash(file)))
		if err != nil {
			continue // removed, and not committed yet
		}
		if info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes: files over 1 MiB do not belong here; make it when a test needs it", file, info.Size())
		}
	}
}
