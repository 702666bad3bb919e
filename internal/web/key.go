package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"baton/internal/api"
	"baton/internal/store"
)

// keysPage are the keys, and what makes one.
type keysPage struct {
	Tabs    []link
	Why     string
	Name    string // of the form that is not right
	Scope   string
	Scopes  []scopeChoice
	Key     *madeKey // that was just made
	Good    []keyRow
	Revoked []keyRow
	Address string // where programs send to
}

// madeKey is a key that is shown this once.
type madeKey struct{ Name, Scope, Secret, Try string }

// scopeChoice is a scope that the viewer may make a key of.
type scopeChoice struct{ Name, Words string }

// keyRow is a key.
type keyRow struct {
	ID                         int64
	Name, Scope, Words         string
	Made, Used, Revoked, State string
	Mine                       bool // the viewer may revoke it
}

// scopeWords say what a key may do.
var scopeWords = map[string]string{
	api.ScopeTrack: "Sends events and forms. It may stand in a web page.",
	api.ScopeRead:  "Reads leads, reports and what was sent. It sends nothing.",
	api.ScopeWrite: "Also does what people do: accepts, hands back, imports.",
	api.ScopeAdmin: "Also makes keys and webhooks, and lets an agreement apply.",
}

// mayScope reports whether the viewer makes and revokes keys of a scope.
func (a *ask) mayScope(scope string) bool {
	return a.viewer.May(RunKeys) || scope == api.ScopeTrack || scope == api.ScopeRead
}

func showKeys(a *ask) (answer, error) { return a.keysPage(keysPage{Scope: api.ScopeTrack}) }

func (a *ask) keysPage(p keysPage) (page, error) {
	list, err := a.site.Store.APIKeys(a.Context())
	if err != nil {
		return page{}, err
	}
	p.Tabs, p.Address = settingsTabs(a, "/settings/keys"), a.baseURL()
	for _, s := range api.Scopes {
		if a.mayScope(s) {
			p.Scopes = append(p.Scopes, scopeChoice{s, scopeWords[s]})
		}
	}
	for i := range slices.Backward(list) {
		k := &list[i]
		r := keyRow{ID: k.ID, Name: k.Name, Scope: k.Scope, Words: scopeWords[k.Scope], Made: "made " + a.dayWords(k.CreatedAt), Used: "never used", Mine: a.mayScope(k.Scope)}
		if k.UsedAt != 0 {
			r.Used = "used " + a.since(k.UsedAt)
		}
		if k.RevokedAt != 0 {
			r.Revoked = "revoked " + a.dayWords(k.RevokedAt)
			p.Revoked = append(p.Revoked, r)
		} else {
			p.Good = append(p.Good, r)
		}
	}
	return page{title: "API keys", body: keysBody(p)}, nil
}

// baseURL is where programs reach Baton.
func (a *ask) baseURL() string {
	if a.site.Gate != nil && a.site.Gate.URL != "" {
		return a.site.Gate.URL
	}
	return "http://" + a.Host
}

func makeKey(a *ask) (answer, error) {
	p := keysPage{Name: strings.TrimSpace(a.PostFormValue("name")), Scope: a.PostFormValue("scope")}
	if slices.Contains(api.Scopes, p.Scope) && !a.mayScope(p.Scope) {
		return nil, errForbidden
	}
	secret, key, err := a.site.API.MakeKey(a.Context(), p.Name, p.Scope)
	if err != nil {
		return refusedForm(err, func(why string) (page, error) { p.Why = why; return a.keysPage(p) })
	}
	return a.keysPage(keysPage{Scope: api.ScopeTrack, Key: &madeKey{key.Name, key.Scope, secret, tryKey(a.baseURL(), key.Scope, secret)}})
}

// tryKey is a command that shows a key at work.
func tryKey(base, scope, secret string) string {
	if scope == api.ScopeTrack {
		return "curl -u " + secret + ": " + base + "/v1/track \\\n  -d '{\"anonymousId\": \"trying-it\", \"event\": \"Page Viewed\"}'"
	}
	return "curl -H 'Authorization: Bearer " + secret + "' \\\n  '" + base + "/api/v1/leads?limit=5'"
}

func revokeKey(a *ask) (answer, error) {
	id, err := a.numberIn("key")
	if err != nil {
		return nil, err
	}
	list, err := a.site.Store.APIKeys(a.Context())
	key, err := byID(list, err, func(k *store.APIKey) bool { return k.ID == id })
	if err != nil {
		return nil, err
	}
	if !a.mayScope(key.Scope) {
		return nil, errForbidden
	}
	return posted("/settings/keys", key.Name, "is revoked: what is sent with it is refused from now on.", a.site.API.RevokeKey(a.Context(), id))
}

func revokeURL(id int64) templ.SafeURL {
	return templ.SafeURL("/settings/keys/" + strconv.FormatInt(id, 10) + "/revoke")
}

// keysStanding says in a line how keys stand.
func keysStanding(a *ask, keys []store.APIKey) standing {
	n, last := 0, int64(0)
	name := ""
	for i := range keys {
		if k := &keys[i]; k.RevokedAt == 0 {
			n++
			if k.UsedAt > last {
				last, name = k.UsedAt, k.Name
			}
		}
	}
	switch {
	case n == 0:
		return standing{Text: "There are none, so no program can send anything or ask for anything."}
	case last == 0:
		return standing{Text: counted(n, "key is", "keys are") + " good. None was used yet."}
	}
	return standing{Tone: "kept", Word: counted(n, "key", "keys"), Text: "The last to be used was " + name + ", " + a.since(last) + "."}
}

func keysAnswer(p keysPage) string {
	if len(p.Good) == 0 {
		return "No program may send or ask for anything yet."
	}
	return capital(numberWord(len(p.Good))) + plural(len(p.Good), " key lets a program in.", " keys let programs in.")
}
