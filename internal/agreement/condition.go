package agreement

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

// Condition is a checked and compiled expression of type boolean.
type Condition struct {
	Source string
	Place  Clause // where the expression stands
	Topics Topics // what it depends on; has TopicTime when time alone can change it

	eval truthFunc
	next nextFunc
	seen []seer
}

type (
	truthFunc func(*Facts) Truth
	nextFunc  func(*Facts) int64
	seer      struct {
		name string
		show func(*Facts) string
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
