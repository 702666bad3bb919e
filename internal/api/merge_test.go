package api

import (
	"strings"
	"testing"

	"baton/internal/engine"
)

// What a browser did joins the lead that an alias call says it is; a phone number finds a lead, and a second person on the same
// computer is another.
func TestWhoIsWho(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	post := func(path, body string) {
		t.Helper()
		s.want(s.post(path, []byte(body)), 200)
	}
	leads := func(want string) {
		t.Helper()
		if got := s.query(`SELECT group_concat(email || ' ' || activities, ', ') FROM (SELECT * FROM leads ORDER BY id)`); got != want {
			t.Errorf("leads %q, want %q", got, want)
		}
	}
	post("/v1/identify", `{"userId": "u1", "messageId": "m1", "traits": {"email": "ann@acme.example", "phone": "08-123 456 78", "country": "SE"}}`)
	post("/v1/page", `{"anonymousId": "b1", "messageId": "m2", "properties": {"url": "https://x.example/pricing"}}`)
	leads("ann@acme.example 0,  1")
	post("/v1/alias", `{"userId": "u1", "previousId": "b1", "messageId": "m3"}`)
	leads("ann@acme.example 1")
	post("/v1/page", `{"anonymousId": "b1", "messageId": "m4", "properties": {"url": "https://x.example/pricing"}}`)
	leads("ann@acme.example 2")
	if got := s.query(`SELECT value FROM key WHERE kind = 3`); got != "+46812345678" {
		t.Errorf("phone number %q", got)
	}
	post("/v1/identify", `{"userId": "u2", "anonymousId": "b1", "messageId": "m5", "traits": {"email": "bob@acme.example", "phone": "+46 8 123 456 78"}}`)
	leads("ann@acme.example 2, bob@acme.example 0")
	if got := s.query(`SELECT group_concat(kind, ' ') FROM (SELECT kind FROM same_person ORDER BY kind)`); got != "anonymous phone" {
		t.Errorf("noted: %q", got)
	}
	s.verify()
}

// The ID that somebody else has for a company is not its name: it makes no company, and takes nobody out of theirs.
func TestGroupByID(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	post := func(body string) {
		t.Helper()
		s.want(s.post("/v1/group", []byte(body)), 200)
	}
	companies := func(want string) {
		t.Helper()
		if got := s.query(`SELECT coalesce(group_concat(key || ' ' || name || ' ' || leads, ', '), '') FROM (SELECT a.key, a.name, (SELECT count(*) FROM lead l WHERE l.account = a.id) AS leads FROM account a ORDER BY a.id)`); got != want {
			t.Errorf("companies %q, want %q", got, want)
		}
	}
	post(`{"userId": "u1", "groupId": "0e8c78ea9d97", "messageId": "m1"}`)
	post(`{"userId": "u1", "groupId": "0e8c78ea9d97", "messageId": "m2", "traits": {"employees": 420}}`)
	companies("")
	post(`{"userId": "u1", "groupId": "0e8c78ea9d97", "messageId": "m3", "traits": {"name": "Acme GmbH"}}`)
	companies("name:acme Acme GmbH 1")
	post(`{"userId": "u1", "groupId": "0e8c78ea9d97", "messageId": "m4", "traits": {"employees": 430}}`)
	post(`{"userId": "u1", "groupId": "0e8c78ea9d97", "messageId": "m5", "traits": {"domain": "acme.example"}}`)
	companies("acme.example Acme GmbH 1")
	post(`{"userId": "u2", "groupId": "team-42", "messageId": "m6"}`)
	companies("acme.example Acme GmbH 1")
	if got := s.query(`SELECT attributes FROM accounts`); !strings.Contains(got, "430") {
		t.Errorf("of the company it is known: %s", got)
	}
	s.verify()
}
