package store

import "context"

// Late keeps the leads whose rows are behind what was decided about them, of a process that is alone on its database.
//
// A visitor looks at several pages in a minute, and each changes the lead a little: its counts, its score. While
// there is much to do, such a row is written once for several of these changes, some thousand inputs later. Everything
// else that a decision changes is written with it: stage, owner, hand-off, clocks, when the lead is due. What a row
// lacks can be had from the decisions on record, and the database knows from which on. Whoever fills batches keeps
// the leads in Late in memory, and brings rows up to date before it decides anything after a crash.
type Late struct {
	most    int64 // inputs that a row may be behind
	waiting []late
	sent    []*Record // written with the batch that was sifted last, which may be on its way
	upto    int64     // as stored, or on its way
}

// late is a lead that waits since the input with that ID.
type late struct {
	*Record
	from int64
}

// NewLate lets rows be behind by about so many inputs; 0: not at all.
func NewLate(most int) *Late { return &Late{most: int64(most)} }

// Len returns how many leads wait, or somewhat more.
func (l *Late) Len() int { return len(l.waiting) }

// Write puts some of the leads that wait longest into a batch.
func (l *Late) Write(b *Batch, most int) {
	for ; most > 0 && len(l.waiting) > 0; most-- {
		l.next(b)
	}
}

func (l *Late) next(b *Batch) {
	w := l.waiting[0]
	l.waiting = l.waiting[1:]
	if w.late == w.from {
		w.late, w.sent = 0, true
		l.sent = append(l.sent, w.Record)
		b.Lead(w.Record)
	}
}

// Sift lets those leads of a batch wait that can, if any may, and adds those that have waited long enough. It is called before
// the batch is sealed, and after the batch before it is on disk.
func (l *Late) Sift(b *Batch, may bool) {
	if l.most == 0 {
		return
	}
	for _, r := range l.sent {
		r.sent = false
	}
	l.sent = l.sent[:0]
	var first int64
	// Where few inputs come, nothing is gained by waiting, and those who look see everything at once.
	many := may && int64(b.Inputs()) > l.most/240
	if b.Inputs() > 0 {
		first = b.inputs[0].(int64)
	}
	kept := b.leads[:0]
	for _, r := range b.leads {
		if many && r.patient() {
			if r.late == 0 {
				r.late = first
				l.waiting = append(l.waiting, late{r, first})
			}
			r.batch = 0
			continue
		}
		r.late = 0
		kept = append(kept, r)
	}
	b.leads = kept
	for len(l.waiting) > 0 && l.waiting[0].from <= first-l.most {
		l.next(b)
	}
	if len(l.waiting) == 0 {
		l.waiting = nil
	}
	upto := int64(0)
	if len(l.waiting) > 0 {
		upto = l.waiting[0].from
	}
	if upto != l.upto {
		b.LateFrom(upto)
		l.upto = upto
	}
}

// patient reports whether the row of the lead may wait: nobody has the lead in hand, or is about to call, and nothing else than what
// most inputs change has changed.
func (r *Record) patient() bool {
	return r.Lead.Owner == "" && r.Lead.Call.Since == 0 && !r.queued && r.due == r.Due && r.unmoved(r.rarely())
}

// LateFrom says from which input on rows of leads may lack something; 0: none does.
func (b *Batch) LateFrom(input int64) {
	if input == 0 {
		b.Exec(`DELETE FROM late`)
		return
	}
	b.Exec(`INSERT INTO late (id, input) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET input = excluded.input`, input)
}

// Late reports whether the row of the lead is behind in the database, or may be until the batch that was sifted last is on disk.
func (r *Record) Late() bool { return r.late != 0 || r.sent }

// LateFrom returns the first input that the row of a lead may lack; 0 if none lacks anything.
func (s *Reader) LateFrom(ctx context.Context) (int64, error) {
	var from int64
	err := s.one(ctx, `SELECT coalesce(min(input), 0) FROM late`, nil, &from)
	return from, s.explain("reading", err)
}
