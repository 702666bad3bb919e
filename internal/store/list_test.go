package store

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"baton/internal/lifecycle"
	"baton/internal/pgtest"
)

// A page of a list is found from an index or from the place where the page before ended, and never sorted: with a million
// leads as with ten.
func TestListsAreNotSorted(t *testing.T) {
	s := told(t)
	open := ""
	for name, c := range map[string]struct {
		filter LeadFilter
		few    bool
		with   string
	}{
		"all":     {LeadFilter{}, false, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		"stage":   {LeadFilter{Stage: "mql", Grade: "A1", Outcome: &open, UpdatedAfter: 1}, false, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		"few":     {LeadFilter{Stage: "mql", Grade: "A1"}, true, "USING INTEGER PRIMARY KEY (rowid=?)"},
		"queue":   {LeadFilter{Queue: "unassigned"}, false, "USING INDEX lead_queue (queue=? AND rowid>? AND rowid<?)"},
		"owner":   {LeadFilter{Owner: "a@b.c", Stage: "sal"}, false, "USING INDEX lead_owner (owner=? AND rowid>? AND rowid<?)"},
		"work":    {LeadFilter{Owner: "a@b.c", Outcome: &open}, false, "USING INDEX lead_work (owner=? AND rowid>? AND rowid<?)"},
		"account": {LeadFilter{Account: 5}, false, "USING INDEX lead_account (account=? AND rowid>? AND rowid<?)"},
	} {
		query, args := leadList(c.filter, 100, 200, c.few, 50)
		plan := planned(t, s, query, args...)
		if !strings.Contains(plan, "SEARCH l "+c.with) || strings.Contains(plan, "B-TREE") || strings.Contains(plan, "SCAN") {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
	if plan := planned(t, s, pastInputs, int64(5)); strings.Contains(plan, "SCAN i") || strings.Contains(plan, "SCAN d") {
		t.Error(plan)
	}
	query, args := accountList(AccountFilter{}, 100, 50)
	if plan := planned(t, s, query, args...); !strings.Contains(plan, "USING INTEGER PRIMARY KEY (rowid>?)") || strings.Contains(plan, "B-TREE") {
		t.Error(plan)
	}
	if query, args = accountList(AccountFilter{Key: "acme.example"}, 0, 50); !strings.Contains(planned(t, s, query, args...), "(key=?") {
		t.Error(planned(t, s, query, args...))
	}
	for state, index := range []string{"call_order", "call_taken", "call_later"} {
		query, args := callList(CallState(state), "", 50)
		if plan := planned(t, s, query, args...); !strings.Contains(plan, "INDEX "+index) || strings.Contains(plan, "B-TREE") || strings.Contains(plan, "SCAN l") {
			t.Errorf("%s:\n%s", index, plan)
		}
	}
	query, args = callList(CallTaken, "a@b.c", 50)
	if plan := planned(t, s, query, args...); !strings.Contains(plan, "INDEX call_holder (holder=?") || strings.Contains(plan, "B-TREE") {
		t.Error(plan)
	}
	for _, query := range []string{ownerMark, countWaiting} {
		if plan := planned(t, s, query, "a@b.c"); !strings.Contains(plan, "SEARCH l USING INDEX lead_work (owner=?)") || strings.Contains(plan, "SCAN") {
			t.Errorf("%s:\n%s", query, plan)
		}
	}
	for query, index := range map[string]string{searchLeads: "w USING PRIMARY KEY (kind=? AND word>? AND word<?)", searchAccounts: "w USING PRIMARY KEY (kind=? AND word>? AND word<?)",
		searchEmails: "key USING PRIMARY KEY (kind=? AND value>? AND value<?)", searchDomains: "(key>? AND key<?)"} {
		if plan := planned(t, s, query, "ann", "ann~", 50); !strings.Contains(plan, index) || strings.Contains(plan, "SCAN") || strings.Contains(plan, "B-TREE") {
			t.Errorf("%s:\n%s", query, plan)
		}
	}
	for owner, index := range map[string]string{"": "opportunity_order", "a@b.c": "opportunity_owner (owner=?"} {
		query, args := pipelineList(owner, PipelinePlace{Expected: 1000, Lead: 7}, 50)
		if plan := planned(t, s, query, args...); !strings.Contains(plan, "INDEX "+index) || strings.Contains(plan, "B-TREE") || strings.Contains(plan, "SCAN l") {
			t.Errorf("%s:\n%s", index, plan)
		}
	}
	if plan := planned(t, s, timeline, 1, 1, 0, 50); strings.Contains(plan, "SCAN i") || strings.Contains(plan, "SCAN d") || strings.Contains(plan, "SEARCH i USING INDEX") {
		t.Error(plan)
	}
}

// A page of what is rare looks at so many leads and no more, and says where to go on.
func TestSomeLeads(t *testing.T) {
	s := told(t)
	const leads = MostLookedAt + 5
	write(t, s, func(b *Batch) {
		b.Exec(`WITH RECURSIVE more (id) AS (SELECT 4 UNION ALL SELECT id + 1 FROM more WHERE id < $1)
			INSERT INTO lead SELECT m.id, l.version, l.input, l.due, l.account, l.owner, l.clock, l.created_at, l.origin, CASE m.id WHEN $1 THEN 'won' ELSE l.stage END, l.side, l.outcome,
			l.entered_at, l.pass, l.queue, l.track, l.revisit_at, CASE m.id WHEN $1 THEN 'A1' ELSE l.grade END, l.fit, l.engagement, l.readiness, l.buying_stage, l.activities, l.consent,
			l.value, l.name, l.email, l.source, l.campaign, l.segment, l.visit, l.handoff, l.clock_row, l.clocks, l.attributes, l.state FROM more m, lead l WHERE l.id = 3`, leads)
		b.Exec(`UPDATE visit SET lead = $1 WHERE id = 3000`, leads)
		b.Exec(`UPDATE lead SET state = $1`, lifecycle.AppendLead(nil, &lifecycle.Lead{}))
	})
	for name, c := range map[string]struct {
		filter LeadFilter
		most   int
		pages  [][]int64
	}{
		"all":                    {LeadFilter{}, 2, [][]int64{{1, 2}, {3, 4}}},
		"of a rare grade":        {LeadFilter{Grade: "A1"}, 2, [][]int64{nil, {leads}}},
		"of a frequent grade":    {LeadFilter{Grade: "B2"}, 2, [][]int64{{1, 2}, {3, 4}}},
		"in a stage with few":    {LeadFilter{Stage: "won"}, 2, [][]int64{{leads}}},
		"of an account":          {LeadFilter{Account: 7}, 2, [][]int64{{1}}},
		"of nobody":              {LeadFilter{Owner: "nobody"}, 2, [][]int64{nil}},
		"of a queue with nobody": {LeadFilter{Queue: "nothing"}, 2, [][]int64{nil}},
	} {
		after, pages := int64(0), 0
		for i, want := range c.pages {
			rows, next, err := s.SomeLeads(context.Background(), c.filter, after, c.most)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, r := range rows {
				got = append(got, r.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: page %d has %v, want %v", name, i+1, got, want)
			}
			pages++
			if after = next; after == 0 {
				break
			}
		}
		if pages != len(c.pages) {
			t.Errorf("%s: %d pages, want %d", name, pages, len(c.pages))
		}
	}
}

// What the pages of a lead, an account and the queue ask is found by keys and by indexes: what they read of the large tables is what they show.
func TestLeadsAreNotScanned(t *testing.T) {
	s := told(t)
	for name, c := range map[string]struct {
		query string
		args  []any
	}{
		"stays": {stays, []any{1, 100}}, "account": {accountStory, []any{7, 50, 12, 60}}, "jobs": {jobsOf(sqlite), numbers(MostJobsOf)}, "alike": {alikes, []any{1, 5}}, "queue": {callMark, []any{"a@b.c"}}, "queue first": {callFirst, nil},
		"lead": {`SELECT coalesce(max(input), 0), count(*) FROM lead WHERE id = $1`, []any{1}},
	} {
		plan := planned(t, s, c.query, c.args...)
		for _, line := range strings.Split(plan, "\n") {
			if at, ok := strings.CutPrefix(strings.TrimSpace(line), "SCAN "); ok && !strings.HasPrefix(at, "c") && !strings.HasPrefix(at, "l") && !strings.Contains(at, "CONSTANT") && at != "v" && at != "first" || strings.Contains(line, "SCAN lead") {
				t.Errorf("%s:\n%s", name, plan)
				break
			}
		}
	}
}

func numbers(n int) (list []any) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

func planned(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	found, err := s.Query(context.Background(), "EXPLAIN QUERY PLAN "+filled(query, args))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, row := range found.Rows {
		fmt.Fprintln(&b, row[len(row)-1])
	}
	return b.String()
}

// filled puts arguments into a query.
func filled(query string, args []any) string {
	for i := len(args) - 1; i >= 0; i-- {
		value := fmt.Sprint(args[i])
		if text, ok := args[i].(string); ok {
			value = "'" + text + "'"
		}
		query = strings.ReplaceAll(query, fmt.Sprintf("$%d", i+1), value)
	}
	return query
}

// The jobs of an endpoint, those of them that failed, and how many wait for another try are found through an index, whatever there is beside.
func TestJobsOfAnEndpointUseAnIndex(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "b.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, c := range []struct {
		filter JobFilter
		index  string
	}{
		{JobFilter{Webhook: 3}, "job_webhook"}, {JobFilter{Channel: "slack"}, "job_channel"}, {JobFilter{Webhook: 3, State: JobFailed, Before: 9}, "job_failed_webhook"},
		{JobFilter{Channel: "email", State: JobFailed}, "job_failed_channel"},
	} {
		where := c.filter.where()
		if plan := planned(t, s, `SELECT `+jobRow+` WHERE `+where.text.String()+` ORDER BY id DESC LIMIT 26`, where.args...); !strings.Contains(plan, "INDEX "+c.index+" ") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%+v:\n%s", c.filter, plan)
		}
	}
	if plan := planned(t, s, waitingAgain); !strings.Contains(plan, "COVERING INDEX job_again") {
		t.Error(plan)
	}
}

// Marks change with what is stored later than what has a higher number, as it happens where several processes decide.
func TestMarksSeeWhatComesLate(t *testing.T) {
	ctx := context.Background()
	for name, path := range map[string]string{"SQLite": filepath.Join(t.TempDir(), "baton.db"), "PostgreSQL": pgtest.Database(t)} {
		s := openAt(t, path)
		if last, err := s.DecisionMark(ctx); last != 0 || err != nil {
			t.Errorf("%s: mark %d of nothing, %v", name, last, err)
		}
		numbers := []int64{10, 12, 11, 13, 20_000, 19_999, 40_000}
		if !s.Shared() {
			numbers = []int64{10, 12, 13} // one after the other
		}
		last := int64(0)
		for _, id := range numbers {
			write(t, s, func(b *Batch) {
				b.Input(input(id, ""), 0, 0)
				b.Decision(&lifecycle.Decision{Input: id, Lead: 1}, "")
			})
			mark, err := s.DecisionMark(ctx)
			if err != nil || mark <= last {
				t.Errorf("%s: mark %d after %d was decided, %d before; %v", name, mark, id, last, err)
			}
			last = mark
		}
	}
	s := told(t)
	last := ""
	for _, of := range [][2]int64{{100, 103}, {102, 103}, {102, 104}} {
		write(t, s, func(b *Batch) {
			for i, input := range of {
				b.Exec(`UPDATE lead SET owner = 'a@b.c', outcome = '', input = $1 WHERE id = $2`, input, i+1)
			}
		})
		mark, err := s.OwnerMark(ctx, "a@b.c")
		if err != nil || mark == last {
			t.Errorf("mark %s after the last inputs were %d, %s before; %v", mark, of, last, err)
		}
		last = mark
	}
}
