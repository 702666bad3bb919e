package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/lifecycle"
)

// Act has what somebody does with a lead decided: a command of the REST API, or a form of a page. ref is what they call the
// lead; the input has its kind, its actor, its source and what belongs to the kind. once tells a request that came
// twice, "" for nothing. A command that the agreement does not allow is no error: the decision says why it was refused. What
// cannot be asked at all is a *Problem.
func (a *API) Act(ctx context.Context, ref string, arrival lifecycle.Arrival, once string) (*lifecycle.Decision, error) {
	if err := a.meaningful(ctx, &arrival.Input); err != nil {
		return nil, err
	}
	row, err := a.row(ctx, ref)
	if err != nil {
		return nil, err
	}
	arrival.Input.Lead = row.ID
	d, _, err := a.decide(ctx, arrival, nil, once)
	return d, err
}

// Same has it decided that two leads are one person, or that a lead is another person again: a Merge of ref and with, or the Split of ref,
// for which with is "". in has its kind, its actor and its source; the rest is as with Act.
func (a *API) Same(ctx context.Context, ref, with string, in lifecycle.Input, once string) (*lifecycle.Decision, error) {
	d, _, err := a.same(ctx, ref, with, in, nil, once)
	return d, err
}

// same is Same. The engine finds out for itself which of the two goes on.
func (a *API) same(ctx context.Context, ref, with string, in lifecycle.Input, at *time.Time, once string) (d *lifecycle.Decision, replayed string, err error) {
	if a.Plan() == nil {
		return nil, "", engine.ErrNoAgreement
	}
	if with != "" {
		if in.Other, err = a.find(ctx, with); err == nil {
			_, err = a.living(ctx, in.Other)
		}
		if err != nil {
			return nil, "", err
		}
	}
	if err := a.known(ctx, "body.actor", in.Actor, true); err != nil {
		return nil, "", err
	}
	if in.Lead, err = a.find(ctx, ref); err == nil {
		_, err = a.living(ctx, in.Lead)
	}
	if err != nil {
		return nil, "", err
	}
	return a.decide(ctx, lifecycle.Arrival{Input: in}, at, once)
}

// meaningful reports what in a command the agreement or the team does not know.
func (a *API) meaningful(ctx context.Context, in *lifecycle.Input) error {
	if a.Plan() == nil {
		return engine.ErrNoAgreement
	}
	if in.Actor != "" && (in.Kind != lifecycle.Remind || in.Source != "web") { // whoever has signed in and may remind need not be of the team
		if err := a.known(ctx, "body.actor", in.Actor, true); err != nil {
			return err
		}
	}
	plan := a.plan()
	switch in.Kind {
	case lifecycle.Assign:
		return a.known(ctx, "body.to", in.Name, false)
	case lifecycle.OwnAccount:
		return a.known(ctx, "body.owner", in.Name, false)
	case lifecycle.Move:
		words := names(plan.Transitions, func(t *agreement.Transition) string {
			if t.By == agreement.NoSide {
				return ""
			}
			return t.Name
		})
		if !has(words, in.Name) {
			return unknownChoice("body.transition", "transition that a person takes; there are", in.Name, words)
		}
	case lifecycle.Contact:
		words := names(plan.Channels, func(c *agreement.Channel) string { return c.Name })
		if in.Channel != "" && !has(words, in.Channel) {
			return unknownWord("body.channel", "channel", in.Channel, words)
		}
	case lifecycle.WalkAway:
		var words []string
		if w := plan.Worth; w != nil {
			words = names(w.WalkAway, func(n *agreement.Named) string { return n.Name })
		}
		if !has(words, in.Name) {
			return unknownWord("body.reason", "reason to walk away", in.Name, words)
		}
	case lifecycle.Reject, lifecycle.HandBack:
		words := names(plan.Handbacks, func(h *agreement.Handback) string { return h.Name })
		if in.Kind == lifecycle.Reject {
			words = nil
			for i := range plan.Handoffs {
				for _, slot := range plan.Handoffs[i].Reject {
					if name := plan.Handbacks[slot].Name; !has(words, name) {
						words = append(words, name)
					}
				}
			}
		}
		if !has(words, in.Name) {
			what := "reason to hand back; the agreed ones are"
			if in.Kind == lifecycle.Reject {
				what = "reason to reject; the agreed ones are"
			}
			return unknownChoice("body.reason", what, in.Name, words)
		}
		if _, ok := plan.Index.Clause[in.Clause]; in.Clause != "" && !ok {
			return problemOf("vocabulary", fmt.Sprintf("the agreement has no clause %q", clip(in.Clause)), ProblemError{Location: "body.clause", Message: "no clause of the agreement"})
		}
	}
	return nil
}

// known reports whether somebody is in the team, or leads somebody who is.
func (a *API) known(ctx context.Context, location, id string, orLeads bool) error {
	roster, err := a.Store.Roster(ctx)
	if err != nil {
		return err
	}
	if roster != nil && (roster.Member(id) != nil || orLeads && slices.ContainsFunc(roster.Members, func(m lifecycle.Member) bool { return m.Manager == id })) {
		return nil
	}
	return a.noMember(location, id)
}

// decide has an arrival decided, once for each idempotency key, and returns the decision. replayed is "true" when it was decided before.
func (a *API) decide(ctx context.Context, arrival lifecycle.Arrival, at *time.Time, once string) (d *lifecycle.Decision, replayed string, err error) {
	in := &arrival.Input
	in.Known = a.now()
	dated := in.At != 0 || at != nil
	if in.At == 0 {
		in.At = in.Known
	}
	if at != nil {
		in.At = at.UnixMicro()
		if why := noInstant(in.At, in.Known); why != "" {
			return nil, "", problemOf("invalid", "at "+why, ProblemError{Location: "body.at", Message: why})
		}
	}
	in.Source, in.Key = cmp.Or(in.Source, "api:"+keyOf(ctx).Name), once
	asked := *in
	outcomes, err := a.submit(ctx, []lifecycle.Arrival{arrival})
	if err != nil {
		return nil, "", err
	}
	out := &outcomes[0]
	switch {
	case errors.Is(out.Err, engine.ErrMoved):
		return nil, "", problemOf("moved-on", "more has happened to this lead since you read it; read it again and decide again").with("ETag", entityTag(out.Input))
	case out.Duplicate:
		e, err := a.Store.EventOf(ctx, out.Input)
		if err != nil {
			return nil, "", err
		}
		if !alike(&asked, &e.Input, dated) {
			return nil, "", problemOf("key-reused", "this Idempotency-Key was used for another request before; make a new one for each thing you do",
				ProblemError{Location: "header.Idempotency-Key", Message: "used before"})
		}
		if e.Error != "" {
			return nil, "", fmt.Errorf("input %d could not be decided: %s", out.Input, e.Error)
		}
		return &e.Decision, "true", nil
	case out.Err != nil:
		return nil, "", problemOf("internal", fmt.Sprintf("this could not be decided; it is kept among the problems as input %d", out.Input))
	}
	return &out.Decision, "", nil
}

// Answers puts answers into values, sorted; the agreement has a question for each.
func (a *API) Answers(list map[string]any) ([]lifecycle.Named, error) {
	plan := a.plan()
	var values []lifecycle.Named
	for _, name := range slices.Sorted(maps.Keys(list)) {
		given := list[name]
		slot, ok := plan.Index.Question[name]
		if !ok {
			return nil, unknownWord("body.answers."+clip(name), "question", name, names(plan.Questions, func(q *agreement.Question) string { return q.Name }))
		}
		v, ok := valueOf(given)
		q := &plan.Questions[slot]
		if ok {
			_, ok = lifecycle.Coerce(plan, q.Kind, q.Choices, v)
		}
		if !ok {
			want := "a " + q.Kind.String()
			if len(q.Choices) > 0 {
				want = "one of " + strings.Join(q.Choices, ", ")
			}
			return nil, problemOf("vocabulary", fmt.Sprintf("the answer to %s should be %s", name, want), ProblemError{Location: "body.answers." + name, Message: "a " + q.Kind.String(), Allowed: q.Choices})
		}
		values = append(values, lifecycle.Named{Name: name, Value: v})
	}
	return sorted(values), nil
}
