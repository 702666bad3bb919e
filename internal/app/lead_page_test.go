//go:build unix

package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

const saraHolm = "sara.holm@northwind.example"

// telephone lets an agreement apply that has leads called, gives some of them numbers, and has Sara take one.
func (a *App) telephone(ctx context.Context) error {
	source, _ := agreement.Template("waterfall")
	text := string(source)
	for _, change := range [][2]string{
		{"  title: text\n", "  title: text\n  phone: text\n"},
		{"show: [name, title,", "show: [name, title, phone,"},
		{"\nchannels:\n", `
tele_qualification:
  definition: Find out on the phone who decides, what they need and by when.
  stages: lead
  when: fit >= 40
  channel: phone
  lease: 20 minutes
  attempts: 5 over 14 days
  spacing: 4 working hours
  exhausted: no_response
  outcomes: {wrong_number: bad_data}

channels:
`}} {
		before := text
		if text = strings.Replace(text, change[0], change[1], 1); text == before {
			return fmt.Errorf("the template has no %q", change[0])
		}
	}
	plan, findings := agreement.Compile("agreement.yaml", []byte(text), nil)
	if findings.HasErrors() {
		return findings.Err()
	}
	at := pageTime.UnixMicro()
	if _, err := a.Engine.Activate(ctx, plan, []byte(text), "agreement.yaml", at); err != nil {
		return err
	}
	calls, err := a.Store.ListCalls(ctx, store.CallFree, "", 40)
	if err != nil {
		return err
	}
	mine, err := a.Store.ListLeads(ctx, store.LeadFilter{Owner: johan}, 0, 100)
	if err != nil {
		return err
	}
	var list []lifecycle.Arrival
	add := func(in lifecycle.Input) {
		in.At, in.Known, in.Source = at, at, "test"
		list = append(list, lifecycle.Arrival{Input: in})
	}
	for i, row := range append(calls, mine...) {
		if i%5 == 3 {
			continue // whose number nobody knows
		}
		add(lifecycle.Input{Kind: lifecycle.Identify, Lead: row.ID, Values: []lifecycle.Named{{Name: "phone", Value: agreement.TextValue(fmt.Sprintf("+46 555 01%d %02d", i%10, (i*37+11)%100))}}})
	}
	add(lifecycle.Input{Kind: lifecycle.Contact, Lead: calls[4].ID, Actor: saraHolm, Name: "no_answer"})
	add(lifecycle.Input{Kind: lifecycle.Take, Lead: calls[0].ID, Actor: saraHolm})
	add(lifecycle.Input{Kind: lifecycle.Answered, Lead: calls[0].ID, Actor: saraHolm, Values: []lifecycle.Named{{Name: "need", Value: agreement.TextValue("Two gear boxes run hot on the night shift")}}})
	out, err := a.Engine.Submit(ctx, list)
	for i := range out {
		if out[i].Err != nil {
			return out[i].Err
		}
		if why := out[i].Decision.Refused; why != "" {
			return fmt.Errorf("%s: %s", list[i].Input.Kind, why)
		}
	}
	return err
}

// place fills in an address for what the made-up company has: LEAD is on offer to Johan Lind, TALK is one that he has accepted, and COMPANY
// has several people.
func (l *live) place(path string) (string, error) {
	if !strings.ContainsAny(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return path, nil
	}
	rows, err := l.Store.ListLeads(context.Background(), store.LeadFilter{Owner: johan}, 0, 200)
	if err != nil {
		return "", err
	}
	for _, name := range []string{"LEAD", "TALK", "COMPANY"} {
		if !strings.Contains(path, name) {
			continue
		}
		var best int64
		most := int64(-1)
		for i := range rows {
			r := &rows[i]
			score := r.Engagement + r.Activities*agreement.Point
			id := r.ID
			switch name {
			case "LEAD":
				if !r.Lead.Waits() {
					continue
				}
			case "TALK":
				if r.Lead.Handoff.State != lifecycle.HandoffAccepted {
					continue
				}
			case "COMPANY":
				mates, err := l.Store.ListLeads(context.Background(), store.LeadFilter{Account: r.Account}, 0, 50)
				if err != nil {
					return "", err
				}
				id, score = r.Account, int64(len(mates))
				if r.Account == 0 {
					continue
				}
			}
			if score > most {
				best, most = id, score
			}
		}
		path = strings.Replace(path, name, strconv.FormatInt(best, 10), 1)
	}
	return path, nil
}
