package agreement

import "slices"

// index works out what lets a decision cost what changed.
func (c *compiler) index() {
	p := c.plan
	x := &p.Index
	x.ByActivity = make([][]int, len(p.Activities))
	for i := range p.Engagement {
		rule := &p.Engagement[i]
		for _, a := range rule.Activities {
			x.ByActivity[a] = append(x.ByActivity[a], i)
		}
		if len(rule.Activities) == 0 { // of any activity with its asset
			for a := range x.ByActivity {
				x.ByActivity[a] = append(x.ByActivity[a], i)
			}
		}
	}
	x.Automatic = make([][]int, len(p.Stages))
	x.Offers = make([]int, len(p.Stages))
	x.StageTopics = make([]Topics, len(p.Stages))
	everywhere := NewTopics(x.Topics)
	everywhere.Add(TopicHandoff)
	for i := range p.Clocks {
		for _, cond := range []*Condition{p.Clocks[i].Start, p.Clocks[i].Pause, p.Clocks[i].Stop} {
			if cond != nil {
				everywhere.Merge(cond.Topics)
			}
		}
	}
	for s := range p.Stages {
		x.Offers[s] = -1
		x.StageTopics[s] = slices.Clone(everywhere)
	}
	for i := range p.Transitions {
		t := &p.Transitions[i]
		if t.When == nil {
			continue
		}
		for _, s := range t.From {
			x.Automatic[s] = append(x.Automatic[s], i)
			x.StageTopics[s].Merge(t.When.Topics)
		}
	}
	if w := p.Worth; w != nil && w.Before >= 0 { // an answer may let a lead move on by itself
		for i := range p.Transitions {
			t := &p.Transitions[i]
			if t.When == nil || t.To != w.Before {
				continue
			}
			for _, s := range t.From {
				for j := range w.Asks {
					x.StageTopics[s].Add(p.QuestionTopic(w.Asks[j].Question))
					if when := w.Asks[j].When; when != nil {
						x.StageTopics[s].Merge(when.Topics)
					}
				}
			}
		}
	}
	if q := p.Tele; q != nil {
		for _, s := range q.Stages {
			if q.When != nil {
				x.StageTopics[s].Merge(q.When.Topics)
			}
			for i := range p.Rules {
				if when := p.Rules[i].When; when != nil {
					x.StageTopics[s].Merge(when.Topics)
				}
			}
		}
	}
	for i := range p.Handoffs {
		if from := p.Handoffs[i].From; from >= 0 && x.Offers[from] < 0 {
			x.Offers[from] = i
		}
	}
	x.FitTopics = NewTopics(x.Topics)
	for i := range p.Fit {
		if p.Fit[i].When != nil {
			x.FitTopics.Merge(p.Fit[i].When.Topics)
		}
	}
	x.Person = make(map[string]int, len(p.People))
	for i := range p.People {
		x.Person[p.People[i].ID] = i
	}
	x.RuleTopics = NewTopics(x.Topics)
	for i := range p.Rules {
		if when := p.Rules[i].When; when != nil {
			x.RuleTopics.Merge(when.Topics)
		}
	}
	x.ReadinessTopics = NewTopics(x.Topics)
	for i := range p.Readiness {
		if p.Readiness[i].When != nil {
			x.ReadinessTopics.Merge(p.Readiness[i].When.Topics)
		}
	}
}
