package web

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/document"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// leadPage is all there is to know of a lead.
type leadPage struct {
	leadRow
	Title, Company  string
	Account         int64
	Turn            string      // whose turn it is, in words
	Opening         string      // what they want, in a sentence
	Ready           consequence // why it came to sales
	Before          []string    // what came of it before
	Quote, QuoteBy  string      // the newest note of a colleague
	Brief           *brief
	Path            []pathStage
	Pass            int64
	Score           *scoreStory
	Timeline        []happening
	Channels        []string // of the agreement
	Shown           []link   // which part of the timeline
	More            string
	Holder, HoldsBy string // side, and in words
	Speech          []speech
	SpeechClause    string
	Clocks          []leadClock
	Questions       []question
	Worth           *worth // whether it is worth the effort; nil if sales does not work it
	Levels          []level
	Alike           []alike
	Merged          []int64
	Reasons         []lifecycle.ExplainedSection // why it is where it is
	Moves           []reason
	Members         []option
	Winnable        bool
	Works           bool // the viewer may do something with it
	Talks           bool // a contact can be logged, or it can be handed back: it is with sales
}

// speech is whether somebody may speak to the lead.
type speech struct {
	May         bool
	Words, Hint string
}

// leadClock is a clock of a lead, running or kept.
type leadClock struct {
	timeLeft
	What, Name string // in words, and its clause
	Version    int64
}

// address is the clause to cite: what paused it, or its own.
func (c *leadClock) address() string { return cmp.Or(c.timeLeft.Clause, c.Name) }

// alike is a lead that may be the same person.
type alike struct {
	ID        int64
	Name, Why string
}

// option is a choice of a list.
type option struct {
	Value, Words string
	Chosen       bool
}

const (
	mostStory    = 300 // how many inputs the score and the reasons are told from
	mostTimeline = 24
)

// shows are the parts of a timeline that can be looked at alone.
var shows = []struct {
	name, words string
	kind        lifecycle.InputKind
}{{"", "Everything", lifecycle.NoInput}, {"did", "What they did", lifecycle.Did}, {"talks", "Talks", lifecycle.Contact}}

// showLead makes twelve queries, thirteen for a later part of the timeline or one kind of it.
func showLead(a *ask) (answer, error) {
	row, err := a.leadByID("lead")
	if errors.Is(err, store.ErrNoLead) {
		return a.survivor(err)
	}
	if err != nil {
		return nil, err
	}
	ctx := a.Context()
	plan, view, err := a.site.API.ViewOf(ctx, row)
	if err != nil {
		return nil, err
	}
	view.Roster = a.roster
	l, at := row.Lead, max(a.now.UnixMicro(), row.Lead.Clock)
	switch a.viewer.Email {
	case l.Owner: // it is among My leads
	case l.Call.Holder:
		a.place = "/queue"
	default:
		a.place = "/search" // which is how others come to it
	}
	p := &leadPage{Account: row.Account, Pass: row.Pass, Works: a.viewer.May(WorkLeads)}
	if p.leadRow, err = a.leadRow(ctx, row); err != nil {
		return nil, err
	}
	if p.Reject, p.Back, err = a.reasons(row); err != nil {
		return nil, err
	}
	p.Tomorrow = a.tomorrow()
	p.From, p.Company = string(leadURL(row.ID)), cmp.Or(row.AccountName, row.AccountKey)
	if p.Brief, err = a.brief(ctx, row); err != nil {
		return nil, err
	}
	p.Title, p.Phone, p.Because = p.Brief.Title, cmp.Or(p.Phone, p.Brief.Phone), p.Brief.Because
	p.Email = p.Brief.Email
	p.Opening = p.Why

	story, next, err := a.site.Store.Timeline(ctx, row.ID, row.LastInput, lifecycle.NoInput, mostStory)
	if err != nil {
		return nil, err
	}
	past := make([]lifecycle.Decided, len(story))
	for i := range story {
		past[len(story)-1-i] = lifecycle.Decided{Input: story[i].Input, Decision: story[i].Decision}
	}
	told := lifecycle.BriefOf(plan, view, past, lifecycle.Speaker{Member: a.viewer.Email, Side: agreement.Sales}, at)
	a.wanted(p, plan, told)
	p.LetIn = clauseWords(&told)
	p.Score = a.score(plan, view, past, at, next != 0)
	p.explained(lifecycle.Explain(plan, view, at, past))
	if err := a.leadTimeline(p, row, story); err != nil {
		return nil, err
	}
	visits, err := a.site.Store.Stays(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	p.Path = a.path(plan, l, visits)
	a.speech(p, plan, view, at)
	a.leadClocks(p, plan, l, past)
	p.Questions = questions(plan, l)
	p.Levels = levels(plan, l, p.Questions)
	p.Worth = a.worth(plan, view, at, p.Questions, story)
	a.quote(p, story)
	p.Turn = a.turn(row)
	p.Talks = row.Side == "sales" && row.Outcome == ""
	a.actions(p, plan, l)
	if err := a.whoIsWho(p, row.ID); err != nil {
		return nil, err
	}
	return page{title: "Lead", body: leadBody(p), live: "lead&id=" + strconv.FormatInt(p.ID, 10), state: p.Name}, nil
}

// wanted takes from the brief why the lead came to where it is, and what came of it before.
func (a *ask) wanted(p *leadPage, plan *agreement.Plan, b lifecycle.Brief) {
	if r := b.Ready; r != nil {
		words := ""
		if text := a.plain(r.Text); text != "" {
			words = ": " + text
		}
		for i := range plan.Transitions {
			if t := &plan.Transitions[i]; words == "" && t.Address == r.Clause && t.When != nil {
				words = ", because " + document.When(plan, t.When)
			}
		}
		p.Ready = consequence{"In " + document.Title(r.Stage) + " since " + strings.TrimPrefix(a.dayWords(r.At), "on "), r.Clause}
		p.Ready.Words = sentence(p.Ready.Words + words)
	}
	for _, e := range b.Before {
		words := capital(e.What) + " by " + a.nameOf(e.Actor) + ", " + a.date(e.At)
		if e.Note != "" {
			words += ": “" + e.Note + "”"
		}
		p.Before = append(p.Before, words)
	}
}

// survivor leads to the lead that goes on for one that was merged.
func (a *ask) survivor(missing error) (answer, error) {
	id, _ := strconv.ParseInt(a.PathValue("lead"), 10, 64)
	into, err := a.site.Store.Survivor(a.Context(), id)
	switch {
	case err != nil:
		return nil, err
	case into == id:
		return nil, missing
	}
	if said := takeFlash(a); said != nil && said.Lead == id { // of what was done with it a moment ago
		said.Lead = into
		return redirect{to: string(leadURL(into)), said: said}, nil
	}
	return redirect{to: string(leadURL(into)), said: &flash{Who: fmt.Sprintf("Lead %d", id), Text: "is the same person as this one, which goes on for both."}}, nil
}

// leadTimeline fills in the part of the timeline that is asked for.
func (a *ask) leadTimeline(p *leadPage, row *store.ListedLead, story []store.Event) error {
	show := a.URL.Query().Get("show")
	kind := lifecycle.NoInput
	for _, s := range shows {
		href := string(leadURL(row.ID))
		if s.name != "" {
			href += "?show=" + s.name
		}
		p.Shown = append(p.Shown, link{Href: href + "#timeline", Words: s.words, Current: s.name == show})
		if s.name == show {
			kind = s.kind
		}
	}
	events, next := story[:min(len(story), mostTimeline)], int64(0)
	if len(story) > mostTimeline {
		next = story[mostTimeline].Input.ID
	}
	if from := a.after(); from != 0 || kind != lifecycle.NoInput {
		var err error
		if events, next, err = a.site.Store.Timeline(a.Context(), row.ID, cmp.Or(from, row.LastInput), kind, mostTimeline); err != nil {
			return err
		}
	}
	inputs := make([]int64, 0, len(events))
	for i := range events {
		inputs = append(inputs, events[i].Input.ID)
	}
	jobs, err := a.site.Store.JobsOf(a.Context(), inputs)
	if err != nil {
		return err
	}
	p.Timeline, p.More = a.timeline(events, jobs), a.nextPage(next)
	if p.More != "" {
		p.More += "#timeline"
	}
	return nil
}

// explained keeps of an explanation what the page does not show elsewhere.
func (p *leadPage) explained(e lifecycle.Explanation) {
	for _, s := range e.Sections {
		switch s.Title {
		case "stage", "owner", "calls", "who it is":
			p.Reasons = append(p.Reasons, s)
		}
	}
}

// speech tells who holds the conversation, and who may speak by what.
func (a *ask) speech(p *leadPage, plan *agreement.Plan, view *lifecycle.View, at int64) {
	you := lifecycle.May(plan, view, lifecycle.Speaker{Member: a.viewer.Email, Side: agreement.Sales}, "", at)
	p.SpeechClause = you.Clause
	if you.Clause == "consent" {
		p.SpeechClause = ""
		p.HoldsBy = "Nobody may: " + you.Text
		return
	}
	switch {
	case you.Holder == "":
		p.HoldsBy = "Nobody holds the conversation alone"
	case you.Holder == "marketing":
		p.Holder, p.HoldsBy = "marketing", "Marketing holds the conversation"
	case you.Holder == a.viewer.Email:
		p.Holder, p.HoldsBy = "sales", "You hold the conversation"
	default:
		p.Holder, p.HoldsBy = "sales", a.nameOf(you.Holder)+" holds the conversation"
		if you.Holder == "sales" {
			p.HoldsBy = "Sales holds the conversation"
		}
	}
	if a.roster.Member(a.viewer.Email) != nil {
		if you.Allowed {
			p.Speech = append(p.Speech, speech{May: true, Words: "You, now"})
		} else {
			p.Speech = append(p.Speech, speech{Words: "Not you at the moment", Hint: a.plain(you.Text)})
		}
	}
	for i := range plan.Channels {
		p.Channels = append(p.Channels, plan.Channels[i].Name)
	}
	for _, side := range []agreement.Side{agreement.Sales, agreement.Marketing} {
		who := lifecycle.Speaker{Side: side}
		if side == agreement.Sales && view.Lead.Owner != "" {
			who.Member = view.Lead.Owner
		}
		var may, not []string
		for i := range plan.Channels {
			name := plan.Channels[i].Name
			if lifecycle.May(plan, view, who, name, at).Allowed {
				may = append(may, name)
			} else {
				not = append(not, name)
			}
		}
		name := capital(side.String())
		switch {
		case len(plan.Channels) == 0:
			p.Speech = append(p.Speech, speech{May: lifecycle.May(plan, view, who, "", at).Allowed, Words: name})
		case len(not) == 0:
			p.Speech = append(p.Speech, speech{May: true, Words: name + ", by any channel"})
		case len(may) == 0:
			p.Speech = append(p.Speech, speech{Words: name + " waits", Hint: "no " + strings.Join(not, ", no ")})
		default:
			p.Speech = append(p.Speech, speech{May: true, Words: name + ", by " + strings.Join(may, " or "), Hint: "not by " + strings.Join(not, " or ")})
		}
	}
}

// leadClocks are the clocks that run, and of the present hand-off those that were kept.
func (a *ask) leadClocks(p *leadPage, plan *agreement.Plan, l *lifecycle.Lead, past []lifecycle.Decided) {
	seen := map[string]bool{}
	for i := range l.Clocks {
		k := &l.Clocks[i]
		left := a.left(plan, k)
		if left.State == "go" || left.State == "soon" {
			left.Long = calendar.Duration{Amount: k.Within, Unit: calendar.Unit(k.Unit)}.String() + " from " + a.clockTime(k.Started) + ", " + left.By
		}
		p.Clocks = append(p.Clocks, leadClock{left, capital(clockWords(k.Name)), k.Name, k.Version})
		seen[k.Name] = true
	}
	for i := range slices.Backward(past) {
		d := &past[i].Decision
		for j := range slices.Backward(d.Changes) {
			c := &d.Changes[j]
			if c.Kind != lifecycle.ClockStopped || seen[c.Name] || c.To == "dropped" || len(p.Clocks) >= 5 {
				continue
			}
			seen[c.Name] = true
			t := timeLeft{State: "kept", Words: "Kept", Long: "Kept, " + a.clockTime(d.At)}
			if c.To == "late" {
				t = timeLeft{State: "late", Words: "Done after the time", Long: "Done after the time, " + a.clockTime(d.At)}
			}
			p.Clocks = append(p.Clocks, leadClock{t, capital(clockWords(c.Name)), c.Name, d.Version})
		}
	}
	if h := &l.Handoff; h.Rule >= 0 && h.Rule < len(plan.Handoffs) && p.Offered {
		if c := &plan.Handoffs[h.Rule]; !c.ContactWithin.IsZero() && !seen[c.ContactClause.Address] {
			p.Clocks = append(p.Clocks, leadClock{timeLeft{State: "paused", Words: "Not started", Long: c.ContactWithin.String() + " from acceptance"}, "Time for a first contact", c.ContactClause.Address, l.Version})
		}
	}
}

// quote is the newest note of a colleague.
func (a *ask) quote(p *leadPage, story []store.Event) {
	for i := range story {
		in := &story[i].Input
		switch in.Kind {
		case lifecycle.Contact, lifecycle.Answered, lifecycle.HandBack, lifecycle.Reject, lifecycle.Assign, lifecycle.Accept, lifecycle.Release:
			if text := strings.TrimSpace(in.Text); text != "" && story[i].Decision.Refused == "" {
				p.Quote, p.QuoteBy = text, a.nameOf(in.Actor)+", "+strings.TrimPrefix(a.dayWords(in.At), "on ")
				return
			}
		}
	}
}

// turn says whose turn it is.
func (a *ask) turn(row *store.ListedLead) string {
	switch {
	case row.Outcome != "":
		return "It is over: " + endWords(row.Outcome)
	case row.Owner == a.viewer.Email:
		return "Your turn"
	case row.Owner != "":
		return a.nameOf(row.Owner) + "’s turn"
	case row.Queue != "":
		return "In the queue " + spaced(row.Queue)
	}
	return "With " + row.Side
}

// actions are what people may do with the lead, beside accepting and giving back.
func (a *ask) actions(p *leadPage, plan *agreement.Plan, l *lifecycle.Lead) {
	for i := range plan.Transitions {
		t := &plan.Transitions[i]
		if t.By == agreement.NoSide || !slices.Contains(t.From, l.Stage) {
			continue
		}
		switch plan.Stages[t.To].Final {
		case agreement.Won, agreement.Lost:
			p.Winnable = true
		case agreement.WalkedAway: // with a reason, where it is asked whether the lead is worth it
		default:
			p.Moves = append(p.Moves, reason{Name: t.Name, Words: "To " + document.Title(plan.Stages[t.To].Name), Then: t.Address})
		}
	}
	p.Members = a.members(l.Owner)
}

// members are those who can be given something.
func (a *ask) members(chosen string) (list []option) {
	if a.roster == nil {
		return nil
	}
	for i := range a.roster.Members {
		if m := &a.roster.Members[i]; !m.Inactive {
			list = append(list, option{m.ID, cmp.Or(m.Name, m.ID), m.ID == chosen})
		}
	}
	return list
}

// whoIsWho finds the leads that may be the same person, and those that are part of this one.
func (a *ask) whoIsWho(p *leadPage, id int64) error {
	list, err := a.site.Store.Alike(a.Context(), id)
	if err != nil {
		return err
	}
	for _, v := range list {
		p.Alike = append(p.Alike, alike{v.Lead, cmp.Or(v.Name, v.Email, "Lead "+strconv.FormatInt(v.Lead, 10)), v.Key.Value})
	}
	merged, err := a.site.Store.MergedInto(a.Context(), []int64{id})
	for _, m := range merged {
		p.Merged = append(p.Merged, m.Lead)
	}
	return err
}

// merge says that a lead and another are one person; the address leads to the one that goes on.
func merge(a *ask) (answer, error) {
	with := strings.TrimPrefix(strings.TrimSpace(a.PostFormValue("with")), "#")
	return a.sameOrNot(a.PathValue("lead"), with, lifecycle.Merge, "merged")
}

// split says that a lead that was merged into another is a person of its own.
func split(a *ask) (answer, error) {
	return a.sameOrNot(cmp.Or(a.PostFormValue("other"), a.PathValue("lead")), "", lifecycle.Split, "split: two people again")
}

func (a *ask) sameOrNot(ref, with string, kind lifecycle.InputKind, done string) (answer, error) {
	in := lifecycle.Input{Kind: kind, Actor: a.viewer.Email, Source: "web", Text: a.PostFormValue("note")}
	said := &flash{Who: a.PostFormValue("who"), Text: done}
	said.Lead, _ = strconv.ParseInt(a.PathValue("lead"), 10, 64)
	act := "split"
	var d *lifecycle.Decision
	var err error
	if kind == lifecycle.Merge {
		act = "merge"
		if with == "" {
			err = badField("say which lead is the same person: its number, or its e-mail address")
		}
	}
	if err == nil {
		d, err = a.site.API.Same(a.Context(), ref, with, in, "")
	}
	lead := said.Lead
	if err := said.outcome(d, err); err != nil {
		return nil, err
	}
	said.Lead = lead // it is the other one that may be gone
	return a.refusedForm(said, act, a.back(string(leadURL(said.Lead))))
}

// endWords are how a lead ended.
func endWords(outcome string) string {
	if outcome == agreement.WalkedAway.String() {
		return "left to others"
	}
	return spaced(outcome)
}
