package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/store"
)

// conflict is somebody who spoke to a lead although another held the conversation.
type conflict struct {
	Input     int64     `json:"input" doc:"The number of the contact."`
	Lead      int64     `json:"lead"`
	Actor     string    `json:"actor" doc:"Who spoke." example:"anna@northwind.example"`
	Outcome   string    `json:"outcome" example:"connected"`
	Channel   string    `json:"channel,omitempty" doc:"By which channel, if somebody said." example:"phone"`
	Holder    string    `json:"holder,omitempty" doc:"Who held the conversation: a member, a side, or nobody."`
	Clause    string    `json:"clause" example:"rules_of_engagement.in_play"`
	Agreement int64     `json:"agreement" doc:"The version of the agreement that decided, and that has the clause."`
	At        time.Time `json:"at"`
}

type conflictsRequest struct {
	Page
	Since time.Time `query:"since" doc:"Only those since an instant."`
	Until time.Time `query:"until" doc:"Only those before an instant."`
	Actor string    `query:"actor" maxLength:"254" doc:"Only those of a member."`
	Lead  int64     `query:"lead" minimum:"1" doc:"Only those about a lead."`
}

type conflictsAnswer struct {
	Next
	Body struct {
		Items      []conflict `json:"items" doc:"The newest first."`
		NextCursor string     `json:"next_cursor,omitempty"`
		Next       string     `json:"next,omitempty"`
	}
}

func (a *API) conflictRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/conflicts", OperationID: "list-conflicts", Tags: []string{"Reports"}, Summary: "List who spoke although another held the conversation",
		Description: "Contacts by members of the team that the rules of engagement, or consent, did not allow when they were told to Baton.", Errors: []int{422}}, ScopeRead, a.listConflicts)
}

func (a *API) listConflicts(ctx context.Context, in *conflictsRequest) (*conflictsAnswer, error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	f := store.ConflictFilter{Actor: in.Actor, Lead: in.Lead, Before: before}
	if !in.Since.IsZero() {
		f.Since = in.Since.UnixMicro()
	}
	if !in.Until.IsZero() {
		f.Until = in.Until.UnixMicro()
	}
	list, err := a.Store.Conflicts(ctx, f, in.Limit+1)
	if err != nil {
		return nil, err
	}
	list, next := cut(list, in.Limit, func(c *store.Conflict) int64 { return c.ID })
	out := &conflictsAnswer{}
	out.Body.Items = []conflict{}
	for _, c := range list {
		out.Body.Items = append(out.Body.Items, conflict{c.Input, c.Lead, c.Actor, c.Outcome, c.Channel, c.Holder, c.Clause, c.Version, moment(c.At)})
	}
	out.Body.NextCursor, out.Body.Next, out.Next = in.next(next)
	return out, nil
}

// marketingOf lists the channels that marketing may use: all, none, or names.
func marketingOf(may string) []string {
	if may == "" {
		return []string{"all"}
	}
	return strings.Fields(may)
}
