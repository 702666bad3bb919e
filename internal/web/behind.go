package web

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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
	Export  string // address of the list as CSV, "" for those who may not
	Clauses bool
}

type behindRow struct {
	Name, Company, Stage, Side, Grade, Owner, Source, When, Via string
	Link                                                        string
}

const (
	behindRows = 50
	// mostExported is how many rows a CSV of a list has at most.
	mostExported = 20_000
)

// behindOf reads which leads an address asks for.
func (a *ask) behindOf() (store.Behind, sight) {
	q, s := a.URL.Query(), a.sightOf()
	f := store.Behind{Stage: q.Get("stage"), From: q.Get("from"), Via: q.Get("via"), Grade: q.Get("grade"), Only: s.Only, Arrived: s.span}
	f.Clock, f.Over, f.Member, f.Handoff = q.Get("clock"), q.Get("over") != "", q.Get("member"), q.Get("handoff")
	if i, ok := a.plan.Index.Transition[strings.TrimPrefix(f.Via, "transitions.")]; ok && f.Stage == "" {
		f.Stage = a.plan.Stages[a.plan.Transitions[i].To].Name
	}
	f.Open = q.Get("now") != "" && f.Stage != ""
	if i, ok := a.plan.Index.Stage[f.Stage]; ok {
		f.Moved = i > 0
	}
	s.began = f.Clock != "" || f.Handoff != ""
	return f, s
}

// behind makes three queries: the roster that every page reads, and two for the list.
func behind(a *ask) (answer, error) {
	f, s := a.behindOf()
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
	if a.viewer.May(Export) {
		q := a.URL.Query()
		q.Del("after")
		p.Export = "/leads/behind.csv?" + q.Encode()
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

// behindCSV hands over the leads behind a figure for spreadsheets, in as many queries as there are thousands of them.
func behindCSV(a *ask) (answer, error) {
	f, _ := a.behindOf()
	name := "leads.csv"
	if f.Stage != "" {
		name = "leads-" + url.PathEscape(f.Stage) + ".csv"
	}
	return file{name: name, media: "text/csv; charset=utf-8", write: func(ctx context.Context, w http.ResponseWriter) error {
		out := csv.NewWriter(w)
		_ = out.Write([]string{"lead", "name", "email", "company", "stage", "grade", "owner", "source", "arrived_at", "entered_at", "clause"})
		written := 0
		for before, more := int64(0), true; more && written < mostExported; more = before != 0 {
			rows, next, err := a.site.Store.LeadsBehind(ctx, f, before, 1000)
			if err != nil {
				return fmt.Errorf("after %d rows: %w", written, err)
			}
			for i := range rows {
				b := &rows[i]
				record := []string{strconv.FormatInt(b.ID, 10), b.Name, b.Email, b.Account, b.Stage, b.Grade, b.Owner, b.Source, utcTime(b.CreatedAt), utcTime(b.EnteredAt), b.Via}
				for j := range record {
					record[j] = plainCell(record[j])
				}
				_ = out.Write(record)
			}
			written += len(rows)
			before = next
		}
		out.Flush()
		return nil // whoever asked may be gone
	}}, nil
}

func utcTime(at int64) string { return time.UnixMicro(at).UTC().Format("2006-01-02 15:04:05") }

// plainCell puts an apostrophe before what a spreadsheet would take for a formula.
func plainCell(s string) string {
	if s != "" && strings.ContainsAny(s[:1], "=+-@\t\r") {
		return "'" + s
	}
	return s
}
