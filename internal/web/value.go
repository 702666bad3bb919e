package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"baton/internal/agreement"
	"baton/internal/report"
	"baton/internal/store"
)

// values keeps what reports came to, by report and filters, for as long as it is worth keeping. A report reads every visit or clock there
// is, which takes seconds where there are a million leads, so a page never waits for its reports longer than valueWait in all: it shows the
// values there are and since when they are, and they are counted again behind it, one at a time.
type values struct {
	store *store.Store
	log   *slog.Logger
	ctx   context.Context
	stop  context.CancelFunc
	work  sync.WaitGroup
	slot  chan struct{} // whoever counts has it
	again chan struct{} // whoever counts again has it, and rests with it

	lock    sync.Mutex
	list    map[string]*value
	cost    map[string]time.Duration // of a report, as it was last: what it will take with other filters
	made    int64                    // how often a value came anew
	backlog time.Duration            // what will be counted by then, as far as anybody knows
}

// value is one report as it came out.
type value struct {
	name    string        // of the report
	table   *report.Table // nil before the first
	newest  int64         // the mark of the decisions that are in it
	begun   time.Time     // when it was read
	cost    time.Duration // of making it
	used    time.Time
	err     error
	count   func(context.Context) (*report.Table, error)
	running chan struct{} // closed when the next is there; nil while nobody counts
}

const (
	// valueWait is how long a page waits for all its reports, if they are likely to be there by then.
	valueWait = 100 * time.Millisecond
	// valueCost is how many times as long as it took to count a value is kept: counting takes a twentieth of a core at most.
	valueCost = 20
	// valueRest is how many times as long as it took to count a value again nobody counts another one again: all values that are looked at
	// together take a fifth of a core at most. A value that nobody has seen yet does not wait for that.
	valueRest = 4
	// mostValues are kept, those that were asked for last.
	mostValues = 120
	// valueKeep is how long after somebody asked for a value it is counted again for those who have the page open.
	valueKeep = 10 * time.Minute
)

func newValues(st *store.Store, log *slog.Logger) *values {
	v := &values{store: st, log: log, slot: make(chan struct{}, 1), again: make(chan struct{}, 1), list: map[string]*value{}, cost: map[string]time.Duration{}}
	v.ctx, v.stop = context.WithCancel(context.Background())
	return v
}

func (v *values) close() {
	v.stop()
	v.work.Wait()
}

// stale reports whether a value has to be counted again, once newest is the mark of what was decided.
func (c *value) stale(newest int64) bool {
	return c.table == nil || c.newest != newest && time.Since(c.begun) > valueCost*c.cost || time.Since(c.begun) > time.Hour
}

// get returns a value of a report, nil while it is counted for the first time. It waits until a time for one that is likely to be there by then.
func (v *values) get(ctx context.Context, name, key string, newest int64, until time.Time, count func(context.Context) (*report.Table, error)) (*report.Table, time.Time, error) {
	v.lock.Lock()
	c := v.list[key]
	if c == nil {
		v.forget()
		c = &value{name: name}
		v.list[key] = c
	}
	c.used, c.count = time.Now(), count
	running := c.running
	if c.stale(newest) {
		running = v.start(c, newest)
	}
	left := time.Until(until)
	wait := running != nil && v.backlog < left && (c.table == nil || c.cost < valueWait/4)
	v.lock.Unlock()
	if wait {
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-running:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	v.lock.Lock()
	defer v.lock.Unlock()
	if c.table == nil && c.err != nil && c.running == nil {
		return nil, time.Time{}, c.err
	}
	return c.table, c.begun, nil
}

// start counts a value, unless somebody does. It is called with the lock held.
func (v *values) start(c *value, newest int64) chan struct{} {
	if c.running != nil || v.ctx.Err() != nil {
		return c.running
	}
	done := make(chan struct{})
	c.running = done
	count, again := c.count, c.table != nil
	expected, known := v.cost[c.name]
	if !known {
		expected = valueWait / 2
	}
	v.backlog += expected
	v.work.Add(1)
	go func() {
		defer v.work.Done()
		if again {
			v.again <- struct{}{}
		}
		v.slot <- struct{}{}
		begun := time.Now()
		table, err := count(v.ctx)
		took := time.Since(begun)
		<-v.slot
		if again {
			v.work.Go(func() { v.rest(valueRest * took) })
		}
		v.lock.Lock()
		defer v.lock.Unlock()
		c.running, c.err = nil, err
		v.backlog -= expected
		if err == nil {
			c.table, c.newest, c.begun, c.cost = table, newest, begun, took
			v.cost[c.name] = took
			v.made++
		} else if !errors.Is(err, context.Canceled) {
			v.log.Error("counting a report", "error", err)
		}
		close(done)
	}()
	return done
}

// rest lets others be counted again after a while.
func (v *values) rest(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-v.ctx.Done():
	}
	<-v.again
}

// forget makes room for a value. It is called with the lock held.
func (v *values) forget() {
	if len(v.list) < mostValues {
		return
	}
	oldest := ""
	for key, c := range v.list { // order: the oldest, whichever comes first
		if c.running == nil && (oldest == "" || c.used.Before(v.list[oldest].used)) {
			oldest = key
		}
	}
	delete(v.list, oldest)
}

// mark has what was asked for lately counted again where it is due, and returns a number that changes when a value came anew.
func (v *values) mark(newest int64) string {
	v.lock.Lock()
	defer v.lock.Unlock()
	for _, c := range v.list { // order: each by itself
		if time.Since(c.used) < valueKeep && c.stale(newest) {
			v.start(c, newest)
		}
	}
	return fmt.Sprint(v.made)
}

// maker is a report of internal/report.
type maker func(context.Context, *store.Store, *agreement.Plan, report.Query) (*report.Table, error)

// tallied is what a page of figures knows of when they were counted.
type tallied struct {
	newest  int64
	Since   time.Time // of the oldest of its values
	Waiting bool      // some are counted for the first time
	until   time.Time // it waits for them
	err     error     // the first
}

// counting begins with the mark of what was decided: one query.
func (a *ask) counting() (*tallied, error) {
	newest, err := a.site.Store.DecisionMark(a.Context())
	return &tallied{newest: newest, until: time.Now().Add(valueWait)}, err
}

// count returns a report, an empty one while it is counted for the first time, or after an error: that is the tally's.
func (a *ask) count(c *tallied, name string, make maker, q report.Query) *report.Table {
	plan, site := a.plan, a.site
	table, begun, err := site.values.get(a.Context(), name, fmt.Sprintf("%d %s %+v", a.version, name, q), c.newest, c.until, func(ctx context.Context) (*report.Table, error) {
		q := q
		q.Now = site.Clock().UnixMicro()
		return make(ctx, site.Store, plan, q)
	})
	switch {
	case err != nil:
		c.err = cmp.Or(c.err, err)
		return &report.Table{}
	case table == nil:
		c.Waiting = true
		return &report.Table{}
	}
	if c.Since.IsZero() || begun.Before(c.Since) {
		c.Since = begun
	}
	return table
}

// asOf says since when figures are, in the head of a page; while they are counted for the first time, the page comes again by itself.
func (a *ask) asOf(c *tallied) string {
	switch {
	case c.Waiting:
		a.w.Header().Set("Refresh", "2")
		return "Counting"
	case time.Since(c.Since) < 5*time.Second:
		return a.today()
	}
	return "Counted " + words(time.Since(c.Since).Microseconds()) + " ago"
}
