package delivery_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/channel"
	"baton/internal/delivery"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/seal"
	"baton/internal/store"
)

// awake is the agreement with everybody at work at all times, with this for alerts.
func awake(alerts string) string {
	source, _ := agreement.Template("waterfall")
	text := string(source)
	cut := func(from, to, with string) {
		i := strings.Index(text, from)
		j := i + strings.Index(text[i:], to)
		text = text[:i] + with + text[j:]
	}
	cut("    mon-thu:", "# The vocabulary", "    mon-sun: [\"00:00-24:00\"]\n\n")
	cut("alerts:\n", "# Who may speak", alerts+"\n")
	return strings.NewReplacer("    hours: {mon-fri: \"07:00-18:00\"}\n", "", "    hours: {mon-fri: [\"09:00-12:30\", \"13:30-17:30\"]}\n", "").Replace(text)
}

// office is a database with its engine, and a desk that can be run.
type office struct {
	*app.App
	t    testing.TB
	keys *seal.Keys
}

func open(t testing.TB, db, alerts string) *office {
	t.Helper()
	file := filepath.Join(t.TempDir(), "agreement.yaml")
	if err := os.WriteFile(file, []byte(awake(alerts)), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), app.Options{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.Adopt(t.Context(), file, time.Now().UnixMicro()); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	return &office{a, t, keys}
}

// ripe makes a lead that is offered to somebody, and returns its ID.
func (o *office) ripe(who string) int64 { return o.named(who, who) }

// named is ripe for somebody with a name of their own.
func (o *office) named(who, name string) int64 {
	o.t.Helper()
	now := time.Now().UnixMicro()
	key := []identity.Key{{Kind: identity.Email, Value: who}}
	did := func(name string) lifecycle.Arrival {
		return lifecycle.Arrival{Keys: key, Input: lifecycle.Input{Kind: lifecycle.Did, Name: name, At: now, Known: now, Source: "test"}}
	}
	text := func(name, value string) lifecycle.Named {
		return lifecycle.Named{Name: name, Value: agreement.TextValue(value)}
	}
	known := lifecycle.Arrival{Keys: key, Input: lifecycle.Input{Kind: lifecycle.Identify, At: now, Known: now, Source: "test", Values: []lifecycle.Named{
		{Name: "company.employees", Value: agreement.NumberValue(800)}, text("company.industry", "manufacturing"), text("country", "SE"), text("name", name), text("seniority", "director"),
	}}}
	out, err := o.Engine.Submit(context.Background(), []lifecycle.Arrival{known, did("page_viewed"), did("webinar_attended"), did("demo_requested")})
	if err != nil {
		o.t.Fatal(err)
	}
	return out[0].Lead
}

// acts has somebody do something with a lead.
func (o *office) acts(lead int64, kind lifecycle.InputKind, actor, name string) {
	o.t.Helper()
	now := time.Now().UnixMicro()
	out, err := o.Engine.Submit(context.Background(), []lifecycle.Arrival{{Input: lifecycle.Input{Lead: lead, Kind: kind, Actor: actor, Name: name, At: now, Known: now, Source: "test"}}})
	if err == nil {
		err = out[0].Err
	}
	if err != nil || out[0].Decision.Refused != "" {
		o.t.Fatal(err, out[0].Decision.Refused)
	}
}

// quick has all delays of a schedule be short.
func quick() channel.Schedule {
	s := channel.DefaultSchedule()
	for i := range s.Delays {
		s.Delays[i] = time.Duration(min(i, 1)) * 10 * time.Millisecond
	}
	return s
}

// run runs a desk until the test ends or it is stopped.
func (o *office) run(change func(*delivery.Options)) (stop func()) {
	o.t.Helper()
	guard, err := channel.NewGuard([]string{"127.0.0.0/8"}, true)
	if err != nil {
		o.t.Fatal(err)
	}
	opts := delivery.Options{Store: o.Store, Compile: app.Compile, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Schedule: quick(), Idle: 20 * time.Millisecond, Drain: time.Second, Seal: o.keys,
		Post: channel.NewPoster(channel.PosterConfig{Guard: guard, Timeout: time.Second})}
	if change != nil {
		change(&opts)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	desk := delivery.New(opts)
	go func() { done <- desk.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				o.t.Errorf("the desk stopped: %v", err)
			}
		})
	}
	o.t.Cleanup(stop)
	return stop
}

// until waits until the jobs, oldest first, are as they should be.
func (o *office) until(what string, fits func([]store.Job) bool) []store.Job {
	o.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		list, err := o.Store.Jobs(context.Background(), store.JobFilter{}, 10_000)
		if err != nil {
			o.t.Fatal(err)
		}
		slices.Reverse(list)
		if fits(list) {
			return list
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("%s: not in time; jobs %+v", what, list)
		}
	}
}

func over(list []store.Job) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(j store.Job) bool { return j.State == store.JobWaiting || j.State == store.JobSending })
}

// receiver takes webhooks.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer func(n int, w http.ResponseWriter, r *http.Request)
}

// bodyKey is where an answer finds the body of what it answers.
type bodyKey struct{}

type call struct {
	path   string
	header http.Header
	body   []byte
}

func newReceiver(t testing.TB, answer func(n int, w http.ResponseWriter, r *http.Request)) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.calls = append(r.calls, call{req.URL.Path, req.Header.Clone(), body})
		n := len(r.calls)
		r.mu.Unlock()
		if r.answer != nil {
			r.answer(n, w, req.WithContext(context.WithValue(req.Context(), bodyKey{}, body)))
		}
	}))
	t.Cleanup(func() { r.CloseClientConnections(); r.Close() })
	return r
}

func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

const byWebhook = "alerts:\n  x: {event: offered, to: owner, by: [inbox, webhook]}\n"

func (o *office) hook(url, events string) channel.Key {
	o.t.Helper()
	secret, err := channel.NewSecret(strings.NewReader(strings.Repeat("k", 32)))
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.Store.AddWebhook(context.Background(), o.keys, store.Webhook{URL: url, Events: events, CreatedAt: 1}, secret); err != nil {
		o.t.Fatal(err)
	}
	key, err := channel.ParseKey(secret)
	if err != nil {
		o.t.Fatal(err)
	}
	return key
}

// databases runs a test on SQLite and on PostgreSQL.
func databases(t *testing.T, test func(t *testing.T, db string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "b.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.Database(t)) })
}

// A receiver that fails, hangs and recovers gets the event, each try under the same ID and signed anew.
func TestReceiverFailsHangsAndRecovers(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		ended := make(chan struct{})
		r := newReceiver(t, func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 1:
				http.Error(w, "not today", http.StatusInternalServerError)
			case 2:
				<-ended
			}
		})
		t.Cleanup(func() { close(ended) })
		o := open(t, db, byWebhook)
		key := o.hook(r.URL, "offered won")
		o.hook(r.URL+"/other", "won") // does not want it
		o.ripe("ada@acme.example")
		o.run(nil)
		list := o.until("delivered", over)
		if len(list) != 2 || list[0].State != store.JobDone || list[1].State != store.JobDone || list[1].Attempts != 3 {
			t.Fatalf("jobs %+v", list)
		}
		tries, err := o.Store.Attempts(t.Context(), list[1].ID)
		if err != nil || len(tries) != 3 || tries[0].Outcome != "later" || tries[0].Code != 500 || tries[0].Said != "not today" || tries[1].Outcome != "later" || tries[2].Outcome != "done" {
			t.Errorf("tries %+v, %v", tries, err)
		}
		calls := r.got()
		for i := range calls {
			id, err := channel.Verify(calls[i].header, calls[i].body, time.Now().Unix(), key)
			if err != nil || id != calls[0].header.Get("Webhook-Id") {
				t.Errorf("try %d: ID %q, %v", i+1, id, err)
			}
		}
		if len(calls) != 3 || !strings.Contains(string(calls[0].body), `"type":"lead.offered"`) || strings.Contains(string(calls[0].body), "ada@") {
			t.Errorf("%d calls, the first with %s", len(calls), calls[0].body)
		}
	})
}

// One that hangs holds up nobody else.
func TestHangingEndpointHoldsUpNobody(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		ended := make(chan struct{})
		r := newReceiver(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hangs" {
				<-ended
			}
		})
		t.Cleanup(func() { close(ended) })
		o := open(t, db, "alerts:\n  x: {event: offered, to: [owner, cmo@northwind.example], by: slack}\n")
		for i := range 12 {
			o.ripe(fmt.Sprintf("ada%d@acme.example", i))
		}
		guard, err := channel.NewGuard([]string{"127.0.0.0/8"}, true)
		if err != nil {
			t.Fatal(err)
		}
		o.run(func(opts *delivery.Options) {
			opts.Workers, opts.Each, opts.Chat = 3, 2, 3
			opts.Post = channel.NewPoster(channel.PosterConfig{Guard: guard, Timeout: time.Hour})
			opts.Slack = map[string]string{"cmo@northwind.example": r.URL + "/hangs", "": r.URL + "/fine"}
		})
		list := o.until("all but those that hang", func(list []store.Job) bool {
			return !slices.ContainsFunc(list, func(j store.Job) bool { return j.Recipient != "cmo@northwind.example" && j.State != store.JobDone })
		})
		for _, j := range list {
			if j.Recipient == "cmo@northwind.example" && j.State == store.JobDone {
				t.Errorf("%+v", j)
			}
		}
	})
}

// One address of Slack that all share, and that hangs, leaves workers to the other ways.
func TestHangingSlackLeavesWorkers(t *testing.T) {
	ended := make(chan struct{})
	slack := newReceiver(t, func(int, http.ResponseWriter, *http.Request) { <-ended })
	t.Cleanup(func() { close(ended) })
	hooks := newReceiver(t, nil)
	o := open(t, filepath.Join(t.TempDir(), "b.db"), "alerts:\n  x: {event: offered, to: [owner, cmo@northwind.example, manager], by: [slack, webhook]}\n")
	o.hook(hooks.URL, "")
	const n = 12
	for i := range n {
		o.ripe(fmt.Sprintf("ada%d@acme.example", i))
	}
	guard, err := channel.NewGuard([]string{"127.0.0.0/8"}, true)
	if err != nil {
		t.Fatal(err)
	}
	o.run(func(opts *delivery.Options) {
		opts.Workers, opts.Chat, opts.Slack = 4, 3, map[string]string{"": slack.URL}
		opts.Post = channel.NewPoster(channel.PosterConfig{Guard: guard, Timeout: time.Hour})
	})
	o.until("the webhooks", func(list []store.Job) bool {
		return !slices.ContainsFunc(list, func(j store.Job) bool { return j.Channel == "webhook" && j.State != store.JobDone }) && len(hooks.got()) == n
	})
	if calls := len(slack.got()); calls != 3 {
		t.Errorf("%d under way to Slack", calls)
	}
}

func TestGoneSwitchesAWebhookOff(t *testing.T) {
	o := open(t, filepath.Join(t.TempDir(), "b.db"), byWebhook)
	r := newReceiver(t, func(_ int, w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusGone) })
	o.hook(r.URL, "")
	o.ripe("ada@acme.example")
	o.run(nil)
	list := o.until("given up", over)
	if list[1].State != store.JobFailed || !strings.Contains(list[1].LastError, "410") {
		t.Errorf("%+v", list)
	}
	hooks, err := o.Store.Webhooks(t.Context())
	if err != nil || hooks[0].DisabledAt == 0 || !strings.Contains(hooks[0].DisabledWhy, "410") {
		t.Errorf("%+v, %v", hooks, err)
	}
	o.ripe("bo@acme.example")
	o.until("over", func(list []store.Job) bool { return len(list) == 3 && over(list) })
	if n := len(r.got()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

const bySlack = "alerts:\n  x: {event: offered, to: owner, by: slack}\n"

// What is no longer true when its turn comes is not sent, and says why.
func TestAcceptedMeanwhile(t *testing.T) {
	o := open(t, filepath.Join(t.TempDir(), "b.db"), bySlack)
	r := newReceiver(t, nil)
	lead := o.ripe("ada@acme.example")
	o.acts(lead, lifecycle.Accept, o.until("offered", func(l []store.Job) bool { return len(l) == 1 })[0].Recipient, "")
	o.run(func(opts *delivery.Options) { opts.Slack = map[string]string{"": r.URL} })
	list := o.until("over", over)
	if list[0].State != store.JobDropped || list[0].LastError != "it was accepted meanwhile" || list[0].Attempts != 0 || len(r.got()) != 0 {
		t.Errorf("%+v", list)
	}
}

// A message leads to the page of its lead; one about many to some of them, and to Baton.
func TestMessagesLeadToTheirLeads(t *testing.T) {
	o := open(t, filepath.Join(t.TempDir(), "b.db"), "alerts:\n  x: {event: offered, to: owner, by: slack}\n  y: {event: activity, activity: form_submitted, to: cmo@northwind.example, by: slack, quiet: none, digest: every 24h}\n")
	r := newReceiver(t, nil)
	var ids []int64
	for i := range 6 {
		ids = append(ids, o.ripe(fmt.Sprintf("p%d@acme.example", i)))
		o.did(fmt.Sprintf("p%d@acme.example", i), "form_submitted")
	}
	o.run(func(opts *delivery.Options) {
		opts.URL = "https://baton.northwind.example/"
		opts.Slack = map[string]string{"": r.URL}
		opts.Clock = func() time.Time { return time.Now().Add(25 * time.Hour) }
	})
	o.until("over", over)
	all := ""
	for _, c := range r.got() {
		all += string(c.body) + "\n"
	}
	for i, id := range ids {
		one, listed := fmt.Sprintf("<https://baton.northwind.example/leads/%d|Open this lead in Baton>", id), fmt.Sprintf(`leads/%d|p%d@acme`, id, i)
		if strings.Count(all, one) != 1 || strings.Contains(all, listed) != (i < 4) {
			t.Errorf("lead %d, %s, %s: %d messages", id, one, listed, len(r.got()))
		}
	}
	if strings.Count(all, "<https://baton.northwind.example/|Open Baton>") != 1 {
		t.Error(all)
	}
}

// Nobody is asked to get in touch with a lead to whom nobody may speak by now: that it is theirs they hear, and who may speak.
func TestDeskAsksMay(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		o := open(t, db, bySlack)
		r := newReceiver(t, nil)
		lead := o.ripe("ada@acme.example")
		owner := o.until("offered", func(l []store.Job) bool { return len(l) == 1 })[0].Recipient
		other := "sara.holm@northwind.example"
		if owner == other {
			other = "johan.lind@northwind.example"
		}
		o.acts(lead, lifecycle.Accept, owner, "")
		o.acts(lead, lifecycle.Assign, "astrid.berg@northwind.example", other) // who has the first contact to make
		o.acts(lead, lifecycle.Consented, "", "withdrawn")
		o.run(func(opts *delivery.Options) { opts.Slack = map[string]string{"": r.URL} })
		o.until("over", over)
		told := 0
		for _, c := range r.got() {
			if strings.Contains(string(c.body), "get in touch") {
				t.Errorf("sent: %s", c.body)
			}
			if strings.Contains(string(c.body), "A lead for you") && strings.Contains(string(c.body), "Who may speak: nobody, the lead withdrew consent to messages.") {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told %d times: %+v", told, r.got())
		}
	})
}

// The same about the same lead to the same person is one message, until it is another that was said last.
func TestSaidOnce(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		o := open(t, db, bySlack)
		r := newReceiver(t, nil)
		lead := o.ripe("ada@acme.example")
		first := o.until("offered", func(l []store.Job) bool { return len(l) == 1 })[0].Recipient
		other := "sara.holm@northwind.example"
		if first == other {
			other = "johan.lind@northwind.example"
		}
		o.acts(lead, lifecycle.Assign, "astrid.berg@northwind.example", other)
		o.acts(lead, lifecycle.Assign, "astrid.berg@northwind.example", first)
		o.run(func(opts *delivery.Options) { opts.Slack = map[string]string{"": r.URL} })
		list := o.until("over", func(l []store.Job) bool { return len(l) == 5 && over(l) })
		sent := 0
		for _, j := range list {
			if j.State == store.JobDone {
				sent++
			}
			if j.State == store.JobDropped && j.LastError == "" {
				t.Errorf("%+v says not why", j)
			}
		}
		if sent != 1 || len(r.got()) != 1 || !strings.HasPrefix(list[len(list)-1].LastError+list[0].LastError, "said already") {
			t.Errorf("%d sent, %d received: %+v", sent, len(r.got()), list)
		}
	})
}

// Two desks on one database send each message once, whoever of them does.
func TestTwoDesksSendEachOnce(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url, bySlack), open(t, url, bySlack)
	r := newReceiver(t, nil)
	const n = 40
	for i := range n / 2 {
		a.ripe(fmt.Sprintf("a%d@acme.example", i))
		b.ripe(fmt.Sprintf("b%d@acme.example", i))
	}
	for _, o := range []*office{a, b} {
		o.run(func(opts *delivery.Options) { opts.Slack, opts.Each, opts.Chat = map[string]string{"": r.URL}, 8, 8 })
	}
	list := a.until("sent", func(l []store.Job) bool { return len(l) == n && over(l) })
	for _, j := range list {
		if j.State != store.JobDone || j.Attempts != 1 {
			t.Errorf("%+v", j)
		}
	}
	if calls := len(r.got()); calls != n {
		t.Errorf("%d messages of %d", calls, n)
	}
}

// What a process that ended was sending is given to another when its lease is over, under the same ID.
func TestLeaseRunsOut(t *testing.T) {
	o := open(t, pgtest.Database(t), byWebhook)
	r := newReceiver(t, nil)
	o.hook(r.URL, "")
	o.ripe("ada@acme.example")
	now := time.Now().UnixMicro()
	for range 2 { // the event, and then the webhook's job; and whoever takes it is never heard of again
		if _, err := o.Store.WorkJobs(t.Context(), nil, &store.Claim{Now: now, Until: now + 200_000, Most: 1, Each: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if l := o.until("taken", func(l []store.Job) bool { return len(l) == 2 }); l[1].State != store.JobSending {
		t.Fatalf("%+v", l)
	}
	o.run(nil)
	list := o.until("sent", over)
	if list[1].State != store.JobDone || list[1].Attempts != 2 {
		t.Errorf("%+v", list)
	}
	// the first comes back from the dead: its result changes nothing
	if _, err := o.Store.WorkJobs(t.Context(), []store.Attempt{{Job: list[1].ID, N: 1, At: now, Outcome: "later", State: store.JobWaiting, NextTry: now}}, nil); err != nil {
		t.Fatal(err)
	}
	if l := o.until("still", func([]store.Job) bool { return true }); l[1].State != store.JobDone {
		t.Errorf("%+v", l)
	}
}

// A marketing tool hears when to pause and when it may go on, and with each event what it may use now.
func TestMarketingPauses(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		o := open(t, db, "alerts:\n  hold: {event: paused, to: marketing, by: webhook}\n  free: {event: resumed, to: marketing, by: webhook}\n")
		r := newReceiver(t, nil)
		o.hook(r.URL, "paused resumed")
		lead := o.ripe("ada@acme.example")
		records, err := o.Store.Leads(t.Context(), []int64{lead})
		if err != nil {
			t.Fatal(err)
		}
		owner := records[lead].Lead.Owner
		o.acts(lead, lifecycle.Accept, owner, "")
		o.run(nil)
		heard := func(n int, want ...string) {
			t.Helper()
			o.until("heard", func(l []store.Job) bool { return over(l) && len(r.got()) == n })
			body := string(r.got()[n-1].body)
			for _, w := range want {
				if !strings.Contains(body, w) {
					t.Errorf("%s does not have %s", body, w)
				}
			}
		}
		heard(1, `"type":"lead.paused"`, `"marketing":["newsletter","event"]`, `"clause":"rules_of_engagement.in_play"`)
		o.acts(lead, lifecycle.HandBack, owner, "timing")
		heard(2, `"type":"lead.resumed"`, `"marketing":["all"]`)
	})
}

// While a secret is changed, a receiver that knows either of the two takes what comes; afterwards only the new one signs,
// and the old one is in no table.
func TestReceiverChangesItsSecret(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		o := open(t, db, byWebhook)
		r := newReceiver(t, nil)
		old := o.hook(r.URL, "")
		secret, err := channel.NewSecret(strings.NewReader(strings.Repeat("n", 32)))
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := channel.ParseKey(secret)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		if err := o.Store.RotateWebhook(t.Context(), o.keys, 1, secret, now.UnixMicro(), now.Add(time.Hour).UnixMicro()); err != nil {
			t.Fatal(err)
		}
		var later atomic.Int64 // how far the clock of the desk is ahead
		o.run(func(opts *delivery.Options) {
			opts.Clock = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		})
		takes := func(n int, key channel.Key) bool {
			t.Helper()
			c := r.got()[n]
			_, err := channel.Verify(c.header, c.body, time.Now().Add(time.Duration(later.Load())).Unix(), key)
			return err == nil
		}
		o.ripe("ada@acme.example")
		o.until("the first", func(l []store.Job) bool { return len(l) == 2 && over(l) })
		if !takes(0, old) || !takes(0, fresh) {
			t.Errorf("old %v, new %v", takes(0, old), takes(0, fresh))
		}
		later.Store(int64(2 * time.Hour))
		o.ripe("bo@beta.example")
		o.until("the second", func(l []store.Job) bool { return len(l) == 4 && over(l) })
		if takes(1, old) || !takes(1, fresh) {
			t.Errorf("afterwards: old %v, new %v", takes(1, old), takes(1, fresh))
		}
		left, err := o.Store.Query(t.Context(), `SELECT old_secret FROM endpoint`)
		if err != nil || left.Rows[0][0] != "" {
			t.Errorf("%v, %v", left, err)
		}
	})
}

// Another key holds webhooks up until somebody brings theirs back.
func TestKeyComesBack(t *testing.T) {
	o := open(t, filepath.Join(t.TempDir(), "b.db"), byWebhook)
	r := newReceiver(t, nil)
	o.hook(r.URL, "")
	other, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	o.ripe("ada@acme.example")
	stop := o.run(func(opts *delivery.Options) {
		opts.Seal, opts.Schedule.Delays = other, slices.Repeat([]time.Duration{20 * time.Millisecond}, 1000)
	})
	o.until("held up", func(l []store.Job) bool {
		return len(l) == 2 && l[1].State == store.JobWaiting && strings.Contains(l[1].LastError, "sealed with another key")
	})
	stop()
	o.run(func(opts *delivery.Options) {
		opts.Schedule.Delays = slices.Repeat([]time.Duration{20 * time.Millisecond}, 1000)
	})
	o.until("sent", func(l []store.Job) bool { return len(l) == 2 && l[1].State == store.JobDone })
	if len(r.got()) != 1 {
		t.Errorf("%d calls", len(r.got()))
	}
}

// did has a lead do something.
func (o *office) did(who string, names ...string) {
	o.t.Helper()
	now := time.Now().UnixMicro()
	var list []lifecycle.Arrival
	for _, name := range names {
		list = append(list, lifecycle.Arrival{Keys: []identity.Key{{Kind: identity.Email, Value: who}}, Input: lifecycle.Input{Kind: lifecycle.Did, Name: name, At: now, Known: now, Source: "test"}})
	}
	if _, err := o.Engine.Submit(context.Background(), list); err != nil {
		o.t.Fatal(err)
	}
}

// Ten page views are one message, and one entry in the inbox; after an hour there may be another.
func TestTenPageViewsAreOneAlert(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		const boss = "cmo@northwind.example"
		o := open(t, db, "alerts:\n  x: {event: activity, activity: page_viewed, to: "+boss+", by: [slack, inbox], at_most: 1 per 1h}\n")
		r := newReceiver(t, nil)
		var later atomic.Int64
		o.run(func(opts *delivery.Options) {
			opts.Slack = map[string]string{"": r.URL}
			opts.Clock = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		})
		views := func(n int) {
			o.did("ada@acme.example", slices.Repeat([]string{"page_viewed"}, n)...)
		}
		views(1)
		o.until("the first", over)
		views(9)
		o.until("ten", func(l []store.Job) bool { return len(l) == 10 && over(l) })
		if len(r.got()) != 1 || !strings.Contains(string(r.got()[0].body), "page viewed") {
			t.Errorf("%d messages: %+v", len(r.got()), r.got())
		}
		later.Store(int64(30 * time.Minute))
		views(1)
		list := o.until("after half an hour", func(l []store.Job) bool { return len(l) == 11 && over(l) })
		if why := list[10].LastError; why != "alerts.x says at most 1 per 1 hour" {
			t.Errorf("it is left out because %q", why)
		}
		later.Store(int64(61 * time.Minute))
		views(1)
		o.until("after an hour", func(l []store.Job) bool { return len(l) == 12 && over(l) })
		if len(r.got()) != 2 {
			t.Errorf("%d messages", len(r.got()))
		}

		in, err := o.Store.Inbox(t.Context(), boss, store.InboxFilter{}, 10)
		if err != nil || len(in) != 1 || in[0].Times != 12 || in[0].Kind != "activity" || in[0].Name != "page_viewed" || in[0].FirstAt >= in[0].At {
			t.Fatalf("%+v, %v", in, err)
		}
		unread := func() store.Unread {
			t.Helper()
			u, err := o.Store.Unread(t.Context(), boss)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		before := unread()
		views(1)
		after := unread()
		if before.Count != 1 || after.Count != 1 || before.Mark == after.Mark {
			t.Errorf("%+v, then %+v", before, after)
		}
		// what came while somebody looked stays unread
		if n, err := o.Store.ReadInbox(t.Context(), boss, nil, in[0].Seq, 5); err != nil || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := o.Store.ReadInbox(t.Context(), "another@northwind.example", []int64{in[0].ID}, 0, 5); err != nil || n != 0 {
			t.Errorf("%d of another's, %v", n, err)
		}
		if n, err := o.Store.ReadInbox(t.Context(), boss, []int64{in[0].ID}, 0, 5); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		if u := unread(); u.Count != 0 || u.Mark == after.Mark {
			t.Errorf("%+v", u)
		}
		views(2) // after it was read it is new again
		o.did("bo@beta.example", "page_viewed")
		again, err := o.Store.Inbox(t.Context(), boss, store.InboxFilter{Unread: true, Since: in[0].Seq}, 10)
		if err != nil || len(again) != 2 || again[1].Times != 2 || again[0].Lead == again[1].Lead || unread().Count != 2 {
			t.Errorf("%+v, %v", again, err)
		}
		if all, err := o.Store.Inbox(t.Context(), boss, store.InboxFilter{Before: again[0].Seq, Lead: again[1].Lead}, 10); err != nil || len(all) != 2 || all[1].ReadAt != 5 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// What a digest gathers is one message, with each thing once, and without what is no longer true.
func TestDigest(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		o := open(t, db, "alerts:\n  x: {event: activity, activity: [page_viewed, form_submitted], to: [cmo@northwind.example, owner], by: slack, quiet: none, digest: every 24h}\n  y: {event: offered, to: owner, by: slack, quiet: none, digest: every 24h}\n")
		failing := true
		r := newReceiver(t, nil)
		r.answer = func(n int, w http.ResponseWriter, _ *http.Request) {
			if failing {
				http.Error(w, "not today", http.StatusInternalServerError)
			}
		}
		gone := o.ripe("gone@acme.example") // accepted before its turn comes
		owner := o.until("offered", func(l []store.Job) bool { return len(l) > 0 })[0]
		o.did("bo@beta.example", "page_viewed", "page_viewed", "form_submitted")
		list := o.until("waiting", func(l []store.Job) bool { return len(l) > 4 })
		for _, j := range list {
			if j.State != store.JobWaiting || j.Wait != lifecycle.WaitsForDigest || j.Due <= time.Now().UnixMicro() {
				t.Errorf("%+v", j)
			}
		}
		o.acts(gone, lifecycle.Accept, strings.TrimSpace(jobTo(list, "offered")), "")
		var later atomic.Int64
		later.Store(int64(25 * time.Hour))
		stop := o.run(func(opts *delivery.Options) {
			opts.Slack = map[string]string{"": r.URL}
			opts.Clock = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
			opts.Schedule.Delays = slices.Repeat([]time.Duration{time.Hour}, 10)
		})
		o.until("tried", func(l []store.Job) bool {
			return !slices.ContainsFunc(l, func(j store.Job) bool {
				return j.Recipient == "cmo@northwind.example" && (j.State != store.JobWaiting || j.Attempts != 1)
			})
		})
		stop()
		failing = false
		later.Store(int64(50 * time.Hour))
		o.run(func(opts *delivery.Options) {
			opts.Slack = map[string]string{"": r.URL}
			opts.Clock = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		})
		list = o.until("over", over)
		carried, bodies := 0, ""
		for _, j := range list {
			switch {
			case j.Kind == "offered" && (j.State != store.JobDropped || j.LastError != "it was accepted meanwhile"):
				t.Errorf("%+v", j)
			case j.Recipient == "cmo@northwind.example" && (j.State != store.JobDone || j.DeliveredAt == 0 || j.Attempts != 2):
				t.Errorf("%+v", j)
			}
			if j.CarriedBy != 0 {
				carried++
			}
		}
		n := 0
		for _, c := range r.got() {
			if strings.Contains(string(c.body), "bo@beta") || strings.Contains(string(c.body), "form submitted") {
				n++
				bodies = string(c.body)
			}
		}
		if n != 2 || !strings.Contains(bodies, "page viewed (twice)") || !strings.Contains(bodies, "form submitted") || carried < 2 {
			t.Errorf("%d messages, %d carried; the last:\n%s\nowner %s", n, carried, bodies, owner.Recipient)
		}
	})
}

// jobTo returns whom the first job of a kind is for.
func jobTo(list []store.Job, kind string) string {
	for _, j := range list {
		if j.Kind == kind {
			return j.Recipient
		}
	}
	return ""
}
