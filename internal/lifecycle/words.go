package lifecycle

import (
	"fmt"
	"strings"
	"time"

	"baton/internal/agreement"
)

// Sentence tells a change in plain words, for timelines, scenarios and explain. Instants are
// written in zone. It returns "" for what only Baton itself needs to know.
func (c *Change) Sentence(zone *time.Location) string {
	at := func(t int64) string { return Stamp(t, zone) }
	switch c.Kind {
	case LeadCreated:
		return "new lead, brought by " + c.To
	case AccountJoined:
		return "joined account " + fmt.Sprint(c.Int)
	case AttributeSet, AnswerSet:
		return c.Name + " is " + valueText(c.Value, zone)
	case AccountAttributeSet:
		if !c.Value.Known() {
			return "account: " + c.Name + " is not known any more"
		}
		return "account: " + c.Name + " is " + valueText(c.Value, zone)
	case AccountOwnerSet:
		return "account owner: " + orNobody(c.To)
	case ConsentSet:
		return "consent " + strings.ReplaceAll(c.To, "_", " ")
	case ActivityCounted:
		return "counted " + c.Name + " of " + at(c.At)
	case AssetSeen:
		return "asset " + c.Name
	case BuyingStageReached:
		return "buying stage " + c.To
	case PointsGiven:
		return signed(c.Points) + " for " + c.Name
	case FitGained:
		return signed(c.Points) + " for " + c.Name
	case FitLost:
		return signed(-c.Points) + ": " + c.Name + " no longer holds"
	case Rescored:
		return "score " + PointsText(c.Points+c.Int) + " (fit " + PointsText(c.Points) + ", engagement " + PointsText(c.Int) + ")"
	case GradeChanged:
		return "grade " + arrow(c.From, c.To)
	case ReadinessChanged:
		return "readiness " + arrow(c.From, c.To)
	case ScoreCleared:
		return "score cleared, kept: " + c.To
	case PassStarted:
		return fmt.Sprintf("pass %d begins", c.Int)
	case StageEntered:
		return "stage " + arrow(c.From, c.To)
	case TrackSet:
		if c.To == "" {
			return "off its nurture track"
		}
		return "nurture track " + c.To
	case RevisitSet:
		if c.At == 0 {
			return "no revisit date"
		}
		return "revisit on " + at(c.At)
	case Returned:
		return "handed back: " + c.Name
	case OwnerSet:
		return "owner " + arrow(c.From, orNobody(c.To))
	case QueueSet:
		if c.To == "" {
			return "out of queue " + c.From
		}
		return "in queue " + c.To
	case HandoffOffered:
		return "hand-off " + c.Name + " offered"
	case HandoffMoved:
		return "hand-off moved " + arrow(c.From, orNobody(c.To))
	case HandoffClosed:
		if c.From != "" {
			return "hand-off " + c.To + ": " + c.From
		}
		return "hand-off " + c.To
	case ContactMade:
		return "first contact"
	case ClockStarted:
		return "clock " + c.Name + " starts, due " + at(c.Due)
	case ClockPaused:
		return "clock " + c.Name + " pauses"
	case ClockResumed:
		return "clock " + c.Name + " resumes, due " + at(c.Due)
	case ClockRestarted:
		return "clock " + c.Name + " begins again, due " + at(c.Due)
	case ClockMoved:
		return "clock " + c.Name + " is due " + at(c.Due)
	case ClockBreached:
		return "time ran out: " + c.Name + ", was " + at(c.At)
	case ClockStopped:
		return "clock " + c.Name + " stops: " + c.To
	case MarketingSet:
		switch c.To {
		case "":
			return "marketing may use all its channels"
		case "none":
			return "marketing may use no channel"
		}
		return "marketing may use only " + strings.ReplaceAll(c.To, " ", ", ")
	case SpokenAgainst:
		how := c.From
		if c.Value.Known() {
			how += " by " + c.Value.String()
		}
		return c.Name + " spoke to it (" + how + ") while " + orText(c.To, "nobody") + " holds the conversation"
	case ProbabilitySet:
		return "probability " + shareText(c.Num)
	case EffortSet:
		return "effort " + agreement.NumberValue(c.Num).String() + " hours"
	case CompetitorsSet:
		if c.To == "" {
			return "no competitors"
		}
		return "competitors: " + c.To
	case ValueSet:
		return "value " + agreement.NumberValue(c.Num).String()
	case WakeSet:
		if c.At == agreement.Never {
			return "nothing more changes by time alone"
		}
		return "looks again " + at(c.At)
	case MemberSet:
		if m := c.Member; m != nil && m.Zone+m.Week != "" {
			return c.Name + " is in the team, and works " + WorksWords(m.Zone, m.Week)
		}
		return c.Name + " is in the team"
	case MemberLeft:
		return c.Name + " has left the team"
	case AbsenceSet:
		if c.To == "calendar" {
			return c.Name + " is away from " + at(c.At) + " to " + at(c.Due) + ", by their calendar"
		}
		return c.Name + " is away until " + at(c.Due)
	case AbsenceCleared:
		return c.Name + " is not away from " + at(c.At) + " to " + at(c.Due) + " after all"
	case HeldReviewed:
		return "what " + c.Name + " holds is looked at again"
	case ReminderSet:
		if c.At == 0 {
			return ""
		}
		return "clock " + c.Name + " reminds " + at(c.At)
	case OwnerReminded:
		return orText(c.From, "somebody") + " reminds " + c.To + " of clock " + c.Name
	case AttendSet:
		if c.At == agreement.Never {
			return ""
		}
		return "looks again when its owner goes away, " + at(c.At)
	case LedgerMoved:
		return "pool " + c.Name + ": " + c.To + " of " + strings.Join(c.Members, ", ")
	case LoadChanged:
		return fmt.Sprintf("open hand-offs of %s %+d", c.Name, c.Int)
	case Rebound:
		return fmt.Sprintf("follows version %d", c.Int)
	case ClauseNamed:
		return "should not have come by " + c.Name
	case CallQueued:
		return "waits to be called, until " + at(c.Due)
	case CallTaken:
		return "taken by " + c.To + " until " + at(c.Due)
	case CallFreed:
		return map[string]string{"called": c.From + " has called", "released": "given back to the queue, was taken by " + c.From, "lapsed": c.From + " has it no more: the time to call ran out"}[c.To]
	case CallTried:
		return "tried: " + strings.ReplaceAll(c.Name, "_", " ") + fmt.Sprintf(", try %d", c.Int) + again(c.Due, at)
	case CallReached:
		return "reached: " + strings.ReplaceAll(c.Name, "_", " ") + again(c.Due, at)
	case CallReady:
		return "may be called again"
	case CallEnded:
		return "waits no more to be called: " + c.To
	case ClockReady:
		return "clock " + c.Name + " may start again"
	case LeadErased:
		return "erased, to be decided again"
	case LeadMerged:
		return fmt.Sprintf("goes on as lead %d", c.Int)
	case LeadAbsorbed:
		return fmt.Sprintf("takes in what is known of lead %d", c.Int)
	case LeadPlaced:
		return "stays in this account"
	}
	return ""
}

// WorksWords says when somebody works who has a zone or hours of their own.
func WorksWords(zone, week string) string {
	if week == "" {
		week = "the usual hours"
	}
	if zone != "" {
		week += " in " + zone
	}
	return week
}

func again(due int64, at func(int64) string) string {
	if due == 0 {
		return ""
	}
	return ", again from " + at(due)
}

// Stamp writes an instant for people: "Mon 2 Mar 2026 09:00", with seconds when they matter.
func Stamp(at int64, zone *time.Location) string {
	t := time.UnixMicro(at).In(zone)
	switch {
	case at%60_000_000 == 0:
		return t.Format("Mon 2 Jan 2006 15:04")
	case at%1_000_000 == 0:
		return t.Format("Mon 2 Jan 2006 15:04:05")
	}
	return t.Format("Mon 2 Jan 2006 15:04:05.000000")
}

func valueText(v agreement.Value, zone *time.Location) string {
	if v.Kind == agreement.Date {
		t := time.UnixMicro(int64(v.Num)).In(zone)
		if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
			return t.Format(time.DateOnly)
		}
		return t.Format("2006-01-02 15:04")
	}
	return v.String()
}

func arrow(from, to string) string {
	if from == "" {
		return to
	}
	if to == "" {
		to = "none"
	}
	return from + " → " + to
}

func orNobody(s string) string {
	if s == "" {
		return "nobody"
	}
	return s
}

func signed(points int64) string {
	text := PointsText(points)
	if points >= 0 {
		return "+" + text
	}
	return "−" + strings.TrimPrefix(text, "-")
}
