package agreement

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"testing"
)

var mutations = flag.Int("mutations", 4000, "how many broken agreements TestMutations tries")

// Agreements with a few random mistakes read as the scanner's own parser reads them,
// where they read at all, and are laid out the same the second time.
func TestMutations(t *testing.T) {
	var seeds [][]byte
	for _, source := range corpus(t) {
		if len(source) < 1200 {
			seeds = append(seeds, source)
		}
	}
	for _, s := range []string{"a: b\nc: [d, e]\n", "a: {b: c, d: 'e'}\n", "- a\n- b: c\n  d: e\n-\n  - f\n", "a: |\n  x\n  y\nb: >-\n  z\n",
		"a: \"x\\ny\n  z\" # c\nb: 'it''s'\n# end\n", "a:\n- b\n- c\nd:\n  e: # f\n    g\n  # h\n"} {
		for range 20 {
			seeds = append(seeds, []byte(s))
		}
	}
	pieces := []string{"[", "]", "{", "}", ":", ": ", ",", ", ", "#", " # c", "'", "\"", "-", "- ", "|", ">", "|+", ">2", " ", "  ", "\n", "\n  ", "\n\n",
		"&a ", "*a", "!t ", "? ", "%", "@", "~", "null", "å", "\\", "a", "b: c", "\n# c\n", "---\n", "...\n", "<<: ", "1", "=", "\n    "}
	r := rand.New(rand.NewPCG(1, uint64(*mutations)))
	read, kept := 0, 0
	for range *mutations {
		s := bytes.Clone(seeds[r.IntN(len(seeds))])
		for range 1 + r.IntN(4) {
			at := r.IntN(len(s) + 1)
			switch r.IntN(3) {
			case 0:
				s = append(s[:at:at], append([]byte(pieces[r.IntN(len(pieces))]), s[at:]...)...)
			case 1:
				s = append(s[:at:at], s[min(len(s), at+1+r.IntN(3)):]...)
			case 2:
				from := r.IntN(len(s) + 1)
				s = append(s[:at:at], append(bytes.Clone(s[from:min(len(s), from+r.IntN(12))]), s[at:]...)...)
			}
		}
		doc, found := parse("a.yaml", s)
		if doc == nil {
			if !found.HasErrors() {
				t.Errorf("no reading, and no finding: %q", s)
			}
			continue
		}
		read++
		if err := agrees(doc); err != "" {
			t.Errorf("%s\n%q", err, s)
		}
		once, found := Format("a.yaml", s)
		if len(found) > 0 && !found.HasErrors() {
			kept++
			continue
		}
		if twice, _ := Format("a.yaml", once); !bytes.Equal(once, twice) {
			t.Errorf("%q once:\n%s\ntwice:\n%s", s, once, twice)
		}
	}
	t.Logf("%d of %d read, %d not laid out", read, *mutations, kept)
	if read*10 < *mutations || kept*50 > read {
		t.Errorf("%d of %d read, %d not laid out", read, *mutations, kept)
	}
}
