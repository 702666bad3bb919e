package lifecycle

import (
	"slices"
	"strconv"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// apply carries out a change to where a lead stands among those that wait to be called.
func (k *Call) apply(c *Change) {
	switch c.Kind {
	case CallQueued:
		k.Since, k.Ends = c.At, c.Due
	case CallTaken:
		k.Holder, k.Until = c.To, c.Due
	case CallFreed:
		k.Holder, k.Until = "", 0
	case CallTried:
		k.Tries, k.Last, k.Next = int(c.Int), c.At, c.Due
	case CallReached:
		k.Tries, k.Last, k.Next, k.Ends = 0, c.At, c.Due, c.Int
	case CallReady:
		k.Next = 0
	case CallEnded:
		if c.To != keptOut {
			*k = Call{}
			return
		}
		k.Since, k.Holder, k.Until = 0, "", 0
	}
}

// keptOut is how a lead leaves the queue that may come back to it: the count of its tries goes on then.
const keptOut = "kept out"

// due returns when something falls due for a lead that waits to be called. Whoever is about to call is not interrupted.
func (k *Call) due() int64 {
	switch {
	case k.Since == 0:
		return agreement.Never
	case k.Holder != "":
		return k.Until
	case k.Next > 0:
		return min(k.Next, k.Ends)
	}
	return k.Ends
}

// Free reports whether a lead waits to be called, and somebody may take it now.
func (k *Call) Free() bool { return k.Since > 0 && k.Holder == "" && k.Next == 0 }

// queueCall has a lead wait to be called, or wait no more.
func (d *decider) queueCall() {
	q, k := d.plan.Tele, &d.lead.Call
	if !q.Calls(d.lead.Stage) {
		if k.Since > 0 || k.Ends > 0 { // the agreement has no such queue any more
			d.endCall("left", d.because("tele_qualification"))
		}
		return
	}
	d.buildCurve()
	d.observe()
	d.facts.Engagement = d.curve.At(d.now)
	why, ok := 0, q.When == nil || q.When.Holds(&d.facts)
	if !ok && k.Since > 0 {
		why = d.becauseSaw(q.Address, q.When)
	}
	if v := d.maySpeak(); ok && !v.Allowed {
		ok = false
		if k.Since > 0 {
			why = d.becauseText(v.Clause, v.Text)
		}
	}
	switch {
	case ok && k.Since == 0:
		ends := k.Ends
		if ends == 0 {
			ends = d.plan.Calendar.Add(d.now, q.Over)
		}
		d.emit(Change{Kind: CallQueued, At: d.now, Due: ends, Reason: d.because(q.Address)})
	case !ok && k.Since > 0:
		d.endCall(keptOut, why)
	}
}

// maySpeak answers whether those who call may speak to the lead. An agreement without rules leaves it to consent.
func (d *decider) maySpeak() Verdict {
	q, l := d.plan.Tele, &d.lead
	if len(d.plan.Rules) == 0 || l.Consent.Status == Objected || l.Consent.Status == Withdrawn {
		return Verdict{Allowed: l.Consent.Status != Objected && l.Consent.Status != Withdrawn, Clause: "consent", Text: "the lead does not want to be contacted"}
	}
	side := q.By
	if side == agreement.NoSide {
		side = d.plan.Stages[l.Stage].Side
	}
	return rule(d.plan, l, &d.facts, Speaker{Side: side}, side, q.Channel)
}

// endCall takes a lead out of the queue; what it leaves nothing behind of, it does not say.
func (d *decider) endCall(how string, why int) {
	if d.lead.Call != (Call{}) {
		d.emit(Change{Kind: CallEnded, To: how, Reason: why})
	}
}

// elapseCall handles what fell due of a lead that waits to be called.
func (d *decider) elapseCall() {
	q, k := d.plan.Tele, &d.lead.Call
	if k.due() > d.in.Due || !q.Calls(d.lead.Stage) {
		return
	}
	if k.Holder != "" {
		d.emit(Change{Kind: CallFreed, From: k.Holder, To: "lapsed", Reason: d.because(q.LeaseClause.Address)})
	}
	if k.Next > 0 && k.Next <= d.in.Due {
		d.emit(Change{Kind: CallReady, Reason: d.because(q.SpacingClause.Address)})
	}
	if k.Ends <= d.in.Due {
		d.exhaust("the " + q.Over.String() + " for it are over, after " + tried(k.Tries))
	}
}

// exhaust ends the tries, and carries out what the agreement says follows.
func (d *decider) exhaust(how string) {
	q := d.plan.Tele
	d.endCall("exhausted", d.becauseText(q.AttemptsClause.Address, how))
	b := &d.plan.Handbacks[q.Exhausted]
	d.giveBack(b, 0, d.becauseText(b.Address, "nobody was reached, "+how+" ("+q.ExhaustedClause.Address+")"))
}

func tried(n int) string {
	if n == 1 {
		return "1 try"
	}
	return strconv.Itoa(n) + " tries"
}

// queued refuses to people what is possible only with a lead that waits to be called.
func (d *decider) queued() bool {
	q := d.plan.Tele
	switch stage := &d.plan.Stages[d.lead.Stage]; {
	case q == nil:
		d.refuse("the agreement has no queue of leads to call (tele_qualification)")
	case d.lead.Call.Since > 0:
		return true
	case !q.Calls(d.lead.Stage):
		d.refuse("this lead does not wait to be called: it is in stage %s", stage.Name)
	default:
		d.buildCurve()
		d.observe()
		d.facts.Engagement = d.curve.At(d.now)
		if v := d.maySpeak(); !v.Allowed {
			d.refuse("this lead is not to be called now: %s (%s)", v.Text, v.Clause)
			break
		}
		d.refuse("this lead does not wait to be called now: what the agreement asks for does not hold (%s)", q.Address)
	}
	return false
}

// takeCall gives a lead to whoever wants to call it, for the time of the lease.
func (d *decider) takeCall() {
	if !d.queued() {
		return
	}
	q, k := d.plan.Tele, &d.lead.Call
	m := d.member(d.in.Actor)
	switch {
	case m == nil:
		d.refuse("nobody called %q is in the team", d.in.Actor)
		return
	case m.Inactive:
		d.refuse("%s has left the team and cannot take it", d.name(m.ID))
		return
	case q.By != agreement.NoSide && m.Side != agreement.NoSide && m.Side != q.By:
		d.refuse("these calls are %s's to make, and %s is of %s (%s)", q.By, d.name(m.ID), m.Side, q.Address)
		return
	case k.Holder == m.ID:
		d.refuse("you have this lead already, until %s", d.stamp(k.Until))
		return
	case k.Holder != "":
		d.refuse("%s has taken this lead and has it until %s; take the next one", d.name(k.Holder), d.stamp(k.Until))
		return
	case k.Next > 0:
		d.refuse("this lead was tried on %s, and the next try is from %s on (%s)", d.stamp(k.Last), d.stamp(k.Next), q.SpacingClause.Address)
		return
	}
	until := HoursOf(d.plan, d.state.Roster, m.ID).Add(d.now, q.Lease)
	d.emit(Change{Kind: CallTaken, To: m.ID, At: d.now, Due: until, Reason: d.because(q.LeaseClause.Address)})
}

// releaseCall gives a lead back to the queue, uncalled.
func (d *decider) releaseCall() {
	if !d.queued() {
		return
	}
	k := &d.lead.Call
	holder := d.member(k.Holder)
	switch {
	case k.Holder == "":
		d.refuse("nobody has taken this lead, so there is nothing to give back")
	case k.Holder == d.in.Actor, holder != nil && holder.Manager == d.in.Actor:
		d.emit(Change{Kind: CallFreed, From: k.Holder, To: "released", Reason: d.becauseText(d.plan.Tele.LeaseClause.Address, d.in.Text)})
	default:
		d.refuse("%s has taken this lead; only they or their manager can give it back before %s", d.name(k.Holder), d.stamp(k.Until))
	}
}

// called records a call to a lead that waits for one.
func (d *decider) called(o *Outcome) {
	q, k := d.plan.Tele, &d.lead.Call
	if k.Since == 0 || !q.Calls(d.lead.Stage) {
		return
	}
	try := slices.Contains(agreement.Tries, o.Name)
	if !o.Reached && !try {
		return
	}
	if d.at < k.Since && d.at < k.Last {
		d.becauseText(q.Address, "the call was before the last one that counts: kept, not counted")
		return
	}
	next := d.in.Due
	if next != 0 && next <= d.now {
		d.refuse("the time to call again, %s, is past; choose one that lies ahead, or none for the agreed one", d.stamp(next))
		return
	}
	if next != 0 && try && next >= k.Ends {
		d.refuse("the time for tries is over on %s, before that; choose an earlier time to call again (%s)", d.stamp(k.Ends), q.AttemptsClause.Address)
		return
	}
	if k.Holder == d.in.Actor && k.Holder != "" {
		d.emit(Change{Kind: CallFreed, From: k.Holder, To: "called", Reason: d.because(q.LeaseClause.Address)})
	}
	if next == 0 && !q.Spacing.IsZero() {
		next = d.plan.Calendar.Add(d.at, q.Spacing)
		if next <= d.now {
			next = 0
		}
	}
	if o.Reached {
		ends := d.plan.Calendar.Add(max(d.now, next), q.Over)
		d.emit(Change{Kind: CallReached, Name: o.Name, At: d.at, Int: ends, Due: next, Reason: d.becauseText(q.AttemptsClause.Address, "somebody was reached: the count begins again")})
		return
	}
	n := k.Tries + 1
	d.emit(Change{Kind: CallTried, Name: o.Name, At: d.at, Int: int64(n), Due: next, Reason: d.becauseText(q.AttemptsClause.Address, tried(n)+" of "+strconv.Itoa(q.Attempts))})
	for i := range q.Outcomes {
		if end := &q.Outcomes[i]; end.Outcome == o.Name {
			b := &d.plan.Handbacks[end.Handback]
			d.endCall("exhausted", d.because(end.Address))
			d.giveBack(b, 0, d.becauseText(b.Address, "it was a call that ends the tries ("+end.Address+")"))
			return
		}
	}
	if n >= q.Attempts {
		d.exhaust("after " + tried(n))
	}
}

// CallDeadline returns when the time that is left for a lead to be called is over: the first of its running clocks, or
// the end of the time for tries.
func (l *Lead) CallDeadline() int64 {
	at := l.Call.Ends
	for i := range l.Clocks {
		if k := &l.Clocks[i]; k.State == Running {
			at = min(at, k.Due)
		}
	}
	return at
}

// CallPlace is why a lead stands where it does in the queue: by grade, then the value of its most recent asset, then the time
// left; of two that are alike, the one that waits for longer.
type CallPlace struct {
	Grade string
	Asset string // the most recent, "" for none
	Worth agreement.Worth
	Left  calendar.Duration // wall time; below zero when it is over
	Due   int64
	Of    string // the clause of the deadline that is first
	Tries int
	Most  int
}

// PlaceOf returns the place of a lead that waits to be called, at an instant.
func PlaceOf(plan *agreement.Plan, l *Lead, at int64) CallPlace {
	p := CallPlace{Grade: l.Grade.String(), Tries: l.Call.Tries, Due: l.CallDeadline()}
	if q := plan.Tele; q != nil {
		p.Most, p.Of = q.Attempts, q.AttemptsClause.Address
	}
	if l.Asset >= 0 && l.Asset < len(plan.Assets) {
		p.Asset, p.Worth = plan.Assets[l.Asset].Name, plan.Assets[l.Asset].Worth
	}
	for i := range l.Clocks {
		if k := &l.Clocks[i]; k.State == Running && k.Due == p.Due && p.Due != l.Call.Ends {
			p.Of = k.Name
		}
	}
	p.Left = calendar.Duration{Amount: p.Due - at}
	return p
}

// Sentence says what orders the queue, in its order: "grade A1, price_list (high), 3 days left".
func (p *CallPlace) Sentence() string {
	text := "grade " + orText(p.Grade, "none")
	if p.Asset != "" {
		text += ", " + p.Asset + " (" + p.Worth.String() + ")"
	} else {
		text += ", no asset"
	}
	if p.Left.Amount <= 0 {
		return text + ", no time left"
	}
	return text + ", " + roughly(p.Left.Amount) + " left"
}

// roughly writes a time in its largest unit, for people: below an hour in minutes, below two days in hours.
func roughly(us int64) string {
	n, unit := (us+59_999_999)/60_000_000, "minute"
	switch {
	case us >= 2*86_400_000_000:
		n, unit = us/86_400_000_000, "day"
	case us >= 3_600_000_000:
		n, unit = us/3_600_000_000, "hour"
	}
	if n == 1 {
		return "1 " + unit
	}
	return strconv.FormatInt(n, 10) + " " + unit + "s"
}
