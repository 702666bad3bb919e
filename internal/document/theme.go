package document

import "strings"

// Theme says where a diagram gets its colours.
type Theme uint8

// The themes.
const (
	Light Theme = iota // fixed colours on white
	Dark               // fixed colours on near black
	Auto               // follows the reader's preference; for a file of its own
	Page               // the tokens of the page it stands in; no style of its own, as a strict content security policy wants
)

// tokens are the colours of the house in light and dark.
var tokens = [...]struct{ name, light, dark string }{
	{"card", "#ffffff", "#16181c"},
	{"foreground", "#161b23", "#ebedf0"},
	{"muted-foreground", "#595e67", "#9ea3ac"},
	{"muted", "#f1f2f5", "#1f2227"},
	{"input", "#d1d4da", "#3f424a"},
	{"axis", "#bbbec3", "#4a4d54"},
	{"q4", "#657592", "#8b99b2"},
	{"mkt", "#853692", "#e1a5ea"},
	{"mkt-line", "#bc70c8", "#c079cb"},
	{"mkt-soft", "#f8effa", "#311f33"},
	{"sal", "#006375", "#7cd0e1"},
	{"sal-line", "#1b8fa5", "#3ea1b5"},
	{"sal-soft", "#e4f5f9", "#132a2f"},
	{"kept", "#196c40", "#7ed49d"},
	{"kept-line", "#349d62", "#4ca871"},
	{"kept-soft", "#e8f9ed", "#17291d"},
}

// paint is a colour as a presentation attribute takes it.
func (t Theme) paint(name string) string {
	for _, c := range tokens {
		if c.name == name {
			switch t {
			case Light:
				return c.light
			case Dark:
				return c.dark
			}
			return "var(--" + name + "," + c.light + ")"
		}
	}
	panic("document: no colour " + name)
}

// style is the style sheet of an Auto diagram.
func (t Theme) style() string {
	if t != Auto {
		return ""
	}
	var light, dark strings.Builder
	for _, c := range tokens {
		light.WriteString("--" + c.name + ":" + c.light + ";")
		dark.WriteString("--" + c.name + ":" + c.dark + ";")
	}
	return "<style>.baton-stages{" + light.String() + "}@media(prefers-color-scheme:dark){.baton-stages{" + dark.String() + "}}</style>"
}
