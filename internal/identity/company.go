package identity

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// CompanyKey returns the key of an account of which only the name is known:
// "name:acme" for "ACME, Inc.". Legal forms and a leading "the" are dropped, unless
// nothing would be left; "Group" is part of a name. Two companies of one name share a key; a domain is the better key. A name
// without a letter or digit has none: "".
func CompanyKey(name string) string {
	words := strings.Fields(FoldName(name))
	if len(words) == 0 {
		return ""
	}
	return "name:" + strings.Join(withoutLegalForm(words), " ")
}

// FoldName brings a name into the form that is compared: lower case, without
// accents, dots and apostrophes, with one space for everything else that is no letter
// or digit, and "and" for "&".
func FoldName(name string) string {
	for range 4 { // to a fixed point: folding a rare letter can make another foldable
		next := foldOnce(name)
		if next == name {
			break
		}
		name = next
	}
	return name
}

func foldOnce(name string) string {
	if isFolded(name) {
		return name
	}
	var b strings.Builder
	b.Grow(len(name))
	space := false
	write := func(s string) {
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteString(s)
	}
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case unicode.Is(unicode.Mn, r):
			// An accent, which NFKD has split off. Other scripts need theirs to be
			// readable, but not to be compared.
		case r == '.' || r == '\'' || r == '’' || r == '`' || r == '´' || r == '\u00ad':
			// "S.A." is "sa" and "O'Neill" is "oneill".
		case r == '&' || r == '+':
			space = true
			write("and")
			space = true
		case spelled[r] != "":
			write(spelled[r])
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			write(string(r))
		default:
			space = true
		}
	}
	return b.String()
}

func isFolded(s string) bool {
	space := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			space = false
		case c == ' ' && !space:
			space = true
		default:
			return false
		}
	}
	return !space || s == ""
}

// spelled are the letters that have no accent to drop, as they are written without
// the key on the keyboard.
var spelled = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h", 'ŋ': "n",
}

// legalEndings are the legal forms that follow a name, folded, as words; the
// longest that fits is dropped, and then the next one.
var legalEndings = wordSet(
	// Germany, Austria, Switzerland
	"gmbh and co kg", "gmbh and co kgaa", "ag and co kg", "ag and co kgaa", "se and co kg", "se and co kgaa", "ug and co kg", "and co kg",
	"gmbh", "ggmbh", "mbh", "ag", "kg", "kgaa", "ohg", "ug", "ug haftungsbeschrankt", "haftungsbeschrankt", "eg", "ev", "ek", "gbr", "se", "sce", "partg", "partgmbb", "sarl", "gesmbh",
	// English
	"inc", "incorporated", "corp", "corporation", "co", "company", "llc", "llp", "lp", "lllp", "pllc", "pbc", "ltd", "limited", "ltd co", "co ltd", "plc", "cic", "pty", "pty ltd",
	"pte", "pte ltd", "pvt", "pvt ltd", "private limited", "bhd", "sdn bhd", "l l c", "and co", "and company",
	// French, Italian, Spanish, Portuguese, Romanian
	"sa", "sas", "sasu", "eurl", "snc", "scs", "sca", "spa", "srl", "srls", "sapa", "sl", "slu", "sau", "sll", "scl", "s coop", "sa de cv", "s de rl de cv", "srl de cv", "sapi de cv",
	"ltda", "lda", "eireli", "unipessoal lda", "s a", "s l", "s r l", "s p a", "cia", "et cie", "cie",
	// Netherlands, Belgium
	"bv", "nv", "vof", "bvba", "b v", "n v", "cvba",
	// Nordic
	"ab", "ab publ", "publ", "aktiebolag", "hb", "kb", "as", "asa", "aps", "a s", "oy", "oyj", "ab oy", "oy ab", "ehf", "k s", "ivs",
	// Central and eastern Europe
	"sp z oo", "sp z o o", "spolka z oo", "spolka akcyjna", "sp k", "sp j", "spzoo", "sro", "s r o", "spol sro", "spol s r o", "doo", "d o o", "ead", "ood", "eood", "kft", "zrt", "nyrt", "uab", "sia", "ou", "ooo", "oao", "zao", "pao", "ооо", "оао", "зао", "пао", "ао", "tov", "тов",
	// Turkey, Asia
	"ltd sti", "anonim sirketi", "kk", "k k", "jsc", "ojsc", "pjsc", "psc", "fze", "fzco", "fz llc", "dmcc", "wll", "saog", "tbk", "pcl", "public company limited",
)

// legalBeginnings are those that stand before a name.
var legalBeginnings = wordSet("ab", "oy", "pt", "ooo", "oao", "zao", "pao", "ооо", "оао", "зао", "пао", "ао", "тов", "uab", "sia", "the", "firma", "sc", "sas", "sarl")

// legalAffixes stand at either end of a name that is written without spaces. They
// are folded because Korean comes apart.
var legalAffixes = foldAll("股份有限公司", "有限责任公司", "有限責任公司", "有限公司", "株式会社", "合同会社", "有限会社", "주식회사", "유한회사")

func wordSet(forms ...string) map[string]struct{} {
	set := make(map[string]struct{}, len(forms))
	for _, f := range forms {
		set[f] = struct{}{}
	}
	return set
}

const longestForm = 5 // words in a legal form

func withoutLegalForm(words []string) []string {
	for again := true; again; {
		again = false
		for n := min(longestForm, len(words)-1); n > 0; n-- {
			if _, ok := legalEndings[strings.Join(words[len(words)-n:], " ")]; ok {
				words, again = words[:len(words)-n], true
				break
			}
		}
		if len(words) > 1 && !again {
			if _, ok := legalBeginnings[words[0]]; ok {
				words, again = words[1:], true
			}
		}
		for _, affix := range legalAffixes {
			last := len(words) - 1
			if rest := strings.TrimSuffix(words[last], affix); rest != words[last] && (rest != "" || last > 0) {
				words, again = replaceWord(words, last, rest), true
			} else if rest := strings.TrimPrefix(words[0], affix); rest != words[0] && (rest != "" || last > 0) {
				words, again = replaceWord(words, 0, rest), true
			}
		}
	}
	return words
}

func foldAll(names ...string) []string {
	for i, name := range names {
		names[i] = FoldName(name)
	}
	return names
}

func replaceWord(words []string, i int, by string) []string {
	if by == "" {
		return append(words[:i:i], words[i+1:]...)
	}
	out := append([]string(nil), words...)
	out[i] = by
	return out
}
