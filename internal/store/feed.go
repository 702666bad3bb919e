package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"baton/internal/seal"
)

// Feed is a calendar from which the absences of a member are read. Its address is kept apart, sealed: whoever knows it can
// read the calendar.
type Feed struct {
	Member   string
	Host     string // of the address, or "a file"
	NextAt   int64  // of the next reading
	ReadAt   int64  // of the last one, 0 for none
	GoodAt   int64  // of the last one without an error, 0 for none
	Error    string // of the last one, "" for none
	Absences int    // to come, as of GoodAt
}

// Reading is a feed that has to be read now.
type Reading struct {
	Member  string
	Address string // "" if there is none any more: what it said is to be taken back
	At      int64  // when it was due: no other reading of the member has it
}

// ErrNoFeed means that no absences of a member are read.
var ErrNoFeed = errors.New("no absences of this member are read from a calendar")

func sealedFeed(member string) string { return "calendar of " + member }

// SetFeed has the absences of a member read from an address, from now on. host is what of the address may be shown.
func (s *Store) SetFeed(ctx context.Context, keys *seal.Keys, member, address, host string, now int64) error {
	text, err := keys.Seal(sealedFeed(member), address)
	if err != nil {
		return fmt.Errorf("keeping the address of a calendar: %w", err)
	}
	return s.transact(ctx, "keeping the address of a calendar", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `INSERT INTO feed (member, address, host, next_at, read_at, good_at, error, absences) VALUES ($1, $2, $3, $4, 0, 0, '', 0)
			ON CONFLICT (member) DO UPDATE SET address = excluded.address, host = excluded.host, next_at = excluded.next_at, read_at = 0, good_at = 0, error = '', absences = 0`,
			member, text, host, now)
		return err
	})
}

// RemoveFeed has the absences of a member read no more. What was read is taken back by whoever reads calendars.
func (s *Store) RemoveFeed(ctx context.Context, member string, now int64) error {
	var there string
	err := s.transact(ctx, "forgetting a calendar", func(ctx context.Context, conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, `UPDATE feed SET address = '', next_at = $2 WHERE member = $1 AND address <> '' RETURNING member`, member, now).Scan(&there)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("forgetting the calendar of %s: %w", member, ErrNoFeed)
	}
	return err
}

// Feeds returns the calendars that are read, by member.
func (s *Reader) Feeds(ctx context.Context) ([]Feed, error) {
	var list []Feed
	stmt, err := s.queries.get(ctx, `SELECT member, host, next_at, read_at, good_at, error, absences FROM feed WHERE address <> '' ORDER BY member`)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var f Feed
			err := r.Scan(&f.Member, &f.Host, &f.NextAt, &f.ReadAt, &f.GoodAt, &f.Error, &f.Absences)
			list = append(list, f)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// DueFeed takes the feed that has waited longest to be read, nil for none, and puts its next reading down for an instant. Of
// several processes one gets it. A feed whose address does not open comes with the error.
func (s *Store) DueFeed(ctx context.Context, keys *seal.Keys, now, next int64) (*Reading, error) {
	var due int64
	// most of the time nothing is due, and then nothing is written
	if err := s.one(ctx, `SELECT coalesce(min(next_at), 9223372036854775807) FROM feed`, nil, &due); err != nil || due > now {
		return nil, s.explain("reading", err)
	}
	r, text, skip := &Reading{}, "", ""
	if s.Shared() {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	err := s.transact(ctx, "reading calendars", func(ctx context.Context, conn *sql.Conn) error {
		err := conn.QueryRowContext(ctx, `SELECT member, address, next_at FROM feed WHERE next_at <= $1 ORDER BY next_at, member LIMIT 1`+skip, now).Scan(&r.Member, &text, &r.At)
		if err == nil {
			_, err = conn.ExecContext(ctx, `UPDATE feed SET next_at = $1 WHERE member = $2`, next, r.Member)
		}
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case text != "":
		if r.Address, err = keys.Open(sealedFeed(r.Member), text); err != nil {
			return r, fmt.Errorf("the address of the calendar cannot be opened: %w", err)
		}
	}
	return r, nil
}

// FeedRead notes how a reading went. A feed that was to be forgotten is, if it went well.
func (s *Store) FeedRead(ctx context.Context, r *Reading, at int64, absences int, why string) error {
	return s.transact(ctx, "noting how a calendar was read", func(ctx context.Context, conn *sql.Conn) error {
		if r.Address == "" && why == "" {
			_, err := conn.ExecContext(ctx, `DELETE FROM feed WHERE member = $1 AND address = ''`, r.Member)
			return err
		}
		if why != "" {
			_, err := conn.ExecContext(ctx, `UPDATE feed SET read_at = $1, error = $2 WHERE member = $3`, at, why, r.Member)
			return err
		}
		_, err := conn.ExecContext(ctx, `UPDATE feed SET read_at = $1, good_at = $1, error = '', absences = $2 WHERE member = $3`, at, absences, r.Member)
		return err
	})
}
