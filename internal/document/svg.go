package document

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"baton/internal/agreement"
)

const fontStack = "Geist, Inter, ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

// ink writes SVG.
type ink struct {
	bytes.Buffer
	theme Theme
}

func (k *ink) f(format string, args ...any) { fmt.Fprintf(k, format, args...) }

// text writes s at the base line y. anchor is "", "middle" or "end".
func (k *ink) text(x, y int, size int, bold bool, colour, anchor, s string) {
	k.f(`<text x="%d" y="%d" font-size="%d" fill="%s"`, x, y, size, k.theme.paint(colour))
	if bold {
		k.f(` font-weight="600"`)
	}
	if anchor != "" {
		k.f(` text-anchor="%s"`, anchor)
	}
	k.f(">%s</text>", escape(s))
}

// escape makes s safe as XML text and attribute; what XML cannot hold is replaced.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\'':
			b.WriteString("&#39;")
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case r < ' ' || r == 0xfffe || r == 0xffff:
			b.WriteRune('\ufffd')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// svg writes the picture.
func (d *picture) svg(theme Theme) []byte {
	k := &ink{theme: theme}
	id := "stages-" + d.plan.Hash
	if len(d.plan.Hash) > 8 {
		id = "stages-" + d.plan.Hash[:8]
	}
	id = anchor(id)
	role, says := "img", strings.Join(moveSentences(d.plan), " ")
	if d.leads() {
		role = "group" // what is an image has no links in it
	}
	if d.says != "" {
		says = d.says
	}
	k.f(`<svg xmlns="http://www.w3.org/2000/svg" class="baton-stages" viewBox="0 0 %d %d" width="%d" height="%d" role="%s" aria-labelledby="%s-t %s-d" font-family="%s">`,
		d.width, d.height, d.width, d.height, role, id, id, fontStack)
	k.f(`<title id="%s-t">%s</title>`, id, escape("How a lead moves: "+d.plan.Name))
	k.f(`<desc id="%s-d">%s</desc>`, id, escape(says))
	k.WriteString(theme.style())
	k.WriteByte('\n')
	if theme != Page {
		k.f(`<rect width="%d" height="%d" rx="12" fill="%s"/>`+"\n", d.width, d.height, theme.paint("card"))
	}
	for b, g := range d.grounds {
		if g.h == 0 {
			continue
		}
		k.f(`<rect x="%d" y="%d" width="%d" height="%d" rx="8" fill="%s" fill-opacity=".65"/>`, g.x, g.y, g.w, g.h, theme.paint(soft[b]))
		y := g.y + g.h/2
		k.mark(b, g.x+12, y-4, 8)
		k.text(g.x+26, y+4, 12, true, strong[b], "", capital(agreement.Side(b+1).String()))
		k.WriteByte('\n')
	}
	for _, m := range []manner{handBack, byItself, byHand, either, handOff} {
		for _, l := range d.links {
			if l.manner == m && len(l.corners) > 0 {
				k.arrow(l)
			}
		}
	}
	for _, n := range d.nodes {
		k.box(n, &d.plan.Stages[n.stage])
	}
	for _, lb := range d.labels {
		k.label(lb)
	}
	for _, e := range d.keys {
		y := e.y + 9
		k.stroke([]point{{e.x, y}, {e.x + 36, y}}, e.manner, keyWeight(e.manner))
		k.text(e.x+44, y+4, smallSize, false, "muted-foreground", "", e.text)
		k.WriteByte('\n')
	}
	k.WriteString("</svg>\n")
	return k.Bytes()
}

// leads reports whether anything in the picture leads somewhere.
func (d *picture) leads() bool {
	for _, n := range d.nodes {
		if n.link != "" {
			return true
		}
	}
	for _, l := range d.links {
		if l.link != "" {
			return true
		}
	}
	return false
}

// group opens a group, or a link to an address, and returns how it is closed.
func (k *ink) group(address string) string {
	if address == "" {
		k.f(`<g>`)
		return "</g>\n"
	}
	k.f(`<a href="%s">`, escape(address))
	return "</a>\n"
}

var (
	soft   = [2]string{"mkt-soft", "sal-soft"}
	strong = [2]string{"mkt", "sal"}
	lines  = [2]string{"mkt-line", "sal-line"}
)

func keyWeight(m manner) int {
	if m == handOff {
		return 12
	}
	return 6
}

// mark is the sign of a side: a circle for marketing, a square for sales.
func (k *ink) mark(band, x, y, size int) {
	if band == 0 {
		k.f(`<circle cx="%d" cy="%d" r="%d" fill="%s"/>`, x+size/2, y+size/2, size/2, k.theme.paint("mkt-line"))
		return
	}
	k.f(`<rect x="%d" y="%d" width="%d" height="%d" rx="1" fill="%s"/>`, x, y, size, size, k.theme.paint("sal-line"))
}

func (k *ink) box(n *node, s *agreement.Stage) {
	fill, line, name := "card", lines[min(n.band, 1)], "foreground"
	switch s.Final {
	case agreement.Won:
		fill, line, name = "kept-soft", "kept-line", "kept"
	case agreement.Lost, agreement.Disqualified, agreement.WalkedAway:
		fill, line, name = "muted", "axis", "muted-foreground"
	}
	end := k.group(n.link)
	k.f(`<title>%s</title>`, escape(stageSentence(s)))
	k.f(`<rect x="%d" y="%d" width="%d" height="%d" rx="8" fill="%s" stroke="%s" stroke-width="1.5"/>`,
		n.x, n.y, n.w, n.h, k.theme.paint(fill), k.theme.paint(line))
	height := len(n.name)*nameLine + len(n.under)*smallLine
	if n.number != "" {
		height += numberLine
	}
	x, y := n.x+boxPad, n.y+(n.h-height)/2
	middle := y + nameLine/2
	switch s.Final {
	case agreement.Won:
		k.f(`<path d="M%d %dl3 3 5-6" fill="none" stroke="%s" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"/>`, x, middle, k.theme.paint("kept"))
	case agreement.Lost:
		k.f(`<path d="M%d %dl6 6m0-6l-6 6" stroke="%s" stroke-width="1.75" stroke-linecap="round"/>`, x+1, middle-3, k.theme.paint("muted-foreground"))
	case agreement.Disqualified, agreement.WalkedAway:
		k.f(`<path d="M%d %dh8" stroke="%s" stroke-width="2" stroke-linecap="round"/>`, x, middle, k.theme.paint("muted-foreground"))
	default:
		k.mark(min(n.band, 1), x, middle-4, 8)
	}
	for _, t := range n.name {
		k.text(x+markRoom, y+13, nameSize, true, name, "", t)
		y += nameLine
	}
	if n.number != "" {
		k.text(x, y+20, numberSize, true, "foreground", "", n.number)
		y += numberLine
	}
	for _, t := range n.under {
		k.text(x, y+11, smallSize, false, "muted-foreground", "", t)
		y += smallLine
	}
	k.WriteString(end)
}

func (k *ink) arrow(l *link) {
	k.f(`<g><title>%s</title>`, escape(l.about))
	k.stroke(l.corners, l.manner, l.weight)
	k.WriteString("</g>\n")
}

// stroke draws an arrow through points. A filled head: the lead moves by itself; an
// open head and a ring at the tail: a person moves it; a ring and a filled head:
// either. weight is in quarters of a pixel.
func (k *ink) stroke(points []point, m manner, weight int) {
	colour := "q4"
	if m == handOff {
		colour = "foreground"
	}
	paint := k.theme.paint(colour)
	last, before := points[len(points)-1], points[len(points)-2]
	dx, dy := sign(last.x-before.x), sign(last.y-before.y)
	size := 7 + weight/6
	tail := points[0]
	back := 1 // the line ends before the tip, so that the tip stays sharp
	if m != byHand && m != handBack {
		back = size - 1
	}
	line := append([]point(nil), points...)
	line[len(line)-1] = point{last.x - dx*back, last.y - dy*back}
	ring := m == byHand || m == either
	if ring {
		next := points[1]
		line[0] = point{tail.x + 6*sign(next.x-tail.x), tail.y + 6*sign(next.y-tail.y)}
		tail = point{tail.x + 3*sign(next.x-tail.x), tail.y + 3*sign(next.y-tail.y)}
	}
	k.f(`<path d="%s" fill="none" stroke="%s" stroke-width="%s"`, rounded(line, 8), paint, quarters(weight))
	if m == handBack {
		k.f(` stroke-dasharray="5 4"`)
	}
	k.f(`/>`)
	half := size/2 + 1
	at := func(along, aside int) string {
		return strconv.Itoa(last.x+dx*along-dy*aside) + " " + strconv.Itoa(last.y+dy*along+dx*aside)
	}
	if m == byHand || m == handBack {
		k.f(`<path d="M%sL%sL%s" fill="none" stroke="%s" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`,
			at(-size+1, half), at(-1, 0), at(-size+1, -half), paint)
	} else {
		k.f(`<path d="M%sL%sL%sz" fill="%s"/>`, at(-size, half), at(0, 0), at(-size, -half), paint)
	}
	if ring {
		k.f(`<circle cx="%d" cy="%d" r="3" fill="%s" stroke="%s" stroke-width="1.5"/>`, tail.x, tail.y, k.theme.paint("card"), paint)
	}
}

func sign(n int) int { return min(max(n, -1), 1) }

func quarters(n int) string { return strconv.FormatFloat(float64(n)/4, 'f', -1, 64) }

// rounded is a path through points with round corners.
func rounded(points []point, radius int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%d %d", points[0].x, points[0].y)
	for i := 1; i < len(points)-1; i++ {
		p, q, r := points[i-1], points[i], points[i+1]
		size := min(radius, length(p, q)/2, length(q, r)/2)
		fmt.Fprintf(&b, "L%d %dQ%d %d %d %d", q.x-size*sign(q.x-p.x), q.y-size*sign(q.y-p.y), q.x, q.y,
			q.x+size*sign(r.x-q.x), q.y+size*sign(r.y-q.y))
	}
	fmt.Fprintf(&b, "L%d %d", points[len(points)-1].x, points[len(points)-1].y)
	return b.String()
}

// span2 is the length of a horizontal or vertical line.
func length(a, b point) int { return max(a.x-b.x, b.x-a.x) + max(a.y-b.y, b.y-a.y) }

func (k *ink) label(lb *label) {
	end := k.group(lb.link.address())
	if lb.card {
		k.f(`<rect x="%d" y="%d" width="%d" height="%d" rx="7" fill="%s" stroke="%s"/>`, lb.x, lb.y, lb.w, lb.h, k.theme.paint("card"), k.theme.paint("input"))
	}
	y := lb.y + 2
	if lb.card {
		y += 4
	}
	colour := "muted-foreground"
	if lb.strong {
		colour = "foreground"
	}
	for _, s := range lb.over {
		k.text(lb.x+lb.w/2, y+10, smallSize, lb.strong, colour, "middle", s)
		y += labelLine
	}
	if lb.spot == besideRow {
		y = lb.split
	}
	for _, s := range lb.under {
		k.text(lb.x+lb.w/2, y+10, smallSize, false, "muted-foreground", "middle", s)
		y += labelLine
	}
	k.WriteString(end)
}

// address is where the label of a link leads, "" for nowhere.
func (l *link) address() string {
	if l == nil {
		return ""
	}
	return l.link
}
