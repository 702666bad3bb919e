package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/store"
)

func did(who, activity string, at int64) lifecycle.Arrival {
	return lifecycle.Arrival{Keys: []identity.Key{{Kind: identity.Email, Value: who}},
		Input: lifecycle.Input{Kind: lifecycle.Did, Name: activity, At: at, Known: at, Source: "test"}}
}

func identify(who, account string, at int64, values ...lifecycle.Named) lifecycle.Arrival {
	a := did(who, "", at)
	a.Input.Kind, a.Input.Values, a.Account, a.AccountName = lifecycle.Identify, values, account, account
	return a
}

func submit(t testing.TB, h *house, list ...lifecycle.Arrival) []Outcome {
	t.Helper()
	out, err := h.Submit(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func one(t testing.TB, h *house, query string) any {
	t.Helper()
	table, err := h.st.Query(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) != 1 {
		t.Fatalf("%s: %d rows", query, len(table.Rows))
	}
	return table.Rows[0][0]
}

func expect(t testing.TB, h *house, query string, want any) {
	t.Helper()
	if got := one(t, h, query); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", query, got, want)
	}
}

func TestSubmitResolves(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	at := start + hour
	ann := identity.Key{Kind: identity.Email, Value: "ann@acme.example"}
	browser := identity.Key{Kind: identity.Anonymous, Value: "b1"}
	visit := did("", "page_viewed", at)
	visit.Keys = []identity.Key{browser}
	known := did("", "page_viewed", at+1)
	known.Keys = []identity.Key{browser, ann}
	other := did("eve@acme.example", "page_viewed", at+2)
	mixed := did("", "page_viewed", at+3)
	mixed.Keys = []identity.Key{browser, other.Keys[0]}
	out := submit(t, h, visit, known, other, mixed)
	if out[0].Lead != out[0].Input || out[1].Lead != out[0].Lead {
		t.Errorf("the browser's lead is %d, then %d; its first input %d", out[0].Lead, out[1].Lead, out[0].Input)
	}
	if out[2].Lead == out[0].Lead || out[3].Lead != out[2].Lead {
		t.Errorf("an address says more than a browser: leads %d and %d", out[2].Lead, out[3].Lead)
	}
	expect(t, h, `SELECT lead || ' ' || other || ' ' || kind || ' ' || value FROM same_person`, fmt.Sprintf("%d %d anonymous b1", out[2].Lead, out[0].Lead))
	expect(t, h, fmt.Sprintf(`SELECT email FROM leads WHERE id = %d`, out[0].Lead), "ann@acme.example")
	// in another transaction, from the database
	if again := submit(t, h, known); again[0].Lead != out[0].Lead {
		t.Errorf("found lead %d, want %d", again[0].Lead, out[0].Lead)
	}
	verify(t, h)
}

func TestSubmitTakesAKeyOnce(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	a := did("ann@acme.example", "page_viewed", start+hour)
	a.Input.Key = "m1"
	b := a
	b.Input.Source = "elsewhere"
	out := submit(t, h, a, a, b)
	if out[0].Duplicate || !out[1].Duplicate || out[2].Duplicate {
		t.Errorf("duplicates: %v %v %v", out[0].Duplicate, out[1].Duplicate, out[2].Duplicate)
	}
	out2 := submit(t, h, a)
	if !out2[0].Duplicate || out2[0].Input != out[0].Input || out2[0].Lead != out[0].Lead {
		t.Errorf("again: %+v", out2[0])
	}
	expect(t, h, `SELECT count(*) FROM inputs`, 2)
}

// What is decided is put together in memory that serves again: what a caller was told is not in it.
func TestOutcomesStayAsTheyWere(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	at := start + hour
	first := submit(t, h, identify("ann@acme.example", "acme.example", at, lifecycle.Named{Name: "country", Value: agreement.TextValue("SE")}),
		did("ann@acme.example", "page_viewed", at+1))
	told := []lifecycle.Decision{first[0].Decision.Clone(), first[1].Decision.Clone()}
	if len(told[0].Changes) == 0 || len(told[1].Changes) == 0 {
		t.Fatalf("nothing was decided: %+v", told)
	}
	if err := h.TakeIn(context.Background(), []lifecycle.Arrival{did("bo@acme.example", "page_viewed", at+2), did("ann@acme.example", "demo_requested", at+3)}); err != nil {
		t.Fatal(err)
	}
	submit(t, h, did("bo@acme.example", "webinar_attended", at+4), did("eve@acme.example", "page_viewed", at+5))
	if diff := cmp.Diff(told, []lifecycle.Decision{first[0].Decision, first[1].Decision}); diff != "" {
		t.Errorf("what was told first (-then +now)\n%s", diff)
	}
	verify(t, h)
}

func TestWhatCannotBeDecidedIsKept(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	nobody := did("", "page_viewed", start+hour)
	nobody.Keys = nil
	unknown := nobody
	unknown.Input.Lead = 999
	broken := did("bad@acme.example", "", start+hour)
	broken.Input.Kind, broken.Input.Member = lifecycle.Joined, nil // Decide has nothing to go by
	fine := did("ann@acme.example", "page_viewed", start+hour)
	out := submit(t, h, nobody, unknown, broken, fine)
	for i, bad := range []bool{true, true, true, false} {
		if (out[i].Err != nil) != bad {
			t.Errorf("outcome %d: %v", i, out[i].Err)
		}
	}
	if !errors.Is(out[1].Err, errUnknown) {
		t.Errorf("unknown lead: %v", out[1].Err)
	}
	problems, err := h.st.Problems(context.Background(), 10)
	if err != nil || len(problems) != 3 {
		t.Fatalf("%d problems, %v", len(problems), err)
	}
	expect(t, h, `SELECT count(*) FROM problems WHERE error <> ''`, 3)
	expect(t, h, `SELECT count(*) FROM leads`, 1)
}

func TestManyCallersShareTransactions(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 10 {
				a := did(fmt.Sprintf("p%d@acme.example", i), "page_viewed", start+int64(j)*second)
				if out, err := h.Submit(context.Background(), []lifecycle.Arrival{a}); err != nil || out[0].Err != nil {
					t.Errorf("caller %d: %v %v", i, err, out)
				}
			}
		})
	}
	wg.Wait()
	expect(t, h, `SELECT count(*) FROM activities`, 640)
	expect(t, h, `SELECT count(*) FROM leads WHERE activities = 10`, 64)
	verify(t, h)
}

func TestFullAndClosed(t *testing.T) {
	h := open(t, "", Options{Queue: 3})
	h.activate(t, northwind, start)
	a := did("ann@acme.example", "page_viewed", start)
	if _, err := h.Submit(context.Background(), []lifecycle.Arrival{a, a, a, a}); !errors.Is(err, ErrFull) {
		t.Errorf("four in a queue of three: %v", err)
	}
	submit(t, h, a, a, a)
	if err := h.Engine.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Submit(context.Background(), []lifecycle.Arrival{a}); !errors.Is(err, ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}

func TestSubmitNeedsAnAgreement(t *testing.T) {
	h := open(t, "", Options{})
	if _, err := h.Submit(context.Background(), []lifecycle.Arrival{did("a@b.example", "x", start)}); !errors.Is(err, ErrNoAgreement) {
		t.Errorf("got %v", err)
	}
}

// A hand-off nobody takes is reminded of, moved and taken back by timers alone.
func TestTickDecidesWhatIsDue(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	out := submit(t, h, did("ann@acme.example", "demo_requested", start+2*hour))
	lead := out[0].Lead
	expect(t, h, fmt.Sprintf(`SELECT stage FROM leads WHERE id = %d`, lead), "mql")
	expect(t, h, `SELECT count(*) FROM jobs WHERE kind = 'offered'`, 1)
	if n, err := h.Tick(context.Background(), start+3*hour); err != nil || n != 0 {
		t.Errorf("nothing is due yet: %d, %v", n, err)
	}
	for d := range int64(10) {
		if _, err := h.Tick(context.Background(), start+d*day); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, h, `SELECT state FROM handoffs ORDER BY id LIMIT 1`, "expired")
	expect(t, h, `SELECT count(*) > 1 FROM inputs WHERE kind = 'timer'`, 1)
	expect(t, h, `SELECT accept_breached_at IS NOT NULL AND closed_at > accept_breached_at FROM handoffs ORDER BY id LIMIT 1`, 1)
	expect(t, h, `SELECT breaches >= 3 FROM clocks ORDER BY id LIMIT 1`, 1)
	expect(t, h, `SELECT count(*) FROM visits WHERE left_at IS NULL`, 1)
	verify(t, h)
}

// What one lead tells of a company is looked at for the others of the company.
func TestTickRefreshesTheCompany(t *testing.T) {
	for _, cached := range []int{1, 1000} {
		h := open(t, "", Options{Cached: cached})
		h.activate(t, northwind, start)
		size := func(n float64) lifecycle.Named {
			return lifecycle.Named{Name: "company.employees", Value: agreement.NumberValue(n)}
		}
		var list []lifecycle.Arrival
		for i := range 5 {
			list = append(list, identify(fmt.Sprintf("p%d@acme.example", i), "acme.example", start+hour, size(10)))
		}
		submit(t, h, list...)
		for i := range 3 {
			submit(t, h, did(fmt.Sprintf("x%d@else.example", i), "page_viewed", start+hour)) // pushes the others out of memory
		}
		submit(t, h, identify("p0@acme.example", "acme.example", start+2*hour, size(1000)))
		expect(t, h, `SELECT count(*) FROM leads WHERE fit = 40`, 1)
		if n, err := h.Tick(context.Background(), start+2*hour); err != nil || n != 4 {
			t.Errorf("cached %d: %d leads were due, %v", cached, n, err)
		}
		expect(t, h, `SELECT count(*) FROM leads WHERE fit = 40`, 5)
		verify(t, h)
	}
}

func TestRunWaitsForWhatIsDue(t *testing.T) {
	var lock sync.Mutex
	now := time.UnixMicro(start + 2*hour)
	h := open(t, "", Options{Clock: func() time.Time { lock.Lock(); defer lock.Unlock(); return now }})
	h.activate(t, northwind, start)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	submit(t, h, did("ann@acme.example", "demo_requested", start+2*hour))
	lock.Lock()
	now = now.Add(24 * time.Hour)
	lock.Unlock()
	submit(t, h, did("bob@acme.example", "page_viewed", start+26*hour)) // wakes Run
	for one(t, h, `SELECT count(*) FROM inputs WHERE kind = 'timer'`) == int64(0) {
		if ctx.Err() != nil {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestActivate(t *testing.T) {
	ctx := context.Background()
	h := open(t, "", Options{Batch: 3})
	plan := h.activate(t, northwind, start)
	if v, err := h.Activate(ctx, plan, []byte(northwind), "northwind.yaml", start+hour); err != nil || v != 1 {
		t.Errorf("the same again: version %d, %v", v, err)
	}
	var list []lifecycle.Arrival
	for i := range 10 {
		list = append(list, did(fmt.Sprintf("p%d@acme.example", i), "webinar_attended", start+hour))
	}
	submit(t, h, list...)
	// the stage of all of them is gone
	gone := replaceAll(northwind, "lead:    {side: marketing}", "prospect: {side: marketing}", "from: [lead, nurture]", "from: [prospect, nurture]")
	if _, err := h.Activate(ctx, compile(t, gone), []byte(gone), "northwind.yaml", start+2*hour); err == nil {
		t.Error("an agreement without the stage that leads are in was activated")
	}
	if _, v := h.Agreement(); v != 1 {
		t.Errorf("version %d applies after the refusal", v)
	}
	renamed := gone + "renamed: {stages: {lead: prospect}}\n"
	v, err := h.Activate(ctx, compile(t, renamed), []byte(renamed), "northwind.yaml", start+2*hour)
	if err != nil || v != 2 {
		t.Fatalf("version %d, %v", v, err)
	}
	expect(t, h, `SELECT count(*) FROM leads WHERE stage = 'prospect' AND agreement = 2`, 10)
	expect(t, h, `SELECT count(*) FROM inputs WHERE kind = 'activate'`, 10)
	submit(t, h, did("p1@acme.example", "demo_requested", start+3*hour))
	verify(t, h)
	path := h.path
	h.shut(t)
	h = open(t, path, Options{})
	if _, v := h.Agreement(); v != 2 {
		t.Errorf("version %d applies after a restart", v)
	}
	submit(t, h, did("p2@acme.example", "demo_requested", start+4*hour))
	expect(t, h, `SELECT count(*) FROM leads WHERE stage = 'mql'`, 2)
	verify(t, h)
}

// One lead may be the example of its stage and of its open hand-off.
func TestActivateWithOneLeadOffered(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	submit(t, h, did("p@acme.example", "demo_requested", start+hour))
	expect(t, h, `SELECT count(*) FROM handoffs WHERE state = 'open'`, 1)
	h.activate(t, replaceAll(northwind, "attributes:\n", "attributes:\n  budget_year: number\n"), start+2*hour)
	expect(t, h, `SELECT count(*) FROM leads WHERE agreement = 2`, 1)
	verify(t, h)
}

// A round in which the program itself fails is dropped, and the engine goes on.
func TestRoundThatPanics(t *testing.T) {
	ctx := context.Background()
	for _, path := range []string{"", pgtest.Database(t)} {
		h := open(t, path, Options{})
		h.activate(t, northwind, start)
		arrivals := []lifecycle.Arrival{did("p@acme.example", "demo_requested", start+hour)}
		arrivals[0].Input.Source, arrivals[0].Input.Key = "test", "1"
		h.mu.Lock()
		err := h.try(ctx, func() error {
			if err := h.begin(ctx); err != nil {
				return err
			}
			if err := h.gather(ctx, slices.Clone(arrivals), nil); err != nil {
				return err
			}
			if _, err := h.take(ctx, &slices.Clone(arrivals)[0]); err != nil && err != errTeam {
				return err
			}
			panic("no such thing")
		})
		h.mu.Unlock()
		if err == nil || !strings.Contains(err.Error(), "no such thing (at internal/engine/live_test.go:") {
			t.Errorf("a round that panicked ended with %v", err)
		}
		submit(t, h, arrivals...)
		expect(t, h, `SELECT count(*) FROM activities`, 1)
		verify(t, h)
	}
}

func TestUndo(t *testing.T) {
	ctx := context.Background()
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	submit(t, h, did("old@acme.example", "page_viewed", start+hour))
	before := one(t, h, `SELECT score FROM leads`)
	im, err := h.st.StartImport(ctx, store.Import{Name: "events", File: "events.csv", Hash: "h1", StartedAt: start, Rows: 2})
	if err != nil {
		t.Fatal(err)
	}
	rows := []lifecycle.Arrival{did("old@acme.example", "demo_requested", start+2*hour), did("new@acme.example", "demo_requested", start+2*hour)}
	for i := range rows {
		rows[i].Input.Source, rows[i].Input.Key = "", fmt.Sprint(i)
	}
	read := func(id int64) {
		t.Helper()
		if err := h.History(ctx, from(rows), HistoryOptions{Import: id}); err != nil {
			t.Fatal(err)
		}
	}
	read(im.ID)
	read(im.ID)
	expect(t, h, `SELECT count(*) FROM leads WHERE stage = 'mql'`, 2)
	expect(t, h, `SELECT arrivals FROM imports`, 2)
	if err := h.Undo(ctx, im.ID, nil); err != nil {
		t.Fatal(err)
	}
	expect(t, h, `SELECT count(*) FROM leads`, 1)
	expect(t, h, `SELECT stage FROM leads`, "lead")
	expect(t, h, `SELECT score FROM leads`, before)
	expect(t, h, `SELECT count(*) FROM handoffs`, 0)
	expect(t, h, `SELECT count(*) FROM visits`, 1)
	expect(t, h, `SELECT state FROM imports`, "undone")
	expect(t, h, `SELECT sum(open) FROM members`, 0)
	expect(t, h, `SELECT count(*) FROM key`, 1)
	if err := h.Undo(ctx, im.ID, nil); err == nil {
		t.Error("undone twice")
	}
	if err := h.Undo(ctx, 77, nil); !errors.Is(err, store.ErrNoImport) {
		t.Errorf("undoing nothing: %v", err)
	}
	again, err := h.st.StartImport(ctx, store.Import{Name: "events", File: "events.csv", Hash: "h1", StartedAt: start})
	if err != nil || again.ID == im.ID {
		t.Fatalf("import %d again, %v", again.ID, err)
	}
	read(again.ID)
	expect(t, h, `SELECT count(*) FROM leads WHERE stage = 'mql'`, 2)
}

func TestHistoryStopsAndGoesOn(t *testing.T) {
	list := arrivals(3, 400, 40)
	h := open(t, "", Options{})
	h.activate(t, northwind, start-day)
	ctx, cancel := context.WithCancel(context.Background())
	err := h.History(ctx, from(list), HistoryOptions{Batch: 50, Progress: func(p Progress) {
		if p.Inputs > 100 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped with %v", err)
	}
	some := len(recorded(t, h))
	if err := h.History(context.Background(), from(list), HistoryOptions{Batch: 50}); err != nil {
		t.Fatal(err)
	}
	all := recorded(t, h)
	if some < 100 || some >= len(all) {
		t.Errorf("%d of %d inputs were taken in before the stop", some, len(all))
	}
	whole := open(t, "", Options{})
	whole.activate(t, northwind, start-day)
	if err := whole.History(context.Background(), from(list), HistoryOptions{}); err != nil {
		t.Fatal(err)
	}
	h.shut(t)
	whole.shut(t)
	if a, b := fmt.Sprint(tables(t, whole.path)), fmt.Sprint(tables(t, h.path)); a != b {
		t.Error("a history that was stopped comes to other tables than one that was not")
	}
}

// A commit that fails takes nothing in, and the engine goes on from what is stored.
func TestFailedCommit(t *testing.T) {
	h := open(t, "", Options{})
	h.activate(t, northwind, start)
	submit(t, h, did("ann@acme.example", "page_viewed", start+hour))
	if err := h.st.Limit(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	_, err := h.Submit(context.Background(), arrivals(1, 2000, 100))
	if err == nil {
		t.Fatal("a full disk took it in")
	}
	t.Log(err)
	expect(t, h, `SELECT count(*) FROM inputs`, 1)
	if err := h.st.Limit(context.Background(), 1<<30); err != nil {
		t.Fatal(err)
	}
	submit(t, h, did("ann@acme.example", "page_viewed", start+2*hour))
	expect(t, h, `SELECT activities FROM leads`, 2)
	verify(t, h)
}
