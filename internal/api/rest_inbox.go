package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// inboxEntry is something a member is told.
type inboxEntry struct {
	ID     int64      `json:"id"`
	Lead   int64      `json:"lead"`
	Event  string     `json:"event" example:"offered"`
	About  string     `json:"about,omitempty" doc:"The hand-off, deadline, reason or activity."`
	Title  string     `json:"title" example:"A lead for you: Ada Lind (Acme)"`
	Todo   string     `json:"todo,omitempty" doc:"What to do, and by when."`
	Over   string     `json:"over,omitempty" doc:"Why there is nothing left to do."`
	First  time.Time  `json:"first_at"`
	At     time.Time  `json:"at" doc:"When it was told last."`
	Times  int64      `json:"times" doc:"How often: the same about the same lead is one entry until it is read."`
	ReadAt *time.Time `json:"read_at,omitempty"`
	Seq    int64      `json:"seq" doc:"Grows each time it is told again; for since and up_to."`
	Clause string     `json:"clause,omitempty" doc:"The alert of the agreement."`
}

// InboxRef names whose inbox it is.
type InboxRef struct {
	Member string `path:"member" maxLength:"254" doc:"The member's ID." example:"anna@northwind.example"`
}

type inboxRequest struct {
	InboxRef
	Page
	Unread bool  `query:"unread" doc:"Only what is not read."`
	Since  int64 `query:"since" minimum:"0" doc:"Only what was told after the entry with this seq."`
	Lead   int64 `query:"lead" minimum:"1" doc:"Only what is about a lead."`
}

type inboxAnswer struct {
	Next
	Body struct {
		Items      []inboxEntry `json:"items" doc:"What was told last first."`
		Unread     int64        `json:"unread" doc:"How many are not read, of all."`
		Mark       string       `json:"mark" doc:"Another whenever something came, or was read."`
		NextCursor string       `json:"next_cursor,omitempty"`
		Next       string       `json:"next,omitempty"`
	}
}

type unreadAnswer struct {
	Body struct {
		Unread int64  `json:"unread"`
		Mark   string `json:"mark" doc:"Another whenever something came, or was read: then ask for the list again."`
	}
}

type readRequest struct {
	InboxRef
	Body struct {
		IDs  []int64 `json:"ids,omitempty" maxItems:"500" doc:"The entries that were read."`
		UpTo int64   `json:"up_to,omitempty" minimum:"0" doc:"Or all up to the entry with this seq, so that what came meanwhile stays unread."`
	}
}

type readAnswer struct {
	Body struct {
		Read   int64 `json:"read" doc:"How many were not read before."`
		Unread int64 `json:"unread" doc:"How many are left."`
	}
}

func (a *API) inboxRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/members/{member}/inbox", OperationID: "list-inbox", Tags: []string{"Inbox"}, Summary: "List what a member is told",
		Description: "By alerts of the agreement with `by: inbox`. Titles are written from the leads as they stand now. What somebody is told and has read is theirs: it takes a key that acts for people.", Errors: []int{404, 422}}, ScopeWrite, a.listInbox)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/members/{member}/inbox/unread", OperationID: "count-inbox", Tags: []string{"Inbox"}, Summary: "Count what a member has not read",
		Description: "Cheap: ask as often as every second.", Errors: []int{404, 422}}, ScopeWrite, a.countInbox)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/members/{member}/inbox/read", OperationID: "read-inbox", Tags: []string{"Inbox"}, Summary: "Mark as read",
		Errors: []int{400, 404, 422}}, ScopeWrite, a.readInbox)
}

// whose returns whose inbox is meant: a member's, or that of somebody else who was told something there.
func (a *API) whose(ctx context.Context, given string) (string, error) {
	id, missing := a.inTeam(ctx, given)
	if missing == nil {
		return id, nil
	}
	if list, err := a.Store.Inbox(ctx, given, store.InboxFilter{}, 1); err != nil || len(list) > 0 {
		return given, err
	}
	return "", missing
}

func (a *API) listInbox(ctx context.Context, in *inboxRequest) (*inboxAnswer, error) {
	member, err := a.whose(ctx, in.Member)
	if err != nil {
		return nil, err
	}
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	unread, err := a.Store.Unread(ctx, member)
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Inbox(ctx, member, store.InboxFilter{Unread: in.Unread, Since: in.Since, Before: before, Lead: in.Lead}, in.Limit+1)
	if err != nil {
		return nil, err
	}
	list, next := cut(list, in.Limit, func(e *store.InboxEntry) int64 { return e.Seq })
	out := &inboxAnswer{}
	out.Body.Items, out.Body.Unread, out.Body.Mark = []inboxEntry{}, unread.Count, unread.Mark
	for i := range list {
		v, err := a.inboxEntryOf(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, *v)
	}
	out.Body.NextCursor, out.Body.Next, out.Next = in.next(next)
	return out, nil
}

func (a *API) inboxEntryOf(ctx context.Context, e *store.InboxEntry) (*inboxEntry, error) {
	alert, err := e.Alert()
	if err != nil {
		return nil, err
	}
	v := &inboxEntry{ID: e.ID, Lead: e.Lead, Event: e.Kind, About: e.Name, First: moment(e.FirstAt), At: moment(e.At), Times: e.Times, ReadAt: perhaps(e.ReadAt), Seq: e.Seq, Clause: alert.Alert}
	var line lifecycle.Line
	row, plan, view, err := a.view(ctx, strconv.FormatInt(e.Lead, 10))
	switch {
	case errors.Is(err, store.ErrNoLead):
		line = lifecycle.InboxLine(nil, &lifecycle.View{}, &alert, e.At, a.now())
	case err != nil:
		return nil, err
	default:
		line = lifecycle.InboxLine(plan, view, &alert, e.At, max(a.now(), row.Lead.Clock))
	}
	v.Title, v.Todo, v.Over = line.Title, line.Todo, line.Over
	return v, nil
}

func (a *API) countInbox(ctx context.Context, in *InboxRef) (*unreadAnswer, error) {
	member, err := a.whose(ctx, in.Member)
	if err != nil {
		return nil, err
	}
	u, err := a.Store.Unread(ctx, member)
	out := &unreadAnswer{}
	out.Body.Unread, out.Body.Mark = u.Count, u.Mark
	return out, err
}

func (a *API) readInbox(ctx context.Context, in *readRequest) (*readAnswer, error) {
	if len(in.Body.IDs) == 0 && in.Body.UpTo == 0 {
		return nil, problemOf("invalid", "say what was read: ids, or up_to", ProblemError{Location: "body.ids", Message: "ids or up_to is needed"})
	}
	member, err := a.whose(ctx, in.Member)
	if err != nil {
		return nil, err
	}
	n, err := a.Store.ReadInbox(ctx, member, in.Body.IDs, in.Body.UpTo, a.now())
	if err != nil {
		return nil, err
	}
	u, err := a.Store.Unread(ctx, member)
	out := &readAnswer{}
	out.Body.Read, out.Body.Unread = n, u.Count
	return out, err
}
