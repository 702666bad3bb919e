package document

import (
	"cmp"
	"slices"
)

// Arrows run on lines: along a row or a column of cells, where they leave and
// reach boxes (ports), and along the channels between rows and columns (tracks). A
// path is a list of lines, in turn horizontal and vertical, that meet in corners.
//
// Until pixels are known, places are counted in a coarse measure: the middle of
// column or row i is 16i+8, and channel i, before it, is 16i.
type line struct {
	vertical    bool
	track       bool
	cell        int // the column (vertical) or row it runs in, or the number of its channel
	straight    bool
	begin, end  int // coarse, along the line, in the direction of the arrow
	lo, hi      int // coarse reach, with a little more where it turns within a channel
	net         int
	slot        int // port: half steps from the middle; track: number from the top or left
	lean, reach int // port: which way (-1, 0, 1) and how far its path goes on
	pixel       int // x of a vertical line, y of a horizontal one
}

// pos is where the line lies, coarse.
func (l *line) pos() int {
	if l.track {
		return 16 * l.cell
	}
	return 16*l.cell + 8
}

func portLine(vertical bool, cell int) *line { return &line{vertical: vertical, cell: cell} }
func trackLine(vertical bool, channel int) *line {
	return &line{vertical: vertical, track: true, cell: channel}
}

// route finds a path for every link: the cheapest by bends, length and
// crossings, one link after the other.
func (d *picture) route() {
	for _, first := range []bool{true, false} { // the main way has the first choice
		for _, l := range d.links {
			main := l.from != AnyStage && d.nodes[l.from].main && d.nodes[l.to].main &&
				(l.manner == handOff || d.nodes[l.to].col == d.nodes[l.from].col+1)
			if main != first {
				continue
			}
			best := -1
			for _, path := range d.candidates(l) {
				if cost, ok := d.cost(l, path); ok && (best < 0 || cost < best) {
					best, l.path = cost, path
				}
			}
			for _, part := range l.path {
				if part.straight {
					d.straights = append(d.straights, part)
				}
			}
		}
	}
	d.setPorts()
	d.setTracks(false)
	d.setTracks(true)
}

// origin is the channel at whose lane edge a hand-back begins: of the sales lane,
// above or below it; of another lane where there is none.
func (d *picture) origin(to int) int {
	top, bottom := -1, -1
	for r, b := range d.bands {
		if b == 1 {
			if top < 0 {
				top = r
			}
			bottom = r + 1
		}
	}
	switch {
	case top < 0:
		return d.nodes[to].row + 1
	case d.nodes[to].row < bottom:
		return top
	}
	return bottom
}

func (d *picture) candidates(l *link) [][]*line {
	var paths [][]*line
	t := d.nodes[l.to]
	add := func(c0, r0 int, path ...*line) {
		for i, p := range path {
			p.net = l.net
			from, to := 16*c0+8, 16*t.col+8
			if p.vertical {
				from, to = 16*r0+8, 16*t.row+8
				if l.from == AnyStage {
					from = 16 * r0
				}
			}
			p.begin, p.end = from, to
			lowExtra, highExtra := 0, 0
			if i > 0 {
				p.begin = path[i-1].pos()
			}
			if i < len(path)-1 {
				p.end = path[i+1].pos()
			}
			p.lo, p.hi = min(p.begin, p.end), max(p.begin, p.end)
			extra := func(at int) {
				if at == p.lo {
					lowExtra = 1
				} else {
					highExtra = 1
				}
			}
			if i > 0 && (path[i-1].track || p.track) {
				extra(p.begin)
			}
			if i < len(path)-1 && (path[i+1].track || p.track) {
				extra(p.end)
			}
			p.lo, p.hi = p.lo-lowExtra, p.hi+highExtra
		}
		for i, p := range path {
			if p.track {
				continue
			}
			on := 0
			switch {
			case len(path) == 1:
			case i == 0:
				on = path[1].end
				p.lean = cmp.Compare(on, p.pos())
			default:
				on = path[i-1].begin
				p.lean = cmp.Compare(on, p.pos())
			}
			if p.lean != 0 {
				p.reach = max(on-p.pos(), p.pos()-on)
			}
			p.straight = len(path) == 1
		}
		paths = append(paths, path)
	}
	if l.from == AnyStage {
		o := d.origin(l.to)
		add(t.col, o, portLine(true, t.col))
		for _, v := range []int{t.col, t.col + 1} {
			add(v, o, trackLine(true, v), portLine(false, t.row))
			for _, h := range []int{t.row, t.row + 1} {
				if h != o {
					add(v, o, trackLine(true, v), trackLine(false, h), portLine(true, t.col))
				}
			}
		}
		return paths
	}
	s := d.nodes[l.from]
	c, r := s.col, s.row
	if r == t.row {
		add(c, r, portLine(false, r))
	}
	if c == t.col {
		add(c, r, portLine(true, c))
	}
	if c != t.col && r != t.row {
		add(c, r, portLine(false, r), portLine(true, t.col))
		add(c, r, portLine(true, c), portLine(false, t.row))
	}
	if r != t.row {
		for v := range d.cols + 1 {
			add(c, r, portLine(false, r), trackLine(true, v), portLine(false, t.row))
		}
	}
	if c != t.col {
		for h := range d.rows + 1 {
			add(c, r, portLine(true, c), trackLine(false, h), portLine(true, t.col))
		}
	}
	for _, v := range []int{c, c + 1} {
		for _, h := range []int{t.row, t.row + 1} {
			add(c, r, portLine(false, r), trackLine(true, v), trackLine(false, h), portLine(true, t.col))
		}
	}
	for _, h := range []int{r, r + 1} {
		for _, v := range []int{t.col, t.col + 1} {
			add(c, r, portLine(true, c), trackLine(false, h), trackLine(true, v), portLine(false, t.row))
		}
	}
	for h := range d.rows + 1 {
		for _, v := range []int{c, c + 1} {
			for _, w := range []int{t.col, t.col + 1} {
				if v != w {
					add(c, r, portLine(false, r), trackLine(true, v), trackLine(false, h), trackLine(true, w), portLine(false, t.row))
				}
			}
		}
	}
	for v := range d.cols + 1 {
		for _, h := range []int{r, r + 1} {
			for _, k := range []int{t.row, t.row + 1} {
				if h != k {
					add(c, r, portLine(true, c), trackLine(false, h), trackLine(true, v), trackLine(false, k), portLine(true, t.col))
				}
			}
		}
	}
	return paths
}

// cost judges a path, and refuses one through a box or on top of another.
func (d *picture) cost(l *link, path []*line) (int, bool) {
	cost := 20 * (len(path) - 1)
	t := d.nodes[l.to]
	for i, p := range path {
		cost += (p.hi - p.lo) / 3
		if p.track {
			continue
		}
		for k := range max(d.rows, d.cols) {
			at := 16*k + 8
			if at < p.lo || at > p.hi {
				continue
			}
			c, r := k, p.cell
			if p.vertical {
				c, r = p.cell, k
			}
			if c >= d.cols || r >= d.rows || d.cell[r][c] < 0 {
				continue
			}
			own := i == 0 && d.cell[r][c] == l.from && at == p.begin || i == len(path)-1 && d.cell[r][c] == l.to && at == p.end
			if !own {
				return 0, false
			}
		}
		if p.straight {
			for _, q := range d.straights {
				if q.vertical == p.vertical && q.cell == p.cell && q.lo < p.hi && p.lo < q.hi {
					return 0, false
				}
			}
		}
	}
	// A lead comes into a box from the left or from above, and leaves it at the
	// right or below; going back it may do as it likes.
	if l.from != AnyStage {
		s := d.nodes[l.from]
		if first := path[0]; !first.vertical && first.end < first.begin && s.col < t.col {
			cost += 30
		} else if !first.vertical && first.end < first.begin && s.col == t.col && s.col > 0 {
			cost += 12
		}
		if last := path[len(path)-1]; s.col < t.col && !last.vertical && last.end < last.begin {
			cost += 30
		}
		if l.manner == handOff && len(path) > 3 {
			cost += 20
		}
	}
	for _, o := range d.links {
		shared := false
		for _, q := range o.path {
			for _, p := range path {
				switch {
				case o.net == l.net:
					shared = shared || p.track && q.track && p.vertical == q.vertical && p.cell == q.cell
				case p.vertical != q.vertical:
					if p.lo < q.pos() && q.pos() < p.hi && q.lo < p.pos() && p.pos() < q.hi {
						cost += 14
						if o.manner == handOff || l.manner == handOff {
							cost += 6
						}
					}
				case p.track == q.track && p.cell == q.cell && p.lo < q.hi && q.lo < p.hi:
					cost += 5
				}
			}
		}
		if shared {
			cost -= 15
		}
	}
	return cost, true
}

// setPorts gives the lines of each row and column that could lie on each other
// their distance from the middle: a straight one keeps the middle, those that turn
// low go below, the shortest outermost.
func (d *picture) setPorts() {
	type lane struct {
		vertical bool
		cell     int
	}
	groups := map[lane][]*line{}
	var keys []lane
	for _, l := range d.links {
		for _, p := range l.path {
			if !p.track {
				k := lane{p.vertical, p.cell}
				if groups[k] == nil {
					keys = append(keys, k)
				}
				groups[k] = append(groups[k], p)
			}
		}
	}
	for _, k := range keys {
		for _, cluster := range clusters(groups[k]) {
			d.setCluster(cluster)
		}
	}
}

// clusters splits lines into groups whose reaches overlap.
func clusters(lines []*line) [][]*line {
	slices.SortStableFunc(lines, func(a, b *line) int { return cmp.Compare(a.lo, b.lo) })
	var out [][]*line
	hi := 0
	for i, l := range lines {
		if i == 0 || l.lo >= hi {
			out, hi = append(out, nil), l.hi
		}
		hi = max(hi, l.hi)
		out[len(out)-1] = append(out[len(out)-1], l)
	}
	return out
}

func (d *picture) setCluster(lines []*line) {
	// One entry for each net: its lines share their place.
	type entry struct {
		lean, reach int
		straight    bool
		lines       []*line
	}
	var entries []*entry
	for _, l := range lines {
		i := slices.IndexFunc(entries, func(e *entry) bool { return e.lines[0].net == l.net })
		if i < 0 {
			i = len(entries)
			entries = append(entries, &entry{lean: l.lean, reach: l.reach})
		}
		e := entries[i]
		e.straight = e.straight || l.straight
		if l.reach > e.reach {
			e.lean, e.reach = l.lean, l.reach
		}
		e.lines = append(e.lines, l)
	}
	straight := false
	for _, e := range entries {
		if e.straight {
			e.lean, straight = 0, true
		}
	}
	slices.SortStableFunc(entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.lean, b.lean), cmp.Compare(a.reach*-a.lean, b.reach*-b.lean))
	})
	low := 0
	for _, e := range entries {
		if e.lean < 0 {
			low++
		}
	}
	middle := len(entries) - 1 // in half steps
	if straight {
		middle = 2 * low
	}
	slot := -middle
	for i, e := range entries {
		if i > 0 && !(e.straight && entries[i-1].straight) {
			slot += 2
		}
		for _, l := range e.lines {
			l.slot = slot
		}
	}
}

// setTracks numbers the tracks of the channels in one direction, so that lines
// that overlap have tracks of their own. Those that turn back the way they came
// lie nearest to their boxes, the shortest first.
func (d *picture) setTracks(vertical bool) {
	type run struct {
		lo, hi, net int
		from, to    int // which way the path goes at the ends: -1 or 1
		lines       []*line
	}
	channels := max(d.rows, d.cols) + 1
	runs := make([][]*run, channels)
	for _, l := range d.links {
		for i, p := range l.path {
			if !p.track || p.vertical != vertical {
				continue
			}
			r := &run{lo: p.lo, hi: p.hi, net: l.net, lines: []*line{p}, from: 1, to: 1}
			if i > 0 {
				r.from = cmp.Compare(l.path[i-1].begin, p.pos())
			}
			if i < len(l.path)-1 {
				r.to = cmp.Compare(l.path[i+1].end, p.pos())
			}
			if p.begin > p.end { // from is the low end
				r.from, r.to = r.to, r.from
			}
			merged := false
			for _, o := range runs[p.cell] {
				if o.net == r.net && o.lo <= r.hi && r.lo <= o.hi {
					o.lo, o.hi = min(o.lo, r.lo), max(o.hi, r.hi)
					if o.from != r.from || o.to != r.to {
						o.from, o.to = -1, 1
					}
					o.lines = append(o.lines, p)
					merged = true
					break
				}
			}
			if !merged {
				runs[p.cell] = append(runs[p.cell], r)
			}
		}
	}
	overlap := func(a, b *run) bool { return a.lo < b.hi && b.lo < a.hi }
	split, most := make([]int, channels), make([]int, channels)
	for k, list := range runs {
		var near, across, far []*run
		for _, r := range list {
			switch {
			case r.from < 0 && r.to < 0:
				near = append(near, r)
			case r.from > 0 && r.to > 0:
				far = append(far, r)
			default:
				across = append(across, r)
			}
		}
		short := func(a, b *run) int { return cmp.Compare(a.hi-a.lo, b.hi-b.lo) }
		slices.SortStableFunc(near, short)
		slices.SortStableFunc(far, short)
		slices.SortStableFunc(across, func(a, b *run) int {
			if a.from != b.from {
				return cmp.Compare(b.from, a.from)
			}
			return cmp.Compare(a.lo*a.from, b.lo*b.from)
		})
		number := func(list []*run) []int {
			tracks := make([]int, len(list))
			for i, r := range list {
				for j := range i {
					if overlap(r, list[j]) {
						tracks[i] = max(tracks[i], tracks[j]+1)
					}
				}
			}
			return tracks
		}
		height := func(tracks []int) int {
			h := 0
			for _, t := range tracks {
				h = max(h, t+1)
			}
			return h
		}
		a, b, c := number(near), number(across), number(far)
		base, all := height(a), height(a)+height(b)+height(c)
		split[k], most[k] = all-height(c), all
		set := func(r *run, t int) {
			for _, l := range r.lines {
				l.slot = t
			}
		}
		for i, r := range near {
			set(r, a[i])
		}
		for i, r := range across {
			set(r, base+b[i])
		}
		for i, r := range far {
			set(r, all-1-c[i])
		}
	}
	if vertical {
		d.vTracks = most
	} else {
		d.hTracks, d.hSplit = most, split
	}
}
