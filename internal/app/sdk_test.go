//go:build unix

package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// library is where the tracking libraries of testdata/sdk are installed: once for each version of the list, out of what
// git looks at. It needs the network the first time.
var library = sync.OnceValues(func() (string, error) { return installed("sdk") })

// installed installs what the package list in a folder of testdata names, and returns where.
func installed(name string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("there is no npm on this machine, and this test uses libraries for it; install it with: script/need node")
	}
	sum := sha256.New()
	names := []string{"package.json", "package-lock.json", ".npmrc"}
	texts := map[string][]byte{}
	for _, file := range names {
		if texts[file], err = os.ReadFile(filepath.Join("testdata", name, file)); err != nil {
			return "", err
		}
		sum.Write(texts[file])
	}
	cache, err := filepath.Abs("../../.cache")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, fmt.Sprintf("%s-%x", name, sum.Sum(nil)[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	half, err := os.MkdirTemp(cache, name+"-half-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(half)
	for _, file := range names {
		if err := os.WriteFile(filepath.Join(half, file), texts[file], 0o644); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, npm, "ci", "--omit=optional", "--no-audit", "--no-fund", "--no-update-notifier",
		"--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
	install.Dir = half
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing libraries with npm: %w; the first time this needs the network, or a registry that npm knows of\n%s", err, out)
	}
	// whole or not at all; another test may have been faster
	if err := os.Rename(half, dir); err != nil && !errors.Is(err, os.ErrExist) {
		if _, statErr := os.Stat(dir); statErr != nil {
			return "", err
		}
	}
	return dir, nil
}

// modules returns the directory of the libraries.
func modules(t testing.TB) string {
	t.Helper()
	dir, err := library()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "node_modules")
}

// node prepares a program of testdata/sdk.
func node(t testing.TB, program string, env ...string) *exec.Cmd {
	t.Helper()
	found, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("there is no node on this machine, and this test sends with libraries for it; install it with: script/need node")
	}
	text, err := os.ReadFile(filepath.Join("testdata", "sdk", program))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, program), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules(t), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), found, program)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	return cmd
}

// The libraries that programs for Node send with bring everything through once, whatever happens on the way: the server
// has no time, cannot store, is not reached, or is killed when it has taken in what it did not answer yet.
func TestNodeLibraries(t *testing.T) {
	for _, program := range []string{"segment.mjs", "rudder.cjs"} {
		t.Run(program, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "baton.db")
			key := furnish(t, db, time.Now())
			server := launch(t, db)
			g := openGate(t, server.address, busy, lost, none, none, broken, cut, killed, lost, none, busy, none, killed, broken)
			cmd := node(t, program, "KEY="+key, "HOST="+g.web.URL)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			for running := true; running; {
				select {
				case done := <-g.kills:
					server.kill(t)
					server = launch(t, db)
					g.to(server.address)
					close(done)
				case err := <-ended:
					if running = false; err != nil {
						t.Fatalf("%v\n%s", err, &errs)
					}
				}
			}
			server.stop(t)
			if n := g.left(); n > 0 {
				t.Errorf("%d troubles were not met", n)
			}
			var sent []string
			for dec := json.NewDecoder(&out); ; {
				var m struct{ ID, Error string }
				if err := dec.Decode(&m); err != nil {
					break
				}
				if m.Error != "" {
					t.Errorf("message %s: %s", m.ID, m.Error)
				}
				sent = append(sent, m.ID)
			}
			if len(sent) != 46 {
				t.Fatalf("%d messages, want 46\n%s", len(sent), &errs)
			}
			sound(t, db, sent)
			b := look(t, db)
			slices.Sort(sent)
			if diff := cmp.Diff(sent, b.keysOfInputs()); diff != "" {
				t.Errorf("messages (-sent +stored):\n%s", diff)
			}
			b.expect(`SELECT email || ' ' || name || ' ' || source || ' ' || campaign || ' ' || activities FROM lead`, "jane@acme.example Jane Doe paid_search spring 43")
			b.expect(`SELECT key || ' ' || name || ' ' || attributes FROM account`, `acme.example Acme {"company.name":"Acme","company.domain":"acme.example","company.employees":420}`)
			b.expect(`SELECT value FROM key ORDER BY kind, value`, "jane@acme.example", "user:b2", "user:u1", "b1", "b2")
			b.expect(`SELECT activity || ' ' || count(*) FROM activities GROUP BY activity ORDER BY activity`, "demo_requested 40", "page_viewed 2", "pricing_viewed 1")
		})
	}
}

// The snippets of the page on sending events work as they stand, but for the address.
func TestSnippets(t *testing.T) {
	for _, test := range []struct{ name, kind, text, file string }{
		{"Segment for Node", "js", "from '@segment/analytics-node'", "snippet.mjs"},
		{"Rudder for Node", "js", "require('@rudderstack/rudder-sdk-node')", "snippet.cjs"},
		{"Segment for Go", "go", "analytics-go.v3", "snippet.go"},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "baton.db")
			key := furnish(t, db, time.Now())
			server := launch(t, db)
			text := replaced(t, snippet(t, test.kind, test.text), "127.0.0.1:8080", server.address)
			file := filepath.Join(t.TempDir(), test.file)
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			run := exec.Command("node", file)
			if test.kind == "go" {
				run = exec.Command("go", "run", file)
			} else if err := os.Symlink(modules(t), filepath.Join(filepath.Dir(file), "node_modules")); err != nil {
				t.Fatal(err)
			}
			run.Env = append(os.Environ(), "KEY="+key)
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s\n%s", err, text, out)
			}
			server.stop(t)
			b := look(t, db)
			b.expect(`SELECT email || ' ' || activities FROM lead`, "ada@acme.example 1")
			b.expect(`SELECT activity FROM activities`, "demo_requested")
		})
	}
}

// book is a database that a test looks into.
type book struct {
	t  testing.TB
	st *store.Store
}

func look(t testing.TB, db string) *book {
	t.Helper()
	st, err := store.OpenReadOnly(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return &book{t, st}
}

func (b *book) keysOfInputs() []string {
	b.t.Helper()
	var list []string
	if err := b.st.EachInput(b.t.Context(), 0, func(in lifecycle.Input, _ []byte) error {
		if in.Key != "" {
			list = append(list, in.Key)
		}
		return nil
	}); err != nil {
		b.t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// expect compares the rows of a query, each with one column.
func (b *book) expect(query string, want ...string) {
	b.t.Helper()
	table, err := b.st.Query(b.t.Context(), query)
	if err != nil {
		b.t.Fatal(err)
	}
	var got []string
	for _, row := range table.Rows {
		got = append(got, strings.TrimSpace(fmt.Sprintln(row...)))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", query, diff)
	}
}
