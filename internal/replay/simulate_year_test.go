package replay

import (
	"container/heap"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// versions are the agreements of a year: each changes the calendar, the deadlines, what happens when they are over, names,
// the people, and who may speak.
func versions(t testing.TB) []*agreement.Plan {
	t.Helper()
	source, _ := agreement.Template("waterfall")
	hours := "    mon-thu: [\"08:30-12:00\", \"13:00-17:00\"]\n    fri: [\"08:30-12:00\", \"13:00-16:00\"]\n"
	ladder := "on_breach: [remind owner, reassign at most 2, queue unassigned, escalate manager]"
	mikko := regexp.MustCompile(`  mikko\.laine@northwind\.example:\n(    .*\n)+`).FindString(string(source))
	renamed := "renamed:\n  handoffs: {mql_to_sales: relay}\n  queues: {unassigned: pond}\n  pools: {emea: continent}\n  stages: {sal: taken}\n  clocks: {next_step: what_next}\nagreement: "
	changes := [][]string{
		nil,
		{hours, "    mon-fri: \"09:00-16:00\"\n", "accept_within: 4 working hours", "accept_within: 2 working hours", ladder, "on_breach: [remind owner, reassign at most 3, escalate manager]",
			"    - 2027-01-06\n", "    - 2027-01-06\n    - 2027-02-15\n    - 2027-02-16\n", mikko, "", "contact_within: 1 working day", "contact_within: 6 working hours"},
		{hours, "    mon-thu: [\"07:00-11:00\", \"15:00-20:00\"]\n    sat: \"10:00-12:00\"\n", ladder, "on_breach: [remind manager, queue pond]", "agreement: ", renamed,
			"mql_to_sales", "relay", "unassigned", "pond", "emea", "continent", "sal:\n", "taken:\n", "to: sal\n", "to: taken\n", "from: sal,", "from: taken,", "[sal,", "[taken,", "next_step", "what_next",
			"limit: 10 working days", "limit: 3 working days"},
		{ladder, "on_breach: [reassign, return to nurture]", "agreement: ", strings.NewReplacer("mql_to_sales: relay", "relay: mql_to_sales", "unassigned: pond", "pond: unassigned",
			"emea: continent", "continent: emea", "sal: taken", "taken: sal", "next_step: what_next", "what_next: next_step").Replace(renamed),
			"on_breach: [remind owner, escalate manager]", "on_breach: [reassign, return to nurture]", "timezone: Europe/Berlin", "timezone: America/New_York",
			"capacity: 15", "capacity: 3"},
	}
	var plans []*agreement.Plan
	for i, change := range changes {
		text := string(source)
		for ; len(change) > 0; change = change[2:] {
			if !strings.Contains(text, change[0]) {
				t.Fatalf("version %d: the template has no %q", i+1, change[0])
			}
			text = strings.ReplaceAll(text, change[0], change[1])
			if i == 2 && change[0] == "unassigned" { // the rename keeps the old name
				text = strings.Replace(text, "queues: {pond: pond}", "queues: {unassigned: pond}", 1)
			}
			text = strings.NewReplacer("{relay: relay}", "{mql_to_sales: relay}", "{continent: continent}", "{emea: continent}", "{what_next: what_next}", "{next_step: what_next}").Replace(text)
		}
		plan, found := agreement.Compile(fmt.Sprintf("version%d.yaml", i+1), []byte(text), nil)
		if plan == nil || found.HasErrors() {
			t.Fatal(found.Text(func(string) []byte { return []byte(text) }, false))
		}
		plans = append(plans, plan)
	}
	return plans
}

// yearModel is a company of fifty: those of the demo, and more of their kind. Some join, some leave, all are away now and then; the
// agreement changes, and mail and chat fail for days.
func yearModel(seed uint64, days, leads int, plans []*agreement.Plan) Model {
	m := DemoModel(seed, demoUntil, days)
	m.Leads, m.Accounts, m.Asks = leads, leads/7, true
	m.Outages = []Absent{{120, 1}, {430, 3}, {431, 2}, {880, 1}}
	m.Busy = append(m.Busy, Absent{90, 2}, Absent{940, 5})
	m.Objects, m.Unsubscribes, m.TooLate = 25, 25, 500
	for i, plan := range plans[1:] {
		m.Versions = append(m.Versions, VersionModel{From: 1000 * (i + 1) / len(plans), Plan: plan})
	}
	c := split(seed, 99, 0)
	bosses := []string{"bo.ek@northwind.example", "pia.falk@northwind.example"}
	for _, id := range bosses {
		m.Team = append(m.Team, MemberModel{ID: id, Name: id, Side: agreement.Sales, Manager: demoManager, Rep: true, Response: 60, Spread: 1300, Away: []Absent{{int(c.between(100, 900)), 12}}})
	}
	for i := 0; len(m.Team) < 50; i++ {
		t := rep(fmt.Sprintf("rep%02d", i), fmt.Sprintf("Rep %d", i), []string{"nordics", "emea"}[i%2], MemberModel{Weight: int(c.between(1, 3)), Capacity: int(c.between(0, 12)),
			Response: c.between(20, 140), Misses: int(c.between(5, 250)), Skill: int(c.between(-300, 300)), Picky: int(c.between(-30, 80)), Named: int(c.between(0, 10))})
		t.Manager = append(bosses, demoManager, bosses[0])[i%4]
		if i%9 == 8 {
			t.Pools, t.Queue = nil, 2
		}
		if i%6 == 5 {
			t.Joins = int(c.between(50, 900))
		}
		if i%5 == 3 {
			t.Leaves = max(int(c.between(200, 950)), t.Joins+20)
		}
		for range c.between(1, 4) {
			t.Away = append(t.Away, Absent{int(c.between(10, 980)), int(c.between(1, 20))})
		}
		m.Team = append(m.Team, t)
	}
	for i := range m.Team {
		if m.Team[i].ID == bosses[1] { // her people are Astrid's from then on, unless somebody says otherwise
			m.Team[i].Leaves = 600
		}
	}
	return m
}

// outbox holds alerts that wait to be sent; sending fails now and then, and is tried again later.
type outbox []parcel

type parcel struct {
	at, seq, lead, decided int64
	alert                  lifecycle.Alert
	tries                  int
}

func (o outbox) Len() int { return len(o) }
func (o outbox) Less(i, j int) bool {
	return o[i].at < o[j].at || o[i].at == o[j].at && o[i].seq < o[j].seq
}
func (o outbox) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *outbox) Push(x any)   { *o = append(*o, x.(parcel)) }
func (o *outbox) Pop() any {
	list := *o
	last := list[len(list)-1]
	*o = list[:len(list)-1]
	return last
}

// year is what came of one.
type year struct {
	decisions, sent, moot, late, letters, calls, left, urged int64
	merges, splits, undone, erased                           int64
	joined                                                   []*prospect // merged into another, and not split again
	inspector                                                *Inspector
}

// live lives through a year, and looks at everything after each step.
func live(t *testing.T, m Model, plans []*agreement.Plan) year {
	t.Helper()
	s, err := newSimulation(plans[0], m)
	if err != nil {
		t.Fatal(err)
	}
	y := year{inspector: NewInspector()}
	waiting, seq := outbox{}, int64(0)
	faults := split(m.Seed, 98, 0)
	s.watch = func(in *lifecycle.Input, d *lifecycle.Decision) {
		w := s.world
		for len(waiting) > 0 && waiting[0].at <= in.Known { // before this decision: the state is the one they were sent in
			p := heap.Pop(&waiting).(parcel)
			switch {
			case p.tries < 6 && faults.hit(300): // it bounced, or the other side said 500
				p.tries++
				p.at = s.reached(p.at + faults.between(1, 16<<p.tries)*simMinute)
				heap.Push(&waiting, p)
				y.late++
				continue
			case s.reached(p.at) > p.at:
				p.at = s.reached(p.at)
				heap.Push(&waiting, p)
				continue
			}
			if p.lead == in.Lead {
				p.at = in.Known + 1 // it has just been decided about: whether this one came before does not show in the state
				heap.Push(&waiting, p)
				continue
			}
			y.deliver(t, w, &p)
		}
		if !y.inspector.Next(w.Plan, in, d, &w.view) {
			t.Fatal(y.inspector.First)
		}
		y.decisions++
		for _, a := range lifecycle.Alerts(w.Plan, &w.view, in, d) {
			if a.By == "webhook" {
				continue
			}
			seq++
			heap.Push(&waiting, parcel{at: max(a.Due, in.Known), seq: seq, lead: in.Lead, decided: in.Known, alert: a})
		}
		if in.Kind == lifecycle.Left {
			y.left++
		}
	}
	s.wrote = func(p *prospect, member, channel string) {
		l := s.world.Lead(p.lead)
		stage := s.world.plans[l.Version].Stages[l.Stage].Name
		y.letters++
		if member != "" {
			y.letters--
			y.calls++
		}
		switch {
		case l.Consent.Status == lifecycle.Objected || l.Consent.Status == lifecycle.Withdrawn:
			t.Fatalf("lead %d gets a message by %s and its consent is %s", l.ID, channel, l.Consent.Status)
		case stage == "disqualified" || member == "" && stage == "opportunity" && l.Origin != agreement.Sales:
			t.Fatalf("lead %d in stage %s gets a message by %s", l.ID, stage, channel)
		case member != "" && l.Owner != member:
			t.Fatalf("lead %d of %s is called by %s", l.ID, l.Owner, member)
		}
	}
	s.world.Remember = true
	pairs := split(m.Seed, 97, 0)
	for i, p := range s.leads {
		if i%5 == 2 { // what these do comes in with an import each, until it is undone, or for good
			p.brought = int64(1000 + i)
		}
	}
	s.progress = func(int64) {
		y.stir(t, s, &pairs)
		if err := s.world.Check(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	if fault := y.inspector.Close(s.world.Roster); fault != "" {
		t.Fatal(fault)
	}
	if err := s.world.Check(); err != nil {
		t.Fatal(err)
	}
	if s.world.Version != int64(len(plans)) {
		t.Fatalf("version %d is active in the end", s.world.Version)
	}
	return y
}

// stir has people merge two leads, split what was merged, and undo an import.
func (y *year) stir(t *testing.T, s *simulation, c *chance) {
	t.Helper()
	w := s.world
	pick := func(fits func(p *prospect) bool) *prospect {
		for range 60 {
			if p := s.leads[c.below(int64(len(s.leads)))]; p.lead != 0 && !p.gone && w.leads[p.lead] != nil && w.leads[p.lead].Stage >= 0 && fits(p) {
				return p
			}
		}
		return nil
	}
	take := func(in lifecycle.Input) {
		if err := s.send(nil, &lifecycle.Arrival{Input: in}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		one := pick(func(p *prospect) bool { return w.leads[p.lead].Waits() || w.leads[p.lead].Owner != "" })
		if one == nil {
			break
		}
		other := pick(func(p *prospect) bool { return p != one })
		if other == nil {
			break
		}
		one.turn++ // what was planned is off
		other.turn++
		take(lifecycle.Input{Kind: lifecycle.Merge, Lead: one.lead, Other: other.lead, Actor: demoManager})
		for _, p := range []*prospect{one, other} {
			if w.into[p.lead] != 0 { // the other prospect goes on for both
				p.gone = true
				y.joined = append(y.joined, p)
				y.merges++
			}
		}
	}
	if n := int64(len(y.joined)); n > 3 {
		i := c.below(n)
		p := y.joined[i]
		y.joined = append(y.joined[:i], y.joined[i+1:]...)
		into := s.byLead[w.alive(p.lead)]
		p.turn++
		into.turn++
		take(lifecycle.Input{Kind: lifecycle.Split, Lead: p.lead, Actor: demoManager})
		if w.into[p.lead] == 0 && w.leads[p.lead] != nil && w.leads[p.lead].Stage >= 0 {
			p.gone = false
			y.splits++
		}
	}
	if c.hit(max(60, 40_000/int(len(s.days)))) { // about forty, however long it is
		if p := pick(func(p *prospect) bool { return p.brought != 0 }); p != nil {
			p.turn++
			take(lifecycle.Input{Kind: lifecycle.Retract, Lead: p.lead, Import: p.brought, Actor: demoManager})
			p.brought = 0
			y.undone++
			if l := w.leads[p.lead]; l == nil || l.Stage < 0 {
				p.gone = true
				y.erased++
			}
		}
	}
}

// deliver sends an alert, unless it is not true any more; whoever gets it must be the one it is for.
func (y *year) deliver(t *testing.T, w *World, p *parcel) {
	view := w.View(p.lead)
	if view.Lead != nil && view.Lead.Stage < 0 {
		view.Lead = nil
	}
	plan := w.Plan
	if view.Lead != nil {
		plan = w.plans[view.Lead.Version]
	}
	a := &p.alert
	if lifecycle.Moot(plan, &view, a, p.decided, p.at) != "" {
		y.moot++
		return
	}
	y.sent++
	l := view.Lead
	queue, queued := strings.CutPrefix(a.To, "queue ")
	accepting := strings.HasSuffix(a.Name, ".accept_within")
	switch {
	case view.Roster.Member(a.To) != nil && view.Roster.Member(a.To).Inactive:
		t.Fatalf("%s, who has left, hears that lead %d is %s", a.To, l.ID, a.Kind)
	case a.Acts && a.Kind == "offered" && !queued && l.Owner != a.To:
		t.Fatalf("%s hears that they are offered lead %d, which %s has", a.To, l.ID, l.Owner)
	case a.Acts && queued && (l.Queue < 0 || plan.Queues[l.Queue].Name != queue):
		t.Fatalf("%s hears that lead %d is %s, which is not there", a.To, l.ID, a.Kind)
	case a.Acts && a.Kind == "reassigned" && l.Owner == a.To:
		t.Fatalf("%s hears that lead %d has moved on, and has it", a.To, l.ID)
	case a.Acts && a.Kind == "reminded" && !queued && l.Owner != "" && l.Owner != a.To && !view.Roster.Leads(a.To, l.Owner):
		t.Fatalf("%s is reminded of lead %d, which %s has", a.To, l.ID, l.Owner)
	case a.Acts && accepting && (a.Kind == "reminded" || a.Kind == "escalated") && !l.Waits():
		t.Fatalf("%s is asked to accept lead %d (%s), whose hand-off is %s", a.To, l.ID, a.Kind, l.Handoff.State)
	}
	text := strings.Join(lifecycle.Tell(plan, &view, nil, a, p.at).Paragraphs, "\n") // it can be worded
	if l.Owner != "" && strings.Contains(text, "get in touch") {
		y.urged++
		if v := lifecycle.May(plan, &view, lifecycle.Speaker{Member: l.Owner, Side: agreement.Sales}, "", max(p.at, l.Clock)); !v.Allowed {
			t.Fatalf("%s is asked to speak to lead %d (%s %s), and %s", a.To, l.ID, a.Kind, a.Name, v.Text)
		}
	}
}

// A company of fifty works under four versions of the agreement, while people come, go and are away, mail and chat fail, leads are merged and
// split again, and imports are undone. After each step everything that must hold does.
func TestYear(t *testing.T) {
	plans := versions(t)
	days, leads, seeds := 92, 1500, []uint64{1, 2}
	if os.Getenv("BATON_SOAK") != "" {
		days, leads, seeds = 365, 12_000, []uint64{1, 2, 3, 4, 5, 6}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			m := yearModel(seed, days, leads, plans)
			began := time.Now()
			y := live(t, m, plans)
			a := y.inspector
			ends := []string{}
			for _, state := range []string{"accepted", "rejected", "expired", "withdrawn", "undone"} {
				ends = append(ends, fmt.Sprint(a.Ended[state], " ", state))
			}
			t.Logf("%d days of %d people in %.1f s: %d decisions; %d hand-offs: %s, %d open; %d alerts sent, %d tries failed, %d not true any more; %d letters, %d calls; %d asked to get in touch; %d left; %d merged, %d split again, %d imports undone, of which %d leave nothing",
				days, len(m.Team), time.Since(began).Seconds(), y.decisions, a.Offered, strings.Join(ends, ", "), a.Open(), y.sent, y.late, y.moot, y.letters, y.calls, y.urged, y.left, y.merges, y.splits, y.undone, y.erased)
			if len(m.Team) != 50 || a.Offered < 300 || a.Ended["accepted"] < 200 || a.Ended["rejected"] < 20 || y.moot < 20 || y.late < 50 || y.left < 5 || y.letters < 500 || y.merges < 50 || y.splits < 20 || y.undone < 10 || y.urged < 20 {
				t.Error("too little happens to find anything")
			}
			if leads < 5000 {
				again := live(t, m, plans)
				if y.decisions != again.decisions || y.sent != again.sent || a.Alerts != again.inspector.Alerts {
					t.Error("the same seed makes another year")
				}
			}
		})
	}
}

// TestFigureYear prints how long a year of fifty people takes, with all that is looked at after each step.
func TestFigureYear(t *testing.T) {
	if os.Getenv("BATON_FIGURES") == "" {
		t.Skip("figures are measured by: make bench")
	}
	plans := versions(t)
	began := time.Now()
	y := live(t, yearModel(1, 365, 12_000, plans), plans)
	t.Logf("%d decisions, %d hand-offs, %d alerts", y.decisions, y.inspector.Offered, y.sent)
	fmt.Printf("FIGURE simulated_year %.1f <=60 s\n", time.Since(began).Seconds())
}
