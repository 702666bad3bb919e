package store

import "testing"

// The same is what is about the same thing: another deadline, another step of a ladder, and another offer are not, though they
// are told of within minutes.
func TestSame(t *testing.T) {
	for _, c := range []struct {
		kind, one, two string
		want           bool
	}{
		{"offered", `{"name":"relay","clause":"assignment.nordics","acts":true,"offer":7}`, `{"name":"relay","clause":"assignment","acts":true,"offer":7}`, true},
		{"offered", `{"name":"relay","clause":"assignment.nordics","acts":true,"offer":7}`, `{"name":"relay","clause":"assignment.nordics","acts":true,"offer":9}`, false},
		{"breached", `{"name":"stages.sal.limit"}`, `{"name":"handoffs.relay.contact_within"}`, false},
		{"breached", `{"name":"stages.sal.limit"}`, `{"name":"stages.sal.limit"}`, true},
		{"reminded", `{"name":"handoffs.relay.accept_within","clause":"handoffs.relay.on_breach.1"}`, `{"name":"handoffs.relay.accept_within","clause":"handoffs.relay.on_breach.2"}`, false},
		{"reminded", `{"name":"handoffs.relay.accept_within","clause":"handoffs.relay.on_breach.1"}`, `{"name":"handoffs.relay.accept_within","clause":"handoffs.relay.on_breach.1"}`, true},
		{"activity", `{"name":"page_viewed","alert":"alerts.a"}`, `{"name":"page_viewed","alert":"alerts.a"}`, true},
		{"activity", `{"name":"page_viewed","alert":"alerts.a"}`, `{"name":"page_viewed","alert":"alerts.b"}`, false},
		{"handed_back", `{"name":"timing"}`, `{"name":"no_fit"}`, false},
		{"offered", `{`, `{`, false},
	} {
		if got := same(&Job{Kind: c.kind, Body: c.two}, c.one); got != c.want {
			t.Errorf("%s %s and %s: %t", c.kind, c.one, c.two, got)
		}
	}
}
