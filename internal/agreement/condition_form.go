package agreement

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// condFormOp says what a node of a normal form is.
type condFormOp uint8

const (
	condFormConst  condFormOp = iota
	condFormAnd               // all of kids
	condFormOr                // one of kids
	condFormSpans             // subject is in spans
	condFormSet               // subject is in set, or in none of it
	condFormOpaque            // anything else, or its opposite
)

// condForm is a condition in negation normal form: not stands at the leaves only
// (De Morgan holds in Kleene's logic), chains are flat, sorted and without
// doubles, and comparisons with constants are sets of values. Two conditions with
// the same key are the same.
type condForm struct {
	op       condFormOp
	truth    Truth // condFormConst
	kids     []*condForm
	subject  string // key of the value
	leaf     *condNode
	spans    []condSpan
	set      []string
	negate   bool
	needs    []string // keys of values that are known wherever this is True
	key      string
	from, to int
}

// condKey writes a node in one way, whatever spaces and letter case it had.
func condKey(n *condNode) string {
	var b strings.Builder
	condWriteKey(&b, n)
	return b.String()
}

var condOpWords = map[condOp]string{
	condAdd: "+", condSub: "-", condMul: "*", condDiv: "/", condNeg: "-", condCoalesce: "??", condTernary: "?",
	condAnd: "and", condOr: "or", condNot: "not", condWithin: "within", condOneOf: "one of", condSameText: "==", condSameTruth: "==",
	condContains: "contains", condStarts: "startsWith", condEnds: "endsWith", condMatches: "matches", condKnown: "known", condAge: "age",
}

func condWriteKey(b *strings.Builder, n *condNode) {
	switch n.op {
	case condConst:
		if n.kind == Text || n.kind == condKindGrade {
			b.WriteString(strconv.Quote(n.fold))
			return
		}
		b.WriteString(strconv.FormatFloat(n.num, 'g', -1, 64))
		return
	case condDid, condCount, condSince:
		name := [...]string{condDid: "did", condCount: "count", condSince: "since"}[n.op]
		fmt.Fprintf(b, "%s(%q", name, n.text)
		if n.window > 0 {
			fmt.Fprintf(b, ", %q", condDurationText(n.window))
		}
		b.WriteByte(')')
		return
	case condBuyer:
		fmt.Fprintf(b, "matches_buyer(%q)", n.text)
		return
	}
	if len(n.kids) == 0 {
		b.WriteString(n.text)
		return
	}
	b.WriteByte('(')
	if n.negate {
		b.WriteString("not ")
	}
	b.WriteString(condOpWords[n.op])
	if n.op == condCompare {
		b.WriteString(n.text)
	}
	for i, kid := range n.kids {
		b.WriteByte(' ')
		if n.op == condMatches && i == 1 {
			b.WriteString(strconv.Quote(kid.text)) // \d is not \D
			continue
		}
		condWriteKey(b, kid)
	}
	for _, s := range n.spans {
		condWriteSpan(b, s)
	}
	for _, s := range n.set {
		fmt.Fprintf(b, " %q", s)
	}
	b.WriteByte(')')
}

func condWriteSpan(b *strings.Builder, s condSpan) {
	fmt.Fprintf(b, " %v..%v", s.lo, s.hi)
}

// condFormOf returns the normal form of a node, or of its opposite.
func condFormOf(n *condNode, negate bool) *condForm {
	f := &condForm{from: n.from, to: n.to}
	switch n.op {
	case condConst:
		return condFormTruth(condTruth((n.num != 0) != negate), n.from, n.to)
	case condNot:
		f = condFormOf(n.kids[0], !negate)
		f.from, f.to = n.from, n.to
		return f
	case condAnd, condOr:
		f.op = condFormAnd
		if (n.op == condOr) != negate {
			f.op = condFormOr
		}
		for _, part := range condFlatten(n.op, n, nil) {
			kid := condFormOf(part, negate)
			if kid.op == f.op {
				f.kids = append(f.kids, kid.kids...)
			} else {
				f.kids = append(f.kids, kid)
			}
		}
		return condFold(f)
	case condWithin:
		f.op, f.leaf, f.subject = condFormSpans, n.kids[0], condKey(n.kids[0])
		f.spans = n.spans
		if n.negate != negate {
			f.spans = condComplement(f.leaf, n.spans)
		}
	case condOneOf:
		f.op, f.leaf, f.subject = condFormSet, n.kids[0], condKey(n.kids[0])
		f.set, f.negate = n.set, n.negate != negate
		if domain := f.leaf.domain; f.negate && domain != nil {
			f.set, f.negate = condWithout(domain.folded, n.set), false
		} else if f.negate && f.leaf.kind == condKindGrade {
			f.set, f.negate = condWithout(grades[:], n.set), false
		}
	default:
		f.op, f.subject, f.negate = condFormOpaque, condKey(n), negate
		switch {
		case n.op == condSameText || n.op == condSameTruth:
			positive := *n
			positive.negate = false
			f.subject, f.negate = condKey(&positive), n.negate != negate
		case n.op == condKnown && negate:
			f.key = "not " + f.subject
			return f
		case n.op == condKnown:
			f.needs = condNeeds(n.kids[0], nil)
			f.key = f.subject
			return f
		case n.op == condCoalesce || n.op == condTernary:
			f.key = condFormKey(f)
			return f // one side may be missing
		}
	}
	for _, kid := range n.kids {
		f.needs = condNeeds(kid, f.needs)
	}
	if len(n.kids) == 0 {
		f.needs = []string{f.subject}
	}
	f.key = condFormKey(f)
	return f
}

func condFormTruth(truth Truth, from, to int) *condForm {
	return &condForm{op: condFormConst, truth: truth, key: truth.String(), from: from, to: to}
}

// condNeeds appends the keys of the values without which n is missing.
func condNeeds(n *condNode, keys []string) []string {
	switch n.op {
	case condConst, condCoalesce, condTernary, condAnd, condOr, condKnown:
		return keys
	}
	if len(n.kids) == 0 || n.op == condAge {
		keys = append(keys, condKey(n))
	}
	for _, kid := range n.kids {
		keys = condNeeds(kid, keys)
	}
	return keys
}

func condFormKey(f *condForm) string {
	var b strings.Builder
	switch f.op {
	case condFormConst:
		return f.truth.String()
	case condFormAnd, condFormOr:
		word := "(and"
		if f.op == condFormOr {
			word = "(or"
		}
		b.WriteString(word)
		for _, kid := range f.kids {
			b.WriteByte(' ')
			b.WriteString(kid.key)
		}
		b.WriteByte(')')
		return b.String()
	}
	if f.negate {
		b.WriteString("not ")
	}
	b.WriteString(f.subject)
	for _, s := range f.spans {
		condWriteSpan(&b, s)
	}
	if f.op == condFormSet {
		fmt.Fprintf(&b, " in %q", f.set)
	}
	return b.String()
}

// condFold sorts a chain, drops doubles and works out constants.
func condFold(f *condForm) *condForm {
	deciding, idle := False, True
	if f.op == condFormOr {
		deciding, idle = True, False
	}
	kids := make([]*condForm, 0, len(f.kids))
	for _, kid := range f.kids {
		switch {
		case kid.op != condFormConst:
			kids = append(kids, kid)
		case kid.truth == deciding:
			return condFormTruth(deciding, f.from, f.to)
		}
	}
	slices.SortStableFunc(kids, func(a, b *condForm) int { return cmp.Compare(a.key, b.key) })
	kids = slices.CompactFunc(kids, func(a, b *condForm) bool { return a.key == b.key })
	switch len(kids) {
	case 0:
		return condFormTruth(idle, f.from, f.to)
	case 1:
		return kids[0]
	}
	f.kids = kids
	f.key = condFormKey(f)
	return f
}

func condWithout(all, some []string) []string {
	var rest []string
	for _, s := range all {
		if !slices.Contains(some, s) {
			rest = append(rest, s)
		}
	}
	slices.Sort(rest)
	return rest
}

// condComplement returns the values that a leaf can have outside of spans.
func condComplement(leaf *condNode, spans []condSpan) []condSpan {
	before, after := math.Inf(-1), math.Inf(1)
	var rest []condSpan
	for _, s := range spans {
		hi := math.Nextafter(s.lo, math.Inf(-1))
		rest = append(rest, condWhole(leaf, condSpan{before, hi}))
		before = math.Nextafter(s.hi, after)
	}
	if len(spans) == 0 || spans[len(spans)-1].hi < after {
		rest = append(rest, condWhole(leaf, condSpan{before, after}))
	}
	return condUnion(rest)
}

// settle returns the normal form of the whole condition, and finds parts that can
// never be true and wholes that always are.
func (c *condCompiler) settle(root *condNode) *condForm {
	form := condFormOf(root, false)
	c.contradictions(form)
	if form.op == condFormConst && root.op != condConst && len(c.findings) == 0 {
		c.settled(form.truth == True, root.from, root.to)
	}
	return form
}

// contradictions finds conjuncts that no lead can meet together.
func (c *condCompiler) contradictions(f *condForm) {
	for _, kid := range f.kids {
		c.contradictions(kid)
	}
	if f.op != condFormAnd {
		return
	}
	for j, b := range f.kids {
		for _, a := range f.kids[:j] {
			if !condClash(a, b) {
				continue
			}
			first, second := a, b
			if second.from < first.from {
				first, second = second, first
			}
			c.find(condSettled, second.from, second.to, fmt.Sprintf("%s and %s can never hold together",
				condClip(string(c.source[first.from:first.to])), condClip(string(c.source[second.from:second.to]))), "write or between them, or correct one")
			return
		}
	}
}

// condClash reports whether two parts can never be True together.
func condClash(a, b *condForm) bool {
	if a.op == condFormOpaque && b.op == condFormOpaque && a.subject == b.subject && a.negate != b.negate {
		return true
	}
	if condDenies(a, b) || condDenies(b, a) {
		return true
	}
	if a.op != b.op || a.subject != b.subject {
		return false
	}
	switch a.op {
	case condFormSpans:
		for _, s := range a.spans {
			for _, t := range b.spans {
				if s.lo <= t.hi && t.lo <= s.hi {
					return false
				}
			}
		}
		return true
	case condFormSet:
		switch {
		case a.negate && b.negate:
			return false
		case a.negate:
			return len(condWithout(b.set, a.set)) == 0
		case b.negate:
			return len(condWithout(a.set, b.set)) == 0
		}
		return len(condWithout(a.set, b.set)) == len(a.set)
	}
	return false
}

// condDenies reports whether a says that something is missing that b needs.
func condDenies(a, b *condForm) bool {
	if a.op != condFormOpaque || !a.negate {
		return false
	}
	return slices.ContainsFunc(b.needs, func(key string) bool { return a.subject == "(known "+key+")" })
}

// condImplies reports whether b is certainly True wherever a is. It may say no
// where the answer is yes.
func condImplies(a, b *condForm) bool {
	if a.key == b.key {
		return true
	}
	if a.op == condFormConst && a.truth != True || b.op == condFormConst && b.truth == True {
		return true
	}
	switch {
	case a.op == condFormOr:
		return !slices.ContainsFunc(a.kids, func(kid *condForm) bool { return !condImplies(kid, b) })
	case b.op == condFormAnd:
		return !slices.ContainsFunc(b.kids, func(kid *condForm) bool { return !condImplies(a, kid) })
	case a.op == condFormAnd:
		if slices.ContainsFunc(a.kids, func(kid *condForm) bool { return condImplies(kid, b) }) {
			return true
		}
	}
	if b.op == condFormOr {
		return slices.ContainsFunc(b.kids, func(kid *condForm) bool { return condImplies(a, kid) })
	}
	if b.op == condFormOpaque && !b.negate && slices.ContainsFunc(a.needs, func(key string) bool { return b.subject == "(known "+key+")" }) {
		return true
	}
	if a.op != b.op || a.subject != b.subject {
		return false
	}
	switch a.op {
	case condFormSpans:
		for _, s := range a.spans {
			if !slices.ContainsFunc(b.spans, func(t condSpan) bool { return t.lo <= s.lo && s.hi <= t.hi }) {
				return false
			}
		}
		return true
	case condFormSet:
		switch {
		case a.negate && b.negate:
			return len(condWithout(b.set, a.set)) == 0
		case a.negate:
			return false
		case b.negate:
			return len(condWithout(a.set, b.set)) == len(a.set)
		}
		return len(condWithout(a.set, b.set)) == 0
	}
	return false
}

// Same reports whether two conditions say the same but for spelling and order.
func (c *Condition) Same(d *Condition) bool {
	if c == nil || d == nil {
		return c == d
	}
	return c.form.key == d.form.key
}

// Atoms returns what must hold together for the condition to be true, each
// written in one way. A nil condition has none.
func (c *Condition) Atoms() []string {
	if c == nil {
		return nil
	}
	var atoms []string
	for _, f := range c.form.conjuncts() {
		atoms = append(atoms, f.key)
	}
	return atoms
}

func (f *condForm) conjuncts() []*condForm {
	switch {
	case f.op == condFormAnd:
		return f.kids
	case f.op == condFormConst && f.truth == True:
		return nil
	}
	return []*condForm{f}
}

// Hides reports whether c certainly holds wherever later does, so that a rule
// with the condition later is never reached behind one with c. It may miss cases,
// but is never wrong. Nil holds always.
func (c *Condition) Hides(later *Condition) bool {
	if truth, ok := c.Constant(); ok {
		return truth == True
	}
	if later == nil {
		return false
	}
	return condImplies(later.form, c.form)
}

// Need is a least value without which a condition cannot be true.
type Need struct {
	Name   string   // score, fit, engagement or grade
	Least  int64    // in Point; for a grade 0
	Grades []string // of which the grade must be one
	// Where in Condition.Source it is asked, in runes.
	Offset, Length int
}

// Needs returns what each conjunct of a condition asks of score, fit, engagement
// and grade, in the order of the source. Alternatives (or) are not looked into.
func (c *Condition) Needs() []Need {
	if c == nil {
		return nil
	}
	var needs []Need
	for _, f := range c.form.conjuncts() {
		if f.leaf == nil {
			continue
		}
		need := Need{Name: f.leaf.text, Offset: f.from, Length: f.to - f.from}
		switch f.leaf.op {
		case condScore, condFit, condEngagement:
			if len(f.spans) == 0 || math.IsInf(f.spans[0].lo, -1) {
				continue
			}
			need.Least = condInt(f.spans[0].lo)
		case condGrade:
			need.Grades = f.set
		default:
			continue
		}
		needs = append(needs, need)
	}
	slices.SortStableFunc(needs, func(a, b Need) int { return cmp.Compare(a.Offset, b.Offset) })
	return needs
}
