package agreement

import (
	"fmt"
	"slices"
	"strings"

	"baton/internal/identity"
)

// referTraits reads which leads belong to a territory, speak a language, ask for a skill.
func (c *compiler) referTraits() {
	for k := range c.plan.Traits {
		for i := range c.plan.Traits[k] {
			t := &c.plan.Traits[k][i]
			t.When = c.condition(field(c.at(traitSections[k], t.Name), "when"), ScopeLead, t.Address)
		}
	}
}

// namedAccounts reads the domains of the accounts that are somebody's by name. An account has one such person.
func (c *compiler) namedAccounts(n *node, p *Person) []string {
	var domains []string
	for _, at := range list(n.get("accounts")) {
		domain, ok := identity.AccountKey(strings.ToLower(strings.TrimSpace(at.value)))
		if !ok {
			c.find(codeAccount, at, p.Address, fmt.Sprintf("%s is not the domain of a company", quote(at.value)), "write a domain such as acme.example")
			continue
		}
		i := slices.IndexFunc(c.plan.People, func(q Person) bool { return slices.Contains(q.Accounts, domain) })
		switch {
		case slices.Contains(domains, domain):
			c.find(codeSameName, at, p.Address, fmt.Sprintf("%s stands in the list twice", quote(at.value)), "")
			continue
		case i >= 0:
			f := c.find(codeAccount, at, p.Address, fmt.Sprintf("the account %s is %s's already", domain, c.plan.People[i].ID), "name it with one person")
			c.related(f, c.of(c.plan.People[i].Address), "here")
			continue
		}
		domains = append(domains, domain)
	}
	slices.Sort(domains)
	return domains
}

// referAbsences reads what becomes of what somebody holds who is away or has left.
func (c *compiler) referAbsences() {
	handling := func(name string) Handling {
		n := c.at("absences", name)
		if n == nil || n.kind != mapping {
			return Handling{}
		}
		h := Handling{Clause: c.declareClause("absences."+name, c.naming(n)), Offered: word(n, "offered") == "reassign", Accepted: word(n, "accepted") == "reassign", Pause: word(n, "clocks") == "pause"}
		if (h.Offered || h.Accepted) && c.at("assignment") == nil {
			c.find(codeNoOwner, c.naming(n), h.Address, "there is no assignment, so nobody else can be found", "add the section assignment")
		}
		return h
	}
	c.plan.Absences = Absences{Away: handling("away"), Left: handling("left")}
}

// referMatch reads what the members of a pool have to have.
func (c *compiler) referMatch(n *node, a *AssignmentRule) {
	at := n.get("match")
	if at == nil {
		return
	}
	if a.Pool < 0 {
		if to := n.get("to"); to != nil && !strings.HasPrefix(word(n, "to"), "pool") {
			c.find(codeTarget, at.name, a.Address, "only of a pool somebody can be matched", "take match out, or assign to a pool")
		}
		return
	}
	for _, item := range list(at) {
		k := slices.Index(traitWords[:], item.value)
		switch kind := TraitKind(k); {
		case k < 0: // said already
		case slices.Contains(a.Match, kind):
			c.find(codeSameName, item, a.Address, fmt.Sprintf("%s stands in the list twice", quote(item.value)), "")
		case len(c.plan.Traits[k]) == 0:
			c.find(codeMatch, item, a.Address, fmt.Sprintf("no lead asks for a %s", item.value), fmt.Sprintf("say which do, under %s, or take it out", traitSections[k]))
		default:
			a.Match = append(a.Match, kind)
		}
	}
}

// judgeMatches looks for what leads may ask for and nobody of the pool has.
func (c *compiler) judgeMatches() {
	p := c.plan
	for i := range p.Assignment {
		a := &p.Assignment[i]
		if a.ToNamed && len(p.People) > 0 && !slices.ContainsFunc(p.People, func(m Person) bool { return len(m.Accounts) > 0 }) {
			c.warn(codeMatch, c.of(a.Address), a.Address, "nobody has accounts of their own by name", "list them under accounts of somebody under people")
		}
		if a.Pool < 0 || !slices.ContainsFunc(p.People, func(m Person) bool { return slices.Contains(m.Pools, a.Pool) }) {
			continue // nobody is there yet
		}
		for _, k := range a.Match {
			for slot := range p.Traits[k] {
				t := &p.Traits[k][slot]
				if !slices.ContainsFunc(p.People, func(m Person) bool { return slices.Contains(m.Pools, a.Pool) && slices.Contains(m.Traits[k], slot) }) {
					f := c.warn(codeMatch, c.of(a.Address), a.Address, fmt.Sprintf("nobody of the pool %s has the %s %s", p.Pools[a.Pool].Name, k, t.Name),
						"add it to somebody of the pool; until then these leads go on to what comes next")
					c.related(f, c.of(t.Address), "here")
				}
			}
		}
	}
}
