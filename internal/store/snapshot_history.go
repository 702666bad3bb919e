package store

import (
	"cmp"
	"context"

	"baton/internal/lifecycle"
)

// VisitRow is a stay of a lead in a stage.
type VisitRow struct {
	Lead, Pass        int64
	Stage             string
	EnteredAt, LeftAt int64
}

// EachVisit hands over all stays.
func (n *Snapshot) EachVisit(ctx context.Context, each func(*VisitRow) error) error {
	return stream(ctx, n, `SELECT lead, pass, stage, entered_at, left_at FROM visit ORDER BY id`, nil,
		func(c *cells, r *VisitRow) {
			r.Lead, r.Pass, r.Stage, r.EnteredAt, r.LeftAt = c.int(0), c.int(1), c.text(2), c.int(3), c.int(4)
		}, each)
}

// EachEntry hands over all stays without LeftAt: a column fewer to read.
func (n *Snapshot) EachEntry(ctx context.Context, each func(*VisitRow) error) error {
	return stream(ctx, n, `SELECT lead, pass, stage, entered_at FROM visit ORDER BY id`, nil,
		func(c *cells, r *VisitRow) {
			r.Lead, r.Pass, r.Stage, r.EnteredAt = c.int(0), c.int(1), c.text(2), c.int(3)
		}, each)
}

// ReturnRow is a lead that was given back: rejected, handed back, or called in vain. Via is the clause by which it
// had come to marketing last before sales or the callers had it, "" for none; At is when it was given back.
type ReturnRow struct {
	Lead, At   int64
	Reason     string // a clause: handbacks.…
	Stage      string // that it was given back from
	Via, Named string
}

// EachReturn hands over what was given back within a time. A revisit date that has come leaves by the clause it came by, and
// is none. From the visit that was left it walks back over those with sales.
func (n *Snapshot) EachReturn(ctx context.Context, at Span, each func(*ReturnRow) error) error {
	where, args := at.within("left_at")
	if where == "" {
		where = " WHERE 1 = 1"
	}
	return stream(ctx, n, `WITH RECURSIVE back (lead, at, reason, stage, named, id, prev, side, via) AS (
			SELECT lead, left_at, left_via, stage, named, id, prev, side, entered_via FROM visit`+where+` AND left_at IS NOT NULL
				AND left_via LIKE 'handbacks.%' AND left_via <> entered_via UNION ALL
			SELECT b.lead, b.at, b.reason, b.stage, b.named, p.id, p.prev, p.side, p.entered_via FROM back b JOIN visit p ON p.id = b.prev
				WHERE b.side = 'sales' AND b.prev <> 0)
		SELECT lead, at, reason, stage, named, via FROM back WHERE side <> 'sales' OR prev = 0 ORDER BY at, lead`, args,
		func(c *cells, r *ReturnRow) {
			r.Lead, r.At, r.Reason, r.Stage, r.Named, r.Via = c.int(0), c.int(1), c.text(2), c.text(3), c.text(4), c.text(5)
		}, each)
}

// LetInRow is how many stays in a stage began by a clause.
type LetInRow struct {
	Stage, Via string
	N          int64
}

// EachLetIn hands over, for stays that began within a time, how many began by which clause, in no order.
func (n *Snapshot) EachLetIn(ctx context.Context, entered Span, each func(*LetInRow) error) error {
	where, args := entered.within("entered_at")
	return stream(ctx, n, `SELECT stage, entered_via, count(*) FROM visit`+where+` GROUP BY stage, entered_via`, args,
		func(c *cells, r *LetInRow) { r.Stage, r.Via, r.N = c.text(0), c.text(1), c.int(2) }, each)
}

// WinRow is a lead that was won, and when.
type WinRow struct{ Lead, At int64 }

// EachWin hands over the leads that were ever won with their first win, in the order of
// their IDs.
func (n *Snapshot) EachWin(ctx context.Context, each func(*WinRow) error) error {
	return n.wins(ctx, `SELECT lead, min(entered_at) FROM visit WHERE outcome = 'won' GROUP BY lead ORDER BY lead`, nil, each)
}

// DealRow is a stay that is a win, and what the lead was worth then.
type DealRow struct {
	Lead, Pass, At int64
	Value          float64
}

// EachDeal hands over the stays that are wins, in their order; a lead may win several times in a pass.
func (n *Snapshot) EachDeal(ctx context.Context, each func(*DealRow) error) error {
	return stream(ctx, n, `SELECT lead, pass, entered_at, value FROM visit WHERE outcome = 'won' ORDER BY id`, nil,
		func(c *cells, r *DealRow) { r.Lead, r.Pass, r.At, r.Value = c.int(0), c.int(1), c.int(2), c.float(3) }, each)
}

// EachBackdatedWin hands over the wins that, by the input that said so, happened before they
// were decided, with the instant of the input. A visit begins when Baton decided, which is
// never before the lead existed; what the file or the person said is in the input.
func (n *Snapshot) EachBackdatedWin(ctx context.Context, each func(*WinRow) error) error {
	return n.wins(ctx, `SELECT v.lead, i.at FROM visit v JOIN input i ON i.id = v.id / $1
		WHERE v.outcome = 'won' AND i.lead = v.lead AND i.kind IN ($2, $3) AND i.at < v.entered_at ORDER BY v.id`,
		[]any{int64(rowsPerInput), int64(lifecycle.Win), int64(lifecycle.Move)}, each)
}

func (n *Snapshot) wins(ctx context.Context, query string, args []any, each func(*WinRow) error) error {
	return stream(ctx, n, query, args,
		func(c *cells, r *WinRow) { r.Lead, r.At = c.int(0), c.int(1) }, each)
}

// ClockRow is a deadline that ran.
type ClockRow struct {
	Lead                 int64
	Name, State, Member  string
	StartedAt, StoppedAt int64
	Breaches             int64
	Unit                 int64 // a calendar.Unit
	Used                 int64 // as calendar.Calendar.Between counts in the unit
}

// EachClock hands over the clocks that started within a time.
func (n *Snapshot) EachClock(ctx context.Context, started Span, each func(*ClockRow) error) error {
	where, args := started.within("started_at")
	return stream(ctx, n, "SELECT lead, name, state, member, started_at, stopped_at, breaches, unit, used FROM clock"+where+" ORDER BY id", args,
		func(c *cells, r *ClockRow) {
			r.Lead, r.Name, r.State, r.Member = c.int(0), c.text(1), c.text(2), c.text(3)
			r.StartedAt, r.StoppedAt, r.Breaches, r.Unit, r.Used = c.int(4), c.int(5), c.int(6), c.int(7), c.int(8)
		}, each)
}

// HandoffRow is an offer of a lead to sales. AcceptUsed and ContactUsed are working time in
// microseconds.
type HandoffRow struct {
	Lead                     int64
	Name, Owner              string
	OfferedAt                int64
	AcceptedAt, AcceptUsed   int64
	ContactedAt, ContactUsed int64
	ClosedAt                 int64
}

// EachHandoff hands over the hand-offs that were offered within a time.
func (n *Snapshot) EachHandoff(ctx context.Context, offered Span, each func(*HandoffRow) error) error {
	where, args := offered.within("offered_at")
	return stream(ctx, n, "SELECT lead, name, owner, offered_at, accepted_at, accept_used, contacted_at, contact_used, closed_at FROM handoff"+where+" ORDER BY id", args,
		func(c *cells, r *HandoffRow) {
			r.Lead, r.Name, r.Owner, r.OfferedAt = c.int(0), c.text(1), c.text(2), c.int(3)
			r.AcceptedAt, r.AcceptUsed, r.ContactedAt, r.ContactUsed, r.ClosedAt = c.int(4), c.int(5), c.int(6), c.int(7), c.int(8)
		}, each)
}

// ToldRow is a message about an offer that its channel took: a mail server, Slack or Teams.
type ToldRow struct{ Lead, At int64 }

// EachTold hands over the messages by which whoever is to answer an offer was told of it, in a time, by lead and then in their order. An
// entry in the inbox is no message.
func (n *Snapshot) EachTold(ctx context.Context, at Span, each func(*ToldRow) error) error {
	where, args := at.within("delivered_at")
	return stream(ctx, n, `SELECT lead, delivered_at FROM job`+cmp.Or(where, " WHERE 1 = 1")+` AND kind = 'offered' AND delivered_at > 0 AND state = 'done' AND channel IN ('email', 'slack', 'teams')
		AND body LIKE '%"acts":true%' ORDER BY lead, delivered_at`, args,
		func(c *cells, r *ToldRow) { r.Lead, r.At = c.int(0), c.int(1) }, each)
}

// OfferRow is a hand-off and what has become of it.
type OfferRow struct {
	Lead               int64
	Name, Owner, Queue string
	State              string // as lifecycle.HandoffState says it
	OfferedAt          int64
	Breached           bool // time to accept it ran out at least once
	Runs               bool // the clock of its acceptance runs
}

// EachOffer hands over the hand-offs that were offered within a time.
func (n *Snapshot) EachOffer(ctx context.Context, offered Span, each func(*OfferRow) error) error {
	where, args := offered.within("h.offered_at")
	return stream(ctx, n, `SELECT h.lead, h.name, h.owner, h.queue, h.state, h.offered_at, CASE WHEN h.accept_breached_at IS NULL THEN 0 ELSE 1 END, CASE WHEN c.id IS NULL THEN 0 ELSE 1 END
		FROM handoff h LEFT JOIN clock c ON c.lead = h.lead AND c.state = 'running' AND h.state = 'open' AND c.name = 'handoffs.' || h.name || '.accept_within'`+where+` ORDER BY h.id`, args,
		func(c *cells, r *OfferRow) {
			r.Lead, r.Name, r.Owner, r.Queue, r.State = c.int(0), c.text(1), c.text(2), c.text(3), c.text(4)
			r.OfferedAt, r.Breached, r.Runs = c.int(5), c.int(6) > 0, c.int(7) > 0
		}, each)
}

// ActivityRow is something a lead did.
type ActivityRow struct {
	Lead, At int64
	Body     string // the input as it is stored, JSON
}

// EachActivity hands over all that leads did, but for what an undone import brought. What a lead did that was merged into another
// since is the other's.
func (n *Snapshot) EachActivity(ctx context.Context, each func(*ActivityRow) error) error {
	return stream(ctx, n, `WITH RECURSIVE way (lead, into_lead) AS (
			SELECT lead, into_lead FROM merged UNION ALL SELECT w.lead, m.into_lead FROM way w JOIN merged m ON m.lead = w.into_lead),
		alive AS (SELECT lead, into_lead FROM way WHERE into_lead NOT IN (SELECT lead FROM merged))
		SELECT coalesce(a.into_lead, i.lead), i.at, i.body FROM input i LEFT JOIN alive a ON a.lead = i.lead WHERE i.kind = $1 AND i.lead <> 0
		AND (i.import = 0 OR i.import NOT IN (SELECT id FROM import WHERE state = 'undone')) ORDER BY i.id`, []any{int64(lifecycle.Did)},
		func(c *cells, r *ActivityRow) { r.Lead, r.At, r.Body = c.int(0), c.int(1), c.text(2) }, each)
}
