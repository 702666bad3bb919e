package identity

import (
	_ "embed"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"
)

//go:embed freemail.txt
var freeMailList string

// freeMail holds the domains where anybody can have an address.
var freeMail = sync.OnceValue(func() map[string]struct{} {
	set := make(map[string]struct{}, 1024)
	for line := range strings.Lines(freeMailList) {
		line, _, _ = strings.Cut(line, "#")
		for _, domain := range strings.Fields(line) {
			set[domain] = struct{}{}
		}
	}
	return set
})

// AccountKey returns the key of the account a domain belongs to: the registrable
// domain ("mail.acme.co.uk" gives "acme.co.uk"). It is false where a domain says
// nothing about an organisation: free and disposable mail, public suffixes ("co.uk"),
// IP addresses, and what is no domain.
func AccountKey(domain string) (string, bool) {
	domain, err := NormalizeDomain(domain)
	if err != nil {
		return "", false
	}
	if IsFreeMail(domain) {
		return "", false
	}
	registrable, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil || IsFreeMail(registrable) {
		return "", false
	}
	return registrable, true
}

// IsFreeMail reports whether a normalised domain is one where anybody can have an
// address, for a while or for good. The list is short and well known, not complete.
func IsFreeMail(domain string) bool {
	_, free := freeMail()[domain]
	return free
}

// ExternalKey returns the key of an ID that another system gave: "crm:0031". The
// system's name is without regard to case; the ID is kept to the letter, because
// some systems tell "a1" from "A1". An empty ID has no key: the zero Key.
func ExternalKey(system, id string) Key {
	id = strings.TrimSpace(id)
	if id == "" {
		return Key{}
	}
	system = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(system)), ":", "_")
	return Key{Kind: External, Value: system + ":" + id}
}
