package imports_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/identity"
)

// A phone number is read as in the lead's country; one that cannot be read says nothing of who it is.
func TestPhoneNumbersOfRows(t *testing.T) {
	plan := vocabulary(t)
	plan.Attributes = append(plan.Attributes, agreement.Attribute{Name: "country", Kind: agreement.Text})
	index(plan)
	m := parse(t, plan, "import: x\nkey: k\nat: {column: day, layout: DD/MM/YYYY}\nzone: UTC\nperson: {email: mail, phone: tel}\nattributes: {country: land}\nactivity: {name: form_submitted}\n")
	r := open(t, m, `k;mail;tel;land;day
1;ann@acme.example;08-123 456 78;SE;01/02/2026
2;bob@acme.example;08-123 456 78;Sweden;01/02/2026
3;;+46 8 123 456 78;;01/02/2026
4;;none;;01/02/2026
`)
	phone := identity.Key{Kind: identity.Phone, Value: "+46812345678"}
	want := map[string][]identity.Key{
		"1": {{Kind: identity.Email, Value: "ann@acme.example"}, phone},
		"2": {{Kind: identity.Email, Value: "bob@acme.example"}},
		"3": {phone},
	}
	got := map[string][]identity.Key{}
	for _, a := range arrivals(t, r) {
		got[a.Input.Key[:1]] = a.Keys
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if refused(t, r) == "" {
		t.Error("a row of which nothing says whom it is about was not refused")
	}
}
