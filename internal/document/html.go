package document

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"baton/internal/agreement"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var pageStyle string

var page = template.Must(template.New("page").Parse(pageSource))

// HTML writes the agreement as one page that needs nothing else: styles and the
// picture are in it, light and dark follow the reader's preference, and it prints.
// Every address of a clause is the id of an element, so that
// page.html#scoring.fit.size leads to that clause.
func HTML(p *agreement.Plan) ([]byte, error) {
	drawing := layOut(p, nil)
	v := htmlPage{
		Text:    Describe(p),
		Picture: template.HTML(drawing.svg(Page)), // svg escapes every name itself
		// The picture may shrink until its text is 10 px high; then its region scrolls.
		Style: template.CSS(tokenStyle() + pageStyle +
			fmt.Sprintf("@media screen{.picture svg{min-width:%dpx;max-width:%dpx}}\n", drawing.width*10/smallSize, drawing.width)),
	}
	var w bytes.Buffer
	if err := page.Execute(&w, v); err != nil {
		return nil, fmt.Errorf("writing the agreement as a page: %w", err)
	}
	return w.Bytes(), nil
}

// Describe returns the text of the agreement in the blocks it is made of, for pages that
// set it in a style of their own. Each ID comes once; those in Places belong to addresses
// that have no block of their own.
func Describe(p *agreement.Plan) *Text {
	d := describe(p)
	ids := anchors{}
	v := &Text{Title: d.title, Lead: runs(d.lead), Seal: p.Hash}
	if len(v.Seal) > 12 {
		v.Seal = v.Seal[:12]
	}
	v.Places = ids.more(d.places)
	for i, s := range d.sections {
		h := Section{Number: strconv.Itoa(i + 1), ID: ids.one(s.id), Title: s.title, Places: ids.more(s.places)}
		for _, b := range s.blocks {
			h.Blocks = append(h.Blocks, htmlOf(b, ids))
		}
		v.Sections = append(v.Sections, h)
	}
	return v
}

type htmlPage struct {
	*Text
	Style   template.CSS
	Picture template.HTML
}

// Text is the agreement as people read it.
type Text struct {
	Title, Seal string
	Lead        []Run
	Places      []string
	Sections    []Section
}

// Section is a numbered part of it.
type Section struct {
	Number, ID, Title string
	Places            []string
	Blocks            []Block
}

// Block is a heading, a paragraph, a list or a numbered one, a table, or where the picture stands.
type Block struct {
	Kind  string // heading, paragraph, list, numbered, table, picture
	Words string // of a heading; the caption of a table
	Item  Item   // of a heading or a paragraph
	Items []Item
	Head  []Head
	Rows  []Row
	Cited bool // some row has a clause
}

// Item is a piece of text that may be a clause.
type Item struct {
	ID, Clause string
	Short      bool // fits on a line of a narrow column
	Places     []string
	Runs       []Run
}

// Head is the head of a column.
type Head struct {
	Words string
	Right bool
}

// Row is a line of a table.
type Row struct {
	Item
	First Cell
	Cells []Cell
}

// Cell is a cell of a table.
type Cell struct {
	Head  string // of its column, for narrow screens
	Right bool
	Runs  []Run
}

// Run is text in one tone: "", strong, source, marketing, sales.
type Run struct{ Words, Tone string }

// anchors hands out ids, each once.
type anchors map[string]bool

func (a anchors) one(address string) string {
	id := anchor(address)
	if id == "" || a[id] {
		return ""
	}
	a[id] = true
	return id
}

func (a anchors) more(addresses []string) []string {
	var ids []string
	for _, s := range addresses {
		if id := a.one(s); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func runs(list []text) []Run {
	tones := [...]string{"", "strong", "source", "marketing", "sales"}
	out := make([]Run, len(list))
	for i, t := range list {
		out[i] = Run{t.words, tones[t.tone]}
	}
	return out
}

func htmlOf(b block, ids anchors) Block {
	itemOf := func(clause string, places []string, list []text) Item {
		return Item{ID: ids.one(clause), Clause: clause, Short: len(clause) <= 34, Places: ids.more(places), Runs: runs(list)}
	}
	switch b := b.(type) {
	case *heading:
		return Block{Kind: "heading", Words: b.words, Item: itemOf(b.clause, b.places, nil)}
	case *paragraph:
		return Block{Kind: "paragraph", Item: itemOf(b.clause, b.places, b.text)}
	case *list:
		h := Block{Kind: "list"}
		if b.numbered {
			h.Kind = "numbered"
		}
		for _, it := range b.items {
			h.Items = append(h.Items, itemOf(it.clause, it.places, it.text))
		}
		return h
	case *table:
		h := Block{Kind: "table", Words: b.caption}
		right := func(i int) bool { return i < len(b.right) && b.right[i] }
		for i, s := range b.head {
			h.Head = append(h.Head, Head{s, right(i)})
		}
		for _, r := range b.rows {
			row := Row{Item: itemOf(r.clause, r.places, nil)}
			for i, c := range r.cells {
				cell := Cell{Head: b.head[i], Right: right(i), Runs: runs(c)}
				if i == 0 {
					row.First = cell
				} else {
					row.Cells = append(row.Cells, cell)
				}
			}
			h.Cited = h.Cited || r.clause != ""
			h.Rows = append(h.Rows, row)
		}
		return h
	}
	return Block{Kind: "picture"}
}

// tokenStyle sets the colours of the house for both preferences.
func tokenStyle() string {
	var light, dark strings.Builder
	for _, c := range tokens {
		light.WriteString("--" + c.name + ":" + c.light + ";")
		dark.WriteString("--" + c.name + ":" + c.dark + ";")
	}
	return ":root{" + light.String() + "}\n@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;" + dark.String() + "}}\n"
}
