package document

import (
	"cmp"
	"slices"

	"baton/internal/agreement"
)

// arc is a step forward between two stages of the lanes. A hand-off across the
// lane line has length 0: the stage that takes over stands under the one that offers.
type arc struct{ from, to, length int }

// place gives every stage a cell: its column is the longest way to it, its row
// the lane's main row if it lies on the main way through the funnel.
func (d *picture) place() {
	arcs := d.forward()
	order := d.order(arcs)
	d.columns(arcs, order)
	d.mainWay(arcs, order)
	d.lanes(arcs)
	d.ends()
	d.fillCells()
}

// forward returns the links between lane stages without those that close a
// circle, found depth first from the stage where a lead starts. Nothing counts as
// forward that leads back to that stage.
func (d *picture) forward() []arc {
	out := make([][]arc, len(d.nodes))
	for _, l := range d.links {
		if l.from == AnyStage || l.to == 0 || d.nodes[l.from].band == 2 || d.nodes[l.to].band == 2 {
			continue
		}
		length := 1
		if l.manner == handOff && d.nodes[l.from].band != d.nodes[l.to].band {
			length = 0
		}
		out[l.from] = append(out[l.from], arc{l.from, l.to, length})
	}
	var arcs []arc
	const unseen, open, done = 0, 1, 2
	state := make([]int, len(d.nodes))
	var visit func(int)
	visit = func(n int) {
		state[n] = open
		for _, a := range out[n] {
			if state[a.to] == open {
				continue
			}
			arcs = append(arcs, a)
			if state[a.to] == unseen {
				visit(a.to)
			}
		}
		state[n] = done
	}
	for n := range d.nodes {
		if state[n] == unseen {
			visit(n)
		}
	}
	return arcs
}

// order sorts the lane stages so that every arc goes forward.
func (d *picture) order(arcs []arc) []int {
	before := make([]int, len(d.nodes))
	for _, a := range arcs {
		before[a.to]++
	}
	var order []int
	for n := range d.nodes {
		if before[n] == 0 {
			order = append(order, n)
		}
	}
	for i := 0; i < len(order); i++ {
		for _, a := range arcs {
			if a.from == order[i] {
				if before[a.to]--; before[a.to] == 0 {
					order = append(order, a.to)
				}
			}
		}
	}
	return order
}

func (d *picture) columns(arcs []arc, order []int) {
	for _, n := range order {
		for _, a := range arcs {
			if a.from == n {
				d.nodes[a.to].col = max(d.nodes[a.to].col, d.nodes[n].col+a.length)
			}
		}
	}
	// A stage nothing leads forward to stands just before what it leads to.
	entered, left := make([]bool, len(d.nodes)), make([]bool, len(d.nodes))
	last := 0
	for _, a := range arcs {
		entered[a.to], left[a.from] = true, true
		last = max(last, d.nodes[a.to].col)
	}
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		if n == 0 || entered[n] || d.nodes[n].band == 2 {
			continue
		}
		if !left[n] && d.plan.Stages[n].Final == agreement.Won {
			d.nodes[n].col = last + 1
		}
		near := -1
		for _, a := range arcs {
			if a.from == n && (near < 0 || d.nodes[a.to].col-a.length < near) {
				near = d.nodes[a.to].col - a.length
			}
		}
		if near > 0 {
			d.nodes[n].col = near
		}
	}
}

// mainWay marks the stages of the longest way from the start, one that is won
// before any other.
func (d *picture) mainWay(arcs []arc, order []int) {
	const win = 1000
	far, next := make([]int, len(d.nodes)), make([]int, len(d.nodes))
	for i := range next {
		next[i] = -1
		if d.plan.Stages[i].Final == agreement.Won {
			far[i] = win
		}
	}
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		for _, a := range arcs {
			if a.from == n && far[a.to]+1 > far[n] {
				far[n], next[n] = far[a.to]+1, a.to
			}
		}
	}
	d.next = next
	for n := 0; n >= 0 && len(d.nodes) > 0; n = next[n] {
		d.nodes[n].main = true
	}
}

// lanes gives rows to the stages of marketing and sales. Row 0 of a lane is the
// main row; others stand below it, or above it where a hand-off goes down.
func (d *picture) lanes(arcs []arc) {
	for _, n := range d.nodes {
		d.cols = max(d.cols, n.col+1)
	}
	row := 0
	for band := range 2 {
		offered := make([]bool, d.cols)
		for _, l := range d.links {
			if l.manner == handOff && d.nodes[l.from].band == 0 && d.nodes[l.to].band == 1 && d.nodes[l.from].main {
				offered[d.nodes[l.from].col] = true
			}
		}
		used := map[[2]int]bool{} // column, row
		var rest []*node
		low, high := 0, -1
		put := func(n *node, r int) {
			n.row, used[[2]int{n.col, r}] = r, true
			low, high = min(low, r), max(high, r)
		}
		for _, n := range d.nodes {
			switch {
			case n.band != band:
			case n.main && !used[[2]int{n.col, 0}]:
				put(n, 0)
			default:
				rest = append(rest, n)
			}
		}
		// Fewest crossings by medians: a stage is tried in the order of its neighbours' rows.
		median := func(n *node) int {
			var rows []int
			for _, a := range arcs {
				if a.to == n.stage && d.nodes[a.from].band == band {
					rows = append(rows, d.nodes[a.from].row)
				}
				if a.from == n.stage && d.nodes[a.to].band == band {
					rows = append(rows, d.nodes[a.to].row)
				}
			}
			if len(rows) == 0 {
				return 0
			}
			slices.Sort(rows)
			return rows[len(rows)/2]
		}
		slices.SortStableFunc(rest, func(a, b *node) int { return cmp.Compare(a.col, b.col) })
		for i := 0; i < len(rest); {
			j := i
			for j < len(rest) && rest[j].col == rest[i].col {
				j++
			}
			same := rest[i:j]
			slices.SortStableFunc(same, func(a, b *node) int { return cmp.Compare(median(a), median(b)) })
			for _, n := range same {
				r, step := 0, 1
				if band == 0 && offered[n.col] {
					step = -1
				}
				for used[[2]int{n.col, r}] {
					r += step
				}
				put(n, r)
			}
			i = j
		}
		for _, n := range d.nodes {
			if n.band == band {
				n.row += row - low
			}
		}
		for range high - low + 1 {
			d.bands = append(d.bands, band)
			row++
		}
	}
	d.rows = row
}

// ends puts what ends a pass without a win under the stages it is reached from.
func (d *picture) ends() {
	d.cols = max(d.cols, 1)
	type want struct {
		n   *node
		col int
	}
	var wants []want
	first := 0 // where sales begins
	for _, n := range d.nodes {
		if n.band == 1 && n.main {
			first = n.col
			break
		}
	}
	for _, n := range d.nodes {
		if n.band != 2 {
			continue
		}
		var cols []int
		for _, l := range d.links {
			if l.to == n.stage && l.from != AnyStage && d.nodes[l.from].band != 2 {
				cols = append(cols, d.nodes[l.from].col)
			}
		}
		w := want{n, first}
		if len(cols) > 0 {
			slices.Sort(cols)
			w.col = cols[len(cols)/2]
		}
		wants = append(wants, w)
	}
	if len(wants) == 0 {
		return
	}
	slices.SortStableFunc(wants, func(a, b want) int { return cmp.Compare(a.col, b.col) })
	used := map[[2]int]bool{}
	deepest := 0
	for _, w := range wants {
		r, c := 0, w.col
		for off := 0; used[[2]int{c, r}]; {
			// right, left, further right, ..., then the next row
			off++
			step := (off + 1) / 2
			if off%2 == 0 {
				step = -step
			}
			c = w.col + step
			if off > 2*d.cols {
				off, c, r = 0, w.col, r+1
			}
			if c < 0 || c >= d.cols {
				c = w.col
			}
		}
		used[[2]int{c, r}] = true
		w.n.col, w.n.row = c, d.rows+r
		deepest = max(deepest, r)
	}
	for range deepest + 1 {
		d.bands = append(d.bands, 2)
	}
	d.rows += deepest + 1
}

func (d *picture) fillCells() {
	d.cell = make([][]int, d.rows)
	for r := range d.cell {
		d.cell[r] = make([]int, d.cols)
		for c := range d.cell[r] {
			d.cell[r][c] = -1
		}
	}
	for _, n := range d.nodes {
		d.cell[n.row][n.col] = n.stage
	}
}
