package agreement

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// widest is the width in characters up to which { } and [ ] stay on one line.
const widest = 140

// Format lays a source file out in the one way: sections in the order of the language,
// two spaces of indentation, { } and [ ] on one line where they are short and below each other where
// they stand in a column, one blank line between sections and at most one elsewhere. It
// keeps comments, quotes and the order within sections, and never changes what the
// agreement says: a file that it could not lay out without doing so comes back as it
// was, with a finding. So does one that is not YAML.
func Format(file string, source []byte) ([]byte, Findings) {
	doc, found := parse(file, source)
	found = slices.DeleteFunc(found, func(f Finding) bool { return f.Severity == Warning }) // formatting mends those
	if doc == nil {
		return source, found.sorted()
	}
	if doc.root.kind != mapping {
		return source, Findings{doc.finding(Error, codeType, doc.root.start, doc.root.end, "this is not an agreement", "begin with one of the templates")}
	}
	p := printer{document: doc}
	p.file()
	out := []byte(p.out.String())
	if again, _ := parse(file, out); again == nil || !sameTree(p.root, again.root, true) || !sameComments(p.comments, doc.text, again.comments, again.text) {
		return source, Findings{doc.finding(Warning, codeLayout, 0, 0, "this file cannot be laid out without changing what it says, and is left as it is", "write long texts in quotes or on one line")}
	}
	return out, nil
}

// printer writes a tree.
type printer struct {
	*document
	out    strings.Builder
	left   []comment // of the section at hand, not yet written
	begun  int       // where in out the line begins
	column int       // characters on it so far
	dash   bool      // the dash of an item stands on the line already
	first  bool      // nothing is written at this level yet, so no blank line either
}

// section is an entry of the agreement with the comments that belong to it.
type section struct {
	entry
	comments []comment
	limit    int // where the next one begins
	rank     int
}

func (p *printer) file() {
	sections := make([]section, len(p.root.entries))
	for i, e := range p.root.entries {
		rank := slices.IndexFunc(language.keys, func(k key) bool { return k.name == e.key.value })
		if rank < 0 {
			rank = len(language.keys)
		}
		sections[i] = section{entry: e, limit: len(p.src), rank: rank}
		if i > 0 {
			sections[i-1].limit = e.key.start
		}
	}
	var head, foot []comment
	for _, c := range p.comments {
		at := -1
		for at+1 < len(sections) && sections[at+1].key.start < c.start {
			at++
		}
		// a comment below a section is about the next one, unless it is indented like what is in the section
		if at < 0 || c.own && c.start > sections[at].value.end && !p.inside(c, sections[at].entry) {
			at++
		}
		if at == len(sections) {
			foot = append(foot, c)
			continue
		}
		sections[at].comments = append(sections[at].comments, c)
	}
	if len(sections) > 0 {
		// what is set off by a blank line at the top is about the file
		first := &sections[0]
		for i, c := range first.comments {
			if c.start < first.key.start && p.blankAfter(c.start) {
				head = first.comments[:i+1]
			}
		}
		first.comments = first.comments[len(head):]
	}
	p.first = true
	p.left = head
	p.heads(len(p.src), 0)
	slices.SortStableFunc(sections, func(a, b section) int { return a.rank - b.rank })
	follows := false
	for i, s := range sections {
		p.left = s.comments
		// one line may follow another without a blank one
		_, short := p.inline(s.value, 0)
		from := s.key.start
		if len(s.comments) > 0 {
			from = min(from, s.comments[0].start)
		}
		if i > 0 && !(short && follows && !p.blank(from)) || i == 0 && len(head) > 0 {
			p.newline()
		}
		follows = short
		p.first = true
		p.heads(p.begins(s.entry), 0)
		p.entry(s.entry, 0, 0, s.limit)
		p.heads(len(p.src), 0)
	}
	p.first = len(sections) == 0
	p.left = foot
	if len(foot) > 0 && len(sections) > 0 {
		p.newline()
		p.first = true
	}
	p.heads(len(p.src), 0)
}

// inside reports whether a comment below an entry is indented like what is in it.
func (p *printer) inside(c comment, e entry) bool {
	v := e.value
	return v.kind > scalar && !v.flow && c.column > e.key.column && c.column >= v.column
}

func (p *printer) write(s string) {
	p.out.WriteString(s)
	p.column += utf8.RuneCountInString(s)
}

func (p *printer) newline() {
	p.out.WriteByte('\n')
	p.begun, p.column = p.out.Len(), 0
}

func (p *printer) indent(n int) { p.write(strings.Repeat(" ", n)) }

// blank reports whether the line above the one of offset is blank in the source.
func (p *printer) blank(offset int) bool {
	line := p.lineOf(offset)
	return line > 1 && strings.TrimSpace(p.src[p.lines[line-2]:p.lines[line-1]]) == ""
}

func (p *printer) blankAfter(offset int) bool {
	line := p.lineOf(offset)
	if line >= len(p.lines) {
		return false
	}
	return strings.TrimSpace(p.src[p.lines[line]:p.endOfLine(p.lines[line])]) == ""
}

// heads writes the comments that stand before an offset on lines of their own.
func (p *printer) heads(before, indent int) {
	for len(p.left) > 0 && p.left[0].start < before {
		c := p.left[0]
		p.left = p.left[1:]
		p.gap(c.start)
		p.indent(indent)
		p.write(p.words(c))
		p.newline()
	}
}

// gap keeps one blank line where the source has some.
func (p *printer) gap(offset int) {
	if !p.first && p.blank(offset) {
		p.newline()
	}
	p.first = false
}

func (p *printer) words(c comment) string { return strings.TrimRight(p.src[c.start:c.end], " \t") }

// tail ends a line, with the comment that stands beside offset in the source, but before
// another offset. The comment stays in its column if the line is as it was.
func (p *printer) tail(offset, before int) {
	if len(p.left) > 0 && !p.left[0].own && p.left[0].start >= offset && p.left[0].start <= min(before, p.endOfLine(offset)) {
		c := p.left[0]
		p.left = p.left[1:]
		line := p.lineOf(c.start)
		room := 2
		if strings.TrimRight(p.src[p.lines[line-1]:c.start], " \t") == p.out.String()[p.begun:] {
			room = max(room, c.column-1-p.column)
		}
		p.indent(room)
		p.write(p.words(c))
	}
	p.newline()
}

// entry writes a key and its value; pad is what the value is moved to the right by.
// limit is where the next entry begins.
func (p *printer) entry(e entry, indent, pad, limit int) {
	if !p.dash {
		p.indent(indent)
	}
	p.dash = false
	p.write(p.src[e.key.start:e.key.end] + ":")
	v := e.value
	if text, ok := p.inline(v, indent+utf8.RuneCountInString(p.src[e.key.start:e.key.end])+2); ok {
		if text != "" {
			p.write(strings.Repeat(" ", 1+pad) + text)
		}
		p.tail(max(v.end, e.key.end), len(p.src))
		return
	}
	if v.kind == scalar {
		p.write(" ")
		p.long(v, indent)
		return
	}
	p.tail(e.key.end, v.start)
	p.block(v, indent+2, limit)
}

// inline returns a value as it stands on one line, false if it does not.
func (p *printer) inline(n *node, column int) (string, bool) {
	switch {
	case n.kind == empty || n.kind == scalar && n.style < literal:
		text := p.src[n.start:n.end]
		return text, !strings.Contains(text, "\n")
	case n.kind == scalar || !n.flow && n.kind == mapping || !n.flow && n.kind == sequence:
		return "", false
	}
	if len(p.left) > 0 && p.left[0].start < n.end { // there is a comment inside
		return "", false
	}
	var b strings.Builder
	if !p.flow(&b, n) || column+utf8.RuneCountInString(b.String()) > widest {
		return "", false
	}
	return b.String(), true
}

func (p *printer) flow(b *strings.Builder, n *node) bool {
	switch n.kind {
	case mapping:
		b.WriteByte('{')
		for i, e := range n.entries {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.src[e.key.start:e.key.end] + ": ")
			if !p.flow(b, e.value) {
				return false
			}
		}
		b.WriteByte('}')
	case sequence:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteString(", ")
			}
			if !p.flow(b, item) {
				return false
			}
		}
		b.WriteByte(']')
	default:
		text := p.src[n.start:n.end]
		b.WriteString(text)
		return !strings.Contains(text, "\n")
	}
	return true
}

// long writes a scalar of several lines, the first of them on the line at hand.
func (p *printer) long(n *node, indent int) {
	if n.style < literal {
		lines := strings.Split(p.src[n.start:n.end], "\n")
		for i, line := range lines {
			line = strings.TrimLeft(line, " \t")
			if i < len(lines)-1 && !(n.style == double && strings.HasSuffix(line, `\`)) {
				line = strings.TrimRight(line, " \t")
			}
			if i > 0 {
				p.newline()
				if line != "" {
					p.indent(indent + 2)
				}
			}
			p.write(line)
		}
		p.tail(n.end, len(p.src))
		return
	}
	header := p.src[n.start:p.endOfLine(n.start)]
	if i := strings.Index(header, "#"); i >= 0 {
		header = header[:i]
	}
	header = strings.TrimSpace(header)
	lines := strings.Split(p.src[n.body:max(n.body, n.end)], "\n")
	base := 0
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			base = len(line) - len(strings.TrimLeft(line, " "))
			break
		}
	}
	if i := strings.IndexAny(header, "123456789"); i >= 0 {
		// the text begins with spaces of its own
		base -= len(n.value) - len(strings.TrimLeft(n.value, " "))
		header = header[:i] + "2" + header[i+1:]
	}
	p.write(header)
	p.tail(n.start, len(p.src))
	for _, line := range lines {
		if len(line) > base && base >= 0 {
			p.indent(indent + 2)
			p.write(line[base:])
		}
		p.newline()
	}
	if strings.Contains(header, "+") {
		for range len(n.value) - len(strings.TrimRight(n.value, "\n")) - 1 {
			p.newline()
		}
	}
}

// block writes a mapping or a sequence on lines of its own.
func (p *printer) block(n *node, indent, limit int) {
	p.first = true
	if n.kind == mapping {
		p.entries(n, indent, limit)
	} else {
		for i, item := range n.items {
			next := limit
			if i+1 < len(n.items) {
				next = n.items[i+1].start
			}
			p.heads(p.beginsItem(item), indent)
			p.gap(item.start)
			p.indent(indent)
			p.item(item, indent, next)
		}
	}
	p.foot(n, indent, limit)
}

// foot writes the comments that follow the last entry and belong to the same level.
func (p *printer) foot(n *node, indent, limit int) {
	for len(p.left) > 0 && (p.left[0].start < n.end || p.left[0].own && !n.flow && p.left[0].column >= n.column && p.left[0].start < limit) {
		p.heads(p.left[0].start+1, indent)
	}
}

func (p *printer) item(n *node, indent, limit int) {
	text, ok := p.inline(n, indent+2)
	switch {
	case ok && text == "":
		p.write("-")
		p.tail(n.end, len(p.src))
	case ok:
		p.write("- " + text)
		p.tail(n.end, len(p.src))
	case n.kind == scalar:
		p.write("- ")
		p.long(n, indent)
	case n.kind == mapping && len(n.entries) > 0 && (len(p.left) == 0 || p.left[0].start > p.begins(n.entries[0])):
		p.write("- ")
		p.dash = true
		p.block(n, indent+2, limit)
	default:
		p.write("-")
		p.newline()
		p.block(n, indent+2, limit)
	}
}

// entries writes the entries of a mapping; those that stand below each other as { }
// are put in a column.
func (p *printer) entries(n *node, indent, limit int) {
	end := 0 // of the run of entries in a column
	width := 0
	for i, e := range n.entries {
		next := limit
		if i+1 < len(n.entries) {
			next = n.entries[i+1].key.start
		}
		if i >= end {
			end, width = p.run(n, i, indent)
		}
		pad := 0
		if p.columnar(e, indent) {
			pad = width - utf8.RuneCountInString(p.src[e.key.start:e.key.end])
		}
		if p.dash {
			p.first = false
		} else {
			p.heads(p.begins(e), indent)
			p.gap(e.key.start)
		}
		p.entry(e, indent, pad, next)
	}
}

// columnar reports whether an entry takes part in a column: its value is { } on one line.
func (p *printer) columnar(e entry, indent int) bool {
	if e.value.kind != mapping || !e.value.flow {
		return false
	}
	_, ok := p.inline(e.value, indent+utf8.RuneCountInString(p.src[e.key.start:e.key.end])+2)
	return ok
}

// run returns where the run of entries that begins with entry i ends, and the length of its longest
// key. Blank lines, comments between lines, and values of other kinds end a run.
func (p *printer) run(n *node, i, indent int) (end, width int) {
	for end = i; end < len(n.entries); end++ {
		e := n.entries[end]
		if !p.columnar(e, indent) {
			return max(end, i+1), width
		}
		if end > i && !n.flow && p.apart(n.entries[end-1].value.end, e.key.start) {
			return end, width
		}
		width = max(width, utf8.RuneCountInString(p.src[e.key.start:e.key.end]))
	}
	return end, width
}

// begins returns the offset before which comments stand above an entry: those between a
// key and a value that goes beside it too.
func (p *printer) begins(e entry) int {
	if e.value.kind > scalar && !e.value.flow {
		return e.key.start
	}
	return max(e.key.start, e.value.start)
}

// beginsItem is begins for an item of a list.
func (p *printer) beginsItem(n *node) int {
	if n.kind == mapping && len(n.entries) > 0 {
		return p.begins(n.entries[0])
	}
	return n.start
}

// apart reports whether a blank line or a line with nothing but a comment stands between two offsets.
func (p *printer) apart(from, to int) bool { return strings.Count(p.src[from:to], "\n") > 1 }

// sameTree reports whether two trees say the same; sections may stand in another order.
func sameTree(a, b *node, root bool) bool {
	if a.kind != b.kind || a.value != b.value || len(a.entries) != len(b.entries) || len(a.items) != len(b.items) {
		return false
	}
	for i := range a.entries {
		x, y := a.entries[i], b.entries[i]
		if root {
			j, ok := b.keys[x.key.value]
			if !ok {
				return false
			}
			y = b.entries[j]
		}
		if x.key.value != y.key.value || x.key.style != y.key.style || !sameTree(x.value, y.value, false) {
			return false
		}
	}
	for i := range a.items {
		if !sameTree(a.items[i], b.items[i], false) {
			return false
		}
	}
	return a.style == b.style
}

// sameComments reports whether the same comments are there, in whatever order.
func sameComments(a []comment, from *text, b []comment, to *text) bool {
	words := func(comments []comment, t *text) []string {
		var list []string
		for _, c := range comments {
			list = append(list, strings.TrimRight(t.src[c.start:c.end], " \t"))
		}
		slices.Sort(list)
		return list
	}
	return slices.Equal(words(a, from), words(b, to))
}
