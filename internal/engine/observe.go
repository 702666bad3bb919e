package engine

import (
	"context"
	"time"
)

// Kinds of rounds.
const (
	RoundSubmit   = "submit"   // arrivals of callers of Submit
	RoundTimers   = "timers"   // what fell due
	RoundHistory  = "history"  // arrivals of History and the timers between them
	RoundActivate = "activate" // leads that follow a new agreement
)

// Round is what one round of gathering, deciding and committing was, for those who watch over the engine.
type Round struct {
	Kind       string
	Arrivals   int // handed in
	Inputs     int // put on record: arrivals and timers
	Problems   int // of them, those that could not be decided
	Refused    int // commands that were not carried out
	Duplicates int // arrivals known already
	Began      time.Time
	Gather     time.Duration
	Decide     time.Duration
	Commit     time.Duration // of RoundHistory: the wait for the transaction before
	Lag        time.Duration // of RoundTimers: how late the latest was
	Err        error         // nothing of the round is stored, or it is not known
	// Calls are the contexts of the calls of Submit that the round answers.
	Calls []context.Context

	engine *Engine
	mark   time.Time
	first  int64
}

// Waiting returns how many arrivals wait to be decided, or are being decided.
func (e *Engine) Waiting() int64 { return e.waiting.Load() }

// Packed tells how many bytes hold what is packed, and whether all has been read in that was to be; true if nothing is packed at all.
func (e *Engine) Packed() (bytes int64, whole bool) {
	return e.packedBytes.Load(), e.packed == nil || e.packedWhole.Load()
}

// Cached returns how many leads are in memory, as of the latest round.
func (e *Engine) Cached() int64 { return e.cached.Load() }

// Pulse returns when the engine is between two rounds and nothing is on its way to the database: never, when it is
// stuck.
func (e *Engine) Pulse() {
	e.mu.Lock()
	_ = e.wait() // its error is told to those whom it concerns
	answered := e.answered
	e.mu.Unlock()
	<-answered
}

// watch begins a round that is observed; nil when nobody looks. The methods of a nil Round do nothing.
func (e *Engine) watch(kind string, arrivals int) *Round {
	if e.opts.Observe == nil {
		return nil
	}
	now := time.Now()
	e.round = &Round{Kind: kind, Arrivals: arrivals, Began: now, engine: e, mark: now, first: e.recorded}
	return e.round
}

// since returns the time since the last call of it.
func (r *Round) since() time.Duration {
	now := time.Now()
	d := now.Sub(r.mark)
	r.mark = now
	return d
}

// gathered is called in each try of a round. What a try before decided is not stored and does not count; of
// RoundHistory parts may be stored.
func (r *Round) gathered() {
	if r == nil {
		return
	}
	r.Gather += r.since()
	if r.Kind != RoundHistory {
		r.first, r.Problems, r.Refused = r.engine.recorded, 0, 0
	}
}

func (r *Round) decided() {
	if r != nil {
		r.Decide += r.since()
		r.Inputs = int(r.engine.recorded - r.first)
	}
}

func (r *Round) problem() {
	if r != nil {
		r.Problems++
	}
}

func (r *Round) refused(why string) {
	if r != nil && why != "" {
		r.Refused++
	}
}

func (r *Round) duplicate(is bool) {
	if r != nil && is {
		r.Duplicates++
	}
}

// late notes by how many microseconds a timer is late.
func (r *Round) late(by int64) {
	if r != nil {
		r.Lag = max(r.Lag, time.Duration(by)*time.Microsecond)
	}
}

// called notes a call that the round answers.
func (r *Round) called(ctx context.Context) {
	if r != nil {
		r.Calls = append(r.Calls, ctx)
	}
}

// ended tells of the round and returns its error. A round with nothing to do is not told of.
func (r *Round) ended(err error) error {
	if r == nil {
		return err
	}
	r.engine.round = nil
	r.told(err)
	return err
}

// told tells of a round that is not the engine's present one any more.
func (r *Round) told(err error) {
	if r == nil {
		return
	}
	r.Commit, r.Err = r.since(), err
	if r.Arrivals > 0 || r.Inputs > 0 || err != nil {
		r.engine.telling.Lock()
		defer r.engine.telling.Unlock()
		r.engine.opts.Observe(r)
	}
}
