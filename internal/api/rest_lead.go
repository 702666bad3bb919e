package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// lead is a lead as it stood when something was last decided for it.
type lead struct {
	ID          int64          `json:"id"`
	Name        string         `json:"name,omitempty" example:"Ada Nilsson"`
	Email       string         `json:"email,omitempty" example:"ada@acme.example"`
	Account     *leadAccount   `json:"account,omitempty"`
	Origin      string         `json:"origin" doc:"The side that brought it." enum:"marketing,sales"`
	Stage       string         `json:"stage" doc:"The stage of the agreement that it is in." example:"sal"`
	Side        string         `json:"side" enum:"marketing,sales"`
	Outcome     string         `json:"outcome,omitempty" doc:"Left out while it is under way." enum:"won,lost,disqualified,walked_away"`
	EnteredAt   time.Time      `json:"entered_at" doc:"When it came to this stage."`
	Pass        int64          `json:"pass" doc:"Its trips through the funnel, counted from 1."`
	Owner       string         `json:"owner,omitempty" doc:"A member." example:"anna@northwind.example"`
	Queue       string         `json:"queue,omitempty" doc:"The queue it waits in."`
	Track       string         `json:"track,omitempty" doc:"The nurture track it is on."`
	RevisitAt   *time.Time     `json:"revisit_at,omitempty" doc:"When it comes back by itself."`
	Score       float64        `json:"score" doc:"Fit and engagement together, in points, at decided_at."`
	Fit         float64        `json:"fit"`
	Engagement  float64        `json:"engagement"`
	Grade       string         `json:"grade,omitempty" example:"A2"`
	Readiness   int64          `json:"readiness" doc:"0 to 5."`
	BuyingStage string         `json:"buying_stage,omitempty"`
	Activities  int64          `json:"activities" doc:"How many count."`
	Consent     string         `json:"consent" enum:"not_asked,granted,withdrawn,objected"`
	Marketing   []string       `json:"marketing" doc:"The channels that marketing may use to speak to it now: all, none, or names. What sends its programmes pauses and resumes by it."`
	Value       float64        `json:"value" doc:"What it is worth, if that is known."`
	Attributes  map[string]any `json:"attributes" doc:"By their names in the agreement. Those of the company are with the account, if there is one."`
	Answers     map[string]any `json:"answers" doc:"What was found out on the phone, by the names of the questions."`
	Handoff     *leadHandoff   `json:"handoff,omitempty" doc:"The last one there was."`
	Deadlines   []leadDeadline `json:"deadlines" doc:"Clocks that have not stopped."`
	CreatedAt   time.Time      `json:"created_at"`
	DecidedAt   time.Time      `json:"decided_at" doc:"When something was last decided for it."`
	Agreement   int64          `json:"agreement" doc:"The version of the agreement that it follows."`
	LastInput   int64          `json:"last_input" doc:"The last thing that happened to it; its ETag."`
}

type leadAccount struct {
	ID   int64  `json:"id"`
	Key  string `json:"key" doc:"A domain, or name: and the name." example:"acme.example"`
	Name string `json:"name,omitempty"`
}

type leadHandoff struct {
	Name        string     `json:"name" example:"mql_to_sales"`
	State       string     `json:"state" enum:"open,accepted,rejected,expired,escalated,withdrawn"`
	OfferedAt   time.Time  `json:"offered_at"`
	AcceptedAt  *time.Time `json:"accepted_at,omitempty"`
	ContactedAt *time.Time `json:"contacted_at,omitempty" doc:"When somebody was first reached."`
	Reassigned  int        `json:"reassigned" doc:"How often it moved."`
	Reason      string     `json:"reason,omitempty" doc:"Why it was rejected."`
}

type leadDeadline struct {
	Clause    string     `json:"clause" doc:"The address of the clause." example:"handoffs.mql_to_sales.accept_within"`
	State     string     `json:"state" enum:"running,paused,breached"`
	Member    string     `json:"member,omitempty" doc:"In whose working time it runs."`
	StartedAt time.Time  `json:"started_at"`
	DueAt     *time.Time `json:"due_at,omitempty" doc:"Left out while it does not run."`
	Within    float64    `json:"within" doc:"How much time there is, in unit."`
	Unit      string     `json:"unit" enum:"hours,working hours,working days"`
	Breaches  int        `json:"breaches" doc:"How often time ran out."`
}

// leadOf puts a row into the words of the agreement that the lead follows.
func (a *API) leadOf(ctx context.Context, row *store.ListedLead) (*lead, error) {
	plan, err := a.PlanOf(ctx, row.Version)
	if err != nil {
		return nil, err
	}
	l := row.Lead
	v := &lead{ID: row.ID, Marketing: marketingOf(row.Lead.Marketing), Name: row.Name, Email: row.Email, Origin: row.Origin, Stage: row.Stage, Side: row.Side, Outcome: row.Outcome,
		EnteredAt: moment(row.Entered), Pass: row.Pass, Owner: row.Owner, Queue: row.Queue, Track: row.Track, RevisitAt: perhaps(row.Revisit),
		Score: points(row.Fit + row.Engagement), Fit: points(row.Fit), Engagement: points(row.Engagement), Grade: row.Grade, Readiness: row.Readiness,
		BuyingStage: row.BuyingStage, Activities: row.Activities, Consent: row.Consent, Value: row.Value, Deadlines: []leadDeadline{},
		CreatedAt: moment(row.Created), DecidedAt: moment(row.Decided), Agreement: row.Version, LastInput: row.LastInput}
	if v.Attributes, v.Answers, err = attributesOf(row.Attributes); err != nil {
		return nil, fmt.Errorf("lead %d: %w", row.ID, err)
	}
	if row.Account != 0 {
		v.Account = &leadAccount{row.Account, row.AccountKey, row.AccountName}
	}
	if h := &l.Handoff; h.Rule >= 0 && h.Rule < len(plan.Handoffs) && h.State != lifecycle.NoHandoff {
		v.Handoff = &leadHandoff{Name: plan.Handoffs[h.Rule].Name, State: h.State.String(), OfferedAt: moment(h.Offered), AcceptedAt: perhaps(h.Accepted),
			ContactedAt: perhaps(h.Contacted), Reassigned: h.Reassigned}
		if h.Reason >= 0 && h.Reason < len(plan.Handbacks) && h.State == lifecycle.HandoffRejected {
			v.Handoff.Reason = plan.Handbacks[h.Reason].Name
		}
	}
	for i := range l.Clocks {
		k := &l.Clocks[i]
		d := leadDeadline{Clause: k.Name, State: k.State.String(), Member: k.Member, StartedAt: moment(k.Started), Breaches: k.Breaches, Unit: "hours", Within: float64(k.Within) / 3.6e9}
		switch calendar.Unit(k.Unit) {
		case calendar.WorkingTime:
			d.Unit = "working hours"
		case calendar.WorkingDays:
			d.Unit, d.Within = "working days", float64(k.Within)/calendar.DayAmount
		}
		if k.State == lifecycle.Running {
			d.DueAt = perhaps(k.Due)
		}
		v.Deadlines = append(v.Deadlines, d)
	}
	return v, nil
}

func points(n int64) float64 { return float64(n) / agreement.Point }

// attributesOf parts the attributes of a row from its answers.
func attributesOf(text string) (attributes, answers map[string]any, err error) {
	attributes, answers = map[string]any{}, map[string]any{}
	if err := json.Unmarshal([]byte(text), &attributes); err != nil {
		return nil, nil, fmt.Errorf("reading the attributes: %w", err)
	}
	for name, v := range attributes {
		if question, ok := strings.CutPrefix(name, "answers."); ok {
			answers[question] = v
			delete(attributes, name)
		}
	}
	return attributes, answers, nil
}

// plans keeps the agreements that leads follow, by their versions.
type plans struct {
	lock sync.Mutex
	list map[int64]*agreement.Plan
}

// PlanOf returns the agreement of a version.
func (a *API) PlanOf(ctx context.Context, version int64) (*agreement.Plan, error) {
	a.plans.lock.Lock()
	defer a.plans.lock.Unlock()
	if plan := a.plans.list[version]; plan != nil {
		return plan, nil
	}
	stored, err := a.Store.AgreementVersion(ctx, version)
	if err != nil {
		return nil, err
	}
	plan := a.Plan()
	if plan == nil || plan.Hash != stored.Hash {
		var findings agreement.Findings
		if plan, findings = agreement.Compile(stored.File, stored.Source, among(stored.Files)); findings.HasErrors() {
			return nil, findings.Err()
		}
	}
	if a.plans.list == nil {
		a.plans.list = map[int64]*agreement.Plan{}
	}
	a.plans.list[version] = plan
	return plan, nil
}

// among reads the files that an agreement names, from those that came with it.
func among(files map[string][]byte) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if data, ok := files[path]; ok {
			return data, nil
		}
		return nil, fmt.Errorf("%s: it did not come with the agreement; send it in files", clip(path))
	}
}

// find returns the ID of the lead that a reference means: a number, an e-mail address, or system:id.
func (a *API) find(ctx context.Context, ref string) (int64, error) {
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
		return id, nil
	}
	var keys []identity.Key
	if strings.Contains(ref, "@") {
		if key, err := identity.NormalizeEmail(ref); err == nil {
			keys = append(keys, key)
		}
	}
	if system, id, ok := strings.Cut(ref, ":"); ok {
		keys = append(keys, identity.ExternalKey(system, id))
	}
	if len(keys) == 0 {
		return 0, problemOf("not-found", fmt.Sprintf("%q is no lead; give its number, an e-mail address, or system:id", clip(ref)))
	}
	found, err := a.Store.Keys(ctx, keys)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if id := found[key]; id != 0 {
			return id, nil
		}
	}
	return 0, problemOf("not-found", fmt.Sprintf("no lead is known as %q; look how it is written, or give its number", clip(ref)))
}

// row finds the row of a lead by what somebody calls it: of one that was merged, that of the lead that goes on for it.
func (a *API) row(ctx context.Context, ref string) (*store.ListedLead, error) {
	id, err := a.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	return a.living(ctx, id)
}

// living returns the row of a lead, or of the one that it was merged into.
func (a *API) living(ctx context.Context, id int64) (*store.ListedLead, error) {
	row, err := a.Store.LeadByID(ctx, id)
	if !errors.Is(err, store.ErrNoLead) {
		return row, err
	}
	into, failed := a.Store.Survivor(ctx, id)
	if failed != nil || into == id {
		return nil, cmp.Or(failed, err)
	}
	return a.Store.LeadByID(ctx, into)
}

// LeadRef names a lead in an address.
type LeadRef struct {
	Lead string `path:"lead" maxLength:"500" doc:"Its number, its e-mail address, or its ID in another system as system:id." example:"ada@acme.example"`
}

type leadsRequest struct {
	Page
	Stage        string    `query:"stage" doc:"In this stage, of the agreement or of an earlier one." example:"sal"`
	Side         string    `query:"side" enum:"marketing,sales" doc:"With this side."`
	Owner        string    `query:"owner" doc:"Of this member." example:"anna@northwind.example"`
	Queue        string    `query:"queue" doc:"Waiting in this queue, of the agreement or of an earlier one."`
	Grade        string    `query:"grade" enum:"A1,A2,A3,A4,B1,B2,B3,B4,C1,C2,C3,C4,D1,D2,D3,D4" doc:"Of this grade." example:"A1"`
	Account      int64     `query:"account" minimum:"1" doc:"Of this account, by its number."`
	Email        string    `query:"email" doc:"With this e-mail address: one or none." example:"ada@acme.example"`
	Outcome      string    `query:"outcome" enum:"open,won,lost,disqualified,walked_away" doc:"How it ended; open for under way."`
	Consent      string    `query:"consent" enum:"not_asked,granted,withdrawn,objected" doc:"With this consent."`
	Origin       string    `query:"origin" enum:"marketing,sales" doc:"Brought by this side."`
	UpdatedAfter time.Time `query:"updated_after" doc:"Of which something was decided since." example:"2026-11-23T12:00:00Z"`
	CreatedAfter time.Time `query:"created_after" doc:"That arrived since." example:"2026-11-23T12:00:00Z"`
}

type leadPage struct {
	Items      []*lead `json:"items"`
	NextCursor string  `json:"next_cursor,omitempty" doc:"Where the next page begins; left out at the end."`
	Next       string  `json:"next,omitempty" doc:"The address of the next page."`
}

type leadsAnswer struct {
	Next
	Body leadPage
}

type leadRequest struct {
	LeadRef
	IfNoneMatch string `header:"If-None-Match" doc:"An ETag that you have; 304 if it is still so."`
}

type leadAnswer struct {
	ETag            string `header:"ETag"`
	ContentLocation string `header:"Content-Location"`
	Body            *lead
}

func (a *API) leadRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/leads", OperationID: "list-leads", Tags: []string{"Leads"}, Summary: "List leads",
		Description: "In the order in which they arrived. Leads that arrive while you go from page to page come last: each is seen once. " +
			"By owner, account, queue, and by a stage in which few are, a list is found at once; other questions are asked of each lead on the way, " +
			"of some thousands for each page: a page may hold less than its limit, even nothing, and `next` leads on until it is not there.",
		Errors: []int{422}}, ScopeRead, a.listLeads)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/leads/{lead}", OperationID: "get-lead", Tags: []string{"Leads"}, Summary: "Get a lead",
		Description: "The ETag is for If-Match of a command. A lead that was merged into another is answered with 308 and the address of that one.",
		Errors:      []int{308, 404}}, ScopeRead, a.getLead)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/leads/{lead}/timeline", OperationID: "get-timeline", Tags: []string{"Leads"}, Summary: "Get all that happened to a lead",
		Description: "The newest first: what happened, what was decided, and the clauses that say so.", Errors: []int{404, 422}}, ScopeRead, a.getTimeline)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/leads/{lead}/explain", OperationID: "explain-lead", Tags: []string{"Leads"}, Summary: "Explain a lead",
		Description: "Why it has its score, stage, owner and deadlines, in sentences: what `baton explain` prints.", Errors: []int{404}}, ScopeRead, a.explainLead)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/leads/{lead}/may", OperationID: "may-speak", Tags: []string{"Leads"}, Summary: "Ask who may speak to a lead",
		Description: "Consent first, then the rules of engagement. Ask before each message.", Errors: []int{404, 422}}, ScopeRead, a.mayLead)
}

func (a *API) listLeads(ctx context.Context, in *leadsRequest) (*leadsAnswer, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(a.everHad(ctx, "query.stage", "stage", in.Stage, stageNames), a.everHad(ctx, "query.queue", "queue", in.Queue, queueNames)); err != nil {
		return nil, err
	}
	f := store.LeadFilter{Stage: in.Stage, Side: in.Side, Owner: in.Owner, Queue: in.Queue, Grade: in.Grade, Consent: in.Consent, Origin: in.Origin, Account: in.Account}
	if in.Outcome != "" {
		outcome := strings.TrimPrefix(in.Outcome, "open")
		f.Outcome = &outcome
	}
	if !in.UpdatedAfter.IsZero() {
		f.UpdatedAfter = in.UpdatedAfter.UnixMicro()
	}
	if !in.CreatedAfter.IsZero() {
		f.CreatedAfter = in.CreatedAfter.UnixMicro()
	}
	var rows []store.ListedLead
	var next int64
	if in.Email == "" {
		rows, next, err = a.Store.SomeLeads(ctx, f, after, in.Limit)
	} else {
		key, bad := identity.NormalizeEmail(in.Email)
		if bad != nil {
			return nil, problemOf("invalid", "this is no e-mail address", ProblemError{Location: "query.email", Message: bad.Error()})
		}
		rows, err = a.leadsWith(ctx, key, f, after)
	}
	if err != nil {
		return nil, err
	}
	out := &leadsAnswer{Body: leadPage{Items: []*lead{}}}
	out.Body.NextCursor, out.Body.Next, out.Next = in.next(next)
	for i := range rows {
		v, err := a.leadOf(ctx, &rows[i])
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

// leadsWith returns the lead that a key belongs to, if it is behind an ID and of those that a filter lets through.
func (a *API) leadsWith(ctx context.Context, key identity.Key, f store.LeadFilter, after int64) ([]store.ListedLead, error) {
	found, err := a.Store.Keys(ctx, []identity.Key{key})
	if err != nil || found[key] == 0 {
		return nil, err
	}
	row, err := a.living(ctx, found[key])
	switch {
	case errors.Is(err, store.ErrNoLead):
		return nil, nil
	case err != nil || row.ID <= after:
		return nil, err
	}
	// the list that begins just before it, and goes no further
	rows, err := a.Store.ListLeads(ctx, f, row.ID-1, 1)
	if len(rows) > 0 && rows[0].ID != row.ID {
		rows = nil
	}
	return rows, err
}

func (a *API) getLead(ctx context.Context, in *leadRequest) (*leadAnswer, error) {
	row, err := a.row(ctx, in.Lead)
	if err != nil {
		return nil, err
	}
	if id, err := strconv.ParseInt(in.Lead, 10, 64); err == nil && id != row.ID {
		return nil, problemOf("merged", fmt.Sprintf("lead %d is the same person as lead %d, which goes on for both", id, row.ID)).
			with("Location", restPath+"/leads/"+strconv.FormatInt(row.ID, 10))
	}
	tag := entityTag(row.LastInput)
	if in.IfNoneMatch != "" && matches(in.IfNoneMatch, tag, true) {
		return nil, &notModified{tag}
	}
	v, err := a.leadOf(ctx, row)
	if err != nil {
		return nil, err
	}
	return &leadAnswer{ETag: tag, ContentLocation: restPath + "/leads/" + strconv.FormatInt(row.ID, 10), Body: v}, nil
}

// decision is what the agreement made of something that happened.
type decision struct {
	Input     int64            `json:"input" doc:"The number of what happened."`
	At        time.Time        `json:"at" doc:"When it was decided."`
	Agreement int64            `json:"agreement" doc:"The version of the agreement that decided."`
	Changes   []decisionChange `json:"changes"`
	Reasons   []decisionReason `json:"reasons" doc:"The clauses that it cites."`
	Refused   string           `json:"refused,omitempty" doc:"Why it was not carried out."`
}

type decisionChange struct {
	Kind   string `json:"kind" example:"stage_entered"`
	Name   string `json:"name,omitempty"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Text   string `json:"text" doc:"In words."`
	Clause string `json:"clause,omitempty" doc:"The address of the clause that made it." example:"handoffs.mql_to_sales"`
}

type decisionReason struct {
	ClauseRef
	Text string     `json:"text,omitempty" doc:"In words, where the clause alone does not say it."`
	Saw  []sawValue `json:"saw,omitempty" doc:"What its condition looked at."`
}

type ClauseRef struct {
	Clause string `json:"clause" doc:"The address of the clause." example:"handoffs.mql_to_sales"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
}

type sawValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// clauseIn says where a clause stands.
func clauseIn(plan *agreement.Plan, address string) ClauseRef {
	c := plan.Index.Clause[address]
	return ClauseRef{Clause: address, File: c.File, Line: c.Line}
}

func sawOf(list []agreement.Seen) []sawValue {
	var out []sawValue
	for _, s := range list {
		out = append(out, sawValue{s.Name, s.Value})
	}
	return out
}

// decisionOf tells a decision in the words of the agreement that made it.
func (a *API) decisionOf(ctx context.Context, d *lifecycle.Decision) (*decision, error) {
	plan, err := a.PlanOf(ctx, d.Version)
	if err != nil {
		return nil, err
	}
	v := &decision{Input: d.Input, At: moment(d.At), Agreement: d.Version, Changes: []decisionChange{}, Reasons: []decisionReason{}, Refused: d.Refused}
	zone := plan.Calendar.Zone()
	for i := range d.Changes {
		c := &d.Changes[i]
		if c.Kind == lifecycle.WakeSet {
			continue // when to look again is for Baton alone
		}
		change := decisionChange{Kind: c.Kind.String(), Name: c.Name, From: c.From, To: c.To, Text: c.Sentence(zone)}
		if c.Reason > 0 && c.Reason <= len(d.Reasons) {
			change.Clause = d.Reasons[c.Reason-1].Clause
		}
		v.Changes = append(v.Changes, change)
	}
	for i := range d.Reasons {
		r := &d.Reasons[i]
		v.Reasons = append(v.Reasons, decisionReason{clauseIn(plan, r.Clause), r.Text, sawOf(r.Saw)})
	}
	return v, nil
}

// occurrence is one thing that happened to a lead, with what was decided.
type occurrence struct {
	Input    int64          `json:"input"`
	Kind     string         `json:"kind" doc:"What happened." example:"accept"`
	At       time.Time      `json:"at" doc:"When it occurred."`
	Known    time.Time      `json:"known" doc:"When Baton knew, and decided."`
	Actor    string         `json:"actor,omitempty"`
	Name     string         `json:"name,omitempty" doc:"The activity, reason, outcome, status or transition."`
	Asset    string         `json:"asset,omitempty"`
	Text     string         `json:"text,omitempty"`
	Values   map[string]any `json:"values,omitempty"`
	Value    float64        `json:"value,omitempty"`
	Source   string         `json:"source,omitempty" doc:"Where it came from." example:"api:crm"`
	Import   int64          `json:"import,omitempty"`
	Bot      bool           `json:"bot,omitempty" doc:"A robot's: kept, never counted."`
	Decision *decision      `json:"decision,omitempty"`
	Problem  string         `json:"problem,omitempty" doc:"Why it could not be decided."`
}

func (a *API) occurrenceOf(ctx context.Context, e *store.Event) (*occurrence, error) {
	in := &e.Input
	v := &occurrence{Input: in.ID, Kind: in.Kind.String(), At: moment(in.At), Known: moment(in.Known), Actor: in.Actor, Name: in.Name, Asset: in.Asset,
		Text: in.Text, Value: in.Value, Source: in.Source, Import: in.Import, Bot: in.Bot}
	for i := range in.Values {
		if v.Values == nil {
			v.Values = map[string]any{}
		}
		v.Values[in.Values[i].Name] = plainValue(in.Values[i].Value)
	}
	if e.Error != "" {
		v.Problem = undecided
		return v, nil
	}
	var err error
	v.Decision, err = a.decisionOf(ctx, &e.Decision)
	return v, err
}

// plainValue is a value as JSON has it; dates are RFC 3339.
func plainValue(v agreement.Value) any {
	switch v.Kind {
	case agreement.Number:
		return v.Num
	case agreement.Boolean:
		return v.Num != 0
	case agreement.Date:
		return moment(int64(v.Num))
	}
	return v.Str
}

type timelineRequest struct {
	LeadRef
	Page
}

type timelinePage struct {
	Items      []*occurrence `json:"items"`
	NextCursor string        `json:"next_cursor,omitempty"`
	Next       string        `json:"next,omitempty"`
}

type timelineAnswer struct {
	Next
	Body timelinePage
}

func (a *API) getTimeline(ctx context.Context, in *timelineRequest) (*timelineAnswer, error) {
	return a.timeline(ctx, in.Lead, &in.Page, lifecycle.NoInput)
}

// timeline is a page of what happened to a lead, of one kind if it is given.
func (a *API) timeline(ctx context.Context, ref string, page *Page, kind lifecycle.InputKind) (*timelineAnswer, error) {
	from, err := page.after()
	if err != nil {
		return nil, err
	}
	row, err := a.row(ctx, ref)
	if err != nil {
		return nil, err
	}
	if from == 0 {
		from = row.LastInput
	}
	events, next, err := a.Store.Timeline(ctx, row.ID, from, kind, page.Limit)
	if err != nil {
		return nil, err
	}
	out := &timelineAnswer{Body: timelinePage{Items: []*occurrence{}}}
	out.Body.NextCursor, out.Body.Next, out.Next = page.next(next)
	for i := range events {
		v, err := a.occurrenceOf(ctx, &events[i])
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

type explanation struct {
	Lead     int64              `json:"lead"`
	At       time.Time          `json:"at" doc:"The instant it is told for."`
	Sections []explanationParts `json:"sections"`
}

type explanationParts struct {
	Title  string            `json:"title" example:"owner"`
	Answer string            `json:"answer" doc:"One sentence."`
	Lines  []explanationLine `json:"lines"`
}

type explanationLine struct {
	Mark   string     `json:"mark,omitempty" doc:"A figure or a word that leads the line." example:"+25"`
	Text   string     `json:"text"`
	Clause *ClauseRef `json:"clause,omitempty"`
	Saw    []sawValue `json:"saw,omitempty"`
}

type explainRequest struct{ LeadRef }

type explainAnswer struct {
	ETag string `header:"ETag"`
	Body explanation
}

// mostStory is how many of its last inputs a lead is explained by.
const mostStory = 1000

func (a *API) explainLead(ctx context.Context, in *explainRequest) (*explainAnswer, error) {
	row, plan, view, err := a.view(ctx, in.Lead)
	if err != nil {
		return nil, err
	}
	events, _, err := a.Store.Timeline(ctx, row.ID, row.LastInput, lifecycle.NoInput, mostStory)
	if err != nil {
		return nil, err
	}
	past := make([]lifecycle.Decided, len(events))
	for i := range events {
		past[len(events)-1-i] = lifecycle.Decided{Input: events[i].Input, Decision: events[i].Decision}
	}
	at := max(a.now(), row.Lead.Clock)
	out := &explainAnswer{ETag: entityTag(row.LastInput), Body: explanation{Lead: row.ID, At: moment(at), Sections: []explanationParts{}}}
	for _, s := range lifecycle.Explain(plan, view, at, past).Sections {
		part := explanationParts{Title: s.Title, Answer: s.Answer, Lines: []explanationLine{}}
		for _, l := range s.Lines {
			line := explanationLine{Mark: l.Mark, Text: l.Text, Saw: sawOf(l.Saw)}
			if l.Clause.Address != "" {
				line.Clause = &ClauseRef{l.Clause.Address, l.Clause.File, l.Clause.Line}
			}
			part.Lines = append(part.Lines, line)
		}
		out.Body.Sections = append(out.Body.Sections, part)
	}
	return out, nil
}

// view returns a lead with all that a decision about it would look at.
func (a *API) view(ctx context.Context, ref string) (*store.ListedLead, *agreement.Plan, *lifecycle.View, error) {
	row, err := a.row(ctx, ref)
	if err != nil {
		return nil, nil, nil, err
	}
	plan, view, err := a.ViewOf(ctx, row)
	if err == nil {
		view.Roster, err = a.Store.Roster(ctx)
	}
	return row, plan, view, err
}

// ViewOf returns the agreement that a lead follows and the lead with its account, without the roster.
func (a *API) ViewOf(ctx context.Context, row *store.ListedLead) (*agreement.Plan, *lifecycle.View, error) {
	var account *lifecycle.Account
	if row.Account != 0 {
		accounts, err := a.Store.Accounts(ctx, []int64{row.Account})
		if err != nil {
			return nil, nil, err
		}
		if len(accounts) > 0 {
			account = accounts[0].Account
		}
	}
	return a.ViewWith(ctx, row, account)
}

// ViewWith is ViewOf for those who have the account at hand already; it stays as it is. nil for none.
func (a *API) ViewWith(ctx context.Context, row *store.ListedLead, account *lifecycle.Account) (*agreement.Plan, *lifecycle.View, error) {
	plan, err := a.PlanOf(ctx, row.Version)
	if err != nil {
		return nil, nil, err
	}
	view := &lifecycle.View{Lead: row.Lead}
	if account == nil {
		return plan, view, nil
	}
	own := *account
	view.Account = &own
	if own.Version == row.Version {
		return plan, view, nil
	}
	// an account follows a new agreement when something happens to one of its leads
	from, err := a.PlanOf(ctx, own.Version)
	if err == nil {
		err = lifecycle.Rebind(from, plan, &lifecycle.View{Account: view.Account})
	}
	return plan, view, err
}

type mayRequest struct {
	LeadRef
	Actor   string `query:"actor" doc:"The member who wants to speak." example:"anna@northwind.example"`
	Side    string `query:"side" enum:"marketing,sales" doc:"Or the side, on its own behalf."`
	Channel string `query:"channel" doc:"A channel of the agreement; left out, it is asked about speaking at all." example:"newsletter"`
}

type verdict struct {
	Allowed bool       `json:"allowed"`
	Text    string     `json:"text" doc:"Why, in words."`
	Clause  ClauseRef  `json:"clause"`
	Holder  string     `json:"holder,omitempty" doc:"Who holds the conversation: a member, a side, or nobody."`
	Saw     []sawValue `json:"saw,omitempty"`
	At      time.Time  `json:"at"`
}

type mayAnswer struct{ Body verdict }

func (a *API) mayLead(ctx context.Context, in *mayRequest) (*mayAnswer, error) {
	if in.Actor == "" && in.Side == "" {
		return nil, problemOf("invalid", "say who wants to speak: actor or side", ProblemError{Location: "query.actor", Message: "actor or side is needed"})
	}
	row, plan, view, err := a.view(ctx, in.Lead)
	if err != nil {
		return nil, err
	}
	who := lifecycle.Speaker{Member: in.Actor}
	switch in.Side {
	case "marketing":
		who.Side = agreement.Marketing
	case "sales":
		who.Side = agreement.Sales
	}
	if in.Actor != "" && view.Roster.Member(in.Actor) == nil {
		return nil, a.noMember("query.actor", in.Actor)
	}
	if channels := names(plan.Channels, func(c *agreement.Channel) string { return c.Name }); in.Channel != "" && !has(channels, in.Channel) {
		return nil, unknownWord("query.channel", "channel", in.Channel, channels)
	}
	at := max(a.now(), row.Lead.Clock)
	v := lifecycle.May(plan, view, who, in.Channel, at)
	return &mayAnswer{Body: verdict{v.Allowed, v.Text, clauseIn(plan, v.Clause), v.Holder, sawOf(v.Saw), moment(at)}}, nil
}
