package replay_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/replay"
)

var faces = []identity.Key{
	{Kind: identity.Email, Value: "anna@acme.example"}, {Kind: identity.Email, Value: "bert@bolt.example"}, {Kind: identity.Email, Value: "cleo@core.example"},
	{Kind: identity.External, Value: "user:1"}, {Kind: identity.External, Value: "user:2"},
	{Kind: identity.Phone, Value: "+46812345678"}, {Kind: identity.Anonymous, Value: "b1"}, {Kind: identity.Anonymous, Value: "b2"}, {Kind: identity.Anonymous, Value: "b3"},
}

// drawVisit makes an arrival of one to three keys that others may have too.
func drawVisit(t *rapid.T, at int64) *lifecycle.Arrival {
	a := &lifecycle.Arrival{Input: lifecycle.Input{At: at, Known: at, Source: "noise"}}
	for range rapid.IntRange(1, 3).Draw(t, "keys") {
		a.Keys = append(a.Keys, rapid.SampledFrom(faces).Draw(t, "key"))
	}
	in := &a.Input
	switch rapid.IntRange(0, 6).Draw(t, "what") {
	case 0:
		in.Kind, in.Values = lifecycle.Identify, []lifecycle.Named{{Name: "title", Value: agreement.TextValue(rapid.SampledFrom([]string{"COO", "CTO"}).Draw(t, "title"))}}
	case 1:
		in.Kind, in.Values = lifecycle.Identify, []lifecycle.Named{{Name: "company.employees", Value: agreement.NumberValue(float64(rapid.IntRange(0, 2).Draw(t, "size") * 200))}}
	case 2:
		in.Kind, in.Values = lifecycle.Answered, []lifecycle.Named{{Name: "budget", Value: agreement.BooleanValue(rapid.Bool().Draw(t, "budget"))}}
	case 3:
		in.Kind, in.Name = lifecycle.Consented, rapid.SampledFrom([]string{"granted", "granted", "withdrawn", "objected"}).Draw(t, "consent")
	case 4:
		in.Kind, in.Name = lifecycle.Did, "demo_requested"
	default:
		in.Kind, in.Name = lifecycle.Did, "page_viewed"
		in.At -= rapid.Int64Range(0, 2).Draw(t, "late") * 86_400_000_000
	}
	return a
}

func mergePlan(tb testing.TB) *agreement.Plan {
	data, err := os.ReadFile("../../testdata/scenario/merge-anonymous.txtar")
	if err != nil {
		tb.Fatal(err)
	}
	s, err := replay.ParseScenario("merge-anonymous.txtar", data)
	if err != nil {
		tb.Fatal(err)
	}
	return s.Plan
}

// Whoever comes with whichever keys, and is merged and split: each lead is in one stage or goes on as another, each key leads
// to a lead that is there, and a merge that is undone at once leaves no trace on either lead.
func TestMergesKeepOrder(t *testing.T) {
	plan := mergePlan(t)
	rapid.Check(t, func(t *rapid.T) {
		w := replay.NewWorld(plan, 1)
		w.Remember = true
		at := int64(1_772_445_600_000_000) // Mon 2 Mar 2026 10:00 UTC
		merges := 0
		w.Observe = func(in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View) {
			if in.Kind == lifecycle.Merge && d.Refused == "" {
				merges++
			}
		}
		order := func(kind lifecycle.InputKind, one, other identity.Key) {
			w.Take(&lifecycle.Arrival{Input: lifecycle.Input{Kind: kind, At: at, Known: at, Actor: "boss@northwind.example"}, Keys: []identity.Key{one}, Other: []identity.Key{other}})
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			at += rapid.Int64Range(0, 600).Draw(t, "minutes") * 60_000_000
			switch rapid.IntRange(0, 7).Draw(t, "step") {
			case 0:
				order(lifecycle.Merge, rapid.SampledFrom(faces).Draw(t, "one"), rapid.SampledFrom(faces).Draw(t, "other"))
			case 1:
				order(lifecycle.Split, rapid.SampledFrom(faces).Draw(t, "one"), identity.Key{})
			default:
				w.Take(drawVisit(t, at))
			}
			inOrder(t, w)
		}
		one, other := rapid.SampledFrom(faces).Draw(t, "one"), rapid.SampledFrom(faces).Draw(t, "other")
		w.Until(at)
		a, b := w.Find(one), w.Find(other)
		if a == nil || b == nil || a.ID == b.ID {
			return
		}
		before := [2]string{told(plan, w, a.ID, at), told(plan, w, b.ID, at)}
		ids := [2]int64{a.ID, b.ID}
		done := merges
		order(lifecycle.Merge, one, other)
		if merges != done+1 || w.Find(one).ID != w.Find(other).ID {
			t.Fatalf("leads %d and %d were not merged", ids[0], ids[1])
		}
		inOrder(t, w)
		gone := ids[0] + ids[1] - w.Find(one).ID
		w.Take(&lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Split, Lead: gone, At: at, Known: at}})
		inOrder(t, w)
		after := [2]string{told(plan, w, ids[0], at), told(plan, w, ids[1], at)}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("merged and split, leads %d and %d are others than before (-before +after)\n%s", ids[0], ids[1], diff)
		}
	})
}

func inOrder(t *rapid.T, w *replay.World) {
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	for _, k := range faces {
		if l := w.Find(k); l != nil && l.Stage < 0 {
			t.Fatalf("%s leads to lead %d, which is gone", k.Value, l.ID)
		}
	}
}

// told is what a lead has come to, without how often and when it was decided, and without who had it before: what
// nobody holds any more is shared out again when a lead is decided again.
func told(plan *agreement.Plan, w *replay.World, id, at int64) string {
	v := w.View(id)
	l := *v.Lead
	facts := lifecycle.FactsAt(plan, &v, at)
	l.Engagement, l.Seq, l.Clock = facts.Engagement, 0, 0
	l.Grade = facts.Grade
	if l.Owner == "" {
		l.Handoff.Tried, l.Handoff.Since, l.Handoff.Reassigned = nil, 0, 0
	}
	return fmt.Sprintf("%+v", l)
}
