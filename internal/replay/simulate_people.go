package replay

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

//go:embed simulate_words.txt
var wordList string

// words holds the sections of the word list.
var words = sync.OnceValue(func() map[string][]string {
	sections := map[string][]string{}
	section := ""
	for line := range strings.Lines(wordList) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		default:
			sections[section] = append(sections[section], strings.Fields(line)...)
		}
	}
	return sections
})

// draw returns a word of a section, "" if there is no such section.
func (c *chance) draw(section string) string {
	list := words()[section]
	if len(list) == 0 {
		return ""
	}
	return c.one(list)
}

// company is an organisation that leads work for.
type company struct {
	name, domain, account string
	country               string
	region, industry      int
	segment               int
	employees, revenue    int64
	owner                 string // the named owner, "" for none
	owned                 bool   // the agreement's world has heard of the owner
	told                  bool   // its attributes have been told
	fit                   int64
	share                 int // how many leads come from it, relative to others
}

// companies makes the accounts. Their domains are of the reserved top level "example".
func (s *simulation) companies() {
	taken := map[string]bool{}
	m := &s.m
	for i := range m.Accounts {
		c := split(m.Seed, streamCompany, uint64(i))
		co := company{
			region:   c.pick(len(m.Regions), func(i int) int { return m.Regions[i].Share }),
			industry: c.pick(len(m.Industries), func(i int) int { return m.Industries[i].Share }),
			segment:  c.pick(len(m.Segments), func(i int) int { return m.Segments[i].Share }),
		}
		in, seg := &m.Industries[co.industry], &m.Segments[co.segment]
		for try := 0; ; try++ {
			first := c.draw("company first") + c.draw("company second")
			if try > 50 { // the lists are used up
				first += strconv.Itoa(i)
			}
			co.domain = strings.ReplaceAll(identity.FoldName(first), " ", "") + ".example"
			if !taken[co.domain] {
				taken[co.domain] = true
				co.name = first + " " + c.draw(in.Words)
				break
			}
		}
		co.account, _ = identity.AccountKey(co.domain)
		co.country = m.Regions[co.region].Country
		low, high := int64(seg.From), int64(seg.To)
		co.employees = low + min(c.exponential((high-low)/3), high-low) // most are near the small end
		co.revenue = (co.employees*c.lognormal(190_000, 600) + 50_000) / 100_000 * 100_000
		co.fit = int64(in.Fit + seg.Fit)
		co.share = int(c.lognormal(100, 1100)) + int(min(co.employees/20, 150))
		if c.hit(m.NamedOwner) {
			if j := c.pick(len(s.team), func(j int) int { return s.team[j].Named }); j >= 0 {
				co.owner = s.team[j].ID
			}
		}
		s.company = append(s.company, co)
	}
}

// prospect is a lead as the model sees them, with what nobody else can see.
type prospect struct {
	c       chance
	i       int
	lead    int64 // in the world, 0 before the first input
	keys    []identity.Key
	brought int64    // the import that what it does now came with, 0 for none
	company *company // nil for none known
	source  int
	title   int
	junk    string // "student" or "competitor", "" for neither
	badData bool

	fit, intent, luck int64
	heat              int64 // 0 to 1000: how much they do now
	sessions          int
	quiet             bool
	noMail            bool
	gone              bool // objected, or at an end for good

	turn     int32 // of what people do with the lead: what was planned under an earlier turn is off
	missed   bool  // the one who was offered it has not seen it
	assigned bool  // the manager has passed it on
	pass     int   // for which the fate was drawn
	depth    int   // stages of sales entered in this pass
	fate     int
	tries    int
	wrong    int
	reached  bool
	asked    int // questions answered in this pass
	again    int
}

// The fates of a lead in sales: where it ends.
const (
	fateEarly = iota
	fateMiddle
	fateLate
	fateWon
)

// meet makes the i-th lead.
func (s *simulation) meet(i int) *prospect {
	m := &s.m
	p := &prospect{c: split(m.Seed, streamLead, uint64(i)), i: i}
	c := &p.c
	p.source = c.pick(len(m.Sources), func(i int) int { return m.Sources[i].Share })
	p.title = c.pick(len(m.Titles), func(i int) int { return m.Titles[i].Share })
	if len(s.company) > 0 {
		j, _ := slices.BinarySearch(s.shares, c.below(s.shares[len(s.shares)-1])+1)
		p.company = &s.company[j]
	}
	src := &m.Sources[p.source]
	p.fit = c.normal()/2 + int64(src.Fit)
	if p.title >= 0 {
		p.fit += int64(m.Titles[p.title].Fit)
	}
	if p.company != nil {
		p.fit += p.company.fit
	}
	p.intent = c.normal() + int64(src.Intent)
	p.luck = c.normal()
	p.badData = c.hit(m.BadData)
	if c.hit(m.Junk) {
		p.junk = [...]string{"student", "student", "competitor"}[c.below(3)]
		p.fit -= 2500
	}
	p.heat = min(max(s.baseHeat(p), 10), 1000)
	return p
}

func (s *simulation) baseHeat(p *prospect) int64 { return s.m.Heat + p.intent*s.m.HeatByIntent/1000 }

// introduce gives the lead a name, an address and attributes, as a form or a list has them.
func (s *simulation) introduce(p *prospect) []lifecycle.Named {
	m, c := &s.m, &p.c
	region := &m.Regions[0]
	if p.company != nil {
		region = &m.Regions[p.company.region]
	} else if j := c.pick(len(m.Regions), func(j int) int { return m.Regions[j].Share }); j >= 0 {
		region = &m.Regions[j]
	}
	private := p.junk == "student" || c.hit(m.FreeMail)
	if private {
		p.company = nil
	}
	var first, last, address string
	for try := 0; ; try++ {
		group := c.one(region.Names)
		first, last = c.draw("first "+group), c.draw("last "+group)
		local := dotted(first) + "." + dotted(last)
		domain := "mailbox.example"
		if p.company != nil {
			domain = p.company.domain
		}
		if try > 3 {
			local += strconv.Itoa(p.i)
		}
		address = local + "@" + domain
		if !s.address[address] {
			s.address[address] = true
			break
		}
	}
	p.keys = []identity.Key{{Kind: identity.Email, Value: address}}
	var v values
	v.text("first_name", first)
	v.text("last_name", last)
	v.text("name", first+" "+last)
	v.text("email", address)
	src := &m.Sources[p.source]
	v.choice("source", src.Name, src.Also)
	v.text("campaign", c.one(src.Campaigns))
	if !c.hit(m.Missing) {
		v.text("phone", fmt.Sprintf("%s 555 %06d", region.Phone, c.below(1_000_000)))
	}
	if !c.hit(m.Missing / 2) {
		v.text("country", region.Country)
	}
	v.boolean("newsletter", c.hit(380))
	switch {
	case p.junk == "student":
		v.text("title", "Student, "+[...]string{"mechanical engineering", "logistics", "business"}[c.below(3)])
		v.choice("seniority", "intern", []string{"student", "staff"})
	case p.title >= 0 && !c.hit(m.Missing*3/4):
		t := &m.Titles[p.title]
		v.text("title", t.Title)
		v.choice("seniority", t.Seniority, nil)
		v.choice("department", t.Department, []string{"other"})
	}
	if p.company != nil {
		if !c.hit(m.Missing) {
			seg := &m.Segments[p.company.segment]
			v.choice("segment", seg.Name, seg.Also)
		}
		v.text("company.name", p.company.name)
		v.text("company.domain", p.company.domain)
		if c.hit(130) {
			v.date("contract_ends", s.morning(s.now+c.between(20, 400)*simDay))
		}
	}
	return v.known(s.plan)
}

// enrich tells what a directory knows of the company.
func (s *simulation) enrich(p *prospect) []lifecycle.Named {
	co, c := p.company, &p.c
	if co == nil || co.told {
		return nil
	}
	co.told = true
	in := &s.m.Industries[co.industry]
	seg := &s.m.Segments[co.segment]
	var v values
	if !c.hit(s.m.Missing / 4) {
		v.choice("company.industry", in.Name, in.Also)
	}
	if !c.hit(s.m.Missing / 4) {
		v.number("company.employees", co.employees)
	}
	if !c.hit(s.m.Missing) {
		v.number("company.revenue", co.revenue)
	}
	v.text("company.country", co.country)
	v.choice("company.segment", seg.Name, seg.Also)
	return v.known(s.plan)
}

// dotted folds a name into the letters of an address.
func dotted(name string) string { return strings.ReplaceAll(identity.FoldName(name), " ", "") }

// values gathers what is told of somebody.
type values []told

type told struct {
	name  string
	value agreement.Value
	also  []string
	word  bool // may be a choice
}

func (v *values) text(name, text string) {
	*v = append(*v, told{name: name, value: agreement.TextValue(text)})
}
func (v *values) choice(name, text string, also []string) {
	*v = append(*v, told{name: name, value: agreement.TextValue(text), also: also, word: true})
}
func (v *values) number(name string, n int64) {
	*v = append(*v, told{name: name, value: agreement.NumberValue(float64(n))})
}
func (v *values) boolean(name string, b bool) {
	*v = append(*v, told{name: name, value: agreement.BooleanValue(b)})
}
func (v *values) date(name string, at int64) {
	*v = append(*v, told{name: name, value: agreement.DateValue(at)})
}

// known returns those values that the agreement has a use for, sorted by name.
func (v values) known(plan *agreement.Plan) []lifecycle.Named {
	out := make([]lifecycle.Named, 0, len(v))
	for i := range v {
		slot, ok := plan.Index.Attribute[v[i].name]
		if !ok {
			continue
		}
		if value, ok := fitting(plan, &plan.Attributes[slot], v[i].value, v[i].also); ok {
			out = append(out, lifecycle.Named{Name: v[i].name, Value: value})
		}
	}
	slices.SortFunc(out, func(a, b lifecycle.Named) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// fitting returns a value as the agreement wants it, by another name of it if need be.
func fitting(plan *agreement.Plan, a *agreement.Attribute, v agreement.Value, also []string) (agreement.Value, bool) {
	if out, ok := lifecycle.Coerce(plan, a.Kind, a.Choices, v); ok {
		return out, true
	}
	for _, name := range also {
		if out, ok := lifecycle.Coerce(plan, a.Kind, a.Choices, agreement.TextValue(name)); ok {
			return out, true
		}
	}
	return agreement.Value{}, false
}
