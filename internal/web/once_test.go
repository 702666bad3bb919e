package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/pquerna/otp/hotp"

	"baton/internal/access"
	"baton/internal/seal"
	"baton/internal/store"
)

// formOn reads the hidden fields of the form that a page has for an address.
func formOn(t *testing.T, page, action string) url.Values {
	t.Helper()
	form := regexp.MustCompile(`(?s)<form[^>]*(?:action|formaction)="` + regexp.QuoteMeta(action) + `".*?</form>`).FindString(page)
	if form == "" {
		t.Fatalf("there is no form for %s", action)
	}
	values := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		values.Set(m[1], html.UnescapeString(m[2]))
	}
	return values
}

// A form whose answer shows a secret is done once: sent again, as a reload does, it makes nothing, ends nothing, and says so on its page,
// which can be loaded again. A form of another page load is another one.
func TestAFormWithASecretIsDoneOnce(t *testing.T) {
	s := testSite(t)
	keys, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	s.Gate.Seal, s.API.Seal = keys, keys
	s.Options.Viewer = s.Gate.Viewer
	link, err := s.Gate.ResetLink(t.Context(), access.By{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	v := s.visitor(t)
	const password = "a plain long sentence"
	if got := v.post(strings.TrimPrefix(link, "https://baton.northwind.example"), url.Values{"password": {password}}.Encode()); got.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	bo, err := s.Store.AddUser(t.Context(), store.User{Email: "bo@northwind.example", Roles: "rep", Password: "none"})
	if err != nil {
		t.Fatal(err)
	}
	made := func() (n int) { // keys, webhooks, and what is on record of everything else
		list, err := s.Store.APIKeys(t.Context())
		hooks, err2 := s.Store.Webhooks(t.Context())
		said, err3 := s.Store.Audits(t.Context(), store.AuditFilter{}, 1000)
		if err != nil || err2 != nil || err3 != nil {
			t.Fatal(err, err2, err3)
		}
		return len(list) + len(hooks) + len(said)
	}
	const code, secret = `code`, `(?:baton_track_|whsec_|/invitation/|/reset/)[\w+/=-]{20,}`
	for _, c := range []struct {
		page, on, action string
		fields           url.Values
		shows            string
	}{
		{"/settings/keys", "/settings/keys", "/settings/keys", url.Values{"name": {"shop"}, "scope": {"track"}}, secret},
		{"/settings/webhooks", "/settings/webhooks", "/settings/webhooks", url.Values{"url": {"https://crm.northwind.example/in"}}, secret},
		{"/settings/webhooks/1", "/settings/webhooks/1/rotate", "/settings/webhooks/1/rotate", url.Values{"hours": {"0"}}, secret},
		{"/settings/people", "/settings/people", "/settings/people", url.Values{"email": {"cy@northwind.example"}, "role": {"rep"}}, secret},
		{"/settings/people", fmt.Sprintf("/settings/people/%d/link", bo.ID), fmt.Sprintf("/settings/people/%d/link", bo.ID), nil, secret},
		{"/account", "/account/second/on", "/account/second/on", url.Values{"code": {code}}, `<li>[A-Z0-9-]{8,}</li>`},
		{"/account", "/account/second/off", "/account/recovery", url.Values{"password": {password}}, `<li>[A-Z0-9-]{8,}</li>`},
	} {
		page := v.get(c.page).Body.String()
		if c.on == "/account/second/on" {
			page = v.post("/account/second", "").Body.String()
		}
		form := formOn(t, page, c.on)
		if form.Get("once") == "" || form.Get("back") != c.page {
			t.Errorf("%s: the form has %v", c.on, form)
		}
		for name, values := range c.fields {
			form[name] = values
			if values[0] == code {
				key := regexp.MustCompile(`<code[^>]*>([A-Z2-7 ]{20,})</code>`).FindStringSubmatch(page)
				now, err := hotp.GenerateCode(strings.ReplaceAll(key[1], " ", ""), uint64(s.Clock().Unix()/30))
				if err != nil {
					t.Fatal(err)
				}
				form.Set(name, now)
			}
		}
		first := v.post(c.action, form.Encode())
		if first.Code != http.StatusOK || !regexp.MustCompile(c.shows).MatchString(first.Body.String()) {
			t.Errorf("%s: %d, no secret", c.action, first.Code)
		}
		before := made()
		for range 2 {
			again := v.post(c.action, form.Encode())
			if again.Code != http.StatusSeeOther || again.Header().Get("Location") != c.page || made() != before {
				t.Errorf("%s again: %d to %q, %d more\n%s", c.action, again.Code, again.Header().Get("Location"), made()-before, again.Body)
			}
		}
		if text := v.get(c.page).Body.String(); !strings.Contains(text, "this form was sent before") || regexp.MustCompile(c.shows).MatchString(text) {
			t.Errorf("%s: the page does not say that it was done before, or shows a secret", c.page)
		}
		if text := v.get(c.page).Body.String(); strings.Contains(text, "this form was sent before") || strings.Contains(text, form.Get("once")) {
			t.Errorf("%s: loaded once more", c.page)
		}
	}
	if got := v.post("/settings/keys", url.Values{"name": {"x"}, "scope": {"track"}, "once": {strings.Repeat("x", mostOnce+1)}}.Encode()); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("a mark that is none: %d", got.Code)
	}
}
