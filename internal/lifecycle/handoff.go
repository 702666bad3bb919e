package lifecycle

import (
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// offer opens a hand-off: somebody or a queue gets it, and the time to accept begins.
func (d *decider) offer(slot int, why int) {
	h := &d.plan.Handoffs[slot]
	if d.lead.Handoff.State == HandoffAccepted && d.lead.Handoff.Rule >= 0 { // this one has a first contact of its own
		d.dropClock(d.handoff().ContactClause.Address, why)
	}
	d.emit(Change{Kind: HandoffOffered, Name: h.Name, Int: d.in.ID, At: d.now, Reason: why})
	d.touch(agreement.TopicHandoff)
	to, ok := d.keeps()
	if !ok {
		to = d.assign(nil)
	}
	d.give(to)
	d.startClock(h.AcceptClause.Address, h.AcceptWithin, d.lead.Owner, d.because(h.AcceptClause.Address))
}

// give hands the open hand-off to whom an assignment found, and tells them.
func (d *decider) give(to assignment) {
	if to.member != "" {
		d.setQueue(-1, to.why)
		d.setOwner(to.member, to.why)
		d.load(to.member, 1, to.why)
		d.effect(TellOffer, to.member, d.handoff().Name, to.why)
		return
	}
	d.setOwner("", to.why)
	d.setQueue(to.queue, to.why)
	if to.queue >= 0 {
		d.effect(TellOffer, "queue "+d.plan.Queues[to.queue].Name, d.handoff().Name, to.why)
	}
}

func (d *decider) handoff() *agreement.Handoff { return &d.plan.Handoffs[d.lead.Handoff.Rule] }

// pending reports whether the hand-off waits to be accepted.
func (d *decider) pending() bool {
	s := d.lead.Handoff.State
	return d.lead.Handoff.Rule >= 0 && (s == HandoffOpen || s == HandoffEscalated)
}

// close ends the waiting of a hand-off.
func (d *decider) close(state HandoffState, reason string, why int) {
	if d.lead.Owner != "" {
		d.load(d.lead.Owner, -1, why)
	}
	if state == HandoffWithdrawn {
		d.dropClock(d.handoff().AcceptClause.Address, why)
	} else {
		d.stopClock(d.handoff().AcceptClause.Address, why)
	}
	c := Change{Kind: HandoffClosed, Name: d.handoff().Name, From: reason, To: state.String(), At: d.now, Reason: why}
	if state == HandoffAccepted {
		c.Int = d.worked(d.lead.Handoff.Offered, d.now)
	}
	d.emit(c)
	d.touch(agreement.TopicHandoff)
}

// worked returns the working time of the owner between two instants, 0 for none.
func (d *decider) worked(from, to int64) int64 {
	d.asksTeam(d.lead.Owner)
	return HoursOf(d.plan, d.state.Roster, d.lead.Owner).Between(from, to, calendar.WorkingTime)
}

// withdraw takes a hand-off back because the lead has gone another way.
func (d *decider) withdraw(why int) {
	if !d.pending() {
		return
	}
	if d.lead.Owner != "" {
		d.effect(TellTaken, d.lead.Owner, d.handoff().Name, why)
	}
	d.close(HandoffWithdrawn, "", why)
	d.setQueue(-1, why)
	d.setOwner("", why)
}

// command carries out what a person asks for.
func (d *decider) command() {
	switch d.in.Kind {
	case Accept:
		d.accept()
	case Reject:
		d.reject()
	case HandBack:
		d.handBack()
	case Contact:
		d.contact()
	case Assign:
		d.reassignByHand()
	case Move:
		d.moveByHand()
	case Win:
		d.finish(agreement.Won)
	case Lose:
		d.finish(agreement.Lost)
	case Estimate:
		d.estimate()
	case WalkAway:
		d.walkAway()
	case Remind:
		d.remindByHand()
	case Take:
		d.takeCall()
	case Release:
		d.releaseCall()
	}
}

// mayAct reports whether the actor holds the open hand-off, or may take it from a queue.
// The sentence says why not.
func (d *decider) mayAct(verb string) bool {
	l, actor := &d.lead, d.in.Actor
	if !d.pending() {
		switch {
		case l.Handoff.State == HandoffAccepted && l.Owner == actor && verb == "reject":
			d.refuse("you have accepted this lead already, on %s: hand it back instead, with one of the agreed reasons", d.stamp(l.Handoff.Accepted))
		case l.Handoff.State == HandoffAccepted && l.Owner == actor:
			d.refuse("you have accepted this lead already, on %s", d.stamp(l.Handoff.Accepted))
		case l.Handoff.State == HandoffAccepted && l.Owner != "":
			d.refuse("%s accepted this one on %s; ask them if you would like to have it", d.name(l.Owner), d.stamp(l.Handoff.Accepted))
		case slices.Contains(l.Handoff.Tried, actor):
			d.refuse("this lead moved on when the time to accept it was over; it is in stage %s now", d.plan.Stages[l.Stage].Name)
		default:
			d.refuse("there is nothing to %s: no hand-off of this lead is open (it is in stage %s)", verb, d.plan.Stages[l.Stage].Name)
		}
		return false
	}
	if l.Owner == actor && actor != "" {
		return true
	}
	member := d.member(actor)
	if l.Owner == "" && l.Queue >= 0 {
		if member != nil && !member.Inactive && member.Side != agreement.Marketing {
			text := ""
			if verb == "accept" {
				text = d.full(member)
			}
			if text != "" {
				d.refuse("%s", text)
			}
			return text == ""
		}
		if d.stranger() {
			return false
		}
		d.refuse("%s is not an active member of sales, and this lead waits in the queue %s for one", d.name(actor), d.plan.Queues[l.Queue].Name)
		return false
	}
	if holder := d.member(l.Owner); holder != nil && holder.Manager == actor && actor != "" {
		return true
	}
	if slices.Contains(l.Handoff.Tried, actor) {
		when := ""
		if k := d.clock(d.handoff().AcceptClause.Address); k != nil && k.Breaches > 0 { // or somebody gave it to them
			when = ", when the time to accept it was over"
		}
		d.refuse("this lead went to %s on %s%s; ask them if you would like it back", d.name(l.Owner), d.stamp(l.Handoff.Since), when)
	} else if !d.stranger() {
		d.refuse("this lead is offered to %s, not to %s; they or their manager answer for it", d.name(l.Owner), d.name(actor))
	}
	return false
}

// stranger refuses whoever is not in the team.
func (d *decider) stranger() bool {
	id := d.in.Actor
	if id == "" || d.member(id) != nil || d.state.Roster != nil && slices.ContainsFunc(d.state.Roster.Members, func(m Member) bool { return m.Manager == id }) {
		return false
	}
	d.refuse("nobody called %q is in the team; sign in as somebody who is, or ask whoever runs Baton to add you", id)
	return true
}

func (d *decider) name(id string) string {
	if m := d.member(id); m != nil && m.Name != "" {
		return m.Name
	}
	if id == "" {
		return "nobody"
	}
	return id
}

func (d *decider) stamp(at int64) string {
	zone := d.plan.Calendar.Zone()
	t := time.UnixMicro(at).In(zone)
	if t.Year() != time.UnixMicro(d.at).In(zone).Year() {
		return t.Format("2 Jan 2006 15:04")
	}
	return t.Format("2 Jan 15:04")
}

func (d *decider) accept() {
	if !d.mayAct("accept") {
		return
	}
	h := d.handoff()
	why := d.because(h.Address)
	if d.lead.Owner != d.in.Actor { // from a queue, or by the manager
		if d.lead.Owner != "" {
			d.load(d.lead.Owner, -1, why)
			d.effect(TellTaken, d.lead.Owner, h.Name, why)
		}
		d.setQueue(-1, why)
		d.setOwner(d.in.Actor, why)
		d.load(d.in.Actor, 1, why)
	}
	d.close(HandoffAccepted, "", why)
	d.effect(TellAccepted, agreement.Marketing.String(), h.Name, why)
	d.awaitContact()
	d.enter(h.To, h.Name, why)
}

// awaitContact has the time for a first contact begin, of a hand-off that is accepted. It does not while the lead wants no messages: nobody
// could keep it.
func (d *decider) awaitContact() {
	h := d.handoff()
	switch {
	case h.ContactWithin.IsZero() || d.lead.Handoff.Contacted != 0 || d.clock(h.ContactClause.Address) != nil:
	case d.lead.Consent.Status == Withdrawn:
		d.becauseText("consent", "the lead withdrew consent to messages: no time for a contact runs")
	default:
		d.startClock(h.ContactClause.Address, h.ContactWithin, d.lead.Owner, d.because(h.ContactClause.Address))
	}
}

func (d *decider) reject() {
	if !d.mayAct("reject") {
		return
	}
	h := d.handoff()
	slot, ok := d.plan.Index.Handback[d.in.Name]
	if !ok || !slices.Contains(h.Reject, slot) {
		names := make([]string, len(h.Reject))
		for i, r := range h.Reject {
			names[i] = d.plan.Handbacks[r].Name
		}
		d.refuse("%q is no reason to reject under %s; the agreed ones are %s", d.in.Name, h.Address, strings.Join(names, ", "))
		return
	}
	if d.revisitIsPast() {
		return
	}
	b := &d.plan.Handbacks[slot]
	why := d.becauseText(b.Address, d.in.Text)
	d.takenBy(h.Name, why)
	d.close(HandoffRejected, b.Name, why)
	d.giveBack(b, d.in.Due, why)
}

// takenBy tells the owner that somebody else has answered for them.
func (d *decider) takenBy(name string, why int) {
	if d.lead.Owner != "" && d.in.Actor != "" && d.lead.Owner != d.in.Actor {
		d.effect(TellTaken, d.lead.Owner, name, why)
	}
}

// revisitIsPast refuses a chosen revisit date that would bring the lead back at once.
func (d *decider) revisitIsPast() bool {
	if d.in.Due == 0 || d.in.Due > d.at {
		return false
	}
	d.refuse("the revisit date, %s, is past; choose one that lies ahead, or none for the agreed one", d.stamp(d.in.Due))
	return true
}

func (d *decider) handBack() {
	slot, ok := d.plan.Index.Handback[d.in.Name]
	if !ok {
		names := make([]string, len(d.plan.Handbacks))
		for i := range d.plan.Handbacks {
			names[i] = d.plan.Handbacks[i].Name
		}
		d.refuse("%q is no reason to hand back; the agreed ones are %s", d.in.Name, strings.Join(names, ", "))
		return
	}
	stage := &d.plan.Stages[d.lead.Stage]
	switch {
	case d.pending():
		d.refuse("this lead has not been accepted yet: reject it instead, with one of the agreed reasons")
		return
	case stage.Side != agreement.Sales || stage.Final != agreement.NotFinal:
		d.refuse("sales does not hold this lead (it is in stage %s), so there is nothing to hand back", stage.Name)
		return
	case d.lead.Owner != d.in.Actor && d.in.Actor != "":
		if m := d.member(d.lead.Owner); d.lead.Owner != "" && (m == nil || m.Manager != d.in.Actor) {
			if d.stranger() {
				return
			}
			d.refuse("this lead is %s's; only they or their manager can hand it back; ask them", d.name(d.lead.Owner))
			return
		}
	}
	if d.revisitIsPast() {
		return
	}
	b := &d.plan.Handbacks[slot]
	why := d.becauseText(b.Address, d.in.Text)
	if d.lead.Handoff.Rule >= 0 {
		d.dropClock(d.handoff().ContactClause.Address, why) // without a contact; with one it has stopped
	}
	d.takenBy(b.Name, why)
	d.giveBack(b, d.in.Due, why)
}

// contact records how a contact went. Reaching a person meets the clock of the first
// contact; an autoresponder is no contact, nor is a voicemail.
func (d *decider) contact() {
	i := slices.IndexFunc(Outcomes, func(o Outcome) bool { return o.Name == d.in.Name })
	if i < 0 {
		names := make([]string, len(Outcomes))
		for i, o := range Outcomes {
			names[i] = o.Name
		}
		d.refuse("%q is no outcome of a contact; they are %s", d.in.Name, strings.Join(names, ", "))
		return
	}
	if channel := d.in.Channel; channel != "" && !slices.ContainsFunc(d.plan.Channels, func(c agreement.Channel) bool { return c.Name == channel }) {
		names := make([]string, len(d.plan.Channels))
		for i := range d.plan.Channels {
			names[i] = d.plan.Channels[i].Name
		}
		d.refuse("the agreement has no channel %q; it has: %s", channel, orText(strings.Join(names, ", "), "none"))
		return
	}
	d.overheard()
	if len(d.in.Values) > 0 {
		d.answer(d.in.Values)
	}
	if d.called(&Outcomes[i]); d.refused != "" {
		return
	}
	l := &d.lead
	if !Outcomes[i].Reached || l.Handoff.Rule < 0 || l.Handoff.Contacted > 0 {
		return
	}
	switch l.Handoff.State {
	case HandoffOpen, HandoffEscalated, HandoffAccepted:
	default:
		return
	}
	if d.at < l.Handoff.Offered {
		d.becauseText(d.handoff().Address, "the contact was before this hand-off was offered: kept, not counted")
		return
	}
	why := d.because(d.handoff().Address)
	from := l.Handoff.Accepted
	if from == 0 {
		from = l.Handoff.Offered
	}
	d.emit(Change{Kind: ContactMade, At: d.at, Int: d.worked(from, d.at), Reason: why})
	d.touch(agreement.TopicHandoff)
	if address := d.handoff().ContactClause.Address; d.clock(address) != nil {
		d.stopClock(address, d.because(address))
	}
}

// reassignByHand gives the lead to a member because a person said so.
func (d *decider) reassignByHand() {
	to := d.member(d.in.Name)
	if to == nil {
		d.refuse("nobody called %q is in the team; choose somebody who is", d.in.Name)
		return
	}
	if to.Inactive {
		d.refuse("%s has left the team and cannot take it; choose somebody who is there", d.name(to.ID))
		return
	}
	if to.away(d.now) {
		d.refuse("%s is away and cannot take it now; choose somebody who is there", d.name(to.ID))
		return
	}
	if d.lead.Owner == to.ID {
		d.refuse("%s has this lead already", d.name(to.ID))
		return
	}
	if d.plan.Stages[d.lead.Stage].Final != agreement.NotFinal {
		d.refuse("this lead is in stage %s; nobody needs to take it", d.plan.Stages[d.lead.Stage].Name)
		return
	}
	why := d.becauseText("assignment", "by hand: "+d.in.Actor)
	if d.pending() {
		d.moveHandoff(assignment{member: to.ID, queue: -1, why: why}, why)
		return
	}
	if h := &d.lead.Handoff; h.State == HandoffAccepted && d.plan.Stages[d.lead.Stage].Side == agreement.Sales {
		if d.lead.Owner != "" {
			d.effect(TellTaken, d.lead.Owner, d.handoff().Name, why)
		}
		d.emit(Change{Kind: HandoffMoved, From: d.lead.Owner, To: to.ID, Int: int64(h.Reassigned) + 1, At: d.now, Reason: why})
		d.effect(TellOffer, to.ID, d.handoff().Name, why)
		d.restartClock(d.handoff().ContactClause.Address, to.ID, why)
	}
	d.setQueue(-1, why)
	d.setOwner(to.ID, why)
}

// moveHandoff takes the open hand-off from its holder and gives it to another; the time
// begins again.
func (d *decider) moveHandoff(to assignment, why int) {
	from := d.lead.Owner
	if from != "" {
		d.load(from, -1, why)
		d.effect(TellTaken, from, d.handoff().Name, why)
	}
	next := to.member
	if next == "" && to.queue >= 0 {
		next = "queue " + d.plan.Queues[to.queue].Name
	}
	d.emit(Change{Kind: HandoffMoved, From: from, To: next, Int: int64(d.lead.Handoff.Reassigned) + 1, At: d.now, Reason: why})
	d.give(to)
	h := d.handoff()
	d.restartClock(h.AcceptClause.Address, to.member, why)
}

func (d *decider) moveByHand() {
	slot, ok := d.plan.Index.Transition[d.in.Name]
	if !ok {
		d.refuse("the agreement has no transition %q; %s", d.in.Name, d.ways())
		return
	}
	t := &d.plan.Transitions[slot]
	stage := &d.plan.Stages[d.lead.Stage]
	if !slices.Contains(t.From, d.lead.Stage) {
		d.refuse("%s does not lead out of stage %s; %s", t.Name, stage.Name, d.ways())
		return
	}
	if t.By == agreement.NoSide {
		d.refuse("%s happens by itself, when its condition holds; nobody can take it by hand", t.Name)
		return
	}
	if d.otherSide(t) || d.unqualified(t.To) {
		return
	}
	d.enter(t.To, t.Name, d.because(t.Address))
}

// ways says which transitions whoever asks can take from where the lead is.
func (d *decider) ways() string {
	var names []string
	m := d.member(d.in.Actor)
	for i := range d.plan.Transitions {
		t := &d.plan.Transitions[i]
		if t.By != agreement.NoSide && slices.Contains(t.From, d.lead.Stage) && (m == nil || m.Side == agreement.NoSide || m.Side == t.By) {
			names = append(names, t.Name)
		}
	}
	if len(names) == 0 {
		return "from stage " + d.plan.Stages[d.lead.Stage].Name + " nothing can be taken by hand"
	}
	return "from stage " + d.plan.Stages[d.lead.Stage].Name + " you can take " + strings.Join(names, ", ")
}

// otherSide refuses a transition to a person of the other side.
func (d *decider) otherSide(t *agreement.Transition) bool {
	m := d.member(d.in.Actor)
	if t.By == agreement.NoSide || m == nil || m.Side == agreement.NoSide || m.Side == t.By {
		return false
	}
	d.refuse("%s is for %s to take (%s)", t.Name, t.By, t.Address)
	return true
}

// finish wins or loses a lead along a transition of the agreement.
func (d *decider) finish(end agreement.Final) {
	stage := d.lead.Stage
	var from []string
	for i := range d.plan.Transitions {
		t := &d.plan.Transitions[i]
		if d.plan.Stages[t.To].Final != end {
			continue
		}
		if !slices.Contains(t.From, stage) {
			for _, f := range t.From {
				from = append(from, d.plan.Stages[f].Name)
			}
			continue
		}
		if d.otherSide(t) {
			return
		}
		why := 0
		if end == agreement.WalkedAway {
			why = d.becauseText(d.plan.Worth.Address+".walk_away."+d.in.Name, d.in.Text)
		} else {
			why = d.becauseText(t.Address, d.in.Text)
		}
		d.person = true
		if end == agreement.Won && d.in.Value != 0 && d.in.Value != d.lead.Value {
			d.emit(Change{Kind: ValueSet, Num: d.in.Value, Reason: why})
		}
		d.enter(t.To, t.Name, why)
		return
	}
	word := strings.ReplaceAll(end.String(), "_", " ")
	if end == agreement.WalkedAway {
		word = "left to others"
	}
	if len(from) == 0 {
		d.refuse("the agreement has no way for a lead to be %s", word)
		return
	}
	d.refuse("a lead in stage %s cannot be %s; that is possible from %s", d.plan.Stages[stage].Name, word, strings.Join(from, ", "))
}
