package lifecycle

import (
	"baton/internal/agreement"
)

// move takes automatic transitions until none applies. A stage is entered at most once in a
// decision, so it ends.
func (d *decider) move() {
	// what a hand-back or a breach has moved is not moved on in the same decision, so the next one looks
	old := d.source.Lead
	look := d.in.Kind == Timer || old != nil && old.Entered == old.Clock
	for {
		stage := d.lead.Stage
		if !look && !d.touched.Overlaps(d.plan.Index.StageTopics[stage]) {
			return
		}
		d.observe()
		next := -1
		for _, i := range d.plan.Index.Automatic[stage] {
			t := &d.plan.Transitions[i]
			if !d.visited[t.To] && t.When.Holds(&d.facts) && (d.plan.Worth == nil || d.plan.Worth.Before != t.To || d.qualification().Ready()) {
				next = i
				break
			}
		}
		if next < 0 {
			return
		}
		t := &d.plan.Transitions[next]
		d.enter(t.To, t.Name, d.becauseSaw(t.Address, t.When))
		look = true
		d.observe()
		d.ready()
	}
}

// enter moves the lead to a stage and ends what belonged to the stage before. What belongs to the new
// one begins when the lead has come to rest: a stage that it only passes through offers nothing.
func (d *decider) enter(stage int, via string, why int) {
	l, s := &d.lead, &d.plan.Stages[stage]
	from := ""
	if l.Stage >= 0 {
		old := &d.plan.Stages[l.Stage]
		from = old.Name
		if l.Handoff.State == HandoffOpen || l.Handoff.State == HandoffEscalated {
			d.withdraw(why)
		}
		d.stopClock(old.Address+".limit", why)
		if l.Revisit > 0 {
			d.emit(Change{Kind: RevisitSet, Reason: why})
		}
		if l.Track >= 0 {
			d.emit(Change{Kind: TrackSet, Reason: why})
		}
		if l.Returned || !d.plan.Tele.Calls(stage) {
			d.endCall("left", why)
		}
		if l.Returned {
			d.emit(Change{Kind: PassStarted, Int: int64(l.Pass) + 1, At: d.now, Reason: why})
			d.touch(agreement.TopicPass)
		}
	}
	at := d.now
	if from == "" {
		at = d.at
	}
	d.emit(Change{Kind: StageEntered, Name: via, From: from, To: s.Name, At: at, Reason: why})
	d.visited[stage] = true
	d.touch(agreement.TopicStage)
	switch {
	case s.Final != agreement.NotFinal:
		d.stopClocks("", why)
		d.setQueue(-1, why)
	case s.Side == agreement.Marketing:
		d.setOwner("", why)
		d.setQueue(-1, why)
		if l.Handoff.State == HandoffAccepted { // sales has it no more: nobody waits for a contact
			d.dropClock(d.handoff().ContactClause.Address, why)
		}
	}
	if s.Final == agreement.Won || s.Final == agreement.Lost || s.Final == agreement.WalkedAway {
		d.effect(TellOutcome, "", s.Final.String(), why)
	}
	d.begun = why
}

// beginStage starts the limit of the stage that the lead is in, and the hand-off that is offered from it.
func (d *decider) beginStage(why int) {
	s := &d.plan.Stages[d.lead.Stage]
	if d.lead.Consent.Status == Objected || s.Final != agreement.NotFinal {
		return
	}
	if !s.Limit.IsZero() {
		d.startClock(s.Address+".limit", s.Limit, d.lead.Owner, d.because(s.Address+".limit"))
	}
	if h := d.plan.Index.Offers[d.lead.Stage]; h >= 0 {
		d.offer(h, why)
	}
}

func (d *decider) setOwner(id string, why int) {
	if d.lead.Owner == id {
		return
	}
	d.emit(Change{Kind: OwnerSet, From: d.lead.Owner, To: id, Reason: why})
	d.touch(agreement.TopicOwner)
}

func (d *decider) setQueue(queue int, why int) {
	if d.lead.Queue == queue {
		return
	}
	from, to := "", ""
	if d.lead.Queue >= 0 {
		from = d.plan.Queues[d.lead.Queue].Name
	}
	if queue >= 0 {
		to = d.plan.Queues[queue].Name
	}
	d.emit(Change{Kind: QueueSet, From: from, To: to, Reason: why})
}

// giveBack carries out the consequence of a reason to reject or hand back.
func (d *decider) giveBack(b *agreement.Handback, revisit int64, why int) {
	l := &d.lead
	d.person = true
	if clause := d.in.Clause; clause != "" {
		if _, ok := d.plan.Index.Clause[clause]; ok {
			d.emit(Change{Kind: ClauseNamed, Name: clause, Reason: why})
		} else {
			d.becauseText(b.Address, "the agreement has no clause "+clause+": kept with the input")
		}
	}
	if b.Keep != agreement.KeepAll {
		d.emit(Change{Kind: ScoreCleared, To: b.Keep.String(), Int: int64(b.Keep), At: d.now, Reason: why})
		d.rescore = true
		d.touchAll()
	}
	d.setQueue(-1, why)
	d.setOwner("", why)
	d.effect(TellReturned, agreement.Marketing.String(), b.Name, why)
	offers := d.plan.Index.Offers[b.To] >= 0
	if offers { // what is offered there belongs to the new pass already
		d.emit(Change{Kind: Returned, Name: b.Name, Reason: why})
	}
	d.enter(b.To, b.Name, why)
	if d.plan.Stages[b.To].Final != agreement.NotFinal {
		return
	}
	if !offers {
		d.emit(Change{Kind: Returned, Name: b.Name, Reason: why})
	}
	if b.Track >= 0 && l.Consent.Status != Objected {
		d.emit(Change{Kind: TrackSet, To: d.plan.Tracks[b.Track].Name, Reason: why})
	}
	if revisit == 0 && b.Revisit > 0 {
		revisit = d.now + b.Revisit
	}
	if revisit > 0 {
		d.emit(Change{Kind: RevisitSet, At: revisit, Reason: why})
	}
}

// revisit brings a lead back when its date has come: a new pass from the first stage.
func (d *decider) revisit() {
	clause := "handbacks"
	if d.lead.Back >= 0 {
		clause = d.plan.Handbacks[d.lead.Back].Address
	}
	why := d.becauseText(clause, "the revisit date has come")
	d.enter(0, "revisit", why)
	d.touchAll()
}
