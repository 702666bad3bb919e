package lifecycle

import "baton/internal/agreement"

// Lead is the state of a person being worked. Slots in it belong to the plan it was
// bound to (see Bind); Apply is the only thing that changes it.
type Lead struct {
	ID      int64 // the ID of the input that created it
	Account int64 // 0: none
	Placed  bool  // in its account by hand: it stays there
	Seq     int64 // how many inputs have been decided for it
	Clock   int64 // when the last of them was decided
	Created int64
	Version int64 // of the agreement its slots belong to
	Origin  agreement.Side

	Attributes []agreement.Value // Attributes slot -> value; company slots only while it has no account
	Answers    []agreement.Value // Questions slot -> value

	Activities  []agreement.Memory // sorted by activity
	Total       int64              // activities that count
	Rules       []RuleMemory       // engagement rules that have counted something, sorted by rule
	Fit         []int              // fit rules that hold, ascending
	FitPoints   int64
	Engagement  int64 // at Clock
	Grade       agreement.Grade
	Readiness   int
	Asset       int // slot of the most recent asset, -1 for none
	AssetAt     int64
	BuyingStage int // slot, -1 for none

	Stage    int // slot
	Entered  int64
	Pass     int // from 1
	PassFrom int64
	Returned bool // handed back: leaving the stage starts a new pass
	Track    int  // slot of the nurture track, -1 for none
	Revisit  int64
	Owner    string // ID of a member
	Queue    int    // slot, -1 for none
	Handoff  Handoff
	Clocks   []Clock // running and paused, sorted by name
	Value    float64 // of the opportunity

	Probability float64  // that it is won, as somebody has said; 0 for not said
	Effort      float64  // hours that winning it takes, as somebody has said; 0 for not said
	Competitors []string // whom else it may buy from, in the order of the agreement

	Back    int      // Handbacks slot of the last hand-back, -1 for none
	Cleared int64    // when the score was last cleared: what occurred before no longer counts
	Call    Call     // where it stands among those that wait to be called
	Done    []string // clocks of the agreement's own that ended while their start still holds, sorted

	// Marketing is what marketing may use to speak to it, by the rules of engagement and consent: "" for all channels, "none", or
	// names with spaces between.
	Marketing string

	Consent Consent
	Wake    int64 // when the truth of something can change by time alone; Never for not
	Attend  int64 // when the owner goes away next, if what they hold is not theirs then; Never for not
}

// RuleMemory is what an engagement rule has counted.
type RuleMemory struct {
	Rule int // slot
	// Points at Ref: of a rule that does not expire.
	Points int64
	Ref    int64
	// Counted are the instants at which it counted, ascending: those not yet expired, or, of
	// points that do not expire under a cap, the last hundred and those within twice its window.
	Counted []int64
}

// HandoffState is where a hand-off stands.
type HandoffState uint8

// The states. All but Open, Accepted and Escalated are ends.
const (
	NoHandoff HandoffState = iota
	HandoffOpen
	HandoffAccepted
	HandoffRejected
	HandoffExpired   // taken back when time ran out
	HandoffEscalated // time ran out; it is with the manager
	HandoffWithdrawn // the lead left the stage by another way
)

// String returns the word used in conditions and reports.
func (s HandoffState) String() string {
	return [...]string{"", "open", "accepted", "rejected", "expired", "escalated", "withdrawn"}[s]
}

// Handoff is the current or the last hand-off of a lead.
type Handoff struct {
	ID         int64 // the ID of the input that offered it
	Rule       int   // Handoffs slot, -1 for none
	State      HandoffState
	Offered    int64
	Since      int64 // when the present holder got it
	Accepted   int64
	Contacted  int64 // first contact by a person, 0 for none yet
	Reassigned int
	Tried      []string // members who had it, in order
	Reason     int      // Handbacks slot, -1 for none
}

// Call is where a lead stands in tele-qualification. While it has left the queue for a time, because a condition or a
// rule of engagement keeps it out, Since is 0 and the count stays.
type Call struct {
	Since  int64  // when it came into the queue; 0: it does not wait to be called
	Ends   int64  // when the time for tries is over
	Tries  int    // that reached nobody, since it came or was last reached
	Last   int64  // when it was last tried, 0 for never
	Next   int64  // not before, 0 for at once
	Holder string // the member who has taken it, "" for nobody
	Until  int64  // how long the holder has it to themselves
}

// ClockState is whether a clock runs.
type ClockState uint8

// The states of a clock that has not stopped.
const (
	Running ClockState = iota
	Paused
	Breached // over, and no step left that would begin again
)

// String returns the word.
func (s ClockState) String() string { return [...]string{"running", "paused", "breached"}[s] }

// Clock is a deadline that has not been met yet. Its name is the address of its clause.
type Clock struct {
	Name     string
	Started  int64
	Version  int64 // of the agreement it started under
	Within   int64 // amount allowed, in the unit of the clause
	Unit     uint8 // calendar.Unit
	Used     int64 // amount used before Since
	Since    int64 // when it last began to run
	Due      int64 // Never while it is paused
	Remind   int64 // when somebody is reminded of it next, 0 for not at all
	State    ClockState
	Breaches int    // how often time ran out
	Step     int    // the next step of the ladder, counting a step as often as it may be taken
	Member   string // whose calendar it runs in; "" for the agreement's
	Asked    int64  // when somebody reminded whoever has the lead now of it last, 0 for never
	AskedBy  string // who did
}

// Consent is what the lead has said about being contacted and profiled.
type Consent struct {
	Status ConsentStatus
	At     int64
	Source string
}

// ConsentStatus is one of four.
type ConsentStatus uint8

// The states of consent. Withdrawn stops messages; Objected stops messages and scoring.
const (
	NotAsked ConsentStatus = iota
	Granted
	Withdrawn
	Objected
)

// String returns the word of the inputs and reports.
func (s ConsentStatus) String() string {
	return [...]string{"not_asked", "granted", "withdrawn", "objected"}[s]
}

// Account is the organisation.
type Account struct {
	ID         int64 // the ID of the input that created it
	Version    int64 // of the agreement its slots belong to
	Seq        int64
	Key        string            // registrable domain, or "name:" and the folded name
	Attributes []agreement.Value // Attributes slot -> value; company slots only
	Owner      string
}

// Roster is who can take leads. There is one; assignments change it.
type Roster struct {
	Seq     int64
	Version int64
	Members []Member // sorted by ID
	Ledgers []Ledger // by pool slot
}

// Member is a person of the team as things stand.
type Member struct {
	agreement.Person
	Inactive bool
	Away     []Absence // by when they begin; those of one origin do not overlap
	Open     int       // hand-offs held: open, or escalated to this member
	Taken    int64     // assignments ever
	Day      int       // the local day on which they last got a hand-off, and how many on it;
	Today    int       // both are kept only of who has a cap for the day
}

// Absence is [From, To).
type Absence struct {
	From, To int64
	Calendar bool // the member's calendar says so; the others were entered
}
