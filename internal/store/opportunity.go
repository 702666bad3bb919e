package store

import (
	"context"
	"fmt"
	"strconv"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// A lead that sales works has a row in the table opportunity beside its own: what is expected of it, by which the pipeline is
// ordered, in indexes of everybody's and of each owner's.

const opportunityColumns = `lead owner stage value probability effort expected`

// inPlay reports whether sales works a lead that is in a stage of a side, with an outcome.
func inPlay(side, outcome string) bool { return side == agreement.Sales.String() && outcome == "" }

// sealOpportunity writes the row of a lead in the pipeline, or takes it out, if it is not as it was.
func (b *Batch) sealOpportunity(r *Record, was *rare) {
	l, plan := r.Lead, b.words.plan
	s := &plan.Stages[l.Stage]
	if !inPlay(s.Side.String(), s.Final.String()) {
		b.unpursue(r)
		return
	}
	now := &r.rare
	if r.pursued && was.version == now.version && was.stage == now.stage && was.owner == now.owner && was.value == now.value && was.probability == now.probability && was.effort == now.effort {
		return
	}
	expected, probability, _ := lifecycle.Expected(plan, l)
	b.opportunityValues = append(b.opportunityValues, r.ID, l.Owner, s.Name, l.Value, probability, l.Effort, expected)
	r.pursued = true
}

// unpursue takes a lead out of the pipeline.
func (b *Batch) unpursue(r *Record) {
	if r.pursued {
		b.Exec(`DELETE FROM opportunity WHERE lead = $1`, r.ID)
		r.pursued = false
	}
}

// PipelinePlace is where a list of the pipeline goes on: behind a lead of which so much was expected. The zero value is its beginning.
type PipelinePlace struct {
	Expected float64
	Lead     int64
}

// pipelineList is the query of ListPipeline. (CROSS JOIN has SQLite begin with the pipeline.)
func pipelineList(owner string, after PipelinePlace, most int) (string, []any) {
	where, args := "", []any{int64(most)}
	if owner != "" {
		args = append(args, owner)
		where = " AND o.owner = $2"
	}
	if after.Lead != 0 {
		args = append(args, after.Expected, after.Lead)
		x, id := "$"+strconv.Itoa(len(args)-1), "$"+strconv.Itoa(len(args))
		where += " AND o.expected <= " + x + " AND (o.expected < " + x + " OR o.lead > " + id + ")"
	}
	return `SELECT ` + listedFields + ` FROM opportunity o CROSS JOIN lead l LEFT JOIN account a ON a.id = l.account WHERE l.id = o.lead` + where +
		` ORDER BY o.expected DESC, o.lead LIMIT $1`, args
}

// ListPipeline returns the leads that sales works, those of which most is expected first, at most so many behind a place: of an owner, or all. What is
// expected of each tells lifecycle.Qualify, or lifecycle.Expected. It reads as many entries of an index as it returns.
func (s *Store) ListPipeline(ctx context.Context, owner string, after PipelinePlace, most int) ([]ListedLead, error) {
	query, args := pipelineList(owner, after, most)
	list, err := s.listed(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the pipeline: %w", err)
	}
	return list, nil
}

// Pipeline is what a pipeline comes to.
type Pipeline struct {
	Leads           int64
	Value, Expected float64
}

// SumPipeline adds up what sales works, of an owner or all.
func (s *Store) SumPipeline(ctx context.Context, owner string) (p Pipeline, err error) {
	where, args := "", []any(nil)
	if owner != "" {
		where, args = " WHERE owner = $"+strconv.Itoa(1), []any{owner}
	}
	err = s.one(ctx, `SELECT count(*), coalesce(sum(value), 0.0), coalesce(sum(expected), 0.0) FROM opportunity`+where, args, &p.Leads, &p.Value, &p.Expected)
	return p, s.explain("reading", err)
}
