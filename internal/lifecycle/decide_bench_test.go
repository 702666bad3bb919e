package lifecycle_test

import (
	"testing"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

const hour = int64(3_600_000_000)

func benchPlan(tb testing.TB) *agreement.Plan {
	source, _ := agreement.Template("waterfall")
	plan, findings := agreement.Compile("waterfall", source, nil)
	if findings.HasErrors() {
		tb.Fatal(findings.Err())
	}
	return plan
}

func BenchmarkDecide(b *testing.B) {
	plan := benchPlan(b)
	view := lifecycle.View{Roster: lifecycle.NewRoster(plan)}
	t := int64(1_770_000_000_000_000)
	step := func(in lifecycle.Input) {
		in.Lead, in.Version = 1, 1
		d := lifecycle.Decide(plan, &view, &in)
		for i := range d.Changes {
			lifecycle.Apply(plan, &view, &d.Changes[i])
		}
		lifecycle.Advance(&view, &in)
	}
	step(lifecycle.Input{ID: 1, Kind: lifecycle.Identify, At: t, Known: t, Values: []lifecycle.Named{{Name: "company.employees", Value: agreement.NumberValue(30)}}})
	for i := range int64(5) {
		step(lifecycle.Input{ID: 2 + i, Kind: lifecycle.Did, At: t + i*hour, Known: t + i*hour, Name: "page_viewed"})
	}
	at := t + 30*hour
	in := lifecycle.Input{ID: 9, Kind: lifecycle.Did, Lead: 1, Version: 1, At: at, Known: at, Name: "page_viewed"}
	b.ReportAllocs()
	for b.Loop() {
		lifecycle.Decide(plan, &view, &in)
	}
}
