package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"baton/internal/channel"
	"baton/internal/identity"
	"baton/internal/store"
)

// By is who makes a change to users: a viewer with a request, or the command line.
type By struct {
	Actor   string // of the audit
	Request *http.Request
}

// person checks an address and a name.
func person(email, name string) (address, called string, err error) {
	key, err := identity.NormalizeEmail(email)
	if err != nil {
		return "", "", &Refusal{Text: err.Error()}
	}
	return key.Value, short(name), nil
}

// short is a name in one line of at most 80 characters.
func short(name string) string {
	name = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if list := []rune(name); len(list) > 80 {
		name = string(list[:80])
	}
	return name
}

// Invite makes a user and a link for them to set a password with, and sends it if there is a mail server. Somebody who
// was invited before and has not come gets another link, and the roles that are given now.
func (g *Gate) Invite(ctx context.Context, by By, email, name string, roles []string) (link string, mailed bool, err error) {
	address, name, err := person(email, name)
	if err != nil {
		return "", false, err
	}
	words, err := ParseRoles(roles)
	if err != nil {
		return "", false, err
	}
	u, err := g.Store.UserByEmail(ctx, address)
	switch {
	case errors.Is(err, store.ErrNoUser):
		u, err = g.Store.AddUser(ctx, store.User{Email: address, Name: name, Roles: words, CreatedAt: g.now()}, g.audit(by.Request, by.Actor, Invited, address, words))
	case err == nil && (u.Password != "" || u.Subject != "" || !u.Active()):
		err = &Refusal{Text: address + " is a user already; give other roles, or a link for a new password, in the list of people"}
	case err == nil:
		err = g.Store.UpdateUser(ctx, u.ID, func(u *store.User) (store.UserChange, error) {
			if u.Roles = words; name != "" {
				u.Name = name
			}
			return store.UserChange{Audit: []store.Audit{g.audit(by.Request, by.Actor, Invited, address, words)}}, nil
		})
	}
	if err != nil {
		return "", false, Refused(err)
	}
	if link, err = g.newLink(ctx, u.ID, "invitation", invitationTime); err != nil || g.Mail == nil {
		return link, false, err
	}
	notice := channel.Notice{Title: "You are invited to Baton",
		Paragraphs: []string{"Baton is where your marketing and sales work leads together. Open this address within a week to choose a password. It works once."},
		Links:      []channel.Link{{Text: "Join", URL: link}},
		Footer:     "If you do not know what this is about, there is nothing to do."}
	g.mails.Go(func() {
		if err := g.send(g.background, address, name, notice); err != nil {
			g.Log.Error("an invitation is not sent; the link that was shown works", "error", err)
		}
	})
	return link, true, nil
}

// GiveRoles gives a user other roles.
func (g *Gate) GiveRoles(ctx context.Context, by By, user int64, roles []string) error {
	words, err := ParseRoles(roles)
	if err != nil {
		return err
	}
	return g.update(ctx, by, user, func(u *store.User) (action, detail string, err error) {
		before := u.Roles
		if before == words {
			return "", "", nil
		}
		u.Roles = words
		return GaveRoles, fmt.Sprintf("%s (before: %s)", words, before), nil
	})
}

// Deactivate takes a user's right to sign in. Their sessions and links end at once; what they did stays.
func (g *Gate) Deactivate(ctx context.Context, by By, user int64) error {
	return g.update(ctx, by, user, func(u *store.User) (action, detail string, err error) {
		if !u.Active() {
			return "", "", nil
		}
		u.DeactivatedAt = g.now()
		return Deactivated, "", nil
	})
}

// Reactivate gives a user the right to sign in back.
func (g *Gate) Reactivate(ctx context.Context, by By, user int64) error {
	return g.update(ctx, by, user, func(u *store.User) (action, detail string, err error) {
		if u.Active() {
			return "", "", nil
		}
		u.DeactivatedAt = 0
		return Reactivated, "", nil
	})
}

// DropSecond switches the second factor of a user off who has lost it.
func (g *Gate) DropSecond(ctx context.Context, by By, user int64) error {
	return g.update(ctx, by, user, func(u *store.User) (action, detail string, err error) {
		if u.TOTP == "" {
			return "", "", nil
		}
		u.TOTP, u.TOTPStep, u.Recovery = "", 0, ""
		return DroppedTOTP, "", nil
	})
}

// ResetLink makes a link with which a user sets a new password, for whoever runs Baton to hand over.
func (g *Gate) ResetLink(ctx context.Context, by By, user int64) (string, error) {
	u, err := g.Store.UserByID(ctx, user)
	if err != nil {
		return "", Refused(err)
	}
	if !u.Active() {
		return "", &Refusal{Text: u.Email + " is deactivated; reactivate them first"}
	}
	kind, lasts := "reset", resetTime
	if u.Password == "" {
		kind, lasts = "invitation", invitationTime
	}
	return g.newLink(ctx, u.ID, kind, lasts, g.audit(by.Request, by.Actor, MadeReset, u.Email, ""))
}

// ChangePassword changes the password of a viewer. Other sessions end.
func (g *Gate) ChangePassword(w http.ResponseWriter, r *http.Request, v *Viewer, old, password string) error {
	if err := g.confirm(r, v, old); err != nil {
		return err
	}
	hash, err := g.newHash(r.Context(), password, v.Email, v.Name)
	if err != nil {
		return err
	}
	return g.change(w, r, v, ChangedPass, func(u *store.User) error {
		u.Password = hash
		return nil
	})
}

// Rename changes the name of a viewer.
func (g *Gate) Rename(r *http.Request, v *Viewer, name string) error {
	return Refused(g.Store.UpdateUser(r.Context(), v.ID, func(u *store.User) (store.UserChange, error) {
		u.Name = short(name)
		return store.UserChange{Audit: []store.Audit{g.audit(r, v.Email, Renamed, v.Email, "")}}, nil
	}))
}

// update changes a user and says so in the audit; without an action nothing is done.
func (g *Gate) update(ctx context.Context, by By, user int64, change func(*store.User) (action, detail string, err error)) error {
	return Refused(g.Store.UpdateUser(ctx, user, func(u *store.User) (c store.UserChange, err error) {
		action, detail, err := change(u)
		if err == nil && action != "" {
			c.Audit = []store.Audit{g.audit(by.Request, by.Actor, action, u.Email, detail)}
		}
		return c, err
	}))
}
