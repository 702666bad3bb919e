package engine

import "baton/internal/store"

// cache keeps leads in memory, the least recently used leave first. A lead used in the
// present or the last turn stays: it may hold what is not stored yet. So does one whose row is behind.
type cache struct {
	most      int
	leads     map[int64]*entry
	root      entry             // of a ring: root.next is the most recently used
	byAccount map[int64][]int64 // leads in memory
}

type entry struct {
	*store.Record
	used       int64
	locked     int64 // the turn in which it was locked last, in a shared database
	account    int64 // under which it is listed
	prev, next *entry
}

func (c *cache) init(most int) {
	*c = cache{most: most, leads: map[int64]*entry{}, byAccount: map[int64][]int64{}}
	c.root.prev, c.root.next = &c.root, &c.root
}

func (c *cache) get(id, turn int64) *entry {
	n := c.leads[id]
	if n != nil {
		n.used = turn
		n.prev.next, n.next.prev = n.next, n.prev
		c.front(n)
	}
	return n
}

func (c *cache) front(n *entry) {
	n.prev, n.next = &c.root, c.root.next
	n.prev.next, n.next.prev = n, n
}

func (c *cache) put(rec *store.Record, turn int64) *entry {
	n := &entry{Record: rec, used: turn, locked: turn}
	c.leads[rec.ID] = n
	c.front(n)
	c.list(n)
	return n
}

// list keeps byAccount right after a lead may have joined an account.
func (c *cache) list(n *entry) {
	now := int64(0)
	if n.Lead != nil {
		now = n.Lead.Account
	}
	if now == n.account {
		return
	}
	c.unlist(n)
	if n.account = now; now != 0 {
		c.byAccount[now] = append(c.byAccount[now], n.ID)
	}
}

func (c *cache) unlist(n *entry) {
	if n.account == 0 {
		return
	}
	list := c.byAccount[n.account]
	for i, id := range list {
		if id == n.ID {
			list[i] = list[len(list)-1]
			list = list[:len(list)-1]
			break
		}
	}
	if len(list) == 0 {
		delete(c.byAccount, n.account)
	} else {
		c.byAccount[n.account] = list
	}
	n.account = 0
}

func (c *cache) remove(n *entry) {
	c.unlist(n)
	n.prev.next, n.next.prev = n.next, n.prev
	delete(c.leads, n.ID)
}

func (c *cache) shrink(turn int64, evicted func(*store.Record)) {
	for len(c.leads) > c.most {
		n := c.root.prev
		if n == &c.root || n.used >= turn-1 || n.Late() {
			return
		}
		evicted(n.Record)
		c.remove(n)
	}
}

// adopt takes in a lead that was just created, or given back: then it may be here still as it was before another process
// merged it.
func (c *cache) adopt(n *entry) {
	if old := c.leads[n.ID]; old != nil {
		c.remove(old)
	}
	c.leads[n.ID] = n
	c.front(n)
}
