package delivery

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"baton/internal/channel"
	"baton/internal/store"
)

// Tried is how a message went that somebody sent to try a way.
type Tried struct {
	channel.Result
	Took time.Duration
}

// ErrNoWay means that there is nothing to send a test message by: no mail server, no such webhook, no address in chat.
var ErrNoWay = errors.New("there is nothing to send this by")

// testTime bounds a test: somebody waits for it.
const testTime = 15 * time.Second

// TestEvent is the type of the event that a test of a webhook sends.
const TestEvent = "baton.test"

// TestWebhook sends a webhook a signed event that says it is a test. It is tried once, also while the webhook is switched off.
func (d *Desk) TestWebhook(ctx context.Context, id int64, by string) (Tried, error) {
	hooks, err := d.Store.Webhooks(ctx)
	if err != nil {
		return Tried{}, err
	}
	for i := range hooks {
		if hooks[i].ID != id || d.Post == nil {
			continue
		}
		return d.try(ctx, store.WebhookEndpoint(id), func(ctx context.Context, name string) channel.Result {
			keys, r := d.keysOf(ctx, id)
			if r.Outcome != channel.NoOutcome {
				return r
			}
			now := d.now()
			body, err := json.Marshal(testEvent{TestEvent, time.UnixMicro(now).UTC().Format(time.RFC3339Nano), testData{"this is a test; nothing happened", by}})
			if err != nil {
				return channel.Result{Outcome: channel.Never, Why: err.Error()}
			}
			return d.Post.Webhook(ctx, channel.Webhook{ID: name, At: now, URL: hooks[i].URL, Keys: keys, Body: body})
		})
	}
	return Tried{}, fmt.Errorf("webhook %d: %w", id, store.ErrNoWebhook)
}

type testEvent struct {
	Type      string   `json:"type"`
	Timestamp string   `json:"timestamp"`
	Data      testData `json:"data"`
}

type testData struct {
	About string `json:"about"`
	By    string `json:"by"` // who sent it
}

// TestChat sends a notice to the address in Slack or Teams that is set for somebody, "" for all others.
func (d *Desk) TestChat(ctx context.Context, way, who, by string) (Tried, error) {
	to := map[string]map[string]string{"slack": d.Slack, "teams": d.Teams}[way][who]
	if to == "" || d.Post == nil {
		return Tried{}, ErrNoWay
	}
	return d.try(ctx, strings.TrimSpace(way+" "+who), func(ctx context.Context, name string) channel.Result {
		if way == "teams" {
			return d.Post.Teams(ctx, to, d.testNotice(by), d.now())
		}
		return d.Post.Slack(ctx, to, d.testNotice(by), d.now())
	})
}

// TestMail sends a mail to whoever asks for it.
func (d *Desk) TestMail(ctx context.Context, to channel.Address) (Tried, error) {
	if d.Mail == nil {
		return Tried{}, ErrNoWay
	}
	return d.try(ctx, store.EmailEndpoint, func(ctx context.Context, name string) channel.Result {
		return d.Mail.Send(ctx, channel.Mail{ID: name, At: d.now(), To: to, Notice: d.testNotice(to.Mail)})
	})
}

func (d *Desk) testNotice(by string) channel.Notice {
	n := channel.Notice{Language: "en", Title: "A test from Baton", Paragraphs: []string{"Messages from Baton arrive here.", by + " sent this to see that they do. There is nothing to do."}}
	if d.URL != "" {
		n.Links = []channel.Link{{Text: "Open Baton", URL: d.URL}}
	}
	return n
}

// try sends a test message, and notes how the endpoint answered.
func (d *Desk) try(ctx context.Context, endpoint string, send func(context.Context, string) channel.Result) (t Tried, err error) {
	began := d.Clock()
	bounded, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	t.Result = send(bounded, "test_"+strings.ToLower(rand.Text()))
	t.Took = d.Clock().Sub(began)
	err = d.Store.Tried(context.WithoutCancel(ctx), store.Attempt{Endpoint: endpoint, At: d.now(), Outcome: t.Outcome.String(), Code: t.Code, Why: t.Why})
	return t, err
}
