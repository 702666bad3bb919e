package document

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"baton/internal/agreement"
)

// acronyms of the field are written in capitals wherever a name has them.
var acronyms = map[string]string{
	"mql": "MQL", "sal": "SAL", "sql": "SQL", "sqo": "SQO", "pql": "PQL", "tal": "TAL", "tql": "TQL", "sgl": "SGL", "aql": "AQL", "mel": "MEL",
	"hql": "HQL", "sdr": "SDR", "bdr": "BDR", "ae": "AE", "abm": "ABM", "icp": "ICP", "crm": "CRM", "roi": "ROI", "rfp": "RFP", "poc": "POC",
	"emea": "EMEA", "apac": "APAC", "dach": "DACH", "uk": "UK", "eu": "EU", "nda": "NDA", "url": "URL", "id": "ID", "b2b": "B2B", "smb": "SMB",
	"vp": "VP", "cmo": "CMO", "ceo": "CEO", "cfo": "CFO", "cto": "CTO", "hr": "HR", "it": "IT", "seo": "SEO", "api": "API", "pdf": "PDF", "sms": "SMS",
}

// phrase writes a name of the agreement as words within a sentence:
// "demo_requested" is "demo requested", "mql" is "MQL".
func phrase(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || unicode.IsSpace(r) })
	for i, w := range words {
		// "it" within a longer name is the pronoun more often than the trade.
		if a, ok := acronyms[strings.ToLower(w)]; ok && (len(words) == 1 || a != "IT") {
			words[i] = a
		}
	}
	return strings.Join(words, " ")
}

// Title writes a name of the agreement as the name of a thing: "mql" is "MQL", "demo_requested" is "Demo requested".
func Title(name string) string { return title(name) }

func title(name string) string { return capital(phrase(name)) }

// capital makes the first letter of s a capital one.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToTitle(r)) + s[n:]
}

// sentence ends s with a full stop unless it ends in a mark already.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?:") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}

// join lists items: "a", "a and b", "a, b and c".
func join(items []string, last string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	return strings.Join(items[:len(items)-1], ", ") + " " + last + " " + items[len(items)-1]
}

// count writes "1 rule", "3 rules", "2 entries" for a noun whose plural is regular.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// times writes "once", "twice", "3 times".
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

// span writes a wall duration in microseconds: "30 days", "36 hours". Whole
// weeks are said as days, which is how agreements write them.
func span(micros int64) string {
	units := []struct {
		size int64
		noun string
	}{{86_400_000_000, "day"}, {3_600_000_000, "hour"}, {60_000_000, "minute"}, {1_000_000, "second"}}
	for _, u := range units {
		if micros%u.size == 0 && micros != 0 {
			return count(int(micros/u.size), u.noun)
		}
	}
	return strconv.FormatFloat(float64(micros)/1e6, 'f', -1, 64) + " seconds"
}

// per writes the period of a cap: "a day", "30 days".
func per(micros int64) string {
	s := span(micros)
	if rest, ok := strings.CutPrefix(s, "1 "); ok {
		if rest == "hour" {
			return "an hour"
		}
		return "a " + rest
	}
	return s
}

// points writes points with a sign and a true minus: "+25", "−50", "+0.5".
func points(p int64) string {
	s := number(math.Abs(float64(p)) / agreement.Point)
	switch {
	case p < 0:
		return "−" + s
	case p == 0:
		return s
	}
	return "+" + s
}

// plain writes points without a plus.
func plain(p int64) string { return strings.TrimPrefix(points(p), "+") }

// number writes a number with commas between thousands: "1,200,000", "0.25".
func number(n float64) string {
	s := strconv.FormatFloat(math.Abs(n), 'f', -1, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	if n < 0 {
		b.WriteString("−")
	}
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return b.String()
}

// day writes the date of an instant in the agreement's zone: "31 March 2027".
// by is the end of that day, so the last microsecond before it counts.
func day(p *agreement.Plan, by int64) string {
	zone := time.UTC
	if p.Calendar != nil {
		zone = p.Calendar.Zone()
	}
	return time.UnixMicro(by - 1).In(zone).Format("2 January 2006")
}

// worth says how telling an activity or an asset is.
func worth(w agreement.Worth) string {
	if int(w) > 3 {
		return fmt.Sprint(w)
	}
	return [...]string{"not said", "low", "medium", "high"}[w]
}

// quoted puts a name in quotation marks.
func quoted(s string) string { return "“" + s + "”" }
