//go:build unix

package app

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/hotp"

	"baton/internal/seal"
	"baton/internal/store"
)

// fill types into the fields of the form that an action has, and sends it.
func (b *tab) fill(action string, fields ...[2]string) {
	b.t.Helper()
	form := `form[action="` + action + `"]`
	steps := []chromedp.Action[chromedp.Void]{}
	for _, f := range fields {
		steps = append(steps, chromedp.SendKeys(chromedp.CSS(form+` [name=`+f[0]+`]`), f[1]))
	}
	steps = append(steps, chromedp.Click(chromedp.CSS(form+` button:not([formaction])`)))
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.querySelector('#main').innerText"))
		b.t.Fatalf("filling %s: %v\nthe page says: %s", action, err, text)
	}
}

func (b *tab) goTo(path string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate("http://"+b.address+path)); err != nil {
		b.t.Fatal(err)
	}
}

// Somebody sets Baton up in a real browser, switches a second factor on, comes in with it, forgets the password, and is sent a link by
// a real mail server.
func TestSigningInInABrowser(t *testing.T) {
	box := newMailbox(t)
	db, _, _ := prepare(t, t.TempDir())
	var later atomic.Int64 // how far the server's clock is ahead
	clock := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	a, err := Open(t.Context(), Options{DB: db, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	keys, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l := &live{App: a, stop: cancel, ended: make(chan error, 1)}
	ready, codes := make(chan string, 1), make(chan string, 1)
	go func() {
		l.ended <- a.Serve(ctx, ServeOptions{Listen: "127.0.0.1:0", Seal: keys, Delivery: box.delivery(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Ready: func(address string) { ready <- address }, SetUp: func(_, code string) { codes <- code }})
	}()
	t.Cleanup(func() { cancel(); <-l.ended })
	select {
	case l.address = <-ready:
	case err := <-l.ended:
		t.Fatal(err)
	}
	b := &tab{t, browse(t), l}
	said := func(text string) {
		t.Helper()
		b.until(`document.readyState === "complete" && document.querySelector("#main")?.innerText.includes("` + text + `")`)
	}
	at := func(path string) {
		t.Helper()
		b.until(`location.pathname === "` + path + `" && document.readyState === "complete"`)
	}

	b.goTo("/leads") // leads to the sign-in, and that to the set-up
	at("/set-up")
	b.fill("/set-up", [2]string{"code", <-codes}, [2]string{"name", "Ada Lind"}, [2]string{"email", "ada@northwind.example"}, [2]string{"password", "a plain long sentence"})
	at("/settings/people")
	said("Ada Lind")

	b.goTo("/account")
	b.fill("/account/second")
	said("Scan this with your app")
	secret := eval[string](b, `document.querySelector("#main code").innerText`)
	code := func() string {
		t.Helper()
		code, err := hotp.GenerateCode(strings.ReplaceAll(secret, " ", ""), uint64(clock().Unix()/30))
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	b.fill("/account/second/on", [2]string{"code", "000000"})
	said("not the one of this half minute")
	b.fill("/account/second/on", [2]string{"code", code()})
	said("Keep these codes")
	recovery := eval[string](b, `document.querySelector("#main ul li").innerText`)

	b.goTo("/account")
	b.fill("/sign-out")
	at("/sign-in")
	b.goTo("/account")
	at("/sign-in")
	b.fill("/sign-in", [2]string{"email", "ada@northwind.example"}, [2]string{"password", "not this one"})
	said("do not go together here")
	b.fill("/sign-in", [2]string{"password", "a plain long sentence"}) // the address is still there
	said("Enter your code")
	later.Add(int64(31 * time.Second))
	b.fill("/sign-in/code", [2]string{"code", code()})
	at("/account")
	said("10 recovery codes left")

	b.fill("/sign-out")
	at("/sign-in")
	b.goTo("/reset")
	b.fill("/reset", [2]string{"email", "ada@northwind.example"})
	said("Look into your mail")
	mail := box.next(t)
	link := regexp.MustCompile(`http://` + regexp.QuoteMeta(l.address) + `(/reset/[\w-]{43})`).FindStringSubmatch(mail.body)
	if mail.to != "ada@northwind.example" || link == nil {
		t.Fatalf("%+v", mail)
	}
	b.goTo(link[1])
	b.fill(link[1], [2]string{"password", "another plain long sentence"})
	at("/sign-in") // the link alone does not get around the second factor
	b.fill("/sign-in", [2]string{"email", "ada@northwind.example"}, [2]string{"password", "another plain long sentence"})
	said("Enter your code")
	b.fill("/sign-in/code", [2]string{"code", strings.ToLower(recovery)})
	b.until(`!location.pathname.startsWith("/sign-in") && document.readyState === "complete"`)
	b.goTo("/account")
	said("9 recovery codes left")
	b.goTo(link[1])
	said("used already")
	list, err := l.Store.Audits(t.Context(), store.AuditFilter{Actor: "ada@northwind.example"}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, a := range list {
		did = append([]string{a.Action + " " + a.Detail}, did...)
	}
	want := "set Baton up ; switched the second factor on ; signed out ; signed in totp; signed out ; changed the password by a link; signed in recovery"
	if got := strings.Join(did, "; "); got != want {
		t.Errorf("on record: %s", got)
	}
}

// Looking after users costs the same however many there are.
func TestPagesOfUsersAskAFixedNumberOfQueries(t *testing.T) {
	l := servePages(t)
	for _, c := range []struct {
		role, path string
		most       int64
	}{{"rep", "/account", 7}, {"admin", "/settings/people", 7}, {"revops", "/settings/audit", 6}} {
		if n := l.queries(t, c.role, c.path); n > c.most || n == 0 {
			t.Errorf("%s makes %d queries, at most %d are needed", c.path, n, c.most)
		}
	}
}
