package agreement

import (
	"fmt"
	"slices"
	"strings"
)

// judge asks whether the agreement as a whole can work.
func (c *compiler) judge() {
	c.judgeStages()
	c.judgeLoops()
	c.judgeHandoffs()
	c.judgeLadders()
	c.judgeHandbacks()
	c.judgeHidden()
	c.judgeTele()
	c.judgeWorth()
	c.judgeAssignment()
	c.judgeMatches()
	c.judgeRules()
	c.judgeScoring()
}

// of returns the node that declares an address.
func (c *compiler) of(address string) *node { return c.nodes[address] }

// eachWay calls do with every way that a lead can go from one stage to another, but for the
// revisit dates, and with the address of what leads there. dated says that the lead has a
// revisit date when it arrives.
func (c *compiler) eachWay(do func(from, to int, by string, dated bool)) {
	p := c.plan
	way := func(from, to int, by string, dated bool) {
		if from >= 0 && to >= 0 && from != to && p.Stages[from].Final == NotFinal {
			do(from, to, by, dated)
		}
	}
	returns := func(from int, steps []Step) {
		for i := range steps {
			if steps[i].Kind == ReturnTo {
				way(from, steps[i].Stage, steps[i].Address, false)
			}
		}
	}
	back := func(from, reason int) {
		b := &p.Handbacks[reason]
		way(from, b.To, b.Address, b.Revisit > 0)
	}
	for i := range p.Transitions {
		for _, from := range p.Transitions[i].From {
			way(from, p.Transitions[i].To, p.Transitions[i].Address, false)
		}
	}
	for i := range p.Handoffs {
		h := &p.Handoffs[i]
		way(h.From, h.To, h.Address, false)
		for _, reason := range h.Reject {
			back(h.From, reason)
		}
		returns(h.From, h.OnBreach)
		if len(h.OnNoContact) > 0 {
			returns(h.To, h.OnNoContact)
		} else if !h.ContactWithin.IsZero() {
			returns(h.To, h.OnBreach)
		}
	}
	if q := p.Tele; q != nil {
		for _, from := range q.Stages {
			for _, reason := range q.reasons() {
				back(from, reason)
			}
		}
	}
	for i := range p.Stages {
		returns(i, p.Stages[i].OnBreach)
		if p.Stages[i].Side == Sales { // sales can hand back whatever it holds
			for reason := range p.Handbacks {
				back(i, reason)
			}
		}
		for k := range p.Clocks { // they run wherever the lead is
			returns(i, p.Clocks[k].OnBreach)
		}
	}
}

// ways returns, for each stage, the stages that a lead can go to from there, by
// whatever means lifecycle knows, and the hand-back whose revisit date is the only
// way out, -1 where there is another or none.
func (c *compiler) ways() (ways [][]int, revisits []int) {
	p := c.plan
	ways, revisits = make([][]int, len(p.Stages)), make([]int, len(p.Stages))
	c.eachWay(func(from, to int, _ string, _ bool) {
		if !slices.Contains(ways[from], to) {
			ways[from] = append(ways[from], to)
		}
	})
	for i := range revisits {
		revisits[i] = -1
	}
	for i := range p.Handbacks {
		b := &p.Handbacks[i]
		// a lead that is looked at again begins anew, in the first stage
		if b.Revisit > 0 && b.To > 0 && p.Stages[b.To].Final == NotFinal && !slices.Contains(ways[b.To], 0) {
			if len(ways[b.To]) == 0 && p.Stages[b.To].Side != Sales { // what sales holds can be handed back once more
				revisits[b.To] = i
			}
			ways[b.To] = append(ways[b.To], 0)
		}
	}
	return ways, revisits
}

// judgeDateless looks for leads that come without a revisit date to a stage that only such
// a date leads out of. It is a warning: other leads do leave, and who hands back may choose a
// date, so that an agreement which is signed already goes on running.
func (c *compiler) judgeDateless(stage, revisit int, reached []bool) {
	var by []string
	c.eachWay(func(from, to int, address string, dated bool) {
		if to == stage && reached[from] && !dated && !slices.Contains(by, address) {
			by = append(by, address)
		}
	})
	if len(by) == 0 {
		return
	}
	s := &c.plan.Stages[stage]
	hint := "lead out of it by a transition or a hand-off, give it a limit that ends with return to STAGE, or lead those leads elsewhere"
	if strings.HasPrefix(by[0], "handbacks.") {
		hint = "give that hand-back a revisit, or lead out of the stage by a transition or a hand-off"
	}
	f := c.warn(codeStuck, c.of(s.Address), s.Address,
		fmt.Sprintf("a lead that comes to %s by %s never leaves it: only hand-backs with a revisit date come back", s.Name, by[0]), hint)
	for _, address := range by[:min(len(by), 3)] {
		c.related(f, c.of(address), "a way in without a revisit date")
	}
	c.related(f, c.of(c.plan.Handbacks[revisit].Address), "with one")
}

func (c *compiler) judgeStages() {
	p := c.plan
	if len(p.Stages) == 0 {
		return
	}
	if first := &p.Stages[0]; first.Final != NotFinal {
		c.find(codeStart, c.of(first.Address), first.Address, fmt.Sprintf("leads start in %s, the first stage, and a pass ends there", first.Name), "put the stage that leads start in first")
		return
	}
	if !slices.ContainsFunc(p.Stages, func(s Stage) bool { return s.Final == Won }) {
		c.find(codeNoWon, c.doc.root.lookup("stages").name, "stages", "no stage is won", "give the stage that you work towards final: won")
	}
	ways, revisits := c.ways()
	reached := make([]bool, len(p.Stages))
	todo := []int{0}
	reached[0] = true
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, to := range ways[s] {
			if !reached[to] {
				reached[to] = true
				todo = append(todo, to)
			}
		}
	}
	for i := range p.Stages {
		s := &p.Stages[i]
		switch {
		case !reached[i]:
			c.find(codeUnreached, c.of(s.Address), s.Address, fmt.Sprintf("no lead can reach the stage %s", s.Name), "lead to it by a transition, a hand-off or a hand-back, or take it out")
		case s.Final == NotFinal && len(ways[i]) == 0:
			c.find(codeStuck, c.of(s.Address), s.Address, fmt.Sprintf("no lead can leave the stage %s", s.Name), "lead out of it by a transition or a hand-off, give the hand-back that leads here a revisit, or make it final")
		case revisits[i] >= 0:
			c.judgeDateless(i, revisits[i], reached)
		}
	}
}

// step is an automatic transition from one stage.
type automatic struct {
	rule     int
	from, to int
}

// judgeLoops looks for automatic transitions that send a lead round and round. In one
// decision lifecycle enters no stage twice, so that nothing hangs; but such a lead
// would move at every input. It is an error where one condition holds whenever another
// does all the way round, and a warning where nothing says that the conditions
// cannot hold together.
func (c *compiler) judgeLoops() {
	p := c.plan
	var all []automatic
	for i := range p.Transitions {
		t := &p.Transitions[i]
		if t.When == nil {
			continue
		}
		for _, from := range t.From {
			all = append(all, automatic{i, from, t.To})
		}
	}
	for _, group := range c.circles(all) {
		if c.certainLoop(group) {
			continue
		}
		// a lead that has just come in has not been there long
		group = slices.DeleteFunc(group, func(a automatic) bool { return waits(p.Transitions[a.rule].When) })
		for _, rest := range c.circles(group) {
			c.possibleLoop(rest)
		}
	}
}

// circles splits transitions into groups within which a lead can return to where it was
// (strongly connected components, after Tarjan), leaving the others out.
func (c *compiler) circles(all []automatic) [][]automatic {
	n := len(c.plan.Stages)
	out := make([][]int, n)
	for _, a := range all {
		out[a.from] = append(out[a.from], a.to)
	}
	index, low, group := make([]int, n), make([]int, n), make([]int, n)
	var stack []int
	count, groups := 0, 0
	var visit func(s int)
	visit = func(s int) {
		count++
		index[s], low[s] = count, count
		stack = append(stack, s)
		for _, t := range out[s] {
			if index[t] == 0 {
				visit(t)
				low[s] = min(low[s], low[t])
			} else if group[t] == 0 {
				low[s] = min(low[s], index[t])
			}
		}
		if low[s] == index[s] {
			groups++
			for {
				t := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				group[t] = groups
				if t == s {
					break
				}
			}
		}
	}
	for s := range n {
		if index[s] == 0 {
			visit(s)
		}
	}
	parts := make([][]automatic, groups+1)
	for _, a := range all {
		if group[a.from] == group[a.to] {
			parts[group[a.from]] = append(parts[group[a.from]], a)
		}
	}
	return slices.DeleteFunc(parts, func(part []automatic) bool { return len(part) == 0 })
}

// mostPairs bounds how many pairs of conditions are held against each other; no agreement
// that people read has as many.
const mostPairs = 40_000

// certainLoop finds a circle all of whose conditions hold whenever one of them does.
func (c *compiler) certainLoop(group []automatic) bool {
	t := c.plan.Transitions
	if len(group)*len(group) > mostPairs {
		return false
	}
	for _, a := range group {
		var held []automatic
		for _, b := range group {
			if t[b.rule].When.Hides(t[a.rule].When) {
				held = append(held, b)
			}
		}
		way := shortest(held, a.to, a.from)
		if way == nil {
			continue
		}
		c.loop(Error, append([]automatic{a}, way...), "a lead that meets its condition goes round and round", "make the conditions exclude each other, or take one of the transitions out")
		return true
	}
	return false
}

// shortest returns a shortest way between two stages, nil for none.
func shortest(steps []automatic, from, to int) []automatic {
	came := map[int]automatic{}
	todo := []int{from}
	for len(todo) > 0 {
		s := todo[0]
		todo = todo[1:]
		if s == to {
			var way []automatic
			for s != from {
				way = append(way, came[s])
				s = came[s].from
			}
			slices.Reverse(way)
			return way
		}
		for _, a := range steps {
			if _, seen := came[a.to]; a.from == s && !seen && a.to != from {
				came[a.to] = a
				todo = append(todo, a.to)
			}
		}
	}
	return nil
}

// possibleLoop looks for a circle no two of whose conditions exclude each other. It
// gives up after as many steps as no agreement that people read takes, and then warns.
func (c *compiler) possibleLoop(group []automatic) {
	t := c.plan.Transitions
	budget := mostPairs
	var path []automatic
	var walk func(start, at int) bool
	walk = func(start, at int) bool {
		for _, a := range group {
			if a.from != at || a.to < start || slices.ContainsFunc(path, func(b automatic) bool { return b.to == a.to }) {
				continue
			}
			if budget -= 1 + len(path); budget < 0 {
				path = append([]automatic{a}, shortest(group, a.to, a.from)...)
				return true
			}
			if slices.ContainsFunc(path, func(b automatic) bool { return excludes(t[a.rule].When, t[b.rule].When) }) {
				continue
			}
			path = append(path, a)
			if a.to == start || walk(start, a.to) {
				return true
			}
			path = path[:len(path)-1]
		}
		return false
	}
	for _, a := range group {
		path = path[:0]
		if walk(a.from, a.from) {
			c.loop(Warning, path, "a lead can go round if their conditions hold together", "let the conditions exclude each other: add what one asks for as \"not ...\" to the other, or ask for in_stage")
			return
		}
	}
}

func (c *compiler) loop(severity Severity, way []automatic, message, hint string) {
	p := c.plan
	var names []string
	for _, a := range way {
		names = append(names, p.Stages[a.from].Name)
	}
	names = append(names, p.Stages[way[len(way)-1].to].Name)
	first := &p.Transitions[way[0].rule]
	f := c.add(severity, codeLoop, c.of(first.Address), first.Address, fmt.Sprintf("automatic transitions lead %s: %s", strings.Join(names, " -> "), message), hint)
	for _, a := range way[1:] {
		c.related(f, c.of(p.Transitions[a.rule].Address), fmt.Sprintf("from %s to %s", p.Stages[a.from].Name, p.Stages[a.to].Name))
	}
}

// excludes reports whether two conditions certainly never hold together.
func excludes(a, b *Condition) bool {
	for _, x := range a.form.conjuncts() {
		for _, y := range b.form.conjuncts() {
			if condClash(x, y) {
				return true
			}
		}
	}
	return false
}

// waits reports whether a condition asks for some time in the stage.
func waits(c *Condition) bool {
	return slices.ContainsFunc(c.form.conjuncts(), func(f *condForm) bool {
		return f.leaf != nil && f.leaf.op == condInStage && len(f.spans) > 0 && f.spans[0].lo > 0
	})
}

// judgeHidden looks for rules that an earlier one always hides.
func (c *compiler) judgeHidden() {
	p := c.plan
	for s := range p.Stages {
		var rules []ordered
		for _, i := range p.Index.Automatic[s] {
			t := &p.Transitions[i]
			rules = append(rules, ordered{t.Address, t.Name, t.When, true})
		}
		c.hidden(rules, func(later, earlier ordered) string {
			return fmt.Sprintf("%s never moves a lead out of %s: whenever it could, %s comes first", later.name, p.Stages[s].Name, earlier.name)
		})
	}
	var rules []ordered
	for i := range p.Assignment {
		a := &p.Assignment[i]
		// an account owner, a person or a pool may be unable to take a lead; a queue never is
		rules = append(rules, ordered{a.Address, a.Name, a.When, a.Queue >= 0 || a.Pool >= 0 && a.Otherwise >= 0})
	}
	c.hidden(rules, hiddenRule)
	rules = rules[:0]
	for i := range p.Rules {
		rules = append(rules, ordered{p.Rules[i].Address, p.Rules[i].Name, p.Rules[i].When, true})
	}
	c.hidden(rules, hiddenRule)
}

func hiddenRule(later, earlier ordered) string {
	name := earlier.name
	if name == "" {
		name = earlier.address
	}
	return fmt.Sprintf("this rule never decides: whenever it could, %s comes first", quote(name))
}

// ordered is a rule of a list of which the first that holds decides.
type ordered struct {
	address, name string
	when          *Condition
	decides       bool // it leaves nothing to later ones where it holds
}

func (c *compiler) hidden(rules []ordered, message func(later, earlier ordered) string) {
	pairs := 0
	for i, later := range rules {
		for _, earlier := range rules[:i] {
			if pairs++; pairs > mostPairs {
				return
			}
			if !earlier.decides || !earlier.when.Hides(later.when) {
				continue
			}
			f := c.find(codeHidden, c.of(later.address), later.address, message(later, earlier), "put it before the other one, narrow that one down, or take one out")
			c.related(f, c.of(earlier.address), "the one that comes first")
			break
		}
	}
}
