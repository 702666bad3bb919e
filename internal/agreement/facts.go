package agreement

import "slices"

// Facts is all that a condition can see of a lead at one instant. Conditions
// read it and never change it. Slices are indexed by the plan's slots; a slot
// past the end of a slice is missing.
type Facts struct {
	Now        int64
	Lead       []Value // Attributes slot -> value; company slots unused
	Company    []Value // Attributes slot -> value; the account's, or the lead's own while it has no account
	Answers    []Value // Questions slot -> value
	Properties []Value // Properties slot -> value, of the activity at hand
	Activities []Memory
	Total      int64 // activities in all, since the memory was last cleared

	Fit             int64 // in Point
	EngagementCurve *Curve
	Engagement      int64 // EngagementCurve.At(Now)
	Grade           Grade
	Readiness       int

	Stage        int   // slot
	Entered      int64 // when the lead entered Stage
	Pass         int
	Origin       Side
	Owner        string
	AccountOwner string
	Handoff      string // "", "open", "accepted", "rejected", "expired", "escalated", "withdrawn"
	Contacted    bool   // a person has had contact in this hand-off
	BuyingStage  int    // slot, -1 for none

	// Scored is false for a lead that objected to profiling: score, grade,
	// readiness and what it did are then missing for every condition.
	Scored bool
}

// Memory is what is remembered of one activity of a lead.
type Memory struct {
	Activity int // slot
	Count    int64
	First    int64
	Last     int64
	// Recent holds the instants within the plan's Window for this activity, ascending.
	Recent []int64
}

// Remembered returns the memory of an activity, or nil. Activities is sorted by slot.
func (f *Facts) Remembered(activity int) *Memory {
	i, ok := slices.BinarySearchFunc(f.Activities, activity, func(m Memory, a int) int { return m.Activity - a })
	if !ok {
		return nil
	}
	return &f.Activities[i]
}

// Grade is a letter for fit and a figure for engagement. The zero Grade is none.
type Grade struct {
	Fit        uint8 // 0 none, 'A' to 'D'
	Engagement uint8 // 0 none, '1' to '4'
}

// String returns "A1", or "" for none.
func (g Grade) String() string {
	if g.Fit == 0 {
		return ""
	}
	return grades[(g.Fit-'A')*4+(g.Engagement-'1')]
}

// Rank orders grades: 0 is A1, then A2 and on to 15, D4; 16 is no grade.
func (g Grade) Rank() int {
	if g.Fit == 0 {
		return len(grades)
	}
	return int(g.Fit-'A')*4 + int(g.Engagement-'1')
}

var grades = [...]string{"A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4", "C1", "C2", "C3", "C4", "D1", "D2", "D3", "D4"}

// Of returns the grade of a fit and an engagement, both in Point.
func (s *GradeScale) Of(fit, engagement int64) Grade {
	g := Grade{Fit: 'D', Engagement: '4'}
	for i, t := range s.Fit {
		if fit >= t {
			g.Fit = 'A' + uint8(i)
			break
		}
	}
	for i, t := range s.Engagement {
		if engagement >= t {
			g.Engagement = '1' + uint8(i)
			break
		}
	}
	return g
}
