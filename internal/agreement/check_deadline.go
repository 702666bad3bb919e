package agreement

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"baton/internal/calendar"
)

var reminderWords = regexp.MustCompile(`^(owner|manager) (.+) before$`)

// reminders reads who is told before a deadline, of which there are those given.
func (c *compiler) reminders(n *node, address string, deadlines ...calendar.Duration) []Reminder {
	at := n.get("remind")
	if at == nil {
		return nil
	}
	deadlines = slices.DeleteFunc(deadlines, calendar.Duration.IsZero)
	if len(deadlines) == 0 {
		c.find(codeRequired, at.name, address, "reminders, but no deadline to be reminded of", "add the deadline, or take remind out")
		return nil
	}
	var list []Reminder
	for _, item := range at.items {
		if item.kind != scalar || item.bad {
			continue
		}
		text := strings.Join(strings.Fields(item.value), " ")
		words := reminderWords.FindStringSubmatch(text)
		if words == nil {
			c.find(codeReminder, item, address, fmt.Sprintf("%s is not a reminder", quote(text)), "say whom and how long before: owner 1 working hour before, manager 30 minutes before")
			continue
		}
		before, ok := c.duration(&node{kind: scalar, start: item.start, end: item.end, value: words[2]}, address, true)
		if !ok {
			continue
		}
		if !slices.ContainsFunc(deadlines, func(d calendar.Duration) bool { return d.Unit != before.Unit || before.Amount < d.Amount }) {
			c.find(codeReminder, item, address, fmt.Sprintf("this reminder never comes: there are only %s", deadlines[0]), "let it come later, or give more time")
			continue
		}
		r := Reminder{Target: words[1], Before: before}
		r.Clause = c.declareClause(address+".remind."+strconv.Itoa(len(list)+1), item)
		list = append(list, r)
	}
	return list
}

// deadlineHours reads the working hours in which the deadlines of an element run, whosever the lead is.
func (c *compiler) deadlineHours(n *node, address string, deadlines ...string) {
	if n.get("hours") == nil {
		return
	}
	cal := c.ownHours(n, address, c.shared)
	if cal == nil {
		return
	}
	if c.plan.Index.Hours == nil {
		c.plan.Index.Hours = map[string]*calendar.Calendar{}
	}
	for _, d := range deadlines {
		c.plan.Index.Hours[d] = cal
	}
}

// poolHours reads the working hours of teams.
func (c *compiler) poolHours() {
	for _, e := range entriesOf(c.at("pools")) {
		slot, ok := c.plan.Index.Pool[e.key.value]
		if !ok || e.value.kind != mapping {
			continue
		}
		if cal := c.ownHours(e.value, c.plan.Pools[slot].Address, c.shared); cal != nil {
			if c.plan.Index.PoolHours == nil {
				c.plan.Index.PoolHours = make([]*calendar.Calendar, len(c.plan.Pools))
			}
			c.plan.Index.PoolHours[slot] = cal
		}
	}
}
