package document

import (
	"cmp"
	"slices"
)

// Sizes of the picture in pixels.
const (
	nameSize   = 13
	nameLine   = 17
	numberSize = 20
	numberLine = 26
	smallSize  = 11
	smallLine  = 15
	labelLine  = 14
	boxPad     = 12
	markRoom   = 15 // of the side's mark before the name
	gutter     = 90
	edge       = 8 // between the picture and its lanes
	laneGap    = 6
	trackStep  = 13
	portX      = 8 // half steps between arrows at the top and bottom of a box
	portY      = 6 // and at its sides
	portRoom   = 13
	labelWide  = 178
)

type point struct{ x, y int }

type rect struct{ x, y, w, h int }

func (r rect) overlaps(s rect) bool {
	return r.x < s.x+s.w && s.x < r.x+r.w && r.y < s.y+s.h && s.y < r.y+r.h
}

// place of a label: beside a straight arrow in the channel between two columns,
// on a track between two rows, or across a vertical line between two rows.
type spot uint8

const (
	besideRow spot = iota
	onTrack
	onVertical
)

type label struct {
	rect
	over, under []string
	strong      bool // over is a figure or a heading
	card        bool
	spot        spot
	channel     int
	line        *line
	link        *link
	split       int // besideRow: where under begins
}

// drawing holds the pixels.
type drawing struct {
	width, height    int
	vTracks, hTracks []int // tracks in each channel
	hSplit           []int // of hTracks, those above the labels
	labels           []*label
	grounds          [2]rect // of the lanes; no height: not there
	cardRow          []int   // height of the first row of labels in each channel
	middles          []int   // y of the middle of each channel, where a lane ends
	keys             []key
	dropped          int // labels there was no room for
}

// key is one entry of the legend.
type key struct {
	rect
	manner manner
	text   string
}

func (d *picture) measure() {
	for _, l := range d.links {
		d.addLabel(l)
	}
	d.across()
	areas := d.packLabels()
	d.down(areas)
	d.cornerPaths()
	d.setTrackLabels()
	d.finish()
}

// addLabel words the label of a link, and chooses where it goes. Links of one net
// have one label between them, unless they carry figures or run on tracks apart.
func (d *picture) addLabel(l *link) {
	if len(l.over)+len(l.under) == 0 || len(l.path) == 0 {
		return
	}
	card := l.manner == handOff || l.manner == handBack
	lb := &label{link: l, card: card, strong: card || len(l.over) == 1 && len(l.over[0]) > 2 && l.over[0][len(l.over[0])-1] == '%'}
	limit := 104
	if card {
		limit = labelWide
	}
	for _, s := range l.over {
		lb.over = append(lb.over, wrapText(s, smallSize, lb.strong, limit, 2)...)
	}
	if l.manner == handBack {
		lb.under = flow(l.under, limit, 4)
	} else {
		for _, s := range l.under {
			lb.under = append(lb.under, wrapText(s, smallSize, false, limit, 2)...)
		}
	}
	for _, s := range lb.over {
		lb.w = max(lb.w, textWidth(s, smallSize, lb.strong))
	}
	for _, s := range lb.under {
		lb.w = max(lb.w, textWidth(s, smallSize, false))
	}
	lb.w += 8
	lb.h = labelLine*(len(lb.over)+len(lb.under)) + 4
	if card {
		lb.w, lb.h = lb.w+12, lb.h+8
	}
	d.choose(lb)
	for _, o := range d.labels {
		apart := (o.spot == onTrack || lb.spot == onTrack) && (o.spot != lb.spot || o.channel != lb.channel || o.line.slot != lb.line.slot)
		if o.link.net == l.net && !apart && slices.Equal(o.over, lb.over) && slices.Equal(o.under, lb.under) {
			if better(lb, o) {
				*o = *lb
			}
			l.label = o
			return
		}
	}
	l.label = lb
	d.labels = append(d.labels, lb)
}

// better reports whether a is the better place for what a and b both say.
func better(a, b *label) bool {
	if a.spot != b.spot {
		return a.spot < b.spot
	}
	return a.line.hi-a.line.lo > b.line.hi-b.line.lo
}

// flow sets words one after the other with a dot between them, and says how many
// are left out when there are too many.
func flow(words []string, limit, lines int) []string {
	var out []string
	for i, w := range words {
		w = cutText(w, smallSize, false, limit)
		if n := len(out); n > 0 {
			if joined := out[n-1] + " · " + w; textWidth(joined, smallSize, false) <= limit {
				out[n-1] = joined
				continue
			}
			if n == lines-1 && i < len(words)-1 {
				rest := 0
				for _, v := range words[i:] {
					rest += textWidth(v+" · ", smallSize, false)
				}
				if rest > limit {
					return append(out, "and "+count(len(words)-i, "more reason"))
				}
			}
		}
		out = append(out, w)
	}
	return out
}

// choose finds where a label goes, before pixels are known.
func (d *picture) choose(lb *label) {
	path := lb.link.path
	first := path[0]
	inside := func(p *line, channel int) bool {
		return min(p.begin, p.end) < 16*channel && 16*channel < max(p.begin, p.end)
	}
	vertical := func(channel int) bool {
		for _, p := range path {
			if p.vertical && inside(p, channel) {
				lb.spot, lb.channel, lb.line = onVertical, channel, p
				return true
			}
		}
		return false
	}
	if lb.link.manner == handBack {
		lb.spot, lb.channel, lb.line = onVertical, d.origin(lb.link.to), first
		return
	}
	if lb.card && d.nodes[lb.link.from].band != d.nodes[lb.link.to].band {
		for r := 1; r < d.rows; r++ {
			if d.bands[r] != d.bands[r-1] && vertical(r) {
				return
			}
		}
	}
	if !first.vertical && !first.track && (first.straight || len(path) == 2) {
		lb.spot, lb.line, lb.channel = besideRow, first, beside(first, first.begin)
		return
	}
	if last := path[len(path)-1]; len(path) == 2 && !last.vertical && !first.track {
		lb.spot, lb.line, lb.channel = besideRow, last, beside(last, last.end)
		return
	}
	var longest *line
	for _, p := range path {
		if !p.vertical && p.track && (longest == nil || p.hi-p.lo > longest.hi-longest.lo) {
			longest = p
		}
	}
	if longest == nil || longest.hi-longest.lo < 16 {
		for r := range d.rows + 1 {
			if vertical(r) {
				return
			}
		}
	}
	if longest != nil {
		lb.spot, lb.channel, lb.line = onTrack, longest.cell, longest
		return
	}
	// A vertical line that ends within one channel: the label goes into that channel.
	lb.spot, lb.line = onVertical, first
	for _, p := range path {
		if p.vertical {
			lb.line = p
			break
		}
	}
	lb.channel = (lb.line.lo + 15) / 16
}

// beside is the channel next to the box in whose middle a horizontal line begins
// or ends, on the side of the line.
func beside(p *line, middle int) int {
	if other := p.begin + p.end - middle; other > middle {
		return (middle + 8) / 16
	}
	return (middle - 8) / 16
}

// across sets all that is horizontal: boxes, columns, channels between them, and
// the x of vertical lines.
func (d *picture) across() {
	var lefts []int
	boxes, columns := make([]int, d.cols), make([]int, d.cols)
	for _, n := range d.nodes {
		boxes[n.col] = max(boxes[n.col], n.w)
	}
	d.eachPort(true, func(p *line) {
		boxes[p.cell] = max(boxes[p.cell], 2*(max(p.slot, -p.slot)*portX+portRoom))
	})
	copy(columns, boxes)
	zones := make([]int, d.cols+1)
	for _, lb := range d.labels {
		switch {
		case lb.spot == onVertical && lb.card && !lb.line.track:
			// a card may hang over its column by as much as the channels beside it are wide
			columns[lb.line.cell] = max(columns[lb.line.cell], lb.w+2*max(lb.line.slot, -lb.line.slot)*portX-44)
		case lb.spot == besideRow:
			zones[lb.channel] = max(zones[lb.channel], lb.w+14)
		}
	}
	x := edge + gutter
	starts := make([]int, d.cols+1)
	for k := range d.cols + 1 {
		starts[k] = x
		if k == 0 || k == d.cols {
			x += 14 + d.vTracks[k]*trackStep
		} else {
			x += max(zones[k]+d.vTracks[k]*trackStep+8, 24+max(d.vTracks[k]-1, 0)*trackStep, 40)
		}
		if k == d.cols {
			break
		}
		for _, n := range d.nodes {
			if n.col == k {
				n.w = boxes[k]
				n.x = x + (columns[k]-boxes[k])/2
			}
		}
		lefts = append(lefts, x)
		x += columns[k]
	}
	d.width = x + edge
	d.eachLine(func(p *line) {
		switch {
		case !p.vertical:
		case p.track:
			end := d.width - edge // of the channel
			if p.cell < d.cols {
				end = lefts[p.cell]
			}
			free := end - starts[p.cell] - zones[p.cell] - (d.vTracks[p.cell]-1)*trackStep
			p.pixel = starts[p.cell] + zones[p.cell] + free/2 + p.slot*trackStep
		default:
			p.pixel = lefts[p.cell] + columns[p.cell]/2 + p.slot*portX
		}
	})
	for _, lb := range d.labels {
		if lb.spot == besideRow {
			if d.vTracks[lb.channel] == 0 && lb.channel < d.cols {
				// columns are wider than their boxes where a card stands in them
				lb.x = (d.boxEnd(lb, starts[lb.channel])+d.boxBegin(lb, lefts[lb.channel]))/2 - lb.w/2
				continue
			}
			lb.x = starts[lb.channel] + (zones[lb.channel]-lb.w)/2
		}
	}
}

// boxEnd is where the box left of a straight arrow's channel ends, boxBegin where
// the one to its right begins; the bounds of the channel if there is none.
func (d *picture) boxEnd(lb *label, bound int) int {
	if c := lb.channel - 1; c >= 0 && d.cell[lb.line.cell][c] >= 0 {
		n := d.nodes[d.cell[lb.line.cell][c]]
		return n.x + n.w
	}
	return bound
}

func (d *picture) boxBegin(lb *label, bound int) int {
	if c := lb.channel; c < d.cols && d.cell[lb.line.cell][c] >= 0 {
		return d.nodes[d.cell[lb.line.cell][c]].x
	}
	return bound
}

func (d *picture) eachLine(f func(*line)) {
	for _, l := range d.links {
		for _, p := range l.path {
			f(p)
		}
	}
}

func (d *picture) eachPort(vertical bool, f func(*line)) {
	d.eachLine(func(p *line) {
		if !p.track && p.vertical == vertical {
			f(p)
		}
	})
}

// packLabels places the labels of vertical lines and returns the height of each
// channel's labels: cards stand on their line, side by side where they fit and in
// rows where they do not; other labels stand beside theirs. Both keep clear of
// other lines if they can.
func (d *picture) packLabels() []int {
	areas := make([]int, d.rows+1)
	d.cardRow = make([]int, d.rows+1)
	for k := range areas {
		var list []*label
		for _, lb := range d.labels {
			if lb.spot == onVertical && lb.channel == k {
				list = append(list, lb)
			}
		}
		slices.SortStableFunc(list, func(a, b *label) int {
			if a.card != b.card {
				if a.card {
					return -1
				}
				return 1
			}
			return cmp.Compare(a.line.pixel, b.line.pixel)
		})
		var rows [][]*label
		for _, lb := range list {
			clear := func(x, row int) bool {
				ok := x >= edge+4
				for _, l := range d.links {
					for i, p := range l.path {
						if l.net != lb.link.net && d.through(l, i, k) && x-3 < p.pixel && p.pixel < x+lb.w+3 {
							ok = false
						}
					}
				}
				for _, o := range rows[row] {
					ok = ok && (x+lb.w+6 <= o.x || o.x+o.w+6 <= x)
				}
				return ok
			}
			places := d.stands(lb)
			row := -1
			for r := 0; row < 0; r++ {
				if r == len(rows) { // a row of its own
					rows = append(rows, nil)
					lb.x, row = max(places[0], edge+4), r
				}
				for _, x := range places {
					if clear(x, r) {
						lb.x, row = x, r
						break
					}
				}
			}
			rows[row] = append(rows[row], lb)
		}
		y := 0
		for i, row := range rows {
			h := 0
			for _, lb := range row {
				h = max(h, lb.h)
			}
			for _, lb := range row {
				lb.y = y + (h-lb.h)/2 // of the channel's labels; down adds the rest
			}
			if i == 0 {
				d.cardRow[k] = h
			}
			y += h + 8
		}
		areas[k] = max(y-8, 0)
	}
	return areas
}

// through reports whether line i of a path is vertical and runs through the labels
// of channel k: from above to below, or to a track beyond them.
func (d *picture) through(l *link, i, k int) bool {
	p := l.path[i]
	if !p.vertical || p.lo > 16*k || p.hi < 16*k {
		return false
	}
	above, below := min(p.begin, p.end) < 16*k, max(p.begin, p.end) > 16*k
	for _, j := range []int{i - 1, i + 1} {
		if j >= 0 && j < len(l.path) && l.path[j].track && l.path[j].cell == k {
			if l.path[j].slot < d.hSplit[k] {
				above = true
			} else {
				below = true
			}
		}
	}
	return above && below
}

// stands lists the left edges a label of a vertical line may have, best first.
func (d *picture) stands(lb *label) []int {
	at := lb.line.pixel
	if !lb.card {
		return []int{at + 5, at - 5 - lb.w}
	}
	places := []int{at - lb.w/2}
	for off := 4; off <= lb.w/2-14; off += 4 {
		places = append(places, at-lb.w/2+off, at-lb.w/2-off)
	}
	return places
}

// down sets all that is vertical.
func (d *picture) down(areas []int) {
	heights := make([]int, d.rows)
	for _, n := range d.nodes {
		heights[n.row] = max(heights[n.row], n.h)
	}
	d.eachPort(false, func(p *line) {
		heights[p.cell] = max(heights[p.cell], 2*(max(p.slot, -p.slot)*portY+portRoom-3))
	})
	rowRoom := slices.Clone(heights)
	for _, lb := range d.labels {
		if lb.spot == besideRow {
			lines := max(len(lb.over), len(lb.under))
			rowRoom[lb.line.cell] = max(rowRoom[lb.line.cell], 2*(max(lb.line.slot, -lb.line.slot)*portY+lines*labelLine+8))
		}
	}
	tracks := make([][]int, d.rows+1)
	for k := range tracks {
		tracks[k] = make([]int, d.hTracks[k])
		for t := range tracks[k] {
			tracks[k][t] = trackStep
		}
	}
	for _, lb := range d.labels {
		if lb.spot == onTrack {
			t := &tracks[lb.channel][lb.line.slot]
			*t = max(*t, lb.h+8)
		}
	}
	y := edge
	offsets := make([][]int, d.rows+1) // y of each track
	var ends [3]struct{ top, bottom int }
	open := -1
	for k := range d.rows + 1 {
		change := k == 0 || k == d.rows || d.bands[k] != d.bands[k-1]
		if k == 0 {
			ends[d.bands[0]].top = y
			open = d.bands[0]
		}
		need := 0
		for _, h := range tracks[k] {
			need += h
		}
		pad := 11
		area := areas[k]
		switch {
		case k == 0 || k == d.rows:
			pad = 9
		case change:
			pad = 16
			area = max(area, 14)
			if areas[k] > 0 {
				pad = 24
			}
		case area > 0:
			pad = 14
		}
		if least := 32; !change && need+area+2*pad < least {
			area = least - need - 2*pad
		}
		y += pad
		put := func(from, to int) {
			for t := from; t < to; t++ {
				y += tracks[k][t]
				offsets[k] = append(offsets[k], y-6)
			}
		}
		put(0, d.hSplit[k])
		for _, lb := range d.labels {
			if lb.spot == onVertical && lb.channel == k {
				lb.y += y
			}
		}
		middle := y + area/2
		if d.cardRow[k] > 0 {
			middle = y + d.cardRow[k]/2
		}
		d.middles = append(d.middles, middle)
		if change && k > 0 && k < d.rows {
			ends[open].bottom = middle - laneGap/2
			open = d.bands[k]
			ends[open].top = middle + laneGap/2
		}
		y += area
		put(d.hSplit[k], d.hTracks[k])
		y += pad
		if k == d.rows {
			ends[open].bottom = y
			break
		}
		for _, n := range d.nodes {
			if n.row == k {
				n.h = heights[k]
				n.y = y + (rowRoom[k]-n.h)/2
			}
		}
		d.eachPort(false, func(p *line) {
			if p.cell == k {
				p.pixel = y + rowRoom[k]/2 + p.slot*portY
			}
		})
		y += rowRoom[k]
	}
	d.eachLine(func(p *line) {
		if p.track && !p.vertical {
			p.pixel = offsets[p.cell][p.slot]
		}
	})
	for _, lb := range d.labels {
		if lb.spot == besideRow {
			d.setBeside(lb)
		}
	}
	for b := range d.grounds {
		if ends[b].bottom > 0 {
			d.grounds[b] = rect{x: edge, y: ends[b].top, h: ends[b].bottom - ends[b].top}
		}
	}
	d.height = y + edge
}

// setBeside sets a label at its line: above it, and what is under it below. Where
// another line is in the way it is all above, or all below, or above them all.
func (d *picture) setBeside(lb *label) {
	up, down := lb.line.pixel, lb.line.pixel
	d.eachPort(false, func(p *line) {
		if p.cell == lb.line.cell && p.net != lb.link.net && p.lo <= 16*lb.channel && 16*lb.channel <= p.hi {
			up, down = min(up, p.pixel), max(down, p.pixel)
		}
	})
	over, under := len(lb.over)*labelLine, len(lb.under)*labelLine
	switch at := lb.line.pixel; {
	case up == at && down == at:
		lb.y, lb.split = at-over-6, at+6
		lb.h = over + under + 12
	case up < at && down == at:
		lb.y, lb.split = at+2, at+2+over
		lb.h = over + under + 4
	default:
		lb.y, lb.split = up-over-under-4, up-under-4
		lb.h = over + under + 2
	}
}

// cornerPaths turns lines into points.
func (d *picture) cornerPaths() {
	for _, l := range d.links {
		if len(l.path) == 0 {
			continue
		}
		at := func(a, b *line) point {
			if a.vertical {
				return point{a.pixel, b.pixel}
			}
			return point{b.pixel, a.pixel}
		}
		face := func(p *line, n *node, after bool) point {
			// after: the side of the box that the line reaches when it goes on to larger numbers
			switch {
			case p.vertical && after:
				return point{p.pixel, n.y + n.h}
			case p.vertical:
				return point{p.pixel, n.y}
			case after:
				return point{n.x + n.w, p.pixel}
			}
			return point{n.x, p.pixel}
		}
		first, last := l.path[0], l.path[len(l.path)-1]
		if l.from == AnyStage {
			l.corners = []point{{first.pixel, d.middles[d.origin(l.to)]}}
		} else {
			l.corners = []point{face(first, d.nodes[l.from], first.end > first.begin)}
		}
		for i := 1; i < len(l.path); i++ {
			l.corners = append(l.corners, at(l.path[i-1], l.path[i]))
		}
		l.corners = append(l.corners, face(last, d.nodes[l.to], last.end < last.begin))
	}
}

// setTrackLabels places labels above horizontal tracks, as near to the middle as
// crossing lines and other labels allow.
func (d *picture) setTrackLabels() {
	var placed []rect
	for _, lb := range d.labels {
		if lb.spot != onTrack {
			continue
		}
		from, to := 0, 0
		for i, p := range lb.link.path {
			if p == lb.line {
				from, to = lb.link.corners[i].x, lb.link.corners[i+1].x
			}
		}
		if from > to {
			from, to = to, from
		}
		lb.y = lb.line.pixel - lb.h - 2
		if lb.card {
			lb.y = lb.line.pixel - lb.h/2
		}
		x := (from+to)/2 - lb.w/2
		free := func(x int) bool {
			r := rect{x, lb.y, lb.w, lb.h}
			if x < edge+4 {
				return false
			}
			for _, p := range placed {
				if p.overlaps(r) {
					return false
				}
			}
			for _, l := range d.links {
				for i := 1; i < len(l.corners); i++ {
					if l == lb.link && l.path[i-1] == lb.line {
						continue
					}
					if segment(l.corners[i-1], l.corners[i], 2).overlaps(r) {
						return false
					}
				}
			}
			return true
		}
		for off := 0; off <= (to-from)/2; off += 6 {
			if free(x - off) {
				x -= off
				break
			}
			if free(x + off) {
				x += off
				break
			}
		}
		for slices.ContainsFunc(placed, rect{x, lb.y, lb.w, lb.h}.overlaps) {
			x += 6 // nothing is free: at least no two labels on each other
		}
		lb.x = max(x, edge+4)
		placed = append(placed, lb.rect)
	}
}

// segment is the ground a line covers.
func segment(a, b point, wide int) rect {
	x, y := min(a.x, b.x)-wide, min(a.y, b.y)-wide
	return rect{x, y, max(a.x, b.x) + wide - x, max(a.y, b.y) + wide - y}
}

// finish sets the size of the picture, and its legend.
func (d *picture) finish() {
	for _, lb := range d.labels {
		d.width = max(d.width, lb.x+lb.w+edge+6)
	}
	d.dropLabels()
	used := [5]bool{}
	for _, l := range d.links {
		used[l.manner] = used[l.manner] || len(l.path) > 0
	}
	words := [5]string{"by itself", "by a person", "by itself or by a person", "hand-off: offered, then accepted", "handed back by sales"}
	x, y := edge+12, d.height+2
	for m, s := range words {
		if !used[m] {
			continue
		}
		w := 44 + textWidth(s, smallSize, false) + 26
		if x > edge+12 && x+w > d.width {
			x, y = edge+12, y+20
		}
		d.width = max(d.width, x+w)
		d.keys = append(d.keys, key{rect{x, y, w, 18}, manner(m), s})
		x += w
	}
	if len(d.keys) > 0 {
		d.height = y + 18 + edge
	}
	for b := range d.grounds {
		d.grounds[b].w = d.width - 2*edge
	}
}

// dropLabels takes away what would be set on a box or on another label, should the
// layout ever come to that: an arrow without words is better than words on words.
// The sentence of the arrow still says it.
func (d *picture) dropLabels() {
	kept := d.labels[:0]
	for _, lb := range d.labels {
		free := true
		for _, n := range d.nodes {
			free = free && !lb.overlaps(rect{n.x, n.y, n.w, n.h})
		}
		for _, o := range kept {
			free = free && !lb.overlaps(o.rect)
		}
		if !free {
			d.dropped++
			continue
		}
		kept = append(kept, lb)
	}
	d.labels = kept
}
