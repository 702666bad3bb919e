package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"baton/internal/api"
	"baton/internal/app"
	"baton/internal/channel"
	"baton/internal/store"
)

// serveCommand's flags are the settings of a server: each is a key of the configuration too, and a variable.
// docs/operations.md lists them.
type serveCommand struct {
	database
	Agreement    string              `help:"Agreement; needed once, when the database has none." placeholder:"FILE" env:"BATON_AGREEMENT"`
	Listen       string              `help:"Address to listen on." default:"127.0.0.1:8080" placeholder:"HOST:PORT" env:"BATON_LISTEN"`
	Redirect     []string            `help:"A host to which a form may send its visitor on." placeholder:"HOST" env:"BATON_REDIRECT"`
	LogFormat    string              `help:"text for people, json for programs." enum:"text,json" default:"text" env:"BATON_LOG_FORMAT"`
	LogLevel     string              `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"BATON_LOG_LEVEL"`
	SlowCommit   time.Duration       `help:"A commit that takes longer is worth a warning." default:"1s" env:"BATON_SLOW_COMMIT"`
	Memory       int                 `help:"Megabytes of memory for leads and companies that are not in use; 0 for none." default:"512" env:"BATON_MEMORY"`
	FileMemory   int                 `help:"Megabytes of the database file that are locked in memory (SQLite); 0 for none." default:"0" env:"BATON_FILE_MEMORY"`
	DrainTime    time.Duration       `help:"How long requests under way may take when the server stops." default:"30s" env:"BATON_DRAIN_TIME"`
	Rate         api.Rate            `help:"Events a key may send, as 100/s, 6000/m or \"100/s burst 5000\"." default:"off" placeholder:"RATE" env:"BATON_RATE"`
	Rates        map[string]api.Rate `help:"The rate of one key, by its name." placeholder:"NAME=RATE" env:"BATON_RATES"`
	Tries        api.Rate            `help:"Requests with no key that is known, for each client address." default:"1/s burst 30" placeholder:"RATE" env:"BATON_TRIES"`
	TrustedProxy []network           `help:"A proxy whose X-Forwarded-For is believed." placeholder:"ADDRESS" env:"BATON_TRUSTED_PROXY"`

	URL            string            `name:"url" help:"Where people open Baton, as https://baton.northwind.example; links in mails begin with it." placeholder:"URL" env:"BATON_URL"`
	SessionIdle    time.Duration     `help:"How long somebody stays signed in who does not look." default:"72h" env:"BATON_SESSION_IDLE"`
	SessionLongest time.Duration     `help:"How long anybody stays signed in." default:"720h" env:"BATON_SESSION_LONGEST"`
	OIDCIssuer     string            `name:"oidc-issuer" help:"Provider of sign-ins (OpenID Connect)." placeholder:"URL" env:"BATON_OIDC_ISSUER"`
	OIDCClient     string            `name:"oidc-client" help:"As whom Baton is known there." placeholder:"ID" env:"BATON_OIDC_CLIENT"`
	OIDCSecret     string            `name:"oidc-secret" help:"The secret of that." env:"BATON_OIDC_SECRET"`
	OIDCName       string            `name:"oidc-name" help:"What people call it." placeholder:"NAME" env:"BATON_OIDC_NAME"`
	OIDCScopes     []string          `name:"oidc-scopes" help:"What is asked for beside openid, email and profile." placeholder:"SCOPE" env:"BATON_OIDC_SCOPES"`
	OIDCRolesClaim string            `name:"oidc-roles-claim" help:"The claim that gives roles; without it those who were invited come in." placeholder:"NAME" env:"BATON_OIDC_ROLES_CLAIM"`
	OIDCRoles      map[string]string `name:"oidc-roles" help:"The role that a value of that claim gives." placeholder:"VALUE=ROLE" env:"BATON_OIDC_ROLES"`
	OIDCTrustEmail bool              `name:"oidc-trust-email" help:"Take addresses that the provider does not say it has verified." env:"BATON_OIDC_TRUST_EMAIL"`

	MetricsListen string `help:"Address of its own for metrics, open to whoever reaches it." placeholder:"HOST:PORT" env:"BATON_METRICS_LISTEN"`

	SMTPHost     string            `name:"smtp-host" help:"Mail server by which alerts go out; without it there are no mails." placeholder:"HOST" env:"BATON_SMTP_HOST"`
	SMTPPort     int               `name:"smtp-port" help:"Its port; 0 for the usual one." default:"0" env:"BATON_SMTP_PORT"`
	SMTPSecurity string            `name:"smtp-security" help:"How the way to it is protected: starttls, tls, opportunistic, none." enum:"starttls,tls,opportunistic,none" default:"starttls" env:"BATON_SMTP_SECURITY"`
	SMTPUser     string            `name:"smtp-user" help:"Who signs in there." env:"BATON_SMTP_USER"`
	SMTPPassword string            `name:"smtp-password" help:"With what." env:"BATON_SMTP_PASSWORD"`
	MailFrom     string            `help:"Sender of mails, as \"Baton <baton@northwind.example>\"." placeholder:"ADDRESS" env:"BATON_MAIL_FROM"`
	MailTo       map[string]string `help:"Where mails for a queue, a side or a member go." placeholder:"WHO=ADDRESS" env:"BATON_MAIL_TO"`
	Slack        map[string]string `help:"Incoming webhook of Slack for a queue, a side or a member; * for all others." placeholder:"WHO=URL" env:"BATON_SLACK"`
	Teams        map[string]string `help:"Workflow of Microsoft Teams for a queue, a side or a member; * for all others." placeholder:"WHO=URL" env:"BATON_TEAMS"`

	outbound

	sealKey

	TraceEndpoint string            `help:"Collector of traces (OTLP over HTTP); without it there are none." placeholder:"URL" env:"BATON_TRACE_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT"`
	TraceHeaders  map[string]string `help:"Headers for the collector of traces." placeholder:"NAME=VALUE" env:"BATON_TRACE_HEADERS"`
	TraceSample   float64           `help:"Share of the traces kept, 0 to 1." default:"1" env:"BATON_TRACE_SAMPLE"`

	Config      string `help:"Settings in a file (YAML); the command line and the environment count before it." placeholder:"FILE" env:"BATON_CONFIG"`
	PrintConfig bool   `help:"Print the settings that apply and where each came from, and end."`
}

// outbound are the settings that say what is called: by a server, and so what a webhook may be added for.
type outbound struct {
	Outbound     []string `help:"A network, address or host inside that may be called; the public internet always may." placeholder:"NETWORK" env:"BATON_OUTBOUND"`
	OutboundHTTP bool     `name:"outbound-http" help:"Let webhooks be called by http too." env:"BATON_OUTBOUND_HTTP"`
}

func (o *outbound) guard() (*channel.Guard, error) {
	return channel.NewGuard(o.Outbound, o.OutboundHTTP)
}

const mostMemory = 1 << 20 // megabytes

func (c *serveCommand) Run(r *run, s *settings, parsed *kong.Context) error {
	if err := errors.Join(bounded("drain-time", c.DrainTime, time.Millisecond, time.Hour), bounded("slow-commit", c.SlowCommit, time.Millisecond, time.Hour),
		bounded("memory", c.Memory, 0, mostMemory), bounded("file-memory", c.FileMemory, 0, mostMemory), bounded("trace-sample", c.TraceSample, 0, 1)); err != nil {
		return err
	}
	if c.FileMemory > 0 && !store.CanHold(c.DB) {
		return errors.New("--file-memory: it is for a SQLite file, on a system that can lock memory; leave it out here (PostgreSQL has shared_buffers for that)")
	}
	if c.PrintConfig {
		var b bytes.Buffer
		s.print(parsed, &b)
		_, err := r.Out.Write(b.Bytes())
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return err
	}
	options := &slog.HandlerOptions{Level: level}
	log := slog.New(slog.NewTextHandler(r.Err, options))
	if c.LogFormat == "json" {
		log = slog.New(slog.NewJSONHandler(r.Err, options))
	}
	a, err := app.Open(r.ctx, app.Options{DB: c.DB, Clock: r.Clock, Memory: c.Memory << 20})
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.Adopt(r.ctx, c.Agreement, r.now()); err != nil {
		return err
	}
	signIn, err := c.signIn()
	if err != nil {
		return err
	}
	keys, err := c.keys(&c.database)
	if err != nil {
		return err
	}
	rates := api.Rates{Key: c.Rate, Keys: c.Rates, Tries: c.Tries}
	for _, p := range c.TrustedProxy {
		rates.Proxies = append(rates.Proxies, netip.Prefix(p))
	}
	err = a.Serve(r.ctx, app.ServeOptions{Listen: c.Listen, Redirects: c.Redirect, Log: log, Version: version(), Rates: rates, Seal: keys,
		Tracing: app.Tracing{Endpoint: c.TraceEndpoint, Headers: c.TraceHeaders, Sample: c.TraceSample},
		Delivery: app.Delivery{Host: c.SMTPHost, Port: c.SMTPPort, Security: c.SMTPSecurity, User: c.SMTPUser, Password: c.SMTPPassword, From: c.MailFrom,
			Mails: c.MailTo, Slack: c.Slack, Teams: c.Teams, Allow: c.Outbound, PlainHTTP: c.OutboundHTTP},
		MetricsListen: c.MetricsListen, FileMemory: int64(c.FileMemory) << 20, SlowCommit: c.SlowCommit, DrainTime: c.DrainTime, NotifySocket: os.Getenv("NOTIFY_SOCKET"), Watchdog: watchdog(),
		URL: c.URL, SignIn: signIn, Settings: s.list(parsed), SetUp: func(url, code string) { welcome(r, url, code) },
		Ready: func(address string) { c.greet(r, address) }})
	if closed := a.Close(); err == nil {
		err = closed
	}
	if errors.Is(err, context.Canceled) && r.ctx.Err() != nil {
		return nil
	}
	return err
}

// watchdog is how often systemd wants to hear from the server; 0 if it does not.
func watchdog() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(micros) * time.Microsecond
}

// greet says where Baton is and how to send it something.
func (c *serveCommand) greet(r *run, address string) {
	fmt.Fprintf(r.Out, `Baton listens on http://%[1]s. Stop it with Ctrl-C. To see it at work, in another terminal:

KEY=$(baton key new --db %[2]s --scope track)
curl -u "$KEY:" http://%[1]s/v1/identify -d '{"userId": "u1", "traits": {"email": "ada@acme.example", "title": "Head of Operations"}}'
baton explain ada@acme.example --db %[2]s
`, address, quoteShell(c.name()))
}
