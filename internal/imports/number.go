package imports

import (
	"math"
	"strconv"
	"strings"
)

// decimal is how numbers are declared to be written.
type decimal uint8

const (
	decimalPlain decimal = iota // 1200.50, and no groups of digits
	decimalPoint                // 1,200.50 or 1 200.50
	decimalComma                // 1.200,50 or 1 200,50
)

// readNumber reads a number in the declared style; why says what to do about one that
// is not.
func readNumber(s string, style decimal) (n float64, why string) {
	plain := s
	if style != decimalPlain {
		var ok bool
		if plain, ok = ungroup(s, style); !ok {
			return 0, "is not a number with a decimal " + [...]string{"", "point", "comma"}[style]
		}
	}
	if plain == "" || strings.Trim(plain, "0123456789.+-eE") != "" || !strings.ContainsAny(plain, "0123456789") {
		if style == decimalPlain && strings.ContainsAny(s, ",' \u00a0\u202f") && strings.ContainsAny(s, "0123456789") {
			return 0, "is not a plain number; say decimal: comma or decimal: point in the mapping if numbers are written so"
		}
		return 0, "is not a number"
	}
	n, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsInf(n, 0) {
		return 0, "is not a number"
	}
	return n, ""
}

// ungroup takes the separators of thousands out and makes the decimal sign a point.
// Groups have three digits, and one file's number has one kind of separator.
func ungroup(s string, style decimal) (string, bool) {
	sign, group := ".", ","
	if style == decimalComma {
		sign, group = ",", "."
	}
	whole, fraction, cut := strings.Cut(s, sign)
	if cut && (strings.Trim(fraction, "0123456789eE+-") != "" || fraction == "") {
		return "", false
	}
	for _, separator := range []string{group, " ", "\u00a0", "\u202f", "'", "’", "_"} {
		if !strings.Contains(whole, separator) {
			continue
		}
		parts := strings.Split(whole, separator)
		if first := strings.TrimLeft(parts[0], "+-"); len(first) < 1 || len(first) > 3 {
			return "", false
		}
		for _, p := range parts[1:] {
			if len(p) != 3 || !onlyDigits(p) {
				return "", false
			}
		}
		whole = strings.Join(parts, "")
		break
	}
	if cut {
		return whole + "." + fraction, true
	}
	return whole, true
}

// readBoolean knows yes and no in the languages of our users.
func readBoolean(s string) (value, ok bool) {
	if len(s) > 8 {
		return false, false
	}
	switch strings.ToLower(s) {
	case "yes", "y", "true", "t", "1", "x", "on", "ja", "j", "oui", "vrai", "si", "sí", "sì", "sim", "tak", "ano", "áno", "kyllä", "da", "igen", "wahr", "sand", "verdadero", "vero", "да":
		return true, true
	case "no", "n", "false", "f", "0", "off", "nein", "nej", "nei", "nee", "non", "faux", "não", "nao", "nie", "ne", "ei", "nem", "falsch", "falsk", "falso", "нет":
		return false, true
	}
	return false, false
}
