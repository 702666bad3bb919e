package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// happening is an entry of a timeline: what happened, and what followed from it.
type happening struct {
	ID       int64
	Icon     string // kind of icon, see timelineIcon
	Side     string // marketing or sales, "" for neither
	Title    string
	Who      string // of several leads, whose it is
	Lead     int64
	Text     string // what somebody wrote
	When     string
	Version  int64
	Follows  []consequence
	Messages []message
	Refused  string
	times    int
	at       int64
	plain    bool // nothing followed that is not a matter of counting
}

// consequence is a change, with the clause that made it.
type consequence struct{ Words, Clause string }

// message is something that went out because of it.
type message struct{ Words, State string }

// timeline puts what happened into words, the newest first. Of the same thing done again and again one entry is made.
func (a *ask) timeline(events []store.Event, jobs []store.Job) (list []happening) {
	for i := range events {
		h := a.happening(&events[i])
		if k := events[i].Input.Kind; (k == lifecycle.Timer || k == lifecycle.Refresh) && len(h.Follows) == 0 && h.Refused == "" {
			continue // nothing came of it
		}
		for j := range jobs {
			if jobs[j].Input == h.ID {
				h.Messages = append(h.Messages, a.message(&jobs[j]))
			}
		}
		if n := len(list) - 1; n >= 0 && h.plain && list[n].plain && h.Title == list[n].Title && h.Lead == list[n].Lead && h.Version == list[n].Version && len(h.Messages)+len(list[n].Messages) == 0 {
			list[n].merge(&h)
			continue
		}
		list = append(list, h)
	}
	for i := range list {
		if h := &list[i]; h.times > 1 {
			h.Title += fmt.Sprintf(", %d times", h.times)
		}
	}
	return list
}

// merge takes in the same thing done before.
func (h *happening) merge(earlier *happening) {
	h.times += earlier.times
	for _, c := range earlier.Follows {
		if !slices.ContainsFunc(h.Follows, func(have consequence) bool { return have.Clause == c.Clause }) {
			h.Follows = append(h.Follows, c)
		}
	}
	if earlier.Text != "" && h.Text == "" {
		h.Text = earlier.Text
	}
}

func (a *ask) happening(e *store.Event) happening {
	in, d := &e.Input, &e.Decision
	h := happening{ID: in.ID, Lead: in.Lead, When: a.dateTime(in.At), Version: d.Version, Refused: sentence(d.Refused), times: 1, at: in.At}
	by := a.nameOf(in.Actor)
	h.Icon, h.Title = "plain", document.Title(in.Kind.String())
	person := func(icon, title string) {
		h.Icon, h.Title, h.Text = icon, title, strings.TrimSpace(in.Text)
		if by != "" {
			h.Title += " by " + by
		}
		if m := a.roster.Member(in.Actor); m != nil {
			h.Side = m.Side.String()
		}
	}
	reason := ""
	if in.Name != "" {
		reason = ": " + spaced(in.Name)
	}
	switch in.Kind {
	case lifecycle.Did:
		h.Icon, h.Title, h.plain = "did", capital(stepWords(in)), true
		if in.Bot {
			h.Icon, h.Title = "bot", h.Title+" by a robot, not counted"
		}
	case lifecycle.Identify:
		h.Icon, h.Title, h.plain = "known", "More is known of them", true
		var names []string
		for i := range in.Values {
			names = append(names, strings.ReplaceAll(spaced(in.Values[i].Name), ".", " "))
		}
		if len(names) > 6 {
			names = append(names[:5], fmt.Sprintf("%d more", len(names)-5))
		}
		h.Text = capital(strings.Join(names, ", "))
	case lifecycle.Answered:
		person("said", "Answers written down")
		h.Text = strings.TrimSpace(said(in) + " " + h.Text)
	case lifecycle.Consented:
		h.Icon, h.Title, h.Text = "consent", "Consent"+reason, in.Text
	case lifecycle.Accept:
		person("hand", "Accepted")
	case lifecycle.Reject:
		person("back", "Turned down"+reason)
	case lifecycle.HandBack:
		person("back", "Handed back"+reason)
	case lifecycle.Contact:
		how := outcomeWords(in.Name)
		if in.Channel != "" {
			how += ", " + spaced(in.Channel)
		}
		person("talk", capital(how))
		h.Title = strings.Replace(h.Title, " by ", ": ", 1)
		h.Text = strings.TrimSpace(said(in) + " " + h.Text)
	case lifecycle.Assign:
		person("hand", "Given to "+a.nameOf(in.Name))
		if in.Name == in.Actor {
			h.Title = "Taken by " + by
		}
	case lifecycle.Move:
		person("move", "Moved on")
	case lifecycle.Win:
		person("won", "Won")
	case lifecycle.Lose:
		person("back", "Lost"+reason)
	case lifecycle.Remind:
		person("time", "Reminded")
	case lifecycle.Take:
		person("talk", "Taken to call")
	case lifecycle.Release:
		person("talk", "Given back to the queue")
	case lifecycle.OwnAccount:
		person("hand", "The company is "+a.nameOf(in.Name)+"’s")
	case lifecycle.JoinAccount:
		person("hand", "Put into this company")
	case lifecycle.Merge:
		person("hand", fmt.Sprintf("The same person as lead %d", in.Other))
	case lifecycle.Split:
		person("hand", fmt.Sprintf("Another person than lead %d", in.Other))
	case lifecycle.Merged:
		person("hand", fmt.Sprintf("Goes on as lead %d", in.Other))
	case lifecycle.Restored:
		person("hand", "A person of its own again")
	case lifecycle.Estimate:
		person("said", "Estimated what may come of it")
	case lifecycle.WalkAway:
		person("back", "Left to others"+reason)
	case lifecycle.Joined:
		person("known", "The team has changed")
	case lifecycle.Hours:
		person("known", a.nameOf(in.Name)+" works other hours now")
	case lifecycle.Left:
		person("known", a.nameOf(in.Name)+" has left the team")
	case lifecycle.Absent, lifecycle.Calendar:
		person("known", a.nameOf(in.Name)+" is away at other times now")
	case lifecycle.Present:
		person("known", a.nameOf(in.Name)+" is not away after all")
	case lifecycle.Timer:
		h.Icon, h.Title = "time", "By time alone"
	case lifecycle.Activate:
		h.Icon, h.Title = "rules", fmt.Sprintf("Version %d of the agreement applies", d.Version)
	case lifecycle.Refresh:
		h.Icon, h.Title = "known", "Something changed at the company"
	case lifecycle.Retract:
		h.Icon, h.Title = "back", fmt.Sprintf("Import %d was undone", in.Import)
	}
	if e.Error != "" {
		h.Refused = "This could not be decided. It is kept among the problems."
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		words, telling := a.changed(c)
		if words == "" {
			continue
		}
		if telling {
			h.plain = false
		}
		f := consequence{Words: words}
		if c.Reason > 0 && c.Reason <= len(d.Reasons) {
			r := &d.Reasons[c.Reason-1]
			f.Clause = r.Clause
			if r.Text != "" && r.Text != in.Text && in.Kind != lifecycle.Assign { // which says of itself that it was by hand
				f.Words += ": " + a.plain(r.Text)
			}
		}
		switch {
		case c.Kind == lifecycle.ClauseNamed:
			f.Clause = c.Name
		case f.Clause == "" && c.Kind == lifecycle.ReminderSet:
			f.Clause = c.Name // the clock's
		}
		if c.Kind == lifecycle.OwnerSet && slices.ContainsFunc(d.Changes, func(x lifecycle.Change) bool { return x.Kind == lifecycle.HandoffMoved && x.To == c.To }) {
			continue
		}
		switch c.Kind {
		case lifecycle.StageEntered:
			if in.Kind == lifecycle.Timer {
				h.Icon = "move"
			}
			if slot, ok := a.plan.Index.Stage[c.To]; ok {
				h.Side = a.plan.Stages[slot].Side.String()
			}
		case lifecycle.GradeChanged, lifecycle.ReadinessChanged:
			if in.Kind == lifecycle.Timer && h.Title == "By time alone" {
				h.Title = "What they did counts for less by now"
			}
		case lifecycle.ClockBreached:
			h.Icon, h.Title = "time", "Time ran out: "+clockWords(c.Name)
		case lifecycle.ClockMoved:
			if in.Kind == lifecycle.Refresh {
				h.Icon, h.Title = "time", "A deadline moves"
			}
		case lifecycle.LeadCreated:
			h.Title = "First heard of, through " + c.To
		}
		h.Follows = append(h.Follows, f)
	}
	// What was cited beside the changes: why somebody was passed over, why something did not count.
	for i := range d.Reasons {
		if r := &d.Reasons[i]; r.Text != "" && !slices.ContainsFunc(d.Changes, func(c lifecycle.Change) bool { return c.Reason == i+1 }) {
			words := capital(a.plain(r.Text))
			if strings.HasPrefix(r.Clause, "assignment") {
				words = "Passed over: " + a.plain(r.Text)
			}
			h.Follows = append(h.Follows, consequence{Words: words, Clause: r.Clause})
		}
	}
	return h
}

// changed puts a change into words, "" for what only Baton needs to know. telling is what makes an entry of its own.
func (a *ask) changed(c *lifecycle.Change) (words string, telling bool) {
	switch c.Kind {
	case lifecycle.WakeSet, lifecycle.AttendSet, lifecycle.LedgerMoved, lifecycle.LoadChanged, lifecycle.ActivityCounted, lifecycle.Rescored, lifecycle.AttributeSet,
		lifecycle.AccountAttributeSet, lifecycle.AnswerSet, lifecycle.AccountJoined, lifecycle.AssetSeen, lifecycle.ClockReady, lifecycle.CallReady,
		lifecycle.Rebound, lifecycle.Returned, lifecycle.LeadCreated, lifecycle.ConsentSet, lifecycle.LeadPlaced, lifecycle.ContactMade:
		return "", false
	case lifecycle.PointsGiven, lifecycle.FitGained:
		return signedPoints(c.Points) + " " + plural(int(c.Points/1e6), "point", "points") + " for " + spaced(c.Name), false
	case lifecycle.FitLost:
		return signedPoints(-c.Points) + " points: " + spaced(c.Name) + " no longer holds", false
	case lifecycle.StageEntered:
		if c.From == "" {
			return "Begins in " + document.Title(c.To), true
		}
		return "Now in " + document.Title(c.To), true
	case lifecycle.OwnerSet:
		if c.To == "" {
			return "With nobody of sales now", true
		}
		return "With " + a.nameOf(c.To), true
	case lifecycle.QueueSet:
		if c.To == "" {
			return "", false
		}
		return "Waits in the queue " + spaced(c.To), true
	case lifecycle.HandoffOffered:
		return "Offered to sales", true
	case lifecycle.HandoffMoved:
		return "The offer moves on to " + a.holderWords(c.To), true
	case lifecycle.HandoffClosed:
		return "The hand-off is " + spaced(c.To), true
	case lifecycle.GradeChanged:
		return "Grade " + strings.TrimPrefix(c.From+" → "+c.To, " → "), false
	case lifecycle.ReadinessChanged:
		return "Readiness " + strings.TrimPrefix(c.From+" → "+c.To, " → "), false
	case lifecycle.ClockStarted, lifecycle.ClockRestarted, lifecycle.ClockResumed:
		return capital(clockWords(c.Name)) + " until " + a.dateTime(c.Due), true
	case lifecycle.ClockMoved:
		return capital(clockWords(c.Name)) + " until " + a.dateTime(c.Due) + " now", true
	case lifecycle.OwnerReminded:
		return capital(a.whom(c.To)) + " hears of it: " + clockWords(c.Name), true
	case lifecycle.ClockPaused:
		return "The time for " + clockWords(c.Name) + " stands still", true
	case lifecycle.ClockBreached:
		return "Was due " + a.dateTime(c.At), true
	case lifecycle.ClockStopped:
		switch c.To {
		case "met":
			return capital(clockWords(c.Name)) + ": kept", true
		case "late":
			return capital(clockWords(c.Name)) + ": done after the time", true
		}
		return "", false
	case lifecycle.TrackSet:
		if c.To == "" {
			return "", false
		}
		return "Nurture: " + spaced(c.To), true
	case lifecycle.RevisitSet:
		if c.At == 0 {
			return "", false
		}
		return "Comes back on " + a.date(c.At), true
	case lifecycle.BuyingStageReached:
		return "Buying stage: " + spaced(c.To), false
	case lifecycle.PassStarted:
		return fmt.Sprintf("Pass %d begins", c.Int), true
	case lifecycle.ScoreCleared:
		return "The score begins anew", true
	case lifecycle.ValueSet:
		return "Worth " + px(c.Num), true
	case lifecycle.CallQueued:
		return "Waits to be called", true
	case lifecycle.CallTaken:
		return "Taken until " + a.dateTime(c.Due), true
	case lifecycle.CallFreed:
		if c.To != "lapsed" {
			return "", false // the entry says so
		}
		return "The time to call is over: it waits in the queue again", true
	case lifecycle.CallTried:
		return fmt.Sprintf("Call %d: %s", c.Int, outcomeWords(c.Name)) + a.fromThen(c.Due), true
	case lifecycle.CallReached:
		return "Somebody was reached: " + outcomeWords(c.Name) + a.fromThen(c.Due), true
	case lifecycle.CallEnded:
		if c.To == "exhausted" {
			return "Waits no more to be called: there were as many calls as agreed", true
		}
		return "Waits no more to be called", true
	case lifecycle.ReminderSet:
		if c.At == 0 {
			return "", false
		}
		return "A reminder of the " + clockWords(c.Name) + " comes " + a.dateTime(c.At), false
	case lifecycle.ClauseNamed:
		return "Whoever gave it back says what let it through", true
	case lifecycle.AccountOwnerSet:
		if c.To == "" {
			return "The company is nobody’s", true
		}
		return "The company is " + a.nameOf(c.To) + "’s", true
	case lifecycle.ProbabilitySet:
		return "Likely to be won: " + px(c.Num*100) + " %", true
	case lifecycle.EffortSet:
		return "Takes " + px(c.Num) + " hours", true
	case lifecycle.CompetitorsSet:
		if c.To == "" {
			return "Nobody else is in the running", true
		}
		return "Others in the running: " + spaced(strings.ReplaceAll(c.To, ",", ", ")), true
	case lifecycle.MarketingSet:
		switch c.To {
		case "":
			return "Marketing may write by every channel again", true
		case "none":
			return "Marketing pauses", true
		}
		return "Marketing may use " + spaced(strings.ReplaceAll(c.To, " ", ", ")) + " alone", true
	case lifecycle.SpokenAgainst:
		holder := "nobody"
		if c.To != "" {
			holder = a.nameOf(c.To)
		}
		how := outcomeWords(c.From)
		if c.Value.Known() {
			how += ", " + spaced(c.Value.String())
		}
		return a.nameOf(c.Name) + " spoke to them (" + how + ") while " + holder + " holds the conversation", true
	case lifecycle.LeadErased:
		return "All of it was decided again", true
	case lifecycle.LeadMerged:
		return fmt.Sprintf("Goes on as lead %d", c.Int), true
	case lifecycle.LeadAbsorbed:
		return fmt.Sprintf("Takes in what is known of lead %d", c.Int), true
	case lifecycle.MemberSet:
		return a.nameOf(c.Name) + " is in the team", true
	case lifecycle.MemberLeft:
		return a.nameOf(c.Name) + " has left the team", true
	case lifecycle.AbsenceSet:
		return a.nameOf(c.Name) + " is away until " + a.dateTime(c.Due), true
	case lifecycle.AbsenceCleared:
		return a.nameOf(c.Name) + " is not away until " + a.dateTime(c.Due) + " after all", true
	case lifecycle.HeldReviewed:
		return "What " + a.nameOf(c.Name) + " holds is looked at again", true
	}
	return capital(a.plain(c.Sentence(a.zone))), true
}

// fromThen says from when on somebody is called again, "" for at once.
func (a *ask) fromThen(due int64) string {
	if due == 0 {
		return ""
	}
	return "; again from " + a.dateTime(due) + " on"
}

// holderWords is who an offer went to: a member, a queue, or nobody.
func (a *ask) holderWords(to string) string {
	if queue, ok := strings.CutPrefix(to, "queue "); ok {
		return "the queue " + spaced(queue)
	}
	if to == "" {
		return "nobody yet"
	}
	return a.nameOf(to)
}

// plain takes names of the agreement out of a text that decisions have for everybody: members by their names, "demo requested" for
// demo_requested, and words for addresses of clauses. An address in brackets is left out: the clause stands behind the sentence.
func (a *ask) plain(text string) string {
	text = a.named(text)
	if !strings.ContainsAny(text, "._") {
		return text
	}
	list := strings.Split(text, " ")
	out := list[:0]
	for _, word := range list {
		core := strings.Trim(word, `(),;:.?!"'“”’`)
		switch {
		case core == "" || strings.Contains(core, "@") || !strings.ContainsAny(core, "._"):
		case isAddress(core) && strings.HasPrefix(word, "("+core+")"):
			if word = strings.TrimPrefix(word, "("+core+")"); word != "" && len(out) > 0 {
				out[len(out)-1] += word
			}
			continue
		case isAddress(core):
			word = strings.Replace(word, core, addressWords(core), 1)
		case strings.Contains(core, "_") || strings.HasPrefix(core, "answers.") || strings.HasPrefix(core, "company."):
			word = strings.Replace(word, core, strings.NewReplacer("_", " ", ".", " ").Replace(strings.TrimPrefix(core, "answers.")), 1)
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

// isAddress reports whether a word is the address of a clause, be it one that is gone: it begins with a part of the agreement.
func isAddress(word string) bool {
	part, _, ok := strings.Cut(word, ".")
	return ok && agreement.IsPart(part)
}

// addressWords names a clause in words: "time to accept", "scoring engagement demo".
func addressWords(address string) string {
	for _, end := range [...]string{".accept_within", ".contact_within", ".limit"} {
		if strings.HasSuffix(address, end) {
			return "the " + clockWords(address)
		}
	}
	return strings.NewReplacer("_", " ", ".", " ").Replace(address)
}

// named puts the names of members in the place of their addresses.
func (a *ask) named(text string) string {
	if !strings.Contains(text, "@") || a.roster == nil {
		return text
	}
	for i := range a.roster.Members {
		if m := &a.roster.Members[i]; m.Name != "" {
			text = inPlaceOf(strings.ReplaceAll(text, m.Name+" ("+m.ID+")", m.Name), m.ID, m.Name)
		}
	}
	return text
}

// inPlaceOf puts a name in the place of an address wherever that stands alone: a@x.example is no part of aa@x.example, nor of a@x.example.com.
func inPlaceOf(text, address, name string) string {
	goesOn := func(r byte) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r >= 0x80 || strings.IndexByte("_+-@", r) >= 0
	}
	var b strings.Builder
	for {
		i := strings.Index(text, address)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		rest := text[i+len(address):]
		alone := i == 0 || !goesOn(text[i-1]) && text[i-1] != '.'
		if alone && rest != "" { // a full stop after it ends a sentence, if nothing follows
			alone = !goesOn(rest[0]) && (rest[0] != '.' || len(rest) == 1 || !goesOn(rest[1]))
		}
		b.WriteString(text[:i])
		if alone {
			b.WriteString(name)
		} else {
			b.WriteString(address)
		}
		text = rest
	}
}

// clockWords says what a clock leaves time for.
func clockWords(address string) string {
	switch {
	case strings.HasSuffix(address, ".accept_within"):
		return "time to accept"
	case strings.HasSuffix(address, ".contact_within"):
		return "time for a first contact"
	case strings.HasSuffix(address, ".limit"):
		return "time in " + document.Title(strings.TrimSuffix(strings.TrimPrefix(address, "stages."), ".limit"))
	}
	return "time for " + strings.ReplaceAll(strings.TrimPrefix(address, "clocks."), "_", " ")
}

// said are the answers of an input in words.
func said(in *lifecycle.Input) string {
	var parts []string
	for i := range in.Values {
		v := &in.Values[i]
		parts = append(parts, strings.ToLower(document.Title(strings.TrimPrefix(v.Name, "answers.")))+": "+answerWords(v.Value))
	}
	if len(parts) == 0 {
		return ""
	}
	return sentence(strings.Join(parts, "; "))
}

// messageWords are what messages are about, by the event.
var messageWords = map[string]string{"offered": "Word of the offer", "accepted": "Word that it was accepted", "reminded": "A reminder", "breached": "Word that time ran out",
	"reassigned": "Word that it moved on", "escalated": "A call for help", "rejected": "Word that it came back", "handed_back": "Word that it came back", "won": "Word that it was won",
	"lost": "Word that it was lost", "walked_away": "Word that it is left to others", agreement.ActivityEvent: "Word of what they did", "paused": "Word that marketing pauses",
	"resumed": "Word that marketing may write again"}

// message puts a job into words.
func (a *ask) message(j *store.Job) message {
	m := message{Words: cmp.Or(messageWords[j.Kind], capital(spaced(j.Kind)))}
	if j.Recipient != "" {
		m.Words += ", to " + a.holderWords(j.Recipient)
	}
	switch j.Channel {
	case "":
	case "email":
		m.Words += " by e-mail"
	case "slack", "teams":
		m.Words += " in " + capital(j.Channel)
	default:
		m.Words += " by " + spaced(j.Channel)
	}
	switch j.State {
	case store.JobDone:
		m.State = "sent"
	case store.JobFailed:
		m.State = "not sent"
	case store.JobDropped:
		m.State = "not needed any more"
	default:
		m.State = "waits"
	}
	return m
}
