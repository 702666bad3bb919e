package engine

import "baton/internal/agreement"

// dues is when leads are due, for History: all of them, in memory, the earliest first and
// those of one instant by their IDs.
type dues struct {
	at   map[int64]int64 // lead -> instant
	heap []due           // holds old instants too; at tells which count
}

type due struct{ at, lead int64 }

func (d due) before(o due) bool { return d.at < o.at || d.at == o.at && d.lead < o.lead }

// set says when a lead is due; agreement.Never for not at all.
func (d *dues) set(lead, at int64) {
	have, ok := d.at[lead]
	if ok && have == at {
		return
	}
	if at == agreement.Never {
		delete(d.at, lead)
		return
	}
	d.at[lead] = at
	d.push(due{at, lead})
}

// earlier makes leads that are not in memory due at an instant, unless they are before.
func (d *dues) earlier(leads []int64, at int64, inMemory map[int64]*entry) {
	for _, lead := range leads {
		if have, ok := d.at[lead]; inMemory[lead] == nil && (!ok || have > at) {
			d.set(lead, at)
		}
	}
}

// next returns the earliest, false for none. It stays until it is set anew.
func (d *dues) next() (due, bool) {
	for len(d.heap) > 0 {
		if top := d.heap[0]; d.valid(top) {
			return top, true
		}
		d.pop()
	}
	return due{}, false
}

func (d *dues) valid(x due) bool {
	at, ok := d.at[x.lead]
	return ok && at == x.at
}

// until lists the leads due at or before an instant, in no order, at most so many.
func (d *dues) until(at int64, most int) []int64 {
	var list []int64
	var walk func(i int)
	walk = func(i int) {
		if i >= len(d.heap) || d.heap[i].at > at || len(list) >= most {
			return
		}
		if d.valid(d.heap[i]) {
			list = append(list, d.heap[i].lead)
		}
		walk(2*i + 1)
		walk(2*i + 2)
	}
	walk(0)
	return list
}

func (d *dues) push(x due) {
	d.heap = append(d.heap, x)
	i := len(d.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !d.heap[i].before(d.heap[up]) {
			return
		}
		d.heap[i], d.heap[up] = d.heap[up], d.heap[i]
		i = up
	}
}

func (d *dues) pop() {
	last := len(d.heap) - 1
	d.heap[0] = d.heap[last]
	d.heap = d.heap[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return
		}
		if down+1 < last && d.heap[down+1].before(d.heap[down]) {
			down++
		}
		if !d.heap[down].before(d.heap[i]) {
			return
		}
		d.heap[i], d.heap[down] = d.heap[down], d.heap[i]
		i = down
	}
}
