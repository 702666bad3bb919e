package lifecycle

import (
	"slices"
	"strconv"

	"baton/internal/agreement"
)

// did counts an activity where and when it occurred.
func (d *decider) did() {
	in := d.in
	if in.Bot {
		d.becauseText("activities", "a robot did this: kept, not counted")
		return
	}
	if d.lead.Consent.Status == Objected {
		d.becauseText("consent", "the lead objected to profiling: kept, not counted")
		return
	}
	slot, ok := d.plan.Index.Activity[in.Name]
	if !ok {
		d.becauseText("activities", "the agreement has no activity "+in.Name+": kept, not counted")
		return
	}
	if d.at < d.lead.Cleared {
		d.becauseText("activities."+in.Name, "it occurred before the score was last cleared: kept, not counted")
		return
	}
	a := &d.plan.Activities[slot]
	d.emit(Change{Kind: ActivityCounted, Name: a.Name, At: d.at})
	d.touch(d.plan.ActivityTopic(slot))
	d.touch(agreement.TopicActivities)
	stage := a.BuyingStage
	asset := -1
	if in.Asset != "" {
		if i, ok := d.plan.Index.Asset[in.Asset]; ok {
			asset = i
			d.emit(Change{Kind: AssetSeen, Name: in.Asset, At: d.at})
			stage = max(stage, d.plan.Assets[i].BuyingStage)
		} else {
			d.becauseText("assets", "the agreement has no asset "+in.Asset+": kept with the input")
		}
	}
	if stage > d.lead.BuyingStage {
		d.emit(Change{Kind: BuyingStageReached, To: d.plan.BuyingStages[stage].Name, Reason: d.because(d.plan.BuyingStages[stage].Address)})
		d.touch(agreement.TopicBuyingStage)
	}
	d.setProperties()
	for _, r := range d.plan.Index.ByActivity[slot] {
		rule := &d.plan.Engagement[r]
		if rule.Asset >= 0 && rule.Asset != asset {
			continue
		}
		if rule.When != nil {
			d.observe()
			if !rule.When.Holds(&d.facts) {
				continue
			}
		}
		if rule.AtMost > 0 && d.capped(r, rule) {
			d.becauseText(rule.Address, "counted as often as the agreement allows already")
			continue
		}
		d.emit(Change{Kind: PointsGiven, Name: rule.Name, Int: int64(r), Points: rule.Points, At: d.at, Reason: d.because(rule.Address)})
		d.rescore = true
	}
}

func (d *decider) setProperties() {
	d.properties = d.properties[:0]
	if len(d.plan.Properties) == 0 || len(d.in.Values) == 0 {
		d.facts.Properties = nil
		return
	}
	d.properties = append(d.properties, make([]agreement.Value, len(d.plan.Properties))...)
	for i := range d.in.Values {
		named := &d.in.Values[i]
		if slot, ok := d.plan.Index.Property[named.Name]; ok {
			p := &d.plan.Properties[slot]
			if v, ok := Coerce(d.plan, p.Kind, p.Choices, named.Value); ok {
				d.properties[slot] = v
			}
		}
	}
	d.facts.Properties = d.properties
}

// capped reports whether counting one more at d.at would put more than AtMost into any
// window of length Per.
func (d *decider) capped(r int, rule *agreement.EngagementRule) bool {
	i, ok := slices.BinarySearchFunc(d.lead.Rules, r, func(m RuleMemory, r int) int { return m.Rule - r })
	if !ok {
		return false
	}
	counted := d.lead.Rules[i].Counted
	// walk the windows that begin at or before d.at and still hold it
	n := len(counted)
	lo := n
	for lo > 0 && counted[lo-1] > d.at-rule.Per {
		lo--
	}
	for start := lo; start <= n; start++ {
		first := d.at
		if start < n {
			first = min(first, counted[start])
		}
		inside := 0
		for j := start; j < n && counted[j] < first+rule.Per; j++ {
			inside++
		}
		if inside >= rule.AtMost {
			return true
		}
		if first == d.at {
			break
		}
	}
	return false
}

// buildCurve describes the engagement of the working copy as a function of time from now on.
func (d *decider) buildCurve() {
	buildCurve(&d.curve, d.plan, &d.lead, d.now)
	d.engagement, d.curved = d.curve.At(d.now), true
}

func buildCurve(c *agreement.Curve, plan *agreement.Plan, l *Lead, now int64) {
	c.Reset(now)
	if l.Consent.Status == Objected {
		return
	}
	for i := range l.Rules {
		m := &l.Rules[i]
		r := &plan.Engagement[m.Rule]
		switch {
		case r.Expires > 0:
			for _, at := range m.Counted {
				if until := at + r.Expires; until > now {
					c.Steps = append(c.Steps, agreement.StepTerm{Points: r.Points, Until: until})
				}
			}
		case r.HalfLife > 0:
			c.Terms = append(c.Terms, agreement.DecayTerm{Points: m.Points, Ref: m.Ref, HalfLife: r.HalfLife})
		default:
			c.Flat += m.Points
		}
	}
}

// score brings fit, engagement, grade and readiness up to date.
func (d *decider) score() {
	l := &d.lead
	if l.Consent.Status == Objected {
		d.curve.Reset(d.now)
		d.setScore(0, 0, agreement.Grade{})
		d.setReadiness(0, nil)
		d.observe()
		return
	}
	fit := d.scoreFit()
	d.buildCurve()
	engagement := d.engagement
	if !d.rescore && fit == l.FitPoints && d.in.Kind != Timer {
		// only time has passed: the score is told again when something tells on it
		engagement = l.Engagement
	}
	grade := agreement.Grade{}
	if d.plan.Grade.Address != "" {
		grade = d.plan.Grade.Of(fit, d.engagement)
	}
	d.setScore(fit, engagement, grade)
	d.observe()
	d.ready()
}

// ready finds the readiness level. A lead that objected to profiling has none.
func (d *decider) ready() {
	if d.lead.Consent.Status == Objected || d.in.Kind != Timer && !d.touched.Overlaps(d.plan.Index.ReadinessTopics) {
		return
	}
	level, when := 0, (*agreement.ReadinessLevel)(nil)
	for i := len(d.plan.Readiness) - 1; i >= 0; i-- {
		if r := &d.plan.Readiness[i]; r.When.Holds(&d.facts) {
			level, when = r.Level, r
			break
		}
	}
	d.setReadiness(level, when)
}

func (d *decider) scoreFit() int64 {
	total := d.lead.FitPoints
	if !d.touched.Overlaps(d.plan.Index.FitTopics) {
		return total
	}
	for i := range d.plan.Fit {
		r := &d.plan.Fit[i]
		if r.When != nil && !d.touched.Overlaps(r.When.Topics) {
			continue
		}
		_, had := slices.BinarySearch(d.lead.Fit, i)
		holds := r.When.Holds(&d.facts)
		if holds == had {
			continue
		}
		kind := FitGained
		if had {
			kind = FitLost
		}
		d.emit(Change{Kind: kind, Name: r.Name, Int: int64(i), Points: r.Points, Reason: d.becauseSaw(r.Address, r.When)})
	}
	total = 0
	for _, i := range d.lead.Fit {
		total += d.plan.Fit[i].Points
	}
	return total
}

func (d *decider) setScore(fit, engagement int64, grade agreement.Grade) {
	l := &d.lead
	if fit != l.FitPoints {
		d.touch(agreement.TopicFit)
	}
	if fit != l.FitPoints || engagement != l.Engagement {
		d.emit(Change{Kind: Rescored, Points: fit, Int: engagement})
		d.touch(agreement.TopicEngagement)
	}
	if grade != l.Grade {
		why := 0
		if grade.Fit != 0 {
			why = d.because(d.plan.Grade.Address, agreement.Seen{Name: "fit", Value: PointsText(fit)},
				agreement.Seen{Name: "engagement", Value: PointsText(d.curve.At(d.now))})
		}
		d.emit(Change{Kind: GradeChanged, From: l.Grade.String(), To: grade.String(), Reason: why})
		d.touch(agreement.TopicGrade)
	}
}

func (d *decider) setReadiness(level int, rule *agreement.ReadinessLevel) {
	if level == d.lead.Readiness {
		return
	}
	why := 0
	if rule != nil {
		why = d.becauseSaw(rule.Address, rule.When)
	}
	d.emit(Change{Kind: ReadinessChanged, From: strconv.Itoa(d.lead.Readiness), To: strconv.Itoa(level), Int: int64(level), Reason: why})
	d.touch(agreement.TopicReadiness)
	d.facts.Readiness = level
}

// PointsText writes points for people: a whole number, or one decimal. What is cut off
// is never rounded up, so that a threshold that is not reached is never shown as reached.
func PointsText(points int64) string {
	tenths := points / (agreement.Point / 10)
	text := ""
	if points < 0 {
		tenths, text = -tenths, "-"
	}
	text += strconv.FormatInt(tenths/10, 10)
	if r := tenths % 10; r != 0 {
		text += "." + strconv.FormatInt(r, 10)
	}
	if text == "-0" {
		return "0"
	}
	return text
}
