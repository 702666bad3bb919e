package identity

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The published examples of W. E. Winkler.
func TestJaroWinkler(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{{"martha", "marhta", 0.961}, {"dwayne", "duane", 0.840}, {"dixon", "dicksonx", 0.813}, {"same", "same", 1}, {"", "", 0}, {"abc", "xyz", 0}} {
		if got := jaroWinkler([]rune(c.a), []rune(c.b)); math.Abs(got-c.want) > 0.0005 {
			t.Errorf("%s and %s are alike by %.4f, want %.3f", c.a, c.b, got, c.want)
		}
	}
}

func TestLikeness(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		alike bool
	}{
		{"ACME, Inc.", "Acme GmbH", true},
		{"Nordlicht Logistik GmbH", "Nordlicht Logistic", true},
		{"Northwind Traders", "Northwind Trader", true},
		{"Acme Sweden", "Acme Norway", false},
		{"Nordlicht Logistik", "Nordwind Logistik", false},
		{"Acme", "Acme Holdings International", false},
		{"Volvo", "Volta", false},
		{"", "Acme", false},
	} {
		got := Likeness(c.a, c.b)
		if (got >= Alike) != c.alike {
			t.Errorf("%q and %q are alike by %.3f, want alike %t", c.a, c.b, got, c.alike)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if x := Likeness(a, b); x < 0 || x > 1 {
			t.Fatalf("%q and %q are alike by %f", a, b, x)
		}
		if x := Likeness(a, a); x != 1 && NameBlock(a) != "" {
			t.Fatalf("%q is like itself by %f", a, x)
		}
	})
}

func TestResembles(t *testing.T) {
	for _, c := range []struct {
		domain, name string
		want         bool
	}{
		{"acme.example", "ACME, Inc.", true}, {"acme-logistics.example", "Acme Logistics AB", true}, {"acmelogistics.co.uk", "Acme Logistics", true},
		{"acme.example", "Acme Logistics", true}, {"abc.example", "ABC Logistics", false}, {"consultant.example", "Acme", false}, {"", "Acme", false}, {"acme.example", "", false},
	} {
		if got := Resembles(c.domain, c.name); got != c.want {
			t.Errorf("%s for %q: %t", c.domain, c.name, got)
		}
	}
}
