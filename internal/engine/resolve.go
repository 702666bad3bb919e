package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Outcome is what became of an arrival.
type Outcome struct {
	Input     int64 // of a duplicate: the input it repeats
	Lead      int64
	Decision  lifecycle.Decision
	Duplicate bool
	// Err is why the input could not be decided; it is kept, with the error, among the problems.
	Err error
}

var (
	errNobody    = errors.New("the input does not say whom it is about: it needs an e-mail address, an ID, a phone number or a lead")
	errUnknown   = errors.New("there is no such lead")
	errNoAccount = errors.New("there is no such account")
)

// aboutTeam reports whether an input is about the team and not about a lead.
func aboutTeam(k lifecycle.InputKind) bool {
	return k == lifecycle.Joined || k == lifecycle.Left || k == lifecycle.Absent || k == lifecycle.Present || k == lifecycle.Calendar || k == lifecycle.Hours
}

// gather reads all that the arrivals of a round, and the leads given, will need.
func (e *Engine) gather(ctx context.Context, arrivals []lifecycle.Arrival, leads []int64) error {
	var hashes []int64
	var keys []identity.Key
	var accountKeys []string
	seen := map[identity.Key]struct{}{}
	for i := range arrivals {
		a := &arrivals[i]
		if h := store.Dedupe(a.Input.Source, a.Input.Key); h != 0 {
			hashes = append(hashes, h)
		}
		for _, list := range [...][]identity.Key{a.Keys, a.Other} {
			for _, k := range list {
				if lead, ok := e.known[k]; ok {
					leads = append(leads, lead)
				} else if _, ok := seen[k]; !ok {
					seen[k] = struct{}{}
					keys = append(keys, k)
				}
			}
		}
		if a.Account != "" {
			if _, ok := e.accountByKey(a.Account); !ok {
				accountKeys = append(accountKeys, a.Account)
			}
		}
		for _, lead := range [...]int64{a.Input.Lead, a.Input.Other} {
			if lead != 0 {
				leads = append(leads, lead)
			}
		}
	}
	found, err := e.owners(ctx, keys)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if lead, ok := found[k]; ok {
			e.known[k] = lead
			leads = append(leads, lead)
		}
	}
	if err := e.loadLiving(ctx, leads); err != nil {
		return err
	}
	for _, k := range keys {
		if lead, ok := found[k]; ok && e.shared && e.cache.leads[e.alive(lead)] == nil {
			return store.ErrAgain // it was forgotten before it was locked
		}
	}
	// With the leads locked, nobody else takes in what is about them.
	slices.Sort(hashes)
	if e.twins, err = e.twinsOf(ctx, slices.Compact(hashes)); err != nil {
		return err
	}
	slices.Sort(accountKeys)
	list, err := e.accountsByKey(ctx, slices.Compact(accountKeys))
	if err != nil {
		return err
	}
	e.keep(list)
	var blocks []string
	for i := range arrivals {
		if a := &arrivals[i]; a.Account != "" {
			_, exact := e.accountByKey(a.Account)
			blocks = append(blocks, lifecycle.NeedsCompanies(a, exact))
		}
	}
	return e.loadCompanies(ctx, blocks)
}

func (e *Engine) keep(list []*store.AccountRecord) {
	e.locks.since = true // they were locked in reading them
	for _, r := range list {
		if have := e.accounts[r.Account.ID]; have != nil {
			have.used = e.turn
			e.now.accounts[r.Account.Key] = r.Account.ID
			continue
		}
		e.accounts[r.Account.ID] = &account{AccountRecord: r, used: e.turn, stored: true}
		e.now.accounts[r.Account.Key] = r.Account.ID
	}
}

func (e *Engine) accountByKey(key string) (int64, bool) {
	id, ok := e.now.accounts[key]
	if !ok {
		id, ok = e.old.accounts[key]
	}
	if a := e.accounts[id]; ok && (a == nil || a.Account.Key != key) { // or it has taken its domain
		return 0, false
	}
	return id, ok
}

// loadLeads brings leads and their accounts into memory.
func (e *Engine) loadLeads(ctx context.Context, ids []int64) error {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if err := e.lockLeads(ctx, ids); err != nil {
		return err
	}
	var missing, accounts []int64
	use := func(n *entry) {
		if n.Lead.Account == 0 {
			return
		}
		if a := e.accounts[n.Lead.Account]; a != nil {
			a.used = e.turn
		} else {
			accounts = append(accounts, n.Lead.Account)
		}
	}
	for _, id := range ids {
		if n := e.cache.get(id, e.turn); n != nil {
			use(n)
		} else if e.who.merged[id].Into == 0 {
			missing = append(missing, id)
		}
	}
	records, err := e.leadsOf(ctx, missing)
	if err != nil {
		return err
	}
	for _, id := range missing {
		rec := records[id]
		if rec == nil {
			continue
		}
		if err := e.woken(ctx, rec); err != nil {
			return err
		}
		use(e.cache.put(rec, e.turn))
	}
	if len(accounts) == 0 {
		return nil
	}
	slices.Sort(accounts)
	list, err := e.accountsOf(ctx, slices.Compact(accounts))
	if err != nil {
		return err
	}
	e.keep(list)
	return nil
}

// woken makes a lead that was read due if the database has it made due by what is on its way.
func (e *Engine) woken(ctx context.Context, rec *store.Record) error {
	l := rec.Lead
	for _, o := range [...]*overlay{e.old, e.now} {
		at, ok := o.woken[l.Account]
		if reviewed, held := o.review[l.Owner]; held && l.Owner != "" && (!ok || reviewed < at) {
			plan, err := e.planOf(ctx, e.tx.Reader, l.Version)
			if err != nil {
				return err
			}
			if plan.Stages[l.Stage].Final == agreement.NotFinal {
				at, ok = reviewed, true
			}
		}
		if ok && at < rec.Due {
			rec.Due = at
			rec.Woken(at)
		}
	}
	return nil
}

// lead returns a lead in memory, loading it if need be; nil if it does not exist.
func (e *Engine) lead(ctx context.Context, id int64) (*entry, error) {
	if n := e.cache.get(id, e.turn); n != nil && (!e.shared || n.locked == e.turn) {
		return n, nil
	}
	if err := e.loadLeads(ctx, []int64{id}); err != nil {
		return nil, err
	}
	return e.cache.get(id, e.turn), nil
}

// account returns an account in memory, loading it if need be, in the slots of the present
// plan; nil for 0.
func (e *Engine) account(ctx context.Context, id int64) (*account, error) {
	if id == 0 {
		return nil, nil
	}
	a := e.accounts[id]
	if a == nil {
		list, err := e.accountsOf(ctx, []int64{id})
		if err != nil {
			return nil, err
		}
		e.keep(list)
		if a = e.accounts[id]; a == nil {
			return nil, fmt.Errorf("account %d: %w", id, errNoAccount)
		}
	}
	a.used = e.turn
	if a.Account.Version != e.version {
		if !e.mayChange(a) {
			return nil, &errAccount{id}
		}
		from, err := e.planOf(ctx, e.tx.Reader, a.Account.Version)
		if err != nil {
			return nil, err
		}
		if err := lifecycle.Rebind(from, e.plan, &lifecycle.View{Account: a.Account}); err != nil {
			return nil, fmt.Errorf("account %d: %w", id, err)
		}
		a.Account.Version = e.version
		e.batch.Account(a.AccountRecord)
	}
	return a, nil
}

// take puts one arrival through, after gather, and fills in its input. An error means that the round cannot go on;
// what is wrong with the arrival alone is in the outcome.
func (e *Engine) take(ctx context.Context, a *lifecycle.Arrival) (Outcome, error) {
	in := &a.Input
	hash := store.Dedupe(in.Source, in.Key)
	if t, ok := e.twin(hash, in); ok {
		return Outcome{Input: t.Input, Lead: t.Lead, Duplicate: true}, nil
	}
	c := command{in: in, hash: hash, keys: a.Keys}
	if len(a.Other) > 0 {
		c.keys = slices.Concat(a.Keys, a.Other)
	}
	if aboutTeam(in.Kind) {
		in.Lead = 0
		return e.decide(ctx, &c)
	}
	switch in.Kind {
	case lifecycle.Merge:
		return e.merge(ctx, a, &c)
	case lifecycle.Split:
		return e.split(ctx, a, &c)
	}
	lead, absorb, err := e.whom(ctx, a)
	if errors.Is(err, errNobody) {
		in.Lead = 0
		return e.fail(ctx, &c, err)
	}
	if err != nil {
		return Outcome{}, err
	}
	if lead != 0 {
		if c.entry, err = e.lead(ctx, lead); err != nil {
			return Outcome{}, err
		}
		if c.entry == nil {
			return e.fail(ctx, &c, fmt.Errorf("lead %d: %w", lead, errUnknown))
		}
		// A lead's time never runs backwards.
		in.Known = max(in.Known, c.entry.Lead.Clock)
		if err := e.catchUp(ctx, c.entry, in.Known); err != nil {
			return Outcome{}, err
		}
		if c.entry.Lead == nil || c.entry.Lead.Version != e.version {
			return e.fail(ctx, &c, fmt.Errorf("lead %d cannot follow agreement %d", lead, e.version))
		}
		if a.IfInput != 0 && a.IfInput != c.entry.LastInput {
			return Outcome{Input: c.entry.LastInput, Lead: lead, Err: ErrMoved}, nil
		}
		in.Lead, in.Known = lead, max(in.Known, c.entry.Lead.Clock)
		for _, gone := range absorb {
			same := lifecycle.Input{Known: in.Known, Source: in.Source, Text: lifecycle.NoLongerAnonymous}
			if out, err := e.join(ctx, gone, lead, &same, 0); err != nil || out.Err != nil {
				return out, err
			}
			in.Known = max(in.Known, c.entry.Lead.Clock)
		}
	}
	if a.Account != "" && (in.Kind == lifecycle.Identify || in.Kind == lifecycle.JoinAccount) { // nothing else joins an account
		if err := e.place(ctx, a, &c); err != nil {
			return Outcome{}, err
		}
	} else if lead != 0 {
		if c.account, err = e.account(ctx, c.entry.Lead.Account); err != nil {
			return Outcome{}, err
		}
	}
	if lead == 0 {
		if err := e.numbered(ctx); err != nil {
			return Outcome{}, err
		}
		in.Lead = e.nextID
		c.entry = &entry{Record: &store.Record{ID: in.Lead}, used: e.turn, locked: e.turn}
	}
	out, err := e.decide(ctx, &c)
	if err == nil && out.Err == nil && c.entry.Lead != nil {
		if lead == 0 {
			e.who.identified[in.Lead] = false
		}
		e.attach(a, c.entry, out.Input)
	}
	return out, err
}

// twin finds the input that this one repeats.
func (e *Engine) twin(hash int64, in *lifecycle.Input) (store.Twin, bool) {
	if hash == 0 {
		return store.Twin{}, false
	}
	for _, o := range [...]*overlay{e.now, e.old} {
		if t, ok := o.twin(hash, in); ok {
			return t, true
		}
	}
	return repeated(e.twins[hash], in)
}

// twin finds the input of these rounds that this one repeats.
func (o *overlay) twin(hash int64, in *lifecycle.Input) (store.Twin, bool) {
	t, ok := o.dedupe[hash]
	if ok && (t.Source != in.Source || t.Key != in.Key) {
		return repeated(o.further, in)
	}
	return t, ok
}

// took notes an input that may be repeated.
func (o *overlay) took(hash int64, t store.Twin) {
	if _, ok := o.dedupe[hash]; ok {
		o.further = append(o.further, t)
		return
	}
	o.dedupe[hash] = t
}

// repeated finds among inputs the one that another repeats.
func repeated(list []store.Twin, in *lifecycle.Input) (store.Twin, bool) {
	for _, t := range list {
		if t.Source == in.Source && t.Key == in.Key {
			return t, true
		}
	}
	return store.Twin{}, false
}

// attach gives the lead those keys that nobody has, and notes those that somebody else has.
func (e *Engine) attach(a *lifecycle.Arrival, n *entry, input int64) {
	for _, k := range a.Keys {
		owner, taken := e.known[k]
		switch {
		case !taken:
			e.known[k], e.now.keys[k] = n.ID, n.ID
			e.batch.Key(k, n.ID)
			e.memory().putKey(k, n.ID)
			if k.Kind == identity.Email && n.Email == "" {
				n.Email = k.Value
			}
			if k.Identifies() {
				e.who.identified[n.ID] = true
			}
		case e.alive(owner) != n.ID:
			e.batch.Conflict(k, input, n.ID, e.alive(owner))
		}
	}
}
