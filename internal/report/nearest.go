package report

import (
	"strings"

	"baton/internal/agreement"
)

// nearest returns the grouping that word is most likely a misspelling of, with or without what it begins with.
func nearest(word string, groupings []string) string {
	var candidates []string
	name := map[string]string{}
	for _, g := range groupings {
		short := strings.TrimPrefix(strings.TrimPrefix(g, "company."), "answers.")
		candidates = append(candidates, g, short)
		if _, taken := name[short]; !taken {
			name[short] = g
		}
	}
	for _, g := range groupings {
		name[g] = g
	}
	return name[agreement.Nearest(word, candidates)]
}
