package lifecycle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// offer is an agreement whose alert about offers has these keys.
func offer(keys string) []string {
	return []string{"offer:   {event: offered, to: [owner], by: [email, inbox]}", "offer: {event: offered, to: [owner], by: [email, inbox]" + keys + "}"}
}

// Johan works from 8:30 to 12:00 and from 13:00 to 17:30, 16:00 on Fridays, in Stockholm.
func TestWhenAlertsGoOut(t *testing.T) {
	for _, c := range []struct{ keys, at, due, wait string }{
		{"", "2026-03-02 10:00", "2026-03-02 10:00", ""},
		{"", "2026-03-02 20:00", "2026-03-03 08:30", "working hours"},
		{", quiet: none", "2026-03-02 20:00", "2026-03-02 20:00", ""},
		{", quiet: outside working hours", "2026-03-06 20:00", "2026-03-09 08:30", "working hours"},
		{`, quiet: "18:00-07:00"`, "2026-03-02 17:59", "2026-03-02 17:59", ""},
		{`, quiet: "18:00-07:00"`, "2026-03-02 18:00", "2026-03-03 07:00", "quiet hours"},
		{`, quiet: "18:00-07:00"`, "2026-03-07 03:00", "2026-03-07 07:00", "quiet hours"},
		{`, quiet: "18:00-07:00"`, "2026-03-07 07:00", "2026-03-07 07:00", ""},
		{`, quiet: "10:00-11:00"`, "2026-03-02 10:30", "2026-03-02 11:00", "quiet hours"},
		{`, quiet: "10:00-24:00"`, "2026-03-02 10:30", "2026-03-03 00:00", "quiet hours"},
		{`, quiet: "01:00-02:30"`, "2026-03-29 01:30", "2026-03-29 03:30", "quiet hours"}, // the night in which 2:30 is not there
		{", digest: daily at 08:00", "2026-03-02 10:00", "2026-03-03 08:00", "digest"},
		{", digest: daily at 09:00", "2026-03-03 09:00", "2026-03-03 09:00", ""},
		{", digest: daily at 08:00", "2026-03-06 10:00", "2026-03-09 08:00", "digest"}, // a Friday
		{", digest: daily at 08:00, quiet: none", "2026-03-06 10:00", "2026-03-07 08:00", "digest"},
		{", digest: every 2h", "2026-03-02 10:00", "2026-03-02 10:00", ""},
		{", digest: every 2h", "2026-03-02 10:01", "2026-03-02 13:00", "working hours"},
		{", digest: every 2h, quiet: none", "2026-03-02 10:01", "2026-03-02 12:00", "digest"},
		{", digest: every 5h, quiet: none", "2026-03-02 21:00", "2026-03-03 00:00", "digest"},
		{`, digest: every 1h, quiet: "18:00-07:00"`, "2026-03-02 17:30", "2026-03-03 07:00", "quiet hours"},
	} {
		t.Run(c.keys+" "+c.at, func(t *testing.T) {
			s := newTale(t, offer(c.keys)...)
			at := stockholm(t, c.at)
			s.known(at)
			var got *lifecycle.Alert
			for _, a := range s.did(at, "page_viewed", "webinar_attended", "demo_requested") {
				if a.By == "email" {
					got = &a
				} else if a.Due != at {
					t.Errorf("by %s it waits until %s", a.By, lifecycle.Stamp(a.Due, s.plan.Calendar.Zone()))
				}
			}
			if got == nil || got.Due != stockholm(t, c.due) || got.Wait != c.wait || got.Digest != strings.Contains(c.keys, "digest") {
				t.Errorf("%+v, due %s", got, lifecycle.Stamp(got.Due, s.plan.Calendar.Zone()))
			}
		})
	}
}

// Whatever the words, a message never goes out before it was decided, nor in its quiet hours, and comes within days.
func TestQuietHoursAreQuiet(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		from, to := rapid.IntRange(0, 1439).Draw(r, "from"), rapid.IntRange(0, 1439).Draw(r, "to")
		if from == to {
			return
		}
		keys := fmt.Sprintf(`, quiet: "%02d:%02d-%02d:%02d"`, from/60, from%60, to/60, to%60)
		keys += rapid.SampledFrom([]string{"", ", digest: every 45min", ", digest: daily at 06:10"}).Draw(r, "digest")
		source, _ := agreement.Template("waterfall")
		plan, findings := agreement.Compile("agreement.yaml", []byte(strings.NewReplacer(offer(keys)...).Replace(string(source))), nil)
		if err := findings.Err(); err != nil {
			r.Fatal(err)
		}
		at := rapid.Int64Range(1_770_000_000, 1_800_000_000).Draw(r, "at") * 1_000_000
		owner := "johan.lind@northwind.example"
		view := lifecycle.View{Roster: lifecycle.NewRoster(plan), Lead: &lifecycle.Lead{ID: 1, Owner: owner}}
		d := lifecycle.Decision{At: at, Effects: []lifecycle.Effect{{Kind: lifecycle.TellOffer, To: owner, Name: "mql_to_sales"}}}
		alerts := lifecycle.Alerts(plan, &view, &lifecycle.Input{Kind: lifecycle.Did, At: at, Known: at}, &d)
		due := alerts[0].Due
		if due < at || due > at+3*24*3600*1_000_000 || (due > at) != (alerts[0].Wait != "") {
			r.Fatalf("%+v of %d", alerts[0], at)
		}
		local := time.UnixMicro(due).In(plan.Calendar.Zone())
		minute := local.Hour()*60 + local.Minute()
		quiet := from <= minute && minute < to
		if to < from {
			quiet = from <= minute || minute < to
		}
		if quiet {
			r.Fatalf("goes out at %s%s", local, keys)
		}
	})
}
