package web

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// myLeadsPage is what a rep has to do, in order.
type myLeadsPage struct {
	Next  *leadRow  // the one thing to do now
	Brief *brief    // of Next, or of the first of what goes on; nil for nobody
	New   []leadRow // offered, beside Next
	Speak []leadRow // accepted, and nobody was reached yet
	Going []leadRow // in conversation
	Rest  int       // in conversation, and not shown
	// Of the bar for several at once.
	Reject, Back []reason
}

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
	Entered       string
	From          string // the page whose forms these are, "" for My leads
}

const (
	mostRead  = 1000 // leads under way of one person; nobody works more
	mostGoing = 100  // of those in conversation, shown
)

// waitingLeads counts what waits for the viewer: hand-offs to answer, and people to speak to for the first time.
func waitingLeads(a *ask) (int64, error) {
	return a.site.Store.CountWaiting(a.Context(), a.viewer.Email)
}

// myLeads makes seven queries: the roster and the counts that every page has, the leads of the viewer, and three for the brief.
func myLeads(a *ask) (answer, error) {
	underWay := ""
	rows, err := a.site.Store.ListLeads(a.Context(), store.LeadFilter{Owner: a.viewer.Email, Outcome: &underWay}, 0, mostRead)
	if err != nil {
		return nil, err
	}
	p := myLeadsPage{}
	for i := range rows {
		row, err := a.leadRow(a.Context(), &rows[i])
		if err != nil {
			return nil, err
		}
		switch h := &rows[i].Lead.Handoff; {
		case row.Offered:
			p.New = append(p.New, row)
		case h.State == lifecycle.HandoffAccepted && h.Contacted == 0 && rows[i].Side == "sales":
			p.Speak = append(p.Speak, row)
		default:
			p.Going = append(p.Going, row)
		}
	}
	p.Reject, p.Back = rejections(a.plan), handbacks(a.plan)
	for _, list := range [][]leadRow{p.New, p.Speak, p.Going} {
		slices.SortStableFunc(list, func(x, y leadRow) int {
			return cmp.Or(cmp.Compare(x.Left.Due, y.Left.Due), cmp.Compare(gradeRank(x.Grade), gradeRank(y.Grade)), cmp.Compare(x.ID, y.ID))
		})
	}
	if len(p.Going) > mostGoing {
		p.Rest, p.Going = len(p.Going)-mostGoing, p.Going[:mostGoing]
	}
	// What is over or runs out first comes first, offers before conversations.
	switch {
	case len(p.New) > 0:
		p.Next, p.New = &p.New[0], p.New[1:]
	case len(p.Speak) > 0:
		p.Next, p.Speak = &p.Speak[0], p.Speak[1:]
	}
	var first *leadRow
	switch {
	case p.Next != nil:
		first = p.Next
	case len(p.Going) > 0:
		first = &p.Going[0]
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
		Stage: row.Stage, Grade: row.Grade, Email: row.Email, Version: row.Version, Left: timeLeft{State: "none", Words: "No clock", By: "in " + row.Stage, Due: agreement.Never}}
	r.Phone = textOf(plan, l, "phone")
	h := &l.Handoff
	r.Offered = h.Rule >= 0 && (h.State == lifecycle.HandoffOpen || h.State == lifecycle.HandoffEscalated)
	r.Why = a.why(plan, l)
	for i := range l.Clocks {
		if k := &l.Clocks[i]; k.Due < r.Left.Due || r.Deadline == "" {
			r.Left, r.Deadline = a.left(plan, k), k.Name
		}
	}
	if h.Rule >= 0 && h.Rule < len(plan.Handoffs) {
		for _, slot := range plan.Handoffs[h.Rule].Reject {
			r.Reject = append(r.Reject, reasonOf(plan, &plan.Handbacks[slot]))
		}
	}
	r.Back = handbacks(plan)
	return r, nil
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
	r := reason{Name: b.Name, Words: capital(strings.ReplaceAll(b.Name, "_", " ")), Then: "goes to " + plan.Stages[b.To].Name}
	if b.Track >= 0 {
		r.Then = strings.ReplaceAll(plan.Tracks[b.Track].Name, "_", " ")
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
