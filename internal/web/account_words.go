package web

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

func passwordHint(p accountPage) string {
	if p.Password {
		return "Another one signs you out everywhere else"
	}
	return "You sign in at another service, and need none here"
}

func secondHint(p accountPage) string {
	if p.Second {
		return "On"
	}
	return "Off"
}

// leftWords says how many recovery codes there are.
func leftWords(n int) string {
	switch n {
	case 0:
		return "You have no recovery codes left. Make new ones, so that you can sign in when the phone is gone."
	case 1:
		return "You have one recovery code left. Make new ones."
	}
	return "You have " + strconv.Itoa(n) + " recovery codes left, each good once."
}

func sessionWords(s sessionRow) string {
	list := []string{"by " + s.How, "since " + s.Since, "last used " + s.Used}
	if s.Address != "" {
		list = append(list, s.Address)
	}
	return strings.Join(list, " · ")
}

func personURL(p *personRow, act string) templ.SafeURL {
	return templ.SafeURL("/settings/people/" + strconv.FormatInt(p.ID, 10) + "/" + act)
}

func (p *personRow) deactivated() bool { return strings.HasPrefix(p.State, "deactivated") }

func keysWords(keys string) string {
	if keys == "off" {
		return "Keys of one character are off. Enter, the arrows, Escape and Ctrl K go on working."
	}
	return "Keys of one character do what the buttons do: A accepts, R rejects. ? lists those of a page. Switch them off if you speak to your computer, or press them by mistake."
}
