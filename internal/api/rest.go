package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"baton/internal/store"
)

// Where the REST API and its description are.
const (
	restPath   = "/api/v1"
	mostRest   = 64 << 10 // bytes of a body, if its operation says nothing else
	mostSource = 1 << 20  // of an agreement with its files
	bodyTime   = 30 * time.Second
)

// The groups of operations, in the order of the reference.
var restTags = []*huma.Tag{
	{Name: "Leads", Description: "People being worked: how they stand, how they came there, and why."},
	{Name: "Commands", Description: "What people do with a lead. Each is decided at once by the agreement, and the answer says what changed and which clauses say so."},
	{Name: "Queue", Description: "Leads that wait to be called, in one order, and who has taken them. What a call led to is a contact of the lead: see Commands."},
	{Name: "Pipeline", Description: "What sales works, by what is expected of it; whether a lead is worth the effort; and walking away from one that is not."},
	{Name: "Accounts", Description: "The organisations that leads belong to."},
	{Name: "Activities", Description: "What leads did."},
	{Name: "Team", Description: "Who can take leads, and who is away."},
	{Name: "Agreement", Description: "What both sides signed, and what decides."},
	{Name: "Reports", Description: "The figures of the pages and of `baton report`."},
	{Name: "Imports", Description: "Files that are read in as one history. One at a time."},
	{Name: "Inbox", Description: "What members are told inside Baton."},
	{Name: "Jobs", Description: "Alerts to the team: what was sent, what waits, and what could not be delivered."},
	{Name: "Webhooks", Description: "Where events go, signed as Standard Webhooks has it."},
	{Name: "Keys", Description: "Who may send and ask."},
}

// newREST describes the REST API and puts it on the mux.
func (a *API) newREST() {
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Baton", Version: "1",
				Description: "Leads between marketing and sales, decided by the agreement that both signed."},
			Servers: []*huma.Server{{URL: restPath}},
			Tags:    restTags,
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer",
					Description: "A key made with `baton key new --scope read`, `write` or `admin`. The user name of Basic authentication does too."}},
			},
		},
		Formats: map[string]huma.Format{"application/json": plainJSON, "json": plainJSON,
			"application/yaml": {Marshal: plainJSON.Marshal, Unmarshal: unmarshalSource}},
		DefaultFormat: "application/json",
		Transformers: []huma.Transformer{func(ctx huma.Context, _ string, v any) (any, error) {
			if p, ok := v.(*Problem); ok {
				_, w := humago.Unwrap(ctx)
				p.Request = w.Header().Get(RequestID)
			}
			return v, nil
		}},
		RejectUnknownQueryParameters: true,
	}
	a.rest = huma.NewAPI(config, humago.NewAdapter(guarded{a}, restPath))
	a.leadRoutes()
	a.briefRoutes()
	a.commandRoutes()
	a.mergeRoutes()
	a.queueRoutes()
	a.pipelineRoutes()
	a.accountRoutes()
	a.activityRoutes()
	a.teamRoutes()
	a.agreementRoutes()
	a.reportRoutes()
	a.conflictRoutes()
	a.importRoutes()
	a.inboxRoutes()
	a.jobRoutes()
	a.webhookRoutes()
	a.keyRoutes()
	a.referenceRoutes()
	a.route("/api/", a.nowhere)
}

// plainJSON is JSON without the one character that not every database can keep in a text.
var plainJSON = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: func(data []byte, into any) error {
	if bytes.Contains(data, []byte(`\u0000`)) {
		return errors.New("it has the character U+0000 in it")
	}
	return json.Unmarshal(data, into)
}}

// legible reports whether an address is text.
func legible(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	text := u.Path + query
	return err == nil && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// guarded puts handlers on the mux behind what keeps a panic from its reader.
type guarded struct{ *API }

func (g guarded) HandleFunc(pattern string, handle func(http.ResponseWriter, *http.Request)) {
	g.route(pattern, func(w http.ResponseWriter, r *http.Request) error {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				g.Log.Error("a request failed", "route", pattern, "request", w.Header().Get(RequestID), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				problemOf("internal", "something went wrong here; it is on record").write(w)
			}
		}()
		handle(w, r)
		return nil
	})
}

// nowhere answers what is asked of no operation there is.
func (a *API) nowhere(w http.ResponseWriter, r *http.Request) error {
	takes := a.takes(r)
	if takes == "" {
		problemOf("not-found", "there is no such address; what there is stands at /api/").write(w)
		return nil
	}
	w.Header().Set("Allow", takes)
	problemOf("method", "this address takes "+takes+", not "+clip(r.Method)).write(w)
	return nil
}

// scope is the extension of an operation that says which keys may use it.
const scopeExtension = "x-baton-scope"

// operation completes the description of an operation and lets in only who may use it.
func (a *API) operation(op huma.Operation, scope string) huma.Operation {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = mostRest
	}
	a.restOrder = append(a.restOrder, op.OperationID)
	op.BodyReadTimeout = bodyTime
	op.Security = []map[string][]string{{"key": {scope}}}
	op.Extensions = map[string]any{scopeExtension: scope}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	schema := a.rest.OpenAPI().Components.Schemas.Schema(problemType, true, "Problem")
	for _, status := range append([]int{http.StatusUnauthorized, http.StatusForbidden}, op.Errors...) {
		op.Responses[strconv.Itoa(status)] = problemResponse(status, schema)
	}
	op.Errors = nil
	op.Responses["default"] = &huma.Response{Description: "Something else went wrong: the problem says what.",
		Content: map[string]*huma.MediaType{problemMedia: {Schema: schema}}}
	op.Middlewares = append(huma.Middlewares{a.admitted(scope)}, op.Middlewares...)
	return op
}

func problemResponse(status int, schema *huma.Schema) *huma.Response {
	var kinds []string
	for _, k := range problemKinds {
		if k.status == status {
			kinds = append(kinds, "`"+k.name+"`")
		}
	}
	return &huma.Response{Description: http.StatusText(status) + ": " + strings.Join(kinds, " or ") + ".",
		Content: map[string]*huma.MediaType{problemMedia: {Schema: schema}}}
}

// register adds an operation. Its handler returns errors; they are logged and put into problems here.
func register[I, O any](a *API, op huma.Operation, scope string, handle func(context.Context, *I) (*O, error)) {
	huma.Register(a.rest, a.operation(op, scope), func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		a.Store.Flush() // nobody is shown what a power cut would take back: its number would be given to something else
		if err != nil {
			return nil, a.restProblem(ctx, op.Method, op.Path, err)
		}
		return out, nil
	})
}

// registerRaw adds an operation that reads its body and writes its answer itself.
func (a *API) registerRaw(op huma.Operation, scope string, handle func(http.ResponseWriter, *http.Request) error) {
	op = a.operation(op, scope)
	a.rest.OpenAPI().AddOperation(&op)
	a.rest.Adapter().Handle(&op, op.Middlewares.Handler(func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		if err := handle(w, r.WithContext(ctx.Context())); err != nil {
			a.restProblem(ctx.Context(), op.Method, op.Path, err).write(w)
		}
	}))
}

type keyContext struct{}

// keyOf returns the key of a request.
func keyOf(ctx context.Context) store.APIKey {
	key, _ := ctx.Value(keyContext{}).(store.APIKey)
	return key
}

// admitted lets a request in whose key has a scope, as long as there is memory for its body.
func (a *API) admitted(scope string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		op := ctx.Operation()
		key, err := a.admit(r, secretOf(r), scope, a.now())
		if err == nil {
			err = a.rates.allow(key.Name, 1, a.Clock())
		}
		if err == nil && !legible(r.URL) {
			err = problemOf("malformed", "the address is not UTF-8, or is escaped wrongly")
		}
		if err != nil {
			a.restProblem(ctx.Context(), op.Method, op.Path, err).write(w)
			return
		}
		if coding := r.Header.Get("Content-Encoding"); op.RequestBody != nil && coding != "" && coding != "identity" {
			problemOf("media-type", "bodies are not unpacked here; send it plain").write(w)
			return
		}
		if op.RequestBody != nil && op.MaxBodyBytes > 0 {
			held := op.MaxBodyBytes
			if r.ContentLength >= 0 {
				held = min(held, r.ContentLength)
			}
			defer a.memory.held.Add(-held)
			if a.memory.held.Add(held) > a.memory.most {
				a.restProblem(ctx.Context(), op.Method, op.Path, errMemory).write(w)
				return
			}
			// JSON is JSON whatever the header says: curl says that it is a form
			media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
			if op.RequestBody.Content[strings.TrimSpace(media)] == nil && op.RequestBody.Content["application/json"] != nil {
				r.Header.Set("Content-Type", "application/json")
			}
		}
		ctx = huma.WithContext(ctx, store.As(ctx.Context(), store.Actor{Name: "key " + key.Name, Address: a.rates.client(r).Addr().String()}))
		next(huma.WithValue(ctx, keyContext{}, key))
	}
}

// secretOf returns the key that came with a request, "" for none.
func secretOf(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(secret)
	}
	return ""
}

// Page is which part of a list is asked for.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most."`
	Cursor string `query:"cursor" maxLength:"200" doc:"Where the page before ended: its next_cursor."`
	url    url.URL
}

// Resolve keeps the address, for that of the next page.
func (p *Page) Resolve(ctx huma.Context) []error {
	p.url = ctx.URL()
	return nil
}

// filters tells the questions of lists apart: a cursor is good for the one it came from.
func (p *Page) filters() string {
	q := p.url.Query()
	q.Del("cursor")
	q.Del("limit")
	hash := fnv.New32a()
	hash.Write([]byte(p.url.Path + "?" + q.Encode()))
	return strconv.FormatUint(uint64(hash.Sum32()), 36)
}

// after returns where the page begins, 0 for the first.
func (p *Page) after() (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	at, filters, ok := strings.Cut(string(text), ".")
	id, bad := strconv.ParseInt(at, 36, 64)
	if err != nil || !ok || bad != nil || id <= 0 || filters != p.filters() {
		return 0, problemOf("invalid", "this cursor is of another list, or of one that was asked for other things; begin without one",
			ProblemError{Location: "query.cursor", Message: "not of this list"})
	}
	return id, nil
}

// Next is how a list says where its next page is.
type Next struct {
	Link string `header:"Link" doc:"The next page, as rel=\"next\"."`
}

// next returns the cursor and the address of the next page, "" at the end.
func (p *Page) next(id int64) (cursor, address string, links Next) {
	if id == 0 {
		return "", "", Next{}
	}
	cursor = base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(id, 36) + "." + p.filters()))
	u := url.URL{Path: p.url.Path}
	q := p.url.Query()
	q.Set("cursor", cursor)
	u.RawQuery = q.Encode()
	address = u.String()
	return cursor, address, Next{Link: "<" + address + `>; rel="next"`}
}

// cut cuts a list that was read one longer than asked for, and returns where to go on, 0 at the end.
func cut[T any](list []T, limit int, id func(*T) int64) ([]T, int64) {
	if len(list) <= limit {
		return append([]T{}, list...), 0
	}
	return list[:limit], id(&list[limit-1])
}

// entityTag is the ETag of something at one of its inputs, or of a text.
func entityTag(v any) string { return fmt.Sprintf(`"%v"`, v) }

// matches reports whether an entity tag is in the list of an If-Match or If-None-Match.
func matches(list, tag string, weak bool) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if weak {
			one = strings.TrimPrefix(one, "W/")
		}
		if one == "*" || one == tag {
			return true
		}
	}
	return false
}

// notModified is the answer to who has the same already.
type notModified struct{ tag string }

func (n *notModified) Error() string  { return "not modified" }
func (n *notModified) GetStatus() int { return http.StatusNotModified }
func (n *notModified) GetHeaders() http.Header {
	return http.Header{"Etag": {n.tag}}
}

// moment is an instant as the API writes it.
func moment(at int64) time.Time { return time.UnixMicro(at).UTC() }

// perhaps is a moment, nil for none.
func perhaps(at int64) *time.Time {
	if at <= 0 || at == 1<<63-1 {
		return nil
	}
	t := moment(at)
	return &t
}

// unmarshalSource reads a YAML text as the source of an agreement.
func unmarshalSource(data []byte, into any) error {
	if !utf8.Valid(data) { // JSON would put something else in its place
		line, rest := 1, data
		for len(rest) > 0 {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			rest = rest[size:]
		}
		return fmt.Errorf("line %d of the agreement holds bytes that are not UTF-8; save it as UTF-8", line)
	}
	b, err := json.Marshal(map[string]string{"source": string(data)})
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// logged writes down what was refused, once.
func (a *API) logged(ctx context.Context, method, path string, p *Problem, err error) {
	level := slog.LevelInfo
	switch {
	case p.Status >= 500 && ctx.Err() == nil:
		level = slog.LevelError
	case p.Status == http.StatusTooManyRequests:
		level = slog.LevelWarn
	}
	a.Log.Log(ctx, level, "request refused", "method", method, "path", restPath+path, "status", p.Status, "error", err.Error())
}

// names returns the names of a list of the agreement that fit.
func names[T any](list []T, name func(*T) string) []string {
	var out []string
	for i := range list {
		if n := name(&list[i]); n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// answerJSON writes an answer.
func answerJSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // whoever asked is gone
	return nil
}
