package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"baton/internal/app"
)

type serveCommand struct {
	database
	Agreement string   `help:"Agreement; needed once, when the database has none." placeholder:"FILE"`
	Listen    string   `help:"Address to listen on." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Redirect  []string `help:"A host to which a form may send its visitor on." placeholder:"HOST"`
	LogFormat string   `help:"text for people, json for programs." enum:"text,json" default:"text"`
	LogLevel  string   `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
}

func (c *serveCommand) Run(r *run) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return err
	}
	options := &slog.HandlerOptions{Level: level}
	log := slog.New(slog.NewTextHandler(r.Err, options))
	if c.LogFormat == "json" {
		log = slog.New(slog.NewJSONHandler(r.Err, options))
	}
	a, err := c.open(r)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.Adopt(r.ctx, c.Agreement, r.now()); err != nil {
		return err
	}
	err = a.Serve(r.ctx, app.ServeOptions{Listen: c.Listen, Redirects: c.Redirect, Log: log, Ready: func(address string) { c.greet(r, address) }})
	if closed := a.Close(); err == nil {
		err = closed
	}
	if errors.Is(err, context.Canceled) && r.ctx.Err() != nil {
		return nil
	}
	return err
}

// greet says where Baton is and how to send it something.
func (c *serveCommand) greet(r *run, address string) {
	fmt.Fprintf(r.Out, `Baton listens on http://%[1]s. Stop it with Ctrl-C. To see it at work, in another terminal:

KEY=$(baton key new --db %[2]s --scope track)
curl -u "$KEY:" http://%[1]s/v1/identify -d '{"userId": "u1", "traits": {"email": "ada@acme.example", "title": "Head of Operations"}}'
baton explain ada@acme.example --db %[2]s
`, address, quoteShell(c.DB))
}
