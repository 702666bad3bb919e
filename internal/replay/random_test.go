package replay_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/replay"
)

// noise draws numbers from a source of bytes or of rapid.
type noise interface{ below(n int) int }

type rapidNoise struct{ t *rapid.T }

func (r rapidNoise) below(n int) int { return rapid.IntRange(0, n-1).Draw(r.t, "n") }

type byteNoise struct{ b []byte }

func (r *byteNoise) below(n int) int {
	if len(r.b) == 0 {
		return 0
	}
	v := int(r.b[0])
	r.b = r.b[1:]
	if n > 256 && len(r.b) > 0 {
		v = v<<8 | int(r.b[0])
		r.b = r.b[1:]
	}
	return v % n
}

var people = []string{"jonas@x.example", "lena@x.example", "boss@x.example", "nobody@x.example"}

func pick[T any](n noise, list []T) (zero T) {
	if len(list) == 0 {
		return zero
	}
	return list[n.below(len(list))]
}

// drawArrival makes something that might happen, possible or not, at an instant.
func drawArrival(n noise, plan *agreement.Plan, at int64) *lifecycle.Arrival {
	a := &lifecycle.Arrival{Input: lifecycle.Input{At: at, Known: at, Source: "noise"}}
	in := &a.Input
	in.Kind = lifecycle.InputKind(1 + n.below(int(lifecycle.Retract)))
	if n.below(2) == 0 {
		in.Kind = pick(n, []lifecycle.InputKind{lifecycle.Did, lifecycle.Did, lifecycle.Identify, lifecycle.Accept, lifecycle.Take, lifecycle.Contact, lifecycle.Release, lifecycle.Estimate, lifecycle.WalkAway, lifecycle.Move, lifecycle.Remind})
	}
	in.Actor = pick(n, people)
	switch in.Kind {
	case lifecycle.Timer, lifecycle.Activate, lifecycle.Refresh, lifecycle.Retract:
		in.Kind = lifecycle.Did
		fallthrough
	case lifecycle.Did:
		in.Name = pick(n, plan.Activities).Name
		in.Asset = pick(n, plan.Assets).Name
		in.Bot = n.below(20) == 0
		if len(plan.Properties) > 0 {
			in.Values = []lifecycle.Named{{Name: pick(n, plan.Properties).Name, Value: drawText(n)}}
		}
		if n.below(4) == 0 { // late
			in.At -= int64(n.below(60)) * 86_400_000_000
		}
	case lifecycle.Identify:
		for range 1 + n.below(4) {
			p := pick(n, plan.Attributes)
			in.Values = append(in.Values, lifecycle.Named{Name: p.Name, Value: drawAny(n, p)})
		}
		slices.SortFunc(in.Values, func(a, b lifecycle.Named) int { return strings.Compare(a.Name, b.Name) })
		if n.below(2) == 0 {
			a.Account = []string{"acme.example", "umbrella.example"}[n.below(2)]
		}
	case lifecycle.Answered, lifecycle.Contact:
		if len(plan.Questions) > 0 {
			q := pick(n, plan.Questions)
			in.Values = []lifecycle.Named{{Name: q.Name, Value: drawAny(n, agreement.Attribute{Kind: q.Kind, Choices: q.Choices})}}
		}
		in.Name = pick(n, lifecycle.Outcomes).Name
		if n.below(6) == 0 {
			in.Due = at + int64(n.below(40))*43_200_000_000
		}
	case lifecycle.Consented:
		in.Name = pick(n, []string{"granted", "granted", "granted", "withdrawn", "objected", "nonsense"})
	case lifecycle.Reject, lifecycle.HandBack:
		in.Name = pick(n, plan.Handbacks).Name
	case lifecycle.Assign, lifecycle.OwnAccount:
		in.Name = pick(n, people)
	case lifecycle.Move:
		in.Name = pick(n, plan.Transitions).Name
	case lifecycle.Estimate:
		in.Value = float64(n.below(5) * 20000)
		in.Values = []lifecycle.Named{{Name: "effort", Value: agreement.NumberValue(float64(n.below(100)))}, {Name: "probability", Value: agreement.NumberValue(float64(n.below(11)) / 10)}}
		if w := plan.Worth; w != nil && n.below(2) == 0 {
			in.Values = slices.Insert(in.Values, 0, lifecycle.Named{Name: "competitors", Value: agreement.TextValue(pick(n, w.Competitors).Name)})
		}
	case lifecycle.Remind:
		if len(plan.Handoffs) > 0 && n.below(2) == 0 {
			in.Name = pick(n, []string{plan.Handoffs[0].AcceptClause.Address, plan.Handoffs[0].ContactClause.Address, "clocks.nonsense"})
		}
	case lifecycle.WalkAway:
		if w := plan.Worth; w != nil {
			in.Name = pick(n, w.WalkAway).Name
		}
	case lifecycle.Joined, lifecycle.Left, lifecycle.Absent:
		in.Name = pick(n, people)
		in.Due = at + int64(n.below(20))*86_400_000_000
		in.Member = &agreement.Person{ID: in.Name, Side: agreement.Sales, Weight: n.below(3), Capacity: n.below(4), Manager: people[2]}
		in.Member.Zone, in.Member.Week = pick(n, []string{"", "America/New_York", "Mars/Base"}), pick(n, []string{"", "mon-fri 07:00-15:00", "always", "never"})
		for i := range plan.Pools {
			if n.below(2) == 0 {
				in.Member.Pools = append(in.Member.Pools, i)
			}
		}
		return a
	}
	key, _ := identity.NormalizeEmail([]string{"a@acme.example", "b@acme.example", "c@umbrella.example", "d@mail.example"}[n.below(4)])
	a.Keys = []identity.Key{key}
	return a
}

func drawText(n noise) agreement.Value {
	return agreement.TextValue([]string{"/pricing", "Student", "COO", "", "SE", "£ü"}[n.below(6)])
}

func drawAny(n noise, a agreement.Attribute) agreement.Value {
	switch a.Kind {
	case agreement.Number:
		return agreement.NumberValue(float64(n.below(2000) - 10))
	case agreement.Boolean:
		return agreement.BooleanValue(n.below(2) == 0)
	case agreement.Date:
		return agreement.DateValue(1_770_000_000_000_000 + int64(n.below(400))*86_400_000_000)
	case agreement.Choice:
		if n.below(8) > 0 {
			return agreement.TextValue(pick(n, a.Choices))
		}
	}
	return drawText(n)
}

// runNoise decides random inputs and checks what must always hold. It returns every decision as bytes.
func runNoise(t testing.TB, plan *agreement.Plan, n noise, steps int) []byte {
	var out []byte
	w := replay.NewWorld(plan, 1)
	w.Remember = true
	w.Observe = func(in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View) {
		out = append(d.AppendJSON(append(out, '\n')), in.Kind.String()...)
		if v.Lead == nil || v.Lead.Stage < 0 {
			return
		}
		stored := lifecycle.AppendLead(nil, v.Lead)
		back, err := lifecycle.ParseLead(stored)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(stored, lifecycle.AppendLead(nil, back)) {
			t.Fatal("a lead changes when it is stored and read")
		}
		if due := v.Lead.Due(); due <= in.Known && in.Kind == lifecycle.Timer && in.Due == in.Known {
			t.Fatalf("after its timer of %d the lead is due at %d", in.Due, due)
		}
	}
	at := int64(1_772_445_600_000_000) // Mon 2 Mar 2026 10:00 UTC
	for _, id := range people[:3] {
		member := &agreement.Person{ID: id, Side: agreement.Sales, Weight: 1, Manager: people[2]}
		for i := range plan.Pools {
			member.Pools = append(member.Pools, i)
		}
		w.Take(&lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Joined, At: at, Known: at, Name: id, Member: member}})
	}
	for range steps {
		at += int64(n.below(1000)) * int64(n.below(300)) * 1_000_000
		w.Take(drawArrival(n, plan, at))
		if err := w.Check(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// Whatever happens, Decide leaves what it was given alone and decides the same again.
func TestDecideIsPure(t *testing.T) {
	for _, plan := range plans(t) {
		rapid.Check(t, func(t *rapid.T) {
			n := rapidNoise{t}
			w := replay.NewWorld(plan, 1)
			at := int64(1_772_445_600_000_000)
			for range rapid.IntRange(1, 30).Draw(t, "steps") {
				at += int64(n.below(100)) * 3_600_000_000
				w.Take(drawArrival(n, plan, at))
			}
			next := drawArrival(n, plan, at+1)
			in := next.Input
			in.ID, in.Version = 1000, 1
			if len(next.Keys) > 0 {
				l := w.Find(next.Keys[0])
				if l == nil {
					return
				}
				in.Lead = l.ID
			}
			view := w.View(in.Lead)
			in.Known = max(in.Known, at)
			before := snapshot(&view)
			first := lifecycle.Decide(plan, &view, &in)
			if diff := cmp.Diff(before, snapshot(&view)); diff != "" {
				t.Fatalf("deciding changed what was given\n%s", diff)
			}
			second := lifecycle.Decide(plan, &view, &in)
			if diff := cmp.Diff(first, second, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("decided twice (-first +second)\n%s", diff)
			}
		})
	}
}

func snapshot(v *lifecycle.View) []string {
	var s []string
	if v.Lead != nil {
		s = append(s, string(lifecycle.AppendLead(nil, v.Lead)))
	}
	if v.Account != nil {
		s = append(s, string(lifecycle.AppendAccount(nil, v.Account)))
	}
	return append(s, string(lifecycle.AppendRoster(nil, v.Roster)))
}

// plans are the templates and the agreements of two scenarios.
func plans(tb testing.TB) []*agreement.Plan {
	var all []*agreement.Plan
	for _, name := range agreement.Templates() {
		source, _ := agreement.Template(name)
		plan, findings := agreement.Compile(name, source, nil)
		if findings.HasErrors() {
			tb.Fatal(findings.Err())
		}
		all = append(all, plan)
	}
	for _, name := range []string{"relay.txtar", "call-lease-lapses.txtar", "worth-walked-away.txtar"} {
		data, err := os.ReadFile("../../testdata/scenario/" + name)
		if err != nil {
			tb.Fatal(err)
		}
		s, err := replay.ParseScenario(name, data)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, s.Plan)
	}
	return all
}

func TestNoise(t *testing.T) {
	for _, plan := range plans(t) {
		rapid.Check(t, func(rt *rapid.T) {
			seed := rapid.SliceOfN(rapid.Byte(), 50, 900).Draw(rt, "noise")
			first := runNoise(t, plan, &byteNoise{seed}, 60)
			if second := runNoise(t, plan, &byteNoise{seed}, 60); !bytes.Equal(first, second) {
				t.Fatal("the same inputs were decided differently")
			}
		})
	}
}

// FuzzPlan lets any agreement that checks decide random inputs, twice.
func FuzzPlan(f *testing.F) {
	for _, name := range agreement.Templates() {
		source, _ := agreement.Template(name)
		f.Add(source, []byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	}
	if files, err := filepath.Glob("../../testdata/scenario/*.txtar"); err == nil {
		for _, file := range files {
			if data, err := os.ReadFile(file); err == nil {
				if s, err := replay.ParseScenario(file, data); err == nil {
					f.Add(s.Source, []byte("the quick brown fox jumps over the lazy dog"))
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, source, seed []byte) {
		plan, findings := agreement.Compile("fuzz.yaml", source, nil)
		if findings.HasErrors() {
			return
		}
		first := runNoise(t, plan, &byteNoise{seed}, 25)
		if second := runNoise(t, plan, &byteNoise{seed}, 25); !bytes.Equal(first, second) {
			t.Fatal("the same inputs were decided differently")
		}
	})
}
