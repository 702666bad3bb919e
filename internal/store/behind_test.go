package store

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLeadsBehind(t *testing.T) {
	s := told(t)
	write(t, s, func(b *Batch) { // the rows of each lead are a chain
		b.Exec(`UPDATE visit SET prev = 2000 WHERE id = 3000`)
		b.Exec(`UPDATE lead SET visit = CASE id WHEN 1 THEN 3000 ELSE 1000 END, handoff = CASE id WHEN 1 THEN 2000 ELSE 1000 END, clock_row = CASE id WHEN 1 THEN 3000 ELSE 1000 END WHERE id < 3`)
	})
	ids := func(f Behind, before int64, most int) (list []int64, next int64) {
		t.Helper()
		rows, next, err := s.LeadsBehind(context.Background(), f, before, most)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			list = append(list, r.Visit)
		}
		return list, next
	}
	for name, c := range map[string]struct {
		f    Behind
		want []int64
	}{
		"came to a stage":    {Behind{Stage: "won"}, []int64{3000, 2000}},
		"are there now":      {Behind{Stage: "won", Open: true}, []int64{3000}},
		"nobody is there":    {Behind{Stage: "mql", Open: true}, nil},
		"all":                {Behind{}, []int64{2000, 1000}},
		"of a source":        {Behind{Stage: "won", Only: Only{Source: "web"}}, []int64{3000, 2000}},
		"came there later":   {Behind{Stage: "won", Moved: true}, []int64{3000}},
		"of an owner":        {Behind{Stage: "won", Only: Only{Owner: "ann"}}, []int64{3000, 2000}},
		"of another owner":   {Behind{Stage: "won", Only: Only{Owner: "bob"}}, nil},
		"offers of an owner": {Behind{Handoff: "offer", Only: Only{Owner: "ann"}}, []int64{2000, 1000}},
		"clocks of an owner": {Behind{Clock: "accept", Over: true, Only: Only{Owner: "ann"}}, []int64{1000}},
		"without a source":   {Behind{Stage: "won", Only: Only{Source: None}}, nil},
		"without a segment":  {Behind{Stage: "won", Only: Only{Segment: None}}, []int64{3000, 2000}},
		"of a grade":         {Behind{Stage: "mql", Grade: "B2"}, []int64{1000}},
		"of another":         {Behind{Stage: "mql", Grade: "A1"}, nil},
		"arrived in a time":  {Behind{Arrived: Span{From: 15, Until: 25}}, []int64{1000}},
		"arrived after all":  {Behind{Arrived: Span{From: 1000}}, nil},
		"from another stage": {Behind{Stage: "won", From: "mql"}, nil},
	} {
		if got, next := ids(c.f, 0, 50); !cmp.Equal(c.want, got) || next != 0 {
			t.Errorf("%s: %v, next %d, want %v", name, got, next, c.want)
		}
	}
	// One page after the other sees each stay once.
	var all []int64
	for before, pages := int64(0), 0; ; pages++ {
		list, next := ids(Behind{Stage: "won"}, before, 1)
		all = append(all, list...)
		if before = next; next == 0 || pages > 5 {
			break
		}
	}
	if diff := cmp.Diff([]int64{3000, 2000}, all); diff != "" {
		t.Error(diff)
	}
}

// What pages of figures ask is understood by both databases.
func TestFigureQueriesOnBoth(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		only := Only{Source: "web", Campaign: "spring", Segment: None, Owner: "ann"}
		for _, f := range []Behind{{}, {Stage: "mql", From: "lead", Via: "transitions.qualify", Grade: "A1", Only: only, Arrived: Span{1, 2}}, {Stage: "mql", Open: true, Only: only},
			{Clock: "stages.sal.limit", Member: "ann", Arrived: Span{1, 2}}, {Clock: "stages.sal.limit", Over: true, Member: None}, {Handoff: "mql_to_sales", Only: only, Arrived: Span{1, 2}}} {
			if rows, next, err := s.LeadsBehind(ctx, f, 0, 10); err != nil || len(rows) != 0 || next != 0 {
				t.Errorf("%+v: %v %d %v", f, rows, next, err)
			}
		}
		if v, err := s.FilterValues(ctx); err != nil || len(v.Sources) != 0 {
			t.Error(v, err)
		}
		if list, err := s.DueLeads(ctx, 1<<60, 10); err != nil || len(list) != 0 {
			t.Error(list, err)
		}
		if list, err := s.OverClocks(ctx, 10); err != nil || len(list) != 0 {
			t.Error(list, err)
		}
		if list, err := s.AgreementVersions(ctx); err != nil || len(list) != 0 {
			t.Error(list, err)
		}
		n := snap(t, s)
		n.Choose(only)
		if err := n.EachLead(ctx, Span{1, 2}, CompanyAttributes, func(*LeadRow) error { return nil }); err != nil {
			t.Error(err)
		}
		if err := n.EachProfile(ctx, Span{}, func(*ProfileRow) error { return nil }); err != nil {
			t.Error(err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}
