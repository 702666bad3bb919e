package web

import (
	"errors"
	"net/http"
	"strconv"

	"baton/internal/access"
)

// accessRoutes are the addresses by which people come in, and look after who may.
func accessRoutes() []route {
	return []route{
		{pattern: "GET /sign-in", right: Anybody, handle: signInPage},
		{pattern: "POST /sign-in", right: Anybody, handle: signIn},
		{pattern: "POST /sign-in/code", right: Anybody, handle: secondFactor},
		{pattern: "GET /sign-in/provider", right: Anybody, handle: toProvider},
		{pattern: "GET /sign-in/provider/back", right: Anybody, handle: fromProvider},
		{pattern: "POST /sign-in/demo", right: Anybody, handle: demoSignIn},
		{pattern: "POST /sign-out", right: Anybody, handle: signOut},
		{pattern: "GET /set-up", right: Anybody, handle: setUpPage},
		{pattern: "POST /set-up", right: Anybody, handle: setUp},
		{pattern: "GET /reset", right: Anybody, handle: resetPage},
		{pattern: "POST /reset", right: Anybody, handle: askReset},
		{pattern: "GET /reset/{token}", right: Anybody, handle: linkPage},
		{pattern: "POST /reset/{token}", right: Anybody, handle: useLink},
		{pattern: "GET /invitation/{token}", right: Anybody, handle: linkPage},
		{pattern: "POST /invitation/{token}", right: Anybody, handle: useLink},

		{pattern: "GET /settings/people", right: RunPeople, handle: showPeople, exports: peopleExports, entry: &entry{Group: "Run", Label: "People", Icon: "users", Key: "U"}},
		{pattern: "POST /settings/people", right: RunPeople, handle: invite},
		{pattern: "POST /settings/people/{user}/{act}", right: RunPeople, handle: changePerson},
		{pattern: "GET /settings/audit", right: SeeAudit, handle: showAudit, exports: auditExports, filters: []string{"who", "did", "to"}, entry: &entry{Group: "Run", Label: "Audit", Icon: "scroll-text"}},

		{pattern: "GET /account", right: SignedIn, handle: showAccount},
		{pattern: "POST /account/name", right: SignedIn, handle: rename},
		{pattern: "POST /account/password", right: SignedIn, handle: changePassword},
		{pattern: "POST /account/second", right: SignedIn, handle: beginSecond},
		{pattern: "POST /account/second/on", right: SignedIn, handle: switchSecondOn},
		{pattern: "POST /account/second/off", right: SignedIn, handle: switchSecondOff},
		{pattern: "POST /account/recovery", right: SignedIn, handle: newRecovery},
		{pattern: "POST /account/sessions/{session}/end", right: SignedIn, handle: endSession},
		{pattern: "POST /account/sessions/end-others", right: SignedIn, handle: endOthers},
	}
}

// shown is a page with another status than 200: a form that comes back with what is not right about it.
type shown struct {
	page
	status int
	wait   int // seconds after which to try again, 0 for no matter
}

func (s shown) answer(a *ask) error {
	if s.wait > 0 {
		a.w.Header().Set("Retry-After", strconv.Itoa(s.wait))
	}
	return a.show(s.status, s.page)
}

// again shows a form again with the refusal that an error is; any other error is returned.
func again(err error, show func(why string) page) (answer, error) {
	var r *access.Refusal
	if !errors.As(err, &r) {
		return nil, err
	}
	s := shown{page: show(sentence(r.Text)), status: http.StatusUnprocessableEntity, wait: r.Wait}
	if r.Wait > 0 {
		s.status = http.StatusTooManyRequests
	}
	return s, nil
}

// signInForm is what the page to sign in shows.
type signInForm struct {
	Why, Email, Next string
	Provider         string // what people call it, "" for none
	Demo             []*Viewer
	Pending          string // a second factor is asked for
	Mail             bool   // a new password can be sent
}

func (a *ask) signInForm(why string) (page, error) {
	f := signInForm{Why: why, Email: a.FormValue("email"), Next: here(a.FormValue("next"), "/"), Mail: a.site.Gate.Mail != nil}
	if p := a.site.Gate.Provider; p != nil {
		if f.Provider = p.Name; f.Provider == "" {
			f.Provider = "your company's account"
		}
	}
	var err error
	f.Demo, err = a.site.Gate.DemoUsers(a.Context())
	return page{title: "Sign in", body: signInBody(f)}, err
}

// errNoGate is what comes of a site that lets nobody in.
var errNoGate = errNotFound

func signInPage(a *ask) (answer, error) {
	g := a.site.Gate
	if g == nil {
		return nil, errNoGate
	}
	next := here(a.FormValue("next"), "/")
	if a.viewer != nil {
		return redirect{to: next}, nil
	}
	if is, err := g.IsSetUp(a.Context()); err != nil {
		return nil, err
	} else if !is {
		return redirect{to: "/set-up"}, nil
	}
	return a.signInForm("")
}

func signIn(a *ask) (answer, error) {
	g := a.site.Gate
	if g == nil {
		return nil, errNoGate
	}
	pending, err := g.SignIn(a.w, a.Request, a.PostFormValue("email"), a.PostFormValue("password"))
	if err != nil {
		return a.signInAgain(err)
	}
	next := here(a.PostFormValue("next"), "/")
	if pending != "" {
		return page{title: "Enter your code", body: codeBody(signInForm{Next: next, Pending: pending})}, nil
	}
	return redirect{to: next}, nil
}

func (a *ask) signInAgain(err error) (answer, error) {
	var failed error
	s, err := again(err, func(why string) page {
		p, err := a.signInForm(why)
		failed = err
		return p
	})
	if failed != nil {
		return nil, failed
	}
	return s, err
}

func secondFactor(a *ask) (answer, error) {
	g := a.site.Gate
	if g == nil {
		return nil, errNoGate
	}
	next := here(a.PostFormValue("next"), "/")
	pending := a.PostFormValue("pending")
	if err := g.SecondFactor(a.w, a.Request, pending, a.PostFormValue("code")); err != nil {
		return again(err, func(why string) page {
			return page{title: "Enter your code", body: codeBody(signInForm{Why: why, Next: next, Pending: pending})}
		})
	}
	return redirect{to: next}, nil
}

func toProvider(a *ask) (answer, error) {
	g := a.site.Gate
	if g == nil || g.Provider == nil {
		return nil, errNotFound
	}
	to, err := g.ToProvider(a.w, a.Request, here(a.FormValue("next"), "/"))
	if err != nil {
		return a.signInAgain(err)
	}
	return redirect{to: to}, nil
}

func fromProvider(a *ask) (answer, error) {
	g := a.site.Gate
	if g == nil || g.Provider == nil {
		return nil, errNotFound
	}
	next, err := g.FromProvider(a.w, a.Request)
	if err != nil {
		return a.signInAgain(err)
	}
	return redirect{to: here(next, "/")}, nil
}

func demoSignIn(a *ask) (answer, error) {
	g := a.site.Gate
	if g == nil || !g.IsDemo() {
		return nil, errNotFound
	}
	if err := g.DemoSignIn(a.w, a.Request, a.PostFormValue("email")); err != nil {
		return a.signInAgain(err)
	}
	return redirect{to: here(a.PostFormValue("next"), "/")}, nil
}

func signOut(a *ask) (answer, error) {
	if a.site.Gate == nil {
		return nil, errNoGate
	}
	if err := a.site.Gate.SignOut(a.w, a.Request); err != nil {
		return nil, err
	}
	return redirect{to: "/sign-in"}, nil
}

// setUpForm is what the page of the first set-up shows.
type setUpForm struct{ Why, Code, Email, Name string }

func setUpPage(a *ask) (answer, error) {
	if a.site.Gate == nil {
		return nil, errNoGate
	}
	if is, err := a.site.Gate.IsSetUp(a.Context()); err != nil {
		return nil, err
	} else if is {
		return redirect{to: "/sign-in"}, nil
	}
	return page{title: "Set Baton up", body: setUpBody(setUpForm{Code: a.FormValue("code")})}, nil
}

func setUp(a *ask) (answer, error) {
	if a.site.Gate == nil {
		return nil, errNoGate
	}
	f := setUpForm{Code: a.PostFormValue("code"), Email: a.PostFormValue("email"), Name: a.PostFormValue("name")}
	if err := a.site.Gate.SetUp(a.w, a.Request, f.Code, f.Email, f.Name, a.PostFormValue("password")); err != nil {
		return again(err, func(why string) page {
			f.Why = why
			return page{title: "Set Baton up", body: setUpBody(f)}
		})
	}
	return redirect{to: "/settings/people"}, nil
}

// resetForm is what the page to ask for a new password shows.
type resetForm struct {
	Why, Email string
	Mail, Sent bool
}

func resetPage(a *ask) (answer, error) {
	if a.site.Gate == nil {
		return nil, errNoGate
	}
	return page{title: "Set a new password", body: resetBody(resetForm{Mail: a.site.Gate.Mail != nil, Email: a.FormValue("email")})}, nil
}

func askReset(a *ask) (answer, error) {
	if a.site.Gate == nil {
		return nil, errNoGate
	}
	f := resetForm{Mail: true, Email: a.PostFormValue("email")}
	if err := a.site.Gate.AskReset(a.Request, f.Email); err != nil {
		return again(err, func(why string) page {
			f.Why = why
			return page{title: "Set a new password", body: resetBody(f)}
		})
	}
	f.Sent = true
	return page{title: "Look into your mail", body: resetBody(f)}, nil
}

// linkForm is what the page of an invitation or a reset shows.
type linkForm struct {
	access.Linked
	Why, Action string
}

func (f linkForm) title() string {
	if f.Kind == "invitation" {
		return "Join Baton"
	}
	return "Set a new password"
}

func (f linkForm) page() page { return page{title: f.title(), body: linkBody(f)} }

// overPage is what becomes of a link that does not work: it is over, or there were too many tries and it may work in a moment.
func overPage(err error, why string) page {
	title := "This link is over"
	if r := (*access.Refusal)(nil); errors.As(err, &r) && r.Wait > 0 {
		title = "Wait a moment"
	}
	return page{title: title, body: overBody(title, why)}
}

func linkPage(a *ask) (answer, error) {
	if a.site.Gate == nil {
		return nil, errNoGate
	}
	l, err := a.site.Gate.Link(a.Request, a.PathValue("token"))
	if err != nil {
		out, err := again(err, func(why string) page { return overPage(err, why) })
		if s, ok := out.(shown); ok && s.wait == 0 {
			s.status = http.StatusNotFound
			out = s
		}
		return out, err
	}
	return linkForm{Linked: l, Action: a.URL.Path}.page(), nil
}

func useLink(a *ask) (answer, error) {
	g := a.site.Gate
	if g == nil {
		return nil, errNoGate
	}
	token := a.PathValue("token")
	in, err := g.UseLink(a.w, a.Request, token, a.PostFormValue("name"), a.PostFormValue("password"))
	if err == nil && in {
		return redirect{to: "/"}, nil
	} else if err == nil {
		return redirect{to: "/sign-in"}, nil
	}
	return again(err, func(why string) page {
		l, err := g.Link(a.Request, token)
		if err != nil {
			return overPage(err, why)
		}
		if name := a.PostFormValue("name"); name != "" {
			l.Name = name
		}
		return linkForm{Linked: l, Action: a.URL.Path, Why: why}.page()
	})
}
