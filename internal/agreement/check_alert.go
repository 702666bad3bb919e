package agreement

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"baton/internal/calendar"
)

// Limits of a digest that comes at even distances.
const (
	digestLeast = 5 * 60 * 1_000_000
	digestMost  = 24 * 60 * 60 * 1_000_000
)

var (
	quietWords  = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})$`)
	digestDaily = regexp.MustCompile(`^daily at ([0-9]{1,2}):([0-9]{2})$`)
)

func (c *compiler) referAlerts() {
	declareEach(c, "alerts", &c.plan.Alerts, func(a *Alert, clause Clause, name string, n *node) {
		*a = Alert{Clause: clause, Name: name, On: word(n, "event")}
		a.When = c.condition(field(n, "when"), ScopeLead, clause.Address)
		for _, item := range list(n.get("activity")) {
			if slot := c.slot(item, clause.Address, "activity", c.plan.Index.Activity, "declare it under activities"); slot >= 0 && !slices.Contains(a.Activities, slot) {
				a.Activities = append(a.Activities, slot)
			}
		}
		switch at := n.get("activity"); {
		case a.On == ActivityEvent && at == nil && n.kind == mapping:
			c.find(codeRequired, n.name, clause.Address, "this alert does not say which activity it is about", "say which: activity: NAME, or a list of names")
		case a.On != ActivityEvent && a.On != "" && at != nil:
			c.warn(codeNoEffect, at.name, clause.Address, fmt.Sprintf("an alert about %s has no activity", quote(a.On)), "write event: activity to be told of what a lead does, or take the activity out")
		}
		for _, to := range list(n.get("to")) {
			switch to.value {
			case "owner", "manager", "marketing", "sales":
				a.To = append(a.To, to.value)
			default:
				if !strings.Contains(to.value, "@") {
					c.find(codeWord, to, clause.Address, fmt.Sprintf("nobody is called %s", quote(to.value)), "write owner, manager, marketing, sales, or an e-mail address")
				} else if id := c.email(to, clause.Address); id != "" {
					a.To = append(a.To, id)
				}
			}
		}
		for _, by := range list(n.get("by")) {
			a.By = append(a.By, by.value)
		}
		a.Quiet = c.quiet(field(n, "quiet"), clause.Address)
		a.Digest = c.digest(field(n, "digest"), clause.Address)
		if at := field(n, "at_most"); at != nil {
			a.AtMost, a.Per = c.cap(at, clause.Address)
		}
		if len(a.By) > 0 && !slices.ContainsFunc(a.By, Messages) {
			for _, name := range []string{"quiet", "digest", "at_most"} {
				if at := n.get(name); at != nil {
					c.warn(codeNoEffect, at.name, clause.Address, fmt.Sprintf("%s changes nothing for %s", name, strings.Join(a.By, " and ")),
						"it is for email, slack and teams: the inbox has everything at once, each thing as one line, and webhooks are told everything")
				}
			}
		}
	})
}

// Messages reports whether a way interrupts people, so that quiet hours, digests and caps are for it.
func Messages(way string) bool { return way != "inbox" && way != "webhook" }

// minutes reads a time of day.
func minutes(hour, minute string, midnight bool) (int, bool) {
	h, _ := strconv.Atoi(hour) // digits
	m, _ := strconv.Atoi(minute)
	return h*60 + m, m < 60 && (h < 24 || midnight && h == 24 && m == 0)
}

// quiet reads when an alert waits.
func (c *compiler) quiet(n *node, address string) (q Quiet) {
	if n == nil {
		return q
	}
	switch text := strings.Join(strings.Fields(n.value), " "); text {
	case "none":
		return Quiet{Kind: QuietNever}
	case "outside working hours":
		return Quiet{Kind: QuietOutside}
	default:
		words := quietWords.FindStringSubmatch(text)
		if words != nil {
			from, ok := minutes(words[1], words[2], false)
			to, right := minutes(words[3], words[4], true)
			if ok && right && from != to%(24*60) {
				return Quiet{Kind: QuietSpan, From: from, To: to % (24 * 60)}
			}
		}
		c.find(codeQuiet, n, address, fmt.Sprintf("%s is not quiet hours", quote(n.value)), "write hours such as \"18:00-08:00\", outside working hours, or none")
		return q
	}
}

// digest reads when what an alert says is gathered.
func (c *compiler) digest(n *node, address string) (d Digest) {
	if n == nil {
		return d
	}
	text := strings.Join(strings.Fields(n.value), " ")
	if words := digestDaily.FindStringSubmatch(text); words != nil {
		if at, ok := minutes(words[1], words[2], false); ok {
			return Digest{Daily: true, At: at}
		}
	} else if every, ok := strings.CutPrefix(text, "every "); ok {
		length, err := calendar.ParseDuration(every)
		if err == nil && length.Unit == calendar.Wall && length.Amount >= digestLeast && length.Amount <= digestMost {
			return Digest{Every: length.Amount}
		}
	}
	c.find(codeDigest, n, address, fmt.Sprintf("%s is not a digest", quote(n.value)), "write daily at 08:30, or every 1h: from every 5min to every 24h")
	return d
}
