//go:build unix

package load

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"baton/internal/pgtest"
)

// TestFigureHTTPPostgres prints what batches of 100 over HTTP, decided and on disk in PostgreSQL, reach of the speed of a
// bare loop that inserts the same rows with the same driver, 100 to a transaction, with a million leads in the database; and what two servers
// on one database take in against one. What is compared is measured in turn within each round, and the medians
// of the rounds count. PostgreSQL runs on the same machine, with the memory that docs/database.md advises.
//
// Two servers are worth more than one where there are processors for both, for the sender and for PostgreSQL. With fewer than
// four the figure is printed and nothing is asked of it.
func TestFigureHTTPPostgres(t *testing.T) {
	program := figures(t)
	y := newYard(t, program, pgtest.Server(t, "shared_buffers=512MB", "max_wal_size=4GB").URL(), manyLeads)
	y.run(t, 100, 0, 3)
	var reached, gained []float64
	for range rounds {
		limit := y.bare(t, 100)
		one := y.run(t, 100, 0, 4)
		limit = (limit + y.bare(t, 100)) / 2
		other := begin(t, program, y.db)
		two := y.run(t, 100, 0, 4, y.URL, other.URL)
		if _, err := other.Stop(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second) // until the one that is left has the database to itself again
		y.run(t, 100, 0, 1)
		t.Logf("%.0f inputs/s through one server (p50 %v, p99 %v), %.0f through two; %.0f rows/s bare, %.0f with 2,000 to a transaction; %s", one.PerSecond(),
			one.Latency.Quantile(0.5), one.Latency.Quantile(0.99), two.PerSecond(), limit, y.bare(t, 2000), processors())
		reached, gained = append(reached, one.PerSecond()/limit), append(gained, two.PerSecond()/one.PerSecond())
	}
	fmt.Printf("FIGURE http_pg_vs_insert %.3f >=0.30\n", median(reached))
	if n := runtime.NumCPU(); n < 4 {
		fmt.Printf("FIGURE pg_two_vs_one %.3f >=0 not judged: 1.2 is asked for with 4 processors, here are %d\n", median(gained), n)
		return
	}
	fmt.Printf("FIGURE pg_two_vs_one %.3f >=1.2\n", median(gained))
}
