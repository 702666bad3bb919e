//go:build linux

package load

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/engine"
	"baton/internal/lifecycle"
)

// offers makes leads that are each offered to sales with the clock of the offer running, none of which is due for months.
func offers(t *testing.T, db string, n int) {
	t.Helper()
	ctx := t.Context()
	a, err := app.Open(ctx, app.Options{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	_, source, err := samplePlan()
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{{"accept_within: 4 working hours", "accept_within: 300d"},
		{"\ntransitions:\n", "\ntransitions:\n  at_once: {from: lead, to: mql, when: did(\"email_clicked\")}\n"}} {
		if !bytes.Contains(source, []byte(change[0])) {
			t.Fatalf("the sample has no %q", change[0])
		}
		source = bytes.Replace(source, []byte(change[0]), []byte(change[1]), 1)
	}
	plan, findings := agreement.Compile(sampleFile, source, nil)
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour).UnixMicro()
	if _, err := a.Engine.Activate(ctx, plan, source, sampleFile, at); err != nil {
		t.Fatal(err)
	}
	err = a.Engine.History(ctx, func(yield func(*lifecycle.Arrival) error) error {
		for i := range n {
			p := PersonAt("", i)
			click := arrival(&p, "c", i, at)
			click.Input.Kind, click.Input.Name = lifecycle.Did, "email_clicked"
			if err := yield(click); err != nil {
				return err
			}
		}
		return nil
	}, engine.HistoryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	open, err := a.Store.Query(ctx, "SELECT count(*) FROM clock WHERE state = 'running'")
	if err != nil || open.Rows[0][0].(int64) < int64(n) {
		t.Fatal(open, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// resting starts a server, lets it come to rest, and tells its memory and the share of a processor that it uses while nothing is due.
func resting(t *testing.T, program, db string) (bytes int64, load float64) {
	t.Helper()
	const seconds = 30
	s := begin(t, program, db)
	settle(t, s)
	before := processor(t, s.cmd.Process.Pid)
	time.Sleep(seconds * time.Second)
	used := processor(t, s.cmd.Process.Pid) - before
	return memory(t, s.cmd.Process.Pid, "VmRSS"), used.Seconds() / seconds
}

// memory tells how many bytes of memory a process has, of the kind that Linux calls so.
func memory(t *testing.T, pid int, kind string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, kind+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatalf("the system does not say how much memory a process has (%s)", kind)
	return 0
}

// processor tells how much processor time a process has used: in hundredths of a second, as Linux counts.
func processor(t *testing.T, pid int) time.Duration {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	ticks := int64(0)
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// TestFigureOpenClocks prints what 100,000 open clocks cost a server while nothing is due: its memory beyond that of a server with none, and
// the share of a processor.
func TestFigureOpenClocks(t *testing.T) {
	program := figures(t)
	dir := t.TempDir()
	offers(t, filepath.Join(dir, "none.db"), 0)
	offers(t, filepath.Join(dir, "many.db"), timers)
	empty, calm := resting(t, program, filepath.Join(dir, "none.db"))
	full, load := resting(t, program, filepath.Join(dir, "many.db"))
	t.Logf("without clocks %d MB and %.2f %% of a processor, with %d of them %d MB and %.2f %%; %s", empty>>20, 100*calm, timers, full>>20, 100*load, processors())
	fmt.Printf("FIGURE open_clocks_memory %.1f <=100 MB\n", float64(full-empty)/1e6)
	fmt.Printf("FIGURE open_clocks_load %.2f <=1 %%\n", 100*load)
}
