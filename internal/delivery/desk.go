package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"baton/internal/agreement"
	"baton/internal/channel"
	"baton/internal/seal"
	"baton/internal/store"
)

// Options are the settings of a Desk. Store, Compile and Log are required.
type Options struct {
	Store   *store.Store
	Compile func(*store.Agreement) (*agreement.Plan, error)
	Log     *slog.Logger
	Clock   func() time.Time // time.Now if nil

	Mail *channel.Mailer // nil: no mail is sent
	Post *channel.Poster // nil: nothing is sent by HTTP
	Seal *seal.Keys      // with which the secrets of webhooks are sealed
	// URL is where people open Baton: messages lead to the page of their lead there. Without it they have no links.
	URL string
	// Mails, Slack and Teams are where to send what is for a member, an e-mail address, "marketing", "sales" or "queue NAME": a mail
	// address, or the URL of an incoming webhook. "" is for all that have none of their own. A mail to a
	// member needs no entry.
	Mails, Slack, Teams map[string]string

	Schedule channel.Schedule // channel.DefaultSchedule if it has no tries
	// Workers is how many messages are sent at the same time (24), Each how many of them to one endpoint (2), Chat
	// how many by Slack, and how many by Teams (6): many people may share one address there.
	Workers, Each, Chat int
	// Lease is when a job is given to somebody else if nothing was heard of it (5 min); Window how long
	// what is the same is said once (10 min).
	Lease, Window time.Duration
	// Drain is how long what is under way may take when Run ends (10 s).
	Drain time.Duration
	// Idle is how often the store is asked whether another process has left something to send (1 s).
	Idle time.Duration
	// Sent is told how each try went: the channel, and done, later (it is tried again), failed (it is not) or
	// dropped. It may be nil.
	Sent func(channel, outcome string)
}

// Desk sends jobs.
type Desk struct {
	Options
	kick chan struct{}

	mu    sync.Mutex
	plans map[int64]*agreement.Plan
}

// New makes a Desk.
func New(o Options) *Desk {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if len(o.Schedule.Delays) == 0 {
		o.Schedule = channel.DefaultSchedule()
	}
	o.Workers, o.Each, o.Chat = cmp.Or(o.Workers, 24), cmp.Or(o.Each, 2), cmp.Or(o.Chat, 6)
	o.Lease, o.Window, o.Idle = cmp.Or(o.Lease, 5*time.Minute), cmp.Or(o.Window, 10*time.Minute), cmp.Or(o.Idle, time.Second)
	o.Drain = cmp.Or(o.Drain, 10*time.Second)
	if o.Sent == nil {
		o.Sent = func(string, string) {}
	}
	return &Desk{Options: o, kick: make(chan struct{}, 1), plans: map[int64]*agreement.Plan{}}
}

// Kick says that there may be something to send. It returns at once.
func (d *Desk) Kick() {
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

func (d *Desk) now() int64 { return d.Clock().UnixMicro() }

// Run sends what is due, when it is, until the context ends; then it waits for what is under way. It returns early
// with an error if the store fails, and may be called again.
func (d *Desk) Run(ctx context.Context) error {
	hard := context.WithoutCancel(ctx) // what is on record follows what was sent
	if err := d.Store.GiveBack(hard, d.now()); err != nil {
		return err
	}
	work, cut := context.WithCancel(hard)
	defer cut()
	r := &running{busy: map[string]int{}, over: make(chan store.Attempt, d.Workers), ends: map[int64][]string{}, work: work, cut: cut}
	var failed error
	for ctx.Err() == nil && failed == nil {
		failed = d.round(ctx, r)
	}
	patience := time.NewTimer(d.Drain)
	defer patience.Stop()
	for r.under > 0 {
		select {
		case a := <-r.over:
			r.settled(a)
		case <-patience.C:
			r.cut() // it is tried again later
		}
	}
	if _, err := d.Store.WorkJobs(hard, r.done, nil); err != nil && failed == nil {
		failed = err
	}
	return failed
}

// running is what is under way.
type running struct {
	busy  map[string]int     // endpoint -> how many
	ends  map[int64][]string // job -> what of busy it counts for
	under int
	over  chan store.Attempt
	done  []store.Attempt // not on record yet
	work  context.Context // of all that is sent
	cut   context.CancelFunc
}

func (r *running) settled(a store.Attempt) {
	r.under--
	for _, e := range r.ends[a.Job] {
		if r.busy[e]--; r.busy[e] == 0 {
			delete(r.busy, e)
		}
	}
	delete(r.ends, a.Job)
	r.done = append(r.done, a)
}

// round records what is over, takes what is due, and waits until there is more to do.
func (d *Desk) round(ctx context.Context, r *running) error {
	now := d.now()
	next, any, err := d.Store.NextJob(ctx)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	free := d.Workers - r.under
	var claim *store.Claim
	if any && next <= now && free > 0 {
		claim = &store.Claim{Now: now, Until: now + d.Lease.Microseconds(), Most: free, Each: d.Each, Chat: d.Chat, Busy: r.busy, Window: d.Window.Microseconds(),
			Dropped: func(j *store.Job) { d.Sent(j.Channel, store.JobDropped) }}
	}
	got := 0
	wrote := claim != nil || len(r.done) > 0
	if wrote {
		taken, err := d.Store.WorkJobs(context.WithoutCancel(ctx), r.done, claim)
		if store.Again(err) {
			err = nil // another process was in the way: in a moment
		} else if err == nil {
			r.done = r.done[:0]
		}
		if err != nil {
			return err
		}
		got = len(taken)
		for i := range taken {
			job := taken[i]
			r.under++
			ends := []string{job.Endpoint}
			if store.Chat(job.Channel) {
				ends = append(ends, job.Channel)
			}
			for _, e := range ends {
				r.busy[e]++
			}
			r.ends[job.ID] = ends
			go func() { r.over <- d.work(r.work, &job) }()
		}
	}
	if wrote { // what was tried may be due again
		if next, any, err = d.Store.NextJob(ctx); err != nil {
			return unlessEnded(ctx, err)
		}
	}
	pause := d.Idle
	if any {
		pause = min(pause, max(5*time.Millisecond, time.Duration(next-d.now())*time.Microsecond))
		if claim != nil && got == 0 && next <= now || d.Workers == r.under {
			pause = d.Idle // what is due waits for what is under way, or is another's
		}
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case a := <-r.over:
		r.settled(a)
		for len(r.over) > 0 {
			r.settled(<-r.over)
		}
	case <-d.kick:
	case <-timer.C:
	}
	return nil
}

func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// work tries one job and says how it went.
func (d *Desk) work(ctx context.Context, job *store.Job) (a store.Attempt) {
	began := d.Clock()
	a = store.Attempt{Job: job.ID, N: job.Attempts}
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error("sending failed", "job", job.ID, "panic", p)
			a.Outcome, a.Why, a.State, a.NextTry = channel.Never.String(), fmt.Sprint("writing the message failed: ", p), store.JobFailed, 0
		}
		a.At = d.now()
		a.Took = d.Clock().Sub(began).Microseconds()
		outcome := a.State
		if outcome == store.JobWaiting {
			outcome = channel.Later.String()
		}
		d.Sent(job.Channel, outcome)
	}()
	ctx, cancel := context.WithTimeout(ctx, d.Lease-d.Lease/10)
	defer cancel()
	send := d.send
	if job.Digest != "" {
		send = func(ctx context.Context, job *store.Job) (channel.Result, string, error) {
			return d.digest(ctx, job, &a)
		}
	}
	result, dropped, err := send(ctx, job)
	if err != nil { // the store: nothing was tried
		result = channel.Result{Outcome: channel.Later, Why: err.Error()}
	}
	if dropped != "" {
		a.State, a.Why, a.Unsaid = store.JobDropped, dropped, true
		return a
	}
	a.Endpoint = job.Endpoint
	a.Outcome, a.Code, a.Why, a.Said = result.Outcome.String(), result.Code, result.Why, result.Said
	after, over := d.Schedule.Next(deliveryID(job), int(job.Attempts), result)
	switch {
	case result.Outcome == channel.Done:
		a.State = store.JobDone
	case over:
		a.State = store.JobFailed
		a.Disable = disables(job, result)
		d.Log.Warn("a message was not delivered", "job", job.ID, "channel", job.Channel, "why", result.Why)
	default:
		a.State, a.NextTry = store.JobWaiting, d.now()+after.Microseconds()
	}
	return a
}

// deliveryID is the same for all tries of a job, and another for each job of each database but for chance.
func deliveryID(job *store.Job) string { return fmt.Sprintf("msg_%d_%x", job.ID, job.Due) }
