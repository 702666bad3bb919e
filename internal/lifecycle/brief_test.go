package lifecycle_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

func TestBrief(t *testing.T) {
	s := newTale(t)
	at := stockholm(t, "2026-03-02 09:00")
	s.known(at)
	s.did(at, "page_viewed", "webinar_attended")
	s.happens(lifecycle.Input{Kind: lifecycle.Did, At: at + 60e6, Name: "content_downloaded", Asset: "price_list"})
	s.did(at+120e6, "demo_requested")
	owner := s.view.Lead.Owner
	s.happens(lifecycle.Input{Kind: lifecycle.Accept, At: at + 180e6, Actor: owner})
	s.happens(lifecycle.Input{Kind: lifecycle.Contact, At: at + 240e6, Actor: owner, Name: "connected", Values: []lifecycle.Named{{Name: "authority", Value: agreement.BooleanValue(true)}}})

	b := lifecycle.BriefOf(s.plan, &s.view, s.past, lifecycle.Speaker{Member: owner}, at+300e6)
	if b.Ready == nil || b.Ready.Stage != "mql" || !strings.HasPrefix(b.Ready.Clause, "transitions.") || len(b.Ready.Saw) == 0 {
		t.Errorf("ready: %+v", b.Ready)
	}
	want := &lifecycle.BriefAsset{Name: "price_list", Worth: "high", BuyingStage: "deciding", At: at + 60e6}
	if diff := cmp.Diff(want, b.Asset); diff != "" {
		t.Errorf("asset (-want +got):\n%s", diff)
	}
	if b.Last == nil || b.Last.Name != "demo_requested" || b.Changed == nil || b.Changed.At != at+240e6 {
		t.Errorf("last %+v, changed %+v", b.Last, b.Changed)
	}
	if len(b.Answers) != 1 || len(b.Questions) != len(s.plan.Questions)-1 || b.Answers[0].Value != "yes" {
		t.Errorf("answers %+v, questions %+v", b.Answers, b.Questions)
	}
	if !b.Speak.Allowed || b.Speak.Holder != owner || len(b.Activities) != s.plan.Brief.Activities || b.Activities[0].Worth != "high" {
		t.Errorf("speak %+v, activities %+v", b.Speak, b.Activities)
	}
	for i := 1; i < len(b.Points); i++ {
		if b.Points[i-1].Points < b.Points[i].Points {
			t.Errorf("points %+v", b.Points)
		}
	}

	// what came of it before is told with its pass, and the clause that made it ready is this pass's
	s.happens(lifecycle.Input{Kind: lifecycle.HandBack, At: at + 360e6, Actor: owner, Name: "timing", Text: " in spring "})
	for s.view.Lead.Pass == 1 {
		s.wait()
	}
	b = lifecycle.BriefOf(s.plan, &s.view, s.past, lifecycle.Speaker{Side: agreement.Marketing}, s.view.Lead.Clock)
	if len(b.Before) != 1 || b.Before[0].Pass != 1 || b.Before[0].Note != "in spring" || b.Before[0].Name != "timing" || b.Pass != 2 {
		t.Errorf("before %+v in pass %d", b.Before, b.Pass)
	}
	if b.Ready != nil && b.Ready.At < at+360e6 {
		t.Errorf("ready since the pass before: %+v", b.Ready)
	}
}
