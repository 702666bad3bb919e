package identity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// maxPhone bounds what is looked at: the longest E.164 number has 15 digits, and people write much between them.
const maxPhone = 64

// NormalizePhone returns the key of a phone number in E.164, "+46812345678". A number without its country, "08-123 456 78", is
// read as people in region write it (ISO 3166, two letters); without a region it is refused, for
// it could be anybody's. The error says what is wrong; it is fit for a user.
//
// A number is accepted if one like it can exist in its country's plan. Extensions are dropped: whoever
// shares a switchboard shares the key.
func NormalizePhone(s, region string) (Key, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return Key{}, errors.New("reading a phone number: it is empty")
	case len(s) > maxPhone:
		return Key{}, fmt.Errorf("reading the phone number %q: it is too long", clip(s))
	}
	region = Region(region)
	number, err := phonenumbers.Parse(s, region)
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode) && region == "":
		return Key{}, fmt.Errorf("reading the phone number %q: write it with its country, as +46812345678", clip(s))
	case err != nil, !phonenumbers.IsPossibleNumber(number):
		return Key{}, fmt.Errorf("reading the phone number %q: there is no such number", clip(s))
	}
	value := phonenumbers.Format(number, phonenumbers.E164)
	// A number that loses another leading zero each time that it is read, "+49 000000", would have several keys: it is none.
	if again, err := phonenumbers.Parse(value, ""); err != nil || phonenumbers.Format(again, phonenumbers.E164) != value {
		return Key{}, fmt.Errorf("reading the phone number %q: there is no such number", clip(s))
	}
	return Key{Kind: Phone, Value: value}, nil
}

// Region returns an ISO 3166 code of two letters in capitals, "" for what is none.
func Region(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 2 || phonenumbers.GetCountryCodeForRegion(s) == 0 {
		return ""
	}
	return s
}
