package agreement

import (
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"baton/internal/calendar"
)

// check resolves names and types of an expression. It reports what is wrong and
// goes on, so that several findings come out of one expression; a part with a
// finding is condBad and causes no other.
func (c *condCompiler) check(n ast.Node) *condNode {
	if known, ok := c.checked[n]; ok {
		return known
	}
	node := c.checkNode(n)
	if node.size == 0 {
		node.size = 1
		for _, kid := range node.kids {
			node.size = min(node.size+kid.size, 1<<20)
		}
	}
	c.checked[n] = node
	return node
}

func (c *condCompiler) checkNode(n ast.Node) *condNode {
	from, to := c.extent(n)
	switch n := n.(type) {
	case *ast.BoolNode:
		num := 0.0
		if n.Value {
			num = 1
		}
		return &condNode{op: condConst, kind: Boolean, num: num, from: from, to: to}
	case *ast.IntegerNode:
		return c.number(float64(n.Value), from, to)
	case *ast.FloatNode:
		return c.number(n.Value, from, to)
	case *ast.StringNode:
		return &condNode{op: condConst, kind: Text, text: n.Value, fold: strings.ToLower(n.Value), from: from, to: to}
	case *ast.IdentifierNode:
		return c.name(n.Value, from, to)
	case *ast.MemberNode:
		if name := condDotted(n); name != "" {
			return c.name(name, from, to)
		}
		return c.foreign("values have no parts here", "write a name of the agreement, such as company.industry", from, to)
	case *ast.CallNode:
		return c.call(n, from, to)
	case *ast.UnaryNode:
		return c.unary(n, from, to)
	case *ast.BinaryNode:
		return c.binary(n, from, to)
	case *ast.ConditionalNode:
		return c.ternary(n, from, to)
	case *ast.NilNode:
		return c.foreign("nil is no value here", "write known(x) or not known(x)", from, to)
	case *ast.ArrayNode:
		c.find(condWrong, from, to, "a list is only expected after in", "write x in [\"a\", \"b\"]")
		return condNothing(from, to)
	}
	return c.foreign(condClip(string(c.source[from:min(to, len(c.source))]))+" is not part of the language of conditions", "", from, to)
}

func condNothing(from, to int) *condNode { return &condNode{from: from, to: to} }

func (c *condCompiler) foreign(message, hint string, from, to int) *condNode {
	c.find(condSyntax, from, to, message, hint)
	return condNothing(from, to)
}

func (c *condCompiler) number(num float64, from, to int) *condNode {
	return &condNode{op: condConst, kind: Number, num: num, from: from, to: to}
}

// condDotted returns a.b.c as written, or "" if a node is something else.
func condDotted(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.MemberNode:
		head := condDotted(n.Node)
		part, ok := n.Property.(*ast.StringNode)
		if head == "" || !ok || n.Optional || n.Method || part.Location() != n.Location() {
			return "" // n["part"] and calls; a dotted part stands where its node does
		}
		return head + "." + part.Value
	}
	return ""
}

// excerpt returns the source of a node for a message.
func (c *condCompiler) excerpt(n *condNode) string {
	return condClip(string(c.source[min(n.from, len(c.source)):min(n.to, len(c.source))]))
}

// wrong finds that n has not the type expected of it.
func (c *condCompiler) wrong(n *condNode, want, hint string) *condNode {
	if n.op != condBad {
		c.find(condWrong, n.from, n.to, fmt.Sprintf("%s is %s where %s is expected", c.excerpt(n), condWord(n.kind), want), hint)
	}
	return condNothing(n.from, n.to)
}

// truth reads a node as a condition: a name alone is true when it is known.
func (c *condCompiler) truth(n *condNode) *condNode {
	switch {
	case n.op == condBad || n.kind == Boolean:
		return n
	case n.op == condValue, n.op == condStage, n.op == condSide, n.op == condOrigin, n.op == condOwner,
		n.op == condAccountOwner, n.op == condHandoff, n.op == condBuyingStage:
		return condMake(condKnown, Boolean, n)
	}
	hint := "compare it with something, such as x == \"a\""
	switch {
	case n.op == condConst && n.kind == Text:
		hint = "names stand without quotes, and texts need a comparison: title == \"…\""
	case n.op == condCount && n.window == 0:
		hint = fmt.Sprintf("write did(%q), or compare it with a number", n.text)
	case n.op == condCount:
		hint = fmt.Sprintf("write did(%q, …), or compare it with a number", n.text)
	case n.kind == Number:
		hint = "compare it with a number, such as > 0"
	case n.kind == Duration:
		hint = "compare it with a duration, such as > \"14d\""
	case n.kind == condKindGrade:
		hint = "compare it with grades: grade in [\"A1\", \"A2\"]"
	}
	return c.wrong(n, "a condition", hint)
}

// condMake makes a node above kids that covers their runes.
func condMake(op condOp, kind Kind, kids ...*condNode) *condNode {
	n := &condNode{op: op, kind: kind, kids: kids, from: kids[0].from, to: kids[0].to, size: 1, unit: 1, least: math.Inf(-1), most: math.Inf(1)}
	for _, kid := range kids {
		n.from, n.to = min(n.from, kid.from), max(n.to, kid.to)
		n.varies = n.varies || kid.varies
		n.size = min(n.size+kid.size, 1<<20)
	}
	if kind == Boolean {
		n.varies = false // a truth may change with time; it is values that must not
	}
	return n
}

func condTruthNode(value bool, from, to int) *condNode {
	n := &condNode{op: condConst, kind: Boolean, from: from, to: to, size: 1}
	if value {
		n.num = 1
	}
	return n
}

func (n *condNode) over(from, to int) *condNode {
	n.from, n.to = from, to
	return n
}

func (c *condCompiler) unary(n *ast.UnaryNode, from, to int) *condNode {
	kid := c.check(n.Node)
	if kid.op == condBad {
		return condNothing(from, to)
	}
	switch n.Operator {
	case "not", "!":
		kid = c.truth(kid)
		if kid.op == condBad {
			return kid
		}
		return condMake(condNot, Boolean, kid).over(from, to)
	case "-":
		if kid.op == condConst && kid.kind == Text {
			kid = c.duration(kid)
		}
		switch {
		case kid.op == condBad:
			return condNothing(from, to)
		case kid.op == condConst && (kid.kind == Number || kid.kind == Duration):
			negative := *kid
			negative.num = -kid.num
			return negative.over(from, to)
		case kid.kind != Number:
			return c.wrong(kid, "a number", "")
		}
		return c.arithmetic(condNeg, from, to, kid)
	}
	if kid.kind != Number {
		return c.wrong(kid, "a number", "")
	}
	return kid
}

func (c *condCompiler) binary(n *ast.BinaryNode, from, to int) *condNode {
	switch n.Operator {
	case "and", "&&", "or", "||":
		a, b := c.truth(c.check(n.Left)), c.truth(c.check(n.Right))
		if a.op == condBad || b.op == condBad {
			return condNothing(from, to)
		}
		op := condAnd
		if n.Operator == "or" || n.Operator == "||" {
			op = condOr
		}
		return condMake(op, Boolean, a, b).over(from, to)
	case "==", "!=", "<", "<=", ">", ">=":
		return c.compare(n.Operator, c.check(n.Left), c.check(n.Right), from, to)
	case "in":
		return c.in(n, from, to)
	case "contains", "startsWith", "endsWith", "matches":
		return c.search(n, from, to)
	case "+", "-", "*", "/":
		return c.sum(n, from, to)
	case "??":
		a, b := c.check(n.Left), c.check(n.Right)
		return c.either(condCoalesce, nil, a, b, from, to)
	case "..":
		c.check(n.Left)
		c.check(n.Right)
		c.find(condWrong, from, to, "a range is only expected after in", "write x in 200..5000")
		return condNothing(from, to)
	}
	at := n.Location()
	hint := "numbers know + - * and /"
	if n.Operator == "%" {
		hint = "numbers know + - * and /; percentages are plain numbers"
	}
	return c.foreign(n.Operator+" is not part of the language of conditions", hint, at.From, at.To)
}

// condFlip is the operator with its sides exchanged.
var condFlip = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (c *condCompiler) compare(op string, a, b *condNode, from, to int) *condNode {
	if a.op == condBad || b.op == condBad {
		return condNothing(from, to)
	}
	a, b = c.adapt(a, b), c.adapt(b, a)
	if a.op == condConst && b.op != condConst {
		a, b, op = b, a, condFlip[op]
	}
	if a.op == condBad || b.op == condBad {
		return condNothing(from, to)
	}
	if a.kind != b.kind {
		return c.unlike(op, a, b)
	}
	equality := op == "==" || op == "!="
	switch a.kind {
	case Boolean:
		switch {
		case !equality:
			return c.wrong(b, "a number, date or duration", "booleans know == and !=; put a comparison in brackets when and, or, not stand beside it")
		case b.op == condConst && a.op != condConst:
			if (b.num != 0) == (op == "==") {
				return a
			}
			return condMake(condNot, Boolean, a).over(from, to)
		case a.op == condConst:
			return c.settled((a.num == b.num) == (op == "=="), from, to)
		}
		n := condMake(condSameTruth, Boolean, a, b).over(from, to)
		n.negate = op == "!="
		return n
	case Text, condKindGrade:
		if !equality {
			hint := "texts know ==, !=, in, contains, startsWith, endsWith and matches"
			if a.kind == condKindGrade {
				hint = "grades have two sides and no order; list those you mean: grade in [\"A1\", \"A2\", \"B1\"]"
			}
			return c.wrong(a, "a number, date or duration", hint)
		}
		if b.op == condConst {
			if a.op == condConst {
				return c.settled((a.fold == b.fold) == (op == "=="), from, to)
			}
			return c.oneOf(a, []*condNode{b}, op == "!=", from, to)
		}
		if c.moving(a) || c.moving(b) {
			return condNothing(from, to)
		}
		if condKey(a) == condKey(b) {
			return c.settled(op == "==", from, to)
		}
		n := condMake(condSameText, Boolean, a, b).over(from, to)
		n.negate = op == "!="
		return n
	}
	if b.op == condConst {
		if a.op == condConst {
			return c.settled(condHolds(op, a.num, b.num), from, to)
		}
		return c.within(a, op, b.num, from, to)
	}
	if c.moving(a) || c.moving(b) {
		return condNothing(from, to)
	}
	if condKey(a) == condKey(b) {
		return c.settled(op == "==" || op == "<=" || op == ">=", from, to)
	}
	n := condMake(condCompare, Boolean, a, b).over(from, to)
	n.text = op
	return n
}

func condHolds(op string, a, b float64) bool {
	switch op {
	case "==":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

// unlike finds that two kinds cannot be compared, at the side that looks wrong.
func (c *condCompiler) unlike(op string, a, b *condNode) *condNode {
	hint := ""
	literal := b.op == condConst
	switch {
	case a.kind == Boolean && a.op == condNot && c.startsNot(a):
		hint = "not applies to the name right after it; write not (x " + op + " y)"
	case a.kind == Boolean && literal && b.kind == Text:
		hint = "use its name alone, or not before it"
	case a.kind == Boolean && literal:
		hint = "use its name alone, or not before it; and, or, not apply to whole comparisons in brackets"
	case a.kind == Text && literal && b.kind == Number:
		hint = fmt.Sprintf("texts stand in quotes: %q", c.excerpt(b))
	case a.kind == Number && literal && b.kind == Text:
		if strings.TrimSpace(b.fold) != "" && strings.Trim(b.fold, "0123456789.") == "" {
			hint = "numbers stand without quotes: " + b.text
		}
	case a.kind == Duration && literal && b.kind == Number:
		hint = fmt.Sprintf("say of what unit: \"%s days\"", c.excerpt(b))
	case a.kind == Date && literal && b.kind == Number:
		hint = "write a date in quotes: \"2026-05-01\""
	case a.kind == Date && b.kind == Duration || a.kind == Duration && b.kind == Date:
		hint = "age(date) is the time that has passed since a date"
	}
	if b.kind == Duration && literal && a.kind != Duration {
		a, b = b, a // the literal was read as a duration because of the other side
	}
	return c.wrong(b, condWord(a.kind), hint)
}

func (c *condCompiler) startsNot(n *condNode) bool {
	return n.from < len(c.source) && (c.source[n.from] == 'n' || c.source[n.from] == '!')
}

// moving finds that a value changes with time and is not compared with a constant.
func (c *condCompiler) moving(n *condNode) bool {
	if !n.varies {
		return false
	}
	c.find(condMoving, n.from, n.to, fmt.Sprintf("%s changes as time passes and can only be compared with a constant", c.excerpt(n)),
		"compare it with a number or duration of the agreement, so that Baton knows when to look again")
	return true
}

// adapt reads a literal text as what the other side asks for.
func (c *condCompiler) adapt(n, other *condNode) *condNode {
	if n.op != condConst || n.kind != Text {
		return n
	}
	switch other.kind {
	case Date:
		return c.date(n)
	case Duration:
		return c.duration(n)
	case condKindGrade:
		return c.grade(n)
	}
	return n
}

func (c *condCompiler) date(n *condNode) *condNode {
	d, err := calendar.ParseDate(strings.TrimSpace(n.text))
	if err != nil || d.Year < calendar.FirstYear || d.Year > 2200 {
		c.find(condBadTime, n.from, n.to, fmt.Sprintf("%s is not a date", c.excerpt(n)), "write year, month and day: \"2026-05-01\"")
		return condNothing(n.from, n.to)
	}
	return &condNode{op: condConst, kind: Date, num: float64(c.day(d.Year, d.Month, d.Day)), from: n.from, to: n.to, size: 1}
}

// condLongest is the longest duration of a condition: 200 years of 365 days.
const condLongest = 200 * 365 * 86_400_000_000

func (c *condCompiler) duration(n *condNode) *condNode {
	text, negative := strings.CutPrefix(strings.TrimSpace(n.text), "-")
	d, err := calendar.ParseDuration(text)
	message, hint := fmt.Sprintf("%s is not a duration", c.excerpt(n)), "write a number and a unit: \"30 minutes\", \"36 hours\", \"14d\""
	switch {
	case err != nil:
		if _, why, ok := strings.Cut(err.Error(), "\": "); ok {
			why, forms, _ := strings.Cut(why, "write ")
			if why = strings.TrimSuffix(why, "; "); why != "" {
				message += ": " + why
			}
			if forms != "" && !strings.HasPrefix(forms, "a number and a unit") {
				hint = "write " + forms
			}
		}
	case d.Unit != calendar.Wall:
		message, hint = fmt.Sprintf("%s counts working time; conditions know hours and days of the clock only", c.excerpt(n)), "write \"36 hours\" or \"14d\"; working time belongs in limits and in within: of clocks"
	case d.Amount > condLongest:
		message, hint = fmt.Sprintf("%s is too long", c.excerpt(n)), "at most 200 years"
	default:
		num := float64(d.Amount)
		if negative {
			num = -num
		}
		return &condNode{op: condConst, kind: Duration, num: num, text: n.text, from: n.from, to: n.to, size: 1}
	}
	c.find(condBadTime, n.from, n.to, message, hint)
	return condNothing(n.from, n.to)
}

func (c *condCompiler) grade(n *condNode) *condNode {
	name := strings.ToUpper(strings.TrimSpace(n.text))
	if !slices.Contains(grades[:], name) {
		hint := "grades are a letter for fit, A to D, and a figure for engagement, 1 to 4"
		if len(name) == 1 && name >= "A" && name <= "D" {
			hint = fmt.Sprintf("for every grade of that fit write grade startsWith %q", name)
		}
		c.find(condNoValue, n.from, n.to, fmt.Sprintf("%s is not a grade", c.excerpt(n)), hint)
		return condNothing(n.from, n.to)
	}
	return &condNode{op: condConst, kind: condKindGrade, text: name, fold: name, from: n.from, to: n.to, size: 1}
}

// settled finds that a comparison always has the same outcome.
func (c *condCompiler) settled(truth bool, from, to int) *condNode {
	what := "can never be true"
	if truth {
		what = "is always true"
	}
	n := condNothing(from, to)
	c.find(condSettled, from, to, c.excerpt(n)+" "+what, "compare a value of the lead with a constant, or leave it out")
	return n
}

// distribute builds a comparison with a constant below ?? and ternaries, where
// only plain values are left.
func condDistribute(n *condNode, build func(*condNode) *condNode) *condNode {
	switch n.op {
	case condCoalesce:
		return condMake(condCoalesce, Boolean, condDistribute(n.kids[0], build), condDistribute(n.kids[1], build)).over(n.from, n.to)
	case condTernary:
		return condMake(condTernary, Boolean, n.kids[0], condDistribute(n.kids[1], build), condDistribute(n.kids[2], build)).over(n.from, n.to)
	}
	return build(n)
}

// condLeaves returns the plain values below ?? and ternaries.
func condLeaves(n *condNode) []*condNode {
	switch n.op {
	case condCoalesce:
		return append(condLeaves(n.kids[0]), condLeaves(n.kids[1])...)
	case condTernary:
		return append(condLeaves(n.kids[1]), condLeaves(n.kids[2])...)
	}
	return []*condNode{n}
}

// within compares a value with a constant.
func (c *condCompiler) within(a *condNode, op string, k float64, from, to int) *condNode {
	return c.spans(a, func(leaf *condNode) []condSpan {
		return []condSpan{condSpanOf(leaf, op, k)}
	}, op == "!=", from, to)
}

// spans asks whether a value is in one of the spans that a leaf of it is given.
func (c *condCompiler) spans(a *condNode, spans func(leaf *condNode) []condSpan, negate bool, from, to int) *condNode {
	plain := a.op != condCoalesce && a.op != condTernary
	n := condDistribute(a, func(leaf *condNode) *condNode {
		list := condUnion(spans(leaf))
		if leaf.op == condConst {
			return condTruthNode(condIn(list, leaf.num) != negate, from, to)
		}
		if plain {
			none := len(list) == 0
			all := len(list) == 1 && list[0].lo <= leaf.least && list[0].hi >= leaf.most
			outside := !slices.ContainsFunc(list, func(s condSpan) bool { return s.hi >= leaf.least && s.lo <= leaf.most })
			switch {
			case none || outside:
				return c.settled(negate, from, to)
			case all:
				return c.settled(!negate, from, to)
			}
		}
		n := condMake(condWithin, Boolean, leaf)
		n.spans, n.negate = list, negate
		return n
	})
	if n.op == condBad {
		return n
	}
	return n.over(from, to)
}

func condIn(list []condSpan, x float64) bool {
	for _, s := range list {
		if s.lo <= x && x <= s.hi {
			return true
		}
	}
	return false
}

// condUnits returns k in the stored units of a value, exactly where it has a
// decimal of that precision.
func condUnits(n *condNode, k float64) float64 {
	if n.unit <= 1 {
		return k
	}
	if r := math.Round(k * n.unit); r/n.unit == k {
		return r
	}
	return k * n.unit
}

// condSpanOf returns the stored values that compare to k as op says; != gives
// those of ==. Where nothing does, lo is above hi.
func condSpanOf(n *condNode, op string, k float64) condSpan {
	k = condUnits(n, k)
	s := condSpan{math.Inf(-1), math.Inf(1)}
	switch op {
	case "==", "!=":
		s = condSpan{k, k}
	case ">=":
		s.lo = k
	case "<=":
		s.hi = k
	case ">":
		s.lo = math.Nextafter(k, math.Inf(1))
	case "<":
		s.hi = math.Nextafter(k, math.Inf(-1))
	}
	return condWhole(n, s)
}

// condWhole narrows a span to the whole numbers in it where only those occur.
func condWhole(n *condNode, s condSpan) condSpan {
	if n.whole || n.kind == Duration || n.kind == Date {
		s.lo, s.hi = math.Ceil(s.lo), math.Floor(s.hi)
	}
	return s
}

// condUnion sorts spans, joins those that meet and drops the empty ones.
func condUnion(list []condSpan) []condSpan {
	list = slices.DeleteFunc(list, func(s condSpan) bool { return !(s.lo <= s.hi) || math.IsInf(s.hi, -1) || math.IsInf(s.lo, 1) })
	slices.SortFunc(list, func(a, b condSpan) int {
		if a.lo < b.lo {
			return -1
		}
		if a.lo > b.lo {
			return 1
		}
		return 0
	})
	var union []condSpan
	for _, s := range list {
		if last := len(union) - 1; last >= 0 && s.lo <= union[last].hi {
			union[last].hi = max(union[last].hi, s.hi)
			continue
		}
		union = append(union, s)
	}
	return union
}

// oneOf asks whether a text or grade is one of some constants.
func (c *condCompiler) oneOf(a *condNode, list []*condNode, negate bool, from, to int) *condNode {
	set := make([]string, 0, len(list))
	bad := false
	for _, k := range list {
		bad = bad || c.strange(a, k)
		set = append(set, k.fold)
	}
	if bad {
		return condNothing(from, to)
	}
	slices.Sort(set)
	set = slices.Compact(set)
	n := condDistribute(a, func(leaf *condNode) *condNode {
		if leaf.op == condConst {
			return condTruthNode(slices.Contains(set, leaf.fold) != negate, from, to)
		}
		n := condMake(condOneOf, Boolean, leaf)
		n.set, n.negate = set, negate
		return n
	})
	return n.over(from, to)
}

// strange finds a constant that a choice, or every leaf of ?? and ternaries, can never be.
func (c *condCompiler) strange(a, k *condNode) bool {
	var domain *condDomain
	for _, leaf := range condLeaves(a) {
		switch {
		case leaf.op == condConst && leaf.fold == k.fold:
			return false
		case leaf.op == condConst:
		case leaf.domain == nil || slices.Contains(leaf.domain.folded, k.fold):
			return false
		default:
			domain = leaf.domain
		}
	}
	if domain == nil {
		return false
	}
	hint := ""
	switch near := Nearest(k.fold, domain.names); {
	case near != "":
		hint = fmt.Sprintf("did you mean %q?", near)
	case len(domain.names) == 0:
		hint = "the agreement declares none"
	case len(domain.names) <= 12:
		hint = "one of " + strings.Join(domain.names, ", ")
	}
	c.find(condNoValue, k.from, k.to, fmt.Sprintf("%s is not a %s", c.excerpt(k), domain.what), hint)
	return true
}

func (c *condCompiler) in(n *ast.BinaryNode, from, to int) *condNode {
	a := c.check(n.Left)
	switch right := n.Right.(type) {
	case *ast.ArrayNode:
		return c.inList(a, right, from, to)
	case *ast.BinaryNode:
		if right.Operator == ".." {
			return c.inRange(a, right, from, to)
		}
	}
	b := c.check(n.Right)
	if b.op == condBad || a.op == condBad {
		return condNothing(from, to)
	}
	hint := "write x in [\"a\", \"b\"] or x in 1..5"
	if a.op == condConst && b.kind == Text {
		hint = fmt.Sprintf("write %s contains %s", c.excerpt(b), c.excerpt(a))
	}
	return c.wrong(b, "a list or a range", hint)
}

func (c *condCompiler) inList(a *condNode, right *ast.ArrayNode, from, to int) *condNode {
	if len(right.Nodes) == 0 {
		a, b := c.extent(right)
		c.find(condSettled, a, b, "nothing is in an empty list", "")
		return condNothing(from, to)
	}
	bad := a.op == condBad
	var list []*condNode
	for _, node := range right.Nodes {
		k := c.check(node)
		if k.op == condBad || a.op == condBad {
			bad = true
			continue
		}
		if k.op != condConst {
			c.find(condWrong, k.from, k.to, fmt.Sprintf("%s is not a constant; a list holds constants", c.excerpt(k)), fmt.Sprintf("write %s == %s or …", c.excerpt(a), c.excerpt(k)))
			bad = true
			continue
		}
		switch {
		case a.kind == condKindGrade && k.kind == Text:
			k = c.grade(k)
		case a.kind != Text && a.kind != Number && a.kind != condKindGrade:
			c.wrong(a, "a text or a number", "compare with ==, <, > instead of in")
			return condNothing(from, to)
		case k.kind != a.kind:
			k = c.unlike("==", a, k)
		}
		bad = bad || k.op == condBad
		list = append(list, k)
	}
	switch {
	case bad:
		return condNothing(from, to)
	case a.op == condConst:
		return c.settled(slices.ContainsFunc(list, func(k *condNode) bool { return k.num == a.num && k.fold == a.fold }), from, to)
	case a.kind == Number:
		return c.spans(a, func(leaf *condNode) []condSpan {
			var spans []condSpan
			for _, k := range list {
				spans = append(spans, condSpanOf(leaf, "==", k.num))
			}
			return spans
		}, false, from, to)
	}
	return c.oneOf(a, list, false, from, to)
}

func (c *condCompiler) inRange(a *condNode, right *ast.BinaryNode, from, to int) *condNode {
	lo, hi := c.check(right.Left), c.check(right.Right)
	bad := a.op == condBad
	for _, end := range []*condNode{lo, hi} {
		switch {
		case end.op == condBad:
			bad = true
		case end.op != condConst:
			c.find(condWrong, end.from, end.to, fmt.Sprintf("%s is not a constant; the ends of a range are constants", c.excerpt(end)), "write x >= a and x <= b")
			bad = true
		case end.kind != Number:
			c.wrong(end, "a number", "for dates and durations write x >= a and x <= b")
			bad = true
		}
	}
	if a.op != condBad && a.kind != Number {
		hint := ""
		if a.kind == Date || a.kind == Duration {
			hint = "ranges are for numbers; write x >= a and x <= b"
		}
		c.wrong(a, "a number", hint)
		bad = true
	}
	if bad {
		return condNothing(from, to)
	}
	if lo.num > hi.num {
		c.find(condSettled, lo.from, hi.to, fmt.Sprintf("the range %s..%s is empty", c.excerpt(lo), c.excerpt(hi)), fmt.Sprintf("write the smaller number first: %s..%s", c.excerpt(hi), c.excerpt(lo)))
		return condNothing(from, to)
	}
	if a.op == condConst {
		return c.settled(lo.num <= a.num && a.num <= hi.num, from, to)
	}
	return c.spans(a, func(leaf *condNode) []condSpan {
		return []condSpan{condWhole(leaf, condSpan{condUnits(leaf, lo.num), condUnits(leaf, hi.num)})}
	}, false, from, to)
}

// search checks contains, startsWith, endsWith and matches.
func (c *condCompiler) search(n *ast.BinaryNode, from, to int) *condNode {
	a, b := c.check(n.Left), c.check(n.Right)
	if a.op == condBad || b.op == condBad {
		return condNothing(from, to)
	}
	bad := false
	if b.kind != Text {
		c.wrong(b, "a text", "")
		bad = true
	}
	if a.kind != Text && a.kind != condKindGrade {
		hint := ""
		if a.kind == Boolean && a.op == condNot && c.startsNot(a) {
			hint = fmt.Sprintf("write x not %s y, or not (x %s y)", n.Operator, n.Operator)
		}
		c.wrong(a, "a text", hint)
		bad = true
	}
	var match func(string) bool
	if n.Operator == "matches" && b.kind == Text {
		match = c.pattern(b)
		bad = bad || match == nil
	}
	if bad {
		return condNothing(from, to)
	}
	if b.op == condConst && n.Operator != "matches" {
		switch n.Operator {
		case "contains":
			match = func(s string) bool { return strings.Contains(s, b.fold) }
		case "startsWith":
			match = func(s string) bool { return strings.HasPrefix(s, b.fold) }
		default:
			match = func(s string) bool { return strings.HasSuffix(s, b.fold) }
		}
		if b.fold == "" {
			return c.settled(true, from, to)
		}
	}
	if a.op == condConst && match != nil {
		return c.settled(match(a.fold), from, to)
	}
	if a.kind == condKindGrade {
		return c.searchGrade(a, b, match, from, to)
	}
	op := map[string]condOp{"contains": condContains, "startsWith": condStarts, "endsWith": condEnds, "matches": condMatches}[n.Operator]
	node := condMake(op, Boolean, a, b).over(from, to)
	node.match = match
	return node
}

// searchGrade turns grade startsWith "A" into a list of grades.
func (c *condCompiler) searchGrade(a, b *condNode, match func(string) bool, from, to int) *condNode {
	if match == nil {
		c.moving(a)
		return condNothing(from, to)
	}
	var list []*condNode
	for _, g := range grades {
		if match(strings.ToLower(g)) {
			list = append(list, &condNode{op: condConst, kind: condKindGrade, text: g, fold: g, from: b.from, to: b.to, size: 1})
		}
	}
	if len(list) == 0 || len(list) == len(grades) {
		return c.settled(len(list) > 0, from, to)
	}
	return c.oneOf(a, list, false, from, to)
}

// pattern compiles the pattern of matches. RE2 runs in time linear in the text;
// its size is what can be hostile.
func (c *condCompiler) pattern(b *condNode) func(string) bool {
	bad := func(message, hint string) func(string) bool {
		c.find(condPattern, b.from, b.to, message, hint)
		return nil
	}
	if b.op != condConst {
		return bad(fmt.Sprintf("the pattern %s is not a constant", c.excerpt(b)), "write the pattern in quotes, or use contains")
	}
	if len(b.text) > condMaxPattern {
		return bad(fmt.Sprintf("the pattern is %d bytes long; at most %d are read", len(b.text), condMaxPattern), "use several conditions, or in with a list")
	}
	const words = "patterns are RE2 (Go's regexp)"
	tree, err := syntax.Parse("(?i)(?:"+b.text+")", syntax.Perl)
	if err == nil {
		_, err = syntax.Parse(b.text, syntax.Perl) // a bracket too many would close ours
	}
	if err != nil {
		why := err.Error()
		if e, ok := err.(*syntax.Error); ok {
			why = e.Code.String()
			if e.Code == syntax.ErrLarge {
				return bad("the pattern repeats too much", "use smaller repetitions")
			}
			if e.Expr != "" && len(e.Expr) < len(b.text)+6 {
				why += ": " + condClip(e.Expr)
			}
		}
		return bad("the pattern cannot be read: "+why, words)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil || len(prog.Inst) > condMaxProgram {
		return bad("the pattern repeats too much", "use smaller repetitions")
	}
	re, err := regexp.Compile("(?i)(?:" + b.text + ")")
	if err != nil {
		return bad("the pattern cannot be read: "+err.Error(), words)
	}
	return re.MatchString
}

// sum checks + - * and /.
func (c *condCompiler) sum(n *ast.BinaryNode, from, to int) *condNode {
	a, b := c.check(n.Left), c.check(n.Right)
	if a.op == condBad || b.op == condBad {
		return condNothing(from, to)
	}
	op := map[string]condOp{"+": condAdd, "-": condSub, "*": condMul, "/": condDiv}[n.Operator]
	if op == condAdd || op == condSub {
		// "3d" after a date is a duration; after date - it may also be a date
		if a.kind == Date && b.op == condConst && b.kind == Text {
			if _, err := calendar.ParseDate(b.text); err == nil && op == condSub {
				b = c.date(b)
			} else {
				b = c.duration(b)
			}
		} else if b.kind == Date && a.op == condConst && a.kind == Text {
			if op == condSub {
				a = c.date(a)
			} else {
				a = c.duration(a)
			}
		}
		if a.op == condBad || b.op == condBad {
			return condNothing(from, to)
		}
		switch {
		case a.kind == Date && b.kind == Date && op == condSub:
			return c.arithmeticOf(op, Duration, from, to, a, b)
		case a.kind == Date && b.kind == Duration:
			return c.arithmeticOf(op, Date, from, to, a, b)
		case a.kind == Duration && b.kind == Date && op == condAdd:
			return c.arithmeticOf(op, Date, from, to, b, a)
		case a.kind == Date && b.kind == Date:
			return c.wrong(b, "a duration", "dates can be subtracted, not added")
		case a.kind == Date:
			return c.wrong(b, "a duration or a date", "write a duration in quotes: \"14d\"")
		}
	}
	bad := false
	for _, side := range []*condNode{a, b} {
		if side.kind != Number {
			hint := ""
			if side.kind == Text && op == condAdd {
				hint = "texts cannot be joined"
			}
			c.wrong(side, "a number", hint)
			bad = true
		}
	}
	if bad {
		return condNothing(from, to)
	}
	if op == condDiv && b.op == condConst && b.num == 0 {
		c.find(condByZero, b.from, b.to, "division by zero", "")
		return condNothing(from, to)
	}
	return c.arithmetic(op, from, to, a, b)
}

func (c *condCompiler) arithmetic(op condOp, from, to int, kids ...*condNode) *condNode {
	return c.arithmeticOf(op, Number, from, to, kids...)
}

func (c *condCompiler) arithmeticOf(op condOp, kind Kind, from, to int, kids ...*condNode) *condNode {
	bad, constant := false, true
	for _, kid := range kids {
		bad = c.moving(kid) || bad
		constant = constant && kid.op == condConst
	}
	if bad {
		return condNothing(from, to)
	}
	n := condMake(op, kind, kids...).over(from, to)
	if !constant {
		return n
	}
	num, ok := 0.0, true
	if op == condNeg {
		num = -kids[0].num
	} else {
		num, ok = condCalculate(op, kids[0].num, kids[1].num)
	}
	if !ok {
		c.find(condSettled, from, to, c.excerpt(n)+" is no finite number", "")
		return condNothing(from, to)
	}
	return &condNode{op: condConst, kind: kind, num: num, from: from, to: to, size: 1}
}

// condCalculate does one sum; it is missing where the result is no finite number.
func condCalculate(op condOp, a, b float64) (float64, bool) {
	switch op {
	case condAdd:
		a += b
	case condSub:
		a -= b
	case condMul:
		a *= b
	default:
		a /= b
	}
	return a, a-a == 0
}

func (c *condCompiler) ternary(n *ast.ConditionalNode, from, to int) *condNode {
	when := c.truth(c.check(n.Cond))
	return c.either(condTernary, when, c.check(n.Exp1), c.check(n.Exp2), from, to)
}

// either joins the two values of ?? or of a ternary.
func (c *condCompiler) either(op condOp, when, a, b *condNode, from, to int) *condNode {
	if a.op == condBad || b.op == condBad || when != nil && when.op == condBad {
		return condNothing(from, to)
	}
	a, b = c.adapt(a, b), c.adapt(b, a)
	if a.op != condBad && b.op != condBad && a.kind != b.kind {
		// a bare name may be meant as a condition
		if a.kind == Boolean && b.op != condConst {
			b = c.truth(b)
		} else if b.kind == Boolean && a.op != condConst && op == condTernary {
			a = c.truth(a)
		} else {
			b = c.wrong(b, condWord(a.kind), "both sides need the same type")
		}
	}
	if a.op == condBad || b.op == condBad {
		return condNothing(from, to)
	}
	if op == condCoalesce && a.op == condConst {
		c.find(condSettled, from, to, c.excerpt(a)+" is never missing", "leave ?? and what follows it out")
		return condNothing(from, to)
	}
	if op == condCoalesce {
		return condMake(op, a.kind, a, b).over(from, to)
	}
	node := condMake(op, a.kind, when, a, b).over(from, to)
	node.varies = a.kind != Boolean && (a.varies || b.varies || condMoves(when))
	return node
}

// condMoves reports whether time alone can change a truth.
func condMoves(n *condNode) bool {
	switch n.op {
	case condDid:
		return n.window > 0
	case condWithin, condOneOf:
		return n.kids[0].varies
	case condKnown:
		return false
	case condBuyer:
		return false // target buyers see nothing that time changes
	}
	return slices.ContainsFunc(n.kids, condMoves)
}
