package replay_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/replay"
)

// evenNoise draws numbers that are all as likely (SplitMix64, G. Steele and others, 2014).
type evenNoise struct{ state uint64 }

func (e *evenNoise) below(n int) int {
	e.state += 0x9e3779b97f4a7c15
	z := e.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

func planOf(tb testing.TB, file string) *agreement.Plan {
	source, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	plan, findings := agreement.Compile(file, source, nil)
	if findings.HasErrors() {
		tb.Fatal(findings.Err())
	}
	return plan
}

// Whatever happens, what is decided fits what is known, nothing that time changes goes
// without a wake-up, and a state that was stored and read decides the same.
func TestInvariants(t *testing.T) {
	one, two := planOf(t, "testdata/agreement/rich.yaml"), planOf(t, "testdata/agreement/next.yaml")
	for _, activates := range []bool{false, true} {
		t.Run(fmt.Sprintf("activates=%t", activates), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				seed := rapid.Uint64().Draw(t, "seed")
				next := two
				if !activates {
					next = nil
				}
				kept := watched(t, one, next, seed, false)
				if stored := watched(t, one, next, seed, true); !bytes.Equal(kept, stored) {
					t.Fatalf("a stored state decides differently: %s", firstDifference(kept, stored))
				}
			})
		})
	}
}

func firstDifference(a, b []byte) string {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return x[i] + "\n" + y[min(i, len(y)-1)]
		}
	}
	return ""
}

// watched decides noise, and returns the decisions. With stored, every state goes through its
// stored form between two decisions; otherwise it is checked after each. With another plan,
// the two take turns.
func watched(t *rapid.T, plan, other *agreement.Plan, seed uint64, stored bool) []byte {
	var out []byte
	n := &evenNoise{seed}
	w := replay.NewWorld(plan, 1)
	w.Remember = true
	passes, inspector := map[int64]int64{}, replay.NewInspector()
	w.Observe = func(in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View) {
		out = d.AppendJSON(append(out, '\n'))
		if stored {
			store(t, v)
			return
		}
		if !inspector.Next(w.Plan, in, d, v) {
			t.Fatal(inspector.First)
		}
		l := v.Lead
		if l == nil || l.Stage < 0 {
			return
		}
		for i := range d.Changes {
			if d.Changes[i].Kind == lifecycle.LeadErased {
				delete(passes, l.ID)
			}
			if c := &d.Changes[i]; c.Kind == lifecycle.PassStarted {
				if passes[l.ID]++; c.Int != passes[l.ID] {
					t.Fatalf("pass %d of lead %d begins after pass %d", c.Int, l.ID, passes[l.ID]-1)
				}
			}
		}
		late := l.Revisit > 0 && l.Revisit <= in.Known && in.Kind != lifecycle.Timer // a hand-back told late, past its date
		if due := l.Due(); due <= in.Known && !late {
			t.Fatalf("after its %s of %d lead %d is due at %d", in.Kind, in.Known, l.ID, due)
		}
		if d.Refused == "" && l.Consent.Status != lifecycle.Objected && w.Plan.Stages[l.Stage].Final == agreement.NotFinal {
			fits(t, w, l, in.Known)
		}
	}
	at := int64(1_772_445_600_000_000) // Mon 2 Mar 2026 10:00 UTC
	for range 100 {
		at += int64(n.below(60)) * 60_000_000
		if n.below(3) == 0 {
			at += int64(n.below(100)) * 3_600_000_000
		}
		if other != nil && n.below(20) == 0 {
			w.Until(at)
			next := plan
			if w.Plan == plan {
				next = other
			}
			_ = w.Activate(next, at) // it may be refused
			continue
		}
		a := drawArrival(n, w.Plan, at)
		answerInTurn(n, w, a)
		if n.below(12) == 0 && len(a.Keys) > 0 {
			a.Input.Kind, a.Other = lifecycle.Merge, drawArrival(n, w.Plan, at).Keys
			if n.below(3) == 0 {
				a.Input.Kind = lifecycle.Split
			}
			a.Input.Due = 0
		}
		w.Take(a)
		if stored {
			continue
		}
		if err := w.Check(); err != nil {
			t.Fatalf("after a %s of %s: %v", a.Input.Kind, lifecycle.Stamp(at, w.Plan.Calendar.Zone()), err)
		}
	}
	if fault := inspector.Close(w.Roster); fault != "" && !stored {
		t.Fatal(fault)
	}
	return out
}

// answerInTurn makes what happens fit where the lead is, now and then, so that leads get far.
func answerInTurn(n noise, w *replay.World, a *lifecycle.Arrival) {
	in := &a.Input
	if in.Kind == lifecycle.Left && n.below(3) > 0 {
		in.Kind = lifecycle.Joined
	}
	if in.Kind == lifecycle.Consented && n.below(4) > 0 {
		in.Name = "granted"
	}
	if len(a.Keys) == 0 || n.below(2) == 0 {
		return
	}
	l := w.Find(a.Keys[0])
	if l == nil || l.Stage < 0 || l.Version != w.Version {
		return
	}
	in.Actor = l.Owner
	open := l.Handoff.State == lifecycle.HandoffOpen || l.Handoff.State == lifecycle.HandoffEscalated
	switch n.below(9) {
	case 0, 1:
		if open {
			in.Kind, in.Name, in.Values = lifecycle.Accept, "", nil
			if l.Owner == "" {
				in.Actor = people[0]
			}
		}
	case 2:
		in.Kind, in.Name, in.Values = lifecycle.HandBack, pick(n, w.Plan.Handbacks).Name, nil
		if open {
			in.Kind = lifecycle.Reject
		}
		if n.below(3) == 0 {
			in.Due = in.At + int64(n.below(20)-3)*86_400_000_000
		}
	case 3:
		in.Kind, in.Name, in.Values = lifecycle.Contact, "connected", nil
	case 4:
		in.Kind, in.Values = lifecycle.Answered, []lifecycle.Named{{Name: "budget", Value: agreement.BooleanValue(true)}}
	case 5:
		in.Kind, in.Name, in.At, in.Values = lifecycle.Did, "demo_requested", in.Known, nil
	}
}

// store puts the state through its stored form.
func store(t *rapid.T, v *lifecycle.View) {
	if v.Lead != nil {
		l, err := lifecycle.ParseLead(lifecycle.AppendLead(nil, v.Lead))
		if err != nil {
			t.Fatal(err)
		}
		*v.Lead = *l
	}
	if v.Account != nil {
		a, err := lifecycle.ParseAccount(lifecycle.AppendAccount(nil, v.Account))
		if err != nil {
			t.Fatal(err)
		}
		*v.Account = *a
	}
	r, err := lifecycle.ParseRoster(lifecycle.AppendRoster(nil, v.Roster))
	if err != nil {
		t.Fatal(err)
	}
	*v.Roster = *r
}

// fits finds out whether the state of a lead is what its facts say, and stays so until it is due.
func fits(t *rapid.T, w *replay.World, l *lifecycle.Lead, now int64) {
	plan, view := w.Plan, w.View(l.ID)
	facts := lifecycle.FactsAt(plan, &view, now)
	if grade := plan.Grade.Of(l.FitPoints, facts.Engagement); grade != l.Grade {
		t.Fatalf("lead %d has grade %s, its points make %s", l.ID, l.Grade, grade)
	}
	fit, level := int64(0), 0
	for i := range plan.Fit {
		if plan.Fit[i].When.Holds(facts) {
			fit += plan.Fit[i].Points
		}
	}
	for i := range plan.Readiness {
		if plan.Readiness[i].When.Holds(facts) {
			level = plan.Readiness[i].Level
		}
	}
	if fit != l.FitPoints || level != l.Readiness {
		t.Fatalf("lead %d has fit %d and readiness %d, its facts make %d and %d", l.ID, l.FitPoints, l.Readiness, fit, level)
	}
	for i := range plan.Clocks {
		rule := &plan.Clocks[i]
		at := slices.IndexFunc(l.Clocks, func(k lifecycle.Clock) bool { return k.Name == rule.Address })
		done := slices.Contains(l.Done, rule.Address)
		starts, stops := rule.Start.Holds(facts), rule.Stop != nil && rule.Stop.Holds(facts)
		switch {
		case at >= 0 && stops, at >= 0 && done, at < 0 && starts && !stops && !done, done && !starts:
			t.Fatalf("lead %d: clock %s: runs %t, done %t, start holds %t, stop holds %t", l.ID, rule.Name, at >= 0, done, starts, stops)
		case at >= 0 && rule.Pause != nil && l.Clocks[at].State != lifecycle.Breached && rule.Pause.Holds(facts) != (l.Clocks[at].State == lifecycle.Paused):
			t.Fatalf("lead %d: clock %s is %s, pause holds %t", l.ID, rule.Name, l.Clocks[at].State, rule.Pause.Holds(facts))
		}
	}
	due, truth := l.Due(), truths(plan, l, facts)
	for _, at := range []int64{now + 1, now + 3_600_000_000, due/2 + now/2, due - 1, now + 40*86_400_000_000} {
		if at <= now || at >= due {
			continue
		}
		if later := truths(plan, l, lifecycle.FactsAt(plan, &view, at)); later != truth {
			t.Fatalf("lead %d: nothing is due until %d, but at %d\n%s has become\n%s", l.ID, due, at, truth, later)
		}
	}
}

// truths are those of the conditions that matter to a lead where it is.
func truths(plan *agreement.Plan, l *lifecycle.Lead, facts *agreement.Facts) string {
	var b strings.Builder
	tell := func(name string, when *agreement.Condition) {
		if when != nil {
			fmt.Fprint(&b, name, "=", when.Eval(facts), " ")
		}
	}
	for _, i := range plan.Index.Automatic[l.Stage] {
		tell(plan.Transitions[i].Name, plan.Transitions[i].When)
	}
	for i := range plan.Readiness {
		tell(plan.Readiness[i].Address, plan.Readiness[i].When)
	}
	for i := range plan.Clocks {
		c := &plan.Clocks[i]
		tell(c.Name+".start", c.Start)
		tell(c.Name+".pause", c.Pause)
		tell(c.Name+".stop", c.Stop)
	}
	return b.String() + facts.Grade.String()
}
