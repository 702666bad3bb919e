package agreement

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// nodeKind is what a value of the source is.
type nodeKind uint8

const (
	empty nodeKind = iota // nothing, ~ or null
	scalar
	mapping
	sequence
)

// style is how a scalar is written.
type style uint8

const (
	plain style = iota
	single
	double
	literal // |
	folded  // >
)

// node is a value of the source, with its place. The tree keeps what a person wrote:
// no scalar is turned into a number, a boolean or a date here.
type node struct {
	kind       nodeKind
	style      style
	flow       bool // { } or [ ]
	start, end int  // offsets into the text; of a block scalar, start is its header
	body       int  // offset of the first line of a block scalar
	column     int  // from 1
	value      string
	entries    []entry
	keys       map[string]int // key -> entry
	items      []*node

	name *node // the key whose value this is, nil for an item of a list
	bad  bool  // a finding has been made of its shape; do not complain again
}

// entry is one key of a mapping with its value, never nil.
type entry struct {
	key   *node
	value *node
}

// get returns the value of a key, nil for an absent or empty one.
func (n *node) get(key string) *node {
	v := n.lookup(key)
	if v == nil || v.kind == empty {
		return nil
	}
	return v
}

// lookup returns the value of a key even if it is empty, nil for an absent one.
func (n *node) lookup(key string) *node {
	if n == nil {
		return nil
	}
	if i, ok := n.keys[key]; ok {
		return n.entries[i].value
	}
	return nil
}

// comment is a comment of the source, from its # to the end of the line.
type comment struct {
	start, end int
	column     int
	own        bool // stands on a line of its own
}

// document is a source file as a tree.
type document struct {
	*text
	root     *node
	comments []comment
}

// builder turns tokens into a tree. It reads the part of YAML that people write by
// hand: block and flow mappings, sequences and scalars; it refuses the rest
// with a finding. It does not stop at the first mistake, keeps every offset, and takes
// time in proportion to the text, which is why it is not the parser that
// comes with the scanner (that one copies a mapping once for each of its keys). A test
// holds the two against each other.
type builder struct {
	*text
	found    Findings
	tokens   []piece // but for comments
	next     int
	comments []comment
	values   int
	stopped  bool // a bound is passed; the rest is not read
}

// parse reads a source file. The document is nil if a finding is an error of
// encoding or syntax.
func parse(file string, source []byte) (*document, Findings) {
	t, found := readText(file, source)
	if found.HasErrors() {
		return nil, found
	}
	b := &builder{text: t, found: found}
	b.locate(lexer.Tokenize(t.src))
	root := b.document()
	if b.found.HasErrors() {
		return nil, b.found
	}
	return &document{t, root, b.comments}, b.found
}

// piece is a token with its place. The scanner's own places are a little off here and there (after a
// space at the end of a line, for one), so each token is found in the text again,
// behind the one before it.
type piece struct {
	*token.Token
	start, end   int
	line, column int
}

func (b *builder) locate(tokens token.Tokens) {
	cursor, header := 0, -1 // header is where the header of a block scalar begins, whose body comes next
	for _, t := range tokens {
		at := cursor
		for at < len(b.src) && (b.src[at] == ' ' || b.src[at] == '\t' || b.src[at] == '\n') {
			at++
		}
		end := at + covers(b.src[at:], t.Origin)
		switch {
		case t.Type == token.CommentType:
			if at == len(b.src) || b.src[at] != '#' {
				continue // the header of a block scalar took it
			}
			end = b.endOfLine(at)
			line, column := b.place(at)
			b.comments = append(b.comments, comment{start: at, end: end, column: column,
				own: strings.TrimSpace(b.src[b.lines[line-1]:at]) == ""})
			cursor = end
			continue
		case header >= 0 && t.Type == token.StringType:
			at = min(b.endOfLine(header)+1, len(b.src))
			end = at + covers(b.src[at:], t.Origin)
			header = -1
		case t.Type == token.SingleQuoteType:
			end = at + quoted(b.src[at:], '\'')
		case t.Type == token.DoubleQuoteType:
			end = at + quoted(b.src[at:], '"')
		case t.Type == token.LiteralType || t.Type == token.FoldedType:
			header = at
			if i := strings.IndexAny(b.src[at:b.endOfLine(at)], " #"); i >= 0 {
				end = at + i
			}
		case t.Type == token.InvalidType:
			if i := b.offset(t.Position.Line, max(1, t.Position.Column)); i >= 0 {
				at = i
			}
			end = at + 1
		case end == at:
			// out of step with the text: the place is a line, not a word
			if i := b.offset(t.Position.Line, max(1, t.Position.Column)); i >= 0 {
				at = i
			}
			end = at
		}
		line, column := b.place(at)
		b.tokens = append(b.tokens, piece{t, at, end, line, column})
		cursor = end
		if t.Type == token.InvalidType {
			return
		}
	}
}

func (b *builder) refuse(code string, tok *piece, message, hint string) {
	start, end := len(b.src), len(b.src)
	if tok != nil {
		start, end = tok.start, tok.end
	}
	if len(b.found) > 2*mostFindings {
		b.stopped = true
		return
	}
	b.found = append(b.found, b.finding(Error, code, start, end, message, hint))
}

func (b *builder) peek() *piece {
	if b.stopped || b.next >= len(b.tokens) {
		return nil
	}
	return &b.tokens[b.next]
}

// isKey reports whether a key of a block mapping begins with the next token.
func (b *builder) isKey() bool {
	t := b.peek()
	if t == nil || !isScalar(t) || b.next+1 >= len(b.tokens) {
		return false
	}
	colon := b.tokens[b.next+1]
	return colon.Type == token.MappingValueType && colon.line == t.line
}

func isScalar(t *piece) bool {
	switch t.Type {
	case token.StringType, token.BoolType, token.IntegerType, token.BinaryIntegerType, token.OctetIntegerType,
		token.HexIntegerType, token.FloatType, token.NullType, token.ImplicitNullType, token.InfinityType, token.NanType,
		token.SingleQuoteType, token.DoubleQuoteType:
		return true
	}
	return false
}

func (b *builder) document() *node {
	for t := b.peek(); t != nil && t.Type == token.DirectiveType; t = b.peek() {
		b.refuse(codeFeature, t, "agreements do without YAML directives", "take the line out")
		b.skipLine(t.line)
	}
	if t := b.peek(); t != nil && t.Type == token.DocumentHeaderType {
		b.next++
	}
	if t := b.peek(); t == nil || t.Type == token.DocumentEndType {
		if !b.found.HasErrors() {
			b.found = append(b.found, b.finding(Error, codeEmpty, 0, 0, "there is no agreement in the file", "begin with one of the templates"))
		}
		return nil
	}
	root := b.value(0, 0, false, 1)
	for t := b.peek(); t != nil; t = b.peek() {
		switch t.Type {
		case token.DocumentEndType:
			b.next++
			continue
		case token.DocumentHeaderType:
			b.refuse(codeDocuments, t, "a second document begins here", "keep one agreement in a file")
			b.stopped = true
		default:
			if root.kind == mapping && !root.flow && b.isKey() && t.column > 1 {
				b.refuse(codeSyntax, t, "this key stands in a column of no other key", "indent it like the keys it belongs to")
			} else {
				b.unexpected(t)
			}
			b.skipTo(1)
			// go on with what follows, so as to find its mistakes too
			if b.isKey() && root.kind == mapping && !root.flow {
				b.keys(root, b.peek().column, 1)
			}
		}
	}
	return root
}

// skipLine drops the tokens up to the end of a line.
func (b *builder) skipLine(line int) {
	for t := b.peek(); t != nil && t.line <= line; t = b.peek() {
		b.next++
	}
}

// skipTo drops tokens until one begins a later line in a column up to the one given.
func (b *builder) skipTo(column int) {
	t := b.peek()
	if t == nil {
		return
	}
	line := t.line
	for ; t != nil; t = b.peek() {
		first := b.next == 0 || b.tokens[b.next-1].line < t.line
		if t.line > line && first && t.column <= column {
			return
		}
		b.next++
	}
}

// unexpected says what is the matter with a token that does not belong here.
func (b *builder) unexpected(t *piece) {
	switch t.Type {
	case token.InvalidType:
		hint := ""
		switch {
		case b.next > 0 && (b.tokens[b.next-1].Type == token.SingleQuoteType || b.tokens[b.next-1].Type == token.DoubleQuoteType) && b.tokens[b.next-1].line == t.line:
			b.refuse(codeSyntax, t, "text after the closing quote", afterQuote)
			b.stopped = true
			return
		case strings.Contains(t.Error, "tab") || strings.Contains(t.Error, `\t`):
			b.refuse(codeTab, t, "a tab where YAML wants spaces", "indent by two spaces")
			b.stopped = true
			return
		case strings.Contains(t.Error, "reserved character"):
			hint = "put the text in quotes"
		case strings.Contains(t.Error, "could not find end character"):
			hint = "a quote is opened and not closed"
		}
		b.refuse(codeSyntax, t, "not YAML: "+clip(t.Error, 200), hint)
		b.stopped = true
	case token.AnchorType, token.AliasType, token.MergeKeyType:
		b.refuse(codeAlias, t, "agreements do without YAML anchors, aliases and merge keys", "write the clause out: each one has an address of its own; a text that begins with & or * goes in quotes")
	case token.TagType:
		b.refuse(codeFeature, t, "agreements do without YAML tags", "a condition says \"not\", not \"!\"; a text that begins with ! goes in quotes")
	case token.DirectiveType:
		b.refuse(codeFeature, t, "agreements do without YAML directives", "a text that begins with % goes in quotes")
	case token.MappingKeyType:
		b.refuse(codeFeature, t, "agreements do without YAML's \"? \" keys", "write \"key: value\"")
	case token.MappingValueType:
		b.refuse(codeSyntax, t, "a colon where none can be", "put a text that holds \": \" in quotes")
	case token.DocumentHeaderType, token.DocumentEndType:
		b.refuse(codeDocuments, t, "a document ends or begins inside a value", "keep one agreement in a file")
		b.stopped = true
	case token.SequenceEntryType:
		b.refuse(codeSyntax, t, "a list item where none can be", "put \"- \" on a line of its own, indented like the other items")
	default:
		b.refuse(codeSyntax, t, fmt.Sprintf("%s does not belong here", quote(strings.TrimSpace(t.Origin))), "check the indentation and the quotes of the line and of the one above")
	}
}

// value reads what stands after a key or a dash in the column given, on the line
// given. A list may stand in the same column as its key.
func (b *builder) value(column, line int, afterKey bool, depth int) *node {
	t := b.peek()
	last := len(b.src)
	if b.next > 0 {
		prev := b.tokens[b.next-1]
		last = prev.end
	}
	nothing := &node{kind: empty, start: last, end: last, column: column}
	if b.values++; b.values > maxValues && !b.stopped {
		b.refuse(codeValues, t, fmt.Sprintf("the file has more than %d values", maxValues), "an agreement is a text that people read and sign; keep data elsewhere")
		b.stopped = true
	}
	if depth > maxDepth && !b.stopped {
		b.refuse(codeDepth, t, fmt.Sprintf("this is nested more than %d deep", maxDepth), "")
		b.stopped = true
	}
	if t == nil || b.stopped {
		return nothing
	}
	sameLine := t.line == line
	if !sameLine && t.column <= column && !(afterKey && t.Type == token.SequenceEntryType && t.column == column) {
		return nothing
	}
	switch {
	case t.Type == token.SequenceEntryType:
		if afterKey && sameLine {
			b.unexpected(t)
			b.skipTo(column)
			return nothing
		}
		return b.sequence(t.column, depth)
	case b.isKey():
		if afterKey && sameLine {
			b.refuse(codeSyntax, &b.tokens[b.next+1], "a second colon on the line", "put a text that holds \": \" in quotes, or the value on the next line")
			b.skipTo(column)
			return nothing
		}
		n := &node{kind: mapping, start: t.start, column: t.column}
		b.keys(n, t.column, depth)
		return n
	case t.Type == token.MappingStartType || t.Type == token.SequenceStartType:
		n := b.flow(depth)
		if n == nil {
			b.skipTo(column)
			return nothing
		}
		b.endLine(column, n)
		return n
	case isScalar(t):
		n := b.scalar(t)
		b.next++
		b.endLine(column, n)
		return n
	case t.Type == token.LiteralType || t.Type == token.FoldedType:
		return b.block(t)
	}
	b.unexpected(t)
	b.skipTo(column)
	return nothing
}

const afterQuote = "put the whole text in single quotes: 'a == \"b\"'"

// endLine sees that nothing else stands on the line where a value ends.
func (b *builder) endLine(column int, n *node) {
	t := b.peek()
	if t == nil {
		return
	}
	if t.line > b.lineOf(n.end) {
		return
	}
	switch {
	case t.Type == token.MappingValueType && n.kind != scalar:
		b.refuse(codeFeature, t, "a key must be a word", "")
	case isScalar(t) && n.kind == scalar && n.style != plain:
		b.refuse(codeSyntax, t, "text after the closing quote", afterQuote)
	case t.Type == token.MappingValueType && strings.Contains(b.src[n.start:n.end], "\n"):
		b.refuse(codeSyntax, t, "a colon where none can be: this line goes on with the value above", "indent a key like the keys it belongs to; put a text that holds \": \" in quotes")
	default:
		b.unexpected(t)
	}
	b.skipTo(column)
}

// keys reads the keys of a block mapping in a column.
func (b *builder) keys(n *node, column, depth int) {
	for t := b.peek(); t != nil; t = b.peek() {
		if t.column < column {
			break
		}
		if t.column > column {
			b.refuse(codeSyntax, t, "this is indented deeper than the line above allows", "indent it like the keys it belongs to")
			b.skipTo(column)
			continue
		}
		if !b.isKey() {
			if t.Type == token.DocumentEndType || t.Type == token.DocumentHeaderType {
				break
			}
			if isScalar(t) {
				b.refuse(codeSyntax, t, fmt.Sprintf("%s has no colon", quote(strings.TrimSpace(t.Origin))), "a key is followed by \": \", with the space")
			} else {
				b.unexpected(t)
			}
			b.skipTo(column)
			continue
		}
		key := b.scalar(t)
		b.next += 2
		b.addEntry(n, key, b.value(column, t.line, true, depth+1))
	}
	if len(n.entries) > 0 {
		n.end = max(n.start, n.entries[len(n.entries)-1].value.end)
	}
}

// addEntry adds a key to a mapping; of keys that stand twice the first one counts.
func (b *builder) addEntry(n *node, key, value *node) {
	if n.keys == nil {
		n.keys = map[string]int{}
	}
	if i, ok := n.keys[key.value]; ok {
		first := n.entries[i].key
		line, column := b.place(first.start)
		f := b.finding(Error, codeTwice, key.start, key.end, fmt.Sprintf("%s stands here twice", quote(key.value)), "keep one of them, or give one another name")
		f.Related = []Related{{b.file, line, column, "the first one"}}
		b.found = append(b.found, f)
		return
	}
	n.keys[key.value] = len(n.entries)
	value.name = key
	n.entries = append(n.entries, entry{key, value})
}

// sequence reads the items of a block sequence in a column.
func (b *builder) sequence(column, depth int) *node {
	n := &node{kind: sequence, start: b.peek().start, column: column}
	for t := b.peek(); t != nil && t.column >= column; t = b.peek() {
		if t.column > column {
			b.refuse(codeSyntax, t, "this is indented deeper than the line above allows", "")
			b.skipTo(column)
			continue
		}
		if t.Type != token.SequenceEntryType {
			break
		}
		b.next++
		n.items = append(n.items, b.value(column, t.line, false, depth+1))
	}
	if len(n.items) > 0 {
		n.end = max(n.start+1, n.items[len(n.items)-1].end)
	}
	return n
}

// flow reads [a, b] or {a: b}; nil after a syntax error.
func (b *builder) flow(depth int) *node {
	open := b.peek()
	n := &node{kind: mapping, flow: true, start: open.start, column: open.column}
	closing := token.MappingEndType
	if open.Type == token.SequenceStartType {
		n.kind, closing = sequence, token.SequenceEndType
	}
	if depth > maxDepth {
		b.refuse(codeDepth, open, fmt.Sprintf("this is nested more than %d deep", maxDepth), "")
		b.stopped = true
		return nil
	}
	b.next++
	separated := true
	condition := false // the key before is of a condition
	for {
		t := b.peek()
		if t == nil {
			if !b.stopped {
				b.refuse(codeSyntax, open, fmt.Sprintf("this %s is not closed", open.Value), "")
				b.stopped = true
			}
			return nil
		}
		if t.Type == closing {
			n.end = t.end
			b.next++
			return n
		}
		if t.Type == token.CollectEntryType {
			if separated {
				b.refuse(codeSyntax, t, "a comma with nothing before it", "")
				return nil
			}
			separated = true
			b.next++
			continue
		}
		if !separated {
			b.brokenFlow(open, t, condition, "a comma is missing, or the bracket is not closed")
			return nil
		}
		separated = false
		if n.kind == sequence {
			item := b.flowValue(depth)
			if item == nil {
				return nil
			}
			if t := b.peek(); t != nil && t.Type == token.MappingValueType {
				b.refuse(codeFeature, t, "a key and a value inside [ ]", "put them in { } of their own, or the text in quotes")
				return nil
			}
			n.items = append(n.items, item)
			continue
		}
		if !isScalar(t) {
			b.brokenFlow(open, t, condition, "a key is missing before this")
			return nil
		}
		key := b.scalar(t)
		b.next++
		if after := b.peek(); after == nil || after.Type != token.MappingValueType {
			b.brokenFlow(open, t, condition, fmt.Sprintf("%s has no value", quote(key.value)))
			return nil
		}
		if b.lineOf(key.end) != b.peek().line {
			b.refuse(codeSyntax, b.peek(), "a colon on another line than its key", "keep a key and its colon together")
			return nil
		}
		colon := b.peek().start
		b.next++
		condition = conditionKeys[key.value]
		value := &node{kind: empty, start: colon + 1, end: colon + 1}
		if after := b.peek(); after != nil && after.Type != token.CollectEntryType && after.Type != closing {
			if value = b.flowValue(depth); value == nil {
				return nil
			}
		}
		b.addEntry(n, key, value)
	}
}

// brokenFlow says what is wrong inside { } or [ ]; a condition with a comma is the
// mistake that everybody makes once.
func (b *builder) brokenFlow(open, t *piece, condition bool, message string) {
	if first := b.tokens[b.next-1]; first.line < t.line && t.line > open.line && b.isKey() {
		b.refuse(codeSyntax, open, fmt.Sprintf("this %s is not closed", open.Value), "")
		return
	}
	switch t.Type {
	case token.InvalidType, token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.MappingKeyType:
		b.unexpected(t)
		return
	}
	hint := ""
	if condition {
		hint = "inside { } a condition that holds a comma, a bracket or a colon goes in single quotes: when: 'country in [\"SE\", \"NO\"]'"
	}
	b.refuse(codeSyntax, t, message, hint)
}

func (b *builder) flowValue(depth int) *node {
	t := b.peek()
	if b.values++; b.values > maxValues {
		b.refuse(codeValues, t, fmt.Sprintf("the file has more than %d values", maxValues), "an agreement is a text that people read and sign; keep data elsewhere")
		b.stopped = true
		return nil
	}
	switch {
	case t == nil:
		return nil
	case t.Type == token.MappingStartType || t.Type == token.SequenceStartType:
		return b.flow(depth + 1)
	case isScalar(t):
		b.next++
		return b.scalar(t)
	}
	b.unexpected(t)
	return nil
}

// scalar makes a node of a token that is a scalar on its own.
func (b *builder) scalar(t *piece) *node {
	n := &node{kind: scalar, start: t.start, end: t.end, column: t.column, value: t.Value}
	switch t.Type {
	case token.SingleQuoteType:
		n.style = single
	case token.DoubleQuoteType:
		n.style = double
	case token.NullType, token.ImplicitNullType:
		n.kind = empty
	}
	if n.kind == scalar && n.end > n.start {
		// read again what the scanner has read: it leaves spaces at the ends of some lines
		var value strings.Builder
		b.readFlow(n, func(s string, _ int) { value.WriteString(s) })
		n.value = value.String()
	}
	return n
}

// covers returns how much of s a token's origin covers, up to its last letter, 0 if
// they differ. White space is not compared: the scanner leaves some out.
func covers(s, origin string) int {
	i, end := 0, 0
	for j := 0; j < len(origin); j++ {
		if strings.IndexByte(" \t\n", origin[j]) >= 0 {
			continue
		}
		for i < len(s) && strings.IndexByte(" \t\n", s[i]) >= 0 {
			i++
		}
		if i == len(s) || s[i] != origin[j] {
			return 0
		}
		i++
		end = i
	}
	return end
}

// quoted returns the length of the quoted scalar that s begins with, 0 if it does not.
func quoted(s string, quote byte) int {
	if s == "" || s[0] != quote {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote == '"':
			i++
		case s[i] == quote && quote == '\'' && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return 0
}

// block makes a node of a block scalar, | or >.
func (b *builder) block(t *piece) *node {
	n := &node{kind: scalar, style: literal, start: t.start, column: t.column}
	if t.Type == token.FoldedType {
		n.style = folded
	}
	b.next++
	n.body = min(b.endOfLine(n.start)+1, len(b.src))
	n.end = b.endOfLine(n.start)
	if content := b.peek(); content != nil && content.Type == token.StringType {
		b.next++
		n.value = content.Value
		if content.end > n.body {
			n.end = b.endOfLine(content.end)
		}
	}
	return n
}
