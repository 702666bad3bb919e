package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Server is a Baton that runs as a process of its own.
type Server struct {
	URL string
	cmd *exec.Cmd
	err lines
}

var address = regexp.MustCompile(`http://[0-9.]+:[0-9]+`)

// Start starts a program as `baton serve` on a free port, with an environment besides its own, and returns when it answers.
func Start(ctx context.Context, program, db string, environment ...string) (*Server, error) {
	s := &Server{cmd: exec.CommandContext(ctx, program, "serve", "--db", db, "--listen", "127.0.0.1:0", "--log-level", "warn")}
	s.cmd.Env = append(os.Environ(), environment...)
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = patience
	s.cmd.Stderr = &s.err
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting a server: %w", err)
	}
	said := bufio.NewScanner(out)
	for s.URL == "" && said.Scan() {
		s.URL = address.FindString(said.Text())
	}
	if s.URL == "" {
		s.cmd.Wait()
		return nil, fmt.Errorf("starting a server: it ended before it listened: %s", s.err.last())
	}
	go io.Copy(io.Discard, out)
	res, err := http.Get(s.URL + "/readyz")
	if err == nil {
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			err = fmt.Errorf("it says %s", res.Status)
		}
	}
	if err != nil {
		s.Stop()
		return nil, fmt.Errorf("starting a server: %w", err)
	}
	return s, nil
}

// Stop lets the server finish what is under way and returns the processor time it has used.
func (s *Server) Stop() (time.Duration, error) {
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("stopping the server: %w: %s", err, s.err.last())
	}
	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime(), nil
}

// lines keeps the end of what a program says.
type lines struct {
	lock sync.Mutex
	text []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.text = append(l.text, p...)
	if n := len(l.text) - 4096; n > 0 {
		l.text = l.text[n:]
	}
	return len(p), nil
}

func (l *lines) last() string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return strings.TrimSpace(string(l.text))
}
