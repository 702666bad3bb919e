package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/channel"
	"baton/internal/seal"
	"baton/internal/store"
)

// Webhook is where events are sent, without the secret that signs them.
type Webhook struct {
	ID          int64      `json:"id"`
	URL         string     `json:"url" example:"https://crm.northwind.example/baton"`
	Events      []string   `json:"events" doc:"Those it wants; all if there are none."`
	CreatedAt   time.Time  `json:"created_at"`
	OldUntil    *time.Time `json:"old_secret_until,omitempty" doc:"Until when the secret before signs too."`
	DisabledAt  *time.Time `json:"disabled_at,omitempty" doc:"When it was switched off: it answered 410."`
	DisabledWhy string     `json:"disabled_why,omitempty"`
}

func webhookOf(w *store.Webhook, now int64) Webhook {
	v := Webhook{ID: w.ID, URL: w.URL, Events: append([]string{}, strings.Fields(w.Events)...), CreatedAt: moment(w.CreatedAt), DisabledAt: perhaps(w.DisabledAt), DisabledWhy: w.DisabledWhy}
	if w.OldUntil > now {
		v.OldUntil = perhaps(w.OldUntil)
	}
	return v
}

type webhooksAnswer struct {
	Body struct {
		Items []Webhook `json:"items"`
	}
}

type newWebhook struct {
	Body struct {
		URL    string   `json:"url" maxLength:"2000" doc:"A whole address that takes a POST." example:"https://crm.northwind.example/baton"`
		Events []string `json:"events,omitempty" doc:"Those it wants; all if there are none." example:"[\"offered\", \"won\"]"`
	}
}

type secretWebhook struct {
	Location string `header:"Location"`
	Body     struct {
		Webhook
		Secret string `json:"secret" doc:"What signs, as Standard Webhooks writes it. It is shown this once." example:"whsec_…"`
	}
}

// WebhookRef names a webhook in an address.
type WebhookRef struct {
	ID int64 `path:"webhook" minimum:"1" doc:"Its number."`
}

type rotateWebhook struct {
	WebhookRef
	Body struct {
		Hours *float64 `json:"hours,omitempty" minimum:"0" maximum:"2160" doc:"For how long the secret before signs too: 24 if it is left out, 0 for no more at all, if it has become known."`
	}
}

type webhookAnswer struct{ Body Webhook }

func (a *API) webhookRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/webhooks", OperationID: "list-webhooks", Tags: []string{"Webhooks"}, Summary: "List the webhooks",
		Description: "Without their secrets: those are shown when they are made."}, ScopeAdmin, a.listWebhooks)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/webhooks", OperationID: "add-webhook", Tags: []string{"Webhooks"}, Summary: "Add a webhook",
		Description: "The answer has the secret that signs what is sent there.", DefaultStatus: 201, Errors: []int{400, 409, 422}}, ScopeAdmin, a.addWebhook)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/webhooks/{webhook}/rotate", OperationID: "rotate-webhook", Tags: []string{"Webhooks"}, Summary: "Give a webhook another secret",
		Description: "For a while, what is sent there is signed with both.", Errors: []int{400, 404, 409, 422}}, ScopeAdmin, a.rotateWebhook)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/webhooks/{webhook}/enable", OperationID: "enable-webhook", Tags: []string{"Webhooks"}, Summary: "Switch a webhook on again",
		Description: "It gets events from now on.", Errors: []int{404}}, ScopeAdmin, a.enableWebhook)
	register(a, huma.Operation{Method: http.MethodDelete, Path: "/webhooks/{webhook}", OperationID: "remove-webhook", Tags: []string{"Webhooks"}, Summary: "Remove a webhook",
		Description: "What waits to be sent there is dropped.", Errors: []int{404}}, ScopeAdmin, a.removeWebhook)
}

func (a *API) listWebhooks(ctx context.Context, _ *struct{}) (*webhooksAnswer, error) {
	list, err := a.Store.Webhooks(ctx)
	out := &webhooksAnswer{}
	out.Body.Items = []Webhook{}
	for i := range list {
		out.Body.Items = append(out.Body.Items, webhookOf(&list[i], a.now()))
	}
	return out, err
}

// AddWebhook adds a webhook that wants some events, all if there are none, and returns its number and the secret that signs what is
// sent there. This is the only time that it can be seen. What is not as it should be is a Problem.
func (a *API) AddWebhook(ctx context.Context, address string, events []string) (id int64, secret string, err error) {
	if err := CheckWebhook(a.Guard, address, events); err != nil {
		return 0, "", err
	}
	if secret, err = channel.NewSecret(rand.Reader); err != nil {
		return 0, "", err
	}
	id, err = a.Store.AddWebhook(ctx, a.Seal, store.Webhook{URL: address, Events: strings.Join(events, " "), CreatedAt: a.now()}, secret)
	return id, secret, refusedWebhook(err)
}

// CheckWebhook says what is not as it should be with a webhook that is to be added: a *Problem. The guard says which addresses are
// called; nil for any.
func CheckWebhook(guard *channel.Guard, address string, events []string) error {
	const whole = "as https://crm.northwind.example/baton, with no name or password in it"
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return problemOf("invalid", "a webhook needs a whole address, "+whole, ProblemError{Location: "body.url", Message: "write it " + whole})
	}
	if guard != nil { // what is never called is said now
		if err := guard.Check(address); err != nil {
			why := err.Error()
			if refused := (*channel.Refused)(nil); errors.As(err, &refused) {
				why = refused.InFull()
			}
			return problemOf("invalid", "this address is not called from here: "+why, ProblemError{Location: "body.url", Message: why})
		}
	}
	for i, e := range events {
		if !has(agreement.Events, e) {
			return unknownWord(fmt.Sprintf("body.events[%d]", i), "event", e, agreement.Events)
		}
	}
	return nil
}

// refusedWebhook makes a Problem of what the store has to say about a webhook.
func refusedWebhook(err error) error {
	switch {
	case errors.Is(err, store.ErrNoWebhook):
		return problemOf("not-found", store.ErrNoWebhook.Error())
	case errors.Is(err, store.ErrRotating):
		return problemOf("conflict", store.ErrRotating.Error())
	case errors.Is(err, store.ErrManyWebhooks):
		return problemOf("conflict", store.ErrManyWebhooks.Error())
	case errors.Is(err, seal.ErrNoKey), errors.Is(err, seal.ErrOtherKey):
		return problemOf("conflict", err.Error())
	}
	return err
}

func (a *API) addWebhook(ctx context.Context, in *newWebhook) (*secretWebhook, error) {
	id, secret, err := a.AddWebhook(ctx, in.Body.URL, in.Body.Events)
	if err != nil {
		return nil, err
	}
	return a.secretOfWebhook(ctx, id, secret)
}

func (a *API) secretOfWebhook(ctx context.Context, id int64, secret string) (*secretWebhook, error) {
	w, err := a.webhook(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &secretWebhook{Location: restPath + "/webhooks/" + strconv.FormatInt(id, 10)}
	out.Body.Webhook, out.Body.Secret = *w, secret
	return out, nil
}

func (a *API) webhook(ctx context.Context, id int64) (*Webhook, error) {
	list, err := a.Store.Webhooks(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id {
			v := webhookOf(&list[i], a.now())
			return &v, nil
		}
	}
	return nil, fmt.Errorf("webhook %d: %w", id, store.ErrNoWebhook)
}

// RotateWebhook gives a webhook another secret, and returns it; the one before signs too for some hours, from 0 to 2160.
func (a *API) RotateWebhook(ctx context.Context, id int64, hours float64) (secret string, err error) {
	if secret, err = channel.NewSecret(rand.Reader); err != nil {
		return "", err
	}
	now := a.now()
	err = a.Store.RotateWebhook(ctx, a.Seal, id, secret, now, now+int64(hours*float64(time.Hour.Microseconds())))
	return secret, refusedWebhook(err)
}

func (a *API) rotateWebhook(ctx context.Context, in *rotateWebhook) (*secretWebhook, error) {
	hours := 24.0
	if in.Body.Hours != nil {
		hours = *in.Body.Hours
	}
	secret, err := a.RotateWebhook(ctx, in.ID, hours)
	if err != nil {
		return nil, err
	}
	return a.secretOfWebhook(ctx, in.ID, secret)
}

func (a *API) enableWebhook(ctx context.Context, in *WebhookRef) (*webhookAnswer, error) {
	if err := a.Store.EnableWebhook(ctx, in.ID, a.now()); err != nil {
		return nil, err
	}
	w, err := a.webhook(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &webhookAnswer{*w}, nil
}

func (a *API) removeWebhook(ctx context.Context, in *WebhookRef) (*struct{}, error) {
	return nil, a.Store.RemoveWebhook(ctx, in.ID, a.now())
}
