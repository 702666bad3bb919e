package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"baton/internal/store"
)

// settingsRoutes are the pages of how Baton is connected: who may send it something, and where it sends things.
func settingsRoutes() []route {
	return []route{
		{pattern: "GET /settings", right: RunSettings, handle: showSettings, entry: &entry{Group: "Run", Label: "Settings", Icon: "settings", Key: "S"}},
		{pattern: "GET /settings/keys", right: RunSettings, handle: showKeys, exports: keyExports},
		{pattern: "POST /settings/keys", right: RunSettings, handle: makeKey},
		{pattern: "POST /settings/keys/{key}/revoke", right: RunSettings, handle: revokeKey},
		{pattern: "GET /settings/webhooks", right: RunSettings, handle: showWebhooks, exports: webhookExports},
		{pattern: "POST /settings/webhooks", right: RunSettings, handle: addWebhook},
		{pattern: "GET /settings/webhooks/{webhook}", right: RunSettings, handle: showWebhook, exports: hookExports},
		{pattern: "POST /settings/webhooks/{webhook}/rotate", right: RunSettings, handle: rotateWebhook},
		{pattern: "POST /settings/webhooks/{webhook}/{act}", right: RunSettings, handle: changeWebhook},
		{pattern: "GET /settings/channels/{channel}", right: RunSettings, handle: showChannel, exports: channelExports},
		{pattern: "POST /settings/channels/{channel}/{act}", right: RunSettings, handle: changeChannel},
		{pattern: "GET /settings/mail", right: RunSettings, handle: showMail, exports: mailExports},
		{pattern: "POST /settings/mail/{act}", right: RunSettings, handle: changeMail},
		{pattern: "POST /settings/jobs/{job}/retry", right: RunSettings, handle: retryJob},
		{pattern: "GET /settings/sign-in", right: SeeServer, handle: showSignIn},
		{pattern: "GET /settings/server", right: SeeServer, handle: showServer, exports: serverExports},
	}
}

// settingsTabs are the pages of settings that the viewer may open.
func settingsTabs(a *ask, current string) []link {
	var list []link
	for _, t := range []struct {
		path, words string
		right       Right
	}{
		{"/settings", "Overview", RunSettings}, {"/settings/keys", "API keys", RunSettings}, {"/settings/webhooks", "Webhooks, chat", RunSettings},
		{"/settings/mail", "Mail", RunSettings}, {"/settings/sign-in", "Sign-in", SeeServer}, {"/settings/server", "Server", SeeServer},
	} {
		if a.viewer.May(t.right) {
			list = append(list, link{Href: t.path, Words: t.words, Current: t.path == current})
		}
	}
	return list
}

// standing is how a way in or out stands: a mark, a word, and a sentence.
type standing struct {
	Tone string // kept, late, soon or ""
	Word string // "Working"
	Text string // "The last one was taken at 09:31."
}

func (s standing) fails() bool { return s.Tone == "late" }

// reached says how an endpoint stands. all are those that were tried.
func (a *ask) reached(all map[string]*store.Reach, endpoint string) standing {
	r := all[endpoint]
	if r == nil || r.TriedAt == 0 {
		return standing{Word: "Not tried yet", Text: "Nothing was sent here yet."}
	}
	if r.FailingSince == 0 {
		s := standing{Tone: "kept", Word: "Working", Text: "The last message was taken " + a.since(r.DoneAt) + "."}
		if r.DoneAt == 0 {
			s.Text = plainly(r.Why)
		}
		return s
	}
	return standing{Tone: "late", Word: "Not getting through", Text: "Since " + a.clockTime(r.FailingSince) + ". " + plainly(r.Why) + a.again(r)}
}

// again says what waits for another try, "" for nothing.
func (a *ask) again(r *store.Reach) string {
	if r.Again == 0 {
		return ""
	}
	next := "is tried again at " + a.clockTime(r.Next)
	if r.Next <= a.now.UnixMicro() {
		next = "is tried again now"
	}
	if r.Again == 1 {
		return " One message waits and " + next + "."
	}
	return fmt.Sprintf(" %s messages wait; the first %s.", grouped(r.Again), next)
}

// plainly is a sentence that begins as it is if it begins with the name of a host.
func plainly(s string) string {
	text := sentence(s)
	if host, _, _ := strings.Cut(s, " "); strings.Contains(host, ".") && s[0] < utf8.RuneSelf {
		text = s[:1] + text[1:]
	}
	return text
}

// numberWord writes a small number as a word.
func numberWord(n int) string {
	if words := [...]string{"none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}; n >= 0 && n < len(words) {
		return words[n]
	}
	return strconv.Itoa(n)
}

// since says how long ago something was: "3 min ago", "at 09:31", "on Mon".
func (a *ask) since(at int64) string {
	switch ago := a.now.UnixMicro() - at; {
	case ago < minute:
		return "just now"
	case ago < hour:
		return words(ago) + " ago"
	case ago < 24*hour:
		return "at " + a.clockTime(at)
	}
	return a.dayWords(at)
}

// settingsPage is the first of the settings: is all as it should be?
type settingsPage struct {
	Tabs   []link
	Answer string
	Rows   []settingsRow
}

// settingsRow is a page of the settings, in a line.
type settingsRow struct {
	standing
	Href, Icon, Title string
}

// showSettings makes four queries beside those of every page: the keys, the webhooks, and how endpoints answer.
func showSettings(a *ask) (answer, error) {
	p := settingsPage{Tabs: settingsTabs(a, "/settings")}
	keys, err := a.site.Store.APIKeys(a.Context())
	if err != nil {
		return nil, err
	}
	ways, err := a.ways()
	if err != nil {
		return nil, err
	}
	p.Rows = append(p.Rows, settingsRow{keysStanding(a, keys), "/settings/keys", "key-round", "API keys"},
		settingsRow{waysStanding(ways), "/settings/webhooks", "webhook", "Webhooks and chat"},
		settingsRow{ways.mail, "/settings/mail", "mail", "Mail"})
	if a.viewer.May(SeeServer) {
		p.Rows = append(p.Rows, settingsRow{standing{Text: a.signInWords()}, "/settings/sign-in", "log-in", "Sign-in"},
			settingsRow{standing{Text: settingsWords(a.site.Settings)}, "/settings/server", "server", "Server"})
	}
	if a.viewer.May(SeeAudit) {
		p.Rows = append(p.Rows, settingsRow{standing{Text: "Who did what, when and from where. Lines are added and never changed."}, "/settings/audit", "scroll-text", "Audit"})
	}
	bad := 0
	for i := range p.Rows {
		if p.Rows[i].fails() {
			bad++
		}
	}
	switch {
	case ways.tried() == 0 && ways.mail.Tone == "":
		p.Answer = "Nothing was sent from here yet."
	case bad == 0:
		p.Answer = "Everything that goes out arrives."
	case ways.failing() == 1:
		p.Answer = "One way out is not getting through."
	default:
		p.Answer = capital(numberWord(ways.failing())) + " ways out are not getting through."
	}
	return page{title: "Settings", body: settingsBody(p), live: "deliveries"}, nil
}

// posted leads a form back with what came of it, or with why it was not done.
func posted(to, who, text string, err error) (answer, error) {
	said := &flash{Who: who, Text: text}
	if err != nil {
		f := failureOf(err)
		if f.status >= 500 {
			return nil, err
		}
		said.Text, said.Refused = f.text, true
	}
	return redirect{to: to, said: said}, nil
}

// refusedForm shows a form again with what is not right about it; any other error is returned.
func refusedForm(err error, show func(why string) (page, error)) (answer, error) {
	f := failureOf(err)
	if f.status >= 500 || f.status == http.StatusNotFound {
		return nil, err
	}
	p, err := show(f.text)
	return shown{page: p, status: http.StatusUnprocessableEntity}, err
}

// numberIn reads a number from the address; what is none is nothing that exists.
func (a *ask) numberIn(name string) (int64, error) {
	id, err := strconv.ParseInt(a.PathValue(name), 10, 64)
	if err != nil || id < 1 {
		return 0, errNotFound
	}
	return id, nil
}

// hostOf is the host of an address; the rest of it may be a secret.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address"
	}
	return cmp.Or(u.Host, "an address")
}

// byID finds one of a list that was read; none of them is nothing that exists.
func byID[T any](list []T, err error, is func(*T) bool) (*T, error) {
	if err != nil {
		return nil, err
	}
	for i := range list {
		if is(&list[i]) {
			return &list[i], nil
		}
	}
	return nil, errNotFound
}
