package imports

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"baton/internal/agreement"
)

// node is a value of a mapping file as a person wrote it, with its place: "no"
// stays the word no.
type node struct {
	kind   nodeKind
	text   string // of a word
	line   int
	column int
	width  int
	keys   []keyed
	items  []*node
}

type nodeKind uint8

const (
	nothing nodeKind = iota
	word
	list
	table
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "a word", "a list", "something with keys"}[k]
}

type keyed struct{ key, value *node }

// get returns the value of a key, nil if it is not there.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.keys {
		if k.key.text == key {
			return k.value
		}
	}
	return nil
}

// The codes of findings about mappings. They are stable.
const (
	codeSyntax  = "M01" // not YAML, or YAML that a mapping does without
	codeKey     = "M02" // a key that a mapping does not have
	codeMissing = "M03" // a key that has to be there
	codeShape   = "M04" // a list where a word belongs, and the like
	codeName    = "M05" // a name that the agreement does not have
	codeValue   = "M06" // a word that cannot stand here
)

const (
	maxMapping = 256 << 10
	maxDepth   = 16
)

// finder collects findings about one file.
type finder struct {
	file  string
	found agreement.Findings
}

func (f *finder) refuse(n *node, code, hint, format string, args ...any) {
	x := agreement.Finding{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint, File: f.file, Line: 1, Column: 1, EndColumn: 2}
	if n != nil {
		x.Line, x.Column, x.EndColumn = n.line, n.column, n.column+max(1, n.width)
	}
	f.found = append(f.found, x)
}

// sorted returns the findings in the order of the file.
func (f *finder) sorted() agreement.Findings {
	slices.SortStableFunc(f.found, func(a, b agreement.Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
	return f.found
}

// parseTree reads YAML into nodes; nil after a finding.
func (f *finder) parseTree(source []byte) *node {
	if len(source) > maxMapping {
		f.refuse(nil, codeSyntax, "a mapping is a short text; keep data elsewhere", "the mapping is longer than %d KiB", maxMapping>>10)
		return nil
	}
	if !utf8.Valid(source) {
		f.refuse(nil, codeSyntax, "save it as UTF-8", "the mapping is not UTF-8")
		return nil
	}
	source = []byte(strings.TrimPrefix(string(source), "\ufeff"))
	file, err := parser.ParseBytes(source, 0)
	if err != nil {
		at := &node{line: 1, column: 1}
		message := err.Error()
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			message = syntax.Message
			if t := syntax.Token; t != nil && t.Position != nil {
				at = &node{line: max(1, t.Position.Line), column: max(1, t.Position.Column), width: utf8.RuneCountInString(t.Value)}
			}
		}
		f.refuse(at, codeSyntax, "check the indentation, the quotes and the brackets of the line and of the one above", "not YAML: %s", message)
		return nil
	}
	if len(file.Docs) > 1 {
		f.refuse(nil, codeSyntax, "keep one mapping in a file", "the file holds more than one document")
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		f.refuse(nil, codeMissing, "begin with import: and a name for the source", "there is no mapping in the file")
		return nil
	}
	root := f.tree(file.Docs[0].Body, 0)
	if len(f.found) > 0 {
		return nil
	}
	if root.kind != table {
		f.refuse(root, codeShape, "begin with import: and a name for the source", "a mapping is a list of keys with their values")
		return nil
	}
	return root
}

func at(t *token.Token) *node {
	n := &node{line: 1, column: 1}
	if t != nil && t.Position != nil {
		n.line, n.column = max(1, t.Position.Line), max(1, t.Position.Column)
		n.width = utf8.RuneCountInString(strings.TrimSpace(t.Origin))
		if strings.ContainsAny(strings.TrimSpace(t.Origin), "\r\n") {
			n.width = 1
		}
	}
	return n
}

func (f *finder) tree(in ast.Node, depth int) *node {
	n := at(in.GetToken())
	if depth > maxDepth {
		f.refuse(n, codeSyntax, "", "this is nested more than %d deep", maxDepth)
		return n
	}
	switch in := in.(type) {
	case *ast.MappingNode:
		n.kind = table
		for _, v := range in.Values {
			f.entry(n, v, depth)
		}
		if len(n.keys) > 0 && !in.IsFlowStyle {
			n.line, n.column, n.width = n.keys[0].key.line, n.keys[0].key.column, n.keys[0].key.width
		}
	case *ast.MappingValueNode:
		n.kind = table
		f.entry(n, in, depth)
		if len(n.keys) > 0 {
			n.line, n.column, n.width = n.keys[0].key.line, n.keys[0].key.column, n.keys[0].key.width
		}
	case *ast.SequenceNode:
		n.kind = list
		for _, v := range in.Values {
			n.items = append(n.items, f.tree(v, depth+1))
		}
	case *ast.NullNode:
		n.kind = nothing
	case *ast.LiteralNode:
		n.kind, n.text, n.width = word, in.Value.Value, 1
	case *ast.StringNode:
		n.kind, n.text = word, in.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		n.kind, n.text = word, in.GetToken().Value
	default:
		f.refuse(n, codeSyntax, "write it out; a text that begins with & * ! or ? goes in quotes", "mappings do without YAML's anchors, aliases, merge keys and tags")
	}
	return n
}

func (f *finder) entry(n *node, in *ast.MappingValueNode, depth int) {
	key := f.tree(in.Key, depth+1)
	if key.kind == nothing { // "null:" and "~:"
		key.kind, key.text = word, in.Key.GetToken().Value
	}
	value := &node{line: key.line, column: key.column, width: key.width}
	if in.Value != nil {
		value = f.tree(in.Value, depth+1)
	}
	if n.get(key.text) != nil {
		f.refuse(key, codeSyntax, "keep one of them", "%s stands here twice", strconv.Quote(key.text))
		return
	}
	n.keys = append(n.keys, keyed{key, value})
}

// allow refuses keys that are not among those allowed.
func (f *finder) allow(n *node, what string, allowed ...string) {
	for _, k := range n.keys {
		if !slices.Contains(allowed, k.key.text) {
			f.refuse(k.key, codeKey, didYouMean(k.key.text, allowed), "%s has no key %q", what, k.key.text)
		}
	}
}

// didYouMean is a hint: the candidate that is most like name, or all of them.
func didYouMean(name string, candidates []string) string {
	if best := agreement.Nearest(name, candidates); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(candidates) == 0 {
		return ""
	}
	return "there are " + listed(candidates, 12)
}

// listed writes names for a message, the first few of many.
func listed(names []string, most int) string {
	quoted := make([]string, 0, most+1)
	for i, n := range names {
		if i == most {
			return strings.Join(quoted, ", ") + fmt.Sprintf(" and %d more", len(names)-most)
		}
		quoted = append(quoted, strconv.Quote(clip(n)))
	}
	return strings.Join(quoted, ", ")
}

// clip keeps a text of the file short enough for a message.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
