package lifecycle_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

var update = flag.Bool("update", false, "write the golden files anew")

// tale is a lead that things happen to.
type tale struct {
	t    *testing.T
	plan *agreement.Plan
	view lifecycle.View
	past []lifecycle.Decided
	n    int64
	told []lifecycle.Alert // ever
	out  strings.Builder
}

func newTale(t *testing.T, change ...string) *tale {
	t.Helper()
	source, _ := agreement.Template("waterfall")
	plan, findings := agreement.Compile("agreement.yaml", []byte(strings.NewReplacer(change...).Replace(string(source))), nil)
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	return &tale{t: t, plan: plan, view: lifecycle.View{Roster: lifecycle.NewRoster(plan)}}
}

// stockholm is an instant of the agreement's zone.
func stockholm(t *testing.T, s string) int64 {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMicro()
}

// happens has an input decided, and writes down who is told what.
func (s *tale) happens(in lifecycle.Input) []lifecycle.Alert {
	s.t.Helper()
	s.n++
	in.ID, in.Lead, in.Known = s.n, 1, max(in.At, in.Known)
	d := lifecycle.Decide(s.plan, &s.view, &in)
	for i := range d.Changes {
		lifecycle.Apply(s.plan, &s.view, &d.Changes[i])
	}
	lifecycle.Advance(&s.view, &in)
	if d.Refused != "" {
		s.t.Fatalf("%s: %s", in.Kind, d.Refused)
	}
	s.past = append(s.past, lifecycle.Decided{Input: in, Decision: d})
	alerts := lifecycle.Alerts(s.plan, &s.view, &in, &d)
	s.told = append(s.told, alerts...)
	if len(alerts) == 0 {
		return nil
	}
	fmt.Fprintf(&s.out, "=== %s %s, %s\n", in.Kind, in.Name, lifecycle.Stamp(in.Known, s.plan.Calendar.Zone()))
	var last string
	for i := range alerts {
		a := &alerts[i]
		to := a.To
		if to == "" {
			to = "all"
		}
		fmt.Fprintf(&s.out, "--- %s: %s by %s, %s\n", a.Kind, to, a.By, lifecycle.Stamp(a.Due, s.plan.Calendar.Zone()))
		if why := lifecycle.Moot(s.plan, &s.view, a, in.Known, in.Known); why != "" {
			s.t.Errorf("%s to %s is moot at once: %s", a.Kind, a.To, why)
		}
		n := lifecycle.Tell(s.plan, &s.view, s.past, a, in.Known)
		text := n.Title + "\n\n" + strings.Join(n.Paragraphs, "\n\n") + "\n"
		for _, f := range n.Facts {
			text += "\n" + f.Name + ": " + f.Value
		}
		text += "\n\n" + n.Footer + "\n"
		if text == last {
			text = "(the same)\n"
		} else {
			last = text
		}
		s.out.WriteString(text)
	}
	return alerts
}

func (s *tale) did(at int64, names ...string) (alerts []lifecycle.Alert) {
	for _, name := range names {
		alerts = append(alerts, s.happens(lifecycle.Input{Kind: lifecycle.Did, At: at, Name: name})...)
	}
	return alerts
}

// wait lets time pass until something is due, and decides it.
func (s *tale) wait() []lifecycle.Alert {
	due := s.view.Lead.Due()
	return s.happens(lifecycle.Input{Kind: lifecycle.Timer, At: due, Due: due})
}

func (s *tale) known(at int64) {
	text := func(name, value string) lifecycle.Named {
		return lifecycle.Named{Name: name, Value: agreement.TextValue(value)}
	}
	s.happens(lifecycle.Input{Kind: lifecycle.Identify, At: at, Values: []lifecycle.Named{
		{Name: "company.employees", Value: agreement.NumberValue(800)}, text("company.industry", "manufacturing"), text("company.name", "Acme"),
		text("country", "SE"), text("name", "Ada Lind"), text("segment", "mid"), text("seniority", "director"), text("title", "Head of Operations"),
	}})
}

func (s *tale) golden(name string) {
	s.t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, []byte(s.out.String()), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), s.out.String()); diff != "" {
		s.t.Errorf("%s (-want +got; go test -update to accept):\n%s", file, diff)
	}
}

// TestNotices tells a lead's whole way, and all that people hear of it.
func TestNotices(t *testing.T) {
	s := newTale(t)
	at := stockholm(t, "2026-03-02 09:00")
	s.known(at)
	s.did(at, "page_viewed", "webinar_attended", "demo_requested")
	for range 3 {
		s.wait()
	}
	for s.view.Lead.Owner == "" {
		s.wait()
	}
	owner := s.view.Lead.Owner
	s.happens(lifecycle.Input{Kind: lifecycle.Accept, At: s.view.Lead.Clock + 60e6, Actor: owner})
	s.happens(lifecycle.Input{Kind: lifecycle.HandBack, At: s.view.Lead.Clock + 60e6, Actor: owner, Name: "timing", Text: "Budget comes in autumn."})
	s.wait()
	for s.view.Lead.Pass == 1 {
		s.wait()
	}
	// late on a Friday
	s.did(stockholm(t, "2026-06-12 22:00"), "pricing_viewed", "page_viewed", "demo_requested")
	s.golden("notices.txt")
	for _, a := range s.told {
		if !s.team(a.To) {
			t.Errorf("%s goes to %q, who is not of the team", a.Kind, a.To)
		}
	}
}

// team reports whether alerts may go to somebody: a member, a side, a queue, or an address that the agreement itself names.
func (s *tale) team(to string) bool {
	return to == "" || to == "marketing" || to == "sales" || strings.HasPrefix(to, "queue ") || s.view.Roster.Member(to) != nil ||
		slices.ContainsFunc(s.plan.Alerts, func(a agreement.Alert) bool { return slices.Contains(a.To, to) })
}

func TestAlertsWaitForWorkingHours(t *testing.T) {
	s := newTale(t)
	at := stockholm(t, "2026-03-06 22:00") // a Friday
	s.known(at)
	alerts := s.did(at, "page_viewed", "webinar_attended", "demo_requested")
	if len(alerts) != 2 || alerts[0].Due != stockholm(t, "2026-03-09 08:30") || alerts[0].Wait != lifecycle.WaitsForWork || alerts[1].By != "inbox" || alerts[1].Due != at {
		t.Fatalf("offered on Friday night: %+v", alerts)
	}
	for _, a := range s.wait() { // time ran out
		if a.Due != s.view.Lead.Clock {
			t.Errorf("%s waits until %s", a.Kind, lifecycle.Stamp(a.Due, time.UTC))
		}
	}
}

// Whoever is away hears of it when they are back at work.
func TestAlertsWaitForWhoeverIsAway(t *testing.T) {
	s := newTale(t)
	at := stockholm(t, "2026-03-02 09:00")
	s.known(at)
	owner := s.did(at, "page_viewed", "webinar_attended", "demo_requested")[0].To
	s.wait() // a reminder
	away := s.view.Lead.Clock
	s.n++
	absent := lifecycle.Input{Kind: lifecycle.Absent, ID: s.n, Name: owner, At: away, Known: away, Due: stockholm(t, "2026-03-12 00:00")}
	team := lifecycle.View{Roster: s.view.Roster}
	d := lifecycle.Decide(s.plan, &team, &absent)
	for i := range d.Changes {
		lifecycle.Apply(s.plan, &team, &d.Changes[i])
	}
	s.view.Roster = team.Roster
	for _, a := range s.wait() { // it goes to another
		want := s.view.Lead.Clock
		if a.To == owner { // the lead has gone to another, and that time ran out
			want = stockholm(t, "2026-03-12 08:30")
			if a.Wait != lifecycle.WaitsForReturn {
				t.Errorf("it waits for %q", a.Wait)
			}
		}
		if a.Due != want {
			t.Errorf("%s to %s is due %s", a.Kind, a.To, lifecycle.Stamp(a.Due, s.plan.Calendar.Zone()))
		}
	}
}

func TestAlertsFollowTheAgreement(t *testing.T) {
	for _, test := range []struct {
		name, alerts string
		want         []string
	}{
		{"none", "", []string{"johan.lind@northwind.example email"}},
		{"another event", "  x: {event: won, to: owner, by: slack}\n", []string{"johan.lind@northwind.example email"}},
		{"another way", "  x: {event: offered, to: owner, by: slack}\n", []string{"johan.lind@northwind.example slack"}},
		{"inbox alone", "  x: {event: offered, to: owner, by: inbox}\n", []string{"johan.lind@northwind.example inbox"}},
		{"inboxes of a side", "  x: {event: offered, to: [owner, marketing], by: inbox}\n", []string{"johan.lind@northwind.example inbox", "cmo@northwind.example inbox"}},
		{"activity", "  x: {event: activity, activity: [webinar_attended], to: [owner, cmo@northwind.example]}\n  y: {event: activity, activity: webinar_attended, to: cmo@northwind.example}\n", []string{"cmo@northwind.example email", "cmo@northwind.example email", "johan.lind@northwind.example email"}},
		{"condition that holds", "  x: {event: offered, when: country == \"SE\", to: owner, by: slack}\n", []string{"johan.lind@northwind.example slack"}},
		{"condition that does not", "  x: {event: offered, when: country == \"DE\", to: owner, by: slack}\n", []string{"johan.lind@northwind.example email"}},
		{"others too", "  x: {event: offered, to: [manager, cmo@northwind.example, sales]}\n", []string{"astrid.berg@northwind.example email", "cmo@northwind.example email", "sales email", "johan.lind@northwind.example email"}},
		{"programs", "  x: {event: offered, to: owner, by: [email, webhook]}\n", []string{"johan.lind@northwind.example email", " webhook"}},
		{"once", "  x: {event: offered, to: owner}\n  y: {event: offered, to: johan.lind@northwind.example, by: [email, teams]}\n", []string{"johan.lind@northwind.example email", "johan.lind@northwind.example teams"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			section := "alerts:\n" + test.alerts
			if test.alerts == "" {
				section = ""
			}
			s := newTale(t, "alerts:\n  offer:   {event: offered, to: [owner], by: [email, inbox]}\n  breach:  {event: breached, to: [owner, manager], by: slack}\n  back:    {event: handed_back, to: marketing}\n  outcome: {event: won, to: [marketing, sales, cmo@northwind.example], by: [inbox]}\n", section)
			at := stockholm(t, "2026-03-02 09:00")
			s.known(at)
			var got []string
			for _, a := range s.did(at, "page_viewed", "webinar_attended", "demo_requested") {
				got = append(got, a.To+" "+a.By)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMoot(t *testing.T) {
	s := newTale(t)
	at := stockholm(t, "2026-03-02 09:00")
	s.known(at)
	offered := s.did(at, "page_viewed", "webinar_attended", "demo_requested")[0]
	moot := func(a *lifecycle.Alert, at int64) string { return lifecycle.Moot(s.plan, &s.view, a, at, at) }
	reminded := s.wait()[0]
	remindedAt := s.view.Lead.Clock
	if why := moot(&offered, at); why != "" {
		t.Errorf("still offered, and %s", why)
	}
	moved := s.wait() // to another
	if why := moot(&offered, at); !strings.Contains(why, s.view.Lead.Owner) {
		t.Errorf("offered to one and now another's: %q", why)
	}
	if why := moot(&reminded, remindedAt); !strings.Contains(why, s.view.Lead.Owner) {
		t.Errorf("one is reminded and it is another's: %q", why)
	}
	taken := s.view.Lead.Clock
	s.happens(lifecycle.Input{Kind: lifecycle.Accept, At: taken + 60e6, Actor: s.view.Lead.Owner})
	for _, a := range moved {
		if why := moot(&a, taken); (a.Kind == "offered") != (why == "it was accepted meanwhile") {
			t.Errorf("%s after it was accepted: %q", a.Kind, why)
		}
	}
	if why := moot(&reminded, remindedAt); why == "" {
		t.Error("a reminder of a deadline that was met is sent")
	}
	escalated := lifecycle.Alert{Kind: "escalated", To: "sales", Name: "handoffs.mql_to_sales.accept_within", Acts: true}
	s.view.Lead.Handoff.State = lifecycle.HandoffRejected
	if why := moot(&escalated, s.view.Lead.Clock); why == "" {
		t.Error("somebody is asked to help with an offer that was turned down meanwhile")
	}
	contact := lifecycle.Alert{Kind: "reminded", To: s.view.Lead.Owner, Name: "handoffs.mql_to_sales.contact_within", Acts: true}
	if why := moot(&contact, s.view.Lead.Clock); why != "" {
		t.Errorf("a contact is due, and %s", why)
	}
	s.view.Lead.Consent.Status = lifecycle.Withdrawn
	if why := moot(&contact, s.view.Lead.Clock); why != "sales may not speak to them now: the lead withdrew consent to messages (consent)" {
		t.Errorf("somebody is reminded of a contact that they may not make: %q", why)
	}
	s.view.Roster.Member(offered.To).Inactive = true
	if why := moot(&lifecycle.Alert{Kind: "reassigned", To: offered.To, Acts: true}, at); !strings.Contains(why, "has left the team") {
		t.Errorf("who has left the team is told: %q", why)
	}
	if why := lifecycle.Moot(s.plan, &lifecycle.View{}, &offered, at, at); why == "" {
		t.Error("a lead that was erased is told of")
	}
}

// Nothing is shown that the brief leaves out, in the facts or elsewhere.
func TestNoticesKeepToTheBrief(t *testing.T) {
	s := newTale(t, "show: [name, title, seniority, company.name, company.industry, company.employees, country, source, campaign]", "show: [country]", "activities: 4", "activities: 1")
	at := stockholm(t, "2026-03-02 09:00")
	s.known(at)
	s.did(at, "page_viewed", "webinar_attended", "demo_requested")
	text := s.out.String()
	for _, hidden := range []string{"Ada", "Acme", "Head of Operations", "director", "manufacturing", "800", "webinar", "mid"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%q is told:\n%s", hidden, text)
		}
	}
	if !strings.Contains(text, "Country: SE") || !strings.Contains(text, "lead 1") || !strings.Contains(text, "• demo requested") {
		t.Errorf("what the brief has is not told:\n%s", text)
	}
}
