package replay

import (
	"fmt"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/lifecycle"
)

// people makes the team: those of the model, and those whom the agreement names and the model does not.
func (s *simulation) people() {
	s.team = slices.Clone(s.m.Team)
	for i := range s.team {
		s.who[s.team[i].ID] = i + 1
	}
	for i := range s.plan.People {
		if p := &s.plan.People[i]; s.who[p.ID] == 0 {
			s.team = append(s.team, MemberModel{ID: p.ID, Name: p.Name, Side: p.Side, Manager: p.Manager, Rep: p.Side != agreement.Marketing && len(p.Pools) > 0,
				Response: 35, Spread: 1600, Misses: 35, Named: 10})
			s.who[p.ID] = len(s.team)
		}
	}
}

func (s *simulation) plotTeam() {
	span := s.m.Until - s.m.From
	c := split(s.m.Seed, streamTeam, 0)
	for i := range s.team {
		t := &s.team[i]
		if !slices.ContainsFunc(s.plan.People, func(p agreement.Person) bool { return p.ID == t.ID }) {
			at := s.m.From
			if t.Joins > 0 {
				at = s.clock(s.working(s.m.From+span/1000*int64(t.Joins)), 9, 0, 0)
			}
			s.at(at, event{kind: evMember, n: i})
		}
		if t.Leaves > 0 {
			s.at(s.clock(s.working(s.m.From+span/1000*int64(t.Leaves)), 16, 30, 0), event{kind: evLeave, member: t.ID})
		}
		for _, away := range t.Away {
			from := s.working(s.m.From + span/1000*int64(away.From))
			said := s.clock(from, 7, int(c.below(50)), 0) // ill: said in the morning
			if away.Days > 2 {
				said = from - c.between(4, 20)*simDay + 10*simHour
			}
			to := s.morning(from + int64(away.Days)*simDay + 2*simHour)
			s.at(max(said, s.m.From+simMinute), event{kind: evAbsent, n: i, arrival: &lifecycle.Arrival{
				Input: lifecycle.Input{Kind: lifecycle.Absent, Name: t.ID, At: from, Due: to, Actor: t.ID}}})
		}
	}
}

func (s *simulation) join(n int) error {
	t := &s.team[n]
	p := &agreement.Person{ID: t.ID, Name: t.Name, Side: t.Side, Manager: t.Manager, Weight: max(1, t.Weight), Capacity: t.Capacity}
	for _, name := range t.Pools {
		if slot, ok := s.plan.Index.Pool[name]; ok {
			p.Pools = append(p.Pools, slot)
		}
	}
	if len(p.Pools) == 0 && len(t.Pools) > 0 && len(s.plan.Pools) > 0 {
		// an agreement with other pools than the model's
		p.Pools = []int{n % len(s.plan.Pools)}
	}
	return s.send(nil, &lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Joined, Name: t.ID, Member: p}})
}

func (s *simulation) absent(e *event) error {
	if s.world.Roster.Member(s.team[e.n].ID) == nil {
		return nil
	}
	return s.send(nil, e.arrival)
}

// leave takes somebody out of the team. Their manager passes on what they have, one after the other.
func (s *simulation) leave(member string) error {
	if s.world.Roster.Member(member) == nil {
		return nil
	}
	if err := s.send(nil, &lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Left, Name: member}}); err != nil {
		return err
	}
	for _, p := range s.leads {
		if l := s.world.Lead(p.lead); l != nil && l.Stage >= 0 && l.Owner == member && s.world.plans[l.Version].Stages[l.Stage].Final == agreement.NotFinal {
			p.turn++ // what they had planned is off
			s.toManager(p, l)
		}
	}
	return nil
}

// here reports whether somebody is in the team now.
func (s *simulation) here(member string) bool {
	m := s.world.Roster.Member(member)
	return m != nil && !m.Inactive
}

func (s *simulation) managerOf(member string) string {
	if m := s.world.Roster.Member(member); m != nil {
		return m.Manager
	}
	return ""
}

// person returns the model of a member, nil for somebody who does not answer.
func (s *simulation) person(id string) *MemberModel {
	if i := s.who[id]; i > 0 {
		return &s.team[i-1]
	}
	return nil
}

// later returns when so many working minutes of a member have passed, absences left out.
func (s *simulation) later(member string, from, amount int64) int64 {
	m, cal := s.world.Roster.Member(member), lifecycle.HoursOf(s.plan, s.world.Roster, member)
	at := from
	for range 4 {
		at = cal.Add(at, calendar.Duration{Amount: max(amount, simMinute), Unit: calendar.WorkingTime})
		if m == nil {
			return at
		}
		i := slices.IndexFunc(m.Away, func(a lifecycle.Absence) bool { return a.From <= at && at < a.To })
		if i < 0 {
			return at
		}
		at, amount = m.Away[i].To, amount/4
	}
	return at
}

// delay draws how long a member takes, in working time; those with much to do take longer.
func (s *simulation) delay(p *prospect, t *MemberModel, minutes, spread int64) int64 {
	amount := p.c.lognormal(minutes*simMinute, spread)
	if m := s.world.Roster.Member(t.ID); m != nil && t.Load > 0 {
		amount += amount * int64(t.Load) * int64(m.Open) / 1000
	}
	return amount
}

// reply draws when a member answers; while all of sales is away together, nobody does.
func (s *simulation) reply(p *prospect, t *MemberModel, minutes, spread int64) int64 {
	amount := s.delay(p, t, minutes, spread)
	at := s.later(t.ID, s.reached(s.now), amount)
	for _, b := range s.m.Busy {
		from := s.working(s.m.From + (s.m.Until-s.m.From)/1000*int64(b.From))
		if to := s.morning(from + int64(b.Days)*simDay + 2*simHour); from <= at && at < to {
			return s.later(t.ID, to, amount)
		}
	}
	return at
}

// entered notes how far a lead has come.
func (s *simulation) entered(p *prospect, l *lifecycle.Lead, c *lifecycle.Change) {
	stage := &s.plan.Stages[s.plan.Index.Stage[c.To]]
	from, ok := s.plan.Index.Stage[c.From]
	if stage.Side == agreement.Sales && stage.Final == agreement.NotFinal {
		s.begin(p, l)
		if !ok || s.plan.Stages[from].Side != agreement.Sales {
			p.depth, p.tries, p.wrong, p.again, p.reached = 0, 0, 0, 0, false
		}
		p.depth++
	}
	if c.Name == "revisit" {
		// what was in the way is gone, or it is not
		p.luck = p.luck/2 + p.c.normal()*8/10 + 250
		s.stir(p, 250)
	}
}

// begin draws the fate of a lead once in each pass, when a person first talks to them.
func (s *simulation) begin(p *prospect, l *lifecycle.Lead) {
	if p.pass != l.Pass {
		p.pass, p.tries, p.wrong, p.asked, p.reached = l.Pass, 0, 0, 0, false
		p.fate = s.fateOf(p, l.Owner)
	}
}

// fateOf draws where a lead ends that sales takes on.
func (s *simulation) fateOf(p *prospect, owner string) int {
	m := &s.m
	x := (int64(m.WeightFit)*p.fit+int64(m.WeightIntent)*p.intent+int64(m.WeightLuck)*p.luck)/1000 + int64(m.Sources[p.source].Deal)
	if t := s.person(owner); t != nil {
		x += int64(t.Skill) / 2
	}
	fate := fateEarly
	for fate < fateWon && x >= int64(m.Cuts[fate]) {
		fate++
	}
	return fate
}

// look plans what people do with a lead that has got a new holder or a new stage.
func (s *simulation) look(p *prospect, l *lifecycle.Lead) {
	p.turn++
	p.missed = false
	stage := &s.plan.Stages[l.Stage]
	pending := l.Handoff.Rule >= 0 && (l.Handoff.State == lifecycle.HandoffOpen || l.Handoff.State == lifecycle.HandoffEscalated)
	switch {
	case stage.Final != agreement.NotFinal || p.gone:
	case pending:
		s.offered(p, l)
	case stage.Side == agreement.Sales:
		s.planWork(p, l)
	case s.calls[l.Stage]:
		s.begin(p, l)
		s.planCall(p)
	}
}

// planCall plans a call of sales development, where marketing qualifies its leads on the phone.
func (s *simulation) planCall(p *prospect) {
	n := p.c.pick(len(s.team), func(i int) int {
		if s.world.Roster.Member(s.team[i].ID) == nil {
			return 0
		}
		return s.team[i].Queue
	})
	if n >= 0 {
		t := &s.team[n]
		s.at(s.later(t.ID, s.now, s.delay(p, t, s.m.CallAfter, s.m.Spread)), event{kind: evCall, p: p, turn: p.turn, member: t.ID})
	}
}

// call asks a lead of marketing what has to be known before sales gets it. If that does not take it on,
// marketing puts it aside.
func (s *simulation) call(e *event) error {
	p, c := e.p, &e.p.c
	if e.turn != p.turn || p.gone {
		return nil
	}
	if !s.may(p, lifecycle.Speaker{Member: e.member, Side: agreement.Sales}, "phone") {
		return nil
	}
	p.tries++
	reached := c.hit(s.m.Reached + int(p.heat/8))
	in := lifecycle.Input{Kind: lifecycle.Contact, Actor: e.member, Name: c.one(s.m.Missed)}
	if reached {
		in.Name = c.one(s.m.Met)
		in.Values = s.answers(p)
	}
	if err := s.tell(p, in); err != nil || e.turn != p.turn {
		return err
	}
	if !reached && p.tries < s.m.Tries || p.asked < len(s.plan.Questions) && p.fate > fateEarly {
		s.planCall(p)
		return nil
	}
	back := -1
	for i := range s.plan.Transitions {
		t := &s.plan.Transitions[i]
		l := s.world.Lead(p.lead)
		if t.By == agreement.Marketing && slices.Contains(t.From, l.Stage) && t.To != l.Stage && s.plan.Index.Offers[t.To] < 0 {
			if final := s.plan.Stages[t.To].Final; back < 0 || final == agreement.Disqualified && (p.junk != "" || p.badData) {
				back = i
			}
		}
	}
	if back < 0 {
		return nil
	}
	return s.tell(p, lifecycle.Input{Kind: lifecycle.Move, Actor: s.marketer(), Name: s.plan.Transitions[back].Name})
}

// marketer returns the first member of marketing, "" for none.
func (s *simulation) marketer() string {
	for i := range s.world.Roster.Members {
		if s.world.Roster.Members[i].Side == agreement.Marketing {
			return s.world.Roster.Members[i].ID
		}
	}
	return ""
}

// offered lets those who hold an open hand-off answer, sooner or later.
func (s *simulation) offered(p *prospect, l *lifecycle.Lead) {
	c := &p.c
	if l.Handoff.State == lifecycle.HandoffEscalated && !p.assigned {
		s.toManager(p, l)
		return
	}
	if l.Owner == "" {
		if l.Queue < 0 {
			s.toManager(p, l)
			return
		}
		// whoever is free takes it
		queues := slices.ContainsFunc(s.team, func(t MemberModel) bool { return t.Queue > 0 })
		n := c.pick(len(s.team), func(i int) int {
			t := &s.team[i]
			switch m := s.world.Roster.Member(t.ID); {
			case m == nil || m.Inactive || !t.Rep:
				return 0
			case queues:
				return t.Queue
			}
			return 1
		})
		if n >= 0 {
			s.at(s.reply(p, &s.team[n], s.m.QueueAfter, s.m.Spread), event{kind: evReact, p: p, turn: p.turn, member: s.team[n].ID})
		}
		return
	}
	t := s.person(l.Owner)
	if t == nil || !t.Rep {
		s.toManager(p, l)
		return
	}
	if p.missed = c.hit(t.Misses); p.missed {
		return
	}
	s.at(s.reply(p, t, t.Response, t.Spread), event{kind: evReact, p: p, turn: p.turn, member: t.ID})
}

func (s *simulation) toManager(p *prospect, l *lifecycle.Lead) {
	boss := s.managerOf(l.Owner)
	if boss == "" || l.Handoff.State == lifecycle.HandoffEscalated {
		boss = s.boss(l.Owner)
	}
	s.at(s.later(boss, s.now, p.c.lognormal(s.m.ManagerAfter*simMinute, s.m.Spread)), event{kind: evManage, p: p, turn: p.turn, member: boss})
}

// boss returns a member if they lead others, otherwise somebody who does.
func (s *simulation) boss(member string) string {
	first := ""
	for i := range s.world.Roster.Members {
		boss := s.world.Roster.Members[i].Manager
		if boss == member && member != "" {
			return member
		}
		if first == "" && s.world.Roster.Members[i].Side != agreement.Marketing {
			first = boss
		}
	}
	return first
}

// reminded makes somebody look who had not seen the lead, or had put it off.
func (s *simulation) reminded(p *prospect, l *lifecycle.Lead) {
	t := s.person(l.Owner)
	if t == nil || !t.Rep {
		return
	}
	pending := l.Handoff.State == lifecycle.HandoffOpen || l.Handoff.State == lifecycle.HandoffEscalated
	switch {
	case pending && p.missed && !p.c.hit(s.m.Ignores):
		p.missed = false
		s.at(s.reply(p, t, t.Response, t.Spread), event{kind: evReact, p: p, turn: p.turn, member: t.ID})
	case !pending && s.plan.Stages[l.Stage].Side == agreement.Sales && p.c.hit(600):
		p.turn++ // what was planned is done sooner
		s.at(s.later(t.ID, s.now, s.delay(p, t, 50, s.m.Spread)), event{kind: evWork, p: p, turn: p.turn, member: t.ID})
	}
}

// react is a rep's answer to a hand-off.
func (s *simulation) react(e *event) error {
	p, c := e.p, &e.p.c
	l := s.world.Lead(p.lead)
	if !s.here(e.member) {
		return nil
	}
	if e.turn != p.turn {
		// too late: it has moved on. Now and then somebody tries nevertheless, and is told so.
		if l.Owner != e.member && s.plan.Stages[l.Stage].Final == agreement.NotFinal && c.hit(s.m.TooLate) {
			return s.tell(p, lifecycle.Input{Kind: lifecycle.Accept, Actor: e.member})
		}
		return nil
	}
	h := &s.plan.Handoffs[l.Handoff.Rule]
	why := s.objection(p, s.person(e.member))
	if name := s.reason(why, h.Reject); why != "" && name != "" {
		in := lifecycle.Input{Kind: lifecycle.Reject, Actor: e.member, Name: name, Text: s.note(why, c)}
		if why == "no_fit" && len(l.Fit) > 0 && c.hit(300) {
			in.Clause = s.plan.Fit[l.Fit[c.below(int64(len(l.Fit)))]].Address
		}
		in.Due = s.comeback(name, c)
		return s.tell(p, in)
	}
	return s.tell(p, lifecycle.Input{Kind: lifecycle.Accept, Actor: e.member})
}

// objection returns why a rep rejects a lead, "" if they do not.
func (s *simulation) objection(p *prospect, t *MemberModel) string {
	for i := range s.m.Rejects {
		r := &s.m.Rejects[i]
		concerns := r.Of == ""
		switch r.Of {
		case "bad_data":
			concerns = p.badData
		case "poor_fit":
			concerns = p.fit < 500
		case "competitor", "student":
			concerns = p.junk == r.Of
		}
		if concerns && p.c.hit(r.Chance+t.Picky*r.Picky/1000) {
			return r.Why
		}
	}
	return ""
}

// comeback draws a date that a rep names for trying again, 0 for the agreement's.
func (s *simulation) comeback(reason string, c *chance) int64 {
	slot, ok := s.plan.Index.Handback[reason]
	if !ok || s.plan.Handbacks[slot].Revisit == 0 || !c.hit(s.m.Revisit) {
		return 0
	}
	return s.clock(s.working(s.now+c.between(14, 60)*simDay), 8, 0, 0)
}

// reason returns the agreement's name for why somebody says no; slots, if given, are those allowed.
func (s *simulation) reason(why string, slots []int) string {
	allowed := func(slot int) bool { return slots == nil || slices.Contains(slots, slot) }
	for i := range s.m.Reasons {
		if s.m.Reasons[i].Why != why {
			continue
		}
		for _, name := range s.m.Reasons[i].Names {
			if slot, ok := s.plan.Index.Handback[name]; ok && allowed(slot) {
				return name
			}
		}
	}
	for slot := range s.plan.Handbacks {
		if allowed(slot) {
			return s.plan.Handbacks[slot].Name
		}
	}
	return ""
}

// note returns what a rep writes beside a reason.
func (s *simulation) note(why string, c *chance) string {
	for i := range s.m.Reasons {
		if s.m.Reasons[i].Why == why {
			return c.one(s.m.Reasons[i].Notes)
		}
	}
	return ""
}

// manage is the manager with a lead that nobody has answered, or that nobody has.
func (s *simulation) manage(e *event) error {
	p, c := e.p, &e.p.c
	if e.turn != p.turn || p.gone || !s.here(e.member) {
		return nil
	}
	l := s.world.Lead(p.lead)
	pending := l.Handoff.State == lifecycle.HandoffOpen || l.Handoff.State == lifecycle.HandoffEscalated
	mine := l.Owner == e.member || s.managerOf(l.Owner) == e.member || l.Owner == "" && l.Queue >= 0
	if pending && mine && e.member != "" && c.hit(s.m.ManagerTakes) {
		return s.tell(p, lifecycle.Input{Kind: lifecycle.Accept, Actor: e.member})
	}
	// to whoever has least to do
	best := ""
	least := int64(0)
	for i := range s.world.Roster.Members {
		m := &s.world.Roster.Members[i]
		t := s.person(m.ID)
		away := slices.ContainsFunc(m.Away, func(a lifecycle.Absence) bool { return a.From <= s.now && s.now < a.To })
		if t == nil || !t.Rep || m.Inactive || away || m.ID == l.Owner || m.ID == e.member || slices.Contains(l.Handoff.Tried, m.ID) {
			continue
		}
		if load := int64(m.Open)*1000 + c.below(1000); best == "" || load < least {
			best, least = m.ID, load
		}
	}
	if best == "" {
		return nil
	}
	p.assigned = true
	return s.tell(p, lifecycle.Input{Kind: lifecycle.Assign, Actor: e.member, Name: best})
}

// planWork plans the next step of whoever works a lead.
func (s *simulation) planWork(p *prospect, l *lifecycle.Lead) {
	t := s.person(l.Owner)
	if t == nil {
		s.toManager(p, l)
		return
	}
	minutes := s.m.Decide[1]
	switch {
	case l.Handoff.Contacted == 0 && !p.reached:
		minutes = s.m.ContactAfter
		if p.tries == 0 && p.c.hit(s.m.CallsAtOnce) {
			minutes = 4 // accept and call
		}
	case p.asked < len(s.plan.Questions):
		minutes = s.m.TalkAgain
	case s.last[l.Stage]:
		minutes = s.m.Decide[2]
	case p.depth <= 1:
		minutes = s.m.Decide[0]
	}
	s.next(p, t, minutes)
}

func (s *simulation) next(p *prospect, t *MemberModel, minutes int64) {
	s.at(s.later(t.ID, s.now, s.delay(p, t, minutes, s.m.Spread)), event{kind: evWork, p: p, turn: p.turn, member: t.ID})
}

// work is one step with a lead that a rep has accepted: try to reach them, ask, and come to an end.
func (s *simulation) work(e *event) error {
	p, c := e.p, &e.p.c
	if e.turn != p.turn || p.gone {
		return nil
	}
	l := s.world.Lead(p.lead)
	t := s.person(l.Owner)
	if t == nil || !s.here(t.ID) || s.plan.Stages[l.Stage].Side != agreement.Sales {
		return nil
	}
	turn := p.turn
	if !s.may(p, lifecycle.Speaker{Member: t.ID, Side: agreement.Sales}, "phone") {
		return s.handBack(p, t, "silent")
	}
	if s.wrote != nil {
		s.wrote(p, t.ID, "phone")
	}
	switch {
	case !p.reached:
		p.tries++
		chances := s.m.Reached + int(p.heat/8)
		if p.badData {
			chances = 20
		}
		if !c.hit(chances) {
			outcome := c.one(s.m.Missed)
			if p.badData && c.hit(600) {
				outcome = "wrong_number"
				p.wrong++
			}
			if err := s.tell(p, lifecycle.Input{Kind: lifecycle.Contact, Actor: t.ID, Name: outcome}); err != nil {
				return err
			}
			switch {
			case p.wrong > 1:
				return s.handBack(p, t, "bad_data")
			case p.tries >= s.m.Tries:
				return s.handBack(p, t, "silent")
			case p.turn == turn:
				s.next(p, t, s.m.TryAgain*int64(1+p.tries/3))
			}
			return nil
		}
		p.reached = true
		return s.talk(p, t, c.one(s.m.Met))
	case p.asked < len(s.plan.Questions):
		return s.talk(p, t, c.one([]string{"connected", "meeting"}))
	}
	return s.conclude(p, t, l)
}

// talk is a conversation in which half of the questions are answered.
func (s *simulation) talk(p *prospect, t *MemberModel, outcome string) error {
	turn := p.turn
	if err := s.tell(p, lifecycle.Input{Kind: lifecycle.Contact, Actor: t.ID, Name: outcome, Values: s.answers(p)}); err != nil {
		return err
	}
	if p.turn == turn {
		s.planWork(p, s.world.Lead(p.lead))
	}
	return nil
}

// answers are what a lead says to the next half of the questions.
func (s *simulation) answers(p *prospect) []lifecycle.Named {
	var out []lifecycle.Named
	for half := (len(s.plan.Questions) + 1) / 2; half > 0 && p.asked < len(s.plan.Questions); half-- {
		out = append(out, s.answer(p, p.asked))
		p.asked++
	}
	slices.SortFunc(out, func(a, b lifecycle.Named) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// answer is what a lead says to a question of the agreement: one who may buy has what it takes.
func (s *simulation) answer(p *prospect, slot int) lifecycle.Named {
	q, c := &s.plan.Questions[slot], &p.c
	good := p.fate >= fateLate || p.fate == fateMiddle && slot < (len(s.plan.Questions)+1)/2
	a := agreement.Attribute{Kind: q.Kind, Choices: q.Choices}
	for i := range s.m.Questions {
		known := &s.m.Questions[i]
		list := known.Good
		if !good {
			list = known.Poor
		}
		if known.Name != q.Name || len(list) == 0 {
			continue
		}
		if v, ok := fitting(s.plan, &a, agreement.TextValue(c.one(list)), list); ok {
			return lifecycle.Named{Name: q.Name, Value: v}
		}
	}
	v := agreement.TextValue("said so")
	switch q.Kind {
	case agreement.Boolean:
		v = agreement.BooleanValue(good)
	case agreement.Number:
		v = agreement.NumberValue(float64(c.lognormal(s.m.Value, 1000)))
	case agreement.Date:
		v = agreement.DateValue(s.morning(s.now + c.between(20, 200)*simDay))
	case agreement.Choice:
		v = agreement.ChoiceValue(q.Choices[0])
		if !good {
			v = agreement.ChoiceValue(q.Choices[len(q.Choices)-1])
		}
	}
	return lifecycle.Named{Name: q.Name, Value: v}
}

// conclude takes the lead on, or brings it to the end that is its fate.
func (s *simulation) conclude(p *prospect, t *MemberModel, l *lifecycle.Lead) error {
	c := &p.c
	stage, last := l.Stage, s.last[l.Stage]
	switch {
	case p.fate == fateWon && (last || s.ends[agreement.Won][stage] && p.depth > 1 && c.hit(60)):
		size := int64(1000)
		if p.company != nil {
			size = 700 + min(p.company.employees, 6000)/2
		}
		value := c.lognormal(s.m.Value*size/1000, 700) / 100 * 100
		return s.tell(p, lifecycle.Input{Kind: lifecycle.Win, Actor: t.ID, Value: float64(value)})
	case p.fate == fateLate && last && !c.hit(s.m.LateBack):
		return s.lose(p, t)
	case p.fate == fateLate && last:
		return s.handBack(p, t, "timing")
	case p.fate == fateMiddle && (p.depth > 1 || last):
		if s.ends[agreement.Lost][stage] && c.hit(s.m.MiddleLost) {
			return s.lose(p, t)
		}
		return s.handBack(p, t, c.one(s.m.Middle))
	case p.fate == fateEarly:
		why := c.one(s.m.Early)
		if p.junk != "" {
			why = "no_fit"
		}
		return s.handBack(p, t, why)
	}
	if i := s.forward[stage]; i >= 0 {
		if w := s.plan.Worth; w != nil && s.plan.Transitions[i].To == w.Before {
			if on, err := s.qualify(p, t); err != nil || !on {
				return err
			}
		}
		return s.tell(p, lifecycle.Input{Kind: lifecycle.Move, Actor: t.ID, Name: s.plan.Transitions[i].Name})
	}
	// the agreement lets nobody take it on by hand: wait for what moves it by itself
	if p.again++; p.again > 4 {
		return s.handBack(p, t, "timing")
	}
	s.next(p, t, s.m.Decide[1])
	return nil
}

// qualify says what the agreement asks before sales puts its effort into a lead. If it is not worth it, sales walks away,
// and the lead does not go on.
func (s *simulation) qualify(p *prospect, t *MemberModel) (on bool, err error) {
	view := s.world.View(p.lead)
	if lifecycle.Qualify(s.plan, &view, s.now).Ready() {
		return true, nil
	}
	c, w := &p.c, s.plan.Worth
	var said []lifecycle.Named
	for i := range w.Asks {
		slot := w.Asks[i].Question
		named := lifecycle.Named{Name: s.plan.Questions[slot].Name, Value: agreement.BooleanValue(true)}
		if s.plan.Questions[slot].Kind != agreement.Boolean {
			named = s.answer(p, slot)
		}
		said = append(said, named)
	}
	slices.SortFunc(said, func(a, b lifecycle.Named) int { return strings.Compare(a.Name, b.Name) })
	turn := p.turn
	if len(said) > 0 {
		if err := s.tell(p, lifecycle.Input{Kind: lifecycle.Answered, Actor: t.ID, Values: said}); err != nil || p.turn != turn {
			return false, err
		}
	}
	estimate := lifecycle.Input{Kind: lifecycle.Estimate, Actor: t.ID, Value: float64(c.lognormal(s.m.Value, 700) / 100 * 100), Values: []lifecycle.Named{
		{Name: "effort", Value: agreement.NumberValue(float64(c.between(5, 60)))}, {Name: "probability", Value: agreement.NumberValue(float64(c.between(20, 60)) / 100)}}}
	if err := s.tell(p, estimate); err != nil || p.turn != turn {
		return false, err
	}
	view = s.world.View(p.lead)
	switch l := s.world.Lead(p.lead); {
	case lifecycle.Qualify(s.plan, &view, s.now).Ready():
		return true, nil
	case len(w.WalkAway) > 0 && s.ends[agreement.WalkedAway][l.Stage]:
		return false, s.tell(p, lifecycle.Input{Kind: lifecycle.WalkAway, Actor: t.ID, Name: w.WalkAway[0].Name})
	}
	return false, s.handBack(p, t, "timing")
}

func (s *simulation) lose(p *prospect, t *MemberModel) error {
	l := s.world.Lead(p.lead)
	if !s.ends[agreement.Lost][l.Stage] {
		return s.handBack(p, t, "timing")
	}
	reason := p.c.one(s.m.Lost)
	return s.tell(p, lifecycle.Input{Kind: lifecycle.Lose, Actor: t.ID, Name: reason, Text: fmt.Sprintf("lost: %s", reason)})
}

func (s *simulation) handBack(p *prospect, t *MemberModel, why string) error {
	name := s.reason(why, nil)
	if name == "" {
		return s.lose(p, t)
	}
	p.heat = max(10, p.heat-150)
	return s.tell(p, lifecycle.Input{Kind: lifecycle.HandBack, Actor: t.ID, Name: name, Text: s.note(why, &p.c), Due: s.comeback(name, &p.c)})
}
