package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

type pipelineCommand struct {
	database
	Owner string `help:"Only what this person works." placeholder:"WHO"`
	Limit int    `help:"How many at most (${default})." default:"20"`
	JSON  bool   `name:"json" help:"As JSON."`
}

func (c *pipelineCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	plan, err := activePlan(r, st)
	if err != nil {
		return err
	}
	owner := strings.ToLower(c.Owner)
	rows, err := engine.Pipeline(r.ctx, st, plansOf(st, plan), owner, store.PipelinePlace{}, max(1, c.Limit))
	if err != nil {
		return err
	}
	table := &store.Table{Columns: []string{"lead", "name", "company", "stage", "owner", "value", "probability", "expected", "hours", "return", "competitors"}}
	some := func(f float64) any {
		if f == 0 {
			return nil
		}
		return math.Round(f*10) / 10
	}
	for i := range rows {
		p := &rows[i]
		name := p.Name
		if name == "" {
			name = p.Email
		}
		likely := ""
		if p.Probability > 0 {
			likely = strconv.FormatFloat(math.Round(p.Probability*1000)/10, 'f', -1, 64) + "%"
			if p.Assumed {
				likely += " (stage)"
			}
		}
		table.Rows = append(table.Rows, []any{p.ID, name, p.AccountName, p.Stage, p.Owner, some(p.Value), likely, some(p.Expected), some(p.Effort), some(p.Return), strings.Join(p.Competitors, ", ")})
	}
	if c.JSON {
		return rowsJSON(r.Out, table)
	}
	if err := r.list(table, "Sales works nobody now."); err != nil || len(rows) == 0 {
		return err
	}
	sum, err := st.SumPipeline(r.ctx, owner)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.Out, "In all %s: value %s, expected %s.\n", count(sum.Leads, "lead", "leads"), thousands(int64(math.Round(sum.Value))), thousands(int64(math.Round(sum.Expected))))
	return err
}

type leadEstimateCommand struct {
	byHand
	Lead        string   `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
	Value       float64  `help:"What it may be worth." placeholder:"AMOUNT"`
	Probability string   `help:"That it is won: 30% or 0.3." placeholder:"SHARE"`
	Hours       float64  `help:"The effort that winning it takes." default:"-1" placeholder:"HOURS"`
	Against     []string `help:"Whom else it may buy from, by their names in the agreement." placeholder:"NAME"`
}

func (c *leadEstimateCommand) Run(r *run) error {
	in := lifecycle.Input{Kind: lifecycle.Estimate, Value: c.Value}
	if len(c.Against) > 0 {
		in.Values = append(in.Values, lifecycle.Named{Name: "competitors", Value: agreement.TextValue(strings.Join(c.Against, ", "))})
	}
	if c.Hours >= 0 {
		in.Values = append(in.Values, lifecycle.Named{Name: "effort", Value: agreement.NumberValue(c.Hours)})
	}
	if c.Probability != "" {
		text, percent := strings.CutSuffix(strings.TrimSpace(c.Probability), "%")
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return fmt.Errorf("%q is no share; write 30%% or 0.3", c.Probability)
		}
		if percent {
			f /= 100
		}
		in.Values = append(in.Values, lifecycle.Named{Name: "probability", Value: agreement.NumberValue(f)})
	}
	d, err := c.carryOut(r, c.Lead, &lifecycle.Arrival{Input: in})
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "Lead %d is estimated.\n", d.Lead)
	for i := range d.Changes {
		switch change := &d.Changes[i]; change.Kind {
		case lifecycle.ValueSet, lifecycle.ProbabilitySet, lifecycle.EffortSet, lifecycle.CompetitorsSet, lifecycle.StageEntered:
			fmt.Fprintln(r.Out, "  "+change.Sentence(r.Clock().Location()))
		}
	}
	return nil
}

type leadWalkCommand struct {
	byHand
	Lead   string `arg:"" help:"E-mail address, number, phone number, or an ID of another system (system:id)."`
	Reason string `arg:"" help:"A reason of the agreement: one of its sales_qualification.walk_away."`
}

func (c *leadWalkCommand) Run(r *run) error {
	d, err := c.carryOut(r, c.Lead, &lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.WalkAway, Name: c.Reason}})
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "Lead %d is left to others: %s.\n", d.Lead, strings.ReplaceAll(c.Reason, "_", " "))
	return nil
}
