package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"baton/internal/store"
)

// conflictsPage is who spoke to a lead while another held the conversation.
type conflictsPage struct {
	Filters  []filter
	Filtered bool
	First    bool
	Rows     []conflictRow
	Next     string
}

// conflictRow is one contact that the rules of engagement, or consent, did not allow.
type conflictRow struct {
	ID                  int64
	Link, Name, Company string
	When, Who, WhoSide  string
	How                 string // "wrote to them, by email"
	Holder, HolderSide  string // who held the conversation, in words
	Clause              string
	Version             int64 // of the agreement, that by which it was decided
	Consent             bool  // the lead had said that nobody may
}

const conflictRows = 50

var conflictFilters = []string{"period", "who"}

// conflictFilter is which conflicts an address asks for.
func (a *ask) conflictFilter() (f store.ConflictFilter, period string) {
	q := a.URL.Query()
	period = q.Get("period")
	span := a.spanOf(period)
	if span == (store.Span{}) {
		period = ""
	}
	f = store.ConflictFilter{Since: span.From, Until: span.Until, Actor: strings.ToLower(strings.TrimSpace(q.Get("who")))}
	return f, period
}

// showConflicts makes two queries beside those of every page: the conflicts, and their leads.
func showConflicts(a *ask) (answer, error) {
	f, period := a.conflictFilter()
	f.Before = a.after()
	list, err := a.site.Store.Conflicts(a.Context(), f, conflictRows+1)
	if err != nil {
		return nil, err
	}
	p := conflictsPage{First: f.Before == 0, Filtered: period != "" || f.Actor != "",
		Filters: []filter{periodFilter("Spoken", period), a.memberFilter("Who spoke", "who", "", f.Actor)}}
	if len(list) > conflictRows {
		list = list[:conflictRows]
		p.Next = a.nextPage(list[conflictRows-1].ID)
	}
	names, err := a.conflictLeads(list)
	if err != nil {
		return nil, err
	}
	for i := range list {
		p.Rows = append(p.Rows, a.conflictRow(&list[i], names[list[i].Lead]))
	}
	return page{title: "Conflicts", body: conflictsBody(p), live: "decisions", state: a.today()}, nil
}

// conflictLeads are the leads of conflicts, by their numbers; those that were merged into others are missing.
func (a *ask) conflictLeads(list []store.Conflict) (map[int64]*store.ListedLead, error) {
	var ids []int64
	for i := range list {
		ids = append(ids, list[i].Lead)
	}
	slices.Sort(ids)
	found, err := a.site.Store.LeadsByID(a.Context(), slices.Compact(ids))
	leads := make(map[int64]*store.ListedLead, len(found))
	for i := range found {
		leads[found[i].ID] = &found[i]
	}
	return leads, err
}

func (a *ask) conflictRow(c *store.Conflict, lead *store.ListedLead) conflictRow {
	r := conflictRow{ID: c.ID, Link: string(leadURL(c.Lead)), Name: "Lead " + strconv.FormatInt(c.Lead, 10), When: a.clockTime(c.At), Who: a.memberName(c.Actor), WhoSide: a.sideOf(c.Actor),
		How: outcomeWords(c.Outcome), Clause: c.Clause, Version: c.Version, Consent: c.Clause == "consent"}
	if lead != nil {
		r.Name, r.Company = leadName(lead), lead.AccountName
	}
	if c.Channel != "" {
		r.How += ", by " + spaced(c.Channel)
	}
	switch {
	case r.Consent:
		r.Holder = "Nobody may: they asked for that"
	case c.Holder == "":
		r.Holder = "Nobody was to speak"
	case c.Holder == "marketing", c.Holder == "sales":
		r.Holder, r.HolderSide = capital(c.Holder), c.Holder
	default:
		r.Holder, r.HolderSide = a.memberName(c.Holder), cmp.Or(a.sideOf(c.Holder), "sales")
	}
	return r
}

// sideOf is the side of a member, "" for none.
func (a *ask) sideOf(id string) string {
	if m := a.roster.Member(id); m != nil {
		return m.Side.String()
	}
	return ""
}

var conflictExports = []export{{"conflicts", "Conflicts", func(a *ask, s *sheet) error {
	f, _ := a.conflictFilter()
	return pagesOf(s, []any{"spoken_at", "lead", "who", "outcome", "channel", "holder", "clause", "agreement"}, func(before int64) ([]store.Conflict, error) {
		f.Before = before
		return a.site.Store.Conflicts(a.Context(), f, sheetPage)
	}, func(c *store.Conflict) (int64, []any) {
		return c.ID, []any{instant(c.At), c.Lead, c.Actor, c.Outcome, c.Channel, c.Holder, c.Clause, c.Version}
	})
}}}
