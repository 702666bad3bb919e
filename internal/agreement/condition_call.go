package agreement

import (
	"fmt"
	"math"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// condFunction is a function of the language.
type condFunction struct {
	name, usage string
	least, most int // arguments
	lead        bool
}

var condFunctions = []condFunction{
	{"did", `did("demo_requested") or did("demo_requested", "7d")`, 1, 2, true},
	{"count", `count("page_viewed") or count("page_viewed", "30d")`, 1, 2, true},
	{"since", `since("demo_requested")`, 1, 1, true},
	{"age", `age(renewal)`, 1, 1, true},
	{"known", `known(title)`, 1, 1, false},
	{"matches_buyer", `matches_buyer("operations_lead")`, 1, 1, false},
	{"date", `date("2026-05-01")`, 1, 1, false},
}

func (c *condCompiler) call(n *ast.CallNode, from, to int) *condNode {
	name := condDotted(n.Callee)
	at := n.Callee.Location()
	i := slices.IndexFunc(condFunctions, func(f condFunction) bool { return f.name == name })
	if i < 0 {
		return c.unknownFunction(name, at.From, at.To, from, to)
	}
	f := &condFunctions[i]
	if len(n.Arguments) < f.least || len(n.Arguments) > f.most {
		c.find(condCall, from, to, fmt.Sprintf("%s takes %s, not %d", name, condArguments(f), len(n.Arguments)), "write "+f.usage)
		return condNothing(from, to)
	}
	if n.Arguments[0].Location().From < at.From {
		return c.foreign("values are not piped into functions", "write "+f.usage, from, to)
	}
	if f.lead && c.scope != ScopeLead {
		return c.outside(name+"()", from, to)
	}
	switch name {
	case "did", "count", "since":
		return c.activity(f, n, from, to)
	case "matches_buyer":
		return c.buyer(f, n, from, to)
	case "date":
		k, ok := c.literal(f, n.Arguments[0])
		if !ok {
			return condNothing(from, to)
		}
		d := c.date(k)
		return d.over(from, to)
	}
	kid := c.check(n.Arguments[0])
	if kid.op == condBad {
		return condNothing(from, to)
	}
	if kid.op == condConst {
		c.find(condCall, kid.from, kid.to, fmt.Sprintf("%s is a constant; %s asks about a value of the lead", c.excerpt(kid), name), "write "+f.usage)
		return condNothing(from, to)
	}
	if name == "known" {
		if kid.op == condTernary && kid.varies && condMoves(kid.kids[0]) {
			c.moving(kid)
			return condNothing(from, to)
		}
		return condMake(condKnown, Boolean, kid).over(from, to)
	}
	if kid.kind != Date {
		c.find(condCall, kid.from, kid.to, fmt.Sprintf("%s is %s; age is the time since a date", c.excerpt(kid), condWord(kid.kind)), "write "+f.usage)
		return condNothing(from, to)
	}
	if c.moving(kid) {
		return condNothing(from, to)
	}
	node := condMake(condAge, Duration, kid).over(from, to)
	node.varies, node.whole = true, true
	return node
}

func condArguments(f *condFunction) string {
	switch {
	case f.least != f.most:
		return "one or two arguments"
	case f.least == 1:
		return "one argument"
	}
	return fmt.Sprintf("%d arguments", f.least)
}

func (c *condCompiler) unknownFunction(name string, nameFrom, nameTo, from, to int) *condNode {
	hint := ""
	switch name {
	case "":
		return c.foreign("values have no functions of their own", "write a function with the value in brackets, such as known(title)", from, to)
	case "lower", "upper", "lowercase", "uppercase", "toLower", "toUpper":
		hint = "leave it out: texts compare without regard to letter case"
	case "now", "today":
		hint = "write since(\"activity\"), age(date) or in_stage for the time that has passed"
	case "len", "length":
		hint = "write known(x) to ask whether there is something"
	case "trim":
		hint = "leave it out"
	case "duration":
		hint = "write the duration as a text: \"14d\""
	case "exists", "isset", "defined", "has", "isNull", "is_null", "isEmpty", "is_empty":
		hint = "write known(x) or not known(x)"
	default:
		functions := condNames(condFunctions, func(f *condFunction) string { return f.name })
		if near := Nearest(name, functions); near != "" {
			hint = "did you mean " + near + "?"
		} else {
			hint = "the functions are did, count, since, age, known, matches_buyer and date"
		}
	}
	c.find(condCall, nameFrom, nameTo, "there is no function "+condClip(name), hint)
	return condNothing(from, to)
}

// literal reads an argument that must be a text in quotes.
func (c *condCompiler) literal(f *condFunction, n ast.Node) (*condNode, bool) {
	if name := condDotted(n); name != "" {
		from, to := c.extent(n)
		c.find(condCall, from, to, fmt.Sprintf("%s wants a text in quotes here", f.name), fmt.Sprintf("write %s(%q)", f.name, name))
		return nil, false
	}
	k := c.check(n)
	if k.op == condBad {
		return nil, false
	}
	if k.op != condConst || k.kind != Text {
		c.find(condCall, k.from, k.to, fmt.Sprintf("%s wants a text in quotes here", f.name), "write "+f.usage)
		return nil, false
	}
	return k, true
}

// activity checks did, count and since.
func (c *condCompiler) activity(f *condFunction, n *ast.CallNode, from, to int) *condNode {
	k, ok := c.literal(f, n.Arguments[0])
	slot := 0
	if ok {
		if slot, ok = c.p.Index.Activity[k.text]; !ok {
			hint := ""
			names := condNames(c.p.Activities, func(a *Activity) string { return a.Name })
			if near := Nearest(k.text, names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			} else if _, isAsset := c.p.Index.Asset[k.text]; isAsset {
				hint = "it is an asset; name the activity, such as a download"
			} else {
				hint = "declare it under activities"
			}
			c.find(condNoValue, k.from, k.to, fmt.Sprintf("%s is not an activity", c.excerpt(k)), hint)
		}
	}
	window, written := int64(0), ""
	if len(n.Arguments) == 2 {
		w, fine := c.literal(f, n.Arguments[1])
		if fine {
			w = c.duration(w)
			fine = w.op != condBad
		}
		if fine && w.num <= 0 {
			c.find(condSettled, w.from, w.to, "nothing happens within a window of no length", "write how far back to look: \"7d\"")
			fine = false
		}
		if !fine {
			return condNothing(from, to)
		}
		window, written = int64(w.num), w.text
	}
	if !ok {
		return condNothing(from, to)
	}
	c.topics.Add(c.p.ActivityTopic(slot))
	node := &condNode{from: from, to: to, size: 1, slot: slot, window: window, text: k.text, fold: written, unit: 1, most: math.Inf(1)}
	switch f.name {
	case "did":
		node.op, node.kind = condDid, Boolean
	case "count":
		node.op, node.kind, node.whole, node.varies = condCount, Number, true, window > 0
		if window > 0 {
			c.noteWindow(slot, window)
		}
	default:
		node.op, node.kind, node.whole, node.varies = condSince, Duration, true, true
		node.least = math.Inf(-1)
	}
	c.see(node)
	return node
}

// buyer checks matches_buyer.
func (c *condCompiler) buyer(f *condFunction, n *ast.CallNode, from, to int) *condNode {
	k, ok := c.literal(f, n.Arguments[0])
	if !ok {
		return condNothing(from, to)
	}
	i := slices.IndexFunc(c.p.Buyers, func(b Buyer) bool { return b.Name == k.text })
	if i < 0 {
		hint := "declare it under target_buyer"
		names := condNames(c.p.Buyers, func(b *Buyer) string { return b.Name })
		if near := Nearest(k.text, names); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		c.find(condNoValue, k.from, k.to, fmt.Sprintf("%s is not a target buyer", c.excerpt(k)), hint)
		return condNothing(from, to)
	}
	if c.p.Buyers[i].When == nil {
		c.find(condNoValue, k.from, k.to, fmt.Sprintf("the target buyer %s has no condition yet", c.excerpt(k)), "give it a when:, above the place that uses it")
		return condNothing(from, to)
	}
	when := c.p.Buyers[i].When
	c.topics.Merge(when.Topics)
	node := &condNode{op: condBuyer, kind: Boolean, from: from, to: to, size: 1, slot: i, text: k.text}
	c.see(node)
	for _, s := range when.seen {
		c.seeAs(s)
	}
	return node
}
