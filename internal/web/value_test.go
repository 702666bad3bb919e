package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"baton/internal/agreement"
	"baton/internal/report"
)

// A page waits for a report a moment and no longer; then there are values, and they are counted again when it is worth it.
func TestValuesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newValues(nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
		defer v.close()
		made := 0
		slow := func(context.Context) (*report.Table, error) {
			time.Sleep(3 * time.Second)
			made++
			return &report.Table{Title: strings.Repeat("x", made)}, nil
		}
		get := func(newest int64) *report.Table {
			begun := time.Now()
			table, _, err := v.get(t.Context(), "slow", "slow", newest, begun.Add(valueWait), slow)
			if took := time.Since(begun); err != nil || took > valueWait {
				t.Fatalf("a page waits %s: %v", took, err)
			}
			return table
		}
		for range 2 {
			if get(1) != nil {
				t.Fatal("there is a value before it was counted")
			}
		}
		time.Sleep(3 * time.Second)
		if table := get(1); table == nil || made != 1 {
			t.Fatalf("counted %d times, want once for all who asked: %v", made, table)
		}
		// Something was decided: the value stays until it is older than twenty times what it cost.
		time.Sleep(30 * time.Second)
		if get(2); made != 1 || v.mark(2) != "1" {
			t.Errorf("counted %d times within a minute", made)
		}
		time.Sleep(28 * time.Second)
		if table := get(2); table == nil || table.Title != "x" {
			t.Error("a page does not show the values there are")
		}
		time.Sleep(4 * time.Second)
		if table := get(2); made != 2 || table.Title != "xx" || v.mark(2) != "2" {
			t.Errorf("counted %d times: %v", made, table)
		}
		// Nothing was decided: nothing is counted.
		time.Sleep(30 * time.Minute)
		if get(2); made != 2 {
			t.Errorf("counted %d times although nothing was decided", made)
		}
		// For a page that is open, what was decided is counted without a request.
		v.mark(3)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if made != 3 {
			t.Errorf("counted %d times, want a third", made)
		}
	})
}

// Who looks at a filter that nobody has used waits for nothing that will take long; and what is counted again leaves the processors to others
// for most of the time, but is in nobody's way who has seen no figures yet.
func TestValuesAreCountedAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newValues(nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
		defer v.close()
		counting, made := 0, map[string]time.Time{}
		get := func(key string, newest int64) (*report.Table, time.Duration) {
			begun := time.Now()
			table, _, err := v.get(t.Context(), "slow", key, newest, begun.Add(valueWait), func(context.Context) (*report.Table, error) {
				if counting++; counting > 1 {
					t.Error("two are counted at a time")
				}
				time.Sleep(time.Second)
				counting--
				made[key] = time.Now()
				return &report.Table{}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return table, time.Since(begun)
		}
		if table, took := get("a", 1); table != nil || took != valueWait {
			t.Errorf("a first page waits %v: %v", took, table)
		}
		time.Sleep(2 * time.Second)
		if table, took := get("b", 1); table != nil || took != 0 {
			t.Errorf("a page waits %v for what takes a second: %v", took, table)
		}
		time.Sleep(time.Minute)
		get("a", 2)
		get("b", 2)
		time.Sleep(1500 * time.Millisecond)
		get("c", 2)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if a, b, c := made["a"], made["b"], made["c"]; b.Sub(a) != (1+valueRest)*time.Second && a.Sub(b) != (1+valueRest)*time.Second {
			t.Errorf("what is counted again is there after %v", b.Sub(a))
		} else if c.Sub(a) > 2*time.Second && c.Sub(b) > 2*time.Second {
			t.Errorf("what nobody has seen is there after %v", c.Sub(a))
		}
	})
}

func TestValuesFail(t *testing.T) {
	v := newValues(nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	defer v.close()
	broken := errors.New("broken")
	fails := true
	count := func(context.Context) (*report.Table, error) {
		if fails {
			return nil, broken
		}
		return &report.Table{}, nil
	}
	if _, _, err := v.get(t.Context(), "few", "a", 1, time.Now().Add(time.Minute), count); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	fails = false
	if table, _, err := v.get(t.Context(), "few", "a", 1, time.Now().Add(time.Minute), count); err != nil || table == nil {
		t.Errorf("it is not tried again: %v", err)
	}
	for i := range 2 * mostValues {
		if _, _, err := v.get(t.Context(), "few", string(rune('b'+i)), 1, time.Now().Add(time.Minute), count); err != nil {
			t.Fatal(err)
		}
	}
	if len(v.list) > mostValues {
		t.Errorf("%d values are kept", len(v.list))
	}
}

// Months that are still maturing are hatched and say so; others are not.
func TestYoungMonthsAreMarked(t *testing.T) {
	source, _ := agreement.Template("waterfall")
	plan, findings := agreement.Compile("agreement.yaml", source, nil)
	if findings.HasErrors() {
		t.Fatal(findings.Err())
	}
	count := func(n int64) report.Cell { return report.Cell{Kind: report.Count, Int: n} }
	share := func(f float64) report.Cell { return report.Cell{Kind: report.Share, Num: f} }
	word := func(s string) report.Cell { return report.Cell{Kind: report.Text, Text: s} }
	flow := &report.Table{Columns: []report.Column{{Name: "stage"}}}
	months := &report.Table{Columns: []report.Column{{Name: "month"}, {Name: "stage"}, {Name: "entered"}, {Name: "of_before"}, {Name: "of_all"}, {Name: "cohort"}}}
	for _, m := range []struct{ month, cohort string }{{"2026-08", "mature"}, {"2026-10", string(report.Maturing)}} {
		for _, stage := range []string{"lead", "mql", "sal", "sql", "opportunity", "won"} {
			months.Rows = append(months.Rows, []report.Cell{word(m.month), word(stage), count(100), share(.5), share(.5), word(m.cohort)})
		}
	}
	var p funnelPage
	if err := p.fill(plan, &sight{}, flow, months); err != nil {
		t.Fatal(err)
	}
	if len(p.Cohorts) != 2 || !p.Cohorts[0].Young || p.Cohorts[1].Young || p.Cohorts[0].Month != "Oct 2026" {
		t.Fatalf("%+v", p.Cohorts)
	}
	for i, want := range []string{"hatch", "heat-2"} {
		for _, c := range p.Cohorts[i].Cells {
			if c.Ground != want {
				t.Errorf("%s: %s, want %s", p.Cohorts[i].Month, c.Ground, want)
			}
		}
	}
	var b strings.Builder
	if err := cohorts(p).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Count(text, "so far") != 1 || !strings.Contains(text, "still maturing") || !strings.Contains(text, "period=2026-10") {
		t.Error(text)
	}
}
