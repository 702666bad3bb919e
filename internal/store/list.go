package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"baton/internal/lifecycle"
)

// ListedLead is a lead as lists show it: its row, its account's name, and its state.
type ListedLead struct {
	ID, Version, LastInput, Account         int64
	Decided, Created, Entered, Revisit, Due int64 // UTC microseconds; Revisit 0 and Due agreement.Never for none
	Owner, Queue, Track                     string
	Origin, Stage, Side, Outcome            string
	Pass, Readiness, Activities             int64
	Grade, BuyingStage, Consent             string
	Fit, Engagement                         int64 // in agreement.Point, when last decided
	Value                                   float64
	Name, Email                             string
	Attributes                              string // JSON: name -> value
	AccountKey, AccountName                 string
	Lead                                    *lifecycle.Lead
}

// ErrNoLead means that there is no such lead.
var ErrNoLead = errors.New("there is no such lead")

// LeadFilter is which leads a list shows; fields with nothing in them say nothing.
type LeadFilter struct {
	Stage, Side, Owner, Queue, Grade, Consent, Origin string
	Outcome                                           *string // "" for those under way
	Account                                           int64
	UpdatedAfter, CreatedAfter                        int64 // UTC microseconds
}

const listedColumns = listedFields + ` FROM lead l LEFT JOIN account a ON a.id = l.account`

const listedFields = `l.id, l.version, l.input, l.account, l.clock, l.created_at, l.entered_at, l.revisit_at, l.due, l.owner, l.queue, l.track,
	l.origin, l.stage, l.side, l.outcome, l.pass, l.readiness, l.activities, l.grade, l.buying_stage, l.consent, l.fit, l.engagement, l.value,
	l.name, l.email, l.attributes, coalesce(a.key, ''), coalesce(a.name, ''), l.state`

func scanLead(r *sql.Rows) (ListedLead, error) {
	var v ListedLead
	var state sql.RawBytes
	err := r.Scan(&v.ID, &v.Version, &v.LastInput, &v.Account, &v.Decided, &v.Created, &v.Entered, &v.Revisit, &v.Due, &v.Owner, &v.Queue, &v.Track,
		&v.Origin, &v.Stage, &v.Side, &v.Outcome, &v.Pass, &v.Readiness, &v.Activities, &v.Grade, &v.BuyingStage, &v.Consent, &v.Fit, &v.Engagement, &v.Value,
		&v.Name, &v.Email, &v.Attributes, &v.AccountKey, &v.AccountName, &state)
	if err == nil {
		if v.Lead, err = lifecycle.ParseLead(state); err != nil {
			err = fmt.Errorf("lead %d: %w", v.ID, err)
		}
	}
	return v, err
}

// clauses puts the conditions of a query together, with their arguments.
type clauses struct {
	text strings.Builder
	args []any
}

// add adds a condition; a ? in it becomes the number of its argument.
func (c *clauses) add(condition string, arg any) {
	c.args = append(c.args, arg)
	if c.text.Len() > 0 {
		c.text.WriteString(" AND ")
	}
	c.text.WriteString(strings.Replace(condition, "?", "$"+strconv.Itoa(len(c.args)), 1))
}

// leadList is the query of ListLeads. It walks the leads of an owner, an account or a queue by their index, those in a stage where few
// are by the stays that last, and all others in the order of their IDs from where the page before ended, up to an ID (0 for all);
// what else is asked of a lead is looked at on the way.
func leadList(f LeadFilter, after, upTo int64, few bool, most int) (string, []any) {
	var c clauses
	c.add("l.id > ?", after)
	if upTo != 0 {
		c.add("l.id <= ?", upTo)
	}
	if few {
		c.add("l.id IN (SELECT v.lead FROM visit v WHERE v.left_at IS NULL AND v.stage = ?)", f.Stage)
	}
	for _, t := range [...]struct{ condition, text string }{
		{"l.owner <> '' AND l.owner = ?", f.Owner}, {"l.stage = ?", f.Stage}, {"l.side = ?", f.Side}, {"l.queue <> '' AND l.queue = ?", f.Queue}, {"l.grade = ?", f.Grade},
		{"l.consent = ?", f.Consent}, {"l.origin = ?", f.Origin},
	} {
		if t.text != "" {
			c.add(t.condition, t.text)
		}
	}
	switch {
	case f.Outcome == nil:
	case *f.Outcome == "":
		c.text.WriteString(" AND l.outcome = ''") // as the index of what is under way has it
	default:
		c.add("l.outcome = ?", *f.Outcome)
	}
	if f.Account != 0 {
		c.add("l.account <> 0 AND l.account = ?", f.Account)
	}
	if f.UpdatedAfter != 0 {
		c.add("l.clock > ?", f.UpdatedAfter)
	}
	if f.CreatedAfter != 0 {
		c.add("l.created_at > ?", f.CreatedAfter)
	}
	where := c.text.String()
	c.args = append(c.args, most)
	return `SELECT ` + listedColumns + ` WHERE ` + where + ` ORDER BY l.id LIMIT $` + strconv.Itoa(len(c.args)), c.args
}

// ListLeads returns leads behind an ID in the order of their IDs, at most so many. Leads that arrive in the meantime come
// last, so that who asks for one page after the other sees each lead once.
func (s *Store) ListLeads(ctx context.Context, f LeadFilter, after int64, most int) ([]ListedLead, error) {
	query, args := leadList(f, after, 0, false, most)
	return s.listed(ctx, query, args...)
}

const (
	// fewStays counts the leads in a stage, as far as there are few.
	fewStays = `SELECT count(*), 0 FROM (SELECT 1 FROM visit WHERE left_at IS NULL AND stage = $1 LIMIT $2) AS few`
	// furthest is the last lead that a page of a list looks at.
	furthest = `SELECT coalesce((SELECT id FROM lead WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2), 0), 0`
)

// SomeLeads is ListLeads for filters of which nobody knows how many leads they let through: it looks at MostLookedAt leads at most. next is
// where to go on, 0 at the end; a page may hold less than it could, and even nothing, before the end.
func (s *Store) SomeLeads(ctx context.Context, f LeadFilter, after int64, most int) (list []ListedLead, next int64, err error) {
	var upTo int64
	few := false
	if f.Owner == "" && f.Account == 0 && f.Queue == "" && (f != LeadFilter{}) {
		if f.Stage != "" {
			n, _, err := s.two(ctx, fewStays, f.Stage, MostLookedAt)
			if err != nil {
				return nil, 0, err
			}
			few = n < MostLookedAt
		}
		if !few {
			if upTo, _, err = s.two(ctx, furthest, after, MostLookedAt); err != nil {
				return nil, 0, err
			}
		}
	}
	query, args := leadList(f, after, upTo, few, most+1)
	if list, err = s.listed(ctx, query, args...); err != nil {
		return nil, 0, err
	}
	if len(list) > most {
		return list[:most], list[most-1].ID, nil
	}
	return list, upTo, nil
}

// LeadByID returns a lead, or ErrNoLead.
func (s *Store) LeadByID(ctx context.Context, id int64) (*ListedLead, error) {
	list, err := s.listed(ctx, `SELECT `+listedColumns+` WHERE l.id = $1`, id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("lead %d: %w", id, ErrNoLead)
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// LeadsByID returns the leads with these IDs, as far as they are there, in no order.
func (s *Store) LeadsByID(ctx context.Context, ids []int64) ([]ListedLead, error) {
	var list []ListedLead
	seen := map[int64]bool{}
	err := each(ctx, s.Reader, `SELECT `+listedColumns+` WHERE `, numbered("l.id"), "", anys(ids), func(r *sql.Rows) error {
		v, err := scanLead(r)
		if err == nil && !seen[v.ID] {
			seen[v.ID] = true
			list = append(list, v)
		}
		return err
	})
	return list, s.explain("reading", err)
}

func (s *Store) listed(ctx context.Context, query string, args ...any) ([]ListedLead, error) {
	var list []ListedLead
	stmt, err := s.queries.get(ctx, query)
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
			v, err := scanLead(r)
			list = append(list, v)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// timeline walks back over the inputs of a lead: the list they make, so that a page costs its length. (CROSS JOIN says to begin with
// the chain: SQLite takes a sorted walk over all inputs for cheaper.)
const timeline = `WITH RECURSIVE chain (id, prev, n) AS (
		SELECT i.id, i.prev, CASE WHEN $3 = 0 OR i.kind = $3 THEN 1 ELSE 0 END FROM input i WHERE i.id = $1 AND i.lead = $2 UNION ALL
		SELECT i.id, i.prev, c.n + CASE WHEN $3 = 0 OR i.kind = $3 THEN 1 ELSE 0 END FROM chain c JOIN input i ON i.id = c.prev WHERE c.n < $4)
	SELECT ` + inputColumns + `, d.version, d.body, coalesce(d.error, ''), i.prev FROM chain c CROSS JOIN input i CROSS JOIN decision d
	WHERE i.id = c.id AND d.input = c.id AND ($3 = 0 OR i.kind = $3) ORDER BY c.id DESC`

// Timeline returns inputs of a lead with their decisions from one of its inputs back, the newest first, at most so
// many: those of a kind, or all if it is NoInput. next is where to go on, 0 at the end.
func (s *Store) Timeline(ctx context.Context, lead, from int64, kind lifecycle.InputKind, most int) (list []Event, next int64, err error) {
	stmt, err := s.queries.get(ctx, timeline)
	if err == nil {
		err = scanAll(ctx, stmt, []any{from, lead, int64(kind), int64(most)}, func(r *sql.Rows) error {
			e, err := scanEvent(r, &next)
			list = append(list, e)
			return err
		})
	}
	if len(list) < most {
		next = 0
	}
	return list, next, s.explain("reading", err)
}

func scanEvent(r *sql.Rows, more ...any) (e Event, err error) {
	var version int64
	var body sql.RawBytes
	if err := scanInput(r, &e.Input, append([]any{&version, &body, &e.Error}, more...)...); err != nil {
		return e, err
	}
	e.Input.Version = version
	if len(body) > 0 {
		if e.Decision, err = lifecycle.ParseDecision(body); err != nil {
			return e, fmt.Errorf("decision %d: %w", e.Input.ID, err)
		}
	}
	e.Decision.Input, e.Decision.Lead, e.Decision.At, e.Decision.Version = e.Input.ID, e.Input.Lead, e.Input.Known, version
	return e, nil
}

// EventOf returns an input with what was decided about it.
func (s *Store) EventOf(ctx context.Context, input int64) (Event, error) {
	var found []Event
	stmt, err := s.queries.get(ctx, `SELECT `+inputColumns+`, d.version, d.body, coalesce(d.error, '') FROM input i JOIN decision d ON d.input = i.id WHERE i.id = $1`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{input}, func(r *sql.Rows) error {
			e, err := scanEvent(r)
			found = append(found, e)
			return err
		})
	}
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("there is no input %d", input)
	}
	if err != nil {
		return Event{}, s.explain("reading", err)
	}
	return found[0], nil
}

// EventsOf returns inputs with what was decided about them, by their numbers; those that are not there are left out.
func (s *Store) EventsOf(ctx context.Context, inputs []int64) (map[int64]Event, error) {
	list := make(map[int64]Event, len(inputs))
	err := each(ctx, s.Reader, `SELECT `+inputColumns+`, d.version, d.body, coalesce(d.error, '') FROM input i JOIN decision d ON d.input = i.id WHERE `, numbered("i.id"), "", anys(inputs), func(r *sql.Rows) error {
		e, err := scanEvent(r)
		list[e.Input.ID] = e
		return err
	})
	return list, s.explain("reading", err)
}

// ListedAccount is an account as lists show it.
type ListedAccount struct {
	ID               int64
	Key, Name, Owner string
	Attributes       string // JSON: name -> value
}

// ErrNoAccount means that there is no such account.
var ErrNoAccount = errors.New("no such account")

// AccountFilter is which accounts a list shows.
type AccountFilter struct{ Key, Owner string }

func accountList(f AccountFilter, after int64, most int) (string, []any) {
	var c clauses
	c.add("id > ?", after)
	if f.Key != "" {
		c.add("key = ?", f.Key)
	}
	if f.Owner != "" {
		c.add("owner = ?", f.Owner)
	}
	where := c.text.String()
	c.args = append(c.args, most)
	return `SELECT id, key, name, owner, attributes FROM account WHERE ` + where + ` ORDER BY id LIMIT $` + strconv.Itoa(len(c.args)), c.args
}

// ListAccounts returns accounts behind an ID in the order of their IDs, at most so many.
func (s *Store) ListAccounts(ctx context.Context, f AccountFilter, after int64, most int) ([]ListedAccount, error) {
	query, args := accountList(f, after, most)
	return s.accountRows(ctx, query, args...)
}

// AccountByID returns an account, or ErrNoAccount.
func (s *Store) AccountByID(ctx context.Context, id int64) (ListedAccount, error) {
	list, err := s.accountRows(ctx, `SELECT id, key, name, owner, attributes FROM account WHERE id = $1`, id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("account %d: %w", id, ErrNoAccount)
	}
	if err != nil {
		return ListedAccount{}, err
	}
	return list[0], nil
}

func (s *Store) accountRows(ctx context.Context, query string, args ...any) ([]ListedAccount, error) {
	var list []ListedAccount
	stmt, err := s.queries.get(ctx, query)
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
			var a ListedAccount
			err := r.Scan(&a.ID, &a.Key, &a.Name, &a.Owner, &a.Attributes)
			list = append(list, a)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// decidedLately counts decisions among the newest 10,000 numbers: on a database with several processes a lower one may come late.
const decidedLately = `SELECT coalesce(max(input), 0), (SELECT count(*) FROM decision WHERE input > (SELECT max(input) FROM decision) - 10000) FROM decision`

// DecisionMark returns a number that grows with whatever is decided, 0 before anything is.
func (s *Store) DecisionMark(ctx context.Context) (int64, error) {
	query := `SELECT coalesce(max(input), 0), 0 FROM decision`
	if s.Shared() {
		query = decidedLately
	}
	newest, lately, err := s.two(ctx, query)
	return newest + lately, err
}

const (
	ownerMark    = `SELECT CAST(coalesce(sum(l.input), 0) AS BIGINT), count(*) FROM lead l WHERE l.owner <> '' AND l.outcome = '' AND l.owner = $1`
	countWaiting = `SELECT count(*), 0 FROM lead l JOIN handoff h ON h.id = l.handoff WHERE l.owner <> '' AND l.outcome = '' AND l.owner = $1
		AND (h.state IN ('open', 'escalated') OR h.state = 'accepted' AND h.contacted_at IS NULL AND l.side = 'sales')`
	countHeld = `SELECT count(*), coalesce(sum(CASE WHEN h.state IN ('open', 'escalated') THEN 1 ELSE 0 END), 0) FROM lead l LEFT JOIN handoff h ON h.id = l.handoff
		WHERE l.owner <> '' AND l.outcome = '' AND l.owner = $1`
)

// OwnerMark returns a text that is another one when something was decided for a lead of an owner that is under way, or one came or went.
func (s *Store) OwnerMark(ctx context.Context, owner string) (string, error) {
	inputs, leads, err := s.two(ctx, ownerMark, owner)
	return fmt.Sprintf("%d.%d", leads, inputs), err
}

// CountWaiting counts the leads of an owner that wait for a first answer or a first contact.
func (s *Store) CountWaiting(ctx context.Context, owner string) (int64, error) {
	n, _, err := s.two(ctx, countWaiting, owner)
	return n, err
}

// CountHeld counts the leads of an owner that are under way, and those of them that they have not answered yet.
func (s *Store) CountHeld(ctx context.Context, owner string) (held, offered int64, err error) {
	return s.two(ctx, countHeld, owner)
}

// LeadMark returns a text that is another one when something was decided for a lead.
func (s *Store) LeadMark(ctx context.Context, lead int64) (string, error) {
	newest, there, err := s.two(ctx, `SELECT coalesce(max(input), 0), count(*) FROM lead WHERE id = $1`, lead)
	return fmt.Sprintf("%d.%d", there, newest), err
}

// two returns two numbers.
func (s *Store) two(ctx context.Context, query string, args ...any) (a, b int64, err error) {
	stmt, err := s.queries.get(ctx, query)
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error { return r.Scan(&a, &b) })
	}
	return a, b, s.explain("reading", err)
}

// OverClock is a deadline that ran out and is still open: no step is left that would begin it again.
type OverClock struct {
	Lead int64
	Name string
	At   int64 // when it ran out first
}

// OverClocks returns deadlines that ran out and are still open, the latest first, at most so many.
func (s *Store) OverClocks(ctx context.Context, most int) (list []OverClock, err error) {
	stmt, err := s.queries.get(ctx, `SELECT lead, name, breached_at FROM clock WHERE state = 'breached' AND breached_at IS NOT NULL ORDER BY breached_at DESC, id DESC LIMIT $1`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{most}, func(r *sql.Rows) error {
			var k OverClock
			err := r.Scan(&k.Lead, &k.Name, &k.At)
			list = append(list, k)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// DueLeads returns leads with a clock that runs, whose next due time is not later than an instant, the soonest first, at most so many.
func (s *Store) DueLeads(ctx context.Context, until int64, most int) ([]ListedLead, error) {
	return s.listed(ctx, `SELECT `+listedColumns+` WHERE l.due <= $1 AND l.due < 9223372036854775807 AND l.clocks <> '' AND l.clocks <> '[]' ORDER BY l.due, l.id LIMIT $2`, until, most)
}
