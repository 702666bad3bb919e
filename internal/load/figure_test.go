//go:build unix

package load

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"baton/internal/store"
)

// figures skips a test unless figures are asked for, and returns the program that is measured.
func figures(t *testing.T) (program string) {
	t.Helper()
	if os.Getenv("BATON_FIGURES") == "" {
		t.Skip("figures are measured by: make bench")
	}
	program = filepath.Join(t.TempDir(), "baton")
	if out, err := exec.Command("go", "build", "-o", program, "baton/cmd/baton").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return program
}

// yard is a server on a sample.
type yard struct {
	*Server
	db, key string
	leads   int
	seed    uint64
}

func newYard(t *testing.T, program, db string, leads int) *yard {
	t.Helper()
	key, err := Prepare(t.Context(), Sample{DB: db, Leads: leads, Cache: "../../.cache"})
	if err != nil {
		t.Fatal(err)
	}
	var environment []string
	if !store.IsURL(db) {
		environment = append(environment, fmt.Sprintf("BATON_FILE_MEMORY=%d", fileMemory(t)))
	}
	y := &yard{Server: begin(t, program, db, environment...), db: db, key: key, leads: leads}
	settle(t, y.Server)
	return y
}

// fileMemory is how many megabytes of a SQLite file are locked in memory, so that figures say what Baton costs and not how many pages of files the
// system keeps just now. BATON_FILE_MEMORY=0 compares without.
func fileMemory(t *testing.T) int {
	t.Helper()
	text, set := os.LookupEnv("BATON_FILE_MEMORY")
	if !set {
		return 16 << 10
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// settle returns when a server is at rest: what it keeps in memory has been read in then.
func settle(t *testing.T, s *Server) {
	t.Helper()
	pid := s.cmd.Process.Pid
	for range 300 {
		before, locked := processor(t, pid), memory(t, pid, "VmLck")
		time.Sleep(2 * time.Second)
		if now := memory(t, pid, "VmLck"); processor(t, pid)-before < 100*time.Millisecond && now == locked {
			t.Logf("a server is at rest; %d MB of files are locked in memory", locked>>20)
			return
		}
	}
	t.Fatal("the server does not come to rest")
}

func begin(t *testing.T, program, db string, environment ...string) *Server {
	t.Helper()
	// the test's own context ends before its cleanups, and with it the server would end twice
	s, err := Start(context.WithoutCancel(t.Context()), program, db, environment...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState != nil { // stopped before
			return
		}
		if _, err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run sends for a time, each time other visits; rate 0 is as fast as it goes.
func (y *yard) run(t *testing.T, batch int, rate float64, seconds int, targets ...string) *Result {
	t.Helper()
	y.seed++
	if len(targets) == 0 {
		targets = []string{y.URL}
	}
	r, err := Run(t.Context(), Options{Targets: targets, Key: y.key, Batch: batch, Connections: 64, Rate: rate, Warm: time.Second,
		Time: time.Duration(seconds) * time.Second, Leads: y.leads, Seed: y.seed})
	if err != nil {
		t.Fatal(err)
	}
	if r.Events == 0 {
		t.Fatalf("nothing was acknowledged in %v", r.Took)
	}
	return r
}

// bare measures the limit with what was stored lately.
func (y *yard) bare(t *testing.T, each int) float64 {
	t.Helper()
	rows, err := ReadRows(t.Context(), y.db, 50_000)
	if err != nil {
		t.Fatal(err)
	}
	perSecond, err := rows.Append(t.Context(), y.db, each)
	if err != nil {
		t.Fatal(err)
	}
	return perSecond
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

func processors() string { return fmt.Sprintf("%d processors for all that runs", runtime.NumCPU()) }

const (
	manyLeads = 1_000_000
	fewLeads  = 10_000
	rounds    = 7
)

// TestFigureHTTPSQLite prints what batches of 100 over HTTP, decided and on disk, reach of the speed of a bare loop that
// appends the same rows, 100 to a transaction, with a million leads in the database; and what an input costs there
// against one in a database of ten thousand. What is compared is measured in turn within each round, and
// the medians of the rounds count.
//
// The limit commits 100 rows at a time, as the requests hold. A server with many senders writes what several of them
// sent in one transaction; the log says what the limit is with 2,000 rows to a transaction.
func TestFigureHTTPSQLite(t *testing.T) {
	program := figures(t)
	dir := t.TempDir()
	many, few := newYard(t, program, filepath.Join(dir, "many.db"), manyLeads), newYard(t, program, filepath.Join(dir, "few.db"), fewLeads)
	many.run(t, 100, 0, 3)
	few.run(t, 100, 0, 3)
	var reached, growth []float64
	for range rounds {
		limit := many.bare(t, 100)
		a := many.run(t, 100, 0, 4)
		limit = (limit + many.bare(t, 100)) / 2
		b := few.run(t, 100, 0, 4)
		t.Logf("%.0f inputs/s with %d leads (p50 %v, p99 %v), %.0f with %d; %.0f rows/s bare, %.0f with 2,000 to a transaction; %s",
			a.PerSecond(), many.leads, a.Latency.Quantile(0.5), a.Latency.Quantile(0.99), b.PerSecond(), few.leads, limit, many.bare(t, 2000), processors())
		reached, growth = append(reached, a.PerSecond()/limit), append(growth, b.PerSecond()/a.PerSecond())
	}
	fmt.Printf("FIGURE http_sqlite_vs_append %.3f >=0.25\n", median(reached))
	fmt.Printf("FIGURE cost_growth %.3f <=1.3 1,000,000 leads against 10,000\n", median(growth))
}

// TestFigureSingle prints in what time 99 of 100 inputs are acknowledged that come one to a request, over 64
// connections, at half the rate that was the most just before. At a fixed rate nobody waits for a
// slow answer before sending the next: time counts from when a request should have been sent.
func TestFigureSingle(t *testing.T) {
	program := figures(t)
	y := newYard(t, program, filepath.Join(t.TempDir(), "single.db"), manyLeads)
	y.run(t, 1, 0, 3)
	var list []float64
	for range rounds {
		most := y.run(t, 1, 0, 4)
		half := y.run(t, 1, most.PerSecond()/2, 6)
		t.Logf("%.0f/s at most (p50 %v, p99 %v); at half of it p50 %v, p99 %v, p99.9 %v, %d refused, %d never sent; %s", most.PerSecond(), most.Latency.Quantile(0.5),
			most.Latency.Quantile(0.99), half.Latency.Quantile(0.5), half.Latency.Quantile(0.99), half.Latency.Quantile(0.999), half.Refused, half.Unsent, processors())
		list = append(list, half.Latency.Quantile(0.99).Seconds()*1000)
	}
	fmt.Printf("FIGURE single_p99_ms %.1f <=25 ms\n", median(list))
}
