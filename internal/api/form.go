package api

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// Fields of a form that are for Baton and not about the visitor.
const (
	formKey       = "_key"          // the write key
	formNext      = "_next"         // where the visitor goes afterwards
	formTrap      = "_gotcha"       // hidden: whoever fills it in is a robot
	formID        = "_id"           // tells two submissions from one that came twice
	formBrowser   = "_anonymous_id" // of the tracking library, so that earlier visits join
	formConsent   = "consent"       // the checkbox
	formAgreed    = "consent_text"  // the words beside it
	mostForm      = 64 << 10
	mostFormField = 200
)

var formName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// form takes in a plain HTML form, and sends the visitor on.
func (a *API) form(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("form")
	if !formName.MatchString(name) {
		return &problem{status: http.StatusNotFound, detail: "a form's name has letters, digits, dots, hyphens and underscores, at most 64"}
	}
	values, err := a.formValues(w, r)
	if err != nil {
		return err
	}
	received := a.now()
	key, err := a.admit(r, or(values.Get(formKey), r.URL.Query().Get("key")), ScopeTrack, received)
	if err != nil {
		if errors.Is(err, errNoKey) {
			err = &problem{status: http.StatusUnauthorized, detail: "the form has no write key: put it into a hidden field named " + formKey}
		}
		return err
	}
	if err := a.rates.allow(key.Name, 1, a.Clock()); err != nil {
		return err
	}
	if strings.TrimSpace(values.Get(formTrap)) != "" {
		a.Log.Info("form filled in by a robot, not kept", "form", name, "key", key.Name)
		return a.thank(w, r, values.Get(formNext))
	}
	plan := a.Plan()
	if plan == nil {
		return engine.ErrNoAgreement
	}
	m := mapper{plan: plan, source: "api:" + key.Name, known: received, agents: &a.agents, robot: a.agents.robot(r.UserAgent())}
	if err := m.form(name, values, r.Referer()); err != nil {
		return err
	}
	if err := a.takeIn(r.Context(), m.arrivals); err != nil {
		return err
	}
	return a.thank(w, r, values.Get(formNext))
}

// formValues reads the fields of a form, however it is packed. Files are left out.
func (a *API) formValues(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	text, err := a.memory.read(r, mostForm)
	if err != nil {
		return nil, err
	}
	defer text.release()
	r.Body = http.NoBody
	read := &http.Request{Method: http.MethodPost, Header: r.Header, URL: &url.URL{}, Body: io.NopCloser(bytes.NewReader(text.buf.Bytes()))}
	err = read.ParseMultipartForm(mostForm)
	if errors.Is(err, http.ErrNotMultipart) {
		err = nil
	}
	if err != nil || read.PostForm == nil {
		return nil, &problem{status: http.StatusBadRequest, detail: "the form cannot be read; send it as a browser does (application/x-www-form-urlencoded or multipart/form-data)"}
	}
	return read.PostForm, nil
}

// form adds the arrivals of a form: who it is, what was agreed to, and that it was sent.
func (m *mapper) form(name string, values url.Values, page string) error {
	names := make([]string, 0, len(values))
	for field := range values { // order: sorted below
		names = append(names, field)
	}
	slices.Sort(names)
	var traits fields
	for _, field := range names {
		text := clean(strings.ToValidUTF8(strings.Join(values[field], ", "), "\uFFFD"))
		if strings.HasPrefix(field, "_") || field == formConsent || field == formAgreed || strings.TrimSpace(text) == "" {
			continue
		}
		if len(field) > mostFormField {
			return &problem{status: http.StatusBadRequest, detail: "the name of a field is longer than 200 bytes"}
		}
		traits = append(traits, fieldOf(clean(strings.ToValidUTF8(field, "\uFFFD")), text))
	}
	email, ok := emailOf(traits)
	if !ok {
		return &problem{status: http.StatusBadRequest, detail: "the form needs an e-mail address, in a field named email; please go back and fill it in"}
	}
	a := lifecycle.Arrival{Keys: []identity.Key{email}, Input: lifecycle.Input{At: m.known, Known: m.known, Source: m.source, Bot: m.robot}}
	if phone, ok := phoneOf(traits); ok {
		a.Keys = append(a.Keys, phone)
	}
	if id := clean(strings.ToValidUTF8(values.Get(formBrowser), "")); id != "" && len(id) <= mostID {
		a.Keys = append(a.Keys, identity.Key{Kind: identity.Anonymous, Value: id})
	}
	id := clean(strings.ToValidUTF8(values.Get(formID), ""))
	if len(id) > mostMessageID {
		return &problem{status: http.StatusBadRequest, detail: formID + " is longer than 100 bytes"}
	}
	keyed := func(in lifecycle.Input, part string) lifecycle.Input {
		if id != "" {
			in.Key = "form:" + id + part
		}
		return in
	}
	if page != "" {
		page = pageOf(page)
	}
	who := a
	who.Input = keyed(a.Input, "/i")
	who.Input.Kind, who.Input.Values = lifecycle.Identify, sorted(m.values(traits, "", true))
	who.Account, who.AccountName = account(who.Input.Values, "", email)
	m.arrivals = append(m.arrivals, who)

	if ticked(values.Get(formConsent)) {
		agreed := a
		agreed.Input = keyed(a.Input, "/c")
		agreed.Input.Kind, agreed.Input.Name = lifecycle.Consented, "granted"
		agreed.Input.Text = evidence(name, page, clean(strings.ToValidUTF8(values.Get(formAgreed), "\uFFFD")), m.known)
		m.arrivals = append(m.arrivals, agreed)
	}
	sent := a
	sent.Input = keyed(a.Input, "")
	sent.Input.Kind, sent.Input.Name = lifecycle.Did, formSubmitted
	sent.Input.Values = []lifecycle.Named{{Name: "form", Value: agreement.TextValue(name)}}
	if page != "" {
		sent.Input.Values = append(sent.Input.Values, lifecycle.Named{Name: "url", Value: agreement.TextValue(page)})
	}
	m.arrivals = append(m.arrivals, sent)
	return nil
}

func fieldOf(name, text string) field { return field{name, agreement.TextValue(text)} }

// ticked reports whether a checkbox was sent as ticked.
func ticked(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "no", "false", "0", "off":
		return false
	}
	return true
}

// evidence is what shows later that somebody consented: to which words, when, and where.
func evidence(form, page, words string, at int64) string {
	if words == "" {
		words = "(the form did not send its words: add a hidden field " + formAgreed + ")"
	}
	where := "form " + form
	if page != "" {
		where += " on " + page
	}
	return fmt.Sprintf("ticked %q in %s at %s", words, where, stamp(at))
}

// pageOf is the address of a page without what follows a question mark, which may say more than it should.
func pageOf(address string) string {
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		address = address[:i]
	}
	if len(address) > mostID || !strings.HasPrefix(address, "http") {
		return ""
	}
	return clean(strings.ToValidUTF8(address, "\uFFFD"))
}

// formProblem tells a visitor, who sees it in place of a page, why a form was not taken in. Programs get the problem as it is.
func formProblem(w http.ResponseWriter, p *problem) {
	h := w.Header()
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retry))
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(p.status)
	writeFormPage(w, "This was not sent", p.detail+".")
}

func writeFormPage(w io.Writer, title, text string) {
	fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>%[1]s</title><h1>%[1]s</h1><p>%[2]s</p></html>\n",
		html.EscapeString(title), html.EscapeString(strings.ToUpper(text[:1])+text[1:]))
}

// thank sends the visitor on to where the form says, or says thank you.
func (a *API) thank(w http.ResponseWriter, r *http.Request, next string) error {
	h := w.Header()
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		h.Set("Content-Type", "application/json")
		w.Write([]byte(`{"success":true}` + "\n"))
		return nil
	}
	if a.mayRedirect(next) {
		h.Set("Location", next)
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	writeFormPage(w, "Thank you", "We have received what you sent.")
	return nil
}

// mayRedirect reports whether a form may send its visitor to an address: on this server, or on a host
// that the operator allows. Anything else would lend our name to somebody's trap.
func (a *API) mayRedirect(next string) bool {
	if next == "" || len(next) > 2000 || strings.ContainsFunc(next, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return false
	}
	u, err := url.Parse(next)
	if err != nil || u.User != nil {
		return false
	}
	if u.Scheme == "" && u.Host == "" {
		return strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//")
	}
	return (u.Scheme == "https" || u.Scheme == "http") && slices.Contains(a.Redirects, strings.ToLower(u.Host))
}
