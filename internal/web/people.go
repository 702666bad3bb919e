package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"baton/internal/access"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// peoplePage is who may sign in.
type peoplePage struct {
	Why      string
	Link     string // that was just made, shown this once
	For      string // whom it is for
	Mailed   bool
	Email    string // of the invitation that is not right
	Name     string
	Chosen   []string // roles of it
	Active   []personRow
	Inactive []personRow
}

// personRow is a user.
type personRow struct {
	ID          int64
	Email, Name string
	Roles       []Role
	Member      bool     // of the roster
	Works       *teamRow // when they do, of a member who has not left
	State       string
	Second, You bool
	Invited     bool
	Sessions    []sessionRow
}

func showPeople(a *ask) (answer, error) { return a.people(peoplePage{}, http.StatusOK) }

func (a *ask) people(p peoplePage, status int) (answer, error) {
	if a.site.Gate == nil {
		return nil, errNotFound
	}
	users, err := a.site.Store.Users(a.Context())
	if err != nil {
		return nil, err
	}
	sessions, err := a.site.Gate.Sessions(a.Context(), 0)
	if err != nil {
		return nil, err
	}
	for i := range users {
		u := &users[i]
		row := personRow{ID: u.ID, Email: u.Email, Name: u.Name, Second: u.TOTP != "", You: u.ID == a.viewer.ID, Invited: u.Password == "" && u.Subject == ""}
		for _, r := range access.Roles {
			if u.Is(string(r)) {
				row.Roles = append(row.Roles, r)
			}
		}
		if m := a.roster.Member(u.Email); m != nil {
			row.Member = true
			if !m.Inactive {
				works := a.teamRow(m, "")
				row.Works = &works
			}
		}
		switch {
		case !u.Active():
			row.State = "deactivated " + a.dayWords(u.DeactivatedAt)
		case u.SignedInAt != 0:
			row.State = "signed in " + a.dayWords(u.SignedInAt)
		case row.Invited:
			row.State = "invited " + a.dayWords(u.CreatedAt)
		default:
			row.State = "never signed in"
		}
		for j := range sessions {
			if sessions[j].User == u.ID {
				row.Sessions = append(row.Sessions, a.sessionRow(&sessions[j]))
			}
		}
		if u.Active() {
			p.Active = append(p.Active, row)
		} else {
			p.Inactive = append(p.Inactive, row)
		}
	}
	return shown{page: page{title: "People", body: peopleBody(p)}, status: status}, nil
}

// by is who makes a change to users.
func (a *ask) by() access.By { return access.By{Actor: a.viewer.Email, Request: a.Request} }

func invite(a *ask) (answer, error) {
	p := peoplePage{Email: a.PostFormValue("email"), Name: a.PostFormValue("name"), Chosen: a.PostForm["role"]}
	link, mailed, err := a.site.Gate.Invite(a.Context(), a.by(), p.Email, p.Name, p.Chosen)
	if err != nil {
		return a.peopleAgain(p, err)
	}
	return a.people(peoplePage{Link: link, For: p.Email, Mailed: mailed}, http.StatusOK)
}

func (a *ask) peopleAgain(p peoplePage, err error) (answer, error) {
	var failed error
	var out answer
	_, err = again(err, func(why string) page {
		p.Why = why
		out, failed = a.people(p, http.StatusUnprocessableEntity)
		return page{}
	})
	if err == nil {
		err = failed
	}
	return out, err
}

// personActs are what one does with a user, by the last part of the address.
var personActs = map[string]func(a *ask, user int64) (said string, err error){
	"roles": func(a *ask, user int64) (string, error) {
		return "has other roles from now on.", a.site.Gate.GiveRoles(a.Context(), a.by(), user, a.PostForm["role"])
	},
	"deactivate": func(a *ask, user int64) (string, error) {
		if err := a.site.Gate.Deactivate(a.Context(), a.by(), user); err != nil {
			return "", err
		}
		u, err := a.site.Store.UserByID(a.Context(), user)
		if err != nil {
			return "", err
		}
		held, offered, err := a.site.Store.CountHeld(a.Context(), u.Email)
		if err != nil {
			return "", err
		}
		holds := lifecycle.WhenLeft(a.plan, held, offered)
		left, err := a.staff(user, false)
		if left {
			return "cannot sign in any more, is signed out everywhere, and gets no more leads. " + holds, err
		}
		return "cannot sign in any more, and is signed out everywhere.", err
	},
	"reactivate": func(a *ask, user int64) (string, error) {
		if err := a.site.Gate.Reactivate(a.Context(), a.by(), user); err != nil {
			return "", err
		}
		back, err := a.staff(user, true)
		if back {
			return "can sign in again, and is back in the team.", err
		}
		return "can sign in again.", err
	},
	"drop-second": func(a *ask, user int64) (string, error) {
		return "signs in without a second factor from now on.", a.site.Gate.DropSecond(a.Context(), a.by(), user)
	},
	"sign-out": func(a *ask, user int64) (string, error) {
		session, err := strconv.ParseInt(a.PostFormValue("session"), 10, 64)
		if err != nil {
			return "", errNotFound
		}
		return "is signed out there.", access.Refused(a.site.Gate.EndSession(a.Request, a.viewer, user, session))
	},
}

// staff takes a user who is a member out of the team, or back into it.
func (a *ask) staff(user int64, active bool) (bool, error) {
	u, err := a.site.Store.UserByID(a.Context(), user)
	if err != nil {
		return false, err
	}
	return a.site.API.Staff(a.Context(), u.Email, active, a.viewer.Email)
}

func changePerson(a *ask) (answer, error) {
	user, err := strconv.ParseInt(a.PathValue("user"), 10, 64)
	act := personActs[a.PathValue("act")]
	if err != nil || act == nil && a.PathValue("act") != "link" {
		return nil, errNotFound
	}
	u, err := a.site.Store.UserByID(a.Context(), user)
	if err != nil {
		return a.peopleAgain(peoplePage{}, access.Refused(err))
	}
	if act == nil {
		link, err := a.site.Gate.ResetLink(a.Context(), a.by(), user)
		if err != nil {
			return a.peopleAgain(peoplePage{}, err)
		}
		return a.people(peoplePage{Link: link, For: u.Email}, http.StatusOK)
	}
	said, err := act(a, user)
	if err != nil {
		return a.peopleAgain(peoplePage{}, err)
	}
	return redirect{to: "/settings/people", said: &flash{Who: nameOr(u.Name, u.Email), Text: said}}, nil
}

func nameOr(name, email string) string {
	if name == "" {
		return email
	}
	return name
}

func (p *personRow) is(r Role) bool { return slices.Contains(p.Roles, r) }

// line is what is said of a user under the name.
func (p *personRow) line() string {
	list := []string{p.State}
	if p.Name != "" {
		list = []string{p.Email, p.State}
	}
	if p.Member {
		list = append(list, "in the team")
	}
	if p.Second {
		list = append(list, "second factor on")
	}
	return strings.Join(list, " · ")
}

// auditPage is who did what when.
type auditPage struct {
	Filter store.AuditFilter
	Rows   []auditRow
	Next   string
}

// auditRow is one thing somebody did.
type auditRow struct{ At, Who, Did, To, Detail, From string }

// line is the rest of what is known, in one line.
func (r auditRow) line() string {
	list := []string{r.At}
	for _, s := range []string{r.Detail, r.From} {
		if s != "" {
			list = append(list, s)
		}
	}
	return strings.Join(list, " · ")
}

// auditFilter is what of the audit an address asks for.
func (a *ask) auditFilter() store.AuditFilter {
	q := a.URL.Query()
	return store.AuditFilter{Actor: strings.TrimSpace(q.Get("who")), Action: strings.TrimSpace(q.Get("did")), Subject: strings.TrimSpace(q.Get("to")), Before: a.after()}
}

func showAudit(a *ask) (answer, error) {
	f := a.auditFilter()
	const most = 100
	list, err := a.site.Store.Audits(a.Context(), f, most+1)
	if err != nil {
		return nil, err
	}
	p := auditPage{Filter: f}
	if len(list) > most {
		list = list[:most]
		p.Next = a.nextPage(list[most-1].ID)
	}
	for _, l := range list {
		r := auditRow{At: a.clockTime(l.At), Who: l.Actor, Did: l.Action, To: l.Subject, Detail: l.Detail, From: l.Address}
		if r.Who == "" {
			r.Who = "somebody"
		}
		if r.To == r.Who {
			r.To = ""
		}
		p.Rows = append(p.Rows, r)
	}
	return page{title: "Audit", body: auditBody(p)}, nil
}
