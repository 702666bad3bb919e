package agreement

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// Scope says what a condition may name besides the vocabulary.
type Scope uint8

// The scopes.
const (
	ScopeLead     Scope = iota // who and what: everything but properties
	ScopeFit                   // fit rules and target buyers: attributes, answers, origin, account.owner; nothing that time or engagement changes
	ScopeActivity              // engagement rules: attributes, answers and properties of the activity at hand
)

// conditionFinding is something wrong with an expression. Offset and Length
// count runes from the start of the expression. Hint may be empty.
type conditionFinding struct {
	Code           string
	Offset, Length int
	Message, Hint  string
}

// The codes of findings. They are stable: people search for them.
const (
	condSyntax   = "C01" // not an expression of the language
	condNoName   = "C02" // a name that the agreement does not declare
	condWrong    = "C03" // a value of the wrong type
	condCall     = "C04" // an unknown function, or wrong arguments
	condNoValue  = "C05" // an activity, buyer, stage, grade or choice that does not exist
	condSettled  = "C06" // cannot be true, or is always true
	condByZero   = "C07" // division by the constant zero
	condPattern  = "C08" // a pattern that is not valid, or hostile
	condMoving   = "C09" // a value that time changes, compared with something that is not constant
	condTooLarge = "C10" // too long or too deep
	condOutside  = "C11" // not allowed where the condition stands
	condBadTime  = "C12" // not a duration or date
)

// Limits of a condition; beyond them nobody can read it.
const (
	condMaxBytes   = 4 << 10
	condMaxDepth   = 64
	condMaxNodes   = 2000
	condMaxPattern = 500  // bytes
	condMaxProgram = 5000 // instructions of a compiled pattern
)

// condCompiler compiles one condition.
type condCompiler struct {
	p        *Plan
	scope    Scope
	source   []rune
	zone     *time.Location
	findings []conditionFinding
	topics   Topics
	seen     []seer
	windows  []condWindow
	extents  map[ast.Node][2]int
	checked  map[ast.Node]*condNode // the parser uses the middle of 1 < x < 5 twice
}

// compileCondition parses, checks and compiles source. p must hold Attributes,
// Properties, Questions, BuyingStages, Activities, Assets, Stages, Buyers (with
// the conditions that matches_buyer may use already compiled), Calendar for the
// zone of dates, and the maps and Topics of Index. p.Grade is read when a
// condition is asked for its next change, not before. The condition is nil if
// there is any finding. The caller passes the condition to p.noteCondition.
func compileCondition(p *Plan, scope Scope, place Clause, source string) (*Condition, []conditionFinding) {
	c := &condCompiler{
		p: p, scope: scope, source: []rune(source), zone: time.UTC, topics: NewTopics(max(p.Index.Topics, p.countTopics())),
		extents: map[ast.Node][2]int{}, checked: map[ast.Node]*condNode{},
	}
	if p.Calendar != nil {
		c.zone = p.Calendar.Zone()
	}
	tree := c.parse(source)
	if tree == nil {
		return nil, c.findings
	}
	root := c.truth(c.check(tree))
	if len(c.findings) == 0 && root.size > 2*condMaxNodes {
		c.find(condTooLarge, 0, len(c.source), fmt.Sprintf("the condition has more than %d parts", condMaxNodes), condSplitHint)
	}
	var form *condForm
	if len(c.findings) == 0 {
		form = c.settle(root)
	}
	if len(c.findings) > 0 {
		c.sort()
		return nil, c.findings
	}
	eval, next := c.compile(root)
	if next != nil {
		c.topics.Add(TopicTime)
	}
	return &Condition{
		Source: source, Place: place, Topics: c.topics,
		eval: eval, next: next, seen: c.seen, form: form, windows: c.windows,
	}, nil
}

// find records a finding about the runes from..to.
func (c *condCompiler) find(code string, from, to int, message, hint string) {
	from = max(0, min(from, len(c.source)-1))
	to = max(from+1, min(to, len(c.source)))
	for _, f := range c.findings {
		if f.Code == code && f.Offset == from {
			return // a chained comparison is checked twice
		}
	}
	c.findings = append(c.findings, conditionFinding{code, from, to - from, message, hint})
}

func (c *condCompiler) sort() {
	slices.SortStableFunc(c.findings, func(a, b conditionFinding) int { return cmp.Compare(a.Offset, b.Offset) })
}

// condOverrides makes the parser read every call as a plain call: the names are
// those that it would treat in a way of its own.
var condOverrides = func() conf.FunctionsTable {
	table := conf.FunctionsTable{}
	for _, f := range builtin.Builtins {
		table[f.Name] = f
	}
	for _, name := range []string{"all", "none", "any", "one", "filter", "map", "count", "sum", "find", "findIndex", "findLast", "findLastIndex", "groupBy", "sortBy", "reduce"} {
		table[name] = nil
	}
	return table
}()

func (c *condCompiler) parse(source string) ast.Node {
	if len(source) > condMaxBytes {
		c.find(condTooLarge, 0, len(c.source), fmt.Sprintf("the condition is %d bytes long; at most %d can be read", len(source), condMaxBytes), condSplitHint)
		return nil
	}
	if strings.TrimSpace(source) == "" {
		c.find(condSyntax, 0, len(c.source), "the condition is empty", "write what must hold, such as company.employees >= 200, or leave the condition out")
		return nil
	}
	config := conf.New(map[string]any{})
	config.Functions = condOverrides
	config.MaxNodes = condMaxNodes
	config.DisableIfOperator = true
	tree, err := parser.ParseWithConfig(source, config)
	if err != nil {
		var at *file.Error
		if !errors.As(err, &at) {
			at = &file.Error{Message: err.Error()}
		}
		c.syntax(at)
		return nil
	}
	if tree.Node == nil {
		c.find(condSyntax, 0, len(c.source), "the condition cannot be read", "")
		return nil
	}
	if condDepth(tree.Node, map[ast.Node]int{}) > condMaxDepth {
		c.find(condTooLarge, 0, len(c.source), fmt.Sprintf("the condition is nested more than %d deep", condMaxDepth), condSplitHint)
		return nil
	}
	return tree.Node
}

const condSplitHint = "name parts of it as target buyers, or use a list: x in [a, b, c]"

// syntax puts the parser's complaint into the agreement's words.
func (c *condCompiler) syntax(e *file.Error) {
	message, hint := e.Message, ""
	from, to := e.From, e.To
	rest, unexpected := strings.CutPrefix(message, "unexpected token ")
	switch {
	case strings.Contains(message, "maximum allowed nodes"):
		c.find(condTooLarge, 0, len(c.source), fmt.Sprintf("the condition has more than %d parts", condMaxNodes), condSplitHint)
		return
	case unexpected && rest == "EOF", strings.HasPrefix(message, "unexpected end"):
		message, hint = "the condition ends too early", "something is missing at the end: a value, or a closing bracket"
		from, to = len(c.source)-1, len(c.source)
	case unexpected:
		word := string(c.source[min(from, len(c.source)):min(to, len(c.source))])
		message = fmt.Sprintf("%s is not expected here", condClip(word))
		switch {
		case word == "=":
			message, hint = "= alone does not compare", "write == for \"is equal to\""
		case word == "&" || word == "|":
			hint = "write and, or"
		case word == ">" && from > 0 && c.source[from-1] == '<':
			hint = "write != for \"is not equal to\""
		case slices.Contains([]string{"and", "or", "not", "in"}, strings.ToLower(word)):
			hint = "write " + strings.ToLower(word) + " in lower case, between two conditions"
		case strings.HasPrefix(rest, "Identifier"), strings.HasPrefix(rest, "String"), strings.HasPrefix(rest, "Number"):
			hint = "is an operator missing before it, such as and, or, ==? texts stand in quotes"
		default:
			hint = "check the brackets and operators before it"
		}
	case strings.HasPrefix(message, "bad number"):
		message, hint = "this is not a number", "write numbers like 200 or 0.5, and durations in quotes: \"14d\""
		from = c.wordStart(from)
	case strings.HasPrefix(message, "literal not terminated"):
		message, hint = "a text begins here that has no closing quote", "close it with the quote it began with"
		from = c.openQuote()
		to = len(c.source)
	case strings.HasPrefix(message, "unrecognized character"):
		word := string(c.source[min(from, len(c.source)):min(to, len(c.source))])
		message = fmt.Sprintf("%s has no meaning here", condClip(word))
		if strings.ContainsAny(word, "“”„‘’«»") {
			hint = "use straight quotes: \"…\""
		}
	case strings.Contains(message, "cannot be mixed"):
		message, hint = "it is not clear what ?? applies to", "put it in brackets: (x ?? 0) > 5"
	case strings.HasPrefix(message, "integer literal"), strings.HasPrefix(message, "float literal"), strings.Contains(message, "literal:"):
		message, hint = "this number is too large or not a number", ""
		from = c.wordStart(from)
	case message == "expected name":
		message, hint = "a name must follow the dot", "such as company.industry"
	case strings.HasPrefix(message, "invalid char escape"):
		message, hint = "this backslash means nothing", "write \\\\ for a backslash"
	}
	c.find(condSyntax, from, to, message, hint)
}

// wordStart walks back to the start of the word that holds the rune at.
func (c *condCompiler) wordStart(at int) int {
	at = min(at, len(c.source)-1)
	for at > 0 && !strings.ContainsRune(" \t\n()[],<>=!+-*/", c.source[at-1]) {
		at--
	}
	return max(at, 0)
}

// openQuote finds the quote that is never closed.
func (c *condCompiler) openQuote() int {
	open, at := rune(0), 0
	for i := 0; i < len(c.source); i++ {
		switch r := c.source[i]; {
		case open == 0 && (r == '"' || r == '\'' || r == '`'):
			open, at = r, i
		case open != 0 && open != '`' && r == '\\':
			i++
		case r == open:
			open = 0
		}
	}
	return at
}

// condDepth is how deeply an expression is nested; a chain of one operator
// counts once.
func condDepth(n ast.Node, known map[ast.Node]int) int {
	if d, ok := known[n]; ok {
		return d
	}
	deepest := 0
	for _, kid := range condKids(n) {
		if kid == nil {
			continue
		}
		d := condDepth(kid, known)
		if b, ok := n.(*ast.BinaryNode); ok {
			if left, ok := kid.(*ast.BinaryNode); ok && kid == b.Left && left.Operator == b.Operator {
				d--
			}
		}
		deepest = max(deepest, d)
	}
	known[n] = deepest + 1
	return deepest + 1
}

// condKids returns the nodes right below n, in the order of the source.
func condKids(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return []ast.Node{n.Node, n.From, n.To}
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	}
	return nil
}

// extent returns the runes that a node of the parser covers. Brackets around the
// whole of it are left out, others are complete.
func (c *condCompiler) extent(n ast.Node) (from, to int) {
	if known, ok := c.extents[n]; ok {
		return known[0], known[1]
	}
	loc := n.Location()
	from, to = loc.From, loc.To
	if _, ok := n.(*ast.ConditionalNode); ok {
		from, to = len(c.source), 0 // its own place is the token after it
	}
	for _, kid := range condKids(n) {
		if kid == nil {
			continue
		}
		a, b := c.extent(kid)
		from, to = min(from, a), max(to, b)
	}
	switch n.(type) {
	case *ast.CallNode, *ast.BuiltinNode:
		to = c.closing(to, ')')
	case *ast.ArrayNode, *ast.SliceNode:
		to = c.closing(to, ']')
	case *ast.MapNode:
		to = c.closing(to, '}')
	case *ast.UnaryNode, *ast.BinaryNode, *ast.ConditionalNode:
		from, to = c.balanced(from, to)
	}
	c.extents[n] = [2]int{from, to}
	return from, to
}

// balanced widens from..to to the partners of the round brackets in it.
func (c *condCompiler) balanced(from, to int) (int, int) {
	quote, open, before := rune(0), 0, 0
	for i := from; i < to && i < len(c.source); i++ {
		switch r := c.source[i]; {
		case quote != 0 && quote != '`' && r == '\\':
			i++
		case r == quote:
			quote = 0
		case quote != 0:
		case r == '"' || r == '\'' || r == '`':
			quote = r
		case r == '(':
			open++
		case r == ')' && open > 0:
			open--
		case r == ')':
			before++
		}
	}
	for i := from - 1; i >= 0 && before > 0; i-- {
		if c.source[i] == '(' {
			from = i
			before--
		}
	}
	for i := to; i < len(c.source) && open > 0; i++ {
		if c.source[i] == ')' {
			to = i + 1
			open--
		}
	}
	return from, to
}

// closing returns the end of the bracket that closes what ends at to.
func (c *condCompiler) closing(to int, closer rune) int {
	for i := to; i < len(c.source); i++ {
		if c.source[i] == closer {
			return i + 1
		}
	}
	return to
}

// condClip keeps long input out of messages.
func condClip(s string) string {
	const limit = 40
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}
