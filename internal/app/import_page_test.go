//go:build unix

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"baton/internal/api"
	"baton/internal/imports"
	"baton/internal/store"
)

// fairFile is a file as a trade fair sends it, with rows that cannot be read.
const fairFile = `Badge;E-Mail;Full name;Company;Website;Job title;Country;Employees;Visited on
4001;i.brandt@ravenholt.example;Ida Brandt;Ravenholt Logistics;ravenholt.example;Head of operations;DE;1.200;13/10/2026
4002;oskar.n@tindra.example;Oskar Nyberg;Tindra Foods;www.tindra.example;Warehouse manager;SE;340;13/10/2026
4003;m.dupont;Marie Dupont;Atelier Sud;;Buyer;FR;80;14/10/2026
4004;p.lang@kestrelworks.example;Petra Lang;Kestrel Works;kestrelworks.example;Student;DE;2.400;31/09/2026
4005;jon@hallandsten.example;Jon Ek;Halland Sten;hallandsten.example;;SE;around 50;14/10/2026
4006;k.maas@veldcorp.example;Kees Maas;Veld;veldcorp.example;Logistics coordinator;NL;560;15/10/2026
4007;t.riis@nordpak.example;Tove Riis;Nordpak;nordpak.example;Supply chain lead;DK;910;15/10/2026
`

// webinarFile has words that the agreement does not have, and dates that may be read in two ways.
const webinarFile = `Email,Name,Source,Company,Registered,Minutes,Notes
ann.weir@stonebridge.example,Ann Weir,LinkedIn,Stonebridge,03/11/2026,41,
b.ferri@lumenholt.example,Bruno Ferri,LinkedIn,Lumenholt Packaging,04/11/2026,12,asked about prices
cleo@vantapress.example,Cleo Hart,Newsletter,Vanta Press,05/11/2026,55,
dag@,Dag Holm,event,Fjord & Sons,05/11/2026,7,
e.osei@brightquay.example,Efua Osei,Google,Bright Quay,06/11/2026,38,wants a call
`

// bring has files imported, undone, stopped and waiting: what the pages of imports show.
func (a *App) bring(ctx context.Context) error {
	at := pageTime
	tracking := api.New(api.Options{Engine: a.Engine, Store: a.Store, Plan: a.plan, Clock: func() time.Time { return at }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	as := func(role string, ago time.Duration) context.Context {
		at = pageTime.Add(-ago)
		return store.As(ctx, store.Actor{Name: viewers[role].Email})
	}
	send := func(ctx context.Context, name, text string, choose func(*imports.Choices)) (*api.Upload, error) {
		u, err := tracking.ReceiveUpload(ctx, strings.NewReader(text), name)
		if err == nil {
			choose(u.Choices)
			u.Choices.AtImport = true
			err = tracking.MapUpload(ctx, u)
		}
		return u, err
	}
	fair := func(c *imports.Choices) {
		c.Name = "hannover_fair"
		c.Columns["Badge"] = imports.Choice{Becomes: "key"}
		c.Columns["Employees"] = imports.Choice{Becomes: "attribute:company.employees", Decimal: "comma"}
		c.Columns["Visited on"] = imports.Choice{Becomes: "at", Layout: "DD/MM/YYYY"}
	}
	take := func(ctx context.Context, name, text string, choose func(*imports.Choices)) (int64, error) {
		u, err := send(ctx, name, text, choose)
		if err == nil {
			err = tracking.CheckUpload(ctx, u, time.Minute)
		}
		if err == nil {
			u, err = tracking.UploadOf(ctx, u.ID)
		}
		if err != nil {
			return 0, err
		}
		began := at
		id, err := tracking.ImportUpload(ctx, u, time.Minute)
		for err == nil && tracking.Importing().What != "" {
			if _, err = a.Store.Upload(ctx, u.ID); ctx.Err() != nil {
				err = ctx.Err()
			}
		}
		im, err2 := a.Store.Import(ctx, id)
		if err == nil && err2 == nil { // the clock of the engine stands
			im.FinishedAt = began.Add(4 * time.Second).UnixMicro()
			err = a.Store.FinishImport(ctx, im)
		}
		return id, errors.Join(err, err2)
	}
	if _, err := take(as("marketing", 51*time.Hour), "hannover-fair.csv", fairFile, fair); err != nil {
		return err
	}
	id, err := take(as("revops", 28*time.Hour), "old-newsletter.csv", "mail,name\nx.old@paperlane.example,Xenia Old\ny.old@paperlane.example,Yann Old\n", func(*imports.Choices) {})
	if err == nil {
		_, err = tracking.UndoImport(as("revops", 27*time.Hour), id, time.Minute)
	}
	if err != nil {
		return err
	}
	u, err := send(as("marketing", 3*time.Hour), "spring-customers.csv", "Email;Name\n"+strings.Repeat("a@paperlane.example;A\n", 9), func(*imports.Choices) {})
	if err != nil {
		return err
	}
	im, err := a.Store.StartImport(as("marketing", 3*time.Hour), store.Import{Name: "spring_customers", File: "spring-customers.csv", Hash: "x", StartedAt: at.UnixMicro(), Rows: 1840, Refused: 0, Told: `{"encoding":"UTF-8","delimiter":"semicolon","rows":1840,"mapped":1840,"arrivals":3680,"people":1840,"activities":1840}`})
	if err == nil {
		err = a.Store.TakeUpload(ctx, u.Upload, im.ID, at.UnixMicro())
	}
	if err == nil {
		im.State, im.FinishedAt = "stopped", at.UnixMicro()
		err = a.Store.FinishImport(ctx, im)
	}
	if err != nil {
		return err
	}
	if _, err = send(as("marketing", 25*time.Minute), "webinar-november.csv", webinarFile, func(c *imports.Choices) {
		c.Name, c.Activity = "webinar", "webinar_attended"
		c.Columns["Registered"] = imports.Choice{Becomes: "at", Layout: "DD/MM/YYYY"}
		c.Columns["Minutes"] = imports.Choice{Becomes: "property:minutes"}
		c.Columns["Source"] = imports.Choice{Becomes: "attribute:source", Words: map[string]string{"LinkedIn": "social", "Newsletter": "email"}}
	}); err != nil {
		return err
	}
	if u, err = send(as("revops", 8*time.Minute), "hannover-fair-day-3.csv", strings.ReplaceAll(strings.ReplaceAll(fairFile, ";i.brandt", ";ib"), "400", "500"), fair); err == nil {
		err = tracking.CheckUpload(as("revops", 8*time.Minute), u, time.Minute)
	}
	if err == nil {
		_, err = send(as("revops", 2*time.Minute), "who.csv", "Name,Date\nAnn,01/02/2026\nBo,03/04/2026\n", func(*imports.Choices) {})
	}
	if closed := tracking.Close(); err == nil {
		err = closed
	}
	return err
}

// The pages of imports ask the same of the database whatever they show.
func TestImportPagesAskSoMuch(t *testing.T) {
	l := servePages(t)
	for _, c := range []struct {
		path string
		most int64
	}{
		{"/imports", 6}, {"/imports/1", 8}, {"/imports/2", 7}, {"/imports/3", 7}, {"/imports/1/undo", 5}, {"/uploads/4", 5}, {"/uploads/5/check", 6},
	} {
		if n := l.queries(t, "marketing", c.path); n > c.most || n < 3 {
			t.Errorf("%s: %d queries, at most %d", c.path, n, c.most)
		}
	}
}

// What an import is like stands on its page: done with rows refused, undone, and stopped with its file still there.
func TestImportPagesSayHowItStands(t *testing.T) {
	l := servePages(t)
	has(t, "the list", l.page(t, "marketing", "/imports"), "hannover-fair.csv", "Ines Moreau", "Undone", "Stopped", "Checked, ready to import", "webinar-november.csv")
	has(t, "done", l.page(t, "revops", "/imports/1"), "4 rows imported, 3 refused", "Download them", "Undo this import", "13 October 2026 to 15 October 2026")
	has(t, "undone", l.page(t, "admin", "/imports/2"), "It was undone", "not Undo this import", "not Download them")
	has(t, "stopped", l.page(t, "marketing", "/imports/3"), "It stopped in the middle", "Go on from there")
	has(t, "columns", l.page(t, "marketing", "/uploads/4"), "LinkedIn", "Google", "2 rows of these would be refused", "not Say whom")
	has(t, "checked", l.page(t, "marketing", "/uploads/5/check"), "4 of 7 rows can be imported", "Import 4 rows")
	has(t, "unsure", l.page(t, "marketing", "/uploads/6"), "Say whom a row is about", "Say how the dates are written")
	if n := len(fmt.Sprint(l.page(t, "marketing", "/imports"))); n > 60_000 {
		t.Errorf("the list has %d bytes", n)
	}
}

// With scripts the preview follows each choice: the form stays, and so does the focus.
func TestPreviewFollowsTheChoice(t *testing.T) {
	l := servePages(t)
	ctx := browse(t)
	if err := l.open(ctx, "marketing", "/uploads/4", "light", 1440, 900); err != nil {
		t.Fatal(err)
	}
	// choose changes a field as somebody with a keyboard does, and waits until the preview has or has not a text.
	choose := func(field, value, text string, want bool) {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`new Promise((done) => {
			const says = () => document.querySelector('#mapping [aria-label="The rows"]').textContent.includes(%q) === %t
			const field = document.getElementById(%q)
			field.focus()
			field.value = %q
			const stop = setTimeout(() => done('it does not follow: ' + document.querySelector('#mapping').textContent), 20000)
			const look = () => { if (says()) { clearTimeout(stop); watch.disconnect(); setTimeout(() => done(document.activeElement.id + ' ' + document.getElementById(%q).value), 50) } }
			const watch = new MutationObserver(look)
			watch.observe(document.querySelector('#main'), {subtree: true, childList: true, characterData: true})
			field.dispatchEvent(new Event('change', {bubbles: true}))
		})`, text, want, field, value, field), chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		if got != field+" "+value {
			t.Errorf("after %s became %q: %s", field, value, got)
		}
	}
	choose("c1", "", "Ann Weir", false)
	choose("c1", "attribute:title", "Ann Weir", true)
	choose("w2.1", "direct", "Efua Osei", true)
	// what is open stays open
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.querySelector('#mapping details').open = true")); err != nil {
		t.Fatal(err)
	}
	choose("c0", "", "Say whom a row is about", true)
	choose("c0", "email", "ann.weir@stonebridge.example", true)
	if open, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.querySelector('#mapping details').open")); err != nil || !open {
		t.Error("what was open is closed", err)
	}
	u, err := l.Store.Upload(t.Context(), 4)
	if err != nil || !strings.Contains(u.Form, `"attribute:title"`) || !strings.Contains(u.Form, `"Google":"direct"`) {
		t.Errorf("not kept: %v %v", u, err)
	}
}

// Where Baton finds wrongly what parts the fields, somebody says it on the page: the file is read again, by the preview and by all that comes after it.
func TestFieldsArePartedAsSomebodySays(t *testing.T) {
	l := servePages(t)
	const file = "Email;Full name;Notes, if any, please\nann@stonebridge.example;Ann Weir;red, green, blue\nb.ferri@lumenholt.example;Bruno Ferri;one, two, three\n"
	tracking := api.New(api.Options{Engine: l.Engine, Store: l.Store, Plan: l.plan, Clock: func() time.Time { return pageTime }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	u, err := tracking.ReceiveUpload(store.As(t.Context(), store.Actor{Name: viewers["marketing"].Email}), strings.NewReader(file), "fair.csv")
	must(t, err)
	must(t, tracking.Close())
	path := fmt.Sprintf("/uploads/%d", u.ID)
	has(t, "found wrongly", l.page(t, "marketing", path), "separated by comma", `<option value="" selected>What Baton finds: comma</option>`, `<option value="bar">Vertical bar</option>`, "Email;Full name;Notes")
	send := func(to, body string) string {
		t.Helper()
		text, status := l.form(t, "marketing", path+to, body)
		if status != 200 {
			t.Fatalf("%s: %d\n%s", body, status, text)
		}
		return text
	}
	// without scripts, and as they ask for the preview
	const right = `<option value="semicolon" selected>Semicolon</option>`
	has(t, "said", send("", "do=check&delimiter=semicolon&c0=email"), right, "separated by semicolon", "What the first rows become", "not Email;Full name", "ann@stonebridge.example", "Ann Weir")
	has(t, "found again", send("/preview", "delimiter="), "separated by comma", "Email;Full name;Notes")
	has(t, "another", send("/preview", "delimiter=bar"), "separated by vertical bar", `<option value="bar" selected>`, "Say whom a row is about")
	has(t, "no such", send("/preview", "delimiter=space"), "separated by vertical bar")
	has(t, "said again", send("/preview", "delimiter=semicolon"), right, "file: {delimiter: semicolon}", "ann@stonebridge.example")
	// what is chosen for the columns afterwards counts, and so does all of it when the file is checked and imported
	has(t, "checked", send("", "do=check&delimiter=semicolon&name=fair&c0=email&c2=attribute:title"), "All 2 rows can be imported")
	has(t, "imported", send("/import", ""), "separated by semicolon")
}
