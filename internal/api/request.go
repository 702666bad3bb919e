package api

import (
	"context"
	"net/http"

	otel "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"baton/internal/engine"
	"baton/internal/lifecycle"
)

// RequestID is the header under which a request is found in the log. What serves sets it on the answer before
// the API is asked, and puts it into the context; the API repeats it in the problems it answers with.
const RequestID = "X-Request-Id"

type requestKey struct{}

// WithRequest returns a context of the request with an ID.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestOf returns the ID of the request that a context is of, "" for none.
func RequestOf(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// submit is Engine.Submit with a span of its own, when the request is traced.
func (a *API) submit(ctx context.Context, arrivals []lifecycle.Arrival) (outcomes []engine.Outcome, err error) {
	err = traced(ctx, len(arrivals), func(ctx context.Context) (err error) {
		outcomes, err = a.Engine.Submit(ctx, arrivals)
		return err
	})
	return outcomes, err
}

// takeIn is Engine.TakeIn in the way of submit.
func (a *API) takeIn(ctx context.Context, arrivals []lifecycle.Arrival) error {
	return traced(ctx, len(arrivals), func(ctx context.Context) error { return a.Engine.TakeIn(ctx, arrivals) })
}

func traced(ctx context.Context, arrivals int, submit func(context.Context) error) error {
	request := trace.SpanFromContext(ctx)
	if !request.IsRecording() {
		return submit(ctx)
	}
	ctx, span := request.TracerProvider().Tracer("baton").Start(ctx, "submit", trace.WithAttributes(otel.Int("baton.arrivals", arrivals)))
	defer span.End()
	err := submit(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "not taken in")
	}
	return err
}

// Admit reports whether a request may do what takes a scope. If it may not, it is answered.
func (a *API) Admit(w http.ResponseWriter, r *http.Request, scope string) bool {
	_, err := a.admit(r, secretOf(r), scope, a.now())
	if err != nil {
		a.fail(w, r, err)
	}
	return err == nil
}
