package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/store"
)

// by is a connection beside those of the engines, which holds what they wait for.
type by struct {
	*pgx.Conn
	t *testing.T
}

func beside(t *testing.T, url string) by {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return by{c, t}
}

func (b by) do(query string, args ...any) {
	b.t.Helper()
	if _, err := b.Exec(context.Background(), query, args...); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
}

// waiting returns when so many connections wait for a lock.
func (b by) waiting(n int) {
	b.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		var have int
		if err := b.QueryRow(context.Background(), `SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`).Scan(&have); err != nil {
			b.t.Fatal(err)
		}
		if have >= n {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%d connections wait, not %d", have, n)
		}
	}
}

func mail(who string) identity.Key { return identity.Key{Kind: identity.Email, Value: who} }

func doing(name string, keys ...identity.Key) lifecycle.Arrival {
	return lifecycle.Arrival{Keys: keys, Input: lifecycle.Input{Kind: lifecycle.Did, Name: name, At: start + day, Known: start + day}}
}

func works(who, firm string) lifecycle.Arrival {
	return lifecycle.Arrival{Keys: []identity.Key{mail(who)}, Account: firm, Input: lifecycle.Input{Kind: lifecycle.Identify, At: start + day, Known: start + day,
		Values: []lifecycle.Named{{Name: "company.employees", Value: agreement.NumberValue(300)}}}}
}

func same(one, two string) lifecycle.Arrival {
	a := doing("", mail(one))
	a.Input.Kind, a.Other = lifecycle.Merge, []identity.Key{mail(two)}
	return a
}

func apart(who string) lifecycle.Arrival {
	a := doing("", mail(who))
	a.Input.Kind = lifecycle.Split
	return a
}

// taken submits arrivals that all are carried out.
func (h *house) taken(t *testing.T, list ...lifecycle.Arrival) []Outcome {
	t.Helper()
	out, err := h.Submit(context.Background(), list)
	if err != nil {
		t.Error(err)
		return make([]Outcome, len(list))
	}
	for i := range out {
		if out[i].Err != nil || out[i].Decision.Refused != "" {
			t.Errorf("%s of %v: %v %s", list[i].Input.Kind, list[i].Keys, out[i].Err, out[i].Decision.Refused)
		}
	}
	return out
}

// What is about a lead that goes into another while it is waited for, is about the other.
func TestMergedWhileWaitedFor(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url, Options{}), open(t, url, Options{})
	a.activate(t, northwind, start)
	leads := a.taken(t, doing("page_viewed", mail("one@x.example")), doing("page_viewed", mail("two@x.example")))
	two := leads[1].Lead
	c := beside(t, url)
	c.do(`BEGIN`)
	c.do(`SELECT FROM lead WHERE id = $1 FOR UPDATE`, two)
	var running sync.WaitGroup
	var merge, next []Outcome
	running.Go(func() { merge = a.taken(t, same("one@x.example", "two@x.example")) })
	c.waiting(1)
	running.Go(func() {
		byNumber := doing("page_viewed")
		byNumber.Input.Lead = two
		next = b.taken(t, byNumber)
	})
	c.waiting(2)
	c.do(`COMMIT`)
	running.Wait()
	for _, out := range next {
		if out.Input < merge[0].Input || out.Lead != merge[0].Lead {
			t.Errorf("input %d is about lead %d, that of the merge, %d, about %d", out.Input, out.Lead, merge[0].Input, merge[0].Lead)
		}
	}
	verify(t, a)
}

// What is about a lead that is split off another while the other is waited for, is about the one that was split off.
func TestSplitWhileWaitedFor(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url, Options{}), open(t, url, Options{})
	a.activate(t, northwind, start)
	leads := a.taken(t, doing("page_viewed", mail("one@x.example")), doing("page_viewed", mail("two@x.example")), same("one@x.example", "two@x.example"))
	c := beside(t, url)
	c.do(`BEGIN`)
	c.do(`SELECT FROM lead WHERE id = $1 FOR UPDATE`, leads[0].Lead)
	var running sync.WaitGroup
	var split, next []Outcome
	running.Go(func() { split = a.taken(t, apart("two@x.example")) })
	c.waiting(1)
	running.Go(func() { next = b.taken(t, doing("page_viewed", mail("two@x.example"))) })
	c.waiting(2)
	c.do(`COMMIT`)
	running.Wait()
	if after := next[0].Input > split[0].Input; after != (next[0].Lead == leads[1].Lead) {
		t.Errorf("input %d is about lead %d, with the split in input %d", next[0].Input, next[0].Lead, split[0].Input)
	}
	verify(t, a)
}

// A split that needs an account of an older agreement is done once.
func TestSplitBringsAnAccountUpToDate(t *testing.T) {
	a := open(t, pgtest.Database(t), Options{})
	a.activate(t, northwind, start)
	leads := a.taken(t, works("one@x.example", "x.example"), works("two@y.example", "y.example"), doing("demo_requested", mail("two@y.example")), same("one@x.example", "two@y.example"))
	a.activate(t, strings.Replace(northwind, "size:    {points: 40", "size:    {points: 45", 1), start+2*day)
	out := a.taken(t, apart("two@y.example"), doing("page_viewed", mail("two@y.example")))
	if out[0].Lead != leads[0].Lead || out[1].Lead != leads[1].Lead {
		t.Errorf("leads %d and %d, not %d and %d", out[0].Lead, out[1].Lead, leads[0].Lead, leads[1].Lead)
	}
	verify(t, a)
}

// A company that somebody names whose lead was put into another by hand is there for when that is not so any more.
func TestSplitBringsALeadIntoACompanyItNamed(t *testing.T) {
	a := open(t, "", Options{})
	a.activate(t, northwind, start)
	byHand := works("two@x.example", "y.example")
	byHand.Input.Kind, byHand.Input.Values, byHand.Input.Actor = lifecycle.JoinAccount, nil, team[0]
	a.taken(t, doing("page_viewed", mail("one@x.example")), doing("page_viewed", mail("two@x.example")), byHand, same("one@x.example", "two@x.example"),
		works("one@x.example", "z.example"), works("three@x.example", "z.example"), apart("two@x.example"))
	found, err := a.st.Query(t.Context(), `SELECT l.email, a.key FROM lead l JOIN account a ON a.id = l.account ORDER BY l.id`)
	if diff := cmp.Diff([][]any{{"one@x.example", "z.example"}, {"two@x.example", "y.example"}, {"three@x.example", "z.example"}}, found.Rows); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	verify(t, a)
}

// What is said of a colleague to two processes at once is on record once.
func TestTeamInputOfTwoProcesses(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url, Options{}), open(t, url, Options{})
	a.activate(t, northwind, start)
	c := beside(t, url)
	c.do(`BEGIN`)
	c.do(`SELECT FROM roster FOR UPDATE`)
	var running sync.WaitGroup
	outcomes := make([][]Outcome, 2)
	for i, h := range []*house{a, b} {
		running.Go(func() {
			outcomes[i] = h.taken(t, lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Absent, Name: team[0], Source: "hr", Key: "1", At: start + day, Known: start + day, Due: start + 3*day}})
		})
	}
	c.waiting(2)
	c.do(`COMMIT`)
	running.Wait()
	if one, two := outcomes[0][0], outcomes[1][0]; one.Input != two.Input || one.Duplicate == two.Duplicate {
		t.Errorf("inputs %d and %d", one.Input, two.Input)
	}
}

// What is said of somebody whom one process does not know yet, and another does by then, is on record once.
func TestUnknownToOneOfTwoProcesses(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url, Options{}), open(t, url, Options{})
	a.activate(t, northwind, start)
	accept := doing("", mail("who@x.example"))
	accept.Input.Kind, accept.Input.Actor, accept.Input.Source, accept.Input.Key = lifecycle.Accept, team[0], "crm", "1"
	roster, key := beside(t, url), beside(t, url)
	outcomes := make([]Outcome, 2)
	submit := func(h *house, n int, more ...lifecycle.Arrival) {
		out, err := h.Submit(context.Background(), append([]lifecycle.Arrival{accept}, more...))
		if err != nil {
			t.Error(err)
			return
		}
		outcomes[n] = out[0]
	}
	var running sync.WaitGroup
	// one process knows nobody of that address, and waits for the roster to put that on record
	roster.do(`BEGIN`)
	roster.do(`SELECT FROM roster FOR UPDATE`)
	running.Go(func() { submit(a, 0) })
	roster.waiting(1)
	b.taken(t, doing("page_viewed", mail("who@x.example")))
	// the other one does now, and is held up in writing
	key.do(`BEGIN`)
	key.do(`INSERT INTO key (kind, value, lead) VALUES ($1, 'other@x.example', 0)`, int64(identity.Email))
	running.Go(func() { submit(b, 1, doing("page_viewed", mail("other@x.example"))) })
	roster.waiting(2)
	roster.do(`COMMIT`)
	a.within(t, "it waits for the other, or is done", func() bool {
		var n int
		err := roster.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM input WHERE kind = $1) + (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`, int64(lifecycle.Accept)).Scan(&n)
		return err == nil && n == 2
	})
	key.do(`ROLLBACK`)
	running.Wait()
	if one, two := outcomes[0], outcomes[1]; one.Input != two.Input || one.Duplicate == two.Duplicate {
		t.Errorf("inputs %d and %d", one.Input, two.Input)
	}
	verify(t, a)
}

// A round of a history that is tried again takes in all of its arrivals, those that the first try gave to new leads too.
func TestHistoryTriedAgain(t *testing.T) {
	url := pgtest.Database(t)
	WithCompany(t, url)
	a := open(t, url, Options{})
	a.activate(t, northwind, start)
	there := a.taken(t, doing("page_viewed", mail("there@x.example")))[0].Lead
	c := beside(t, url)
	c.do(`BEGIN`)
	c.do(`INSERT INTO key (kind, value, lead) VALUES ($1, 'two@x.example', $2)`, int64(identity.Email), there)
	list := []lifecycle.Arrival{works("one@x.example", "x.example"), doing("page_viewed", mail("two@x.example")), doing("page_viewed", mail("one@x.example"))}
	done := make(chan error)
	var last Progress
	go func() {
		done <- a.History(context.Background(), from(list), HistoryOptions{Progress: func(p Progress) { last = p }})
	}()
	c.waiting(1)
	c.do(`COMMIT`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if last.Arrivals != 3 || last.Inputs != 3 || last.Problems != 0 {
		t.Errorf("%+v", last)
	}
	if found, err := a.st.Query(context.Background(), `SELECT count(*) FROM leads WHERE activities > 0`); err != nil || fmt.Sprint(found.Rows) != "[[2]]" {
		t.Errorf("leads with activities: %v, %v", found, err)
	}
	verify(t, a)
}

// A connection that is lost between two transactions of one round ends the history with an error at most.
func TestHistoryLosesItsConnection(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	a := open(t, url, Options{})
	a.activate(t, northwind, start)
	c := beside(t, url)
	list := arrivals(5, 200, 20)
	cuts := 0
	for after := 1; after < 30; after += 3 {
		told := 0
		cut := HistoryOptions{Batch: 8, Progress: func(Progress) {
			if told++; told == after {
				c.do(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE '%pg_advisory_lock%'`)
			}
		}}
		_ = a.History(ctx, from(list), cut) // it may be tried again in time
		if told >= after {
			cuts++
		}
	}
	if cuts < 3 {
		t.Errorf("the connection was lost %d times", cuts)
	}
	for try := 1; ; try++ { // those that read find out one by one
		err := a.History(ctx, from(list), HistoryOptions{})
		if err == nil {
			break
		}
		if try == 10 {
			t.Fatal(err)
		}
	}
	verify(t, a)
}

// A history whose context ends keeps what it has decided.
func TestHistoryInterrupted(t *testing.T) {
	a := open(t, pgtest.Database(t), Options{})
	a.activate(t, northwind, start)
	ctx, cancel := context.WithCancel(context.Background())
	list := []lifecycle.Arrival{doing("page_viewed", mail("one@x.example")), doing("", mail("one@x.example")), doing("page_viewed", mail("two@x.example"))}
	list[1].Input.Kind, list[1].Input.Actor = lifecycle.Accept, team[0] // there is nothing to accept
	if err := a.History(ctx, from(list), HistoryOptions{Refused: func(string) { cancel() }}); err == nil {
		t.Error("it was not interrupted")
	}
	if n := len(recorded(t, a)); n != 2 {
		t.Errorf("%d inputs are on record", n)
	}
}

// Another process that decides what is due at this moment does not keep an import from beginning; and an import that goes
// on after it was stopped keeps what is due to itself.
func TestImportBesideTimers(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Database(t)
	a, b := open(t, url, Options{}), open(t, url, Options{})
	a.activate(t, northwind, start)
	tx, err := b.st.Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	if since, err := tx.HistorySince(ctx); err != nil || since != 0 {
		t.Fatal(since, err)
	}
	im, err := a.st.StartImport(ctx, store.Import{Name: "x", Hash: "x", StartedAt: start + day})
	if err != nil {
		t.Fatal(err)
	}
	im.State = "stopped"
	if err := a.st.FinishImport(ctx, im); err != nil {
		t.Fatal(err)
	}
	if im, err = a.st.StartImport(ctx, im); err != nil {
		t.Fatal(err)
	}
	c := beside(t, url)
	locked := make(chan *store.HistoryLock)
	go func() {
		lock, free, err := a.st.LockHistory(ctx)
		if err != nil || !free {
			t.Errorf("another process decides what is due: %v %v", free, err)
		}
		locked <- lock
	}()
	c.waiting(1)
	tx.Rollback()
	lock := <-locked
	defer lock.Release()
	if tx, err = b.st.Begin(ctx, false); err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if since, err := tx.HistorySince(ctx); err != nil || since != start+day {
		t.Errorf("an import that goes on runs since %d (%v)", since, err)
	}
}

// Two arrivals of one request about one company are decided in their order, also when the first has to wait for the roster.
func TestOrderOfArrivalsAboutACompany(t *testing.T) {
	a := open(t, pgtest.Database(t), Options{})
	a.activate(t, northwind, start)
	first, second := works("one@x.example", "x.example"), works("two@x.example", "x.example")
	first.Input.Values = append(first.Input.Values, lifecycle.Named{Name: "title", Value: agreement.TextValue("head")})
	second.Input.Values = []lifecycle.Named{{Name: "company.employees", Value: agreement.NumberValue(7)}}
	a.taken(t, doing("webinar_attended", mail("one@x.example")), doing("webinar_attended", mail("one@x.example")))
	out := a.taken(t, first, second)
	if found, err := a.st.Query(context.Background(), `SELECT count(*) FROM handoffs`); err != nil || fmt.Sprint(found.Rows) != "[[1]]" {
		t.Fatalf("the first does not need the roster: %v %v", found, err)
	}
	if out[0].Input > out[1].Input {
		t.Errorf("inputs %d and %d", out[0].Input, out[1].Input)
	}
}

// A round of a process that was stopped for so long that the server has ended it is done again.
func TestStoppedForLong(t *testing.T) {
	url := pgtest.Database(t)
	a := open(t, url+"&idle_in_transaction_session_timeout=100", Options{})
	a.activate(t, northwind, start)
	c := beside(t, url)
	list := []lifecycle.Arrival{doing("page_viewed", mail("one@x.example")), doing("", mail("one@x.example")), doing("page_viewed", mail("two@x.example"))}
	list[1].Input.Kind, list[1].Input.Actor = lifecycle.Accept, team[0] // there is nothing to accept
	stopped := false
	stop := func(string) {
		for !stopped {
			var open int
			if err := c.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`).Scan(&open); err != nil {
				t.Fatal(err)
			}
			stopped = open == 0
		}
	}
	if err := a.History(context.Background(), from(list), HistoryOptions{Refused: stop}); err != nil {
		t.Fatal(err)
	}
	if n := len(recorded(t, a)); n != 3 {
		t.Errorf("%d inputs are on record", n)
	}
	verify(t, a)
}

// A company that comes to two processes at once, under two names, is one account.
func TestCompanyOfTwoProcesses(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url, Options{}), open(t, url, Options{})
	a.activate(t, northwind, start)
	first, second := works("one@x.example", "name:acme works"), works("two@x.example", "acme-works.example")
	first.AccountName, second.AccountName = "Acme Works", "Acme Works"
	c := beside(t, url)
	c.do(`BEGIN`)
	c.do(`INSERT INTO key (kind, value, lead) VALUES ($1, 'one@x.example', 1)`, int64(identity.Email)) // has the first wait with its account in hand
	var running sync.WaitGroup
	running.Go(func() { a.taken(t, first) })
	c.waiting(1)
	running.Go(func() { b.taken(t, second) })
	c.waiting(2)
	c.do(`ROLLBACK`)
	running.Wait()
	if found, err := a.st.Query(context.Background(), `SELECT count(*) FROM account`); err != nil || fmt.Sprint(found.Rows) != "[[1]]" {
		t.Errorf("accounts: %v %v", found, err)
	}
	verify(t, a)
}

// A lead that another process has merged is not in memory twice when it is given back here.
func TestRestoredWhereItWasInMemory(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url, Options{}), open(t, url, Options{})
	a.activate(t, northwind, start)
	a.taken(t, works("one@x.example", "x.example"), works("two@x.example", "x.example"))
	b.taken(t, same("one@x.example", "two@x.example"))
	a.taken(t, apart("one@x.example"))
	a.taken(t, same("one@x.example", "two@x.example"))
	third := works("three@x.example", "x.example")
	third.Input.Values[0].Value = agreement.NumberValue(7) // the others of the company are looked at
	a.taken(t, third)
	for account, leads := range a.cache.byAccount {
		for _, id := range leads {
			if n := a.cache.leads[id]; n == nil || n.account != account {
				t.Errorf("lead %d is listed for account %d and is not in memory", id, account)
			}
		}
	}
}
