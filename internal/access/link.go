package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"baton/internal/channel"
	"baton/internal/store"
)

// How long links may be used.
const (
	setUpTime      = 24 * time.Hour
	invitationTime = 7 * 24 * time.Hour
	resetTime      = time.Hour
)

// NewSetUpCode returns a code with which the first admin can be made, once, within a day; "" if there are users.
func (g *Gate) NewSetUpCode(ctx context.Context) (string, error) {
	if has, err := g.Store.HasUsers(ctx); has || err != nil {
		return "", err
	}
	code, now := newCode(5), g.now()
	return code, g.Store.AddLink(ctx, hashOf(typed(code)), store.Link{Kind: "set_up", MadeAt: now, EndsAt: now + setUpTime.Microseconds()})
}

// IsSetUp reports whether there are users.
func (g *Gate) IsSetUp(ctx context.Context) (bool, error) { return g.Store.HasUsers(ctx) }

// SetUp makes the first admin, by the code of NewSetUpCode, and lets them in.
func (g *Gate) SetUp(w http.ResponseWriter, r *http.Request, code, email, name, password string) error {
	if wait, _ := g.limits.address.take(g.From(r), g.Clock()); wait > 0 {
		return tooMany(wait)
	}
	address, name, err := person(email, name)
	if err != nil {
		return err
	}
	// before the password costs anything
	if _, err := g.Store.Link(r.Context(), hashOf(typed(code)), g.now()); err != nil {
		return wrongCode(err)
	}
	hash, err := g.newHash(r.Context(), password, address, name)
	if err != nil {
		return err
	}
	begin, give := g.begin(w, r, "password")
	_, err = g.Store.AddFirstUser(r.Context(), store.User{Email: address, Name: name, Roles: string(RoleRevOps + " " + RoleAdmin), Password: hash, CreatedAt: g.now()},
		store.UserChange{Link: hashOf(typed(code)), At: g.now(), Begin: begin, Audit: []store.Audit{g.audit(r, address, SetUp, address, "")}})
	if err != nil {
		return wrongCode(err)
	}
	give()
	return nil
}

func wrongCode(err error) error {
	if errors.Is(err, store.ErrNoLink) {
		return &Refusal{Text: "that is not the code, or it was made more than a day ago; baton serve prints one when it starts, or make the first user with: baton user add EMAIL --admin"}
	}
	return Refused(err)
}

// newLink makes a link for a user.
func (g *Gate) newLink(ctx context.Context, user int64, kind string, lasts time.Duration, audit ...store.Audit) (url string, err error) {
	token, hash := newToken()
	now := g.now()
	err = g.Store.AddLink(ctx, hash, store.Link{Kind: kind, User: user, MadeAt: now, EndsAt: now + lasts.Microseconds()}, audit...)
	return g.URL + "/" + kind + "/" + token, err
}

// Linked is what a link is for.
type Linked struct {
	Kind        string // invitation or reset
	Email, Name string
}

// Link returns what a link is for, by its token. An error that is a Refusal says that it is over.
func (g *Gate) Link(r *http.Request, token string) (Linked, error) {
	l, u, err := g.link(r, token)
	return Linked{Kind: l.Kind, Email: u.Email, Name: u.Name}, err
}

func (g *Gate) link(r *http.Request, token string) (l store.Link, u store.User, err error) {
	if wait, back := g.limits.address.take(g.From(r), g.Clock()); wait > 0 {
		return l, u, tooMany(wait)
	} else if l, err = g.Store.Link(r.Context(), hashOf(token), g.now()); err == nil && l.Kind != "set_up" {
		back()
		u, err = g.Store.UserByID(r.Context(), l.User)
	} else if err == nil {
		err = store.ErrNoLink
	}
	if errors.Is(err, store.ErrNoLink) || errors.Is(err, store.ErrNoUser) || err == nil && !u.Active() {
		err = &Refusal{Text: store.ErrNoLink.Error()}
	}
	return l, u, err
}

// UseLink sets the password of whoever has a link, and lets them in; the name too, by an invitation. Who has a second factor is not let in
// by a link alone: in is false, and they sign in with both.
func (g *Gate) UseLink(w http.ResponseWriter, r *http.Request, token, name, password string) (in bool, err error) {
	l, as, err := g.link(r, token)
	if err != nil {
		return false, err
	}
	hash, err := g.newHash(r.Context(), password, as.Email, as.Name)
	if err != nil {
		return false, err
	}
	begin, give := g.begin(w, r, "link")
	err = g.Store.UpdateUser(r.Context(), as.ID, func(u *store.User) (store.UserChange, error) {
		c := store.UserChange{Link: hashOf(token), At: g.now()}
		action := ChangedPass
		if l.Kind == "invitation" {
			if action = Joined; name != "" {
				u.Name = short(name)
			}
		}
		if !u.Active() {
			return c, &Refusal{Text: store.ErrNoLink.Error()}
		}
		u.Password = hash
		c.Audit = []store.Audit{g.audit(r, u.Email, action, u.Email, "by a link")}
		if in = u.TOTP == ""; in {
			c.Begin = begin
		}
		return c, nil
	})
	if err != nil {
		return false, Refused(err)
	}
	if in {
		give()
	}
	return in, nil
}

// AskReset has a link to set a new password sent to an address, if there is a user with it who has a password. It returns before anybody has
// looked, so that the answer says nothing of who is a user.
func (g *Gate) AskReset(r *http.Request, email string) error {
	if wait, _ := g.limits.address.take(g.From(r), g.Clock()); wait > 0 {
		return tooMany(wait)
	}
	name := normalised(email)
	if wait, _ := g.limits.mail.take(name, g.Clock()); wait > 0 || name == "" {
		return nil
	}
	audit := g.audit(r, "", AskedReset, name, "")
	g.mails.Go(func() {
		if err := g.reset(g.background, name, audit); err != nil {
			g.Log.Error("a link for a new password could not be made", "error", err)
		}
	})
	return nil
}

func (g *Gate) reset(ctx context.Context, email string, audit store.Audit) error {
	u, err := g.Store.UserByEmail(ctx, email)
	switch {
	case errors.Is(err, store.ErrNoUser):
		audit.Detail = "no such user"
	case err != nil:
		return err
	case !u.Active():
		audit.Detail = "deactivated"
	case u.Password == "" && u.Subject != "":
		audit.Detail = "signs in at a provider"
	case g.Mail == nil:
		audit.Detail = "there is no mail server"
	default:
		link, err := g.newLink(ctx, u.ID, "reset", resetTime, audit)
		if err != nil {
			return err
		}
		return g.send(ctx, u.Email, u.Name, channel.Notice{Title: "Set a new password for Baton",
			Paragraphs: []string{"Somebody, we think you, asked for a new password. Open this address within an hour to set one. It works once."},
			Links:      []channel.Link{{Text: "Set a new password", URL: link}},
			Footer:     "If it was not you, there is nothing to do: your password stays as it is."})
	}
	return g.Store.AddAudit(ctx, audit)
}

// send sends a mail, and tries again for a little while.
func (g *Gate) send(ctx context.Context, to, name string, n channel.Notice) error {
	n.Language = "en"
	m := channel.Mail{ID: "access-" + typed(newCode(6)), At: g.now(), To: channel.Address{Name: name, Mail: to}, Notice: n}
	for _, pause := range []time.Duration{0, 5 * time.Second, 30 * time.Second, 2 * time.Minute} {
		select {
		case <-ctx.Done():
			return fmt.Errorf("sending a mail: %w", ctx.Err())
		case <-time.After(pause):
		}
		result := g.Mail(ctx, m)
		switch result.Outcome {
		case channel.Done:
			return nil
		case channel.Later:
			g.Log.Warn("a mail about signing in is tried again", "why", result.Why)
		default:
			return fmt.Errorf("sending a mail: %s", result.Why)
		}
	}
	return errors.New("sending a mail: the mail server did not take it in several tries")
}
