package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// Merged is a lead that was the same person as another, which goes on for it.
type Merged struct {
	Lead, Into int64
	Input      int64 // the last of the lead: that which ended it
	Handoff    int64 // its last rows in these tables, 0 for none
	Clock      int64
	Email      string // that it was shown with
}

const mergedColumns = `lead, into_lead, input, handoff, clock, email`

func (s *Reader) merged(ctx context.Context, query string, by wanted, values []any) ([]Merged, error) {
	var list []Merged
	err := each(ctx, s, query, by, ``, values, func(r *sql.Rows) error {
		var m Merged
		if err := r.Scan(&m.Lead, &m.Into, &m.Input, &m.Handoff, &m.Clock, &m.Email); err != nil {
			return err
		}
		list = append(list, m)
		return nil
	})
	slices.SortFunc(list, func(a, b Merged) int { return cmp.Compare(a.Lead, b.Lead) })
	return slices.Compact(list), s.explain("reading", err)
}

// Merged returns those of some leads that were merged, and those they went into that were merged again, and so on, by
// number.
func (s *Reader) Merged(ctx context.Context, leads []int64) (all []Merged, err error) {
	for len(leads) > 0 {
		list, err := s.merged(ctx, `SELECT `+mergedColumns+` FROM merged WHERE `, numbered("lead"), anys(leads))
		if err != nil {
			return nil, err
		}
		leads = nil
		for _, m := range list {
			if !slices.ContainsFunc(all, func(have Merged) bool { return have.Lead == m.Into }) {
				leads = append(leads, m.Into)
			}
		}
		all = append(all, list...)
	}
	return all, nil
}

// MergedInto returns the leads that were merged into some, not those merged into them, by number.
func (s *Reader) MergedInto(ctx context.Context, leads []int64) ([]Merged, error) {
	return s.merged(ctx, `SELECT `+mergedColumns+` FROM merged WHERE `, numbered("into_lead"), anys(leads))
}

// Survivor returns the lead that goes on for a lead: itself, if it was not merged.
func (s *Reader) Survivor(ctx context.Context, lead int64) (int64, error) {
	list, err := s.Merged(ctx, []int64{lead})
	if err != nil {
		return 0, err
	}
	for again := true; again; {
		again = false
		for _, m := range list {
			if m.Lead == lead {
				lead, again = m.Into, true
			}
		}
	}
	return lead, nil
}

// LeadKeys returns the keys of leads, what says most first. Those of leads that were merged are their own still.
func (s *Reader) LeadKeys(ctx context.Context, leads []int64) ([]identity.Key, error) {
	var list []identity.Key
	err := each(ctx, s, `SELECT kind, value FROM key WHERE `, numbered("lead"), ``, anys(leads), func(r *sql.Rows) error {
		var kind int64
		var k identity.Key
		if err := r.Scan(&kind, &k.Value); err != nil {
			return err
		}
		k.Kind = identity.Kind(kind)
		list = append(list, k)
		return nil
	})
	slices.SortFunc(list, func(a, b identity.Key) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value)) })
	return slices.Compact(list), s.explain("reading", err)
}

// NamedAccount is an account with what its name is looked up by.
type NamedAccount struct {
	*AccountRecord
	Block, Formerly string // see lifecycle.Company
}

// AccountsOfBlocks returns the accounts whose names begin with one of some words, folded: of each word the oldest, at most
// lifecycle.MostCompanies, by number.
func (s *Reader) AccountsOfBlocks(ctx context.Context, blocks []string) ([]NamedAccount, error) {
	var list []NamedAccount
	stmt, err := s.queries.get(ctx, `SELECT n.block, n.formerly, a.name, a.state FROM account_name n JOIN account a ON a.id = n.account WHERE n.block = $1
		AND a.id IN (SELECT account FROM account_name WHERE block = $1 ORDER BY account LIMIT $2)`+s.accountLock)
	if err != nil {
		return nil, s.explain("reading", err)
	}
	for _, block := range blocks {
		err := scanAll(ctx, stmt, []any{storable(block), int64(lifecycle.MostCompanies)}, func(r *sql.Rows) error {
			a := NamedAccount{AccountRecord: &AccountRecord{}}
			var state sql.RawBytes
			if err := r.Scan(&a.Block, &a.Formerly, &a.Name, &state); err != nil {
				return err
			}
			var err error
			if a.Account, err = lifecycle.ParseAccount(state); err != nil {
				return fmt.Errorf("account: %w", err)
			}
			list = append(list, a)
			return nil
		})
		if err != nil {
			return nil, s.explain("reading", err)
		}
	}
	slices.SortFunc(list, func(a, b NamedAccount) int { return cmp.Compare(a.Account.ID, b.Account.ID) })
	return slices.CompactFunc(list, func(a, b NamedAccount) bool { return a.Account.ID == b.Account.ID }), nil
}

// LookedUp says by what the name of an account is looked up: identity.NameBlock and the key it had before it took its domain. It is
// written with the account.
func (r *AccountRecord) LookedUp(block, formerly string) {
	r.block, r.formerly, r.renamed = block, formerly, true
}

// Merged takes a lead that was merged out of the tables. Promises that were made about it to people stay: its
// hand-offs and deadlines. Its stays in stages go: they are those of the lead it was all along.
func (b *Batch) Merged(r *Record, into int64) Merged {
	m := Merged{Lead: r.ID, Into: into, Input: r.LastInput, Clock: r.LastClock, Email: r.Email}
	if r.Handoff != nil {
		m.Handoff = r.Handoff.ID
	}
	starts := []int64{}
	if r.Visit != nil {
		starts = append(starts, r.Visit.ID)
	}
	b.visits = slices.DeleteFunc(b.visits, func(v *Visit) bool {
		if v.Lead == r.ID {
			starts = append(starts, v.Prev)
		}
		return v.Lead == r.ID
	})
	b.removeChains("visit", starts)
	b.leads = slices.DeleteFunc(b.leads, func(other *Record) bool { return other == r })
	b.Exec(`DELETE FROM lead WHERE id = $1`, r.ID)
	b.uncall(r)
	b.unpursue(r)
	b.Exec(`INSERT INTO merged (`+mergedColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`, m.Lead, m.Into, m.Input, m.Handoff, m.Clock, m.Email)
	r.Visit, r.Clocks, r.stored, r.late = nil, nil, false, 0
	return m
}

// ForgetMerged removes what is known of a lead that was merged into one of which nothing is known any more. Its keys are Forget's.
func (b *Batch) ForgetMerged(lead int64) { b.Exec(`DELETE FROM merged WHERE lead = $1`, lead) }

// MergedInput notes that a lead that is gone has another last input.
func (b *Batch) MergedInput(lead, input int64) {
	b.Exec(`UPDATE merged SET input = $1 WHERE lead = $2`, input, lead)
}

// Restored notes that a lead is a person of its own again, and returns the record to decide it on.
func (b *Batch) Restored(m Merged) *Record {
	b.Exec(`DELETE FROM merged WHERE lead = $1`, m.Lead)
	r := &Record{ID: m.Lead, Lead: lifecycle.Gone(m.Lead), LastInput: m.Input, LastClock: m.Clock, Email: m.Email}
	if m.Handoff != 0 {
		r.Handoff = &Handoff{ID: m.Handoff, Lead: m.Lead}
	}
	return r
}

// Anew has the history of a lead that is about to be erased and decided again removed, also as far as it is only in
// this batch.
func (b *Batch) Anew(lead int64) {
	var visits, handoffs, clocks []int64
	b.visits = slices.DeleteFunc(b.visits, func(v *Visit) bool {
		if v.Lead == lead {
			visits = append(visits, v.Prev)
		}
		return v.Lead == lead
	})
	b.handoffs = slices.DeleteFunc(b.handoffs, func(h *Handoff) bool {
		if h.Lead == lead {
			handoffs = append(handoffs, h.Prev)
		}
		return h.Lead == lead
	})
	b.clocks = slices.DeleteFunc(b.clocks, func(k *Clock) bool {
		if k.Lead == lead {
			clocks = append(clocks, k.Prev)
		}
		return k.Lead == lead
	})
	b.removeChains("visit", visits)
	b.removeChains("handoff", handoffs)
	b.removeChains("clock", clocks)
}

// removeChains removes rows and those before them.
func (b *Batch) removeChains(table string, starts []int64) {
	for _, id := range starts {
		if id != 0 {
			b.Exec(fmt.Sprintf(`DELETE FROM %[1]s WHERE id IN (WITH RECURSIVE chain (id, prev) AS (
				SELECT id, prev FROM %[1]s WHERE id = $1 UNION ALL
				SELECT r.id, r.prev FROM chain JOIN %[1]s r ON r.id = chain.prev) SELECT id FROM chain)`, table), id)
		}
	}
}

// Past returns the inputs in the batch that end with one and were carried out, the newest first, and the input before them,
// which is not in the batch: last itself, if that is not.
func (b *Batch) Past(last int64) (list []lifecycle.Input, before int64, err error) {
	for last != 0 {
		i, ok := b.find(b.inputs, inputWidth, last)
		if !ok {
			break
		}
		row := b.inputs[i:]
		in, err := lifecycle.ParseInput([]byte(row[9].(string)))
		if err != nil {
			return nil, 0, fmt.Errorf("input %d: %w", last, err)
		}
		in.ID, in.Kind, in.Lead, in.Account = last, lifecycle.InputKind(row[1].(int64)), row[2].(int64), row[3].(int64)
		in.At, in.Known, in.Import = row[5].(int64), row[6].(int64), row[8].(int64)
		if d, ok := b.find(b.decisions, decisionWidth, last); ok {
			if body := b.decisions[d+3].(string); body != "" && !strings.Contains(body, `"refused":"`) {
				list = append(list, in)
			}
		}
		last = row[4].(int64)
	}
	return list, last, nil
}

// decisionWidth is the number of columns of the decision table.
const decisionWidth = 5

// find returns where the row with an ID begins in rows in the order of their IDs.
func (b *Batch) find(list rows, width int, id int64) (int, bool) {
	low, high := 0, len(list)/width
	for low < high {
		if mid := (low + high) / 2; list[mid*width].(int64) < id {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low * width, low*width < len(list) && list[low*width].(int64) == id
}

// Identifies reports whether the batch gives one of some leads an e-mail address or an ID.
func (b *Batch) Identifies(leads []int64) bool {
	for i := range b.freshKeys {
		if k := &b.freshKeys[i]; k.Identifies() && slices.Contains(leads, k.lead) {
			return true
		}
	}
	for i := 0; i+2 < len(b.keys); i += 3 {
		if b.keys[i].(int64) <= int64(identity.External) && slices.Contains(leads, b.keys[i+2].(int64)) {
			return true
		}
	}
	return false
}
