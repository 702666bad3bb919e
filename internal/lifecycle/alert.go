package lifecycle

import (
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
)

// Alert is one thing to tell one recipient by one way. Alerts go to the team and never to a lead: nothing
// here knows how to reach one.
type Alert struct {
	Kind   string `json:"-"`      // the event, as alerts of the agreement name it
	To     string `json:"-"`      // a member's ID, another e-mail address, "marketing", "sales", "queue NAME"; "" for all webhooks
	By     string `json:"-"`      // email, slack, teams, webhook, inbox
	Due    int64  `json:"-"`      // not before
	Wait   string `json:"-"`      // for what it waits until then, "" for nothing
	Digest bool   `json:"-"`      // gathered with the others of its alert, recipient and way that are due
	Name   string `json:"name"`   // hand-off, clock or reason
	Clause string `json:"clause"` // of what was decided
	Alert  string `json:"alert"`  // the clause that says to tell; "" for what people are told without one
	Acts   bool   `json:"acts"`   // the recipient is the one who has to do something, or no longer has to
	Asked  string `json:"asked"`  // of a reminder: the member who asks for it by hand, "" for the agreement
	Note   string `json:"note"`   // and what they say to it
	Offer  int64  `json:"offer"`  // of what is offered: the hand-off's ID; 0 for none
	Most   int    `json:"most"`   // messages of the alert about the lead to the recipient this way within Per (microseconds); 0 for all
	Per    int64  `json:"per"`
}

// heard are the effects that the person they name hears of although no alert says so: who is given
// something to do, or has it taken away, must not have to look for it.
var heard = map[EffectKind]bool{TellOffer: true, TellTaken: true, TellRemind: true, TellEscalate: true}

// urgent are the events that do not wait for working hours: time has run out already.
var urgent = map[string]bool{"reminded": true, "breached": true, "escalated": true}

// happening is an event of a decision, with whom the words of alerts mean.
type happening struct {
	kind, name     string
	reason         int
	to             string // who hears of it in any case, "" for nobody
	owner, manager string
}

// Alerts returns whom to tell of a decision, in a defined order: the effects in theirs, then the deadlines that were
// missed, then the activities that counted; of each first the alerts of the agreement, then whoever hears of it in any case. view
// is after the decision.
func Alerts(plan *agreement.Plan, view *View, in *Input, d *Decision) []Alert {
	if !tells(plan, d) {
		return nil
	}
	var list []Alert
	var facts *agreement.Facts
	for _, h := range happenings(plan, view, in, d) {
		from := len(list)
		add := func(to, by string, alert *agreement.Alert) {
			a := Alert{Kind: h.kind, To: to, By: by, Name: h.name, Due: d.At, Acts: to == h.to && to != ""}
			if alert != nil {
				a.Alert = alert.Address
			}
			if to == "" && by != "webhook" || by == "inbox" && strings.HasPrefix(to, "queue ") || gone(view.Roster, to) {
				return // the page of a queue is its inbox
			}
			if h.kind == "offered" && view.Lead != nil && view.Lead.Handoff.Rule >= 0 {
				a.Offer = view.Lead.Handoff.ID
			}
			if in.Kind == Remind && h.kind == "reminded" {
				a.Asked, a.Note = in.Actor, in.Text
			}
			if h.reason > 0 {
				a.Clause = d.Reasons[h.reason-1].Clause
			}
			same := func(b Alert) bool {
				return b.To == a.To && b.By == a.By && (h.kind != agreement.ActivityEvent || b.Alert == a.Alert)
			}
			if slices.ContainsFunc(list[from:], same) {
				return
			}
			if agreement.Messages(by) {
				now := urgent[h.kind] && in.Kind != Remind // a deadline in working time can wait for the morning, too
				if m := view.Roster.Member(to); m != nil && !a.Acts && m.away(d.At) {
					now = false // somebody else sees to it meanwhile
				}
				a.Due, a.Wait = waits(plan, view.Roster, alert, to, now, d.At)
				if alert != nil {
					a.Digest, a.Most, a.Per = alert.Digest.Gathers(), alert.AtMost, alert.Per
				}
			}
			list = append(list, a)
		}
		said := false // whether an alert says how to tell who hears of it in any case
		for i := range plan.Alerts {
			alert := &plan.Alerts[i]
			if alert.On != h.kind || h.kind == agreement.ActivityEvent && !slices.Contains(alert.Activities, plan.Index.Activity[h.name]) {
				continue
			}
			if alert.When != nil {
				if view.Lead == nil {
					continue
				}
				if facts == nil {
					facts = FactsAt(plan, view, d.At)
				}
				if !alert.When.Holds(facts) {
					continue
				}
			}
			ways := alert.By
			if len(ways) == 0 {
				ways = []string{"email"}
			}
			for _, word := range alert.To {
				to := word
				switch word {
				case "owner":
					to = h.owner
				case "manager":
					to = h.manager
				}
				said = said || to == h.to && to != ""
				for _, by := range ways {
					switch {
					case by == "inbox":
						for _, member := range inboxes(plan, view.Roster, to) {
							add(member, by, alert)
						}
					case by != "webhook":
						add(to, by, alert)
					}
				}
			}
			if slices.Contains(ways, "webhook") {
				add("", "webhook", alert)
			}
		}
		if !said {
			add(h.to, "email", nil)
		}
		if in.Kind == Remind && h.kind == "reminded" {
			add(h.to, "inbox", nil) // at once, whatever the messages wait for
		}
	}
	return list
}

// tells reports whether a decision has anything in it that alerts can be about.
func tells(plan *agreement.Plan, d *Decision) bool {
	if len(d.Effects) > 0 {
		return true
	}
	activity := slices.ContainsFunc(plan.Alerts, func(a agreement.Alert) bool { return a.On == agreement.ActivityEvent })
	for i := range d.Changes {
		if k := d.Changes[i].Kind; k == ClockBreached || k == ActivityCounted && activity {
			return true
		}
	}
	return false
}

// inboxes returns whose inboxes are meant by whom an alert is to: of a side, those of its members, or of who signs for it
// if it has none.
func inboxes(plan *agreement.Plan, r *Roster, to string) []string {
	if to != "marketing" && to != "sales" {
		return []string{to}
	}
	var list []string
	for i := range r.Members {
		if m := &r.Members[i]; m.Side.String() == to && !m.Inactive {
			list = append(list, m.ID)
		}
	}
	for i := range plan.Parties {
		if p := &plan.Parties[i]; len(list) == 0 && p.Side.String() == to && p.Signatory != "" {
			list = append(list, p.Signatory)
		}
	}
	return list
}

// gone reports whether somebody has left the team.
func gone(r *Roster, to string) bool {
	m := r.Member(to)
	return m != nil && m.Inactive
}

// happenings names the events of a decision.
func happenings(plan *agreement.Plan, view *View, in *Input, d *Decision) []happening {
	now, before := "", "" // the owner after and before the decision
	if view.Lead != nil {
		now, before = view.Lead.Owner, view.Lead.Owner
	}
	for i := len(d.Changes) - 1; i >= 0; i-- {
		if d.Changes[i].Kind == OwnerSet {
			before = d.Changes[i].From
		}
	}
	managerOf := func(id string) string {
		if m := view.Roster.Member(id); m != nil {
			return m.Manager
		}
		return ""
	}
	var list []happening
	for i := range d.Effects {
		e := &d.Effects[i]
		h := happening{name: e.Name, reason: e.Reason, owner: before, manager: managerOf(before)}
		if heard[e.Kind] {
			h.to = e.To
		}
		switch e.Kind {
		case TellOffer:
			h.kind, h.owner, h.manager = "offered", e.To, managerOf(e.To)
		case TellTaken:
			h.kind, h.owner, h.manager = "reassigned", e.To, managerOf(e.To)
		case TellRemind:
			h.kind = "reminded"
		case TellEscalate:
			h.kind, h.manager = "escalated", e.To
		case TellAccepted:
			h.kind, h.owner, h.manager = "accepted", now, managerOf(now)
		case TellReturned:
			h.kind = "handed_back"
			if in.Kind == Reject {
				h.kind = "rejected"
			}
		case TellOutcome:
			h.kind = e.Name
		case TellPaused:
			h.kind = "paused"
		case TellResumed:
			h.kind = "resumed"
		}
		list = append(list, h)
	}
	for i := range d.Changes {
		if c := &d.Changes[i]; c.Kind == ClockBreached {
			list = append(list, happening{kind: "breached", name: c.Name, reason: c.Reason, owner: before, manager: managerOf(before)})
		}
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		if _, known := plan.Index.Activity[c.Name]; c.Kind == ActivityCounted && known {
			list = append(list, happening{kind: agreement.ActivityEvent, name: c.Name, reason: c.Reason, owner: now, manager: managerOf(now)})
		}
	}
	return list
}

// atWork returns when somebody is next at work: in their hours, and not away.
func atWork(plan *agreement.Plan, r *Roster, to string, at int64) int64 {
	hours := HoursOf(plan, r, to)
	at = hours.NextOpening(at)
	if m := r.Member(to); m != nil {
		for range m.Away {
			if !m.away(at) {
				break
			}
			at = hours.NextOpening(m.back(at))
		}
	}
	return at
}

// AppendJSON appends what of an alert is not in columns of its own.
func (a *Alert) AppendJSON(b []byte) []byte {
	b = appendString(append(b, `{"name":`...), a.Name)
	for _, f := range [...][2]string{{"clause", a.Clause}, {"alert", a.Alert}} {
		if f[1] != "" {
			b = append(append(append(b, `,"`...), f[0]...), `":`...)
			b = appendString(b, f[1])
		}
	}
	for _, f := range [...][2]string{{"asked", a.Asked}, {"note", a.Note}} {
		if f[1] != "" {
			b = append(append(append(b, `,"`...), f[0]...), `":`...)
			b = appendString(b, f[1])
		}
	}
	if a.Acts {
		b = append(b, `,"acts":true`...)
	}
	if a.Offer != 0 {
		b = strconv.AppendInt(append(b, `,"offer":`...), a.Offer, 10)
	}
	if a.Most > 0 {
		b = strconv.AppendInt(append(b, `,"most":`...), int64(a.Most), 10)
		b = strconv.AppendInt(append(b, `,"per":`...), a.Per, 10)
	}
	return append(b, '}')
}

// Moot says why an alert is not sent, given how the lead stands now; "" if it is. It is no longer true, or reminds somebody of a contact that
// they may not make. at is when it was decided. view.Lead is nil for a lead that is not there any more.
func Moot(plan *agreement.Plan, view *View, a *Alert, at, now int64) string {
	l := view.Lead
	if l == nil {
		return "the lead is not there any more: the import that brought it was undone, or it was merged into another one"
	}
	if gone(view.Roster, a.To) {
		return a.To + " has left the team"
	}
	h := &l.Handoff
	clock := func() bool {
		return slices.ContainsFunc(l.Clocks, func(k Clock) bool { return k.Name == a.Name })
	}
	switch a.Kind {
	case "offered":
		queue, queued := strings.CutPrefix(a.To, "queue ")
		switch {
		case h.State == HandoffAccepted && h.Accepted >= at:
			return "it was accepted meanwhile"
		case !a.Acts:
		case queued && (l.Queue < 0 || plan.Queues[l.Queue].Name != queue):
			return "it left the queue meanwhile"
		case !queued && l.Owner == "":
			return "it was taken back meanwhile"
		case !queued && l.Owner != a.To:
			return l.Owner + " has it meanwhile"
		}
	case "paused":
		if l.Marketing == "" {
			return "marketing may speak again meanwhile"
		}
	case "resumed":
		if l.Marketing != "" {
			return "marketing may not speak again meanwhile"
		}
	case "reassigned":
		if a.Acts && l.Owner == a.To {
			return "it is theirs again meanwhile"
		}
	case "reminded", "escalated":
		if h.State == HandoffAccepted && h.Accepted >= at && strings.HasSuffix(a.Name, ".accept_within") {
			return "it was accepted meanwhile"
		}
		if !clock() && a.Kind == "reminded" {
			return "the deadline was met, or is nobody's any more"
		}
		if queue, queued := strings.CutPrefix(a.To, "queue "); queued && (l.Queue < 0 || plan.Queues[l.Queue].Name != queue) {
			return "it left the queue meanwhile"
		}
		if l.Owner != "" && l.Owner != a.To && slices.Contains(h.Tried, a.To) { // they had it, and it went on from them
			if a.Kind == "escalated" || !view.Roster.Leads(a.To, l.Owner) {
				return l.Owner + " has it meanwhile"
			}
		}
		if a.Kind == "escalated" && strings.HasSuffix(a.Name, ".accept_within") && !l.Waits() {
			return "it is on offer no more"
		}
		if a.Kind == "escalated" && plan.Stages[l.Stage].Final != agreement.NotFinal {
			return "the lead is in stage " + plan.Stages[l.Stage].Name + " meanwhile"
		}
	}
	if (a.Kind == "reminded" || a.Kind == "escalated") && strings.HasSuffix(a.Name, ".contact_within") {
		if v := salesMay(plan, view, now); !v.Allowed {
			return "sales may not speak to them now: " + v.Text + " (" + v.Clause + ")"
		}
	}
	return ""
}

// salesMay answers whether sales, or whoever of it has the lead, may speak to it at all.
func salesMay(plan *agreement.Plan, view *View, at int64) Verdict {
	return May(plan, view, Speaker{Member: view.Lead.Owner, Side: agreement.Sales}, "", max(at, view.Lead.Clock))
}
