package agreement

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"baton/internal/calendar"
)

// Tries are the outcomes of a call that reached nobody.
var Tries = []string{"voicemail", "no_answer", "wrong_number"}

var triesWords = regexp.MustCompile(`^(\d{1,3}) over (.+)$`)

func (c *compiler) referTele() {
	n := c.at("tele_qualification")
	if n == nil || n.kind != mapping {
		return
	}
	q := &TeleQualification{Clause: c.declareClause("tele_qualification", c.naming(n)), Definition: word(n, "definition"), By: sideOf(word(n, "by")), Exhausted: -1}
	part := func(name string) (*node, Clause) {
		at := field(n, name)
		if at == nil {
			return nil, q.Clause
		}
		return at, c.declareClause(q.Address+"."+name, at.name)
	}
	q.Stages = c.openStages(n.get("stages"), q.Address, "nobody is called there", "take it out of stages")
	q.When = c.condition(field(n, "when"), ScopeLead, q.Address)
	if at := field(n, "channel"); at != nil && c.slot(at, q.Address, "channel", c.channels, "declare it under channels") >= 0 {
		q.Channel = at.value
	}
	var at *node
	at, q.LeaseClause = part("lease")
	q.Lease, _ = c.duration(at, q.LeaseClause.Address, true)
	at, q.AttemptsClause = part("attempts")
	q.Attempts, q.Over = c.tries(at, q.AttemptsClause.Address)
	at, q.SpacingClause = part("spacing")
	q.Spacing, _ = c.duration(at, q.SpacingClause.Address, true)
	at, q.ExhaustedClause = part("exhausted")
	q.Exhausted = c.handback(at, q.ExhaustedClause.Address)
	for _, e := range entriesOf(n.get("outcomes")) {
		if !slices.Contains(Tries, e.key.value) {
			c.find(codeWord, e.key, q.Address+".outcomes", fmt.Sprintf("%s is not how a try can end", quote(e.key.value)), c.suggest(e.key.value, Tries, ""))
			continue
		}
		o := CallOutcome{Clause: c.declareClause(q.Address+".outcomes."+e.key.value, e.key), Outcome: e.key.value}
		if o.Handback = c.handback(e.value, o.Address); o.Handback >= 0 {
			q.Outcomes = append(q.Outcomes, o)
		}
	}
	c.plan.Tele = q
}

func (c *compiler) handback(n *node, address string) int {
	return c.slot(n, address, "hand-back", c.plan.Index.Handback, "declare it under handbacks")
}

// tries reads "5 over 14 days".
func (c *compiler) tries(n *node, address string) (int, calendar.Duration) {
	if n == nil || n.bad {
		return 0, calendar.Duration{}
	}
	words := triesWords.FindStringSubmatch(n.value)
	if words == nil {
		hint := "write how often, and in which time: 5 over 14 days"
		if isCount(n.value) {
			hint = fmt.Sprintf("say in which time: %s over 14 days", n.value)
		}
		c.find(codeAttempts, n, address, fmt.Sprintf("%s is not a number of tries", quote(n.value)), hint)
		return 0, calendar.Duration{}
	}
	most, _ := strconv.Atoi(words[1])
	if most == 0 {
		c.find(codeAttempts, n, address, "a lead that is tried 0 times is never called", "try once at least, or take tele_qualification out")
		return 0, calendar.Duration{}
	}
	over, _ := c.duration(c.lastWords(n, words[2]), address, true)
	return most, over
}

// reasons returns the hand-backs that calls can end with.
func (q *TeleQualification) reasons() []int {
	var list []int
	if q.Exhausted >= 0 {
		list = append(list, q.Exhausted)
	}
	for i := range q.Outcomes {
		if !slices.Contains(list, q.Outcomes[i].Handback) {
			list = append(list, q.Outcomes[i].Handback)
		}
	}
	return list
}

// judgeTele looks for calls that do not end, and for leads that are called while they are offered.
func (c *compiler) judgeTele() {
	p, q := c.plan, c.plan.Tele
	if q == nil {
		return
	}
	again := func(slot int, address string) {
		if slot < 0 {
			return
		}
		b := &p.Handbacks[slot]
		if b.To < 0 || !q.Calls(b.To) {
			return
		}
		f := c.find(codeCallsAgain, c.of(address), address, fmt.Sprintf("%s leads to %s, where leads wait to be called again", b.Name, p.Stages[b.To].Name), "choose a hand-back that leads to another stage, such as one for nurturing")
		c.related(f, c.of(b.Address), "the hand-back")
	}
	again(q.Exhausted, q.ExhaustedClause.Address)
	for i := range q.Outcomes {
		again(q.Outcomes[i].Handback, q.Outcomes[i].Address)
	}
	for _, s := range q.Stages {
		if h := p.Index.Offers[s]; h >= 0 {
			f := c.warn(codeCallsOffered, c.of(q.Address), q.Address, fmt.Sprintf("leads in %s are offered to %s at once, while they wait to be called", p.Stages[s].Name, p.Stages[p.Handoffs[h].To].Side),
				"let the calls come first: offer from a stage that a call leads to")
			c.related(f, c.of(p.Handoffs[h].Address), "offered here")
		}
	}
}
