package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"baton/internal/engine"
	"baton/internal/store"
)

// feed tells browsers that something was decided, so that they ask for their page again. What they are told is a number
// and nothing of what it is about: what a viewer may see is decided where pages are made.
type feed struct {
	store *store.Store
	log   *slog.Logger
	kick  chan struct{} // a round of this process was committed

	lock    sync.Mutex
	newest  int64 // what DecisionMark said last
	changed chan struct{}
	readers int
	wake    chan struct{} // closed when the first reader comes
	done    chan struct{}
	once    sync.Once
}

const (
	// feedPause is how long after one look at the database the next comes at the earliest: a busy hour is told of as one.
	feedPause = time.Second
	// feedPoll is after how long there is a look although this process decided nothing: another one may have.
	feedPoll = 3 * time.Second
	// feedBeat is how often something is sent, so that nobody in between cuts the line.
	feedBeat = 20 * time.Second
	// feedStep is how often marks are read that change without a decision.
	feedStep = time.Second
)

func newFeed(st *store.Store, log *slog.Logger) *feed {
	f := &feed{store: st, log: log, kick: make(chan struct{}, 1), changed: make(chan struct{}), wake: make(chan struct{}, 1), done: make(chan struct{})}
	go f.run()
	return f
}

func (f *feed) close() { f.once.Do(func() { close(f.done) }) }

// Round is told of each round of the engine, while the engine waits: it only leaves word.
func (s *Site) Round(r *engine.Round) {
	if r.Inputs == 0 {
		return
	}
	select {
	case s.feed.kick <- struct{}{}:
	default:
	}
}

// run looks for new decisions while somebody reads.
func (f *feed) run() {
	for {
		f.lock.Lock()
		idle := f.readers == 0
		f.lock.Unlock()
		if idle {
			select {
			case <-f.done:
				return
			case <-f.wake:
			}
		}
		f.look()
		pause := time.NewTimer(feedPause)
		select {
		case <-f.done:
			pause.Stop()
			return
		case <-pause.C:
		}
		poll := time.NewTimer(feedPoll - feedPause)
		select {
		case <-f.done:
		case <-f.kick:
		case <-poll.C:
		}
		poll.Stop()
	}
}

func (f *feed) look() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	newest, err := f.store.DecisionMark(ctx)
	if err != nil {
		f.log.Debug("looking for new decisions", "error", err)
		return
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	if newest != f.newest {
		f.newest = newest
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// next returns a channel that is closed when something was decided.
func (f *feed) next() <-chan struct{} {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.changed
}

func (f *feed) join(n int) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.readers += n
	if n > 0 {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// liveMark returns a text that changes when what the viewer sees on a page may have changed: each event of /live?of=… has one.
var liveMark = map[string]func(a *ask, id int64) (string, error){
	"decisions": func(a *ask, _ int64) (string, error) {
		newest, err := a.site.Store.DecisionMark(a.Context())
		return strconv.FormatInt(newest, 10), err
	},
	"figures": func(a *ask, _ int64) (string, error) {
		newest, err := a.site.Store.DecisionMark(a.Context())
		return a.site.values.mark(newest), err
	},
	"leads":      func(a *ask, _ int64) (string, error) { return a.site.Store.OwnerMark(a.Context(), a.viewer.Email) },
	"lead":       func(a *ask, id int64) (string, error) { return a.site.Store.LeadMark(a.Context(), id) },
	"import":     importMark,
	"upload":     uploadMark,
	"queue":      func(a *ask, _ int64) (string, error) { return a.site.Store.CallMark(a.Context(), a.viewer.Email) },
	"deliveries": func(a *ask, _ int64) (string, error) { return a.site.Store.ReachMark(a.Context()) },
	"inbox": func(a *ask, _ int64) (string, error) {
		u, err := a.site.Store.Unread(a.Context(), a.viewer.Email)
		return u.Mark, err
	},
}

// mark returns the mark of a page by what it asks for at /live.
func (a *ask) mark(of url.Values) (string, error) {
	mark, ok := liveMark[of.Get("of")]
	if !ok {
		mark = liveMark["decisions"]
	}
	id, _ := strconv.ParseInt(of.Get("id"), 10, 64)
	return mark(a, id)
}

// mark is that of the page, as it is when the page is made: what changes before the page listens is told at once.
func (f frame) mark() string {
	if f.live == "" {
		return ""
	}
	of, _ := url.ParseQuery("of=" + f.live) // as written in this package
	mark, err := f.ask.mark(of)
	if err != nil {
		f.site.Log.DebugContext(f.Context(), "reading what changed", "error", err)
		return "" // so that the page is asked for again when it listens
	}
	return mark
}

// live streams the events that a page asks for: "changed" whenever its mark is another one than before, at most one a second, beginning with the mark that
// the page was made with.
func live(a *ask) (answer, error) {
	out := http.NewResponseController(a.w)
	if err := out.SetWriteDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("streaming: %w", err)
	}
	headers(a.w.Header())
	a.w.Header().Set("Content-Type", "text/event-stream")
	a.w.Header().Set("X-Accel-Buffering", "no")
	f := a.site.feed
	f.join(1)
	defer f.join(-1)
	of := a.URL.Query()
	seen := of.Get("mark")
	each := feedBeat
	switch of.Get("of") { // what no decision tells of
	case "import", "upload":
		each = feedStep
	case "deliveries":
		each = feedPoll
	}
	beat := time.NewTicker(each)
	defer beat.Stop()
	fmt.Fprint(a.w, "retry: 3000\n\n")
	for first := true; ; first = false {
		changed := f.next()
		text, err := a.mark(of)
		if err != nil && a.Context().Err() == nil {
			a.site.Log.DebugContext(a.Context(), "reading what changed", "error", err)
			text = seen
		}
		if first {
			fmt.Fprintf(a.w, "event: hello\ndata: %s\n\n", text)
		}
		if text != seen {
			fmt.Fprintf(a.w, "event: changed\ndata: %s\n\n", text)
		} else {
			fmt.Fprint(a.w, ": still here\n\n")
		}
		seen = text
		if out.Flush() != nil {
			return nil, nil
		}
		select {
		case <-a.Context().Done():
			return nil, nil
		case <-f.done:
			return nil, nil
		case <-changed:
		case <-beat.C:
		}
	}
}
