package cli

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"baton/internal/channel"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/seal"
	"baton/internal/store"
)

type absenceCommand struct {
	Add      absenceAddCommand      `cmd:"" help:"Note that somebody is away: they are given no leads."`
	Remove   absenceRemoveCommand   `cmd:"" help:"Take an absence back, or a part of it."`
	Calendar absenceCalendarCommand `cmd:"" help:"Have somebody's absences read from an iCalendar feed or file."`
}

// span is the time that an absence command speaks of.
type span struct {
	byHand
	Member string `arg:"" help:"Who: an e-mail address."`
	From   string `help:"The first day, or when it begins: 2026-12-21, or 2026-12-21T13:00. Now, if it is left out." placeholder:"WHEN"`
	Until  string `help:"The last day, or when they are back: 2026-12-31 is away all that day." required:"" placeholder:"WHEN"`
}

// carry has an input about the time decided.
func (c *span) carry(r *run, kind lifecycle.InputKind) (from, to time.Time, err error) {
	if !c.there() {
		return from, to, fmt.Errorf("%s is not there, so nobody is in its team", c.name())
	}
	server, err := c.open(r)
	if err != nil {
		return from, to, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	plan, _ := server.Engine.Agreement()
	if plan == nil {
		return from, to, errors.New("there is no agreement yet; name one with: baton activate")
	}
	roster, err := server.Store.Roster(r.ctx)
	if err != nil {
		return from, to, err
	}
	zone := lifecycle.HoursOf(plan, roster, memberID(c.Member)).Zone()
	from, to = time.UnixMicro(r.now()).In(zone), time.Time{}
	if c.From != "" {
		if from, err = dayOrTime(c.From, zone, false); err != nil {
			return from, to, err
		}
	}
	if to, err = dayOrTime(c.Until, zone, true); err != nil {
		return from, to, err
	}
	in := lifecycle.Input{Kind: kind, Name: memberID(c.Member), At: from.UnixMicro(), Due: to.UnixMicro(), Actor: c.By, Text: c.Note}
	return from, to, r.aboutTeam(server, in)
}

// dayOrTime reads a day or a time in a zone. A last day ends at its midnight.
func dayOrTime(s string, zone *time.Location, last bool) (time.Time, error) {
	if day, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		if last {
			day = day.AddDate(0, 0, 1)
		}
		return day, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a day nor a time; write 2026-12-21, or 2026-12-21T13:00", s)
}

func memberID(s string) string {
	if key, err := identity.NormalizeEmail(s); err == nil {
		return key.Value
	}
	return s
}

type absenceAddCommand struct{ span }

func (c *absenceAddCommand) Run(r *run) error {
	from, to, err := c.carry(r, lifecycle.Absent)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "%s is away from %s until %s.\n", memberID(c.Member), from.Format("Mon 2 Jan 2006 15:04"), to.Format("Mon 2 Jan 2006 15:04 MST"))
	return nil
}

type absenceRemoveCommand struct{ span }

func (c *absenceRemoveCommand) Run(r *run) error {
	from, to, err := c.carry(r, lifecycle.Present)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "%s is there from %s until %s after all.\n", memberID(c.Member), from.Format("Mon 2 Jan 2006 15:04"), to.Format("Mon 2 Jan 2006 15:04 MST"))
	return nil
}

type absenceCalendarCommand struct {
	database
	sealKey
	Member string `arg:"" help:"Who: an e-mail address."`
	From   string `arg:"" optional:"" help:"https address of a feed, or a file that the server can read. It holds absences and nothing else: each event in it is one."`
	Remove bool   `help:"Read none any more. What it said is taken back."`
}

func (c *absenceCalendarCommand) Run(r *run) error {
	member := memberID(c.Member)
	return c.sealed(r, &c.database, c.existing, func(st *store.Store, keys *seal.Keys) error {
		roster, err := st.Roster(r.ctx)
		if err != nil {
			return err
		}
		if roster.Member(member) == nil {
			return fmt.Errorf("nobody called %s is in the team", member)
		}
		if c.Remove {
			if err := st.RemoveFeed(r.ctx, member, r.now()); err != nil {
				return err
			}
			fmt.Fprintf(r.Out, "The absences of %s are read from no calendar any more. What it said is taken back when a server runs on %s.\n", member, c.name())
			return nil
		}
		address, host, err := feedAddress(c.From)
		if err != nil {
			return err
		}
		if err := st.SetFeed(r.ctx, keys, member, address, host, r.now()); err != nil {
			return err
		}
		fmt.Fprintf(r.Out, "The absences of %s are read from %s, every 15 minutes while a server runs on %s. How that goes: baton roster\n", member, host, c.name())
		return nil
	})
}

// feedAddress returns where a calendar is read, and what of that may be shown.
func feedAddress(from string) (address, host string, err error) {
	if u, err := url.Parse(from); err == nil && (u.Scheme == "https" || u.Scheme == "http" || u.Scheme == "webcal") {
		if u.Scheme == "webcal" { // what calendars call https, so that a browser hands it to them
			u.Scheme = "https"
		}
		guard, err := channel.NewGuard([]string{"0.0.0.0/0", "::/0"}, true) // the server decides where it may call
		if err == nil {
			err = guard.Check(u.String())
		}
		if err != nil && !strings.Contains(err.Error(), "this very machine") {
			return "", "", fmt.Errorf("reading absences: %w", err)
		}
		return u.String(), u.Hostname(), nil
	}
	if from == "" {
		return "", "", errors.New("reading absences: say where: an https address, or a file; or --remove")
	}
	path, err := filepath.Abs(from)
	if err != nil {
		return "", "", err
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", "", fmt.Errorf("reading absences: %s is neither an address nor a file", from)
	}
	return "file:" + path, "a file", nil
}
