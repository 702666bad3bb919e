//go:build unix

package cli_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is "baton serve" in a process of its own.
type server struct {
	*exec.Cmd
	dir, address string
	snippet      string      // what it says to paste
	said         chan string // lines of standard error
}

// serveHere starts a server in a directory with a new agreement, where "baton" can be run.
func serveHere(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), said: make(chan string, 1000)}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"baton", "baton-live"} {
		if err := os.Symlink(self, filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := s.shell("baton init"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.Cmd = exec.Command(filepath.Join(s.dir, "baton-live"), append([]string{"serve", "--db", "b.db", "--agreement", "agreement.yaml", "--listen", "127.0.0.1:0"}, args...)...)
	s.Dir = s.dir
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := s.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Process.Kill()
		s.Wait()
	})
	go func() {
		lines := bufio.NewScanner(errs)
		for lines.Scan() {
			s.said <- lines.Text()
		}
		close(s.said)
	}()
	lines := bufio.NewReader(out)
	for n := 0; n < 5; n++ {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the server says %q, then %v: %s", line, err, <-s.said)
		}
		if n == 0 {
			_, after, _ := strings.Cut(line, "http://")
			s.address, _, _ = strings.Cut(after, ". ")
		}
		if n > 1 {
			s.snippet += line
		}
	}
	return s
}

func (s *server) shell(script string) (string, error) {
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "PATH="+s.dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// waitFor reads what the server logs until a line holds a text.
func (s *server) waitFor(t *testing.T, text string) string {
	t.Helper()
	for line := range s.said {
		if strings.Contains(line, text) {
			return line
		}
	}
	t.Fatalf("the server never said %q", text)
	return ""
}

// What the server says to paste works, word for word, while it runs.
func TestServeSaysWhatWorks(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not here: the snippet is not tried")
	}
	s := serveHere(t, "--log-format", "json")
	if line := s.waitFor(t, "listening"); !strings.HasPrefix(line, "{") || !strings.Contains(line, `"address":"`+s.address+`"`) {
		t.Errorf("the log says %s", line)
	}
	out, err := s.shell(s.snippet)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, s.snippet, out)
	}
	for _, want := range []string{`{"success":true}`, "ada@acme.example", "title = Head of Operations"} {
		if !strings.Contains(out, want) {
			t.Errorf("the snippet does not show %q:\n%s", want, out)
		}
	}
	out, err = s.shell("baton key list --db b.db; baton key revoke 1 --db b.db; baton key list --db b.db; baton key revoke 7 --db b.db || true; baton key new --db b.db --name 'a b' || true; baton undo 1 --db b.db || true")
	if err != nil {
		t.Fatal(out)
	}
	for _, want := range []string{"default", "Key 1 is revoked", "there is no such key", `"a b" is no name`, "in use by another Baton"} {
		if !strings.Contains(out, want) {
			t.Errorf("missing %q in\n%s", want, out)
		}
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, "stopped")
	if err := s.Wait(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	if out, err := s.shell("baton verify --db b.db"); err != nil || !strings.Contains(out, "the same to the byte") {
		t.Errorf("%v %s", err, out)
	}
}

// A second signal ends the server at once, although a request is under way.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	s := serveHere(t)
	out, err := s.shell("baton key new --db b.db")
	if err != nil {
		t.Fatal(out)
	}
	req, _ := http.NewRequest("POST", "/", nil)
	req.SetBasicAuth(strings.TrimSpace(out), "")
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n", req.Header.Get("Authorization"))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q %v", line, err)
	}
	if err := s.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, "stopping")
	began := time.Now()
	if err := s.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for range s.said { // until it is gone
	}
	err = s.Wait()
	if code := s.ProcessState.ExitCode(); code != 130 {
		t.Errorf("it ended with %d (%v), want 130", code, err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to end", took)
	}
	io.Copy(io.Discard, conn)
}
