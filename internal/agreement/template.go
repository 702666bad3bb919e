package agreement

import (
	"embed"
	"slices"
)

//go:embed templates/*.yaml
var templates embed.FS

// templateNames lists the templates, the one to begin with first.
var templateNames = []string{"waterfall", "classic"}

// Templates returns the names of the agreements that a new one can begin from.
func Templates() []string { return slices.Clone(templateNames) }

// Template returns the source of a template: "waterfall" (MQL, SAL, SQL, opportunity)
// or "classic" (MQL, SQL, SAL). Both check without findings and need no other files.
func Template(name string) ([]byte, bool) {
	if !slices.Contains(templateNames, name) {
		return nil, false
	}
	source, err := templates.ReadFile("templates/" + name + ".yaml")
	return source, err == nil
}
