package lifecycle

import (
	"slices"

	"baton/internal/agreement"
)

// Decision is what Decide found: what changes, what to tell the world, and why.
type Decision struct {
	Input   int64
	Lead    int64
	At      int64 // Known of the input
	Version int64 // of the agreement that decided
	Changes []Change
	Effects []Effect
	Reasons []Reason
	// Refused says, to the person who asked, why a command was not carried out; the
	// decision then has no changes.
	Refused string
	// Team says that the roster was looked at, or changed. It is not stored.
	Team bool
}

// Clone returns a decision that stays as it is when a Decider makes its next.
func (d *Decision) Clone() Decision {
	out := *d
	out.Changes, out.Effects, out.Reasons = slices.Clone(d.Changes), slices.Clone(d.Effects), slices.Clone(d.Reasons)
	return out
}

// Change is one change to a lead, its account or the roster. ChangeKind says which fields it uses.
type Change struct {
	Kind    ChangeKind
	Reason  int // index into Decision.Reasons plus one; 0 for none
	Name    string
	From    string
	To      string
	At      int64
	Due     int64
	Int     int64
	Points  int64 // in agreement.Point
	Num     float64
	Unit    uint8
	Value   agreement.Value
	Members []string // LedgerMoved: who shared, sorted
	Member  *agreement.Person
}

// EffectKind is what to tell the world.
type EffectKind uint8

// The effects. To is a member's ID, a queue, or a side.
const (
	NoEffect     EffectKind = iota
	TellOffer               // To has been offered the lead
	TellTaken               // the lead was taken from To
	TellRemind              // time ran out for To, or for everybody of a queue
	TellEscalate            // To, the manager, has it now
	TellAccepted            // To (marketing) hears that it was accepted
	TellReturned            // To (marketing) hears why it came back
	TellOutcome             // To (both sides) hears that it was won, lost or left to others
	TellPaused              // To (marketing) hears that it may use the channels in Name only: none, or some
	TellResumed             // To (marketing) hears that it may use all its channels again
)

var effectWords = [...]string{"", "offer", "taken", "remind", "escalate", "accepted", "returned", "outcome", "paused", "resumed"}

// String returns the word.
func (k EffectKind) String() string { return effectWords[k] }

// Effect is a message that has to go out because of a decision.
type Effect struct {
	Kind   EffectKind
	To     string
	Name   string // hand-off, clock or reason
	Reason int    // as in Change
}

// Reason is a clause cited: for a change, or for passing somebody over.
type Reason struct {
	Clause string
	Text   string // in words, when the clause alone does not say it
	Saw    []agreement.Seen
}

// Agreed reports whether what a reason cites is of the agreement. What the law says of consent, who is who, and the undoing of an
// import stand above it: nobody finds them there.
func Agreed(clause string) bool {
	switch clause {
	case "", "consent", "identity", "imports":
		return false
	}
	return true
}

// View is what Decide may look at beside the plan. Lead is nil before it exists.
type View struct {
	Lead    *Lead
	Account *Account
	Roster  *Roster
	// Past holds the earlier inputs of the lead that were carried out, in order; only a Retract, a Split
	// and a Restored need it.
	Past []Input
	// Joined holds the same of the leads that were ever merged into this one, and into those; and of Other,
	// with those merged into it, for a Merge and a Restored. In the order of their IDs.
	Joined []Told
}

// Told is what was carried out of the inputs of a lead, in order.
type Told struct {
	Lead   int64
	Inputs []Input
}
