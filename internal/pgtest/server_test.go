//go:build unix

package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func do(t *testing.T, conn *pgx.Conn, text string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func one(t *testing.T, conn *pgx.Conn, text string) string {
	t.Helper()
	var got string
	if err := conn.QueryRow(t.Context(), text).Scan(&got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return got
}

func TestDatabasesAreApart(t *testing.T) {
	a, b := Database(t), Database(t)
	if a == b {
		t.Fatalf("two databases have the address %s", a)
	}
	do(t, connect(t, a), "CREATE TABLE x (i bigint)")
	do(t, connect(t, b), "CREATE TABLE x (i bigint)")
	if got := one(t, connect(t, a), "SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
	if got := one(t, connect(t, a), "SELECT string_agg(v, '' ORDER BY v) FROM (VALUES ('B'), ('a'), ('C')) t(v)"); got != "aBC" {
		t.Errorf("text sorts as %s: not by the rules of a language", got)
	}
}

// What was committed is there after each way of stopping, at the same address.
func TestServerStopsAndStarts(t *testing.T) {
	s := Server(t, "fsync=off")
	conn := connect(t, s.URL())
	if got := one(t, conn, "SHOW fsync"); got != "off" {
		t.Errorf("fsync is %s", got)
	}
	do(t, conn, "CREATE TABLE x (how text)")
	for n, how := range []string{"fast", "immediate", "kill", "kill"} {
		conn := connect(t, s.URL())
		do(t, conn, "INSERT INTO x VALUES ('"+how+"')")
		if how == "kill" {
			s.Kill()
		} else {
			s.Stop(how)
		}
		if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
			t.Errorf("%s: the connection outlives the server", how)
		}
		if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
			t.Errorf("%s: a stopped server takes connections", how)
		}
		s.Start()
		if got := one(t, connect(t, s.URL()), "SELECT count(*)::text FROM x"); got != fmt.Sprint(n+1) {
			t.Errorf("%s: %s rows, want %d", how, got, n+1)
		}
	}
}

const orphan = "BATON_TEST_ORPHAN"

// A test process that is killed takes its server with it.
func TestNothingIsLeftBehind(t *testing.T) {
	if os.Getenv(orphan) != "" {
		s := Server(t)
		fmt.Printf("orphan %s %d\n", s.dir, s.process.Process.Pid)
		select {} // until it is killed
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingIsLeftBehind$")
	cmd.Env = append(os.Environ(), orphan+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	var pid int
	for lines := bufio.NewScanner(out); pid == 0; {
		if !lines.Scan() {
			t.Fatal("the process ended early")
		}
		if strings.HasPrefix(lines.Text(), "orphan ") {
			fmt.Sscanf(lines.Text(), "orphan %s %d", &dir, &pid)
		}
	}
	if _, err := os.Stat(dir); err != nil || len(children(pid)) == 0 {
		t.Fatalf("no server in %s: %v", dir, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	for deadline := time.Now().Add(patience); ; {
		_, err := os.Stat(dir)
		if os.IsNotExist(err) && len(children(pid)) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s or the server is still there", dir)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
