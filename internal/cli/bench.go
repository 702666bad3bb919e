package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"baton/internal/load"
	"baton/internal/store"
)

type benchCommand struct {
	URL         []string      `help:"Measure the server at this address; several take turns. The database gets made-up people." placeholder:"http://HOST:PORT"`
	Key         string        `help:"Write key for that server." env:"KEY"`
	DB          string        `help:"Start a server on this database and measure that, and the limit of the machine. A file is made anew." placeholder:"FILE|postgres://…"`
	SeedLeads   int           `help:"With --db: fill the database with so many leads first." placeholder:"N"`
	Cache       string        `help:"With --db: where filled files are kept for the next time." default:".cache" placeholder:"DIR"`
	Batch       int           `help:"Events to a request; 1 sends each as a call of its own, or as a form." default:"100"`
	Connections int           `help:"Connections, each with one request at a time." default:"64"`
	Rate        float64       `help:"Events a second, whether or not they are acknowledged in time (as fast as they are, if left out)." placeholder:"N"`
	Time        time.Duration `help:"How long to measure." default:"30s"`
	Leads       int           `help:"With --url: how many leads the mix may know; those of bench --seed-leads have the same names." default:"10000"`
	Seed        uint64        `help:"Another seed, other visits." default:"1"`
	JSON        bool          `help:"Print JSON."`
}

// warm is for how long nothing is counted.
func (c *benchCommand) warm() time.Duration { return min(c.Time/5, 3*time.Second) }

func (c *benchCommand) Run(r *run) error {
	switch {
	case c.DB == "" && len(c.URL) == 0:
		return errors.New("name what to measure: --db FILE starts a server of its own; --url and --key name one that runs")
	case c.DB != "" && len(c.URL) > 0:
		return errors.New("--db starts a server of its own; leave either --db or --url out")
	case len(c.URL) > 0 && c.Key == "":
		return errors.New("--url needs --key: make one with: baton key new --scope track")
	case c.SeedLeads < 0 || c.Leads < 0:
		return errors.New("the number of leads cannot be less than zero")
	}
	figures := &benchFigures{Batch: c.Batch, Connections: c.Connections, Rate: c.Rate, Seconds: c.Time.Seconds(), Leads: c.Leads, Processors: runtime.NumCPU()}
	options := load.Options{Targets: c.URL, Key: c.Key, Batch: c.Batch, Connections: c.Connections, Rate: c.Rate, Warm: c.warm(), Time: c.Time, Leads: c.Leads, Seed: c.Seed}
	if c.DB == "" {
		result, err := load.Run(r.ctx, options)
		if err != nil {
			return err
		}
		figures.take(result)
		return figures.print(r, c.JSON, strings.Join(c.URL, ", "))
	}
	figures.Leads, options.Leads = c.SeedLeads, c.SeedLeads
	if err := c.ownServer(r, options, figures); err != nil {
		return err
	}
	return figures.print(r, c.JSON, store.NameOf(c.DB))
}

// ownServer prepares a database, measures a server on it, and the limit.
func (c *benchCommand) ownServer(r *run, options load.Options, figures *benchFigures) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	progress := newBar(r, "Filling the database")
	options.Key, err = load.Prepare(r.ctx, load.Sample{DB: c.DB, Leads: c.SeedLeads, Cache: c.Cache, Progress: func(done, leads int64) {
		progress.to(done, leads, fmt.Sprintf("%d leads", done))
	}})
	progress.done()
	if err != nil {
		return err
	}
	// The server outlives the context: it is stopped in good order whatever happens.
	server, err := load.Start(context.WithoutCancel(r.ctx), program, c.DB)
	if err != nil {
		return err
	}
	options.Targets = []string{server.URL}
	result, err := load.Run(r.ctx, options)
	used, stopped := server.Stop()
	if err := errors.Join(err, stopped); err != nil {
		return err
	}
	figures.take(result)
	figures.ServerCPU = used.Seconds() * 1e6 / float64(max(1, result.Events)) * c.Time.Seconds() / (c.Time + c.warm()).Seconds()
	rows, err := load.ReadRows(r.ctx, c.DB, limitRows)
	if err != nil {
		return err
	}
	if figures.LimitBatch, err = rows.Append(r.ctx, c.DB, c.Batch); err != nil {
		return err
	}
	figures.Limit, err = rows.Append(r.ctx, c.DB, limitEach)
	return err
}

const (
	limitRows = 100_000
	limitEach = 2_000 // rows to a transaction: as many as the engine takes at most
)

// benchFigures is what a bench says.
type benchFigures struct {
	Batch       int     `json:"batch"`
	Connections int     `json:"connections"`
	Rate        float64 `json:"rate,omitempty"`
	Seconds     float64 `json:"seconds"`
	Leads       int     `json:"leads"`
	Processors  int     `json:"processors"`

	PerSecond float64 `json:"inputs_per_second"`
	Requests  int64   `json:"requests"`
	Events    int64   `json:"inputs"`
	Refused   int64   `json:"refused"`
	Unsent    int64   `json:"unsent,omitempty"`
	Megabytes float64 `json:"megabytes"`

	Mean   float64 `json:"mean_ms"`
	Half   float64 `json:"p50_ms"`
	Most   float64 `json:"p99_ms"`
	Nearly float64 `json:"p999_ms"`
	Max    float64 `json:"max_ms"`

	ServerCPU  float64 `json:"server_cpu_us_per_input,omitempty"`
	Limit      float64 `json:"limit_rows_per_second,omitempty"`
	LimitBatch float64 `json:"limit_rows_per_second_by_batch,omitempty"`
}

func (f *benchFigures) take(r *load.Result) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	f.PerSecond, f.Requests, f.Events, f.Refused, f.Unsent, f.Megabytes = r.PerSecond(), r.Requests, r.Events, r.Refused, r.Unsent, float64(r.Bytes)/1e6
	l := &r.Latency
	f.Mean, f.Half, f.Most, f.Nearly, f.Max = ms(l.Mean()), ms(l.Quantile(0.5)), ms(l.Quantile(0.99)), ms(l.Quantile(0.999)), ms(l.Max())
}

func (f *benchFigures) print(r *run, asJSON bool, what string) error {
	if asJSON {
		e := json.NewEncoder(r.Out)
		e.SetIndent("", "  ")
		return e.Encode(f)
	}
	fmt.Fprintf(r.Out, "%s\n%s, %s to a request, %s, %g s\n\n", what, count(int64(f.Leads), "lead", "leads"), count(int64(f.Batch), "input", "inputs"),
		count(int64(f.Connections), "connection", "connections"), f.Seconds)
	w := tabwriter.NewWriter(r.Out, 0, 0, 2, ' ', 0)
	row := func(name, value, note string) {
		if note != "" {
			note = "\t" + note
		}
		fmt.Fprintf(w, "%s\t%12s%s\n", name, value, note)
	}
	row("acknowledged", thousands(int64(f.PerSecond))+" /s", fmt.Sprintf("%s, %.0f MB", count(f.Events, "input", "inputs"), f.Megabytes))
	if f.Rate > 0 {
		row("asked for", thousands(int64(f.Rate))+" /s", "latency is from when a request should have been sent")
	}
	if f.Unsent > 0 {
		row("never sent", thousands(f.Unsent), "requests that were due: the server did not keep up")
	}
	if f.Refused > 0 {
		row("put off", thousands(f.Refused), "requests answered with 429 or 503, and sent again")
	}
	milliseconds := func(name string, ms float64, note string) { row(name, fmt.Sprintf("%.1f ms", ms), note) }
	milliseconds("latency p50", f.Half, "from sent to decided, on disk and acknowledged")
	milliseconds("        p99", f.Most, "")
	milliseconds("        p99.9", f.Nearly, "")
	milliseconds("        max", f.Max, "")
	if f.ServerCPU > 0 {
		row("processor", fmt.Sprintf("%.1f µs", f.ServerCPU), "of the server for an input, its start and end included")
	}
	if f.Limit > 0 {
		limit := func(name string, perSecond float64, each int) {
			row(name, thousands(int64(perSecond))+" /s", fmt.Sprintf("bare rows, %s to a transaction: %.0f %% of it reached", thousands(int64(each)), 100*f.PerSecond/perSecond))
		}
		limit("limit", f.Limit, limitEach)
		if f.Batch < limitEach {
			limit("", f.LimitBatch, f.Batch)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(r.Out, "\n%s, shared by all that ran here.\n", count(int64(f.Processors), "processor", "processors"))
	return err
}
