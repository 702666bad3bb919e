package document

import "strings"

// A document is sections of blocks. Both writers write the same blocks.
type document struct {
	title    string
	lead     []text   // under the title
	places   []string // addresses that have no other place
	sections []*section
}

type section struct {
	id     string // anchor, an address or a word of our own
	title  string
	places []string
	blocks []block
}

// block is one of *heading, *paragraph, *list, *table, *drawn.
type block interface{ isBlock() }

// heading opens a part of a section.
type heading struct {
	words  string
	clause string
	places []string
}

type paragraph struct{ item }

// list of items; numbered when their order decides.
type list struct {
	numbered bool
	items    []*item
}

// item is a piece of text that may be a clause.
type item struct {
	clause string   // address, "" for none
	places []string // further addresses whose anchor is here
	text   []text
}

type table struct {
	caption string
	head    []string
	right   []bool // columns of figures
	rows    []*row
}

type row struct {
	clause string
	places []string
	cells  [][]text
}

// drawn stands where the stage diagram goes.
type drawn struct{}

func (*heading) isBlock()   {}
func (*paragraph) isBlock() {}
func (*list) isBlock()      {}
func (*table) isBlock()     {}
func (*drawn) isBlock()     {}

// tone is how a run of text is set.
type tone uint8

const (
	plainTone tone = iota
	strongTone
	sourceTone // a condition there are no words for
	marketingTone
	salesTone
)

// text is a run of text in one tone.
type text struct {
	words string
	tone  tone
}

// say makes text from strings and text values.
func say(parts ...any) []text {
	var out []text
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			if p != "" {
				out = append(out, text{words: p})
			}
		case text:
			out = append(out, p)
		case []text:
			out = append(out, p...)
		}
	}
	return out
}

func bold(s string) text { return text{s, strongTone} }

// anchor makes an address safe as an HTML id. Addresses of clauses pass
// unchanged: letters, digits, dots, underscores and hyphens.
func anchor(address string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-', r > 0x7f && r != 0xfffd:
			return r
		case r == '@':
			return r
		}
		return '_'
	}, address)
}
