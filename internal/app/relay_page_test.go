//go:build unix

package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/seal"
)

// relayTeam is who works under the sample agreement in this test.
const relayTeam = `
people:
  ines.moreau@northwind.example: {name: Ines Moreau, side: marketing}
  sara.holm@northwind.example: {name: Sara Holm, side: marketing, manager: ines.moreau@northwind.example}
  johan.lind@northwind.example: {name: Johan Lind, side: sales, pools: [field]}
  mikko.laine@northwind.example: {name: Mikko Laine, side: sales, pools: [field]}
`

// person is somebody in a browser of their own, with nobody's cookies but theirs.
type person struct {
	*tab
	name  string
	shots string // the directory for pictures, "" for none
}

// people gives each of some people a session of their own in one browser. What their browsers complain of is an error of the test.
func (l *live) people(t *testing.T, names ...string) []*person {
	t.Helper()
	browser := browse(t)
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	var list []*person
	for _, name := range names {
		ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
		t.Cleanup(cancel)
		p := &person{&tab{t, ctx, l}, name, os.Getenv("BATON_SHOTS")}
		err := chromedp.Do(ctx, chromedp.Navigate("about:blank"))
		if err == nil {
			_, err = chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1440, Height: 900, DeviceScaleFactor: 1})
		}
		if err == nil {
			_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
		}
		var once sync.Once
		heard := make(chan struct{})
		go func() {
			for m, err := range chromedp.Events(ctx, cdplog.EntryAdded) {
				if err != nil {
					return
				}
				once.Do(func() { close(heard) })
				if m.Entry.Level == cdplog.EntryLevelError {
					t.Errorf("the browser of %s says: %s (%s)", name, m.Entry.Text, m.Entry.URL)
				}
			}
		}()
		if err == nil {
			_, err = chromedp.Call(ctx, cdplog.Enable, cdp.Empty{})
		}
		if err != nil {
			t.Fatalf("a session for %s: %v", name, err)
		}
		list = append(list, p)
	}
	return list
}

// do carries out steps, each of which has to come to pass in time.
func (p *person) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	err := chromedp.Do(ctx, steps...)
	for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "Could not find node") { // the page was shown anew between the look and the act
		err = chromedp.Do(ctx, steps...)
	}
	if err != nil {
		text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.querySelector('#main').innerText"))
		p.t.Fatalf("%s %s: %v\nthe page says: %s", p.name, what, err, text)
	}
}

// says waits until a text is on the page.
func (p *person) says(text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("document.readyState === 'complete' && document.querySelector('#main')?.innerText.includes(%q)", text))
}

// silent waits until a text is not on the page any more.
func (p *person) silent(text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("document.querySelector('#main') && !document.querySelector('#main').innerText.includes(%q)", text))
}

// at waits until an address is open.
func (p *person) at(path string) {
	p.t.Helper()
	p.until(fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", path))
}

// follow clicks what a selector says and is called so, or begins so: as a screen reader calls it.
func (p *person) follow(within, words string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`(() => {
		const called = (e) => e.getAttribute('aria-label') ?? [...e.childNodes].map((n) => n.nodeType === 3 ? n.data : n.nodeType === 1 && n.getAttribute('aria-hidden') !== 'true' ? called(n) : '').join('')
		const list = [...document.querySelectorAll('%s')].filter((e) => e.checkVisibility()), name = (e) => called(e).replace(/\s+/g, ' ').trim()
		const found = list.find((e) => name(e) === %q) ?? list.find((e) => name(e).startsWith(%[2]q))
		document.querySelectorAll('[data-test]').forEach((e) => e.removeAttribute('data-test'))
		found?.setAttribute('data-test', '')
		return found
	})()`, within, words))
	p.do("clicks "+words, chromedp.Click(chromedp.CSS("[data-test]")))
}

// answers chooses an answer of the call at hand.
func (p *person) answers(question, value string) {
	p.t.Helper()
	p.do("answers "+question, chromedp.Click(chromedp.CSS(fmt.Sprintf(`#card label:has([name="answer.%s"][value=%s])`, question, value))))
}

// tabTo presses Tab until the focus is where a selector says.
func (p *person) tabTo(selector string) {
	p.t.Helper()
	for range 80 {
		if eval[bool](p.tab, fmt.Sprintf("!!document.activeElement?.matches(%q)", selector)) {
			return
		}
		p.press(kb.Tab)
	}
	p.t.Fatalf("%s cannot get to %s by Tab", p.name, selector)
}

// types presses the keys of a text.
func (p *person) types(text string) {
	p.t.Helper()
	for _, r := range text {
		p.press(string(r))
	}
}

// stays marks the page, so that still can tell whether it is the same document: nothing was loaded anew.
func (p *person) stays() { eval[bool](p.tab, "window.stayed = true") }

func (p *person) still() {
	p.t.Helper()
	if !eval[bool](p.tab, "window.stayed === true") {
		p.t.Errorf("the page of %s was loaded anew", p.name)
	}
}

// shot takes a picture of what somebody sees, if pictures are wanted.
func (p *person) shot(name string) {
	p.t.Helper()
	if p.shots == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(p.shots, "relay-"+name+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Three people in three browsers relay a lead, from the form on a web page to a second pass: what one does appears on the pages of the
// others without their doing anything. Johan, the rep, has no mouse.
func TestRelayInThreeBrowsers(t *testing.T) {
	source, _ := agreement.Template("classic")
	text := replaced(t, string(source), "  title: text\n", "  title: text\n  phone: text\n", "brief: {show: [title,", "brief: {show: [title, phone,",
		"when: score >= 90 and", "when: score >= 190 and") + relayTeam // nobody comes back before their date
	dir := t.TempDir()
	file := filepath.Join(dir, "agreement.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 9, 7, 7, 0, 0, 0, time.UTC) // a Monday, 9:00 in Stockholm
	var now atomic.Int64
	now.Store(start.UnixMicro())
	a, err := Open(t.Context(), Options{DB: filepath.Join(dir, "relay.db"), Clock: func() time.Time { return time.UnixMicro(now.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.Adopt(t.Context(), file, start.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	key, _, err := api.NewKey(t.Context(), a.Store, "web", api.ScopeTrack, start.UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l := &live{App: a, key: key, stop: cancel, ended: make(chan error, 1)}
	ready, codes := make(chan string, 1), make(chan string, 1)
	go func() {
		l.ended <- a.Serve(ctx, ServeOptions{Listen: "127.0.0.1:0", Seal: keys, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Ready: func(address string) { ready <- address }, SetUp: func(_, code string) { codes <- code }})
	}()
	t.Cleanup(func() { cancel(); <-l.ended })
	select {
	case l.address = <-ready:
	case err := <-l.ended:
		t.Fatal(err)
	}
	post := func(path, kind, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		req.SetBasicAuth(key, "")
		res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode >= 400 {
			said, _ := io.ReadAll(res.Body)
			t.Fatalf("%s: %d %s", path, res.StatusCode, said)
		}
	}
	form := func(name string, fields ...string) {
		t.Helper()
		v := url.Values{"_key": {key}}
		for i := 0; i < len(fields); i += 2 {
			v.Set(fields[i], fields[i+1])
		}
		post("/f/"+name, "application/x-www-form-urlencoded", v.Encode())
	}
	events := func(user, email, name string, ids ...string) {
		t.Helper()
		var list []string
		list = append(list, fmt.Sprintf(`{"type":"identify","userId":%q,"messageId":%q,"traits":{"email":%q,"name":%q,"title":"Head of Operations","phone":"+46 555 01%d","seniority":"director","country":"SE","company":{"name":"Acme","employees":500,"industry":"manufacturing"}}}`, user, user+"-known", email, name, 40+len(name)))
		for _, id := range ids {
			list = append(list, fmt.Sprintf(`{"type":"track","userId":%q,"messageId":%q,"event":%q}`, user, user+id, id))
		}
		post("/v1/batch", "application/json", `{"batch":[`+strings.Join(list, ",")+`]}`)
	}
	one := func(query string) string {
		t.Helper()
		table, err := a.Store.Query(t.Context(), query)
		if err != nil || len(table.Rows) == 0 {
			t.Fatal(query, err)
		}
		return fmt.Sprint(table.Rows[0][0])
	}
	later := func(d time.Duration) { now.Add(int64(d / time.Microsecond)) }

	all := l.people(t, "Ines", "Sara", "Johan")
	ines, sara, johan := all[0], all[1], all[2]

	// Ines sets Baton up, is marketing and manager too, and invites the others.
	ines.goTo("/")
	ines.at("/set-up")
	ines.fill("/set-up", [2]string{"code", <-codes}, [2]string{"name", "Ines Moreau"}, [2]string{"email", "ines.moreau@northwind.example"}, [2]string{"password", "a plain long sentence"})
	ines.at("/settings/people")
	ines.follow("summary", "Ines Moreau")
	for _, role := range []string{"marketing", "manager"} {
		ines.until("document.querySelector('form[action$=\"/roles\"] [name=role][value=" + role + "]').checkVisibility()")
		ines.do("chooses "+role, chromedp.Click(chromedp.CSS(`form[action$="/roles"] [name=role][value=`+role+`]`)))
	}
	ines.follow("button", "Save the roles")
	ines.says("has other roles from now on")
	links := map[string]string{}
	for _, who := range [][2]string{{"sara.holm@northwind.example", "sdr"}, {"johan.lind@northwind.example", "rep"}} {
		ines.write(`form[action="/settings/people"] [name=email]`, who[0])
		ines.do("chooses "+who[1], chromedp.Click(chromedp.CSS(`form[action="/settings/people"] [name=role][value=`+who[1]+`]`)))
		ines.follow("button", "Invite")
		ines.says("A link for " + who[0])
		links[who[1]] = regexp.MustCompile(`/invitation/[\w-]+`).FindString(eval[string](ines.tab, "document.querySelector('#main code').innerText"))
		ines.shot("01-invited")
		ines.goTo("/settings/people")
	}

	// Sara comes in, and waits at her queue. Johan does the same by keys alone.
	sara.goTo(links["sdr"])
	sara.fill(links["sdr"], [2]string{"name", "Sara Holm"}, [2]string{"password", "another plain sentence"})
	sara.at("/leads")
	sara.follow(".rail a", "Queue")
	sara.says("Nobody waits to be called")
	sara.until("!document.querySelector('#live').hidden")
	sara.stays()
	johan.goTo(links["rep"])
	johan.tabTo("[name=name]")
	johan.types("Johan Lind")
	johan.press(kb.Tab)
	johan.types("the third sentence")
	johan.press(kb.Enter)
	johan.at("/leads")
	johan.says("Nothing is waiting for you")
	johan.until("!document.querySelector('#live').hidden")
	johan.stays()
	johan.shot("02-nothing-yet")

	// Ada fills in a form and looks around; Bo does the same. Both appear in the queue by themselves.
	form("contact", "email", "ada@acme.example", "name", "Ada Lind", "company", "Acme")
	events("ada", "ada@acme.example", "Ada Lind", "Pricing Viewed", "Demo Requested", "Webinar Attended")
	sara.says("Ada Lind")
	later(time.Minute)
	events("bo", "bo@acme.example", "Bo Ek", "Pricing Viewed", "Demo Requested", "Webinar Attended")
	sara.says("Bo Ek")
	sara.still()
	sara.shot("03-queue-live")

	// Sara takes her, keeps what is said while it is said, and the level rises.
	sara.follow("button", "Take and call")
	sara.says("You are calling")
	sara.shot("04-calling")
	level := "document.querySelector('#rd').parentElement.innerText.replace(/\\s+/g, ' ')"
	before := eval[string](sara.tab, level)
	sara.answers("authority", "yes")
	sara.answers("budget", "yes")
	sara.answers("timeline", "this_quarter")
	sara.follow("#card button", "Save")
	sara.says("answers kept")
	sara.until(level + ".includes('5 of 5')")
	if before != "Readiness 3 of 5" {
		t.Errorf("before it was %q", before)
	}
	sara.shot("05-level-rises")
	later(5 * time.Minute)
	sara.write(`#card [name="answer.need"]`, "Two gear boxes run hot")
	sara.write(`#card [name=note]`, "She wants to see a test run before October.")
	sara.follow("#card label", "Reached")
	sara.follow("#card button", "Save and take next")
	sara.says("call written down: spoke with them")
	sara.says("Bo Ek")
	sara.still()
	sara.until("window.scrollY === 0") // whom to call next is in view
	sara.shot("06-next")
	if stage := one(`SELECT stage FROM lead WHERE email = 'ada@acme.example'`); stage != "sql" {
		t.Fatalf("Ada is in %s", stage)
	}

	// She is on offer to Johan, whose page shows her without his doing anything. He accepts, logs the contact, hands her back,
	// thinks better of it, and hands her back after all.
	johan.says("Ada Lind")
	johan.still()
	johan.says("Two gear boxes run hot")
	johan.shot("07-offered")
	later(10 * time.Minute)
	johan.press("a")
	johan.says("accepted")
	johan.until("document.querySelector('[data-menu=contact]')")
	johan.shot("08-accepted")
	later(10 * time.Minute)
	johan.press("l")
	johan.until("document.querySelector('[data-menu=contact]').open")
	johan.shot("09-contact-menu")
	johan.press("1")
	johan.says("contact logged: spoke with them")
	johan.says("In conversation")
	johan.shot("10-in-conversation")
	later(time.Hour)
	johan.press("h")
	johan.until("document.querySelector('[data-menu=hand-back]').open")
	johan.shot("11-hand-back-menu")
	johan.press("1")
	johan.says("handed back: timing")
	johan.until("document.querySelector('#toast [data-do=undo]')")
	johan.shot("12-undo")
	johan.press("u")
	johan.until("!document.querySelector('#toast')")
	johan.says("Ada Lind")
	if owner := one(`SELECT owner FROM lead WHERE email = 'ada@acme.example'`); owner != "johan.lind@northwind.example" {
		t.Fatalf("undone, and she is with %q", owner)
	}
	johan.press("h", "1")
	johan.until("document.querySelector('#toast [data-do=undo]')")
	johan.until("!document.querySelector('#toast [data-do=undo]') && !document.body.classList.contains('asking')")
	johan.says("Nothing is waiting for you")
	johan.still()
	johan.shot("13-handed-back")
	if back := one(`SELECT stage || ' ' || track FROM lead WHERE email = 'ada@acme.example'`); back != "nurture keep_warm" {
		t.Fatalf("Ada is in %s", back)
	}

	// Ines sees where she is, what was promised, and why she came back.
	ines.goTo("/funnel")
	ines.until("document.querySelector('a[aria-label=\"1 now in Nurture\"]')")
	ines.shot("14-funnel")
	ines.until(`[...document.querySelectorAll('a[href*="stage=nurture"]')].find((a) => a.checkVisibility())?.setAttribute('data-test', '') ?? document.querySelector('[data-test]')`)
	ines.do("clicks the figure", chromedp.Click(chromedp.CSS("[data-test]")))
	ines.at("/leads/behind")
	ines.says("Ada Lind")
	ines.shot("15-behind")
	ines.follow("a", "Ada Lind")
	ines.says("Timeline")
	ines.says("Handed back")
	ines.says("She wants to see a test run before October.")
	ines.shot("16-lead")
	if !eval[bool](ines.tab, `[...document.querySelectorAll('#main a.clause')].some(c => /^\/agreement\?version=1#handbacks\.timing$/.test(c.getAttribute('href')))`) {
		t.Error("the timeline does not cite handbacks.timing at version 1")
	}
	if said := eval[string](ines.tab, "document.querySelector('[aria-labelledby=speech]').innerText"); !strings.Contains(said, "arketing") || !strings.Contains(said, "rules_of_engagement") {
		t.Errorf("who may speak: %q", said)
	}
	ada := eval[string](ines.tab, "location.pathname")
	ines.follow("a.clause", "handbacks.timing")
	ines.until("location.pathname === '/agreement' && document.querySelector(':target')")
	ines.shot("17-clause")
	ines.goTo("/promises")
	ines.until("document.querySelector('#main').innerText.includes('accepted or rejected in time')")
	ines.shot("18-promises")

	// Bo went to Mikko; Ines gives him to Johan, whose page shows it; and while Johan looks at the reasons she gives him back. What Johan
	// does then is refused, where he did it, with the name of who has him.
	sara.follow("button", "Take and call") // what she had taken is free again: twenty minutes are over
	sara.says("You are calling")
	sara.answers("authority", "yes")
	sara.write(`#card [name="answer.need"]`, "Spare parts take six weeks")
	sara.follow("#card label", "Reached")
	sara.follow("#card button", "Save")
	sara.says("Nobody waits to be called")
	bo := "/leads/" + one(`SELECT id FROM lead WHERE email = 'bo@acme.example'`)
	give := func(to string) {
		t.Helper()
		ines.goTo(bo)
		ines.follow("summary", "More to do")
		ines.until("document.querySelector('#assign-to').checkVisibility()")
		eval[bool](ines.tab, fmt.Sprintf("(() => { const s = document.querySelector('#assign-to'); s.value = [...s.options].find(o => o.text.startsWith(%q)).value; return true })()", to))
		ines.follow("button", "Give")
		ines.says("given to " + to)
	}
	if owner := one(`SELECT owner FROM lead WHERE email = 'bo@acme.example'`); owner != "mikko.laine@northwind.example" {
		t.Fatalf("Bo is with %q", owner)
	}
	give("Johan Lind")
	johan.says("Bo Ek")
	johan.press("r")
	johan.until("document.querySelector('details[data-menu=reject]').open")
	give("Mikko Laine")
	ines.shot("19-given")
	johan.press("a")
	johan.until("document.querySelector('#toast')?.getAttribute('role') === 'alert'")
	told := eval[string](johan.tab, "document.querySelector('#toast').innerText")
	if !strings.Contains(told, "went to Mikko Laine on 7 Sep 10:26; ask them if you would like it back") {
		t.Errorf("Johan is told %q", told)
	}
	johan.silent("Bo Ek ·") // his list is as it is, and what he was told still stands there
	johan.says(told)
	johan.shot("20-too-late")
	johan.still()

	// The date comes. Everybody was signed out long ago: Ines signs in where she was, and finds a second pass.
	ines.goTo("/account")
	var at int64
	fmt.Sscan(one(`SELECT revisit_at FROM lead WHERE email = 'ada@acme.example'`), &at)
	now.Store(at)
	events("x", "x@other.example", "Somebody Else", "Page Viewed") // somebody comes, as somebody always does: that wakes the server
	for late := time.Now().Add(patience); one(`SELECT pass FROM lead WHERE email = 'ada@acme.example'`) != "2"; {
		if time.Now().After(late) {
			t.Fatal("the date has come, and no pass began")
		}
	}
	ines.goTo(ada)
	ines.at("/sign-in")
	ines.fill("/sign-in", [2]string{"email", "ines.moreau@northwind.example"}, [2]string{"password", "a plain long sentence"})
	ines.at(ada)
	ines.says("pass 2")
	ines.says("What came of it before")
	ines.says("the revisit date has come")
	ines.shot("21-second-pass")
}
