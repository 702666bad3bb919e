//go:build unix

package load

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"baton/internal/access"
	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/replay"
)

// The pages are measured on a company at work. One lead of ten was lived through by the model of the demonstration: visits, hand-offs to a
// team that grows with them, rejections, calls, deals, and the clocks and alerts of it all, in the 120 days until officeTime. The
// others are what most leads of a large database are: somebody who did one thing or two, and was heard of no more.

const (
	officeDays    = 120
	officeVersion = 2 // changes with what fillOffice makes
)

// officeTime is when the pages are looked at: a Thursday morning. The clock goes on from there.
var officeTime = time.Date(2026, 11, 12, 9, 42, 0, 0, time.UTC)

// officePlan is the waterfall template with a queue to call from, and for a larger team: no assignment names a person.
func officePlan() (*agreement.Plan, []byte, error) {
	source, _ := agreement.Template("waterfall")
	text, err := replay.DemoCalling(source)
	if err != nil {
		return nil, nil, err
	}
	for _, change := range [][2]string{
		{"when: fit >= 40\n", "when: fit >= 40 and engagement >= 20\n"},
		{`segment == "large", to: astrid.berg@northwind.example}`, `segment == "large", to: pool emea, by: least_loaded, otherwise: queue unassigned}`},
		{"    match: language\n", ""}, {", match: [territory, skill]", ""},
	} {
		if !bytes.Contains(text, []byte(change[0])) {
			return nil, nil, fmt.Errorf("the template has no %q", change[0])
		}
		text = bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
	}
	plan, findings := agreement.Compile("office.yaml", text, nil)
	return plan, text, findings.Err()
}

// officeModel is the model of the demonstration with so many leads, and as many teams as they need.
func officeModel(leads int) replay.Model {
	m := replay.DemoModel(1, officeTime.UnixMicro(), officeDays)
	m.Leads, m.Accounts = leads, max(1, leads/6)
	team := m.Team
	for n := 1; n < leads/4000; n++ {
		for _, p := range team {
			if !p.Rep || p.ID == "astrid.berg@northwind.example" {
				continue
			}
			name, domain, _ := strings.Cut(p.ID, "@")
			p.ID, p.Name = fmt.Sprintf("%s.%d@%s", name, n, domain), fmt.Sprintf("%s %d", p.Name, n)
			m.Team = append(m.Team, p)
		}
	}
	return m
}

// officePeople are whom one may sign in as.
var officePeople = []access.DemoPerson{
	{Email: "johan.lind@northwind.example", Name: "Johan Lind", Roles: "rep"}, {Email: "runa.halvard@northwind.example", Name: "Runa Halvard", Roles: "sdr"},
	{Email: "astrid.berg@northwind.example", Name: "Astrid Berg", Roles: "manager"}, {Email: "ines.marklund@northwind.example", Name: "Ines Marklund", Roles: "marketing"},
	{Email: "tuva.nygaard@northwind.example", Name: "Tuva Nygaard", Roles: "revops"}, {Email: "olle.strand@northwind.example", Name: "Olle Strand", Roles: "admin"},
}

// officeFile returns the database of a company with so many leads. It is kept, and made if it is not there.
func officeFile(t *testing.T, leads int) string {
	t.Helper()
	plan, _, err := officePlan()
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join("../../.cache", fmt.Sprintf("office-%d-%d-%.8s.db", officeVersion, leads, plan.Hash))
	if _, err := os.Stat(kept); err == nil {
		return kept
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		t.Fatal(err)
	}
	making := kept + ".making"
	err = removeFile(making)
	began := time.Now()
	if err == nil {
		err = fillOffice(t.Context(), making, leads)
	}
	if err == nil {
		err = silence(t.Context(), making)
	}
	if err == nil {
		err = os.Rename(making, kept)
	}
	if err != nil {
		t.Fatal(errors.Join(err, removeFile(making)))
	}
	t.Logf("made %s in %v", kept, time.Since(began).Round(time.Second))
	return kept
}

func fillOffice(ctx context.Context, db string, leads int) (err error) {
	plan, source, err := officePlan()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, app.Options{DB: db, Clock: func() time.Time { return officeTime }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	model := officeModel(leads / 10)
	if err := a.Store.MarkMadeUp(ctx, model.From); err != nil {
		return err
	}
	if _, err := a.Engine.Activate(ctx, plan, source, "office.yaml", model.From); err != nil {
		return err
	}
	until := officeTime.UnixMicro()
	quiet := leads - model.Leads
	next := 0
	appear := func(i int) int64 { return model.From + (until-model.From)/int64(quiet)*int64(i) }
	o := office{App: a, ids: map[identity.Key]int64{}}
	err = replay.Simulate(plan, model, func(a *lifecycle.Arrival) error {
		for ; next < quiet && appear(next) <= a.Input.Known; next++ {
			for _, b := range inactive(next, appear(next)) {
				if err := o.take(ctx, b); err != nil {
					return err
				}
			}
		}
		return o.take(ctx, a)
	}, nil)
	if err == nil {
		err = o.decide(ctx)
	}
	if err != nil {
		return err
	}
	_, err = a.Engine.Tick(ctx, until)
	return err
}

// silence takes back what waits to be sent: a server would be busy with half a year of letters first.
func silence(ctx context.Context, db string) error {
	raw, err := sql.Open("sqlite", db)
	if err != nil {
		return err
	}
	_, err = raw.ExecContext(ctx, `UPDATE job SET state = 'dropped', next_try = NULL WHERE next_try IS NOT NULL`)
	return errors.Join(err, raw.Close())
}

// office has what happens decided as it would be live, half an hour at a time: hand-offs are told of, and what falls due
// is decided between.
type office struct {
	*app.App
	list []lifecycle.Arrival
	ids  map[identity.Key]int64 // of leads that people worked
}

func (o *office) take(ctx context.Context, a *lifecycle.Arrival) error {
	if n := len(o.list); n > 0 && (n == 2000 || a.Input.Known/officeStep != o.list[0].Input.Known/officeStep) {
		if err := o.decide(ctx); err != nil {
			return err
		}
	}
	o.list = append(o.list, *a)
	return nil
}

const officeStep = int64(30 * time.Minute / time.Microsecond)

func (o *office) decide(ctx context.Context) error {
	for i := range o.list {
		// The model expects who has a lead, and in half an hour it may have become somebody else: whoever has it, acts.
		a := &o.list[i]
		switch a.Input.Kind {
		case lifecycle.Accept, lifecycle.Reject, lifecycle.HandBack, lifecycle.Contact, lifecycle.Answered, lifecycle.Move, lifecycle.Win, lifecycle.Lose:
			if id := o.ids[a.Keys[0]]; id != 0 {
				row, err := o.Store.LeadByID(ctx, id)
				if err != nil {
					return err
				}
				a.Input.Actor = cmp.Or(row.Owner, a.Input.Actor)
			}
		}
	}
	outcomes, err := o.Engine.Submit(ctx, o.list)
	if err != nil {
		return err
	}
	for i := range outcomes {
		if a := &o.list[i]; a.Input.Source == "simulation" && len(a.Keys) > 0 {
			o.ids[a.Keys[0]] = outcomes[i].Lead
		}
	}
	_, err = o.Engine.Tick(ctx, o.list[len(o.list)-1].Input.Known)
	o.list = o.list[:0]
	return err
}

// inactive is what is known of somebody who did one thing or two, too few to qualify.
func inactive(i int, at int64) []*lifecycle.Arrival {
	p := PersonAt("", i)
	list := []*lifecycle.Arrival{joined(i, at)}
	h := scatter(uint64(i) + 1<<61)
	for n := range int64(1 + h%4/3) {
		a := arrival(&p, "v"+string(rune('a'+n)), i, at+(1+n)*1000)
		a.Input.Kind, a.Input.Name = lifecycle.Did, choose(h>>(32+8*n), "page_viewed", "page_viewed", "page_viewed", "page_viewed", "email_clicked", "content_downloaded", "webinar_attended", "pricing_viewed")
		list = append(list, a)
	}
	return list
}
