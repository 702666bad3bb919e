//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long a server may take to start or stop on a machine that has other things to do.
const patience = time.Minute

// settings of every server. Those that a test gives to Server come after them and win.
var settings = []string{
	"fsync=on", // what was committed is there after a crash, at the price a real server pays
	"max_connections=60",
	"shared_buffers=32MB",
	"timezone=Asia/Kathmandu", // UTC+5:45: whatever depends on it is wrong, and seen
	"logging_collector=off",
	"log_line_prefix=%m [%p] %d ",
}

// S is a server that belongs to one test.
type S struct {
	t        testing.TB
	bin, dir string
	settings []string
	as       *syscall.Credential
	port     int
	process  *exec.Cmd
	exited   chan struct{} // closed when process has ended
	keeper   *exec.Cmd
	line     io.WriteCloser // to the keeper
	made     atomic.Int64   // databases
}

// shared is the server of Database. It lives as long as the process.
var shared struct {
	sync.Mutex
	server *S
	err    error
}

// Database returns the URL of a database that is new and empty, on a server that the tests of this process
// share. It is gone when the test is over.
func Database(t testing.TB) string {
	t.Helper()
	shared.Lock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = begin(nil)
	}
	server, err := shared.server, shared.err
	shared.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	return server.Database(t)
}

// Server starts a server for this test alone, with a database in it. Settings are those of postgresql.conf, written
// name=value: "fsync=off".
func Server(t testing.TB, settings ...string) *S {
	t.Helper()
	s, err := begin(settings)
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	t.Cleanup(func() {
		s.tell(t, 0)
		if err := s.end(syscall.SIGQUIT); err != nil {
			t.Error(err)
		}
		s.line.Close()
		s.keeper.Wait()
	})
	if err := s.create("baton"); err != nil {
		t.Fatal(err)
	}
	return s
}

// URL returns the address of the server's first database. It stays the same when the server is started again.
func (s *S) URL() string { return s.url("baton") }

func (s *S) url(database string) string {
	return fmt.Sprintf("postgres://baton@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Database makes another database on the server and returns its URL. It is gone when the test is over, if the
// server runs then.
func (s *S) Database(t testing.TB) string {
	t.Helper()
	name := "test" + strconv.FormatInt(s.made.Add(1), 10)
	from := s.logged()
	if err := s.create(name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.tell(t, from)
		// whatever the test has left open is closed
		if err := s.do("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Logf("dropping the database of the test: %v", err)
		}
	})
	return s.url(name)
}

// Stop ends the server as `pg_ctl stop -m MODE` does: "smart" waits for the clients to leave, "fast" sends them away,
// "immediate" leaves it to the next start to recover.
func (s *S) Stop(mode string) {
	s.t.Helper()
	signal, ok := map[string]syscall.Signal{"smart": syscall.SIGTERM, "fast": syscall.SIGINT, "immediate": syscall.SIGQUIT}[mode]
	if !ok {
		s.t.Fatalf("stopping PostgreSQL: there is no mode %q", mode)
	}
	if err := s.end(signal); err != nil {
		s.t.Fatal(err)
	}
}

// Kill ends all processes of the server at once with SIGKILL, as a machine that loses its power would but for what the
// kernel has in memory.
func (s *S) Kill() {
	s.t.Helper()
	if s.process == nil {
		return
	}
	backends := children(s.process.Process.Pid)
	err := s.end(syscall.SIGKILL)
	for _, pid := range backends {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Start starts a server that was stopped or killed, and returns when it takes connections.
func (s *S) Start() {
	s.t.Helper()
	if s.process != nil {
		return
	}
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// begin makes the files of a server and starts it.
func begin(extra []string) (_ *S, err error) {
	s := &S{settings: slices.Concat(settings, extra)}
	if s.bin, err = programs(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "baton-pg-"); err != nil {
		return nil, fmt.Errorf("making a PostgreSQL: %w", err)
	}
	if err := s.own(); err != nil {
		os.RemoveAll(s.dir)
		return nil, err
	}
	if err := s.keep(); err != nil {
		os.RemoveAll(s.dir)
		return nil, err
	}
	initdb := s.command("initdb", "--pgdata="+s.data(), "--no-sync", "--username=baton", "--auth=trust", "--encoding=UTF8",
		"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		s.line.Close()
		return nil, fmt.Errorf("making a PostgreSQL in %s: %w\n%s", s.dir, err, out)
	}
	for range 5 { // another test may take the port first
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	s.line.Close()
	return nil, err
}

// own gives the directory to a user that PostgreSQL runs as: it refuses to run as root.
func (s *S) own() error {
	if os.Geteuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return fmt.Errorf("making a PostgreSQL: it does not run as root, and there is no user postgres or nobody: %w", err)
		}
	}
	uid, uidErr := strconv.ParseUint(who.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(who.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return fmt.Errorf("making a PostgreSQL: the user %s: %w", who.Username, err)
	}
	s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(s.dir, int(uid), int(gid)); err != nil {
		return fmt.Errorf("making a PostgreSQL: %w", err)
	}
	return nil
}

// keep starts a keeper beside the server. It reads the ID of the server's process, line by line, and when there is no more
// to read, because this process has ended in whatever way, it ends the server and removes its files.
func (s *S) keep() error {
	s.keeper = s.command("sh", "-c", `
		while read -r line; do pid=$line; done
		tries=0
		if [ -n "$pid" ]; then
			kill -QUIT "$pid"
			while [ -e data/postmaster.pid ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
			[ $tries -lt 100 ] || kill -KILL "$pid"
		fi 2>/dev/null
		cd / && until rm -rf "$0" || [ $tries -gt 110 ]; do sleep 0.1; tries=$((tries + 1)); done`, s.dir)
	var err error
	if s.line, err = s.keeper.StdinPipe(); err != nil {
		return fmt.Errorf("making a PostgreSQL: %w", err)
	}
	if err := s.keeper.Start(); err != nil {
		return fmt.Errorf("making a PostgreSQL: %w", err)
	}
	return nil
}

func (s *S) data() string { return filepath.Join(s.dir, "data") }
func (s *S) log() string  { return filepath.Join(s.dir, "log") }

// command is a program run as the server's user, out of reach of Ctrl-C, and of the settings of this process.
func (s *S) command(name string, args ...string) *exec.Cmd {
	if name != "sh" {
		name = filepath.Join(s.bin, name)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.as}
	return cmd
}

func (s *S) start() error {
	log, err := os.OpenFile(s.log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	defer log.Close()
	deadline := time.Now().Add(patience)
	for {
		args := []string{"-D", s.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-c", "unix_socket_directories="}
		for _, setting := range s.settings {
			args = append(args, "-c", setting)
		}
		cmd := s.command("postgres", args...)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("starting PostgreSQL: %w", err)
		}
		fmt.Fprintln(s.line, cmd.Process.Pid)
		exited := make(chan struct{})
		go func() { cmd.Wait(); close(exited) }()
		for {
			conn, err := s.connect("postgres")
			if err == nil {
				conn.Close(context.Background())
				s.process, s.exited = cmd, exited
				return nil
			}
			select {
			case <-exited:
			case <-time.After(10 * time.Millisecond):
				if time.Now().Before(deadline) {
					continue
				}
				cmd.Process.Kill()
				<-exited
				return fmt.Errorf("starting PostgreSQL: it takes no connections: %w\n%s", err, s.tail(0))
			}
			break
		}
		fmt.Fprintln(s.line)
		// what a killed server leaves behind takes a moment to be gone
		if said := s.tail(0); !strings.Contains(lastLines(said, 5), "shared memory block") || time.Now().After(deadline) {
			return fmt.Errorf("starting PostgreSQL: it ended\n%s", said)
		}
	}
}

// end sends the server a signal and waits until it is gone.
func (s *S) end(signal syscall.Signal) error {
	if s.process == nil {
		return nil
	}
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping PostgreSQL: %w", err)
	}
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.process.Process.Kill()
		<-s.exited
		return fmt.Errorf("stopping PostgreSQL: it did not stop after %v\n%s", signal, s.tail(0))
	}
	fmt.Fprintln(s.line)
	s.process = nil
	return nil
}

func (s *S) connect(database string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return pgx.Connect(ctx, s.url(database))
}

// create makes an empty database.
func (s *S) create(name string) error { return s.do("CREATE DATABASE " + name + " TEMPLATE template0") }

func (s *S) do(statement string) error {
	conn, err := s.connect("postgres")
	if err != nil {
		return fmt.Errorf("connecting to the PostgreSQL of the tests: %w", err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// tell logs what the server said since a place in its log, if the test has failed.
func (s *S) tell(t testing.TB, from int64) {
	if t.Failed() {
		t.Logf("what PostgreSQL said:\n%s", s.tail(from))
	}
}

// logged returns how long the log is.
func (s *S) logged() int64 {
	info, err := os.Stat(s.log())
	if err != nil {
		return 0
	}
	return info.Size()
}

// tail returns the end of the log, from a place on.
func (s *S) tail(from int64) string {
	const most = 8 << 10
	text, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	text = text[min(from, int64(len(text))):]
	return string(text[max(0, len(text)-most):])
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// programs finds the directory with initdb and postgres. Debian keeps them off the PATH.
func programs() (string, error) {
	var dirs []string
	if found, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(found))
	}
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(versions, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range append(dirs, versions...) {
		_, errInit := exec.LookPath(filepath.Join(dir, "initdb"))
		_, errServe := exec.LookPath(filepath.Join(dir, "postgres"))
		if errInit == nil && errServe == nil {
			return dir, nil
		}
	}
	return "", errors.New("there is no PostgreSQL on this machine, and this test needs one of its own; install it with: script/need postgresql")
}

func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// freePort finds a port below those that the kernel hands out by itself: a client that tries again and again while
// the server is down would else be given the server's port, and talk to itself.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 12000 + rand.IntN(20000)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("looking for a free port: %w", err)
}

// children returns the processes that a process has started, as far as /proc tells.
func children(pid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var list []int
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// PID (NAME) STATE PARENT …; a name may hold anything
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) > 1 && string(fields[1]) == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			list = append(list, child)
		}
	}
	return list
}
