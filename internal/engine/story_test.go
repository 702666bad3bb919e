package engine

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/lifecycle"
)

// What the pages of a lead and of an account ask is answered alike by both databases.
func TestStoriesOfPages(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		h := open(t, database, Options{})
		h.activate(t, calling, start)
		ctx := t.Context()
		at := start + hour
		first := h.taken(t, identify("ann@acme.example", "acme.example", at))[0].Decision.Lead
		second := h.taken(t, identify("bo@acme.example", "acme.example", at))[0].Decision.Lead
		for i := range int64(5) {
			h.taken(t, did("ann@acme.example", "visited", at+(i+1)*60_000_000), did("bo@acme.example", "downloaded", at+(i+1)*60_000_000+1))
		}
		h.taken(t, lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Move, Lead: first, At: at + hour, Known: at + hour, Actor: "p0@northwind.example", Name: "reached"}})
		row, err := h.st.LeadByID(ctx, first)
		if err != nil {
			t.Fatal(err)
		}

		stays, err := h.st.Stays(ctx, first)
		if err != nil {
			t.Fatal(err)
		}
		var path []string
		for _, s := range stays {
			path = append(path, s.Stage)
		}
		if diff := cmp.Diff([]string{"called", "lead"}, path); diff != "" || stays[0].Left != 0 || stays[1].Left != at+hour || stays[0].Entered != at+hour {
			t.Errorf("stays: %s %+v", diff, stays)
		}

		story, err := h.st.AccountStory(ctx, row.Account, 10, 3, 5)
		if err != nil {
			t.Fatal(err)
		}
		of := map[int64]int{}
		for i := range story {
			of[story[i].Input.Lead]++
			if i > 0 && story[i].Input.ID >= story[i-1].Input.ID {
				t.Error("the story of the account is not the newest first")
			}
		}
		if len(story) != 5 || of[first] != 3 || of[second] != 2 {
			t.Errorf("the story of the account: %v", of)
		}

		before, err := h.st.LeadMark(ctx, first)
		if err != nil {
			t.Fatal(err)
		}
		calls, err := h.st.CallMark(ctx, "p0@northwind.example")
		if err != nil {
			t.Fatal(err)
		}
		h.taken(t, lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Take, Lead: second, At: at + hour, Known: at + hour, Actor: "p0@northwind.example"}})
		if after, err := h.st.LeadMark(ctx, first); err != nil || after != before {
			t.Errorf("the mark of a lead to which nothing happened: %s, was %s %v", after, before, err)
		}
		if after, err := h.st.LeadMark(ctx, second); err != nil || after == before {
			t.Errorf("the mark of another lead: %s %v", after, err)
		}
		if after, err := h.st.CallMark(ctx, "p0@northwind.example"); err != nil || after == calls {
			t.Errorf("the mark of the queue is still %s %v", after, err)
		}

		// The jobs of an input are found by it, and none for inputs that have none.
		if jobs, err := h.st.JobsOf(ctx, []int64{row.LastInput, first}); err != nil || len(jobs) != 0 {
			t.Errorf("%v %v", jobs, err)
		}
		if list, err := h.st.Alike(ctx, first); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
	})
}
