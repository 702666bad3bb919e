package replay_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/replay"
)

// In any window of the cap, wherever it begins, no more count than the agreement allows, in
// whatever order Baton hears of them.
func TestCapHoldsInAnyOrder(t *testing.T) {
	plan := planOf(t, "testdata/agreement/rich.yaml")
	key, _ := identity.NormalizeEmail("anna@acme.example")
	const day = int64(86_400_000_000)
	rapid.Check(t, func(t *rapid.T) {
		counted := map[string][]int64{}
		w := replay.NewWorld(plan, 1)
		w.Observe = func(in *lifecycle.Input, d *lifecycle.Decision, v *lifecycle.View) {
			for i := range d.Changes {
				if c := &d.Changes[i]; c.Kind == lifecycle.PointsGiven {
					counted[c.Name] = append(counted[c.Name], c.At)
				}
			}
		}
		now := int64(1_772_445_600_000_000)
		for range rapid.IntRange(1, 90).Draw(t, "activities") {
			now += rapid.Int64Range(0, day).Draw(t, "pause")
			name := rapid.SampledFrom([]string{"webinar", "page_viewed", "unsubscribed"}).Draw(t, "activity")
			at := now - rapid.Int64Range(0, 160).Draw(t, "late")*day/4
			w.Take(&lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Did, Name: name, At: at, Known: now}, Keys: []identity.Key{key}})
		}
		for i := range plan.Engagement {
			rule := &plan.Engagement[i]
			at := counted[rule.Name]
			slices.Sort(at)
			for j := 0; rule.AtMost > 0 && j+rule.AtMost < len(at); j++ {
				if last := at[j+rule.AtMost]; last < at[j]+rule.Per && !expired(rule, at[j], now) {
					t.Fatalf("%s counted %d times within %d hours", rule.Name, rule.AtMost+1, (last-at[j])/(day/24))
				}
			}
		}
	})
}

// expired reports whether points given for an instant are gone, so that it does not matter how many.
func expired(rule *agreement.EngagementRule, at, now int64) bool {
	return rule.Expires > 0 && at+rule.Expires <= now
}
