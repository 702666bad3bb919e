package agreement

import (
	"fmt"
	"math"
	"strconv"
)

// judgeScoring looks for thresholds that no lead could reach.
func (c *compiler) judgeScoring() {
	p := c.plan
	grade := c.at("scoring", "grade")
	most := map[string]int64{"fit": p.mostFit(), "engagement": p.mostEngagement()}
	most["score"] = math.MaxInt64
	if most["engagement"] != math.MaxInt64 {
		most["score"] = most["fit"] + most["engagement"]
	}
	scale := func(name, address string, names []string, thresholds *[3]int64) {
		for i, step := range names {
			if at := field(grade.get(name), step); at != nil && thresholds[i] > most[name] {
				c.find(codeThreshold, at, address, fmt.Sprintf("no lead can have %s points of %s: all rules together give at most %s", pointsText(thresholds[i]), name, pointsText(most[name])),
					"lower the threshold, or let the rules give more")
			}
		}
	}
	scale("fit", "scoring.grade.fit", []string{"A", "B", "C"}, &p.Grade.Fit)
	scale("engagement", "scoring.grade.engagement", []string{"1", "2", "3"}, &p.Grade.Engagement)
	for _, a := range c.asked {
		if grade == nil && a.Topics.Has(TopicGrade) {
			c.find(codeRequired, a.n, a.Place.Address, "this asks for a grade, but the agreement has no grades", "add scoring.grade")
			continue
		}
		for _, need := range a.Needs() {
			if limit, ok := most[need.Name]; ok && need.Least > limit {
				from := runeOffset(a.n.value, need.Offset)
				to := runeOffset(a.n.value, need.Offset+need.Length)
				f := c.doc.finding(Error, codeThreshold, c.doc.spot(a.n, from), c.doc.spot(a.n, max(from, to-1))+1,
					fmt.Sprintf("no lead can have %s points of %s: all rules together give at most %s", pointsText(need.Least), need.Name, pointsText(limit)), "lower the threshold, or let the rules give more")
				f.Address = a.Place.Address
				c.found = append(c.found, f)
			}
		}
	}
}

// pointsText writes points for people.
func pointsText(n int64) string { return strconv.FormatFloat(float64(n)/Point, 'f', -1, 64) }

// mostFit returns a number of points that no lead's fit exceeds.
func (p *Plan) mostFit() int64 {
	sum := int64(0)
	for i := range p.Fit {
		sum += max(0, p.Fit[i].Points)
	}
	return sum
}

// mostEngagement returns a number of points that no lead's engagement exceeds, the
// largest number when there is none: a rule without a cap counts again and again, and
// so, over the years, does one whose points neither halve nor expire.
//
// Where a rule counts n times in a window w, points that expire after e lie in at
// most floor(e/w)+2 windows, wherever those begin; points that halve in h sum up
// to n·(1 + 1/(1-2^(-w/h))) at most.
func (p *Plan) mostEngagement() int64 {
	sum := 0.0
	for i := range p.Engagement {
		r := &p.Engagement[i]
		if r.Points <= 0 {
			continue
		}
		if r.AtMost == 0 || r.Per == 0 || r.HalfLife == 0 && r.Expires == 0 {
			return math.MaxInt64
		}
		windows := float64(r.Expires/r.Per + 2)
		if r.HalfLife > 0 {
			windows = 1 + 1/(1-math.Exp2(-float64(r.Per)/float64(r.HalfLife)))
		}
		sum += float64(r.Points) * float64(r.AtMost) * windows
	}
	if sum > 1<<60 {
		return math.MaxInt64
	}
	return int64(math.Ceil(sum/Point)) * Point
}
