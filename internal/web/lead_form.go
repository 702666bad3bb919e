package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// leadURL is the address of a lead.
func leadURL(id int64) templ.SafeURL {
	return templ.SafeURL("/leads/" + strconv.FormatInt(id, 10))
}

// actURL is where the form of an act is sent.
func actURL(id int64, act string) templ.SafeURL { return leadURL(id) + templ.SafeURL("/"+act) }

// hidden are the fields that every form about a lead has: whom it is about in words, and how much had happened when it was
// made, which tells a form that is sent twice.
func (r *leadRow) hidden(act string) []field {
	list := []field{{"who", r.Name}, {"seen", strconv.FormatInt(r.Seen, 10)}, {"back", r.From}}
	if act == "accept" && r.Phone != "" {
		list = append(list, field{"open", "tel:" + r.Phone})
	}
	return list
}

// moreOf are the acts among "More to do" that somebody fills something in for.
func (p *leadPage) moreOf() (acts []string) {
	if !p.Works {
		return nil
	}
	acts = []string{"assign", "merge"}
	if p.Winnable {
		acts = append(acts, "win", "lose")
	}
	if p.Offered {
		acts = append(acts, "contact")
	}
	return acts
}

// standing are the acts whose forms stand open on the page when they were refused.
func (p *leadPage) standing() []string {
	if p.Works {
		return append(p.moreOf(), "answer")
	}
	return nil
}

// ofAny reports whether it tells that one of some acts with a lead was refused.
func (f *flash) ofAny(lead int64, acts []string) bool {
	return f != nil && f.of(lead, f.Act) && slices.Contains(acts, f.Act)
}

// telling has a menu of reasons to give a lead back ask what let it through, and when it comes back.
func (r *leadRow) telling(m reasonMenuOf) reasonMenuOf {
	m.Clauses, m.From = r.LetIn, r.Tomorrow
	if !slices.ContainsFunc(m.Reasons, func(r reason) bool { return r.Returns }) {
		m.From = ""
	}
	return m
}

func menuSize(large bool) (class, size string) {
	if large {
		return "max-md:h-11 md:h-9", ""
	}
	return "max-md:h-10", "sm"
}

func rejectMenu(r *leadRow, large bool) reasonMenuOf {
	m := reasonMenuOf{Lead: r.ID, Act: "reject", Action: string(actURL(r.ID, "reject")), Label: "Reject", Title: "Why not " + r.Name + "?", Key: "R", Field: "reason", Show: large, Delay: true, Hidden: r.hidden("reject"), Reasons: r.Reject}
	m.Class, m.Size = menuSize(large)
	if large {
		m.Label = "Reject with a reason"
	}
	return r.telling(m)
}

func backMenu(r *leadRow, large bool) reasonMenuOf {
	m := reasonMenuOf{Lead: r.ID, Act: "hand-back", Action: string(actURL(r.ID, "hand-back")), Label: "Hand back", Title: "Why hand " + r.Name + " back?", Key: "H", Field: "reason", Show: large, Delay: true, Hidden: r.hidden("hand-back"), Reasons: r.Back}
	m.Class, m.Size = menuSize(large)
	return r.telling(m)
}

func contactMenu(r *leadRow, large bool) reasonMenuOf {
	m := reasonMenuOf{Lead: r.ID, Act: "contact", Action: string(actURL(r.ID, "contact")), Label: "Log", Title: "How did it go with " + r.Name + "?", Key: "L", Field: "outcome", Show: large, Hidden: r.hidden("contact")}
	m.Class, m.Size = menuSize(large)
	if large {
		m.Label, m.Main = "Log a contact", true
	}
	for _, o := range outcomes {
		m.Reasons = append(m.Reasons, reason{Name: o.name, Words: capital(o.words)})
	}
	return m
}

// severalMenu gives several leads back at once, in the form of the bar, where its fields have names of their own.
func severalMenu(p *myLeadsPage, act string) reasonMenuOf {
	m := reasonMenuOf{Act: act, In: bulkAct, Label: "Reject", Title: "Why? All of this is kept with each of them", Field: "act", Size: "sm", Reasons: p.Several.Reject}
	if act == "hand-back" {
		m.Label, m.Reasons = "Hand back", p.Several.Back
	}
	return p.Several.telling(m)
}

// nextWords says what is to be done next, and by when.
func nextWords(r *leadRow) string {
	what := "speak to them"
	if r.Offered {
		what = "accept"
	}
	switch r.Left.State {
	case "late":
		return "Do this next · " + r.Left.Words + ", " + r.Left.By + "; it still counts"
	case "go", "soon":
		return "Do this next · " + what + " within " + r.Left.Words + ", " + r.Left.By
	case "paused":
		return "Do this next · " + what + "; the clock is paused " + r.Left.By
	}
	return "Do this next · " + what
}

// accountURL is the address of an account.
func accountURL(id int64) templ.SafeURL {
	return templ.SafeURL("/accounts/" + strconv.FormatInt(id, 10))
}

// leadMenu calls a menu otherwise, where there is little room.
func leadMenu(m reasonMenuOf, label string) reasonMenuOf {
	m.Label = label
	return m
}

// primary makes a menu the one filled thing of its page.
func primary(m reasonMenuOf) reasonMenuOf {
	m.Main = true
	return m
}

// turnWords says how much time there is, and for what.
func turnWords(p *leadPage) string {
	switch {
	case p.Left.State == "paused":
		return p.Left.Words + " " + p.Left.By
	case p.Left.State == "late":
		return p.Left.Words
	case p.Offered:
		return p.Left.Words + " left to accept"
	}
	return p.Left.Words + " left"
}

// turnHint says whose turn it is, and by when.
func turnHint(p *leadPage) string {
	if p.Left.State != "paused" {
		return p.Turn + ", " + p.Left.By
	}
	if p.Left.Rest == "" {
		return p.Turn
	}
	return p.Turn + ". Left then: " + p.Left.Rest
}

// pathWords says of a stage to those who do not see the path where it stands on it.
func pathWords(s pathStage) string {
	switch {
	case s.Here:
		return ", now"
	case s.Been:
		return ", done"
	}
	return ", ahead"
}

// anchorOf is where the words of an axis begin, so that none is cut.
func anchorOf(i, of int) string {
	switch i {
	case 0:
		return "start"
	case of - 1:
		return "end"
	}
	return "middle"
}

func lowered(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func dotted(s string) string {
	if s == "" {
		return ""
	}
	return " · " + s
}

// nextLevel says what would raise the readiness.
func nextLevel(list []level) string {
	for _, v := range list {
		if v.Next {
			return cmp.Or(v.Missing, "next: "+lowered(v.Definition))
		}
	}
	return ""
}

// before writes a text, and what stands between it and a text after it, if there are both.
func before(text, after, between string) string {
	if text == "" || after == "" {
		return text
	}
	return text + between
}

// shortFact is the name of a fact without whose it is: "Company employees" is "Employees".
func shortFact(name string) string { return capital(strings.TrimPrefix(name, "Company ")) }
