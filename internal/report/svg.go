package report

import (
	"bytes"
	"fmt"
	"strings"
)

// SVG draws the report as a file of its own, in light or dark as its reader prefers: funnel
// as bars, velocity and response as a dot (median) and a whisker (to the 90th percentile),
// lift as dots and whiskers beside the base rate, sla as marks on a line, pursuit as parts of a bar. It is 760 pixels
// wide and meant to be shown at that size, so that text is never under 11 pixels. All
// that it says is in the table too.
func (t *Table) SVG() []byte { return t.draw(true) }

// Inline draws the same for a page: no style of its own, as a strict content security policy
// wants; it takes the tokens of the page.
func (t *Table) Inline() []byte { return t.draw(false) }

// chartWidth is the width of every chart in pixels.
const chartWidth = 760

// mostRows is how many rows a chart draws; the table has the rest.
const mostRows = 40

// tokens are the colours of the house in light and dark.
var tokens = [...]struct{ name, light, dark string }{
	{"card", "#ffffff", "#16181c"},
	{"foreground", "#161b23", "#ebedf0"},
	{"muted-foreground", "#595e67", "#9ea3ac"},
	{"hair", "#ebedef", "#222529"},
	{"axis", "#bbbec3", "#4a4d54"},
	{"q1", "#edf0f6", "#1e2228"},
	{"q2", "#d6dde9", "#2e333c"},
	{"q4", "#657592", "#8b99b2"},
	{"mkt-line", "#bc70c8", "#c079cb"},
	{"sal-line", "#1b8fa5", "#3ea1b5"},
}

// paint is a colour as a presentation attribute takes it.
func paint(name string) string {
	for _, c := range tokens {
		if c.name == name {
			return "var(--" + name + "," + c.light + ")"
		}
	}
	panic("report: no colour " + name)
}

// ink writes SVG. y is where the next thing goes.
type ink struct {
	bytes.Buffer
	y int
}

func (k *ink) f(format string, args ...any) { fmt.Fprintf(k, format, args...) }

// label styles.
const (
	quiet  = iota // 11 px, muted
	inked         // 12 px, ink
	strong        // 12 px, ink, semibold
)

// write puts s at the base line y. anchor is "start", "middle" or "end".
func (k *ink) write(x, y float64, anchor string, style int, s string) {
	colour, size := "muted-foreground", 11
	if style != quiet {
		colour, size = "foreground", 12
	}
	k.f(`<text x="%.1f" y="%.1f" font-size="%d" fill="%s" text-anchor="%s"`, x, y, size, paint(colour), anchor)
	if style == strong {
		k.WriteString(` font-weight="600"`)
	}
	k.f(">%s</text>\n", escape(s))
}

// pairExtent is how many pixels a pair takes at most.
func pairExtent(figure, rest string) float64 {
	return extent(strong, figure) + beside + extent(quiet, rest)
}

const beside = 7.0 // between a figure and what belongs to it

// pair puts a figure at the base line y and what belongs to it beside it.
func (k *ink) pair(x, y float64, figure, rest string) {
	k.f(`<text x="%.1f" y="%.1f" font-size="12" font-weight="600" fill="%s">%s<tspan dx="%g" font-size="11" font-weight="400" fill="%s">%s</tspan></text>`+"\n",
		x, y, paint("foreground"), escape(figure), beside, paint("muted-foreground"), escape(rest))
}

func (k *ink) line(x1, y1, x2, y2 float64, colour string, width float64) {
	k.f(`<path d="M%.1f %.1fL%.1f %.1f" stroke="%s" stroke-width="%g"/>`+"\n", x1, y1, x2, y2, paint(colour), width)
}

// dot is solid, or hollow for what cannot be told.
func (k *ink) dot(x, y float64, hollow bool) {
	if hollow {
		k.f(`<circle cx="%.1f" cy="%.1f" r="4.5" fill="%s" stroke="%s" stroke-width="1.75"/>`+"\n", x, y, paint("card"), paint("foreground"))
		return
	}
	k.f(`<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>`+"\n", x, y, paint("foreground"))
}

// side is the mark of a side: a circle for marketing, a square for sales.
func (k *ink) side(x, y float64, side string, size float64) {
	switch side {
	case "marketing":
		k.f(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`+"\n", x, y, size/2, paint("mkt-line"))
	case "sales":
		k.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="1" fill="%s"/>`+"\n", x-size/2, y-size/2, size, size, paint("sal-line"))
	default:
		k.f(`<path d="M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz" fill="%s"/>`+"\n", x, y-size/2, size/2, size/2, -size/2, size/2, -size/2, -size/2, paint("q4"))
	}
}

// escape makes s safe as XML text and attribute; what XML cannot hold is replaced.
func escape(s string) string {
	var b strings.Builder
	for _, r := range printable(s) {
		switch r {
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		case '"':
			b.WriteString("&quot;")
		case '\'':
			b.WriteString("&#39;")
		case 0xfffe, 0xffff:
			b.WriteRune('\ufffd')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// clip shortens a label to a width in pixels.
func clip(style int, s string, room float64, address bool) string {
	return cut(printable(s), address, func(s string) bool { return extent(style, s) <= room })
}

// say writes a sentence across the picture from the base line y on, and moves on below it.
func (k *ink) say(y float64, s string) {
	k.y = int(y)
	const room = chartWidth - 2*edge
	for _, line := range lines(s, func(line string) bool { return extent(quiet, line) <= room }) {
		k.write(edge, float64(k.y), "start", quiet, clip(quiet, line, room, false))
		k.y += 16
	}
}

const edge = 16.0 // empty border

// draw writes the whole picture.
func (t *Table) draw(alone bool) []byte {
	body := &ink{}
	body.y = int(edge)
	if alone { // a page has its own heading and sentence
		body.write(edge, edge+14, "start", strong, t.Title)
		body.say(edge+34, t.Finding)
		body.y += 6
	}
	drawn := body.Len()
	switch {
	case len(t.Rows) == 0:
	case t.Name == "funnel" && t.grouped:
		body.funnelOfGroups(t)
	case t.Name == "funnel":
		body.funnel(t)
	case t.Name == "velocity":
		body.spans(t, "median_days", "p90_days", day)
	case t.Name == "response":
		body.spans(t, "median_working_hours", "p90_working_hours", hour)
	case t.Name == "lift":
		body.lift(t)
	case t.Name == "sla":
		body.sla(t)
	case t.Name == "pursuit":
		body.pursuit(t)
	}
	if body.Len() == drawn && !alone {
		body.say(float64(body.y)+12, t.Finding)
	}
	height := body.y + int(edge)
	k := &ink{}
	id := "baton-" + t.Name
	k.f(`<svg xmlns="http://www.w3.org/2000/svg" class="baton-chart" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="%s-t %s-d" fill="none" font-family="Geist, Inter, ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif">`+"\n",
		chartWidth, height, chartWidth, height, id, id)
	k.f("<title id=\"%s-t\">%s</title>\n<desc id=\"%s-d\">%s</desc>\n", id, escape(t.Title), id, escape(t.Finding))
	if alone {
		var light, dark strings.Builder
		for _, c := range tokens {
			light.WriteString("--" + c.name + ":" + c.light + ";")
			dark.WriteString("--" + c.name + ":" + c.dark + ";")
		}
		k.f("<style>.baton-chart{%sfont-feature-settings:\"tnum\"}@media(prefers-color-scheme:dark){.baton-chart{%s}}</style>\n", light.String(), dark.String())
		k.f(`<rect width="%d" height="%d" rx="8" fill="%s"/>`+"\n", chartWidth, height, paint("card"))
	}
	k.Write(body.Bytes())
	k.WriteString("</svg>\n")
	return k.Bytes()
}

// hatch is the ground of what is still maturing.
func (k *ink) hatch() {
	k.f(`<defs><pattern id="baton-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="%s"/><path d="M1 0V6" stroke="%s" stroke-width="2"/></pattern></defs>`+"\n",
		paint("q1"), paint("q4"))
}

// more says that the table has rows the chart has not.
func (k *ink) more(rows int) {
	if rows > 0 {
		k.write(edge, float64(k.y)+16, "start", quiet, fmt.Sprintf("and %s more in the table", number(int64(rows))))
		k.y += 24
	}
}

// fraction is a share's bar or place within a width.
func fraction(c Cell) float64 {
	if c.Kind != Share {
		return 0
	}
	return min(max(c.Num, 0), 1)
}
