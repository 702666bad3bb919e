package identity

import (
	"strings"
)

// Alike is the likeness from which on two names may be those of one company, if something else
// agrees as well. At 0.92 a letter too many or two that changed places in a name of ten letters pass
// ("Nordlicht Logistik", "Nordlicht Logistic"), and another word does not ("Acme Sweden", "Acme Norway").
const Alike = 0.92

// Likeness returns how alike the names of two companies are, from 0 to 1: the Jaro-Winkler similarity of the
// names without case, accents, punctuation and legal forms (M. A. Jaro, 1989; W. E. Winkler, "String comparator metrics
// and enhanced decision rules in the Fellegi-Sunter model of record linkage", 1990; prefix of at most four
// letters, scaled by 0.1).
func Likeness(a, b string) float64 {
	return jaroWinkler([]rune(bareName(a)), []rune(bareName(b)))
}

// NameBlock returns the word by which names are looked up to be compared: the first. Names that
// begin with another are not compared at all. It is "" for a name without letters.
func NameBlock(name string) string {
	first, _, _ := strings.Cut(bareName(name), " ")
	return first
}

// Resembles reports whether a domain is what a company of this name would take: "acme-logistics.example" for "Acme
// Logistics AB", or "acme.example", its first word.
func Resembles(domain, name string) bool {
	label, _, ok := strings.Cut(domain, ".")
	bare := bareName(name)
	if !ok || bare == "" {
		return false
	}
	label = strings.ReplaceAll(label, "-", "")
	first, _, _ := strings.Cut(bare, " ")
	return label == strings.ReplaceAll(bare, " ", "") || len(first) >= 4 && label == first
}

func bareName(name string) string {
	return strings.TrimPrefix(CompanyKey(strings.TrimPrefix(name, "name:")), "name:")
}

func jaroWinkler(a, b []rune) float64 {
	jaro := jaro(a, b)
	prefix := 0
	for prefix < min(4, len(a), len(b)) && a[prefix] == b[prefix] {
		prefix++
	}
	return jaro + float64(prefix)*0.1*(1-jaro)
}

func jaro(a, b []rune) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	window := max(0, max(len(a), len(b))/2-1)
	inA, inB := make([]bool, len(a)), make([]bool, len(b))
	matches := 0
	for i := range a {
		for j := max(0, i-window); j < min(len(b), i+window+1); j++ {
			if !inB[j] && a[i] == b[j] {
				inA[i], inB[j] = true, true
				matches++
				break
			}
		}
	}
	if matches == 0 {
		return 0
	}
	swapped, j := 0, 0
	for i := range a {
		if !inA[i] {
			continue
		}
		for !inB[j] {
			j++
		}
		if a[i] != b[j] {
			swapped++
		}
		j++
	}
	m := float64(matches)
	return (m/float64(len(a)) + m/float64(len(b)) + (m-float64(swapped)/2)/m) / 3
}
