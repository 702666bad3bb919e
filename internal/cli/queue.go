package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

type queueCommand struct {
	List    queueListCommand    `cmd:"" default:"withargs" help:"Show who waits to be called, in the order of the queue."`
	Take    queueTakeCommand    `cmd:"" help:"Take the next lead, or one you name, and have it for the lease of the agreement."`
	Release queueReleaseCommand `cmd:"" help:"Give a lead back to the queue, uncalled."`
	Log     queueLogCommand     `cmd:"" help:"Say how a call went."`
}

type queueListCommand struct {
	database
	State string `help:"Which: free (may be called now), taken, or later (the next try is later)." enum:"free,taken,later" default:"free"`
	By    string `help:"Of those taken, only what this person has." placeholder:"WHO"`
	Limit int    `help:"How many at most (${default})." default:"20"`
	JSON  bool   `name:"json" help:"As JSON."`
}

func (c *queueListCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	plan, err := activePlan(r, st)
	if err != nil {
		return err
	}
	if plan.Tele == nil {
		return errors.New("the agreement has no queue of leads to call. See docs/language/tele-qualification.md")
	}
	state := map[string]store.CallState{"free": store.CallFree, "taken": store.CallTaken, "later": store.CallLater}[c.State]
	rows, err := engine.Queue(r.ctx, st, plansOf(st, plan), state, strings.ToLower(c.By), r.now(), max(1, c.Limit))
	if err != nil {
		return err
	}
	table := &store.Table{Columns: []string{"lead", "name", "company", "grade", "asset", "value", "left until", "tries", "with"}}
	stamp := func(at int64) string { return time.UnixMicro(at).In(plan.Calendar.Zone()).Format("2 Jan 15:04") }
	for i := range rows {
		q := &rows[i]
		with := ""
		switch {
		case q.Holder != "":
			with = q.Holder + " until " + stamp(q.Until)
		case q.Next != 0:
			with = "again from " + stamp(q.Next)
		}
		name := q.Name
		if name == "" {
			name = q.Email
		}
		table.Rows = append(table.Rows, []any{q.ID, name, q.AccountName, q.CallPlace.Grade, q.Asset, q.Worth.String(), stamp(q.CallPlace.Due), fmt.Sprintf("%d/%d", q.Tries, q.Most), with})
	}
	if c.JSON {
		return rowsJSON(r.Out, table)
	}
	none := map[string]string{"free": "Nobody waits to be called now.", "taken": "Nobody has taken a lead to call.", "later": "Nobody is to be tried again later."}[c.State]
	return r.list(table, none)
}

// plansOf finds the agreements of a database by their versions.
func plansOf(st *store.Store, active *agreement.Plan) func(context.Context, int64) (*agreement.Plan, error) {
	known := map[int64]*agreement.Plan{}
	return func(ctx context.Context, version int64) (*agreement.Plan, error) {
		if plan := known[version]; plan != nil {
			return plan, nil
		}
		stored, err := st.AgreementVersion(ctx, version)
		if err != nil {
			return nil, err
		}
		plan := active
		if stored.Hash != active.Hash {
			if plan, err = app.Compile(stored); err != nil {
				return nil, err
			}
		}
		known[version] = plan
		return plan, nil
	}
}

type queueTakeCommand struct {
	database
	From string `help:"Take the hand-off that has waited longest in this queue of the agreement, and accept it." placeholder:"QUEUE"`
	By   string `required:"" help:"Who calls: an e-mail address." placeholder:"WHO"`
	Lead string `arg:"" optional:"" help:"This lead: e-mail address, number, phone number, or system:id. The next one, if it is left out."`
}

func (c *queueTakeCommand) Run(r *run) (err error) {
	if c.From != "" && c.Lead != "" {
		return errors.New("--from takes the next one; leave it out to take a lead you name")
	}
	if c.Lead != "" {
		by := byHand{database: c.database, By: strings.ToLower(c.By)}
		d, err := by.carryOut(r, c.Lead, &lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Take}})
		if err != nil {
			return err
		}
		return c.taken(r, &d)
	}
	if !c.there() {
		return fmt.Errorf("%s is not there, so there are no leads in it", c.name())
	}
	server, err := c.open(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	input := lifecycle.Input{Actor: strings.ToLower(c.By), At: r.now(), Known: r.now(), Source: "cli"}
	if c.From != "" {
		return c.accept(r, server, input)
	}
	out, err := engine.TakeNext(r.ctx, server.Store, server.Engine.Submit, input)
	switch {
	case errors.Is(err, engine.ErrNobodyWaits):
		fmt.Fprintln(r.Out, "Nobody waits to be called now.")
		return nil
	case err != nil:
		return err
	case out.Err != nil:
		return out.Err
	case out.Decision.Refused != "":
		return errors.New(out.Decision.Refused)
	}
	return c.taken(r, &out.Decision)
}

// accept takes the next hand-off of a queue.
func (c *queueTakeCommand) accept(r *run, server *app.App, input lifecycle.Input) error {
	plan, _ := server.Engine.Agreement()
	if plan == nil {
		return engine.ErrNoAgreement
	}
	if !slices.ContainsFunc(plan.Queues, func(q agreement.Named) bool { return q.Name == c.From }) {
		var queues []string
		for i := range plan.Queues {
			queues = append(queues, plan.Queues[i].Name)
		}
		return fmt.Errorf("there is no queue %q in the agreement; it has: %s", c.From, strings.Join(queues, ", "))
	}
	out, err := engine.AcceptNext(r.ctx, server.Store, server.Engine.Submit, c.From, input)
	switch {
	case errors.Is(err, engine.ErrNothingWaits):
		fmt.Fprintf(r.Out, "Nothing waits in the queue %s now.\n", c.From)
		return nil
	case err != nil:
		return err
	case out.Err != nil:
		return out.Err
	case out.Decision.Refused != "":
		return errors.New(out.Decision.Refused)
	}
	fmt.Fprintf(r.Out, "Lead %d is yours, and accepted. Who it is: %s explain %d\n", out.Lead, r.Program, out.Lead)
	return nil
}

func (c *queueTakeCommand) taken(r *run, d *lifecycle.Decision) error {
	for i := range d.Changes {
		if change := &d.Changes[i]; change.Kind == lifecycle.CallTaken {
			fmt.Fprintf(r.Out, "Lead %d is yours until %s. Who it is: %s explain %d\n", d.Lead, time.UnixMicro(change.Due).In(r.Clock().Location()).Format("15:04"), r.Program, d.Lead)
		}
	}
	return nil
}

type queueReleaseCommand struct {
	byHand
	Lead string `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
}

func (c *queueReleaseCommand) Run(r *run) error {
	return c.do(r, c.Lead, lifecycle.Release, "Lead %d waits in the queue again.")
}

type queueLogCommand struct {
	byHand
	Lead    string            `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
	Outcome string            `arg:"" help:"connected, meeting, replied, voicemail, no_answer or wrong_number."`
	Channel string            `help:"By which channel of the agreement, if not that of the queue." placeholder:"CHANNEL"`
	Answer  map[string]string `help:"What was found out: QUESTION=ANSWER. May be given several times." placeholder:"QUESTION=ANSWER"`
}

func (c *queueLogCommand) Run(r *run) error {
	in := lifecycle.Input{Kind: lifecycle.Contact, Name: c.Outcome, Channel: c.Channel, Values: answersOf(c.Answer)}
	d, err := c.carryOut(r, c.Lead, &lifecycle.Arrival{Input: in})
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "Lead %d: %s.\n", d.Lead, strings.ReplaceAll(c.Outcome, "_", " "))
	for i := range d.Changes {
		switch change := &d.Changes[i]; change.Kind {
		case lifecycle.CallTried, lifecycle.CallReached, lifecycle.CallEnded, lifecycle.ReadinessChanged, lifecycle.StageEntered:
			fmt.Fprintln(r.Out, "  "+change.Sentence(r.Clock().Location()))
		}
	}
	return nil
}

// answersOf reads answers as people write them; the agreement says what they are.
func answersOf(given map[string]string) []lifecycle.Named {
	var list []lifecycle.Named
	for _, name := range slices.Sorted(maps.Keys(given)) {
		list = append(list, lifecycle.Named{Name: name, Value: agreement.TextValue(given[name])})
	}
	return list
}
