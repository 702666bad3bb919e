package lifecycle

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"baton/internal/agreement"
)

// Limbo says why the hand-off of a lead would wait for ever, with nobody whose it is to answer and nothing that
// asks: "" if it does not wait, or if it does not wait so. Every hand-off ends accepted, rejected, expired or
// escalated, unless the lead goes another way first; while it is open a clock runs.
func Limbo(plan *agreement.Plan, l *Lead) string {
	h := &l.Handoff
	if !l.Waits() {
		return ""
	}
	if l.Owner == "" && l.Queue < 0 {
		return "it is offered to nobody, and waits in no queue"
	}
	address := plan.Handoffs[h.Rule].AcceptClause.Address
	i := slices.IndexFunc(l.Clocks, func(k Clock) bool { return k.Name == address })
	switch {
	case i < 0:
		return "it has no time to be accepted in"
	case h.State == HandoffOpen && l.Clocks[i].State != Running:
		return "the time to accept it is " + l.Clocks[i].State.String() + ", and no step is left"
	}
	return ""
}

// Waits reports whether the lead's hand-off waits to be accepted.
func (l *Lead) Waits() bool {
	return l.Handoff.Rule >= 0 && (l.Handoff.State == HandoffOpen || l.Handoff.State == HandoffEscalated)
}

// Sound returns an error if the state of a lead breaks a rule that must always hold: one stage, one holder, no
// hand-off in limbo, no clock of something that is over, nothing that runs for who has objected or is at an end.
// The plan is that of the lead's version.
func Sound(plan *agreement.Plan, l *Lead) error {
	if l.Stage < 0 {
		return nil // erased, or merged
	}
	if l.Stage >= len(plan.Stages) {
		return errors.New("is in no stage")
	}
	stage, h := &plan.Stages[l.Stage], &l.Handoff
	switch {
	case l.Owner != "" && l.Queue >= 0:
		return errors.New("has an owner and waits in a queue")
	case l.Waits() && plan.Index.Offers[l.Stage] != h.Rule:
		return fmt.Errorf("is on offer in %s, which does not offer it", stage.Name)
	case (stage.Final != agreement.NotFinal || l.Consent.Status == Objected) && (len(l.Clocks) > 0 || l.Wake != agreement.Never || l.Attend != agreement.Never || l.Waits()):
		return fmt.Errorf("in %s, with consent %s, has a clock, an offer or a wake-up", stage.Name, l.Consent.Status)
	case l.Consent.Status == Objected && (l.Engagement != 0 || l.FitPoints != 0 || l.Readiness != 0 || l.Grade != agreement.Grade{}):
		return errors.New("objected and has a score")
	}
	if why := Limbo(plan, l); why != "" {
		return errors.New("has a hand-off in limbo: " + why)
	}
	for i := range l.Clocks {
		k := &l.Clocks[i]
		here := true
		switch {
		case strings.HasSuffix(k.Name, ".accept_within"):
			here = l.Waits() && k.Name == plan.Handoffs[h.Rule].AcceptClause.Address
		case strings.HasSuffix(k.Name, ".contact_within"):
			here = h.State == HandoffAccepted && h.Contacted == 0 && k.Name == plan.Handoffs[h.Rule].ContactClause.Address
		case strings.HasSuffix(k.Name, ".limit"):
			here = k.Name == stage.Address+".limit"
		}
		if !here {
			return fmt.Errorf("in %s, hand-off %q, runs the clock %s", stage.Name, h.State, k.Name)
		}
		if (k.State == Running) != (k.Due != agreement.Never) {
			return fmt.Errorf("has a clock %s that is %s and due at %d", k.Name, k.State, k.Due)
		}
	}
	return nil
}
