package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

const (
	aMember = "johan.lind@northwind.example"
	aClock  = "handoffs.mql_to_sales.accept_within"
)

// asking is a request as pages have it, of a team with one member.
func asking(t *testing.T) *ask {
	t.Helper()
	source, _ := agreement.Template("waterfall")
	plan, findings := agreement.Compile("agreement.yaml", source, nil)
	if findings.HasErrors() {
		t.Fatal(findings.Err())
	}
	return &ask{plan: plan, version: 1, zone: time.UTC, now: time.Date(2026, 11, 12, 9, 42, 0, 0, time.UTC), viewer: &Viewer{Email: aMember},
		roster: &lifecycle.Roster{Members: []lifecycle.Member{{Person: agreement.Person{ID: aMember, Name: "Johan Lind"}}}}}
}

// raw is what nobody says: an address of a clause, a name with underscores, an address of a member, a time that never comes.
var raw = regexp.MustCompile(`[a-z]_[a-z]|[a-z]\.[a-z]|@|292277|\d\.\d{6}`)

// ofAll calls a function with each kind there is; name panics behind the last.
func ofAll(name func(int) string, each func(kind int, name string)) {
	kind := 1
	defer func() { _ = recover() }()
	for ; ; kind++ {
		func(n string) { each(kind, n) }(name(kind))
	}
}

// Each kind of change is told in words, or kept to Baton itself, which is said here.
func TestEveryChangeIsASentence(t *testing.T) {
	a := asking(t)
	at := a.now.UnixMicro()
	quiet := " lead_created account_joined attribute_set answer_set consent_set activity_counted asset_seen rescored returned contact_made wake_set account_attribute_set " +
		"ledger_moved load_changed rebound clock_ready lead_placed call_ready attend_set "
	count := 0
	ofAll(func(k int) string { return lifecycle.ChangeKind(k).String() }, func(k int, name string) {
		count++
		c := lifecycle.Change{Kind: lifecycle.ChangeKind(k), Name: "demo_requested", From: "no_answer", To: "keep_warm", At: at, Due: at + hour, Int: 2, Points: 5e6, Num: .5, Value: agreement.TextValue("phone_call")}
		switch c.Kind {
		case lifecycle.ClockStarted, lifecycle.ClockPaused, lifecycle.ClockResumed, lifecycle.ClockRestarted, lifecycle.ClockMoved, lifecycle.ClockBreached, lifecycle.ReminderSet, lifecycle.ClauseNamed:
			c.Name = aClock
		case lifecycle.ClockStopped:
			c.Name, c.To = aClock, "met"
		case lifecycle.OwnerSet, lifecycle.HandoffMoved, lifecycle.AccountOwnerSet, lifecycle.CallTaken:
			c.To = aMember
		case lifecycle.OwnerReminded:
			c.Name, c.To = aClock, "queue sales_floor"
		case lifecycle.SpokenAgainst:
			c.Name, c.To = aMember, aMember
		case lifecycle.MemberSet, lifecycle.MemberLeft, lifecycle.AbsenceSet, lifecycle.AbsenceCleared, lifecycle.HeldReviewed:
			c.Name = aMember
		case lifecycle.CallFreed:
			c.From, c.To = aMember, "lapsed"
		case lifecycle.StageEntered:
			c.From, c.To = "mql", "sal"
		case lifecycle.GradeChanged, lifecycle.ReadinessChanged:
			c.From, c.To = "B2", "A1"
		}
		words, _ := a.changed(&c)
		if hidden := strings.Contains(quiet, " "+name+" "); hidden != (words == "") {
			t.Errorf("%s: %q, to be kept quiet %v", name, words, hidden)
		}
		if raw.MatchString(words) {
			t.Errorf("%s: %q has something raw in it", name, words)
		}
		// and with what it is without
		if words, _ := a.changed(&lifecycle.Change{Kind: c.Kind, Name: c.Name}); raw.MatchString(words) {
			t.Errorf("%s, empty: %q", name, words)
		}
	})
	if count != int(lifecycle.OwnerReminded) {
		t.Errorf("%d kinds of change were looked at", count)
	}
}

// So is each kind of input, with a change, a clause and a refusal.
func TestEveryInputIsASentence(t *testing.T) {
	a := asking(t)
	at := a.now.UnixMicro()
	titles := map[string]string{}
	ofAll(func(k int) string { return lifecycle.InputKind(k).String() }, func(k int, name string) {
		in := lifecycle.Input{ID: 7, Kind: lifecycle.InputKind(k), Lead: 3, Other: 4, At: at, Known: at, Actor: aMember, Name: "no_budget", Import: 2,
			Values: []lifecycle.Named{{Name: "answers.authority", Value: agreement.BooleanValue(true)}, {Name: "time_line", Value: agreement.TextValue("this_year")}}}
		switch in.Kind {
		case lifecycle.Assign, lifecycle.OwnAccount, lifecycle.Left, lifecycle.Absent, lifecycle.Present, lifecycle.Calendar, lifecycle.Hours:
			in.Name = aMember
		}
		d := lifecycle.Decision{Input: 7, Lead: 3, At: at, Version: 1, Reasons: []lifecycle.Reason{{Clause: aClock, Text: "3 tries (tele_qualification.exhausted)"}, {Clause: "attributes", Text: "the agreement has no attribute company.shoe_size; the value is kept"}},
			Changes: []lifecycle.Change{{Kind: lifecycle.QueueSet, To: "sales_floor", Reason: 1}, {Kind: lifecycle.ReminderSet, Name: aClock, At: at + hour}}}
		h := a.happening(&store.Event{Input: in, Decision: d})
		titles[name] = h.Title
		for _, words := range append([]string{h.Title, h.Text, h.Refused}, wordsOf(h.Follows)...) {
			if raw.MatchString(words) {
				t.Errorf("%s: %q has something raw in it", name, words)
			}
		}
		if strings.TrimSpace(h.Title) == "" || len(h.Follows) != 3 || h.Follows[0].Clause != aClock || h.Follows[1].Clause != aClock || h.Follows[2].Clause != "attributes" {
			t.Errorf("%s: %+v", name, h)
		}
		if in.Kind != lifecycle.Assign && h.Follows[0].Words != "Waits in the queue sales floor: 3 tries" {
			t.Errorf("%s: %q", name, h.Follows[0].Words)
		}
	})
	if len(titles) != int(lifecycle.Hours) {
		t.Errorf("%d kinds of input were looked at", len(titles))
	}
	for name, title := range titles { // order: does not matter to a test
		if strings.EqualFold(strings.ReplaceAll(name, "_", " "), title) && name != "win" {
			t.Errorf("%s has no words of its own: %q", name, title)
		}
	}
	if text := said(&lifecycle.Input{Values: []lifecycle.Named{{Name: "answers.authority", Value: agreement.BooleanValue(true)}}}); text != "Authority: yes." {
		t.Errorf("an answer is told as %q", text)
	}
}

func wordsOf(list []consequence) (words []string) {
	for _, c := range list {
		words = append(words, c.Words)
	}
	return words
}

// And each message that a decision sends.
func TestEveryMessageIsASentence(t *testing.T) {
	a := asking(t)
	for _, event := range agreement.Events {
		if messageWords[event] == "" {
			t.Errorf("no words for %s", event)
		}
		for _, way := range []string{"email", "slack", "teams", "webhook", "inbox"} {
			for _, to := range []string{aMember, "queue sales_floor", "marketing", ""} {
				if m := a.message(&store.Job{Kind: event, Recipient: to, Channel: way}); raw.MatchString(m.Words) || strings.Contains(m.Words, "  ") {
					t.Errorf("%s: %q", event, m.Words)
				}
			}
		}
	}
}

func TestPlain(t *testing.T) {
	a := asking(t)
	for text, want := range map[string]string{
		"":                                      "",
		"by hand: johan.lind@northwind.example": "by hand: Johan Lind",
		"nobody was reached, 6 tries (tele_qualification.exhausted)":         "nobody was reached, 6 tries",
		"it was a call that ends the tries (tele_qualification.ends), twice": "it was a call that ends the tries, twice",
		"stands still by " + aClock + ".":                                    "stands still by the time to accept.",
		"the agreement has no clause scoring.fit.shoe_size: kept":            "the agreement has no clause scoring fit shoe size: kept",
		"company.employees should be a number":                               "company employees should be a number",
		"the same domain as acme.example, v1.2":                              "the same domain as acme.example, v1.2",
		"grade A1, price_list (high), 3 days left":                           "grade A1, price list (high), 3 days left",
		"answers.authority yes":                                              "authority yes",
		"cap reached (assignment.nordics)":                                   "cap reached",
	} { // order: does not matter to a test
		if got := a.plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A deadline that moves because somebody works other hours is told, with why; a look that changed nothing is not.
func TestADeadlineMoves(t *testing.T) {
	a := asking(t)
	at := a.now.UnixMicro()
	look := lifecycle.Input{ID: 8, Kind: lifecycle.Refresh, Lead: 3, At: at, Known: at}
	moved := lifecycle.Decision{Input: 8, Lead: 3, At: at, Version: 1, Reasons: []lifecycle.Reason{{Clause: "calendar", Text: aMember + " works other hours now"}},
		Changes: []lifecycle.Change{{Kind: lifecycle.ClockMoved, Name: aClock, Due: at + 3*hour, Reason: 1}, {Kind: lifecycle.ReminderSet, Name: aClock, At: at + hour}}}
	list := a.timeline([]store.Event{{Input: look, Decision: moved}, {Input: look}}, nil)
	if len(list) != 1 || list[0].Title != "A deadline moves" || len(list[0].Follows) != 2 || list[0].Follows[0] != (consequence{"Time to accept until " + a.dateTime(at+3*hour) + " now: Johan Lind works other hours now", "calendar"}) {
		t.Errorf("%+v", list)
	}
}

func TestInPlaceOf(t *testing.T) {
	for text, want := range map[string]string{
		"a@x.example spoke":                 "Ada spoke",
		"it is with a@x.example.":           "it is with Ada.",
		"(a@x.example) a@x.example's":       "(Ada) Ada's",
		"aa@x.example, b.a@x.example":       "aa@x.example, b.a@x.example",
		"a@x.example.com":                   "a@x.example.com",
		"a@x.examples and a@x.example-b.se": "a@x.examples and a@x.example-b.se",
		"people.a@x.example":                "people.a@x.example",
		"a@x.example. Then a@x.example":     "Ada. Then Ada",
		"":                                  "",
	} {
		if got := inPlaceOf(text, "a@x.example", "Ada"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
