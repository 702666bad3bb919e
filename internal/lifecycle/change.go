package lifecycle

// ChangeKind is what changed.
type ChangeKind uint8

// The changes. The comment names the fields that carry them.
const (
	NoChange ChangeKind = iota

	LeadCreated         // At; To is the origin; Points the first stage's slot
	AccountJoined       // Int is the account
	AttributeSet        // Name, Value
	AnswerSet           // Name, Value
	ConsentSet          // To is the status, At; Text the source
	ActivityCounted     // Name, At
	AssetSeen           // Name, At
	BuyingStageReached  // To
	PointsGiven         // Name is the engagement rule, Points, At
	FitGained           // Name is the fit rule, Points
	FitLost             // Name is the fit rule, Points
	Rescored            // Points is the fit total, Int the engagement, both in agreement.Point
	GradeChanged        // From, To
	ReadinessChanged    // From, To
	ScoreCleared        // To is what is kept (agreement.Keep)
	PassStarted         // Int is the pass, At
	StageEntered        // From, To, At; Name is the transition, hand-off or hand-back
	TrackSet            // To ("" for none)
	RevisitSet          // At (0 for none)
	OwnerSet            // From, To ("" for none)
	QueueSet            // From, To ("" for none)
	HandoffOffered      // Name, At
	HandoffMoved        // From, To: reassigned to another member or a queue; Int counts how often
	HandoffClosed       // Name, To is the state, At; From is the reason, if any
	ContactMade         // At: the first contact by a person in this hand-off
	ClockStarted        // Name, At, Due, Int is the amount allowed, Unit; To is the member whose calendar it runs in
	ClockPaused         // Name, At, Int is the amount used
	ClockResumed        // Name, At, Due
	ClockRestarted      // Name, At, Due: the next step of the ladder begins
	ClockMoved          // Name, Due: a calendar changed
	ClockBreached       // Name, At (the due time)
	ClockStopped        // Name, At: in time, unless it breached before; To is "met" or "dropped"
	ValueSet            // Num
	WakeSet             // At
	AccountAttributeSet // Name, Value
	AccountOwnerSet     // From, To
	MemberSet           // Member
	MemberLeft          // Name
	AbsenceSet          // Name, At, Due
	LedgerMoved         // Name is the pool, To the member who got the lead, Entries the new lines
	LoadChanged         // Name is the member, Int +1 or -1
	Rebound             // Int is the version: the lead follows another agreement now
)

var changeWords = [...]string{"", "lead_created", "account_joined", "attribute_set", "answer_set", "consent_set", "activity_counted",
	"asset_seen", "buying_stage_reached", "points_given", "fit_gained", "fit_lost", "rescored", "grade_changed", "readiness_changed",
	"score_cleared", "pass_started", "stage_entered", "track_set", "revisit_set", "owner_set", "queue_set", "handoff_offered",
	"handoff_moved", "handoff_closed", "contact_made", "clock_started", "clock_paused", "clock_resumed", "clock_restarted",
	"clock_moved", "clock_breached", "clock_stopped", "value_set", "wake_set", "account_attribute_set", "account_owner_set",
	"member_set", "member_left", "absence_set", "ledger_moved", "load_changed", "rebound"}

// String returns the word for the kind in decisions and views.
func (k ChangeKind) String() string { return changeWords[k] }
