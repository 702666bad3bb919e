package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/report"
	"baton/internal/store"
)

// activePlan returns the plan that a database runs.
func activePlan(r *run, st *store.Store) (*agreement.Plan, error) {
	active, err := st.ActiveAgreement(r.ctx)
	if err != nil {
		return nil, err
	}
	if active == nil {
		return nil, fmt.Errorf("%s has no agreement yet; let one apply with: baton activate FILE --db %s", st.Name(), st.Name())
	}
	return app.Compile(active)
}

type reportCommand struct {
	database
	Name   string `arg:"" help:"funnel, velocity, lift, sla, promises, response, pursuit or rejections." enum:"funnel,velocity,lift,sla,promises,response,pursuit,rejections"`
	Since  string `help:"From this day on (2026-03-31)." placeholder:"DAY"`
	Until  string `help:"Up to and including this day." placeholder:"DAY"`
	By     string `help:"Group by an attribute (source, segment, campaign …), or by what the report says in docs/reports.md." placeholder:"NAME"`
	Format string `help:"table, json or csv." enum:"table,json,csv" default:"table"`
	SVG    string `name:"svg" help:"Also draw it into a file." placeholder:"FILE"`
}

func (c *reportCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	plan, err := activePlan(r, st)
	if err != nil {
		return err
	}
	zone := plan.Calendar.Zone()
	q := report.Query{By: c.By, Now: r.now()}
	if q.Since, err = day(c.Since, zone, 0); err != nil {
		return err
	}
	if q.Until, err = day(c.Until, zone, 1); err != nil {
		return err
	}
	if q.Since != 0 && q.Until != 0 && q.Until <= q.Since {
		return errors.New("--until lies before --since")
	}
	table, err := reports[c.Name](r.ctx, st, plan, q)
	if err != nil {
		return err
	}
	if c.SVG != "" {
		if err := os.WriteFile(c.SVG, table.SVG(), 0o644); err != nil {
			return fmt.Errorf("writing the picture: %w", err)
		}
	}
	return r.print(table, c.Format)
}

var reports = map[string]func(context.Context, *store.Store, *agreement.Plan, report.Query) (*report.Table, error){
	"funnel": report.Funnel, "velocity": report.Velocity, "lift": report.Lift, "sla": report.SLA, "promises": report.Promised, "response": report.Response, "pursuit": report.Pursuit, "rejections": report.Rejections,
}

func (r *run) print(t *report.Table, format string) error {
	switch format {
	case "json":
		return t.JSON(r.Out)
	case "csv":
		return t.CSV(r.Out)
	}
	return t.Text(r.Out, r.Width, r.Colour)
}

// day returns the start of a local day, or of the one so many days later; 0 for "".
func day(s string, zone *time.Location, later int) (int64, error) {
	if s == "" {
		return 0, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(s), zone)
	if err != nil {
		return 0, fmt.Errorf("%q is no day; write 2026-03-31", s)
	}
	return t.AddDate(0, 0, later).UnixMicro(), nil
}

type queryCommand struct {
	database
	Format string `help:"table, json or csv." enum:"table,json,csv" default:"table"`
	SQL    string `arg:"" help:"One SELECT; - reads it from standard input."`
}

func (c *queryCommand) Run(r *run) error {
	query := c.SQL
	if query == "-" {
		data, err := readFile(r, "-")
		if err != nil {
			return err
		}
		query = string(data)
	}
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	rows, err := st.Query(r.ctx, query)
	if err != nil {
		return err
	}
	return r.printRows(rows, c.Format)
}
