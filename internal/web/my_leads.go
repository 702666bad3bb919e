package web

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// myLeadsPage is what a rep has to do, in order.
type myLeadsPage struct {
	Next  *leadRow // the one thing to do now
	Brief *brief   // of Next, or of the first of what goes on; nil for nobody
	New   leadRows // offered, beside Next
	Speak leadRows // accepted, and nobody was reached yet
	Going leadRows // in conversation
	Await leadRows // it is their turn: they were written to, and time enough is left
	// What there is time for by agreement, of the first of New and of Speak: "4 working hours".
	Accept, Contact string
	Nearest         string  // of what goes on: "Freya Aldercott, by 13:30"
	Here            string  // where its forms lead back to
	Queue           bool    // the viewer may call from the queue
	Several         leadRow // of the bar for several at once: the reasons of all, and the clauses that let any of them through
}

// leadRows are leads with the same thing to do, what runs out first before the others.
type leadRows struct {
	Rows []leadRow // those shown
	Of   int       // how many there are
}

// take takes the first out of a list that has one.
func (l *leadRows) take() *leadRow {
	first := &l.Rows[0]
	l.Rows, l.Of = l.Rows[1:], l.Of-1
	return first
}

// lists are the lists of the page, in its order.
func (p *myLeadsPage) lists() []*leadRows { return []*leadRows{&p.New, &p.Speak, &p.Going, &p.Await} }

// leadRow is a lead as lists of work show it.
type leadRow struct {
	ID, Seen      int64
	Name, Company string
	Why           string // one sentence
	Stage, Grade  string
	Phone, Email  string
	Offered       bool // a hand-off of it is open
	Left          timeLeft
	Deadline      string // the clause of the clock, "" for none
	Version       int64  // of the agreement that it follows
	Because       string // the clause that gave it to its owner, "" if that is not at hand
	Reject, Back  []reason
	LetIn         []option // the clauses that let it through
	Tomorrow      string   // where the agreement is at home
	Entered       string
	From          string // where its forms lead back to, "" where it has none
}

const (
	mostRead  = 1000 // leads under way of one person; nobody works more
	mostShown = 50   // of each list, until somebody wants all
	mostLetIn = 25   // rows whose menus ask for a clause and a day; for those further down the page of the lead does
)

// waitingLeads counts what waits for the viewer: hand-offs to answer, and people to speak to for the first time.
func waitingLeads(a *ask) (int64, error) {
	return a.site.Store.CountWaiting(a.Context(), a.viewer.Email)
}

// myLeads makes nine queries: the roster and the counts that every page has, the leads of the viewer, what was last said to
// them, how they came to sales, and three for the brief.
func myLeads(a *ask) (answer, error) {
	underWay := ""
	rows, err := a.site.Store.ListLeads(a.Context(), store.LeadFilter{Owner: a.viewer.Email, Outcome: &underWay}, 0, mostRead)
	if err != nil {
		return nil, err
	}
	var held []int64
	for i := range rows {
		if !offered(rows[i].Lead) {
			held = append(held, rows[i].ID)
		}
	}
	said, err := a.site.Store.LastContacts(a.Context(), held)
	if err != nil {
		return nil, err
	}
	p := myLeadsPage{Queue: a.plan.Tele != nil && a.viewer.May(WorkQueue)}
	for i := range rows {
		row, err := a.leadRow(a.Context(), &rows[i])
		if err != nil {
			return nil, err
		}
		last := said[row.ID]
		switch h := &rows[i].Lead.Handoff; {
		case row.Offered:
			p.New.Rows = append(p.New.Rows, row)
		case theirTurn(&rows[i], &last) && !row.Left.Near && row.Left.State != "late":
			row.Why = capital(a.lastSaid(&last.Input)) + ". Nothing came back yet."
			p.Await.Rows = append(p.Await.Rows, row)
		case h.State == lifecycle.HandoffAccepted && h.Contacted == 0 && rows[i].Side == "sales":
			p.Speak.Rows = append(p.Speak.Rows, row)
		default:
			p.Going.Rows = append(p.Going.Rows, row)
		}
	}
	for _, list := range p.lists() {
		slices.SortStableFunc(list.Rows, func(x, y leadRow) int {
			return cmp.Or(cmp.Compare(x.Left.Due, y.Left.Due), cmp.Compare(gradeRank(x.Grade), gradeRank(y.Grade)), cmp.Compare(x.ID, y.ID))
		})
	}
	all := a.URL.Query().Has("all")
	if p.Here = "/leads"; all {
		p.Here = "/leads?all=1"
	}
	for _, list := range p.lists() {
		if list.Of = len(list.Rows); list.Of > mostShown && !all {
			list.Rows = list.Rows[:mostShown]
		}
	}
	if err := a.menus(&p, rows); err != nil {
		return nil, err
	}
	p.Accept, p.Contact = a.within(p.New.Rows), a.within(p.Speak.Rows)
	for _, list := range []leadRows{p.Await, p.Going} {
		if list.Of > 0 && list.Rows[0].Left.Due < agreement.Never {
			p.Nearest = list.Rows[0].Name + ", " + cmp.Or(list.Rows[0].Left.Rest, list.Rows[0].Left.By)
		}
	}
	// What is over or runs out first comes first, offers before conversations.
	switch {
	case p.New.Of > 0:
		p.Next = p.New.take()
	case p.Speak.Of > 0:
		p.Next = p.Speak.take()
	}
	var first *leadRow
	switch {
	case p.Next != nil:
		first = p.Next
	case p.Going.Of > 0:
		first = &p.Going.Rows[0]
	}
	for i := range rows {
		if first != nil && rows[i].ID == first.ID {
			if p.Brief, err = a.brief(a.Context(), &rows[i]); err != nil {
				return nil, err
			}
			first.Because = p.Brief.Because
		}
	}
	return page{title: "My leads", body: myLeadsBody(p), live: "leads", state: a.today()}, nil
}

// menus fills in what may be chosen for the leads on the page: for all of them the reasons, for those that stand first also the clauses that
// let them through, for whoever gives them back to name one, and a day.
func (a *ask) menus(p *myLeadsPage, rows []store.ListedLead) error {
	byID := make(map[int64]*store.ListedLead, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	var first []*leadRow
	var offers []int64
	for _, list := range p.lists() {
		for i := range list.Rows {
			r := &list.Rows[i]
			row := byID[r.ID]
			var err error
			if r.Reject, r.Back, err = a.reasons(row); err != nil {
				return err
			}
			if r.From = p.Here; len(first) == mostLetIn {
				continue
			}
			first = append(first, r)
			if id := row.Lead.Handoff.ID; id != 0 {
				offers = append(offers, id)
			}
		}
	}
	events, err := a.site.Store.EventsOf(a.Context(), offers)
	if err != nil {
		return err
	}
	p.Several = leadRow{Reject: rejections(a.plan), Back: handbacks(a.plan), Tomorrow: a.tomorrow()}
	for _, r := range first {
		row := byID[r.ID]
		plan, view, err := a.site.API.ViewWith(a.Context(), row, nil)
		if err != nil {
			return err
		}
		view.Roster = a.roster
		var past []lifecycle.Decided
		if e, ok := events[row.Lead.Handoff.ID]; ok {
			past = []lifecycle.Decided{{Input: e.Input, Decision: e.Decision}}
		}
		told := lifecycle.BriefOf(plan, view, past, lifecycle.Speaker{Member: a.viewer.Email, Side: agreement.Sales}, max(a.now.UnixMicro(), row.Lead.Clock))
		r.LetIn, r.Tomorrow = clauseWords(&told), a.tomorrow()
		for _, o := range r.LetIn {
			if name, _, _ := strings.Cut(o.Words, ": "); !slices.ContainsFunc(p.Several.LetIn, func(have option) bool { return have.Value == o.Value }) {
				p.Several.LetIn = append(p.Several.LetIn, option{Value: o.Value, Words: name})
			}
		}
	}
	slices.SortFunc(p.Several.LetIn, func(x, y option) int { return strings.Compare(x.Words, y.Words) })
	return nil
}

// tomorrow is the first day on which a lead may come back, where the agreement is at home.
func (a *ask) tomorrow() string {
	return a.now.In(a.plan.Calendar.Zone()).AddDate(0, 0, 1).Format(time.DateOnly)
}

// pickedBefore is whether a lead was selected for something with several that it was refused for.
func pickedBefore(ctx context.Context, lead int64) bool {
	return slices.Contains(strings.Fields(typedBefore(ctx, 0, bulkAct, "lead")), strconv.FormatInt(lead, 10))
}

// pickedBefore is whether any that stands in a list was.
func (p *myLeadsPage) pickedBefore(ctx context.Context) bool {
	for _, list := range p.lists() {
		if slices.ContainsFunc(list.Rows, func(r leadRow) bool { return pickedBefore(ctx, r.ID) }) {
			return true
		}
	}
	return false
}

// theirTurn is whether the last word of a conversation was ours, and the lead is to answer: it was written to, or a message was left,
// and it did nothing since. last is the newest contact, empty for none.
func theirTurn(row *store.ListedLead, last *store.Event) bool {
	in := &last.Input
	if in.Name != "sent" && in.Name != "voicemail" || last.Decision.Refused != "" || in.At < row.Lead.Handoff.Since {
		return false
	}
	return !slices.ContainsFunc(row.Lead.Activities, func(m agreement.Memory) bool { return m.Last > in.At })
}

// lastSaid puts a contact into words: "you left a voicemail on Wed".
func (a *ask) lastSaid(in *lifecycle.Input) string {
	who := "you"
	if in.Actor != a.viewer.Email {
		who = a.nameOf(in.Actor)
	}
	return who + " " + outcomeWords(in.Name) + " " + a.dayWords(in.At)
}

// within is how much time the agreement gives for the clock of the first lead of a list, "" if that is not at hand.
func (a *ask) within(list []leadRow) string {
	if len(list) == 0 {
		return ""
	}
	for i := range a.plan.Handoffs {
		switch h := &a.plan.Handoffs[i]; list[0].Deadline {
		case h.AcceptClause.Address:
			return h.AcceptWithin.String()
		case h.ContactClause.Address:
			return h.ContactWithin.String()
		}
	}
	return ""
}

// nothingWaits says what comes next for somebody who has nothing to do.
func nothingWaits(p myLeadsPage) string {
	text := "New hand-offs appear here by themselves, with the time there is to answer them."
	if p.Nearest != "" {
		return "The next deadline is " + p.Nearest + ". " + text
	}
	return text
}

func answerHint(p myLeadsPage) string {
	if p.Accept == "" {
		return "Accept or reject"
	}
	return "Accept or reject within " + p.Accept
}

func contactHint(p myLeadsPage) string {
	if p.Contact == "" {
		return "Accepted, and nobody was reached yet"
	}
	return "First contact with a person within " + p.Contact + " of accepting"
}

func awaitHint(p myLeadsPage) string {
	if first := &p.Await.Rows[0]; first.Left.Due < agreement.Never {
		return "Nothing to do. The first deadline: " + cmp.Or(first.Left.Rest, first.Left.Words+", "+first.Left.By)
	}
	return "Nothing to do"
}

// told is what a row has, so that scripts can tell of its clock when half and a quarter of its time is left and when it is over: a
// step, and the words.
func told(r *leadRow) templ.Attributes {
	step := ""
	switch {
	case r.Left.State == "late":
		step = "3"
	case r.Left.State == "soon":
		step = "2"
	case r.Left.State == "go" && r.Left.Share < .5:
		step = "1"
	case r.Left.State == "go":
		step = "0"
	}
	if step == "" {
		return nil
	}
	return templ.Attributes{"data-clock": step, "data-left": r.Name + ": " + r.Left.Long}
}

// gradeRank orders grades, the best first and none last.
func gradeRank(g string) string { return cmp.Or(g, "Z") }

// leadRow puts a lead into words.
func (a *ask) leadRow(ctx context.Context, row *store.ListedLead) (leadRow, error) {
	plan, err := a.site.API.PlanOf(ctx, row.Version)
	if err != nil {
		return leadRow{}, err
	}
	l := row.Lead
	r := leadRow{ID: row.ID, Seen: row.LastInput, Name: leadName(row), Company: row.AccountName,
		Stage: row.Stage, Grade: row.Grade, Email: row.Email, Version: row.Version, Left: timeLeft{State: "none", Words: "No clock", By: "in " + document.Title(row.Stage), Due: agreement.Never}}
	r.Phone = textOf(plan, l, "phone")
	r.Offered = offered(l)
	r.Why = a.why(plan, l)
	for i := range l.Clocks {
		if k := &l.Clocks[i]; k.Due < r.Left.Due || r.Deadline == "" {
			r.Left, r.Deadline = a.left(plan, k), k.Name
		}
	}
	return r, nil
}

// reasons are those for which a lead may be rejected and handed back.
func (a *ask) reasons(row *store.ListedLead) (reject, back []reason, err error) {
	plan, err := a.site.API.PlanOf(a.Context(), row.Version)
	if err != nil {
		return nil, nil, err
	}
	if rule := row.Lead.Handoff.Rule; rule >= 0 && rule < len(plan.Handoffs) {
		for _, slot := range plan.Handoffs[rule].Reject {
			reject = append(reject, reasonOf(plan, &plan.Handbacks[slot]))
		}
	}
	return reject, handbacks(plan), nil
}

// offered is whether a hand-off of a lead is open.
func offered(l *lifecycle.Lead) bool {
	return l.Handoff.Rule >= 0 && (l.Handoff.State == lifecycle.HandoffOpen || l.Handoff.State == lifecycle.HandoffEscalated)
}

// handbacks are the reasons to hand a lead back.
func handbacks(plan *agreement.Plan) (list []reason) {
	for i := range plan.Handbacks {
		list = append(list, reasonOf(plan, &plan.Handbacks[i]))
	}
	return list
}

// rejections are the reasons to reject a lead, of all hand-offs.
func rejections(plan *agreement.Plan) (list []reason) {
	var slots []int
	for i := range plan.Handoffs {
		slots = append(slots, plan.Handoffs[i].Reject...)
	}
	slices.Sort(slots)
	for _, slot := range slices.Compact(slots) {
		list = append(list, reasonOf(plan, &plan.Handbacks[slot]))
	}
	return list
}

// reasonOf puts a reason to give a lead back into words, with what follows from it.
func reasonOf(plan *agreement.Plan, b *agreement.Handback) reason {
	r := reason{Name: b.Name, Words: capital(spaced(b.Name)), Then: "goes to " + document.Title(plan.Stages[b.To].Name), Returns: plan.Stages[b.To].Final == agreement.NotFinal}
	if b.Track >= 0 {
		r.Then = spaced(plan.Tracks[b.Track].Name)
	}
	if b.Revisit > 0 {
		r.Then += ", back in " + strconv.FormatInt(b.Revisit/(24*hour), 10) + " days"
	}
	return r
}

// capital writes a text with a capital.
func capital(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// why says in a sentence what the lead did that tells most: the worthiest activities, of these the latest.
func (a *ask) why(plan *agreement.Plan, l *lifecycle.Lead) string {
	list := slices.Clone(l.Activities)
	slices.SortStableFunc(list, func(x, y agreement.Memory) int {
		return cmp.Or(cmp.Compare(plan.Activities[y.Activity].Worth, plan.Activities[x.Activity].Worth), cmp.Compare(y.Last, x.Last))
	})
	var parts []string
	for i, m := range list[:min(len(list), 3)] {
		s := activityWords(plan, &m)
		switch {
		case i > 0:
		case m.Count > 1:
			s += ", last " + strings.TrimPrefix(a.dayWords(m.Last), "on ")
		default:
			s += " " + a.dayWords(m.Last)
		}
		parts = append(parts, s)
	}
	if len(parts) == 0 {
		return "Nothing is known of what they did yet."
	}
	return capital(strings.Join(parts, "; ")) + "."
}

// dayWords names a day as people do: "today", "on Wed", "on 3 Nov".
func (a *ask) dayWords(at int64) string {
	t, now := time.UnixMicro(at).In(a.zone), a.now.In(a.zone)
	switch d := dayNumber(now) - dayNumber(t); {
	case d == 0:
		return "today"
	case d == 1:
		return "yesterday"
	case d > 1 && d < 7:
		return "on " + t.Format("Mon")
	case t.Year() == now.Year():
		return "on " + t.Format("2 Jan")
	}
	return "on " + t.Format("2 Jan 2006")
}

func dayNumber(t time.Time) int64 {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// textOf returns what is known of an attribute of a lead, "" for nothing.
func textOf(plan *agreement.Plan, l *lifecycle.Lead, name string) string {
	slot, ok := plan.Index.Attribute[name]
	if !ok || slot >= len(l.Attributes) || !l.Attributes[slot].Known() {
		return ""
	}
	return l.Attributes[slot].String()
}
