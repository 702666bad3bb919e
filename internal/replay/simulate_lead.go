package replay

import (
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// arrive makes somebody known: who they are, and the first thing they did.
func (s *simulation) arrive(p *prospect) error {
	m, c := &s.m, &p.c
	src := &m.Sources[p.source]
	in := lifecycle.Input{Kind: lifecycle.Identify, Values: s.introduce(p), Origin: agreement.Marketing}
	if c.hit(m.SalesBrought) {
		if i := c.pick(len(s.team), func(i int) int { return s.team[i].Named }); i >= 0 {
			in.Origin, in.Actor = agreement.Sales, s.team[i].ID
			p.heat += 150
		}
	}
	a := &lifecycle.Arrival{Input: in, Keys: p.keys}
	if co := p.company; co != nil {
		a.Account, a.AccountName = co.account, co.name
	}
	s.visit(p, c.exponential(2*simDay))
	s.at(s.now+c.lognormal(40*simMinute, 1500), event{kind: evEnrich, p: p})
	if c.hit(m.Objects) {
		s.at(s.now+c.exponential(25*simDay), event{kind: evObject, p: p})
	}
	if in.Actor != "" && p.company != nil && !p.company.owned && c.hit(500) {
		p.company.owner = in.Actor
	}
	first := s.first(src, c)
	if c.hit(src.Late) {
		// both are on a list that somebody imports the next working morning
		known := s.listed(c)
		a.Input.At = s.now
		s.at(known, event{kind: evDeliver, p: p, arrival: a})
		if first >= 0 {
			act := s.activityOf(p, first, false)
			act.Input.At = s.now
			s.at(known+simSecond, event{kind: evDeliver, p: p, arrival: act})
		}
		return nil
	}
	if first >= 0 {
		s.at(s.now+c.between(1, 40)*simSecond, event{kind: evAct, p: p, n: first})
	}
	return s.send(p, a)
}

// listed returns when a list of today is imported: a morning, the next time anybody works.
func (s *simulation) listed(c *chance) int64 {
	return s.clock(s.working(s.morning(s.now)+30*simHour), 7, 0, 0) + c.between(0, 140)*simMinute
}

// first draws what a lead of a source does first, -1 for nothing that the agreement knows.
func (s *simulation) first(src *SourceModel, c *chance) int {
	var known []int
	for _, name := range src.First {
		i := slices.IndexFunc(s.m.Activities, func(a ActivityModel) bool { return a.Name == name })
		if i >= 0 && s.activity[i] >= 0 {
			known = append(known, i)
		}
	}
	if len(known) == 0 {
		return -1
	}
	return known[c.below(int64(len(known)))]
}

func (s *simulation) tellCompany(p *prospect) error {
	co := p.company
	if co == nil || p.gone || p.lead == 0 {
		return nil
	}
	if co.owner != "" && !co.owned {
		co.owned = true
		s.at(s.now+simMinute, event{kind: evOwn, p: p, member: co.owner})
	}
	if co.told {
		return nil
	}
	return s.send(p, &lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Identify, Values: s.enrich(p)}, Account: co.account, AccountName: co.name})
}

func (s *simulation) own(p *prospect, member string) error {
	if s.world.Roster.Member(member) == nil {
		return nil
	}
	return s.tell(p, lifecycle.Input{Kind: lifecycle.OwnAccount, Name: member, Actor: s.managerOf(member)})
}

// activityOf makes an input of one of the model's activities.
func (s *simulation) activityOf(p *prospect, n int, robot bool) *lifecycle.Arrival {
	act, c := &s.m.Activities[n], &p.c
	slot := s.activity[n]
	in := lifecycle.Input{Kind: lifecycle.Did, Name: act.Name, Bot: robot}
	if len(act.Assets) > 0 {
		if asset := c.one(act.Assets); asset != "*" {
			if _, ok := s.plan.Index.Asset[asset]; ok {
				in.Asset = asset
			}
		} else if n := len(s.plan.Assets); n > 0 {
			// the hot ones take what tells more
			j := c.pick(n, func(i int) int {
				if s.plan.Assets[i].Worth >= 3 {
					return int(200 + p.heat)
				}
				return 1000
			})
			in.Asset = s.plan.Assets[j].Name
		}
	}
	for _, property := range s.plan.Activities[slot].Properties {
		a := &s.plan.Properties[property]
		for i := range s.m.Properties {
			t := &s.m.Properties[i]
			if t.Name != a.Name || len(t.Values) == 0 {
				continue
			}
			text := agreement.TextValue(c.one(t.Values))
			if v, ok := fitting(s.plan, a, text, nil); ok {
				in.Values = append(in.Values, lifecycle.Named{Name: a.Name, Value: v})
			}
		}
	}
	slices.SortFunc(in.Values, func(a, b lifecycle.Named) int { return strings.Compare(a.Name, b.Name) })
	return &lifecycle.Arrival{Input: in}
}

// act does an activity now. Some become known late, and some are sent twice.
func (s *simulation) act(p *prospect, n int, robot bool) error {
	c := &p.c
	if p.gone || p.lead == 0 {
		return nil
	}
	a := s.activityOf(p, n, robot)
	if c.hit(s.m.Activities[n].Late) {
		a.Input.At = s.now
		s.at(s.listed(c), event{kind: evDeliver, p: p, arrival: a})
		return nil
	}
	if err := s.send(p, a); err != nil {
		return err
	}
	if c.hit(s.m.Duplicate) {
		twin := *a
		s.at(s.now+c.lognormal(5*simMinute, 2500), event{kind: evDeliver, p: p, arrival: &twin})
	}
	if !robot && c.hit(s.m.Activities[n].Consents) {
		return s.tell(p, lifecycle.Input{Kind: lifecycle.Consented, Name: "granted", Text: "ticked on the form"})
	}
	return nil
}

// session is a visit: a few things done within minutes. The next one comes after days, and the
// less they want, the likelier it never comes.
func (s *simulation) session(p *prospect) error {
	m, c := &s.m, &p.c
	if p.gone {
		return nil
	}
	heat := p.heat
	l := s.world.Lead(p.lead)
	if l == nil { // still on a list
		s.at(s.now+simDay, event{kind: evSession, p: p})
		return nil
	}
	stage := &s.plan.Stages[l.Stage]
	if stage.Final != agreement.NotFinal {
		p.quiet = true
		if !c.hit(60) {
			return nil
		}
		heat = 0 // they read on now and then
	} else if stage.Side == agreement.Sales {
		heat = heat * 2 / 3 // they talk to a person instead
	}
	p.sessions++
	at := s.now
	for range 1 + c.below(2+heat/300) {
		n := c.pick(len(m.Activities), func(i int) int {
			if s.activity[i] < 0 {
				return 0
			}
			return (m.Activities[i].Cold*int(1000-heat) + m.Activities[i].Hot*int(heat)) / 100
		})
		act := &m.Activities[n]
		if act.Held > 0 {
			s.at(s.held(act.Held), event{kind: evAct, p: p, n: n})
			continue
		}
		for {
			at += c.lognormal(50*simSecond, 1200)
			s.at(at, event{kind: evAct, p: p, n: n})
			if !c.hit(act.Again) {
				break
			}
		}
	}
	p.heat = min(max(p.heat+c.normal()*60/1000+15, 10), 1000)
	if c.hit(m.Quiet-int(heat/4)) || p.sessions > 16 {
		p.quiet = true
		return nil
	}
	gap := c.lognormal(m.SessionGap*simDay/1000*600/(300+heat), 1400)
	s.visit(p, gap)
	return nil
}

// visit plans a session after about so long, on a day and at an hour when people read.
func (s *simulation) visit(p *prospect, gap int64) {
	c := &p.c
	most := slices.Max(s.m.Weekdays[:])
	day := s.now + gap
	for range 6 {
		if c.below(int64(most)) < int64(s.m.Weekdays[time.UnixMicro(day).In(s.plan.Calendar.Zone()).Weekday()]) {
			break
		}
		day += simDay
	}
	at := s.hour(s.morning(day), c)
	if at <= s.now { // today, and the hour has passed
		at = s.now + c.exponential(40*simMinute)
	}
	s.at(at, event{kind: evSession, p: p})
}

// held returns when what is held every so many days is held next.
func (s *simulation) held(every int) int64 {
	day := s.morning(s.now) + 14*simHour
	for range 2 * every {
		at := s.clock(day, 14, 5, 0)
		number := int(at / simDay)
		// 1970-01-01 was a Thursday: weeks of this count begin with it
		if number%7 == 0 && number/7%max(1, every/7) == 0 && at > s.now+simHour {
			return at
		}
		day += simDay
	}
	return day
}

// stir brings a lead back to reading.
func (s *simulation) stir(p *prospect, by int64) {
	p.heat = min(max(p.heat+by, 10), 1000)
	if p.quiet || p.sessions > 12 {
		p.quiet, p.sessions = false, min(p.sessions, 8)
		s.visit(p, p.c.exponential(4*simDay))
	}
}

// letter sends the newsletter to everybody; n counts the days.
func (s *simulation) letter(n int) error {
	find := func(name string) int {
		i := slices.IndexFunc(s.m.Activities, func(a ActivityModel) bool { return a.Name == name })
		if i < 0 || s.activity[i] < 0 {
			return -1
		}
		return i
	}
	opened, clicked, page := find("email_opened"), find("email_clicked"), find("page_viewed")
	_, leaves := s.plan.Index.Activity["unsubscribed"]
	for _, p := range s.leads {
		c := &p.c
		if p.lead == 0 || p.gone || p.noMail || !s.may(p, lifecycle.Speaker{Side: agreement.Marketing}, "newsletter") {
			continue
		}
		if s.wrote != nil {
			s.wrote(p, "", "newsletter")
		}
		if clicked >= 0 && c.hit(s.m.Robot) {
			// a scanner follows every link before the letter is read
			for k := range int64(3) {
				robot := s.activityOf(p, clicked, true)
				s.at(s.now+(2+k)*simSecond, event{kind: evDeliver, p: p, arrival: robot})
			}
		}
		if !c.hit(s.m.Opens + int(p.heat/10)) {
			continue
		}
		at := s.now + c.lognormal(3*simHour, 2500)
		if opened >= 0 {
			s.at(at, event{kind: evAct, p: p, n: opened})
		}
		if c.hit(s.m.Unsubscribes) {
			p.noMail = true
			if leaves {
				s.at(at+simMinute, event{kind: evDeliver, p: p, arrival: &lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Did, Name: "unsubscribed"}}})
			}
			s.at(at+simMinute+simSecond, event{kind: evDeliver, p: p, arrival: &lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Consented, Name: "withdrawn", Text: "link in the newsletter"}}})
			continue
		}
		if clicked >= 0 && c.hit(s.m.Clicks) {
			s.at(at+20*simSecond, event{kind: evAct, p: p, n: clicked})
			if page >= 0 {
				s.at(at+35*simSecond, event{kind: evAct, p: p, n: page})
			}
			s.stir(p, 10)
		}
	}
	return nil
}

// object says, for good, that they want to be left alone.
func (s *simulation) object(p *prospect) error {
	if p.lead == 0 || p.gone {
		return nil
	}
	if err := s.tell(p, lifecycle.Input{Kind: lifecycle.Consented, Name: "objected", Text: "asked in a reply to be left alone"}); err != nil {
		return err
	}
	p.gone = true
	return nil
}
