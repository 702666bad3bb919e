package store

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// Record is a lead as it is stored: its state, and the rows of its history that can still
// change.
type Record struct {
	ID        int64
	Lead      *lifecycle.Lead // nil before it exists
	LastInput int64
	// Due is when the lead has to be looked at next. It is Lead.Due() but for two: earlier
	// when something outside the lead changed (a Refresh is due), and Never when the
	// timer could not be decided and would fail again.
	Due       int64
	Email     string // of its keys; the attribute, once there is one
	Visit     *Visit // only its ID, if it was read
	Handoff   *Handoff
	Clocks    []*Clock // those that have not stopped
	LastClock int64

	name, source, campaign, segment, attributes string
	reworded                                    bool // attributes have changed since
	bare                                        bool // these texts are not in memory: it was unpacked
	queued                                      bool // there is a row of the lead among those to call
	pursued                                     bool // there is a row of the lead in the pipeline

	stored bool // there is a row for it
	due    int64
	rare   rare
	batch  int64
	late   int64 // see Late; 0 if the row is not behind
	sent   bool  // it is on its way
}

// rare is what the row of a lead holds of things that most inputs do not change, but for the
// texts of its attributes: while it stays as it was written last, a narrow update will do.
type rare struct {
	version, account, created, entered, revisit, visit, handoff, clock int64
	stage, pass, queue, track                                          int
	value, probability, effort                                         float64
	owner, email, clocks                                               string
	origin                                                             agreement.Side
	consent                                                            lifecycle.ConsentStatus
	call                                                               callRow
}

func (r *Record) rarely() rare {
	l := r.Lead
	v := rare{version: l.Version, account: l.Account, created: l.Created, entered: l.Entered, revisit: l.Revisit, clock: r.LastClock,
		stage: l.Stage, pass: l.Pass, queue: l.Queue, track: l.Track, value: l.Value, probability: l.Probability, effort: l.Effort, owner: l.Owner, email: r.Email, origin: l.Origin,
		consent: l.Consent.Status}
	if l.Call.Since > 0 {
		v.call = callRow{l.Call, l.Grade, l.Asset, l.CallDeadline()}
	}
	if r.Visit != nil {
		v.visit = r.Visit.ID
	}
	if r.Handoff != nil {
		v.handoff = r.Handoff.ID
	}
	if len(r.Clocks) > 0 {
		var b []byte
		for i, k := range r.Clocks {
			if i > 0 {
				b = append(b, ' ')
			}
			b = strconv.AppendInt(b, k.ID, 10)
		}
		v.clocks = string(b)
	}
	return v
}

// unmoved reports whether what has changed since the row was written is what most inputs change, but for when the lead is due.
func (r *Record) unmoved(now rare) bool { return r.stored && !r.reworded && r.rare == now }

// Stored reports whether the lead has a row, in the database or in a batch on its way.
func (r *Record) Stored() bool { return r.stored }

// wording is where a plan keeps the attributes that the lead table has columns for.
type wording struct {
	plan                                                *agreement.Plan
	name, first, last, email, source, campaign, segment int
}

func word(plan *agreement.Plan) wording {
	find := func(names ...string) int {
		for _, n := range names {
			if slot, ok := plan.Index.Attribute[n]; ok {
				return slot
			}
		}
		return -1
	}
	return wording{plan: plan, name: find("name", "full_name"), first: find("first_name"), last: find("last_name"), email: find("email"),
		source: find("source", "lead_source"), campaign: find("campaign", "utm_campaign"), segment: find("segment", "company.segment")}
}

func (w *wording) text(l *lifecycle.Lead, slot int) string {
	if slot < 0 || slot >= len(l.Attributes) || !l.Attributes[slot].Known() {
		return ""
	}
	if l.Attributes[slot].Kind == agreement.Date {
		return stamp(int64(l.Attributes[slot].Num))
	}
	return l.Attributes[slot].String()
}

// reword makes the text copies of the lead's attributes.
func (r *Record) reword(w *wording) {
	l := r.Lead
	r.name = w.text(l, w.name)
	if r.name == "" {
		r.name = strings.TrimSpace(w.text(l, w.first) + " " + w.text(l, w.last))
	}
	if email := w.text(l, w.email); email != "" {
		r.Email = email
	}
	r.source, r.campaign, r.segment = w.text(l, w.source), w.text(l, w.campaign), w.text(l, w.segment)
	b := append(make([]byte, 0, 128), '{')
	for i := range l.Attributes {
		b = appendMember(b, "", w.plan.Attributes[i].Name, l.Attributes[i])
	}
	for i := range l.Answers {
		b = appendMember(b, "answers.", w.plan.Questions[i].Name, l.Answers[i])
	}
	r.attributes = string(append(b, '}'))
	r.reworded, r.bare = false, false
}

// appendMember appends a member of a JSON object, unless its value is missing.
func appendMember(b []byte, prefix, name string, v agreement.Value) []byte {
	if !v.Known() {
		return b
	}
	if len(b) > 1 {
		b = append(b, ',')
	}
	b = appendText(b, prefix+name)
	b = append(b, ':')
	switch v.Kind {
	case agreement.Number:
		return strconv.AppendFloat(b, v.Num, 'f', -1, 64)
	case agreement.Boolean:
		return strconv.AppendBool(b, v.Num != 0)
	case agreement.Date:
		return appendText(b, stamp(int64(v.Num)))
	}
	return appendText(b, v.Str)
}

// appendText appends a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, strings.ToValidUTF8(s, "\uFFFD"))
	return b
}

// stamp writes an instant as the views do.
func stamp(at int64) string { return time.UnixMicro(at).UTC().Format("2006-01-02 15:04:05") }

const leadColumns = `id version input due account owner clock created_at origin stage side outcome entered_at pass queue track revisit_at
	grade fit engagement readiness buying_stage activities consent value name email source campaign segment visit handoff clock_row clocks
	attributes state`

// A row is written in as few columns as will do. SQLite moves the entries of an index when one of its
// columns is set, whether or not the value changes, and each column costs time to hand over.
const (
	// what an ordinary activity changes, for a narrow update
	leadQuiet = `input clock fit engagement grade readiness buying_stage activities state id`
	leadDue   = `due ` + leadQuiet
)

// leadUnindexed are all columns of a lead but those in indexes and those that never change.
var leadUnindexed = strings.NewReplacer("due account owner ", "", "created_at origin ", "", "side outcome ", "side ").Replace(leadColumns)

// values are the columns of leadColumns.
func (r *Record) values(to rows, w *wording, state []byte) rows {
	l, plan, v := r.Lead, w.plan, &r.rare
	stage := &plan.Stages[l.Stage]
	track := ""
	if l.Track >= 0 {
		track = plan.Tracks[l.Track].Name
	}
	return append(to, r.ID, l.Version, r.LastInput, r.Due, l.Account, l.Owner, l.Clock, l.Created, l.Origin.String(), stage.Name, stage.Side.String(),
		stage.Final.String(), l.Entered, l.Pass, queueName(plan, l.Queue), track, l.Revisit, l.Grade.String(), l.FitPoints, l.Engagement,
		l.Readiness, buyingStage(plan, l), l.Total, l.Consent.Status.String(), l.Value, r.name, r.Email, r.source, r.campaign, r.segment,
		v.visit, v.handoff, v.clock, v.clocks, r.attributes, state)
}

// quiet are the columns of leadQuiet.
func (r *Record) quiet(to rows, w *wording, state []byte) rows {
	l := r.Lead
	return append(to, r.LastInput, l.Clock, l.FitPoints, l.Engagement, l.Grade.String(), int64(l.Readiness), buyingStage(w.plan, l), l.Total, state, r.ID)
}

func buyingStage(plan *agreement.Plan, l *lifecycle.Lead) string {
	if l.BuyingStage < 0 {
		return ""
	}
	return plan.BuyingStages[l.BuyingStage].Name
}

// AccountRecord is an account as it is stored.
type AccountRecord struct {
	Account *lifecycle.Account
	Name    string // as people write it
	batch   int64
	found   string // the name whose words are in name_word

	block, formerly string // see LookedUp
	renamed         bool
}

func (r *AccountRecord) values(to rows, plan *agreement.Plan) rows {
	b := []byte{'{'}
	for i := range r.Account.Attributes {
		b = appendMember(b, "", plan.Attributes[i].Name, r.Account.Attributes[i])
	}
	return append(to, r.Account.ID, r.Account.Key, r.Name, r.Account.Owner, string(append(b, '}')), lifecycle.AppendAccount(nil, r.Account))
}

const (
	visitColumns   = `id lead prev pass stage side outcome from_stage entered_at entered_day entered_via left_at left_day left_via to_stage named value`
	visitLeft      = `left_at left_day left_via to_stage id`
	handoffColumns = `id lead prev name pass state offered_at offered_day owner queue accept_due accepted_at accepted_by accept_used
		accept_breached_at contact_due contacted_at contact_used contact_breached_at closed_at reason reassigned`
	clockColumns = `id lead prev name state member started_at since due_at breached_at breaches stopped_at unit within used`
)

func (v *Visit) values(to rows) rows {
	var leftDay any
	if v.LeftAt != 0 {
		leftDay = v.LeftDay
	}
	return append(to, v.ID, v.Lead, v.Prev, v.Pass, v.Stage, v.Side, v.Outcome, v.FromStage, v.EnteredAt, v.EnteredDay, v.EnteredVia,
		optional(v.LeftAt), leftDay, v.LeftVia, v.ToStage, v.Named, v.Value)
}

// left are the columns of visitLeft.
func (v *Visit) left(to rows) rows {
	return append(to, v.LeftAt, v.LeftDay, v.LeftVia, v.ToStage, v.ID)
}

func (h *Handoff) values(to rows) rows {
	var acceptUsed, contactUsed any
	if h.AcceptedAt != 0 {
		acceptUsed = h.AcceptUsed
	}
	if h.ContactedAt != 0 {
		contactUsed = h.ContactUsed
	}
	return append(to, h.ID, h.Lead, h.Prev, h.Name, h.Pass, h.State, h.OfferedAt, h.OfferedDay, h.Owner, h.Queue, optional(h.AcceptDue),
		optional(h.AcceptedAt), h.AcceptedBy, acceptUsed, optional(h.AcceptBreachedAt), optional(h.ContactDue), optional(h.ContactedAt),
		contactUsed, optional(h.ContactBreachedAt), optional(h.ClosedAt), h.Reason, h.Reassigned)
}

func (k *Clock) values(to rows) rows {
	return append(to, k.ID, k.Lead, k.Prev, k.Name, k.State, k.Member, k.StartedAt, k.Since, optional(k.DueAt), optional(k.BreachedAt), k.Breaches,
		optional(k.StoppedAt), k.Unit, k.Within, k.Used)
}

// optional is NULL for 0.
func optional(at int64) any {
	if at == 0 {
		return nil
	}
	return at
}
