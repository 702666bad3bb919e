//go:build unix

package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"strings"
	"testing"
	"time"

	"baton/internal/access"
	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/replay"
	"baton/internal/store"
)

const saraHolm = "sara.holm@northwind.example"

// telephone lets an agreement apply that has leads called, gives some of them numbers, and has Sara take one.
func (a *App) telephone(ctx context.Context) error {
	source, _ := agreement.Template("waterfall")
	text, err := replay.DemoCalling(source)
	if err != nil {
		return err
	}
	plan, findings := agreement.Compile("agreement.yaml", text, nil)
	if findings.HasErrors() {
		return findings.Err()
	}
	at := pageTime.UnixMicro()
	if _, err := a.Engine.Activate(ctx, plan, text, "agreement.yaml", at); err != nil {
		return err
	}
	calls, err := a.Store.ListCalls(ctx, store.CallFree, "", 40)
	if err != nil {
		return err
	}
	mine, err := a.Store.ListLeads(ctx, store.LeadFilter{Owner: johan}, 0, 100)
	if err != nil {
		return err
	}
	var list []lifecycle.Arrival
	add := func(in lifecycle.Input) {
		in.At, in.Known, in.Source = at, at, "test"
		list = append(list, lifecycle.Arrival{Input: in})
	}
	for i, row := range append(calls, mine...) {
		if i%5 == 3 {
			continue // whose number nobody knows
		}
		add(lifecycle.Input{Kind: lifecycle.Identify, Lead: row.ID, Values: []lifecycle.Named{{Name: "phone", Value: agreement.TextValue(fmt.Sprintf("+46 555 01%d %02d", i%10, (i*37+11)%100))}}})
	}
	add(lifecycle.Input{Kind: lifecycle.Contact, Lead: calls[4].ID, Actor: saraHolm, Name: "no_answer"})
	add(lifecycle.Input{Kind: lifecycle.Take, Lead: calls[0].ID, Actor: saraHolm})
	add(lifecycle.Input{Kind: lifecycle.Answered, Lead: calls[0].ID, Actor: saraHolm, Values: []lifecycle.Named{{Name: "need", Value: agreement.TextValue("Two gear boxes run hot on the night shift")}}})
	worked, err := a.Store.ListPipeline(ctx, "", store.PipelinePlace{}, 200)
	if err != nil {
		return err
	}
	for i, row := range worked {
		for _, in := range replay.DemoWorth(i, row.ID, row.Owner, "milo.brandt@northwind.example") {
			add(in)
		}
	}
	out, err := a.Engine.Submit(ctx, list)
	for i := range out {
		if out[i].Err != nil {
			return out[i].Err
		}
		if why := out[i].Decision.Refused; why != "" {
			return fmt.Errorf("%s: %s", list[i].Input.Kind, why)
		}
	}
	return err
}

// place fills in an address for what the made-up company has: LEAD is on offer to Johan Lind, TALK is one that he has accepted, ASKED one of which it is asked whether it is worth it, and COMPANY
// has several people. INVITE and FORGOT are links for a new user and for a new password.
func (l *live) place(path string) (string, error) {
	if !strings.ContainsAny(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return path, nil
	}
	for part, link := range map[string]func(*access.Gate) (string, error){
		"/invitation/INVITE": func(g *access.Gate) (string, error) {
			link, _, err := g.Invite(context.Background(), access.By{Actor: "admin@northwind.example"}, "new.colleague@northwind.example", "", []string{"rep"})
			return link, err
		},
		"/reset/FORGOT": func(g *access.Gate) (string, error) {
			return g.ResetLink(context.Background(), access.By{Actor: "admin@northwind.example"}, 1)
		},
	} { // order: one of them at most
		if path == part {
			g := access.New(access.Options{Store: l.Store, Clock: func() time.Time { return pageTime }})
			defer g.Close()
			return link(g)
		}
	}
	rows, err := l.Store.ListLeads(context.Background(), store.LeadFilter{Owner: johan}, 0, 200)
	if err != nil {
		return "", err
	}
	for _, name := range []string{"LEAD", "TALK", "ASKED", "COMPANY"} {
		if !strings.Contains(path, name) {
			continue
		}
		var best int64
		most := int64(-1)
		for i := range rows {
			r := &rows[i]
			score := r.Engagement + r.Activities*agreement.Point
			id := r.ID
			switch name {
			case "LEAD":
				if !r.Lead.Waits() {
					continue
				}
			case "TALK":
				if r.Lead.Handoff.State != lifecycle.HandoffAccepted {
					continue
				}
			case "ASKED":
				if r.Stage != "sal" || len(r.Lead.Competitors) == 0 {
					continue
				}
			case "COMPANY":
				mates, err := l.Store.ListLeads(context.Background(), store.LeadFilter{Account: r.Account}, 0, 50)
				if err != nil {
					return "", err
				}
				id, score = r.Account, int64(len(mates))
				if r.Account == 0 {
					continue
				}
			}
			if score > most {
				best, most = id, score
			}
		}
		path = strings.Replace(path, name, strconv.FormatInt(best, 10), 1)
	}
	return path, nil
}

// at is the address of a page of the made-up company.
func (l *live) at(t *testing.T, path string) string {
	t.Helper()
	path, err := l.place(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// page returns a page as a role sees it.
func (l *live) page(t *testing.T, role, path string) string {
	t.Helper()
	r, err := http.NewRequest("GET", "http://"+l.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(r.URL, []*http.Cookie{{Name: "as", Value: role, Path: "/"}})
	res, err := (&http.Client{Jar: jar}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%s: %d %v", path, res.StatusCode, err)
	}
	return string(b)
}

// has looks for what must be on a page, and for what must not: that begins with "not ".
func has(t *testing.T, what, page string, words ...string) {
	t.Helper()
	for _, w := range words {
		w, not := strings.CutPrefix(w, "not ")
		if strings.Contains(page, w) == not {
			t.Errorf("%s: %q: is there %v", what, w, !not)
		}
	}
}

func TestLeadPage(t *testing.T) {
	l := servePages(t)
	path := l.at(t, "/leads/LEAD")
	row := l.lead(t, idOf(t, path))
	page := l.page(t, "rep", path)
	has(t, "the lead", page, row.Name, row.Email, "left to accept", "Your turn", `action="`+path+`/accept"`, `action="`+path+`/reject"`, `action="`+path+`/assign"`, `action="`+path+`/merge"`,
		`action="`+path+`/answer"`, "handoffs.mql_to_sales.accept_within", "/agreement?version=", "engagement 60 starts grade 1", `aria-current="step"`, "when sales accepts",
		"Who may speak", "rules_of_engagement.", "Timeline", "scoring.engagement.demo", "Points", "not style=", "not onclick", "not <script>")
	has(t, "the lead for marketing", l.page(t, "marketing", path), row.Name, "Timeline", "not /accept", "not /assign", "not /merge", "not Your turn")

	// One kind of what happened, and what happened before.
	has(t, "talks", l.page(t, "rep", path+"?show=talks"), "Nothing of this kind yet")
	did := l.page(t, "rep", path+"?show=did")
	has(t, "what they did", did, "Demo requested", "not Taken by", "not applies</span>")

	if text := l.page(t, "rep", "/leads/"+strconv.FormatInt(row.ID, 10)+"?after=1"); !strings.Contains(text, "Timeline") {
		t.Error("no timeline behind the beginning")
	}
}

func idOf(t *testing.T, path string) int64 {
	t.Helper()
	id, err := strconv.ParseInt(path[strings.LastIndex(path, "/")+1:], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// What people do with a lead is done on its page, and told there; so is why something was not.
func TestLeadPageActs(t *testing.T) {
	l := servePages(t)
	path := l.at(t, "/leads/LEAD")
	id := idOf(t, path)
	post := func(act, body string) string {
		t.Helper()
		text, status := l.form(t, "rep", path+"/"+act, body+"&who=Her&back="+path)
		if status != 200 {
			t.Fatalf("%s: %d\n%s", act, status, text)
		}
		return text
	}
	has(t, "a hand-back of what is only offered", post("hand-back", "reason=timing"), "has not been accepted yet: reject it instead", `class="refusal"`, `role="alert"`, `id="who"`)
	has(t, "accepting", post("accept", "seen=1"), "accepted", "Log a contact", "not left to accept", "to accept: kept")
	has(t, "answers", post("answer", "answer.need=Shorter+changeovers&answer.authority=yes&answer.timeline=next_quarter&note=Prefers+mail"),
		"answers kept", "Shorter changeovers", "Next quarter", "“Prefers mail”", "4 of 5")
	if n := l.lead(t, id).Readiness; n != 4 {
		t.Errorf("readiness %d after the answers, want 4", n)
	}
	has(t, "an answer of another kind", post("answer", "answer.timeline=never"), "The answer to timeline should be")
	has(t, "giving it away", post("assign", "to="+saraHolm), "given to Sara Holm", "Sara Holm’s turn")
	has(t, "giving it to a stranger", post("assign", "to=nobody@northwind.example"), "is in the team", `class="refusal"`)
	has(t, "merging with nobody", post("merge", "with=none@nowhere.example"), "No lead is known as", `class="refusal"`)

	// Two that are one person: the number of the younger leads to the elder; and apart again.
	rows, err := l.Store.ListLeads(t.Context(), store.LeadFilter{Stage: "lead"}, id, 1)
	if err != nil || len(rows) != 1 {
		t.Fatal(err, len(rows))
	}
	other := rows[0]
	has(t, "merging", post("merge", fmt.Sprintf("with=%d", other.ID)), "merged", fmt.Sprintf("Lead %d is part of this one", other.ID))
	has(t, "the younger one", l.page(t, "rep", fmt.Sprintf("/leads/%d", other.ID)), fmt.Sprintf("Lead %d", other.ID), "goes on for both", fmt.Sprintf(`action="/leads/%d/split"`, id))
	has(t, "splitting", post("split", fmt.Sprintf("other=%d", other.ID)), "two people again", fmt.Sprintf("not Lead %d is part of this one", other.ID))
	has(t, "the other one", l.page(t, "rep", fmt.Sprintf("/leads/%d", other.ID)), other.Name, "not goes on for both")
	if _, status := l.form(t, "marketing", path+"/merge", "with=1"); status != 403 {
		t.Errorf("marketing merges: %d", status)
	}
}

func TestCompanyPage(t *testing.T) {
	l := servePages(t)
	path := l.at(t, "/accounts/COMPANY")
	page := l.page(t, "rep", path)
	has(t, "the company", page, "Engagement of all together", "did something that still counts", "Who is covered", "target_buyer.operations_lead", "Opportunities", "What happened here", "Nobody yet", `action="`+path+`/owner"`)
	text, status := l.form(t, "rep", path+"/owner", "owner="+johan+"&who=They&back="+path)
	if status != 200 {
		t.Fatalf("setting the owner: %d", status)
	}
	has(t, "its owner", text, "Johan Lind’s now", `<option value="johan.lind@northwind.example" selected`)
	text, _ = l.form(t, "rep", path+"/owner", "owner=&back="+path)
	has(t, "nobody as the owner", text, `class="refusal"`)
	has(t, "the company for marketing", l.page(t, "marketing", path), "Johan Lind", "not /owner")
	if _, status := l.form(t, "marketing", path+"/owner", "owner="+johan); status != 403 {
		t.Errorf("marketing sets the owner: %d", status)
	}
}

// Whoever calls takes the next, writes down how it went with the answers, and has the one after that.
func TestQueuePage(t *testing.T) {
	l := servePages(t)
	mine, err := l.Store.ListCalls(t.Context(), store.CallTaken, saraHolm, 5)
	if err != nil || len(mine) != 1 {
		t.Fatal(err, len(mine))
	}
	first := mine[0]
	page := l.page(t, "sdr", "/queue")
	has(t, "the card", page, "You are calling", first.Name, `href="tel:+46555`, "Yours for 20 min, until 11:02", "Two gear boxes run hot", "still to ask: authority", "After this", "tele_qualification", fmt.Sprintf(`action="/queue/%d/call"`, first.ID))
	has(t, "the queue of somebody else", l.page(t, "manager", "/queue"), "Take and call", "not You are calling", "not "+first.Name)
	post := func(role, path, body string) string {
		t.Helper()
		text, status := l.form(t, role, path, body)
		if status != 200 {
			t.Fatalf("%s: %d\n%s", path, status, text)
		}
		return text
	}
	call := func(body string) string {
		t.Helper()
		return post("sdr", fmt.Sprintf("/queue/%d/call", first.ID), "who=Filip&"+body)
	}
	has(t, "nothing said", call("note="), "Say how the call went", `class="refusal"`)
	has(t, "an answer before the call is over", call("answer.authority=yes"), "answers kept", "You are calling", first.Name)
	if n := l.lead(t, first.ID).Readiness; n != 4 {
		t.Errorf("readiness %d, want 4", n)
	}
	has(t, "a time that is past", call("outcome=no_answer&again=2026-11-11T09:00"), "is past; choose one that lies ahead", `class="refusal"`)
	has(t, "taking what somebody has", post("manager", fmt.Sprintf("/queue/%d/take", first.ID), "back=/leads"), "Sara Holm has taken this lead")
	text := call("outcome=connected&answer.budget=yes&note=Call+Mondays&then=next&seen=7")
	has(t, "the call", text, "call written down: spoke with them", "You are calling", "not >"+first.Name+"<")
	has(t, "the same form again", call("outcome=connected&answer.budget=yes&note=Call+Mondays&seen=7"), "not refusal")
	again, err := l.Store.ListCalls(t.Context(), store.CallTaken, saraHolm, 5)
	if err != nil || len(again) != 1 || again[0].ID == first.ID {
		t.Fatalf("%v: she has %d", err, len(again))
	}
	has(t, "giving back", post("sdr", fmt.Sprintf("/queue/%d/release", again[0].ID), "who=Kofi&note=Only+by+mail+until+Monday&answer.authority=yes"), "given back to the queue, answers kept", "Take and call")
	lead := l.page(t, "sdr", fmt.Sprintf("/leads/%d", again[0].ID))
	has(t, "the timeline of what was given back", lead, "Given back to the queue by Sara Holm", "Only by mail until Monday</p>", "Answers written down by Sara Holm", "Authority: yes", "“Only by mail until Monday”")
	if now := l.lead(t, again[0].ID); now.Lead.Call.Holder != "" {
		t.Errorf("%s has it still", now.Lead.Call.Holder)
	}
	has(t, "taking the next", post("sdr", "/queue/take", ""), "You are calling", again[0].Name)
	if _, status := l.form(t, "rep", "/queue/take", ""); status != 403 {
		t.Errorf("a rep takes the next: %d", status)
	}
	has(t, "a member's page", post("manager", "/queue/take", ""), "You are calling")
}

// A page asks as many questions of the database whatever there is to show, its mark among them.
func TestLeadPagesAskAFixedNumberOfQueries(t *testing.T) {
	l := servePages(t)
	for _, c := range []struct {
		path, role string
		most       int64
	}{
		{"/leads/LEAD", "rep", 14}, {"/leads/LEAD?show=did", "rep", 15}, {"/leads/TALK", "rep", 14}, {"/accounts/COMPANY", "rep", 7}, {"/queue", "sdr", 13}, {"/queue", "manager", 13},
	} {
		if n := l.queries(t, c.role, l.at(t, c.path)); n > c.most || n < 3 {
			t.Errorf("%s as %s makes %d queries, at most %d are needed", c.path, c.role, n, c.most)
		}
	}
}

// Whoever calls does it by keys: how it went by a figure, and the next.
func TestCallsByKeys(t *testing.T) {
	l := servePages(t)
	b := l.tab(t, "sdr", "/queue")
	name := eval[string](b, "document.querySelector('#call').innerText")
	b.until("document.querySelector('#live') && !document.querySelector('#live').hidden")
	b.press("2")
	b.until("document.querySelector('[name=outcome]:checked')?.value === 'no_answer'")
	// What somebody has begun stays, whatever happens elsewhere.
	if _, err := l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: lifecycle.Input{Kind: lifecycle.Did, Name: "page_viewed", Lead: idOf(t, l.at(t, "/leads/LEAD")), At: pageTime.UnixMicro(), Known: pageTime.UnixMicro(), Source: "test"}}}); err != nil {
		t.Fatal(err)
	}
	b.until("document.querySelector('[name=outcome]:checked')?.value === 'no_answer'")
	b.press("n")
	b.until("document.querySelector('#toast')?.innerText.includes('call written down: no answer') && document.querySelector('#card')")
	if next := eval[string](b, "document.querySelector('#call').innerText"); next == name {
		t.Errorf("it is still %s's turn", name)
	}

	// What was written down before the lead is given back is kept with it.
	path := eval[string](b, "document.querySelector('#call a').getAttribute('href')")
	b.write("#note", "Ask for Ms Okoro")
	eval[bool](b, "[...document.querySelectorAll('#card button')].find((e) => e.innerText === 'Give back to the queue').click() || true")
	b.until("document.querySelector('#toast')?.innerText.includes('given back to the queue')")
	if in := l.newest(t, idOf(t, path)); in.Kind != lifecycle.Release || in.Text != "Ask for Ms Okoro" {
		t.Errorf("given back with %+v", in)
	}
	has(t, "its page", l.page(t, "sdr", path), "Given back to the queue by Sara Holm", "Ask for Ms Okoro</p>", "“Ask for Ms Okoro”")
}
