package document

import (
	"fmt"
	"slices"
	"strings"

	"baton/internal/agreement"
)

// Figures are numbers to print on a diagram: of a report, for a period. What is
// not listed is drawn without a number.
type Figures struct {
	Stages []StageFigure
	Arrows []ArrowFigure
	Says   string // what the picture says with its figures, for those who do not see it; "" for how a lead moves
}

// StageFigure is what a stage holds.
type StageFigure struct {
	Stage   int    // slot
	Now     int64  // leads there now
	Entered int64  // that entered in the period; negative: not known
	Note    string // a short line of the caller's under the number, instead of Entered: "oldest 9 days"
	Link    string // where the box leads, "" for nowhere
}

// ArrowFigure is what passes along an arrow. From is AnyStage for hand-backs.
type ArrowFigure struct {
	From, To int     // stage slots
	Count    int64   // leads that passed in the period; sets the weight of the line
	Rate     float64 // of those who entered From, 0 to 1; negative: not known
	Days     float64 // median days from entering From to passing; negative: not known
	Link     string  // where its label leads, "" for nowhere
}

// AnyStage stands for every stage of sales, where a hand-back may begin.
const AnyStage = -1

// Diagram draws the stages of p and how a lead moves between them as an SVG
// document: marketing above, sales below, what ends a pass at the right and at the
// bottom. fig may be nil. The bytes depend on nothing but the arguments.
func Diagram(p *agreement.Plan, fig *Figures, theme Theme) []byte {
	return layOut(p, fig).svg(theme)
}

// manner is how a lead gets along an arrow.
type manner uint8

const (
	byItself manner = iota // when a condition holds
	byHand                 // when a person says so
	either
	handOff  // offered by one side, accepted by the other
	handBack // returned with a reason
)

// link is an arrow of the picture.
type link struct {
	from, to int // stages slots; from may be AnyStage
	manner   manner
	over     []string // what it is called; names of transitions in words
	under    []string // figures and deadlines
	about    string   // the sentence a reader gets on pointing at it
	net      int      // links of one net may share lines: one transition out of several stages
	weight   int      // of the stroke, in quarters of a pixel
	link     string   // where the label leads, "" for nowhere
	path     []*line
	corners  []point
	label    *label
}

// node is the box of a stage.
type node struct {
	stage    int
	band     int // 0 marketing, 1 sales, 2 what ends a pass
	col, row int
	name     []string // wrapped
	number   string   // of Figures
	under    []string
	link     string // where the box leads, "" for nowhere
	w, h     int
	x, y     int // of the left upper corner
	main     bool
}

// picture is a diagram on its way to SVG.
type picture struct {
	plan  *agreement.Plan
	says  string  // of Figures
	nodes []*node // by stage slot
	links []*link
	nets  int

	cols, rows int
	cell       [][]int // row, column -> stage slot, -1 for none
	bands      []int   // row -> band
	next       []int   // stage slot -> the next on the longest way, -1 at its end

	straights []*line
	drawing
}

// links of the plan, in a defined order: hand-offs, transitions, hand-backs.
func (d *picture) addLinks(fig *Figures) {
	p := d.plan
	type pair struct{ from, to int }
	named := func(from, to int) string { return title(p.Stages[from].Name) + " to " + title(p.Stages[to].Name) }
	taken := map[pair]bool{}
	for i := range p.Handoffs {
		h := &p.Handoffs[i]
		if h.From == h.To || taken[pair{h.From, h.To}] {
			continue
		}
		taken[pair{h.From, h.To}] = true
		l := &link{from: h.From, to: h.To, manner: handOff, net: d.net(), weight: 12, over: []string{"Hand-off"},
			about: "Hand-off, " + named(h.From, h.To) + ": " + acceptSentence(p, h)}
		if !h.AcceptWithin.IsZero() {
			l.under = append(l.under, "accept within "+h.AcceptWithin.String())
		}
		if !h.ContactWithin.IsZero() {
			l.under = append(l.under, "contact within "+h.ContactWithin.String())
		}
		d.links = append(d.links, l)
	}

	// Transitions between the same two stages become one arrow; the arrows of one
	// transition out of several stages become one net.
	at := map[pair]int{}
	var arrows []pair
	var made [][]int
	for i := range p.Transitions {
		for _, f := range p.Transitions[i].From {
			k := pair{f, p.Transitions[i].To}
			if k.from == k.to {
				continue
			}
			n, ok := at[k]
			if !ok {
				n = len(arrows)
				at[k] = n
				arrows, made = append(arrows, k), append(made, nil)
			}
			if !slices.Contains(made[n], i) {
				made[n] = append(made[n], i)
			}
		}
	}
	nets := map[string]int{}
	for n, k := range arrows {
		l := &link{from: k.from, to: k.to, weight: 6}
		key := fmt.Sprint(k.to, made[n])
		if _, ok := nets[key]; !ok {
			nets[key] = d.net()
		}
		l.net = nets[key]
		var about []string
		self, hand := false, false
		for _, i := range made[n] {
			t := &p.Transitions[i]
			self, hand = self || t.When != nil, hand || t.By != agreement.NoSide
			l.over = append(l.over, phrase(t.Name))
			about = append(about, transitionSentence(p, t))
		}
		switch {
		case self && hand:
			l.manner = either
		case hand:
			l.manner = byHand
		}
		if len(l.over) > 2 {
			l.over = []string{l.over[0], count(len(l.over)-1, "other way")}
		}
		l.over = []string{join(l.over, "or")}
		l.about = named(k.from, k.to) + ": " + strings.Join(about, " ")
		d.links = append(d.links, l)
	}

	var targets []int
	reasons := map[int][]string{}
	for _, h := range p.Handbacks {
		if !slices.Contains(targets, h.To) {
			targets = append(targets, h.To)
		}
		reasons[h.To] = append(reasons[h.To], phrase(h.Name))
	}
	for _, to := range targets {
		d.links = append(d.links, &link{from: AnyStage, to: to, manner: handBack, net: d.net(), weight: 6,
			over: []string{"Handed back"}, under: reasons[to],
			about: "Handed back by sales to " + title(p.Stages[to].Name) + ": " + join(reasons[to], "or") + "."})
	}
	d.addFigures(fig)
}

func (d *picture) net() int { d.nets++; return d.nets }

// addFigures prints numbers on the links and lets the weight of a line say how
// many passed: the root of the share of the busiest, so that few is still seen.
func (d *picture) addFigures(fig *Figures) {
	if fig == nil {
		return
	}
	busiest := int64(1)
	for _, a := range fig.Arrows {
		if a.From != AnyStage {
			busiest = max(busiest, a.Count)
		}
	}
	for _, a := range fig.Arrows {
		for _, l := range d.links {
			if l.from != a.From || l.to != a.To {
				continue
			}
			var lines []string
			if a.Days >= 0 {
				lines = append(lines, daysText(a.Days))
			}
			head := ""
			if a.Rate >= 0 {
				head = percent(a.Rate)
			}
			switch l.manner {
			case handOff:
				if head != "" {
					l.over = []string{head + " accepted"}
				}
				for i := range lines {
					lines[i] = "median " + lines[i]
				}
				l.under = append(lines, l.under...)
			case handBack:
				l.over = []string{"Handed back: " + number(float64(max(a.Count, 0)))}
			default:
				l.over = nil
				if head != "" {
					l.over = []string{head}
				}
				l.under = lines
				// whole(√) of the share in 64ths: integers only, so every processor draws the same line
				l.weight = 5 + root(max(a.Count, 0)*196/busiest)
			}
			l.link = a.Link
			l.about = strings.TrimSuffix(l.about, ".") + ". " + count64(a.Count, "lead") + " in the period."
		}
	}
	for _, s := range fig.Stages {
		if s.Stage < 0 || s.Stage >= len(d.nodes) {
			continue
		}
		n := d.nodes[s.Stage]
		n.number = number(float64(s.Now))
		n.link = s.Link
		switch {
		case s.Note != "":
			n.under = []string{s.Note}
		case s.Entered >= 0:
			n.under = []string{number(float64(s.Entered)) + " entered"}
		}
	}
}

// root is the whole part of the square root of n.
func root(n int64) int {
	r := 0
	for int64(r+1)*int64(r+1) <= n {
		r++
	}
	return r
}

// percent writes a share: "30 %", "0.4 %".
func percent(share float64) string {
	if n := share * 100; n > 0 && n < 9.95 {
		return fmt.Sprintf("%.1f %%", n)
	}
	return fmt.Sprintf("%.0f %%", share*100)
}

// daysText writes a median stay: "11 days", "2.5 days", "3 hours".
func daysText(days float64) string {
	switch {
	case days < 1:
		return count64(int64(days*24+0.5), "hour")
	case days < 9.95 && int64(days*10+0.5)%10 != 0:
		return fmt.Sprintf("%.1f days", days)
	}
	return count64(int64(days+0.5), "day")
}

func count64(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(float64(n)) + " " + noun + "s"
}

// addNodes measures the boxes.
func (d *picture) addNodes() {
	for i := range d.plan.Stages {
		s := &d.plan.Stages[i]
		n := &node{stage: i, row: -1}
		switch {
		case s.Final == agreement.Lost || s.Final == agreement.Disqualified || s.Final == agreement.WalkedAway:
			n.band = 2
		case s.Side == agreement.Sales:
			n.band = 1
		case s.Side == agreement.NoSide && s.Final == agreement.Won:
			n.band = 1
		}
		if !s.Limit.IsZero() && s.Final == agreement.NotFinal {
			n.under = []string{"max " + s.Limit.String()}
		}
		d.nodes = append(d.nodes, n)
	}
}

// sizeNodes gives each box its least size; measure may widen it for its arrows.
func (d *picture) sizeNodes() {
	for i, n := range d.nodes {
		n.name = wrapText(title(d.plan.Stages[i].Name), nameSize, true, 150, 2)
		if len(n.name) == 0 {
			n.name = []string{"–"}
		}
		w := 0
		for _, s := range n.name {
			w = max(w, textWidth(s, nameSize, true)+markRoom)
		}
		for _, s := range n.under {
			w = max(w, textWidth(s, smallSize, false))
		}
		w = max(w, textWidth(n.number, numberSize, true))
		n.w = max(w+2*boxPad+4, 96)
		n.h = 2*12 + len(n.name)*nameLine + len(n.under)*smallLine
		if n.number != "" {
			n.h += numberLine
		}
		if len(n.under) > 0 {
			n.h += 1
		}
	}
}

// layOut does everything but writing.
func layOut(p *agreement.Plan, fig *Figures) *picture {
	d := &picture{plan: p}
	if fig != nil {
		d.says = fig.Says
	}
	d.addNodes()
	d.addLinks(fig)
	d.sizeNodes()
	d.place()
	d.route()
	d.measure()
	return d
}
