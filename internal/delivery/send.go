package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/channel"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// send hands a job to its channel. dropped says why it is not sent, "" if it was tried. An error is the store's.
func (d *Desk) send(ctx context.Context, job *store.Job) (r channel.Result, dropped string, err error) {
	alert, err := job.Alert()
	if err != nil {
		return channel.Result{Outcome: channel.Never, Why: err.Error()}, "", nil
	}
	input, err := d.decidedAt(ctx, job)
	if err != nil {
		return r, "", err
	}
	s, err := d.scene(ctx, job.Lead)
	if err != nil {
		return r, "", err
	}
	if job.Channel == "webhook" { // programs are told what happened, true still or not
		r, dropped, err = d.webhook(ctx, job, &alert, s, input)
		return r, dropped, err
	}
	if s.view.Lead == nil {
		return r, lifecycle.Moot(nil, &s.view, &alert, input, d.now()), nil
	}
	if why := lifecycle.Moot(s.plan, &s.view, &alert, input, d.now()); why != "" {
		return r, why, nil
	}
	now := d.now()
	n := lifecycle.Tell(s.plan, &s.view, s.past, &alert, max(now, s.view.Lead.Clock))
	r, dropped = d.hand(ctx, job, s, n, d.links([]lifecycle.Telling{{Lead: job.Lead, Notice: n}}))
	return r, dropped, nil
}

// hand hands a notice to the channel of a job, or to mail if that has no address there. dropped says why it goes nowhere.
func (d *Desk) hand(ctx context.Context, job *store.Job, s *scene, n lifecycle.Notice, links []channel.Link) (r channel.Result, dropped string) {
	by := job.Channel
	to, why := d.address(s.plan, &s.view, by, job.Recipient)
	if why != "" && by != "email" && d.Mail != nil { // better by mail than not at all
		if mail, unknown := d.address(s.plan, &s.view, "email", job.Recipient); unknown == "" {
			by, to, why = "email", mail, ""
			job.Endpoint = store.EmailEndpoint // it is mail that is tried
		}
	}
	if why != "" {
		return r, why
	}
	notice := spoken(n)
	notice.Links = links
	switch by {
	case "email":
		name := ""
		if m := s.view.Roster.Member(to); m != nil {
			name = m.Name
		}
		return d.Mail.Send(ctx, channel.Mail{ID: deliveryID(job), At: job.Due, To: channel.Address{Name: name, Mail: to}, Notice: notice}), ""
	case "slack":
		return d.Post.Slack(ctx, to, notice, d.now()), ""
	case "teams":
		return d.Post.Teams(ctx, to, notice, d.now()), ""
	}
	return r, "there is no way to send by " + by
}

// digest sends what is due of a digest as one message. What is moot is left out, and noted with the attempt; what is alone
// is told as it would be without a digest.
func (d *Desk) digest(ctx context.Context, job *store.Job, a *store.Attempt) (r channel.Result, dropped string, err error) {
	all := append([]store.Job{*job}, job.With...)
	var told []lifecycle.Telling
	var last *scene
	why := map[int64]string{}
	for i := range all {
		one := &all[i]
		alert, err := one.Alert()
		if err != nil {
			why[one.ID] = err.Error()
			continue
		}
		input, err := d.decidedAt(ctx, one)
		if err != nil {
			return r, "", err
		}
		s, err := d.scene(ctx, one.Lead)
		if err != nil {
			return r, "", err
		}
		if moot := lifecycle.Moot(s.plan, &s.view, &alert, input, d.now()); moot != "" {
			why[one.ID] = moot
			continue
		}
		last = s
		told = append(told, lifecycle.Telling{Lead: one.Lead, Alert: alert, At: input, Notice: lifecycle.Tell(s.plan, &s.view, s.past, &alert, max(d.now(), s.view.Lead.Clock))})
	}
	if last == nil { // nothing is left to tell
		dropped = why[job.ID]
	} else {
		r, dropped = d.hand(ctx, job, last, lifecycle.Gather(last.plan, told), d.links(told))
	}
	delete(why, job.ID)
	a.Moot = why
	return r, dropped, nil
}

// spoken makes a notice of channels of one of lifecycle.
func spoken(n lifecycle.Notice) channel.Notice {
	c := channel.Notice{Language: "en", Title: n.Title, Paragraphs: n.Paragraphs, Footer: n.Footer}
	for _, f := range n.Facts {
		c.Facts = append(c.Facts, channel.Fact(f))
	}
	return c
}

// mostLinked is to how many leads a message leads that is about several.
const mostLinked = 4

// links lead to the pages of what is told, and to Baton if that is more than a message should have. What one may see and do there, the
// page says.
func (d *Desk) links(told []lifecycle.Telling) (links []channel.Link) {
	base := strings.TrimRight(d.URL, "/")
	if base == "" {
		return nil
	}
	var leads []int64
	for _, t := range told {
		if slices.Contains(leads, t.Lead) {
			continue
		}
		if leads = append(leads, t.Lead); len(leads) > mostLinked {
			return append(links, channel.Link{Text: "Open Baton", URL: base + "/"})
		}
		links = append(links, channel.Link{Text: t.Notice.Title, URL: fmt.Sprintf("%s/leads/%d", base, t.Lead)})
	}
	if len(links) == 1 {
		links[0].Text = "Open this lead in Baton"
	}
	return links
}

// address finds where a message goes; why says why it goes nowhere.
func (d *Desk) address(plan *agreement.Plan, view *lifecycle.View, by, who string) (to, why string) {
	pick := func(m map[string]string) string {
		if a := m[who]; a != "" {
			return a
		}
		return m[""]
	}
	switch by {
	case "email":
		if d.Mail == nil {
			return "", "no mail server is set; see smtp-host"
		}
		if to = d.Mails[who]; to != "" {
			return to, ""
		}
		if m := view.Roster.Member(who); m != nil && m.Inactive {
			return "", m.ID + " has left the team"
		}
		if strings.Contains(who, "@") && !strings.HasPrefix(who, "queue ") {
			return who, ""
		}
		for i := range plan.Parties {
			if p := &plan.Parties[i]; p.Side.String() == who && p.Signatory != "" {
				return p.Signatory, ""
			}
		}
		if to = d.Mails[""]; to != "" {
			return to, ""
		}
		return "", "no mail address is known for " + who + "; see mail-to"
	case "slack":
		if to = pick(d.Slack); to == "" || d.Post == nil {
			return "", "no URL of Slack is set for " + who + "; see slack"
		}
	case "teams":
		if to = pick(d.Teams); to == "" || d.Post == nil {
			return "", "no URL of Teams is set for " + who + "; see teams"
		}
	}
	return to, ""
}

// scene is a lead as it stands, with all that a message needs.
type scene struct {
	plan *agreement.Plan
	view lifecycle.View
	past []lifecycle.Decided
}

func (d *Desk) scene(ctx context.Context, lead int64) (*scene, error) {
	s := &scene{}
	records, err := d.Store.Leads(ctx, []int64{lead})
	if err != nil {
		return nil, err
	}
	if records[lead] == nil || records[lead].Lead == nil {
		return s, nil
	}
	s.view.Lead = records[lead].Lead
	if s.plan, err = d.plan(ctx, s.view.Lead.Version); err != nil {
		return nil, err
	}
	if a := s.view.Lead.Account; a != 0 {
		accounts, err := d.Store.Accounts(ctx, []int64{a})
		if err != nil {
			return nil, err
		}
		if len(accounts) > 0 && accounts[0].Account.Version == s.view.Lead.Version {
			s.view.Account = accounts[0].Account
		}
	}
	if s.view.Roster, err = d.Store.Roster(ctx); err != nil {
		return nil, err
	}
	events, err := d.Store.Story(ctx, lead, storyMost)
	for i := range events {
		s.past = append(s.past, lifecycle.Decided{Input: events[i].Input, Decision: events[i].Decision})
		s.past[i].Decision.At = events[i].Input.Known
	}
	return s, err
}

// storyMost is how far back a message looks.
const storyMost = 500

// plan returns the plan of a version of the agreement.
func (d *Desk) plan(ctx context.Context, version int64) (*agreement.Plan, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.plans[version]; p != nil {
		return p, nil
	}
	stored, err := d.Store.AgreementVersion(ctx, version)
	if err != nil {
		return nil, err
	}
	p, err := d.Compile(stored)
	if err != nil {
		return nil, fmt.Errorf("reading the stored agreement, version %d: %w", version, err)
	}
	d.plans[version] = p
	return p, nil
}

// decidedAt returns when the decision of a job was made.
func (d *Desk) decidedAt(ctx context.Context, job *store.Job) (int64, error) {
	return d.Store.InputKnown(ctx, job.Input)
}

// event is the body of a webhook, as Standard Webhooks has it: who wants more asks the API.
type event struct {
	Type      string    `json:"type"`
	Timestamp string    `json:"timestamp"`
	Data      eventData `json:"data"`
}

type eventData struct {
	Lead    int64  `json:"lead"`
	Input   int64  `json:"input"` // that was decided
	Stage   string `json:"stage,omitempty"`
	Owner   string `json:"owner,omitempty"`
	About   string `json:"about,omitempty"`  // the hand-off, clock or reason
	Clause  string `json:"clause,omitempty"` // that led to it
	Handoff string `json:"handoff,omitempty"`
	// Marketing are the channels that it may use now: all, none, or names.
	Marketing []string `json:"marketing,omitempty"`
}

// keysOf returns the keys that sign for a webhook now.
func (d *Desk) keysOf(ctx context.Context, id int64) (keys []channel.Key, r channel.Result) {
	secrets, err := d.Store.WebhookSecrets(ctx, d.Seal, id, d.now())
	if err != nil { // somebody can bring the key back: it is tried again
		return nil, channel.Result{Outcome: channel.Later, Why: err.Error()}
	}
	for _, secret := range secrets {
		key, err := channel.ParseKey(secret)
		if err != nil {
			return nil, channel.Result{Outcome: channel.Never, Why: err.Error()}
		}
		keys = append(keys, key)
	}
	return keys, r
}

// webhook sends an event to the one webhook that a job is for.
func (d *Desk) webhook(ctx context.Context, job *store.Job, alert *lifecycle.Alert, s *scene, at int64) (r channel.Result, dropped string, err error) {
	var id int64
	if _, err := fmt.Sscanf(job.Recipient, "webhook %d", &id); err != nil {
		return r, "it names no webhook", nil
	}
	hooks, err := d.Store.Webhooks(ctx)
	if err != nil {
		return r, "", err
	}
	i := slices.IndexFunc(hooks, func(h store.Webhook) bool { return h.ID == id })
	switch {
	case i < 0:
		return r, "this webhook is not there any more", nil
	case hooks[i].DisabledAt != 0:
		return r, "this webhook is switched off: " + hooks[i].DisabledWhy, nil
	case d.Post == nil:
		return r, "nothing is sent by HTTP here", nil
	}
	keys, r := d.keysOf(ctx, id)
	if r.Outcome != channel.NoOutcome {
		return r, "", nil
	}
	e := event{Type: "lead." + job.Kind, Timestamp: time.UnixMicro(at).UTC().Format(time.RFC3339Nano), Data: eventData{Lead: job.Lead, Input: job.Input, About: alert.Name, Clause: alert.Clause}}
	if l := s.view.Lead; l != nil {
		if e.Data.Marketing = strings.Fields(l.Marketing); l.Marketing == "" {
			e.Data.Marketing = []string{"all"}
		}
		e.Data.Stage, e.Data.Owner, e.Data.Handoff = s.plan.Stages[l.Stage].Name, l.Owner, l.Handoff.State.String()
	}
	body, err := json.Marshal(e)
	if err != nil {
		return r, "", err
	}
	return d.Post.Webhook(ctx, channel.Webhook{ID: deliveryID(job), At: d.now(), URL: hooks[i].URL, Keys: keys, Body: body}), "", nil
}

// disables returns the webhook that wants no more after a try, 0 for none.
func disables(job *store.Job, r channel.Result) (id int64) {
	if job.Channel == "webhook" && r.Outcome == channel.Gone {
		_, _ = fmt.Sscanf(job.Recipient, "webhook %d", &id) // 0 if it names none
	}
	return id
}
