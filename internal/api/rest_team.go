package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/channel"
	"baton/internal/engine"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// member is somebody who can take leads.
type member struct {
	ID       string   `json:"id" example:"anna@northwind.example"`
	Name     string   `json:"name,omitempty" example:"Anna Berg"`
	Side     string   `json:"side,omitempty" enum:"marketing,sales"`
	Manager  string   `json:"manager,omitempty" doc:"ID of the member who leads them."`
	Pools    []string `json:"pools"`
	Weight   int      `json:"weight" doc:"Share of a pool."`
	Capacity int      `json:"capacity" doc:"Open hand-offs at most; 0 for no limit."`
	PerDay   int      `json:"per_day" doc:"Hand-offs on one day at most; 0 for no limit."`
	MemberTraits
	Accounts []string        `json:"accounts" doc:"Domains of the accounts that are theirs by name."`
	Timezone string          `json:"timezone" doc:"In which they work: their own, their pool's, or the agreement's." example:"Europe/Stockholm"`
	Hours    string          `json:"hours" doc:"When they work, in that zone." example:"mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00"`
	Own      bool            `json:"own_hours" doc:"Time zone or hours were entered for them, rather than being those of the agreement or of a pool."`
	Active   bool            `json:"active" doc:"false once they have left."`
	Away     []absence       `json:"away"`
	Open     int             `json:"open" doc:"Hand-offs that wait for them."`
	Taken    int             `json:"taken" doc:"Leads they ever got."`
	Today    int             `json:"today" doc:"Hand-offs they have had today; counted if there is a cap for the day."`
	Calendar *calendarStatus `json:"calendar,omitempty" doc:"The calendar their absences are read from."`
}

// MemberTraits are what a member can be matched by, in the words of the agreement.
type MemberTraits struct {
	Territories []string `json:"territories" required:"false" doc:"Territories of the agreement that they take." example:"[\"nordics\"]"`
	Languages   []string `json:"languages" required:"false" doc:"Languages of the agreement that they speak." example:"[\"german\"]"`
	Skills      []string `json:"skills" required:"false" doc:"Skills of the agreement that they have." example:"[\"logistics\"]"`
}

func (t *MemberTraits) lists() [agreement.Traits]*[]string {
	return [...]*[]string{&t.Territories, &t.Languages, &t.Skills}
}

// calendarStatus is how the last reading of a calendar went.
type calendarStatus struct {
	Host     string     `json:"host" doc:"Of its address; the rest is kept to itself." example:"calendar.example.com"`
	ReadAt   *time.Time `json:"read_at,omitempty" doc:"The last reading."`
	GoodAt   *time.Time `json:"good_at,omitempty" doc:"The last reading without an error."`
	NextAt   time.Time  `json:"next_at" doc:"The next reading."`
	Error    string     `json:"error,omitempty" doc:"Of the last reading. What was read before holds."`
	Absences int        `json:"absences" doc:"To come, as of the last reading without an error."`
}

type absence struct {
	From time.Time `json:"from" example:"2026-12-07T00:00:00+01:00"`
	To   time.Time `json:"to" doc:"The instant at which they are back." example:"2026-12-14T00:00:00+01:00"`
	// Calendar is said, not asked.
	Calendar bool `json:"calendar,omitempty" readOnly:"true" doc:"Their calendar says so."`
}

type membersAnswer struct {
	Body struct {
		Items []member `json:"items"`
	}
}

type setMember struct {
	Once
	Body struct {
		ID       string   `json:"id" maxLength:"254" doc:"An e-mail address." example:"anna@northwind.example"`
		Name     string   `json:"name,omitempty" maxLength:"200" example:"Anna Berg"`
		Side     string   `json:"side" enum:"marketing,sales"`
		Manager  string   `json:"manager,omitempty" maxLength:"254"`
		Pools    []string `json:"pools,omitempty" doc:"Of the agreement." example:"[\"nordics\"]"`
		Weight   int      `json:"weight,omitempty" minimum:"1" maximum:"1000" default:"1"`
		Capacity int      `json:"capacity,omitempty" minimum:"0" maximum:"100000"`
		PerDay   int      `json:"per_day,omitempty" minimum:"0" maximum:"100000" doc:"Hand-offs on one day at most."`
		MemberTraits
		Accounts []string `json:"accounts,omitempty" maxItems:"1000" doc:"Domains of the accounts that are theirs by name." example:"[\"acme.example\"]"`
		Timezone string   `json:"timezone,omitempty" maxLength:"100" doc:"A time zone of their own, for whoever the agreement does not name; left out, it is that of their pool, or the agreement's." example:"Europe/Stockholm"`
		Hours    string   `json:"hours,omitempty" maxLength:"1000" doc:"Hours of their own, likewise: days and their hours, with semicolons between, or always." example:"mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00"`
	}
}

// MemberRef names a member in an address.
type MemberRef struct {
	Member string `path:"member" maxLength:"254" doc:"The member's ID." example:"anna@northwind.example"`
	Once
}

type setAbsence struct {
	MemberRef
	Body absence
}

type removeAbsence struct {
	MemberRef
	From time.Time `query:"from" required:"true" doc:"When the part that is taken back begins." example:"2026-12-07T00:00:00+01:00"`
	To   time.Time `query:"to" required:"true" doc:"When it ends." example:"2026-12-14T00:00:00+01:00"`
}

type setCalendar struct {
	Member string `path:"member" maxLength:"254" doc:"The member's ID." example:"anna@northwind.example"`
	Body   struct {
		URL string `json:"url" maxLength:"2048" doc:"https address of an iCalendar feed that holds absences and nothing else." example:"https://hr.northwind.example/absences/anna.ics"`
	}
}

type removeCalendar struct {
	Member string `path:"member" maxLength:"254" doc:"The member's ID." example:"anna@northwind.example"`
}

type calendarAnswer struct {
	Body calendarStatus
}

type memberAnswer struct {
	Replayed string `header:"Idempotency-Replayed"`
	Body     member
}

func (a *API) teamRoutes() {
	failures := []int{400, 404, 409, 422, 429, 503}
	register(a, huma.Operation{Method: http.MethodGet, Path: "/members", OperationID: "list-members", Tags: []string{"Team"}, Summary: "List the team"}, ScopeRead, a.listMembers)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/members", OperationID: "set-member", Tags: []string{"Team"}, Summary: "Let somebody join, or change them",
		Description: "Takes the place of what was known of the member; open work and fairness stay. Without a time zone or hours of their own they work those of the first of their pools that has some, or of the agreement; with one of the two, the other is the agreement's. The people of the agreement work as it says. When hours change, the deadlines that run move; what ran out has run out.", Errors: failures}, ScopeWrite, a.setMember)
	register(a, huma.Operation{Method: http.MethodDelete, Path: "/members/{member}", OperationID: "remove-member", Tags: []string{"Team"}, Summary: "Let a member leave",
		Description: "They get no more leads. What they hold stays until its clocks run out or somebody assigns it.", DefaultStatus: 200, Errors: failures}, ScopeWrite, a.removeMember)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/members/{member}/absences", OperationID: "add-absence", Tags: []string{"Team"}, Summary: "Note that a member is away",
		Description: "They get no leads in that time. The agreement says what becomes of what they hold.", Errors: failures}, ScopeWrite, a.addAbsence)
	register(a, huma.Operation{Method: http.MethodDelete, Path: "/members/{member}/absences", OperationID: "remove-absence", Tags: []string{"Team"}, Summary: "Take an absence back, or a part of it",
		Description: "Of those that were entered. What their calendar says is changed there.", DefaultStatus: 200, Errors: failures}, ScopeWrite, a.removeAbsence)
	register(a, huma.Operation{Method: http.MethodPut, Path: "/members/{member}/calendar", OperationID: "set-calendar", Tags: []string{"Team"}, Summary: "Have a member's absences read from a calendar",
		Description: "Every 15 minutes. Each event is an absence; one that is gone from the calendar is taken back. The address is sealed, and not shown again.", Errors: []int{400, 404, 409, 422}}, ScopeWrite, a.setCalendar)
	register(a, huma.Operation{Method: http.MethodDelete, Path: "/members/{member}/calendar", OperationID: "remove-calendar", Tags: []string{"Team"}, Summary: "Read a member's absences from no calendar",
		Description: "What it said is taken back.", DefaultStatus: 204, Errors: []int{404}}, ScopeWrite, a.removeCalendar)
}

func (a *API) listMembers(ctx context.Context, _ *struct{}) (*membersAnswer, error) {
	roster, err := a.Store.Roster(ctx)
	if err != nil {
		return nil, err
	}
	out := &membersAnswer{}
	out.Body.Items = []member{}
	if roster == nil {
		return out, nil
	}
	plan, err := a.PlanOf(ctx, roster.Version)
	if err != nil {
		return nil, err
	}
	feeds, err := a.Store.Feeds(ctx)
	if err != nil {
		return nil, err
	}
	for i := range roster.Members {
		m := memberOf(plan, roster, &roster.Members[i], a.now())
		for j := range feeds {
			if feeds[j].Member == m.ID {
				m.Calendar = statusOf(&feeds[j])
			}
		}
		out.Body.Items = append(out.Body.Items, m)
	}
	return out, nil
}

func statusOf(f *store.Feed) *calendarStatus {
	s := &calendarStatus{Host: f.Host, NextAt: moment(f.NextAt), Error: f.Error, Absences: f.Absences}
	if f.ReadAt != 0 {
		at := moment(f.ReadAt)
		s.ReadAt = &at
	}
	if f.GoodAt != 0 {
		at := moment(f.GoodAt)
		s.GoodAt = &at
	}
	return s
}

func memberOf(plan *agreement.Plan, roster *lifecycle.Roster, m *lifecycle.Member, now int64) member {
	v := member{ID: m.ID, Name: m.Name, Side: m.Side.String(), Manager: m.Manager, Pools: []string{}, Weight: m.Weight, Capacity: m.Capacity,
		PerDay: m.PerDay, Accounts: append([]string{}, m.Accounts...), Active: !m.Inactive, Away: []absence{}, Open: m.Open, Taken: int(m.Taken), Today: m.HadToday(plan, roster, now)}
	hours := lifecycle.HoursOf(plan, roster, m.ID)
	v.Timezone, v.Hours, v.Own = hours.Zone().String(), hours.Hours().String(), m.Zone+m.Week != ""
	for k, list := range v.lists() {
		*list = []string{}
		for _, slot := range m.Traits[k] {
			if slot < len(plan.Traits[k]) {
				*list = append(*list, plan.Traits[k][slot].Name)
			}
		}
	}
	for _, slot := range m.Pools {
		if slot < len(plan.Pools) {
			v.Pools = append(v.Pools, plan.Pools[slot].Name)
		}
	}
	for _, away := range m.Away {
		if away.To > now {
			v.Away = append(v.Away, absence{moment(away.From), moment(away.To), away.Calendar})
		}
	}
	return v
}

func (a *API) setMember(ctx context.Context, in *setMember) (*memberAnswer, error) {
	plan := a.Plan()
	if plan == nil {
		return nil, engine.ErrNoAgreement
	}
	b := &in.Body
	p := &agreement.Person{Name: b.Name, Side: agreement.Sales, Weight: max(1, b.Weight), Capacity: b.Capacity}
	if b.Side == "marketing" {
		p.Side = agreement.Marketing
	}
	var err error
	if p.ID, err = memberID("body.id", b.ID); err != nil {
		return nil, err
	}
	if b.Manager != "" {
		if p.Manager, err = memberID("body.manager", b.Manager); err != nil {
			return nil, err
		}
	}
	for i, name := range b.Pools {
		slot, ok := plan.Index.Pool[name]
		if !ok {
			return nil, unknownWord(fmt.Sprintf("body.pools[%d]", i), "pool", name, names(plan.Pools, func(n *agreement.Named) string { return n.Name }))
		}
		p.Pools = append(p.Pools, slot)
	}
	p.PerDay = b.PerDay
	for k, list := range b.lists() {
		for i, name := range *list {
			traits := plan.Traits[k]
			slot := slices.IndexFunc(traits, func(t agreement.Trait) bool { return t.Name == name })
			if slot < 0 {
				section := [...]string{"territories", "languages", "skills"}[k]
				return nil, unknownWord(fmt.Sprintf("body.%s[%d]", section, i), agreement.TraitKind(k).String(), name, names(traits, func(t *agreement.Trait) string { return t.Name }))
			}
			p.Traits[k] = append(p.Traits[k], slot)
		}
		slices.Sort(p.Traits[k])
	}
	for i, account := range b.Accounts {
		domain, ok := identity.AccountKey(strings.ToLower(account))
		if !ok {
			return nil, problemOf("invalid", fmt.Sprintf("%q is not the domain of a company", clip(account)), ProblemError{Location: fmt.Sprintf("body.accounts[%d]", i), Message: "write a domain such as acme.example"})
		}
		p.Accounts = append(p.Accounts, domain)
	}
	slices.Sort(p.Accounts)
	if p.Zone, p.Week, err = hoursOf(plan, b.Timezone, b.Hours); err != nil {
		return nil, err
	}
	u, err := a.Store.UserByEmail(ctx, p.ID)
	switch {
	case err == nil && !u.Active():
		return nil, problemOf("refused", p.ID+" is deactivated, and cannot be in the team: reactivate them first, under Settings, People")
	case err != nil && !errors.Is(err, store.ErrNoUser):
		return nil, err
	}
	return a.aboutMember(ctx, p.ID, lifecycle.Input{Kind: lifecycle.Joined, Member: p}, in.IdempotencyKey)
}

// hoursOf reads a zone and hours that somebody enters for a member.
func hoursOf(plan *agreement.Plan, zone, hours string) (string, string, error) {
	zone, hours = strings.TrimSpace(zone), strings.TrimSpace(hours)
	if hours != "" {
		week, err := calendar.ParseWeek(hours)
		if err != nil {
			return "", "", problemOf("invalid", strings.TrimPrefix(err.Error(), "reading "), ProblemError{Location: "body.hours", Message: "write days and their hours, such as mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00"})
		}
		hours = week.String()
	}
	if zone != "" {
		place, err := calendar.LoadZone(zone)
		if err != nil {
			return "", "", problemOf("invalid", fmt.Sprintf("%q is not a time zone; write a place, such as Europe/Stockholm, or UTC", clip(zone)), ProblemError{Location: "body.timezone", Message: "not a time zone"})
		}
		zone = place.String()
	}
	return zone, hours, nil
}

// Works has it decided when a member works: a form of a page. "" is the hours of their team. A refusal is no error.
func (a *API) Works(ctx context.Context, m *lifecycle.Member, zone, hours string, in lifecycle.Input) (*lifecycle.Decision, error) {
	plan := a.Plan()
	if plan == nil {
		return nil, engine.ErrNoAgreement
	}
	p := &agreement.Person{ID: m.ID}
	var err error
	if p.Zone, p.Week, err = hoursOf(plan, zone, hours); err != nil {
		return nil, err
	}
	in.Kind, in.Name, in.Member = lifecycle.Hours, p.ID, p
	d, _, err := a.decide(ctx, lifecycle.Arrival{Input: in}, nil, "")
	return d, err
}

// Staff has it decided that a user who was deactivated leaves the team, or that one who was reactivated is in it again. It reports whether
// that changed anything: not every user is a member.
func (a *API) Staff(ctx context.Context, email string, active bool, by string) (bool, error) {
	roster, err := a.Store.Roster(ctx)
	if err != nil {
		return false, err
	}
	m := roster.Member(email)
	if m == nil || m.Inactive != active || a.Plan() == nil {
		return false, nil
	}
	in := m.Staffed(active)
	in.Actor, in.Source = by, "web"
	d, _, err := a.decide(ctx, lifecycle.Arrival{Input: in}, nil, "")
	if err == nil && d.Refused != "" {
		err = problemOf("refused", d.Refused)
	}
	return err == nil, err
}

func (a *API) removeMember(ctx context.Context, in *MemberRef) (*memberAnswer, error) {
	id, err := a.inTeam(ctx, in.Member)
	if err != nil {
		return nil, err
	}
	return a.aboutMember(ctx, id, lifecycle.Input{Kind: lifecycle.Left, Name: id}, in.IdempotencyKey)
}

func (a *API) addAbsence(ctx context.Context, in *setAbsence) (*memberAnswer, error) {
	id, err := a.inTeam(ctx, in.Member)
	if err != nil {
		return nil, err
	}
	if !in.Body.To.After(in.Body.From) {
		return nil, problemOf("invalid", "an absence ends after it begins", ProblemError{Location: "body.to", Message: "not after from"})
	}
	return a.aboutMember(ctx, id, lifecycle.Input{Kind: lifecycle.Absent, Name: id, At: in.Body.From.UnixMicro(), Due: in.Body.To.UnixMicro()}, in.IdempotencyKey)
}

func (a *API) removeAbsence(ctx context.Context, in *removeAbsence) (*memberAnswer, error) {
	id, err := a.inTeam(ctx, in.Member)
	if err != nil {
		return nil, err
	}
	if !in.To.After(in.From) {
		return nil, problemOf("invalid", "an absence ends after it begins", ProblemError{Location: "query.to", Message: "not after from"})
	}
	return a.aboutMember(ctx, id, lifecycle.Input{Kind: lifecycle.Present, Name: id, At: in.From.UnixMicro(), Due: in.To.UnixMicro()}, in.IdempotencyKey)
}

func (a *API) setCalendar(ctx context.Context, in *setCalendar) (*calendarAnswer, error) {
	id, err := a.inTeam(ctx, in.Member)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(in.Body.URL)
	if err == nil && a.Guard != nil {
		err = a.Guard.Check(in.Body.URL)
	}
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		why := "write it as https://hr.northwind.example/absences/anna.ics"
		var refused *channel.Refused
		if errors.As(err, &refused) {
			why = refused.InFull()
		}
		return nil, problemOf("invalid", "a calendar needs a whole address that may be called", ProblemError{Location: "body.url", Message: why})
	}
	if err := a.Store.SetFeed(ctx, a.Seal, id, in.Body.URL, u.Hostname(), a.now()); err != nil {
		return nil, err
	}
	feeds, err := a.Store.Feeds(ctx)
	for i := range feeds {
		if feeds[i].Member == id {
			return &calendarAnswer{*statusOf(&feeds[i])}, nil
		}
	}
	return nil, err
}

func (a *API) removeCalendar(ctx context.Context, in *removeCalendar) (*struct{}, error) {
	id, err := a.inTeam(ctx, in.Member)
	if err != nil {
		return nil, err
	}
	return nil, a.Store.RemoveFeed(ctx, id, a.now())
}

// Absence has it decided that a member is away, or is there after all, from in.At until in.Due: a form of a page, or a command of the REST
// API. A refusal is no error.
func (a *API) Absence(ctx context.Context, member string, in lifecycle.Input) (*lifecycle.Decision, error) {
	if in.Due <= in.At {
		return nil, problemOf("invalid", "an absence ends after it begins", ProblemError{Location: "body.to", Message: "not after from"})
	}
	in.Name = member
	d, _, err := a.decide(ctx, lifecycle.Arrival{Input: in}, nil, "")
	return d, err
}

// inTeam returns the ID of a member that an address names.
func (a *API) inTeam(ctx context.Context, given string) (string, error) {
	roster, err := a.Store.Roster(ctx)
	if err != nil {
		return "", err
	}
	if key, err := identity.NormalizeEmail(given); err == nil && roster.Member(given) == nil {
		given = key.Value
	}
	if roster.Member(given) == nil {
		return "", problemOf("not-found", fmt.Sprintf("nobody called %q is in the team", clip(given)))
	}
	return given, nil
}

// aboutMember has an input about the team decided, and tells how the member stands.
func (a *API) aboutMember(ctx context.Context, id string, in lifecycle.Input, once string) (*memberAnswer, error) {
	d, replayed, err := a.decide(ctx, lifecycle.Arrival{Input: in}, nil, once)
	if err != nil {
		return nil, err
	}
	if d.Refused != "" {
		return nil, problemOf("refused", d.Refused).with("Idempotency-Replayed", replayed)
	}
	roster, err := a.Store.Roster(ctx)
	if err != nil {
		return nil, err
	}
	m := roster.Member(id)
	if m == nil {
		return nil, fmt.Errorf("member %s is not in the roster", id)
	}
	plan, err := a.PlanOf(ctx, roster.Version)
	if err != nil {
		return nil, err
	}
	return &memberAnswer{Replayed: replayed, Body: memberOf(plan, roster, m, a.now())}, nil
}
