package replay

import (
	"bytes"
	"fmt"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// Verification is what Verify found.
type Verification struct {
	Inputs    int64
	Different int64
	First     *Difference // nil if every decision came out again
	Inspect   *Inspector  // of the decisions as they come out now; nil before the first
}

// Difference is a decision that did not come out again.
type Difference struct {
	Input    lifecycle.Input
	Recorded []byte
	Now      []byte
}

// String tells the difference to an engineer.
func (d *Difference) String() string {
	return fmt.Sprintf("input %d (%s of lead %d) was decided\n  %s\nand is decided now\n  %s", d.Input.ID, d.Input.Kind, d.Input.Lead, d.Recorded, d.Now)
}

// Verifier decides recorded inputs again, in the order of their IDs, and compares the bytes of each
// decision with those recorded. Any difference is a bug in Baton, or a changed record.
type Verifier struct {
	Verification
	world *World
	// Plan returns the plan of a version of the agreement.
	Plan func(version int64) (*agreement.Plan, error)
	now  []byte
}

// Next takes the next recorded input with the version that decided it and the bytes of its decision.
func (f *Verifier) Next(in lifecycle.Input, version int64, recorded []byte) error {
	if err := f.follow(version, &in); err != nil {
		return err
	}
	if in.Account != 0 && f.world.accounts[in.Account] == nil {
		f.world.accounts[in.Account] = &lifecycle.Account{ID: in.Account, Version: version}
	}
	d := f.world.Decide(&in)
	if f.Inspect == nil {
		f.Inspect = NewInspector()
	}
	f.Inspect.Next(f.world.Plan, &in, d, &f.world.view)
	f.world.refresh = f.world.refresh[:0] // their Refresh inputs are on record
	f.now = d.AppendJSON(f.now[:0])
	f.Inputs++
	if !bytes.Equal(f.now, recorded) {
		f.Different++
		if f.First == nil {
			f.First = &Difference{Input: in, Recorded: bytes.Clone(recorded), Now: bytes.Clone(f.now)}
		}
	}
	return nil
}

// World returns the state after the inputs so far; nil before the first.
func (f *Verifier) World() *World { return f.world }

// follow moves to another version of the agreement when the record does.
func (f *Verifier) follow(version int64, in *lifecycle.Input) error {
	if f.world == nil || f.world.Version != version {
		plan, err := f.Plan(version)
		if err != nil {
			return fmt.Errorf("loading version %d of the agreement: %w", version, err)
		}
		if f.world == nil {
			f.world = NewWorld(plan, version)
			f.world.Remember = true
		} else if err := f.world.move(plan, version); err != nil {
			return err
		}
	}
	return f.world.rebind(f.world.leads[in.Lead])
}
