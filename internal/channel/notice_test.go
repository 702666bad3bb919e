package channel

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"  a \t b\r\nc  ":        "a b c",
		"a\x00b":                 "a b",
		"a\u2028b\u0085c\u00a0d": "a b c d",
		"\ufeffa\u202eb\u2066c":  "abc",
		"a\xffb":                 "ab",
		"family 👩‍👩‍👧 and e\u0301tude": "family 👩‍👩‍👧 and e\u0301tude",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöü", 3, "äöü"}, {"äöüß", 3, "äö…"}, {"a bcd", 3, "a…"}, {"", 1, ""},
	} {
		if got := clip(c.in, c.n); got != c.want {
			t.Errorf("%q to %d: %q", c.in, c.n, got)
		}
	}
}

func TestNoticeIsCleaned(t *testing.T) {
	n := Notice{
		Language:   "sv-SE",
		Title:      "a\r\nb",
		Paragraphs: []string{"\n\na\n\n\n\nb\rc\r\n", " ", strings.Repeat("ab", paragraphLimit)},
		Facts:      []Fact{{"A", "b\nc"}, {"", "x"}, {"x", " "}},
		Links:      []Link{{"", "HTTPS://a.example/ä b?q=<\"'>|*"}},
		Footer:     "f\n",
	}
	got, err := n.clean()
	if err != nil {
		t.Fatal(err)
	}
	want := Notice{
		Language:   "sv-SE",
		Title:      "a b",
		Paragraphs: []string{"a\n\nb\nc", strings.Repeat("ab", paragraphLimit/2-1) + "a…"},
		Facts:      []Fact{{"A", "b c"}},
		Links:      []Link{{"https://a.example/%C3%A4%20b?q=%3C%22%27%3E%7C%2A", "https://a.example/%C3%A4%20b?q=%3C%22%27%3E%7C%2A"}},
		Footer:     "f",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := got.clean()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("clean twice is not clean once:\n%s", diff)
	}
}

func TestNoticeHasBounds(t *testing.T) {
	got, err := hugeNotice("é").clean()
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Paragraphs) != paragraphMost || got.Paragraphs[paragraphMost-1] != "…" || len(got.Facts) != factMost || got.Facts[factMost-1] != (Fact{"…", "…"}) {
		t.Errorf("%d paragraphs, %d facts", len(got.Paragraphs), len(got.Facts))
	}
	if n := utf8.RuneCountInString(got.Title); n != titleLimit {
		t.Errorf("title of %d", n)
	}
	for name, n := range map[string]Notice{
		"no language":  {Title: "a"},
		"no tag":       {Language: "en\r\nX: y", Title: "a"},
		"not a tag":    {Language: "e", Title: "a"},
		"title":        {Language: "en", Title: "\u202e"},
		"script":       {Language: "en", Title: "a", Links: []Link{{"a", "javascript:alert(1)"}}},
		"no host":      {Language: "en", Title: "a", Links: []Link{{"a", "https:///x"}}},
		"relative":     {Language: "en", Title: "a", Links: []Link{{"a", "/leads/1"}}},
		"password":     {Language: "en", Title: "a", Links: []Link{{"a", "https://a:b@c.example"}}},
		"long":         {Language: "en", Title: "a", Links: []Link{{"a", "https://a.example/" + strings.Repeat("ä", 200)}}},
		"line in link": {Language: "en", Title: "a", Links: []Link{{"a", "https://a.example/\r\n"}}},
		"many &":       {Language: "en", Title: "a", Links: []Link{{"a", "https://a.example/?" + strings.Repeat("&", 400)}}},
		"many links":   {Language: "en", Title: "a", Links: make6()},
	} {
		if _, err := n.clean(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func make6() []Link {
	var list []Link
	for range 6 {
		list = append(list, Link{"a", "https://a.example"})
	}
	return list
}

// hugeNotice is as long as can be, of one text.
func hugeNotice(text string) Notice {
	long := strings.Repeat(text, 5000)
	n := Notice{Language: "en", Title: long, Footer: long}
	for range 30 {
		n.Paragraphs = append(n.Paragraphs, long)
		n.Facts = append(n.Facts, Fact{long, long})
	}
	for range 5 {
		n.Links = append(n.Links, Link{long, "https://a.example/?" + strings.Repeat("&", 200) + strings.Repeat("b", 650)})
	}
	return n
}
