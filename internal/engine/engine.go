package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Errors that callers tell apart.
var (
	ErrFull        = errors.New("the engine has as much to do as it can take; try again in a moment")
	ErrClosed      = errors.New("the engine is shutting down")
	ErrNoAgreement = errors.New("there is no agreement yet; activate one first")
)

// Options are the settings of an engine; the zero value will do.
type Options struct {
	// Clock tells the time to Run and Undo; time.Now if nil.
	Clock func() time.Time
	// Compile makes the plan of a stored agreement. Without it a store that has an
	// agreement cannot be opened before Activate has been called with the same one.
	Compile func(*store.Agreement) (*agreement.Plan, error)
	// Files returns the files that a plan being activated names, to be stored with it.
	Files func(*agreement.Plan) map[string][]byte
	// Queue is how many arrivals may wait (20,000 by default), Cached how many leads are kept
	// in memory (10,000, at 3 KB each), Batch how many inputs a transaction holds at most (2,000).
	Queue, Cached, Batch int
	// Late is by how many inputs the rows of leads may be behind in a database of one process while there is much to do
	// (60,000 by default; negative: not at all). See store.Late.
	Late int
	// Memory is how many bytes may hold leads and accounts that are not in use, packed, with the keys of all leads beside them; 0 for none.
	Memory int
	// Observe is told of each round that is done, one at a time, while others wait: it returns at once and
	// calls no method of the engine. Nothing is measured if it is nil.
	Observe func(*Round)

	undoStep int // of Undo: leads in a step; 0 for as many as are done in a moment

	idle time.Duration // for how long nothing is submitted before the rows of leads that are behind are written
}

// Engine decides what happens and writes it to a store. Its methods are safe for concurrent use; they take turns.
type Engine struct {
	st   *store.Store
	opts Options

	requests chan *request
	waiting  atomic.Int64
	telling  sync.Mutex   // held while Observe is called
	cached   atomic.Int64 // leads in memory

	packedBytes atomic.Int64
	packedWhole atomic.Bool

	closing sync.RWMutex // held for reading while a request is put in
	closed  bool
	drained chan struct{}
	kick    chan struct{} // something may be due earlier than Run thinks

	agreement atomic.Pointer[active] // what applies, for those who ask

	mu       sync.Mutex // of all below: held by whoever puts together a transaction
	shared   bool       // other processes may write to the database: see lookAround
	others   others
	tx       *store.Tx // of this round
	locks    locks
	crowded  bool // another process was in the way of this round
	numbers  numbers
	version  int64
	plan     *agreement.Plan
	plans    map[int64]*agreement.Plan
	behind   bool // there may be leads that follow an older version
	nextID   int64
	recorded int64 // inputs put on record since the start

	roster      *lifecycle.Roster
	rosterStamp int64 // which of a shared database's it is
	rosterRows  store.RosterRows
	rosterDirty bool

	cache    cache
	packed   *packed // nil for none
	accounts map[int64]*account
	turn     int64 // counts rounds of gathering and deciding
	now, old *overlay
	known    map[identity.Key]int64 // keys and their leads: all of this turn and the last, and others
	twins    map[int64][]store.Twin // of this round, as stored
	who      identities             // see merge.go

	decider   lifecycle.Decider
	view      lifecycle.View // of the decision at hand
	batch     *store.Batch
	spare     *store.Batch // written, or being written
	late      *store.Late
	tally     tally
	live      bool
	asked     bool                // somebody wants to know what is decided
	all       []lifecycle.Arrival // of a round; its memory serves the next
	outcomes  []Outcome           // so does theirs
	round     *Round              // observed, nil if it is not
	dues      *dues               // of History, while it runs
	dueSince  int64               // what is due of before then is History's, while it runs
	undoes    bool                // an import is being undone
	refresh   []int64             // of History: leads to look at again
	refreshAt int64
	inFlight  chan error
	answered  chan struct{} // closed when everybody has been told of the rounds so far
	broken    error
}

// account is an account in memory.
type account struct {
	*store.AccountRecord
	used     int64
	complete bool // all its leads are in memory
	stored   bool
}

// overlay is what the latest rounds made that the database may not show yet.
type overlay struct {
	keys     map[identity.Key]int64
	dedupe   map[int64]store.Twin
	further  []store.Twin // with a number that another in dedupe has
	accounts map[string]int64
	woken    map[int64]int64  // account -> instant
	review   map[string]int64 // member -> instant at which what they own was to be looked at
}

func newOverlay() *overlay {
	return &overlay{keys: map[identity.Key]int64{}, dedupe: map[int64]store.Twin{}, accounts: map[string]int64{}, woken: map[int64]int64{}, review: map[string]int64{}}
}

// emptied lets the memory of an overlay serve again.
func (o *overlay) emptied() *overlay {
	clear(o.keys)
	clear(o.dedupe)
	clear(o.accounts)
	clear(o.woken)
	clear(o.review)
	clear(o.further)
	o.further = o.further[:0]
	return o
}

// New makes the engine of a store.
func New(st *store.Store, opts Options) (*Engine, error) {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Queue <= 0 {
		opts.Queue = 20_000
	}
	if opts.Cached <= 0 {
		opts.Cached = 10_000
	}
	if opts.Batch <= 0 {
		opts.Batch = 2_000
	}
	if opts.Late == 0 {
		opts.Late = 60_000
	}
	if opts.idle == 0 {
		opts.idle = 50 * time.Millisecond
	}
	if opts.Late < 0 {
		opts.Late = 0
	}
	e := &Engine{st: st, opts: opts, plans: map[int64]*agreement.Plan{}, requests: make(chan *request, 1024), drained: make(chan struct{}), kick: make(chan struct{}, 1),
		answered: make(chan struct{})}
	close(e.answered)
	if opts.Memory > 0 {
		e.packed = newPacked(opts.Memory)
	}
	if err := st.StopImports(context.Background()); err != nil {
		return nil, err
	}
	if err := e.load(context.Background()); err != nil {
		return nil, err
	}
	go e.serve()
	return e, nil
}

// load takes the state of the engine from the store. Nothing in memory survives it.
func (e *Engine) load(ctx context.Context) error {
	if err := e.moveIn(ctx); err != nil {
		return err
	}
	last, err := e.st.LastInput(ctx)
	if err == nil && e.st.Shared() && !e.shared {
		var taken int64 // by others, who may have dropped it
		taken, err = e.st.LastNumber(ctx)
		last = max(last, taken)
	}
	if err != nil {
		return err
	}
	e.nextID = last + 1
	e.cache.init(e.opts.Cached)
	if e.packed != nil {
		e.packed.reset()
	}
	e.accounts = map[int64]*account{}
	e.now, e.old, e.known = newOverlay(), newOverlay(), map[identity.Key]int64{}
	e.who = newIdentities()
	e.batch, e.spare, e.tally, e.late = store.NewBatch(), nil, tally{}, store.NewLate(0)
	if !e.shared {
		e.late = store.NewLate(e.opts.Late)
	}
	e.rosterRows, e.rosterDirty = store.RosterRows{}, false
	e.refresh, e.numbers = nil, numbers{}
	if e.dues != nil {
		if err := e.listDues(ctx); err != nil {
			return err
		}
	}
	if err := e.adopt(ctx, e.st.Reader); err != nil {
		return err
	}
	if e.shared { // somebody may know what the rows lack; or else see store.ErrBehind
		return nil
	}
	return e.catchUpRows(ctx)
}

// active is the agreement that applies.
type active struct {
	plan    *agreement.Plan
	version int64
}

// adopt takes the agreement that applies, and the roster, from the database.
func (e *Engine) adopt(ctx context.Context, from *store.Reader) error {
	stored, err := from.ActiveAgreement(ctx)
	if err != nil {
		return err
	}
	e.behind, e.rosterStamp = true, 0
	if stored == nil {
		e.roster = nil
		e.governedBy(0, nil)
		return nil
	}
	plan := e.plans[stored.Version]
	if plan == nil && e.opts.Compile != nil {
		if plan, err = e.opts.Compile(stored); err != nil {
			return fmt.Errorf("reading the stored agreement, version %d: %w", stored.Version, err)
		}
	}
	e.governedBy(stored.Version, plan)
	e.roster, err = from.Roster(ctx)
	return err
}

// governedBy makes an agreement the one by which the engine decides.
func (e *Engine) governedBy(version int64, plan *agreement.Plan) {
	e.version, e.plan = version, plan
	if plan != nil {
		e.plans[version] = plan
	}
	e.agreement.Store(&active{plan, version})
}

// planOf returns the plan of a version.
func (e *Engine) planOf(ctx context.Context, from *store.Reader, version int64) (*agreement.Plan, error) {
	if p := e.plans[version]; p != nil {
		return p, nil
	}
	a, err := from.AgreementVersion(ctx, version)
	if err != nil {
		return nil, err
	}
	if e.opts.Compile == nil {
		return nil, fmt.Errorf("reading the stored agreement, version %d: this engine cannot compile", version)
	}
	p, err := e.opts.Compile(a)
	if err != nil {
		return nil, fmt.Errorf("reading the stored agreement, version %d: %w", version, err)
	}
	e.plans[version] = p
	return p, nil
}

// Agreement returns the plan that applies and its version; nil and 0 before there is one. It does not wait.
func (e *Engine) Agreement() (*agreement.Plan, int64) {
	a := e.agreement.Load()
	return a.plan, a.version
}

// ready reports what keeps the engine from deciding.
func (e *Engine) ready(ctx context.Context) error {
	if e.broken != nil {
		// A commit failed. What was in memory went beyond what is stored: begin again from there.
		if err := e.load(ctx); err != nil {
			return err
		}
		e.broken = nil
	} else if err := e.lookAround(ctx); err != nil {
		e.broken = err
		return err
	}
	if e.plan == nil && e.shared { // another process may have activated one
		if err := e.adopt(ctx, e.st.Reader); err != nil {
			return err
		}
	}
	if e.plan == nil {
		return ErrNoAgreement
	}
	return nil
}

// newTurn makes room in memory.
func (e *Engine) newTurn() {
	e.turn++
	e.old, e.now = e.now, e.old.emptied()
	e.who.shrink(e.turn, 4*e.opts.Cached)
	if len(e.known) > 4*e.opts.Cached {
		clear(e.known)
		maps.Copy(e.known, e.old.keys) // which may be on their way; what is older can be read
	}
	p := e.memory()
	if p != nil && p.rows.idle() > p.most/4 { // what there is has other sizes than it had
		p.reset()
	}
	e.tellPacked()
	e.cache.shrink(e.turn, e.evicted)
	e.cached.Store(int64(len(e.cache.leads)))
	if len(e.accounts) > e.opts.Cached+len(e.cache.leads) {
		for id, a := range e.accounts { // those of leads in memory stay with them
			if a.used < e.turn-1 && len(e.cache.byAccount[id]) == 0 {
				p.putAccount(a.AccountRecord)
				delete(e.accounts, id)
			}
		}
	}
}

// evicted notes that a lead left the memory.
func (e *Engine) evicted(rec *store.Record) {
	e.memory().putLead(rec, e.turn)
	if a := e.accounts[rec.Lead.Account]; a != nil {
		a.complete = false
	}
}

// commit writes the batch and waits until it is stored.
func (e *Engine) commit(ctx context.Context) error {
	e.send(ctx, false)
	return e.wait()
}

// send hands the batch to the database and returns while it is stored; at most one is
// on its way. A shared database is waited for. The rows of leads may be behind, see store.Late.
func (e *Engine) send(ctx context.Context, behind bool) {
	if e.shared {
		if err := e.seal(ctx, e.tx.Commit); err != nil {
			e.broken = err
			return
		}
		if stamp := e.tx.RosterStamp(); stamp != 0 {
			e.rosterStamp = stamp
		}
		return
	}
	_ = e.sent(ctx, behind) // wait tells
}

// sent is send, and returns what says once whether the batch is stored; nil if there was nothing to write.
func (e *Engine) sent(ctx context.Context, behind bool) <-chan error {
	if e.wait() != nil || e.batch.Empty() {
		return nil
	}
	tx, b := e.tx, e.sealed(behind)
	// The one that was sent before is written by now: its memory serves again.
	e.batch, e.spare = e.spare, b
	if e.batch == nil {
		e.batch = store.NewBatch()
	} else {
		e.batch.Reset()
	}
	stored, inFlight := make(chan error, 1), make(chan error, 1)
	e.inFlight = inFlight
	go func() {
		err := tx.Commit(ctx, b)
		inFlight <- err
		stored <- err
	}()
	return stored
}

// sendThen is send, and calls then when the batch is on the disk, and whatever was stored before, or why it is not. Another round may be
// on its way by then; they are told of in their order.
func (e *Engine) sendThen(ctx context.Context, behind bool, then func(error)) {
	stored := e.sent(ctx, behind)
	err := e.broken
	before, done := e.answered, make(chan struct{})
	e.answered = done
	go func() {
		defer close(done)
		if stored != nil {
			err = <-stored
		}
		if err == nil {
			e.st.Flush() // also where nothing was to be written: what was found may have been stored a moment ago
		}
		<-before
		then(err)
	}()
}

// sealed returns the batch, ready to be written.
func (e *Engine) sealed(behind bool) *store.Batch {
	e.tally.put(e.batch)
	if e.rosterDirty {
		e.batch.Roster(e.plan, e.roster, &e.rosterRows)
	}
	if e.st.Shared() && !e.shared && e.batch.Inputs() > 0 {
		e.batch.Taken(e.nextID - 1)
	}
	e.late.Sift(e.batch, behind)
	e.batch.Seal(e.plan)
	e.tally, e.rosterDirty = tally{}, false
	return e.batch
}

// seal has the batch written now, and begins another.
func (e *Engine) seal(ctx context.Context, write func(context.Context, *store.Batch) error) error {
	err := write(ctx, e.sealed(false))
	e.batch.Reset()
	return err
}

// wait returns when nothing is on its way, with the error of what went wrong since the last load.
func (e *Engine) wait() error {
	if e.inFlight != nil {
		if err := <-e.inFlight; err != nil {
			e.broken = err
		}
		e.inFlight = nil
	}
	return e.broken
}

// tally counts what a batch takes in for an import.
type tally struct{ importID, arrivals, first, last int64 }

func (t *tally) put(b *store.Batch) {
	if t.importID != 0 && t.arrivals > 0 {
		b.Imported(t.importID, t.arrivals, t.first, t.last)
	}
}

// Close decides what has been submitted and then stops; Submit refuses more.
func (e *Engine) Close() error {
	e.closing.Lock()
	if !e.closed {
		e.closed = true
		close(e.requests)
	}
	e.closing.Unlock()
	<-e.drained
	e.mu.Lock()
	defer e.mu.Unlock()
	var err error
	<-e.answered
	if e.inFlight != nil || e.late.Len() > 0 { // what went wrong before was told to whoever asked for it
		err = e.writeLate(context.Background(), lateAll)
	}
	if e.packed != nil {
		e.packed.reset()
	}
	return errors.Join(err, e.st.Leave(context.Background()))
}
