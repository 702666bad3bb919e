package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/identity"
	"baton/internal/store"
)

// Organisation is an account.
type Organisation struct {
	ID         int64          `json:"id"`
	Key        string         `json:"key" doc:"A domain, or name: and the name." example:"acme.example"`
	Name       string         `json:"name,omitempty" example:"Acme"`
	Owner      string         `json:"owner,omitempty" doc:"The member whose account it is."`
	Attributes map[string]any `json:"attributes" doc:"By their names in the agreement: those that begin with company."`
}

type accountsRequest struct {
	Page
	Domain string `query:"domain" doc:"With this domain: one or none." example:"acme.example"`
	Owner  string `query:"owner" doc:"Of this member."`
}

type accountsAnswer struct {
	Next
	Body struct {
		Items      []Organisation `json:"items"`
		NextCursor string         `json:"next_cursor,omitempty"`
		Next       string         `json:"next,omitempty"`
	}
}

type accountRequest struct {
	ID int64 `path:"account" minimum:"1" doc:"Its number."`
}

type accountAnswer struct {
	Body struct {
		Organisation
		Leads []*lead `json:"leads" doc:"Its first 200 leads; the others are at /leads?account=ID."`
		More  bool    `json:"more_leads" doc:"Whether there are others."`
	}
}

func (a *API) accountRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/accounts", OperationID: "list-accounts", Tags: []string{"Accounts"}, Summary: "List accounts",
		Description: "In the order in which they arrived.", Errors: []int{422}}, ScopeRead, a.listAccounts)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/accounts/{account}", OperationID: "get-account", Tags: []string{"Accounts"}, Summary: "Get an account with its leads",
		Errors: []int{404}}, ScopeRead, a.getAccount)
}

func organisationOf(row *store.ListedAccount) (Organisation, error) {
	v := Organisation{ID: row.ID, Key: row.Key, Name: row.Name, Owner: row.Owner, Attributes: map[string]any{}}
	if err := json.Unmarshal([]byte(row.Attributes), &v.Attributes); err != nil {
		return v, fmt.Errorf("account %d: reading the attributes: %w", row.ID, err)
	}
	return v, nil
}

func (a *API) listAccounts(ctx context.Context, in *accountsRequest) (*accountsAnswer, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	f := store.AccountFilter{Owner: in.Owner}
	out := &accountsAnswer{}
	out.Body.Items = []Organisation{}
	if in.Domain != "" {
		var ok bool
		if f.Key, ok = identity.AccountKey(domainOf(in.Domain)); !ok {
			return out, nil
		}
	}
	rows, err := a.Store.ListAccounts(ctx, f, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	rows, next := cut(rows, in.Limit, func(r *store.ListedAccount) int64 { return r.ID })
	out.Body.NextCursor, out.Body.Next, out.Next = in.next(next)
	for i := range rows {
		v, err := organisationOf(&rows[i])
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

func (a *API) getAccount(ctx context.Context, in *accountRequest) (*accountAnswer, error) {
	row, err := a.Store.AccountByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &accountAnswer{}
	if out.Body.Organisation, err = organisationOf(&row); err != nil {
		return nil, err
	}
	const most = 200
	rows, err := a.Store.ListLeads(ctx, store.LeadFilter{Account: in.ID}, 0, most+1)
	if err != nil {
		return nil, err
	}
	rows, next := cut(rows, most, func(r *store.ListedLead) int64 { return r.ID })
	out.Body.Leads, out.Body.More = []*lead{}, next != 0
	for i := range rows {
		v, err := a.leadOf(ctx, &rows[i])
		if err != nil {
			return nil, err
		}
		out.Body.Leads = append(out.Body.Leads, v)
	}
	return out, nil
}
