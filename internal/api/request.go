package api

import (
	"context"

	otel "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"baton/internal/engine"
	"baton/internal/lifecycle"
)

// RequestID is the header under which a request is found in the log. What serves sets it on the answer before
// the API is asked; the API repeats it in its log lines and in the problems it answers with.
const RequestID = "X-Request-Id"

// submit is Engine.Submit with a span of its own, when the request is traced.
func (a *API) submit(ctx context.Context, arrivals []lifecycle.Arrival) ([]engine.Outcome, error) {
	request := trace.SpanFromContext(ctx)
	if !request.IsRecording() {
		return a.Engine.Submit(ctx, arrivals)
	}
	ctx, span := request.TracerProvider().Tracer("baton").Start(ctx, "submit", trace.WithAttributes(otel.Int("baton.arrivals", len(arrivals))))
	defer span.End()
	outcomes, err := a.Engine.Submit(ctx, arrivals)
	if err != nil {
		span.SetStatus(codes.Error, "not taken in")
	}
	return outcomes, err
}
