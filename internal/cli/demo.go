package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"baton/internal/access"
	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/replay"
	"baton/internal/report"
	"baton/internal/seal"
	"baton/internal/store"
)

type demoCommand struct {
	DB    string `help:"Database file; it is made anew." default:"demo.db" placeholder:"FILE"`
	Seed  uint64 `help:"Another seed, another company." default:"1"`
	Days  int    `help:"How many days the company has been at work." default:"120"`
	Until string `help:"The last day (today if left out)." placeholder:"DAY"`
	Once  bool   `help:"Print the tables and end, for scripts."`
	Force bool   `help:"Write over a database that is there."`

	Serve  bool   `help:"Then serve its pages, to this machine alone: one click signs in as any of its people."`
	Listen string `help:"Where, with --serve." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
}

const demoTemplate = "waterfall"

func (c *demoCommand) Run(r *run) (err error) {
	if c.Days < 1 || c.Days > 1000 {
		return errors.New("--days is between 1 and 1000")
	}
	source, _ := agreement.Template(demoTemplate)
	file := strings.TrimSuffix(c.DB, filepath.Ext(c.DB)) + "-agreement.yaml"
	plan, findings := agreement.Compile(file, source, nil)
	if findings.HasErrors() {
		return &app.Unworkable{Findings: findings, Source: source}
	}
	until := r.now()
	if c.Until != "" {
		if until, err = day(c.Until, plan.Calendar.Zone(), 1); err != nil {
			return err
		}
	}
	if err := c.clear(); err != nil {
		return err
	}
	if err := replaceFile(file, source); err != nil {
		return err
	}
	a, err := app.Open(r.ctx, app.Options{DB: c.DB, Clock: r.Clock})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Store.MarkMadeUp(r.ctx, r.now()); err != nil {
		return err
	}
	model := replay.DemoModel(c.Seed, until, c.Days)
	var later []lifecycle.Arrival // what happens while somebody looks
	if c.Serve {
		model.Until += demoAhead.Microseconds()
	}
	fmt.Fprintf(r.Out, "Agreement checked: %s (the %s template, now in %s).\n", plan.Name, demoTemplate, file)
	if _, err := a.Engine.Activate(r.ctx, plan, source, file, model.From); err != nil {
		return err
	}
	began := r.Clock()
	progress := newBar(r, fmt.Sprintf("Living through %d days", c.Days))
	var done engine.Progress
	err = a.Engine.History(r.ctx, func(yield func(*lifecycle.Arrival) error) error {
		return replay.Simulate(plan, model, func(arrival *lifecycle.Arrival) error {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			if arrival.Input.Known > until {
				later = append(later, *arrival)
				return nil
			}
			return yield(arrival)
		}, func(at int64) {
			progress.to(at-model.From, model.Until-model.From, time.UnixMicro(at).In(plan.Calendar.Zone()).Format("2 Jan 2006"))
		})
	}, engine.HistoryOptions{Until: until, Progress: func(p engine.Progress) { done = p }})
	progress.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "%d days of %s: %s decided in %.1f s (%s of them timers), all in %s.\n", c.Days, plan.Name, count(done.Inputs, "input", "inputs"),
		r.Clock().Sub(began).Seconds(), thousands(done.Timers), c.DB)
	for _, name := range []string{"funnel", "sla", "lift"} {
		table, err := reports[name](r.ctx, a.Store, plan, report.Query{Now: until})
		if err != nil {
			return err
		}
		fmt.Fprintln(r.Out)
		if err := table.Text(r.Out, r.Width, r.Colour); err != nil {
			return err
		}
	}
	if c.Serve {
		if err := c.call(r, a, source, file); err != nil {
			return err
		}
		return c.serve(r, a, &model, later)
	}
	return c.next(r, a, file)
}

// call lets a second version of the agreement apply, by which some leads are called, and gives those their numbers; of those that sales
// works it is said what they may come to.
func (c *demoCommand) call(r *run, a *app.App, template []byte, file string) error {
	source, err := replay.DemoCalling(template)
	if err != nil {
		return err
	}
	plan, findings := agreement.Compile(file, source, nil)
	if findings.HasErrors() {
		return &app.Unworkable{Findings: findings, Source: source}
	}
	if err := replaceFile(file, source); err != nil {
		return err
	}
	now := r.now()
	if _, err := a.Engine.Activate(r.ctx, plan, source, file, now); err != nil {
		return err
	}
	rows, err := a.Store.ListCalls(r.ctx, store.CallFree, "", 200)
	if err != nil {
		return err
	}
	var list []lifecycle.Arrival
	for i, row := range rows {
		number := fmt.Sprintf("+46 555 01%d %02d", i%10, (i*37+11)%100)
		list = append(list, lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Identify, Lead: row.ID, At: now, Known: now, Source: "demo",
			Values: []lifecycle.Named{{Name: "phone", Value: agreement.TextValue(number)}}}})
	}
	roster, err := a.Store.Roster(r.ctx)
	if err != nil {
		return err
	}
	marketer := ""
	for i := range roster.Members {
		if m := &roster.Members[i]; m.Side == agreement.Marketing && m.Manager != "" {
			marketer = m.ID
		}
	}
	worked, err := a.Store.ListPipeline(r.ctx, "", store.PipelinePlace{}, 200)
	if err != nil {
		return err
	}
	for i := range worked {
		for _, in := range replay.DemoWorth(i, worked[i].ID, worked[i].Owner, marketer) {
			in.At, in.Known, in.Source = now, now, "demo"
			list = append(list, lifecycle.Arrival{Input: in})
		}
	}
	_, err = a.Engine.Submit(r.ctx, list)
	return err
}

// serve lets whoever is at this machine look at the pages as one of the made-up people.
func (c *demoCommand) serve(r *run, a *app.App, model *replay.Model, later []lifecycle.Arrival) error {
	keys, err := seal.Parse(seal.New())
	if err != nil {
		return err
	}
	people, err := demoPeople(r.ctx, a, model)
	if err != nil {
		return err
	}
	gate := access.New(access.Options{Store: a.Store, Clock: r.Clock})
	err = gate.AddDemoUsers(r.ctx, people)
	gate.Close()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(r.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx, stop := context.WithCancel(r.ctx)
	live := make(chan struct{})
	go func() {
		defer close(live)
		goOn(ctx, a, r.now, later, people)
	}()
	defer func() { stop(); <-live }()
	err = a.Serve(r.ctx, app.ServeOptions{Listen: c.Listen, Log: log, Version: version(), Seal: keys, SignIn: app.SignIn{Demo: true},
		Ready: func(address string) {
			fmt.Fprintf(r.Out, "\nOpen http://%s and look at Baton as one of its people; one click signs in:\n", address)
			for _, p := range people {
				fmt.Fprintf(r.Out, "  %-16s %s\n", p.Name, p.Roles)
			}
			fmt.Fprintln(r.Out, "They are made up. Stop with Ctrl-C.")
		}})
	if errors.Is(err, context.Canceled) && r.ctx.Err() != nil {
		return nil
	}
	return err
}

const (
	// demoAhead is for how long after the last day the company has something to do, demoPace how soon one thing follows another.
	demoAhead = 30 * 24 * time.Hour
	demoPace  = 8 * time.Second
)

// goOn lets the company live on: what would happen in its next days happens now, one thing after another, but for what those would do
// whom somebody may be looking as.
func goOn(ctx context.Context, a *app.App, now func() int64, later []lifecycle.Arrival, people []access.DemoPerson) {
	tick := time.NewTicker(demoPace)
	defer tick.Stop()
	for i := range later {
		arrival := &later[i]
		in := &arrival.Input
		if slices.ContainsFunc(people, func(p access.DemoPerson) bool { return p.Email == in.Actor || p.Email == in.Name }) {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		moved := now() - in.Known
		in.At, in.Known = in.At+moved, in.Known+moved
		if in.Due > 0 {
			in.Due += moved
		}
		// what does not fit any more, since somebody has done something else, is refused and kept like anything else
		_, _ = a.Engine.Submit(ctx, []lifecycle.Arrival{*arrival})
	}
}

// demoPeople are those whom one can look at Baton as: one for each role, who has most to do and is there.
func demoPeople(ctx context.Context, a *app.App, model *replay.Model) ([]access.DemoPerson, error) {
	rows, err := a.Store.Query(ctx, `SELECT m.id FROM members m ORDER BY m.away, (SELECT count(*) FROM leads l WHERE l.owner = m.id AND l.outcome = '') DESC, m.id`)
	if err != nil {
		return nil, err
	}
	rank := map[string]int{}
	for i, row := range rows.Rows {
		rank[fmt.Sprint(row[0])] = i
	}
	team := slices.Clone(model.Team)
	slices.SortStableFunc(team, func(a, b replay.MemberModel) int { return cmp.Compare(rank[a.ID], rank[b.ID]) })
	list := []access.DemoPerson{{Email: "tuva.nygaard@northwind.example", Name: "Tuva Nygaard", Roles: "revops"}, {Email: "olle.strand@northwind.example", Name: "Olle Strand", Roles: "admin"}}
	have := map[string]bool{}
	leads := map[string]bool{} // whom others report to
	for _, m := range model.Team {
		leads[m.Manager] = true
	}
	for _, m := range team {
		role := "rep"
		switch {
		case m.Side == agreement.Marketing:
			role = "marketing"
		case leads[m.ID]:
			role = "manager"
		case m.Queue > 0:
			role = "sdr"
		}
		if !have[role] {
			have[role] = true
			list = append(list, access.DemoPerson{Email: m.ID, Name: m.Name, Roles: role})
		}
	}
	return list, nil
}

// clear removes an earlier demo, and nothing else.
func (c *demoCommand) clear() error {
	info, err := os.Stat(c.DB)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder; name a file with --db", c.DB)
	}
	if c.DB != "demo.db" && !c.Force {
		return fmt.Errorf("%s is there already; name another file, or write over it with --force", c.DB)
	}
	if !isDatabase(c.DB) {
		return fmt.Errorf("%s is no database, so the demo does not write over it; name another file with --db", c.DB)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(c.DB + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("making the demo anew: %w", err)
		}
	}
	return nil
}

// isDatabase reports whether a file begins as SQLite's do, or is empty.
func isDatabase(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	return n == 0 && errors.Is(err, io.EOF) || string(head[:n]) == "SQLite format 3\x00"
}

// next says what to try.
func (c *demoCommand) next(r *run, a *app.App, file string) error {
	lead, err := example(r.ctx, a)
	if err != nil || c.Once {
		return err
	}
	fmt.Fprintln(r.Out, "\nTry next:")
	db := " --db " + c.DB
	for _, try := range [...][2]string{
		{"explain " + lead + db, "why is this lead where it is?"},
		{"report lift --by grade" + db, "is an A1 better than a B2, really?"},
		{"report velocity --by source" + db, "how long does it take?"},
		{`query "SELECT stage, count(*) AS leads FROM leads GROUP BY stage"` + db, "any question, in SQL"},
		{"verify" + db, "decide it all again, and compare"},
		{"show " + file + " -o agreement.html", "the agreement behind it, as a document"},
	} {
		fmt.Fprintf(r.Out, "  %s %-82s # %s\n", r.Program, try[0], try[1])
	}
	return nil
}

// example finds a lead worth explaining: in sales' hands, with a clock running.
func example(ctx context.Context, a *app.App) (string, error) {
	rows, err := a.Store.Query(ctx, `SELECT email FROM leads WHERE email <> '' ORDER BY (owner <> '' AND due_at IS NOT NULL AND side = 'sales') DESC, score DESC LIMIT 1`)
	if err != nil || len(rows.Rows) == 0 {
		return "LEAD", err
	}
	return fmt.Sprint(rows.Rows[0][0]), nil
}
