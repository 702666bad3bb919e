package identity_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/identity"
)

func TestNormalizeEmail(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"ann@northwind.example", "ann@northwind.example"},
		{"  Ann.Smith@NorthWind.Example\t", "ann.smith@northwind.example"},
		{"ann+news@northwind.example", "ann+news@northwind.example"},
		{"a.n.n@gmail.com", "a.n.n@gmail.com"},
		{"ann@northwind.example.", "ann@northwind.example"},
		{"ann@BÜCHER.example", "ann@xn--bcher-kva.example"},
		{"ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"},
		{"ann@Straße.example", "ann@xn--strae-oqa.example"},
		{"JOSÉ@northwind.example", "josé@northwind.example"},
		{"jose\u0301@northwind.example", "josé@northwind.example"},
		{"o'neill@northwind.example", "o'neill@northwind.example"},
		{"ann@mail.例え.jp", "ann@mail.xn--r8jz45g.jp"},
		{strings.Repeat("a", 64) + "@northwind.example", strings.Repeat("a", 64) + "@northwind.example"},
	} {
		got, err := identity.NormalizeEmail(c.in)
		if err != nil {
			t.Errorf("NormalizeEmail(%q): %v", c.in, err)
			continue
		}
		if diff := cmp.Diff(identity.Key{Kind: identity.Email, Value: c.want}, got); diff != "" {
			t.Errorf("NormalizeEmail(%q): %s", c.in, diff)
		}
	}
}

func TestNormalizeEmailRefuses(t *testing.T) {
	for _, c := range []struct{ in, why string }{
		{"", "it is empty"},
		{" \t", "it is empty"},
		{"ann", "it has no @"},
		{"@northwind.example", "nothing stands before the @"},
		{"ann@", "the domain is empty"},
		{"ann@.", "the domain is empty"},
		{"ann@northwind", `"northwind" is not a whole domain, such as northwind.example`},
		{"ann@ northwind .example", "is not a domain"},
		{"ann smith@northwind.example", "it holds a space"},
		{"ann@b@northwind.example", "it has more than one @"},
		{"Ann <ann@northwind.example>", "write the address alone, without a name or < >"},
		{"ann@a.example, bob@a.example", "write one address, not several"},
		{"ann..smith@northwind.example", "a dot stands where none can, before the @"},
		{".ann@northwind.example", "a dot stands where none can, before the @"},
		{"ann\x00@northwind.example", `it holds '\x00', which cannot stand before the @`},
		{`"ann"@northwind.example`, `it holds '"', which cannot stand before the @`},
		{"ann@[192.0.2.1]", "a domain has a name, not an IP address"},
		{"ann@192.0.2.1", "a domain has a name, not an IP address"},
		{"ann@2001:db8::1", "a domain has a name, not an IP address"},
		{"ann@north_wind.example", "is not a domain"},
		{"ann@Xn--", "is not a domain"},
		{"ann@-northwind.example", "a part begins or ends with a hyphen"},
		{"ann@north..example", "has a dot too many"},
		{"ann@northwind.123", "it ends in a number"},
		{"ann@\xff.example", "it holds bytes that are not text"},
		{strings.Repeat("a", 65) + "@northwind.example", "the part before the @ is longer than 64 bytes"},
		{"ann@" + strings.Repeat("a", 64) + ".example", "longer than 63 bytes"},
		{"ann@" + strings.Repeat("a.", 126) + "example", "the domain is too long"},
		{"ann.smith@" + strings.Repeat("a.", 122) + "example", "it is too long"},
		{strings.Repeat("a", 5000), "it is too long"},
	} {
		got, err := identity.NormalizeEmail(c.in)
		if err == nil {
			t.Errorf("NormalizeEmail(%q) = %v, want an error", c.in, got)
			continue
		}
		if !strings.Contains(err.Error(), c.why) {
			t.Errorf("NormalizeEmail(%q): %q, want it to say %q", c.in, err, c.why)
		}
	}
}

func TestDomain(t *testing.T) {
	for _, c := range []struct {
		key  identity.Key
		want string
	}{
		{identity.Key{Kind: identity.Email, Value: "ann@northwind.example"}, "northwind.example"},
		{identity.ExternalKey("crm", "ann@northwind.example"), ""},
		{identity.Key{}, ""},
	} {
		if got := identity.Domain(c.key); got != c.want {
			t.Errorf("Domain(%v) = %q, want %q", c.key, got, c.want)
		}
	}
}

func TestAccountKey(t *testing.T) {
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"northwind.example", "northwind.example", true},
		{"mail.northwind.example", "northwind.example", true},
		{"eu.mail.acme.co.uk", "acme.co.uk", true},
		{"ACME.com", "acme.com", true},
		{"acme.com.", "acme.com", true},
		{"bücher.de", "xn--bcher-kva.de", true},
		{"acme.github.io", "acme.github.io", true}, // a private suffix: each name is someone else
		{"co.uk", "", false},
		{"com", "", false},
		{"github.io", "", false},
		{"gmail.com", "", false},
		{"GMail.com", "", false},
		{"yahoo.co.uk", "", false},
		{"mail.tele.dk", "", false},
		{"x.mailinator.com", "", false},
		{"vip.qq.com", "", false},
		{"192.0.2.1", "", false},
		{"[192.0.2.1]", "", false},
		{"2001:db8::1", "", false},
		{"", "", false},
		{"acme", "", false},
		{"not a domain.com", "", false},
		{"http://acme.com", "", false},
	} {
		got, ok := identity.AccountKey(c.in)
		if got != c.want || ok != c.ok {
			t.Errorf("AccountKey(%q) = %q, %v, want %q, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestExternalKey(t *testing.T) {
	for _, c := range []struct{ system, id, want string }{
		{"crm", "0031", "crm:0031"},
		{" CRM ", " 0031Ab ", "crm:0031Ab"},
		{"a:b", "c", "a_b:c"}, // or it would be system a, ID b:c
	} {
		want := identity.Key{Kind: identity.External, Value: c.want}
		if diff := cmp.Diff(want, identity.ExternalKey(c.system, c.id)); diff != "" {
			t.Errorf("ExternalKey(%q, %q): %s", c.system, c.id, diff)
		}
	}
	if got := identity.ExternalKey("crm", " "); got != (identity.Key{}) {
		t.Errorf("an empty ID has the key %v", got)
	}
}

func TestCompanyKey(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Acme", "name:acme"},
		{"ACME, Inc.", "name:acme"},
		{"Acme GmbH & Co. KG", "name:acme"},
		{"Acme Sp. z o.o.", "name:acme"},
		{"Acme, s. r. o.", "name:acme"},
		{"Acme Co., Ltd.", "name:acme"},
		{"Acme S.A. de C.V.", "name:acme"},
		{"AB Acme (publ)", "name:acme"},
		{"ООО Ромашка", "name:ромашка"},
		{"株式会社日立製作所", "name:日立製作所"},
		{"삼성전자 주식회사", identity.CompanyKey("삼성전자")},
		{"The Acme Company", "name:acme"},
		{"Société Générale SA", "name:societe generale"},
		{"Ørsted A/S", "name:orsted"},
		{"L'Oréal", "name:loreal"},
		{"Procter & Gamble", "name:procter and gamble"},
		{"Procter and Gamble Co", "name:procter and gamble"},
		{"Straßen-Bau AG", "name:strassen bau"},
		{"AB", "name:ab"}, // something must be left
		{"Limited Company", "name:limited"},
		{"Acme Group", "name:acme group"},
		{"3M", "name:3m"},
		{"", ""},
		{" -- ", ""},
	} {
		if got := identity.CompanyKey(c.in); got != c.want {
			t.Errorf("CompanyKey(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestFoldName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"  Ann   SMITH ", "ann smith"},
		{"Łódź", "lodz"},
		{"İstanbul", "istanbul"},
		{"Ｆｕｌｌ　ｗｉｄｔｈ", "full width"},
		{"a-b_c/d", "a b c d"},
		{"and", "and"},
	} {
		if got := identity.FoldName(c.in); got != c.want {
			t.Errorf("FoldName(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestFreeMailHoldsTheBest(t *testing.T) {
	for _, d := range strings.Fields("gmail.com hotmail.com outlook.com yahoo.com icloud.com gmx.de web.de qq.com orange.fr libero.it mail.ru proton.me comcast.net uol.com.br yopmail.com") {
		if !identity.IsFreeMail(d) {
			t.Errorf("%s is not known as free mail", d)
		}
	}
	for _, d := range strings.Fields("microsoft.com google.com northwind.example acme.com") {
		if identity.IsFreeMail(d) {
			t.Errorf("%s is known as free mail", d)
		}
	}
}

func FuzzNormalizeEmail(f *testing.F) {
	for _, s := range []string{"Ann@Northwind.Example", "josé@BÜCHER.example", "a@b", "ann@xn--bcher-kva.example", "İ@x.example", "a@ẞ.example", "a@192.0.2.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := identity.NormalizeEmail(s)
		if err != nil {
			if key != (identity.Key{}) {
				t.Fatalf("NormalizeEmail(%q) gives both %v and %v", s, key, err)
			}
			return
		}
		again, err := identity.NormalizeEmail(key.Value)
		if err != nil || again != key {
			t.Fatalf("NormalizeEmail(%q) = %q, and of that %q, %v", s, key.Value, again.Value, err)
		}
		if identity.Domain(key) == "" {
			t.Fatalf("the domain of %q is empty", key.Value)
		}
		if account, ok := identity.AccountKey(identity.Domain(key)); ok {
			if a, ok := identity.AccountKey(account); !ok || a != account {
				t.Fatalf("AccountKey(%q) = %q, %v", account, a, ok)
			}
		}
	})
}

func FuzzCompanyKey(f *testing.F) {
	for _, s := range []string{"ACME, Inc.", "株式会社日立", "Acme Sp. z o.o.", "İ", "ǅ", "½ & co", "ﬃ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := identity.CompanyKey(s)
		if folded := identity.FoldName(s); identity.FoldName(folded) != folded {
			t.Fatalf("FoldName(%q) = %q, and of that %q", s, folded, identity.FoldName(folded))
		}
		if again := identity.CompanyKey(strings.TrimPrefix(key, "name:")); again != key {
			t.Fatalf("CompanyKey(%q) = %q, and of that %q", s, key, again)
		}
	})
}

func BenchmarkNormalizeEmail(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := identity.NormalizeEmail("ann.smith@northwind.example"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAccountKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := identity.AccountKey("mail.northwind.co.uk"); !ok {
			b.Fatal("no account")
		}
	}
}
