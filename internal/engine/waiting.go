package engine

import (
	"context"
	"errors"
	"fmt"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// ErrNothingWaits means that no hand-off waits in a queue.
var ErrNothingWaits = errors.New("no hand-off waits in this queue now")

// AcceptNext has a member accept the hand-off that has waited longest in a queue of the agreement and that nobody else accepts in the
// same moment. As in TakeNext, the decision is that of the lead's own input: two never have the same one, also from several
// processes, and nobody can take a later one while an earlier one is left. submit and in are as there.
func AcceptNext(ctx context.Context, st *store.Store, submit func(context.Context, []lifecycle.Arrival) ([]Outcome, error), queue string, in lifecycle.Input) (Outcome, error) {
	in.Kind = lifecycle.Accept
	for range mostTakes {
		lead, err := st.LongestWaiting(ctx, queue)
		if err != nil {
			return Outcome{}, err
		}
		if lead == 0 {
			return Outcome{}, ErrNothingWaits
		}
		in.Lead = lead
		outcomes, err := submit(ctx, []lifecycle.Arrival{{Input: in}})
		if err != nil {
			return Outcome{}, err
		}
		out := outcomes[0]
		if out.Err != nil || out.Duplicate || out.Decision.Refused == "" {
			return out, nil
		}
		if now, err := st.LeadByID(ctx, lead); err == nil && now.Lead.Waits() && now.Lead.Owner == "" {
			return out, nil // whoever asks may not accept it
		} else if err != nil && !errors.Is(err, store.ErrNoLead) {
			return Outcome{}, err
		}
	}
	return Outcome{}, fmt.Errorf("taking the next hand-off: %w", ErrFull)
}
