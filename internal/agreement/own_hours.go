package agreement

import (
	"fmt"
	"sync"
	"time"

	"baton/internal/calendar"
)

// ownHours are the calendars of those whose hours do not stand in the agreement, made once for all who have the same.
type ownHours struct {
	sync.Mutex
	made map[[2]string]*calendar.Calendar
}

// mostOwnHours is how many calendars are kept: more people than that hardly have hours that are all different.
const mostOwnHours = 256

// OwnHours returns the calendar of somebody whose zone and hours do not stand in the agreement: "" is the agreement's, and nil is returned for
// neither. It closes when the agreement does.
func (p *Plan) OwnHours(zone, week string) (*calendar.Calendar, error) {
	if zone == "" && week == "" {
		return nil, nil
	}
	key := [2]string{zone, week}
	if o := p.own; o != nil {
		o.Lock()
		defer o.Unlock()
		if c := o.made[key]; c != nil {
			return c, nil
		}
	}
	var place *time.Location
	if zone != "" {
		var err error
		if place, err = calendar.LoadZone(zone); err != nil {
			return nil, fmt.Errorf("%q is not a time zone; write a place, such as Europe/Stockholm, or UTC", zone)
		}
	}
	var hours *calendar.Week
	if week != "" {
		w, err := calendar.ParseWeek(week)
		if err != nil {
			return nil, err
		}
		hours = &w
	}
	c, err := p.Calendar.With(place, hours)
	if err != nil {
		return nil, err
	}
	if o := p.own; o != nil {
		if len(o.made) >= mostOwnHours {
			clear(o.made)
		}
		o.made[key] = c
	}
	return c, nil
}
