package lifecycle

import (
	"slices"
	"strings"

	"baton/internal/agreement"
)

// engage finds what marketing may use to speak to the lead from now on, by consent and the rules of engagement: what sends its
// programmes pauses and resumes by it.
func (d *decider) engage() {
	if len(d.plan.Rules) == 0 {
		return
	}
	switch d.in.Kind {
	case Did, Identify, Answered, Contact, Take, Release:
		if !d.touched.Overlaps(d.plan.Index.RuleTopics) {
			return
		}
	}
	may, why := d.marketingMay()
	was := d.lead.Marketing
	if may == was {
		return
	}
	reason := why()
	d.emit(Change{Kind: MarketingSet, From: was, To: may, Reason: reason})
	if may == "" {
		d.effect(TellResumed, agreement.Marketing.String(), "all", reason)
	} else {
		d.effect(TellPaused, agreement.Marketing.String(), may, reason)
	}
}

// marketingMay returns what marketing may use, as Lead.Marketing has it, and what cites the clause that says so.
func (d *decider) marketingMay() (may string, why func() int) {
	const none = "none"
	switch d.lead.Consent.Status {
	case Objected, Withdrawn:
		return none, func() int { return d.becauseText("consent", "the lead does not want to be written to") }
	}
	d.observe()
	if !d.curved {
		d.buildCurve()
	}
	d.facts.Engagement = d.curve.At(d.now)
	for i := range d.plan.Rules {
		rule := &d.plan.Rules[i]
		if !rule.When.Holds(&d.facts) {
			continue
		}
		holds := rule.Speaks == agreement.SpeakBoth || rule.Speaks == agreement.SpeakMarketing ||
			rule.Speaks == agreement.SpeakOriginator && d.lead.Origin == agreement.Marketing
		switch {
		case rule.Marketing == nil && !holds || slices.Contains(rule.Marketing, none):
			may = none
		case rule.Marketing != nil && !slices.Contains(rule.Marketing, "all"):
			may = strings.Join(rule.Marketing, " ")
		}
		return may, func() int { return d.because(rule.Address, rule.When.Saw(&d.facts)...) }
	}
	return none, func() int {
		return d.becauseText("rules_of_engagement", "no rule of engagement holds, so nobody speaks")
	}
}

// overheard notes that somebody spoke to the lead although another holds the conversation. It is not refused: it has
// happened.
func (d *decider) overheard() {
	m := d.state.Roster.Member(d.in.Actor)
	if m == nil || m.Side == agreement.NoSide || d.in.Name == "autoresponder" || len(d.plan.Rules) == 0 {
		return
	}
	channel := d.in.Channel
	if q := d.plan.Tele; channel == "" && q != nil && d.lead.Call.Since > 0 {
		channel = q.Channel // it is in the queue to be called
	}
	v := May(d.plan, &d.state, Speaker{Member: m.ID}, channel, d.now)
	if v.Allowed {
		return
	}
	c := Change{Kind: SpokenAgainst, Name: m.ID, From: d.in.Name, To: v.Holder, At: d.at, Reason: d.because(v.Clause, v.Saw...)}
	if channel != "" {
		c.Value = agreement.TextValue(channel)
	}
	d.emit(c)
}
