package web

import (
	"fmt"
	"slices"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// pathStage is a stage on the way of a lead: where it was, where it is, and where it would go.
type pathStage struct {
	Name, Hint string
	Side       string
	Been, Here bool
}

// path is the way of a lead on its present pass, and the main way of the agreement from there. visits are the newest first.
func (a *ask) path(plan *agreement.Plan, l *lifecycle.Lead, visits []store.Stay) (list []pathStage) {
	for _, v := range slices.Backward(visits) {
		if v.Pass != int64(l.Pass) {
			continue
		}
		p := pathStage{Name: document.Title(v.Stage), Side: v.Side, Been: true, Hint: a.dayShort(v.Entered)}
		if v.Left > 0 {
			if d := (v.Left - v.Entered) / (24 * hour); d > 0 {
				p.Hint += fmt.Sprintf(", %d %s", d, plural(int(d), "day", "days"))
			}
		}
		list = slices.DeleteFunc(list, func(have pathStage) bool { return have.Name == p.Name })
		list = append(list, p)
	}
	if n := len(list); n > 0 {
		list[n-1].Here = true
		switch l.Handoff.State {
		case lifecycle.HandoffOpen:
			list[n-1].Hint = "on offer since " + a.clockTime(l.Handoff.Offered)
		case lifecycle.HandoffEscalated:
			list[n-1].Hint = "with the manager, since " + a.clockTime(l.Handoff.Since)
		}
	}
	way := document.MainWay(plan)
	at := slices.Index(way, l.Stage)
	if at < 0 {
		return list
	}
	for i := at; i+1 < len(way); i++ {
		to := &plan.Stages[way[i+1]]
		list = append(list, pathStage{Name: document.Title(to.Name), Side: to.Side.String(), Hint: stepHint(plan, way[i], way[i+1])})
	}
	return list
}

// stepHint says what takes a lead from a stage to the next.
func stepHint(plan *agreement.Plan, from, to int) string {
	for i := range plan.Handoffs {
		if h := &plan.Handoffs[i]; h.From == from && h.To == to {
			return "when sales accepts"
		}
	}
	for i := range plan.Transitions {
		t := &plan.Transitions[i]
		if t.To != to || !slices.Contains(t.From, from) {
			continue
		}
		if t.By != agreement.NoSide {
			return "when " + t.By.String() + " says so"
		}
		return "by itself"
	}
	return ""
}
