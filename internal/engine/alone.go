package engine

import (
	"context"
	"time"
)

// On a database that processes can share, an engine is alone as long as there is no other. Then it locks nothing, keeps what it
// knows from one round to the next, decides while it commits, and lets rows be behind, as on a database of one process. It looks for others
// every so often; when one has come it writes all it knows and locks from then on what a round looks at.
const (
	lookEvery  = 200 * time.Millisecond
	aloneAfter = 2 * time.Second // since others were seen: a command that comes and goes need not be the last
)

// others is what is known of other processes.
type others struct {
	looked, met time.Time
	orphaned    bool // a process that was alone has left rows behind
}

// moveIn finds out whether the engine is alone.
func (e *Engine) moveIn(ctx context.Context) error {
	if err := e.st.Announce(ctx); err != nil {
		return err
	}
	alone := e.st.Alone()
	if !alone {
		others, err := e.st.Others(ctx)
		if err == nil && (!others || e.others.orphaned) {
			alone, err = e.st.TakeAlone(ctx, e.others.orphaned)
		}
		if err != nil {
			return err
		}
	}
	e.others.orphaned = false
	e.shared = !alone
	return nil
}

// lookAround lets another process in that has come, and takes the database when all others are gone. It is called between two rounds.
func (e *Engine) lookAround(ctx context.Context) error {
	now := time.Now()
	if !e.st.Shared() || now.Sub(e.others.looked) < lookEvery {
		return nil
	}
	e.others.looked = now
	others, err := e.st.Others(ctx)
	if err != nil {
		return err
	}
	if others {
		e.others.met = now
	}
	switch {
	case !e.shared && !e.st.Alone(): // the connection was lost, and nothing was on its way
		if err := e.wait(); err != nil {
			return err
		}
	case others && !e.shared:
		if err := e.writeLate(ctx, lateAll); err != nil {
			return err
		}
		if err := e.st.ShareAgain(ctx); err != nil {
			return err
		}
	case !others && e.shared && now.Sub(e.others.met) > aloneAfter:
		if alone, err := e.st.TakeAlone(ctx, false); err != nil || !alone {
			return err
		}
	default:
		return nil
	}
	return e.load(ctx)
}
