package api

import (
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
