package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/replay"
	"baton/internal/report"
)

type demoCommand struct {
	DB    string `help:"Database file; it is made anew." default:"demo.db" placeholder:"FILE"`
	Seed  uint64 `help:"Another seed, another company." default:"1"`
	Days  int    `help:"How many days the company has been at work." default:"120"`
	Until string `help:"The last day (today if left out)." placeholder:"DAY"`
	Once  bool   `help:"Print the tables and end, for scripts."`
	Force bool   `help:"Write over a database that is there."`
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
	model := replay.DemoModel(c.Seed, until, c.Days)
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
	return c.next(r, a, file)
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
