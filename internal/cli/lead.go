package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

type leadCommand struct {
	Merge    leadMergeCommand    `cmd:"" help:"Make one lead of two that are the same person. The one that was known first goes on."`
	Split    leadSplitCommand    `cmd:"" help:"Take a merge back: both leads are as if it had never been; what happened since stays with the one that went on."`
	Account  leadAccountCommand  `cmd:"" help:"Put a lead into an account. It stays there, whatever is said of its company later."`
	Accept   leadAcceptCommand   `cmd:"" help:"Take the open hand-off of a lead."`
	Reject   leadRejectCommand   `cmd:"" help:"Turn the open hand-off of a lead down, for a reason of the agreement."`
	HandBack leadBackCommand     `cmd:"" help:"Give a lead that was accepted back, for a reason of the agreement."`
	Remind   leadRemindCommand   `cmd:"" help:"Tell whoever has a lead that a clock is about to run out, or has. The deadline stays."`
	Estimate leadEstimateCommand `cmd:"" help:"Say what a lead may be worth, how likely it is won, and with which effort."`
	WalkAway leadWalkCommand     `cmd:"" help:"Leave a lead to others, for a reason of the agreement."`
}

// byHand is what commands of people have in common.
type byHand struct {
	database
	By   string `help:"Who says so: an e-mail address." placeholder:"WHO"`
	Note string `help:"Why, for those who look at the lead later." placeholder:"TEXT"`
}

// do has a person's command decided that is only its kind, and says what was done; %d is the lead.
func (c *byHand) do(r *run, lead string, kind lifecycle.InputKind, done string) error {
	d, err := c.carryOut(r, lead, &lifecycle.Arrival{Input: lifecycle.Input{Kind: kind}})
	if err == nil {
		fmt.Fprintf(r.Out, done+"\n", d.Lead)
	}
	return err
}

// carryOut has a command decided. What is refused is an error with the sentence.
func (c *byHand) carryOut(r *run, lead string, a *lifecycle.Arrival) (out lifecycle.Decision, err error) {
	if !c.there() {
		return out, fmt.Errorf("%s is not there, so there are no leads in it", c.name())
	}
	in := &a.Input
	in.At, in.Known, in.Actor, in.Text, in.Source = r.now(), r.now(), c.By, c.Note, "cli"
	if in.Lead, a.Keys, err = naming(lead); err != nil {
		return out, err
	}
	server, err := c.open(r)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if work[in.Kind] {
		if in.Lead, err = c.atWork(r, server.Store, lead, in.Kind); err != nil {
			return out, err
		}
		a.Keys, in.Actor = nil, memberID(c.By)
	}
	outcomes, err := server.Engine.Submit(r.ctx, []lifecycle.Arrival{*a})
	if err != nil {
		return out, err
	}
	if err := outcomes[0].Err; err != nil {
		return out, err
	}
	if why := outcomes[0].Decision.Refused; why != "" {
		return out, errors.New(why)
	}
	return outcomes[0].Decision, nil
}

// work is what members do with leads that are there.
var work = map[lifecycle.InputKind]bool{lifecycle.Accept: true, lifecycle.Reject: true, lifecycle.HandBack: true, lifecycle.Take: true,
	lifecycle.Release: true, lifecycle.Contact: true, lifecycle.Estimate: true, lifecycle.WalkAway: true, lifecycle.Remind: true}

// atWork finds the lead that a member does something with, and sees that there is such a member.
func (c *byHand) atWork(r *run, st *store.Store, lead string, kind lifecycle.InputKind) (int64, error) {
	id, err := findLead(r, st, lead)
	if err != nil {
		return 0, err
	}
	roster, err := st.Roster(r.ctx)
	switch {
	case err != nil:
		return 0, err
	case c.By == "" && kind == lifecycle.Estimate: // another system may know
	case c.By == "":
		return 0, errors.New("say who does it, as they are called in the team: --by EMAIL")
	case roster.Member(memberID(c.By)) == nil:
		return 0, fmt.Errorf("nobody called %q is in the team", c.By)
	}
	return id, nil
}

// givenBack is what whoever gives a lead back may add to the reason.
type givenBack struct {
	Clause  string `help:"The clause that let the lead through and should not have, as baton explain names it." placeholder:"CLAUSE"`
	Revisit string `help:"The day on which the lead comes back, in place of the agreed time (2026-09-01)." placeholder:"DAY"`
}

// giveBack has a lead rejected or handed back, and says so.
func (c *byHand) giveBack(r *run, lead string, kind lifecycle.InputKind, reason string, more *givenBack) error {
	in, zone := lifecycle.Input{Kind: kind, Name: reason, Clause: more.Clause}, time.UTC
	if c.there() {
		plan, err := c.plan(r)
		if err != nil {
			return err
		}
		if _, ok := plan.Index.Clause[more.Clause]; more.Clause != "" && !ok {
			return fmt.Errorf("the agreement has no clause %q; baton explain %s names those that let the lead through", more.Clause, lead)
		}
		zone = plan.Calendar.Zone()
		if in.Due, err = day(more.Revisit, zone, 0); err != nil {
			return err
		}
	}
	d, err := c.carryOut(r, lead, &lifecycle.Arrival{Input: in})
	if err != nil {
		return err
	}
	done := map[lifecycle.InputKind]string{lifecycle.Reject: "rejected", lifecycle.HandBack: "handed back"}[kind]
	fmt.Fprintf(r.Out, "Lead %d is %s: %s.\n", d.Lead, done, strings.ReplaceAll(reason, "_", " "))
	for i := range d.Changes {
		switch change := &d.Changes[i]; change.Kind {
		case lifecycle.RevisitSet, lifecycle.ClauseNamed:
			fmt.Fprintln(r.Out, "  "+change.Sentence(zone))
		}
	}
	return nil
}

// plan is the agreement that applies.
func (d *database) plan(r *run) (*agreement.Plan, error) {
	st, err := store.OpenReadOnly(r.ctx, d.DB)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	return activePlan(r, st)
}

type leadRejectCommand struct {
	byHand
	givenBack
	Lead   string `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
	Reason string `arg:"" help:"One that the hand-off takes: its reject."`
}

func (c *leadRejectCommand) Run(r *run) error {
	return c.giveBack(r, c.Lead, lifecycle.Reject, c.Reason, &c.givenBack)
}

type leadBackCommand struct {
	byHand
	givenBack
	Lead   string `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
	Reason string `arg:"" help:"A reason of the agreement: one of its handbacks."`
}

func (c *leadBackCommand) Run(r *run) error {
	return c.giveBack(r, c.Lead, lifecycle.HandBack, c.Reason, &c.givenBack)
}

type leadAcceptCommand struct {
	byHand
	Lead string `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
}

func (c *leadAcceptCommand) Run(r *run) error {
	return c.do(r, c.Lead, lifecycle.Accept, "Lead %d is accepted.")
}

type leadRemindCommand struct {
	byHand
	Clock string `help:"The clause of the clock; the one that ends first, if it is left out." placeholder:"CLAUSE"`
	Lead  string `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
}

func (c *leadRemindCommand) Run(r *run) error {
	d, err := c.carryOut(r, c.Lead, &lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Remind, Name: c.Clock}})
	if err != nil {
		return err
	}
	for i := range d.Effects {
		fmt.Fprintf(r.Out, "Lead %d: %s is reminded of %s.\n", d.Lead, d.Effects[i].To, d.Effects[i].Name)
	}
	return nil
}

type leadMergeCommand struct {
	byHand
	Lead  string `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
	Other string `arg:"" help:"The other lead, named in the same way."`
}

func (c *leadMergeCommand) Run(r *run) error {
	a := &lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Merge}}
	var err error
	if a.Input.Other, a.Other, err = naming(c.Other); err != nil {
		return err
	}
	d, err := c.carryOut(r, c.Lead, a)
	if err != nil {
		return err
	}
	for i := range d.Changes {
		if change := &d.Changes[i]; change.Kind == lifecycle.LeadAbsorbed {
			fmt.Fprintf(r.Out, "Lead %d goes on for both; lead %d is part of it now. To take that back: %s lead split %d\n", d.Lead, change.Int, r.Program, change.Int)
		}
	}
	return nil
}

type leadSplitCommand struct {
	byHand
	Lead string `arg:"" help:"The lead that was merged, or the one that went on: then its latest merge is taken back."`
}

func (c *leadSplitCommand) Run(r *run) error {
	return c.do(r, c.Lead, lifecycle.Split, "Lead %d and the lead it had taken in are two again, each with its own keys.")
}

type leadAccountCommand struct {
	byHand
	Lead    string `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
	Account string `arg:"" help:"Domain or name of the company."`
}

func (c *leadAccountCommand) Run(r *run) error {
	a := lifecycle.InAccount(c.Account)
	d, err := c.carryOut(r, c.Lead, &a)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "Lead %d belongs to %s and stays there.\n", d.Lead, c.Account)
	return nil
}
