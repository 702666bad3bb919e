package cli

import (
	"fmt"

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
	return nil
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
	return &v.Verification, err
}
