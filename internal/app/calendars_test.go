package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/channel"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/seal"
)

// feedServer is a calendar on this machine: the days it says somebody is away, or a status instead.
type feedServer struct {
	*httptest.Server
	days   atomic.Pointer[[]string]
	status atomic.Int32
	calls  atomic.Int32
}

func newFeedServer(t *testing.T) *feedServer {
	f := &feedServer{}
	f.days.Store(&[]string{})
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.calls.Add(1)
		if status := f.status.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		var b strings.Builder
		b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n")
		for _, day := range *f.days.Load() {
			from, to, _ := strings.Cut(day, "/")
			fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%s\r\nDTSTART;VALUE=DATE:%s\r\nDTEND;VALUE=DATE:%s\r\nEND:VEVENT\r\n", from, from, to)
		}
		b.WriteString("END:VCALENDAR\r\n")
		w.Write([]byte(b.String()))
	}))
	t.Cleanup(f.Close)
	return f
}

func TestAbsencesFromACalendar(t *testing.T) {
	const clara = "clara.weiss@northwind.example" // in Berlin
	for name, path := range map[string]string{"SQLite": filepath.Join(t.TempDir(), "baton.db"), "PostgreSQL": ""} {
		t.Run(name, func(t *testing.T) {
			if path == "" {
				path = pgtest.Database(t)
			}
			now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
			ctx := context.Background()
			a, err := Open(ctx, Options{DB: path, Clock: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			source, _ := agreement.Template("waterfall")
			file := filepath.Join(t.TempDir(), "agreement.yaml")
			if err := os.WriteFile(file, source, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := a.Adopt(ctx, file, now.UnixMicro()); err != nil {
				t.Fatal(err)
			}
			guard, err := channel.NewGuard([]string{"127.0.0.1"}, true)
			if err != nil {
				t.Fatal(err)
			}
			keys, err := seal.Parse(seal.New())
			if err != nil {
				t.Fatal(err)
			}
			feed := newFeedServer(t)
			c := &readers{app: a, post: channel.NewPoster(channel.PosterConfig{Guard: guard}), seal: keys, log: slog.New(slog.DiscardHandler)}
			read := func(want string) {
				t.Helper()
				now = now.Add(betweenReadings)
				for {
					more, err := c.next(ctx)
					if err != nil {
						t.Fatal(err)
					}
					if !more {
						break
					}
				}
				roster, err := a.Store.Roster(ctx)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, away := range roster.Member(clara).Away {
					got = append(got, time.UnixMicro(away.From).UTC().Format("2 Jan 15:04")+" to "+time.UnixMicro(away.To).UTC().Format("2 Jan 15:04"))
				}
				if s := strings.Join(got, ", "); s != want {
					t.Errorf("away %s, not %s", s, want)
				}
			}
			inputs := func() int64 {
				n, err := a.Store.LastInput(ctx)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			read("") // none is set yet
			if err := a.Store.SetFeed(ctx, keys, clara, feed.URL, "127.0.0.1", now.UnixMicro()); err != nil {
				t.Fatal(err)
			}
			feed.days.Store(&[]string{"20261201/20261203", "20261224/20261225", "20250101/20250102"})
			read("30 Nov 23:00 to 2 Dec 23:00, 23 Dec 23:00 to 24 Dec 23:00")
			before := inputs()
			read("30 Nov 23:00 to 2 Dec 23:00, 23 Dec 23:00 to 24 Dec 23:00")
			if after := inputs(); after != before {
				t.Errorf("the same calendar again made %d inputs", after-before)
			}
			feed.days.Store(&[]string{"20261224/20261225"})
			read("23 Dec 23:00 to 24 Dec 23:00") // the other event is gone
			if inputs() != before+1 {
				t.Errorf("%d inputs, not one more than %d", inputs(), before)
			}
			feed.status.Store(503)
			read("23 Dec 23:00 to 24 Dec 23:00") // what was read holds
			f, err := a.Store.Feeds(ctx)
			if err != nil || len(f) != 1 || !strings.Contains(f[0].Error, "busy") || f[0].GoodAt == 0 || f[0].ReadAt <= f[0].GoodAt || f[0].Absences != 1 {
				t.Errorf("the feed is noted as %+v, %v", f, err)
			}
			feed.status.Store(0)
			// what was entered is not the calendar's to take back
			out, err := a.Engine.Submit(ctx, []lifecycle.Arrival{{Input: lifecycle.Input{Kind: lifecycle.Absent, Name: clara, At: now.UnixMicro(), Due: now.Add(24 * time.Hour).UnixMicro(), Known: now.UnixMicro()}}})
			if err != nil || out[0].Decision.Refused != "" {
				t.Fatal(err, out)
			}
			calls := feed.calls.Load()
			if err := a.Store.RemoveFeed(ctx, clara, now.UnixMicro()); err != nil {
				t.Fatal(err)
			}
			entered := now.UTC().Format("2 Jan 15:04") + " to " + now.Add(24*time.Hour).UTC().Format("2 Jan 15:04")
			read(entered)
			if f, err := a.Store.Feeds(ctx); err != nil || len(f) != 0 {
				t.Errorf("the feed is still there: %+v, %v", f, err)
			}
			if feed.calls.Load() != calls {
				t.Error("a calendar that was forgotten was read")
			}
			if err := a.Store.RemoveFeed(ctx, clara, now.UnixMicro()); err == nil {
				t.Error("a calendar was forgotten twice")
			}
			// another key does not open the address, and says so
			if err := a.Store.SetFeed(ctx, keys, clara, feed.URL, "127.0.0.1", now.UnixMicro()); err != nil {
				t.Fatal(err)
			}
			if c.seal, err = seal.Parse(seal.New()); err != nil {
				t.Fatal(err)
			}
			read(entered)
			if f, err := a.Store.Feeds(ctx); err != nil || len(f) != 1 || !strings.Contains(f[0].Error, "cannot be opened") {
				t.Errorf("the feed is noted as %+v, %v", f, err)
			}
		})
	}
}

// What may not be called is not, though somebody typed it in.
func TestCalendarsInsideTheNetworkAreNotRead(t *testing.T) {
	guard, err := channel.NewGuard(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	feed := newFeedServer(t)
	post := channel.NewPoster(channel.PosterConfig{Guard: guard})
	if _, err := post.Fetch(t.Context(), feed.URL+"/secret", mostCalendar); err == nil || strings.Contains(err.Error(), "secret") || feed.calls.Load() != 0 {
		t.Errorf("fetched, or the error tells too much: %v", err)
	}
}
