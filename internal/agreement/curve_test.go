package agreement

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestDecayFollowsTheFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points := rapid.Int64Range(-1e12, 1e12).Draw(t, "points")
		halfLife := rapid.Int64Range(1, 400*86_400_000_000).Draw(t, "halfLife")
		elapsed := rapid.Int64Range(0, 20*halfLife).Draw(t, "elapsed")
		got := Decay(points, elapsed, halfLife)
		want := float64(points) * math.Exp2(-float64(elapsed)/float64(halfLife))
		if math.Abs(float64(got)-want) > 2+math.Abs(want)*1e-8 {
			t.Fatalf("Decay(%d, %d, %d) = %d, want %.3f", points, elapsed, halfLife, got, want)
		}
		if later := Decay(points, elapsed+1, halfLife); abs(later) > abs(got) {
			t.Fatalf("grew from %d to %d within a microsecond", got, later)
		}
	})
}

func TestDecayAtWholeHalfLives(t *testing.T) {
	for n, want := range []int64{40 * Point, 20 * Point, 10 * Point, 5 * Point} {
		if got := Decay(40*Point, int64(n)*1000, 1000); got != want {
			t.Errorf("after %d half-lives: %d, want %d", n, got, want)
		}
	}
}

func drawCurve(t *rapid.T) *Curve {
	c := &Curve{Start: 0, Flat: rapid.Int64Range(-20, 20).Draw(t, "flat") * Point}
	sign := rapid.SampledFrom([]int64{-1, 1}).Draw(t, "sign")
	for range rapid.IntRange(0, 4).Draw(t, "terms") {
		c.Terms = append(c.Terms, DecayTerm{
			Points:   sign * rapid.Int64Range(0, 40).Draw(t, "points") * Point,
			Ref:      rapid.Int64Range(-1000, 0).Draw(t, "ref"),
			HalfLife: rapid.Int64Range(1, 500).Draw(t, "halfLife"),
		})
	}
	for range rapid.IntRange(0, 4).Draw(t, "steps") {
		c.Steps = append(c.Steps, StepTerm{
			Points: rapid.Int64Range(-30, 30).Draw(t, "stepPoints") * Point,
			Until:  rapid.Int64Range(1, 3000).Draw(t, "until"),
		})
	}
	return c
}

// The oracle walks the curve microsecond by microsecond.
func TestNextCrossIsTheFirstInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCurve(t)
		level := rapid.Int64Range(-30, 60).Draw(t, "level") * Point
		const horizon = 4000
		want := Never
		above := c.At(0) >= level
		for x := int64(1); x <= horizon; x++ {
			if (c.At(x) >= level) != above {
				want = x
				break
			}
		}
		got := c.NextCross(0, level)
		if got > horizon {
			got = Never
		}
		if got != want {
			t.Fatalf("crosses %d at %d, want %d; %+v", level, got, want, c)
		}
		guess := rapid.OneOf(rapid.Just(want), rapid.Int64Range(-10, horizon)).Draw(t, "guess")
		if c.FallsBelow(level, guess) && guess != want {
			t.Fatalf("falls below %d at %d, want %d; %+v", level, guess, want, c)
		}
		fades := !slices.ContainsFunc(c.Terms, func(term DecayTerm) bool { return term.Points < 0 })
		if above && fades && want != Never && !c.FallsBelow(level, want) {
			t.Fatalf("does not fall below %d at %d; %+v", level, want, c)
		}
	})
}

// Points that fall and points that rise together: sampled by the minute.
func TestNextCrossOfACurveThatTurns(t *testing.T) {
	const minute, day = int64(60_000_000), int64(86_400_000_000)
	rapid.Check(t, func(t *rapid.T) {
		c := &Curve{}
		for _, sign := range []int64{1, -1, 1} {
			c.Terms = append(c.Terms, DecayTerm{
				Points:   sign * rapid.Int64Range(1, 60).Draw(t, "points") * Point,
				HalfLife: rapid.Int64Range(10, 1000).Draw(t, "halfLife") * minute,
			})
		}
		level := rapid.Int64Range(-30, 60).Draw(t, "level") * Point
		above := c.At(0) >= level
		got := c.NextCross(0, level)
		for x := minute; x < 14*day && x < got; x += minute {
			if at := c.At(x); (at >= level) != above && abs(at-level) > int64(len(c.Terms)) { // more than rounding
				t.Fatalf("crosses by minute %d, found %d", x/minute, got)
			}
		}
		if got != Never && ((c.At(got) >= level) == above || (c.At(got-1) >= level) != above) {
			t.Fatalf("%d is not a crossing", got)
		}
	})
}

// Points of one half-life, for and against, only fall or only rise together, but for rounding.
func TestNextCrossOfOneHalfLife(t *testing.T) {
	const minute, day = int64(60_000_000), int64(86_400_000_000)
	rapid.Check(t, func(t *rapid.T) {
		halfLife := rapid.Int64Range(10, 2000).Draw(t, "halfLife") * minute
		c := &Curve{Flat: rapid.Int64Range(-3, 3).Draw(t, "flat") * Point}
		n := rapid.IntRange(2, 5).Draw(t, "terms")
		for range n {
			c.Terms = append(c.Terms, DecayTerm{
				Points:   rapid.Int64Range(-20, 20).Draw(t, "points") * Point,
				Ref:      -rapid.Int64Range(0, 3).Draw(t, "ref") * halfLife / 2,
				HalfLife: halfLife,
			})
		}
		level := rapid.Int64Range(-20, 20).Draw(t, "level") * Point
		above := c.At(0) >= level
		got := c.NextCross(0, level)
		for x := minute; x < 40*day && x < got; x += 7 * minute {
			if at := c.At(x); (at >= level) != above && abs(at-level) > int64(n) { // more than rounding
				t.Fatalf("crosses by minute %d, found %d", x/minute, got)
			}
		}
		if got != Never && ((c.At(got) >= level) == above || (c.At(got-1) >= level) != above) {
			t.Fatalf("%d is not a crossing", got)
		}
	})
}

func TestNextCrossOverMonths(t *testing.T) {
	const day = int64(86_400_000_000)
	c := &Curve{Terms: []DecayTerm{{Points: 60 * Point, Ref: 0, HalfLife: 45 * day}}}
	at := c.NextCross(0, 15*Point)
	// a point is a million parts, so the score shows the crossing within half a second
	if at < 90*day || at > 90*day+500_000 {
		t.Errorf("60 points with a half-life of 45 days leave 15 at %d, want just after day 90 (%d)", at, 90*day)
	}
	if c.At(at) >= 15*Point || c.At(at-1) < 15*Point {
		t.Errorf("not the first instant: %d then %d", c.At(at-1), c.At(at))
	}
}

func BenchmarkNextCross(b *testing.B) {
	const day = int64(86_400_000_000)
	b.Run("one", func(b *testing.B) {
		c := &Curve{Flat: Point, Terms: []DecayTerm{{Points: 60 * Point, Ref: 0, HalfLife: 45 * day}}}
		for b.Loop() {
			c.NextCross(day, 15*Point)
		}
	})
	b.Run("three", func(b *testing.B) {
		c := &Curve{Flat: Point, Terms: []DecayTerm{{60 * Point, 0, 45 * day}, {10 * Point, 0, 30 * day}, {10 * Point, 0, 90 * day}}}
		for b.Loop() {
			c.NextCross(day, 15*Point)
		}
	})
	b.Run("mixed", func(b *testing.B) {
		c := &Curve{Flat: Point, Terms: []DecayTerm{{60 * Point, 0, 45 * day}, {-10 * Point, 0, 30 * day}, {10 * Point, 0, 90 * day}}}
		for b.Loop() {
			c.NextCross(day, 15*Point)
		}
	})
	b.Run("even", func(b *testing.B) { // as many points for as against, and a level they do not move from
		c := &Curve{Terms: []DecayTerm{{100 * Point, 0, 365 * day}, {-100 * Point, 0, 365 * day}}}
		for b.Loop() {
			c.NextCross(day, 0)
		}
	})
	b.Run("at", func(b *testing.B) {
		c := &Curve{Flat: Point, Terms: []DecayTerm{{60 * Point, 0, 45 * day}, {10 * Point, 0, 30 * day}, {10 * Point, 0, 90 * day}}}
		for b.Loop() {
			c.At(day)
		}
	})
}
