//go:build unix

package cli_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shellBlocks returns the blocks of shell in a section of a page.
func shellBlocks(t *testing.T, file, section string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	_, text2, ok := strings.Cut(string(text), section)
	if !ok {
		t.Fatalf("%s does not say %q", file, section)
	}
	var list []string
	for {
		_, rest, ok := strings.Cut(text2, "\n```sh\n")
		if !ok {
			return list
		}
		block, after, _ := strings.Cut(rest, "\n```")
		list, text2 = append(list, block), after
	}
}

func needCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("there is no curl on this machine, and this test does what the documents show with it; install it with: script/need curl")
	}
}

func contains(t *testing.T, out string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("it does not show %q:\n%s", w, out)
		}
	}
}

// What the page on sending events shows for a shell works, word for word but for names and addresses.
func TestTrackingFromAShell(t *testing.T) {
	needCurl(t)
	s := serveHere(t)
	blocks := shellBlocks(t, "docs/tracking.md", "# Sending events")
	if len(blocks) < 2 || !strings.Contains(blocks[0], "KEY=") || !strings.Contains(blocks[1], "curl") {
		t.Fatalf("the blocks are %q", blocks)
	}
	script := strings.NewReplacer("baton.db", "b.db", "127.0.0.1:8080", s.address).Replace(blocks[0] + "\n" + blocks[1])
	out, err := s.shell(script)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	contains(t, out, `{"success":true}`, "ada@acme.example", "Head of Operations", "demo_requested")
	// the same once more: each message has an ID
	again, err := s.shell(script + "\nbaton query 'SELECT count(*) AS n FROM activities' --db b.db --format csv")
	if err != nil || !strings.HasSuffix(strings.TrimSpace(again), "n\n1") {
		t.Errorf("sent twice: %v\n%s", err, again)
	}
}

// So does what the first page shows of the server.
func TestReadmeServes(t *testing.T) {
	needCurl(t)
	var block string
	for _, b := range shellBlocks(t, "README.md", "## Five minutes") {
		if strings.Contains(b, "baton serve") {
			block = b
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s := &server{dir: t.TempDir()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"baton", "baton-live"} {
		if err := os.Symlink(self, filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	script := "baton init\n" + strings.NewReplacer("127.0.0.1:8080", address, "baton serve", "baton-live serve --listen "+address).Replace(block)
	// the server that it leaves running ends here, in good order
	out, err := s.shell("trap 'kill $!; wait $!' EXIT\n" + script)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	contains(t, out, "Baton listens on http://"+address, `{"success":true}`, "ada@acme.example")
}

// What the first page shows for other languages is what the page on sending events shows, letter for letter: there it is tried.
func TestReadmeShowsWhatIsTried(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", file))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	readme, tracking := read("README.md"), read("docs/tracking.md")
	for _, language := range []string{"js", "go", "html"} {
		_, rest, ok := strings.Cut(readme, "```"+language+"\n")
		if !ok {
			t.Errorf("README.md shows nothing in %s", language)
			continue
		}
		block, _, _ := strings.Cut(rest, "```")
		if !strings.Contains(tracking, "```"+language+"\n"+block+"```") {
			t.Errorf("docs/tracking.md does not show:\n%s", block)
		}
	}
}
