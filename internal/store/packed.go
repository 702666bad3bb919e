package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"baton/internal/identity"
	"baton/internal/lifecycle"
)

var errPacked = errors.New("what is packed is damaged")

// Packs reports whether Pack would keep all there is to know of a lead: it has a row that is as the lead is, and nobody works on it, so that no
// hand-off is open and no clock runs. Of a million leads that is nearly every one.
func (r *Record) Packs() bool {
	return r.stored && !r.reworded && !r.Late() && r.Handoff == nil && len(r.Clocks) == 0 && r.Lead != nil && r.Lead.Owner == "" && r.due == r.Due
}

// Pack appends a lead in few bytes, about a third of what its row takes. What the row holds twice, as texts, is left out.
func (r *Record) Pack(b []byte) []byte {
	visit := int64(0)
	if r.Visit != nil {
		visit = r.Visit.ID
	}
	return lifecycle.AppendLead(packHead(b, r.LastInput, r.Due, visit, r.LastClock, r.pursued, r.Email), r.Lead)
}

func packHead(b []byte, input, due, visit, clock int64, pursued bool, email string) []byte {
	for _, v := range [...]int64{input, due, visit, clock} {
		b = binary.AppendVarint(b, v)
	}
	flag := byte(0)
	if pursued {
		flag = 1
	}
	b = append(b, flag)
	return appendSized(b, email)
}

// appendSized appends a text with its length before it.
func appendSized(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// cutSized takes a text off that appendSized appended.
func cutSized(b []byte) (text string, rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return "", nil, errPacked
	}
	return string(b[n : n+int(size)]), b[n+int(size):], nil
}

// Unpack makes a record of what Pack made of one.
func Unpack(id int64, b []byte) (*Record, error) {
	r := &Record{ID: id, stored: true, bare: true}
	var visit int64
	for _, to := range [...]*int64{&r.LastInput, &r.Due, &visit, &r.LastClock} {
		v, n := binary.Varint(b)
		if n <= 0 {
			return nil, errPacked
		}
		*to, b = v, b[n:]
	}
	if len(b) == 0 {
		return nil, errPacked
	}
	r.pursued = b[0] == 1
	var err error
	if r.Email, b, err = cutSized(b[1:]); err != nil {
		return nil, err
	}
	l, err := lifecycle.ParseLead(b)
	if err != nil {
		return nil, fmt.Errorf("lead %d: %w", id, err)
	}
	if visit != 0 {
		r.Visit = &Visit{ID: visit, stored: true}
	}
	r.Lead, r.due, r.queued = l, r.Due, l.Call.Since > 0
	r.rare = r.rarely()
	return r, nil
}

// PackLeads packs the leads below a number, at most so many, the newest first; nil for those that do not pack. It returns how many they were. A pack is good
// until do returns.
func (s *Reader) PackLeads(ctx context.Context, before int64, most int, do func(id int64, pack []byte)) (n int, err error) {
	var b []byte
	stmt, err := s.queries.get(ctx, `SELECT id, input, due, visit, clock_row, email, side, outcome, state, CASE WHEN owner = '' AND handoff = 0 AND clocks = '' THEN 1 ELSE 0 END
		FROM lead WHERE id < $1 ORDER BY id DESC LIMIT $2`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{before, most}, func(r *sql.Rows) error {
			var id, input, due, visit, clock int64
			var email, side, outcome string
			var state sql.RawBytes
			var packs bool
			if err := r.Scan(&id, &input, &due, &visit, &clock, &email, &side, &outcome, &state, &packs); err != nil {
				return err
			}
			n++
			if !packs {
				do(id, nil)
				return nil
			}
			b = append(packHead(b[:0], input, due, visit, clock, inPlay(side, outcome), email), state...)
			do(id, b)
			return nil
		})
	}
	return n, s.explain("reading", err)
}

// Pack appends an account in few bytes.
func (r *AccountRecord) Pack(b []byte) []byte {
	return lifecycle.AppendAccount(appendSized(b, r.Name), r.Account)
}

// UnpackAccount makes a record of what Pack made of one.
func UnpackAccount(b []byte) (*AccountRecord, error) {
	name, b, err := cutSized(b)
	if err != nil {
		return nil, err
	}
	a, err := lifecycle.ParseAccount(b)
	return &AccountRecord{Account: a, Name: name, found: name}, err
}

// PackAccounts packs the accounts above a number, at most so many, in their order, and returns how many they were. A pack is good until do returns.
func (s *Reader) PackAccounts(ctx context.Context, after int64, most int, do func(id int64, key string, pack []byte)) (n int, err error) {
	var b []byte
	stmt, err := s.queries.get(ctx, `SELECT id, key, name, state FROM account WHERE id > $1 ORDER BY id LIMIT $2`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{after, most}, func(r *sql.Rows) error {
			var id int64
			var key, name string
			var state sql.RawBytes
			if err := r.Scan(&id, &key, &name, &state); err != nil {
				return err
			}
			n++
			b = append(appendSized(b[:0], name), state...)
			do(id, key, b)
			return nil
		})
	}
	return n, s.explain("reading", err)
}

// EachDedupe hands on the dedupe numbers above one, at most so many, in their order, and returns how many they were.
func (s *Reader) EachDedupe(ctx context.Context, after int64, most int, do func(number int64)) (n int, err error) {
	stmt, err := s.queries.get(ctx, `SELECT dedupe FROM input WHERE dedupe <> 0 AND dedupe > $1 ORDER BY dedupe LIMIT $2`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{after, most}, func(r *sql.Rows) error {
			var number int64
			if err := r.Scan(&number); err != nil {
				return err
			}
			n++
			do(number)
			return nil
		})
	}
	return n, s.explain("reading", err)
}

// EachKey hands on the keys of a kind whose values come after that of a key, at most so many, in their order, and returns how many they were.
func (s *Reader) EachKey(ctx context.Context, after identity.Key, most int, do func(k identity.Key, lead int64)) (n int, err error) {
	stmt, err := s.queries.get(ctx, `SELECT value, lead FROM key WHERE kind = $1 AND value > $2 ORDER BY value LIMIT $3`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{int64(after.Kind), after.Value, most}, func(r *sql.Rows) error {
			k := identity.Key{Kind: after.Kind}
			var lead int64
			if err := r.Scan(&k.Value, &lead); err != nil {
				return err
			}
			n++
			do(k, lead)
			return nil
		})
	}
	return n, s.explain("reading", err)
}
