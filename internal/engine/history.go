package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// HistoryOptions are the settings of History.
type HistoryOptions struct {
	Import   int64            // ID of the import the arrivals belong to, 0 for none
	Batch    int              // inputs to a transaction, more or less; 0 for 10,000
	Progress func(Progress)   // called after each transaction is on its way; may be nil
	Refused  func(why string) // called for each command that could not be carried out; may be nil
	Until    int64            // let time run on to here after the last arrival; 0: not
}

// A transaction of History holds about so many inputs, and so many bytes of texts. A lead is written
// once to a transaction and a page once: 10,000 inputs cost a seventh less each than 5,000, and nobody waits
// for an answer here. Two transactions are in memory at a time.
const (
	historyBatch = 10_000
	historyTexts = 6 << 20
)

// While others wait for answers, a transaction of History is as long as that: whoever comes in the middle of one waits for its end and
// for the disk. It grows again by a tenth with each that nobody waits for, so that somebody who comes now and then does not wait long either.
const historyPause = 150 * time.Millisecond

// Progress is how far History has come.
type Progress struct {
	Arrivals   int64 // handed in
	Duplicates int64 // of them, known already
	Refused    int64 // of them, commands that could not be carried out
	Inputs     int64 // decided: arrivals and timers
	Timers     int64
	Problems   int64 // could not be decided; kept
	At         int64 // on the time line of the arrivals
}

// errStop ends the arrivals after an error that History keeps.
var errStop = errors.New("stop")

// History has arrivals decided on their own time line: each when it was known, and between
// them what fell due, when it fell due. Arrivals come in the order of Input.Known. When the context ends,
// History stops after the transaction at hand; started again with the same arrivals, it
// goes on where it stopped, since arrivals with a Key are taken in once.
//
// Others may submit between its transactions. A lead is decided in one order of time: what is
// known earlier than the lead's last decision counts as known then. Nothing that History decides is
// told to anybody: effects stay in the decisions and make no jobs.
func (e *Engine) History(ctx context.Context, each func(yield func(*lifecycle.Arrival) error) error, opts HistoryOptions) error {
	if opts.Batch <= 0 {
		opts.Batch = historyBatch
	}
	if err := e.followAll(ctx); err != nil {
		return err
	}
	h := &history{e: e, opts: opts, size: max(1, opts.Batch/4), most: opts.Batch, round: make([]lifecycle.Arrival, 0, opts.Batch)}
	if err := h.start(ctx); err != nil {
		return err
	}
	source := ""
	if opts.Import != 0 {
		source = ImportSource(opts.Import)
	}
	err := each(func(a *lifecycle.Arrival) error {
		h.round = append(h.round, *a)
		in := &h.round[len(h.round)-1].Input
		if in.Import = opts.Import; in.Source == "" {
			in.Source = source
		}
		if len(h.round) < h.size {
			return nil
		}
		if h.err = h.flush(ctx); h.err != nil {
			return errStop
		}
		return nil
	})
	if h.err == nil {
		// what was handed in before the arrivals ended, well or not, is taken in
		h.err = h.flush(ctx)
	}
	if h.err == nil && err == nil && opts.Until > h.progress.At {
		for done := false; !done && h.err == nil; {
			done, h.err = h.runOn(ctx)
		}
	}
	h.err = errors.Join(h.err, h.stop())
	e.st.Flush()
	if errors.Is(err, errStop) {
		err = nil
	}
	return errors.Join(h.err, err)
}

// ImportSource is the Source of the inputs of an import.
func ImportSource(id int64) string { return fmt.Sprintf("import:%d", id) }

type history struct {
	e        *Engine
	opts     HistoryOptions
	lock     *store.HistoryLock
	round    []lifecycle.Arrival
	at       int     // how many arrivals of the round are decided
	size     int     // of the round: so many arrivals make, with the timers between them, one transaction
	most     int     // of arrivals of a round, for the sake of those who wait
	sent     float64 // transactions of the round that are on their way
	progress Progress
	stored   struct { // as of the last transaction on its way
		at       int
		progress Progress
	}
	err error
}

func (h *history) start(ctx context.Context) (err error) {
	e := h.e
	var free bool
	if h.lock, free, err = e.st.LockHistory(ctx); err != nil { // others go on while it waits
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() {
		if err != nil {
			h.lock.Release()
		}
	}()
	if !free || e.dues != nil || e.undoes {
		return errors.New("another import or history is running, or one is being undone; wait until it is done")
	}
	if err := e.ready(ctx); err != nil {
		return err
	}
	if err := e.wait(); err != nil {
		return err
	}
	if e.st.Shared() && h.opts.Import != 0 {
		if err := e.st.GoesOn(ctx, h.opts.Import); err != nil {
			return err
		}
	}
	if err := e.listDues(ctx); err != nil {
		return err
	}
	if h.opts.Import != 0 {
		e.dueSince = e.opts.Clock().UnixMicro()
	}
	return nil
}

// listDues finds out when leads are due.
func (e *Engine) listDues(ctx context.Context) error {
	list, err := e.st.DueUntil(ctx, agreement.Never, 0)
	if err != nil {
		return err
	}
	e.dues = &dues{at: make(map[int64]int64, len(list))}
	for _, d := range list {
		e.dues.set(d.Lead, d.At)
	}
	return nil
}

func (h *history) stop() error {
	h.e.mu.Lock()
	defer h.e.mu.Unlock()
	h.e.dues, h.e.dueSince = nil, 0
	h.lock.Release()
	return h.e.writeLate(context.Background(), lateAll)
}

// flush decides the arrivals of a round, in one transaction unless there are far more timers between
// them than there were in the round before.
func (h *history) flush(ctx context.Context) error {
	if len(h.round) == 0 {
		return nil
	}
	e := h.e
	e.mu.Lock()
	defer e.mu.Unlock()
	h.at, h.sent = 0, 0
	h.note()
	began := time.Now()
	round := e.watch(RoundHistory, len(h.round))
	err := h.try(ctx, func() error {
		if e.broken != nil && !e.shared {
			return e.broken
		}
		if err := h.begin(ctx); err != nil {
			return err
		}
		err := h.gather(ctx)
		round.gathered()
		for ; err == nil && h.at < len(h.round) && ctx.Err() == nil; h.at++ {
			if err = h.take(ctx, h.round[h.at]); err == nil {
				err = h.full(ctx, 1)
			}
		}
		if made := h.sent + h.filled(); made > 0 {
			h.size = min(h.opts.Batch, max(1, h.opts.Batch/8, int(float64(len(h.round))/made)))
		}
		round.decided()
		if err != nil {
			return e.finish(ctx, err)
		}
		e.send(ctx, true)
		return e.broken
	})
	h.pace(time.Since(began))
	h.round = h.round[:0]
	if err == nil {
		h.report()
	}
	return errors.Join(round.ended(err), ctx.Err())
}

// pace makes rounds short while others wait.
func (h *history) pace(took time.Duration) {
	h.most = min(h.opts.Batch, h.most+h.most/10+1)
	if h.e.waiting.Load() > 0 && took > 0 {
		h.most = min(h.most, max(1, h.opts.Batch/100, int(float64(len(h.round))*float64(historyPause)/float64(took))))
	}
	h.size = min(h.size, h.most)
}

// begin starts a round. It changes whatever it likes: others wait.
func (h *history) begin(ctx context.Context) error {
	if err := h.e.ready(ctx); err != nil {
		return err
	}
	if err := h.lock.Held(ctx); err != nil {
		return err
	}
	if err := h.e.beginRound(ctx, exclusive(h.round[h.at:])); err != nil {
		return err
	}
	h.e.changeAll()
	return nil
}

// gather reads what the rest of the round will need.
func (h *history) gather(ctx context.Context) error {
	e := h.e
	if rest := h.round[h.at:]; len(rest) > 0 {
		e.numbers.want = len(rest)
		if err := e.gather(ctx, rest, e.dues.until(rest[len(rest)-1].Input.Known, h.opts.Batch)); err != nil {
			return err
		}
	}
	return e.lockTeam(ctx)
}

// try does a round, and again from where it was last stored when another process was in the way.
func (h *history) try(ctx context.Context, round func() error) error {
	return h.e.try(ctx, func() error {
		h.at, h.progress = h.stored.at, h.stored.progress
		return round()
	})
}

// note remembers how far the history is stored.
func (h *history) note() { h.stored.at, h.stored.progress = h.at, h.progress }

func (h *history) report() {
	if h.opts.Progress != nil {
		h.opts.Progress(h.progress)
	}
}

func (h *history) take(ctx context.Context, arrival lifecycle.Arrival) error {
	e, a := h.e, &arrival // what is filled in does not hold when the round is tried again
	if a.Input.Key != "" {
		// what is known already does not move time
		if _, ok := e.twin(store.Dedupe(a.Input.Source, a.Input.Key), &a.Input); ok {
			h.progress.Arrivals++
			h.progress.Duplicates++
			e.round.duplicate(true)
			return nil
		}
	}
	if _, err := h.timers(ctx, a.Input.Known, 0); err != nil {
		return err
	}
	before := e.recorded
	out, err := e.arrival(ctx, a)
	if err == nil {
		err = e.refreshAll(ctx)
	}
	if err != nil {
		return err
	}
	h.progress.At = max(h.progress.At, a.Input.Known)
	h.progress.Arrivals++
	h.progress.Inputs += e.recorded - before
	if out.Err != nil {
		h.progress.Problems++
	}
	if why := out.Decision.Refused; why != "" {
		h.progress.Refused++
		if h.opts.Refused != nil {
			h.opts.Refused(why)
		}
	}
	return nil
}

// timers decides what is due until an instant, the earliest first, for at most so many
// leads (0: all), and returns for how many.
func (h *history) timers(ctx context.Context, until int64, most int) (n int, err error) {
	e := h.e
	for most == 0 || n < most {
		next, ok := e.dues.next()
		if !ok || next.at > until || ctx.Err() != nil {
			return n, nil
		}
		n++
		lead, err := e.lead(ctx, next.lead)
		if err != nil {
			return n, err
		}
		if lead == nil || lead.Due != next.at {
			e.dues.set(next.lead, dueOf(lead))
			continue
		}
		before := e.recorded
		err = e.catchUp(ctx, lead, next.at)
		if err == nil {
			err = e.refreshAll(ctx)
		}
		if err != nil {
			return n, err
		}
		if lead.Due == next.at {
			e.dues.set(next.lead, agreement.Never) // it cannot follow the agreement
		}
		h.progress.At = max(h.progress.At, next.at)
		h.progress.Inputs += e.recorded - before
		h.progress.Timers += e.recorded - before
		if err := h.full(ctx, 0); err != nil {
			return n, err
		}
	}
	return n, nil
}

func dueOf(n *entry) int64 {
	if n == nil {
		return agreement.Never
	}
	return n.Due
}

// filled returns how much of a transaction is in the batch.
func (h *history) filled() float64 {
	b := h.e.batch
	return max(float64(b.Inputs())/float64(h.opts.Batch), float64(b.Texts())/historyTexts)
}

// full sends the batch when it holds more than it should by a quarter. The arrival at hand is decided, or is not (0).
func (h *history) full(ctx context.Context, decided int) error {
	filled := h.filled()
	if filled < 1.25 {
		return nil
	}
	h.sent += filled
	h.e.send(ctx, true)
	if h.e.broken != nil {
		return h.e.broken
	}
	h.at += decided
	h.note()
	h.at -= decided
	h.report()
	if !h.e.shared {
		return nil
	}
	// what was locked is free again
	if err := h.begin(ctx); err != nil {
		return err
	}
	return h.gather(ctx)
}

// runOn lets time run on after the last arrival, one round at a time.
func (h *history) runOn(ctx context.Context) (done bool, err error) {
	e := h.e
	e.mu.Lock()
	defer e.mu.Unlock()
	h.round, h.at = h.round[:0], 0
	h.note()
	round := e.watch(RoundHistory, 0)
	err = h.try(ctx, func() error {
		if e.broken != nil && !e.shared {
			return e.broken
		}
		if err := h.begin(ctx); err != nil {
			return err
		}
		err := e.loadLeads(ctx, e.dues.until(h.opts.Until, h.opts.Batch))
		if err == nil {
			err = e.lockTeam(ctx)
		}
		round.gathered()
		n := 0
		if err == nil {
			n, err = h.timers(ctx, h.opts.Until, h.opts.Batch)
			done = n < h.opts.Batch
		}
		round.decided()
		if err != nil {
			return e.finish(ctx, err)
		}
		e.send(ctx, true)
		return e.broken
	})
	if err == nil {
		h.report()
	}
	return done || err != nil, errors.Join(round.ended(err), ctx.Err())
}
