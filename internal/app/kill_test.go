//go:build unix

package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/replay"
	"baton/internal/store"
)

// The test binary runs itself again as the server that is killed.
const victim = "BATON_TEST_SERVER"

func TestMain(m *testing.M) {
	if db := os.Getenv(victim); db != "" {
		// asked to stop before it is ready, it stops as well
		if err := die(db); err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// die serves until it is killed, or asked to stop.
func die(db string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	a, err := Open(ctx, Options{DB: db})
	if err != nil {
		return err
	}
	if err := a.Serve(ctx, ServeOptions{Listen: "127.0.0.1:0", Ready: func(address string) { fmt.Println(address) },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}); err != nil {
		return err
	}
	return a.Close()
}

// load sends batches, each until it is acknowledged, and counts the acknowledged.
type load struct {
	key     string
	address atomic.Pointer[string]
	stop    atomic.Bool
	acks    chan struct{}
	retries atomic.Int64
	lock    sync.Mutex
	acked   []string
}

func (l *load) client(n int) error {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
	for round := 0; !l.stop.Load(); round++ {
		var events, ids []string
		for i := range 1 + (round+n)%7 {
			id := fmt.Sprintf("c%d-r%d-e%d", n, round, i)
			who := (n*5 + round*3 + i) % 40
			ids = append(ids, id)
			switch (round + i) % 4 {
			case 0:
				events = append(events, fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":"u%d","anonymousId":"b%d","traits":{"email":"p%d@company%d.example","seniority":"director","company":{"employees":%d}}}`, id, who, who, who, who%6, 100+round%400))
			case 1:
				events = append(events, fmt.Sprintf(`{"type":"track","messageId":%q,"userId":"u%d","event":"Demo Requested"}`, id, who))
			case 2:
				events = append(events, fmt.Sprintf(`{"type":"page","messageId":%q,"anonymousId":"b%d","properties":{"path":"/pricing"},"context":{"campaign":{"source":"x","medium":"email","name":"c%d"}}}`, id, who, round%3))
			case 3:
				events = append(events, fmt.Sprintf(`{"type":"track","messageId":%q,"userId":"u%d","event":"Pricing Viewed"}`, id, who))
			}
		}
		body := `{"writeKey":"` + l.key + `","batch":[` + strings.Join(events, ",") + `]}`
		for {
			status, err := post(client, "http://"+*l.address.Load()+"/v1/batch", body)
			if err == nil && status == 200 {
				break
			}
			if err == nil && status != 429 && status != 503 {
				return fmt.Errorf("client %d: status %d", n, status)
			}
			l.retries.Add(1)
		}
		l.lock.Lock()
		l.acked = append(l.acked, ids...)
		l.lock.Unlock()
		l.acks <- struct{}{}
	}
	return nil
}

func post(client *http.Client, url, body string) (int, error) {
	res, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, err
	}
	return res.StatusCode, nil
}

// begin starts a server and sends the clients there.
func (l *load) begin(t *testing.T, db string) *exec.Cmd {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), victim+"="+db)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error") {
		t.Fatalf("the server did not start: %s %v", line, err)
	}
	address := strings.TrimSpace(line)
	l.address.Store(&address)
	return child
}

// A server killed in the middle of its work, again and again, has every input that it acknowledged, once,
// however often clients sent it; and decides all of it again the same. BATON_KILLS says how often (6).
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	kills := 6
	if n, err := strconv.Atoi(os.Getenv("BATON_KILLS")); err == nil {
		kills = n
	}
	db, _, key := prepare(t, t.TempDir())
	l := &load{key: key, acks: make(chan struct{}, 1024)}
	child := l.begin(t, db)
	const clients = 8
	ended := make(chan error, clients)
	for n := range clients {
		go func() { ended <- l.client(n) }()
	}
	for round := range kills {
		for range 25 + round*7%20 { // so many requests of this life
			select {
			case <-l.acks:
			case err := <-ended:
				t.Fatalf("a client gave up: %v", err)
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		child.Wait()
		child = l.begin(t, db)
	}
	l.stop.Store(true)
	go func() {
		for range l.acks { // let nobody wait
		}
	}()
	for range clients {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Fatalf("the last server did not stop in good order: %v", err)
	}
	if l.retries.Load() == 0 {
		t.Error("no client had to try again: the kills test nothing")
	}
	t.Logf("%d kills, %d events acknowledged, %d retries", kills, len(l.acked), l.retries.Load())
	sound(t, db, l.acked)
}

// sound checks that a database holds each message once, decides all again the same, and has each lead
// in one stage.
func sound(t *testing.T, db string, acked []string) {
	t.Helper()
	st, err := store.OpenReadOnly(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	stored := map[string]int{}
	v := &replay.Verifier{Plan: func(version int64) (*agreement.Plan, error) {
		a, err := st.AgreementVersion(t.Context(), version)
		if err != nil {
			return nil, err
		}
		return Compile(a)
	}}
	if err := st.EachInput(t.Context(), 0, func(in lifecycle.Input, decision []byte) error {
		stored[in.Key]++
		if len(decision) == 0 {
			t.Errorf("input %d could not be decided", in.ID)
			return nil
		}
		return v.Next(in, in.Version, decision)
	}); err != nil {
		t.Fatal(err)
	}
	if v.First != nil {
		t.Errorf("decided again, %d of %d decisions differ; the first:\n%s", v.Different, v.Inputs, v.First)
	}
	for _, id := range acked {
		if stored[id] != 1 {
			t.Errorf("message %s was acknowledged and is stored %d times", id, stored[id])
		}
	}
	for _, check := range []string{
		`SELECT count(*) FROM lead l WHERE (SELECT count(*) FROM visit v WHERE v.lead = l.id AND v.left_at IS NULL) <> 1`,
		`SELECT count(*) FROM lead l WHERE l.stage <> (SELECT v.stage FROM visit v WHERE v.lead = l.id AND v.left_at IS NULL)`,
		`SELECT count(*) FROM input i LEFT JOIN decision d ON d.input = i.id WHERE d.input IS NULL`,
	} {
		table, err := st.Query(t.Context(), check)
		if err != nil {
			t.Fatal(err)
		}
		if n := table.Rows[0][0]; n != int64(0) {
			t.Errorf("%v rows for %s", n, check)
		}
	}
}
