//go:build unix

package app

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// submit has an input decided.
func (l *live) submit(t *testing.T, in lifecycle.Input) {
	t.Helper()
	in.At, in.Known, in.Source = pageTime.UnixMicro(), pageTime.UnixMicro(), "test"
	out, err := l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: in}})
	if err != nil || out[0].Err != nil || out[0].Decision.Refused != "" {
		t.Fatalf("%s: %v, %+v", in.Kind, err, out)
	}
}

// Whoever was written to and did not answer waits apart, until they do something or little time is left.
func TestWaitingForTheirReply(t *testing.T) {
	l := servePages(t)
	row := l.offered(t, johan)
	there := fmt.Sprintf(`data-row="%d"`, row.ID)
	part := func(title string) string {
		text := l.page(t, "rep", "/leads")
		_, rest, ok := strings.Cut(text, title)
		if !ok {
			return ""
		}
		list, _, _ := strings.Cut(rest, "</ul>")
		return list
	}
	const waiting = `id="await"`
	steps := []struct {
		does  lifecycle.Input
		waits bool
	}{
		{lifecycle.Input{Kind: lifecycle.Accept, Actor: johan}, false},
		{lifecycle.Input{Kind: lifecycle.Contact, Actor: johan, Name: "no_answer"}, false},
		{lifecycle.Input{Kind: lifecycle.Contact, Actor: johan, Name: "voicemail"}, true},
		{lifecycle.Input{Kind: lifecycle.Contact, Actor: johan, Name: "connected"}, false},
		{lifecycle.Input{Kind: lifecycle.Contact, Actor: johan, Name: "sent"}, true},
	}
	for i, s := range steps {
		s.does.Lead = row.ID
		l.submit(t, s.does)
		if got := strings.Contains(part(waiting), there); got != s.waits {
			t.Errorf("after step %d, %s %s: waits for a reply: %v, want %v", i, s.does.Kind, s.does.Name, got, s.waits)
		}
	}
	if text := part(waiting); !strings.Contains(text, "You wrote to them today. Nothing came back yet.") {
		t.Errorf("it does not say why: %s", text)
	}
	in := lifecycle.Input{Kind: lifecycle.Did, Lead: row.ID, Name: "pricing_viewed"}
	in.At, in.Known, in.Source = pageTime.Add(time.Second).UnixMicro(), pageTime.Add(time.Second).UnixMicro(), "test"
	if _, err := l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: in}}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(part(waiting), there) {
		t.Error("it waits for a reply although the lead did something since")
	}
}

// What somebody has open and where the focus is stays when a page takes in what was decided.
func TestWhatIsOpenStaysOpen(t *testing.T) {
	l := servePages(t)
	b := l.tab(t, "manager", "/team")
	b.until("!document.querySelector('#live').hidden")
	eval[bool](b, `(() => { const d = document.querySelector('details[data-keep^=member]'); d.open = true; d.querySelector('summary').focus(); window.was = document.querySelector('#main'); return true })()`)
	l.offered(t, johan)
	b.until("document.querySelector('#main') !== window.was")
	if !eval[bool](b, "document.querySelector('details[data-keep^=member]').open") {
		t.Error("what was open is closed")
	}
	if got := eval[string](b, "document.activeElement.closest('details')?.dataset.keep ?? document.activeElement.tagName"); !strings.HasPrefix(got, "member") {
		t.Errorf("the focus went to %s", got)
	}
}

// Keys of one character can be switched off; those that are no characters go on working.
func TestKeysCanBeSwitchedOff(t *testing.T) {
	l := servePages(t)
	b := l.tab(t, "rep", "/leads")
	b.press("?")
	b.until("document.querySelector('#keys').open")
	eval[bool](b, "document.querySelector('#keys [name=keys]').click() || true")
	b.until("document.body.dataset.keys === 'off' && !document.querySelector('#keys').open")
	first := eval[string](b, "document.querySelector('[data-next]').dataset.row")
	b.press("?", "a", "r", "x", "j")
	if eval[bool](b, "document.querySelector('#keys').open || !!document.querySelector('details.menu[open]') || !!document.querySelector('[data-do=select]:checked')") {
		t.Error("a key did something although keys are off")
	}
	if got := eval[string](b, "document.querySelector('[data-next]').dataset.row"); got != first {
		t.Error("A accepted although keys are off")
	}
	b.press(kb.ArrowDown)
	b.until("document.activeElement.matches('[data-row]')")
	if text, status := l.form(t, "rep", "/keys", "keys=on&back=/account"); status != 200 || !strings.Contains(text, "Switch single keys off") {
		t.Errorf("switching them on: %d", status)
	}
}

// Whoever holds hundreds of leads sees what is first to run out of each list, and all of it when that is wanted: what is done there leads
// back there.
func TestManyLeadsOfOne(t *testing.T) {
	l := servePages(t)
	rows, err := l.Store.ListLeads(t.Context(), store.LeadFilter{Outcome: new(string)}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if r := &rows[i]; r.Side == "sales" && r.Owner != "" && r.Owner != johan {
			l.submit(t, lifecycle.Input{Kind: lifecycle.Assign, Lead: r.ID, Name: johan, Actor: johan})
		}
	}
	row := regexp.MustCompile(`<li class="row[^>]*data-row="\d+"`)
	text := l.page(t, "rep", "/leads")
	link := regexp.MustCompile(`The first 50 by their deadlines.*?href="(/leads\?all=1)">Show all (\d+)<`).FindStringSubmatch(text)
	if link == nil {
		t.Fatal("not one list is longer than 50, or it does not say so")
	}
	of, _ := strconv.Atoi(link[2])
	all := l.page(t, "rep", link[1])
	if shown, there := len(row.FindAllString(text, -1)), len(row.FindAllString(all, -1)); of <= 50 || there-shown < of-50 || strings.Contains(all, "Show all ") {
		t.Errorf("%d rows, and %d when all are wanted, of which one list has %d", shown, there, of)
	}
	back := `name="back" value="/leads?all=1"`
	if n := strings.Count(all, back); n < len(row.FindAllString(all, -1)) || strings.Contains(text, back) {
		t.Errorf("%d forms lead back to all of them", n)
	}
}
