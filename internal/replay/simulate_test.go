package replay

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

const demoUntil = int64(1_795_000_000_000_000) // Wednesday 18 November 2026

func template(t testing.TB, name string) *agreement.Plan {
	t.Helper()
	source, ok := agreement.Template(name)
	if !ok {
		t.Fatalf("there is no template %s", name)
	}
	plan, found := agreement.Compile(name, source, nil)
	if plan == nil {
		t.Fatal(found.Text(func(string) []byte { return source }, false))
	}
	return plan
}

// demo is what a run of the demo's model came to.
type demo struct {
	inputs, decisions            int
	kinds                        map[lifecycle.InputKind]int
	offered, accepted, rejected  int
	escalated, answered, inTime  int
	reasons                      map[string]int
	refused                      map[string]int
	qualified, won, back, second map[int64]bool
	grade, best                  map[int64]string
	source                       map[int64]string
	offeredAt                    map[int64]int64
	contactMet, contactLate      int
	late, twice, robots          int
	taken                        map[string]int
	took                         map[string][]int64
	breached                     map[string]int
	hours                        [24]int
	weekdays                     [7]int
	value                        float64
	wonAgain, revisits           int
}

func runDemo(t testing.TB, plan *agreement.Plan, m Model) (*demo, *simulation) {
	t.Helper()
	s, err := newSimulation(plan, m)
	if err != nil {
		t.Fatal(err)
	}
	r := &demo{kinds: map[lifecycle.InputKind]int{}, reasons: map[string]int{}, refused: map[string]int{}, qualified: map[int64]bool{}, won: map[int64]bool{},
		back: map[int64]bool{}, second: map[int64]bool{}, grade: map[int64]string{}, best: map[int64]string{}, source: map[int64]string{}, offeredAt: map[int64]int64{},
		taken: map[string]int{}, took: map[string][]int64{}, breached: map[string]int{}}
	keys := map[string]bool{}
	s.take = func(a *lifecycle.Arrival) error {
		in := &a.Input
		r.inputs++
		r.kinds[in.Kind]++
		if keys[in.Key] {
			r.twice++
		}
		keys[in.Key] = true
		if in.At < in.Known-simMinute && in.Kind != lifecycle.Absent && in.Known-in.At > simHour {
			r.late++
		}
		if in.Bot {
			r.robots++
		}
		if in.Kind == lifecycle.Did && !in.Bot {
			local := time.UnixMicro(in.At).In(plan.Calendar.Zone())
			r.hours[local.Hour()]++
			r.weekdays[local.Weekday()]++
		}
		return nil
	}
	s.watch = func(in *lifecycle.Input, d *lifecycle.Decision) {
		r.decisions++
		if d.Refused != "" {
			word, _, _ := strings.Cut(d.Refused, " ")
			r.refused[in.Kind.String()+": "+word]++
		}
		l := s.world.Lead(in.Lead)
		if in.Lead == 0 {
			return
		}
		if p := s.byLead[in.Lead]; p != nil {
			r.source[in.Lead] = m.Sources[p.source].Name
		} else if s.current != nil {
			r.source[in.Lead] = m.Sources[s.current.source].Name
		}
		for i := range d.Changes {
			c := &d.Changes[i]
			switch c.Kind {
			case lifecycle.HandoffOffered:
				r.offered++
				r.qualified[in.Lead] = true
				r.offeredAt[in.Lead] = c.At
				r.grade[in.Lead] = l.Grade.String()
			case lifecycle.HandoffClosed:
				switch c.To {
				case "accepted":
					r.accepted++
					r.answered++
					r.taken[in.Actor]++
					took := plan.Calendar.Between(r.offeredAt[in.Lead], c.At, 1)
					r.took[in.Actor] = append(r.took[in.Actor], took/simMinute)
					if took <= 4*simHour {
						r.inTime++
					}
				case "rejected":
					r.rejected++
					r.reasons[c.From]++
				case "escalated":
					r.escalated++
				}
			case lifecycle.Returned:
				r.back[in.Lead] = true
			case lifecycle.PassStarted:
				if c.Int > 1 {
					r.second[in.Lead] = true
				}
			case lifecycle.StageEntered:
				if c.Name == "revisit" {
					r.revisits++
				}
				if plan.Stages[plan.Index.Stage[c.To]].Final == agreement.Won {
					r.won[in.Lead] = true
					r.value += in.Value
					if l.Pass > 1 {
						r.wonAgain++
					}
				}
			case lifecycle.GradeChanged:
				if b := r.best[in.Lead]; b == "" || c.To < b {
					r.best[in.Lead] = c.To
				}
			case lifecycle.ClockStopped:
				if strings.HasSuffix(c.Name, "contact_within") {
					if c.To == "met" {
						r.contactMet++
					} else if c.To == "late" {
						r.contactLate++
					}
				}
			case lifecycle.ClockBreached:
				r.breached[c.Name]++
			}
		}
	}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	return r, s
}

func (r *demo) String() string {
	var b strings.Builder
	leads := len(r.source)
	fmt.Fprintf(&b, "%d leads, %d inputs, %d decisions; %v\n", leads, r.inputs, r.decisions, r.kinds)
	fmt.Fprintf(&b, "qualified %.1f%%, won %.1f%% (%d, again %d), worth %.0f\n", share(len(r.qualified), leads), share(len(r.won), leads), len(r.won), r.wonAgain, r.value)
	fmt.Fprintf(&b, "offered %d: accepted %.1f%%, rejected %.1f%% %v, escalated %d, in time %.1f%%\n", r.offered, share(r.accepted, r.offered), share(r.rejected, r.offered), r.reasons, r.escalated, share(r.inTime, r.answered))
	fmt.Fprintf(&b, "contact met %d late %d (%.1f%%); breached %v\n", r.contactMet, r.contactLate, share(r.contactMet, r.contactMet+r.contactLate), r.breached)
	fmt.Fprintf(&b, "back %d, second pass %d, revisits %d; late %d, twice %d, robots %d, refused %v\n", len(r.back), len(r.second), r.revisits, r.late, r.twice, r.robots, r.refused)
	by := func(of map[int64]string, title string) {
		type line struct{ n, q, w int }
		lines := map[string]*line{}
		var names []string
		for id := range r.source {
			k := of[id]
			if lines[k] == nil {
				lines[k] = &line{}
				names = append(names, k)
			}
			lines[k].n++
			if r.qualified[id] {
				lines[k].q++
			}
			if r.won[id] {
				lines[k].w++
			}
		}
		slices.Sort(names)
		fmt.Fprintf(&b, "%s\n", title)
		for _, k := range names {
			fmt.Fprintf(&b, "  %-16s %5d  q %5.1f%%  won %3d %5.1f%%\n", k, lines[k].n, share(lines[k].q, lines[k].n), lines[k].w, share(lines[k].w, lines[k].n))
		}
	}
	by(r.source, "source")
	by(r.grade, "grade when offered")
	by(r.best, "best grade")
	var names []string
	for name := range r.took {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		slices.Sort(r.took[name])
		n := len(r.took[name])
		fmt.Fprintf(&b, "  %-36s took %3d, median %4d min, 90%% %4d\n", name, n, r.took[name][n/2], r.took[name][n*9/10])
	}
	fmt.Fprintf(&b, "hours %v weekdays %v\n", r.hours, r.weekdays)
	return b.String()
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

// band fails unless low <= got <= high.
func band(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s: %.1f is not within %.1f to %.1f", what, got, low, high)
	}
}

// The demo looks like a company: the bands are wide enough for another seed, and too narrow for another trade.
func TestDemoIsBelievable(t *testing.T) {
	plan := template(t, "waterfall")
	for seed := range uint64(4) {
		m := DemoModel(seed, demoUntil, 120)
		r, s := runDemo(t, plan, m)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			defer func() {
				if t.Failed() || testing.Verbose() {
					t.Log(r)
				}
			}()
			leads := len(r.source)
			band(t, "leads", float64(leads), 1900, 2000)
			band(t, "accounts", float64(len(s.world.accounts)), 200, 300)
			band(t, "inputs", float64(r.inputs), 30_000, 60_000)
			band(t, "% of leads that qualify", share(len(r.qualified), leads), 22, 35)
			band(t, "% of leads won", share(len(r.won), leads), 3, 6)
			band(t, "% of hand-offs accepted", share(r.accepted, r.offered), 70, 86)
			band(t, "% of hand-offs rejected", share(r.rejected, r.offered), 10, 25)
			band(t, "hand-offs escalated", float64(r.escalated), 2, 40)
			band(t, "% accepted within 4 working hours", share(r.inTime, r.answered), 80, 93)
			band(t, "% contacted in time", share(r.contactMet, r.contactMet+r.contactLate), 80, 96)
			band(t, "reasons to reject", float64(len(r.reasons)), 3, 10)
			band(t, "handed back", float64(len(r.back)), 100, 400)
			band(t, "second passes", float64(len(r.second)), 30, 250)
			band(t, "second passes won", float64(r.wonAgain), 1, 20)
			band(t, "revisits", float64(r.revisits), 20, 150)
			band(t, "known an hour late or more", float64(r.late), 500, 4000)
			band(t, "sent twice", float64(r.twice), 200, 1000)
			band(t, "robots", float64(r.robots), 50, 500)
			band(t, "objections and consents", float64(r.kinds[lifecycle.Consented]), 50, 1000)
			band(t, "answers that came too late", float64(len(r.refused)), 1, 30)
			band(t, "members who joined", float64(r.kinds[lifecycle.Joined]), 9, 9)
			band(t, "absences", float64(r.kinds[lifecycle.Absent]), 5, 20)
			band(t, "account owners", float64(r.kinds[lifecycle.OwnAccount]), 20, 80)

			// where leads come from matters
			won, n := map[string]int{}, map[string]int{}
			for id, source := range r.source {
				n[source]++
				if r.won[id] {
					won[source]++
				}
			}
			base := share(len(r.won), leads)
			band(t, "lift of referrals", share(won["referral"], n["referral"])/base, 1.8, 6)
			band(t, "lift of events", share(won["event"], n["event"])/base, 1.3, 4)
			band(t, "lift of bought addresses", share(won["email"], n["email"])/base, 0, 0.7)
			band(t, "leads that came direct, too few to tell", float64(n["direct"]), 15, 70)

			// the score means something, and not everything
			won, n = map[string]int{}, map[string]int{}
			for id := range r.source {
				letter := (r.best[id] + "-")[:1]
				n[letter]++
				if r.won[id] {
					won[letter]++
				}
			}
			a, b, rest := share(won["A"], n["A"]), share(won["B"], n["B"]), share(won["C"]+won["D"], n["C"]+n["D"])
			if a <= rest*2 || b <= rest || a >= 50 {
				t.Errorf("of A grades %.1f%% are won, of B %.1f%%, of C and D %.1f%%", a, b, rest)
			}

			// by day, on working days
			night, total := 0, 0
			for h, k := range r.hours {
				total += k
				if h < 6 {
					night += k
				}
			}
			band(t, "% of activities at night", share(night, total), 0, 4)
			band(t, "% of activities at the weekend", share(r.weekdays[0]+r.weekdays[6], total), 2, 15)

			// reps differ
			median := func(id string) float64 {
				took := slices.Sorted(slices.Values(r.took[id+"@northwind.example"]))
				if len(took) < 5 {
					t.Fatalf("%s took only %d", id, len(took))
				}
				return float64(took[len(took)/2])
			}
			if sara, petra := median("sara.holm"), median("petra.wallmo"); sara*2 > petra {
				t.Errorf("the quick one takes %.0f minutes, the slow one %.0f", sara, petra)
			}
		})
	}
}

// arrivals runs a simulation and returns what it passed on, as text.
func arrivals(t testing.TB, plan *agreement.Plan, m Model) [][]byte {
	t.Helper()
	var out [][]byte
	days := 0
	err := Simulate(plan, m, func(a *lifecycle.Arrival) error {
		in := &a.Input
		b := fmt.Appendf(nil, "%s %d %d %v %s %q ", in.Kind, in.At, in.Known, a.Keys, a.Account, a.AccountName)
		out = append(out, in.AppendJSON(b))
		return nil
	}, func(int64) { days++ })
	if err != nil {
		t.Fatal(err)
	}
	if want := int((m.Until - m.From) / simDay); days < want-1 || days > want+1 {
		t.Errorf("progress was told of %d days, not %d", days, want)
	}
	return out
}

func TestSimulateIsDeterministic(t *testing.T) {
	plan := template(t, "waterfall")
	hash := func(seed uint64) [sha256.Size]byte {
		return sha256.Sum256(bytes.Join(arrivals(t, plan, DemoModel(seed, demoUntil, 120)), []byte("\n")))
	}
	first := hash(7)
	if hash(7) != first {
		t.Error("the same seed gave other arrivals")
	}
	if hash(8) == first {
		t.Error("another seed gave the same arrivals")
	}
}

// small is a demo that can be looked at after each decision.
func small(seed uint64) Model {
	m := DemoModel(seed, demoUntil, 60)
	m.Leads, m.Accounts = 250, 40
	return m
}

func TestSimulateArrivals(t *testing.T) {
	plan := template(t, "waterfall")
	m := small(3)
	last := int64(0)
	seen := map[string][]byte{}
	people := map[string]bool{}
	err := Simulate(plan, m, func(a *lifecycle.Arrival) error {
		in := &a.Input
		if in.Known < last || in.Known < m.From || in.Known >= m.Until {
			t.Fatalf("%s is known at %d, after one of %d", in.Kind, in.Known, last)
		}
		last = in.Known
		if in.At > in.Known && in.Kind != lifecycle.Absent {
			t.Errorf("%s occurred after it was known", in.Kind)
		}
		if in.Source != "simulation" || in.Key == "" {
			t.Errorf("%s has source %q and key %q", in.Kind, in.Source, in.Key)
		}
		text := in.AppendJSON(nil)
		if before, ok := seen[in.Key]; ok && !bytes.Equal(before, text) {
			t.Errorf("%s: another input of the same key: %s and %s", in.Key, before, text)
		}
		seen[in.Key] = text
		if in.Kind == lifecycle.Timer || in.Kind == lifecycle.Refresh || in.ID != 0 || in.Lead != 0 || in.Account != 0 {
			t.Errorf("%s is none from outside", in.Kind)
		}
		if team := in.Kind == lifecycle.Joined || in.Kind == lifecycle.Absent; team != (len(a.Keys) == 0) {
			t.Errorf("%s has keys %v", in.Kind, a.Keys)
		}
		for _, k := range a.Keys {
			again, err := identity.NormalizeEmail(k.Value)
			if err != nil || again != k || !strings.HasSuffix(k.Value, ".example") {
				t.Errorf("%v is no normalised address on a reserved domain (%v)", k, err)
			}
			people[k.Value] = true
		}
		if !slices.IsSortedFunc(in.Values, func(a, b lifecycle.Named) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("%s: values are not sorted: %v", in.Kind, in.Values)
		}
		if a.Account != "" {
			if key, ok := identity.AccountKey(a.Account); !ok || key != a.Account || a.AccountName == "" {
				t.Errorf("account %q (%s) has the key %q", a.Account, a.AccountName, key)
			}
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(people) < m.Leads*9/10 {
		t.Errorf("only %d of %d leads have an address of their own", len(people), m.Leads)
	}
}

// Nothing that a person does is refused, but for what came too late; every value fits the agreement.
func TestSimulateKeepsTheRules(t *testing.T) {
	for _, name := range agreement.Templates() {
		t.Run(name, func(t *testing.T) {
			plan := template(t, name)
			s, err := newSimulation(plan, small(5))
			if err != nil {
				t.Fatal(err)
			}
			offered, ended := map[int64]bool{}, map[int64]bool{}
			accepts, refusals, won := 0, 0, 0
			s.watch = func(in *lifecycle.Input, d *lifecycle.Decision) {
				if err := s.world.Check(); err != nil {
					t.Fatalf("after input %d: %v", in.ID, err)
				}
				for i := range d.Reasons {
					if strings.Contains(d.Reasons[i].Text, "kept with the input") {
						t.Errorf("%s: %s", in.Kind, d.Reasons[i].Text)
					}
				}
				if d.Refused != "" {
					refusals++
					if in.Kind != lifecycle.Accept {
						t.Errorf("%s %s by %s was refused: %s", in.Kind, in.Name, in.Actor, d.Refused)
					}
				}
				l := s.world.Lead(in.Lead)
				for i := range d.Changes {
					switch c := &d.Changes[i]; c.Kind {
					case lifecycle.HandoffOffered:
						offered[c.Int] = true
					case lifecycle.HandoffClosed:
						if c.To == "accepted" {
							accepts++
						}
						if c.To != "escalated" {
							if ended[l.Handoff.ID] {
								t.Errorf("hand-off %d ended twice", l.Handoff.ID)
							}
							ended[l.Handoff.ID] = true
						}
					case lifecycle.StageEntered:
						if plan.Stages[plan.Index.Stage[c.To]].Final == agreement.Won {
							won++
						}
					}
				}
			}
			if err := s.run(); err != nil {
				t.Fatal(err)
			}
			open := 0
			for _, p := range s.leads {
				if l := s.world.Lead(p.lead); l != nil && (l.Handoff.State == lifecycle.HandoffOpen || l.Handoff.State == lifecycle.HandoffEscalated) {
					open++
					if !offered[l.Handoff.ID] {
						t.Errorf("hand-off %d is open and was never offered", l.Handoff.ID)
					}
					ended[l.Handoff.ID] = true
				}
			}
			if len(ended) != len(offered) {
				t.Errorf("%d hand-offs were offered, and %d ended or are open", len(offered), len(ended))
			}
			if accepts < 10 || won < 1 || refusals > accepts/4+2 || open > accepts/4 {
				t.Errorf("%d accepted, %d refused, %d open, %d won", accepts, refusals, open, won)
			}
		})
	}
}

// Any span of time and any size of company can be played.
func TestSimulateSpans(t *testing.T) {
	sizes := map[string]func(*Model){
		"as it is":    func(*Model) {},
		"one lead":    func(m *Model) { m.Leads = 1 },
		"no accounts": func(m *Model) { m.Accounts = 0 },
		"no team":     func(m *Model) { m.Team = nil },
	}
	for _, name := range agreement.Templates() {
		plan := template(t, name)
		for _, days := range []int{1, 2, 14, 400} {
			for _, until := range []int64{demoUntil, demoUntil + 140*simDay + 3*simHour + 17, demoUntil - 3000*simDay} {
				for size, change := range sizes {
					m := DemoModel(9, until, days)
					m.Leads, m.Accounts = 60, 10
					change(&m)
					s, err := newSimulation(plan, m)
					if err != nil {
						t.Fatal(err)
					}
					n := 0
					s.take = func(*lifecycle.Arrival) error { n++; return nil }
					if err := s.run(); err != nil {
						t.Fatal(err)
					}
					if err := s.world.Check(); err != nil {
						t.Errorf("%s over %d days, %s: %v", name, days, size, err)
					}
					if n < m.Leads {
						t.Errorf("%s over %d days, %s: only %d inputs of %d leads", name, days, size, n, m.Leads)
					}
				}
			}
		}
	}
}

func TestSimulateVerifies(t *testing.T) {
	plan := template(t, "waterfall")
	s, err := newSimulation(plan, small(9))
	if err != nil {
		t.Fatal(err)
	}
	f := &Verifier{Plan: func(int64) (*agreement.Plan, error) { return plan, nil }}
	s.watch = func(in *lifecycle.Input, d *lifecycle.Decision) {
		if err := f.Next(*in, in.Version, d.AppendJSON(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	if f.Different > 0 {
		t.Errorf("%d of %d decisions did not come out again; the first: %s", f.Different, f.Inputs, f.First)
	}
	if f.Inputs < 3000 {
		t.Errorf("only %d inputs", f.Inputs)
	}
}

func TestSimulateRefuses(t *testing.T) {
	plan := template(t, "waterfall")
	stop := errors.New("the disk is full")
	cases := map[string]struct {
		change func(*Model)
		take   error
		want   string
	}{
		"take fails":       {func(*Model) {}, stop, "simulating: the disk is full"},
		"no time":          {func(m *Model) { m.From = m.Until }, nil, "simulating: the time span is shorter than a day"},
		"no leads":         {func(m *Model) { m.Leads = 0 }, nil, "simulating: the model needs leads, and at least one source and one region for them"},
		"no activity":      {func(m *Model) { m.Activities = nil }, nil, "simulating: the model names no activity"},
		"other activities": {func(m *Model) { m.Activities = []ActivityModel{{Name: "sang", Hot: 1}} }, nil, "simulating: the agreement knows none of the model's activities (sang, …)"},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			m := small(1)
			tt.change(&m)
			n := 0
			err := Simulate(plan, m, func(*lifecycle.Arrival) error { n++; return tt.take }, nil)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if n > 1 {
				t.Errorf("it went on for %d inputs", n)
			}
		})
	}
}

// The first numbers of SplitMix64 for the state 1234567, as the reference gives them.
func TestChanceIsSplitMix64(t *testing.T) {
	c := chance{1234567}
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := c.next(); got != want {
			t.Errorf("number %d is %d, not %d", i, got, want)
		}
	}
}

func TestChanceDraws(t *testing.T) {
	const n = 200_000
	c := split(1, 2, 3)
	mean := func(draw func() int64) (m, deviation float64) {
		var sum, squares float64
		for range n {
			x := float64(draw())
			sum += x
			squares += x * x
		}
		m = sum / n
		return m, math.Sqrt(squares/n - m*m)
	}
	m, d := mean(c.normal)
	band(t, "mean of normal", m, -10, 10)
	band(t, "deviation of normal", d, 990, 1010)
	m, d = mean(func() int64 { return c.exponential(simDay) })
	band(t, "mean of exponential, in thousandths", m/float64(simDay)*1000, 985, 1015)
	band(t, "deviation of exponential, in thousandths", d/float64(simDay)*1000, 985, 1015)
	m, _ = mean(func() int64 { return c.below(10) })
	band(t, "mean of below 10", m, 4.45, 4.55)
	m, _ = mean(func() int64 { return c.between(3, 5) })
	band(t, "mean of between 3 and 5", m, 3.95, 4.05)
	under, within := 0, 0
	for range n {
		switch x := c.lognormal(simHour, 1000); {
		case x <= 0:
			t.Fatal("a waiting time of nothing")
		case x < simHour:
			under++
			fallthrough
		default:
			if x >= simHour/2 && x < 2*simHour {
				within++
			}
		}
	}
	band(t, "% under the median", share(under, n), 49, 51)
	band(t, "% within a doubling", share(within, n), 67, 69.5)
	if i := c.pick(3, func(int) int { return 0 }); i != -1 {
		t.Errorf("without weights %d was picked", i)
	}
	counts := [3]int{}
	for range n {
		counts[c.pick(3, func(i int) int { return []int{1, 0, 3}[i] })]++
	}
	band(t, "% of the heavy one", share(counts[2], n), 74, 76)
	if counts[1] > 0 {
		t.Error("what has no weight was picked")
	}
}

func TestWords(t *testing.T) {
	m := DemoModel(1, demoUntil, 120)
	people, companies := 0, 0
	for section, list := range words() {
		if strings.HasPrefix(section, "company") {
			companies += len(list)
		} else {
			people += len(list)
		}
	}
	if people < 500 || companies < 200 {
		t.Errorf("%d words for people and %d for companies", people, companies)
	}
	for _, r := range m.Regions {
		for _, group := range r.Names {
			if len(words()["first "+group]) < 20 || len(words()["last "+group]) < 20 {
				t.Errorf("%s: there are too few names in %s", r.Country, group)
			}
		}
	}
	for _, in := range m.Industries {
		if len(words()[in.Words]) < 5 {
			t.Errorf("%s: there are too few words in %s", in.Name, in.Words)
		}
	}
}

// What the demo's model names is in the agreement of the demo.
func TestDemoFitsItsTemplate(t *testing.T) {
	plan := template(t, "waterfall")
	m := DemoModel(1, demoUntil, 120)
	for _, a := range m.Activities {
		if _, ok := plan.Index.Activity[a.Name]; !ok {
			t.Errorf("the agreement has no activity %s", a.Name)
		}
	}
	source := plan.Attributes[plan.Index.Attribute["source"]]
	for _, src := range m.Sources {
		if !slices.Contains(source.Choices, src.Name) {
			t.Errorf("the agreement has no source %s", src.Name)
		}
		for _, first := range src.First {
			if _, ok := plan.Index.Activity[first]; !ok {
				t.Errorf("%s: the agreement has no activity %s", src.Name, first)
			}
		}
	}
	for _, q := range m.Questions {
		if _, ok := plan.Index.Question[q.Name]; !ok {
			t.Errorf("the agreement has no question %s", q.Name)
		}
	}
	for _, p := range plan.People {
		if !slices.ContainsFunc(m.Team, func(t MemberModel) bool { return t.ID == p.ID }) {
			t.Errorf("the model does not know %s", p.ID)
		}
	}
	for _, member := range m.Team {
		for _, pool := range member.Pools {
			if _, ok := plan.Index.Pool[pool]; !ok {
				t.Errorf("%s: the agreement has no pool %s", member.ID, pool)
			}
		}
	}
	for _, q := range m.Met {
		if !slices.ContainsFunc(lifecycle.Outcomes, func(o lifecycle.Outcome) bool { return o.Name == q && o.Reached }) {
			t.Errorf("%s reaches nobody", q)
		}
	}
}

func BenchmarkSimulateDemo(b *testing.B) {
	plan := template(b, "waterfall")
	m := DemoModel(1, demoUntil, 120)
	for b.Loop() {
		if err := Simulate(plan, m, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}
