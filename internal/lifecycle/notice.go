package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
)

// Notice is what somebody of the team is told of a lead, in words: all of it plain text.
type Notice struct {
	Title      string
	Paragraphs []string
	Facts      []NoticeFact
	Footer     string
}

// NoticeFact is something known, with its name.
type NoticeFact struct{ Name, Value string }

// Tell writes a notice: who it is, why now, what was telling, who may speak, what happened before, by when, and what to
// do. It shows no more of a lead than the brief of the agreement allows. view is the lead as it stands at an instant,
// past its timeline, oldest first; plan is the one that the lead follows.
func Tell(plan *agreement.Plan, view *View, past []Decided, a *Alert, at int64) Notice {
	zone := plan.Calendar.Zone()
	if hours := HoursOf(plan, view.Roster, a.To); hours != nil {
		zone = hours.Zone()
	}
	t := &teller{explainer: explainer{plan: plan, view: view, lead: view.Lead, at: at, past: past, facts: FactsAt(plan, view, at), zone: zone}, alert: a}
	n := Notice{Title: t.title()}
	paragraphs := []string{t.todo(), t.asked(), t.why(), t.telling(), t.ask(), t.speech(), t.before()}
	over := a.Kind == "reassigned" && a.Acts // whoever has it no more needs to know no more
	if over {
		paragraphs = paragraphs[:1]
	}
	for _, p := range paragraphs {
		if p != "" {
			n.Paragraphs = append(n.Paragraphs, p)
		}
	}
	if view.Lead.Consent.Status != Objected && !over {
		n.Facts = t.known()
	}
	n.Footer = "Told because "
	switch {
	case a.Alert != "":
		n.Footer += a.Alert + " of " + plan.Name + " says so."
	case a.Clause != "":
		n.Footer += a.Clause + " of " + plan.Name + " concerns you."
	default:
		n.Footer += plan.Name + " says so."
	}
	return n
}

// Known lists what is known of a lead at an instant, as far as the brief of the agreement allows, in its order; nothing of a lead that
// objected.
func Known(plan *agreement.Plan, view *View, at int64) []NoticeFact {
	if view.Lead.Consent.Status == Objected {
		return nil
	}
	t := &teller{explainer: explainer{plan: plan, view: view, lead: view.Lead, at: at, facts: FactsAt(plan, view, at), zone: plan.Calendar.Zone()}}
	return t.known()
}

// Telling is one of the things that a digest gathers.
type Telling struct {
	Lead   int64
	Alert  Alert
	At     int64 // when it was decided
	Notice Notice
}

// Gather makes one notice of many, in their order: one line for each thing, and for what is the same of the same lead. What
// is alone stays as it is.
func Gather(plan *agreement.Plan, list []Telling) Notice {
	type line struct {
		Telling
		times int
	}
	var lines []line
	for _, t := range list {
		i := slices.IndexFunc(lines, func(l line) bool {
			return l.Lead == t.Lead && l.Alert.Kind == t.Alert.Kind && l.Alert.Name == t.Alert.Name
		})
		if i < 0 {
			lines = append(lines, line{t, 1})
			continue
		}
		lines[i] = line{t, lines[i].times + 1} // as it stands last
	}
	if len(lines) == 1 {
		n := lines[0].Notice
		if lines[0].times > 1 {
			n.Title += " (" + times(lines[0].times) + ")"
		}
		return n
	}
	n := Notice{Title: fmt.Sprintf("%d things to know: %s, and more", len(lines), lines[0].Notice.Title)}
	for _, l := range lines {
		text := l.Notice.Title
		if l.times > 1 {
			text += " (" + times(l.times) + ")"
		}
		if len(l.Notice.Paragraphs) > 0 && l.Alert.Acts {
			text += "\n" + l.Notice.Paragraphs[0] // what to do
		}
		n.Paragraphs = append(n.Paragraphs, text)
	}
	n.Footer = lines[0].Notice.Footer
	return n
}

// teller writes one notice.
type teller struct {
	explainer
	alert *Alert
}

// allowed reports whether the brief lets an attribute be shown.
func (t *teller) allowed(name string) bool {
	return len(t.plan.Brief.Show) == 0 || slices.Contains(t.plan.Brief.Show, name)
}

// value returns what is known of an attribute, in words; "" for nothing, and for what may not be shown.
func (t *teller) value(name string) string {
	slot, ok := t.plan.Index.Attribute[name]
	if !ok || !t.allowed(name) {
		return ""
	}
	values := t.lead.Attributes
	if t.plan.Attributes[slot].Company && t.view.Account != nil {
		values = t.view.Account.Attributes
	}
	if slot >= len(values) || !values[slot].Known() {
		return ""
	}
	return valueText(values[slot], t.zone)
}

// name is what to call the lead.
func (t *teller) name() string {
	name := t.value("name")
	if name == "" {
		name = strings.TrimSpace(t.value("first_name") + " " + t.value("last_name"))
	}
	if name == "" || t.lead.Consent.Status == Objected {
		name = fmt.Sprintf("lead %d", t.lead.ID)
	}
	return name
}

// who names the lead and its company.
func (t *teller) who() string {
	name := t.name()
	if company := t.value("company.name"); company != "" && t.lead.Consent.Status != Objected {
		name += " (" + company + ")"
	}
	return name
}

func (t *teller) person(id string) string {
	if m := t.view.Roster.Member(id); m != nil && m.Name != "" {
		return m.Name
	}
	return orNobody(id)
}

func (t *teller) title() string {
	a, who := t.alert, t.who()
	queue, queued := strings.CutPrefix(a.To, "queue ")
	switch a.Kind {
	case "offered":
		switch {
		case queued:
			return "A lead waits in " + queue + ": " + who
		case a.Acts:
			return "A lead for you: " + who
		}
		return "Offered to " + t.person(t.lead.Owner) + ": " + who
	case "accepted":
		return t.person(t.lead.Owner) + " has accepted " + who
	case "reminded":
		if a.Asked != "" {
			return t.person(a.Asked) + " reminds of " + who
		}
		return "Still waiting: " + who
	case "breached":
		return "Past a deadline: " + who
	case "reassigned":
		if t.lead.Owner != "" && t.lead.Owner != a.To {
			return who + " is with " + t.person(t.lead.Owner) + " now"
		}
		return who + " has moved on"
	case "escalated":
		if a.Acts {
			return "Please help with " + who
		}
		return "Escalated: " + who
	case "rejected", "handed_back":
		return "Back from sales: " + who
	case "walked_away":
		return "Left to others: " + who
	case "paused":
		return "Marketing pauses: " + who
	case "resumed":
		return "Marketing may write again: " + who
	case agreement.ActivityEvent:
		return who + ": " + words(a.Name)
	}
	return strings.ToUpper(a.Kind[:1]) + a.Kind[1:] + ": " + who
}

// deadline returns the next deadline of the lead, in words.
func (t *teller) deadline() (text string, k *Clock) {
	for i := range t.lead.Clocks {
		if c := &t.lead.Clocks[i]; c.State == Running && (k == nil || c.Due < k.Due) {
			k = c
		}
	}
	if k == nil {
		return "", nil
	}
	return time.UnixMicro(k.Due).In(t.zone).Format("Monday 2 January, 15:04 MST"), k
}

// todo says what to do, and by when.
func (t *teller) todo() string {
	a, h := t.alert, &t.lead.Handoff
	by, clock := t.deadline()
	until := ""
	if by != "" {
		until = " by " + by
	}
	queue := strings.HasPrefix(a.To, "queue ")
	pending := h.Rule >= 0 && (h.State == HandoffOpen || h.State == HandoffEscalated)
	switch a.Kind {
	case "offered", "reminded", "escalated":
		if !a.Acts {
			break
		}
		instead := ""
		if m := t.view.Roster.Member(t.lead.Owner); a.Kind == "reminded" && m != nil && m.ID != a.To && m.away(t.at) {
			instead = t.person(m.ID) + " is away until " + time.UnixMicro(m.back(t.at)).In(t.zone).Format("Monday 2 January, 15:04") + ". "
		}
		switch {
		case pending:
			rule := &t.plan.Handoffs[h.Rule]
			verb := "Please accept it"
			if queue {
				verb = "Whoever is free, please accept it"
			}
			text := instead + verb + until + "."
			if len(rule.Reject) > 0 {
				reasons := make([]string, len(rule.Reject))
				for i, r := range rule.Reject {
					reasons[i] = words(t.plan.Handbacks[r].Name)
				}
				text += " If it is not for you, say which it is: " + strings.Join(reasons, ", ") + "."
			}
			return text
		case !salesMay(t.plan, t.view, t.at).Allowed: // who may speak follows
			if clock == nil {
				return "It is yours now."
			}
			return instead + "Please see to it" + until + "."
		case clock != nil && strings.HasSuffix(clock.Name, ".contact_within"):
			if instead != "" {
				return instead + "Please see that somebody gets in touch with them" + until + "."
			}
			return "Please get in touch with them" + until + "."
		case clock != nil:
			return instead + "Please see to it" + until + "."
		}
		return "It is yours now. Please get in touch when it suits."
	case "breached":
		text := "The time " + t.limit(a.Name) + " is over (" + a.Name + ")."
		if t.lead.Owner != "" {
			text += " " + t.person(t.lead.Owner) + " has the lead."
		}
		if by != "" {
			text += " The next deadline is " + by + "."
		}
		return text
	case "reassigned":
		if a.Acts {
			return "There is nothing left for you to do here. Thank you."
		}
	case "accepted":
		if by != "" {
			return "The first contact is due " + by + "."
		}
	case "rejected", "handed_back":
		return t.back()
	case "walked_away":
		return t.left()
	}
	return ""
}

// left tells why sales has left the lead to others, which was agreed on beforehand.
func (t *teller) left() string {
	for i := len(t.past) - 1; i >= 0; i-- {
		in := &t.past[i].Input
		if in.Kind != WalkAway || t.past[i].Decision.Refused != "" {
			continue
		}
		text := t.person(in.Actor) + " left it to others: " + words(in.Name)
		if t.plan.Worth != nil {
			for _, w := range t.plan.Worth.WalkAway {
				if w.Name == in.Name && w.Definition != "" {
					text += " (" + strings.TrimSuffix(w.Definition, ".") + ")"
				}
			}
		}
		if in.Text != "" {
			text += ". “" + strings.TrimSpace(in.Text) + "”"
		}
		return text + ". Both sides agreed beforehand that this is reason enough."
	}
	return ""
}

// asked says what somebody who reminds by hand says to it.
func (t *teller) asked() string {
	if t.alert.Note == "" {
		return ""
	}
	return t.person(t.alert.Asked) + ": “" + strings.TrimSpace(t.alert.Note) + "”"
}

// limit says what a clock leaves time for.
func (t *teller) limit(clock string) string {
	switch {
	case strings.HasSuffix(clock, ".accept_within"):
		return "to accept it"
	case strings.HasSuffix(clock, ".contact_within"):
		return "for a first contact"
	}
	return "for " + words(strings.TrimSuffix(clock[strings.IndexByte(clock, '.')+1:], ".limit"))
}

// words makes a name readable.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// back tells of the latest hand-back or rejection, and what becomes of the lead.
func (t *teller) back() string {
	for i := len(t.past) - 1; i >= 0; i-- {
		in := &t.past[i].Input
		if in.Kind != Reject && in.Kind != HandBack || t.past[i].Decision.Refused != "" {
			continue
		}
		verb := " handed it back: "
		if in.Kind == Reject {
			verb = " turned it down: "
		}
		text := t.person(in.Actor) + verb + words(in.Name)
		if in.Text != "" {
			text += " (“" + strings.TrimSpace(in.Text) + "”)"
		}
		text += "."
		if t.lead.Revisit > 0 {
			text += " It comes back on " + time.UnixMicro(t.lead.Revisit).In(t.zone).Format("Monday 2 January 2006") + "."
		}
		return text
	}
	return "It is in stage " + t.plan.Stages[t.lead.Stage].Name + " now."
}

// why tells the clause that brought the lead to where it stands, what it looked at, what gave it its points, and what
// happened last.
func (t *teller) why() string {
	var parts []string
	if r := t.ready(); r != nil {
		text := fmt.Sprintf("Why now: in stage %s since %s", r.Stage, t.stamp(r.At))
		if r.Clause != "" {
			text += ", by " + r.Clause
		}
		var saw []string
		for _, s := range r.Saw {
			saw = append(saw, s.Name+" "+s.Value)
		}
		if len(saw) > 0 {
			text += ": " + strings.Join(saw, ", ")
		}
		parts = append(parts, text+".")
	}
	if t.lead.Consent.Status != Objected {
		var points []string
		for _, p := range t.points() {
			points = append(points, signed(p.Points)+" "+words(p.Name))
		}
		if len(points) > 0 {
			parts = append(parts, "Most of its points: "+strings.Join(points, ", ")+".")
		}
	}
	if e := t.last(); e != nil {
		parts = append(parts, "Last: "+e.What+", "+t.stamp(e.At)+".")
	}
	return strings.Join(parts, " ")
}

// shown reports whether a value that a condition looked at may be told: all but attributes that the brief leaves out.
func (t *teller) shown(name string) bool {
	if _, ok := t.plan.Index.Attribute[name]; ok {
		return t.allowed(name) && t.lead.Consent.Status != Objected
	}
	return true
}

// telling lists the most telling activities, and the most recent asset.
func (t *teller) telling() string {
	list := t.most()
	if t.lead.Consent.Status == Objected || len(list) == 0 {
		return ""
	}
	lines := []string{"What they did:"}
	for _, m := range list {
		line := "• " + words(m.Name)
		if m.Count > 1 {
			line += ", " + times(int(m.Count)) + ", the last"
		}
		lines = append(lines, line+" "+t.stamp(m.Last))
	}
	if a := t.asset(); a != nil {
		lines = append(lines, "Most recent asset: "+words(a.Name)+", of "+a.Worth+" value, "+t.stamp(a.At))
	}
	return strings.Join(lines, "\n")
}

// ask lists the questions that are open, for whoever is to speak to the lead.
func (t *teller) ask() string {
	if t.lead.Consent.Status == Objected || t.alert.Kind == "rejected" || t.alert.Kind == "handed_back" {
		return ""
	}
	var open []string
	for i := range t.plan.Questions {
		if q := &t.plan.Questions[i]; !valueAt(t.lead.Answers, i).Known() {
			text := q.Ask
			if text == "" {
				text = words(q.Name)
			}
			open = append(open, "• "+text)
		}
	}
	if len(open) == 0 {
		return ""
	}
	return "Still to ask:\n" + strings.Join(open, "\n")
}

// speech says who may speak to the lead.
func (t *teller) speech() string {
	who := Speaker{Side: agreement.Sales}
	m := t.view.Roster.Member(t.alert.To)
	if m != nil {
		who = Speaker{Member: m.ID, Side: m.Side}
	} else if t.alert.To == "marketing" {
		who.Side = agreement.Marketing
	}
	v := May(t.plan, t.view, who, "", t.at)
	text := "Who may speak: "
	switch {
	case v.Clause == "consent":
		return text + "nobody, " + v.Text + "."
	case v.Allowed && m != nil:
		text += "you may"
	case v.Allowed:
		text += who.Side.String() + " may"
	case m != nil:
		text += "not you at the moment"
	default:
		text += "not " + who.Side.String() + " at the moment"
	}
	if v.Text != "" {
		text += "; " + v.Text
	}
	return text + " (" + v.Clause + ")."
}

// before tells what happened on earlier passes, and to whom it went on this one.
func (t *teller) before() string {
	if t.alert.Kind == "rejected" || t.alert.Kind == "handed_back" {
		return ""
	}
	var lines []string
	for _, e := range t.earlier() {
		line := "• " + e.What + " by " + t.person(e.Actor) + ", " + t.stamp(e.At)
		if e.Name != "" {
			line += ": " + words(e.Name)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return ""
	}
	return "What happened before (this is pass " + fmt.Sprint(t.lead.Pass) + "):\n" + strings.Join(lines, "\n")
}

// known lists what is known, as far as the brief allows, in its order, and the score.
func (t *teller) known() []NoticeFact {
	list := t.attributes()
	if score := t.scoreText(); score != "" {
		list = append(list, NoticeFact{"Score", score})
	}
	return list
}

// attributes lists those that are known, as far as the brief allows, in its order.
func (t *teller) attributes() []NoticeFact {
	names := t.plan.Brief.Show
	if len(names) == 0 {
		for i := range t.plan.Attributes {
			names = append(names, t.plan.Attributes[i].Name)
		}
	}
	var list []NoticeFact
	for _, name := range names {
		if v := t.value(name); v != "" {
			label := words(strings.ReplaceAll(name, ".", " "))
			list = append(list, NoticeFact{strings.ToUpper(label[:1]) + label[1:], v})
		}
	}
	return list
}

// scoreText is the score in words, "" for a lead that is not scored.
func (t *teller) scoreText() string {
	if !t.facts.Scored {
		return ""
	}
	score := PointsText(t.lead.FitPoints+t.facts.Engagement) + " points"
	if g := t.facts.Grade; g.Fit != 0 {
		score += ", grade " + g.String()
	}
	return score
}
