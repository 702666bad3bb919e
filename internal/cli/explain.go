package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

type explainCommand struct {
	database
	At       string `help:"As of an instant to come (2027-03-31 or 2027-03-31T15:04:05Z), if nothing happens but time passing." placeholder:"TIME"`
	Timeline bool   `help:"Also tell everything that happened to the lead, and what was decided."`
	Lead     string `arg:"" help:"E-mail address, number, or an ID of another system (system:id)."`
}

func (c *explainCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	id, plan, view, record, err := standing(r, st, c.Lead, c.name())
	if err != nil {
		return err
	}
	events, err := st.Story(r.ctx, id, 0)
	if err != nil {
		return err
	}
	past := make([]lifecycle.Decided, len(events))
	for i := range events {
		past[i] = lifecycle.Decided{Input: events[i].Input, Decision: events[i].Decision}
		past[i].Decision.At = events[i].Input.Known
	}
	zone := plan.Calendar.Zone()
	at := max(r.now(), record.Lead.Clock)
	if c.At != "" {
		if at, err = instant(c.At, zone); err != nil {
			return err
		}
		if at < record.Lead.Clock {
			return fmt.Errorf("the lead was last decided on %s; --at looks ahead from there. What was decided before is in: baton explain %s --timeline --db %s",
				time.UnixMicro(record.Lead.Clock).In(zone).Format("2006-01-02 15:04"), c.Lead, c.name())
		}
	}
	w := &explanation{out: r.Out, colour: r.Colour, width: r.Width}
	w.title(c.Lead, record, at, zone)
	for _, section := range lifecycle.Explain(plan, view, at, past).Sections {
		w.section(&section)
	}
	if c.Timeline {
		w.timeline(past, plan)
	}
	return w.err
}

// standing finds a lead as it stands, with the agreement it follows.
func standing(r *run, st *store.Store, name, db string) (id int64, plan *agreement.Plan, view *lifecycle.View, record *store.Record, err error) {
	fail := func(err error) (int64, *agreement.Plan, *lifecycle.View, *store.Record, error) {
		return 0, nil, nil, nil, err
	}
	if plan, err = activePlan(r, st); err != nil {
		return fail(err)
	}
	if id, err = findLead(r, st, name); err != nil {
		return fail(err)
	}
	records, err := st.Leads(r.ctx, []int64{id})
	if err != nil {
		return fail(err)
	}
	if record = records[id]; record == nil {
		return fail(fmt.Errorf("lead %d is not in %s", id, db))
	}
	if stored, err := st.ActiveAgreement(r.ctx); err == nil && record.Lead.Version != stored.Version {
		// its pass ended under an older version
		old, err := st.AgreementVersion(r.ctx, record.Lead.Version)
		if err != nil {
			return fail(err)
		}
		if plan, err = app.Compile(old); err != nil {
			return fail(err)
		}
	}
	view = &lifecycle.View{Lead: record.Lead}
	if record.Lead.Account != 0 {
		accounts, err := st.Accounts(r.ctx, []int64{record.Lead.Account})
		if err != nil {
			return fail(err)
		}
		if len(accounts) > 0 {
			view.Account = accounts[0].Account
		}
	}
	view.Roster, err = st.Roster(r.ctx)
	return id, plan, view, record, err
}

// findLead returns the ID of the lead that somebody names: of one that was merged into another, the other's.
func findLead(r *run, st *store.Store, name string) (int64, error) {
	id, keys, err := naming(name)
	if err != nil {
		return 0, err
	}
	if id == 0 {
		found, err := st.Keys(r.ctx, keys)
		if err != nil {
			return 0, err
		}
		for _, key := range keys {
			if id == 0 {
				id = found[key]
			}
		}
	}
	if id == 0 {
		return 0, fmt.Errorf("no lead is known as %s; look with: baton query \"SELECT id, email, stage FROM leads WHERE email LIKE '%%…%%'\"", name)
	}
	return st.Survivor(r.ctx, id)
}

// naming reads how somebody names a lead: by its number, or by what may be its keys.
func naming(name string) (id int64, keys []identity.Key, err error) {
	if strings.HasPrefix(name, "+") {
		key, err := identity.NormalizePhone(name, "")
		return 0, []identity.Key{key}, err
	}
	if id, err := strconv.ParseInt(name, 10, 64); err == nil && id > 0 {
		return id, nil, nil
	}
	if strings.Contains(name, "@") {
		key, err := identity.NormalizeEmail(name)
		if err != nil {
			return 0, nil, err
		}
		keys = append(keys, key)
	}
	if system, id, ok := strings.Cut(name, ":"); ok {
		if system == identity.Anonymous.String() {
			keys = append(keys, identity.Key{Kind: identity.Anonymous, Value: id})
		} else {
			keys = append(keys, identity.ExternalKey(system, id))
		}
	}
	if len(keys) == 0 {
		return 0, nil, fmt.Errorf("%q is no lead: give an e-mail address, a number, a phone number with its country, or system:id", name)
	}
	return 0, keys, nil
}

func instant(s string, zone *time.Location) (int64, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, fmt.Errorf("%q is no instant; write 2026-03-31 or 2026-03-31T15:04:05Z", s)
}

// explanation writes an explanation for a terminal.
type explanation struct {
	out    io.Writer
	colour bool
	width  int
	err    error
}

func (w *explanation) printf(format string, args ...any) {
	_, err := fmt.Fprintf(w.out, format, args...)
	w.err = errors.Join(w.err, err)
}

func (w *explanation) bold(s string) string { return w.style("1", s) }
func (w *explanation) dim(s string) string  { return w.style("2", s) }
func (w *explanation) style(code, s string) string {
	if !w.colour {
		return s
	}
	return "\033[" + code + "m" + s + "\033[0m"
}

func (w *explanation) title(name string, record *store.Record, at int64, zone *time.Location) {
	w.printf("%s  %s\n", w.bold(name), w.dim(fmt.Sprintf("lead %d, as of %s", record.Lead.ID, time.UnixMicro(at).In(zone).Format("Mon 2 Jan 2006 15:04 MST"))))
}

func (w *explanation) section(s *lifecycle.ExplainedSection) {
	w.printf("\n%s  %s\n", w.bold(strings.ToUpper(s.Title)), s.Answer)
	mark := 0
	for _, line := range s.Lines {
		mark = max(mark, utf8.RuneCountInString(line.Mark))
	}
	for _, line := range s.Lines {
		w.printf("  %s%s  %s\n", strings.Repeat(" ", mark-utf8.RuneCountInString(line.Mark)), line.Mark, line.Text)
		indent := strings.Repeat(" ", mark+4)
		if cited := citation(line.Clause); cited != "" {
			w.printf("%s%s\n", indent, w.dim("§ "+cited))
		}
		if len(line.Saw) > 0 {
			w.printf("%s%s\n", indent, w.dim("saw "+saw(line.Saw)))
		}
	}
}

// citation names a clause and where it stands.
func citation(c agreement.Clause) string {
	if c.Address == "" || c.Line == 0 {
		return c.Address
	}
	return fmt.Sprintf("%s  %s:%d", c.Address, c.File, c.Line)
}

func saw(list []agreement.Seen) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = s.Name + " = " + s.Value
	}
	return strings.Join(parts, ", ")
}

// printable puts a space in the place of what would move the cursor of a terminal.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

func (w *explanation) timeline(past []lifecycle.Decided, plan *agreement.Plan) {
	zone := plan.Calendar.Zone()
	w.printf("\n%s\n", w.bold("TIMELINE"))
	for i := range past {
		in, d := &past[i].Input, &past[i].Decision
		what := strings.ReplaceAll(in.Kind.String(), "_", " ")
		if in.Name != "" {
			what += " " + in.Name
		}
		switch {
		case in.Actor != "":
			what += " by " + in.Actor
		case in.Bot:
			what += " by a robot, not counted"
		}
		w.printf("  %s  %s  %s\n", time.UnixMicro(in.At).In(zone).Format("2006-01-02 15:04"), what, w.dim(in.Source))
		if in.Text != "" && (in.Kind == lifecycle.Consented || in.Actor != "") {
			w.printf("      %s\n", strings.Map(printable, in.Text))
		}
		if d.Refused != "" {
			w.printf("      not done: %s\n", d.Refused)
		}
		for j := range d.Changes {
			c := &d.Changes[j]
			if c.Kind == lifecycle.WakeSet || c.Kind == lifecycle.Rescored {
				continue
			}
			cited := ""
			if c.Reason > 0 {
				cited = "  " + w.dim("§ "+d.Reasons[c.Reason-1].Clause)
			}
			w.printf("      %s%s\n", c.Sentence(zone), cited)
		}
	}
}
