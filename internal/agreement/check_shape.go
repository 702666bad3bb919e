package agreement

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxName is how long a name may be, in bytes.
const maxName = 64

// shape checks that a value is written as its construct is: known keys, none missing, the
// right sort of value. It marks values as bad so that later stages keep quiet about them.
// Words that only a look-up can judge (names, durations, conditions) are for the
// stages after it.
func (c *compiler) shape(n *node, s *shape, address string) {
	switch {
	case n.kind == empty:
		if !s.optional {
			n.bad = true
			c.find(codeNothing, n, address, "nothing stands here", "expected "+s.what)
		}
	case n.kind == scalar && s.form != noForm:
		c.scalarShape(n, s, address)
	case n.kind == sequence && s.list != nil:
		if len(n.items) < s.least {
			n.bad = true
			c.find(codeNothing, n, address, "the list is empty", "expected "+s.what)
		}
		for i, item := range n.items {
			c.shape(item, s.list, join(address, strconv.Itoa(i+1)))
		}
	case n.kind == mapping && s.keys != nil:
		c.keysShape(n, s, address)
	case n.kind == mapping && s.each != nil:
		for _, e := range n.entries {
			c.trapKey(e.key, address)
			if s.names == nameForm || s.names == dottedForm || s.names == emailForm {
				c.nameShape(e.key, s.names, address)
			}
			c.shape(e.value, s.each, join(address, e.key.value))
		}
	default:
		n.bad = true
		have := map[nodeKind]string{scalar: "a single value", mapping: "a mapping", sequence: "a list"}[n.kind]
		hint := ""
		if s.list != nil && s.list.form == n.form() {
			hint = "put it in [ ]"
		}
		c.find(codeType, n, address, fmt.Sprintf("this is %s, but %s is expected", have, s.what), hint)
	}
}

func (n *node) form() form {
	if n.kind == scalar {
		return textForm
	}
	return noForm
}

func join(address, name string) string {
	if address == "" {
		return name
	}
	return address + "." + name
}

func (c *compiler) keysShape(n *node, s *shape, address string) {
	var meant []string
	for _, e := range n.entries {
		i := slices.IndexFunc(s.keys, func(k key) bool { return k.name == e.key.value })
		if i < 0 {
			meant = append(meant, c.unknownKey(e.key, s, address))
			continue
		}
		c.shape(e.value, s.keys[i].shape, join(address, e.key.value))
	}
	if address == "" {
		c.misspelt = slices.DeleteFunc(slices.Clone(meant), func(name string) bool { return name == "" || n.lookup(name) != nil })
	}
	for _, name := range s.require {
		if n.lookup(name) != nil {
			continue
		}
		n.bad = n.bad || address != ""
		if slices.Contains(meant, name) {
			continue
		}
		doc := ""
		for _, k := range s.keys {
			if k.name == name {
				doc = name + ": " + strings.ToLower(k.doc[:1]) + strings.TrimSuffix(k.doc[1:], ".")
			}
		}
		if address == "" {
			c.find(codeRequired, c.doc.root, "", fmt.Sprintf("the section %s is missing", name), doc)
			continue
		}
		c.find(codeRequired, c.naming(n), address, fmt.Sprintf("%s is missing here", name), doc)
	}
}

// confused are keys that people write out of habit, and what they mean.
var confused = map[string]string{
	"on": "event", "if": "when", "condition": "when", "description": "definition", "desc": "definition", "owner": "assign",
	"expire": "expires", "expiry": "expires", "decay": "half_life", "cap": "at_most", "max": "at_most", "score": "points",
	"stage": "to", "rules": "rules_of_engagement", "recycle": "handbacks", "sla": "clocks", "working_hours": "hours",
	"teams": "pools", "team": "people", "tz": "timezone", "sources": "attributes", "fields": "attributes", "deadline": "accept_within",
	"question": "ask", "text": "ask", "target_buyers": "target_buyer",
}

// unknownKey finds that a key is not known and returns the one that may be meant, or "".
func (c *compiler) unknownKey(k *node, s *shape, address string) (meant string) {
	names := make([]string, len(s.keys))
	for i := range s.keys {
		names[i] = s.keys[i].name
	}
	hint := "known here: " + strings.Join(names, ", ")
	if meant = confused[k.value]; !slices.Contains(names, meant) {
		meant = Nearest(k.value, names)
	}
	if meant != "" {
		hint = fmt.Sprintf("did you mean %s?", meant)
	} else if at := c.home(k.value); at != "" && address == "" {
		hint = fmt.Sprintf("did you mean %s?", at)
	} else if at != "" {
		hint = fmt.Sprintf("%s belongs to %s; known here: %s", k.value, at, strings.Join(names, ", "))
	}
	where := "in an agreement"
	if address != "" {
		where = "in " + s.what
	}
	c.find(codeKey, k, address, fmt.Sprintf("%s is not known %s", quote(k.value), where), hint)
	return meant
}

// home returns where in the language a key belongs that stands in a wrong place, "" for nowhere or in many.
func (c *compiler) home(name string) string {
	for _, section := range language.keys {
		for _, k := range section.shape.keys {
			if k.name == name && section.name != "renamed" && section.name != "brief" {
				return section.name + "." + name
			}
		}
	}
	return ""
}

// scalarShape checks a single value as far as that is possible without context.
func (c *compiler) scalarShape(n *node, s *shape, address string) {
	if strings.TrimSpace(n.value) == "" {
		n.bad = true
		c.find(codeNothing, n, address, "nothing stands here", "expected "+s.what)
		return
	}
	c.trap(n, s, address)
	switch s.form {
	case wordForm, kindForm:
		if slices.Contains(s.words, n.value) {
			return
		}
		n.bad = true
		hint := "write " + oneOf(s.words)
		if near := Nearest(n.value, s.words); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		c.find(codeWord, n, address, fmt.Sprintf("%s is not %s", quote(n.value), s.what), hint)
	case numberForm, countForm:
		if _, ok := number(n.value); !ok {
			n.bad = true
			hint := "write digits, such as 25, -50, 0.5 or 1_200_000"
			if strings.HasSuffix(n.value, "%") {
				hint = "write the number alone"
			}
			c.find(codeNumber, n, address, fmt.Sprintf("%s is not a number", quote(n.value)), hint)
			return
		}
		if s.form == countForm && !isCount(n.value) {
			n.bad = true
			c.find(codeNumber, n, address, fmt.Sprintf("%s is not a whole number from 0 to a million", quote(n.value)), "")
		}
	}
}

var (
	numberPattern = regexp.MustCompile(`^[+-]?(\d{1,15}|\d{1,3}(_\d{3}){1,4})(\.\d{1,9})?$`)
	namePattern   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	dottedPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$`)
	octalPattern  = regexp.MustCompile(`^[+-]?0[0-9_]+$`)
	clockPattern  = regexp.MustCompile(`^[0-9]+(:[0-5]?[0-9])+$`)
	datePattern   = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}`)
)

// number reads a number as the language has them: decimal, with _ between thousands.
func number(s string) (float64, bool) {
	if !numberPattern.MatchString(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil
}

func isCount(s string) bool {
	f, ok := number(s)
	return ok && f >= 0 && f <= 1_000_000 && f == float64(int(f))
}

// points reads a number of points into Point, exactly.
func points(s string) (int64, bool) {
	if _, ok := number(s); !ok {
		return 0, false
	}
	s = strings.ReplaceAll(s, "_", "")
	negative := strings.HasPrefix(s, "-")
	whole, fraction, _ := strings.Cut(strings.TrimLeft(s, "+-"), ".")
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > 6 {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", 6-len(fraction)), 10, 64)
	if err != nil || n > 1_000_000_000*Point {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

// trap warns of plain scalars that other readers of YAML take for something else. Nothing
// in the language depends on them: Baton reads all of them as text.
func (c *compiler) trap(n *node, s *shape, address string) {
	if n.style != plain {
		return
	}
	switch s.form {
	case numberForm, countForm:
		if octalPattern.MatchString(n.value) && n.value != "0" {
			c.warn(codeOctal, n, address, fmt.Sprintf("%s begins with a zero; some readers of YAML take it for an octal number", n.value), "write it without the zero")
		}
		return
	case conditionForm:
		return
	}
	c.trapText(n, address, s.form == textForm)
}

func (c *compiler) trapKey(k *node, address string) {
	if k.style == plain && k.value != "" && !isCount(k.value) {
		c.trapText(k, address, false)
	}
}

func (c *compiler) trapText(n *node, address string, strict bool) {
	quoted := fmt.Sprintf("put it in quotes: %q", n.value)
	switch strings.ToLower(n.value) {
	case "y", "n", "yes", "no", "on", "off", "true", "false":
		c.warn(codeBoolean, n, address, fmt.Sprintf("some readers of YAML take %s for a boolean", n.value), quoted)
		return
	}
	switch {
	case clockPattern.MatchString(n.value):
		c.warn(codeSexagesima, n, address, fmt.Sprintf("some readers of YAML take %s for a number of seconds or minutes", n.value), quoted)
	case octalPattern.MatchString(n.value):
		c.warn(codeOctal, n, address, fmt.Sprintf("some readers of YAML take %s for an octal number", n.value), quoted)
	case strict && datePattern.MatchString(n.value):
		c.warn(codeUnquoted, n, address, fmt.Sprintf("YAML takes %s for a date, but a text is expected", n.value), quoted)
	case strict && looksNumeric(n.value):
		c.warn(codeUnquoted, n, address, fmt.Sprintf("YAML takes %s for a number, but a text is expected", n.value), quoted)
	}
}

func looksNumeric(s string) bool {
	if strings.ContainsAny(s[:1], "iInN") { // infinity and NaN are words in agreements
		return false
	}
	_, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return err == nil
}

// nameShape checks a name that the agreement declares.
func (c *compiler) nameShape(n *node, f form, address string) {
	if n.bad {
		return
	}
	why := ""
	switch {
	case n.kind != scalar || n.value == "":
		why = "a name is missing"
	case len(n.value) > maxName:
		why = fmt.Sprintf("the name is longer than %d letters", maxName)
	case f == emailForm:
		if why := emailTrouble(n.value); why != "" {
			n.bad = true
			c.find(codeEmail, n, address, fmt.Sprintf("%s is not an e-mail address: %s", quote(n.value), why), "")
		}
		return
	case !namePattern.MatchString(n.value) && !(f == dottedForm && dottedPattern.MatchString(n.value)):
		why = fmt.Sprintf("%s cannot be a name", quote(n.value))
	}
	if why == "" {
		return
	}
	n.bad = true
	hint := "names are made of letters, digits and _, and begin with a letter"
	if s := slug(n.value); s != "" && s != n.value && namePattern.MatchString(s) && len(s) <= maxName {
		hint += "; try " + s
	}
	c.find(codeName, n, address, why, hint)
}

// slug makes an address of a text: lower case, everything but letters and digits to _.
func slug(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	return b.String()
}
