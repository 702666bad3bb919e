package imports

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// Mapping says what the columns of a CSV file mean. It belongs to the plan it was
// parsed with, does not change, and is safe for concurrent use.
type Mapping struct {
	Name string // of the source

	file      string
	hash      [sha256.Size]byte // of the source
	coding    string            // "" to find out
	delimiter byte              // 0 to find out
	columns   []columnUse
	names     []string // of attributes and properties
	keepFirst []string // names that a lead keeps once it has them, sorted

	key      []int // columns; empty: the whole row
	at       *cell // nil: the time of the import
	atImport bool  // known at import, not when it occurred
	keep     []test
	skip     []test

	person     person
	account    account
	origin     *cell
	actor      *cell
	attributes []*cell // by name
	activity   *activity
	outcome    *outcome
	member     *member

	zone    *time.Location
	decimal decimal
	plan    *agreement.Plan
}

// columnUse is a column that the mapping reads, and where it first says so.
type columnUse struct {
	name  string
	place *node
}

// test is a condition on a row: a column holds one of the texts.
type test struct {
	column int
	texts  []string
}

type person struct {
	email, phone, anonymous *cell
	ids                     []externalID
}

type externalID struct {
	system string
	id     *cell
}

type account struct {
	domain, name *cell
	fromEmail    bool
}

type activity struct {
	name, asset, at, bot *cell
	properties           []*cell // by name
}

type outcome struct {
	result, value, reason, note, actor, at *cell
}

type member struct {
	email, name, side, manager, pools, weight, capacity *cell
}

// The results of an outcome.
const (
	resultWon = iota
	resultLost
	resultNothing
)

var resultWords = []string{"won", "lost", "nothing"}

// ParseMapping reads a mapping for a plan. The mapping is nil if there is a finding;
// file is only for the findings.
func ParseMapping(file string, source []byte, plan *agreement.Plan) (*Mapping, agreement.Findings) {
	p := &mappingParser{finder: finder{file: file}, m: &Mapping{file: file, hash: sha256.Sum256(source), zone: time.UTC, plan: plan}}
	if plan.Calendar != nil {
		p.m.zone = plan.Calendar.Zone()
	}
	if root := p.parseTree(source); root != nil {
		p.mapping(root)
	}
	if len(p.found) > 0 {
		return nil, p.sorted()
	}
	return p.m, nil
}

type mappingParser struct {
	finder
	m *Mapping
}

func (p *mappingParser) mapping(root *node) {
	m := p.m
	p.allow(root, "a mapping", "import", "file", "key", "at", "known", "zone", "decimal", "keep_when", "skip_when",
		"person", "account", "origin", "actor", "attributes", "activity", "outcome", "member")
	if n := root.get("import"); n == nil {
		p.refuse(nil, codeMissing, "a short one such as mql: with the key of a row it makes a repeated import change nothing", "import: needs a name for the source")
	} else if m.Name = p.word(n, "import"); n.kind == word && strings.Trim(m.Name, nameLetters) != "" {
		p.refuse(n, codeValue, "use letters, digits, _ and -", "%q cannot be the name of a source", clip(m.Name))
	}
	p.fileKeys(root.get("file"))
	if n := root.get("zone"); n != nil {
		m.zone = p.zone(n)
	}
	m.decimal = p.decimal(root.get("decimal"), decimalPlain)
	for _, n := range p.words(root.get("key"), "key") {
		m.key = append(m.key, p.column(n))
	}
	if n := root.get("at"); n != nil {
		m.at = p.cell(n, "at", want{kind: agreement.Date})
		if m.at != nil && m.at.column < 0 {
			p.refuse(n, codeShape, "leave at: out for what has the time of the import", "at: names a column")
		}
	}
	if n := root.get("known"); n != nil {
		m.atImport = p.oneOf(n, "known", "when it occurred", "at import") == 1
	}
	m.keep = p.tests(root.get("keep_when"), "keep_when")
	m.skip = p.tests(root.get("skip_when"), "skip_when")
	p.person(root.get("person"))
	p.account(root.get("account"))
	sides := []string{agreement.Marketing.String(), agreement.Sales.String()}
	m.origin = p.optional(root, "", "origin", want{kind: agreement.Choice, choices: sides, plainIsValue: true})
	m.actor = p.optional(root, "", "actor", want{kind: agreement.Text})
	p.attributes(root.get("attributes"))
	p.activity(root.get("activity"))
	p.outcome(root.get("outcome"))
	p.member(root.get("member"), sides)
	hasPerson := m.hasPerson()
	switch {
	case len(p.found) > 0:
	case !hasPerson && m.member == nil:
		p.refuse(nil, codeMissing, "such as person: {email: email}; or member: for a list of your team", "the mapping does not say whom a row is about: person: is missing")
	case !hasPerson && (len(m.attributes) > 0 || m.activity != nil || m.outcome != nil || m.origin != nil || m.account != account{}):
		p.refuse(nil, codeMissing, "such as person: {email: email}", "person: is missing, and the mapping says something about one")
	}
	for _, c := range m.attributes {
		if c.collision == keepFirst {
			m.keepFirst = append(m.keepFirst, m.names[c.name])
		}
	}
}

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// isTable refuses what is not a table. It is false for nil.
func (p *mappingParser) isTable(n *node, key, example string) bool {
	if n == nil {
		return false
	}
	if n.kind != table {
		p.refuse(n, codeShape, "such as "+example, "%s: has keys of its own, and here is %s", key, n.kind)
		return false
	}
	return true
}

func (p *mappingParser) word(n *node, key string) string {
	if n.kind != word || n.text == "" {
		p.refuse(n, codeShape, "", "%s: is one word, and here is %s", key, n.kind)
		return ""
	}
	return n.text
}

// words returns a word or the words of a list.
func (p *mappingParser) words(n *node, key string) []*node {
	switch {
	case n == nil:
		return nil
	case n.kind == word:
		return []*node{n}
	case n.kind == list && len(n.items) > 0:
		for _, item := range n.items {
			if item.kind != word {
				p.refuse(item, codeShape, "put a text that holds a colon in quotes", "%s: is a list of words, and here is %s", key, item.kind)
				return nil
			}
		}
		return n.items
	}
	p.refuse(n, codeShape, "put a text that holds a colon in quotes", "%s: is a word or a list of words, and here is %s", key, n.kind)
	return nil
}

// oneOf returns which of the words a value is, -1 after a finding.
func (p *mappingParser) oneOf(n *node, key string, words ...string) int {
	text := p.word(n, key)
	i := slices.Index(words, text)
	if i < 0 && text != "" {
		p.refuse(n, codeValue, didYouMean(text, words), "%s: cannot be %q", key, clip(text))
	}
	return i
}

func (p *mappingParser) fileKeys(n *node) {
	if !p.isTable(n, "file", `file: {encoding: windows-1252, delimiter: ";"}`) {
		return
	}
	p.allow(n, "file:", "encoding", "delimiter")
	if v := n.get("encoding"); v != nil {
		if i := p.oneOf(v, "encoding", encodingWords...); i >= 0 {
			p.m.coding = encodingWords[i]
		}
	}
	if v := n.get("delimiter"); v != nil {
		signs := append(strings.Split(delimiters, ""), delimiterWords...)
		if i := p.oneOf(v, "delimiter", signs...); i >= 0 {
			p.m.delimiter = delimiters[i%4]
		}
	}
}

func (p *mappingParser) zone(n *node) *time.Location {
	zone, err := calendar.LoadZone(p.word(n, "zone"))
	if err != nil {
		if n.kind == word {
			p.refuse(n, codeValue, "such as Europe/Stockholm or UTC", "%q is no time zone", clip(n.text))
		}
		return time.UTC
	}
	return zone
}

func (p *mappingParser) decimal(n *node, otherwise decimal) decimal {
	if n == nil {
		return otherwise
	}
	switch p.oneOf(n, "decimal", "point", "comma") {
	case 0:
		return decimalPoint
	case 1:
		return decimalComma
	}
	return otherwise
}

// column returns the slot of a column that the mapping reads.
func (p *mappingParser) column(n *node) int {
	name := columnName(n.text)
	for i, c := range p.m.columns {
		if c.name == name {
			return i
		}
	}
	p.m.columns = append(p.m.columns, columnUse{name, n})
	return len(p.m.columns) - 1
}

// columnName is the name of a column as mappings and headers are compared.
func columnName(s string) string { return strings.TrimSpace(strings.TrimPrefix(s, "\ufeff")) }

func (p *mappingParser) tests(n *node, key string) []test {
	if !p.isTable(n, key, key+": {status: [open, won]}") {
		return nil
	}
	var tests []test
	for _, k := range n.keys {
		t := test{column: p.column(k.key)}
		if k.value.kind == nothing {
			t.texts = []string{""}
		}
		for _, v := range p.words(orNil(k.value), key+"."+k.key.text) {
			t.texts = append(t.texts, v.text)
		}
		tests = append(tests, t)
	}
	return tests
}

func orNil(n *node) *node {
	if n.kind == nothing {
		return nil
	}
	return n
}

// want is what a cell has to give.
type want struct {
	kind         agreement.Kind
	choices      []string // Choice
	attribute    bool     // of a lead: may say empty and collision
	plainIsValue bool     // a word alone is the value, not a column
}

// optional reads the cell under a key, nil for none.
func (p *mappingParser) optional(n *node, under, key string, w want) *cell {
	v := n.get(key)
	if v == nil {
		return nil
	}
	return p.cell(v, under+key, w)
}

// cell reads a column, or {column: …} or {value: …} with how it is written. It is
// nil after a finding.
func (p *mappingParser) cell(n *node, what string, w want) *cell {
	c := &cell{what: what, column: -1, kind: w.kind, decimal: p.m.decimal, zone: p.m.zone}
	if w.kind == agreement.Choice {
		c.choices = newChoices(w.choices)
	}
	if w.kind == agreement.Date {
		c.layouts = []layout{{text: "iso (YYYY-MM-DD, or with HH:mm:ss)", form: formISO}}
	}
	before := len(p.found)
	switch {
	case n.kind == word && n.text != "":
		if w.plainIsValue {
			p.constant(c, n)
		} else {
			c.column = p.column(n)
		}
	case n.kind == table:
		p.cellKeys(c, n, w)
	default:
		p.refuse(n, codeShape, what+": {column: NAME}, or {value: WORD} for one value in all rows", "%s: names a column, and here is %s", what, n.kind)
	}
	if len(p.found) > before {
		return nil
	}
	return c
}

func (p *mappingParser) cellKeys(c *cell, n *node, w want) {
	allowed := []string{"column", "value", "map", "unknown", "format"}
	switch w.kind {
	case agreement.Number:
		allowed = append(allowed, "decimal")
	case agreement.Date:
		allowed = append(allowed, "layout", "zone")
	}
	if w.attribute {
		allowed = append(allowed, "empty", "collision")
	}
	p.allow(n, c.what+":", allowed...)
	if v := n.get("zone"); v != nil {
		c.zone = p.zone(v)
	}
	if v := n.get("layout"); v != nil {
		c.layouts = nil
		for _, item := range p.words(v, c.what+".layout") {
			l, err := parseLayout(item.text)
			if err != nil {
				p.refuse(item, codeValue, layoutHint, "%s", err)
			}
			c.layouts = append(c.layouts, l)
		}
	}
	c.decimal = p.decimal(n.get("decimal"), c.decimal)
	if v := n.get("unknown"); v != nil {
		c.drop = p.oneOf(v, c.what+".unknown", "refuse", "drop") == 1
	}
	if v := n.get("empty"); v != nil {
		c.clear = p.oneOf(v, c.what+".empty", "keep", "clear") == 1
	}
	if v := n.get("collision"); v != nil {
		c.collision = collision(max(0, p.oneOf(v, c.what+".collision", collisionWords...)))
	}
	if v := n.get("format"); v != nil {
		var ok bool
		if c.prefix, c.suffix, ok = strings.Cut(p.word(v, c.what+".format"), "{}"); !ok {
			p.refuse(v, codeValue, `such as "{}@northwind.example"`, "%s.format: has no {}, where the text of the column goes", c.what)
		}
	}
	p.wordMap(c, n.get("map"))
	column, value := n.get("column"), n.get("value")
	switch {
	case column != nil && value != nil:
		p.refuse(value, codeShape, "keep one of them", "%s: has a column and a value", c.what)
	case column != nil:
		if p.word(column, c.what+".column") != "" {
			c.column = p.column(column)
		}
	case value != nil:
		if p.word(value, c.what+".value") != "" {
			p.constant(c, value)
		}
	default:
		p.refuse(n, codeMissing, "column: names it; value: is for one value in all rows", "%s: does not say which column", c.what)
	}
}

// wordMap reads map:, whose words must be ones that the cell can read.
func (p *mappingParser) wordMap(c *cell, n *node) {
	if !p.isTable(n, c.what+".map", "map: {Won: won}") {
		return
	}
	c.words = map[string]string{}
	for _, k := range n.keys {
		to := ""
		if k.value.kind != nothing {
			to = k.value.text
			if k.value.kind != word {
				p.refuse(k.value, codeShape, "", "%s.map: gives each word another word, and here is %s", c.what, k.value.kind)
				continue
			}
		}
		if to != "" && c.kind != agreement.Date {
			plain := *c
			plain.decimal, plain.prefix, plain.suffix = decimalPlain, "", ""
			if _, why := plain.read(to); why != "" {
				p.refuse(k.value, codeName, "", "%s.map: %q %s", c.what, clip(to), why)
			}
		}
		if lower := strings.ToLower(k.key.text); lower != k.key.text && n.get(lower) == nil {
			c.words[lower] = to
		}
		c.words[k.key.text] = to
	}
}

func (p *mappingParser) constant(c *cell, n *node) {
	v, why := c.read(n.text)
	if why != "" {
		p.refuse(n, codeName, "", "%s: %q %s", c.what, clip(n.text), why)
	}
	c.constant = v
}

func (p *mappingParser) person(n *node) {
	if !p.isTable(n, "person", "person: {email: email}") {
		return
	}
	p.allow(n, "person:", "email", "id", "phone", "anonymous")
	p.m.person.email = p.optional(n, "person.", "email", want{kind: agreement.Text})
	p.m.person.phone = p.optional(n, "person.", "phone", want{kind: agreement.Text})
	p.m.person.anonymous = p.optional(n, "person.", "anonymous", want{kind: agreement.Text})
	ids := n.get("id")
	if ids == nil {
		return
	}
	items := []*node{ids}
	if ids.kind == list {
		items = ids.items
	}
	for _, item := range items {
		if !p.isTable(item, "person.id", "id: {system: crm, column: contact_id}") {
			continue
		}
		system := item.get("system")
		if system == nil {
			p.refuse(item, codeMissing, "id: {system: crm, column: contact_id}: two systems may give the same ID to two people", "person.id: does not say whose ID it is")
			continue
		}
		rest := &node{kind: table, line: item.line, column: item.column, width: item.width}
		for _, k := range item.keys {
			if k.value != system {
				rest.keys = append(rest.keys, k)
			}
		}
		if id := p.cell(rest, "person.id", want{kind: agreement.Text}); id != nil {
			p.m.person.ids = append(p.m.person.ids, externalID{p.word(system, "person.id.system"), id})
		}
	}
}

func (p *mappingParser) account(n *node) {
	if !p.isTable(n, "account", "account: {domain: website, name: company}") {
		return
	}
	p.allow(n, "account:", "domain", "name", "from_email")
	p.m.account.domain = p.optional(n, "account.", "domain", want{kind: agreement.Text})
	p.m.account.name = p.optional(n, "account.", "name", want{kind: agreement.Text})
	if v := n.get("from_email"); v != nil {
		yes, ok := readBoolean(p.word(v, "account.from_email"))
		if !ok && v.kind == word {
			p.refuse(v, codeValue, "write yes or no", "account.from_email: cannot be %q", clip(v.text))
		}
		p.m.account.fromEmail = yes
		if yes && p.m.person.email == nil {
			p.refuse(v, codeMissing, "", "account.from_email: needs person.email")
		}
	}
}

// named reads the cells of attributes or properties, in the order of their names.
func (p *mappingParser) named(n *node, key string, vocabulary []agreement.Attribute, slots map[string]int, attribute bool) []*cell {
	if !p.isTable(n, key, key+": {country: country_column}") {
		return nil
	}
	entries := slices.Clone(n.keys)
	slices.SortFunc(entries, func(a, b keyed) int { return strings.Compare(a.key.text, b.key.text) })
	var cells []*cell
	for _, k := range entries {
		slot, ok := slots[k.key.text]
		if !ok {
			names := make([]string, len(vocabulary))
			for i := range vocabulary {
				names[i] = vocabulary[i].Name
			}
			p.refuse(k.key, codeName, didYouMean(k.key.text, names), "the agreement has no %s %q", strings.TrimSuffix(strings.Replace(key[strings.LastIndexByte(key, '.')+1:], "ies", "y", 1), "s"), clip(k.key.text))
			continue
		}
		a := &vocabulary[slot]
		if c := p.cell(k.value, key+"."+a.Name, want{kind: a.Kind, choices: a.Choices, attribute: attribute}); c != nil {
			c.name = len(p.m.names)
			p.m.names = append(p.m.names, a.Name)
			cells = append(cells, c)
		}
	}
	return cells
}

func (p *mappingParser) attributes(n *node) {
	p.m.attributes = p.named(n, "attributes", p.m.plan.Attributes, p.m.plan.Index.Attribute, true)
}

func (p *mappingParser) activity(n *node) {
	if !p.isTable(n, "activity", "activity: {name: form_submitted}") {
		return
	}
	p.allow(n, "activity:", "name", "asset", "at", "bot", "properties")
	var names, assets []string
	for i := range p.m.plan.Activities {
		names = append(names, p.m.plan.Activities[i].Name)
	}
	for i := range p.m.plan.Assets {
		assets = append(assets, p.m.plan.Assets[i].Name)
	}
	a := &activity{
		name:  p.optional(n, "activity.", "name", want{kind: agreement.Choice, choices: names, plainIsValue: true}),
		asset: p.optional(n, "activity.", "asset", want{kind: agreement.Choice, choices: assets, plainIsValue: true}),
		at:    p.optional(n, "activity.", "at", want{kind: agreement.Date}),
		bot:   p.optional(n, "activity.", "bot", want{kind: agreement.Boolean}),
	}
	if n.get("name") == nil {
		p.refuse(n, codeMissing, "activity: {name: form_submitted}, or name: {column: type, map: {Form: form_submitted}}", "activity: has no name")
	}
	a.properties = p.named(n.get("properties"), "activity.properties", p.m.plan.Properties, p.m.plan.Index.Property, false)
	p.m.activity = a
}

func (p *mappingParser) outcome(n *node) {
	if !p.isTable(n, "outcome", "outcome: {result: won, value: amount}") {
		return
	}
	p.allow(n, "outcome:", "result", "value", "reason", "note", "actor", "at")
	p.m.outcome = &outcome{
		result: p.optional(n, "outcome.", "result", want{kind: agreement.Choice, choices: resultWords, plainIsValue: true}),
		value:  p.optional(n, "outcome.", "value", want{kind: agreement.Number}),
		reason: p.optional(n, "outcome.", "reason", want{kind: agreement.Text}),
		note:   p.optional(n, "outcome.", "note", want{kind: agreement.Text}),
		actor:  p.optional(n, "outcome.", "actor", want{kind: agreement.Text}),
		at:     p.optional(n, "outcome.", "at", want{kind: agreement.Date}),
	}
	if n.get("result") == nil {
		p.refuse(n, codeMissing, "outcome: {result: won}, or result: {column: status, map: {Won: won, Lost: lost, Open: nothing}}", "outcome: has no result")
	}
}

func (p *mappingParser) member(n *node, sides []string) {
	if !p.isTable(n, "member", "member: {email: email, side: sales}") {
		return
	}
	p.allow(n, "member:", "email", "name", "side", "manager", "pools", "weight", "capacity")
	p.m.member = &member{
		email:    p.optional(n, "member.", "email", want{kind: agreement.Text}),
		name:     p.optional(n, "member.", "name", want{kind: agreement.Text}),
		side:     p.optional(n, "member.", "side", want{kind: agreement.Choice, choices: sides, plainIsValue: true}),
		manager:  p.optional(n, "member.", "manager", want{kind: agreement.Text}),
		pools:    p.optional(n, "member.", "pools", want{kind: agreement.Text}),
		weight:   p.optional(n, "member.", "weight", want{kind: agreement.Number}),
		capacity: p.optional(n, "member.", "capacity", want{kind: agreement.Number}),
	}
	if n.get("email") == nil {
		p.refuse(n, codeMissing, "a member is known by the address", "member: has no email")
	}
	if n.get("side") == nil {
		p.refuse(n, codeMissing, "side: sales, or side: {column: team, map: {Sales: sales}}", "member: has no side")
	}
}

// place is where the mapping first names a column.
func (m *Mapping) place(c columnUse) string {
	return m.file + ":" + strconv.Itoa(c.place.line) + ":" + strconv.Itoa(c.place.column)
}

var encodingWords = []string{"utf-8", "utf-16", "windows-1252", "latin-1"}
