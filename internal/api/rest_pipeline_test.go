package api

import (
	"strings"
	"testing"

	"baton/internal/pgtest"
)

func TestPipeline(t *testing.T)           { pipeline(t, classicDesk(t, "")) }
func TestPipelineOnPostgres(t *testing.T) { pipeline(t, classicDesk(t, pgtest.Database(t))) }

func pipeline(t *testing.T, d *desk) {
	d.want(200, ScopeWrite, "POST", "/members", map[string]any{"id": "jonas@northwind.example", "name": "Jonas Ek", "side": "sales", "pools": []string{"field"}})
	const jonas = "jonas@northwind.example"
	var leads []string
	for _, email := range []string{"ada@acme.example", "bo@acme.example", "cy@acme.example"} {
		path := d.offered(email)
		d.want(200, ScopeWrite, "POST", path+"/contact", map[string]any{"actor": mona, "outcome": "connected", "answers": map[string]any{"authority": true, "need": "A quieter drive"}})
		d.want(200, ScopeWrite, "POST", path+"/accept", map[string]any{"actor": jonas})
		leads = append(leads, path)
	}
	d.want(200, ScopeWrite, "POST", leads[0]+"/estimate", map[string]any{"actor": jonas, "value": 100000, "effort": 20})
	d.want(200, ScopeWrite, "POST", leads[1]+"/estimate", map[string]any{"actor": jonas, "value": 60000, "probability": 0.5, "effort": 100, "competitors": []string{"incumbent", "low_cost_import"}})

	// 60,000 at 50 % before 100,000 at the 10 % of the stage, and who is not estimated last
	list := d.want(200, ScopeRead, "GET", "/pipeline", nil)
	if list.text("items.0.lead.email") != "bo@acme.example" || list.get("items.0.expected") != 30000.0 || list.text("items.0.competitors.0") != "low_cost_import" ||
		list.text("items.1.lead.email") != "ada@acme.example" || list.get("items.1.expected") != 10000.0 || list.get("items.1.assumed") != true || list.get("items.2.value") != 0.0 {
		t.Error(list.Text)
	}
	if list.get("total.leads") != 3.0 || list.get("total.value") != 160000.0 || list.get("total.expected") != 40000.0 {
		t.Error(list.Text)
	}
	if mine := d.want(200, ScopeRead, "GET", "/pipeline?limit=1&owner="+jonas, nil); mine.get("items.1") != nil || mine.get("total.leads") != 3.0 {
		t.Error(mine.Text)
	}
	if none := d.want(200, ScopeRead, "GET", "/pipeline?owner="+mona, nil); none.get("items.0") != nil || none.get("total.leads") != 0.0 {
		t.Error(none.Text)
	}

	// what is missing is named
	asked := d.want(200, ScopeRead, "GET", leads[1]+"/qualification", nil)
	if asked.get("ready") != false || asked.text("before") != "opportunity" || asked.text("questions.0.ask") != "Can we show enough value?" || asked.text("competitors.0.strengths.0") != "price" || asked.text("walk_away.0") != "too_small" {
		t.Error(asked.Text)
	}
	if p := d.refusal("refused", ScopeWrite, "POST", leads[1]+"/move", map[string]any{"actor": jonas, "transition": "pursue"}); !strings.Contains(p.text("detail"), "enough_value is not answered (Can we show enough value?)") {
		t.Error(p.Text)
	}
	d.want(200, ScopeWrite, "POST", leads[1]+"/answer", map[string]any{"actor": jonas, "answers": map[string]any{"enough_value": true, "profitable": true, "can_compete": true}})
	if ready := d.want(200, ScopeRead, "GET", leads[1]+"/qualification", nil); ready.get("ready") != true || ready.get("return") != 30000.0/9000 {
		t.Error(ready.Text)
	}
	if moved := d.want(200, ScopeWrite, "POST", leads[1]+"/move", map[string]any{"actor": jonas, "transition": "pursue"}); moved.text("lead.stage") != "opportunity" {
		t.Error(moved.Text)
	}

	d.refusal("vocabulary", ScopeWrite, "POST", leads[2]+"/walk-away", map[string]any{"actor": jonas, "reason": "bored"})
	if left := d.want(200, ScopeWrite, "POST", leads[2]+"/walk-away", map[string]any{"actor": jonas, "reason": "too_small", "note": "Two machines"}); left.text("lead.outcome") != "walked_away" {
		t.Error(left.Text)
	}
	d.refusal("refused", ScopeWrite, "POST", leads[2]+"/walk-away", map[string]any{"actor": jonas, "reason": "too_small"})
	if list := d.want(200, ScopeRead, "GET", "/leads?outcome=walked_away", nil); list.text("items.0.email") != "cy@acme.example" || list.get("items.1") != nil {
		t.Error(list.Text)
	}
	if list := d.want(200, ScopeRead, "GET", "/pipeline", nil); list.get("total.leads") != 2.0 {
		t.Error(list.Text)
	}

	d.refusal("invalid", ScopeWrite, "POST", leads[0]+"/estimate", map[string]any{"actor": jonas})
	d.refusal("vocabulary", ScopeWrite, "POST", leads[0]+"/estimate", map[string]any{"actor": jonas, "competitors": []string{"nobody"}})
	d.refusal("invalid", ScopeWrite, "POST", leads[0]+"/estimate", map[string]any{"actor": jonas, "probability": 30})
	d.want(200, ScopeWrite, "POST", leads[0]+"/hand-back", map[string]any{"actor": jonas, "reason": "timing"})
	d.refusal("refused", ScopeWrite, "POST", leads[0]+"/estimate", map[string]any{"actor": jonas, "value": 5})
}

// Whoever has a lead is reminded of its clock, once in an hour.
func TestRemind(t *testing.T) {
	d := classicDesk(t, "")
	const jonas = "jonas@northwind.example"
	d.want(200, ScopeWrite, "POST", "/members", map[string]any{"id": jonas, "name": "Jonas Ek", "side": "sales", "pools": []string{"field"}})
	path := d.offered("ada@acme.example")
	d.want(200, ScopeWrite, "POST", path+"/contact", map[string]any{"actor": mona, "outcome": "connected", "answers": map[string]any{"authority": true, "need": "A quieter drive"}})
	done := d.want(200, ScopeWrite, "POST", path+"/remind", map[string]any{"actor": mona, "clock": "handoffs.sql_to_sales.accept_within", "note": "Their fair is next week"})
	if !strings.Contains(done.Text, "Their fair is next week") {
		t.Error(done.Text)
	}
	if p := d.refusal("refused", ScopeWrite, "POST", path+"/remind", map[string]any{"actor": mona}); !strings.Contains(p.text("detail"), "once in an hour is enough") {
		t.Error(p.Text)
	}
	d.refusal("refused", ScopeWrite, "POST", path+"/remind", map[string]any{"actor": mona, "clock": "clocks.nonsense"})
	d.refusal("vocabulary", ScopeWrite, "POST", path+"/remind", map[string]any{"actor": "nobody@northwind.example"})
}
