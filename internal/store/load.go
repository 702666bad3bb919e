package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// Dedupe returns the number under which an input with a key is found again, 0 for no key. Keys that come at about the same
// time get neighbouring numbers, as far as can be told, so that they meet in few pages of the index. Different keys may have
// the same number.
func Dedupe(source, key string) int64 {
	if key == "" {
		return 0
	}
	head := fnv(fnv(offset64, source), "\x00")
	var h int64
	if ms, ok := drawnAt(key); ok {
		h = int64(ms<<21&^(1<<63) | fnv(head, key)>>43)
	} else {
		// They may be the numbers of rows of a file, which differ in their last three characters.
		near := fnv(head, key[:max(0, len(key)-3)])
		h = int64(near&^0xFFFFFFFF | fnv(near, key)>>32)
	}
	if h == 0 {
		return 1
	}
	return h
}

// drawnAt returns when a key was made, in Unix milliseconds, if it tells: the libraries for browsers and Node write 13 digits before
// what they draw, and a UUID of version 7 begins with them (RFC 9562, 5.7).
func drawnAt(key string) (ms uint64, ok bool) {
	digits := 0
	for i := range min(len(key), 32) {
		if c := key[i]; '0' <= c && c <= '9' {
			if digits++; digits == 13 && (i+1 == len(key) || key[i+1] < '0' || key[i+1] > '9') {
				ms, err := strconv.ParseUint(key[i-12:i+1], 10, 64)
				return ms, err == nil
			}
		} else {
			digits = 0
		}
	}
	if len(key) == 36 && key[8] == '-' && key[13] == '-' && key[14] == '7' {
		ms, err := strconv.ParseUint(key[:8]+key[9:13], 16, 64)
		return ms, err == nil
	}
	return 0, false
}

// FNV-1a (draft-eastlake-fnv), then a finishing multiplication so that high bits depend on all.
const (
	offset64 = 14695981039346656037
	prime64  = 1099511628211
)

func fnv(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime64
	}
	h ^= h >> 32
	h *= 0x9E3779B97F4A7C15
	return h ^ h>>29
}

// Twin is a stored input that may be the same as one that arrives.
type Twin struct {
	Input, Lead int64
	Source, Key string
}

// Twins finds stored inputs by their dedupe numbers. Those of imports that were undone are
// none: the same file may be imported again.
func (s *Reader) Twins(ctx context.Context, dedupe []int64) (map[int64][]Twin, error) {
	found := map[int64][]Twin{}
	err := each(ctx, s, `SELECT id, lead, dedupe, body FROM input WHERE dedupe <> 0 AND import NOT IN (SELECT id FROM import WHERE state = 'undone') AND `, numbered("dedupe"), ``, anys(dedupe), func(r *sql.Rows) error {
		var t Twin
		var hash int64
		var body sql.RawBytes
		if err := r.Scan(&t.Input, &t.Lead, &hash, &body); err != nil {
			return err
		}
		in, err := lifecycle.ParseInput(body)
		if err != nil {
			return fmt.Errorf("input %d: %w", t.Input, err)
		}
		t.Source, t.Key = in.Source, in.Key
		found[hash] = append(found[hash], t)
		return nil
	})
	return found, s.explain("reading", err)
}

// Keys finds the leads that keys belong to.
func (s *Reader) Keys(ctx context.Context, keys []identity.Key) (map[identity.Key]int64, error) {
	found := make(map[identity.Key]int64, len(keys))
	for kind := identity.Email; kind <= identity.Anonymous; kind++ {
		var values []any
		for _, k := range keys {
			if k.Kind == kind {
				values = append(values, k.Value)
			}
		}
		err := each(ctx, s, `SELECT value, lead FROM key WHERE kind = `+strconv.Itoa(int(kind))+` AND `, wanted{"value", text}, ``, values, func(r *sql.Rows) error {
			var value string
			var lead int64
			if err := r.Scan(&value, &lead); err != nil {
				return err
			}
			found[identity.Key{Kind: kind, Value: value}] = lead
			return nil
		})
		if err != nil {
			return nil, s.explain("reading", err)
		}
	}
	return found, nil
}

// Leads loads leads by their IDs; those that do not exist are missing from the map.
func (s *Reader) Leads(ctx context.Context, ids []int64) (map[int64]*Record, error) {
	found := make(map[int64]*Record, len(ids))
	handoffs, clocks := map[int64]*Record{}, map[int64]*Record{}
	err := each(ctx, s, `SELECT id, input, due, visit, handoff, clock_row, clocks, name, email, source, campaign, segment, attributes, side, outcome, state
		FROM lead WHERE `, numbered("id"), ``, anys(ids), func(r *sql.Rows) error {
		rec := &Record{stored: true}
		var visit, handoff int64
		var open, side, outcome string
		var state sql.RawBytes
		if err := r.Scan(&rec.ID, &rec.LastInput, &rec.Due, &visit, &handoff, &rec.LastClock, &open, &rec.name, &rec.Email, &rec.source,
			&rec.campaign, &rec.segment, &rec.attributes, &side, &outcome, &state); err != nil {
			return err
		}
		l, err := lifecycle.ParseLead(state)
		if err != nil {
			return fmt.Errorf("lead %d: %w", rec.ID, err)
		}
		rec.Lead, rec.due, rec.queued, rec.pursued = l, rec.Due, l.Call.Since > 0, inPlay(side, outcome)
		if found[rec.ID] != nil {
			return nil
		}
		found[rec.ID] = rec
		if visit != 0 {
			rec.Visit = &Visit{ID: visit, stored: true}
		}
		if handoff != 0 {
			handoffs[handoff] = rec
		}
		for _, word := range strings.Fields(open) {
			id, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return fmt.Errorf("lead %d: clocks: %w", rec.ID, err)
			}
			clocks[id] = rec
		}
		return nil
	})
	if err != nil {
		return nil, s.explain("reading", err)
	}
	err = errors.Join(s.openHandoffs(ctx, handoffs), s.openClocks(ctx, clocks))
	for _, rec := range found {
		rec.rare = rec.rarely()
	}
	return found, s.explain("reading", err)
}

func (s *Reader) openHandoffs(ctx context.Context, of map[int64]*Record) error {
	return each(ctx, s, selecting(handoffColumns, "handoff"), numbered("id"), ``, keysOf(of), func(r *sql.Rows) error {
		h := &Handoff{}
		var acceptDue, accepted, acceptUsed, acceptBreached, contactDue, contacted, contactUsed, contactBreached, closed sql.NullInt64
		if err := r.Scan(&h.ID, &h.Lead, &h.Prev, &h.Name, &h.Pass, &h.State, &h.OfferedAt, &h.OfferedDay, &h.Owner, &h.Queue, &acceptDue,
			&accepted, &h.AcceptedBy, &acceptUsed, &acceptBreached, &contactDue, &contacted, &contactUsed, &contactBreached, &closed,
			&h.Reason, &h.Reassigned); err != nil {
			return err
		}
		h.AcceptDue, h.AcceptedAt, h.AcceptUsed, h.AcceptBreachedAt = acceptDue.Int64, accepted.Int64, acceptUsed.Int64, acceptBreached.Int64
		h.ContactDue, h.ContactedAt, h.ContactUsed, h.ContactBreachedAt = contactDue.Int64, contacted.Int64, contactUsed.Int64, contactBreached.Int64
		h.ClosedAt = closed.Int64
		of[h.ID].Handoff = h
		return nil
	})
}

func (s *Reader) openClocks(ctx context.Context, of map[int64]*Record) error {
	seen := map[int64]bool{}
	return each(ctx, s, selecting(clockColumns, "clock"), numbered("id"), ` ORDER BY id`, keysOf(of), func(r *sql.Rows) error {
		k := &Clock{}
		var due, breached, stopped sql.NullInt64
		if err := r.Scan(&k.ID, &k.Lead, &k.Prev, &k.Name, &k.State, &k.Member, &k.StartedAt, &k.Since, &due, &breached, &k.Breaches, &stopped,
			&k.Unit, &k.Within, &k.Used); err != nil {
			return err
		}
		if seen[k.ID] {
			return nil
		}
		seen[k.ID] = true
		k.DueAt, k.BreachedAt, k.StoppedAt = due.Int64, breached.Int64, stopped.Int64
		of[k.ID].Clocks = append(of[k.ID].Clocks, k)
		return nil
	})
}

func selecting(columns, table string) string {
	return "SELECT " + strings.Join(strings.Fields(columns), ", ") + " FROM " + table + " WHERE "
}

// Accounts loads accounts by their IDs.
func (s *Reader) Accounts(ctx context.Context, ids []int64) ([]*AccountRecord, error) {
	return s.accounts(ctx, numbered("id"), anys(ids))
}

// AccountsByKey loads accounts by their keys.
func (s *Reader) AccountsByKey(ctx context.Context, keys []string) ([]*AccountRecord, error) {
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = k
	}
	return s.accounts(ctx, wanted{"key", text}, args)
}

func (s *Reader) accounts(ctx context.Context, by wanted, args []any) ([]*AccountRecord, error) {
	var found []*AccountRecord
	err := each(ctx, s, `SELECT name, state FROM account WHERE `, by, s.accountLock, args, func(r *sql.Rows) error {
		a := &AccountRecord{}
		var state sql.RawBytes
		if err := r.Scan(&a.Name, &state); err != nil {
			return err
		}
		a.found = a.Name
		var err error
		if a.Account, err = lifecycle.ParseAccount(state); err != nil {
			return fmt.Errorf("account: %w", err)
		}
		found = append(found, a)
		return nil
	})
	return found, s.explain("reading", err)
}

// Roster loads the roster, nil before there is one.
func (s *Reader) Roster(ctx context.Context) (*lifecycle.Roster, error) {
	var state []byte
	err := s.one(ctx, `SELECT state FROM roster WHERE id = 1`, nil, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.explain("reading", err)
	}
	r, err := lifecycle.ParseRoster(state)
	return r, s.explain("reading the roster from", err)
}

// LastInput returns the ID of the newest input, 0 for none.
func (s *Reader) LastInput(ctx context.Context) (int64, error) {
	var id int64
	err := s.one(ctx, `SELECT coalesce(max(id), 0) FROM input`, nil, &id)
	return id, s.explain("reading", err)
}

// Due is a lead and when it has to be looked at.
type Due struct{ At, Lead int64 }

// DueUntil returns the leads that are due at or before an instant, at most so many
// (0: all), the earliest first; agreement.Never for all that will ever be.
func (s *Reader) DueUntil(ctx context.Context, at int64, most int) ([]Due, error) {
	if at == agreement.Never {
		at--
	}
	limit := int64(most)
	if most == 0 {
		limit = agreement.Never
	}
	return s.dues(ctx, `SELECT due, id FROM lead WHERE due <= $1 AND due < 9223372036854775807 ORDER BY due, id LIMIT $2`, at, limit)
}

func (s *Reader) dues(ctx context.Context, query string, args ...any) ([]Due, error) {
	var list []Due
	stmt, err := s.queries.get(ctx, query)
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
			var d Due
			if err := r.Scan(&d.At, &d.Lead); err != nil {
				return err
			}
			list = append(list, d)
			return nil
		})
	}
	return list, s.explain("reading", err)
}

// NextDue returns when the next lead is due, agreement.Never for not at all.
func (s *Reader) NextDue(ctx context.Context) (int64, error) {
	var at sql.NullInt64
	err := s.one(ctx, `SELECT min(due) FROM lead WHERE due < 9223372036854775807`, nil, &at)
	if !at.Valid {
		return agreement.Never, s.explain("reading", err)
	}
	return at.Int64, s.explain("reading", err)
}

// LeadsOfAccount returns the IDs of the leads of an account.
func (s *Reader) LeadsOfAccount(ctx context.Context, account int64) ([]int64, error) {
	return s.ids(ctx, `SELECT id FROM lead WHERE account = $1 AND account <> 0 ORDER BY id`, account)
}

// LongestWaiting returns the lead whose hand-off was offered first of those that wait in a queue of the agreement, 0 for none.
func (s *Reader) LongestWaiting(ctx context.Context, queue string) (int64, error) {
	list, err := s.ids(ctx, `SELECT l.id FROM lead l JOIN handoff h ON h.id = l.handoff WHERE l.queue = $1 AND l.queue <> '' AND l.owner = '' AND h.state IN ('open', 'escalated')
		ORDER BY h.offered_at, l.id LIMIT 1`, queue)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0], nil
}

// LeadsHeld returns the IDs of the leads under way that a member owns.
func (s *Reader) LeadsHeld(ctx context.Context, member string) ([]int64, error) {
	return s.ids(ctx, `SELECT id FROM lead WHERE owner = $1 AND owner <> '' AND outcome = '' ORDER BY id`, member)
}

// LeadsBehind returns leads under way that follow another version of the agreement than
// this one, from an ID on, at most so many.
func (s *Reader) LeadsBehind(ctx context.Context, version, after int64, most int) ([]int64, error) {
	return s.ids(ctx, `SELECT id FROM lead WHERE id > $1 AND version <> $2 AND outcome = '' ORDER BY id LIMIT $3`, after, version, most)
}

func (s *Reader) ids(ctx context.Context, query string, args ...any) ([]int64, error) {
	var list []int64
	stmt, err := s.queries.get(ctx, query)
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
			var id int64
			if err := r.Scan(&id); err != nil {
				return err
			}
			list = append(list, id)
			return nil
		})
	}
	return list, s.explain("reading", err)
}

func anys(list []int64) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

func keysOf(m map[int64]*Record) []any {
	out := make([]any, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}
