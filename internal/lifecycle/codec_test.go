package lifecycle

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"baton/internal/agreement"
)

func drawValue(t *rapid.T) agreement.Value {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return agreement.TextValue(rapid.String().Draw(t, "text"))
	case 1:
		return agreement.ChoiceValue(rapid.StringMatching(`[a-zA-Z_]{1,9}`).Draw(t, "choice"))
	case 2:
		return agreement.NumberValue(rapid.Float64Range(-1e12, 1e12).Draw(t, "number"))
	case 3:
		return agreement.DateValue(rapid.Int64Range(0, 4e15).Draw(t, "date"))
	case 4:
		return agreement.BooleanValue(rapid.Bool().Draw(t, "boolean"))
	}
	return agreement.Value{}
}

func drawLead(t *rapid.T) *Lead {
	n := rapid.Int64Range(-5, 1<<60)
	small := rapid.IntRange(-1, 40)
	word := rapid.StringMatching(`[a-z.@]{0,12}`)
	instants := rapid.SliceOfN(rapid.Int64Range(0, 1<<52), 0, 5)
	l := &Lead{ID: n.Draw(t, "id"), Account: n.Draw(t, "account"), Seq: n.Draw(t, "seq"), Clock: n.Draw(t, "clock"), Created: n.Draw(t, "created"),
		Version: n.Draw(t, "version"), Origin: agreement.Side(rapid.IntRange(0, 2).Draw(t, "origin")), Total: n.Draw(t, "total"),
		FitPoints: n.Draw(t, "fit"), Engagement: -n.Draw(t, "engagement"), Grade: agreement.Grade{Fit: 'A', Engagement: '3'}, Readiness: 3,
		Asset: small.Draw(t, "asset"), AssetAt: n.Draw(t, "assetAt"), BuyingStage: small.Draw(t, "buying"), Stage: small.Draw(t, "stage"),
		Entered: n.Draw(t, "entered"), Pass: 2, PassFrom: n.Draw(t, "passFrom"), Returned: rapid.Bool().Draw(t, "returned"), Track: small.Draw(t, "track"),
		Revisit: n.Draw(t, "revisit"), Owner: word.Draw(t, "owner"), Queue: small.Draw(t, "queue"), Value: rapid.Float64().Draw(t, "value"),
		Back: small.Draw(t, "back"), Cleared: n.Draw(t, "cleared"), Done: rapid.SliceOfN(word, 0, 3).Draw(t, "done"),
		Consent: Consent{Granted, n.Draw(t, "consentAt"), word.Draw(t, "consent")}, Wake: n.Draw(t, "wake"),
		Handoff: Handoff{ID: n.Draw(t, "handoff"), Rule: small.Draw(t, "rule"), State: HandoffEscalated, Offered: n.Draw(t, "offered"), Reassigned: 2,
			Tried: rapid.SliceOfN(word, 0, 3).Draw(t, "tried"), Reason: small.Draw(t, "reason")},
	}
	for range rapid.IntRange(0, 6).Draw(t, "attributes") {
		l.Attributes = append(l.Attributes, drawValue(t))
	}
	for range rapid.IntRange(0, 3).Draw(t, "activities") {
		l.Activities = append(l.Activities, agreement.Memory{Activity: small.Draw(t, "a"), Count: 3, First: 5, Last: n.Draw(t, "last"), Recent: instants.Draw(t, "recent")})
		l.Rules = append(l.Rules, RuleMemory{Rule: small.Draw(t, "r"), Points: -n.Draw(t, "points"), Ref: n.Draw(t, "ref"), Counted: instants.Draw(t, "counted")})
		l.Clocks = append(l.Clocks, Clock{Name: word.Draw(t, "clock"), Started: 4, Within: n.Draw(t, "within"), Unit: 2, Due: agreement.Never, State: Paused, Breaches: 1, Step: 3, Remind: n.Draw(t, "remind"), Asked: n.Draw(t, "asked"), Member: word.Draw(t, "member"), AskedBy: word.Draw(t, "asker")})
		l.Fit = append(l.Fit, small.Draw(t, "f"))
	}
	return l
}

func TestLeadSurvivesStorage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawLead(t)
		stored := AppendLead(nil, want)
		got, err := ParseLead(stored)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-stored +read)\n%s", diff)
		}
		if !bytes.Equal(stored, AppendLead(nil, got)) {
			t.Fatal("stored twice, the bytes differ")
		}
		// a state cut short anywhere is an error, never a panic
		cut := rapid.IntRange(0, len(stored)-1).Draw(t, "cut")
		if _, err := ParseLead(stored[:cut]); err == nil {
			t.Fatalf("cut at %d of %d was read without an error", cut, len(stored))
		}
	})
}

func FuzzParseLead(f *testing.F) {
	f.Add(AppendLead(nil, &Lead{Attributes: []agreement.Value{agreement.TextValue("x")}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := ParseLead(b); err == nil {
			if _, err := ParseLead(AppendLead(nil, l)); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = ParseAccount(b)
		_, _ = ParseRoster(b)
	})
}

func TestRosterAndAccountSurviveStorage(t *testing.T) {
	roster := &Roster{Seq: 4, Version: 2, Members: []Member{{Person: agreement.Person{ID: "a@x", Name: "A", Side: agreement.Sales, Manager: "m@x", Pools: []int{0, 2}, Weight: 2, Capacity: 9,
		PerDay: 5, Traits: [agreement.Traits][]int{{1}, nil, {0, 2}}, Accounts: []string{"acme.example"}},
		Away: []Absence{{From: 1, To: 5}, {From: 3, To: 9, Calendar: true}}, Day: 20514, Today: 2, Open: 3, Taken: 8, Inactive: true}}, Ledgers: []Ledger{{}, {Pool: 1, Entries: []Entry{{"a@x", -400_000, 12, 99, 4, true}}}}}
	got, err := ParseRoster(AppendRoster(nil, roster))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(roster, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("roster (-stored +read)\n%s", diff)
	}
	account := &Account{ID: 5, Version: 1, Seq: 3, Key: "acme.example", Owner: "a@x", Attributes: []agreement.Value{{}, agreement.NumberValue(3)}}
	back, err := ParseAccount(AppendAccount(nil, account))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(account, back); diff != "" {
		t.Errorf("account (-stored +read)\n%s", diff)
	}
}

func TestInputSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		in := Input{Due: rapid.Int64().Draw(t, "due"), Actor: text.Draw(t, "actor"), Source: text.Draw(t, "source"), Key: text.Draw(t, "key"), Name: text.Draw(t, "name"),
			Text: text.Draw(t, "text"), Value: rapid.Float64().Draw(t, "value"), Bot: rapid.Bool().Draw(t, "bot"), Origin: agreement.Sales,
			Keep: rapid.SliceOfN(text, 0, 2).Draw(t, "keep")}
		for range rapid.IntRange(0, 3).Draw(t, "values") {
			in.Values = append(in.Values, Named{text.Draw(t, "valueName"), drawValue(t)})
		}
		if rapid.Bool().Draw(t, "member") {
			in.Member = &agreement.Person{ID: "a", Pools: []int{0, 3}, Side: agreement.Sales, Weight: 2}
		}
		stored := in.AppendJSON(nil)
		got, err := ParseInput(stored)
		if err != nil {
			t.Fatalf("%v in %s", err, stored)
		}
		if again := got.AppendJSON(nil); !bytes.Equal(stored, again) {
			t.Fatalf("stored\n%s\nread and stored again\n%s", stored, again)
		}
	})
}

func TestDecisionSurvivesJSON(t *testing.T) {
	d := Decision{Changes: []Change{{Kind: StageEntered, Reason: 1, Name: "qualify", From: "lead", To: "mql", At: 5},
		{Kind: LedgerMoved, Members: []string{"a", "b\"\n\x01"}, Num: 1.5, Unit: 1, Value: agreement.ChoiceValue("SE")},
		{Kind: MemberSet, Member: &agreement.Person{ID: "a", Weight: 3}}},
		Effects: []Effect{{TellOffer, "a", "x", 1}}, Reasons: []Reason{{"transitions.qualify", "why", []agreement.Seen{{Name: "grade", Value: "A1"}}}}, Refused: ""}
	stored := d.AppendJSON(nil)
	got, err := ParseDecision(stored)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-stored +read)\n%s", diff)
	}
}

func TestEveryKindHasAWord(t *testing.T) {
	for k := NoChange + 1; int(k) < len(changeWords); k++ {
		if k.String() == "" {
			t.Errorf("change %d has no word", k)
		}
	}
	if len(changeWords) != int(OwnerReminded)+1 {
		t.Errorf("%d words for %d changes", len(changeWords), OwnerReminded+1)
	}
	if len(inputWords) != int(Hours)+1 {
		t.Errorf("%d words for %d inputs", len(inputWords), Hours+1)
	}
	if len(effectWords) != int(TellResumed)+1 {
		t.Errorf("%d words for %d effects", len(effectWords), TellResumed+1)
	}
}
