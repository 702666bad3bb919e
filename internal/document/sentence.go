package document

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// stageName is the name of a stage as it is shown.
func stageName(p *agreement.Plan, slot int) string {
	if slot < 0 || slot >= len(p.Stages) {
		return "–"
	}
	return title(p.Stages[slot].Name)
}

// stageSentence says what a stage is: "MQL, with marketing: fits the target buyer.
// At most 5 working days."
func stageSentence(s *agreement.Stage) string {
	out := title(s.Name)
	if s.Side != agreement.NoSide && s.Final == agreement.NotFinal {
		out += ", with " + s.Side.String()
	}
	if s.Final != agreement.NotFinal {
		out += ", where a pass ends as " + s.Final.String()
	}
	if s.Definition != "" {
		out += ": " + s.Definition
	}
	out = sentence(out)
	if !s.Limit.IsZero() {
		out += " At most " + s.Limit.String() + "."
		if words := reminded(s.Remind); words != "" {
			out += " " + capital(words) + " it is over."
		}
	}
	return out
}

// condition words a condition as text, with its source where words are missing.
func condition(p *agreement.Plan, c *agreement.Condition) []text {
	s, ok := inWords(p, c)
	if !ok {
		return []text{{s, sourceTone}}
	}
	return say(s)
}

// When says in words when a condition holds, as a clause of a sentence; with its source where words are missing, in one line.
func When(p *agreement.Plan, c *agreement.Condition) string {
	return strings.Join(strings.Fields(conditionWords(p, c)), " ")
}

func conditionWords(p *agreement.Plan, c *agreement.Condition) string {
	s, _ := inWords(p, c)
	return s
}

// transitionSentence says when a lead takes a transition.
func transitionSentence(p *agreement.Plan, t *agreement.Transition) string {
	return capital(phrase(t.Name)) + ": " + moves(p, t) + "."
}

func moves(p *agreement.Plan, t *agreement.Transition) string {
	by := "a person"
	if t.By != agreement.NoSide {
		by = "a person of " + t.By.String()
	}
	switch {
	case t.When == nil:
		return by + " moves it"
	case t.By == agreement.NoSide:
		return "by itself, when " + conditionWords(p, t.When)
	}
	return "by itself, when " + conditionWords(p, t.When) + "; or " + by + " moves it"
}

// acceptSentence says what a hand-off asks for first.
func acceptSentence(p *agreement.Plan, h *agreement.Handoff) string {
	giver, taker := sides(p, h)
	s := giver + " offers it"
	if h.AcceptWithin.IsZero() {
		return s + ", " + taker + " accepts it."
	}
	return s + ", " + taker + " has " + h.AcceptWithin.String() + " to accept it."
}

func sides(p *agreement.Plan, h *agreement.Handoff) (giver, taker string) {
	giver, taker = "marketing", "sales"
	if s := p.Stages[h.From].Side; s != agreement.NoSide {
		giver = s.String()
	}
	if s := p.Stages[h.To].Side; s != agreement.NoSide {
		taker = s.String()
	}
	return giver, taker
}

// steps says what a ladder does: "we remind the owner; when time runs out again,
// we offer it to somebody else, at most twice; then we give it to the manager".
func steps(p *agreement.Plan, ladder []agreement.Step) string {
	said := make([]string, len(ladder))
	for i, s := range ladder {
		said[i] = "we " + step(p, s)
		switch {
		case i == 1:
			said[i] = "when time runs out again, " + said[i]
		case i > 1:
			said[i] = "then " + said[i]
		}
	}
	return strings.Join(said, "; ")
}

func step(p *agreement.Plan, s agreement.Step) string {
	who := personName(p, s.Target)
	switch s.Target {
	case "owner", "manager":
		who = "the " + s.Target
	}
	switch s.Kind {
	case agreement.Remind:
		return "remind " + who
	case agreement.Reassign:
		return "offer it to somebody else, at most " + times(max(s.Times, 1))
	case agreement.Escalate:
		return "give it to " + who + " for good"
	case agreement.ReturnTo:
		return "take it back and move the lead to " + stageName(p, s.Stage)
	case agreement.ToQueue:
		return "put it in the queue " + quoted(phrase(s.Target))
	}
	return s.Text
}

// moveSentences is what the picture says, in words; it stands beside the picture
// for those who cannot see it.
func moveSentences(p *agreement.Plan) []string {
	var out []string
	for _, side := range []agreement.Side{agreement.Marketing, agreement.Sales} {
		var names []string
		for i := range p.Stages {
			if p.Stages[i].Side == side && p.Stages[i].Final == agreement.NotFinal {
				names = append(names, stageName(p, i))
			}
		}
		if len(names) > 0 {
			out = append(out, capital(side.String())+" holds "+join(names, "and")+".")
		}
	}
	if len(p.Stages) > 0 {
		out = append(out, "A lead starts in "+stageName(p, 0)+".")
	}
	for i := range p.Stages {
		for j := range p.Transitions {
			t := &p.Transitions[j]
			for _, f := range t.From {
				if f == i {
					out = append(out, fmt.Sprintf("From %s to %s (%s): %s.", stageName(p, i), stageName(p, t.To), phrase(t.Name), moves(p, t)))
				}
			}
		}
		for j := range p.Handoffs {
			if h := &p.Handoffs[j]; h.From == i {
				out = append(out, fmt.Sprintf("From %s to %s (hand-off): %s", stageName(p, i), stageName(p, h.To), acceptSentence(p, h)))
			}
		}
	}
	var targets []int
	reasons := map[int][]string{}
	for _, h := range p.Handbacks {
		if reasons[h.To] == nil {
			targets = append(targets, h.To)
		}
		reasons[h.To] = append(reasons[h.To], phrase(h.Name))
	}
	for _, to := range targets {
		out = append(out, "From sales back to "+stageName(p, to)+": "+join(reasons[to], "or")+".")
	}
	for i := range p.Stages {
		if s := &p.Stages[i]; s.Final != agreement.NotFinal {
			out = append(out, stageName(p, i)+" ends a pass as "+s.Final.String()+".")
		}
	}
	return out
}

// consequence says what follows from handing a lead back for a reason.
func consequence(p *agreement.Plan, h *agreement.Handback) string {
	var s string
	switch final := p.Stages[h.To].Final; final {
	case agreement.NotFinal:
		s = "Goes to " + stageName(p, h.To)
		if h.Track >= 0 && h.Track < len(p.Tracks) {
			s += ", on the track " + quoted(phrase(p.Tracks[h.Track].Name))
		}
		if h.Revisit > 0 {
			s += ", and we look again after " + span(h.Revisit)
		}
	default:
		s = "Ends the pass in " + stageName(p, h.To)
		if h.Revisit > 0 {
			s += "; we look again after " + span(h.Revisit)
		}
	}
	return s + "."
}

// kept says what of the score survives.
func kept(k agreement.Keep) string {
	switch k {
	case agreement.KeepFit:
		return "fit"
	case agreement.KeepEngagement:
		return "engagement"
	case agreement.KeepAll:
		return "fit and engagement"
	}
	return "nothing"
}

// receiver says who gets a lead by a rule of assignment.
func receiver(p *agreement.Plan, a *agreement.AssignmentRule) string {
	var s string
	switch {
	case a.ToOwner:
		s = "the owner of the account gets it"
	case a.ToNamed:
		s = "whoever has the account by name gets it"
	case a.Pool >= 0 && a.Pool < len(p.Pools):
		s = "the pool " + quoted(phrase(p.Pools[a.Pool].Name)) + " gets it, "
		if matched := matching(a.Match); matched != "" {
			s += "of those " + matched + ", "
		}
		if a.By == agreement.LeastLoaded {
			s += "whoever has the fewest open hand-offs for their share"
		} else {
			s += "in turn, by share"
		}
	case a.Person != "":
		s = personName(p, a.Person) + " gets it"
	case a.Queue >= 0 && a.Queue < len(p.Queues):
		s = "it waits in the queue " + quoted(phrase(p.Queues[a.Queue].Name))
	default:
		s = "nobody is named"
	}
	if a.Otherwise >= 0 && a.Otherwise < len(p.Queues) && a.Queue < 0 {
		s += "; if nobody there can take it, it waits in the queue " + quoted(phrase(p.Queues[a.Otherwise].Name))
	}
	return s
}

// matching says what somebody has to have to get a lead.
func matching(kinds []agreement.TraitKind) string {
	words := [agreement.Traits]string{"who take its territory", "who speak its language", "who have the skills it asks for"}
	var parts []string
	for _, k := range kinds {
		parts = append(parts, words[k])
	}
	return join(parts, "and")
}

func personName(p *agreement.Plan, id string) string {
	for i := range p.People {
		if p.People[i].ID == id && p.People[i].Name != "" {
			return p.People[i].Name
		}
	}
	return id
}

// speakers says who may speak under a rule of engagement, and by which channels.
func speakers(r *agreement.SpeakRule) string {
	var s string
	speaks := [2]bool{}
	switch r.Speaks {
	case agreement.SpeakNobody:
		s = "nobody speaks"
	case agreement.SpeakMarketing:
		s, speaks[0] = "marketing speaks", true
	case agreement.SpeakSales:
		s, speaks[1] = "sales speaks", true
	case agreement.SpeakOriginator:
		s = "the side that brought the lead speaks"
	case agreement.SpeakBoth:
		s, speaks = "both sides speak", [2]bool{true, true}
	}
	for i, channels := range [][]string{r.Marketing, r.Sales} {
		side := agreement.Side(i + 1).String()
		switch {
		case channels == nil:
		case len(channels) == 1 && channels[0] == "none":
			s += "; " + side + " stays silent"
		case len(channels) == 1 && channels[0] == "all":
			s += "; " + side + " may use every channel"
		default:
			words := make([]string, len(channels))
			for j, c := range channels {
				words[j] = phrase(c)
			}
			if speaks[i] {
				s += "; " + side + " only by " + join(words, "and")
			} else {
				s += "; " + side + " may still use " + join(words, "and")
			}
		}
	}
	return s
}

// promise says what a side promises: "at least 95 % contacted in time, each month".
func promise(c *agreement.Commitment) []text {
	amount := number(c.AtLeast)
	if c.Percent {
		amount += " %"
	}
	out := say("at least ", bold(amount), " "+phrase(c.Name))
	if c.Per != "" {
		out = append(out, text{words: " each " + c.Per})
	}
	return out
}

// goalText says what both sides want: "new business worth 1,200,000 by 31 March 2027".
func goalText(p *agreement.Plan, g *agreement.Goal) []text {
	out := say(bold(title(g.Name)), ": ")
	n := bold(number(g.Target))
	switch g.Measure {
	case "won_value":
		out = append(out, say("business won worth ", n)...)
	case "won_count":
		out = append(out, say(n, " leads won")...)
	default:
		out = append(out, say(n, " "+phrase(g.Measure))...)
	}
	if g.By > 0 && g.By < agreement.Never {
		out = append(out, say(" by ", day(p, g.By))...)
	}
	return append(out, text{words: "."})
}

// eventWords are what an alert tells about.
var eventWords = map[string]string{
	"offered": "a lead is offered", "accepted": "a lead is accepted", "reminded": "somebody is reminded", "breached": "time runs out",
	"reassigned": "a lead goes to somebody else", "escalated": "a lead goes to the manager", "rejected": "a hand-off is rejected",
	"handed_back": "a lead is handed back", "won": "a lead is won", "paused": "marketing may no longer use all its channels", "resumed": "marketing may use all its channels again", "lost": "a lead is lost",
	"walked_away": "a lead is left to others",
}

// alertTime says when the messages of an alert go out.
func alertTime(a *agreement.Alert) []text {
	var out []text
	switch a.Quiet.Kind {
	case agreement.QuietNever:
		out = say(" Messages go out at any hour.")
	case agreement.QuietOutside:
		out = say(" Messages wait for the reader's working hours.")
	case agreement.QuietSpan:
		from, to, _ := strings.Cut(a.Quiet.String(), "-")
		out = say(" Messages wait from ", bold(from), " until ", bold(to), ", where the reader is.")
	}
	if a.Digest.Gathers() {
		out = append(out, say(" What there is to say is gathered into one message, ", bold(a.Digest.String()), ".")...)
	}
	if a.AtMost > 0 {
		most := "one message"
		if a.AtMost > 1 {
			most = strconv.Itoa(a.AtMost) + " messages"
		}
		out = append(out, say(" Nobody gets more than "+most+" about one lead in ", bold(calendar.Duration{Amount: a.Per}.String()), ".")...)
	}
	return out
}

func alertText(p *agreement.Plan, a *agreement.Alert) []text {
	when, ok := eventWords[a.On]
	if !ok {
		when = "a lead is " + phrase(a.On)
	}
	if len(a.Activities) > 0 {
		did := make([]string, len(a.Activities))
		for i, slot := range a.Activities {
			did[i] = phrase(p.Activities[slot].Name)
		}
		when = "a lead does this: " + join(did, "or")
	}
	to := make([]string, len(a.To))
	for i, s := range a.To {
		to[i] = personName(p, s)
		if s == "owner" || s == "manager" {
			to[i] = "the " + s
		}
	}
	out := say(bold(title(a.Name)), ": when "+when)
	if a.When != nil {
		out = append(out, say(", and ", condition(p, a.When))...)
	}
	out = append(out, say(", tell ", join(to, "and"))...)
	if len(a.By) > 0 {
		by := make([]string, len(a.By))
		for i, s := range a.By {
			by[i] = map[string]string{"email": "by e-mail", "inbox": "in the inbox", "slack": "in Slack", "teams": "in Teams", "webhook": "by webhook"}[s]
			if by[i] == "" {
				by[i] = "by " + phrase(s)
			}
		}
		out = append(out, text{words: " " + join(by, "and")})
	}
	return append(append(out, text{words: "."}), alertTime(a)...)
}

// hours says the working hours of an ordinary week. The calendar has no list of
// them, so it is asked about each weekday on nine dates through a year, and what
// most of them say is ordinary: a holiday does not change the sentence.
func hours(c *calendar.Calendar) string {
	zone := c.Zone()
	var days [7]string // Monday first
	for d := range days {
		seen := map[string]int{}
		best := ""
		for week := range 9 {
			s := openHours(c, time.Date(2027, 1, 4+d+week*35, 0, 0, 0, 0, zone)) // 4 January 2027 is a Monday
			if seen[s]++; seen[s] > seen[best] {
				best = s
			}
		}
		days[d] = best
	}
	names := [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
	var parts []string
	for d := 0; d < 7; {
		e := d
		for e < 6 && days[e+1] == days[d] {
			e++
		}
		if days[d] != "" {
			name := names[d]
			switch {
			case d == 0 && e == 6:
				name = "every day"
			case e == d+1:
				name += " and " + names[e]
			case e > d:
				name += " to " + names[e]
			}
			parts = append(parts, name+", "+days[d])
		}
		d = e + 1
	}
	return strings.Join(parts, "; ")
}

// openHours says the hours of one local day to the minute, "" when it is closed.
func openHours(c *calendar.Calendar, day time.Time) string {
	y, m, d := day.Date()
	at := func(minute int) int64 {
		return time.Date(y, m, d, 0, minute, 0, 0, day.Location()).UnixMicro()
	}
	const step, end = 15, 24 * 60
	var spans []string
	from := -1
	was := false
	for t := 0; t <= end; t += step {
		open := t < end && c.Open(at(t))
		if open == was {
			continue
		}
		lo, hi := max(t-step, 0), t // the change lies in (lo, hi], or at 0
		if t == end {
			lo = t - step
			if c.Open(at(end - 1)) {
				lo = end - 1
			}
		}
		for t > 0 && hi-lo > 1 {
			if mid := (lo + hi) / 2; (c.Open(at(mid))) == open {
				hi = mid
			} else {
				lo = mid
			}
		}
		if open {
			from = hi
		} else {
			spans = append(spans, fmt.Sprintf("%02d:%02d to %02d:%02d", from/60, from%60, hi/60, hi%60))
		}
		was = open
	}
	if len(spans) == 1 && spans[0] == "00:00 to 24:00" {
		return "around the clock"
	}
	return join(spans, "and")
}
