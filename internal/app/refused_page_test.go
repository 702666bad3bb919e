//go:build unix

package app

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/replay"
	"baton/internal/store"
	"baton/internal/web"
)

// does has something happen to a lead elsewhere, as by a colleague.
func (l *live) does(t *testing.T, in lifecycle.Input) {
	t.Helper()
	in.At, in.Known, in.Source = pageTime.UnixMicro(), pageTime.UnixMicro(), "test"
	out, err := l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: in}})
	if err != nil || out[0].Err != nil || out[0].Decision.Refused != "" {
		t.Fatal(in.Kind, err, out)
	}
}

// stranger lets somebody in as a rep who is in no team.
func stranger(o *ServeOptions) {
	o.Viewer = func(r *http.Request) (*web.Viewer, error) {
		if c, err := r.Cookie("as"); err == nil && c.Value == "stranger" {
			return &web.Viewer{ID: 99, Email: "stranger@northwind.example", Name: "Someone New", Roles: []web.Role{web.RoleRep}}, nil
		}
		return as(r)
	}
}

// placed is what a page says at the place where something was refused, in words; "" for nothing.
func placed(page string) string {
	at := regexp.MustCompile(`(?s)<div class="refusal".*?</div></div>`).FindString(page)
	return strings.Join(strings.Fields(html.UnescapeString(regexp.MustCompile("<[^>]*>").ReplaceAllString(at, " "))), " ")
}

// Whatever somebody does with a lead that is not possible is refused where they clicked, in words that say what happened and what to do next, and
// what they had filled in is there still. Without scripts.
func TestRefusedWhereTheyClicked(t *testing.T) {
	l := servePages(t, stranger)
	lead, talk := l.at(t, "/leads/LEAD"), l.at(t, "/leads/TALK")
	refused := func(what, role, path, body, back, want string, still ...string) {
		t.Helper()
		text, status := l.form(t, role, path, body+"&who=Her&back="+back)
		if status != 200 {
			t.Errorf("%s: %d", what, status)
			return
		}
		if said := placed(text); !strings.HasPrefix(said, want) {
			t.Errorf("%s says %q, want %q", what, said, want)
		}
		has(t, what, text, append(still, `role="alert"`)...)
		// it is told once
		if again := l.page(t, role, strings.Split(back, "?")[0]); placed(again) != "" {
			t.Errorf("%s is told again: %s", what, placed(again))
		}
	}
	const note = "note=My+own+%3Cb%3Ewords%3C%2Fb%3E"
	const kept, inForm = "My own &lt;b&gt;words&lt;/b&gt;</dd>", `name="note" value="My own &lt;b&gt;words&lt;/b&gt;"`

	// what stands in its form again
	refused("handing back without a reason", "rep", talk+"/hand-back", note, talk, "Nothing was sent yet: choose one of the reasons as well.", kept, inForm)
	refused("rejecting without a reason", "rep", lead+"/reject", note, lead, "Nothing was sent yet: choose one of the reasons as well.", kept, inForm)
	refused("a contact without an outcome", "rep", talk+"/contact", note, talk, "Nothing was written down yet: choose how it went as well.", kept, inForm)
	refused("giving it to nobody", "rep", lead+"/assign", "to=", lead, "Choose whom to give it to.")
	refused("giving it to a stranger", "rep", lead+"/assign", "to=nobody@northwind.example", lead, `Nobody called "nobody@northwind.example" is in the team; choose somebody who is.`, `data-menu="more" open`)
	refused("giving it to whoever has it", "rep", lead+"/assign", "to="+johan, lead, "Johan Lind has this lead already.", `data-menu="more" open`, `value="johan.lind@northwind.example" selected`)
	refused("merging with nobody", "rep", lead+"/merge", "with=none@nowhere.example", lead, `No lead is known as "none@nowhere.example"`, `value="none@nowhere.example"`, `data-menu="more" open`)
	refused("merging without saying with whom", "rep", lead+"/merge", "with=", lead, "Say which lead is the same person: its number, or its e-mail address.")
	refused("an answer that is none of the choices", "rep", lead+"/answer", "answer.timeline=never&answer.need=Quieter&"+note, lead, "The answer to timeline should be one of this_quarter, next_quarter", `value="Quieter"`, inForm)
	refused("an answer that says nothing", "rep", lead+"/answer", "", lead, "There was nothing to keep: write down an answer, or a note.")

	// what is not possible as things stand
	refused("handing back what is only offered", "rep", lead+"/hand-back", "reason=timing&"+note, lead, "This lead has not been accepted yet: reject it instead, with one of the agreed reasons.", kept)
	refused("rejecting what was accepted", "rep", talk+"/reject", "reason=no_fit&"+note, talk, "You have accepted this lead already, on ", "hand it back instead, with one of the agreed reasons", kept)
	refused("accepting twice", "rep", talk+"/accept", "", "/leads", "You have accepted this lead already, on ")
	refused("accepting what is offered to another", "sdr", lead+"/accept", "", lead, "This lead is offered to Johan Lind, not to Sara Holm; they or their manager answer for it.")
	refused("accepting as nobody of the team", "stranger", lead+"/accept", "", lead, `Nobody called "stranger@northwind.example" is in the team; whoever runs Baton can add them.`)
	refused("a way that does not begin there", "rep", lead+"/move", "transition=pursue", lead, "Pursue does not lead out of stage ")
	refused("winning too early", "rep", lead+"/win", "value=42000", lead, "A lead in stage mql cannot be won; that is possible from sql, opportunity.", "42000</dd>")
	refused("losing too early", "rep", lead+"/lose", "reason=Chose+a+cheaper+one", lead, "A lead in stage mql cannot be lost; that is possible from ", "Chose a cheaper one</dd>")
	refused("splitting what was never merged", "rep", lead+"/split", "other=999999", lead, "There is no such lead any more: it was merged into another, or removed.")
	refused("a lead that is gone", "rep", "/leads/999999/reject", "reason=no_fit&"+note, "/leads", "There is no such lead any more: it was merged into another, or removed.", `class="leftover`, kept, "not Open the lead")
	refused("not by this role", "marketing", lead+"/reject", "reason=no_fit&"+note, lead, "Your role does not do this, so nothing was changed. Whoever runs Baton at your company can change your role", kept)
	if text, _ := l.form(t, "manager", lead+"/remind", "back="+lead); placed(text) != "" {
		t.Errorf("reminding is refused: %s", placed(text))
	}
	refused("reminding twice", "manager", lead+"/remind", "", lead, "Astrid Berg has reminded of this on 12 Nov 10:42 already; once in an hour is enough")

	// things moved on meanwhile
	id := idOf(t, lead)
	l.does(t, lifecycle.Input{Kind: lifecycle.Assign, Lead: id, Actor: "astrid.berg@northwind.example", Name: saraHolm})
	refused("accepting what went to another", "rep", lead+"/accept", "", "/leads", "This lead went to Sara Holm on 12 Nov 10:42; ask them if you would like it back.", `class="leftover`)
	refused("rejecting what went to another", "rep", lead+"/reject", "reason=no_fit&"+note, lead, "This lead went to Sara Holm on 12 Nov 10:42; ask them if you would like it back.", kept)
	l.does(t, lifecycle.Input{Kind: lifecycle.Accept, Lead: id, Actor: saraHolm})
	refused("accepting what another accepted", "rep", lead+"/accept", "", lead, "Sara Holm accepted this one on 12 Nov 10:42; ask them if you would like to have it.")
	refused("handing back what another has", "rep", lead+"/hand-back", "reason=timing&revisit=2027-03-01&"+note, lead, "This lead is Sara Holm's; only they or their manager can hand it back; ask them.", kept, "2027-03-01</dd>")
	l.does(t, lifecycle.Input{Kind: lifecycle.HandBack, Lead: id, Actor: saraHolm, Name: "timing"})
	refused("handing back what was handed back", "sdr", lead+"/hand-back", "reason=timing&"+note, lead, "Sales does not hold this lead (it is in stage ", kept)
	refused("losing what was handed back", "sdr", lead+"/lose", "reason=Chose+a+cheaper+one", lead, "A lead in stage nurture cannot be lost; that is possible from ", "Chose a cheaper one</dd>")

	// the queue of calls
	mine, err := l.Store.ListCalls(t.Context(), store.CallTaken, saraHolm, 1)
	if err != nil || len(mine) != 1 {
		t.Fatal(err, len(mine))
	}
	call := fmt.Sprintf("/queue/%d", mine[0].ID)
	refused("taking what somebody has", "manager", call+"/take", "", "/queue", "Sara Holm has taken this lead and has it until 12 Nov 11:02; take the next one.", `class="leftover`)
	refused("a call without an outcome", "sdr", call+"/call", "then=next", "/queue", "Say how the call went, or write down an answer.")
	refused("calling again in the past", "sdr", call+"/call", "outcome=no_answer&again=2026-11-11T09:00&answer.authority=yes&"+note, "/queue", "The time to call again, 11 Nov 09:00, is past; choose one that lies ahead, or none for the agreed one.",
		`value="2026-11-11T09:00"`, `value="no_answer" checked`, "My own &lt;b&gt;words&lt;/b&gt;</textarea>", `value="yes" checked`)
	refused("a day that is none", "sdr", call+"/call", "outcome=no_answer&again=soon&"+note, "/queue", "The time to call again should be a day and a time", "My own &lt;b&gt;words&lt;/b&gt;</textarea>")
	l.does(t, lifecycle.Input{Kind: lifecycle.Release, Lead: mine[0].ID, Actor: saraHolm}) // as when her time for it was over
	refused("giving back what nobody has", "sdr", call+"/release", "answer.authority=yes&"+note, "/queue", "Nobody has taken this lead, so there is nothing to give back.", kept, "Authority: </dt>")
	text, _ := l.form(t, "sdr", call+"/call", "outcome=connected&who=Her&"+note)
	has(t, "what was said in a call that took longer", text, "call written down: spoke with them")

	// several at once
	text, _ = l.form(t, "rep", "/leads", fmt.Sprintf("act=accept&back=/leads&lead=%d", idOf(t, talk)))
	has(t, "accepting several twice", text, "1 lead</b> not accepted: You have accepted this lead already")
	text, _ = l.form(t, "rep", "/leads", "act=accept&back=/leads")
	has(t, "none of several", text, "Nothing was done yet: select between 1 and 200 leads.")

	// nobody is signed in any more, or the server cannot take it: the page that says so has what was filled in
	text, status := l.form(t, "nobody", talk+"/hand-back", "reason=timing&back="+talk+"&"+note)
	if has(t, "signed out", text, "Sign in, and do it again: nothing was done", kept, `href="`+talk+`">Go back`); status != 401 {
		t.Errorf("signed out: %d", status)
	}
	text, status = l.form(t, "full", talk+"/hand-back", "reason=timing&back="+talk+"&"+note)
	if has(t, "catching up", text, "Baton is catching up", kept, `href="`+talk+`">Go back`); status != 429 {
		t.Errorf("catching up: %d", status)
	}
	// and of what is too long for the way back, nothing is cut
	long := strings.Repeat("A long story. ", 280)
	text, _ = l.form(t, "rep", talk+"/hand-back", "note="+strings.ReplaceAll(long, " ", "+")+"&back="+talk)
	has(t, "a long note", text, strings.TrimSpace(long), "Nothing was sent yet: choose one of the reasons as well.", `href="`+talk+`">Go back`)
}

// The same with scripts: the page stays, and what comes in live takes nothing away.
func TestRefusedWithScripts(t *testing.T) {
	l := servePages(t)
	talk := l.at(t, "/leads/TALK")
	b := l.tab(t, "rep", talk)
	b.until("document.querySelector('#live') && !document.querySelector('#live').hidden")
	eval[bool](b, "window.stayed = true")

	// Enter in the note chooses no reason.
	b.press("h")
	b.until("document.querySelector('[data-menu=hand-back]').open")
	b.write("[data-menu=hand-back] [name=note]", "They move in spring\r")
	b.until("document.activeElement.matches('[data-menu=hand-back] .menu-item') && document.querySelector('#assertive').textContent == 'Choose one of these as well'")
	if eval[bool](b, "!document.querySelector('[data-menu=hand-back]').open || !!document.querySelector('#toast')") {
		t.Error("Enter in the note sent something")
	}

	// Meanwhile somebody else is given the lead; the note is not lost.
	l.does(t, lifecycle.Input{Kind: lifecycle.Assign, Lead: idOf(t, talk), Actor: "astrid.berg@northwind.example", Name: saraHolm})
	b.press("1")
	b.until("document.querySelector('#toast [data-do=undo]')")
	b.until("document.querySelector('#toast .num')?.textContent == '2 s'") // it can be undone for as long as that
	b.until("!document.querySelector('#toast [data-do=undo]') && document.querySelector('[data-refused]')")
	if said := eval[string](b, "document.querySelector('[data-refused]').innerText"); !strings.Contains(said, "only they or their manager can hand it back; ask them") || !strings.Contains(said, "They move in spring") {
		t.Errorf("the refusal says %q", said)
	}
	if eval[bool](b, "[...document.querySelectorAll('.leftover')].some(e => e.checkVisibility())") {
		t.Error("it is told twice")
	}
	// It stays while other things happen to the lead.
	l.does(t, lifecycle.Input{Kind: lifecycle.Contact, Lead: idOf(t, talk), Actor: saraHolm, Name: "voicemail"})
	eval[bool](b, "fetch('/leads').then(() => { window.after = true }) && true")
	b.until("window.after")

	// What is chosen among the rarer things stands there again, open.
	eval[bool](b, "document.querySelector('[data-menu=more]').open = true")
	b.until("document.querySelector('#merge-with').checkVisibility()")
	b.write("#merge-with", "none@nowhere.example\r")
	b.until("document.querySelector('[data-refused]')?.innerText.includes('No lead is known as') && document.querySelector('[data-menu=more]').open && document.querySelector('#merge-with').value == 'none@nowhere.example'")
	if !eval[bool](b, "!!window.stayed && location.pathname == '"+talk+"'") {
		t.Error("the page was loaded anew, or is another one")
	}

	// A note too long for the way back is shown, on the same page.
	long := strings.Repeat("A long story. ", 280)
	eval[bool](b, fmt.Sprintf("(() => { const f = document.querySelector('form[action$=answer]'); f.closest('details').open = true; f.querySelector('[name=note]').value = %q; f.querySelector('[name=\"answer.timeline\"]').value = 'never'; f.querySelector('[name=\"answer.timeline\"]').checked = true; f.querySelector('button:not([type=button])').click(); return true })()", long))
	b.until("document.querySelector('main textarea[readonly]')?.value.startsWith('never') || [...document.querySelectorAll('main textarea[readonly]')].some(e => e.value.trim() == '" + strings.TrimSpace(long) + "')")
	if at := eval[string](b, "location.pathname"); at != talk {
		t.Errorf("the page is %s", at)
	}
}

// Whoever has had as many as they can today is told so at the lead that waits for somebody, and when they can take more.
func TestFullDayIsRefusedWhereTheyClicked(t *testing.T) {
	l := servePages(t)
	source, _ := agreement.Template("waterfall")
	text, err := replay.DemoCalling(source)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(replaced(t, string(text), "per_day: 8", "per_day: 1", "to: pool emea, match: [territory, skill], by: least_loaded, otherwise: queue unassigned", "to: queue unassigned"))
	plan, findings := agreement.Compile("agreement.yaml", text, nil)
	if findings.HasErrors() {
		t.Fatal(findings.Err())
	}
	if _, err := l.Engine.Activate(t.Context(), plan, text, "agreement.yaml", pageTime.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	rows, err := l.Store.ListLeads(t.Context(), store.LeadFilter{Stage: "lead"}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		r := &rows[i]
		if r.Fit < 40*agreement.Point || r.Name == "" {
			continue
		}
		for _, name := range []string{"pricing_viewed", "content_downloaded", "demo_requested"} {
			l.does(t, lifecycle.Input{Kind: lifecycle.Did, Lead: r.ID, Name: name})
		}
		if now := l.lead(t, r.ID); !now.Lead.Waits() || now.Owner != "" {
			continue
		}
		path := fmt.Sprintf("/leads/%d", r.ID)
		text, _ := l.form(t, "sdr", path+"/accept", "who=Her&back="+path)
		if said := placed(text); !strings.HasPrefix(said, "You have had ") || !strings.Contains(said, "of 1 hand-offs today") || !strings.Contains(said, "tomorrow you can take more, or somebody can give you one by hand") {
			t.Errorf("it says %q", said)
		}
		return
	}
	t.Fatal("no lead waits in a queue")
}
