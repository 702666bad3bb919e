package identity

import (
	"strings"
	"testing"
)

func TestNormalizePhone(t *testing.T) {
	for _, c := range []struct{ number, region, want string }{
		{"+46 8 123 456 78", "", "+46812345678"},
		{"0046 8-123 456 78", "SE", "+46812345678"},
		{"08-123 456 78", "SE", "+46812345678"},
		{"08-123 456 78", "se", "+46812345678"},
		{"(020) 7946 0958", "GB", "+442079460958"},
		{"+44 (0)20 7946 0958", "", "+442079460958"},
		{"+1 212 555 0123 ext. 17", "", "+12125550123"},
		{"+46812345678", "US", "+46812345678"},
		{" +4930123456 ", "Germany", "+4930123456"},
	} {
		got, err := NormalizePhone(c.number, c.region)
		if err != nil || got != (Key{Kind: Phone, Value: c.want}) {
			t.Errorf("%q in %q is %v (%v), want %s", c.number, c.region, got, err, c.want)
		}
		if again, err := NormalizePhone(got.Value, ""); err != nil || again != got {
			t.Errorf("%s becomes %v (%v) the second time", got.Value, again, err)
		}
	}
	for _, c := range []struct{ number, region, want string }{
		{"", "", "it is empty"},
		{"08-123 456 78", "", "write it with its country"},
		{"08-123 456 78", "Sweden", "write it with its country"},
		{"12", "SE", "no such number"},
		{"call me", "SE", "no such number"},
		{"+46 8 123 456 789 012 345", "", "no such number"},
		{"+49000000", "", "no such number"},
		{strings.Repeat("1", 100), "SE", "too long"},
	} {
		if got, err := NormalizePhone(c.number, c.region); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q in %q is %v (%v), want an error that says %q", c.number, c.region, got, err, c.want)
		}
	}
}

func FuzzNormalizePhone(f *testing.F) {
	f.Add("+46 8 123 456 78", "SE")
	f.Fuzz(func(t *testing.T, s, region string) {
		if k, err := NormalizePhone(s, region); err == nil {
			if again, err := NormalizePhone(k.Value, ""); err != nil || again != k {
				t.Fatalf("%q is %v, and that is %v (%v)", s, k, again, err)
			}
		}
	})
}
