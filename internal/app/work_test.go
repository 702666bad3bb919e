//go:build unix

package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
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
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
	"baton/internal/store"
)

// tab is a page in a browser, for tests that work with it.
type tab struct {
	t   *testing.T
	ctx context.Context
	*live
}

func (l *live) tab(t *testing.T, role, path string) *tab {
	t.Helper()
	b := &tab{t, browse(t), l}
	if err := l.open(b.ctx, role, path, "light", 1440, 900); err != nil {
		t.Fatal(err)
	}
	return b
}

// press presses keys, one after the other.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		if err := chromedp.Do(b.ctx, chromedp.KeyEvent(k)); err != nil {
			b.t.Fatalf("pressing %s: %v", k, err)
		}
	}
}

// write has a field in focus as soon as it can be, and types there.
func (b *tab) write(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("(() => { const e = document.querySelector(%q); e?.focus(); return e && document.activeElement === e })()", selector))
	b.press(text)
}

// until waits until an expression of the page is true.
func (b *tab) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+expression+")"))
	for err != nil && ctx.Err() == nil { // the page that was asked is gone: another one has come
		_, err = chromedp.Run(ctx, chromedp.Poll[bool]("!!("+expression+")"))
	}
	if err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.querySelector('#main').innerText"))
		b.t.Fatalf("waiting for %s: %v\nthe page says: %s", expression, err, text)
	}
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// offered gives a lead of nobody's to a member, as an open hand-off.
func (l *live) offered(t *testing.T, to string) *store.ListedLead {
	t.Helper()
	rows, err := l.Store.ListLeads(t.Context(), store.LeadFilter{Stage: "mql"}, 0, 200)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		r := &rows[i]
		if s := r.Lead.Handoff.State; r.Owner == to || s != lifecycle.HandoffOpen && s != lifecycle.HandoffEscalated {
			continue
		}
		out, err := l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: lifecycle.Input{Kind: lifecycle.Assign, Lead: r.ID, At: pageTime.UnixMicro(), Known: pageTime.UnixMicro(), Actor: to, Name: to, Source: "test"}}})
		if err != nil || out[0].Err != nil {
			t.Fatal(err, out)
		}
		if out[0].Decision.Refused == "" {
			return r
		}
	}
	t.Fatal("no lead is on offer to somebody else")
	return nil
}

func (l *live) lead(t *testing.T, id int64) *store.ListedLead {
	t.Helper()
	r, err := l.Store.LeadByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const johan = "johan.lind@northwind.example"

// A rep does it all by keys: accepts, hands back and thinks better of it, hands back, logs a contact.
func TestRepWorksByKeys(t *testing.T) {
	l := servePages(t)
	l.offered(t, johan)
	b := l.tab(t, "rep", "/leads")
	b.until("document.querySelector('[data-next] [data-do=accept]')")
	id := eval[string](b, "document.querySelector('[data-next]').dataset.row")
	var lead int64
	fmt.Sscan(id, &lead)
	b.press("a")
	b.until("document.querySelector('#toast')?.innerText.includes('accepted')")
	if s := l.lead(t, lead).Lead.Handoff.State; s != lifecycle.HandoffAccepted {
		t.Errorf("lead %d is %s after A", lead, s)
	}

	// The menu opens with the reasons of the agreement; a figure picks one; U takes it back before anything was sent.
	row := fmt.Sprintf("document.querySelector('[data-row=\"%s\"]')", id)
	b.until(row)
	eval[bool](b, row+".focus() || true")
	b.press("h")
	b.until(row + ".querySelector('details[data-menu=hand-back]').open")
	b.press("1")
	b.until("document.querySelector('#toast [data-do=undo]') && " + row + ".hidden")
	b.press("u")
	b.until("!document.querySelector('#toast') && !" + row + ".hidden")
	if o := l.lead(t, lead).Owner; o != johan {
		t.Errorf("lead %d went to %q although it was undone", lead, o)
	}

	// A contact that reached somebody moves it on.
	eval[bool](b, row+".focus() || true")
	b.press("l", "1")
	b.until("document.querySelector('#toast')?.innerText.includes('spoke with them')")
	if l.lead(t, lead).Lead.Handoff.Contacted == 0 {
		t.Errorf("lead %d has no contact after L 1", lead)
	}

	// What is not undone is sent when the page is left, and by the next one if the browser did not get that done.
	b.until(row)
	eval[bool](b, row+".focus() || true")
	b.press("h", "1")
	b.until("document.querySelector('#toast [data-do=undo]')")
	for _, url := range []string{"about:blank", "http://" + l.address + "/funnel"} {
		if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(patience)
	for l.lead(t, lead).Owner == johan && time.Now().Before(deadline) {
		if _, err := l.Store.DecisionMark(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if o := l.lead(t, lead).Owner; o == johan {
		t.Errorf("lead %d is not handed back after the page was left", lead)
	}
	sent, err := l.Store.Query(t.Context(), fmt.Sprintf("SELECT id FROM inputs WHERE lead = %d AND kind = 'hand_back'", lead))
	if err != nil || len(sent.Rows) != 1 {
		t.Errorf("lead %d was handed back by %v: %v", lead, sent, err)
	}
}

// New work appears by itself; what somebody else was faster with is told where it was clicked.
func TestMyLeadsAreLive(t *testing.T) {
	l := servePages(t)
	b := l.tab(t, "rep", "/leads")
	b.until("!document.querySelector('#live').hidden")
	row := l.offered(t, johan)
	sel := fmt.Sprintf("document.querySelector('[data-row=\"%d\"]')", row.ID)
	b.until(sel)

	// The manager accepts it meanwhile; the page is kept from seeing that by an open menu.
	eval[bool](b, "(() => { const d = "+sel+".querySelector('details[data-menu=reject]'); d.open = true; return true })()")
	if _, err := l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: lifecycle.Input{Kind: lifecycle.Accept, Lead: row.ID, At: pageTime.UnixMicro(), Known: pageTime.UnixMicro(),
		Actor: "astrid.berg@northwind.example", Source: "test"}}}); err != nil {
		t.Fatal(err)
	}
	eval[bool](b, "(() => { "+sel+".querySelector('[data-do=accept]').click(); return true })()")
	b.until("document.querySelector('#toast')?.innerText.includes('Astrid Berg accepted this one')")
	if role := eval[string](b, "document.querySelector('#toast').getAttribute('role')"); role != "alert" {
		t.Errorf("a refusal is a %s", role)
	}
}

// While somebody is at a row, has selected some, or has a menu open, nothing new moves what they see: a line says how many there are, and
// brings them in when it is pressed.
func TestNewOnesWaitWhileTheListIsInUse(t *testing.T) {
	l := servePages(t)
	b := l.tab(t, "rep", "/leads")
	b.until("!document.querySelector('#live').hidden")
	const line = "document.querySelector('[data-fresh]')"
	ids := "[...document.querySelectorAll('[data-row]')].map(r => r.dataset.row + '@' + Math.round(r.getBoundingClientRect().top)).join(' ')"
	b.press("j", "j", "x")
	here := eval[string](b, "document.activeElement.closest('[data-row]').dataset.row")
	before := eval[string](b, ids)
	one, two := l.offered(t, johan), l.offered(t, johan)
	b.until("!" + line + ".hidden && " + line + ".innerText.includes('2 new')")
	if after := eval[string](b, ids); after != before {
		t.Errorf("rows moved: %s, were %s", after, before)
	}
	if text := eval[string](b, "document.querySelector('#polite').textContent"); !strings.Contains(text, "2 new") {
		t.Errorf("a screen reader is told %q", text)
	}
	if at := eval[string](b, "document.activeElement.closest('[data-row]')?.dataset.row ?? ''"); at != here {
		t.Errorf("the focus is at %q, was at %s", at, here)
	}

	// By keys: they come, the first of them has the focus, and what was selected is.
	b.press("f")
	b.until(fmt.Sprintf("document.querySelector('[data-row=\"%d\"]') && document.querySelector('[data-row=\"%d\"]') && %s.hidden", one.ID, two.ID, line))
	if at := eval[string](b, "document.activeElement.closest('[data-row]')?.dataset.row ?? ''"); at != fmt.Sprint(one.ID) && at != fmt.Sprint(two.ID) {
		t.Errorf("the focus is at %q, and not at what is new", at)
	}
	if picked := eval[string](b, "[...document.querySelectorAll('[data-do=select]:checked')].map(p => p.value).join()"); picked != here {
		t.Errorf("%q is selected, was %s", picked, here)
	}

	// With a menu open as well; once nobody is at the list, they come by themselves.
	eval[bool](b, "document.querySelectorAll('[data-do=select]:checked').forEach(p => { p.checked = false }) || true")
	b.press("r")
	three := l.offered(t, johan)
	b.until("!" + line + ".hidden && " + line + ".innerText.includes('1 new') && document.querySelector('details.menu[open]')")
	b.press(kb.Escape)
	eval[bool](b, "document.activeElement.blur() || true")
	b.until(fmt.Sprintf("document.querySelector('[data-row=\"%d\"]') && %s.hidden", three.ID, line))
}

// The bars say where a page belongs: somebody else's lead is not among My leads, and the leads behind a figure belong to the figure.
func TestBarsSayWhereAPageBelongs(t *testing.T) {
	l := servePages(t)
	rows, err := l.Store.ListLeads(t.Context(), store.LeadFilter{Owner: saraHolm}, 0, 1)
	if err != nil || len(rows) == 0 {
		t.Fatal(rows, err)
	}
	current := regexp.MustCompile(`<a href="([^"]+)" aria-current="page"`)
	for _, c := range []struct{ role, path, want string }{
		{"rep", "/leads", "/leads"}, {"rep", l.at(t, "/leads/LEAD"), "/leads"}, {"rep", fmt.Sprintf("/leads/%d", rows[0].ID), ""},
		{"manager", l.at(t, "/leads/LEAD"), ""}, {"manager", "/leads/behind?stage=mql", "/funnel"}, {"manager", "/leads/behind?clock=handoffs.mql_to_sales.accept_within&over=1", "/promises"},
		{"manager", "/leads/behind?handoff=mql_to_sales", "/promises"}, {"marketing", "/leads/behind?stage=mql", "/funnel"}, {"sdr", "/queue", "/queue"},
		{"revops", "/settings/audit", "/settings/audit"}, {"admin", "/settings/people", "/settings/people"}, {"admin", "/settings/server", "/settings"},
	} {
		page, _, _ := strings.Cut(l.page(t, c.role, c.path), "<main")
		got := ""
		for i, m := range current.FindAllStringSubmatch(page, -1) {
			if got != "" && m[1] != got {
				t.Errorf("%s as %s: the bars show %d pages", c.path, c.role, i+1)
			}
			got = m[1]
		}
		if got != c.want {
			t.Errorf("%s as %s: the bars show %q, want %q", c.path, c.role, got, c.want)
		}
	}
}

// Without scripts a form does the same, and the reason for a refusal stands at the lead.
func TestFormsWorkWithoutScripts(t *testing.T) {
	l := servePages(t)
	row := l.offered(t, johan)
	post := func(act, body string) string {
		t.Helper()
		text, status := l.form(t, "rep", fmt.Sprintf("/leads/%d/%s", row.ID, act), body)
		if status != 200 {
			t.Fatalf("%s: %d\n%s", act, status, text)
		}
		return text
	}
	if text := post("hand-back", "reason=timing&who=Her&back=/leads"); !strings.Contains(text, "has not been accepted yet: reject it instead") || !strings.Contains(text, `class="refusal"`) {
		t.Errorf("no refusal at the lead:\n%s", text)
	}
	if text := post("reject", "reason=nonsense&who=Her"); !strings.Contains(text, "no reason to reject; the agreed ones are") {
		t.Errorf("an unknown reason is not refused:\n%s", text)
	}
	if text := post("accept", "who=Her&seen=1"); !strings.Contains(text, "accepted") {
		t.Errorf("accepting is not told:\n%s", text)
	}
	if text := post("accept", "who=Her&seen=1"); strings.Contains(text, `role="alert"`) {
		t.Errorf("the same form sent twice is refused the second time:\n%s", text)
	}
	if text := post("move", "who=Her&transition=devour"); !strings.Contains(text, `class="refusal"`) || !strings.Contains(text, "devour") {
		t.Errorf("a transition that does not exist is not refused:\n%s", text)
	}
	if text := post("contact", "who=Her&outcome=voicemail&channel=fax"); !strings.Contains(text, "no channel") {
		t.Errorf("a channel nobody agreed on is not refused:\n%s", text)
	}
	// whoever is late is told who has it since when, and whom to ask
	row = l.offered(t, johan)
	at := pageTime.UnixMicro()
	for _, other := range []string{"sara.holm@northwind.example", "mikko.laine@northwind.example", "astrid.berg@northwind.example"} { // whoever is there
		out, err := l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: lifecycle.Input{Kind: lifecycle.Assign, Lead: row.ID, At: at, Known: at, Actor: "astrid.berg@northwind.example", Name: other, Source: "test"}}})
		if err != nil {
			t.Fatal(err)
		}
		if out[0].Decision.Refused == "" {
			break
		}
	}
	if text := post("accept", "who=Her&seen=2"); !strings.Contains(strings.ToLower(text), "this lead went to ") || !strings.Contains(text, "ask them if you would like it back") {
		t.Errorf("who is late is not told:\n%s", text)
	}
	if _, status := l.form(t, "marketing", fmt.Sprintf("/leads/%d/accept", row.ID), ""); status != 403 {
		t.Errorf("marketing accepts a lead: %d", status)
	}
	if _, status := l.form(t, "rep", fmt.Sprintf("/leads/%d/devour", row.ID), ""); status != 404 {
		t.Errorf("an act that does not exist: %d", status)
	}
}

// Ctrl-K finds somebody by the first letters, and Enter opens them.
func TestPaletteFinds(t *testing.T) {
	l := servePages(t)
	rows, err := l.Store.ListLeads(t.Context(), store.LeadFilter{Owner: johan}, 0, 1)
	if err != nil || len(rows) == 0 {
		t.Fatal(rows, err)
	}
	b := l.tab(t, "rep", "/leads")
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl))); err != nil {
		t.Fatal(err)
	}
	b.until("document.querySelector('#palette').open && document.activeElement.id === 'palette-text'")
	for _, r := range strings.ToLower(rows[0].Name) {
		b.press(string(r))
	}
	b.until(fmt.Sprintf("document.querySelector('#palette-list [aria-selected=true]')?.getAttribute('href') === '/leads/%d'", rows[0].ID))
	b.press(kb.Enter)
	b.until(fmt.Sprintf("location.pathname === '/leads/%d'", rows[0].ID))
}

// One thing done with several leads: each is decided by itself, and what was refused is told.
func TestSeveralAtOnce(t *testing.T) {
	l := servePages(t)
	one, two := l.offered(t, johan), l.offered(t, johan)
	text, status := l.form(t, "rep", "/leads", fmt.Sprintf("act=accept&lead=%d&lead=%d", one.ID, two.ID))
	if status != 200 || !strings.Contains(text, "2 leads</b> accepted") {
		t.Errorf("accepting two: %d\n%s", status, text)
	}
	text, status = l.form(t, "rep", "/leads", fmt.Sprintf("act=hand-back+timing&lead=%d&lead=999999&lead=%d", one.ID, two.ID))
	if status != 200 || !strings.Contains(text, "2 leads</b> handed back: timing; 1 not: ") {
		t.Errorf("handing back two and one that is not there: %d\n%s", status, text)
	}
	for _, id := range []int64{one.ID, two.ID} {
		if o := l.lead(t, id).Owner; o == johan {
			t.Errorf("lead %d is still with %s", id, o)
		}
	}
	for _, body := range []string{"act=accept", "act=devour&lead=1", "lead=1"} {
		text, status := l.form(t, "rep", "/leads", body)
		if has(t, body, text, "Nothing was done yet: ", `role="alert"`); status != 200 {
			t.Errorf("%s: %d", body, status)
		}
	}
}

// A page costs the same whatever there is to show.
func TestWorkPagesAskAFixedNumberOfQueries(t *testing.T) {
	l := servePages(t)
	rows, err := l.Store.ListLeads(t.Context(), store.LeadFilter{Owner: johan}, 0, 1)
	if err != nil || len(rows) == 0 {
		t.Fatal(rows, err)
	}
	for path, most := range map[string]int64{"/leads": 9, "/search?q=s": 12, "/search?q=anna+s": 13, "/search": 4, fmt.Sprintf("/leads/%d/brief", rows[0].ID): 6} {
		if n := l.queries(t, "rep", path); n > most || n == 0 {
			t.Errorf("%s makes %d queries, at most %d are needed", path, n, most)
		}
	}
}

// Two processes on one database: what one decides appears in a page of the other.
func TestLiveAcrossProcesses(t *testing.T) {
	db := pgtest.Database(t)
	source, _ := agreement.Template("waterfall")
	file := filepath.Join(t.TempDir(), "agreement.yaml")
	if err := os.WriteFile(file, source, 0o644); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return pageTime }
	open := func() *App {
		a, err := Open(t.Context(), Options{DB: db, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Close() })
		if err := a.Adopt(t.Context(), file, pageTime.Add(-time.Hour).UnixMicro()); err != nil {
			t.Fatal(err)
		}
		return a
	}
	serving, other := open(), open()
	l := &live{App: serving, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l.stop = cancel
	ready := make(chan string, 1)
	go func() {
		l.ended <- serving.Serve(ctx, ServeOptions{Listen: "127.0.0.1:0", Viewer: as, Log: slog.New(slog.DiscardHandler), Ready: func(address string) { ready <- address }})
	}()
	t.Cleanup(func() { cancel(); <-l.ended })
	l.address = <-ready

	get := func(path string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+l.address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "as", Value: "rep"})
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		if res.StatusCode != 200 {
			t.Fatalf("%s: %d", path, res.StatusCode)
		}
		return res
	}
	listen := func(mark string) (next func(want string)) {
		t.Helper()
		res := get("/live?of=leads&mark=" + url.QueryEscape(mark))
		if res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatal(res.Header)
		}
		lines := bufio.NewScanner(res.Body)
		return func(want string) {
			t.Helper()
			for lines.Scan() {
				if lines.Text() == want {
					return
				}
				if strings.HasPrefix(lines.Text(), "event: ") {
					t.Fatalf("%q, want %q", lines.Text(), want)
				}
			}
			t.Fatalf("the stream ended before %q: %v", want, lines.Err())
		}
	}
	body, err := io.ReadAll(get("/leads").Body)
	if err != nil {
		t.Fatal(err)
	}
	made := regexp.MustCompile(`data-live="leads" data-mark="([^"]+)"`).FindSubmatch(body)
	if made == nil {
		t.Fatal("the page has no mark")
	}
	next := listen(string(made[1]))
	next("event: hello")
	at := pageTime.UnixMicro()
	in := func(kind lifecycle.InputKind, lead int64, name string) lifecycle.Arrival {
		return lifecycle.Arrival{Input: lifecycle.Input{Kind: kind, Lead: lead, At: at, Known: at, Name: name, Actor: name, Source: "test"}}
	}
	arrival := in(lifecycle.Did, 0, "page_viewed")
	arrival.Input.Actor = ""
	arrival.Keys = []identity.Key{{Kind: identity.Email, Value: "ada@acme.example"}}
	out, err := other.Engine.Submit(ctx, []lifecycle.Arrival{arrival})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
	// Somebody else's lead is no news; one's own is.
	for _, member := range []string{"sara.holm@northwind.example", johan} {
		if out, err := other.Engine.Submit(ctx, []lifecycle.Arrival{in(lifecycle.Assign, out[0].Lead, member)}); err != nil || out[0].Decision.Refused != "" {
			t.Fatal(err, out)
		}
	}
	next("event: changed")
	// Who listens for a page that was made before is told at once, and not with a page that has it.
	next = listen(string(made[1]))
	next("event: hello")
	next("event: changed")
	if body, err = io.ReadAll(get("/leads").Body); err != nil {
		t.Fatal(err)
	}
	next = listen(string(regexp.MustCompile(`data-mark="([^"]+)"`).FindSubmatch(body)[1]))
	next("event: hello")
	next(": still here")
}

// A first visit fetches under 200 KB, packed as browsers ask for it; a page that comes after it under 30.
func TestVisitsAreSmall(t *testing.T) {
	l := servePages(t)
	get := func(path string) (int, string) {
		t.Helper()
		r, err := http.NewRequest("GET", "http://"+l.address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "gzip")
		r.AddCookie(&http.Cookie{Name: "as", Value: "rep"})
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %d, %v", path, res.StatusCode, err)
		}
		if res.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			return len(b), string(plain)
		}
		return len(b), string(b)
	}
	size, text := get("/leads")
	if size > 30<<10 {
		t.Errorf("the page has %d bytes", size)
	}
	total, seen := size, map[string]bool{}
	fetch := func(path string) {
		if !seen[path] {
			seen[path] = true
			n, _ := get(path)
			total += n
		}
	}
	dir := ""
	for _, m := range regexp.MustCompile(`"(/assets/[^/]+/)([^"]+)"`).FindAllStringSubmatch(text, -1) {
		dir = m[1]
		fetch(m[1] + m[2])
	}
	_, css := get(dir + "baton.css")
	for _, m := range regexp.MustCompile(`url\(["']?\./([^"')]+)`).FindAllStringSubmatch(css, -1) {
		fetch(dir + m[1])
	}
	if len(seen) < 6 || total > 200<<10 {
		t.Errorf("a first visit fetches %d bytes in %d files", total, len(seen)+1)
	}
	t.Logf("first visit %d bytes, page %d", total, size)
	if regexp.MustCompile(`url\(["']?https?:`).MatchString(css) || regexp.MustCompile(`(src|href)="https?:`).MatchString(text) {
		t.Error("something comes from another host")
	}
}

// Whoever presses something, or has just opened it, gets what they pressed: what comes in live, and what came of a form sent before, waits
// until they are done, and comes then.
func TestNothingTakesAClickAway(t *testing.T) {
	l := servePages(t)
	talk := l.at(t, "/leads/TALK")
	b := l.tab(t, "rep", talk)
	b.until("document.querySelector('#live') && !document.querySelector('#live').hidden")
	// asked is how often the page was asked for since.
	asked := func(path string) string {
		return fmt.Sprintf("performance.getEntriesByType('resource').filter((e) => new URL(e.name).pathname === '%s').length", path)
	}
	comes := func() {
		t.Helper()
		eval[bool](b, "performance.clearResourceTimings() || (document.querySelector('#main').dataset.was = '') || true")
		l.does(t, lifecycle.Input{Kind: lifecycle.Did, Name: "page_viewed", Lead: idOf(t, talk)})
		b.until(asked(talk) + " > 0 && !document.body.classList.contains('asking')")
	}
	mouse := func(what input.DispatchMouseEventType, sel string) {
		t.Helper()
		at := eval[[]float64](b, fmt.Sprintf("(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()", sel))
		if err := chromedp.Do(b.ctx, chromedp.MouseEvent(what, at[0], at[1], chromedp.ClickCount(1), chromedp.Button("left"))); err != nil {
			t.Fatal(err)
		}
	}
	const menu = "[data-menu=hand-back]"
	mouse(chromedp.MousePressed, menu+" summary")
	comes()
	mouse(chromedp.MouseReleased, menu+" summary")
	if !eval[bool](b, "document.querySelector('"+menu+"').open") {
		t.Error("the click on the menu was lost to what came in live")
	}
	b.press(kb.Escape)
	b.until("document.querySelector('#main').dataset.was === undefined") // it comes afterwards

	// The bar of a narrow window.
	if err := l.open(b.ctx, "rep", talk, "light", 390, 844); err != nil {
		t.Fatal(err)
	}
	b.until("document.querySelector('#live') && !document.querySelector('#live').hidden")
	eval[bool](b, "document.querySelector('.tabbar .more').open = true")
	comes()
	if !eval[bool](b, "document.querySelector('.tabbar .more').open") {
		t.Error("what came in live closed the bar")
	}
	eval[bool](b, "(document.querySelector('.tabbar .more').open = false) || true")
	b.until("document.querySelector('#main').dataset.was === undefined")

	// A rejection is sent when it cannot be undone any more: by then somebody is at the next one.
	one, two := l.offered(t, johan), l.offered(t, johan)
	if err := l.open(b.ctx, "rep", "/leads", "light", 1440, 900); err != nil {
		t.Fatal(err)
	}
	row := func(id int64) string { return fmt.Sprintf("document.querySelector('[data-row=\"%d\"]')", id) }
	b.until(row(one.ID) + " && " + row(two.ID))
	eval[bool](b, row(one.ID)+".focus() || true")
	b.press("r", "1")
	b.until("document.querySelector('#toast [data-do=undo]')")
	eval[bool](b, row(two.ID)+".focus() || true")
	b.press("r")
	note := row(two.ID) + ".querySelector('[data-menu=reject] [name=note]')"
	b.until("(() => { const n = " + note + "; n.focus(); return document.activeElement === n })()")
	for _, r := range "Not yet" {
		b.press(string(r))
	}
	b.until(note + ".value === 'Not yet'")
	for late := time.Now().Add(patience); l.lead(t, one.ID).Owner == johan && time.Now().Before(late); {
		b.until("true")
	}
	b.until("document.querySelector('#toast')?.innerText.includes('rejected') && !document.querySelector('#toast [data-do=undo]')") // it is told at once
	if !eval[bool](b, row(two.ID)+"?.querySelector('[data-menu=reject]').open && "+note+".value === 'Not yet' && document.activeElement === "+note) {
		t.Error("what came of one rejection took the next one away")
	}

	// Another one is held back: its row stays away and it can be undone, whatever came of the first.
	b.press(kb.Escape)
	eval[bool](b, row(two.ID)+".querySelector('[data-menu=reject]').open = true")
	eval[bool](b, row(two.ID)+".querySelector('[data-menu=reject] .menu-item').click() || true")
	b.until("!" + row(one.ID) + " && " + row(two.ID) + ".hidden && document.querySelector('#toast [data-do=undo]')")
	b.press("u")
	b.until("!" + row(two.ID) + ".hidden && !document.querySelector('#toast [data-do=undo]')")
	if o := l.lead(t, two.ID).Owner; o != johan {
		t.Errorf("lead %d went to %q although it was undone", two.ID, o)
	}
}
