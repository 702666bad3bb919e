package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"time"

	"baton/internal/channel"
	"baton/internal/delivery"
)

// Delivery is by what alerts go out; the zero value sends nothing but webhooks.
type Delivery struct {
	Host, Security string // of the mail server; no host for no mail
	Port           int
	User, Password string
	From           string // as "Baton <baton@northwind.example>"
	// Mails, Slack and Teams are addresses by whom they are for: a member, "marketing", "sales", "queue NAME", or "*".
	Mails, Slack, Teams map[string]string
	// Allow are networks, addresses and hosts inside that may be called; PlainHTTP lets http be used.
	Allow     []string
	PlainHTTP bool
	Schedule  channel.Schedule // of tries; the usual one if it has none
}

// newDesk makes what sends alerts, from the settings. What calls out goes by the guard.
func (a *App) newDesk(opts *ServeOptions, guard *channel.Guard, post *channel.Poster) (*delivery.Desk, func(), error) {
	c := &opts.Delivery
	for _, m := range []map[string]string{c.Slack, c.Teams} {
		for who, url := range m { // order: any that is wrong will do
			if err := guard.Check(url); err != nil {
				return nil, nil, fmt.Errorf("serving: the URL for %s: %w", who, err)
			}
		}
	}
	o := delivery.Options{Store: a.Store, Compile: Compile, Log: opts.Log, Clock: a.clock, Post: post, Seal: opts.Seal, Schedule: c.Schedule,
		Mails: rest(c.Mails), Slack: rest(c.Slack), Teams: rest(c.Teams)}
	end := func() {}
	if c.Host == "" {
		opts.Log.Info("no mail server is set: alerts by e-mail are dropped; see smtp-host")
	} else {
		from, err := mail.ParseAddress(c.From)
		if err != nil {
			return nil, nil, fmt.Errorf("serving: mail-from has to be the sender of mails, as baton@northwind.example, and is %q", c.From)
		}
		o.Mail, err = channel.NewMailer(channel.MailConfig{Host: c.Host, Port: c.Port, TLS: channel.TLS(c.Security), User: c.User, Password: c.Password,
			From: channel.Address{Name: from.Name, Mail: from.Address}})
		if err != nil {
			return nil, nil, fmt.Errorf("serving: %w", err)
		}
		end = o.Mail.Close
	}
	return delivery.New(o), end, nil
}

// rest has what is for "*" stand under "", for all others.
func rest(m map[string]string) map[string]string {
	out := map[string]string{}
	for who, where := range m { // order: a map again
		if who == "*" {
			who = ""
		}
		out[who] = where
	}
	return out
}

// runDesk sends alerts. What keeps it from that is logged, and tried again.
func runDesk(ctx context.Context, desk *delivery.Desk, log *slog.Logger) {
	const first, longest = time.Second, 30 * time.Second
	pause := first
	for {
		began := time.Now()
		err := desk.Run(ctx)
		if ctx.Err() != nil {
			if err != nil {
				log.Warn("how the last messages went is not on record; they may come twice", "error", err)
			}
			return
		}
		if time.Since(began) > longest {
			pause = first
		}
		log.Error("alerts cannot be sent now; trying again", "error", err, "in", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longest)
	}
}
