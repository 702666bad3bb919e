package document

import (
	"strings"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// made is a plan built by hand, by name.
type made struct {
	*agreement.Plan
	t testing.TB
}

func newPlan(t testing.TB, name string) *made {
	return &made{&agreement.Plan{Name: name, Hash: "3f9ac1d277"}, t}
}

func (m *made) slot(name string) int {
	for i := range m.Stages {
		if m.Stages[i].Name == name {
			return i
		}
	}
	m.t.Fatalf("no stage %q", name)
	return 0
}

func (m *made) clause(parts ...string) agreement.Clause {
	return agreement.Clause{Address: strings.Join(parts, "."), File: "agreement.yaml", Line: 1, Column: 1}
}

func (m *made) stage(name string, side agreement.Side, definition string, more ...any) *made {
	s := agreement.Stage{Clause: m.clause("stages", name), Name: name, Side: side, Definition: definition}
	for _, v := range more {
		switch v := v.(type) {
		case string:
			s.Limit = m.duration(v)
		case agreement.Final:
			s.Final = v
		case []agreement.Step:
			s.OnBreach = v
		}
	}
	m.Stages = append(m.Stages, s)
	return m
}

func (m *made) duration(s string) calendar.Duration {
	d, err := calendar.ParseDuration(s)
	if err != nil {
		m.t.Fatal(err)
	}
	return d
}

func (m *made) when(source string) *agreement.Condition {
	if source == "" {
		return nil
	}
	return &agreement.Condition{Source: source}
}

func (m *made) move(name, from, to, when string, by agreement.Side) *made {
	t := agreement.Transition{Clause: m.clause("transitions", name), Name: name, To: m.slot(to), When: m.when(when), By: by}
	for _, f := range strings.Fields(from) {
		t.From = append(t.From, m.slot(f))
	}
	m.Transitions = append(m.Transitions, t)
	return m
}

func (m *made) handoff(name, from, to, accept, contact string, ladder []agreement.Step) *made {
	h := agreement.Handoff{Clause: m.clause("handoffs", name), Name: name, From: m.slot(from), To: m.slot(to), OnBreach: ladder}
	if accept != "" {
		h.AcceptWithin, h.AcceptClause = m.duration(accept), m.clause("handoffs", name, "accept_within")
	}
	if contact != "" {
		h.ContactWithin, h.ContactClause = m.duration(contact), m.clause("handoffs", name, "contact_within")
	}
	m.Handoffs = append(m.Handoffs, h)
	return m
}

func (m *made) handback(name, to, definition string, track int, days int64, keep agreement.Keep) *made {
	m.Handbacks = append(m.Handbacks, agreement.Handback{Clause: m.clause("handbacks", name), Name: name, To: m.slot(to), Definition: definition,
		Track: track, Revisit: days * 86_400_000_000, Keep: keep})
	return m
}

// waterfall is the demand waterfall: the agreement of DESIGN's size and shape.
func waterfall(t testing.TB) *agreement.Plan {
	m := newPlan(t, "Northwind revenue agreement")
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	morning, afternoon := calendar.Span{From: 9 * 60, To: 12 * 60}, calendar.Span{From: 13 * 60, To: 17*60 + 30}
	week := calendar.Week{}
	for d := time.Monday; d <= time.Friday; d++ {
		week[d] = []calendar.Span{morning, afternoon}
	}
	week[time.Friday] = []calendar.Span{morning, {From: 13 * 60, To: 16 * 60}}
	m.Calendar, err = calendar.New(zone, week, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Parties = [2]agreement.Party{
		{Clause: m.clause("parties.marketing"), Side: agreement.Marketing, Signatory: "cmo@northwind.example"},
		{Clause: m.clause("parties.sales"), Side: agreement.Sales, Signatory: "vp-sales@northwind.example"},
	}
	m.Goals = []agreement.Goal{{Clause: m.clause("goals.new_business"), Name: "New business", Measure: "won_value", Target: 1_200_000,
		By: time.Date(2027, 4, 1, 0, 0, 0, 0, zone).UnixMicro()}}
	for _, a := range []struct {
		name    string
		kind    agreement.Kind
		choices string
	}{{"title", agreement.Text, ""}, {"country", agreement.Text, ""}, {"newsletter", agreement.Boolean, ""},
		{"company.employees", agreement.Number, ""}, {"company.industry", agreement.Choice, "manufacturing logistics retail other"}} {
		m.Attributes = append(m.Attributes, agreement.Attribute{Clause: m.clause("attributes", a.name), Name: a.name, Kind: a.kind,
			Choices: strings.Fields(a.choices), Company: strings.HasPrefix(a.name, "company.")})
	}
	m.Questions = []agreement.Question{
		{Clause: m.clause("questions.budget"), Name: "budget", Ask: "Is there a budget?", Kind: agreement.Boolean},
		{Clause: m.clause("questions.timeline"), Name: "timeline", Ask: "Do they buy within six months?", Kind: agreement.Boolean},
	}
	for _, s := range []string{"exploring", "comparing", "deciding"} {
		m.BuyingStages = append(m.BuyingStages, agreement.Named{Clause: m.clause("buying_stages", s), Name: s})
	}
	m.Activities = []agreement.Activity{
		{Clause: m.clause("activities.demo_requested"), Name: "demo_requested", Worth: 3, BuyingStage: 2, Definition: "Asked to be shown the product."},
		{Clause: m.clause("activities.webinar_attended"), Name: "webinar_attended", Worth: 2, BuyingStage: 1},
		{Clause: m.clause("activities.page_viewed"), Name: "page_viewed", Worth: 1, BuyingStage: -1},
	}
	m.Assets = []agreement.Asset{{Clause: m.clause("assets.pricing_guide"), Name: "pricing_guide", Worth: 3, BuyingStage: 1}}
	m.Buyers = []agreement.Buyer{{Clause: m.clause("target_buyer.operations_lead"), Name: "operations_lead",
		Definition: "Runs operations at a mid-size maker or mover of goods.",
		When:       m.when(`company.employees in 200..5000 and company.industry in ["manufacturing", "logistics"]`)}}
	fit := func(name string, points int64, when string) {
		m.Fit = append(m.Fit, agreement.FitRule{Clause: m.clause("scoring.fit", name), Name: name, Points: points * agreement.Point, When: m.when(when)})
	}
	fit("size", 25, `company.employees >= 200`)
	fit("industry", 20, `matches_buyer("operations_lead")`)
	fit("student", -50, `title contains "student"`)
	engagement := func(name string, points int64, activity int, rule agreement.EngagementRule) {
		rule.Clause, rule.Name, rule.Points, rule.Activities = m.clause("scoring.engagement", name), name, points*agreement.Point, []int{activity}
		m.Engagement = append(m.Engagement, rule)
	}
	const days = int64(86_400_000_000)
	engagement("demo", 40, 0, agreement.EngagementRule{Asset: -1})
	engagement("webinar", 15, 1, agreement.EngagementRule{Asset: -1, AtMost: 2, Per: 30 * days, HalfLife: 45 * days})
	engagement("visit", 1, 2, agreement.EngagementRule{Asset: -1, AtMost: 5, Per: days, Expires: 30 * days})
	engagement("pricing", 10, 2, agreement.EngagementRule{Asset: 0, When: m.when(`newsletter`)})
	m.Grade = agreement.GradeScale{Clause: m.clause("scoring.grade"), FitClause: m.clause("scoring.grade.fit"), EngagementClause: m.clause("scoring.grade.engagement"),
		Fit:        [3]int64{60 * agreement.Point, 40 * agreement.Point, 20 * agreement.Point},
		Engagement: [3]int64{60 * agreement.Point, 35 * agreement.Point, 15 * agreement.Point}}
	m.Readiness = []agreement.ReadinessLevel{
		{Clause: m.clause("readiness.1"), Level: 1, Definition: "Responded to a campaign", When: m.when("activities > 0")},
		{Clause: m.clause("readiness.5"), Level: 5, Definition: "Has responsibility, budget and timeline", When: m.when("answers.budget and answers.timeline")},
	}
	m.stage("lead", agreement.Marketing, "Known by name.").
		stage("nurture", agreement.Marketing, "Not yet; kept warm.").
		stage("mql", agreement.Marketing, "Fits the target buyer and has shown intent.").
		stage("sal", agreement.Sales, "A rep has accepted it.", "5 working days", []agreement.Step{{Kind: agreement.Remind, Target: "owner"}}).
		stage("sql", agreement.Sales, "Responsibility, budget and timeline are known.", "20 working days").
		stage("opportunity", agreement.Sales, "A quote is out.").
		stage("won", agreement.Sales, "", agreement.Won).
		stage("lost", agreement.Sales, "", agreement.Lost).
		stage("disqualified", agreement.Sales, "Will not buy.", agreement.Disqualified)
	m.move("qualify", "lead", "mql", `grade in ["A1", "A2", "B1"] or did("demo_requested", "7d")`, 0).
		move("wake", "nurture", "mql", `grade in ["A1", "A2"] and in_stage > "14d"`, 0).
		move("confirm", "sal", "sql", "readiness >= 5", agreement.Sales).
		move("quote", "sql", "opportunity", "", agreement.Sales).
		move("win", "opportunity", "won", "", agreement.Sales).
		move("lose", "sql opportunity", "lost", "", agreement.Sales).
		move("let_go", "lead", "disqualified", `title contains "student"`, 0)
	ladder := []agreement.Step{{Kind: agreement.Remind, Target: "owner"}, {Kind: agreement.Reassign, Times: 2}, {Kind: agreement.Escalate, Target: "manager"}}
	m.handoff("mql_to_sales", "mql", "sal", "4 working hours", "1 working day", ladder)
	m.Tracks = []agreement.Named{{Clause: m.clause("tracks.keep_warm"), Name: "keep_warm", Definition: "One useful letter a month."}}
	m.handback("timing", "nurture", "They want it, but later.", 0, 90, agreement.KeepFit).
		handback("no_budget", "nurture", "", 0, 180, agreement.KeepAll).
		handback("no_fit", "disqualified", "", -1, 0, agreement.KeepNothing).
		handback("bad_data", "disqualified", "Cannot be reached.", -1, 0, agreement.KeepNothing)
	m.Handoffs[0].Reject = []int{0, 2, 3}
	m.Pools = []agreement.Named{{Clause: m.clause("pools.nordics"), Name: "nordics"}, {Clause: m.clause("pools.emea"), Name: "emea", Definition: "Everything else."}}
	m.Queues = []agreement.Named{{Clause: m.clause("queues.unassigned"), Name: "unassigned"}}
	m.Assignment = []agreement.AssignmentRule{
		{Clause: m.clause("assignment.named_accounts"), Name: "named accounts", When: m.when("account.owner"), ToOwner: true, Pool: -1, Queue: -1, Otherwise: -1},
		{Clause: m.clause("assignment.nordics"), Name: "nordics", When: m.when(`country in ["SE", "NO", "DK", "FI"]`), Pool: 0, Queue: -1, Otherwise: -1},
		{Clause: m.clause("assignment.everyone_else"), Name: "everyone else", Pool: 1, Queue: -1, By: agreement.LeastLoaded, Otherwise: 0},
	}
	m.Rules = []agreement.SpeakRule{
		{Clause: m.clause("rules_of_engagement.sales_brought_them"), Name: "sales brought them", When: m.when(`origin == "sales"`), Speaks: agreement.SpeakSales, Marketing: []string{"newsletter"}},
		{Clause: m.clause("rules_of_engagement.in_play"), Name: "in play", When: m.when(`stage.side == "sales"`), Speaks: agreement.SpeakSales, Marketing: []string{"none"}},
		{Clause: m.clause("rules_of_engagement.default"), Name: "default", Speaks: agreement.SpeakOriginator},
	}
	m.Channels = []agreement.Channel{{Clause: m.clause("channels.newsletter"), Name: "newsletter", Definition: "The monthly letter."}, {Clause: m.clause("channels.email"), Name: "email"}}
	m.Clocks = []agreement.ClockRule{{Clause: m.clause("clocks.first_quote"), Name: "first_quote", Start: m.when(`stage == "sql"`), Stop: m.when(`stage == "opportunity"`),
		Pause: m.when("newsletter"), Within: m.duration("10 working days"), OnBreach: ladder[:1], Definition: "A quote follows soon."}}
	m.Alerts = []agreement.Alert{{Clause: m.clause("alerts.offer"), Name: "offer", On: "offered", To: []string{"owner"}, By: []string{"email", "inbox"}}}
	m.Commitments = []agreement.Commitment{
		{Clause: m.clause("commitments.marketing.qualified_leads"), Name: "qualified_leads", Side: agreement.Marketing, AtLeast: 120, Per: "month"},
		{Clause: m.clause("commitments.sales.contacted_in_time"), Name: "contacted_in_time", Side: agreement.Sales, AtLeast: 95, Percent: true, Per: "month"},
	}
	m.People = []agreement.Person{{Clause: m.clause("people.freya@northwind.example"), ID: "freya@northwind.example", Name: "Freya Aldercott", Side: agreement.Sales,
		Manager: "vp-sales@northwind.example", Pools: []int{0}, Weight: 2, Capacity: 20}}
	m.Renamed = []agreement.Rename{{Clause: m.clause("renamed.stages.prospect"), What: "stage", From: "prospect", To: "lead"}}
	m.Brief = agreement.Brief{Clause: m.clause("brief"), Activities: 3, Show: []string{"title", "company.employees"}}
	return m.index()
}

// index lists the clauses of a plan, as the compiler does.
func (m *made) index() *agreement.Plan {
	m.Index.Clause = map[string]agreement.Clause{}
	add := func(c agreement.Clause) {
		if c.Address != "" {
			m.Index.Clause[c.Address] = c
		}
	}
	for _, s := range m.Stages {
		add(s.Clause)
		if !s.Limit.IsZero() {
			add(m.clause(s.Address, "limit"))
		}
	}
	for _, s := range m.Fit {
		add(s.Clause)
	}
	for _, s := range m.Engagement {
		add(s.Clause)
	}
	for _, h := range m.Handoffs {
		add(h.Clause)
		add(h.AcceptClause)
		add(h.ContactClause)
	}
	add(m.Grade.FitClause)
	add(m.clause("calendar.hours"))
	return m.Plan
}

// classic is the older order: SQL before SAL, and a sales team that qualifies.
func classic(t testing.TB) *agreement.Plan {
	m := newPlan(t, "Classic agreement")
	m.stage("inquiry", agreement.Marketing, "").stage("mql", agreement.Marketing, "").stage("nurture", agreement.Marketing, "").
		stage("sql", agreement.Sales, "", "2 working days").stage("sal", agreement.Sales, "").stage("opportunity", agreement.Sales, "").
		stage("won", agreement.Sales, "", agreement.Won).stage("lost", agreement.Sales, "", agreement.Lost).stage("disqualified", agreement.Marketing, "", agreement.Disqualified)
	m.move("score", "inquiry", "mql", "score >= 60", 0).move("cool_down", "mql", "nurture", `in_stage > "30d"`, 0).move("warm_up", "nurture", "mql", "score >= 80", agreement.Marketing).
		move("accept", "sql", "sal", "", agreement.Sales).move("open", "sal", "opportunity", "", agreement.Sales).move("win", "opportunity", "won", "", agreement.Sales).
		move("lose", "sal opportunity", "lost", "", agreement.Sales).move("disqualify", "inquiry mql nurture", "disqualified", "", agreement.Marketing)
	m.handoff("to_sales", "mql", "sql", "8 working hours", "", nil)
	m.handback("timing", "nurture", "", -1, 60, agreement.KeepAll).handback("not_ready", "nurture", "", -1, 60, agreement.KeepAll).handback("junk", "disqualified", "", -1, 0, 0)
	return m.index()
}
