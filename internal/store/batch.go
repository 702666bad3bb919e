package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// Batch is what one transaction will write. It is filled while inputs are decided, then
// sealed, then committed. However often a lead changes in a batch, it is written once.
//
// After Seal the batch holds values only, no states: the next batch can be filled while this
// one is written.
type Batch struct {
	n       int64 // tells whether a row is in this batch already
	lastRow int64

	visitRows, handoffRows, clockRows, clashRows counter

	leads    []*Record
	visits   []*Visit
	handoffs []*Handoff
	clocks   []*Clock
	accounts []*AccountRecord

	statements []statement
	inputs     rows
	decisions  rows
	keys       rows
	freshKeys  []keyRow
	conflicts  rows
	jobs       rows
	inboxes    inboxes
	inboxRows  rows
	clashes    rows // conflicts of people, not of keys
	members    rows
	ledgers    rows
	roster     []byte

	newLeads, quietLeads, dueLeads, wideLeads, wholeLeads rows
	visitValues, visitsLeft                               rows
	handoffValues, clockValues, callValues                rows
	opportunityValues                                     rows
	accountValues, nameValues, wordValues                 rows

	text   []byte
	texts  int
	states []byte // of the leads, end to end
	words  wording
}

type keyRow struct {
	identity.Key
	lead int64
}

type statement struct {
	text string
	args []any
}

var batches atomic.Int64

// NewBatch returns an empty batch. One goroutine fills batches.
func NewBatch() *Batch {
	return &Batch{n: batches.Add(1)}
}

// Reset empties a batch that has been committed, and keeps its memory for the next.
func (b *Batch) Reset() {
	for _, list := range [...]*rows{&b.inputs, &b.decisions, &b.keys, &b.conflicts, &b.jobs, &b.inboxRows, &b.clashes, &b.members, &b.ledgers, &b.newLeads, &b.quietLeads,
		&b.dueLeads, &b.wideLeads, &b.wholeLeads, &b.visitValues, &b.visitsLeft, &b.handoffValues, &b.clockValues, &b.callValues, &b.opportunityValues, &b.accountValues, &b.nameValues, &b.wordValues} {
		*list = (*list)[:0]
	}
	clear(b.statements)
	b.statements, b.roster, b.states = b.statements[:0], nil, b.states[:0]
	b.lastRow, b.texts = 0, 0
	b.visitRows, b.handoffRows, b.clockRows, b.clashRows = counter{}, counter{}, counter{}, counter{}
	b.n = batches.Add(1)
}

// Empty reports whether there is nothing to write.
func (b *Batch) Empty() bool {
	return len(b.inputs) == 0 && len(b.statements) == 0 && len(b.leads) == 0
}

// inputWidth is the number of columns of the input table.
const inputWidth = 10

// Inputs returns how many inputs the batch holds.
func (b *Batch) Inputs() int { return len(b.inputs) / inputWidth }

// Texts returns how many bytes the texts of the inputs and decisions are.
func (b *Batch) Texts() int { return b.texts }

// Exec adds a statement. Statements run before all rows are written, in order.
func (b *Batch) Exec(text string, args ...any) {
	b.statements = append(b.statements, statement{text, args})
}

// Input adds an input. prev is the lead's input before it; dedupe is Dedupe of its key.
func (b *Batch) Input(in *lifecycle.Input, prev, dedupe int64) {
	b.text = in.AppendJSON(b.text[:0])
	b.texts += len(b.text)
	b.inputs = append(b.inputs, in.ID, int64(in.Kind), in.Lead, in.Account, prev, in.At, in.Known, dedupe, in.Import, string(b.text))
}

// Decision adds what was decided about an input, and a problem with it ("" for none).
func (b *Batch) Decision(d *lifecycle.Decision, problem string) {
	b.text = d.AppendJSON(b.text[:0])
	b.texts += len(b.text)
	var note any
	if problem != "" {
		note = problem
	}
	b.decisions = append(b.decisions, d.Input, d.Lead, d.Version, string(b.text), note)
}

// Failure adds, in place of a decision, why there is none.
func (b *Batch) Failure(in *lifecycle.Input, version int64, why error) {
	b.decisions = append(b.decisions, in.ID, in.Lead, version, "", why.Error())
}

// Jobs adds whom to tell of a decision: what is sent as work to be done, and what is told in the inbox.
func (b *Batch) Jobs(d *lifecycle.Decision, alerts []lifecycle.Alert) {
	sent, kept := int64(0), int64(0)
	for i := range alerts {
		a := &alerts[i]
		if a.By == "inbox" {
			if kept < rowsPerInput {
				b.inbox(d, a, kept)
				kept++
			}
			continue
		}
		if sent == jobsOfInput {
			continue // no agreement has so many people to tell; those at the end hear it from the first
		}
		digest := ""
		if a.Digest {
			digest = a.Alert
		}
		b.text = a.AppendJSON(b.text[:0])
		b.jobs = append(b.jobs, d.Input*rowsPerInput+sent, a.Kind, a.Due, a.To, d.Lead, d.Input, string(b.text), JobWaiting, 0, "",
			a.By, endpointOf(a.By, a.To), a.Due, int64(0), a.Wait, digest, int64(0))
		sent++
	}
}

// Key gives a free key to a lead.
func (b *Batch) Key(k identity.Key, lead int64) {
	b.freshKeys = append(b.freshKeys, keyRow{k, lead})
}

// Reserve keeps other transactions from storing a key that nobody has, until this one ends. It fails if somebody has it by now.
func (b *Batch) Reserve(k identity.Key) {
	b.Exec(`INSERT INTO key (kind, value, lead) VALUES ($1, $2, 0)`, int64(k.Kind), k.Value)
	b.Exec(`DELETE FROM key WHERE kind = $1 AND value = $2`, int64(k.Kind), k.Value)
}

// Conflict notes that a key of an input about one lead belongs to another.
func (b *Batch) Conflict(k identity.Key, input, lead, other int64) {
	b.conflicts = append(b.conflicts, input, lead, int64(k.Kind), k.Value, other)
}

// Lead says that a lead has changed.
func (b *Batch) Lead(r *Record) {
	if r.batch != b.n {
		r.batch = b.n
		b.leads = append(b.leads, r)
	}
}

// Account says that an account has changed.
func (b *Batch) Account(r *AccountRecord) {
	if r.batch != b.n {
		r.batch = b.n
		b.accounts = append(b.accounts, r)
	}
}

// ForgetAccount takes out an account of which nothing is known any more.
func (b *Batch) ForgetAccount(id int64) {
	b.accounts = slices.DeleteFunc(b.accounts, func(r *AccountRecord) bool { return r.Account.ID == id })
	b.Exec(`DELETE FROM account WHERE id = $1`, id)
	b.Exec(`DELETE FROM account_name WHERE account = $1`, id)
}

// WakeAccount has the leads of an account but one looked at at an instant, unless they are before. In a shared
// database those that somebody has locked are put down to be woken later: waiting for them here, with other leads
// locked, could be for ever.
func (b *Batch) WakeAccount(shared bool, account, at, but int64) {
	if shared {
		b.Exec(`UPDATE lead SET due = $1 WHERE id IN (SELECT id FROM lead WHERE due > $1 AND account = $2 AND account <> 0 AND id <> $3 ORDER BY id FOR UPDATE SKIP LOCKED)`, at, account, but)
		b.Exec(`INSERT INTO wake (lead, at) SELECT id, $1 FROM lead WHERE due > $1 AND account = $2 AND account <> 0 AND id <> $3 ON CONFLICT (lead) DO NOTHING`, at, account, but)
		return
	}
	b.Exec(`UPDATE lead SET due = $1 WHERE due > $1 AND account = $2 AND account <> 0 AND id <> $3`, at, account, but)
}

// WakeHeld has the leads under way that a member owns looked at at an instant, in the way of WakeAccount.
func (b *Batch) WakeHeld(shared bool, member string, at int64) {
	if shared {
		b.Exec(`UPDATE lead SET due = $1 WHERE id IN (SELECT id FROM lead WHERE due > $1 AND owner = $2 AND owner <> '' AND outcome = '' ORDER BY id FOR UPDATE SKIP LOCKED)`, at, member)
		b.Exec(`INSERT INTO wake (lead, at) SELECT id, $1 FROM lead WHERE due > $1 AND owner = $2 AND owner <> '' AND outcome = '' ON CONFLICT (lead) DO NOTHING`, at, member)
		return
	}
	b.Exec(`UPDATE lead SET due = $1 WHERE due > $1 AND owner = $2 AND owner <> '' AND outcome = ''`, at, member)
}

// RosterRows remembers the rows of members and ledgers as last written, so that an
// assignment writes two rows and not the whole team. The zero value writes all.
type RosterRows struct {
	members map[string]string
	ledgers map[[2]string]lifecycle.Entry
}

// Roster writes the roster.
func (b *Batch) Roster(plan *agreement.Plan, r *lifecycle.Roster, last *RosterRows) {
	if last.members == nil {
		last.members, last.ledgers = map[string]string{}, map[[2]string]lifecycle.Entry{}
		b.Exec(`DELETE FROM member`)
		b.Exec(`DELETE FROM ledger`)
	}
	b.roster = lifecycle.AppendRoster(nil, r)
	for i := range r.Members {
		m := &r.Members[i]
		pools := make([]string, 0, len(m.Pools))
		for _, p := range m.Pools {
			pools = append(pools, plan.Pools[p].Name)
		}
		active := 1
		if m.Inactive {
			active = 0
		}
		away := make([]string, 0, len(m.Away))
		for _, a := range m.Away {
			away = append(away, stamp(a.From)+" to "+stamp(a.To))
		}
		row := []any{m.ID, m.Name, m.Side.String(), m.Manager, strings.Join(pools, ", "), m.Weight, m.Capacity, active,
			strings.Join(away, ", "), m.Open, m.Taken}
		if seal := fmt.Sprint(row...); last.members[m.ID] != seal {
			last.members[m.ID] = seal
			b.members = append(b.members, row...)
		}
	}
	for i := range r.Ledgers {
		pool := plan.Pools[r.Ledgers[i].Pool].Name
		for _, e := range r.Ledgers[i].Entries {
			key := [2]string{pool, e.Member}
			if have, ok := last.ledgers[key]; !ok || have != e {
				last.ledgers[key] = e
				b.ledgers = append(b.ledgers, pool, e.Member, e.Debt/1000, e.Handicap/1000, e.Since, e.Given) // in millionths
			}
		}
	}
}

// Mirror remembers the rows as a roster that was read has them.
func (last *RosterRows) Mirror(plan *agreement.Plan, r *lifecycle.Roster) {
	*last = RosterRows{}
	NewBatch().Roster(plan, r, last)
}

// Seal turns the states into the values to be written. The plan is the one that the leads'
// slots belong to.
func (b *Batch) Seal(plan *agreement.Plan) {
	if plan != nil {
		b.words = word(plan)
	}
	slices.SortFunc(b.leads, func(x, y *Record) int { return cmp.Compare(x.ID, y.ID) })
	for _, r := range b.leads {
		if r.Lead != nil { // not forgotten since
			b.sealLead(r)
		}
	}
	slices.SortFunc(b.visits, func(x, y *Visit) int { return cmp.Compare(x.ID, y.ID) })
	for _, v := range b.visits {
		if v.stored {
			b.visitsLeft = v.left(b.visitsLeft)
			continue
		}
		b.visitValues = v.values(b.visitValues)
		v.stored = true
	}
	slices.SortFunc(b.handoffs, func(x, y *Handoff) int { return cmp.Compare(x.ID, y.ID) })
	for _, h := range b.handoffs {
		b.handoffValues = h.values(b.handoffValues)
	}
	slices.SortFunc(b.clocks, func(x, y *Clock) int { return cmp.Compare(x.ID, y.ID) })
	for _, k := range b.clocks {
		b.clockValues = k.values(b.clockValues)
	}
	// In one order, so that two processes that bring the same keys do not wait for each other.
	slices.SortFunc(b.freshKeys, func(x, y keyRow) int { return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Value, y.Value)) })
	for i := range b.freshKeys {
		b.keys = append(b.keys, int64(b.freshKeys[i].Kind), b.freshKeys[i].Value, b.freshKeys[i].lead)
	}
	b.freshKeys = b.freshKeys[:0]
	b.inboxRows = b.inboxes.seal(b.inboxRows)
	for _, a := range b.accounts {
		b.accountValues = a.values(b.accountValues, plan)
		if a.Name != a.found {
			b.wordValues = appendWords(b.wordValues, wordOfAccount, a.Account.ID, a.Name)
			a.found = a.Name
		}
		if a.renamed {
			b.nameValues = append(b.nameValues, a.Account.ID, a.block, a.formerly)
			a.renamed = false
		}
	}
	clear(b.leads)
	clear(b.visits)
	clear(b.handoffs)
	clear(b.clocks)
	clear(b.accounts)
	b.leads, b.visits, b.handoffs, b.clocks, b.accounts = b.leads[:0], b.visits[:0], b.handoffs[:0], b.clocks[:0], b.accounts[:0]
}

func (b *Batch) sealLead(r *Record) {
	was, now := r.rare, r.rarely()
	quiet := r.unmoved(now)
	if r.reworded {
		name := r.name
		r.reword(&b.words)
		if r.name != name {
			b.wordValues = appendWords(b.wordValues, wordOfLead, r.ID, r.name)
		}
		now = r.rarely()
	} else if r.bare && !quiet {
		r.reword(&b.words)
	}
	r.rare = now
	start := len(b.states)
	b.states = lifecycle.AppendLead(b.states, r.Lead)
	state := b.states[start:len(b.states):len(b.states)]
	switch {
	case !r.stored:
		b.newLeads = r.values(b.newLeads, &b.words, state)
	case quiet && r.due == r.Due:
		b.quietLeads = r.quiet(b.quietLeads, &b.words, state)
	case quiet:
		b.dueLeads = r.quiet(append(b.dueLeads, r.Due), &b.words, state)
	case r.due == r.Due && !b.reindexes(&was, &now):
		b.wideLeads = r.values(b.wideLeads, &b.words, state)
	default:
		b.wholeLeads = r.values(b.wholeLeads, &b.words, state)
	}
	r.stored, r.due = true, r.Due
	b.sealCall(r, &was)
	b.sealOpportunity(r, &was)
}

// reindexes reports whether a lead that changed from one to the other has another place in an index: see leadUnindexed.
func (b *Batch) reindexes(was, now *rare) bool {
	stages := b.words.plan.Stages
	return was.account != now.account || was.owner != now.owner || was.created != now.created || was.origin != now.origin ||
		was.version != now.version || stages[was.stage].Final != stages[now.stage].Final
}

// Forget takes a lead that is empty again out of the tables, with its keys.
func (b *Batch) Forget(r *Record, keys []identity.Key) {
	for _, k := range keys {
		b.Exec(`DELETE FROM key WHERE kind = $1 AND value = $2`, int64(k.Kind), k.Value)
	}
	b.Exec(`DELETE FROM lead WHERE id = $1`, r.ID)
	b.uncall(r)
	b.unpursue(r)
	r.Lead, r.stored, r.late = nil, false, 0
}

// files is what an agreement names beside itself, as JSON.
func files(m map[string][]byte) string {
	texts := make(map[string]string, len(m))
	for name, text := range m {
		texts[name] = string(text)
	}
	b, _ := json.Marshal(texts) // a map of strings always can
	return string(b)
}

// Woken says that the row of a lead in memory is made due at an instant, too, if it is due later, by WakeAccount or WakeHeld of the batch.
func (r *Record) Woken(at int64) {
	if r.stored {
		r.due = min(r.due, at)
	}
}

// Due writes when a lead is due. It is for one whose row is not written otherwise.
func (b *Batch) Due(r *Record) {
	b.Exec(`UPDATE lead SET due = $1 WHERE id = $2`, r.Due, r.ID)
	r.due = r.Due
}
