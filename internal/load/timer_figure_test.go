//go:build unix

package load

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

const (
	timers   = 100_000
	hour     = int64(time.Hour / time.Microsecond)
	expiring = 30 * 24 * hour // how long a lead may be quiet
)

// clicks makes leads who clicked a letter thirty days before an hour, one after the other, and were quiet since: the
// agreement ends each at an instant of its own in that hour.
func clicks(t *testing.T, db string, from int64) {
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
	source = bytes.Replace(source, []byte("\ntransitions:\n"), []byte("\ntransitions:\n  quiet: {from: lead, to: disqualified, when: in_stage >= \"30d\"}\n"), 1)
	plan, findings := agreement.Compile(sampleFile, source, nil)
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Engine.Activate(ctx, plan, source, sampleFile, from-expiring-hour); err != nil {
		t.Fatal(err)
	}
	err = a.Engine.History(ctx, func(yield func(*lifecycle.Arrival) error) error {
		for i := range timers {
			at := from - expiring + hour/timers*int64(i)
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
	due, err := a.Store.DueUntil(ctx, agreement.Never, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(due); n != timers || due[0].At < from || due[n-1].At > from+hour {
		t.Fatalf("%d leads are due, the first %v after the hour begins, the last %v", n, time.Duration(due[0].At-from)*1000, time.Duration(due[n-1].At-from)*1000)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// decided reads when timers were due that were decided from an input on, and the last input.
func decided(t *testing.T, st *store.Store, after int64, each func(due, known int64)) (last int64) {
	t.Helper()
	table, err := st.Query(t.Context(), fmt.Sprintf("SELECT id, kind, at, known FROM input WHERE id > %d ORDER BY id LIMIT 100000", after))
	if err != nil {
		t.Fatal(err)
	}
	last = after
	for _, row := range table.Rows {
		last = row[0].(int64)
		if row[1].(int64) == int64(lifecycle.Timer) {
			each(row[2].(int64), row[3].(int64))
		}
	}
	return last
}

// TestFigureTimerLag prints how long after the instant at which it is due a timer is decided and on disk, 99 of 100 times,
// when 100,000 of them fall due in one hour. Two measurements, of which the worse counts:
//
// The whole hour, with a clock that leaps over the time in which nothing is due and stands still for nothing else: while
// timers are decided it goes on as the real one does. So what takes long delays what falls due meanwhile,
// as it would in a real hour; only waiting is left out.
//
// And a part of the real hour, in a server of its own that takes in batches at half the rate it can at the same time, seen
// by a reader beside it, from when a timer is due until the reader finds its decision. That has what the
// first has not: the sleep until the next timer, the other work, the noise of the machine.
func TestFigureTimerLag(t *testing.T) {
	program := figures(t)
	dir := t.TempDir()
	whole := wholeHour(t, filepath.Join(dir, "hour.db"))
	part := partOfHour(t, program, filepath.Join(dir, "part.db"))
	for _, m := range []struct {
		name string
		h    *Histogram
	}{{"the whole hour by the leaping clock", whole}, {"a part of it in a busy server", part}} {
		t.Logf("%s: %d timers, p50 %v, p99 %v, p99.9 %v, the longest %v; %s", m.name, m.h.Count(), m.h.Quantile(0.5), m.h.Quantile(0.99), m.h.Quantile(0.999), m.h.Max(), processors())
	}
	fmt.Printf("FIGURE timer_lag_p99_s %.3f <=1 s\n", max(whole.Quantile(0.99), part.Quantile(0.99)).Seconds())
}

func wholeHour(t *testing.T, db string) *Histogram {
	from := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC).UnixMicro()
	clicks(t, db, from)
	ctx := context.Background()
	a, err := app.Open(ctx, app.Options{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	first, err := a.Store.LastInput(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ended := map[int64]int64{} // when what was decided at an instant was on disk
	began := time.Now()
	for now := from; ; {
		next, err := a.Store.NextDue(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if next == agreement.Never {
			break
		}
		now = max(now, next)
		tick := time.Now()
		if _, err := a.Engine.Tick(ctx, now); err != nil {
			t.Fatal(err)
		}
		at := now
		now += time.Since(tick).Microseconds() + 1
		ended[at] = now
	}
	t.Logf("the hour took %v", time.Since(began).Round(time.Second))
	var h Histogram
	for last := int64(-1); last != first; {
		last = first
		first = decided(t, a.Store, first, func(due, known int64) { h.Add(time.Duration(ended[known]-due) * time.Microsecond) })
	}
	if h.Count() != timers {
		t.Fatalf("%d timers were decided", h.Count())
	}
	return &h
}

// partOfHour is half a minute of an hour that has begun.
func partOfHour(t *testing.T, program, db string) *Histogram {
	const seconds = 30
	// Preparing takes a while, and what fell due meanwhile is decided before anything is measured.
	clicks(t, db, time.Now().UnixMicro()-hour/4)
	y := &yard{db: db, leads: timers}
	var err error
	if y.key, err = (&Sample{}).open(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	y.Server = begin(t, program, db)
	rate := y.run(t, 100, 0, 4).PerSecond() / 2
	st, err := store.OpenReadOnly(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	last, err := st.LastInput(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var h Histogram
	done := make(chan struct{})
	began := time.Now().UnixMicro()
	go func() {
		defer close(done)
		look := time.NewTicker(5 * time.Millisecond)
		defer look.Stop()
		for ctx.Err() == nil {
			<-look.C
			last = decided(t, st, last, func(due, _ int64) {
				if due > began {
					h.Add(time.Duration(time.Now().UnixMicro()-due) * time.Microsecond)
				}
			})
		}
	}()
	r := y.run(t, 100, rate, seconds)
	stop()
	<-done
	t.Logf("meanwhile %.0f inputs/s were taken in, p99 %v", r.PerSecond(), r.Latency.Quantile(0.99))
	if want := int64(timers / 3600 * seconds); h.Count() < want*9/10 {
		t.Fatalf("%d timers were decided in %d seconds, want %d", h.Count(), seconds, want)
	}
	return &h
}
