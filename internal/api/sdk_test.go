package api

import (
	"fmt"
	"io"
	"log"
	"sync"
	"testing"
	"time"

	analytics "gopkg.in/segmentio/analytics-go.v3"

	"baton/internal/engine"
)

// outcome counts what the SDK says became of its messages.
type outcome struct {
	lock sync.Mutex
	good int
	bad  []error
}

func (o *outcome) Success(analytics.Message) { o.lock.Lock(); o.good++; o.lock.Unlock() }
func (o *outcome) Failure(_ analytics.Message, err error) {
	o.lock.Lock()
	o.bad = append(o.bad, err)
	o.lock.Unlock()
}

func TestSegmentGoSDK(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	var did outcome
	var client analytics.Client
	connect := func() {
		t.Helper()
		var err error
		if client, err = analytics.NewWithConfig(s.key, analytics.Config{Endpoint: s.web.URL, BatchSize: 7, Callback: &did,
			Logger: analytics.StdLogger(log.New(io.Discard, "", 0))}); err != nil {
			t.Fatal(err)
		}
	}
	flush := func() { // the SDK sends its batches side by side: one after the other only if it is closed
		t.Helper()
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
	put := func(m analytics.Message) {
		t.Helper()
		if err := client.Enqueue(m); err != nil {
			t.Fatal(err)
		}
	}
	connect()
	at := noon.Add(-time.Hour)
	put(analytics.Identify{UserId: "u1", AnonymousId: "b1", Traits: analytics.NewTraits().SetEmail("jane@acme.example").SetTitle("VP Operations").SetFirstName("Jane").SetLastName("Doe"),
		Context: &analytics.Context{Campaign: analytics.CampaignInfo{Name: "spring", Source: "google", Medium: "cpc"}}})
	put(analytics.Group{UserId: "u1", GroupId: "acme.example", Traits: analytics.NewTraits().SetName("Acme").Set("employees", 420)})
	put(analytics.Page{AnonymousId: "b1", Name: "Pricing", Properties: analytics.NewProperties().SetURL("https://x.example/careers/1")})
	put(analytics.Screen{UserId: "u1", Name: "Home"})
	put(analytics.Alias{PreviousId: "b2", UserId: "u1"})
	flush()
	connect()
	for i := range 20 {
		put(analytics.Track{UserId: "u1", Event: "Demo Requested", MessageId: fmt.Sprintf("m%d", i), Timestamp: at.Add(time.Duration(i) * time.Second),
			Properties: analytics.NewProperties().Set("plan", "enterprise")})
	}
	put(analytics.Track{AnonymousId: "b2", Event: "Pricing Viewed"})
	flush()
	if did.good != 26 || len(did.bad) > 0 {
		t.Fatalf("%d messages went through, and %v", did.good, did.bad)
	}
	if got := s.query(`SELECT email || ' ' || name || ' ' || source || ' ' || campaign || ' ' || activities FROM lead`); got != "jane@acme.example Jane Doe paid_search spring 23" {
		t.Errorf("the lead is %q", got)
	}
	if got := s.query(`SELECT key || ' ' || name || ' ' || attributes FROM account`); got != `acme.example Acme {"company.name":"Acme","company.domain":"acme.example","company.employees":420}` {
		t.Errorf("the account is %q", got)
	}
	if got := s.query(`SELECT group_concat(value, ' ') FROM (SELECT value FROM key ORDER BY kind, value)`); got != "jane@acme.example user:b2 user:u1 b1 b2" {
		t.Errorf("the keys are %q", got)
	}
	s.verify()
}
