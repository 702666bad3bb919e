package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/store"
)

// Job is an alert that waits to be sent, is being sent, or was.
type Job struct {
	ID          int64      `json:"id"`
	Event       string     `json:"event" doc:"What happened." example:"offered"`
	Lead        int64      `json:"lead"`
	Input       int64      `json:"input" doc:"The number of what it is about."`
	To          string     `json:"to" example:"anna@northwind.example"`
	By          string     `json:"by" enum:"email,slack,teams,webhook"`
	State       string     `json:"state" enum:"waiting,sending,done,failed,dropped"`
	Due         time.Time  `json:"due" doc:"Not sent before."`
	NextTry     *time.Time `json:"next_try,omitempty" doc:"When it is tried next."`
	Wait        string     `json:"waits_for,omitempty" enum:"working hours,quiet hours,digest,absence" doc:"Why it is not sent before."`
	CarriedBy   int64      `json:"carried_by,omitempty" doc:"The job in whose message it went out, of a digest."`
	Tries       int64      `json:"tries"`
	LastError   string     `json:"last_error,omitempty" doc:"Why it was not sent the last time, or not at all."`
	DeliveredAt *time.Time `json:"delivered_at,omitempty"`
}

func jobOf(j *store.Job) Job {
	v := Job{ID: j.ID, Event: j.Kind, Lead: j.Lead, Input: j.Input, To: cmp.Or(j.Recipient, "all webhooks"), By: j.Channel, State: j.State, Due: moment(j.Due),
		Tries: j.Attempts, LastError: j.LastError, CarriedBy: j.CarriedBy, DeliveredAt: perhaps(j.DeliveredAt)}
	if j.State == store.JobWaiting {
		v.NextTry = perhaps(j.NextTry)
		if j.Attempts == 0 {
			v.Wait = j.Wait
		}
	}
	return v
}

// try is how one attempt to send a job went.
type try struct {
	N       int64     `json:"n" doc:"From 1."`
	At      time.Time `json:"at" doc:"When it was over."`
	Took    float64   `json:"took_ms"`
	Outcome string    `json:"outcome" enum:"done,later,never,gone"`
	Code    int       `json:"code,omitempty" doc:"Of HTTP or SMTP, if there was an answer."`
	Why     string    `json:"why,omitempty"`
	Said    string    `json:"said,omitempty" doc:"The first words of the answer."`
}

type jobsRequest struct {
	Page
	State   string `query:"state" enum:"waiting,sending,done,failed,dropped" doc:"Only those that stand so."`
	Lead    int64  `query:"lead" minimum:"1" doc:"Only those about a lead."`
	By      string `query:"by" enum:"email,slack,teams" doc:"Only those by mail, or by a chat."`
	Webhook int64  `query:"webhook" minimum:"1" doc:"Only those for a webhook."`
}

type jobsAnswer struct {
	Next
	Body struct {
		Items      []Job  `json:"items" doc:"The newest first."`
		NextCursor string `json:"next_cursor,omitempty"`
		Next       string `json:"next,omitempty"`
	}
}

type jobRef struct {
	ID int64 `path:"job" minimum:"1" doc:"Its number."`
}

type jobAnswer struct {
	Body struct {
		Job
		Attempts []try `json:"attempts" doc:"The first first."`
	}
}

func (a *API) jobRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/jobs", OperationID: "list-jobs", Tags: []string{"Jobs"}, Summary: "List what was sent and what waits",
		Description: "Alerts to the team, by e-mail, chat and webhook, with how each went.", Errors: []int{422}}, ScopeRead, a.listJobs)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/jobs/{job}", OperationID: "get-job", Tags: []string{"Jobs"}, Summary: "Get a job with its attempts", Errors: []int{404}}, ScopeRead, a.getJob)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/jobs/{job}/retry", OperationID: "retry-job", Tags: []string{"Jobs"}, Summary: "Try a job again",
		Description: "One that failed or was dropped, with all its tries before it.", Errors: []int{404, 409}}, ScopeWrite, a.retryJob)
}

func (a *API) listJobs(ctx context.Context, in *jobsRequest) (*jobsAnswer, error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Jobs(ctx, store.JobFilter{State: in.State, Lead: in.Lead, Channel: in.By, Webhook: in.Webhook, Before: before}, in.Limit+1)
	if err != nil {
		return nil, err
	}
	list, next := cut(list, in.Limit, func(j *store.Job) int64 { return j.ID })
	out := &jobsAnswer{}
	out.Body.Items = []Job{}
	for i := range list {
		out.Body.Items = append(out.Body.Items, jobOf(&list[i]))
	}
	out.Body.NextCursor, out.Body.Next, out.Next = in.next(next)
	return out, nil
}

func (a *API) getJob(ctx context.Context, in *jobRef) (*jobAnswer, error) {
	list, err := a.Store.Jobs(ctx, store.JobFilter{ID: in.ID}, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, problemOf("not-found", "there is no job with this number")
	}
	tries, err := a.Store.Attempts(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &jobAnswer{}
	out.Body.Job, out.Body.Attempts = jobOf(&list[0]), []try{}
	for _, t := range tries {
		out.Body.Attempts = append(out.Body.Attempts, try{t.N, moment(t.At), float64(t.Took) / 1000, t.Outcome, t.Code, t.Why, t.Said})
	}
	return out, nil
}

func (a *API) retryJob(ctx context.Context, in *jobRef) (*jobAnswer, error) {
	got, err := a.getJob(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := a.retry(ctx, got.Body.State, in.ID); err != nil {
		return nil, err
	}
	return a.getJob(ctx, in)
}

func (a *API) retry(ctx context.Context, state string, job int64) error {
	if state != store.JobFailed && state != store.JobDropped {
		return problemOf("conflict", "this job is "+state+"; only one that failed or was dropped is tried again")
	}
	return a.Store.RetryJob(ctx, job, a.now())
}

// RetryJob has a job that failed or was dropped tried again, and returns it as it was.
func (a *API) RetryJob(ctx context.Context, job int64) (store.Job, error) {
	list, err := a.Store.Jobs(ctx, store.JobFilter{ID: job}, 1)
	if err != nil {
		return store.Job{}, err
	}
	if len(list) == 0 {
		return store.Job{}, problemOf("not-found", "there is no job with this number")
	}
	return list[0], a.retry(ctx, list[0].State, job)
}
