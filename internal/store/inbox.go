package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"baton/internal/lifecycle"
)

// InboxEntry is something a member is told inside Baton. What is the same about the same lead is one entry as
// long as it is not read: ten page views are one.
type InboxEntry struct {
	ID      int64 // stays
	Seq     int64 // grows each time it is told again
	Member  string
	Lead    int64
	Input   int64 // the last that it is about
	Kind    string
	Name    string
	Body    string // JSON of the alert, as of a job
	FirstAt int64
	At      int64 // when it was told last
	Times   int64
	ReadAt  int64 // 0 for not yet
}

// Alert returns what it is about, for lifecycle.Tell and lifecycle.Moot.
func (e *InboxEntry) Alert() (lifecycle.Alert, error) {
	return alertOf(e.Kind, e.Member, "inbox", e.At, e.Body)
}

const (
	inboxColumns = `id seq member lead input kind name alert body first_at at times read_at`
	// of what is told again, all but what it began with
	inboxAgain = `ON CONFLICT (member, lead, kind, name, alert) WHERE read_at = 0 DO UPDATE SET seq = excluded.seq, input = excluded.input, body = excluded.body,
		at = excluded.at, times = inbox.times + excluded.times`
	inboxRow = `id, seq, member, lead, input, kind, name, body, first_at, at, times, read_at FROM inbox`
	// the order in which rows are locked, by whoever writes
	inboxOrder = `member, lead, kind, name, alert`
)

// inboxes are what a batch has for inboxes: an entry for each thing that is the same.
type inboxes struct {
	list  []inboxed
	place map[string]int // key -> place in the list
}

type inboxed struct {
	key                string
	id, seq, input, at int64
	first, times, lead int64
	member, kind, body string
	name, alert        string
}

// Inbox adds what a member is told inside Baton.
func (b *Batch) inbox(d *lifecycle.Decision, a *lifecycle.Alert, n int64) {
	key := strings.Join([]string{a.To, fmt.Sprintf("%020d", d.Lead), a.Kind, a.Name, a.Alert}, "\x00")
	b.text = a.AppendJSON(b.text[:0])
	seq := d.Input*rowsPerInput + n
	if b.inboxes.place == nil {
		b.inboxes.place = map[string]int{}
	}
	i, again := b.inboxes.place[key]
	if !again {
		i = len(b.inboxes.list)
		b.inboxes.place[key] = i
		b.inboxes.list = append(b.inboxes.list, inboxed{key: key, id: seq, first: d.At, lead: d.Lead, member: a.To, kind: a.Kind, name: a.Name, alert: a.Alert})
	}
	e := &b.inboxes.list[i]
	e.seq, e.input, e.at, e.body = seq, d.Input, d.At, string(b.text)
	e.times++
}

// seal returns the rows, in the order in which everybody locks them.
func (n *inboxes) seal(to rows) rows {
	slices.SortFunc(n.list, func(x, y inboxed) int { return cmp.Compare(x.key, y.key) })
	for i := range n.list {
		e := &n.list[i]
		to = append(to, e.id, e.seq, e.member, e.lead, e.input, e.kind, e.name, e.alert, e.body, e.first, e.at, e.times, int64(0))
	}
	clear(n.list)
	clear(n.place)
	n.list = n.list[:0]
	return to
}

// InboxFilter says which entries of a member to list.
type InboxFilter struct {
	Unread bool
	Read   bool
	Since  int64 // only what was told after an entry: its Seq
	Before int64 // only what was told before an entry: its Seq
	Lead   int64
}

// Inbox returns the entries of a member, what was told last first, at most so many.
func (s *Reader) Inbox(ctx context.Context, member string, f InboxFilter, most int) ([]InboxEntry, error) {
	where := clauses{}
	where.add("member = ?", member)
	where.add("seq < ?", cmp.Or(f.Before, int64(1)<<62))
	if f.Since != 0 {
		where.add("seq > ?", f.Since)
	}
	if f.Unread {
		where.add("read_at = ?", int64(0))
	}
	if f.Read {
		where.add("read_at > ?", int64(0))
	}
	if f.Lead != 0 {
		where.add("lead = ?", f.Lead)
	}
	var list []InboxEntry
	stmt, err := s.queries.get(ctx, `SELECT `+inboxRow+` WHERE `+where.text.String()+fmt.Sprintf(` ORDER BY seq DESC LIMIT %d`, most))
	if err == nil {
		err = scanAll(ctx, stmt, where.args, func(r *sql.Rows) error {
			var e InboxEntry
			err := r.Scan(&e.ID, &e.Seq, &e.Member, &e.Lead, &e.Input, &e.Kind, &e.Name, &e.Body, &e.FirstAt, &e.At, &e.Times, &e.ReadAt)
			list = append(list, e)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// Unread is what a member has not read: how many entries, and a mark that is another when any came, was told again, or
// was read. A page that asks now and then whether there is something new compares marks: entries of two processes can
// become visible in another order than that of their Seq.
type Unread struct {
	Count int64
	Mark  string
}

// Unread returns what a member has not read yet, from an index alone.
func (s *Reader) Unread(ctx context.Context, member string) (Unread, error) {
	var u Unread
	var sum, newest int64
	err := s.one(ctx, `SELECT count(*), CAST(coalesce(sum(seq % 1000000007), 0) AS BIGINT), CAST(coalesce(max(seq), 0) AS BIGINT) FROM inbox WHERE member = $1 AND read_at = 0`, []any{member}, &u.Count, &sum, &newest)
	u.Mark = fmt.Sprintf("%d-%d-%d", u.Count, newest, sum)
	return u, s.explain("reading", err)
}

// ReadInbox marks entries of a member as read, and returns how many were not before: those with these IDs, or, with none, all
// that were told up to an entry (its Seq), so that what came while somebody looked stays unread.
func (s *Store) ReadInbox(ctx context.Context, member string, ids []int64, upTo, now int64) (n int64, err error) {
	err = s.transact(ctx, "marking as read", func(ctx context.Context, conn *sql.Conn) error {
		where, args := `seq <= $3`, []any{now, member, upTo}
		if len(ids) > 0 {
			places := make([]string, len(ids))
			args = args[:2]
			for i, id := range ids {
				places[i] = fmt.Sprintf("$%d", i+3)
				args = append(args, id)
			}
			where = `id IN (` + strings.Join(places, ", ") + `)`
		}
		locked := `SELECT id FROM inbox WHERE member = $2 AND read_at = 0 AND ` + where
		if s.dialect.shared {
			locked += ` ORDER BY ` + strings.NewReplacer("member", `member COLLATE "C"`, "kind", `kind COLLATE "C"`, "name", `name COLLATE "C"`, "alert", `alert COLLATE "C"`).Replace(inboxOrder) + ` FOR UPDATE`
		}
		done, err := conn.ExecContext(ctx, `UPDATE inbox SET read_at = $1 WHERE id IN (`+locked+`)`, args...)
		if err != nil {
			return err
		}
		n, err = done.RowsAffected()
		return err
	})
	return n, err
}
