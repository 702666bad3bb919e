package api

import (
	"strings"
	"unicode"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// spell returns the name in a list of the agreement that a name from outside means: the name itself if it is
// there, otherwise its usual spelling. A name that the agreement does not have gets that spelling too, so
// that a later agreement which has it finds it in what was kept.
func spell(index map[string]int, name string) string {
	if _, ok := index[name]; ok {
		return name
	}
	return snake(name)
}

// snake spells a name as agreements do: "Demo Requested" and "demoRequested" are demo_requested. Dots stay.
func snake(name string) string {
	if isSnake(name) {
		return name
	}
	var b strings.Builder
	var last rune // 0, or the last rune of name that was written
	runes := []rune(name)
	for i, c := range runes {
		switch {
		case c == '.':
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			last = 0
			continue
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			if last != 0 {
				last = '_'
			}
			continue
		}
		upper := unicode.IsUpper(c)
		next := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if last == '_' || upper && last != 0 && (!unicode.IsUpper(last) || next) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
		last = c
	}
	if b.Len() == 0 {
		return name
	}
	return b.String()
}

func isSnake(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.':
		case c == '_' && i > 0 && i < len(name)-1 && name[i-1] != '_' && name[i-1] != '.' && name[i+1] != '.':
		default:
			return false
		}
	}
	return true
}

// otherNames are what Segment's reserved traits are called in agreements: used where an agreement has the
// second and not the first.
var otherNames = map[string]string{
	"company.employee_count": "company.employees",
	"company.size":           "company.employees",
	"company.website":        "company.domain",
	"company.url":            "company.domain",
	"address.country":        "country",
	"address.city":           "city",
	"job_title":              "title",
	"position":               "title",
}

// attribute returns the attribute that a trait means.
func attribute(plan *agreement.Plan, name string) string {
	name = spell(plan.Index.Attribute, name)
	if _, ok := plan.Index.Attribute[name]; ok {
		return name
	}
	if other, ok := otherNames[name]; ok {
		if _, ok := plan.Index.Attribute[other]; ok {
			return other
		}
	}
	return name
}

// touch returns the source that a campaign's source and medium mean under an agreement, which may have a
// list of sources.
func touch(plan *agreement.Plan, slot int, source, medium string) agreement.Value {
	a := &plan.Attributes[slot]
	for _, word := range [...]string{source, medium, mediums[strings.ToLower(medium)]} {
		if word == "" {
			continue
		}
		for _, w := range [...]string{word, snake(word)} {
			if v, ok := lifecycle.Coerce(plan, a.Kind, a.Choices, agreement.TextValue(w)); ok && v.Known() {
				return v
			}
		}
	}
	if source == "" {
		return agreement.Value{}
	}
	return agreement.TextValue(source) // the decision says why it is not used
}

// mediums are the usual values of utm_medium, and the kind of source each is.
var mediums = map[string]string{
	"cpc": "paid_search", "ppc": "paid_search", "sem": "paid_search", "paid": "paid_search", "paidsearch": "paid_search",
	"organic": "organic_search", "seo": "organic_search",
	"e-mail": "email", "newsletter": "email",
	"social-media": "social", "sm": "social", "paid_social": "social", "paidsocial": "social",
	"link": "referral", "affiliate": "referral", "partner": "referral",
}
