package load

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/url"
	"strconv"
	"time"
)

// Mix draws what one sender sends: a number of visits under way at a time, each event the next step of one
// of them. One goroutine uses it. The same seed draws the same visits; times and the names of messages are
// those of the run.
//
// Of 1000 visits, 500 are of browsers that the database knows and 170 of leads who say who they are; 60
// letters clicked, 70 webinars and 30 companies come from other programs, one event each; 100 visits are of
// somebody new without a name, 30 of somebody new who fills in a form, 40 of robots. Half of the known
// visits are of a tenth of the leads. Beyond that one event in a hundred is sent a second time.
type Mix struct {
	r      *rand.Rand
	names  *rand.Rand // of messages: others in each run
	millis int64
	run    string // tells the messages and the new leads of this run and sender from all others
	leads  int
	made   int // new leads so far
	sent   int
	visits []visit
	events [][]byte // lately sent, to send one again
	recent int
	single bool // each event is a request of its own
	text   []byte
	moment []byte // now, as the events say it
	// Counts tells what was drawn, by its kind.
	Counts map[string]int
}

// visit is somebody at it.
type visit struct {
	kind                visitKind
	person              Person
	step, steps         int
	agent, lang, landed string
}

type visitKind uint8

const (
	returning visitKind = iota
	identified
	letter
	webinar
	company
	newcomer
	applicant
	robot
)

var shares = [...]struct {
	kind       visitKind
	share      int
	least, top int // steps
}{
	{returning, 500, 2, 8}, {identified, 170, 2, 7}, {letter, 60, 1, 1}, {webinar, 70, 1, 1}, {company, 30, 1, 1},
	{newcomer, 100, 1, 5}, {applicant, 30, 3, 6}, {robot, 40, 1, 4},
}

var agents = [...]string{
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
}

const crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

var sites = [...]struct{ path, title string }{
	{"/", "Northwind Components"}, {"/products/drive-trains", "Drive trains"}, {"/products/bearings", "Bearings and housings"},
	{"/products/couplings", "Couplings"}, {"/customers", "What our customers build"}, {"/blog/how-to-size-a-drive-train", "How to size a drive train"},
	{"/support", "Support"}, {"/careers", "Work with us"},
}

// NewMix begins one. Run must be new for each run on one database; leads is how many the database knows.
func NewMix(seed uint64, run string, sender, leads, visits int) *Mix {
	h := fnv.New64a()
	h.Write([]byte(run))
	m := &Mix{r: rand.New(rand.NewPCG(seed, uint64(sender))), names: rand.New(rand.NewPCG(h.Sum64(), uint64(sender))),
		run: run + strconv.FormatInt(int64(sender), 36) + "x", leads: leads,
		visits: make([]visit, visits), Counts: map[string]int{}}
	for i := range m.visits {
		m.begin(&m.visits[i])
		m.visits[i].step = m.r.IntN(m.visits[i].steps) // some are half through
	}
	return m
}

// known draws somebody whom the database knows.
func (m *Mix) known() Person {
	n := max(1, m.leads)
	if m.r.IntN(2) == 0 {
		// those who come often are not those who came first
		return PersonAt("", m.r.IntN((n+9)/10)*10%n)
	}
	return PersonAt("", m.r.IntN(n))
}

func (m *Mix) begin(v *visit) {
	draw := m.r.IntN(1000)
	for _, s := range shares {
		if draw -= s.share; draw < 0 {
			*v = visit{kind: s.kind, steps: s.least + m.r.IntN(s.top-s.least+1), agent: agents[m.r.IntN(len(agents))]}
			break
		}
	}
	v.lang, v.landed = choose(m.r.Uint64(), "sv-SE", "de-DE", "en-US", "nb-NO", "nl-NL"), choose(m.r.Uint64(), "", "", "https://www.google.com/", "https://www.linkedin.com/")
	switch v.kind {
	case newcomer, applicant, robot:
		m.made++
		v.person = PersonAt(m.run, m.made)
	default:
		v.person = m.known()
	}
	if v.kind == robot {
		v.agent = crawler
	}
}

// Batch returns the body of a request with n events. It is valid until the next call.
func (m *Mix) Batch(n int, now time.Time) []byte {
	m.at(now)
	b := append(m.text[:0], `{"batch":[`...)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = m.event(b)
	}
	b = append(b, `],"context":{"library":{"name":"analytics.js","version":"next-1.81.0"}},"sentAt":"`...)
	b = append(append(b, m.moment...), `"}`...)
	m.text = b
	return b
}

// One returns a request with one event: where to, what it is, and the body. It is valid until the next call.
func (m *Mix) One(now time.Time) (path, media string, body []byte) {
	m.at(now)
	m.single = true
	b, kind := m.event(m.text[:0])
	m.text = b
	if kind == "form" {
		return "/f/contact", "application/x-www-form-urlencoded", b
	}
	return "/v1/" + kind, "application/json", b
}

func (m *Mix) at(now time.Time) {
	m.millis = now.UnixMilli()
	m.moment = now.UTC().AppendFormat(m.moment[:0], "2006-01-02T15:04:05.000Z")
}

// event appends an event and returns which call it is.
func (m *Mix) event(b []byte) ([]byte, string) {
	if len(m.events) == cap(m.events) && m.r.IntN(100) == 0 && len(m.events) > 0 {
		again := m.events[m.r.IntN(len(m.events))]
		m.Counts["again"]++
		return append(b, again[1:]...), calls[again[0]]
	}
	v := &m.visits[m.r.IntN(len(m.visits))]
	if v.step == v.steps {
		m.begin(v)
	}
	start := len(b)
	b, call := m.step(b, v)
	v.step++
	m.sent++
	m.Counts[calls[call]]++
	m.remember(call, b[start:])
	return b, calls[call]
}

var calls = [...]string{"identify", "track", "page", "group", "form"}

const (
	callIdentify = iota
	callTrack
	callPage
	callGroup
	callForm
)

// remember keeps one event in 32, of which some are sent again later.
func (m *Mix) remember(call int, event []byte) {
	if m.events == nil {
		m.events = make([][]byte, 0, 64)
	}
	if m.sent%32 != 0 {
		return
	}
	if len(m.events) < cap(m.events) {
		m.events = append(m.events, nil)
	}
	m.recent = (m.recent + 1) % len(m.events)
	m.events[m.recent] = append(append(m.events[m.recent][:0], byte(call)), event...)
}

func (m *Mix) step(b []byte, v *visit) ([]byte, int) {
	p := &v.person
	switch v.kind {
	case letter:
		return m.track(b, v, "Email Clicked", `"subject":"What others built this spring","letter":"2026-11"`), callTrack
	case webinar:
		return m.track(b, v, "Webinar Attended", `"title":"Total cost over five years","minutes":`+strconv.Itoa(5+m.r.IntN(55))), callTrack
	case company:
		b = m.head(b, v, "group")
		b = fmt.Appendf(b, `,"groupId":%q,"traits":{"name":%q,"industry":%q,"employees":%d,"domain":%q}}`, p.Domain, p.Company, p.Industry, p.Employees, p.Domain)
		return b, callGroup
	case identified:
		if v.step == 0 {
			return m.identify(b, v), callIdentify
		}
	case applicant:
		switch v.steps - v.step {
		case 2:
			return m.identify(b, v), callIdentify
		case 1:
			if m.single {
				return m.form(b, v), callForm
			}
			return m.track(b, v, "Form Submitted", `"form":"contact","message":"Please call me about bearings for a conveyor of 40 metres."`), callTrack
		}
	}
	if v.step > 0 && v.kind != robot {
		switch draw := m.r.IntN(100); {
		case draw < 6:
			return m.track(b, v, "Pricing Viewed", `"plan":"yearly"`), callTrack
		case draw < 9:
			return m.track(b, v, "Content Downloaded", `"asset":"`+choose(m.r.Uint64(), "sizing_guide", "total_cost_report", "price_list")+`"`), callTrack
		case draw < 10 && v.kind == identified:
			return m.track(b, v, "Demo Requested", `"from":"pricing"`), callTrack
		}
	}
	return m.page(b, v), callPage
}

// head begins an event: what it is, whom it is about, and its name.
func (m *Mix) head(b []byte, v *visit, call string) []byte {
	b = append(append(append(b, `{"timestamp":"`...), m.moment...), `","integrations":{},"type":"`...)
	b = append(append(b, call...), '"')
	switch v.kind {
	case letter, webinar, company: // from a program, which has never seen the browser
	default:
		b = append(append(append(b, `,"anonymousId":"`...), v.person.Browser...), '"')
	}
	switch v.kind {
	case returning, newcomer, robot:
	case applicant:
		if call == "page" {
			break
		}
		fallthrough
	default:
		b = append(append(append(b, `,"userId":"`...), v.person.User...), '"')
	}
	return append(m.name(append(b, `,"messageId":"`...), v), '"')
}

// name appends the ID of a message, as the library that sends it makes one: the libraries for browsers and Node begin it
// with the time, others only draw it.
func (m *Mix) name(b []byte, v *visit) []byte {
	switch v.kind {
	case letter, company:
	case webinar:
		b = append(strconv.AppendInt(append(b, "node-next-"...), m.millis, 10), '-')
	default:
		b = append(strconv.AppendInt(append(b, "ajs-next-"...), m.millis, 10), '-')
	}
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], m.names.Uint64()&^0xf000|0x4000)
	binary.BigEndian.PutUint64(id[8:], m.names.Uint64()>>2|1<<63)
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

func (m *Mix) identify(b []byte, v *visit) []byte {
	p := &v.person
	title := p.Title
	if m.r.IntN(20) == 0 {
		title = "Head of Everything" // people move on
	}
	b = m.head(b, v, "identify")
	b = fmt.Appendf(b, `,"traits":{"email":%q,"name":%q,"title":%q,"seniority":%q,"country":%q,"company":{"name":%q,"domain":%q,"industry":%q,"employee_count":%d}}`,
		p.Email, p.Name, title, p.Seniority, p.Country, p.Company, p.Domain, p.Industry, p.Employees)
	return append(m.about(b, v, 0), '}')
}

func (m *Mix) track(b []byte, v *visit, event, properties string) []byte {
	b = append(append(m.head(b, v, "track"), `,"event":"`...), event...)
	b = append(append(append(b, `","properties":{`...), properties...), '}')
	return append(m.about(b, v, 0), '}')
}

func (m *Mix) page(b []byte, v *visit) []byte {
	n := m.r.IntN(len(sites))
	s := &sites[n]
	b = m.head(b, v, "page")
	b = fmt.Appendf(b, `,"name":%q,"properties":{"path":%q,"url":"https://www.northwind.example%s","title":%q,"referrer":%q,"search":""}`, s.title, s.path, s.path, s.title, v.landed)
	return append(m.about(b, v, n), '}')
}

// about appends the context of an event, as a browser's library gives it or as a program's does.
func (m *Mix) about(b []byte, v *visit, page int) []byte {
	switch v.kind {
	case letter, webinar, company:
		return append(b, `,"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"_metadata":{"nodeVersion":"v24.11.0","jsRuntime":"node"}`...)
	}
	s := &sites[page]
	b = append(b, `,"context":{"page":{"path":"`...)
	b = append(append(append(b, s.path...), `","referrer":"`...), v.landed...)
	b = append(append(append(b, `","search":"","title":"`...), s.title...), `","url":"https://www.northwind.example`...)
	b = append(append(append(b, s.path...), `"},"userAgent":"`...), v.agent...)
	b = append(append(append(b, `","locale":"`...), v.lang...), `","timezone":"Europe/Stockholm","library":{"name":"analytics.js","version":"next-1.81.0"}`...)
	if v.kind == newcomer && v.step == 0 && v.landed != "" {
		b = append(b, `,"campaign":{"name":"spring-bearings","source":"google","medium":"cpc"}`...)
	}
	return append(b, '}')
}

// form is what a plain form posts.
func (m *Mix) form(b []byte, v *visit) []byte {
	p := &v.person
	return append(b, url.Values{"_anonymous_id": {p.Browser}, "_id": {m.run + "-" + strconv.Itoa(m.sent)}, "email": {p.Email}, "name": {p.Name},
		"company": {p.Company}, "consent": {"on"}, "consent_text": {"You may write to me about products."}}.Encode()...)
}
