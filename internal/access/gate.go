package access

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"baton/internal/channel"
	"baton/internal/seal"
	"baton/internal/store"
)

// Options are what a Gate needs to know.
type Options struct {
	Store *store.Store
	Seal  *seal.Keys       // for second factors; nil for none
	Clock func() time.Time // time.Now if nil
	Log   *slog.Logger     // slog.Default() if nil
	// URL is where people open Baton, as https://baton.northwind.example. Links in mails begin with it, never with what a request
	// says its host is.
	URL string
	// Mail sends a mail; nil if there is no mail server.
	Mail func(context.Context, channel.Mail) channel.Result
	// Address is the network address that a request is from; nil to go by its connection.
	Address func(*http.Request) netip.Prefix
	Cost    Cost // of passwords; the usual if it has none
	// Idle is how long a session lasts that nobody uses, Longest how long any does. 0 is 72 hours, which goes over a weekend, and 30 days.
	Idle, Longest time.Duration
	Provider      *Provider // of sign-ins; nil for none
}

// Gate says who somebody is. It is safe for concurrent use.
type Gate struct {
	Options
	limits  *limits
	hashing chan struct{} // holds a token for each password that is being hashed
	nobody  string        // the hash that passwords of nobody are compared with
	client  provided      // of the provider of sign-ins

	background context.Context
	end        context.CancelFunc
	mails      sync.WaitGroup
	demo       bool
}

// New makes a gate. Close ends it.
func New(o Options) *Gate {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Cost == (Cost{}) {
		o.Cost = usualCost
	}
	o.Idle, o.Longest = cmp.Or(o.Idle, 72*time.Hour), cmp.Or(o.Longest, 30*24*time.Hour)
	o.URL = strings.TrimRight(o.URL, "/")
	g := &Gate{Options: o, limits: newLimits(), hashing: make(chan struct{}, hashing), nobody: hashPassword("", o.Cost)}
	g.background, g.end = context.WithCancel(context.Background())
	return g
}

// Close waits a little for mails that are being sent.
func (g *Gate) Close() {
	done := make(chan struct{})
	go func() { g.mails.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
	}
	g.end()
	<-done
}

func (g *Gate) now() int64 { return g.Clock().UnixMicro() }

// From is the network address of a request, as it is limited and kept.
func (g *Gate) From(r *http.Request) string {
	if r == nil {
		return ""
	}
	if g.Address != nil {
		p := g.Address(r)
		if p.IsSingleIP() {
			return p.Addr().String()
		}
		return p.String()
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return at.Addr().Unmap().WithZone("").String()
}

// audit is a line of the audit about a request, nil for none.
func (g *Gate) audit(r *http.Request, actor, action, subject, detail string) store.Audit {
	return store.Audit{At: g.now(), Actor: actor, Address: g.From(r), Action: action, Subject: subject, Detail: detail}
}

// What the audit says was done. Pages and commands show these words.
const (
	SignedInAs     = "signed in"
	SignInRefused  = "sign-in refused"
	SignedOut      = "signed out"
	SetUp          = "set Baton up"
	Invited        = "invited"
	Joined         = "joined"
	GaveRoles      = "gave roles"
	Deactivated    = "deactivated"
	Reactivated    = "reactivated"
	AskedReset     = "asked for a new password"
	MadeReset      = "made a reset link"
	ChangedPass    = "changed the password"
	Renamed        = "changed the name"
	SwitchedTOTP   = "switched the second factor on"
	DroppedTOTP    = "switched the second factor off"
	MadeRecovery   = "made recovery codes"
	EndedSession   = "ended a session"
	EndedSessions  = "ended all other sessions"
	LinkedProvider = "linked a sign-in provider"
	Exported       = "exported"
)

// CommandLine is the actor of what is done with commands.
const CommandLine = "command line"
