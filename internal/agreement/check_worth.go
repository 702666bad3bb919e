package agreement

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var shareWords = regexp.MustCompile(`^(\d{1,3}(\.\d{1,3})?) ?%$`)

func (c *compiler) referWorth() {
	n := c.at("sales_qualification")
	if n == nil || n.kind != mapping {
		return
	}
	p := c.plan
	w := &SalesQualification{Clause: c.declareClause("sales_qualification", c.naming(n)), Definition: word(n, "definition"), Before: -1}
	if at := field(n, "before"); at != nil {
		w.Before = c.stage(at, w.Address)
	}
	for _, e := range entriesOf(n.get("questions")) {
		a := Ask{Clause: c.declareClause(w.Address+".questions."+e.key.value, e.key), Definition: word(e.value, "definition")}
		if e.value.kind == scalar && !e.value.bad {
			a.Definition = strings.TrimSpace(e.value.value)
		}
		a.Question = c.slot(e.key, a.Address, "question", p.Index.Question, "declare it under questions")
		a.When = c.condition(field(e.value, "when"), ScopeLead, a.Address)
		if a.Question >= 0 {
			w.Asks = append(w.Asks, a)
		}
	}
	if at := n.get("expected_return"); at != nil && at.kind == mapping && !at.bad {
		w.ReturnClause = c.declareClause(w.Address+".expected_return", at.name)
		w.HourCosts, w.AtLeast = c.positive(field(at, "hour_costs"), w.ReturnClause.Address), c.positive(field(at, "at_least"), w.ReturnClause.Address)
	}
	w.Probability = make([]float64, len(p.Stages))
	for _, e := range entriesOf(n.get("probability")) {
		address := w.Address + ".probability." + e.key.value
		c.declareClause(address, e.key)
		stage, share := c.stage(e.key, address), c.share(e.value, address)
		if stage >= 0 && p.Stages[stage].Side != Sales {
			c.find(codeIdle, e.key, address, fmt.Sprintf("leads in %s are not with sales; nothing is expected of them yet", e.key.value), "name a stage of sales")
		} else if stage >= 0 {
			w.Probability[stage] = share
		}
	}
	for _, e := range entriesOf(n.get("competitors")) {
		k := Competitor{Clause: c.declareClause(w.Address+".competitors."+e.key.value, e.key), Name: e.key.value, Definition: word(e.value, "definition"), Answer: word(e.value, "answer")}
		if e.value.kind == mapping {
			for _, item := range list(e.value.get("strengths")) {
				k.Strengths = append(k.Strengths, strings.TrimSpace(item.value))
			}
		}
		w.Competitors = append(w.Competitors, k)
	}
	for _, e := range entriesOf(n.get("walk_away")) {
		definition := word(e.value, "definition")
		if e.value.kind == scalar && !e.value.bad {
			definition = strings.TrimSpace(e.value.value)
		}
		w.WalkAway = append(w.WalkAway, Named{c.declareClause(w.Address+".walk_away."+e.key.value, e.key), e.key.value, definition})
	}
	p.Worth = w
}

// positive reads a number above 0.
func (c *compiler) positive(n *node, address string) float64 {
	if n == nil {
		return 0
	}
	f, _ := number(n.value)
	if f <= 0 {
		c.find(codeNumber, n, address, "this is more than 0", "leave expected_return out if effort does not matter")
	}
	return f
}

// share reads "20%".
func (c *compiler) share(n *node, address string) float64 {
	if n == nil || n.kind != scalar || n.bad {
		return 0
	}
	words := shareWords.FindStringSubmatch(strings.TrimSpace(n.value))
	if words == nil {
		c.find(codeShare, n, address, fmt.Sprintf("%s is not a share", quote(n.value)), "write it in percent: 20%")
		return 0
	}
	f, _ := strconv.ParseFloat(words[1], 64)
	if f <= 0 || f > 100 {
		c.find(codeShare, n, address, fmt.Sprintf("%s is not a share: it lies above 0 and goes up to 100%%", quote(n.value)), "")
		return 0
	}
	return f / 100
}

// judgeWorth looks for answers that nobody is asked for, and for reasons that lead nowhere.
func (c *compiler) judgeWorth() {
	p, w := c.plan, c.plan.Worth
	if w == nil {
		return
	}
	at := c.of(w.Address)
	asks := len(w.Asks) > 0 || w.AtLeast > 0
	switch {
	case w.Before < 0 && asks:
		c.find(codeUnasked, at, w.Address, "nobody is asked: no stage is named", "say before which stage the answers are needed: before: opportunity")
	case w.Before >= 0 && (p.Stages[w.Before].Side != Sales || p.Stages[w.Before].Final != NotFinal):
		c.find(codeUnasked, field(c.at("sales_qualification"), "before"), w.Address, fmt.Sprintf("%s is not a stage in which sales works a lead", p.Stages[w.Before].Name), "name the stage that the effort begins with")
	case w.Before >= 0:
		for i := range p.Handoffs {
			if h := &p.Handoffs[i]; h.To == w.Before {
				f := c.find(codeUnasked, field(c.at("sales_qualification"), "before"), w.Address, fmt.Sprintf("a lead comes to %s when it is accepted, before anybody could ask", p.Stages[w.Before].Name), "accept into an earlier stage, and lead on from there by a transition")
				c.related(f, c.of(h.Address), "accepted here")
			}
		}
	}
	if len(w.WalkAway) > 0 {
		ways := func(t Transition) bool { return t.By != NoSide && p.Stages[t.To].Final == WalkedAway }
		if !slices.ContainsFunc(p.Transitions, ways) {
			c.find(codeNoWalk, c.of(w.WalkAway[0].Address), w.WalkAway[0].Address, "there are reasons to walk away, and no way to do so", "add a stage with final: walked_away, and a transition to it by: sales")
		}
	}
}
