package agreement

import (
	"strconv"
	"strings"
)

// Kind is the type of a value in the vocabulary of an agreement.
type Kind uint8

// The kinds of value. Missing is the kind of a value nobody has told Baton yet.
const (
	Missing Kind = iota
	Text
	Number
	Boolean
	Date     // an instant; the start of the local day where only a day was given
	Choice   // one of a list of texts, spelled as the agreement spells it
	Duration // wall time; exists in conditions only, never in an attribute
)

// String returns the word the agreement uses for the kind.
func (k Kind) String() string {
	return [...]string{"missing", "text", "number", "boolean", "date", "choice", "duration"}[k]
}

// Value is one typed value. The zero Value is missing.
type Value struct {
	Kind Kind
	// Num holds a number, 1 or 0 for a boolean, and UTC microseconds for a date
	// (exact in a float64 until the year 2255).
	Num float64
	// Str holds a text as it was given.
	Str string
	// Fold is Str in lower case: conditions compare texts without regard to case.
	Fold string
}

// TextValue returns a text value.
func TextValue(s string) Value { return Value{Kind: Text, Str: s, Fold: strings.ToLower(s)} }

// ChoiceValue returns a choice value.
func ChoiceValue(s string) Value { return Value{Kind: Choice, Str: s, Fold: strings.ToLower(s)} }

// NumberValue returns a number value.
func NumberValue(n float64) Value { return Value{Kind: Number, Num: n} }

// DateValue returns a date value from UTC microseconds.
func DateValue(at int64) Value { return Value{Kind: Date, Num: float64(at)} }

// BooleanValue returns a boolean value.
func BooleanValue(b bool) Value {
	v := Value{Kind: Boolean}
	if b {
		v.Num = 1
	}
	return v
}

// Known reports whether the value is not missing.
func (v Value) Known() bool { return v.Kind != Missing }

// Equal reports whether two values are the same to the letter.
func (v Value) Equal(w Value) bool { return v.Kind == w.Kind && v.Num == w.Num && v.Str == w.Str }

// String returns the value as a reader would write it; dates are written by the
// caller, who knows the time zone.
func (v Value) String() string {
	switch v.Kind {
	case Number:
		return strconv.FormatFloat(v.Num, 'f', -1, 64)
	case Date:
		return strconv.FormatInt(int64(v.Num), 10)
	case Boolean:
		if v.Num != 0 {
			return "yes"
		}
		return "no"
	case Missing:
		return "not known"
	}
	return v.Str
}
