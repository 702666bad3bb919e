package engine

import (
	"context"
	"errors"
	"fmt"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// QueueRow is a lead that waits to be called, as a page shows it.
type QueueRow struct {
	store.ListedLead
	lifecycle.CallPlace
	Reason string // why it stands there: "grade A1, price_list (high), 3 days left"
	Holder string // the member who has taken it, "" for nobody
	Until  int64  // how long they have it
	Next   int64  // the next try is not before, 0 for at once
}

// Queue returns leads that wait to be called, in the order of their state, at most so many, as they stand at an instant: those that
// may be called now by grade, then the value of the most recent asset, then the time left. With a holder, of
// those taken only theirs. plan returns the agreement of a version. It takes one query, whose cost is the number of rows.
func Queue(ctx context.Context, st *store.Store, plan func(context.Context, int64) (*agreement.Plan, error), state store.CallState, holder string, at int64, most int) ([]QueueRow, error) {
	leads, err := st.ListCalls(ctx, state, holder, most)
	if err != nil {
		return nil, err
	}
	rows := make([]QueueRow, 0, len(leads))
	for i := range leads {
		p, err := plan(ctx, leads[i].Version)
		if err != nil {
			return nil, err
		}
		k := &leads[i].Lead.Call
		row := QueueRow{ListedLead: leads[i], CallPlace: lifecycle.PlaceOf(p, leads[i].Lead, at), Holder: k.Holder, Until: k.Until, Next: k.Next}
		row.Reason = row.CallPlace.Sentence()
		rows = append(rows, row)
	}
	return rows, nil
}

// ErrNobodyWaits means that no lead waits to be called now.
var ErrNobodyWaits = errors.New("nobody waits to be called now")

// mostTakes is how many leads are tried when others take them at the same time.
const mostTakes = 50

// TakeNext has a member take the first lead of the queue that nobody else takes in the same moment: the decision is that of the
// lead's own Take, so that two never have the same one, also from several processes. submit is Submit, or what
// stands before it; in holds Actor, Source, Known and At. A refusal that is not about the lead is in the outcome.
func TakeNext(ctx context.Context, st *store.Store, submit func(context.Context, []lifecycle.Arrival) ([]Outcome, error), in lifecycle.Input) (Outcome, error) {
	in.Kind = lifecycle.Take
	for range mostTakes {
		first, err := st.ListCalls(ctx, store.CallFree, "", 1)
		if err != nil {
			return Outcome{}, err
		}
		if len(first) == 0 {
			return Outcome{}, ErrNobodyWaits
		}
		in.Lead = first[0].ID
		outcomes, err := submit(ctx, []lifecycle.Arrival{{Input: in}})
		if err != nil {
			return Outcome{}, err
		}
		out := outcomes[0]
		if out.Err != nil || out.Duplicate || out.Decision.Refused == "" {
			return out, nil
		}
		if now, err := st.LeadByID(ctx, in.Lead); err == nil && now.Lead.Call.Free() {
			return out, nil // whoever asks may not take it
		} else if err != nil && !errors.Is(err, store.ErrNoLead) {
			return Outcome{}, err
		}
	}
	return Outcome{}, fmt.Errorf("taking the next lead: %w", ErrFull)
}
