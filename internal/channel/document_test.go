package channel

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const document = "../../docs/webhooks.md"

// snippets returns the blocks of code in the document for receivers.
func snippets(t *testing.T, kind string) []string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)^```$").FindAllStringSubmatch(strings.ReplaceAll(string(text), "\r\n", "\n"), -1) {
		list = append(list, m[1])
	}
	if len(list) == 0 {
		t.Fatalf("the document has no block of %s", kind)
	}
	return list
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The programs in the document take what Baton signs, and nothing else. Each gets the headers in its environment and the
// body in a file, and says "taken" or "refused".
func TestReceiversInTheDocument(t *testing.T) {

	for _, c := range []struct {
		kind, file string
		run        []string
		more       string // what makes a program of it
		extra      map[string]string
	}{
		{kind: "go", file: "receiver/receiver.go", run: []string{"go"}, extra: map[string]string{
			"go.mod": "module example\n\ngo 1.21\n",
			"main.go": `package main

import (
	"example/receiver"
	"fmt"
	"net/http"
	"os"
)

func main() {
	body, _ := os.ReadFile("body.json")
	h := http.Header{}
	for _, name := range []string{"id", "timestamp", "signature"} {
		h.Set("webhook-"+name, os.Getenv("H_"+name))
	}
	if err := receiver.Verify(os.Getenv("SECRET"), h, body); err != nil {
		fmt.Print("refused")
		return
	}
	fmt.Print("taken")
}
`}},
		{kind: "js", file: "receiver.js", run: []string{"node", "receiver.js"}, more: `
const e = process.env
try {
  verify(e.SECRET, {'webhook-id': e.H_id, 'webhook-timestamp': e.H_timestamp, 'webhook-signature': e.H_signature}, require('fs').readFileSync('body.json'))
  process.stdout.write('taken')
} catch { process.stdout.write('refused') }
`},
		{kind: "python", file: "receiver.py", run: []string{"python3", "receiver.py"}, more: `
import os
try:
    verify(os.environ["SECRET"], {"webhook-" + n: os.environ["H_" + n] for n in ("id", "timestamp", "signature")}, open("body.json", "rb").read())
    print("taken", end="")
except ValueError:
    print("refused", end="")
`},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.run[0]); err != nil {
				t.Skipf("there is no %s here", c.run[0])
			}
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(c.file)), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, dir, c.file, snippets(t, c.kind)[0]+c.more)
			for name, text := range c.extra { // order: files do not see each other
				write(t, dir, name, text)
			}
			run := c.run
			if c.kind == "go" {
				build := exec.Command("go", "build", "-o", "receive", ".")
				build.Dir, build.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
				if out, err := build.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				run = []string{filepath.Join(dir, "receive")}
			}
			body := "{\"name\":\"Łódź & <Sons>\"}\r\n\n"
			now := time.Now().Unix()
			sign := func(seconds int64, secrets ...string) string {
				var keys []Key
				for _, s := range secrets {
					keys = append(keys, key(t, s))
				}
				s, err := Sign("d_42", seconds, []byte(body), keys...)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			const other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			for _, try := range []struct {
				name, id, signature, body string
				seconds                   int64
				want                      string
			}{
				{"signed", "d_42", sign(now, exampleSecret), body, now, "taken"},
				{"signed by two", "d_42", sign(now, other, exampleSecret), body, now, "taken"},
				{"signed by another", "d_42", sign(now, other), body, now, "refused"},
				{"another body", "d_42", sign(now, exampleSecret), strings.TrimSpace(body), now, "refused"},
				{"another ID", "d_43", sign(now, exampleSecret), body, now, "refused"},
				{"old", "d_42", sign(now-3600, exampleSecret), body, now - 3600, "refused"},
				{"of the future", "d_42", sign(now+3600, exampleSecret), body, now + 3600, "refused"},
				{"another version", "d_42", strings.Replace(sign(now, exampleSecret), "v1,", "v2,", 1), body, now, "refused"},
				{"no signature", "d_42", "", body, now, "refused"},
				{"half a signature", "d_42", "v1,", body, now, "refused"},
			} {
				write(t, dir, "body.json", try.body)
				cmd := exec.Command(run[0], run[1:]...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "SECRET="+exampleSecret, "H_id="+try.id,
					"H_timestamp="+strconv.FormatInt(try.seconds, 10), "H_signature="+try.signature)
				out, err := cmd.CombinedOutput()
				if err != nil || string(out) != try.want {
					t.Errorf("%s: %s (%v), want %s", try.name, out, err, try.want)
				}
			}
		})
	}
}

// What the document does by hand comes to the same, and is taken by a receiver that verifies as Baton does.
func TestByHandInTheDocument(t *testing.T) {
	for _, tool := range []string{"sh", "openssl", "curl", "base64", "od"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s here", tool)
		}
	}
	verified := make(chan error, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = Verify(r.Header, body, exampleSeconds, key(t, exampleSecret))
		}
		verified <- err
	}))
	defer receiver.Close()
	dir := t.TempDir()
	write(t, dir, "body.json", exampleBody)
	cmd := exec.Command("sh", "-euc", strings.Join(snippets(t, "sh"), "\n"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SECRET="+exampleSecret, "ID="+exampleID, "TIMESTAMP="+strconv.Itoa(exampleSeconds), "URL="+receiver.URL, "NO_PROXY=*")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != exampleSignature {
		t.Fatalf("%s, %v", out, err)
	}
	if err := <-verified; err != nil {
		t.Error(err)
	}
}

func TestScheduleInTheDocument(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var got []time.Duration
	for _, m := range regexp.MustCompile(`(?m)^\| \d+ \| (\w+) \|$`).FindAllStringSubmatch(string(text), -1) {
		d, err := time.ParseDuration(m[1])
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d)
	}
	if diff := cmp.Diff(DefaultSchedule().Delays, got); diff != "" {
		t.Errorf("(-schedule +document):\n%s", diff)
	}
	for _, said := range []string{strconv.Itoa(bodyLimit>>10) + " KB", "within 20 seconds", "up to a fifth longer"} {
		if !strings.Contains(string(text), said) {
			t.Errorf("the document does not say %q", said)
		}
	}
}
