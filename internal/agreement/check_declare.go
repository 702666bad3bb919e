package agreement

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// declare gives every name its slot, so that references may go either way.
func (c *compiler) declare() {
	p := c.plan
	p.Index.Clause = map[string]Clause{}
	p.Name = word(c.doc.root, "agreement")
	if n := c.at("calendar"); n != nil {
		c.declareClause("calendar", c.naming(n))
	}

	c.declareAttributes()
	c.declareQuestions()
	c.named("buying_stages", &p.BuyingStages)
	c.declareActivities()

	p.Index.Stage = declareEach(c, "stages", &p.Stages, func(s *Stage, clause Clause, name string, n *node) {
		*s = Stage{Clause: clause, Name: name, Definition: word(n, "definition")}
		s.Side = sideOf(word(n, "side"))
		s.Final = Final(slices.Index(finals, word(n, "final")) + 1)
		if at := field(n, "limit"); at != nil {
			c.declareClause(clause.Address+".limit", at.name)
		}
	})
	p.Index.Transition = declareEach(c, "transitions", &p.Transitions, func(t *Transition, clause Clause, name string, n *node) {
		*t = Transition{Clause: clause, Name: name, To: -1, By: sideOf(word(n, "by"))}
	})
	p.Index.Handoff = declareEach(c, "handoffs", &p.Handoffs, func(h *Handoff, clause Clause, name string, n *node) {
		*h = Handoff{Clause: clause, Name: name, From: -1, To: -1, AcceptClause: clause, ContactClause: clause}
		if at := field(n, "accept_within"); at != nil {
			h.AcceptClause = c.declareClause(clause.Address+".accept_within", at.name)
		}
		if at := field(n, "contact_within"); at != nil {
			h.ContactClause = c.declareClause(clause.Address+".contact_within", at.name)
		}
	})
	p.Index.Handback = declareEach(c, "handbacks", &p.Handbacks, func(h *Handback, clause Clause, name string, n *node) {
		*h = Handback{Clause: clause, Name: name, Definition: word(n, "definition"), To: -1, Track: -1}
		h.Keep = Keep(max(0, slices.Index(keeps, word(n, "keep"))))
	})
	c.tracks = c.named("tracks", &p.Tracks)
	p.Index.Pool = c.named("pools", &p.Pools)
	for k := range p.Traits {
		c.traits[k] = declareEach(c, traitSections[k], &p.Traits[k], func(t *Trait, clause Clause, name string, n *node) {
			*t = Trait{Clause: clause, Name: name, Definition: word(n, "definition")}
		})
	}
	c.queues = c.named("queues", &p.Queues)
	var channels []Named
	c.channels = c.named("channels", &channels)
	for _, ch := range channels {
		p.Channels = append(p.Channels, Channel(ch))
	}
	declareEach(c, "target_buyer", &p.Buyers, func(b *Buyer, clause Clause, name string, n *node) {
		*b = Buyer{Clause: clause, Name: name, Definition: word(n, "definition")}
	})
	p.Index.Topics = p.countTopics()
	p.Index.Window = make([]int64, len(p.Activities))
}

// declareEach makes an element for each entry of a section and returns the slots by name.
func declareEach[T any](c *compiler, section string, list *[]T, fill func(t *T, clause Clause, name string, n *node)) map[string]int {
	slots := map[string]int{}
	for _, e := range entriesOf(c.at(section)) {
		slots[e.key.value] = len(*list)
		var t T
		fill(&t, c.declareClause(section+"."+e.key.value, e.key), e.key.value, e.value)
		*list = append(*list, t)
	}
	return slots
}

// named reads a section that is a list of names or a mapping from names to definitions.
func (c *compiler) named(section string, elements *[]Named) map[string]int {
	slots := map[string]int{}
	add := func(n *node, definition string) {
		if c.nameShape(n, nameForm, section); n.bad {
			return
		}
		if _, ok := slots[n.value]; !ok {
			slots[n.value] = len(*elements)
		}
		*elements = append(*elements, Named{c.declareClause(section+"."+n.value, n), n.value, definition})
	}
	n := c.at(section)
	if n == nil {
		return slots
	}
	if n.kind == sequence {
		for _, item := range list(n) {
			add(item, "")
		}
		return slots
	}
	for _, e := range entriesOf(n) {
		definition := word(e.value, "definition")
		if e.value.kind == scalar && !e.value.bad {
			definition = strings.TrimSpace(e.value.value)
		}
		add(e.key, definition)
	}
	return slots
}

// kindOf reads a type: a word, or a list of choices.
func (c *compiler) kindOf(n *node, address string) (Kind, []string) {
	if n == nil || n.bad {
		return Text, nil
	}
	if n.kind == scalar {
		return [...]Kind{Text, Text, Number, Boolean, Date}[slices.Index(kindWords, n.value)+1], nil
	}
	var choices []string
	first := map[string]*node{}
	for _, item := range list(n) {
		folded := strings.ToLower(item.value)
		if same, ok := first[folded]; ok {
			f := c.find(codeSameName, item, address, fmt.Sprintf("%s stands in the list twice; conditions compare without regard to case", quote(item.value)), "")
			c.related(f, same, "the first one")
			continue
		}
		first[folded] = item
		choices = append(choices, item.value)
	}
	return Choice, choices
}

func (c *compiler) declareAttributes() {
	p := c.plan
	p.Index.Attribute = map[string]int{}
	reserved := conditionNames()
	for _, e := range entriesOf(c.at("attributes")) {
		name := e.key.value
		address := "attributes." + name
		head, _, _ := strings.Cut(name, ".")
		switch {
		case slices.Contains(reserved, name), head == "answers", head == "properties", slices.Contains(reservedWords, name):
			c.find(codeName, e.key, address, fmt.Sprintf("%s has a meaning of its own in conditions", quote(name)), "give the attribute another name")
			continue
		}
		a := Attribute{Clause: c.declareClause(address, e.key), Name: name, Company: strings.HasPrefix(name, "company.")}
		a.Kind, a.Choices = c.kindOf(e.value, address)
		p.Index.Attribute[name] = len(p.Attributes)
		p.Attributes = append(p.Attributes, a)
	}
}

// reservedWords are words of the grammar of conditions.
var reservedWords = []string{"and", "or", "not", "in", "contains", "startsWith", "endsWith", "matches", "true", "false", "nil", "let", "if", "else",
	"did", "count", "since", "age", "known", "matches_buyer", "date"}

func (c *compiler) declareQuestions() {
	p := c.plan
	p.Index.Question = declareEach(c, "questions", &p.Questions, func(q *Question, clause Clause, name string, n *node) {
		*q = Question{Clause: clause, Name: name, Ask: word(n, "ask")}
		if n.kind == mapping {
			n = n.get("type")
		}
		q.Kind, q.Choices = c.kindOf(n, clause.Address)
	})
}

func (c *compiler) declareActivities() {
	p := c.plan
	buying := map[string]int{}
	for i := range p.BuyingStages {
		buying[p.BuyingStages[i].Name] = i
	}
	worth := func(n *node) Worth { return Worth(max(0, slices.Index(worths, word(n, "value"))) + 1) }
	p.Index.Property = map[string]int{}
	property := map[string]*node{}
	p.Index.Activity = declareEach(c, "activities", &p.Activities, func(a *Activity, clause Clause, name string, n *node) {
		*a = Activity{Clause: clause, Name: name, Definition: word(n, "definition"), Worth: worth(n)}
		a.BuyingStage = c.slot(field(n, "buying_stage"), clause.Address, "buying stage", buying, "declare it under buying_stages")
		for _, e := range entriesOf(n.get("properties")) {
			address := clause.Address + ".properties." + e.key.value
			kind, choices := c.kindOf(e.value, address)
			slot, ok := p.Index.Property[e.key.value]
			if !ok {
				slot = len(p.Properties)
				p.Index.Property[e.key.value] = slot
				property[e.key.value] = e.key
				p.Properties = append(p.Properties, Attribute{Clause: c.declareClause(address, e.key), Name: e.key.value, Kind: kind, Choices: choices})
			} else if have := p.Properties[slot]; have.Kind != kind || !slices.Equal(have.Choices, choices) {
				f := c.find(codeSameName, e.key, address, fmt.Sprintf("the property %s has another type elsewhere", quote(e.key.value)), "a property has one type wherever it is used; give one another name")
				c.related(f, property[e.key.value], "here")
			}
			a.Properties = append(a.Properties, slot)
		}
	})
	p.Index.Asset = declareEach(c, "assets", &p.Assets, func(a *Asset, clause Clause, name string, n *node) {
		*a = Asset{Clause: clause, Name: name, Definition: word(n, "definition"), Worth: worth(n)}
		a.BuyingStage = c.slot(field(n, "buying_stage"), clause.Address, "buying stage", buying, "declare it under buying_stages")
	})
}

// sections says where names of a kind are declared.
var sections = map[string]string{
	"activity": "activities", "asset": "assets", "buying stage": "buying_stages", "stage": "stages", "queue": "queues",
	"track": "tracks", "hand-back": "handbacks", "hand-off": "handoffs", "pool": "pools", "channel": "channels",
	"attribute": "attributes", "question": "questions", "clock": "clocks",
}

// slot looks a name up, -1 for none. It keeps quiet where the section that would declare
// the name is misspelt: that is the cause, and it is told already.
func (c *compiler) slot(n *node, address, what string, slots map[string]int, none string) int {
	if n == nil || n.bad {
		return -1
	}
	if i, ok := slots[n.value]; ok {
		return i
	}
	if slices.Contains(c.misspelt, sections[what]) {
		return -1
	}
	hint := none
	if len(c.found) <= 2*mostFindings {
		hint = c.suggest(n.value, namesOf(slots), none)
	}
	c.find(codeUnknown, n, address, fmt.Sprintf("there is no %s %s", what, quote(n.value)), hint)
	return -1
}

// namesOf returns the names of slots in the order of the file.
func namesOf(slots map[string]int) []string {
	names := make([]string, 0, len(slots))
	for name := range slots { // order: sorted below
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return slots[a] - slots[b] })
	return names
}

func sideOf(s string) Side { return Side(slices.Index(sides, s) + 1) }

// addressOf makes the address of an item of a list: by its name, or its position.
func addressOf(section string, n *node, i int) string {
	if s := slug(word(n, "name")); s != "" {
		return section + "." + s
	}
	return section + "." + strconv.Itoa(i+1)
}
