package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what to send and how fast.
type Options struct {
	Targets     []string      // addresses of servers, as http://host:port; connections take them in turn
	Key         string        // write key
	Batch       int           // events to a request; 1 sends each as a call of its own, or as a form
	Connections int           // each sends one request at a time
	Rate        float64       // events a second, of all connections; 0 for as fast as they are acknowledged
	Warm, Time  time.Duration // how long before anything is counted, and how long then
	Leads       int           // how many the database knows, see PersonAt
	Seed        uint64
	// Run tells the messages of this run from all others; the time it began if "".
	Run string
}

// Result is what was counted, from Warm on.
type Result struct {
	Requests, Events int64 // acknowledged with 200
	Refused          int64 // requests answered with 429 or 503: each was sent again until it was taken
	Unsent           int64 // requests that should have been sent at the rate, and were not in time
	Bytes            int64 // bodies of the acknowledged
	Took             time.Duration
	// Latency is how long a request took until it was acknowledged: from when it was sent or, at a fixed rate, from when
	// it should have been sent, however late the sender was by then. Those that were never sent count with the time they
	// had waited at the end.
	Latency Histogram
}

// PerSecond returns events acknowledged a second.
func (r *Result) PerSecond() float64 { return float64(r.Events) / r.Took.Seconds() }

// Run sends until the time is over or the context ends. An answer that no retry mends is an error.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.Batch < 1 || o.Connections < 1 || o.Time <= 0 || o.Rate < 0 {
		return nil, errors.New("sending: the batch, the connections and the time must be more than zero, and the rate not less")
	}
	if o.Batch > mostBatch {
		return nil, fmt.Errorf("sending: a batch of %d events would have more than 500 KB; %d will do", o.Batch, mostBatch)
	}
	var targets []*url.URL
	for _, t := range o.Targets {
		u, err := url.Parse(t)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("sending: %q is no address of a server; write it as http://127.0.0.1:8080", t)
		}
		u.Path = strings.TrimSuffix(u.Path, "/")
		targets = append(targets, u)
	}
	if len(targets) == 0 {
		return nil, errors.New("sending: no server is named")
	}
	posts := make([]poster, o.Connections)
	for i := range posts {
		c := dial(targets[i%len(targets)], o.Key)
		defer c.shut()
		posts[i] = c.post
	}
	return run(ctx, o, posts)
}

// poster sends one request and says what the answer was.
type poster func(ctx context.Context, path, media string, body []byte) (status int, wait time.Duration, err error)

func run(ctx context.Context, o Options, posts []poster) (*Result, error) {
	began := time.Now()
	if o.Run == "" {
		o.Run = strconv.FormatInt(began.UnixMicro(), 36)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &sending{Options: o, from: began.Add(o.Warm), until: began.Add(o.Warm + o.Time), began: began}
	if o.Rate > 0 {
		s.pause = time.Duration(float64(time.Second) * float64(o.Batch) / o.Rate)
	}
	senders := make([]*sender, len(posts))
	var running sync.WaitGroup
	for i := range senders {
		one := &sender{sending: s, post: posts[i], mix: NewMix(o.Seed, o.Run, i, o.Leads, visitsEach)}
		senders[i] = one
		running.Go(func() {
			if err := one.send(ctx); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	r := &Result{Took: o.Time}
	for _, one := range senders {
		r.Requests += one.Requests
		r.Events += one.Events
		r.Refused += one.Refused
		r.Unsent += one.Unsent
		r.Bytes += one.Bytes
		r.Latency.Merge(&one.Latency)
	}
	if s.pause > 0 {
		// What is left of the plan was due, and nobody was free to send it.
		for k := s.next.Load(); s.when(k).Before(s.until); k++ {
			r.missed(s, s.when(k))
		}
	}
	return r, nil
}

const (
	mostBatch  = 500
	visitsEach = 64 // under way at a time, of each connection
)

// sending is what the senders of a run share.
type sending struct {
	Options
	began, from, until time.Time
	pause              time.Duration // between two requests of all, 0 for none
	next               atomic.Int64  // number of the next request
}

func (s *sending) when(k int64) time.Time { return s.began.Add(time.Duration(k) * s.pause) }

// sender is one connection.
type sender struct {
	*sending
	post poster
	mix  *Mix
	Result
}

func (s *sender) send(ctx context.Context) error {
	for ctx.Err() == nil {
		at := time.Now()
		if s.pause > 0 {
			at = s.when(s.next.Add(1) - 1)
			if !at.Before(s.until) {
				return nil
			}
			if err := sleepUntil(ctx, at); err != nil {
				return err
			}
		}
		now := time.Now()
		if !now.Before(s.until) {
			if s.pause > 0 {
				s.missed(s.sending, at)
			}
			return nil
		}
		path, media, body := "/v1/batch", "application/json", []byte(nil)
		if s.Batch > 1 {
			body = s.mix.Batch(s.Batch, now)
		} else if path, media, body = s.mix.One(now); path == "/f/contact" {
			path += "?key=" + s.Key
		}
		if s.pause == 0 {
			at = time.Now() // making the request is no part of it
		}
		if err := s.deliver(ctx, at, path, media, body); err != nil {
			return err
		}
	}
	return nil
}

// missed counts a request that was due and never sent, with the time it had waited at the end.
func (r *Result) missed(s *sending, at time.Time) {
	if !at.Before(s.from) {
		r.Unsent++
		r.Latency.Add(s.until.Sub(at))
	}
}

// deliver sends a request until it is taken, and counts it.
func (s *sender) deliver(ctx context.Context, at time.Time, path, media string, body []byte) error {
	for {
		status, wait, err := s.post(ctx, path, media, body)
		done := time.Now()
		counted := !at.Before(s.from) && (s.pause > 0 || !done.After(s.until))
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
			if counted {
				s.Requests++
				s.Events += int64(s.Batch)
				s.Bytes += int64(len(body))
				s.Latency.Add(done.Sub(at))
			}
			return nil
		case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
			if counted {
				s.Refused++
			}
			if !done.Before(s.until) {
				return nil
			}
			if err := sleepUntil(ctx, done.Add(min(wait, 5*time.Second))); err != nil {
				return err
			}
		default:
			return fmt.Errorf("POST %s was answered with %d %s", strings.SplitN(path, "?", 2)[0], status, http.StatusText(status))
		}
	}
}

func sleepUntil(ctx context.Context, at time.Time) error {
	d := time.Until(at)
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
