package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// command is one input on its way to be decided, with what it is decided on.
type command struct {
	in      *lifecycle.Input
	entry   *entry   // nil for the team's own
	account *account // nil for none
	named   *account // the one that the input names, if it is new and the lead stays in another
	past    []lifecycle.Input
	joined  []lifecycle.Told
	hash    int64
	keys    []identity.Key // by which it says whom it is about
}

// decide has an input decided and puts it, the decision and its consequences into the batch.
func (e *Engine) decide(ctx context.Context, c *command) (Outcome, error) {
	in := c.in
	in.Version = e.version
	e.view = lifecycle.View{Roster: e.roster, Past: c.past, Joined: c.joined}
	view := &e.view
	if c.entry != nil {
		view.Lead = c.entry.Lead
	}
	if c.account != nil {
		view.Account = c.account.Account
	}
	if err := e.numbered(ctx); err != nil {
		return Outcome{}, err
	}
	in.ID = e.nextID
	d, err := e.safely(view, in)
	if err != nil {
		return e.fail(ctx, c, err)
	}
	if err := e.held(c, d); err != nil {
		return Outcome{}, err
	}
	if d.Refused != "" {
		e.reserve(c)
	}
	e.record(c)
	if err := e.apply(ctx, c, view, d); err != nil {
		return Outcome{}, err
	}
	problem := ""
	if in.Kind == lifecycle.Timer && c.entry.Lead != nil && c.entry.Lead.Due() <= in.Due {
		problem = "the timer changed nothing that would keep it from being due again; it waits for the next input"
		e.setDue(c.entry, agreement.Never)
	}
	e.batch.Decision(d, problem)
	e.round.refused(d.Refused)
	if e.live {
		e.batch.Jobs(d, lifecycle.Alerts(e.plan, view, in, d))
	}
	out := Outcome{Input: in.ID, Lead: in.Lead}
	out.Decision.Refused = d.Refused
	if e.asked {
		out.Decision = d.Clone()
	}
	return out, nil
}

// safely is Decide; a panic is an error that names the place. The decision is good until the next.
func (e *Engine) safely(view *lifecycle.View, in *lifecycle.Input) (d *lifecycle.Decision, err error) {
	defer func() {
		if p := recover(); p != nil {
			e.decider = lifecycle.Decider{}
			err = fmt.Errorf("deciding failed: %v (at %s)", p, panicked(string(debug.Stack())))
		}
	}()
	return e.decider.Decide(e.plan, view, in), nil
}

// held finds out whether the decision was made with what is locked.
func (e *Engine) held(c *command, d *lifecycle.Decision) error {
	if !e.shared {
		return nil
	}
	if c.account != nil && !e.mayChange(c.account) {
		for i := range d.Changes {
			if k := d.Changes[i].Kind; k == lifecycle.AccountAttributeSet || k == lifecycle.AccountOwnerSet {
				return &errAccount{c.account.Account.ID}
			}
		}
	}
	if !e.locks.team && (d.Team || d.Refused != "" && c.nobody()) {
		return errTeam
	}
	return nil
}

// panicked returns the file and line that panicked from the text of a stack.
func panicked(stack string) string {
	_, rest, _ := strings.Cut(stack, "panic(")
	lines := strings.Split(rest, "\n")
	if len(lines) < 4 {
		return "an unknown place"
	}
	place, _, _ := strings.Cut(strings.TrimSpace(lines[3]), " ")
	if i := strings.LastIndex(place, "internal/"); i >= 0 {
		place = place[i:]
	}
	return place
}

// record puts the input into the batch.
func (e *Engine) record(c *command) {
	in := c.in
	var prev int64
	if c.entry != nil {
		prev = c.entry.LastInput
	}
	e.batch.Input(in, prev, c.hash)
	if c.hash != 0 {
		e.memory().took(c.hash)
		e.now.took(c.hash, store.Twin{Input: in.ID, Lead: in.Lead, Source: in.Source, Key: in.Key})
	}
	if in.Import != 0 && in.Kind != lifecycle.Retract {
		t := &e.tally
		t.importID = in.Import
		t.arrivals++
		if t.first == 0 {
			t.first = in.ID
		}
		t.last = in.ID
	}
	e.used(in.ID)
}

// fail keeps an input that could not be decided. The lead stays as it was.
func (e *Engine) fail(ctx context.Context, c *command, why error) (Outcome, error) {
	if e.shared && !e.locks.team && c.nobody() {
		return Outcome{}, errTeam
	}
	e.reserve(c)
	if err := e.numbered(ctx); err != nil {
		return Outcome{}, err
	}
	c.in.ID, c.in.Version = e.nextID, e.version
	e.record(c)
	e.round.problem()
	e.batch.Failure(c.in, e.version, why)
	if n := c.entry; n != nil && n.Lead != nil && n.Lead.Version == e.version {
		n.LastInput = c.in.ID
		e.batch.Lead(n.Record)
	}
	return Outcome{Input: c.in.ID, Lead: c.in.Lead, Err: why}, nil
}

// apply carries the changes out and marks what has to be written.
func (e *Engine) apply(ctx context.Context, c *command, view *lifecycle.View, d *lifecycle.Decision) error {
	n := c.entry
	account, roster := c.account != nil && !c.account.stored, false
	var wakeAccount int64
	var review []string
	for i := range d.Changes {
		change := &d.Changes[i]
		lifecycle.Apply(e.plan, view, change)
		switch change.Kind {
		case lifecycle.AccountAttributeSet, lifecycle.AccountOwnerSet:
			account, wakeAccount = true, c.account.Account.ID
		case lifecycle.HeldReviewed:
			review = append(review, change.Name)
		}
		roster = roster || change.Kind.OfTeam()
		if n != nil {
			n.Lead = view.Lead
			e.batch.Project(e.plan, n.Record, d, change)
		}
	}
	lifecycle.Advance(view, c.in)
	if roster || c.in.Lead == 0 {
		e.rosterDirty = true
	}
	if account {
		e.storeAccount(c.account)
	}
	if c.named != nil {
		e.storeAccount(c.named)
	}
	if n != nil && n.Lead != nil {
		if n.next == nil {
			n.next, n.prev = n, n // not in the ring yet
			e.cache.adopt(n)
		}
		n.LastInput = c.in.ID
		e.cache.list(n)
		if n.Lead.Stage >= 0 {
			e.batch.Lead(n.Record)
			e.setDue(n, n.Lead.Due())
		}
	}
	for _, member := range review {
		if err := e.wakeHeld(ctx, member, c.in.Known); err != nil {
			return err
		}
	}
	if wakeAccount != 0 {
		return e.wake(ctx, wakeAccount, c.in.Known, n)
	}
	return nil
}

// storeAccount puts an account into the batch. A new one is found in memory from then on.
func (e *Engine) storeAccount(a *account) {
	if !a.stored {
		a.stored = true
		e.callCompany(a, (&lifecycle.Arrival{AccountName: a.Name}).Company(), "")
		e.locks.changes[a.Account.ID] = true // nobody else sees it before it is stored
		e.accounts[a.Account.ID] = a
		e.now.accounts[a.Account.Key] = a.Account.ID
		e.memory().putKey(identity.Key{Kind: accountKey, Value: a.Account.Key}, a.Account.ID)
	}
	e.batch.Account(a.AccountRecord)
}

// setDue says when a lead has to be looked at.
func (e *Engine) setDue(n *entry, at int64) {
	if n.Due != at {
		n.Due = at
		e.batch.Lead(n.Record)
	}
	if e.dues != nil {
		e.dues.set(n.ID, at)
	}
}

// wake has the other leads of an account looked at, since something they share has changed: at
// once in History, otherwise as the next thing that is due.
func (e *Engine) wake(ctx context.Context, id, at int64, but *entry) error {
	all := e.accounts[id].complete && !e.shared
	var butID int64
	if but != nil {
		butID = but.ID
	}
	if e.dues != nil && !e.live {
		leads := slices.Clone(e.cache.byAccount[id])
		if !all {
			stored, err := e.tx.LeadsOfAccount(ctx, id)
			if err != nil {
				return err
			}
			leads = append(leads, slices.DeleteFunc(stored, func(lead int64) bool { // gone to another account since
				n := e.cache.leads[lead]
				return n != nil && n.Lead.Account != id
			})...)
		}
		e.refresh = append(e.refresh, slices.DeleteFunc(leads, func(lead int64) bool { return lead == butID })...)
		e.refreshAt = at
		return nil
	}
	for _, lead := range e.cache.byAccount[id] {
		if n := e.cache.leads[lead]; n != but && (!e.shared || n.locked == e.turn) {
			n.used = e.turn
			e.setDue(n, min(n.Due, at))
			if !all {
				n.Woken(at)
			}
		}
	}
	if all {
		return nil
	}
	e.now.woken[id] = at
	e.memory().wake(id, e.turn)
	e.batch.WakeAccount(e.shared, id, at, butID)
	if e.dues == nil {
		return nil
	}
	leads, err := e.tx.LeadsOfAccount(ctx, id)
	e.dues.earlier(leads, at, e.cache.leads)
	return err
}

// wakeHeld has the leads under way that a member owns looked at, in the way of wake.
func (e *Engine) wakeHeld(ctx context.Context, member string, at int64) error {
	held := func(n *entry) bool {
		return n.Lead != nil && n.Lead.Stage >= 0 && n.Lead.Owner == member && n.Lead.Version == e.version && e.plan.Stages[n.Lead.Stage].Final == agreement.NotFinal
	}
	if e.dues != nil && !e.live {
		leads, err := e.tx.LeadsHeld(ctx, member)
		if err != nil {
			return err
		}
		leads = slices.DeleteFunc(leads, func(lead int64) bool { // with somebody else since
			n := e.cache.leads[lead]
			return n != nil && !held(n)
		})
		for id, n := range e.cache.leads {
			if held(n) {
				leads = append(leads, id)
			}
		}
		e.refresh, e.refreshAt = append(e.refresh, leads...), at
		return nil
	}
	for _, n := range e.cache.leads {
		if held(n) && (!e.shared || n.locked == e.turn) {
			n.used = e.turn
			e.setDue(n, min(n.Due, at))
			n.Woken(at)
		}
	}
	e.now.review[member] = at
	e.batch.WakeHeld(e.shared, member, at)
	if e.dues == nil {
		return nil
	}
	leads, err := e.tx.LeadsHeld(ctx, member)
	e.dues.earlier(leads, at, e.cache.leads)
	return err
}

// refreshAll looks again at the leads that wake found, in the order of their IDs.
func (e *Engine) refreshAll(ctx context.Context) error {
	for len(e.refresh) > 0 {
		leads, at := e.refresh, e.refreshAt
		e.refresh = nil
		slices.Sort(leads)
		for _, id := range slices.Compact(leads) {
			n, err := e.lead(ctx, id)
			if err != nil {
				return err
			}
			if n == nil || n.Lead.Version != e.version {
				continue // following the agreement will look at everything
			}
			a, err := e.account(ctx, n.Lead.Account)
			if err != nil {
				return err
			}
			in := &lifecycle.Input{Kind: lifecycle.Refresh, Lead: id, At: at, Known: max(at, n.Lead.Clock)}
			if _, err := e.decide(ctx, &command{in: in, entry: n, account: a}); err != nil {
				return err
			}
		}
	}
	return nil
}

// catchUp decides what is due for a lead until an instant, and lets it follow the present
// agreement first. In live mode it is decided at that instant, otherwise when it was due.
func (e *Engine) catchUp(ctx context.Context, n *entry, until int64) error {
	if n.Lead.Version != e.version {
		if err := e.follow(ctx, n, max(until, n.Lead.Clock)); err != nil || n.Lead.Version != e.version {
			return err
		}
	}
	for n.Lead != nil && n.Due <= until && n.Due != agreement.Never {
		in := lifecycle.Input{Kind: lifecycle.Timer, Lead: n.ID, At: n.Due, Due: n.Due, Known: max(n.Due, n.Lead.Clock)}
		if n.Due < n.Lead.Due() {
			in.Kind, in.Due = lifecycle.Refresh, 0
		}
		if e.live {
			in.Known = max(until, n.Lead.Clock)
		}
		a, err := e.account(ctx, n.Lead.Account)
		if err != nil {
			return err
		}
		out, err := e.decide(ctx, &command{in: &in, entry: n, account: a})
		if err != nil {
			return err
		}
		if out.Err != nil {
			e.setDue(n, agreement.Never) // it would fail again; the next input will try
			e.batch.Lead(n.Record)
		}
	}
	return nil
}
