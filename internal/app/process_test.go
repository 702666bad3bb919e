//go:build unix

package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/api"
)

// The test binary runs itself again as a server in a process of its own, which a test may kill.
const (
	childDB       = "BATON_TEST_SERVER"   // its database
	childHaste    = "BATON_TEST_HASTE"    // how its clock goes: see haste
	childRedirect = "BATON_TEST_REDIRECT" // a host to which forms may send visitors on
	childBrisk    = "BATON_TEST_BRISK"    // it gives its clients little time
	childLog      = "BATON_TEST_LOG"      // a file for all it has to say
	childMail     = "BATON_TEST_MAIL"     // the port of its mail server
	childViewers  = "BATON_TEST_VIEWERS"  // whoever has a cookie "as" is let in as that role
)

func TestMain(m *testing.M) {
	if db := os.Getenv(childDB); db != "" {
		// asked to stop before it is ready, it stops as well
		if err := die(db); err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// die serves until it is killed, or asked to stop, or the test's process is gone.
func die(db string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	a, err := Open(ctx, Options{DB: db, Memory: 16 << 20, Clock: hastened(os.Getenv(childHaste))})
	if err != nil {
		return err
	}
	opts := ServeOptions{Listen: "127.0.0.1:0", Redirects: []string{os.Getenv(childRedirect)}, Ready: func(address string) { fmt.Println(address) },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if os.Getenv(childViewers) != "" {
		opts.Viewer = as
	}
	if os.Getenv(childBrisk) != "" {
		patience := 3 * time.Millisecond // a busy machine may give neither side anything for half a second
		if racing {
			patience *= 2 // the server is that much slower
		}
		opts.HeaderTime, opts.ReadTime, opts.WriteTime, opts.IdleTime = 400*patience, 1000*patience, 2000*patience, 1000*patience
	}
	if port, err := strconv.Atoi(os.Getenv(childMail)); err == nil {
		opts.Delivery = (&mailbox{port: port}).delivery()
	}
	if name := os.Getenv(childLog); name != "" {
		file, err := os.Create(name)
		if err != nil {
			return err
		}
		opts.Log = slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if err := a.Serve(ctx, opts); err != nil {
		return err
	}
	return a.Close()
}

// monday is a morning on which the people of the sample agreement work.
var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// haste makes a clock that shows monday now and goes so many times as fast as others, in every process that is told of it.
func haste(times int) string { return fmt.Sprintf("%d %d", times, time.Now().UnixMicro()) }

func hastened(how string) func() time.Time {
	first, second, ok := strings.Cut(how, " ")
	if !ok {
		return nil
	}
	times, _ := strconv.ParseInt(first, 10, 64)
	since, _ := strconv.ParseInt(second, 10, 64)
	return func() time.Time {
		return monday.Add(time.Duration(time.Now().UnixMicro()-since) * time.Microsecond * time.Duration(times))
	}
}

// child is a server in a process of its own.
type child struct {
	*exec.Cmd
	address string
	leash   io.Closer // its standard input: it ends when this does
}

// launch starts a server with what the environment should say besides, and returns when it answers requests.
func launch(t testing.TB, db string, env ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0])}
	c.Env = append(os.Environ(), childDB+"="+db)
	c.Env = append(c.Env, env...)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.leash, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %s %v", line, err)
	}
	c.address = strings.TrimSpace(line)
	return c
}

// kill ends the server as kill -9 does.
func (c *child) kill(t testing.TB) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
}

// stop asks the server to stop and waits until it has.
func (c *child) stop(t testing.TB) {
	t.Helper()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("the server did not stop in good order: %v", err)
	}
}

// furnish gives a database the sample agreement and a key.
func furnish(t testing.TB, db string, at time.Time) (key string) {
	t.Helper()
	source, _ := agreement.Template("waterfall")
	file := filepath.Join(t.TempDir(), "agreement.yaml")
	if err := os.WriteFile(file, source, 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Options{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Adopt(t.Context(), file, at.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	if key, _, err = api.NewKey(t.Context(), a.Store, "test", api.ScopeTrack, at.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	return key
}

// patience is how long what has to happen may take: much longer than it takes, on a machine that has other things to do.
const patience = 2 * time.Minute

// soak is how often or how long something is done: most under `make soak`.
func soak(usual, most int) int {
	if os.Getenv("BATON_SOAK") != "" {
		return most
	}
	return usual
}
