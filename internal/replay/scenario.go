package replay

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// Scenario is an agreement, what happens, and what is expected to be decided, in one txtar file:
//
//	What the scenario shows, in a sentence.
//	-- agreement.yaml --
//	…
//	-- inputs --
//	2026-03-02 09:00 anna@acme.example identify title="Head of operations" account=acme.example
//	2026-03-02 09:05 anna@acme.example activity demo_requested
//	2026-03-09 00:00 until
//	-- decisions --
//	…
//
// Instants are local times in the agreement's zone, or RFC 3339. See docs/scenarios.md for every line there is.
type Scenario struct {
	Name     string
	Comment  string
	Source   []byte // of agreement.yaml
	Plan     *agreement.Plan
	Steps    []Step
	Expected string
	archive  *txtar.Archive
}

// Step is one line of the inputs.
type Step struct {
	Line     int
	Text     string
	At       int64
	Arrival  *lifecycle.Arrival // nil for the lines below
	Until    bool               // only lets time pass
	Activate string             // file of the agreement that applies from now on
	Plan     *agreement.Plan    // of Activate
	refused  bool               // Activate was, in the last run
	Show     string             // "lead", "may", "alerts", "ledger": asks, and changes nothing
	Keys     []identity.Key     // of Show
	Lead     int64              // of Show, if it is named by its number
	Args     []string
}

// Refused reports whether the agreement of Activate was refused in the last run.
func (s *Step) Refused() bool { return s.refused }

// known is when Baton hears of the line.
func (s *Step) known() int64 {
	if s.Arrival != nil {
		return s.Arrival.Input.Known
	}
	return s.At
}

// ParseScenario reads a scenario. Errors name the file and the line.
func ParseScenario(name string, data []byte) (*Scenario, error) {
	s := &Scenario{Name: name, archive: txtar.Parse(data)}
	s.Comment = strings.TrimSpace(string(s.archive.Comment))
	s.Source = s.file("agreement.yaml")
	if s.Source == nil {
		return nil, fmt.Errorf("%s: there is no file agreement.yaml in it", name)
	}
	plan, err := s.compile("agreement.yaml")
	if err != nil {
		return nil, err
	}
	s.Plan = plan
	s.Expected = string(s.file("decisions"))
	inputs := s.file("inputs")
	if inputs == nil {
		return nil, fmt.Errorf("%s: there is no file inputs in it", name)
	}
	before := 0
	for line := range strings.SplitSeq(string(inputs), "\n") {
		before++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		step, err := s.step(line)
		if err != nil {
			return nil, fmt.Errorf("%s: inputs line %d: %w\n  %s", name, before, err, line)
		}
		step.Line, step.Text = before, line
		if n := len(s.Steps); n > 0 && step.known() < s.Steps[n-1].known() {
			return nil, fmt.Errorf("%s: inputs line %d: this is known before the line above it; lines stand in the order of time\n  %s", name, before, line)
		}
		s.Steps = append(s.Steps, step)
	}
	return s, nil
}

func (s *Scenario) file(name string) []byte {
	for _, f := range s.archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// Read returns a file of the scenario, as an agreement asks for it.
func (s *Scenario) Read(path string) ([]byte, error) {
	if data := s.file(path); data != nil {
		return data, nil
	}
	return nil, fmt.Errorf("%s: no such file in the scenario", path)
}

// File returns the source of an agreement of the scenario.
func (s *Scenario) File(name string) []byte { return s.file(name) }

func (s *Scenario) compile(file string) (*agreement.Plan, error) {
	source := s.file(file)
	if source == nil {
		return nil, fmt.Errorf("%s: there is no file %s in it", s.Name, file)
	}
	plan, findings := agreement.Compile(file, source, s.Read)
	if findings.HasErrors() {
		return nil, fmt.Errorf("%s:\n%s", s.Name, findings.Text(func(string) []byte { return source }, false))
	}
	return plan, nil
}

// step reads "2026-03-02 09:00 WHO WHAT [NAME] [key=value…]"; the instant may be one word of RFC 3339.
func (s *Scenario) step(line string) (Step, error) {
	words, err := splitWords(line)
	if err != nil {
		return Step{}, err
	}
	if len(words) < 3 {
		return Step{}, errors.New("a line is a date, a time, who or what, and more")
	}
	instant := words[0] + " " + words[1]
	if strings.Contains(words[0], "T") {
		instant = words[0]
		words = slices.Insert(words, 1, "")
	}
	at, err := s.instant(instant)
	if err != nil {
		return Step{}, err
	}
	step := Step{At: at}
	who, rest := words[2], words[3:]
	switch who {
	case "until":
		step.Until = true
		return step, nil
	case "activate":
		if len(rest) != 1 {
			return Step{}, errors.New("activate takes the file of an agreement")
		}
		step.Activate = rest[0]
		step.Plan, err = s.compile(rest[0])
		return step, err
	case "ledger":
		step.Show, step.Args = "ledger", rest
		return step, nil
	}
	if len(rest) == 0 {
		return Step{}, errors.New("what happened is missing")
	}
	what := rest[0]
	if what == "show" || what == "may" || what == "alerts" {
		step.Show, step.Args = what, rest[1:]
		step.Keys, step.Lead, err = whom(who)
		return step, err
	}
	kind, ok := lifecycle.ParseInputKind(what)
	if !ok {
		return Step{}, fmt.Errorf("%q is nothing that can happen", what)
	}
	switch kind {
	case lifecycle.Timer, lifecycle.Activate, lifecycle.Refresh, lifecycle.Merged, lifecycle.Restored:
		return Step{}, fmt.Errorf("%s is not written: it happens by itself", what)
	case lifecycle.Joined, lifecycle.Left, lifecycle.Absent, lifecycle.Present, lifecycle.Calendar, lifecycle.Hours:
		if who != "team" {
			return Step{}, fmt.Errorf("%s is about the team: write team %s", what, what)
		}
	default:
		if who == "team" {
			return Step{}, fmt.Errorf("%s is about a lead: write its e-mail address", what)
		}
	}
	a := &lifecycle.Arrival{Input: lifecycle.Input{Kind: kind, At: at, Known: at, Source: "scenario"}}
	step.Arrival = a
	if who != "team" {
		if a.Keys, a.Input.Lead, err = whom(who); err != nil {
			return Step{}, err
		}
	}
	rest = rest[1:]
	if len(rest) > 0 && !strings.Contains(rest[0], "=") {
		a.Input.Name = rest[0]
		rest = rest[1:]
	}
	if kind == lifecycle.Joined || kind == lifecycle.Hours {
		a.Input.Member = &agreement.Person{ID: a.Input.Name, Side: agreement.Sales, Weight: 1}
	}
	for _, word := range rest {
		if err := s.argument(a, word); err != nil {
			return Step{}, err
		}
	}
	if a.Account == "" {
		a.Account = identity.CompanyKey(a.AccountName)
	}
	slices.SortFunc(a.Input.Values, func(x, y lifecycle.Named) int { return strings.Compare(x.Name, y.Name) })
	return step, nil
}

// whom reads the keys of a lead, with commas between them: "anna@acme.example", "crm:0031" (an ID of another system),
// "anonymous:b1" (a browser), "+46812345678"; or "lead:3", its number.
func whom(who string) (keys []identity.Key, lead int64, err error) {
	for word := range strings.SplitSeq(who, ",") {
		system, id, ok := strings.Cut(word, ":")
		var key identity.Key
		switch {
		case system == "lead" && ok:
			if lead, err = strconv.ParseInt(id, 10, 64); err != nil || lead <= 0 {
				return nil, 0, fmt.Errorf("%q is no number of a lead", id)
			}
			continue
		case system == "anonymous" && ok:
			key = identity.Key{Kind: identity.Anonymous, Value: id}
		case ok:
			key = identity.ExternalKey(system, id)
		case strings.HasPrefix(word, "+"):
			key, err = identity.NormalizePhone(word, "")
		default:
			key, err = identity.NormalizeEmail(word)
		}
		if err != nil {
			return nil, 0, err
		}
		keys = append(keys, key)
	}
	return keys, lead, nil
}

// argument reads one key=value, or a bare word that is a flag.
func (s *Scenario) argument(a *lifecycle.Arrival, word string) (err error) {
	in := &a.Input
	key, value, ok := strings.Cut(word, "=")
	if !ok {
		if word == "bot" {
			in.Bot = true
			return nil
		}
		return fmt.Errorf("%q is no key=value", word)
	}
	if m := in.Member; m != nil {
		switch key {
		case "name":
			m.Name = value
		case "manager":
			m.Manager = value
		case "weight":
			m.Weight, err = strconv.Atoi(value)
		case "capacity":
			m.Capacity, err = strconv.Atoi(value)
		case "per_day":
			m.PerDay, err = strconv.Atoi(value)
		case "territories", "languages", "skills":
			k := slices.Index([]string{"territories", "languages", "skills"}, key)
			for name := range strings.SplitSeq(value, ",") {
				slot := slices.IndexFunc(s.Plan.Traits[k], func(t agreement.Trait) bool { return t.Name == name })
				if slot < 0 {
					return fmt.Errorf("%q is not among the %s of the agreement", name, key)
				}
				m.Traits[k] = append(m.Traits[k], slot)
			}
		case "timezone":
			m.Zone = value
		case "hours":
			m.Week = value
		case "accounts":
			m.Accounts = strings.Split(value, ",")
		case "side":
			if value == "marketing" {
				m.Side = agreement.Marketing
			}
		case "pools":
			for name := range strings.SplitSeq(value, ",") {
				pool, ok := s.Plan.Index.Pool[name]
				if !ok {
					return fmt.Errorf("the agreement has no pool %q", name)
				}
				m.Pools = append(m.Pools, pool)
			}
		default:
			return fmt.Errorf("a member has no %q", key)
		}
		return err
	}
	switch key {
	case "by":
		in.Actor = value
	case "text":
		in.Text = value
	case "key":
		in.Key = value
	case "source_system":
		in.Source = value
	case "asset":
		in.Asset = value
	case "channel":
		in.Channel = value
	case "import":
		in.Import, err = strconv.ParseInt(value, 10, 64)
	case "clause":
		in.Clause = value
	case "account":
		a.Account = value
		if a.AccountName == "" {
			a.AccountName = value
		}
	case "account_name":
		a.AccountName = value
	case "with":
		a.Other, in.Other, err = whom(value)
	case "keep":
		in.Keep = strings.Split(value, ",")
	case "away": // "2026-03-02 09:00/2026-03-03 09:00", and more with commas between
		for span := range strings.SplitSeq(value, ",") {
			from, to, ok := strings.Cut(span, "/")
			if !ok {
				return fmt.Errorf("%q has no /: write when it begins and when it ends", span)
			}
			a := lifecycle.Absence{Calendar: true}
			if a.From, err = s.instant(from); err != nil {
				return err
			}
			if a.To, err = s.instant(to); err != nil {
				return err
			}
			in.Away = append(in.Away, a)
		}
	case "known":
		in.Known, err = s.instant(value)
	case "occurred", "from":
		in.At, err = s.instant(value)
	case "until", "revisit":
		in.Due, err = s.instant(value)
	case "value":
		in.Value, err = strconv.ParseFloat(value, 64)
	case "origin":
		in.Origin = agreement.Marketing
		if value == "sales" {
			in.Origin = agreement.Sales
		}
	default:
		in.Values = append(in.Values, lifecycle.Named{Name: key, Value: literal(value)})
	}
	return err
}

func literal(s string) agreement.Value {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return agreement.NumberValue(n)
	}
	switch s {
	case "yes", "true":
		return agreement.BooleanValue(true)
	case "no", "false":
		return agreement.BooleanValue(false)
	}
	return agreement.TextValue(s)
}

func (s *Scenario) instant(text string) (int64, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UnixMicro(), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02 15:04:05.000000", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, s.Plan.Calendar.Zone()); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, fmt.Errorf("%q is no instant: write 2026-03-02 09:00", text)
}

// splitWords splits at spaces; double quotes keep a value together.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, some := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
			some = true
		case r == ' ' && !quoted:
			if some {
				words = append(words, word.String())
				word.Reset()
				some = false
			}
		default:
			word.WriteRune(r)
			some = true
		}
	}
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	if some {
		words = append(words, word.String())
	}
	return words, nil
}

// Run runs the scenario in a fresh world and returns what was decided, as text.
func (s *Scenario) Run() (string, *World, error) {
	return s.RunObserved(func(*lifecycle.Input, *lifecycle.Decision) {})
}

// Version returns the plan of a version: 1 is agreement.yaml, each activation that was not refused
// in the last run is the next.
func (s *Scenario) Version(version int64) *agreement.Plan {
	plan := s.Plan
	for i := range s.Steps {
		if s.Steps[i].Activate != "" && !s.Steps[i].refused && version > 1 {
			plan = s.Steps[i].Plan
			version--
		}
	}
	return plan
}

// RunObserved is Run that shows each input and its decision.
func (s *Scenario) RunObserved(observe func(*lifecycle.Input, *lifecycle.Decision)) (string, *World, error) {
	w := NewWorld(s.Plan, 1)
	w.Remember = true
	var out strings.Builder
	told := map[int64][]lifecycle.Alert{} // by lead, since they were last asked for
	asked := slices.ContainsFunc(s.Steps, func(step Step) bool { return step.Show == "alerts" })
	w.Observe = func(in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View) {
		s.write(&out, w, in, d)
		if asked && in.Lead != 0 && d.Refused == "" {
			told[in.Lead] = append(told[in.Lead], lifecycle.Alerts(w.Plan, v, in, d)...)
		}
		observe(in, d)
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		switch {
		case step.Until:
			w.Until(step.At)
		case step.Activate != "":
			w.Until(step.At)
			err := w.Activate(step.Plan, step.At)
			step.refused = err != nil
			if err != nil {
				fmt.Fprintf(&out, "%s  activate %s\n    refused: %s\n", lifecycle.Stamp(step.At, w.Plan.Calendar.Zone()), step.Activate, err)
			}
		case step.Show != "":
			w.Until(step.At)
			if err := s.show(&out, w, step, told); err != nil {
				return "", nil, fmt.Errorf("%s: inputs line %d: %w", s.Name, step.Line, err)
			}
		default:
			if !w.Take(step.Arrival) {
				fmt.Fprintf(&out, "%s  a duplicate of key %s: nothing changes\n", lifecycle.Stamp(step.At, w.Plan.Calendar.Zone()), step.Arrival.Input.Key)
			}
		}
		if err := w.Check(); err != nil {
			return "", nil, fmt.Errorf("%s: inputs line %d: %w", s.Name, step.Line, err)
		}
	}
	return out.String(), w, nil
}

// Update returns the scenario's file with other expected decisions.
func (s *Scenario) Update(decisions string) []byte {
	files := slices.Clone(s.archive.Files)
	i := slices.IndexFunc(files, func(f txtar.File) bool { return f.Name == "decisions" })
	if i < 0 {
		files = append(files, txtar.File{Name: "decisions"})
		i = len(files) - 1
	}
	files[i].Data = []byte(decisions)
	return txtar.Format(&txtar.Archive{Comment: s.archive.Comment, Files: files})
}

func (s *Scenario) write(out *strings.Builder, w *World, in *lifecycle.Input, d *lifecycle.Decision) {
	zone := w.Plan.Calendar.Zone()
	who := "team"
	switch {
	case in.Lead != 0:
		who = w.nameOf(in.Lead)
	case in.Account != 0:
		who = fmt.Sprintf("account %d", in.Account)
	}
	fmt.Fprintf(out, "%s  %s  %s", lifecycle.Stamp(in.Known, zone), who, in.Kind)
	if in.Name != "" {
		fmt.Fprintf(out, " %s", in.Name)
	}
	if in.Actor != "" {
		fmt.Fprintf(out, " by %s", in.Actor)
	}
	if in.Channel != "" {
		fmt.Fprintf(out, " channel %s", in.Channel)
	}
	if in.Import != 0 {
		fmt.Fprintf(out, " import %d", in.Import)
	}
	if in.At < in.Known && in.Kind != lifecycle.Timer {
		fmt.Fprintf(out, ", occurred %s", lifecycle.Stamp(in.At, zone))
	}
	if in.Kind == lifecycle.Timer && in.Due < in.Known {
		fmt.Fprintf(out, ", was due %s", lifecycle.Stamp(in.Due, zone))
	}
	out.WriteByte('\n')
	if d.Refused != "" {
		fmt.Fprintf(out, "    refused: %s\n", d.Refused)
		return
	}
	cited := make([]bool, len(d.Reasons))
	cite := func(reason int) string {
		if reason == 0 {
			return ""
		}
		cited[reason-1] = true
		return "  § " + reasonText(&d.Reasons[reason-1])
	}
	var body bytes.Buffer
	for i := range d.Changes {
		if text := d.Changes[i].Sentence(zone); text != "" {
			fmt.Fprintf(&body, "    %s%s\n", text, cite(d.Changes[i].Reason))
		}
	}
	for i := range d.Effects {
		e := &d.Effects[i]
		fmt.Fprintf(&body, "    tell %s: %s %s%s\n", orBoth(e.To), e.Kind, e.Name, cite(e.Reason))
	}
	for i := range d.Reasons {
		if !cited[i] {
			fmt.Fprintf(out, "    because § %s\n", reasonText(&d.Reasons[i]))
		}
	}
	out.Write(body.Bytes())
}

func orBoth(to string) string {
	if to == "" {
		return "both sides"
	}
	return to
}

func reasonText(r *lifecycle.Reason) string {
	text := r.Clause
	if len(r.Saw) > 0 {
		saw := make([]string, len(r.Saw))
		for i, v := range r.Saw {
			saw[i] = v.Name + " = " + v.Value
		}
		text += " (" + strings.Join(saw, ", ") + ")"
	}
	if r.Text != "" {
		text += ": " + r.Text
	}
	return text
}

// nameOf returns the first key of a lead: an e-mail address if it has one, of several the smallest.
func (w *World) nameOf(lead int64) string {
	var first identity.Key
	for key, id := range w.keys { // order: the smallest is taken
		if id == lead && (first.Kind == 0 || key.Kind < first.Kind || key.Kind == first.Kind && key.Value < first.Value) {
			first = key
		}
	}
	switch first.Kind {
	case 0:
		return "lead " + strconv.FormatInt(lead, 10)
	case identity.Anonymous:
		return "anonymous:" + first.Value
	}
	return first.Value
}

func (s *Scenario) show(out *strings.Builder, w *World, step *Step, told map[int64][]lifecycle.Alert) error {
	zone := w.Plan.Calendar.Zone()
	if step.Show == "ledger" {
		for _, name := range step.Args {
			pool, ok := w.Plan.Index.Pool[name]
			if !ok || pool >= len(w.Roster.Ledgers) {
				return fmt.Errorf("there is no pool %q", name)
			}
			fmt.Fprintf(out, "ledger of %s\n", name)
			for _, e := range w.Roster.Ledgers[pool].Entries {
				fmt.Fprintf(out, "    %s: given %d, owed %.3f, counts %.3f more as carried, open %d\n", e.Member, e.Given,
					thousandths(e.Behind()), thousandths(e.Carried()), w.Roster.Member(e.Member).Open)
			}
		}
		return nil
	}
	l, called := w.Lead(step.Lead), "lead "+strconv.FormatInt(step.Lead, 10)
	for _, k := range step.Keys {
		if l == nil {
			l, called = w.Find(k), k.Value
		}
	}
	if l == nil || l.Stage < 0 {
		return fmt.Errorf("nobody is called %s", called)
	}
	if step.Show == "alerts" {
		fmt.Fprintf(out, "%s  alerts about %s\n", lifecycle.Stamp(step.At, zone), called)
		for _, a := range told[l.ID] {
			to, when, clause := a.To, "", "told without an alert"
			if to == "" {
				to = "all"
			}
			if a.Wait != "" {
				when = ", " + lifecycle.Stamp(a.Due, zone) + " (" + a.Wait + ")"
			}
			if a.Alert != "" {
				clause = a.Alert
			}
			fmt.Fprintf(out, "    %s by %s: %s %s%s  § %s\n", to, a.By, a.Kind, a.Name, when, clause)
		}
		delete(told, l.ID)
		return nil
	}
	v := w.View(l.ID)
	if step.Show == "may" {
		who := lifecycle.Speaker{}
		channel := ""
		for _, arg := range step.Args {
			switch {
			case arg == "marketing":
				who.Side = agreement.Marketing
			case arg == "sales":
				who.Side = agreement.Sales
			case strings.Contains(arg, "@"):
				who.Member = arg
			default:
				channel = arg
			}
		}
		verdict := lifecycle.May(w.Plan, &v, who, channel, step.At)
		word := "no"
		if verdict.Allowed {
			word = "yes"
		}
		reason := lifecycle.Reason{Clause: verdict.Clause, Text: verdict.Text, Saw: verdict.Saw}
		fmt.Fprintf(out, "%s  may %s speak to %s: %s  § %s\n", lifecycle.Stamp(step.At, zone), strings.Join(step.Args, " "), called, word, reasonText(&reason))
		return nil
	}
	facts := lifecycle.FactsAt(w.Plan, &v, step.At)
	fmt.Fprintf(out, "%s  %s: stage %s, pass %d, grade %s, fit %s, engagement %s, readiness %d", lifecycle.Stamp(step.At, zone), called,
		w.Plan.Stages[l.Stage].Name, l.Pass, orNone(facts.Grade.String()), lifecycle.PointsText(l.FitPoints), lifecycle.PointsText(facts.Engagement), l.Readiness)
	if l.Owner != "" {
		fmt.Fprintf(out, ", owner %s", l.Owner)
	}
	if l.Queue >= 0 {
		fmt.Fprintf(out, ", queue %s", w.Plan.Queues[l.Queue].Name)
	}
	if h := l.Handoff.State.String(); h != "" {
		fmt.Fprintf(out, ", hand-off %s", h)
	}
	if due := l.Due(); due != agreement.Never {
		fmt.Fprintf(out, ", next %s", lifecycle.Stamp(due, zone))
	}
	out.WriteByte('\n')
	return nil
}

// thousandths rounds leads; it knows no "-0.000".
func thousandths(leads float64) float64 { return math.Round(leads*1000)/1000 + 0 }

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
