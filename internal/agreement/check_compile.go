package agreement

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"baton/internal/calendar"
)

// compiler turns a source tree into a Plan. It goes through stages, each of which
// relies on those before it:
//
//	parse     text -> tree (source_*.go); stops after an error
//	shape     each construct is written as the language has it (check_shape.go)
//	calendar  time zone, hours, holidays (check_calendar.go)
//	declare   names get their slots, so that anything may refer to anything (check_declare.go)
//	refer     references, values and conditions (check_refer.go)
//	index     what lets a decision cost what changed (check_index.go)
//	judge     whether the agreement as a whole can work (check_flow.go, check_handoff.go,
//	          check_score.go)
//
// A stage goes on after a finding, so that several are told at once. A node whose
// shape was found bad is absent for later stages.
type compiler struct {
	doc   *document
	read  func(path string) ([]byte, error)
	found Findings
	plan  *Plan
	hash  []byte // of what is read, in order

	closures []calendar.Closure // of the agreement, for the calendars of people
	week     calendar.Week
	zone     *time.Location
	always   bool // no hours are given

	tracks   map[string]int
	queues   map[string]int
	traits   [Traits]map[string]int
	shared   map[string]*calendar.Calendar // of those who have the same hours and zone
	channels map[string]int
	clocks   map[string]int
	nodes    map[string]*node // address -> the node that declares it, for related places
	asked    []asked
	misspelt []string // sections that an unknown key of the agreement stands for
}

// asked is a condition and where it stands.
type asked struct {
	*Condition
	n *node
}

// Compile turns source into a Plan. file is the name that findings give it. read
// loads a file that the agreement names (holidays), by its path relative to the
// agreement; nil refuses such names. The Plan is nil if any finding is an error.
//
// The Hash of a Plan is of the text with its lines ended by line feeds, so that a
// checkout on Windows is the same agreement, and of the files it names.
func Compile(file string, source []byte, read func(path string) ([]byte, error)) (*Plan, Findings) {
	doc, found := parse(file, source)
	if doc == nil {
		return nil, found.sorted()
	}
	c := &compiler{doc: doc, read: read, found: found, plan: &Plan{own: &ownHours{made: map[[2]string]*calendar.Calendar{}}}, nodes: map[string]*node{}, shared: map[string]*calendar.Calendar{}}
	c.shape(doc.root, language, "")
	c.hash = append(c.hash, doc.src...)
	c.calendar()
	c.declare()
	c.refer()
	if c.sound() {
		c.index()
		c.judge()
	}
	sum := sha256.Sum256(c.hash)
	c.plan.Hash = hex.EncodeToString(sum[:])
	found = c.found.sorted()
	if found.HasErrors() {
		return nil, found
	}
	return c.plan, found
}

// sound reports whether names and conditions were all understood, so that the
// agreement can be judged as a whole without guessing.
func (c *compiler) sound() bool {
	return !slices.ContainsFunc(c.found, func(f Finding) bool {
		return f.Severity == Error && (f.Code[0] == 'C' || f.Code == codeTwice || f.Code >= codeKey && f.Code <= codeWord ||
			f.Code == codeStep || f.Code == codeTarget || f.Code == codeReadiness)
	})
}

// find adds an error about a node.
func (c *compiler) find(code string, n *node, address, message, hint string) *Finding {
	return c.add(Error, code, n, address, message, hint)
}

func (c *compiler) warn(code string, n *node, address, message, hint string) *Finding {
	return c.add(Warning, code, n, address, message, hint)
}

func (c *compiler) add(severity Severity, code string, n *node, address, message, hint string) *Finding {
	start, end := 0, 0
	if n != nil {
		start, end = c.extent(n)
	}
	f := c.doc.finding(severity, code, start, end, message, hint)
	f.Address = address
	c.found = append(c.found, f)
	return &c.found[len(c.found)-1]
}

// extent returns what of a node to put carets under.
func (c *compiler) extent(n *node) (start, end int) {
	switch {
	case n.kind == empty && n.name != nil:
		return n.name.start, n.name.end
	case n.kind == mapping && !n.flow && len(n.entries) > 0:
		return n.entries[0].key.start, n.entries[0].key.end
	case n.kind == scalar && n.style >= literal:
		return n.start, n.start + 1
	}
	return n.start, n.end
}

// naming returns the key that names a construct, or the construct itself in a list.
func (c *compiler) naming(n *node) *node {
	if n.name != nil {
		return n.name
	}
	return n
}

// related adds a second place to a finding.
func (c *compiler) related(f *Finding, n *node, message string) {
	if n == nil {
		return
	}
	start, _ := c.extent(n)
	line, column := c.doc.place(start)
	f.Related = append(f.Related, Related{c.doc.file, line, column, message})
}

// clause makes the clause of a construct at a node.
func (c *compiler) clause(address string, n *node) Clause {
	start, _ := c.extent(n)
	line, column := c.doc.place(start)
	return Clause{Address: address, File: c.doc.file, Line: line, Column: column}
}

// declareClause makes a clause and gives it its place in the index.
func (c *compiler) declareClause(address string, n *node) Clause {
	clause := c.clause(address, n)
	if first, ok := c.nodes[address]; ok {
		f := c.find(codeSameName, n, address, fmt.Sprintf("the address %s is taken", address), "give one of them another name")
		c.related(f, first, "by this")
		return clause
	}
	c.nodes[address] = n
	c.plan.Index.Clause[address] = clause
	return clause
}

// at returns the value of nested keys, nil where one is absent, empty or bad.
func (c *compiler) at(path ...string) *node {
	n := c.doc.root
	for _, name := range path {
		n = n.get(name)
		if n == nil || n.bad && n.kind != mapping {
			return nil
		}
	}
	return n
}

// entriesOf returns the entries of a mapping whose names are good.
func entriesOf(n *node) []entry {
	if n == nil || n.kind != mapping {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(n.entries), func(e entry) bool { return e.key.bad })
}

// field returns the value of a key as a scalar, nil if it is absent or bad.
func field(n *node, name string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	v := n.get(name)
	if v == nil || v.bad || v.kind != scalar {
		return nil
	}
	return v
}

// text returns the value of a key as a text on one line, "" if it is absent.
func word(n *node, name string) string {
	if v := field(n, name); v != nil {
		return strings.TrimSpace(v.value)
	}
	return ""
}

// list returns the scalars of a value that is one or a list of them.
func list(n *node) []*node {
	switch {
	case n == nil || n.bad:
		return nil
	case n.kind == scalar:
		return []*node{n}
	}
	var items []*node
	for _, item := range n.items {
		if item.kind == scalar && !item.bad {
			items = append(items, item)
		}
	}
	return items
}

// suggest returns a hint of which name may be meant.
func (c *compiler) suggest(name string, names []string, none string) string {
	if len(c.found) > 2*mostFindings {
		return ""
	}
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if len(names) == 0 {
		return none
	}
	if len(names) <= 12 {
		return "known: " + strings.Join(names, ", ")
	}
	return none
}

// duration reads a duration; allowWorking says whether it may be in working time.
func (c *compiler) duration(n *node, address string, allowWorking bool) (calendar.Duration, bool) {
	if n == nil || n.bad {
		return calendar.Duration{}, false
	}
	d, err := calendar.ParseDuration(n.value)
	if err != nil {
		c.find(codeDuration, n, address, fmt.Sprintf("%s is not a duration", quote(n.value)), reason(err))
		return d, false
	}
	switch {
	case d.Amount == 0:
		c.find(codeDuration, n, address, "this is no time at all", "leave it out, or give it some time")
		return d, false
	case d.Unit != calendar.Wall && !allowWorking:
		c.find(codeDuration, n, address, "working time cannot be used here", "write it by the clock on the wall, such as \"30d\" or \"36 hours\"")
		return d, false
	case d.Unit == calendar.Wall && d.Amount > 100*365*86_400_000_000 || d.Amount > math.MaxInt64/4:
		c.find(codeDuration, n, address, "this is more than a hundred years", "")
		return d, false
	case d.Unit != calendar.Wall && c.always && c.at("calendar") == nil:
		c.find(codeNoHours, n, address, "this is working time, but the agreement has no working hours", "add a calendar with hours")
		return d, false
	}
	return d, true
}

// wall reads a duration by the clock on the wall, in microseconds.
func (c *compiler) wall(n *node, address string) int64 {
	d, _ := c.duration(n, address, false)
	if d.Unit != calendar.Wall {
		return 0
	}
	return d.Amount
}

// reason cuts what was being done from an error, for a hint.
func reason(err error) string {
	text := err.Error()
	if i := strings.Index(text, "\": "); i >= 0 && strings.HasPrefix(text, "reading ") {
		return text[i+3:]
	}
	return text
}

// emailTrouble says what is wrong with an e-mail address, "" for nothing.
func emailTrouble(s string) string {
	local, domain, ok := strings.Cut(s, "@")
	switch {
	case !ok:
		return "it has no @"
	case local == "" || domain == "" || strings.Contains(domain, "@"):
		return "it takes something before and after one @"
	case strings.ContainsAny(s, " \t\n\"<>(),;:\\[]"):
		return "it holds a character that addresses do not have"
	case !strings.Contains(domain, ".") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(domain, ".."):
		return "what follows the @ is not a domain"
	case len(s) > 254:
		return "it is too long"
	}
	return ""
}

// email reads an e-mail address, in lower case.
func (c *compiler) email(n *node, address string) string {
	if n == nil {
		return ""
	}
	if why := emailTrouble(n.value); why != "" {
		c.find(codeEmail, n, address, fmt.Sprintf("%s is not an e-mail address: %s", quote(n.value), why), "")
		return ""
	}
	return strings.ToLower(n.value)
}

// condition compiles the condition at a node; nil for none, or after a finding.
func (c *compiler) condition(n *node, scope Scope, address string) *Condition {
	if n == nil || n.bad || n.kind != scalar || len(c.found) > 4*mostFindings {
		return nil
	}
	start, _ := c.extent(n)
	line, column := c.doc.place(start)
	place := Clause{Address: address, File: c.doc.file, Line: line, Column: column}
	cond, found := compileCondition(c.plan, scope, place, n.value)
	for _, f := range found {
		if len(c.found) > 4*mostFindings {
			break
		}
		from := runeOffset(n.value, f.Offset)
		to := runeOffset(n.value, f.Offset+f.Length)
		start, end := c.doc.spot(n, from), c.doc.spot(n, max(from, to-1))
		if to > from && end < len(c.doc.src) {
			_, size := utf8.DecodeRuneInString(c.doc.src[end:])
			end += size
		}
		x := c.doc.finding(Error, f.Code, start, end, f.Message, f.Hint)
		x.Address = address
		c.found = append(c.found, x)
	}
	if len(found) > 0 {
		return nil
	}
	c.plan.noteCondition(cond)
	c.asked = append(c.asked, asked{cond, n})
	return cond
}

// runeOffset returns the byte offset of rune n.
func runeOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}
