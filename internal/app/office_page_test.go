//go:build unix

package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"baton/internal/access"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// tell puts into inboxes what a history does not tell anybody: what was offered, what took too long, what was won.
func (a *App) tell(ctx context.Context, file string) (err error) {
	rows, err := a.Store.ListLeads(ctx, store.LeadFilter{}, 0, 1000)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	n := int64(0)
	add := func(member string, lead int64, a lifecycle.Alert, ago time.Duration, times int64, read bool) {
		if err != nil {
			return
		}
		n++
		at, readAt := pageTime.Add(-ago).UnixMicro(), int64(0)
		if read {
			readAt = pageTime.Add(-ago + time.Hour).UnixMicro()
		}
		_, err = db.ExecContext(ctx, `INSERT INTO inbox (id, seq, member, lead, input, kind, name, alert, body, first_at, at, times, read_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			n, 1000000-int64(ago/time.Minute), member, lead, lead, a.Kind, a.Name, a.Alert, string(a.AppendJSON(nil)), at, at, times, readAt)
	}
	told := map[string]int{}
	for i := range rows {
		r := &rows[i]
		k := told[r.Owner]
		switch h := &r.Lead.Handoff; {
		case r.Outcome == "won" && told["won"] < 9:
			told["won"]++
			for _, member := range []string{viewers["marketing"].Email, johan} {
				add(member, r.ID, lifecycle.Alert{Kind: "won", Alert: "alerts.outcome", Name: "won"}, time.Duration(told["won"])*29*time.Hour, 1, told["won"] > 3)
			}
		case h.Rule >= 0 && r.Owner != "" && r.Outcome == "" && k < 6:
			told[r.Owner]++
			add(r.Owner, r.ID, lifecycle.Alert{Kind: "offered", Name: "sales", Alert: "alerts.offer", Acts: true}, time.Duration(7+k*k*41)*time.Minute, 1+int64(k%2), false)
			if k == 1 {
				add(r.Owner, r.ID, lifecycle.Alert{Kind: "breached", Name: "handoffs.mql_to_sales.accept_within", Clause: "handoffs.mql_to_sales.accept_within", Acts: true}, 20*time.Minute, 1, false)
			}
		}
	}
	add(johan, 999999999, lifecycle.Alert{Kind: "offered", Name: "sales", Alert: "alerts.offer", Acts: true}, 70*time.Hour, 1, true)
	return err
}

// What the pages around the work ask of the database does not grow with what they show: so many queries, for the page, its bars and its mark.
func TestOfficePagesAskSoMuch(t *testing.T) {
	l := servePages(t)
	for _, c := range []struct {
		path, role string
		most       int64
	}{
		{"/inbox", "rep", 9}, {"/inbox", "marketing", 8}, {"/team", "manager", 6},
	} {
		if n := l.queries(t, c.role, c.path); n > c.most || n < 3 {
			t.Errorf("%s as %s: %d queries, at most %d", c.path, c.role, n, c.most)
		}
	}
}

// What one has read goes, one by one or all that was shown; what somebody else is told does not.
func TestInboxIsRead(t *testing.T) {
	l := servePages(t)
	unread := func(role string) int64 {
		t.Helper()
		u, err := l.Store.Unread(t.Context(), viewers[role].Email)
		if err != nil {
			t.Fatal(err)
		}
		return u.Count
	}
	before, others := unread("rep"), unread("sdr")
	if before < 3 || others == 0 {
		t.Fatalf("%d and %d unread: the demo tells too little", before, others)
	}
	text := l.page(t, "rep", "/inbox")
	if !strings.Contains(text, "A lead for you: ") || !strings.Contains(text, `href="/agreement?version=`) {
		t.Error("no sentence, or no clause")
	}
	entries := regexp.MustCompile(`name="entry" value="(\d+)"`).FindAllStringSubmatch(text, -1)
	upTo := regexp.MustCompile(`name="up_to" value="(\d+)"`).FindStringSubmatch(text)
	if len(entries) == 0 || upTo == nil {
		t.Fatal("nothing to mark")
	}
	if text, status := l.form(t, "sdr", "/inbox", "entry="+entries[0][1]); status != 200 || unread("rep") != before || !strings.Contains(text, "it was read already") {
		t.Errorf("somebody else reads it: %d, %d unread", status, unread("rep"))
	}
	if text, status := l.form(t, "rep", "/inbox", "entry="+entries[0][1]+"&who=A+lead+for+you"); status != 200 || unread("rep") != before-1 || !strings.Contains(text, "marked as read") || !strings.Contains(text, "Read before") {
		t.Errorf("one: %d, %d unread", status, unread("rep"))
	}
	if _, status := l.form(t, "rep", "/inbox", "up_to="+upTo[1]); status != 200 || unread("rep") != 0 || unread("sdr") != others {
		t.Errorf("all: %d, %d unread", status, unread("rep"))
	}
	if text := l.page(t, "rep", "/inbox"); !strings.Contains(text, "You have read everything") {
		t.Error("it does not say that everything is read")
	}
	for _, body := range []string{"", "entry=x", "up_to=-1"} {
		if _, status := l.form(t, "rep", "/inbox", body); status != 422 {
			t.Errorf("%q: %d", body, status)
		}
	}
}

// Somebody is noted as away and is away, until it is taken back; who may not run the team may not, and what makes no sense is refused in words.
func TestAbsencesAreNoted(t *testing.T) {
	l := servePages(t)
	says(t, l.page(t, "manager", "/team"), []string{"Johan Lind", "The next lead goes to", "Note the absence", "in Stockholm"}, nil)
	says(t, l.page(t, "marketing", "/team"), []string{"Johan Lind"}, []string{"Note the absence", "Take back"})
	away := func() (n int) {
		roster, err := l.Store.Roster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(roster.Member(johan).Away)
	}
	before := away()
	if _, status := l.form(t, "rep", "/team/"+johan+"/away", "from=2026-11-12&until=2026-11-13"); status != 403 || away() != before {
		t.Errorf("a rep: %d", status)
	}
	for body, why := range map[string]string{"from=soon&until=2026-11-13": "The first day should be a day", "from=2026-11-13&until=later": "The last day should be a day", "from=2026-11-14&until=2026-11-12": "An absence ends after it begins"} {
		if text, status := l.form(t, "manager", "/team/"+johan+"/away", body); status != 200 || away() != before || !strings.Contains(text, why) {
			t.Errorf("%s: %d, %v", body, status, strings.Contains(text, why))
		}
	}
	if _, status := l.form(t, "manager", "/team/nobody@northwind.example/away", "from=2026-11-12&until=2026-11-13"); status != 404 {
		t.Errorf("nobody: %d", status)
	}
	text, status := l.form(t, "manager", "/team/"+johan+"/away", "from=2026-11-12&until=2026-11-13")
	if status != 200 || away() != before+1 {
		t.Fatalf("%d, %d absences", status, away())
	}
	says(t, text, []string{"is away from Thu 12 Nov until Fri 13 Nov", "Away until Sat 00:00", "Take back"}, nil)
	span := regexp.MustCompile(`name="from" value="(\d+)"><input type="hidden" name="to" value="(\d+)"`).FindStringSubmatch(text)
	if span == nil {
		t.Fatal("nothing to take back")
	}
	if text, status := l.form(t, "manager", "/team/"+johan+"/present", "from="+span[1]+"&to="+span[2]); status != 200 || away() != before || !strings.Contains(text, "after all") {
		t.Errorf("%d, %d absences", status, away())
	}
}

// Somebody is given hours and a time zone, and the team's again; what cannot be read is refused in words, and changes nothing.
func TestHoursAreSet(t *testing.T) {
	l := servePages(t)
	roster, err := l.Store.Roster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plan, _ := l.Engine.Agreement()
	joined := "" // whom the agreement does not name
	for i := range roster.Members {
		if m := &roster.Members[i]; plan.Index.Person[m.ID] == 0 && m.ID != plan.People[0].ID && !m.Inactive {
			joined = m.ID
		}
	}
	works := func() string {
		roster, err := l.Store.Roster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m := roster.Member(joined)
		return m.Zone + " " + m.Week
	}
	says(t, l.page(t, "manager", "/team"), []string{"Working hours", "Hours of their own", "in Europe/Stockholm"}, nil)
	says(t, l.page(t, "marketing", "/team"), []string{"Working hours"}, []string{"Hours of their own"})
	if _, status := l.form(t, "rep", "/team/"+joined+"/hours", "hours=always"); status != 403 || works() != " " {
		t.Errorf("a rep: %d", status)
	}
	for body, why := range map[string]string{"hours=9-5": "unknown day", "hours=mon-fri+17:00-09:00": "ends before it starts", "timezone=Mars": "is not a time zone; write a place"} {
		if text, status := l.form(t, "manager", "/team/"+joined+"/hours", body); status != 200 || works() != " " || !strings.Contains(text, why) {
			t.Errorf("%s: %d, %q", body, status, works())
		}
	}
	if text, status := l.form(t, "manager", "/team/"+johan+"/hours", "hours=always"); status != 200 || !strings.Contains(text, "When Johan Lind works stands in the agreement") {
		t.Errorf("of the agreement: %d", status)
	}
	text, status := l.form(t, "manager", "/team/"+joined+"/hours", "hours=mon-thu+9:00-12:00+13:00-17:30%3B+fri+9:00-15:00&timezone=America/New_York")
	if status != 200 || works() != "America/New_York mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00" {
		t.Fatalf("%d, %q", status, works())
	}
	says(t, text, []string{"works the hours you entered", "mon-thu 09:00-12:00 13:00-17:30; fri 09:00-15:00 in America/New_York", "in New York"}, nil)
	if text, status := l.form(t, "manager", "/team/"+joined+"/hours", "hours=&timezone="); status != 200 || works() != " " || !strings.Contains(text, "works the hours of the team") {
		t.Errorf("%d, %q", status, works())
	}
	// Hours bring nobody back who has left.
	at := pageTime.UnixMicro()
	if out, err := l.Engine.Submit(t.Context(), []lifecycle.Arrival{{Input: lifecycle.Input{Kind: lifecycle.Left, Name: joined, At: at, Known: at}}}); err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
	text, _ = l.form(t, "manager", "/team/"+joined+"/hours", "hours=always")
	says(t, text, []string{"has left the team"}, nil)
	if roster, err = l.Store.Roster(t.Context()); err != nil || !roster.Member(joined).Inactive || works() != " " {
		t.Errorf("%v, %q, back in the team: %t", err, works(), !roster.Member(joined).Inactive)
	}
}

// Whoever is deactivated is out of the team, and is given no leads; reactivated, they are in it again. Who is no member is no matter of the team.
func TestDeactivatedGetsNoLeads(t *testing.T) {
	l := servePages(t)
	gone := func() bool {
		roster, err := l.Store.Roster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return roster.Member(johan).Inactive
	}
	path := fmt.Sprintf("/settings/people/%d/", viewers["rep"].ID)
	if text, status := l.form(t, "admin", path+"deactivate", ""); status != 200 || !gone() || !strings.Contains(text, "gets no more leads") || !regexp.MustCompile(`They hold \d+ leads: \d+ on offer, \d+ accepted\.`).MatchString(text) {
		t.Errorf("deactivated: %d, gone %v", status, gone())
	}
	says(t, l.page(t, "manager", "/team"), []string{"1 person has left the team"}, nil)
	if text, status := l.form(t, "admin", path+"reactivate", ""); status != 200 || gone() || !strings.Contains(text, "is back in the team") {
		t.Errorf("reactivated: %d, gone %v", status, gone())
	}
	// By a command beside the server only the user is changed: the server does the rest.
	gate := access.New(access.Options{Store: l.Store, URL: "http://127.0.0.1"})
	defer gate.Close()
	if err := gate.Deactivate(t.Context(), access.By{Actor: access.CommandLine}, viewers["rep"].ID); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !gone(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("deactivated by command, and still in the team")
		}
	}
}
