//go:build unix

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"baton/internal/pgtest"
)

// A clock that is set forward by days, then back before the beginning, and forward again loses no deadline and has none run out
// twice; what comes in while it is wrong is taken in.
func TestClockThatIsSet(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { setClock(t, filepath.Join(t.TempDir(), "baton.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { setClock(t, pgtest.Database(t)) })
}

func setClock(t *testing.T, db string) {
	key := furnish(t, db, monday)
	var now atomic.Int64
	now.Store(monday.UnixMicro())
	a, err := Open(t.Context(), Options{DB: db, Clock: func() time.Time { return time.UnixMicro(now.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	defer stop()
	said := &journal{}
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- a.Serve(ctx, ServeOptions{Listen: "127.0.0.1:0", Ready: func(address string) { ready <- address }, Log: slog.New(slog.NewTextHandler(said, nil))})
	}()
	var address string
	select {
	case address = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	client := &http.Client{Timeout: patience}
	var acked []string
	send := func(who int, what string) {
		t.Helper()
		id := fmt.Sprintf("m%d", len(acked))
		status, err := post(client, "http://"+address+"/v1/batch", fmt.Sprintf(`{"writeKey":%q,"batch":[{"type":"track","userId":"u%d","messageId":%q,"event":%q,
			"context":{"traits":{"email":"p%d@company%d.example"}}}]}`, key, who, id, what, who, who%3))
		if err != nil || status != 200 {
			t.Fatalf("status %d %v", status, err)
		}
		acked = append(acked, id)
	}
	appear := func(who int) {
		t.Helper()
		id := fmt.Sprintf("m%d", len(acked))
		status, err := post(client, "http://"+address+"/v1/batch", fmt.Sprintf(`{"writeKey":%q,"batch":[{"type":"identify","userId":"u%d","messageId":%q,"traits":
			{"email":"p%d@company%d.example","seniority":"director","country":"SE","company":{"employees":500}}}]}`, key, who, id, who, who%3))
		if err != nil || status != 200 {
			t.Fatalf("status %d %v", status, err)
		}
		acked = append(acked, id)
		for _, what := range []string{"Pricing Viewed", "Pricing Viewed", "Demo Requested"} {
			send(who, what)
		}
	}
	// settled waits until nothing is due any more.
	settled := func() {
		t.Helper()
		for late := time.Now().Add(patience); ; {
			next, err := a.Store.NextDue(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if next > now.Load() {
				return
			}
			if time.Now().After(late) {
				t.Fatalf("something is due since %s and nobody decides it", time.UnixMicro(now.Load()).Sub(time.UnixMicro(next)))
			}
			<-time.After(time.Millisecond)
		}
	}
	offered := `SELECT count(*) FROM handoff`
	for who := range 20 {
		appear(who)
	}
	b := &book{t, a.Store}
	b.expect(offered, "20")
	for n, set := range []time.Duration{time.Hour, 26 * time.Hour, -72 * time.Hour, -71 * time.Hour, 3 * time.Hour, -time.Hour, 10 * 24 * time.Hour, 2 * time.Hour, 30 * 24 * time.Hour} {
		now.Store(monday.Add(set).UnixMicro())
		// whoever comes wakes the server, as the next look at the clock would after some seconds
		appear(100 + n)
		send(n, "Pricing Viewed")
		settled()
		switch n {
		case 0:
			said.hear(t, "was set forward")
		case 2:
			said.hear(t, "was set back")
		}
	}
	b.expect(`SELECT count(*) FROM handoff WHERE accept_due IS NOT NULL AND accepted_at IS NULL AND accept_breached_at IS NULL AND closed_at IS NULL AND accept_due <= `+fmt.Sprint(now.Load()), "0")
	b.expect(`SELECT count(*) FROM (SELECT lead FROM handoff WHERE accept_breached_at IS NOT NULL GROUP BY lead) AS x WHERE lead IN (SELECT id FROM lead WHERE created_at = `+fmt.Sprint(monday.UnixMicro())+`)`, "20")
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	// the next start says so if the clock is behind
	now.Store(monday.Add(-time.Hour).UnixMicro())
	again, done := context.WithCancel(context.WithoutCancel(t.Context()))
	defer done()
	go a.watchClock(again, slog.New(slog.NewTextHandler(said, nil)), time.Second)
	said.hear(t, "is behind what is on record")
	done()
	// the timers may have been stopped in the middle of a round, of which nothing is on record then
	if err := a.Close(); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if n := sound(t, db, acked); n < 50 {
		t.Errorf("%d deadlines ran out: the clock tests nothing", n)
	}
}

// hear waits for the log to say something.
func (j *journal) hear(t testing.TB, what string) {
	t.Helper()
	for late := time.Now().Add(patience); !strings.Contains(j.String(), what); <-time.After(10 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("the log does not say %q:\n%s", what, j)
		}
	}
}
