package web

import (
	"net/http"
	"strconv"
	"strings"

	"baton/internal/access"
	"baton/internal/store"
)

// accountPage is what somebody sees of themselves.
type accountPage struct {
	Viewer    *Viewer
	Why       map[string]string // what is not right, by form
	Password  bool              // they have one
	Provider  bool              // they sign in at one
	Second    bool              // the second factor is on
	Left      int               // recovery codes
	CanSecond bool              // it can be switched on
	Sessions  []sessionRow
	// What they wish in this browser, see ask.theme and ask.keys.
	Theme, Keys string
}

// sessionRow is a browser that is signed in.
type sessionRow struct {
	ID                    int64
	Browser, How, Address string
	Since, Used           string
	Here                  bool
}

func showAccount(a *ask) (answer, error) { return a.account(nil) }

func (a *ask) account(why map[string]string) (answer, error) {
	g := a.site.Gate
	if g == nil {
		return nil, errNotFound
	}
	u, err := a.site.Store.UserByID(a.Context(), a.viewer.ID)
	if err != nil {
		return nil, err
	}
	sessions, err := g.Sessions(a.Context(), a.viewer.ID)
	if err != nil {
		return nil, err
	}
	p := accountPage{Theme: a.theme(), Keys: a.keys(), Viewer: a.viewer, Why: why, Password: u.Password != "", Provider: u.Subject != "", Second: u.TOTP != "", Left: len(strings.Fields(u.Recovery)), CanSecond: g.Seal != nil}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, a.sessionRow(&s))
	}
	body := page{title: "Your account", body: accountBody(p)}
	if len(why) > 0 {
		return shown{page: body, status: http.StatusUnprocessableEntity}, nil
	}
	return body, nil
}

func (a *ask) sessionRow(s *store.Session) sessionRow {
	return sessionRow{ID: s.ID, Browser: browserWords(s.Agent), How: howWords(s.How), Address: s.Address, Since: a.clockTime(s.CreatedAt), Used: a.clockTime(s.UsedAt), Here: s.ID == a.viewer.Session}
}

// howWords says how somebody signed in.
func howWords(how string) string {
	switch how {
	case "totp":
		return "password and code"
	case "recovery":
		return "password and recovery code"
	case "link":
		return "a link"
	case "demo":
		return "a click"
	}
	return how
}

// browserWords names a browser and its system, as far as they say; it is for people to know theirs again.
func browserWords(agent string) string {
	find := func(list [][2]string, otherwise string) string {
		for _, one := range list {
			if strings.Contains(agent, one[0]) {
				return one[1]
			}
		}
		return otherwise
	}
	name := find([][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox", "Firefox"}, {"Chrome", "Chrome"}, {"Chromium", "Chromium"}, {"Safari", "Safari"}, {"curl", "curl"}}, "Another program")
	system := find([][2]string{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}}, "")
	if system == "" {
		return name
	}
	return name + " on " + system
}

// accountAgain shows the account again with what is not right about a form.
func (a *ask) accountAgain(form string, err error) (answer, error) {
	var failed error
	var out answer
	_, err = again(err, func(why string) page {
		out, failed = a.account(map[string]string{form: why})
		return page{}
	})
	if err == nil {
		err = failed
	}
	return out, err
}

func done(text string) redirect {
	return redirect{to: "/account", said: &flash{Text: text}}
}

func rename(a *ask) (answer, error) {
	if err := a.site.Gate.Rename(a.Request, a.viewer, a.PostFormValue("name")); err != nil {
		return a.accountAgain("name", err)
	}
	return done("Your name is changed."), nil
}

func changePassword(a *ask) (answer, error) {
	if err := a.site.Gate.ChangePassword(a.w, a.Request, a.viewer, a.PostFormValue("old"), a.PostFormValue("password")); err != nil {
		return a.accountAgain("password", err)
	}
	return done("Your password is changed. You are signed out everywhere else."), nil
}

// enrolPage is what sets a second factor up.
type enrolPage struct {
	*access.Enrolment
	Why  string
	Size int    // of the code, in squares
	Path string // of its dark squares
}

func enrol(e *access.Enrolment, why string) (page, error) {
	rows, err := e.QR()
	if err != nil {
		return page{}, err
	}
	const quiet = 4 // squares around, as the standard asks for
	p := enrolPage{Enrolment: e, Why: why, Size: len(rows) + 2*quiet}
	var b strings.Builder
	for y, row := range rows {
		for x := 0; x < len(row); x++ {
			begin := x
			for x < len(row) && row[x] {
				x++
			}
			if x > begin {
				n := strconv.Itoa(x - begin)
				b.WriteString("M" + strconv.Itoa(begin+quiet) + " " + strconv.Itoa(y+quiet) + "h" + n + "v1h-" + n + "z")
			}
		}
	}
	p.Path = b.String()
	return page{title: "A second factor", body: enrolBody(p)}, nil
}

func beginSecond(a *ask) (answer, error) {
	e, err := a.site.Gate.Enrol(a.viewer)
	if err != nil {
		return nil, err
	}
	return enrol(e, "")
}

func switchSecondOn(a *ask) (answer, error) {
	token := a.PostFormValue("token")
	codes, err := a.site.Gate.SwitchOn(a.w, a.Request, a.viewer, token, a.PostFormValue("code"))
	if err == nil {
		return page{title: "Recovery codes", body: recoveryBody(codes, true)}, nil
	}
	e, over := a.site.Gate.Again(a.viewer, token)
	if over != nil {
		return a.accountAgain("second", over)
	}
	var failed error
	out, err := again(err, func(why string) page {
		p, err := enrol(e, why)
		failed = err
		return p
	})
	if failed != nil {
		return nil, failed
	}
	return out, err
}

func switchSecondOff(a *ask) (answer, error) {
	if err := a.site.Gate.SwitchOff(a.w, a.Request, a.viewer, a.PostFormValue("password")); err != nil {
		return a.accountAgain("second", err)
	}
	return done("The second factor is off."), nil
}

func newRecovery(a *ask) (answer, error) {
	codes, err := a.site.Gate.Recovery(a.Request, a.viewer, a.PostFormValue("password"))
	if err != nil {
		return a.accountAgain("second", err)
	}
	return page{title: "Recovery codes", body: recoveryBody(codes, false)}, nil
}

func endSession(a *ask) (answer, error) {
	id, err := strconv.ParseInt(a.PathValue("session"), 10, 64)
	if err != nil {
		return nil, errNotFound
	}
	if err := a.site.Gate.EndSession(a.Request, a.viewer, 0, id); err != nil {
		return a.accountAgain("sessions", access.Refused(err))
	}
	return done("That browser is signed out."), nil
}

func endOthers(a *ask) (answer, error) {
	if err := a.site.Gate.EndOthers(a.Request, a.viewer); err != nil {
		return nil, err
	}
	return done("You are signed out everywhere else."), nil
}
