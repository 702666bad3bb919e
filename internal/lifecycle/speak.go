package lifecycle

import (
	"slices"

	"baton/internal/agreement"
)

// Verdict answers whether somebody may speak to a lead now.
type Verdict struct {
	Allowed bool
	Clause  string // the rule of engagement, or "consent"
	Holder  string // who holds the conversation: a member's ID, "marketing", "sales" or ""
	Text    string // in words
	Saw     []agreement.Seen
}

// Speaker is who wants to speak: a member, or a side on its own behalf.
type Speaker struct {
	Member string
	Side   agreement.Side
}

// May answers whether the speaker may use a channel to reach the lead at an instant. Consent comes
// first and is absolute; then the first rule of engagement whose condition holds decides.
// The empty channel asks about speaking at all.
func May(plan *agreement.Plan, view *View, who Speaker, channel string, at int64) Verdict {
	l := view.Lead
	switch l.Consent.Status {
	case Objected:
		return Verdict{Clause: "consent", Text: "the lead objected to being contacted and profiled"}
	case Withdrawn:
		return Verdict{Clause: "consent", Text: "the lead withdrew consent to messages"}
	}
	side := who.Side
	if m := view.Roster.Member(who.Member); m != nil && m.Side != agreement.NoSide {
		side = m.Side
	}
	return rule(plan, l, FactsAt(plan, view, at), who, side, channel)
}

// rule is what the rules of engagement say.
func rule(plan *agreement.Plan, l *Lead, facts *agreement.Facts, who Speaker, side agreement.Side, channel string) Verdict {
	for i := range plan.Rules {
		rule := &plan.Rules[i]
		if !rule.When.Holds(facts) {
			continue
		}
		return speak(plan, l, rule, who, side, channel, rule.When.Saw(facts))
	}
	return Verdict{Clause: "rules_of_engagement", Text: "no rule of engagement holds, so nobody speaks"}
}

func speak(plan *agreement.Plan, l *Lead, rule *agreement.SpeakRule, who Speaker, side agreement.Side, channel string, saw []agreement.Seen) Verdict {
	v := Verdict{Clause: rule.Address, Saw: saw}
	holder := agreement.NoSide
	switch rule.Speaks {
	case agreement.SpeakMarketing:
		holder = agreement.Marketing
	case agreement.SpeakSales:
		holder = agreement.Sales
	case agreement.SpeakOriginator:
		holder = l.Origin
	}
	v.Holder = holder.String()
	if holder == agreement.Sales && l.Owner != "" {
		v.Holder = l.Owner
	}
	holds := rule.Speaks == agreement.SpeakBoth || holder == side && side != agreement.NoSide
	channels := rule.Marketing
	if side == agreement.Sales {
		channels = rule.Sales
	}
	switch {
	case channels == nil:
		v.Allowed = holds
	case slices.Contains(channels, "all"):
		v.Allowed = true
	case slices.Contains(channels, "none"):
		v.Allowed = false
	case channel == "":
		v.Allowed = true
	default:
		v.Allowed = slices.Contains(channels, channel)
	}
	if holds && v.Allowed && holder == agreement.Sales && l.Owner != "" && who.Member != "" && who.Member != l.Owner {
		v.Allowed = false
		v.Text = "the conversation is " + l.Owner + "'s"
		return v
	}
	switch {
	case v.Allowed && rule.Speaks == agreement.SpeakBoth:
		v.Text = "both sides may speak"
	case v.Allowed && holds:
		v.Text = side.String() + " holds the conversation"
	case v.Allowed:
		v.Text = side.String() + " may use this channel"
	case holder != agreement.NoSide:
		v.Text = holder.String() + " holds the conversation"
	default:
		v.Text = "nobody speaks under this rule"
	}
	return v
}

// FactsAt describes a lead as a condition sees it at an instant, without changing anything.
func FactsAt(plan *agreement.Plan, view *View, at int64) *agreement.Facts {
	d := &decider{plan: plan, in: &Input{}, now: at, at: at}
	d.lead = *view.Lead
	d.state = View{Lead: &d.lead, Roster: view.Roster}
	if view.Account != nil {
		d.account = *view.Account
		d.state.Account = &d.account
	}
	d.facts = agreement.Facts{Now: at, EngagementCurve: &d.curve}
	d.buildCurve()
	d.observe()
	d.facts.Engagement = d.curve.At(at)
	d.facts.Grade = d.lead.Grade
	if d.facts.Scored && d.lead.Grade.Fit != 0 {
		d.facts.Grade = plan.Grade.Of(d.lead.FitPoints, d.facts.Engagement)
	}
	return &d.facts
}
