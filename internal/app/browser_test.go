//go:build unix

package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"baton/internal/lifecycle"
)

// browse starts a browser without a window, as a visitor who was never here.
func browse(t testing.TB) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("there is no browser on this machine, and this test opens pages in one; install it with: script/need chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Minute) // on a busy machine
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // it puts its files in order before they are removed
			t.Log(err)
		}
	})
	return ctx
}

// snippet returns the block of docs/tracking.md that holds a text.
func snippet(t testing.TB, kind, text string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/tracking.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		if strings.Contains(m[1], text) {
			return m[1]
		}
	}
	t.Fatalf("docs/tracking.md has no block of %s with %q", kind, text)
	return ""
}

// replaced puts one text in place of another that has to be there.
func replaced(t testing.TB, text string, oldNew ...string) string {
	t.Helper()
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			t.Fatalf("no %q in\n%s", oldNew[i], text)
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	return text
}

// The page and the form of the documents, in a real browser, from another origin: what the visitor does arrives once, and the
// visitor is one lead, although the first tries fail.
func TestWebPage(t *testing.T) {
	library := http.FileServer(http.Dir(filepath.Join(modules(t), "@segment", "analytics-next", "dist", "umd")))
	pages := map[string]string{"/thanks": "<title>Thanks</title>"}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, ok := strings.CutPrefix(r.URL.Path, "/library"); ok {
			r.URL.Path = path
			library.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html>%s", pages[r.URL.Path])
	}))
	defer site.Close()

	db := filepath.Join(t.TempDir(), "baton.db")
	key := furnish(t, db, time.Now())
	server := launch(t, db, childRedirect+"="+strings.TrimPrefix(site.URL, "http://"))
	g := openGate(t, server.address, broken, lost, busy)
	pages["/"] = replaced(t, snippet(t, "html", "AnalyticsNext"),
		"https://cdn.jsdelivr.net/npm/@segment/analytics-next@1.84.3/dist/umd", "/library", "baton_track_…", key, "https://baton.northwind.example", g.web.URL)
	pages["/contact"] = replaced(t, snippet(t, "html", "<form"),
		"https://baton.northwind.example", g.web.URL, "baton_track_…", key, "https://www.northwind.example/thanks", site.URL+"/thanks")
	visitor := browse(t)
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(visitor, steps...); err != nil {
			t.Fatal(err)
		}
	}
	do(chromedp.Navigate(site.URL + "/"))
	g.wait(t, 3)
	anonymous, err := chromedp.Run(visitor, chromedp.Evaluate[string](`analytics.user().then(user => user.anonymousId())`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	do(chromedp.Navigate(site.URL+"/contact"),
		chromedp.SendKeys(chromedp.CSS(`[name=email]`), "ada@acme.example"),
		chromedp.SendKeys(chromedp.CSS(`[name=company]`), "Acme"),
		chromedp.Click(chromedp.CSS(`[name=consent]`)),
		chromedp.Click(chromedp.CSS(`button`)))
	g.wait(t, 4)
	for late := time.Now().Add(patience); ; {
		// it is between two pages for a moment, where nothing can be asked
		where, err := chromedp.Run(visitor, chromedp.Location())
		if err == nil && where == site.URL+"/thanks" {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("the visitor ends at %q %v", where, err)
		}
	}
	if n := g.left(); n > 0 {
		t.Errorf("%d troubles were not met", n)
	}
	server.stop(t)
	sound(t, db, nil)
	b := look(t, db)
	b.expect(`SELECT activity || ' ' || count(*) FROM activities GROUP BY activity ORDER BY activity`, "demo_requested 1", "form_submitted 1", "page_viewed 1")
	b.expect(`SELECT email || ' ' || consent FROM lead`, "ada@acme.example granted")
	b.expect(`SELECT value FROM key ORDER BY kind, value`, "ada@acme.example", "user:u1", anonymous)
	if err := b.st.EachInput(t.Context(), 0, func(in lifecycle.Input, _ []byte) error {
		for _, v := range in.Values {
			if in.Name == "page_viewed" && v.Name == "url" && v.Value.String() != site.URL+"/" {
				t.Errorf("the page is %s", v.Value)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.expect(`SELECT count(*) FROM inputs WHERE kind = 'consent'`, "1")
}
