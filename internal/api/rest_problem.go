package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/seal"
	"baton/internal/store"
)

const problemMedia = "application/problem+json"

// Problem is an answer that is not what was asked for, as RFC 9457 has it.
type Problem struct {
	Type     string           `json:"type" format:"uri-reference" doc:"The kind of problem; the address leads to what it means." example:"/api/#problem-refused"`
	Title    string           `json:"title" doc:"The kind of problem, in words."`
	Status   int              `json:"status" doc:"The HTTP status."`
	Detail   string           `json:"detail" doc:"What happened, where, and what to do."`
	Errors   []ProblemError   `json:"errors,omitempty" doc:"The places in the request that the problem is about."`
	Findings []findingOfCheck `json:"findings,omitempty" doc:"What keeps an agreement or a mapping from working."`

	Request string `json:"request,omitempty" doc:"The ID of the request, as it stands in the server's log."`

	headers http.Header
}

// ProblemError is one place in a request.
type ProblemError struct {
	Location string   `json:"location,omitempty" doc:"Where in the request: body.reason, query.limit." example:"body.reason"`
	Message  string   `json:"message" doc:"What is the matter there."`
	Allowed  []string `json:"allowed,omitempty" doc:"What could stand there, if that is a list."`
}

var problemType = reflect.TypeFor[Problem]()

// problemKind is a kind of problem. Its name is part of the address that Problem.Type is.
type problemKind struct {
	name, title string
	status      int
	text        string // what it means and what to do, for the reference
}

var problemKinds = []problemKind{
	{"merged", "It goes on as another lead", 308, "Two leads were one person. Location is the one that goes on for both."},
	{"malformed", "The request cannot be read", 400, "The body is no JSON, or ended early. Mend it and send it again."},
	{"no-key", "No key that is known", 401, "Send a key: Authorization: Bearer KEY. It may have been revoked."},
	{"scope", "The key is for something else", 403, "The key is good, and not for this. The detail names the scope that is needed."},
	{"not-found", "There is no such thing", 404, "Nothing has this ID or address."},
	{"method", "Not with this method", 405, "The header Allow lists what the address takes."},
	{"refused", "The agreement does not allow it", 409, "The command was understood, and as the lead stands it cannot be carried out. The detail is the sentence that people see. Look at the lead again."},
	{"conflict", "Not now", 409, "Something else is in the way: another import, or leads for which a new agreement has no place."},
	{"moved-on", "It has moved on", 412, "You named a state with If-Match, and that is no longer how it stands. Nothing was changed. Read it again and decide again."},
	{"state-needed", "Say which state you know", 428, "This takes the place of something that others may change too. Send If-Match with the ETag of what you have seen, or * for whatever there is."},
	{"too-large", "Too large", 413, "Send it in smaller parts."},
	{"media-type", "Not in this form", 415, "The body is packed, or of a kind that is not read here."},
	{"invalid", "Something in the request is not as it should be", 422, "errors names each place."},
	{"vocabulary", "The agreement has no such word", 422, "A reason, a transition or a question that the agreement does not have. errors lists those it has."},
	{"key-reused", "This idempotency key was used for something else", 422, "One Idempotency-Key is for one request. Make a new one for each thing you do, and use it again only to repeat that."},
	{"findings", "It cannot work", 422, "The agreement or mapping has findings; findings lists them with line and column."},
	{"busy", "Too much at once", 429, "Send it again after as many seconds as Retry-After says."},
	{"internal", "Something went wrong here", 500, "It is on record. If it happens again, tell whoever runs the server."},
	{"unavailable", "Not at the moment", 503, "The server is stopping, or cannot store anything now. Send it again after Retry-After; with an Idempotency-Key nothing counts twice."},
}

// problemOf makes a problem of a kind.
func problemOf(kind, detail string, places ...ProblemError) *Problem {
	for _, k := range problemKinds {
		if k.name == kind {
			return &Problem{Type: "/api/#problem-" + kind, Title: k.title, Status: k.status, Detail: detail, Errors: places}
		}
	}
	panic("there is no kind of problem called " + kind)
}

// with adds a header to the answer, unless there is nothing to say in it.
func (p *Problem) with(name, value string) *Problem {
	if value == "" {
		return p
	}
	if p.headers == nil {
		p.headers = http.Header{}
	}
	p.headers.Set(name, value)
	return p
}

func (p *Problem) Error() string             { return p.Detail }
func (p *Problem) GetStatus() int            { return p.Status }
func (p *Problem) GetHeaders() http.Header   { return p.headers }
func (p *Problem) ContentType(string) string { return problemMedia }

func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range p.headers {
		h[name] = values
	}
	h.Set("Content-Type", problemMedia)
	p.Request = h.Get(RequestID)
	w.WriteHeader(p.Status)
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	_ = out.Encode(p) // whoever asked is gone
}

// The library makes its own errors with this function; it has no other place to say so.
func init() {
	huma.DefaultArrayNullable = false
	before, after, _ := strings.Cut(validation.MsgExpectedOneOf, "%s")
	huma.NewError = func(status int, text string, errs ...error) huma.StatusError {
		kind := "invalid"
		switch {
		case status == http.StatusNotModified:
			return &notModified{}
		case status == http.StatusRequestEntityTooLarge:
			kind, text = "too-large", "the body is larger than this takes; send it in smaller parts"
		case status == http.StatusUnsupportedMediaType:
			kind, text = "media-type", "the body is of a kind that is not read here; send JSON"
		case status == http.StatusRequestTimeout, status == http.StatusBadRequest:
			kind, text = "malformed", "the body cannot be read: "+or(text, "it is not whole")
		case status >= 500:
			return problemOf("internal", "something went wrong here; it is on record")
		case text == "validation failed" || text == "":
			text = "the request is not as it should be; see errors"
		}
		p := problemOf(kind, text)
		for _, err := range errs {
			if err == nil {
				continue
			}
			e := ProblemError{Message: err.Error()}
			if d, ok := err.(huma.ErrorDetailer); ok {
				detail := d.ErrorDetail()
				e.Location, e.Message = detail.Location, detail.Message
				if words, ok := strings.CutPrefix(e.Message, before); ok {
					e.choice(fmt.Sprint(detail.Value), strings.Split(strings.TrimSuffix(words, after), ", "))
				}
			}
			p.Errors = append(p.Errors, e)
		}
		if len(p.Errors) == 1 {
			p.Detail = strings.TrimSuffix(p.Detail, "; see errors") + ": " + strings.TrimPrefix(p.Errors[0].Location+": ", ": ") + p.Errors[0].Message
		}
		return p
	}
}

// choice says that a word is none of those that may stand there.
func (e *ProblemError) choice(word string, allowed []string) {
	e.Message, e.Allowed = fmt.Sprintf("%q is none of %s", clip(word), strings.Join(allowed, ", ")), allowed
	if near := agreement.Nearest(word, allowed); near != "" {
		e.Message += "; did you mean " + near + "?"
	}
}

// restProblem finds what to answer to an error, and logs it.
func (a *API) restProblem(ctx context.Context, method, path string, err error) answerError {
	var unchanged *notModified
	if errors.As(err, &unchanged) {
		return unchanged
	}
	var p *Problem
	var old *problem
	switch {
	case errors.As(err, &p):
	case errors.Is(err, store.ErrNoLead), errors.Is(err, store.ErrNoAccount), errors.Is(err, store.ErrNoImport), errors.Is(err, store.ErrNoKey), errors.Is(err, store.ErrNoWebhook), errors.Is(err, store.ErrNoFeed):
		p = problemOf("not-found", err.Error())
	case errors.Is(err, store.ErrRotating), errors.Is(err, store.ErrManyWebhooks), errors.Is(err, seal.ErrNoKey), errors.Is(err, seal.ErrOtherKey), errors.Is(err, store.ErrNoJob):
		p = problemOf("conflict", err.Error())
	default:
		old = a.problem(err)
		p = problemOf(kindOf(old.status), old.detail)
		p.Status = old.status
		if known := errors.Is(err, engine.ErrFull) || errors.Is(err, engine.ErrClosed) || errors.Is(err, engine.ErrNoAgreement) || errors.Is(err, errMemory); !known && method == http.MethodGet && old.status == 503 {
			p.Detail = "this could not be read; ask again in a moment"
		}
		if old.retry > 0 {
			p.with("Retry-After", strconv.Itoa(old.retry))
		}
	}
	if p.Status == http.StatusUnauthorized {
		p.with("WWW-Authenticate", `Bearer realm="baton"`)
	}
	a.logged(ctx, method, path, p, err)
	return p
}

// answerError is an answer that is an error.
type answerError interface {
	huma.StatusError
	huma.HeadersError
	write(http.ResponseWriter)
}

func (n *notModified) write(w http.ResponseWriter) {
	w.Header().Set("ETag", n.tag)
	w.WriteHeader(http.StatusNotModified)
}

// kindOf returns the kind of problem that a status is mostly about.
func kindOf(status int) string {
	if status == http.StatusRequestTimeout {
		return "malformed"
	}
	for _, k := range problemKinds {
		if k.status == status {
			return k.name
		}
	}
	return "internal"
}
