package channel

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Outcome is how a try went.
type Outcome uint8

// The outcomes. The zero value is none of them, so that a forgotten Result is no success.
const (
	NoOutcome Outcome = iota
	Done              // the other side took it
	Later             // it may go through if tried again
	Never             // this message will not go through, however often it is tried
	Gone              // nothing will go through to this address any more: stop sending there
)

var outcomeWords = [...]string{"", "done", "later", "never", "gone"}

// String returns the word.
func (o Outcome) String() string { return outcomeWords[o] }

// Result is what came of one try.
type Result struct {
	Outcome Outcome
	// Why says for people what happened: plain text, one line, without secrets and without the path of a URL
	// (which often is a secret).
	Why string
	// Said is what the other side answered, in its own words: one line of at most saidLimit characters. It is
	// somebody else's text, to be escaped like any other.
	Said string
	// Code is the status of HTTP or SMTP, 0 if there was no answer.
	Code int
	// After is how long the other side asked to wait, 0 if it did not. Not bounded: Schedule does that.
	After time.Duration
}

const saidLimit = 300

// excerpt makes one short line of what somebody else wrote.
func excerpt(s string) string { return clip(oneLine(s), saidLimit) }

// oneLine replaces each run of white space and control characters with one space, drops what is not UTF-8 and
// what turns text around or hides it, and trims the ends.
func oneLine(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		switch {
		case r == utf8.RuneError || invisible(r):
		case unicode.IsSpace(r) || unicode.IsControl(r):
			gap = true
		default:
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteRune(r)
		}
	}
	return b.String()
}

// invisible reports characters that change how the text around them is shown: overrides of direction, and the
// byte order mark.
func invisible(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff
}

// clip shortens a text to at most n characters, the last of which is then an ellipsis.
func clip(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	return strings.TrimRightFunc(string(runes[:n-1]), unicode.IsSpace) + "…"
}
