package api

import (
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// mapper turns events into arrivals, in the words of an agreement.
type mapper struct {
	plan     *agreement.Plan
	source   string
	known    int64 // when the request was whole, in UTC microseconds
	robot    bool  // the request itself comes from one
	arrivals []lifecycle.Arrival
	agents   *agents
}

// The activities and properties that events become without a name of their own.
const (
	pageViewed    = "page_viewed"
	formSubmitted = "form_submitted"
)

// room makes room for the arrivals of events.
func (m *mapper) room(events []event) {
	n := len(events)
	for i := range events {
		if events[i].context.campaign != (campaign{}) {
			n++
		}
	}
	m.arrivals = make([]lifecycle.Arrival, 0, n)
}

// add appends the arrivals of an event: what it says about the lead first, then what the lead did.
func (m *mapper) add(e *event, at int64) {
	a := lifecycle.Arrival{Input: lifecycle.Input{At: at, Known: m.known, Source: m.source, Key: e.messageID,
		Bot: m.robot || m.agents.robot(e.context.userAgent)}}
	traits := e.traits
	if e.kind != "identify" || len(traits) == 0 {
		traits = e.context.traits
	}
	email, ok := emailOf(traits)
	if !ok && strings.IndexByte(e.userID, '@') > 0 {
		email, ok = emailKey(e.userID)
	}
	a.Keys = make([]identity.Key, 0, 3)
	if ok {
		a.Keys = append(a.Keys, email)
	}
	if e.userID != "" {
		a.Keys = append(a.Keys, identity.ExternalKey("user", e.userID))
	}
	if phone, ok := phoneOf(traits); ok {
		a.Keys = append(a.Keys, phone)
	}
	if e.anonymousID != "" {
		a.Keys = append(a.Keys, identity.Key{Kind: identity.Anonymous, Value: e.anonymousID})
	}
	switch e.kind {
	case "identify":
		m.identify(e, a, traits, email)
	case "group":
		m.group(e, a, email)
	case "alias":
		a.Input.Kind = lifecycle.Identify
		a.Keys = append(a.Keys, identity.ExternalKey("user", e.previousID), identity.Key{Kind: identity.Anonymous, Value: e.previousID})
		m.arrivals = append(m.arrivals, a)
	case "track":
		m.firstTouch(e, &a)
		a.Input.Kind, a.Input.Name = lifecycle.Did, m.activity(e.event)
		a.Input.Values, a.Input.Asset = m.properties(e.properties, nil)
		m.arrivals = append(m.arrivals, a)
	case "page", "screen":
		m.firstTouch(e, &a)
		a.Input.Kind, a.Input.Name = lifecycle.Did, pageViewed
		if e.kind == "screen" {
			if _, ok := m.plan.Index.Activity["screen_viewed"]; ok {
				a.Input.Name = "screen_viewed"
			}
		}
		var more [5]field
		a.Input.Values, a.Input.Asset = m.properties(e.properties, pageFields(more[:0], e))
		m.arrivals = append(m.arrivals, a)
	}
}

// activity returns the activity that the name of an event means.
func (m *mapper) activity(name string) string {
	if _, ok := m.plan.Index.Activity[name]; ok {
		return name
	}
	return strings.ReplaceAll(snake(name), ".", "_")
}

// identify adds what an identify call says of the lead and its account.
func (m *mapper) identify(e *event, a lifecycle.Arrival, traits fields, email identity.Key) {
	in := &a.Input
	in.Kind = lifecycle.Identify
	values := m.values(traits, "", true)
	for _, extra := range [...]struct{ name, text string }{{"timezone", e.context.timezone}, {"locale", e.context.locale}} {
		if _, ok := m.plan.Index.Attribute[extra.name]; ok && extra.text != "" {
			values = append(values, lifecycle.Named{Name: extra.name, Value: agreement.TextValue(strings.Clone(extra.text))})
		}
	}
	if !in.Bot {
		touched := m.campaign(e)
		for _, t := range touched {
			in.Keep = append(in.Keep, t.Name)
		}
		values = append(values, touched...)
	}
	in.Values = sorted(values)
	a.Account, a.AccountName = account(in.Values, e.context.groupID, email)
	m.arrivals = append(m.arrivals, a)
}

// group adds what a group call says of the account of the lead.
func (m *mapper) group(e *event, a lifecycle.Arrival, email identity.Key) {
	in := &a.Input
	in.Kind = lifecycle.Identify
	values := m.values(e.traits, "company.", false)
	if _, ok := domainKey(e.groupID); !ok { // the sender's own ID of the company
		values = append(values, lifecycle.Named{Name: "company.id", Value: agreement.TextValue(e.groupID)})
	}
	in.Values = sorted(values)
	a.Account, a.AccountName = account(in.Values, e.groupID, email)
	m.arrivals = append(m.arrivals, a)
}

// values puts traits into the words of the agreement. Those it does not have are kept: the decision says so.
func (m *mapper) values(traits fields, prefix string, person bool) []lifecycle.Named {
	values := make([]lifecycle.Named, 0, len(traits)+2)
	var renamed []lifecycle.Named // come last: the attribute's own name counts before another for it
	var first, last string
	for i := range traits {
		f := &traits[i]
		name := prefix + f.name
		if person {
			switch {
			case isEmailName(f.name):
				if _, ok := emailKey(f.value.Str); ok {
					continue
				}
			case f.name == "company": // a text alone
				name = "company.name"
			}
		}
		given := name
		name = attribute(m.plan, given)
		if _, known := m.plan.Index.Attribute[name]; !known && person {
			switch name {
			case "first_name":
				first = f.value.Str
			case "last_name":
				last = f.value.Str
			}
		}
		v := lifecycle.Named{Name: name, Value: f.value}
		switch {
		case name == given:
			values = append(values, v)
		case name == "company.domain" && v.Value.Kind == agreement.Text:
			v.Value = agreement.TextValue(domainOf(v.Value.Str))
			fallthrough
		default:
			renamed = append(renamed, v)
		}
	}
	values = append(values, renamed...)
	if whole := strings.TrimSpace(first + " " + last); whole != "" {
		if _, ok := m.plan.Index.Attribute["name"]; ok && !slices.ContainsFunc(values, func(v lifecycle.Named) bool { return v.Name == "name" }) {
			values = slices.DeleteFunc(values, func(v lifecycle.Named) bool { return v.Name == "first_name" || v.Name == "last_name" })
			values = append(values, lifecycle.Named{Name: "name", Value: agreement.TextValue(whole)})
		}
	}
	return values
}

// properties puts the properties of an activity, those of the call and more, into the words of the agreement, and takes the asset out.
func (m *mapper) properties(list, more fields) (values []lifecycle.Named, asset string) {
	if len(list)+len(more) == 0 {
		return nil, ""
	}
	values = make([]lifecycle.Named, 0, len(list)+len(more))
	for _, part := range [...]fields{list, more} {
		for i := range part {
			f := &part[i]
			if f.name == "asset" && f.value.Kind == agreement.Text {
				asset = spell(m.plan.Index.Asset, f.value.Str)
				continue
			}
			values = append(values, lifecycle.Named{Name: spell(m.plan.Index.Property, f.name), Value: f.value})
		}
	}
	return sorted(values), asset
}

// pageFields appends what the context of a page knows besides its properties.
func pageFields(more fields, e *event) fields {
	p := &e.context.page
	path := or(p.path, pathOf(or(e.properties.get("url"), p.url)))
	for _, f := range [...]struct{ name, text string }{{"url", p.url}, {"path", path}, {"title", p.title}, {"referrer", p.referrer}, {"name", e.name}} {
		if f.text != "" && e.properties.get(f.name) == "" {
			more = append(more, field{f.name, agreement.TextValue(f.text)})
		}
	}
	return more
}

// firstTouch adds where the lead came from, if a campaign brought it: kept only if nothing is known yet.
func (m *mapper) firstTouch(e *event, a *lifecycle.Arrival) {
	if a.Input.Bot { // a scanner's visit is nobody's first
		return
	}
	values := m.campaign(e)
	if len(values) == 0 {
		return
	}
	came := *a
	in := &came.Input
	in.Kind, in.Values = lifecycle.Identify, values
	for i := range values {
		in.Keep = append(in.Keep, values[i].Name)
	}
	if in.Key != "" {
		in.Key += "/c"
	}
	m.arrivals = append(m.arrivals, came)
}

// campaign returns the source and campaign of an event, sorted, as far as the agreement has such attributes.
func (m *mapper) campaign(e *event) []lifecycle.Named {
	c := &e.context.campaign
	if *c == (campaign{}) {
		return nil
	}
	var values []lifecycle.Named
	if slot, ok := m.plan.Index.Attribute["campaign"]; ok && c.name != "" && m.plan.Attributes[slot].Kind == agreement.Text {
		values = append(values, lifecycle.Named{Name: "campaign", Value: agreement.TextValue(c.name)})
	}
	if slot, ok := m.plan.Index.Attribute["medium"]; ok && c.medium != "" && m.plan.Attributes[slot].Kind == agreement.Text {
		values = append(values, lifecycle.Named{Name: "medium", Value: agreement.TextValue(c.medium)})
	}
	if slot, ok := m.plan.Index.Attribute["source"]; ok {
		if v := touch(m.plan, slot, c.source, c.medium); v.Known() {
			values = append(values, lifecycle.Named{Name: "source", Value: v})
		}
	}
	return values
}

// account finds the account that values speak of: by a domain, by that of the e-mail address, by name.
// A group that is a domain counts as one; otherwise it is an ID, which names nobody. The name
// is "" while nobody has said it, so that whoever says it first names the account.
func account(values []lifecycle.Named, group string, email identity.Key) (key, name string) {
	text := func(name string) string {
		for i := range values {
			if values[i].Name == name && values[i].Value.Kind == agreement.Text {
				return values[i].Value.Str
			}
		}
		return ""
	}
	name = text("company.name")
	for _, domain := range [...]string{group, text("company.domain"), text("company.website"), text("company.url")} {
		if key, ok := domainKey(domain); ok {
			return key, name
		}
	}
	if domain := identity.Domain(email); domain != "" {
		if key, ok := identity.AccountKey(domain); ok {
			return key, name
		}
	}
	return identity.CompanyKey(name), name
}

// domainKey returns the key of the account that a domain or a web address says; false if it says none.
func domainKey(s string) (string, bool) {
	if strings.IndexByte(s, '.') <= 0 {
		return "", false
	}
	return identity.AccountKey(domainOf(s))
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// domainOf takes the domain out of a web address.
func domainOf(s string) string {
	if _, after, ok := strings.Cut(s, "://"); ok {
		s = after
	}
	if i := strings.IndexAny(s, "/?#:"); i >= 0 {
		s = s[:i]
	}
	return s
}

// pathOf takes the path out of a web address, "" if there is no address.
func pathOf(s string) string {
	_, after, ok := strings.Cut(s, "://")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(after, "?#"); i >= 0 {
		after = after[:i]
	}
	if i := strings.IndexByte(after, '/'); i >= 0 {
		return after[i:]
	}
	return "/"
}

func isEmailName(name string) bool {
	switch strings.ToLower(name) {
	case "email", "e-mail", "e_mail", "emailaddress", "email_address":
		return true
	}
	return false
}

// emailOf finds the e-mail address among traits.
func emailOf(traits fields) (identity.Key, bool) {
	for i := range traits {
		if isEmailName(traits[i].name) && traits[i].value.Kind == agreement.Text {
			if key, ok := emailKey(traits[i].value.Str); ok {
				return key, true
			}
		}
	}
	return identity.Key{}, false
}

// phoneOf finds a phone number among traits. One without its country is read as in the country of the traits, if that is
// an ISO 3166 code.
func phoneOf(traits fields) (identity.Key, bool) {
	country := ""
	for _, name := range [...]string{"country", "country_code", "countryCode", "address.country"} {
		country = or(country, identity.Region(traits.get(name)))
	}
	for _, name := range [...]string{"phone", "phone_number", "phoneNumber", "mobile"} {
		if s := traits.get(name); s != "" {
			if key, err := identity.NormalizePhone(s, country); err == nil {
				return key, true
			}
		}
	}
	return identity.Key{}, false
}

func emailKey(s string) (identity.Key, bool) {
	if strings.IndexByte(s, '@') <= 0 {
		return identity.Key{}, false
	}
	key, err := identity.NormalizeEmail(s)
	return key, err == nil
}

// sorted brings values into the order of their names. Of two with one name the first counts.
func sorted(values []lifecycle.Named) []lifecycle.Named {
	slices.SortStableFunc(values, func(a, b lifecycle.Named) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(values, func(a, b lifecycle.Named) bool { return a.Name == b.Name })
}
