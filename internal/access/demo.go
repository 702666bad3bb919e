package access

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"baton/internal/store"
)

// Demo lets anybody in as anybody, by a click. It is only for the server of a demonstration, and each of these has to hold, so that no
// slip of a hand can open a database with people in it:
//
//   - baton demo asks for it; no setting, flag or variable of baton serve does;
//   - the database was marked as made up before anything was in it (store.MarkMadeUp), which cannot be done later;
//   - every user has an address under .example, which nobody can own (RFC 2606);
//   - the server listens on this machine alone, and each request comes from it and was not passed on by a proxy.
//
// The second to fourth are looked at here and at each such sign-in again.
func (g *Gate) Demo(ctx context.Context, listen string) error {
	if !local(listen) {
		return fmt.Errorf("signing in by a click: the server listens on %s, and others could reach it; listen on 127.0.0.1", listen)
	}
	if err := g.isDemo(ctx); err != nil {
		return fmt.Errorf("signing in by a click: %w", err)
	}
	g.demo = true
	return nil
}

// local reports whether a host with a port is this machine. A name that anybody else gave it is not: a page elsewhere could be made to
// have that name.
func local(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.IsLoopback()
}

// isDemo returns an error if anybody in the database may be real.
func (g *Gate) isDemo(ctx context.Context) error {
	made, err := g.Store.MadeUp(ctx)
	if err != nil {
		return err
	}
	if !made {
		return errors.New("this database was not made for a demonstration; baton demo makes one")
	}
	users, err := g.Store.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		if !strings.HasSuffix(u.Email, ".example") {
			return errors.New("somebody who is not made up is a user of this database")
		}
	}
	return nil
}

// IsDemo reports whether anybody may sign in as anybody.
func (g *Gate) IsDemo() bool { return g.demo }

// DemoUsers returns whom one can sign in as, in the order of roles.
func (g *Gate) DemoUsers(ctx context.Context) ([]*Viewer, error) {
	if !g.demo {
		return nil, nil
	}
	users, err := g.Store.Users(ctx)
	var list []*Viewer
	for i := range users {
		if users[i].Active() {
			list = append(list, viewerOf(&users[i]))
		}
	}
	slices.SortStableFunc(list, func(a, b *Viewer) int { return a.rank() - b.rank() })
	return list, err
}

// rank is the place of the first role of a viewer.
func (v *Viewer) rank() int {
	if len(v.Roles) == 0 {
		return len(Roles)
	}
	return slices.Index(Roles, v.Roles[0])
}

// DemoSignIn lets somebody in as a user, by a click.
func (g *Gate) DemoSignIn(w http.ResponseWriter, r *http.Request, email string) error {
	if !g.demo {
		return store.ErrNoUser
	}
	if err := g.isDemo(r.Context()); err != nil {
		return &Refusal{Text: "signing in by a click is over: " + err.Error()}
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !local(r.Host) || !at.Addr().Unmap().IsLoopback() || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return &Refusal{Text: "signing in by a click works only from the machine that the demonstration runs on"}
	}
	u, err := g.Store.UserByEmail(r.Context(), normalised(email))
	if err != nil {
		return Refused(err)
	}
	return g.letIn(w, r, &u, "demo", "demo", nil)
}

// DemoPerson is somebody to sign in as.
type DemoPerson struct{ Email, Name, Roles string }

// AddDemoUsers makes the users of a demonstration. They have no passwords.
func (g *Gate) AddDemoUsers(ctx context.Context, people []DemoPerson) error {
	if err := g.isDemo(ctx); err != nil {
		return fmt.Errorf("making the people of the demonstration: %w", err)
	}
	for _, p := range people {
		if !strings.HasSuffix(p.Email, ".example") {
			return fmt.Errorf("making the people of the demonstration: %s may be real", p.Email)
		}
		words, err := ParseRoles(strings.Fields(p.Roles))
		if err != nil {
			return err
		}
		_, err = g.Store.AddUser(ctx, store.User{Email: p.Email, Name: p.Name, Roles: words, CreatedAt: g.now()})
		if err != nil && !errors.Is(err, store.ErrUserThere) {
			return err
		}
	}
	return nil
}
