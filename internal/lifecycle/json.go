package lifecycle

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"baton/internal/agreement"
)

// Inputs and decisions are stored as JSON, written here field by field in a fixed order, so that
// the same decision is the same bytes. Fields with nothing in them are left out.

// AppendJSON appends what the columns of the input table do not hold: everything but ID,
// Kind, Lead, Account, At, Known, Version and Import.
func (in *Input) AppendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.int("due", in.Due)
	o.text("actor", in.Actor)
	o.text("source", in.Source)
	o.text("key", in.Key)
	o.text("name", in.Name)
	o.text("asset", in.Asset)
	o.text("channel", in.Channel)
	if len(in.Values) > 0 {
		o.key("values")
		o.b = append(o.b, '{')
		for i := range in.Values {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.b = append(appendString(o.b, in.Values[i].Name), ':')
			o.b = appendValue(o.b, in.Values[i].Value)
		}
		o.b = append(o.b, '}')
	}
	o.text("text", in.Text)
	o.float("value", in.Value)
	o.text("origin", in.Origin.String())
	o.flag("bot", in.Bot)
	o.text("clause", in.Clause)
	o.person("member", in.Member)
	o.texts("keep", in.Keep)
	if len(in.Away) > 0 {
		o.key("away")
		for i, a := range in.Away {
			o.b = append(o.b, "[,"[min(i, 1)], '[')
			o.b = append(strconv.AppendInt(append(strconv.AppendInt(o.b, a.From, 10), ','), a.To, 10), ']')
		}
		o.b = append(o.b, ']')
	}
	o.int("other", in.Other)
	return append(o.b, '}')
}

// AppendJSON appends the changes, effects and reasons; the columns of the decision table hold the rest.
func (d *Decision) AppendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	if len(d.Changes) > 0 {
		o.key("changes")
		for i := range d.Changes {
			o.b = append(o.b, "[,"[min(i, 1)])
			o.b = d.Changes[i].appendJSON(o.b)
		}
		o.b = append(o.b, ']')
	}
	if len(d.Effects) > 0 {
		o.key("effects")
		for i := range d.Effects {
			e := &d.Effects[i]
			o.b = append(o.b, "[,"[min(i, 1)])
			p := object{b: append(o.b, '{')}
			p.text("kind", e.Kind.String())
			p.text("to", e.To)
			p.text("name", e.Name)
			p.int("reason", int64(e.Reason))
			o.b = append(p.b, '}')
		}
		o.b = append(o.b, ']')
	}
	if len(d.Reasons) > 0 {
		o.key("reasons")
		for i := range d.Reasons {
			r := &d.Reasons[i]
			o.b = append(o.b, "[,"[min(i, 1)])
			p := object{b: append(o.b, '{')}
			p.text("clause", r.Clause)
			p.text("text", r.Text)
			if len(r.Saw) > 0 {
				p.key("saw")
				for j := range r.Saw {
					p.b = append(p.b, "[,"[min(j, 1)])
					q := object{b: append(p.b, '{')}
					q.text("name", r.Saw[j].Name)
					q.text("value", r.Saw[j].Value)
					p.b = append(q.b, '}')
				}
				p.b = append(p.b, ']')
			}
			o.b = append(p.b, '}')
		}
		o.b = append(o.b, ']')
	}
	o.text("refused", d.Refused)
	return append(o.b, '}')
}

func (c *Change) appendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.text("kind", c.Kind.String())
	o.text("name", c.Name)
	o.text("from", c.From)
	o.text("to", c.To)
	o.int("at", c.At)
	o.int("due", c.Due)
	o.int("int", c.Int)
	o.int("points", c.Points)
	o.float("num", c.Num)
	o.int("unit", int64(c.Unit))
	if c.Value.Known() {
		o.key("value")
		o.b = appendValue(o.b, c.Value)
	}
	o.texts("members", c.Members)
	o.person("member", c.Member)
	o.int("reason", int64(c.Reason))
	return append(o.b, '}')
}

// object writes one JSON object.
type object struct {
	b    []byte
	some bool
}

func (o *object) key(name string) {
	if o.some {
		o.b = append(o.b, ',')
	}
	o.some = true
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

func (o *object) int(name string, n int64) {
	if n != 0 {
		o.key(name)
		o.b = strconv.AppendInt(o.b, n, 10)
	}
}

func (o *object) float(name string, n float64) {
	if n != 0 {
		o.key(name)
		o.b = appendFloat(o.b, n)
	}
}

func (o *object) text(name, s string) {
	if s != "" {
		o.key(name)
		o.b = appendString(o.b, s)
	}
}

func (o *object) flag(name string, b bool) {
	if b {
		o.key(name)
		o.b = append(o.b, "true"...)
	}
}

func (o *object) texts(name string, list []string) {
	if len(list) == 0 {
		return
	}
	o.key(name)
	for i, s := range list {
		o.b = append(o.b, "[,"[min(i, 1)])
		o.b = appendString(o.b, s)
	}
	o.b = append(o.b, ']')
}

func (o *object) person(name string, p *agreement.Person) {
	if p == nil {
		return
	}
	o.key(name)
	q := object{b: append(o.b, '{')}
	q.text("id", p.ID)
	q.text("name", p.Name)
	q.text("side", p.Side.String())
	q.text("manager", p.Manager)
	q.slots("pools", p.Pools)
	q.int("weight", int64(p.Weight))
	q.int("capacity", int64(p.Capacity))
	q.int("per_day", int64(p.PerDay))
	for k, name := range traitKeys {
		q.slots(name, p.Traits[k])
	}
	q.texts("accounts", p.Accounts)
	q.text("timezone", p.Zone)
	q.text("hours", p.Week)
	o.b = append(q.b, '}')
}

var traitKeys = [agreement.Traits]string{"territories", "languages", "skills"}

func (o *object) slots(name string, list []int) {
	if len(list) == 0 {
		return
	}
	o.key(name)
	for i, slot := range list {
		o.b = append(o.b, "[,"[min(i, 1)])
		o.b = strconv.AppendInt(o.b, int64(slot), 10)
	}
	o.b = append(o.b, ']')
}

// appendValue writes a text as a string, a number as a number, a boolean as true or false,
// a choice as {"choice": …} and a date as {"date": microseconds}.
func appendValue(b []byte, v agreement.Value) []byte {
	switch v.Kind {
	case agreement.Text:
		return appendString(b, v.Str)
	case agreement.Choice:
		return append(appendString(append(b, `{"choice":`...), v.Str), '}')
	case agreement.Number:
		return appendFloat(b, v.Num)
	case agreement.Boolean:
		return strconv.AppendBool(b, v.Num != 0)
	case agreement.Date:
		return append(strconv.AppendInt(append(b, `{"date":`...), int64(v.Num), 10), '}')
	}
	return append(b, "null"...)
}

func appendFloat(b []byte, n float64) []byte {
	if n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return strconv.AppendInt(b, int64(n), 10)
	}
	return strconv.AppendFloat(b, n, 'g', -1, 64)
}

// appendString writes a JSON string; what is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\t':
				b = append(b, '\\', 't')
			case '\r':
				b = append(b, '\\', 'r')
			default:
				b = append(b, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\ufffd"...)
			i++
			start = i
			continue
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}

// The mirror types read what is written above.

type inputJSON struct {
	Due    int64           `json:"due"`
	Actor  string          `json:"actor"`
	Source string          `json:"source"`
	Key    string          `json:"key"`
	Name   string          `json:"name"`
	Asset  string          `json:"asset"`
	Chan   string          `json:"channel"`
	Values json.RawMessage `json:"values"`
	Text   string          `json:"text"`
	Value  float64         `json:"value"`
	Origin string          `json:"origin"`
	Bot    bool            `json:"bot"`
	Clause string          `json:"clause"`
	Member *personJSON     `json:"member"`
	Keep   []string        `json:"keep"`
	Away   [][2]int64      `json:"away"`
	Other  int64           `json:"other"`
}

type personJSON struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Side     string `json:"side"`
	Manager  string `json:"manager"`
	Pools    []int  `json:"pools"`
	Weight   int    `json:"weight"`
	Capacity int    `json:"capacity"`
	PerDay   int    `json:"per_day"`

	Territories []int    `json:"territories"`
	Languages   []int    `json:"languages"`
	Skills      []int    `json:"skills"`
	Accounts    []string `json:"accounts"`
	Zone        string   `json:"timezone"`
	Week        string   `json:"hours"`
}

func (p *personJSON) person() *agreement.Person {
	if p == nil {
		return nil
	}
	return &agreement.Person{ID: p.ID, Name: p.Name, Side: parseSide(p.Side), Manager: p.Manager, Pools: p.Pools, Weight: p.Weight, Capacity: p.Capacity,
		PerDay: p.PerDay, Traits: [agreement.Traits][]int{p.Territories, p.Languages, p.Skills}, Accounts: p.Accounts, Zone: p.Zone, Week: p.Week}
}

type decisionJSON struct {
	Changes []changeJSON `json:"changes"`
	Effects []struct {
		Kind   string `json:"kind"`
		To     string `json:"to"`
		Name   string `json:"name"`
		Reason int    `json:"reason"`
	} `json:"effects"`
	Reasons []struct {
		Clause string `json:"clause"`
		Text   string `json:"text"`
		Saw    []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"saw"`
	} `json:"reasons"`
	Refused string `json:"refused"`
}

type changeJSON struct {
	Kind    string          `json:"kind"`
	Name    string          `json:"name"`
	From    string          `json:"from"`
	To      string          `json:"to"`
	At      int64           `json:"at"`
	Due     int64           `json:"due"`
	Int     int64           `json:"int"`
	Points  int64           `json:"points"`
	Num     float64         `json:"num"`
	Unit    uint8           `json:"unit"`
	Value   json.RawMessage `json:"value"`
	Members []string        `json:"members"`
	Member  *personJSON     `json:"member"`
	Reason  int             `json:"reason"`
}

// ParseInput reads what Input.AppendJSON wrote; the caller adds what the columns hold.
func ParseInput(b []byte) (Input, error) {
	var j inputJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return Input{}, fmt.Errorf("reading a stored input: %w", err)
	}
	in := Input{Due: j.Due, Actor: j.Actor, Source: j.Source, Key: j.Key, Name: j.Name, Asset: j.Asset, Channel: j.Chan, Text: j.Text, Value: j.Value,
		Origin: parseSide(j.Origin), Bot: j.Bot, Clause: j.Clause, Member: j.Member.person(), Keep: j.Keep, Other: j.Other}
	values, err := parseValues(j.Values)
	if err != nil {
		return Input{}, fmt.Errorf("reading a stored input: %w", err)
	}
	in.Values = values
	for _, a := range j.Away {
		in.Away = append(in.Away, Absence{From: a[0], To: a[1], Calendar: true})
	}
	return in, nil
}

// ParseDecision reads what Decision.AppendJSON wrote; the caller adds what the columns hold.
func ParseDecision(b []byte) (Decision, error) {
	var j decisionJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return Decision{}, fmt.Errorf("reading a stored decision: %w", err)
	}
	d := Decision{Refused: j.Refused}
	for i := range j.Changes {
		c := &j.Changes[i]
		kind, ok := wordIndex(changeWords[:], c.Kind)
		if !ok {
			return Decision{}, fmt.Errorf("reading a stored decision: no change is called %q", c.Kind)
		}
		v, err := parseValue(c.Value)
		if err != nil {
			return Decision{}, fmt.Errorf("reading a stored decision: %w", err)
		}
		d.Changes = append(d.Changes, Change{Kind: ChangeKind(kind), Name: c.Name, From: c.From, To: c.To, At: c.At, Due: c.Due, Int: c.Int, Points: c.Points,
			Num: c.Num, Unit: c.Unit, Value: v, Members: c.Members, Member: c.Member.person(), Reason: c.Reason})
	}
	for _, e := range j.Effects {
		kind, ok := wordIndex(effectWords[:], e.Kind)
		if !ok {
			return Decision{}, fmt.Errorf("reading a stored decision: no effect is called %q", e.Kind)
		}
		d.Effects = append(d.Effects, Effect{Kind: EffectKind(kind), To: e.To, Name: e.Name, Reason: e.Reason})
	}
	for _, r := range j.Reasons {
		reason := Reason{Clause: r.Clause, Text: r.Text}
		for _, s := range r.Saw {
			reason.Saw = append(reason.Saw, agreement.Seen{Name: s.Name, Value: s.Value})
		}
		d.Reasons = append(d.Reasons, reason)
	}
	return d, nil
}

func wordIndex(words []string, word string) (int, bool) {
	for i, w := range words {
		if i > 0 && w == word {
			return i, true
		}
	}
	return 0, false
}
