package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// block is a fenced block, or a table with a check of its own, and where it stands.
type block struct {
	file  string // from the root, with /
	line  int    // of its first line
	kind  string // "yaml", "txtar", "table", ...
	check []string
	text  string
	head  int    // line of the heading it stands under
	under string // that heading
}

func (b *block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// whole reports whether the block is an agreement of its own.
func (b *block) whole() bool { return slices.Contains(b.check, "whole") }

// pages returns the documents of the language first, then all others, each with its text.
func pages(t testing.TB) (files []string, texts map[string]string) {
	t.Helper()
	texts = map[string]string{}
	for _, pattern := range []string{"docs/language.md", "docs/language/*.md", "docs/*.md", "README.md"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.ToSlash(rel)
			if _, ok := texts[file]; !ok {
				files = append(files, file)
				texts[file] = strings.ReplaceAll(string(data), "\r\n", "\n")
			}
		}
	}
	return files, texts
}

// ofLanguage reports whether a page is one of those about the language.
func ofLanguage(file string) bool { return strings.HasPrefix(file, "docs/language") }

// blocks returns the fenced blocks of a page, and its tables that have a check.
func blocks(file, text string) []block {
	var list []block
	lines := strings.Split(text, "\n")
	var check []string
	head, under := 0, ""
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "#"):
			head, under, check = i+1, strings.TrimLeft(line, "# "), nil
		case strings.HasPrefix(line, "<!-- check: "):
			check = strings.Fields(strings.TrimSuffix(strings.TrimPrefix(line, "<!-- check: "), "-->"))
		case strings.HasPrefix(line, "```"):
			end := i + 1
			for end < len(lines) && !strings.HasPrefix(lines[end], "```") {
				end++
			}
			body := strings.Join(lines[i+1:min(end, len(lines))], "\n") + "\n"
			list = append(list, block{file, i + 2, strings.TrimPrefix(line, "```"), check, body, head, under})
			i, check = end, nil
		case strings.HasPrefix(line, "|") && check != nil:
			end := i
			for end < len(lines) && strings.HasPrefix(lines[end], "|") {
				end++
			}
			list = append(list, block{file, i + 1, "table", check, strings.Join(lines[i:end], "\n"), head, under})
			i, check = end-1, nil
		case strings.TrimSpace(line) != "":
			check = nil
		}
	}
	return list
}

// base returns the agreement that fragments are added to.
func base(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "docs", "language", "northwind.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "\r\n", "\n")
}

// entry is a key of a mapping with its lines, as text: a fragment may be wrong on purpose, and
// has to stay as it was written.
type entry struct {
	name  string // "" for lines before the first key
	lines []string
}

// entries splits the lines of a mapping whose keys stand after indent spaces.
func entries(lines []string, indent int) []entry {
	list := []entry{{}}
	for _, line := range lines {
		rest := strings.TrimLeft(line, " ")
		if len(line)-len(rest) == indent && rest != "" && !strings.ContainsRune("#-\t}]", rune(rest[0])) {
			if name, _, ok := strings.Cut(rest, ":"); ok {
				list = append(list, entry{name: name})
			}
		}
		last := &list[len(list)-1]
		last.lines = append(last.lines, line)
	}
	return list
}

// merge adds the sections of a fragment to a base. The entries of a section that is a mapping in block
// style in both are added to the base's, in the place of those with the same name; any other
// section takes the place of the base's.
func merge(base, fragment string) string {
	lines := mergeLines(strings.Split(strings.TrimRight(base, "\n"), "\n"), strings.Split(strings.TrimRight(fragment, "\n"), "\n"), 0)
	return strings.Join(lines, "\n") + "\n"
}

func mergeLines(base, fragment []string, indent int) []string {
	old, added := entries(base, indent), entries(fragment, indent)
	used := map[string]bool{}
	var out []string
	for _, e := range old {
		same := slices.DeleteFunc(slices.Clone(added), func(a entry) bool { return a.name != e.name || a.name == "" })
		switch {
		case len(same) == 0:
			out = append(out, e.lines...)
		case len(same) == 1 && deeper(e, indent) && deeper(same[0], indent) && (indent == 0 || e.name == "fit" || e.name == "engagement"):
			out = append(out, same[0].lines[0])
			out = append(out, mergeLines(e.lines[1:], same[0].lines[1:], indent+2)...)
		default:
			for _, a := range same {
				out = append(out, a.lines...)
			}
		}
		used[e.name] = true
	}
	for _, a := range added {
		if a.name == "" || !used[a.name] {
			out = append(out, a.lines...)
		}
	}
	return out
}

// deeper reports whether an entry is a mapping in block style.
func deeper(e entry, indent int) bool {
	head, _, _ := strings.Cut(e.lines[0], " #")
	if !strings.HasSuffix(strings.TrimRight(head, " "), ":") {
		return false
	}
	for _, line := range e.lines[1:] {
		if rest := strings.TrimLeft(line, " "); rest != "" && rest[0] != '#' {
			return len(line)-len(rest) == indent+2 && rest[0] != '-'
		}
	}
	return false
}

func TestMerge(t *testing.T) {
	const base = "a: 1\nb:\n  x: 1\n\n  y:\n    z: 2\nscoring:\n  fit:\n    p: 1\n  grade: {A: 1}\nl:\n  - 1\n"
	cases := map[string]string{
		"a: 2\n":                       strings.Replace(base, "a: 1", "a: 2", 1),
		"b:\n  y: 3\n  w: 4\n":         strings.Replace(base, "  y:\n    z: 2\n", "  y: 3\n  w: 4\n", 1),
		"b: {q: 1}\n":                  strings.Replace(base, "b:\n  x: 1\n\n  y:\n    z: 2\n", "b: {q: 1}\n", 1),
		"scoring:\n  fit:\n    q: 2\n": strings.Replace(base, "    p: 1\n", "    p: 1\n    q: 2\n", 1),
		"l:\n  - 2\n":                  strings.Replace(base, "  - 1\n", "  - 2\n", 1),
		"new: 1\n":                     base + "new: 1\n",
		"b:\n  x: 1\n  x: 2\n":         strings.Replace(base, "  x: 1\n\n", "  x: 1\n  x: 2\n", 1),
	}
	for fragment, want := range cases {
		if got := merge(base, fragment); got != want {
			t.Errorf("merging %q gives\n%s\nnot\n%s", fragment, got, want)
		}
	}
}
