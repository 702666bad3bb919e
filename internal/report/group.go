package report

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"baton/internal/agreement"
	"baton/internal/store"
)

// none is how leads are shown that have no value for what they are grouped by. It is
// not "unknown", which is a value somebody gave.
const none = "(none)"

// manyGroups is how many groups a report shows; the smaller ones are put together.
const manyGroups = 40

// dimension is what a report groups by, and where it is stored.
type dimension struct {
	name    string // as asked for; "" for nothing
	title   string
	field   store.LeadField // where the value is
	member  string          // of the JSON in the field
	period  string          // month or week
	choices []string
}

// fields are the words for what every lead has.
var fields = map[string]store.LeadField{
	"owner": store.LeadOwner, "grade": store.LeadGrade, "stage": store.LeadStage, "side": store.LeadSide, "outcome": store.LeadOutcome,
	"origin": store.LeadOrigin, "track": store.LeadTrack, "buying_stage": store.LeadBuyingStage, "consent": store.LeadConsent, "readiness": store.LeadReadiness,
}

// copied are attributes that leads keep a copy of. Each copy is of the first of its names that
// the agreement has.
var copied = []struct {
	field store.LeadField
	names []string
}{
	{store.LeadSource, []string{"source", "lead_source"}},
	{store.LeadCampaign, []string{"campaign", "utm_campaign"}},
}

// dimensionOf finds what a report is asked to group by.
func dimensionOf(plan *agreement.Plan, by string, more ...string) (dimension, error) {
	d := dimension{name: by, title: title(by)}
	switch by {
	case "":
		return d, nil
	case "month", "week":
		d.period = by
		return d, nil
	}
	for _, c := range copied {
		for _, name := range c.names {
			if _, ok := plan.Index.Attribute[name]; !ok {
				continue
			}
			if by == name || by == c.names[0] {
				d.field = c.field
				return d, nil
			}
			break
		}
	}
	if slot, ok := plan.Index.Attribute[by]; ok {
		d.in(&plan.Attributes[slot])
		return d, nil
	}
	if slot, ok := plan.Index.Attribute["company."+by]; ok { // segment for company.segment
		d.in(&plan.Attributes[slot])
		return d, nil
	}
	if q, ok := strings.CutPrefix(by, "answers."); ok {
		if _, ok := plan.Index.Question[q]; ok {
			d.field, d.member = store.LeadAttributes, by
			return d, nil
		}
	}
	if f, ok := fields[by]; ok {
		d.field = f
		return d, nil
	}
	possible := groupings(plan, more)
	meant := ""
	if near := nearest(by, possible); near != "" {
		meant = " (did you mean " + near + "?)"
	}
	return d, fmt.Errorf("grouping by %q: the agreement has no such attribute%s; possible are %s", by, meant, strings.Join(possible, ", "))
}

// Groupings returns what reports on leads can group by under a plan.
func Groupings(plan *agreement.Plan) []string { return groupings(plan, nil) }

func groupings(plan *agreement.Plan, more []string) []string {
	list := slices.Clone(more)
	for i := range plan.Attributes {
		list = append(list, plan.Attributes[i].Name)
	}
	for i := range plan.Questions {
		list = append(list, "answers."+plan.Questions[i].Name)
	}
	var words []string
	for word := range fields {
		words = append(words, word)
	}
	slices.Sort(words)
	for _, word := range append(words, "month", "week") {
		if !slices.Contains(list, word) { // an attribute may have the name of such a word
			list = append(list, word)
		}
	}
	return list
}

func title(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "company."), "answers.")
	name = strings.ReplaceAll(strings.ReplaceAll(name, "_", " "), ".", " ")
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// in groups by an attribute.
func (d *dimension) in(a *agreement.Attribute) {
	d.field, d.member, d.choices = store.LeadAttributes, a.Name, a.Choices
	if a.Company {
		d.field = store.CompanyAttributes
	}
}

// cohort is the leads of a report, in order of their IDs, with the group of each.
type cohort struct {
	ids     []int64
	arrived []int64
	group   []int32
	names   []string // of the groups
	sizes   []int64
	heap    bool  // the last group is many small ones put together
	newest  int64 // instant among the rows
	period  bool
	zone    *time.Location
}

func (c *cohort) find(lead int64) int {
	i, ok := slices.BinarySearch(c.ids, lead)
	if !ok {
		return -1
	}
	return i
}

// leadsOf reads the leads that arrived within the query, with one query. Without a dimension
// there is one group, with no name.
func leadsOf(ctx context.Context, s *store.Snapshot, plan *agreement.Plan, q Query, d dimension) (*cohort, error) {
	c := &cohort{period: d.period != "", zone: plan.Calendar.Zone()}
	names := map[string]int32{}
	var value []byte
	var json members
	err := s.EachLead(ctx, q.bounds(), d.field, func(l *store.LeadRow) error {
		switch {
		case d.period != "":
			value = appendPeriod(value[:0], d.period, l.ArrivedAt, c.zone)
		case d.member != "":
			value = append(value[:0], json.one(l.Field, d.member)...)
		default:
			value = append(value[:0], l.Field...)
		}
		g, ok := names[string(value)]
		if !ok {
			g = int32(len(c.names))
			names[string(value)] = g
			c.names = append(c.names, string(value))
			c.sizes = append(c.sizes, 0)
		}
		c.sizes[g]++
		c.ids, c.arrived, c.group = append(c.ids, l.ID), append(c.arrived, l.ArrivedAt), append(c.group, g)
		c.newest = max(c.newest, l.DecidedAt)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if d.name != "" {
		c.arrange(d)
	}
	return c, nil
}

// arrange orders the groups (periods by time, choices as the agreement has them, grades
// and readiness by the alphabet, others by size) and puts the smallest together when
// there are too many.
func (c *cohort) arrange(d dimension) {
	order := make([]int32, len(c.names))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if c.period {
			return cmp.Compare(c.names[a], c.names[b])
		}
		return cmp.Or(cmp.Compare(c.sizes[b], c.sizes[a]), cmp.Compare(c.names[a], c.names[b]))
	})
	rest := 0
	if !c.period && len(order) > manyGroups {
		rest = len(order) - manyGroups + 1
	}
	shown := order[:len(order)-rest]
	if d.name == "grade" || d.name == "readiness" {
		slices.SortFunc(shown, func(a, b int32) int { return cmp.Compare(c.names[a], c.names[b]) })
	}
	if len(d.choices) > 0 {
		place := func(g int32) int {
			i := slices.Index(d.choices, c.names[g])
			if i < 0 {
				return len(d.choices)
			}
			return i
		}
		slices.SortStableFunc(shown, func(a, b int32) int { return cmp.Compare(place(a), place(b)) })
	}
	to := make([]int32, len(order))
	names, sizes := make([]string, 0, len(shown)+1), make([]int64, 0, len(shown)+1)
	for i, g := range shown {
		name := c.names[g]
		if name == "" {
			name = none
		}
		to[g] = int32(i)
		names, sizes = append(names, name), append(sizes, c.sizes[g])
	}
	if rest > 0 {
		c.heap = true
		names, sizes = append(names, fmt.Sprintf("(%d others)", rest)), append(sizes, 0)
		for _, g := range order[len(shown):] {
			to[g] = int32(len(shown))
			sizes[len(shown)] += c.sizes[g]
		}
	}
	for i, g := range c.group {
		c.group[i] = to[g]
	}
	c.names, c.sizes = names, sizes
}

// appendPeriod writes the local month ("2026-02"), ISO 8601 week ("2026-W07"), quarter ("2026-Q1") or day of an instant.
func appendPeriod(b []byte, period string, at int64, zone *time.Location) []byte {
	t := time.UnixMicro(at).In(zone)
	switch period {
	case "month":
		return t.AppendFormat(b, "2006-01")
	case "day":
		return t.AppendFormat(b, "2006-01-02")
	case "quarter":
		return fmt.Appendf(b, "%04d-Q%d", t.Year(), (t.Month()+2)/3)
	}
	year, week := t.ISOWeek()
	return fmt.Appendf(b, "%04d-W%02d", year, week)
}

// endOf returns the instant after the month or week of an instant.
func endOf(period string, at int64, zone *time.Location) int64 {
	t := time.UnixMicro(at).In(zone)
	y, m, d := t.Date()
	if period == "month" {
		return time.Date(y, m+1, 1, 0, 0, 0, 0, zone).UnixMicro()
	}
	return time.Date(y, m, d+8-isoWeekday(t), 0, 0, 0, 0, zone).UnixMicro()
}

func isoWeekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// now is the instant of the report.
func (c *cohort) now(q Query) int64 {
	if q.Now != 0 {
		return q.Now
	}
	return c.newest
}

// ripening says which groups are still maturing: those of a period that ended, or ends, less
// than wait before now. wait 0 is not known: none are.
func (c *cohort) ripening(d dimension, wait, now int64) []bool {
	young := make([]bool, len(c.names))
	if d.period == "" || wait == 0 {
		return young
	}
	for i, g := range c.group {
		if !young[g] && endOf(d.period, c.arrived[i], c.zone)+wait > now {
			young[g] = true
		}
	}
	return young
}

// young counts the leads that arrived less than wait before now.
func (c *cohort) young(wait, now int64) int64 {
	var n int64
	if wait > 0 {
		for _, at := range c.arrived {
			if at+wait > now {
				n++
			}
		}
	}
	return n
}

// members reads JSON objects of plain values.
type members struct {
	dec  jsontext.Decoder
	src  bytes.Buffer
	text []byte
}

// each hands over the members of an object whose values are text, number or boolean; kind is
// '"', '0', 't' or 'f'. Of an object that cannot be read it hands over what comes before
// the fault.
func (m *members) each(object string, hand func(name string, kind byte, value string)) {
	m.text = append(m.text[:0], object...)
	m.src = *bytes.NewBuffer(m.text) // a buffer is parsed in place
	m.dec.Reset(&m.src, jsontext.AllowDuplicateNames(true))
	if tok, err := m.dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return
	}
	for {
		key, err := m.dec.ReadToken()
		if err != nil || key.Kind() != '"' {
			return
		}
		name := key.String()
		if k := m.dec.PeekKind(); k == '{' || k == '[' || k == 'n' {
			if m.dec.SkipValue() != nil {
				return
			}
			continue
		}
		value, err := m.dec.ReadToken()
		if err != nil {
			return
		}
		hand(name, byte(value.Kind()), value.String())
	}
}

// one returns a member as people read it, empty when it is not there.
func (m *members) one(object, wanted string) (found string) {
	m.each(object, func(name string, kind byte, value string) {
		if name != wanted {
			return
		}
		switch found = value; kind {
		case 't':
			found = "yes"
		case 'f':
			found = "no"
		}
	})
	return found
}

// number tells a figure with thousands separated: a narrow space from 10,000 on would be
// missing from some terminals, so it is a comma.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
