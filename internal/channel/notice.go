package channel

import (
	"errors"
	"net/url"
	"strings"
	"unicode"
)

// Notice is what people are told, the same by every channel: mail shows it as text and as HTML, Slack and Teams
// in their own forms. All of it is plain text; each channel escapes it as it must, so that nobody's name can be
// markup, a mention or a header.
type Notice struct {
	// Language is the tag of the language it is written in, such as "en" or "sv-SE". Required: a screen
	// reader has to know how to pronounce it.
	Language string
	// Title is one line that says what happened. Required.
	Title string
	// Paragraphs are the text. A line break within one is kept.
	Paragraphs []string
	Facts      []Fact
	Links      []Link
	// Footer is small print, such as why one gets this.
	Footer string
}

// Fact is something known, with its name: "Company", "Northwind".
type Fact struct{ Name, Value string }

// Link is something to do next: "Accept the lead". The URL is absolute, http or https.
type Link struct{ Text, URL string }

// What a Notice may hold; what is longer is cut with an ellipsis, what is more is left out and said to be.
// They fit the strictest of the channels (Slack's header has 150 characters).
const (
	titleLimit     = 150
	paragraphLimit = 2000
	paragraphMost  = 12
	factLimit      = 500
	factMost       = 20
	linkLimit      = 75
	linkMost       = 5
	urlLimit       = 900
)

// clean checks a notice and returns it with every text in the shape that channels rely on: no control characters,
// no text that is not UTF-8, nothing empty, everything within its limit.
func (n Notice) clean() (Notice, error) {
	c := Notice{
		Language: n.Language,
		Title:    clip(oneLine(n.Title), titleLimit),
		Footer:   clip(oneLine(n.Footer), factLimit),
	}
	if !languageTag(c.Language) {
		return c, errors.New("reading the notice: its language is not a tag such as en or sv-SE")
	}
	if c.Title == "" {
		return c, errors.New("reading the notice: it has no title")
	}
	for _, p := range n.Paragraphs {
		if p = clip(lines(p), paragraphLimit); p != "" {
			c.Paragraphs = append(c.Paragraphs, p)
		}
	}
	if len(c.Paragraphs) > paragraphMost {
		c.Paragraphs = append(c.Paragraphs[:paragraphMost-1:paragraphMost-1], "…")
	}
	for _, f := range n.Facts {
		f = Fact{clip(oneLine(f.Name), linkLimit), clip(oneLine(f.Value), factLimit)}
		if f.Name != "" && f.Value != "" {
			c.Facts = append(c.Facts, f)
		}
	}
	if len(c.Facts) > factMost {
		c.Facts = append(c.Facts[:factMost-1:factMost-1], Fact{"…", "…"})
	}
	for _, l := range n.Links {
		u, err := webLink(l.URL)
		if err != nil {
			return c, err
		}
		l = Link{clip(oneLine(l.Text), linkLimit), u}
		if l.Text == "" {
			l.Text = clip(u, linkLimit)
		}
		c.Links = append(c.Links, l)
	}
	if len(c.Links) > linkMost {
		return c, errors.New("reading the notice: it has more than 5 links")
	}
	return c, nil
}

// lines is oneLine for each line of a text, without empty lines at its ends and with at most one between others.
func lines(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	var list []string
	for line := range strings.SplitSeq(s, "\n") {
		line = oneLine(line)
		if line == "" && (len(list) == 0 || list[len(list)-1] == "") {
			continue
		}
		list = append(list, line)
	}
	return strings.TrimRight(strings.Join(list, "\n"), "\n")
}

// webLink returns the one spelling of an absolute http or https URL, with nothing in it but printable ASCII that
// needs no escaping in a header, an HTML attribute or Slack's angle brackets.
func webLink(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return "", errors.New("reading the notice: a link is not an absolute http or https URL")
	}
	s := u.String()
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"'`|\\^{}()*", c) >= 0 {
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
			continue
		}
		b.WriteByte(s[i])
	}
	// an & takes five characters where it is escaped
	if b.Len() > urlLimit || b.Len()+4*strings.Count(b.String(), "&") > 2*urlLimit {
		return "", errors.New("reading the notice: a link is longer than 900 characters, or has more than 200 times &")
	}
	return b.String(), nil
}

// languageTag reports whether a text has the shape of a language tag of RFC 5646.
func languageTag(s string) bool {
	if s == "" || len(s) > 35 {
		return false
	}
	for i, part := range strings.Split(s, "-") {
		if part == "" || len(part) > 8 || i == 0 && len(part) < 2 {
			return false
		}
		for _, r := range part {
			if r > unicode.MaxASCII || !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
				return false
			}
		}
	}
	return true
}

// text shows a clean notice as plain text.
func (n Notice) text() string {
	var b strings.Builder
	b.WriteString(n.Title + "\n")
	for _, p := range n.Paragraphs {
		b.WriteString("\n" + p + "\n")
	}
	if len(n.Facts) > 0 {
		b.WriteByte('\n')
	}
	for _, f := range n.Facts {
		b.WriteString(f.Name + ": " + f.Value + "\n")
	}
	for _, l := range n.Links {
		b.WriteString("\n" + l.Text + ":\n" + l.URL + "\n")
	}
	if n.Footer != "" {
		// "-- " is how mail programs know a signature
		b.WriteString("\n-- \n" + n.Footer + "\n")
	}
	return b.String()
}
