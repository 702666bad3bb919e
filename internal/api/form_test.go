package api

import (
	"bytes"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"baton/internal/engine"
	"baton/internal/lifecycle"
)

func (s *site) submit(form string, headers []string, fields ...string) answer {
	s.t.Helper()
	values := url.Values{formKey: {s.key}}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return s.post("/f/"+form, []byte(values.Encode()), append([]string{"Authorization", "", "Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func TestForm(t *testing.T) {
	s := open(t, Options{Redirects: []string{"www.acme.example"}}, engine.Options{})
	// a visit before
	s.want(s.post("/v1/page", []byte(`{"anonymousId":"b1","properties":{"path":"/pricing"}}`)), 200)
	a := s.submit("contact", []string{"Referer", "https://www.acme.example/contact?email=jane%40acme.example"},
		"email", "Jane@Acme.example", "Job Title", "VP Operations", "company", "Acme", "message", "Call me", "newsletter", "yes",
		"consent", "on", "consent_text", "You may write to me about products.", "_next", "/thanks?a=1", "_anonymous_id", "b1", "_id", "s1")
	s.want(a, 303)
	if got := a.Header.Get("Location"); got != "/thanks?a=1" {
		t.Errorf("sent on to %q", got)
	}
	var got []string
	for _, in := range s.inputs() {
		got = append(got, told(&lifecycle.Arrival{Input: in})+" "+in.Text)
	}
	want := []string{
		"activity page_viewed path=/pricing ",
		"identify company.domain=acme.example company.name=Acme message=Call me newsletter=yes title=VP Operations keep[company.domain] #form:s1/i ",
		`consent granted #form:s1/c ticked "You may write to me about products." in form contact on https://www.acme.example/contact at 2026-11-23T12:00:00Z`,
		"activity form_submitted form=contact url=https://www.acme.example/contact #form:s1 ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("inputs\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := s.query(`SELECT id || ' ' || email || ' ' || activities || ' ' || consent FROM lead`); got != "1 jane@acme.example 2 granted" {
		t.Errorf("leads: %s", got)
	}
	// pressed twice
	s.want(s.submit("contact", nil, "email", "jane@acme.example", "_id", "s1"), 200)
	if got := len(s.inputs()); got != 4 {
		t.Errorf("%d inputs after the same submission again", got)
	}
	s.verify()
}

func TestFormAsMultipart(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, field := range [][2]string{{formKey, s.key}, {"email", "jane@acme.example"}, {"title", "VP"}} {
		if err := w.WriteField(field[0], field[1]); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("cv", "cv.pdf")
	if err != nil {
		t.Fatal(err)
	}
	file.Write(bytes.Repeat([]byte("x"), 1000))
	w.Close()
	a := s.post("/f/contact", b.Bytes(), "Content-Type", w.FormDataContentType())
	s.want(a, 200)
	if !strings.Contains(a.Body, "Thank you") || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the visitor sees %s %s", a.Header.Get("Content-Type"), a.Body)
	}
	if got := s.query(`SELECT email || ' ' || attributes FROM lead`); got != `jane@acme.example {"title":"VP"}` {
		t.Errorf("lead: %s", got)
	}
	s.want(s.post("/f/contact", b.Bytes()[:b.Len()-500], "Content-Type", w.FormDataContentType()), 400)
}

func TestFormTakesCare(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	s.want(s.submit("contact", nil, "email", "jane@acme.example", formTrap, "http://spam.example", "_next", "/thanks"), 303)
	s.want(s.submit("contact", nil, "name", "Jane"), 400)
	s.want(s.submit("contact", nil, "email", "jane at acme"), 400)
	s.want(s.submit("contact", nil, "email", "jane@acme.example", formKey, "wrong"), 401)
	s.want(s.submit("contact", nil, "email", "jane@acme.example", formKey, ""), 401)
	s.want(s.submit("con%20tact", nil, "email", "jane@acme.example"), 404)
	s.want(s.submit("contact", nil, "email", "jane@acme.example", "message", strings.Repeat("x", 70<<10)), 413)
	s.want(s.submit("contact", nil, "email", "jane@acme.example", "_id", strings.Repeat("x", 101)), 400)
	if got := len(s.inputs()); got != 0 {
		t.Errorf("%d inputs", got)
	}
	// neither ticked nor asked: no consent
	s.want(s.submit("contact", nil, "email", "jane@acme.example", "consent", "off", "message", "bad \xff\x00 bytes"), 200)
	for _, in := range s.inputs() {
		if in.Kind == lifecycle.Consented {
			t.Error("consent that nobody gave")
		}
	}
	s.verify()
}

func TestFormProblemIsAPage(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	for accept, want := range map[string]string{
		"text/html,application/xhtml+xml,*/*;q=0.8": "text/html; charset=utf-8", "*/*": problemMedia, "application/json": problemMedia, "": problemMedia,
	} {
		a := s.submit("contact", []string{"Accept", accept}, "email", "<b>none")
		s.want(a, 400)
		if got := a.Header.Get("Content-Type"); got != want || !strings.Contains(a.Body, "e-mail address, in a field named email; please go back") {
			t.Errorf("%q sees %s %s", accept, got, a.Body)
		}
	}
}

func TestFormRedirects(t *testing.T) {
	a := New(Options{Redirects: []string{"www.acme.example"}})
	for next, want := range map[string]bool{
		"": false, "/": true, "/thanks": true, "/a?b=c#d": true, "thanks": false, "//evil.example": false, "/\\evil.example": false, "\\\\evil.example": false,
		"https://www.acme.example/thanks": true, "https://WWW.acme.example": true, "http://www.acme.example/": true, "https://evil.example": false,
		"https://www.acme.example.evil.example": false, "https://www.acme.example@evil.example": false, "https://user@www.acme.example": false,
		"javascript:alert(1)": false, "data:text/html,x": false, "/a\r\nSet-Cookie: a=b": false, "///evil.example": false, "https:/evil.example": false, "/\t/evil.example": false,
	} {
		if got := a.mayRedirect(next); got != want {
			t.Errorf("%q: %v", next, got)
		}
	}
}
