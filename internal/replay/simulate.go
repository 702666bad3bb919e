package replay

import (
	"container/heap"
	"errors"
	"fmt"
	"strconv"
	"time"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// Simulate plays a model of people against an agreement: it runs a World, watches what it decides,
// and lets people answer. Each input from outside is passed to take in the order in which it became
// known; timers are not, for who decides the same inputs under the same agreement makes the same
// timers. The same plan and model give the same arrivals to the byte. progress, which may be nil, hears
// the time once for each simulated day. An error of take ends the simulation.
func Simulate(plan *agreement.Plan, m Model, take func(*lifecycle.Arrival) error, progress func(at int64)) error {
	s, err := newSimulation(plan, m)
	if err != nil {
		return fmt.Errorf("simulating: %w", err)
	}
	s.take, s.progress = take, progress
	if err := s.run(); err != nil {
		return fmt.Errorf("simulating: %w", err)
	}
	return nil
}

// The kinds of things that have a stream of chance of their own.
const (
	streamCompany = iota + 1
	streamLead
	streamTeam
)

// simulation is a model at play.
type simulation struct {
	plan     *agreement.Plan
	m        Model
	world    *World
	take     func(*lifecycle.Arrival) error
	progress func(at int64)
	watch    func(in *lifecycle.Input, d *lifecycle.Decision) // for tests
	wrote    func(p *prospect, member, channel string)        // for tests: somebody speaks to a lead

	now     int64
	queue   eventQueue
	planned int64 // events ever planned
	sent    int64 // inputs ever sent

	team     []MemberModel
	who      map[string]int // member -> team
	company  []company
	shares   []int64 // running sum of the companies' shares
	address  map[string]bool
	leads    []*prospect
	byLead   map[int64]*prospect
	current  *prospect // of the input being taken
	days     []int64   // local midnights of the time span
	activity []int     // Activities of the model -> slot, -1 for none
	forward  []int     // stage -> transition that sales takes towards a win, -1 for none
	last     []bool    // stage -> no stage of sales comes after it
	calls    []bool    // stage of marketing -> leads are qualified by hand there, for a hand-off
	ends     [5]map[int]bool
}

// what happens next
type eventKind uint8

const (
	evDay eventKind = iota
	evMember
	evAbsent
	evArrive
	evEnrich
	evSession
	evAct
	evDeliver
	evLetter
	evObject
	evReact
	evManage
	evWork
	evCall
	evOwn
	evLeave
	evActivate
)

type event struct {
	at, seq int64
	kind    eventKind
	turn    int32
	n       int // activity, member or absence
	p       *prospect
	member  string
	arrival *lifecycle.Arrival
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

// at plans an event. Instants are whole seconds and a little more, so that people and timers seldom meet.
func (s *simulation) at(at int64, e event) {
	e.at = max(at-at%simSecond+simSecond/2, s.now)
	s.planned++
	e.seq = s.planned
	heap.Push(&s.queue, e)
}

func newSimulation(plan *agreement.Plan, m Model) (*simulation, error) {
	switch {
	case m.Until-m.From < simDay:
		return nil, errors.New("the time span is shorter than a day")
	case m.Leads < 1 || len(m.Sources) == 0 || len(m.Regions) == 0:
		return nil, errors.New("the model needs leads, and at least one source and one region for them")
	case len(m.Activities) == 0:
		return nil, errors.New("the model names no activity")
	}
	s := &simulation{plan: plan, m: m, world: NewWorld(plan, 1), who: map[string]int{}, address: map[string]bool{}, byLead: map[int64]*prospect{}}
	s.world.Observe = s.observe
	some := false
	for i := range m.Activities {
		slot, ok := plan.Index.Activity[m.Activities[i].Name]
		if !ok {
			slot = -1
		}
		some = some || ok && m.Activities[i].Hot > 0
		s.activity = append(s.activity, slot)
	}
	if !some {
		return nil, fmt.Errorf("the agreement knows none of the model's activities (%s, …)", m.Activities[0].Name)
	}
	s.route()
	s.people()
	s.companies()
	sum := int64(0)
	for i := range s.company {
		sum += int64(max(1, s.company[i].share))
		s.shares = append(s.shares, sum)
	}
	zone := plan.Calendar.Zone()
	from := time.UnixMicro(m.From).In(zone)
	for i := 0; ; i++ {
		midnight := time.Date(from.Year(), from.Month(), from.Day()+i, 0, 0, 0, 0, zone).UnixMicro()
		if midnight >= m.Until {
			break
		}
		s.days = append(s.days, midnight)
	}
	s.now = m.From
	s.plot()
	return s, nil
}

// activate lets another version of the agreement decide from now on.
func (s *simulation) activate(plan *agreement.Plan) error {
	s.plan = plan // what it decides is looked at under it
	s.route()
	return s.world.Activate(plan, s.now)
}

// may reports whether somebody may speak to a lead now.
func (s *simulation) may(p *prospect, who lifecycle.Speaker, channel string) bool {
	if !s.m.Asks {
		return true
	}
	view := s.world.View(p.lead)
	if view.Lead == nil || view.Lead.Stage < 0 {
		return false
	}
	return lifecycle.May(s.world.plans[view.Lead.Version], &view, who, channel, s.now).Allowed
}

// reached returns when an alert that is sent at an instant arrives: at once, or when the mail works again.
func (s *simulation) reached(at int64) int64 {
	for _, o := range s.m.Outages {
		from := s.m.From + (s.m.Until-s.m.From)/1000*int64(o.From)
		if to := from + int64(o.Days)*simDay; from <= at && at < to {
			return to
		}
	}
	return at
}

// route finds the way of a lead through the stages of sales.
func (s *simulation) route() {
	plan := s.plan
	for i := range s.ends {
		s.ends[i] = map[int]bool{}
	}
	s.forward = make([]int, len(plan.Stages))
	s.last = make([]bool, len(plan.Stages))
	s.calls = make([]bool, len(plan.Stages))
	for i := range plan.Stages {
		s.forward[i], s.last[i] = -1, true
	}
	ahead := func(from, to int) bool {
		return to > from && plan.Stages[to].Side == agreement.Sales && plan.Stages[to].Final == agreement.NotFinal
	}
	for i := range plan.Transitions {
		t := &plan.Transitions[i]
		for _, from := range t.From {
			if final := plan.Stages[t.To].Final; final != agreement.NotFinal {
				s.ends[final][from] = true
			}
			if t.By == agreement.Marketing && plan.Index.Offers[t.To] >= 0 && plan.Stages[from].Side == agreement.Marketing {
				s.calls[from] = true
			}
			if ahead(from, t.To) {
				s.last[from] = false
				if t.By == agreement.Sales && s.forward[from] < 0 {
					s.forward[from] = i
				}
			}
		}
	}
	for i := range plan.Handoffs {
		if h := &plan.Handoffs[i]; ahead(h.From, h.To) {
			s.last[h.From] = false
		}
	}
}

// plot plans what does not depend on anything: the days, the team's comings and goings, the letters, and
// when each lead appears.
func (s *simulation) plot() {
	m := &s.m
	span := m.Until - m.From
	s.plotTeam()
	for i := range m.Versions {
		s.at(s.clock(s.working(m.From+span/1000*int64(m.Versions[i].From)), 11, 7, 0), event{kind: evActivate, n: i})
	}
	zone := s.plan.Calendar.Zone()
	for i, midnight := range s.days {
		s.at(midnight, event{kind: evDay, n: i})
		day := time.UnixMicro(midnight).In(zone)
		if day.Weekday() == time.Tuesday && i/7%2 == 1 {
			s.at(s.clock(midnight, 9, 2, 0), event{kind: evLetter, n: i})
		}
	}
	weight := make([]int, len(s.days))
	for i, midnight := range s.days {
		weekday := time.UnixMicro(midnight).In(zone).Weekday()
		weight[i] = m.Weekdays[weekday] * (1000 + m.Growth*i/len(s.days))
	}
	for i := range m.Leads {
		p := s.meet(i)
		s.leads = append(s.leads, p)
		src := &m.Sources[p.source]
		var at int64
		if len(src.Days) > 0 && p.c.hit(850) {
			day := s.working(m.From + span/1000*int64(src.Days[p.c.below(int64(len(src.Days)))]))
			at = s.clock(day, int(p.c.between(9, 16)), int(p.c.below(60)), int(p.c.below(60)))
		} else {
			at = s.hour(s.days[max(0, p.c.pick(len(weight), func(i int) int { return weight[i] }))], &p.c)
		}
		if at < m.From {
			at = m.From + p.c.below(6*simHour)
		}
		s.at(at, event{kind: evArrive, p: p})
	}
}

// hour draws a local time of the day that begins at an instant.
func (s *simulation) hour(midnight int64, c *chance) int64 {
	h := c.pick(24, func(i int) int { return s.m.Hours[i] })
	return s.clock(midnight, max(0, h), int(c.below(60)), int(c.below(60)))
}

// clock returns a local time of the day of an instant.
func (s *simulation) clock(at int64, hour, minute, second int) int64 {
	day := time.UnixMicro(at).In(s.plan.Calendar.Zone())
	return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, 0, day.Location()).UnixMicro()
}

// morning returns the local midnight of the day of an instant.
func (s *simulation) morning(at int64) int64 { return s.clock(at, 0, 0, 0) }

// working returns the midnight of the first working day from an instant on.
func (s *simulation) working(at int64) int64 {
	day := s.morning(at)
	open := s.plan.Calendar.NextOpening(day)
	if open == agreement.Never {
		return day
	}
	return s.morning(open)
}

// run plays until the end of the time span.
func (s *simulation) run() error {
	for {
		next := agreement.Never
		if len(s.queue) > 0 {
			next = s.queue[0].at
		}
		if len(s.world.due) > 0 && s.world.due[0].at <= next {
			// a timer comes first, and what it decides may make people act before anything else
			if s.world.due[0].at >= s.m.Until {
				return nil
			}
			s.now = max(s.now, s.world.due[0].at)
			s.world.Until(s.world.due[0].at)
			continue
		}
		if next >= s.m.Until {
			return nil
		}
		e := heap.Pop(&s.queue).(event)
		s.now = e.at
		if err := s.play(&e); err != nil {
			return err
		}
	}
}

func (s *simulation) play(e *event) error {
	if e.p != nil && e.p.lead != 0 {
		if l := s.world.Lead(e.p.lead); l == nil || l.Stage < 0 {
			return nil // it was erased, or goes on as another
		}
	}
	switch e.kind {
	case evDay:
		if s.progress != nil {
			s.progress(s.now)
		}
	case evMember:
		return s.join(e.n)
	case evAbsent:
		return s.absent(e)
	case evArrive:
		return s.arrive(e.p)
	case evEnrich:
		return s.tellCompany(e.p)
	case evSession:
		return s.session(e.p)
	case evAct:
		return s.act(e.p, e.n, false)
	case evDeliver:
		if e.p != nil && e.p.gone {
			return nil
		}
		return s.send(e.p, e.arrival)
	case evLetter:
		return s.letter(e.n)
	case evObject:
		return s.object(e.p)
	case evReact:
		return s.react(e)
	case evManage:
		return s.manage(e)
	case evWork:
		return s.work(e)
	case evCall:
		return s.call(e)
	case evOwn:
		return s.own(e.p, e.member)
	case evLeave:
		return s.leave(e.member)
	case evActivate:
		return s.activate(s.m.Versions[e.n].Plan)
	}
	return nil
}

// send has the world decide an input that is known now, and passes it on.
func (s *simulation) send(p *prospect, a *lifecycle.Arrival) error {
	in := &a.Input
	in.Known = s.now
	if in.At == 0 {
		in.At = s.now
	}
	if in.Key == "" {
		s.sent++
		in.Source, in.Key = "simulation", "s"+strconv.FormatInt(s.sent, 10)
	}
	if p != nil {
		a.Keys = p.keys
		if in.Kind == lifecycle.Did || in.Kind == lifecycle.Identify && p.i%2 == 0 { // of some only what they did
			in.Import = p.brought
		}
	}
	s.current = p
	s.world.Take(a)
	s.current = nil
	if s.take == nil {
		return nil
	}
	return s.take(a)
}

// tell sends an input about a lead.
func (s *simulation) tell(p *prospect, in lifecycle.Input) error {
	return s.send(p, &lifecycle.Arrival{Input: in})
}

// observe looks at what the world has decided, for what people have to do next.
func (s *simulation) observe(in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View) {
	if s.watch != nil {
		s.watch(in, d)
	}
	if v.Lead == nil || in.Lead == 0 || v.Lead.Stage < 0 { // it was erased, or is another's now
		return
	}
	p := s.byLead[in.Lead]
	if p == nil {
		p = s.current
		p.lead = in.Lead
		s.byLead[in.Lead] = p
	}
	moved := false
	for i := range d.Changes {
		c := &d.Changes[i]
		switch c.Kind {
		case lifecycle.StageEntered:
			moved = true
			s.entered(p, v.Lead, c)
		case lifecycle.HandoffOffered:
			p.assigned = false
			moved = true
		case lifecycle.HandoffMoved, lifecycle.HandoffClosed, lifecycle.OwnerSet, lifecycle.QueueSet:
			moved = true
		}
	}
	if moved {
		s.look(p, v.Lead)
		return
	}
	for i := range d.Effects {
		if d.Effects[i].Kind == lifecycle.TellRemind && s.who[d.Effects[i].To] > 0 {
			s.reminded(p, v.Lead)
		}
	}
}
