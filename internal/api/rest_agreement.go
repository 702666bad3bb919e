package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/engine"
	"baton/internal/store"
)

// AgreementVersion is one that was activated.
type AgreementVersion struct {
	Version     int64     `json:"version"`
	Name        string    `json:"name" example:"Northwind revenue agreement"`
	Hash        string    `json:"hash" doc:"SHA-256 of the source and the files it names; its ETag."`
	File        string    `json:"file,omitempty"`
	ActivatedAt time.Time `json:"activated_at"`
}

type activeAgreement struct {
	AgreementVersion
	Source string            `json:"source" doc:"YAML, as it was activated."`
	Files  map[string]string `json:"files" doc:"What the source names, such as holidays."`
}

// findingOfCheck is something about an agreement or a mapping that its author should know.
type findingOfCheck struct {
	Code      string `json:"code" example:"A204"`
	Severity  string `json:"severity" enum:"error,warning"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	File      string `json:"file"`
	Line      int    `json:"line" doc:"From 1; 0 for none."`
	Column    int    `json:"column"`
	EndColumn int    `json:"end_column"`
	Address   string `json:"address,omitempty" doc:"Of the clause."`
}

func findingsOf(list agreement.Findings) []findingOfCheck {
	out := []findingOfCheck{}
	for _, f := range list {
		out = append(out, findingOfCheck{f.Code, f.Severity.String(), f.Message, f.Hint, f.File, f.Line, f.Column, f.EndColumn, f.Address})
	}
	return out
}

type agreementSource struct {
	Source string            `json:"source" minLength:"1" doc:"The YAML of the agreement."`
	File   string            `json:"file,omitempty" maxLength:"200" default:"agreement.yaml" doc:"What findings call it."`
	Files  map[string]string `json:"files,omitempty" doc:"The files that it names, by the names it gives."`
}

type agreementRequest struct {
	IfNoneMatch string `header:"If-None-Match"`
}

type agreementAnswer struct {
	ETag string `header:"ETag"`
	Body activeAgreement
}

type versionsAnswer struct {
	Body struct {
		Items []AgreementVersion `json:"items" doc:"The oldest first; the last is the one that applies."`
	}
}

type documentRequest struct {
	Format string `query:"format" enum:"markdown,html" default:"markdown" doc:"As text, or as a page of its own."`
}

type documentAnswer struct {
	ContentType string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy"`
	ETag        string `header:"ETag"`
	Body        []byte
}

type checkRequest struct{ Body agreementSource }

type checkAnswer struct {
	Body struct {
		Works    bool             `json:"works" doc:"Whether it could be activated."`
		Name     string           `json:"name,omitempty"`
		Hash     string           `json:"hash,omitempty"`
		Findings []findingOfCheck `json:"findings"`
	}
}

type activateRequest struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the agreement that applies as you know it, or * for any. Needed where another would take its place: without it the answer is 428."`
	Body    agreementSource
}

type activateAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   struct {
		AgreementVersion
		Changed  bool             `json:"changed" doc:"false if it applied already."`
		Findings []findingOfCheck `json:"findings" doc:"Warnings."`
	}
}

func (a *API) agreementRoutes() {
	register(a, huma.Operation{Method: http.MethodGet, Path: "/agreement", OperationID: "get-agreement", Tags: []string{"Agreement"}, Summary: "Get the agreement that applies",
		Errors: []int{404}}, ScopeRead, a.getAgreement)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/agreement/document", OperationID: "get-document", Tags: []string{"Agreement"}, Summary: "Get it as a document for reading",
		Description: "What both sides sign: the clauses in sentences.", Errors: []int{404},
		Responses: map[string]*huma.Response{"200": {Description: "The document.", Content: map[string]*huma.MediaType{"text/markdown": {Schema: &huma.Schema{Type: "string"}}, "text/html": {Schema: &huma.Schema{Type: "string"}}}}}},
		ScopeRead, a.getDocument)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/agreement/versions", OperationID: "list-versions", Tags: []string{"Agreement"}, Summary: "List the versions that have applied"}, ScopeRead, a.listVersions)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/agreement/check", OperationID: "check-agreement", Tags: []string{"Agreement"}, Summary: "Check an agreement",
		Description: "Changes nothing. Findings are an answer and no problem. Send JSON, or the YAML itself as application/yaml.", MaxBodyBytes: mostSource, DefaultStatus: 200, Errors: []int{400, 413, 422},
		RequestBody: sourceBody()}, ScopeRead, a.checkAgreement)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/agreement", OperationID: "activate-agreement", Tags: []string{"Agreement"}, Summary: "Let an agreement apply",
		Description:  "From now on, to all leads under way. One that applies already changes nothing. It is refused when it has findings that are errors, or no place for a lead.",
		MaxBodyBytes: mostSource, DefaultStatus: 200, Errors: []int{400, 409, 412, 413, 422, 428, 503}, RequestBody: sourceBody()}, ScopeAdmin, a.activate)
}

// sourceBody lets the YAML be sent as it is.
func sourceBody() *huma.RequestBody {
	return &huma.RequestBody{Content: map[string]*huma.MediaType{"application/yaml": {Schema: &huma.Schema{Type: "string", Description: "The YAML of the agreement."}}}}
}

func versionOf(stored *store.Agreement) AgreementVersion {
	return AgreementVersion{stored.Version, stored.Name, stored.Hash, stored.File, moment(stored.ActivatedAt)}
}

// active returns the agreement that applies.
func (a *API) active(ctx context.Context) (*store.Agreement, error) {
	stored, err := a.Store.ActiveAgreement(ctx)
	if err == nil && stored == nil {
		err = problemOf("not-found", "there is no agreement yet; let one apply with POST /agreement")
	}
	return stored, err
}

func (a *API) getAgreement(ctx context.Context, in *agreementRequest) (*agreementAnswer, error) {
	stored, err := a.active(ctx)
	if err != nil {
		return nil, err
	}
	tag := entityTag(stored.Hash)
	if in.IfNoneMatch != "" && matches(in.IfNoneMatch, tag, true) {
		return nil, &notModified{tag}
	}
	out := &agreementAnswer{ETag: tag, Body: activeAgreement{versionOf(stored), string(stored.Source), map[string]string{}}}
	for name, text := range stored.Files {
		out.Body.Files[name] = string(text)
	}
	return out, nil
}

func (a *API) getDocument(ctx context.Context, in *documentRequest) (*documentAnswer, error) {
	plan := a.Plan()
	if plan == nil {
		_, err := a.active(ctx)
		return nil, errors.Join(err, engine.ErrNoAgreement)
	}
	out := &documentAnswer{ContentType: "text/markdown; charset=utf-8", Policy: "default-src 'none'; frame-ancestors 'none'", ETag: entityTag(plan.Hash + "-" + in.Format)}
	if in.Format == "markdown" {
		out.Body = document.Markdown(plan)
		return out, nil
	}
	// the page has its styles in it, and nothing else that could do anything
	out.ContentType, out.Policy = "text/html; charset=utf-8", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	var err error
	out.Body, err = document.HTML(plan)
	return out, err
}

func (a *API) listVersions(ctx context.Context, _ *struct{}) (*versionsAnswer, error) {
	list, err := a.Store.Agreements(ctx)
	out := &versionsAnswer{}
	out.Body.Items = []AgreementVersion{}
	for i := range list {
		out.Body.Items = append(out.Body.Items, versionOf(&list[i]))
	}
	return out, err
}

// compiled checks an agreement that was sent.
func compiled(in *agreementSource) (*agreement.Plan, agreement.Findings) {
	files := map[string][]byte{}
	for name, text := range in.Files {
		files[name] = []byte(text)
	}
	return agreement.Compile(or(in.File, "agreement.yaml"), []byte(in.Source), among(files))
}

func (a *API) checkAgreement(_ context.Context, in *checkRequest) (*checkAnswer, error) {
	plan, findings := compiled(&in.Body)
	out := &checkAnswer{}
	out.Body.Works, out.Body.Findings = plan != nil && !findings.HasErrors(), findingsOf(findings)
	if plan != nil {
		out.Body.Name, out.Body.Hash = plan.Name, plan.Hash
	}
	return out, nil
}

func (a *API) activate(ctx context.Context, in *activateRequest) (*activateAnswer, error) {
	plan, findings := compiled(&in.Body)
	if plan == nil || findings.HasErrors() {
		p := problemOf("findings", "the agreement cannot work; findings says where and why, and nothing was changed")
		p.Findings = findingsOf(findings)
		return nil, p
	}
	before, err := a.Store.ActiveAgreement(ctx)
	if err != nil {
		return nil, err
	}
	over := func(active *store.Agreement) error {
		before = active
		return in.over(active, plan)
	}
	if err := over(before); err != nil {
		return nil, err
	}
	// it is not left half way when whoever asked is gone
	version, err := a.Engine.Activate(context.WithoutCancel(ctx), plan, []byte(in.Body.Source), or(in.Body.File, "agreement.yaml"), a.now(), over)
	if err != nil {
		// what has no place in the new agreement is said in words for its author
		if text := err.Error(); strings.HasPrefix(text, "activating ") && strings.Contains(text, "is gone from the new agreement") {
			return nil, problemOf("conflict", text)
		}
		return nil, err
	}
	stored, err := a.Store.AgreementVersion(ctx, version)
	if err != nil {
		return nil, err
	}
	changed := before == nil || before.Version != version
	if changed {
		if err := a.Store.Did(ctx, a.now(), store.Activated, "agreement "+stored.Name, fmt.Sprintf("version %d", version)); err != nil {
			return nil, err
		}
	}
	out := &activateAnswer{Status: http.StatusOK, ETag: entityTag(stored.Hash)}
	out.Body.AgreementVersion, out.Body.Changed, out.Body.Findings = versionOf(stored), changed, findingsOf(findings)
	return out, nil
}

// over says whether an agreement may take the place of the one that applies, nil for none.
func (in *activateRequest) over(active *store.Agreement, plan *agreement.Plan) error {
	switch {
	case in.IfMatch == "" && (active == nil || active.Hash == plan.Hash):
		return nil
	case in.IfMatch == "":
		return problemOf("state-needed", "say in If-Match which agreement you take the place of: the ETag of GET /agreement, or * for any").with("ETag", entityTag(active.Hash))
	case active == nil:
		return problemOf("moved-on", "no agreement applies yet that this could take the place of; send it without If-Match")
	case !matches(in.IfMatch, entityTag(active.Hash), true):
		return problemOf("moved-on", "another agreement applies than the one you know; read it, and decide again").with("ETag", entityTag(active.Hash))
	}
	return nil
}
