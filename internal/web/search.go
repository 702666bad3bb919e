package web

import (
	"cmp"
	"slices"
	"strings"

	"baton/internal/document"
	"baton/internal/identity"
	"baton/internal/store"
)

// searchPage is what a search has found, as a page of its own and below the line of the palette.
type searchPage struct {
	Query    string
	Leads    []foundLead
	Accounts []foundAccount
	Pages    []barEntry // whose names begin so
	More     bool
	Most     int
}

type foundLead struct {
	ID                  int64
	Name, Company       []piece
	Plain               string // the name, for initials
	Words, Grade, Email string
}

type foundAccount struct {
	ID    int64
	Name  []piece
	Words string
}

// piece is a part of a name: what was asked for is marked in it.
type piece struct {
	Text string
	Hit  bool
}

const (
	mostFound = 50 // on the page
	mostQuick = 6  // in the palette
)

// search makes ten queries at most: those of Store.Search and the roster.
func search(a *ask) (answer, error) {
	p, err := a.found(mostFound)
	if err != nil {
		return nil, err
	}
	return page{title: "Search", body: searchBody(p)}, nil
}

// quickSearch answers the palette with what was found so far.
func quickSearch(a *ask) (answer, error) {
	p, err := a.found(mostQuick)
	if err != nil {
		return nil, err
	}
	for _, e := range a.bars() {
		if p.Query == "" || strings.HasPrefix(strings.ToLower(e.Label), strings.ToLower(p.Query)) {
			p.Pages = append(p.Pages, e)
		}
	}
	return part{searchQuick(p)}, nil
}

func (a *ask) found(most int) (*searchPage, error) {
	p := &searchPage{Query: strings.TrimSpace(a.URL.Query().Get("q")), Most: most}
	found, err := a.site.Store.Search(a.Context(), p.Query, most)
	if err != nil {
		return nil, err
	}
	p.More = found.More
	slices.SortStableFunc(found.Leads, func(x, y store.ListedLead) int { return a.others(&x) - a.others(&y) })
	for i := range found.Leads {
		l := &found.Leads[i]
		p.Leads = append(p.Leads, foundLead{ID: l.ID, Name: marked(leadName(l), p.Query), Company: marked(l.AccountName, p.Query), Plain: leadName(l), Words: a.standsAt(l), Grade: l.Grade, Email: l.Email})
	}
	for _, acc := range found.Accounts {
		f := foundAccount{ID: acc.ID, Name: marked(cmp.Or(acc.Name, strings.TrimPrefix(acc.Key, "name:")), p.Query), Words: "account, " + counted(int(acc.Leads), "person", "people")}
		if acc.Owner != "" {
			f.Words += " · " + a.nameOf(acc.Owner) + "’s"
		}
		p.Accounts = append(p.Accounts, f)
	}
	return p, nil
}

// others is 0 for a lead of the viewer that is under way: one looks for one's own most.
func (a *ask) others(l *store.ListedLead) int {
	if l.Owner != "" && l.Owner == a.viewer.Email && l.Outcome == "" {
		return 0
	}
	return 1
}

// standsAt says where a lead stands, in a few words.
func (a *ask) standsAt(l *store.ListedLead) string {
	words := document.Title(l.Stage)
	if l.Owner != "" && l.Outcome == "" {
		if l.Owner == a.viewer.Email {
			return words + " · yours"
		}
		words += " · with " + a.nameOf(l.Owner)
	}
	return words
}

// marked parts a name where words of a query begin it: "Lumen" of "Lumenholt".
func marked(name, query string) []piece {
	words := strings.Fields(identity.FoldName(query))
	var out []piece
	for i, word := range strings.SplitAfter(name, " ") {
		hit := 0
		for _, w := range words {
			// as many letters of the word as fold to what was asked for
			for n := range word {
				if n > hit && identity.FoldName(word[:n]) == w {
					hit = n
				}
			}
			if strings.TrimSpace(word) != "" && identity.FoldName(word) == w {
				hit = len(strings.TrimSpace(word))
			}
		}
		if hit > 0 {
			out = append(out, piece{word[:hit], true})
		}
		if hit < len(word) {
			if hit == 0 && i > 0 && len(out) > 0 && !out[len(out)-1].Hit {
				out[len(out)-1].Text += word
				continue
			}
			out = append(out, piece{word[hit:], false})
		}
	}
	return out
}
