package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Command is what every command on a lead comes with.
type Command struct {
	LeadRef
	Once
	IfMatch string `header:"If-Match" doc:"The ETag of the lead as you know it. If more has happened since, nothing is done, and the answer is 412." example:"\"1042\""`
}

// Once is how a request is told from one that came twice.
type Once struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" pattern:"^[ -~]*$" patternDescription:"printable ASCII" doc:"Any text that is new for each thing you do. The same request sent again has the same answer and is done once." example:"accept-1042-1"`
}

// Actor is who does something, and when.
type Actor struct {
	Actor string `json:"actor" minLength:"1" maxLength:"254" doc:"The member who does it, by ID." example:"anna@northwind.example"`
	Said
}

// Said is what may be added to a command.
type Said struct {
	At   *time.Time `json:"at,omitempty" doc:"When it occurred, if that was before now." example:"2026-11-23T12:00:00Z"`
	Note string     `json:"note,omitempty" maxLength:"4000" doc:"In your own words; kept with the lead."`
}

type acceptCommand struct {
	Command
	Body struct{ Actor }
}

type backCommand struct {
	Command
	Body struct {
		Actor
		Reason    string     `json:"reason" doc:"A reason of the agreement: one of its handbacks." example:"timing"`
		RevisitAt *time.Time `json:"revisit_at,omitempty" doc:"When the lead comes back, in place of the agreed time."`
		Clause    string     `json:"clause,omitempty" maxLength:"200" doc:"The clause that let the lead through and should not have, if there is one." example:"transitions.qualify"`
	}
}

type contactCommand struct {
	Command
	Body struct {
		Actor
		Outcome string         `json:"outcome" enum:"connected,meeting,replied,voicemail,no_answer,wrong_number,sent,autoresponder" doc:"How it went. Only the first three reached a person."`
		Channel string         `json:"channel,omitempty" maxLength:"100" doc:"By which channel of the agreement. The rules of engagement are asked about it." example:"phone"`
		AgainAt *time.Time     `json:"again_at,omitempty" doc:"When to call again, in place of the agreed spacing. For a lead that waits to be called."`
		Answers map[string]any `json:"answers,omitempty" doc:"What was found out, by the names of the questions." example:"{\"budget\": true}"`
	}
}

type answerCommand struct {
	Command
	Body struct {
		Actor   string         `json:"actor,omitempty" maxLength:"254" doc:"The member who asked, if one did."`
		Answers map[string]any `json:"answers" doc:"By the names of the questions." example:"{\"budget\": true}"`
		Said
	}
}

type assignCommand struct {
	Command
	Body struct {
		Actor
		To string `json:"to" minLength:"1" maxLength:"254" doc:"The member who gets it; may be the actor." example:"erik@northwind.example"`
	}
}

type ownerCommand struct {
	Command
	Body struct {
		Actor
		Owner string `json:"owner" minLength:"1" maxLength:"254" doc:"The member who owns the account of the lead from now on." example:"erik@northwind.example"`
	}
}

type joinCommand struct {
	Command
	Body struct {
		Actor
		Account string `json:"account" minLength:"1" maxLength:"253" doc:"Domain or name of the company." example:"acme.example"`
	}
}

type moveCommand struct {
	Command
	Body struct {
		Actor
		Transition string `json:"transition" doc:"A transition of the agreement that a person takes." example:"found_need"`
	}
}

type winCommand struct {
	Command
	Body struct {
		Actor
		Value float64 `json:"value,omitempty" minimum:"0" doc:"What it is worth." example:"42000"`
	}
}

type loseCommand struct {
	Command
	Body struct {
		Actor
		Reason string `json:"reason,omitempty" maxLength:"200" doc:"In the lead's words."`
	}
}

type remindCommand struct {
	Command
	Body struct {
		Actor
		Clock string `json:"clock,omitempty" maxLength:"300" doc:"The clause of the clock; the one that ends first, if it is left out." example:"handoffs.mql_to_sales.accept_within"`
	}
}

type consentCommand struct {
	Command
	Body struct {
		Status   string     `json:"status" enum:"granted,withdrawn,objected" doc:"Withdrawn stops messages; objected stops scoring too."`
		Evidence string     `json:"evidence,omitempty" maxLength:"4000" doc:"The words that were agreed to, and where." example:"Newsletter form of 23 Nov: You may write to me about products."`
		At       *time.Time `json:"at,omitempty" doc:"When it was said, if that was before now."`
		Actor    string     `json:"actor,omitempty" maxLength:"254" doc:"The member who took it down, if one did."`
	}
}

type mergeCommand struct {
	LeadRef
	Once
	Body struct {
		Actor
		With string `json:"with" minLength:"1" maxLength:"500" doc:"The other lead: its number, its e-mail address or system:id." example:"ada.nilsson@gmail.com"`
	}
}

type splitCommand struct {
	LeadRef
	Once
	Body struct {
		Actor
		Other string `json:"other,omitempty" maxLength:"500" doc:"The lead that is another person after all, as it was called; the last that was merged, if it is left out."`
	}
}

// result is what a command has led to.
type result struct {
	Decision *decision `json:"decision"`
	Lead     *lead     `json:"lead,omitempty" doc:"As it stands now."`
}

type commandAnswer struct {
	ETag     string `header:"ETag" doc:"Of the lead as it stands now."`
	Replayed string `header:"Idempotency-Replayed" doc:"true if this was done before, and is told again."`
	Body     result
}

// commandRoutes are POST /leads/{lead}/COMMAND.
func (a *API) commandRoutes() {
	op := func(name, summary, text string) huma.Operation {
		return huma.Operation{Method: http.MethodPost, Path: "/leads/{lead}/" + name, OperationID: name + "-lead", Tags: []string{"Commands"},
			Summary: summary, Description: text, Errors: []int{400, 404, 409, 412, 422, 429, 503}}
	}
	register(a, op("accept", "Accept a lead", "Takes the open hand-off. The time to the first contact begins."), ScopeWrite, func(ctx context.Context, in *acceptCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &in.Body.Actor, lifecycle.Input{Kind: lifecycle.Accept})
	})
	register(a, op("reject", "Reject a lead", "Declines the open hand-off, with a reason that the hand-off has."), ScopeWrite, func(ctx context.Context, in *backCommand) (*commandAnswer, error) {
		return a.giveBack(ctx, in, lifecycle.Reject)
	})
	register(a, op("hand-back", "Hand a lead back", "Returns a lead that was accepted. The reason decides where it goes and when it comes back."), ScopeWrite, func(ctx context.Context, in *backCommand) (*commandAnswer, error) {
		return a.giveBack(ctx, in, lifecycle.HandBack)
	})
	register(a, op("contact", "Log a contact", "A call, a meeting, a message. Reaching a person meets the clock of the first contact."), ScopeWrite, func(ctx context.Context, in *contactCommand) (*commandAnswer, error) {
		values, err := a.Answers(in.Body.Answers)
		if err != nil {
			return nil, err
		}
		input := lifecycle.Input{Kind: lifecycle.Contact, Name: in.Body.Outcome, Channel: in.Body.Channel, Values: values}
		if in.Body.AgainAt != nil {
			input.Due = in.Body.AgainAt.UnixMicro()
		}
		return a.act(ctx, &in.Command, &in.Body.Actor, input)
	})
	register(a, op("answer", "Record answers", "What the lead said to the questions of the agreement."), ScopeWrite, func(ctx context.Context, in *answerCommand) (*commandAnswer, error) {
		if len(in.Body.Answers) == 0 {
			return nil, problemOf("invalid", "there are no answers", ProblemError{Location: "body.answers", Message: "at least one is needed"})
		}
		values, err := a.Answers(in.Body.Answers)
		if err != nil {
			return nil, err
		}
		return a.act(ctx, &in.Command, &Actor{in.Body.Actor, in.Body.Said}, lifecycle.Input{Kind: lifecycle.Answered, Values: values})
	})
	register(a, op("assign", "Give a lead to somebody", "By hand, whatever the assignment says. Also to yourself."), ScopeWrite, func(ctx context.Context, in *assignCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &in.Body.Actor, lifecycle.Input{Kind: lifecycle.Assign, Name: in.Body.To})
	})
	register(a, op("own-account", "Say who owns the account of a lead", "The agreement may give the account's leads to its owner."), ScopeWrite, func(ctx context.Context, in *ownerCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &in.Body.Actor, lifecycle.Input{Kind: lifecycle.OwnAccount, Name: in.Body.Owner})
	})
	register(a, op("join-account", "Put a lead into an account", "By hand. It stays there, whatever is said of its company later."), ScopeWrite, func(ctx context.Context, in *joinCommand) (*commandAnswer, error) {
		return a.actOn(ctx, &in.Command, &in.Body.Actor, lifecycle.InAccount(in.Body.Account))
	})
	register(a, op("move", "Take a transition", "One that the agreement leaves to a person."), ScopeWrite, func(ctx context.Context, in *moveCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &in.Body.Actor, lifecycle.Input{Kind: lifecycle.Move, Name: in.Body.Transition})
	})
	register(a, op("win", "Win a lead", "Along the transition of the agreement that leads to a won stage."), ScopeWrite, func(ctx context.Context, in *winCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &in.Body.Actor, lifecycle.Input{Kind: lifecycle.Win, Value: in.Body.Value})
	})
	register(a, op("lose", "Lose a lead", "Along the transition of the agreement that leads to a lost stage."), ScopeWrite, func(ctx context.Context, in *loseCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &in.Body.Actor, lifecycle.Input{Kind: lifecycle.Lose, Name: in.Body.Reason})
	})
	register(a, op("remind", "Remind whoever has a lead", "Tells them now that a clock is about to run out, or has: in their inbox at once, and by the channels of their alerts, which keep quiet hours. The deadline stays. At most once in an hour for a clock, until somebody else has the lead."), ScopeWrite, func(ctx context.Context, in *remindCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &in.Body.Actor, lifecycle.Input{Kind: lifecycle.Remind, Name: in.Body.Clock})
	})
	register(a, op("consent", "Record consent", "What the lead says about being written to and profiled. An objection is absolute, and stops everything at once."), ScopeWrite, func(ctx context.Context, in *consentCommand) (*commandAnswer, error) {
		return a.act(ctx, &in.Command, &Actor{in.Body.Actor, Said{At: in.Body.At, Note: in.Body.Evidence}}, lifecycle.Input{Kind: lifecycle.Consented, Name: in.Body.Status})
	})
}

// mergeRoutes are about who is who.
func (a *API) mergeRoutes() {
	failures := []int{400, 404, 409, 422, 429, 503}
	register(a, huma.Operation{Method: http.MethodPost, Path: "/leads/{lead}/merge", OperationID: "merge-leads", Tags: []string{"Commands"}, Summary: "Merge two leads that are one person",
		Description: "The elder goes on for both, with what was known of either, and is in the answer. The other's number leads to it.", Errors: failures}, ScopeWrite, func(ctx context.Context, in *mergeCommand) (*commandAnswer, error) {
		return a.who(ctx, in.Lead, in.Body.With, &in.Body.Actor, in.IdempotencyKey, lifecycle.Merge)
	})
	register(a, huma.Operation{Method: http.MethodPost, Path: "/leads/{lead}/split", OperationID: "split-lead", Tags: []string{"Commands"}, Summary: "Split leads that were merged",
		Description: "As if they had never been merged.", Errors: failures}, ScopeWrite, func(ctx context.Context, in *splitCommand) (*commandAnswer, error) {
		return a.who(ctx, or(in.Body.Other, in.Lead), "", &in.Body.Actor, in.IdempotencyKey, lifecycle.Split)
	})
}

// who has a command about who is who decided.
func (a *API) who(ctx context.Context, ref, with string, by *Actor, once string, kind lifecycle.InputKind) (*commandAnswer, error) {
	d, replayed, err := a.same(ctx, ref, with, lifecycle.Input{Kind: kind, Actor: by.Actor, Text: by.Note}, by.At, once)
	if err != nil {
		return nil, err
	}
	return a.decided(ctx, d, replayed)
}

func (a *API) giveBack(ctx context.Context, in *backCommand, kind lifecycle.InputKind) (*commandAnswer, error) {
	input := lifecycle.Input{Kind: kind, Name: in.Body.Reason, Clause: in.Body.Clause}
	if in.Body.RevisitAt != nil {
		input.Due = in.Body.RevisitAt.UnixMicro()
	}
	return a.act(ctx, &in.Command, &in.Body.Actor, input)
}

// plan returns the agreement that applies; an empty one before there is any.
func (a *API) plan() *agreement.Plan {
	if plan := a.Plan(); plan != nil {
		return plan
	}
	return &agreement.Plan{}
}

func has(words []string, word string) bool { return slices.Contains(words, word) }

// unknownWord is the problem that the agreement does not have a word, with those it has.
func unknownWord(location, noun, word string, allowed []string) *Problem {
	message := "there are " + nearest(word, allowed)
	switch len(allowed) {
	case 0:
		message = "there are none"
	case 1:
		message = "there is only " + nearest(word, allowed)
	}
	return problemOf("vocabulary", fmt.Sprintf("the agreement has no %s %q; %s", noun, clip(word), message),
		ProblemError{Location: location, Message: message, Allowed: allowed})
}

// unknownChoice says that a word is none of those that may stand there, as a decision would.
func unknownChoice(location, what, word string, allowed []string) *Problem {
	p := unknownWord(location, "", word, allowed)
	if len(allowed) > 0 {
		p.Detail = fmt.Sprintf("%q is no %s %s", clip(word), what, nearest(word, allowed))
	}
	return p
}

// nearest lists words, and asks whether the one most like a word was meant.
func nearest(word string, allowed []string) string {
	list := strings.Join(allowed, ", ")
	if near := agreement.Nearest(word, allowed); near != "" {
		list += "; did you mean " + near + "?"
	}
	return list
}

// everHad says that neither the agreement nor an earlier one has a word, if that is so. What an earlier one had, leads may be at still: those whose
// pass has ended follow another agreement only when something happens to them.
func (a *API) everHad(ctx context.Context, location, noun, word string, of func(*agreement.Plan) []string) error {
	plan := a.Plan()
	if word == "" || plan == nil || has(of(plan), word) {
		return nil
	}
	versions, err := a.Store.AgreementVersions(ctx)
	if err != nil {
		return err
	}
	words := of(plan)
	for _, v := range versions {
		earlier, err := a.PlanOf(ctx, v.Version)
		if err != nil {
			return nil // it may have had the word
		}
		for _, w := range of(earlier) {
			if !has(words, w) {
				words = append(words, w)
			}
		}
		if has(words, word) {
			return nil
		}
	}
	return unknownWord(location, noun, word, words)
}

func stageNames(plan *agreement.Plan) []string {
	return names(plan.Stages, func(s *agreement.Stage) string { return s.Name })
}

func queueNames(plan *agreement.Plan) []string {
	return names(plan.Queues, func(q *agreement.Named) string { return q.Name })
}

func (a *API) noMember(location, id string) *Problem {
	next := "choose somebody who is"
	if location == "body.actor" {
		next = "whoever runs Baton can add them"
	}
	return problemOf("vocabulary", fmt.Sprintf("nobody called %q is in the team; %s", clip(id), next), ProblemError{Location: location, Message: "no member; GET /members lists them"})
}

// valueOf takes a value out of JSON: a text, a number, or true or false.
func valueOf(v any) (agreement.Value, bool) {
	switch v := v.(type) {
	case string:
		return agreement.TextValue(v), true
	case float64:
		return agreement.NumberValue(v), true
	case bool:
		return agreement.BooleanValue(v), true
	}
	return agreement.Value{}, false
}

// act has a command of somebody decided, and tells what came of it.
func (a *API) act(ctx context.Context, c *Command, by *Actor, in lifecycle.Input) (*commandAnswer, error) {
	return a.actOn(ctx, c, by, lifecycle.Arrival{Input: in})
}

func (a *API) actOn(ctx context.Context, c *Command, by *Actor, arrival lifecycle.Arrival) (*commandAnswer, error) {
	arrival.Input.Actor, arrival.Input.Text = by.Actor, by.Note
	if err := a.meaningful(ctx, &arrival.Input); err != nil {
		return nil, err
	}
	row, err := a.row(ctx, c.Lead)
	if err != nil {
		return nil, err
	}
	arrival.Input.Lead = row.ID
	if arrival.IfInput, err = ifInput(c.IfMatch, row); err != nil {
		return nil, err
	}
	d, replayed, err := a.decide(ctx, arrival, by.At, c.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return a.decided(ctx, d, replayed)
}

// decided tells what came of a command.
func (a *API) decided(ctx context.Context, d *lifecycle.Decision, replayed string) (*commandAnswer, error) {
	row, err := a.living(ctx, d.Lead)
	if err != nil {
		return nil, err
	}
	out := &commandAnswer{ETag: entityTag(row.LastInput), Replayed: replayed}
	if d.Refused != "" {
		return nil, problemOf("refused", d.Refused).with("ETag", out.ETag).with("Idempotency-Replayed", replayed)
	}
	if out.Body.Decision, err = a.decisionOf(ctx, d); err != nil {
		return nil, err
	}
	out.Body.Lead, err = a.leadOf(ctx, row)
	return out, err
}

// ifInput returns the input that an If-Match means, 0 for whatever there is. The engine looks at it where nothing comes
// in between; what is plainly past is answered here.
func ifInput(match string, row *store.ListedLead) (int64, error) {
	match = strings.TrimPrefix(strings.TrimSpace(match), "W/") // as proxies that pack answers have it
	if match == "" || match == "*" {
		return 0, nil
	}
	if matches(match, entityTag(row.LastInput), false) {
		return row.LastInput, nil
	}
	// A repeated command has an ETag that it made past itself: the engine knows it before it looks at this.
	if id, err := strconv.ParseInt(strings.Trim(match, `"`), 10, 64); err == nil && id > 0 {
		return id, nil
	}
	return 0, problemOf("moved-on", "If-Match does not name how this lead stands; take the ETag that it is answered with").with("ETag", entityTag(row.LastInput))
}

// noInstant says why something cannot have occurred at an instant; "" if it can.
func noInstant(at, now int64) string {
	switch {
	case at > now:
		return "lies in the future"
	case at < 0:
		return "lies before 1970"
	}
	return ""
}

// alike reports whether a request asks for what an input was: the same of the same lead, when it says so at the same time.
func alike(asked, was *lifecycle.Input, at bool) bool {
	switch {
	case asked.Kind != was.Kind || at && asked.At != was.At:
		return false
	case asked.Kind == lifecycle.Merge || asked.Kind == lifecycle.Split: // the engine has put the two in their order
		return asked.Actor == was.Actor && asked.Text == was.Text && (asked.Lead == was.Lead || asked.Lead == was.Other)
	case asked.Lead != was.Lead:
		return false
	}
	return bytes.Equal(asked.AppendJSON(nil), was.AppendJSON(nil))
}

// memberID returns the ID of a member as the agreement has it: an e-mail address in its usual form.
func memberID(location, given string) (string, error) {
	key, err := identity.NormalizeEmail(given)
	if err != nil {
		return "", problemOf("invalid", fmt.Sprintf("%q is no e-mail address, by which members are known", clip(given)), ProblemError{Location: location, Message: err.Error()})
	}
	return key.Value, nil
}
