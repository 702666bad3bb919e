package imports

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// mapper turns rows into arrivals. It is used for one file.
type mapper struct {
	m      *Mapping
	now    int64
	at     []int // Mapping.columns -> fields of the row
	order  []int // the columns of the file by name, without ours: for the key of a row
	header []string

	line     int
	fields   []string
	problems []problem

	arrivals []lifecycle.Arrival // of the row; reused
	names    [][]int             // for each of them, the slots of the names of its values
	keys     []identity.Key
	values   []lifecycle.Named
	slots    []int
	member   agreement.Person

	accounts map[string]string // domain -> key, "" for none
	said     map[collided]saying
	empties  []*tally // of the row, counted if it is not refused

	hash    []byte
	tallies map[*cell]*tally
	backlog int64 // outcomes before the time of their row
}

// problem is why a row is refused. kind is the reason without the value, where why names that.
type problem struct{ column, why, kind string }

// tally counts what a summary says about a cell.
type tally struct {
	empty, dropped int64
	line           int    // of the first dropped
	text           string // it
}

// collided is an attribute of a lead, by hash.
type collided uint64

func collidedIn(lead uint64, cell int) collided {
	return collided((lead + uint64(cell)) * 0x9e3779b97f4a7c15)
}

// saying is what a row said about it, by hash, and which row: 8 bytes, since there may be
// one for each lead and attribute.
type saying struct{ hash, line uint32 }

func newMapper(m *Mapping, now int64, header []string, at []int) *mapper {
	x := &mapper{m: m, now: now, at: at, header: header, accounts: map[string]string{}, tallies: map[*cell]*tally{}}
	for i, name := range header {
		if !strings.HasPrefix(columnName(name), refusedPrefix) {
			x.order = append(x.order, i)
		}
	}
	slices.SortStableFunc(x.order, func(a, b int) int { return strings.Compare(columnName(header[a]), columnName(header[b])) })
	for _, c := range m.attributes {
		x.tallies[c] = &tally{}
		if c.collision == collisionRefuse && x.said == nil {
			x.said = map[collided]saying{}
		}
	}
	return x
}

func (x *mapper) refuse(column int, why string) {
	name := ""
	if column >= 0 {
		name = x.m.columns[column].name
	}
	x.problems = append(x.problems, problem{column: name, why: why})
}

// refuseValue refuses a row for what a cell holds.
func (x *mapper) refuseValue(column int, value, why string) {
	x.refuse(column, strconv.Quote(clip(value))+" "+why)
	x.problems[len(x.problems)-1].kind = "a value " + why
}

// refuseEmail refuses a row for an address that cannot be one.
func (x *mapper) refuseEmail(column int, err error) {
	x.refuse(column, err.Error())
	_, why, _ := strings.Cut(err.Error()[strings.LastIndexByte(err.Error(), '"')+1:], ": ")
	x.problems[len(x.problems)-1].kind = "a value is no e-mail address: " + or(why, "it cannot be one")
}

// text returns what a cell holds after map:, "" if it is empty.
func (x *mapper) text(c *cell) string {
	return c.wordOf(trim(x.fields[x.at[c.column]]))
}

// trim drops white space, most of the time none.
func trim(s string) string {
	if s == "" || s[0] > ' ' && s[0] < 0x80 && s[len(s)-1] > ' ' && s[len(s)-1] < 0x80 {
		return s
	}
	return strings.TrimSpace(s)
}

// value returns what a cell says; it is missing for a nil or empty cell. A cell that cannot be
// read is a problem of the row, or dropped.
func (x *mapper) value(c *cell) agreement.Value {
	if c == nil {
		return agreement.Value{}
	}
	if c.column < 0 {
		return c.constant
	}
	s := x.text(c)
	if s == "" {
		if t := x.tallies[c]; t != nil {
			x.empties = append(x.empties, t)
		}
		return agreement.Value{}
	}
	v, why := c.read(s)
	if why == "" {
		return v
	}
	if !c.drop {
		x.refuseValue(c.column, s, why)
		return agreement.Value{}
	}
	t := x.tallies[c]
	if t == nil {
		t = &tally{}
		x.tallies[c] = t
	}
	if t.dropped++; t.dropped == 1 {
		t.line, t.text = x.line, clip(s)
	}
	return agreement.Value{}
}

// choice returns which of a cell's choices it holds, -1 for none.
func (x *mapper) choice(c *cell) int {
	v := x.value(c)
	if v.Kind != agreement.Choice {
		return -1
	}
	i, _ := c.choices.find(v.Str)
	return i
}

// time returns when a cell says; otherwise if there is no such cell.
func (x *mapper) time(c *cell, otherwise int64) int64 {
	if c == nil {
		return otherwise
	}
	before := len(x.problems)
	v := x.value(c)
	if v.Kind != agreement.Date {
		if len(x.problems) == before {
			x.refuse(c.column, "there is no time")
		}
		return 0
	}
	if at := int64(v.Num); x.now == 0 || at <= x.now {
		return at
	}
	x.refuseValue(c.column, x.text(c), "is later than this import")
	return 0
}

// who returns the person in a cell: an address in its normal form, or another name
// as it stands.
func (x *mapper) who(c *cell) string {
	v := x.value(c)
	if !strings.Contains(v.Str, "@") {
		return v.Str
	}
	key, err := identity.NormalizeEmail(v.Str)
	if err != nil {
		x.refuseEmail(c.column, err)
	}
	return key.Value
}

// passes reports whether keep_when and skip_when let the row through.
func (x *mapper) passes() bool {
	holds := func(t test) bool {
		s := trim(x.fields[x.at[t.column]])
		return slices.ContainsFunc(t.texts, func(text string) bool { return strings.EqualFold(s, text) })
	}
	for _, t := range x.m.keep {
		if !holds(t) {
			return false
		}
	}
	return !slices.ContainsFunc(x.m.skip, holds)
}

// row maps a row. Its arrivals are in x.arrivals, and valid until the next row; if
// there is a problem in x.problems, the row is refused and there are none.
func (x *mapper) row(line int, fields []string) {
	x.line, x.fields = line, fields
	x.problems, x.arrivals, x.names = x.problems[:0], x.arrivals[:0], x.names[:0]
	x.values, x.slots, x.empties = x.values[:0], x.slots[:0], x.empties[:0]
	m := x.m
	key := x.rowKey()
	at := x.time(m.at, x.now)
	x.person()
	account, accountName := x.account()
	known := func(at int64) int64 {
		if m.atImport {
			return x.now
		}
		return at
	}
	actor := x.who(m.actor)

	if m.hasPerson() {
		from := len(x.values)
		for _, c := range m.attributes {
			v := x.value(c)
			if v.Known() || c.clear {
				x.values = append(x.values, lifecycle.Named{Name: m.names[c.name], Value: v})
				x.slots = append(x.slots, c.name)
			}
		}
		origin := agreement.Side(x.choice(m.origin) + 1)
		if len(x.values) > from || account != "" || origin != agreement.NoSide || m.activity == nil && m.outcome == nil {
			x.add(lifecycle.Input{Kind: lifecycle.Identify, At: at, Known: known(at), Key: key + "/person", Actor: actor, Origin: origin,
				Values: x.values[from:]}, account, accountName, from)
		}
	}
	if a := m.activity; a != nil {
		name, asset := x.value(a.name), x.value(a.asset)
		if !name.Known() && !a.name.drop && len(x.problems) == 0 {
			x.refuse(a.name.column, "there is no activity")
		}
		from := len(x.values)
		for _, c := range a.properties {
			if v := x.value(c); v.Known() {
				x.values = append(x.values, lifecycle.Named{Name: m.names[c.name], Value: v})
				x.slots = append(x.slots, c.name)
			}
		}
		bot := x.value(a.bot)
		when := x.time(a.at, at)
		if name.Known() {
			x.add(lifecycle.Input{Kind: lifecycle.Did, At: when, Known: known(when), Key: key + "/activity", Actor: actor, Name: name.Str,
				Asset: asset.Str, Bot: bot.Num != 0, Values: x.values[from:]}, account, accountName, from)
		}
	}
	if o := m.outcome; o != nil {
		x.outcome(o, key, at, known, actor, account, accountName)
	}
	if m.member != nil {
		x.joined(m.member, key, at, known)
	}
	if len(x.problems) == 0 {
		x.checkCollisions()
	}
	if len(x.problems) > 0 {
		x.arrivals = x.arrivals[:0]
		return
	}
	for _, t := range x.empties {
		t.empty++
	}
}

func (x *mapper) add(in lifecycle.Input, account, accountName string, from int) {
	x.arrivals = append(x.arrivals, lifecycle.Arrival{Input: in, Keys: x.keys, Account: account, AccountName: accountName})
	x.names = append(x.names, x.slots[from:])
}

func (m *Mapping) hasPerson() bool {
	return m.person.email != nil || m.person.phone != nil || m.person.anonymous != nil || len(m.person.ids) > 0
}

// mostKey is how long the text of a key may be before it is stored as a hash.
const mostKey = 128

// rowKey returns what identifies the row in its source.
func (x *mapper) rowKey() string {
	m := x.m
	if len(m.key) == 1 {
		s := trim(x.fields[x.at[m.key[0]]])
		if s == "" {
			x.refuse(m.key[0], "the key of the row is empty")
		}
		if len(s) <= mostKey {
			return s
		}
	}
	b := x.hash[:0]
	put := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	if len(m.key) > 0 {
		some := false
		for _, c := range m.key {
			s := trim(x.fields[x.at[c]])
			some = some || s != ""
			put(s)
		}
		if !some {
			x.refuse(m.key[0], "the key of the row is empty")
		}
	} else {
		// By name and without the empty ones, so that a column that moves or is added
		// leaves the key as it was.
		for _, i := range x.order {
			if s := trim(x.fields[i]); s != "" {
				put(columnName(x.header[i]))
				put(s)
			}
		}
	}
	x.hash = b
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// person reads the keys of the row's lead into x.keys.
func (x *mapper) person() {
	p := &x.m.person
	x.keys = x.keys[:0]
	if !x.m.hasPerson() {
		return
	}
	before := len(x.problems)
	if v := x.value(p.email); v.Known() {
		key, err := identity.NormalizeEmail(v.Str)
		switch {
		case err == nil:
			x.keys = append(x.keys, key)
		case !p.email.drop:
			x.refuseEmail(p.email.column, err)
		}
	}
	for _, e := range p.ids {
		if v := x.value(e.id); v.Known() {
			x.keys = append(x.keys, identity.ExternalKey(e.system, v.Str))
		}
	}
	if v := x.value(p.phone); v.Known() {
		// one that cannot be read says nothing of who it is
		if key, err := identity.NormalizePhone(v.Str, x.region()); err == nil {
			x.keys = append(x.keys, key)
		}
	}
	if v := x.value(p.anonymous); v.Known() {
		x.keys = append(x.keys, identity.Key{Kind: identity.Anonymous, Value: v.Str})
	}
	if len(x.keys) == 0 && len(x.problems) == before && (x.m.member == nil) {
		column := -1
		for _, c := range []*cell{p.email, p.phone, p.anonymous} {
			if c != nil && column < 0 {
				column = c.column
			}
		}
		if column < 0 && len(p.ids) > 0 {
			column = p.ids[0].id.column
		}
		x.refuse(column, "the row does not say whom it is about")
	}
}

// region returns the country of the row's lead, if it is an ISO 3166 code, for phone numbers without theirs.
func (x *mapper) region() string {
	for _, c := range x.m.attributes {
		if x.m.names[c.name] != "country" {
			continue
		}
		if c.column < 0 {
			return identity.Region(c.constant.Str)
		}
		return identity.Region(trim(x.fields[x.at[c.column]]))
	}
	return ""
}

// account finds the account of the row by the domain, that of the e-mail address, or
// the name.
func (x *mapper) account() (key, name string) {
	a := &x.m.account
	name = x.value(a.name).Str
	if v := x.value(a.domain); v.Known() {
		domain := domainOf(v.Str)
		if key = x.accountKey(domain); key != "" {
			return key, or(name, domain)
		}
	}
	if a.fromEmail && len(x.keys) > 0 {
		if domain := identity.Domain(x.keys[0]); domain != "" {
			if key = x.accountKey(domain); key != "" {
				return key, or(name, key)
			}
		}
	}
	return identity.CompanyKey(name), name
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

// accountKey remembers the keys of some thousand domains: they repeat.
func (x *mapper) accountKey(domain string) string {
	if key, ok := x.accounts[domain]; ok {
		return key
	}
	if len(x.accounts) >= 8192 {
		clear(x.accounts)
	}
	key, _ := identity.AccountKey(domain)
	x.accounts[strings.Clone(domain)] = key
	return key
}

func (x *mapper) outcome(o *outcome, key string, at int64, known func(int64) int64, actor, account, accountName string) {
	before := len(x.problems)
	result := x.choice(o.result)
	if result < 0 && !o.result.drop && len(x.problems) == before {
		x.refuse(o.result.column, "there is no result")
	}
	if result < 0 || result == resultNothing {
		return
	}
	when := x.time(o.at, at)
	if when < at && o.at != nil && x.m.at != nil && len(x.problems) == 0 {
		x.backlog++
	}
	if o.actor != nil {
		actor = x.who(o.actor)
	}
	in := lifecycle.Input{Kind: lifecycle.Win, At: when, Known: known(when), Key: key + "/outcome", Actor: actor,
		Value: x.value(o.value).Num, Text: x.value(o.note).Str}
	if result == resultLost {
		in.Kind, in.Name = lifecycle.Lose, x.value(o.reason).Str
	}
	x.add(in, account, accountName, len(x.slots))
}

func (x *mapper) joined(m *member, key string, at int64, known func(int64) int64) {
	p := &x.member
	*p = agreement.Person{Name: x.value(m.name).Str, Weight: 1, Pools: p.Pools[:0]}
	if v := x.value(m.email); v.Known() {
		id, err := identity.NormalizeEmail(v.Str)
		if err != nil {
			x.refuseEmail(m.email.column, err)
		}
		p.ID = id.Value
	} else {
		x.refuse(m.email.column, "the member has no address")
	}
	p.Manager = x.who(m.manager)
	before := len(x.problems)
	if side := x.choice(m.side); side >= 0 {
		p.Side = agreement.Side(side + 1)
	} else if len(x.problems) == before {
		x.refuse(m.side.column, "there is no side: marketing or sales")
	}
	if v := x.value(m.pools); v.Known() {
		for name := range strings.FieldsFuncSeq(v.Str, func(r rune) bool { return r == ',' || r == ';' || r == '|' }) {
			slot, ok := x.m.plan.Index.Pool[strings.TrimSpace(name)]
			if !ok {
				x.refuse(m.pools.column, "the agreement has no pool "+strconv.Quote(clip(strings.TrimSpace(name))))
				continue
			}
			p.Pools = append(p.Pools, slot)
		}
	}
	whole := func(c *cell, least int, what string) int {
		v := x.value(c)
		if !v.Known() {
			return least
		}
		if v.Num < float64(least) || v.Num > 1_000_000 || v.Num != math.Trunc(v.Num) {
			x.refuse(c.column, what+" is a whole number from "+strconv.Itoa(least)+" up")
			return least
		}
		return int(v.Num)
	}
	p.Weight = whole(m.weight, 1, "a weight")
	p.Capacity = whole(m.capacity, 0, "a capacity")
	x.add(lifecycle.Input{Kind: lifecycle.Joined, At: at, Known: known(at), Key: key + "/member", Member: p}, "", "", len(x.slots))
	x.arrivals[len(x.arrivals)-1].Keys = nil
}

// checkCollisions refuses a row that says something else about an attribute than an
// earlier row did, where the mapping says so.
func (x *mapper) checkCollisions() {
	if x.said == nil || len(x.arrivals) == 0 || x.arrivals[0].Input.Kind != lifecycle.Identify {
		return
	}
	lead := leadHash(x.keys)
	for _, say := range [...]bool{false, true} { // a refused row has said nothing
		values, j := x.arrivals[0].Input.Values, 0
		for i, c := range x.m.attributes {
			for j < len(values) && values[j].Name < x.m.names[c.name] {
				j++
			}
			if c.collision != collisionRefuse || j == len(values) || values[j].Name != x.m.names[c.name] || !values[j].Value.Known() {
				continue
			}
			k, hash := collidedIn(lead, i), uint32(valueHash(values[j].Value)>>32)
			first, ok := x.said[k]
			switch {
			case !ok && say:
				x.said[k] = saying{hash, uint32(x.line)}
			case ok && first.hash != hash:
				x.refuseValue(c.column, values[j].Value.String(), "is not what line "+strconv.Itoa(int(first.line))+" says about the same person")
				x.problems[len(x.problems)-1].kind = "a value is not what an earlier line says about the same person"
			}
		}
		if len(x.problems) > 0 {
			return
		}
	}
}

func leadHash(keys []identity.Key) uint64 {
	if len(keys) == 0 {
		return 0
	}
	return textHash(keys[0].Value) + uint64(keys[0].Kind)
}

func valueHash(v agreement.Value) uint64 {
	if v.Kind == agreement.Text || v.Kind == agreement.Choice {
		return textHash(v.Str)
	}
	return textHash(strconv.FormatFloat(v.Num, 'b', -1, 64))
}

// textHash is FNV-1a with 64 bits: among a million texts, two share a hash once in
// 37 million files.
func textHash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
