package report

import "strings"

// nearest returns the grouping that word is most likely a misspelling of, "" when none is
// near: at most a third of its letters may be inserted, deleted or replaced, and at least
// one. company. and answers. may be left out. Of several as near it is the first.
func nearest(word string, groupings []string) string {
	if len(word) > 64 { // no name is so long
		return ""
	}
	word = strings.ToLower(word)
	found, least := "", max(1, len([]rune(word))/3)+1
	for _, name := range groupings {
		short := strings.TrimPrefix(strings.TrimPrefix(name, "company."), "answers.")
		if d := min(edits(word, name), edits(word, short)); d < least {
			found, least = name, d
		}
	}
	return found
}

// edits is how many letters to insert, delete or replace to turn a into b (V. I. Levenshtein,
// Binary codes capable of correcting deletions, insertions and reversals, 1966).
func edits(a, b string) int {
	to := []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range []rune(a) {
		corner := row[0] // of the row before
		row[0] = i + 1
		for j := range to {
			change := corner
			if r != to[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, corner+1)
		}
	}
	return row[len(to)]
}
