package lifecycle

import (
	"math"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/calendar"
)

// Apply carries one change out on the state in v. It is the only thing that changes
// a lead, an account or the roster. v.Lead is nil before LeadCreated; an
// account or roster that a change needs must be there. Slices that v shares with
// another state are not written to when their capacity is clipped.
func Apply(plan *agreement.Plan, v *View, c *Change) {
	l := v.Lead
	switch c.Kind {
	case LeadCreated:
		if l == nil {
			l = &Lead{}
			v.Lead = l
		}
		*l = blank(l.ID)
		l.ID, l.Created, l.Cleared = c.Int, c.At, 0
		l.Origin = parseSide(c.To)
	case LeadErased, LeadMerged:
		*l = blank(l.ID)
	case LeadAbsorbed:
		l.Created, l.Origin = c.At, parseSide(c.To)
	case LeadPlaced:
		l.Placed = true
	case AccountJoined:
		l.Account = c.Int
	case AttributeSet:
		setSlot(&l.Attributes, len(plan.Attributes), plan.Index.Attribute[c.Name], c.Value)
	case AnswerSet:
		setSlot(&l.Answers, len(plan.Questions), plan.Index.Question[c.Name], c.Value)
	case ConsentSet:
		l.Consent = Consent{Status: parseConsent(c.To), At: c.At, Source: c.Name}
	case ActivityCounted:
		countActivity(plan, l, plan.Index.Activity[c.Name], c.At)
	case AssetSeen:
		if c.At >= l.AssetAt {
			l.Asset, l.AssetAt = plan.Index.Asset[c.Name], c.At
		}
	case BuyingStageReached:
		l.BuyingStage = slices.IndexFunc(plan.BuyingStages, func(n agreement.Named) bool { return n.Name == c.To })
	case PointsGiven:
		givePoints(plan, l, int(c.Int), c.Points, c.At)
	case FitGained:
		i, _ := slices.BinarySearch(l.Fit, int(c.Int))
		l.Fit = slices.Insert(l.Fit, i, int(c.Int))
	case FitLost:
		if i, ok := slices.BinarySearch(l.Fit, int(c.Int)); ok {
			l.Fit = slices.Delete(l.Fit, i, i+1)
		}
	case Rescored:
		l.FitPoints, l.Engagement = c.Points, c.Int
	case GradeChanged:
		l.Grade = parseGrade(c.To)
	case ReadinessChanged:
		l.Readiness = int(c.Int)
	case ScoreCleared:
		clearScore(l, agreement.Keep(c.Int), c.At)
	case PassStarted:
		l.Pass, l.PassFrom, l.Returned = int(c.Int), c.At, false
		l.Probability, l.Effort, l.Competitors = 0, 0, nil
		l.Handoff = Handoff{Rule: -1, Reason: -1}
	case StageEntered:
		l.Stage, l.Entered = plan.Index.Stage[c.To], c.At
	case TrackSet:
		l.Track = named(plan.Tracks, c.To)
	case RevisitSet:
		l.Revisit = c.At
	case Returned:
		l.Returned, l.Back = true, plan.Index.Handback[c.Name]
	case OwnerSet:
		l.Owner = c.To
		forgetAsked(l)
	case QueueSet:
		l.Queue = named(plan.Queues, c.To)
		forgetAsked(l)
	case HandoffOffered:
		l.Handoff = Handoff{ID: c.Int, Rule: plan.Index.Handoff[c.Name], State: HandoffOpen, Offered: c.At, Since: c.At, Reason: -1}
	case HandoffMoved:
		l.Handoff.Reassigned, l.Handoff.Since = int(c.Int), c.At
		if c.From != "" {
			l.Handoff.Tried = append(l.Handoff.Tried, c.From)
		}
	case HandoffClosed:
		closeHandoff(plan, &l.Handoff, c)
	case ContactMade:
		l.Handoff.Contacted = c.At
	case ClockStarted, ClockPaused, ClockResumed, ClockRestarted, ClockMoved, ClockBreached, ClockStopped, ClockReady, ReminderSet, OwnerReminded:
		applyClock(l, c)
	case CallQueued, CallTaken, CallFreed, CallTried, CallReached, CallReady, CallEnded:
		l.Call.apply(c)
	case MarketingSet:
		l.Marketing = c.To
	case SpokenAgainst:
	case ValueSet:
		l.Value = c.Num
	case ProbabilitySet:
		l.Probability = c.Num
	case EffortSet:
		l.Effort = c.Num
	case CompetitorsSet:
		l.Competitors = namesIn(c.To)
	case WakeSet:
		l.Wake = c.At
	case Rebound:
		l.Version = c.Int
	case AccountAttributeSet:
		setSlot(&v.Account.Attributes, len(plan.Attributes), plan.Index.Attribute[c.Name], c.Value)
	case AccountOwnerSet:
		v.Account.Owner = c.To
	case AttendSet:
		l.Attend = c.At
	default:
		if c.Kind.OfTeam() {
			applyRoster(plan, v.Roster, c)
		}
	}
}

// Advance records that an input has been decided: it sets the lead's clock and count.
// The engine calls it once for each decision, after its changes.
func Advance(v *View, in *Input) {
	if v.Lead != nil {
		v.Lead.Seq++
		v.Lead.Clock = max(v.Lead.Clock, in.Known)
	} else if in.Lead == 0 && v.Roster != nil {
		v.Roster.Seq++
	}
}

// Gone returns what there is of a lead that was merged into another, or of which nothing is known.
func Gone(id int64) *Lead {
	l := blank(id)
	return &l
}

func blank(id int64) Lead {
	return Lead{ID: id, Asset: -1, BuyingStage: -1, Track: -1, Queue: -1, Back: -1, Handoff: Handoff{Rule: -1, Reason: -1}, Wake: agreement.Never, Attend: agreement.Never, Stage: -1}
}

func setSlot(values *[]agreement.Value, n, slot int, v agreement.Value) {
	if len(*values) < n {
		grown := make([]agreement.Value, n)
		copy(grown, *values)
		*values = grown
	}
	(*values)[slot] = v
}

func countActivity(plan *agreement.Plan, l *Lead, activity int, at int64) {
	l.Total++
	i, ok := slices.BinarySearchFunc(l.Activities, activity, func(m agreement.Memory, a int) int { return m.Activity - a })
	if !ok {
		l.Activities = slices.Insert(l.Activities, i, agreement.Memory{Activity: activity, First: at, Last: at})
	}
	m := &l.Activities[i]
	m.Count++
	m.First, m.Last = min(m.First, at), max(m.Last, at)
	if window := plan.Index.Window[activity]; window > 0 {
		m.Recent = remember(m.Recent, at, m.Last-window)
	}
}

// remember inserts at into ascending instants and drops those at or before horizon.
func remember(instants []int64, at, horizon int64) []int64 {
	drop := 0
	for drop < len(instants) && instants[drop] <= horizon {
		drop++
	}
	instants = instants[drop:]
	if at <= horizon {
		return instants
	}
	i := len(instants)
	for i > 0 && instants[i-1] > at {
		i--
	}
	if i == len(instants) {
		return append(instants, at)
	}
	return slices.Insert(instants, i, at)
}

// capMemory is how many instants a rule with a cap remembers at least.
const capMemory = 100

func givePoints(plan *agreement.Plan, l *Lead, rule int, points, at int64) {
	i, ok := slices.BinarySearchFunc(l.Rules, rule, func(m RuleMemory, r int) int { return m.Rule - r })
	if !ok {
		l.Rules = slices.Insert(l.Rules, i, RuleMemory{Rule: rule, Ref: at})
	}
	m, r := &l.Rules[i], &plan.Engagement[rule]
	if window := max(r.Expires, 2*r.Per); window > 0 {
		newest := at
		if n := len(m.Counted); n > 0 {
			newest = max(newest, m.Counted[n-1])
		}
		horizon := newest - window
		if r.Expires == 0 { // what is known late is held against the cap of its own time
			horizon = math.MinInt64
			if n := len(m.Counted); n > capMemory {
				horizon = min(newest-window, m.Counted[n-capMemory])
			}
		}
		m.Counted = remember(m.Counted, at, horizon)
	}
	switch {
	case r.Expires > 0:
	case r.HalfLife > 0:
		if at >= m.Ref {
			m.Points, m.Ref = agreement.Decay(m.Points, at-m.Ref, r.HalfLife)+points, at
		} else {
			m.Points += agreement.Decay(points, m.Ref-at, r.HalfLife)
		}
	default:
		m.Points += points
	}
}

func clearScore(l *Lead, keep agreement.Keep, at int64) {
	if keep == agreement.KeepNothing || keep == agreement.KeepFit {
		l.Rules, l.Activities, l.Total = nil, nil, 0
		l.Asset, l.AssetAt, l.BuyingStage = -1, 0, -1
		l.Cleared = at
	}
	if keep == agreement.KeepNothing || keep == agreement.KeepEngagement {
		l.Fit = nil
	}
}

func closeHandoff(plan *agreement.Plan, h *Handoff, c *Change) {
	h.State = parseHandoffState(c.To)
	switch h.State {
	case HandoffAccepted:
		h.Accepted = c.At
	case HandoffRejected:
		h.Reason = plan.Index.Handback[c.From]
	}
}

// forgetAsked has it forgotten who reminded of the clocks of a lead: whoever has it now has not heard.
func forgetAsked(l *Lead) {
	for i := range l.Clocks {
		l.Clocks[i].Asked, l.Clocks[i].AskedBy = 0, ""
	}
}

func applyClock(l *Lead, c *Change) {
	i, ok := slices.BinarySearchFunc(l.Clocks, c.Name, func(k Clock, name string) int { return strings.Compare(k.Name, name) })
	if c.Kind == ClockStarted {
		k := Clock{Name: c.Name, Started: c.At, Since: c.At, Version: l.Version, Within: c.Int, Unit: c.Unit, Due: c.Due, Member: c.To}
		if ok {
			l.Clocks[i] = k
		} else {
			l.Clocks = slices.Insert(l.Clocks, i, k)
		}
		return
	}
	if c.Kind == ClockReady {
		if j, found := slices.BinarySearch(l.Done, c.Name); found {
			l.Done = slices.Delete(slices.Clone(l.Done), j, j+1)
		}
		return
	}
	if !ok {
		return
	}
	k := &l.Clocks[i]
	switch c.Kind {
	case ClockPaused:
		k.State, k.Used, k.Due, k.Remind = Paused, c.Int, agreement.Never, 0
	case ClockResumed:
		k.State, k.Since, k.Due = Running, c.At, c.Due
	case ClockRestarted:
		k.State, k.Since, k.Used, k.Due, k.Member = Running, c.At, 0, c.Due, c.To
		if c.Int > 0 {
			k.Step = int(c.Int)
		}
	case ReminderSet:
		k.Remind = c.At
	case OwnerReminded:
		k.Asked, k.AskedBy = c.At, c.From
	case ClockMoved:
		k.Due = c.Due
		if c.To != "" {
			k.Member = c.To
		}
	case ClockBreached:
		k.State, k.Due, k.Remind = Breached, agreement.Never, 0
		k.Breaches++
	case ClockStopped:
		l.Clocks = slices.Delete(l.Clocks, i, i+1)
		if strings.HasPrefix(c.Name, "clocks.") {
			if j, found := slices.BinarySearch(l.Done, c.Name); !found {
				l.Done = slices.Insert(slices.Clone(l.Done), j, c.Name)
			}
		}
	}
}

func (k *Clock) within() calendar.Duration {
	return calendar.Duration{Amount: k.Within, Unit: calendar.Unit(k.Unit)}
}

// Due returns the earliest instant at which something falls due for the lead, or
// agreement.Never.
func (l *Lead) Due() int64 {
	due := min(l.Wake, l.Attend)
	if l.Revisit > 0 {
		due = min(due, l.Revisit)
	}
	for i := range l.Clocks {
		due = min(due, l.Clocks[i].Due)
		if at := l.Clocks[i].Remind; at != 0 {
			due = min(due, at)
		}
	}
	return min(due, l.Call.due())
}

func named(list []agreement.Named, name string) int {
	return slices.IndexFunc(list, func(n agreement.Named) bool { return n.Name == name })
}

func parseSide(s string) agreement.Side {
	switch s {
	case "marketing":
		return agreement.Marketing
	case "sales":
		return agreement.Sales
	}
	return agreement.NoSide
}

func parseGrade(s string) agreement.Grade {
	if len(s) != 2 {
		return agreement.Grade{}
	}
	return agreement.Grade{Fit: s[0], Engagement: s[1]}
}

func parseConsent(s string) ConsentStatus {
	for c := NotAsked; c <= Objected; c++ {
		if c.String() == s {
			return c
		}
	}
	return NotAsked
}

func parseHandoffState(s string) HandoffState {
	for h := HandoffOpen; h <= HandoffWithdrawn; h++ {
		if h.String() == s {
			return h
		}
	}
	return NoHandoff
}
