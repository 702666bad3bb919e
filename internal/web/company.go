package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// companyPage is an organisation, and everybody who is known there.
type companyPage struct {
	ID            int64
	Name, Key     string
	Facts         []lifecycle.NoticeFact
	Owner         string // in words, "" for nobody
	OwnerID       string
	OwnerClause   string
	Members       []option
	Works         bool
	People        []companyPerson
	Most          bool // there are more than are shown
	More          string
	Joint         string // engagement of all together
	JointSentence string
	Active        int // people who did something that still counts
	Roles         []role
	Deals         []deal
	Timeline      []happening
	Version       int64
}

// companyPerson is a lead of the account.
type companyPerson struct {
	leadRow
	Title, With, Side string
	Points            string
	Share             float64 // of the most engaged, 0 to 1
	Last              string
	Level             int
	Outcome           string
	engagement        int64
}

// role is somebody whom the agreement wants to have among those it sells to, and who is known of them.
type role struct {
	Name, Definition, Clause string
	Who                      []mate
	Best                     float64 // the engagement of the most engaged, of all
}

// deal is a lead with a deal, or that had one.
type deal struct {
	ID                       int64
	Name, Stage, Value, Then string
	Tone                     string
}

const (
	mostPeople  = 50
	storyOfEach = 12
	mostAccount = 60
)

// showCompany makes six queries: the roster, what waits, the account, its state, its people, and what happened across them.
func showCompany(a *ask) (answer, error) {
	id, err := strconv.ParseInt(a.PathValue("account"), 10, 64)
	if err != nil {
		return nil, errNotFound
	}
	ctx := a.Context()
	row, err := a.site.Store.AccountByID(ctx, id)
	if err != nil {
		return nil, err
	}
	leads, err := a.site.Store.ListLeads(ctx, store.LeadFilter{Account: id}, a.after(), mostPeople+1)
	if err != nil {
		return nil, err
	}
	p := &companyPage{ID: id, Name: cmp.Or(row.Name, strings.TrimPrefix(row.Key, "name:")), Key: strings.TrimPrefix(row.Key, "name:"), OwnerID: row.Owner, Version: a.version, Works: a.viewer.May(WorkLeads)}
	if p.Key == p.Name {
		p.Key = ""
	}
	if row.Owner != "" {
		p.Owner = a.nameOf(row.Owner)
	}
	if _, ok := a.plan.Index.Clause["assignment"]; ok {
		p.OwnerClause = "assignment"
	}
	p.Members = a.members(row.Owner)
	if err := p.known(row.Attributes); err != nil {
		return nil, fmt.Errorf("account %d: reading the attributes: %w", id, err)
	}
	if len(leads) > mostPeople {
		leads = leads[:mostPeople]
		p.Most, p.More = true, a.nextPage(leads[len(leads)-1].ID)
	}
	states, err := a.site.Store.Accounts(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	var account *lifecycle.Account
	if len(states) > 0 {
		account = states[0].Account
	}
	if err := a.crew(p, leads, account); err != nil {
		return nil, err
	}
	events, err := a.site.Store.AccountStory(ctx, id, mostPeople, storyOfEach, mostAccount)
	if err != nil {
		return nil, err
	}
	p.Timeline = a.timeline(slices.DeleteFunc(events, func(e store.Event) bool {
		// What is told of each of them anyway would drown the rest.
		return e.Input.Kind == lifecycle.Activate || e.Input.Kind == lifecycle.Refresh || e.Input.Kind == lifecycle.Identify && len(e.Decision.Effects) == 0 && e.Input.Lead != e.Input.ID
	}), nil)
	names := map[int64]string{}
	for i := range leads {
		names[leads[i].ID] = leadName(&leads[i])
	}
	for i := range p.Timeline {
		h := &p.Timeline[i]
		h.Who = cmp.Or(names[h.Lead], fmt.Sprintf("Lead %d", h.Lead))
	}
	return page{title: "Account", body: companyBody(p), state: p.Name}, nil
}

// known lists what is known of the organisation.
func (p *companyPage) known(text string) error {
	values := map[string]any{}
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name == "company.name" {
			continue
		}
		text := strings.ReplaceAll(fmt.Sprint(values[name]), "_", " ")
		if n, ok := values[name].(float64); ok {
			text = thousands(n)
		}
		p.Facts = append(p.Facts, lifecycle.NoticeFact{Name: document.Title(strings.TrimPrefix(name, "company.")), Value: text})
	}
	return nil
}

// thousands writes a number with its thousands apart.
func thousands(n float64) string {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "\u202f" + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}

// crew puts the leads of an account into words, what they did together, and which roles are covered.
func (a *ask) crew(p *companyPage, leads []store.ListedLead, account *lifecycle.Account) error {
	var joint, most int64
	for i := range a.plan.Buyers {
		b := &a.plan.Buyers[i]
		p.Roles = append(p.Roles, role{Name: document.Title(b.Name), Definition: b.Definition, Clause: b.Address})
	}
	for i := range leads {
		row := &leads[i]
		plan, err := a.site.API.PlanOf(a.Context(), row.Version)
		if err != nil {
			return err
		}
		r, err := a.leadRow(a.Context(), row)
		if err != nil {
			return err
		}
		view := &lifecycle.View{Lead: row.Lead, Roster: a.roster}
		if account != nil && account.Version == row.Version {
			view.Account = account
		}
		at := max(a.now.UnixMicro(), row.Lead.Clock)
		facts := lifecycle.FactsAt(plan, view, at)
		person := companyPerson{leadRow: r, Title: textOf(plan, row.Lead, "title"), Side: row.Side, Level: row.Lead.Readiness, Outcome: row.Outcome,
			Points: lifecycle.PointsText(facts.Engagement), engagement: facts.Engagement}
		person.With = "with " + row.Side
		if row.Owner != "" && row.Outcome == "" {
			person.With = "with " + a.nameOf(row.Owner)
		}
		person.Stage = document.Title(row.Stage)
		for _, m := range row.Lead.Activities {
			if person.Last == "" || m.Last > person.Left.Due {
				person.Last, person.Left.Due = a.dayShort(m.Last), m.Last
			}
		}
		joint += max(0, facts.Engagement)
		most = max(most, facts.Engagement)
		if facts.Engagement > 0 {
			p.Active++
		}
		if plan == a.plan {
			for j := range plan.Buyers {
				if plan.Buyers[j].When.Holds(facts) {
					p.Roles[j].Who = append(p.Roles[j].Who, mate{row.ID, r.Name, person.Title, r.Grade})
				}
			}
		}
		final := row.Outcome
		if row.Value > 0 || final == "won" || final == "lost" {
			d := deal{ID: row.ID, Name: r.Name, Stage: document.Title(row.Stage), Then: "since " + a.dayShort(row.Entered), Tone: map[string]string{"won": "kept"}[final]}
			if row.Value > 0 {
				d.Value = thousands(row.Value)
			}
			p.Deals = append(p.Deals, d)
		}
		p.People = append(p.People, person)
	}
	slices.SortStableFunc(p.People, func(x, y companyPerson) int {
		return cmp.Or(cmp.Compare(y.engagement, x.engagement), cmp.Compare(gradeRank(x.Grade), gradeRank(y.Grade)))
	})
	for i := range p.People {
		if most > 0 {
			p.People[i].Share = max(0, float64(p.People[i].engagement)/float64(most))
		}
	}
	p.Joint = lifecycle.PointsText(joint / agreement.Point * agreement.Point)
	p.JointSentence = fmt.Sprintf("%d of %d did something that still counts", p.Active, len(leads))
	return nil
}

// ownAccount says whose an account is.
func ownAccount(a *ask) (answer, error) {
	id, err := strconv.ParseInt(a.PathValue("account"), 10, 64)
	if err != nil {
		return nil, errNotFound
	}
	leads, err := a.site.Store.ListLeads(a.Context(), store.LeadFilter{Account: id}, 0, 1)
	if err != nil {
		return nil, err
	}
	if len(leads) == 0 {
		return nil, fmt.Errorf("account %d: %w", id, store.ErrNoAccount)
	}
	owner := a.PostFormValue("owner")
	said := &flash{Lead: id, Who: cmp.Or(a.PostFormValue("who"), "The account"), Text: "is " + a.nameOf(owner) + "’s now"}
	in := lifecycle.Input{Kind: lifecycle.OwnAccount, Name: owner, Actor: a.viewer.Email, Source: "web"}
	d, err := a.site.API.Act(a.Context(), strconv.FormatInt(leads[0].ID, 10), lifecycle.Arrival{Input: in}, "")
	if err := said.outcome(d, err); err != nil {
		return nil, err
	}
	return redirect{to: a.back(string(accountURL(id))), said: said}, nil
}
