package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/calendar"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

type rosterCommand struct {
	Show  rosterShowCommand  `cmd:"" default:"withargs" help:"Show how the pools share leads out: who is behind their share, and who is next."`
	Hours rosterHoursCommand `cmd:"" help:"Say when somebody works whom the agreement does not name. Deadlines that run move."`
}

type rosterHoursCommand struct {
	byHand
	Member   string `arg:"" help:"Who: an e-mail address."`
	Hours    string `arg:"" optional:"" help:"Days and their hours, such as \"mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00\", or always. Without hours and time zone: those of their team."`
	Timezone string `help:"Their time zone." placeholder:"PLACE"`
}

func (c *rosterHoursCommand) Run(r *run) (err error) {
	if !c.there() {
		return fmt.Errorf("%s is not there, so nobody is in its team", c.name())
	}
	server, err := c.open(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	roster, err := server.Store.Roster(r.ctx)
	if err != nil {
		return err
	}
	m := roster.Member(memberID(c.Member))
	if m == nil {
		return fmt.Errorf("nobody called %s is in the team", memberID(c.Member))
	}
	p := agreement.Person{ID: m.ID, Zone: c.Timezone}
	if c.Hours != "" {
		week, err := calendar.ParseWeek(c.Hours)
		if err != nil {
			return err
		}
		p.Week = week.String()
	}
	if err := r.aboutTeam(server, lifecycle.Input{Kind: lifecycle.Hours, Name: p.ID, Member: &p, Actor: c.By, Text: c.Note}); err != nil {
		return err
	}
	plan, _ := server.Engine.Agreement()
	if roster, err = server.Store.Roster(r.ctx); err != nil {
		return err
	}
	hours := lifecycle.HoursOf(plan, roster, p.ID)
	fmt.Fprintf(r.Out, "%s works %s.\n", p.ID, lifecycle.WorksWords(hours.Zone().String(), hours.Hours().String()))
	return nil
}

// aboutTeam has an input about a member decided, and what they hold looked at.
func (r *run) aboutTeam(server *app.App, in lifecycle.Input) error {
	in.At, in.Known, in.Source = cmp.Or(in.At, r.now()), r.now(), "cli"
	out, err := server.Engine.Submit(r.ctx, []lifecycle.Arrival{{Input: in}})
	switch {
	case err != nil:
		return err
	case out[0].Err != nil:
		return out[0].Err
	case out[0].Decision.Refused != "":
		return errors.New(out[0].Decision.Refused)
	}
	_, err = server.Engine.Tick(r.ctx, in.Known)
	return err
}

type rosterShowCommand struct {
	database
	Pool string `help:"Only this pool." placeholder:"NAME"`
	JSON bool   `name:"json" help:"As JSON."`
}

func (c *rosterShowCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	plan, err := activePlan(r, st)
	if err != nil {
		return err
	}
	roster, err := st.Roster(r.ctx)
	if err != nil {
		return err
	}
	if _, ok := plan.Index.Pool[c.Pool]; c.Pool != "" && !ok {
		return fmt.Errorf("there is no pool %q in the agreement; it has: %s", c.Pool, strings.Join(poolNames(plan), ", "))
	}
	feeds, err := st.Feeds(r.ctx)
	if err != nil {
		return err
	}
	pools := lifecycle.Standings(plan, roster, r.now())
	if c.Pool != "" {
		pools = slices.DeleteFunc(pools, func(p lifecycle.PoolStanding) bool { return p.Pool != c.Pool })
	}
	if c.JSON {
		return c.asJSON(r, plan, roster, pools, feeds)
	}
	w := &explanation{out: r.Out, colour: r.Colour, width: r.Width}
	w.printf("%s  %s\n", w.bold("How leads are shared out"), w.dim("as of "+stampOf(plan, r.now())))
	if len(pools) == 0 {
		w.printf("\nThe agreement has no pools. See docs/language/assignment.md.\n")
	}
	for i := range pools {
		rosterOf(w, plan, &pools[i])
	}
	if len(pools) > 0 {
		w.printf("\n%s\n", w.dim("due is their share in leads; behind is due less given: below zero, ahead of it."))
	}
	ownHoursOf(w, roster)
	calendarsOf(w, plan, feeds)
	return w.err
}

// ownHoursOf tells who works hours that do not stand in the agreement.
func ownHoursOf(w *explanation, roster *lifecycle.Roster) {
	if roster == nil {
		return
	}
	first := true
	for i := range roster.Members {
		m := &roster.Members[i]
		if m.Inactive || m.Zone+m.Week == "" {
			continue
		}
		if first {
			w.printf("\n%s\n", w.bold("HOURS OF THEIR OWN"))
			first = false
		}
		w.printf("%s  %s\n", m.ID, lifecycle.WorksWords(m.Zone, m.Week))
	}
}

// calendarsOf tells how the calendars of absences were read.
func calendarsOf(w *explanation, plan *agreement.Plan, feeds []store.Feed) {
	if len(feeds) == 0 {
		return
	}
	w.printf("\n%s\n", w.bold("ABSENCES FROM CALENDARS"))
	for i := range feeds {
		f := &feeds[i]
		text := "not read yet"
		switch {
		case f.Error != "":
			text = "could not be read " + stampOf(plan, f.ReadAt) + ": " + f.Error
			if f.GoodAt != 0 {
				text += "; what was read " + stampOf(plan, f.GoodAt) + " holds"
			}
		case f.ReadAt != 0:
			text = "read " + stampOf(plan, f.ReadAt) + ": " + count(int64(f.Absences), "absence", "absences") + " to come"
		}
		w.printf("%s  %s, %s\n", f.Member, f.Host, text)
	}
}

func poolNames(plan *agreement.Plan) []string {
	names := make([]string, len(plan.Pools))
	for i := range plan.Pools {
		names[i] = plan.Pools[i].Name
	}
	return names
}

func stampOf(plan *agreement.Plan, at int64) string {
	return time.UnixMicro(at).In(plan.Calendar.Zone()).Format("Mon 2 Jan 2006 15:04 MST")
}

// rosterOf writes one pool: a line for each member, and who is next.
func rosterOf(w *explanation, plan *agreement.Plan, p *lifecycle.PoolStanding) {
	w.printf("\n%s  %s\n", w.bold(strings.ToUpper(p.Pool)), nextOf(p))
	if len(p.Members) == 0 {
		return
	}
	lines := [][]string{{"", "member", "weight", "due", "given", "behind", "open", "now"}}
	for i := range p.Members {
		m := &p.Members[i]
		mark := ""
		if m.ID == p.Next {
			mark = "→"
		}
		open := fmt.Sprint(m.Open)
		if m.Capacity > 0 {
			open += fmt.Sprintf("/%d", m.Capacity)
		}
		now := m.Unable
		switch {
		case now != "":
		case m.Away != nil:
			now = "away from " + time.UnixMicro(m.Away.From).In(plan.Calendar.Zone()).Format("2 Jan 15:04") + " to " + time.UnixMicro(m.Away.To).In(plan.Calendar.Zone()).Format("2 Jan 15:04")
		case !m.Working:
			now = "not at work"
		}
		if p.By == "least_loaded" && m.Carried >= 0.05 {
			if now != "" {
				now += "; "
			}
			now += fmt.Sprintf("counts as carrying %.1f more", m.Carried)
		}
		lines = append(lines, []string{mark, m.ID, fmt.Sprint(m.Weight), fmt.Sprintf("%.2f", m.Due), fmt.Sprint(m.Given), fmt.Sprintf("%+.2f", m.Behind+0), open, now})
	}
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for j, s := range line {
			widths[j] = max(widths[j], utf8.RuneCountInString(s))
		}
	}
	// what does not fit is the state of a member: it goes into a line of its own
	sum := 2 * (len(widths) - 1)
	for _, n := range widths {
		sum += n
	}
	narrow := sum > w.width
	for i, line := range lines {
		var b strings.Builder
		for j, s := range line {
			if narrow && j == len(line)-1 {
				break
			}
			space := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(s))
			switch {
			case j >= 2 && j < len(line)-1:
				b.WriteString(space + s)
			default:
				b.WriteString(s + space)
			}
			b.WriteString("  ")
		}
		text := strings.TrimRight(b.String(), " ")
		if i == 0 {
			text = w.dim(text)
		}
		w.printf("%s\n", text)
		if now := line[len(line)-1]; narrow && i > 0 && now != "" {
			w.printf("%s%s\n", strings.Repeat(" ", widths[0]+4), w.dim(now))
		}
	}
}

func nextOf(p *lifecycle.PoolStanding) string {
	switch {
	case p.By == "":
		return "No rule of the agreement shares leads out from it."
	case p.Next == "":
		return "Nobody can take a lead now."
	}
	return fmt.Sprintf("Shared out by %s. The next lead goes to %s.", strings.ReplaceAll(p.By, "_", " "), p.Next)
}

func (c *rosterShowCommand) asJSON(r *run, plan *agreement.Plan, roster *lifecycle.Roster, pools []lifecycle.PoolStanding, feeds []store.Feed) error {
	type feed struct {
		Read     string `json:"read_at,omitempty"`
		Good     string `json:"good_at,omitempty"`
		Error    string `json:"error,omitempty"`
		Absences int    `json:"absences"`
		Host     string `json:"host"`
	}
	type member struct {
		ID       string  `json:"id"`
		Name     string  `json:"name,omitempty"`
		Weight   int     `json:"weight"`
		Due      float64 `json:"due"`
		Given    int64   `json:"given"`
		Behind   float64 `json:"behind"`
		Carried  float64 `json:"counts_as_carrying,omitempty"`
		Open     int     `json:"open"`
		Capacity int     `json:"capacity,omitempty"`
		From     string  `json:"away_from,omitempty"`
		To       string  `json:"away_until,omitempty"`
		AtWork   bool    `json:"at_work"`
		Unable   string  `json:"unable,omitempty"`
		PerDay   int     `json:"per_day,omitempty"`
		Zone     string  `json:"timezone"`
		Hours    string  `json:"hours"`
		Calendar *feed   `json:"calendar,omitempty"`
	}
	calendars := map[string]*feed{}
	stamp := func(at int64) string {
		if at == 0 {
			return ""
		}
		return time.UnixMicro(at).UTC().Format(time.RFC3339)
	}
	for _, f := range feeds {
		calendars[f.Member] = &feed{stamp(f.ReadAt), stamp(f.GoodAt), f.Error, f.Absences, f.Host}
	}
	type pool struct {
		Name    string   `json:"pool"`
		By      string   `json:"by,omitempty"`
		Next    string   `json:"next,omitempty"`
		Members []member `json:"members"`
	}
	out := []pool{}
	for i := range pools {
		p := &pools[i]
		v := pool{Name: p.Pool, By: p.By, Next: p.Next, Members: []member{}}
		for j := range p.Members {
			m := &p.Members[j]
			line := member{ID: m.ID, Name: m.Name, Weight: m.Weight, Due: millionths(m.Due), Given: m.Given, Behind: millionths(m.Behind), Carried: millionths(m.Carried), Open: m.Open,
				Capacity: m.Capacity, AtWork: m.Working, Unable: m.Unable, PerDay: m.PerDay, Calendar: calendars[m.ID]}
			hours := lifecycle.HoursOf(plan, roster, m.ID)
			line.Zone, line.Hours = hours.Zone().String(), hours.Hours().String()
			if m.Away != nil {
				line.From, line.To = stamp(m.Away.From), stamp(m.Away.To)
			}
			v.Members = append(v.Members, line)
		}
		out = append(out, v)
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = r.Out.Write(append(b, '\n'))
	return err
}

// millionths rounds leads to what is worth reading.
func millionths(leads float64) float64 { return math.Round(leads*1e6)/1e6 + 0 }
