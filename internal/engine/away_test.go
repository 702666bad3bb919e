package engine

import (
	"context"
	"strings"
	"testing"

	"baton/internal/lifecycle"
)

// What somebody holds who goes away is somebody else's when what is due is decided next, whichever process hears of the absence and
// whichever decides.
func TestHeldByWhoGoesAway(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		a := open(t, database, Options{})
		source := strings.Replace(salesTeam(3, false), "people:\n", "absences:\n  away: {offered: reassign}\npeople:\n", 1)
		a.activate(t, source, start)
		hears := a
		if database != "" {
			hears = open(t, database, Options{})
		}
		at := start + hour
		holder := map[string]string{}
		for _, who := range []string{"a@one.example", "b@two.example", "c@three.example", "d@four.example", "e@five.example"} {
			out := submit(t, a, did(who, "demo_requested", at))
			for _, c := range out[0].Decision.Changes {
				if c.Kind == lifecycle.OwnerSet {
					holder[who] = c.To
				}
			}
		}
		away := holder["a@one.example"]
		submit(t, hears, lifecycle.Arrival{Input: lifecycle.Input{Kind: lifecycle.Absent, Name: away, At: at + second, Due: at + 100*hour, Known: at + second}})
		if _, err := a.Tick(context.Background(), at+2*second); err != nil {
			t.Fatal(err)
		}
		found, err := a.st.Query(context.Background(), `SELECT email, owner FROM leads`)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range found.Rows {
			who, owner := row[0].(string), row[1].(string)
			if owner == away || owner == "" || holder[who] != away && owner != holder[who] {
				t.Errorf("%s is with %q; it was with %s, and %s is away", who, owner, holder[who], away)
			}
		}
		verify(t, a)
	})
}
