package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// mayCommand asks the rules of engagement.
type mayCommand struct {
	database
	Lead    string `arg:"" help:"E-mail address, number, or an ID of another system (system:id)."`
	As      string `help:"The member who wants to speak." placeholder:"MEMBER"`
	Side    string `help:"Or the side, on its own behalf." enum:",marketing,sales" default:""`
	Channel string `help:"By a channel of the agreement; without it, at all."`
}

func (c *mayCommand) Run(r *run) error {
	if (c.As == "") == (c.Side == "") {
		return errors.New("say who wants to speak: --as MEMBER, or --side marketing or sales")
	}
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	_, plan, view, record, err := standing(r, st, c.Lead, c.name())
	if err != nil {
		return err
	}
	who := lifecycle.Speaker{Member: c.As}
	switch {
	case c.Side == "marketing":
		who.Side = agreement.Marketing
	case c.Side == "sales":
		who.Side = agreement.Sales
	case view.Roster.Member(c.As) == nil:
		return fmt.Errorf("nobody in the team is called %s; see: baton roster", c.As)
	}
	if c.Channel != "" && !slices.ContainsFunc(plan.Channels, func(n agreement.Channel) bool { return n.Name == c.Channel }) {
		names := make([]string, len(plan.Channels))
		for i := range plan.Channels {
			names[i] = plan.Channels[i].Name
		}
		return fmt.Errorf("the agreement has no channel %q; it has %s", c.Channel, cmp.Or(strings.Join(names, ", "), "none"))
	}
	v := lifecycle.May(plan, view, who, c.Channel, max(r.now(), record.Lead.Clock))
	answer := "No"
	if v.Allowed {
		answer = "Yes"
	}
	fmt.Fprintf(r.Out, "%s: %s  § %s", answer, v.Text, v.Clause)
	for i, s := range v.Saw {
		fmt.Fprintf(r.Out, "%s%s = %s", map[bool]string{true: " (", false: ", "}[i == 0], s.Name, s.Value)
	}
	if len(v.Saw) > 0 {
		fmt.Fprint(r.Out, ")")
	}
	fmt.Fprintln(r.Out)
	return nil
}

// conflictCommand lists conflicts.
type conflictCommand struct {
	database
	Since string `help:"Only those since a day (2026-03-01)." placeholder:"DAY"`
	Until string `help:"Only those until a day." placeholder:"DAY"`
	As    string `name:"as" help:"Only those of a member." placeholder:"MEMBER"`
	Most  int    `help:"How many, the newest first." default:"50"`
}

func (c *conflictCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	f, zone := store.ConflictFilter{Actor: c.As}, time.UTC
	if plan, err := activePlan(r, st); err == nil {
		zone = plan.Calendar.Zone()
	}
	if c.Since != "" {
		if f.Since, err = day(c.Since, zone, 0); err != nil {
			return err
		}
	}
	if c.Until != "" {
		if f.Until, err = day(c.Until, zone, 1); err != nil {
			return err
		}
	}
	list, err := st.Conflicts(r.ctx, f, max(1, c.Most))
	if err != nil {
		return err
	}
	t := &store.Table{Columns: []string{"when", "lead", "who spoke", "outcome", "channel", "who holds the conversation", "clause", "agreement"}}
	for _, k := range list {
		t.Rows = append(t.Rows, []any{minute(k.At, ""), k.Lead, k.Actor, k.Outcome, cmp.Or(k.Channel, "–"), cmp.Or(k.Holder, "nobody"), k.Clause, k.Version})
	}
	return r.list(t, "No conflicts: nobody spoke to a lead while another held the conversation.")
}
