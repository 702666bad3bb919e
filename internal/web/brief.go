package web

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// brief is what somebody should know before they speak to a lead.
type brief struct {
	ID           int64
	Name, Title  string
	Company      string
	Account      int64
	Phone, Email string
	Did          []deed
	Said         []lifecycle.NoticeFact // what they answered
	Ask          string                 // the next question to ask, "" for none
	Level        int
	Raises       string // what would raise the readiness
	Mates        []mate
	Facts        []lifecycle.NoticeFact
	Speaks       string // side that holds the conversation
	SpeaksWords  string
	SpeaksClause string
	Because      string // the clause that gave it to its owner
	Version      int64
	Consent      bool // false: nothing may be sent or said
	Pass         int64
}

// deed is something the lead did, with the clause that counts it.
type deed struct{ Day, Words, Clause string }

// mate is somebody else at the same company.
type mate struct {
	ID                 int64
	Name, Words, Grade string
}

const mostMates = 5

// showBrief answers with the brief of a lead, for the column beside a list.
func showBrief(a *ask) (answer, error) {
	row, err := a.leadByID("lead")
	if err != nil {
		return nil, err
	}
	b, err := a.brief(a.Context(), row)
	if err != nil {
		return nil, err
	}
	return part{briefBody(b)}, nil
}

// leadByID returns the lead that a part of the address names by its number.
func (a *ask) leadByID(part string) (*store.ListedLead, error) {
	id, err := strconv.ParseInt(a.PathValue(part), 10, 64)
	if err != nil {
		return nil, errNotFound
	}
	return a.site.Store.LeadByID(a.Context(), id)
}

// brief makes three queries: the account, those of the same company, and the decision that offered the lead.
func (a *ask) brief(ctx context.Context, row *store.ListedLead) (*brief, error) {
	plan, view, err := a.site.API.ViewOf(ctx, row)
	if err != nil {
		return nil, err
	}
	view.Roster = a.roster
	l, at := row.Lead, max(a.now.UnixMicro(), row.Lead.Clock)
	b := &brief{ID: row.ID, Name: leadName(row), Company: row.AccountName, Account: row.Account, Level: l.Readiness, Version: row.Version, Pass: row.Pass, Consent: true}
	if s := l.Consent.Status; s == lifecycle.Objected || s == lifecycle.Withdrawn {
		b.Consent = false
	}
	b.Title, b.Phone, b.Facts = known(plan, view, at)
	if l.Consent.Status != lifecycle.Objected {
		b.Email = row.Email
		b.Did = a.deeds(plan, l, at)
	}
	var open []string
	for i := range plan.Questions {
		if i < len(l.Answers) && l.Answers[i].Known() {
			b.Said = append(b.Said, lifecycle.NoticeFact{Name: document.Title(plan.Questions[i].Name), Value: capital(answerWords(l.Answers[i]))})
			continue
		}
		if b.Ask == "" {
			b.Ask = plan.Questions[i].Ask
		}
		open = append(open, spaced(plan.Questions[i].Name))
	}
	if len(open) > 0 && l.Readiness < 5 {
		b.Raises = "still to ask: " + strings.Join(open, ", ")
	}
	v := lifecycle.May(plan, view, lifecycle.Speaker{Member: a.viewer.Email, Side: agreement.Sales}, "", at)
	b.SpeaksClause, b.SpeaksWords = v.Clause, capital(v.Text)
	switch {
	case v.Clause == "consent":
		b.SpeaksClause = "" // it stands above the agreement
	case v.Holder == "marketing":
		b.Speaks = "marketing"
	case v.Holder != "":
		b.Speaks = "sales"
	}
	if v.Holder == a.viewer.Email {
		b.SpeaksWords = "You hold the conversation"
	}
	if row.Account != 0 {
		rows, err := a.site.Store.ListLeads(ctx, store.LeadFilter{Account: row.Account}, 0, mostMates+1)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if r := &rows[i]; r.ID != row.ID && len(b.Mates) < mostMates {
				words := document.Title(r.Stage)
				if r.Owner != "" && r.Outcome == "" {
					words += " · with " + a.nameOf(r.Owner)
				}
				b.Mates = append(b.Mates, mate{r.ID, leadName(r), words, r.Grade})
			}
		}
	}
	if h := &l.Handoff; h.ID != 0 && h.Reassigned == 0 && row.Owner != "" {
		e, err := a.site.Store.EventOf(ctx, h.ID)
		if err != nil {
			return nil, err
		}
		for i := range e.Decision.Changes {
			if c := &e.Decision.Changes[i]; c.Kind == lifecycle.OwnerSet && c.To == row.Owner && c.Reason > 0 {
				b.Because = e.Decision.Reasons[c.Reason-1].Clause
			}
		}
	}
	return b, nil
}

// known is what is known of a lead, but for what stands in the head of what shows it.
func known(plan *agreement.Plan, view *lifecycle.View, at int64) (title, phone string, facts []lifecycle.NoticeFact) {
	for _, f := range lifecycle.Known(plan, view, at) {
		switch f.Name {
		case "Title":
			title = f.Value
		case "Phone":
			phone = f.Value
		case "Name", "Company name", "Email", "Score":
		default:
			if !strings.Contains(f.Value, " ") {
				f.Value = spaced(f.Value)
			}
			facts = append(facts, f)
		}
	}
	return title, phone, facts
}

// leadName is what people call a lead.
func leadName(row *store.ListedLead) string {
	return cmp.Or(row.Name, row.Email, "Lead "+strconv.FormatInt(row.ID, 10))
}

// deeds are the most telling things that a lead did, the worthiest first, each with the rule that counts it.
func (a *ask) deeds(plan *agreement.Plan, l *lifecycle.Lead, at int64) []deed {
	list := slices.Clone(l.Activities)
	slices.SortStableFunc(list, func(x, y agreement.Memory) int {
		return cmp.Or(cmp.Compare(plan.Activities[y.Activity].Worth, plan.Activities[x.Activity].Worth), cmp.Compare(y.Last, x.Last))
	})
	var out []deed
	for _, m := range list[:min(len(list), max(3, plan.Brief.Activities))] {
		d := deed{Day: capital(strings.TrimPrefix(a.dayWords(m.Last), "on ")), Words: capital(activityWords(plan, &m))}
		for i := range plan.Engagement {
			if rule := &plan.Engagement[i]; slices.Contains(rule.Activities, m.Activity) && rule.Asset < 0 {
				d.Clause = rule.Address
				break
			}
		}
		out = append(out, d)
	}
	return out
}

// activityWords says what was done and how often: "pricing viewed 3 times".
func activityWords(plan *agreement.Plan, m *agreement.Memory) string {
	s := spaced(plan.Activities[m.Activity].Name)
	switch {
	case m.Count == 2:
		s += " twice"
	case m.Count > 2:
		s += " " + strconv.FormatInt(m.Count, 10) + " times"
	}
	return s
}
