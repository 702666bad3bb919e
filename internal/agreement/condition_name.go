package agreement

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// condOp says what a node of a checked condition is.
type condOp uint8

const (
	condBad   condOp = iota // a finding was made; nothing more is said about it
	condConst               // num or fold

	// values
	condValue // attribute, answer or property
	condActivities
	condPass
	condReadiness
	condFit
	condEngagement
	condScore
	condGrade
	condStage
	condSide
	condOrigin
	condOwner
	condAccountOwner
	condHandoff
	condContacted
	condBuyingStage
	condCount   // slot, window (0: ever)
	condInStage // durations until now
	condSince
	condAge

	// numbers
	condAdd
	condSub
	condMul
	condDiv
	condNeg

	// any kind
	condCoalesce
	condTernary

	// truths
	condAnd
	condOr
	condNot
	condWithin    // kid in spans
	condOneOf     // kid in set
	condCompare   // two values that are not constant, by text: one of == != < <= > >=
	condSameText  // two texts
	condSameTruth // two truths
	condContains
	condStarts
	condEnds
	condMatches
	condKnown
	condDid
	condBuyer
)

// condKindGrade is the kind of a grade; it exists in conditions only.
const condKindGrade = Duration + 1

// condWord returns a kind with its article.
func condWord(k Kind) string {
	switch k {
	case condKindGrade:
		return "a grade"
	case Text, Choice:
		return "a text"
	case Boolean:
		return "a boolean"
	}
	return "a " + k.String()
}

// condPlace says in which slice of Facts a value is.
type condPlace uint8

const (
	condLead condPlace = iota
	condCompany
	condAnswer
	condProperty
)

// condNode is a node of a checked condition.
type condNode struct {
	op       condOp
	kind     Kind // Text for choices too
	from, to int  // runes of the source
	kids     []*condNode
	size     int // nodes from here down

	place  condPlace
	slot   int
	num    float64 // constant number, date, duration (microseconds), boolean (0 or 1)
	text   string  // name, operator, or constant text as written
	fold   string  // constant text in lower case
	domain *condDomain
	window int64 // did, count: microseconds, 0 for ever
	spans  []condSpan
	set    []string
	negate bool // the opposite: condWithin, condOneOf, condSameText, condSameTruth; a boolean value in condition_eval.go only
	match  func(string) bool

	varies bool    // time alone changes the value
	whole  bool    // only whole numbers (of its unit) occur
	unit   float64 // how many of the stored units make one: Point for points
	least  float64 // nothing below occurs
	most   float64
}

// condDomain is the list of values that a text can take.
type condDomain struct {
	what   string // "stage", "choice of company.industry": what its values are
	names  []string
	folded []string
}

func condNewDomain(what string, names []string) *condDomain {
	d := &condDomain{what: what, names: names}
	for _, name := range names {
		d.folded = append(d.folded, strings.ToLower(name))
	}
	return d
}

func condNames[T any](list []T, name func(*T) string) []string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = name(&list[i])
	}
	return names
}

// condSpan is the values from lo to hi, both included, in stored units.
type condSpan struct{ lo, hi float64 }

// condBuiltin is a name that every agreement has.
type condBuiltin struct {
	name   string
	op     condOp
	kind   Kind
	fit    bool // allowed in ScopeFit
	varies bool
	topics []int
}

var condBuiltins = []condBuiltin{
	{name: "activities", op: condActivities, kind: Number, topics: []int{TopicActivities}},
	{name: "score", op: condScore, kind: Number, varies: true, topics: []int{TopicFit, TopicEngagement}},
	{name: "fit", op: condFit, kind: Number, topics: []int{TopicFit}},
	{name: "engagement", op: condEngagement, kind: Number, varies: true, topics: []int{TopicEngagement}},
	{name: "grade", op: condGrade, kind: condKindGrade, varies: true, topics: []int{TopicGrade}},
	{name: "readiness", op: condReadiness, kind: Number, topics: []int{TopicReadiness}},
	{name: "stage", op: condStage, kind: Text, topics: []int{TopicStage}},
	{name: "stage.side", op: condSide, kind: Text, topics: []int{TopicStage}},
	{name: "pass", op: condPass, kind: Number, topics: []int{TopicPass}},
	{name: "in_stage", op: condInStage, kind: Duration, varies: true, topics: []int{TopicStage}},
	{name: "origin", op: condOrigin, kind: Text, fit: true, topics: []int{TopicOrigin}},
	{name: "owner", op: condOwner, kind: Text, topics: []int{TopicOwner}},
	{name: "account.owner", op: condAccountOwner, kind: Text, fit: true, topics: []int{TopicAccountOwner}},
	{name: "handoff", op: condHandoff, kind: Text, topics: []int{TopicHandoff}},
	{name: "contacted", op: condContacted, kind: Boolean, topics: []int{TopicHandoff}},
	{name: "buying_stage", op: condBuyingStage, kind: Text, topics: []int{TopicBuyingStage}},
}

var (
	condSides    = []string{Marketing.String(), Sales.String()}
	condHandoffs = []string{"open", "accepted", "rejected", "expired", "escalated", "withdrawn"}
)

// conditionNames returns the names that conditions give a meaning of their own;
// an attribute cannot have one of them.
func conditionNames() []string {
	return condNames(condBuiltins, func(b *condBuiltin) string { return b.name })
}

// name resolves a dotted name that covers the runes from..to.
func (c *condCompiler) name(name string, from, to int) *condNode {
	for i := range condBuiltins {
		b := &condBuiltins[i]
		if b.name != name {
			continue
		}
		if c.scope == ScopeActivity || c.scope == ScopeFit && !b.fit {
			return c.outside(name, from, to)
		}
		n := &condNode{op: b.op, kind: b.kind, from: from, to: to, size: 1, text: name, varies: b.varies, unit: 1, least: math.Inf(-1), most: math.Inf(1)}
		for _, t := range b.topics {
			c.topics.Add(t)
		}
		switch b.op {
		case condScore, condFit, condEngagement:
			n.whole, n.unit = true, Point
		case condActivities:
			n.whole, n.least = true, 0
		case condReadiness:
			n.whole, n.least, n.most = true, 0, 5
		case condPass:
			n.whole = true
		case condStage:
			n.domain = condNewDomain("stage", condNames(c.p.Stages, func(s *Stage) string { return s.Name }))
		case condBuyingStage:
			n.domain = condNewDomain("buying stage", condNames(c.p.BuyingStages, func(s *Named) string { return s.Name }))
		case condSide, condOrigin:
			n.domain = condNewDomain("side", condSides)
		case condHandoff:
			n.domain = condNewDomain("state of a hand-off", condHandoffs)
		}
		c.see(n)
		return n
	}
	if slot, ok := c.p.Index.Attribute[name]; ok {
		a := &c.p.Attributes[slot]
		place := condLead
		if a.Company {
			place = condCompany
		}
		c.topics.Add(c.p.AttributeTopic(slot))
		return c.value(place, slot, a.Kind, name, a.Choices, from, to)
	}
	if short, ok := strings.CutPrefix(name, "answers."); ok {
		if slot, ok := c.p.Index.Question[short]; ok {
			q := &c.p.Questions[slot]
			c.topics.Add(c.p.QuestionTopic(slot))
			return c.value(condAnswer, slot, q.Kind, name, q.Choices, from, to)
		}
	}
	if short, ok := strings.CutPrefix(name, "properties."); ok {
		if slot, ok := c.p.Index.Property[short]; ok {
			if c.scope != ScopeActivity {
				return c.outside(name, from, to)
			}
			a := &c.p.Properties[slot]
			c.topics.Add(TopicProperties)
			return c.value(condProperty, slot, a.Kind, name, a.Choices, from, to)
		}
	}
	return c.unknown(name, from, to)
}

func (c *condCompiler) value(place condPlace, slot int, kind Kind, name string, choices []string, from, to int) *condNode {
	n := &condNode{op: condValue, kind: kind, place: place, slot: slot, from: from, to: to, size: 1, text: name, unit: 1, least: math.Inf(-1), most: math.Inf(1)}
	if kind == Choice {
		n.kind, n.domain = Text, condNewDomain("choice of "+name, choices)
	}
	n.whole = kind == Date
	c.see(n)
	return n
}

// outside finds that a name or function has no place here.
func (c *condCompiler) outside(what string, from, to int) *condNode {
	hint := "ask about it in a transition, hand-off, clock, readiness or assignment"
	message := what + " cannot be used in fit rules and target buyers, which say who a lead is"
	switch {
	case strings.HasPrefix(what, "properties."):
		message = what + " belongs to one activity and cannot be used here"
		hint = "ask about it in a rule of scoring.engagement"
	case c.scope == ScopeActivity:
		message = what + " cannot be used in engagement rules, which say what one activity is worth"
	}
	c.find(condOutside, from, to, message, hint)
	return &condNode{from: from, to: to}
}

// unknown finds that nothing has this name and suggests what may be meant.
func (c *condCompiler) unknown(name string, from, to int) *condNode {
	hint := ""
	last := name[strings.LastIndexByte(name, '.')+1:]
	_, isActivity := c.p.Index.Activity[name]
	_, isQuestion := c.p.Index.Question[last]
	_, isProperty := c.p.Index.Property[last]
	_, isStage := c.p.Index.Stage[name]
	_, isAsset := c.p.Index.Asset[name]
	switch {
	case isActivity:
		hint = fmt.Sprintf("%s is an activity: did(%q)", name, name)
	case isStage:
		hint = fmt.Sprintf("%s is a stage: stage == %q", name, name)
	case isQuestion:
		hint = "did you mean answers." + last + "?"
	case isProperty && c.scope == ScopeActivity:
		hint = "did you mean properties." + last + "?"
	case name == "asset" || isAsset:
		hint = "name the asset beside the condition: asset: NAME"
	case name == "now" || name == "today":
		hint = "write since(\"activity\"), age(date) or in_stage for the time that has passed"
	case name == "null" || name == "none" || name == "None" || name == "missing":
		hint = "write known(x) or not known(x)"
	case name == "True" || name == "False" || name == "yes" || name == "no":
		hint = "write true or false, or the name of a boolean alone"
	default:
		if near := Nearest(name, c.names()); near != "" {
			hint = "did you mean " + near + "?"
		} else if choice := c.choice(name); choice != "" {
			hint = fmt.Sprintf("texts stand in quotes: %q", choice)
		} else {
			hint = "declare it under attributes, questions or activities, or put it in quotes if it is a text"
		}
	}
	c.find(condNoName, from, to, "nothing in the agreement is called "+condClip(name), hint)
	return &condNode{from: from, to: to}
}

// names returns all that may be named here, in the order of the agreement.
func (c *condCompiler) names() []string {
	names := condNames(c.p.Attributes, func(a *Attribute) string { return a.Name })
	for i := range c.p.Questions {
		names = append(names, "answers."+c.p.Questions[i].Name)
	}
	if c.scope == ScopeActivity {
		for i := range c.p.Properties {
			names = append(names, "properties."+c.p.Properties[i].Name)
		}
		return names
	}
	for i := range condBuiltins {
		if c.scope == ScopeLead || condBuiltins[i].fit {
			names = append(names, condBuiltins[i].name)
		}
	}
	return names
}

// choice finds a choice that is spelled like name, or "".
func (c *condCompiler) choice(name string) string {
	for i := range c.p.Attributes {
		for _, choice := range c.p.Attributes[i].Choices {
			if strings.EqualFold(choice, name) {
				return choice
			}
		}
	}
	return ""
}

// see notes a value for Saw, once.
func (c *condCompiler) see(n *condNode) { c.seeAs(seer{condName(n), c.show(n)}) }

func (c *condCompiler) seeAs(s seer) {
	if !slices.ContainsFunc(c.seen, func(known seer) bool { return known.name == s.name }) {
		c.seen = append(c.seen, s)
	}
}

// day returns the first instant of a local date.
func (c *condCompiler) day(year int, month time.Month, day int) int64 {
	t := time.Date(year, month, day, 0, 0, 0, 0, c.zone)
	if t.Day() != day {
		_, t = t.ZoneBounds() // the clocks skipped midnight
	}
	return t.UnixMicro()
}
