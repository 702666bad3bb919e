package document

import (
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// calls makes the parser read every call as a plain one, as conditions mean it.
var calls = func() conf.FunctionsTable {
	table := conf.FunctionsTable{}
	for _, f := range builtin.Builtins {
		table[f.Name] = f
	}
	for _, name := range []string{"all", "none", "any", "one", "filter", "map", "count", "sum", "find", "findIndex", "findLast",
		"findLastIndex", "groupBy", "sortBy", "reduce"} {
		table[name] = nil
	}
	return table
}()

// inWords writes a condition as a clause of a sentence: "company employees is at
// least 200 and the grade is A1 or B1". The second result is false where there are
// no words for it; then the first is the source. Without a condition it says "always".
func inWords(p *agreement.Plan, c *agreement.Condition) (string, bool) {
	if c == nil {
		return "always", true
	}
	config := conf.New(map[string]any{})
	config.Functions = calls
	config.DisableIfOperator = true
	tree, err := parser.ParseWithConfig(c.Source, config)
	if err != nil || tree.Node == nil {
		return c.Source, false
	}
	w := wording{plan: p}
	s := w.truth(tree.Node, false)
	if w.lost {
		return c.Source, false
	}
	return s, true
}

// wording turns the tree of a condition into words. lost is set when it meets
// something it has no words for.
type wording struct {
	plan *agreement.Plan
	lost bool
}

func (w *wording) giveUp() string { w.lost = true; return "" }

// truth words a node that is true or false, or its opposite.
func (w *wording) truth(n ast.Node, not bool) string {
	switch n := n.(type) {
	case *ast.BoolNode:
		if n.Value != not {
			return "always"
		}
		return "never"
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return w.truth(n.Node, !not)
		}
	case *ast.BinaryNode:
		switch op := n.Operator; op {
		case "and", "&&", "or", "||":
			return w.chain(n, not)
		case "==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith", "matches":
			return w.compare(op, n.Left, n.Right, not)
		}
	case *ast.ConditionalNode:
		return w.bracket("if "+w.truth(n.Cond, false)+" then "+w.truth(n.Exp1, not)+", otherwise "+w.truth(n.Exp2, not), true)
	case *ast.CallNode:
		name, args := called(n)
		switch name {
		case "did":
			if not {
				return "the lead did not do " + w.activity(args) + w.window(args)
			}
			return "the lead did " + w.activity(args) + w.window(args)
		case "known":
			if len(args) == 1 {
				if strings.HasPrefix(dotted(args[0]), "answers.") {
					return w.question(dotted(args[0])) + is(not) + " answered"
				}
				return w.value(args[0]) + is(not) + " known"
			}
		case "matches_buyer":
			if len(args) == 1 {
				if not {
					return "the lead does not match the target buyer " + quoted(title(literal(args[0])))
				}
				return "the lead matches the target buyer " + quoted(title(literal(args[0])))
			}
		}
		return w.giveUp()
	case *ast.IdentifierNode, *ast.MemberNode, *ast.ChainNode:
		return w.alone(dotted(n), not)
	}
	return w.giveUp()
}

func is(not bool) string {
	if not {
		return " is not"
	}
	return " is"
}

func (w *wording) bracket(s string, needed bool) string {
	if needed {
		return "(" + s + ")"
	}
	return s
}

// chain words a run of and, or of or; a different run within it gets brackets.
func (w *wording) chain(n *ast.BinaryNode, not bool) string {
	and := n.Operator == "and" || n.Operator == "&&"
	var parts []ast.Node
	var flat func(ast.Node)
	flat = func(m ast.Node) {
		if b, ok := m.(*ast.BinaryNode); ok && (b.Operator == "and" || b.Operator == "&&" || b.Operator == "or" || b.Operator == "||") &&
			(b.Operator == "and" || b.Operator == "&&") == and {
			flat(b.Left)
			flat(b.Right)
			return
		}
		parts = append(parts, m)
	}
	flat(n)
	word := " or "
	if and != not {
		word = " and "
	}
	items := make([]string, len(parts))
	for i, m := range parts {
		items[i] = w.truth(m, not)
		if b, ok := m.(*ast.BinaryNode); ok {
			switch b.Operator {
			case "and", "&&", "or", "||":
				items[i] = w.bracket(items[i], true)
			}
		}
	}
	for _, s := range items {
		if strings.Contains(s, " or ") || strings.Contains(s, " and ") {
			return strings.Join(items, ","+word) // so that lists do not run into each other
		}
	}
	return strings.Join(items, word)
}

// compare words a comparison.
func (w *wording) compare(op string, left, right ast.Node, not bool) string {
	if call, ok := left.(*ast.CallNode); ok {
		name, args := called(call)
		switch name {
		case "count":
			return "the lead did " + w.activity(args) + " " + w.amount(op, w.value(right), not) + " times" + w.window(args)
		case "since":
			return "the last " + w.activity(args) + " was " + w.amount(op, w.duration(right), not) + " ago"
		case "age":
			if len(args) == 1 {
				if d, err := calendar.ParseDuration(literal(right)); err == nil && d.IsZero() {
					if past := (op == ">" || op == ">=") != not; past {
						return w.value(args[0]) + " is past"
					}
					return w.value(args[0]) + " is not past"
				}
				return w.value(args[0]) + " was " + w.amount(op, w.duration(right), not) + " ago"
			}
		}
	}
	name := dotted(left)
	switch name {
	case "in_stage":
		return "the lead has been in the stage for " + w.amount(op, w.duration(right), not)
	case "activities":
		if n := literal(right); !not && (op == ">" && n == "0" || op == ">=" && n == "1") {
			return "the lead did something"
		}
		return "the lead did " + w.amount(op, w.value(right), not) + " things"
	case "stage.side":
		if side := literal(right); side != "" && (op == "==" || op == "!=") {
			if (op == "!=") != not {
				return "the lead is not with " + side
			}
			return "the lead is with " + side
		}
	case "origin":
		if side := literal(right); side != "" && (op == "==" || op == "!=") {
			if (op == "!=") != not {
				return "the lead was not brought by " + side
			}
			return "the lead was brought by " + side
		}
	}
	subject := w.value(left)
	verb := func(yes, no string) string {
		if not {
			return subject + " " + no + " "
		}
		return subject + " " + yes + " "
	}
	switch op {
	case "contains":
		return verb("contains", "does not contain") + quoted(w.value(right))
	case "startsWith":
		return verb("starts with", "does not start with") + quoted(w.value(right))
	case "endsWith":
		return verb("ends with", "does not end with") + quoted(w.value(right))
	case "matches":
		return verb("matches the pattern", "does not match the pattern") + literal(right)
	case "in":
		switch r := right.(type) {
		case *ast.ArrayNode:
			items := make([]string, len(r.Nodes))
			for i, m := range r.Nodes {
				items[i] = w.among(name, m)
			}
			return subject + is(not) + " " + join(items, "or")
		case *ast.BinaryNode:
			if r.Operator == ".." {
				return subject + is(not) + " between " + w.value(r.Left) + " and " + w.value(r.Right)
			}
		}
		return w.giveUp()
	}
	if op == "==" || op == "!=" {
		return subject + is((op == "!=") != not) + " " + w.among(name, right)
	}
	return subject + " is " + w.amount(op, w.value(right), not)
}

// among words a value that something is compared with: names of stages as they
// are shown.
func (w *wording) among(subject string, n ast.Node) string {
	if s := literal(n); s != "" {
		switch subject {
		case "stage":
			return title(s)
		case "buying_stage", "handoff":
			return phrase(s)
		}
		return strings.ReplaceAll(s, "_", " ")
	}
	return w.value(n)
}

// amount words a bound: "at least 3", "more than 14 days".
func (w *wording) amount(op, n string, not bool) string {
	if not {
		op = map[string]string{"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}[op]
	}
	switch op {
	case "==":
		return "exactly " + n
	case "!=":
		return "other than " + n
	case "<":
		return "less than " + n
	case "<=":
		return "at most " + n
	case ">":
		return "more than " + n
	case ">=":
		return "at least " + n
	}
	return w.giveUp()
}

// alone words a name that stands as a condition by itself.
func (w *wording) alone(name string, not bool) string {
	no := func(yes, no string) string {
		if not {
			return no
		}
		return yes
	}
	switch name {
	case "":
		return w.giveUp()
	case "account.owner":
		return no("the account has an owner", "the account has no owner")
	case "owner":
		return no("the lead has an owner", "the lead has no owner")
	case "contacted":
		return no("a person has had contact", "no person has had contact yet")
	case "handoff":
		return no("there is a hand-off", "there is no hand-off")
	case "buying_stage":
		return "the buying stage" + is(not) + " known"
	}
	kind := agreement.Missing
	if q, ok := strings.CutPrefix(name, "answers."); ok {
		for _, c := range w.plan.Questions {
			if c.Name == q {
				kind = c.Kind
			}
		}
		if kind == agreement.Boolean {
			return w.question(name) + " is answered " + no("yes", "no")
		}
		return w.question(name) + is(not) + " answered"
	}
	for _, list := range [][]agreement.Attribute{w.plan.Attributes, w.plan.Properties} {
		for _, a := range list {
			if a.Name == name || "properties."+a.Name == name {
				kind = a.Kind
			}
		}
	}
	if kind == agreement.Boolean {
		return w.name(name) + " is " + no("yes", "no")
	}
	return w.name(name) + is(not) + " known"
}

// value words a node that is a value.
func (w *wording) value(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return number(float64(n.Value))
	case *ast.FloatNode:
		return number(n.Value)
	case *ast.BoolNode:
		if n.Value {
			return "yes"
		}
		return "no"
	case *ast.StringNode:
		return n.Value
	case *ast.IdentifierNode, *ast.MemberNode, *ast.ChainNode:
		if name := dotted(n); name != "" {
			return w.name(name)
		}
	case *ast.UnaryNode:
		if n.Operator == "-" {
			return "−" + w.value(n.Node)
		}
	case *ast.BinaryNode:
		words := map[string]string{"+": " plus ", "-": " minus ", "*": " times ", "/": " divided by "}
		if word := words[n.Operator]; word != "" {
			return w.bracket(w.value(n.Left)+word+w.value(n.Right), true)
		}
		if n.Operator == "??" {
			return w.bracket(w.value(n.Left)+", or "+w.value(n.Right)+" while that is not known", true)
		}
	case *ast.ConditionalNode:
		return w.bracket(w.value(n.Exp1)+" if "+w.truth(n.Cond, false)+", otherwise "+w.value(n.Exp2), true)
	case *ast.CallNode:
		name, args := called(n)
		switch name {
		case "count":
			return "the number of " + w.activity(args) + w.window(args)
		case "since":
			return "the time since the last " + w.activity(args)
		case "age":
			if len(args) == 1 {
				return "the time since " + w.value(args[0])
			}
		case "date":
			if len(args) == 1 {
				if t, err := time.Parse(time.DateOnly, literal(args[0])); err == nil {
					return t.Format("2 January 2006")
				}
				return literal(args[0])
			}
		}
	}
	return w.giveUp()
}

// name words a dotted name.
func (w *wording) name(name string) string {
	switch name {
	case "score":
		return "the score"
	case "fit":
		return "fit"
	case "engagement":
		return "engagement"
	case "grade":
		return "the grade"
	case "readiness":
		return "readiness"
	case "stage":
		return "the stage"
	case "stage.side":
		return "the side"
	case "pass":
		return "the number of the pass"
	case "in_stage":
		return "the time in the stage"
	case "origin":
		return "the side that brought the lead"
	case "owner":
		return "the owner"
	case "account.owner":
		return "the owner of the account"
	case "handoff":
		return "the hand-off"
	case "activities":
		return "the number of activities"
	case "buying_stage":
		return "the buying stage"
	}
	if strings.HasPrefix(name, "answers.") {
		return "the answer to " + w.question(name)
	}
	name = strings.TrimPrefix(name, "properties.")
	return phrase(strings.ReplaceAll(name, ".", " "))
}

// question is what answers.NAME asks.
func (w *wording) question(name string) string {
	name = strings.TrimPrefix(name, "answers.")
	for _, c := range w.plan.Questions {
		if c.Name == name && c.Ask != "" {
			return quoted(c.Ask)
		}
	}
	return quoted(title(name))
}

// activity words the first argument of did, count and since.
func (w *wording) activity(args []ast.Node) string {
	if len(args) == 0 {
		return w.giveUp()
	}
	name := literal(args[0])
	if name == "" {
		name = dotted(args[0])
	}
	if name == "" {
		return w.giveUp()
	}
	return quoted(phrase(name))
}

// window words the second argument of did and count.
func (w *wording) window(args []ast.Node) string {
	if len(args) < 2 {
		return ""
	}
	return " in the last " + w.duration(args[1])
}

// duration words a text that is a duration.
func (w *wording) duration(n ast.Node) string {
	if s := literal(n); s != "" {
		if d, err := calendar.ParseDuration(s); err == nil {
			return d.String()
		}
		return s
	}
	return w.value(n)
}

func called(n *ast.CallNode) (string, []ast.Node) {
	if id, ok := n.Callee.(*ast.IdentifierNode); ok {
		return id.Value, n.Arguments
	}
	return "", nil
}

// literal is the text of a text constant, and of a number; "" for anything else.
func literal(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.IntegerNode:
		return strconv.Itoa(n.Value)
	}
	return ""
}

// dotted is a name with its dots, "" for anything else.
func dotted(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.ChainNode:
		return dotted(n.Node)
	case *ast.MemberNode:
		left, property := dotted(n.Node), literal(n.Property)
		if left != "" && property != "" {
			return left + "." + property
		}
	}
	return ""
}
