package document

import (
	"bytes"
	"fmt"
	"strings"

	"baton/internal/agreement"
)

// Markdown writes the agreement as a document for reading, in CommonMark with the
// tables of GitHub. Names and definitions are shown as text whatever they contain.
func Markdown(p *agreement.Plan) []byte {
	d := describe(p)
	var w bytes.Buffer
	fmt.Fprintf(&w, "# %s\n\n%s\n", flat(d.title), inline(d.lead, false))
	for i, s := range d.sections {
		fmt.Fprintf(&w, "\n## %d. %s\n", i+1, flat(s.title))
		for _, b := range s.blocks {
			switch b := b.(type) {
			case *heading:
				fmt.Fprintf(&w, "\n### %s%s\n", flat(b.words), cite(b.clause))
			case *paragraph:
				fmt.Fprintf(&w, "\n%s%s\n", inline(b.text, false), cite(b.clause))
			case *list:
				w.WriteByte('\n')
				for i, it := range b.items {
					mark := "-"
					if b.numbered {
						mark = fmt.Sprintf("%d.", i+1)
					}
					fmt.Fprintf(&w, "%s %s%s\n", mark, inline(it.text, false), cite(it.clause))
				}
			case *table:
				b.markdown(&w)
			case *drawn:
				fmt.Fprintf(&w, "\n%s\n", flat(mainLine(p)))
			}
		}
	}
	return w.Bytes()
}

// MainWay returns the stages of the longest way of a lead from its start, one that is won before any other: their slots, in order.
func MainWay(p *agreement.Plan) []int {
	d := wayOf(p)
	way := []int{0}
	for at := 0; at < len(d.next) && d.next[at] >= 0; at = d.next[at] {
		way = append(way, d.next[at])
	}
	return way
}

func wayOf(p *agreement.Plan) *picture {
	d := &picture{plan: p}
	d.addNodes()
	d.addLinks(nil)
	arcs := d.forward()
	d.mainWay(arcs, d.order(arcs))
	return d
}

// mainLine is the main way of a lead in one line: "Lead → MQL ⇒ SAL → Won".
func mainLine(p *agreement.Plan) string {
	d := wayOf(p)
	var b strings.Builder
	b.WriteString(stageName(p, 0))
	for at := 0; at < len(d.next) && d.next[at] >= 0; at = d.next[at] {
		arrow := " → "
		for _, l := range d.links {
			if l.from == at && l.to == d.next[at] && l.manner == handOff {
				arrow = " ⇒ "
			}
		}
		b.WriteString(arrow + stageName(p, d.next[at]))
	}
	return b.String()
}

func (t *table) markdown(w *bytes.Buffer) {
	cited := false
	for _, r := range t.rows {
		cited = cited || r.clause != ""
	}
	w.WriteString("\n|")
	for _, h := range t.head {
		fmt.Fprintf(w, " %s |", cell(flat(h)))
	}
	if cited {
		w.WriteString(" § |")
	}
	w.WriteString("\n|")
	for i := range t.head {
		if i < len(t.right) && t.right[i] {
			w.WriteString(" ---: |")
		} else {
			w.WriteString(" --- |")
		}
	}
	if cited {
		w.WriteString(" --- |")
	}
	w.WriteByte('\n')
	for _, r := range t.rows {
		w.WriteByte('|')
		for _, c := range r.cells {
			fmt.Fprintf(w, " %s |", inline(c, true))
		}
		if cited {
			fmt.Fprintf(w, " %s |", cell(strings.TrimPrefix(cite(r.clause), " ")))
		}
		w.WriteByte('\n')
	}
}

// cite writes the address of a clause, small where HTML is let through.
func cite(clause string) string {
	if clause == "" {
		return ""
	}
	return " <sub>§ " + flat(clause) + "</sub>"
}

// inline writes runs of text; within a table its bars are escaped too.
func inline(list []text, inTable bool) string {
	var b strings.Builder
	for _, t := range list {
		words := flat(t.words)
		switch t.tone {
		case strongTone, marketingTone, salesTone:
			// emphasis needs a word next to its marks
			if s := strings.TrimSpace(words); s != "" {
				words = strings.Replace(words, s, "**"+s+"**", 1)
			}
		case sourceTone:
			words = code(t.words)
		}
		b.WriteString(words)
	}
	s := b.String()
	if inTable {
		return cell(s)
	}
	// what would begin a list, a heading or a quotation at the start of a line
	if s != "" && strings.ContainsRune("#>+-=", rune(s[0])) {
		s = `\` + s
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }); i > 0 && (s[i] == '.' || s[i] == ')') {
		s = s[:i] + `\` + s[i:]
	}
	return s
}

// flat escapes what Markdown would take as its own, and joins lines.
func flat(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '\n', '\r', '\t':
			b.WriteByte(' ')
		case '\\', '`', '*', '_', '[', ']', '~', '|':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		default:
			if r >= ' ' && r != 0x7f {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// cell keeps a cell on one line; its bars are escaped already except in code.
func cell(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// code sets source in a code span with as many ticks as it needs. A bar is
// escaped: within a table it would end the cell, code span or not.
func code(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	ticks, run := 1, 0
	for _, r := range s {
		if r == '`' {
			run++
			ticks = max(ticks, run+1)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", ticks)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + strings.ReplaceAll(s, "|", `\|`) + fence
}
