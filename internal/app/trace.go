package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"baton/internal/engine"
)

// Tracing says where spans go. Without an endpoint there are none.
type Tracing struct {
	Endpoint string            // of an OTLP collector over HTTP, to which /v1/traces is added
	Headers  map[string]string // of each export, for collectors that ask who sends
	Sample   float64           // share of the traces kept, 0 to 1
}

// tracing makes spans of requests and of the engine's rounds. Attributes hold numbers, routes and request
// IDs; never who or what an event is about.
type tracing struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

func newTracing(ctx context.Context, opts Tracing, version string, log *slog.Logger) (*tracing, error) {
	if opts.Endpoint == "" {
		return nil, nil
	}
	at, err := url.Parse(opts.Endpoint)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return nil, fmt.Errorf("tracing: the endpoint is no address as http://localhost:4318")
	}
	to := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(at.JoinPath("v1/traces").String())}
	if len(opts.Headers) > 0 { // otherwise those of OTEL_EXPORTER_OTLP_HEADERS
		to = append(to, otlptracehttp.WithHeaders(opts.Headers))
	}
	exporter, err := otlptracehttp.New(ctx, to...)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	about, err := resource.Merge(resource.Default(), resource.NewSchemaless(attribute.String("service.name", "baton"), attribute.String("service.version", version)))
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(&exports{exporter, log}), sdk.WithResource(about), sdk.WithSampler(newSampler(opts.Sample)))
	return &tracing{provider, provider.Tracer("baton")}, nil
}

// exports logs what cannot be exported; the library would tell a global.
type exports struct {
	sdk.SpanExporter
	log *slog.Logger
}

func (e *exports) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.log.Warn("traces cannot be exported; they are dropped", "spans", len(spans), "error", err)
	}
	return nil
}

// sampler keeps a share of the traces. What begins here, or comes from outside, is measured by its trace ID, so
// that nobody outside can have all be kept; what a caller did not keep is not kept. Inside, a span follows its
// parent, and a round the requests that it answers.
type sampler struct{ otherwise sdk.Sampler }

func newSampler(share float64) sampler {
	ratio := sdk.TraceIDRatioBased(share)
	return sampler{sdk.ParentBased(ratio, sdk.WithRemoteParentSampled(ratio))}
}

func (s sampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	for _, l := range p.Links {
		if l.SpanContext.IsSampled() {
			return sdk.SamplingResult{Decision: sdk.RecordAndSample}
		}
	}
	return s.otherwise.ShouldSample(p)
}

func (s sampler) Description() string { return "baton" }

// request begins the span of a request.
func (t *tracing) request(r *http.Request, id string) (*http.Request, trace.Span) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	if from := trace.SpanContextFromContext(ctx); from.IsValid() {
		// The state is anything a caller likes to say.
		ctx = trace.ContextWithRemoteSpanContext(ctx, from.WithTraceState(trace.TraceState{}))
	}
	ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method(r.Method)), attribute.String("baton.request", id)))
	return r.WithContext(ctx), span
}

func method(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "_OTHER"
}

// answered ends the span of a request.
func answered(span trace.Span, route string, status int) {
	span.SetName(route)
	_, path, ok := strings.Cut(route, " ")
	if !ok {
		path = route
	}
	span.SetAttributes(attribute.String("http.route", path), attribute.Int("http.response.status_code", status))
	if status >= 500 {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// round makes the spans of a round of the engine that is done. It answers several requests, so that it belongs
// to the trace of none: they are linked, both ways.
func (t *tracing) round(r *engine.Round) {
	var links []trace.Link
	var calls []trace.Span
	for _, ctx := range r.Calls {
		if call := trace.SpanFromContext(ctx); call.SpanContext().IsSampled() {
			links = append(links, trace.Link{SpanContext: call.SpanContext()})
			calls = append(calls, call)
		}
	}
	if r.Kind == engine.RoundSubmit && len(links) == 0 {
		return
	}
	ctx, span := t.tracer.Start(context.Background(), "round "+r.Kind, trace.WithTimestamp(r.Began), trace.WithLinks(links...),
		trace.WithAttributes(attribute.Int("baton.arrivals", r.Arrivals), attribute.Int("baton.inputs", r.Inputs), attribute.Int("baton.problems", r.Problems),
			attribute.Int("baton.refused", r.Refused), attribute.Int("baton.duplicates", r.Duplicates), attribute.Float64("baton.lag_seconds", r.Lag.Seconds())))
	for _, call := range calls {
		call.AddLink(trace.Link{SpanContext: span.SpanContext()})
	}
	at := r.Began
	for _, part := range []struct {
		name string
		took time.Duration
	}{{"gather", r.Gather}, {"decide", r.Decide}, {"commit", r.Commit}} {
		_, one := t.tracer.Start(ctx, part.name, trace.WithTimestamp(at))
		at = at.Add(part.took)
		one.End(trace.WithTimestamp(at))
	}
	if r.Err != nil {
		span.SetStatus(codes.Error, "nothing of it is stored")
	}
	span.End(trace.WithTimestamp(at))
}

// stop sends what is left.
func (t *tracing) stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
