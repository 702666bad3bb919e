package app

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"

	"baton/internal/api"
)

// discreet is a handler that keeps e-mail addresses, keys and passwords out of a log, whatever an error may quote. It
// adds the ID of the request that a line is about.
type discreet struct{ slog.Handler }

var (
	passwords = regexp.MustCompile(`(://[^:/@\s]*):[^@/\s]*@`)
	addresses = regexp.MustCompile(`[\pL\pN._%+'-]+(?:@|%40)[\pL\pN-]+(?:\.[\pL\pN-]+)+`)
	secrets   = regexp.MustCompile(`baton_[a-z]+_[A-Za-z0-9_-]{20,}`)
)

// masked returns a text without what a log has no business with.
func masked(s string) string {
	if strings.Contains(s, "://") {
		s = passwords.ReplaceAllString(s, "$1:***@")
	}
	if strings.Contains(s, "@") || strings.Contains(s, "%40") {
		s = addresses.ReplaceAllString(s, "(address)")
	}
	if strings.Contains(s, "baton_") {
		s = secrets.ReplaceAllString(s, "(key)")
	}
	return s
}

func maskedAttr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(masked(v.String()))
	case slog.KindGroup:
		list := make([]slog.Attr, len(v.Group()))
		for i, one := range v.Group() {
			list[i] = maskedAttr(one)
		}
		a.Value = slog.GroupValue(list...)
	case slog.KindAny:
		a.Value = slog.StringValue(masked(fmt.Sprint(v.Any())))
	}
	return a
}

func (d discreet) Handle(ctx context.Context, r slog.Record) error {
	said := slog.NewRecord(r.Time, r.Level, masked(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		said.AddAttrs(maskedAttr(a))
		return true
	})
	if id := api.RequestOf(ctx); id != "" {
		said.AddAttrs(slog.String("request", masked(id)))
	}
	return d.Handler.Handle(ctx, said)
}

func (d discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	list := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		list[i] = maskedAttr(a)
	}
	return discreet{d.Handler.WithAttrs(list)}
}

func (d discreet) WithGroup(name string) slog.Handler { return discreet{d.Handler.WithGroup(name)} }
