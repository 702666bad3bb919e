package store

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"baton/internal/lifecycle"
	"baton/internal/pgtest"
)

// The next lead to call is found among a million, on both databases.
func TestFigureNextToCall(t *testing.T) {
	if os.Getenv("BATON_FIGURES") == "" {
		t.Skip("set BATON_FIGURES to measure")
	}
	for name, open := range map[string]func() *Store{"sqlite": func() *Store { return fresh(t) }, "pg": func() *Store { return openAt(t, pgtest.Database(t)) }} {
		s := open()
		const leads = 1_000_000
		series := `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT i FROM n) s`
		write(t, s, func(b *Batch) {
			b.Exec(`INSERT INTO lead (id, version, input, due, account, owner, clock, created_at, origin, stage, side, outcome, entered_at, pass, queue, track,
				revisit_at, grade, fit, engagement, readiness, buying_stage, activities, consent, value, name, email, source, campaign, segment, visit, handoff,
				clock_row, clocks, attributes, state) SELECT i, 1, 0, 9223372036854775807, 0, '', 0, 0, 'marketing', 'mql', 'marketing', '', 0, 1, '', '', 0, 'A1', 0, 0,
				0, '', 0, 'not_asked', 0, '', '', '', '', '', 0, 0, 0, '', '{}', $2 FROM `+series, int64(leads), lifecycle.AppendLead(nil, lifecycle.Gone(1)))
			b.Exec(`INSERT INTO call (lead, grade, asset, due, free, holder, until, next_at, since, tries)
				SELECT i, i % 17, i % 4, i % 1009 * 7919, CASE WHEN i % 3 = 0 THEN 0 ELSE 1 END, '', 0, CASE WHEN i % 3 = 0 THEN 5 ELSE 0 END, 1, 0 FROM `+series, int64(leads))
		})
		took := make([]time.Duration, 200)
		for i := range took {
			began := time.Now()
			list, err := s.ListCalls(context.Background(), CallFree, "", 1)
			if err != nil || len(list) != 1 {
				t.Fatal(len(list), err)
			}
			took[i] = time.Since(began)
		}
		slices.Sort(took)
		fmt.Printf("FIGURE next_to_call_%s_p50 %.2f <=2 ms\n", name, float64(took[len(took)/2].Microseconds())/1000)
		fmt.Printf("FIGURE next_to_call_%s_p99 %.2f <=10 ms\n", name, float64(took[len(took)*99/100].Microseconds())/1000)
	}
}
