package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stay is a visit with the clauses by which the lead came and left.
func (h *house) stay(id, lead, prev int64, stage, via string, entered, left int64, leftVia, named string) {
	side := h.plan.Stages[h.plan.Index.Stage[stage]].Side.String()
	var end any
	if left > 0 {
		end = left
	}
	h.batch.Exec(`INSERT INTO visit (id, lead, prev, pass, stage, side, outcome, from_stage, entered_at, entered_day, entered_via, left_at, left_day, left_via, to_stage, named)
		VALUES ($1, $2, $3, 1, $4, $5, '', '', $6, 0, $7, $8, $8, $9, '', $10)`, id, lead, prev, stage, side, entered, via, end, leftVia, named)
}

func TestRejections(t *testing.T) {
	h := newHouse(t)
	at := func(days int64) int64 { return monday + days*day }
	const qualify, again, offer = "transitions.qualify", "transitions.again", "handoffs.mql_to_sales"
	// rejected, and the clause is named
	h.stay(1, 1, 0, "mql", qualify, at(0), at(1), "handbacks.no_fit", qualify)
	// handed back from sales after a while; the revisit date that comes is no hand-back
	h.stay(2, 2, 0, "mql", qualify, at(0), at(1), offer, "")
	h.stay(3, 2, 2, "sal", offer, at(1), at(2), "transitions.deeper", "")
	h.stay(4, 2, 3, "sal", "transitions.deeper", at(2), at(3), "handbacks.timing", "scoring.fit.size")
	h.stay(5, 2, 4, "nurture", "handbacks.timing", at(3), at(33), "handbacks.timing", "")
	h.stay(6, 2, 5, "lead", "handbacks.timing", at(33), 0, "", "")
	// another way in
	h.stay(7, 3, 0, "mql", again, at(0), at(1), "handbacks.no_fit", "")
	h.stay(8, 4, 0, "mql", qualify, at(0), 0, "", "")
	// sales had it from the first
	h.stay(9, 5, 0, "sal", "", at(0), at(5), "handbacks.no_fit", "")
	h.commit(t)
	got, err := Rejections(ctx, h.Store, h.plan, Query{})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{qualify, "3", "2", "66.7 %", "1", "1", "0", "1", "no_fit (1)"},
		{"(nothing: first heard of with sales)", "–", "1", "–", "0", "1", "0", "0", "no_fit (1)"},
		{again, "1", "1", "100 %", "1", "0", "0", "0", "no_fit (1)"},
		{"scoring.fit.size", "–", "0", "–", "0", "0", "0", "1", "–"},
	}
	if diff := cmp.Diff(want, flat(got, "clause", "let_in", "returned", "share", "rejected", "handed_back", "called", "named", "reason")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([][]string{{"no_fit", "disqualify", "3"}, {"timing", "recycle", "1"}}, flat(got.Parts[0], "reason", "class", "n")); diff != "" {
		t.Errorf("reasons (-want +got)\n%s", diff)
	}
	if want := "4 leads came back; most of them, 2, had come in by transitions.qualify, and the reason given most often was no_fit (1)."; got.Finding != want {
		t.Errorf("found %q", got.Finding)
	}
	if len(got.Notes) != 2 || !strings.Contains(got.Notes[0], "twice") {
		t.Errorf("notes %q", got.Notes)
	}
	early, err := Rejections(ctx, h.Store, h.plan, Query{Until: at(2)})
	if err != nil || early.Cell(0, "returned").Int != 1 {
		t.Errorf("within two days %v, %v", early, err)
	}
	if none, err := Rejections(ctx, h.Store, h.plan, Query{Since: at(90)}); err != nil || !strings.HasPrefix(none.Finding, "Nothing was rejected or handed back from ") {
		t.Errorf("%v, %v", none, err)
	}
	if _, err := Rejections(ctx, h.Store, h.plan, Query{By: "source"}); err == nil || !strings.HasPrefix(err.Error(), "grouping by source") {
		t.Error(err)
	}
}
