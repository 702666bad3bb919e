package app

import (
	"context"
	"log/slog"
	"time"

	"baton/internal/lifecycle"
)

// A clock that is off by so much from one look to the next was set, or the machine slept. Slowly put right, as NTP does, it is
// never that far off.
const clockOff = 10 * time.Second

// watchClock says when the clock of the machine was set: deadlines run out by it. It looks so often.
func (a *App) watchClock(ctx context.Context, log *slog.Logger, every time.Duration) {
	var known int64 // of the newest input
	last, err := a.Store.LastInput(ctx)
	if err == nil {
		err = a.Store.EachInput(ctx, last, func(in lifecycle.Input, _ []byte) error { known = in.Known; return nil })
	}
	if ahead := time.UnixMicro(known).Sub(a.now()); err == nil && ahead >= clockOff {
		log.Warn("the clock of this machine is behind what is on record; what happens to a lead now counts as just after the last that is known of it", "by", ahead.Round(time.Second))
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	// Round drops what Go measures beside the clock, so that the two can be compared.
	for clock, began := a.now().Round(0), time.Now(); ; clock, began = a.now().Round(0), time.Now() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		by := a.now().Round(0).Sub(clock) - time.Since(began)
		switch {
		case by >= clockOff:
			log.Warn("the clock of this machine was set forward, or the machine slept; what fell due in between is decided now", "by", by.Round(time.Second))
		case by <= -clockOff:
			log.Warn("the clock of this machine was set back; deadlines run out when it comes to them", "by", (-by).Round(time.Second))
		}
	}
}
