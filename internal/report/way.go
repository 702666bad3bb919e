package report

import (
	"fmt"

	"baton/internal/agreement"
)

// way is the order in which a lead goes through the stages, from the first to won, and
// what stands beside it.
//
// It is the longest path that transitions and hand-offs make forward through the stages
// as the agreement lists them. Hand-backs and steps backwards are no part of it. When won
// cannot be reached so, all stages that do not end a pass are the way.
type way struct {
	stages []int // slots on the way, in order
	beside []int // the other slots, in the agreement's order
	place  []int // slot -> position on the way, -1 for beside it
	won    int   // position of the won stage, -1 if the way has none
}

func wayOf(plan *agreement.Plan) (way, error) {
	n := len(plan.Stages)
	if n > 64 {
		return way{}, fmt.Errorf("following leads through %d stages: reports know at most 64", n)
	}
	next := make([][]int, n)
	add := func(from, to int) {
		if from < to {
			next[from] = append(next[from], to)
		}
	}
	for i := range plan.Transitions {
		for _, from := range plan.Transitions[i].From {
			add(from, plan.Transitions[i].To)
		}
	}
	for i := range plan.Handoffs {
		add(plan.Handoffs[i].From, plan.Handoffs[i].To)
	}
	// length[i] is that of the longest path from i to a won stage, 0 for none; stages are
	// numbered in the order of the list, so one run from the end finds it.
	length, then := make([]int, n), make([]int, n)
	for i := n - 1; i >= 0; i-- {
		then[i] = -1
		switch plan.Stages[i].Final {
		case agreement.Won:
			length[i] = 1
			continue
		case agreement.NotFinal:
		default:
			continue
		}
		for _, to := range next[i] {
			if length[to] > 0 && length[to]+1 > length[i] {
				length[i], then[i] = length[to]+1, to
			}
		}
	}
	w := way{place: make([]int, n), won: -1}
	for i := range w.place {
		w.place[i] = -1
	}
	if n > 0 && length[0] > 0 {
		for i := 0; i >= 0; i = then[i] {
			w.place[i] = len(w.stages)
			w.stages = append(w.stages, i)
		}
		w.won = len(w.stages) - 1
	} else {
		for i := range plan.Stages {
			if plan.Stages[i].Final == agreement.NotFinal {
				w.place[i] = len(w.stages)
				w.stages = append(w.stages, i)
			}
		}
	}
	for i := range plan.Stages {
		if w.place[i] < 0 {
			w.beside = append(w.beside, i)
		}
	}
	return w, nil
}

// Way returns the stages from the first to won in order, as the funnel has them: without those beside the way.
func Way(plan *agreement.Plan) ([]string, error) {
	w, err := wayOf(plan)
	var names []string
	for _, i := range w.stages {
		names = append(names, plan.Stages[i].Name)
	}
	return names, err
}
