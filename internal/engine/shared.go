package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// On a database that several processes share, a round locks what others may change before it looks at it: the
// agreement (so that it stays the same), the leads of the round, their accounts, the roster. Numbers of inputs
// are taken after that. So of two inputs that have to do with each other, the one decided first has the lower
// number, and Verify can decide them again in the order of their numbers.
//
// Nearly all inputs are about one lead and do not look at the team. Those that do wait for the end of the round,
// behind the others: the roster, of which there is one for all processes, is locked only then, while the rows
// of the others are written already.

// What keeps a decision from being made with what is locked so far.
var errTeam = errors.New("the roster is needed")

type errAccount struct{ id int64 }

func (e *errAccount) Error() string { return fmt.Sprintf("account %d is changed", e.id) }

// locks are what a round holds.
type locks struct {
	team    bool
	all     bool           // accounts are locked to be changed, whether or not they will be
	changes map[int64]bool // accounts that may be changed
	since   bool           // something was locked after the numbers at hand were taken
}

// numbers are those of inputs that were taken and not used.
type numbers struct {
	free []int64
	last int64 // the last that was taken
	want int   // how many to take at a time
}

// begin starts a round of gathering and deciding.
func (e *Engine) begin(ctx context.Context) error { return e.beginRound(ctx, false) }

// exclusive reports whether others have to wait for a round: a split takes leads, accounts and numbers of which nobody knows
// before it is half done.
func exclusive(arrivals []lifecycle.Arrival) bool {
	return slices.ContainsFunc(arrivals, func(a lifecycle.Arrival) bool { return a.Input.Kind == lifecycle.Split })
}

func (e *Engine) beginRound(ctx context.Context, exclusive bool) (err error) {
	if e.shared {
		// what was learned in earlier rounds may not hold any more
		e.old, e.now = newOverlay(), newOverlay()
		clear(e.known)
		clear(e.accounts)
		e.who = newIdentities()
	}
	e.newTurn()
	e.locks = locks{changes: map[int64]bool{}, since: true}
	e.tx, err = e.st.Begin(ctx, exclusive)
	if err == nil && e.tx.Shared() != e.shared {
		err = store.ErrAgain // it was alone, until its connection was lost
	}
	if err != nil {
		e.tx.Rollback()
		e.tx, e.broken, e.others.orphaned = nil, err, errors.Is(err, store.ErrBehind)
		return err
	}
	if e.shared && e.tx.Version != e.version {
		if err = e.adopt(ctx, e.tx.Reader); err != nil {
			return e.finish(ctx, err)
		}
	}
	if e.crowded || exclusive {
		e.changeAll()
	}
	return nil
}

// lockLeads locks leads, and forgets those in memory that have changed since.
func (e *Engine) lockLeads(ctx context.Context, ids []int64) error {
	if !e.shared {
		return nil
	}
	var free []int64
	for _, id := range ids {
		if n := e.cache.leads[id]; n == nil || n.locked != e.turn {
			free = append(free, id)
		}
	}
	if len(free) == 0 {
		return nil
	}
	stamps, err := e.tx.LockLeads(ctx, free)
	if err != nil {
		return err
	}
	e.locks.since = true
	for _, id := range free {
		n := e.cache.leads[id]
		if n == nil {
			continue
		}
		if s, ok := stamps[id]; !ok || s.Input != n.LastInput || s.Due != n.Due {
			e.cache.remove(n)
			continue
		}
		n.locked = e.turn
	}
	return nil
}

// lockAccount locks an account to be changed, and reads it again. It does not wait: whoever has it locked may wait for what
// this round has. The round is tried again then, with all its accounts locked to be changed from the first.
func (e *Engine) lockAccount(ctx context.Context, id int64) error {
	if err := e.tx.ChangeAccount(ctx, id); err != nil {
		return err
	}
	e.locks.changes[id] = true
	list, err := e.tx.Accounts(ctx, []int64{id})
	if err != nil {
		return err
	}
	delete(e.accounts, id)
	e.keep(list)
	return nil
}

// changeAll has the accounts of the round locked to be changed from the first.
func (e *Engine) changeAll() {
	e.locks.all = true
	e.tx.ChangeAccounts()
}

// mayChange reports whether an account may be changed with what is locked.
func (e *Engine) mayChange(a *account) bool {
	return !e.shared || e.locks.all || !a.stored || e.locks.changes[a.Account.ID]
}

// lockTeam locks the roster, and reads it again if another process has changed it.
func (e *Engine) lockTeam(ctx context.Context) error {
	if !e.shared || e.locks.team {
		return nil
	}
	stamp, err := e.tx.LockRoster(ctx)
	if err != nil {
		return err
	}
	e.locks.team, e.locks.since = true, true
	if stamp == e.rosterStamp && e.roster != nil {
		return nil
	}
	if e.roster, err = e.tx.Roster(ctx); err != nil {
		return err
	}
	e.rosterStamp = stamp
	if e.roster != nil {
		e.rosterRows.Mirror(e.plan, e.roster)
	}
	return nil
}

// numbered makes e.nextID a number that is good for the next input.
func (e *Engine) numbered(ctx context.Context) error {
	if !e.shared {
		return nil
	}
	n := &e.numbers
	if e.locks.since {
		last, err := e.tx.LastNumber(ctx)
		if err != nil {
			return err
		}
		// others have taken some, after ours or in between: ours may be too low now
		if last != n.last || len(n.free) > 0 && n.last-n.free[0] != int64(len(n.free)-1) {
			n.free = nil
		}
		e.locks.since = false
	}
	if len(n.free) == 0 {
		var err error
		if n.free, err = e.tx.Numbers(ctx, max(1, n.want)); err != nil {
			return err
		}
		n.last, n.want = n.free[len(n.free)-1], 1
	}
	e.nextID = n.free[0]
	return nil
}

// used says that the number was used.
func (e *Engine) used(id int64) {
	e.recorded++
	e.nextID = id + 1
	if e.shared {
		e.numbers.free = e.numbers.free[1:]
	}
}

// skipTo leaves out the numbers below one.
func (e *Engine) skipTo(ctx context.Context, id int64) error {
	for e.nextID = max(e.nextID, id); e.shared; e.numbers.free = e.numbers.free[1:] {
		if err := e.numbered(ctx); err != nil || e.nextID >= id {
			return err
		}
	}
	return nil
}

// step does something that may find out, in deciding, that it needs an account locked to be changed: then it is done
// again. It returns errTeam if the roster is needed.
func (e *Engine) step(ctx context.Context, do func() error) error {
	for {
		err := do()
		var a *errAccount
		if !errors.As(err, &a) {
			return err
		}
		if err := e.lockAccount(ctx, a.id); err != nil {
			return err
		}
	}
}

// arrival takes one arrival.
func (e *Engine) arrival(ctx context.Context, a *lifecycle.Arrival) (out Outcome, err error) {
	if !e.shared {
		return e.take(ctx, a)
	}
	was := a.Input
	err = e.step(ctx, func() (err error) {
		a.Input = was
		out, err = e.take(ctx, a)
		return err
	})
	if err == errTeam {
		a.Input = was
	}
	return out, err
}

// arrivals takes the arrivals of a round, in order. Those that need the roster come after the others, and so do
// those behind them that are about the same.
func (e *Engine) arrivals(ctx context.Context, all []lifecycle.Arrival, done func(i int, out Outcome)) error {
	var late late
	e.numbers.want = len(all)
	for i := range all {
		if late.touches(e, &all[i]) {
			late.add(e, &all[i], i)
			continue
		}
		out, err := e.arrival(ctx, &all[i])
		if err == errTeam {
			late.add(e, &all[i], i)
			continue
		}
		if err != nil {
			return err
		}
		done(i, out)
	}
	if len(late.list) == 0 {
		return nil
	}
	if err := e.thenTeam(ctx, len(late.list)); err != nil {
		return err
	}
	if err := e.lateTwins(ctx, all, late.list); err != nil {
		return err
	}
	for _, i := range late.list {
		out, err := e.arrival(ctx, &all[i])
		if err != nil {
			return err
		}
		done(i, out)
	}
	return nil
}

// lateTwins finds the inputs again that late arrivals may repeat: of what is about no lead, only the lock of the roster
// keeps others from taking it in.
func (e *Engine) lateTwins(ctx context.Context, all []lifecycle.Arrival, late []int) error {
	var hashes []int64
	for _, i := range late {
		if h := store.Dedupe(all[i].Input.Source, all[i].Input.Key); h != 0 {
			hashes = append(hashes, h)
		}
	}
	slices.Sort(hashes)
	found, err := e.tx.Twins(ctx, slices.Compact(hashes))
	maps.Copy(e.twins, found)
	return err
}

// nobody reports whether an input that could come twice is about no lead, so that the roster has to be locked before it
// is put on record.
func (c *command) nobody() bool { return c.hash != 0 && (c.entry == nil || c.entry.Lead == nil) }

// reserve keeps other processes, until the round is over, from giving somebody the keys of an input that is put on record as about no lead: who
// finds them at a lead takes the input to be about that one, and sees by then that it is on record.
func (e *Engine) reserve(c *command) {
	if !e.shared || !c.nobody() {
		return
	}
	for _, k := range c.keys {
		if _, taken := e.known[k]; !taken {
			e.batch.Reserve(k)
		}
	}
}

// thenTeam writes what is decided, and locks the roster for the rest of the round.
func (e *Engine) thenTeam(ctx context.Context, more int) error {
	if err := e.seal(ctx, e.tx.Write); err != nil {
		return err
	}
	e.numbers.want = more
	return e.lockTeam(ctx)
}

// late are arrivals that come at the end of the round.
type late struct {
	list  []int
	keys  map[identity.Key]bool
	leads map[int64]bool
	firms map[string]bool    // keys of accounts
	sent  map[[2]string]bool // source and key of the input
}

// touches reports whether an arrival is about the same as one that comes at the end.
func (l *late) touches(e *Engine, a *lifecycle.Arrival) bool {
	if len(l.list) == 0 {
		return false
	}
	if a.Account != "" && l.firms[a.Account] || l.leads[e.alive(a.Input.Lead)] || l.leads[e.alive(a.Input.Other)] || a.Input.Key != "" && l.sent[[2]string{a.Input.Source, a.Input.Key}] {
		return true
	}
	late := func(k identity.Key) bool { return l.keys[k] || l.leads[e.owner(k)] }
	return slices.ContainsFunc(a.Keys, late) || slices.ContainsFunc(a.Other, late)
}

func (l *late) add(e *Engine, a *lifecycle.Arrival, i int) {
	if l.list == nil {
		l.keys, l.leads, l.firms, l.sent = map[identity.Key]bool{}, map[int64]bool{}, map[string]bool{}, map[[2]string]bool{}
	}
	l.list = append(l.list, i)
	if a.Account != "" {
		l.firms[a.Account] = true
	}
	for _, lead := range [...]int64{a.Input.Lead, a.Input.Other} {
		if lead != 0 {
			l.leads[e.alive(lead)] = true
		}
	}
	if a.Input.Key != "" {
		l.sent[[2]string{a.Input.Source, a.Input.Key}] = true
	}
	for _, k := range slices.Concat(a.Keys, a.Other) {
		l.keys[k] = true
		if lead := e.owner(k); lead != 0 {
			l.leads[lead] = true
		}
	}
}

// tries is how often a round is tried when other processes are in its way.
const tries = 12

// try does a round, and again when another process was in the way, or the connection was lost before it was committed. A
// round that panics is dropped, and its error names the place.
func (e *Engine) try(ctx context.Context, round func() error) error {
	whole := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = e.finish(ctx, fmt.Errorf("deciding failed: %v (at %s)", p, panicked(string(debug.Stack()))))
			}
		}()
		return round()
	}
	defer func() { e.crowded = false }()
	for n := 1; ; n++ {
		e.tx = nil
		err := whole()
		if err == nil || n == tries || !store.Again(err) && (!e.shared || !e.tx.Lost() || errors.Is(err, store.ErrUnsure)) {
			return err
		}
		e.crowded = true
		if store.Again(err) && !e.tx.Lost() && e.tx != nil && e.version == e.tx.Version && e.dues == nil {
			e.drop()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(rand.Int64N(int64(n) * int64(4*time.Millisecond)))):
		}
	}
}

// drop takes back what a round left in memory that was not stored because another process was in the way. The leads that it did not
// lock stay: whether they are still as they are stored is asked when they are locked.
func (e *Engine) drop() {
	for _, n := range e.cache.leads { // order: all of the round go
		if n.used == e.turn || n.locked == e.turn {
			e.cache.remove(n)
		}
	}
	e.batch, e.tally, e.refresh, e.numbers = store.NewBatch(), tally{}, nil, numbers{}
	e.rosterStamp, e.rosterDirty = -1, false // so that it is read again when it is locked
	e.broken = nil
}
