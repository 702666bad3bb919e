//go:build unix

package app

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"baton/internal/access"
	"baton/internal/store"
	"baton/internal/web"
)

// unrecorded are the actions of the pages that leave neither a line of the audit nor an input, and why.
var unrecorded = map[string]string{
	"POST /theme":                    "a wish of this browser, kept in its cookie",
	"POST /keys":                     "a wish of this browser, kept in its cookie",
	"POST /inbox":                    "what somebody has read is theirs alone, and kept with its time",
	"POST /uploads/{upload}":         "a draft of what columns mean: the import it becomes is on record",
	"POST /uploads/{upload}/preview": "a draft of what columns mean: the import it becomes is on record",
	"POST /account/second":           "shows a code to scan: switching it on is on record",
	"POST /sign-in/demo":             "only a demonstration has it, where everybody is made up",
}

// anInput is what a use leaves that is something for the agreement: an input says who did it, for good.
const anInput = "an input"

// Whatever people do on a page, it can be seen who did it: in the audit, or as an input with its actor. Each action there is was used
// here with success, but for a few with their reasons.
func TestEveryActionIsOnRecord(t *testing.T) {
	l, empty := servePages(t), founding(t)
	used, jars := map[string]bool{}, map[string]http.CookieJar{}
	send := func(on *live, role, path, kind string, body io.Reader) (text string, status int) {
		t.Helper()
		at, err := url.Parse("http://" + on.address + "/")
		must(t, err)
		if jars[role] == nil {
			jars[role], err = cookiejar.New(nil)
			must(t, err)
			jars[role].SetCookies(at, []*http.Cookie{{Name: "as", Value: role}})
		}
		r, err := http.NewRequestWithContext(t.Context(), "POST", strings.TrimSuffix(at.String(), "/")+path, body)
		must(t, err)
		r.Header.Set("Content-Type", kind)
		res, err := (&http.Client{Jar: jars[role]}).Do(r)
		must(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		must(t, err)
		return string(b), res.StatusCode
	}
	record := func(on *live, pattern, actor, want string, do func() (string, int)) string {
		t.Helper()
		used[pattern] = true
		last, err := on.Store.Audits(t.Context(), store.AuditFilter{}, 1)
		must(t, err)
		before := int64(0)
		if len(last) > 0 {
			before = last[0].ID
		}
		inputs, err := on.Store.Query(t.Context(), `SELECT coalesce(max(id), 0) FROM input`)
		must(t, err)
		text, status := do()
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", pattern, status, mainText(text))
			return text
		}
		if want == anInput {
			made, err := on.Store.Query(t.Context(), fmt.Sprintf(`SELECT CAST(body AS text) FROM input WHERE id > %v`, inputs.Rows[0][0]))
			must(t, err)
			if !slices.ContainsFunc(made.Rows, func(r []any) bool { return strings.Contains(fmt.Sprint(r[0]), actor) }) {
				t.Errorf("%s: no input says that %s did it: %v\n%s", pattern, actor, made.Rows, mainText(text))
			}
			return text
		}
		said, err := on.Store.Audits(t.Context(), store.AuditFilter{}, 20)
		must(t, err)
		if !slices.ContainsFunc(said, func(a store.Audit) bool { return a.ID > before && a.Actor == actor && a.Action == want }) {
			t.Errorf("%s: not on record that %s %s: %+v\n%s", pattern, actor, want, said[:min(2, len(said))], mainText(text))
		}
		return text
	}
	// use does something as a role, at the address that a pattern is with its parameters filled in.
	use := func(pattern, role, body, want string, parameters ...any) string {
		t.Helper()
		_, path, _ := strings.Cut(regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(pattern, "%v"), " ")
		return record(l, pattern, viewers[role].Email, want, func() (string, int) {
			return send(l, role, fmt.Sprintf(path, parameters...), "application/x-www-form-urlencoded", strings.NewReader(body))
		})
	}
	number := func(query string) int64 {
		t.Helper()
		found, err := l.Store.Query(t.Context(), query)
		must(t, err)
		if len(found.Rows) == 0 {
			t.Fatalf("nothing found: %s", query)
		}
		return found.Rows[0][0].(int64)
	}

	// work
	one, two := l.offered(t, johan), l.offered(t, johan)
	use("POST /leads", "rep", fmt.Sprint("act=accept&lead=", one.ID), anInput)
	use("POST /leads/{lead}/remind", "manager", "", anInput, two.ID)
	use("POST /leads/{lead}/{act}", "rep", "who=Her", anInput, two.ID, "accept")
	use("POST /queue/{lead}/release", "sdr", "", anInput, number(`SELECT lead FROM call WHERE holder = 'sara.holm@northwind.example'`))
	use("POST /queue/take", "sdr", "", anInput)
	mine := number(`SELECT lead FROM call WHERE holder = 'sara.holm@northwind.example'`)
	use("POST /queue/{lead}/call", "sdr", "outcome=no_answer", anInput, mine)
	calls, err := l.Store.ListCalls(t.Context(), store.CallFree, "", 1)
	must(t, err)
	use("POST /queue/{lead}/take", "sdr", "", anInput, calls[0].ID)
	use("POST /leads/{lead}/merge", "manager", fmt.Sprint("with=", one.ID), anInput, two.ID)
	merged, err := l.Store.Query(t.Context(), `SELECT lead, into_lead FROM merged ORDER BY input DESC LIMIT 1`)
	must(t, err)
	use("POST /leads/{lead}/split", "manager", fmt.Sprint("other=", merged.Rows[0][0]), anInput, merged.Rows[0][1])
	use("POST /accounts/{account}/owner", "manager", "owner="+johan, anInput, number(`SELECT account FROM lead WHERE account > 0 ORDER BY id LIMIT 1`))
	use("POST /team/{member}/away", "manager", "from=2026-12-07&until=2026-12-08", anInput, johan)
	back := regexp.MustCompile(`name="from" value="(\d+)"[^>]*>\s*<input type="hidden" name="to" value="(\d+)"`).FindStringSubmatch(l.page(t, "manager", "/team"))
	if back == nil {
		t.Fatal("the team page has no absence to take back")
	}
	use("POST /team/{member}/present", "manager", "from="+back[1]+"&to="+back[2], anInput, johan)
	use("POST /team/{member}/hours", "manager", "hours=mon-fri+09:00-15:00", anInput, "amina.gharbi@northwind.example")

	use("POST /team/{member}/hours", "manager", "timezone=Europe/Stockholm&hours=mon-fri+09:00-16:00", anInput, johan)

	// filters that others see
	use("POST /filters", "manager", "page=/funnel&query=source%3Devent&name=Fairs&shared=yes", store.SharedFilter)
	fairs := number(`SELECT max(id) FROM saved_filter`)
	use("POST /filters/{filter}", "revops", "name=Events&shared=yes", store.ChangedFilter, fairs)
	use("POST /filters/{filter}/remove", "admin", "", store.RemovedFilter, fairs)

	// settings
	use("POST /settings/keys", "revops", "name=shop&scope=track", store.MadeKey)
	use("POST /settings/keys/{key}/revoke", "revops", "", store.RevokedKey, number(`SELECT max(id) FROM api_key`))
	use("POST /settings/webhooks", "revops", "url=https://new.northwind.example/in", store.AddedWebhook)
	hook := number(`SELECT max(id) FROM endpoint`)
	use("POST /settings/webhooks/{webhook}/rotate", "revops", "hours=24", store.ChangedWebhook, hook)
	use("POST /settings/webhooks/{webhook}/{act}", "revops", "", store.SentTest, hook, "test")
	use("POST /settings/webhooks/{webhook}/{act}", "revops", "", store.HurriedJobs, 2, "hurry")
	use("POST /settings/webhooks/{webhook}/{act}", "revops", "", store.EnabledWebhook, 3, "enable")
	use("POST /settings/webhooks/{webhook}/{act}", "revops", "", store.RemovedWebhook, 3, "remove")
	use("POST /settings/channels/{channel}/{act}", "revops", "who=marketing", store.SentTest, "slack", "test")
	use("POST /settings/mail/{act}", "revops", "", store.SentTest, "test")
	use("POST /settings/jobs/{job}/retry", "revops", "back=/settings/mail", store.RetriedJob, number(`SELECT id FROM job WHERE state = 'failed' AND channel = 'email'`))

	// files
	var file bytes.Buffer
	form := multipart.NewWriter(&file)
	part, err := form.CreateFormFile("file", "who.csv")
	must(t, err)
	_, err = part.Write([]byte("E-Mail\nnew.one@acme.example\n"))
	must(t, err)
	must(t, form.Close())
	big := bytes.NewBuffer(nil)
	more := multipart.NewWriter(big)
	part, err = more.CreateFormFile("file", "many.csv")
	must(t, err)
	_, err = io.WriteString(part, "E-Mail\n")
	must(t, err)
	for n := range 60_000 { // so many that they are not done when the answer is there
		_, err = fmt.Fprintf(part, "many.%d@acme%d.example\n", n, n%500)
		must(t, err)
	}
	must(t, more.Close())
	record(l, "POST /imports", viewers["revops"].Email, store.SentFile, func() (string, int) { return send(l, "revops", "/imports", form.FormDataContentType(), &file) })
	upload := number(`SELECT max(id) FROM upload`)
	over := func(path string) {
		t.Helper()
		for end := time.Now().Add(patience); time.Now().Before(end); {
			if !strings.Contains(l.page(t, "revops", path), "Look again") {
				return
			}
		}
		t.Fatal("it goes on and on")
	}
	send(l, "revops", fmt.Sprint("/uploads/", upload), "application/x-www-form-urlencoded", strings.NewReader("name=who&c0=email&do=check"))
	over(fmt.Sprintf("/uploads/%d/check", upload))
	use("POST /uploads/{upload}/import", "revops", "", store.Imported, upload)
	who := number(`SELECT max(id) FROM import`)
	over(fmt.Sprint("/imports/", who))
	record(l, "POST /imports/{import}/undo", viewers["revops"].Email, store.UndidImport, func() (string, int) {
		text, status := send(l, "revops", fmt.Sprintf("/imports/%d/undo", who), "application/x-www-form-urlencoded", strings.NewReader(""))
		over(fmt.Sprint("/imports/", who))
		return text, status
	})
	use("POST /imports/{import}/resume", "revops", "", store.Imported, 3)
	send(l, "revops", "/imports", more.FormDataContentType(), big)
	upload = number(`SELECT max(id) FROM upload`)
	send(l, "revops", fmt.Sprint("/uploads/", upload), "application/x-www-form-urlencoded", strings.NewReader("name=many&c0=email&do=check"))
	over(fmt.Sprintf("/uploads/%d/check", upload))
	send(l, "revops", fmt.Sprintf("/uploads/%d/import", upload), "application/x-www-form-urlencoded", strings.NewReader(""))
	use("POST /imports/{import}/stop", "revops", "", store.StoppedImport, number(`SELECT max(id) FROM import`))
	use("POST /uploads/{upload}/remove", "revops", "", store.RemovedFile, 4)

	// people
	use("POST /settings/people", "admin", "email=bo@northwind.example&role=rep", access.Invited)
	bo := number(`SELECT id FROM access_user WHERE email = 'bo@northwind.example'`)
	invited := linkIn(use("POST /settings/people/{user}/{act}", "admin", "", access.MadeReset, bo, "link"))
	use("POST /settings/people/{user}/{act}", "admin", "role=sdr", access.GaveRoles, bo, "roles")
	record(l, "POST /invitation/{token}", "bo@northwind.example", access.Joined, func() (string, int) {
		return send(l, "nobody", invited, "application/x-www-form-urlencoded", strings.NewReader("name=Bo&password=a+plain+long+sentence"))
	})
	use("POST /settings/people/{user}/{act}", "admin", fmt.Sprint("session=", number(fmt.Sprint(`SELECT max(id) FROM access_session WHERE user_id = `, bo))), access.EndedSession, bo, "sign-out")
	use("POST /settings/people/{user}/{act}", "admin", "", access.Deactivated, bo, "deactivate")
	use("POST /settings/people/{user}/{act}", "admin", "", access.Reactivated, bo, "reactivate")

	// oneself
	link := linkIn(use("POST /settings/people/{user}/{act}", "admin", "", access.MadeReset, viewers["rep"].ID, "link"))
	as := func(pattern, actor, body, want string) string {
		t.Helper()
		_, path, _ := strings.Cut(pattern, " ")
		return record(l, pattern, actor, want, func() (string, int) {
			return send(l, "rep", path, "application/x-www-form-urlencoded", strings.NewReader(body))
		})
	}
	record(l, "POST /reset/{token}", johan, access.ChangedPass, func() (string, int) {
		return send(l, "rep", link, "application/x-www-form-urlencoded", strings.NewReader("password=a+plain+long+sentence"))
	})
	as("POST /sign-in", johan, "email="+johan+"&password=a+plain+long+sentence", access.SignedInAs)
	as("POST /account/name", johan, "name=Johan+L", access.Renamed)
	as("POST /account/password", johan, "old=a+plain+long+sentence&password=another+plain+long+sentence", access.ChangedPass)
	page, _ := send(l, "rep", "/account/second", "application/x-www-form-urlencoded", strings.NewReader(""))
	token := regexp.MustCompile(`name="token" value="([^"]*)"`).FindStringSubmatch(page)
	secret := regexp.MustCompile(`<code[^>]*>([A-Z2-7 ]{20,})</code>`).FindStringSubmatch(page)
	if token == nil || secret == nil {
		t.Fatal(mainText(page))
	}
	code, err := hotp.GenerateCode(strings.ReplaceAll(secret[1], " ", ""), uint64(pageTime.Unix()/30))
	must(t, err)
	as("POST /account/second/on", johan, url.Values{"token": {html.UnescapeString(token[1])}, "code": {code}}.Encode(), access.SwitchedTOTP)
	page = as("POST /account/recovery", johan, "password=another+plain+long+sentence", access.MadeRecovery)
	recovery := regexp.MustCompile(`<li>([A-Z0-9-]{8,})</li>`).FindStringSubmatch(page)
	if recovery == nil {
		t.Fatal(mainText(page))
	}
	page, _ = send(l, "rep", "/sign-in", "application/x-www-form-urlencoded", strings.NewReader("email="+johan+"&password=another+plain+long+sentence"))
	pending := regexp.MustCompile(`name="([a-z]+)" value="([^"]+)"`).FindAllStringSubmatch(page, -1)
	values := url.Values{"code": {recovery[1]}}
	for _, p := range pending {
		values.Set(p[1], html.UnescapeString(p[2]))
	}
	as("POST /sign-in/code", johan, values.Encode(), access.SignedInAs)
	as("POST /account/second/off", johan, "password=another+plain+long+sentence", access.DroppedTOTP)
	use("POST /account/sessions/{session}/end", "rep", "", access.EndedSession, number(`SELECT min(id) FROM access_session WHERE user_id = 1`))
	as("POST /account/sessions/end-others", johan, "", access.EndedSessions)
	as("POST /sign-in", johan, "email="+johan+"&password=another+plain+long+sentence", access.SignedInAs)
	as("POST /sign-out", johan, "", access.SignedOut)
	record(l, "POST /reset", "", access.AskedReset, func() (string, int) { // it is noted behind the answer, which says nothing of who is a user
		text, status := send(l, "nobody", "/reset", "application/x-www-form-urlencoded", strings.NewReader("email="+johan))
		for end := time.Now().Add(patience); time.Now().Before(end); {
			if list, err := l.Store.Audits(t.Context(), store.AuditFilter{Action: access.AskedReset}, 1); err != nil || len(list) > 0 {
				break
			}
		}
		return text, status
	})

	// the first of all
	gate := access.New(access.Options{Store: empty.Store, Clock: func() time.Time { return pageTime }})
	defer gate.Close()
	first, err := gate.NewSetUpCode(t.Context())
	must(t, err)
	record(empty, "POST /set-up", "ada@northwind.example", access.SetUp, func() (string, int) {
		return send(empty, "founder", "/set-up", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"code": {first}, "email": {"ada@northwind.example"}, "name": {"Ada"}, "password": {"a plain long sentence"}}.Encode()))
	})

	for _, pattern := range web.Actions() {
		if used[pattern] == (unrecorded[pattern] != "") {
			t.Errorf("%s: used here %v, and its reason not to be on record is %q", pattern, used[pattern], unrecorded[pattern])
		}
	}
	for pattern := range unrecorded { // order: each by itself
		if !slices.Contains(web.Actions(), pattern) {
			t.Errorf("%s is no action any more", pattern)
		}
	}
}

// linkIn is the address of a link that a page shows.
func linkIn(page string) string {
	return regexp.MustCompile(`/(?:invitation|reset)/[\w-]{43}`).FindString(page)
}

// mainText is what a page says, without its marks.
func mainText(page string) string {
	if _, main, ok := strings.Cut(page, "<main"); ok {
		page, _, _ = strings.Cut(main, "</main>")
	}
	text := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")), " ")
	return text[:min(600, len(text))]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
