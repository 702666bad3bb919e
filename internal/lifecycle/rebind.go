package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	"baton/internal/agreement"
)

// Rebind moves the state in v from the slots of one version of the agreement to those of
// another, by name and through the renames the new version declares. A stage that is gone
// without a new name is an error: the lead would be nowhere. Other things that are gone are
// dropped from the state; the inputs that brought them stay.
func Rebind(from, to *agreement.Plan, v *View) error {
	names := renames(to)
	rename := func(what, name string) string {
		if renamed, ok := names[what+" "+name]; ok {
			return renamed
		}
		return name
	}
	slot := func(what, name string, index map[string]int) int {
		if i, ok := index[rename(what, name)]; ok {
			return i
		}
		return -1
	}
	values := func(old []agreement.Value, n int, at func(i int) int) []agreement.Value {
		moved := make([]agreement.Value, n)
		for i := range old {
			if j := at(i); j >= 0 {
				moved[j] = old[i]
			}
		}
		return moved
	}
	attribute := func(i int) int { return slot("attribute", from.Attributes[i].Name, to.Index.Attribute) }
	if v.Account != nil {
		v.Account.Attributes = values(v.Account.Attributes, len(to.Attributes), attribute)
	}
	if r := v.Roster; r != nil {
		pools := func(old []int) []int {
			var moved []int
			for _, p := range old {
				if j := slot("pool", from.Pools[p].Name, to.Index.Pool); j >= 0 {
					moved = append(moved, j)
				}
			}
			return moved
		}
		traits := func(k int, old []int) []int {
			var moved []int
			for _, t := range old {
				if j := slices.IndexFunc(to.Traits[k], func(n agreement.Trait) bool { return n.Name == from.Traits[k][t].Name }); j >= 0 {
					moved = append(moved, j)
				}
			}
			slices.Sort(moved)
			return moved
		}
		for i := range r.Members {
			m := &r.Members[i]
			m.Pools = pools(m.Pools)
			for k := range m.Traits {
				m.Traits[k] = traits(k, m.Traits[k])
			}
		}
		old := r.Ledgers
		r.Ledgers = nil
		for i := range old {
			if moved := pools([]int{i}); len(moved) == 1 {
				r.ledger(moved[0]).Entries = old[i].Entries
			}
		}
		// who is taken out of the agreement has left the team; who has left it otherwise stays away
		for i := range from.People {
			id := from.People[i].ID
			if _, ok := to.Index.Person[id]; !ok {
				if m := r.Member(id); m != nil {
					m.Inactive = true
				}
			}
		}
		for i := range to.People {
			p := &to.People[i]
			m := r.Member(p.ID)
			_, known := from.Index.Person[p.ID]
			left := known && m != nil && m.Inactive
			r.set(to, p)
			r.Member(p.ID).Inactive = left
		}
	}
	l := v.Lead
	if l == nil {
		return nil
	}
	stage := slot("stage", from.Stages[l.Stage].Name, to.Index.Stage)
	if stage < 0 {
		return fmt.Errorf("stage %s is gone from the new agreement, and leads are in it: declare what it is called now under renamed.stages", from.Stages[l.Stage].Name)
	}
	l.Stage = stage
	l.Attributes = values(l.Attributes, len(to.Attributes), attribute)
	l.Answers = values(l.Answers, len(to.Questions), func(i int) int { return slot("question", from.Questions[i].Name, to.Index.Question) })
	l.Activities = moveSlots(l.Activities, func(m *agreement.Memory) *int { return &m.Activity },
		func(i int) int { return slot("activity", from.Activities[i].Name, to.Index.Activity) })
	l.Rules = moveSlots(l.Rules, func(m *RuleMemory) *int { return &m.Rule }, func(i int) int {
		name := rename("engagement", from.Engagement[i].Name)
		return slices.IndexFunc(to.Engagement, func(r agreement.EngagementRule) bool { return r.Name == name })
	})
	l.Fit = moveSlots(l.Fit, func(i *int) *int { return i }, func(i int) int {
		name := rename("fit", from.Fit[i].Name)
		return slices.IndexFunc(to.Fit, func(r agreement.FitRule) bool { return r.Name == name })
	})
	one := func(i *int, what string, list func(*agreement.Plan) []agreement.Named) {
		if *i >= 0 {
			*i = named(list(to), rename(what, list(from)[*i].Name))
		}
	}
	one(&l.Track, "track", func(p *agreement.Plan) []agreement.Named { return p.Tracks })
	one(&l.Queue, "queue", func(p *agreement.Plan) []agreement.Named { return p.Queues })
	one(&l.BuyingStage, "buying_stage", func(p *agreement.Plan) []agreement.Named { return p.BuyingStages })
	if l.Asset >= 0 {
		l.Asset = slot("asset", from.Assets[l.Asset].Name, to.Index.Asset)
	}
	if l.Back >= 0 {
		l.Back = slot("handback", from.Handbacks[l.Back].Name, to.Index.Handback)
	}
	if l.Handoff.Reason >= 0 {
		l.Handoff.Reason = slot("handback", from.Handbacks[l.Handoff.Reason].Name, to.Index.Handback)
	}
	if l.Handoff.Rule >= 0 {
		old := from.Handoffs[l.Handoff.Rule].Name
		l.Handoff.Rule = slot("handoff", old, to.Index.Handoff)
		if l.Handoff.Rule < 0 && (l.Handoff.State == HandoffOpen || l.Handoff.State == HandoffEscalated) {
			return fmt.Errorf("hand-off %s is gone from the new agreement, and some are open: declare what it is called now under renamed.handoffs", old)
		}
		if l.Handoff.Rule < 0 {
			l.Handoff = Handoff{Rule: -1, Reason: -1}
		}
	}
	for i := range l.Clocks {
		l.Clocks[i].Name = renameClock(names, l.Clocks[i].Name)
	}
	slices.SortFunc(l.Clocks, func(a, b Clock) int { return strings.Compare(a.Name, b.Name) })
	l.Competitors = slices.DeleteFunc(slices.Clone(l.Competitors), func(name string) bool { return to.Worth == nil || to.Worth.Competitor(name) < 0 })
	if len(l.Competitors) == 0 {
		l.Competitors = nil
	}
	done := make([]string, 0, len(l.Done))
	for _, name := range l.Done {
		if name = renameClock(names, name); slices.ContainsFunc(to.Clocks, func(c agreement.ClockRule) bool { return c.Address == name }) {
			done = append(done, name)
		}
	}
	slices.Sort(done)
	l.Done = done
	return nil
}

func renames(to *agreement.Plan) map[string]string {
	names := make(map[string]string, len(to.Renamed))
	for _, r := range to.Renamed {
		names[r.What+" "+r.From] = r.To
	}
	return names
}

// Renamed returns what a version of the agreement calls what an earlier one called by a name: what is "stage", "queue"
// and so on, or "clock" for the address of one.
func Renamed(to *agreement.Plan, what, name string) string {
	if what == "clock" {
		return renameClock(renames(to), name)
	}
	if renamed, ok := renames(to)[what+" "+name]; ok {
		return renamed
	}
	return name
}

// renameClock follows the renames in the address of a clock: "stages.sal.limit".
func renameClock(names map[string]string, address string) string {
	parts := strings.SplitN(address, ".", 3)
	if len(parts) < 2 {
		return address
	}
	what := strings.TrimSuffix(parts[0], "s")
	if name, ok := names[what+" "+parts[1]]; ok {
		parts[1] = name
	}
	return strings.Join(parts, ".")
}

// moveSlots maps the slots in a list that is sorted by them, drops what is gone, and sorts again.
func moveSlots[T any](list []T, key func(*T) *int, to func(int) int) []T {
	moved := make([]T, 0, len(list))
	for i := range list {
		item := list[i]
		if j := to(*key(&item)); j >= 0 {
			*key(&item) = j
			moved = append(moved, item)
		}
	}
	slices.SortFunc(moved, func(a, b T) int { return *key(&a) - *key(&b) })
	return moved
}
