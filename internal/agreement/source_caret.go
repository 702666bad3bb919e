package agreement

import (
	"strings"
	"unicode/utf8"
)

// spot returns where in the text the byte at offset of a scalar's value comes from, so that a
// caret can stand under a word of a condition whatever quotes it is in. Where the
// value cannot be read back, as in a folded scalar with lines of uneven
// indentation, it is the start of the scalar.
func (t *text) spot(n *node, offset int) int {
	offset = max(0, min(offset, len(n.value)))
	var value strings.Builder
	var places []int
	put := func(s string, at int) {
		for range len(s) {
			places = append(places, at)
		}
		value.WriteString(s)
	}
	switch n.style {
	case literal, folded:
		t.readBlock(n, put)
	default:
		t.readFlow(n, put)
	}
	// the final line feeds of a block scalar are a matter of its header
	if strings.TrimRight(value.String(), "\n") != strings.TrimRight(n.value, "\n") {
		return n.start
	}
	if offset < len(places) {
		return places[offset]
	}
	switch n.style {
	case single, double:
		return max(n.start, n.end-1)
	}
	return n.end
}

// readFlow reads a plain or quoted scalar, which may run over several lines.
func (t *text) readFlow(n *node, put func(s string, at int)) {
	i, end := n.start, n.end
	if n.style != plain {
		i, end = i+1, end-1
	}
	for i < end {
		c := t.src[i]
		if c == ' ' || c == '\t' || c == '\n' {
			// white space around line ends folds into one space, or a line feed for each further one
			j, feeds := i, 0
			for j < end && (t.src[j] == ' ' || t.src[j] == '\t' || t.src[j] == '\n') {
				if t.src[j] == '\n' {
					feeds++
				}
				j++
			}
			switch feeds {
			case 0:
				for ; i < j; i++ {
					put(t.src[i:i+1], i)
				}
			case 1:
				put(" ", i)
			default:
				put(strings.Repeat("\n", feeds-1), i)
			}
			i = j
			continue
		}
		switch {
		case n.style == single && c == '\'':
			put("'", i)
			i += 2
			continue
		case n.style == double && c == '\\' && i+1 < end:
			decoded, size := unescape(t.src[i:end])
			put(decoded, i)
			i += size
			continue
		}
		_, size := utf8.DecodeRuneInString(t.src[i:])
		put(t.src[i:i+size], i)
		i += size
	}
}

// unescape reads one escape of a double-quoted scalar and how long it is.
func unescape(s string) (string, int) {
	digits := 0
	switch s[1] {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case '\n': // the line goes on
		return "", len(s) - len(strings.TrimLeft(s[2:], " \t"))
	default:
		if i := strings.IndexByte("0abt\tnvfre \"/\\N_LP", s[1]); i >= 0 {
			return [...]string{"\x00", "\a", "\b", "\t", "\t", "\n", "\v", "\f", "\r", "\x1b", " ", "\"", "/", "\\", "\u0085", "\u00a0", "\u2028", "\u2029"}[i], 2
		}
		return s[1:2], 2
	}
	var r rune
	for i := 2; i < 2+digits && i < len(s); i++ {
		d := strings.IndexByte("0123456789abcdef", s[i]|0x20)
		r = r<<4 | rune(max(0, d))
	}
	return string(r), min(2+digits, len(s))
}

// readBlock reads a block scalar. It takes the indentation of the first line for
// that of all, and folds lines without looking for ones indented deeper.
func (t *text) readBlock(n *node, put func(s string, at int)) {
	lines := strings.Split(t.src[n.body:max(n.body, n.end)], "\n")
	indent, at, started := 0, n.body, false
	for i, line := range lines {
		if !started && strings.TrimSpace(line) != "" {
			indent, started = len(line)-len(strings.TrimLeft(line, " ")), true
		}
		body := line[min(indent, len(line)):]
		start := at + len(line) - len(body)
		for j := 0; j < len(body); {
			_, size := utf8.DecodeRuneInString(body[j:])
			put(body[j:j+size], start+j)
			j += size
		}
		at += len(line) + 1
		if i == len(lines)-1 {
			break
		}
		switch {
		case n.style == literal || body == "":
			put("\n", at-1)
		case strings.TrimSpace(lines[i+1]) != "":
			put(" ", at-1)
		}
	}
}
