package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/lifecycle"
)

// told is a database with a few rows of each table that snapshots read.
func told(t testing.TB) *Store {
	t.Helper()
	s := fresh(t)
	write(t, s, func(b *Batch) {
		b.Exec(`INSERT INTO account (id, key, name, owner, attributes, state) VALUES (7, 'acme.example', '', 'eva', '{"company.employees":500}', x'00')`)
		for id, account := range map[int]int{1: 7, 2: 0, 3: 0} {
			b.Exec(`INSERT INTO lead (id, version, input, due, account, owner, clock, created_at, origin, stage, side, outcome, entered_at, pass, queue, track,
				revisit_at, grade, fit, engagement, readiness, buying_stage, activities, consent, value, name, email, source, campaign, segment, visit, handoff,
				clock_row, clocks, attributes, state) VALUES ($1, 1, 0, 0, $2, 'ann', $1 * 10 + 5, $1 * 10, 'sales', 'mql', 'marketing', 'open', 0, 1, '', 'warm', 0, 'B2', 0, 0,
				3, 'deciding', 4, 'granted', 0, '', '', 'web', 'spring', '', 0, 0, 0, '', '{"title":"head"}', x'00')`, id, account)
		}
		b.Exec(`INSERT INTO visit (id, lead, prev, pass, stage, side, outcome, from_stage, entered_at, entered_day, entered_via, left_at, left_day, left_via, to_stage, value) VALUES
			(1000, 2, 0, 1, 'mql', '', '', '', 20, 0, '', 30, 0, '', '', 0), (2000, 1, 0, 1, 'won', '', 'won', '', 50, 0, '', 55, 0, '', '', 0), (3000, 1, 0, 2, 'won', '', 'won', '', 60, 0, '', NULL, NULL, '', '', 7.5)`)
		b.Exec(`INSERT INTO clock (id, lead, prev, name, state, member, started_at, since, breaches, stopped_at, unit, within, used) VALUES
			(1000, 2, 0, 'accept', 'late', 'ann', 10, 10, 1, 30, 1, 9, 20), (2000, 1, 0, 'accept', 'running', 'bob', 40, 40, 0, NULL, 1, 9, 0), (3000, 1, 2000, 'handoffs.offer.accept_within', 'running', 'bob', 5, 5, 0, NULL, 1, 9, 0)`)
		b.Exec(`INSERT INTO handoff (id, lead, prev, name, pass, state, offered_at, offered_day, owner, queue, accepted_at, accepted_by, accept_used, contacted_at, contact_used, closed_at, reason, reassigned) VALUES
			(1000, 2, 0, 'offer', 1, '', 10, 0, 'ann', '', 12, 'ann', 2, 15, 3, 20, '', 0), (2000, 1, 0, 'offer', 1, 'open', 40, 0, 'bob', '', NULL, '', NULL, NULL, NULL, NULL, '', 0)`)
		b.Exec(`INSERT INTO job (id, kind, due, recipient, lead, input, body, state, attempts, last_error, channel, delivered_at) VALUES
			(1000, 'offered', 0, 'ann', 2, 1, '{"acts":true}', 'done', 1, '', 'email', 13), (1001, 'offered', 0, 'max', 2, 1, '{}', 'done', 1, '', 'email', 12), (1002, 'offered', 0, 'bob', 1, 1, '{"name":"x","acts":true}', 'done', 1, '', 'slack', 44),
			(1003, 'offered', 0, 'bob', 1, 1, '{"acts":true}', 'failed', 1, '', 'email', 0), (1004, 'offered', 0, 'webhook 1', 1, 1, '{"acts":true}', 'done', 1, '', 'webhook', 41), (1005, 'reminded', 0, 'bob', 1, 1, '{"acts":true}', 'done', 1, '', 'email', 42)`)
		b.Exec(`INSERT INTO import (id, name, file, hash, state, started_at, rows, arrivals, refused, first_input, last_input, notes) VALUES
			(1, '', '', '', 'undone', 0, 0, 0, 0, 0, 0, ''), (2, '', '', '', 'done', 0, 0, 0, 0, 0, 0, '')`)
		b.Exec(`INSERT INTO input (id, kind, lead, account, prev, at, known, dedupe, import, body) VALUES
			(2, $1, 1, 0, 0, 45, 50, 0, 0, '{}'), (3, $1, 1, 0, 0, 60, 60, 0, 0, '{}'),
			(4, $2, 1, 0, 0, 70, 70, 0, 0, '{"name":"a"}'), (5, $2, 1, 0, 0, 71, 71, 0, 1, '{"name":"undone"}'), (6, $2, 2, 0, 0, 72, 72, 0, 2, '{"name":"b"}'), (7, $2, 0, 0, 0, 73, 73, 0, 0, '{"name":"nobody"}')`,
			int64(lifecycle.Win), int64(lifecycle.Did))
	})
	return s
}

func snap(t testing.TB, s *Store) *Snapshot {
	t.Helper()
	n, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// gather copies the rows that a reading hands over.
func gather[R any](t testing.TB, read func(func(*R) error) error) []R {
	t.Helper()
	var list []R
	if err := read(func(r *R) error { list = append(list, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestSnapshotRows(t *testing.T) {
	ctx, n := context.Background(), snap(t, told(t))
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"leads", gather(t, func(f func(*LeadRow) error) error { return n.EachLead(ctx, Span{}, NoField, f) }),
			[]LeadRow{{1, 10, 15, ""}, {2, 20, 25, ""}, {3, 30, 35, ""}}},
		{"leads in a time", gather(t, func(f func(*LeadRow) error) error { return n.EachLead(ctx, Span{20, 30}, LeadOwner, f) }),
			[]LeadRow{{2, 20, 25, "ann"}}},
		{"leads since", gather(t, func(f func(*LeadRow) error) error { return n.EachLead(ctx, Span{From: 21}, LeadSource, f) }),
			[]LeadRow{{3, 30, 35, "web"}}},
		{"leads with the company", gather(t, func(f func(*LeadRow) error) error { return n.EachLead(ctx, Span{Until: 30}, CompanyAttributes, f) }),
			[]LeadRow{{1, 10, 15, `{"company.employees":500}`}, {2, 20, 25, `{"title":"head"}`}}},
		{"profiles", gather(t, func(f func(*ProfileRow) error) error { return n.EachProfile(ctx, Span{Until: 30}, f) }),
			[]ProfileRow{{1, 10, 15, `{"title":"head"}`, `{"company.employees":500}`, "sales", "ann", "eva", 4, "granted"}, {2, 20, 25, `{"title":"head"}`, "", "sales", "ann", "", 4, "granted"}}},
		{"visits", gather(t, func(f func(*VisitRow) error) error { return n.EachVisit(ctx, f) }),
			[]VisitRow{{2, 1, "mql", 20, 30}, {1, 1, "won", 50, 55}, {1, 2, "won", 60, 0}}},
		{"entries", gather(t, func(f func(*VisitRow) error) error { return n.EachEntry(ctx, f) }),
			[]VisitRow{{2, 1, "mql", 20, 0}, {1, 1, "won", 50, 0}, {1, 2, "won", 60, 0}}},
		{"wins", gather(t, func(f func(*WinRow) error) error { return n.EachWin(ctx, f) }), []WinRow{{1, 50}}},
		{"deals", gather(t, func(f func(*DealRow) error) error { return n.EachDeal(ctx, f) }), []DealRow{{1, 1, 50, 0}, {1, 2, 60, 7.5}}},
		{"backdated wins", gather(t, func(f func(*WinRow) error) error { return n.EachBackdatedWin(ctx, f) }), []WinRow{{1, 45}}},
		{"clocks", gather(t, func(f func(*ClockRow) error) error { return n.EachClock(ctx, Span{}, f) }),
			[]ClockRow{{2, "accept", "late", "ann", 10, 30, 1, 1, 20}, {1, "accept", "running", "bob", 40, 0, 0, 1, 0}, {1, "handoffs.offer.accept_within", "running", "bob", 5, 0, 0, 1, 0}}},
		{"clocks until", gather(t, func(f func(*ClockRow) error) error { return n.EachClock(ctx, Span{Until: 40}, f) }),
			[]ClockRow{{2, "accept", "late", "ann", 10, 30, 1, 1, 20}, {1, "handoffs.offer.accept_within", "running", "bob", 5, 0, 0, 1, 0}}},
		{"hand-offs", gather(t, func(f func(*HandoffRow) error) error { return n.EachHandoff(ctx, Span{}, f) }),
			[]HandoffRow{{2, "offer", "ann", 10, 12, 2, 15, 3, 20}, {1, "offer", "bob", 40, 0, 0, 0, 0, 0}}},
		{"hand-offs since", gather(t, func(f func(*HandoffRow) error) error { return n.EachHandoff(ctx, Span{From: 11}, f) }),
			[]HandoffRow{{1, "offer", "bob", 40, 0, 0, 0, 0, 0}}},
		{"told", gather(t, func(f func(*ToldRow) error) error { return n.EachTold(ctx, Span{}, f) }), []ToldRow{{1, 44}, {2, 13}}},
		{"told until", gather(t, func(f func(*ToldRow) error) error { return n.EachTold(ctx, Span{Until: 44}, f) }), []ToldRow{{2, 13}}},
		{"offers", gather(t, func(f func(*OfferRow) error) error { return n.EachOffer(ctx, Span{From: 11}, f) }),
			[]OfferRow{{Lead: 1, Name: "offer", Owner: "bob", State: "open", OfferedAt: 40, Runs: true}}},
		{"activities", gather(t, func(f func(*ActivityRow) error) error { return n.EachActivity(ctx, f) }),
			[]ActivityRow{{1, 70, `{"name":"a"}`}, {2, 72, `{"name":"b"}`}}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if n.Queries() != 18 {
		t.Errorf("%d queries, want 18", n.Queries())
	}
}

func TestLeadFields(t *testing.T) {
	ctx, n := context.Background(), snap(t, told(t))
	for field, want := range []string{"", "ann", "B2", "mql", "marketing", "open", "sales", "warm", "deciding", "granted", "3", "web", "spring", `{"title":"head"}`, `{"title":"head"}`} {
		got := gather(t, func(f func(*LeadRow) error) error { return n.EachLead(ctx, Span{From: 30}, LeadField(field), f) })
		if diff := cmp.Diff([]LeadRow{{3, 30, 35, want}}, got); diff != "" {
			t.Errorf("field %d: %s", field, diff)
		}
	}
}

// A snapshot stays with the moment of its first query, also when the context of one query ends.
func TestSnapshotStays(t *testing.T) {
	s := told(t)
	n := snap(t, s)
	leads := func() int {
		return len(gather(t, func(f func(*LeadRow) error) error { return n.EachLead(context.Background(), Span{}, NoField, f) }))
	}
	if leads() != 3 {
		t.Fatal("not three leads")
	}
	write(t, s, func(b *Batch) { b.Exec(`DELETE FROM lead`); b.Exec(`DELETE FROM visit`) })
	ctx, cancel := context.WithCancel(context.Background())
	seen := 0
	err := n.EachVisit(ctx, func(*VisitRow) error { seen++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || seen != 1 {
		t.Errorf("after %d rows: %v", seen, err)
	}
	if leads() != 3 {
		t.Error("the snapshot moved on")
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = snap(t, s)
	if leads() != 0 {
		t.Error("the next snapshot does not see the change")
	}
}

func TestSnapshotStopped(t *testing.T) {
	s := told(t)
	n := snap(t, s)
	enough := errors.New("enough")
	seen := 0
	if err := n.EachVisit(context.Background(), func(*VisitRow) error { seen++; return enough }); err != enough || seen != 1 {
		t.Errorf("after %d rows: %v", seen, err)
	}
	if got := len(gather(t, func(f func(*VisitRow) error) error { return n.EachVisit(context.Background(), f) })); got != 3 {
		t.Errorf("%d rows after a reading that was stopped, want 3", got)
	}
	if err := errors.Join(n.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Snapshot(context.Background()); err == nil || !strings.Contains(err.Error(), "it is closed") {
		t.Errorf("a snapshot of a closed store: %v", err)
	}
}

// Readers of reports wait for one another, and never for longer than their context.
func TestSnapshotsAreFew(t *testing.T) {
	s := told(t)
	for range snapshots {
		snap(t, s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := s.LastInput(context.Background()); err != nil { // others have connections of their own
		t.Error(err)
	}
}

// Reading allocates what the driver makes of the values, and nothing for the row.
func TestSnapshotAllocations(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "baton.db"))
	const visits = 1000
	write(t, s, func(b *Batch) {
		b.Exec(`INSERT INTO visit SELECT i * 1000, i, 0, 1, 'lead', '', '', '', i * 1000000, 0, '', NULL, NULL, '', '', '', 0
			FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT i FROM n)`, visits)
	})
	n := snap(t, s)
	var last int64
	got := testing.AllocsPerRun(5, func() {
		if err := n.EachEntry(context.Background(), func(r *VisitRow) error { last = r.Lead; return nil }); err != nil {
			t.Fatal(err)
		}
	})
	// the lead's number, the text and its header, the instant; small numbers cost nothing
	if most := 4*visits + 100.0; got > most || last != visits {
		t.Errorf("%v allocations for %d rows, want at most %v; the last lead is %d", got, visits, most, last)
	}
}
