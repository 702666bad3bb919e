package agreement

import "slices"

// Conditions are one small language: the grammar of expr-lang/expr, with kinds,
// missing values, positions and time of our own.
//
// Missing values. A value that nobody told Baton is missing. A comparison or a
// sum with a missing value is unknown; `and`, `or` and `not` follow Kleene; only
// True makes a rule fire. `x ?? y` is y when x is missing. known(x) is never
// unknown. Division by zero, and a result that is no finite number, is missing.
// A name alone is a condition: true when it is known (texts, numbers, dates,
// choices) or its own value (booleans, unknown when missing). Of a lead that is
// not scored (Facts.Scored), score, fit, engagement, grade, readiness,
// activities, did, count and since are missing.
//
// Texts compare without regard to letter case, everywhere.
//
// Time. score, engagement, grade, in_stage, since, age and windows of did and
// count change by time alone. They may be compared with constants only, so that
// the next instant at which the truth can change is always known (NextChange).
// An activity exactly a window old is outside it.
//
// Start reading at compileCondition in condition_compile.go: parse, check
// (condition_check.go) into a tree of condNode, compare the tree with itself
// (condition_form.go: contradictions, what hides what), and turn it into closures
// (condition_eval.go for the truth, condition_time.go for the time).

// Truth is the value of a condition. A comparison with something not known is
// itself unknown; and, or and not follow Kleene's strong logic of three values
// (S. C. Kleene, Introduction to Metamathematics, 1952, §64). Only True makes a
// rule fire.
type Truth uint8

// The truth values.
const (
	False Truth = iota
	Unknown
	True
)

// String returns "false", "unknown" or "true".
func (t Truth) String() string { return [...]string{"false", "unknown", "true"}[t] }

// Condition is a checked and compiled expression of type boolean.
type Condition struct {
	Source string
	Place  Clause // where the expression stands
	Topics Topics // what it depends on; has TopicTime when time alone can change it

	eval    truthFunc
	next    nextFunc // nil: time alone changes nothing
	seen    []seer
	form    *condForm
	windows []condWindow
}

type (
	truthFunc func(*Facts) Truth
	nextFunc  func(*Facts) int64
	seer      struct {
		name string
		show func(*Facts) string
	}
	// condWindow says how long the instants of an activity must be remembered.
	condWindow struct {
		activity int
		length   int64
	}
)

// Seen is a value that a condition looked at, in words.
type Seen struct {
	Name  string
	Value string
}

// Eval returns the truth of the condition. It does not allocate.
func (c *Condition) Eval(f *Facts) Truth { return c.eval(f) }

// Holds reports whether the condition is True. A nil condition holds.
func (c *Condition) Holds(f *Facts) bool { return c == nil || c.eval(f) == True }

// NextChange returns the earliest instant after f.Now at which the truth of the
// condition can differ from its truth now if nothing happens but time passing,
// or Never. It may name an instant at which the truth turns out unchanged (of an
// `or`, say), but never one too late.
func (c *Condition) NextChange(f *Facts) int64 {
	if c == nil || c.next == nil {
		return Never
	}
	return c.next(f)
}

// Saw returns what the condition looked at, in the order of its source.
func (c *Condition) Saw(f *Facts) []Seen {
	if c == nil {
		return nil
	}
	seen := make([]Seen, 0, len(c.seen))
	for _, s := range c.seen {
		seen = append(seen, Seen{s.name, s.show(f)})
	}
	return seen
}

// Constant returns the truth of a condition that looks at nothing, such as
// `true`. A nil condition is always True.
func (c *Condition) Constant() (Truth, bool) {
	if c == nil {
		return True, true
	}
	if c.form.op == condFormConst {
		return c.form.truth, true
	}
	return Unknown, false
}

// noteCondition widens Index.Window to what the condition asks count() about.
func (p *Plan) noteCondition(c *Condition) {
	if c == nil {
		return
	}
	if missing := len(p.Activities) - len(p.Index.Window); missing > 0 {
		p.Index.Window = append(p.Index.Window, make([]int64, missing)...)
	}
	for _, w := range c.windows {
		p.Index.Window[w.activity] = max(p.Index.Window[w.activity], w.length)
	}
}

// countTopics returns the number of topics of the vocabulary: what Index.Topics
// must hold before conditions are compiled.
func (p *Plan) countTopics() int {
	return topicFirst + len(p.Attributes) + len(p.Questions) + len(p.Activities)
}

// noteWindow records a window of count().
func (c *condCompiler) noteWindow(activity int, length int64) {
	i := slices.IndexFunc(c.windows, func(w condWindow) bool { return w.activity == activity })
	if i < 0 {
		c.windows = append(c.windows, condWindow{activity, length})
		return
	}
	c.windows[i].length = max(c.windows[i].length, length)
}
