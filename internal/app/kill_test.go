//go:build unix

package app

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/replay"
	"baton/internal/store"
)

// load sends batches, each until it is acknowledged, and keeps the IDs of the acknowledged.
type load struct {
	key     string
	acks    chan struct{} // one for each request
	ended   chan error    // one for each client
	clients int
	halt    atomic.Bool
	retries atomic.Int64

	lock      sync.Mutex
	addresses []string // of the servers; "" for one that is down
	acked     []string
}

// begin has clients send to as many servers as will be told of.
func begin(key string, clients, servers int) *load {
	l := &load{key: key, acks: make(chan struct{}, 1024), ended: make(chan error, clients), clients: clients, addresses: make([]string, servers)}
	return l
}

// to tells the clients where server n is.
func (l *load) to(n int, address string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.addresses[n] = address
}

func (l *load) run() {
	for n := range l.clients {
		go func() { l.ended <- l.client(n) }()
	}
}

// wait waits for so many requests to be acknowledged.
func (l *load) wait(t testing.TB, requests int) {
	t.Helper()
	late := time.After(patience)
	for range requests {
		select {
		case <-l.acks:
		case err := <-l.ended:
			t.Fatalf("a client gave up: %v", err)
		case <-late:
			t.Fatal("nothing is acknowledged any more")
		}
	}
}

// stop lets every client have what it sent acknowledged, and ends.
func (l *load) stop(t testing.TB) {
	t.Helper()
	l.halt.Store(true)
	go func() {
		for range l.acks { // let nobody wait
		}
	}()
	for range l.clients {
		select {
		case err := <-l.ended:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(patience):
			t.Fatal("a client waits for its answer for ever")
		}
	}
	close(l.acks)
	if l.retries.Load() == 0 {
		t.Error("no client had to try again: this tests nothing")
	}
	t.Logf("%d events acknowledged, %d retries", len(l.acked), l.retries.Load())
}

func (l *load) client(n int) error {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	try := n
	for round := 0; !l.halt.Load(); round++ {
		var events, ids []string
		for i := range 1 + (round+n)%7 {
			id := fmt.Sprintf("c%d-r%d-e%d", n, round, i)
			who := (n*5 + round*3 + i) % 40
			ids = append(ids, id)
			switch (round + i) % 4 {
			case 0:
				events = append(events, fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":"u%d","anonymousId":"b%d","traits":{"email":"p%d@company%d.example","seniority":"director","country":"SE","company":{"employees":%d}}}`, id, who, who, who, who%6, 150+(who+round)%400))
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
			l.lock.Lock()
			address := l.addresses[try%len(l.addresses)]
			l.lock.Unlock()
			try++ // what one server did not answer is sent to the next
			status, err := post(client, "http://"+address+"/v1/batch", body)
			if err == nil && status == 200 {
				break
			}
			if err == nil && status != 429 && status != 503 {
				return fmt.Errorf("client %d: status %d", n, status)
			}
			l.retries.Add(1)
			<-time.After(5 * time.Millisecond)
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

// kills is how often a server is killed: BATON_KILLS says it.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("BATON_KILLS")); err == nil {
		return n
	}
	return soak(6, 50)
}

// A server killed in the middle of its work, again and again, has every input that it acknowledged, once,
// however often clients sent it; and decides all of it again the same. Its clock hurries, so that
// deadlines run out meanwhile.
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	killOften(t, filepath.Join(t.TempDir(), "baton.db"), 1)
}

func TestKilledServerOnPostgreSQL(t *testing.T) {
	killOften(t, pgtest.Database(t), 1)
}

// Two servers on one database, killed at random, one at a time or both: what one has acknowledged, the other knows.
func TestTwoServersKilledOnOnePostgreSQL(t *testing.T) {
	killOften(t, pgtest.Database(t), 2)
}

func killOften(t *testing.T, db string, servers int) {
	l := begin(furnish(t, db, monday), 8, servers)
	clock := childHaste + "=" + haste(2_000_000)
	children := make([]*child, servers)
	start := func(n int) {
		children[n] = launch(t, db, clock)
		l.to(n, children[n].address)
	}
	for n := range servers {
		start(n)
	}
	l.run()
	chance := rand.New(rand.NewPCG(1, uint64(servers)))
	for range kills() {
		l.wait(t, 60+chance.IntN(60)) // so many requests of this life
		victims := []int{chance.IntN(servers)}
		if servers > 1 && chance.IntN(3) == 0 {
			victims = chance.Perm(servers)
		}
		for _, n := range victims {
			children[n].kill(t)
		}
		if len(victims) < servers {
			l.wait(t, 10+chance.IntN(10)) // the others go on
		}
		for _, n := range victims {
			start(n)
		}
	}
	l.stop(t)
	for _, c := range children {
		c.stop(t)
	}
	if n := sound(t, db, l.acked); n == 0 {
		t.Error("no deadline ran out: the clock does not hurry")
	}
}

// A PostgreSQL that is stopped, or dies, and comes back takes nothing with it that was acknowledged, and the server goes on
// by itself.
func TestPostgreSQLRestartedUnderLoad(t *testing.T) {
	pg := pgtest.Server(t)
	l := begin(furnish(t, pg.URL(), monday), 8, 1)
	c := launch(t, pg.URL(), childHaste+"="+haste(2_000_000))
	l.to(0, c.address)
	l.run()
	chance := rand.New(rand.NewPCG(3, 3))
	for n := range soak(3, 40) {
		l.wait(t, 25+chance.IntN(20))
		before := l.retries.Load()
		switch n % 3 {
		case 0:
			pg.Stop("immediate")
		case 1:
			pg.Stop("fast")
		case 2:
			pg.Kill()
		}
		for l.retries.Load() == before { // until somebody has noticed
			select {
			case <-l.acks:
			case err := <-l.ended:
				t.Fatalf("a client gave up: %v", err)
			case <-time.After(time.Millisecond):
			}
		}
		pg.Start()
	}
	l.wait(t, 25)
	l.stop(t)
	c.stop(t)
	sound(t, pg.URL(), l.acked)
}

// sound checks that a database holds each message once, decides all again the same, has each lead in one stage, and
// every deadline that ran out has done so once; it returns how many did.
func sound(t testing.TB, db string, acked []string) (deadlines int) {
	t.Helper()
	st, err := store.OpenReadOnly(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	stored, timers := map[string]int{}, map[string]int{}
	v := &replay.Verifier{Plan: func(version int64) (*agreement.Plan, error) {
		a, err := st.AgreementVersion(t.Context(), version)
		if err != nil {
			return nil, err
		}
		return Compile(a)
	}}
	if err := st.EachInput(t.Context(), 0, func(in lifecycle.Input, decision []byte) error {
		if in.Key != "" {
			stored[in.Key]++
		}
		if in.Kind == lifecycle.Timer {
			timers[fmt.Sprintf("%d at %d", in.Lead, in.Due)]++
		}
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
	for id, n := range stored {
		if n != 1 {
			t.Errorf("message %s is stored %d times", id, n)
		}
	}
	for timer, n := range timers {
		if n != 1 {
			t.Errorf("the timer of lead %s ran out %d times", timer, n)
		}
	}
	t.Logf("%d inputs, %d timers", v.Inputs, len(timers))
	for _, check := range []string{
		`SELECT count(*) FROM lead l WHERE (SELECT count(*) FROM visit v WHERE v.lead = l.id AND v.left_at IS NULL) <> 1`,
		`SELECT count(*) FROM lead l WHERE l.stage <> (SELECT v.stage FROM visit v WHERE v.lead = l.id AND v.left_at IS NULL)`,
		`SELECT count(*) FROM input i LEFT JOIN decision d ON d.input = i.id WHERE d.input IS NULL`,
	} {
		table, err := st.Query(t.Context(), check)
		if err != nil {
			t.Fatal(err)
		}
		if n := fmt.Sprint(table.Rows[0][0]); n != "0" {
			t.Errorf("%s rows for %s", n, check)
		}
	}
	return len(timers)
}
