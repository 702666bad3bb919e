package access

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"baton/internal/store"
)

// Provider is where people sign in by OpenID Connect.
type Provider struct {
	Issuer string // as https://accounts.northwind.example
	ID     string // of Baton, as its client
	Secret string // empty for a client that has none
	Name   string // what people call it, for the button
	// RolesClaim is the claim that holds roles, as roles or groups; a dot leads into one. Empty: only those who were invited come
	// in, with the roles they were given.
	RolesClaim string
	// RoleOf gives the role of each value of the claim; values that are roles need none.
	RoleOf map[string]string
	Scopes []string // beside openid, email and profile
	// TrustEmail takes addresses that the provider does not say it has verified. Only for a provider where nobody can give
	// themselves an address.
	TrustEmail bool
	// Client asks the provider; nil for one that waits ten seconds at most.
	Client *http.Client
}

// provided is what was learned of a provider.
type provided struct {
	lock     sync.Mutex
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	config   *oauth2.Config
}

const (
	providerBack   = "/sign-in/provider/back" // where the provider sends people back to
	providerCookie = "baton-provider"
	providerTime   = 10 * time.Minute
)

// learn asks the provider where it has what, once it is needed, so that Baton starts while the provider is away.
func (g *Gate) learn(ctx context.Context) (*oauth2.Config, *oidc.IDTokenVerifier, context.Context, error) {
	p := g.Provider
	if p == nil {
		return nil, nil, nil, &Refusal{Text: "there is no other service to sign in at; sign in with your password"}
	}
	client := p.Client
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Second}
	}
	ctx = oidc.ClientContext(ctx, client)
	l := &g.client
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.config == nil {
		// what is learned here outlives the request: keys are fetched anew with it
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), client), p.Issuer)
		if err != nil {
			g.Log.Error("the provider of sign-ins does not answer as it should", "error", err)
			return nil, nil, nil, &Refusal{Text: "the service you sign in at does not answer; try again in a minute", Wait: 60}
		}
		l.provider, l.verifier = found, found.Verifier(&oidc.Config{ClientID: p.ID, Now: g.Clock})
		l.config = &oauth2.Config{ClientID: p.ID, ClientSecret: p.Secret, Endpoint: found.Endpoint(), RedirectURL: g.URL + providerBack,
			Scopes: append([]string{oidc.ScopeOpenID, "email", "profile"}, p.Scopes...)}
	}
	return l.config, l.verifier, ctx, nil
}

// journey is somebody on the way to the provider and back; it waits in a cookie of theirs.
type journey struct{ State, Nonce, Verifier, Next string }

// ToProvider returns the address at the provider where somebody signs in; next is where they want to go then.
func (g *Gate) ToProvider(w http.ResponseWriter, r *http.Request, next string) (string, error) {
	config, _, _, err := g.learn(r.Context())
	if err != nil {
		return "", err
	}
	state, _ := newToken()
	nonce, _ := newToken()
	j := journey{state, nonce, oauth2.GenerateVerifier(), next}
	b, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	c := g.cookie(r, providerCookie, base64.RawURLEncoding.EncodeToString(b))
	c.MaxAge = int(providerTime.Seconds())
	http.SetCookie(w, c)
	return config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(j.Verifier)), nil
}

// claims are what a provider says of somebody.
type claims struct {
	Subject  string `json:"sub"`
	Email    string `json:"email"`
	Verified any    `json:"email_verified"` // some say "true"
	Name     string `json:"name"`
}

// FromProvider lets somebody in who comes back from the provider, and returns where they wanted to go.
func (g *Gate) FromProvider(w http.ResponseWriter, r *http.Request) (next string, err error) {
	if wait, back := g.limits.address.take(g.From(r), g.Clock()); wait > 0 {
		return "", tooMany(wait)
	} else {
		defer func() {
			if err == nil {
				back()
			}
		}()
	}
	config, verifier, ctx, err := g.learn(r.Context())
	if err != nil {
		return "", err
	}
	again := &Refusal{Text: "this sign-in took too long, or was begun in another window; begin again"}
	b, decodeErr := base64.RawURLEncoding.DecodeString(g.kept(r, providerCookie))
	g.drop(w, r, providerCookie)
	var j journey
	if decodeErr != nil || json.Unmarshal(b, &j) != nil || j.State == "" ||
		subtle.ConstantTimeCompare([]byte(j.State), []byte(r.URL.Query().Get("state"))) != 1 {
		return "", again
	}
	if why := r.URL.Query().Get("error"); why != "" {
		g.Log.Info("the provider of sign-ins let somebody not in", "error", why)
		return "", &Refusal{Text: "the service you sign in at did not let you in; try again, or ask whoever runs it"}
	}
	token, err := config.Exchange(ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(j.Verifier))
	if err != nil {
		g.Log.Warn("the provider of sign-ins did not take a code", "error", err)
		return "", again
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		g.Log.Warn("the provider of sign-ins sent a token that does not hold", "error", err)
		return "", again
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(j.Nonce)) != 1 || id.Subject == "" {
		return "", again
	}
	said, all, err := g.claims(ctx, id, token)
	if err != nil {
		g.Log.Warn("the provider of sign-ins does not say who somebody is", "error", err)
		return "", again
	}
	return j.Next, g.admit(w, r, said, all)
}

// claims returns what a provider says of somebody: in the token, or else when it is asked.
func (g *Gate) claims(ctx context.Context, id *oidc.IDToken, token *oauth2.Token) (said claims, all map[string]any, err error) {
	if err := errors.Join(id.Claims(&said), id.Claims(&all)); err != nil {
		return said, nil, err
	}
	if p := g.Provider; said.Email != "" && (p.RolesClaim == "" || p.roles(all) != "") || g.client.provider.UserInfoEndpoint() == "" {
		return said, all, nil
	}
	more, err := g.client.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return said, nil, err
	}
	if more.Subject != id.Subject {
		return said, nil, errors.New("it speaks of somebody else when it is asked")
	}
	return said, all, errors.Join(more.Claims(&said), more.Claims(&all))
}

// admit finds the user that a provider speaks of, or makes one if it says roles, and lets them in.
func (g *Gate) admit(w http.ResponseWriter, r *http.Request, said claims, all map[string]any) error {
	ctx := r.Context()
	p := g.Provider
	subject := p.Issuer + " " + said.Subject
	address := normalised(said.Email)
	refuse := func(why, text string) error {
		if err := g.Store.AddAudit(ctx, g.audit(r, "", SignInRefused, address, why)); err != nil {
			return err
		}
		return &Refusal{Text: text}
	}
	notInvited := "you are not a user of Baton here yet; ask whoever runs it for an invitation"
	words := ""
	if p.RolesClaim != "" {
		if words = p.roles(all); words == "" {
			return refuse("the provider gives no role", "the service you sign in at gives you no role in Baton; ask whoever runs it")
		}
	}
	u, err := g.Store.UserBySubject(ctx, subject)
	if errors.Is(err, store.ErrNoUser) {
		verified := p.TrustEmail || said.Verified == true || said.Verified == "true"
		if address == "" || !verified {
			return refuse("the provider has not verified the address", "the service you sign in at has not verified your e-mail address; confirm it there and try again")
		}
		u, err = g.Store.UserByEmail(ctx, address)
		switch {
		case errors.Is(err, store.ErrNoUser) && words != "":
			u, err = g.Store.AddUser(ctx, store.User{Email: address, Name: short(said.Name), Roles: words, Subject: subject, CreatedAt: g.now()},
				g.audit(r, address, Joined, address, "by the provider, as "+words))
		case errors.Is(err, store.ErrNoUser):
			return refuse("not invited", notInvited)
		case err == nil && u.Subject != "":
			return refuse("the provider knows this address as somebody else", notInvited)
		}
	}
	if err != nil {
		return Refused(err)
	}
	if !u.Active() {
		return refuse("deactivated", notInvited)
	}
	begin, give := g.begin(w, r, "provider")
	err = g.Store.UpdateUser(ctx, u.ID, func(u *store.User) (store.UserChange, error) {
		c := store.UserChange{Begin: begin, Audit: []store.Audit{g.audit(r, u.Email, SignedInAs, u.Email, "provider")}}
		if u.Subject == "" {
			u.Subject = subject
			c.Audit = append(c.Audit, g.audit(r, u.Email, LinkedProvider, u.Email, ""))
		}
		if u.Name == "" {
			u.Name = short(said.Name)
		}
		if words != "" && words != u.Roles {
			c.Audit = append(c.Audit, g.audit(r, "provider", GaveRoles, u.Email, fmt.Sprintf("%s (before: %s)", words, u.Roles)))
			u.Roles = words
		}
		return c, nil
	})
	if err == nil {
		give()
	}
	return Refused(err)
}

// roles returns the roles that a provider gives somebody, as they are kept; "" for none.
func (p *Provider) roles(all map[string]any) string {
	var found any = all
	for name := range strings.SplitSeq(p.RolesClaim, ".") {
		m, ok := found.(map[string]any)
		if whole, is := all[p.RolesClaim]; is { // a name may hold dots itself
			found = whole
			break
		}
		if !ok {
			return ""
		}
		found = m[name]
	}
	var values []string
	switch v := found.(type) {
	case string:
		values = strings.Fields(strings.ReplaceAll(v, ",", " "))
		if _, ok := p.RoleOf[v]; ok {
			values = []string{v}
		}
	case []any:
		for _, one := range v {
			if s, ok := one.(string); ok {
				values = append(values, s)
			}
		}
	}
	var words []string
	for _, v := range values {
		if as, ok := p.RoleOf[v]; ok {
			v = as
		}
		if slices.Contains(Roles, Role(v)) {
			words = append(words, v)
		}
	}
	text, err := ParseRoles(words)
	if err != nil {
		return ""
	}
	return text
}
