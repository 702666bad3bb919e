package lifecycle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/identity"
)

// Company is an account that an arrival may be about, with its name as people write it.
type Company struct {
	Account  *Account
	Name     string
	Formerly string // the name key it had before it took its domain, "" for none
}

// HasDomain reports whether the account is known by its domain.
func (c *Company) HasDomain() bool { return !strings.HasPrefix(c.Account.Key, "name:") }

// Company returns the name of the company as an arrival writes it, "" for none: what is a domain is no name.
func (a *Arrival) Company() string {
	if _, err := identity.NormalizeDomain(a.AccountName); a.AccountName == "" || err == nil {
		return ""
	}
	return a.AccountName
}

// InAccount is what puts a lead into an account by hand: that of a domain, or of a company by its name.
func InAccount(company string) Arrival {
	key, ok := identity.AccountKey(company)
	if !ok {
		key = identity.CompanyKey(company)
	}
	return Arrival{Input: Input{Kind: JoinAccount}, Account: key, AccountName: company}
}

// Stays reports whether an arrival that does not name an account by its domain, or by one that no account has, speaks of
// the lead's own account: it says its name again, or its address has a domain such as its company would
// take.
func Stays(a *Arrival, own *Company) bool {
	if own == nil || a.Account == "" {
		return false
	}
	domain, name := "", a.Company()
	if !strings.HasPrefix(a.Account, "name:") {
		domain = a.Account
	}
	switch {
	case domain != "" && own.HasDomain():
		return false
	case name == "":
		return domain != "" && identity.Resembles(domain, own.Account.Key)
	}
	return identity.Likeness(name, cmp.Or(own.Name, own.Account.Key)) >= identity.Alike || own.HasDomain() && identity.Resembles(own.Account.Key, name)
}

// Called returns what an account is called after an arrival: the first name it is given, as people write it; until then its
// domain, if that is all that was said.
func Called(name string, a *Arrival) string {
	if have := (&Arrival{AccountName: name}).Company(); have == "" && (name == "" || a.Company() != "") {
		return cmp.Or(a.AccountName, name)
	}
	return name
}

// CompanyDomain is the attribute that holds the domain of an account, if an agreement declares it.
const CompanyDomain = "company.domain"

// TellDomain has an input that brings a lead into an account say the domain by which the account is known, if the agreement assigns
// by accounts and nobody has said another. key is that of the account.
func TellDomain(plan *agreement.Plan, in *Input, key string) {
	slot, ok := plan.Index.Attribute[CompanyDomain]
	if !ok || plan.Attributes[slot].Kind != agreement.Text || in.Kind != Identify || key == "" || strings.HasPrefix(key, "name:") ||
		!slices.ContainsFunc(plan.Assignment, func(r agreement.AssignmentRule) bool { return r.ToNamed }) {
		return
	}
	i, found := slices.BinarySearchFunc(in.Values, CompanyDomain, func(v Named, name string) int { return strings.Compare(v.Name, name) })
	if found {
		return
	}
	in.Values = slices.Insert(slices.Clone(in.Values), i, Named{CompanyDomain, agreement.TextValue(key)})
	in.Keep = append(slices.Clone(in.Keep), CompanyDomain)
}

// NeedsCompanies reports whether the account of an arrival has to be found among those with a name like its own:
// exact is whether an account has its very key. The block is identity.NameBlock of the name, "" for not.
func NeedsCompanies(a *Arrival, exact bool) string {
	if exact || a.Input.Kind != Identify && a.Input.Kind != JoinAccount {
		return ""
	}
	return identity.NameBlock(a.Company())
}

// MostCompanies is how many accounts of a block a name is compared with: the oldest. Names that so many
// begin with say little.
const MostCompanies = 200

// SameCompany finds the account that an arrival is about when none has its key and Stays is false, and says why it is that one: nil for a
// new one. others are those with a name of the same block, in the order of their IDs, which is how old
// they are.
//
//   - A name that an account was known by before it took its domain still finds it.
//   - Names that are alike are those of one company if something else agrees too. The account on which
//     most agrees is taken, and of these the oldest.
//   - Two domains are never one company, and neither are two countries.
func SameCompany(plan *agreement.Plan, a *Arrival, others []Company) (found *Account, why string) {
	domain := ""
	if !strings.HasPrefix(a.Account, "name:") {
		domain = a.Account
	}
	name := a.Company()
	if name == "" {
		return nil, ""
	}
	key := identity.CompanyKey(name)
	var best *Company
	var shared []string
	for i := range min(MostCompanies, len(others)) {
		c := &others[i]
		if domain != "" && c.HasDomain() {
			continue
		}
		agree, ok := agreeing(plan, a.Input.Values, c)
		if !ok {
			continue
		}
		if c.Account.Key == key || c.Formerly == key {
			return c.Account, fmt.Sprintf("%s is the company that is known by %s", name, cmp.Or(strings.TrimPrefix(c.Account.Key, "name:"), c.Name))
		}
		if len(agree) > len(shared) && identity.Likeness(name, c.Name) >= identity.Alike {
			best, shared = c, agree
		}
	}
	if best == nil {
		return nil, ""
	}
	return best.Account, fmt.Sprintf("%s is written much like %s, and they have the same %s", name, best.Name, strings.Join(shared, " and "))
}

// agreeing returns what else an arrival and an account agree on: country, city, postcode, website, telephone exchange; false if they
// are of two countries.
func agreeing(plan *agreement.Plan, values []Named, c *Company) (same []string, ok bool) {
	country := ""
	for i := range values {
		v := &values[i]
		field, ok := strings.CutPrefix(v.Name, "company.")
		if !ok {
			continue
		}
		if field == "country" {
			country = v.Value.String()
		}
		slot, ok := plan.Index.Attribute[v.Name]
		if !ok {
			continue
		}
		have := valueAt(c.Account.Attributes, slot)
		if !have.Known() {
			if c.HasDomain() && websites[field] && webDomain(v.Value.String()) == c.Account.Key {
				same = append(same, field)
			}
			continue
		}
		mine, theirs := v.Value.String(), have.String()
		switch field {
		case "country":
			if identity.FoldName(mine) != identity.FoldName(theirs) {
				return nil, false
			}
			same = append(same, field)
		case "city", "postcode", "postal_code", "zip":
			if folded := identity.FoldName(mine); folded != "" && folded == identity.FoldName(theirs) {
				same = append(same, field)
			}
		case "website", "domain", "url":
			if d := webDomain(mine); d != "" && d == webDomain(theirs) {
				same = append(same, field)
			}
		case "phone":
			if e := exchange(mine, country); e != "" && e == exchange(theirs, country) {
				same = append(same, field)
			}
		}
	}
	return same, true
}

var websites = map[string]bool{"website": true, "domain": true, "url": true}

// webDomain returns the domain that one can register of a web address, "" for none.
func webDomain(s string) string {
	if _, after, ok := strings.Cut(s, "://"); ok {
		s = after
	}
	if i := strings.IndexAny(s, "/?#:"); i >= 0 {
		s = s[:i]
	}
	key, _ := identity.AccountKey(s)
	return key
}

// exchange returns a phone number without its last three digits: those of a company's extensions.
func exchange(s, region string) string {
	k, err := identity.NormalizePhone(s, region)
	if err != nil {
		return ""
	}
	return k.Value[:len(k.Value)-3]
}
