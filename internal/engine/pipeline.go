package engine

import (
	"context"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// PipelineRow is a lead that sales works, as a page shows it.
type PipelineRow struct {
	store.ListedLead
	Probability float64 // 0 for not known
	Assumed     bool    // the probability is that of the stage: nobody has said
	Expected    float64 // Value times Probability
	Effort      float64 // hours, 0 for not known
	Cost        float64 // of the effort, 0 for not known
	Return      float64 // how many times its cost is expected, 0 for not known
	Competitors []string
}

// Pipeline returns the leads that sales works, those of which most is expected first, at most so many behind a place: of an owner, or all. plan returns
// the agreement of a version. It takes one query, whose cost is the number of rows.
func Pipeline(ctx context.Context, st *store.Store, plan func(context.Context, int64) (*agreement.Plan, error), owner string, after store.PipelinePlace, most int) ([]PipelineRow, error) {
	leads, err := st.ListPipeline(ctx, owner, after, most)
	if err != nil {
		return nil, err
	}
	rows := make([]PipelineRow, 0, len(leads))
	for i := range leads {
		l := leads[i].Lead
		p, err := plan(ctx, leads[i].Version)
		if err != nil {
			return nil, err
		}
		row := PipelineRow{ListedLead: leads[i], Effort: l.Effort, Competitors: l.Competitors}
		row.Expected, row.Probability, row.Assumed = lifecycle.Expected(p, l)
		if w := p.Worth; w != nil && l.Effort > 0 {
			row.Cost = l.Effort * w.HourCosts
		}
		if row.Cost > 0 {
			row.Return = row.Expected / row.Cost
		}
		rows = append(rows, row)
	}
	return rows, nil
}
