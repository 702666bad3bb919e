package imports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/identity"
)

// Choices are what the columns of a file become, chosen column by column. Mapping writes them as a mapping, and Guess
// begins with what the names of the columns say. What a mapping can say and Choices cannot is written as Text.
type Choices struct {
	Name      string            `json:"name"`              // of the source
	Columns   map[string]Choice `json:"columns,omitempty"` // by the name of the column
	Activity  string            `json:"activity,omitempty"`
	Asset     string            `json:"asset,omitempty"`
	Origin    string            `json:"origin,omitempty"`
	AtImport  bool              `json:"at_import,omitempty"` // nothing is decided in hindsight
	KeepFirst bool              `json:"keep_first,omitempty"`
	Drop      bool              `json:"drop,omitempty"` // a value that cannot be read is left out; otherwise its row is refused
	FromEmail bool              `json:"from_email,omitempty"`
	Text      string            `json:"text,omitempty"` // a mapping, which counts instead of all of the above
}

// Choice is what a column becomes.
type Choice struct {
	Becomes string            `json:"becomes,omitempty"` // one of Targets; "" leaves it out
	Layout  string            `json:"layout,omitempty"`  // of times
	Decimal string            `json:"decimal,omitempty"` // of numbers
	Words   map[string]string `json:"words,omitempty"`   // what words of the file mean; "" for nothing
}

// Target is something that a column can become.
type Target struct {
	Name  string // as in Choice.Becomes
	Group string // of targets that are alike, for people
	Words string // for people
	Kind  agreement.Kind
	Known []string // the words it has to be one of, for a choice
}

// Targets are what the columns of a file can become under an agreement, in the order in which people look for them.
func Targets(plan *agreement.Plan) []Target {
	list := []Target{
		{Name: "email", Group: "Who it is", Words: "E-mail address", Kind: agreement.Text},
		{Name: "id", Group: "Who it is", Words: "Their ID in the other system", Kind: agreement.Text},
		{Name: "phone", Group: "Who it is", Words: "Phone number", Kind: agreement.Text},
		{Name: "anonymous", Group: "Who it is", Words: "ID of their browser", Kind: agreement.Text},
		{Name: "company", Group: "Company", Words: "Name of the company", Kind: agreement.Text},
		{Name: "website", Group: "Company", Words: "Website or domain", Kind: agreement.Text},
	}
	for i := range plan.Attributes {
		a := &plan.Attributes[i]
		if alsoOf[a.Name] != "" && a.Kind == agreement.Text {
			continue
		}
		group := "What is known of them"
		if a.Company {
			group = "Company"
		}
		list = append(list, Target{Name: "attribute:" + a.Name, Group: group, Words: wordsOf(strings.TrimPrefix(a.Name, "company.")), Kind: a.Kind, Known: a.Choices})
	}
	slices.SortStableFunc(list, func(a, b Target) int { return slices.Index(groups, a.Group) - slices.Index(groups, b.Group) })
	var activities, assets []string
	for i := range plan.Activities {
		activities = append(activities, plan.Activities[i].Name)
	}
	for i := range plan.Assets {
		assets = append(assets, plan.Assets[i].Name)
	}
	sides := []string{agreement.Marketing.String(), agreement.Sales.String()}
	list = append(list,
		Target{Name: "at", Group: "The row", Words: "When it occurred", Kind: agreement.Date},
		Target{Name: "key", Group: "The row", Words: "Number of the row", Kind: agreement.Text},
		Target{Name: "actor", Group: "The row", Words: "Who of the team did it", Kind: agreement.Text},
		Target{Name: "origin", Group: "The row", Words: "Side that brought them", Kind: agreement.Choice, Known: sides},
		Target{Name: "activity", Group: "What they did", Words: "Activity", Kind: agreement.Choice, Known: activities})
	if len(assets) > 0 {
		list = append(list, Target{Name: "asset", Group: "What they did", Words: "Asset", Kind: agreement.Choice, Known: assets})
	}
	for i := range plan.Properties {
		a := &plan.Properties[i]
		list = append(list, Target{Name: "property:" + a.Name, Group: "What they did", Words: wordsOf(a.Name), Kind: a.Kind, Known: a.Choices})
	}
	return append(list,
		Target{Name: "result", Group: "How it ended", Words: "Won or lost", Kind: agreement.Choice, Known: resultWords},
		Target{Name: "value", Group: "How it ended", Words: "What it was worth", Kind: agreement.Number},
		Target{Name: "reason", Group: "How it ended", Words: "Why it was lost", Kind: agreement.Text},
		Target{Name: "note", Group: "How it ended", Words: "Note", Kind: agreement.Text},
		Target{Name: "ended_at", Group: "How it ended", Words: "When it ended", Kind: agreement.Date})
}

// alsoOf are attributes that the name and the website of a company fill in, beside saying which company it is.
var alsoOf = map[string]string{"company.name": "company", "company.domain": "website"}

var groups = []string{"Who it is", "What is known of them", "Company"}

func wordsOf(name string) string {
	name = strings.NewReplacer("_", " ", ".", " ").Replace(name)
	if name == "" {
		return name
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// targetOf finds a target by its name, nil for none.
func targetOf(list []Target, name string) *Target {
	if i := slices.IndexFunc(list, func(t Target) bool { return t.Name == name }); i >= 0 && name != "" {
		return &list[i]
	}
	return nil
}

// Unread are the words of a column that the target does not have, for somebody to say what they mean.
func (t *Target) Unread(c *Column) (list []Word) {
	if t.Kind != agreement.Choice {
		return nil
	}
	known := newChoices(t.Known)
	for _, w := range c.Words {
		if _, ok := known.find(w.Text); !ok {
			list = append(list, w)
		}
	}
	return list
}

// hints are words in the names of columns, and what such a column likely becomes. The first that fits counts.
var hints = []struct{ becomes, words string }{
	{"email", "email e-mail mail emailaddress e-post epost courriel"},
	{"phone", "phone telephone tel mobile mobil telefon telefonnummer téléphone cell"},
	{"website", "website domain url webseite homepage web companydomain"},
	{"company", "company companyname account organisation organization firma accountname företag entreprise employer"},
	{"at", "created createdat createdate createddate date datum timestamp time occurredat submittedat when firstcontactdate registeredat"},
	{"key", "rowid submissionid responseid registrationid"},
	{"id", "id contactid leadid personid customerid recordid mqlid crmid userid"},
	{"anonymous", "anonymousid browserid clientid"},
	{"result", "outcome result dealstage opportunitystage"},
	{"value", "amount dealvalue opportunityvalue dealamount"},
	{"reason", "lostreason closedlostreason lossreason"},
	{"ended_at", "closedat closedate closeddate closingdate wondate"},
	{"activity", "activity event eventname activitytype"},
	{"asset", "asset content contentname"},
	{"origin", "side"},
}

// alike are names of attributes and other names that columns of the same have.
var alike = map[string]string{
	"jobtitle": "title", "position": "title", "role": "title", "befattning": "title", "funktion": "title",
	"fullname": "name", "contactname": "name", "vorname": "firstname", "nachname": "lastname", "surname": "lastname", "givenname": "firstname", "familyname": "lastname",
	"employees": "companyemployees", "companysize": "companyemployees", "headcount": "companyemployees", "numberofemployees": "companyemployees", "size": "companyemployees", "noofemployees": "companyemployees",
	"industry": "companyindustry", "branch": "companyindustry", "branche": "companyindustry", "sector": "companyindustry",
	"land": "country", "countrycode": "country", "companycountry": "country", "leadsource": "source", "utmsource": "source", "utmcampaign": "campaign", "campaignname": "campaign",
	"revenue": "companyrevenue", "turnover": "companyrevenue", "annualrevenue": "companyrevenue",
}

// plainName is a name as names are compared: letters and digits alone.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-.:/()#", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// Guess says what the columns of a file may become, by their names and by what stands in them: somebody looks at it
// before it counts.
func Guess(l *Look, file string, plan *agreement.Plan) *Choices {
	targets := Targets(plan)
	c := &Choices{Name: sourceName(file), Columns: map[string]Choice{}, FromEmail: true}
	taken := map[string]bool{}
	take := func(col *Column, becomes string) bool {
		t := targetOf(targets, becomes)
		if t == nil || taken[becomes] || col.Kind != "" || c.Columns[col.Name].Becomes != "" {
			return false
		}
		if t.Kind == agreement.Date && !slices.ContainsFunc(col.Layouts, func(l string) bool { return !strings.HasPrefix(l, "unix") }) || t.Kind == agreement.Number && col.Filled > 0 && len(col.Decimal) == 0 {
			return false
		}
		taken[becomes] = true
		c.Columns[col.Name] = Choice{Becomes: becomes}
		return true
	}
	byName := map[string]string{}
	for i := range targets {
		if name, ok := strings.CutPrefix(targets[i].Name, "attribute:"); ok {
			byName[plainName(name)] = targets[i].Name
			if short := plainName(strings.TrimPrefix(name, "company.")); byName[short] == "" {
				byName[short] = targets[i].Name
			}
		}
	}
	for i := range l.Columns { // by the very name first
		name := plainName(l.Columns[i].Name)
		for _, n := range []string{name, alike[name]} {
			if byName[n] != "" && n != "" && take(&l.Columns[i], byName[n]) {
				break
			}
		}
	}
	for _, h := range hints {
		for i := range l.Columns {
			if slices.Contains(strings.Fields(h.words), plainName(l.Columns[i].Name)) && take(&l.Columns[i], h.becomes) {
				break
			}
		}
	}
	for i := range l.Columns { // addresses, whatever their column is called
		if l.Columns[i].Emails && take(&l.Columns[i], "email") {
			break
		}
	}
	for i := range l.Columns {
		col := &l.Columns[i]
		if ch, ok := c.Columns[col.Name]; ok {
			ch.complete(col, targetOf(targets, ch.Becomes))
			c.Columns[col.Name] = ch
		}
	}
	return c
}

// Complete fills in how the chosen columns are written where only one way fits, and drops what does not belong to what a
// column becomes.
func (c *Choices) Complete(l *Look, plan *agreement.Plan) {
	targets := Targets(plan)
	for i := range l.Columns {
		col := &l.Columns[i]
		ch, ok := c.Columns[col.Name]
		if !ok || col.Kind != "" {
			delete(c.Columns, col.Name)
			continue
		}
		t := targetOf(targets, ch.Becomes)
		if t == nil {
			delete(c.Columns, col.Name)
			continue
		}
		ch.complete(col, t)
		c.Columns[col.Name] = ch
	}
}

func (ch *Choice) complete(col *Column, t *Target) {
	if t.Kind != agreement.Date {
		ch.Layout = ""
	} else if ch.Layout == "" && len(col.Layouts) == 1 {
		ch.Layout = col.Layouts[0]
	}
	if t.Kind != agreement.Number {
		ch.Decimal = ""
	} else if ch.Decimal == "" && len(col.Decimal) > 0 && !col.Unsure {
		ch.Decimal = col.Decimal[0]
	}
	unread := t.Unread(col)
	words := map[string]string{}
	for _, w := range unread {
		if to, ok := ch.Words[w.Text]; ok {
			words[w.Text] = to
		} else if t.Name == "result" {
			words[w.Text] = resultOf(w.Text)
		}
	}
	ch.Words = nil
	if len(words) > 0 {
		ch.Words = words
	}
}

// resultOf is what a stage of a deal in another system says of how it ended.
func resultOf(text string) string {
	text = strings.ToLower(text)
	switch {
	case strings.Contains(text, "won"), strings.Contains(text, "gewonnen"), strings.Contains(text, "vunnen"):
		return "won"
	case strings.Contains(text, "lost"), strings.Contains(text, "verloren"), strings.Contains(text, "förlorad"):
		return "lost"
	}
	return "nothing"
}

// sourceName makes the name of a source of that of a file.
func sourceName(file string) string {
	file, _, _ = strings.Cut(file, ".")
	name := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(nameLetters, r) {
			return r
		}
		return '_'
	}, strings.ToLower(identity.FoldName(file))), "_-")
	for strings.Contains(name, "__") {
		name = strings.ReplaceAll(name, "__", "_")
	}
	return or(strings.Trim(cut(name, 40), "_-"), "file")
}

// Wrong says what keeps the choices from being a mapping, each for the column it is about, "" for none.
func (c *Choices) Wrong(l *Look, plan *agreement.Plan) (list []Refusal) {
	if c.Text != "" {
		return nil
	}
	targets := Targets(plan)
	wrong := func(column, format string, args ...any) {
		list = append(list, Refusal{Column: column, Reason: fmt.Sprintf(format, args...)})
	}
	if c.Name == "" || strings.Trim(c.Name, nameLetters) != "" {
		wrong("", "give the source a short name of letters, digits, _ and -, such as webinar_may")
	}
	first := map[string]string{}
	person, outcome := false, false
	for i := range l.Columns {
		col := &l.Columns[i]
		ch := c.Columns[col.Name]
		t := targetOf(targets, ch.Becomes)
		if t == nil {
			continue
		}
		if other := first[t.Name]; other != "" && t.Name != "key" && t.Name != "id" {
			wrong(col.Name, "%q becomes the same already; choose one of the two", other)
		}
		first[t.Name] = col.Name
		person = person || slices.Contains([]string{"email", "id", "phone", "anonymous"}, t.Name)
		outcome = outcome || t.Group == "How it ended" && t.Name != "result"
		if t.Kind == agreement.Date && ch.Layout == "" {
			wrong(col.Name, "say how the dates are written")
		}
		if t.Kind == agreement.Number && ch.Decimal == "" && col.Unsure {
			wrong(col.Name, "say how the numbers are written: %q may be two", col.Samples[0])
		}
	}
	switch {
	case !person:
		wrong("", "say whom a row is about: one column has to be the e-mail address, the phone number or an ID")
	case outcome && first["result"] == "":
		wrong("", "say which column tells whether it was won or lost, or leave out the others of how it ended")
	case c.Activity == "" && first["activity"] == "" && (first["asset"] != "" || slices.ContainsFunc(targets, func(t Target) bool { return strings.HasPrefix(t.Name, "property:") && first[t.Name] != "" })):
		wrong("", "say what they did: an activity for all rows, or a column that names it")
	}
	return list
}

// Mapping writes the choices as a mapping for a file.
func (c *Choices) Mapping(l *Look, plan *agreement.Plan) []byte {
	if c.Text != "" {
		return []byte(c.Text)
	}
	targets := Targets(plan)
	columns := map[string][]*Column{} // by what they become
	for i := range l.Columns {
		if col := &l.Columns[i]; col.Kind == "" && c.Columns[col.Name].Becomes != "" {
			becomes := c.Columns[col.Name].Becomes
			columns[becomes] = append(columns[becomes], col)
		}
	}
	var b strings.Builder
	line := func(indent int, format string, args ...any) {
		fmt.Fprintf(&b, strings.Repeat("  ", indent)+format+"\n", args...)
	}
	cell := func(target string, plainIsValue bool, more ...string) string {
		if len(columns[target]) == 0 {
			return ""
		}
		return c.cell(columns[target][0], targetOf(targets, target), plainIsValue, more)
	}
	under := func(key string, pairs ...string) {
		some := false
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i+1] == "" {
				continue
			}
			if !some {
				line(0, "%s:", key)
				some = true
			}
			line(1, "%s: %s", pairs[i], pairs[i+1])
		}
	}
	line(0, "import: %s", c.Name)
	if word := or(l.Chosen, map[string]string{"semicolon": "semicolon", "tab": "tab", "vertical bar": "bar"}[l.Delimiter]); word != "" {
		line(0, "file: {delimiter: %s}", word)
	}
	if list := columns["key"]; len(list) > 0 {
		var names []string
		for _, col := range list {
			names = append(names, quoted(col.Name))
		}
		line(0, "key: [%s]", strings.Join(names, ", "))
	}
	if at := cell("at", false); at != "" {
		line(0, "at: %s", at)
		if c.AtImport {
			line(0, "known: at import")
		}
	}
	b.WriteByte('\n')
	ids := ""
	if list := columns["id"]; len(list) > 0 {
		var texts []string
		for i, col := range list {
			system := c.Name
			if i > 0 {
				system += "_" + strconv.Itoa(i+1)
			}
			texts = append(texts, fmt.Sprintf("{system: %s, column: %s}", system, quoted(col.Name)))
		}
		ids = "[" + strings.Join(texts, ", ") + "]"
	}
	under("person", "email", cell("email", false), "id", ids, "phone", cell("phone", false), "anonymous", cell("anonymous", false))
	fromEmail := ""
	if c.FromEmail && len(columns["email"]) > 0 {
		fromEmail = "yes"
	}
	under("account", "domain", cell("website", false), "name", cell("company", false), "from_email", fromEmail)
	if origin := cell("origin", true); origin != "" {
		line(0, "origin: %s", origin)
	} else if c.Origin != "" {
		line(0, "origin: %s", c.Origin)
	}
	if actor := cell("actor", false); actor != "" {
		line(0, "actor: %s", actor)
	}
	var more []string
	if c.Drop {
		more = append(more, "unknown: drop")
	}
	keep := more
	if c.KeepFirst {
		keep = append(slices.Clone(more), "collision: keep_first")
	}
	var pairs, properties []string
	for i := range targets {
		if name, ok := strings.CutPrefix(targets[i].Name, "attribute:"); ok {
			pairs = append(pairs, name, cell(targets[i].Name, false, keep...))
		}
		if name, ok := strings.CutPrefix(targets[i].Name, "property:"); ok {
			if text := cell(targets[i].Name, false, more...); text != "" {
				properties = append(properties, name+": "+text)
			}
		}
	}
	for i := range plan.Attributes {
		if a := &plan.Attributes[i]; alsoOf[a.Name] != "" && a.Kind == agreement.Text {
			pairs = append(pairs, a.Name, cell(alsoOf[a.Name], false, keep...))
		}
	}
	under("attributes", pairs...)
	name, asset, props := cell("activity", true), cell("asset", true, more...), ""
	if name == "" && c.Activity != "" {
		name = c.Activity
	}
	if asset == "" && c.Asset != "" {
		asset = c.Asset
	}
	if len(properties) > 0 {
		props = "{" + strings.Join(properties, ", ") + "}"
	}
	if name != "" {
		under("activity", "name", name, "asset", asset, "properties", props)
	}
	under("outcome", "result", cell("result", true), "value", cell("value", false), "reason", cell("reason", false), "note", cell("note", false), "at", cell("ended_at", false))
	return []byte(b.String())
}

// cell writes what a column becomes as the value of a key.
func (c *Choices) cell(col *Column, t *Target, plainIsValue bool, more []string) string {
	ch := c.Columns[col.Name]
	pairs := []string{"column: " + quoted(col.Name)}
	if t.Kind == agreement.Date && ch.Layout != "" && ch.Layout != "iso" {
		pairs = append(pairs, "layout: "+quoted(ch.Layout))
	}
	if t.Kind == agreement.Number && (ch.Decimal == "point" || ch.Decimal == "comma") {
		pairs = append(pairs, "decimal: "+ch.Decimal)
	}
	var words []string
	for _, w := range t.Unread(col) {
		if to, ok := ch.Words[w.Text]; ok && (to == "" || slices.Contains(t.Known, to)) {
			words = append(words, quoted(w.Text)+": "+quoted(to))
		}
	}
	if len(words) > 0 {
		pairs = append(pairs, "map: {"+strings.Join(words, ", ")+"}")
	}
	pairs = append(pairs, more...)
	if len(pairs) == 1 && !plainIsValue {
		return quoted(col.Name)
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

// quoted writes a text so that YAML reads it as it is.
func quoted(s string) string {
	if s != "" && strings.Trim(s, nameLetters) == "" && isLetter(s[0]) {
		return s
	}
	return strconv.Quote(s)
}
