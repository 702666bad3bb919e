package agreement

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"baton/internal/calendar"
)

// refer reads what refers to names, and all conditions.
func (c *compiler) refer() {
	c.referParties()
	c.referGoals()
	c.referBuyers() // before other conditions, which may ask matches_buyer
	c.referScoring()
	c.referReadiness()
	c.referStages()
	c.referTransitions()
	c.referHandbacks()
	c.referHandoffs()
	c.referTraits()
	c.referPeople()
	c.referAbsences()
	c.referAssignment()
	c.referClocks()
	c.referAlerts()
	c.referRules()
	c.referCommitments()
	c.referTele()
	c.referWorth()
	c.referRenamed()
	c.referBrief()
}

func (c *compiler) referParties() {
	for i, side := range []Side{Marketing, Sales} {
		party := Party{Side: side}
		if n := c.at("parties", side.String()); n != nil {
			party.Clause = c.declareClause("parties."+side.String(), c.naming(n))
			party.Signatory = c.email(field(n, "signatory"), party.Address)
		}
		c.plan.Parties[i] = party
	}
}

func (c *compiler) referGoals() {
	n := c.at("goals")
	if n == nil {
		return
	}
	for i, item := range n.items {
		if item.kind != mapping {
			continue
		}
		goal := Goal{Name: word(item, "name"), Measure: word(item, "measure")}
		goal.Clause = c.declareClause(addressOf("goals", item, i), item)
		if t := field(item, "target"); t != nil {
			if goal.Target, _ = number(t.value); goal.Target <= 0 {
				c.find(codeNumber, t, goal.Address, "a goal is more than nothing", "")
			}
		}
		if d, ok := c.date(field(item, "by"), goal.Address); ok {
			goal.By = time.Date(d.Year, d.Month, d.Day+1, 0, 0, 0, 0, c.zone).UnixMicro()
		}
		c.plan.Goals = append(c.plan.Goals, goal)
	}
}

func (c *compiler) referBuyers() {
	for i := range c.plan.Buyers {
		b := &c.plan.Buyers[i]
		b.When = c.condition(field(c.at("target_buyer", b.Name), "when"), ScopeFit, b.Address)
	}
}

// pointsOf reads the points of a rule.
func (c *compiler) pointsOf(n *node, address string) int64 {
	if n == nil {
		return 0
	}
	value, ok := points(n.value)
	switch {
	case !ok:
		c.find(codeNumber, n, address, fmt.Sprintf("%s is not a number of points", quote(n.value)), "points have at most six decimals and are at most a thousand million")
	case value == 0:
		c.find(codePoints, n, address, "this rule gives no points", "give it some, or take the rule out")
	}
	return value
}

var capWords = regexp.MustCompile(`^(\d{1,6}) per (.+)$`)

func (c *compiler) referScoring() {
	p := c.plan
	for _, e := range entriesOf(c.at("scoring", "fit")) {
		rule := FitRule{Clause: c.declareClause("scoring.fit."+e.key.value, e.key), Name: e.key.value}
		rule.Points = c.pointsOf(field(e.value, "points"), rule.Address)
		rule.When = c.condition(field(e.value, "when"), ScopeFit, rule.Address)
		p.Fit = append(p.Fit, rule)
	}
	for _, e := range entriesOf(c.at("scoring", "engagement")) {
		rule := EngagementRule{Clause: c.declareClause("scoring.engagement."+e.key.value, e.key), Name: e.key.value}
		rule.Points = c.pointsOf(field(e.value, "points"), rule.Address)
		for _, n := range list(e.value.get("activity")) {
			slot := c.slot(n, rule.Address, "activity", p.Index.Activity, "declare it under activities")
			if slot >= 0 && slices.Contains(rule.Activities, slot) {
				c.find(codeSameName, n, rule.Address, fmt.Sprintf("%s stands in the list twice", quote(n.value)), "")
			} else if slot >= 0 {
				rule.Activities = append(rule.Activities, slot)
			}
		}
		rule.Asset = c.slot(field(e.value, "asset"), rule.Address, "asset", p.Index.Asset, "declare it under assets")
		if e.value.kind == mapping && e.value.lookup("activity") == nil && e.value.lookup("asset") == nil {
			c.find(codeOnNothing, e.key, rule.Address, "this rule names neither an activity nor an asset", "say what the points are for: activity: NAME")
		}
		rule.When = c.condition(field(e.value, "when"), ScopeActivity, rule.Address)
		c.judgeProperties(&rule, field(e.value, "when"))
		if n := field(e.value, "at_most"); n != nil {
			rule.AtMost, rule.Per = c.cap(n, rule.Address)
		}
		rule.HalfLife = c.wall(field(e.value, "half_life"), rule.Address)
		rule.Expires = c.wall(field(e.value, "expires"), rule.Address)
		if a, b := field(e.value, "half_life"), field(e.value, "expires"); a != nil && b != nil {
			f := c.find(codeFades, b.name, rule.Address, "points either halve or expire, not both", "take one of them out")
			c.related(f, a.name, "the other one")
		}
		p.Engagement = append(p.Engagement, rule)
	}
	grade := c.at("scoring", "grade")
	if grade == nil || grade.kind != mapping {
		return
	}
	p.Grade.Clause = c.declareClause("scoring.grade", grade.name)
	p.Grade.FitClause = c.scale(grade.get("fit"), "scoring.grade.fit", []string{"A", "B", "C"}, &p.Grade.Fit)
	p.Grade.EngagementClause = c.scale(grade.get("engagement"), "scoring.grade.engagement", []string{"1", "2", "3"}, &p.Grade.Engagement)
}

// judgeProperties looks for properties that none of a rule's activities has: they would
// never be known, and the rule would never count.
func (c *compiler) judgeProperties(rule *EngagementRule, n *node) {
	if rule.When == nil || len(rule.Activities) == 0 {
		return
	}
	for _, seen := range rule.When.seen {
		name, ok := strings.CutPrefix(seen.name, "properties.")
		slot, known := c.plan.Index.Property[name]
		if !ok || !known {
			continue
		}
		has := func(a int) bool { return slices.Contains(c.plan.Activities[a].Properties, slot) }
		if slices.ContainsFunc(rule.Activities, has) {
			continue
		}
		at := strings.Index(n.value, seen.name)
		f := c.doc.finding(Error, codeUnknown, c.doc.spot(n, at), c.doc.spot(n, at)+len(seen.name),
			fmt.Sprintf("the activity %s has no property %s", c.plan.Activities[rule.Activities[0]].Name, quote(name)), "declare it under the properties of the activity")
		f.Address = rule.Address
		c.found = append(c.found, f)
	}
}

// cap reads "2 per 30d".
func (c *compiler) cap(n *node, address string) (most int, per int64) {
	words := capWords.FindStringSubmatch(strings.TrimSpace(n.value))
	if words == nil {
		hint := "write how often and in which time: 2 per 30d"
		if isCount(n.value) {
			hint = fmt.Sprintf("say in which time: %s per 30d", n.value)
		}
		c.find(codeCap, n, address, fmt.Sprintf("%s is not a cap", quote(n.value)), hint)
		return 0, 0
	}
	most, _ = strconv.Atoi(words[1])
	if most == 0 {
		c.find(codeCap, n, address, "at most 0 times is never", "take it out, or let it count")
		return 0, 0
	}
	d, err := calendar.ParseDuration(words[2])
	if err != nil || d.Unit != calendar.Wall || d.Amount == 0 {
		hint := "write the time by the clock on the wall, such as 30d"
		if err != nil {
			hint = reason(err)
		}
		c.find(codeCap, n, address, fmt.Sprintf("%s is not a time to count in", quote(words[2])), hint)
		return 0, 0
	}
	return most, d.Amount
}

// scale reads three thresholds that descend.
func (c *compiler) scale(n *node, address string, names []string, thresholds *[3]int64) Clause {
	if n == nil || n.kind != mapping {
		return Clause{}
	}
	clause := c.declareClause(address, c.naming(n))
	for i, name := range names {
		at := field(n, name)
		if at == nil {
			return clause
		}
		value, ok := points(at.value)
		if !ok {
			c.find(codeNumber, at, address, fmt.Sprintf("%s is not a number of points", quote(at.value)), "points have at most six decimals and are at most a thousand million")
			return clause
		}
		thresholds[i] = value
		if i > 0 && value >= thresholds[i-1] {
			c.find(codeDescending, at, address, fmt.Sprintf("%s takes as many points as %s, or more", name, names[i-1]), "thresholds descend: a better grade takes more points")
		}
	}
	return clause
}

func (c *compiler) referReadiness() {
	for _, e := range entriesOf(c.at("readiness")) {
		level, err := strconv.Atoi(e.key.value)
		if err != nil || level < 1 || level > 5 || e.key.value != strconv.Itoa(level) {
			c.find(codeReadiness, e.key, "readiness", fmt.Sprintf("%s is not a readiness level", quote(e.key.value)), "levels run from 1 to 5")
			continue
		}
		r := ReadinessLevel{Clause: c.declareClause("readiness."+e.key.value, e.key), Level: level, Definition: word(e.value, "definition")}
		r.When = c.condition(field(e.value, "when"), ScopeLead, r.Address)
		c.plan.Readiness = append(c.plan.Readiness, r)
	}
	slices.SortFunc(c.plan.Readiness, func(a, b ReadinessLevel) int { return a.Level - b.Level })
}

func (c *compiler) stage(n *node, address string) int {
	return c.slot(n, address, "stage", c.plan.Index.Stage, "declare it under stages")
}

func (c *compiler) referStages() {
	for i := range c.plan.Stages {
		s := &c.plan.Stages[i]
		n := c.at("stages", s.Name)
		s.Limit, _ = c.duration(field(n, "limit"), s.Address, true)
		s.OnBreach = c.ladder(n.get("on_breach"), s.Address+".on_breach")
		s.Remind = c.reminders(n, s.Address, s.Limit)
		c.deadlineHours(n, s.Address, s.Address+".limit")
		if at := n.get("on_breach"); at != nil && n.lookup("limit") == nil {
			c.find(codeRequired, at.name, s.Address, "steps for a breach, but no limit to breach", "add a limit, such as 5 working days")
		}
	}
}

var atMostTimes = regexp.MustCompile(`^reassign at most (\d{1,3})( times)?$`)

const stepForms = "steps are: remind owner, remind manager, reassign, reassign at most 2, escalate manager, escalate EMAIL, return to STAGE, queue NAME"

// ladder reads a list of steps.
func (c *compiler) ladder(n *node, address string) []Step {
	var steps []Step
	if n == nil || n.kind != sequence {
		return nil
	}
	for i, item := range n.items {
		if item.kind != scalar || item.bad {
			continue
		}
		step, ok := c.step(item, address)
		if !ok {
			continue
		}
		step.Clause = c.declareClause(address+"."+strconv.Itoa(i+1), item)
		steps = append(steps, step)
	}
	return steps
}

func (c *compiler) step(n *node, address string) (Step, bool) {
	text := strings.Join(strings.Fields(n.value), " ")
	step := Step{Text: text, Stage: -1}
	verb, rest, _ := strings.Cut(text, " ")
	wrong := func(hint string) (Step, bool) {
		c.find(codeStep, n, address, fmt.Sprintf("%s is not a step", quote(text)), hint)
		return step, false
	}
	switch verb {
	case "remind":
		if rest != "owner" && rest != "manager" {
			return wrong("remind owner, or remind manager")
		}
		step.Kind, step.Target = Remind, rest
	case "reassign":
		step.Kind, step.Times = Reassign, 1
		if rest == "" {
			break
		}
		words := atMostTimes.FindStringSubmatch(text)
		if words == nil {
			return wrong("reassign, or reassign at most 2")
		}
		if step.Times, _ = strconv.Atoi(words[1]); step.Times == 0 {
			return wrong("reassign at least once, or take the step out")
		}
	case "escalate":
		step.Kind = Escalate
		rest = strings.TrimPrefix(rest, "to ")
		if rest == "manager" {
			step.Target = rest
			break
		}
		if why := emailTrouble(rest); why != "" {
			return wrong("escalate manager, or escalate with an e-mail address")
		}
		step.Target = strings.ToLower(rest)
	case "return":
		step.Kind = ReturnTo
		name, ok := strings.CutPrefix(rest, "to ")
		if !ok {
			return wrong("return to STAGE")
		}
		if step.Stage = c.stage(c.lastWords(n, name), address); step.Stage < 0 {
			return step, false
		}
	case "queue":
		step.Kind = ToQueue
		if rest == "" {
			return wrong("queue NAME")
		}
		if c.slot(c.lastWords(n, rest), address, "queue", c.queues, "declare it under queues") < 0 {
			return step, false
		}
		step.Target = rest
	default:
		if near := Nearest(verb, []string{"remind", "reassign", "escalate", "return", "queue"}); near != "" {
			return wrong(fmt.Sprintf("did you mean %s? %s", near, stepForms))
		}
		return wrong(stepForms)
	}
	return step, true
}

// openStages are the stages of a list, each once, of which none ends a pass; why says what an end is no place for.
func (c *compiler) openStages(n *node, address, why, hint string) (slots []int) {
	for _, v := range list(n) {
		slot := c.stage(v, address)
		switch {
		case slot < 0:
		case slices.Contains(slots, slot):
			c.find(codeSameName, v, address, fmt.Sprintf("%s stands in the list twice", quote(v.value)), "")
		case c.plan.Stages[slot].Final != NotFinal:
			c.find(codeIdle, v, address, fmt.Sprintf("the stage %s ends a pass; %s", v.value, why), hint)
		default:
			slots = append(slots, slot)
		}
	}
	return slots
}

func (c *compiler) referTransitions() {
	for i := range c.plan.Transitions {
		t := &c.plan.Transitions[i]
		n := c.at("transitions", t.Name)
		t.From = c.openStages(n.get("from"), t.Address, "nobody leaves it", "take it out of from")
		t.To = c.stage(field(n, "to"), t.Address)
		if t.To >= 0 && slices.Contains(t.From, t.To) {
			c.find(codeIdle, field(n, "to"), t.Address, "this transition leads to where it begins", "")
		}
		t.When = c.condition(field(n, "when"), ScopeLead, t.Address)
		if n != nil && n.kind == mapping && !n.bad && n.lookup("when") == nil && n.lookup("by") == nil {
			c.find(codeIdle, n.name, t.Address, "nothing and nobody makes this transition", "say when it happens by itself, or by which side: when, by")
		}
	}
}

func (c *compiler) referHandbacks() {
	for i := range c.plan.Handbacks {
		h := &c.plan.Handbacks[i]
		n := c.at("handbacks", h.Name)
		h.To = c.stage(field(n, "to"), h.Address)
		h.Track = c.slot(field(n, "track"), h.Address, "track", c.tracks, "declare it under tracks")
		h.Revisit = c.wall(field(n, "revisit"), h.Address)
		h.Class = "recycle"
		switch to := n.lookup("to"); {
		case to == nil && n != nil && n.kind == mapping:
			c.find(codeNowhere, n.name, h.Address, "this hand-back leads nowhere", "say which stage the lead goes to")
		case h.To >= 0 && c.plan.Stages[h.To].Final == Won:
			c.find(codeNowhere, to, h.Address, fmt.Sprintf("a lead that is handed back is not won, but %s is", to.value), "")
		case h.To >= 0 && c.plan.Stages[h.To].Final != NotFinal:
			h.Class = "disqualify"
		}
	}
}

func (c *compiler) referHandoffs() {
	for i := range c.plan.Handoffs {
		h := &c.plan.Handoffs[i]
		n := c.at("handoffs", h.Name)
		if n == nil || n.kind != mapping {
			continue
		}
		h.From, h.To = c.stage(field(n, "from"), h.Address), c.stage(field(n, "to"), h.Address)
		h.AcceptWithin, _ = c.duration(field(n, "accept_within"), h.AcceptClause.Address, true)
		h.ContactWithin, _ = c.duration(field(n, "contact_within"), h.ContactClause.Address, true)
		h.OnBreach = c.ladder(n.get("on_breach"), h.Address+".on_breach")
		h.Remind = c.reminders(n, h.Address, h.AcceptWithin, h.ContactWithin)
		c.deadlineHours(n, h.Address, h.AcceptClause.Address, h.ContactClause.Address)
		h.OnNoContact = c.ladder(n.get("on_no_contact"), h.Address+".on_no_contact")
		for _, reason := range list(n.get("reject")) {
			slot := c.slot(reason, h.Address, "hand-back", c.plan.Index.Handback, "declare it under handbacks")
			if slot >= 0 && slices.Contains(h.Reject, slot) {
				c.find(codeSameName, reason, h.Address, fmt.Sprintf("%s stands in the list twice", quote(reason.value)), "")
			} else if slot >= 0 {
				h.Reject = append(h.Reject, slot)
			}
		}
		if at := n.get("on_no_contact"); at != nil && n.lookup("contact_within") == nil {
			c.find(codeRequired, at.name, h.Address, "steps for no contact, but no deadline for it", "add contact_within, such as 1 working day")
		}
	}
}

func (c *compiler) referPeople() {
	c.poolHours()
	for _, e := range entriesOf(c.at("people")) {
		n := e.value
		p := Person{Clause: c.declareClause("people."+strings.ToLower(e.key.value), e.key), ID: strings.ToLower(e.key.value), Name: word(n, "name"), Side: sideOf(word(n, "side")), Weight: 1}
		if at := field(n, "manager"); at != nil {
			p.Manager = c.email(at, p.Address)
		}
		for _, pool := range list(n.get("pools")) {
			if slot := c.slot(pool, p.Address, "pool", c.plan.Index.Pool, "declare it under pools"); slot >= 0 && !slices.Contains(p.Pools, slot) {
				p.Pools = append(p.Pools, slot)
			}
		}
		if at := field(n, "weight"); at != nil {
			if f, _ := number(at.value); f < 1 {
				c.find(codeNumber, at, p.Address, "a weight is at least 1", "to give somebody no leads, take them out of the pool")
			} else {
				p.Weight = int(f)
			}
		}
		if at := field(n, "capacity"); at != nil {
			f, _ := number(at.value)
			p.Capacity = int(f)
		}
		if at := field(n, "per_day"); at != nil {
			f, _ := number(at.value)
			p.PerDay = int(f)
		}
		for k := range p.Traits {
			for _, trait := range list(n.get(traitSections[k])) {
				slot := c.slot(trait, p.Address, traitWords[k], c.traits[k], "declare it under "+traitSections[k])
				if slot >= 0 && !slices.Contains(p.Traits[k], slot) {
					p.Traits[k] = append(p.Traits[k], slot)
				}
			}
			slices.Sort(p.Traits[k])
		}
		p.Accounts = c.namedAccounts(n, &p)
		p.Hours = c.ownHours(n, p.Address, c.shared)
		c.plan.People = append(c.plan.People, p)
	}
	for i := range c.plan.People {
		if p := &c.plan.People[i]; p.Manager != "" && !c.isPerson(p.Manager) {
			at := field(c.personNode(p.ID), "manager")
			c.warn(codeUnknown, at, p.Address, fmt.Sprintf("%s is not among the people", p.Manager), c.suggest(p.Manager, c.peopleNames(), ""))
		}
	}
}

// ownHours makes the calendar of a person with other hours or another zone, nil for neither.
func (c *compiler) ownHours(n *node, address string, calendars map[string]*calendar.Calendar) *calendar.Calendar {
	zone, week := c.zone, c.week
	at, hours := field(n, "timezone"), n.get("hours")
	if at == nil && hours == nil {
		return nil
	}
	if at != nil {
		zone = c.timezone(at, address)
	}
	if hours != nil {
		own, _, ok := c.hours(hours, address)
		if !ok {
			return nil
		}
		week = own
	}
	name := fmt.Sprint(zone, week)
	if have, ok := calendars[name]; ok {
		return have
	}
	made, err := calendar.New(zone, week, c.closures)
	if err != nil {
		c.find(codeHours, hours, address, err.Error(), "")
		return nil
	}
	calendars[name] = made
	return made
}

func (c *compiler) personNode(id string) *node {
	for _, e := range entriesOf(c.at("people")) {
		if strings.ToLower(e.key.value) == id {
			return e.value
		}
	}
	return nil
}

func (c *compiler) isPerson(id string) bool {
	return slices.ContainsFunc(c.plan.People, func(p Person) bool { return p.ID == id })
}

func (c *compiler) peopleNames() []string {
	return condNames(c.plan.People, func(p *Person) string { return p.ID })
}

// notePerson warns of an address that is not among the people, if there are any: they
// can join later.
func (c *compiler) notePerson(n *node, id, address string) {
	if len(c.plan.People) > 0 && !c.isPerson(id) {
		c.warn(codeUnknown, n, address, fmt.Sprintf("%s is not among the people", id), c.suggest(id, c.peopleNames(), ""))
	}
}

func (c *compiler) referAssignment() {
	n := c.at("assignment")
	if n == nil {
		return
	}
	for i, item := range n.items {
		if item.kind != mapping {
			continue
		}
		a := AssignmentRule{Name: word(item, "name"), Pool: -1, Queue: -1, Otherwise: -1}
		a.Clause = c.declareClause(addressOf("assignment", item, i), item)
		a.When = c.condition(field(item, "when"), ScopeLead, a.Address)
		if to := field(item, "to"); to != nil {
			c.assignTo(to, &a)
		}
		c.referMatch(item, &a)
		by, otherwise := field(item, "by"), field(item, "otherwise")
		a.By = Method(max(0, slices.Index(methods, word(item, "by"))))
		if by != nil && a.Pool < 0 && item.get("to") != nil && !strings.HasPrefix(word(item, "to"), "pool") {
			c.find(codeTarget, by.name, a.Address, "only a pool is shared out", "take by out, or assign to a pool")
		}
		if otherwise != nil {
			kind, name, _ := strings.Cut(strings.TrimSpace(otherwise.value), " ")
			switch {
			case kind != "queue":
				c.find(codeTarget, otherwise, a.Address, fmt.Sprintf("%s is not a queue", quote(otherwise.value)), "write queue NAME")
			default:
				a.Otherwise = c.slot(c.lastWords(otherwise, strings.TrimSpace(name)), a.Address, "queue", c.queues, "declare it under queues")
			}
		}
		c.plan.Assignment = append(c.plan.Assignment, a)
	}
}

// lastWords makes a node of the end of a scalar, for findings.
func (c *compiler) lastWords(n *node, s string) *node {
	if !strings.HasSuffix(n.value, s) || n.style >= literal {
		return &node{kind: scalar, start: n.start, end: n.end, value: s}
	}
	start := c.doc.spot(n, len(n.value)-len(s))
	return &node{kind: scalar, start: start, end: start + len(s), value: s}
}

func (c *compiler) assignTo(n *node, a *AssignmentRule) {
	text := strings.TrimSpace(n.value)
	kind, name, _ := strings.Cut(text, " ")
	name = strings.TrimSpace(name)
	switch {
	case text == "account.owner":
		a.ToOwner = true
	case text == "account.named":
		a.ToNamed = true
		if slot, ok := c.plan.Index.Attribute["company.domain"]; !ok || c.plan.Attributes[slot].Kind != Text {
			c.find(codeAccount, n, a.Address, "accounts are named by their domain, and the agreement does not have it", "declare it under attributes: company.domain: text")
		}
	case kind == "pool" && name != "":
		a.Pool = c.slot(c.lastWords(n, name), a.Address, "pool", c.plan.Index.Pool, "declare it under pools")
	case kind == "queue" && name != "":
		a.Queue = c.slot(c.lastWords(n, name), a.Address, "queue", c.queues, "declare it under queues")
	case strings.Contains(text, "@"):
		if a.Person = c.email(n, a.Address); a.Person != "" {
			c.notePerson(n, a.Person, a.Address)
		}
	default:
		hint := "write account.owner, account.named, pool NAME, queue NAME, or an e-mail address"
		if _, ok := c.plan.Index.Pool[text]; ok {
			hint = "write pool " + text
		} else if _, ok := c.queues[text]; ok {
			hint = "write queue " + text
		}
		c.find(codeTarget, n, a.Address, fmt.Sprintf("nobody can be found by %s", quote(text)), hint)
	}
}

func (c *compiler) referClocks() {
	c.clocks = declareEach(c, "clocks", &c.plan.Clocks, func(k *ClockRule, clause Clause, name string, n *node) {
		*k = ClockRule{Clause: clause, Name: name, Definition: word(n, "definition")}
		k.Start = c.condition(field(n, "start"), ScopeLead, clause.Address)
		k.Pause = c.condition(field(n, "pause"), ScopeLead, clause.Address)
		k.Stop = c.condition(field(n, "stop"), ScopeLead, clause.Address)
		for _, key := range [...]string{"start", "pause", "stop"} { // reasons cite them
			if at := n.get(key); at != nil {
				c.declareClause(clause.Address+"."+key, at)
			}
		}
		k.Within, _ = c.duration(field(n, "within"), clause.Address, true)
		k.OnBreach = c.ladder(n.get("on_breach"), clause.Address+".on_breach")
		k.Remind = c.reminders(n, clause.Address, k.Within)
		c.deadlineHours(n, clause.Address, clause.Address)
	})
}

func (c *compiler) referRules() {
	n := c.at("rules_of_engagement")
	if n == nil {
		return
	}
	for i, item := range n.items {
		if item.kind != mapping {
			continue
		}
		r := SpeakRule{Name: word(item, "name")}
		r.Clause = c.declareClause(addressOf("rules_of_engagement", item, i), item)
		r.When = c.condition(field(item, "when"), ScopeLead, r.Address)
		r.Speaks = [...]Speaker{SpeakNobody, SpeakSales, SpeakMarketing, SpeakOriginator, SpeakBoth, SpeakNobody}[slices.Index(speakers, word(item, "speaks"))+1]
		r.Marketing = c.channelsOf(item.get("marketing"), r.Address)
		r.Sales = c.channelsOf(item.get("sales"), r.Address)
		c.plan.Rules = append(c.plan.Rules, r)
	}
}

// channelsOf reads none, all, or names of channels.
func (c *compiler) channelsOf(n *node, address string) []string {
	items := list(n)
	var names []string
	for _, item := range items {
		switch item.value {
		case "none", "all":
			if len(items) > 1 {
				c.find(codeWord, item, address, fmt.Sprintf("%s stands beside other channels", item.value), "write it alone")
			}
		default:
			if c.slot(item, address, "channel", c.channels, "declare it under channels, or write none or all") < 0 {
				continue
			}
		}
		names = append(names, item.value)
	}
	return names
}

var promiseWords = regexp.MustCompile(`^at least ([0-9][0-9_.]*)( ?%)? per (day|week|month|quarter)$`)

func (c *compiler) referCommitments() {
	var names []string
	for _, m := range Measures {
		names = append(names, m.Name)
	}
	for _, side := range []Side{Marketing, Sales} {
		for _, e := range entriesOf(c.at("commitments", side.String())) {
			address := "commitments." + side.String() + "." + e.key.value
			i := slices.Index(names, e.key.value)
			if i < 0 {
				c.find(codeUnknown, e.key, address, fmt.Sprintf("there is no measure %s", quote(e.key.value)), c.suggest(e.key.value, names, ""))
				continue
			}
			if e.value.kind != scalar || e.value.bad {
				continue
			}
			m := Commitment{Clause: c.declareClause(address, e.key), Name: e.key.value, Side: side, Text: strings.Join(strings.Fields(e.value.value), " ")}
			words := promiseWords.FindStringSubmatch(m.Text)
			example := "at least 120 per month"
			if Measures[i].Percent {
				example = "at least 95% per month"
			}
			if words == nil {
				c.find(codePromise, e.value, address, fmt.Sprintf("%s is not a commitment", quote(m.Text)), fmt.Sprintf("write it such as %q; periods are day, week, month and quarter", example))
				continue
			}
			var ok bool
			m.AtLeast, ok = number(words[1])
			m.Percent, m.Per = words[2] != "", words[3]
			switch {
			case !ok:
				c.find(codePromise, e.value, address, fmt.Sprintf("%s is not a number", quote(words[1])), fmt.Sprintf("write it such as %q", example))
			case m.Percent != Measures[i].Percent:
				what := "a number"
				if Measures[i].Percent {
					what = "a share, in percent"
				}
				c.find(codePromise, e.value, address, fmt.Sprintf("%s is %s", m.Name, what), fmt.Sprintf("write it such as %q", example))
			case m.Percent && m.AtLeast > 100:
				c.find(codePromise, e.value, address, "this is more than all", "")
			}
			c.plan.Commitments = append(c.plan.Commitments, m)
		}
	}
}

func (c *compiler) referRenamed() {
	p := c.plan
	x := &p.Index
	for _, kind := range []struct {
		section, path, what, word string
		slots                     map[string]int
	}{
		{"stages", "stages", "stage", "stage", x.Stage},
		{"attributes", "attributes", "attribute", "attribute", x.Attribute},
		{"questions", "questions", "question", "question", x.Question},
		{"buying_stages", "buying_stages", "buying_stage", "buying stage", slotsOf(p.BuyingStages, func(n *Named) string { return n.Name })},
		{"activities", "activities", "activity", "activity", x.Activity},
		{"assets", "assets", "asset", "asset", x.Asset},
		{"fit", "scoring.fit", "fit", "fit rule", slotsOf(p.Fit, func(r *FitRule) string { return r.Name })},
		{"engagement", "scoring.engagement", "engagement", "engagement rule", slotsOf(p.Engagement, func(r *EngagementRule) string { return r.Name })},
		{"handoffs", "handoffs", "handoff", "hand-off", x.Handoff},
		{"handbacks", "handbacks", "handback", "hand-back", x.Handback},
		{"tracks", "tracks", "track", "track", slotsOf(p.Tracks, func(n *Named) string { return n.Name })},
		{"clocks", "clocks", "clock", "clock", c.clocks},
		{"pools", "pools", "pool", "pool", x.Pool},
		{"queues", "queues", "queue", "queue", slotsOf(p.Queues, func(n *Named) string { return n.Name })},
	} {
		for _, e := range entriesOf(c.at("renamed", kind.section)) {
			r := Rename{What: kind.what, From: e.key.value}
			r.Clause = c.declareClause("renamed."+kind.section+"."+e.key.value, e.key)
			if e.value.kind != scalar || e.value.bad {
				continue
			}
			r.To = e.value.value
			c.slot(e.value, r.Address, kind.word, kind.slots, "declare it under "+kind.path)
			if _, ok := kind.slots[r.From]; ok {
				f := c.find(codeRenamed, e.key, r.Address, fmt.Sprintf("the %s %s still exists", kind.word, quote(r.From)), "the old name stands first, the new one after the colon")
				c.related(f, c.nodes[kind.path+"."+r.From], "here")
			}
			c.plan.Renamed = append(c.plan.Renamed, r)
		}
	}
}

// slotsOf returns the places of elements by their names.
func slotsOf[T any](list []T, name func(*T) string) map[string]int {
	slots := make(map[string]int, len(list))
	for i := range list {
		slots[name(&list[i])] = i
	}
	return slots
}

func (c *compiler) referBrief() {
	b := &c.plan.Brief
	b.Activities = 3
	n := c.at("brief")
	if n == nil {
		return
	}
	b.Clause = c.declareClause("brief", c.naming(n))
	if at := field(n, "activities"); at != nil {
		f, _ := number(at.value)
		b.Activities = int(f)
	}
	for _, item := range list(n.get("show")) {
		if c.slot(item, "brief", "attribute", c.plan.Index.Attribute, "declare it under attributes") >= 0 {
			b.Show = append(b.Show, item.value)
		}
	}
}
