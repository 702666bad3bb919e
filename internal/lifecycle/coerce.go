package lifecycle

import (
	"math"
	"strconv"
	"strings"
	"time"

	"baton/internal/agreement"
)

// Coerce turns a value as it came into the kind the agreement gives it; false if it cannot
// be one. Texts are accepted for every kind when they say it plainly: "200", "yes",
// "2026-05-01", a choice in any case. Dates without a zone are in the agreement's.
func Coerce(plan *agreement.Plan, kind agreement.Kind, choices []string, v agreement.Value) (agreement.Value, bool) {
	if !v.Known() {
		return v, true
	}
	switch kind {
	case agreement.Text:
		switch v.Kind {
		case agreement.Text:
			return v, true
		case agreement.Choice:
			return agreement.TextValue(v.Str), true
		case agreement.Number:
			return agreement.TextValue(v.String()), true
		}
	case agreement.Choice:
		if v.Kind == agreement.Choice || v.Kind == agreement.Text {
			for _, c := range choices {
				if c == v.Str || strings.ToLower(c) == v.Fold {
					return agreement.ChoiceValue(c), true
				}
			}
		}
	case agreement.Number:
		switch v.Kind {
		case agreement.Number:
			return v, !math.IsNaN(v.Num) && !math.IsInf(v.Num, 0)
		case agreement.Text:
			n, err := strconv.ParseFloat(strings.TrimSpace(v.Str), 64)
			if err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
				return agreement.NumberValue(n), true
			}
		}
	case agreement.Boolean:
		switch v.Kind {
		case agreement.Boolean:
			return v, true
		case agreement.Text:
			switch v.Fold {
			case "yes", "true", "1":
				return agreement.BooleanValue(true), true
			case "no", "false", "0":
				return agreement.BooleanValue(false), true
			}
		}
	case agreement.Date:
		switch v.Kind {
		case agreement.Date:
			return v, true
		case agreement.Text:
			for _, layout := range []string{time.DateOnly, time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime} {
				if t, err := time.ParseInLocation(layout, v.Str, plan.Calendar.Zone()); err == nil {
					return agreement.DateValue(t.UnixMicro()), true
				}
			}
		}
	}
	return agreement.Value{}, false
}
