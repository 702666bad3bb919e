//go:build unix

package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/replay"
)

// inStage is a lead in a stage that somebody holds, the one of which least was answered.
func (l *live) inStage(t *testing.T, stage, owner string) int64 {
	t.Helper()
	found, err := l.Store.Query(t.Context(), fmt.Sprintf("SELECT id FROM lead WHERE stage = '%s' AND owner = '%s' AND readiness > 0 ORDER BY readiness, id LIMIT 1", stage, owner))
	if err != nil || len(found.Rows) != 1 {
		t.Fatal(stage, owner, found, err)
	}
	return found.Rows[0][0].(int64)
}

// worthPart is the part of the page of a lead about whether it is worth it.
func worthPart(page string) string {
	return regexp.MustCompile(`(?s)<section[^>]*id="worth".*?</section>`).FindString(page)
}

// headPart is the head of the page of a lead.
func headPart(page string) string {
	return regexp.MustCompile(`(?s)<section[^>]*aria-labelledby="who".*?</section>`).FindString(page)
}

// What sales asks itself is answered, estimated and left on the page of the lead. What is refused is told there, with what was filled in.
func TestWorthPage(t *testing.T) {
	l := servePages(t)
	id := l.inStage(t, "sql", johan)
	path := fmt.Sprintf("/leads/%d", id)
	page := l.page(t, "rep", path)
	part := worthPart(page)
	has(t, "what is asked", part, "Is it worth our effort?", "2 things are missing before Opportunity", "Which problem are they trying to solve?", "We mean: They lose 50,000 a year or more to it, by their own figures.",
		"you, 28 Oct", "Needed: yes", "what we agreed on", "sales_qualification.questions.budget", "Take it to Opportunity", "Walk away", "Too small", "Not by the date they need it.", "Low cost import")
	has(t, "for marketing", worthPart(l.page(t, "marketing", path)), "Johan Lind, 28 Oct", "not <form", "not Walk away")
	has(t, "what nobody has asked", worthPart(l.page(t, "rep", fmt.Sprintf("/leads/%d", l.inStage(t, "sal", johan)))), "things are missing before Opportunity", "answered yet", "not Take it to Opportunity")
	if more := l.page(t, "rep", l.at(t, "/leads/LEAD")); worthPart(more) != "" {
		t.Error("what is only offered is asked whether it is worth it")
	}
	post := func(act, body string) (page, part string) {
		t.Helper()
		text, status := l.form(t, "rep", path+"/"+act, body+"&who=Her&back="+path)
		if status != 200 {
			t.Fatalf("%s: %d\n%s", act, status, text)
		}
		return text, worthPart(text)
	}
	was := func(page string) string {
		var fields []string
		for _, m := range regexp.MustCompile(`name="(was\.\w+)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			fields = append(fields, m[1]+"="+m[2])
		}
		if len(fields) != 4 {
			t.Fatalf("the form says that it showed %q", fields)
		}
		return "&at=worth&" + strings.Join(fields, "&")
	}

	page, part = post("move", "transition=pursue&at=worth")
	has(t, "going on too early", part, `class="refusal"`, "budget is no, and we agreed on", "timeline is later")
	has(t, "the head", headPart(page), "not we agreed on")
	_, part = post("answer", "answer.need=Two+lines+stand+still&answer.budget=no&answer.timeline=later&at=worth")
	has(t, "answers", part, "Two lines stand still", "you, today", "what we agreed on</div>")
	_, part = post("answer", "answer.timeline=never&note=By+phone&at=worth")
	has(t, "an answer of another kind", part, "The answer to timeline should be", `value="By phone"`)
	_, part = post("answer", "answer.budget=yes&answer.timeline=this_year&at=worth")
	has(t, "the other answers", part, "not what we agreed on", "This year", "Nothing is missing: it can go on to Opportunity")

	_, part = post("estimate", "value=a+lot&probability=30&effort=&competitor.incumbent=yes&note=A+guess"+was(part))
	has(t, "no number", part, `class="refusal"`, "What it may be worth should be a number", `value="a lot"`, `value="A guess"`, `name="competitor.incumbent" value="yes" checked`)
	for _, body := range []string{"probability=101", "probability=-1", "effort=1e9", "value=Inf", "value=0x10"} {
		_, part = post("estimate", body+was(part))
		has(t, body, part, `class="refusal"`, "should be a number")
	}
	_, part = post("estimate", "competitor.nobody=yes"+was(part))
	has(t, "nobody of the agreement", part, `class="refusal"`, "has no competitor")
	_, part = post("estimate", "value=60,000&probability=33.3&effort=40&competitor.incumbent=yes&competitor.low_cost_import=yes"+was(part))
	has(t, "the estimate", part, "60,000", "33.3 %", "40 hours", "which cost 3,600", "19,980", "Last said: you, today", "known to the plant", "“Show five years of cost", "Nothing is missing: it can go on to Opportunity", "not class=\"refusal\"")
	if v := l.lead(t, id).Lead; v.Value != 60000 || v.Probability != 0.333 || v.Effort != 40 || strings.Join(v.Competitors, " ") != "incumbent low_cost_import" {
		t.Errorf("estimated: %v %v %v %v", v.Value, v.Probability, v.Effort, v.Competitors)
	}
	_, part = post("estimate", "value=60000&probability=33.3&effort=40&competitor.incumbent=yes&competitor.low_cost_import=yes"+was(part))
	has(t, "the same again", part, "is different from what was said before")
	_, part = post("estimate", "value=60000&probability=33.3&effort=400&competitor.incumbent=yes"+was(part))
	has(t, "more effort", part, "400 hours", "108,000 here. 19,980 is expected", "1 thing is missing before Opportunity", "not “Show five years of cost")
	if v := l.lead(t, id).Lead; v.Value != 60000 || v.Probability != 0.333 {
		t.Errorf("what was left as it was is %v at %v", v.Value, v.Probability)
	}

	_, part = post("walk-away", "note=Only+words&at=worth")
	has(t, "walking away for no reason", part, "Choose the reason to walk away", ">Only words</textarea>")
	_, part = post("walk-away", "reason=bored&at=worth")
	has(t, "a reason of one's own", part, "has no reason to walk away")
	page, part = post("walk-away", "reason=too_small&note=Two+machines,+and+a+tender&at=worth")
	has(t, "walking away", page, "left to others: too small", "It is over: left to others", "Left to others", "Two machines, and a tender", "sales_qualification.walk_away.too_small")
	if row := l.lead(t, id); part != "" || row.Stage != "left" || row.Outcome != agreement.WalkedAway.String() {
		t.Errorf("it is in %s, %q: %s", row.Stage, row.Outcome, part)
	}
	page, _ = post("walk-away", "reason=too_small&at=worth&seen=1")
	has(t, "walking away again", headPart(page), `class="refusal"`, "cannot be left to others")
}

// Whoever gives a lead back may name the clause that let it through, and choose the day on which it comes back.
func TestGivingBackNamesAClauseAndADay(t *testing.T) {
	l := servePages(t)
	for _, c := range []struct{ act, reason, stage string }{{"hand-back", "timing", "sal"}, {"reject", "budget", "mql"}} {
		id := int64(0)
		if c.act == "reject" {
			id = l.offered(t, johan).ID
		} else {
			id = l.inStage(t, c.stage, johan)
		}
		path := fmt.Sprintf("/leads/%d", id)
		page := l.page(t, "rep", path)
		clauses := regexp.MustCompile(`<option value="((?:transitions|scoring)\.[\w.]+)">([^<]+)<`).FindAllStringSubmatch(page, -1)
		if len(clauses) < 2 || !strings.Contains(clauses[0][2], "how it came to") || !strings.Contains(clauses[1][2], "point") {
			t.Fatalf("%s: the clauses that let it through are %q", c.act, clauses)
		}
		has(t, c.act, page, `name="revisit" min="2026-11-13"`)
		send := func(body string) string {
			t.Helper()
			text, status := l.form(t, "rep", path+"/"+c.act, body+"&who=Her&back="+path)
			if status != 200 {
				t.Fatalf("%s: %d\n%s", body, status, text)
			}
			return text
		}
		named := clauses[1][1]
		has(t, "a day that is past", send("reason="+c.reason+"&revisit=2026-11-01&clause="+named), `class="refusal"`, "is past; choose one that lies ahead", `value="2026-11-01"`, `<option value="`+named+`" selected`)
		has(t, "a day for good", send("reason=bad_data&revisit=2026-12-01"), `class="refusal"`, "Nobody comes back after “bad data”")
		has(t, "no day", send("reason="+c.reason+"&revisit=soon"), `class="refusal"`, "should be written as")
		has(t, "no clause", send("reason="+c.reason+"&clause=scoring.fit.nothing"), `class="refusal"`, "no clause")
		has(t, c.act, send("reason="+c.reason+"&revisit=2027-02-01&clause="+named+"&note=After+the+move"), "back", "says what let it through", "Comes back on 1 February 2027", "#"+named)
		in := l.newest(t, id)
		if want := time.Date(2027, 2, 1, 0, 0, 0, 0, stockholm(t)).UnixMicro(); in.Clause != named || in.Due != want || in.Name != c.reason || in.Text != "After the move" {
			t.Errorf("%s: %+v", c.act, in)
		}
		if row := l.lead(t, id); row.Stage != "nurture" || row.Lead.Revisit == 0 {
			t.Errorf("%s: it is in %s, and comes back at %d", c.act, row.Stage, row.Lead.Revisit)
		}
	}
}

func stockholm(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	must(t, err)
	return zone
}

// newest is the newest input of a lead.
func (l *live) newest(t *testing.T, id int64) lifecycle.Input {
	t.Helper()
	row := l.lead(t, id)
	events, _, err := l.Store.Timeline(t.Context(), id, row.LastInput, lifecycle.NoInput, 1)
	if err != nil || len(events) != 1 {
		t.Fatal(len(events), err)
	}
	return events[0].Input
}

// A rep answers, estimates, names a competitor and opens the opportunity; another walks away; a hand-back names a clause and a day: all in
// a browser, and what was decided is decided again the same.
func TestWorthInABrowser(t *testing.T) {
	l := servePages(t)
	id, mine := l.inStage(t, "sql", johan), l.inStage(t, "sal", johan)
	b := l.tab(t, "rep", "/pipeline")
	p := &person{tab: b, name: "Johan"}
	p.until(fmt.Sprintf(`document.querySelector('a[href^="/leads/%d"]')`, id))
	p.do("opens the lead", chromedp.Click(chromedp.CSS(fmt.Sprintf(`a[href^="/leads/%d"]`, id))))
	p.says("missing before Opportunity")
	p.stays()
	p.presses("button", "Take it to Opportunity")
	p.until("document.querySelector('#worth .refusal')?.innerText.includes('budget is no, and we agreed on')")

	p.unfold("Answer these questions")
	p.write(`#worth [name="answer.need"]`, "; two lines stand still")
	for _, label := range []string{"Yes", "This year"} {
		p.presses("label", label)
	}
	p.presses("button", "Keep the answers")
	p.says("answers kept")
	p.says("you, today")
	p.unfold("Change the estimate")
	p.write(`#worth [name=value]`, " or more")
	p.presses("label", "Low cost import")
	p.presses("button", "Keep the estimate")
	p.until("document.querySelector('#worth .refusal')?.innerText.includes('should be a number')")
	p.until(`document.querySelector('#worth [name=value]').value.includes('or more') && document.querySelector('#worth [name="competitor.low_cost_import"]').checked`)
	eval[bool](b, "for (const n of ['value', 'effort']) document.querySelector(`#worth [name=${n}]`).value = ''; true")
	p.write(`#worth [name=value]`, "60 000")
	p.write(`#worth [name=effort]`, "40")
	p.presses("button", "Keep the estimate")
	p.says("estimate kept")
	p.says("Show five years of cost")
	p.says("Nothing is missing")
	p.presses("button", "Take it to Opportunity")
	p.says("moved on")
	p.still()
	if row := l.lead(t, id); row.Stage != "opportunity" || row.Lead.Value != 60000 {
		t.Errorf("it is in %s, worth %v", row.Stage, row.Lead.Value)
	}

	// Another rep walks away from one of hers.
	hers := l.inStage(t, "sql", saraHolm)
	if err := l.open(b.ctx, "sdr", fmt.Sprintf("/leads/%d", hers), "light", 1440, 900); err != nil {
		t.Fatal(err)
	}
	p.name = "Sara"
	p.unfold("Walk away")
	p.write("#worth textarea", "Their new head builds it in house")
	p.until(`(() => { const r = document.querySelector('#worth [value=no_sponsor]'); r?.click(); return r?.checked && document.querySelector('#worth textarea').value !== '' })()`)
	p.presses("button", "Leave ")
	p.says("left to others: no sponsor")
	p.says("It is over: left to others")
	if row := l.lead(t, hers); row.Stage != "left" {
		t.Errorf("hers is in %s", row.Stage)
	}

	// Enter in the note hands nothing back; a reason does, with the clause and the day.
	if err := l.open(b.ctx, "rep", fmt.Sprintf("/leads/%d", mine), "light", 1440, 900); err != nil {
		t.Fatal(err)
	}
	p.name = "Johan"
	menu := "document.querySelector('details[data-menu=hand-back]')"
	p.until("(() => { const m = " + menu + "; if (m) m.open = true; const n = m?.querySelector('[name=note]'); n?.focus(); return n && " + atField + " === n })()")
	p.write("[data-menu=hand-back] [name=note]", "After the move\r")
	clause := eval[string](b, "(() => { const s = "+menu+".querySelector('select'); s.selectedIndex = 1; "+menu+".querySelector('[name=revisit]').value = '2027-02-01'; return s.value })()")
	p.until(menu + ".open && !document.querySelector('#toast')")
	// it stands where a click would meet it: in the frame in which a menu opens it does not yet
	p.until("(() => { const e = " + menu + ".querySelector('[value=timing]'), r = e.getBoundingClientRect(); return e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)) })()")
	p.follow("[data-menu=hand-back] button", "Timing")
	p.until("document.querySelector('#toast [data-do=undo]')")
	p.until("document.querySelector('#timeline') && document.querySelector('#main').innerText.includes('says what let it through')")
	if in := l.newest(t, mine); in.Kind != lifecycle.HandBack || in.Clause != clause || in.Due != time.Date(2027, 2, 1, 0, 0, 0, 0, stockholm(t)).UnixMicro() || in.Text != "After the move" {
		t.Errorf("handed back with %+v", in)
	}
	l.decidedAgain(t)
}

// unfold opens a part of the panel and begins with its first field, all at once: what comes in live may swap the page until somebody is at a field.
func (p *person) unfold(words string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`(() => {
		const s = [...document.querySelectorAll('#worth summary')].find((s) => s.innerText.trim() === %q)
		if (s && !s.parentElement.open) s.click()
		const field = s?.parentElement.querySelector('input:not([type=hidden], [type=radio]), textarea')
		field?.focus()
		return field && %s === field
	})()`, words, atField))
}

// presses presses a part of the panel by what it says, at once for the same reason.
func (p *person) presses(what, words string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`(() => {
		const e = [...document.querySelectorAll('#worth %s')].find((e) => e.checkVisibility() && e.innerText.trim().startsWith(%q.trim()))
		e?.click()
		return e
	})()`, what, words))
}

// atField is the field that somebody is at while nothing is asked for that could take its place.
const atField = "(document.body.classList.contains('asking') || document.activeElement)"

// decidedAgain checks that all that was decided is decided again the same.
func (l *live) decidedAgain(t *testing.T) {
	t.Helper()
	v := &replay.Verifier{Plan: func(version int64) (*agreement.Plan, error) {
		a, err := l.Store.AgreementVersion(t.Context(), version)
		if err != nil {
			return nil, err
		}
		return Compile(a)
	}}
	must(t, l.Store.EachInput(t.Context(), 0, func(in lifecycle.Input, decision []byte) error { return v.Next(in, in.Version, decision) }))
	if v.First != nil || v.Inputs == 0 {
		t.Errorf("%d of %d decisions differ; the first:\n%s", v.Different, v.Inputs, v.First)
	}
}

// The menus of rows, and the bar for several, ask the same as those of the page of a lead; what is refused keeps what was filled in.
func TestGivingBackFromAListNamesAClauseAndADay(t *testing.T) {
	l := servePages(t)
	one, two := l.offered(t, johan), l.offered(t, johan)
	talk := l.inStage(t, "sal", johan)
	page := l.page(t, "rep", "/leads")
	clause := regexp.MustCompile(`<option value="((?:transitions|scoring)\.[\w.]+)">[^<]+<`)
	for _, c := range []struct {
		id  int64
		act string
	}{{one.ID, "reject"}, {two.ID, "reject"}, {talk, "hand-back"}} {
		_, form, _ := strings.Cut(page, fmt.Sprintf(`action="/leads/%d/%s"`, c.id, c.act))
		form, _, _ = strings.Cut(form, "</form>")
		has(t, c.act, form, `name="clause"`, `name="revisit" min="2026-11-13"`, `name="note"`, "how it came to", "point")
		_, own, _ := strings.Cut(l.page(t, "rep", fmt.Sprintf("/leads/%d", c.id)), fmt.Sprintf(`action="/leads/%d/%s"`, c.id, c.act))
		own, _, _ = strings.Cut(own, "</form>")
		if got, want := fmt.Sprint(clause.FindAllString(form, -1)), fmt.Sprint(clause.FindAllString(own, -1)); got != want {
			t.Errorf("%s of lead %d: the list offers %s, its page %s", c.act, c.id, got, want)
		}
	}
	_, bar, _ := strings.Cut(page, `id="bulk"`)
	bar, _, _ = strings.Cut(bar, "</form>")
	has(t, "the bar", bar, `name="reject.clause"`, `name="reject.revisit" min="2026-11-13"`, `name="reject.note"`, `name="hand-back.clause"`, `name="hand-back.revisit"`, `name="hand-back.note"`)
	clauses := clause.FindAllStringSubmatch(bar, -1)
	if len(clauses) < 4 {
		t.Fatalf("the bar offers the clauses %q", clauses)
	}
	named := clauses[1][1]

	several := func(body string) string {
		t.Helper()
		text, status := l.form(t, "rep", "/leads", fmt.Sprintf("back=/leads&lead=%d&lead=%d&%s", one.ID, two.ID, body))
		if status != 200 {
			t.Fatalf("%s: %d\n%s", body, status, text)
		}
		return text
	}
	// Enter in the note, without scripts, and days that cannot be: all stands there again, and they are selected.
	filled := "&reject.note=After+the+move&reject.clause=" + named
	picked := fmt.Sprintf(`value="%d" data-do="select" checked`, two.ID)
	has(t, "no reason", several("act="+filled), "Nothing was done yet: choose what to do with them.", `name="reject.note" value="After the move"`, `<option value="`+named+`" selected`, `data-menu="bulk-reject" open`, picked)
	has(t, "a day for good", several("act=reject+bad_data&reject.revisit=2026-12-01"+filled), "Nobody comes back after “bad data”", `name="reject.revisit" min="2026-11-13" value="2026-12-01"`, picked)
	has(t, "a day that is past", several("act=reject+budget&reject.revisit=2026-11-01"+filled), "2 leads not rejected: budget: ", "is past; choose one that lies ahead", `value="After the move"`, picked)
	if text := l.page(t, "rep", "/leads"); strings.Contains(text, "After the move") {
		t.Error("it is told again")
	}

	// One of them has gone to somebody else: it alone is told of, with what was filled in.
	l.does(t, lifecycle.Input{Kind: lifecycle.Assign, Lead: two.ID, Actor: "astrid.berg@northwind.example", Name: saraHolm})
	has(t, "one of two", several("act=reject+budget&reject.revisit=2027-02-01&hand-back.note=Not+this+one"+filled), "1 lead</b> rejected: budget; 1 not: ", "Not all of them were changed", "After the move</dd>", "2027-02-01</dd>")
	in := l.newest(t, one.ID)
	if want := time.Date(2027, 2, 1, 0, 0, 0, 0, stockholm(t)).UnixMicro(); in.Kind != lifecycle.Reject || in.Clause != named || in.Due != want || in.Name != "budget" || in.Text != "After the move" {
		t.Errorf("rejected with %+v", in)
	}
	text, _ := l.form(t, "rep", "/leads", fmt.Sprintf("back=/leads&lead=%d&act=hand-back+timing&hand-back.note=In+spring&hand-back.clause=%s", talk, named))
	has(t, "handing back", text, "1 lead</b> handed back: timing", "not In spring")
	if in := l.newest(t, talk); in.Kind != lifecycle.HandBack || in.Clause != named || in.Text != "In spring" || in.Due != 0 {
		t.Errorf("handed back with %+v", in)
	}
	text, status := l.form(t, "nobody", "/leads", "act=reject+budget&lead=1"+filled)
	if has(t, "signed out", text, "Sign in, and do it again: nothing was done", "After the move</dd>"); status != 401 {
		t.Errorf("signed out: %d", status)
	}
	l.decidedAgain(t)
}

// The bar by keys: Enter in the note does nothing to anybody, a figure picks the reason.
func TestSeveralByKeys(t *testing.T) {
	l := servePages(t)
	one, two := l.offered(t, johan), l.offered(t, johan)
	b := l.tab(t, "rep", "/leads")
	p := &person{tab: b, name: "Johan"}
	row := func(id int64) string { return fmt.Sprintf("document.querySelector('[data-row=\"%d\"]')", id) }
	b.until(row(one.ID) + " && " + row(two.ID))
	id := eval[int64](b, fmt.Sprintf("[%d, %d].find((id) => document.querySelector(`[data-do=select][value=\"${id}\"]`))", one.ID, two.ID))
	eval[bool](b, row(id)+".focus() || true")
	b.press("x")
	b.until("document.querySelector('#bulk [data-count]').innerText === '1 selected'")
	p.tabTo("[data-menu=bulk-reject] summary")
	b.press(kb.Enter)
	b.until("document.querySelector('[data-menu=bulk-reject]').open && document.querySelector('[data-menu=bulk-reject] select').checkVisibility()")
	p.tabTo("[name='reject.note']")
	p.types("After the move")
	b.press(kb.Enter)
	b.until("document.activeElement.matches('[data-menu=bulk-reject][open] .menu-item') && document.querySelector('#assertive').textContent == 'Choose one of these as well'")
	if in := l.newest(t, id); in.Kind == lifecycle.Accept || in.Kind == lifecycle.Reject {
		t.Fatalf("Enter in the note did something: %+v", in)
	}
	b.press("2")
	b.until("document.querySelector('#toast')?.innerText.includes('1 lead rejected')")
	if in := l.newest(t, id); in.Kind != lifecycle.Reject || in.Text != "After the move" {
		t.Errorf("rejected with %+v", in)
	}
}
