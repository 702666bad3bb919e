package report

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Text writes the table for people: the finding first, then the figures, then what to know
// when reading them. Columns that do not fit the width are left out, the least telling
// first, and a line says which. colour adds ANSI colours; without it nothing is lost.
func (t *Table) Text(w io.Writer, columns int, colour bool) error {
	p := &page{Writer: bufio.NewWriter(w), width: max(columns, 40), colour: colour}
	p.table(t)
	for _, part := range t.Parts {
		p.WriteString("\n")
		p.table(part)
	}
	return p.Flush()
}

// page writes to a terminal.
type page struct {
	*bufio.Writer
	width  int
	colour bool
}

// The ANSI styles in use. Hue is for the sides and for time that ran out.
const (
	bold  = "1"
	dim   = "2"
	plum  = "35"
	teal  = "36"
	late  = "31"
	plain = ""
)

func (p *page) styled(style, s string) {
	if !p.colour || style == plain || strings.TrimSpace(s) == "" {
		p.WriteString(s)
		return
	}
	p.WriteString("\x1b[" + style + "m" + s + "\x1b[0m")
}

const gap = 2

func (p *page) table(t *Table) {
	p.styled(bold, t.Title)
	p.WriteString("\n")
	for _, line := range wrap(t.Finding, p.width) {
		p.WriteString(line + "\n")
	}
	notes := t.Notes
	if len(t.Rows) > 0 {
		cells, shown := t.written()
		left := p.fit(t, cells, &shown)
		if len(left) > 0 {
			end := ". A wider window shows them, and CSV and JSON have them all."
			if len(left) == 1 {
				end = ". A wider window shows it, and CSV and JSON have it."
			}
			notes = append(slices.Clone(notes), "No room here for: "+strings.Join(left, ", ")+end)
		}
		p.WriteString("\n")
		p.grid(t, cells, shown)
	}
	if len(notes) > 0 {
		p.WriteString("\n")
	}
	for _, n := range notes {
		for i, line := range wrap(n, p.width-2) {
			p.styled(dim, [2]string{"· ", "  "}[min(i, 1)]+line)
			p.WriteString("\n")
		}
	}
}

// written returns the cells as they are shown and the columns that have anything in them.
func (t *Table) written() (cells [][]string, shown []int) {
	cells = make([][]string, len(t.Rows))
	for r, row := range t.Rows {
		cells[r] = make([]string, len(row))
		for i, c := range row {
			cells[r][i] = c.String()
			switch name := t.Columns[i].Name; {
			case name == "side" && c.Text == "marketing":
				cells[r][i] = "● " + c.Text
			case name == "side" && c.Text == "sales":
				cells[r][i] = "■ " + c.Text
			case name == "caution" && c.Kind == Missing:
				cells[r][i] = ""
			}
		}
		if t.grouped && r > 0 && t.Rows[r][0].Text == t.Rows[r-1][0].Text {
			cells[r][0] = ""
		}
	}
	for i := range t.Columns {
		if i == 0 || slices.ContainsFunc(t.Rows, func(row []Cell) bool { return row[i].Kind != Missing }) {
			shown = append(shown, i)
		}
	}
	return cells, shown
}

// String writes the value as people read it.
func (c Cell) String() string {
	switch c.Kind {
	case Text:
		return printable(c.Text)
	case Count:
		return number(c.Int)
	case Share:
		return percent(c.Num)
	case Duration:
		return span(c.Int)
	case Factor:
		return times(c.Num)
	case FewOf:
		return "too few (" + number(c.Int) + ")"
	}
	return "–"
}

// printable takes out what could steer a terminal or turn the text around.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != 0x200d {
			return '\ufffd'
		}
		return r
	}, s)
}

// fit leaves columns out, and shortens texts, until the table is no wider than the page. It
// returns the titles of what is left out.
func (p *page) fit(t *Table, cells [][]string, shown *[]int) (left []string) {
	brief := false
	out := func() (titles []string) {
		for i := range t.Columns {
			if slices.Contains(left, t.Columns[i].Name) {
				titles = append(titles, t.Columns[i].Title)
			}
		}
		return titles
	}
	for {
		total := -gap
		for _, i := range *shown {
			total += columnWidth(t, cells, i) + gap
		}
		if total <= p.width {
			return out()
		}
		worst := -1
		for n, i := range *shown {
			if r := t.Columns[i].Rank; r > 0 && (worst < 0 || r > t.Columns[(*shown)[worst]].Rank) {
				worst = n
			}
		}
		if i := t.Column("clause"); i >= 0 && !brief && (worst < 0 || t.Columns[(*shown)[worst]].Rank < 5) {
			brief = true
			abbreviate(t, cells, i)
			continue
		}
		if worst >= 0 {
			name := t.Columns[(*shown)[worst]].Name
			if name == "caution" {
				t.careful(cells)
			}
			left = append(left, name)
			*shown = slices.Delete(*shown, worst, worst+1)
			continue
		}
		if !shortenWidest(t, cells, *shown, total-p.width) {
			return out()
		}
	}
}

// careful puts the caution into the verdict.
func (t *Table) careful(cells [][]string) {
	verdict := t.Column("verdict")
	for r := range t.Rows {
		if t.Cell(r, "caution").Kind != Missing && verdict >= 0 && stands(t.Rows[r][verdict].Text) {
			cells[r][verdict] += withCare
		}
	}
}

const withCare = ", with care"

// stands reports whether a verdict is that a group stands out.
func stands(verdict string) bool { return verdict == string(Above) || verdict == string(Below) }

// shortenWidest shortens the widest column of texts that can be made narrower, by no more than is
// too much. It reports whether there was one.
func shortenWidest(t *Table, cells [][]string, shown []int, tooMuch int) bool {
	const least = 8
	widest, wide := -1, least
	for _, i := range shown {
		if w := columnWidth(t, cells, i); t.Columns[i].Align == Left && w > wide {
			widest, wide = i, w
		}
	}
	if widest < 0 {
		return false
	}
	room := max(least, wide-tooMuch)
	for r := range cells {
		cells[r][widest] = shorten(cells[r][widest], room, t.Columns[widest].Name == "clause")
	}
	return columnWidth(t, cells, widest) < wide
}

// abbreviate leaves of the addresses in a column what tells them apart, by whole words:
// "…accept_within".
func abbreviate(t *Table, cells [][]string, column int) {
	for words := 1; words < 4; words++ {
		full, clash := map[string]string{}, false
		for r := range t.Rows {
			address := t.Rows[r][column].Text
			end := lastWords(address, words)
			if other, ok := full[end]; ok && other != address {
				clash = true
			}
			full[end] = address
		}
		if clash {
			continue
		}
		for r := range t.Rows {
			if end := lastWords(t.Rows[r][column].Text, words); end != t.Rows[r][column].Text {
				cells[r][column] = "…" + printable(end)
			}
		}
		return
	}
}

// lastWords returns the last words of an address.
func lastWords(address string, n int) string {
	at := len(address)
	for range n {
		if at = strings.LastIndexByte(address[:at], '.'); at < 0 {
			return address
		}
	}
	return address[at+1:]
}

// shorten cuts s to a width; of an address it keeps the end, which tells more.
func shorten(s string, room int, address bool) string {
	return cut(s, address, func(s string) bool { return columnsOf(s) <= room })
}

// cut takes away from s until it fits, and marks where.
func cut(s string, address bool, fits func(string) bool) string {
	if fits(s) {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 {
		if address {
			runes = runes[1:]
			s = "…" + string(runes)
		} else {
			runes = runes[:len(runes)-1]
			s = strings.TrimRight(string(runes), " ") + "…"
		}
		if fits(s) {
			break
		}
	}
	return s
}

func columnWidth(t *Table, cells [][]string, i int) int {
	head := headOf(t.Columns[i].Title)
	w := max(columnsOf(head[0]), columnsOf(head[1]))
	for r := range cells {
		w = max(w, columnsOf(cells[r][i]))
	}
	return w
}

// headOf breaks a heading into two lines where that makes it narrowest; a short one stays on
// the lower line.
func headOf(title string) [2]string {
	best := [2]string{"", title}
	for i, r := range title {
		if r != ' ' || len(title) < 9 {
			continue
		}
		if a, b := title[:i], title[i+1:]; max(columnsOf(a), columnsOf(b)) < max(columnsOf(best[0]), columnsOf(best[1])) {
			best = [2]string{a, b}
		}
	}
	return best
}

func (p *page) grid(t *Table, cells [][]string, shown []int) {
	widths := make([]int, len(shown))
	total, tall := -gap, false
	for n, i := range shown {
		widths[n] = columnWidth(t, cells, i)
		total += widths[n] + gap
		tall = tall || headOf(t.Columns[i].Title)[0] != ""
	}
	line := func(style string, cell func(i int) (string, string)) {
		blank := 0
		for n, i := range shown {
			s, own := cell(i)
			pad := widths[n] - columnsOf(s)
			if own == plain {
				own = style
			}
			if t.Columns[i].Align == Right {
				blank += pad
				pad = 0
			}
			if s != "" {
				p.WriteString(strings.Repeat(" ", blank))
				p.styled(own, s)
				blank = 0
			}
			blank += pad + gap
		}
		p.WriteString("\n")
	}
	for h := range 2 {
		if h == 0 && !tall {
			continue
		}
		line(dim, func(i int) (string, string) { return headOf(t.Columns[i].Title)[h], plain })
	}
	p.styled(dim, strings.Repeat("─", min(total, p.width)))
	p.WriteString("\n")
	for r := range cells {
		line(plain, func(i int) (string, string) { return cells[r][i], styleOf(t.Columns[i], t.Rows[r][i], i == 0) })
	}
}

func styleOf(col Column, c Cell, first bool) string {
	switch {
	case c.Kind == Missing, c.Kind == FewOf:
		return dim
	case col.Name == "side" && c.Text == "marketing":
		return plum
	case col.Name == "side" && c.Text == "sales":
		return teal
	case col.Name == "over" && c.Int > 0:
		return late
	case col.Name == "verdict" && stands(c.Text):
		return bold
	case col.Name == "verdict", col.Name == "cohort", col.Name == "caution":
		return dim
	}
	return plain
}

// wrap breaks a sentence into lines.
func wrap(s string, room int) []string {
	return lines(s, func(line string) bool { return columnsOf(line) <= room })
}

// lines breaks a sentence into lines that fit. A word that does not fit has a line of its own.
func lines(s string, fits func(string) bool) []string {
	var list []string
	line := ""
	words := strings.Split(printable(s), " ")
	for i := 0; i < len(words); i++ {
		word := words[i]
		for i+1 < len(words) && unitOf(words[i], words[i+1]) {
			i++
			word += " " + words[i]
		}
		switch {
		case line == "":
			line = word
		case !fits(line + " " + word):
			list = append(list, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(list, line)
}

// unitOf reports whether b is the unit of the figure a: they stay on one line.
func unitOf(a, b string) bool {
	if a == "" || a[len(a)-1] < '0' || a[len(a)-1] > '9' {
		return false
	}
	switch strings.TrimRight(b, ".,:;)") {
	case "%", "s", "min", "h", "day", "days":
		return true
	}
	return false
}

// columnsOf is how many columns of a terminal s takes.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r < 0x300:
			n++
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		default:
			switch width.LookupRune(r).Kind() {
			case width.EastAsianWide, width.EastAsianFullwidth:
				n += 2
			default:
				n++
			}
		}
	}
	return n
}

// Percent writes a share as reports do.
func Percent(share float64) string { return percent(share) }

// Span writes a duration in words as reports do.
func Span(us int64) string { return span(us) }
