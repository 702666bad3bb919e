package agreement

import (
	"fmt"
	"slices"
)

func (c *compiler) judgeHandoffs() {
	p := c.plan
	offered := map[int]*Handoff{}
	for i := range p.Handoffs {
		h := &p.Handoffs[i]
		n, at := c.at("handoffs", h.Name), c.of(h.Address)
		if n == nil || h.From < 0 || h.To < 0 {
			continue
		}
		from, to := &p.Stages[h.From], &p.Stages[h.To]
		if n.lookup("accept_within") == nil {
			c.find(codeNoDeadline, at, h.Address, fmt.Sprintf("the hand-off %s has no deadline", h.Name), "say how long sales has to answer: accept_within: 4 working hours")
		}
		switch {
		case n.lookup("assign") == nil:
			c.find(codeNoOwner, at, h.Address, fmt.Sprintf("the hand-off %s has no owner", h.Name), "say who gets the lead: assign: assignment")
		case len(p.Assignment) == 0:
			c.find(codeNoOwner, field(n, "assign"), h.Address, "there is no assignment, so nobody gets the lead", "add the section assignment")
		}
		if len(h.Reject) == 0 {
			c.find(codeNoWayBack, at, h.Address, fmt.Sprintf("sales cannot say no to the hand-off %s", h.Name), "list the hand-backs that may be given as a reason under reject")
		}
		ends := func(s Step) bool { return s.Kind == Escalate || s.Kind == ReturnTo || s.Kind == ToQueue }
		if !slices.ContainsFunc(h.OnBreach, ends) {
			where := at
			if steps := n.lookup("on_breach"); steps != nil {
				where = steps.name
			}
			c.find(codeNoWayBack, where, h.Address, fmt.Sprintf("a lead that nobody accepts stays in the hand-off %s for good", h.Name), "end on_breach with escalate manager, return to STAGE, or queue NAME")
		}
		if from.Side != Marketing || to.Side != Sales {
			c.warn(codeDirection, at, h.Address, fmt.Sprintf("the hand-off %s goes from %s to %s", h.Name, from.Side, to.Side), "marketing offers and sales accepts; within one side a transition will do")
		}
		if from.Final != NotFinal {
			c.find(codeIdle, field(n, "from"), h.Address, fmt.Sprintf("the stage %s ends a pass; nobody is offered from it", from.Name), "")
		}
		if h.From == h.To {
			c.find(codeIdle, field(n, "to"), h.Address, "this hand-off leads to where it begins", "")
		}
		if first := offered[h.From]; first != nil {
			f := c.find(codeTwoOffers, at, h.Address, fmt.Sprintf("leads in %s are offered by %s already", from.Name, first.Name), "give each hand-off a stage of its own, and lead there by transitions")
			c.related(f, c.of(first.Address), "the first one")
			continue
		}
		offered[h.From] = h
	}
}

// judgeLadders looks for steps after one that ends the matter.
func (c *compiler) judgeLadders() {
	p := c.plan
	ladder := func(steps []Step) {
		for i := range steps {
			if i == 0 || steps[i-1].Kind != Escalate && steps[i-1].Kind != ReturnTo {
				continue
			}
			f := c.warn(codeLateStep, c.of(steps[i].Address), steps[i].Address, fmt.Sprintf("this step never comes: %q ends the matter", steps[i-1].Text), "put it before, or take it out")
			c.related(f, c.of(steps[i-1].Address), "here")
			return
		}
	}
	for i := range p.Stages {
		ladder(p.Stages[i].OnBreach)
	}
	for i := range p.Handoffs {
		ladder(p.Handoffs[i].OnBreach)
		ladder(p.Handoffs[i].OnNoContact)
	}
	for i := range p.Clocks {
		ladder(p.Clocks[i].OnBreach)
	}
}

// judgeHandbacks looks for a stage to which leads are handed back and which they leave by themselves
// on what still holds after the hand-back.
func (c *compiler) judgeHandbacks() {
	p := c.plan
	did := NewTopics(p.Index.Topics)
	for _, topic := range []int{TopicEngagement, TopicGrade, TopicReadiness, TopicActivities, TopicBuyingStage} {
		did.Add(topic)
	}
	for i := range p.Activities {
		did.Add(p.ActivityTopic(i))
	}
	for i := range p.Handbacks {
		b := &p.Handbacks[i]
		if b.To < 0 || p.Stages[b.To].Final != NotFinal {
			continue
		}
		keeps := b.Keep == KeepAll || b.Keep == KeepEngagement
		for _, slot := range p.Index.Automatic[b.To] {
			t := &p.Transitions[slot]
			if waits(t.When) || !keeps && t.When.Topics.Overlaps(did) {
				continue
			}
			f := c.warn(codeBounces, c.of(b.Address), b.Address, fmt.Sprintf("what moves a lead out of %s by itself may hold already when it is handed back, and the next input would send it on",
				p.Stages[b.To].Name), fmt.Sprintf("let %s wait, with in_stage >= \"14d\", or keep less of the score", t.Name))
			c.related(f, c.of(t.Address), "here")
			break
		}
	}
}

func (c *compiler) judgeAssignment() {
	p := c.plan
	if len(p.Assignment) > 0 {
		last := &p.Assignment[len(p.Assignment)-1]
		truth, fixed := last.When.Constant()
		switch at := c.of(last.Address); {
		case !fixed || truth != True:
			c.find(codeNobody, at, last.Address, "a lead that meets no rule is left with nobody", "end with a rule without when: {name: everyone else, to: queue NAME}")
		case last.Pool >= 0 && last.Otherwise < 0:
			c.find(codeNobody, at, last.Address, fmt.Sprintf("when nobody of the pool %s can take a lead, it is left with nobody", p.Pools[last.Pool].Name), "add otherwise: queue NAME")
		case last.Pool < 0 && last.Queue < 0:
			c.find(codeNobody, at, last.Address, "somebody who is away cannot take a lead; it is left with nobody", "end with a rule that assigns to a queue, or to a pool otherwise a queue")
		}
	}
	if len(p.People) == 0 {
		return
	}
	for i := range p.Pools {
		if !slices.ContainsFunc(p.People, func(m Person) bool { return slices.Contains(m.Pools, i) }) {
			c.warn(codeEmptyPool, c.of(p.Pools[i].Address), p.Pools[i].Address, fmt.Sprintf("nobody is in the pool %s", p.Pools[i].Name), "add it to the pools of somebody under people")
		}
	}
}

func (c *compiler) judgeRules() {
	p := c.plan
	if len(p.Rules) == 0 {
		return
	}
	last := &p.Rules[len(p.Rules)-1]
	if truth, fixed := last.When.Constant(); !fixed || truth != True {
		c.find(codeNoLastRule, c.of(last.Address), last.Address, "for a lead that meets no rule, nobody knows who may speak", "end with a rule without when: {name: default, speaks: originator}")
	}
}
