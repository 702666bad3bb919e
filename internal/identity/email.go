package identity

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// The limits of RFC 5321, section 4.5.3.1, in bytes; an address has 254 because
// a path also holds two brackets.
const (
	maxEmail  = 254
	maxLocal  = 64
	maxDomain = 253
	maxLabel  = 63
)

// NormalizeEmail returns the key of an e-mail address: without surrounding space,
// in lower case, its domain in ASCII (IDNA). The part before the @ keeps its
// "+tag" and its dots, for what they mean is for each mail server to say. The error
// says what is wrong with an address that cannot be one; it is fit for a user.
func NormalizeEmail(s string) (Key, error) {
	s = strings.TrimSpace(s)
	fail := func(why string) (Key, error) {
		return Key{}, fmt.Errorf("reading the e-mail address %q: %s", clip(s), why)
	}
	switch {
	case s == "":
		return Key{}, errors.New("reading an e-mail address: it is empty")
	case len(s) > 4*maxEmail: // before any work on it; a domain may shrink in ASCII
		return fail("it is too long")
	case !utf8.ValidString(s):
		return fail("it holds bytes that are not text")
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return fail("it has no @")
	}
	local, domain := s[:at], s[at+1:]
	if strings.ContainsAny(s, "<>") {
		return fail("write the address alone, without a name or < >")
	}
	if strings.ContainsAny(s, ",;") {
		return fail("write one address, not several")
	}
	if !isLowerASCII(local) {
		local = lower(local)
	}
	if why := badLocal(local); why != "" {
		return fail(why)
	}
	domain, err := NormalizeDomain(domain)
	if err != nil {
		return fail(err.Error())
	}
	if len(local)+1+len(domain) > maxEmail {
		return fail("it is too long")
	}
	if len(s) == len(local)+1+len(domain) && s[:at] == local && s[at+1:] == domain {
		return Key{Kind: Email, Value: s}, nil
	}
	return Key{Kind: Email, Value: local + "@" + domain}, nil
}

// badLocal says what is wrong with the part before the @, "" for nothing. Quoted
// parts ("a b"@x) are refused: nobody has one, and a spreadsheet makes many.
func badLocal(local string) string {
	switch {
	case local == "":
		return "nothing stands before the @"
	case len(local) > maxLocal:
		return fmt.Sprintf("the part before the @ is longer than %d bytes", maxLocal)
	case local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, ".."):
		return "a dot stands where none can, before the @"
	}
	for _, r := range local {
		switch {
		case r == '@':
			return "it has more than one @"
		case unicode.IsSpace(r):
			return "it holds a space"
		case r < utf8.RuneSelf && !isAtext(byte(r)), r >= utf8.RuneSelf && !unicode.IsGraphic(r), r == utf8.RuneError:
			return fmt.Sprintf("it holds %q, which cannot stand before the @", r)
		}
	}
	return ""
}

// isAtext reports whether a byte may stand unquoted before the @ (RFC 5322,
// section 3.2.3), the dot included.
func isAtext(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte(".!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// NormalizeDomain returns a domain in lower case and ASCII, without a final dot.
// The error is a clause that fits after "reading …: ".
func NormalizeDomain(s string) (string, error) {
	domain := strings.TrimSuffix(strings.TrimSpace(s), ".")
	if domain == "" {
		return "", errors.New("the domain is empty")
	}
	if domain[0] == '[' || isAddress(domain) {
		return "", errors.New("a domain has a name, not an IP address")
	}
	if len(domain) > 4*maxDomain {
		return "", errors.New("the domain is too long")
	}
	if !isPlainDomain(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		ascii = strings.TrimSuffix(ascii, ".")
		if err != nil || ascii == "" { // "xn--" is nothing in ASCII
			return "", fmt.Errorf("%q is not a domain", clip(domain))
		}
		domain = ascii
	}
	if len(domain) > maxDomain {
		return "", errors.New("the domain is too long")
	}
	if isAddress(domain) {
		return "", errors.New("a domain has a name, not an IP address")
	}
	labels, last := 0, ""
	for label := range strings.SplitSeq(domain, ".") {
		switch {
		case label == "":
			return "", fmt.Errorf("%q has a dot too many", clip(domain))
		case len(label) > maxLabel:
			return "", fmt.Errorf("a part of %q is longer than %d bytes", clip(domain), maxLabel)
		case label[0] == '-' || label[len(label)-1] == '-':
			return "", fmt.Errorf("%q is not a domain: a part begins or ends with a hyphen", clip(domain))
		}
		labels, last = labels+1, label
	}
	if labels < 2 {
		return "", fmt.Errorf("%q is not a whole domain, such as northwind.example", clip(domain))
	}
	if strings.Trim(last, "0123456789") == "" {
		return "", fmt.Errorf("%q is not a domain: it ends in a number", clip(domain))
	}
	return domain, nil
}

// isPlainDomain reports whether a domain is in its final form already and needs no
// IDNA, which costs more than everything else here.
func isPlainDomain(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if ('a' > c || c > 'z') && ('0' > c || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return !strings.Contains(s, "xn--") && !strings.Contains(s, "--")
}

func isAddress(s string) bool {
	if c := s[len(s)-1]; (c < '0' || c > '9') && !strings.Contains(s, ":") {
		return false // cheaper than the parser's error
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

func isLowerASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || 'A' <= s[i] && s[i] <= 'Z' {
			return false
		}
	}
	return true
}

// lower is lower case in composed form, so that an é typed in two ways is one é.
// Lowering can leave a letter composable and composing can give a capital, hence
// the second time.
func lower(s string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(strings.ToLower(s))))
}

// Domain returns what follows the @ of an e-mail key, "" for any other key.
func Domain(email Key) string {
	if email.Kind != Email {
		return ""
	}
	return email.Value[strings.LastIndexByte(email.Value, '@')+1:]
}

// clip keeps a quoted text short enough for a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
