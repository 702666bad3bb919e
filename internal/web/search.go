package web

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
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
	Acts     []command  // what can be done, where these words are
	More     bool
	Most     int
	Takes    bool // the viewer may take out what is found
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
	if p.Query == "" {
		p.Pages = a.bars()
	}
	return part{searchQuick(p)}, nil
}

// command is something to do from wherever one is.
type command struct {
	Words, Also string // what it is called, and what else people call it
	Icon        string
	To          string // where it leads
	Post        bool   // it is a form that is sent there
	Name, Value string // of the form
	right       Right
}

// commands are what can be done from wherever one is.
var commands = []command{
	{Words: "Take the next call", Also: "queue phone", Icon: "phone", To: "/queue/take", Post: true, right: WorkQueue},
	{Words: "Say who is away", Also: "absence holiday team", Icon: "contact-round", To: "/team", right: RunTeam},
	{Words: "Import a file", Also: "upload csv", Icon: "file-up", To: "/imports", right: RunImports},
	{Words: "Invite somebody", Also: "people user roles", Icon: "users", To: "/settings/people#invite", right: RunPeople},
	{Words: "See who did what", Also: "audit log history record changes", Icon: "scroll-text", To: "/settings/audit", right: SeeAudit},
	{Words: "Your account", Also: "password second factor sessions name", Icon: "user-round", To: "/account", right: SignedIn},
	{Words: "Light colours", Also: "theme day", Icon: "sun", To: "/theme", Post: true, Name: "theme", Value: "light", right: SignedIn},
	{Words: "Dark colours", Also: "theme night", Icon: "moon", To: "/theme", Post: true, Name: "theme", Value: "dark", right: SignedIn},
	{Words: "Sign out", Also: "leave log off", Icon: "log-out", To: "/sign-out", Post: true, right: SignedIn},
}

// calledSo reports whether each word that was asked for begins one of some words.
func calledSo(query string, names ...string) bool {
	have := strings.Fields(identity.FoldName(strings.Join(names, " ")))
	for _, w := range strings.Fields(identity.FoldName(query)) {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return query != ""
}

func (a *ask) found(most int) (*searchPage, error) {
	p := &searchPage{Query: strings.TrimSpace(a.URL.Query().Get("q")), Most: most, Takes: a.viewer.May(Export)}
	found, err := a.site.Store.Search(a.Context(), p.Query, most)
	if err != nil {
		return nil, err
	}
	p.More = found.More
	for _, e := range a.entries() {
		if calledSo(p.Query, e.Label) {
			p.Pages = append(p.Pages, e)
		}
	}
	for _, c := range commands {
		if a.viewer.May(c.right) && calledSo(p.Query, c.Words, c.Also) {
			p.Acts = append(p.Acts, c)
		}
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(p.Query, "#"), 10, 64); err == nil && n > 0 { // the number of a lead, as addresses have it
		if l, err := a.site.Store.LeadByID(a.Context(), n); err == nil {
			found.Leads = append([]store.ListedLead{*l}, slices.DeleteFunc(found.Leads, func(o store.ListedLead) bool { return o.ID == l.ID })...)
		} else if !errors.Is(err, store.ErrNoLead) {
			return nil, err
		}
	}
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

// foundHint says that there is more than the page shows.
func foundHint(p *searchPage) string {
	text := "These are the first " + strconv.Itoa(p.Most) + ". One more letter finds fewer."
	if p.Takes {
		text += " CSV takes out all, up to " + grouped(mostTaken) + " people and as many companies."
	}
	return text
}
