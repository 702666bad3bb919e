package store

import (
	"testing"
	"time"
)

func TestCheckpointPause(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, pages int
		commits       int64
		want          time.Duration
	}{
		{"nothing written", 500, 500, 0, checkpointIdle},
		{"small transactions", 500, 1000, 20, checkpointSoon},
		{"large transactions", 500, 10_000, 20, checkpointRare},
		{"the log began anew, small", 10_000, 300, 20, checkpointSoon},
		{"the log began anew, large", 10_000, 9_000, 20, checkpointRare},
		{"written since they were counted", 500, 530, 0, checkpointSoon},
		{"large, and written since they were counted", 500, 1000, 0, checkpointRare},
	} {
		if got := checkpointPause(c.before, c.pages, c.commits); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
