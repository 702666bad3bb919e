package web

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Setting is a setting of the server as it applies.
type Setting struct {
	Name, Help string
	Value      string // without what is secret
	From       string // as "BATON_LISTEN", "baton.yaml:3", "--listen" or "default"; empty if it is not set
	Hidden     bool   // it is a secret, and Value does not say it
}

// signInPage is how people come in.
type signInSettings struct {
	Tabs     []link
	Answer   string
	Local    []fact
	Provider []fact
	Times    []fact
	Name     string // of the provider
	Back     string // what to allow there
}

// signInWords says in a line how people sign in.
func (a *ask) signInWords() string {
	g := a.site.Gate
	if g == nil {
		return "Nobody signs in here."
	}
	if g.Provider != nil {
		return "With a password, or at " + hostOf(g.Provider.Issuer) + "."
	}
	return "With a password, and a second factor if one wants it."
}

// showSignIn makes two queries beside those of every page: the users, and their sessions.
func showSignIn(a *ask) (answer, error) {
	g := a.site.Gate
	if g == nil {
		return nil, errNotFound
	}
	users, err := a.site.Store.Users(a.Context())
	if err != nil {
		return nil, err
	}
	sessions, err := g.Sessions(a.Context(), 0)
	if err != nil {
		return nil, err
	}
	active, second, password, provided := 0, 0, 0, 0
	for i := range users {
		if u := &users[i]; u.Active() {
			active++
			if u.TOTP != "" {
				second++
			}
			if u.Password != "" {
				password++
			}
			if u.Subject != "" {
				provided++
			}
		}
	}
	p := signInSettings{Tabs: settingsTabs(a, "/settings/sign-in"), Answer: capital(numberWord(active)) + plural(active, " person", " people") + " may sign in, w" + strings.TrimPrefix(a.signInWords(), "W")}
	reset := fact{"A forgotten password", "Somebody who runs people makes a link", "With a mail server people have one sent themselves."}
	if g.Mail != nil {
		reset = fact{"A forgotten password", "A link comes by mail", "It works once, for an hour."}
	}
	factor := fact{"Second factor", fmt.Sprintf("On for %d of %d", second, password), "Each switches it on under Your account. Nobody has to."}
	if g.Seal == nil {
		factor = fact{"Second factor", "Not to be had", "Set seal-key first: it keeps the secrets of second factors."}
	}
	p.Local = []fact{{"Passwords", fmt.Sprintf("%d of %d have one", password, active), "At least 12 characters, and none of those that are guessed first."}, factor, reset}
	p.Times = []fact{
		{"Without a look", spanWords(g.Idle), "Whoever does not look for so long signs in again."}, {"In any case", spanWords(g.Longest), "After that everybody signs in again."},
		{"Now", counted(len(sessions), "browser is", "browsers are") + " signed in", "Each can be signed out under People."},
	}
	if pr := g.Provider; pr != nil {
		p.Name = pr.Name
		if p.Name == "" {
			p.Name = hostOf(pr.Issuer)
		}
		p.Back = g.URL + "/sign-in/provider/back"
		roles := fact{"Roles", "As they were given here", "Only those who were invited come in."}
		if pr.RolesClaim != "" {
			roles = fact{"Roles", "From the claim " + pr.RolesClaim, mappedRoles(pr.RoleOf)}
		}
		trust := fact{"Addresses", "If the provider says it has verified them", ""}
		if pr.TrustEmail {
			trust = fact{"Addresses", "As the provider has them", "It is trusted not to let anybody take another's (oidc-trust-email)."}
		}
		secret := "No secret is set."
		if pr.Secret != "" {
			secret = "The secret is set and not shown."
		}
		p.Provider = []fact{{"Issuer", pr.Issuer, ""}, {"Known there as", pr.ID, secret}, roles, trust, {"Used by", counted(provided, "person", "people"), ""}}
	}
	return page{title: "Sign-in", body: signInSettingsBody(p)}, nil
}

// mappedRoles says which values of a claim give which roles.
func mappedRoles(m map[string]string) string {
	var list []string
	for value, role := range m { // order: sorted below
		list = append(list, value+" is "+role)
	}
	slices.Sort(list)
	if len(list) == 0 {
		return "It holds roles by their names."
	}
	return strings.Join(list, ", ") + "."
}

// spanWords writes a length of time as people set it.
func spanWords(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + " days"
	}
	return words(d.Microseconds())
}

// serverPage are the settings of the server.
type serverPage struct {
	Tabs   []link
	Answer string
	Groups []settingGroup
	Usual  []Setting // that nobody set
}

// settingGroup are settings about one thing that somebody set.
type settingGroup struct {
	Title string
	List  []Setting
}

// settingsWords says in a line what is set.
func settingsWords(list []Setting) string {
	n := 0
	for i := range list {
		if list[i].set() {
			n++
		}
	}
	if len(list) == 0 {
		return "This server was not started by settings."
	}
	if n == 0 {
		return "Everything is as it comes."
	}
	return capital(numberWord(n)) + plural(n, " setting is given; the rest is as it comes.", " settings are given; the rest are as they come.")
}

// set reports whether somebody gave it a value.
func (s *Setting) set() bool { return s.From != "" && s.From != "default" }

// shown is the value for people.
func (s *Setting) shown() string {
	if !s.Hidden {
		return strings.Trim(s.Value, `"`)
	}
	if names := hiddenOf.FindAllStringSubmatch(s.Value, -1); len(names) > 0 { // by name
		var list []string
		for _, n := range names {
			list = append(list, map[bool]string{true: "all others", false: n[1]}[n[1] == "*"])
		}
		return "set for " + strings.Join(list, ", ") + "; not shown"
	}
	return "set, not shown"
}

// hiddenOf finds the names of secrets that are given by name.
var hiddenOf = regexp.MustCompile(`"([^"]*)": "`)

// place says where a value is from.
func (s *Setting) place() (kind, at string) {
	switch {
	case strings.HasPrefix(s.From, "--"):
		return "command line", s.From
	case strings.HasPrefix(s.From, "BATON_"), strings.HasPrefix(s.From, "OTEL_"):
		return "environment", s.From
	}
	return "file", s.From
}

// settingKinds groups settings by how their names begin.
var settingKinds = []struct {
	title    string
	prefixes []string
}{
	{"Limits", []string{"rate", "tries", "trusted-proxy", "slow-commit", "drain-time", "memory", "file-memory"}}, {"Watching", []string{"log-", "metrics-", "trace-"}},
	{"Signing in", []string{"session-", "oidc-"}}, {"Mail, webhooks and chat", []string{"smtp-", "mail-", "slack", "teams", "outbound", "seal-key"}},
}

func kindOfSetting(name string) string {
	for _, k := range settingKinds {
		if slices.ContainsFunc(k.prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			return k.title
		}
	}
	return "The server"
}

// showServer makes no query beside those of every page.
func showServer(a *ask) (answer, error) {
	p := serverPage{Tabs: settingsTabs(a, "/settings/server"), Answer: settingsWords(a.site.Settings)}
	titles := []string{"The server"}
	for _, k := range settingKinds {
		titles = append(titles, k.title)
	}
	for _, title := range titles {
		g := settingGroup{Title: title}
		for _, s := range a.site.Settings {
			if s.set() && kindOfSetting(s.Name) == title {
				g.List = append(g.List, s)
			}
		}
		if len(g.List) > 0 {
			p.Groups = append(p.Groups, g)
		}
	}
	for _, s := range a.site.Settings {
		if !s.set() {
			p.Usual = append(p.Usual, s)
		}
	}
	return page{title: "Server", body: serverBody(p)}, nil
}

func fromWords(s *Setting) string {
	kind, _ := s.place()
	return map[string]string{"command line": "From the command line:", "environment": "From the environment:", "file": "From the file:"}[kind]
}
