//go:build unix

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"baton/internal/access"
	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/replay"
	"baton/internal/seal"
	"baton/internal/store"
	"baton/internal/web"
)

// pictured are the pages that `make screenshots` takes pictures of and that are looked at for what shuts people out: name,
// address, and the role whose page it is. Every page has a line here.
var pictured = []struct{ name, path, role string }{
	{"my-leads", "/leads", "rep"},
	{"sign-in", "/sign-in", "nobody"},
	{"reset", "/reset", "nobody"},
	{"link-over", "/reset/nothing", "nobody"},
	{"account", "/account", "rep"},
	{"people", "/settings/people", "admin"},
	{"audit", "/settings/audit", "revops"},
	{"settings", "/settings", "admin"},
	{"keys", "/settings/keys", "admin"},
	{"webhooks", "/settings/webhooks", "admin"},
	{"webhook", "/settings/webhooks/2", "revops"},
	{"webhook-off", "/settings/webhooks/3", "revops"},
	{"chat", "/settings/channels/slack", "revops"},
	{"mail", "/settings/mail", "revops"},
	{"settings-sign-in", "/settings/sign-in", "admin"},
	{"settings-sign-in-provider", "/settings/sign-in", "provided"},
	{"server", "/settings/server", "admin"},
	{"agreement", "/agreement", "manager"},
	{"funnel", "/funnel", "manager"},
	{"funnel-filtered", "/funnel?source=event", "manager"},
	{"promises", "/promises", "manager"},
	{"what-works", "/what-works", "marketing"},
	{"behind", "/leads/behind?stage=mql", "marketing"},
	{"pipeline", "/pipeline", "manager"},
	{"pipeline-mine", "/pipeline", "rep"},
	{"pipeline-empty", "/pipeline?owner=cmo@northwind.example", "marketing"},
	{"conflicts", "/conflicts", "manager"},
	{"conflicts-none", "/conflicts?who=astrid.berg@northwind.example", "marketing"},
	{"not-found", "/nothing", "rep"},
	{"forbidden", "/settings/people", "rep"},
	{"too-much", "/leads", "full"},
	{"broken", "/leads", "broken"},
	{"set-up", "/set-up", "founder"},
	{"invitation", "/invitation/INVITE", "nobody"},
	{"new-password", "/reset/FORGOT", "nobody"},
	{"search", "/search?q=s", "rep"},
	{"search-empty", "/search?q=zzz", "rep"},
	{"lead", "/leads/LEAD", "rep"},
	{"lead-talk", "/leads/TALK", "rep"},
	{"lead-marketing", "/leads/LEAD", "marketing"},
	{"company", "/accounts/COMPANY", "rep"},
	{"queue", "/queue", "sdr"},
	{"queue-next", "/queue", "manager"},
	{"inbox", "/inbox", "rep"},
	{"inbox-quiet", "/inbox", "admin"},
	{"team", "/team", "manager"},
	{"imports", "/imports", "marketing"},
	{"import", "/imports/1", "marketing"},
	{"import-stopped", "/imports/3", "marketing"},
	{"import-undone", "/imports/2", "revops"},
	{"import-undo", "/imports/1/undo", "revops"},
	{"upload", "/uploads/4", "marketing"},
	{"upload-check", "/uploads/5/check", "revops"},
	{"upload-unsure", "/uploads/6", "revops"},
}

// opened are parts of pages that open when somebody does something, with what they do. "then FORM" at the end sends a form, and waits for
// the page that answers.
var opened = []struct{ name, path, role, does string }{
	{"palette", "/leads", "rep", "document.querySelector('#find').click(); document.querySelector('#palette-text').value = 'wal'; document.querySelector('#palette-text').dispatchEvent(new Event('input'))"},
	{"reject", "/leads", "rep", "document.querySelector('[data-menu=reject]').open = true"},
	{"await", "/leads", "rep", "document.querySelector('[data-keep=await]').open = true; scrollTo(0, 9999)"},
	{"fresh", "/leads", "rep", "document.querySelector('[data-fresh] b').textContent = '2 new'; document.querySelector('[data-fresh]').hidden = false"},
	{"several", "/leads", "rep", "[...document.querySelectorAll('[data-do=select]')].slice(0, 3).forEach(p => p.click())"},
	{"several-back", "/leads", "rep", "[...document.querySelectorAll('[data-do=select]')].slice(0, 3).forEach(p => p.click()); document.querySelector('[data-menu=bulk-hand-back]').open = true"},
	{"several-refused", "/leads", "rep", "[...document.querySelectorAll('[data-do=select]')].slice(0, 2).forEach(p => p.click()); document.querySelector('[name=\"hand-back.note\"]').value = 'They have a supplier until spring'; then #bulk"},
	{"hand-back", "/leads", "rep", "const d = document.querySelector('li [data-menu=hand-back]'); d.scrollIntoView({block: 'center'}); d.open = true"},
	{"lead-more", "/leads/LEAD", "rep", "document.querySelector('[data-menu=more]').open = true; document.querySelectorAll('details.why, details:has(form[action$=answer])').forEach(d => { d.open = true })"},
	{"lead-worth", "/leads/TALK", "rep", "document.querySelectorAll('#worth details').forEach(d => { d.open = true }); document.querySelector('#worth').scrollIntoView()"},
	{"lead-missing", "/leads/ASKED", "rep", "document.querySelector('#worth').scrollIntoView()"},
	{"lead-back", "/leads/TALK", "rep", "document.querySelector('[data-menu=hand-back]').open = true"},
	{"lead-refused", "/leads/LEAD", "rep", "document.querySelector('[data-menu=reject] [name=note]').value = 'They have a supplier until spring, and would like to hear from us then'; then [data-menu=reject] form"},
	{"lead-refused-more", "/leads/LEAD", "rep", "document.querySelector('#merge-with').value = 'none@nowhere.example'; then form[action$=merge]"},
	{"refused-elsewhere", "/leads", "rep", "const f = document.querySelector('[data-menu=reject] form'); f.action = '/leads/999999/reject'; f.querySelector('[name=note]').value = 'They have a supplier until spring, and would like to hear from us then'; f.insertAdjacentHTML('beforeend', '<input type=hidden name=reason value=no_fit>'); then [data-menu=reject] form"},
	{"refused-long", "/leads/TALK", "rep", "document.querySelector('[data-menu=hand-back] [name=note]').value = 'They have a supplier until spring, and would like to hear from us then. '.repeat(50); then [data-menu=hand-back] form"},
	{"queue-called", "/queue", "sdr", "document.querySelector('[value=connected]').click(); document.querySelector('[name=\"answer.authority\"]').click()"},
	{"team-away", "/team", "manager", "[...document.querySelectorAll('summary')].find(s => s.textContent.includes('Amina')).click(); [...document.querySelectorAll('summary')].find(s => s.textContent.includes('Mikko')).click()"},
	{"key-made", "/settings/keys", "revops", "const answer = await fetch('/settings/keys', {method: 'POST', body: new URLSearchParams({name: 'webinars', scope: 'track'})}); document.querySelector('#main').replaceWith(new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('#main')); document.querySelectorAll('[data-copy]').forEach(b => { b.hidden = false })"},
	{"people-open", "/settings/people", "admin", "[...document.querySelectorAll('main li summary')].filter(s => /Johan|Astrid/.test(s.textContent)).forEach(s => s.click())"},
	{"key-revoke", "/settings/keys", "admin", "document.querySelector('[data-menu=revoke]').open = true"},
	{"webhook-tries", "/settings/webhooks/2", "revops", "[...document.querySelectorAll('main li details')].slice(0, 4).forEach((d, i) => { d.open = i % 3 === 0 })"},
	{"webhook-rotate", "/settings/webhooks/1", "revops", "document.querySelector('[data-menu=rotate]').open = true"},
	{"all-keys", "/leads", "rep", "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '?', bubbles: true}))"},
	{"second-factor", "/account", "rep", "then form[action=\"/account/second\"]"},
	{"sign-in-wrong", "/sign-in", "nobody", "document.querySelector('[name=email]').value = 'a@b.example'; document.querySelector('[name=password]').value = 'x'; then form[action=\"/sign-in\"]"},
	{"too-many", "/sign-in", "nobody", "for (let i = 0; i < 30; i++) await fetch('/sign-in', {method: 'POST', body: new URLSearchParams({email: 'c@d.example', password: 'x'})}); document.querySelector('[name=email]').value = 'c@d.example'; document.querySelector('[name=password]').value = 'x'; then form[action=\"/sign-in\"]"},
	{"upload-more", "/uploads/4", "marketing", "document.querySelectorAll('#mapping details').forEach(d => { d.open = true }); document.querySelector('#known-0')?.scrollIntoView()"},
	{"upload-parted", "/uploads/4", "marketing", "const d = document.querySelector('#delimiter'); d.value = 'bar'; d.dispatchEvent(new Event('change', {bubbles: true})); await new Promise((done) => { const t = setInterval(() => { if (document.querySelector('#mapping').textContent.includes('separated by vertical bar')) { clearInterval(t); done() } }, 20) })"},
	{"palette-act", "/leads", "sdr", "document.querySelector('#find').click(); document.querySelector('#palette-text').value = 'ta'; document.querySelector('#palette-text').dispatchEvent(new Event('input'))"},
	{"save-filter", "/funnel?source=event", "manager", "document.querySelector('[data-menu=save-filter]').open = true"},
	{"change-filters", "/promises?period=month", "manager", "document.querySelector('[data-menu=change-filters]').open = true"},
	{"csv", "/promises", "manager", "document.querySelector('[data-menu=csv]').open = true"},
}

// sights are all that there is to look at.
func sights() []struct{ name, path, role, does string } {
	var list []struct{ name, path, role, does string }
	for _, p := range pictured {
		list = append(list, struct{ name, path, role, does string }{p.name, p.path, p.role, ""})
	}
	return append(list, opened...) // the last of them has the server let nobody in
}

// sightsNamed are the sights with some names, spaces or commas between them; all for none. A name that nothing has is an error: a browser that
// is shown nothing looks like one that hangs.
func sightsNamed(names string) ([]struct{ name, path, role, does string }, error) {
	all := sights()
	wanted := strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range wanted {
		if !slices.ContainsFunc(all, func(p struct{ name, path, role, does string }) bool { return p.name == name }) {
			return nil, fmt.Errorf("there is no page %q to look at", name)
		}
	}
	return slices.DeleteFunc(all, func(p struct{ name, path, role, does string }) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, p.name)
	}), nil
}

// sightsWanted are those that BATON_PAGES names.
func sightsWanted(t *testing.T) []struct{ name, path, role, does string } {
	t.Helper()
	list, err := sightsNamed(os.Getenv("BATON_PAGES"))
	if err != nil {
		t.Fatalf("BATON_PAGES: %v", err)
	}
	return list
}

func TestSightsNamed(t *testing.T) {
	for names, want := range map[string]int{"": len(sights()), "queue": 1, "queue my-leads": 2, "queue,my-leads": 2, "queue, my-leads,": 2} {
		if list, err := sightsNamed(names); err != nil || len(list) != want {
			t.Errorf("%q names %d pages, want %d: %v", names, len(list), want, err)
		}
	}
	if _, err := sightsNamed("queue;my-leads"); err == nil {
		t.Error("a page that is not there has a picture")
	}
}

// pageTime is when the pages of the pictures are looked at: a Thursday morning.
var pageTime = time.Date(2026, 11, 12, 9, 42, 0, 0, time.UTC)

// viewers are who looks at them, by the role in the cookie "as".
var viewers = map[string]web.Viewer{
	"rep":       {ID: 1, Email: "johan.lind@northwind.example", Name: "Johan Lind", Roles: []web.Role{web.RoleRep}},
	"sdr":       {ID: 2, Email: "sara.holm@northwind.example", Name: "Sara Holm", Roles: []web.Role{web.RoleSDR}},
	"manager":   {ID: 3, Email: "astrid.berg@northwind.example", Name: "Astrid Berg", Roles: []web.Role{web.RoleManager}},
	"marketing": {ID: 4, Email: "cmo@northwind.example", Name: "Ines Moreau", Roles: []web.Role{web.RoleMarketing}},
	"revops":    {ID: 5, Email: "revops@northwind.example", Name: "Tuva Nygaard", Roles: []web.Role{web.RoleRevOps}},
	"admin":     {ID: 6, Email: "admin@northwind.example", Name: "Olle Strand", Roles: []web.Role{web.RoleAdmin}},
}

// as lets whoever has a cookie "as" in as that role; "provided" is the admin of a server with a provider of sign-ins. For a rep whose cookie is "full" or "broken", pages fail.
func as(r *http.Request) (*web.Viewer, error) {
	if c, err := r.Cookie("as"); err == nil {
		if v, ok := viewers[c.Value]; ok {
			return &v, nil
		}
		if c.Value == "provided" {
			admin := viewers["admin"]
			return &admin, nil
		}
		rep := viewers["rep"]
		switch c.Value {
		case "full":
			return &rep, engine.ErrFull
		case "broken":
			return &rep, errors.New("broken for a test")
		}
	}
	return nil, web.ErrSignedOut
}

// founding serves a new Baton that nobody has set up.
func founding(t testing.TB) *live {
	t.Helper()
	db, _, _ := prepare(t, t.TempDir())
	return serveFile(t, db)
}

// demoData lives through some weeks of a made-up company until pageTime, once for all tests, and returns the file.
var demoData = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "baton-pages-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "demo.db")
	source, _ := agreement.Template("waterfall")
	plan, findings := agreement.Compile("agreement.yaml", source, nil)
	if findings.HasErrors() {
		return "", findings.Err()
	}
	ctx := context.Background()
	a, err := Open(ctx, Options{DB: file, Clock: func() time.Time { return pageTime }})
	if err != nil {
		return "", err
	}
	until := pageTime.Add(-25 * time.Hour).UnixMicro()
	model := replay.DemoModel(1, until, 40)
	model.Leads, model.Accounts = 700, 120
	if _, err := a.Engine.Activate(ctx, plan, source, "agreement.yaml", model.From); err != nil {
		return "", err
	}
	err = a.Engine.History(ctx, func(yield func(*lifecycle.Arrival) error) error {
		return replay.Simulate(plan, model, yield, func(int64) {})
	}, engine.HistoryOptions{Until: until})
	if err == nil {
		err = a.busy(ctx)
	}
	if err == nil {
		err = a.telephone(ctx)
	}
	if err == nil {
		err = addViewers(ctx, a)
	}
	if err == nil {
		err = a.tell(ctx, file)
	}
	if err == nil {
		err = a.connect(ctx, file)
	}
	if err == nil {
		err = a.bring(ctx)
	}
	for _, f := range []store.SavedFilter{{User: 3, Page: "/funnel", Query: "period=quarter", Name: "This quarter", Shared: true}, {User: 4, Page: "/funnel", Query: "source=referral", Name: "Referrals", Shared: true},
		{User: 3, Page: "/promises", Query: "period=month", Name: "For the huddle"}, {User: 3, Page: "/promises", Query: "period=12m", Name: "For the board", Shared: true}} {
		if err == nil {
			f.At = pageTime.Add(-26 * time.Hour).UnixMicro()
			err = a.Store.SaveFilter(store.As(ctx, store.Actor{Name: viewers["manager"].Email}), f)
		}
	}
	if closed := a.Close(); err == nil {
		err = closed
	}
	return file, err
})

// addViewers makes the viewers users, who did this and that.
func addViewers(ctx context.Context, a *App) error {
	at := pageTime.Add(-20 * 24 * time.Hour)
	for id := int64(1); id <= int64(len(viewers)); id++ {
		for _, v := range viewers { // order: by ID
			if v.ID != id {
				continue
			}
			words, err := access.ParseRoles([]string{string(v.Roles[0])})
			if err != nil {
				return err
			}
			u, err := a.Store.AddUser(ctx, store.User{Email: v.Email, Name: v.Name, Roles: words, Password: "none", CreatedAt: at.UnixMicro()},
				store.Audit{At: at.UnixMicro(), Actor: "admin@northwind.example", Address: "192.0.2.7", Action: access.Invited, Subject: v.Email, Detail: words})
			if err != nil {
				return err
			}
			for i, agent := range []string{"Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Safari/605.1"} {
				at := pageTime.Add(-time.Duration(20-19*i) * time.Hour).UnixMicro()
				err := a.Store.UpdateUser(ctx, u.ID, func(*store.User) (store.UserChange, error) {
					return store.UserChange{Begin: &store.Session{How: "password", Address: "192.0.2.7", Agent: agent, CreatedAt: at, Hash: []byte{byte(id), byte(i)}},
						Audit: []store.Audit{{At: at, Actor: v.Email, Address: "192.0.2.7", Action: access.SignedInAs, Subject: v.Email, Detail: "password"}}}, nil
				})
				if err != nil {
					return err
				}
			}
		}
	}
	_, err := a.Store.AddUser(ctx, store.User{Email: "new.colleague@northwind.example", Roles: "rep sdr", CreatedAt: pageTime.Add(-time.Hour).UnixMicro()})
	if err == nil {
		_, err = a.Store.AddUser(ctx, store.User{Email: "gone@northwind.example", Name: "Pia Ek", Roles: "rep", Password: "none", CreatedAt: at.UnixMicro(), DeactivatedAt: pageTime.Add(-50 * time.Hour).UnixMicro()})
	}
	return err
}

// servePages serves a copy of the demo data at pageTime.
func servePages(t testing.TB, more ...func(*ServeOptions)) *live {
	t.Helper()
	from, err := demoData()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pages.db")
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return serveFile(t, file, more...)
}

// provided has people sign in at a provider too.
func provided(o *ServeOptions) {
	o.URL = "https://baton.northwind.example"
	o.SignIn.Provider = &access.Provider{Issuer: "https://login.northwind.example/realms/northwind", ID: "baton", Secret: "not to be seen", Name: "Northwind", RolesClaim: "groups",
		RoleOf: map[string]string{"sales-team": "rep", "crm-admins": "revops", "marketing-ops": "marketing"}}
}

// other is the server that a role looks at, which is not that of all others: places has one for each.
func (l *live) other(places map[string]*live, role string) *live {
	if at := places[role]; at != nil {
		return at
	}
	return l
}

// serveFile serves a database at pageTime.
func serveFile(t testing.TB, file string, more ...func(*ServeOptions)) *live {
	t.Helper()
	a, err := Open(t.Context(), Options{DB: file, Clock: func() time.Time { return pageTime }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l := &live{App: a, stop: cancel, ended: make(chan error, 1)}
	ready := make(chan string, 1)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	keys, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		opts := ServeOptions{Listen: "127.0.0.1:0", Seal: keys, Viewer: as, Log: log, Ready: func(address string) { ready <- address }}
		connected(&opts)
		for _, m := range more {
			m(&opts)
		}
		l.ended <- a.Serve(ctx, opts)
	}()
	t.Cleanup(func() { cancel(); <-l.ended })
	select {
	case l.address = <-ready:
	case err := <-l.ended:
		t.Fatal(err)
	}
	return l
}

// busy is what a rep of the demo gets to do on the day of the pictures: leads ask for a demo and are offered to somebody, some of them are
// accepted. Everything else that falls due until pageTime happens as well.
func (a *App) busy(ctx context.Context) error {
	const sara = "sara.holm@northwind.example"
	rows, err := a.Store.ListLeads(ctx, store.LeadFilter{Stage: "lead"}, 0, 1000)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r store.ListedLead) bool {
		return r.Fit < 40*agreement.Point || r.Lead.Consent.Status == lifecycle.Objected || r.Name == ""
	})
	var list []lifecycle.Arrival
	add := func(at time.Time, in lifecycle.Input) {
		in.At, in.Known, in.Source = at.UnixMicro(), at.UnixMicro(), "test"
		list = append(list, lifecycle.Arrival{Input: in})
	}
	for i, deal := range []struct {
		offered, accepted string
		to                string
		said              string // an outcome, ten minutes later
	}{
		{"11 09:20", "11 09:40", johan, ""}, {"11 14:50", "", johan, ""}, {"12 08:05", "12 08:20", johan, ""}, {"12 08:10", "", johan, ""}, {"12 09:20", "", johan, ""}, {"12 09:31", "12 09:38", johan, ""},
		{"12 08:40", "", sara, ""}, {"12 09:10", "", sara, ""}, {"12 09:15", "", sara, ""}, {"12 08:20", "12 08:25", johan, "voicemail"}, {"12 08:25", "12 08:45", johan, "sent"},
	} {
		when := func(text string) time.Time {
			at, _ := time.Parse("2006 01 02 15:04", "2026 11 "+text)
			return at
		}
		lead, at := rows[i].ID, when(deal.offered)
		for n, name := range []string{"pricing_viewed", "content_downloaded", "demo_requested"} {
			add(at.Add(time.Duration(n-3)*7*time.Minute), lifecycle.Input{Kind: lifecycle.Did, Lead: lead, Name: name})
		}
		add(at.Add(-time.Second), lifecycle.Input{Kind: lifecycle.Assign, Lead: lead, Actor: deal.to, Name: deal.to})
		if deal.accepted != "" {
			add(when(deal.accepted), lifecycle.Input{Kind: lifecycle.Accept, Lead: lead, Actor: deal.to})
		}
		if deal.said != "" {
			add(when(deal.accepted).Add(10*time.Minute), lifecycle.Input{Kind: lifecycle.Contact, Lead: lead, Actor: deal.to, Name: deal.said})
		}
	}
	slices.SortStableFunc(list, func(x, y lifecycle.Arrival) int { return cmp.Compare(x.Input.Known, y.Input.Known) })
	return a.Engine.History(ctx, func(yield func(*lifecycle.Arrival) error) error {
		for i := range list {
			if err := yield(&list[i]); err != nil {
				return err
			}
		}
		return nil
	}, engine.HistoryOptions{Until: pageTime.UnixMicro()})
}

// open opens a page as a role, and waits until it is drawn.
func (l *live) open(ctx context.Context, role, path, theme string, width, height int64, does ...string) error {
	scale := 1.5
	if width < 768 {
		scale = 2
	}
	at := "http://" + l.address
	_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: scale})
	if err == nil {
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
	}
	if err == nil { // as a window in front has it: what is in focus is drawn so
		_, err = chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	}
	for name, value := range map[string]string{"as": role, "theme": theme} {
		if err == nil {
			_, err = chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: at})
		}
	}
	if err == nil {
		path, err = l.place(path)
	}
	if err == nil {
		err = chromedp.Do(ctx, chromedp.Navigate(at+path))
	}
	if err == nil {
		_, err = chromedp.Run(ctx, chromedp.Evaluate[bool]("document.fonts.ready.then(() => true)", chromedp.EvalAwaitPromise))
	}
	for _, d := range does {
		d, form, sends := strings.Cut(d, "then ")
		if err == nil && d != "" {
			// what was asked for is there when nothing moved for two frames after the network was quiet
			_, err = chromedp.Run(ctx, chromedp.Evaluate[bool]("(async () => { "+d+"; await fetch('/search/quick?q=').catch(() => null); await new Promise(done => setTimeout(done, 300)); return true })()", chromedp.EvalAwaitPromise))
		}
		if err == nil && sends {
			_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf("window.old = true; setTimeout(() => document.querySelector(%q).submit(), 0); true", form)))
			for err == nil {
				here, asked := chromedp.Run(ctx, chromedp.Evaluate[bool]("!window.old && document.readyState === 'complete'"))
				if asked == nil && here {
					break
				}
				err = ctx.Err()
			}
		}
	}
	return err
}

// `make screenshots` sets BATON_SHOTS to the directory for the pictures.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("BATON_SHOTS")
	if dir == "" {
		t.Skip("takes pictures for people to look at: make screenshots")
	}
	pages := sightsWanted(t)
	l := servePages(t)
	places := map[string]*live{"founder": founding(t), "provided": servePages(t, provided)}
	ctx := browse(t)
	for _, p := range pages {
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{1440, 390} {
				height := map[int64]int64{1440: 900, 390: 844}[width]
				at := l.other(places, p.role)
				err := at.open(ctx, p.role, p.path, theme, width, height, p.does)
				if err == nil && os.Getenv("BATON_WHOLE") != "" { // as if the window were as high as the page
					var high int64
					if high, err = chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollHeight")); err == nil && high > height {
						_, err = chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: high, DeviceScaleFactor: 1.5})
					}
				}
				var png []byte
				if err == nil {
					png, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
				}
				if err != nil {
					t.Fatalf("%s: %v", p.path, err)
				}
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", p.name, theme, width)), png, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// finding is what axe-core says of a page.
type finding struct{ ID, Impact, Help, Where string }

// examine has axe-core look for what shuts people out of the page that is open, and looks for what scrolls sideways.
const examine = `(async () => {
	const found = await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
	const list = found.violations.flatMap(v => v.nodes.map(n => ({ID: v.id, Impact: v.impact, Help: v.help, Where: n.target.join(' ') + ': ' + n.html.slice(0, 160)})))
	const over = document.documentElement.scrollWidth - document.documentElement.clientWidth
	if (over > 0) list.push({ID: 'scrolls-sideways', Help: over + ' px too wide', Where: location.pathname})
	// whoever goes by keys sees where they are: each control that takes the focus shows it, or what is around it does
	const marked = (e) => { const s = getComputedStyle(e); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none' }
	const before = document.activeElement
	for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')) {
		e.focus({preventScroll: true, focusVisible: true})
		if (document.activeElement === e && e.checkVisibility() && !marked(e) && !marked(e.parentElement)) list.push({ID: 'focus-unseen', Help: 'the focus cannot be seen', Where: e.outerHTML.slice(0, 160)})
	}
	before?.focus?.({preventScroll: true})
	return list
})()`

// findings examines the page that is open, after something was done there.
func findings(t *testing.T, ctx context.Context, does, axe string) []finding {
	t.Helper()
	list, err := chromedp.Run(ctx, chromedp.Evaluate[[]finding](does+"; if (!window.axe) {"+axe+"}; "+examine, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Every page, light and dark, wide and narrow: nothing shuts anybody out, nothing is refused by the pages' own security policy, and
// no script fails. Each page is seen in two of the four ways and the next one in the other two, as what pages are made of is on many of
// them; `make soak`, and a page that is named, see all four.
func TestPagesShutNobodyOut(t *testing.T) {
	dir, err := installed("pages")
	if err != nil {
		t.Fatal(err)
	}
	axe, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	pages := sightsWanted(t)
	l := servePages(t)
	places := map[string]*live{"founder": founding(t), "provided": servePages(t, provided)}
	ctx := browse(t)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	var complaints sync.Map
	go func() {
		for m, err := range chromedp.Events(ctx, cdplog.EntryAdded) {
			if err != nil {
				return
			}
			if m.Entry.Level == cdplog.EntryLevelError && !strings.Contains(m.Entry.Text, "Failed to load resource: the server responded with a status of ") {
				complaints.Store(m.Entry.Text, m.Entry.URL)
			}
		}
	}()
	if _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	all := os.Getenv("BATON_SOAK") != "" || os.Getenv("BATON_PAGES") != ""
	for i, p := range pages {
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{1440, 360} {
				if even := (theme == "light") == (width == 1440); !all && even != (i%2 == 0) {
					continue
				}
				at := l.other(places, p.role)
				if err := at.open(ctx, p.role, p.path, theme, width, 844, p.does); err != nil {
					t.Fatalf("%s %s %d: %v", p.name, theme, width, err)
				}
				for _, f := range findings(t, ctx, "", string(axe)) {
					t.Errorf("%s %s %d: %s (%s): %s\n\t%s", p.name, theme, width, f.ID, f.Impact, f.Help, f.Where)
				}
			}
		}
	}
	// and it would be seen
	if err := l.open(ctx, "rep", "/inbox", "light", 1440, 844); err != nil {
		t.Fatal(err)
	}
	if list := findings(t, ctx, "document.querySelector('main').append(document.createElement('img'))", string(axe)); !slices.ContainsFunc(list, func(f finding) bool { return f.ID == "image-alt" }) {
		t.Errorf("a picture without words was not found: %v", list)
	}
	complaints.Range(func(text, url any) bool {
		t.Errorf("the browser says: %v (%v)", text, url)
		return true
	})
}

// form sends a form as a role, as a browser without scripts does, and returns the page that it leads to.
func (l *live) form(t *testing.T, role, path, body string) (text string, status int) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse("http://" + l.address + "/")
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(at, []*http.Cookie{{Name: "as", Value: role}})
	r, err := http.NewRequest("POST", "http://"+l.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := (&http.Client{Jar: jar}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), res.StatusCode
}
