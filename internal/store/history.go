package store

import (
	"fmt"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// Visit is one stay of a lead in a stage. LeftAt is 0 while it lasts.
type Visit struct {
	ID, Lead, Prev, Pass int64
	Stage, Side, Outcome string
	FromStage            string
	EnteredAt            int64
	EnteredDay           int64 // local, days since 1970-01-01
	EnteredVia           string
	LeftAt, LeftDay      int64
	LeftVia, ToStage     string
	Named                string  // the clause that let the lead in and should not have, as whoever gave it back says
	Value                float64 // of a stay that is a win: what the lead was worth then

	batch  int64
	stored bool
}

// Handoff is one offer of a lead to sales. Instants and amounts are 0 for none; amounts are
// working time, in microseconds.
type Handoff struct {
	ID, Lead, Prev               int64
	Name                         string
	Pass                         int64
	State                        string
	OfferedAt, OfferedDay        int64
	Owner, Queue                 string
	AcceptDue, AcceptedAt        int64
	AcceptedBy                   string
	AcceptUsed, AcceptBreachedAt int64
	ContactDue, ContactedAt      int64
	ContactUsed                  int64
	ContactBreachedAt            int64
	ClosedAt                     int64
	Reason                       string
	Reassigned                   int64

	batch int64
}

// Clock is one deadline that was started. DueAt is 0 while it does not run.
type Clock struct {
	ID, Lead, Prev   int64
	Name, State      string
	Member           string
	StartedAt, Since int64
	DueAt            int64
	BreachedAt       int64 // the first time
	Breaches         int64
	StoppedAt        int64
	Unit             int64 // calendar.Unit, of Within and Used
	Within, Used     int64

	batch int64
}

// rowsPerInput is how many rows of a table an input has numbers for.
const rowsPerInput = 1000

// Project carries a change of a decision into the history of the lead: visits, hand-offs
// and clocks. It is called after the change has been applied to rec.Lead, and looks at
// nothing but the plan, the change and the lead, so that history can be made again from the
// decisions.
func (b *Batch) Project(plan *agreement.Plan, rec *Record, d *lifecycle.Decision, c *lifecycle.Change) {
	l := rec.Lead
	clause := ""
	if c.Reason > 0 && c.Reason <= len(d.Reasons) {
		clause = d.Reasons[c.Reason-1].Clause
	}
	switch c.Kind {
	case lifecycle.LeadErased:
		b.erase(rec)
	case lifecycle.AttributeSet, lifecycle.AnswerSet, lifecycle.LeadCreated:
		rec.reworded = true
	case lifecycle.SpokenAgainst:
		b.clashes = append(b.clashes, b.row(&b.clashRows, d.Input), d.Input, l.ID, c.Name, c.From, c.To, clause, c.At, c.Value.Str)
	case lifecycle.ClauseNamed:
		if v := rec.Visit; v != nil && v.stored {
			b.Exec(`UPDATE visit SET named = $1 WHERE id = $2`, c.Name, v.ID)
		} else if v != nil {
			v.Named = c.Name
		}
	case lifecycle.Rebound:
		rec.reworded = true
		b.rename(plan, rec)
	case lifecycle.StageEntered:
		b.enter(plan, rec, d, c, clause)
	case lifecycle.OwnerSet, lifecycle.QueueSet:
		if h := rec.Handoff; h != nil && h.ClosedAt == 0 {
			if c.To == "" && h.State == lifecycle.HandoffAccepted.String() {
				break // the lead is given up later; the hand-off keeps who had it last
			}
			if c.Kind == lifecycle.OwnerSet {
				h.Owner = c.To
			} else {
				h.Queue = c.To
			}
			b.touchHandoff(h)
		}
	case lifecycle.HandoffOffered:
		h := &Handoff{ID: b.row(&b.handoffRows, d.Input), Lead: l.ID, Name: c.Name, Pass: int64(l.Pass), State: "open",
			OfferedAt: c.At, OfferedDay: int64(plan.Calendar.Day(c.At)), Owner: l.Owner, Queue: queueName(plan, l.Queue)}
		if rec.Handoff != nil {
			h.Prev = rec.Handoff.ID
		}
		rec.Handoff = h
		b.touchHandoff(h)
	case lifecycle.HandoffMoved, lifecycle.HandoffClosed, lifecycle.ContactMade:
		if h := rec.Handoff; h != nil {
			h.change(c)
			b.touchHandoff(h)
		}
	case lifecycle.ClockStarted, lifecycle.ClockPaused, lifecycle.ClockResumed, lifecycle.ClockRestarted, lifecycle.ClockMoved,
		lifecycle.ClockBreached, lifecycle.ClockStopped:
		b.projectClock(plan, rec, d, c)
	}
}

// rename calls what has not ended yet what the version of the agreement that the lead follows now calls it.
func (b *Batch) rename(plan *agreement.Plan, rec *Record) {
	for _, k := range rec.Clocks {
		if name := lifecycle.Renamed(plan, "clock", k.Name); name != k.Name {
			k.Name = name
			b.touchClock(k)
		}
	}
	h := rec.Handoff
	if h == nil || h.ClosedAt != 0 {
		return
	}
	name, queue := lifecycle.Renamed(plan, "handoff", h.Name), h.Queue
	if rec.Lead.Waits() {
		queue = queueName(plan, rec.Lead.Queue) // it may be gone
	}
	if name != h.Name || queue != h.Queue {
		h.Name, h.Queue = name, queue
		b.touchHandoff(h)
	}
}

func (b *Batch) enter(plan *agreement.Plan, rec *Record, d *lifecycle.Decision, c *lifecycle.Change, clause string) {
	if clause == "" {
		clause = c.Name
	}
	stage := &plan.Stages[plan.Index.Stage[c.To]]
	day := int64(plan.Calendar.Day(c.At))
	v := &Visit{ID: b.row(&b.visitRows, d.Input), Lead: rec.Lead.ID, Pass: int64(rec.Lead.Pass), Stage: c.To,
		Side: stage.Side.String(), Outcome: stage.Final.String(), FromStage: c.From, EnteredAt: c.At, EnteredDay: day, EnteredVia: clause}
	if stage.Final == agreement.Won {
		v.Value = rec.Lead.Value
	}
	if last := rec.Visit; last != nil {
		last.LeftAt, last.LeftDay, last.LeftVia, last.ToStage = c.At, day, clause, c.To
		b.touchVisit(last)
		v.Prev = last.ID
	}
	rec.Visit = v
	b.touchVisit(v)
}

func (h *Handoff) change(c *lifecycle.Change) {
	switch c.Kind {
	case lifecycle.HandoffMoved:
		h.Reassigned = c.Int
	case lifecycle.ContactMade:
		h.ContactedAt, h.ContactUsed = c.At, c.Int
	case lifecycle.HandoffClosed:
		h.State = c.To
		switch c.To {
		case lifecycle.HandoffAccepted.String():
			h.AcceptedAt, h.AcceptedBy, h.AcceptUsed = c.At, h.Owner, c.Int
		case lifecycle.HandoffEscalated.String(): // still open, with the manager
		default:
			h.ClosedAt, h.Reason = c.At, c.From
		}
	}
}

func (b *Batch) projectClock(plan *agreement.Plan, rec *Record, d *lifecycle.Decision, c *lifecycle.Change) {
	i := -1
	for j, k := range rec.Clocks {
		if k.Name == c.Name {
			i = j
		}
	}
	if c.Kind == lifecycle.ClockStarted {
		if i >= 0 {
			b.stopClock(rec, i, c.At, "dropped", rec.Clocks[i].Used)
		}
		k := &Clock{ID: b.row(&b.clockRows, d.Input), Lead: rec.Lead.ID, Prev: rec.LastClock, Name: c.Name, State: "running", Member: c.To,
			StartedAt: c.At, Since: c.At, DueAt: due(c.Due), Unit: int64(c.Unit), Within: c.Int}
		rec.Clocks = append(rec.Clocks, k)
		rec.LastClock = k.ID
		b.touchClock(k)
		b.promise(plan, rec, c)
		return
	}
	if i < 0 {
		return
	}
	k := rec.Clocks[i]
	switch c.Kind {
	case lifecycle.ClockPaused:
		k.State, k.Used, k.DueAt = "paused", c.Int, 0
	case lifecycle.ClockResumed:
		k.State, k.Since, k.DueAt = "running", c.At, due(c.Due)
	case lifecycle.ClockRestarted:
		k.State, k.Since, k.Used, k.DueAt, k.Member = "running", c.At, 0, due(c.Due), c.To
	case lifecycle.ClockMoved:
		k.DueAt = due(c.Due)
	case lifecycle.ClockBreached:
		k.State, k.DueAt = "breached", 0
		k.Breaches++
		if k.BreachedAt == 0 {
			k.BreachedAt = c.At
		}
	case lifecycle.ClockStopped:
		b.stopClock(rec, i, c.At, c.To, c.Int)
		return
	}
	b.touchClock(k)
	b.promise(plan, rec, c)
}

func (b *Batch) stopClock(rec *Record, i int, at int64, state string, used int64) {
	k := rec.Clocks[i]
	k.State, k.StoppedAt, k.DueAt, k.Used = state, at, 0, used
	rec.Clocks = append(rec.Clocks[:i:i], rec.Clocks[i+1:]...)
	b.touchClock(k)
}

// promise copies what a hand-off's own clocks say to its row.
func (b *Batch) promise(plan *agreement.Plan, rec *Record, c *lifecycle.Change) {
	h := rec.Handoff
	if h == nil {
		return
	}
	slot, ok := plan.Index.Handoff[h.Name]
	if !ok {
		return
	}
	dueAt, breachedAt := &h.AcceptDue, &h.AcceptBreachedAt
	switch c.Name {
	case plan.Handoffs[slot].AcceptClause.Address:
	case plan.Handoffs[slot].ContactClause.Address:
		dueAt, breachedAt = &h.ContactDue, &h.ContactBreachedAt
	default:
		return
	}
	switch {
	case c.Kind == lifecycle.ClockBreached && *breachedAt == 0:
		*breachedAt = c.At
	case c.Kind == lifecycle.ClockStarted && *dueAt == 0, c.Kind == lifecycle.ClockMoved && *breachedAt == 0:
		*dueAt = due(c.Due) // what was promised first; later steps of the ladder are grace
	default:
		return
	}
	b.touchHandoff(h)
}

func due(at int64) int64 {
	if at == agreement.Never {
		return 0
	}
	return at
}

func queueName(plan *agreement.Plan, slot int) string {
	if slot < 0 {
		return ""
	}
	return plan.Queues[slot].Name
}

// counter numbers the rows that one input makes in one table.
type counter struct{ input, n int64 }

func (b *Batch) row(c *counter, input int64) int64 {
	if c.input != input {
		c.input, c.n = input, 0
	}
	id := input*rowsPerInput + c.n
	c.n++
	b.lastRow = max(b.lastRow, id)
	return id
}

// FirstFree returns the first input ID whose rows are not taken by this batch: undoing may
// make more rows than one input has numbers for.
func (b *Batch) FirstFree() int64 { return b.lastRow/rowsPerInput + 1 }

func (b *Batch) touchVisit(v *Visit) {
	if v.batch != b.n {
		v.batch = b.n
		b.visits = append(b.visits, v)
	}
}

func (b *Batch) touchHandoff(h *Handoff) {
	if h.batch != b.n {
		h.batch = b.n
		b.handoffs = append(b.handoffs, h)
	}
}

func (b *Batch) touchClock(k *Clock) {
	if k.batch != b.n {
		k.batch = b.n
		b.clocks = append(b.clocks, k)
	}
}

// erase forgets the history of a lead: it is about to be told anew.
func (b *Batch) erase(rec *Record) {
	b.Exec(`DELETE FROM conflict WHERE lead = $1`, rec.ID)
	remove := func(table string, last int64) {
		if last != 0 {
			b.Exec(fmt.Sprintf(`DELETE FROM %[1]s WHERE id IN (WITH RECURSIVE chain (id, prev) AS (
				SELECT id, prev FROM %[1]s WHERE id = $1 UNION ALL
				SELECT r.id, r.prev FROM chain JOIN %[1]s r ON r.id = chain.prev) SELECT id FROM chain)`, table), last)
		}
	}
	if rec.Visit != nil {
		remove("visit", rec.Visit.ID)
	}
	if rec.Handoff != nil {
		remove("handoff", rec.Handoff.ID)
	}
	remove("clock", rec.LastClock)
	rec.Visit, rec.Handoff, rec.Clocks, rec.LastClock, rec.reworded = nil, nil, nil, 0, true
}
