package report

import (
	"flag"
	"testing"
)

var leads = flag.Int("leads", 100_000, "leads in benchmarks")

// crowd is a house of many leads with three stays, and one hand-off and two clocks for each third.
func crowd(b *testing.B) *house {
	h := newHouse(b)
	const every = ` FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT i FROM n) `
	n := int64(*leads)
	h.batch.Exec(`INSERT INTO lead SELECT i * 7, 1, i, 9223372036854775807, 0, '', 1770000000000000 + i * 1000000, 1767600000000000 + i * 1000000, 'marketing', 'sal', 'sales', '',
		0, 1, '', '', 0, 'B2', 0, 0, 0, '', 0, 'granted', 0, '', '', 'source ' || i % 12, '', '', 0, 0, 0, '', '{"title":"head of ' || i || '","country":"C' || i % 30 || '"}', x'00'`+every, n)
	for k, stage := range []string{"lead", "mql", "sal"} {
		h.batch.Exec(`INSERT INTO visit SELECT (i * 10 + $2) * 1000, i * 7, 0, 1, $3, '', '', '', 1767600000000000 + i * 1000000 + $2 * 86400000000, 0, '',
			CASE WHEN $2 < 2 THEN 1767600000000000 + i * 1000000 + ($2 + 1) * 86400000000 END, NULL, '', '', ''`+every, n, k, stage)
	}
	h.batch.Exec(`INSERT INTO visit SELECT (i * 10 + 5) * 1000, i * 70, 0, 1, 'won', '', 'won', '', 1769600000000000 + i * 10000000, 0, '', NULL, NULL, '', '', ''`+every, n/10)
	h.batch.Exec(`INSERT INTO clock SELECT i * 1000, i * 21, 0, 'handoffs.mql_to_sales.accept_within', 'met', 'ann@northwind.example', 1767600000000000 + i * 3000000, 0, NULL, NULL, 0,
		1767600000000000 + i * 3000000 + i % 9 * 1800000000, 1, 14400000000, i % 9 * 1800000000`+every, n/3)
	h.batch.Exec(`INSERT INTO input SELECT i, 2, i * 7, 0, 0, 1767600000000000 + i * 1000000, 0, 0, 0, '{"source":"import:1","key":"row:' || i || '","name":"page_viewed"}'`+every, n)
	h.commit(b)
	return h
}

func BenchmarkReports(b *testing.B) {
	h := crowd(b)
	for _, c := range []struct {
		name string
		run  func() (*Table, error)
	}{
		{"funnel", func() (*Table, error) { return Funnel(ctx, h.Store, h.plan, Query{}) }},
		{"funnel-source", func() (*Table, error) { return Funnel(ctx, h.Store, h.plan, Query{By: "source"}) }},
		{"velocity", func() (*Table, error) { return Velocity(ctx, h.Store, h.plan, Query{}) }},
		{"lift-source", func() (*Table, error) { return Lift(ctx, h.Store, h.plan, Query{}) }},
		{"lift-country", func() (*Table, error) { return Lift(ctx, h.Store, h.plan, Query{By: "country"}) }},
		{"lift-activity", func() (*Table, error) { return Lift(ctx, h.Store, h.plan, Query{By: "activity"}) }},
		{"lift-criterion", func() (*Table, error) { return Lift(ctx, h.Store, h.plan, Query{By: "criterion"}) }},
		{"sla", func() (*Table, error) { return SLA(ctx, h.Store, h.plan, Query{}) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
