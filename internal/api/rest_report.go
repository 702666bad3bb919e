package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/report"
	"baton/internal/store"
)

// reports are those there are.
var reports = map[string]func(context.Context, *store.Store, *agreement.Plan, report.Query) (*report.Table, error){
	"funnel": report.Funnel, "velocity": report.Velocity, "lift": report.Lift, "sla": report.SLA, "promises": report.Promised, "response": report.Response, "pursuit": report.Pursuit, "rejections": report.Rejections,
}

type reportRequest struct {
	Name  string `path:"report" enum:"funnel,velocity,lift,sla,promises,response,pursuit,rejections" doc:"Which one."`
	Since string `query:"since" format:"date" doc:"From this day on, in the agreement's time zone." example:"2026-03-01"`
	Until string `query:"until" format:"date" doc:"Up to and including this day." example:"2026-03-31"`
	By    string `query:"by" maxLength:"200" doc:"What to group by: an attribute of the agreement, answers.QUESTION, owner, grade, stage, side, outcome, origin, track, readiness, buying_stage, consent, month or week; lift also activity, asset and criterion." example:"source"`
}

// reportTable is how a report is written; report.Table writes it.
type reportTable struct {
	Report   string           `json:"report" example:"funnel"`
	Title    string           `json:"title"`
	Finding  string           `json:"finding" doc:"One plain sentence: the answer."`
	BaseRate *float64         `json:"base_rate,omitempty" doc:"Of lift: the rate of all leads."`
	Columns  []reportColumn   `json:"columns"`
	Rows     []map[string]any `json:"rows" doc:"By the names of the columns. What is missing, and what would be of too few leads, is null."`
	Notes    []string         `json:"notes" doc:"What to know when reading it."`
	Parts    []reportTable    `json:"parts,omitempty" doc:"Tables that belong below this one."`
}

type reportColumn struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  string `json:"unit,omitempty"`
}

// reportBody is a report as report.Table writes it.
type reportBody struct{ *report.Table }

// Schema is that of reportTable.
func (reportBody) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[reportTable](), true, "Report")
}

// MarshalJSON writes the report.
func (b reportBody) MarshalJSON() ([]byte, error) { return json.Marshal(b.Table) }

type reportAnswer struct{ Body reportBody }

func (a *API) reportRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/reports/{report}", OperationID: "get-report", Tags: []string{"Reports"}, Summary: "Get a report",
		Description: "The figures of `baton report`, of one moment of the database. What the columns mean stands in docs/reports.md.", Errors: []int{404, 422}}, ScopeRead, a.getReport)
}

func (a *API) getReport(ctx context.Context, in *reportRequest) (*reportAnswer, error) {
	plan := a.Plan()
	if plan == nil {
		return nil, engine.ErrNoAgreement
	}
	q := report.Query{By: in.By, Now: a.now()}
	zone := plan.Calendar.Zone()
	for _, bound := range []struct {
		name, day string
		later     int
		to        *int64
	}{{"since", in.Since, 0, &q.Since}, {"until", in.Until, 1, &q.Until}} {
		if bound.day == "" {
			continue
		}
		t, err := time.ParseInLocation(time.DateOnly, bound.day, zone)
		if err != nil {
			return nil, problemOf("invalid", bound.name+" is no day; write 2026-03-31", ProblemError{Location: "query." + bound.name, Message: "no day"})
		}
		*bound.to = t.AddDate(0, 0, bound.later).UnixMicro()
	}
	if q.Since != 0 && q.Until != 0 && q.Until <= q.Since {
		return nil, problemOf("invalid", "until lies before since", ProblemError{Location: "query.until", Message: "before since"})
	}
	table, err := reports[in.Name](ctx, a.Store, plan, q)
	if err != nil {
		if strings.HasPrefix(err.Error(), "grouping by ") { // a sentence for whoever asked
			return nil, problemOf("vocabulary", err.Error(), ProblemError{Location: "query.by", Message: "nothing to group by"})
		}
		return nil, err
	}
	return &reportAnswer{reportBody{table}}, nil
}
