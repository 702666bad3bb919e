package load

import (
	"fmt"
	"strconv"
)

// Person is somebody whom the database knows, or will: number i is always the same.
type Person struct {
	User, Browser, Email, Name, Title, Seniority, Country, Source string
	Domain, Company, Industry                                     string
	Employees                                                     int
}

// perCompany is how many people of a company there are.
const perCompany = 3

// PersonAt returns number i. Prefix tells those of one run from those of another; "" for those that the
// database was filled with.
func PersonAt(prefix string, i int) Person {
	h := scatter(uint64(i))
	c := i / perCompany
	hc := scatter(uint64(c) + 1<<40)
	id := prefix + strconv.Itoa(i)
	name := firmName(hc)
	return Person{
		User: "u" + id, Browser: browser(prefix, i), Email: "first.last" + id + "@company" + prefix + strconv.Itoa(c) + ".example", Name: "First Last " + id,
		Title:     choose(h, "Head of Operations", "Buyer", "Engineer", "Owner", "Plant Manager", "Purchasing Manager"),
		Seniority: choose(h>>8, "intern", "staff", "staff", "staff", "manager", "manager", "director", "vp"),
		Country:   choose(h>>16, "SE", "NO", "DK", "FI", "DE", "NL", "FR", "US"),
		Source:    choose(h>>24, "paid_search", "organic_search", "social", "event", "referral", "direct"),
		Domain:    "company" + prefix + strconv.Itoa(c) + ".example", Company: name,
		Industry:  choose(hc, "manufacturing", "logistics", "construction", "energy", "retail", "other"),
		Employees: 5 + int(hc>>8%1500),
	}
}

// firmName makes up the name of a company: most of them different, and many with a beginning that they share
// with others, as names of companies do.
func firmName(h uint64) string {
	return choose(h>>8, "Ad", "Al", "Am", "An", "Ar", "Au", "Ba", "Be", "Bel", "Ber", "Bo", "Bra", "Bro", "Ca", "Car", "Cen", "Co", "Cor", "Da", "Del", "Do",
		"Ed", "El", "En", "Eu", "Fa", "Fi", "For", "Fra", "Ga", "Gen", "Gra", "Ha", "Han", "Hel", "Ho", "In", "Ja", "Jo", "Ka", "Kar", "Ko", "La", "Le", "Lin",
		"Lu", "Ma", "Mar", "Me", "Mer", "Mo", "Na", "Ne", "No", "Nor", "Ol", "Pa", "Per", "Pro", "Ra", "Ro", "Ros", "Sa", "San", "Sch", "Se", "Sol", "Sta",
		"Ste", "Sun", "Ta", "Te", "Tra", "Uni", "Va", "Ver", "Vi", "Wa", "Wes", "Wil") +
		choose(h>>16, "ba", "berg", "co", "da", "dor", "fa", "gen", "go", "ka", "lan", "lia", "lund", "ma", "mond", "na", "nex", "no", "pa", "ri", "ro", "sa", "sen", "stad",
			"ta", "tec", "ti", "to", "va", "vik", "zen") +
		choose(h>>24, "", "", "", "ra", "lis", "no", "dex", "sen", "ton", "via", "ko", "mar") + " " +
		choose(h>>32, "Automation", "Bearings", "Bygg", "Energi", "Foods", "Group", "Handel", "Industrier", "Konsult", "Labs", "Logistik", "Maskin", "Motors",
			"Partners", "Plast", "Retail", "Service", "Software", "Steel", "Supply", "Systems", "Teknik", "Trading", "Transport", "Verkstad", "Works") +
		choose(h>>40, "", " AB", " AS", " GmbH", " Ltd", " AB")
}

// browser is the anonymousId of a person, as a library makes them: random, and so in no order.
func browser(prefix string, i int) string {
	a, b := scatter(uint64(i)+1<<50), scatter(uint64(i)+1<<51)
	id := fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a>>32), uint16(a>>16), uint16(a)&0xfff, uint16(b>>48)&0xfff, b&0xffffffffffff)
	if prefix != "" {
		id = id[:24] + prefix + "-" + id[24:]
	}
	return id
}

func choose(h uint64, of ...string) string { return of[h%256*uint64(len(of))/256] }

// scatter makes a number of which every bit depends on every bit (the last step of SplitMix64).
func scatter(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
