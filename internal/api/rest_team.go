package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// member is somebody who can take leads.
type member struct {
	ID       string    `json:"id" example:"anna@northwind.example"`
	Name     string    `json:"name,omitempty" example:"Anna Berg"`
	Side     string    `json:"side,omitempty" enum:"marketing,sales"`
	Manager  string    `json:"manager,omitempty" doc:"ID of the member who leads them."`
	Pools    []string  `json:"pools"`
	Weight   int       `json:"weight" doc:"Share of a pool."`
	Capacity int       `json:"capacity" doc:"Open hand-offs at most; 0 for no limit."`
	Active   bool      `json:"active" doc:"false once they have left."`
	Away     []absence `json:"away"`
	Open     int       `json:"open" doc:"Hand-offs that wait for them."`
	Taken    int       `json:"taken" doc:"Leads they ever got."`
}

type absence struct {
	From time.Time `json:"from" example:"2026-12-07T00:00:00+01:00"`
	To   time.Time `json:"to" doc:"The instant at which they are back." example:"2026-12-14T00:00:00+01:00"`
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

type memberAnswer struct {
	Replayed string `header:"Idempotency-Replayed"`
	Body     member
}

func (a *API) teamRoutes() {
	failures := []int{400, 404, 409, 422, 429, 503}
	register(a, huma.Operation{Method: http.MethodGet, Path: "/members", OperationID: "list-members", Tags: []string{"Team"}, Summary: "List the team"}, ScopeRead, a.listMembers)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/members", OperationID: "set-member", Tags: []string{"Team"}, Summary: "Let somebody join, or change them",
		Description: "Takes the place of what was known of the member; open work and fairness stay.", Errors: failures}, ScopeWrite, a.setMember)
	register(a, huma.Operation{Method: http.MethodDelete, Path: "/members/{member}", OperationID: "remove-member", Tags: []string{"Team"}, Summary: "Let a member leave",
		Description: "They get no more leads. What they hold stays until its clocks run out or somebody assigns it.", DefaultStatus: 200, Errors: failures}, ScopeWrite, a.removeMember)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/members/{member}/absences", OperationID: "add-absence", Tags: []string{"Team"}, Summary: "Note that a member is away",
		Description: "They get no leads in that time.", Errors: failures}, ScopeWrite, a.addAbsence)
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
	for i := range roster.Members {
		out.Body.Items = append(out.Body.Items, memberOf(plan, &roster.Members[i], a.now()))
	}
	return out, nil
}

func memberOf(plan *agreement.Plan, m *lifecycle.Member, now int64) member {
	v := member{ID: m.ID, Name: m.Name, Side: m.Side.String(), Manager: m.Manager, Pools: []string{}, Weight: m.Weight, Capacity: m.Capacity,
		Active: !m.Inactive, Away: []absence{}, Open: m.Open, Taken: int(m.Taken)}
	for _, slot := range m.Pools {
		if slot < len(plan.Pools) {
			v.Pools = append(v.Pools, plan.Pools[slot].Name)
		}
	}
	for _, away := range m.Away {
		if away.To > now {
			v.Away = append(v.Away, absence{moment(away.From), moment(away.To)})
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
	return a.aboutMember(ctx, p.ID, lifecycle.Input{Kind: lifecycle.Joined, Member: p}, in.IdempotencyKey)
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
	return &memberAnswer{Replayed: replayed, Body: memberOf(plan, m, a.now())}, nil
}
