package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"baton/internal/cli"
)

// A scenario in a txtar file cannot stand in a script, which is one itself.
func TestTestCommand(t *testing.T) {
	data, err := os.ReadFile("../../testdata/scenario/relay.txtar")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "relay.txtar")
	if err := os.WriteFile(file, bytes.Replace(data, []byte("grade A1"), []byte("grade B1"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"test", file}, 1, "DIFF"},
		{[]string{"test", "--update", file}, 0, "new"},
		{[]string{"test", file}, 0, "ok"},
	} {
		var out, errs bytes.Buffer
		status := cli.Main(step.args, cli.Env{Out: &out, Err: &errs, Clock: time.Now, Width: 100})
		if status != step.status || !strings.Contains(out.String(), step.says) {
			t.Errorf("baton %s: status %d, want %d; it said\n%s%s", strings.Join(step.args[:len(step.args)-1], " "), status, step.status, &out, &errs)
		}
	}
	after, _ := os.ReadFile(file)
	if !bytes.Equal(after, data) {
		t.Error("the update did not bring the scenario back to what it was")
	}
}
