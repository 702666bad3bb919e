package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"baton/internal/api"
	"baton/internal/engine"
	"baton/internal/seal"
	"baton/internal/store"
)

// failure is an error with what a person is told of it: what happened, what was kept, what to do.
type failure struct {
	status      int
	title, text string
	retry       string // seconds after which to try again, "" for no use
	cause       error
}

func (f *failure) Error() string {
	if f.cause != nil {
		return f.title + ": " + f.cause.Error()
	}
	return f.title
}

func (f *failure) Unwrap() error { return f.cause }

var (
	errNotFound  = &failure{status: http.StatusNotFound, title: "There is nothing at this address", text: "It may have moved, or the link was cut short. Search finds leads and accounts by name, e-mail address or company."}
	errForbidden = &failure{status: http.StatusForbidden, title: "This page is for others", text: "Your role does not open it. Whoever runs Baton at your company can change that."}
)

// fail answers with what went wrong, with what somebody had filled in about a lead, and logs it, once: the route and not the address, which may
// hold a name.
func (s *Site) fail(a *ask, err error) {
	if errors.Is(err, ErrSignedOut) && a.Method == http.MethodGet && a.route != nil {
		// The one place that knows where people sign in.
		headers(a.w.Header())
		http.Redirect(a.w, a.Request, "/sign-in?next="+url.QueryEscape(a.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	f := failureOf(err)
	level := slog.LevelInfo
	if f.status >= 500 && a.Context().Err() == nil {
		level = slog.LevelError
	}
	pattern := ""
	if a.route != nil {
		pattern = a.route.pattern
	}
	s.Log.Log(a.Context(), level, "page refused", "route", pattern, "status", f.status, "error", err.Error())
	h := a.w.Header()
	if f.retry != "" {
		h.Set("Retry-After", f.retry)
	}
	var list []field
	if act := a.formAct(); act != "" && a.readForm() == nil {
		list = a.filledIn(&flash{Refused: true, Act: act, Typed: a.typed()})
	}
	if err := a.show(f.status, page{title: f.title, body: failed(f, h.Get(api.RequestID), list)}); err != nil {
		http.Error(a.w, f.title, f.status)
	}
}

// failureOf finds what to tell of an error.
func failureOf(err error) *failure {
	var f *failure
	var p *api.Problem
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, ErrSignedOut):
		return &failure{status: http.StatusUnauthorized, title: "You are not signed in", text: "Sign in, and do it again: nothing was done.", cause: err}
	case errors.Is(err, store.ErrNoLead), errors.Is(err, store.ErrNoAccount):
		return &failure{status: http.StatusNotFound, title: "There is no such lead or account", text: "It may have been merged into another, or removed.", cause: err}
	case errors.Is(err, seal.ErrNoKey):
		return &failure{status: http.StatusConflict, title: "Baton has no key to keep secrets with", text: "This needs one. Whoever runs Baton sets it once: seal-key, in its settings. Nothing was changed.", cause: err}
	case errors.Is(err, engine.ErrFull):
		return &failure{status: http.StatusTooManyRequests, title: "Baton is catching up", text: "There is more to do than can be done at once. Nothing of this was done yet: try again in a moment.", retry: "3", cause: err}
	case errors.Is(err, engine.ErrClosed):
		return &failure{status: http.StatusServiceUnavailable, title: "Baton is restarting", text: "Try again in a moment. What you did before is kept.", retry: "3", cause: err}
	case errors.Is(err, engine.ErrNoAgreement):
		return &failure{status: http.StatusServiceUnavailable, title: "There is no agreement yet", text: "Pages come with the first agreement that is made to apply.", cause: err}
	case errors.As(err, &p):
		return &failure{status: p.Status, title: sentence(p.Title), text: sentence(p.Detail), cause: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &failure{status: http.StatusServiceUnavailable, title: "This took too long", text: "Look whether it was done before you try again.", retry: "1", cause: err}
	}
	return &failure{status: http.StatusInternalServerError, title: "Something went wrong here", text: "It is on record. If it happens again, tell whoever runs Baton the number below.", cause: err}
}

// sentence writes a text with a capital and a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	s = capital(s)
	if !strings.ContainsAny(s[len(s)-1:], ".?!…") {
		s += "."
	}
	return s
}
