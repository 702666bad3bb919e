package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"baton/internal/document"
)

// flash is what an act led to, told once by the next page: in a toast, or at the lead where it was refused.
type flash struct {
	Lead    int64  `json:"lead,omitempty"`
	Who     string `json:"who,omitempty"` // whom it is about
	Text    string `json:"text"`
	Refused bool   `json:"refused,omitempty"`
	Open    string `json:"open,omitempty"` // what to open next, "tel:…"
	// Act is what was refused, and Typed what somebody had filled in for it, by the names of the fields: it stands in the form again.
	Act   string            `json:"act,omitempty"`
	Typed map[string]string `json:"typed,omitempty"`
	At    string            `json:"at,omitempty"`  // the part of the page that it was sent from, "" for the head
	For   int64             `json:"for,omitempty"` // the user who is told: nobody else who signs in to the same browser is
}

// mostFlash is how many bytes a flash may have, so that a cookie has room for it.
const mostFlash = 2500

// formFields are those of every form about a lead: nobody fills them in.
var formFields = []string{"who", "seen", "back", "open", "then", "at"}

// refusedForm leads back to where a form was sent. If it was refused, what somebody had filled in stands there again; what is too long for
// that is shown by itself.
func (a *ask) refusedForm(said *flash, act, to string) (answer, error) {
	if !said.Refused {
		return redirect{to: to, said: said}, nil
	}
	said.Act, said.Typed = act, a.typed()
	return a.tellRefused(said, to)
}

// tellRefused leads back to where a form was sent, with what was refused and what had been filled in.
func (a *ask) tellRefused(said *flash, to string) (answer, error) {
	if _, fits := a.pack(said); fits {
		return redirect{to: to, said: said}, nil
	}
	return shown{page: page{title: "This was not done", body: refusedLong(said.Text, to, a.filledIn(said))}, status: http.StatusConflict}, nil
}

// typed is what somebody filled in, by the names of the fields.
func (a *ask) typed() map[string]string {
	typed := map[string]string{}
	for name, values := range a.PostForm { // order: of a map
		if text := strings.TrimSpace(values[0]); text != "" && !slices.Contains(formFields, name) && !strings.HasPrefix(name, "was.") {
			typed[name] = text
		}
	}
	return typed
}

// formAct is the act with a lead, or with several, that a form is about, "" for any other form.
func (a *ask) formAct() string {
	if a.route != nil && a.route.pattern == "POST /leads" {
		return bulkAct
	}
	if a.route == nil || !strings.HasPrefix(a.route.pattern, "POST /leads/{lead}/") && !strings.HasPrefix(a.route.pattern, "POST /queue/{lead}/") {
		return ""
	}
	act := a.URL.Path[strings.LastIndex(a.URL.Path, "/")+1:]
	if act == "release" {
		act = "call" // it is another button of that form
	}
	return act
}

// mayNot tells, where somebody clicked, that their role does not do this: it may have been another one when the page was made.
func (a *ask) mayNot() error {
	act, to := a.formAct(), a.formBack()
	if act == "" || to == "" {
		return errForbidden
	}
	said := &flash{Refused: true, Who: a.PostForm.Get("who"), Text: "Your role does not do this, so nothing was changed. Whoever runs Baton at your company can change your role; until then, ask somebody who works on leads."}
	said.Lead, _ = strconv.ParseInt(a.PathValue("lead"), 10, 64)
	answer, err := a.refusedForm(said, act, to)
	if err != nil {
		return err
	}
	return answer.answer(a)
}

// filledIn is what somebody had filled in for what was refused, in words, as in the form; nothing if they only pressed a button.
func (a *ask) filledIn(f *flash) (list []field) {
	if f == nil || !f.Refused {
		return nil
	}
	add := func(label, text string) {
		if text != "" {
			list = append(list, field{label, text})
		}
	}
	t := f.Typed
	switch f.Act {
	case "lose":
		add("Lost, because", t["reason"])
	case "win":
		add("Won, worth", t["value"])
	case "merge":
		add("Is the same person as", t["with"])
	case "reject", "hand-back":
		add("Let through by", t["clause"])
		add("Comes back on", t["revisit"])
	case bulkAct:
		for _, of := range []string{"reject.", "hand-back."} {
			add("Let through by", t[of+"clause"])
			add("Comes back on", t[of+"revisit"])
			add("Note", t[of+"note"])
		}
	case "estimate":
		add("It may be worth", t["value"])
		add("Likely to be won, in percent", t["probability"])
		add("Hours of effort", t["effort"])
		for _, name := range slices.Sorted(maps.Keys(t)) {
			if k, ok := strings.CutPrefix(name, "competitor."); ok {
				add("They may buy from", capital(spaced(k)))
			}
		}
	case "walk-away":
		add("Why we walk away", capital(spaced(t["reason"])))
	}
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if q, is := strings.CutPrefix(name, "answer."); is {
			add(document.Title(q), t[name])
		}
	}
	add("Note", t["note"])
	add("Call again", strings.ReplaceAll(t["again"], "T", " "))
	if len(list) > 0 {
		add("How it went", capital(outcomeWords(t["outcome"])))
	}
	return list
}

// about is whom it is about, before what is told: a word goes on with the name, a sentence begins behind it.
func (f *flash) about() string {
	if f.Who == "" || strings.HasSuffix(f.Who, ":") || f.Text == lowered(f.Text) {
		return f.Who
	}
	return f.Who + ":"
}

// told is what is told, with whom it is about if that is several.
func (f *flash) told() string {
	if f.Act == bulkAct && f.Who != "" {
		return f.about() + " " + f.Text
	}
	return f.Text
}

// of reports whether it tells that an act with a lead was refused.
func (f *flash) of(lead int64, act string) bool {
	return f != nil && f.Refused && f.Lead == lead && f.Act == act
}

// typedBefore is what somebody had filled in for an act with a lead that was refused, "" for nothing.
func typedBefore(ctx context.Context, lead int64, act, name string) string {
	return typedOr(ctx, lead, act, name, "")
}

// typedOr is what somebody had filled in for an act with a lead that was refused, or how it stands if none was.
func typedOr(ctx context.Context, lead int64, act, name, stands string) string {
	if f := asked(ctx).said; f.of(lead, act) {
		return f.Typed[name]
	}
	return stands
}

// chosenBefore reports whether something is chosen in a form: as in the one that was refused, or otherwise.
func chosenBefore(ctx context.Context, lead int64, act, name, value string, otherwise bool) bool {
	if before := typedBefore(ctx, lead, act, name); before != "" {
		return before == value
	}
	return otherwise
}

// retyped are questions as somebody had answered them in a form that was refused.
func retyped(ctx context.Context, list []question, lead int64, act string) []question {
	f := asked(ctx).said
	if !f.of(lead, act) {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		q := &list[i]
		text := f.Typed[q.field()]
		if text == "" {
			continue
		}
		q.Given, q.Choices = text, slices.Clone(q.Choices)
		for j := range q.Choices {
			q.Choices[j].Chosen = q.Choices[j].Value == text
		}
	}
	return list
}

const flashCookie = "said"

// pack writes a flash as a cookie has it, and reports whether there is room for it.
func (a *ask) pack(f *flash) (string, bool) {
	if a.viewer != nil {
		f.For = a.viewer.ID
	}
	b, err := json.Marshal(f)
	return base64.RawURLEncoding.EncodeToString(b), err == nil && len(b) <= mostFlash
}

// putFlash keeps what to tell in a cookie of a minute. A form that was answered with a redirect can say no more.
func putFlash(a *ask, f *flash) {
	text, fits := a.pack(f)
	if !fits {
		return
	}
	http.SetCookie(a.w, &http.Cookie{Name: flashCookie, Value: text, Path: "/", MaxAge: 60, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: a.TLS != nil})
}

// takeFlash returns what is to be told, and forgets it.
func takeFlash(a *ask) *flash {
	c, err := a.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(a.w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: a.TLS != nil})
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	var f flash
	if err != nil || json.Unmarshal(b, &f) != nil || f.Text == "" {
		return nil
	}
	if f.For != 0 && (a.viewer == nil || a.viewer.ID != f.For) {
		return nil
	}
	f.Open = phoneOf(f.Open) // whoever can write a cookie does not choose what is opened
	return &f
}
