package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// leadBrief is what somebody has to know of a lead before they speak to it.
type leadBrief struct {
	Lead       int64           `json:"lead"`
	Name       string          `json:"name" example:"Ada Lind"`
	Company    string          `json:"company,omitempty"`
	Stage      string          `json:"stage"`
	Since      time.Time       `json:"since" doc:"In the stage."`
	Pass       int             `json:"pass"`
	Owner      string          `json:"owner,omitempty"`
	Queue      string          `json:"queue,omitempty"`
	Handoff    string          `json:"handoff,omitempty" doc:"How its hand-off stands."`
	Due        *time.Time      `json:"due,omitempty" doc:"The next deadline."`
	Deadline   string          `json:"deadline,omitempty" doc:"Its clause."`
	Score      string          `json:"score,omitempty" example:"85 points, grade A1"`
	Readiness  int             `json:"readiness"`
	WhyNow     *briefReason    `json:"why_now,omitempty" doc:"What brought it to sales, or else to its stage."`
	Points     []briefPoints   `json:"points" doc:"The clauses that gave it most of its points."`
	Last       *briefEvent     `json:"last,omitempty" doc:"The last thing that it did or said."`
	Changed    *briefChange    `json:"changed,omitempty" doc:"What changed last."`
	Activities []briefActivity `json:"activities" doc:"The most telling ones, as many as the agreement says."`
	Asset      *briefAsset     `json:"asset,omitempty" doc:"The most recent one."`
	Questions  []briefQuestion `json:"questions" doc:"Those that are open."`
	Answers    []briefFact     `json:"answers"`
	Known      []briefFact     `json:"known" doc:"Attributes, as the agreement says."`
	MaySpeak   *verdict        `json:"may_speak" doc:"Whether the reader may speak to it, by any channel."`
	Before     []briefEvent    `json:"before" doc:"What came of it before, the oldest first."`
	At         time.Time       `json:"at"`
}

type briefReason struct {
	ClauseRef
	Stage string     `json:"stage"`
	At    time.Time  `json:"at"`
	Text  string     `json:"text,omitempty"`
	Saw   []sawValue `json:"saw,omitempty"`
}

type briefPoints struct {
	ClauseRef
	Name   string  `json:"name"`
	Points float64 `json:"points"`
}

type briefEvent struct {
	Kind  string    `json:"kind" example:"hand_back"`
	What  string    `json:"what" doc:"In words." example:"handed back"`
	Name  string    `json:"name,omitempty" doc:"The activity, or the reason."`
	Actor string    `json:"actor,omitempty"`
	Note  string    `json:"note,omitempty"`
	Pass  int       `json:"pass,omitempty"`
	At    time.Time `json:"at"`
}

type briefChange struct {
	ClauseRef
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

type briefActivity struct {
	Name  string    `json:"name" example:"demo_requested"`
	Worth string    `json:"worth" enum:"low,medium,high"`
	Count int64     `json:"count"`
	Last  time.Time `json:"last_at"`
}

type briefAsset struct {
	Name        string    `json:"name"`
	Worth       string    `json:"worth" enum:"low,medium,high"`
	BuyingStage string    `json:"buying_stage,omitempty"`
	At          time.Time `json:"at"`
}

type briefQuestion struct {
	ClauseRef
	Name string `json:"name"`
	Ask  string `json:"ask,omitempty"`
}

type briefFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type briefRequest struct {
	LeadRef
	Reader string `query:"reader" doc:"The member who is to speak; sales on its own behalf if it is left out." example:"anna@northwind.example"`
}

type briefAnswer struct {
	ETag string `header:"ETag"`
	Body leadBrief
}

func (a *API) briefRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/leads/{lead}/brief", OperationID: "get-brief", Tags: []string{"Leads"}, Summary: "Get the brief of a lead",
		Description: "Who it is, why now, what was telling, what to ask, who may speak, and what came of it before: what alerts say too. It shows the attributes that the agreement lists.",
		Errors:      []int{404, 422}}, ScopeRead, a.getBrief)
}

func (a *API) getBrief(ctx context.Context, in *briefRequest) (*briefAnswer, error) {
	row, plan, view, err := a.view(ctx, in.Lead)
	if err != nil {
		return nil, err
	}
	reader := lifecycle.Speaker{Member: in.Reader, Side: agreement.Sales}
	if in.Reader != "" && view.Roster.Member(in.Reader) == nil {
		return nil, a.noMember("query.reader", in.Reader)
	}
	events, err := a.Store.Story(ctx, row.ID, mostStory)
	if err != nil {
		return nil, err
	}
	past := make([]lifecycle.Decided, len(events))
	for i := range events {
		past[i] = lifecycle.Decided{Input: events[i].Input, Decision: events[i].Decision}
		past[i].Decision.At = events[i].Input.Known
	}
	at := max(a.now(), row.Lead.Clock)
	b := lifecycle.BriefOf(plan, view, past, reader, at)
	return &briefAnswer{ETag: entityTag(row.LastInput), Body: briefIn(plan, &b, at)}, nil
}

// briefIn writes a brief as the API has it.
func briefIn(plan *agreement.Plan, b *lifecycle.Brief, at int64) leadBrief {
	v := leadBrief{Lead: b.Lead, Name: b.Name, Company: b.Company, Stage: b.Stage, Since: moment(b.Since), Pass: b.Pass, Owner: b.Owner, Queue: b.Queue, Handoff: b.Handoff,
		Due: perhaps(b.Due), Deadline: b.Clock, Score: b.Score, Readiness: b.Readiness, Points: []briefPoints{}, Activities: []briefActivity{}, Questions: []briefQuestion{},
		Answers: factsIn(b.Answers), Known: factsIn(b.Known), Before: []briefEvent{}, At: moment(at),
		MaySpeak: &verdict{b.Speak.Allowed, b.Speak.Text, clauseIn(plan, b.Speak.Clause), b.Speak.Holder, sawOf(b.Speak.Saw), moment(at)}}
	if r := b.Ready; r != nil {
		v.WhyNow = &briefReason{clauseIn(plan, r.Clause), r.Stage, moment(r.At), r.Text, sawOf(r.Saw)}
	}
	for _, p := range b.Points {
		v.Points = append(v.Points, briefPoints{clauseIn(plan, p.Clause), p.Name, float64(p.Points) / agreement.Point})
	}
	if b.Last != nil {
		e := eventIn(b.Last)
		v.Last = &e
	}
	if c := b.Changed; c != nil {
		v.Changed = &briefChange{clauseIn(plan, c.Clause), c.Text, moment(c.At)}
	}
	for _, m := range b.Activities {
		v.Activities = append(v.Activities, briefActivity{m.Name, m.Worth, m.Count, moment(m.Last)})
	}
	if s := b.Asset; s != nil {
		v.Asset = &briefAsset{s.Name, s.Worth, s.BuyingStage, moment(s.At)}
	}
	for _, q := range b.Questions {
		v.Questions = append(v.Questions, briefQuestion{clauseIn(plan, q.Clause), q.Name, q.Ask})
	}
	for i := range b.Before {
		v.Before = append(v.Before, eventIn(&b.Before[i]))
	}
	return v
}

func eventIn(e *lifecycle.BriefEvent) briefEvent {
	return briefEvent{e.Kind.String(), e.What, e.Name, e.Actor, e.Note, e.Pass, moment(e.At)}
}

func factsIn(list []lifecycle.NoticeFact) []briefFact {
	out := []briefFact{}
	for _, f := range list {
		out = append(out, briefFact(f))
	}
	return out
}
