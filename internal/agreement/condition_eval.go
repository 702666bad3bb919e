package agreement

import (
	"math"
	"slices"
	"strings"
)

// compile turns a checked condition into closures: its truth, and when time
// alone can change it (nil: never).
func (c *condCompiler) compile(n *condNode) (truthFunc, nextFunc) {
	switch n.op {
	case condConst:
		truth := condTruth(n.num != 0)
		return func(*Facts) Truth { return truth }, nil
	case condAnd, condOr:
		return c.compileChain(n)
	case condNot:
		switch kid := *n.kids[0]; kid.op {
		case condValue, condWithin, condOneOf, condSameText, condSameTruth:
			kid.negate = !kid.negate
			return c.compile(&kid)
		}
		eval, next := c.compile(n.kids[0])
		return func(f *Facts) Truth { return True - eval(f) }, next
	case condCoalesce:
		return c.compileCoalesce(n)
	case condTernary:
		return c.compileTernary(n)
	case condWithin:
		return c.compileWithin(n)
	case condOneOf:
		return c.compileOneOf(n)
	case condSameTruth:
		a, nextA := c.compile(n.kids[0])
		b, nextB := c.compile(n.kids[1])
		negate := n.negate
		return func(f *Facts) Truth {
			x, y := a(f), b(f)
			if x == Unknown || y == Unknown {
				return Unknown
			}
			return condTruth((x == y) != negate)
		}, condSoonest(nextA, nextB)
	case condSameText:
		a, b, negate := c.textOf(n.kids[0]), c.textOf(n.kids[1]), n.negate
		return func(f *Facts) Truth {
			x, ok := a(f)
			if !ok {
				return Unknown
			}
			y, ok := b(f)
			if !ok {
				return Unknown
			}
			return condTruth((x == y) != negate)
		}, nil
	case condCompare:
		return c.compileCompare(n), nil
	case condContains, condStarts, condEnds, condMatches:
		return c.compileSearch(n), nil
	case condKnown:
		return c.compileKnown(n.kids[0])
	case condDid:
		return condCompileDid(n)
	case condBuyer:
		buyer := c.p.Buyers[n.slot].When
		return buyer.eval, buyer.next
	case condContacted:
		return func(f *Facts) Truth { return condTruth(f.Contacted) }, nil
	}
	// a boolean value
	slot, negate := n.slot, n.negate
	return condPick(n.place,
		func(f *Facts) Truth { return condBooleanAt(f.Lead, slot, negate) },
		func(f *Facts) Truth { return condBooleanAt(f.Company, slot, negate) },
		func(f *Facts) Truth { return condBooleanAt(f.Answers, slot, negate) },
		func(f *Facts) Truth { return condBooleanAt(f.Properties, slot, negate) }), nil
}

func condTruth(b bool) Truth {
	var t Truth
	if b {
		t = 1
	}
	return t << 1
}

// condPick returns the closure for the slice that a value is in, so that none
// is chosen at run time.
func condPick(place condPlace, lead, company, answers, properties truthFunc) truthFunc {
	return [...]truthFunc{condLead: lead, condCompany: company, condAnswer: answers, condProperty: properties}[place]
}

func condBooleanAt(values []Value, slot int, negate bool) Truth {
	if uint(slot) < uint(len(values)) {
		if v := &values[slot]; v.Kind == Boolean {
			return condTruth((v.Num != 0) != negate)
		}
	}
	return Unknown
}

func condWithinAt(values []Value, slot int, kind Kind, lo, hi float64, negate bool) Truth {
	if uint(slot) < uint(len(values)) {
		if v := &values[slot]; v.Kind == kind {
			return condTruth((lo <= v.Num && v.Num <= hi) != negate)
		}
	}
	return Unknown
}

func condSameAt(values []Value, slot int, k string, negate bool) Truth {
	s, ok := condTextAt(values, slot)
	if !ok {
		return Unknown
	}
	return condTruth((s == k) != negate)
}

func condAmongAt(values []Value, slot int, set []string, negate bool) Truth {
	s, ok := condTextAt(values, slot)
	if !ok {
		return Unknown
	}
	return condTruth(condAmongTexts(set, s) != negate)
}

func condContainsAt(values []Value, slot int, k string) Truth {
	s, ok := condTextAt(values, slot)
	if !ok {
		return Unknown
	}
	return condTruth(strings.Contains(s, k))
}

func condTextAt(values []Value, slot int) (string, bool) {
	if uint(slot) < uint(len(values)) {
		if v := &values[slot]; v.Kind == Text || v.Kind == Choice {
			return v.Fold, true
		}
	}
	return "", false
}

func condKnownAt(values []Value, slot int, kind Kind) Truth {
	if uint(slot) < uint(len(values)) {
		k := values[slot].Kind
		return condTruth(k == kind || k == Choice && kind == Text)
	}
	return False
}

// compileChain flattens a chain of and (or of or). Their truth is the least
// (the greatest) of their parts.
func (c *condCompiler) compileChain(n *condNode) (truthFunc, nextFunc) {
	parts := condFlatten(n.op, n, nil)
	evals, nexts := make([]truthFunc, len(parts)), make([]nextFunc, len(parts))
	for i, part := range parts {
		evals[i], nexts[i] = c.compile(part)
	}
	and := n.op == condAnd
	next := condChainNext(and, evals, nexts)
	switch {
	case len(parts) == 2 && and:
		a, b := evals[0], evals[1]
		return func(f *Facts) Truth {
			x := a(f)
			if x == False {
				return False
			}
			return min(x, b(f))
		}, next
	case len(parts) == 2:
		a, b := evals[0], evals[1]
		return func(f *Facts) Truth {
			x := a(f)
			if x == True {
				return True
			}
			return max(x, b(f))
		}, next
	case and:
		return func(f *Facts) Truth {
			truth := True
			for _, eval := range evals {
				if truth = min(truth, eval(f)); truth == False {
					return False
				}
			}
			return truth
		}, next
	}
	return func(f *Facts) Truth {
		truth := False
		for _, eval := range evals {
			if truth = max(truth, eval(f)); truth == True {
				return True
			}
		}
		return truth
	}, next
}

// condFlatten appends the parts of a chain of one operator.
func condFlatten(op condOp, n *condNode, parts []*condNode) []*condNode {
	if n.op != op {
		return append(parts, n)
	}
	for _, kid := range n.kids {
		parts = condFlatten(op, kid, parts)
	}
	return parts
}

func (c *condCompiler) compileCoalesce(n *condNode) (truthFunc, nextFunc) {
	a, nextA := c.compile(n.kids[0])
	b, nextB := c.compile(n.kids[1])
	eval := func(f *Facts) Truth {
		if x := a(f); x != Unknown {
			return x
		}
		return b(f)
	}
	if nextA == nil && nextB == nil {
		return eval, nil
	}
	return eval, func(f *Facts) int64 {
		at := condNext(nextA, f)
		if a(f) == Unknown {
			at = min(at, condNext(nextB, f))
		}
		return at
	}
}

func (c *condCompiler) compileTernary(n *condNode) (truthFunc, nextFunc) {
	when, nextWhen := c.compile(n.kids[0])
	a, nextA := c.compile(n.kids[1])
	b, nextB := c.compile(n.kids[2])
	eval := func(f *Facts) Truth {
		switch when(f) {
		case True:
			return a(f)
		case False:
			return b(f)
		}
		return Unknown
	}
	if nextWhen == nil && nextA == nil && nextB == nil {
		return eval, nil
	}
	return eval, func(f *Facts) int64 {
		at := condNext(nextWhen, f)
		switch when(f) {
		case True:
			at = min(at, condNext(nextA, f))
		case False:
			at = min(at, condNext(nextB, f))
		}
		return at
	}
}

func (c *condCompiler) compileCompare(n *condNode) truthFunc {
	a, b := c.numberOf(n.kids[0]), c.numberOf(n.kids[1])
	op := n.text
	return func(f *Facts) Truth {
		x, ok := a(f)
		if !ok {
			return Unknown
		}
		y, ok := b(f)
		if !ok {
			return Unknown
		}
		return condTruth(condHolds(op, x, y))
	}
}

func (c *condCompiler) compileWithin(n *condNode) (truthFunc, nextFunc) {
	a := n.kids[0]
	switch a.op {
	case condScore, condFit, condEngagement:
		return condCompilePoints(a.op, n.spans, n.negate)
	case condSince, condInStage, condAge:
		return condCompileElapsed(c.sinceWhen(a), n.spans, n.negate)
	case condCount:
		if a.window > 0 {
			return condCompileCount(a.slot, a.window, n.spans, n.negate)
		}
	case condValue:
		if len(n.spans) == 1 {
			slot, kind, lo, hi, negate := a.slot, a.kind, n.spans[0].lo, n.spans[0].hi, n.negate
			return condPick(a.place,
				func(f *Facts) Truth { return condWithinAt(f.Lead, slot, kind, lo, hi, negate) },
				func(f *Facts) Truth { return condWithinAt(f.Company, slot, kind, lo, hi, negate) },
				func(f *Facts) Truth { return condWithinAt(f.Answers, slot, kind, lo, hi, negate) },
				func(f *Facts) Truth { return condWithinAt(f.Properties, slot, kind, lo, hi, negate) }), nil
		}
	}
	number, spans, negate := c.numberOf(a), n.spans, n.negate
	if len(spans) == 1 {
		lo, hi := spans[0].lo, spans[0].hi
		return func(f *Facts) Truth {
			x, ok := number(f)
			if !ok {
				return Unknown
			}
			return condTruth((lo <= x && x <= hi) != negate)
		}, nil
	}
	return func(f *Facts) Truth {
		x, ok := number(f)
		if !ok {
			return Unknown
		}
		return condTruth(condAmong(spans, x) != negate)
	}, nil
}

// condAmong reports whether x is in one of the spans, which ascend.
func condAmong(spans []condSpan, x float64) bool {
	if len(spans) <= 8 {
		return condIn(spans, x)
	}
	lo, hi := 0, len(spans)
	for lo < hi {
		if mid := (lo + hi) / 2; spans[mid].hi < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(spans) && spans[lo].lo <= x
}

func (c *condCompiler) compileOneOf(n *condNode) (truthFunc, nextFunc) {
	a, negate := n.kids[0], n.negate
	switch a.op {
	case condGrade:
		return c.compileGrade(n)
	case condStage, condBuyingStage:
		in := make([]bool, len(a.domain.folded))
		for i, name := range a.domain.folded {
			in[i] = slices.Contains(n.set, name) != negate
		}
		buying := a.op == condBuyingStage
		return func(f *Facts) Truth {
			slot := f.Stage
			if buying {
				slot = f.BuyingStage
			}
			if uint(slot) >= uint(len(in)) {
				return Unknown
			}
			return condTruth(in[slot])
		}, nil
	case condValue:
		slot, set := a.slot, n.set
		switch {
		case len(set) == 1:
			k := set[0]
			return condPick(a.place,
				func(f *Facts) Truth { return condSameAt(f.Lead, slot, k, negate) },
				func(f *Facts) Truth { return condSameAt(f.Company, slot, k, negate) },
				func(f *Facts) Truth { return condSameAt(f.Answers, slot, k, negate) },
				func(f *Facts) Truth { return condSameAt(f.Properties, slot, k, negate) }), nil
		case len(set) <= condFewTexts:
			return condPick(a.place,
				func(f *Facts) Truth { return condAmongAt(f.Lead, slot, set, negate) },
				func(f *Facts) Truth { return condAmongAt(f.Company, slot, set, negate) },
				func(f *Facts) Truth { return condAmongAt(f.Answers, slot, set, negate) },
				func(f *Facts) Truth { return condAmongAt(f.Properties, slot, set, negate) }), nil
		}
	}
	text, has := c.textOf(a), condHas(n.set)
	return func(f *Facts) Truth {
		s, ok := text(f)
		if !ok {
			return Unknown
		}
		return condTruth(has(s) != negate)
	}, nil
}

// condFewTexts is up to how many texts a walk is quicker than a map.
const condFewTexts = 8

func condAmongTexts(set []string, s string) bool {
	for _, k := range set {
		if s == k {
			return true
		}
	}
	return false
}

// condHas returns the membership of a set.
func condHas(set []string) func(string) bool {
	if len(set) <= condFewTexts {
		return func(s string) bool { return condAmongTexts(set, s) }
	}
	members := make(map[string]bool, len(set))
	for _, k := range set {
		members[k] = true
	}
	return func(s string) bool { return members[s] }
}

func (c *condCompiler) compileSearch(n *condNode) truthFunc {
	if text, k := n.kids[0], n.kids[1].fold; n.op == condContains && n.match != nil && text.op == condValue {
		slot := text.slot
		return condPick(text.place,
			func(f *Facts) Truth { return condContainsAt(f.Lead, slot, k) },
			func(f *Facts) Truth { return condContainsAt(f.Company, slot, k) },
			func(f *Facts) Truth { return condContainsAt(f.Answers, slot, k) },
			func(f *Facts) Truth { return condContainsAt(f.Properties, slot, k) })
	}
	a := c.textOf(n.kids[0])
	if n.match != nil {
		match := n.match
		return func(f *Facts) Truth {
			s, ok := a(f)
			if !ok {
				return Unknown
			}
			return condTruth(match(s))
		}
	}
	b, search := c.textOf(n.kids[1]), strings.Contains
	switch n.op {
	case condStarts:
		search = strings.HasPrefix
	case condEnds:
		search = strings.HasSuffix
	}
	return func(f *Facts) Truth {
		s, ok := a(f)
		if !ok {
			return Unknown
		}
		part, ok := b(f)
		if !ok {
			return Unknown
		}
		return condTruth(search(s, part))
	}
}

// compileKnown asks whether a value is there. Time alone does not change that.
func (c *condCompiler) compileKnown(a *condNode) (truthFunc, nextFunc) {
	if a.op == condValue {
		slot, kind := a.slot, a.kind
		return condPick(a.place,
			func(f *Facts) Truth { return condKnownAt(f.Lead, slot, kind) },
			func(f *Facts) Truth { return condKnownAt(f.Company, slot, kind) },
			func(f *Facts) Truth { return condKnownAt(f.Answers, slot, kind) },
			func(f *Facts) Truth { return condKnownAt(f.Properties, slot, kind) }), nil
	}
	switch a.kind {
	case Boolean:
		eval, next := c.compile(a)
		return func(f *Facts) Truth { return condTruth(eval(f) != Unknown) }, next
	case Text, condKindGrade:
		text := c.textOf(a)
		return func(f *Facts) Truth { _, ok := text(f); return condTruth(ok) }, nil
	}
	number := c.numberOf(a)
	return func(f *Facts) Truth { _, ok := number(f); return condTruth(ok) }, nil
}

type (
	condNumber func(*Facts) (float64, bool)
	condText   func(*Facts) (string, bool)
)

// numberOf compiles a number, date or duration. Points come as points, dates and
// durations as microseconds.
func (c *condCompiler) numberOf(n *condNode) condNumber {
	switch n.op {
	case condConst:
		num := n.num
		return func(*Facts) (float64, bool) { return num, true }
	case condValue:
		slot, kind, place := n.slot, n.kind, n.place
		return func(f *Facts) (float64, bool) {
			values := f.Lead
			switch place {
			case condCompany:
				values = f.Company
			case condAnswer:
				values = f.Answers
			case condProperty:
				values = f.Properties
			}
			if uint(slot) >= uint(len(values)) || values[slot].Kind != kind {
				return 0, false
			}
			return values[slot].Num, true
		}
	case condActivities:
		return func(f *Facts) (float64, bool) { return float64(f.Total), f.Scored }
	case condPass:
		return func(f *Facts) (float64, bool) { return float64(f.Pass), true }
	case condReadiness:
		return func(f *Facts) (float64, bool) { return float64(f.Readiness), f.Scored }
	case condFit:
		return func(f *Facts) (float64, bool) { return float64(f.Fit) / Point, f.Scored }
	case condEngagement:
		return func(f *Facts) (float64, bool) { return float64(f.Engagement) / Point, f.Scored }
	case condScore:
		return func(f *Facts) (float64, bool) { return float64(f.Fit+f.Engagement) / Point, f.Scored }
	case condCount:
		slot, window := n.slot, n.window
		return func(f *Facts) (float64, bool) { return float64(condCountOf(f, slot, window)), f.Scored }
	case condSince, condInStage, condAge:
		when := c.sinceWhen(n)
		return func(f *Facts) (float64, bool) { at, ok := when(f); return float64(f.Now) - float64(at), ok }
	case condCoalesce:
		a, b := c.numberOf(n.kids[0]), c.numberOf(n.kids[1])
		return func(f *Facts) (float64, bool) {
			if x, ok := a(f); ok {
				return x, true
			}
			return b(f)
		}
	case condTernary:
		when, _ := c.compile(n.kids[0])
		a, b := c.numberOf(n.kids[1]), c.numberOf(n.kids[2])
		return func(f *Facts) (float64, bool) {
			switch when(f) {
			case True:
				return a(f)
			case False:
				return b(f)
			}
			return 0, false
		}
	case condNeg:
		a := c.numberOf(n.kids[0])
		return func(f *Facts) (float64, bool) { x, ok := a(f); return -x, ok }
	}
	a, b, op := c.numberOf(n.kids[0]), c.numberOf(n.kids[1]), n.op
	return func(f *Facts) (float64, bool) {
		x, ok := a(f)
		if !ok {
			return 0, false
		}
		y, ok := b(f)
		if !ok {
			return 0, false
		}
		return condCalculate(op, x, y)
	}
}

// textOf compiles a text, choice or grade; it comes in lower case (grades in upper).
func (c *condCompiler) textOf(n *condNode) condText {
	switch n.op {
	case condConst:
		fold := n.fold
		return func(*Facts) (string, bool) { return fold, true }
	case condValue:
		slot := n.slot
		return [...]condText{
			condLead:     func(f *Facts) (string, bool) { return condTextAt(f.Lead, slot) },
			condCompany:  func(f *Facts) (string, bool) { return condTextAt(f.Company, slot) },
			condAnswer:   func(f *Facts) (string, bool) { return condTextAt(f.Answers, slot) },
			condProperty: func(f *Facts) (string, bool) { return condTextAt(f.Properties, slot) },
		}[n.place]
	case condGrade:
		return func(f *Facts) (string, bool) { return f.Grade.String(), f.Scored && f.Grade.Fit != 0 }
	case condStage, condBuyingStage:
		names, buying := n.domain.folded, n.op == condBuyingStage
		return func(f *Facts) (string, bool) {
			slot := f.Stage
			if buying {
				slot = f.BuyingStage
			}
			if uint(slot) >= uint(len(names)) {
				return "", false
			}
			return names[slot], true
		}
	case condSide:
		sides := condNames(c.p.Stages, func(s *Stage) string { return s.Side.String() })
		return func(f *Facts) (string, bool) {
			if uint(f.Stage) >= uint(len(sides)) {
				return "", false
			}
			return sides[f.Stage], sides[f.Stage] != ""
		}
	case condOrigin:
		return func(f *Facts) (string, bool) { s := f.Origin.String(); return s, s != "" }
	case condOwner:
		return func(f *Facts) (string, bool) { return strings.ToLower(f.Owner), f.Owner != "" }
	case condAccountOwner:
		return func(f *Facts) (string, bool) { return strings.ToLower(f.AccountOwner), f.AccountOwner != "" }
	case condHandoff:
		return func(f *Facts) (string, bool) { return f.Handoff, f.Handoff != "" }
	case condCoalesce:
		a, b := c.textOf(n.kids[0]), c.textOf(n.kids[1])
		return func(f *Facts) (string, bool) {
			if s, ok := a(f); ok {
				return s, true
			}
			return b(f)
		}
	}
	when, _ := c.compile(n.kids[0])
	a, b := c.textOf(n.kids[1]), c.textOf(n.kids[2])
	return func(f *Facts) (string, bool) {
		switch when(f) {
		case True:
			return a(f)
		case False:
			return b(f)
		}
		return "", false
	}
}

// condMemory is Facts.Remembered without copies.
func condMemory(f *Facts, activity int) *Memory {
	lo, hi := 0, len(f.Activities)
	for lo < hi {
		if mid := (lo + hi) / 2; f.Activities[mid].Activity < activity {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(f.Activities) && f.Activities[lo].Activity == activity {
		return &f.Activities[lo]
	}
	return nil
}

// condWithinInts is spans in whole numbers.
type condInts struct{ lo, hi int64 }

func condIntSpans(spans []condSpan) []condInts {
	ints := make([]condInts, len(spans))
	for i, s := range spans {
		ints[i] = condInts{condInt(s.lo), condInt(s.hi)}
	}
	return ints
}

func condInt(x float64) int64 {
	switch {
	case x >= 1<<63:
		return math.MaxInt64
	case x <= -1<<63:
		return math.MinInt64
	}
	return int64(x)
}

func condAmongInts(spans []condInts, x int64) bool {
	for i := range spans {
		if spans[i].lo <= x && x <= spans[i].hi {
			return true
		}
	}
	return false
}
