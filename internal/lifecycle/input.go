package lifecycle

import "baton/internal/agreement"

// InputKind is what happened.
type InputKind uint8

// The inputs. Everything that happens is one of these.
const (
	NoInput     InputKind = iota
	Identify              // attributes of the lead, its account, its origin
	Did                   // an activity: Name, Asset, Values are its properties
	Answered              // Values are answers to questions
	Consented             // Name is a consent status; Text the evidence
	Accept                // Actor accepts the hand-off
	Reject                // Actor rejects it; Name is the reason
	HandBack              // Actor returns an accepted lead; Name is the reason; At may carry a revisit date in Due
	Contact               // Actor had or tried a contact; Name is the outcome (see Outcomes)
	Assign                // Actor gives the lead to the member in Name, or takes it (Name == Actor)
	Move                  // Actor takes the transition in Name
	Win                   // Actor wins it; Value is what it is worth
	Lose                  // Actor loses it; Name is a reason in the lead's words
	Timer                 // something was due at Due
	Activate              // the agreement of Version applies from now on to this lead
	Refresh               // something outside the lead changed (its account): look again
	Joined                // Member joins the roster or changes (no lead)
	Left                  // the member in Name leaves the roster (no lead)
	Absent                // the member in Name is away from At to Due (no lead)
	OwnAccount            // the member in Name owns the account (of the lead)
	Retract               // the import in Import is undone: as if the lead had never heard of it; without a lead: Values is what Account was without it
	Merged                // the lead is the same person as Other, and gone: Other goes on for both; Name is who held it, see Ending
	Merge                 // Other is the same person: the lead takes in what is known of it; Name is who held it, or what was not found
	Split                 // Actor says that Other is another person after all: as if it had never been merged
	Restored              // the lead is a person of its own again, no longer part of Other
	JoinAccount           // Actor puts the lead into Account, where it stays whatever is said later
	Take                  // Actor takes the lead to call it, and has it for the lease of the agreement
	Release               // Actor gives it back uncalled
	Present               // the member in Name is not away from At to Due after all: what was entered is taken back (no lead)
	Calendar              // the calendar of the member in Name says that they are away at Away, and at no other time to come (no lead)
	Estimate              // Actor says what may come of the lead: Value, and Values are probability (0 to 1), effort (hours), competitors (names with commas between)
	WalkAway              // Actor leaves the lead to others; Name is a reason of the agreement
	Remind                // Actor reminds whoever has the lead of the clock in Name, "" for the one that ends first
	Hours                 // the member in Name works the hours of Member, in its zone; the rest of Member is not looked at (no lead)
)

var inputWords = [...]string{"", "identify", "activity", "answer", "consent", "accept", "reject", "hand_back", "contact", "assign",
	"move", "win", "lose", "timer", "activate", "refresh", "member", "leave", "absence", "own_account", "retract", "merged", "merge", "split", "restored",
	"join_account", "take", "release", "present", "calendar", "estimate", "walk_away", "remind", "hours"}

// String returns the word for the kind in files, tables and views.
func (k InputKind) String() string { return inputWords[k] }

// ParseInputKind returns the kind of a word, false for none.
func ParseInputKind(word string) (InputKind, bool) {
	for i, w := range inputWords {
		if i > 0 && w == word {
			return InputKind(i), true
		}
	}
	return 0, false
}

// Named is a value by its name in the vocabulary.
type Named struct {
	Name  string
	Value agreement.Value
}

// Input is one thing that happened. It is stored as it came and never edited.
type Input struct {
	ID      int64 // given by the store; ascending
	Kind    InputKind
	Lead    int64 // 0 for the roster's own, and for the Retract of an account
	Account int64 // Identify, Merge, JoinAccount: the account found or created, 0 for none; Merged, Restored: that of the lead; Retract: see there
	Other   int64 // Merged, Merge, Split, Restored: the other lead, 0 if it was not found
	At      int64 // when it occurred
	Known   int64 // when Baton knew, and decides; never before the lead's Clock
	Due     int64 // Timer: when it was due; HandBack: revisit date, 0 for the agreement's; Contact: when to call again, 0 for the agreement's; Absent, Present: the end
	Actor   string
	Source  string // where it came from: "import:3", "simulation", "cli"
	Key     string // for finding duplicates; unique with Source
	Name    string
	Asset   string
	Channel string  // Contact: by which channel of the agreement, "" if nobody says
	Values  []Named // sorted by name
	Text    string  // note or evidence; Identify: why it is the account in Account, when its key does not say so
	Value   float64
	Origin  agreement.Side
	Bot     bool   // a scanner or robot: kept, never counted
	Clause  string // Reject, HandBack: the clause that let the lead through, if the person names one
	Member  *agreement.Person
	Away    []Absence // Calendar: sorted, not overlapping
	Version int64     // of the agreement that decides
	Import  int64     // the import it came in with, 0 for none; Retract: the import that is undone
	Keep    []string  // Identify: names set only while the lead has no value yet
}

// Outcomes of a contact, and whether a person was reached.
var Outcomes = []Outcome{
	{"connected", true}, {"meeting", true}, {"replied", true}, {"voicemail", false}, {"no_answer", false},
	{"wrong_number", false}, {"sent", false}, {"autoresponder", false},
}

// Outcome is how a contact went.
type Outcome struct {
	Name    string
	Reached bool
}
