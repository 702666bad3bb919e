//go:build unix

package app

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// trouble is what happens to a request on its way.
type trouble int

const (
	none   trouble = iota
	busy           // it is answered with 429
	broken         // it is answered with 503
	cut            // the connection breaks before the server has it
	lost           // the server takes it in, and the connection breaks before the answer
	killed         // the same, and the server is killed
)

// gate is an address that stays the same while servers come and go behind it, with trouble on the way: one for each
// POST request, in the order in which they come.
type gate struct {
	web   *httptest.Server
	kills chan chan struct{} // asks the test to kill the server, and to close the channel when there is another

	lock    sync.Mutex
	target  *url.URL
	trouble []trouble
	passed  int // POST requests that were answered with what the server said
}

func openGate(t testing.TB, address string, list ...trouble) *gate {
	t.Helper()
	g := &gate{trouble: list, kills: make(chan chan struct{})}
	g.to(address)
	g.web = httptest.NewServer(g)
	t.Cleanup(g.web.Close)
	return g
}

func (g *gate) to(address string) {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.target = &url.URL{Scheme: "http", Host: address}
}

// left returns how much of the trouble nobody met.
func (g *gate) left() int {
	g.lock.Lock()
	defer g.lock.Unlock()
	return len(g.trouble)
}

// wait waits until so many POST requests have come through.
func (g *gate) wait(t testing.TB, passed int) {
	t.Helper()
	for late := time.After(time.Minute); ; {
		g.lock.Lock()
		have := g.passed
		g.lock.Unlock()
		if have >= passed {
			return
		}
		select {
		case <-late:
			t.Fatalf("%d requests came through, want %d", have, passed)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.lock.Lock()
	target, now := g.target, none
	if r.Method == http.MethodPost && len(g.trouble) > 0 {
		now, g.trouble = g.trouble[0], g.trouble[1:]
	}
	g.lock.Unlock()
	refuse := func(status int) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
		w.Header().Set("Retry-After", "1")
		http.Error(w, "no", status)
	}
	pass := &httputil.ReverseProxy{
		Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = p.In.Host },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }, // the server is gone
	}
	switch now {
	case busy:
		refuse(http.StatusTooManyRequests)
	case broken:
		refuse(http.StatusServiceUnavailable)
	case cut:
		panic(http.ErrAbortHandler)
	case lost, killed:
		pass.ServeHTTP(httptest.NewRecorder(), r)
		if now == killed {
			done := make(chan struct{})
			g.kills <- done
			<-done
		}
		panic(http.ErrAbortHandler)
	default:
		pass.ServeHTTP(w, r)
		if r.Method == http.MethodPost {
			g.lock.Lock()
			g.passed++
			g.lock.Unlock()
		}
	}
}
