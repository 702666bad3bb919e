//go:build unix

package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// What opening a page may cost whoever opens it: bytes over the wire, headers and what follows by itself included.
const (
	mostFirstVisit = 200_000 // with nothing kept from before
	mostWarmVisit  = 30_000  // by a browser that has been here
	mostPaint      = 1000    // milliseconds until the largest part of a page is drawn, with nothing kept from before
)

// metered counts what a server sends.
type metered struct {
	address string
	sent    atomic.Int64
}

// meter passes on what is sent to an address, and back.
func meter(t *testing.T, to string) *metered {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	m := &metered{address: listener.Addr().String()}
	go func() {
		for {
			browser, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				browser.Close()
				continue
			}
			go func() { io.Copy(server, browser); server.Close() }()
			go func() { io.Copy(io.MultiWriter(browser, m), server); browser.Close() }()
		}
	}()
	return m
}

func (m *metered) Write(p []byte) (int, error) {
	m.sent.Add(int64(len(p)))
	return len(p), nil
}

// quiet waits until nothing was sent for a while, and returns how much it was since.
func (m *metered) quiet(since int64) int64 {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for still, last := 0, int64(-1); still < 8; still++ {
		<-tick.C
		if now := m.sent.Load(); now != last {
			still, last = 0, now
		}
	}
	return m.sent.Load() - since
}

// visits opens every page twice, first with nothing kept from before.
func visits(t *testing.T, l *live, ctx context.Context, each func(name string, first, warm int64)) {
	m := meter(t, l.address)
	l.address = m.address
	for _, p := range pictured {
		if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
			t.Fatal(err)
		}
		if err := forget(ctx); err != nil {
			t.Fatal(err)
		}
		var cost [2]int64
		for i := range cost {
			before := m.quiet(0)
			if err := l.open(ctx, p.role, p.path, "light", 1440, 900); err != nil {
				t.Fatalf("%s: %v", p.path, err)
			}
			cost[i] = m.quiet(before)
		}
		each(p.name, cost[0], cost[1])
	}
}

// forget makes a browser one that was never here.
func forget(ctx context.Context) error {
	_, err := chromedp.Call(ctx, network.ClearBrowserCache, cdp.Empty{})
	return err
}

// No page costs more than a first visit may, and none more than a warm one may.
func TestVisitsAreLight(t *testing.T) {
	l := servePages(t)
	var mostFirst, mostWarm int64
	visits(t, l, browse(t), func(name string, first, warm int64) {
		t.Logf("%-16s first %6d bytes, then %6d", name, first, warm)
		if first > mostFirstVisit || warm > mostWarmVisit {
			t.Errorf("%s costs %d bytes at first and %d then; %d and %d are promised", name, first, warm, mostFirstVisit, mostWarmVisit)
		}
		if first < 50_000 || warm < 1000 || warm >= first {
			t.Errorf("%s costs %d bytes at first and %d then: that was not all, or nothing was kept", name, first, warm)
		}
		mostFirst, mostWarm = max(mostFirst, first), max(mostWarm, warm)
	})
	if os.Getenv("BATON_FIGURES") != "" {
		fmt.Printf("FIGURE first_visit_kb %.1f <=%d\nFIGURE warm_visit_kb %.1f <=%d\n", float64(mostFirst)/1000, mostFirstVisit/1000, float64(mostWarm)/1000, mostWarmVisit/1000)
	}
}

// TestFigurePaint prints when the largest part of a page is drawn, after nothing was kept from before: of each page
// the median of several visits, and of these the most.
func TestFigurePaint(t *testing.T) {
	if os.Getenv("BATON_FIGURES") == "" {
		t.Skip("figures are measured by: make bench")
	}
	l := servePages(t)
	ctx := browse(t)
	worst, name := 0.0, ""
	for _, p := range pictured {
		var list []float64
		for range 5 {
			err := chromedp.Do(ctx, chromedp.Navigate("about:blank"))
			if err == nil {
				err = forget(ctx)
			}
			if err == nil {
				err = l.open(ctx, p.role, p.path, "light", 1440, 900)
			}
			if err != nil {
				t.Fatalf("%s: %v", p.path, err)
			}
			at, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`new Promise(done => {
				new PerformanceObserver(list => {
					const last = list.getEntries().at(-1).startTime // what is drawn later would be larger, and comes in the same list
					setTimeout(() => done(last), 200)
				}).observe({type: 'largest-contentful-paint', buffered: true})
			})`, chromedp.EvalAwaitPromise))
			if err != nil || at == 0 {
				t.Fatalf("%s: drawn after %v: %v", p.path, at, err)
			}
			list = append(list, at)
		}
		slices.Sort(list)
		t.Logf("%-16s %4.0f ms (%.0f to %.0f)", p.name, list[2], list[0], list[4])
		if list[2] > worst {
			worst, name = list[2], p.name
		}
	}
	fmt.Printf("FIGURE lcp_ms %.0f <=%d ms, the slowest: %s\n", worst, mostPaint, name)
}
