package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/lifecycle"
	"baton/internal/replay"
	"baton/internal/store"
)

type verifyCommand struct{ database }

func (c *verifyCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	last, err := st.LastInput(r.ctx)
	if err != nil {
		return err
	}
	found, err := verify(r, st, last)
	if err != nil {
		return err
	}
	if found.First != nil {
		fmt.Fprintf(r.Err, "baton: %s of %s decisions come out differently. The first:\n%s\n", thousands(found.Different), thousands(found.Inputs), found.First)
		return errSaid
	}
	fmt.Fprintf(r.Out, "%s, decided again: every decision is the same to the byte.\n", count(found.Inputs, "input", "inputs"))
	if found.Inspect == nil {
		return nil
	}
	if found.Inspect.Faults > 0 {
		fmt.Fprintf(r.Err, "baton: what must always hold does not, %s. This is a fault of Baton, and not of your agreement; please report it. The first:\n%s\n",
			times(found.Inspect.Faults), found.Inspect.First)
		return errSaid
	}
	fmt.Fprintln(r.Out, pursued(found.Inspect))
	return nil
}

// pursued says how every hand-off ended.
func pursued(a *replay.Inspector) string {
	if a.Offered == 0 {
		return "Every lead is in one stage, and every clock has its outcome. Nothing has been offered to sales yet."
	}
	var ends []string
	for _, state := range slices.Sorted(maps.Keys(a.Ended)) {
		ends = append(ends, thousands(a.Ended[state])+" "+state)
	}
	if open := a.Open(); open > 0 {
		ends = append(ends, thousands(open)+" open with a holder and a clock")
	}
	return fmt.Sprintf("%s: %s; none in limbo. Every lead is in one stage and with one holder, every clock has its outcome, and each of %s has its decision.",
		count(a.Offered, "hand-off", "hand-offs"), strings.Join(ends, ", "), count(a.Alerts, "alert", "alerts"))
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return thousands(n) + " times"
}

func verify(r *run, st *store.Store, last int64) (*replay.Verification, error) {
	progress := newBar(r, "Deciding again")
	v := &replay.Verifier{Plan: func(version int64) (*agreement.Plan, error) {
		stored, err := st.AgreementVersion(r.ctx, version)
		if err != nil {
			return nil, err
		}
		return app.Compile(stored)
	}}
	err := st.EachInput(r.ctx, 0, func(in lifecycle.Input, decision []byte) error {
		if in.ID%1024 == 0 {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			progress.to(in.ID, last, "")
		}
		if len(decision) == 0 { // it could not be decided then
			return nil
		}
		return v.Next(in, in.Version, decision)
	})
	progress.done()
	if w := v.World(); w != nil {
		v.Inspect.Close(w.Roster)
	}
	return &v.Verification, err
}
