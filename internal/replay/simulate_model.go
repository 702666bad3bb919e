package replay

import "baton/internal/agreement"

// Model says how the people of a company respond: leads, reps, a manager, marketers. Every number in it
// is an assumption that a reader can see and change; nothing is learned from anybody.
//
// Shares and weights are relative to their list. Chances are in thousandths. What shifts a lead (Fit,
// Intent, Deal, Skill) is in thousandths of a standard deviation of that quality among leads.
// Things of the agreement are named; what the agreement does not know is left out.
//
// Each lead has three hidden qualities, all normal with mean 0: fit (who they are), intent (how much
// they want something like it) and luck (everything nobody can see). Fit shows in the attributes, intent
// in the activities, luck in nothing. A deal depends on all three, so a score can mean something, and
// can only ever mean so much.
type Model struct {
	Seed        uint64
	From, Until int64 // [From, Until)
	Leads       int
	Accounts    int
	Domain      string // the company's own, of what its people are called

	Sources    []SourceModel
	Regions    []RegionModel
	Industries []IndustryModel
	Titles     []TitleModel
	Segments   []SegmentModel
	Activities []ActivityModel
	Properties []TextModel
	Questions  []QuestionModel
	Reasons    []ReasonModel
	Team       []MemberModel
	Weekdays   [7]int  // weight of each day for what leads do, Sunday first
	Hours      [24]int // weight of each local hour for what leads do
	Versions   []VersionModel
	Outages    []Absent // when alerts reach nobody: people learn of what they said when it is over, or when they look by themselves
	Asks       bool     // nobody speaks to a lead whom the agreement does not let
	Growth     int      // how many more leads arrive in the last day than in the first, in thousandths

	// What people do besides.
	Missing      int // chance that a form leaves an attribute out
	Duplicate    int // chance that a system sends an activity twice
	Robot        int // chance that a newsletter is clicked by a scanner
	Opens        int // chance that a person opens a newsletter
	Clicks       int // chance that one who opened clicks
	Unsubscribes int // chance that one who opened withdraws consent
	Objects      int // chance that a lead objects, once, to being profiled
	FreeMail     int // chance that a person uses a private address, so that no account is known
	SalesBrought int // chance that a rep brings the lead
	NamedOwner   int // share of accounts that have a named owner
	BadData      int // chance that the details given lead to nobody
	Junk         int // chance that it is a student or a competitor

	// How much leads do. Heat, from 0 to 1000, mixes the cold and the hot weights of activities.
	Heat         int64 // of a lead of ordinary intent
	HeatByIntent int64 // more for each standard deviation
	Quiet        int   // chance that a visit is the last one, for a lead without any heat; at full heat it is 250 less
	SessionGap   int64 // days between two visits of a lukewarm lead, times 1000

	// What reps say to a hand-off, the first that applies; otherwise they accept it.
	Rejects      []RejectModel
	Busy         []Absent // when sales is away together and answers nothing
	Ignores      int      // chance that a reminder is not seen either
	TooLate      int      // chance that somebody tries to accept what has moved on
	CallsAtOnce  int      // chance that a rep calls in the minute of accepting
	ManagerTakes int      // chance that a manager takes a lead that was escalated, and does not pass it on

	// What becomes of a lead that sales holds.
	WeightFit, WeightIntent, WeightLuck int      // of the deal, in thousandths
	Cuts                                [3]int   // of the deal: below the first it fails early, then in the middle, then late; above, it is won
	Reached                             int      // chance that a try to contact finds the person
	Tries                               int      // before a rep gives up
	Missed, Met                         []string // outcomes of contacts that fail, and of the first that does not
	Early, Middle, Lost                 []string // why leads fail early and in the middle, and why deals are lost
	MiddleLost                          int      // chance that one that fails in the middle is lost, and not handed back
	LateBack                            int      // chance that one that fails late is handed back, and not lost
	Revisit                             int      // chance that a rep names a date of their own for coming back
	Value                               int64    // of a won deal of an ordinary company, the median

	// Waiting times: medians of lognormal draws, in working minutes unless said otherwise, and
	// how far they spread in thousandths of a doubling.
	ContactAfter int64 // from accepting to the first try
	TryAgain     int64
	TalkAgain    int64
	Decide       [3]int64 // in the first, a middle and the last stage of sales
	QueueAfter   int64
	CallAfter    int64 // from a lead's being ready for the phone to the next try of sales development
	ManagerAfter int64
	Spread       int64
}

// SourceModel is where leads come from.
type SourceModel struct {
	Name              string
	Also              []string // other names for it that an agreement may have in a list of choices
	Share             int
	Fit, Intent, Deal int
	First             []string // activities, one of which is the first thing such a lead does
	Campaigns         []string
	Days              []int // only on these days, counted in thousandths of the time span; empty: always
	Late              int   // chance that the first activity is known only the next morning
}

// RegionModel is a country and what people are called there.
type RegionModel struct {
	Country string // ISO 3166-1 alpha-2
	Share   int
	Names   []string // groups of the word lists
	Phone   string
}

// IndustryModel is an industry with its own company names.
type IndustryModel struct {
	Name  string
	Also  []string
	Share int
	Fit   int
	Words string // section of the word lists
}

// TitleModel is what a person is called at work.
type TitleModel struct {
	Title, Seniority, Department string
	Share                        int
	Fit                          int
}

// SegmentModel is a size of company: From is the smallest number of employees.
type SegmentModel struct {
	Name  string
	Also  []string
	From  int
	To    int
	Share int
	Fit   int
}

// ActivityModel is something that leads do.
type ActivityModel struct {
	Name      string
	Cold, Hot int      // weight for a lead who wants nothing, and for one who wants it now
	Assets    []string // one of which it is about
	Held      int      // it takes place every so many days, on a Thursday at 14:00; 0: at any time
	Late      int      // chance that it is known only the next morning, from a list
	Consents  int      // chance that it comes with consent to letters
	Again     int      // chance that it is followed by another one at once
}

// TextModel is a property of activities and what may stand in it.
type TextModel struct {
	Name   string
	Values []string
}

// QuestionModel is how a question is answered by those who may buy and by those who will not.
type QuestionModel struct {
	Name       string
	Good, Poor []string
}

// ReasonModel says by which names, best first, an agreement may know a reason to reject or hand back.
type ReasonModel struct {
	Why   string
	Names []string
	Notes []string // what reps write beside it
}

// RejectModel is a reason to reject: Of says whom it concerns ("bad_data", "competitor", "student",
// "poor_fit", or "" for everybody); Picky says how much of a rep's pickiness is added, in thousandths.
type RejectModel struct {
	Why, Of       string
	Chance, Picky int
}

// MemberModel is a person of the team and how they work.
type MemberModel struct {
	ID, Name string
	Side     agreement.Side
	Manager  string
	Pools    []string
	Weight   int
	Capacity int

	Rep      bool // answers hand-offs
	Response int64
	Spread   int64
	Misses   int // chance that a hand-off is not seen until somebody reminds them
	Skill    int // added to the deal
	Load     int // how much longer everything takes for each open hand-off, in thousandths
	Named    int // weight in owning named accounts
	Picky    int // added to the chance of a rejection
	Queue    int // sales development: weight in taking from a queue (if nobody has one, everybody takes), and in calling for marketing
	Joins    int // when, in thousandths of the time span; 0: was there before
	Leaves   int // when they leave the team for good, in thousandths; 0: they stay
	Away     []Absent
}

// VersionModel is another version of the agreement, activated at From thousandths of the time span. Its
// stages are those of the first, in the same order; so are its questions and activities.
type VersionModel struct {
	From int
	Plan *agreement.Plan
}

// Absent is a time away: From in thousandths of the time span, and how many days.
type Absent struct{ From, Days int }

const (
	simSecond = int64(1_000_000)
	simMinute = 60 * simSecond
	simHour   = 60 * simMinute
	simDay    = 24 * simHour
)

// DemoModel returns the model of Northwind Components, a maker of machine parts in Stockholm that sells across
// Europe, under the agreement of the template "waterfall": so many days up to an
// instant. Its numbers aim for what is ordinary in the trade: about three leads of ten qualify, three
// hand-offs of four are accepted, nine answers of ten come within four working hours, one
// lead of twenty-five is won; referrals and fairs do best, bought addresses worst.
func DemoModel(seed uint64, until int64, days int) Model {
	return Model{
		Seed: seed, From: until - int64(days)*simDay, Until: until, Leads: 2000, Accounts: 300, Domain: "northwind.example",
		Sources: []SourceModel{
			{Name: "organic_search", Also: []string{"organic", "web", "website", "inbound"}, Share: 300, Fit: 80, Intent: 130, Deal: 80,
				First: []string{"page_viewed", "page_viewed", "content_downloaded"}, Campaigns: []string{"Evergreen search", "Engineering blog", "Case library"}},
			{Name: "paid_search", Also: []string{"ads", "ppc", "paid", "advertising"}, Share: 190, Fit: -150, Intent: 50,
				First: []string{"page_viewed", "pricing_viewed", "content_downloaded"}, Campaigns: []string{"Changeover time", "Spare parts in two days", "Brand"}},
			{Name: "event", Also: []string{"trade_show", "fair", "webinar", "events"}, Share: 160, Fit: 350, Intent: 350, Deal: 200, Late: 900, Days: []int{170, 178, 560, 566, 573},
				First: []string{"form_submitted", "webinar_attended"}, Campaigns: []string{"Nordic Machine Fair", "Nordic Machine Fair", "Hall 7", "Packaging round table"}},
			{Name: "referral", Also: []string{"customer_referral", "word_of_mouth", "partner"}, Share: 80, Fit: 500, Intent: 600, Deal: 420,
				First: []string{"form_submitted", "demo_requested", "pricing_viewed", "page_viewed"}, Campaigns: []string{"Customers ask customers", "Integrators"}},
			{Name: "email", Also: []string{"email_campaign", "list", "outbound", "newsletter"}, Share: 150, Fit: -250, Intent: -550, Deal: -350,
				First: []string{"email_clicked", "email_clicked", "page_viewed"}, Campaigns: []string{"Rented list A", "Rented list B"}},
			{Name: "social", Also: []string{"linkedin", "paid_social", "social_media"}, Share: 100, Fit: -50, Intent: -250, Deal: -50,
				First: []string{"page_viewed", "content_downloaded"}, Campaigns: []string{"Plant managers", "Retargeting", "Podcast: Line talk"}},
			{Name: "direct", Also: []string{"other", "print", "offline"}, Share: 20, Intent: -50,
				First: []string{"page_viewed", "form_submitted"}, Campaigns: []string{"Trade journal"}},
		},
		Regions: []RegionModel{
			{"SE", 230, []string{"nordic", "nordic", "nordic", "nordic", "southern", "english"}, "+46"}, {"NO", 90, []string{"nordic", "nordic", "nordic", "asian"}, "+47"},
			{"DK", 90, []string{"nordic", "nordic", "nordic", "southern"}, "+45"}, {"FI", 70, []string{"nordic", "nordic", "nordic", "slavic"}, "+358"},
			{"DE", 170, []string{"german", "german", "german", "german", "southern", "slavic"}, "+49"}, {"NL", 70, []string{"german", "german", "southern"}, "+31"},
			{"FR", 60, []string{"roman", "roman", "roman", "southern"}, "+33"}, {"ES", 40, []string{"roman"}, "+34"}, {"IT", 40, []string{"roman"}, "+39"},
			{"PL", 60, []string{"slavic"}, "+48"}, {"GB", 60, []string{"english", "english", "english", "asian", "southern"}, "+44"},
			{"IN", 10, []string{"asian"}, "+91"}, {"US", 10, []string{"english", "asian", "roman", "southern"}, "+1"},
		},
		Industries: []IndustryModel{
			{"manufacturing", []string{"industrial"}, 470, 300, "company manufacturing"}, {"logistics", []string{"transport"}, 230, 200, "company logistics"},
			{"energy", []string{"utilities", "other"}, 80, 100, "company energy"}, {"construction", []string{"other"}, 60, -200, "company construction"},
			{"retail", []string{"wholesale", "other"}, 90, -400, "company retail"}, {"other", []string{"services"}, 70, -600, "company other"},
		},
		Titles: []TitleModel{
			{"Head of operations", "director", "operations", 95, 500}, {"Operations manager", "manager", "operations", 150, 400}, {"Plant operations director", "director", "operations", 55, 600},
			{"Plant manager", "manager", "production", 110, 350}, {"Production engineer", "staff", "production", 80, -200}, {"VP supply chain", "vp", "operations", 40, 500},
			{"Supply chain manager", "manager", "operations", 90, 250}, {"Head of procurement", "director", "procurement", 60, 350}, {"Buyer", "staff", "procurement", 45, -100},
			{"Maintenance manager", "manager", "production", 80, 150}, {"Chief operating officer", "c_level", "operations", 35, 600}, {"Managing director", "c_level", "management", 45, 300},
			{"IT manager", "manager", "it", 45, -400}, {"Marketing coordinator", "staff", "marketing", 35, -900}, {"Consultant", "staff", "consulting", 35, -800},
			{"Quality engineer", "staff", "production", 50, -250}, {"Logistics coordinator", "staff", "operations", 50, -300},
		},
		Segments: []SegmentModel{
			{"small", []string{"smb", "small_business"}, 12, 199, 330, -450}, {"mid", []string{"mid_market", "midmarket", "medium"}, 200, 1999, 570, 250},
			{"large", []string{"enterprise"}, 2000, 14000, 100, 150},
		},
		Activities: []ActivityModel{
			{Name: "page_viewed", Cold: 640, Hot: 330, Again: 600}, {Name: "email_clicked", Cold: 120, Hot: 60}, {Name: "form_submitted", Cold: 30, Hot: 70, Consents: 350},
			{Name: "content_downloaded", Cold: 90, Hot: 170, Assets: []string{"*"}}, {Name: "webinar_attended", Cold: 45, Hot: 140, Held: 14, Late: 750},
			{Name: "pricing_viewed", Cold: 18, Hot: 220, Again: 250}, {Name: "trial_started", Cold: 1, Hot: 45}, {Name: "demo_requested", Cold: 2, Hot: 150},
		},
		Properties: []TextModel{
			{"path", []string{"/", "/products", "/products/drives", "/products/actuators", "/cases/packaging", "/cases/dairy", "/blog/changeover", "/about", "/careers"}},
			{"url", []string{"/", "/products", "/products/drives", "/cases/packaging", "/blog/changeover", "/about", "/careers"}},
			{"seconds", []string{"8", "14", "25", "41", "66", "120", "240"}}, {"minutes", []string{"12", "28", "41", "45", "45", "52"}},
			{"form", []string{"contact", "newsletter", "sample_request"}},
		},
		Questions: []QuestionModel{
			{"need", []string{"Changeovers on one line take most of an hour", "Drives fail twice a year and parts take weeks", "A new line has to start in spring", "One supplier for all three plants"},
				[]string{"Only looking around", "Collecting prices for a report"}},
			{"authority", []string{"yes"}, []string{"no"}}, {"budget", []string{"yes"}, []string{"no"}},
			{"timeline", []string{"this_quarter", "next_quarter", "next_quarter"}, []string{"later", "this_year"}},
		},
		Reasons: []ReasonModel{
			{"no_fit", []string{"no_fit", "not_a_fit", "poor_fit", "wrong_fit", "not_target_buyer"}, []string{"Too small for what we make", "Buys through a group contract", "Only resells", "Not their decision, and nobody there decides", ""}},
			{"bad_data", []string{"bad_data", "wrong_contact", "invalid", "unreachable", "no_fit"}, []string{"The number does not exist", "Nobody of that name there", "Mail bounced"}},
			{"timing", []string{"timing", "not_now", "later", "bad_timing"}, []string{"Contract runs until next year", "New budget in spring", "Moving the plant first", "Asked us to call again later", ""}},
			{"budget", []string{"no_budget", "budget", "timing"}, []string{"No money before the new year", "Investment stop"}},
			{"silent", []string{"no_answer", "no_response", "unresponsive", "not_reached", "silent", "timing"}, []string{"Eight tries, no answer", "Never picks up", ""}},
			{"not_ready", []string{"not_ready", "too_early", "no_interest", "timing"}, []string{"Reading up, nothing planned", "Collecting prices for a report", ""}},
			{"rival", []string{"competitor", "chose_competitor", "has_solution", "no_fit"}, []string{"Works for another maker", "Signed with somebody else last month"}},
		},
		Rejects: []RejectModel{
			{"bad_data", "bad_data", 550, 0}, {"rival", "competitor", 800, 0}, {"no_fit", "student", 800, 0}, {"no_fit", "poor_fit", 210, 1000},
			{"timing", "", 52, 500}, {"rival", "", 15, 0}, {"no_fit", "", 40, 500},
		},
		Busy: []Absent{{690, 3}},
		Team: []MemberModel{
			{ID: "ines.marklund@northwind.example", Name: "Ines Marklund", Side: agreement.Marketing},
			{ID: "milo.brandt@northwind.example", Name: "Milo Brandt", Side: agreement.Marketing, Manager: "ines.marklund@northwind.example"},
			{ID: "tove.rask@northwind.example", Name: "Tove Rask", Side: agreement.Marketing, Manager: "ines.marklund@northwind.example"},
			// the manager, who takes the largest companies herself
			{ID: demoManager, Name: "Astrid Berg", Side: agreement.Sales, Rep: true, Response: 50, Spread: 1500, Misses: 25, Skill: 200, Away: []Absent{{480, 5}}},
			rep("johan.lind", "Johan Lind", "nordics", MemberModel{Weight: 2, Response: 48, Misses: 35, Named: 10, Away: []Absent{{240, 1}, {800, 3}}}),
			// the brilliant one
			rep("sara.holm", "Sara Holm", "nordics", MemberModel{Response: 22, Misses: 8, Skill: 450, Named: 15, Away: []Absent{{620, 4}}}),
			rep("mikko.laine", "Mikko Laine", "nordics", MemberModel{Response: 56, Misses: 50, Skill: -50, Away: []Absent{{330, 2}, {900, 5}}}),
			// the slow one, who is away for two weeks
			rep("petra.wallmo", "Petra Wallmo", "nordics", MemberModel{Capacity: 14, Response: 125, Misses: 130, Skill: 100, Picky: 50, Away: []Absent{{410, 14}}}),
			// the one with most of the named accounts
			rep("clara.weiss", "Clara Weiss", "emea", MemberModel{Response: 38, Misses: 50, Load: 220, Named: 50, Away: []Absent{{700, 2}}}),
			rep("ruben.okken", "Ruben Okken", "emea", MemberModel{Weight: 2, Capacity: 20, Response: 38, Misses: 30, Skill: 150, Named: 10}),
			rep("ivo.brandao", "Ivo Brandão", "emea", MemberModel{Capacity: 20, Response: 64, Misses: 60, Skill: -150, Picky: -30, Away: []Absent{{150, 3}}}),
			// the one who joins late
			rep("amina.gharbi", "Amina Gharbi", "emea", MemberModel{Capacity: 12, Response: 34, Misses: 25, Skill: -250, Joins: 450}),
			// sales development: in no pool, they look after the queue
			rep("runa.halvard", "Runa Halvard", "", MemberModel{Capacity: 40, Response: 20, Misses: 25, Queue: 3}),
			rep("elias.norrby", "Elias Norrby", "", MemberModel{Capacity: 40, Response: 30, Misses: 40, Skill: 50, Queue: 2, Away: []Absent{{540, 3}}}),
		},
		Weekdays: [7]int{35, 170, 205, 200, 185, 145, 30},
		Hours:    [24]int{3, 2, 1, 1, 2, 5, 14, 40, 85, 110, 115, 95, 60, 90, 105, 95, 75, 50, 30, 25, 28, 26, 16, 7},
		Growth:   350,

		Missing: 120, Duplicate: 15, Robot: 6, Opens: 170, Clicks: 140, Unsubscribes: 12, Objects: 10, FreeMail: 50,
		SalesBrought: 18, NamedOwner: 110, BadData: 35, Junk: 35,

		Heat: 460, HeatByIntent: 250, Quiet: 330, SessionGap: 4600,
		Ignores: 350, TooLate: 350, CallsAtOnce: 350, ManagerTakes: 350,

		WeightFit: 380, WeightIntent: 330, WeightLuck: 800, Cuts: [3]int{380, 840, 1260},
		Reached: 500, Tries: 8,
		Missed: []string{"no_answer", "no_answer", "no_answer", "voicemail", "voicemail", "sent", "sent", "autoresponder"},
		Met:    []string{"connected", "connected", "connected", "replied", "meeting"},
		Early:  []string{"not_ready", "timing", "timing", "no_fit", "budget"}, Middle: []string{"timing", "timing", "budget"},
		Lost:       []string{"price", "price", "no decision", "no decision", "chose another maker", "went silent"},
		MiddleLost: 450, LateBack: 150, Revisit: 450, Value: 40_000,

		ContactAfter: 40, TryAgain: 110, TalkAgain: 700, Decide: [3]int64{420, 2200, 3900}, QueueAfter: 60, CallAfter: 240, ManagerAfter: 90, Spread: 1300,
	}
}

const demoManager = "astrid.berg@northwind.example"

// rep fills in what is the same for all who answer hand-offs.
func rep(id, name, pool string, m MemberModel) MemberModel {
	m.ID, m.Name, m.Side, m.Manager = id+"@northwind.example", name, agreement.Sales, demoManager
	m.Rep, m.Spread = true, 1300
	if pool != "" {
		m.Pools = []string{pool}
	}
	return m
}
