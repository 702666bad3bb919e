package document

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"baton/internal/agreement"
)

// describe turns a plan into a document: what both writers write.
func describe(p *agreement.Plan) *document {
	d := &document{title: p.Name}
	d.lead = say("Between marketing and sales. ")
	if p.Calendar != nil {
		d.lead = append(d.lead, say("Times are in the zone "+p.Calendar.Zone().String()+". ")...)
	}
	d.lead = append(d.lead, say("What is written small after a § is the address of the clause, by which decisions and reports cite it.")...)
	for _, s := range []*section{
		parties(p), goals(p), buyers(p), stages(p), score(p), readiness(p), handoffs(p), handbacks(p), tele(p), pursuit(p), assignment(p), absences(p),
		rules(p), clocks(p), alerts(p), promises(p), workingTime(p), vocabulary(p), team(p), renames(p),
	} {
		if len(s.blocks) > 0 {
			d.sections = append(d.sections, s)
		}
	}
	d.placeClauses(p)
	return d
}

func (s *section) say(clause string, parts ...any) {
	s.blocks = append(s.blocks, &paragraph{item{clause: clause, text: say(parts...)}})
}

func (s *section) part(words, clause string) {
	s.blocks = append(s.blocks, &heading{words: words, clause: clause})
}

func sideText(side agreement.Side) text {
	if side == agreement.Marketing {
		return text{"Marketing", marketingTone}
	}
	return text{"Sales", salesTone}
}

func parties(p *agreement.Plan) *section {
	s := &section{id: "parties", title: "Who agrees"}
	l := &list{}
	for i, party := range p.Parties {
		if party.Signatory == "" {
			continue
		}
		l.items = append(l.items, &item{clause: party.Address, text: say(sideText(agreement.Side(i+1)), ", for whom ", bold(personName(p, party.Signatory)), " signs.")})
	}
	if len(l.items) > 0 {
		s.blocks = append(s.blocks, l)
	}
	return s
}

func goals(p *agreement.Plan) *section {
	s := &section{id: "goals", title: "What we want"}
	l := &list{}
	for i := range p.Goals {
		l.items = append(l.items, &item{clause: p.Goals[i].Address, text: goalText(p, &p.Goals[i])})
	}
	if len(l.items) > 0 {
		s.say("", "Together:")
		s.blocks = append(s.blocks, l)
	}
	return s
}

func buyers(p *agreement.Plan) *section {
	s := &section{id: "target_buyer", title: "Who our buyer is"}
	for i := range p.Buyers {
		b := &p.Buyers[i]
		parts := say(bold(title(b.Name)), ". ")
		if b.Definition != "" {
			parts = append(parts, text{words: sentence(b.Definition) + " "})
		}
		if b.When != nil {
			parts = append(parts, say("We take somebody for one when ", condition(p, b.When), ".")...)
		}
		s.say(b.Address, parts)
	}
	return s
}

func stages(p *agreement.Plan) *section {
	s := &section{id: "stages", title: "How a lead moves"}
	if len(p.Stages) == 0 {
		return s
	}
	s.say("", "A lead is in exactly one stage, and each stage has one side that looks after it.")
	s.blocks = append(s.blocks, &drawn{})
	t := &table{caption: "Stages", head: []string{"Stage", "Side", "What it means", "At most"}}
	for i := range p.Stages {
		g := &p.Stages[i]
		means := say(sentence(g.Definition))
		if g.Final != agreement.NotFinal {
			means = append(means, text{words: strings.TrimSpace(" Ends a pass as " + phrase(g.Final.String()) + ".")})
			if g.Definition != "" {
				means[len(means)-1].words = " " + means[len(means)-1].words
			}
		}
		limit := ""
		if !g.Limit.IsZero() {
			limit = g.Limit.String()
			if len(g.OnBreach) > 0 {
				limit += ", then " + steps(p, g.OnBreach)
			}
		}
		var side []text
		if g.Side != agreement.NoSide {
			side = say(sideText(g.Side))
		}
		t.rows = append(t.rows, &row{clause: g.Address, cells: [][]text{say(bold(title(g.Name))), side, means, say(limit)}})
	}
	s.blocks = append(s.blocks, t)
	if len(p.Transitions) > 0 {
		s.part("Moves", "transitions")
		t := &table{caption: "Moves between stages", head: []string{"Move", "From", "To", "When"}}
		for i := range p.Transitions {
			m := &p.Transitions[i]
			from := make([]string, len(m.From))
			for j, f := range m.From {
				from[j] = stageName(p, f)
			}
			by := "a person moves it"
			if m.By != agreement.NoSide {
				by = "a person of " + m.By.String() + " moves it"
			}
			var when []text
			switch {
			case m.When == nil:
				when = say(capital(by) + ".")
			case m.By == agreement.NoSide:
				when = say("By itself, when ", condition(p, m.When), ".")
			default:
				when = say("By itself, when ", condition(p, m.When), "; or "+by+".")
			}
			t.rows = append(t.rows, &row{clause: m.Address, cells: [][]text{say(bold(title(m.Name))), say(join(from, "or")), say(stageName(p, m.To)), when}})
		}
		s.blocks = append(s.blocks, t)
	}
	s.part("The picture in words", "")
	l := &list{}
	for _, line := range moveSentences(p) {
		l.items = append(l.items, &item{text: say(line)})
	}
	s.blocks = append(s.blocks, l)
	return s
}

func score(p *agreement.Plan) *section {
	s := &section{id: "scoring", title: "Score"}
	if len(p.Fit)+len(p.Engagement) == 0 {
		return s
	}
	s.say("", "A score has two parts: ", bold("fit"), ", who somebody is, and ", bold("engagement"), ", what they did. Together they are the score, side by side the grade.")
	if len(p.Fit) > 0 {
		s.part("Fit", "scoring.fit")
		t := &table{caption: "Points for fit", head: []string{"What counts", "Points", "When"}, right: []bool{false, true, false}}
		for i := range p.Fit {
			f := &p.Fit[i]
			t.rows = append(t.rows, &row{clause: f.Address, cells: [][]text{say(bold(title(f.Name))), say(points(f.Points)), capitalText(condition(p, f.When))}})
		}
		s.blocks = append(s.blocks, t)
	}
	if len(p.Engagement) > 0 {
		s.part("Engagement", "scoring.engagement")
		t := &table{caption: "Points for engagement", head: []string{"What counts", "Points", "For", "How long, how often"}, right: []bool{false, true, false, false}}
		for i := range p.Engagement {
			e := &p.Engagement[i]
			t.rows = append(t.rows, &row{clause: e.Address, cells: [][]text{say(bold(title(e.Name))), say(points(e.Points)), deed(p, e), say(lasting(e))}})
		}
		s.blocks = append(s.blocks, t)
	}
	g := &p.Grade
	if g.Fit != [3]int64{} || g.Engagement != [3]int64{} {
		s.part("Grade", g.Address)
		s.say(g.FitClause.Address, bold("Fit"), ": ", bold("A"), " from "+plain(g.Fit[0])+" points, ", bold("B"), " from "+plain(g.Fit[1])+", ", bold("C"), " from "+plain(g.Fit[2])+", ", bold("D"), " below.")
		s.say(g.EngagementClause.Address, bold("Engagement"), ": ", bold("1"), " from "+plain(g.Engagement[0])+" points, ", bold("2"), " from "+plain(g.Engagement[1])+", ", bold("3"), " from "+plain(g.Engagement[2])+", ", bold("4"), " below.")
	}
	return s
}

// capitalText begins a cell with a capital letter, unless it is source.
func capitalText(list []text) []text {
	if len(list) > 0 && list[0].tone != sourceTone {
		list[0].words = capital(list[0].words)
	}
	return list
}

// deed says what an engagement rule gives points for.
func deed(p *agreement.Plan, e *agreement.EngagementRule) []text {
	var names []string
	for _, a := range e.Activities {
		if a >= 0 && a < len(p.Activities) {
			names = append(names, title(p.Activities[a].Name))
		}
	}
	out := say(join(names, "or"))
	if len(names) == 0 {
		out = say("Any activity")
	}
	if e.Asset >= 0 && e.Asset < len(p.Assets) {
		out = append(out, text{words: " with " + quoted(title(p.Assets[e.Asset].Name))})
	}
	if e.When != nil {
		out = append(out, say(", when ", condition(p, e.When))...)
	}
	return out
}

// lasting says how often a rule counts, and for how long.
func lasting(e *agreement.EngagementRule) string {
	var parts []string
	if e.AtMost > 0 {
		every := " in " + span(e.Per)
		if strings.HasPrefix(per(e.Per), "a") {
			every = " " + per(e.Per)
		}
		parts = append(parts, "at most "+times(e.AtMost)+every)
	}
	switch {
	case e.HalfLife > 0:
		parts = append(parts, "halves every "+span(e.HalfLife))
	case e.Expires > 0:
		parts = append(parts, "ends after "+span(e.Expires))
	default:
		parts = append(parts, "stays")
	}
	return capital(strings.Join(parts, "; "))
}

func readiness(p *agreement.Plan) *section {
	s := &section{id: "readiness", title: "Readiness"}
	if len(p.Readiness) == 0 {
		return s
	}
	s.say("", "How near somebody is to buying, from 1 to 5. The highest level whose condition holds is the one; without any it is 0.")
	t := &table{caption: "Levels of readiness", head: []string{"Level", "What it means", "When"}, right: []bool{true, false, false}}
	for i := range p.Readiness {
		r := &p.Readiness[i]
		t.rows = append(t.rows, &row{clause: r.Address, cells: [][]text{say(bold(strconv.Itoa(r.Level))), say(sentence(r.Definition)), capitalText(condition(p, r.When))}})
	}
	s.blocks = append(s.blocks, t)
	return s
}

func handoffs(p *agreement.Plan) *section {
	s := &section{id: "handoffs", title: "The hand-off"}
	for i := range p.Handoffs {
		h := &p.Handoffs[i]
		giver, taker := sides(p, h)
		s.part(title(h.Name), h.Address)
		offer := say(capital(giver)+" offers every lead that reaches ", bold(stageName(p, h.From)), ", with a brief. ")
		if h.AcceptWithin.IsZero() {
			offer = append(offer, say(capital(taker)+" accepts it or says why not. ")...)
		} else {
			offer = append(offer, say(capital(taker)+" has ", bold(h.AcceptWithin.String()), " to accept it or to say why not. ")...)
		}
		offer = append(offer, say("Once accepted, the lead is in ", bold(stageName(p, h.To)), ".")...)
		s.say(h.AcceptClause.Address, offer)
		if len(h.OnBreach) > 0 {
			s.say(ladderAddress(h.OnBreach, h.Address+".on_breach"), "When that time runs out, "+steps(p, h.OnBreach)+".")
		}
		if !h.ContactWithin.IsZero() {
			contact := say("Within ", bold(h.ContactWithin.String()), " of accepting, a person of "+taker+" has spoken to the lead; an automatic reply does not count. ")
			switch {
			case len(h.OnNoContact) > 0:
				contact = append(contact, text{words: "When that time runs out, " + steps(p, h.OnNoContact) + "."})
			case len(h.OnBreach) > 0:
				contact = append(contact, text{words: "When that time runs out, the same steps follow."})
			}
			s.say(h.ContactClause.Address, contact)
		}
		if words := reminded(h.Remind); words != "" {
			s.say(h.Address+".remind", capital(words)+" a deadline of it is over.")
		}
		if p.Index.Hours[h.AcceptClause.Address] != nil {
			s.say(h.Address+".hours", "Its deadlines run in working hours of their own, whosever the lead is.")
		}
		if len(h.Reject) > 0 {
			names := make([]string, 0, len(h.Reject))
			for _, r := range h.Reject {
				if r >= 0 && r < len(p.Handbacks) {
					names = append(names, phrase(p.Handbacks[r].Name))
				}
			}
			s.say(h.Address+".reject", capital(taker)+" may reject it, with one of these reasons: ", bold(join(names, "or")), ".")
		}
	}
	if len(p.Handoffs) > 0 {
		brief := "The brief names the " + strconv.Itoa(p.Brief.Activities) + " most telling things the lead did"
		if p.Brief.Activities <= 0 {
			brief = "The brief names the most telling things the lead did"
		}
		if len(p.Brief.Show) > 0 {
			names := make([]string, len(p.Brief.Show))
			for i, n := range p.Brief.Show {
				names[i] = attributeName(n)
			}
			brief += ", and its " + join(names, "and")
		} else {
			brief += ", and all that is known of it"
		}
		s.part("The brief", p.Brief.Address)
		s.say("", brief+".")
	}
	return s
}

// ladderAddress is the address of a ladder as a whole.
func ladderAddress(ladder []agreement.Step, otherwise string) string {
	if a := ladder[0].Address; a != "" {
		if i := strings.LastIndexByte(a, '.'); i > 0 && strings.HasSuffix(a[:i], ".on_breach") {
			return a[:i]
		}
	}
	return otherwise
}

func attributeName(name string) string { return phrase(strings.ReplaceAll(name, ".", " ")) }

func handbacks(p *agreement.Plan) *section {
	s := &section{id: "handbacks", title: "Handing a lead back"}
	if len(p.Handbacks) == 0 {
		return s
	}
	s.say("", "Sales may hand an accepted lead back. It gives one reason, and the reason decides what happens next.")
	t := &table{caption: "Reasons for handing back", head: []string{"Reason", "What it means", "What happens", "Kept of the score"}}
	for i := range p.Handbacks {
		h := &p.Handbacks[i]
		t.rows = append(t.rows, &row{clause: h.Address, cells: [][]text{say(bold(title(h.Name))), say(sentence(h.Definition)), say(consequence(p, h)), say(capital(kept(h.Keep)))}})
	}
	s.blocks = append(s.blocks, t)
	return s
}

// tele tells how leads are called before they are offered.
func tele(p *agreement.Plan) *section {
	s := &section{id: "tele", title: "Calling leads"}
	q := p.Tele
	if q == nil {
		return s
	}
	stages := make([]string, len(q.Stages))
	for i, g := range q.Stages {
		stages[i] = stageName(p, g)
	}
	words := say("")
	if q.Definition != "" {
		words = say(sentence(q.Definition) + " ")
	}
	words = append(words, say("A lead waits to be called while it is in "+join(stages, "or"))...)
	if q.When != nil {
		words = append(words, say(" and ", condition(p, q.When))...)
	}
	who := "whoever is in the team"
	if q.By != agreement.NoSide {
		who = "the people of " + q.By.String()
	}
	how := ""
	if q.Channel != "" {
		how = " by " + phrase(q.Channel)
	}
	words = append(words, say(", as long as "+who+" may speak to it"+how+".")...)
	s.say(q.Address, words)
	s.say("", "The order is always the same: the grade first, then the value of the most recent asset, then the time left. It is worked out again whenever something happens.")
	l := &list{}
	l.items = append(l.items, &item{clause: q.LeaseClause.Address, text: say("Whoever takes a lead has it to themselves for ", bold(q.Lease.String()), "; then it is free again.")},
		&item{clause: q.AttemptsClause.Address, text: say("We try ", bold(strconv.Itoa(q.Attempts)+" times over "+q.Over.String()), ". Reaching somebody begins the count again.")})
	if !q.Spacing.IsZero() {
		l.items = append(l.items, &item{clause: q.SpacingClause.Address, text: say("Between two tries lie at least ", bold(q.Spacing.String()), ", unless the lead asks for another time.")})
	}
	l.items = append(l.items, &item{clause: q.ExhaustedClause.Address, text: say("When the tries, or their time, are used up, the reason is ", bold(quoted(phrase(p.Handbacks[q.Exhausted].Name))), ".")})
	for i := range q.Outcomes {
		o := &q.Outcomes[i]
		l.items = append(l.items, &item{clause: o.Address, text: say("After a call with the outcome "+quoted(phrase(o.Outcome))+" the tries end at once: the reason is ", bold(quoted(phrase(p.Handbacks[o.Handback].Name))), ".")})
	}
	s.blocks = append(s.blocks, l)
	return s
}

// pursuit tells what sales asks itself before it puts its effort into a lead.
func pursuit(p *agreement.Plan) *section {
	s := &section{id: "pursuit", title: "Whether a lead is worth it"}
	w := p.Worth
	if w == nil {
		return s
	}
	words := say("")
	if w.Definition != "" {
		words = say(sentence(w.Definition) + " ")
	}
	if w.Before >= 0 {
		words = append(words, say("Before a lead goes to "+stageName(p, w.Before)+", sales answers what follows.")...)
	}
	s.say(w.Address, words)
	l := &list{}
	for i := range w.Asks {
		a, q := &w.Asks[i], &p.Questions[w.Asks[i].Question]
		text := say(bold(capital(orWords(q.Ask, phrase(q.Name)))))
		if a.Definition != "" {
			text = append(text, say(" "+sentence(a.Definition))...)
		}
		if a.When != nil {
			text = append(text, say(" It is met when ", condition(p, a.When), ".")...)
		}
		l.items = append(l.items, &item{clause: a.Address, text: text})
	}
	if w.AtLeast > 0 {
		l.items = append(l.items, &item{clause: w.ReturnClause.Address, text: say("What is expected of it (its value, as likely as it is won) is at least ", bold(figure(w.AtLeast)+" times"), " what its effort costs, at "+figure(w.HourCosts)+" an hour.")})
	}
	if len(l.items) > 0 {
		s.blocks = append(s.blocks, l)
	}
	l = &list{}
	for i, share := range w.Probability {
		if share > 0 {
			l.items = append(l.items, &item{clause: w.Address + ".probability." + p.Stages[i].Name, text: say(capital(stageName(p, i))+": ", bold(figure(100*share)+" %"))})
		}
	}
	if len(l.items) > 0 {
		s.part("How likely a lead is won, where nobody has said", "")
		s.blocks = append(s.blocks, l)
	}
	if len(w.Competitors) > 0 {
		s.part("Whom else they may buy from", "")
		t := &table{caption: "Competitors", head: []string{"Name", "Who they are", "Strong in", "What we say"}}
		for i := range w.Competitors {
			k := &w.Competitors[i]
			t.rows = append(t.rows, &row{clause: k.Address, cells: [][]text{say(bold(title(k.Name))), say(sentence(k.Definition)), say(capital(join(k.Strengths, "and"))), say(sentence(k.Answer))}})
		}
		s.blocks = append(s.blocks, t)
	}
	if len(w.WalkAway) > 0 {
		s.part("Walking away", "")
		s.say("", "Sales may leave a lead to others, with honour: it is neither lost nor anybody's failing. These are good reasons.")
		l := &list{}
		for i := range w.WalkAway {
			n := &w.WalkAway[i]
			text := say(bold(title(n.Name)))
			if n.Definition != "" {
				text = append(text, say(": "+sentence(n.Definition))...)
			}
			l.items = append(l.items, &item{clause: n.Address, text: text})
		}
		s.blocks = append(s.blocks, l)
	}
	return s
}

func orWords(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// figure writes a number without more decimals than it has.
func figure(f float64) string { return strconv.FormatFloat(math.Round(f*1000)/1000, 'f', -1, 64) }

func assignment(p *agreement.Plan) *section {
	s := &section{id: "assignment", title: "Who gets which lead"}
	if len(p.Assignment) == 0 {
		return s
	}
	s.say("", "The first of these rules that fits, and finds somebody, decides.")
	l := &list{numbered: true}
	for i := range p.Assignment {
		a := &p.Assignment[i]
		words := say(bold(title(a.Name)))
		if a.Name != "" {
			words = append(words, text{words: ": "})
		}
		who := receiver(p, a)
		if a.When != nil {
			words = append(words, say("if ", condition(p, a.When), ", "+who+".")...)
		} else if a.Name != "" {
			words = append(words, text{words: who + "."})
		} else {
			words = say(capital(who) + ".")
		}
		l.items = append(l.items, &item{clause: a.Address, text: words})
	}
	s.blocks = append(s.blocks, l)
	s.traits(p)
	return s
}

func rules(p *agreement.Plan) *section {
	s := &section{id: "rules_of_engagement", title: "Who may speak to whom"}
	if len(p.Rules) == 0 {
		return s
	}
	s.say("", "The first of these rules that fits decides. Somebody who objects is not spoken to, whatever a rule says.")
	l := &list{numbered: true}
	for i := range p.Rules {
		r := &p.Rules[i]
		words := say(bold(title(r.Name)), ": ")
		if r.When != nil {
			words = append(words, say("if ", condition(p, r.When), ", ")...)
		}
		words = append(words, text{words: speakers(r) + "."})
		l.items = append(l.items, &item{clause: r.Address, text: words})
	}
	s.blocks = append(s.blocks, l)
	return s
}

func clocks(p *agreement.Plan) *section {
	s := &section{id: "clocks", title: "Clocks"}
	for i := range p.Clocks {
		c := &p.Clocks[i]
		words := say(bold(title(c.Name)), ". ")
		if c.Definition != "" {
			words = append(words, text{words: sentence(c.Definition) + " "})
		}
		words = append(words, say("It starts when ", condition(p, c.Start))...)
		if c.Pause != nil {
			words = append(words, say(", waits while ", condition(p, c.Pause))...)
		}
		if c.Stop != nil {
			words = append(words, say(", and stops when ", condition(p, c.Stop))...)
		}
		words = append(words, say(". It has ", bold(c.Within.String()), ".")...)
		if len(c.OnBreach) > 0 {
			words = append(words, text{words: " When that time runs out, " + steps(p, c.OnBreach) + "."})
		}
		if told := reminded(c.Remind); told != "" {
			words = append(words, text{words: " " + capital(told) + " it is over."})
		}
		if p.Index.Hours[c.Address] != nil {
			words = append(words, text{words: " It runs in working hours of its own, whosever the lead is."})
		}
		s.say(c.Address, words)
	}
	return s
}

// reminded says who is told before a deadline.
func reminded(list []agreement.Reminder) string {
	var parts []string
	for i := range list {
		parts = append(parts, "the "+list[i].Target+" is reminded "+list[i].Before.String()+" before")
	}
	return join(parts, "and")
}

func alerts(p *agreement.Plan) *section {
	s := &section{id: "alerts", title: "Who is told"}
	l := &list{}
	for i := range p.Alerts {
		l.items = append(l.items, &item{clause: p.Alerts[i].Address, text: alertText(p, &p.Alerts[i])})
	}
	if len(l.items) > 0 {
		s.blocks = append(s.blocks, l)
	}
	return s
}

func promises(p *agreement.Plan) *section {
	s := &section{id: "commitments", title: "What each side promises"}
	for _, side := range []agreement.Side{agreement.Marketing, agreement.Sales} {
		l := &list{}
		for i := range p.Commitments {
			if c := &p.Commitments[i]; c.Side == side {
				l.items = append(l.items, &item{clause: c.Address, text: say(capitalText(promise(c)), ".")})
			}
		}
		if len(l.items) > 0 {
			s.say("", sideText(side), " promises:")
			s.blocks = append(s.blocks, l)
		}
	}
	return s
}

func workingTime(p *agreement.Plan) *section {
	s := &section{id: "calendar", title: "Working time"}
	if p.Calendar == nil {
		return s
	}
	s.say("calendar.hours", capital(hours(p.Calendar))+", in the zone "+p.Calendar.Zone().String()+
		". Holidays and closed days of the calendar do not count. A working day is a day with working time in it; 8 working hours and 1 working day are different.")
	return s
}

func vocabulary(p *agreement.Plan) *section {
	s := &section{id: "words", title: "The words we use"}
	if len(p.Activities) > 0 {
		s.part("What somebody may do", "activities")
		t := &table{caption: "Activities", head: []string{"Activity", "Worth", "Buying stage", "What it means"}}
		for i := range p.Activities {
			a := &p.Activities[i]
			t.rows = append(t.rows, &row{clause: a.Address, cells: [][]text{say(bold(title(a.Name))), say(worth(a.Worth)), say(buyingStage(p, a.BuyingStage)), say(sentence(a.Definition))}})
		}
		s.blocks = append(s.blocks, t)
	}
	if len(p.Assets) > 0 {
		s.part("What we publish", "assets")
		t := &table{caption: "Assets", head: []string{"Asset", "Worth", "Buying stage", "What it means"}}
		for i := range p.Assets {
			a := &p.Assets[i]
			t.rows = append(t.rows, &row{clause: a.Address, cells: [][]text{say(bold(title(a.Name))), say(worth(a.Worth)), say(buyingStage(p, a.BuyingStage)), say(sentence(a.Definition))}})
		}
		s.blocks = append(s.blocks, t)
	}
	if len(p.Attributes) > 0 {
		s.part("What we know of somebody", "attributes")
		t := &table{caption: "Attributes", head: []string{"Name", "Of", "Kind"}}
		for i := range p.Attributes {
			a := &p.Attributes[i]
			of := "the person"
			if a.Company {
				of = "the company"
			}
			t.rows = append(t.rows, &row{clause: a.Address, cells: [][]text{say(bold(capital(attributeName(strings.TrimPrefix(a.Name, "company."))))), say(of), say(kindWords(a.Kind, a.Choices))}})
		}
		s.blocks = append(s.blocks, t)
	}
	if len(p.Questions) > 0 {
		s.part("What we ask", "questions")
		t := &table{caption: "Questions", head: []string{"Name", "Question", "Answer"}}
		for i := range p.Questions {
			q := &p.Questions[i]
			t.rows = append(t.rows, &row{clause: q.Address, cells: [][]text{say(bold(title(q.Name))), say(q.Ask), say(kindWords(q.Kind, q.Choices))}})
		}
		s.blocks = append(s.blocks, t)
	}
	for _, g := range []struct {
		words, clause string
		names         []agreement.Named
		numbered      bool
	}{
		{"Buying stages, in their order", "buying_stages", p.BuyingStages, true},
		{"Nurture tracks", "tracks", p.Tracks, false},
		{"Pools", "pools", p.Pools, false},
		{"Queues", "queues", p.Queues, false},
		{"Channels", "channels", channels(p), false},
	} {
		if len(g.names) == 0 {
			continue
		}
		s.part(g.words, g.clause)
		l := &list{numbered: g.numbered}
		for _, n := range g.names {
			words := say(bold(title(n.Name)))
			if n.Definition != "" {
				words = append(words, text{words: ": " + sentence(n.Definition)})
			}
			l.items = append(l.items, &item{clause: n.Address, text: words})
		}
		s.blocks = append(s.blocks, l)
	}
	return s
}

func channels(p *agreement.Plan) []agreement.Named {
	var out []agreement.Named
	for _, c := range p.Channels {
		out = append(out, agreement.Named(c))
	}
	return out
}

func buyingStage(p *agreement.Plan, slot int) string {
	if slot < 0 || slot >= len(p.BuyingStages) {
		return ""
	}
	return phrase(p.BuyingStages[slot].Name)
}

// kindWords says what a value may be.
func kindWords(k agreement.Kind, choices []string) string {
	switch k {
	case agreement.Boolean:
		return "yes or no"
	case agreement.Choice:
		return "one of: " + join(choices, "or")
	}
	return k.String()
}

// traits lists which leads ask for what of those who get them.
func (s *section) traits(p *agreement.Plan) {
	for k, title := range [agreement.Traits]string{"Territories", "Languages", "Skills"} {
		if len(p.Traits[k]) == 0 {
			continue
		}
		s.part(title, "")
		l := &list{}
		for i := range p.Traits[k] {
			t := &p.Traits[k][i]
			words := say(bold(capital(phrase(t.Name))), ": ")
			if t.Definition != "" {
				words = append(words, say(sentence(t.Definition)+" ")...)
			}
			words = append(words, say([...]string{"A lead belongs to it if ", "A lead speaks it if ", "A lead asks for it if "}[k], condition(p, t.When), ".")...)
			l.items = append(l.items, &item{clause: t.Address, text: words})
		}
		s.blocks = append(s.blocks, l)
	}
}

// absences says what becomes of what somebody holds who is not there.
func absences(p *agreement.Plan) *section {
	s := &section{id: "absences", title: "When somebody is away"}
	says := func(who string, h *agreement.Handling) {
		if h.Address == "" {
			return
		}
		goes := [2]string{"waits for them", "goes to somebody else, by the rules above"}
		which := func(b bool) string {
			if b {
				return goes[1]
			}
			return goes[0]
		}
		words := "what they have been offered " + which(h.Offered) + "; what they have accepted " + which(h.Accepted) + "."
		if h.Offered == h.Accepted {
			words = "what they hold " + which(h.Offered) + "."
		}
		if h.Pause {
			words += " Their deadlines stand still until they are back."
		}
		s.say(h.Address, who+words)
	}
	says("While somebody is away, ", &p.Absences.Away)
	says("When somebody has left the team, ", &p.Absences.Left)
	return s
}

func team(p *agreement.Plan) *section {
	s := &section{id: "people", title: "The team"}
	if len(p.People) == 0 {
		return s
	}
	t := &table{caption: "People named in the agreement", head: []string{"Name", "Side", "Manager", "Pools", "Takes", "Share", "Hand-offs at most"}, right: []bool{false, false, false, false, false, true, false}}
	for i := range p.People {
		m := &p.People[i]
		var pools []string
		for _, i := range m.Pools {
			if i >= 0 && i < len(p.Pools) {
				pools = append(pools, phrase(p.Pools[i].Name))
			}
		}
		most := "no limit"
		switch {
		case m.Capacity > 0 && m.PerDay > 0:
			most = strconv.Itoa(m.Capacity) + " open, " + strconv.Itoa(m.PerDay) + " on a day"
		case m.Capacity > 0:
			most = strconv.Itoa(m.Capacity) + " open"
		case m.PerDay > 0:
			most = strconv.Itoa(m.PerDay) + " on a day"
		}
		var takes []string
		for k := range m.Traits {
			var names []string
			for _, slot := range m.Traits[k] {
				names = append(names, phrase(p.Traits[k][slot].Name))
			}
			if len(names) > 0 {
				takes = append(takes, [...]string{"", "speaks ", "knows "}[k]+join(names, "and"))
			}
		}
		if len(m.Accounts) > 0 {
			takes = append(takes, "by name "+join(m.Accounts, "and"))
		}
		var side []text
		if m.Side != agreement.NoSide {
			side = say(sideText(m.Side))
		}
		manager := ""
		if m.Manager != "" {
			manager = personName(p, m.Manager)
		}
		t.rows = append(t.rows, &row{clause: m.Address, cells: [][]text{say(bold(personName(p, m.ID))), side, say(manager), say(join(pools, "and")), say(strings.Join(takes, "; ")), say(strconv.Itoa(m.Weight)), say(most)}})
	}
	s.blocks = append(s.blocks, t)
	return s
}

func renames(p *agreement.Plan) *section {
	s := &section{id: "renamed", title: "New names"}
	l := &list{}
	for i := range p.Renamed {
		r := &p.Renamed[i]
		to := "is gone"
		if r.To != "" {
			to = "is now called " + quoted(title(r.To))
		}
		l.items = append(l.items, &item{clause: r.Address, text: say("The " + phrase(r.What) + " " + quoted(title(r.From)) + " " + to + ".")})
	}
	if len(l.items) > 0 {
		s.blocks = append(s.blocks, l)
	}
	return s
}

// cited are the parts that a reason names as a whole: what was said is of none of their clauses. They can be linked to in any agreement.
var cited = []string{"activities", "assets", "assignment", "attributes", "calendar", "questions", "rules_of_engagement", "stages"}

// placeClauses makes every address of the plan reachable: an address that has no
// place of its own gets an anchor where the longest part of it has one. An
// address is shown and anchored once.
func (d *document) placeClauses(p *agreement.Plan) {
	places := map[string]*[]string{}
	take := func(address *string, more *[]string) {
		if *address == "" {
			return
		}
		if places[*address] != nil {
			*address = ""
			return
		}
		places[*address] = more
	}
	for _, s := range d.sections {
		places[s.id] = new([]string)
	}
	for _, s := range d.sections {
		for _, b := range s.blocks {
			switch b := b.(type) {
			case *heading:
				take(&b.clause, &b.places)
			case *paragraph:
				take(&b.clause, &b.places)
			case *list:
				for _, i := range b.items {
					take(&i.clause, &i.places)
				}
			case *table:
				for _, r := range b.rows {
					take(&r.clause, &r.places)
				}
			}
		}
	}
	var addresses []string
	for a := range p.Index.Clause { // order: sorted below
		if places[a] == nil {
			addresses = append(addresses, a)
		}
	}
	slices.Sort(addresses)
	for _, word := range cited {
		if places[word] == nil {
			d.places = append(d.places, word)
		}
	}
	for _, a := range addresses {
		for part := a; ; {
			i := strings.LastIndexByte(part, '.')
			if i < 0 {
				if len(d.sections) > 0 {
					d.places = append(d.places, a)
				}
				break
			}
			part = part[:i]
			if more := places[part]; more != nil {
				*more = append(*more, a)
				break
			}
		}
	}
	for _, s := range d.sections {
		s.places = *places[s.id]
	}
}
