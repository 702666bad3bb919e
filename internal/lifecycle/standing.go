package lifecycle

import "baton/internal/agreement"

// PoolStanding is how a pool has shared out what it got, and who is next.
type PoolStanding struct {
	Pool    string
	By      string // round_robin or least_loaded, of the first rule that shares out from the pool; "" for none
	Next    string // who would get a lead by that rule, "" for nobody
	Members []Standing
}

// Standing is how a member stands in a pool.
type Standing struct {
	*Member
	Given   int64
	Due     float64  // their share, in leads
	Behind  float64  // Due less Given
	Carried float64  // what they count as carrying beside their open hand-offs
	Away    *Absence // the one at present, or the next; nil for none
	Working bool     // within their working hours
	Unable  string   // why they cannot take a lead now
}

// Standings tells how the pools stand at an instant, in the order of the agreement: whoever is in a pool or was given leads from it.
// Nothing is changed.
func Standings(plan *agreement.Plan, roster *Roster, at int64) []PoolStanding {
	var pools []PoolStanding
	for slot := range plan.Pools {
		p := PoolStanding{Pool: plan.Pools[slot].Name}
		for i := range plan.Assignment {
			rule := &plan.Assignment[i]
			if rule.Pool != slot {
				continue
			}
			p.By = [...]string{agreement.RoundRobin: "round_robin", agreement.LeastLoaded: "least_loaded"}[rule.By]
			d := &decider{plan: plan, now: at, state: View{Roster: roster}}
			p.Next, _ = d.choose(rule, nil)
			break
		}
		if roster != nil && slot < len(roster.Ledgers) {
			d := &decider{plan: plan, now: at, state: View{Roster: roster}}
			for _, e := range roster.Ledgers[slot].Entries {
				m := roster.Member(e.Member)
				if m == nil || !m.in(slot) && e.Given == 0 {
					continue
				}
				s := Standing{Member: m, Given: e.Given, Due: e.Due(), Behind: e.Behind(), Carried: e.Carried(), Working: HoursOf(plan, roster, m.ID).Open(at), Unable: d.unable(m)}
				if s.Unable == "" && !m.in(slot) {
					s.Unable = "is not in the pool any more"
				}
				for _, a := range m.Away {
					if a.To > at {
						s.Away = &a
						break
					}
				}
				p.Members = append(p.Members, s)
			}
		}
		pools = append(pools, p)
	}
	return pools
}
