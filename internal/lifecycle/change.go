package lifecycle

// ChangeKind is what changed.
type ChangeKind uint8

// The changes. The comment names the fields that carry them.
const (
	NoChange ChangeKind = iota

	LeadCreated         // Int is the ID, At; To is the origin
	AccountJoined       // Int is the account
	AttributeSet        // Name, Value
	AnswerSet           // Name, Value
	ConsentSet          // To is the status, At; Name the source
	ActivityCounted     // Name, At
	AssetSeen           // Name, At
	BuyingStageReached  // To
	PointsGiven         // Name is the engagement rule, Int its slot, Points, At
	FitGained           // Name is the fit rule, Int its slot, Points
	FitLost             // Name is the fit rule, Int its slot, Points
	Rescored            // Points is the fit total, Int the engagement, both in agreement.Point
	GradeChanged        // From, To
	ReadinessChanged    // From, To, Int is the level
	ScoreCleared        // To is what is kept, Int the same as an agreement.Keep, At
	PassStarted         // Int is the pass, At
	StageEntered        // From, To, At; Name is the transition, hand-off or hand-back
	TrackSet            // To ("" for none)
	RevisitSet          // At (0 for none)
	Returned            // Name is the hand-back: leaving the stage starts a new pass
	OwnerSet            // From, To ("" for none)
	QueueSet            // From, To ("" for none)
	HandoffOffered      // Name, At, Int is the hand-off's ID
	HandoffMoved        // From, To: reassigned to another member or a queue; Int counts how often
	HandoffClosed       // Name, To is the state, At; From is the reason, if any; Int of an acceptance: how much working time of the owner it took
	ContactMade         // At: the first contact by a person in this hand-off; Int: working time of the owner since the acceptance, or the offer
	ClockStarted        // Name, At, Due, Int is the amount allowed, Unit; To is the member whose calendar it runs in
	ClockPaused         // Name, At, Int is the amount used
	ClockResumed        // Name, At, Due
	ClockRestarted      // Name, At, Due, To is the member: the whole time begins again; Int is the next step of the ladder, 0 for the same
	ClockMoved          // Name, Due: a calendar changed; To is the member, if it is another's now
	ClockBreached       // Name, At (the due time)
	ClockStopped        // Name, At; To is "met", "late" or "dropped"; Int is the amount used
	ValueSet            // Num
	WakeSet             // At
	AccountAttributeSet // Name, Value
	AccountOwnerSet     // From, To
	MemberSet           // Member
	MemberLeft          // Name
	AbsenceSet          // Name, At, Due; To is "calendar" if the member's calendar says so
	LedgerMoved         // Name is the pool, To the member who got the lead, Num how many leads behind their share they were, Members who shared, At
	LoadChanged         // Name is the member, Int is 1 or -1; At is when, if it counts for the day
	Rebound             // Int is the version: the lead follows another agreement now
	ClockReady          // Name: an ended clock of the agreement's own may start again
	LeadErased          // the lead is as if nothing had happened; what follows rebuilds it
	LeadMerged          // Int is the lead that goes on for it: this one is gone
	LeadAbsorbed        // Int is the lead that was the same person; At and To are when and by whom the person was brought first
	LeadPlaced          // a person has put the lead into its account: it stays there
	CallQueued          // At, Due: it waits to be called, and the time for tries is over then
	CallTaken           // To is the member, At, Due: until when
	CallFreed           // From is the member; To is "called", "released" or "lapsed"
	CallTried           // Name is the outcome, At, Int counts the tries, Due: not before (0 for at once)
	CallReached         // Name is the outcome, At, Int: the time for tries is over then, Due as above: the count begins again
	CallReady           // it may be called again
	ClauseNamed         // Name is the clause that let the lead through, as whoever gave it back says
	CallEnded           // To is "left", "exhausted" or "kept out": of the last the count stays
	AbsenceCleared      // Name, At, Due: not away in that time after all; To as in AbsenceSet
	HeldReviewed        // Name is a member: what they hold is looked at again
	ProbabilitySet      // Num
	EffortSet           // Num, in hours
	CompetitorsSet      // To: names with commas between, "" for none
	AttendSet           // At: when the owner goes away
	ReminderSet         // Name is a clock, At: when somebody is reminded of it next, 0 for not at all
	MarketingSet        // From, To: the channels that marketing may use, see Lead.Marketing
	SpokenAgainst       // Name is the member who spoke, From the outcome, To who held the conversation, Value the channel, At: against the clause cited
	OwnerReminded       // Name is a clock, From reminds To, At
)

var changeWords = [...]string{"", "lead_created", "account_joined", "attribute_set", "answer_set", "consent_set", "activity_counted",
	"asset_seen", "buying_stage_reached", "points_given", "fit_gained", "fit_lost", "rescored", "grade_changed", "readiness_changed",
	"score_cleared", "pass_started", "stage_entered", "track_set", "revisit_set", "returned", "owner_set", "queue_set", "handoff_offered",
	"handoff_moved", "handoff_closed", "contact_made", "clock_started", "clock_paused", "clock_resumed", "clock_restarted",
	"clock_moved", "clock_breached", "clock_stopped", "value_set", "wake_set", "account_attribute_set", "account_owner_set",
	"member_set", "member_left", "absence_set", "ledger_moved", "load_changed", "rebound", "clock_ready",
	"lead_erased", "lead_merged", "lead_absorbed", "lead_placed",
	"call_queued", "call_taken", "call_freed", "call_tried", "call_reached", "call_ready", "clause_named", "call_ended",
	"absence_cleared", "held_reviewed", "probability_set", "effort_set", "competitors_set", "attend_set", "reminder_set", "marketing_set", "spoken_against", "owner_reminded"}

// String returns the word for the kind in decisions and views.
func (k ChangeKind) String() string { return changeWords[k] }

// OfTeam reports whether the change is one of the roster.
func (k ChangeKind) OfTeam() bool {
	switch k {
	case MemberSet, MemberLeft, AbsenceSet, AbsenceCleared, LedgerMoved, LoadChanged:
		return true
	}
	return false
}

// OfLead reports whether the change is one of the lead, not of its account or the roster.
func (k ChangeKind) OfLead() bool {
	return k != AccountAttributeSet && k != AccountOwnerSet && !k.OfTeam()
}
