package replay_test

import (
	"os"
	"strings"
	"testing"

	"baton/internal/replay"
)

// Each thing that cannot be done is refused with a sentence for the person who asked: what stands in the way, and what to do.
func TestRefusals(t *testing.T) {
	data, err := os.ReadFile("testdata/refusals.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const (
		offered  = "2026-03-02 09:00 anna@acme.example identify ready=yes\n" // to Jonas, until 13:00; then to Lena, until 17:00
		accepted = offered + "2026-03-02 09:30 anna@acme.example accept by=jonas@northwind.example\n"
		moved    = offered + "2026-03-02 13:30 until\n"
		taken    = moved + "2026-03-02 14:00 anna@acme.example accept by=lena@northwind.example\n"
		queued   = offered + "2026-03-02 09:10 team leave lena@northwind.example\n2026-03-02 14:00 until\n"
		called   = "2026-03-02 09:00 anna@acme.example activity visited\n"
	)
	for _, c := range []struct{ name, before, asks, refused string }{
		{"late, after it went to another", moved, "accept by=jonas@northwind.example",
			"this lead went to Lena Lund on 2 Mar 13:00, when the time to accept it was over; ask them if you would like it back"},
		{"late, after another accepted it", taken, "accept by=jonas@northwind.example", "Lena Lund accepted this one on 2 Mar 14:00; ask them if you would like to have it"},
		{"late rejection", moved, "reject no_fit by=jonas@northwind.example",
			"this lead went to Lena Lund on 2 Mar 13:00, when the time to accept it was over; ask them if you would like it back"},
		{"accepted twice", accepted, "accept by=jonas@northwind.example", "you have accepted this lead already, on 2 Mar 09:30"},
		{"offered to another", offered, "accept by=lena@northwind.example", "this lead is offered to Jonas Ek, not to Lena Lund; they or their manager answer for it"},
		{"unknown user accepts", offered, "accept by=nobody@northwind.example",
			`nobody called "nobody@northwind.example" is in the team; sign in as somebody who is, or ask whoever runs Baton to add you`},
		{"unknown user rejects", offered, "reject no_fit by=nobody@northwind.example",
			`nobody called "nobody@northwind.example" is in the team; sign in as somebody who is, or ask whoever runs Baton to add you`},
		{"unknown user hands back", accepted, "hand_back timing by=nobody@northwind.example",
			`nobody called "nobody@northwind.example" is in the team; sign in as somebody who is, or ask whoever runs Baton to add you`},
		{"unknown user of a queue", queued, "accept by=nobody@northwind.example",
			`nobody called "nobody@northwind.example" is in the team; sign in as somebody who is, or ask whoever runs Baton to add you`},
		{"marketing takes from sales' queue", queued, "accept by=mona@northwind.example",
			"Mona Berg is not an active member of sales, and this lead waits in the queue unassigned for one"},
		{"given to nobody", offered, "assign nobody@northwind.example by=boss@northwind.example", `nobody called "nobody@northwind.example" is in the team; choose somebody who is`},
		{"reason of another hand-off", offered, "reject later by=jonas@northwind.example",
			`"later" is no reason to reject under handoffs.mql_to_sales; the agreed ones are no_fit, timing`},
		{"no such reason", accepted, "hand_back nonsense by=jonas@northwind.example", `"nonsense" is no reason to hand back; the agreed ones are timing, no_fit, later`},
		{"handed back before it was accepted", offered, "hand_back timing by=jonas@northwind.example",
			"this lead has not been accepted yet: reject it instead, with one of the agreed reasons"},
		{"handed back by another", accepted, "hand_back timing by=lena@northwind.example", "this lead is Jonas Ek's; only they or their manager can hand it back; ask them"},
		{"rejected after it was accepted", accepted, "reject timing by=jonas@northwind.example",
			"you have accepted this lead already, on 2 Mar 09:30: hand it back instead, with one of the agreed reasons"},
		{"a transition of another stage", accepted, "move park by=jonas@northwind.example", "park does not lead out of stage sal; from stage sal you can take win, lose"},
		{"a transition of the other side", accepted, "move win by=mona@northwind.example", "win is for sales to take (transitions.win)"},
		{"a transition that happens by itself", called, "move qualify by=mona@northwind.example",
			"qualify happens by itself, when its condition holds; nobody can take it by hand"},
		{"no such transition", called, "move nonsense by=jonas@northwind.example", `the agreement has no transition "nonsense"; from stage lead nothing can be taken by hand`},
		{"won from where nobody wins", called, "win by=jonas@northwind.example", "a lead in stage lead cannot be won; that is possible from sal"},
		{"a revisit date that is past", accepted, "hand_back timing by=jonas@northwind.example revisit=2026-02-01", "the revisit date, 1 Feb 00:00, is past; choose one that lies ahead, or none for the agreed one"},
		{"no such outcome", accepted, "contact nonsense by=jonas@northwind.example",
			`"nonsense" is no outcome of a contact; they are connected, meeting, replied, voicemail, no_answer, wrong_number, sent, autoresponder`},
		{"a call nobody waits for", accepted, "take by=mona@northwind.example", "this lead does not wait to be called: it is in stage sal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := "14:30"
			if c.before == offered { // still with Jonas
				at = "09:20"
			}
			text := "-- agreement.yaml --\n" + string(data) + "-- inputs --\n" + c.before + "2026-03-02 " + at + " anna@acme.example " + c.asks + "\n-- decisions --\n"
			s, err := replay.ParseScenario("refused", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			out, _, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			got, ok := strings.CutPrefix(lines[len(lines)-1], "    refused: ")
			if !ok || got != c.refused {
				t.Errorf("%s\n  says %q\n  not  %q", c.asks, lines[len(lines)-1], c.refused)
			}
		})
	}
}
