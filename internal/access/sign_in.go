package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"baton/internal/identity"
	"baton/internal/store"
)

// errWrong is what everybody hears who is not let in, whatever the reason.
var errWrong = &Refusal{Text: "that address and password do not go together here; try again, or have a new password sent to you"}

func tooMany(wait int) error {
	text := fmt.Sprintf("there were too many tries; wait %d seconds and try again", wait)
	if wait > 90 {
		text = fmt.Sprintf("there were too many tries; wait %d minutes and try again", (wait+59)/60)
	}
	return &Refusal{Text: text, Wait: wait}
}

// normalised is an address as users have it, "" for what is none.
func normalised(email string) string {
	key, err := identity.NormalizeEmail(email)
	if err != nil {
		return ""
	}
	return key.Value
}

// SignIn lets somebody in with a password. If they have a second factor too, nobody is let in yet: pending then goes to SecondFactor
// with their code. Errors that are Refusals are the same, and take as long, for addresses that are nobody's.
func (g *Gate) SignIn(w http.ResponseWriter, r *http.Request, email, password string) (pending string, err error) {
	ctx, now, address := r.Context(), g.Clock(), g.From(r)
	name := normalised(email)
	var wait int
	var backs []func()
	for _, l := range []struct {
		*throttle
		name string
	}{{&g.limits.address, address}, {&g.limits.pair, address + " " + name}, {&g.limits.account, name}} {
		more, back := l.take(l.name, now)
		wait, backs = max(wait, more), append(backs, back)
	}
	if wait > 0 {
		return "", tooMany(wait)
	}
	u, err := g.Store.UserByEmail(ctx, name)
	if err != nil && !errors.Is(err, store.ErrNoUser) {
		return "", err
	}
	known := err == nil
	hash := u.Password
	if !u.Active() {
		hash = ""
	}
	right, renew, err := g.checkPassword(ctx, hash, password)
	if err != nil {
		return "", err
	}
	if !right {
		why := "wrong password"
		switch {
		case !known:
			why = "no such user"
		case !u.Active():
			why = "deactivated"
		case u.Password == "":
			why = "no password yet"
		}
		if err := g.Store.AddAudit(ctx, g.audit(r, "", SignInRefused, name, why)); err != nil {
			return "", err
		}
		return "", errWrong
	}
	for _, back := range backs {
		back()
	}
	if renew {
		if err := g.renew(ctx, &u, password); err != nil {
			return "", err
		}
	}
	if u.TOTP != "" {
		b, err := json.Marshal(waiting{User: u.ID, At: g.now(), Password: fmt.Sprintf("%x", hashOf(u.Password)[:8])})
		if err != nil {
			return "", err
		}
		return g.Seal.Seal("second factor", string(b))
	}
	return "", g.letIn(w, r, &u, "password", "", nil)
}

// renew makes the hash of a password anew, at the cost that passwords have now.
func (g *Gate) renew(ctx context.Context, as *store.User, password string) error {
	done, err := g.turn(ctx)
	if err != nil {
		return err
	}
	hash := hashPassword(password, g.Cost)
	done()
	err = g.Store.UpdateUser(ctx, as.ID, func(u *store.User) (store.UserChange, error) {
		if u.Password != as.Password {
			return store.UserChange{}, errWrong
		}
		u.Password = hash
		return store.UserChange{Renewed: true}, nil
	})
	as.Password = hash
	return Refused(err)
}

// letIn begins a session of a user, if they are still as they were when they were looked at; change is made with it.
func (g *Gate) letIn(w http.ResponseWriter, r *http.Request, as *store.User, how, detail string, change func(*store.User)) error {
	begin, give := g.begin(w, r, how)
	err := g.Store.UpdateUser(r.Context(), as.ID, func(u *store.User) (store.UserChange, error) {
		if !u.Active() || u.Password != as.Password || u.TOTP != as.TOTP || u.TOTPStep != as.TOTPStep || u.Recovery != as.Recovery {
			return store.UserChange{}, errWrong
		}
		if change != nil {
			change(u)
		}
		if detail == "" {
			detail = how
		}
		return store.UserChange{Begin: begin, Audit: []store.Audit{g.audit(r, u.Email, SignedInAs, u.Email, detail)}}, nil
	})
	if err == nil {
		give()
		return nil
	}
	return Refused(err)
}

// waiting is somebody whose password was right, and who owes a code. It is sealed, and comes back with the code.
type waiting struct {
	User     int64
	At       int64
	Password string // which it was: another one ends the wait
}

// waitMost is how long a code may take, in microseconds.
const waitMost = 5 * 60 * 1_000_000

// SecondFactor lets somebody in whose password was right, with a code of their app or a recovery code.
func (g *Gate) SecondFactor(w http.ResponseWriter, r *http.Request, pending, code string) error {
	ctx := r.Context()
	again := &Refusal{Text: "this sign-in took too long; begin again with your password"}
	if wait, _ := g.limits.address.take(g.From(r), g.Clock()); wait > 0 {
		return tooMany(wait)
	}
	text, err := g.Seal.Open("second factor", pending)
	if err != nil {
		return again
	}
	var p waiting
	if err := json.Unmarshal([]byte(text), &p); err != nil || p.At < g.now()-waitMost {
		return again
	}
	u, err := g.Store.UserByID(ctx, p.User)
	if err != nil && !errors.Is(err, store.ErrNoUser) {
		return err
	}
	if err != nil || !u.Active() || u.TOTP == "" || fmt.Sprintf("%x", hashOf(u.Password)[:8]) != p.Password {
		return again
	}
	wait, back := g.limits.second.take(u.Email, g.Clock())
	if wait > 0 {
		return tooMany(wait)
	}
	how, change, err := g.factor(&u, code)
	if err != nil {
		return err
	}
	if change == nil {
		if err := g.Store.AddAudit(ctx, g.audit(r, "", SignInRefused, u.Email, "wrong code")); err != nil {
			return err
		}
		return &Refusal{Text: "that code is not the one of this half minute; wait for the next, or use a recovery code"}
	}
	back()
	return g.letIn(w, r, &u, how, "", change)
}
