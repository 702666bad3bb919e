//go:build unix

package load

import (
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"baton/internal/access"
	"baton/internal/api"
	"baton/internal/app"
	"baton/internal/pgtest"
	"baton/internal/seal"
	"baton/internal/store"
	"baton/internal/web"
)

// sight is a page as somebody looks at it. %s in its path stands for something drawn from a list of the same name: LEAD, NAME.
type sight struct{ role, path string }

// officeSights are all pages with their main filters, each as one of those whose page it is.
var officeSights = []sight{
	{"rep", "/leads"}, {"manager", "/leads"}, {"rep", "/leads/MINE"}, {"rep", "/leads/WORKED"}, {"marketing", "/leads/QUIET"}, {"rep", "/leads/BUSY"}, {"manager", "/leads/WORKED?show=decisions"},
	{"rep", "/leads/WORKED/brief"}, {"rep", "/accounts/ACCOUNT"}, {"manager", "/accounts/LARGE"},
	{"sdr", "/queue"}, {"manager", "/queue"}, {"rep", "/inbox"}, {"manager", "/inbox"}, {"marketing", "/inbox"}, {"admin", "/inbox"},
	{"rep", "/search?q=LAST"}, {"sdr", "/search?q=FIRST"}, {"rep", "/search?q=LETTERS"}, {"rep", "/search/quick?q=LETTERS"}, {"rep", "/search/quick?q=FIRST"}, {"marketing", "/search?q=EMAIL"},
	{"manager", "/funnel"}, {"marketing", "/funnel?period=quarter"}, {"marketing", "/funnel?source=SOURCE"}, {"manager", "/funnel?owner=OWNER"}, {"manager", "/funnel?segment=mid"}, {"marketing", "/funnel?campaign=CAMPAIGN"},
	{"manager", "/promises"}, {"manager", "/promises?period=month"}, {"marketing", "/promises?period=12m"},
	{"marketing", "/what-works"}, {"marketing", "/what-works?by=source"}, {"marketing", "/what-works?by=criterion&period=quarter"}, {"manager", "/what-works?by=asset"},
	{"marketing", "/leads/behind"}, {"marketing", "/leads/behind?stage=lead&now=1"}, {"manager", "/leads/behind?stage=mql"}, {"manager", "/leads/behind?stage=won"}, {"manager", "/leads/behind?stage=sql&now=1"},
	{"marketing", "/leads/behind?stage=lead&source=SOURCE"}, {"manager", "/leads/behind?stage=mql&owner=OWNER"}, {"marketing", "/leads/behind?grade=A1"}, {"marketing", "/leads/behind?stage=mql&segment=%28none%29&period=2026-08"},
	{"manager", "/leads/behind?clock=handoffs.mql_to_sales.accept_within&over=1"}, {"manager", "/leads/behind?handoff=mql_to_sales&owner=OWNER"}, {"marketing", "/leads/behind?via=transitions.hot"},
	{"rep", "/pipeline"}, {"manager", "/pipeline"}, {"marketing", "/pipeline?owner=OWNER"}, {"manager", "/conflicts"}, {"marketing", "/conflicts?period=month&who=OWNER"},
	{"rep", "/agreement"}, {"rep", "/agreement/source"}, {"manager", "/team"},
	{"admin", "/settings/people"}, {"revops", "/settings/audit"}, {"rep", "/account"},
	{"admin", "/settings"}, {"revops", "/settings/keys"}, {"revops", "/settings/webhooks"}, {"revops", "/settings/webhooks/1"}, {"revops", "/settings/channels/slack"}, {"revops", "/settings/mail"},
	{"revops", "/settings/mail?only=failed"}, {"admin", "/settings/sign-in"}, {"admin", "/settings/server"},
	{"revops", "/imports"},
	{"nobody", "/sign-in"}, {"nobody", "/reset"},
}

// unmeasured are the addresses that are no pages.
var unmeasured = map[string]string{
	"GET /imports/{import}": "of a file", "GET /imports/{import}/undo": "of a file", "GET /uploads/{upload}": "of a file", "GET /uploads/{upload}/check": "of a file",
	"GET /imports/{import}/refused.csv": "a download", "GET /uploads/{upload}/refused.csv": "a download",
	"GET /{$}": "leads to another", "GET /live": "a stream", "GET /sign-in/provider": "leads elsewhere", "GET /sign-in/provider/back": "leads on",
	"GET /set-up": "once", "GET /reset/{token}": "once, by a letter", "GET /invitation/{token}": "once, by a letter",
}

// TestOfficeSights says when there is a page that is not measured.
func TestOfficeSights(t *testing.T) {
	mux := http.NewServeMux()
	for _, pattern := range web.Addresses() {
		mux.HandleFunc(pattern, http.NotFound)
	}
	measured := map[string]bool{}
	for _, s := range officeSights {
		r, err := http.NewRequest("GET", s.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, pattern := mux.Handler(r)
		measured[pattern] = true
	}
	for _, pattern := range web.Addresses() {
		if !measured[pattern] && unmeasured[pattern] == "" {
			t.Errorf("%s is not measured: give it a line in officeSights, or say in unmeasured why not", pattern)
		}
	}
}

const (
	officeAsks    = 300 // of each page
	officeViewers = 2   // who ask at the same time, without a pause
	officeRate    = 50  // inputs a second that the server takes in meanwhile
)

// TestFigurePages prints in what time 99 of 100 answers to somebody who opens a page are there, of the slowest page, from the request to the
// last byte: with 100,000 and 1,000,000 leads, on SQLite and PostgreSQL.
func TestFigurePages(t *testing.T) {
	figures(t)
	for _, size := range []struct {
		leads int
		name  string
		bound float64
	}{{100_000, "100k", 50}, {1_000_000, "1m", 150}} {
		for _, database := range []string{"sqlite", "postgres"} {
			t.Run(database+"_"+size.name, func(t *testing.T) {
				name := officeFile(t, size.leads)
				if database == "postgres" {
					name = moveOffice(t, name)
				}
				o := openOffice(t, name)
				worst := o.look(t, size.leads)
				fmt.Printf("FIGURE pages_p99_ms_%s_%s %.1f <=%.0f ms, the slowest: %s\n", size.name, database, worst.p99.Seconds()*1000, size.bound, worst.sight)
			})
		}
	}
}

// moveOffice moves a file into a PostgreSQL of its own.
func moveOffice(t *testing.T, file string) string {
	name := pgtest.Server(t, "shared_buffers=512MB", "max_wal_size=4GB").URL()
	if err := moveFile(t.Context(), file, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// openOffice serves a database at officeTime.
func openOffice(t *testing.T, db string) *openedOffice {
	t.Helper()
	began := time.Now()
	a, err := app.Open(t.Context(), app.Options{DB: db, Clock: func() time.Time { return officeTime.Add(time.Since(began)) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	o := &openedOffice{App: a}
	gate := access.New(access.Options{Store: a.Store, Clock: func() time.Time { return officeTime }})
	err = gate.AddDemoUsers(t.Context(), officePeople)
	gate.Close()
	if err != nil {
		t.Fatal(err)
	}
	if o.key, _, err = api.NewKey(t.Context(), a.Store, "pages", api.ScopeTrack, officeTime.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Store.AddWebhook(t.Context(), keys, store.Webhook{URL: "https://crm.northwind.example/in", Events: "won", CreatedAt: officeTime.UnixMicro()}, "whsec_none"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- a.Serve(ctx, app.ServeOptions{Listen: "127.0.0.1:0", Seal: keys, FileMemory: int64(fileMemory(t)) << 20, SignIn: app.SignIn{Demo: true}, Log: slog.New(slog.DiscardHandler), Ready: func(address string) { ready <- address }})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case address := <-ready:
		o.url = "http://" + address
	case err := <-ended:
		t.Fatal(err)
	}
	return o
}

type openedOffice struct {
	*app.App
	url, key string
	words    map[string][]string // what stands in paths: LEAD and others
}

// looked is what came of asking for a sight.
type looked struct {
	sight
	first, p50, p99, most time.Duration
	waited                time.Duration // until figures were there, 0 if at once
	took                  []time.Duration
}

func (l *looked) String() string { return l.role + " " + l.path }

func (o *openedOffice) look(t *testing.T, leads int) *looked {
	o.draw(t)
	clients := map[string]*http.Client{"nobody": {Transport: &http.Transport{DisableCompression: true}}}
	for _, p := range officePeople {
		clients[p.Roles] = o.signIn(t, p.Email)
	}
	r := rand.New(rand.NewPCG(1, 1))
	list := make([]looked, len(officeSights))
	// the first time that anybody asks after the start
	for i, s := range officeSights {
		list[i].sight = s
		took, counting, err := o.ask(clients[s.role], o.path(r, s.path), true)
		if err != nil {
			t.Fatalf("%s as %s: %v", s.path, s.role, err)
		}
		list[i].first = took
		if counting {
			list[i].waited = 1
		}
	}
	began := time.Now()
	for i, s := range officeSights {
		for list[i].waited == 1 {
			_, counting, err := o.ask(clients[s.role], o.path(rand.New(rand.NewPCG(1, 1)), s.path), false)
			if err != nil {
				t.Fatal(err)
			}
			if !counting {
				list[i].waited = time.Since(began)
			} else if time.Since(began) > 5*time.Minute {
				t.Fatalf("%s counts for minutes", s.path)
			} else {
				time.Sleep(200 * time.Millisecond)
			}
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var live, viewers sync.WaitGroup
	var events int64
	live.Go(func() {
		for n := uint64(1); ctx.Err() == nil; n++ {
			got, err := Run(ctx, Options{Targets: []string{o.url}, Key: o.key, Batch: 5, Connections: 2, Rate: officeRate, Time: 5 * time.Second, Leads: leads * 9 / 10, Seed: n})
			if err == nil {
				events += got.Events
			} else if ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	})
	began = time.Now()
	var lock sync.Mutex
	for viewer := range officeViewers {
		viewers.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(viewer)))
			for range officeAsks / officeViewers {
				for _, i := range r.Perm(len(officeSights)) {
					s := officeSights[i]
					path := o.path(r, s.path)
					took, _, err := o.ask(clients[s.role], path, false)
					if err != nil {
						t.Errorf("%s as %s: %v", path, s.role, err)
						return
					}
					lock.Lock()
					list[i].took = append(list[i].took, took)
					lock.Unlock()
				}
			}
		})
	}
	viewers.Wait()
	took := time.Since(began)
	stop()
	live.Wait()
	if t.Failed() {
		t.FailNow()
	}
	var all []time.Duration
	for i := range list {
		l := &list[i]
		slices.Sort(l.took)
		l.p50, l.p99, l.most = l.took[len(l.took)/2], l.took[(len(l.took)*99+99)/100-1], l.took[len(l.took)-1]
		all = append(all, l.took...)
	}
	slices.Sort(all)
	slices.SortStableFunc(list, func(a, b looked) int { return cmp.Compare(b.p99, a.p99) })
	var text strings.Builder
	for i := range list {
		l := &list[i]
		fmt.Fprintf(&text, "\n%9s p99 %9s p50 %9s least %9s first ", ms(l.p99), ms(l.p50), ms(l.took[0]), ms(l.first))
		if l.waited > 0 {
			fmt.Fprintf(&text, "(figures after %.1f s) ", l.waited.Seconds())
		}
		text.WriteString(l.String())
	}
	t.Logf("%d answers, p50 %s, p99 %s, %.0f/s, with %.0f inputs/s; %s%s", len(all), ms(all[len(all)/2]), ms(all[len(all)*99/100]), float64(len(all))/took.Seconds(), float64(events)/took.Seconds(), processors(), text.String())
	return &list[0]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// draw reads what stands in paths.
func (o *openedOffice) draw(t *testing.T) {
	t.Helper()
	o.words = map[string][]string{}
	for name, query := range map[string]string{
		"MINE":     `SELECT id FROM leads WHERE owner = 'johan.lind@northwind.example' ORDER BY id DESC LIMIT 200`,
		"WORKED":   `SELECT lead FROM handoffs ORDER BY id DESC LIMIT 5000`,
		"QUIET":    `SELECT id FROM leads ORDER BY id DESC LIMIT 5000`,
		"BUSY":     `SELECT lead FROM (SELECT lead, count(*) AS n FROM (SELECT lead FROM inputs ORDER BY id DESC LIMIT 300000) AS latest GROUP BY lead ORDER BY 2 DESC LIMIT 20) AS busy WHERE lead IS NOT NULL`,
		"ACCOUNT":  `SELECT account_id FROM leads WHERE account_id IS NOT NULL ORDER BY id DESC LIMIT 3000`,
		"LARGE":    `SELECT account_id FROM (SELECT account_id FROM leads ORDER BY id DESC LIMIT 200000) AS latest WHERE account_id IS NOT NULL GROUP BY account_id ORDER BY count(*) DESC LIMIT 10`,
		"SOURCE":   `SELECT DISTINCT source FROM (SELECT source FROM leads ORDER BY id DESC LIMIT 10000) AS latest WHERE source <> '' ORDER BY 1 LIMIT 3`,
		"CAMPAIGN": `SELECT DISTINCT campaign FROM (SELECT campaign FROM leads ORDER BY id DESC LIMIT 10000) AS latest WHERE campaign <> '' ORDER BY 1 LIMIT 3`,
		"OWNER":    `SELECT id FROM members WHERE side = 'sales' ORDER BY id LIMIT 4`,
		"EMAIL":    `SELECT email FROM leads WHERE email <> '' ORDER BY id DESC LIMIT 500`,
	} {
		rows, err := o.Store.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows.Rows {
			o.words[name] = append(o.words[name], url.QueryEscape(fmt.Sprint(row[0])))
		}
		if len(o.words[name]) == 0 {
			t.Fatalf("the company has no %s", name)
		}
	}
	o.words["LAST"] = []string{"lindqvist", "nilsson", "schmidt", "garcia", "berg", "last", "first", "nielsen"}
	o.words["FIRST"] = []string{"anna", "first", "karl", "anders", "maria", "automation", "bearings"}
	o.words["LETTERS"] = []string{"a", "an", "be", "s", "ka", "fir", "la", "no"}
}

// path puts something drawn in place of each word in capitals.
func (o *openedOffice) path(r *rand.Rand, path string) string {
	for name, list := range o.words {
		path = strings.Replace(path, name, list[r.IntN(len(list))], 1)
	}
	return path
}

func (o *openedOffice) signIn(t *testing.T, email string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: officeViewers}}
	res, err := c.PostForm(o.url+"/sign-in/demo", url.Values{"email": {email}, "next": {"/account"}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || res.Request.URL.Path != "/account" {
		t.Fatalf("signing in as %s leads to %s: %s", email, res.Request.URL, res.Status)
	}
	return c
}

// ask asks for a page as browsers do, and reports whether its figures are still being counted.
func (o *openedOffice) ask(c *http.Client, path string, read bool) (took time.Duration, counting bool, err error) {
	r, err := http.NewRequest("GET", o.url+path, nil)
	if err != nil {
		return 0, false, err
	}
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("Accept", "text/html")
	began := time.Now()
	res, err := c.Do(r)
	if err != nil {
		return 0, false, err
	}
	defer res.Body.Close()
	var body io.Reader = res.Body
	if read && res.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			return 0, false, err
		}
	}
	data, err := io.ReadAll(body)
	took = time.Since(began)
	if err == nil && (res.StatusCode != 200 || len(data) == 0) {
		err = fmt.Errorf("%s, %d bytes", res.Status, len(data))
	}
	return took, res.Header.Get("Refresh") != "", err
}
