package doctest

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"baton/internal/agreement"
	"baton/internal/replay"
)

var update = flag.Bool("update", false, "rewrite the decisions of the scenarios in the documents")

// holidays is what the examples' holidays/se.ics holds.
const holidays = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//doctest//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n" +
	"DTSTART;VALUE=DATE:20260619\r\nSUMMARY:Midsummer Eve\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func readFile(name string) ([]byte, error) {
	if name == "holidays/se.ics" {
		return []byte(holidays), nil
	}
	return nil, errors.New("there is no such file")
}

func compile(source string) (*agreement.Plan, agreement.Findings) {
	return agreement.Compile("example.yaml", []byte(source), readFile)
}

// codes returns the codes of findings, each once.
func codes(found agreement.Findings) []string {
	var list []string
	for _, f := range found {
		list = append(list, f.Code)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (b *block) source(t *testing.T) string {
	if b.whole() {
		return b.text
	}
	return merge(base(t), b.text)
}

func TestExamples(t *testing.T) {
	files, texts := pages(t)
	for _, file := range files {
		list := blocks(file, texts[file])
		for i := range list {
			b := &list[i]
			if len(b.check) > 0 || ofLanguage(file) && (b.kind == "txtar" || b.kind == "yaml") {
				t.Run(b.String(), func(t *testing.T) { example(t, b, list[:i]) })
			}
		}
	}
}

func example(t *testing.T, b *block, before []block) {
	switch {
	case b.kind == "txtar":
		scenario(t, b, before)
		return
	case len(b.check) == 0:
		t.Error("say above the block how it is checked: <!-- check: fragment -->, whole, finding CODE, or none")
		return
	}
	switch arguments := b.check[1:]; b.check[0] {
	case "none":
	case "fragment", "whole":
		source := b.source(t)
		if _, found := compile(source); len(found) > 0 {
			t.Error(found.Text(func(string) []byte { return []byte(source) }, false))
		}
	case "finding":
		source := b.source(t)
		_, found := compile(source)
		if diff := cmp.Diff(arguments[:1], codes(found)); diff != "" {
			t.Errorf("(-expected +found):\n%s\n%s", diff, found.Text(func(string) []byte { return []byte(source) }, false))
		}
	case "outcome":
		outcomes(t, b, before)
	case "truth":
		truths(t, b)
	case "decay":
		decays(t, b, arguments)
	case "due":
		dues(t, b, before)
	default:
		t.Errorf("there is no check %q", b.check[0])
	}
}

// ground returns the agreement that a scenario or table rests on: the last fragment or whole agreement under
// the same heading, or the base.
func ground(t *testing.T, b *block, before []block) string {
	for i := len(before) - 1; i >= 0 && before[i].head == b.head; i-- {
		if c := before[i].check; before[i].kind == "yaml" && len(c) > 0 && (c[0] == "fragment" || c[0] == "whole") {
			return before[i].source(t)
		}
	}
	return base(t)
}

// scenario runs a story and compares, or rewrites, what was decided.
func scenario(t *testing.T, b *block, before []block) {
	archive := txtar.Parse([]byte(b.text))
	if !slices.ContainsFunc(archive.Files, func(f txtar.File) bool { return f.Name == "agreement.yaml" }) {
		archive.Files = append([]txtar.File{{Name: "agreement.yaml", Data: []byte(ground(t, b, before))}}, archive.Files...)
	}
	s, err := replay.ParseScenario(b.String(), txtar.Format(archive))
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	if got == s.Expected {
		return
	}
	if !*update {
		t.Errorf("decisions (-written +decided); if these are right, run: go test ./internal/doctest -update\n%s", cmp.Diff(s.Expected, got))
		return
	}
	path := filepath.Join(root, filepath.FromSlash(b.file))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "-- decisions --\n"
	story, _, ok := strings.Cut(b.text, mark)
	if !ok || strings.Count(string(data), b.text) != 1 {
		t.Fatal("the scenario has no decisions, or stands in the page more than once")
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), b.text, story+mark+got, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
