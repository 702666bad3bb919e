package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/engine"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

type activitiesRequest struct {
	Lead string `query:"lead" required:"true" doc:"A lead: its number, its e-mail address, or system:id." example:"ada@acme.example"`
	Page
}

// activity is something a lead did, as it is sent. It says whom it is about in at least one way.
type activity struct {
	Lead       int64           `json:"lead,omitempty" minimum:"1" doc:"The lead, by number."`
	Email      string          `json:"email,omitempty" maxLength:"254" doc:"Or its e-mail address; a lead that is not there yet is made." example:"ada@acme.example"`
	UserID     string          `json:"user_id,omitempty" maxLength:"500" doc:"And, or, its ID with you: as userId in events."`
	Activity   string          `json:"activity,omitempty" maxLength:"200" doc:"What it did, in the words of the agreement. Left out, only attributes are set." example:"demo_requested"`
	Asset      string          `json:"asset,omitempty" maxLength:"200" doc:"The piece of content." example:"price_list"`
	Properties json.RawMessage `json:"properties,omitempty"`
	Attributes json.RawMessage `json:"attributes,omitempty"`
	At         *time.Time      `json:"at,omitempty" doc:"When it occurred; now, if that is left out."`
	ID         string          `json:"id,omitempty" maxLength:"100" doc:"Tells it from one that came twice; otherwise its place after the Idempotency-Key of the request does."`
}

type addActivities struct {
	Once
	Body struct {
		Activities []activity `json:"activities" minItems:"1" maxItems:"500"`
	}
}

type takenIn struct {
	Lead     int64     `json:"lead"`
	Input    int64     `json:"input" doc:"What it became; of one that came twice, what it was."`
	Repeated bool      `json:"repeated,omitempty" doc:"true if it was known already, and nothing was done."`
	Decision *decision `json:"decision,omitempty"`
	Problem  string    `json:"problem,omitempty" doc:"Why it could not be decided; it is kept."`
}

type addedActivities struct {
	Body struct {
		Items []takenIn `json:"items" doc:"In the order of the request."`
	}
}

func (a *API) activityRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/activities", OperationID: "list-activities", Tags: []string{"Activities"}, Summary: "List what a lead did",
		Description: "The newest first, with what the agreement made of each.", Errors: []int{404, 422}}, ScopeRead, func(ctx context.Context, in *activitiesRequest) (*timelineAnswer, error) {
		return a.timeline(ctx, in.Lead, &in.Page, lifecycle.Did)
	})
	register(a, huma.Operation{Method: http.MethodPost, Path: "/activities", OperationID: "add-activities", Tags: []string{"Activities"}, Summary: "Add what leads did",
		Description:  "All of them or, if one cannot be read, none. They are decided in their order before the answer comes. A word that the agreement does not have is kept and not counted; the decision says so.",
		MaxBodyBytes: mostBatch, Errors: []int{400, 413, 422, 429, 503}}, ScopeWrite, a.addActivities)
}

// undecided is what is said of what could not be decided. The reason is for who runs the server: it may name a place in the program.
const undecided = "it could not be decided, and is kept among the problems"

func (a *API) addActivities(ctx context.Context, in *addActivities) (*addedActivities, error) {
	plan := a.Plan()
	if plan == nil {
		return nil, engine.ErrNoAgreement
	}
	m := mapper{plan: plan, source: "api:" + keyOf(ctx).Name, known: a.now()}
	last := make([]int, len(in.Body.Activities)) // of each: which arrival tells what became of it
	var placed []lifecycle.Arrival               // those known by their place after the key of the request
	for i := range in.Body.Activities {
		one := &in.Body.Activities[i]
		once := one.ID
		if once == "" && in.IdempotencyKey != "" {
			once = in.IdempotencyKey + "/" + strconv.Itoa(i)
		}
		if one.Lead != 0 {
			if _, err := a.Store.LeadByID(ctx, one.Lead); errors.Is(err, store.ErrNoLead) {
				return nil, problemOf("invalid", fmt.Sprintf("activity %d (counted from 0): no lead has the number %d; nothing was taken in", i, one.Lead),
					ProblemError{Location: fmt.Sprintf("body.activities[%d].lead", i), Message: "no such lead"})
			} else if err != nil {
				return nil, err
			}
		}
		first := len(m.arrivals)
		if err := m.told(one, once); err != nil {
			err.Location = fmt.Sprintf("body.activities[%d]%s", i, err.Location)
			return nil, problemOf("invalid", fmt.Sprintf("activity %d (counted from 0): %s; nothing was taken in", i, err.Message), *err)
		}
		last[i] = len(m.arrivals) - 1
		if one.ID == "" && once != "" {
			placed = append(placed, m.arrivals[first:]...)
		}
	}
	if err := a.sameActivities(ctx, in, placed); err != nil {
		return nil, err
	}
	outcomes, err := a.submit(ctx, m.arrivals)
	if err != nil {
		return nil, err
	}
	out := &addedActivities{}
	for _, n := range last {
		o := &outcomes[n]
		v := takenIn{Lead: o.Lead, Input: o.Input, Repeated: o.Duplicate}
		switch {
		case o.Err != nil:
			v.Problem = undecided
		case !o.Duplicate:
			if v.Decision, err = a.decisionOf(ctx, &o.Decision); err != nil {
				return nil, err
			}
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

// sameActivities refuses an Idempotency-Key that came with other activities before: what is new in these would be taken for
// known, and lost. placed are the arrivals that are known by their place behind the key. All of a request is on record or
// nothing of it, so the first tells whether it was here.
func (a *API) sameActivities(ctx context.Context, in *addActivities, placed []lifecycle.Arrival) error {
	reused := problemOf("key-reused", "this Idempotency-Key was used for other activities before; make a new one for each thing you do; nothing was taken in",
		ProblemError{Location: "header.Idempotency-Key", Message: "used before"})
	for i := range placed {
		asked := &placed[i]
		was, err := a.twin(ctx, asked.Input.Source, asked.Input.Key)
		switch {
		case err != nil:
			return err
		case was == nil && i == 0:
			return nil
		case was == nil || !sameTold(&asked.Input, &was.Input):
			return reused
		}
		if same, err := a.sameLead(ctx, asked, was.Input.Lead); err != nil {
			return err
		} else if !same {
			return reused
		}
	}
	if len(placed) == 0 {
		return nil
	}
	more, err := a.twin(ctx, placed[0].Input.Source, in.IdempotencyKey+"/"+strconv.Itoa(len(in.Body.Activities)))
	if err == nil && more != nil {
		return reused
	}
	return err
}

// sameTold reports whether an activity, or what is said of a lead, is what an input was. What has no time of its own was at any.
func sameTold(asked, was *lifecycle.Input) bool {
	if asked.Kind != was.Kind || asked.Name != was.Name || asked.Asset != was.Asset || asked.At != asked.Known && asked.At != was.At {
		return false
	}
	values := slices.DeleteFunc(slices.Clone(was.Values), func(v lifecycle.Named) bool { return slices.Contains(was.Keep, v.Name) })
	given := slices.DeleteFunc(slices.Clone(asked.Values), func(v lifecycle.Named) bool { return slices.Contains(was.Keep, v.Name) })
	a, b := lifecycle.Input{Values: given}, lifecycle.Input{Values: values}
	return bytes.Equal(a.AppendJSON(nil), b.AppendJSON(nil))
}

// sameLead reports whether an arrival is about a lead, or about the one that goes on for it.
func (a *API) sameLead(ctx context.Context, asked *lifecycle.Arrival, was int64) (bool, error) {
	id := asked.Input.Lead
	if id == 0 {
		found, err := a.Store.Keys(ctx, asked.Keys)
		if err != nil {
			return false, err
		}
		for _, key := range asked.Keys {
			if id = found[key]; id != 0 {
				break
			}
		}
	}
	if id == was {
		return true, nil
	}
	for _, one := range []*int64{&id, &was} {
		row, err := a.living(ctx, *one)
		if errors.Is(err, store.ErrNoLead) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		*one = row.ID
	}
	return id == was, nil
}

// told appends the arrivals of an activity: what it says of the lead first, then what the lead did.
func (m *mapper) told(one *activity, once string) *ProblemError {
	a := lifecycle.Arrival{Input: lifecycle.Input{Lead: one.Lead, At: m.known, Known: m.known, Source: m.source, Key: once}}
	if one.At != nil {
		a.Input.At = one.At.UnixMicro()
		if why := noInstant(a.Input.At, m.known); why != "" {
			return &ProblemError{Location: ".at", Message: why}
		}
	}
	var email identity.Key
	if one.Email != "" {
		var err error
		if email, err = identity.NormalizeEmail(one.Email); err != nil {
			return &ProblemError{Location: ".email", Message: err.Error()}
		}
		a.Keys = append(a.Keys, email)
	}
	if one.UserID != "" {
		a.Keys = append(a.Keys, identity.ExternalKey("user", one.UserID))
	}
	var attributes, properties fields
	for _, part := range []struct {
		name string
		text json.RawMessage
		to   *fields
	}{{".attributes", one.Attributes, &attributes}, {".properties", one.Properties, &properties}} {
		if len(part.text) == 0 {
			continue
		}
		if err := newReader(part.text).members(part.to, (*reader).text); err != nil {
			return &ProblemError{Location: part.name, Message: err.Error()}
		}
	}
	switch {
	case one.Lead == 0 && len(a.Keys) == 0:
		return &ProblemError{Message: "it does not say whom it is about: give lead, email or user_id"}
	case one.Activity == "" && len(attributes) == 0:
		return &ProblemError{Message: "there is neither an activity nor an attribute in it"}
	}
	if len(attributes) > 0 {
		known := a
		known.Input.Kind, known.Input.Values = lifecycle.Identify, sorted(m.values(attributes, "", true))
		known.Account, known.AccountName = account(known.Input.Values, "", email)
		if once != "" && one.Activity != "" {
			known.Input.Key += "/a"
		}
		m.arrivals = append(m.arrivals, known)
	}
	if one.Activity != "" {
		a.Input.Kind, a.Input.Name = lifecycle.Did, m.activity(one.Activity)
		a.Input.Values, a.Input.Asset = m.properties(properties, nil)
		if one.Asset != "" {
			a.Input.Asset = spell(m.plan.Index.Asset, one.Asset)
		}
		m.arrivals = append(m.arrivals, a)
	}
	return nil
}

// mapOfValues is the schema of an object of texts, numbers and truths.
func mapOfValues(doc string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: doc, AdditionalProperties: true}
}

// TransformSchema tells that properties and attributes are objects of any members.
func (activity) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["properties"] = mapOfValues("About the activity. Objects in it get names with dots.")
	s.Properties["attributes"] = mapOfValues("What is known of the lead, by the names of the agreement.")
	return s
}
