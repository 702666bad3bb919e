package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

func teamRoutes() []route {
	return []route{
		{pattern: "GET /team", right: SeeReports, handle: showTeam, exports: teamExports, entry: &entry{Group: "Agree", Label: "Team", Icon: "contact-round", Key: "T"}},
		{pattern: "POST /team/{member}/hours", right: RunTeam, handle: memberHours},
		{pattern: "POST /team/{member}/away", right: RunTeam, handle: awayMember},
		{pattern: "POST /team/{member}/present", right: RunTeam, handle: presentMember},
	}
}

// teamPage is who can take leads, and how they are shared out.
type teamPage struct {
	People []teamRow
	Left   []teamRow
	Pools  []poolRow
	Now    int // at work
	Runs   bool
	Today  string // for the fields of an absence
}

// teamRow is a member.
type teamRow struct {
	ID, Name, Side string
	Manager        string
	Pools, Traits  []string
	State, Tone    string // how they stand now, in words
	Clock          string // "14:20 in Stockholm"
	Open, Most     int    // hand-offs that wait for them; 0 for no limit
	Today, PerDay  int
	Away           []awayRow
	Feed           *feedRow
	Works          string // "mon-fri 09:00-17:00 in Europe/Stockholm"
	Source         string // whose hours these are
	Clause         string // where they stand in the agreement, "" for hours of their own
	Zone, Week     string // their own, as entered
	Named          bool   // in the agreement: it says when they work
}

// line is what is said of a member under the name.
func (r *teamRow) line() string {
	list := append(slices.Clone(r.Pools), r.Traits...)
	if r.Manager != "" {
		list = append(list, "led by "+r.Manager)
	}
	return strings.Join(list, " · ")
}

// share is how much of what they can take is taken, 0 to 1.
func (r *teamRow) share() float64 {
	if r.Most == 0 {
		return 0
	}
	return min(1, float64(r.Open)/float64(r.Most))
}

// awayRow is an absence that is not over.
type awayRow struct {
	Words    string
	From, To string // as a form sends them back
	Calendar bool
}

// feedRow is the calendar that absences are read from.
type feedRow struct {
	Words, Error string
}

// poolRow is a pool, and how it has shared out what it got.
type poolRow struct {
	Name, By, Clause string
	Next             string // "" for nobody
	Members          []standingRow
}

// standingRow is a member of a pool.
type standingRow struct {
	Name          string
	Next          bool
	Weight        int
	Given, Due    string
	Behind        string  // in words
	Off           float64 // -1 to 1: ahead of their share, behind it
	Unable        string
	Slower, Ahead bool
}

// showTeam makes one query beside those of every page, for the calendars: the roster is at hand.
func showTeam(a *ask) (answer, error) {
	feeds, err := a.site.Store.Feeds(a.Context())
	if err != nil {
		return nil, err
	}
	p := teamPage{Runs: a.viewer.May(RunTeam), Today: a.now.In(a.zone).Format(time.DateOnly)}
	standings := lifecycle.Standings(a.plan, a.roster, a.now.UnixMicro())
	unable := map[string]string{}
	for i := range standings {
		p.Pools = append(p.Pools, a.poolRow(&standings[i]))
		for j := range standings[i].Members {
			m := &standings[i].Members[j]
			unable[m.ID] = cmp.Or(unable[m.ID], m.Unable)
		}
	}
	if a.roster != nil {
		for i := range a.roster.Members {
			m := &a.roster.Members[i]
			row := a.teamRow(m, unable[m.ID])
			for j := range feeds {
				if feeds[j].Member == m.ID {
					row.Feed = a.feedRow(&feeds[j])
				}
			}
			if m.Inactive {
				p.Left = append(p.Left, row)
				continue
			}
			if row.Tone == "kept" {
				p.Now++
			}
			p.People = append(p.People, row)
		}
	}
	slices.SortStableFunc(p.People, func(x, y teamRow) int {
		return cmp.Or(cmp.Compare(y.Side, x.Side), cmp.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)))
	})
	return page{title: "Team", body: teamBody(p), live: "decisions", state: a.today()}, nil
}

// hoursOf are the working hours of a member.
func (a *ask) hoursOf(m *lifecycle.Member) *calendar.Calendar {
	return lifecycle.HoursOf(a.plan, a.roster, m.ID)
}

func (a *ask) teamRow(m *lifecycle.Member, unable string) teamRow {
	now, hours := a.now.UnixMicro(), a.hoursOf(m)
	r := teamRow{ID: m.ID, Name: cmp.Or(m.Name, m.ID), Side: m.Side.String(), Open: m.Open, Most: m.Capacity, PerDay: m.PerDay, Today: m.HadToday(a.plan, a.roster, now)}
	if m.Manager != "" {
		r.Manager = a.nameOf(m.Manager)
	}
	for _, slot := range m.Pools {
		if slot < len(a.plan.Pools) {
			r.Pools = append(r.Pools, spaced(a.plan.Pools[slot].Name))
		}
	}
	for k, list := range m.Traits {
		for _, slot := range list {
			if slot < len(a.plan.Traits[k]) {
				r.Traits = append(r.Traits, spaced(a.plan.Traits[k][slot].Name))
			}
		}
	}
	a.worksRow(&r, m, hours)
	zone := hours.Zone()
	_, place, _ := strings.Cut(zone.String(), "/")
	r.Clock = a.now.In(zone).Format("15:04") + " in " + strings.ReplaceAll(cmp.Or(place, zone.String()), "_", " ")
	var back int64
	for _, away := range m.Away {
		if away.From <= now && away.To > now {
			back = max(back, away.To)
		}
		if away.To > now {
			r.Away = append(r.Away, awayRow{Words: a.spanWords(away, zone), From: strconv.FormatInt(away.From, 10), To: strconv.FormatInt(away.To, 10), Calendar: away.Calendar})
		}
	}
	switch {
	case m.Inactive:
		r.State = "Has left the team"
	case back != 0:
		r.State, r.Tone = "Away until "+a.clockTime(back), "soon"
	case !hours.Open(now):
		r.State = "Not at work until " + a.clockTime(hours.NextOpening(now))
	case unable != "":
		r.State, r.Tone = "Cannot take more: "+strings.TrimPrefix(unable, "is "), "soon"
	default:
		r.State, r.Tone = "At work until "+a.clockTime(closing(hours, now)), "kept"
	}
	return r
}

// worksRow says when somebody works, and who says so.
func (a *ask) worksRow(r *teamRow, m *lifecycle.Member, hours *calendar.Calendar) {
	r.Works, r.Zone, r.Week = lifecycle.WorksWords(hours.Zone().String(), hours.Hours().String()), m.Zone, m.Week
	slot, named := a.plan.Index.Person[m.ID]
	r.Named = named
	switch {
	case named && a.plan.People[slot].Hours != nil:
		r.Source, r.Clause = "Of their own, in the agreement", a.plan.People[slot].Address
		return
	case m.Zone+m.Week != "":
		r.Source = "Of their own"
		return
	}
	for _, pool := range m.Pools {
		if pool < len(a.plan.Index.PoolHours) && a.plan.Index.PoolHours[pool] != nil {
			r.Source, r.Clause = "Of the pool "+spaced(a.plan.Pools[pool].Name), a.plan.Pools[pool].Address
			return
		}
	}
	r.Source, r.Clause = "Of the agreement", "calendar"
}

// memberHours gives a member hours and a time zone of their own, or takes them away.
func memberHours(a *ask) (answer, error) {
	m := a.roster.Member(a.PathValue("member"))
	if m == nil {
		return nil, noMember()
	}
	said := &flash{Who: cmp.Or(m.Name, m.ID), Text: "works the hours you entered"}
	zone, hours := a.PostFormValue("timezone"), a.PostFormValue("hours")
	if strings.TrimSpace(zone+hours) == "" {
		said.Text = "works the hours of the team"
	}
	d, err := a.site.API.Works(a.Context(), m, zone, hours, lifecycle.Input{Actor: a.viewer.Email, Source: "web"})
	if err := said.outcome(d, err); err != nil {
		return nil, err
	}
	return redirect{to: "/team", said: said}, nil
}

func noMember() error {
	return &failure{status: 404, title: "There is nobody like that in the team", text: "They may have left it. The page of the team shows who is there."}
}

// closing is when the hours that an instant is in are over, to five minutes.
func closing(hours *calendar.Calendar, at int64) int64 {
	end := at - at%(5*minute)
	for range 24 * 12 {
		if end += 5 * minute; !hours.Open(end) {
			break
		}
	}
	return end
}

// spanWords says when somebody is away, in days if they are whole ones.
func (a *ask) spanWords(away lifecycle.Absence, zone *time.Location) string {
	from, to := day(away.From, zone), day(away.To, zone)
	if from.Format("15:04") == "00:00" && to.Format("15:04") == "00:00" {
		last := to.AddDate(0, 0, -1)
		if !last.After(from) {
			return from.Format("Mon 2 Jan")
		}
		return from.Format("Mon 2 Jan") + " to " + last.Format("Mon 2 Jan 2006")
	}
	return from.Format("Mon 2 Jan, 15:04") + " to " + to.Format("Mon 2 Jan, 15:04")
}

func (a *ask) feedRow(f *store.Feed) *feedRow {
	r := &feedRow{Words: "Calendar at " + f.Host + ": not read yet"}
	switch {
	case f.Error != "":
		r.Words = "Calendar at " + f.Host + " could not be read " + a.clockTime(f.ReadAt)
		if f.GoodAt != 0 {
			r.Words += "; what was read " + a.clockTime(f.GoodAt) + " holds"
		}
		r.Error = sentence(f.Error)
	case f.ReadAt != 0:
		r.Words = "Calendar at " + f.Host + " read " + a.clockTime(f.ReadAt) + ": " + counted(f.Absences, "absence", "absences") + " to come"
	}
	return r
}

func (a *ask) poolRow(s *lifecycle.PoolStanding) poolRow {
	p := poolRow{Name: capital(spaced(s.Pool)), By: spaced(s.By), Clause: "pools." + s.Pool}
	if s.Next != "" {
		p.Next = a.nameOf(s.Next)
	}
	most := 1.0
	for i := range s.Members {
		most = max(most, s.Members[i].Behind, -s.Members[i].Behind)
	}
	for i := range s.Members {
		m := &s.Members[i]
		r := standingRow{Name: cmp.Or(m.Name, m.ID), Next: m.ID == s.Next, Weight: m.Weight, Given: strconv.FormatInt(m.Given, 10), Due: fmt.Sprintf("%.1f", m.Due), Off: m.Behind / most, Unable: capital(m.Unable)}
		switch off := fmt.Sprintf("%.1f", max(m.Behind, -m.Behind)); {
		case off == "0.0":
			r.Behind = "even"
		case m.Behind > 0:
			r.Behind, r.Slower = off+" behind", true
		default:
			r.Behind, r.Ahead = off+" ahead", true
		}
		if s.By == "least_loaded" && m.Carried >= .05 {
			r.Unable = strings.TrimPrefix(r.Unable+fmt.Sprintf(". Counts as carrying %.1f more", m.Carried), ". ")
		}
		p.Members = append(p.Members, r)
	}
	return p
}

// awayMember notes that somebody is away: both days are away.
func awayMember(a *ask) (answer, error) {
	return a.absence(lifecycle.Absent, func(zone *time.Location) (from, to time.Time, err error) {
		if from, err = time.ParseInLocation(time.DateOnly, a.PostFormValue("from"), zone); err != nil {
			return from, to, badField("the first day should be a day, such as 2026-12-21")
		}
		if to, err = time.ParseInLocation(time.DateOnly, cmp.Or(a.PostFormValue("until"), a.PostFormValue("from")), zone); err != nil {
			return from, to, badField("the last day should be a day, such as 2026-12-31")
		}
		return from, to.AddDate(0, 0, 1), nil
	}, "is away from %s until %s")
}

// presentMember takes an absence back.
func presentMember(a *ask) (answer, error) {
	return a.absence(lifecycle.Present, func(*time.Location) (from, to time.Time, err error) {
		begin, err := strconv.ParseInt(a.PostFormValue("from"), 10, 64)
		end, err2 := strconv.ParseInt(a.PostFormValue("to"), 10, 64)
		if err != nil || err2 != nil {
			return from, to, badField("say which absence it is")
		}
		return time.UnixMicro(begin), time.UnixMicro(end), nil
	}, "is there from %s until %s after all")
}

func (a *ask) absence(kind lifecycle.InputKind, span func(*time.Location) (from, to time.Time, err error), words string) (answer, error) {
	m := a.roster.Member(a.PathValue("member"))
	if m == nil {
		return nil, noMember()
	}
	zone := a.hoursOf(m).Zone()
	said := &flash{Who: cmp.Or(m.Name, m.ID)}
	from, to, err := span(zone)
	var d *lifecycle.Decision
	if err == nil {
		said.Text = fmt.Sprintf(words, from.In(zone).Format("Mon 2 Jan"), to.In(zone).Add(-time.Minute).Format("Mon 2 Jan"))
		d, err = a.site.API.Absence(a.Context(), m.ID, lifecycle.Input{Kind: kind, At: from.UnixMicro(), Due: to.UnixMicro(), Actor: a.viewer.Email, Source: "web", Text: a.PostFormValue("note")})
	}
	if err := said.outcome(d, err); err != nil {
		return nil, err
	}
	return redirect{to: "/team", said: said}, nil
}

// memberURL is where what one does with a member is sent.
func memberURL(id, act string) templ.SafeURL {
	return templ.SafeURL("/team/" + url.PathEscape(id) + "/" + act)
}

func teamHint(p teamPage) string {
	if p.Now == 0 {
		return "Nobody is at work now"
	}
	return strconv.Itoa(p.Now) + " at work now"
}

func poolHint(p *poolRow) string {
	if p.By == "" {
		return ""
	}
	return "Shared out by " + p.By
}

// sideOf is a side in words for a mark.
func sideOf(side string) string { return capital(cmp.Or(side, agreement.Sales.String())) }
