package web

import (
	"slices"
	"strconv"
	"strings"

	"baton/internal/document"
	"baton/internal/store"
)

// behindPage is the leads behind a figure.
type behindPage struct {
	Of      string   // what they have in common, in words
	Said    []string // what else was asked of them
	Rows    []behindRow
	Next    string // address of the next page
	Sparse  bool   // the page looked through as many stays as it may, and found few
	Clauses bool
}

type behindRow struct {
	Name, Company, Stage, Side, Grade, Owner, Source, When, Via string
	Link                                                        string
}

const behindRows = 50

// behindOf reads which leads an address asks for.
func (a *ask) behindOf() (store.Behind, sight) {
	q, s := a.URL.Query(), a.sightOf()
	f := store.Behind{Stage: q.Get("stage"), From: q.Get("from"), Via: q.Get("via"), Grade: q.Get("grade"), Only: s.Only, Arrived: s.span}
	f.Clock, f.Over, f.Member, f.Handoff = q.Get("clock"), q.Get("over") != "", q.Get("member"), q.Get("handoff")
	f.Ended, f.Began = q.Get("ended"), q.Get("began") != ""
	if i, ok := a.plan.Index.Transition[strings.TrimPrefix(f.Via, "transitions.")]; ok && f.Stage == "" {
		f.Stage = a.plan.Stages[a.plan.Transitions[i].To].Name
	}
	f.Open = q.Get("now") != "" && f.Stage != ""
	if i, ok := a.plan.Index.Stage[f.Stage]; ok {
		f.Moved = i > 0
	}
	s.began = f.Clock != "" || f.Handoff != "" || f.Began
	return f, s
}

// behind makes four queries: the roster that every page reads, and three for the list.
func behind(a *ask) (answer, error) {
	f, s := a.behindOf()
	a.place = "/funnel"
	if f.Clock != "" || f.Handoff != "" {
		a.place = "/promises"
	}
	rows, next, err := a.site.Store.LeadsBehind(a.Context(), f, a.after(), behindRows)
	if err != nil {
		return nil, err
	}
	p := behindPage{Of: behindWords(f), Said: a.sightWords(&s), Next: a.nextPage(next), Sparse: next != 0 && len(rows) < behindRows, Clauses: f.Via == ""}
	if f.Clock != "" {
		p.Said = append(p.Said, f.Clock)
		if f.Member != "" {
			p.Said = append(p.Said, "for "+a.memberName(f.Member))
		}
	}
	if f.Grade != "" {
		p.Said = append(p.Said, "grade "+f.Grade)
	}
	for i := range rows {
		b := &rows[i]
		p.Rows = append(p.Rows, behindRow{Name: behindName(b), Company: b.Account, Stage: document.Title(b.Stage), Side: b.Side, Grade: b.Grade,
			Owner: a.memberName(b.Owner), Source: spaced(b.Source), When: a.clockTime(b.EnteredAt), Via: b.Via, Link: string(leadURL(b.ID))})
	}
	return page{title: "Leads", body: behindBody(p), state: a.today()}, nil
}

func behindName(b *store.BehindRow) string {
	for _, s := range []string{b.Name, b.Email} {
		if s != "" {
			return s
		}
	}
	return "Lead " + strconv.FormatInt(b.ID, 10)
}

// behindWords says what the leads have in common.
func behindWords(f store.Behind) string {
	switch {
	case f.Clock != "" && f.Over:
		return "Leads on whose clock time ran out"
	case f.Clock != "":
		return "Leads whose clock has come to an end"
	case f.Handoff != "" && f.Ended == store.Accepted:
		return "Leads that were offered to sales and accepted"
	case f.Handoff != "" && f.Ended == store.Answered:
		return "Leads whose offer to sales has come to an end"
	case f.Handoff != "":
		return "Leads that were offered to sales"
	case f.Via != "":
		return "Leads that " + f.Via + " moved"
	case f.Open:
		return "Leads that are in " + document.Title(f.Stage) + " now"
	case f.From != "" && f.Stage != "":
		return "Leads that went from " + document.Title(f.From) + " to " + document.Title(f.Stage)
	case f.From != "":
		return "Leads that left " + document.Title(f.From)
	case f.Stage != "":
		return "Leads that came to " + document.Title(f.Stage)
	}
	return "All leads"
}

// sightWords says what figures are about.
func (a *ask) sightWords(s *sight) (list []string) {
	if s.Period != "" {
		i := slices.IndexFunc(periods, func(p struct{ name, words string }) bool { return p.name == s.Period })
		words := monthWords(s.Period)
		if i >= 0 {
			words = periods[i].words
		}
		if s.began {
			list = append(list, words)
		} else {
			list = append(list, "arrived "+words)
		}
	}
	for _, f := range [...]field{{"source", s.Source}, {"campaign", s.Campaign}, {"segment", s.Segment}, {"owner", s.Owner}} {
		switch {
		case f.Value == "":
		case f.Value == store.None:
			list = append(list, "no "+f.Name)
		case f.Name == "owner":
			list = append(list, "owner "+a.memberName(f.Value))
		default:
			list = append(list, f.Name+" "+f.Value)
		}
	}
	return list
}
