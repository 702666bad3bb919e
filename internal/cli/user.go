package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"baton/internal/access"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

type userCommand struct {
	Add        userAddCommand        `cmd:"" help:"Make a user, and print the link by which they set a password."`
	List       userListCommand       `cmd:"" help:"List the users with their roles."`
	Roles      userRolesCommand      `cmd:"" help:"Give a user other roles."`
	Deactivate userDeactivateCommand `cmd:"" help:"Take a user's right to sign in, at once, and take them out of the team."`
	Reactivate userReactivateCommand `cmd:"" help:"Give a user the right to sign in back, and their place in the team."`
	ResetLink  userResetLinkCommand  `cmd:"" help:"Print a link by which a user sets a new password: the way back for who is locked out."`
}

// reached is the setting of commands that print links.
type reached struct {
	URL string `name:"url" help:"Where people open Baton; the link begins with it." default:"http://127.0.0.1:8080" env:"BATON_URL"`
}

// gate opens a database and makes a gate for a change of its users, whether or not a server runs on it.
func (d *database) gate(r *run, url string, do func(*access.Gate, access.By) error) error {
	st, err := d.beside(r)
	if err != nil {
		return err
	}
	defer st.Close()
	g := access.New(access.Options{Store: st, Clock: r.Clock, URL: url})
	defer g.Close()
	if err := do(g, access.By{Actor: access.CommandLine}); err != nil {
		return err
	}
	return st.Close()
}

// user finds a user by an address.
func user(r *run, st *store.Store, email string) (store.User, error) {
	key, err := identity.NormalizeEmail(email)
	if err != nil {
		return store.User{}, err
	}
	u, err := st.UserByEmail(r.ctx, key.Value)
	if errors.Is(err, store.ErrNoUser) {
		err = fmt.Errorf("there is no user %s; see: baton user list", key.Value)
	}
	return u, err
}

type userAddCommand struct {
	database
	reached
	Email string   `arg:"" help:"Address: the ID of the same person as a member, if they are one."`
	Name  string   `help:"What they are called."`
	Role  []string `help:"What they are: marketing, sdr, rep, manager, revops, admin; several with commas between."`
	Admin bool     `help:"The same as --role revops,admin."`
}

func (c *userAddCommand) Run(r *run) error {
	if c.Admin {
		c.Role = append(c.Role, string(access.RoleRevOps), string(access.RoleAdmin))
	}
	return c.gate(r, c.URL, func(g *access.Gate, by access.By) error {
		link, _, err := g.Invite(r.ctx, by, c.Email, c.Name, c.Role)
		if err != nil {
			return fmt.Errorf("making a user: %w", err)
		}
		fmt.Fprintln(r.Out, link)
		if r.Terminal {
			fmt.Fprintf(r.Err, "With this link %s sets a password, once, within a week.\n", c.Email)
		}
		return nil
	})
}

type userListCommand struct{ database }

func (c *userListCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	users, err := st.Users(r.ctx)
	if err != nil {
		return err
	}
	t := &store.Table{Columns: []string{"user", "name", "roles", "signs in with", "last signed in", "made", "deactivated"}}
	for _, u := range users {
		with := []string{}
		if u.Password != "" {
			with = append(with, "password")
		}
		if u.TOTP != "" {
			with = append(with, "code")
		}
		if u.Subject != "" {
			with = append(with, "provider")
		}
		if len(with) == 0 {
			with = append(with, "invited")
		}
		t.Rows = append(t.Rows, []any{u.Email, u.Name, u.Roles, strings.Join(with, ", "), minute(u.SignedInAt, "never"), minute(u.CreatedAt, ""), minute(u.DeactivatedAt, "")})
	}
	return r.list(t, "There are no users yet. Make the first: baton user add you@northwind.example --admin --db "+quoteShell(c.name()))
}

// change changes a user.
func (d *database) change(r *run, email string, do func(*access.Gate, access.By, *store.User) error) error {
	if !d.there() {
		return fmt.Errorf("opening database %s: there is no such file", d.name())
	}
	return d.gate(r, "", func(g *access.Gate, by access.By) error {
		u, err := user(r, g.Store, email)
		if err != nil {
			return err
		}
		return do(g, by, &u)
	})
}

type userRolesCommand struct {
	database
	Email string   `arg:"" help:"Address of the user."`
	Role  []string `arg:"" help:"All that they are from now on: marketing, sdr, rep, manager, revops, admin."`
}

func (c *userRolesCommand) Run(r *run) error {
	return c.change(r, c.Email, func(g *access.Gate, by access.By, u *store.User) error {
		if err := g.GiveRoles(r.ctx, by, u.ID, c.Role); err != nil {
			return err
		}
		fmt.Fprintf(r.Out, "%s: %s.\n", u.Email, strings.Join(c.Role, ", "))
		return nil
	})
}

type userDeactivateCommand struct {
	database
	Email string `arg:"" help:"Address of the user."`
}

func (c *userDeactivateCommand) Run(r *run) error {
	var email, then string
	member := false
	err := c.change(r, c.Email, func(g *access.Gate, by access.By, u *store.User) (err error) {
		if err := g.Deactivate(r.ctx, by, u.ID); err != nil {
			return err
		}
		email = u.Email
		fmt.Fprintf(r.Out, "%s cannot sign in any more, and is signed out everywhere.\n", email)
		if member, err = isMember(r, g.Store, email); err != nil || !member {
			return err
		}
		plan, err := activePlan(r, g.Store)
		if err != nil {
			return err
		}
		held, offered, err := g.Store.CountHeld(r.ctx, email)
		then = lifecycle.WhenLeft(plan, held, offered)
		return err
	})
	if err != nil || !member {
		return err
	}
	switch err := c.staff(r, email, false); {
	case errors.Is(err, store.ErrInUse):
		fmt.Fprintln(r.Out, "The server that runs takes them out of the team within seconds: they are given no more leads.")
	case err != nil:
		return fmt.Errorf("taking %s out of the team: %w", email, err)
	default:
		fmt.Fprintln(r.Out, "They are out of the team, and are given no more leads.")
	}
	fmt.Fprintln(r.Out, then)
	return nil
}

// isMember reports whether a user is, or was, in the team.
func isMember(r *run, st *store.Store, email string) (bool, error) {
	roster, err := st.Roster(r.ctx)
	return err == nil && roster.Member(email) != nil, err
}

// staff has a user who is a member leave the team, or be in it again. While a server runs on a file the error is store.ErrInUse.
func (d *database) staff(r *run, email string, active bool) (err error) {
	server, err := d.open(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	roster, err := server.Store.Roster(r.ctx)
	if err != nil {
		return err
	}
	if m := roster.Member(email); m != nil && m.Inactive == active {
		return r.aboutTeam(server, m.Staffed(active))
	}
	return nil
}

type userReactivateCommand struct {
	database
	Email string `arg:"" help:"Address of the user."`
}

func (c *userReactivateCommand) Run(r *run) error {
	var email string
	member := false
	err := c.change(r, c.Email, func(g *access.Gate, by access.By, u *store.User) (err error) {
		email = u.Email
		if err := g.Reactivate(r.ctx, by, u.ID); err != nil {
			return err
		}
		member, err = isMember(r, g.Store, email)
		return err
	})
	if err != nil {
		return err
	}
	if !member {
		fmt.Fprintf(r.Out, "%s can sign in again.\n", email)
		return nil
	}
	switch err := c.staff(r, email, true); {
	case errors.Is(err, store.ErrInUse):
		fmt.Fprintf(r.Out, "%s can sign in again. While a server runs, POST /api/v1/members takes them into the team again.\n", email)
	case err != nil:
		return fmt.Errorf("taking %s into the team again: %w", email, err)
	default:
		fmt.Fprintf(r.Out, "%s can sign in again, and is back in the team.\n", email)
	}
	return nil
}

type userResetLinkCommand struct {
	database
	reached
	Email            string `arg:"" help:"Address of the user."`
	DropSecondFactor bool   `help:"Switch their second factor off too: the phone is lost, and so are the recovery codes."`
}

func (c *userResetLinkCommand) Run(r *run) error {
	return c.change(r, c.Email, func(g *access.Gate, by access.By, u *store.User) error {
		if c.DropSecondFactor {
			if err := g.DropSecond(r.ctx, by, u.ID); err != nil {
				return err
			}
		}
		g.URL = strings.TrimRight(c.URL, "/")
		link, err := g.ResetLink(r.ctx, by, u.ID)
		if err == nil {
			fmt.Fprintln(r.Out, link)
		}
		return err
	})
}

type auditCommand struct {
	database
	Actor   string `help:"Only what one did: an address, \"command line\", \"key NAME\"." placeholder:"WHO"`
	Subject string `help:"Only what was done to somebody or something." placeholder:"WHOM"`
	Action  string `help:"Only what was done like that, as \"signed in\"." placeholder:"WHAT"`
	Since   string `help:"Only since a day." placeholder:"DAY"`
	Most    int    `help:"How many, the last first." default:"50"`
}

func (c *auditCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	f := store.AuditFilter{Actor: c.Actor, Subject: c.Subject, Action: c.Action}
	if c.Since != "" {
		if f.Since, err = day(c.Since, time.UTC, 0); err != nil {
			return err
		}
	}
	list, err := st.Audits(r.ctx, f, max(1, c.Most))
	if err != nil {
		return err
	}
	t := &store.Table{Columns: []string{"at", "who", "did", "to", "detail", "from"}}
	for _, a := range list {
		who := a.Actor
		if who == "" {
			who = "somebody"
		}
		t.Rows = append(t.Rows, []any{minute(a.At, ""), who, a.Action, a.Subject, a.Detail, a.Address})
	}
	return r.list(t, "Nothing like that is on record.")
}
