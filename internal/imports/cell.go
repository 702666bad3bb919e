package imports

import (
	"strconv"
	"strings"
	"time"

	"baton/internal/agreement"
)

// cell says which column a value stands in and how it is written there, or is a
// value of its own that every row has.
type cell struct {
	what     string // the key of the mapping, for messages: "attributes.source"
	column   int    // slot of Mapping.columns, -1 for a constant
	constant agreement.Value
	name     int // slot of Mapping.names, for attributes and properties

	kind    agreement.Kind
	choices *choices
	words   map[string]string // map:, also under its words in lower case
	prefix  string            // format:, around the {}
	suffix  string
	decimal decimal
	layouts []layout
	zone    *time.Location

	clear     bool // an empty cell clears the value; otherwise it says nothing
	drop      bool // what cannot be read is left out; otherwise the row is refused
	collision collision
}

// collision says which value stands when rows disagree about an attribute of a lead.
type collision uint8

const (
	keepLatest collision = iota
	keepFirst
	keepLongest
	collisionRefuse
)

var collisionWords = []string{"keep_latest", "keep_first", "keep_longest", "refuse"}

// choices are the words that can stand in a cell, found without regard to case.
type choices struct {
	names []string
	slots map[string]int
}

func newChoices(names []string) *choices {
	c := &choices{names: names, slots: make(map[string]int, 2*len(names))}
	for i, n := range names {
		if _, ok := c.slots[strings.ToLower(n)]; !ok {
			c.slots[strings.ToLower(n)] = i
		}
	}
	for i, n := range names {
		c.slots[n] = i
	}
	return c
}

func (c *choices) find(s string) (int, bool) {
	if i, ok := c.slots[s]; ok {
		return i, true
	}
	i, ok := c.slots[strings.ToLower(s)]
	return i, ok
}

// wordOf returns what map: makes of a text.
func (c *cell) wordOf(s string) string {
	if c.words == nil {
		return s
	}
	if w, ok := c.words[s]; ok {
		return w
	}
	if w, ok := c.words[strings.ToLower(s)]; ok {
		return w
	}
	return s
}

// read turns a text that is not empty into a value of the cell's kind; why says
// what is wrong with one that cannot be, as a clause that follows the text.
func (c *cell) read(s string) (v agreement.Value, why string) {
	if c.prefix != "" || c.suffix != "" {
		s = c.prefix + s + c.suffix
	}
	switch c.kind {
	case agreement.Number:
		n, why := readNumber(s, c.decimal)
		if why != "" && looksMangled(s) {
			why += mangled
		}
		return agreement.Value{Kind: agreement.Number, Num: n}, why
	case agreement.Boolean:
		b, ok := readBoolean(s)
		if !ok {
			return v, "is neither yes nor no"
		}
		return agreement.BooleanValue(b), ""
	case agreement.Date:
		at, why := c.readTime(s)
		return agreement.DateValue(at), why
	case agreement.Choice:
		i, ok := c.choices.find(s)
		if !ok {
			why = "is none of the choices: " + listed(c.choices.names, 12)
			if looksMangled(s) {
				why += mangled
			} else if best := agreement.Nearest(s, c.choices.names); best != "" {
				why += `; perhaps it is "` + best + `"`
			}
			return v, why
		}
		return agreement.Value{Kind: agreement.Choice, Str: c.choices.names[i]}, ""
	}
	return agreement.Value{Kind: agreement.Text, Str: s}, ""
}

const mangled = `; a spreadsheet seems to have turned a text such as "1-5" into a date`

// readTime reads a time in the declared layouts. Of several, one must fit, or all
// that fit must mean the same instant.
func (c *cell) readTime(s string) (at int64, why string) {
	found := -1
	for i := range c.layouts {
		t, ok := c.layouts[i].read(s, c.zone)
		if !ok {
			continue
		}
		if found >= 0 && t != at {
			return 0, "can be read in two ways, as " + c.layouts[found].text + " and as " + c.layouts[i].text
		}
		found, at = i, t
	}
	if found >= 0 {
		return at, ""
	}
	why = "is not a date written " + layoutTexts(c.layouts)
	if looksMangled(s) {
		why += "; it has no year, as when a spreadsheet turned another text into a date"
	} else if _, err := strconv.ParseFloat(s, 64); err == nil && len(s) >= 5 && len(s) <= 18 {
		why += "; if it is the number of a day in a spreadsheet, declare layout: excel"
	}
	return 0, why
}

func layoutTexts(layouts []layout) string {
	texts := make([]string, len(layouts))
	for i, l := range layouts {
		texts[i] = l.text
	}
	return strings.Join(texts, " or ")
}
