package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

type queueRequest struct {
	State  string `query:"state" enum:"free,taken,later" default:"free" doc:"free: may be called now; taken: somebody has them; later: were tried, and the next try is later."`
	Holder string `query:"holder" maxLength:"254" doc:"With state taken: only what this member has." example:"sara@northwind.example"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most."`
}

// queued is a lead that waits to be called.
type queued struct {
	Lead       *lead      `json:"lead"`
	Reason     string     `json:"reason" doc:"Why it stands where it does." example:"grade A1, price_list (high), 3 days left"`
	Grade      string     `json:"grade,omitempty" example:"A1"`
	Asset      string     `json:"asset,omitempty" doc:"The most recent." example:"price_list"`
	AssetValue string     `json:"asset_value,omitempty" enum:"low,medium,high"`
	DueAt      time.Time  `json:"due_at" doc:"When the time that is left is over."`
	Deadline   ClauseRef  `json:"deadline" doc:"The clause that says so."`
	Tries      int        `json:"tries" doc:"That reached nobody."`
	Attempts   int        `json:"attempts" doc:"How many there may be."`
	NextAt     *time.Time `json:"next_at,omitempty" doc:"The next try is not before."`
	Holder     string     `json:"holder,omitempty" doc:"The member who has taken it." example:"sara@northwind.example"`
	Until      *time.Time `json:"until,omitempty" doc:"How long they have it to themselves."`
}

type queueAnswer struct {
	Body struct {
		Items []queued `json:"items"`
		Count struct {
			Free  int64 `json:"free" doc:"May be called now; 1000 stands for that or more."`
			Taken int64 `json:"taken"`
			Later int64 `json:"later"`
		} `json:"count"`
	}
}

type takeNextCommand struct {
	Once
	Body struct {
		Actor string `json:"actor" minLength:"1" maxLength:"254" doc:"The member who calls, by ID." example:"sara@northwind.example"`
	}
}

type acceptNextCommand struct {
	Queue string `path:"queue" maxLength:"100" doc:"A queue of the agreement." example:"unassigned"`
	Once
	Body struct {
		Actor string `json:"actor" minLength:"1" maxLength:"254" doc:"The member who accepts it, by ID." example:"sara@northwind.example"`
	}
}

type takeCommand struct {
	Command
	Body struct {
		Actor string `json:"actor" minLength:"1" maxLength:"254" doc:"The member who calls, by ID." example:"sara@northwind.example"`
	}
}

func (a *API) queueRoutes() {
	failures := []int{400, 404, 409, 412, 422, 429, 503}
	register(a, huma.Operation{Method: http.MethodGet, Path: "/queue", OperationID: "get-queue", Tags: []string{"Queue"}, Summary: "List who waits to be called",
		Description: "By grade, then the value of the most recent asset, then the time left, as tele_qualification of the agreement has it. Those who are taken come by the end of their lease, " +
			"those who were tried by the next try. The list moves on while you look: take the next one rather than go through it.", Errors: []int{422, 503}}, ScopeRead, a.getQueue)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/queue/take", OperationID: "take-next", Tags: []string{"Queue"}, Summary: "Take the next lead to call",
		Description: "The first of the queue that nobody else takes in the same moment. Whoever takes a lead has it to themselves for the lease of the agreement; " +
			"then log the contact, with its outcome and the answers. The answer is 404 if nobody waits to be called.", Errors: failures}, ScopeWrite, a.takeNext)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/queues/{queue}/take", OperationID: "accept-next", Tags: []string{"Queue"}, Summary: "Take the next hand-off of a queue",
		Description: "The one that has waited longest in a queue of the agreement, and that nobody else takes in the same moment. It is accepted: the time to the first contact begins. " +
			"The answer is 404 if nothing waits.", Errors: failures}, ScopeWrite, a.acceptNext)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/leads/{lead}/take", OperationID: "take-lead", Tags: []string{"Queue"}, Summary: "Take a lead to call",
		Description: "This one, if it waits to be called and nobody has it.", Errors: failures}, ScopeWrite, func(ctx context.Context, in *takeCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &Actor{Actor: in.Body.Actor}, lifecycle.Input{Kind: lifecycle.Take})
	})
	register(a, huma.Operation{Method: http.MethodPost, Path: "/leads/{lead}/release", OperationID: "release-lead", Tags: []string{"Queue"}, Summary: "Give a lead back to the queue",
		Description: "Uncalled. Only whoever has it, or their manager.", Errors: failures}, ScopeWrite, func(ctx context.Context, in *acceptCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &in.Body.Actor, lifecycle.Input{Kind: lifecycle.Release})
	})
}

var callStates = map[string]store.CallState{"free": store.CallFree, "taken": store.CallTaken, "later": store.CallLater}

func (a *API) getQueue(ctx context.Context, in *queueRequest) (*queueAnswer, error) {
	plan := a.Plan()
	if plan == nil {
		return nil, engine.ErrNoAgreement
	}
	if in.Holder != "" && in.State != "taken" {
		return nil, problemOf("invalid", "only leads that are taken have a holder: ask with state=taken", ProblemError{Location: "query.holder", Message: "goes with state=taken"})
	}
	rows, err := engine.Queue(ctx, a.Store, a.PlanOf, callStates[in.State], in.Holder, a.now(), in.Limit)
	if err != nil {
		return nil, err
	}
	out := &queueAnswer{}
	out.Body.Items = []queued{}
	for i := range rows {
		r := &rows[i]
		plan, err := a.PlanOf(ctx, r.Version)
		if err != nil {
			return nil, err
		}
		v := queued{Reason: r.Reason, Grade: r.CallPlace.Grade, Asset: r.Asset, AssetValue: r.Worth.String(), DueAt: moment(r.CallPlace.Due), Deadline: clauseIn(plan, r.Of),
			Tries: r.Tries, Attempts: r.Most, NextAt: perhaps(r.Next), Holder: r.Holder, Until: perhaps(r.Until)}
		if v.Lead, err = a.leadOf(ctx, &r.ListedLead); err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	n, err := a.Store.CountCalls(ctx)
	out.Body.Count.Free, out.Body.Count.Taken, out.Body.Count.Later = n.Free, n.Taken, n.Later
	return out, err
}

func (a *API) takeNext(ctx context.Context, in *takeNextCommand) (*commandAnswer, error) {
	d, replayed, err := a.next(ctx, lifecycle.Input{Actor: in.Body.Actor, Source: "api:" + keyOf(ctx).Name}, in.IdempotencyKey, a.nextCall)
	switch {
	case errors.Is(err, engine.ErrNobodyWaits):
		return nil, problemOf("not-found", "nobody waits to be called now")
	case err != nil:
		return nil, err
	}
	return a.decided(ctx, d, replayed)
}

// acceptNext has a member accept the hand-off that has waited longest in a queue.
func (a *API) acceptNext(ctx context.Context, in *acceptNextCommand) (*commandAnswer, error) {
	plan := a.Plan()
	if plan == nil {
		return nil, engine.ErrNoAgreement
	}
	if queues := queueNames(plan); !has(queues, in.Queue) {
		return nil, unknownWord("path.queue", "queue", in.Queue, queues)
	}
	d, replayed, err := a.next(ctx, lifecycle.Input{Actor: in.Body.Actor, Source: "api:" + keyOf(ctx).Name}, in.IdempotencyKey, func(ctx context.Context, submit submission, input lifecycle.Input) (engine.Outcome, error) {
		return engine.AcceptNext(ctx, a.Store, submit, in.Queue, input)
	})
	switch {
	case errors.Is(err, engine.ErrNothingWaits):
		return nil, problemOf("not-found", "no hand-off waits in this queue now")
	case err != nil:
		return nil, err
	}
	return a.decided(ctx, d, replayed)
}

// submission is Submit, or what stands before it.
type submission = func(context.Context, []lifecycle.Arrival) ([]engine.Outcome, error)

func (a *API) nextCall(ctx context.Context, submit submission, in lifecycle.Input) (engine.Outcome, error) {
	return engine.TakeNext(ctx, a.Store, submit, in)
}

// TakeNext has a member take the next lead of the queue. The input has its actor and its source; once and what is returned are as with Act.
// The error is engine.ErrNobodyWaits if there is none.
func (a *API) TakeNext(ctx context.Context, in lifecycle.Input, once string) (*lifecycle.Decision, error) {
	d, _, err := a.next(ctx, in, once, a.nextCall)
	return d, err
}

// next has a member take the next lead, as take finds it. Each lead that is tried for one request is an input of its own, whose key is that of the
// request and a number: so the request that comes again finds the one that was not refused.
func (a *API) next(ctx context.Context, in lifecycle.Input, once string, take func(context.Context, submission, lifecycle.Input) (engine.Outcome, error)) (d *lifecycle.Decision, replayed string, err error) {
	if a.Plan() == nil {
		return nil, "", engine.ErrNoAgreement
	}
	if err := a.known(ctx, "body.actor", in.Actor, false); err != nil {
		return nil, "", err
	}
	in.Known = a.now()
	in.At = in.Known
	n := 0
	key := func() string {
		if once == "" {
			return ""
		}
		return fmt.Sprintf("%s next %d", once, n)
	}
	for ; once != ""; n++ {
		was, err := a.twin(ctx, in.Source, key())
		if err != nil {
			return nil, "", err
		}
		if was == nil {
			break
		}
		if was.Input.Actor != in.Actor {
			return nil, "", problemOf("key-reused", "this Idempotency-Key was used for another request before; make a new one for each thing you do",
				ProblemError{Location: "header.Idempotency-Key", Message: "used before"})
		}
		if was.Decision.Refused == "" && was.Error == "" {
			return &was.Decision, "true", nil
		}
	}
	out, err := take(ctx, func(ctx context.Context, list []lifecycle.Arrival) ([]engine.Outcome, error) {
		list[0].Input.Key = key()
		n++
		return a.submit(ctx, list)
	}, in)
	switch {
	case err != nil:
		return nil, "", err
	case out.Err != nil:
		return nil, "", problemOf("internal", fmt.Sprintf("this could not be decided; it is kept among the problems as input %d", out.Input))
	case out.Duplicate:
		e, err := a.Store.EventOf(ctx, out.Input)
		return &e.Decision, "true", err
	}
	return &out.Decision, "", nil
}

// twin finds what was decided about an input with a key before, nil for none.
func (a *API) twin(ctx context.Context, source, key string) (*store.Event, error) {
	hash := store.Dedupe(source, key)
	found, err := a.Store.Twins(ctx, []int64{hash})
	if err != nil {
		return nil, err
	}
	for _, t := range found[hash] {
		if t.Source == source && t.Key == key {
			e, err := a.Store.EventOf(ctx, t.Input)
			return &e, err
		}
	}
	return nil, nil
}
