package web

import (
	"cmp"
	"net/url"

	"github.com/a-h/templ"
)

// typedField is a field of a form that somebody types into.
type typedField struct {
	Label, Name, Value, Hint string
	Kind                     string // of the input; "" for text
	Complete                 string // what a browser may fill in
	Required, Focus, Mono    bool
	Least                    int // characters; 0 for any number
}

func (f typedField) kind() string { return cmp.Or(f.Kind, "text") }

func (f typedField) attributes() templ.Attributes {
	a := templ.Attributes{"required": f.Required, "autofocus": f.Focus}
	if f.Least > 0 {
		a["minlength"] = f.Least
	}
	if f.Kind == "email" || f.Mono {
		a["autocapitalize"], a["spellcheck"] = "none", "false"
	}
	return a
}

// withNext is an address that leads on to another afterwards.
func withNext(path, next string) templ.SafeURL {
	if next == "" || next == "/" {
		return templ.SafeURL(path)
	}
	return templ.SafeURL(path + "?next=" + url.QueryEscape(next))
}
