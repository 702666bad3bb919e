package calendar

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ParseWeek reads the hours of a week in one line: days and their spans, and a semicolon or a new line before the next days:
// "mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00". Commas between spans do no harm. "always" never closes.
func ParseWeek(s string) (Week, error) {
	var w Week
	if strings.EqualFold(strings.TrimSpace(s), "always") {
		return Always(), nil
	}
	given := [7]bool{}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ';' || r == '\n' }) {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		days, err := ParseDays(strings.TrimSuffix(words[0], ":"))
		if err != nil {
			return w, err
		}
		var spans []Span
		for _, word := range words[1:] {
			for text := range strings.SplitSeq(word, ",") {
				if text == "" {
					continue
				}
				span, err := ParseSpan(text)
				if err != nil {
					return w, err
				}
				spans = append(spans, span)
			}
		}
		if len(spans) == 0 {
			return w, fmt.Errorf("reading hours %q: %s has none; write them after the days, such as \"mon-fri 09:00-17:00\"", clip(s), clip(words[0]))
		}
		slices.SortFunc(spans, func(a, b Span) int { return a.From - b.From })
		for _, d := range days {
			if given[d] {
				return w, fmt.Errorf("reading hours %q: %s is named twice", clip(s), d)
			}
			given[d], w[d] = true, spans
		}
	}
	if err := w.check(); err != nil {
		return w, fmt.Errorf("reading hours %q: %w", clip(s), err)
	}
	return w, nil
}

// String writes w as ParseWeek reads it, days with the same hours together.
func (w Week) String() string {
	if w.same(Always()) {
		return "always"
	}
	var parts []string
	order := [7]time.Weekday{1, 2, 3, 4, 5, 6, 0}
	for i := 0; i < len(order); {
		first, spans := order[i], w[order[i]]
		last := first
		for i++; i < len(order) && slices.Equal(w[order[i]], spans); i++ {
			last = order[i]
		}
		if len(spans) == 0 {
			continue
		}
		words := []string{weekdays[first][:3]}
		if last != first {
			words[0] += "-" + weekdays[last][:3]
		}
		for _, s := range spans {
			words = append(words, s.String())
		}
		parts = append(parts, strings.Join(words, " "))
	}
	return strings.Join(parts, "; ")
}

func (w Week) same(v Week) bool {
	for d := range w {
		if !slices.Equal(w[d], v[d]) {
			return false
		}
	}
	return true
}
