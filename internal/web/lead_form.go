package web

import (
	"strconv"

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
	list := []field{{"who", r.Name}, {"seen", strconv.FormatInt(r.Seen, 10)}, {"back", "/leads"}}
	if act == "accept" && r.Phone != "" {
		list = append(list, field{"open", "tel:" + r.Phone})
	}
	return list
}

func menuSize(large bool) (class, size string) {
	if large {
		return "max-md:h-11 md:h-9", ""
	}
	return "max-md:h-10", "sm"
}

func rejectMenu(r *leadRow, large bool) reasonMenuOf {
	m := reasonMenuOf{Act: "reject", Action: string(actURL(r.ID, "reject")), Label: "Reject", Title: "Why not " + r.Name + "?", Key: "R", Field: "reason", Show: large, Delay: true, Hidden: r.hidden("reject"), Reasons: r.Reject}
	m.Class, m.Size = menuSize(large)
	if large {
		m.Label = "Reject with a reason"
	}
	return m
}

func backMenu(r *leadRow, large bool) reasonMenuOf {
	m := reasonMenuOf{Act: "hand-back", Action: string(actURL(r.ID, "hand-back")), Label: "Hand back", Title: "Why hand " + r.Name + " back?", Key: "H", Field: "reason", Show: large, Delay: true, Hidden: r.hidden("hand-back"), Reasons: r.Back}
	m.Class, m.Size = menuSize(large)
	return m
}

func contactMenu(r *leadRow, large bool) reasonMenuOf {
	m := reasonMenuOf{Act: "contact", Action: string(actURL(r.ID, "contact")), Label: "Log", Title: "How did it go with " + r.Name + "?", Key: "L", Field: "outcome", Show: large, Hidden: r.hidden("contact")}
	m.Class, m.Size = menuSize(large)
	if large {
		m.Label, m.Main = "Log a contact", true
	}
	for _, o := range outcomes {
		m.Reasons = append(m.Reasons, reason{Name: o.name, Words: capital(o.words)})
	}
	return m
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
	}
	return "Do this next · " + what
}

// accountURL is the address of an account.
func accountURL(id int64) templ.SafeURL {
	return templ.SafeURL("/accounts/" + strconv.FormatInt(id, 10))
}
