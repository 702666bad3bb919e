package report

import (
	"fmt"
	"iter"
	"math"
	"strings"
)

// funnel draws a bar from zero for each stage, and between two of the way what share went on.
func (k *ink) funnel(t *Table) {
	left := nameEnd(170, 16+columnExtent(t, "stage"))
	right := 560.0
	for r := range t.Rows {
		share := t.Cell(r, "of_all")
		right = barEnd(left, right, fraction(share), pairExtent(share.String(), aside(t, r)))
	}
	off := false
	for r := range t.Rows {
		y := float64(k.y)
		name, side := t.Cell(r, "stage").Text, t.Cell(r, "side").Text
		on := t.Cell(r, "of_before")
		along := r == 0 || on.Kind != Missing
		if !along && !off {
			off = true
			k.line(edge, y+6, chartWidth-edge, y+6, "hair", 1)
			k.write(edge, y+24, "start", quiet, "Beside the way")
			y += 32
		}
		if along && r > 0 {
			k.write(left+2, y+12, "start", quiet, "↓ "+goOn(on))
			y += 20
		}
		if side != "" {
			k.side(edge+5, y+10, side, 8)
		}
		k.write(edge+16, y+14, "start", inked, clip(inked, name, left-edge-16-labelGap, false))
		share := t.Cell(r, "of_all")
		colour := "q4"
		if !along {
			colour = "q2"
		}
		w := (right - left) * fraction(share)
		k.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="20" rx="2" fill="%s"/>`+"\n", left, y, max(w, 1), paint(colour))
		k.pair(left+max(w, 1)+8, y+14, share.String(), aside(t, r))
		k.y = int(y) + 26
	}
}

const labelGap = 16.0 // between a label and what is right of it

// nameEnd is where bars begin beside names: at the usual place, further right for long names.
func nameEnd(usual, names float64) float64 {
	return max(usual, min(edge+names+labelGap, usual+90))
}

// columnExtent is how many pixels a column takes at most, its title included.
func columnExtent(t *Table, name string) float64 {
	i := t.Column(name)
	w := extent(quiet, t.Columns[i].Title)
	for _, row := range t.Rows {
		w = max(w, extent(inked, row[i].String()))
	}
	return w
}

// barEnd is where the longest bar ends, no further right than before, so that a bar of part of
// its length and its label end within the picture.
func barEnd(left, before, part, label float64) float64 {
	room := chartWidth - edge - left - 8 - label
	if part <= 0 {
		return before
	}
	return min(before, left+max(room, 40)/part)
}

// goOn says what share of the stage before went on.
func goOn(c Cell) string {
	if c.Kind == FewOf {
		return c.String()
	}
	return c.String() + " go on"
}

// aside are the counts beside a bar.
func aside(t *Table, r int) string {
	s := t.Cell(r, "entered").String() + " entered"
	if now := t.Cell(r, "now"); now.Int > 0 {
		s += " · " + now.String() + " there"
	}
	return s
}

// funnelOfGroups draws, for each group, the share of its passes that came to the end of the way.
func (k *ink) funnelOfGroups(t *Table) {
	type line struct {
		name, end string
		share     Cell
		all       int64
		young     bool
	}
	var list []line
	for r := range t.Rows {
		name := t.Rows[r][0].Text
		if len(list) == 0 || list[len(list)-1].name != name {
			list = append(list, line{name: name, all: t.Cell(r, "entered").Int, young: t.Cell(r, "cohort").Text == string(Maturing)})
		}
		l := &list[len(list)-1]
		if l.end == "" || t.Cell(r, "of_before").Kind != Missing {
			l.end, l.share = t.Cell(r, "stage").Text, t.Cell(r, "of_all")
		}
	}
	top := 0.0
	for _, l := range list {
		top = max(top, fraction(l.share))
	}
	if top == 0 {
		top = 1
	}
	note := func(l line) string {
		if l.young {
			return things(l.all, "pass") + " · " + string(Maturing)
		}
		return things(l.all, "pass")
	}
	left := nameEnd(190, columnExtent(t, t.Columns[0].Name))
	right := 520.0
	for _, l := range list {
		right = barEnd(left, right, fraction(l.share)/top, pairExtent(l.share.String(), note(l)))
	}
	k.hatch()
	k.write(left, float64(k.y)+10, "start", quiet, clip(quiet, "came to "+list[0].end+", of all passes of the group", chartWidth-edge-left, false))
	k.y += 20
	for i, l := range list {
		if i == mostRows {
			k.more(len(list) - i)
			break
		}
		y := float64(k.y)
		k.write(edge, y+14, "start", inked, clip(inked, l.name, left-edge-labelGap, false))
		w := max(1, (right-left)*fraction(l.share)/top)
		fill := paint("q4")
		if l.young {
			fill = "url(#baton-hatch)"
		}
		if l.all < fewLeads {
			k.write(left, y+14, "start", quiet, fmt.Sprintf("too few (%d)", l.all))
		} else {
			k.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="18" rx="2" fill="%s"/>`+"\n", left, y+1, w, fill)
			k.pair(left+w+8, y+14, l.share.String(), note(l))
		}
		k.y += 24
	}
}

// scale is an axis from zero to a round number.
type scale struct {
	left, right float64
	top         float64 // in units
	step        float64
}

func scaleTo(most, left, right float64) scale {
	if most <= 0 {
		most = 1
	}
	marks := max((right-left)/50, 2) // at most
	step := math.Pow(10, math.Floor(math.Log10(most)))
	for _, m := range []float64{0.2, 0.5, 1, 2} {
		if most/(step*m) <= marks {
			step *= m
			break
		}
	}
	return scale{left, right, math.Ceil(most/step-1e-9) * step, step}
}

func (s scale) at(v float64) float64 { return s.left + (s.right-s.left)*min(v/s.top, 1) }

// spans draws a dot at the median and a whisker to the 90th percentile of each row.
func (k *ink) spans(t *Table, median, p90 string, unit int64) {
	rows := rowsWith(t, median)
	if len(rows) == 0 {
		return
	}
	most, names, notes := 0.0, 0.0, 0.0
	for _, r := range rows {
		most = max(most, float64(t.Cell(r, p90).Int)/float64(unit))
		names = max(names, extent(inked, stepName(t, r)))
		notes = max(notes, pairExtent(t.Cell(r, median).String(), spanNote(t, r, p90)))
	}
	left := nameEnd(230, names)
	right := min(520, chartWidth-edge-20-notes)
	x := scaleTo(most, left, right)
	word := map[int64]string{day: "days", hour: "working hours"}[unit]
	shown := min(len(rows), mostRows)
	top := float64(k.y)
	heads := 0
	if t.grouped {
		heads = groupsIn(t, rows[:shown])
	}
	single := heads == shown // one row for each group: its name says enough
	if single {
		heads = 0
	}
	bottom := top + 18 + float64(26*shown+24*heads)
	for v := 0.0; v <= x.top+x.step/2; v += x.step {
		k.line(x.at(v), top+16, x.at(v), bottom, "hair", 1)
		k.write(x.at(v), top+10, "middle", quiet, figure(v))
	}
	k.write(right+20, top+10, "start", quiet, word)
	k.y += 18
	group := ""
	for i, r := range rows {
		if i == mostRows {
			k.more(len(rows) - i)
			break
		}
		if g := t.Rows[r][0].Text; t.grouped && !single && g != group {
			group = g
			k.write(edge, float64(k.y)+18, "start", strong, clip(strong, g, chartWidth-2*edge, false))
			k.y += 24
		}
		y := float64(k.y) + 13
		name := stepName(t, r)
		if single {
			if i == 0 {
				k.write(edge, top+10, "start", quiet, name)
			}
			name = t.Rows[r][0].Text
		}
		k.write(edge, y+4, "start", inked, clip(inked, name, left-edge-labelGap, false))
		m, p := t.Cell(r, median), t.Cell(r, p90)
		a, b := x.at(float64(m.Int)/float64(unit)), x.at(float64(p.Int)/float64(unit))
		if n := cameOf(t, r); n.Int < fewLeads {
			k.write(left, y+4, "start", quiet, fmt.Sprintf("too few (%d)", n.Int))
			k.y += 26
			continue
		}
		k.line(a, y, b, y, "foreground", 1.75)
		k.line(b, y-4, b, y+4, "foreground", 1.75)
		k.dot(a, y, false)
		k.pair(right+20, y+4, m.String(), spanNote(t, r, p90))
		k.y += 26
	}
	k.say(float64(k.y)+16, "Dot: the median, half take no longer. Line: to the 90th percentile (p90), nine in ten take no longer.")
	k.y -= 12
}

// stepName is what a row of spans is about.
func stepName(t *Table, r int) string {
	if step := t.Cell(r, "step").Text; step != "" {
		return step
	}
	return t.Cell(r, "from").Text + " → " + t.Cell(r, "to").Text
}

// cameOf is of how many a row of spans is.
func cameOf(t *Table, r int) Cell {
	if n := t.Cell(r, "n"); n.Kind != Missing {
		return n
	}
	return t.Cell(r, "done")
}

func spanNote(t *Table, r int, p90 string) string {
	return "p90 " + t.Cell(r, p90).String() + " · n " + cameOf(t, r).String()
}

func rowsWith(t *Table, column string) (rows []int) {
	for r := range t.Rows {
		if t.Cell(r, column).Kind != Missing {
			rows = append(rows, r)
		}
	}
	return rows
}

func groupsIn(t *Table, rows []int) int {
	n, last := 0, ""
	for i, r := range rows {
		if g := t.Rows[r][0].Text; i == 0 || g != last {
			n, last = n+1, g
		}
	}
	return n
}

// figure writes a tick of an axis.
func figure(v float64) string {
	if v >= 1000 {
		return number(int64(v + 0.5))
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

// round writes a share without decimals it does not need.
func round(share float64) string { return strings.Replace(percent(share), ".0 %", " %", 1) }

// lift draws each group's rate over the base rate on a doubling scale, with its interval.
func (k *ink) lift(t *Table) {
	const left, right = 312.0, 560.0
	base := t.Base
	rows := min(len(t.Rows), mostRows)
	const rateEnd = left - 28
	leadsEnd := rateEnd - columnExtent(t, "rate") - labelGap
	nameRoom := leadsEnd - columnExtent(t, "leads") - labelGap - edge
	if base <= 0 {
		why := "Nothing is won yet, so there is no base rate to draw."
		for r := range t.Rows {
			if t.Cell(r, "caution").Text == string(Maturing) {
				why = "Nothing is won yet of what is mature, so there is no base rate to draw."
			}
		}
		k.write(edge, float64(k.y)+10, "start", quiet, why)
		k.y += 16
		return
	}
	const slack = 0.05 // of a doubling, that is drawn at the end of the scale
	reach := 1         // doublings either way
	for r := range rows {
		if t.Cell(r, "rate").Kind != Share {
			continue
		}
		for _, c := range []string{"low", "high"} {
			if v := t.Cell(r, c).Num / base; v > 0 {
				reach = max(reach, min(3, int(math.Ceil(math.Abs(math.Log2(v))-slack))))
			}
		}
	}
	middle := (left + right) / 2
	unit := (right - left) / 2 / float64(reach)
	place := func(rate float64) (x float64, off int) {
		switch at := math.Log2(rate / base); {
		case rate <= 0 || at < -float64(reach)-slack:
			return left, -1
		case at > float64(reach)+slack:
			return right, 1
		default:
			return min(max(middle+at*unit, left), right), 0
		}
	}
	top := float64(k.y)
	bottom := top + 20 + float64(28*rows)
	for i := -reach; i <= reach; i++ {
		x := middle + float64(i)*unit
		if i != 0 {
			k.line(x, top+16, x, bottom, "hair", 1)
			k.write(x, top+10, "middle", quiet, map[int]string{-3: "⅛×", -2: "¼×", -1: "½×", 1: "2×", 2: "4×", 3: "8×"}[i])
		}
	}
	k.write(middle, top+10, "middle", strong, "base")
	k.line(middle, top+16, middle, bottom, "foreground", 1)
	k.write(edge, top+10, "start", quiet, clip(quiet, t.Columns[0].Title, nameRoom, false))
	k.write(leadsEnd, top+10, "end", quiet, "Leads")
	k.write(rateEnd, top+10, "end", quiet, "Rate")
	k.write(620, top+10, "end", quiet, "Lift")
	k.y += 20
	var hatched, broken, outside bool
	for r := range t.Rows {
		if r == mostRows {
			k.more(len(t.Rows) - r)
			break
		}
		y := float64(k.y) + 14
		k.line(edge, y+14, chartWidth-edge, y+14, "hair", 1)
		k.write(edge, y+4, "start", inked, clip(inked, t.Rows[r][0].Text, nameRoom, false))
		k.write(leadsEnd, y+4, "end", inked, t.Cell(r, "leads").String())
		rate, said := t.Cell(r, "rate"), t.Cell(r, "verdict").Text
		k.y += 28
		if rate.Kind != Share {
			k.write(rateEnd, y+4, "end", quiet, "–")
			k.write(620, y+4, "end", quiet, "–")
			k.write(632, y+4, "start", quiet, fmt.Sprintf("too few (%s)", t.Cell(r, "leads")))
			continue
		}
		k.write(rateEnd, y+4, "end", inked, rate.String())
		k.write(620, y+4, "end", strong, t.Cell(r, "lift").String())
		young := said == string(Maturing)
		if young && !hatched {
			hatched = true
			k.hatch()
		}
		low, high := t.Cell(r, "low").Num, t.Cell(r, "high").Num
		a, offA := place(low)
		b, offB := place(high)
		x, off := place(rate.Num)
		k.line(a, y, b, y, "foreground", 1.5)
		for _, e := range []struct {
			x, rate float64
			off     int
		}{{a, low, offA}, {b, high, offB}} {
			switch {
			case e.off == 0:
				k.line(e.x, y-4, e.x, y+4, "foreground", 1.5)
			case e.off != off: // or else the mark of the estimate is there
				broken = true
				k.broken(e.x, y, e.off)
				k.beyond(e.x, y, e.off, multiple(e.rate/base))
			}
		}
		switch {
		case off != 0:
			outside = true
			k.arrow(x, y, off, young || !stands(said))
			says := multiple(rate.Num / base)
			if end := multiple(high / base); off > 0 && end != says {
				says += " to " + end
			} else if end := multiple(low / base); off < 0 && end != says {
				says = end + " to " + says
			}
			k.beyond(x, y, off, says)
		case young:
			k.f(`<circle cx="%.1f" cy="%.1f" r="5" fill="url(#baton-hatch)" stroke="%s" stroke-width="1.25"/>`+"\n", x, y, paint("foreground"))
		default:
			k.dot(x, y, !stands(said))
		}
		word := said
		style := quiet
		if stands(said) {
			style = inked
			if t.Cell(r, "caution").Kind != Missing {
				word += withCare
			}
		}
		k.write(632, y+4, "start", style, word)
	}
	legend := "Base rate " + percent(base) + ". Dot: best estimate. Line: 95 % interval. Hollow: too close to the base rate to tell."
	if hatched {
		legend += " Hatched: still maturing, not compared."
	}
	if broken {
		legend += " Two strokes: the interval goes on to the value above them."
	}
	if outside {
		legend += " Triangle: the best estimate lies beyond the scale, at the value above it."
	}
	k.say(float64(k.y)+18, legend+" Goes with, not because of.")
	k.y -= 12
}

// broken marks where an interval goes on beyond the picture: off -1 to the left, 1 to the right.
func (k *ink) broken(x, y float64, off int) {
	for _, back := range []float64{2, 6} {
		at := x - back*float64(off)
		k.line(at-2, y+5, at+2, y-5, "foreground", 1.5)
	}
}

// arrow is the dot of what lies beyond the picture: a triangle that points there.
func (k *ink) arrow(x, y float64, off int, hollow bool) {
	fill := paint("foreground")
	if hollow {
		fill = paint("card")
	}
	back := x - 9*float64(off)
	k.f(`<path d="M%.1f %.1fL%.1f %.1fL%.1f %.1fz" fill="%s" stroke="%s" stroke-width="1.5"/>`+"\n", back, y-5, x, y, back, y+5, fill, paint("foreground"))
}

// beyond writes the value of what lies beyond the picture above its mark.
func (k *ink) beyond(x, y float64, off int, value string) {
	anchor := "start"
	if off > 0 {
		anchor = "end"
	}
	k.write(x, y-6, anchor, quiet, value)
}

// multiple writes how many times the base rate something is, where the scale does not show it.
func multiple(f float64) string {
	switch {
	case f <= 0:
		return "0×"
	case f < 0.05:
		return "< 0.1×"
	}
	return times(f)
}

// rows are the rows that are drawn, each with the middle of its line. Above the first of a group stands its name, and behind the last
// how many are left out.
func (k *ink) rows(t *Table) iter.Seq2[int, float64] {
	return func(yield func(int, float64) bool) {
		group := ""
		for r := range t.Rows {
			if r == mostRows {
				k.more(len(t.Rows) - r)
				return
			}
			if g := t.Rows[r][0].Text; t.grouped && g != group {
				group = g
				k.write(edge, float64(k.y)+18, "start", strong, clip(strong, g, chartWidth-2*edge, false))
				k.y += 24
			}
			if !yield(r, float64(k.y)+14) {
				return
			}
		}
	}
}

// sla draws the share in time of each clause as a mark on a line, and what was promised as a
// tick: the distance between the two is drawn thick.
func (k *ink) sla(t *Table) {
	const left = 300.0
	right := 560.0
	low := 0.8
	for r := range t.Rows {
		right = min(right, chartWidth-edge-16-pairExtent(t.Cell(r, "in_time").String(), inTimeNote(t, r)))
		for _, name := range []string{"in_time", "promised"} {
			if c := t.Cell(r, name); c.Kind == Share && c.Num < low {
				low = math.Floor(c.Num*10) / 10
			}
		}
	}
	at := func(share float64) float64 { return left + (right-left)*(share-low)/(1-low) }
	k.write(left, float64(k.y)+10, "middle", quiet, round(low))
	k.write(right, float64(k.y)+10, "middle", quiet, "100 %")
	k.write((left+right)/2, float64(k.y)+10, "middle", quiet, "in time")
	k.y += 16
	for r, y := range k.rows(t) {
		promised := t.Cell(r, "promised")
		k.write(edge, y+4, "start", inked, clip(inked, t.Cell(r, "clause").Text, left-edge-24, true))
		k.line(left, y, right, y, "axis", 1.5)
		c := t.Cell(r, "in_time")
		if c.Kind == Share {
			if promised.Kind == Share {
				colour := "q4"
				switch t.Cell(r, "side").Text {
				case "marketing":
					colour = "mkt-line"
				case "sales":
					colour = "sal-line"
				}
				k.line(at(promised.Num), y, at(c.Num), y, colour, 4)
			}
			k.side(at(c.Num), y, t.Cell(r, "side").Text, 10)
			k.pair(right+16, y+4, c.String(), inTimeNote(t, r))
		} else {
			k.write(right+16, y+4, "start", quiet, "none has ended yet")
		}
		k.y += 28
		if promised.Kind == Share {
			x := at(promised.Num)
			k.line(x, y-8, x, y+8, "foreground", 1.75)
			anchor, place := "middle", x
			if x > right-40 {
				anchor, place = "end", right
			}
			k.write(place, y+20, anchor, quiet, round(promised.Num)+" promised")
			k.y += 12
		}
	}
}

// inTimeNote tells of how many clocks a share in time is.
// pursuit draws each row as a bar: what was accepted, rejected, what came to another end, and what is still under way.
func (k *ink) pursuit(t *Table) {
	const left = 300.0
	right := 600.0
	for r := range t.Rows {
		right = min(right, chartWidth-edge-16-pairExtent(t.Cell(r, "accepted").String(), acceptedNote(t, r)))
	}
	parts := [...]struct{ title, colour string }{{"accepted", "sal-line"}, {"rejected", "q4"}, {"expired or withdrawn", "q2"}, {"with the manager or open", "mkt-line"}}
	x := edge
	for _, p := range parts {
		k.f(`<rect x="%.1f" y="%d" width="10" height="10" rx="1" fill="%s"/>`+"\n", x, k.y+2, paint(p.colour))
		k.write(x+16, float64(k.y)+11, "start", quiet, p.title)
		x += 16 + extent(quiet, p.title) + 20
	}
	k.y += 20
	for r, y := range k.rows(t) {
		k.write(edge, y+4, "start", inked, clip(inked, t.Cell(r, "handoff").Text, left-edge-24, false))
		n := func(names ...string) (sum int64) {
			for _, name := range names {
				sum += t.Cell(r, name).Int
			}
			return sum
		}
		from, offered := left, float64(max(1, n("offered")))
		for i, v := range [...]int64{n("accepted"), n("rejected"), n("expired", "withdrawn"), n("escalated", "open", "limbo")} {
			width := (right - left) * float64(v) / offered
			if v > 0 {
				k.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="14" fill="%s"/>`+"\n", from, y-7, max(1, width), paint(parts[i].colour))
			}
			from += width
		}
		k.pair(right+16, y+4, t.Cell(r, "accepted").String(), acceptedNote(t, r))
		k.y += 28
	}
}

func acceptedNote(t *Table, r int) string { return "of " + t.Cell(r, "offered").String() + " accepted" }

func inTimeNote(t *Table, r int) string {
	met, over := t.Cell(r, "met").Int, t.Cell(r, "over").Int
	s := fmt.Sprintf("%s of %s", number(met), number(met+over))
	if over > 0 {
		s += ", " + number(over) + " over"
	}
	return s
}
