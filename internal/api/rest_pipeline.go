package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Estimate is what somebody says may come of a lead. What is nil stays as it was.
type Estimate struct {
	Value       *float64 `json:"value,omitempty" minimum:"0" doc:"What it may be worth." example:"60000"`
	Probability *float64 `json:"probability,omitempty" minimum:"0" maximum:"1" doc:"That it is won: 0.3 is three in ten. 0 for not known; then that of the stage counts." example:"0.3"`
	Effort      *float64 `json:"effort,omitempty" minimum:"0" doc:"The hours that winning it takes." example:"40"`
	Competitors []string `json:"competitors,omitempty" maxItems:"50" doc:"Whom else it may buy from, by their names in the agreement; an empty list for nobody." example:"[\"incumbent\"]"`
}

type estimateCommand struct {
	Command
	Body struct {
		Actor
		Estimate
	}
}

type walkCommand struct {
	Command
	Body struct {
		Actor
		Reason string `json:"reason" maxLength:"200" doc:"A reason of the agreement: one of its sales_qualification.walk_away." example:"too_small"`
	}
}

// prospect is a lead that sales works, and what is expected of it.
type prospect struct {
	Lead        *lead    `json:"lead"`
	Value       float64  `json:"value" doc:"0 for not known."`
	Probability float64  `json:"probability" doc:"0 for not known."`
	Assumed     bool     `json:"assumed" doc:"Nobody has said how likely it is won: the probability is that of its stage."`
	Expected    float64  `json:"expected" doc:"Value times probability."`
	Effort      float64  `json:"effort" doc:"Hours; 0 for not known."`
	Cost        float64  `json:"cost" doc:"Of the effort; 0 for not known."`
	Return      float64  `json:"return" doc:"How many times its cost is expected; 0 for not known."`
	Competitors []string `json:"competitors"`
}

type pipelineRequest struct {
	Owner string `query:"owner" maxLength:"254" doc:"Of this member." example:"anna@northwind.example"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most."`
}

type pipelineAnswer struct {
	Body struct {
		Items []prospect `json:"items"`
		Total struct {
			Leads    int64   `json:"leads"`
			Value    float64 `json:"value"`
			Expected float64 `json:"expected"`
		} `json:"total" doc:"Of all that are asked for, also those beyond the limit."`
	}
}

type qualificationPart struct {
	Question   string    `json:"question" doc:"Its name in the agreement." example:"enough_value"`
	Ask        string    `json:"ask,omitempty" doc:"As it is asked." example:"Can we show enough value?"`
	Definition string    `json:"definition,omitempty" doc:"What the team means by it."`
	Answer     any       `json:"answer,omitempty"`
	Met        bool      `json:"met"`
	Clause     ClauseRef `json:"clause"`
}

type qualificationCompetitor struct {
	Name       string   `json:"name" example:"incumbent"`
	Definition string   `json:"definition,omitempty"`
	Strengths  []string `json:"strengths"`
	Answer     string   `json:"answer,omitempty" doc:"What we say to that."`
}

type qualificationAnswer struct {
	Body struct {
		Lead        int64                     `json:"lead"`
		Before      string                    `json:"before,omitempty" doc:"The stage that asks." example:"opportunity"`
		Ready       bool                      `json:"ready" doc:"Nothing is missing."`
		Missing     []string                  `json:"missing" doc:"In sentences: those of the refusal."`
		Questions   []qualificationPart       `json:"questions"`
		Value       float64                   `json:"value"`
		Probability float64                   `json:"probability"`
		Assumed     bool                      `json:"assumed"`
		Expected    float64                   `json:"expected"`
		Effort      float64                   `json:"effort"`
		Cost        float64                   `json:"cost"`
		Return      float64                   `json:"return"`
		Competitors []qualificationCompetitor `json:"competitors"`
		WalkAway    []string                  `json:"walk_away" doc:"The reasons there are."`
	}
}

func (a *API) pipelineRoutes() {
	failures := []int{400, 404, 409, 412, 422, 429, 503}
	register(a, huma.Operation{Method: http.MethodGet, Path: "/pipeline", OperationID: "get-pipeline", Tags: []string{"Pipeline"}, Summary: "List what sales works",
		Description: "Those of which most is expected first: value times probability.", Errors: []int{422, 503}}, ScopeRead, a.getPipeline)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/leads/{lead}/qualification", OperationID: "get-qualification", Tags: []string{"Pipeline"}, Summary: "Ask whether a lead is worth it",
		Description: "The questions of sales_qualification with what was answered, what is expected for which effort, and what is missing before the lead may go on.", Errors: []int{404, 422}}, ScopeRead, a.getQualification)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/leads/{lead}/estimate", OperationID: "estimate-lead", Tags: []string{"Pipeline"}, Summary: "Estimate a lead",
		Description: "What it may be worth, how likely it is won, the effort, and against whom. What is left out stays as it was.", Errors: failures}, ScopeWrite, a.estimateLead)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/leads/{lead}/walk-away", OperationID: "walk-away-from-lead", Tags: []string{"Pipeline"}, Summary: "Walk away from a lead",
		Description: "Along the transition to the stage for it. Neither lost nor anybody's failing: a reason that both sides agreed on.", Errors: failures}, ScopeWrite, func(ctx context.Context, in *walkCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &in.Body.Actor, lifecycle.Input{Kind: lifecycle.WalkAway, Name: in.Body.Reason})
	})
}

func (a *API) estimateLead(ctx context.Context, in *estimateCommand) (*commandAnswer, error) {
	input, err := a.EstimateInput(&in.Body.Estimate)
	if err != nil {
		return nil, err
	}
	return a.act(ctx, &in.Command, &in.Body.Actor, input)
}

// EstimateInput makes the input of an estimate: of a command of the REST API, or of a form of a page. An estimate that says nothing, or
// names a competitor that the agreement has not, is a *Problem.
func (a *API) EstimateInput(e *Estimate) (lifecycle.Input, error) {
	in := lifecycle.Input{Kind: lifecycle.Estimate}
	if e.Value == nil && e.Probability == nil && e.Effort == nil && e.Competitors == nil {
		return in, problemOf("invalid", "there is no estimate in it", ProblemError{Location: "body", Message: "value, probability, effort or competitors is needed"})
	}
	if e.Value != nil {
		in.Value = *e.Value
	}
	if e.Competitors != nil {
		var words []string
		if w := a.plan().Worth; w != nil {
			words = names(w.Competitors, func(k *agreement.Competitor) string { return k.Name })
		}
		for _, name := range e.Competitors {
			if !has(words, name) {
				return in, unknownWord("body.competitors", "competitor", name, words)
			}
		}
		in.Values = append(in.Values, lifecycle.Named{Name: "competitors", Value: agreement.TextValue(strings.Join(e.Competitors, ", "))})
	}
	if e.Effort != nil {
		in.Values = append(in.Values, lifecycle.Named{Name: "effort", Value: agreement.NumberValue(*e.Effort)})
	}
	if e.Probability != nil {
		in.Values = append(in.Values, lifecycle.Named{Name: "probability", Value: agreement.NumberValue(*e.Probability)})
	}
	return in, nil
}

func (a *API) getPipeline(ctx context.Context, in *pipelineRequest) (*pipelineAnswer, error) {
	if a.Plan() == nil {
		return nil, engine.ErrNoAgreement
	}
	rows, err := engine.Pipeline(ctx, a.Store, a.PlanOf, in.Owner, store.PipelinePlace{}, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &pipelineAnswer{}
	out.Body.Items = []prospect{}
	for i := range rows {
		r := &rows[i]
		v := prospect{Value: r.Value, Probability: r.Probability, Assumed: r.Assumed, Expected: r.Expected, Effort: r.Effort, Cost: r.Cost, Return: r.Return, Competitors: append([]string{}, r.Competitors...)}
		if v.Lead, err = a.leadOf(ctx, &r.ListedLead); err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	sum, err := a.Store.SumPipeline(ctx, in.Owner)
	out.Body.Total.Leads, out.Body.Total.Value, out.Body.Total.Expected = sum.Leads, sum.Value, sum.Expected
	return out, err
}

func (a *API) getQualification(ctx context.Context, in *LeadRef) (*qualificationAnswer, error) {
	row, plan, view, err := a.view(ctx, in.Lead)
	if err != nil {
		return nil, err
	}
	q := lifecycle.Qualify(plan, view, max(a.now(), row.Lead.Clock))
	out := &qualificationAnswer{}
	b := &out.Body
	b.Lead, b.Ready, b.Missing = row.ID, q.Ready(), append([]string{}, q.Missing...)
	b.Value, b.Probability, b.Assumed, b.Expected, b.Effort, b.Cost, b.Return = q.Value, q.Probability, q.Assumed, q.Expected, q.Effort, q.Cost, q.Return()
	b.Questions, b.Competitors, b.WalkAway = []qualificationPart{}, []qualificationCompetitor{}, []string{}
	w := plan.Worth
	if w == nil {
		return out, nil
	}
	if w.Before >= 0 {
		b.Before = plan.Stages[w.Before].Name
	}
	for i := range q.Asks {
		k := &q.Asks[i]
		part := qualificationPart{Question: k.Question.Name, Ask: k.Question.Ask, Definition: k.Definition, Met: k.Met, Clause: clauseIn(plan, k.Ask.Address)}
		switch k.Answer.Kind {
		case agreement.Missing:
		case agreement.Boolean:
			part.Answer = k.Answer.Num != 0
		case agreement.Number:
			part.Answer = k.Answer.Num
		case agreement.Date:
			part.Answer = moment(int64(k.Answer.Num))
		default:
			part.Answer = k.Answer.Str
		}
		b.Questions = append(b.Questions, part)
	}
	for _, name := range row.Lead.Competitors {
		if i := w.Competitor(name); i >= 0 {
			k := &w.Competitors[i]
			b.Competitors = append(b.Competitors, qualificationCompetitor{k.Name, k.Definition, append([]string{}, k.Strengths...), k.Answer})
		}
	}
	b.WalkAway = append(b.WalkAway, names(w.WalkAway, func(n *agreement.Named) string { return n.Name })...)
	return out, nil
}
