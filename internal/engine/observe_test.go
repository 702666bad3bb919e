package engine

import (
	"context"
	"testing"
	"time"

	"baton/internal/lifecycle"
)

// Each round is told of once, with what it took in and how long each part took.
func TestRoundsAreObserved(t *testing.T) {
	var rounds []*Round
	type mark struct{}
	e := open(t, "", Options{Observe: func(r *Round) { rounds = append(rounds, r) }})
	e.activate(t, northwind, start)
	ctx := context.WithValue(t.Context(), mark{}, "call")
	list := arrivals(1, 200, 30)
	for _, part := range [][]lifecycle.Arrival{list, list[:3]} {
		if _, err := e.Submit(ctx, part); err != nil {
			t.Fatal(err)
		}
	}
	n, err := e.Tick(t.Context(), start+800*day)
	if err != nil {
		t.Fatal(err)
	}
	e.shut(t)
	if len(rounds) < 2 {
		t.Fatalf("%d rounds", len(rounds))
	}
	first, again := rounds[0], rounds[1]
	if first.Kind != RoundSubmit || first.Arrivals != len(list) || first.Inputs == 0 || first.Gather <= 0 || first.Decide <= 0 || first.Commit <= 0 || first.Err != nil {
		t.Errorf("the first round: %+v", first)
	}
	if len(first.Calls) != 1 || first.Calls[0].Value(mark{}) != "call" {
		t.Errorf("the calls of the first round: %v", first.Calls)
	}
	if again.Duplicates != 3 || again.Inputs != 0 {
		t.Errorf("what came again: %+v", again)
	}
	timers := 0
	for _, r := range rounds[2:] {
		if r.Kind != RoundTimers || r.Lag <= 0 {
			t.Errorf("a round of timers: %+v", r)
		}
		timers += r.Inputs
	}
	if n == 0 || timers == 0 {
		t.Errorf("%d leads were due, %d timers observed", n, timers)
	}
	if e.Waiting() != 0 || e.Cached() == 0 {
		t.Errorf("%d wait, %d in memory", e.Waiting(), e.Cached())
	}
}

// A round that finds nothing to decide by is told of with its error.
func TestRoundsThatFailAreObserved(t *testing.T) {
	var rounds []*Round
	e := open(t, "", Options{Observe: func(r *Round) { rounds = append(rounds, r) }})
	_, err := e.Submit(t.Context(), []lifecycle.Arrival{{}})
	e.shut(t)
	if err == nil || len(rounds) != 1 || rounds[0].Err != err {
		t.Errorf("%v: %+v", err, rounds)
	}
}

// An engine that is stuck has no pulse.
func TestPulse(t *testing.T) {
	stuck, free := make(chan struct{}), make(chan struct{})
	e := open(t, "", Options{Observe: func(*Round) {
		close(stuck)
		<-free
	}})
	e.activate(t, northwind, start)
	e.Pulse()
	answered, beat := make(chan error), make(chan struct{})
	go func() {
		_, err := e.Submit(t.Context(), arrivals(1, 1, 1))
		answered <- err
	}()
	<-stuck
	go func() {
		e.Pulse()
		close(beat)
	}()
	select {
	case <-beat:
		t.Error("an engine that is stuck has a pulse")
	case <-time.After(20 * time.Millisecond):
	}
	close(free)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	<-beat
}

// What a try decided that came to nothing is not counted with the next.
func TestRoundsThatAreTriedAgain(t *testing.T) {
	var told *Round
	e := &Engine{opts: Options{Observe: func(r *Round) { told = r }}}
	r := e.watch(RoundSubmit, 5)
	for range 2 {
		r.gathered()
		e.recorded += 5
		r.problem()
		r.refused("no")
		r.decided()
	}
	if err := r.ended(nil); err != nil || told.Inputs != 5 || told.Problems != 1 || told.Refused != 1 {
		t.Errorf("%+v", told)
	}
}
