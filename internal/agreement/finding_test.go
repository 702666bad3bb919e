package agreement

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindingsAreSortedAndCapped(t *testing.T) {
	var found Findings
	for i := range 60 {
		severity := Warning
		if i == 59 {
			severity = Error
		}
		found = append(found, Finding{Code: "A20", Severity: severity, File: "a.yaml", Line: 60 - i%60, Column: 1, EndColumn: 2, Message: "m"})
	}
	found[0].Line, found[59].Line = 1, 60 // the error comes last
	found = append(found, found[3])       // said twice
	got := found.sorted()
	if len(got) != mostFindings+1 {
		t.Fatalf("%d findings", len(got))
	}
	for i := 1; i < mostFindings; i++ {
		if got[i].Line < got[i-1].Line {
			t.Errorf("line %d follows %d", got[i].Line, got[i-1].Line)
		}
	}
	last := got[mostFindings]
	if last.Code != codeMore || last.Message != "10 more findings, from here on" || !got.HasErrors() || last.Severity != Error {
		t.Errorf("the last one is %+v", last)
	}
}

func TestFindingsSayWhereAndWhat(t *testing.T) {
	found := Findings{
		{Code: "A26", Severity: Error, Message: `there is no stage "mgl"`, Hint: "did you mean mql?", File: "a.yaml", Line: 2, Column: 3, EndColumn: 6, Address: "transitions.q",
			Related: []Related{{"a.yaml", 1, 1, "here"}}},
		{Code: "A14", Severity: Warning, Message: "NO", File: "b.yaml", Line: 9, Column: 1, EndColumn: 3},
	}
	source := func(file string) []byte {
		if file == "a.yaml" {
			return []byte("\ufefffirst\r\n\t\u202emgl\r\n")
		}
		return nil
	}
	want := "a.yaml:2:3: error A26: there is no stage \"mgl\"\n  2 | \t\ufffdmgl\n    | \t ^^^\n  a.yaml:1:1: here\n  hint: did you mean mql?\n\nb.yaml:9:1: warning A14: NO\n"
	if diff := cmp.Diff(want, found.Text(source, false)); diff != "" {
		t.Error(diff)
	}
	coloured := found.Text(source, true)
	if !strings.Contains(coloured, "\x1b[1;31m") || !strings.Contains(coloured, "\x1b[1;33m") || strings.Count(coloured, "\x1b[")%2 != 0 {
		t.Errorf("%q", coloured)
	}
	err := found.Err()
	if err == nil || err.Error() != `checking the agreement: a.yaml:2:3: error A26: there is no stage "mgl"` {
		t.Errorf("error %v", err)
	}
	if err := found[1:].Err(); err != nil {
		t.Errorf("a warning is an error: %v", err)
	}
	var back []map[string]any
	if err := json.Unmarshal(found.JSON(), &back); err != nil {
		t.Fatal(err)
	}
	want = `[map[address:transitions.q code:A26 column:3 end_column:6 file:a.yaml hint:did you mean mql? line:2 message:there is no stage "mgl" related:[map[column:1 file:a.yaml line:1 message:here]] severity:error] map[code:A14 column:1 end_column:3 file:b.yaml line:9 message:NO severity:warning]]`
	if got := fmt.Sprint(back); got != want {
		t.Errorf("JSON %s", got)
	}
	if got := string(Findings(nil).JSON()); got != "[]\n" {
		t.Errorf("no findings are %q", got)
	}
}

// A plan finds what an activity, a stage and a decision need without looking around.
func TestIndex(t *testing.T) {
	source, _ := Template("classic")
	p, found := Compile("classic.yaml", source, nil)
	if p == nil {
		t.Fatal(found.Text(nil, false))
	}
	x := &p.Index
	names := func(slots []int, name func(i int) string) string {
		var list []string
		for _, i := range slots {
			list = append(list, name(i))
		}
		return strings.Join(list, " ")
	}
	rule := func(i int) string { return p.Engagement[i].Name }
	if got := names(x.ByActivity[x.Activity["content_downloaded"]], rule); got != "price_list content" {
		t.Errorf("a download touches %s", got)
	}
	if got := names(x.ByActivity[x.Activity["unsubscribed"]], rule); got != "price_list unsubscribe" {
		t.Errorf("unsubscribing touches %s", got)
	}
	transition := func(i int) string { return p.Transitions[i].Name }
	if got := names(x.Automatic[x.Stage["nurture"]], transition); got != "again leaving" {
		t.Errorf("out of nurture lead %s", got)
	}
	if got := names(x.Automatic[x.Stage["sal"]], transition); got != "" {
		t.Errorf("out of sal lead %s by themselves", got)
	}
	for name, want := range map[string]int{"sql": 0, "mql": -1, "won": -1} { // order: each stands for itself
		if got := x.Offers[x.Stage[name]]; got != want {
			t.Errorf("%s offers %d", name, got)
		}
	}
	nurture := x.StageTopics[x.Stage["nurture"]]
	for topic, want := range map[int]bool{ // order: each stands for itself
		TopicEngagement: true, TopicFit: true, TopicTime: true, TopicHandoff: true, TopicGrade: false,
		p.AttributeTopic(x.Attribute["contract_ends"]): true, p.AttributeTopic(x.Attribute["country"]): false,
	} {
		if nurture.Has(topic) != want {
			t.Errorf("topic %d matters in nurture: %v", topic, !want)
		}
	}
	if !x.ReadinessTopics.Has(p.QuestionTopic(x.Question["budget"])) || x.ReadinessTopics.Has(TopicGrade) {
		t.Error("readiness depends on other things")
	}
	for _, address := range []string{"parties.sales", "goals.accepted_leads", "scoring.grade.fit", "readiness.5", "stages.mql.limit", "stages.mql.on_breach.2",
		"handoffs.sql_to_sales.accept_within", "assignment.everyone_else", "rules_of_engagement.in_play", "commitments.sales.won_value", "renamed.stages.prospect"} {
		if c, ok := x.Clause[address]; !ok || c.Address != address || c.Line == 0 {
			t.Errorf("no clause %s", address)
		}
	}
}
