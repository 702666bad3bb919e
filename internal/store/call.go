package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// A lead that waits to be called has a row in the table call beside its own: what orders the queue, in an index that
// holds only those that may be called now. So the next of a million is the first entry of that index.

const callColumns = `lead grade asset due free holder until next_at since tries`

// callRow is what that row is made of; the zero value is none. It is part of rare: so a change of it is written at once.
type callRow struct {
	lifecycle.Call
	grade agreement.Grade
	asset int
	due   int64
}

// sealCall writes the row of a lead among those to call, or takes it out, if it is not as it was.
func (b *Batch) sealCall(r *Record, was *rare) {
	l := r.Lead
	k := &l.Call
	if k.Since == 0 {
		b.uncall(r)
		return
	}
	if r.queued && was.call == r.rare.call && was.version == r.rare.version {
		return
	}
	asset := int64(3)
	if l.Asset >= 0 {
		asset -= int64(b.words.plan.Assets[l.Asset].Worth)
	}
	free := int64(0)
	if k.Free() {
		free = 1
	}
	b.callValues = append(b.callValues, r.ID, int64(l.Grade.Rank()), asset, l.CallDeadline(), free, k.Holder, k.Until, k.Next, k.Since, int64(k.Tries))
	r.queued = true
}

// uncall takes a lead out of those to call.
func (b *Batch) uncall(r *Record) {
	if r.queued {
		b.Exec(`DELETE FROM call WHERE lead = $1`, r.ID)
		r.queued = false
	}
}

// CallState is which leads of the queue a list shows.
type CallState uint8

// The states.
const (
	CallFree  CallState = iota // may be called now, in the order of the queue
	CallTaken                  // somebody has them, who has them for the shortest time still first
	CallLater                  // were tried: the next try is later, the first first
)

const (
	callFree  = `c.free = 1 ORDER BY c.grade, c.asset, c.due, c.lead`
	callTaken = `c.holder <> '' ORDER BY c.until, c.lead`
	callHeld  = `c.holder <> '' AND c.holder = $2 ORDER BY c.until, c.lead`
	callLater = `c.free = 0 AND c.holder = '' ORDER BY c.next_at, c.lead`
)

// ListCalls returns leads that wait to be called, in the order of their state, at most so many. With a holder, of those
// taken only theirs. The place of each is told by lifecycle.PlaceOf of its state. It reads as many entries of an
// index as it returns, however many wait.
func (s *Store) ListCalls(ctx context.Context, state CallState, holder string, most int) ([]ListedLead, error) {
	query, args := callList(state, holder, most)
	list, err := s.listed(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading who waits to be called: %w", err)
	}
	return list, nil
}

// callList is the query of ListCalls. (CROSS JOIN has SQLite begin with the queue.)
func callList(state CallState, holder string, most int) (string, []any) {
	where, args := [...]string{callFree, callTaken, callLater}[state], []any{int64(most)}
	if state == CallTaken && holder != "" {
		where, args = callHeld, append(args, holder)
	}
	return `SELECT ` + listedFields + ` FROM call c CROSS JOIN lead l LEFT JOIN account a ON a.id = l.account WHERE l.id = c.lead AND ` + where + ` LIMIT $1`, args
}

// MostCalls is how far CountCalls counts.
const MostCalls = 1000

// Calls counts the leads that wait to be called, each up to MostCalls.
type Calls struct{ Free, Taken, Later int64 }

// CountCalls counts them.
func (s *Store) CountCalls(ctx context.Context) (n Calls, err error) {
	for _, q := range [...]struct {
		where string
		to    *int64
	}{{"free = 1", &n.Free}, {"holder <> ''", &n.Taken}, {"free = 0 AND holder = ''", &n.Later}} {
		stmt, err := s.queries.get(ctx, `SELECT count(*) FROM (SELECT 1 FROM call WHERE `+q.where+` LIMIT `+strconv.Itoa(MostCalls)+`) c`)
		if err == nil {
			err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error { return r.Scan(q.to) })
		}
		if err != nil {
			return n, s.explain("reading", err)
		}
	}
	return n, nil
}

// callsWaiting counts those that may be called now, up to MostCalls.
var callsWaiting = `SELECT count(*), 0 FROM (SELECT 1 FROM call WHERE free = 1 LIMIT ` + strconv.Itoa(MostCalls) + `) c`

// CallsWaiting counts the leads that may be called now, up to MostCalls.
func (s *Store) CallsWaiting(ctx context.Context) (int64, error) {
	n, _, err := s.two(ctx, callsWaiting)
	return n, err
}

const (
	// callMark tells whom a member has and how long, callFirst who comes first.
	callMark  = `SELECT coalesce(max(until), 0), count(*) FROM call WHERE holder <> '' AND holder = $1`
	callFirst = `SELECT c.lead FROM call c WHERE c.free = 1 ORDER BY c.grade, c.asset, c.due, c.lead LIMIT 8`
)

// CallMark returns a text that is another one when those who come first in the queue, as many as a page shows, are others, or what a member
// has taken is.
func (s *Store) CallMark(ctx context.Context, holder string) (string, error) {
	until, held, err := s.two(ctx, callMark, holder)
	if err != nil {
		return "", err
	}
	mark := fmt.Sprintf("%d.%d", until, held)
	stmt, err := s.queries.get(ctx, callFirst)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var lead int64
			err := r.Scan(&lead)
			mark += "." + strconv.FormatInt(lead, 10)
			return err
		})
	}
	return mark, s.explain("reading", err)
}
