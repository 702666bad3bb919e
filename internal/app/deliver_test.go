//go:build unix

package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"baton/internal/agreement"
	"baton/internal/channel"
	"baton/internal/engine"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// mailbox is a real mail server on this machine. It tells of each mail that it takes.
type mailbox struct {
	port int
	got  chan letter

	unknown string // nobody has this address

	mu     sync.Mutex
	answer func(to string) error // nil: take all
}

// letter is a mail as it came.
type letter struct {
	to, subject, id, body string
	at                    time.Time
}

type visit struct {
	box *mailbox
	to  string
}

func newMailbox(t testing.TB) *mailbox {
	t.Helper()
	box := &mailbox{got: make(chan letter, 10_000)}
	server := smtp.NewServer(box)
	server.Domain = "mail.test"
	server.ErrorLog = quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box.port = l.Addr().(*net.TCPAddr).Port
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return box
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (b *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &visit{box: b}, nil }

func (v *visit) Mail(string, *smtp.MailOptions) error { return nil }
func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == v.box.unknown {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody of that name"}
	}
	v.to = to
	return nil
}
func (v *visit) Reset()        {}
func (v *visit) Logout() error { return nil }

func (v *visit) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	v.box.mu.Lock()
	answer := v.box.answer
	v.box.mu.Unlock()
	if answer != nil {
		if err := answer(v.to); err != nil {
			return err
		}
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	body, _ := io.ReadAll(quotedprintable.NewReader(strings.NewReader(string(raw))))
	v.box.got <- letter{to: v.to, subject: subject, id: m.Header.Get("Message-Id"), body: string(body), at: time.Now()}
	return nil
}

// next waits for a mail.
func (b *mailbox) next(t testing.TB) letter {
	t.Helper()
	select {
	case l := <-b.got:
		return l
	case <-time.After(patience):
		t.Fatal("no mail came")
		return letter{}
	}
}

func (b *mailbox) delivery() Delivery {
	return Delivery{Host: "127.0.0.1", Port: b.port, Security: "none", From: "Baton <baton@northwind.example>"}
}

// ripe makes a lead that is offered to somebody, and returns its ID.
func ripe(t testing.TB, a *App, who string) int64 {
	t.Helper()
	now := time.Now().UnixMicro()
	key := []identity.Key{{Kind: identity.Email, Value: who}}
	did := func(name string) lifecycle.Arrival {
		return lifecycle.Arrival{Keys: key, Input: lifecycle.Input{Kind: lifecycle.Did, Name: name, At: now, Known: now, Source: "test"}}
	}
	text := func(name, value string) lifecycle.Named {
		return lifecycle.Named{Name: name, Value: agreement.TextValue(value)}
	}
	known := lifecycle.Arrival{Keys: key, Input: lifecycle.Input{Kind: lifecycle.Identify, At: now, Known: now, Source: "test", Values: []lifecycle.Named{
		{Name: "company.employees", Value: agreement.NumberValue(800)}, text("company.industry", "manufacturing"), text("country", "SE"),
		text("name", "Ada <b>Lind</b>"), text("seniority", "director"), text("company.name", "Acme"), text("title", "Head of Operations"),
	}}, Account: strings.SplitN(who, "@", 2)[1]}
	out, err := a.Engine.Submit(t.Context(), []lifecycle.Arrival{known, did("page_viewed"), did("webinar_attended"), did("demo_requested"), did("demo_requested")})
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Lead
}

// awake is the agreement with everybody at work at all times, and more beside.
func awake(t testing.TB, change ...string) string {
	t.Helper()
	source, _ := agreement.Template("waterfall")
	text := string(source)
	from, to := strings.Index(text, "    mon-thu:"), strings.Index(text, "# The vocabulary")
	text = text[:from] + "    mon-sun: [\"00:00-24:00\"]\n\n" + text[to:]
	text = strings.NewReplacer("    hours: {mon-fri: \"07:00-18:00\"}\n", "", "    hours: {mon-fri: [\"09:00-12:30\", \"13:30-17:30\"]}\n", "").Replace(text)
	return strings.NewReplacer(change...).Replace(text)
}

// serveAgreement serves a database that has an agreement, new if it is not there.
func serveAgreement(t testing.TB, db, source string, opts ServeOptions) *live {
	t.Helper()
	file := filepath.Join(t.TempDir(), "agreement.yaml")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Options{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.Adopt(t.Context(), file, time.Now().UnixMicro()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l := &live{App: a, stop: cancel, ended: make(chan error, 1)}
	ready := make(chan string, 1)
	opts.Listen, opts.Ready = "127.0.0.1:0", func(address string) { ready <- address }
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	go func() { l.ended <- a.Serve(ctx, opts) }()
	t.Cleanup(func() { cancel(); <-l.ended })
	select {
	case l.address = <-ready:
	case err := <-l.ended:
		t.Fatal(err)
	}
	return l
}

// until waits until the jobs of a lead are as they should be.
func until(t testing.TB, a *App, lead int64, fits func([]store.Job) bool) []store.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		list, err := a.Store.Jobs(ctx, store.JobFilter{Lead: lead}, 100)
		if err != nil {
			t.Fatalf("%v; jobs: %+v", err, list)
		}
		if fits(list) {
			return list
		}
	}
}

func TestOfferReachesItsOwner(t *testing.T) {
	box := newMailbox(t)
	l := serveAgreement(t, filepath.Join(t.TempDir(), "b.db"), awake(t), ServeOptions{Delivery: box.delivery()})
	lead := ripe(t, l.App, "ada@acme.example")
	got := box.next(t)
	list := until(t, l.App, lead, func(list []store.Job) bool { return len(list) == 1 && list[0].State == store.JobDone })
	j := list[0]
	if j.Kind != "offered" || j.Attempts != 1 || j.DeliveredAt == 0 || j.NextTry != 0 || j.Channel != "email" || j.Recipient != got.to {
		t.Errorf("job %+v", j)
	}
	for _, want := range []string{"Ada <b>Lind</b> (Acme)", "Ada &lt;b&gt;Lind&lt;/b&gt; (Acme)", "Please accept it by ", "transitions.hot", "demo requested, twice", "you may; both sides may speak", "alerts.offer"} {
		if !strings.Contains(got.subject+got.body, want) {
			t.Errorf("the mail does not say %q", want)
		}
	}
	if strings.Contains(got.body, "ada@acme") {
		t.Error("the mail shows an address that the brief does not have")
	}
	tries, err := l.Store.Attempts(t.Context(), j.ID)
	if err != nil || len(tries) != 1 || tries[0].Outcome != "done" || tries[0].Code != 250 {
		t.Errorf("tries %+v, %v", tries, err)
	}
}

// A mail server that is busy is asked again; one that knows nobody of that name is not, and says so where people look.
func TestMailServerThatRefuses(t *testing.T) {
	box := newMailbox(t)
	var tries atomic.Int64
	box.answer = func(string) error {
		if tries.Add(1) <= 2 {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "come back later"}
		}
		return nil
	}
	box.unknown = "cmo@northwind.example"
	d := box.delivery()
	d.Schedule = channel.Schedule{Delays: []time.Duration{0, time.Millisecond, time.Millisecond, time.Millisecond}}
	l := serveAgreement(t, filepath.Join(t.TempDir(), "b.db"), awake(t, "{event: offered, to: [owner]", "{event: offered, to: [owner, cmo@northwind.example]"), ServeOptions{Delivery: d})
	lead := ripe(t, l.App, "ada@acme.example")
	box.next(t)
	list := until(t, l.App, lead, func(list []store.Job) bool {
		return len(list) == 2 && list[0].State == store.JobFailed && list[1].State == store.JobDone
	})
	if list[0].Recipient != box.unknown || list[0].Attempts != 1 || !strings.Contains(list[0].LastError, "there is no cmo@northwind.example") || list[1].Attempts != 3 {
		t.Errorf("jobs %+v", list)
	}
	shown, err := l.Store.Attempts(t.Context(), list[1].ID)
	if err != nil || len(shown) != 3 || shown[0].Outcome != "later" || shown[0].Code != 451 || !strings.Contains(shown[0].Said, "come back later") {
		t.Errorf("tries %+v, %v", shown, err)
	}
}

// The server is killed when its message was taken and before it heard so: the message comes again, as the same.
func TestKilledBetweenSendingAndRecording(t *testing.T) {
	box := newMailbox(t)
	db, file := filepath.Join(t.TempDir(), "b.db"), filepath.Join(t.TempDir(), "agreement.yaml")
	if err := os.WriteFile(file, []byte(awake(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Options{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Adopt(t.Context(), file, time.Now().UnixMicro()); err != nil {
		t.Fatal(err)
	}
	lead := ripe(t, a, "ada@acme.example")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	running := make(chan *child, 1)
	dead := make(chan struct{})
	box.mu.Lock()
	box.answer = func(string) error {
		if c, ok := <-running; ok {
			c.Process.Kill()
			c.Wait()
			close(dead)
		}
		return nil
	}
	box.mu.Unlock()
	running <- launch(t, db, childMail+"="+strconv.Itoa(box.port))
	close(running)
	first := box.next(t)
	<-dead
	again := launch(t, db, childMail+"="+strconv.Itoa(box.port))
	second := box.next(t)
	if first.id != second.id || first.id == "" {
		t.Errorf("IDs %q and %q", first.id, second.id)
	}
	again.Process.Signal(syscall.SIGTERM)
	again.Wait()
	st, err := store.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	list, err := st.Jobs(t.Context(), store.JobFilter{Lead: lead}, 10)
	if err != nil || len(list) != 1 || list[0].State != store.JobDone || list[0].Attempts != 2 {
		t.Errorf("jobs %+v, %v", list, err)
	}
	select {
	case l := <-box.got:
		t.Errorf("and a third: %+v", l)
	default:
	}
}

// BenchmarkInputToMail is the time from an input to the hand-over of the mail that it leads to.
func BenchmarkInputToMail(b *testing.B) {
	box := newMailbox(b)
	d := box.delivery()
	d.Mails = map[string]string{"queue unassigned": "desk@northwind.example"}
	l := serveAgreement(b, filepath.Join(b.TempDir(), "b.db"), awake(b), ServeOptions{Delivery: d})
	n := 0
	for b.Loop() {
		n++
		ripe(b, l.App, fmt.Sprintf("ada%d@acme%d.example", n, n))
		box.next(b)
	}
}

// openClocks is how many deadlines run while TestFigureInputToMail measures.
const openClocks = 50_000

// crowd fills a database with leads that are offered to the team and wait, each with the clock of its offer running.
func crowd(t testing.TB, db, source string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "agreement.yaml")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Options{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour).UnixMicro()
	if err := a.Adopt(t.Context(), file, at); err != nil {
		t.Fatal(err)
	}
	err = a.Engine.History(t.Context(), func(yield func(*lifecycle.Arrival) error) error {
		for i := range openClocks {
			key := identity.Key{Kind: identity.Email, Value: fmt.Sprintf("crowd%d@crowd%d.example", i, i%9973)}
			if err := yield(&lifecycle.Arrival{Keys: []identity.Key{key}, Input: lifecycle.Input{Kind: lifecycle.Did, Name: "email_clicked", At: at, Known: at, Source: "crowd", Key: strconv.Itoa(i)}}); err != nil {
				return err
			}
		}
		return nil
	}, engine.HistoryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	open, err := a.Store.Query(t.Context(), "SELECT count(DISTINCT lead) FROM clock WHERE state = 'running'")
	if err != nil || open.Rows[0][0].(int64) != openClocks {
		t.Fatalf("%v leads have a clock that runs, want %d (%v)", open, openClocks, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFigureInputToMail measures from the input that makes a lead ready to the hand-over of its mail, one lead after the other, in a
// database in which 50,000 others wait to be accepted.
func TestFigureInputToMail(t *testing.T) {
	if os.Getenv("BATON_FIGURES") == "" {
		t.Skip("figures are measured by: make bench")
	}
	box := newMailbox(t)
	d := box.delivery()
	d.Mails = map[string]string{"queue unassigned": "desk@northwind.example"}
	db, source := filepath.Join(t.TempDir(), "b.db"), awake(t, "accept_within: 4 working hours", "accept_within: 300d", "    capacity: 15\n", "",
		"\ntransitions:\n", "\ntransitions:\n  at_once: {from: lead, to: mql, when: did(\"email_clicked\")}\n")
	crowd(t, db, source)
	l := serveAgreement(t, db, source, ServeOptions{Delivery: d})
	const n = 500
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		ripe(t, l.App, fmt.Sprintf("ada%d@acme%d.example", i, i))
		took[i] = box.next(t).at.Sub(began)
	}
	slices.Sort(took)
	fmt.Printf("FIGURE input_to_mail_p50 %.1f <=50 ms\n", float64(took[n/2].Microseconds())/1000)
	fmt.Printf("FIGURE input_to_mail_p99 %.1f <=500 ms\n", float64(took[n*99/100].Microseconds())/1000)
}
