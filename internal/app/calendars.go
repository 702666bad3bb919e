package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"baton/internal/calendar"
	"baton/internal/channel"
	"baton/internal/lifecycle"
	"baton/internal/seal"
	"baton/internal/store"
)

const (
	// betweenReadings is how long what a calendar says is taken to hold.
	betweenReadings = 15 * time.Minute
	mostCalendar    = 1 << 20 // bytes
	// mostAbsences is how many to come are read; those that lie beyond will be in time.
	mostAbsences = 60
)

// readers read the absences of members from calendars.
type readers struct {
	app  *App
	post *channel.Poster
	seal *seal.Keys
	log  *slog.Logger
}

// run reads calendars when they are due, until the context ends.
func (c *readers) run(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		for {
			more, err := c.next(ctx)
			if err != nil && ctx.Err() == nil {
				c.log.Warn("the calendars of absences cannot be read now; trying again", "error", err)
			}
			if err != nil || !more {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// next reads the calendar that has waited longest, and reports whether one was due. What is wrong with a calendar is noted with it.
func (c *readers) next(ctx context.Context) (bool, error) {
	now := c.app.now().UnixMicro()
	r, err := c.app.Store.DueFeed(ctx, c.seal, now, now+betweenReadings.Microseconds())
	if r == nil {
		return false, err
	}
	n := 0
	if err == nil {
		n, err = c.read(ctx, r, now)
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	why := ""
	if err != nil {
		why = err.Error()
		c.log.Warn("the absences of a member cannot be read; what was read before holds", "member", r.Member, "error", why)
	}
	return true, c.app.Store.FeedRead(ctx, r, now, n, why)
}

// read has decided what a calendar says, if that is new, and returns how many absences it tells of.
func (c *readers) read(ctx context.Context, r *store.Reading, now int64) (int, error) {
	plan, _ := c.app.Engine.Agreement()
	if plan == nil {
		return 0, errors.New("there is no agreement yet")
	}
	roster, err := c.app.Store.Roster(ctx)
	if err != nil {
		return 0, err
	}
	var away []lifecycle.Absence
	if r.Address != "" {
		data, err := c.fetch(ctx, r.Address)
		if err != nil {
			return 0, err
		}
		zone := lifecycle.HoursOf(plan, roster, r.Member).Zone()
		found, err := calendar.ParseICS(data, zone)
		if err != nil {
			return 0, err
		}
		for _, t := range found.Times(zone) {
			if t[1] > now && len(away) < mostAbsences {
				away = append(away, lifecycle.Absence{From: t[0], To: t[1], Calendar: true})
			}
		}
	}
	m := roster.Member(r.Member)
	if m == nil {
		if r.Address == "" {
			return 0, nil
		}
		return 0, fmt.Errorf("nobody called %s is in the team", r.Member)
	}
	if m.Knows(away, now) {
		return len(away), nil
	}
	in := lifecycle.Input{Kind: lifecycle.Calendar, Name: r.Member, Away: away, At: now, Known: now, Source: "calendar", Key: fmt.Sprintf("%s %d", r.Member, r.At)}
	out, err := c.app.Engine.Submit(ctx, []lifecycle.Arrival{{Input: in}})
	switch {
	case err != nil:
		return 0, err
	case out[0].Err != nil:
		return 0, out[0].Err
	case out[0].Decision.Refused != "":
		return 0, errors.New(out[0].Decision.Refused)
	}
	return len(away), nil
}

// fetch gets a calendar by its address, or from a file of this machine.
func (c *readers) fetch(ctx context.Context, address string) ([]byte, error) {
	path, ok := strings.CutPrefix(address, "file:")
	if !ok {
		return c.post.Fetch(ctx, address, mostCalendar)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.New("the file cannot be opened by the server")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostCalendar+1))
	if err != nil {
		return nil, errors.New("the file cannot be read by the server")
	}
	return data, nil
}
