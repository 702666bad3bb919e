package store

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
)

// Behind is which leads stand behind a figure of a report: by a stay, and by what is known of the lead.
type Behind struct {
	Stage string // of the stay; "" for the first stay of each lead
	From  string // the stage it came from, "" for any
	Via   string // the clause that began the stay, "" for any
	Open  bool   // the stay lasts; with a stage
	Moved bool   // no lead begins in the stage, so that an index has its stays
	Grade string
	Only
	Arrived Span // of the leads, or when the clock started, or the lead was offered
	Began   bool // Arrived is when the stay began

	// A figure of clocks or hand-offs, in place of stays.
	Clock   string // the clause of the clock
	Over    bool   // time ran out on it
	Member  string // whom it ran for
	Handoff string // the name of the hand-off, or AnyHandoff
	Ended   string // of hand-offs: Accepted, or Answered; "" for all
}

// What is asked of hand-offs.
const (
	AnyHandoff = "*"
	Accepted   = "accepted"
	Answered   = "answered" // accepted, or over without
)

// MostLookedAt is how many stays or leads one page of a list looks through at most, so that what is rare costs no more than what is not.
const MostLookedAt = 1_000

// BehindRow is a lead behind a figure, with the stay that put it there.
type BehindRow struct {
	Visit     int64
	EnteredAt int64
	Via       string
	ID        int64
	Name      string
	Email     string
	Account   string
	Stage     string // where it is now
	Side      string
	Grade     string
	Owner     string
	Source    string
	CreatedAt int64
}

// LeadsBehind returns leads behind a figure, those whose stay began last first, at most so many, from before a stay on; 0 is the
// beginning. next is where to go on, 0 at the end; a page may hold less than it could where what is asked for is rare. It makes three queries at most.
func (s *Store) LeadsBehind(ctx context.Context, f Behind, before int64, most int) (list []BehindRow, next int64, err error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	switch {
	case f.Clock != "":
		return s.behindRows(ctx, "clock", "v.started_at", "v.name", f, before, most)
	case f.Handoff != "":
		return s.behindRows(ctx, "handoff", "v.offered_at", "''", f, before, most)
	}
	return s.behindRows(ctx, "visit", "v.entered_at", "v.entered_via", f, before, most)
}

// behindRows walks a table of what happened to leads back from a row.
func (s *Store) behindRows(ctx context.Context, table, at, via string, f Behind, before int64, most int) (list []BehindRow, next int64, err error) {
	var least, seen int64
	var c clauses
	with, from := "", table+" v"
	if f.Owner != "" && f.Owner != None {
		// One owner has few leads: the chains of their rows.
		with, from = ownedRows(table), "owned o CROSS JOIN "+from
		c.args = append(c.args, f.Owner)
		c.text.WriteString("v.id = o.id")
		c.add("v.id < ?", before)
	} else {
		// Stays that last are found by their index, whose order is that of the stays.
		window, args := `SELECT id FROM `+table+` WHERE id < $1 ORDER BY id DESC LIMIT $2`, []any{before, MostLookedAt}
		switch {
		case f.Open:
			window, args = `SELECT id FROM visit WHERE id < $1 AND left_at IS NULL AND stage = $3 ORDER BY id DESC LIMIT $2`, append(args, f.Stage)
		case f.Moved && table == "visit":
			window, args = `SELECT id FROM visit WHERE id < $1 AND prev > 0 AND stage = $3 ORDER BY id DESC LIMIT $2`, append(args, f.Stage)
		}
		if err := s.one(ctx, `SELECT coalesce(min(id), 0), count(*) FROM (`+window+`) AS latest`, args, &least, &seen); err != nil {
			return nil, 0, s.explain("reading", err)
		}
		c.add("v.id < ?", before)
		c.add("v.id >= ?", least)
	}
	arrived := "l.created_at"
	conditions := []struct{ condition, text string }{{"l.grade = ?", f.Grade}}
	switch table {
	case "visit":
		if f.Began {
			arrived = at
		}
		switch {
		case f.Open:
			c.text.WriteString(" AND v.left_at IS NULL")
		case f.Moved:
			c.text.WriteString(" AND v.prev > 0")
		}
		if f.Stage == "" && f.Via == "" {
			c.add("v.prev = ?", 0)
		}
		if f.Via != "" { // a revisit date that has come leaves by the clause that the lead came by
			c.text.WriteString(" AND NOT EXISTS (SELECT 1 FROM visit p WHERE p.id = v.prev AND p.entered_via = v.entered_via)")
		}
		conditions = append(conditions, []struct{ condition, text string }{{"v.stage = ?", f.Stage}, {"v.from_stage = ?", f.From}, {"v.entered_via = ?", f.Via}}...)
	case "clock":
		arrived = at
		if f.Over {
			c.text.WriteString(" AND v.breaches > 0")
		} else { // as reports count: met or over
			c.text.WriteString(" AND (v.breaches > 0 OR v.stopped_at IS NOT NULL AND v.state <> 'dropped')")
		}
		if f.Member == None {
			c.text.WriteString(" AND v.member = ''")
			f.Member = ""
		}
		conditions = append(conditions, []struct{ condition, text string }{{"v.name = ?", f.Clock}, {"v.member = ?", f.Member}}...)
	case "handoff":
		arrived = at
		if f.Handoff != AnyHandoff {
			conditions = append(conditions, struct{ condition, text string }{"v.name = ?", f.Handoff})
		}
		switch f.Ended {
		case Accepted:
			c.text.WriteString(" AND v.accepted_at IS NOT NULL")
		case Answered:
			c.text.WriteString(" AND (v.accepted_at IS NOT NULL OR v.closed_at IS NOT NULL)")
		}
	}
	for _, t := range conditions {
		if t.text != "" {
			c.add(t.condition, t.text)
		}
	}
	for _, t := range f.columns() {
		c.add(t.column+" = ?", t.value)
	}
	if f.Arrived.From != 0 {
		c.add(arrived+" >= ?", f.Arrived.From)
	}
	if f.Arrived.Until != 0 {
		c.add(arrived+" < ?", f.Arrived.Until)
	}
	where := c.text.String()
	c.args = append(c.args, most+1)
	stmt, err := s.queries.get(ctx, with+`SELECT v.id, `+at+`, `+via+`, l.id, l.name, l.email, coalesce(a.name, ''), l.stage, l.side, l.grade, l.owner, l.source, l.created_at
		FROM `+from+` CROSS JOIN lead l LEFT JOIN account a ON a.id = l.account WHERE l.id = v.lead AND `+where+` ORDER BY v.id DESC LIMIT $`+strconv.Itoa(len(c.args)))
	if err == nil {
		err = scanAll(ctx, stmt, c.args, func(r *sql.Rows) error {
			var b BehindRow
			err := r.Scan(&b.Visit, &b.EnteredAt, &b.Via, &b.ID, &b.Name, &b.Email, &b.Account, &b.Stage, &b.Side, &b.Grade, &b.Owner, &b.Source, &b.CreatedAt)
			list = append(list, b)
			return err
		})
	}
	if err != nil {
		return nil, 0, s.explain("reading", err)
	}
	switch {
	case len(list) > most:
		list = list[:most]
		next = list[most-1].Visit
	case seen == MostLookedAt:
		next = least
	}
	if table == "visit" && f.Stage != "" && f.From == "" && f.Via == "" && !f.Open { // a pass that came there twice counts once
		list, err = s.firstInPass(ctx, list, f.Stage)
	}
	return list, next, s.explain("reading", err)
}

// firstInPass leaves out stays in a stage that were not the first there of their pass.
func (s *Store) firstInPass(ctx context.Context, list []BehindRow, stage string) ([]BehindRow, error) {
	var visits []any
	for i := range list {
		visits = append(visits, list[i].Visit)
	}
	again := map[int64]bool{}
	err := each(ctx, s.Reader, `WITH RECURSIVE earlier (visit, prev, pass) AS (SELECT v.id, v.prev, v.pass FROM visit v WHERE `, numbered("v.id"), ` UNION ALL
			SELECT e.visit, p.prev, p.pass FROM earlier e JOIN visit p ON p.id = e.prev WHERE p.pass = e.pass)
		SELECT e.visit, p.stage FROM earlier e JOIN visit p ON p.id = e.prev WHERE p.pass = e.pass`, visits, func(r *sql.Rows) error {
		var visit int64
		var was string
		err := r.Scan(&visit, &was)
		again[visit] = again[visit] || was == stage
		return err
	})
	return slices.DeleteFunc(list, func(b BehindRow) bool { return again[b.Visit] }), err
}

// ownedRows are the rows of a table for the leads of the owner $1: of each lead the latest, and those before it. (CROSS JOIN says to begin with
// the chains.)
func ownedRows(table string) string {
	last := table
	if table == "clock" {
		last = "clock_row"
	}
	return `WITH RECURSIVE owned (id) AS (SELECT ` + last + ` FROM lead WHERE owner <> '' AND owner = $1 AND ` + last + ` > 0 UNION ALL
		SELECT p.prev FROM owned o CROSS JOIN ` + table + ` p WHERE p.id = o.id AND p.prev > 0) `
}

// FilterValues are the values that people filter figures by, the most frequent first, of the leads that came last.
type FilterValues struct{ Sources, Campaigns, Segments []string }

// FilterValues reads the values of the newest leads, with one query.
func (s *Store) FilterValues(ctx context.Context) (v FilterValues, err error) {
	stmt, err := s.queries.get(ctx, `SELECT source, campaign, segment, count(*) FROM (SELECT source, campaign, segment FROM lead ORDER BY id DESC LIMIT 2000) AS newest
		GROUP BY source, campaign, segment ORDER BY 4 DESC, 1, 2, 3`)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var n int64
			var text [3]string
			if err := r.Scan(&text[0], &text[1], &text[2], &n); err != nil {
				return err
			}
			for i, list := range [...]*[]string{&v.Sources, &v.Campaigns, &v.Segments} {
				if t := text[i]; t != "" && len(*list) < 40 && !slices.Contains(*list, t) {
					*list = append(*list, t)
				}
			}
			return nil
		})
	}
	return v, s.explain("reading", err)
}
