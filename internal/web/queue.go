package web

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"baton/internal/engine"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// queuePage is the tele-qualification queue: the lead at hand, and who comes after.
type queuePage struct {
	None   bool      // the agreement has no queue
	Mine   *callCard // what the viewer has taken, nil for nothing
	Others []callRow // what else the viewer has taken
	First  *callCard // whom the viewer would get, nil for nobody
	Free   []callRow
	Rest   string // "and 17 more"
	Taken  []callRow
	Later  string // when the first of those who were tried may be called again
	Counts store.Calls
	Clause string
}

// callCard is a lead to call, and all that is asked of the call.
type callCard struct {
	leadRow
	Title     string
	Account   int64
	Place     string // why it stands where it does
	Opening   string // the next question to ask, as a sentence
	Did       []deed
	Questions []question
	Levels    []level
	Level     int
	Lease     timeLeft
	Tries     string
	Deadline  string // the clause of the time that is left
	Order     string // the clause of the order
	Facts     []lifecycle.NoticeFact
	Speak     string // why they may not be spoken to, "" for they may
	Outcomes  []reason
	Spacing   string // when they are called again if nobody is reached
}

// callRow is a lead of the queue, in a list.
type callRow struct {
	ID                   int64
	Name, Company, Grade string
	Why, Holder          string
	Left                 timeLeft
}

const mostCalls = 7

// showQueue makes ten queries: the roster, what waits in both bars, three parts of the queue, three counts, and the account of the card.
func showQueue(a *ask) (answer, error) {
	ctx, now := a.Context(), a.now.UnixMicro()
	p := &queuePage{None: a.plan.Tele == nil}
	if p.None {
		return page{title: "Queue", body: queueBody(p)}, nil
	}
	p.Clause = a.plan.Tele.Address
	read := func(state store.CallState, holder string, most int) ([]engine.QueueRow, error) {
		return engine.Queue(ctx, a.site.Store, a.site.API.PlanOf, state, holder, now, most)
	}
	mine, err := read(store.CallTaken, a.viewer.Email, mostCalls)
	if err != nil {
		return nil, err
	}
	free, err := read(store.CallFree, "", mostCalls)
	if err != nil {
		return nil, err
	}
	later, err := read(store.CallLater, "", 1)
	if err != nil {
		return nil, err
	}
	if p.Counts, err = a.site.Store.CountCalls(ctx); err != nil {
		return nil, err
	}
	for i := range mine {
		if i > 0 {
			p.Others = append(p.Others, a.callRow(&mine[i]))
		} else if p.Mine, err = a.callCard(&mine[i]); err != nil {
			return nil, err
		}
	}
	for i := range free {
		if i == 0 && p.Mine == nil {
			if p.First, err = a.callCard(&free[i]); err != nil {
				return nil, err
			}
			continue
		}
		p.Free = append(p.Free, a.callRow(&free[i]))
	}
	if more := p.Counts.Free - int64(len(free)); more > 0 {
		p.Rest = fmt.Sprintf("and %d more", more)
		if p.Counts.Free >= store.MostCalls {
			p.Rest = "and many more"
		}
	}
	if len(later) > 0 {
		p.Later = a.clockTime(later[0].Next)
	}
	waiting := strconv.FormatInt(p.Counts.Free, 10)
	if p.Counts.Free >= store.MostCalls {
		waiting += " or more"
	}
	state := waiting + " waiting"
	if p.Counts.Taken > 0 {
		state += fmt.Sprintf(" · %d being called", p.Counts.Taken)
	}
	if p.Counts.Later > 0 {
		state += fmt.Sprintf(" · %d tried, again later", p.Counts.Later)
	}
	return page{title: "Queue", body: queueBody(p), state: state, live: "queue"}, nil
}

func (a *ask) callRow(r *engine.QueueRow) callRow {
	v := callRow{ID: r.ID, Name: leadName(&r.ListedLead), Company: r.AccountName, Grade: r.CallPlace.Grade, Holder: a.nameOf(r.Holder), Left: a.callLeft(r)}
	if plan, err := a.site.API.PlanOf(a.Context(), r.Version); err == nil {
		v.Why = a.why(plan, r.Lead)
	}
	if r.Tries > 0 {
		v.Why = fmt.Sprintf("Tried %s; %s", times(r.Tries), strings.ToLower(v.Why[:1])+v.Why[1:])
	}
	return v
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

// callLeft is how much of the time to call is left.
func (a *ask) callLeft(r *engine.QueueRow) timeLeft {
	now := a.now.UnixMicro()
	whole := max(1, r.CallPlace.Due-r.Lead.Call.Since)
	t := timeLeft{State: "go", Share: min(1, max(0, float64(r.CallPlace.Due-now)/float64(whole))), Words: words(r.CallPlace.Due - now), By: "by " + a.clockTime(r.CallPlace.Due), Due: r.CallPlace.Due}
	switch {
	case r.CallPlace.Due <= now:
		t.State, t.Words = "late", "Over"
	case t.Share < .25:
		t.State = "soon"
	}
	t.Long = t.Words + " left to call, " + t.By
	if plan, err := a.site.API.PlanOf(a.Context(), r.Version); err == nil {
		for i := range r.Lead.Clocks {
			if k := &r.Lead.Clocks[i]; k.Name == r.CallPlace.Of {
				if left := a.left(plan, k); left.State == "paused" {
					return left
				}
			}
		}
	}
	return t
}

// callCard makes one query: the account.
func (a *ask) callCard(r *engine.QueueRow) (*callCard, error) {
	plan, view, err := a.site.API.ViewOf(a.Context(), &r.ListedLead)
	if err != nil {
		return nil, err
	}
	view.Roster = a.roster
	l, at := r.Lead, max(a.now.UnixMicro(), r.Lead.Clock)
	c := &callCard{Account: r.Account, Place: spaced(r.Reason), Level: l.Readiness, Deadline: r.Of, Order: a.plan.Tele.Address}
	if c.leadRow, err = a.leadRow(a.Context(), &r.ListedLead); err != nil {
		return nil, err
	}
	c.leadRow.From, c.Left = "/queue", a.callLeft(r)
	c.Title, c.Phone, c.Facts = known(plan, view, at)
	c.Did = a.deeds(plan, l, at)
	c.Questions = questions(plan, l)
	c.Levels = levels(plan, l, c.Questions)
	for i := range c.Questions {
		if q := &c.Questions[i]; q.Answer == "" && c.Opening == "" {
			c.Opening = "Ask about " + lowered(q.Label) + "."
			if q.Ask != "" {
				c.Opening = "“" + q.Ask + "”"
			}
		}
	}
	if r.Holder != "" {
		now := a.now.UnixMicro()
		whole := max(1, plan.Calendar.Add(now, plan.Tele.Lease)-now)
		c.Lease = timeLeft{State: "go", Share: min(1, max(0, float64(r.Until-now)/float64(whole))), Words: words(r.Until - now), By: "until " + a.clockTime(r.Until), Due: r.Until}
		if c.Lease.Share < .25 {
			c.Lease.State = "soon"
		}
		c.Lease.Long = "Yours for " + c.Lease.Words + ", " + c.Lease.By
	}
	c.Tries = "The first call"
	if r.Tries > 0 {
		c.Tries = fmt.Sprintf("Call %d of %d", r.Tries+1, r.Most)
	}
	if !plan.Tele.Spacing.IsZero() {
		c.Spacing = "in " + plan.Tele.Spacing.String()
	}
	for _, o := range callOutcomes {
		c.Outcomes = append(c.Outcomes, reason{Name: o.name, Words: o.words})
	}
	if v := lifecycle.May(plan, view, lifecycle.Speaker{Member: a.viewer.Email, Side: plan.Tele.By}, plan.Tele.Channel, at); v.Clause == "consent" {
		c.Speak = sentence(v.Text)
	}
	return c, nil
}

// callOutcomes are how a call can go, in the order of how often it does.
var callOutcomes = []struct{ name, words string }{
	{"connected", "Reached"}, {"no_answer", "No answer"}, {"voicemail", "Left a message"}, {"meeting", "Agreed a meeting"}, {"wrong_number", "Wrong number"},
}

// takeNext has the viewer take the next lead of the queue.
func takeNext(a *ask) (answer, error) {
	return a.next(nil)
}

// next takes the next lead, and tells what was done before that.
func (a *ask) next(said *flash) (answer, error) {
	in := lifecycle.Input{Actor: a.viewer.Email, Source: "web"}
	d, err := a.site.API.TakeNext(a.Context(), in, "")
	took := &flash{Text: "Yours to call"}
	switch {
	case errors.Is(err, engine.ErrNobodyWaits):
		took.Text = "Nobody waits to be called now."
	default:
		if err := took.outcome(d, err); err != nil {
			return nil, err
		}
		if !took.Refused {
			took = nil
		}
	}
	if said != nil && took != nil {
		said.Text += ". " + took.Text
	}
	return redirect{to: "/queue", said: cmp.Or(said, took)}, nil
}

// called writes down how a call went, with the answers, and takes the next lead if that was asked for.
func called(a *ask) (answer, error) {
	ref := a.PathValue("lead")
	said := &flash{Who: a.PostFormValue("who")}
	said.Lead, _ = strconv.ParseInt(ref, 10, 64)
	in := lifecycle.Input{Kind: lifecycle.Contact, Name: a.PostFormValue("outcome"), Text: a.PostFormValue("note"), Actor: a.viewer.Email, Source: "web"}
	var err error
	if in.Values, err = a.answers(); err != nil {
		if err := said.outcome(nil, err); err != nil {
			return nil, err
		}
		return a.refusedForm(said, "call", "/queue")
	}
	said.Text = "call written down: " + outcomeWords(in.Name)
	switch {
	case in.Name == "" && len(in.Values) == 0 && in.Text == "":
		said.Refused, said.Text = true, "Say how the call went, or write down an answer."
		return a.refusedForm(said, "call", "/queue")
	case in.Name == "":
		in.Kind = lifecycle.Answered // the call goes on
		said.Text = "answers kept"
	}
	if again := a.PostFormValue("again"); again != "" && in.Kind == lifecycle.Contact {
		t, err := time.ParseInLocation("2006-01-02T15:04", again, a.zone)
		if err != nil {
			said.Refused, said.Text = true, "The time to call again should be a day and a time, such as 2026-11-30 09:00."
			return a.refusedForm(said, "call", "/queue")
		}
		in.Due = t.UnixMicro()
	}
	once := ""
	if seen := a.PostFormValue("seen"); seen != "" {
		once = fmt.Sprintf("%d:%s:%s:call:%s", a.viewer.ID, ref, seen, in.Name)
	}
	d, err := a.site.API.Act(a.Context(), ref, lifecycle.Arrival{Input: in}, once)
	if err := said.outcome(d, err); err != nil {
		return nil, err
	}
	if !said.Refused && a.PostFormValue("then") == "next" {
		return a.next(said)
	}
	return a.refusedForm(said, "call", "/queue")
}

// takeCall takes one lead of the queue.
func takeCall(a *ask) (answer, error) {
	return a.queueAct("yours to call", lifecycle.Input{Kind: lifecycle.Take})
}

// releaseCall gives one back uncalled. What was written down by then is kept: a note, and answers.
func releaseCall(a *ask) (answer, error) {
	release := lifecycle.Input{Kind: lifecycle.Release, Text: a.PostFormValue("note")}
	answers, err := a.answers()
	switch {
	case err != nil:
		said := &flash{Who: a.PostFormValue("who")}
		said.Lead, _ = strconv.ParseInt(a.PathValue("lead"), 10, 64)
		if err := said.outcome(nil, err); err != nil {
			return nil, err
		}
		return a.refusedForm(said, a.formAct(), a.back("/queue"))
	case len(answers) > 0:
		return a.queueAct("given back to the queue, answers kept", release, lifecycle.Input{Kind: lifecycle.Answered, Values: answers})
	}
	return a.queueAct("given back to the queue", release)
}

// queueAct has inputs about a lead of the queue decided, one after the other, until one is refused.
func (a *ask) queueAct(done string, list ...lifecycle.Input) (answer, error) {
	ref := a.PathValue("lead")
	said := &flash{Who: a.PostFormValue("who"), Text: done}
	said.Lead, _ = strconv.ParseInt(ref, 10, 64)
	for _, in := range list {
		in.Actor, in.Source = a.viewer.Email, "web"
		d, err := a.site.API.Act(a.Context(), ref, lifecycle.Arrival{Input: in}, "")
		if err := said.outcome(d, err); err != nil {
			return nil, err
		}
		if said.Refused {
			break
		}
	}
	return a.refusedForm(said, a.formAct(), a.back("/queue"))
}

// waitingCalls counts the leads that may be called now.
func waitingCalls(a *ask) (int64, error) {
	if a.plan.Tele == nil {
		return 0, nil
	}
	return a.site.Store.CallsWaiting(a.Context())
}

// card is the card of the page, if it has one.
func (p *queuePage) card() *callCard { return cmp.Or(p.Mine, p.First) }

// callURL is where the forms of a call are sent.
func callURL(id int64, act string) templ.SafeURL {
	return templ.SafeURL("/queue/" + strconv.FormatInt(id, 10) + "/" + act)
}

// phoneDigits is a number as a telephone takes it.
func phoneDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '+' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func againHint(spacing string) string {
	if spacing == "" {
		return "optional"
	}
	return "left empty: " + spacing
}

// factLine writes some facts in a line: "manager · manufacturing · 623 employees · SE".
func factLine(facts []lifecycle.NoticeFact) string {
	var parts []string
	for _, f := range facts[:min(len(facts), 4)] {
		if _, err := strconv.ParseFloat(f.Value, 64); err == nil {
			f.Value += " " + lowered(shortFact(f.Name))
		}
		parts = append(parts, f.Value)
	}
	return strings.Join(parts, " · ")
}
