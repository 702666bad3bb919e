package agreement

import (
	"fmt"
	"slices"

	"baton/internal/calendar"
)

// Points are fixed-point: one point is Point. Integer arithmetic keeps a score
// identical on every processor.
const Point = 1_000_000

// Never is the instant that does not come.
const Never = int64(1<<63 - 1)

// Side is one of the two parties.
type Side uint8

// The sides.
const (
	NoSide Side = iota
	Marketing
	Sales
)

// String returns "marketing", "sales" or "".
func (s Side) String() string { return [...]string{"", "marketing", "sales"}[s] }

// Clause is an addressable part of the agreement and where it stands.
type Clause struct {
	Address string // "scoring.engagement.webinar", "assignment.nordics"
	File    string
	Line    int // from 1
	Column  int // from 1
}

// Plan is a checked agreement, ready to run. It is immutable and safe for
// concurrent use. Slices are in the order of the file; an index into a slice
// (a "slot") is how the rest of the plan and the facts refer to an element.
type Plan struct {
	Name string
	Hash string // of the source and the files it names, hexadecimal SHA-256
	// Files holds what the source names (holidays), by the name it gives.
	Files    map[string][]byte
	Calendar *calendar.Calendar

	Parties      [2]Party // marketing, sales
	Goals        []Goal
	Attributes   []Attribute
	Properties   []Attribute // of activities; one name has one type wherever it is used
	Questions    []Question
	BuyingStages []Named // in the order a buyer goes through them
	Activities   []Activity
	Assets       []Asset
	Buyers       []Buyer
	Fit          []FitRule
	Engagement   []EngagementRule
	Grade        GradeScale
	Readiness    []ReadinessLevel // ascending by Level
	Stages       []Stage          // Stages[0] is where a lead starts
	Transitions  []Transition
	Handoffs     []Handoff
	Handbacks    []Handback
	Tracks       []Named // nurture tracks
	Pools        []Named
	People       []Person
	Traits       [Traits][]Trait // territories, languages, skills
	Absences     Absences
	Queues       []Named
	Assignment   []AssignmentRule
	Clocks       []ClockRule
	Channels     []Channel
	Alerts       []Alert
	Rules        []SpeakRule // rules of engagement
	Commitments  []Commitment
	Tele         *TeleQualification  // nil: nobody is called from a queue
	Worth        *SalesQualification // nil: nothing is asked before a lead is pursued
	Renamed      []Rename
	Brief        Brief

	Index Index

	own *ownHours
}

// Index is what the compiler worked out so that a decision costs what changed.
type Index struct {
	Topics int // number of topics; see Topics

	Attribute  map[string]int
	Property   map[string]int
	Question   map[string]int
	Activity   map[string]int
	Asset      map[string]int
	Stage      map[string]int
	Transition map[string]int
	Handoff    map[string]int
	Handback   map[string]int
	Pool       map[string]int
	Person     map[string]int    // ID -> slot of People
	Clause     map[string]Clause // every address
	// Hours are the calendars of deadlines that have one of their own, by their address; PoolHours those of pools, by slot, nil for
	// none, and empty if no pool has one.
	Hours     map[string]*calendar.Calendar
	PoolHours []*calendar.Calendar

	ByActivity [][]int // Activities slot -> slots of Engagement rules it can touch
	Automatic  [][]int // Stages slot -> slots of automatic Transitions out of it, in order
	Offers     []int   // Stages slot -> slot of the Handoff offered from it, -1 for none
	// Window[i] is how long the instants of activity i must be remembered, in
	// microseconds: the longest window a condition asks about; 0 for only the last.
	Window []int64
	// StageTopics[i] is the union of the topics of the conditions that matter
	// while a lead is in stage i (automatic transitions, hand-off, clocks).
	StageTopics []Topics
	// FitTopics is the union of the topics of all fit rules.
	FitTopics Topics
	// RuleTopics is the union of the topics of the rules of engagement.
	RuleTopics Topics
	// ReadinessTopics is the union of the topics of all readiness conditions.
	ReadinessTopics Topics
}

// Party is a side that signs.
type Party struct {
	Clause
	Side      Side
	Signatory string // e-mail
}

// Named is an element with a name and a definition and nothing else yet.
type Named struct {
	Clause
	Name       string
	Definition string
}

// Goal is what both sides want to reach.
type Goal struct {
	Clause
	Name    string
	Measure string // won_value, won_count, qualified_leads, accepted_leads, opportunities
	Target  float64
	By      int64 // end of that local day
}

// Attribute is a typed word of the vocabulary. A name that begins "company."
// describes the account and is shared by its leads.
type Attribute struct {
	Clause
	Name    string
	Kind    Kind
	Choices []string
	Company bool
}

// Question is asked by a person and answered by the lead: answers.NAME.
type Question struct {
	Clause
	Name    string
	Ask     string
	Kind    Kind
	Choices []string
}

// Worth is how telling an activity or asset is: 1 low, 2 medium, 3 high.
type Worth uint8

// String returns "", "low", "medium" or "high".
func (w Worth) String() string { return [...]string{"", "low", "medium", "high"}[w] }

// Activity is a behaviour.
type Activity struct {
	Clause
	Name        string
	Definition  string
	Worth       Worth
	BuyingStage int   // slot, -1 for none
	Properties  []int // Properties slots; a rule on this activity may ask about them as properties.NAME
}

// Asset is a piece of content.
type Asset struct {
	Clause
	Name        string
	Definition  string
	Worth       Worth
	BuyingStage int // slot, -1 for none
}

// Buyer is a kind of person or company worth winning (target buyer).
type Buyer struct {
	Clause
	Name       string
	Definition string
	When       *Condition
}

// FitRule gives points for who the lead is.
type FitRule struct {
	Clause
	Name   string
	Points int64 // in Point
	When   *Condition
}

// EngagementRule gives points for what the lead did.
type EngagementRule struct {
	Clause
	Name       string
	Points     int64 // in Point; may be negative
	Activities []int // slots
	Asset      int   // slot, -1 for any
	When       *Condition
	AtMost     int   // 0: no cap
	Per        int64 // window of the cap, microseconds
	HalfLife   int64 // microseconds; 0: does not decay
	Expires    int64 // microseconds; 0: does not expire
}

// GradeScale holds the thresholds, in Point. Fit: A, B, C (below C is D).
// Engagement: 1, 2, 3 (below 3 is 4). Thresholds descend.
type GradeScale struct {
	Clause
	Fit                         [3]int64
	Engagement                  [3]int64
	FitClause, EngagementClause Clause
}

// ReadinessLevel is one of five; a lead has the highest whose condition holds, else 0.
type ReadinessLevel struct {
	Clause
	Level      int
	Definition string
	When       *Condition
}

// Final says how a stage ends a pass.
type Final uint8

// The ends.
const (
	NotFinal Final = iota
	Won
	Lost
	Disqualified
	WalkedAway // sales has left it to others, for a good reason: neither lost nor anybody's failing
)

// String returns "", "won", "lost", "disqualified" or "walked_away".
func (f Final) String() string {
	return [...]string{"", "won", "lost", "disqualified", "walked_away"}[f]
}

// Stage is where a lead is; always exactly one.
type Stage struct {
	Clause
	Name       string
	Side       Side
	Definition string
	Final      Final
	Limit      calendar.Duration // zero: none
	OnBreach   []Step            // what happens when Limit is over
	Remind     []Reminder        // before it is
}

// Reminder tells somebody that a deadline comes near.
type Reminder struct {
	Clause
	Target string // "owner" or "manager"
	Before calendar.Duration
}

// Transition moves a lead between stages: by itself when When holds, or by a
// person of side By.
type Transition struct {
	Clause
	Name string
	From []int // stages slots
	To   int
	When *Condition // nil: never by itself
	By   Side       // NoSide: only by itself
}

// StepKind is what a step of an on_breach ladder does.
type StepKind uint8

// The steps.
const (
	Remind   StepKind = iota // tells the target; the time begins again
	Reassign                 // another person, at most Times; the time begins again
	Escalate                 // gives it to the target, for good
	ReturnTo                 // takes the hand-off back and moves the lead to Stage
	ToQueue                  // puts it in the queue Target
)

// Step is one step of an on_breach ladder: each breach takes the next one.
type Step struct {
	Clause
	Kind   StepKind
	Target string // "owner", "manager", a person's e-mail, or a queue's name
	Times  int    // Reassign: at most; 0 means 1
	Stage  int    // ReturnTo: slot
	Text   string // as written
}

// Handoff is offered when a lead enters From and moves it to To when accepted.
type Handoff struct {
	Clause
	Name                        string
	From, To                    int
	AcceptWithin                calendar.Duration
	ContactWithin               calendar.Duration // from acceptance; zero: not watched
	OnBreach                    []Step            // of AcceptWithin
	Remind                      []Reminder        // of both deadlines
	OnNoContact                 []Step            // of ContactWithin; empty: the same ladder as OnBreach
	Reject                      []int             // Handbacks slots that may be given as the reason
	AcceptClause, ContactClause Clause
}

// Keep says what of a score survives a hand-back.
type Keep uint8

// What is kept.
const (
	KeepNothing Keep = iota
	KeepFit
	KeepEngagement
	KeepAll
)

// String returns the word of the agreement.
func (k Keep) String() string { return [...]string{"nothing", "fit", "engagement", "all"}[k] }

// Handback is a reason for which sales returns or rejects a lead, with its consequence.
type Handback struct {
	Clause
	Name       string
	Definition string
	Class      string // "recycle" or "disqualify" (by the stage it leads to)
	To         int    // stages slot
	Track      int    // slot, -1 for none
	Revisit    int64  // microseconds after the hand-back, 0 for never
	Keep       Keep
}

// Person is a member of the team, declared in the agreement or joined later by an input.
type Person struct {
	Clause
	ID       string // normalised e-mail
	Name     string
	Side     Side
	Manager  string // ID
	Pools    []int
	Weight   int                // share of a pool, 1 by default
	Capacity int                // open hand-offs at most; 0: no limit
	PerDay   int                // hand-offs on one local day at most; 0: no limit
	Traits   [Traits][]int      // slots of Plan.Traits: what they take, speak and know
	Accounts []string           // domains of the accounts that are theirs by name
	Hours    *calendar.Calendar // of the people of a Plan; nil: their team's or the agreement's
	Zone     string             // of who joined by an input: a time zone of their own, "" for none
	Week     string             // of who joined by an input: hours of their own as calendar.Week writes them, "" for none
}

// TraitKind is what somebody can be matched by.
type TraitKind uint8

// The kinds of traits, and how many there are.
const (
	Territory TraitKind = iota // a member takes leads of one of theirs
	Language                   // a member speaks one of the lead's
	Skill                      // a member has all that the lead asks for
	Traits    = 3
)

// String returns the word of an assignment rule.
func (k TraitKind) String() string { return traitWords[k] }

var traitWords = [Traits]string{"territory", "language", "skill"}

// traitSections are the sections that declare them, and the keys of people.
var traitSections = [Traits]string{"territories", "languages", "skills"}

// Trait is a territory, a language or a skill: members have it, and leads to which its condition applies ask for it.
type Trait struct {
	Clause
	Name       string
	Definition string
	When       *Condition
}

// Absences says what becomes of what somebody holds who is away, or has left the team.
type Absences struct {
	Away, Left Handling
}

// Handling is what becomes of what a member holds.
type Handling struct {
	Clause
	Offered  bool // what they have been offered goes through the assignment again
	Accepted bool // what they have accepted does
	Pause    bool // their deadlines stand still
}

// Method is how a pool shares leads out.
type Method uint8

// The methods.
const (
	RoundRobin  Method = iota // weighted, by debt: who is furthest behind their share
	LeastLoaded               // fewest open hand-offs for their weight
)

// String returns "round_robin" or "least_loaded".
func (m Method) String() string { return [...]string{"round_robin", "least_loaded"}[m] }

// AssignmentRule says who gets a lead; the first whose condition holds and
// that finds somebody decides.
type AssignmentRule struct {
	Clause
	Name      string
	When      *Condition // nil: always
	ToOwner   bool       // account.owner
	ToNamed   bool       // account.named: whoever names the account of the lead among theirs
	Pool      int        // slot, -1 for none
	Person    string     // ID, "" for none
	Queue     int        // slot, -1 for none
	By        Method
	Match     []TraitKind // of a pool: what its members have to have of what the lead asks for
	Otherwise int         // queue slot when nobody of the pool can take it, -1: the next rule
}

// ClockRule is a deadline of the agreement's own, beside those of stages and hand-offs.
type ClockRule struct {
	Clause
	Name       string
	Start      *Condition
	Pause      *Condition // nil: never
	Stop       *Condition
	Within     calendar.Duration
	OnBreach   []Step
	Remind     []Reminder
	Definition string
}

// Channel is a way to reach a lead.
type Channel struct {
	Clause
	Name       string
	Definition string
}

// Events are what an alert can be about, and what webhooks can want.
var Events = []string{"offered", "accepted", "reminded", "breached", "reassigned", "escalated", "rejected", "handed_back", "won", "lost", "walked_away", ActivityEvent, "paused", "resumed"}

// ActivityEvent is the event of an activity that counts.
const ActivityEvent = "activity"

// Alert says whom to tell, of what, by which way, and when.
type Alert struct {
	Clause
	Name       string
	On         string     // one of Events
	Activities []int      // slots, of the event activity
	When       *Condition // nil: always
	To         []string   // owner, manager, marketing, sales, or an e-mail
	By         []string   // email, slack, teams, webhook, inbox
	Quiet      Quiet
	Digest     Digest
	// AtMost is how many messages about one lead somebody gets of it within Per (microseconds); 0 for all.
	AtMost int
	Per    int64
}

// QuietKind is when messages of an alert wait.
type QuietKind uint8

// The kinds. The usual is outside working hours, but for what is urgent.
const (
	QuietUsual QuietKind = iota
	QuietNever
	QuietOutside // outside the working hours of whoever is told
	QuietSpan
)

// Quiet says when messages of an alert wait. From and To are minutes since midnight where whoever is told is; To may be
// on the next day.
type Quiet struct {
	Kind     QuietKind
	From, To int
}

// String is as the agreement has it; "" for the usual.
func (q Quiet) String() string {
	switch q.Kind {
	case QuietNever:
		return "none"
	case QuietOutside:
		return "outside working hours"
	case QuietSpan:
		return fmt.Sprintf("%02d:%02d-%02d:%02d", q.From/60, q.From%60, q.To/60, q.To%60)
	}
	return ""
}

// Digest says when what an alert has to say is gathered into one message. The zero value gathers nothing.
type Digest struct {
	Daily bool
	At    int   // Daily: minutes since midnight
	Every int64 // microseconds, from midnight on; 0 for not
}

// Gathers reports whether anything is gathered.
func (d Digest) Gathers() bool { return d.Daily || d.Every > 0 }

// String is as the agreement has it; "" for none.
func (d Digest) String() string {
	switch {
	case d.Daily:
		return fmt.Sprintf("daily at %02d:%02d", d.At/60, d.At%60)
	case d.Every > 0:
		return "every " + calendar.Duration{Amount: d.Every}.String()
	}
	return ""
}

// Speaker is who may speak under a rule of engagement.
type Speaker uint8

// The speakers.
const (
	SpeakNobody Speaker = iota
	SpeakMarketing
	SpeakSales
	SpeakOriginator
	SpeakBoth
)

// String returns the word of the agreement.
func (s Speaker) String() string {
	return [...]string{"nobody", "marketing", "sales", "originator", "both"}[s]
}

// SpeakRule is a rule of engagement; the first whose condition holds decides.
type SpeakRule struct {
	Clause
	Name   string
	When   *Condition // nil: always
	Speaks Speaker
	// Marketing and Sales are the channels a side may use although it does not
	// hold the conversation, or the only ones it may use although it does; nil
	// means all for the one who speaks and none for the other.
	Marketing, Sales []string // ["none"] and ["all"] are possible
}

// TeleQualification is the queue of leads that wait to be called: which, by whom, and how often it is tried.
type TeleQualification struct {
	Clause
	Definition string
	Stages     []int      // slots; a lead waits while it is in one of them
	When       *Condition // nil: all leads of these stages
	By         Side       // NoSide: people of either side may call
	Channel    string     // the channel that calls are made by, as the rules of engagement know it; "" for speaking at all
	Lease      calendar.Duration
	Attempts   int               // tries that reach nobody, at most
	Over       calendar.Duration // and the time they may take
	Spacing    calendar.Duration // between two tries; zero: at once
	Exhausted  int               // slot of the hand-back that follows when tries or time are used up
	Outcomes   []CallOutcome     // those that end the tries at once

	LeaseClause, AttemptsClause, SpacingClause, ExhaustedClause Clause
}

// CallOutcome is what follows a call that went in a way after which no other try makes sense.
type CallOutcome struct {
	Clause
	Outcome  string // "wrong_number"
	Handback int    // slot
}

// Calls reports whether leads in a stage wait to be called.
func (q *TeleQualification) Calls(stage int) bool {
	return q != nil && slices.Contains(q.Stages, stage)
}

// SalesQualification is what sales asks itself before it puts its effort into a lead, and what it expects of it.
type SalesQualification struct {
	Clause
	Definition string
	Before     int // stage slot: nobody comes to it by a transition before the answers are there
	Asks       []Ask
	// An hour of effort costs HourCosts; what is expected of a lead should be AtLeast times what its effort costs. 0: not asked.
	HourCosts, AtLeast float64
	// Probability is how likely a lead in a stage is won, by slot, for those of which nobody has said; 0 for not known.
	Probability []float64
	Competitors []Competitor
	WalkAway    []Named // the reasons for which sales leaves a lead to others

	ReturnClause Clause
}

// Competitor returns the place of a competitor, -1 for none.
func (w *SalesQualification) Competitor(name string) int {
	if w == nil {
		return -1
	}
	return slices.IndexFunc(w.Competitors, func(k Competitor) bool { return k.Name == name })
}

// Ask is a question whose answer is needed.
type Ask struct {
	Clause
	Question   int        // slot
	Definition string     // what the team means by it
	When       *Condition // what has to hold; nil: yes to a question of yes or no, and any answer to another
}

// Competitor is somebody else whom a lead may buy from.
type Competitor struct {
	Clause
	Name       string
	Definition string
	Strengths  []string
	Answer     string // what the team says to that
}

// Commitment is what a side promises for each period.
type Commitment struct {
	Clause
	Name    string // the metric: qualified_leads, contacted_in_time, accepted_in_time, ...
	Side    Side
	AtLeast float64
	Percent bool
	Per     string // "day", "week", "month", "quarter"
	Text    string
}

// Rename maps a name of the version before to one of this version.
type Rename struct {
	Clause
	What     string // "stage", "attribute", "question", "buying_stage", "activity", "asset", "fit", "engagement", "handoff", "handback", "track", "clock", "pool", "queue"
	From, To string
}

// Brief says how much a rep is told.
type Brief struct {
	Clause
	Activities int      // the most telling ones, 3 by default
	Show       []string // attributes, in order; empty: all known
}
