package web

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/document"
	"baton/internal/lifecycle"
)

// panelHead is the head of a panel.
type panelHead struct {
	ID      string // of the heading, once on a page
	Title   string
	Count   string // beside the title: "4", "2 more"
	Hint    string
	Clause  string // address, "" for none
	Version int64  // of the agreement, 0 for the one that applies
}

// field is a hidden field of a form.
type field struct{ Name, Value string }

// reason is something that a reason menu offers.
type reason struct {
	Name, Words, Then string
	Returns           bool // a lead that is given back with it comes back
}

// reasonMenuOf is a menu of reasons; a choice sends the form.
type reasonMenuOf struct {
	Act, Action, Label, Title, Key, Field, Class, Size string
	Show                                               bool // the key, on the button
	Main                                               bool // it is what to do next
	Delay                                              bool // it can be undone for a few seconds, by not being sent yet
	Lead                                               int64
	Hidden                                             []field
	Reasons                                            []reason
	Clauses                                            []option // that let the lead through, for one to be named; none where they are not at hand
	From                                               string   // the first day on which the lead may come back, "" if no day can be chosen
	In                                                 string   // the act of the form that the menu is a part of, "" for a form of its own
}

// name is what the menu is known by on its page.
func (m *reasonMenuOf) name() string {
	if m.In != "" {
		return m.In + "-" + m.Act
	}
	return m.Act
}

// wasOpen is whether something was filled in there when the form that the menu is a part of was refused.
func (m *reasonMenuOf) wasOpen(ctx context.Context) bool {
	return m.In != "" && slices.ContainsFunc([]string{"clause", "revisit", "note"}, func(name string) bool { return m.typed(ctx, name) != "" })
}

// value is what the button of a reason sends.
func (m *reasonMenuOf) value(r *reason) string {
	if m.In != "" {
		return m.Act + " " + r.Name
	}
	return r.Name
}

// field is the name of a field of the menu: in the form of another act with the name of the menu's before it.
func (m *reasonMenuOf) field(name string) string {
	if m.In != "" {
		return m.Act + "." + name
	}
	return name
}

// typed is what somebody had filled in for a field of the menu when it was refused.
func (m *reasonMenuOf) typed(ctx context.Context, name string) string {
	return typedBefore(ctx, m.Lead, cmp.Or(m.In, m.Act), m.field(name))
}

// quick makes a form quick: it is sent without a reload, and the page comes back as it then is. Without scripts it is a
// form as any other. delay keeps it back for some seconds, in which it can be undone.
func quick(delay bool) templ.Attributes {
	a := templ.Attributes{"data-quick": true}
	if delay {
		a["data-delay"] = true
	}
	return a
}

// looks are the size of a button, "" for the usual one, and whether it is filled: one on a page is, what to do next.
func looks(size string, main bool) templ.Attributes {
	a := templ.Attributes{}
	if size != "" {
		a["data-size"] = size
	}
	if !main {
		a["data-variant"] = "outline"
	}
	return a
}

// clauseURL is the address of a clause on the agreement page, at a version; 0 is the one that applies.
func clauseURL(ctx context.Context, address string, version int64) templ.SafeURL {
	if a := asked(ctx); version == 0 && a != nil {
		version = a.version
	}
	return templ.SafeURL("/agreement?version=" + strconv.FormatInt(version, 10) + "#" + url.PathEscape(address))
}

// idOf is the attribute of an anchor, nothing for "".
func idOf(id string) templ.Attributes {
	if id == "" {
		return nil
	}
	return templ.Attributes{"id": id}
}

// day is the local time of an instant.
func day(at int64, zone *time.Location) time.Time { return time.UnixMicro(at).In(zone) }

// px writes a number for SVG, with no more decimals than a screen shows.
func px(f float64) string { return strconv.FormatFloat(float64(int64(f*100+.5))/100, 'f', -1, 64) }

// digit is the key that picks the nth of a menu; from the tenth on there is none.
func digit(n int) string {
	if n > 9 {
		return "·"
	}
	return strconv.Itoa(n)
}

func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		r, _ := utf8.DecodeRuneInString(word)
		out = append(out, r)
	}
	if len(out) > 2 {
		out = []rune{out[0], out[len(out)-1]}
	}
	return strings.ToUpper(string(out))
}

func pageIf(is bool) string {
	if is {
		return "page"
	}
	return "false"
}

var roleWords = map[Role]string{RoleMarketing: "Marketing", RoleSDR: "Sales development", RoleRep: "Account executive", RoleManager: "Sales manager", RoleRevOps: "Revenue operations", RoleAdmin: "Administrator"}

func rolesInWords(list []Role) string {
	words := make([]string, len(list))
	for i, r := range list {
		words[i] = roleWords[r]
	}
	return strings.Join(words, ", ")
}

func themeWords(theme string) string {
	if theme == "" {
		return "as your system has them"
	}
	return theme
}

func otherTheme(theme string) string {
	return map[string]string{"": "dark", "dark": "light", "light": ""}[theme]
}

func themeIcon(theme string) string {
	return map[string]entry{"": {Icon: "sun-moon"}, "dark": {Icon: "moon"}, "light": {Icon: "sun"}}[theme].Icon
}

// tabs are the four pages of the tab bar; the rest is behind More.
func tabs(bars []barEntry) []barEntry {
	var list []barEntry
	for _, e := range bars {
		if e.Short != "" && len(list) < 4 {
			list = append(list, e)
		}
	}
	return list
}

var (
	fitWords        = [...]string{"strong fit", "good fit", "some fit", "little fit"}
	engagementWords = [...]string{"very engaged", "engaged", "somewhat engaged", "hardly engaged"}
)

func gradeWords(g string) string {
	return "Grade " + g + ": " + fitWords[(g[0]-'A')&3] + ", " + engagementWords[(g[1]-'1')&3]
}

// gradeStep is the step of the ramp for half a grade, 0 for the best.
func gradeStep(rank byte) string { return [...]string{"g4", "g3", "g2", "g1"}[rank&3] }

func toastRole(f *flash) string {
	if f.Refused {
		return "alert"
	}
	return "status"
}

// timeLeft is how a deadline stands, for a ring and in words.
type timeLeft struct {
	State  string // go, soon, late, paused, kept, none
	Share  float64
	Near   bool   // less than a quarter is left, even while it is paused
	Words  string // "2 h 26 min", "26 min over", "Paused"
	By     string // "by 14:08", "was 10:16", "until Mon 09:00"
	Long   string // "38 working minutes left, by 11:20"
	Why    string // why it is paused, as a sentence; "" for what By says already
	Clause string // that paused it, "" for none
	Rest   string // what is left of it while it is paused: "2 h 26 min, by Mon 11:26"
	Figure string // the largest unit, for the ring of the next card
	Unit   string
	Due    int64  // agreement.Never for none
	Before string // "time ran out once", "" if it did not
}

// left says how a clock of a lead stands, in the working time it runs in and in the reader's zone.
func (a *ask) left(plan *agreement.Plan, k *lifecycle.Clock) timeLeft {
	now := a.now.UnixMicro()
	cal := lifecycle.ClockHours(plan, a.roster, k.Name, k.Member)
	t := timeLeft{Due: k.Due, Unit: "left"}
	if k.Breaches > 0 && k.State == lifecycle.Running && k.Due > now {
		t.Before = "time ran out " + map[bool]string{true: "once", false: strconv.Itoa(k.Breaches) + " times"}[k.Breaches == 1]
	}
	unit := calendar.Unit(k.Unit)
	switch {
	case k.State == lifecycle.Paused:
		t.Due = agreement.Never
		return a.paused(plan, t, k, lifecycle.StandsStill(plan, a.roster, k, now))
	case k.State == lifecycle.Breached || k.Due <= now:
		due := k.Due
		if due == agreement.Never || due > now {
			due = now
		}
		over := cal.Between(due, now, calendar.WorkingTime)
		t.State = "late"
		if k.State == lifecycle.Breached && k.Due == agreement.Never {
			t.Words, t.By, t.Long, t.Figure, t.Unit = "Over", "time ran out", "Time ran out", "!", "over"
			return t
		}
		figure, u := amount(over)
		t.Words, t.By = words(over)+" over", "was "+a.clockTime(due)
		t.Long, t.Figure, t.Unit = t.Words+", "+t.By, figure, u+" over"
		return t
	}
	// How much is left: in working time for people to plan by, in the clock's own unit for the ring.
	scale := calendar.WorkingTime
	if unit == calendar.Wall {
		scale = calendar.Wall
	}
	rest := lifecycle.Remaining(plan, a.roster, k, now, scale)
	t.Share = 1
	if k.Within > 0 {
		t.Share = min(1, float64(lifecycle.Remaining(plan, a.roster, k, now, unit))/float64(k.Within))
	}
	t.State, t.Near = "go", t.Share < .25
	if t.Near {
		t.State = "soon"
	}
	t.Words, t.By = words(rest), "by "+a.clockTime(k.Due)
	t.Figure, t.Unit = amount(rest)
	if days := lifecycle.Remaining(plan, a.roster, k, now, unit) / calendar.DayAmount; unit == calendar.WorkingDays && days > 1 {
		t.Words, t.Figure, t.Unit = fmt.Sprintf("%d work days", days), strconv.FormatInt(days, 10), "days"
	}
	kind := " of working time left, "
	if scale == calendar.Wall || strings.HasSuffix(t.Words, "days") {
		kind = " left, "
	}
	t.Long = t.Words + kind + t.By
	if s := lifecycle.StandsStill(plan, a.roster, k, now); s.Known {
		t.Rest = t.Words + ", " + t.By
		return a.paused(plan, t, k, s)
	}
	return t
}

// paused says of a clock that stands still until when it does, or why.
func (a *ask) paused(plan *agreement.Plan, t timeLeft, k *lifecycle.Clock, s lifecycle.Standstill) timeLeft {
	t.State, t.Words, t.Figure, t.Unit = "paused", "Paused", "II", "paused"
	switch {
	case s.While != nil:
		t.By, t.Clause = "by agreement", k.Name+".pause"
		t.Why = "Paused while " + document.When(plan, s.While) + "."
		t.Long = t.Why
		return t
	case s.Until == agreement.Never:
		t.By = "until it goes on"
	default:
		t.By = "until " + a.clockTime(s.Until)
	}
	why := "outside working hours"
	if s.Away {
		why = a.nameOf(k.Member) + " is away"
	}
	t.Long = "Paused " + t.By + ": " + why + "."
	if t.Rest != "" {
		t.Long += " Left then: " + t.Rest + "."
	}
	return t
}

const (
	minute = int64(time.Minute / time.Microsecond)
	hour   = 60 * minute
)

// words writes an amount of time as people say it: "38 min", "2 h 26 min", "12 h".
func words(us int64) string {
	m := max(0, us) / minute
	switch {
	case m < 1:
		return "under 1 min"
	case m < 60:
		return fmt.Sprintf("%d min", m)
	case m < 10*60 && m%60 != 0:
		return fmt.Sprintf("%d h %d min", m/60, m%60)
	case m < 48*60:
		return fmt.Sprintf("%d h", m/60)
	}
	return fmt.Sprintf("%d days", m/60/24)
}

// amount is the figure and the unit that say most of an amount of time.
func amount(us int64) (figure, unit string) {
	m := max(0, us) / minute
	switch {
	case m < 60:
		return strconv.FormatInt(m, 10), "min"
	case m < 48*60:
		return strconv.FormatInt(m/60, 10), "h"
	}
	return strconv.FormatInt(m/60/24, 10), "days"
}

// clockTime writes an instant as short as it is clear today: "14:08", "Mon 09:30", "16 Nov, 09:30".
func (a *ask) clockTime(at int64) string {
	t, now := time.UnixMicro(at).In(a.zone), a.now.In(a.zone)
	day := func(t time.Time) int64 {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400
	}
	switch d := day(t) - day(now); {
	case d == 0:
		return t.Format("15:04")
	case d > -7 && d < 7:
		return t.Format("Mon 15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan, 15:04")
	}
	return t.Format("2 Jan 2006")
}

// today is the day and the time, for the head of a page.
func (a *ask) today() string { return a.now.In(a.zone).Format("Mon 2 Jan, 15:04") }

// link leads to another view of a page.
type link struct {
	Href, Words string
	Current     bool
}

func currentIf(is bool) string {
	if is {
		return "true"
	}
	return "false"
}

// after is where a list goes on, 0 for its beginning: the parameter "after", which nextPage has written.
func (a *ask) after() int64 {
	id, err := strconv.ParseInt(a.URL.Query().Get("after"), 36, 64)
	if err != nil {
		return 0
	}
	return max(0, id)
}

// nextPage is the address of the same list behind an ID, "" for 0.
func (a *ask) nextPage(id int64) string {
	if id == 0 {
		return ""
	}
	q := a.URL.Query()
	q.Set("after", strconv.FormatInt(id, 36))
	return a.URL.Path + "?" + q.Encode()
}

// spaced writes a name of the agreement as people read it: "paid search".
func spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }

// counted writes a number with its noun.
func counted(n int, one, more string) string { return strconv.Itoa(n) + " " + plural(n, one, more) }

func orDash(s string) string { return cmp.Or(s, "–") }
func orOne(s string) string  { return cmp.Or(s, "1.5") }
